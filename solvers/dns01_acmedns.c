/* dns01_acmedns.c - the solver of dns-01 by acme-dns */
#include "dns01_acmedns.h"

#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"
#include "acme_exchange.h"

#define AD_TEXT_OF(x) #x
#define AD_TEXT(x)    AD_TEXT_OF(x)

enum ad_job { AD_NONE, AD_PREPARE, AD_BEGIN, AD_READY };

enum ad_phase {
    AD_LOAD,     /* the registration, from its slot */
    AD_REGISTER, /* POST /register */
    AD_SAVE,     /* it is durable before anybody is told of it */
    AD_LEAD,     /* does the CNAME record lead there, and is the value there already? */
    AD_UPDATE,   /* POST /update */
    AD_DONE
};

static uint64_t ad_now(const struct dns01_acmedns *d)
{
    return d->solver.port->now_ms(d->solver.port->ctx);
}

/* Four texts, one behind another, into why: ACME_E_SOLVER. */
static int ad_fail(struct dns01_acmedns *d, const char *one, const char *two, const char *three,
                   const char *four)
{
    struct acme_buf b;

    acme_buf_init(&b, d->why, sizeof d->why);
    acme_buf_text(&b, one);
    acme_buf_text(&b, two);
    acme_buf_text(&b, three);
    acme_buf_text(&b, four);
    if (!acme_buf_end(&b))
        d->why[sizeof d->why - 1] = '\0';
    return ACME_E_SOLVER;
}

static void ad_go(struct dns01_acmedns *d, enum ad_phase phase)
{
    d->phase = (uint8_t)phase;
    d->tries = 0;
    d->wake_ms = 0;
}

/* ---- one request ---- */

/* The two fields of /update, and its body. The account's texts were checked: nothing in them ends a
 * line or a string. */
static void ad_credentials(const struct dns01_acmedns *d, struct acme_buf *fields,
                           struct acme_buf *body)
{
    acme_buf_text(fields, "X-Api-User: ");
    acme_buf_text(fields, d->account.username);
    acme_buf_text(fields, "\r\nX-Api-Key: ");
    acme_buf_text(fields, d->account.password);
    acme_buf_text(fields, "\r\n");
    acme_buf_text(body, "{\"subdomain\": ");
    acme_buf_json(body, acme_slice_text(d->account.subdomain));
    acme_buf_text(body, ", \"txt\": ");
    acme_buf_json(body, acme_slice_text(d->value));
    acme_buf_text(body, "}");
}

static int ad_send(struct dns01_acmedns *d, struct acme_exchange *x)
{
    char url_text[ACMEDNS_URL_MAX + 16];
    uint8_t fields_room[240], body_room[160];
    struct acme_http_request request = {.method = "POST", .content_type = "application/json"};
    struct acme_buf url_buf, fields, body, io;
    struct acme_url url;
    int err;

    acme_buf_init(&url_buf, url_text, sizeof url_text);
    acme_buf_init(&fields, fields_room, sizeof fields_room);
    acme_buf_init(&body, body_room, sizeof body_room);
    acme_buf_init(&io, x->io.ptr, x->io.len);
    acme_buf_text(&url_buf, d->config.url);
    while (url_buf.len > 0 && url_text[url_buf.len - 1] == '/')
        url_buf.len--;
    acme_buf_text(&url_buf, d->phase == AD_REGISTER ? "/register" : "/update");
    if (d->phase == AD_REGISTER)
        acme_buf_text(&body, "{}");
    else
        ad_credentials(d, &fields, &body);
    err = acme_buf_end(&url_buf) ? acme_url_read(acme_buf_slice(&url_buf), &url) : ACME_E_URL;
    if (err == ACME_OK) {
        request.url = &url;
        request.fields = acme_buf_slice(&fields);
        request.content_length = body.len;
        acme_http_write_request(&io, &request);
        acme_buf_put(&io, body.ptr, body.len);
        if (fields.overflow || body.overflow || io.overflow)
            err = ACME_E_SIZE;
    }
    if (err == ACME_OK)
        err = acme_exchange_start(x, &url, io.len, false);
    acme_wipe(fields_room, sizeof fields_room);
    acme_wipe(body_room, sizeof body_room);
    return err;
}

/* ---- what it answers ---- */

static struct acme_span ad_room(struct dns01_acmedns *d)
{
    struct acme_span room = {NULL, sizeof d->seek.buf & ~(size_t)15};
    size_t skip = (16 - (size_t)((uintptr_t)d->seek.buf & 15)) & 15; /* it is an arena too */

    room.ptr = d->seek.buf + skip;
    room.len -= 16;
    return room;
}

static int ad_registered(struct dns01_acmedns *d, const struct acme_reply *reply)
{
    const struct acme_json *root = NULL;
    struct acme_span room = ad_room(d);
    int err = acme_json_parse(reply->body, room, &root);

    if (err == ACME_OK)
        err = acmedns_account_read(root, &d->account);
    acme_wipe(room.ptr, room.len);
    if (err != ACME_OK)
        return ad_fail(d, d->config.url, ": what /register answers makes no sense", "", "");
    ad_go(d, AD_SAVE);
    return ACME_OK;
}

