/* check_records.c - what is stored: certificates, and what other checks read of the records */
#include <string.h>

#include "acme_cert.h"
#include "acme_store.h"
#include "check.h"

/* ---- records, read past the port ---- */

/* The record, as it was found when its bytes changed last. */
static bool record_open(struct run *r, const struct sim_record *s, struct acme_record *record)
{
    struct checked *c = &r->opened[s - r->slots.records];
    struct acme_slice data = acme_slice_of(s->data, s->len);

    if (r->firm && s->failed)
        return s->firm_len > 0 &&
               acme_record_open(record, acme_slice_of(s->firm, s->firm_len), s->slot) == ACME_OK;
    if (c->version != s->version) {
        c->version = s->version;
        c->whole = s->len > 0 && acme_record_open(&c->record, data, s->slot) == ACME_OK;
    }
    *record = c->record;
    return c->whole;
}

struct acme_slice check_stored(struct run *r, enum acme_slot slot, const char *key, uint16_t tag,
                               unsigned nth)
{
    const struct sim_record *s = sim_slots_find(&r->slots, slot, key);
    struct acme_record record;
    struct acme_field field;

    if (s == NULL || !record_open(r, s, &record))
        return acme_slice_of(NULL, 0);
    while (acme_record_next(&record, &field)) {
        if (field.tag == tag && nth-- == 0)
            return field.value;
    }
    return acme_slice_of(NULL, 0);
}

int64_t check_number(struct acme_slice value)
{
    uint64_t n = 0;

    for (size_t i = value.len; i-- > 0;)
        n = n << 8 | value.ptr[i];
    return (int64_t)n;
}

bool check_public(struct run *r, enum acme_slot slot, const char *key, uint16_t tag,
                  struct acme_public *out)
{
    struct acme_slice der = check_stored(r, slot, key, tag, 0);
    struct acme_slice type = check_stored(r, slot, key, (uint16_t)(tag - 2), 0);
    struct acme_key k;

    memset(&k, 0, sizeof k);
    if (der.len == 0 || der.len > sizeof k.der || type.len != 8)
        return false;
    k.type = type.ptr[0];
    k.len = (uint16_t)der.len;
    memcpy(k.der, der.ptr, der.len);
    return acme_key_public(&k, out) == ACME_OK;
}

const char *check_name(const struct run *r)
{
    return r->config.names[0];
}

/* ---- certificates: 1 and 2 ---- */

/* By one of the list, that is: not by the staging CA. */
static bool is_issued_by(const struct ca *ca, struct acme_slice leaf)
{
    for (uint32_t i = 0; i < ca->orders_count; i++) {
        const struct ca_order *o = &ca->orders[i];
        if (o->leaf_len == leaf.len && leaf.len > 0 && memcmp(o->leaf, leaf.ptr, leaf.len) == 0)
            return true;
    }
    return false;
}

static bool is_issued(struct run *r, struct acme_slice leaf)
{
    return is_issued_by(&r->ca, leaf) || (r->s.second && is_issued_by(&r->more[0], leaf));
}

int check_leaves(struct run *r, const struct ca_order *o)
{
    int count = 0;

    for (enum acme_slot slot = ACME_SLOT_CERT_A; slot <= ACME_SLOT_CERT_B; slot++) {
        struct acme_chain chain = {check_stored(r, slot, check_name(r), TAG_CERT_CHAIN, 0)};
        struct acme_slice leaf = acme_chain_at(&chain, 0);

        count += leaf.len == o->leaf_len && memcmp(leaf.ptr, o->leaf, leaf.len) == 0;
    }
    return count;
}

static uint32_t cert_now(struct run *r, enum acme_slot slot)
{
    struct acme_chain chain = {check_stored(r, slot, check_name(r), TAG_CERT_CHAIN, 0)};
    const struct sim_record *s = sim_slots_find(&r->slots, slot, check_name(r));
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
    der = check_stored(r, slot, check_name(r), TAG_CERT_KEY, 0);
    type = check_stored(r, slot, check_name(r), TAG_CERT_KEY - 2, 0);
    if (!check_public(r, slot, check_name(r), TAG_CERT_KEY, &pub)) {
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

/* One of the two CERT records: its sequence, 0 when it is not readable. */
static uint32_t check_cert(struct run *r, enum acme_slot slot)
{
    const struct sim_record *s = sim_slots_find(&r->slots, slot, check_name(r));
    unsigned which = slot == ACME_SLOT_CERT_B;

    if (s == NULL)
        return 0;
    /* Nobody has read it yet: it may still be another. */
    if (r->slots.firm && !r->slots.lies && s->maybe_count > 0)
        return r->certs[which].sequence;
    if (r->certs[which].version != s->version) {
        r->certs[which].version = s->version;
        r->certs[which].sequence = cert_now(r, slot);
    }
    return r->certs[which].sequence;
}

static void take_cert(struct run *r, enum acme_slot slot, uint32_t sequence)
{
    int64_t from = check_number(check_stored(r, slot, check_name(r), TAG_CERT_NOT_BEFORE, 0));

    r->has_cert = true;
    r->sequence = sequence;
    r->not_after = check_number(check_stored(r, slot, check_name(r), TAG_CERT_NOT_AFTER, 0));
    r->due_at = acme_sched_due_at(from, r->not_after);
}

static void take_previous(struct run *r, enum acme_slot slot, uint32_t sequence)
{
    r->previous = sequence;
    r->previous_not_after =
        check_number(check_stored(r, slot, check_name(r), TAG_CERT_NOT_AFTER, 0));
}

static void note_secrets(struct run *r)
{
    struct acme_slice key;

    if (r->s.storage == STORAGE_MEMORY)
        return;
    key = check_stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KEY, 0);
    storage_secret(&r->storage, key.ptr, key.len);
    key = check_stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_NEW, 0);
    storage_secret(&r->storage, key.ptr, key.len);
    key = check_stored(r, ACME_SLOT_ORDER, check_name(r), TAG_ORDER_KEY, 0);
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
    r->issued_before = servers_issued(r);
    r->jobs.gave_up = r->servers.gave_up = false;
}

void check_flipped(struct run *r)
{
    r->sequence = r->previous = 0;
    r->app.refused = r->app.back = false;
    r->has_cert = false;
    r->seen_version--;
    check_storage(r);
}
