/* check.c - what must never happen, looked at after every poll and at every request of the agent */
#include <stdio.h>
#include <string.h>

#include "acme_cert.h"
#include "acme_csr.h"
#include "acme_der.h"
#include "acme_store.h"
#include "run.h"

#define CALLS_MAX    400
#define ORDERS_MAX   12 /* in 24 hours, since the last certificate */
#define FAILS_MAX    5  /* validations of one name, in an hour */
#define REQUESTS_MAX 1500
#define WRITES_MAX   20 /* of records, for one renewal without faults */

/* Tags of the records, as core/acme_records.c keeps them for ever. */
enum { TAG_ACCOUNT_KEY = 4, TAG_ACCOUNT_KID = 5 };
enum { TAG_ORDER_URL = 2, TAG_ORDER_KEY = 5, TAG_ORDER_CHALLENGE = 6 };
enum { TAG_CERT_KEY = 5, TAG_CERT_NOT_BEFORE = 6, TAG_CERT_NOT_AFTER = 7, TAG_CERT_CHAIN = 8 };
enum { TAG_SCHED_ORDERS = 19 };

const char *invariant_words(unsigned invariant)
{
    switch (invariant) {
#define INVARIANT_CASE(number, words)                                                              \
    case number:                                                                                   \
        return words;
        INVARIANT_TABLE(INVARIANT_CASE)
#undef INVARIANT_CASE
    default:
        return "";
    }
}

void run_break(struct run *r, unsigned invariant, const char *what)
{
    if (r->broken != 0)
        return;
    r->broken = invariant;
    r->broken_what = what;
    sim_world_note(&r->world, what, invariant, 0);
}

/* ---- records, read past the port ---- */

static struct acme_slice stored(struct run *r, enum acme_slot slot, const char *key, uint16_t tag,
                                unsigned nth)
{
    const struct sim_record *s = sim_slots_find(&r->slots, slot, key);
    struct acme_slice data = {NULL, 0};
    struct acme_record record;
    struct acme_field field;

    if (s != NULL)
        data = r->firm && s->failed ? acme_slice_of(s->firm, s->firm_len)
                                    : acme_slice_of(s->data, s->len);
    if (data.len == 0 || acme_record_open(&record, data, (uint8_t)slot) != ACME_OK)
        return acme_slice_of(NULL, 0);
    while (acme_record_next(&record, &field)) {
        if (field.tag == tag && nth-- == 0)
            return field.value;
    }
    return acme_slice_of(NULL, 0);
}

static int64_t number(struct acme_slice value)
{
    uint64_t n = 0;

    for (size_t i = value.len; i-- > 0;)
        n = n << 8 | value.ptr[i];
    return (int64_t)n;
}

/* The public part of a stored private key; type from the field two tags before it. */
static bool stored_public(struct run *r, enum acme_slot slot, const char *key, uint16_t tag,
                          struct acme_public *out)
{
    struct acme_slice der = stored(r, slot, key, tag, 0);
    struct acme_slice type = stored(r, slot, key, (uint16_t)(tag - 2), 0);
    struct acme_key k;

    memset(&k, 0, sizeof k);
    if (der.len == 0 || der.len > sizeof k.der || type.len != 8)
        return false;
    k.type = type.ptr[0];
    k.len = (uint16_t)der.len;
    memcpy(k.der, der.ptr, der.len);
    return acme_key_public(&k, out) == ACME_OK;
}

static const char *cert_name(const struct run *r)
{
    return r->config.names[0];
}

/* ---- certificates: 1 and 2 ---- */

static bool is_issued(struct run *r, struct acme_slice leaf)
{
    for (uint32_t i = 0; i < r->ca.orders_count; i++) {
        const struct ca_order *o = &r->ca.orders[i];
        if (o->leaf_len == leaf.len && leaf.len > 0 && memcmp(o->leaf, leaf.ptr, leaf.len) == 0)
            return true;
    }
    return false;
}

