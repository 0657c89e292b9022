/* One CA: the link choice of boards that have no other. */
#include "acme_steps.h"

#include <string.h>

const char *acme_server_url(const struct acme_agent *a)
{
    return a->config->directory_url;
}

struct acme_slice acme_server_eab(const struct acme_agent *a)
{
    return a->config->eab;
}

bool acme_server_wanted(const struct acme_agent *a, struct acme_slice want, uint8_t *server)
{
    (void)server;
    return want.len == sizeof a->want && memcmp(want.ptr, a->want, sizeof a->want) == 0;
}

void acme_server_issued(struct acme_agent *a)
{
    (void)a;
}

void acme_server_put_cert(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_server_get_cert(const struct acme_agent *a, const struct acme_field *field,
                          struct acme_slice want, struct acme_cert_state *out)
{
    (void)a, (void)field, (void)want, (void)out;
}

void acme_server_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    (void)a, (void)w;
}

void acme_server_get(struct acme_agent *a, const struct acme_field *field)
{
    (void)a, (void)field;
}

void acme_server_get_end(struct acme_agent *a)
{
    (void)a;
}

void acme_server_forget(struct acme_agent *a)
{
    (void)a;
}

int acme_server_loaded(struct acme_agent *a)
{
    (void)a;
    return ACME_OK;
}

bool acme_server_change(struct acme_agent *a, bool due)
{
    (void)a, (void)due;
    return false;
}

bool acme_server_elsewhere(const struct acme_agent *a)
{
    (void)a;
    return false;
}

bool acme_server_changed(const struct acme_agent *a)
{
    (void)a;
    return false;
}

bool acme_server_held(struct acme_agent *a, int64_t now, uint32_t wait)
{
    (void)a, (void)now, (void)wait;
    return false;
}

void acme_server_goes(struct acme_agent *a)
{
    (void)a;
}

uint32_t acme_server_own_wait(const struct acme_agent *a, int64_t now)
{
    return acme_sched_wait(&a->sched, now);
}

uint32_t acme_server_hold(const struct acme_agent *a, int64_t now)
{
    (void)a, (void)now;
    return 0;
}

void acme_server_rebase(struct acme_agent *a, int64_t now)
{
    (void)a, (void)now;
}

void acme_server_charged(struct acme_agent *a)
{
    (void)a;
}

bool acme_server_rehearsed(struct acme_agent *a, struct acme_next *next)
{
    (void)a, (void)next;
    return false;
}

void acme_server_succeeded(struct acme_agent *a)
{
    (void)a;
}

bool acme_server_failed_last(const struct acme_agent *a)
{
    return a->failure.err != ACME_OK;
}

void acme_server_failed(struct acme_agent *a, int err, int64_t now)
{
    (void)a, (void)err, (void)now;
}

int acme_server_check(const struct acme_config *config, const char **why, const char **which)
{
    (void)config, (void)why, (void)which;
    return ACME_OK;
}

void acme_server_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    (void)a, (void)out;
}
