/* Rest: the only place that decides to contact the CA. */
#include "acme_steps.h"

#include <string.h>

#define FORGIVEN_MAX 6    /* failures in a row that a clock may be the reason of */
#define DOUBT_S      10   /* how often a clock in doubt is looked at */
#define REST_REBASED 0x80 /* in damaged: the ledger is whole, and only has to be written */

static void warn(struct acme_agent *a, int err, const char *text)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = err, .text = text};

    acme_emit(a, &event);
}

/* The clock was set back: waits that were noted in its future start anew. */
static void rest_rebase(struct acme_agent *a, int64_t now)
{
    bool rebased;

    /* By the clock that ran ahead the CA could not be believed. Nothing was asked of it, so nothing
     * is waited for; but not again and again, because who tells the time may go on lying. */
    if (acme_clock_doubt(a->failure.err) && a->failure.at > now && !a->sched.by_ca &&
        a->sched.failures <= FORGIVEN_MAX)
        a->sched.not_before = 0;
    (void)acme_sched_rebase(&a->sched, now);
    acme_ari_rebase(a, now);
    acme_server_rebase(a, now);
    rebased = acme_sched_rebase(&a->ledger.account, now);
    rebased |= acme_sched_rebase_one(&a->ledger.any_not_before, &a->ledger.any_set_at, now);
    rebased |= acme_sched_rebase_one(&a->ledger.order_not_before, &a->ledger.order_set_at, now);
    /* Who takes turns with others has no other memory of what they share. */
    if (rebased && a->in_turns && a->loaded)
        a->damaged |= REST_REBASED;
    if (a->failure.at > now) /* its Retry-After counts from there */
        a->failure.at = now;
}

static void raise_to(uint32_t *value, uint32_t other)
{
    if (other > *value)
        *value = other;
}

/* Due by the certificate's life, or by the CA's word. */
static bool rest_by_life(const struct acme_agent *a, int64_t now)
{
    return a->cert.has && a->cert.wanted && now >= acme_ari_due_at(a);
}

uint32_t acme_account_hold(const struct acme_agent *a, int64_t now)
{
    const struct acme_sched *s = &a->ledger.account;

    return s->by_ca ? acme_sched_wait_one(s->not_before, s->set_at, now) : 0;
}

/* Does what comes next ask newAccount: for an account, or for the one that a key has? */
static bool rest_asks_account(const struct acme_agent *a)
{
    if (a->job != NULL && a->job->type == ACME_JOB_REVOKE && a->job->key != NULL)
        return false;
    if (a->job != NULL && a->job->type == ACME_JOB_RECOVER)
        return true;
    if (a->reload_account) /* what is in memory is not what there is */
        return false;
    return a->kid[0] == '\0' || a->new_key.type != ACME_KEY_NONE;
}

static bool rest_due(const struct acme_agent *a, int64_t now)
{
    if (a->order.open || (a->ask_flags & ACME_ASK_FORCE) != 0)
        return true;
    return !a->cert.has || !a->cert.wanted || rest_by_life(a, now);
}

/* Seconds to wait still, and whose word that is. What the CA said is kept apart from our own
 * backoff, because a person may overrule the one and not the other. */
static uint32_t rest_wait(const struct acme_agent *a, int64_t now, const char **whose)
{
    const struct acme_failure *f = &a->failure;
    uint32_t ca = acme_sched_wait_one(a->ledger.any_not_before, a->ledger.any_set_at, now);
    uint32_t own = acme_server_own_wait(a, now);
    uint32_t early = 0;

    raise_to(&ca, acme_server_hold(a, now));
    if (!a->order.open && rest_due(a, now) && !rest_by_life(a, now))
        early = acme_recent_early(a, now);
    if (!a->order.open)
        raise_to(&ca, acme_sched_wait_one(a->ledger.order_not_before, a->ledger.order_set_at, now));
    if (f->err != ACME_OK)
        raise_to(&ca, acme_sched_wait_one(f->at + f->problem.retry_after_s, f->at, now));
    if (rest_asks_account(a)) {
        raise_to(&ca, acme_account_hold(a, now));
        if (a->kid[0] == '\0')
            raise_to(&own, acme_sched_wait(&a->ledger.account, now));
    }
    if (a->order.taken_up) /* the same run: it was not held back when it began */
        own = 0;
    if (a->ask_flags & ACME_ASK_IGNORE_RETRY_AFTER)
        ca = 0;
    if (a->ask_flags & (ACME_ASK_NOW | ACME_ASK_IGNORE_RETRY_AFTER))
        own = early = 0;
    *whose = ca > 0 ? "Retry-After" : own >= early ? "backoff" : "duplicates";
    raise_to(&own, early);
    return ca > own ? ca : own;
}

