/* run.c - the life of one seed */
#include "run.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS    86400000u
#define STILL_MAX 5000
#define STEPS_MAX 5000000 /* 2000 boots of three seconds, with a medium that is busy each ms */
#define CALM_DAYS 3       /* a daily backoff and its jitter, and an hour's work */

/* ---- power ---- */

static void run_log(void *ctx, const char *what, uint64_t a, uint64_t b)
{
    const struct run *r = (const struct run *)ctx;

    printf("%12.3f  %s %llu %llu\n", (double)r->world.now_ms / 1000, what, (unsigned long long)a,
           (unsigned long long)b);
}

static void run_event(void *ctx, const struct acme_event *e)
{
    struct run *r = (struct run *)((struct sim_port *)ctx)->world->cut_ctx;

    check_event(r, e);
    if (e->type == ACME_EVENT_EXCHANGE)
        return;
    if (e->type == ACME_EVENT_REPLY)
        check_reply(r, e->status);
    app_event(r, e->type);
    sim_world_note(&r->world, acme_event_word(e->type), (uint64_t)(int64_t)e->err,
                   e->type == ACME_EVENT_REPLY ? e->status : e->ms);
    if (r->verbose)
        printf("              [%s] %s %s %s %s\n", e->step, e->text, e->word, e->detail,
               e->err != 0 ? acme_err_name(e->err) : "");
    if (r->verbose && e->type == ACME_EVENT_FAILURE)
        printf("              failure: %s %s %s\n", acme_err_name(e->failure->err),
               e->failure->note, e->failure->problem.detail);
}

static void run_cut(void *ctx)
{
    struct run *r = (struct run *)ctx;

    longjmp(r->power, 1);
}

void run_power_off(struct run *r, uint64_t for_ms)
{
    if (r->device.soft) { /* what TLS has of the heap is given back, unheard by the world */
        r->device.dead = true;
        acme_agent_close(&r->agent);
        r->device.dead = false;
    }
    r->on = false;
    r->cuts++;
    r->boot_at = r->world.now_ms + for_ms;
    r->world.cut_at = 0;
    sim_net_power_off(&r->net, 0);
    sim_slots_power_off(&r->slots);
    storage_power_off(&r->storage);
    if (r->s.killed_first)
        r->storage.tear = SIM_CRASH_LOST;
    jobs_power_off(r);
    sim_world_note(&r->world, "power off", r->cuts, for_ms);
    check_power_off(r);
}

/* When the next cut comes, at a moment or at a time. */
static void plan_cut(struct run *r)
{
    const struct scenario *s = &r->s;

    r->cut_time = UINT64_MAX;
    r->world.cut_at = 0;
    if (r->fixed_cuts) {
        if (r->s.job != 0 && r->cut_next == 0)
            return; /* the first one is when the job has begun */
        if (r->cut_next < 2 && r->cut_list[r->cut_next] > 0)
            r->world.cut_at = r->world.moments + r->cut_list[r->cut_next++];
        return;
    }
    if (r->phase != PHASE_FAULTS)
        return;
    if (sim_world_chance(&r->world, s->cut_permille))
        r->world.cut_at = r->world.moments + 1 + sim_world_below(&r->world, s->cut_within);
    if (s->boot_loop_s > 0)
        r->cut_time = r->world.now_ms + s->boot_loop_s * 1000;
}

static void flip_bits(struct run *r)
{
    static const enum acme_slot slots[] = {ACME_SLOT_ACCOUNT, ACME_SLOT_CA_LEDGER, ACME_SLOT_ORDER,
                                           ACME_SLOT_CERT_A,  ACME_SLOT_CERT_B,    ACME_SLOT_SCHED};

    if (r->phase != PHASE_FAULTS || r->s.flip_permille == 0)
        return;
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        const char *key = i < 2 ? r->agent.ca_key : run_names[0];
        if (sim_world_chance(&r->world, r->s.flip_permille))
            storage_flip(&r->storage, slots[i], key);
    }
}

/* Clocks go wrong at a boot, and now and then. */
static void clock_faults(struct run *r)
{
    struct evil *e = &r->ca.evil;

    r->device.skew_s = 0;
    r->device.clock_unset = false;
    r->clock_at = UINT64_MAX;
    if (r->phase != PHASE_FAULTS)
        return;
    r->device.clock_unset = evil_does(e, EVIL_CLOCK_UNSET);
    if (evil_does(e, EVIL_CLOCK_AHEAD))
        r->device.skew_s = 86400;
    if (evil_does(e, EVIL_CLOCK_YEARS))
        r->device.skew_s = (int64_t)86400 * 3650;
    if (evil_does(e, EVIL_CLOCK_BEHIND))
        r->device.skew_s = -86400;
    if (evil_does(e, EVIL_CLOCK_WANDERS))
        r->device.skew_s = (int64_t)sim_world_below(&r->world, 20000) - 10000;
    r->clock_at = r->world.now_ms + 1000 * sim_world_range(&r->world, 1, 5000);
}