/* ACME_OK: the next phase; ACME_E_SERVER: it is tried again; ACME_E_SOLVER. */
static int ad_reply(struct dns01_acmedns *d, const struct acme_reply *reply)
{
    uint16_t status = reply->head.status;
    char number[4] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                      (char)('0' + status % 10), '\0'};

    if (status == 200 || (status == 201 && d->phase == AD_REGISTER)) {
        if (d->phase == AD_REGISTER)
            return ad_registered(d, reply);
        ad_go(d, AD_DONE);
        return ACME_OK;
    }
    if (status == 401 || status == 403)
        return ad_fail(d, d->config.url,
                       d->phase == AD_REGISTER ? ": registration is not allowed there (HTTP "
                                               : ": it refuses our registration (HTTP ",
                       number, ")");
    (void)ad_fail(d, d->config.url, ": HTTP ", number, "");
    return status >= 500 || status == 429 ? (int)ACME_E_SERVER : (int)ACME_E_SOLVER;
}

/* Not answered, or not now: again after a pause? What may have been done all the same is looked at
 * anew, because the same value twice would push the other one out. */
static int ad_again(struct dns01_acmedns *d, int err)
{
    if (err != ACME_E_SERVER)
        (void)ad_fail(d, d->config.url, ": ", acme_err_words(err), "");
    if (++d->tries >= DNS01_ACMEDNS_TRIES ||
        (err != ACME_E_SERVER && acme_err_class(err) != ACME_CLASS_CONNECTION))
        return ACME_E_SOLVER;
    d->wake_ms = ad_now(d) + DNS01_ACMEDNS_PAUSE_MS;
    if (d->phase == AD_UPDATE)
        d->phase = AD_LEAD;
    return ACME_AGAIN;
}

/* The exchange is the agent's: it is given back closed, and our secrets in its buffer are gone. */
static void ad_give_back(struct acme_exchange *x)
{
    acme_exchange_close(x);
    acme_wipe(x->io.ptr, x->io.len);
}

/* Its connections to the CA and to acme-dns trust different roots, so none is used for both. */
static int ad_ask(struct dns01_acmedns *d, struct acme_exchange *x)
{
    const struct acme_anchors *theirs = x->anchors;
    struct acme_reply reply;
    int err = ACME_OK;

    if (ad_now(d) < d->wake_ms)
        return ACME_AGAIN;
    if (d->config.anchors != NULL)
        x->anchors = d->config.anchors;
    if (!d->flying) {
        acme_exchange_close(x);
        err = ad_send(d, x);
        d->flying = err == ACME_OK;
    }
    if (err == ACME_OK)
        err = acme_exchange_poll(x, &reply);
    x->anchors = theirs;
    if (err == ACME_AGAIN)
        return err;
    if (err == ACME_OK)
        err = ad_reply(d, &reply);
    d->flying = false;
    ad_give_back(x);
    return err == ACME_OK || err == ACME_E_SOLVER ? err : ad_again(d, err);
}

/* ---- the other phases ---- */

static int ad_slot(struct dns01_acmedns *d)
{
    const struct acme_port *port = d->solver.port;
    char key[ACME_SLOT_KEY_MAX + 1];
    int err = acmedns_account_key(d->config.url, d->identifier, key);

    if (err != ACME_OK)
        return err;
    if (d->phase == AD_SAVE)
        err = acmedns_account_save(port, key, d->config.url, ad_room(d), &d->account);
    else
        err = acmedns_account_load(port, key, d->config.url, ad_room(d), &d->account);
    if (err != ACME_OK && err != ACME_AGAIN) /* what is not kept must not be told */
        acme_wipe(&d->account, sizeof d->account);
    if (err == ACME_OK)
        ad_go(d, AD_LEAD);
    if (d->phase == AD_LOAD && err == ACME_E_SLOT_EMPTY) {
        ad_go(d, AD_REGISTER);
        return ACME_OK;
    }
    return err;
}

static int ad_lead(struct dns01_acmedns *d)
{
    char owner[DNS_NAME_ROOM];
    struct acme_buf b;
    int err;

    if (ad_now(d) < d->wake_ms)
        return ACME_AGAIN;
    if (!d->flying) {
        acme_buf_init(&b, owner, sizeof owner);
        acme_buf_text(&b, "_acme-challenge.");
        acme_buf_text(&b, d->identifier);
        if (!acme_buf_end(&b))
            return ad_fail(d, d->identifier, ": too long for _acme-challenge before it", "", "");
        err = dns_seek_start(&d->seek, owner, d->job == AD_PREPARE ? DNS_SEEK_ZONE : DNS_SEEK_SHOWN,
                             d->value, d->job == AD_READY ? DNS01_ACMEDNS_READY_MS : 0);
        if (err != ACME_OK)
            return err;
        d->flying = true;
    }
    err = dns_seek_poll(&d->seek, NULL);
    if (err == ACME_AGAIN)
        return err;
    d->flying = false;
    if (err != ACME_OK && !(d->seek.missing && d->job != AD_READY))
        return err;
    if (strcmp(d->seek.name, d->account.fulldomain) != 0) {
        (void)ad_fail(d, "add this record to the zone: _acme-challenge.", d->identifier, ". CNAME ",
                      d->account.fulldomain);
        acme_copy_text(d->why + strlen(d->why), sizeof d->why - strlen(d->why),
                       acme_slice_text("."));
        return ACME_E_SOLVER;
    }
    d->phase = (uint8_t)(err == ACME_OK ? AD_DONE : AD_UPDATE);
    return ACME_OK;
}

