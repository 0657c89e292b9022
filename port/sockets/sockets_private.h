/* sockets_private.h - what sockets_net.c and sockets_wait.c share; not for others */
#ifndef SOCKETS_PRIVATE_H
#define SOCKETS_PRIVATE_H

#include "sockets_net.h"

enum sockets_state {
    SOCKETS_FREE,
    SOCKETS_LOOKUP,
    SOCKETS_CONNECTING,
    SOCKETS_OPEN,
    SOCKETS_LISTEN,
    SOCKETS_FAILED,
    SOCKETS_LINGER /* closed by its owner, still delivers; its handle is void */
};

enum { SOCKETS_READ = 1, SOCKETS_WRITE = 2 };

/* Monotonic milliseconds. */
uint64_t sockets_now(void);

/* Move on what waits for a look-up or a handshake. */
void sockets_progress(struct sockets_net *net, struct sockets_slot *s);

/* Read away what comes: true when the peer has ended too. */
bool sockets_drained(int fd);

/* Give back everything that the slot holds. */
void sockets_free(struct sockets_net *net, struct sockets_slot *s);

#endif
