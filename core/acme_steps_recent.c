/* Certificates that are made though none is due: the CA's narrowest limit. A link choice: the other
 * one is acme_steps_norecent.c. */
#include "acme_steps.h"

#include "acme_records.h"

/* What is wanted, in a word: another set of names has a limit of its own. */
static uint32_t recent_what(const struct acme_agent *a)
{
    return (uint32_t)a->want[0] << 24 | (uint32_t)a->want[1] << 16 | (uint32_t)a->want[2] << 8 |
           a->want[3];
}

void acme_recent_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    if (a->recent.at[0] != 0)
        acme_record_u64(w, RECENT_WHAT, a->recent.what);
    for (unsigned i = 0; i < ACME_RECENT && a->recent.at[i] != 0; i++)
        acme_record_u64(w, (uint16_t)(RECENT_AT + i), a->recent.at[i]);
}

void acme_recent_get(struct acme_agent *a, const struct acme_field *field)
{
    unsigned i = (unsigned)field->tag - RECENT_AT;
    uint64_t value = 0;

    if (field->tag == RECENT_WHAT && acme_field_u64(field, &value))
        a->recent.what = (uint32_t)value;
    else if (i < ACME_RECENT && acme_field_u64(field, &value))
        a->recent.at[i] = (uint32_t)value;
}

void acme_recent_stored(struct acme_agent *a)
{
    int64_t now = 0;

    if (acme_wall_clock(a, &now) == ACME_OK &&
        !(a->cert.has && a->cert.wanted && now >= acme_ari_due_at(a)))
        acme_recent_add(&a->recent, recent_what(a), now);
}

/* Whoever only reads the records need not know what is wanted. */
void acme_recent_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    uint32_t first = a->recent.at[ACME_RECENT - 1];

    if (first != 0)
        out->early_at = (int64_t)first * ACME_MINUTE + ACME_RECENT_SPAN;
}

uint32_t acme_recent_early(const struct acme_agent *a, int64_t now)
{
    return acme_recent_wait(&a->recent, recent_what(a), now,
                            !a->cert.has || now >= a->cert.not_after);
}
