#include "tls_alpn01.h"

#include <string.h>

#include "acme_err.h"
#include "acme_name.h"
#include "acme_tls_hello.h"

#define TA_STEPS        8    /* reads for one connection in one poll */
#define TA_LISTEN_AGAIN 1000 /* ms until a lost listener is tried again */
#define TA_RETRY_MS     20   /* ms until memory or entropy that was not there is asked for again */

enum ta_phase {
    TA_FREE,
    TA_HELLO,    /* its ClientHello comes */
    TA_QUEUE,    /* has come, and waits for its turn */
    TA_HANDSHAKE /* tls is open */
};

/* Alerts in place of an answer (RFC 8446 6.2). */
enum ta_alert { TA_UNRECOGNIZED_NAME = 112, TA_NO_PROTOCOL = 120 };

/* ---- the table of names ---- */

/* Is this what a CA asks for to prove the identifier? RFC 8737 3; RFC 8738 6. */
static bool ta_is_asked(const char *identifier, struct acme_slice sni)
{
    struct acme_name name;
    char reverse[ACME_REVERSE_TEXT];

    if (acme_name_host(acme_slice_text(identifier)) != ACME_ID_IP)
        return acme_slice_is_nocase(sni, identifier);
    if (acme_name_read(acme_slice_text(identifier), &name, NULL) != ACME_OK)
        return false;
    acme_name_reverse(name.ip, name.ip_len, reverse);
    return acme_slice_is_nocase(sni, reverse);
}

static int ta_find_asked(const struct tls_alpn01 *t, struct acme_slice sni)
{
    for (int i = 0; i < TLS_ALPN01_MAX_NAMES; i++) {
        if (t->names[i].live && ta_is_asked(t->names[i].identifier, sni))
            return i;
    }
    return -1;
}

static int ta_find(const struct tls_alpn01 *t, const char *identifier)
{
    for (int i = 0; i < TLS_ALPN01_MAX_NAMES; i++) {
        if (t->names[i].live && strcmp(t->names[i].identifier, identifier) == 0)
            return i;
    }
    return -1;
}

/* Of exactly this challenge. */
static int ta_find_challenge(const struct tls_alpn01 *t, const struct acme_challenge *c)
{
    uint8_t token[ACME_SHA256_SIZE];
    int i = ta_find(t, c->identifier);

    if (i < 0 || acme_sha256(c->token, strlen(c->token), token) != ACME_OK ||
        memcmp(t->names[i].token, token, sizeof token) != 0)
        return -1;
    return i;
}

/* ---- the certificate ---- */

static void ta_forget(struct tls_alpn01 *t)
{
    t->shown = -1;
    t->cert_len = t->key_len = 0;
    acme_wipe(t->key, sizeof t->key);
}

static int ta_make(struct tls_alpn01 *t, int i, struct acme_key *key)
{
    const struct acme_port *port = t->solver.port;
    const struct tls_alpn01_name *name = &t->names[i];
    struct acme_slice cert;
    int64_t now;
    int err = port->unix_time(port->ctx, &now);

    if (err == ACME_OK)
        err = acme_key_make(key, ACME_KEY_P256);
    if (err == ACME_OK)
        err = acme_alpn_cert_write((struct acme_span){t->cert, sizeof t->cert}, name->identifier,
                                   name->digest, key, now, &cert);
    if (err == ACME_OK && key->len > sizeof t->key)
        err = ACME_E_SIZE;
    if (err != ACME_OK)
        return err;
    memcpy(t->key, key->der, key->len);
    t->key_len = key->len;
    t->cert_at = (uint16_t)(cert.ptr - t->cert);
    t->cert_len = (uint16_t)cert.len;
    t->shown = (int16_t)i;
    return ACME_OK;
}

/* The certificate for this name is the one at hand. One is kept, not one for each name: making it
 * costs a key and a signature of P-256, keeping it 800 bytes. */
static int ta_show(struct tls_alpn01 *t, int i)
{
    struct acme_key key;
    int err;

    if (t->shown == i)
        return ACME_OK;
    ta_forget(t);
    err = ta_make(t, i, &key);
    acme_key_wipe(&key);
    return err;
}

int tls_alpn01_lookup(struct tls_alpn01 *t, struct acme_slice alpn, struct acme_slice sni,
                      struct acme_slice *cert, struct acme_slice *key)
{
    int i = acme_tls_alpn_is(alpn, TLS_ALPN01_PROTOCOL) ? ta_find_asked(t, sni) : -1;
    int err = i >= 0 ? ta_show(t, i) : ACME_E_DECLINED;

    *cert = acme_slice_of(t->cert + t->cert_at, err == ACME_OK ? t->cert_len : 0);
    *key = acme_slice_of(t->key, err == ACME_OK ? t->key_len : 0);
    return err;
}

