/* lwip_net_private.h - what lwip_net.c (connections) and lwip_listen.c (listeners) share */
#ifndef LWIP_NET_PRIVATE_H
#define LWIP_NET_PRIVATE_H

#include "lwip_net.h"

enum net_state {
    NET_FREE,
    NET_LOOKUP,     /* the name of the current family is being looked up */
    NET_CONNECTING, /* SYN sent to the address of the current family */
    NET_OPEN,
    NET_FAILED, /* err says why */
    NET_LISTEN,
    NET_LINGER, /* closed by the caller; lwIP still delivers */
    NET_ORPHAN  /* closed by the caller during a look-up, which cannot be called off */
};

/* ---- lwip_net.c ---- */

/* The socket of a handle that the caller holds, or NULL. */
struct lwip_net_sock *lwip_net_find(void *ctx, acme_sock handle);
/* A free place, with a new handle. The socket that has lingered longest makes room. */
struct lwip_net_sock *lwip_net_alloc(struct lwip_net *net, acme_sock *out);
/* The place is free again, at once or when its last look-up has ended. */
void lwip_net_free(struct lwip_net_sock *s);

/* Let lwIP report to c from now on, or to nobody; unread bytes are dropped. */
void lwip_net_hook(struct lwip_net_conn *c);
void lwip_net_unhook(struct lwip_net_conn *c);
/* End it at once; the peer sees a reset. */
void lwip_net_abort(struct lwip_net_conn *c);

/* ---- lwip_listen.c ---- */

int lwip_net_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out);
int lwip_net_accept(void *ctx, acme_sock handle, acme_sock *out);
void lwip_net_step_listen(struct lwip_net_sock *s);
void lwip_net_close_listener(struct lwip_net_sock *s);

#endif