static void power_cut(struct run *r)
{
    run_power_off(r, r->fixed_cuts ? 2000 : 1 + sim_world_below(&r->world, 100000));
}

/* False: the storage does not come up; a host tries again later. */
static bool boot_storage(struct run *r)
{
    if (storage_boot(&r->storage) != ACME_OK) {
        sim_world_note(&r->world, "storage does not open", 0, 0);
        if (r->phase == PHASE_CALM)
            run_break(r, 17, "it does not open");
        r->boot_at = r->world.now_ms + 60000;
        return false;
    }
    if (r->slots.lies || r->slots.turned)
        check_flipped(r);
    r->slots.turned = false;
    if (r->s.age > 0 && r->cuts == 0 && r->slots.writes == 0)
        storage_age(&r->storage, r->s.age);
    return true;
}

static void boot(struct run *r)
{
    const char *why = NULL, *which = NULL;
    size_t solvers;
    int err;

    flip_bits(r);
    clock_faults(r);
    plan_cut(r);
    if (setjmp(r->power) != 0) {
        power_cut(r);
        return;
    }
    if (!boot_storage(r))
        return;
    solvers = choice_solvers(r);
    if (solvers == 0) {
        r->solvers[solvers++] = r->s.txt ? txt_solver_boot(&r->txt, &r->device.port)
                                         : http01_init(&r->http01, &r->device.port, NULL, 80);
    }
    err =
        acme_agent_init(&r->agent, &r->config, &r->device.port, r->solvers, solvers, &why, &which);
    if (err != ACME_OK) {
        run_break(r, 13, why);
        return;
    }
    r->on = true;
    r->sleep_until = r->world.now_ms;
    app_boot(r);
    sim_world_note(&r->world, "boot", r->cuts, 0);
}

/* ---- phases ---- */

static void begin_faults(struct run *r)
{
    r->phase = PHASE_FAULTS;
    r->phase_end = r->world.now_ms + (uint64_t)r->s.fault_s * 1000;
    r->net.faults = r->s.net;
    r->slots.busy_max_ms = r->s.slots_busy_ms;
    r->slots.fail_permille = r->s.slots_fail;
    storage_faults(&r->storage, &r->s.medium);
    r->txt.slow_ms = r->s.txt_slow_ms;
    r->txt.again_permille = r->s.txt_again;
    r->txt.fail_permille = r->s.txt_fail;
    for (unsigned i = 0; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL)
            run_ca(r, i)->evil.on = true;
    }
    r->renewed_from = r->due_at;
    r->faults_from = r->world.now_ms;
    r->faults_issued = r->ca.issued;
    r->faults_writes = r->slots.writes;
    jobs_stage(r);
    if (r->s.job != 0 && r->renewing && r->cuts == 0)
        r->world.cut_at = 0;
    sim_world_note(&r->world, "faults begin", 0, 0);
    clock_faults(r);
    if (!r->fixed_cuts)
        plan_cut(r);
}

static void begin_calm(struct run *r)
{
    int64_t wait = servers_retry_spoken(r) - sim_world_unix(&r->world);

    r->phase = PHASE_CALM;
    upgrade_end(r);
    memset(&r->net.faults, 0, sizeof r->net.faults);
    r->net.faults.delay_min_ms = r->net.faults.delay_max_ms = 20;
    r->slots.busy_max_ms = r->slots.fail_permille = 0;
    storage_faults(&r->storage, &(struct storage_faults){0});
    r->txt.again_permille = r->txt.fail_permille = 0;
    ca_calm(&r->ca);
    clock_faults(r);
    if (!r->fixed_cuts) {
        r->world.cut_at = 0;
        r->cut_time = UINT64_MAX;
    }
    wait = wait > 0 ? wait : 0;
    r->calm_from = r->world.now_ms;
    r->calm_free = wait == 0 && (!r->has_cert || sim_world_unix(&r->world) >= r->not_after);
    /* A wait that was noted by a clock of the future starts anew when the clock is set. */
    for (unsigned i = 0; i < CA_PLACES && clock_lies(r); i++) {
        if (run_ca(r, i) != NULL && wait < run_ca(r, i)->retry_longest)
            wait = run_ca(r, i)->retry_longest;
    }
    r->phase_end = r->world.now_ms + (uint64_t)wait * 1000 + (uint64_t)CALM_DAYS * DAY_MS;
    jobs_calm(r);
    servers_calm(r);
    sim_world_note(&r->world, "calm", 0, 0);
}

