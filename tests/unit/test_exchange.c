/* test_exchange.c - one HTTPS exchange over a scripted TLS session and a virtual clock
 *
 * This program has an acme_tls_... of its own, so core/acme_tls.c is not linked.
 */
#include "acme_exchange.h"

#include <stdlib.h>

#include "acme_err.h"
#include "test.h"

#define REQUEST     "POST /x HTTP/1.1\r\nHost: ca.test\r\nContent-Length: 2\r\n\r\n{}"
#define REQUEST_LEN (sizeof REQUEST - 1)

/* What one connection will do. Zero is the good case. */
struct script {
    const char *replies[3]; /* the k-th can be read when k + 1 requests were sent */
    size_t replies_len[3];  /* 0: strlen */
    size_t piece;           /* bytes given by one recv; 0: all */
    size_t send_piece;      /* bytes taken by one send; 0: all */
    unsigned again;         /* ACME_AGAIN answers between two bytes given or taken */
    int connect_err, open_err, handshake_err, send_err;
    unsigned handshake_again;
    size_t send_limit; /* send_err after so many bytes */
    int end;           /* what recv says after the last reply; 0: ACME_AGAIN for ever */
    size_t cut;        /* end comes after so many bytes of replies; 0: after all */
};

static struct {
    uint64_t now;
    struct script scripts[3];
    size_t connects;
    const struct script *on; /* the open connection's */
    int socks, sessions;     /* open now */
    size_t sent, got;
    unsigned again;
    char wire[4096];
    char host[64];
    uint16_t port;
    unsigned calls;
} world;

static int fake_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    const struct script *s = &world.scripts[world.connects];

    CHECK(ctx == &world);
    CHECK(world.socks == 0);
    world.connects++;
    if (s->connect_err)
        return s->connect_err;
    world.on = s;
    world.socks++;
    world.sent = world.got = 0;
    world.again = 0;
    snprintf(world.host, sizeof world.host, "%s", host);
    world.port = port;
    *out = 0; /* a valid handle */
    return ACME_OK;
}

static void fake_close(void *ctx, acme_sock s)
{
    CHECK(ctx == &world);
    CHECK_INT(s, 0);
    CHECK_INT(world.socks, 1);
    CHECK_INT(world.sessions, 0); /* the session goes first */
    world.socks--;
}

static uint64_t fake_now(void *ctx)
{
    CHECK(ctx == &world);
    return world.now;
}

static const struct acme_net fake_net = {.connect = fake_connect, .close = fake_close};
static const struct acme_port fake_port = {.ctx = &world, .net = &fake_net, .now_ms = fake_now};

int acme_tls_open(struct acme_tls *tls, const struct acme_port *port, acme_sock sock,
                  const char *host, const struct acme_anchors *anchors)
{
    CHECK(tls != NULL && port == &fake_port && anchors == NULL);
    CHECK_INT(sock, 0);
    CHECK_STR(host, world.host);
    if (world.on->open_err)
        return world.on->open_err;
    world.sessions++;
    return ACME_OK;
}

int acme_tls_handshake(struct acme_tls *tls)
{
    (void)tls;
    world.calls++;
    CHECK_INT(world.sessions, 1);
    if (world.again++ < world.on->handshake_again)
        return ACME_AGAIN;
    world.again = 0;
    return world.on->handshake_err;
}

int acme_tls_send(struct acme_tls *tls, const void *data, size_t len)
{
    const struct script *s = world.on;
    size_t n = s->send_piece && s->send_piece < len ? s->send_piece : len;

    (void)tls;
    world.calls++;
    CHECK_INT(world.sessions, 1);
    CHECK(len > 0);
    if (world.again++ < s->again)
        return ACME_AGAIN;
    world.again = 0;
    if (s->send_err && world.sent >= s->send_limit)
        return s->send_err;
    CHECK(world.sent + n <= sizeof world.wire);
    memcpy(world.wire + world.sent, data, n);
    world.sent += n;
    return (int)n;
}

