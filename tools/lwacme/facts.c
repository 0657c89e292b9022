/* What is stored of each certificate, read beside a running process and without asking anybody. */
#include "facts.h"

#include <string.h>

#include "http01.h"
#include "posix_sys.h"

static struct acme_agent agent;
static uint8_t io[ACME_IO_SIZE];
static union {
    void *align;
    uint8_t bytes[ACME_SCRATCH_SIZE];
} scratch;
static uint8_t record[ACME_IO_SIZE];

struct reader {
    const struct options *o;
    facts_fn fn;
    void *arg;
    struct posix_slots slots;
    struct acme_slots ops;
    struct acme_port port;
    struct http01 http01; /* an agent has a solver, also one that only reads */
    char damaged[200];
};

static void read_event(void *ctx, const struct acme_event *event)
{
    struct reader *r = ctx;
    size_t len = strlen(r->damaged);

    if (event->type == ACME_EVENT_WARNING && event->err == ACME_E_SLOT_CORRUPT)
        snprintf(r->damaged + len, sizeof r->damaged - len, "%s%s", len > 0 ? "; " : "",
                 event->text);
}

static void judge(struct facts *f, const struct options *o)
{
    static struct hook_job job;
    struct alarm_facts *h = &f->health;

    h->now = f->now;
    h->err = f->err;
    h->damaged_record = f->damaged[0] != '\0';
    h->revoked = f->status.revoked != ACME_NOT_REVOKED;
    h->not_before = f->cert.not_before;
    h->not_after = f->cert.not_after;
    h->due_at = f->status.due_at;
    h->window_asked = f->status.window_followed ? f->status.window_asked : 0;
    h->failure = f->status.failure;
    h->attempts = f->status.attempts;
    h->hook_since = hook_job_of(o, &job) ? hook_owed_since(job.folder) : 0;
    f->alarm = alarm_judge(h);
}

size_t facts_holds(const struct facts *f, struct facts_hold holds[FACTS_HOLDS])
{
    const struct acme_ledger *l = f->status.ledger;
    bool account = l != NULL && l->account.by_ca && f->status.account[0] == '\0';
    const struct facts_hold all[] = {
        {"no request at all", "all", l != NULL ? l->any_not_before : 0,
         l != NULL ? l->any_set_at : 0, true},
        {"no new order", "orders", l != NULL ? l->order_not_before : 0,
         l != NULL ? l->order_set_at : 0, false},
        {"no new account", "accounts", account ? l->account.not_before : 0,
         account ? l->account.set_at : 0, false},
    };
    size_t count = 0;

    for (size_t i = 0; i < FACTS_HOLDS; i++) {
        if (all[i].until > f->now)
            holds[count++] = all[i];
    }
    return count;
}

static bool start_agent(struct reader *r, struct acme_config *config, const char *key)
{
    static struct acme_slice no_anchor = {(const uint8_t *)"", 0};
    static const char *names[1];
    static struct acme_solver *solver;
    struct acme_name name;

    memset(config, 0, sizeof *config);
    solver = http01_init(&r->http01, &r->port, NULL, 80);
    /* What a certificate is called need not be one of its names; none is asked for here. */
    names[0] = acme_name_read(acme_slice_text(key), &name, NULL) == ACME_OK ? key : "name.invalid";
    config->cert_name = key;
    config->directory_url = r->o->server;
    config->more_servers = r->o->more_servers;
    config->more_servers_count = r->o->servers_count > 0 ? r->o->servers_count - 1 : 0;
    config->staging.url = r->o->staging_server;
    config->names = names;
    config->names_count = 1;
    config->anchors.sets = &no_anchor;
    config->anchors.count = 1;
    config->only_when_asked = true;
    config->memory.io.ptr = io;
    config->memory.io.len = sizeof io;
    config->memory.scratch.ptr = scratch.bytes;
    config->memory.scratch.len = sizeof scratch.bytes;
    return acme_agent_init(&agent, config, &r->port, &solver, 1, NULL, NULL) == ACME_OK;
}

