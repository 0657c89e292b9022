/* acme_exchange.c - one HTTPS request and its reply at a time, over a connection that is kept */
#include "acme_exchange.h"

#include <string.h>

#include "acme_err.h"

#define XCH_STEPS         8 /* reads and writes in one poll */
#define XCH_INFORMATIONAL 8 /* 1xx heads before a reply */

enum xch_phase {
    XCH_IDLE, /* with a kept connection or without */
    XCH_OPEN, /* the TLS session is not made yet */
    XCH_HANDSHAKE,
    XCH_SEND,
    XCH_HEAD,
    XCH_BODY
};

static uint64_t xch_now(const struct acme_exchange *x)
{
    return x->port->now_ms(x->port->ctx);
}

void acme_exchange_init(struct acme_exchange *x, const struct acme_port *port,
                        const struct acme_anchors *anchors, struct acme_span io)
{
    memset(x, 0, sizeof *x);
    x->port = port;
    x->anchors = anchors;
    x->io = io;
    x->sock = ACME_NO_SOCK;
    x->phase = XCH_IDLE;
}

void acme_exchange_close(struct acme_exchange *x)
{
    if (x->tls_open)
        acme_tls_close(&x->tls);
    if (x->sock != ACME_NO_SOCK)
        x->port->net->close(x->port->ctx, x->sock);
    x->tls_open = false;
    x->sock = ACME_NO_SOCK;
    x->host[0] = '\0';
    x->phase = XCH_IDLE;
    x->more = false;
}

static int xch_fail(struct acme_exchange *x, int err)
{
    acme_exchange_close(x);
    x->error = err;
    return err;
}

/* Is there a connection to url's host that may carry the next request? What comes before the
 * request is sent cannot be its answer: the server closed, or somebody smuggled a second reply
 * behind the first. */
static bool xch_usable(struct acme_exchange *x, const struct acme_url *url)
{
    uint8_t stray;

    return !x->single && x->sock != ACME_NO_SOCK && x->phase == XCH_IDLE &&
           x->host_port == url->port && acme_slice_is_nocase(url->host, x->host) &&
           acme_tls_recv(&x->tls, &stray, 1) == ACME_AGAIN;
}

static int xch_connect(struct acme_exchange *x, const struct acme_url *url)
{
    int err;

    acme_exchange_close(x);
    if (!acme_copy_text(x->host, sizeof x->host, url->host))
        return ACME_E_SIZE;
    x->host_port = url->port;
    err = x->port->net->connect(x->port->ctx, x->host, x->host_port, &x->sock);
    if (err != ACME_OK) {
        x->sock = ACME_NO_SOCK;
        return err;
    }
    x->connections++;
    x->phase = XCH_OPEN;
    return ACME_OK;
}

int acme_exchange_start(struct acme_exchange *x, const struct acme_url *url, size_t request_len,
                        bool head_request)
{
    int err;

    if (request_len == 0 || request_len > x->io.len || url->host.len == 0)
        return ACME_E_ARG;
    x->error = ACME_OK;
    x->reused = xch_usable(x, url);
    if (x->reused) {
        x->phase = XCH_SEND;
    } else {
        err = xch_connect(x, url);
        if (err != ACME_OK)
            return xch_fail(x, err);
    }
    x->head_request = head_request;
    x->answered = false;
    x->more = false;
    x->sent = 0;
    x->request_len = request_len;
    x->raw = 0;
    x->body_at = 0;
    x->body_len = 0;
    x->informational = 0;
    memset(&x->head, 0, sizeof x->head);
    memset(&x->chunked, 0, sizeof x->chunked);
    x->deadline_ms = xch_now(x) + ACME_IDLE_MS;
    x->give_up_ms = xch_now(x) + ACME_OVERALL_MS;
    x->requests++;
    return ACME_OK;
}

/* The phases below answer ACME_OK (a step was made), ACME_AGAIN, or an error. The last one tells
 * the end by making the phase XCH_IDLE. */

static int xch_open(struct acme_exchange *x)
{
    int err = acme_tls_open(&x->tls, x->port, x->sock, x->host, x->anchors);

    if (err != ACME_OK)
        return err == ACME_AGAIN ? ACME_E_TLS : err;
    x->tls_open = true;
    x->phase = XCH_HANDSHAKE;
    return ACME_OK;
}

static int xch_handshake(struct acme_exchange *x)
{
    int err = acme_tls_handshake(&x->tls);

    if (err == ACME_OK) {
        x->phase = XCH_SEND;
        x->deadline_ms = xch_now(x) + ACME_IDLE_MS;
    }
    return err;
}

static int xch_send(struct acme_exchange *x)
{
    int n = acme_tls_send(&x->tls, x->io.ptr + x->sent, x->request_len - x->sent);

    if (n <= 0)
        return n == 0 ? ACME_E_TLS : n;
    x->sent += (size_t)n;
    x->deadline_ms = xch_now(x) + ACME_IDLE_MS;
    if (x->sent == x->request_len)
        x->phase = XCH_HEAD;
    return ACME_OK;
}