static size_t script_len(const struct script *s, int k)
{
    return s->replies_len[k] ? s->replies_len[k] : s->replies[k] ? strlen(s->replies[k]) : 0;
}

int acme_tls_recv(struct acme_tls *tls, void *buf, size_t cap)
{
    const struct script *s = world.on;
    static char all[65536 * 3];
    size_t have = 0, n;

    (void)tls;
    world.calls++;
    CHECK_INT(world.sessions, 1);
    CHECK(cap > 0);
    for (int k = 0; k < 3 && world.sent >= REQUEST_LEN * (size_t)(k + 1); k++) {
        if (s->replies[k])
            memcpy(all + have, s->replies[k], script_len(s, k));
        have += script_len(s, k);
    }
    if (s->cut && have > s->cut)
        have = s->cut;
    if (world.got == have) {
        bool last =
            s->cut ? have == s->cut
                   : world.sent >= REQUEST_LEN && (world.sent >= 3 * REQUEST_LEN ||
                                                   s->replies[world.sent / REQUEST_LEN] == NULL);
        return last && s->end ? s->end : ACME_AGAIN;
    }
    if (world.again++ < s->again)
        return ACME_AGAIN;
    world.again = 0;
    n = have - world.got;
    n = s->piece && s->piece < n ? s->piece : n;
    n = n < cap ? n : cap;
    memcpy(buf, all + world.got, n);
    world.got += n;
    return (int)n;
}

void acme_tls_close(struct acme_tls *tls)
{
    (void)tls;
    CHECK_INT(world.socks, 1);
    CHECK_INT(world.sessions, 1);
    world.sessions--;
}

/* ---- driving it ---- */

static uint8_t io[8192];
static struct acme_exchange x;

static void begin_with(size_t io_len)
{
    memset(&world, 0, sizeof world);
    world.now = 5000000000u; /* beyond 32 bits */
    acme_exchange_init(&x, &fake_port, NULL, (struct acme_span){io, io_len});
}

static void begin(void)
{
    begin_with(sizeof io);
}

static int start_to(const char *url, bool head)
{
    struct acme_url u;

    CHECK_INT(acme_url_read(acme_slice_text(url), &u), ACME_OK);
    memcpy(io, REQUEST, REQUEST_LEN);
    return acme_exchange_start(&x, &u, REQUEST_LEN, head);
}

/* Polls until there is an answer; the clock goes on by step_ms for each AGAIN. */
static int finish(struct acme_reply *reply, uint64_t step_ms)
{
    for (int i = 0; i < 200000; i++) {
        unsigned before = world.calls;
        int err = acme_exchange_poll(&x, reply);

        CHECK(world.calls - before <= 8); /* bounded work */
        if (err != ACME_AGAIN)
            return err;
        if (acme_exchange_wait_ms(&x) > 0)
            world.now += step_ms;
    }
    FAIL("it never ends");
}

static void exchange_is(const char *url, bool head, int status, const char *body)
{
    struct acme_reply reply;

    CHECK_INT(start_to(url, head), ACME_OK);
    CHECK_INT(finish(&reply, 10), ACME_OK);
    CHECK_INT(reply.head.status, status);
    CHECK_INT(reply.body.len, strlen(body));
    CHECK_MEM(reply.body.ptr, body, reply.body.len);
}

static void all_closed(void)
{
    CHECK_INT(world.socks, 0);
    CHECK_INT(world.sessions, 0);
    CHECK_STR(x.host, "");
}

#define URL  "https://ca.test/x"
#define LEN5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define CHUNKED                                                                                    \
    "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nReplay-Nonce: n\r\n\r\n"                \
    "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nT: v\r\n\r\n"
#define CLOSED "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"

TEST(a_body_with_its_length)
{
    begin();
    world.scripts[0].replies[0] = LEN5;
    exchange_is(URL, false, 200, "hello");
    CHECK_MEM(world.wire, REQUEST, REQUEST_LEN);
    CHECK_STR(world.host, "ca.test");
    CHECK_INT(world.port, 443);
    CHECK_INT(world.socks, 1); /* kept */
    CHECK_INT(acme_exchange_wait_ms(&x), UINT32_MAX);
    acme_exchange_close(&x);
    all_closed();
    acme_exchange_close(&x);
}

