/* The driver: the only code that asks the clock, writes records, turns an error into a failure, and
 * sets the step. Its other half, acme_reply.c, sends, keeps the nonce, repeats, and reads
 * Retry-After. */
#include "acme_driver.h"

#include <string.h>

uint64_t acme_drive_clock(const struct acme_agent *a)
{
    return a->port->now_ms(a->port->ctx);
}

/* -- the step: one setter, and it resets what belongs to a step -- */

void acme_drive_step(struct acme_agent *a, uint8_t row)
{
    struct acme_event event = {.type = ACME_EVENT_STEP};

    if (row == a->until && a->busy && (a->outcome == ACME_AGAIN || a->outcome == ACME_OK)) {
        /* a staged walk rests here, the order left open */
        a->until = ACME_ROW_NONE;
        a->outcome = ACME_OK;
        a->wake_ms = 0;
        row = ACME_ROW_REST;
    }
    /* Fetching a nonce is part of the row that needs it: its tries go on being counted. */
    if (row != ACME_ROW_NONCE && a->step != ACME_ROW_NONCE) {
        a->lost_tries = 0;
        a->nonce_tries = 0;
    }
    a->step = row;
    a->phase = PHASE_START;
    a->row_since_ms = acme_drive_clock(a);
    if (row == ACME_ROW_REST || row == ACME_ROW_LOAD)
        return;
    if (row == ACME_ROW_AUTHZ || row == ACME_ROW_RESPOND || row == ACME_ROW_BEGIN ||
        row == ACME_ROW_WHY) {
        event.index = (uint16_t)(a->order.index + 1);
        event.count = a->order.names_count;
    }
    if (event.index <= event.count)
        acme_emit(a, &event);
}

void acme_drive_wait(struct acme_agent *a, uint32_t ms, const char *what)
{
    struct acme_event event = {.type = ACME_EVENT_WAIT, .ms = ms, .text = what};

    a->wake_ms = acme_drive_clock(a) + ms;
    if (ms >= 1000)
        acme_emit(a, &event);
}

/* -- failures -- */

static int64_t remaining_life(const struct acme_agent *a, int64_t now)
{
    return acme_cert_serves(a) ? a->cert.not_after - now : 0;
}

static void note_failure(struct acme_agent *a, int err, int64_t now)
{
    struct acme_failure *f = &a->failure;
    struct acme_event event = {.type = ACME_EVENT_FAILURE, .err = err, .failure = f};

    memset(f, 0, sizeof *f);
    f->err = err;
    f->at = now;
    /* Where nothing else is known, the host is what a person wants to hear. */
    if (a->note[0] == '\0' && a->problem.http_status == 0 && a->problem.type == ACME_PROBLEM_NONE &&
        a->host[0] != '\0' && acme_rows[a->step].how != ACME_LOCAL)
        (void)acme_fail_note(a, err, "host ", a->host);
    (void)acme_copy_text(f->step, sizeof f->step, acme_slice_text(acme_rows[a->step].name));
    (void)acme_copy_text(f->note, sizeof f->note, acme_slice_text(a->note));
    f->problem = a->problem;
    if (a->job == NULL) { /* what the failure means for who has to watch over the certificate */
        event.at = a->cert.has ? a->cert.not_after : 0;
        event.count = a->sched.failures;
    }
    acme_emit(a, &event);
}

/* Does a failure hold back the next run? Not a configuration that cannot be used: it never reached
 * the CA, and whoever asked may do so again. Nor what a person who asked has to give first: he
 * comes back with it. */
static bool charged(const struct acme_agent *a, int err)
{
    if (a->asked && a->step == ACME_ROW_DIRECTORY && (err == ACME_E_TERMS || err == ACME_E_BINDING))
        return false;
    if (err == ACME_E_CONFIG && a->config->only_when_asked)
        return false;
    return acme_err_class(err) != ACME_CLASS_NONE;
}

/* Who asked for the job is there, so its failure is told and not remembered: what stands in the
 * records is of the certificate. */
