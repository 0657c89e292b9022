/* http01.c - the solver of http-01 (RFC 8555 8.3) */
#include "http01.h"

#include <string.h>

#include "acme_err.h"
#include "acme_http.h"
#include "acme_name.h"

#define H01_STEPS        8    /* reads and writes for one connection in one poll */
#define H01_LISTEN_AGAIN 1000 /* ms until a lost listener is tried again */

enum h01_phase {
    H01_FREE,
    H01_READ, /* the head of the request */
    H01_SEND
};

/* ---- the table of live tokens ---- */

static int h01_find(const struct http01 *h, struct acme_slice token)
{
    for (int i = 0; i < HTTP01_MAX_TOKENS; i++) {
        const struct http01_token *t = &h->tokens[i];

        if (t->len > 0 && t->len == token.len && memcmp(t->text, token.ptr, token.len) == 0)
            return i;
    }
    return -1;
}

static int h01_find_path(const struct http01 *h, struct acme_slice path)
{
    size_t prefix = sizeof HTTP01_PREFIX - 1;

    if (path.len < prefix || memcmp(path.ptr, HTTP01_PREFIX, prefix) != 0)
        return -1;
    return h01_find(h, acme_slice_of(path.ptr + prefix, path.len - prefix));
}

bool http01_lookup(const struct http01 *h, struct acme_slice path, struct acme_slice *body)
{
    int i = h01_find_path(h, path);

    if (i >= 0)
        *body = acme_slice_text(h->tokens[i].text);
    return i >= 0;
}

/* ---- one connection ---- */

static uint64_t h01_now(const struct http01 *h)
{
    const struct acme_port *port = h->solver.port;

    return port->now_ms(port->ctx);
}

static void h01_close(struct http01 *h, acme_sock *sock)
{
    const struct acme_port *port = h->solver.port;

    if (*sock != ACME_NO_SOCK)
        port->net->close(port->ctx, *sock);
    *sock = ACME_NO_SOCK;
}

static void h01_drop(struct http01 *h, struct http01_connection *c)
{
    h01_close(h, &c->sock);
    c->phase = H01_FREE;
    c->token = -1;
}

/* The reply, over the request that it answers. Every reply has the same fields and only a token of
 * our own as its body: nothing of the request is shown, whatever a browser thinks of it. */
static void h01_reply(struct http01 *h, struct http01_connection *c, const char *status,
                      const char *more, const char *body, bool head_only)
{
    struct acme_buf out;

    acme_buf_init(&out, c->buf, sizeof c->buf);
    acme_buf_text(&out, "HTTP/1.1 ");
    acme_buf_text(&out, status);
    acme_buf_text(&out, "\r\nContent-Type: application/octet-stream"
                        "\r\nX-Content-Type-Options: nosniff"
                        "\r\nConnection: close\r\n");
    acme_buf_text(&out, more);
    acme_buf_text(&out, "Content-Length: ");
    acme_buf_dec(&out, strlen(body));
    acme_buf_text(&out, "\r\n\r\n");
    if (!head_only)
        acme_buf_text(&out, body);
    c->len = (uint16_t)out.len;
    c->sent = 0;
    c->phase = H01_SEND;
    c->since_ms = h01_now(h);
}

static void h01_answer(struct http01 *h, struct http01_connection *c,
                       const struct acme_http_asked *asked)
{
    bool head_only = acme_slice_is(asked->method, "HEAD");
    int i;

    if (!head_only && !acme_slice_is(asked->method, "GET")) {
        h01_reply(h, c, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "", false);
        return;
    }
    /* A body is never read, so what it holds could pass for a second request (smuggling). */
    if (asked->has_body) {
        h01_reply(h, c, "400 Bad Request", "", "", false);
        return;
    }
    i = h01_find_path(h, asked->target);
    if (i < 0) {
        h01_reply(h, c, "404 Not Found", "", "", false);
        return;
    }
    c->token = head_only ? -1 : (int16_t)i;
    h01_reply(h, c, "200 OK", "", h->tokens[i].text, head_only);
}