TEST(chunked_close_delimited_and_without_body)
{
    static const struct {
        const char *reply, *body;
        int status;
        bool head;
    } rows[] = {
        {CHUNKED, "hello", 201, false},
        {CLOSED, "hello", 200, false},
        {"HTTP/1.1 200 OK\r\n\r\n", "", 200, false},
        {"HTTP/1.1 204 No Content\r\nReplay-Nonce: n\r\n\r\n", "", 204, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", "", 200, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", 200, true},
        {"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", "no", 500, false},
        {"HTTP/1.1 302 Go\r\nLocation: https://b.test/\r\nContent-Length: 0\r\n\r\n", "", 302,
         false},
        {"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" LEN5, "hello", 200,
         false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t piece = 0; piece <= 7; piece++) {
            begin();
            world.scripts[0].replies[0] = rows[i].reply;
            world.scripts[0].end = ACME_E_CLOSED;
            world.scripts[0].piece = piece;
            world.scripts[0].send_piece = piece;
            world.scripts[0].again = (unsigned)piece % 3;
            world.scripts[0].handshake_again = (unsigned)piece;
            exchange_is(URL, rows[i].head, rows[i].status, rows[i].body);
            CHECK_MEM(world.wire, REQUEST, REQUEST_LEN);
            acme_exchange_close(&x);
            all_closed();
        }
    }
}

TEST(fields_can_be_read_beside_a_chunked_body)
{
    struct acme_reply reply;
    struct acme_slice nonce;

    begin();
    world.scripts[0].replies[0] = CHUNKED;
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(finish(&reply, 1), ACME_OK);
    CHECK(acme_http_field(&reply.head, "replay-nonce", 0, &nonce));
    CHECK(acme_slice_is(nonce, "n"));
}

/* Every reply, split in two at every byte. */
TEST(split_at_every_byte)
{
    static const char *const replies[] = {LEN5, CHUNKED, CLOSED};

    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 1; cut < strlen(replies[i]); cut++) {
            begin();
            world.scripts[0].replies[0] = replies[i];
            world.scripts[0].end = ACME_E_CLOSED;
            world.scripts[0].piece = cut;
            exchange_is(URL, false, i == 1 ? 201 : 200, "hello");
            acme_exchange_close(&x);
        }
    }
}

/* Every reply, cut off at every byte: never ACME_OK. */
TEST(cut_at_every_byte)
{
    static const char *const replies[] = {LEN5, CHUNKED, CLOSED};
    static const int ends[] = {ACME_E_CLOSED, ACME_E_NET, ACME_E_TLS};
    struct acme_reply reply;

    for (size_t i = 0; i < 3; i++) {
        for (size_t e = 0; e < 3; e++) {
            size_t len = strlen(replies[i]);

            /* Close-delimited: a proper end anywhere in the body is a whole reply by RFC 9112 6.3;
             * what a cut looks like is that close_notify is missing. */
            size_t last = i == 2 && ends[e] == ACME_E_CLOSED ? len - 6 : i == 2 ? len : len - 1;

            for (size_t cut = 1; cut <= last; cut++) {
                begin();
                world.scripts[0].replies[0] = replies[i];
                world.scripts[0].end = ends[e];
                world.scripts[0].cut = cut;
                CHECK_INT(start_to(URL, false), ACME_OK);
                CHECK_INT(finish(&reply, 10), ends[e]);
                all_closed();
                CHECK(!acme_exchange_was_stale(&x));
                CHECK_INT(acme_exchange_poll(&x, &reply), ACME_E_ARG);
            }
        }
    }
}

