/* No memory of certificates that were made though none was due: the link choice of boards where
 * nobody can ask for one. The CA's own word (429) remains. */
#include "acme_steps.h"

void acme_recent_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_recent_get(struct acme_agent *a, const struct acme_field *field)
{
    (void)a, (void)field;
}

void acme_recent_stored(struct acme_agent *a)
{
    (void)a;
}

void acme_recent_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    (void)a, (void)out;
}

uint32_t acme_recent_early(const struct acme_agent *a, int64_t now)
{
    (void)a, (void)now;
    return 0;
}
