/* year.c - one year of three certificates, of 45 days, 160 hours and 24 hours, in virtual time
 *
 *   sim_year            three lines `ok` or `not ok`, and the table
 *
 * Each has a device of its own, on NOR flash, and a CA of its own, which all live through the same
 * calendar. No agent is restarted but for the CA switch, none is asked for anything but what the
 * calendar says; none has a fault of its own: those are the seeds' (main.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_agent.h"
#include "ca.h"
#include "http01.h"
#include "run.h"

#define DAY   86400
#define HOUR  3600
#define YEAR  (365 * (int64_t)DAY)
#define NEVER INT64_MAX

/* What happens, in seconds since the beginning. */
enum {
    OUTAGE_FROM = 60 * DAY,
    OUTAGE_TO = 63 * DAY,
    REVOKED_AT = 120 * DAY + 5 * HOUR,
    TERMS_AT = 160 * DAY,
    SWITCH_AT = 200 * DAY + 7 * HOUR,
    ROLLOVER_AT = 260 * DAY + HOUR
};
#define AGREES_AFTER (4 * HOUR) /* a person reads the alarm */

struct year {
    const char *word;
    int64_t lifetime_s;
    bool two;      /* CAs in the list; the calendar is of the first */
    bool outlives; /* at the end of the CA's window it is valid for longer than the outage takes */

    struct sim_world world;
    struct sim_net net;
    struct sim_slots slots;
    struct storage storage;
    struct sim_port device;
    struct http01 http01;
    struct acme_agent agent;
    struct acme_config config;
    struct acme_solver *solvers[1];
    struct acme_job job;
    uint64_t sleep_until;
    unsigned next; /* of the calendar */
    bool asked;    /* the roll-over */
    int rolled;    /* its outcome */

    /* what was seen */
    int64_t begin, not_after, agree_at, gap_s, gap_from;
    int64_t outage_gap_s, outage_again_s; /* not valid in and after the outage; after its end */
    int64_t revoked_s, terms_s, switch_s; /* until the next certificate */
    int64_t waiting_since;                /* for that one */
    int64_t *waiting;
    unsigned certificates, terms, failures;
};

static struct year year;
static struct ca year_ca, year_second;
static const char *const year_names[] = {"a0.test"};
static uint8_t year_io[20480];
static _Alignas(16) uint8_t year_scratch[32768];
static struct acme_slice year_anchor;

static int64_t passed(const struct year *y)
{
    return sim_world_unix(&y->world) - y->begin;
}

/* ---- what is seen ---- */

static void new_certificate(struct year *y, int64_t not_after)
{
    int64_t now = sim_world_unix(&y->world), gap = now - y->not_after;

    if (y->not_after != 0 && gap > 0) {
        y->gap_s += gap;
        y->gap_from = y->not_after - y->begin;
        if (y->not_after - y->begin > OUTAGE_FROM && y->not_after - y->begin < OUTAGE_TO) {
            y->outage_gap_s += gap;
            y->outage_again_s = passed(y) - OUTAGE_TO;
        }
    }
    y->not_after = not_after;
    y->certificates++;
    if (y->waiting != NULL)
        *y->waiting = now - y->waiting_since;
    y->waiting = NULL;
}

static void wait_for(struct year *y, int64_t *what)
{
    y->waiting = what;
    y->waiting_since = sim_world_unix(&y->world);
}

static void year_event(void *ctx, const struct acme_event *e)
{
    struct year *y = &year;

    (void)ctx;
    if (e->type == ACME_EVENT_CERTIFICATE)
        new_certificate(y, e->at);
    if (e->type == ACME_EVENT_FAILURE)
        y->failures++;
    if (e->type == ACME_EVENT_TERMS && y->agree_at == NEVER) {
        y->terms++;
        wait_for(y, &y->terms_s);
        y->agree_at = passed(y) + AGREES_AFTER;
    }
}

/* ---- the calendar ---- */

static void boot(struct year *y)
{
    const char *why = "", *which = NULL;

    (void)storage_boot(&y->storage);
    y->solvers[0] = http01_init(&y->http01, &y->device.port, NULL, 80);
    if (acme_agent_init(&y->agent, &y->config, &y->device.port, y->solvers, 1, &why, &which) !=
        ACME_OK) {
        fprintf(stderr, "sim_year: %s\n", why);
        exit(2);
    }
    y->sleep_until = y->world.now_ms;
}

/* The name of the first CA leads to where nobody listens. */
static void outage(struct year *y, bool on)
{
    static const char there[] = "192.0.2.1", nowhere[] = "192.0.2.9";

    for (size_t i = 0; i < y->net.names_count; i++) {
        if (strcmp(y->net.names[i].name, CA_HOST) == 0)
            memcpy(y->net.names[i].addr[0], on ? nowhere : there, sizeof there);
    }
}

static void outage_begins(struct year *y)
{
    outage(y, true);
}

static void outage_ends(struct year *y)
{
    outage(y, false);
}