/* A schedule was damaged: nobody knows how often we have asked. As after four orders in vain,
 * an hour passes first; counted from now, so it is stored. */
static void rest_repair(struct acme_agent *a, struct acme_next *next, int64_t now)
{
    struct acme_sched worst = {0};

    for (int i = 0; i < 4; i++)
        acme_sched_charge(&worst, now);
    if (a->damaged & ACME_SAVE_SCHED)
        a->sched = worst;
    if (a->damaged & ACME_SAVE_LEDGER)
        a->ledger.account = worst;
    next->save = a->damaged;
    if (a->damaged & REST_REBASED)
        next->save = (uint8_t)((a->damaged & ~REST_REBASED) | ACME_SAVE_LEDGER);
    a->damaged = 0;
}

/* Back to sleep: the answer to whoever asked is outcome. */
static int rest_stay(struct acme_agent *a, struct acme_next *next, int outcome, uint64_t wait_s)
{
    if (a->asked)
        a->outcome = outcome;
    a->asked = a->again = false;
    a->ask_flags = 0;
    a->job = NULL;
    a->until = ACME_ROW_NONE;
    next->wait_ms = wait_s > 3600 ? 3600 * 1000 : (uint32_t)(wait_s * 1000);
    a->rest_ms = a->port->now_ms(a->port->ctx) + next->wait_ms;
    return ACME_AGAIN;
}

static int rest_not_due(struct acme_agent *a, struct acme_next *next, int64_t now)
{
    int64_t due_at = acme_ari_due_at(a);
    struct acme_event event = {.type = ACME_EVENT_NOT_DUE, .at = due_at};
    uint32_t ask = acme_ari_wait(a, now);

    if (a->asked || !a->not_due_told)
        acme_emit(a, &event);
    a->not_due_told = true;
    a->due = false;
    a->idle = true;
    if (ask == 0) /* the CA wants us to wait */
        ask = ACME_MINUTE;
    return rest_stay(a, next, ACME_OK, ask < due_at - now ? ask : (uint64_t)(due_at - now));
}

/* What was found due begins after a random while, so that a fleet does not come at one moment.
 * Not where somebody waits for it, and not with an order open: its time at the CA is short. */
static uint32_t rest_spread(struct acme_agent *a, int64_t now)
{
    enum acme_sched_found found = a->idle ? ACME_SCHED_RUNNING : ACME_SCHED_AT_START;
    int64_t left = a->cert.not_after - now;
    uint64_t clock = a->port->now_ms(a->port->ctx);

    /* A moment in the CA's window was drawn already. */
    if (a->idle && a->cert.wanted && acme_ari_followed(a))
        return 0;
    if (a->config->prompt || a->asked || a->again || a->order.open || !a->loaded ||
        !acme_cert_serves(a))
        return 0;
    /* Drawn once; anew only where less is left than was thought, because the clock was set. */
    if (!a->due || a->due_ms > clock + 1000 * (uint64_t)acme_sched_spread(found, left, 0xffff))
        a->due_ms = clock + 1000 * (uint64_t)acme_sched_spread(found, left, acme_jitter16());
    a->due = true;
    return clock < a->due_ms ? (uint32_t)((a->due_ms - clock + 999) / 1000) : 0;
}

static int rest_held(struct acme_agent *a, struct acme_next *next, int64_t now, uint32_t wait,
                     const char *whose)
{
    struct acme_event event = {.type = ACME_EVENT_HELD, .at = now + wait, .err = a->failure.err};

    event.text = whose;
    event.failure = a->failure.err != ACME_OK ? &a->failure : NULL;
    if (a->asked || !a->held_told)
        acme_emit(a, &event);
    a->held_told = true;
    if (acme_clock_doubt(a->failure.err) && wait > DOUBT_S) /* it may be set at any moment */
        wait = DOUBT_S;
    return rest_stay(a, next, ACME_E_HELD, wait);
}

/* Is the certificate of the open order stored already (the power was cut before the order was
 * cleared)? */
static bool rest_order_done(const struct acme_agent *a)
{
    uint8_t digest[ACME_SHA256_SIZE];

    return a->cert.has && a->cert.wanted &&
           acme_sha256(a->order.url, strlen(a->order.url), digest) == ACME_OK &&
           memcmp(digest, a->cert.order, sizeof digest) == 0;
}

