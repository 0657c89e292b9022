#include "lwip_net_private.h"

#include <stdbool.h>
#include <string.h>

#include "lwip/dns.h"
#include "lwip/pbuf.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"

#if !LWIP_TCP || !LWIP_DNS || !LWIP_CALLBACK_API || !TCP_LISTEN_BACKLOG || !SO_REUSE
#error "lwip_net needs LWIP_TCP, LWIP_DNS, LWIP_CALLBACK_API, TCP_LISTEN_BACKLOG and SO_REUSE"
#endif

enum net_lookup_state { NET_NAME_NONE, NET_NAME_PENDING, NET_NAME_FOUND, NET_NAME_FAILED };

/* In the order in which they are tried. */
static const uint8_t net_families[] = {
#if LWIP_IPV6
    LWIP_DNS_ADDRTYPE_IPV6,
#endif
#if LWIP_IPV4
    LWIP_DNS_ADDRTYPE_IPV4,
#endif
};

#define NET_INDEX_BITS 5 /* a handle is generation, then index */

static bool net_is_past(uint32_t deadline)
{
    return (int32_t)(sys_now() - deadline) >= 0;
}

/* ---- what lwIP calls: note it, nothing else ---- */

static void net_on_err(void *arg, err_t err)
{
    struct lwip_net_conn *c = arg;
    c->pcb = NULL; /* lwIP frees it after this call */
    c->gone = err;
}

static void net_forget(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
}

static err_t net_on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct lwip_net_conn *c = arg;
    (void)err;
    if (p != NULL && c->rx != NULL)
        pbuf_cat(c->rx, p);
    else if (p != NULL)
        c->rx = p;
    if (p != NULL)
        return ERR_OK;
    c->eof = 1;
    if (pcb->state == TIME_WAIT || pcb->state == CLOSING) {
        /* Both halves are closed. From here lwIP may free the pcb without telling. */
        net_forget(pcb);
        c->pcb = NULL;
    }
    return ERR_OK;
}

static err_t net_on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct lwip_net_conn *c = arg;
    (void)pcb;
    (void)err;
    c->connected = 1;
    return ERR_OK;
}

static void net_on_found(const char *name, const ip_addr_t *addr, void *arg)
{
    struct lwip_net_lookup *l = arg;
    (void)name;
    l->state = NET_NAME_FAILED;
    if (addr != NULL) {
        l->addr = *addr;
        l->state = NET_NAME_FOUND;
    }
}

void lwip_net_hook(struct lwip_net_conn *c)
{
    tcp_arg(c->pcb, c);
    tcp_recv(c->pcb, net_on_recv);
    tcp_err(c->pcb, net_on_err);
    tcp_nagle_disable(c->pcb); /* requests are whole TLS records: none waits for an ACK */
}

/* ---- the table ---- */

void lwip_net_unhook(struct lwip_net_conn *c)
{
    if (c->rx != NULL) {
        if (c->pcb != NULL)
            tcp_recved(c->pcb, c->rx->tot_len);
        pbuf_free(c->rx);
        c->rx = NULL;
    }
    if (c->pcb != NULL)
        net_forget(c->pcb);
}

void lwip_net_abort(struct lwip_net_conn *c)
{
    lwip_net_unhook(c);
    if (c->pcb != NULL)
        tcp_abort(c->pcb);
    c->pcb = NULL;
}

/* lwIP goes on alone: it delivers what is queued, then FIN, within its own time limits. */
static void net_let_go(struct lwip_net_conn *c)
{
    lwip_net_unhook(c);
    if (c->pcb != NULL && tcp_close(c->pcb) != ERR_OK)
        tcp_abort(c->pcb);
    c->pcb = NULL;
}

static bool net_is_looking_up(const struct lwip_net_sock *s)
{
    for (unsigned i = 0; i < LWIP_NET_FAMILIES; i++) {
        if (s->state != NET_LISTEN && s->u.lookup[i].state == NET_NAME_PENDING)
            return true;
    }
    return false;
}

/* lwIP cannot call off a look-up: as long as one may write into the place, nobody gets it. */
void lwip_net_free(struct lwip_net_sock *s)
{
    uint16_t generation = s->generation;
    if (net_is_looking_up(s)) {
        s->state = NET_ORPHAN;
        return;
    }
    memset(s, 0, sizeof *s);
    s->generation = generation;
}

struct lwip_net_sock *lwip_net_find(void *ctx, acme_sock handle)
{
    struct lwip_net *net = ctx;
    uint32_t index = (uint32_t)handle & ((1U << NET_INDEX_BITS) - 1);
    if (handle < 0 || index >= LWIP_NET_SOCKS)
        return NULL;
    struct lwip_net_sock *s = &net->socks[index];
    if (s->generation != (uint32_t)handle >> NET_INDEX_BITS)
        return NULL;
    return s->state == NET_FREE || s->state == NET_LINGER || s->state == NET_ORPHAN ? NULL : s;
}

/* ---- connecting ---- */

