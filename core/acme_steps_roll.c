/* Roll-over of the account's key (RFC 8555 7.3.5). Linked with acme_steps_job.c.
 *
 * While the record of the account has a second key, either may be in force at the CA. Every run
 * asks which one it is before it does anything else with the account, and a roll-over that the CA
 * has not made yet is asked for again. The second key goes only when the CA has said that one of
 * them is its account's; and where a keyChange was left without a reply, not before ROLL_FLIGHT_S
 * after a later one was refused: the first may reach the CA still, and then its key is the one that
 * is left. */
#include "acme_steps.h"

#include <string.h>

#include "acme_jws.h"
#include "acme_records.h"

#define ROLL_FLIGHT_S 600 /* longer than servers and what is before them keep a request */

bool acme_roll_knows(uint16_t tag)
{
    return tag >= ACCOUNT_NEW_KEY_TYPE && tag <= ACCOUNT_NEW_KEY;
}

/* The directory is read; *next is what would come without a roll-over. */
int acme_roll_directory(struct acme_agent *a, const struct acme_directory *directory,
                        struct acme_next *next)
{
    if (a->job != NULL && a->job->type == ACME_JOB_REVOKE && a->job->key != NULL)
        return ACME_OK; /* needs no account, and is in a hurry */
    if (a->new_key.type != ACME_KEY_NONE) {
        a->after_roll = next->row;
        next->row = ACME_ROW_WHICH_NEW;
    }
    a->directory.key_change = 0;
    if (directory->key_change == NULL && a->new_key.type != ACME_KEY_NONE)
        return ACME_OK; /* that it will not be made any more must not stop the certificate */
    if (directory->key_change == NULL)
        return acme_fail_note(a, ACME_E_REFUSED, "the CA's directory has no keyChange", NULL);
    return acme_directory_keep(a, directory->key_change, "keyChange", &a->directory.key_change);
}

int step_new_key(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    uint8_t type = a->job->key_type != 0 ? a->job->key_type : a->account_key.type;
    int err = acme_key_make(&a->new_key, (enum acme_key_type)type);

    (void)reply;
    a->roll_doubt = false;
    a->roll_refused_at = 0;
    next->wait_ms = err == ACME_AGAIN ? 100 : 0;
    next->row = ACME_ROW_ROLLOVER;
    next->save = ACME_SAVE_ACCOUNT;
    return err;
}

/* The inner JWS, by the new key, says which account and which key it follows. */
int build_rollover(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_span scratch = a->config->memory.scratch;
    size_t half = scratch.len / 2;
    struct acme_jws inner = {.key = &a->new_key};
    struct acme_public old;
    struct acme_buf said, b;
    int err = acme_key_public(&a->account_key, &old);

    if (err != ACME_OK)
        return err;
    acme_buf_init(&said, scratch.ptr + half, scratch.len - half);
    acme_buf_text(&said, "{\"account\":");
    acme_buf_json(&said, acme_slice_text(a->kid));
    acme_buf_text(&said, ",\"oldKey\":");
    acme_jws_jwk(&said, &old);
    acme_buf_char(&said, '}');
    *url = a->directory.text + a->directory.key_change;
    inner.url = *url;
    inner.payload = acme_buf_slice(&said);
    acme_buf_init(&b, scratch.ptr, half);
    err = said.overflow ? ACME_E_SIZE : acme_jws_write(&b, &inner);
    *payload = acme_buf_slice(&b);
    return err == ACME_E_SIZE ? acme_fail_note(a, err, "bound: scratch, for keyChange", NULL) : err;
}

/* The new key is the account's. */
static int roll_done(struct acme_agent *a, struct acme_next *next)
{
    a->account_key = a->new_key;
    acme_key_wipe(&a->new_key);
    a->thumbprint[0] = '\0';
    a->roll_refused = false;
    memset(&a->problem, 0, sizeof a->problem);
    next->save = ACME_SAVE_ACCOUNT;
    next->row = a->after_roll;
    if (a->job != NULL && a->job->type == ACME_JOB_ROLLOVER) {
        a->outcome = ACME_OK;
        next->row = ACME_ROW_REST;
    }
    acme_account_tell(a, "valid");
    return ACME_OK;
}

int accept_rollover(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)reply;
    return roll_done(a, next);
}

/* Perhaps because it was done before, and the reply was lost: 409 says that the key is in use,
 * others that the old one is wrong. Whether it is, the CA has to say. */
int refused_rollover(struct acme_agent *a, const struct acme_problem *problem,
                     struct acme_next *next)
{
    if (problem->http_status >= 500 || problem->http_status == 429)
        return ACME_E_REFUSED;
    a->roll_refused = true;
    next->row = ACME_ROW_WHICH_OLD;
    return ACME_OK;
}

