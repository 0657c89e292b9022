/* case_lwip.c - what only port/lwip can show: its limits, its lingering, lwIP's own memory */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "acme_port.h"
#include "lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"

static const struct acme_net *const ops = &lwip_net_ops;
static char why[200]; /* the first thing that was wrong in this case */

static bool check(bool ok, const char *what, int line)
{
    if (!ok && why[0] == '\0')
        snprintf(why, sizeof why, "line %d: %s", line, what);
    return ok;
}
#define CHECK(x) check((x), #x, __LINE__)

static int wait_accept(acme_sock l, acme_sock *s)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < 2 * LWIP_NET_CONNECT_MS && r == ACME_AGAIN; i++) {
        world_step();
        r = ops->accept(&world_net, l, s);
    }
    return r;
}

static int wait_recv(acme_sock s, void *buf, size_t cap, int limit_ms)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < limit_ms && r == ACME_AGAIN; i++) {
        world_step();
        r = ops->recv(&world_net, s, buf, cap);
    }
    return r;
}

static int wait_send(acme_sock s, const void *data, size_t len)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < 3000 && r == ACME_AGAIN; i++) {
        world_step();
        r = ops->send(&world_net, s, data, len);
    }
    return r;
}

struct pair {
    acme_sock l, a, b; /* listener, client, server */
};

static void pair_open(struct pair *p, const char *host, uint16_t port)
{
    CHECK(ops->listen(&world_net, NULL, port, &p->l) == ACME_OK);
    CHECK(ops->connect(&world_net, host, port, &p->a) == ACME_OK);
    CHECK(wait_accept(p->l, &p->b) == ACME_OK);
}

static void pair_close(struct pair *p)
{
    ops->close(&world_net, p->a);
    ops->close(&world_net, p->b);
    ops->close(&world_net, p->l);
}

/* ---- cases ---- */

static void t_echo(void)
{
    struct pair p;
    char buf[32];
    pair_open(&p, WORLD_ADDR, 80);
    CHECK(ops->recv(&world_net, p.b, buf, sizeof buf) == ACME_AGAIN);
    CHECK(wait_send(p.a, "hello", 5) == 5);
    CHECK(wait_recv(p.b, buf, 2, 1000) == 2);
    CHECK(wait_recv(p.b, buf + 2, 10, 1000) == 3 && memcmp(buf, "hello", 5) == 0);
    CHECK(wait_send(p.b, "yes", 3) == 3);
    CHECK(wait_recv(p.a, buf, sizeof buf, 1000) == 3 && memcmp(buf, "yes", 3) == 0);
    pair_close(&p);
}

static void t_early_bytes(void)
{
    struct pair p;
    char buf[8];
    CHECK(ops->listen(&world_net, WORLD_ADDR, 80, &p.l) == ACME_OK);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &p.a) == ACME_OK);
    CHECK(wait_send(p.a, "early", 5) == 5);
    ops->close(&world_net, p.a);
    world_run(500); /* bytes and FIN wait in the queue */
    CHECK(wait_accept(p.l, &p.b) == ACME_OK);
    CHECK(wait_recv(p.b, buf, sizeof buf, 1000) == 5 && memcmp(buf, "early", 5) == 0);
    CHECK(wait_recv(p.b, buf, sizeof buf, 1000) == ACME_E_CLOSED);
    CHECK(wait_recv(p.b, buf, sizeof buf, 1000) == ACME_E_CLOSED);
    ops->close(&world_net, p.b);
    ops->close(&world_net, p.l);
}

