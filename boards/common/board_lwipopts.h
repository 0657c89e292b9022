/* board_lwipopts.h - what every board's lwipopts.h ends with: no OS, an agent's protocols, and
 * numbers that nobody can guess. Before it: IPv6 or not, and all sizes. */
#ifndef BOARD_LWIPOPTS_H
#define BOARD_LWIPOPTS_H

#include <stdint.h>

/* No OS: everything runs in the main loop. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0

#define LWIP_IPV4 1
#ifndef LWIP_IPV6
#define LWIP_IPV6 0
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
#define IP_REASSEMBLY            0 /* TCP keeps to the MTU */
#define IP_FRAG                  0
#define LWIP_IPV6_REASS          0
#define LWIP_IPV6_FRAG           0
#define LWIP_STATS               0
#define MEMP_NUM_SYS_TIMEOUT     (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1) /* SNTP */
#define TCP_LISTEN_BACKLOG       1
#define SO_REUSE                 1 /* port 80 again while its last connections rest in TIME_WAIT */

/* Random and sequence numbers (lwip_hooks.h). */
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
