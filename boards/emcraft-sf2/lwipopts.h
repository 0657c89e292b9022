/* lwipopts.h - lwIP on emcraft-sf2: 4.3 KB of RAM, because received frames stay in the network
 * card's own buffers (no PBUF_POOL) */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define LWIP_SINGLE_NETIF  1
#define IP_OPTIONS_ALLOWED 0 /* nobody sends them, but who is up to something */

/* Memory: 4-byte words; a heap for what is sent, pools for the rest. */
#define MEM_ALIGNMENT 4
#ifndef MEM_SIZE
#define MEM_SIZE 2600
#endif
#define PBUF_POOL_SIZE           0
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define MEMP_NUM_PBUF            4
#define MEMP_NUM_UDP_PCB         (3 + LWIP_IPV6) /* DHCP, DNS, SNTP */
#define MEMP_NUM_TCP_PCB         10
#define MEMP_NUM_TCP_PCB_LISTEN  2
#define MEMP_NUM_TCP_SEG         16
#define ARP_TABLE_SIZE           4
#define ARP_QUEUEING             0
#define DNS_TABLE_SIZE           2
#define DNS_MAX_NAME_LENGTH      64
#define DNS_MAX_SERVERS          2

/* port/lwip's sockets (lwip_net.h): the CA, the responder's listener and three of the CA's
 * validators; HTTPS has its two when the CA is not asked. CAs validate each name from several
 * places at the same moment: those wait in the listener's queue. */
#define LWIP_NET_SOCKS   6
#define LWIP_NET_BACKLOG 6

/* TCP: two segments each way; out-of-order segments would hold the card's buffers. */
#define TCP_MSS          1460
#define TCP_WND          (2 * TCP_MSS)
#define TCP_SND_BUF      (2 * TCP_MSS) /* a limit, not memory: that is MEM_SIZE */
#define TCP_SND_QUEUELEN 8
#define TCP_QUEUE_OOSEQ  0
#define TCP_OVERSIZE     0     /* TLS records are written whole: no room is kept behind them */
#define TCP_MSL          15000 /* TIME_WAIT holds one of five pcbs; lwIP takes the oldest when short */

#include "board_lwipopts.h"

#endif
