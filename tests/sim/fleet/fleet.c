/* fleet.c - the queue of devices, boots, power, clocks: a scenario from its first boot to its end
 */
#include "fleet_ca.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLEET_POLLS 64 /* of one device at one moment */

static const struct acme_slice fleet_anchor = {(const uint8_t *)"plain", 5};

void fleet_note(struct fleet *f, const struct fleet_device *d, const char *what, uint64_t value)
{
    sim_world_note(&f->world, what, d != NULL ? d->index : UINT64_MAX, value);
}

/* ---- the queue: a binary heap, equal moments in the order of the devices ---- */

static bool heap_before(const struct fleet *f, uint32_t a, uint32_t b)
{
    const struct fleet_device *x = &f->devices[a], *y = &f->devices[b];

    return x->wake != y->wake ? x->wake < y->wake : a < b;
}

static void heap_put(struct fleet *f, uint32_t at, uint32_t device)
{
    f->heap[at] = device;
    f->devices[device].heap_at = at;
}

static void heap_fix(struct fleet *f, uint32_t device)
{
    uint32_t at = f->devices[device].heap_at;

    while (at > 0 && heap_before(f, device, f->heap[(at - 1) / 2])) {
        heap_put(f, at, f->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (uint32_t child; (child = 2 * at + 1) < f->count;) {
        if (child + 1 < f->count && heap_before(f, f->heap[child + 1], f->heap[child]))
            child++;
        if (!heap_before(f, f->heap[child], device))
            break;
        heap_put(f, at, f->heap[child]);
        at = child;
    }
    heap_put(f, at, device);
}

static void least(uint64_t *next, uint64_t at)
{
    if (at < *next)
        *next = at;
}

/* When the device has to be looked at again. */
void fleet_wake(struct fleet_device *d)
{
    uint64_t now = fleet_it->world.now_ms, next = fleet_ca_next(d);

    if (d->on) {
        least(&next, d->sleep_until);
        least(&next, d->clock_at);
        if (d->conn.open && d->conn.ready_at > now &&
            (!d->conn.hello || d->conn.error != ACME_OK || d->conn.reply_len > 0))
            least(&next, d->conn.ready_at);
    } else {
        least(&next, d->boot_at);
    }
    d->wake = next > now ? next : now;
    heap_fix(fleet_it, d->index);
}

/* ---- a device ---- */

static void device_boot(struct fleet *f, struct fleet_device *d)
{
    const char *why = NULL, *which = NULL;
    int err;

    d->booted_at = f->world.now_ms - 1;
    d->boot_at = FLEET_NEVER;
    d->solvers[0] = http01_init(&d->http01, &d->port, NULL, 80);
    err = acme_agent_init(&d->agent, &d->config, &d->port, d->solvers, 1, &why, &which);
    if (err != ACME_OK) {
        fprintf(stderr, "fleet: device %u: %s\n", d->index, why);
        exit(2);
    }
    d->on = true;
    d->sleep_until = f->world.now_ms;
    fleet_note(f, d, "boot", 0);
}

static void device_off(struct fleet *f, struct fleet_device *d, uint64_t boot_at)
{
    if (d->on)
        fleet_port_off(d);
    d->on = false;
    d->boot_at = boot_at;
    d->clock_at = FLEET_NEVER;
    fleet_note(f, d, "off", boot_at);
    fleet_wake(d);
}

static void device_poll(struct fleet *f, struct fleet_device *d)
{
    uint32_t sleep_ms = 0;
    int polls = 0;

    do {
        (void)acme_agent_poll(&d->agent, &sleep_ms);
        f->n.polls++;
    } while (sleep_ms == 0 && ++polls < FLEET_POLLS);
    if (sleep_ms == 0) {
        fprintf(stderr, "fleet: device %u spins in %s\n", d->index, d->agent.note);
        exit(2);
    }
    d->sleep_until = sleep_ms > UINT32_MAX - 1 ? FLEET_NEVER : f->world.now_ms + sleep_ms;
}

static void device_step(struct fleet *f, struct fleet_device *d)
{
    if (!d->on && f->world.now_ms >= d->boot_at)
        device_boot(f, d);
    if (d->on && f->world.now_ms >= d->clock_at) {
        d->clock_unset = false;
        d->skew_s = 0;
        d->clock_at = FLEET_NEVER;
        if (d->valid_to > sim_world_unix(&f->world))
            d->need_from = FLEET_NEVER;
        fleet_note(f, d, "clock set", 0);
    }
    fleet_ca_tick(f, d);
    if (d->on)
        device_poll(f, d);
    fleet_wake(d);
}

/* Groups behind one public address: a tenth of the fleet, 100, 10, alone. */
static uint32_t device_ip(const struct fleet *f, uint32_t i)
{
    uint32_t tenth = f->count / 10, own = 2 + f->count / 100 + f->count / 10;

    if (i < tenth)
        return 0;
    if (i < 4 * tenth)
        return 1 + i / 100;
    return i < 6 * tenth ? 2 + f->count / 100 + i / 10 : own + i;
}

static void device_init(struct fleet *f, uint32_t i)
{
    const struct fleet_plan *plan = f->plan;
    struct fleet_device *d = &f->devices[i];
    struct acme_config *c = &d->config;

    d->index = i;
    d->ip = device_ip(f, i);
    d->clock_at = d->zombie_at = FLEET_NEVER;
    d->need_from = FLEET_NEVER;
    d->order.va_at = FLEET_NEVER;
    d->boot_at = f->start_ms + sim_world_random(&f->world) % plan->deploy_ms;
    if (sim_world_chance(&f->world, plan->zombie_permille)) {
        d->kind = FLEET_ZOMBIE; /* from the beginning, or some day */
        d->zombie_at = sim_world_chance(&f->world, 500)
                           ? 0
                           : f->from_ms + sim_world_random(&f->world) % plan->run_ms;
    } else if (sim_world_chance(&f->world, plan->fresh_permille)) {
        d->kind = FLEET_FRESH;
        d->boot_at = f->from_ms + plan->fresh_at + sim_world_below(&f->world, 60000);
        d->ip = plan->fresh_one_ip ? 0 : device_ip(f, f->count - 1) - (f->count - 1) + i;
    } else if (sim_world_chance(&f->world, plan->expired_permille)) {
        d->kind = FLEET_DRAWER;
    }
    snprintf(d->name, sizeof d->name, "d%u.vendor.test", i);
    d->names[0] = d->name;
    c->directory_url = CA_DIRECTORY;
    c->names = d->names;
    c->names_count = 1;
    c->terms_agreed = true;
    c->anchors.sets = &fleet_anchor;
    c->anchors.count = 1;
    c->memory.io.ptr = d->io;
    c->memory.io.len = sizeof d->io;
    c->memory.scratch.ptr = d->scratch;
    c->memory.scratch.len = sizeof d->scratch;
    fleet_port_init(d);
    heap_put(f, i, i);
    d->wake = d->boot_at;
}

/* ---- the scenario's own events ---- */

/* Outages of all kinds, one after another. */
static uint8_t outage_now(const struct fleet *f)
{
    uint64_t at = f->from_ms + f->plan->outage_at;
    uint64_t part = f->plan->outage_ms / (FLEET_OUTAGES - 1);

    if (f->plan->outage_ms == 0 || f->world.now_ms < at ||
        f->world.now_ms >= at + f->plan->outage_ms)
        return FLEET_UP;
    return (uint8_t)(FLEET_DNS + (f->world.now_ms - at) / (part + 1));
}

/* All power fails, and comes back for all within a minute. `drawer`: only for the devices that lay
 * switched off before, and whose certificates expire meanwhile. */
static void power_off(struct fleet *f, bool drawer)
{
    uint64_t on = f->from_ms + f->plan->off_at + f->plan->off_ms;

    for (uint32_t i = 0; i < f->count; i++) {
        struct fleet_device *d = &f->devices[i];
        uint64_t boot_at = on + sim_world_below(&f->world, 60000);

        if (d->kind == FLEET_FRESH || (d->kind == FLEET_DRAWER) != drawer)
            continue;
        device_off(f, d, boot_at);
        if (d->kind != FLEET_ZOMBIE && d->valid_to <= SIM_EPOCH + (int64_t)(boot_at / 1000))
            d->need_from = boot_at;
    }
}

static void wrong_clocks(struct fleet *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct fleet_device *d = &f->devices[i];
        uint32_t dice = sim_world_below(&f->world, 100);

        if (dice >= 16 || d->kind == FLEET_ZOMBIE)
            continue;
        if (d->kind != FLEET_FRESH)
            device_off(f, d, f->world.now_ms + sim_world_below(&f->world, 60000));
        d->clock_kind = dice < 10 ? 1 : dice < 15 ? 2 : 3;
        d->clock_unset = d->clock_kind == 1;
        d->skew_s = d->clock_kind == 2 ? 86400 : d->clock_kind == 3 ? (int64_t)3652 * 86400 : 0;
        d->clock_at =
            f->world.now_ms + FLEET_HOUR_MS + sim_world_random(&f->world) % (5 * FLEET_HOUR_MS);
        d->need_from = d->clock_at; /* counts if it has no certificate then */
        fleet_wake(d);
    }
}

static bool passes(const struct fleet *f, uint64_t before, uint64_t at)
{
    return before < f->from_ms + at && f->world.now_ms >= f->from_ms + at;
}

/* The next moment at which the scenario itself does something. */
static uint64_t plan_next(const struct fleet *f)
{
    const struct fleet_plan *p = f->plan;
    const uint64_t at[] = {0,         p->outage_at, p->outage_at + p->outage_ms,
                           p->off_at, p->clocks_at, p->revoked_at,
                           p->run_ms};
    uint64_t next = FLEET_NEVER;

    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        if (f->from_ms + at[i] > f->world.now_ms)
            least(&next, f->from_ms + at[i]);
    }
    for (int i = 1; i < FLEET_OUTAGES && p->outage_ms > 0; i++) {
        uint64_t part = p->outage_at + (uint64_t)i * (p->outage_ms / (FLEET_OUTAGES - 1) + 1);
        if (f->from_ms + part > f->world.now_ms)
            least(&next, f->from_ms + part);
    }
    return next;
}

