/* Jobs of the account: shown, changed, deactivated, recovered by its key (RFC 8555 7.3). Linked
 * with acme_steps_job.c. */
#include "acme_steps.h"

#include <string.h>

#include "acme_jws.h"

/* What only goes to a person: made safe, and cut. */
static void account_tell_contacts(struct acme_agent *a, const struct acme_json *root)
{
    const struct acme_json *node = acme_json_first(acme_json_get(root, "contact"));
    char shown[128];
    struct acme_event event = {.type = ACME_EVENT_CONTACT, .detail = shown};

    for (int i = 0; node != NULL && i < 10; i++, node = acme_json_next(node)) {
        if (acme_json_text(node) == NULL)
            continue;
        acme_printable(shown, sizeof shown, acme_slice_text(acme_json_text(node)));
        acme_emit(a, &event);
    }
}

void acme_account_tell(struct acme_agent *a, const char *status)
{
    char thumbprint[ACME_THUMBPRINT_TEXT], shown[32];
    struct acme_event event = {.type = ACME_EVENT_ACCOUNT, .detail = a->kid};

    acme_printable(shown, sizeof shown, acme_slice_text(status));
    event.text = shown;
    if (acme_jws_thumbprint(&a->account_key, thumbprint) == ACME_OK)
        event.word = thumbprint;
    acme_emit(a, &event);
}

/* -- show and update: both replies are the account -- */

int build_show(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)payload;
    *url = a->kid;
    return ACME_OK;
}

int accept_show(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL;
    const char *status;
    int err = acme_reply_json(a, reply, &root);

    if (err != ACME_OK)
        return acme_fail_note(a, err, "the account object", NULL);
    status = acme_json_member(root, "status");
    acme_account_tell(a, status != NULL ? status : "");
    account_tell_contacts(a, root);
    a->outcome = ACME_OK;
    next->row = ACME_ROW_REST;
    return ACME_OK;
}

int build_update(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_buf b;

    acme_buf_init(&b, a->config->memory.scratch.ptr, a->config->memory.scratch.len);
    acme_buf_text(&b, "{\"contact\":[");
    if (a->job->contact != NULL) {
        acme_buf_text(&b, "\"mailto:");
        acme_buf_text(&b, a->job->contact); /* acme_contact_ok: nothing to escape */
        acme_buf_char(&b, '"');
    }
    acme_buf_text(&b, "]}");
    *url = a->kid;
    *payload = acme_buf_slice(&b);
    return b.overflow ? ACME_E_SIZE : ACME_OK;
}

/* -- recover -- */

int acme_recover_begin(struct acme_agent *a)
{
    if (a->new_key.type != ACME_KEY_NONE)
        return acme_fail_note(a, ACME_E_CONFIG, "a roll-over of its key is under way", NULL);
    if (a->kid[0] != '\0' && !acme_key_equal(&a->account_key, a->job->key))
        return acme_fail_note(a, ACME_E_CONFIG, "there is an account with another key already",
                              NULL);
    a->account_key = *a->job->key;
    a->kid[0] = a->thumbprint[0] = '\0';
    return ACME_OK;
}

/* -- deactivate -- */

int build_deactivate(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    *url = a->kid;
    *payload = acme_slice_text("{\"status\":\"deactivated\"}");
    return ACME_OK;
}

/* Nothing can be done with the key any more, and the next account has a fresh one (11.1). */
int acme_account_ended(struct acme_agent *a, struct acme_next *next)
{
    acme_account_tell(a, "deactivated");
    acme_key_wipe(&a->account_key);
    acme_key_wipe(&a->new_key);
    a->kid[0] = a->thumbprint[0] = '\0';
    a->cert.same_account = false;
    a->outcome = ACME_OK;
    next->row = ACME_ROW_REST;
    next->save = ACME_SAVE_ACCOUNT;
    return ACME_OK;
}

static bool account_over(const char *status)
{
    return status != NULL && (strcmp(status, "deactivated") == 0 || strcmp(status, "revoked") == 0);
}

int accept_deactivate(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL;

    /* Some CAs send no body; one that says something else has not done it. */
    if (acme_json_parse(reply->body, a->config->memory.scratch, &root) == ACME_OK &&
        acme_json_member(root, "status") != NULL && !account_over(acme_json_member(root, "status")))
        return acme_fail_note(a, ACME_E_REPLY, "the account is not deactivated, but ",
                              acme_json_member(root, "status"));
    return acme_account_ended(a, next);
}

/* A reply may have been lost: then the account is refused because it is deactivated. */
int refused_deactivate(struct acme_agent *a, const struct acme_problem *problem,
                       struct acme_next *next)
{
    (void)a;
    if (problem->http_status != 401 && problem->http_status != 403 &&
        problem->type != ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST &&
        problem->type != ACME_PROBLEM_UNAUTHORIZED)
        return ACME_E_REFUSED;
    next->row = ACME_ROW_DEACTIVATED;
    return ACME_OK;
}

int build_find(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    int64_t now = 0;
    uint32_t wait;

    *url = a->directory.text + a->directory.new_account;
    *payload = acme_slice_text("{\"onlyReturnExisting\":true}");
    if ((a->ask_flags & ACME_ASK_IGNORE_RETRY_AFTER) != 0 || acme_wall_clock(a, &now) != ACME_OK)
        return ACME_OK;
    /* It came to this in the middle of a run, which nothing had held back. */
    wait = acme_account_hold(a, now);
    if (wait == 0)
        return ACME_OK;
    a->problem.retry_after_s = wait;
    return acme_fail_note(a, ACME_E_RATE, "newAccount may not be asked yet", NULL);
}

bool acme_account_told_over(struct acme_agent *a, const struct acme_reply *reply)
{
    const struct acme_json *root = NULL;

    return acme_json_parse(reply->body, a->config->memory.scratch, &root) == ACME_OK &&
           account_over(acme_json_member(root, "status"));
}

int accept_deactivated(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL;
    int err = acme_reply_json(a, reply, &root);

    if (err != ACME_OK)
        return err;
    if (!account_over(acme_json_member(root, "status")))
        return acme_fail_note(a, ACME_E_REFUSED, "the CA refused it, and the account stands", NULL);
    return acme_account_ended(a, next);
}

int refused_deactivated(struct acme_agent *a, const struct acme_problem *problem,
                        struct acme_next *next)
{
    /* The signature is right, so it is the account that is not: CAs say either. */
    if (problem->type == ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST ||
        problem->type == ACME_PROBLEM_UNAUTHORIZED)
        return acme_account_ended(a, next);
    return ACME_E_REFUSED;
}
