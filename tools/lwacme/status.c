/* lwacme status: what is stored, read beside a running process and without asking anybody. */
#include "lwacme.h"

#include <string.h>

#include "acme_time.h"
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
    struct posix_slots slots;
    struct acme_slots ops;
    struct acme_port port;
    struct http01 http01; /* an agent has a solver, also one that only reads */
    unsigned shown, broken;
    char damaged[200]; /* records of the certificate being shown, "; " between them */
};

struct fact {
    const char *key;
    struct acme_agent_status status;
    struct acme_certificate cert;
    struct acme_cert_facts leaf;
    const char *damaged; /* records that could not be used; "" if none */
    int err;             /* of reading the certificate */
    int64_t now;
    bool several; /* there is a choice of servers */
};

static void read_event(void *ctx, const struct acme_event *event)
{
    struct reader *r = ctx;
    size_t len = strlen(r->damaged);

    if (event->type == ACME_EVENT_WARNING && event->err == ACME_E_SLOT_CORRUPT)
        snprintf(r->damaged + len, sizeof r->damaged - len, "%s%s", len > 0 ? "; " : "",
                 event->text);
}

static long days_left(const struct fact *f)
{
    return (long)((f->cert.not_after - f->now) / ACME_DAY);
}

static void serial_text(const struct fact *f, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < f->leaf.serial_len; i++) {
        *out++ = digits[f->leaf.serial[i] >> 4];
        *out++ = digits[f->leaf.serial[i] & 15];
    }
    *out = '\0';
}

/* What the CA wants (RFC 9773). */
static void print_window(const struct fact *f)
{
    char start[ACME_TIME_TEXT], end[ACME_TIME_TEXT], next[ACME_TIME_TEXT];

    if (f->status.window_start != 0 || f->status.window_end != 0) {
        acme_time_text(f->status.window_start, start);
        acme_time_text(f->status.window_end, end);
        acme_time_text(f->status.window_next, next);
        printf("  window    the CA wants it from %s until %s%s; asked again from %s on\n", start,
               end, f->status.window_followed ? "" : ", which makes no sense and is ignored", next);
    }
    if (f->status.cert_id[0] != '\0')
        printf("  ARI name  %s%s\n", f->status.cert_id,
               f->status.replaces ? " (its order named its predecessor)" : "");
}

static void print_certificate(const struct fact *f)
{
    char from[ACME_TIME_TEXT], until[ACME_TIME_TEXT], due[ACME_TIME_TEXT], serial[41];
    struct acme_name name;

    printf("  names     ");
    for (size_t i = 0; acme_cert_san(acme_chain_at(&f->cert.chain, 0), i, &name) == ACME_OK; i++)
        printf("%s%s", i > 0 ? " " : "", name.text);
    acme_time_text(f->cert.not_before, from);
    acme_time_text(f->cert.not_after, until);
    acme_time_text(f->status.due_at, due);
    serial_text(f, serial);
    printf("\n  issuer    %s\n  serial    %s\n  valid     from %s until %s (%s%ld days)\n"
           "  renewal   from %s on\n",
           f->leaf.issuer, serial, from, until, f->cert.not_after < f->now ? "EXPIRED, " : "",
           days_left(f), due);
    print_window(f);
    if (f->status.revoked != ACME_NOT_REVOKED) {
        acme_time_text(f->status.revoked_at, due);
        printf("  REVOKED   %s %s (%s); it is not renewed: `lwacme issue --force` gets another\n",
               f->status.revoked == ACME_REVOKED ? "at" : "perhaps: the CA was asked at", due,
               acme_reason_name(f->status.revoked_reason));
    }
}

