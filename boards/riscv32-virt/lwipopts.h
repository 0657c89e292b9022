/* lwipopts.h - lwIP on riscv32-virt: IPv4 and IPv6, and memory enough */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define MEM_ALIGNMENT           4
#define MEM_SIZE                49152 /* frames on their way in and out */
#define PBUF_POOL_SIZE          0     /* received frames are copied into that heap */
#define MEMP_NUM_PBUF           16
#define MEMP_NUM_UDP_PCB        6
#define MEMP_NUM_TCP_PCB        24
#define MEMP_NUM_TCP_PCB_LISTEN 3
#define MEMP_NUM_TCP_SEG        64
#define ARP_TABLE_SIZE          8
#define DNS_TABLE_SIZE          4
#define DNS_MAX_NAME_LENGTH     128
#define DNS_MAX_SERVERS         3

/* port/lwip's sockets (lwip_net.h): the CA, the responder's listener and its validators, HTTPS. */
#define LWIP_NET_SOCKS   16
#define LWIP_NET_BACKLOG 8

#define TCP_MSS          1440 /* what IPv6 leaves of 1500 */
#define TCP_WND          (8 * TCP_MSS)
#define TCP_SND_BUF      (4 * TCP_MSS)
#define TCP_SND_QUEUELEN 16
#define TCP_QUEUE_OOSEQ  1
#define TCP_MSL          15000

#define LWIP_CHECKSUM_ON_COPY 1

#include "board_lwipopts.h"

#endif
