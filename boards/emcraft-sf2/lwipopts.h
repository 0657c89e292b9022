/* lwipopts.h - lwIP on emcraft-sf2: 4.3 KB of RAM, because received frames stay in the network
 * card's own buffers (no PBUF_POOL) */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include <stdint.h>

/* No OS: everything runs in the main loop. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0

#define LWIP_IPV4 1
#ifndef LWIP_IPV6
#define LWIP_IPV6 0 /* 19 KB of flash, 3 KB of RAM */
#endif
#if LWIP_IPV6
#define BOARD_NETIF_IP6(netif) ((netif)->output_ip6 = ethip6_output)
#else
#define BOARD_NETIF_IP6(netif) ((void)(netif))
#endif
#define LWIP_IPV6_DHCP6          0
#define LWIP_RAW                 0
#define LWIP_ICMP                1
#define LWIP_UDP                 1
#define LWIP_TCP                 1
#define LWIP_DHCP                1
#define LWIP_DHCP_DOES_ACD_CHECK 0 /* 3 s before an address is used */
#define LWIP_DHCP_GET_NTP_SRV    1
#define LWIP_DNS                 1
#define LWIP_DNS_SECURE          7 /* random id and source port, no two queries for one name */
#define LWIP_NETIF_HOSTNAME      1
#define LWIP_HAVE_LOOPIF         0
#define IP_REASSEMBLY            0 /* TCP keeps to the MTU; a fragment would hold a buffer for seconds */
#define IP_FRAG                  0
#define LWIP_IPV6_REASS          0
#define LWIP_IPV6_FRAG           0
#define LWIP_STATS               0
#define LWIP_SINGLE_NETIF        1
#define IP_OPTIONS_ALLOWED       0 /* nobody sends them, but who is up to something */

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
#define MEMP_NUM_SYS_TIMEOUT     (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1) /* SNTP */
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
#define TCP_MSS            1460
#define TCP_WND            (2 * TCP_MSS)
#define TCP_SND_BUF        (2 * TCP_MSS) /* a limit, not memory: that is MEM_SIZE */
#define TCP_SND_QUEUELEN   8
#define TCP_QUEUE_OOSEQ    0
#define TCP_OVERSIZE       0 /* TLS records are written whole: no room is kept behind them */
#define TCP_LISTEN_BACKLOG 1
#define SO_REUSE           1 /* port 80 again while its last connections rest in TIME_WAIT */
#define TCP_MSL            15000 /* TIME_WAIT holds one of five pcbs; lwIP takes the oldest when short */

/* Numbers that nobody can guess (lwip_hooks.h). */
uint32_t lwip_hooks_rand(void);
#define LWIP_RAND()        lwip_hooks_rand()
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN  lwip_hooks_isn

/* SNTP: the reply must repeat a random cookie, and come from the server that was asked. */
#include "board_lwip.h"
#define SNTP_SERVER_DNS            1
#define SNTP_MAX_SERVERS           1
#define SNTP_GET_SERVERS_FROM_DHCP 1
#define SNTP_STARTUP_DELAY         0
#define SNTP_RETRY_TIMEOUT         5000
#define SNTP_CHECK_RESPONSE        2
#define SNTP_SET_SYSTEM_TIME(sec)  board_lwip_sntp_set(sec)
#define SNTP_GET_SYSTEM_TIME_NTP(high, low)                                                        \
    board_lwip_sntp_cookie((uint32_t *)&(high), (uint32_t *)&(low))

#endif