TEST(the_connection_is_used_again_for_the_same_host_and_port)
{
    begin();
    world.scripts[0].replies[0] = LEN5;
    world.scripts[0].replies[1] = CHUNKED;
    world.scripts[0].replies[2] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    exchange_is(URL, false, 200, "hello");
    CHECK(!x.reused);
    exchange_is("https://CA.test:443/other", false, 201, "hello");
    CHECK(x.reused);
    exchange_is(URL, false, 200, "x");
    CHECK_INT(world.connects, 1);
    CHECK_INT(x.connections, 1);
    CHECK_INT(x.requests, 3);
}

TEST(another_host_or_port_gets_its_own_connection)
{
    static const char *const urls[] = {"https://ca.test:444/x", "https://a.test/x",
                                       "https://ca.testa/x", "https://192.0.2.1/x"};

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        begin();
        world.scripts[0].replies[0] = LEN5;
        world.scripts[1].replies[0] = CHUNKED;
        exchange_is(URL, false, 200, "hello");
        exchange_is(urls[i], false, 201, "hello");
        CHECK(!x.reused);
        CHECK_INT(world.connects, 2);
        CHECK_INT(world.socks, 1);
        CHECK_INT(x.connections, 2);
    }
    CHECK_STR(world.host, "192.0.2.1");
}

TEST(a_connection_that_the_server_ends_is_not_kept)
{
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        CLOSED,
    };

    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        begin();
        world.scripts[0].replies[0] = replies[i];
        world.scripts[0].end = ACME_E_CLOSED;
        world.scripts[1].replies[0] = LEN5;
        exchange_is(URL, false, 200, "hello");
        all_closed();
        exchange_is(URL, false, 200, "hello");
        CHECK_INT(world.connects, 2);
    }
}

/* Response splitting: what comes behind a reply must never be the next one's. */
TEST(stray_bytes_end_the_connection)
{
    static const char *const replies[] = {
        LEN5 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        CHUNKED "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        LEN5 "\n",
        CHUNKED "0",
        "HTTP/1.1 204 No\r\n\r\nx",
    };

    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        for (size_t piece = 0; piece < 3; piece++) {
            struct acme_reply reply;

            begin();
            world.scripts[0].replies[0] = replies[i];
            world.scripts[0].replies[1] = LEN5;
            world.scripts[0].piece = piece;
            world.scripts[1].replies[0] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny";
            CHECK_INT(start_to(URL, false), ACME_OK);
            CHECK_INT(finish(&reply, 10), ACME_OK);
            exchange_is(URL, false, 200, "y");
            CHECK(!x.reused);
            CHECK_INT(world.connects, 2);
        }
    }
}

TEST(a_connection_seen_closed_is_replaced_before_the_request)
{
    static const int ends[] = {ACME_E_CLOSED, ACME_E_NET, ACME_E_TLS};

    for (size_t i = 0; i < 3; i++) {
        begin();
        world.scripts[0].replies[0] = LEN5;
        world.scripts[0].end = ends[i];
        world.scripts[1].replies[0] = CHUNKED;
        exchange_is(URL, false, 200, "hello");
        CHECK_INT(world.socks, 1);
        exchange_is(URL, false, 201, "hello");
        CHECK(!x.reused);
        CHECK_INT(world.connects, 2);
    }
}

