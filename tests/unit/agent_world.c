#include "agent_world.h"

#include <stdarg.h>

struct world w;
struct acme_agent agent;
struct acme_config config;
const char *w_names[ACME_MAX_NAMES + 1];
uint8_t w_io[W_IO] __attribute__((aligned(16)));
uint8_t w_scratch[W_SCRATCH] __attribute__((aligned(16)));
static uint64_t entropy_state;

/* -- the log -- */

void w_note(const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof w.log - w.log_len;
    int n;

    va_start(arguments, format);
    n = vsnprintf(w.log + w.log_len, room, format, arguments);
    va_end(arguments);
    if (n > 0 && (size_t)n + 2 < room) {
        w.log_len += (size_t)n;
        w.log[w.log_len++] = ' ';
        w.log[w.log_len] = '\0';
    }
}

bool w_did(const char *text)
{
    return strstr(w.log, text) != NULL;
}

int w_times(const char *text)
{
    int n = 0;

    for (const char *at = strstr(w.log, text); at != NULL; at = strstr(at + 1, text))
        n++;
    return n;
}

/* -- power -- */

void w_power(void)
{
    if (++w.points == w.cut_at || (w.cut_on != NULL && w_did(w.cut_on)))
        longjmp(w.cut, 1);
}

/* -- time -- */

static uint64_t port_now_ms(void *ctx)
{
    (void)ctx;
    return w.ms;
}

int64_t w_wall(void)
{
    return w.wall + (int64_t)(w.ms / 1000);
}

static int port_unix_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    *seconds = w_wall();
    return w.clock_answer;
}

void w_pass(int64_t seconds)
{
    ca_tick();
    w.ms += (uint64_t)seconds * 1000;
}

static int port_entropy(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;

    (void)ctx;
    while (len-- > 0) {
        entropy_state = entropy_state * 6364136223846793005u + 1442695040888963407u;
        *at++ = (uint8_t)(entropy_state >> 56);
    }
    return ACME_OK;
}

/* -- storage -- */

static const char *const slot_names[] = {"",       "account", "ledger", "order",  "cert_a",
                                         "cert_b", "sched",   "solver", "device", "config"};

static struct w_slot *find_slot(enum acme_slot slot, const char *key)
{
    for (int i = 0; i < w.slots_count; i++) {
        if (w.slots[i].slot == slot && strcmp(w.slots[i].key, key) == 0)
            return &w.slots[i];
    }
    return NULL;
}

struct w_slot *w_slot(enum acme_slot slot)
{
    for (int i = 0; i < w.slots_count; i++) {
        if (w.slots[i].slot == slot && w.slots[i].len > 0)
            return &w.slots[i];
    }
    return NULL;
}

static int slot_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    const struct w_slot *s = find_slot(slot, key);

    (void)ctx;
    if (w.read_err != ACME_OK && slot == w.read_err_slot)
        return w.read_err;
    if (s == NULL || s->len == 0)
        return ACME_E_SLOT_EMPTY;
    if (s->len > cap)
        return ACME_E_SIZE;
    memcpy(buf, s->data, s->len);
    return (int)s->len;
}

static void slot_take(struct w_slot *s, enum acme_slot slot, const char *key, const void *data,
                      size_t len)
{
    if (s == NULL) {
        s = &w.slots[w.slots_count++];
        s->slot = slot;
        (void)snprintf(s->key, sizeof s->key, "%s", key);
    }
    if (len > 0)
        memcpy(s->data, data, len);
    s->len = len;
}

static int slot_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    struct w_slot *s = find_slot(slot, key);

    (void)ctx;
    if (w.write_again_left > 0) {
        w.write_again_left--;
        return ACME_AGAIN;
    }
    w.write_again_left = w.write_again;
    w.writes++;
    if (w.write_fail_at > 0 && w.writes >= w.write_fail_at &&
        w.writes < w.write_fail_at + w.write_fail_count &&
        (w.write_fail_slot == 0 || w.write_fail_slot == slot)) {
        w_note("FAIL:%s", slot_names[slot]);
        if (w.write_fail_took)
            slot_take(s, slot, key, data, len);
        return w.write_fail_err != 0 ? w.write_fail_err : ACME_E_SLOT;
    }
    w_power();
    slot_take(s, slot, key, data, len);
    w_note("%s:%s", len > 0 ? "W" : "X", slot_names[slot]);
    w_power();
    return ACME_OK;
}

/* -- the solver: its world outlives the agent -- */

static struct w_live *find_live(const struct acme_challenge *c, bool add)
{
    struct w_live *l;
    char name[256];

    (void)snprintf(name, sizeof name, "%s%s", c->wildcard ? "*." : "", c->identifier);
    for (int i = 0; i < w.live_count; i++) {
        l = &w.live[i];
        if (strcmp(l->identifier, name) == 0 && strcmp(l->token, c->token) == 0)
            return l;
    }
    if (!add || w.live_count == 128)
        return NULL;
    l = &w.live[w.live_count++];
    (void)snprintf(l->identifier, sizeof l->identifier, "%s", name);
    (void)snprintf(l->token, sizeof l->token, "%s", c->token);
    return l;
}

