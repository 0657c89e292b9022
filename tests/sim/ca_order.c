/* ca_order.c - orders, what they end in, and what goes wrong with them (RFC 8555 7.1.3, 7.4) */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_json.h"
#include "ca.h"

/* ---- order objects: 7.1.3, 7.1.6 ---- */

static bool all_valid(const struct ca_order *o)
{
    for (unsigned i = 0; i < o->count; i++) {
        if (o->authz[i].status != ACME_STATUS_VALID)
            return false;
    }
    return true;
}

void ca_order_settle(struct ca *ca, struct ca_order *o)
{
    if (o->status == ACME_STATUS_PENDING) {
        for (unsigned i = 0; i < o->count; i++) {
            if (o->authz[i].status == ACME_STATUS_INVALID)
                o->status = ACME_STATUS_INVALID;
        }
        if (o->status == ACME_STATUS_PENDING && all_valid(o))
            o->status = ACME_STATUS_READY;
    }
    if (o->status == ACME_STATUS_PROCESSING && ca->world->now_ms >= o->processing_until)
        o->status = ACME_STATUS_VALID;
    if (sim_world_unix(ca->world) > o->expires &&
        (o->status == ACME_STATUS_PENDING || o->status == ACME_STATUS_READY))
        o->status = ACME_STATUS_INVALID;
}

/* Where a URL of the order leads. */
static const char *order_base(struct ca *ca, enum evil_id id)
{
    return evil_does(&ca->evil, id) ? "https://169.254.169.254" : ca->base;
}

static void put_authorizations(struct ca *ca, const struct ca_order *o, struct acme_buf *b)
{
    unsigned first = evil_does(&ca->evil, EVIL_AUTHZ_SHUFFLED) ? 1 : 0;
    bool twice = o->count > 1 && evil_does(&ca->evil, EVIL_AUTHZ_TWICE);
    const char *base = order_base(ca, EVIL_ORD_AUTHZ_INSIDE);
    char url[120];

    for (unsigned i = 0; i < o->count; i++) {
        unsigned k = twice ? 0 : (i + first) % o->count;
        snprintf(url, sizeof url, "%s\"%s/authz/%016llx/%u\"", i > 0 ? "," : "", base,
                 (unsigned long long)o->number, k);
        acme_buf_text(b, url);
    }
    for (unsigned i = 0; evil_has(&ca->evil, EVIL_ORD_MANY) && ca->evil.on && i < 101; i++) {
        if (i == 0 && !evil_does(&ca->evil, EVIL_ORD_MANY))
            break;
        snprintf(url, sizeof url, ",\"%s/authz/x/%u\"", ca->base, i);
        acme_buf_text(b, url);
    }
}

void ca_put_order(struct ca *ca, struct ca_order *o, struct ca_reply *r)
{
    struct acme_buf *b = &r->body;
    char url[160];
    const char *status;

    ca_order_settle(ca, o);
    if (evil_does(&ca->evil, EVIL_ORD_INVALID) && o->status != ACME_STATUS_VALID)
        o->status = ACME_STATUS_INVALID;
    status = acme_status_name((enum acme_status)o->status);
    if (o->status == ACME_STATUS_READY && evil_does(&ca->evil, EVIL_ORD_STUCK))
        status = "pending";
    if (evil_does(&ca->evil, EVIL_ORD_WORD))
        status = "canceled";
    acme_buf_text(b, "{\"status\":\"");
    acme_buf_text(b, status);
    acme_buf_text(b, "\",\"expires\":\"2030-01-01T00:00:00.5Z\",\"identifiers\":[],");
    if (evil_does(&ca->evil, EVIL_ORD_NULL) || o->null_authz) {
        o->null_authz = true;
        acme_buf_text(b, "\"authorizations\":null");
    } else {
        acme_buf_text(b, "\"authorizations\":[");
        if (!evil_does(&ca->evil, EVIL_ORD_NONE))
            put_authorizations(ca, o, b);
        acme_buf_char(b, ']');
    }
    if (o->status == ACME_STATUS_INVALID)
        acme_buf_text(b, ",\"error\":{\"type\":\"urn:ietf:params:acme:error:unauthorized\","
                         "\"detail\":\"it did not work\"}");
    snprintf(url, sizeof url, "%s/fin/%016llx", order_base(ca, EVIL_ORD_URLS_INSIDE),
             (unsigned long long)o->number);
    ca_put_member(b, "finalize", url);
    if (o->status == ACME_STATUS_VALID) {
        snprintf(url, sizeof url, "%s/cert/%016llx", order_base(ca, EVIL_ORD_URLS_INSIDE),
                 (unsigned long long)o->number);
        ca_put_member(b, "certificate", url);
    }
    acme_buf_char(b, '}');
    if (o->status == ACME_STATUS_PROCESSING && r->retry_after == 0 &&
        sim_world_chance(ca->world, 500)) {
        r->retry_after = sim_world_range(ca->world, 1, 5);
        r->retry_date = sim_world_chance(ca->world, 300);
    }
    if (evil_does(&ca->evil, EVIL_ORD_RETRY_LONG))
        r->retry_after = ca_some_time(ca);
}

