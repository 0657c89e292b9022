/* conf_net.c - clauses about byte streams */
#include "conf_private.h"

#include <string.h>

/* One direction of a transfer. */
struct cn_flow {
    acme_sock from, to;
    unsigned seed;
    size_t total, sent, got;
};

static bool cn_check(struct conf *c, struct cn_flow *f, const unsigned char *buf, int n)
{
    for (int i = 0; i < n; i++) {
        if (buf[i] != conf_byte(f->seed, f->got + (size_t)i))
            return conf_fail(c, "byte %lu is not the one that was sent",
                             (unsigned long)(f->got + (size_t)i));
    }
    f->got += (size_t)n;
    if (f->got > f->sent)
        return conf_fail(c, "more bytes came than send took");
    return true;
}

/* Send a piece of at most chunk bytes: 1 moved, 0 not now, -1 failed. */
static int cn_push(struct conf *c, struct cn_flow *f, size_t chunk)
{
    unsigned char buf[8192];
    size_t len = f->total - f->sent;

    len = len < chunk ? len : chunk;
    len = len < sizeof buf ? len : sizeof buf;
    if (len == 0)
        return 0;
    for (size_t i = 0; i < len; i++)
        buf[i] = conf_byte(f->seed, f->sent + i);
    int n = conf_send(c, f->from, buf, len);
    if (n == ACME_AGAIN)
        return 0;
    if (n < 0) {
        conf_fail(c, "send: %s", acme_err_name(n));
        return -1;
    }
    f->sent += (size_t)n;
    return 1;
}

static int cn_pull(struct conf *c, struct cn_flow *f, size_t chunk)
{
    unsigned char buf[8192];

    int n = conf_recv(c, f->to, buf, chunk < sizeof buf ? chunk : sizeof buf);
    if (n == ACME_AGAIN)
        return 0;
    if (n < 0) {
        conf_fail(c, "recv: %s", acme_err_name(n));
        return -1;
    }
    return cn_check(c, f, buf, n) ? 1 : -1;
}

/* Run flows until all their bytes have come. */
static bool cn_transfer(struct conf *c, struct cn_flow *f, unsigned flows, size_t out, size_t in)
{
    bool more = true;

    conf_moved(c);
    while (more) {
        bool moved = false;
        more = false;
        for (unsigned i = 0; i < flows; i++) {
            int a = cn_push(c, &f[i], out);
            int b = f[i].got < f[i].total ? cn_pull(c, &f[i], in) : 0;
            if (a < 0 || b < 0)
                return false;
            moved = moved || a > 0 || b > 0;
            more = more || f[i].got < f[i].total;
        }
        if (moved)
            conf_moved(c);
        else if (more && !conf_turn(c))
            return conf_fail(c, "the transfer stands still");
    }
    return true;
}

static void cn_not_yet(struct conf *c)
{
    acme_sock client, server;
    unsigned char buf[8];

    CONF_TRY(conf_pair(c, &client, &server));
    for (int i = 0; i < 5; i++) {
        CONF_STATUS(conf_recv(c, client, buf, sizeof buf), ACME_AGAIN);
        CONF_STATUS(conf_recv(c, server, buf, sizeof buf), ACME_AGAIN);
        CONF_TRY(conf_turn(c));
    }
    CONF_TRY(conf_echo(c, client, server));
    CONF_STATUS(conf_recv(c, client, buf, sizeof buf), ACME_AGAIN);
}

static void cn_whole(struct conf *c)
{
    acme_sock client, server;

    CONF_TRY(conf_pair(c, &client, &server));
    struct cn_flow flows[2] = {{client, server, 1, c->h->transfer, 0, 0},
                               {server, client, 2, c->h->transfer, 0, 0}};
    CONF_TRY(cn_transfer(c, flows, 2, 4000, 4096));
}

static void cn_counts(struct conf *c)
{
    acme_sock client, server;

    CONF_TRY(conf_pair(c, &client, &server));
    for (size_t chunk = 1; chunk < 4000; chunk = chunk * 3 + 1) {
        struct cn_flow f = {client, server, (unsigned)chunk, chunk * 5, 0, 0};
        CONF_TRY(cn_transfer(c, &f, 1, chunk, 37));
        /* Nothing more than was counted. */
        unsigned char byte;
        c->h->wait(c->h->ctx, 2);
        CONF_STATUS(conf_recv(c, server, &byte, 1), ACME_AGAIN);
    }
}

static void cn_bounds(struct conf *c)
{
    acme_sock client, server;
    unsigned char buf[64];
    size_t have = 0;

    CONF_TRY(conf_pair(c, &client, &server));
    for (size_t i = 0; i < sizeof buf; i++)
        buf[i] = conf_byte(3, i);
    CONF_TRY(conf_send_all(c, client, buf, sizeof buf));
    for (size_t cap = 1; have < sizeof buf; cap = cap % 9 + 1) {
        unsigned char in[16];
        int n = conf_recv_wait(c, server, in, cap);
        CONF(n >= 1 && (size_t)n <= cap);
        CONF(memcmp(in, buf + have, (size_t)n) == 0);
        have += (size_t)n;
    }
}

