/* test_http01.c - the responder over an in-memory network and a virtual clock; and over real
 * sockets
 */
#include "http01.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "acme_err.h"
#include "sockets_net.h"
#include "test.h"

#define TOKEN   "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define TOKEN2  "DGyRejmCefe7v4NfDGDKfA-_zzzzzzzzzz"
#define THUMB   "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define KEYAUTH TOKEN "." THUMB
#define PATH    "/.well-known/acme-challenge/" TOKEN
#define GET     "GET " PATH " HTTP/1.1\r\nHost: gw.example.org\r\nUser-Agent: x\r\n\r\n"

#define REPLY(status, more, length)                                                                \
    "HTTP/1.1 " status "\r\nContent-Type: application/octet-stream\r\n"                            \
    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n" more "Content-Length: " length      \
    "\r\n\r\n"
#define GOOD      REPLY("200 OK", "", "87") KEYAUTH
#define NOT_FOUND REPLY("404 Not Found", "", "0")
#define BAD       REPLY("400 Bad Request", "", "0")

#define LISTENER 0
#define SOCKS    40

struct peer {
    bool used, accepted, closed;
    const char *in; /* what the client sends, up to in_len; more may be added later */
    size_t in_len, in_at;
    size_t piece;   /* bytes for one recv; 0: all */
    bool fin;       /* the client has ended */
    int err;        /* what recv and send say instead */
    size_t window;  /* bytes that the client takes in all */
    size_t out_max; /* bytes for one send; 0: all */
    char out[1024];
    size_t out_len;
};

static struct {
    uint64_t now;
    struct peer peers[SOCKS];
    int listeners, listens, accepts;
    int listen_err, accept_err;
    const char *addr;
    uint16_t port;
    unsigned calls;
} net;

static int fake_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    CHECK(ctx == &net);
    net.calls++;
    net.listens++;
    net.addr = addr;
    net.port = port;
    if (net.listen_err)
        return net.listen_err;
    CHECK_INT(net.listeners, 0);
    net.listeners++;
    *out = LISTENER;
    return ACME_OK;
}

static int fake_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    CHECK(ctx == &net);
    CHECK_INT(listener, LISTENER);
    CHECK_INT(net.listeners, 1);
    net.calls++;
    if (net.accept_err)
        return net.accept_err;
    for (int i = 1; i < SOCKS; i++) {
        if (net.peers[i].used && !net.peers[i].accepted) {
            net.peers[i].accepted = true;
            net.accepts++;
            *out = i;
            return ACME_OK;
        }
    }
    return ACME_AGAIN;
}

static struct peer *peer_of(acme_sock s)
{
    CHECK(s > 0 && s < SOCKS);
    CHECK(net.peers[s].accepted && !net.peers[s].closed);
    net.calls++;
    return &net.peers[s];
}

static int fake_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    struct peer *p = peer_of(s);
    size_t n = len < p->window - p->out_len ? len : p->window - p->out_len;

    CHECK(ctx == &net);
    CHECK(len > 0);
    if (p->err)
        return p->err;
    n = p->out_max && p->out_max < n ? p->out_max : n;
    if (n == 0)
        return ACME_AGAIN;
    memcpy(p->out + p->out_len, data, n);
    p->out_len += n;
    return (int)n;
}

static int fake_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    struct peer *p = peer_of(s);
    size_t n = p->in_len - p->in_at;

    CHECK(ctx == &net);
    CHECK(cap > 0);
    if (p->err)
        return p->err;
    n = p->piece && p->piece < n ? p->piece : n;
    n = n < cap ? n : cap;
    if (n == 0)
        return p->fin ? ACME_E_CLOSED : ACME_AGAIN;
    memcpy(buf, p->in + p->in_at, n);
    p->in_at += n;
    return (int)n;
}

static void fake_close(void *ctx, acme_sock s)
{
    CHECK(ctx == &net);
    if (s == LISTENER) {
        CHECK_INT(net.listeners, 1);
        net.listeners--;
    } else {
        peer_of(s)->closed = true;
    }
}

