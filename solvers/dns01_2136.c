/* dns01_2136.c - the solver of dns-01 (RFC 8555 8.4) by signed DNS UPDATE (RFC 2136) */
#include "dns01_2136.h"

#include <string.h>

#include "acme_b64.h"
#include "acme_crypto.h"
#include "acme_err.h"

#define D01_STEPS 16 /* moves of the job in one poll */
#define D01_PORT  53
#define D01_TTL   60

enum d01_job { D01_NONE, D01_BEGIN, D01_READY, D01_END };

enum d01_phase {
    D01_FIND,    /* SOA: the zone, its primary, aliases on the way */
    D01_UPDATE,  /* add or remove */
    D01_SERVERS, /* NS of the zone */
    D01_LOOK     /* TXT, at one server after another */
};

static uint64_t d01_now(const struct dns01_2136 *d)
{
    return d->solver.port->now_ms(d->solver.port->ctx);
}

/* "NAME: words more", long names cut so that the words are there: ACME_E_SOLVER, which ends the
 * job. */
static int d01_fail(struct dns01_2136 *d, const char *name, const char *words, const char *more)
{
    const char *const parts[] = {name, ": ", words, more};
    struct acme_buf b;

    acme_buf_init(&b, d->why, sizeof d->why);
    for (size_t i = 0; i < 4; i++) {
        size_t len = strlen(parts[i]), most = i == 2 ? 90 : 50;
        acme_buf_put(&b, parts[i], len < most ? len : most);
    }
    (void)acme_buf_end(&b);
    return ACME_E_SOLVER;
}

/* ---- one exchange over TCP ---- */

static void d01_hang_up(struct dns01_2136 *d)
{
    const struct acme_port *port = d->solver.port;

    if (d->sock != ACME_NO_SOCK)
        port->net->close(port->ctx, d->sock);
    d->sock = ACME_NO_SOCK;
    d->asking = false;
}

/* Where SOA questions go when no server is given: to one of the system's, another at each try. */
static int d01_resolver(struct dns01_2136 *d, char *addr)
{
    const struct acme_port *port = d->solver.port;
    int err = port->net->resolver(port->ctx, d->tries, addr);

    return err == ACME_OK || d->tries == 0 ? err : port->net->resolver(port->ctx, 0, addr);
}

static int d01_connect(struct dns01_2136 *d)
{
    const struct acme_port *port = d->solver.port;
    const char *host = d->config.server;
    uint16_t tcp_port = d->config.port;
    char addr[ACME_ADDR_TEXT];
    int err;

    if (d->phase == D01_LOOK && !d->config.only_primary) {
        host = d->servers[d->server];
        tcp_port = d->config.ns_port;
    } else if (host == NULL && d->phase == D01_FIND) {
        err = d01_resolver(d, addr);
        if (err != ACME_OK)
            return err;
        host = addr;
        tcp_port = D01_PORT;
    } else if (host == NULL)
        host = d->primary;
    return port->net->connect(port->ctx, host, tcp_port != 0 ? tcp_port : D01_PORT, &d->sock);
}

/* The one record of ours: added with class IN (RFC 2136 2.5.1), removed with class NONE (2.5.4),
 * which leaves the other values of the name alone. */
static int d01_write_update(struct dns01_2136 *d, struct acme_buf *b)
{
    const struct acme_port *port = d->solver.port;
    uint8_t data[1 + 43];
    bool add = d->job == D01_BEGIN;
    uint32_t ttl = d->config.ttl != 0 ? d->config.ttl : D01_TTL;
    int err;

    data[0] = 43;
    memcpy(data + 1, d->value, 43);
    dns_msg_begin(b, d->id, DNS_UPDATE);
    dns_msg_ask(b, d->zone, DNS_SOA);
    dns_msg_add(b, DNS_AUTHORITY, d->name, DNS_TXT, add ? DNS_IN : DNS_NONE, add ? ttl : 0,
                acme_slice_of(data, sizeof data));
    if (d->config.key == NULL)
        return ACME_OK;
    err = port->unix_time(port->ctx, &d->asked_at);
    return err != ACME_OK ? err : dns_tsig_sign(b, d->config.key, d->asked_at, &d->asked);
}

static const char *d01_asked_name(const struct dns01_2136 *d, unsigned *type)
{
    *type = d->phase == D01_FIND ? DNS_SOA : d->phase == D01_SERVERS ? DNS_NS : DNS_TXT;
    return d->phase == D01_FIND ? d->name + d->walk : d->phase == D01_SERVERS ? d->zone : d->name;
}

