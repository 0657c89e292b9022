/* lwacme issue, revoke, account: one agent, one certificate, one run. */
#include "world.h"

#include <string.h>

#include "deploy.h"
#include "posix_sys.h"

/* The account's URL, once the CA has told it. */
static char account_url[ACME_MAX_URL + 1];

static void on_event(void *ctx, const struct acme_event *event)
{
    if (event->type == ACME_EVENT_ACCOUNT)
        snprintf(account_url, sizeof account_url, "%s", event->detail);
    outside_event(&world.solve.outside, event);
    show_event(&((struct world *)ctx)->show, event);
}

/* -- the run -- */

/* Poll until the run is over; a signal ends it early, but lets it clean up. */
static void run(void)
{
    struct acme_agent_status status;
    uint64_t stop_by = 0;
    uint32_t sleep_ms = 0;

    do {
        /* Before the poll: Ctrl-C often ends who answers us as well, and that is no failure. */
        if (world_signal != 0 && stop_by == 0) {
            stop_by = posix_now_ms(NULL) + 5000;
            acme_agent_stop(&agent);
        }
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        if (!status.busy)
            break;
        show_tick(&world.show);
        if (world.show.live && sleep_ms > 200)
            sleep_ms = 200; /* the line on the terminal is alive */
        if (sleep_ms > 0)
            sockets_wait(&world.net, sleep_ms);
    } while (stop_by == 0 || posix_now_ms(NULL) < stop_by);
    show_flush(&world.show);
}

/* EXIT_DONE: the agent stands; or the status to exit with, all being said. */
static int begin(const struct options *o)
{
    bool refused = false;
    int err;

    show_init(&world.show, o);
    world_signals(false);
    err = world_open(o, on_event);
    if (err == ACME_OK)
        err = world_load(o, &refused);
    if (err != ACME_OK) {
        outside_close(&world.solve.outside, world_wait);
        world_unload();
        world_close();
        /* What init refuses was typed, or is a bound on it. */
        return refused ? EXIT_USAGE : exit_status(err);
    }
    if (o->ask & ACME_ASK_IGNORE_RETRY_AFTER)
        fprintf(log_to(LOG_WARN),
                "lwacme: warning: --ignore-retry-after: a CA may block an account that "
                "does not wait\n");
    return EXIT_DONE;
}

/* What the agent was asked for, to its end: the outcome, which has been told. */
static int run_told(struct acme_agent_status *status)
{
    run();
    outside_finish(&world.solve.outside, world_wait);
    acme_agent_status(&agent, status);
    if (status->outcome != ACME_OK && status->outcome != ACME_E_HELD)
        world_detail(status->outcome);
    /* Such as a clock that is not set: only a warning was sent, which -q leaves out. */
    if (status->outcome != ACME_OK && world_signal == 0 && !world.show.failed && !world.show.held)
        show_error(&world.show, status->outcome, "%s", acme_err_words(status->outcome));
    return status->outcome;
}

/* -- jobs -- */

/* What is to be revoked, and the key that signs. */
static int aim_revoke(const struct options *o, struct acme_job *job, struct acme_key *key)
{
    struct acme_certificate cert;
    struct acme_slice leaf;
    int err = acme_agent_certificate(&agent, world_record, &cert);

    job->type = ACME_JOB_REVOKE;
    job->reason = (uint8_t)o->reason;
    job->certificate = o->cert;
    job->key = o->by_certificate ? key : NULL;
    if (err == ACME_OK && o->cert.len > 0) {
        leaf = acme_chain_at(&cert.chain, 0);
        if (leaf.len == o->cert.len && memcmp(leaf.ptr, o->cert.ptr, leaf.len) == 0)
            job->certificate.len = 0; /* it is the one in the store */
    }
    if (o->cert.len == 0 && err != ACME_OK)
        show_error(&world.show, err, "there is no certificate %s in %s: %s",
                   o->cert_name[0] != '\0' ? o->cert_name : o->names[0], o->state_dir,
                   acme_err_words(err));
    else
        err = ACME_OK;
    if (err == ACME_OK && o->by_certificate && o->key_file == NULL) {
        err = acme_key_read(key, cert.key);
        if (err != ACME_OK)
            show_error(&world.show, err,
                       "the certificate's key is not in the store: give --file "
                       "and --key, or let the account sign");
    }
    acme_wipe(world_record.ptr, world_record.len);
    return err;
}

static void tell_revoked(const struct options *o, const struct acme_job *job)
{
    if (o->quiet || o->json || o->step != 0 || job->type != ACME_JOB_REVOKE ||
        job->certificate.len > 0)
        return;
    fprintf(log_to(LOG_NOTE),
            "lwacme: the files that hold it are left alone, and whoever serves it goes on doing "
            "so;\n"
            "lwacme: it is not renewed any more: `lwacme issue --force` gets another one\n");
}

int job_run(const struct options *o)
{
    struct acme_agent_status status;
    struct acme_job job;
    struct acme_key *key = job_key();
    uint32_t sleep_ms;
    int err = begin(o);

    if (err != EXIT_DONE)
        return err;
    memset(&job, 0, sizeof job);
    while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN) /* reads the records */
        continue;
    job.type = o->job;
    job.key = o->job == ACME_JOB_RECOVER ? key : NULL;
    job.key_type = (uint8_t)o->account_key_type;
    job.contact = o->no_contact ? NULL : o->email;
    err = o->command == COMMAND_REVOKE ? aim_revoke(o, &job, key) : ACME_OK;
    if (err == ACME_OK)
        err = acme_agent_do(&agent, &job, o->ask);
    if (err == ACME_OK)
        err = run_told(&status);
    if (err == ACME_OK && world_signal == 0)
        tell_revoked(o, &job);
    if (err == ACME_OK && o->import_path != NULL && account_url[0] != '\0')
        import_told(o, account_url);
    acme_key_wipe(key);
    world_unload();
    world_close();
    return world_signal != 0 ? 128 + (int)world_signal : exit_status(err);
}

static bool is_stopped(void)
{
    return world_signal != 0;
}

int issue_run(const struct options *o)
{
    static struct deploy deploy;
    struct acme_agent_status status;
    int err = begin(o);

    if (err != EXIT_DONE)
        return err;
    deploy.wait = world_wait;
    deploy.stopped = is_stopped;
    deploy_begin(&deploy, o);
    (void)acme_agent_ask(&agent, o->ask, NULL);
    err = run_told(&status);
    if (err == ACME_OK || (status.has_certificate && status.renewed)) {
        bool changed;
        int installed = world_install(o, status.renewed, &changed);
        if (err == ACME_OK)
            err = installed;
    }
    if (err == ACME_OK && world_signal == 0) {
        err =
            outside_deploy(&world.solve.outside, o, status.renewed, status.not_before, world_wait);
        if (err != ACME_OK)
            show_error(&world.show, err, "the certificate is installed, but: %s",
                       world.solve.outside.external.why);
    }
    /* Also when there is nothing new: it may have failed the last time. */
    if (world_signal == 0) {
        int deployed = deploy_end(&deploy, o, &world.show, status.renewed);
        if (err == ACME_OK)
            err = deployed;
    }
    outside_close(&world.solve.outside, world_wait);
    world_unload();
    world_close();
    if (world_signal != 0)
        return 128 + (int)world_signal;
    /* That nobody has agreed to the terms, or who the customer is, is for the caller to mend. */
    if (err == ACME_E_BINDING && o->eab_kid == NULL)
        return EXIT_USAGE;
    return err == ACME_E_TERMS && !o->agree_tos ? EXIT_USAGE : exit_status(err);
}