static void t_bulk(void)
{
    enum { TOTAL = 200000 };
    struct pair p;
    uint8_t out[3000], in[777];
    unsigned sent = 0, got = 0;
    bool same = true;
    pair_open(&p, WORLD_ADDR, 80);
    for (int i = 0; i < 200000 && got < TOTAL; i++) {
        unsigned want = TOTAL - sent < sizeof out ? TOTAL - sent : (unsigned)sizeof out;
        for (unsigned j = 0; j < want; j++)
            out[j] = (uint8_t)((sent + j) * 31 >> 3);
        int n = want > 0 ? ops->send(&world_net, p.a, out, want) : ACME_AGAIN;
        CHECK(n > 0 || n == ACME_AGAIN);
        sent += n > 0 ? (unsigned)n : 0;
        if (sent == TOTAL && p.a != ACME_NO_SOCK) {
            ops->close(&world_net, p.a); /* what send took still arrives */
            p.a = ACME_NO_SOCK;
        }
        world_step();
        n = ops->recv(&world_net, p.b, in, sizeof in);
        for (int j = 0; j < n; j++)
            same = same && in[j] == (uint8_t)((got + (unsigned)j) * 31 >> 3);
        got += n > 0 ? (unsigned)n : 0;
    }
    CHECK(got == TOTAL && same);
    CHECK(wait_recv(p.b, in, sizeof in, 3000) == ACME_E_CLOSED);
    ops->close(&world_net, p.b);
    ops->close(&world_net, p.l);
}

static void t_half_close(void)
{
    struct pair p;
    char buf[2000];
    pair_open(&p, WORLD_ADDR, 80);
    memset(buf, 'q', sizeof buf);
    CHECK(wait_send(p.a, buf, 1000) == 1000);
    world_run(10);
    CHECK(wait_send(p.b, "answer", 6) == 6);
    ops->close(&world_net, p.b); /* with a request unread: the answer arrives all the same */
    CHECK(wait_recv(p.a, buf, sizeof buf, 1000) == 6 && memcmp(buf, "answer", 6) == 0);
    CHECK(wait_recv(p.a, buf, sizeof buf, 1000) == ACME_E_CLOSED);
    ops->close(&world_net, p.a);
    ops->close(&world_net, p.l);
}

static void t_refused(void)
{
    acme_sock s;
    char buf[4];
    CHECK(ops->connect(&world_net, WORLD_ADDR, 81, &s) == ACME_OK);
    CHECK(wait_recv(s, buf, sizeof buf, 1000) == ACME_E_NET);
    CHECK(ops->send(&world_net, s, "x", 1) == ACME_E_NET);
    ops->close(&world_net, s);
}

static void t_timeout(void)
{
    acme_sock s;
    char buf[4];
    world_deaf = true;
    uint32_t start = world_ms;
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &s) == ACME_OK);
    CHECK(wait_recv(s, buf, sizeof buf, 60000) == ACME_E_TIMEOUT);
    CHECK(world_ms - start >= LWIP_NET_CONNECT_MS && world_ms - start < LWIP_NET_CONNECT_MS + 100);
    ops->close(&world_net, s);
    world_deaf = false;
}

static void t_reset(void)
{
    struct pair p;
    char buf[4];
    pair_open(&p, WORLD_ADDR, 80);
    world_run(5);
    for (struct tcp_pcb *t = tcp_active_pcbs; t != NULL; t = t->next) {
        if (t->local_port == 80) {
            tcp_rst(t, t->snd_nxt, t->rcv_nxt, &t->local_ip, &t->remote_ip, t->local_port,
                    t->remote_port);
            break;
        }
    }
    CHECK(wait_recv(p.a, buf, sizeof buf, 1000) == ACME_E_NET);
    CHECK(ops->send(&world_net, p.a, "x", 1) == ACME_E_NET);
    pair_close(&p);
}

static void t_reset_in_queue(void)
{
    struct pair p;
    acme_sock c2;
    CHECK(ops->listen(&world_net, NULL, 80, &p.l) == ACME_OK);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &p.a) == ACME_OK);
    CHECK(wait_send(p.a, "x", 1) == 1);
    world_run(5);
    tcp_abort(world_net.socks[1].conn.pcb); /* the client vanishes: a reset reaches the queue */
    world_run(5);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &c2) == ACME_OK);
    CHECK(wait_accept(p.l, &p.b) == ACME_OK);
    CHECK(wait_send(c2, "y", 1) == 1);
    char buf[2];
    CHECK(wait_recv(p.b, buf, 2, 1000) == 1 && buf[0] == 'y');
    ops->close(&world_net, c2);
    pair_close(&p);
}

