/* external.c - the solver that asks a program or a person */
#include "external.h"

#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"
#include "acme_event.h"
#include "dns_msg.h"

#define EXT_POLL_MS    20
#define EXT_SELF_CHECK 4 /* the last step of begin */

enum ext_phase { EXT_IDLE, EXT_PERFORMING, EXT_POSTED, EXT_CLEANING };
enum ext_act { EXT_NOTHING, EXT_BEGIN, EXT_READY, EXT_END, EXT_FINISH, EXT_TELL };

static void ext_warn(const struct external *x, const char *text, const char *detail, int err)
{
    struct acme_event event;

    memset(&event, 0, sizeof event);
    event.type = ACME_EVENT_WARNING;
    event.step = event.word = "";
    event.text = text;
    event.detail = detail;
    event.err = err;
    if (x->port->event != NULL)
        x->port->event(x->port->ctx, &event);
}

static int ext_fail(struct external *x, const char *what, const char *more)
{
    struct acme_buf b;

    acme_buf_init(&b, x->why, sizeof x->why - 1);
    acme_buf_text(&b, what);
    acme_buf_text(&b, more);
    x->why[b.len] = '\0';
    return ACME_E_SOLVER;
}

/* ---- one act at a time ---- */

static void ext_forget_proof(struct external *x)
{
    acme_wipe(x->config.tls->proof.key_pem, sizeof x->config.tls->proof.key_pem);
    acme_wipe(x->line, sizeof x->line);
}

static void ext_abort(struct external *x)
{
    if (x->runs)
        x->config.runner->stop(x->config.runner->ctx);
    x->runs = false;
    if (x->act == EXT_BEGIN && x->config.tls != NULL)
        ext_forget_proof(x);
    external_verify_stop(&x->verify, x->port);
    x->act = EXT_NOTHING;
    x->step = 0;
    x->err = ACME_OK;
}

/* What was under way for another challenge is given up: it was stopped, or its time is over. */
static void ext_enter(struct external *x, enum ext_act act, const struct acme_challenge *c)
{
    const char *token = c != NULL ? c->token : "", *domain = c != NULL ? c->identifier : "";

    if (x->act == act && strcmp(x->token, token) == 0 && strcmp(x->domain, domain) == 0)
        return;
    ext_abort(x);
    x->act = (uint8_t)act;
    if (x->config.answer_ms != 0)
        x->since_ms = x->port->now_ms(x->port->ctx);
    (void)acme_copy_text(x->token, sizeof x->token, acme_slice_text(token));
    (void)acme_copy_text(x->domain, sizeof x->domain, acme_slice_text(domain));
}

/* A self-check has a limit of its own, and only warns: who was asked has answered. */
static bool ext_is_asked(const struct external *x)
{
    return x->config.answer_ms != 0 && (x->act != EXT_BEGIN || x->step < EXT_SELF_CHECK);
}

static int ext_leave(struct external *x, int err)
{
    if (err == ACME_AGAIN && ext_is_asked(x) &&
        x->port->now_ms(x->port->ctx) - x->since_ms >= x->config.answer_ms)
        err = ext_fail(x, "the other side has not answered in time", "");
    if (err != ACME_AGAIN)
        ext_abort(x);
    return err;
}

/* ---- handlers ---- */

static int ext_exit(struct external *x, const char *command, const struct external_ended *ended)
{
    size_t len = strlen(ended->printed);
    struct acme_buf b;

    if (ended->status == 0)
        return ACME_OK;
    while (len > 0 && (ended->printed[len - 1] == '\n' || ended->printed[len - 1] == '\r'))
        len--;
    if (acme_slice_is(acme_slice_of(ended->printed, len), "NotImplemented")) {
        ext_warn(x, "the handler does not implement this command", command, ACME_E_DECLINED);
        return ACME_OK;
    }
    acme_buf_init(&b, x->why, sizeof x->why - 1);
    acme_buf_text(&b, x->config.runner->program);
    acme_buf_char(&b, ' ');
    acme_buf_text(&b, command);
    acme_buf_text(&b, ": exit status ");
    acme_buf_dec(&b, (uint64_t)(ended->status > 0 ? ended->status : -ended->status));
    x->why[b.len] = '\0';
    return ACME_E_SOLVER;
}

/* args[0] is the command. m: NULL once it runs, because what it was made of is gone. */
static int ext_run(struct external *x, const char *const *args, const struct external_message *m)
{
    const struct external_runner *runner = x->config.runner;
    struct external_ended ended;
    struct acme_buf b;
    int err;

    if (!x->runs) {
        acme_buf_init(&b, x->line, sizeof x->line);
        if (m != NULL)
            external_json(&b, m);
        if (!acme_buf_end(&b))
            return ACME_E_SIZE;
        err = runner->start(runner->ctx, args, m, x->line);
        if (err != ACME_OK)
            return ext_fail(x, runner->why(runner->ctx), "");
        x->runs = true;
    }
    memset(&ended, 0, sizeof ended);
    err = runner->poll(runner->ctx, &ended);
    if (err == ACME_AGAIN)
        return ACME_AGAIN;
    x->runs = false;
    return err == ACME_OK ? ext_exit(x, args[0], &ended)
                          : ext_fail(x, runner->why(runner->ctx), "");
}