static void rest_go(struct acme_agent *a, struct acme_next *next)
{
    if (!a->again) {
        if (!a->order.taken_up)
            a->account_retries = a->agains = 0;
        a->renewed = false;
    }
    a->again = false;
    a->busy = true;
    acme_server_goes(a);
    a->ari_run = a->roll_refused = a->old_unknown = false;
    a->redirect[0] = '\0';
    a->redirects = 0;
    a->exchange.single = false;
    if (!a->order.taken_up) {
        a->lost_in_run = 0;
        a->order.since_ms = a->order.why_ms = 0; /* a walk may have rested for long */
        a->order.rounds = 0;
    }
    a->order.fresh = false;
    a->rest_ms = 0;
    if (a->ask_flags & ACME_ASK_IGNORE_RETRY_AFTER)
        a->look_ms = 0;
    a->revoked_told = a->held_told = a->not_due_told = a->clock_told = false;
    a->outcome = ACME_AGAIN;
    memset(&a->problem, 0, sizeof a->problem);
    next->row = ACME_ROW_DIRECTORY;
}

/* An open order that only waits for its end: no request is needed, so nothing holds it back. */
static bool rest_end(struct acme_agent *a, struct acme_next *next)
{
    bool done = a->loaded && a->order.open && !a->order.stale && rest_order_done(a);

    if (!done && !(a->loaded && a->order.open && a->order.stale))
        return false;
    rest_go(a, next);
    /* clean up what the old configuration began, then start */
    a->again = !done || a->job != NULL || (a->ask_flags & ACME_ASK_FORCE) != 0;
    a->outcome = done ? ACME_OK : ACME_AGAIN;
    next->row = ACME_ROW_END;
    return true;
}

/* The application has said whether it could load the certificate. */
static void rest_verdict(struct acme_agent *a, struct acme_next *next)
{
    if (a->verdict == VERDICT_REFUSED) {
        next->row = ACME_ROW_BACK;
        return;
    }
    a->verdict = VERDICT_NONE;
    a->sched.rolled_back = 0;
    next->save = ACME_SAVE_SCHED;
}

/* Back to the certificate before the one that could not be loaded. The failure is durable
 * before the slot is emptied: the other way round a cut between the two would let the next run
 * go at once.
 */
int step_back(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_cert_state previous;
    int64_t now = 0;
    int err = acme_wall_clock(a, &now);

    (void)reply;
    next->wait_ms = 1;
    if (err == ACME_OK)
        err = acme_load_previous(a, &previous);
    if (err == ACME_AGAIN)
        return err;
    if (err == ACME_OK && previous.not_after > now) {
        a->fresh = previous;
        a->verdict = VERDICT_BACK;
        acme_sched_rolled_back(&a->sched);
        return acme_fail_note(a, ACME_E_CERT, "the application could not load it", NULL);
    }
    a->verdict = VERDICT_KEPT;
    warn(a, ACME_E_CERT, "the certificate could not be loaded, and there is none to go back to");
    next->wait_ms = 0;
    next->row = ACME_ROW_REST;
    return ACME_OK;
}

/* Nobody wanted it renewed; who does says so (ACME_ASK_FORCE). */
static int rest_revoked(struct acme_agent *a, struct acme_next *next)
{
    if (a->asked || !a->revoked_told)
        warn(a, ACME_E_REVOKED, "not renewed");
    a->revoked_told = true;
    a->due = false;
    a->idle = true;
    return rest_stay(a, next, ACME_E_REVOKED, 3600);
}

static int rest_job(struct acme_agent *a, struct acme_next *next, int64_t now)
{
    uint32_t wait = acme_sched_wait_one(a->ledger.any_not_before, a->ledger.any_set_at, now);

    if (!a->loaded) {
        next->row = ACME_ROW_LOAD;
        return ACME_OK;
    }
    if (rest_asks_account(a))
        raise_to(&wait, acme_account_hold(a, now));
    if (wait > 0 && (a->ask_flags & ACME_ASK_IGNORE_RETRY_AFTER) == 0)
        return rest_held(a, next, now, wait, "Retry-After");
    if (a->order.open && acme_job_ends_order(a)) {
        a->order.stale = true;
        if (rest_end(a, next))
            return ACME_OK;
    }
    rest_go(a, next);
    if (a->order.open && acme_job_ends_proofs(a)) {
        a->again = true; /* with the job */
        next->row = ACME_ROW_END;
    }
    return ACME_OK;
}

/* A run is over. */
static void rest_after_run(struct acme_agent *a)
{
    a->busy = a->ari_run = false; /* what fails from now on is not the question */
    acme_exchange_close(&a->exchange);
    a->nonce[0] = '\0';
    if (a->again)
        return;
    a->asked = false;
    a->ask_flags = 0;
    a->job = NULL;
    a->until = ACME_ROW_NONE;
}

