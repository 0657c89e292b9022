/* ca_routes.c - which resource a request is for; accounts, nonces, and limits */
#include <stdio.h>
#include <string.h>

#include "acme_json.h"
#include "ca.h"

/* ---- buckets: Let's Encrypt's limits ---- */

uint64_t ca_limits_reached[CA_LIMITS];

/* The seconds until there is one; 0: now. */
uint32_t ca_bucket_wait(const struct ca *ca, const struct ca_bucket *b, int64_t burst,
                        int64_t every_s)
{
    int64_t now = sim_world_unix(ca->world);
    int64_t full_at = b->full_at > now ? b->full_at : now;
    int64_t wait = full_at + every_s - now - burst * every_s;

    return wait > 0 ? (uint32_t)wait : 0;
}

/* 0: there was one; else the seconds until there is. */
uint32_t ca_bucket_take(struct ca *ca, struct ca_bucket *b, int64_t burst, int64_t every_s)
{
    int64_t now = sim_world_unix(ca->world);
    uint32_t wait = ca_bucket_wait(ca, b, burst, every_s);

    if (wait == 0)
        b->full_at = (b->full_at > now ? b->full_at : now) + every_s;
    return wait;
}

void ca_limited(struct ca *ca, struct ca_reply *r, uint32_t seconds, bool date)
{
    ca_problem(r, 429, "rateLimited", "too many of these, come back later");
    r->retry_after = seconds;
    r->retry_date = date;
    (void)ca;
}

uint32_t ca_some_time(struct ca *ca)
{
    static const uint32_t times[] = {1, 7, 60, 600, 3600, 20000, 90000, 400000};

    return times[sim_world_below(ca->world, sizeof times / sizeof times[0])];
}

/* ---- newAccount: 7.3 ---- */

static struct ca_account *account_of(struct ca *ca, const struct acme_public *key)
{
    for (uint32_t i = 0; i < ca->accounts_count; i++) {
        if (!ca->accounts[i].gone && acme_public_equal(&ca->accounts[i].key, key))
            return &ca->accounts[i];
    }
    return NULL;
}

/* 7.3.1 */
static bool only_existing(const struct ca_request *q)
{
    return acme_json_bool(acme_json_get(q->payload, "onlyReturnExisting"), false);
}

static bool account_refused(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    if (!only_existing(q) &&
        !acme_json_bool(acme_json_get(q->payload, "termsOfServiceAgreed"), false)) {
        ca_problem(r, 400, "malformed", "must agree to the terms");
        (void)ca_break(ca, "newAccount without the terms that a person agreed to");
    } else if (evil_does(&ca->evil, EVIL_ACC_TERMS))
        ca_problem(r, 403, "userActionRequired", "the terms have changed");
    else if (evil_does(&ca->evil, EVIL_ACC_RATE))
        ca_limited(ca, r, ca_some_time(ca), false);
    else if (evil_does(&ca->evil, EVIL_SRV_ACCOUNT))
        ca_problem(r, 403, "unauthorized", "no new accounts here");
    else if (evil_does(&ca->evil, EVIL_ACC_CONTACT))
        ca_problem(r, 400, "invalidContact", "no such domain");
    else
        return false;
    return true;
}

static void account_contact(struct ca_account *account, const struct ca_request *q)
{
    const char *text = acme_json_text(acme_json_first(acme_json_get(q->payload, "contact")));

    if (text != NULL && strncmp(text, "mailto:", 7) == 0)
        snprintf(account->contact, sizeof account->contact, "%s", text + 7);
}

static void new_account(struct ca *ca, const char *url, const struct ca_request *q,
                        struct ca_reply *r)
{
    struct ca_account *account;
    uint32_t wait = 0;

    if (q->payload == NULL || account_refused(ca, q, r))
        return;
    account = account_of(ca, &q->key);
    r->status = 200;
    if (only_existing(q) && !ca_find(ca, account, r))
        return;
    if (account != NULL && account->dead) {
        ca_account_dead(ca, r);
        return;
    }
    if (account == NULL) {
        if (!ca_bound(ca, url, q, r))
            return;
        if (ca->limits)
            wait = ca_bucket_take(ca, &ca->account_bucket, 10, 1080);
        ca_limits_reached[CA_LIMIT_ACCOUNTS] += wait > 0;
        if (wait > 0 || ca->accounts_count == CA_ACCOUNTS) {
            ca_limited(ca, r, wait + 1, false);
            return;
        }
        account = &ca->accounts[ca->accounts_count++];
        memset(account, 0, sizeof *account);
        account->key = q->key;
        account->number = sim_world_random(ca->world);
        account_contact(account, q);
        ca->new_accounts++;
        r->status = 201;
        r->acted = true;
    }
    if (!evil_does(&ca->evil, EVIL_ACC_NO_LOCATION))
        ca_account_url(ca, account, r->location);
    if (only_existing(q))
        ca_find_spoil(ca, r);
    if (evil_does(&ca->evil, EVIL_ACC_FOREIGN))
        snprintf(r->location, sizeof r->location, "https://10.0.0.1/acct/1");
    if (evil_does(&ca->evil, EVIL_ACC_BODY))
        return;
    acme_buf_text(&r->body, evil_does(&ca->evil, EVIL_ACC_DEAD) ? "{\"status\":\"deactivated\"}"
                                                                : "{\"status\":\"valid\"}");
}

