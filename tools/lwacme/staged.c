/* The steps of the staged walk. */
#include "staged.h"

#include <errno.h>
#include <string.h>

#include "acme_time.h"
#include "posix_sys.h"
#include "staged_options.h"
#include "world.h"

static const struct options *opts;
static struct acme_agent_status status;

static const char *first_name(void)
{
    return opts->cert_name[0] != '\0' ? opts->cert_name : opts->names[0];
}

/* -- one walk of the agent -- */

/* An order that this step can go on with. */
static bool order_open(void)
{
    return status.order_open && !status.order_other;
}

/* Until it rests; a signal, or the step's own end, stops it early, but lets it clean up. */
static void run(void)
{
    uint64_t stop_by = 0;
    uint32_t sleep_ms = 0;

    do {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        if (!status.busy)
            break;
        if ((world_signal != 0 || staged.stop) && stop_by == 0) {
            stop_by = posix_now_ms(NULL) + 5000;
            acme_agent_stop(&agent);
            sleep_ms = 0;
        }
        if (sleep_ms > 0)
            sockets_wait(&world.net, sleep_ms);
    } while (stop_by == 0 || posix_now_ms(NULL) < stop_by);
}

/* What was asked for has been done, or was stopped as it should: the outcome, which was told. */
static int finish(void)
{
    if (status.outcome == ACME_E_CLOSED && staged.stop && world_signal == 0)
        return ACME_OK;
    if (status.outcome != ACME_OK && status.outcome != ACME_E_HELD)
        world_detail(status.outcome);
    if (status.outcome != ACME_OK && world_signal == 0 && !world.show.failed && !world.show.held)
        show_error(&world.show, status.outcome, "%s", acme_err_words(status.outcome));
    return status.outcome;
}

/* Goes on with the order that is open, or (flags) begins one, up to a row. */
static int walk(unsigned flags, const char *until)
{
    unsigned own = opts->ask & (ACME_ASK_NOW | ACME_ASK_IGNORE_RETRY_AFTER);

    /* The wait was before this order; a person who goes on with it does not begin another one. */
    if (order_open() && (flags & ACME_ASK_ANEW) == 0)
        own |= ACME_ASK_NOW;
    staged.ready = staged.responded = staged.stop = false;
    if (acme_agent_ask(&agent, flags | own | ACME_ASK_PROOFS, until) != ACME_OK)
        return ACME_E_ARG;
    run();
    return finish();
}

static int do_job(const struct acme_job *job)
{
    if (acme_agent_do(&agent, job, opts->ask) != ACME_OK)
        return ACME_E_ARG;
    run();
    return finish();
}

/* -- where the walk stands -- */

/* A certificate with which nothing has to be done. */
static bool is_done(void)
{
    int64_t now = 0;

    return status.has_certificate && status.wanted && status.revoked == ACME_NOT_REVOKED &&
           posix_unix_time(NULL, &now) == ACME_OK && now < status.due_at;
}

static void tell_done(const char *what)
{
    char until[ACME_TIME_TEXT];

    acme_time_text(status.not_after, until);
    if (!opts->quiet)
        staged_say(LOG_TELL, "%s: the certificate of %s is valid until %s", what, first_name(),
                   until);
}

/* A step before this one is missing. */
static int missing(const char *which, const char *why)
{
    staged_say(LOG_BAD, "error: %s is missing: %s", which, why);
    return EXIT_STEP;
}

/* EXIT_DONE, or the step that has to come first. */
static int need_account(void)
{
    char why[400];

    if (status.account[0] != '\0')
        return EXIT_DONE;
    snprintf(why, sizeof why, "there is no account at %.300s; use -m E-MAIL --agree-tos",
             opts->server);
    return missing("registration", why);
}

static int need_order(void)
{
    if (order_open())
        return EXIT_DONE;
    if (status.order_open)
        return missing("-AUTH", "the order that is open is for other names, another server, key "
                                "type or profile; give the same as with -AUTH, or -AUTH again");
    return missing("-AUTH", "there is no order");
}

