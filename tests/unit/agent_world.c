#include "agent_world.h"

#include <stdarg.h>

#include "acme_exchange.h"
#include "acme_jws.h"

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
    if (++w.points == w.cut_at)
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

static const char *const slot_names[] = {"",       "account", "ledger", "order", "cert_a",
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
        return w.write_fail_err != 0 ? w.write_fail_err : ACME_E_SLOT;
    }
    w_power();
    if (s == NULL) {
        s = &w.slots[w.slots_count++];
        s->slot = slot;
        (void)snprintf(s->key, sizeof s->key, "%s", key);
    }
    if (len > 0)
        memcpy(s->data, data, len);
    s->len = len;
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

static struct acme_solver_ops ops_one = {"one", ACME_CHALLENGE_HTTP01, 0, solver_begin,
                                         solver_ready, solver_seen, solver_end, NULL};
static const struct acme_solver_ops ops_two = {"two", ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01,
                                               0, solver_begin, NULL, NULL, solver_end, NULL};
static struct acme_solver solver_one = {&ops_one, &w_port};
static struct acme_solver solver_two = {&ops_two, &w_port};
struct acme_solver *w_solvers[2] = {&solver_one, &solver_two};

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
    case ACME_EVENT_TERMS:
        (void)snprintf(w.terms, sizeof w.terms, "%s", e->detail);
        break;
    case ACME_EVENT_HELD:
        w.held++;
        break;
    case ACME_EVENT_NOT_DUE:
        w.not_due++;
        break;
    case ACME_EVENT_FAILURE:
        w.failures++;
        break;
    default:
        break;
    }
}

/* -- the network: the functions of acme_exchange.h -- */

void acme_exchange_init(struct acme_exchange *x, const struct acme_port *port,
                        const struct acme_anchors *anchors, struct acme_span io)
{
    memset(x, 0, sizeof *x);
    x->port = port;
    x->anchors = anchors;
    x->io = io;
}

static const struct w_script *find_script(const char *row, int nth)
{
    for (const struct w_script *s = w.script; s != NULL && s->row != NULL; s++) {
        int count = s->count == 0 ? 1 : s->count;
        int from = s->from == 0 ? 1 : s->from;
        if (strcmp(s->row, row) == 0 && nth >= from && nth < from + count)
            return s;
    }
    return NULL;
}

static void replace_all(char *text, size_t room, const char *find, const char *put)
{
    static char out[W_IO];
    size_t n = 0;

    for (const char *at = text; *at != '\0' && n + strlen(put) + 1 < sizeof out;) {
        if (strncmp(at, find, strlen(find)) == 0) {
            memcpy(out + n, put, strlen(put));
            n += strlen(put);
            at += strlen(find);
        } else
            out[n++] = *at++;
    }
    out[n] = '\0';
    (void)snprintf(text, room, "%s", out);
}

static void apply_script(const struct w_script *s)
{
    if (s->find != NULL) {
        replace_all(w.reply_head, sizeof w.reply_head, s->find, s->put);
        replace_all(w.reply_body, sizeof w.reply_body, s->find, s->put);
        w.reply_len = strlen(w.reply_body);
    }
    if (s->status != 0)
        w.reply_status = s->status;
    if (s->body != NULL) {
        w.reply_len = strlen(s->body);
        memcpy(w.reply_body, s->body, w.reply_len + 1);
    }
    if (s->no_nonce)
        replace_all(w.reply_head, sizeof w.reply_head, "Replay-Nonce", "X-Nothing");
    if (s->fields != NULL)
        (void)strncat(w.reply_head, s->fields, sizeof w.reply_head - strlen(w.reply_head) - 1);
    w.reply_lost = s->lost;
}

