/* jobs.c - the tool that asks for jobs */
#include "jobs.h"

#include <string.h>

#include "check.h"

#define JOBS_SEEDS 250 /* of 1000 seeds have jobs */

bool jobs_always;

/* ---- the plan ---- */

void jobs_init(struct run *r, uint64_t seed)
{
    memset(&r->jobs, 0, sizeof r->jobs);
    sim_world_init(&r->jobs.dice, ~seed ^ 0x6a6f6273);
    r->jobs.at = UINT64_MAX;
}

static uint32_t dice(struct run *r, uint32_t n)
{
    return sim_world_below(&r->jobs.dice, n);
}

static bool chance(struct run *r, uint32_t permille)
{
    return sim_world_chance(&r->jobs.dice, permille);
}

/* The group of the catalogue that fits a job best. */
static const char *jobs_group(uint8_t type)
{
    static const char *const groups[ACME_JOB_END_] = {
        [ACME_JOB_REVOKE] = "REVOCATION", [ACME_JOB_SHOW] = "CONTACT",
        [ACME_JOB_UPDATE] = "CONTACT",    [ACME_JOB_DEACTIVATE] = "DEACTIVATION",
        [ACME_JOB_RECOVER] = "FIND",      [ACME_JOB_ROLLOVER] = "ROLLOVER",
    };

    return groups[type];
}

/* A recovery believes the CA's word for whose account it is: what follows proves nothing. */
static bool jobs_recover(const struct run *r)
{
    for (unsigned i = 0; i < r->jobs.count; i++) {
        if (r->jobs.plan[i].type == ACME_JOB_RECOVER)
            return true;
    }
    return false;
}

/* Some of what fits, often; and of all the others of jobs. */
static void jobs_choose(struct run *r)
{
    static const uint16_t often[] = {300, 700, 1000, 1000};
    static const uint16_t times[] = {1, 1, 2, 3, 10, 1000};
    unsigned count = dice(r, 4);

    for (unsigned tries = 0; count > 0 && tries < 400; tries++) {
        enum evil_id id = (enum evil_id)(EVIL_JOBS + dice(r, EVIL_SERVERS - EVIL_JOBS));
        const struct job_plan *p = &r->jobs.plan[dice(r, r->jobs.count)];
        bool fits = strcmp(evil_group(id), jobs_group(p->type)) == 0 ||
                    (strcmp(evil_group(id), "FIND") == 0 && p->type == ACME_JOB_ROLLOVER);

        if ((!fits && !chance(r, 60)) || (id == EVIL_FIND_OTHER && jobs_recover(r)))
            continue;
        evil_add(&r->ca.evil, id, often[dice(r, 4)], times[dice(r, 6)]);
        count--;
    }
}

static void plan_one(struct run *r, struct job_plan *p)
{
    static const uint8_t types[] = {ACME_JOB_REVOKE,   ACME_JOB_REVOKE,     ACME_JOB_SHOW,
                                    ACME_JOB_UPDATE,   ACME_JOB_DEACTIVATE, ACME_JOB_RECOVER,
                                    ACME_JOB_ROLLOVER, ACME_JOB_ROLLOVER,   ACME_JOB_ROLLOVER};
    static const uint8_t reasons[] = {0, 1, 4, 5, 1, 9};
    static const uint8_t keys[] = {0, 0, ACME_KEY_P256, ACME_KEY_P384, ACME_KEY_RSA2048};
    static const uint32_t after[] = {0, 1, 10, 60, 1000, 20000};

    p->type = types[dice(r, sizeof types)];
    /* A record that falls back to the one before has a key, or an account, that is void. */
    if (r->s.flip_permille > 0 && (p->type == ACME_JOB_ROLLOVER || p->type == ACME_JOB_DEACTIVATE))
        p->type = ACME_JOB_SHOW;
    p->stage = (uint8_t)(r->s.renew ? dice(r, 3) : STAGE_FIRST);
    p->reason = reasons[dice(r, sizeof reasons)];
    p->key_type = keys[dice(r, sign_is_fake() ? 5 : 4)];
    p->by_key = chance(r, 400);
    p->old_one = chance(r, 200);
    p->bereft = p->stage == STAGE_REST && chance(r, 700);
    p->force = chance(r, 500);
    p->cut = chance(r, 200);
    p->after_s = after[dice(r, 6)];
    if (p->after_s > 0)
        p->after_s = dice(r, p->after_s);
}