/* -- the steps; each answers the status to exit with -- */

static int after(int err)
{
    /* That nobody has agreed to the terms, or who the customer is, is for the caller to mend. */
    if ((err == ACME_E_TERMS && !opts->agree_tos) ||
        (err == ACME_E_BINDING && opts->eab_kid == NULL))
        return EXIT_USAGE;
    return exit_status(err);
}

static int remember(void)
{
    if (opts->config_file != NULL || staged_memory_write(opts) == 0)
        return EXIT_DONE;
    staged_say(LOG_BAD, "error: %s/staged: %s", opts->state_dir, strerror(errno));
    return EXIT_LOCAL;
}

/* The account is made; one that is there is shown, with another contact where one is given. */
static int step_register(void)
{
    struct acme_job job = {.type = opts->email != NULL ? ACME_JOB_UPDATE : ACME_JOB_SHOW};
    int err;

    if (status.account[0] == '\0' && opts->email == NULL)
        return staged_usage("email address is not correct (mailto: None)");
    err = remember();
    if (err != EXIT_DONE)
        return err;
    job.contact = opts->email;
    return after(status.account[0] == '\0' ? walk(ACME_ASK_FORCE, "charge") : do_job(&job));
}

static int step_auth(void)
{
    bool force = (opts->ask & ACME_ASK_FORCE) != 0, open = order_open();
    int err = need_account();

    if (err != EXIT_DONE)
        return err;
    if (!open && !force && is_done()) {
        tell_done("already authorized, --force begins anew");
        return EXIT_DONE;
    }
    if (!open && !force && status.wanted && status.revoked != ACME_NOT_REVOKED) {
        staged_say(LOG_BAD, "error: the certificate of %s is revoked: --force orders another one",
                   first_name());
        return exit_status(ACME_E_REVOKED);
    }
    err = remember();
    if (err != EXIT_DONE)
        return err;
    err = walk(opts->ask & ACME_ASK_FORCE, "note");
    if (err != ACME_OK || !open || !staged.ready)
        return after(err);
    if (force)
        return after(walk(ACME_ASK_FORCE | ACME_ASK_ANEW, "note"));
    if (!opts->quiet)
        staged_say(LOG_TELL, "already authorized: -CERT is next, and --force begins anew");
    return EXIT_DONE;
}

static int step_record(void)
{
    int err = need_account();

    if (err == EXIT_DONE && !order_open() && is_done()) {
        tell_done("no record is needed");
        return EXIT_DONE;
    }
    if (err == EXIT_DONE)
        err = need_order();
    if (err != EXIT_DONE)
        return err;
    err = walk(0, "ready");
    if (err != ACME_OK)
        return after(err);
    for (size_t i = 0; i < world.solve.byhand.count; i++)
        staged_record(&world.solve.byhand.records[i]);
    if (world.solve.byhand.count == 0 && !opts->quiet)
        staged_say(LOG_TELL, "no record is needed: %s is authorized, -CERT is next", first_name());
    return EXIT_DONE;
}

static int step_prove(void)
{
    int err = need_account();

    if (err == EXIT_DONE && !order_open() && is_done()) {
        tell_done("nothing is pending");
        return EXIT_DONE;
    }
    if (err == EXIT_DONE)
        err = need_order();
    if (err != EXIT_DONE)
        return err;
    world.solve.byhand.force = (opts->ask & ACME_ASK_FORCE) != 0;
    err = walk(0, "finalize");
    if (err != ACME_OK)
        return after(err);
    if (staged.stop) {
        staged_say(LOG_BAD, "error: the CA was not told to look, because it looks once only: "
                            "repeat -DNS when the record is there, or with --force");
        return world.solve.byhand.unknown ? EXIT_LATER : EXIT_STEP;
    }
    if (!staged.responded && !opts->quiet)
        staged_say(LOG_TELL, "nothing is pending: %s is authorized, -CERT is next", first_name());
    return EXIT_DONE;
}