/* ---- newOrder: 7.4 ---- */

static bool order_refused(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    static char long_text[5200];

    bool denied = false; /* as if by what it names as its predecessor: it is asked for without */

    if (evil_does(&ca->evil, EVIL_ORD_RATE))
        ca_limited(ca, r, ca_some_time(ca), false);
    else if (evil_does(&ca->evil, EVIL_ORD_RATE_DATE))
        ca_limited(ca, r, ca_some_time(ca), true);
    else if (evil_does(&ca->evil, EVIL_SRV_RATE))
        ca_limited(ca, r, 90000 + sim_world_below(ca->world, 400000), false);
    else if (evil_does(&ca->evil, EVIL_SRV_ORDERS))
        denied = ca_problem(r, 403, "unauthorized", "no orders of yours") != 0;
    else if (evil_does(&ca->evil, EVIL_SRV_CAA))
        ca_problem(r, 403, "caa", "CAA names another CA");
    else if (evil_does(&ca->evil, EVIL_ORD_REJECTED)) {
        ca_problem(r, 400, "rejectedIdentifier", "policy");
        r->body.len--;
        acme_buf_text(&r->body, ",\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:"
                                "rejectedIdentifier\",\"detail\":\"forbidden\",\"identifier\":"
                                "{\"type\":\"dns\",\"value\":\"a0.test\"}}]}");
    } else if (evil_does(&ca->evil, EVIL_ORD_DETAIL)) {
        for (size_t i = 0; i + 1 < sizeof long_text; i++)
            long_text[i] = (char)(i % 37 == 0 ? 27 : 'a' + (int)(i % 26));
        denied = ca_problem(r, 403, "unauthorized", long_text) != 0;
    } else
        return false;
    ca->asked_again += denied && acme_json_get(q->payload, "replaces") != NULL;
    return true;
}

/* The limits of an account's orders and of a name's failed proofs; the one that resets last is
 * told. No limit holds for an order that names its predecessor. */
static bool order_limited(struct ca *ca, const struct ca_order *o, struct ca_reply *r)
{
    enum ca_limit which = CA_LIMIT_ORDERS;
    uint32_t wait = 0;

    if (!ca->limits)
        return false;
    if (o->replaces != 0) {
        ca_limits_reached[CA_LIMIT_EXEMPT]++;
        return false;
    }
    for (unsigned i = 0; i < o->count; i++) {
        uint32_t of_name = ca_bucket_wait(ca, &ca->failure_bucket[i], 5, 720);
        wait = of_name > wait ? of_name : wait;
        which = CA_LIMIT_FAILURES;
    }
    if (wait == 0) {
        wait = ca_bucket_take(ca, &ca->order_bucket, 300, 36);
        which = CA_LIMIT_ORDERS;
    }
    if (wait == 0)
        return false;
    ca_limits_reached[which]++;
    ca_limited(ca, r, wait, false);
    return true;
}

