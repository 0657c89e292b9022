/* Records to the agent's facts: nothing here trusts what storage says. */
#include "acme_steps.h"

#include <string.h>

#include "acme_records.h"
#include "acme_store.h"

/* The three fields of a key, from type_tag on. False when the field is not one of them. */
static bool get_key(const struct acme_field *field, uint16_t type_tag, struct acme_key *key)
{
    uint64_t number = 0;

    if (field->tag == type_tag && acme_field_u64(field, &number))
        key->type = (uint8_t)number;
    else if (field->tag == type_tag + 1 && acme_field_u64(field, &number))
        key->home = (uint8_t)number;
    else if (field->tag == type_tag + 2 && field->value.len <= sizeof key->der) {
        memcpy(key->der, field->value.ptr, field->value.len);
        key->len = (uint16_t)field->value.len;
    } else
        return false;
    return true;
}

/* A key that could not be read whole is no key. */
static void check_key(struct acme_key *key)
{
    if (key->len == 0 || !acme_key_supported((enum acme_key_type)key->type))
        acme_key_wipe(key);
}

static void get_sched(const struct acme_field *field, struct acme_sched *s)
{
    int64_t value = 0;

    if (!acme_field_i64(field, &value))
        return;
    switch (field->tag) {
    case SCHED_NOT_BEFORE:
        s->not_before = value;
        break;
    case SCHED_SET_AT:
        s->set_at = value;
        break;
    case SCHED_ORDER_AT:
        s->order_at = value;
        break;
    case SCHED_ORDERS:
        s->orders = (uint16_t)value;
        break;
    case SCHED_FAILURES:
        s->failures = (uint16_t)value;
        break;
    case SCHED_CLASS:
        s->last_class = (uint8_t)value;
        break;
    case SCHED_BY_CA:
        s->by_ca = value != 0;
        break;
    case SCHED_ROLLED_BACK:
        s->rolled_back = (uint8_t)value;
        break;
    case SCHED_CONNECTIONS:
        s->connections = (uint16_t)value;
        break;
    case SCHED_VALIDATIONS:
        s->validations = (uint16_t)value;
        break;
    case SCHED_REFUSALS:
        s->refusals = (uint16_t)value;
        break;
    default:
        break;
    }
}

/* A record of before there was a count for each class: all were of the last one's. */
static void get_sched_end(struct acme_sched *s)
{
    if (s->connections != 0 || s->validations != 0 || s->refusals != 0)
        return;
    if (s->last_class == ACME_CLASS_VALIDATION)
        s->validations = s->failures;
    else if (s->last_class == ACME_CLASS_REFUSED)
        s->refusals = s->failures;
    else if (s->last_class == ACME_CLASS_CONNECTION)
        s->connections = s->failures;
}

static void get_failure(const struct acme_field *field, struct acme_failure *f)
{
    int64_t value = 0;

    switch (field->tag) {
    case FAILURE_STEP:
        (void)acme_field_text(field, f->step, sizeof f->step);
        return;
    case FAILURE_NOTE:
        (void)acme_field_text(field, f->note, sizeof f->note);
        return;
    case FAILURE_DETAIL:
        (void)acme_field_text(field, f->problem.detail, sizeof f->problem.detail);
        return;
    case FAILURE_IDENTIFIER:
        (void)acme_field_text(field, f->problem.identifier, sizeof f->problem.identifier);
        return;
    default:
        break;
    }
    if (!acme_field_i64(field, &value))
        return;
    switch (field->tag) {
    case FAILURE_ERR:
        f->err = (int)value;
        break;
    case FAILURE_AT:
        f->at = value;
        break;
    case FAILURE_TYPE:
        f->problem.type =
            value >= 0 && value < ACME_PROBLEM_END_ ? (uint8_t)value : (uint8_t)ACME_PROBLEM_OTHER;
        break;
    case FAILURE_STATUS:
        f->problem.http_status = (uint16_t)value;
        break;
    case FAILURE_RETRY_AFTER:
        f->problem.retry_after_s = (uint32_t)value;
        break;
    default:
        break;
    }
}