static uint64_t fake_now(void *ctx)
{
    CHECK(ctx == &net);
    return net.now;
}

static const struct acme_net fake_net = {.listen = fake_listen,
                                         .accept = fake_accept,
                                         .send = fake_send,
                                         .recv = fake_recv,
                                         .close = fake_close};
static const struct acme_port fake_port = {.ctx = &net, .net = &fake_net, .now_ms = fake_now};

/* ---- driving it ---- */

static struct http01 h;
static struct acme_solver *s;

static struct acme_challenge challenge_of(const char *token, const char *key_authorization)
{
    struct acme_challenge c = {.type = ACME_CHALLENGE_HTTP01,
                               .identifier = "gw.example.org",
                               .id_type = ACME_ID_DNS,
                               .token = token,
                               .key_authorization = key_authorization,
                               .account_url = "https://ca.test/1"};
    return c;
}

static int begin(const char *token, const char *key_authorization)
{
    struct acme_challenge c = challenge_of(token, key_authorization);

    return s->ops->begin(s, &c);
}

static int end(const char *token)
{
    struct acme_challenge c = challenge_of(token, "");

    return s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN);
}

static int seen(const char *token)
{
    struct acme_challenge c = challenge_of(token, "");

    return s->ops->seen(s, &c);
}

static void fresh(void)
{
    memset(&net, 0, sizeof net);
    net.now = 5000000000u;
    s = http01_init(&h, &fake_port, "192.0.2.1", 80);
}

static void fresh_live(void)
{
    fresh();
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
}

static struct peer *client_n(const char *request, size_t len)
{
    for (int i = 1; i < SOCKS; i++) {
        struct peer *p = &net.peers[i];

        if (!p->used) {
            p->used = true;
            p->in = request;
            p->in_len = len;
            p->window = sizeof p->out;
            return p;
        }
    }
    FAIL("too many clients");
}

static struct peer *client(const char *request)
{
    return client_n(request, strlen(request));
}

static uint32_t poll_once(void)
{
    unsigned before = net.calls;
    uint32_t wait = s->ops->poll(s);

    CHECK(net.calls - before <= 8 * (8 + 9) + 8 * (8 + 9) + 40); /* bounded work */
    return wait;
}

static void run(uint64_t ms)
{
    for (uint64_t stop = net.now + ms; net.now < stop; net.now++)
        poll_once();
}

static void answers(const char *request, const char *reply)
{
    struct peer *p = client(request);

    run(3);
    CHECK(p->closed);
    CHECK_INT(p->out_len, strlen(reply));
    CHECK_MEM(p->out, reply, p->out_len);
}

/* ---- the solver's contract ---- */

TEST(the_listener_lives_as_long_as_a_challenge)
{
    fresh();
    CHECK_INT(poll_once(), UINT32_MAX);
    CHECK_INT(net.listens, 0);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(net.listeners, 1);
    CHECK_STR(net.addr, "192.0.2.1");
    CHECK_INT(net.port, 80);
    CHECK_INT(begin(TOKEN2, TOKEN2 "." THUMB), ACME_OK);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK); /* again: no harm */
    CHECK_INT(net.listens, 1);
    CHECK_INT(poll_once(), UINT32_MAX);
    CHECK_INT(end(TOKEN), ACME_OK);
    CHECK_INT(net.listeners, 1);
    answers(GET, NOT_FOUND);
    CHECK_INT(end(TOKEN), ACME_OK); /* twice */
    CHECK_INT(end("neverBegunNeverBegunNeverBegun"), ACME_OK);
    CHECK_INT(end(""), ACME_OK);
    CHECK_INT(net.listeners, 1);
    CHECK_INT(end(TOKEN2), ACME_OK);
    CHECK_INT(net.listeners, 0);
    CHECK_INT(end(TOKEN2), ACME_OK);
    CHECK_INT(poll_once(), UINT32_MAX);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(net.listens, 2);
    answers(GET, GOOD);
}

