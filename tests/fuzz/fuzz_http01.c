/* fuzz_http01.c - the http-01 responder (solvers/http01.c) on a port that does what the input says
 *
 * The input is a list of acts, two bytes each and what they need: clients come, send, hang up, are
 * slow; time passes; challenges come and go. Whatever they do, a reply is one of the few that
 * there are, a token is shown only to who asked for it, and every handle is closed once.
 */
#include "acme_http.h"
#include "fuzz.h"
#include "http01.h"

#define CLIENTS 12
#define STREAM  8192

struct client {
    bool there, taken, closed;
    uint8_t in[STREAM]; /* what it sent */
    size_t in_len, in_at;
    int in_end; /* at the end of in: ACME_AGAIN, ACME_E_CLOSED, ACME_E_NET */
    uint8_t out[1024];
    size_t out_len, window;
};

static struct client clients[CLIENTS];
static struct http01 responder;
static uint64_t now;
static int listening, listen_answer, accept_answer;

static const char tokens[2][23] = {"AAAAAAAAAAAAAAAAAAAAAA", "Bbbbbbbbb-bbbbbbbbbb_b"};
#define THUMB "0123456789012345678901234567890123456789abc"
#define FIELDS                                                                                     \
    "\r\nContent-Type: application/octet-stream\r\nX-Content-Type-Options: nosniff"                \
    "\r\nConnection: close\r\n"

static int port_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    (void)ctx;
    FUZZ_CHECK(addr == NULL && port == 80 && listening == 0);
    if (listen_answer != ACME_OK)
        return listen_answer;
    listening = 1;
    *out = 100;
    return ACME_OK;
}

static int port_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    int answer = accept_answer;

    (void)ctx;
    FUZZ_CHECK(listener == 100 && listening == 1);
    accept_answer = ACME_OK;
    if (answer != ACME_OK)
        return answer;
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].there && !clients[i].taken) {
            clients[i].taken = true;
            *out = i;
            return ACME_OK;
        }
    }
    return ACME_AGAIN;
}

static struct client *client_of(acme_sock s)
{
    FUZZ_CHECK(s >= 0 && s < CLIENTS && clients[s].taken && !clients[s].closed);
    return &clients[s];
}

static int port_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    struct client *c = client_of(s);
    size_t n = len < c->window ? len : c->window;

    (void)ctx;
    FUZZ_CHECK(len > 0);
    if (n == 0)
        return c->in_end == ACME_E_NET ? ACME_E_NET : ACME_AGAIN;
    FUZZ_CHECK(c->out_len + n <= sizeof c->out);
    memcpy(c->out + c->out_len, data, n);
    c->out_len += n;
    return (int)n;
}

static int port_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    struct client *c = client_of(s);
    size_t n = c->in_len - c->in_at;

    (void)ctx;
    FUZZ_CHECK(cap > 0);
    if (n == 0)
        return c->in_end;
    n = n < cap ? n : cap;
    memcpy(buf, c->in + c->in_at, n);
    c->in_at += n;
    return (int)n;
}

static void port_close(void *ctx, acme_sock s)
{
    (void)ctx;
    if (s == 100) {
        FUZZ_CHECK(listening == 1);
        listening = 0;
    } else {
        client_of(s)->closed = true;
    }
}

static uint64_t port_now(void *ctx)
{
    (void)ctx;
    return now;
}

static const struct acme_net net = {.listen = port_listen,
                                    .accept = port_accept,
                                    .send = port_send,
                                    .recv = port_recv,
                                    .close = port_close};
static const struct acme_port port = {.net = &net, .now_ms = port_now};

/* 1: begin, 0: end of one of the two challenges. */
static void challenge(struct acme_solver *s, int which, int begin)
{
    char authorization[23 + 44];
    struct acme_challenge c = {.type = ACME_CHALLENGE_HTTP01,
                               .identifier = "example.com",
                               .id_type = ACME_ID_DNS,
                               .token = tokens[which],
                               .key_authorization = authorization};

    snprintf(authorization, sizeof authorization, "%s." THUMB, tokens[which]);
    if (begin)
        FUZZ_CHECK(s->ops->begin(s, &c) == listen_answer || listening);
    else
        FUZZ_CHECK(s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN) == ACME_OK);
}

static const char *const replies[] = {
    "HTTP/1.1 400 Bad Request" FIELDS "Content-Length: 0\r\n\r\n",
    "HTTP/1.1 404 Not Found" FIELDS "Content-Length: 0\r\n\r\n",
    "HTTP/1.1 405 Method Not Allowed" FIELDS "Allow: GET, HEAD\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 414 URI Too Long" FIELDS "Content-Length: 0\r\n\r\n",
    "HTTP/1.1 431 Request Header Fields Too Large" FIELDS "Content-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK" FIELDS "Content-Length: 66\r\n\r\n", /* HEAD */
    "HTTP/1.1 200 OK" FIELDS "Content-Length: 66\r\n\r\nAAAAAAAAAAAAAAAAAAAAAA." THUMB,
    "HTTP/1.1 200 OK" FIELDS "Content-Length: 66\r\n\r\nBbbbbbbbb-bbbbbbbbbb_b." THUMB,
};

static bool asked_for(const struct client *c, const char *token)
{
    size_t len = strlen(token);

    for (size_t i = 0; i + len <= c->in_len; i++) {
        if (memcmp(c->in + i, token, len) == 0)
            return true;
    }
    return false;
}