static int net_fail(struct lwip_net_sock *s, int err)
{
    lwip_net_abort(&s->conn);
    s->state = NET_FAILED;
    s->err = (int16_t)err;
    return err;
}

static int net_err_of(err_t gone)
{
    return gone == ERR_ABRT ? ACME_E_TIMEOUT : ACME_E_NET; /* ABRT: retransmitted in vain */
}

/* SYN to addr: false when there is no way to even try. */
static bool net_try(struct lwip_net_sock *s, const ip_addr_t *addr)
{
    s->conn = (struct lwip_net_conn){.pcb = tcp_new_ip_type(IP_GET_TYPE(addr))};
    if (s->conn.pcb == NULL)
        return false;
    lwip_net_hook(&s->conn);
    if (tcp_connect(s->conn.pcb, addr, s->port, net_on_connected) != ERR_OK) {
        lwip_net_abort(&s->conn);
        return false;
    }
    s->deadline = sys_now() + LWIP_NET_CONNECT_MS;
    s->state = NET_CONNECTING;
    return true;
}

/* err is why the current family failed. A later family's failure to have any address does not
 * hide that an earlier one had an address and was refused. */
static void net_next_family(struct lwip_net_sock *s, int err)
{
    lwip_net_abort(&s->conn);
    s->conn = (struct lwip_net_conn){0};
    if (s->err == 0 || err != ACME_E_LOOKUP)
        s->err = (int16_t)err;
    s->family++;
    s->state = s->family < LWIP_NET_FAMILIES ? NET_LOOKUP : NET_FAILED;
}

static void net_step_lookup(struct lwip_net_sock *s)
{
    const struct lwip_net_lookup *l = &s->u.lookup[s->family];
    if (l->state == NET_NAME_PENDING)
        return;
    if (l->state != NET_NAME_FOUND)
        net_next_family(s, ACME_E_LOOKUP);
    else if (!net_try(s, &l->addr))
        net_next_family(s, ACME_E_NET);
}

static void net_step_connecting(struct lwip_net_sock *s)
{
    if (s->conn.connected)
        s->state = NET_OPEN;
    else if (s->conn.pcb == NULL)
        net_next_family(s, net_err_of(s->conn.gone));
    else if (net_is_past(s->deadline))
        net_next_family(s, ACME_E_TIMEOUT);
}

/* Closed by the caller: eat what the peer still sends, until it is done or the time is up. */
static void net_step_linger(struct lwip_net_sock *s)
{
    struct lwip_net_conn *c = &s->conn;
    if (c->rx != NULL && c->pcb != NULL)
        tcp_recved(c->pcb, c->rx->tot_len);
    if (c->rx != NULL)
        pbuf_free(c->rx);
    c->rx = NULL;
    if (c->pcb != NULL && c->eof)
        net_let_go(c);
    if (c->pcb != NULL && net_is_past(s->deadline))
        lwip_net_abort(c);
    if (c->pcb == NULL)
        lwip_net_free(s);
}

static void net_step(struct lwip_net_sock *s)
{
    switch ((enum net_state)s->state) {
    case NET_LOOKUP:
        net_step_lookup(s);
        break;
    case NET_CONNECTING:
        net_step_connecting(s);
        break;
    case NET_LISTEN:
        lwip_net_step_listen(s);
        break;
    case NET_LINGER:
        net_step_linger(s);
        break;
    case NET_ORPHAN:
        lwip_net_free(s);
        break;
    default:
        break;
    }
}

void lwip_net_poll(struct lwip_net *net)
{
    for (unsigned i = 0; i < LWIP_NET_SOCKS; i++)
        net_step(&net->socks[i]);
}

struct lwip_net_sock *lwip_net_alloc(struct lwip_net *net, acme_sock *out)
{
    struct lwip_net_sock *best = NULL;
    lwip_net_poll(net);
    for (unsigned i = 0; i < LWIP_NET_SOCKS; i++) {
        struct lwip_net_sock *s = &net->socks[i];
        if (s->state == NET_FREE) {
            best = s;
            break;
        }
        if (s->state == NET_LINGER && !net_is_looking_up(s) &&
            (best == NULL || (int32_t)(s->deadline - best->deadline) < 0))
            best = s;
    }
    if (best == NULL)
        return NULL;
    if (best->state == NET_LINGER) {
        net_let_go(&best->conn);
        lwip_net_free(best);
    }
    best->generation++;
    *out =
        (acme_sock)((uint32_t)best->generation << NET_INDEX_BITS | (uint32_t)(best - net->socks));
    return best;
}

/* All look-ups start at once, so that lwIP's table and not ours remembers the name. */
static void net_start_lookups(struct lwip_net_sock *s, const char *host)
{
    ip_addr_t literal;
    bool is_literal = ipaddr_aton(host, &literal) != 0;
    s->state = NET_LOOKUP;
    if (is_literal) {
        s->u.lookup[0] = (struct lwip_net_lookup){.addr = literal, .state = NET_NAME_FOUND};
        s->family = 0;
        return;
    }
    for (unsigned i = 0; i < LWIP_NET_FAMILIES; i++) {
        struct lwip_net_lookup *l = &s->u.lookup[i];
        l->state = NET_NAME_PENDING;
        err_t err = dns_gethostbyname_addrtype(host, &l->addr, net_on_found, l, net_families[i]);
        if (err != ERR_INPROGRESS)
            l->state = err == ERR_OK ? NET_NAME_FOUND : NET_NAME_FAILED;
    }
}