/* ---- one connection ---- */

static uint64_t ta_now(const struct tls_alpn01 *t)
{
    const struct acme_port *port = t->solver.port;

    return port->now_ms(port->ctx);
}

static void ta_close(struct tls_alpn01 *t, acme_sock *sock)
{
    const struct acme_port *port = t->solver.port;

    if (*sock != ACME_NO_SOCK)
        port->net->close(port->ctx, *sock);
    *sock = ACME_NO_SOCK;
}

static void ta_drop(struct tls_alpn01 *t, struct tls_alpn01_connection *c)
{
    if (c->phase == TA_HANDSHAKE) {
        acme_tls_server_close(&c->tls);
        t->handshakes--;
        (void)(t->turn && t->turn(false));
    }
    ta_close(t, &c->sock);
    c->phase = TA_FREE;
    c->name = -1;
}

static void ta_enter(struct tls_alpn01 *t, struct tls_alpn01_connection *c, enum ta_phase phase)
{
    c->phase = (uint8_t)phase;
    c->since_ms = ta_now(t);
}

static void ta_refuse(struct tls_alpn01 *t, struct tls_alpn01_connection *c, enum ta_alert why)
{
    const struct acme_port *port = t->solver.port;
    const uint8_t alert[] = {21, 3, 3, 0, 2, 2, (uint8_t)why};

    (void)port->net->send(port->ctx, c->sock, alert, sizeof alert);
    ta_drop(t, c);
}

/* Is the ClientHello whole by now? Then it gets in line, or the connection ends. */
static void ta_parse(struct tls_alpn01 *t, struct tls_alpn01_connection *c)
{
    struct acme_tls_hello hello;
    int n = acme_tls_hello_read(acme_slice_of(c->buf, c->len), &hello);

    if (n == ACME_AGAIN && c->len < sizeof c->buf)
        return;
    if (n < 0) {
        ta_drop(t, c);
        return;
    }
    if (!acme_tls_alpn_is(hello.alpn, TLS_ALPN01_PROTOCOL)) {
        ta_refuse(t, c, TA_NO_PROTOCOL);
        return;
    }
    c->name = (int16_t)ta_find_asked(t, hello.sni);
    if (c->name < 0)
        ta_refuse(t, c, TA_UNRECOGNIZED_NAME);
    else
        ta_enter(t, c, TA_QUEUE);
}

static int ta_read(struct tls_alpn01 *t, struct tls_alpn01_connection *c)
{
    const struct acme_port *port = t->solver.port;
    int n = port->net->recv(port->ctx, c->sock, c->buf + c->len, sizeof c->buf - c->len);

    if (n > 0) {
        c->len = (uint16_t)(c->len + n);
        ta_parse(t, c);
    }
    return n;
}

/* Begins the handshake, or waits on for a place, for memory, or for entropy. */
static int ta_begin_handshake(struct tls_alpn01 *t, struct tls_alpn01_connection *c)
{
    struct acme_tls_show show;
    struct acme_tls_hello hello;
    int err;

    if (t->handshakes >= TLS_ALPN01_MAX_HANDSHAKES || (t->turn && !t->turn(true)))
        return ACME_AGAIN;
    show.early = acme_slice_of(c->buf, c->len);
    (void)acme_tls_hello_read(show.early, &hello);
    show.name = hello.sni;
    show.protocol = TLS_ALPN01_PROTOCOL;
    err = tls_alpn01_lookup(t, hello.alpn, hello.sni, &show.cert, &show.key);
    if (err == ACME_OK)
        err = acme_tls_server_open(&c->tls, t->solver.port, c->sock, &show);
    if (err == ACME_OK) {
        t->handshakes++;
        ta_enter(t, c, TA_HANDSHAKE);
        return 1;
    }
    (void)(t->turn && t->turn(false));
    return err == ACME_E_TLS_MEMORY ? ACME_AGAIN : err;
}

static int ta_handshake(struct tls_alpn01 *t, struct tls_alpn01_connection *c)
{
    int err = acme_tls_server_handshake(&c->tls);

    if (err == ACME_OK && c->name >= 0)
        t->names[c->name].served = true;
    if (err == ACME_OK)
        ta_drop(t, c);
    return err;
}

