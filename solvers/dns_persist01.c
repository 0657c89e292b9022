/* dns_persist01.c - the solver of dns-persist-01: is the record there that a person published? */
#include "dns_persist01.h"

#include <string.h>

#include "acme_err.h"
#include "acme_event.h"

#define DPS_ISSUERS_MAX 10 /* names in a challenge (the draft's own bound) */

/* Is the one longer than the other? 0: for ever. */
static bool dps_longer(int64_t until, int64_t other)
{
    return other != 0 && (until == 0 || until > other);
}

/* The answer to the question for TXT: the best of its records. An alias is followed by whom we
 * ask, so it does not matter who owns them. */
static int dps_take(struct dns_seek *s, struct dns_msg *r)
{
    struct dns_persist01 *p = (struct dns_persist01 *)s->ctx;
    uint8_t text[DNS_PERSIST_ROOM];
    struct dns_record record;
    int64_t until = 0;

    p->verdict = DNS_PERSIST_ABSENT;
    p->until = 0;
    while (dns_msg_find(r, DNS_TXT, &record)) {
        int n = dns_msg_txt(record.data, text, sizeof text);
        enum dns_persist_verdict verdict =
            n < 0 ? DNS_PERSIST_ABSENT
                  : dns_persist_judge(acme_slice_of(text, (size_t)n), &p->want, p->now, &until);
        /* Of several that are as good the one counts that lasts longest. */
        if (verdict < p->verdict || (verdict == p->verdict && !dps_longer(until, p->until)))
            continue;
        p->verdict = (uint8_t)verdict;
        p->until = until;
    }
    return r->broken ? ACME_E_REPLY : ACME_OK;
}

static const struct dns_seek_hooks dps_hooks = {.take = dps_take};

int dns_persist01_look(struct dns_persist01 *p, const struct acme_challenge *c)
{
    const struct acme_port *port = p->solver.port;
    char owner[DNS_NAME_ROOM];
    int err = ACME_OK;

    if (!p->looking || strcmp(p->identifier, c->identifier) != 0 ||
        p->want.wildcard != c->wildcard) {
        err = dns_label_owner(c, owner);
        if (err == ACME_E_NAME)
            return dns_seek_fail(&p->seek, c->identifier,
                                 "too long for _validation-persist before it", "");
        if (err == ACME_OK)
            err = port->unix_time(port->ctx, &p->now);
        if (err != ACME_OK)
            return err;
        (void)acme_copy_text(p->identifier, sizeof p->identifier, acme_slice_text(c->identifier));
        p->want.wildcard = c->wildcard;
        err = dns_seek_start(&p->seek, owner, DNS_SEEK_TXT, NULL, 0);
        p->looking = err == ACME_OK;
    }
    p->want.account_url = c->account_url; /* only as long as the call lasts */
    if (err == ACME_OK)
        err = dns_seek_poll(&p->seek, NULL);
    if (err != ACME_AGAIN)
        p->looking = false;
    return err;
}

static void dps_warn(const struct dns_persist01 *p, const struct acme_challenge *c)
{
    const struct acme_port *port = p->solver.port;
    struct acme_event event = {.type = ACME_EVENT_WARNING,
                               .step = "begin",
                               .text = "the record of dns-persist-01 ends soon (persistUntil)",
                               .word = "",
                               .detail = c->identifier,
                               .at = p->until};

    if (port->event != NULL && p->until != 0 && p->until - p->now < DNS_PERSIST01_SOON_S)
        port->event(port->ctx, &event);
}

/* ---- the contract ---- */

/* The challenge must name the issuer that a person has configured (draft, 3). */
static int dps_offered(struct acme_solver *s, const struct acme_challenge_object *c)
{
    struct dns_persist01 *p = (struct dns_persist01 *)s;
    size_t count = c->issuers != NULL ? acme_json_count(c->issuers) : 0;
    const struct acme_json *node;

    if (c->type != ACME_CHALLENGE_DNS_PERSIST01)
        return ACME_E_DECLINED;
    for (node = count <= DPS_ISSUERS_MAX ? acme_json_first(c->issuers) : NULL; node != NULL;
         node = acme_json_next(node)) {
        const char *issuer = acme_json_text(node);
        if (issuer != NULL && strcmp(issuer, p->config.issuer) == 0)
            return ACME_OK;
    }
    (void)dns_seek_fail(&p->seek, p->config.issuer,
                        "the CA's challenge does not name this issuer: is it the right CA?", "");
    return ACME_E_DECLINED;
}

static int dps_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct dns_persist01 *p = (struct dns_persist01 *)s;
    int err;

    if (c->type != ACME_CHALLENGE_DNS_PERSIST01 || c->id_type != ACME_ID_DNS ||
        (p->config.server == NULL && s->port->net->resolver == NULL))
        return ACME_E_DECLINED;
    err = dns_persist01_look(p, c);
    if (err != ACME_OK)
        return err;
    if (p->verdict == DNS_PERSIST_GOOD) {
        dps_warn(p, c);
        return ACME_OK;
    }
    err = dns_seek_fail(&p->seek, c->identifier,
                        dns_persist_words((enum dns_persist_verdict)p->verdict),
                        ", at _validation-persist before this name");
    return p->config.others ? (int)ACME_E_DECLINED : err;
}

/* The record is not ours to remove; a look that nobody asks for any more is given up. */
static int dps_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    (void)c;
    (void)outcome;
    dns_persist01_close((struct dns_persist01 *)s);
    return ACME_OK;
}

static uint32_t dps_poll(struct acme_solver *s)
{
    struct dns_persist01 *p = (struct dns_persist01 *)s;

    /* The look goes on when it is asked for again: only then is the account's URL at hand. */
    return p->looking ? 20 : UINT32_MAX;
}

static const struct acme_solver_ops dps_ops = {
    .name = "dns-persist-01",
    .types = ACME_CHALLENGE_DNS_PERSIST01,
    .needs = ACME_NEEDS_NOTHING,
    .offered = dps_offered,
    .begin = dps_begin,
    .end = dps_end,
    .poll = dps_poll,
};

struct acme_solver *dns_persist01_init(struct dns_persist01 *p, const struct acme_port *port,
                                       const struct dns_persist01_config *config)
{
    memset(p, 0, sizeof *p);
    p->solver.ops = &dps_ops;
    p->solver.port = port;
    p->config = *config;
    p->want.issuer = config->issuer;
    dns_seek_init(&p->seek, port, &dps_hooks, p, p->why);
    p->seek.server = config->server;
    p->seek.server_port = config->server_port;
    return &p->solver;
}

void dns_persist01_close(struct dns_persist01 *p)
{
    dns_seek_close(&p->seek);
    p->looking = false;
}
