/* lwip_net.h - the net contract over lwIP's raw API, for systems without an OS (NO_SYS=1)
 *
 * lwIP calls back whenever a frame is fed to it; here every callback only notes what happened
 * (bytes are chained, flags are set) and returns. All acts come from the caller's own calls, so
 * lwIP is never re-entered from one of its callbacks.
 *
 * The board's main loop feeds frames to lwIP, calls sys_check_timeouts(), and then lwip_net_poll().
 * All of it runs in one thread. IPv4, IPv6 or both: whatever lwipopts.h switches on.
 *
 * lwipopts.h must have: LWIP_TCP, LWIP_DNS, LWIP_CALLBACK_API, TCP_LISTEN_BACKLOG and SO_REUSE
 * (a port may be listened on again while its last connections rest in TIME_WAIT), a timer for
 * each (MEMP_NUM_SYS_TIMEOUT), DNS_TABLE_SIZE of at least one for each address family, and
 * LWIP_RAND and LWIP_HOOK_TCP_ISN as in lwip_hooks.h.
 */
#ifndef LWIP_NET_H
#define LWIP_NET_H

#include "acme_port.h"

#include "lwip/ip_addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tcp_pcb;
struct pbuf;

/* Sockets at one time, listeners included (1..32). */
#ifndef LWIP_NET_SOCKS
#define LWIP_NET_SOCKS 6
#endif

/* Connections that wait for accept, for each listener (1..8). A further SYN is not answered, so
 * the peer tries again a second later. */
#ifndef LWIP_NET_BACKLOG
#define LWIP_NET_BACKLOG 2
#endif

/* How long one address may take to answer the TCP handshake, before the next address of the name
 * is tried, in ms. */
#ifndef LWIP_NET_CONNECT_MS
#define LWIP_NET_CONNECT_MS 10000
#endif

/* How long a closed socket may go on delivering what send took, in ms. Its place in the table is
 * given to a new socket earlier when there is no other; lwIP then ends it by its own timers. */
#ifndef LWIP_NET_LINGER_MS
#define LWIP_NET_LINGER_MS 5000
#endif

/* ---- private below: here so that the caller can place it in static storage ---- */

#if LWIP_IPV4 && LWIP_IPV6
#define LWIP_NET_FAMILIES 2
#else
#define LWIP_NET_FAMILIES 1
#endif

/* What the callbacks write. A connection that waits for accept has only this. */
struct lwip_net_conn {
    struct tcp_pcb *pcb; /* NULL: lwIP has freed it, or there is none */
    struct pbuf *rx;     /* received, not yet read */
    uint8_t connected;
    uint8_t eof; /* the peer's FIN came */
    int8_t gone; /* lwIP's err_t when it freed the pcb */
};

struct lwip_net_lookup {
    ip_addr_t addr;
    uint8_t state;
};

struct lwip_net_sock {
    struct lwip_net_conn conn;
    uint8_t state;
    uint8_t family;      /* which look-up is being tried */
    uint16_t generation; /* part of the handle: an old handle is recognized */
    uint16_t port;
    int16_t err;       /* final answer of send and recv */
    uint32_t deadline; /* of the handshake, or of lingering; sys_now() */
    union {
        struct lwip_net_lookup lookup[LWIP_NET_FAMILIES];
        struct lwip_net_conn waiting[LWIP_NET_BACKLOG]; /* listener: oldest first */
    } u;
};

struct lwip_net {
    struct lwip_net_sock socks[LWIP_NET_SOCKS];
};

/* ---- public ---- */

/* The functions for struct acme_port's net; their ctx is a struct lwip_net (or a struct whose
 * first member is one). */
extern const struct acme_net lwip_net_ops;

/* Before the first use, after lwip_init(). */
void lwip_net_init(struct lwip_net *net);

/* Time limits of handshakes and lingering sockets: from the main loop, each time around or a few
 * times a second. */
void lwip_net_poll(struct lwip_net *net);

#ifdef __cplusplus
}
#endif

#endif