static bool order_names(struct ca *ca, const struct ca_request *q, struct ca_order *o)
{
    const struct acme_json *node = acme_json_first(acme_json_get(q->payload, "identifiers"));

    for (; node != NULL; node = acme_json_next(node)) {
        const char *type = acme_json_member(node, "type");
        const char *value = acme_json_member(node, "value");
        struct ca_authz *z = &o->authz[o->count];

        if (type == NULL || strcmp(type, "dns") != 0 || value == NULL || o->count == CA_NAMES ||
            strlen(value) > 60)
            return ca_break(ca, "newOrder: an identifier that nobody asked for") == 0;
        z->wildcard = strncmp(value, "*.", 2) == 0;
        snprintf(z->name, sizeof z->name, "%s", z->wildcard ? value + 2 : value);
        z->status = z->challenge = ACME_STATUS_PENDING;
        o->count++;
    }
    return o->count > 0;
}

static void order_tokens(struct ca *ca, struct ca_order *o)
{
    for (unsigned i = 0; i < o->count; i++) {
        uint8_t bytes[32];
        int n;

        for (int k = 0; k < 32; k++)
            bytes[k] = (uint8_t)(sim_world_random(ca->world) >> 40);
        n = acme_b64url_encode(o->authz[i].token, 43, bytes, 32);
        o->authz[i].token[n] = '\0';
        if (evil_does(&ca->evil, EVIL_AUTHZ_VALID))
            o->authz[i].status = o->authz[i].challenge = ACME_STATUS_VALID;
    }
    if (evil_does(&ca->evil, EVIL_ORD_READY)) {
        for (unsigned i = 0; i < o->count; i++)
            o->authz[i].status = o->authz[i].challenge = ACME_STATUS_VALID;
    }
}

void ca_new_order(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    struct ca_order *o = &ca->orders[ca->orders_count];

    ca->new_orders++;
    if (q->payload == NULL || order_refused(ca, q, r))
        return;
    if (ca->orders_count == CA_ORDERS) {
        ca_limited(ca, r, 3600, false);
        return;
    }
    memset(o, 0, offsetof(struct ca_order, leaf));
    o->not_before = o->not_after = 0;
    o->replaces = 0;
    o->replaced = false;
    if (!order_names(ca, q, o)) {
        ca_problem(r, 400, "malformed", "identifiers");
        return;
    }
    o->account = (uint32_t)(q->account - ca->accounts);
    if (!ca_profile_good(ca, q, r) || !ca_replaces(ca, q, o, r) || order_limited(ca, o, r))
        return;
    ca->orders_count++;
    o->number = sim_world_random(ca->world);
    o->status = ACME_STATUS_PENDING;
    o->expires = sim_world_unix(ca->world) + 7 * 86400;
    order_tokens(ca, o);
    r->status = 201;
    r->acted = true;
    if (evil_does(&ca->evil, EVIL_ORD_RELATIVE))
        snprintf(r->location, sizeof r->location, "/order/%016llx", (unsigned long long)o->number);
    else if (!evil_does(&ca->evil, EVIL_ORD_NO_LOCATION))
        snprintf(r->location, sizeof r->location, "%s/order/%016llx",
                 order_base(ca, EVIL_ORD_INSIDE), (unsigned long long)o->number);
    ca_put_order(ca, o, r);
}

/* ---- finalize and certificate ---- */

static void finalize_now(struct ca *ca, struct ca_order *o, const struct ca_request *q,
                         struct ca_reply *r)
{
    uint8_t csr[4096];
    const char *text = acme_json_member(q->payload, "csr");
    int n = text != NULL ? acme_b64url_decode(csr, sizeof csr, text, strlen(text)) : -1;
    struct acme_slice spki = {NULL, 0};
    const char *why =
        n > 0 ? ca_csr_check(ca, o, acme_slice_of(csr, (size_t)n), &spki) : "no csr in finalize";