/* The server closes while the request is under way. */
TEST(a_stale_connection_is_told)
{
    static const int ends[] = {ACME_E_CLOSED, ACME_E_NET};
    struct acme_reply reply;

    for (size_t i = 0; i < 2; i++) {
        begin();
        world.scripts[0].replies[0] = LEN5;
        world.scripts[0].replies[1] = "H";
        world.scripts[0].end = ends[i];
        world.scripts[0].cut = strlen(LEN5);
        exchange_is(URL, false, 200, "hello");
        /* Hide the end from the look before the request. */
        world.scripts[0].cut = 0;
        CHECK_INT(start_to(URL, false), ACME_OK);
        world.scripts[0].cut = strlen(LEN5);
        CHECK(x.reused);
        CHECK_INT(finish(&reply, 10), ends[i]);
        CHECK(acme_exchange_was_stale(&x));
        all_closed();
        /* With one byte of a reply the CA may have acted. */
        begin();
        world.scripts[0].replies[0] = LEN5;
        world.scripts[0].replies[1] = LEN5;
        exchange_is(URL, false, 200, "hello");
        CHECK_INT(start_to(URL, false), ACME_OK);
        world.scripts[0].end = ends[i];
        world.scripts[0].cut = strlen(LEN5) + 1;
        CHECK_INT(finish(&reply, 10), ends[i]);
        CHECK(!acme_exchange_was_stale(&x));
        /* On a new connection it is a plain failure. */
        begin();
        world.scripts[0].replies[0] = "";
        world.scripts[0].end = ends[i];
        CHECK_INT(start_to(URL, false), ACME_OK);
        CHECK_INT(finish(&reply, 10), ends[i]);
        CHECK(!acme_exchange_was_stale(&x));
    }
    /* A send that fails on a kept connection. */
    begin();
    world.scripts[0].replies[0] = LEN5;
    exchange_is(URL, false, 200, "hello");
    world.scripts[0].send_err = ACME_E_NET;
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(finish(&reply, 10), ACME_E_NET);
    CHECK(acme_exchange_was_stale(&x));
    /* A kept connection that is silent is not stale: the CA may be working. */
    begin();
    world.scripts[0].replies[0] = LEN5;
    world.scripts[0].replies[1] = "";
    CHECK(!acme_exchange_is_up(&x));
    exchange_is(URL, false, 200, "hello");
    CHECK(acme_exchange_is_up(&x));
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK(acme_exchange_is_up(&x));
    CHECK_INT(finish(&reply, 1000), ACME_E_TIMEOUT);
    CHECK(!acme_exchange_is_up(&x));
    CHECK(!acme_exchange_was_stale(&x));
}

TEST(errors_of_each_phase_come_through)
{
    static const int errors[] = {ACME_E_NET,      ACME_E_LOOKUP,      ACME_E_TIMEOUT,
                                 ACME_E_TLS,      ACME_E_TLS_TRUST,   ACME_E_TLS_NAME,
                                 ACME_E_TLS_DATE, ACME_E_TLS_VERSION, ACME_E_TLS_MEMORY};
    struct acme_reply reply;

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        for (int phase = 0; phase < 5; phase++) {
            struct script *s = &world.scripts[0];
            int err;

            begin();
            s->replies[0] = LEN5;
            s->connect_err = phase == 0 ? errors[i] : 0;
            s->open_err = phase == 1 ? errors[i] : 0;
            s->handshake_err = phase == 2 ? errors[i] : 0;
            s->send_err = phase == 3 ? errors[i] : 0;
            s->send_limit = i;
            s->send_piece = 1;
            s->end = phase == 4 ? errors[i] : 0;
            s->cut = phase == 4 ? 3 + i : 0;
            err = start_to(URL, false);
            CHECK_INT(err, phase == 0 ? errors[i] : ACME_OK);
            if (err == ACME_OK)
                CHECK_INT(finish(&reply, 10), errors[i]);
            CHECK_INT(x.error, errors[i]);
            all_closed();
            CHECK(!acme_exchange_was_stale(&x));
            /* And the next one works. */
            world.scripts[1].replies[0] = LEN5;
            exchange_is(URL, false, 200, "hello");
        }
    }
}

TEST(silence_ends_in_time_in_every_phase)
{
    struct acme_reply reply;

    for (int phase = 0; phase < 4; phase++) {
        struct script *s = &world.scripts[0];
        uint64_t t0;

        begin();
        s->replies[0] = phase == 2   ? ""
                        : phase == 3 ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"
                                     : LEN5;
        s->handshake_again = phase == 0 ? 1000000 : 0;
        s->again = phase == 1 ? 1000000 : 0;
        t0 = world.now;
        CHECK_INT(start_to(URL, false), ACME_OK);
        CHECK_INT(finish(&reply, 100), ACME_E_TIMEOUT);
        CHECK(world.now - t0 >= ACME_IDLE_MS && world.now - t0 <= ACME_IDLE_MS + 200);
        all_closed();
    }
}

