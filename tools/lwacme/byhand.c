/* dns-01 by a person (RFC 8555 8.4): nothing is done here but to say what to do, and to look. */
#include "byhand.h"

#include <stdio.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_crypto.h"
#include "acme_err.h"
#include "dns_ask.h"

static int byhand_record(const struct acme_challenge *c, struct byhand_record *out)
{
    uint8_t digest[ACME_SHA256_SIZE];
    int err;

    if (c->key_authorization[0] == '\0' ||
        !acme_copy_text(out->name, sizeof out->name, acme_slice_text(c->identifier)))
        return ACME_E_ARG;
    err = acme_sha256(c->key_authorization, strlen(c->key_authorization), digest);
    if (err != ACME_OK)
        return err;
    (void)acme_b64url_encode(out->value, sizeof out->value - 1, digest, sizeof digest);
    out->value[sizeof out->value - 1] = '\0';
    return ACME_OK;
}

static int byhand_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct byhand *b = (struct byhand *)s;
    struct byhand_record record;
    int err;

    if (c->type != ACME_CHALLENGE_DNS01 || c->id_type != ACME_ID_DNS)
        return ACME_E_DECLINED;
    err = byhand_record(c, &record);
    if (err != ACME_OK)
        return err;
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->records[i].name, record.name) == 0 &&
            strcmp(b->records[i].value, record.value) == 0)
            return ACME_OK;
    }
    if (b->count == sizeof b->records / sizeof b->records[0])
        return ACME_E_SIZE;
    b->records[b->count++] = record;
    return ACME_OK;
}

/* What one server knows, or finds out. ACME_OK: the record is there; ACME_AGAIN: it is not. */
static int ask_one(const struct byhand *b, const struct byhand_record *record)
{
    char name[sizeof BYHAND_PREFIX + ACME_NAME_ROOM];
    struct dns_record found;
    struct dns_msg answer;
    int err;

    snprintf(name, sizeof name, BYHAND_PREFIX "%s", record->name);
    err = dns_ask(b->base.port, b->server, b->port, name, DNS_TXT, &answer);
    while (err == ACME_OK && dns_msg_find(&answer, DNS_TXT, &found)) {
        if (dns_msg_txt_is(found.data, record->value))
            return ACME_OK;
    }
    return err == ACME_OK && !answer.broken ? ACME_AGAIN : err != ACME_OK ? err : ACME_E_REPLY;
}

/* A CA looks once, and what it does not see costs the order. It asks the zone's own servers, which
 * know of no earlier answer; so do we, and where they cannot be asked, who looks up names here. */
static int byhand_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    struct byhand *b = (struct byhand *)s;
    struct byhand_record record;
    char why[300] = "";
    int err = byhand_record(c, &record), one;

    if (err != ACME_OK)
        return err;
    err = b->server == NULL ? b->look->ops->ready(b->look, c) : ACME_E_LOOKUP;
    if (err == ACME_OK || err == ACME_AGAIN)
        return err;
    if (b->server == NULL && b->zone.absent)
        snprintf(why, sizeof why, "%s", b->zone.why);
    else {
        one = ask_one(b, &record);
        if (one == ACME_OK)
            return ACME_OK;
        if (one == ACME_AGAIN)
            snprintf(why, sizeof why, "%s does not show it",
                     b->server != NULL ? b->server : "the system's DNS server");
        else {
            b->unknown = true;
            snprintf(why, sizeof why, "no DNS server tells: %s",
                     b->server != NULL ? acme_err_words(one) : b->zone.why);
        }
    }
    b->missing = true;
    b->tell(&record, why);
    return ACME_OK; /* all are looked at; whoever drives the agent stops it before the CA is told */
}

static int byhand_end(struct acme_solver *s, const struct acme_challenge *c,
                      enum acme_outcome outcome)
{
    struct byhand *b = (struct byhand *)s;
    struct byhand_record record;

    if (outcome != ACME_OUTCOME_UNKNOWN && byhand_record(c, &record) == ACME_OK)
        b->tell(&record, NULL);
    return ACME_OK;
}

static uint32_t byhand_poll(struct acme_solver *s)
{
    struct byhand *b = (struct byhand *)s;

    return b->look->ops->poll(b->look);
}

static const struct acme_solver_ops byhand_ops = {
    .name = "by-hand",
    .types = ACME_CHALLENGE_DNS01,
    .begin = byhand_begin,
    .ready = byhand_ready,
    .end = byhand_end,
    .poll = byhand_poll,
};

struct acme_solver *byhand_init(struct byhand *b, const struct acme_port *port, const char *server,
                                uint16_t tcp_port)
{
    struct dns01_2136_config config = {.ready_ms = 1};

    memset(b, 0, sizeof *b);
    b->base.ops = &byhand_ops;
    b->base.port = port;
    b->server = server;
    b->port = tcp_port;
    b->look = dns01_2136_init(&b->zone, port, &config);
    return &b->base;
}

void byhand_close(struct byhand *b)
{
    if (b->look != NULL)
        dns01_2136_close(&b->zone);
}