/* Moves a connection on. Milliseconds until it needs that again. */
static uint32_t ta_serve(struct tls_alpn01 *t, struct tls_alpn01_connection *c)
{
    uint64_t age;
    int n = 1;

    for (int i = 0; i < TA_STEPS && n > 0 && c->phase == TA_HELLO; i++)
        n = ta_read(t, c);
    if (c->phase == TA_QUEUE)
        n = ta_begin_handshake(t, c);
    if (c->phase == TA_HANDSHAKE)
        n = ta_handshake(t, c);
    if (c->phase == TA_FREE)
        return UINT32_MAX;
    age = ta_now(t) - c->since_ms;
    if ((n <= 0 && n != ACME_AGAIN) || age >= TLS_ALPN01_DEADLINE_MS) {
        ta_drop(t, c);
        return UINT32_MAX;
    }
    if (n > 0)
        return 0;
    return c->phase == TA_QUEUE ? TA_RETRY_MS : (uint32_t)(TLS_ALPN01_DEADLINE_MS - age);
}

/* Others wait for a handshake: the oldest of those that are under way ends, when it has had its
 * time. So a client that stops in the middle keeps no CA out. */
static void ta_make_way(struct tls_alpn01 *t)
{
    struct tls_alpn01_connection *oldest = NULL;
    bool waits = false;

    for (int i = 0; i < TLS_ALPN01_MAX_CONNECTIONS; i++) {
        struct tls_alpn01_connection *c = &t->connections[i];

        waits = waits || c->phase == TA_QUEUE;
        if (c->phase == TA_HANDSHAKE && (!oldest || c->since_ms < oldest->since_ms))
            oldest = c;
    }
    if (waits && oldest && t->handshakes >= TLS_ALPN01_MAX_HANDSHAKES &&
        ta_now(t) - oldest->since_ms >= TLS_ALPN01_TURN_MS)
        ta_drop(t, oldest);
}

/* ---- the listener ---- */

static int ta_listen(struct tls_alpn01 *t)
{
    const struct acme_port *port = t->solver.port;
    int err = ACME_OK;

    if (t->port != 0 && t->listener == ACME_NO_SOCK)
        err = port->net->listen(port->ctx, t->addr, t->port, &t->listener);
    if (err != ACME_OK)
        t->listener = ACME_NO_SOCK;
    return err;
}

static uint32_t ta_shorter(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A place for a connection that waits: a free one, or that of the oldest which keeps it without a
 * ClientHello, or else in the middle of a handshake, for too long. NULL: none yet. */
static struct tls_alpn01_connection *ta_place(struct tls_alpn01 *t, uint64_t now)
{
    struct tls_alpn01_connection *oldest = NULL;

    for (int i = 0; i < TLS_ALPN01_MAX_CONNECTIONS; i++) {
        struct tls_alpn01_connection *c = &t->connections[i];
        uint32_t keeps = c->phase == TA_HELLO ? TLS_ALPN01_GRACE_MS : TLS_ALPN01_TURN_MS;

        if (c->phase == TA_FREE)
            return c;
        if (c->phase != TA_QUEUE && now - c->since_ms >= keeps &&
            (!oldest || c->since_ms < oldest->since_ms))
            oldest = c;
    }
    return oldest;
}

/* Takes one waiting connection and serves it. False: none waits, or there is no place. */
static bool ta_accept(struct tls_alpn01 *t, uint32_t *wait)
{
    const struct acme_port *port = t->solver.port;
    struct tls_alpn01_connection *c = ta_place(t, ta_now(t));
    acme_sock sock;
    int err;

    if (!c || t->listener == ACME_NO_SOCK)
        return false;
    err = port->net->accept(port->ctx, t->listener, &sock);
    if (err == ACME_OK) {
        ta_drop(t, c);
        c->sock = sock;
        c->len = 0;
        ta_enter(t, c, TA_HELLO);
        *wait = ta_shorter(*wait, ta_serve(t, c));
    } else if (err != ACME_AGAIN && err != ACME_E_SIZE) {
        ta_close(t, &t->listener); /* broken: the next poll listens anew */
        *wait = 0;
    }
    return err == ACME_OK;
}

static uint32_t ta_poll(struct acme_solver *s)
{
    struct tls_alpn01 *t = (struct tls_alpn01 *)s;
    uint32_t wait = UINT32_MAX;
    int taken = 0;

    ta_make_way(t);
    if (t->live > 0 && ta_listen(t) != ACME_OK)
        wait = TA_LISTEN_AGAIN;
    for (int i = 0; i < TLS_ALPN01_MAX_CONNECTIONS; i++) {
        struct tls_alpn01_connection *c = &t->connections[i];
        if (c->phase != TA_FREE)
            wait = ta_shorter(wait, ta_serve(t, c));
    }
    while (taken < TLS_ALPN01_MAX_CONNECTIONS && ta_accept(t, &wait))
        taken++;
    if (taken == TLS_ALPN01_MAX_CONNECTIONS)
        return 0;
    return wait > TLS_ALPN01_GRACE_MS && !ta_place(t, ta_now(t)) ? TLS_ALPN01_GRACE_MS : wait;
}

/* ---- the solver ---- */

/* Handshakes under way end by themselves, but no longer count for this place. */
static void ta_clear(struct tls_alpn01 *t, int i)
{
    memset(&t->names[i], 0, sizeof t->names[i]);
    if (t->shown == i)
        ta_forget(t);
    for (int k = 0; k < TLS_ALPN01_MAX_CONNECTIONS; k++) {
        if (t->connections[k].name == i)
            t->connections[k].name = -1;
    }
    t->live--;
    if (t->live == 0)
        ta_close(t, &t->listener);
}

/* Into place i: what c wants to be shown. */
static int ta_fill(struct tls_alpn01 *t, int i, const struct acme_challenge *c)
{
    struct tls_alpn01_name *name = &t->names[i];
    uint8_t digest[ACME_SHA256_SIZE];

    if (acme_sha256(c->token, strlen(c->token), name->token) != ACME_OK ||
        acme_sha256(c->key_authorization, strlen(c->key_authorization), digest) != ACME_OK)
        return ACME_E_CRYPTO;
    if (memcmp(name->digest, digest, sizeof digest) != 0) {
        name->served = false; /* what was served was another account's */
        memcpy(name->digest, digest, sizeof digest);
        if (t->shown == i)
            ta_forget(t);
    }
    return acme_copy_text(name->identifier, sizeof name->identifier, acme_slice_text(c->identifier))
               ? ACME_OK
               : ACME_E_SIZE;
}

/* The place of a challenge, an old or a new one; or an error. */
static int ta_take_place(struct tls_alpn01 *t, const struct acme_challenge *c)
{
    int i = ta_find(t, c->identifier);

    if (i >= 0)
        return ta_find_challenge(t, c) == i ? i : ACME_E_SOLVER;
    for (i = 0; i < TLS_ALPN01_MAX_NAMES && t->names[i].live; i++)
        ;
    if (i == TLS_ALPN01_MAX_NAMES)
        return ACME_E_SIZE;
    t->names[i].live = true;
    t->live++;
    return i;
}

static int ta_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct tls_alpn01 *t = (struct tls_alpn01 *)s;
    int i, err;

    /* RFC 8737 3 proves one host, never all below it. */
    if (c->type != ACME_CHALLENGE_TLSALPN01 || c->wildcard)
        return ACME_E_DECLINED;
    if (!acme_key_authorization_ok(c->token, c->key_authorization))
        return ACME_E_ARG;
    err = ta_listen(t);
    i = err == ACME_OK ? ta_take_place(t, c) : err;
    if (i < 0)
        return i;
    err = ta_fill(t, i, c);
    if (err == ACME_OK)
        err = ta_show(t, i); /* what could fail then is better known now */
    if (err != ACME_OK)
        ta_clear(t, i);
    return err;
}