/* Has the device what it wants, and is it at rest? */
static bool settled(struct run *r)
{
    struct acme_agent_status status;
    int64_t now = sim_world_unix(&r->world);

    if (!r->on || !r->agent.loaded || r->agent.rest_ms == 0 || r->app.say_at != UINT64_MAX ||
        !jobs_settled(r))
        return false;
    acme_agent_status(&r->agent, &status);
    if (status.busy || status.order_open || !r->has_cert)
        return false;
    if (jobs_revoked(r))
        return true;
    if (now >= r->not_after)
        return false;
    /* The CA's window may be later than what the certificate's life says. */
    return now < (status.due_at > r->due_at ? status.due_at : r->due_at) &&
           (!r->renewing || r->due_at > r->renewed_from || check_window_moved(r, status.due_at));
}

/* A minute before the agent will renew: by the certificate's life, or in the CA's window. */
static int64_t rest_until(struct run *r)
{
    struct acme_agent_status status = {.due_at = r->due_at};

    if (r->on && r->s.ari)
        acme_agent_status(&r->agent, &status);
    return (status.due_at < r->due_at ? status.due_at : r->due_at) - 60;
}

/* The window that the CA tells is stored twice a day. */
static uint64_t rest_writes(const struct run *r)
{
    return 2 + (r->s.ari ? 3 + 2 * ((r->world.now_ms - r->rest_from) / DAY_MS) : 0);
}

static void phases(struct run *r)
{
    uint64_t now = r->world.now_ms;

    if (r->phase == PHASE_FAULTS && r->s.ari_only)
        check_ari(r);
    if (r->phase == PHASE_FAULTS && now >= r->phase_end)
        begin_calm(r);
    if (r->phase == PHASE_CALM) {
        if (settled(r)) {
            check_end(r);
            r->phase = r->s.renew && !r->renewing ? PHASE_REST : PHASE_DONE;
            r->rest_from = r->world.now_ms;
            r->writes_before = r->slots.writes;
            r->orders_before = servers_orders(r);
            servers_rest(r);
            jobs_stage(r);
        } else if (now >= r->phase_end)
            run_break(r, 7, "liveness");
    }
    if (r->phase == PHASE_REST && sim_world_unix(&r->world) >= rest_until(r)) {
        if (r->slots.writes > r->writes_before + rest_writes(r) && r->jobs.count == 0)
            run_break(r, 12, "writes while at rest");
        r->writes_before = r->slots.writes;
        r->renewing = true;
        upgrade_begin(r);
        begin_faults(r);
    }
}

/* ---- time ---- */

static void least(uint64_t *next, uint64_t at)
{
    if (at < *next)
        *next = at;
}

static void advance(struct run *r)
{
    uint64_t now = r->world.now_ms;
    uint64_t next = sim_net_next(&r->net);

    for (unsigned i = 0; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL)
            least(&next, ca_next(run_ca(r, i)));
    }
    least(&next, r->on ? r->sleep_until : r->boot_at);
    if (r->on) {
        least(&next, r->cut_time);
        least(&next, r->clock_at);
        least(&next, r->app.say_at);
        least(&next, r->jobs.at);
    }
    if (r->phase == PHASE_FAULTS || r->phase == PHASE_CALM)
        least(&next, r->phase_end);
    r->still = next <= now ? r->still + 1 : 0;
    if (r->still > STILL_MAX)
        run_break(r, 5, "it spins without time");
    if (next > now)
        r->world.now_ms = next;
}

static void poll_device(struct run *r)
{
    uint64_t calls = r->device.calls, at = r->world.now_ms;
    uint32_t sleep_ms = 0;
    int state;

    if (setjmp(r->power) != 0) {
        power_cut(r);
        return;
    }
    state = acme_agent_poll(&r->agent, &sleep_ms);
    if (r->device.dead) {
        power_cut(r);
        return;
    }
    calls = r->device.calls - calls;
    if (r->world.now_ms != at)
        run_break(r, 5, "the clock moved");
    r->sleep_until = sleep_ms > UINT32_MAX - 1 ? at + DAY_MS : at + sleep_ms;
    check_poll(r, calls, state == ACME_OK);
    jobs_polled(r);
    upgrade_check(r);
    if (sleep_ms > 0 && r->s.idle && storage_idle(&r->storage))
        least(&r->sleep_until, at + 1);
}