static void fail_job(struct acme_agent *a, int err, int64_t now, struct acme_next *next)
{
    struct acme_failure kept = a->failure;

    a->outcome = err;
    note_failure(a, err, now);
    a->failure = kept;
    next->row = ACME_ROW_REST;
    next->save = acme_job_failed(a) | (a->ledger_changed ? ACME_SAVE_LEDGER : 0);
    a->ledger_changed = a->again = false;
}

/* The run fails with err. The row says where to go; records and the schedule follow there. */
static void fail(struct acme_agent *a, int err)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = err, .text = a->note};
    struct acme_next next = {acme_rows[a->step].failed, 0, 0};
    bool question = acme_ari_failed(a, err, &next.row);
    bool by_ca = a->sched.by_ca;
    int64_t now = 0;

    (void)acme_wall_clock(a, &now);
    a->save_mask = 0;
    a->save_encoded = false;
    a->wake_ms = 0;
    if (question) {
        event.text = "the CA does not tell when to renew";
        event.detail = a->note;
        acme_emit(a, &event);
        next.save = a->ledger_changed ? ACME_SAVE_LEDGER : 0;
        a->ledger_changed = false; /* a store that fails is not tried again and again */
    } else if (a->job != NULL && a->step != ACME_ROW_LOAD) {
        fail_job(a, err, now, &next);
    } else if (a->step == ACME_ROW_END || a->step == ACME_ROW_CLEAR || a->step == ACME_ROW_REST) {
        /* Cleaning up: the run has its outcome, this only came on top. */
        acme_emit(a, &event);
        if (a->outcome == ACME_OK || a->outcome == ACME_AGAIN) {
            a->outcome = err;
            note_failure(a, err, now);
        }
    } else {
        a->outcome = err;
        if (charged(a, err))
            acme_sched_failed(&a->sched, now, acme_err_class(err), remaining_life(a, now),
                              a->problem.retry_after_s, acme_jitter16());
        note_failure(a, err, now);
        if (charged(a, err) && a->step != ACME_ROW_LOAD)
            acme_server_failed(a, err, now);
        if (acme_clock_doubt(err) && by_ca) /* a Retry-After that may only seem to be over */
            a->sched.by_ca = true;
    }
    a->note[0] = '\0';
    memset(&a->problem, 0, sizeof a->problem);
    if (a->step == ACME_ROW_LOAD) { /* nothing may be written over what could not be read */
        a->asked = false;
        a->job = NULL; /* who asked takes it for ended */
    }
    acme_drive_go(a, &next);
}

/* -- records -- */

static enum acme_slot save_slot(const struct acme_agent *a)
{
    if (a->save_mask & ACME_SAVE_ACCOUNT)
        return ACME_SLOT_ACCOUNT;
    if (a->save_mask & ACME_SAVE_LEDGER)
        return ACME_SLOT_CA_LEDGER;
    if (a->save_mask & ACME_SAVE_ORDER)
        return ACME_SLOT_ORDER;
    if (a->save_mask & ACME_SAVE_CERT)
        return (enum acme_slot)a->fresh.slot;
    if (a->save_mask & ACME_SAVE_SCHED)
        return ACME_SLOT_SCHED;
    return (enum acme_slot)a->cert.slot; /* ACME_SAVE_BACK */
}

/* A record is durable: what follows from that. */
static void saved(struct acme_agent *a, enum acme_slot slot)
{
    struct acme_event event = {.type = ACME_EVENT_CERTIFICATE, .at = a->fresh.not_after};

    switch (slot) {
    case ACME_SLOT_CERT_A:
    case ACME_SLOT_CERT_B:
        a->renewed = a->save_mask != ACME_SAVE_BACK;
        if (a->renewed)
            acme_recent_stored(a);
        a->cert = a->fresh;
        a->verdict = VERDICT_NONE;
        a->no_replaces = false;
        if (!a->renewed)
            event.type = ACME_EVENT_ROLLED_BACK;
        acme_emit(a, &event);
        event.type = ACME_EVENT_TIME;
        event.at = a->fresh.not_before;
        if (a->renewed)
            acme_emit(a, &event);
        break;
    case ACME_SLOT_ORDER:
        a->order_stored = a->save_len > 0;
        a->order.key_stored = a->cert_key.type != ACME_KEY_NONE;
        break;
    case ACME_SLOT_ACCOUNT:
        a->account_unsaved = false;
        if (a->kid[0] != '\0')
            acme_bind_forget(a);
        break;
    case ACME_SLOT_CA_LEDGER:
        a->ledger_changed = false;
        break;
    case ACME_SLOT_SCHED:
        a->ari.stored_at = a->ari.set_at;
        a->ari.stored_renew_at = a->ari.renew_at;
        break;
    default:
        break;
    }
    a->save_mask &= (uint8_t)(a->save_mask - 1); /* the lowest bit */
    a->save_encoded = false;
}

