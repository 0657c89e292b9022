/* fleet_count.c - what happened, counted as it happens */
#include <string.h>

#include "fleet.h"

static size_t count_minute(const struct fleet *f)
{
    return (size_t)((f->world.now_ms - f->start_ms) / FLEET_MINUTE_MS);
}

static bool count_on(const struct fleet *f)
{
    return f->world.now_ms >= f->from_ms;
}

static void count_try(struct fleet *f, struct fleet_device *d)
{
    f->per_minute[count_minute(f)]++;
    f->n.contacts++;
    if (f->outage != FLEET_UP)
        d->outage_tries++;
}

/* A connection. It counts as a contact of its own when no request can follow. */
void fleet_count_contact(struct fleet *f, struct fleet_device *d)
{
    if (f->outage == FLEET_DNS || f->outage == FLEET_REFUSED || f->outage == FLEET_TLS)
        count_try(f, d);
}

void fleet_count_request(struct fleet *f, struct fleet_device *d, size_t bytes)
{
    count_try(f, d);
    f->n.requests++;
    d->run_requests++;
    d->run_bytes += (uint32_t)bytes;
}

void fleet_count_order(struct fleet *f, struct fleet_device *d)
{
    uint64_t second = (f->world.now_ms - f->start_ms) / 1000;
    uint64_t wall = (uint64_t)sim_world_unix(&f->world);

    (void)d;
    f->n.orders++;
    if (f->per_second[second] < UINT16_MAX)
        f->per_second[second]++;
    f->n.fold_minute[wall % 60]++;
    f->n.fold_hour[wall % 3600]++;
}

/* Days count from the first failure of a device whose DNS is dead. */
void fleet_count_failure(struct fleet *f, struct fleet_device *d)
{
    uint64_t now = f->world.now_ms, day;

    f->n.failures++;
    if (d->kind != FLEET_ZOMBIE || now < d->zombie_at)
        return;
    if (d->zombie_since == 0) {
        d->zombie_since = now;
        f->n.zombies++;
    }
    day = (now - d->zombie_since) / FLEET_DAY_MS + 1;
    if (day != d->zombie_day)
        d->zombie_count = 0;
    d->zombie_day = (uint16_t)day;
    d->zombie_count++;
    if (day == 1 && d->zombie_count > f->n.zombie_day1_max)
        f->n.zombie_day1_max = d->zombie_count;
    if (day > 2 && d->zombie_count > f->n.zombie_later_max)
        f->n.zombie_later_max = d->zombie_count;
}

/* For the picture: without a valid certificate from one moment (seconds since the start) on. */
static void draw_dark(struct fleet *f, int64_t from, int64_t to)
{
    f->dark_minute[from / 60]++;
    f->dark_minute[to / 60]--;
}

/* A device had no valid certificate from one moment (seconds of the world) to another. */
static void count_dark(struct fleet *f, int64_t from, int64_t to)
{
    int64_t start = SIM_EPOCH + (int64_t)(f->start_ms / 1000);
    int64_t begin = SIM_EPOCH + (int64_t)(f->from_ms / 1000);

    if (from < start)
        from = start;
    if (to <= from)
        return;
    draw_dark(f, from - start, to - start);
    if (from < begin)
        from = begin;
    if (to <= from)
        return;
    f->n.dark_s += (uint64_t)(to - from);
    f->n.dark_devices++;
}

/* Zombies cannot have one, and fresh devices did not have one yet. */
static bool counts_as_member(const struct fleet_device *d)
{
    return d->kind == FLEET_PLAIN;
}

static void count_run(struct fleet *f, const struct fleet_device *d)
{
    if (d->run_fault || d->valid_to == 0)
        return;
    f->n.runs++;
    f->n.run_requests += d->run_requests;
    f->n.run_bytes += d->run_bytes;
    f->n.run_hist[d->run_requests < 63 ? d->run_requests : 63]++;
    if (d->run_requests > f->n.run_requests_max)
        f->n.run_requests_max = d->run_requests;
    if (d->run_bytes > f->n.run_bytes_max)
        f->n.run_bytes_max = d->run_bytes;
}

void fleet_count_certificate(struct fleet *f, struct fleet_device *d, int64_t not_after)
{
    int64_t now = sim_world_unix(&f->world);

    if (count_on(f))
        count_run(f, d);
    if (counts_as_member(d) && d->valid_to < now)
        count_dark(f, d->valid_to, now);
    else if (d->need_from != FLEET_NEVER && f->world.now_ms >= d->need_from)
        draw_dark(f, (int64_t)(d->need_from - f->start_ms) / 1000,
                  (int64_t)(f->world.now_ms - f->start_ms) / 1000);
    d->valid_from = now;
    d->valid_to = not_after;
    if (d->need_from != FLEET_NEVER && f->world.now_ms >= d->need_from)
        f->needs[f->needs_count++] = f->world.now_ms - d->need_from;
    d->need_from = FLEET_NEVER;
    fleet_note(f, d, "certificate", (uint64_t)not_after);
}

/* The deployment is over: what it counted is not the scenario's. */
void fleet_count_begin(struct fleet *f)
{
    uint64_t polls = f->n.polls;

    memset(&f->n, 0, sizeof f->n);
    f->n.polls = polls;
}

void fleet_count_end(struct fleet *f)
{
    int64_t now = sim_world_unix(&f->world);

    for (uint32_t i = 0; i < f->count; i++) {
        struct fleet_device *d = &f->devices[i];

        if (counts_as_member(d) && d->valid_to < now)
            count_dark(f, d->valid_to, now);
        if (d->need_from != FLEET_NEVER && f->world.now_ms >= d->need_from)
            f->needs_open++;
    }
}
