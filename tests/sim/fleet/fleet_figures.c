/* fleet_figures.c - what is promised of a fleet, F1 to F11, and what came out */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

#define FIG_TOLD (-1)

static struct fleet_line *fig_line(struct fleet *f, const char *id, int pass, const char *words,
                                   const char *goal)
{
    struct fleet_line *l = &f->lines[f->lines_count < FLEET_LINES - 1 ? f->lines_count++ : 0];

    memset(l, 0, sizeof *l);
    l->pass = pass;
    snprintf(l->scenario, sizeof l->scenario, "%s", f->plan->name);
    snprintf(l->id, sizeof l->id, "%s", id);
    snprintf(l->words, sizeof l->words, "%s", words);
    snprintf(l->goal, sizeof l->goal, "%s", goal);
    return l;
}

static void fig_value(struct fleet_line *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void fig_value(struct fleet_line *l, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(l->value, sizeof l->value, format, arguments);
    va_end(arguments);
}

/* ---- chance ---- */

/* The highest of `draws` Poisson numbers of this mean, but for one case in a hundred. */
static unsigned fig_chance(double mean, double draws)
{
    double p = exp(-mean), tail = 1 - p;
    unsigned k = 1;

    while (tail * draws > 0.01 && k < 100000) {
        p *= mean / k++;
        tail -= p;
    }
    return k;
}

/* ---- F1, F2 ---- */

static uint32_t fig_members(const struct fleet *f)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->count; i++)
        n += f->devices[i].kind == FLEET_PLAIN;
    return n;
}

static void fig_availability(struct fleet *f)
{
    double all = (double)fig_members(f) * (double)f->plan->run_ms / 1000;
    double part = 100 * (1 - (double)f->n.dark_s / all);
    bool outage = f->plan->outage_ms > 0;
    int pass = outage ? f->n.dark_s == 0 : part >= 99.999;

    fig_value(fig_line(f, "F1", pass, "device-hours with a valid certificate",
                       outage ? "100 %" : ">= 99.999 %"),
              "%.4f %% (%llu devices dark, %.1f h in all)", part,
              (unsigned long long)f->n.dark_devices, (double)f->n.dark_s / 3600);
}

static void fig_issued(struct fleet *f)
{
    double years = (double)f->plan->run_ms / (365 * (double)FLEET_DAY_MS);
    double each = (double)f->n.issued_plain / fig_members(f);
    double bound = ceil(years * 365 * 86400 / ((double)f->plan->lifetime_s * 2 / 3)) * 1.02;
    char goal[40];

    snprintf(goal, sizeof goal, "<= %.2f", bound);
    fig_value(fig_line(f, "F2", each <= bound, "certificates for each device", goal), "%.2f", each);
}

/* ---- F3 ---- */

/* newOrders in buckets of `width` seconds of one day: the highest, and the mean. */
static double fig_peak(const struct fleet *f, size_t from, size_t width, double *mean)
{
    double peak = 0, sum = 0;
    size_t buckets = 86400 / width;

    for (size_t b = 0; b < buckets; b++) {
        double n = 0;

        for (size_t s = from + b * width; s < from + (b + 1) * width && s < f->seconds; s++)
            n += f->per_second[s];
        sum += n;
        if (n > peak)
            peak = n;
    }
    *mean = sum / (double)buckets;
    return peak;
}

/* Buckets so wide that chance alone stays below the goal: eight orders and more in each. */
static size_t fig_width(double day)
{
    static const size_t widths[] = {1, 10, 60, 600, 3600, 10800, 21600};
    size_t i = 0;

    while (i + 1 < sizeof widths / sizeof widths[0] && day * (double)widths[i] / 86400 < 8)
        i++;
    return widths[i];
}

static void fig_spread(struct fleet *f, size_t from, size_t days, double bound, const char *words)
{
    double worst = 0, mean, all = 0, second = 0, second_mean = 0;
    size_t width;
    struct fleet_line *l;
    char goal[40];

    for (size_t d = 0; d < days; d++) {
        double peak = fig_peak(f, from + d * 86400, 1, &mean);

        all += mean * 86400;
        if (peak > second) {
            second = peak;
            second_mean = mean;
        }
    }
    width = fig_width(all / (double)days);
    for (size_t d = 0; d < days; d++) {
        double peak = fig_peak(f, from + d * 86400, width, &mean);

        if (mean > 0 && peak / mean > worst)
            worst = peak / mean;
    }
    snprintf(goal, sizeof goal, "<= %.0f", bound);
    l = fig_line(f, "F3", worst <= bound, words, goal);
    fig_value(l, "%.1f in %zu s; in 1 s at most %.0f (chance: %u)", worst, width, second,
              fig_chance(second_mean, 86400.0 * (double)days));
}

