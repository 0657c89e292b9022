/* check_jobs.c - what must be true of the account's keys, of deactivation and of revocation */
#include <string.h>

#include "acme_json.h"
#include "check.h"

/* Storage that changes by itself may bring back what was forgotten. */
static bool jobs_judged(const struct run *r)
{
    return r->s.flip_permille == 0 && !r->slots.lies && r->sealed == 0;
}

static struct ca_account *stored_account(struct run *r)
{
    struct acme_slice kid = check_stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KID, 0);
    char url[100];

    if (kid.len == 0 || kid.len >= sizeof url)
        return NULL;
    memcpy(url, kid.ptr, kid.len);
    url[kid.len] = '\0';
    return ca_account_at(&r->ca, url);
}

static bool stored_key_is(struct run *r, uint16_t tag, const struct acme_public *key)
{
    struct acme_public pub;

    return check_public(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, tag, &pub) &&
           acme_public_equal(&pub, key);
}

/* One of the keys in ACCOUNT is the one that the CA accepts. */
static bool account_usable(struct run *r)
{
    const struct ca_account *account = stored_account(r);

    return account == NULL || account->gone || account->dead ||
           stored_key_is(r, TAG_ACCOUNT_KEY, &account->key) ||
           stored_key_is(r, TAG_ACCOUNT_NEW, &account->key);
}

/* The change arrived when the device had long given it up. */
static bool changed_late(const struct run *r)
{
    return r->ca.changes > 0 && r->ca.former[(r->ca.changes - 1) % CA_FORMER].late;
}

void check_jobs_poll(struct run *r)
{
    struct jobs *j = &r->jobs;

    if (j->count == 0 || !jobs_judged(r) ||
        (j->version == r->slots.version && j->changes == r->ca.changes))
        return;
    j->version = r->slots.version;
    j->changes = r->ca.changes;
    for (int i = 0; i < 2; i++) {
        r->firm = i == 1;
        if (!account_usable(r) && !changed_late(r))
            run_break(r, 22, "the CA accepts no key of the account record");
    }
    r->firm = false;
}

/* May the device have lost its account on purpose, or have been given one that it did not want? */
bool check_jobs_bereft(const struct run *r)
{
    for (unsigned i = 0; i < r->jobs.count; i++) {
        if (r->jobs.plan[i].bereft)
            return true;
    }
    return r->jobs.ended || evil_has(&r->ca.evil, EVIL_FIND_MAKES);
}

bool check_only_existing(const struct ca_request *q)
{
    return acme_json_bool(acme_json_get(q->payload, "onlyReturnExisting"), false);
}

/* newAccount is signed by a key that is durable; but a job that only asks stores nothing before the
 * answer. */
bool check_jobs_key(struct run *r, const struct ca_request *q)
{
    return stored_key_is(r, TAG_ACCOUNT_KEY, &q->key) ||
           stored_key_is(r, TAG_ACCOUNT_NEW, &q->key) || (r->jobs.asked && check_only_existing(q));
}

/* That it is asked for is on record; of the certificate in force. */
static void act_revoke(struct run *r, const struct ca_order *o)
{
    struct acme_slice state = check_stored(r, ACME_SLOT_SCHED, check_name(r), TAG_SCHED_REVOKED, 0);

    if (!r->jobs.asked || r->jobs.job.type != ACME_JOB_REVOKE)
        run_break(r, 22, "a revocation that nobody asked for");
    if (r->jobs.job.certificate.len == 0 && o->not_after == r->not_after && check_number(state) < 1)
        run_break(r, 22, "a revocation that is not on record");
}

/* Older firmware had the records, and knew nothing of revocations. */
static bool jobs_forgotten(const struct run *r)
{
    return r->renewing && r->s.records == RECORDS_OLDER;
}

static void act_order(struct run *r)
{
    struct jobs *j = &r->jobs;

    if (j->revoked == 0 || (j->asked && j->forcing))
        return;
    if (jobs_forgotten(r))
        return;
    for (uint32_t i = 0; i < r->ca.orders_count; i++) {
        const struct ca_order *o = &r->ca.orders[i];
        if (o->number == j->revoked && o->revoked_at != 0 && o->not_after == r->not_after)
            run_break(r, 22, "a revoked certificate is renewed though nobody asked");
    }
}

void check_jobs_act(struct run *r, const char *what, const struct ca_request *q,
                    const struct ca_order *o)
{
    struct jobs *j = &r->jobs;

    if (j->count == 0 || !jobs_judged(r))
        return;
    if (strcmp(what, "/new-acct") == 0 && !check_only_existing(q) && j->asked && !j->forcing)
        run_break(r, 22, "a job makes an account");
    else if (strcmp(what, "/new-order") == 0)
        act_order(r);
    else if (strcmp(what, "revoke") == 0) {
        act_revoke(r, o);
        if (j->job.certificate.len == 0)
            j->revoked = o->number;
    } else if (strcmp(what, "former") == 0 && !evil_has(&r->ca.evil, EVIL_FIND_DENIED))
        run_break(r, 22, "a key signs that the account has no more");
    else if (strcmp(what, "again") == 0)
        run_break(r, 22, "an account is asked for with the key of a deactivated one");
    else if (strcmp(what, "dead") == 0 && stored_account(r) != q->account)
        run_break(r, 22, "a deactivated account is used again");
    else if (strcmp(what, "window") == 0 && o->number == j->revoked && o->revoked_at != 0 &&
             !j->asked && !jobs_forgotten(r))
        run_break(r, 22, "a window is asked for a certificate that was revoked");
}

/* The agent has said that it is done. */
void check_jobs_done(struct run *r, const struct job_plan *p)
{
    const struct ca_account *account = stored_account(r);
    const struct evil *e = &r->ca.evil;
    struct acme_agent_status status;

    acme_agent_status(&r->agent, &status);
    if (!jobs_judged(r))
        return;
    if (p->type == ACME_JOB_DEACTIVATE) {
        if (check_stored(r, ACME_SLOT_ACCOUNT, r->agent.ca_key, TAG_ACCOUNT_KEY, 0).len > 0)
            run_break(r, 22, "the key of a deactivated account is kept");
        return;
    }
    if (p->type == ACME_JOB_REVOKE) {
        if (!p->old_one && !p->force && status.revoked != ACME_REVOKED)
            run_break(r, 22, "a revoked certificate is not said to be");
        return;
    }
    if (account == NULL) {
        run_break(r, 22, "a job is done, and there is no account");
        return;
    }
    if (account->gone || account->dead)
        return;
    if (p->type == ACME_JOB_ROLLOVER &&
        (status.rollover || !stored_key_is(r, TAG_ACCOUNT_KEY, &account->key)))
        run_break(r, 22, "a roll-over is done, and another key in force");
    if (p->type == ACME_JOB_UPDATE && !evil_has(e, EVIL_UPD_IGNORED) &&
        strcmp(account->contact, r->jobs.job.contact != NULL ? r->jobs.job.contact : "") != 0)
        run_break(r, 22, "a contact is changed, and the CA has another");
}