TEST(a_listener_that_cannot_be_is_told)
{
    static const int errors[] = {ACME_E_PORT_BUSY, ACME_E_PORT_ACCESS, ACME_E_NET, ACME_E_SIZE};
    struct acme_slice body;

    for (size_t i = 0; i < 4; i++) {
        fresh();
        net.listen_err = errors[i];
        CHECK_INT(begin(TOKEN, KEYAUTH), errors[i]);
        CHECK(!http01_lookup(&h, acme_slice_text(PATH), &body));
        CHECK_INT(poll_once(), UINT32_MAX);
        CHECK_INT(net.listens, 1); /* nothing is live, so poll does not try */
        CHECK_INT(end(TOKEN), ACME_OK);
        net.listen_err = 0;
        CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
        answers(GET, GOOD);
    }
}

TEST(a_listener_that_breaks_is_made_anew)
{
    fresh_live();
    net.accept_err = ACME_E_NET;
    CHECK_INT(poll_once(), 0);
    CHECK_INT(net.listeners, 0);
    net.accept_err = 0;
    net.listen_err = ACME_E_NET;
    CHECK_INT(poll_once(), 1000);
    net.listen_err = 0;
    answers(GET, GOOD);
    CHECK_INT(net.listeners, 1);
    net.accept_err = ACME_E_SIZE; /* no socket now: it keeps listening */
    CHECK_INT(poll_once(), UINT32_MAX);
    CHECK_INT(net.listeners, 1);
}

TEST(what_begin_declines_and_refuses)
{
    struct acme_challenge c = challenge_of(TOKEN, KEYAUTH);
    char long_token[ACME_MAX_TOKEN + 2], text[300];

    fresh();
    c.wildcard = true;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    c.wildcard = false;
    c.type = ACME_CHALLENGE_DNS01;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    CHECK_INT(begin("../../../../../etc/passwd", "../../../../../etc/passwd." THUMB), ACME_E_ARG);
    CHECK_INT(begin("", "." THUMB), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, ""), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN "."), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN "." THUMB "x"), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN "-" THUMB), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN2 "." THUMB), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X\n"), ACME_E_ARG);
    CHECK_INT(begin(TOKEN, TOKEN ".<script>alert(1)</script>xxxxxxxxxxxxxxxxxx"), ACME_E_ARG);
    CHECK_INT(net.listens, 0);
    memset(long_token, 'a', sizeof long_token);
    long_token[ACME_MAX_TOKEN + 1] = '\0';
    snprintf(text, sizeof text, "%s.%s", long_token, THUMB);
    CHECK_INT(begin(long_token, text), ACME_E_ARG);
    long_token[ACME_MAX_TOKEN] = '\0';
    snprintf(text, sizeof text, "%s.%s", long_token, THUMB);
    CHECK_INT(begin(long_token, text), ACME_OK);
    snprintf(text, sizeof text, "GET /.well-known/acme-challenge/%s HTTP/1.1\r\n\r\n", long_token);
    client(text);
    run(3);
    CHECK_INT(net.peers[1].out_len, strlen(GOOD) - 87 + 1 + ACME_MAX_TOKEN + 44);
    CHECK_STR(s->ops->name, "http-01");
    CHECK_INT(s->ops->types, ACME_CHALLENGE_HTTP01);
    CHECK_INT(s->ops->needs, ACME_NEEDS_NOTHING);
}

static void nth_token(int n, char *token, char *text)
{
    snprintf(token, 64, "aaaaaaaaaaaaaaaaaaaaaaaa%05d", n);
    snprintf(text, 128, "%s.%s", token, THUMB);
}

