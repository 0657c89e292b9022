/* lwipopts.h - lwIP for host tests: no OS, one loopback interface, sizes of a small board */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include <stdint.h>

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS          1

#define LWIP_IPV4 1
#ifndef LWIP_IPV6
#define LWIP_IPV6 0
#endif
#define LWIP_ARP            0
#define LWIP_ETHERNET       0
#define LWIP_IPV6_REASS     0 /* lwIP wants 32-bit pointers for it; nothing here is in fragments */
#define LWIP_HAVE_LOOPIF    0
#define LWIP_NETIF_LOOPBACK 0

#define LWIP_TCP         1
#define LWIP_UDP         1
#define LWIP_DNS         1
#define LWIP_DNS_SECURE  7
#define DNS_TABLE_SIZE   4
#define DNS_MAX_REQUESTS 4

#define SO_REUSE                1
#define TCP_LISTEN_BACKLOG      1
#define TCP_MSS                 1460
#define TCP_WND                 (2 * TCP_MSS)
#define TCP_SND_BUF             (2 * TCP_MSS)
#define MEM_SIZE                16384
#define MEM_ALIGNMENT           8
#define MEMP_NUM_TCP_PCB        32
#define MEMP_NUM_TCP_PCB_LISTEN 16
#define MEMP_NUM_TCP_SEG        32
#define PBUF_POOL_SIZE          64
#define MEMP_OVERFLOW_CHECK     2
#define MEM_OVERFLOW_CHECK      2
#define MEMP_SANITY_CHECK       1
#define LWIP_STATS              1
#define LWIP_STATS_DISPLAY      0
#define MEM_STATS               1
#define MEMP_STATS              1

uint32_t lwip_hooks_rand(void);
#define LWIP_RAND()        lwip_hooks_rand()
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN  lwip_hooks_isn

#endif
