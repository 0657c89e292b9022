/* lwacme issue, revoke, account: one agent, one certificate, one run. */
#include "lwacme.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "acme_time.h"
#include "http01.h"
#include "posix_sys.h"

/* All the memory there is. */
static struct acme_agent agent;
static uint8_t io[ACME_IO_SIZE];
static union {
    void *align;
    uint8_t bytes[ACME_SCRATCH_SIZE];
} scratch;
static uint8_t record[ACME_IO_SIZE];

/* The context of the port: the sockets first, because they are the net's context. */
static struct world {
    struct sockets_net net;
    struct show show;
    struct posix_slots slots;
    struct trust trust;
    struct http01 http01;
    struct webroot webroot;
    struct binding binding;
    struct acme_slots slot_ops;
    struct acme_port port;
} world;

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
    sockets_wake(&world.net);
}

static void on_event(void *ctx, const struct acme_event *event)
{
    show_event(&((struct world *)ctx)->show, event);
}

static void catch_signals(void)
{
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    /* nohup: who started us wants that the end of the terminal is none of ours. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* -- set-up: ACME_OK, or an error that has been said -- */

static int open_store(const struct options *o)
{
    int err = posix_slots_open(&world.slots, o->state_dir);

    if (err == ACME_AGAIN)
        show_error(&world.show, ACME_E_SLOT, "%s is in use by process %ld", o->state_dir,
                   world.slots.holder);
    else if (err != ACME_OK)
        show_error(&world.show, err, "%s: %s", acme_err_words(err), world.slots.why);
    return err == ACME_AGAIN ? ACME_E_SLOT : err;
}

static int open_world(const struct options *o)
{
    int err = open_store(o);

    if (err != ACME_OK)
        return err;
    if (trust_open(&world.trust, o->ca_file) != 0) {
        show_error(&world.show, ACME_E_CONFIG, "no trust anchors: %s", world.trust.why);
        return ACME_E_CONFIG;
    }
    err = sockets_init(&world.net);
    if (err != ACME_OK) {
        show_error(&world.show, err, "no sockets: %s", strerror(errno));
        return err;
    }
    world.slot_ops = posix_slots_ops(&world.slots);
    world.port.ctx = &world;
    world.port.net = &sockets_net_ops;
    world.port.slots = &world.slot_ops;
    world.port.entropy = posix_entropy;
    world.port.now_ms = posix_now_ms;
    world.port.unix_time = posix_unix_time;
    world.port.event = on_event;
    acme_crypto_seed_from(&world.port);
    acme_crypto_clock_from(&world.port);
    return ACME_OK;
}

static void close_world(void)
{
    if (world.port.net != NULL)
        sockets_down(&world.net);
    trust_close(&world.trust);
    binding_wipe(&world.binding);
    posix_slots_close(&world.slots);
}

static int read_binding(const struct options *o, struct acme_config *config)
{
    bool open_to_others = false;

    if (o->eab_key_file == NULL)
        return ACME_OK;
    if (binding_read(&world.binding, o, &open_to_others) != 0) {
        show_error(&world.show, ACME_E_CONFIG, "no external account binding: %s",
                   world.binding.why);
        return ACME_E_CONFIG;
    }
    if (open_to_others)
        fprintf(stderr, "lwacme: warning: %s: others than its owner may read this key\n",
                o->eab_key_file);
    config->eab = acme_slice_of(world.binding.packed, world.binding.len);
    return ACME_OK;
}

static int start_agent(const struct options *o, struct acme_config *config,
                       struct acme_solver **solver)
{
    const char *why = "", *which = NULL;
    int err;

    if (o->webroot != NULL && access(o->webroot, W_OK | X_OK) != 0) {
        show_error(&world.show, ACME_E_SOLVER, "--webroot %.300s: %s", o->webroot, strerror(errno));
        return ACME_E_SOLVER;
    }
    err = read_binding(o, config);
    if (err != ACME_OK)
        return err;
    config->directory_url = o->server;
    config->more_servers = o->more_servers;
    config->more_servers_count = o->servers_count > 0 ? o->servers_count - 1 : 0;
    config->staging.url = o->staging_server;
    config->names = o->name_list;
    config->names_count = o->names_count;
    config->cert_name = o->cert_name[0] != '\0' ? o->cert_name : NULL;
    config->contact = o->email;
    config->csr = o->csr;
    config->profile = o->profile;
    config->preferred_chain = o->preferred_chain;
    config->shortest_chain = o->shortest_chain;
    config->profile_required = o->profile_required;
    config->terms_agreed = o->agree_tos;
    config->anchors.sets = &world.trust.text;
    config->anchors.count = 1;
    config->account_key_type = (uint8_t)o->account_key_type;
    config->cert_key_type = (uint8_t)o->key_type;
    config->reuse_key = o->reuse_key;
    config->only_when_asked = true;
    config->memory.io.ptr = io;
    config->memory.io.len = sizeof io;
    config->memory.scratch.ptr = scratch.bytes;
    config->memory.scratch.len = sizeof scratch.bytes;
    *solver = o->webroot != NULL
                  ? webroot_init(&world.webroot, &world.port, o->webroot)
                  : http01_init(&world.http01, &world.port, o->http_bind, o->http_port);
    err = acme_agent_init(&agent, config, &world.port, solver, 1, &why, &which);
    if (err != ACME_OK)
        show_error(&world.show, err, "%s%s%s", why, which != NULL ? ": " : "",
                   which != NULL ? which : "");
    return err;
}

/* -- the run -- */

/* Poll until the run is over; a signal ends it early, but lets it clean up. */
static void run(void)
{
    struct acme_agent_status status;
    uint64_t stop_by = 0;
    uint32_t sleep_ms = 0;

    do {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        if (!status.busy)
            break;
        show_tick(&world.show);
        if (signalled != 0 && stop_by == 0) {
            stop_by = posix_now_ms(NULL) + 5000;
            acme_agent_stop(&agent);
            sleep_ms = 0;
        }
        if (world.show.live && sleep_ms > 200)
            sleep_ms = 200; /* the line on the terminal is alive */
        if (sleep_ms > 0)
            sockets_wait(&world.net, sleep_ms);
    } while (stop_by == 0 || posix_now_ms(NULL) < stop_by);
    show_flush(&world.show);
}

static void tell_installed(const struct options *o, const struct install *in,
                           const struct acme_certificate *cert, bool renewed)
{
    struct acme_cert_facts facts;
    char until[ACME_TIME_TEXT];
    uint8_t room[1200];
    struct acme_buf b;

    memset(&facts, 0, sizeof facts);
    (void)acme_cert_facts(acme_chain_at(&cert->chain, 0), &facts);
    acme_time_text(cert->not_after, until);
    if (o->json) {
        acme_buf_init(&b, room, sizeof room);
        acme_buf_text(&b, "{\"v\":1");
        acme_json_put_text(&b, "event", "installed");
        acme_json_put_text(&b, "path", in->path);
        acme_json_put_text(&b, "issuer", facts.issuer);
        acme_json_put_time(&b, "not_before", cert->not_before);
        acme_json_put_time(&b, "not_after", cert->not_after);
        show_json(&b);
    } else if (!o->quiet)
        fprintf(stderr, "lwacme: %s %s, by %s, valid until %s\n",
                renewed ? "new certificate in" : "files brought up to date in", in->path,
                facts.issuer[0] != '\0' ? facts.issuer : "(an unnamed issuer)", until);
}

/* The files follow the record: also when the last run was killed between the two. */
static int install(const struct options *o, bool renewed)
{
    char live[400];
    struct acme_certificate cert;
    struct acme_span room = {record, sizeof record};
    struct install in;
    const char *out_dir = o->out_dir;
    int changed, err = acme_agent_certificate(&agent, room, &cert);

    if (err != ACME_OK) {
        show_error(&world.show, err, "the stored certificate cannot be read: %s",
                   acme_err_words(err));
        return err;
    }
    if (out_dir == NULL) {
        snprintf(live, sizeof live, "%.390s/live", o->state_dir);
        out_dir = live;
    }
    changed = install_certificate(&in, out_dir,
                                  o->cert_name[0] != '\0' ? o->cert_name : o->names[0], &cert);
    if (changed < 0) {
        show_error(&world.show, ACME_E_SLOT,
                   "%s (the certificate is safe in the state folder; the next run installs it)",
                   in.why);
        err = ACME_E_SLOT;
    } else {
        /* The files are all that this program does with it: they are written, so it is loaded. */
        (void)acme_agent_certificate_loaded(&agent, true);
        if (changed > 0)
            tell_installed(o, &in, &cert, renewed);
    }
    acme_wipe(record, sizeof record);
    return err;
}

/* What the storage or a solver knows beyond the status. */
static void tell_detail(int outcome)
{
    if (world.slots.why[0] != '\0' && outcome <= ACME_E_SLOT && outcome >= ACME_E_SLOT_FULL)
        fprintf(stderr, "  storage   %s\n", world.slots.why);
    if (outcome == ACME_E_CONFIG && world.trust.path != NULL)
        fprintf(stderr,
                "  trust     %s: no usable certificate as a trust anchor in it, or the clock of "
                "this machine is far off\n",
                world.trust.path);
    if (world.webroot.why[0] != '\0' && outcome == ACME_E_SOLVER)
        fprintf(stderr, "  webroot   %s\n", world.webroot.why);
}

/* EXIT_DONE: the agent stands; or the status to exit with, all being said. */
static int begin(const struct options *o, struct acme_config *config)
{
    static struct acme_solver *solver; /* as long as the agent */
    int err;

    memset(config, 0, sizeof *config);
    show_init(&world.show, o);
    catch_signals();
    err = open_world(o);
    if (err == ACME_OK)
        err = start_agent(o, config, &solver);
    if (err != ACME_OK) {
        close_world();
        /* What init refuses was typed, or is a bound on it. */
        return solver == NULL || err == ACME_E_ARG ? exit_status(err) : EXIT_USAGE;
    }
    if (o->ask & ACME_ASK_IGNORE_RETRY_AFTER)
        fprintf(stderr, "lwacme: warning: --ignore-retry-after: a CA may block an account that "
                        "does not wait\n");
    return EXIT_DONE;
}

/* What the agent was asked for, to its end: the outcome, which has been told. */
static int run_told(struct acme_agent_status *status)
{
    run();
    acme_agent_status(&agent, status);
    if (status->outcome != ACME_OK && status->outcome != ACME_E_HELD)
        tell_detail(status->outcome);
    /* Such as a clock that is not set: only a warning was sent, which -q leaves out. */
    if (status->outcome != ACME_OK && signalled == 0 && !world.show.failed && !world.show.held)
        show_error(&world.show, status->outcome, "%s", acme_err_words(status->outcome));
    return status->outcome;
}

/* -- jobs -- */

/* What is to be revoked, and the key that signs. */
static int aim_revoke(const struct options *o, struct acme_job *job, struct acme_key *key)
{
    struct acme_certificate cert;
    struct acme_span room = {record, sizeof record};
    struct acme_slice leaf;
    int err = acme_agent_certificate(&agent, room, &cert);

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
    acme_wipe(record, sizeof record);
    return err;
}

static void tell_revoked(const struct options *o, const struct acme_job *job)
{
    if (o->quiet || o->json || job->type != ACME_JOB_REVOKE || job->certificate.len > 0)
        return;
    fprintf(stderr,
            "lwacme: the files that hold it are left alone, and whoever serves it goes on doing "
            "so;\n"
            "lwacme: it is not renewed any more: `lwacme issue --force` gets another one\n");
}

int job_run(const struct options *o)
{
    struct acme_config config;
    struct acme_agent_status status;
    struct acme_job job;
    struct acme_key *key = job_key();
    uint32_t sleep_ms;
    int err = begin(o, &config);

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
    if (err == ACME_OK && signalled == 0)
        tell_revoked(o, &job);
    acme_key_wipe(key);
    acme_agent_close(&agent);
    close_world();
    return signalled != 0 ? 128 + (int)signalled : exit_status(err);
}

int issue_run(const struct options *o)
{
    struct acme_config config;
    struct acme_agent_status status;
    int err = begin(o, &config);

    if (err != EXIT_DONE)
        return err;
    (void)acme_agent_ask(&agent, o->ask, NULL);
    err = run_told(&status);
    if (err == ACME_OK || (status.has_certificate && status.renewed)) {
        int installed = install(o, status.renewed);
        if (err == ACME_OK)
            err = installed;
    }
    acme_agent_close(&agent);
    close_world();
    if (signalled != 0)
        return 128 + (int)signalled;
    /* That nobody has agreed to the terms, or who the customer is, is for the caller to mend. */
    if (err == ACME_E_BINDING && o->eab_kid == NULL)
        return EXIT_USAGE;
    return err == ACME_E_TERMS && !o->agree_tos ? EXIT_USAGE : exit_status(err);
}
