/* How long the CA took the last time: a renewal looks at its order no sooner. */
#include "acme_records.h"
#include "acme_steps.h"

#define PACE_FAST_MS  100   /* such a CA is looked at as ever: it costs a look or two */
#define PACE_LEAST_MS 1500  /* all others do not take the same time each time */
#define PACE_MOST_MS  4000  /* above that an open connection is not worth a look */
#define PACE_LIFE_S   86400 /* who lives for minutes has no seconds to spare, nor who comes after */

static uint32_t pace_wait(uint16_t pace)
{
    return pace < PACE_LEAST_MS ? PACE_LEAST_MS : pace;
}

/* Nobody waits for a renewal, and the looks that it leaves out are the CA's to spare. Whoever asked
 * in person does wait. */
uint32_t acme_pace_first(struct acme_agent *a, uint32_t usual_ms)
{
    uint16_t pace = a->pace_ms[a->order.finalized];

    a->order.poll_ms = usual_ms;
    if (pace == 0 || !a->cert.has || !a->cert.wanted || a->ask_flags != 0 ||
        a->cert.not_after - a->cert.not_before < PACE_LIFE_S)
        return usual_ms;
    a->order.poll_ms = pace_wait(pace) / 2;
    return pace_wait(pace);
}

/* When one look was enough nobody knows how much sooner it was done: of a long wait a quarter is
 * taken off, a short one stays, as to find out would cost all the looks again. */
void acme_pace_seen(struct acme_agent *a)
{
    uint16_t *pace = &a->pace_ms[a->order.finalized];
    uint32_t took = (uint32_t)(a->request_ms - a->order.since_ms);

    if (a->order.since_ms == 0 ||
        a->order.status != (a->order.finalized ? ACME_STATUS_VALID : ACME_STATUS_READY))
        return;
    if (*pace != 0 && a->ask_flags == 0 && took < pace_wait(*pace) + pace_wait(*pace) / 8)
        took = *pace > PACE_LEAST_MS ? *pace - *pace / 4u : *pace;
    *pace = took < PACE_FAST_MS ? 0 : (uint16_t)(took < PACE_MOST_MS ? took : PACE_MOST_MS);
}

void acme_pace_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    uint32_t both = a->pace_ms[0] | (uint32_t)a->pace_ms[1] << 16;

    if (both != 0)
        acme_record_u64(w, PACE_MS, both);
}

void acme_pace_get(struct acme_agent *a, const struct acme_field *field)
{
    uint64_t both = 0;

    if (field->tag != PACE_MS || !acme_field_u64(field, &both))
        return;
    for (int i = 0; i < 2; i++, both >>= 16)
        a->pace_ms[i] = (uint16_t)both > PACE_MOST_MS ? PACE_MOST_MS : (uint16_t)both;
}
