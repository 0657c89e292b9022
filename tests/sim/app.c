/* app.c - what uses the certificates, and now and then says that it cannot load one
 *
 * While the faults are on it says so by chance, as often as it likes; in the calm of one pair. The
 * agent goes back to the pair before: that one must be there and in force, the refused one must not
 * come back, and the CA must not pay for it.
 */
#include <string.h>

#include "run.h"

#define BACK_MAX     3 /* in 24 hours: the waits after it are 1 h, 6 h, then a day */
#define BACK_WAIT_MS 172800000u

bool app_refuses;

uint32_t app_mood(struct run *r)
{
    static const uint32_t moods[] = {0, 0, 300, 1000};

    if (!app_refuses)
        return 0;
    return moods[sim_world_below(&r->app.dice, sizeof moods / sizeof moods[0])];
}

void app_init(struct run *r, uint64_t seed)
{
    memset(&r->app, 0, sizeof r->app);
    sim_world_init(&r->app.dice, ~seed);
    r->app.say_at = UINT64_MAX;
}

static void app_soon(struct run *r, uint32_t within_ms)
{
    if (r->s.refuse_permille > 0)
        r->app.say_at = r->world.now_ms + sim_world_below(&r->app.dice, within_ms);
}

void app_boot(struct run *r)
{
    app_soon(r, 5000);
}

void app_event(struct run *r, enum acme_event_type type)
{
    if (type == ACME_EVENT_CERTIFICATE || type == ACME_EVENT_ROLLED_BACK)
        app_soon(r, 2000);
}

/* In the calm once, so that it is not always faults that come after it. */
static bool app_may_refuse(const struct run *r)
{
    return r->phase == PHASE_FAULTS || (r->phase == PHASE_CALM && r->app.count == 0);
}

void app_say(struct run *r)
{
    struct app *app = &r->app;
    bool ok = !app_may_refuse(r) || !sim_world_chance(&app->dice, r->s.refuse_permille);
    int err = acme_agent_certificate_loaded(&r->agent, ok);

    sim_world_note(&r->world, ok ? "loaded" : "cannot load", (uint64_t)(int64_t)err, r->sequence);
    app->say_at = UINT64_MAX;
    if (err == ACME_AGAIN)
        app_soon(r, 60000);
    if (err != ACME_OK)
        return;
    r->sleep_until = r->world.now_ms;
    app->refused = app->refused || !ok;
    if (ok && !app->back)
        app->count = 0;
    if (r->phase == PHASE_FAULTS && sim_world_chance(&app->dice, 300))
        app_soon(r, 3600000);
}

/* Storage that fails may forget that it went back, or how often. */
static bool app_is_judged(const struct run *r)
{
    return !clock_lies(r) && !r->s.storage_lies;
}

void app_went_back(struct run *r)
{
    struct app *app = &r->app;
    int64_t now = sim_world_unix(&r->world);

    app->refused = false;
    app->back = true;
    app->issued = r->ca.issued;
    /* What was said about its window has been forgotten over the other one. */
    r->holds[0][HOLD_WINDOW].until = 0;
    if (r->phase == PHASE_CALM)
        r->phase_end += BACK_WAIT_MS;
    app->times[app->count % 16] = now;
    if (app->count++ >= BACK_MAX && app_is_judged(r) &&
        now - app->times[(app->count - 1 - BACK_MAX) % 16] < 86400)
        run_break(r, 4, "orders for an application that refuses them");
    if (r->previous_not_after <= now && app_is_judged(r))
        run_break(r, 1, "gone back to one that is expired");
}

void app_new_pair(struct run *r)
{
    struct app *app = &r->app;

    if (app->back && app->issued == r->ca.issued && app_is_judged(r))
        run_break(r, 1, "a refused certificate is in force again");
    app->refused = app->back = false;
}