TEST(the_table_of_tokens_is_bounded)
{
    char token[64], text[128];
    struct acme_slice body;

    fresh();
    for (int n = 0; n < HTTP01_MAX_TOKENS; n++) {
        nth_token(n, token, text);
        CHECK_INT(begin(token, text), ACME_OK);
    }
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_E_SIZE);
    nth_token(7, token, text);
    CHECK_INT(begin(token, text), ACME_OK); /* again */
    CHECK_INT(end(token), ACME_OK);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    answers(GET, GOOD);
    for (int n = 0; n < HTTP01_MAX_TOKENS; n++) {
        nth_token(n, token, text);
        CHECK_INT(end(token), ACME_OK);
    }
    CHECK_INT(net.listeners, 1);
    CHECK(http01_lookup(&h, acme_slice_text(PATH), &body));
    CHECK_INT(end(TOKEN), ACME_OK);
    CHECK_INT(net.listeners, 0);
}

TEST(seen_when_served_whole_after_begin)
{
    struct peer *p;

    fresh_live();
    CHECK_INT(begin(TOKEN2, TOKEN2 "." THUMB), ACME_OK);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
    answers("HEAD " PATH " HTTP/1.1\r\n\r\n", REPLY("200 OK", "", "87"));
    answers("GET " PATH "x HTTP/1.1\r\n\r\n", NOT_FOUND);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
    p = client(GET);
    p->window = strlen(GOOD) - 1;
    run(100);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
    p->window++;
    run(1);
    CHECK_INT(seen(TOKEN), ACME_OK);
    CHECK_INT(seen(TOKEN2), ACME_AGAIN);
    CHECK_INT(seen(""), ACME_AGAIN);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(seen(TOKEN), ACME_OK);
    CHECK_INT(begin(TOKEN, TOKEN ".00000000000000000000000000000000000000000_-"), ACME_OK);
    CHECK_INT(seen(TOKEN), ACME_AGAIN); /* another account's */
    CHECK_INT(end(TOKEN), ACME_OK);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
}

/* A reply under way when its challenge ends is finished, but counts for nobody. */
TEST(an_end_during_a_reply)
{
    struct peer *p;

    fresh_live();
    p = client(GET);
    p->window = 10;
    run(3);
    CHECK_INT(p->out_len, 10);
    CHECK_INT(end(TOKEN), ACME_OK);
    CHECK_INT(net.listeners, 0);
    CHECK_INT(begin(TOKEN2, TOKEN2 "." THUMB), ACME_OK); /* takes its place in the table */
    p->window = 1024;
    run(3);
    CHECK(p->closed);
    CHECK_INT(p->out_len, strlen(GOOD));
    CHECK_MEM(p->out, GOOD, strlen(GOOD));
    CHECK_INT(seen(TOKEN2), ACME_AGAIN);
    /* And one that never takes its reply is dropped in time, though nothing is live. */
    CHECK_INT(end(TOKEN2), ACME_OK);
    fresh_live();
    p = client(GET);
    p->window = 10;
    run(3);
    CHECK_INT(end(TOKEN), ACME_OK);
    run(HTTP01_DEADLINE_MS);
    CHECK(p->closed);
    CHECK_INT(poll_once(), UINT32_MAX);
}

TEST(without_a_listener_there_is_the_look_up)
{
    struct acme_slice body;

    memset(&net, 0, sizeof net);
    s = http01_init(&h, &fake_port, NULL, 0);
    CHECK(s->ops->poll == NULL && s->ops->seen == NULL);
    CHECK_STR(s->ops->name, "http-01");
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    CHECK(http01_lookup(&h, acme_slice_text(PATH), &body));
    CHECK_INT(body.len, 87);
    CHECK_MEM(body.ptr, KEYAUTH, 87);
    CHECK_INT(end(TOKEN), ACME_OK);
    CHECK(!http01_lookup(&h, acme_slice_text(PATH), &body));
    CHECK_INT(net.calls, 0);
}

/* ---- what is asked ---- */

