/* No renewal information (RFC 9773): the link choice of boards that have no room for it. The
 * lifetime rule alone says when to renew. */
#include "acme_steps.h"

void acme_ari_name(struct acme_cert_state *cert, const struct acme_cert_facts *facts)
{
    (void)facts;
    cert->id[0] = '\0';
}

bool acme_ari_followed(const struct acme_agent *a)
{
    (void)a;
    return false;
}

int64_t acme_ari_due_at(const struct acme_agent *a)
{
    return acme_sched_due_at(a->cert.not_before, a->cert.not_after);
}

uint32_t acme_ari_wait(const struct acme_agent *a, int64_t now)
{
    (void)a, (void)now;
    return UINT32_MAX;
}

void acme_ari_booted(struct acme_agent *a, int64_t now)
{
    (void)a, (void)now;
}

void acme_ari_rebase(struct acme_agent *a, int64_t now)
{
    (void)a, (void)now;
}

void acme_ari_after_directory(struct acme_agent *a, struct acme_next *next)
{
    next->row = a->kid[0] != '\0' ? acme_after_account(a) : ACME_ROW_REGISTER;
}

void acme_ari_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_ari_get(struct acme_agent *a, const struct acme_field *field)
{
    (void)a, (void)field;
}

void acme_ari_put_cert(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_ari_get_cert(const struct acme_agent *a, const struct acme_field *field,
                       struct acme_cert_state *out)
{
    (void)a, (void)field, (void)out;
}

void acme_ari_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    out->cert_id = a->cert.id;
}

uint8_t acme_ari_after_end(struct acme_agent *a)
{
    (void)a;
    return ACME_ROW_CLEAR;
}

int build_window(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)a, (void)url, (void)payload;
    return ACME_E_ARG;
}

int accept_window(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)a, (void)reply, (void)next;
    return ACME_E_ARG;
}

bool acme_ari_failed(struct acme_agent *a, int err, uint8_t *row)
{
    (void)a, (void)err, (void)row;
    return false;
}

bool acme_ari_replaces(const struct acme_agent *a)
{
    (void)a;
    return false;
}

bool acme_ari_refused(struct acme_agent *a, const struct acme_problem *problem)
{
    (void)a, (void)problem;
    return false;
}
