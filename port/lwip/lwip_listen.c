#include "lwip_net_private.h"

#include <stdbool.h>
#include <string.h>

#include "lwip/netif.h"
#include "lwip/tcp.h"

/* A place in the listener's queue, and not yet a socket: bytes that come before accept must be
 * kept too. */
static err_t net_on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct lwip_net_sock *s = arg;
    if (err != ERR_OK || pcb == NULL)
        return ERR_OK; /* lwIP tells that it is out of memory; the peer will try again */
    for (unsigned i = 0; i < LWIP_NET_BACKLOG; i++) {
        struct lwip_net_conn *c = &s->u.waiting[i];
        if (c->connected)
            continue;
        *c = (struct lwip_net_conn){.pcb = pcb, .connected = 1};
        lwip_net_hook(c);
        tcp_backlog_delayed(pcb); /* counts against the backlog until accept takes it */
        return ERR_OK;
    }
    return ERR_MEM; /* lwIP resets the connection */
}

/* Takes the i-th out of the queue; the pcbs behind it must learn their new places. */
static struct lwip_net_conn net_unqueue(struct lwip_net_sock *listener, unsigned i)
{
    struct lwip_net_conn *w = listener->u.waiting;
    struct lwip_net_conn taken = w[i];
    for (; i + 1 < LWIP_NET_BACKLOG; i++) {
        w[i] = w[i + 1];
        if (w[i].pcb != NULL)
            tcp_arg(w[i].pcb, &w[i]);
    }
    w[i] = (struct lwip_net_conn){0};
    return taken;
}

/* Connections that were reset while they waited make room. */
void lwip_net_step_listen(struct lwip_net_sock *s)
{
    for (unsigned i = LWIP_NET_BACKLOG; i-- > 0;) {
        struct lwip_net_conn *w = &s->u.waiting[i];
        if (w->connected && w->pcb == NULL) {
            lwip_net_unhook(w);
            (void)net_unqueue(s, i);
        }
    }
}

#if LWIP_IPV6
static bool net_is_ours6(struct netif *netif, const ip_addr_t *addr)
{
    return IP_IS_V6(addr) && netif_get_ip6_addr_match(netif, ip_2_ip6(addr)) >= 0;
}
#else
static bool net_is_ours6(struct netif *netif, const ip_addr_t *addr)
{
    (void)netif;
    (void)addr;
    return false;
}
#endif

#if LWIP_IPV4
static bool net_is_ours4(struct netif *netif, const ip_addr_t *addr)
{
    return IP_IS_V4(addr) && ip4_addr_eq(ip_2_ip4(addr), netif_ip4_addr(netif));
}
#else
static bool net_is_ours4(struct netif *netif, const ip_addr_t *addr)
{
    (void)netif;
    (void)addr;
    return false;
}
#endif

/* lwIP binds to any address; the contract says no to a stranger's. */
static bool net_is_ours(const ip_addr_t *addr)
{
    struct netif *netif;
    if (ip_addr_isany(addr))
        return true;
    NETIF_FOREACH(netif)
    {
        if (net_is_ours4(netif, addr) || net_is_ours6(netif, addr))
            return true;
    }
    return false;
}

/* Two listeners share a port only on two addresses. lwIP looks at equal addresses alone, once
 * SO_REUSE is on. */
static bool net_is_taken(const struct lwip_net *net, const ip_addr_t *addr, uint16_t port)
{
    for (unsigned i = 0; i < LWIP_NET_SOCKS; i++) {
        const struct lwip_net_sock *s = &net->socks[i];
        if (s->state != NET_LISTEN || s->port != port)
            continue;
        const ip_addr_t *other = &s->conn.pcb->local_ip;
        if (ip_addr_isany(other) || ip_addr_isany(addr) || ip_addr_eq(other, addr))
            return true;
    }
    return false;
}

/* A listening pcb; or NULL, and *why. */
static struct tcp_pcb *net_listening_pcb(const ip_addr_t *addr, uint16_t port, int *why)
{
    err_t err = ERR_OK;
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(addr));
    *why = ACME_E_SIZE;
    if (pcb == NULL)
        return NULL;
    ip_set_option(pcb, SOF_REUSEADDR);
    err = tcp_bind(pcb, addr, port);
    struct tcp_pcb *listener = NULL;
    if (err == ERR_OK)
        listener = tcp_listen_with_backlog_and_err(pcb, LWIP_NET_BACKLOG, &err);
    if (listener == NULL) {
        *why = err == ERR_USE ? ACME_E_PORT_BUSY : ACME_E_SIZE;
        tcp_close(pcb);
    }
    return listener;
}

int lwip_net_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    ip_addr_t local = *IP_ANY_TYPE;
    int why;
    *out = ACME_NO_SOCK;
    if (port == 0 || (addr != NULL && !ipaddr_aton(addr, &local)))
        return ACME_E_ARG;
    if (!net_is_ours(&local))
        return ACME_E_NET;
    if (net_is_taken(ctx, &local, port))
        return ACME_E_PORT_BUSY;
    acme_sock handle;
    struct lwip_net_sock *s = lwip_net_alloc(ctx, &handle);
    if (s == NULL)
        return ACME_E_SIZE;
    s->conn.pcb = net_listening_pcb(&local, port, &why);
    if (s->conn.pcb == NULL)
        return why;
    s->state = NET_LISTEN;
    s->port = port;
    tcp_arg(s->conn.pcb, s);
    tcp_accept(s->conn.pcb, net_on_accept);
    *out = handle;
    return ACME_OK;
}

int lwip_net_accept(void *ctx, acme_sock handle, acme_sock *out)
{
    struct lwip_net_sock *listener = lwip_net_find(ctx, handle);
    *out = ACME_NO_SOCK;
    if (listener == NULL || listener->state != NET_LISTEN)
        return ACME_E_ARG;
    lwip_net_step_listen(listener);
    if (!listener->u.waiting[0].connected)
        return ACME_AGAIN;
    struct lwip_net_sock *s = lwip_net_alloc(ctx, out);
    if (s == NULL)
        return ACME_E_SIZE;
    s->conn = net_unqueue(listener, 0);
    s->state = NET_OPEN;
    tcp_arg(s->conn.pcb, &s->conn);
    tcp_backlog_accepted(s->conn.pcb);
    return ACME_OK;
}

void lwip_net_close_listener(struct lwip_net_sock *s)
{
    for (unsigned i = 0; i < LWIP_NET_BACKLOG; i++)
        lwip_net_abort(&s->u.waiting[i]);
    tcp_arg(s->conn.pcb, NULL);
    tcp_close(s->conn.pcb);
    memset(&s->u, 0, sizeof s->u);
    lwip_net_free(s);
}