static int net_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    *out = ACME_NO_SOCK;
    if (port == 0 || host == NULL || host[0] == '\0' || strlen(host) >= DNS_MAX_NAME_LENGTH)
        return ACME_E_ARG;
    struct lwip_net_sock *s = lwip_net_alloc(ctx, out);
    if (s == NULL)
        return ACME_E_SIZE;
    s->port = port;
    net_start_lookups(s, host);
    net_step(s);
    return ACME_OK;
}

/* ---- bytes ---- */

/* ACME_OK when the connection is open; else what send and recv answer. */
static int net_ready(struct lwip_net_sock *s)
{
    if (s == NULL || s->state == NET_LISTEN)
        return ACME_E_ARG;
    net_step(s);
    if (s->state == NET_OPEN)
        return ACME_OK;
    return s->state == NET_FAILED ? s->err : ACME_AGAIN;
}

static int net_send(void *ctx, acme_sock handle, const void *data, size_t len)
{
    struct lwip_net_sock *s = lwip_net_find(ctx, handle);
    int ready = net_ready(s);
    if (ready != ACME_OK)
        return ready;
    if (len == 0)
        return ACME_E_ARG;
    struct tcp_pcb *pcb = s->conn.pcb;
    if (pcb == NULL)
        return net_fail(s, net_err_of(s->conn.gone));
    size_t room = tcp_sndbuf(pcb);
    size_t take = len < room ? len : room;
    /* The send buffer is a promise of lwIP's heap, not a reservation: ask for less until it can. */
    while (take > 0 && tcp_write(pcb, data, (uint16_t)take, TCP_WRITE_FLAG_COPY) != ERR_OK)
        take /= 2;
    tcp_output(pcb);
    return take > 0 ? (int)take : ACME_AGAIN;
}

static int net_recv(void *ctx, acme_sock handle, void *buf, size_t cap)
{
    struct lwip_net_sock *s = lwip_net_find(ctx, handle);
    int ready = net_ready(s);
    if (ready != ACME_OK)
        return ready;
    if (cap == 0)
        return ACME_E_ARG;
    struct lwip_net_conn *c = &s->conn;
    if (c->rx != NULL) {
        uint16_t n = c->rx->tot_len;
        if (cap < n)
            n = (uint16_t)cap;
        pbuf_copy_partial(c->rx, buf, n, 0);
        c->rx = pbuf_free_header(c->rx, n);
        if (c->pcb != NULL)
            tcp_recved(c->pcb, n);
        return n;
    }
    if (c->eof)
        return ACME_E_CLOSED; /* sending is still allowed: the peer closed its half only */
    return c->pcb == NULL ? net_fail(s, net_err_of(c->gone)) : ACME_AGAIN;
}

/* ---- closing ---- */

/* Only our half: a full close of lwIP answers with a reset to whatever the peer still sends, and
 * a reset may overtake the bytes that are on their way. */
static void net_close_open(struct lwip_net_sock *s)
{
    s->state = NET_LINGER;
    s->deadline = sys_now() + LWIP_NET_LINGER_MS;
    if (s->conn.pcb != NULL && !s->conn.eof)
        tcp_shutdown(s->conn.pcb, 0, 1);
    net_step(s);
}

static void net_close(void *ctx, acme_sock handle)
{
    struct lwip_net_sock *s = lwip_net_find(ctx, handle);
    if (s == NULL)
        return;
    switch ((enum net_state)s->state) {
    case NET_LISTEN:
        lwip_net_close_listener(s);
        break;
    case NET_OPEN:
        net_close_open(s);
        break;
    default:
        lwip_net_abort(&s->conn);
        s->state = NET_ORPHAN;
        net_step(s);
        break;
    }
}

static int net_resolver(void *ctx, unsigned i, char *addr)
{
    (void)ctx;
    for (uint8_t server = 0; server < DNS_MAX_SERVERS; server++) {
        const ip_addr_t *a = dns_getserver(server);
        if (!ip_addr_isany(a) && i-- == 0)
            return ipaddr_ntoa_r(a, addr, ACME_ADDR_TEXT) != NULL ? ACME_OK : ACME_E_LOOKUP;
    }
    return ACME_E_LOOKUP;
}

const struct acme_net lwip_net_ops = {
    .connect = net_connect,
    .listen = lwip_net_listen,
    .accept = lwip_net_accept,
    .send = net_send,
    .recv = net_recv,
    .close = net_close,
    .resolver = net_resolver,
};

void lwip_net_init(struct lwip_net *net)
{
    memset(net, 0, sizeof *net);
}