/* What a client got is the beginning of a reply that there is. */
static void check_client(const struct client *c)
{
    size_t kinds = sizeof replies / sizeof replies[0], i;

    for (i = 0; i < kinds; i++) {
        if (c->out_len <= strlen(replies[i]) && memcmp(c->out, replies[i], c->out_len) == 0)
            break;
    }
    FUZZ_CHECK(i < kinds);
    if (i >= 5 && c->out_len > 16)
        FUZZ_CHECK(asked_for(c, tokens[0]) || asked_for(c, tokens[1]));
    if (i >= 6)
        FUZZ_CHECK(asked_for(c, tokens[i - 6]));
}

static void act(struct acme_solver *s, struct fuzz_in *in)
{
    uint8_t what = fuzz_byte(in);
    uint8_t more = fuzz_byte(in);
    struct client *c = &clients[(what >> 4) % CLIENTS];
    struct acme_slice bytes;

    switch (what & 15) {
    case 0:
        c->there = true;
        break;
    case 1:
    case 2:
    case 3:
        c->there = true;
        bytes = fuzz_take(in, (what & 15) == 1 ? more : more * 16u);
        if (bytes.len > sizeof c->in - c->in_len)
            bytes.len = sizeof c->in - c->in_len;
        memcpy(c->in + c->in_len, bytes.ptr, bytes.len);
        c->in_len += bytes.len;
        break;
    case 4:
        c->in_end = more & 1 ? ACME_E_NET : ACME_E_CLOSED;
        break;
    case 5:
        c->window = more;
        break;
    case 6:
        now += more * 40u;
        break;
    case 7:
        challenge(s, more & 1, more >> 1 & 1);
        break;
    case 8:
        accept_answer = more & 1 ? ACME_E_SIZE : ACME_E_NET;
        break;
    case 9:
        listen_answer = more & 1 ? ACME_OK : ACME_E_PORT_BUSY;
        break;
    default: /* the request that is expected, so that the input need not spell it */
        c->there = true;
        if (c->in_len < sizeof c->in - 200)
            c->in_len +=
                (size_t)snprintf((char *)c->in + c->in_len, 200,
                                 "%s " HTTP01_PREFIX "%s HTTP/1.1\r\nHost: example.com\r\n",
                                 more & 2 ? "HEAD" : "GET", tokens[more & 1]);
        break;
    }
}

/* acme_http_read_request by itself: judged alike in pieces, and what it gives lies inside. */
static void check_request(struct acme_slice data, uint32_t seed)
{
    struct acme_http_asked asked, other;
    int n = acme_http_read_request(data, HTTP01_LINE_MAX, HTTP01_HEAD_MAX, &asked);
    size_t stride = data.len / 32 + 1;

    FUZZ_CHECK(n == ACME_AGAIN || n == ACME_E_HTTP || n == ACME_E_SIZE ||
               (n > 0 && (size_t)n <= data.len));
    if (n > 0) {
        FUZZ_CHECK(fuzz_inside(asked.method, data) && asked.method.len > 0);
        FUZZ_CHECK(asked.target.len > 0 && asked.target.ptr[0] == '/');
        FUZZ_CHECK(fuzz_inside(asked.target, data) || asked.target.len == 1);
        for (size_t i = 0; i < asked.target.len; i++)
            FUZZ_CHECK(asked.target.ptr[i] > 0x20 && asked.target.ptr[i] < 0x7f);
    }
    for (size_t cut = seed % stride; cut < data.len; cut += stride) {
        struct acme_slice piece = {fuzz_copy(acme_slice_of(data.ptr, cut)), cut};
        int m = acme_http_read_request(piece, HTTP01_LINE_MAX, HTTP01_HEAD_MAX, &other);

        FUZZ_CHECK(n > 0 && cut >= (size_t)n ? m == n : m == ACME_AGAIN || (m == n && n < 0));
        free((void *)(uintptr_t)piece.ptr);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct acme_solver *s = http01_init(&responder, &port, NULL, 80);

    if (fuzz_byte(&in) & 1) {
        uint32_t seed = fuzz_byte(&in);

        check_request(fuzz_rest(&in), seed);
        return 0;
    }
    for (int i = 0; i < CLIENTS; i++) {
        memset(&clients[i], 0, offsetof(struct client, in));
        clients[i].in_len = clients[i].in_at = clients[i].out_len = 0;
        clients[i].in_end = ACME_AGAIN;
        clients[i].window = 300;
    }
    now = 1;
    listening = 0;
    listen_answer = accept_answer = ACME_OK;
    challenge(s, 0, 1);
    for (unsigned i = 0; i < 200 && in.left > 0; i++) {
        act(s, &in);
        (void)s->ops->poll(s);
    }
    listen_answer = accept_answer = ACME_OK;
    challenge(s, 0, 0);
    challenge(s, 1, 0);
    FUZZ_CHECK(listening == 0 && responder.live == 0);
    for (int i = 0; i < 3; i++) {
        now += HTTP01_DEADLINE_MS;
        FUZZ_CHECK(s->ops->poll(s) > 0 || i < 2);
    }
    for (int i = 0; i < CLIENTS; i++) {
        FUZZ_CHECK(!clients[i].taken || clients[i].closed);
        check_client(&clients[i]);
    }
    return 0;
}