/* The tool reads records, too, and power may be cut meanwhile. */
static void act_jobs(struct run *r)
{
    if (setjmp(r->power) != 0) {
        power_cut(r);
        return;
    }
    jobs_act(r);
}

static void poll_cas(struct run *r)
{
    for (unsigned i = 0; i < CA_PLACES; i++) {
        struct ca *ca = run_ca(r, i);
        if (ca == NULL)
            continue;
        ca_poll(ca);
        if (ca->broken != NULL)
            run_break(r, 13, ca->broken);
    }
}

static void one_step(struct run *r)
{
    if (!r->on && r->world.now_ms >= r->boot_at)
        boot(r);
    if (r->on && r->world.now_ms >= r->cut_time && r->phase == PHASE_FAULTS)
        run_power_off(r, 1 + sim_world_below(&r->world, 3000));
    if (r->on && r->world.now_ms >= r->clock_at)
        clock_faults(r);
    if (r->on && r->world.now_ms >= r->app.say_at)
        app_say(r);
    if (r->on && r->world.now_ms >= r->jobs.at)
        act_jobs(r);
    if (r->on)
        poll_device(r);
    poll_cas(r);
    phases(r);
    advance(r);
    if (++r->steps > STEPS_MAX)
        run_break(r, 5, "it never ends");
}

/* ---- the beginning ---- */

static void run_world(struct run *r, uint64_t seed)
{
    sim_world_init(&r->world, seed);
    r->world.cut = run_cut;
    r->world.cut_ctx = r;
    if (r->verbose) {
        r->world.log = run_log;
        r->world.log_ctx = r;
    }
    sim_net_init(&r->net, &r->world);
    sim_slots_init(&r->slots, &r->world);
    sim_port_init(&r->device, &r->world, &r->net, 0, &r->slots);
    r->slots.owner = &r->device;
    r->device.mortal = true;
    r->device.soft = ca_stream_is_tls();
    r->device.port.event = run_event;
    sim_net_addr(&r->net, "192.0.2.10", 0);
    sim_net_addr(&r->net, "192.0.2.1", CA_NODE);
    sim_net_name(&r->net, CA_HOST, "192.0.2.1", NULL, 10);
    for (int i = 0; i < 3; i++)
        sim_net_name(&r->net, run_names[i], "192.0.2.10", NULL, 10);
    ca_init(&r->ca, &r->world, &r->net);
    txt_solver_init(&r->txt, &r->world);
    acme_crypto_seed_from(&r->device.port);
    acme_crypto_clock_from(&r->device.port);
}

static void run_ca_as_planned(struct run *r, struct ca *ca)
{
    ca->lifetime_s = r->s.lifetime_s;
    ca->limits = r->s.limits;
    ca->ari = r->s.ari;
    ca->profile = r->s.profile ? "short" : NULL;
    ca->alternates = r->s.alternates;
    ca->before = check_before;
    ca->before_ctx = r;
    if (r->s.txt) {
        ca->txt = txt_solver_has;
        ca->txt_ctx = &r->txt;
    }
}

unsigned run_seed(struct run *r, uint64_t seed, const struct scenario *fixed)
{
    r->phase = PHASE_FAULTS;
    r->on = r->renewing = false;
    r->boot_at = r->cut_time = r->clock_at = r->sleep_until = 0;
    r->steps = r->still = r->cuts = 0;
    r->cut_next = 0;
    run_world(r, seed);
    app_init(r, seed);
    jobs_init(r, seed);
    choice_init(r, seed);
    servers_init(r, seed);
    if (fixed != NULL)
        r->s = *fixed;
    else {
        scenario_of(r);
        if (r->s.ari_only)
            evil_choose_of(&r->ca.evil, "ARI");
        else
            evil_choose(&r->ca.evil);
        scenario_fit(r);
    }
    jobs_plan(r);
    servers_plan(r);
    storage_init(&r->storage, (enum storage_kind)r->s.storage, &r->world, &r->slots);
    r->storage.tear = r->s.tear;
    if (r->s.born_ready)
        evil_add(&r->ca.evil, EVIL_ORD_READY, 1000, 1000);
    r->slots.outage_at = r->s.outage_at;
    r->slots.outage_ms = 3600000;
    for (unsigned i = 0; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL)
            run_ca_as_planned(r, run_ca(r, i));
    }
    r->ca.eab = r->s.eab > 0; /* the device has one for the first alone */
    choice_plan(r);
    r->sealed = 0;
    check_begin(r);
    run_config(r);
    begin_faults(r);
    while (r->phase != PHASE_DONE && r->broken == 0)
        one_step(r);
    return r->broken;
}