static void t_stale(void)
{
    struct pair p;
    char buf[4];
    acme_sock none;
    pair_open(&p, WORLD_ADDR, 80);
    pair_close(&p);
    CHECK(ops->send(&world_net, p.a, "x", 1) == ACME_E_ARG);
    CHECK(ops->recv(&world_net, p.b, buf, 4) == ACME_E_ARG);
    CHECK(ops->accept(&world_net, p.l, &none) == ACME_E_ARG);
    ops->close(&world_net, p.a); /* closing twice hurts nobody */
    acme_sock l;
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    ops->close(&world_net, p.l);
    CHECK(l != p.l && ops->accept(&world_net, l, &none) == ACME_AGAIN);
    CHECK(ops->recv(&world_net, ACME_NO_SOCK, buf, 4) == ACME_E_ARG);
    CHECK(ops->recv(&world_net, 31, buf, 4) == ACME_E_ARG);
    ops->close(&world_net, l);
}

static void t_listen_errors(void)
{
    acme_sock l, l2;
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    CHECK(ops->listen(&world_net, NULL, 80, &l2) == ACME_E_PORT_BUSY && l2 == ACME_NO_SOCK);
    CHECK(ops->listen(&world_net, "192.0.2.1", 80, &l2) == ACME_E_NET);
    CHECK(ops->listen(&world_net, "nobody", 80, &l2) == ACME_E_ARG);
    CHECK(ops->listen(&world_net, NULL, 0, &l2) == ACME_E_ARG);
    ops->close(&world_net, l);
}

/* Port 80 is free again although its last connections rest in TIME_WAIT on our side. */
static void t_listen_again(void)
{
    char buf[4];
    for (int i = 0; i < 5; i++) {
        struct pair p;
        pair_open(&p, WORLD_ADDR, 80);
        ops->close(&world_net, p.b);
        CHECK(wait_recv(p.a, buf, 4, 1000) == ACME_E_CLOSED);
        pair_close(&p);
    }
}

static void t_table_full(void)
{
    acme_sock l, c[LWIP_NET_SOCKS], s, extra;
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    for (int i = 1; i < LWIP_NET_SOCKS; i++)
        CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &c[i]) == ACME_OK);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &extra) == ACME_E_SIZE && extra == ACME_NO_SOCK);
    world_run(20);
    CHECK(ops->accept(&world_net, l, &s) == ACME_E_SIZE); /* it keeps waiting */
    CHECK(wait_send(c[1], "z", 1) == 1);
    ops->close(&world_net, c[LWIP_NET_SOCKS - 1]);
    CHECK(wait_accept(l, &s) == ACME_OK);
    char buf[2];
    CHECK(wait_recv(s, buf, 2, 1000) == 1 && buf[0] == 'z');
    ops->close(&world_net, s);
    for (int i = 1; i < LWIP_NET_SOCKS - 1; i++)
        ops->close(&world_net, c[i]);
    ops->close(&world_net, l);
}

/* A peer that never closes costs a place for LWIP_NET_LINGER_MS at most, and none when needed. */
static void t_linger(void)
{
    struct pair p;
    unsigned used = 0;
    pair_open(&p, WORLD_ADDR, 80);
    world_run(5);
    ops->close(&world_net, p.b);
    ops->close(&world_net, p.l);
    world_run(LWIP_NET_LINGER_MS + 10);
    for (int i = 0; i < LWIP_NET_SOCKS; i++)
        used += world_net.socks[i].state != 0;
    CHECK(used == 1);
    ops->close(&world_net, p.a);

    acme_sock l, c, many[LWIP_NET_SOCKS];
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &c) == ACME_OK);
    CHECK(wait_send(c, "x", 1) == 1);
    world_deaf = true;
    ops->close(&world_net, c);
    for (int i = 1; i < LWIP_NET_SOCKS; i++)
        CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &many[i]) == ACME_OK);
    for (int i = 1; i < LWIP_NET_SOCKS; i++)
        ops->close(&world_net, many[i]);
    world_deaf = false;
    ops->close(&world_net, l);
}

