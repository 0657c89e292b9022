/* fleet_ca.c - the CA as a fleet sees it: RFC 8555's resources, Let's Encrypt's limits, outages */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_b64.h"
#include "fleet_ca.h"

#define CAF_ORDER_S (8 * 3600) /* life of an order */
#define CAF_REUSE_S (7 * 3600) /* a valid authorization serves the next order for so long */
#define CAF_VA_LOST 1          /* permille of validations that fail though all is well */

/* ---- buckets: PROTOCOL 2.1 ---- */

/* 0: there was one (and it is taken when asked to); else the milliseconds until there is. */
int64_t caf_bucket(struct fleet *f, struct fleet_bucket *b, int64_t burst, int64_t every_ms,
                   bool take)
{
    int64_t now = (int64_t)f->world.now_ms;
    int64_t full_at = b->full_at > now ? b->full_at : now;

    if (!f->limits)
        return 0;
    if (full_at + every_ms - now > burst * every_ms)
        return full_at + every_ms - now - burst * every_ms;
    if (take)
        b->full_at = full_at + every_ms;
    return 0;
}

void caf_body(struct caf_reply *r, const char *text)
{
    r->len = (size_t)snprintf(r->body, sizeof r->body, "%s", text);
}

void caf_problem(struct caf_reply *r, int status, const char *type, const char *detail)
{
    r->status = status;
    r->type = "application/problem+json";
    r->len = (size_t)snprintf(r->body, sizeof r->body,
                              "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\"}",
                              type, detail);
}

/* A refusal that says when to come back, and what that holds for. */
void caf_limit(struct fleet *f, struct fleet_device *d, struct caf_reply *r, int scope, int status,
               int64_t wait_ms)
{
    uint64_t until;

    caf_problem(r, status, status == 429 ? "rateLimited" : "serverInternal", "come back later");
    r->retry_after = (uint32_t)((wait_ms + 999) / 1000);
    until = f->world.now_ms + (uint64_t)r->retry_after * 1000;
    if (until > d->hold_until[scope])
        d->hold_until[scope] = until;
    if (status == 503)
        f->n.refused_503++;
    else if (scope == FLEET_SCOPE_ACCOUNT)
        f->n.limited_accounts++;
    else
        f->n.limited_orders++;
    d->run_fault = true;
    fleet_note(f, d, "limited", (uint64_t)scope << 32 | r->retry_after);
}

/* Is this request one that the CA has asked not to make yet? The reply was under way for a
 * moment, and Retry-After counts whole seconds. */
void caf_early(struct fleet *f, const struct fleet_device *d, int scope)
{
    if (f->world.now_ms + 1000 < d->hold_until[scope])
        f->n.early++;
}

/* ---- orders ---- */

void caf_settle(struct fleet *f, struct fleet_device *d)
{
    struct fleet_order *o = &d->order;
    int64_t now = sim_world_unix(&f->world);

    if (o->status == ACME_STATUS_PENDING && o->authz == FLEET_AUTHZ_VALID)
        o->status = ACME_STATUS_READY;
    if (o->status == ACME_STATUS_PENDING && o->authz == FLEET_AUTHZ_INVALID)
        o->status = ACME_STATUS_INVALID;
    if (o->status == ACME_STATUS_PROCESSING && f->world.now_ms >= o->issue_at)
        o->status = ACME_STATUS_VALID;
    if (now > o->expires && (o->status == ACME_STATUS_PENDING || o->status == ACME_STATUS_READY))
        o->status = ACME_STATUS_INVALID;
}

void caf_put_order(struct fleet *f, struct fleet_device *d, struct caf_reply *r)
{
    struct fleet_order *o = &d->order;
    char cert[80] = "";

    caf_settle(f, d);
    if (o->status == ACME_STATUS_VALID)
        snprintf(cert, sizeof cert, ",\"certificate\":\"" CA_BASE "/c/%u/%u\"", d->index,
                 o->number);
    if (o->status == ACME_STATUS_PROCESSING)
        r->retry_after = f->plan->fast_ca ? 0 : 3;
    r->len = (size_t)snprintf(r->body, sizeof r->body,
                              "{\"status\":\"%s\",\"expires\":\"2099-01-01T00:00:00Z\","
                              "\"identifiers\":[{\"type\":\"dns\","
                              "\"value\":\"%s\"}],\"authorizations\":[\"" CA_BASE
                              "/z/%u/%u\"],\"finalize\":\"" CA_BASE "/f/%u/%u\"%s}",
                              acme_status_name((enum acme_status)o->status), d->name, d->index,
                              o->number, d->index, o->number, cert);
}

void caf_new_order(struct fleet *f, struct fleet_device *d, const char *payload,
                   struct caf_reply *r)
{
    struct fleet_order *o = &d->order;
    int64_t now = sim_world_unix(&f->world), wait, more;
    uint8_t bytes[32];
    int n;

