/* servers.c - the second CA and the staging CA of a seed, and what must be true of them */
#include "servers.h"

#include <string.h>

#include "check.h"

#define SERVERS_SEEDS 80 /* of 1000 seeds have several CAs */
#define CALM_MORE_MS  (3 * 86400000u)

bool servers_always;

/* ---- which of them there are ---- */

struct ca *run_ca(struct run *r, unsigned i)
{
    if (i == 0)
        return &r->ca;
    return (i == 1 ? r->s.second : r->s.staging) ? &r->more[i - 1] : NULL;
}

static unsigned place_of(const struct run *r, const struct ca *ca)
{
    return ca == &r->ca ? 0 : ca == &r->more[0] ? 1 : 2;
}

void servers_init(struct run *r, uint64_t seed)
{
    memset(&r->servers, 0, sizeof r->servers);
    sim_world_init(&r->servers.dice, seed ^ 0x73657276);
    r->at = &r->ca;
}

/* One is bad through and through: the proof is there, and that CA alone does not see it, or is gone
 * altogether. */
static void plan_bad(struct run *r)
{
    struct servers *v = &r->servers;
    enum evil_id id =
        (enum evil_id)(EVIL_SERVERS + sim_world_below(&v->dice, EVIL_COUNT - EVIL_SERVERS));
    struct ca *ca;

    v->which = (uint8_t)(sim_world_chance(&v->dice, 800) ? 0 : r->s.second ? 1 : 2);
    ca = run_ca(r, v->which);
    if (ca == NULL)
        return;
    v->bad = true;
    ca->evil.count = 0;
    evil_add(&ca->evil, id, sim_world_chance(&v->dice, 800) ? 1000 : 700, UINT16_MAX);
    /* Alone it cannot be borne for ever; and a proof that nobody has seen is the device's fault. */
    ca->evil.stays = v->which == 2 || (r->s.second && (id != EVIL_SRV_BLIND || r->s.staging) &&
                                       sim_world_chance(&v->dice, 500));
}

/* Older firmware knows one CA, jobs are of one account, an application's refusals of one pair. */
void servers_plan(struct run *r)
{
    struct scenario *s = &r->s;
    struct servers *v = &r->servers;
    const struct sim_net_faults *f = &s->net;

    if (s->first_bad != 0) {
        servers_world(r);
        evil_add(&r->ca.evil, (enum evil_id)s->first_bad, 1000, UINT16_MAX);
        r->ca.evil.stays = v->bad = true;
        return;
    }
    if ((!sim_world_chance(&v->dice, SERVERS_SEEDS) && !servers_always) || ca_stream_is_tls() ||
        s->ari_only || r->jobs.count > 0 || s->refuse_permille > 0 || s->job != 0)
        return;
    s->records = RECORDS_SAME;
    s->second = sim_world_chance(&v->dice, 800);
    s->staging = !s->second || sim_world_chance(&v->dice, 400);
    servers_world(r);
    for (unsigned i = 1; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL && sim_world_chance(&v->dice, 400))
            evil_choose(&run_ca(r, i)->evil);
    }
    if (sim_world_chance(&v->dice, 700))
        plan_bad(r);
    v->clean = servers_evils(r) == 1 && evil_has(&r->ca.evil, EVIL_SRV_BLIND) && s->staging &&
               f->stall_permille + f->reset_permille + f->refuse_permille + f->silent_permille +
                       f->lookup_permille ==
                   0 &&
               s->cut_permille == 0 && s->boot_loop_s == 0 && !s->storage_lies && !s->txt &&
               !s->medium.worn && s->medium.lazy_permille == 0;
}

void servers_world(struct run *r)
{
    static const char *const addr[] = {NULL, "192.0.2.2", "192.0.2.3"};

    for (unsigned i = 1; i < CA_PLACES; i++) {
        if (run_ca(r, i) == NULL)
            continue;
        sim_net_addr(&r->net, addr[i], (uint8_t)(CA_NODE + i));
        sim_net_name(&r->net, ca_bases[i] + 8, addr[i], NULL, 10);
        ca_init_at(run_ca(r, i), &r->world, &r->net, i);
    }
}

void servers_config(struct run *r)
{
    static struct acme_server second = {.url = "https://cb.test/directory"};

    if (r->s.second) {
        r->config.more_servers = &second;
        r->config.more_servers_count = 1;
    }
    if (r->s.staging)
        r->config.staging.url = "https://cs.test/directory";
}

/* ---- phases ---- */

