/* sim_net.c - sockets: connecting, listening, handles */
#include "sim_net.h"

#include <string.h>

#include "sim_pipe.h"

#define NET_TRY_MS 5000 /* an address that does not answer is given up */

enum { SOCK_FREE = 0, SOCK_LISTEN, SOCK_CONNECTING, SOCK_STREAM, SOCK_DEAD };

void sim_net_init(struct sim_net *n, struct sim_world *w)
{
    n->world = w;
    memset(&n->faults, 0, sizeof n->faults);
    n->low_port = 0;
    n->asked[0] = '\0';
    n->generation = n->numbers = 0;
    n->names_count = n->addrs_count = 0;
    memset(n->socks, 0, sizeof n->socks);
    for (size_t i = 0; i < SIM_NET_CONNS; i++)
        n->conns[i].used = false;
    n->socks_top = n->conns_top = n->connecting = 0;
}

void sim_net_addr(struct sim_net *n, const char *addr, uint8_t node)
{
    struct sim_addr *a = &n->addrs[n->addrs_count++];

    memcpy(a->text, addr, strlen(addr) + 1);
    a->node = node;
}

void sim_net_name(struct sim_net *n, const char *name, const char *addr, const char *second,
                  uint32_t lookup_ms)
{
    struct sim_name *at = &n->names[n->names_count++];

    memcpy(at->name, name, strlen(name) + 1);
    memcpy(at->addr[0], addr, strlen(addr) + 1);
    at->count = 1;
    if (second != NULL) {
        memcpy(at->addr[1], second, strlen(second) + 1);
        at->count = 2;
    }
    at->lookup_ms = lookup_ms;
}

static const struct sim_addr *net_addr(const struct sim_net *n, const char *text)
{
    for (size_t i = 0; i < n->addrs_count; i++) {
        if (strcmp(n->addrs[i].text, text) == 0)
            return &n->addrs[i];
    }
    return NULL;
}

static const struct sim_name *net_name(const struct sim_net *n, const char *name)
{
    for (size_t i = 0; i < n->names_count; i++) {
        if (strcmp(n->names[i].name, name) == 0)
            return &n->names[i];
    }
    return NULL;
}

/* ---- handles ---- */

static struct sim_sock *net_new(struct sim_net *n, uint8_t node, uint8_t kind, acme_sock *out)
{
    for (uint32_t i = 0; i < SIM_NET_SOCKS; i++) {
        struct sim_sock *s = &n->socks[i];

        if (s->kind != SOCK_FREE)
            continue;
        memset(s, 0, sizeof *s);
        if (i >= n->socks_top)
            n->socks_top = i + 1;
        n->connecting += kind == SOCK_CONNECTING;
        s->kind = kind;
        s->node = node;
        s->conn = -1;
        s->generation = ++n->generation & 0xffff;
        *out = (acme_sock)(s->generation << 8 | i);
        return s;
    }
    return NULL;
}

static struct sim_sock *net_sock(struct sim_net *n, uint8_t node, acme_sock handle)
{
    struct sim_sock *s;

    if (handle < 0 || (handle & 0xff) >= SIM_NET_SOCKS)
        return NULL;
    s = &n->socks[handle & 0xff];
    if (s->kind == SOCK_FREE || s->node != node || s->generation != (uint32_t)handle >> 8)
        return NULL;
    return s;
}

/* ---- connections ---- */

static void net_conn_drop(struct sim_conn *c)
{
    if (c->used && !c->open[0] && !c->open[1])
        c->used = false;
}

static int32_t net_conn_new(struct sim_net *n, int32_t listener)
{
    for (int32_t i = 0; i < SIM_NET_CONNS; i++) {
        struct sim_conn *c = &n->conns[i];

        if (c->used)
            continue;
        if ((uint32_t)i >= n->conns_top)
            n->conns_top = (uint32_t)i + 1;
        memset(c->open, 1, sizeof c->open);
        memset(c->vanished, 0, sizeof c->vanished);
        c->accepted = false;
        c->used = true;
        c->number = ++n->numbers;
        c->listener = listener;
        c->reset_at = 0;
        sim_pipe_init(&c->pipe[0]);
        sim_pipe_init(&c->pipe[1]);
        return i;
    }
    return -1;
}

