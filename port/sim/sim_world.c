/* sim_world.c - chance, time, moments, and the small functions of the port */
#include "sim_world.h"

#include <string.h>

#include "sim_net.h"
#include "sim_slots.h"

static uint64_t world_splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t world_rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t world_xoshiro(uint64_t s[4])
{
    uint64_t result = world_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = world_rotl(s[3], 45);
    return result;
}

void sim_world_init(struct sim_world *w, uint64_t seed)
{
    uint64_t state = seed;

    memset(w, 0, sizeof *w);
    w->seed = seed;
    for (int i = 0; i < 4; i++)
        w->rng[i] = world_splitmix(&state);
    for (int i = 0; i < 4; i++)
        w->keys[i] = world_splitmix(&state);
    /* A machine that was just switched on and one that runs for weeks. */
    w->now_ms = 1 + sim_world_below(w, 100000000);
    w->trace = 0xcbf29ce484222325u;
}

int64_t sim_world_unix(const struct sim_world *w)
{
    return SIM_EPOCH + (int64_t)(w->now_ms / 1000);
}

uint64_t sim_world_random(struct sim_world *w)
{
    return world_xoshiro(w->rng);
}

uint32_t sim_world_below(struct sim_world *w, uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)((sim_world_random(w) >> 32) * n >> 32);
}

uint32_t sim_world_range(struct sim_world *w, uint32_t lo, uint32_t hi)
{
    return hi <= lo ? lo : lo + sim_world_below(w, hi - lo + 1);
}

bool sim_world_chance(struct sim_world *w, uint32_t permille)
{
    return permille > 0 && sim_world_below(w, 1000) < permille;
}

static void world_hash(struct sim_world *w, uint64_t value)
{
    w->trace = (w->trace ^ value) * 0x100000001b3u;
    w->trace ^= w->trace >> 29;
}

void sim_world_note(struct sim_world *w, const char *what, uint64_t a, uint64_t b)
{
    world_hash(w, w->now_ms);
    for (const char *c = what; *c != '\0'; c++)
        world_hash(w, (uint8_t)*c);
    world_hash(w, a);
    world_hash(w, b);
    w->traced++;
    if (w->log != NULL)
        w->log(w->log_ctx, what, a, b);
}

bool sim_world_cut_here(struct sim_world *w, const char *what)
{
    w->moments++;
    if (w->cut_at == 0 || w->moments != w->cut_at)
        return false;
    sim_world_note(w, what, w->moments, 0);
    return true;
}

void sim_world_moment(struct sim_world *w, const char *what)
{
    if (sim_world_cut_here(w, what))
        w->cut(w->cut_ctx);
}

/* ---- the port ---- */

static struct sim_port *world_port(void *ctx)
{
    struct sim_port *p = (struct sim_port *)ctx;

    p->calls++;
    return p;
}

static int world_entropy(void *ctx, void *out, size_t len)
{
    struct sim_port *p = world_port(ctx);
    uint8_t *at = (uint8_t *)out;

    if (p->entropy_answer != ACME_OK)
        return p->entropy_answer;
    if (len < 1 || len > 256)
        return ACME_E_ARG;
    while (len-- > 0)
        *at++ = (uint8_t)(world_xoshiro(p->world->keys) >> 56);
    return ACME_OK;
}

static uint64_t world_now_ms(void *ctx)
{
    return world_port(ctx)->world->now_ms;
}

static int world_unix_time(void *ctx, int64_t *seconds)
{
    struct sim_port *p = world_port(ctx);

    if (p->clock_unset)
        return ACME_E_CLOCK;
    *seconds = sim_world_unix(p->world) + p->skew_s;
    return ACME_OK;
}

static void port_moment(struct sim_port *p, const char *what)
{
    if (p->mortal && !p->soft)
        sim_world_moment(p->world, what);
    else if (p->mortal && sim_world_cut_here(p->world, what))
        p->dead = true;
}

static int port_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    struct sim_port *p = world_port(ctx);

    port_moment(p, "cut before connect");
    if (p->dead)
        return ACME_E_NET;
    return sim_net_connect(p->net, p->node, host, port, out);
}

static int port_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    struct sim_port *p = world_port(ctx);

    if (p->dead)
        return ACME_E_NET;
    return sim_net_listen(p->net, p->node, addr, port, out);
}

static int port_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    struct sim_port *p = world_port(ctx);

    if (p->dead)
        return ACME_AGAIN;
    return sim_net_accept(p->net, p->node, listener, out);
}

static int port_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    struct sim_port *p = world_port(ctx);
    int n = p->dead ? ACME_E_NET : sim_net_send(p->net, p->node, s, data, len);

    if (n > 0)
        port_moment(p, "cut after send");
    return n;
}

static int port_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    struct sim_port *p = world_port(ctx);

    if (p->dead)
        return ACME_E_NET;
    return sim_net_recv(p->net, p->node, s, buf, cap);
}

static void port_close(void *ctx, acme_sock s)
{
    struct sim_port *p = world_port(ctx);

    if (!p->dead)
        sim_net_close(p->net, p->node, s);
}

static int port_resolver(void *ctx, unsigned i, char *addr)
{
    (void)world_port(ctx);
    if (i > 0)
        return ACME_E_LOOKUP;
    memcpy(addr, "192.0.2.53", sizeof "192.0.2.53");
    return ACME_OK;
}

void sim_port_init(struct sim_port *p, struct sim_world *w, struct sim_net *net, uint8_t node,
                   struct sim_slots *slots)
{
    memset(p, 0, sizeof *p);
    p->world = w;
    p->net = net;
    p->node = node;
    p->ops.connect = port_connect;
    p->ops.listen = port_listen;
    p->ops.accept = port_accept;
    p->ops.send = port_send;
    p->ops.recv = port_recv;
    p->ops.close = port_close;
    p->ops.resolver = port_resolver;
    p->port.ctx = p;
    p->port.net = &p->ops;
    p->port.slots = slots != NULL ? &slots->ops : NULL;
    p->port.entropy = world_entropy;
    p->port.now_ms = world_now_ms;
    p->port.unix_time = world_unix_time;
    p->entropy_answer = ACME_OK;
}