static int ta_seen(struct acme_solver *s, const struct acme_challenge *c)
{
    struct tls_alpn01 *t = (struct tls_alpn01 *)s;
    int i = ta_find_challenge(t, c);

    return i >= 0 && t->names[i].served ? ACME_OK : ACME_AGAIN;
}

static int ta_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    struct tls_alpn01 *t = (struct tls_alpn01 *)s;
    int i = ta_find_challenge(t, c);

    (void)outcome;
    if (i >= 0)
        ta_clear(t, i);
    return ACME_OK;
}

static const struct acme_solver_ops ta_responder = {
    .name = "tls-alpn-01",
    .types = ACME_CHALLENGE_TLSALPN01,
    .needs = ACME_NEEDS_TLS_MEMORY,
    .begin = ta_begin,
    .seen = ta_seen,
    .end = ta_end,
    .poll = ta_poll,
};

/* An application answers: nothing is known of the CA's queries, and there is nothing to poll. */
static const struct acme_solver_ops ta_look_up_only = {
    .name = "tls-alpn-01",
    .types = ACME_CHALLENGE_TLSALPN01,
    .needs = ACME_NEEDS_TLS_MEMORY,
    .begin = ta_begin,
    .end = ta_end,
};

struct acme_solver *tls_alpn01_init(struct tls_alpn01 *t, const struct acme_port *port,
                                    const char *addr, uint16_t tcp_port)
{
    memset(t, 0, sizeof *t);
    t->solver.ops = tcp_port != 0 ? &ta_responder : &ta_look_up_only;
    t->solver.port = port;
    t->addr = addr;
    t->port = tcp_port;
    t->listener = ACME_NO_SOCK;
    t->shown = -1;
    for (int i = 0; i < TLS_ALPN01_MAX_CONNECTIONS; i++) {
        t->connections[i].sock = ACME_NO_SOCK;
        t->connections[i].name = -1;
    }
    return &t->solver;
}