static int write_files(void)
{
    static struct staged_files files;
    struct acme_certificate cert;
    int done, err = acme_agent_certificate(&agent, world_record, &cert);

    if (err != ACME_OK) {
        show_error(&world.show, err, "the stored certificate cannot be read: %s",
                   acme_err_words(err));
        return exit_status(err);
    }
    done = staged_files_write(&files, opts->out_dir, first_name(), &cert);
    acme_wipe(world_record.ptr, world_record.len);
    if (done < 0) {
        show_error(&world.show, ACME_E_SLOT,
                   "%s (the certificate is safe in the state folder: repeat -CERT)", files.why);
        return EXIT_LOCAL;
    }
    (void)acme_agent_certificate_loaded(&agent, true);
    return EXIT_DONE;
}

static int step_cert(void)
{
    bool force = (opts->ask & ACME_ASK_FORCE) != 0;
    int err = need_account();

    if (err != EXIT_DONE)
        return err;
    if (!order_open() && !force && is_done()) {
        tell_done("nothing is due");
        return write_files();
    }
    err = order_open() || force ? EXIT_DONE : need_order();
    if (err == EXIT_DONE && force && !order_open())
        err = remember(); /* it begins a walk */
    if (err != EXIT_DONE)
        return err;
    err = walk(opts->ask & ACME_ASK_FORCE, "begin");
    if (err != ACME_OK)
        return after(err);
    if (status.order_open)
        return missing("-DNS", "the authorization is pending; --dns tells the record");
    return write_files();
}

/* -- */

static void tell_record(const struct byhand_record *record, const char *why)
{
    if (why != NULL)
        staged_say(world.solve.byhand.force ? LOG_WARN : LOG_BAD,
                   "%s: " BYHAND_PREFIX "%s. is not there yet with %s (%s)",
                   world.solve.byhand.force ? "warning" : "error", record->name, record->value,
                   why);
    else if (!opts->quiet && staged.all)
        staged_say(LOG_TELL, "no longer needed: " BYHAND_PREFIX "%s. IN TXT %s", record->name,
                   record->value);
}

static int dispatch(void)
{
    switch ((enum staged_step)opts->step) {
    case STAGED_AUTH:
        return step_auth();
    case STAGED_RECORD:
        return step_record();
    case STAGED_PROVE:
        return step_prove();
    case STAGED_CERT:
        return step_cert();
    default:
        return step_register();
    }
}

static int step_revoke(void)
{
    static struct options o;
    int err;

    o = *opts;
    o.command = COMMAND_REVOKE;
    world.listener = staged_event;
    err = job_run(&o);
    if (err == EXIT_DONE && o.file == NULL && !o.quiet)
        staged_say(LOG_NOTE, "the files that hold it are left alone; -AUTH --force begins anew");
    return err;
}

int staged_run(const struct options *o)
{
    bool refused = false;
    uint32_t sleep_ms;
    int err;

    opts = o;
    staged.solver = &world.solve.byhand;
    staged.step = (enum staged_step)o->step;
    staged.muted = o->quiet;
    staged.all = o->verbose > 0;
    if (o->step == STAGED_REVOKE)
        return step_revoke();
    show_init(&world.show, o);
    world.show.live = false;
    world_signals(false);
    err = world_open(o, staged_event);
    if (err == ACME_OK)
        err = world_load(o, &refused);
    if (err == ACME_OK) {
        world.solve.byhand.tell = tell_record;
        while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN) /* reads the records */
            continue;
        acme_agent_status(&agent, &status);
        err = status.outcome == ACME_OK || status.outcome == ACME_AGAIN
                  ? dispatch()
                  : exit_status(status.outcome);
    } else
        err = refused ? EXIT_USAGE : exit_status(err);
    world_unload();
    world_close();
    return world_signal != 0 ? 128 + (int)world_signal : err;
}
