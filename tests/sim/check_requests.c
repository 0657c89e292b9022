/* check_requests.c - what must be true when the agent asks the CA for something */
#include <stdio.h>
#include <string.h>

#include "acme_csr.h"
#include "acme_der.h"
#include "check.h"

#define ORDERS_MAX  12 /* in 24 hours, since the last certificate */
#define ORDERS_HOUR 4  /* in an hour, since the last certificate */
/* newAccounts in an hour: five attempts, and each asks three times at most */
#define ACCOUNTS_MAX 15
#define FAILS_MAX    5 /* validations of one name, in an hour */
#define REQUESTS_MAX 1500

/* ---- Retry-After: 11 ---- */

bool clock_lies(const struct run *r)
{
    const struct evil *e = &r->ca.evil;

    return evil_has(e, EVIL_CLOCK_AHEAD) || evil_has(e, EVIL_CLOCK_YEARS) ||
           evil_has(e, EVIL_CLOCK_BEHIND) || evil_has(e, EVIL_CLOCK_WANDERS) ||
           evil_has(e, EVIL_CLOCK_UNSET);
}

/* The agent has read a reply. What the CA asked for in it binds from now on. */
void check_reply(struct run *r, int status)
{
    const struct ca *ca = r->at;
    struct hold *holds = servers_holds(r);
    int which = HOLD_ANY;
    int64_t from = ca->last_from != 0 ? ca->last_from : sim_world_unix(&r->world);
    int64_t until = from + ca->last_retry_after;

    if (status != ca->last_status || ca->last_retry_after == 0 || clock_lies(r) ||
        evil_has(&ca->evil, EVIL_HTTP_RETRY_BAD))
        return;
    if (strstr(ca->last_path, "/ari/") != NULL) {
        which = HOLD_WINDOW;
        until = until > from + 86400 ? from + 86400 : until;
    } else if (strstr(ca->last_path, "/new-acct") != NULL)
        which = HOLD_ACCOUNT;
    else if (strstr(ca->last_path, "/new-order") != NULL || strstr(ca->last_path, "/fin/") != NULL)
        which = HOLD_ORDER;
    if (status < 300 && which != HOLD_WINDOW) {
        which = HOLD_LOOK;
        if (strncmp(ca->last_path, "/order/", 7) != 0 && strncmp(ca->last_path, "/fin/", 5) != 0)
            return;
        snprintf(holds[which].order, 17, "%s", strchr(ca->last_path + 1, '/') + 1);
    } else if (which != HOLD_WINDOW && status != 429 && status < 500)
        return;
    holds[which].until = until;
    holds[which].durable = false;
}

static void check_hold(struct run *r, int which)
{
    if (sim_world_unix(&r->world) + 1 < servers_holds(r)[which].until)
        run_break(r, 11, "Retry-After");
}

void check_power_off(struct run *r)
{
    choice_power_off(r);
    r->servers.disturbed = true;
    for (int i = 0; i < CA_PLACES * HOLDS; i++) {
        struct hold *h = &r->holds[i / HOLDS][i % HOLDS];
        if (!h->durable || r->s.storage_lies || i % HOLDS == HOLD_WINDOW || i % HOLDS == HOLD_LOOK)
            servers_hold_in_doubt(r, (unsigned)i / HOLDS, h);
    }
}

/* ---- at the CA: 4, 6, 8, 9, 10 ---- */

/* Were there more than max, the last one now, in the last `within` seconds? */
static bool more_than(const int64_t *times, unsigned count, int64_t now, int64_t within,
                      unsigned max)
{
    return count > max && now - times[(count - 1 - max) % 16] < within;
}

/* Note a time; true when there were more than max in the last `within` seconds. */
static bool too_often(int64_t *times, unsigned *count, int64_t now, int64_t within, unsigned max)
{
    times[*count % 16] = now;
    (*count)++;
    return more_than(times, *count, now, within, max);
}

/* An account of this device, with another key, that would be left behind. */
static bool has_account(const struct run *r, const struct ca_request *q)
{
    for (uint32_t i = 0; i < r->at->accounts_count; i++) {
        const struct ca_account *account = &r->at->accounts[i];
        if (!account->gone && !account->dead && !acme_public_equal(&account->key, &q->key))
            return true;
    }
    return false;
}

static void before_account(struct run *r, const struct ca_request *q)
{
    if (!check_jobs_key(r, q))
        run_break(r, 8, "the account key is not durable");
    if (r->s.flip_permille == 0 && !r->slots.lies && !check_jobs_bereft(r) && has_account(r, q) &&
        !check_only_existing(q))
        run_break(r, 8, "a second account");
    check_hold(r, HOLD_ACCOUNT);
}