    caf_early(f, d, FLEET_SCOPE_ORDER);
    fleet_count_order(f, d);
    if (!caf_replaces(f, d, payload, r))
        return;
    wait = caf_bucket(f, &d->set_bucket, 5, 34 * (int64_t)FLEET_HOUR_MS, false);
    more = caf_bucket(f, &d->failure_bucket, 5, 12 * (int64_t)FLEET_MINUTE_MS, false);
    wait = more > wait ? more : wait;
    more = caf_bucket(f, &d->order_bucket, 300, 36000, wait == 0);
    wait = more > wait ? more : wait;
    if (wait > 0 && !d->exempt) {
        caf_limit(f, d, r, FLEET_SCOPE_ORDER, 429, wait);
        return;
    }
    caf_settle(f, d);
    r->status = 201;
    if (o->number == 0 || (o->status != ACME_STATUS_PENDING && o->status != ACME_STATUS_READY)) {
        o->number++;
        o->status = ACME_STATUS_PENDING;
        o->authz = now < d->authz_until ? FLEET_AUTHZ_VALID : FLEET_AUTHZ_PENDING;
        o->expires = now + CAF_ORDER_S;
        o->va_at = o->issue_at = FLEET_NEVER;
        for (int i = 0; i < 32; i++)
            bytes[i] = (uint8_t)(sim_world_random(&f->world) >> 40);
        n = acme_b64url_encode(o->token, 43, bytes, 32);
        o->token[n] = '\0';
    }
    snprintf(r->location, sizeof r->location, CA_BASE "/o/%u/%u", d->index, o->number);
    caf_put_order(f, d, r);
}

/* ---- authorizations ---- */

static const char *caf_authz_status(const struct fleet_order *o)
{
    return o->authz == FLEET_AUTHZ_VALID     ? "valid"
           : o->authz == FLEET_AUTHZ_INVALID ? "invalid"
                                             : "pending";
}

static void caf_put_challenge(const struct fleet_device *d, char *out, size_t room)
{
    const struct fleet_order *o = &d->order;
    const char *status = o->authz == FLEET_AUTHZ_ASKED || o->authz == FLEET_AUTHZ_KNOCK ||
                                 o->authz == FLEET_AUTHZ_SERVED
                             ? "processing"
                             : caf_authz_status(o);

    snprintf(out, room,
             "{\"type\":\"http-01\",\"status\":\"%s\",\"url\":\"" CA_BASE
             "/h/%u/%u\",\"token\":\"%s\"%s}",
             status, d->index, o->number, o->token,
             o->authz == FLEET_AUTHZ_INVALID
                 ? ",\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"no such "
                   "host\"}"
                 : "");
}

void caf_put_authz(const struct fleet_device *d, struct caf_reply *r)
{
    char challenge[500];

    caf_put_challenge(d, challenge, sizeof challenge);
    r->len = (size_t)snprintf(r->body, sizeof r->body,
                              "{\"identifier\":{\"type\":\"dns\",\"value\":\"%s\"},\"status\":"
                              "\"%s\",\"challenges\":[%s]}",
                              d->name, caf_authz_status(&d->order), challenge);
}

void caf_respond(struct fleet *f, struct fleet_device *d, struct caf_reply *r)
{
    struct fleet_order *o = &d->order;
    char challenge[500];

    if (o->authz != FLEET_AUTHZ_PENDING) {
        caf_problem(r, 400, "malformed", "authorization is not pending");
        return;
    }
    o->authz = FLEET_AUTHZ_ASKED;
    o->va_at = f->world.now_ms + (f->plan->fast_ca ? 5 : sim_world_range(&f->world, 50, 500));
    caf_put_challenge(d, challenge, sizeof challenge);
    caf_body(r, challenge);
}

static void caf_verdict(struct fleet *f, struct fleet_device *d, bool good)
{
    struct fleet_order *o = &d->order;

    o->va_at = FLEET_NEVER;
    o->authz = good ? FLEET_AUTHZ_VALID : FLEET_AUTHZ_INVALID;
    f->n.validations++;
    if (good) {
        d->authz_until = sim_world_unix(&f->world) + CAF_REUSE_S;
        d->failure_bucket.full_at = 0;
    } else {
        (void)caf_bucket(f, &d->failure_bucket, 5, 12 * (int64_t)FLEET_MINUTE_MS, true);
        d->run_fault = true;
        fleet_count_failure(f, d);
    }
    fleet_note(f, d, "verdict", good);
}

void fleet_ca_served(struct fleet *f, struct fleet_device *d, bool right)
{
    struct fleet_order *o = &d->order;

    if (o->authz != FLEET_AUTHZ_KNOCK)
        return;
    o->told = right && !sim_world_chance(&f->world, f->plan->fast_ca ? 0 : CAF_VA_LOST);
    o->authz = FLEET_AUTHZ_SERVED;
    o->va_at = f->world.now_ms + (f->plan->fast_ca ? 2 : sim_world_range(&f->world, 200, 1500));
}

