/* test_tls_alpn01_turns.c - who is served when, by the tls-alpn-01 responder of a small board: one
 * handshake at a time, over an in-memory network and a virtual clock
 *
 * The solver is compiled in here with a board's bounds, so the one of the library stays out.
 */
#define TLS_ALPN01_MAX_HANDSHAKES  1
#define TLS_ALPN01_MAX_CONNECTIONS 3
#define TLS_ALPN01_MAX_NAMES       2
#define TLS_ALPN01_HELLO_MAX       1024
#include "../../solvers/tls_alpn01.c"

#include <stdio.h>
#include <stdlib.h>

#include "crypto_world.h"
#include "test.h"

#define NAME    "gw.example.org"
#define TOKEN   "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define KEYAUTH TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

#define LISTENER 0
#define SOCKS    16

struct peer {
    bool used, accepted, closed;
    uint8_t in[1500];
    size_t in_len, in_at;
    uint8_t out[4096];
    size_t out_len;
};

static struct {
    uint64_t now;
    struct peer peers[SOCKS];
    int listeners, listen_err, accept_err;
} net;

static int fake_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    (void)ctx;
    (void)addr;
    CHECK_INT(port, 443);
    if (net.listen_err != 0)
        return net.listen_err;
    CHECK_INT(net.listeners, 0);
    net.listeners = 1;
    *out = LISTENER;
    return ACME_OK;
}

static int fake_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    (void)ctx;
    CHECK_INT(listener, LISTENER);
    CHECK_INT(net.listeners, 1);
    if (net.accept_err != 0)
        return net.accept_err;
    for (int i = 1; i < SOCKS; i++) {
        if (net.peers[i].used && !net.peers[i].accepted) {
            net.peers[i].accepted = true;
            *out = i;
            return ACME_OK;
        }
    }
    return ACME_AGAIN;
}

static struct peer *peer_of(acme_sock s)
{
    CHECK(s > 0 && s < SOCKS && net.peers[s].accepted && !net.peers[s].closed);
    return &net.peers[s];
}

static int fake_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    struct peer *p = peer_of(s);

    (void)ctx;
    CHECK(len > 0 && len <= sizeof p->out - p->out_len);
    memcpy(p->out + p->out_len, data, len);
    p->out_len += len;
    return (int)len;
}

static int fake_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    struct peer *p = peer_of(s);
    size_t n = p->in_len - p->in_at < cap ? p->in_len - p->in_at : cap;

    (void)ctx;
    CHECK(cap > 0);
    memcpy(buf, p->in + p->in_at, n);
    p->in_at += n;
    return n > 0 ? (int)n : ACME_AGAIN;
}

static void fake_close(void *ctx, acme_sock s)
{
    (void)ctx;
    if (s == LISTENER)
        net.listeners--;
    else
        peer_of(s)->closed = true;
}

static uint64_t fake_now(void *ctx)
{
    (void)ctx;
    return net.now;
}

static const struct acme_net fake_net = {.listen = fake_listen,
                                         .accept = fake_accept,
                                         .send = fake_send,
                                         .recv = fake_recv,
                                         .close = fake_close};
static struct acme_port port_of_test;
static struct tls_alpn01 t;
static struct acme_solver *s;
static const struct acme_challenge challenge = {.type = ACME_CHALLENGE_TLSALPN01,
                                                .identifier = NAME,
                                                .id_type = ACME_ID_DNS,
                                                .token = TOKEN,
                                                .key_authorization = KEYAUTH,
                                                .account_url = "https://ca.test/1"};

static void fresh(void)
{
    world_reset();
    memset(&net, 0, sizeof net);
    net.now = 5000000000u;
    port_of_test = world_port;
    port_of_test.net = &fake_net;
    port_of_test.now_ms = fake_now;
    s = tls_alpn01_init(&t, &port_of_test, NULL, 443);
    CHECK_INT(s->ops->begin(s, &challenge), ACME_OK);
}