int acme_exchange_start(struct acme_exchange *x, const struct acme_url *url, size_t request_len,
                        bool head_request)
{
    static char request[W_IO + 1];
    char method[8] = "", target[ACME_MAX_URL + 40], path[ACME_MAX_URL + 1] = "";
    const char *row = acme_rows[agent.step].name;
    const char *body;
    const struct w_script *s;

    if (request_len == 0 || request_len > x->io.len)
        return ACME_E_ARG;
    memcpy(request, x->io.ptr, request_len);
    request[request_len] = '\0';
    body = strstr(request, "\r\n\r\n");
    (void)sscanf(request, "%7s %1023s", method, path);
    (void)snprintf(target, sizeof target, "https://%.*s%s", (int)url->authority.len,
                   (const char *)url->authority.ptr, path);
    w_power();
    if (w.requests < 4000) {
        w.request_ms[w.requests] = w.ms;
        w.request_row[w.requests] = agent.step;
    }
    w.requests++;
    x->requests++;
    if (x->host[0] == '\0') {
        x->connections++;
        w.connections++;
    }
    x->host[0] = 'x';
    w_note("Q:%s", row);
    s = find_script(row, ++w.per_row[agent.step]);
    w.reply_head[0] = w.reply_body[0] = '\0';
    w.reply_len = 0;
    w.reply_lost = 0;
    w.reply_status = 200;
    w.reply_head_only = head_request;
    if (s == NULL || s->act || s->status == 0)
        if (s == NULL || s->lost == 0 || s->act)
            ca_serve(method, target, body != NULL ? body + 4 : "",
                     body != NULL ? request_len - (size_t)(body + 4 - request) : 0);
    if (w.reply_head[0] == '\0' && agent.step != ACME_ROW_DIRECTORY && (s == NULL || !s->no_nonce))
        (void)snprintf(w.reply_head, sizeof w.reply_head, "Replay-Nonce: n%u\r\n", w.nonces++);
    if (s != NULL)
        apply_script(s);
    w_power();
    x->phase = 1;
    return ACME_OK;
}

int acme_exchange_poll(struct acme_exchange *x, struct acme_reply *reply)
{
    int head;

    w.ms += 5;
    if (w.reply_lost != 0) {
        x->error = w.reply_lost;
        x->phase = 0;
        x->host[0] = '\0';
        return w.reply_lost;
    }
    x->phase = 0;
    memset(reply, 0, sizeof *reply);
    head = snprintf((char *)x->io.ptr, x->io.len, "HTTP/1.1 %d Words\r\n%s\r\n", w.reply_status,
                    w.reply_head);
    if (head < 0 || (size_t)head + w.reply_len > x->io.len)
        return ACME_E_SIZE;
    head = acme_http_read_head(acme_slice_of(x->io.ptr, (size_t)head), w.reply_head_only,
                               &reply->head);
    if (head < 0)
        return ACME_E_HTTP;
    if (!w.reply_head_only)
        memcpy(x->io.ptr + head, w.reply_body, w.reply_len);
    reply->body = acme_slice_of(x->io.ptr + head, w.reply_head_only ? 0 : w.reply_len);
    return ACME_OK;
}

uint32_t acme_exchange_wait_ms(const struct acme_exchange *x)
{
    return x->phase != 0 ? 0 : UINT32_MAX;
}

bool acme_exchange_was_stale(const struct acme_exchange *x)
{
    (void)x;
    return false;
}

void acme_exchange_close(struct acme_exchange *x)
{
    x->host[0] = '\0';
    x->phase = 0;
}

/* Never called: the exchange above is the only user of the port's network. */
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
struct acme_port w_port = {NULL, &net, &slots, port_entropy, port_now_ms, port_unix_time,
                           port_event};

/* -- the world as a whole -- */

void w_count(size_t n)
{
    static char texts[ACME_MAX_NAMES + 1][32];

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
    acme_crypto_seed_from(&w_port);
    acme_crypto_clock_from(&w_port);
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
    return acme_agent_init(&agent, &config, &w_port, w_solvers, 2, NULL, NULL);
}

int w_run(unsigned ask)
{
    struct acme_agent_status status;
    uint64_t began = w.ms;
    uint32_t sleep_ms = 0;

    if (setjmp(w.cut) != 0)
        return W_CUT;
    if (acme_agent_ask(&agent, ask, w.until) != ACME_OK)
        return ACME_E_ARG;
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
