/* The first look comes as soon as always: the link choice of boards. */
#include "acme_steps.h"

uint32_t acme_pace_first(struct acme_agent *a, uint32_t usual_ms)
{
    a->order.poll_ms = usual_ms;
    return usual_ms;
}

void acme_pace_seen(struct acme_agent *a)
{
    (void)a;
}

void acme_pace_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_pace_get(struct acme_agent *a, const struct acme_field *field)
{
    (void)a, (void)field;
}