/* A command that belongs to no challenge. */
static int ext_frame(struct external *x, const char *command)
{
    const char *const args[] = {command, NULL};
    int err = x->runs ? ACME_OK : external_simple(&x->message, command);

    return err == ACME_OK ? ext_run(x, args, x->runs ? NULL : &x->message) : err;
}

/* perform or cleanup, as the mode calls it. */
static int ext_command(struct external *x, const struct acme_challenge *c, const char *command,
                       const char *hook)
{
    const char *const args[] = {command, NULL};
    const char *const hook_args[] = {hook, c->identifier, c->token, NULL, NULL};
    const char *four[5];
    int err;

    if (x->config.mode == EXTERNAL_HANDLER)
        return ext_run(x, args, x->runs ? NULL : &x->message);
    memcpy(four, hook_args, sizeof four);
    if (!x->runs) {
        err = external_validation(&x->message, c, &four[3]);
        if (err != ACME_OK)
            return err;
    }
    return ext_run(x, four, NULL);
}

/* ---- lines ---- */

static bool ext_has_lines(const struct external *x)
{
    return x->config.mode != EXTERNAL_DEHYDRATED;
}

static int ext_channel(struct external *x, int err, const char *what)
{
    if (err == ACME_AGAIN)
        return err;
    return ext_fail(x, what,
                    err == ACME_E_CLOSED ? "the other side has ended" : acme_err_words(err));
}

int external_print(struct external *x, const char *line, size_t len)
{
    const struct acme_channel *channel = x->config.channel;
    int err = ACME_OK;

    if (!x->open) {
        err = channel->open(channel->ctx);
        if (err != ACME_OK)
            return ext_channel(x, err, "the channel cannot be opened: ");
        x->open = true;
    }
    err = channel->write_line(channel->ctx, line, len);
    return err == ACME_OK ? ACME_OK : ext_channel(x, err, "a message cannot be written: ");
}

static int ext_print_message(struct external *x)
{
    struct acme_buf b;

    acme_buf_init(&b, x->line, sizeof x->line);
    external_json(&b, &x->message);
    return b.overflow ? ACME_E_SIZE : external_print(x, x->line, b.len);
}

static const struct external_proof *ext_proof(const struct external *x)
{
    return x->config.tls != NULL ? &x->config.tls->proof : NULL;
}

static int ext_print_block(struct external *x, const struct acme_challenge *c)
{
    struct acme_buf b;

    acme_buf_init(&b, x->line, sizeof x->line);
    external_block(&b, c, ext_proof(x), &x->message);
    return b.overflow ? ACME_E_SIZE : external_print(x, x->line, b.len);
}

/* One line, whatever it says. */
static int ext_answer(struct external *x)
{
    const struct acme_channel *channel = x->config.channel;
    int n = channel->read_line(channel->ctx, x->line, sizeof x->line);

    if (n > 0 || n == ACME_E_SIZE)
        return ACME_OK;
    if (n == ACME_E_CLOSED)
        return ext_fail(x, "nobody said that the challenge was solved: ", "end of input");
    return ext_channel(x, n, "no answer can be read: ");
}

/* ---- a challenge's life ---- */

static void ext_not_there(const struct external *x, const struct acme_challenge *c, int err)
{
    char detail[ACME_NAME_ROOM + 80];
    struct acme_buf b;

    acme_buf_init(&b, detail, sizeof detail);
    acme_buf_text(&b, c->identifier);
    acme_buf_text(&b, ": ");
    acme_buf_text(&b, err != ACME_E_DECLINED            ? acme_err_words(err)
                      : c->type == ACME_CHALLENGE_DNS01 ? "no TXT record has this value"
                                                        : "the answer is another one");
    if (acme_buf_end(&b))
        ext_warn(x, "Self-verify of challenge failed.", detail, ACME_OK);
}

