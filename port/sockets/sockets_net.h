/* sockets_net.h - struct acme_net over non-blocking BSD sockets
 *
 * For systems with POSIX sockets, poll and threads. The only thread is a helper that looks up a
 * name, because getaddrinfo blocks; see sockets_lookup.h. Everything else runs in the caller.
 *
 * One struct sockets_net is the ctx of one port (acme_port.ctx). A program that needs a ctx of
 * its own for event() makes the struct sockets_net its first member.
 */
#ifndef SOCKETS_NET_H
#define SOCKETS_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_port.h"
#include "sockets_lookup.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sockets at once, 1..256: listeners, connections and closed ones that still deliver. */
#ifndef SOCKETS_MAX
#define SOCKETS_MAX 24
#endif

/* ---- private below, but for the five settings of struct sockets_net ---- */

struct sockets_slot {
    int fd;              /* -1: none */
    int job;             /* look-up under way, or -1 */
    int err;             /* why it failed: what send and recv answer from then on */
    uint32_t generation; /* part of the handle, so that an old handle finds nothing */
    uint8_t state;
    uint8_t want; /* what sockets_wait waits for */
    uint8_t addr_next, addr_count;
    bool starved; /* listener: accept found no free socket */
    uint16_t port;
    uint64_t deadline;      /* of the whole look-up, of all addresses, of delivery after close */
    uint64_t addr_deadline; /* of the address being tried */
    union {
        char host[SOCKETS_HOST_MAX + 1];          /* until the look-up has started */
        struct sockets_addr addrs[SOCKETS_ADDRS]; /* from its end on */
    } to;
};

struct sockets_net {
    /* Settings, in milliseconds; sockets_init gives the defaults, the caller may change them
     * before the first connect. */
    uint32_t lookup_ms;  /* a look-up may take this long, then ACME_E_LOOKUP (20 s) */
    uint32_t address_ms; /* each address but the last, then the next one (5 s) */
    uint32_t connect_ms; /* all addresses together, then ACME_E_TIMEOUT (30 s) */
    uint32_t linger_ms;  /* a closed connection still reads to its end, so that the peer gets what
                          * was queued and not a reset (2 s) */
    sockets_lookup_fn lookup; /* runs in a helper thread: the system's look-up */

    uint16_t refused; /* the port of the last listen that failed; 0: none did */
    int wake[2];      /* a pipe: written to end sockets_wait early */
    struct sockets_slot slots[SOCKETS_MAX];
};

/* The operations; their ctx is a struct sockets_net. */
extern const struct acme_net sockets_net_ops;

/* Make ready. ACME_OK, or ACME_E_SIZE when the process has no descriptor left. */
int sockets_init(struct sockets_net *net);

/* Close all sockets. A look-up that still runs is abandoned: its thread ends by itself and never
 * touches *net again, so *net may be reused or freed at once. */
void sockets_down(struct sockets_net *net);

/* Sleep until ms have passed or there may be something to do: bytes or a connection came for a
 * socket whose recv, accept or connect was asked since the last wake, a socket whose send answered
 * ACME_AGAIN takes bytes again, a connection was made or failed, a signal was caught, or
 * sockets_wake was called. May return early for no reason. */
void sockets_wait(struct sockets_net *net, uint32_t ms);

/* Make the present or the next sockets_wait return at once. May be called from a signal handler
 * and from another thread; that is how a signal between a test of its flag and sockets_wait is
 * not slept over. */
void sockets_wake(struct sockets_net *net);

#ifdef __cplusplus
}
#endif

#endif