/* The next NUL-terminated text of a field, or NULL when it is damaged. */
static const char *cut_text(struct acme_slice *rest)
{
    const char *text = (const char *)rest->ptr;
    const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, 0, rest->len) : NULL;

    if (end == NULL)
        return NULL;
    rest->len -= (size_t)(end - rest->ptr) + 1;
    rest->ptr = end + 1;
    return text;
}

/* A solver that is not configured any more cannot clean up: the challenge is then forgotten. */
static void get_challenge(struct acme_agent *a, const struct acme_field *field)
{
    struct acme_order_state *order = &a->order;
    struct acme_slice rest = field->value;
    struct acme_order_name *name;
    const char *solver, *identifier, *token;
    int id_at, token_at;

    if (rest.len < 4 || order->names_count >= ACME_MAX_NAMES)
        return;
    name = &order->names[order->names_count];
    memset(name, 0, sizeof *name);
    name->type = rest.ptr[0];
    rest.ptr++;
    rest.len--;
    solver = cut_text(&rest);
    identifier = cut_text(&rest);
    token = cut_text(&rest);
    if (solver == NULL || identifier == NULL || token == NULL)
        return;
    for (uint8_t i = 0; i < a->solvers_count; i++) {
        if (strcmp(a->solvers[i]->ops->name, solver) != 0)
            continue;
        id_at = acme_keep_text(a, order->text, &order->text_len, sizeof order->text, identifier,
                               "ACME_MAX_ORDER_TEXT");
        token_at = acme_keep_text(a, order->text, &order->text_len, sizeof order->text, token,
                                  "ACME_MAX_ORDER_TEXT");
        if (id_at < 0 || token_at < 0)
            return;
        name->solver = i;
        name->identifier = (uint16_t)id_at;
        name->token = (uint16_t)token_at;
        name->flags = ORDER_CHOSEN | ORDER_BEGUN | ORDER_STORED;
        order->names_count++;
        return;
    }
}

/* -- loaders -- */

static int load_record(const struct acme_agent *a, enum acme_slot slot, struct acme_span room,
                       struct acme_record *r)
{
    const struct acme_slots *slots = a->port->slots;
    struct acme_record walk;
    struct acme_field field;
    int n = slots->read(slots->ctx, slot, acme_slot_key(a, slot), room.ptr, room.len);

    if (n < 0)
        return n;
    n = acme_record_open(r, acme_slice_of(room.ptr, (size_t)n), (uint8_t)slot);
    if (n != ACME_OK)
        return n;
    /* But for a roll-over's none of the tags is critical, so every other one is a stranger: hands
     * off. */
    for (walk = *r; acme_record_next(&walk, &field);) {
        if (slot == ACME_SLOT_ACCOUNT && acme_roll_knows(field.tag))
            continue;
        n = acme_field_skip(&field);
        if (n != ACME_OK)
            return n;
    }
    return ACME_OK;
}

int acme_load_account(struct acme_agent *a)
{
    struct acme_record r;
    struct acme_field field;
    bool pending = false;
    int err = load_record(a, ACME_SLOT_ACCOUNT, a->config->memory.scratch, &r);

    acme_key_wipe(&a->account_key);
    acme_key_wipe(&a->new_key);
    a->kid[0] = a->thumbprint[0] = '\0';
    a->roll_refused_at = 0;
    if (err != ACME_OK)
        return err;
    while (acme_record_next(&r, &field)) {
        pending |= field.tag == ACCOUNT_NEW_KEY_TYPE;
        if (get_key(&field, ACCOUNT_KEY_TYPE, &a->account_key) ||
            get_key(&field, ACCOUNT_NEW_KEY_TYPE, &a->new_key))
            continue;
        if (field.tag == ACCOUNT_KID && !acme_field_text(&field, a->kid, sizeof a->kid))
            a->kid[0] = '\0';
        else if (field.tag == ACCOUNT_NEW_REFUSED_AT)
            (void)acme_field_i64(&field, &a->roll_refused_at);
        else if (field.tag == ACCOUNT_EAB)
            acme_bind_load(a, field.value);
    }
    check_key(&a->account_key);
    check_key(&a->new_key);
    a->roll_doubt = pending;
    if (a->account_key.type != ACME_KEY_NONE && pending == (a->new_key.type != ACME_KEY_NONE))
        return ACME_OK;
    acme_key_wipe(&a->account_key);
    acme_key_wipe(&a->new_key);
    a->kid[0] = '\0';
    return ACME_E_SLOT_CORRUPT; /* a key that this build cannot use is not silently replaced */
}