/* The line is free: its room takes what is sent and received. */
static int ext_self_check(struct external *x, const struct acme_challenge *c)
{
    struct acme_span room = {(uint8_t *)x->line, sizeof x->line};
    char name[DNS_NAME_ROOM + 16];
    struct acme_buf b;
    int err = ACME_OK;

    if (c->type == ACME_CHALLENGE_HTTP01 && x->config.http_port != 0)
        err = external_verify(&x->verify, x->port, c, x->config.http_port, room);
    if (c->type == ACME_CHALLENGE_DNS01 && !x->config.no_lookup) {
        acme_buf_init(&b, name, sizeof name);
        acme_buf_text(&b, "_acme-challenge.");
        acme_buf_text(&b, c->identifier);
        err = acme_buf_end(&b) ? external_lookup(&x->verify, x->port, name,
                                                 external_value(&x->message, "validation"), room)
                               : ACME_E_SIZE;
    }
    if (err == ACME_AGAIN)
        return err;
    if (err != ACME_OK)
        ext_not_there(x, c, err);
    return ACME_OK;
}

/* Of tls-alpn-01: the certificate and its key, once for each begin. */
static int ext_prove(struct external *x, const struct acme_challenge *c)
{
    struct external_tls *tls = x->config.tls;
    int err;

    if (c->type != ACME_CHALLENGE_TLSALPN01)
        return ACME_OK;
    if (!acme_token_ok(acme_slice_text(c->token)))
        return ACME_E_ARG;
    err = tls->make(tls, x->port, c);
    if (err != ACME_OK || tls->keep == NULL)
        return err;
    err = tls->keep(tls->ctx, c->token, &tls->proof);
    return err != ACME_OK ? ext_fail(x, "the files of tls-alpn-01 cannot be written", "") : err;
}

static int ext_begin_step(struct external *x, const struct acme_challenge *c)
{
    enum external_mode mode = x->config.mode;
    int err = ACME_OK;

    /* What its members point to lives as long as this call. */
    if (x->step > 1 && !x->runs)
        err = external_challenge(&x->message, x->config.dialect, c, ext_proof(x));
    if (err != ACME_OK)
        return err;
    switch (x->step) {
    case 0:
        return mode == EXTERNAL_HANDLER && x->phase != EXT_PERFORMING ? ext_frame(x, "pre-perform")
                                                                      : ACME_OK;
    case 1:
        x->phase = EXT_PERFORMING;
        return ext_prove(x, c);
    case 2:
        if (mode == EXTERNAL_TEXT)
            return ext_print_block(x, c);
        return ext_has_lines(x) ? ext_print_message(x) : ACME_OK;
    case 3:
        return mode == EXTERNAL_JSON || mode == EXTERNAL_TEXT
                   ? ext_answer(x)
                   : ext_command(x, c, "perform", "deploy_challenge");
    default:
        return ext_self_check(x, c);
    }
}

static int ext_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct external *x = ((struct external_face *)s)->x;
    int err = ACME_OK;

    if ((s->ops->types & (unsigned)c->type) == 0 ||
        (c->wildcard && c->type != ACME_CHALLENGE_DNS01))
        return ACME_E_DECLINED;
    ext_enter(x, EXT_BEGIN, c);
    while (err == ACME_OK && x->step <= EXT_SELF_CHECK) {
        err = ext_begin_step(x, c);
        if (err == ACME_OK)
            x->step++;
    }
    return ext_leave(x, err);
}

/* All are performed when the first is asked for. */
static int ext_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    struct external *x = ((struct external_face *)s)->x;
    int err = ACME_OK;

    if (x->phase != EXT_PERFORMING)
        return ACME_OK;
    ext_enter(x, EXT_READY, c);
    if (x->config.mode == EXTERNAL_HANDLER)
        err = ext_frame(x, "post-perform");
    if (err != ACME_AGAIN)
        x->phase = EXT_POSTED;
    return ext_leave(x, err);
}

static int ext_drop(struct external *x, const struct acme_challenge *c)
{
    struct external_tls *tls = x->config.tls;

    if (c->type != ACME_CHALLENGE_TLSALPN01 || tls == NULL || tls->drop == NULL ||
        !acme_token_ok(acme_slice_text(c->token)) || tls->drop(tls->ctx, c->token) == ACME_OK)
        return ACME_OK;
    return ext_fail(x, "the files of tls-alpn-01 cannot be removed", "");
}

static int ext_end_step(struct external *x, const struct acme_challenge *c,
                        enum acme_outcome outcome)
{
    bool handler = x->config.mode == EXTERNAL_HANDLER;
    int err = ACME_OK;

    if (x->step > 0 && !x->runs)
        err = external_cleanup(&x->message, x->config.dialect, c, outcome);
    if (err != ACME_OK)
        return err;
    switch (x->step) {
    case 0:
        return handler && x->phase != EXT_CLEANING ? ext_frame(x, "pre-cleanup") : ACME_OK;
    case 1:
        x->phase = EXT_CLEANING;
        return x->config.mode == EXTERNAL_JSON || handler ? ext_print_message(x) : ACME_OK;
    case 2:
        return handler || x->config.mode == EXTERNAL_DEHYDRATED
                   ? ext_command(x, c, "cleanup", "clean_challenge")
                   : ACME_OK;
    default:
        return ext_drop(x, c);
    }
}