static int32_t net_listener(const struct sim_net *n, const struct sim_addr *addr, uint16_t port)
{
    for (int32_t i = 0; i < (int32_t)n->socks_top; i++) {
        const struct sim_sock *s = &n->socks[i];

        if (s->kind == SOCK_LISTEN && s->node == addr->node && s->port == port &&
            (s->addr[0] == '\0' || strcmp(s->addr, addr->text) == 0))
            return i;
    }
    return -1;
}

static void net_dead(struct sim_sock *s, int err)
{
    s->kind = SOCK_DEAD;
    s->error = err;
}

/* One address is tried: ACME_OK, or why not. ACME_AGAIN: it will never answer. */
static int net_try(struct sim_net *n, struct sim_sock *s, const char *text)
{
    const struct sim_addr *addr = net_addr(n, text);
    int32_t listener;

    if (addr == NULL || addr->node == SIM_NODE_DEAD ||
        sim_world_chance(n->world, n->faults.silent_permille))
        return ACME_AGAIN;
    listener = net_listener(n, addr, s->port);
    if (listener < 0 || sim_world_chance(n->world, n->faults.refuse_permille))
        return ACME_E_NET;
    s->conn = net_conn_new(n, listener);
    return s->conn < 0 ? ACME_E_NET : ACME_OK;
}

/* The step of a connect that is due. */
static void net_connecting(struct sim_net *n, struct sim_sock *s)
{
    const struct sim_name *name = net_name(n, s->host);
    uint8_t count = name != NULL ? name->count : 1;
    int err;

    if (name == NULL && net_addr(n, s->host) == NULL) {
        net_dead(s, ACME_E_LOOKUP);
        return;
    }
    if (s->addr_next >= count) { /* the last one was given time, in vain */
        net_dead(s, ACME_E_TIMEOUT);
        return;
    }
    err = net_try(n, s, name != NULL ? name->addr[s->addr_next] : s->host);
    s->addr_next++;
    if (err == ACME_OK) {
        s->kind = SOCK_STREAM;
        s->end = 0;
    } else if (err == ACME_AGAIN)
        s->due = n->world->now_ms + NET_TRY_MS;
    else if (s->addr_next >= count)
        net_dead(s, err);
}

static void net_progress(struct sim_net *n)
{
    if (n->connecting == 0)
        return;
    n->connecting = 0;
    for (size_t i = 0; i < n->socks_top; i++) {
        struct sim_sock *s = &n->socks[i];

        while (s->kind == SOCK_CONNECTING && s->due <= n->world->now_ms)
            net_connecting(n, s);
        n->connecting += s->kind == SOCK_CONNECTING;
    }
}

int sim_net_connect(struct sim_net *n, uint8_t node, const char *host, uint16_t port,
                    acme_sock *out)
{
    const struct sim_net_faults *f = &n->faults;
    const struct sim_name *name;
    struct sim_sock *s;
    size_t len = strlen(host);

    if (port == 0 || len == 0 || len > 253)
        return ACME_E_ARG;
    s = net_new(n, node, SOCK_CONNECTING, out);
    if (s == NULL)
        return ACME_E_SIZE;
    memcpy(s->host, host, len + 1);
    if (node == 0)
        memcpy(n->asked, host, len + 1);
    s->port = port;
    name = net_name(n, host);
    s->due = n->world->now_ms + (name != NULL ? name->lookup_ms : 0) +
             sim_world_range(n->world, f->delay_min_ms, f->delay_max_ms);
    if (name != NULL && sim_world_chance(n->world, f->lookup_permille))
        s->host[0] = '\0'; /* a name that nobody knows */
    return ACME_OK;
}

static bool net_addr_ok(const char *addr)
{
    return addr[0] != '\0' && strlen(addr) < ACME_ADDR_TEXT &&
           strspn(addr, "0123456789abcdef:.") == strlen(addr);
}

