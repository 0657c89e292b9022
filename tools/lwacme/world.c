/* The one agent, its memory and its port, for one certificate after another. */
#include "world.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "acme_time.h"
#include "posix_sys.h"

/* All the memory there is. */
struct acme_agent agent;
struct world world;
static uint8_t io[ACME_IO_SIZE];
static union {
    void *align;
    uint8_t bytes[ACME_SCRATCH_SIZE];
} scratch;
static uint8_t record[ACME_IO_SIZE];
struct acme_span world_record = {record, sizeof record};

/* -- signals -- */

volatile sig_atomic_t world_signal, world_hangup;

static void on_signal(int number)
{
    if (number == SIGHUP)
        world_hangup = 1;
    world_signal = number == SIGHUP && world_signal != 0 ? world_signal : number;
    sockets_wake(&world.net);
}

void world_signals(bool hangup)
{
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask); /* one at a time: each looks at the one before */
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    /* nohup: who started us wants that the end of the terminal is none of ours. */
    if (hangup || (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN))
        (void)sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

static void on_event(void *ctx, const struct acme_event *event)
{
    show_event(&((struct world *)ctx)->show, event);
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

int world_open(const struct options *o, void (*event)(void *ctx, const struct acme_event *event))
{
    int err = open_store(o);

    if (err != ACME_OK)
        return err;
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
    world.port.event = world.listener != NULL ? world.listener : event != NULL ? event : on_event;
    acme_crypto_seed_from(&world.port);
    acme_crypto_clock_from(&world.port);
    solve_init(&world.solve, o, &world.port);
    return ACME_OK;
}

void world_close(void)
{
    if (world.port.net != NULL)
        sockets_down(&world.net);
    posix_slots_close(&world.slots);
}

/* -- one certificate -- */

static int read_binding(const struct options *o)
{
    static bool warned;
    bool open_to_others = false;
    int err = binding_read(&world.binding, o, &open_to_others);

    if (err == 0)
        world.config.eab = acme_slice_of(world.binding.packed, world.binding.len);
    else if (o->command == COMMAND_ISSUE || o->command == COMMAND_ACCOUNT) {
        show_error(&world.show, ACME_E_CONFIG, "no external account binding: %s",
                   world.binding.why);
        return ACME_E_CONFIG;
    } else if (!warned) /* it is of no use any more when the account is made */
        fprintf(log_to(LOG_WARN), "lwacme: warning: no external account binding: %s\n",
                world.binding.why);
    if (open_to_others && !warned)
        fprintf(log_to(LOG_WARN), "lwacme: warning: %s: others than its owner may read this key\n",
                o->eab_key_file);
    warned = true;
    return ACME_OK;
}

/* What the options name outside of the state folder. */
static int open_files(const struct options *o)
{
    if (trust_open(&world.trust, o->ca_file) != 0) {
        show_error(&world.show, ACME_E_CONFIG, "no trust anchors: %s", world.trust.why);
        return ACME_E_CONFIG;
    }
    if (solve_open(&world.solve, o, &world.port) != ACME_OK) {
        show_error(&world.show, world.solve.err, "%s", world.solve.why);
        return world.solve.err;
    }
    return o->eab_key_file != NULL ? read_binding(o) : ACME_OK;
}

int world_load(const struct options *o, bool *refused)
{
    struct acme_config *config = &world.config;
    const char *why = "", *which = NULL;
    int err;

    *refused = false;
    memset(config, 0, sizeof *config);
    err = open_files(o);
    if (err != ACME_OK)
        return err;
    show_ways(o);
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
    world.show.port = &world.net.refused;
    err = acme_agent_init(&agent, config, &world.port, world.solve.list, world.solve.count, &why,
                          &which);
    if (err != ACME_OK)
        show_error(&world.show, err, "%s%s%s", why, which != NULL ? ": " : "",
                   which != NULL ? which : "");
    *refused = err != ACME_OK && err != ACME_E_ARG;
    return err;
}

void world_unload(void)
{
    if (agent.config != NULL)
        acme_agent_close(&agent);
    agent.config = NULL;
    trust_close(&world.trust);
    binding_wipe(&world.binding);
    solve_close(&world.solve);
}

void world_wait(uint32_t ms)
{
    sockets_wait(&world.net, ms);
}

/* -- the files -- */

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
        fprintf(log_to(LOG_NOTE), "lwacme: %s %s, by %s, valid until %s\n",
                renewed ? "new certificate in" : "files brought up to date in", in->path,
                facts.issuer[0] != '\0' ? facts.issuer : "(an unnamed issuer)", until);
}

int world_install(const struct options *o, bool renewed, bool *changed)
{
    char live[400];
    struct acme_certificate cert;
    struct install in;
    const char *out_dir = o->out_dir;
    int done, err = acme_agent_certificate(&agent, world_record, &cert);

    *changed = false;
    if (err != ACME_OK) {
        show_error(&world.show, err, "the stored certificate cannot be read: %s",
                   acme_err_words(err));
        return err;
    }
    if (out_dir == NULL) {
        snprintf(live, sizeof live, "%.390s/live", o->state_dir);
        out_dir = live;
    }
    done = install_certificate(&in, out_dir, o->cert_name[0] != '\0' ? o->cert_name : o->names[0],
                               &cert);
    *changed = done > 0;
    if (done < 0) {
        show_error(&world.show, ACME_E_SLOT,
                   "%s (the certificate is safe in the state folder; the next run installs it)",
                   in.why);
        err = ACME_E_SLOT;
    } else {
        /* The files are all that this program does with it: they are written, so it is loaded. */
        (void)acme_agent_certificate_loaded(&agent, true);
        if (done > 0)
            tell_installed(o, &in, &cert, renewed);
    }
    acme_wipe(record, sizeof record);
    return err;
}

void world_detail(int outcome)
{
    if (world.slots.why[0] != '\0' && outcome <= ACME_E_SLOT && outcome >= ACME_E_SLOT_FULL)
        fprintf(log_to(LOG_BAD), "  storage   %s\n", world.slots.why);
    if (outcome == ACME_E_CONFIG && world.trust.path != NULL)
        fprintf(log_to(LOG_BAD),
                "  trust     %s: no usable certificate as a trust anchor in it, or the clock of "
                "this machine is far off\n",
                world.trust.path);
    solve_detail(&world.solve, outcome);
}