/* An agent that only loads its records tells everything. */
static void read_key(struct reader *r, const char *key)
{
    struct acme_config config;
    struct acme_span room = {record, sizeof record};
    struct facts f;
    uint32_t sleep_ms;

    memset(&f, 0, sizeof f);
    f.key = key;
    f.damaged = r->damaged;
    f.several = r->o->servers_count > 1 || r->o->staging_server != NULL;
    r->damaged[0] = '\0';
    if (!start_agent(r, &config, key))
        return; /* a folder that is not ours */
    while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN)
        continue;
    acme_agent_status(&agent, &f.status);
    f.err = f.status.outcome != ACME_OK && f.status.outcome != ACME_AGAIN
                ? f.status.outcome
                : acme_agent_certificate(&agent, room, &f.cert);
    if (f.err == ACME_OK)
        f.err = acme_cert_facts(acme_chain_at(&f.cert.chain, 0), &f.leaf);
    if (posix_unix_time(NULL, &f.now) != ACME_OK)
        f.now = 0;
    judge(&f, r->o);
    r->fn(r->arg, &f);
    acme_wipe(record, sizeof record);
    acme_agent_close(&agent);
}

static void read_one(void *arg, const char *key)
{
    read_key(arg, key);
}

/* There is no state folder: nobody's records are there. */
static void read_none(struct reader *r, const char *key)
{
    static const struct acme_failure no_failure;
    static const struct acme_sched no_attempts;
    struct facts f;

    memset(&f, 0, sizeof f);
    f.key = key;
    f.damaged = "";
    f.err = ACME_E_SLOT_EMPTY;
    f.status.failure = &no_failure;
    f.status.attempts = &no_attempts;
    (void)posix_unix_time(NULL, &f.now);
    judge(&f, r->o);
    r->fn(r->arg, &f);
}

static int read_named(struct reader *r, const struct options *o, int err)
{
    void (*read)(struct reader *, const char *) = err == ACME_OK ? read_key : read_none;

    if (err != ACME_OK && err != ACME_E_SLOT_EMPTY)
        return err;
    if (o->cert_name[0] != '\0')
        read(r, o->cert_name);
    else if (o->names_count > 0) {
        for (size_t i = 0; i < o->names_count; i++)
            read(r, o->names[i]);
    } else
        return err == ACME_OK ? posix_slots_each_cert(&r->slots, read_one, r) : err;
    return ACME_OK;
}

static int each(const struct options *o, facts_fn fn, void *arg, char *why, size_t room)
{
    static struct reader r;
    int err;

    memset(&r, 0, sizeof r);
    r.o = o;
    r.fn = fn;
    r.arg = arg;
    err = posix_slots_open_read(&r.slots, o->state_dir);
    r.ops = posix_slots_ops(&r.slots);
    r.port.ctx = &r;
    r.port.net = &sockets_net_ops;
    r.port.slots = &r.ops;
    r.port.entropy = posix_entropy;
    r.port.now_ms = posix_now_ms;
    r.port.unix_time = posix_unix_time;
    r.port.event = read_event;
    err = read_named(&r, o, err);
    snprintf(why, room, "%.200s", r.slots.why);
    posix_slots_close(&r.slots);
    return err;
}

int facts_each(const struct options *o, const struct conf *c, facts_fn fn, void *arg, char *why,
               size_t room)
{
    static struct options one; /* large */
    int err = ACME_OK;

    if (c == NULL)
        return each(o, fn, arg, why, room);
    for (size_t i = 0; err == ACME_OK && i < c->count; i++) {
        /* A request that is gone keeps nobody from looking at the certificate. */
        (void)conf_options(c, i, &one);
        err = each(&one, fn, arg, why, room);
    }
    return err;
}