static uint32_t run(uint64_t ms)
{
    uint32_t wait = 0;

    for (uint64_t stop = net.now + ms; net.now < stop; net.now++)
        wait = s->ops->poll(s);
    return wait;
}

static struct peer *client(const void *data, size_t len)
{
    for (int i = 1; i < SOCKS; i++) {
        struct peer *p = &net.peers[i];

        if (!p->used) {
            p->used = true;
            memcpy(p->in, data, p->in_len = len);
            return p;
        }
    }
    FAIL("too many clients");
}

/* A ClientHello of TLS 1.3 that wolfSSL goes on with: it asks for P-256 by HelloRetryRequest. */
static struct peer *asker(const char *protocol)
{
    static const uint8_t front[] = {0x16, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3};
    static const uint8_t rest[] = {0, 0, 2, 0x13, 1, 1, 0};
    static const uint8_t groups[] = {
        0, 10, 0, 4, 0, 2, 0, 23, /* supported_groups: P-256 */
        0, 13, 0, 4, 0, 2, 4, 3,  /* signature_algorithms: ecdsa_secp256r1_sha256 */
        0, 43, 0, 3, 2, 3, 4,     /* supported_versions: TLS 1.3 */
        0, 51, 0, 2, 0, 0};       /* key_share: none yet */
    uint8_t room[400];
    size_t sni = strlen(NAME), alpn = strlen(protocol), at = 0, ext;
    struct acme_buf b;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_put(&b, front, sizeof front);
    for (int i = 0; i < 32; i++)
        acme_buf_char(&b, (char)i);
    acme_buf_put(&b, rest, sizeof rest);
    at = b.len;
    acme_buf_put(&b, "\0\0", 2);
    acme_buf_put(
        &b, (uint8_t[]){0, 0, 0, (uint8_t)(sni + 5), 0, (uint8_t)(sni + 3), 0, 0, (uint8_t)sni}, 9);
    acme_buf_text(&b, NAME);
    acme_buf_put(
        &b, (uint8_t[]){0, 16, 0, (uint8_t)(alpn + 3), 0, (uint8_t)(alpn + 1), (uint8_t)alpn}, 7);
    acme_buf_text(&b, protocol);
    acme_buf_put(&b, groups, sizeof groups);
    ext = b.len - at - 2;
    room[at] = (uint8_t)(ext >> 8);
    room[at + 1] = (uint8_t)ext;
    room[3] = (uint8_t)((b.len - 5) >> 8);
    room[4] = (uint8_t)(b.len - 5);
    room[7] = (uint8_t)((b.len - 9) >> 8);
    room[8] = (uint8_t)(b.len - 9);
    return client(room, b.len);
}