TEST(the_wait_is_told_exactly)
{
    struct acme_reply reply;

    begin();
    world.scripts[0].replies[0] = "";
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(acme_exchange_wait_ms(&x), 0);
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_AGAIN);
    CHECK_INT(acme_exchange_wait_ms(&x), ACME_IDLE_MS);
    world.now += ACME_IDLE_MS - 1;
    CHECK_INT(acme_exchange_wait_ms(&x), 1);
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_AGAIN);
    world.now += 1;
    CHECK_INT(acme_exchange_wait_ms(&x), 0);
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_E_TIMEOUT);
}

TEST(dripping_bytes_do_not_hold_it_for_ever)
{
    static char body[4000];
    struct acme_reply reply;
    uint64_t t0;

    begin();
    strcpy(body, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
    memset(body + strlen(body), 'x', 3000);
    world.scripts[0].replies[0] = body;
    world.scripts[0].piece = 1;
    world.scripts[0].again = 1;
    t0 = world.now;
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(finish(&reply, 1000), ACME_E_TIMEOUT);
    CHECK(world.now - t0 >= ACME_OVERALL_MS && world.now - t0 <= ACME_OVERALL_MS + 1000);
    all_closed();
}

TEST(a_reply_that_waits_after_a_long_sleep_is_not_lost)
{
    struct acme_reply reply;

    begin();
    world.scripts[0].replies[0] = LEN5;
    world.scripts[0].again = 1;
    CHECK_INT(start_to(URL, false), ACME_OK);
    for (int i = 0; i < 20 && world.sent < REQUEST_LEN; i++)
        CHECK_INT(acme_exchange_poll(&x, &reply), ACME_AGAIN);
    world.scripts[0].again = 0;
    world.now += 86400000;
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_OK);
    CHECK_INT(reply.body.len, 5);
}

/* Bytes that wait inside the session are not shown by any socket: the wait must be 0. */
TEST(the_bound_of_work_is_not_a_wait)
{
    struct acme_reply reply;
    int polls = 0, err;

    begin();
    world.scripts[0].replies[0] = LEN5;
    world.scripts[0].piece = 1;
    CHECK_INT(start_to(URL, false), ACME_OK);
    do {
        err = acme_exchange_poll(&x, &reply);
        polls++;
        CHECK(err == ACME_OK || acme_exchange_wait_ms(&x) == 0);
    } while (err == ACME_AGAIN);
    CHECK_INT(err, ACME_OK);
    CHECK(polls >= (int)strlen(LEN5) / 8);
}