void jobs_plan(struct run *r)
{
    struct jobs *j = &r->jobs;
    bool some = chance(r, JOBS_SEEDS) || jobs_always;

    if (r->s.job != 0) {
        j->count = 1;
        j->plan[0] = (struct job_plan){.type = r->s.job, .stage = STAGE_REST, .after_s = 300};
        j->plan[0].bereft = true;
    } else if (!r->s.ari_only && r->s.refuse_permille == 0 && some) {
        j->count = 1 + dice(r, JOBS_MAX);
        for (unsigned i = 0; i < j->count; i++)
            plan_one(r, &j->plan[i]);
        /* A CA that forgets an account whose key is being changed knows neither: a person. */
        if (!evil_has(&r->ca.evil, EVIL_ACC_LOST))
            jobs_choose(r);
        else
            j->count = 0;
    }
    r->ca.jobs = j->count > 0;
}

/* ---- when ---- */

static enum job_stage stage_now(const struct run *r)
{
    return r->renewing ? STAGE_RENEWAL : r->phase == PHASE_REST ? STAGE_REST : STAGE_FIRST;
}

void jobs_stage(struct run *r)
{
    struct jobs *j = &r->jobs;

    if (j->begun || j->at != UINT64_MAX || j->next == j->count ||
        j->plan[j->next].stage > stage_now(r))
        return;
    j->at = r->world.now_ms + 1000 * (uint64_t)j->plan[j->next].after_s +
            (r->phase == PHASE_REST ? 300000 : 0);
}

void jobs_calm(struct run *r)
{
    struct jobs *j = &r->jobs;

    if (j->at != UINT64_MAX && j->at > r->world.now_ms + 600000)
        j->at = r->world.now_ms + 600000;
    jobs_stage(r);
}

bool jobs_settled(const struct run *r)
{
    return r->jobs.at == UINT64_MAX && !r->jobs.asked && !r->jobs.begun;
}

/* A refusal in a reply that cannot be read may have been "it is revoked already". */
static bool told_unreadably(const struct evil *e)
{
    return evil_has(e, EVIL_REV_ALREADY) && (evil_of(e, "JSON") || evil_of(e, "HTTP"));
}

static void job_end(struct run *r, bool done)
{
    struct jobs *j = &r->jobs;
    const struct job_plan *p = &j->plan[j->next];

    sim_world_note(&r->world, done ? "job done" : "job given up", p->type, j->tries);
    if (done)
        check_jobs_done(r, p);
    j->done[p->type] += done;
    if (p->type == ACME_JOB_DEACTIVATE)
        j->deactivating = false;
    if (p->type == ACME_JOB_REVOKE && !done && told_unreadably(&r->ca.evil))
        j->revoked = 0;
    j->begun = j->forcing = false;
    j->tries = 0;
    j->at = UINT64_MAX;
    memset(&j->key, 0, sizeof j->key);
    j->next++;
    jobs_stage(r);
}

/* ---- what is asked for ---- */

/* The pair in force, as a tool gets at it. */
static bool job_pair(struct run *r, struct acme_key *key)
{
    static uint8_t buf[20480];
    struct acme_certificate pair;

    if (acme_agent_certificate(&r->agent, (struct acme_span){buf, sizeof buf}, &pair) != ACME_OK ||
        pair.key.len > sizeof key->der)
        return false;
    memset(key, 0, sizeof *key);
    key->type = pair.key_type;
    key->home = pair.key_home;
    key->len = (uint16_t)pair.key.len;
    memcpy(key->der, pair.key.ptr, pair.key.len);
    return true;
}

/* A certificate that is not in force any more, of the account that the device has. */
static bool job_older(struct run *r)
{
    struct jobs *j = &r->jobs;

    for (uint32_t i = 0; i < r->ca.orders_count; i++) {
        const struct ca_order *o = &r->ca.orders[i];
        if (o->leaf_len == 0 || o->not_after >= r->not_after)
            continue;
        memcpy(j->leaf, o->leaf, o->leaf_len);
        j->job.certificate = acme_slice_of(j->leaf, o->leaf_len);
        return true;
    }
    return false;
}

