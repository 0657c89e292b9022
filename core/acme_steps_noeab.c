/* No external account binding: the link choice of boards whose CA asks for none. */
#include "acme_steps.h"

int acme_bind_check(struct acme_slice eab)
{
    return eab.len == 0 ? ACME_OK : ACME_E_CONFIG;
}

int acme_bind_offer(struct acme_agent *a, struct acme_buf *b)
{
    (void)a, (void)b;
    return ACME_OK;
}

void acme_bind_load(struct acme_agent *a, struct acme_slice stored)
{
    (void)a, (void)stored;
}

void acme_bind_forget(struct acme_agent *a)
{
    (void)a;
}

int refused_account(struct acme_agent *a, const struct acme_problem *problem,
                    struct acme_next *next)
{
    (void)a, (void)problem, (void)next;
    return ACME_E_REFUSED;
}