static int d01_ask(struct dns01_2136 *d)
{
    bool recursive = d->config.server == NULL && d->phase == D01_FIND;
    const char *name;
    struct acme_buf b;
    unsigned type;
    int err = acme_random(&d->id, sizeof d->id);

    if (err != ACME_OK)
        return err;
    acme_buf_init(&b, d->buf, sizeof d->buf);
    if (d->phase == D01_UPDATE)
        err = d01_write_update(d, &b);
    else {
        name = d01_asked_name(d, &type);
        dns_msg_begin(&b, d->id, recursive ? DNS_QUERY_RECURSIVE : DNS_QUERY);
        dns_msg_ask(&b, name, type);
    }
    if (err == ACME_OK && !dns_msg_end(&b))
        err = ACME_E_NAME;
    if (err == ACME_OK)
        err = d01_connect(d);
    if (err != ACME_OK)
        return err;
    d->len = (uint32_t)b.len;
    d->sent = d->got = 0;
    d->asked_ms = d01_now(d);
    d->asking = true;
    return ACME_OK;
}

/* ACME_OK: the answer is whole, behind two bytes of length. */
static int d01_talk(struct dns01_2136 *d)
{
    const struct acme_port *port = d->solver.port;
    size_t want = 2;
    int n;

    if (d01_now(d) - d->asked_ms >= DNS01_2136_LIMIT_MS)
        return ACME_E_TIMEOUT;
    while (d->sent < d->len) {
        n = port->net->send(port->ctx, d->sock, d->buf + d->sent, d->len - d->sent);
        if (n < 0)
            return n;
        d->sent += (uint32_t)n;
    }
    for (;;) {
        want = d->got < 2 ? 2 : 2u + dns_msg_get16(d->buf);
        if (want > sizeof d->buf)
            return ACME_E_SIZE;
        if (d->got == want)
            return ACME_OK;
        n = port->net->recv(port->ctx, d->sock, d->buf + d->got, want - d->got);
        if (n < 0)
            return n;
        d->got += (uint32_t)n;
    }
}

/* ---- what the answers mean: ACME_OK (the job goes on, or d->result tells how it ended), or an
 * error of this exchange, which is tried again but for ACME_E_SOLVER ---- */

static void d01_done(struct dns01_2136 *d)
{
    d->result = ACME_OK;
    d->why[0] = '\0';
}

static void d01_next(struct dns01_2136 *d, enum d01_phase phase)
{
    d->phase = (uint8_t)phase;
    d->tries = 0;
}

/* Another name to look at, where an alias leads. */
static int d01_follow(struct dns01_2136 *d, const char *target)
{
    if (++d->aliases > DNS01_2136_ALIASES)
        return d01_fail(d, d->identifier, "too many aliases (CNAME) one after another", "");
    memcpy(d->name, target, DNS_NAME_ROOM);
    d->walk = 0;
    d->tries = 0;
    return ACME_OK;
}

/* One label up, when the server knows nothing of a name. */
static int d01_up(struct dns01_2136 *d)
{
    const char *dot = strchr(d->name + d->walk, '.');

    if (dot == NULL)
        return d01_fail(d, d->name, "no zone of this name is at the server", "");
    d->walk = (uint16_t)(dot + 1 - d->name);
    d->tries = 0;
    return ACME_OK;
}

/* A SOA in the answer, or, as a name below an apex has none, beside it. */
static int d01_found(struct dns01_2136 *d, struct dns_msg *r)
{
    const char *asked = d->name + d->walk;
    struct dns_record record;
    char target[DNS_NAME_ROOM];

    while (dns_msg_next(r, &record)) {
        if (record.class_ != DNS_IN)
            continue;
        /* Only of the whole name: an alias of a parent is none of ours. */
        if (record.type == DNS_CNAME && record.section == DNS_ANSWER && d->walk == 0 &&
            strcmp(record.name, asked) == 0)
            return dns_msg_name(r->message, record.data_at, target) != 0 ? d01_follow(d, target)
                                                                         : ACME_E_REPLY;
        if (record.type != DNS_SOA || record.section == DNS_ADDITIONAL ||
            !dns_msg_within(asked, record.name))
            continue;
        if (dns_msg_name(r->message, record.data_at, d->primary) == 0)
            return ACME_E_REPLY;
        memcpy(d->zone, record.name, sizeof d->zone);
        d01_next(d, d->job == D01_READY ? (d->config.only_primary ? D01_LOOK : D01_SERVERS)
                                        : D01_UPDATE);
        return ACME_OK;
    }
    return r->broken ? ACME_E_REPLY : d01_up(d);
}