/* After an error a slot holds the old record or the new one. Of the refused pair it is asked: once
 * gone, it is not in force, whatever the medium answered. */
static bool save_emptied(struct acme_agent *a, enum acme_slot slot, struct acme_span room)
{
    const struct acme_slots *slots = a->port->slots;
    int n = slots->read(slots->ctx, slot, acme_slot_key(a, slot), room.ptr, room.len);

    acme_wipe(room.ptr, room.len);
    return n == ACME_E_SLOT_EMPTY;
}

/* Write what is due, one record a call. The bytes stay in their buffer until the slot has taken
 * them, because a write that answered "not yet" is repeated with the same ones. */
static int save(struct acme_agent *a)
{
    const struct acme_slots *slots = a->port->slots;
    enum acme_slot slot = save_slot(a);
    bool is_cert = slot == ACME_SLOT_CERT_A || slot == ACME_SLOT_CERT_B;
    struct acme_span room = is_cert ? a->config->memory.io : a->config->memory.scratch;
    int n;

    if (!a->save_encoded) {
        n = a->save_mask == ACME_SAVE_BACK ? 0 : acme_encode(a, slot, room);
        if (n < 0)
            acme_wipe(room.ptr, room.len); /* a key may be in what did fit */
        if (n < 0)
            return acme_fail_note(a, n,
                                  is_cert ? "bound: io, for the certificate record"
                                          : "bound: scratch, for a record",
                                  NULL);
        a->save_len = (size_t)n;
        a->save_encoded = true;
    }
    n = ACME_OK;
    if (a->save_len > 0 || slot != ACME_SLOT_ORDER || a->order_stored)
        n = slots->write(slots->ctx, slot, acme_slot_key(a, slot), room.ptr, a->save_len);
    if (n == ACME_AGAIN)
        return n;
    acme_wipe(room.ptr, a->save_len);
    a->account_unsaved |= slot == ACME_SLOT_ACCOUNT && n != ACME_OK;
    if (n != ACME_OK && (a->save_mask != ACME_SAVE_BACK || !save_emptied(a, slot, room)))
        return acme_fail_note(a, n, "a record could not be written", NULL);
    saved(a, slot);
    return a->save_mask != 0 ? ACME_AGAIN : ACME_OK;
}

/* accept has decided: records first, then the next row. */
void acme_drive_go(struct acme_agent *a, const struct acme_next *next)
{
    a->next_step = next->row;
    a->save_mask = next->save;
    a->save_encoded = false;
    a->note[0] = '\0';
    if (next->wait_ms > 0)
        acme_drive_wait(a, next->wait_ms,
                        next->row == ACME_ROW_LOOK ? "the CA" : acme_rows[next->row].name);
    if (a->save_mask != 0)
        a->phase = PHASE_SAVE;
    else
        acme_drive_step(a, next->row);
}

/* -- memory that is lent -- */

#define NEED_BOTH        (ACME_NEED_IO | ACME_NEED_SCRATCH)
#define NEED_PATIENCE_MS 30000 /* who else has the memory is to give it back meanwhile */

int acme_drive_need(struct acme_agent *a, unsigned buffers)
{
    const struct acme_memory *memory = &a->config->memory;
    int err = memory->need != NULL ? memory->need(buffers) : ACME_OK;

    a->exchange.io = memory->io;
    return err;
}

/* What a turn begins with. */
static unsigned need_now(const struct acme_agent *a)
{
    if (a->phase == PHASE_FLIGHT || acme_order_lends_exchange(a))
        return ACME_NEED_IO;
    if (a->phase == PHASE_SAVE || acme_rows[a->step].how != ACME_LOCAL ||
        a->step == ACME_ROW_LOAD || a->step == ACME_ROW_KEY || a->step == ACME_ROW_BACK)
        return NEED_BOTH; /* it asks, or reads records */
    return 0;
}

