/* The agent's facts to records; back is acme_records_load.c. */
#include "acme_steps.h"

#include <string.h>

#include "acme_records.h"
#include "acme_store.h"

const char *acme_slot_key(const struct acme_agent *a, enum acme_slot slot)
{
    if (slot == ACME_SLOT_ACCOUNT || slot == ACME_SLOT_CA_LEDGER)
        return a->ca_key;
    return a->cert_key_name;
}

/* -- keys -- */

static void put_key(struct acme_record_writer *w, uint16_t type_tag, const struct acme_key *key)
{
    if (key->type == ACME_KEY_NONE)
        return;
    acme_record_u64(w, type_tag, key->type);
    acme_record_u64(w, (uint16_t)(type_tag + 1), key->home);
    acme_record_bytes(w, (uint16_t)(type_tag + 2), key->der, key->len);
}

/* -- schedules -- */

static void put_sched(struct acme_record_writer *w, const struct acme_sched *s)
{
    acme_record_i64(w, SCHED_NOT_BEFORE, s->not_before);
    acme_record_i64(w, SCHED_SET_AT, s->set_at);
    acme_record_i64(w, SCHED_ORDER_AT, s->order_at);
    acme_record_u64(w, SCHED_ORDERS, s->orders);
    acme_record_u64(w, SCHED_FAILURES, s->failures);
    acme_record_u64(w, SCHED_CLASS, s->last_class);
    acme_record_u64(w, SCHED_BY_CA, s->by_ca ? 1 : 0);
    if (s->rolled_back > 0)
        acme_record_u64(w, SCHED_ROLLED_BACK, s->rolled_back);
    acme_record_u64(w, SCHED_CONNECTIONS, s->connections);
    acme_record_u64(w, SCHED_VALIDATIONS, s->validations);
    acme_record_u64(w, SCHED_REFUSALS, s->refusals);
}

static void put_failure(struct acme_record_writer *w, const struct acme_failure *f)
{
    if (f->err == ACME_OK)
        return;
    acme_record_i64(w, FAILURE_ERR, f->err);
    acme_record_i64(w, FAILURE_AT, f->at);
    acme_record_text(w, FAILURE_STEP, f->step);
    acme_record_text(w, FAILURE_NOTE, f->note);
    acme_record_u64(w, FAILURE_TYPE, f->problem.type);
    acme_record_u64(w, FAILURE_STATUS, f->problem.http_status);
    acme_record_u64(w, FAILURE_RETRY_AFTER, f->problem.retry_after_s);
    acme_record_text(w, FAILURE_DETAIL, f->problem.detail);
    acme_record_text(w, FAILURE_IDENTIFIER, f->problem.identifier);
}

/* -- the begun challenges of an order: what end needs after a reboot -- */

/* type u8 | solver's name, NUL | identifier, NUL | token, NUL */
static void put_challenge(const struct acme_agent *a, struct acme_record_writer *w,
                          const struct acme_order_name *name)
{
    struct acme_buf b;
    uint8_t room[1 + 32 + ACME_NAME_ROOM + 2 + ACME_MAX_TOKEN + 1];

    acme_buf_init(&b, room, sizeof room);
    acme_buf_char(&b, (char)name->type);
    acme_buf_put(&b, a->solvers[name->solver]->ops->name,
                 strlen(a->solvers[name->solver]->ops->name) + 1);
    acme_buf_put(&b, a->order.text + name->identifier,
                 strlen(a->order.text + name->identifier) + 1);
    acme_buf_put(&b, a->order.text + name->token, strlen(a->order.text + name->token) + 1);
    if (b.overflow)
        w->out.overflow = true;
    else
        acme_record_bytes(w, ORDER_CHALLENGE, b.ptr, b.len);
}

/* -- encoders -- */

static int encode_account(struct acme_agent *a, struct acme_span room)
{
    struct acme_record_writer w;

    if (a->account_key.type == ACME_KEY_NONE) /* it is deactivated */
        return 0;
    acme_record_begin(&w, room, ACME_SLOT_ACCOUNT, 0);
    acme_record_text(&w, ACCOUNT_DIRECTORY, acme_server_url(a));
    put_key(&w, ACCOUNT_KEY_TYPE, &a->account_key);
    put_key(&w, ACCOUNT_NEW_KEY_TYPE, &a->new_key);
    if (a->new_key.type != ACME_KEY_NONE && a->roll_refused_at > 0)
        acme_record_i64(&w, ACCOUNT_NEW_REFUSED_AT, a->roll_refused_at);
    acme_record_text(&w, ACCOUNT_KID, a->kid);
    if (a->kid[0] == '\0' && a->eab.len > 0 && a->eab.len <= sizeof a->eab_room)
        acme_record_bytes(&w, ACCOUNT_EAB, a->eab.ptr, a->eab.len);
    return acme_record_end(&w);
}

static int encode_ledger(struct acme_agent *a, struct acme_span room)
{
    struct acme_record_writer w;

    acme_record_begin(&w, room, ACME_SLOT_CA_LEDGER, 0);
    acme_record_i64(&w, LEDGER_ANY_NOT_BEFORE, a->ledger.any_not_before);
    acme_record_i64(&w, LEDGER_ANY_SET_AT, a->ledger.any_set_at);
    acme_record_i64(&w, LEDGER_ORDER_NOT_BEFORE, a->ledger.order_not_before);
    acme_record_i64(&w, LEDGER_ORDER_SET_AT, a->ledger.order_set_at);
    put_sched(&w, &a->ledger.account);
    return acme_record_end(&w);
}