/* ---- F4 ---- */

static void fig_aligned(struct fleet *f)
{
    double minute = (double)f->n.fold_minute[0] * 60 / (double)(f->n.orders + 1);
    double hour = (double)f->n.fold_hour[0] * 3600 / (double)(f->n.orders + 1);
    /* few orders: what chance gives is no fault */
    double mean = (double)f->n.orders / 3600;
    bool chance = f->n.fold_hour[0] <= fig_chance(mean, 1);

    fig_value(fig_line(f, "F4", minute <= 3 && (hour <= 3 || chance),
                       "newOrders at second :00, and at :00:00, to the mean", "<= 3"),
              "%.2f and %.2f", minute, hour);
}

/* ---- F5 ---- */

static void fig_limits(struct fleet *f)
{
    double part = 100 * (double)f->n.limited_orders / (double)(f->n.orders + 1);
    bool ari = f->plan->ari; /* then there is none at all, for accounts neither */
    bool none = f->n.limited_orders + f->n.limited_accounts == 0;

    fig_value(fig_line(f, "F5", ari ? none : part <= 0.1, "429 for orders", ari ? "0" : "<= 0.1 %"),
              "%.3f %% of %llu (and %llu for accounts, %llu of 503)", part,
              (unsigned long long)f->n.orders, (unsigned long long)f->n.limited_accounts,
              (unsigned long long)f->n.refused_503);
    fig_value(fig_line(f, "F5", f->n.early == 0, "requests before a Retry-After was over", "0"),
              "%llu", (unsigned long long)f->n.early);
}

/* ---- F6 ---- */

static void fig_zombies(struct fleet *f)
{
    fig_value(fig_line(f, "F6", f->n.zombie_day1_max <= 12, "failed validations of a zombie, day 1",
                       "<= 12"),
              "%llu at most (%llu zombies)", (unsigned long long)f->n.zombie_day1_max,
              (unsigned long long)f->n.zombies);
    fig_value(fig_line(f, "F6", f->n.zombie_later_max <= 1, "... each day after day 2", "<= 1"),
              "%llu at most", (unsigned long long)f->n.zombie_later_max);
}

/* ---- F7 ---- */

static void fig_revoked(struct fleet *f)
{
    double all = 0, replaced = 0, twice = 0;
    int64_t at = SIM_EPOCH + (int64_t)((f->from_ms + f->plan->revoked_at) / 1000);

    for (uint32_t i = 0; i < f->count; i++) {
        const struct fleet_device *d = &f->devices[i];

        all += d->revoked || d->revoked_issued > 0;
        replaced += d->revoked_issued > 0 && d->made_from < at + 86400 - 3600;
        twice += d->revoked_issued > 1;
    }
    fig_value(fig_line(f, "F7", replaced >= 0.999 * all && all > 0,
                       "replaced within 24 h of a mass revocation", ">= 99.9 %"),
              "%.2f %% of %.0f", 100 * replaced / (all > 0 ? all : 1), all);
    fig_value(fig_line(f, "F7", twice == 0, "... twice", "0 %"), "%.0f", twice);
}

/* ---- renewal information ---- */

static void fig_ari(struct fleet *f)
{
    double days = (double)f->count * (double)f->plan->run_ms / (double)FLEET_DAY_MS;

    fig_value(
        fig_line(f, "-", FIG_TOLD, "records written a day by a device; questions to ARI", "-"),
        "%.2f; %.2f (%.1f %% of newOrders name a predecessor)", (double)f->n.writes / days,
        (double)f->n.questions / days, 100 * (double)f->n.replacing / (double)(f->n.orders + 1));
}

/* ---- F8, F10 ---- */

static int fig_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static double fig_need(struct fleet *f, double part)
{
    size_t n = f->needs_count;

    qsort(f->needs, n, sizeof f->needs[0], fig_order);
    return n == 0 ? 0 : (double)f->needs[(size_t)(part * (double)(n - 1))] / 60000;
}