static bool job_account_key(struct run *r, struct acme_key *key)
{
    const char *where = r->agent.ca_key;
    struct acme_slice der = check_stored(r, ACME_SLOT_ACCOUNT, where, TAG_ACCOUNT_KEY, 0);
    struct acme_slice type = check_stored(r, ACME_SLOT_ACCOUNT, where, TAG_ACCOUNT_KEY - 2, 0);

    if (der.len == 0 || der.len > sizeof key->der || type.len != 8 ||
        check_stored(r, ACME_SLOT_ACCOUNT, where, TAG_ACCOUNT_KID, 0).len == 0)
        return false;
    memset(key, 0, sizeof *key);
    key->type = type.ptr[0];
    key->len = (uint16_t)der.len;
    memcpy(key->der, der.ptr, der.len);
    return true;
}

static const char *job_contact(struct run *r)
{
    static const char *const contacts[] = {"c@b.test", "someone-else@b.test", "d@xn--b-1ga.test"};

    return chance(r, 250) ? NULL : contacts[dice(r, 3)];
}

/* False: it makes no sense here. */
static bool job_begin(struct run *r)
{
    struct jobs *j = &r->jobs;
    const struct job_plan *p = &j->plan[j->next];

    memset(&j->job, 0, sizeof j->job);
    j->job.type = p->type;
    j->job.reason = p->reason;
    j->job.key_type = p->key_type;
    if (p->type == ACME_JOB_UPDATE)
        j->job.contact = job_contact(r);
    if (p->type == ACME_JOB_REVOKE && p->old_one)
        return job_older(r);
    if (p->type == ACME_JOB_REVOKE && p->by_key) {
        j->job.key = &j->key;
        return job_pair(r, &j->key);
    }
    if (p->type != ACME_JOB_RECOVER)
        return true;
    j->job.key = &j->key;
    if (!job_account_key(r, &j->key))
        return false;
    if (p->bereft) { /* a new device, with the old one's key */
        storage_put(&r->storage, ACME_SLOT_ACCOUNT, r->agent.ca_key, j->leaf, 0);
        run_power_off(r, 1000);
        r->cuts--; /* not by accident */
        check_flipped(r);
    }
    return true;
}

static unsigned job_flags(struct run *r)
{
    return r->jobs.forcing ? ACME_ASK_FORCE : 0;
}

/* With the account goes its order; and who revokes a certificate does not want the next one. */
static bool job_gives_up(struct run *r)
{
    const struct acme_job *job = &r->jobs.job;

    return check_stored(r, ACME_SLOT_ORDER, check_name(r), TAG_ORDER_URL, 0).len > 0 &&
           (job->type == ACME_JOB_DEACTIVATE ||
            (job->type == ACME_JOB_REVOKE && job->certificate.len == 0 && r->has_cert));
}

void jobs_act(struct run *r)
{
    struct jobs *j = &r->jobs;
    const struct job_plan *p = &j->plan[j->next];
    int err;

    j->at = r->world.now_ms + 1000 * (1 + (uint64_t)dice(r, 30));
    if (r->sealed != 0)
        return;
    if (j->forcing && !r->agent.busy && r->has_cert && r->sequence > j->sequence) {
        job_end(r, true); /* it went on by itself */
        return;
    }
    if (!j->begun) {
        if (r->agent.busy)
            return;
        if (!job_begin(r)) {
            job_end(r, false);
            return;
        }
        j->begun = true;
        if (!r->on)
            return;
    }
    err = j->forcing ? acme_agent_ask(&r->agent, job_flags(r), NULL)
                     : acme_agent_do(&r->agent, &j->job, job_flags(r));
    sim_world_note(&r->world, j->forcing ? "forces" : "job", p->type, (uint64_t)(int64_t)err);
    if (err != ACME_OK)
        return;
    j->asked = true;
    j->at = UINT64_MAX;
    j->deactivating |= p->type == ACME_JOB_DEACTIVATE;
    j->gave_up |= !j->forcing && job_gives_up(r);
    r->sleep_until = r->world.now_ms;
    if (r->fixed_cuts && r->s.job != 0 && r->cut_next == 0 && r->cut_list[0] > 0)
        r->world.cut_at = r->world.moments + r->cut_list[r->cut_next++];
    else if (p->cut && j->tries == 0 && !r->fixed_cuts && r->s.job == 0)
        r->world.cut_at = r->world.moments + 1 + dice(r, 60);
}

/* ---- how it ended ---- */

/* Asking again would change nothing. */
static bool job_final(struct run *r, const struct job_plan *p, int err)
{
    struct acme_agent_status status;

    acme_agent_status(&r->agent, &status);
    if (r->jobs.forcing)
        return false;
    if (err == ACME_E_CONFIG) /* no certificate; an account with another key */
        return true;
    if (p->type == ACME_JOB_REVOKE)
        return !r->has_cert;
    if (p->type == ACME_JOB_RECOVER || status.account[0] != '\0')
        return false;
    /* The CA knows no account for the key; only a certificate that is due would make one. */
    return err == ACME_E_ACCOUNT || (err == ACME_E_REFUSED && r->phase != PHASE_FAULTS);
}

