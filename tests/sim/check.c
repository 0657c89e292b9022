/* check.c - what must never happen, looked at after every poll */
#include <string.h>

#include "check.h"

#define CALLS_MAX    200
#define WRITES_MAX   20 /* of records, for one renewal without faults */
#define CHECK_DAY_MS 86400000u
/* Runs in an hour while the device keeps its power. The shortest wait that repeats is 150 s, which
 * makes 24. */
#define RUNS_MAX 60

const char *invariant_words(unsigned invariant)
{
    switch (invariant) {
#define INVARIANT_CASE(number, words)                                                              \
    case number:                                                                                   \
        return words;
        INVARIANT_TABLE(INVARIANT_CASE)
#undef INVARIANT_CASE
    default:
        return "";
    }
}

void run_break(struct run *r, unsigned invariant, const char *what)
{
    if (r->broken != 0)
        return;
    r->broken = invariant;
    r->broken_what = what;
    sim_world_note(&r->world, what, invariant, 0);
}

/* ---- after every poll ---- */

void check_begin(struct run *r)
{
    r->broken = 0;
    r->broken_what = "";
    r->seen_version = 0;
    memset(r->opened, 0, sizeof r->opened);
    memset(r->certs, 0, sizeof r->certs);
    r->has_cert = false;
    r->sequence = r->previous = 0;
    r->not_after = r->due_at = r->renewed_from = 0;
    r->issued_before = 0;
    r->orders = 0;
    r->again_seen = 0;
    memset(r->failures, 0, sizeof r->failures);
    memset(r->account_count, 0, sizeof r->account_count);
    r->writes_before = 0;
    r->orders_before = 0;
    r->hour = 0;
    r->hour_requests = r->hour_cuts = 0;
    r->runs_hour = r->runs_cuts = 0;
    r->runs = 0;
    memset(r->holds, 0, sizeof r->holds);
    r->window_of = 0;
}

static void check_medium(struct run *r)
{
    const char *worn = storage_worn(&r->storage, r->cuts);

    if (r->slots.broken != NULL)
        run_break(r, 17, r->slots.broken);
    if (worn != NULL)
        run_break(r, 17, worn);
}

void check_poll(struct run *r, uint64_t calls, bool resting)
{
    check_storage(r);
    check_jobs_poll(r);
    check_medium(r);
    if (calls > r->max_calls)
        r->max_calls = (unsigned)calls;
    if (calls > CALLS_MAX)
        run_break(r, 5, "port calls in one poll");
    if (r->net.asked[0] != '\0' && !servers_know(r, r->net.asked))
        run_break(r, 14, "a strange host");
    if (!resting)
        return;
    for (int i = 0; i < CA_PLACES * HOLDS; i++)
        r->holds[i / HOLDS][i % HOLDS].durable = true;
    choice_rest(r);
    if (!r->agent.order.open && !r->s.txt && r->http01.live > 0)
        run_break(r, 3, "a token is still served");
}

static void note_recovery(struct run *r)
{
    uint64_t took = r->world.now_ms - r->calm_from;

    if (!r->calm_free || r->servers.bad)
        return;
    r->recovered.seeds++;
    r->recovered.minutes += took <= 600000;
    r->recovered.day +=
        took <= CHECK_DAY_MS + CHECK_DAY_MS / 8; /* a daily backoff and its jitter */
    if (took > r->recovered.longest_ms)
        r->recovered.longest_ms = took;
}

/* All is well and at rest: what is left over? */
void check_end(struct run *r)
{
    const char *secret = r->storage.lied || r->slots.lies || (r->s.renew && !r->renewing)
                             ? NULL
                             : storage_secrets_gone(&r->storage);

    note_recovery(r);
    if (secret != NULL)
        run_break(r, 18, secret);
    if (r->s.txt ? txt_solver_left(&r->txt) > 0 : r->http01.live > 0)
        if (r->s.flip_permille == 0) /* a damaged ORDER has forgotten what was begun */
            run_break(r, 3, "left behind");
    choice_end(r);
    if (r->http01.listener != ACME_NO_SOCK && !r->s.txt)
        run_break(r, 3, "port 80 is still open");
    if (sim_net_in_use(&r->net, 0) > HTTP01_MAX_CONNECTIONS)
        run_break(r, 3, "sockets are left");
    if (servers_orders(r) - r->orders_before > 1 || r->cuts > 0 || r->jobs.count > 0)
        return; /* each order has its price */
    /* Two a day are of the renewal information, and the faults may last for days. */
    if (r->slots.writes - r->writes_before > WRITES_MAX + 2 * (r->s.fault_s / 86400) &&
        servers_evils(r) == 0 && !r->s.storage_lies &&
        r->s.net.reset_permille + r->s.net.stall_permille == 0)
        run_break(r, 12, "writes for one certificate");
    if (r->slots.writes - r->writes_before > r->max_writes)
        r->max_writes = (unsigned)(r->slots.writes - r->writes_before);
}