/* ---- which ---- */

static struct ca_order *order_at(struct ca *ca, const char *path, bool chains, unsigned *which)
{
    unsigned long long number = 0;

    *which = 0;
    if (sscanf(path, "%16llx/%u", &number, which) < 1)
        return NULL;
    for (uint32_t i = 0; i < ca->orders_count; i++) {
        if (ca->orders[i].number == number && (chains || *which < ca->orders[i].count))
            return &ca->orders[i];
    }
    return NULL;
}

static void order_request(struct ca *ca, struct ca_request *q, struct ca_reply *r)
{
    const char *rest = strchr(q->path + 1, '/');
    unsigned which = 0;
    bool chains = strncmp(q->path, "/cert/", 6) == 0;
    struct ca_order *o = rest != NULL ? order_at(ca, rest + 1, chains, &which) : NULL;
    bool empty = strncmp(q->path, "/fin/", 5) != 0 && strncmp(q->path, "/chall/", 7) != 0;

    if (o == NULL || q->account != &ca->accounts[o->account] || o->gone) {
        ca_problem(r, 404, "malformed", "no such resource");
        return;
    }
    if (empty && q->payload != NULL) {
        (void)ca_break(ca, "POST-as-GET with a payload (6.3)");
        return;
    }
    if (strncmp(q->path, "/order/", 7) == 0) {
        if (o->status != ACME_STATUS_VALID && evil_does(&ca->evil, EVIL_ORD_GONE)) {
            o->gone = true;
            ca_problem(r, 404, "malformed", "no such order");
        } else
            ca_put_order(ca, o, r);
    } else if (strncmp(q->path, "/authz/", 7) == 0)
        ca_put_authz(ca, o, which, r);
    else if (strncmp(q->path, "/chall/", 7) == 0)
        ca_respond(ca, o, which, q, r);
    else if (strncmp(q->path, "/fin/", 5) == 0)
        ca_finalize(ca, o, q, r);
    else
        ca_certificate(ca, o, which, r);
}

static void nonce(struct ca *ca, struct ca_request *q, struct ca_reply *r)
{
    if (q->head && evil_does(&ca->evil, EVIL_NONCE_NO_HEAD)) {
        r->status = 405;
        r->no_nonce = true;
    } else if (evil_does(&ca->evil, EVIL_NONCE_500)) {
        r->status = 500;
        r->no_nonce = true;
    } else {
        r->status = evil_does(&ca->evil, EVIL_NONCE_204) ? 204 : 200;
        r->no_nonce = evil_does(&ca->evil, EVIL_NONCE_NO_FIELD);
    }
    if (q->head)
        r->body.len = 0;
}

void ca_answer(struct ca *ca, struct ca_request *q, struct ca_reply *r)
{
    const char *rest = q->path;
    char url[1200];
    unsigned long long epoch = 0;
    int used = 0;
    bool account;

    snprintf(url, sizeof url, "%s%s", ca->base, q->path);
    if (strcmp(q->path, "/directory") == 0 || strncmp(q->path, "/moved", 6) == 0 ||
        strcmp(q->path, "/elsewhere") == 0) {
        ca_directory(ca, q, r);
        return;
    }
    if (sscanf(q->path, "/p%llu%n", &epoch, &used) == 1) {
        rest = q->path + used;
        if (epoch != ca->path && evil_has(&ca->evil, EVIL_DIR_PATHS) == false)
            (void)ca_break(ca, "a URL that the directory did not name");
    }
    if (strcmp(rest, "/new-nonce") == 0) {
        nonce(ca, q, r);
        return;
    }
    if (strncmp(rest, "/ari/", 5) == 0 && strcmp(q->method, "GET") == 0) {
        ca_window(ca, q, rest + 5, r);
        return;
    }
    account = strcmp(rest, "/new-acct") == 0;
    if (strcmp(q->method, "POST") != 0) {
        (void)ca_break(ca, "GET for what only POST-as-GET may read (6.3)");
        ca_problem(r, 405, "malformed", "POST only");
        return;
    }
    if (ca_verify(ca, url, q, r, account) != 0) {
        if (r->status == 200)
            ca_problem(r, 400, "malformed", "no");
        if (q->account != NULL && q->account->dead && ca->before != NULL)
            ca->before(ca->before_ctx, ca, "dead", q, NULL);
        return;
    }
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, rest, q, NULL);
    if (account)
        new_account(ca, url, q, r);
    else if (q->account != NULL && evil_does(&ca->evil, EVIL_ACC_LOST)) {
        q->account->gone = true;
        ca_problem(r, 400, "accountDoesNotExist", "who are you?");
    } else if (ca_job(ca, rest, url, q, r))
        return;
    else if (strcmp(rest, "/new-order") == 0) {
        if (!ca_terms(ca, r))
            ca_new_order(ca, q, r);
    } else
        order_request(ca, q, r);
}
