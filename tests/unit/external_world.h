/* external_world.h - the external solver over a scripted channel, scripted handlers, and a network
 * of one host, which answers HTTP and DNS
 *
 * w.log has what happened, a line each: ">CMD" a message was written (">block": a text), "<" a line
 * was read, "!COMMAND ARGUMENTS" a handler was started, "closed" the channel. */
#ifndef EXTERNAL_WORLD_H
#define EXTERNAL_WORLD_H

#include "acme_err.h"
#include "acme_event.h"
#include "external.h"
#include "test.h"

#define TOKEN       "M7eaUb9BYXH8kb1IuTvjxcj5UmhZjbVrHfRHdhjatS4"
#define THUMB       "tRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0"
#define AUTH        TOKEN "." THUMB
#define AUTH_DIGEST "OZAc8PxYCm-93UX9zsybgNSCZEO9NMK2N8QeJlGPPUE"
#define DNS_TOKEN                                                                                  \
    "AfWfkObOD6vyCKXA1tE0Y2Eub9kvltKB7DH5zGxSG04" /* a recorded run: its digest is known too */
#define DNS_AUTH   DNS_TOKEN "." THUMB
#define DNS_DIGEST "rwfX5jrRQXOiXLOgPL0RM4QtVx0oEIK_pA4Y4eSjqOI"
#define NAME       "stoke2.pki.enigmabridge.com"
#define WHY_RUN    "/h perform: killed by signal 9"

static struct external x;
static struct {
    char log[8000];
    int answers, read_err, write_busy, run_busy, status, stops, warnings;
    int open_answer, write_answer, start_answer, poll_answer; /* instead of ACME_OK */
    const char *printed, *fail_at, *busy_at; /* commands: this one fails; is busy for long */
    bool runs, failing;
    char last[EXTERNAL_LINE_MAX], json[EXTERNAL_LINE_MAX]; /* line written; given to a handler */
    char warned[200], detail[500];                         /* the last one */
    const char *page; /* the host's answer; NULL: it is silent; "dns": no such name */
    char asked[1000];
    size_t asked_len, at;
    unsigned servers; /* of DNS */
    uint16_t port;
    int live;
    uint64_t now;
} w;

static inline struct acme_challenge challenge(enum acme_challenge_type type)
{
    bool dns = type == ACME_CHALLENGE_DNS01;
    struct acme_challenge c = {.type = type,
                               .identifier = NAME,
                               .id_type = ACME_ID_DNS,
                               .token = dns ? DNS_TOKEN : TOKEN,
                               .key_authorization = dns ? DNS_AUTH : AUTH};

    return c;
}

static inline void note(const char *a, const char *b)
{
    size_t n = strlen(w.log);

    snprintf(w.log + n, sizeof w.log - n, "%s%s\n", a, b);
}

/* ---- the channel ---- */

static inline int open_channel(void *ctx)
{
    (void)ctx;
    return w.open_answer;
}

static inline int read_line(void *ctx, char *out, size_t cap)
{
    (void)ctx;
    CHECK(cap > 1);
    if (w.answers == 0)
        return w.read_err;
    w.answers--;
    note("<", "");
    out[0] = '\0';
    return 1;
}

static inline int write_line(void *ctx, const char *text, size_t len)
{
    char shown[40];
    const char *cmd = len > 9 ? text + 9 : "";

    (void)ctx;
    CHECK(len > 0 && len < sizeof w.last && memchr(text, '\0', len) == NULL);
    if (w.write_busy-- > 0)
        return ACME_AGAIN;
    if (w.write_answer != ACME_OK)
        return w.write_answer;
    memcpy(w.last, text, len);
    w.last[len] = '\0';
    snprintf(shown, sizeof shown, "%.*s", text[0] == '{' ? (int)strcspn(cmd, "\",}") : 5,
             text[0] == '{' ? cmd : "block");
    note(">", shown);
    return ACME_OK;
}

static inline void close_channel(void *ctx)
{
    (void)ctx;
    note("closed", "");
}

/* ---- handlers ---- */

static inline int run_start(void *ctx, const char *const *args, const struct external_message *m,
                            const char *text)
{
    char all[400] = "";

    (void)ctx;
    CHECK(!w.runs);
    CHECK((m == NULL) == (text[0] == '\0'));
    if (w.start_answer != ACME_OK)
        return w.start_answer;
    for (size_t i = 0; args[i] != NULL; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, args[i]);
    }
    note("!", all);
    snprintf(w.json, sizeof w.json, "%s", text);
    w.failing = w.fail_at != NULL && strcmp(args[0], w.fail_at) == 0;
    if (w.busy_at != NULL && strcmp(args[0], w.busy_at) == 0)
        w.run_busy = 100;
    w.runs = true;
    return ACME_OK;
}