/* What has to be kept until the next turn. */
static unsigned need_then(const struct acme_agent *a)
{
    if (a->phase == PHASE_FLIGHT || acme_order_lends_exchange(a))
        return ACME_NEED_IO;
    return a->phase == PHASE_SAVE ? NEED_BOTH : 0;
}

/* A whole reply is in io. If it cannot be read for want of memory, the session gives its own up. */
static int need_for_reply(struct acme_agent *a)
{
    if (acme_drive_need(a, NEED_BOTH) == ACME_OK)
        return ACME_OK;
    acme_exchange_close(&a->exchange);
    return acme_drive_need(a, NEED_BOTH) == ACME_OK ? ACME_OK : ACME_E_TLS_MEMORY;
}

/* -- one turn -- */

static int turn_flight(struct acme_agent *a)
{
    struct acme_event event = {.type = ACME_EVENT_RETRY};
    struct acme_reply reply;
    int err = acme_exchange_poll(&a->exchange, &reply);

    if (err == ACME_AGAIN)
        return err;
    if (err == ACME_OK) {
        err = need_for_reply(a);
        if (err == ACME_OK)
            err = acme_drive_reply(a, &reply);
        return err == ACME_OK ? ACME_AGAIN : err;
    }
    if (err == ACME_E_SIZE)
        return acme_fail_note(a, err, "bound: io, for a reply", NULL);
    if (acme_exchange_was_stale(&a->exchange) && acme_rows[a->step].lost != ACME_ROW_NONE) {
        /* A server that ends its kept connections under our hands: it gets a new one for each
         * request from now on. Each repeat has a fresh nonce, as the CA may have used this one. */
        event.err = err;
        acme_emit(a, &event);
        a->exchange.single = true;
        a->nonce[0] = '\0';
        if (acme_rows[a->step].lost != a->step)
            acme_drive_step(a, acme_rows[a->step].lost);
        a->phase = PHASE_START;
        return ACME_AGAIN;
    }
    err = acme_drive_lost(a, err);
    return err == ACME_OK ? ACME_AGAIN : err;
}

static int turn_local(struct acme_agent *a, uint32_t *sleep_ms)
{
    struct acme_next next = {a->step, 0, 0};
    int err = acme_rows[a->step].accept(a, NULL, &next);

    if (err == ACME_AGAIN)
        *sleep_ms = next.wait_ms;
    if (err == ACME_OK) {
        acme_drive_go(a, &next);
        return ACME_AGAIN;
    }
    return err;
}

static int turn_row(struct acme_agent *a, uint32_t *sleep_ms)
{
    const struct acme_row *row = &acme_rows[a->step];
    int err;

    if (a->phase == PHASE_SAVE) {
        err = save(a);
        if (err == ACME_AGAIN && a->save_encoded) /* the medium is busy */
            *sleep_ms = 1;
        if (err == ACME_OK)
            acme_drive_step(a, a->next_step);
        return err == ACME_OK ? ACME_AGAIN : err;
    }
    if (row->how == ACME_LOCAL)
        return turn_local(a, sleep_ms);
    if (a->phase == PHASE_START)
        return acme_drive_request(a, row);
    err = turn_flight(a);
    if (a->phase == PHASE_FLIGHT)
        *sleep_ms = acme_exchange_wait_ms(&a->exchange); /* a socket wakes us before */
    return err;
}

/* A bounded piece of work. ACME_AGAIN: *sleep_ms says when to come back. */
static int turn(struct acme_agent *a, uint32_t *sleep_ms)
{
    int err;

    *sleep_ms = 0;
    if (acme_drive_need(a, need_now(a)) != ACME_OK) {
        if (acme_drive_clock(a) - a->row_since_ms >= NEED_PATIENCE_MS && a->busy)
            return acme_fail_note(a, ACME_E_TLS_MEMORY, "bound: the memory for io and scratch",
                                  NULL);
        *sleep_ms = 1;
        return ACME_AGAIN;
    }
    err = turn_row(a, sleep_ms);
    (void)acme_drive_need(a, need_then(a));
    return err;
}