static void cn_pressure(struct conf *c)
{
    acme_sock client, server;
    unsigned full = 0;

    CONF_TRY(conf_pair(c, &client, &server));
    /* Nobody reads: send must say "not yet" before long, and go on saying it. */
    struct cn_flow f = {client, server, 4, (size_t)64 << 20, 0, 0};
    while (full < 5) {
        int n = cn_push(c, &f, 8192);
        CONF(n >= 0);
        CONF(f.sent < f.total);
        full = n > 0 ? 0 : full + 1;
        if (n == 0)
            c->h->wait(c->h->ctx, 10);
    }
    CONF(f.sent > 0);
    f.total = f.sent + 20000;
    CONF_TRY(cn_transfer(c, &f, 1, 8192, 8192));
}

/* Read a flow to its end: all that was sent, then ACME_E_CLOSED. */
static bool cn_to_end(struct conf *c, struct cn_flow *f)
{
    unsigned char buf[8192];

    for (;;) {
        int n = conf_recv_wait(c, f->to, buf, sizeof buf);
        if (n == ACME_E_CLOSED)
            return f->got == f->sent || conf_fail(c, "%lu of %lu bytes came before the end",
                                                  (unsigned long)f->got, (unsigned long)f->sent);
        if (n < 0)
            return conf_fail(c, "recv after %lu of %lu bytes: %s", (unsigned long)f->got,
                             (unsigned long)f->sent, acme_err_name(n));
        if (!cn_check(c, f, buf, n))
            return false;
    }
}

static void cn_closed(struct conf *c)
{
    acme_sock client, server;
    unsigned char byte;

    CONF_TRY(conf_pair(c, &client, &server));
    struct cn_flow f = {server, client, 5, 3000, 0, 0};
    while (f.sent < f.total) {
        int n = cn_push(c, &f, 3000);
        CONF(n >= 0);
        if (n == 0)
            CONF_TRY(conf_turn(c));
    }
    conf_close(c, server);
    CONF_TRY(cn_to_end(c, &f));
    for (int i = 0; i < 3; i++) {
        CONF_STATUS(conf_recv(c, client, &byte, 1), ACME_E_CLOSED);
        c->h->wait(c->h->ctx, 5);
    }
}

/* The closing end has unread bytes: a plain close would reset the connection. */
static void cn_close_delivers(struct conf *c)
{
    acme_sock client, server;
    unsigned full = 0;

    CONF_TRY(conf_pair(c, &client, &server));
    CONF_TRY(conf_send_all(c, client, "a request that nobody reads", 27));
    c->h->wait(c->h->ctx, 20);
    struct cn_flow f = {server, client, 6, (size_t)8 << 20, 0, 0};
    while (full < 3 && f.sent < f.total) {
        int n = cn_push(c, &f, 8192);
        CONF(n >= 0);
        full = n > 0 ? 0 : full + 1;
        if (n == 0)
            c->h->wait(c->h->ctx, 5);
    }
    conf_close(c, server);
    /* More of the request comes after the close, as from a peer that has not noticed. */
    int n = conf_send(c, client, "and its rest", 12);
    CONF(n == 12 || n == ACME_AGAIN);
    CONF_TRY(cn_to_end(c, &f));
}

static void cn_many(struct conf *c)
{
    acme_sock listener, client[16], server[16];
    uint16_t port;
    unsigned count = c->h->connections < 16 ? c->h->connections : 16;

    CONF_TRY(conf_door(c, &listener, &port));
    for (unsigned i = 0; i < count; i++) {
        CONF_STATUS(conf_connect(c, c->h->addr, port, &client[i]), ACME_OK);
        CONF_TRY(conf_take(c, listener, &server[i]));
    }
    struct cn_flow flows[16];
    for (unsigned i = 0; i < count; i++)
        flows[i] = (struct cn_flow){client[i], server[i], 10 + i, 20000, 0, 0};
    CONF_TRY(cn_transfer(c, flows, count, 1000, 900));
    /* The end of one is not the end of another. */
    conf_close(c, server[0]);
    CONF(conf_outcome(c, client[0]) == ACME_E_CLOSED);
    for (unsigned i = 1; i < count; i++)
        CONF_TRY(conf_echo(c, client[i], server[i]));
}

const struct conf_clause conf_net[] = {
    {"N02", "not-yet", cn_not_yet},
    {"N03", "bytes-whole-and-in-order", cn_whole},
    {"N04", "send-counts", cn_counts},
    {"N05", "recv-bounds", cn_bounds},
    {"N06", "back-pressure", cn_pressure},
    {"N07", "closed", cn_closed},
    {"N08", "close-delivers", cn_close_delivers},
    {"N09", "connections-apart", cn_many},
    {NULL, NULL, NULL},
};
