/* The CA's default chain, always: the link choice of boards. */
#include "acme_steps.h"

bool acme_pick_built_in(void)
{
    return false;
}

bool acme_pick_chain(struct acme_agent *a, const struct acme_reply *reply,
                     const struct acme_chain *chain, struct acme_next *next)
{
    (void)a, (void)reply, (void)chain, (void)next;
    return true;
}

bool acme_pick_skip(struct acme_agent *a, struct acme_next *next)
{
    (void)a, (void)next;
    return false;
}

int refused_cert(struct acme_agent *a, const struct acme_problem *problem, struct acme_next *next)
{
    (void)a, (void)problem, (void)next;
    return ACME_E_REFUSED;
}