/* The new key is not the account's, and will not be. */
static int roll_ask_old(struct acme_agent *a, struct acme_next *next)
{
    a->roll_refused = true;
    next->row = ACME_ROW_WHICH_OLD;
    return ACME_OK;
}

/* Is the account that the CA names ours? */
static int roll_ours(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_slice location;

    if (!acme_http_field(&reply->head, "location", 0, &location))
        return acme_fail_note(a, ACME_E_REPLY, "newAccount gave no Location", NULL);
    if (!acme_slice_is(location, a->kid))
        return acme_fail_note(a, ACME_E_ACCOUNT, "a key is of another account than before", NULL);
    return ACME_OK;
}

/* The account is wanted gone, and the CA says that it is: what no key can do any more need not be
 * settled. CAs refuse such an account's key, or tell its status. */
static bool roll_wanted_gone(const struct acme_agent *a)
{
    return a->job != NULL && a->job->type == ACME_JOB_DEACTIVATE;
}

static bool roll_over_gone(const struct acme_agent *a, const struct acme_problem *problem)
{
    return roll_wanted_gone(a) && problem->type == ACME_PROBLEM_UNAUTHORIZED;
}

/* Unless the old key has an account still. */
static int roll_new_is_gone(struct acme_agent *a, struct acme_next *next)
{
    return a->old_unknown ? acme_account_ended(a, next) : roll_ask_old(a, next);
}

int accept_which_new(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    int err;

    if (roll_wanted_gone(a) && acme_account_told_over(a, reply))
        return roll_new_is_gone(a, next);
    err = roll_ours(a, reply);
    if (err == ACME_E_ACCOUNT && !a->old_unknown) { /* it cannot become ours any more */
        a->note[0] = '\0';
        return roll_ask_old(a, next);
    }
    return err == ACME_OK ? roll_done(a, next) : err;
}

int refused_which_new(struct acme_agent *a, const struct acme_problem *problem,
                      struct acme_next *next)
{
    if (roll_over_gone(a, problem))
        return roll_new_is_gone(a, next);
    if (problem->type != ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST)
        return ACME_E_REFUSED;
    if (a->old_unknown)
        return acme_fail_note(a, ACME_E_ACCOUNT, "the CA knows neither the old key nor the new one",
                              NULL);
    next->row = ACME_ROW_ROLLOVER;
    return a->directory.key_change != 0 ? ACME_OK : roll_ask_old(a, next);
}

/* The CA refused the new key. Must it be kept all the same, for now? */
static bool roll_keeps(struct acme_agent *a)
{
    int64_t now = 0;

    if (a->lost_in_run > 0 || a->exchange.single) {
        a->roll_doubt = true;
        a->roll_refused_at = 0;
        return true;
    }
    if (!a->roll_doubt)
        return false;
    if (acme_wall_clock(a, &now) != ACME_OK)
        return true;
    if (a->roll_refused_at == 0 || a->roll_refused_at > now) { /* or the clock was wrong */
        a->roll_refused_at = now;
        a->roll_noted = true;
    }
    return now - a->roll_refused_at < ROLL_FLIGHT_S;
}

/* The old key is in force: what the CA refused is not done. */
int accept_which_old(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    bool keep;
    int err;

    if (roll_wanted_gone(a) && acme_account_told_over(a, reply))
        return acme_account_ended(a, next); /* and the new key has none, or another's */
    err = roll_ours(a, reply);
    if (err != ACME_OK)
        return err;
    keep = roll_keeps(a);
    if (!keep)
        acme_key_wipe(&a->new_key);
    if (a->job != NULL && a->job->type == ACME_JOB_ROLLOVER)
        return ACME_E_REFUSED; /* acme_job_failed has it stored */
    a->roll_refused = false;
    memset(&a->problem, 0, sizeof a->problem);
    next->row = a->after_roll;
    next->save = !keep || a->roll_noted ? ACME_SAVE_ACCOUNT : 0;
    a->roll_noted = false;
    if (keep)
        return ACME_OK;
    acme_tell_default(a, "the CA refused the roll-over, the account keeps its old key", a->kid);
    return ACME_OK;
}

int refused_which_old(struct acme_agent *a, const struct acme_problem *problem,
                      struct acme_next *next)
{
    if (roll_over_gone(a, problem)) /* and the new key has none, or one that is as dead */
        return acme_account_ended(a, next);
    if (problem->type != ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST)
        return ACME_E_REFUSED;
    a->old_unknown = true;
    next->row = ACME_ROW_WHICH_NEW;
    return ACME_OK;
}
