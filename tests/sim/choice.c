#include "choice.h"

#include <stdio.h>
#include <string.h>

#include "run.h"

#define BOTH (ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01)

/* ---- the world ---- */

void choice_init(struct run *r, uint64_t seed)
{
    memset(&r->choice, 0, sizeof r->choice);
    sim_world_init(&r->choice.dice, seed ^ 0x5eedc401ceu);
}

void choice_plan(struct run *r)
{
    struct choice *c = &r->choice;

    c->on = r->s.choice ||
            (!r->fixed_cuts && !r->s.ari_only && !r->s.txt && sim_world_chance(&c->dice, 500));
    if (!c->on)
        return;
    c->http_first = sim_world_chance(&c->dice, 700);
    c->blind = (uint8_t)sim_world_below(&c->dice, BOTH + 1);
    if (r->s.names > 1 && sim_world_chance(&c->dice, 200))
        r->s.wildcard = true;
    for (unsigned i = 0; i < CA_PLACES; i++) {
        struct ca *ca = run_ca(r, i);
        if (ca == NULL)
            continue;
        ca->txt = txt_solver_has;
        ca->txt_ctx = &r->txt;
        ca->offers = choice_offers;
        ca->offers_ctx = r;
    }
}

size_t choice_solvers(struct run *r)
{
    bool http_first = r->choice.http_first;

    if (!r->choice.on)
        return 0;
    r->solvers[http_first ? 0 : 1] = http01_init(&r->http01, &r->device.port, NULL, 80);
    r->solvers[http_first ? 1 : 0] = txt_solver_boot(&r->txt, &r->device.port);
    return 2;
}

uint8_t choice_offers(void *ctx, uint8_t *blind)
{
    struct run *r = (struct run *)ctx;
    struct choice *c = &r->choice;

    *blind = 0;
    if (r->phase != PHASE_FAULTS)
        return BOTH;
    if (sim_world_chance(&c->dice, 150))
        c->blind = (uint8_t)sim_world_below(&c->dice, BOTH + 1);
    *blind = c->blind;
    return sim_world_chance(&c->dice, 600) ? BOTH
                                           : (uint8_t)(1 + sim_world_below(&c->dice, BOTH - 1));
}

/* ---- what the agent knows ---- */

static void choice_forget(struct run *r)
{
    memset(r->choice.names, 0, sizeof r->choice.names);
}

/* The place of a name, with its "*."; CA_NAMES: none. */
static unsigned choice_name(const struct run *r, const char *identifier)
{
    unsigned i = 0;

    while (i < r->config.names_count && strcmp(r->config.names[i], identifier) != 0)
        i++;
    return i < r->config.names_count ? i : CA_NAMES;
}

/* Its last proof that the CA which was asked did not see. */
static uint8_t choice_failed_type(const struct run *r, unsigned which)
{
    for (uint32_t i = r->at->orders_count; i > 0; i--) {
        const struct ca_order *o = &r->at->orders[i - 1];
        if (which < o->count && o->authz[which].challenge == ACME_STATUS_INVALID)
            return o->authz[which].type;
    }
    return 0;
}

void choice_event(struct run *r, const struct acme_event *e)
{
    bool failure = e->type == ACME_EVENT_FAILURE && e->err == ACME_E_VALIDATION;
    bool passed = e->type == ACME_EVENT_WARNING && e->word[0] != '\0';
    unsigned which;

    if (!r->choice.on)
        return;
    /* A success is forgotten all with. */
    if (e->type == ACME_EVENT_CERTIFICATE ||
        (e->type == ACME_EVENT_STEP && strcmp(e->step, "clear") == 0 &&
         r->agent.outcome == ACME_OK))
        choice_forget(r);
    if (e->type == ACME_EVENT_STEP && strcmp(e->step, "directory") == 0) {
        for (unsigned i = 0; i < CA_NAMES; i++)
            r->choice.names[i].passed = false;
    }
    if (!failure && !passed)
        return;
    which = choice_name(r, failure ? e->failure->problem.identifier : e->detail);
    if (which == CA_NAMES)
        return;
    if (passed)
        r->choice.names[which].passed = true;
    else {
        r->choice.names[which].failed = choice_failed_type(r, which);
        r->choice.names[which].durable = false;
    }
}

void choice_rest(struct run *r)
{
    for (unsigned i = 0; i < CA_NAMES; i++)
        r->choice.names[i].durable = true;
}

void choice_power_off(struct run *r)
{
    for (unsigned i = 0; i < CA_NAMES; i++) {
        r->choice.names[i].passed = false;
        if (!r->choice.names[i].durable)
            r->choice.names[i].failed = 0;
    }
}

/* What the agent may have been shown otherwise than it is: tokens that it must not use, and
 * authorizations that end without an error. */
static bool choice_blurs(const struct evil *e)
{
    return evil_has(e, EVIL_CHALL_PATH) || evil_has(e, EVIL_CHALL_SHORT) ||
           evil_has(e, EVIL_CHALL_LONG) || evil_has(e, EVIL_CHALL_SHELL) ||
           evil_has(e, EVIL_AUTHZ_DEAD) || evil_has(e, EVIL_AUTHZ_EXPIRED);
}

static bool choice_blurred(struct run *r)
{
    bool any = false;

    for (unsigned i = 0; i < CA_PLACES; i++)
        any |= run_ca(r, i) != NULL && choice_blurs(&run_ca(r, i)->evil);
    return any;
}

void choice_respond(struct run *r, const struct ca_authz *z, unsigned which, uint8_t type)
{
    if (!r->choice.on || which >= CA_NAMES)
        return;
    if (r->choice.names[which].failed == type && !r->choice.names[which].passed &&
        (z->offers & BOTH & ~type) != 0 && !r->s.storage_lies && r->s.records == RECORDS_SAME &&
        !choice_blurred(r))
        run_break(r, 24, type == ACME_CHALLENGE_DNS01 ? "dns-01" : "http-01");
}

void choice_end(struct run *r)
{
    if (r->choice.on && txt_solver_left(&r->txt) > 0 && r->s.flip_permille == 0)
        run_break(r, 3, "a TXT record is left behind");
}