/* What fails here does not keep the rest from being cleaned up. */
static int ext_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    struct external *x = ((struct external_face *)s)->x;
    int err;

    ext_enter(x, EXT_END, c);
    while (x->step < 4) {
        err = ext_end_step(x, c, outcome);
        if (err == ACME_AGAIN)
            return ext_leave(x, err);
        x->err = x->err != ACME_OK ? x->err : err;
        x->step++;
    }
    return ext_leave(x, x->err);
}

int external_finish(struct external *x)
{
    int err = ACME_OK;

    if (x->phase != EXT_CLEANING)
        return ACME_OK;
    ext_enter(x, EXT_FINISH, NULL);
    if (x->config.mode == EXTERNAL_HANDLER)
        err = ext_frame(x, "post-cleanup");
    err = ext_leave(x, err);
    if (err == ACME_AGAIN)
        return err;
    x->phase = EXT_IDLE;
    if (err != ACME_OK)
        ext_warn(x, "post-cleanup failed", x->why, err);
    return ACME_OK;
}

/* Between the ends of two challenges something is always under way. */
static uint32_t ext_poll(struct acme_solver *s)
{
    struct external *x = ((struct external_face *)s)->x;

    if (x->phase == EXT_CLEANING && (x->act == EXT_NOTHING || x->act == EXT_FINISH) &&
        external_finish(x) == ACME_AGAIN)
        return EXT_POLL_MS;
    return UINT32_MAX;
}

/* ---- messages of no challenge ---- */

struct external_message *external_outgoing(struct external *x)
{
    return &x->message;
}

static int ext_tell_step(struct external *x, bool print, const char *command,
                         const char *const *args)
{
    const char *const alone[] = {command, NULL};

    if (x->step == 0)
        return print && ext_has_lines(x) && x->config.mode != EXTERNAL_TEXT ? ext_print_message(x)
                                                                            : ACME_OK;
    if (x->config.mode == EXTERNAL_HANDLER && command != NULL)
        return ext_run(x, alone, x->runs ? NULL : &x->message);
    if (x->config.mode == EXTERNAL_DEHYDRATED && args != NULL)
        return ext_run(x, args, NULL);
    return ACME_OK;
}

int external_tell(struct external *x, bool print, const char *command, const char *const *args)
{
    int err = ACME_OK;

    ext_enter(x, EXT_TELL, NULL);
    while (err == ACME_OK && x->step < 2) {
        err = ext_tell_step(x, print, command, args);
        if (err == ACME_OK)
            x->step++;
    }
    return ext_leave(x, err);
}

void external_stop(struct external *x)
{
    ext_abort(x);
}

void external_close(struct external *x)
{
    ext_abort(x);
    if (x->open)
        x->config.channel->close(x->config.channel->ctx);
    x->open = false;
}

static const struct {
    enum acme_challenge_type type;
    const char *name;
} ext_types[EXTERNAL_TYPES] = {{ACME_CHALLENGE_HTTP01, "external-http-01"},
                               {ACME_CHALLENGE_DNS01, "external-dns-01"},
                               {ACME_CHALLENGE_TLSALPN01, "external-tls-alpn-01"}};

static bool ext_takes(const struct external *x, enum acme_challenge_type type)
{
    return type != ACME_CHALLENGE_TLSALPN01 || x->config.tls != NULL;
}

static void ext_face(struct external *x, struct external_face *face, const char *name,
                     unsigned types)
{
    face->x = x;
    face->solver.ops = &face->ops;
    face->solver.port = x->port;
    face->ops.name = name;
    face->ops.types = types;
    face->ops.needs = ACME_HAS_LAST_WORD;
    face->ops.begin = ext_begin;
    face->ops.ready = ext_ready;
    face->ops.end = ext_end;
    face->ops.poll = ext_poll;
}

struct acme_solver *external_init(struct external *x, const struct acme_port *port,
                                  const struct external_config *config)
{
    unsigned all = 0;

    memset(x, 0, sizeof *x);
    x->port = port;
    x->config = *config;
    x->verify.sock = ACME_NO_SOCK;
    for (size_t i = 0; i < EXTERNAL_TYPES; i++) {
        ext_face(x, &x->faces[1 + i], ext_types[i].name, (unsigned)ext_types[i].type);
        if (ext_takes(x, ext_types[i].type))
            all |= (unsigned)ext_types[i].type;
    }
    ext_face(x, &x->faces[0], "external", all);
    return &x->faces[0].solver;
}

struct acme_solver *external_of(struct external *x, enum acme_challenge_type type)
{
    for (size_t i = 0; i < EXTERNAL_TYPES; i++) {
        if (ext_types[i].type == type && ext_takes(x, type))
            return &x->faces[1 + i].solver;
    }
    return NULL;
}