void servers_calm(struct run *r)
{
    for (unsigned i = 1; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL)
            ca_calm(run_ca(r, i));
    }
    if (r->servers.bad && run_ca(r, r->servers.which)->evil.stays)
        r->phase_end += CALM_MORE_MS; /* it is not left before a day has passed */
}

/* The first has its turn again, whoever has issued. Not yet where a renewal that nobody wants any
 * more (a window that was a lie) has failed and is held back: it is looked at again after that. */
void servers_rest(struct run *r)
{
    struct servers *v = &r->servers;
    struct acme_agent_status status;

    for (unsigned i = 0; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL)
            run_ca(r, i)->evil.stays = false;
    }
    acme_agent_status(&r->agent, &status);
    v->asked = false;
    v->disturbed = status.failure->err != ACME_OK; /* it goes on where that one was */
    v->failed = 0;
    if ((r->s.second || r->s.staging) && status.failure->err == ACME_OK &&
        (strcmp(status.server, r->config.directory_url) != 0 || status.rehearsal))
        run_break(r, 23, "at rest another one than the first has its turn");
}

/* ---- over all ---- */

struct hold *servers_holds(struct run *r)
{
    return r->holds[place_of(r, r->at)];
}

unsigned servers_issued(struct run *r)
{
    return r->ca.issued + (r->s.second ? r->more[0].issued : 0);
}

unsigned servers_orders(struct run *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CA_PLACES; i++)
        n += run_ca(r, i) != NULL ? run_ca(r, i)->new_orders : 0;
    return n;
}

unsigned servers_evils(struct run *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CA_PLACES; i++)
        n += run_ca(r, i) != NULL ? run_ca(r, i)->evil.count : 0;
    return n;
}

int64_t servers_retry_spoken(struct run *r)
{
    int64_t last = 0;

    for (unsigned i = 0; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL && run_ca(r, i)->retry_spoken > last)
            last = run_ca(r, i)->retry_spoken;
    }
    return last;
}

bool servers_know(struct run *r, const char *host)
{
    for (unsigned i = 0; i < CA_PLACES; i++) {
        if (run_ca(r, i) != NULL && strcmp(host, ca_bases[i] + 8) == 0)
            return true;
    }
    return false;
}

/* ---- what must be true: 23 ---- */

void servers_hold_in_doubt(struct run *r, unsigned place, struct hold *h)
{
    if (h != &r->holds[place][HOLD_WINDOW] && place == 0 && h->until > r->servers.first_held)
        r->servers.first_held = h->until;
    h->until = 0;
}

static bool first_is_held(const struct run *r)
{
    int64_t now = sim_world_unix(&r->world);

    if (r->servers.first_held > now)
        return true;
    for (int i = 0; i < HOLDS; i++) {
        if (r->holds[0][i].until > now && i != HOLD_WINDOW)
            return true;
    }
    return false;
}

static void act_order(struct run *r, unsigned place)
{
    struct servers *v = &r->servers;

    v->rehearsed += place == 2;
    v->switched += place == 1;
    if (place == 2)
        v->failed = 0;
    /* A renewal begins at the first, however the last one ended; an order that was open may have
     * been another's. */
    if (r->renewing && !v->asked && place != 0 && !v->disturbed && !first_is_held(r) &&
        !clock_lies(r) && !r->s.storage_lies && !r->storage.lied && !r->slots.lies)
        run_break(r, 23, "a renewal does not begin at the first");
    v->asked = true;
    if (v->clean && place != 2 && v->failed != 0)
        run_break(r, 23, "an order after a failed proof, and no rehearsal");
}

void servers_check_act(struct run *r, const char *what, const struct ca_order *o)
{
    struct servers *v = &r->servers;
    unsigned place = place_of(r, r->at);

    if (!r->s.second && !r->s.staging)
        return;
    if (strcmp(what, "/new-order") == 0)
        act_order(r, place);
    else if (strcmp(what, "finalize") == 0 && place == 2)
        run_break(r, 23, "the staging CA issues");
    else if (strcmp(what, "failed") == 0 && place != 2)
        v->failed = o->number;
    else if (strcmp(what, "window") == 0 && place == 2)
        run_break(r, 23, "the staging CA is asked for a window");
}

void servers_check_event(struct run *r, const struct acme_event *e)
{
    if (e->type == ACME_EVENT_FAILURE || e->type == ACME_EVENT_RETRY)
        r->servers.disturbed = true;
    if (e->type == ACME_EVENT_SERVER) /* what is open at the one that is left is not gone on with */
        r->servers.gave_up = true;
}