static int d01_updated(struct dns01_2136 *d, struct acme_slice m, unsigned rcode)
{
    const struct acme_port *port = d->solver.port;
    const char *why = NULL;
    int64_t theirs = 0, now = 0;
    unsigned error = 0;
    int err = ACME_OK;

    if (d->config.key != NULL) {
        if (port->unix_time(port->ctx, &now) != ACME_OK)
            now = d->asked_at;
        err = dns_tsig_check(d->config.key, m, now, &d->asked, &error, &theirs, &why);
    }
    /* A refusal may come without a signature; it is believed, because it gives nothing. */
    if (rcode != DNS_NOERROR && error == 0)
        return rcode == DNS_SERVFAIL ? ACME_E_SERVER
                                     : d01_fail(d, d->zone, dns_msg_refusal(rcode), "");
    if (err == ACME_E_SOLVER)
        return d01_fail(d, d->config.key->name, why, "");
    if (err == ACME_OK)
        d01_done(d);
    return err;
}

static int d01_listed(struct dns01_2136 *d, struct dns_msg *r)
{
    struct dns_record record;

    d->servers_count = d->server = 0;
    while (dns_msg_find(r, DNS_NS, &record)) {
        if (strcmp(record.name, d->zone) != 0)
            continue;
        if (d->servers_count == DNS01_2136_SERVERS)
            return d01_fail(d, d->zone, "it has more servers than DNS01_2136_SERVERS", "");
        if (dns_msg_name(r->message, record.data_at, d->servers[d->servers_count]) == 0)
            return ACME_E_REPLY;
        d->servers_count++;
    }
    if (r->broken || d->servers_count == 0)
        return ACME_E_REPLY;
    d01_next(d, D01_LOOK);
    return ACME_OK;
}

static int d01_looked(struct dns01_2136 *d, struct dns_msg *r)
{
    struct dns_record record;

    while (dns_msg_find(r, DNS_TXT, &record)) {
        if (!dns_msg_txt_is(record.data, d->value) || strcmp(record.name, d->name) != 0)
            continue;
        d->tries = 0;
        d->server++;
        if (d->config.only_primary || d->server == d->servers_count)
            d01_done(d);
        return ACME_OK;
    }
    d->absent = !r->broken;
    return ACME_E_REPLY; /* not there yet */
}

static int d01_take(struct dns01_2136 *d)
{
    struct acme_slice m = acme_slice_of(d->buf + 2, d->got - 2);
    bool update = d->phase == D01_UPDATE;
    struct dns_msg r;
    unsigned type = 0;
    const char *name = d01_asked_name(d, &type);
    int err =
        dns_msg_open(&r, m, d->id, update ? DNS_UPDATE : DNS_QUERY, update ? NULL : name, type);

    if (err != ACME_OK)
        return err;
    if (update)
        return d01_updated(d, m, r.rcode);
    if (d->phase == D01_FIND && (r.rcode == DNS_REFUSED || r.rcode == DNS_NOTAUTH))
        return d01_up(d);
    if (r.rcode != DNS_NOERROR && r.rcode != DNS_NXDOMAIN)
        return ACME_E_SERVER;
    return d->phase == D01_FIND      ? d01_found(d, &r)
           : d->phase == D01_SERVERS ? d01_listed(d, &r)
                                     : d01_looked(d, &r);
}

/* ---- the job ---- */

/* An exchange failed on the way: again after a pause; for how often and how long? */
static void d01_again(struct dns01_2136 *d, int err)
{
    bool look = d->phase == D01_LOOK;
    uint32_t most = d->config.ready_ms != 0 ? d->config.ready_ms : DNS01_2136_READY_MS;
    const char *who = look && !d->config.only_primary ? d->servers[d->server]
                      : d->config.server != NULL      ? d->config.server
                      : d->phase != D01_FIND          ? d->primary
                                                      : "the system's DNS server";

    d->wake_ms = d01_now(d) + DNS01_2136_PAUSE_MS;
    d->tries++;
    if (look ? d01_now(d) - d->since_ms < most : d->tries < DNS01_2136_TRIES)
        return;
    if (look && err == ACME_E_REPLY)
        err = d01_fail(d, who, "this server does not show the record in time: ", d->name);
    else
        (void)d01_fail(d, who, acme_err_words(err), "");
    d->result = err;
}

