/* Jobs: what an agent does when it is asked to, besides its certificate; revocation (RFC 8555 7.6).
 * A link choice: the other one is acme_steps_nojob.c. */
#include "acme_steps.h"

#include <string.h>

#include "acme_records.h"

static const struct {
    uint8_t number;
    const char *name;
} job_reasons[] = {
    {ACME_REASON_UNSPECIFIED, "unspecified"},
    {ACME_REASON_KEY_COMPROMISE, "keyCompromise"},
    {ACME_REASON_CA_COMPROMISE, "cACompromise"},
    {ACME_REASON_AFFILIATION_CHANGED, "affiliationChanged"},
    {ACME_REASON_SUPERSEDED, "superseded"},
    {ACME_REASON_CESSATION_OF_OPERATION, "cessationOfOperation"},
    {ACME_REASON_CERTIFICATE_HOLD, "certificateHold"},
    {ACME_REASON_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn"},
    {ACME_REASON_AA_COMPROMISE, "aACompromise"},
};
#define JOB_REASONS (sizeof job_reasons / sizeof job_reasons[0])

const char *acme_reason_name(int reason)
{
    for (size_t i = 0; i < JOB_REASONS; i++) {
        if (job_reasons[i].number == reason)
            return job_reasons[i].name;
    }
    return "";
}

int acme_reason_from(const char *name)
{
    for (size_t i = 0; i < JOB_REASONS; i++) {
        if (strcmp(job_reasons[i].name, name) == 0)
            return job_reasons[i].number;
    }
    return -1;
}

static bool job_makes_sense(const struct acme_job *job)
{
    switch (job->type) {
    case ACME_JOB_REVOKE:
        return acme_reason_name(job->reason)[0] != '\0';
    case ACME_JOB_UPDATE:
        return job->contact == NULL || acme_contact_ok(job->contact);
    case ACME_JOB_ROLLOVER:
        return job->key_type == ACME_KEY_NONE ||
               (acme_key_supported((enum acme_key_type)job->key_type) &&
                job->key_type <= ACME_KEY_RSA2048);
    case ACME_JOB_RECOVER:
        return job->key != NULL && job->key->type != ACME_KEY_NONE;
    default:
        return job->type != 0 && job->type < ACME_JOB_END_;
    }
}

int acme_agent_do(struct acme_agent *a, const struct acme_job *job, unsigned flags)
{
    if (a->busy || a->asked || !job_makes_sense(job))
        return ACME_E_ARG;
    a->job = job;
    a->revoke_first = false;
    a->until = ACME_ROW_NONE;
    a->ask_flags = (uint8_t)flags;
    a->asked = true;
    a->outcome = ACME_AGAIN;
    a->wake_ms = 0;
    return ACME_OK;
}

/* -- the mark of a revocation -- */

/* The certificate in force is to be revoked. */
bool acme_job_of_ours(const struct acme_agent *a)
{
    return a->job->type == ACME_JOB_REVOKE && a->job->certificate.len == 0;
}

bool acme_job_revoked(const struct acme_agent *a)
{
    return a->cert.has && a->revoked.state != ACME_NOT_REVOKED &&
           memcmp(a->revoked.order, a->cert.order, sizeof a->cert.order) == 0;
}

void acme_job_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    if (!acme_job_revoked(a))
        return;
    out->revoked = a->revoked.state;
    out->revoked_reason = a->revoked.reason;
    out->revoked_at = a->revoked.at;
}

/* Kept as long as the certificate may come back into force: it is one in a life. */
void acme_job_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    if (a->revoked.state == ACME_NOT_REVOKED)
        return;
    acme_record_bytes(w, REVOKED_ORDER, a->revoked.order, sizeof a->revoked.order);
    acme_record_u64(w, REVOKED_STATE, a->revoked.state);
    acme_record_i64(w, REVOKED_AT, a->revoked.at);
    acme_record_u64(w, REVOKED_REASON, a->revoked.reason);
}