TEST(only_exact_live_tokens)
{
    static const char *const wrong[] = {
        "/",
        "/.well-known/acme-challenge",
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge//" TOKEN,
        PATH "/",
        PATH "?",
        PATH "?x=1",
        PATH "#x",
        PATH ".",
        PATH "." THUMB,
        PATH "%00",
        "/.well-known/acme-challenge/" TOKEN2,
        "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-o",
        "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oB",
        "/.well-known/acme-challenge/EVAGXFADS6PSRB2LAV9IZF17DT3JUXGJ-PCT92WR-OA",
        "/.well-known/acme-challenge/%65vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
        "/.well-known/acme-challenge/../" TOKEN,
        "/.well-known/acme-challenge/..",
        "/.well-known/acme-challenge/%2e%2e/%2e%2e/etc/passwd",
        "/.well-known/x/../acme-challenge/" TOKEN,
        "/%2ewell-known/acme-challenge/" TOKEN,
        "/.Well-Known/acme-challenge/" TOKEN,
        "//.well-known/acme-challenge/" TOKEN,
        "/" TOKEN,
        "/.well-known/acme-challenge/<script>alert(1)</script>",
    };
    struct acme_slice body;
    char request[512];

    fresh_live();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(net.peers, 0, sizeof net.peers);
        CHECK(!http01_lookup(&h, acme_slice_text(wrong[i]), &body));
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", wrong[i]);
        answers(request, NOT_FOUND);
    }
    CHECK(http01_lookup(&h, acme_slice_text(PATH), &body));
    memset(net.peers, 0, sizeof net.peers);
    answers(GET, GOOD);
}