/* Is the request's head whole by now? Then the reply is made ready. */
static void h01_parse(struct http01 *h, struct http01_connection *c)
{
    struct acme_http_asked asked;
    size_t line = c->len < HTTP01_LINE_MAX + 2 ? c->len : HTTP01_LINE_MAX + 2;
    int n = acme_http_read_request(acme_slice_of(c->buf, c->len), HTTP01_LINE_MAX, sizeof c->buf,
                                   &asked);

    if (n == ACME_AGAIN && c->len == sizeof c->buf)
        n = ACME_E_SIZE;
    if (n > 0)
        h01_answer(h, c, &asked);
    else if (n == ACME_E_SIZE)
        h01_reply(h, c,
                  memchr(c->buf, '\n', line) ? "431 Request Header Fields Too Large"
                                             : "414 URI Too Long",
                  "", "", false);
    else if (n != ACME_AGAIN)
        h01_reply(h, c, "400 Bad Request", "", "", false);
}

static int h01_read(struct http01 *h, struct http01_connection *c)
{
    const struct acme_port *port = h->solver.port;
    int n = port->net->recv(port->ctx, c->sock, c->buf + c->len, sizeof c->buf - c->len);

    if (n > 0) {
        c->len = (uint16_t)(c->len + n);
        h01_parse(h, c);
    }
    return n;
}

static int h01_send(struct http01 *h, struct http01_connection *c)
{
    const struct acme_port *port = h->solver.port;
    int n = port->net->send(port->ctx, c->sock, c->buf + c->sent, (size_t)(c->len - c->sent));

    if (n <= 0)
        return n;
    c->sent = (uint16_t)(c->sent + n);
    if (c->sent < c->len)
        return n;
    if (c->token >= 0)
        h->tokens[c->token].served = true;
    /* Many systems answer unread bytes with a reset, which can overtake the reply. */
    for (int i = 0; i < H01_STEPS; i++) {
        if (port->net->recv(port->ctx, c->sock, c->buf, sizeof c->buf) <= 0)
            break;
    }
    h01_drop(h, c);
    return n;
}

/* Moves a connection on. Milliseconds until it needs that again. */
static uint32_t h01_serve(struct http01 *h, struct http01_connection *c)
{
    uint64_t age;
    int n = 1;

    for (int i = 0; i < H01_STEPS && n > 0 && c->phase != H01_FREE; i++)
        n = c->phase == H01_READ ? h01_read(h, c) : h01_send(h, c);
    if (c->phase == H01_FREE)
        return UINT32_MAX;
    age = h01_now(h) - c->since_ms;
    if ((n <= 0 && n != ACME_AGAIN) || age >= HTTP01_DEADLINE_MS) {
        h01_drop(h, c);
        return UINT32_MAX;
    }
    return n > 0 ? 0 : (uint32_t)(HTTP01_DEADLINE_MS - age);
}

/* ---- the listener ---- */

static int h01_listen(struct http01 *h)
{
    const struct acme_port *port = h->solver.port;
    int err;

    if (h->port == 0 || h->listener != ACME_NO_SOCK)
        return ACME_OK;
    err = port->net->listen(port->ctx, h->addr, h->port, &h->listener);
    if (err != ACME_OK)
        h->listener = ACME_NO_SOCK;
    return err;
}

/* A place for a connection that waits: a free one, or that of the oldest which has not sent its
 * head for a while. So a client that sends nothing, or drips, keeps nobody out; and of many honest
 * ones at once none is thrown out before its head could have come. NULL: none yet. */
static struct http01_connection *h01_place(struct http01 *h, uint64_t now)
{
    struct http01_connection *oldest = NULL;

    for (int i = 0; i < HTTP01_MAX_CONNECTIONS; i++) {
        struct http01_connection *c = &h->connections[i];

        if (c->phase == H01_FREE)
            return c;
        if (c->phase == H01_READ && now - c->since_ms >= HTTP01_GRACE_MS &&
            (!oldest || c->since_ms < oldest->since_ms))
            oldest = c;
    }
    return oldest;
}

/* Takes one waiting connection and serves it. False: none waits, or there is no place. */
static bool h01_accept(struct http01 *h, uint32_t *wait)
{
    const struct acme_port *port = h->solver.port;
    struct http01_connection *c = h01_place(h, h01_now(h));
    acme_sock sock;
    uint32_t ms;
    int err;

    if (!c || h->listener == ACME_NO_SOCK)
        return false;
    err = port->net->accept(port->ctx, h->listener, &sock);
    if (err == ACME_OK) {
        h01_drop(h, c);
        c->sock = sock;
        c->phase = H01_READ;
        c->len = 0;
        c->since_ms = h01_now(h);
        ms = h01_serve(h, c);
        *wait = ms < *wait ? ms : *wait;
    } else if (err != ACME_AGAIN && err != ACME_E_SIZE) {
        h01_close(h, &h->listener); /* broken: the next poll listens anew */
        *wait = 0;
    }
    return err == ACME_OK;
}