/* ---- the job ---- */

static int ad_move(struct dns01_acmedns *d, struct acme_exchange *x)
{
    switch (d->phase) {
    case AD_LOAD:
    case AD_SAVE:
        return ad_slot(d);
    case AD_LEAD:
        return ad_lead(d);
    default:
        return x != NULL ? ad_ask(d, x) : (int)ACME_E_ARG;
    }
}

/* Begun when there is none such, and its result, once. */
static int ad_do(struct dns01_acmedns *d, const char *identifier, const char *value,
                 enum ad_job job, struct acme_exchange *x)
{
    int err = ACME_OK;

    if (d->job != job || strcmp(d->identifier, identifier) != 0 || strcmp(d->value, value) != 0) {
        dns_seek_close(&d->seek);
        if (d->flying && x != NULL)
            ad_give_back(x); /* another job's request is under way */
        d->why[0] = '\0';
        d->flying = false;
        d->job = (uint8_t)job;
        (void)acme_copy_text(d->identifier, sizeof d->identifier, acme_slice_text(identifier));
        (void)acme_copy_text(d->value, sizeof d->value, acme_slice_text(value));
        ad_go(d, AD_LOAD);
        /* A record with a longer one could not be read back. */
        if (strlen(d->config.url) > ACMEDNS_URL_MAX)
            err = ad_fail(d, "the URL of acme-dns is longer than " AD_TEXT(ACMEDNS_URL_MAX),
                          " characters: give a shorter one", "", "");
    }
    for (int i = 0; i < 8 && err == ACME_OK && d->phase != AD_DONE; i++)
        err = ad_move(d, x);
    if (err == ACME_OK && d->phase != AD_DONE)
        err = ACME_AGAIN;
    if (err != ACME_AGAIN)
        d->job = AD_NONE;
    if (err == ACME_OK)
        d->why[0] = '\0';
    return err;
}

int dns01_acmedns_prepare(struct dns01_acmedns *d, const char *identifier, struct acme_exchange *x)
{
    return ad_do(d, identifier, "", AD_PREPARE, x);
}

static int ad_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct dns01_acmedns *d = (struct dns01_acmedns *)s;
    char value[DNS_LABEL_VALUE];
    int err;

    if (c->type != ACME_CHALLENGE_DNS01 || c->id_type != ACME_ID_DNS || c->exchange == NULL ||
        (d->config.server == NULL && s->port->net->resolver == NULL))
        return ACME_E_DECLINED;
    if (c->key_authorization[0] == '\0')
        return ACME_E_ARG;
    err = dns_label_value(c, value);
    return err != ACME_OK ? err : ad_do(d, c->identifier, value, AD_BEGIN, c->exchange);
}

static int ad_ready(struct acme_solver *s, const struct acme_challenge *c)
{
    char value[DNS_LABEL_VALUE];
    int err = dns_label_value(c, value);

    return err != ACME_OK ? err
                          : ad_do((struct dns01_acmedns *)s, c->identifier, value, AD_READY, NULL);
}

/* A value goes when the next but one comes. */
static int ad_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    struct dns01_acmedns *d = (struct dns01_acmedns *)s;

    (void)c;
    (void)outcome;
    dns_seek_close(&d->seek);
    d->job = AD_NONE; /* the agent has taken its exchange back, whatever was under way */
    d->flying = false;
    return ACME_OK;
}

static const struct acme_solver_ops ad_ops = {
    .name = "acme-dns",
    .types = ACME_CHALLENGE_DNS01,
    .needs = ACME_NEEDS_EXCHANGE,
    .begin = ad_begin,
    .ready = ad_ready,
    .end = ad_end,
};

struct acme_solver *dns01_acmedns_init(struct dns01_acmedns *d, const struct acme_port *port,
                                       const struct dns01_acmedns_config *config)
{
    memset(d, 0, sizeof *d);
    d->solver.ops = &ad_ops;
    d->solver.port = port;
    d->config = *config;
    dns_seek_init(&d->seek, port, NULL, d, d->why);
    d->seek.server = config->server;
    d->seek.server_port = config->server_port;
    d->seek.ns_port = config->ns_port;
    return &d->solver;
}

void dns01_acmedns_close(struct dns01_acmedns *d)
{
    dns_seek_close(&d->seek);
    acme_wipe(&d->account, sizeof d->account);
    acme_wipe(d->seek.buf, sizeof d->seek.buf);
    d->job = AD_NONE;
    d->flying = false;
}