/* More connections than the queue holds: none is refused, the rest come in when there is room. */
static void t_backlog(void)
{
    enum { CLIENTS = LWIP_NET_BACKLOG + 1 };
    acme_sock l, c[CLIENTS], s[CLIENTS];
    char buf[2];
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    for (int i = 0; i < CLIENTS; i++)
        CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &c[i]) == ACME_OK);
    world_run(7000); /* lwIP repeats a SYN after 3 s */
    for (int i = 0; i < CLIENTS; i++)
        CHECK(ops->recv(&world_net, c[i], buf, sizeof buf) == ACME_AGAIN);
    for (int i = 0; i < CLIENTS; i++)
        CHECK(wait_accept(l, &s[i]) == ACME_OK);
    for (int i = 0; i < CLIENTS; i++) {
        ops->close(&world_net, c[i]);
        ops->close(&world_net, s[i]);
    }
    ops->close(&world_net, l);
}

/* Who still waits when the listener is closed is told. */
static void t_close_listener(void)
{
    acme_sock l, c;
    char buf[2];
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &c) == ACME_OK);
    CHECK(wait_send(c, "x", 1) == 1);
    world_run(5);
    ops->close(&world_net, l);
    CHECK(wait_recv(c, buf, sizeof buf, 1000) == ACME_E_NET);
    ops->close(&world_net, c);
}

/* lwIP frees a pcb in TIME_WAIT without telling: nobody may hold one. */
static void t_time_wait(void)
{
    struct pair p;
    pair_open(&p, WORLD_ADDR, 80);
    world_run(5);
    ops->close(&world_net, p.b);
    world_run(5);
    ops->close(&world_net, p.a);
    for (int i = 0; i < 20; i++)
        world_frames();
    CHECK(tcp_tw_pcbs != NULL);
    for (struct tcp_pcb *t = tcp_tw_pcbs; t != NULL; t = t->next) {
        for (int i = 0; i < LWIP_NET_SOCKS; i++)
            CHECK(world_net.socks[i].conn.pcb != t);
    }
    ops->close(&world_net, p.l);
}

static void lookup_case(const char *host, int expect, uint16_t port)
{
    acme_sock l, s, b;
    char buf[2];
    CHECK(ops->listen(&world_net, NULL, 80, &l) == ACME_OK);
    CHECK(ops->connect(&world_net, host, port, &s) == ACME_OK);
    CHECK(ops->send(&world_net, s, "x", 1) == ACME_AGAIN);
    if (expect == ACME_OK) {
        CHECK(wait_accept(l, &b) == ACME_OK);
        CHECK(wait_send(s, "x", 1) == 1 && wait_recv(b, buf, 2, 1000) == 1);
        ops->close(&world_net, b);
    } else {
        CHECK(wait_recv(s, buf, 2, 120000) == expect);
    }
    ops->close(&world_net, s);
    ops->close(&world_net, l);
}

static void t_lookup(void)
{
    lookup_case("v4.test", ACME_OK, 80);
    lookup_case("both.test", ACME_OK, 80);
    lookup_case("half.test", ACME_OK, 80); /* its IPv6 address does not answer */
    lookup_case("v6.test", LWIP_IPV6 ? ACME_OK : ACME_E_LOOKUP, 80);
    lookup_case("gone.test", ACME_E_LOOKUP, 80);
    lookup_case("silent.test", ACME_E_LOOKUP, 80);
    lookup_case("both.test", ACME_E_NET, 81);
}