static void plan_step(struct fleet *f, uint64_t before)
{
    const struct fleet_plan *p = f->plan;
    uint8_t outage = outage_now(f);

    if (passes(f, before, 0)) {
        f->limits = true;
        fleet_count_begin(f);
    }
    if (outage != f->outage)
        fleet_note(f, NULL, "outage", outage);
    f->outage = outage;
    if (p->off_ms > 0 && passes(f, before, 0))
        power_off(f, true);
    if (p->off_ms > 0 && passes(f, before, p->off_at))
        power_off(f, false);
    if (p->clocks_at > 0 && passes(f, before, p->clocks_at))
        wrong_clocks(f);
    if (p->revoked_at > 0 && passes(f, before, p->revoked_at))
        caf_revoke(f);
}

/* ---- a run ---- */

void fleet_up(struct fleet *f)
{
    static struct fleet_device first; /* chance for wolfCrypt, and a true clock */

    fleet_it = f;
    sim_world_init(&f->world, 0);
    fleet_port_init(&first);
    acme_crypto_seed_from(&first.port);
    acme_crypto_clock_from(&first.port);
    ca_pki_init();
}

static void *fleet_room(size_t count, size_t size)
{
    void *room = calloc(count, size);

    if (room == NULL) {
        fprintf(stderr, "fleet: no memory\n");
        exit(2);
    }
    return room;
}

