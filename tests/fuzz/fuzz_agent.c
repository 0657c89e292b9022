/* fuzz_agent.c - the whole agent, talking to a CA that answers well until the input says otherwise
 *
 * Instead of core/acme_exchange.c the functions below take the request and give the reply that
 * fuzz_agent_ca.h makes; signatures are those of tests/sim/sign_fake.c. A byte of the input for
 * each reply says what happens to it: nothing, some of its bytes changed, a problem, no reply, ...
 *
 * After each run: every challenge that was begun was ended, the certificate in force is for our key
 * and names. When the input is used up the CA is well, and the agent must get a certificate.
 */
#include "acme_agent.h"
#include "acme_steps.h"
#include "crypto_world.h"
#include "fuzz.h"

#define NAMES 3

static const char *const names[NAMES] = {"a.example.com", "b.example.com", "192.0.2.7"};
static struct acme_agent agent;
static uint8_t io[16384];
static _Alignas(16) uint8_t scratch[16384];

static struct {
    struct fuzz_in in;
    uint8_t flags; /* 1: storage fails, 2: the solver fails, 4: a reboot after each run */
    uint64_t ms;
    unsigned requests;
    uint8_t given[4096]; /* nonces, by hash: so often the CA gave one that nobody used yet */
    int live;
    char tokens[16][ACME_MAX_TOKEN + 1];
} w;

#include "fuzz_agent_ca.h"

/* ---- storage, solver, port ---- */

static struct {
    uint8_t data[sizeof io];
    size_t len;
} stored[ACME_SLOT_MAX + 1];

static int slot_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    (void)ctx;
    FUZZ_CHECK(key != NULL);
    if (stored[slot].len == 0)
        return ACME_E_SLOT_EMPTY;
    if (stored[slot].len > cap)
        return ACME_E_SIZE;
    memcpy(buf, stored[slot].data, stored[slot].len);
    return (int)stored[slot].len;
}

static int slot_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    uint8_t fate = w.flags & 1 ? fuzz_byte(&w.in) & 31 : 0;

    (void)ctx;
    FUZZ_CHECK(key != NULL && len <= sizeof io);
    if (fate == 1 || fate == 2)
        return fate == 1 ? ACME_E_SLOT : ACME_AGAIN;
    if (len > 0)
        memcpy(stored[slot].data, data, len);
    stored[slot].len = len;
    return ACME_OK;
}

static int solver_fate(void)
{
    uint8_t fate = w.flags & 2 ? fuzz_byte(&w.in) & 31 : 0;

    return fate == 1 ? ACME_AGAIN : fate == 2 ? ACME_E_SOLVER : ACME_OK;
}

/* Only what keeps the grammar reaches a solver, and only names that we asked for. */
static int solver_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    int fate = solver_fate(), free_place = -1;
    size_t len = strlen(c->token), i;

    (void)s;
    for (i = 0; i < NAMES && strcmp(names[i], c->identifier) != 0; i++)
        ;
    FUZZ_CHECK(i < NAMES && !c->wildcard);
    FUZZ_CHECK(acme_token_ok(acme_slice_text(c->token)));
    FUZZ_CHECK(strncmp(c->key_authorization, c->token, len) == 0 &&
               c->key_authorization[len] == '.' && strlen(c->key_authorization) == len + 44);
    if (fate != ACME_OK)
        return fate;
    for (int k = 0; k < 16; k++) {
        if (strcmp(w.tokens[k], c->token) == 0)
            return ACME_OK;
        if (w.tokens[k][0] == '\0')
            free_place = k;
    }
    FUZZ_CHECK(free_place >= 0);
    memcpy(w.tokens[free_place], c->token, len + 1);
    w.live++;
    return ACME_OK;
}

static int solver_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    (void)s;
    (void)c;
    return solver_fate();
}

static int solver_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome o)
{
    (void)s;
    (void)o;
    for (int k = 0; k < 16; k++) {
        if (strcmp(w.tokens[k], c->token) == 0 && c->token[0] != '\0') {
            w.tokens[k][0] = '\0';
            w.live--;
        }
    }
    return ACME_OK;
}

static const struct acme_solver_ops ops = {.name = "one",
                                           .types = ACME_CHALLENGE_HTTP01,
                                           .begin = solver_begin,
                                           .ready = solver_ready,
                                           .end = solver_end};

static uint64_t port_now(void *ctx)
{
    (void)ctx;
    return w.ms;
}