static int solver_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct w_live *l;

    if (w.begin_again > 0) {
        w.begin_again--;
        return ACME_AGAIN;
    }
    w.begins++;
    if (w.begin_err != ACME_OK && s == w_solvers[0] &&
        (w.begin_err_at == 0 || w.begins == w.begin_err_at)) {
        w_note("R:%s", c->identifier);
        return w.begin_err;
    }
    w_power();
    w_note("B:%s%s%s", s->ops->name, c->wildcard ? ":*." : ":", c->identifier);
    l = find_live(c, true);
    l->begins++;
    l->live = true;
    (void)snprintf(l->authorization, sizeof l->authorization, "%s%s", w.spoil ? "no" : "",
                   c->key_authorization);
    w_power();
    return ACME_OK;
}

static int solver_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    (void)s, (void)c;
    if (w.ready_again > 0) {
        w.ready_again--;
        return ACME_AGAIN;
    }
    return w.ready_err;
}

static int solver_seen(struct acme_solver *s, const struct acme_challenge *c)
{
    (void)s, (void)c;
    return w.never_seen ? ACME_AGAIN : ACME_OK;
}

static int solver_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome o)
{
    struct w_live *l;

    if (w.end_again > 0) {
        w.end_again--;
        return ACME_AGAIN;
    }
    if (w.end_err != ACME_OK)
        return w.end_err;
    w_power();
    ca_tick();
    w_note("E:%s:%s", s->ops->name, c->identifier);
    w.ends++;
    l = find_live(c, true);
    l->ends++;
    l->live = false;
    l->outcome = o;
    w_power();
    return ACME_OK;
}

static struct acme_solver_ops ops_one = {.name = "one",
                                         .types = ACME_CHALLENGE_HTTP01,
                                         .begin = solver_begin,
                                         .ready = solver_ready,
                                         .seen = solver_seen,
                                         .end = solver_end};
static struct acme_solver_ops ops_two = {.name = "two",
                                         .types = ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01,
                                         .begin = solver_begin,
                                         .end = solver_end};
static struct acme_solver solver_one = {&ops_one, &w_port};
static struct acme_solver solver_two = {&ops_two, &w_port};
struct acme_solver *w_solvers[2] = {&solver_one, &solver_two};

void w_alone(bool alone)
{
    w.solvers = alone ? 1 : 2;
}

void w_second(unsigned types)
{
    ops_two.types = types;
}

void w_needs(unsigned needs)
{
    ops_one.needs = needs;
}

void w_types(unsigned types)
{
    ops_one.types = types;
}

int w_begun(void)
{
    int n = 0;

    for (int i = 0; i < w.live_count; i++)
        n += w.live[i].live;
    return n;
}

/* -- events -- */

static void port_event(void *ctx, const struct acme_event *e)
{
    (void)ctx;
    switch (e->type) {
    case ACME_EVENT_STEP:
        if (w.log_len < sizeof w.log / 2)
            w_note("S:%s", e->step);
        break;
    case ACME_EVENT_WARNING:
        w.warnings++;
        (void)snprintf(w.warning, sizeof w.warning, "%s", e->text);
        break;
    case ACME_EVENT_CHALLENGE:
        if (strcmp(e->word, "instead") == 0)
            (void)snprintf(w.chosen, sizeof w.chosen, "%s %s", e->detail, e->text);
        break;
    case ACME_EVENT_TERMS:
        (void)snprintf(w.terms, sizeof w.terms, "%s", e->detail);
        break;
    case ACME_EVENT_WINDOW:
        w.windows_told++;
        w.window_at = e->at;
        (void)snprintf(w.window, sizeof w.window, "%s", e->text);
        (void)snprintf(w.window_word, sizeof w.window_word, "%s", e->word);
        (void)snprintf(w.window_url, sizeof w.window_url, "%s", e->detail);
        break;
    case ACME_EVENT_HELD:
        w.held++;
        snprintf(w.held_by, sizeof w.held_by, "%s", e->text);
        break;
    case ACME_EVENT_NOT_DUE:
        w.not_due++;
        break;
    case ACME_EVENT_FAILURE:
        w.failures++;
        break;
    case ACME_EVENT_ACCOUNT:
        (void)snprintf(w.account_event, sizeof w.account_event, "%s %s %s", e->text, e->word,
                       e->detail);
        break;
    case ACME_EVENT_CONTACT:
        strcat(w.account_event, " ");
        strncat(w.account_event, e->detail, sizeof w.account_event - strlen(w.account_event) - 1);
        break;
    case ACME_EVENT_REVOKED:
        w_note("V:revoked:%s", e->text);
        break;
    case ACME_EVENT_SERVER:
        w.servers++;
        w_note("V:server:%s:%.*s", e->text, (int)strcspn(e->detail + 8, "/"), e->detail + 8);
        break;
    case ACME_EVENT_ROLLED_BACK:
        w_note("V:rolled_back");
        break;
    case ACME_EVENT_TIME:
        if (w.times_count < 64)
            w.times[w.times_count++] = e->at;
        break;
    default:
        break;
    }
}

