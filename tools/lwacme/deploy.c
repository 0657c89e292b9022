/* lwacme issue --deploy-hook: the hook, run to its end. */
#include "deploy.h"

#include <unistd.h>

#include "posix_sys.h"

static void tell(const struct options *o, const struct hook_job *job)
{
    char room[1500];
    struct acme_buf b;

    if (o->json) {
        acme_buf_init(&b, room, sizeof room);
        acme_buf_text(&b, "{\"v\":1");
        acme_json_put_text(&b, "event", "deployed");
        acme_json_put_text(&b, "path", job->folder);
        acme_json_put_text(&b, "reason", job->facts.reason);
        show_json(&b);
    } else if (!o->quiet)
        fprintf(log_to(LOG_NOTE), "lwacme: the deploy hook %s has ended well\n", o->deploy_hook);
}

static int run(const struct hook_job *job, const struct deploy *d, char *why, size_t room)
{
    static struct hook hook;
    int err = hook_start(&hook, &job->facts);

    while (err == ACME_OK || err == ACME_AGAIN) {
        err = hook_poll(&hook, posix_now_ms(NULL));
        if (err != ACME_AGAIN)
            break;
        if (d->stopped()) {
            hook_stop(&hook);
            err = ACME_E_SOLVER;
        } else
            d->wait(HOOK_TICK_MS);
    }
    snprintf(why, room, "%s", hook.why);
    return err;
}

void deploy_begin(struct deploy *d, const struct options *o)
{
    d->job.facts.program = NULL;
    d->had = o->deploy_hook != NULL && hook_job_of(o, &d->job) && access(d->job.folder, F_OK) == 0;
}

int deploy_end(struct deploy *d, const struct options *o, struct show *show, bool renewed)
{
    char why[400];
    int err;

    if (d->job.facts.program == NULL || !hook_owed(d->job.folder))
        return ACME_OK;
    d->job.facts.reason = !renewed ? "again" : d->had ? "renewed" : "new";
    err = run(&d->job, d, why, sizeof why);
    if (err == ACME_OK)
        tell(o, &d->job);
    else
        show_error(show, err,
                   "the deploy hook failed: %.250s (the certificate is installed in %.200s; the "
                   "next `lwacme issue` with the hook runs it again)",
                   why, d->job.folder);
    return err;
}