static void mass_revocation(struct year *y)
{
    ca_revoke_all(&year_ca);
    wait_for(y, &y->revoked_s);
}

static void new_terms(struct year *y)
{
    (void)y;
    year_ca.new_terms = true;
}

/* The operator names another directory: another account, and a new certificate at once. */
static void ca_switch(struct year *y)
{
    acme_agent_close(&y->agent);
    sim_net_power_off(&y->net, 0);
    y->config.directory_url = CA_BASE "/elsewhere";
    wait_for(y, &y->switch_s);
    boot(y);
}

static void rollover(struct year *y)
{
    y->job = (struct acme_job){.type = ACME_JOB_ROLLOVER};
    y->asked = acme_agent_do(&y->agent, &y->job, 0) == ACME_OK;
    if (!y->asked)
        y->next--; /* busy: in a moment */
    y->sleep_until = y->world.now_ms + (y->asked ? 0 : 1000);
}

static const struct {
    int64_t at;
    void (*act)(struct year *y);
} calendar[] = {
    {OUTAGE_FROM, outage_begins}, {OUTAGE_TO, outage_ends}, {REVOKED_AT, mass_revocation},
    {TERMS_AT, new_terms},        {SWITCH_AT, ca_switch},   {ROLLOVER_AT, rollover},
};
#define CALENDAR (sizeof calendar / sizeof calendar[0])

static int64_t next_event(const struct year *y)
{
    int64_t at = y->next < CALENDAR ? calendar[y->next].at : YEAR;

    return at < y->agree_at ? at : y->agree_at;
}

static void calendar_acts(struct year *y)
{
    if (y->next < CALENDAR && passed(y) >= calendar[y->next].at) {
        y->next++;
        calendar[y->next - 1].act(y);
    }
    if (passed(y) >= y->agree_at) {
        year_ca.new_terms = false;
        y->agree_at = NEVER;
        if (acme_agent_ask(&y->agent, ACME_ASK_NOW, NULL) != ACME_OK)
            y->agree_at = passed(y) + 60;
        y->sleep_until = y->world.now_ms;
    }
}

/* ---- time ---- */

static void poll_device(struct year *y)
{
    struct acme_agent_status status;
    uint32_t sleep_ms = 0;

    (void)acme_agent_poll(&y->agent, &sleep_ms);
    y->sleep_until = y->world.now_ms + sleep_ms;
    if (sleep_ms > 0 && storage_idle(&y->storage))
        y->sleep_until = y->world.now_ms + 1;
    if (!y->asked)
        return;
    acme_agent_status(&y->agent, &status);
    if (status.busy)
        return;
    y->asked = false;
    y->rolled = status.outcome;
}

static void advance(struct year *y)
{
    uint64_t next = sim_net_next(&y->net), at = ca_next(&year_ca);
    uint64_t second = y->two ? ca_next(&year_second) : UINT64_MAX;
    uint64_t event = (uint64_t)(next_event(y) > passed(y) ? next_event(y) - passed(y) : 0);

    next = next < at ? next : at;
    next = next < second ? next : second;
    next = next < y->sleep_until ? next : y->sleep_until;
    at = y->world.now_ms + 1000 * event;
    next = next < at ? next : at;
    if (next > y->world.now_ms)
        y->world.now_ms = next;
}

static void year_world(struct year *y, uint64_t seed)
{
    static struct acme_server second = {.url = "https://cb.test/directory"};
    struct acme_config *c = &y->config;

    sim_world_init(&y->world, seed);
    sim_net_init(&y->net, &y->world);
    sim_slots_init(&y->slots, &y->world);
    sim_port_init(&y->device, &y->world, &y->net, 0, &y->slots);
    y->slots.owner = &y->device;
    y->device.port.event = year_event;
    y->net.faults.delay_min_ms = y->net.faults.delay_max_ms = 30;
    sim_net_addr(&y->net, "192.0.2.10", 0);
    sim_net_addr(&y->net, "192.0.2.1", CA_NODE);
    sim_net_name(&y->net, CA_HOST, "192.0.2.1", NULL, 10);
    sim_net_name(&y->net, year_names[0], "192.0.2.10", NULL, 10);
    ca_init(&year_ca, &y->world, &y->net);
    year_ca.lifetime_s = y->lifetime_s;
    year_ca.ari = year_ca.jobs = true;
    if (y->two) {
        sim_net_addr(&y->net, "192.0.2.2", CA_NODE + 1);
        sim_net_name(&y->net, ca_bases[1] + 8, "192.0.2.2", NULL, 10);
        ca_init_at(&year_second, &y->world, &y->net, 1);
        year_second.lifetime_s = y->lifetime_s;
        year_second.ari = year_second.jobs = true;
        c->more_servers = &second;
        c->more_servers_count = 1;
    }
    storage_init(&y->storage, STORAGE_NOR, &y->world, &y->slots);
    acme_crypto_seed_from(&y->device.port);
    acme_crypto_clock_from(&y->device.port);
    year_anchor = ca_stream_anchor();
    c->directory_url = CA_DIRECTORY;
    c->names = year_names;
    c->names_count = 1;
    c->terms_agreed = true;
    c->contact = "a@b.test";
    c->anchors.sets = &year_anchor;
    c->anchors.count = 1;
    c->memory.io = (struct acme_span){year_io, sizeof year_io};
    c->memory.scratch = (struct acme_span){year_scratch, sizeof year_scratch};
}