/* -- the port; its network is never called: agent_exchange.c knows a shorter way -- */

static int net_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    (void)ctx, (void)host, (void)port, (void)out;
    return ACME_E_NET;
}
static int net_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    (void)ctx, (void)addr, (void)port, (void)out;
    return ACME_E_NET;
}
static int net_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    (void)ctx, (void)listener, (void)out;
    return ACME_AGAIN;
}
static int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx, (void)s, (void)data, (void)len;
    return ACME_E_NET;
}
static int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    (void)ctx, (void)s, (void)buf, (void)cap;
    return ACME_E_NET;
}
static void net_close(void *ctx, acme_sock s)
{
    (void)ctx, (void)s;
}

static const struct acme_net net = {net_connect, net_listen, net_accept, net_send,
                                    net_recv,    net_close,  NULL};
static const struct acme_slots slots = {NULL, slot_read, slot_write};
struct acme_port w_port = {NULL,        &net,           &slots,    port_entropy,
                           port_now_ms, port_unix_time, port_event};

/* -- the world as a whole -- */

void w_count(size_t n)
{
    static char texts[ACME_MAX_NAMES + 1][40];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "n%zu.example.org", i + 1);
        w_names[i] = texts[i];
    }
    config.names_count = n;
}

void w_reset(void)
{
    static const struct acme_slice anchor = {(const uint8_t *)"x", 1};

    memset(&w, 0, sizeof w);
    memset(&config, 0, sizeof config);
    entropy_state = 42;
    w.ms = 1000000;
    w.wall = W_NOW;
    w.life_s = 90 * W_DAY;
    w.validate_ms = 5;
    ops_one.seen = solver_seen;
    ops_one.types = ACME_CHALLENGE_HTTP01;
    ops_one.needs = ACME_NEEDS_NOTHING;
    ops_two.types = ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01;
    w_alone(false);
    acme_crypto_seed_from(&w_port);
    acme_crypto_clock_from(&w_port);
    config.prompt = true;
    config.directory_url = "https://ca.example/dir";
    config.names = w_names;
    config.terms_agreed = true;
    config.contact = "a@example.org";
    config.only_when_asked = true;
    config.anchors.sets = &anchor;
    config.anchors.count = 1;
    config.memory.io.ptr = w_io;
    config.memory.io.len = sizeof w_io;
    config.memory.scratch.ptr = w_scratch;
    config.memory.scratch.len = sizeof w_scratch;
    w_count(1);
    ca_reset();
}

int w_boot(void)
{
    memset(&agent, 0xa5, sizeof agent);
    memset(w_io, 0xa5, sizeof w_io);
    memset(w_scratch, 0xa5, sizeof w_scratch);
    return acme_agent_init(&agent, &config, &w_port, w_solvers, w.solvers, NULL, NULL);
}

static int run_to_rest(void)
{
    struct acme_agent_status status;
    uint64_t began = w.ms;
    uint32_t sleep_ms = 0;

    for (int i = 0; i < 200000 && w.ms - began < 3u * W_DAY * 1000; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        if (!status.busy)
            return status.outcome;
        w.ms += sleep_ms;
        ca_tick();
    }
    return W_HANGS;
}

int w_run(unsigned ask)
{
    if (setjmp(w.cut) != 0)
        return W_CUT;
    return acme_agent_ask(&agent, ask, w.until) != ACME_OK ? ACME_E_ARG : run_to_rest();
}

int w_do(const struct acme_job *job, unsigned flags)
{
    int err = w_boot();

    if (setjmp(w.cut) != 0)
        return W_CUT;
    if (err == ACME_OK)
        err = acme_agent_do(&agent, job, flags);
    return err != ACME_OK ? err : run_to_rest();
}

int w_issue(unsigned ask)
{
    int err = w_boot();

    return err != ACME_OK ? err : w_run(ask);
}

void w_check_pair(void)
{
    static uint8_t room[W_IO];
    struct acme_span span = {room, sizeof room};
    struct acme_certificate cert;
    struct acme_cert_verdict verdict = {"", 0};
    struct acme_key key;

    CHECK_INT(acme_agent_certificate(&agent, span, &cert), ACME_OK);
    CHECK_INT(acme_key_read(&key, cert.key), ACME_OK);
    CHECK_INT(acme_cert_check(&cert.chain, &key, config.names, config.names_count, true, w_wall(),
                              300, &verdict),
              ACME_OK);
}