/* More raw bytes behind those that are there. */
static int xch_recv(struct acme_exchange *x)
{
    int n;

    if (x->raw == x->io.len)
        return ACME_E_SIZE;
    n = acme_tls_recv(&x->tls, x->io.ptr + x->raw, x->io.len - x->raw);
    if (n <= 0)
        return n == 0 ? ACME_E_TLS : n;
    x->raw += (size_t)n;
    x->answered = true;
    x->deadline_ms = xch_now(x) + ACME_IDLE_MS;
    return ACME_OK;
}

/* The reply is whole; `rest` bytes came behind it, which no request of ours has asked for. */
static int xch_done(struct acme_exchange *x, size_t rest)
{
    x->phase = XCH_IDLE;
    if (!x->head.keep_alive || rest > 0)
        acme_exchange_close(x);
    return ACME_OK;
}

/* Looks at the bytes that are there: is the body whole? ACME_OK and phase XCH_IDLE, ACME_AGAIN. */
static int xch_body(struct acme_exchange *x)
{
    size_t out = 0, used = 0;
    size_t fresh = x->raw - x->body_at;
    int err;

    switch (x->head.framing) {
    case ACME_HTTP_NONE:
        return xch_done(x, fresh);
    case ACME_HTTP_LENGTH:
        if (x->head.length > x->io.len - x->body_at)
            return ACME_E_SIZE;
        x->body_len = (size_t)x->head.length;
        return fresh < x->body_len ? ACME_AGAIN : xch_done(x, fresh - x->body_len);
    case ACME_HTTP_CHUNKED:
        fresh -= x->body_len;
        err = acme_http_dechunk(&x->chunked, x->io.ptr + x->body_at + x->body_len, fresh, &out,
                                &used);
        x->body_len += out;
        if (err > 0)
            return xch_done(x, fresh - used);
        x->raw = x->body_at + x->body_len;
        return err;
    default:
        x->body_len = fresh;
        return ACME_AGAIN;
    }
}

/* Looks at the bytes that are there: is the head whole? Goes on to the body if so. */
static int xch_head(struct acme_exchange *x)
{
    int n;

    for (;;) {
        n = acme_http_read_head(acme_slice_of(x->io.ptr, x->raw), x->head_request, &x->head);
        if (n <= 0)
            return n == 0 ? ACME_E_HTTP : n;
        if (x->head.status >= 200)
            break;
        /* 101 changes the protocol, which we never ask for. */
        if (x->head.status == 101 || x->informational == XCH_INFORMATIONAL)
            return ACME_E_HTTP;
        x->informational++;
        x->raw -= (size_t)n;
        memmove(x->io.ptr, x->io.ptr + n, x->raw);
    }
    x->body_at = (size_t)n;
    x->phase = XCH_BODY;
    return xch_body(x);
}

static int xch_receive(struct acme_exchange *x)
{
    int err = xch_recv(x);

    if (err == ACME_E_CLOSED && x->phase == XCH_BODY && x->head.framing == ACME_HTTP_CLOSE)
        return xch_done(x, 0);
    if (err != ACME_OK)
        return err;
    err = x->phase == XCH_HEAD ? xch_head(x) : xch_body(x);
    return err == ACME_AGAIN ? ACME_OK : err;
}

static int xch_step(struct acme_exchange *x)
{
    switch (x->phase) {
    case XCH_OPEN:
        return xch_open(x);
    case XCH_HANDSHAKE:
        return xch_handshake(x);
    case XCH_SEND:
        return xch_send(x);
    default:
        return xch_receive(x);
    }
}

int acme_exchange_poll(struct acme_exchange *x, struct acme_reply *reply)
{
    int err = ACME_OK;
    uint64_t now;

    if (x->phase == XCH_IDLE)
        return ACME_E_ARG;
    for (int i = 0; i < XCH_STEPS && err == ACME_OK && x->phase != XCH_IDLE; i++)
        err = xch_step(x);
    if (err != ACME_OK && err != ACME_AGAIN)
        return xch_fail(x, err);
    if (x->phase == XCH_IDLE) {
        reply->head = x->head;
        reply->body = acme_slice_of(x->io.ptr + x->body_at, x->body_len);
        return ACME_OK;
    }
    /* Only after reading: a machine that slept must not lose a reply that is there. */
    now = xch_now(x);
    if (now >= x->deadline_ms || now >= x->give_up_ms)
        return xch_fail(x, ACME_E_TIMEOUT);
    x->more = err == ACME_OK;
    return ACME_AGAIN;
}

uint32_t acme_exchange_wait_ms(const struct acme_exchange *x)
{
    uint64_t end = x->deadline_ms < x->give_up_ms ? x->deadline_ms : x->give_up_ms;
    uint64_t now;

    if (x->phase == XCH_IDLE)
        return UINT32_MAX;
    if (x->more || x->phase == XCH_OPEN)
        return 0;
    now = xch_now(x);
    return now < end ? (uint32_t)(end - now) : 0;
}

bool acme_exchange_is_up(const struct acme_exchange *x)
{
    return x->tls_open && x->phase != XCH_HANDSHAKE;
}

bool acme_exchange_was_stale(const struct acme_exchange *x)
{
    return x->reused && !x->answered && (x->error == ACME_E_CLOSED || x->error == ACME_E_NET);
}