int step_rest(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    int64_t now = 0;
    const char *whose;
    uint32_t wait, spread;
    bool job = a->busy && a->job != NULL && !a->again;

    (void)reply;
    if (a->busy)
        rest_after_run(a);
    if (job) /* who asked is to see how it ended, before a run that is due has an outcome */
        return rest_stay(a, next, ACME_OK, 1);
    if (!a->asked && !a->again && a->config->only_when_asked &&
        (a->verdict == VERDICT_NONE || a->verdict == VERDICT_KEPT))
        return rest_stay(a, next, ACME_OK, 3600);
    if (acme_wall_clock(a, &now) != ACME_OK) {
        if (a->asked || !a->clock_told)
            warn(a, ACME_E_CLOCK, "the clock is not set, so no certificate can be judged");
        a->clock_told = true;
        return rest_stay(a, next, ACME_E_CLOCK, 1);
    }
    rest_rebase(a, now);
    if (a->loaded && a->damaged != 0) {
        rest_repair(a, next, now);
        return ACME_OK;
    }
    if ((a->ask_flags & ACME_ASK_ANEW) != 0 && a->loaded) {
        a->ask_flags &= (uint8_t)~ACME_ASK_ANEW; /* the next one is not meant */
        a->order.stale |= a->order.open;
    }
    if (rest_end(a, next))
        return ACME_OK;
    if (a->verdict == VERDICT_TAKEN || a->verdict == VERDICT_REFUSED) {
        rest_verdict(a, next);
        return ACME_OK;
    }
    if (a->loaded && acme_server_change(a, rest_due(a, now))) {
        next->row = ACME_ROW_LOAD;
        return ACME_OK;
    }
    if (a->job != NULL)
        return rest_job(a, next, now);
    if (a->loaded && acme_job_revoked(a) && a->cert.wanted && !a->order.open &&
        (a->ask_flags & ACME_ASK_FORCE) == 0)
        return rest_revoked(a, next);
    if (a->loaded && !a->ari_started)
        acme_ari_booted(a, now);
    a->ari_started = a->loaded;
    wait = rest_wait(a, now, &whose);
    if (a->loaded && !rest_due(a, now)) {
        if (wait > 0 || acme_ari_wait(a, now) > 0)
            return rest_not_due(a, next, now);
        a->due = false;
        a->idle = true;
        rest_go(a, next);
        a->ari_run = true;
        return ACME_OK;
    }
    if (a->loaded && strcmp(whose, "Retry-After") == 0 && acme_server_held(a, now, wait))
        return ACME_OK; /* to rest, once more */
    spread = rest_spread(a, now);
    if (spread > wait)
        return rest_held(a, next, now, spread, "spread");
    if (wait > 0)
        return rest_held(a, next, now, wait, whose);
    if (!a->loaded) { /* the store could not be read: perhaps now */
        next->row = ACME_ROW_LOAD;
        return ACME_OK;
    }
    rest_go(a, next);
    return ACME_OK;
}

/* -- what is remembered of an order from one run to the next -- */

void acme_order_rest(struct acme_order_state *order)
{
    order->fresh = order->responded = order->finalized = order->respond_refused = false;
    order->taken_up = order->proofs_read = false;
    order->relist = true;
    order->rounds = 0;
    order->index = 0;
    order->poll_ms = 0;
    order->since_ms = order->why_ms = 0;
    for (uint16_t i = 0; i < order->names_count; i++) {
        order->names[i].flags &= ORDER_BEGUN | ORDER_STORED;
        memset(order->names[i].declined, 0, sizeof order->names[i].declined);
    }
}

void acme_order_reset(struct acme_order_state *order)
{
    memset(order, 0, offsetof(struct acme_order_state, names));
    memset(order->names, 0, sizeof order->names);
}

/* What an earlier run knew of the names, but for what is still begun: that is as if it came
 * from the record. */
void acme_order_forget(struct acme_order_state *order)
{
    uint16_t kept = 0;

    for (uint16_t i = 0; i < order->names_count; i++) {
        struct acme_order_name name = order->names[i];

        memset(&order->names[i], 0, sizeof name);
        if ((name.flags & ORDER_BEGUN) == 0)
            continue;
        name.authorization = name.challenge = 0;
        name.flags |= ORDER_STORED;
        order->names[kept++] = name;
    }
    order->names_count = kept;
    if (kept == 0) {
        order->text_len = order->text_mark = 0;
        order->finalize = order->certificate = 0;
    }
}