TEST(the_room_is_a_bound)
{
    struct acme_reply reply;
    size_t head = strlen(LEN5) - 5;

    for (size_t room = REQUEST_LEN; room < 200; room++) {
        for (int i = 0; i < 3; i++) {
            static char cl[300], ch[400];
            const char *replies[3];
            size_t need[3];

            snprintf(cl, sizeof cl, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%0100d", 0);
            snprintf(ch, sizeof ch,
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n%050d\r\n32\r\n"
                     "%050d\r\n0\r\n\r\n",
                     0, 0);
            replies[0] = cl;
            need[0] = head + 2 + 100;
            replies[1] = ch;
            need[1] = strlen("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + 100 + 1;
            replies[2] = LEN5;
            need[2] = head + 5;
            begin_with(room);
            memset(io + room, 0xa5, sizeof io - room);
            world.scripts[0].replies[0] = replies[i];
            world.scripts[0].piece = 1; /* the least overhead: framing is taken out at once */
            CHECK_INT(start_to(URL, false), ACME_OK);
            CHECK_INT(finish(&reply, 1), room >= need[i] ? ACME_OK : ACME_E_SIZE);
            for (size_t k = room; k < sizeof io; k++)
                CHECK_INT(io[k], 0xa5);
            acme_exchange_close(&x);
        }
    }
    /* A length that does not fit is refused before its bytes come. */
    begin();
    world.scripts[0].replies[0] = "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n";
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(finish(&reply, 1), ACME_E_SIZE);
    /* A close-delimited reply without end. */
    begin_with(200);
    static char endless[1000];
    strcpy(endless, CLOSED);
    memset(endless + strlen(endless), 'x', 900);
    world.scripts[0].replies[0] = endless;
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(finish(&reply, 1), ACME_E_SIZE);
    all_closed();
}

TEST(informational_heads_are_bounded)
{
    static char text[2000];
    struct acme_reply reply;

    for (int n = 0; n <= 10; n++) {
        begin();
        text[0] = '\0';
        for (int i = 0; i < n; i++)
            strcat(text, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
        strcat(text, LEN5);
        world.scripts[0].replies[0] = text;
        CHECK_INT(start_to(URL, false), ACME_OK);
        CHECK_INT(finish(&reply, 1), n <= 8 ? ACME_OK : ACME_E_HTTP);
    }
    begin();
    world.scripts[0].replies[0] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2\r\n\r\n" LEN5;
    CHECK_INT(start_to(URL, false), ACME_OK);
    CHECK_INT(finish(&reply, 1), ACME_E_HTTP);
    all_closed();
}

TEST(what_is_not_http_is_refused)
{
    static const char *const replies[] = {
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    };
    struct acme_reply reply;

    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        begin();
        world.scripts[0].replies[0] = replies[i];
        CHECK_INT(start_to(URL, false), ACME_OK);
        CHECK_INT(finish(&reply, 1), ACME_E_HTTP);
        all_closed();
    }
}

TEST(outside_the_contract)
{
    struct acme_reply reply;
    struct acme_url u;
    char host[300];

    begin();
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_E_ARG);
    CHECK_INT(acme_url_read(acme_slice_text(URL), &u), ACME_OK);
    CHECK_INT(acme_exchange_start(&x, &u, 0, false), ACME_E_ARG);
    CHECK_INT(acme_exchange_start(&x, &u, sizeof io + 1, false), ACME_E_ARG);
    memset(host, 'a', sizeof host);
    u.host = acme_slice_of(host, ACME_MAX_HOST + 1);
    CHECK_INT(acme_exchange_start(&x, &u, 5, false), ACME_E_SIZE);
    CHECK_INT(world.connects, 0);
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_E_ARG);
}

TEST(a_start_gives_up_what_runs)
{
    begin();
    world.scripts[0].replies[0] = LEN5;
    world.scripts[0].again = 3;
    world.scripts[1].replies[0] = CHUNKED;
    for (int polls = 0; polls < 6; polls++) {
        struct acme_reply reply;

        CHECK_INT(start_to(URL, false), ACME_OK);
        for (int i = 0; i < polls; i++)
            CHECK_INT(acme_exchange_poll(&x, &reply), ACME_AGAIN);
        exchange_is(URL, false, 201, "hello");
        CHECK(!x.reused);
        CHECK_INT(world.connects, 2);
        acme_exchange_close(&x);
        world.connects = 0;
    }
}

RUN(a_body_with_its_length, chunked_close_delimited_and_without_body,
    fields_can_be_read_beside_a_chunked_body, split_at_every_byte, cut_at_every_byte,
    the_connection_is_used_again_for_the_same_host_and_port,
    another_host_or_port_gets_its_own_connection, a_connection_that_the_server_ends_is_not_kept,
    stray_bytes_end_the_connection, a_connection_seen_closed_is_replaced_before_the_request,
    a_stale_connection_is_told, errors_of_each_phase_come_through,
    silence_ends_in_time_in_every_phase, the_wait_is_told_exactly,
    dripping_bytes_do_not_hold_it_for_ever, a_reply_that_waits_after_a_long_sleep_is_not_lost,
    the_bound_of_work_is_not_a_wait, the_room_is_a_bound, informational_heads_are_bounded,
    what_is_not_http_is_refused, outside_the_contract, a_start_gives_up_what_runs)