/* In how many of the two CERT records the order's certificate is. */
static int leaf_stored(struct run *r, const struct ca_order *o)
{
    int count = 0;

    for (enum acme_slot slot = ACME_SLOT_CERT_A; slot <= ACME_SLOT_CERT_B; slot++) {
        struct acme_chain chain = {stored(r, slot, cert_name(r), TAG_CERT_CHAIN, 0)};
        struct acme_slice leaf = acme_chain_at(&chain, 0);

        count += leaf.len == o->leaf_len && memcmp(leaf.ptr, o->leaf, leaf.len) == 0;
    }
    return count;
}

/* One of the two CERT records: its sequence, 0 when it is not readable. */
static uint32_t check_cert(struct run *r, enum acme_slot slot)
{
    struct acme_chain chain = {stored(r, slot, cert_name(r), TAG_CERT_CHAIN, 0)};
    const struct sim_record *s = sim_slots_find(&r->slots, slot, cert_name(r));
    struct acme_cert_verdict verdict;
    struct acme_public pub;
    struct acme_key key;
    struct acme_slice der, type;

    if (chain.packed.len == 0)
        return 0;
    for (size_t i = 1; i < acme_chain_count(&chain); i++) {
        if (!ca_is_ours(acme_chain_at(&chain, i)))
            run_break(r, 2, "a stranger in the chain");
    }
    if (!is_issued(r, acme_chain_at(&chain, 0)))
        run_break(r, 2, "a leaf that the CA never issued");
    memset(&key, 0, sizeof key);
    der = stored(r, slot, cert_name(r), TAG_CERT_KEY, 0);
    type = stored(r, slot, cert_name(r), TAG_CERT_KEY - 2, 0);
    if (!stored_public(r, slot, cert_name(r), TAG_CERT_KEY, &pub)) {
        run_break(r, 2, "no key beside the chain");
        return 0;
    }
    key.type = type.ptr[0];
    key.len = (uint16_t)der.len;
    memcpy(key.der, der.ptr, der.len);
    if (acme_cert_check(&chain, &key, r->config.names, r->config.names_count, false, 0, 0,
                        &verdict) != ACME_OK)
        run_break(r, 2, verdict.why);
    return (uint32_t)s->data[8] | (uint32_t)s->data[9] << 8 | (uint32_t)s->data[10] << 16 |
           (uint32_t)s->data[11] << 24;
}

static void take_cert(struct run *r, enum acme_slot slot, uint32_t sequence)
{
    int64_t from = number(stored(r, slot, cert_name(r), TAG_CERT_NOT_BEFORE, 0));

    r->has_cert = true;
    r->sequence = sequence;
    r->not_after = number(stored(r, slot, cert_name(r), TAG_CERT_NOT_AFTER, 0));
    r->due_at = acme_sched_due_at(from, r->not_after);
}

static void take_previous(struct run *r, enum acme_slot slot, uint32_t sequence)
{
    r->previous = sequence;
    r->previous_not_after = number(stored(r, slot, cert_name(r), TAG_CERT_NOT_AFTER, 0));
}

static void note_secrets(struct run *r)
{
    struct acme_slice key;

    if (r->s.storage == STORAGE_MEMORY)
        return;
    key = stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KEY, 0);
    storage_secret(&r->storage, key.ptr, key.len);
    key = stored(r, ACME_SLOT_ORDER, cert_name(r), TAG_ORDER_KEY, 0);
    storage_secret(&r->storage, key.ptr, key.len);
}

void check_storage(struct run *r)
{
    uint32_t a, b, best;
    bool fresh;

    if (r->slots.version == r->seen_version || r->sealed != 0)
        return;
    r->seen_version = r->slots.version;
    note_secrets(r);
    a = check_cert(r, ACME_SLOT_CERT_A);
    b = check_cert(r, ACME_SLOT_CERT_B);
    best = a > b ? a : b;
    if (best < r->sequence && r->app.refused && best > 0 && best == r->previous)
        app_went_back(r);
    else if (best < r->sequence)
        run_break(r, 1, "an older certificate, or none");
    if (best == 0)
        return;
    fresh = best > r->sequence;
    if (fresh && r->sequence > 0 && (a < b ? a : b) != r->sequence)
        run_break(r, 1, "the previous certificate went with the new one");
    if (fresh)
        app_new_pair(r);
    take_previous(r, a < b ? ACME_SLOT_CERT_A : ACME_SLOT_CERT_B, a < b ? a : b);
    take_cert(r, a > b ? ACME_SLOT_CERT_A : ACME_SLOT_CERT_B, best);
    if (!fresh)
        return;
    r->orders = 0;
    r->issued_before = r->ca.issued;
}