int acme_load_ledger(struct acme_agent *a)
{
    struct acme_record r;
    struct acme_field field;
    int err = load_record(a, ACME_SLOT_CA_LEDGER, a->config->memory.scratch, &r);

    memset(&a->ledger, 0, sizeof a->ledger);
    if (err != ACME_OK)
        return err;
    while (acme_record_next(&r, &field)) {
        if (field.tag == LEDGER_ANY_NOT_BEFORE)
            (void)acme_field_i64(&field, &a->ledger.any_not_before);
        else if (field.tag == LEDGER_ANY_SET_AT)
            (void)acme_field_i64(&field, &a->ledger.any_set_at);
        else if (field.tag == LEDGER_ORDER_NOT_BEFORE)
            (void)acme_field_i64(&field, &a->ledger.order_not_before);
        else if (field.tag == LEDGER_ORDER_SET_AT)
            (void)acme_field_i64(&field, &a->ledger.order_set_at);
        else
            get_sched(&field, &a->ledger.account);
    }
    return ACME_OK;
}

int acme_load_order(struct acme_agent *a)
{
    struct acme_record r;
    struct acme_field field;
    bool wanted = false;
    int err = load_record(a, ACME_SLOT_ORDER, a->config->memory.scratch, &r);

    acme_order_reset(&a->order);
    acme_key_wipe(&a->cert_key);
    if (err != ACME_OK)
        return err;
    while (acme_record_next(&r, &field)) {
        if (get_key(&field, ORDER_KEY_TYPE, &a->cert_key))
            continue;
        if (field.tag == ORDER_WANT)
            wanted = field.value.len == sizeof a->want &&
                     memcmp(field.value.ptr, a->want, sizeof a->want) == 0;
        else if (field.tag == ORDER_URL)
            a->order.open = acme_field_text(&field, a->order.url, sizeof a->order.url);
        else if (field.tag == ORDER_CHALLENGE)
            get_challenge(a, &field);
    }
    a->order.text_mark = a->order.text_len;
    check_key(&a->cert_key);
    a->order.key_stored = a->cert_key.type != ACME_KEY_NONE;
    /* An order for other names, another key type or another CA is not gone on with; what was begun
     * for it is still cleaned up. */
    a->order.stale = !wanted;
    return ACME_OK;
}

/* The facts of one of the two CERT records, or its error. */
static int load_half(struct acme_agent *a, enum acme_slot slot, struct acme_cert_state *out)
{
    struct acme_record r;
    struct acme_field field;
    struct acme_chain chain = {{NULL, 0}};
    struct acme_slice want = {NULL, 0};
    int err = load_record(a, slot, a->config->memory.io, &r);

    memset(out, 0, sizeof *out);
    if (err != ACME_OK)
        return err;
    out->slot = (uint8_t)slot;
    out->sequence = r.sequence;
    while (acme_record_next(&r, &field)) {
        if (field.tag == CERT_WANT) {
            want = field.value;
            out->wanted = acme_server_wanted(a, want, &out->server);
        } else if (field.tag == CERT_ORDER && field.value.len == sizeof out->order)
            memcpy(out->order, field.value.ptr, sizeof out->order);
        else if (field.tag == CERT_NOT_BEFORE)
            (void)acme_field_i64(&field, &out->not_before);
        else if (field.tag == CERT_NOT_AFTER)
            (void)acme_field_i64(&field, &out->not_after);
        else if (field.tag == CERT_CHAIN)
            chain.packed = field.value;
        else if (field.tag == CERT_SERVER)
            acme_server_get_cert(a, &field, want, out);
        else
            acme_ari_get_cert(a, &field, out);
    }
    out->has = acme_chain_count(&chain) > 0;
    return out->has ? ACME_OK : ACME_E_SLOT_CORRUPT;
}

