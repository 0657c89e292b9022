#include "txt_solver.h"

#include <stdio.h>
#include <string.h>

static struct txt_record *txt_find(struct txt_solver *t, const char *name, const char *token)
{
    for (unsigned i = 0; i < t->count; i++) {
        struct txt_record *r = &t->records[i];
        if (r->there && strcmp(r->name, name) == 0 && strcmp(r->token, token) == 0)
            return r;
    }
    return NULL;
}

static int txt_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct txt_solver *t = (struct txt_solver *)s;
    struct txt_record *r = txt_find(t, c->identifier, c->token);

    if (sim_world_chance(t->world, t->again_permille))
        return ACME_AGAIN;
    if (sim_world_chance(t->world, t->fail_permille))
        return ACME_E_SOLVER;
    for (unsigned i = 0; r == NULL && i < TXT_MAX; i++) {
        if (t->records[i].there)
            continue;
        r = &t->records[i];
        t->count = t->count > i ? t->count : i + 1;
    }
    if (r == NULL)
        return ACME_E_SIZE;
    snprintf(r->name, sizeof r->name, "%s", c->identifier);
    snprintf(r->token, sizeof r->token, "%s", c->token);
    snprintf(r->proof, sizeof r->proof, "%s", c->key_authorization);
    r->there = true;
    r->visible_at = t->world->now_ms + sim_world_below(t->world, t->slow_ms + 1);
    /* The record is out there; what the device knows of it may be lost. */
    sim_world_moment(t->world, "cut after a TXT record");
    return ACME_OK;
}

static int txt_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    struct txt_solver *t = (struct txt_solver *)s;
    const struct txt_record *r = txt_find(t, c->identifier, c->token);

    if (r == NULL)
        return ACME_E_SOLVER;
    return r->visible_at <= t->world->now_ms ? ACME_OK : ACME_AGAIN;
}

static int txt_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    struct txt_solver *t = (struct txt_solver *)s;
    struct txt_record *r = txt_find(t, c->identifier, c->token);

    (void)outcome;
    if (sim_world_chance(t->world, t->again_permille))
        return ACME_AGAIN;
    if (r != NULL)
        r->there = false;
    sim_world_moment(t->world, "cut after a TXT record went");
    return ACME_OK;
}

static const struct acme_solver_ops txt_ops = {
    .name = "sim-txt",
    .types = ACME_CHALLENGE_DNS01,
    .needs = ACME_NEEDS_NOTHING,
    .begin = txt_begin,
    .ready = txt_ready,
    .end = txt_end,
};

void txt_solver_init(struct txt_solver *t, struct sim_world *w)
{
    memset(t, 0, sizeof *t);
    t->world = w;
}

struct acme_solver *txt_solver_boot(struct txt_solver *t, const struct acme_port *port)
{
    t->solver.ops = &txt_ops;
    t->solver.port = port;
    return &t->solver;
}

bool txt_solver_has(void *ctx, const char *name, const char *token, const char *thumbprint)
{
    struct txt_solver *t = (struct txt_solver *)ctx;
    const struct txt_record *r = txt_find(t, name, token);
    char want[180];

    snprintf(want, sizeof want, "%s.%s", token, thumbprint);
    return r != NULL && r->visible_at <= t->world->now_ms && strcmp(r->proof, want) == 0;
}

unsigned txt_solver_left(const struct txt_solver *t)
{
    unsigned left = 0;

    for (unsigned i = 0; i < t->count; i++)
        left += t->records[i].there;
    return left;
}