void check_flipped(struct run *r)
{
    r->sequence = r->previous = 0;
    r->app.refused = r->app.back = false;
    r->has_cert = false;
    r->seen_version--;
    check_storage(r);
}

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
    const struct ca *ca = &r->ca;
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
        snprintf(r->holds[which].order, 17, "%s", strchr(ca->last_path + 1, '/') + 1);
    } else if (which != HOLD_WINDOW && status != 429 && status < 500)
        return;
    r->holds[which].until = until;
    r->holds[which].durable = false;
}

static void check_hold(struct run *r, int which)
{
    if (sim_world_unix(&r->world) + 1 < r->holds[which].until)
        run_break(r, 11, "Retry-After");
}

void check_power_off(struct run *r)
{
    r->holds[HOLD_LOOK].until = 0;
    for (int i = 0; i < HOLDS; i++) {
        if (!r->holds[i].durable || r->s.storage_lies || i == HOLD_WINDOW)
            r->holds[i].until = 0;
    }
}

/* ---- at the CA: 4, 6, 8, 9, 10 ---- */

/* Note a time; true when there were more than max in the last `within` seconds. */
static bool too_often(int64_t *times, unsigned *count, int64_t now, int64_t within, unsigned max)
{
    times[*count % 16] = now;
    (*count)++;
    if (*count <= max)
        return false;
    return now - times[(*count - 1 - max) % 16] < within;
}

static void before_account(struct run *r, const struct ca_request *q)
{
    struct acme_public pub;

    if (!stored_public(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KEY, &pub) ||
        !acme_public_equal(&pub, &q->key))
        run_break(r, 8, "the account key is not durable");
    check_hold(r, HOLD_ACCOUNT);
}

static void before_order(struct run *r, const struct ca_request *q)
{
    struct acme_slice kid = stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KID, 0);
    char url[100];

    snprintf(url, sizeof url, CA_BASE "/acct/%016llx", (unsigned long long)q->account->number);
    if (!acme_slice_is(kid, url))
        run_break(r, 8, "the account's URL is not durable");
    if (number(stored(r, ACME_SLOT_SCHED, cert_name(r), TAG_SCHED_ORDERS, 0)) < 1)
        run_break(r, 4, "a newOrder that was not charged before");
    check_hold(r, HOLD_ORDER);
}

static void count_order(struct run *r)
{
    /* One that the CA refused for what it replaces was asked for once more, and is one order. */
    for (; r->replaces_seen < r->ca.replaces_refused; r->replaces_seen++)
        r->orders -= r->orders > 0;
    if (too_often(r->order_times, &r->orders, sim_world_unix(&r->world), 86400, ORDERS_MAX) &&
        !clock_lies(r) && r->s.flip_permille == 0)
        run_break(r, 4, "orders in 24 hours");
    if (r->orders > r->max_orders)
        r->max_orders = r->orders;
}

static bool order_noted(struct run *r, const struct ca_order *o)
{
    struct acme_slice url = stored(r, ACME_SLOT_ORDER, cert_name(r), TAG_ORDER_URL, 0);
    char text[100];

    snprintf(text, sizeof text, CA_BASE "/order/%016llx", (unsigned long long)o->number);
    return acme_slice_is(url, text);
}