int sim_net_listen(struct sim_net *n, uint8_t node, const char *addr, uint16_t port, acme_sock *out)
{
    const struct sim_addr *at = addr != NULL ? net_addr(n, addr) : NULL;
    struct sim_sock *s;

    if (port == 0 || (addr != NULL && !net_addr_ok(addr)))
        return ACME_E_ARG;
    if (addr != NULL && (at == NULL || at->node != node))
        return ACME_E_NET;
    if (port == n->low_port)
        return ACME_E_PORT_ACCESS;
    for (size_t i = 0; i < n->socks_top; i++) {
        s = &n->socks[i];
        if (s->kind == SOCK_LISTEN && s->node == node && s->port == port &&
            (addr == NULL || s->addr[0] == '\0' || strcmp(s->addr, addr) == 0))
            return ACME_E_PORT_BUSY;
    }
    s = net_new(n, node, SOCK_LISTEN, out);
    if (s == NULL)
        return ACME_E_SIZE;
    s->port = port;
    if (addr != NULL)
        memcpy(s->addr, addr, strlen(addr) + 1);
    return ACME_OK;
}

int sim_net_accept(struct sim_net *n, uint8_t node, acme_sock listener, acme_sock *out)
{
    struct sim_sock *l = net_sock(n, node, listener);
    struct sim_conn *first = NULL;
    struct sim_sock *s;

    if (l == NULL || l->kind != SOCK_LISTEN)
        return ACME_E_ARG;
    net_progress(n);
    for (size_t i = 0; i < n->conns_top; i++) {
        struct sim_conn *c = &n->conns[i];

        if (!c->used || c->accepted || c->listener != (listener & 0xff))
            continue;
        if (c->reset_at != 0 && c->reset_at <= n->world->now_ms) {
            c->open[1] = false;
            net_conn_drop(c);
        } else if (first == NULL || c->number < first->number)
            first = c;
    }
    if (first == NULL)
        return ACME_AGAIN;
    s = net_new(n, node, SOCK_STREAM, out);
    if (s == NULL)
        return ACME_E_SIZE;
    s->conn = (int32_t)(first - n->conns);
    s->end = 1;
    first->accepted = true;
    return ACME_OK;
}

/* The stream of a handle, or NULL and *err. */
static struct sim_conn *net_stream(struct sim_net *n, uint8_t node, acme_sock handle,
                                   struct sim_sock **sock, int *err)
{
    struct sim_sock *s = net_sock(n, node, handle);
    struct sim_conn *c;

    *sock = s;
    *err = ACME_E_ARG;
    if (s == NULL || s->kind == SOCK_LISTEN)
        return NULL;
    net_progress(n);
    *err = s->kind == SOCK_CONNECTING ? ACME_AGAIN : s->error;
    if (s->kind != SOCK_STREAM)
        return NULL;
    c = &n->conns[s->conn];
    if (c->reset_at != 0 && c->reset_at <= n->world->now_ms) {
        *err = ACME_E_NET;
        return NULL;
    }
    return c;
}

int sim_net_send(struct sim_net *n, uint8_t node, acme_sock handle, const void *data, size_t len)
{
    const struct sim_net_faults *f = &n->faults;
    struct sim_sock *s;
    int err;
    struct sim_conn *c = net_stream(n, node, handle, &s, &err);
    uint64_t delay;
    int took;

    if (c == NULL)
        return err;
    if (!c->open[1 - s->end] || c->vanished[1 - s->end])
        return len > 0x7fffffff ? 0x7fffffff : (int)len; /* nobody reads it any more */
    if (len > 1 && sim_world_chance(n->world, f->split_permille))
        len = 1 + sim_world_below(n->world, (uint32_t)(len < 4096 ? len : 4096) - 1);
    delay = sim_world_range(n->world, f->delay_min_ms, f->delay_max_ms);
    if (sim_world_chance(n->world, f->stall_permille))
        delay += sim_world_below(n->world, f->stall_max_ms);
    took = sim_pipe_put(&c->pipe[s->end], data, len, n->world->now_ms + delay);
    if (took > 0 && sim_world_chance(n->world, f->reset_permille)) {
        /* Before it arrives, or after: then the other side has acted. */
        c->reset_at =
            n->world->now_ms + 1 + (sim_world_chance(n->world, 500) ? delay / 2 : delay + 2000);
        sim_world_note(n->world, "net reset", c->number, c->reset_at);
    }
    return took > 0 ? took : ACME_AGAIN;
}