static int encode_order(struct acme_agent *a, struct acme_span room)
{
    struct acme_record_writer w;

    if (!a->order.open)
        return 0;
    acme_record_begin(&w, room, ACME_SLOT_ORDER, 0);
    acme_record_bytes(&w, ORDER_WANT, a->want, sizeof a->want);
    acme_record_text(&w, ORDER_URL, a->order.url);
    put_key(&w, ORDER_KEY_TYPE, &a->cert_key);
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        if (a->order.names[i].flags & ORDER_BEGUN)
            put_challenge(a, &w, &a->order.names[i]);
    }
    return acme_record_end(&w);
}

/* The chain lies in room already (it was decoded there): it moves to the end first, so that the
 * fields before it can be written without a second buffer. */
static int encode_cert(struct acme_agent *a, struct acme_span room)
{
    struct acme_record_writer w;
    size_t len = a->new_chain.len;

    if (len > room.len)
        return ACME_E_SIZE;
    memmove(room.ptr + (room.len - len), a->new_chain.ptr, len);
    a->new_chain.ptr = room.ptr + (room.len - len);
    acme_record_begin(&w, room, a->fresh.slot, a->fresh.sequence);
    acme_record_bytes(&w, CERT_WANT, a->want, sizeof a->want);
    acme_record_bytes(&w, CERT_ORDER, a->fresh.order, sizeof a->fresh.order);
    put_key(&w, CERT_KEY_TYPE, &a->cert_key);
    acme_record_i64(&w, CERT_NOT_BEFORE, a->fresh.not_before);
    acme_record_i64(&w, CERT_NOT_AFTER, a->fresh.not_after);
    acme_ari_put_cert(a, &w);
    acme_server_put_cert(a, &w);
    /* The last field may reach into the place where the chain lies now: they must not overlap. */
    if (w.out.overflow || w.out.len + 4 > room.len - len)
        return ACME_E_SIZE;
    acme_record_bytes(&w, CERT_CHAIN, a->new_chain.ptr, len);
    return acme_record_end(&w);
}

static int encode_sched(struct acme_agent *a, struct acme_span room)
{
    struct acme_record_writer w;

    acme_record_begin(&w, room, ACME_SLOT_SCHED, 0);
    put_sched(&w, &a->sched);
    acme_ari_put(a, &w);
    acme_job_put(a, &w);
    acme_server_put(a, &w);
    acme_recent_put(a, &w);
    acme_choice_put(a, &w);
    acme_pace_put(a, &w);
    put_failure(&w, &a->failure);
    return acme_record_end(&w);
}

int acme_encode(struct acme_agent *a, enum acme_slot slot, struct acme_span room)
{
    switch (slot) {
    case ACME_SLOT_ACCOUNT:
        return encode_account(a, room);
    case ACME_SLOT_CA_LEDGER:
        return encode_ledger(a, room);
    case ACME_SLOT_ORDER:
        return encode_order(a, room);
    case ACME_SLOT_CERT_A:
    case ACME_SLOT_CERT_B:
        return encode_cert(a, room);
    case ACME_SLOT_SCHED:
        return encode_sched(a, room);
    default:
        return ACME_E_ARG;
    }
}

int acme_want_hash(const struct acme_config *config, const char *directory_url,
                   uint8_t out[ACME_SHA256_SIZE])
{
    struct acme_hash h;
    uint8_t type = config->cert_key_type != 0 ? config->cert_key_type : ACME_KEY_P256;
    const char *last = "";
    int err = acme_hash_start(&h, ACME_SHA256_SIZE);

    if (err == ACME_OK)
        err = acme_hash_add(&h, directory_url, strlen(directory_url) + 1);
    if (err == ACME_OK)
        err = acme_hash_add(&h, &type, 1);
    /* Sorted, because the order of names means nothing: the smallest above the last one, N times.
     */
    for (size_t i = 0; err == ACME_OK && i < config->names_count; i++) {
        const char *least = NULL;
        for (size_t k = 0; k < config->names_count; k++) {
            if (strcmp(config->names[k], last) > 0 &&
                (least == NULL || strcmp(config->names[k], least) < 0))
                least = config->names[k];
        }
        if (least == NULL)
            break;
        err = acme_hash_add(&h, least, strlen(least) + 1);
        last = least;
    }
    if (err == ACME_OK && config->profile != NULL)
        err = acme_hash_add(&h, "", 1); /* no name is empty */
    if (err == ACME_OK && config->profile != NULL)
        err = acme_hash_add(&h, config->profile, strlen(config->profile) + 1);
    if (err == ACME_OK && config->csr.len > 0)
        err = acme_hash_add(&h, "\0", 2); /* and no profile */
    if (err == ACME_OK && config->csr.len > 0)
        err = acme_hash_add(&h, config->csr.ptr, config->csr.len);
    if (err == ACME_OK)
        err = acme_hash_end(&h, out);
    return err;
}