static void fig_storm(struct fleet *f)
{
    uint64_t on = f->from_ms + f->plan->off_at + f->plan->off_ms;
    size_t minute = (size_t)((on - f->start_ms) / FLEET_MINUTE_MS);
    double highest = 0, sum = 0, later = 0, rest = 0, p99 = fig_need(f, 0.99);

    for (size_t m = 0; m < 60; m++) {
        double part = 100.0 * f->per_minute[minute + m] / f->count;

        if (m < 5) {
            sum += part;
            highest = part > highest ? part : highest;
        } else {
            rest += part;
            later = part > later ? part : later;
        }
    }
    /* In a small fleet one device is a percent of a minute: there the average is judged. */
    fig_value(fig_line(f, "F8", (f->count < 5000 ? sum / 5 : highest) <= 5,
                       "requests a minute in the first 5 minutes, of N", "<= 5 %"),
              "%.1f %% at most, %.1f %% on average", highest, sum / 5);
    fig_value(fig_line(f, "F8", (f->count < 5000 ? rest / 55 : later) <= 10,
                       "... and in the rest of the hour", "<= 10 %"),
              "%.1f %% at most, %.1f %% on average", later, rest / 55);
    fig_value(fig_line(f, "F8", p99 <= 15 && f->needs_open == 0,
                       "without a certificate: until there is one, p99", "<= 15 min"),
              "%.1f min, p50 %.1f (%zu devices, %zu never)", p99, fig_need(f, 0.5), f->needs_count,
              f->needs_open);
}

static void fig_clocks(struct fleet *f)
{
    double most = fig_need(f, 1);

    fig_value(fig_line(f, "F10", f->n.premature == 0, "issued though not due", "0"), "%llu",
              (unsigned long long)f->n.premature);
    fig_value(fig_line(f, "F10", most <= 10 && f->needs_open == 0,
                       "without a certificate: after its clock is right", "<= 10 min"),
              "%.1f min at most, p50 %.1f (%zu devices, %zu never)", most, fig_need(f, 0.5),
              f->needs_count, f->needs_open);
}

/* ---- F9 ---- */

static void fig_exchange(struct fleet *f)
{
    double mean = (double)f->n.run_requests / (double)(f->n.runs + 1);
    double bytes = (double)f->n.run_bytes / (double)(f->n.runs + 1);
    unsigned p = 0;
    uint64_t below = 0;

    while (p < 63 && (below += f->n.run_hist[p]) * 100 < f->n.runs * 99)
        p++;
    fig_value(fig_line(f, "F9", p <= 11, "requests for a renewal, p99", "<= 11"),
              "%u (mean %.1f, most %u; %llu renewals)", p, mean, f->n.run_requests_max,
              (unsigned long long)f->n.runs);
    fig_value(
        fig_line(f, "F9", f->n.run_bytes_max <= 25600, "bytes for a renewal, most", "<= 25 KB"),
        "%.1f KB (mean %.1f)", f->n.run_bytes_max / 1024.0, bytes / 1024);
}

/* ---- an outage ---- */

static void fig_outage(struct fleet *f)
{
    uint64_t back = f->from_ms + f->plan->outage_at + f->plan->outage_ms;
    double tries = 0, most = 0, affected = 0;

    for (uint32_t i = 0; i < f->count; i++) {
        tries += f->devices[i].outage_tries;
        affected += f->devices[i].outage_tries > 0;
        if (f->devices[i].outage_tries > most)
            most = f->devices[i].outage_tries;
    }
    fig_value(fig_line(f, "-", FIG_TOLD, "contacts during the outage, of a device that tried", "-"),
              "%.1f (most %.0f; %.0f devices)", affected > 0 ? tries / affected : 0, most,
              affected);
    fig_spread(f, (size_t)((back - f->start_ms) / 1000), 1, 20,
               "newOrders in the 24 h after it, peak to mean");
}

void fleet_figures(struct fleet *f)
{
    const struct fleet_plan *p = f->plan;
    size_t from = (size_t)((f->from_ms - f->start_ms) / 1000);
    size_t days = (size_t)(p->run_ms / FLEET_DAY_MS);

    if (p->off_ms == 0 && p->clocks_at == 0)
        fig_availability(f);
    if (p->zombie_permille > 0) {
        fig_issued(f);
        fig_zombies(f);
    }
    if (p->zombie_permille > 0 || p->whole_days) {
        fig_spread(f, from, days, 5, "newOrders in any 24 h, peak to mean");
        fig_aligned(f);
    }
    if (p->outage_ms > 0)
        fig_outage(f);
    if (p->off_ms > 0)
        fig_storm(f);
    if (p->clocks_at > 0)
        fig_clocks(f);
    if (p->revoked_at > 0)
        fig_revoked(f);
    if (p->zombie_permille > 0 || p->fast_ca)
        fig_exchange(f);
    if (p->zombie_permille > 0 || p->revoked_at > 0)
        fig_ari(f);
    fig_limits(f);
}
