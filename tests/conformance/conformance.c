#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#endif
#include "conf_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CONF_BLOCKED_MS 1000 /* generous: a busy machine is not a blocking port */

uint64_t conf_real_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

bool conf_fail(struct conf *c, const char *format, ...)
{
    va_list args;

    if (!c->failed) {
        va_start(args, format);
        vsnprintf(c->why, sizeof c->why, format, args);
        va_end(args);
    }
    c->failed = true;
    return false;
}

void conf_skip(struct conf *c, const char *why)
{
    c->skipped = true;
    snprintf(c->why, sizeof c->why, "%s", why);
}

bool conf_turn(struct conf *c)
{
    if (c->idle++ >= c->h->patience)
        return conf_fail(c, "nothing moves any more");
    c->h->wait(c->h->ctx, 10);
    return true;
}

void conf_moved(struct conf *c)
{
    c->idle = 0;
}

unsigned char conf_byte(unsigned seed, size_t i)
{
    return (unsigned char)(i * 7u + (i >> 8) * 13u + (i >> 16) * 31u + seed * 101u + 1u);
}

/* ---- watched calls ---- */

static void conf_timed(struct conf *c, uint64_t start, const char *what)
{
    uint64_t took = conf_real_ms() - start;

    if (took >= CONF_BLOCKED_MS)
        conf_fail(c, "%s blocked for %llu ms", what, (unsigned long long)took);
}

static void conf_known(struct conf *c, int got, const char *what)
{
    if (strcmp(acme_err_name(got), "ACME_E_UNKNOWN") == 0)
        conf_fail(c, "%s answered %d, which is no status", what, got);
}

/* After a call that gives a handle. */
static int conf_opened(struct conf *c, int got, acme_sock s, const char *what)
{
    conf_known(c, got, what);
    if (got > 0)
        conf_fail(c, "%s answered %d", what, got);
    if (got == ACME_OK && s < 0)
        conf_fail(c, "%s answered ACME_OK without a handle", what);
    if (got == ACME_OK && s >= 0 && c->opened < CONF_SOCKS)
        c->open[c->opened++] = s;
    return got;
}

int conf_connect(struct conf *c, const char *host, uint16_t port, acme_sock *s)
{
    uint64_t start = conf_real_ms();
    int got = c->port->net->connect(c->port->ctx, host, port, s);

    conf_timed(c, start, "connect");
    return conf_opened(c, got, *s, "connect");
}

int conf_listen(struct conf *c, const char *addr, uint16_t port, acme_sock *s)
{
    uint64_t start = conf_real_ms();
    int got = c->port->net->listen(c->port->ctx, addr, port, s);

    conf_timed(c, start, "listen");
    return conf_opened(c, got, *s, "listen");
}

int conf_accept(struct conf *c, acme_sock listener, acme_sock *s)
{
    uint64_t start = conf_real_ms();
    int got = c->port->net->accept(c->port->ctx, listener, s);

    conf_timed(c, start, "accept");
    return conf_opened(c, got, *s, "accept");
}

int conf_send(struct conf *c, acme_sock s, const void *data, size_t len)
{
    uint64_t start = conf_real_ms();
    int got = c->port->net->send(c->port->ctx, s, data, len);

    conf_timed(c, start, "send");
    conf_known(c, got, "send");
    if (got == 0)
        conf_fail(c, "send answered 0");
    if (got > 0 && (size_t)got > len)
        conf_fail(c, "send took %d of %lu bytes", got, (unsigned long)len);
    return c->failed && got >= 0 ? ACME_E_ARG : got;
}

int conf_recv(struct conf *c, acme_sock s, void *buf, size_t cap)
{
    static unsigned char room[70000];
    const size_t guard = 16;
    uint64_t start = conf_real_ms();

    cap = cap < sizeof room - 2 * guard ? cap : sizeof room - 2 * guard;
    memset(room, 0xa5, guard + cap + guard);
    int got = c->port->net->recv(c->port->ctx, s, room + guard, cap);
    conf_timed(c, start, "recv");
    conf_known(c, got, "recv");
    if (got == 0)
        conf_fail(c, "recv answered 0");
    if (got > 0 && (size_t)got > cap)
        conf_fail(c, "recv gave %d bytes into room for %lu", got, (unsigned long)cap);
    for (size_t i = 0; i < guard; i++) {
        if (room[i] != 0xa5 || room[guard + cap + i] != 0xa5)
            conf_fail(c, "recv wrote outside its buffer");
    }
    if (c->failed)
        return got >= 0 ? ACME_E_ARG : got;
    if (got > 0)
        memcpy(buf, room + guard, (size_t)got);
    return got;
}

void conf_close(struct conf *c, acme_sock s)
{
    uint64_t start = conf_real_ms();

    for (unsigned i = 0; i < c->opened; i++) {
        if (c->open[i] == s)
            c->open[i] = c->open[--c->opened];
    }
    c->port->net->close(c->port->ctx, s);
    conf_timed(c, start, "close");
}

/* ---- pieces of clauses ---- */

bool conf_take(struct conf *c, acme_sock listener, acme_sock *s)
{
    int got;

    conf_moved(c);
    while ((got = conf_accept(c, listener, s)) == ACME_AGAIN) {
        if (!conf_turn(c))
            return conf_fail(c, "no connection comes");
    }
    return got == ACME_OK || conf_fail(c, "accept: %s", acme_err_name(got));
}