static void fleet_begin(struct fleet *f)
{
    uint64_t span = f->end_ms - f->start_ms;

    f->devices = fleet_room(f->count, sizeof *f->devices);
    f->heap = fleet_room(f->count, sizeof *f->heap);
    f->ips_count = f->count + f->count / 100 + f->count / 10 + 2;
    f->ips = fleet_room(f->ips_count, sizeof *f->ips);
    f->minutes = (size_t)(span / FLEET_MINUTE_MS) + 2;
    f->seconds = (size_t)(span / 1000) + 2;
    f->per_minute = fleet_room(f->minutes, sizeof *f->per_minute);
    f->dark_minute = fleet_room(f->minutes, sizeof *f->dark_minute);
    f->per_second = fleet_room(f->seconds, sizeof *f->per_second);
    f->needs = fleet_room(f->count, sizeof *f->needs);
    for (uint32_t i = 0; i < f->count; i++)
        device_init(f, i);
    for (uint32_t i = f->count; i-- > 0;)
        heap_fix(f, i);
}

void fleet_run(struct fleet *f, const struct fleet_plan *plan, uint32_t count, uint64_t seed)
{
    clock_t cpu = clock();
    uint64_t before, next, own;

    f->plan = plan;
    f->count = count;
    f->seed = seed;
    f->outage = FLEET_UP;
    f->limits = false;
    f->needs_count = f->needs_open = 0;
    memset(&f->n, 0, sizeof f->n);
    sim_world_init(&f->world, seed);
    f->world.now_ms = FLEET_HOUR_MS;
    evil_init(&f->ca.evil, &f->world);
    f->ca.evil.on = false;
    f->ca.world = &f->world;
    f->start_ms = f->world.now_ms;
    f->from_ms = f->start_ms + plan->deploy_ms + FLEET_DAY_MS;
    f->end_ms = f->from_ms + plan->run_ms;
    fleet_begin(f);
    own = plan_next(f);
    while (f->world.now_ms < f->end_ms) {
        struct fleet_device *d = &f->devices[f->heap[0]];

        next = d->wake < own ? d->wake : own;
        before = f->world.now_ms;
        f->world.now_ms = next;
        if (next == own) {
            plan_step(f, before);
            own = plan_next(f);
        } else {
            device_step(f, d);
        }
    }
    fleet_count_end(f);
    f->cpu_s = (double)(clock() - cpu) / CLOCKS_PER_SEC;
}

void fleet_free(struct fleet *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct fleet_device *d = &f->devices[i];

        acme_agent_close(&d->agent);
        free(d->conn.reply);
        for (size_t k = 0; k <= ACME_SLOT_MAX; k++)
            free(d->records[k].data);
    }
    free(f->devices);
    free(f->heap);
    free(f->ips);
    free(f->per_minute);
    free(f->dark_minute);
    free(f->per_second);
    free(f->needs);
}