/* ---- the CA's renewal information: 20 ---- */

/* A certificate is an eighth of its life, or six hours, old before it is renewed, and it is renewed
 * in time; what is told about it is written twice a day, and what changes once an hour. */
void check_ari(struct run *r)
{
    int64_t life = r->s.lifetime_s + r->ca.backdate_s;
    int64_t young = life / 8 < 6 * 3600 ? life / 8 : 6 * 3600;
    uint64_t passed = (r->world.now_ms - r->faults_from) / 1000;
    unsigned issued = r->ca.issued - r->faults_issued;
    uint64_t most =
        2 + passed / (uint64_t)(young - r->ca.backdate_s > 0 ? young - r->ca.backdate_s : 60);

    if (r->has_cert && sim_world_unix(&r->world) >= r->not_after)
        run_break(r, 20, "it ran out");
    if (issued > most)
        run_break(r, 20, "renewed too often");
    if (r->slots.writes - r->faults_writes >
        WRITES_MAX * (uint64_t)(issued + 1) + 24 * (1 + passed / 86400))
        run_break(r, 20, "written too often");
}

/* A renewal that was due by a window of lies is not due any more when the calm CA tells the honest
 * one to a device that has lost the other (damaged; or older firmware had the record). */
static bool window_moved_at(const struct run *r, const struct ca *ca, int64_t due_at)
{
    int64_t now = sim_world_unix(&r->world), start, end;

    if (!r->s.ari || !evil_of(&ca->evil, "ARI") || now >= due_at)
        return false;
    for (uint32_t i = 0; i < ca->orders_count; i++) {
        const struct ca_order *o = &ca->orders[i];
        ca_window_honest(o, &start, &end);
        if (o->leaf_len > 0 && o->not_after == r->not_after && now >= end)
            return false;
    }
    return true;
}

bool check_window_moved(const struct run *r, int64_t due_at)
{
    return window_moved_at(r, &r->ca, due_at) ||
           (r->s.second && window_moved_at(r, &r->more[0], due_at));
}

static bool harmless(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

/* It is tried again, slower, also where no request reaches the CA. Who asks for jobs waits for no
 * backoff, and a clock that jumps ends waits. */
static void count_run(struct run *r)
{
    uint64_t hour = r->world.now_ms / 3600000;

    if (hour != r->runs_hour || r->cuts != r->runs_cuts) {
        r->runs_hour = hour;
        r->runs_cuts = r->cuts;
        r->runs = 0;
    }
    if (++r->runs > RUNS_MAX && r->jobs.count == 0 && !clock_lies(r))
        run_break(r, 16, "runs");
}

void check_event(struct run *r, const struct acme_event *e)
{
    struct hold *window = &servers_holds(r)[HOLD_WINDOW];

    if (e->type == ACME_EVENT_STEP && strcmp(e->step, "directory") == 0)
        count_run(r);
    servers_check_event(r, e);
    if (!harmless(e->text) || !harmless(e->word) || !harmless(e->detail))
        run_break(r, 21, "event");
    choice_event(r, e);
    if (e->type == ACME_EVENT_ACCOUNT && strcmp(e->text, "deactivated") == 0)
        r->jobs.ended = true;
    if (e->type == ACME_EVENT_HELD && strcmp(e->text, "duplicates") == 0)
        jobs_held(r, e->at);
    /* An answer that is none is asked for again after six hours, whatever came with it. */
    if (e->type == ACME_EVENT_WARNING &&
        (e->err == ACME_E_JSON || e->err == ACME_E_REPLY || e->err == ACME_E_SIZE) &&
        strcmp(e->step, "window") == 0 && window->until > sim_world_unix(&r->world) + 21600)
        window->until = sim_world_unix(&r->world) + 21600;
}
