/* What an agent knows beyond its records, so that many can take turns in one memory. */
#include "acme_driver.h"

#include <string.h>

/* Between two looks at the order: no request is under way, and none whose fate is open. Anywhere
 * else the records do not say where a run stands, or it moves on within seconds. */
static bool aside_waits(const struct acme_agent *a)
{
    return a->busy && a->job == NULL && a->step == ACME_ROW_LOOK && a->phase == PHASE_START &&
           a->order.open && !a->order.stale && a->until == ACME_ROW_NONE && a->lost_tries == 0 &&
           a->nonce_tries == 0 && a->look_ms <= acme_drive_clock(a) + LONG_WAIT_MS;
}

/* A run that was put aside, and whose time has not come. */
static bool aside_still(const struct acme_agent *a)
{
    return a->order.taken_up && a->wake_ms > acme_drive_clock(a);
}

static bool aside_rests(const struct acme_agent *a)
{
    return !a->busy && !a->asked && a->job == NULL && a->step == ACME_ROW_REST &&
           a->phase != PHASE_SAVE && (a->rest_ms != 0 || aside_still(a)) &&
           (a->verdict == VERDICT_NONE || a->verdict == VERDICT_KEPT);
}

int acme_agent_aside(const struct acme_agent *a, struct acme_aside *out)
{
    bool waits = aside_waits(a);

    memset(out, 0, sizeof *out);
    if (a->stopping || (!waits && !aside_rests(a)))
        return ACME_AGAIN;
    out->known = true;
    out->order = waits || a->order.taken_up;
    out->wake_ms = a->wake_ms > a->rest_ms ? a->wake_ms : a->rest_ms;
    if (waits && a->look_ms > out->wake_ms)
        out->wake_ms = a->look_ms;
    out->responded = a->order.responded;
    out->finalized = a->order.finalized;
    out->due = a->due;
    out->idle = a->idle;
    out->ari_started = a->ari_started;
    out->held_told = a->held_told;
    out->not_due_told = a->not_due_told;
    out->clock_told = a->clock_told;
    out->revoked_told = a->revoked_told;
    out->rounds = a->order.rounds;
    out->agains = a->agains;
    out->account_retries = a->account_retries;
    out->lost_in_run = a->lost_in_run;
    out->poll_ms = a->order.poll_ms;
    out->look_ms = a->look_ms;
    out->due_ms = a->due_ms;
    out->since_ms = a->order.since_ms;
    out->why_ms = a->order.why_ms;
    out->sched = a->sched;
    out->ari = a->ari;
    return ACME_OK;
}

static void aside_order(struct acme_agent *a, const struct acme_aside *in)
{
    a->order.taken_up = true;
    a->order.responded = in->responded;
    a->order.finalized = in->finalized;
    a->order.rounds = in->rounds;
    a->order.poll_ms = in->poll_ms;
    a->order.since_ms = in->since_ms;
    a->order.why_ms = in->why_ms;
    a->agains = in->agains;
    a->account_retries = in->account_retries;
    a->lost_in_run = in->lost_in_run;
    a->wake_ms = in->wake_ms;
}

void acme_agent_take_up(struct acme_agent *a, const struct acme_aside *in)
{
    a->in_turns = true;
    if (!in->known || a->step != ACME_ROW_REST || a->busy)
        return;
    a->due = in->due;
    a->idle = in->idle;
    a->due_ms = in->due_ms;
    a->look_ms = in->look_ms;
    a->held_told = in->held_told;
    a->not_due_told = in->not_due_told;
    a->clock_told = in->clock_told;
    a->revoked_told = in->revoked_told;
    /* Also where the record could not be read or written: a store that fails is not asked again and
     * again, and a clock that was set back is known. */
    if (a->loaded || in->sched.failures > 0)
        a->sched = in->sched;
    if (!a->loaded)
        return;
    a->ari_started = in->ari_started;
    if (in->ari.sequence == a->cert.sequence)
        a->ari = in->ari;
    if (in->order && a->order.open && !a->order.stale)
        aside_order(a, in);
}