TEST(the_listener_lives_as_long_as_a_challenge)
{
    fresh();
    CHECK_INT(net.listeners, 1);
    CHECK_INT(s->ops->poll(s), UINT32_MAX);
    CHECK_INT(s->ops->end(s, &challenge, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(net.listeners, 0);
    CHECK_INT(s->ops->poll(s), UINT32_MAX);
    net.listen_err = ACME_E_PORT_BUSY;
    CHECK_INT(s->ops->begin(s, &challenge), ACME_E_PORT_BUSY);
    CHECK_INT(t.live, 0);
    net.listen_err = 0;
    CHECK_INT(s->ops->begin(s, &challenge), ACME_OK);
    net.accept_err = ACME_E_NET; /* broken: made anew */
    CHECK_INT(s->ops->poll(s), 0);
    CHECK_INT(net.listeners, 0);
    net.accept_err = 0;
    CHECK_INT(s->ops->poll(s), UINT32_MAX);
    CHECK_INT(net.listeners, 1);
}

TEST(one_handshake_and_a_queue_before_it)
{
    struct peer *first, *second;

    fresh();
    first = asker(TLS_ALPN01_PROTOCOL);
    second = asker(TLS_ALPN01_PROTOCOL);
    run(50);
    CHECK(first->out_len > 0 && first->out[0] == 22); /* HelloRetryRequest */
    CHECK_INT(second->out_len, 0);
    CHECK_INT(second->in_at, second->in_len); /* read, and in line */
    CHECK_INT(t.handshakes, 1);
    run(TLS_ALPN01_TURN_MS); /* the first says nothing more: the second has its turn */
    CHECK(first->closed);
    CHECK(!second->closed && second->out_len > 0);
    CHECK_INT(t.handshakes, 1);
    CHECK_INT(s->ops->seen(s, &challenge), ACME_AGAIN);
    run(TLS_ALPN01_DEADLINE_MS); /* and nobody waits any more, so this is its end */
    CHECK(second->closed);
    CHECK_INT(t.handshakes, 0);
    CHECK_INT(s->ops->poll(s), UINT32_MAX);
}

static bool may_begin;
static int turns;

static bool turn(bool wanted)
{
    if (wanted && !may_begin)
        return false;
    turns += wanted ? 1 : -1;
    CHECK(turns == 0 || turns == 1);
    return true;
}

TEST(a_handshake_waits_until_the_memory_is_left_to_it)
{
    struct peer *p;

    fresh();
    t.turn = turn;
    may_begin = false;
    turns = 0;
    p = asker(TLS_ALPN01_PROTOCOL);
    run(1000);
    CHECK(!p->closed && p->in_at == p->in_len && p->out_len == 0);
    CHECK_INT(turns, 0);
    may_begin = true;
    run(50);
    CHECK(p->out_len > 0);
    CHECK_INT(turns, 1);
    run(TLS_ALPN01_DEADLINE_MS);
    CHECK(p->closed);
    CHECK_INT(turns, 0);
    /* what cannot be opened gives its turn back, too */
    s->ops->end(s, &challenge, ACME_OUTCOME_VALID);
    CHECK_INT(s->ops->begin(s, &challenge), ACME_OK);
    ta_forget(&t);
    world.clock_answer = ACME_E_CLOCK;
    p = asker(TLS_ALPN01_PROTOCOL);
    run(50);
    CHECK(p->closed);
    CHECK_INT(turns, 0);
}

TEST(who_is_silent_makes_room)
{
    struct peer *silent[3], *good;

    fresh();
    for (int i = 0; i < 3; i++)
        silent[i] = client("\x16\x03", 2);
    run(5);
    good = asker(TLS_ALPN01_PROTOCOL);
    run(TLS_ALPN01_GRACE_MS - 10);
    CHECK(!good->accepted);
    CHECK(s->ops->poll(s) <= TLS_ALPN01_GRACE_MS);
    run(20);
    CHECK(good->accepted && good->out_len > 0);
    CHECK(silent[0]->closed && !silent[1]->closed);
    run(TLS_ALPN01_DEADLINE_MS);
    CHECK(silent[1]->closed && silent[2]->closed);
}

TEST(strangers_get_an_alert_and_cost_no_session)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 120};
    struct peer *p;

    fresh();
    p = asker("h2");
    run(2);
    CHECK(p->closed);
    CHECK_INT(p->out_len, sizeof alert);
    CHECK_MEM(p->out, alert, sizeof alert);
    p = client("GET / HTTP/1.1\r\n\r\n", 18);
    run(2);
    CHECK(p->closed);
    CHECK_INT(p->out_len, 0);
    p = client("\x16\x03\x01\x08\x00\x01", 6); /* longer than the buffer */
    p->in_len = sizeof p->in;
    run(2);
    CHECK(p->closed);
    CHECK_INT(p->out_len, 0);
}

TEST(a_name_that_ends_takes_its_queue_along)
{
    struct peer *first, *second;

    fresh();
    first = asker(TLS_ALPN01_PROTOCOL);
    second = asker(TLS_ALPN01_PROTOCOL);
    run(50);
    CHECK_INT(s->ops->end(s, &challenge, ACME_OUTCOME_VALID), ACME_OK);
    run(TLS_ALPN01_TURN_MS + 30);
    CHECK(first->closed && second->closed);
    CHECK_INT(second->out_len, 0);
}

RUN()