/* Whoever renews when the CA says so has this much left at least. */
static void year_life(struct year *y, int64_t lifetime_s)
{
    struct ca_order order = {.not_before = 0, .not_after = lifetime_s};
    int64_t start, end;

    ca_window_honest(&order, &start, &end);
    y->lifetime_s = lifetime_s;
    y->outlives = lifetime_s - end > OUTAGE_TO - OUTAGE_FROM;
}

static void year_run(struct year *y, const char *word, int64_t lifetime_s, bool two, uint64_t seed)
{
    memset(y, 0, sizeof *y);
    y->two = two;
    y->word = word;
    year_life(y, lifetime_s);
    y->agree_at = NEVER;
    y->rolled = ACME_AGAIN;
    y->revoked_s = y->terms_s = y->switch_s = y->outage_again_s = -1;
    year_world(y, seed);
    y->begin = sim_world_unix(&y->world);
    boot(y);
    while (passed(y) < YEAR && year_ca.broken == NULL) {
        calendar_acts(y);
        if (y->world.now_ms >= y->sleep_until || sim_net_next(&y->net) <= y->world.now_ms)
            poll_device(y);
        poll_device(y);
        ca_poll(&year_ca);
        if (y->two)
            ca_poll(&year_second);
        advance(y);
    }
}

/* ---- what it must show ---- */

static const char *wrong(const struct year *y)
{
    if (year_ca.broken != NULL)
        return year_ca.broken;
    if (y->not_after < y->begin + YEAR)
        return "no valid certificate at the end";
    if (y->two && year_second.broken != NULL)
        return year_second.broken;
    if ((y->outlives || y->two) && y->gap_s > 0)
        return "a gap in validity";
    if (y->two)
        return year_second.issued > 0 ? NULL : "the second CA was never needed";
    if (y->gap_s != y->outage_gap_s)
        return "a gap that is not the outage's";
    if (!y->outlives && (y->outage_again_s < 0 || y->outage_again_s > DAY))
        return "not valid again a day after the outage"; /* the longest backoff */
    if (y->revoked_s < 0 || y->revoked_s > DAY)
        return "not replaced within a day of the mass revocation";
    if (y->terms < 1 || y->terms_s < 0 || y->terms_s > AGREES_AFTER + 600)
        return "the new terms were not told, or stopped it";
    if (y->switch_s < 0 || year_ca.new_accounts != 2)
        return "the other CA was not taken";
    if (y->rolled != ACME_OK || year_ca.changes != 1)
        return "the account's key was not changed";
    return NULL;
}

static void hours(int64_t s)
{
    if (s < 0)
        printf(" - |");
    else if (s < 600)
        printf(" %lld s |", (long long)s);
    else
        printf(" %.1f h |", (double)s / HOUR);
}

static void row(const struct year *y)
{
    printf("| %s | %u | %u | %u | %u | %u | %llu | %.1f | %u |", y->word, y->certificates,
           year_ca.new_orders, year_ca.requests, year_ca.questions, y->failures,
           (unsigned long long)y->slots.writes, (double)y->storage.chip->program_bytes / 1e6,
           (unsigned)y->storage.chip->erase_count);
    hours(y->gap_s);
    hours(y->outage_again_s);
    hours(y->revoked_s);
    hours(y->terms_s);
    hours(y->switch_s);
    printf("\n");
}

int main(void)
{
    static const struct {
        const char *word;
        int64_t lifetime_s;
        bool two;
    } lives[] = {{"45 days", 45 * DAY, false},
                 {"160 hours", 160 * HOUR, false},
                 {"24 hours", 24 * HOUR, false},
                 {"160 hours, two CAs", 160 * HOUR, true},
                 {"24 hours, two CAs", 24 * HOUR, true}};
    const char *why[sizeof lives / sizeof lives[0]];
    int failed = 0;

    year_world(&year, 0);
    ca_pki_init();
    printf(
        "| certificate | issued | orders | requests | of these to ARI | failures | records written "
        "| MB programmed | sectors erased | not valid | valid again after the outage | replaced "
        "after the revocation | new terms told: certificate after | CA switch: certificate after "
        "|\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (unsigned i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        year_run(&year, lives[i].word, lives[i].lifetime_s, lives[i].two, 1 + i);
        row(&year);
        why[i] = wrong(&year);
    }
    for (unsigned i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        printf("%s sim.year-%d%s%s%s\n", why[i] == NULL ? "ok" : "not ok",
               (int)(lives[i].lifetime_s / HOUR), lives[i].two ? "-two" : "",
               why[i] == NULL ? "" : ": ", why[i] == NULL ? "" : why[i]);
        failed |= why[i] != NULL;
    }
    return failed;
}