static inline int run_poll(void *ctx, struct external_ended *ended)
{
    (void)ctx;
    CHECK(w.runs);
    if (w.run_busy > 0) {
        w.run_busy--;
        return ACME_AGAIN;
    }
    w.runs = false;
    if (w.failing) {
        ended->status = w.status;
        snprintf(ended->printed, sizeof ended->printed, "%s", w.printed);
    }
    return w.poll_answer;
}

static inline void run_stop(void *ctx)
{
    (void)ctx;
    CHECK(w.runs);
    w.runs = false;
    w.stops++;
}

static inline const char *run_why(void *ctx)
{
    (void)ctx;
    return WHY_RUN;
}

/* ---- the network ---- */

static inline int net_resolver(void *ctx, unsigned i, char *addr)
{
    (void)ctx;
    if (i >= w.servers)
        return ACME_E_LOOKUP;
    snprintf(addr, ACME_ADDR_TEXT, "192.0.2.%u", i);
    return ACME_OK;
}

static inline int net_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    (void)ctx;
    CHECK(host[0] != '\0');
    CHECK_INT(w.live, 0);
    w.live++;
    w.port = port;
    w.asked_len = w.at = 0;
    *out = 4;
    return ACME_OK;
}

static inline int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx;
    CHECK(s == 4 && w.live == 1 && w.asked_len + len < sizeof w.asked);
    memcpy(w.asked + w.asked_len, data, len);
    w.asked_len += len;
    return (int)len;
}

static inline int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    bool dns = w.page != NULL && strcmp(w.page, "dns") == 0;
    size_t len = w.page == NULL ? 0 : (dns ? w.asked_len : strlen(w.page)) - w.at;

    (void)ctx;
    CHECK(s == 4 && w.live == 1);
    if (w.page == NULL)
        return ACME_AGAIN;
    if (len == 0)
        return ACME_E_CLOSED;
    if (dns) { /* the question with the flags of an answer: NXDOMAIN */
        w.asked[4] = (char)0x81;
        w.asked[5] = (char)0x83;
    }
    len = len > cap ? cap : len;
    memcpy(buf, (dns ? w.asked : w.page) + w.at, len);
    w.at += len;
    return (int)len;
}

static inline void net_close(void *ctx, acme_sock s)
{
    (void)ctx;
    CHECK(s == 4 && w.live == 1);
    w.live--;
}

/* ---- the solver ---- */

static inline void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    CHECK_INT(event->type, ACME_EVENT_WARNING);
    snprintf(w.warned, sizeof w.warned, "%s", event->text);
    snprintf(w.detail, sizeof w.detail, "%s", event->detail);
    w.warnings++;
}

static inline uint64_t world_ms(void *ctx)
{
    (void)ctx;
    return w.now;
}

static const struct acme_net external_net = {.resolver = net_resolver,
                                             .connect = net_connect,
                                             .send = net_send,
                                             .recv = net_recv,
                                             .close = net_close};
static struct acme_port external_port = {
    .net = &external_net, .event = on_event, .now_ms = world_ms};

/* A fresh world, and the solver of this mode in it, with what else options say (or NULL). */
static inline struct acme_solver *solver_with(enum external_mode mode,
                                              const struct external_config *options)
{
    static const struct acme_channel channel = {.open = open_channel,
                                                .read_line = read_line,
                                                .write_line = write_line,
                                                .close = close_channel};
    static const struct external_runner runner = {
        .start = run_start, .poll = run_poll, .stop = run_stop, .why = run_why, .program = "/h"};
    struct external_config config = {.dialect = EXTERNAL_DIALECT_1};

    if (options != NULL)
        config = *options;
    config.mode = mode;
    config.channel = mode != EXTERNAL_DEHYDRATED ? &channel : NULL;
    config.runner = mode == EXTERNAL_HANDLER || mode == EXTERNAL_DEHYDRATED ? &runner : NULL;
    memset(&w, 0, sizeof w);
    w.read_err = ACME_AGAIN;
    w.printed = "";
    w.now = 5000000000u;
    return external_init(&x, &external_port, &config);
}

static inline struct acme_solver *solver(enum external_mode mode)
{
    return solver_with(mode, NULL);
}

/* A poll each 100 ms, until it is over. */
static inline void until_done(struct acme_solver *s, const struct acme_challenge *c, bool end,
                              int want)
{
    int err = ACME_AGAIN;

    for (int i = 0; i < 1000 && err == ACME_AGAIN; i++) {
        err = end ? s->ops->end(s, c, ACME_OUTCOME_VALID) : s->ops->begin(s, c);
        if (err == ACME_AGAIN)
            w.now += 100;
    }
    CHECK_INT(err, want);
}

#endif
