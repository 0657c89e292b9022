/* No jobs: the link choice of boards, whose certificates are revoked elsewhere. */
#include "acme_steps.h"

const char *acme_reason_name(int reason)
{
    (void)reason;
    return "";
}

int acme_reason_from(const char *name)
{
    (void)name;
    return -1;
}

int acme_agent_do(struct acme_agent *a, const struct acme_job *job, unsigned flags)
{
    (void)a, (void)job, (void)flags;
    return ACME_E_CONFIG;
}

bool acme_job_of_ours(const struct acme_agent *a)
{
    (void)a;
    return false;
}

bool acme_job_revoked(const struct acme_agent *a)
{
    (void)a;
    return false;
}

void acme_job_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    (void)a, (void)out;
}

void acme_job_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_job_get(struct acme_agent *a, const struct acme_field *field)
{
    (void)a, (void)field;
}

bool acme_job_ends_order(const struct acme_agent *a)
{
    (void)a;
    return false;
}

bool acme_job_ends_proofs(const struct acme_agent *a)
{
    (void)a;
    return false;
}

int acme_job_directory(struct acme_agent *a, const struct acme_directory *directory,
                       struct acme_next *next)
{
    (void)a, (void)directory, (void)next;
    return ACME_E_ARG;
}

uint8_t acme_job_row(const struct acme_agent *a)
{
    (void)a;
    return ACME_ROW_REST;
}

uint8_t acme_job_failed(struct acme_agent *a)
{
    (void)a;
    return 0;
}

int step_revoking(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int build_revoke(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int accept_revoke(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int refused_revoke(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next)
{
    (void)a, (void)p, (void)next;
    return ACME_E_ARG;
}

int build_show(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int build_update(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int build_deactivate(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int build_find(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int accept_show(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int accept_deactivate(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int accept_deactivated(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int refused_deactivate(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next)
{
    (void)a, (void)p, (void)next;
    return ACME_E_ARG;
}

int refused_deactivated(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next)
{
    (void)a, (void)p, (void)next;
    return ACME_E_ARG;
}

bool acme_roll_knows(uint16_t tag)
{
    (void)tag;
    return false;
}

int acme_roll_directory(struct acme_agent *a, const struct acme_directory *directory,
                        struct acme_next *next)
{
    (void)a, (void)directory, (void)next;
    return ACME_E_ARG;
}

int step_new_key(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int build_rollover(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int accept_rollover(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int refused_rollover(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next)
{
    (void)a, (void)p, (void)next;
    return ACME_E_ARG;
}

int accept_which_new(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int refused_which_new(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next)
{
    (void)a, (void)p, (void)next;
    return ACME_E_ARG;
}

int accept_which_old(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

int refused_which_old(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next)
{
    (void)a, (void)p, (void)next;
    return ACME_E_ARG;
}