/* A person would try the other way. */
static void job_otherwise(struct run *r, struct job_plan *p, int err)
{
    struct jobs *j = &r->jobs;

    if (p->type != ACME_JOB_REVOKE || (err != ACME_E_REFUSED && err != ACME_E_ACCOUNT))
        return;
    if (p->old_one) /* of an account that is gone: the device has no key for it */
        return;
    p->reason = 0;
    j->job.reason = 0;
    p->by_key = !p->by_key && job_pair(r, &j->key);
    j->job.key = p->by_key ? &j->key : NULL;
}

/* May it be left as it is? */
static bool job_may_end(const struct run *r, const struct job_plan *p, int err)
{
    bool calm = r->phase != PHASE_FAULTS;
    struct acme_agent_status status;

    if (r->jobs.forcing || p->type == ACME_JOB_DEACTIVATE)
        return false;
    if (p->type == ACME_JOB_REVOKE && p->old_one)
        return err == ACME_E_REFUSED || err == ACME_E_ACCOUNT;
    if (p->type == ACME_JOB_RECOVER && err == ACME_E_REFUSED) /* it is deactivated */
        return true;
    acme_agent_status(&r->agent, &status);
    return !calm && (p->type != ACME_JOB_REVOKE || status.revoked == ACME_NOT_REVOKED);
}

/* The CA's word, a backoff, or the fifth certificate of a week, is longer than the calm. */
void jobs_held(struct run *r, int64_t until)
{
    int64_t wait = until - sim_world_unix(&r->world);

    if (r->phase == PHASE_CALM && wait > 0 &&
        r->phase_end < r->world.now_ms + 1000 * (uint64_t)wait + 86400000)
        r->phase_end = r->world.now_ms + 1000 * (uint64_t)wait + 86400000;
}

static void job_failed(struct run *r, struct job_plan *p, int err)
{
    struct jobs *j = &r->jobs;
    uint32_t wait = r->phase == PHASE_FAULTS ? 3600 : 600;
    struct acme_agent_status status;

    j->tries++;
    if (job_final(r, p, err) || (job_may_end(r, p, err) && chance(r, 250))) {
        job_end(r, false);
        return;
    }
    job_otherwise(r, p, err);
    acme_agent_status(&r->agent, &status);
    if (err == ACME_E_HELD)
        jobs_held(r, status.next_at);
    j->at = r->world.now_ms + 1000 * (1 + (uint64_t)dice(r, chance(r, 300) ? 5 : wait));
}

void jobs_polled(struct run *r)
{
    struct jobs *j = &r->jobs;
    struct job_plan *p = &j->plan[j->next];
    struct acme_agent_status status;

    if (!j->asked || !r->on)
        return;
    acme_agent_status(&r->agent, &status);
    if (status.busy)
        return;
    j->asked = false;
    sim_world_note(&r->world, "job's outcome", p->type, (uint64_t)(int64_t)status.outcome);
    if (status.outcome != ACME_OK || (j->forcing && status.revoked != ACME_NOT_REVOKED)) {
        job_failed(r, p, status.outcome);
        return;
    }
    if (p->type == ACME_JOB_REVOKE && !p->old_one && p->force && !j->forcing) {
        j->forcing = true;
        j->sequence = r->sequence;
        j->at = r->world.now_ms + 1000 * (1 + (uint64_t)dice(r, 20000));
        if (r->phase == PHASE_CALM)
            r->phase_end += 3 * 86400000u;
        return;
    }
    job_end(r, true);
}

void jobs_power_off(struct run *r)
{
    struct jobs *j = &r->jobs;

    /* It was asked for, or the tool was about to say when it asks again. */
    if (!j->asked && (!j->begun || j->at != UINT64_MAX))
        return;
    j->asked = false;
    j->at = r->boot_at + 1000 * (1 + (uint64_t)dice(r, 60));
}

bool jobs_revoked(const struct run *r)
{
    struct acme_agent_status status;

    if (r->jobs.count == 0 || !r->on)
        return false;
    acme_agent_status(&r->agent, &status);
    return status.revoked != ACME_NOT_REVOKED;
}
