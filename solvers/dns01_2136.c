/* dns01_2136.c - the solver of dns-01 and dns-account-01 by signed DNS UPDATE (RFC 2136) */
#include "dns01_2136.h"

#include <string.h>

#include "acme_err.h"

#define D01_TTL 60

enum d01_job { D01_NONE, D01_BEGIN, D01_READY, D01_END };

/* ---- the UPDATE ---- */

/* The one record of ours: added with class IN (RFC 2136 2.5.1), removed with class NONE (2.5.4),
 * which leaves the other values of the name alone. */
static int d01_write(struct dns_seek *s, struct acme_buf *b)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s->ctx;
    uint8_t data[DNS_LABEL_VALUE];
    bool add = d->job == D01_BEGIN;
    uint32_t ttl = d->config.ttl != 0 ? d->config.ttl : D01_TTL;
    int err;

    data[0] = DNS_LABEL_VALUE - 1;
    memcpy(data + 1, d->value, DNS_LABEL_VALUE - 1);
    dns_msg_ask(b, s->zone, DNS_SOA);
    dns_msg_add(b, DNS_AUTHORITY, s->name, DNS_TXT, add ? DNS_IN : DNS_NONE, add ? ttl : 0,
                acme_slice_of(data, sizeof data));
    if (d->config.key == NULL)
        return ACME_OK;
    err = s->port->unix_time(s->port->ctx, &d->asked_at);
    return err != ACME_OK ? err : dns_tsig_sign(b, d->config.key, d->asked_at, &d->asked);
}

static int d01_take(struct dns_seek *s, struct dns_msg *r)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s->ctx;
    const char *why = "";
    int64_t theirs = 0, now = 0;
    unsigned error = 0;
    int err = ACME_OK;

    if (d->config.key != NULL) {
        if (s->port->unix_time(s->port->ctx, &now) != ACME_OK)
            now = d->asked_at;
        err = dns_tsig_check(d->config.key, r->message, now, &d->asked, &error, &theirs, &why);
    }
    /* A refusal may come without a signature; it is believed, because it gives nothing. */
    if (r->rcode != DNS_NOERROR && error == 0)
        return r->rcode == DNS_SERVFAIL ? (int)ACME_E_SERVER
                                        : dns_seek_fail(s, s->zone, dns_msg_refusal(r->rcode), "");
    return err == ACME_E_SOLVER ? dns_seek_fail(s, d->config.key->name, why, "") : err;
}

static const struct dns_seek_hooks d01_hooks = {.write = d01_write, .take = d01_take};

/* ---- the job ---- */

static int d01_start(struct dns01_2136 *d, const struct acme_challenge *c, enum d01_job job)
{
    char owner[DNS_NAME_ROOM];
    uint32_t ready_ms = d->config.ready_ms != 0 ? d->config.ready_ms : DNS01_2136_READY_MS;
    int err = dns_label_owner(c, owner);

    if (err == ACME_E_NAME)
        return dns_seek_fail(&d->seek, c->identifier, "too long for _acme-challenge before it", "");
    if (err != ACME_OK)
        return err;
    memcpy(d->identifier, c->identifier, strlen(c->identifier) + 1);
    d->job = (uint8_t)job;
    return dns_seek_start(&d->seek, owner, job == D01_READY ? DNS_SEEK_SHOWN : DNS_SEEK_UPDATE,
                          d->value, ready_ms);
}

/* The job for a challenge: begun when there is none such, and its result, once. */
static int d01_do(struct acme_solver *s, const struct acme_challenge *c, enum d01_job job)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s;
    char value[DNS_LABEL_VALUE];
    int err;

    if (c->key_authorization[0] == '\0')
        return dns_seek_fail(&d->seek, c->identifier,
                             "the account's key is not known, nor so the value of the TXT record",
                             "");
    err = dns_label_value(c, value);
    if (err != ACME_OK)
        return err;
    if (d->job != job || strcmp(d->identifier, c->identifier) != 0 ||
        strcmp(d->value, value) != 0) {
        memcpy(d->value, value, sizeof value);
        err = d01_start(d, c, job);
    }
    if (err == ACME_OK)
        err = dns_seek_poll(&d->seek, NULL);
    d->absent = d->seek.absent;
    if (err != ACME_AGAIN)
        d->job = D01_NONE;
    return err;
}

static int d01_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s;

    if ((unsigned)c->type != s->ops->types || c->id_type != ACME_ID_DNS ||
        (d->config.server == NULL && s->port->net->resolver == NULL))
        return ACME_E_DECLINED;
    if (c->key_authorization[0] == '\0')
        return ACME_E_ARG;
    return d01_do(s, c, D01_BEGIN);
}

static int d01_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    return d01_do(s, c, D01_READY);
}

static int d01_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    (void)outcome;
    return d01_do(s, c, D01_END);
}

static uint32_t d01_poll(struct acme_solver *s)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s;
    uint32_t sleep_ms = UINT32_MAX;

    /* What it ends with is told to who asks next. */
    if (d->job != D01_NONE)
        (void)dns_seek_poll(&d->seek, &sleep_ms);
    return sleep_ms;
}

static const struct acme_solver_ops d01_ops = {
    .name = "dns-01",
    .types = ACME_CHALLENGE_DNS01,
    .needs = ACME_NEEDS_NOTHING,
    .begin = d01_begin,
    .ready = d01_ready,
    .end = d01_end,
    .poll = d01_poll,
};

static const struct acme_solver_ops d01_account_ops = {
    .name = "dns-account-01",
    .types = ACME_CHALLENGE_DNS_ACCOUNT01,
    .needs = ACME_NEEDS_NOTHING,
    .begin = d01_begin,
    .ready = d01_ready,
    .end = d01_end,
    .poll = d01_poll,
};

struct acme_solver *dns01_2136_init(struct dns01_2136 *d, const struct acme_port *port,
                                    const struct dns01_2136_config *config)
{
    memset(d, 0, sizeof *d);
    d->solver.ops = config->account ? &d01_account_ops : &d01_ops;
    d->solver.port = port;
    d->config = *config;
    dns_seek_init(&d->seek, port, &d01_hooks, d, d->why);
    d->seek.server = config->server;
    d->seek.server_port = config->port;
    d->seek.ns_port = config->ns_port;
    d->seek.only_primary = config->only_primary;
    return &d->solver;
}

void dns01_2136_close(struct dns01_2136 *d)
{
    dns_seek_close(&d->seek);
    d->job = D01_NONE;
}