static void count_account(struct run *r)
{
    unsigned place = (unsigned)(r->at == &r->ca ? 0 : 1 + (r->at - r->more));

    if (too_often(r->account_times[place], &r->account_count[place], sim_world_unix(&r->world),
                  3600, ACCOUNTS_MAX) &&
        !clock_lies(r) && r->s.flip_permille == 0)
        run_break(r, 4, "newAccounts in an hour");
}

static bool order_noted(struct run *r, const struct ca_order *o)
{
    struct acme_slice url = check_stored(r, ACME_SLOT_ORDER, check_name(r), TAG_ORDER_URL, 0);
    char text[100];

    snprintf(text, sizeof text, "%s/order/%016llx", r->at->base, (unsigned long long)o->number);
    return acme_slice_is(url, text);
}

/* One that is on record and could be gone on with. */
static bool order_left(struct run *r)
{
    for (uint32_t i = 0; i < r->at->orders_count; i++) {
        const struct ca_order *o = &r->at->orders[i];
        if (o->status != ACME_STATUS_INVALID && o->status != ACME_STATUS_VALID &&
            o->expires > sim_world_unix(&r->world) && order_noted(r, o))
            return true;
    }
    return false;
}

static void before_order(struct run *r, const struct ca_request *q)
{
    struct acme_slice kid = check_stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KID, 0);
    char url[100];

    snprintf(url, sizeof url, "%s/acct/%016llx", r->at->base,
             (unsigned long long)q->account->number);
    if (!acme_slice_is(kid, url))
        run_break(r, 8, "the account's URL is not durable");
    if (check_number(check_stored(r, ACME_SLOT_SCHED, check_name(r), TAG_SCHED_ORDERS, 0)) < 1)
        run_break(r, 4, "a newOrder that was not charged before");
    if (servers_evils(r) == 0 && !r->s.storage_lies && r->jobs.count == 0 && order_left(r))
        run_break(r, 4, "a second order beside one that is open");
    check_hold(r, HOLD_ORDER);
}

static void count_order(struct run *r)
{
    /* One that the CA refused for what it replaces, or for its profile, was asked for once more,
     * and is one order. */
    unsigned again = 0;

    for (unsigned i = 0; i < CA_PLACES; i++)
        again += run_ca(r, i) != NULL ? run_ca(r, i)->asked_again : 0;
    for (; r->again_seen < again; r->again_seen++)
        r->orders -= r->orders > 0;
    if (too_often(r->order_times, &r->orders, sim_world_unix(&r->world), 86400, ORDERS_MAX) &&
        !clock_lies(r) && r->s.flip_permille == 0)
        run_break(r, 4, "orders in 24 hours");
    /* Who asks for a job may ask for a renewal, too, and waits for no backoff. */
    if (more_than(r->order_times, r->orders, sim_world_unix(&r->world), 3600, ORDERS_HOUR) &&
        !clock_lies(r) && r->s.flip_permille == 0 && r->jobs.count == 0)
        run_break(r, 4, "orders in an hour");
    if (r->orders > r->max_orders)
        r->max_orders = r->orders;
}

static bool challenge_noted(struct run *r, const char *token)
{
    struct acme_slice field;

    for (unsigned i = 0; i < CA_NAMES; i++) {
        field = check_stored(r, ACME_SLOT_ORDER, check_name(r), TAG_ORDER_CHALLENGE, i);
        if (field.len > strlen(token) + 1 &&
            memcmp(field.ptr + field.len - strlen(token) - 1, token, strlen(token) + 1) == 0)
            return true;
    }
    return false;
}

static void before_respond(struct run *r, const struct ca_request *q, const struct ca_order *o)
{
    const char *which = strrchr(q->path, '/') - 1;

    if (!order_noted(r, o))
        run_break(r, 10, "another order is stored");
    if (*which < '0' || *which >= '0' + (int)o->count)
        return;
    if (!challenge_noted(r, o->authz[*which - '0'].token))
        run_break(r, 10, "the challenge is not stored");
    choice_respond(r, &o->authz[*which - '0'], (unsigned)(*which - '0'), ca_respond_type(q));
}

/* Had the last one run out before it could be stored? */
static bool last_expired(struct run *r)
{
    int64_t last = 0;

    for (uint32_t i = 0; i < r->at->orders_count; i++) {
        if (r->at->orders[i].leaf_len != 0 && r->at->orders[i].not_after > last)
            last = r->at->orders[i].not_after;
    }
    return last <= sim_world_unix(&r->world);
}