void fleet_ca_tick(struct fleet *f, struct fleet_device *d)
{
    struct fleet_order *o = &d->order;

    if (o->va_at > f->world.now_ms)
        return;
    switch (o->authz) {
    case FLEET_AUTHZ_ASKED:
        if (d->kind == FLEET_ZOMBIE && f->world.now_ms >= d->zombie_at) {
            caf_verdict(f, d, false);
        } else {
            o->authz = FLEET_AUTHZ_KNOCK;
            o->va_at = f->world.now_ms + 10000;
        }
        break;
    case FLEET_AUTHZ_KNOCK: /* nobody has answered */
        caf_verdict(f, d, false);
        break;
    case FLEET_AUTHZ_SERVED:
        caf_verdict(f, d, o->told);
        break;
    default:
        o->va_at = FLEET_NEVER;
        break;
    }
}

uint64_t fleet_ca_next(const struct fleet_device *d)
{
    return d->order.va_at;
}

/* ---- finalize, certificate ---- */

static void caf_issue(struct fleet *f, struct fleet_device *d, struct ca_order *o,
                      struct acme_slice spki)
{
    int64_t now = sim_world_unix(&f->world);

    f->ca.lifetime_s = f->plan->lifetime_s;
    f->ca.backdate_s = 3600;
    if (f->plan->whole_days) { /* from 00:00:00 to 23:59:59 */
        f->ca.backdate_s = now % 86400;
        f->ca.lifetime_s -= now % 86400 + 1;
    }
    o->number = sim_world_random(&f->world);
    ca_issue(&f->ca, o, spki);
    if (d->exempt)
        d->replaced = d->serial;
    d->serial = o->number;
    d->made_from = o->not_before;
    d->made_to = o->not_after;
    if (d->revoked || d->revoked_issued > 0)
        d->revoked_issued++;
    d->revoked = false;
    if (o->leaf_len > FLEET_LEAF) {
        fprintf(stderr, "fleet: a leaf of %u bytes\n", o->leaf_len);
        exit(2);
    }
    memcpy(d->leaf, o->leaf, o->leaf_len);
    d->leaf_len = o->leaf_len;
}

void caf_finalize(struct fleet *f, struct fleet_device *d, const char *payload, size_t len,
                  struct caf_reply *r)
{
    static struct ca_order order;
    uint8_t csr[1024];
    const char *why, *at = len > 9 && memcmp(payload, "{\"csr\":\"", 8) == 0 ? payload + 8 : NULL;
    const char *end = at != NULL ? memchr(at, '"', len - 8) : NULL;
    int n = end != NULL ? acme_b64url_decode(csr, sizeof csr, at, (size_t)(end - at)) : -1;
    struct acme_slice spki = {NULL, 0};

    caf_settle(f, d);
    if (d->order.status != ACME_STATUS_READY) {
        caf_problem(r, 403, "orderNotReady", "the order is not ready");
        return;
    }
    order.count = 1;
    order.authz[0].wildcard = false;
    snprintf(order.authz[0].name, sizeof order.authz[0].name, "%s", d->name);
    why = n > 0 ? ca_csr_check(&f->ca, &order, acme_slice_of(csr, (size_t)n), &spki) : "no csr";
    if (why != NULL) {
        fprintf(stderr, "fleet: device %u: %s\n", d->index, why);
        exit(2);
    }
    if (!d->exempt)
        (void)caf_bucket(f, &d->set_bucket, 5, 34 * (int64_t)FLEET_HOUR_MS, true);
    caf_issue(f, d, &order, spki);
    d->order.status = ACME_STATUS_PROCESSING;
    d->order.issue_at =
        f->world.now_ms + (f->plan->fast_ca ? 2 : sim_world_range(&f->world, 300, 2300));
    f->n.issued++;
    f->n.issued_plain += d->kind == FLEET_PLAIN;
    if (d->issued++ == 0)
        f->n.first_issued++;
    /* Is it an issuance that nobody needed: much before the one in force is due? */
    if (d->valid_to != 0 &&
        sim_world_unix(&f->world) + 86400 + 3600 < acme_sched_due_at(d->valid_from, d->valid_to))
        f->n.premature++;
    fleet_note(f, d, "issued", d->issued);
    caf_put_order(f, d, r);
}

void caf_certificate(struct fleet *f, struct fleet_device *d, struct caf_reply *r)
{
    static struct ca_order order;
    struct acme_buf b;

    memcpy(order.leaf, d->leaf, d->leaf_len);
    order.leaf_len = d->leaf_len;
    acme_buf_init(&b, r->body, sizeof r->body);
    ca_chain(&f->ca, &order, 0, &b);
    r->len = b.len;
    r->type = "application/pem-certificate-chain";
}