static void print_plain(const struct fact *f)
{
    const struct acme_failure *failure = f->status.failure;
    char when[ACME_TIME_TEXT];

    printf("%s\n", f->key);
    if (f->err == ACME_OK)
        print_certificate(f);
    else
        printf("  certificate  %s\n",
               f->err == ACME_E_SLOT_EMPTY ? "none yet" : acme_err_words(f->err));
    if (f->damaged[0] != '\0')
        printf("  damaged   %s\n", f->damaged);
    if (f->several)
        printf("  server    %s%s\n", f->status.server,
               f->status.rehearsal ? ", after the staging CA has seen that the names can be proved"
                                   : "");
    if (f->status.order_open)
        printf("  order     one is open: the next run goes on with it\n");
    if (failure->err != ACME_OK) {
        acme_time_text(failure->at, when);
        printf("  failed    %s: %s\n", when, acme_err_words(failure->err));
        show_failure(stdout, failure);
    }
    if (f->status.next_at > f->now) {
        acme_time_text(f->status.next_at, when);
        printf("  next try  not before %s%s\n", when,
               f->status.next_by_ca ? " (the CA asked for that)" : "");
    }
}

static void put_window(struct acme_buf *b, const struct acme_agent_status *s)
{
    if (s->window_start != 0 || s->window_end != 0) {
        acme_json_put_time(b, "window_start", s->window_start);
        acme_json_put_time(b, "window_end", s->window_end);
        acme_json_put_time(b, "window_next", s->window_next);
        if (!s->window_followed)
            acme_buf_text(b, ",\"window_ignored\":true");
    }
    if (s->cert_id[0] != '\0')
        acme_json_put_text(b, "cert_id", s->cert_id);
    if (s->replaces)
        acme_buf_text(b, ",\"replaces\":true");
}

static void print_json(const struct fact *f)
{
    static uint8_t room[65536];
    char serial[41];
    struct acme_buf b;
    struct acme_name name;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "status");
    acme_json_put_text(&b, "certificate", f->key);
    if (f->err == ACME_OK) {
        acme_buf_text(&b, ",\"names\":[");
        for (size_t i = 0; acme_cert_san(acme_chain_at(&f->cert.chain, 0), i, &name) == ACME_OK;
             i++) {
            acme_buf_text(&b, i > 0 ? "," : "");
            acme_buf_json(&b, acme_slice_text(name.text));
        }
        acme_buf_char(&b, ']');
        serial_text(f, serial);
        acme_json_put_text(&b, "issuer", f->leaf.issuer);
        acme_json_put_text(&b, "serial", serial);
        acme_json_put_time(&b, "not_before", f->cert.not_before);
        acme_json_put_time(&b, "not_after", f->cert.not_after);
        acme_json_put_number(&b, "days_left", days_left(f));
        acme_json_put_time(&b, "due_at", f->status.due_at);
        put_window(&b, &f->status);
        if (f->status.revoked != ACME_NOT_REVOKED) {
            acme_json_put_text(&b, "revoked", f->status.revoked == ACME_REVOKED ? "yes" : "asked");
            acme_json_put_text(&b, "revoked_reason", acme_reason_name(f->status.revoked_reason));
            acme_json_put_time(&b, "revoked_at", f->status.revoked_at);
        }
    } else if (f->err != ACME_E_SLOT_EMPTY)
        acme_json_put_text(&b, "error", acme_err_name(f->err));
    if (f->damaged[0] != '\0')
        acme_json_put_text(&b, "damaged", f->damaged);
    if (f->several) {
        acme_json_put_text(&b, "server", f->status.server);
        if (f->status.rehearsal)
            acme_buf_text(&b, ",\"rehearsal\":true");
    }
    if (f->status.order_open)
        acme_buf_text(&b, ",\"order_open\":true");
    if (f->status.next_at > f->now) {
        acme_json_put_time(&b, "next_attempt", f->status.next_at);
        acme_json_put_text(&b, "next_by", f->status.next_by_ca ? "ca" : "backoff");
    }
    if (f->status.failure->err != ACME_OK)
        acme_json_put_failure(&b, f->status.failure,
                              show_hint(f->status.failure->err, &f->status.failure->problem));
    show_json(&b);
}