/* A look-up cannot be called off: its place is not given away before it ends. */
static void t_lookup_closed(void)
{
    acme_sock s[LWIP_NET_SOCKS], extra;
    for (int i = 0; i < 2; i++)
        CHECK(ops->connect(&world_net, "silent.test", 80, &s[i]) == ACME_OK);
    for (int i = 0; i < 2; i++)
        ops->close(&world_net, s[i]);
    for (int i = 2; i < LWIP_NET_SOCKS; i++)
        CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &s[i]) == ACME_OK);
    CHECK(ops->connect(&world_net, WORLD_ADDR, 80, &extra) == ACME_E_SIZE);
    for (int i = 2; i < LWIP_NET_SOCKS; i++)
        ops->close(&world_net, s[i]);
    world_run(120000);
    for (int i = 0; i < LWIP_NET_SOCKS; i++)
        CHECK(world_net.socks[i].state == 0);
}

static void t_resolver(void)
{
    char addr[ACME_ADDR_TEXT];
    CHECK(ops->resolver(&world_net, 0, addr) == ACME_OK && strcmp(addr, WORLD_ADDR) == 0);
    CHECK(ops->resolver(&world_net, 1, addr) == ACME_E_LOOKUP);
}

static void t_ipv6(void)
{
    struct pair p;
    char buf[4];
    if (!LWIP_IPV6)
        return;
    pair_open(&p, WORLD_ADDR6, 80);
    CHECK(wait_send(p.a, "six", 3) == 3);
    CHECK(wait_recv(p.b, buf, sizeof buf, 1000) == 3);
    pair_close(&p);
    acme_sock l;
    CHECK(ops->listen(&world_net, WORLD_ADDR6, 80, &l) == ACME_OK);
    ops->close(&world_net, l);
    CHECK(ops->listen(&world_net, "2001:db8::5", 80, &l) == ACME_E_NET);
}

/* From the reference vectors of SipHash-2-4: key 00..0f, input 00..0e. */
static void t_siphash(void)
{
    uint8_t key[16], in[15];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    memcpy(in, key, sizeof in);
    CHECK(lwip_hooks_siphash(key, in, 15) == UINT64_C(0xa129ca6149be45e5));
    CHECK(lwip_hooks_siphash(key, in, 0) == UINT64_C(0x726fdb47dd0e0e31));
}

static void t_isn(void)
{
    ip_addr_t a, b;
    ipaddr_aton(WORLD_ADDR, &a);
    ip_addr_copy(b, a);
    uint32_t one = lwip_hooks_isn(&a, 80, &b, 1000);
    CHECK(lwip_hooks_isn(&a, 80, &b, 1000) == one);
    CHECK(lwip_hooks_isn(&a, 80, &b, 1001) - one != 0);
    world_ms += 1000;
    CHECK(lwip_hooks_isn(&a, 80, &b, 1000) == one + 250000);
}

static void leaks(void)
{
    world_run(200000); /* TIME_WAIT and all timers are over */
    for (int i = 0; i < LWIP_NET_SOCKS; i++)
        CHECK(world_net.socks[i].state == 0);
    CHECK(tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL && tcp_bound_pcbs == NULL);
    CHECK(tcp_listen_pcbs.pcbs == NULL);
    CHECK(lwip_stats.mem.used == 0);
    CHECK(memp_pools[MEMP_PBUF_POOL]->stats->used == 0);
}

const struct world_case world_cases[] = {
    {"echo", t_echo},
    {"bytes-before-accept", t_early_bytes},
    {"bulk", t_bulk},
    {"close-delivers", t_half_close},
    {"refused", t_refused},
    {"connect-timeout", t_timeout},
    {"reset", t_reset},
    {"reset-in-queue", t_reset_in_queue},
    {"stale-handles", t_stale},
    {"listen-errors", t_listen_errors},
    {"listen-again", t_listen_again},
    {"table-full", t_table_full},
    {"linger", t_linger},
    {"backlog", t_backlog},
    {"close-listener", t_close_listener},
    {"time-wait", t_time_wait},
    {"lookup", t_lookup},
    {"lookup-closed", t_lookup_closed},
    {"resolver", t_resolver},
    {"ipv6", t_ipv6},
    {"siphash", t_siphash},
    {"isn", t_isn},
    {NULL, NULL},
};

const char *world_try(const struct world_case *c)
{
    why[0] = '\0';
    c->run();
    leaks();
    return why[0] != '\0' ? why : NULL;
}