static void before_finalize(struct run *r, const struct ca_order *o)
{
    struct acme_public pub;
    struct acme_der d;
    struct acme_slice spki;
    uint8_t room[700], sum[ACME_SHA256_SIZE];

    if (!order_noted(r, o))
        run_break(r, 10, "another order is stored");
    memset(sum, 0, sizeof sum);
    if (check_public(r, ACME_SLOT_ORDER, check_name(r), TAG_ORDER_KEY, &pub)) {
        acme_der_init(&d, room, sizeof room);
        acme_csr_public(&d, &pub);
        spki = acme_der_slice(&d);
        (void)acme_sha256(spki.ptr, spki.len, sum);
    }
    if (memcmp(sum, o->spki_sum, sizeof sum) != 0)
        run_break(r, 9, "the key is not durable");
    if (servers_issued(r) > r->issued_before && servers_evils(r) == 0 && !r->s.storage_lies &&
        !last_expired(r) && !r->jobs.gave_up && !r->servers.gave_up)
        run_break(r, 6, "a second certificate");
}

/* Whatever goes wrong, a CA is not hammered: while the device keeps its power. */
static void before_request(struct run *r, const struct ca_request *q, int64_t now)
{
    if (now / 3600 != r->hour || r->cuts != r->hour_cuts) {
        r->hour = now / 3600;
        r->hour_cuts = (unsigned)r->cuts;
        r->hour_requests = 0;
    }
    if (++r->hour_requests > r->max_requests)
        r->max_requests = r->hour_requests;
    /* Who asks for jobs waits for no backoff. */
    if (r->hour_requests > REQUESTS_MAX * (r->jobs.count > 0 ? 2 : 1))
        run_break(r, 16, "requests");
    check_hold(r, HOLD_ANY);
    if (strncmp(q->path, "/order/", 7) == 0 &&
        strcmp(q->path + 7, servers_holds(r)[HOLD_LOOK].order) == 0)
        check_hold(r, HOLD_LOOK);
}

/* Only for the certificate in force, and not before the CA has said. */
static void before_window(struct run *r, const struct ca_order *o)
{
    if (o->number != r->window_of)
        servers_holds(r)[HOLD_WINDOW].until = 0;
    if (!r->s.storage_lies)
        check_hold(r, HOLD_WINDOW);
    if (!clock_lies(r) && sim_world_unix(&r->world) > o->not_after + 60)
        run_break(r, 20, "a window is asked for an expired certificate");
    if (o->replaced && !r->s.storage_lies && check_leaves(r, o) == 0)
        run_break(r, 20, "a window is asked for a certificate that is not stored");
}

static void before_act(struct run *r, const char *what, const struct ca_request *q,
                       const struct ca_order *o)
{
    if (strcmp(what, "/new-acct") == 0)
        before_account(r, q);
    else if (strcmp(what, "/new-order") == 0)
        before_order(r, q);
    else if (strcmp(what, "respond") == 0)
        before_respond(r, q, o);
    else if (strcmp(what, "window") == 0)
        before_window(r, o);
    else if (strcmp(what, "finalize") == 0)
        before_finalize(r, o);
    check_jobs_act(r, what, q, o);
}

static void check_failed(struct run *r)
{
    int64_t now = sim_world_unix(&r->world);
    unsigned i = r->at->failed_name;
    unsigned most = r->jobs.count == 0 ? FAILS_MAX : 3 * FAILS_MAX; /* who asks does not wait */

    if (evil_has(&r->at->evil, EVIL_CHALL_NEVER))
        return; /* the CA comes to what was asked for over days in one moment */
    if (r->at != &r->more[1] && too_often(r->failure_times[i], &r->failures[i], now, 3600, most) &&
        !clock_lies(r) && r->s.flip_permille == 0)
        run_break(r, 4, "failed validations in an hour");
}

static void check_request(struct run *r, const char *what, const struct ca_request *q,
                          const struct ca_order *o)
{
    if (strcmp(what, "request") == 0)
        before_request(r, q, sim_world_unix(&r->world));
    /* Where a write has failed, the old record or the new one is left by a power cut: both ways. */
    for (int i = 0; i < 2; i++) {
        r->firm = i == 1;
        before_act(r, what, q, o);
    }
    r->firm = false;
    servers_check_act(r, what, o);
    if (strcmp(what, "window") == 0)
        r->window_of = o->number;
    if (strcmp(what, "/new-order") == 0)
        count_order(r);
    if (strcmp(what, "/new-acct") == 0 && !check_only_existing(q))
        count_account(r);
}

void check_before(void *ctx, struct ca *ca, const char *what, const struct ca_request *q,
                  const struct ca_order *o)
{
    struct run *r = (struct run *)ctx;
    struct ca *was = r->at;
    bool failed = strcmp(what, "failed") == 0; /* by itself, whoever is asked now */

    r->at = ca;
    if (failed) {
        check_failed(r);
        servers_check_act(r, what, o);
    } else if (!ca->ghost)
        check_request(r, what, q, o);
    if (failed || ca->ghost)
        r->at = was;
}