/* One move. False: nothing can be done now. */
static bool d01_move(struct dns01_2136 *d)
{
    int err;

    if (!d->asking && d01_now(d) < d->wake_ms)
        return false;
    if (!d->asking)
        err = d01_ask(d);
    else {
        err = d01_talk(d);
        if (err == ACME_OK) {
            err = d01_take(d);
            d01_hang_up(d);
            if (err == ACME_OK)
                return d->result == ACME_AGAIN;
        }
    }
    if (err == ACME_AGAIN || err == ACME_OK)
        return err == ACME_OK;
    d01_hang_up(d);
    if (err == ACME_E_SOLVER || err == ACME_E_NAME || err == ACME_E_CRYPTO || err == ACME_E_ENTROPY)
        d->result = err;
    else
        d01_again(d, err);
    return false;
}

static uint32_t d01_poll(struct acme_solver *s)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s;
    uint64_t now, then;

    if (d->job == D01_NONE || d->result != ACME_AGAIN)
        return UINT32_MAX;
    for (int i = 0; i < D01_STEPS; i++) {
        if (!d01_move(d))
            break;
    }
    if (d->result != ACME_AGAIN)
        return 0;
    now = d01_now(d);
    then = d->asking ? d->asked_ms + DNS01_2136_LIMIT_MS : d->wake_ms;
    return then > now ? (uint32_t)(then - now) : 0;
}

static int d01_value(const struct acme_challenge *c, char value[44])
{
    uint8_t digest[ACME_SHA256_SIZE];
    int err = acme_sha256(c->key_authorization, strlen(c->key_authorization), digest);

    if (err == ACME_OK)
        (void)acme_b64url_encode(value, 43, digest, sizeof digest);
    value[43] = '\0';
    return err;
}

static int d01_start(struct dns01_2136 *d, const char *identifier, const char *value,
                     enum d01_job job)
{
    size_t prefix = sizeof DNS01_2136_PREFIX - 1, len = strlen(identifier);

    d01_hang_up(d);
    d->why[0] = '\0';
    d->absent = false;
    if (prefix + len >= sizeof d->name)
        return d01_fail(d, identifier, "too long for _acme-challenge before it", "");
    memcpy(d->name, DNS01_2136_PREFIX, prefix);
    memcpy(d->name + prefix, identifier, len + 1);
    memcpy(d->identifier, identifier, len + 1);
    memcpy(d->value, value, sizeof d->value);
    d->walk = 0;
    d->aliases = 0;
    d->server = 0;
    d->since_ms = d->wake_ms = d01_now(d);
    d01_next(d, D01_FIND);
    d->job = (uint8_t)job;
    d->result = ACME_AGAIN;
    return ACME_OK;
}

/* The job for a challenge: begun when there is none such, and its result, once. */
static int d01_do(struct acme_solver *s, const struct acme_challenge *c, enum d01_job job)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s;
    char value[44];
    int err;

    if (c->key_authorization[0] == '\0')
        return d01_fail(d, c->identifier,
                        "the account's key is not known, nor so the value of the "
                        "TXT record",
                        "");
    err = d01_value(c, value);
    if (err != ACME_OK)
        return err;
    if (d->job != job || strcmp(d->identifier, c->identifier) != 0 || strcmp(d->value, value) != 0)
        err = d01_start(d, c->identifier, value, job);
    if (err != ACME_OK)
        return err;
    (void)d01_poll(s);
    if (d->result != ACME_AGAIN)
        d->job = D01_NONE;
    return d->result;
}

static int d01_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct dns01_2136 *d = (struct dns01_2136 *)s;

    if (c->type != ACME_CHALLENGE_DNS01 || c->id_type != ACME_ID_DNS ||
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

static const struct acme_solver_ops d01_ops = {
    .name = "dns-01",
    .types = ACME_CHALLENGE_DNS01,
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
    d->solver.ops = &d01_ops;
    d->solver.port = port;
    d->config = *config;
    d->sock = ACME_NO_SOCK;
    return &d->solver;
}

void dns01_2136_close(struct dns01_2136 *d)
{
    d01_hang_up(d);
    d->job = D01_NONE;
}