int acme_load_cert(struct acme_agent *a)
{
    struct acme_cert_state half_a, half_b;
    int err_a = load_half(a, ACME_SLOT_CERT_A, &half_a);
    int err_b = load_half(a, ACME_SLOT_CERT_B, &half_b);

    acme_wipe(a->config->memory.io.ptr, a->config->memory.io.len);
    if (err_a == ACME_OK && (err_b != ACME_OK || half_a.sequence >= half_b.sequence))
        a->cert = half_a;
    else
        a->cert = half_b; /* zeroed when it has none */
    if (err_a == ACME_OK || err_a == ACME_E_SLOT_EMPTY)
        return err_b == ACME_E_SLOT_EMPTY ? err_a : err_b;
    return err_a;
}

int acme_load_previous(struct acme_agent *a, struct acme_cert_state *out)
{
    int err =
        load_half(a, a->cert.slot == ACME_SLOT_CERT_A ? ACME_SLOT_CERT_B : ACME_SLOT_CERT_A, out);

    acme_wipe(a->config->memory.io.ptr, a->config->memory.io.len);
    return err;
}

int acme_load_sched(struct acme_agent *a)
{
    struct acme_record r;
    struct acme_field field;
    int err = load_record(a, ACME_SLOT_SCHED, a->config->memory.scratch, &r);

    memset(&a->sched, 0, sizeof a->sched);
    memset(&a->ari, 0, sizeof a->ari);
    memset(&a->revoked, 0, sizeof a->revoked);
    acme_server_forget(a);
    memset(&a->recent, 0, sizeof a->recent);
    acme_choice_forget(a);
    memset(a->pace_ms, 0, sizeof a->pace_ms);
    memset(&a->failure, 0, sizeof a->failure);
    if (err != ACME_OK)
        return err;
    while (acme_record_next(&r, &field)) {
        get_sched(&field, &a->sched);
        acme_ari_get(a, &field);
        acme_job_get(a, &field);
        acme_server_get(a, &field);
        acme_recent_get(a, &field);
        acme_choice_get(a, &field);
        acme_pace_get(a, &field);
        get_failure(&field, &a->failure);
    }
    get_sched_end(&a->sched);
    acme_server_get_end(a);
    return ACME_OK;
}

/* -- what the application reads -- */

int acme_agent_certificate(const struct acme_agent *a, struct acme_span buf,
                           struct acme_certificate *out)
{
    struct acme_record r;
    struct acme_field field;
    uint64_t number = 0;
    int err;

    memset(out, 0, sizeof *out);
    if (!a->cert.has)
        return ACME_E_SLOT_EMPTY;
    err = load_record(a, (enum acme_slot)a->cert.slot, buf, &r);
    if (err != ACME_OK)
        return err;
    while (acme_record_next(&r, &field)) {
        if (field.tag == CERT_CHAIN)
            out->chain.packed = field.value;
        else if (field.tag == CERT_KEY)
            out->key = field.value;
        else if (field.tag == CERT_KEY_TYPE && acme_field_u64(&field, &number))
            out->key_type = (uint8_t)number;
        else if (field.tag == CERT_KEY_HOME && acme_field_u64(&field, &number))
            out->key_home = (uint8_t)number;
        else if (field.tag == CERT_NOT_BEFORE)
            (void)acme_field_i64(&field, &out->not_before);
        else if (field.tag == CERT_NOT_AFTER)
            (void)acme_field_i64(&field, &out->not_after);
    }
    return acme_chain_count(&out->chain) > 0 ? ACME_OK : ACME_E_SLOT_CORRUPT;
}
