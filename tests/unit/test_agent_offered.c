/* Solvers that look at what the CA offers, and that make requests of their own. */
#include "agent_world.h"

static struct {
    const struct acme_solver_ops *honest; /* of the first solver of this world */
    struct acme_solver *two;              /* its second one */
    struct acme_solver_ops ops;
    struct acme_solver solver;
    int asked, err;
    char url[80];
    int lent, more; /* begins with an exchange; how often it wants to be called again */
    bool stopped;
} o;

static int offered(struct acme_solver *s, const struct acme_challenge_object *c)
{
    CHECK(s == &o.solver && (s->ops->types & (unsigned)c->type) != 0 && c->token != NULL);
    o.asked++;
    (void)snprintf(o.url, sizeof o.url, "%s", c->url);
    return o.err;
}

/* The exchange is idle, and all of io may be written to. */
static int begin(struct acme_solver *s, const struct acme_challenge *c)
{
    CHECK_INT(c->exchange != NULL, (s->ops->needs & ACME_NEEDS_EXCHANGE) != 0);
    if (c->exchange != NULL) {
        CHECK(c->exchange == &agent.exchange);
        CHECK(c->exchange->io.ptr == agent.config->memory.io.ptr && c->exchange->io.ptr != NULL);
        memset(c->exchange->io.ptr, 0x5a, c->exchange->io.len);
        o.lent++;
    }
    if (o.more > 0) {
        o.more--;
        return ACME_AGAIN;
    }
    return o.two->ops->begin(o.two, c);
}

/* Only begin is lent it: nobody else gives it back as it was. */
static int ready(struct acme_solver *s, const struct acme_challenge *c)
{
    (void)s;
    CHECK(c->exchange == NULL);
    return ACME_OK;
}

static int end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    (void)s;
    CHECK(c->exchange == NULL);
    return o.two->ops->end(o.two, c, outcome);
}

static void reset(unsigned needs)
{
    if (o.honest == NULL) {
        o.honest = w_solvers[0]->ops;
        o.two = w_solvers[1];
    }
    w_solvers[1] = o.two; /* also after a test that failed */
    w_reset();
    o.asked = o.lent = o.more = 0;
    o.err = ACME_OK;
    o.ops = *o.honest;
    o.ops.needs = needs;
    o.ops.offered = offered;
    o.ops.begin = begin;
    o.ops.ready = ready;
    o.ops.end = end;
    o.solver.ops = &o.ops;
    o.solver.port = o.two->port;
    w_solvers[0] = &o.solver;
}

TEST(what_fits_is_taken)
{
    reset(0);
    w_count(2);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(o.asked, 2);
    CHECK(strncmp(o.url, "https://", 8) == 0);
    CHECK_INT(o.lent, 0);
    CHECK_INT(w_begun(), 0);
}

TEST(what_does_not_fit_goes_to_another_solver)
{
    reset(0);
    o.err = ACME_E_DECLINED;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(o.asked >= 1);
    CHECK(w_did("B:two:n1."));
    CHECK_INT(w.orders_count, 1);
}

TEST(what_fits_nobody_is_told)
{
    reset(0);
    o.err = ACME_E_DECLINED;
    w_solvers[1] = &o.solver;
    CHECK_INT(w_issue(0), ACME_E_NO_SOLVER);
    CHECK(!w_did("B:"));
    CHECK(!w_did("Q:respond"));
}

TEST(an_exchange_is_lent_to_begin_alone)
{
    reset(ACME_NEEDS_EXCHANGE);
    w_count(3);
    o.more = 5;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(o.lent, 3 + 5);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

RUN()