static void stop_run(struct acme_agent *a)
{
    a->stopping = false;
    if (a->order.taken_up && !a->order.stale) /* under way, though it was put aside */
        a->busy = true;
    if (!a->busy || a->step == ACME_ROW_END || a->step == ACME_ROW_CLEAR)
        return;
    acme_exchange_close(&a->exchange);
    a->save_mask = 0;
    a->save_encoded = false;
    a->wake_ms = 0;
    a->outcome = ACME_E_CLOSED;
    acme_drive_step(a, ACME_ROW_END);
}

int acme_agent_poll(struct acme_agent *a, uint32_t *sleep_ms)
{
    uint32_t sleep = UINT32_MAX, wanted;
    uint64_t now;
    int err;

    for (uint8_t i = 0; i < a->solvers_count; i++) {
        if (a->solvers[i]->ops->poll == NULL)
            continue;
        wanted = a->solvers[i]->ops->poll(a->solvers[i]);
        if (wanted < sleep)
            sleep = wanted;
    }
    if (a->stopping && a->phase != PHASE_SAVE)
        stop_run(a);
    now = acme_drive_clock(a);
    wanted = 0;
    if (a->wake_ms > now && a->phase != PHASE_SAVE) /* records do not wait */
        wanted = a->wake_ms - now > 3600000 ? 3600000 : (uint32_t)(a->wake_ms - now);
    else {
        err = turn(a, &wanted);
        if (err != ACME_AGAIN) {
            fail(a, err);
            wanted = 0;
        } else if (a->wake_ms > now && wanted == 0)
            wanted = a->wake_ms - now > 3600000 ? 3600000 : (uint32_t)(a->wake_ms - now);
    }
    *sleep_ms = wanted < sleep ? wanted : sleep;
    return a->busy || a->step != ACME_ROW_REST || a->asked ? ACME_AGAIN : ACME_OK;
}

int acme_agent_ask(struct acme_agent *a, unsigned flags, const char *until_row)
{
    uint8_t until = ACME_ROW_NONE;

    if (a->busy)
        return ACME_E_ARG;
    if (until_row != NULL) {
        for (unsigned i = ACME_ROW_REST + 1; i < ACME_ROW_COUNT; i++) {
            if (strcmp(acme_rows[i].name, until_row) == 0)
                until = (uint8_t)i;
        }
        if (until == ACME_ROW_NONE)
            return ACME_E_ARG;
    }
    a->until = until;
    a->ask_flags = (uint8_t)flags;
    a->asked = true;
    a->outcome = ACME_AGAIN;
    a->wake_ms = 0;
    return ACME_OK;
}

int acme_agent_certificate_loaded(struct acme_agent *a, bool ok)
{
    if (a->step != ACME_ROW_REST || a->busy)
        return ACME_AGAIN;
    if (!a->cert.has)
        return ACME_E_SLOT_EMPTY;
    if (!ok && a->verdict == VERDICT_KEPT)
        return ACME_OK;
    a->verdict = VERDICT_NONE;
    if (!ok)
        a->verdict = VERDICT_REFUSED;
    else if (a->sched.rolled_back > 0 && a->failure.err == ACME_OK) /* not the one gone back to */
        a->verdict = VERDICT_TAKEN;
    if (a->verdict != VERDICT_NONE)
        a->wake_ms = 0;
    return ACME_OK;
}

void acme_agent_stop(struct acme_agent *a)
{
    a->stopping = true;
    a->asked = false;
    a->again = false;
}

void acme_agent_close(struct acme_agent *a)
{
    acme_exchange_close(&a->exchange);
    acme_key_wipe(&a->account_key);
    acme_key_wipe(&a->cert_key);
    acme_key_wipe(&a->new_key);
    acme_wipe(a->eab_room, sizeof a->eab_room);
    (void)acme_drive_need(a, 0);
    if (a->config->memory.need != NULL)
        return; /* who lends it has wiped it */
    acme_wipe(a->config->memory.io.ptr, a->config->memory.io.len);
    acme_wipe(a->config->memory.scratch.ptr, a->config->memory.scratch.len);
}
