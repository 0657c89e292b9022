/* The deploy hooks that are owed: one at a time, beside everything else, and again until each has
 * ended well. That one is owed stands in the set of files (hook.c), so a crash loses nothing. */
#include "daemon.h"

#include <string.h>

#include "posix_sys.h"

enum { REASON_NEW, REASON_RENEWED, REASON_AGAIN };
static const char *const reasons[] = {"new", "renewed", "again"};

static struct hook_job job; /* of the call */

void deploy_look(struct daemon *d, bool changed, bool first)
{
    struct turn *t = &d->turns[d->loaded];

    if (!hook_job_of(&d->options, &job) || !hook_owed(job.folder)) {
        t->hook_ms = 0;
        return;
    }
    if (!changed && (t->hook_ms != 0 || (d->hook_runs && d->hook_of == d->loaded)))
        return; /* it has its time, or runs */
    t->hook_ms = posix_now_ms(NULL);
    t->hook_tries = 0;
    t->hook_reason = !changed ? REASON_AGAIN : first ? REASON_NEW : REASON_RENEWED;
}

static void deploy_failed(struct daemon *d, size_t i)
{
    struct turn *t = &d->turns[i];
    uint32_t wait;

    t->hook_tries = (uint8_t)(t->hook_tries < UINT8_MAX ? t->hook_tries + 1 : UINT8_MAX);
    wait = daemon_retry_s(t->hook_tries);
    if (d->once)
        tell_error("the deploy hook failed: %s; the certificate is in place, and the hook is owed",
                   d->hook.why);
    else
        tell_error("the deploy hook failed: %s; the certificate is in place, the hook is started "
                   "again in %lu min",
                   d->hook.why, (unsigned long)(wait / 60));
    d->worst = daemon_worst(d->worst, EXIT_SOLVER);
    if (t->hook_ms != 0)
        return; /* a newer set of files came meanwhile */
    t->hook_ms = d->once ? 0 : posix_now_ms(NULL) + 1000u * (uint64_t)wait;
    t->hook_reason = REASON_AGAIN;
}

static void deploy_start(struct daemon *d, size_t i)
{
    struct turn *t = &d->turns[i];

    t->hook_ms = 0;
    if (conf_options(&d->conf, i, &d->other) != EXIT_DONE || !hook_job_of(&d->other, &job))
        return;
    job.facts.index = i;
    job.facts.reason = reasons[t->hook_reason];
    memcpy(d->hook_name, job.cert_name, sizeof d->hook_name);
    tell_about(d->hook_name);
    d->hook_of = i;
    d->hook_runs = hook_start(&d->hook, &job.facts) == ACME_OK;
    if (!d->hook_runs)
        deploy_failed(d, i);
    tell_about(d->loaded != DAEMON_NOBODY ? d->options.cert_name : NULL);
}

static void deploy_end(struct daemon *d, int err)
{
    d->hook_runs = false;
    d->news = true;
    tell_about(d->hook_name);
    if (err != ACME_OK && d->hook_of != DAEMON_NOBODY)
        deploy_failed(d, d->hook_of);
    else if (err != ACME_OK)
        tell_error("the deploy hook failed: %s", d->hook.why);
    else
        tell(LOG_NOTE, "the deploy hook has ended well");
    if (err == ACME_OK && d->hook_of != DAEMON_NOBODY)
        d->turns[d->hook_of].hook_tries = 0;
    tell_about(d->loaded != DAEMON_NOBODY ? d->options.cert_name : NULL);
}

static size_t deploy_next(const struct daemon *d)
{
    size_t best = DAEMON_NOBODY;

    for (size_t i = 0; i < d->conf.count; i++) {
        if (d->turns[i].hook_ms != 0 &&
            (best == DAEMON_NOBODY || d->turns[i].hook_ms < d->turns[best].hook_ms))
            best = i;
    }
    return best;
}

uint32_t deploy_poll(struct daemon *d)
{
    uint64_t now = posix_now_ms(NULL);
    size_t next;
    int err;

    if (d->hook_runs) {
        err = hook_poll(&d->hook, now);
        if (err == ACME_AGAIN)
            return HOOK_TICK_MS;
        deploy_end(d, err);
        return 0;
    }
    next = deploy_next(d);
    if (next == DAEMON_NOBODY)
        return UINT32_MAX;
    if (d->turns[next].hook_ms > now)
        return d->turns[next].hook_ms - now < UINT32_MAX ? (uint32_t)(d->turns[next].hook_ms - now)
                                                         : UINT32_MAX;
    deploy_start(d, next);
    return 0;
}

bool deploy_busy(const struct daemon *d)
{
    return d->hook_runs || deploy_next(d) != DAEMON_NOBODY;
}

void deploy_stop(struct daemon *d, uint64_t by_ms)
{
    int err = ACME_AGAIN;

    if (!d->hook_runs)
        return;
    while (err == ACME_AGAIN && posix_now_ms(NULL) < by_ms) {
        err = hook_poll(&d->hook, posix_now_ms(NULL));
        if (err == ACME_AGAIN)
            sockets_wait(&world.net, HOOK_TICK_MS);
    }
    if (err == ACME_AGAIN)
        hook_stop(&d->hook);
    d->hook_runs = false;
}