static int port_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    *seconds = WORLD_NOW + (int64_t)(w.ms / 1000);
    return ACME_OK;
}

/* The network is never called: see acme_exchange_start above. */
static int no_connect(void *ctx, const char *host, uint16_t tcp_port, acme_sock *out)
{
    (void)ctx, (void)host, (void)tcp_port, (void)out;
    abort();
}
static int no_listen(void *ctx, const char *addr, uint16_t tcp_port, acme_sock *out)
{
    (void)ctx, (void)addr, (void)tcp_port, (void)out;
    abort();
}
static int no_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    (void)ctx, (void)listener, (void)out;
    abort();
}
static int no_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx, (void)s, (void)data, (void)len;
    abort();
}
static int no_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    (void)ctx, (void)s, (void)buf, (void)cap;
    abort();
}
static void no_close(void *ctx, acme_sock s)
{
    (void)ctx, (void)s;
    abort();
}

static const struct acme_net net = {.connect = no_connect,
                                    .listen = no_listen,
                                    .accept = no_accept,
                                    .send = no_send,
                                    .recv = no_recv,
                                    .close = no_close};
static const struct acme_slots slots = {NULL, slot_read, slot_write};
static const struct acme_port port = {.net = &net,
                                      .slots = &slots,
                                      .entropy = world_entropy,
                                      .now_ms = port_now,
                                      .unix_time = port_time};

/* ---- runs ---- */

static struct acme_solver solver = {&ops, &port};
static struct acme_solver *const solvers[] = {&solver};
static const struct acme_slice anchor = {(const uint8_t *)"x", 1};
static const struct acme_config config = {
    .directory_url = "https://ca.example/dir",
    .names = names,
    .names_count = NAMES,
    .contact = "a@example.com",
    .terms_agreed = true,
    .only_when_asked = true,
    .anchors = {&anchor, 1},
    .memory = {.io = {io, sizeof io}, .scratch = {scratch, sizeof scratch}},
};

static void boot(void)
{
    memset(io, 0xa5, sizeof io);
    memset(scratch, 0xa5, sizeof scratch);
    FUZZ_CHECK(acme_agent_init(&agent, &config, &port, solvers, 1, NULL, NULL) == ACME_OK);
}

static void check_certificate(void)
{
    static uint8_t room[sizeof io];
    struct acme_certificate certificate;
    struct acme_cert_verdict verdict;
    struct acme_key key;

    FUZZ_CHECK(acme_agent_certificate(&agent, (struct acme_span){room, sizeof room},
                                      &certificate) == ACME_OK);
    FUZZ_CHECK(acme_key_read(&key, certificate.key) == ACME_OK);
    FUZZ_CHECK(acme_cert_check(&certificate.chain, &key, names, NAMES, false, 0, 0, &verdict) ==
               ACME_OK);
}

static int run(void)
{
    struct acme_agent_status status = {.busy = true};
    uint32_t sleep_ms = 0;

    w.requests = 0;
    FUZZ_CHECK(acme_agent_ask(&agent, ACME_ASK_FORCE | ACME_ASK_NOW | ACME_ASK_IGNORE_RETRY_AFTER,
                              NULL) == ACME_OK);
    for (unsigned polls = 0; status.busy; polls++) {
        FUZZ_CHECK(polls < 100000 && w.requests < 5000);
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        w.ms += sleep_ms < 3600000 ? sleep_ms : 3600000;
    }
    FUZZ_CHECK(status.outcome != ACME_AGAIN && status.outcome != ACME_E_ARG);
    FUZZ_CHECK(w.live == 0 || w.flags & 1); /* a record of it that failed may forget a challenge */
    if (status.has_certificate)
        check_certificate();
    return status.outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int err = ACME_AGAIN;

    memset(&w, 0, sizeof w);
    memset(stored, 0, sizeof stored);
    world_reset();
    world.entropy_state = 42;
    ca_reset();
    w.in = (struct fuzz_in){data, size};
    w.flags = fuzz_byte(&w.in);
    w.ms = 1000;
    boot();
    for (int i = 0; i < 4 && w.in.left > 0; i++) {
        (void)run();
        w.ms += 2u * 86400 * 1000;
        if (w.flags & 4)
            boot();
    }
    w.in.left = 0;
    for (int i = 0; i < 4 && err != ACME_OK; i++) {
        err = run();
        w.ms += 2u * 86400 * 1000;
    }
    FUZZ_CHECK(err == ACME_OK);
    acme_agent_close(&agent);
    return 0;
}
