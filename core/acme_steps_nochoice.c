/* No memory of ways of proof that failed: the link choice of boards with one solver, or whose
 * solvers have a fixed order. A solver that declines is passed over all the same. */
#include "acme_steps.h"

void acme_choice_failed(struct acme_agent *a, const struct acme_authorization *authz)
{
    (void)a, (void)authz;
}

unsigned acme_choice_rank(const struct acme_agent *a, const char *identifier, unsigned type)
{
    (void)a, (void)identifier, (void)type;
    return 0;
}

void acme_choice_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_choice_get(struct acme_agent *a, const struct acme_field *field)
{
    (void)a, (void)field;
}

void acme_choice_forget(struct acme_agent *a)
{
    (void)a;
}

void acme_choice_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    (void)a, (void)out;
}

bool acme_choice_passes(struct acme_agent *a, struct acme_order_name *name, int err)
{
    (void)a, (void)name, (void)err;
    return false;
}

int acme_choice_undo(struct acme_agent *a, const struct acme_order_name *name,
                     const struct acme_challenge *c)
{
    (void)a, (void)name, (void)c;
    return ACME_E_DECLINED;
}

int acme_choice_none(struct acme_agent *a, const struct acme_order_name *name)
{
    (void)a, (void)name;
    return ACME_OK;
}