    if (why != NULL) {
        (void)ca_break(ca, why);
        ca_problem(r, 400, "badCSR", why);
        return;
    }
    if (ca->profile != NULL && evil_does(&ca->evil, EVIL_PROFILE_LATE)) {
        ca->profile_refused = true;
        ca_problem(r, 400, "invalidProfile", "this profile has gone meanwhile");
        return;
    }
    (void)acme_sha256(spki.ptr, spki.len, o->spki_sum);
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, "finalize", q, o);
    ca_issue(ca, o, spki);
    for (uint32_t i = 0; i < ca->orders_count; i++)
        ca->orders[i].replaced |= o->replaces != 0 && ca->orders[i].number == o->replaces;
    o->late = ca->ghost;
    r->acted = true;
    o->status = ACME_STATUS_PROCESSING;
    o->processing_until = ca->world->now_ms + sim_world_below(ca->world, ca->issuance_ms + 1);
    if (evil_does(&ca->evil, EVIL_ORD_PROCESSING))
        o->processing_until += 1000 * (uint64_t)sim_world_range(ca->world, 600, 200000);
}

void ca_finalize(struct ca *ca, struct ca_order *o, const struct ca_request *q, struct ca_reply *r)
{
    uint32_t wait = 0;

    ca->finalizes++;
    ca_order_settle(ca, o);
    if (o->status != ACME_STATUS_READY) {
        if (o->leaf_len > 0 && !ca->ghost && !o->late)
            (void)ca_break(ca, "an order was finalized twice");
        ca_problem(r, 403, "orderNotReady", "the order is not ready");
        return;
    }
    if (evil_does(&ca->evil, EVIL_FIN_NOT_READY)) {
        ca_problem(r, 403, "orderNotReady", "not yet");
        return;
    }
    if (evil_does(&ca->evil, EVIL_FIN_BAD_CSR)) {
        ca_problem(r, 400, "badCSR", "we do not like it");
        return;
    }
    if (ca->limits && o->replaces == 0)
        wait = ca_bucket_take(ca, &ca->cert_bucket, 5, 34 * 3600);
    ca_limits_reached[CA_LIMIT_CERTIFICATES] += wait > 0;
    if (wait > 0 || evil_does(&ca->evil, EVIL_FIN_RATE)) {
        ca_limited(ca, r, wait > 0 ? wait : ca_some_time(ca), sim_world_chance(ca->world, 300));
        return;
    }
    finalize_now(ca, o, q, r);
    if (r->status != 200 || evil_does(&ca->evil, EVIL_FIN_EMPTY))
        return;
    ca_put_order(ca, o, r);
}

/* Links to the other chains: from each of them to all, as RFC 8555 7.4.2 shows it. */
static void put_alternates(struct ca *ca, const struct ca_order *o, unsigned which,
                           struct ca_reply *r)
{
    unsigned count = ca->alternates;

    if (count == 0)
        return;
    if (evil_does(&ca->evil, EVIL_ALT_INSIDE)) {
        snprintf(r->more, sizeof r->more,
                 "Link: <https://169.254.169.254/cert/1>;rel=\"alternate\"\r\n");
        return;
    }
    if (evil_does(&ca->evil, EVIL_ALT_MANY))
        count = 12;
    for (unsigned i = 0; i <= count; i++) {
        size_t len = strlen(r->more);

        if (i == which && !evil_does(&ca->evil, EVIL_ALT_LOOP))
            continue;
        snprintf(r->more + len, sizeof r->more - len,
                 "Link: <%s/cert/%016llx%s%u>;rel=\"alternate\"\r\n", ca->base,
                 (unsigned long long)o->number, i > 0 ? "/" : "?", i);
    }
}

void ca_certificate(struct ca *ca, struct ca_order *o, unsigned which, struct ca_reply *r)
{
    ca_order_settle(ca, o);
    if (o->leaf_len == 0 || o->status != ACME_STATUS_VALID) {
        ca_problem(r, 404, "malformed", "no certificate here");
        return;
    }
    if (which > 0 && evil_does(&ca->evil, EVIL_ALT_404)) {
        ca_problem(r, 404, "malformed", "no such chain");
        return;
    }
    if (evil_does(&ca->evil, EVIL_CERT_LATE)) {
        ca_problem(r, 503, "serverInternal", "not on this server yet");
        r->retry_after = sim_world_range(ca->world, 0, 30);
        return;
    }
    ca->downloads++;
    r->type = "application/pem-certificate-chain";
    put_alternates(ca, o, which, r);
    ca_chain(ca, o, which, &r->body);
}