int sim_net_recv(struct sim_net *n, uint8_t node, acme_sock handle, void *buf, size_t cap)
{
    struct sim_sock *s;
    struct sim_pipe *p;
    int err;
    struct sim_conn *c = net_stream(n, node, handle, &s, &err);
    size_t ready;

    if (c == NULL)
        return err;
    p = &c->pipe[1 - s->end];
    ready = sim_pipe_ready(p, n->world->now_ms);
    if (ready == 0) {
        if (!c->open[1 - s->end] && !c->vanished[1 - s->end] && p->used == 0 &&
            p->last_at <= n->world->now_ms)
            return ACME_E_CLOSED;
        return ACME_AGAIN;
    }
    if (cap > ready)
        cap = ready;
    if (cap > 1 && sim_world_chance(n->world, n->faults.split_permille))
        cap = 1 + sim_world_below(n->world, (uint32_t)cap - 1);
    sim_pipe_take(p, buf, cap);
    return (int)cap;
}

void sim_net_close(struct sim_net *n, uint8_t node, acme_sock handle)
{
    struct sim_sock *s = net_sock(n, node, handle);

    if (s == NULL)
        return;
    if (s->kind == SOCK_STREAM) {
        struct sim_conn *c = &n->conns[s->conn];
        struct sim_pipe *p = &c->pipe[s->end];
        uint64_t end = n->world->now_ms + n->faults.delay_min_ms;

        c->open[s->end] = false;
        if (p->last_at < end)
            p->last_at = end; /* the FIN travels, too */
        net_conn_drop(c);
    }
    if (s->kind == SOCK_LISTEN) {
        for (size_t i = 0; i < n->conns_top; i++) {
            struct sim_conn *c = &n->conns[i];

            if (!c->used || c->accepted || c->listener != (handle & 0xff))
                continue;
            c->reset_at = n->world->now_ms;
            c->open[1] = false;
            net_conn_drop(c);
        }
    }
    s->kind = SOCK_FREE;
}

void sim_net_reset(struct sim_net *n, uint8_t node, acme_sock handle)
{
    struct sim_sock *s = net_sock(n, node, handle);

    if (s != NULL && s->kind == SOCK_STREAM)
        n->conns[s->conn].reset_at = n->world->now_ms;
}

bool sim_net_peer_gone(const struct sim_net *n, uint8_t node, acme_sock handle)
{
    const struct sim_sock *s = &n->socks[handle & 0xff];

    return handle >= 0 && s->kind == SOCK_STREAM && s->node == node &&
           (n->conns[s->conn].vanished[1 - s->end] || !n->conns[s->conn].open[1 - s->end]);
}

void sim_net_power_off(struct sim_net *n, uint8_t node)
{
    for (size_t i = 0; i < n->socks_top; i++) {
        struct sim_sock *s = &n->socks[i];
        struct sim_conn *c;

        if (s->kind == SOCK_FREE || s->node != node)
            continue;
        if (s->kind == SOCK_STREAM) {
            c = &n->conns[s->conn];
            c->vanished[s->end] = true;
            if (c->reset_at == 0 && c->open[1 - s->end]) /* after all that was on its way */
                c->reset_at = c->pipe[s->end].last_at + 1 + sim_world_below(n->world, 60000) +
                              n->world->now_ms;
        }
        sim_net_close(n, node, (acme_sock)(s->generation << 8 | i));
    }
}

uint64_t sim_net_next(const struct sim_net *n)
{
    uint64_t now = n->world->now_ms;
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; n->connecting > 0 && i < n->socks_top; i++) {
        const struct sim_sock *s = &n->socks[i];
        if (s->kind == SOCK_CONNECTING && s->due > now && s->due < next)
            next = s->due;
    }
    for (size_t i = 0; i < n->conns_top; i++) {
        const struct sim_conn *c = &n->conns[i];
        if (!c->used)
            continue;
        if (c->reset_at > now && c->reset_at < next)
            next = c->reset_at;
        for (int e = 0; e < 2; e++) {
            uint64_t at = sim_pipe_next(&c->pipe[e], now);
            if (at < next && c->open[1 - e])
                next = at;
        }
    }
    return next;
}

unsigned sim_net_in_use(const struct sim_net *n, uint8_t node)
{
    unsigned count = 0;

    for (size_t i = 0; i < n->socks_top; i++)
        count += n->socks[i].kind != SOCK_FREE && n->socks[i].node == node;
    return count;
}