static bool challenge_noted(struct run *r, const char *token)
{
    struct acme_slice field;

    for (unsigned i = 0; i < CA_NAMES; i++) {
        field = stored(r, ACME_SLOT_ORDER, cert_name(r), TAG_ORDER_CHALLENGE, i);
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
    if (*which >= '0' && *which < '0' + (int)o->count &&
        !challenge_noted(r, o->authz[*which - '0'].token))
        run_break(r, 10, "the challenge is not stored");
}

/* Had the last one run out before it could be stored? */
static bool last_expired(const struct run *r)
{
    int64_t last = 0;

    for (uint32_t i = 0; i < r->ca.orders_count; i++) {
        if (r->ca.orders[i].leaf_len != 0 && r->ca.orders[i].not_after > last)
            last = r->ca.orders[i].not_after;
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
    if (stored_public(r, ACME_SLOT_ORDER, cert_name(r), TAG_ORDER_KEY, &pub)) {
        acme_der_init(&d, room, sizeof room);
        acme_csr_public(&d, &pub);
        spki = acme_der_slice(&d);
        (void)acme_sha256(spki.ptr, spki.len, sum);
    }
    if (memcmp(sum, o->spki_sum, sizeof sum) != 0)
        run_break(r, 9, "the key is not durable");
    if (r->ca.issued > r->issued_before && r->ca.evil.count == 0 && !r->s.storage_lies &&
        !last_expired(r))
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
    if (r->hour_requests > REQUESTS_MAX)
        run_break(r, 16, "requests");
    check_hold(r, HOLD_ANY);
    if (strncmp(q->path, "/order/", 7) == 0 && strcmp(q->path + 7, r->holds[HOLD_LOOK].order) == 0)
        check_hold(r, HOLD_LOOK);
}

/* Only for the certificate in force, and not before the CA has said. */
static void before_window(struct run *r, const struct ca_order *o)
{
    if (o->number != r->window_of)
        r->holds[HOLD_WINDOW].until = 0;
    if (!r->s.storage_lies)
        check_hold(r, HOLD_WINDOW);
    if (!clock_lies(r) && sim_world_unix(&r->world) > o->not_after + 60)
        run_break(r, 20, "a window is asked for an expired certificate");
    if (o->replaced && !r->s.storage_lies && leaf_stored(r, o) == 0)
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
}

void check_before(void *ctx, const char *what, const struct ca_request *q, const struct ca_order *o)
{
    struct run *r = (struct run *)ctx;
    int64_t now = sim_world_unix(&r->world);

    if (strcmp(what, "failed") == 0) {
        for (unsigned i = 0; i < o->count; i++) {
            if (o->authz[i].challenge == ACME_STATUS_INVALID && o->authz[i].begun &&
                o->authz[i].probes_open == 0 &&
                too_often(r->failure_times[i], &r->failures[i], now, 3600, FAILS_MAX * o->count) &&
                !clock_lies(r) && r->s.flip_permille == 0)
                run_break(r, 4, "failed validations in an hour");
        }
        return;
    }
    if (r->ca.ghost)
        return;
    if (strcmp(what, "request") == 0)
        before_request(r, q, now);
    /* Where a write has failed, the old record or the new one is left by a power cut: both ways. */
    for (int i = 0; i < 2; i++) {
        r->firm = i == 1;
        before_act(r, what, q, o);
    }
    r->firm = false;
    if (strcmp(what, "window") == 0)
        r->window_of = o->number;
    if (strcmp(what, "/new-order") == 0)
        count_order(r);
}

/* ---- after every poll ---- */

void check_begin(struct run *r)
{
    r->broken = 0;
    r->broken_what = "";
    r->seen_version = 0;
    r->has_cert = false;
    r->sequence = r->previous = 0;
    r->not_after = r->due_at = r->renewed_from = 0;
    r->issued_before = 0;
    r->orders = 0;
    r->replaces_seen = r->ca.replaces_refused;
    memset(r->failures, 0, sizeof r->failures);
    r->writes_before = 0;
    r->orders_before = 0;
    r->hour = 0;
    r->hour_requests = r->hour_cuts = 0;
    memset(r->holds, 0, sizeof r->holds);
    r->window_of = 0;
}

static void check_medium(struct run *r)
{
    const char *worn = storage_worn(&r->storage, r->cuts);

    if (r->slots.broken != NULL)
        run_break(r, 17, r->slots.broken);
    if (worn != NULL)
        run_break(r, 17, worn);
}

void check_poll(struct run *r, uint64_t calls, bool resting)
{
    check_storage(r);
    check_medium(r);
    if (calls > r->max_calls)
        r->max_calls = (unsigned)calls;
    if (calls > CALLS_MAX)
        run_break(r, 5, "port calls in one poll");
    if (r->net.asked[0] != '\0' && strcmp(r->net.asked, CA_HOST) != 0)
        run_break(r, 14, "a strange host");
    if (!resting)
        return;
    for (int i = 0; i < HOLDS; i++)
        r->holds[i].durable = true;
    if (!r->agent.order.open && !r->s.txt && r->http01.live > 0)
        run_break(r, 3, "a token is still served");
}

/* All is well and at rest: what is left over? */
void check_end(struct run *r)
{
    const char *secret = r->storage.lied || r->slots.lies || (r->s.renew && !r->renewing)
                             ? NULL
                             : storage_secrets_gone(&r->storage);

    if (secret != NULL)
        run_break(r, 18, secret);
    if (r->s.txt ? txt_solver_left(&r->txt) > 0 : r->http01.live > 0)
        if (r->s.flip_permille == 0) /* a damaged ORDER has forgotten what was begun */
            run_break(r, 3, "left behind");
    if (r->http01.listener != ACME_NO_SOCK && !r->s.txt)
        run_break(r, 3, "port 80 is still open");
    if (sim_net_in_use(&r->net, 0) > HTTP01_MAX_CONNECTIONS)
        run_break(r, 3, "sockets are left");
    if (r->ca.new_orders - r->orders_before > 1 || r->cuts > 0)
        return; /* each order has its price */
    if (r->slots.writes - r->writes_before > WRITES_MAX && r->ca.evil.count == 0 &&
        !r->s.storage_lies && r->s.net.reset_permille + r->s.net.stall_permille == 0)
        run_break(r, 12, "writes for one certificate");
    if (r->slots.writes - r->writes_before > r->max_writes)
        r->max_writes = (unsigned)(r->slots.writes - r->writes_before);
}

/* ---- the CA's renewal information: 20 ---- */

/* A certificate is an eighth of its life, or six hours, old before it is renewed, and it is renewed
 * in time; what is told about it is written twice a day, and what changes once an hour. */
void check_ari(struct run *r)
{
    int64_t life = r->s.lifetime_s + r->ca.backdate_s;
    int64_t young = life / 8 < 6 * 3600 ? life / 8 : 6 * 3600;
    uint64_t passed = (r->world.now_ms - r->faults_from) / 1000;
    unsigned issued = r->ca.issued - r->faults_issued;
    uint64_t most =
        2 + passed / (uint64_t)(young - r->ca.backdate_s > 0 ? young - r->ca.backdate_s : 60);

    if (r->has_cert && sim_world_unix(&r->world) >= r->not_after)
        run_break(r, 20, "it ran out");
    if (issued > most)
        run_break(r, 20, "renewed too often");
    if (r->slots.writes - r->faults_writes >
        WRITES_MAX * (uint64_t)(issued + 1) + 24 * (1 + passed / 86400))
        run_break(r, 20, "written too often");
}

static bool harmless(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

void check_event(struct run *r, const struct acme_event *e)
{
    if (!harmless(e->text) || !harmless(e->word) || !harmless(e->detail))
        run_break(r, 21, "event");
    /* An answer that is none is asked for again after six hours, whatever came with it. */
    if (e->type == ACME_EVENT_WARNING &&
        (e->err == ACME_E_JSON || e->err == ACME_E_REPLY || e->err == ACME_E_SIZE) &&
        strcmp(e->step, "window") == 0 &&
        r->holds[HOLD_WINDOW].until > sim_world_unix(&r->world) + 21600)
        r->holds[HOLD_WINDOW].until = sim_world_unix(&r->world) + 21600;
}