bool conf_door(struct conf *c, acme_sock *listener, uint16_t *port)
{
    *port = c->h->free_port(c->h->ctx);
    int got = conf_listen(c, c->h->addr, *port, listener);
    return got == ACME_OK || conf_fail(c, "listen: %s", acme_err_name(got));
}

bool conf_pair(struct conf *c, acme_sock *client, acme_sock *server)
{
    acme_sock listener;
    uint16_t port;

    if (!conf_door(c, &listener, &port))
        return false;
    int got = conf_connect(c, c->h->addr, port, client);
    if (got != ACME_OK)
        return conf_fail(c, "connect: %s", acme_err_name(got));
    return conf_take(c, listener, server);
}

int conf_recv_wait(struct conf *c, acme_sock s, void *buf, size_t cap)
{
    int got;

    conf_moved(c);
    while ((got = conf_recv(c, s, buf, cap)) == ACME_AGAIN && conf_turn(c))
        continue;
    return got;
}

bool conf_send_all(struct conf *c, acme_sock s, const void *data, size_t len)
{
    const unsigned char *p = data;

    conf_moved(c);
    while (len > 0) {
        int got = conf_send(c, s, p, len);
        if (got == ACME_AGAIN) {
            if (!conf_turn(c))
                return conf_fail(c, "send never takes the bytes");
            continue;
        }
        if (got < 0)
            return conf_fail(c, "send: %s", acme_err_name(got));
        p += got;
        len -= (size_t)got;
    }
    return true;
}

static bool conf_one_way(struct conf *c, acme_sock from, acme_sock to, const char *text)
{
    char got[64];
    size_t len = strlen(text), have = 0;

    if (!conf_send_all(c, from, text, len))
        return false;
    while (have < len) {
        int n = conf_recv_wait(c, to, got + have, len - have);
        if (n < 0)
            return conf_fail(c, "recv: %s", acme_err_name(n));
        have += (size_t)n;
    }
    return memcmp(got, text, len) == 0 || conf_fail(c, "other bytes arrived than were sent");
}

bool conf_echo(struct conf *c, acme_sock a, acme_sock b)
{
    return conf_one_way(c, a, b, "a question") && conf_one_way(c, b, a, "and its answer");
}

int conf_outcome(struct conf *c, acme_sock s)
{
    unsigned char byte;
    int got = ACME_AGAIN;

    for (int i = 0; i < 2 * (int)c->h->patience && !c->failed; i++) {
        got = conf_recv(c, s, &byte, 1);
        if (got != ACME_AGAIN)
            break;
        c->h->wait(c->h->ctx, 10);
    }
    return got;
}

/* ---- the run ---- */

void conf_line(struct conf_report *report, const char *name, const char *why, bool skipped)
{
    const char *verdict = skipped ? "skip" : why != NULL ? "not ok" : "ok";

    if (skipped)
        report->skipped++;
    else if (why != NULL)
        report->failed++;
    else
        report->passed++;
    if (why != NULL && !skipped)
        snprintf(report->why, sizeof report->why, "%s", why);
    if (report->quiet)
        return;
    printf("%s %s%s%s\n", verdict, name, why != NULL ? ": " : "", why != NULL ? why : "");
    fflush(stdout);
}

static void conf_one(const struct conf_hooks *h, const struct conf_clause *clause,
                     struct conf_report *report)
{
    struct conf c;
    char name[120];

    memset(&c, 0, sizeof c);
    c.h = h;
    c.port = h->port;
    if (clause->id[0] == 'N' && h->addr == NULL)
        conf_skip(&c, "this port has no net");
    else if (clause->id[0] == 'S' && h->port->slots == NULL)
        conf_skip(&c, "this port has no slots");
    else
        clause->run(&c);
    while (c.opened > 0)
        conf_close(&c, c.open[c.opened - 1]);
    snprintf(name, sizeof name, "%s.%s.%s", h->label, clause->id, clause->words);
    conf_line(report, name, c.failed || c.skipped ? c.why : NULL, c.skipped && !c.failed);
}

bool conf_run(const struct conf_hooks *hooks, const char *only, struct conf_report *report)
{
    static const struct conf_clause *const lists[] = {conf_net, conf_net_names, conf_net_listen,
                                                      conf_slots, conf_sys};
    struct conf_hooks h = *hooks;
    unsigned before = report->failed, ran = 0;

    h.connections = h.connections != 0 ? h.connections : 8;
    h.sockets = h.sockets != 0 ? h.sockets : 4096;
    h.transfer = h.transfer != 0 ? h.transfer : 300000;
    h.record_max = h.record_max != 0 ? h.record_max : 32768;
    h.patience = h.patience != 0 ? h.patience : 500;
    only = only != NULL ? only : "";
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        for (const struct conf_clause *clause = lists[l]; clause->id != NULL; clause++) {
            if (strncmp(clause->id, only, strlen(only)) != 0)
                continue;
            conf_one(&h, clause, report);
            ran++;
        }
    }
    if (ran == 0)
        conf_line(report, only, "there is no such clause", false);
    return report->failed == before;
}