void acme_job_get(struct acme_agent *a, const struct acme_field *field)
{
    uint64_t number = 0;

    if (field->tag == REVOKED_ORDER && field->value.len == sizeof a->revoked.order)
        memcpy(a->revoked.order, field->value.ptr, sizeof a->revoked.order);
    else if (field->tag == REVOKED_AT)
        (void)acme_field_i64(field, &a->revoked.at);
    else if (field->tag == REVOKED_STATE && acme_field_u64(field, &number))
        a->revoked.state = number == ACME_REVOKED ? ACME_REVOKED : ACME_REVOKE_ASKED;
    else if (field->tag == REVOKED_REASON && acme_field_u64(field, &number))
        a->revoked.reason = (uint8_t)number;
}

/* -- the way of a job -- */

bool acme_job_ends_order(const struct acme_agent *a)
{
    return (acme_job_of_ours(a) && a->cert.has) || a->job->type == ACME_JOB_DEACTIVATE;
}

/* They are made of the account's key: with the next one they could not even be cleaned up. */
bool acme_job_ends_proofs(const struct acme_agent *a)
{
    if (a->job->type != ACME_JOB_ROLLOVER)
        return false;
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        if (a->order.names[i].flags & ORDER_BEGUN)
            return true;
    }
    return false;
}

uint8_t acme_job_row(const struct acme_agent *a)
{
    switch (a->job->type) {
    case ACME_JOB_UPDATE:
        return ACME_ROW_UPDATE;
    case ACME_JOB_DEACTIVATE:
        return ACME_ROW_DEACTIVATE;
    case ACME_JOB_ROLLOVER:
        return ACME_ROW_NEW_KEY;
    case ACME_JOB_REVOKE:
        return acme_job_of_ours(a)   ? ACME_ROW_REVOKING
               : a->job->key != NULL ? ACME_ROW_REVOKE_KEY
                                     : ACME_ROW_REVOKE;
    default:
        return ACME_ROW_SHOW;
    }
}

/* What a revocation needs. */
static int job_revoke(struct acme_agent *a, const struct acme_directory *directory)
{
    if (acme_job_of_ours(a) && !a->cert.has)
        return acme_fail_note(a, ACME_E_CONFIG, "there is no certificate to revoke", NULL);
    if (directory->revoke_cert == NULL)
        return acme_fail_note(a, ACME_E_REFUSED, "the CA's directory has no revokeCert", NULL);
    return acme_directory_keep(a, directory->revoke_cert, "revokeCert", &a->directory.job);
}

int acme_job_directory(struct acme_agent *a, const struct acme_directory *directory,
                       struct acme_next *next)
{
    bool by_key = a->job->type == ACME_JOB_REVOKE && a->job->key != NULL;
    int err = ACME_OK;

    if (a->job->type == ACME_JOB_REVOKE)
        err = job_revoke(a, directory);
    else if (a->job->type == ACME_JOB_RECOVER)
        err = acme_recover_begin(a);
    next->row = acme_job_row(a);
    if (a->job->type == ACME_JOB_ROLLOVER && a->new_key.type == ACME_KEY_NONE)
        err = acme_roll_directory(a, directory, next);
    if (err != ACME_OK || by_key || a->kid[0] != '\0')
        return err;
    /* The account that our key has; none is made for this. */
    if (a->account_key.type == ACME_KEY_NONE)
        return acme_fail_note(a, ACME_E_ACCOUNT, "there is no account at this CA", NULL);
    a->find_account = true;
    next->row = ACME_ROW_ACCOUNT;
    return ACME_OK;
}