/* An agent that only loads its records tells everything. */
static void show_one(void *arg, const char *key)
{
    struct reader *r = arg;
    const char *names[1];
    struct acme_config config;
    struct acme_slice no_anchor = {(const uint8_t *)"", 0};
    struct acme_solver *solver = http01_init(&r->http01, &r->port, NULL, 80);
    struct acme_span room = {record, sizeof record};
    struct acme_name name;
    struct fact f;
    uint32_t sleep_ms;

    memset(&config, 0, sizeof config);
    memset(&f, 0, sizeof f);
    f.key = key;
    f.damaged = r->damaged;
    f.several = r->o->servers_count > 1 || r->o->staging_server != NULL;
    r->damaged[0] = '\0';
    /* What a certificate is called need not be one of its names; none is asked for here. */
    names[0] = acme_name_read(acme_slice_text(key), &name, NULL) == ACME_OK ? key : "name.invalid";
    config.cert_name = key;
    config.directory_url = r->o->server;
    config.more_servers = r->o->more_servers;
    config.more_servers_count = r->o->servers_count > 0 ? r->o->servers_count - 1 : 0;
    config.staging.url = r->o->staging_server;
    config.names = names;
    config.names_count = 1;
    config.anchors.sets = &no_anchor;
    config.anchors.count = 1;
    config.only_when_asked = true;
    config.memory.io.ptr = io;
    config.memory.io.len = sizeof io;
    config.memory.scratch.ptr = scratch.bytes;
    config.memory.scratch.len = sizeof scratch.bytes;
    if (acme_agent_init(&agent, &config, &r->port, &solver, 1, NULL, NULL) != ACME_OK)
        return; /* a folder that is not ours */
    r->shown++;
    while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN)
        continue;
    acme_agent_status(&agent, &f.status);
    f.err = f.status.outcome != ACME_OK && f.status.outcome != ACME_AGAIN
                ? f.status.outcome
                : acme_agent_certificate(&agent, room, &f.cert);
    if (f.err == ACME_OK)
        f.err = acme_cert_facts(acme_chain_at(&f.cert.chain, 0), &f.leaf);
    if ((f.err != ACME_OK && f.err != ACME_E_SLOT_EMPTY) || r->damaged[0] != '\0')
        r->broken++;
    (void)posix_unix_time(NULL, &f.now);
    if (r->o->json)
        print_json(&f);
    else
        print_plain(&f);
    acme_wipe(record, sizeof record);
    acme_agent_close(&agent);
}

static int show_all(struct reader *r)
{
    const struct options *o = r->o;

    if (o->cert_name[0] != '\0') {
        show_one(r, o->cert_name);
        return ACME_OK;
    }
    for (size_t i = 0; i < o->names_count; i++)
        show_one(r, o->names[i]);
    return o->names_count > 0 ? ACME_OK : posix_slots_each_cert(&r->slots, show_one, r);
}

int status_run(const struct options *o)
{
    static struct reader r;
    struct show show;
    int err;

    show_init(&show, o);
    r.o = o;
    err = posix_slots_open_read(&r.slots, o->state_dir);
    r.ops = posix_slots_ops(&r.slots);
    r.port.ctx = &r;
    r.port.net = &sockets_net_ops;
    r.port.slots = &r.ops;
    r.port.entropy = posix_entropy;
    r.port.now_ms = posix_now_ms;
    r.port.unix_time = posix_unix_time;
    r.port.event = read_event;
    if (err == ACME_OK)
        err = show_all(&r);
    if (err == ACME_E_SLOT_EMPTY || (err == ACME_OK && r.shown == 0)) {
        if (!o->json)
            printf("no certificates in %s\n", o->state_dir);
        err = ACME_OK;
    } else if (err != ACME_OK)
        show_error(&show, err, "%s: %s", acme_err_words(err), r.slots.why);
    posix_slots_close(&r.slots);
    return err != ACME_OK ? exit_status(err) : r.broken > 0 ? EXIT_LOCAL : EXIT_DONE;
}