TEST(get_and_head_only)
{
    static const char *const methods[] = {"POST",  "PUT", "DELETE", "OPTIONS",
                                          "TRACE", "get", "GETX"};
    char request[512];

    fresh_live();
    answers(GET, GOOD);
    answers("HEAD " PATH " HTTP/1.1\r\nHost: a.test\r\n\r\n", REPLY("200 OK", "", "87"));
    answers("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n", NOT_FOUND);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        snprintf(request, sizeof request, "%s " PATH " HTTP/1.1\r\nHost: a.test\r\n\r\n",
                 methods[i]);
        answers(request, REPLY("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "0"));
    }
    answers("POST " PATH " HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
            REPLY("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "0"));
}

TEST(whatever_the_host_says)
{
    static const char *const rows[] = {
        "GET " PATH " HTTP/1.1\r\nHost: gw.example.org:80\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nHost: <script>\r\n\r\n",
        "GET " PATH " HTTP/1.0\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\n\r\n",
        "GET http://gw.example.org" PATH " HTTP/1.1\r\nHost: gw.example.org\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    };

    fresh_live();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        answers(rows[i], GOOD);
}

TEST(bodies_and_smuggling_are_refused)
{
    static const char *const rows[] = {
        "GET " PATH " HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "GET " PATH " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 0\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nContent-Length : 0\r\n\r\n",
        "GET " PATH " HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        "GET " PATH "\r\n\r\n",
        "GET  " PATH " HTTP/1.1\r\n\r\n",
        "GET " PATH " HTTP/2.0\r\n\r\n",
        "GET " PATH " HTTP/1.1 \r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    };

    fresh_live();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        answers(rows[i], BAD);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
}

TEST(a_second_request_is_not_answered)
{
    struct peer *p;

    fresh_live();
    p = client(GET GET GET);
    p->piece = strlen(GET);
    run(10);
    CHECK(p->closed);
    CHECK_INT(p->out_len, strlen(GOOD));
    CHECK_INT(p->in_at, p->in_len); /* read away, so that closing does not reset */
}

TEST(split_at_every_byte)
{
    for (size_t piece = 1; piece < strlen(GET); piece++) {
        for (size_t out = 1; out < 200; out += 66) {
            struct peer *p;

            fresh_live();
            p = client(GET);
            p->piece = piece;
            p->out_max = out;
            run(60);
            CHECK(p->closed);
            CHECK_INT(p->out_len, strlen(GOOD));
            CHECK_MEM(p->out, GOOD, p->out_len);
            CHECK_INT(seen(TOKEN), ACME_OK);
        }
    }
}

TEST(cut_at_every_byte)
{
    for (size_t cut = 0; cut < strlen(GET); cut++) {
        struct peer *p;

        fresh_live();
        p = client_n(GET, cut);
        p->fin = true;
        run(2);
        CHECK(p->closed);
        CHECK_INT(p->out_len, 0);
        CHECK_INT(seen(TOKEN), ACME_AGAIN);
    }
}

TEST(a_client_that_ends_its_side_is_still_answered)
{
    struct peer *p;

    fresh_live();
    p = client(GET);
    p->fin = true;
    run(2);
    CHECK(p->closed);
    CHECK_INT(p->out_len, strlen(GOOD));
}

TEST(errors_of_a_connection_end_only_it)
{
    struct peer *p, *q;

    fresh_live();
    p = client_n(GET, 10);
    run(2);
    p->err = ACME_E_NET;
    q = client(GET);
    q->window = 10;
    run(2);
    CHECK(p->closed);
    q->err = ACME_E_NET;
    run(2);
    CHECK(q->closed);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
    answers(GET, GOOD);
}

TEST(long_lines_and_heads)
{
    static char request[8000];
    struct peer *p;

    /* The longest line and head that pass, and one byte more. */
    for (int over = 0; over < 2; over++) {
        size_t len = HTTP01_LINE_MAX + 2 + (size_t)over; /* its end does not count */

        fresh_live();
        memset(request, 'a', sizeof request);
        memcpy(request, "GET /", 5);
        memcpy(request + len - 11, " HTTP/1.1\r\n\r\n", 14);
        p = client(request);
        run(3);
        CHECK(p->closed);
        CHECK_MEM(p->out, over ? "HTTP/1.1 414" : "HTTP/1.1 404", 12);

        fresh_live();
        len = HTTP01_HEAD_MAX + (size_t)over;
        memset(request, 'a', sizeof request);
        memcpy(request, "GET / HTTP/1.1\r\n", 16);
        memcpy(request + 16, "X: ", 3);
        for (size_t at = 1000; at + 10 < len; at += 1000)
            memcpy(request + at, "\r\nX: ", 5);
        memcpy(request + len - 4, "\r\n\r\n", 5);
        p = client(request);
        run(3);
        CHECK(p->closed);
        CHECK_MEM(p->out, over ? "HTTP/1.1 431" : "HTTP/1.1 404", 12);
    }
    /* Without any end. */
    fresh_live();
    memset(request, 'a', sizeof request);
    p = client_n(request, sizeof request);
    run(10);
    CHECK(p->closed);
    CHECK_STR(p->out, REPLY("414 URI Too Long", "", "0"));
    fresh_live();
    memcpy(request, "GET / HTTP/1.1\r\nX: ", 19);
    p = client_n(request, sizeof request);
    run(10);
    CHECK(p->closed);
    CHECK_STR(p->out, REPLY("431 Request Header Fields Too Large", "", "0"));
    answers(GET, GOOD);
}

/* ---- many, and slow ones ---- */

TEST(many_at_once)
{
    fresh_live();
    for (int i = 0; i < 30; i++)
        client(GET)->piece = 20;
    run(20);
    for (int i = 1; i <= 30; i++) {
        CHECK(net.peers[i].closed);
        CHECK_INT(net.peers[i].out_len, strlen(GOOD));
    }
}

TEST(slow_heads_are_dropped_in_time)
{
    struct peer *p, *q;
    uint32_t wait;

    fresh_live();
    p = client("");
    q = client_n(GET, 3);
    wait = poll_once();
    CHECK_INT(wait, HTTP01_DEADLINE_MS);
    for (int i = 0; i < HTTP01_DEADLINE_MS - 1; i += 100) {
        net.now += 100;
        q->in_len = 3 + (size_t)i / 100; /* drips */
        wait = poll_once();
        if (i < HTTP01_DEADLINE_MS - 100) {
            CHECK(!p->closed && !q->closed);
            CHECK_INT(wait, HTTP01_DEADLINE_MS - 100 - i);
        }
    }
    CHECK(p->closed && q->closed);
    CHECK_INT(p->out_len + q->out_len, 0);
    CHECK_INT(poll_once(), UINT32_MAX);
}

TEST(slow_readers_are_dropped_in_time)
{
    struct peer *p;

    fresh_live();
    p = client(GET);
    p->window = 0;
    run(HTTP01_DEADLINE_MS - 1);
    CHECK(!p->closed);
    p->window = 50; /* a little progress buys no more time */
    run(2);
    CHECK(p->closed);
    CHECK_INT(seen(TOKEN), ACME_AGAIN);
}

TEST(the_ninth_takes_the_place_of_the_oldest_silent_one)
{
    struct peer *slow[HTTP01_MAX_CONNECTIONS], *p;

    fresh_live();
    for (int i = 0; i < HTTP01_MAX_CONNECTIONS; i++) {
        slow[i] = client_n(GET, 5);
        run(10);
    }
    CHECK_INT(net.accepts, HTTP01_MAX_CONNECTIONS);
    p = client(GET);
    run(10);
    /* Not at once: a head needs some time on its way. */
    CHECK_INT(net.accepts, HTTP01_MAX_CONNECTIONS);
    CHECK(poll_once() <= HTTP01_GRACE_MS);
    run(HTTP01_GRACE_MS - 10 * HTTP01_MAX_CONNECTIONS);
    CHECK(p->closed);
    CHECK_INT(p->out_len, strlen(GOOD));
    CHECK(slow[0]->closed);
    for (int i = 1; i < HTTP01_MAX_CONNECTIONS; i++)
        CHECK(!slow[i]->closed);
    slow[1]->in_len = strlen(GET);
    run(2);
    CHECK_INT(slow[1]->out_len, strlen(GOOD));
}

TEST(the_oldest_goes_wherever_it_lies)
{
    struct peer *slow[HTTP01_MAX_CONNECTIONS + 1];

    fresh_live();
    for (int i = 0; i < HTTP01_MAX_CONNECTIONS; i++) {
        slow[i] = client_n(GET, 5);
        run(10);
    }
    slow[0]->fin = true; /* the first place is taken by the youngest */
    run(10);
    slow[HTTP01_MAX_CONNECTIONS] = client_n(GET, 5);
    run(10 * HTTP01_GRACE_MS);
    client(GET);
    run(2);
    for (int i = 1; i <= HTTP01_MAX_CONNECTIONS; i++)
        CHECK_INT(slow[i]->closed, i == 1);
}

TEST(those_that_are_being_answered_are_not_thrown_out)
{
    struct peer *p, *slow;

    fresh_live();
    slow = client_n(GET, 5);
    for (int i = 1; i < HTTP01_MAX_CONNECTIONS; i++)
        client(GET)->window = 20;
    run(2 * HTTP01_GRACE_MS);
    p = client(GET);
    run(3);
    CHECK(slow->closed);
    CHECK_INT(p->out_len, strlen(GOOD));
    for (int i = 2; i <= HTTP01_MAX_CONNECTIONS; i++)
        CHECK(!net.peers[i].closed);
    /* All places taken by them: the next waits, until the deadline frees one. */
    client(GET)->window = 20;
    p = client(GET);
    run(HTTP01_GRACE_MS);
    CHECK(!p->accepted);
    run(HTTP01_DEADLINE_MS);
    CHECK_INT(p->out_len, strlen(GOOD));
}

/* A flood of silent connections, and one honest request behind it. */
TEST(a_flood_does_not_keep_the_ca_out)
{
    struct peer *p;
    uint64_t t0;

    fresh_live();
    for (int i = 0; i < 32; i++)
        client("");
    p = client(GET);
    t0 = net.now;
    while (!p->closed && net.now - t0 < 20000)
        run(1);
    CHECK_INT(p->out_len, strlen(GOOD));
    CHECK(net.now - t0 <= 5 * HTTP01_GRACE_MS);
}

/* More requests ready than one poll may serve: it asks to be called again at once. */
TEST(the_bound_of_work_is_not_a_wait)
{
    int polls = 0;

    fresh_live();
    for (int i = 0; i < 20; i++)
        client(GET);
    while (poll_once() == 0)
        CHECK(++polls < 10);
    CHECK_INT(polls, 2);
    for (int i = 1; i <= 20; i++)
        CHECK_INT(net.peers[i].out_len, strlen(GOOD));
    client(GET)->piece = 1;
    polls = 0;
    while (poll_once() == 0)
        CHECK(++polls < 100);
    CHECK(polls >= 10);
    CHECK_INT(net.peers[21].out_len, strlen(GOOD));
}

/* ---- real sockets ---- */

static uint64_t real_now(void *ctx)
{
    struct timespec t;

    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A socket that listens on loopback (a port that nobody else uses is found so), or a client's. */
static int loopback(uint16_t *port, bool client_side)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct timeval patience = {.tv_sec = 5};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0);
    if (client_side) {
        CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
        CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
        CHECK_INT(connect(fd, (struct sockaddr *)&a, len), 0);
    } else {
        CHECK_INT(bind(fd, (struct sockaddr *)&a, len), 0);
        CHECK_INT(listen(fd, 1), 0);
        CHECK_INT(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        *port = ntohs(a.sin_port);
    }
    return fd;
}

static size_t read_all(int fd, char *out, size_t room)
{
    size_t len = 0;
    ssize_t n;

    while ((n = recv(fd, out + len, room - len, 0)) > 0)
        len += (size_t)n;
    CHECK_INT(n, 0); /* a proper end, no reset */
    return len;
}

TEST(over_real_sockets)
{
    static struct sockets_net sockets;
    struct acme_port port = {.ctx = &sockets, .net = &sockets_net_ops, .now_ms = real_now};
    uint16_t tcp_port = 0;
    char out[1024];
    int busy = loopback(&tcp_port, false), fd[12];

    CHECK_INT(sockets_init(&sockets), ACME_OK);
    s = http01_init(&h, &port, "127.0.0.1", tcp_port);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_E_PORT_BUSY);
    close(busy);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK);
    for (int i = 0; i < 12; i++) {
        fd[i] = loopback(&tcp_port, true);
        /* Pipelined rubbish must not cost the reply. */
        CHECK(send(fd[i], GET GET, strlen(GET GET), MSG_NOSIGNAL) > 0);
    }
    for (uint64_t stop = real_now(NULL) + 500; real_now(NULL) < stop;) {
        uint32_t wait = s->ops->poll(s);

        sockets_wait(&sockets, wait < 20 ? wait : 20);
    }
    for (int i = 0; i < 12; i++) {
        CHECK_INT(read_all(fd[i], out, sizeof out), strlen(GOOD));
        CHECK_MEM(out, GOOD, strlen(GOOD));
        close(fd[i]);
    }
    CHECK_INT(seen(TOKEN), ACME_OK);
    CHECK_INT(end(TOKEN), ACME_OK);
    CHECK_INT(begin(TOKEN, KEYAUTH), ACME_OK); /* the port was given back */
    CHECK_INT(end(TOKEN), ACME_OK);
    sockets_down(&sockets);
}

RUN(the_listener_lives_as_long_as_a_challenge, a_listener_that_cannot_be_is_told,
    a_listener_that_breaks_is_made_anew, what_begin_declines_and_refuses,
    the_table_of_tokens_is_bounded, seen_when_served_whole_after_begin, an_end_during_a_reply,
    without_a_listener_there_is_the_look_up, only_exact_live_tokens, get_and_head_only,
    whatever_the_host_says, bodies_and_smuggling_are_refused, a_second_request_is_not_answered,
    split_at_every_byte, cut_at_every_byte, a_client_that_ends_its_side_is_still_answered,
    errors_of_a_connection_end_only_it, long_lines_and_heads, many_at_once,
    slow_heads_are_dropped_in_time, slow_readers_are_dropped_in_time,
    the_ninth_takes_the_place_of_the_oldest_silent_one, the_oldest_goes_wherever_it_lies,
    those_that_are_being_answered_are_not_thrown_out, a_flood_does_not_keep_the_ca_out,
    the_bound_of_work_is_not_a_wait, over_real_sockets)