/* A CA that refused what it was asked once has not done it. */
uint8_t acme_job_failed(struct acme_agent *a)
{
    uint16_t status = a->problem.http_status;

    if (a->step == ACME_ROW_NEW_KEY) /* it is not durable: nobody may hear of it */
        acme_key_wipe(&a->new_key);
    if (a->step == ACME_ROW_WHICH_OLD && a->roll_refused &&
        (a->new_key.type == ACME_KEY_NONE || a->roll_noted)) {
        a->roll_refused = a->roll_noted = false;
        return ACME_SAVE_ACCOUNT;
    }
    if (a->job->type == ACME_JOB_RECOVER || a->job->type == ACME_JOB_DEACTIVATE) {
        a->loaded = false;
        a->reload_account = true; /* back to what is stored; of all else more is known */
    }
    if ((a->step != ACME_ROW_REVOKE && a->step != ACME_ROW_REVOKE_KEY) || !a->revoke_first ||
        a->lost_in_run > 0 || a->exchange.single || status < 400 || status >= 500 ||
        status == 429 || a->revoked.state != ACME_REVOKE_ASKED)
        return 0;
    a->revoked.state = ACME_NOT_REVOKED;
    return ACME_SAVE_SCHED;
}

/* -- revocation -- */

/* After a cut here nobody knows whether the CA has revoked it: that is on record, and such a
 * certificate is not renewed either. */
int step_revoking(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    int64_t now = 0;

    (void)reply;
    (void)acme_wall_clock(a, &now);
    next->row = a->job->key != NULL ? ACME_ROW_REVOKE_KEY : ACME_ROW_REVOKE;
    if (acme_job_revoked(a) && a->revoked.state == ACME_REVOKED)
        return ACME_OK; /* asked once more */
    a->revoke_first = !acme_job_revoked(a);
    a->revoked.state = ACME_REVOKE_ASKED;
    a->revoked.reason = a->job->reason;
    a->revoked.at = now;
    memcpy(a->revoked.order, a->cert.order, sizeof a->revoked.order);
    next->save = ACME_SAVE_SCHED;
    return ACME_OK;
}

/* The leaf in force; its record, with the key, goes through io, which takes the request next. */
static int revoke_stored(struct acme_agent *a, struct acme_buf *b)
{
    struct acme_span io = a->config->memory.io;
    struct acme_certificate cert;
    struct acme_slice leaf;
    int err = acme_agent_certificate(a, io, &cert);

    if (err == ACME_OK) {
        leaf = acme_chain_at(&cert.chain, 0);
        acme_buf_b64url(b, leaf.ptr, leaf.len);
    }
    acme_wipe(io.ptr, io.len);
    return err;
}

int build_revoke(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_slice der = a->job->certificate;
    struct acme_buf b;
    int err = ACME_OK;

    acme_buf_init(&b, a->config->memory.scratch.ptr, a->config->memory.scratch.len);
    acme_buf_text(&b, "{\"certificate\":\"");
    if (acme_job_of_ours(a))
        err = revoke_stored(a, &b);
    else
        acme_buf_b64url(&b, der.ptr, der.len);
    if (err != ACME_OK)
        return err;
    acme_buf_text(&b, "\",\"reason\":");
    acme_buf_dec(&b, a->job->reason);
    acme_buf_char(&b, '}');
    *url = a->directory.text + a->directory.job;
    *payload = acme_buf_slice(&b);
    return b.overflow ? acme_fail_note(a, ACME_E_SIZE, "bound: scratch, for revokeCert", NULL)
                      : ACME_OK;
}

int accept_revoke(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_event event = {.type = ACME_EVENT_REVOKED};

    (void)reply;
    event.text = acme_reason_name(a->job->reason);
    a->outcome = ACME_OK;
    next->row = ACME_ROW_REST;
    if (acme_job_of_ours(a) && a->revoked.state != ACME_REVOKED) {
        a->revoked.state = ACME_REVOKED;
        next->save = ACME_SAVE_SCHED;
    }
    acme_emit(a, &event);
    return ACME_OK;
}

/* alreadyRevoked is what was wanted. */
int refused_revoke(struct acme_agent *a, const struct acme_problem *problem, struct acme_next *next)
{
    if (problem->type == ACME_PROBLEM_ALREADY_REVOKED)
        return accept_revoke(a, NULL, next);
    return ACME_E_REFUSED;
}
