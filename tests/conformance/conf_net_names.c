/* conf_net_names.c - clauses about connect: look-up, addresses, errors */
#include "conf_private.h"

#include <stdio.h>
#include <string.h>

static void cm_at_once(struct conf *c)
{
    acme_sock listener, s, slow;
    uint16_t port;
    unsigned char byte;

    CONF_TRY(conf_door(c, &listener, &port));
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK);
    if (c->h->slow_name == NULL)
        return;
    /* The watch in conf_connect, conf_send and conf_recv fails what blocks. */
    CONF_STATUS(conf_connect(c, c->h->slow_name, port, &slow), ACME_OK);
    CONF_STATUS(conf_send(c, slow, "x", 1), ACME_AGAIN);
    CONF_STATUS(conf_recv(c, slow, &byte, 1), ACME_AGAIN);
    CONF_TRY(conf_take(c, listener, &s)); /* the other connection goes on meanwhile */
    CONF_TRY(conf_take(c, listener, &s)); /* and the slow one comes in the end */
    CONF_TRY(conf_echo(c, slow, s));
}

/* err is told by send and recv alike, and for ever. */
static bool cm_final(struct conf *c, acme_sock s)
{
    unsigned char byte;

    for (int i = 0; i < 3; i++) {
        int r = conf_recv(c, s, &byte, 1), w = conf_send(c, s, "x", 1);
        if (r >= 0 || r == ACME_AGAIN || w >= 0 || w == ACME_AGAIN)
            return conf_fail(c, "after the error recv said %s and send %s", acme_err_name(r),
                             acme_err_name(w));
        c->h->wait(c->h->ctx, 5);
    }
    return true;
}

static void cm_refused(struct conf *c)
{
    acme_sock s;

    CONF_STATUS(conf_connect(c, c->h->addr, c->h->free_port(c->h->ctx), &s), ACME_OK);
    CONF_STATUS(conf_outcome(c, s), ACME_E_NET);
    CONF_TRY(cm_final(c, s));
    CONF_STATUS(conf_connect(c, c->h->addr, c->h->free_port(c->h->ctx), &s), ACME_OK);
    int got = ACME_AGAIN; /* told to who only sends as well */
    for (conf_moved(c); got == ACME_AGAIN && conf_turn(c);)
        got = conf_send(c, s, "x", 1);
    CONF(got == ACME_E_NET);
}

static void cm_no_address(struct conf *c)
{
    acme_sock s;

    if (c->h->no_name == NULL) {
        conf_skip(c, "no look-up here");
        return;
    }
    CONF_STATUS(conf_connect(c, c->h->no_name, 443, &s), ACME_OK);
    CONF_STATUS(conf_outcome(c, s), ACME_E_LOOKUP);
    CONF_TRY(cm_final(c, s));
}

static void cm_arguments(struct conf *c)
{
    char host[400];
    acme_sock s = 7;

    CONF_STATUS(conf_connect(c, c->h->addr, 0, &s), ACME_E_ARG);
    CONF_STATUS(conf_connect(c, "", 80, &s), ACME_E_ARG);
    memset(host, 'a', sizeof host);
    host[sizeof host - 1] = '\0';
    CONF_STATUS(conf_connect(c, host, 80, &s), ACME_E_ARG);
    CONF_STATUS(conf_listen(c, "not an address", c->h->free_port(c->h->ctx), &s), ACME_E_ARG);
}

static void cm_copied(struct conf *c)
{
    acme_sock listener, s, t;
    uint16_t port;
    char host[128];
    const char *names[2] = {c->h->addr, c->h->self_name};

    CONF_TRY(conf_door(c, &listener, &port));
    for (int i = 0; i < 2 && names[i] != NULL; i++) {
        snprintf(host, sizeof host, "%s", names[i]);
        CONF_STATUS(conf_connect(c, host, port, &s), ACME_OK);
        memset(host, '!', sizeof host - 1);
        CONF_TRY(conf_take(c, listener, &t));
        CONF_TRY(conf_echo(c, s, t));
    }
}

static void cm_reach(struct conf *c, const char *host)
{
    acme_sock listener, s, t = ACME_NO_SOCK;
    uint16_t port;
    unsigned char byte;

    if (host == NULL) {
        conf_skip(c, "this port cannot show it here");
        return;
    }
    CONF_TRY(conf_door(c, &listener, &port));
    if (c->h->make_dead != NULL)
        c->h->make_dead(c->h->ctx, port);
    CONF_STATUS(conf_connect(c, host, port, &s), ACME_OK);
    for (int i = 0; i < 3000 && conf_accept(c, listener, &t) == ACME_AGAIN; i++) {
        CONF_STATUS(conf_recv(c, s, &byte, 1), ACME_AGAIN);
        c->h->wait(c->h->ctx, 10);
    }
    CONF(t >= 0);
    CONF_TRY(conf_echo(c, s, t));
}

static void cm_by_name(struct conf *c)
{
    cm_reach(c, c->h->self_name);
}

static void cm_next_address(struct conf *c)
{
    cm_reach(c, c->h->dead_first);
}

static void cm_dead(struct conf *c)
{
    acme_sock s;
    uint16_t port = c->h->free_port(c->h->ctx);

    if (c->h->dead_addr == NULL) {
        conf_skip(c, "no address here that never answers");
        return;
    }
    if (c->h->make_dead != NULL)
        c->h->make_dead(c->h->ctx, port);
    CONF_STATUS(conf_connect(c, c->h->dead_addr, port, &s), ACME_OK);
    CONF_STATUS(conf_outcome(c, s), ACME_E_TIMEOUT);
    CONF_TRY(cm_final(c, s));
}

static void cm_resolver(struct conf *c)
{
    char addr[ACME_ADDR_TEXT + 8];

    if (c->port->net->resolver == NULL) {
        conf_skip(c, "this port gives no resolver, which is allowed");
        return;
    }
    for (unsigned i = 0; i < 64; i++) {
        memset(addr, 0x5a, sizeof addr);
        int got = c->port->net->resolver(c->port->ctx, i, addr);
        if (got == ACME_E_LOOKUP) {
            CONF_STATUS(c->port->net->resolver(c->port->ctx, i + 1, addr), ACME_E_LOOKUP);
            return;
        }
        CONF(got == ACME_OK);
        CONF(memchr(addr, '\0', ACME_ADDR_TEXT) != NULL);
        for (int k = ACME_ADDR_TEXT; k < (int)sizeof addr; k++)
            CONF(addr[k] == 0x5a);
        size_t len = strlen(addr), text = strspn(addr, "0123456789abcdefABCDEF:.");
        CONF(len >= 2 && (text == len || addr[text] == '%'));
        CONF(strchr(addr, ':') != NULL || strchr(addr, '.') != NULL);
    }
    conf_fail(c, "64 DNS servers and no end");
}

const struct conf_clause conf_net_names[] = {
    {"N01", "connect-at-once", cm_at_once},
    {"N10", "refused-is-final", cm_refused},
    {"N11", "name-without-address", cm_no_address},
    {"N12", "arguments", cm_arguments},
    {"N13", "host-is-copied", cm_copied},
    {"N14", "by-name", cm_by_name},
    {"N15", "next-address", cm_next_address},
    {"N16", "no-answer", cm_dead},
    {"N26", "resolver", cm_resolver},
    {NULL, NULL, NULL},
};