static uint32_t h01_poll(struct acme_solver *s)
{
    struct http01 *h = (struct http01 *)s;
    uint32_t wait = UINT32_MAX;
    bool full = true;
    int taken = 0;

    if (h->live > 0 && h01_listen(h) != ACME_OK)
        wait = H01_LISTEN_AGAIN;
    for (int i = 0; i < HTTP01_MAX_CONNECTIONS; i++) {
        struct http01_connection *c = &h->connections[i];
        uint32_t ms = c->phase == H01_FREE ? UINT32_MAX : h01_serve(h, c);

        wait = ms < wait ? ms : wait;
    }
    while (taken < HTTP01_MAX_CONNECTIONS && h01_accept(h, &wait))
        taken++;
    for (int i = 0; i < HTTP01_MAX_CONNECTIONS; i++)
        full = full && h->connections[i].phase != H01_FREE;
    if (taken == HTTP01_MAX_CONNECTIONS)
        return 0;
    return full && wait > HTTP01_GRACE_MS ? HTTP01_GRACE_MS : wait;
}

/* ---- the solver ---- */

static int h01_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct http01 *h = (struct http01 *)s;
    size_t len = strlen(c->token);
    int i, err;

    /* RFC 8555 8.3 proves one host, never all below it. */
    if (c->type != ACME_CHALLENGE_HTTP01 || c->wildcard)
        return ACME_E_DECLINED;
    if (!acme_key_authorization_ok(c->token, c->key_authorization))
        return ACME_E_ARG;
    err = h01_listen(h);
    if (err != ACME_OK)
        return err;
    i = h01_find(h, acme_slice_of(c->token, len));
    if (i < 0) {
        for (i = 0; i < HTTP01_MAX_TOKENS && h->tokens[i].len > 0; i++)
            ;
        if (i == HTTP01_MAX_TOKENS)
            return ACME_E_SIZE;
        h->tokens[i].len = (uint8_t)len;
        h->live++;
    } else if (strcmp(h->tokens[i].text, c->key_authorization) != 0) {
        h->tokens[i].served = false; /* what was served was another account's */
    }
    memcpy(h->tokens[i].text, c->key_authorization, len + 1 + HTTP01_THUMBPRINT + 1);
    return ACME_OK;
}

static int h01_seen(struct acme_solver *s, const struct acme_challenge *c)
{
    struct http01 *h = (struct http01 *)s;
    int i = h01_find(h, acme_slice_text(c->token));

    return i >= 0 && h->tokens[i].served ? ACME_OK : ACME_AGAIN;
}

static int h01_end(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome)
{
    struct http01 *h = (struct http01 *)s;
    int i = h01_find(h, acme_slice_text(c->token));

    (void)outcome;
    if (i < 0)
        return ACME_OK;
    memset(&h->tokens[i], 0, sizeof h->tokens[i]);
    h->live--;
    /* Replies under way end by themselves, but no longer count for this place in the table. */
    for (int k = 0; k < HTTP01_MAX_CONNECTIONS; k++) {
        if (h->connections[k].token == i)
            h->connections[k].token = -1;
    }
    if (h->live == 0)
        h01_close(h, &h->listener);
    return ACME_OK;
}

static const struct acme_solver_ops h01_responder = {
    .name = "http-01",
    .types = ACME_CHALLENGE_HTTP01,
    .needs = ACME_NEEDS_NOTHING,
    .begin = h01_begin,
    .seen = h01_seen,
    .end = h01_end,
    .poll = h01_poll,
};

/* Another web server answers: nothing is known of the CA's queries, and there is nothing to poll.
 */
static const struct acme_solver_ops h01_look_up_only = {
    .name = "http-01",
    .types = ACME_CHALLENGE_HTTP01,
    .needs = ACME_NEEDS_NOTHING,
    .begin = h01_begin,
    .end = h01_end,
};

struct acme_solver *http01_init(struct http01 *h, const struct acme_port *port, const char *addr,
                                uint16_t tcp_port)
{
    memset(h, 0, sizeof *h);
    h->solver.ops = tcp_port != 0 ? &h01_responder : &h01_look_up_only;
    h->solver.port = port;
    h->addr = addr;
    h->port = tcp_port;
    h->listener = ACME_NO_SOCK;
    for (int i = 0; i < HTTP01_MAX_CONNECTIONS; i++) {
        h->connections[i].sock = ACME_NO_SOCK;
        h->connections[i].token = -1;
    }
    return &h->solver;
}
