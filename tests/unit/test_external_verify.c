/* test_external_verify.c - the self-check of the external solver by HTTP, over a scripted network:
 * what it asks, which answers it takes for the proof, and peers that are slow, rude or endless */
#include "acme_err.h"
#include "external.h"
#include "test.h"

#define NAME  "www.example.net"
#define TOKEN "M7eaUb9BYXH8kb1IuTvjxcj5UmhZjbVrHfRHdhjatS4"
#define AUTH  TOKEN ".tRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0" /* 87 bytes: 0x57 */
#define OK    "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"

static struct {
    const char *reply;
    size_t reply_len, at;
    size_t piece; /* bytes at most that a call moves */
    bool hiccup;  /* every second call: not yet */
    bool endless; /* the last byte of the reply comes again and again */
    unsigned calls, live, opened;
    int connect_answer, send_answer; /* instead */
    int end;                         /* of the reply */
    char host[100], asked[1000];
    uint16_t port;
    size_t asked_len;
    uint64_t now;
} h;
static char room_bytes[EXTERNAL_LINE_MAX];
static struct acme_span room = {(uint8_t *)room_bytes, sizeof room_bytes};
static struct external_verify v;
static struct acme_challenge c;

static int connect_to(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    (void)ctx;
    if (h.connect_answer != ACME_OK)
        return h.connect_answer;
    snprintf(h.host, sizeof h.host, "%s", host);
    h.port = port;
    h.live++;
    h.opened++;
    *out = 7;
    return ACME_OK;
}

static int send_to(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx;
    CHECK(s == 7 && h.live == 1 && len > 0);
    if (h.send_answer != ACME_OK)
        return h.send_answer;
    if (h.hiccup && ++h.calls % 2 == 0)
        return ACME_AGAIN;
    len = len > h.piece ? h.piece : len;
    CHECK(h.asked_len + len < sizeof h.asked);
    memcpy(h.asked + h.asked_len, data, len);
    h.asked_len += len;
    h.asked[h.asked_len] = '\0';
    return (int)len;
}

static int recv_from(void *ctx, acme_sock s, void *data, size_t cap)
{
    size_t len = h.reply_len - h.at;

    (void)ctx;
    CHECK(s == 7 && h.live == 1 && cap > 0);
    CHECK(strstr(h.asked, "\r\n\r\n") != NULL); /* the whole request first */
    if (h.hiccup && ++h.calls % 2 == 0)
        return ACME_AGAIN;
    if (len == 0 && h.endless) {
        memset(data, h.reply[h.reply_len - 1], cap > h.piece ? h.piece : cap);
        return (int)(cap > h.piece ? h.piece : cap);
    }
    if (len == 0)
        return h.end;
    len = len > h.piece ? h.piece : len;
    len = len > cap ? cap : len;
    memcpy(data, h.reply + h.at, len);
    h.at += len;
    return (int)len;
}

static void hang_up(void *ctx, acme_sock s)
{
    (void)ctx;
    CHECK(s == 7 && h.live == 1);
    h.live--;
}

static uint64_t now_ms(void *ctx)
{
    (void)ctx;
    return h.now;
}

static const struct acme_net net = {
    .connect = connect_to, .send = send_to, .recv = recv_from, .close = hang_up};
static const struct acme_port port = {.net = &net, .now_ms = now_ms};

static void host(const char *reply, size_t len)
{
    memset(&h, 0, sizeof h);
    memset(&v, 0, sizeof v);
    v.sock = ACME_NO_SOCK;
    h.reply = reply;
    h.reply_len = len;
    h.piece = SIZE_MAX;
    h.end = ACME_E_CLOSED;
    h.now = 5000000000u;
    room.len = sizeof room_bytes;
    memset(&c, 0, sizeof c);
    c.type = ACME_CHALLENGE_HTTP01;
    c.identifier = NAME;
    c.id_type = ACME_ID_DNS;
    c.token = TOKEN;
    c.key_authorization = AUTH;
}

/* To its end, a call every 100 ms. Whatever it is, nothing is left open. */
static int check(void)
{
    int err = ACME_AGAIN;

    for (int i = 0; i < 2000 && err == ACME_AGAIN; i++) {
        err = external_verify(&v, &port, &c, 80, room);
        if (err == ACME_AGAIN)
            h.now += 100;
    }
    CHECK_INT(h.live, 0);
    CHECK(v.sock == ACME_NO_SOCK && !v.asked && v.len == 0 && v.sent == 0 && v.since_ms == 0);
    return err;
}

/* The same answer comes at once, in pieces of each size, and with pauses. */
static void same(const char *reply, size_t len, int want)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 2, 7, 60};

    for (size_t i = 0; i < 2 * sizeof pieces / sizeof pieces[0]; i++) {
        host(reply, len);
        h.piece = pieces[i / 2];
        h.hiccup = i % 2 == 1;
        /* A piece a call would take longer than there is time for. */
        for (int err = ACME_AGAIN; err == ACME_AGAIN;) {
            err = external_verify(&v, &port, &c, 80, room);
            if (err != ACME_AGAIN)
                CHECK_INT(err, want);
        }
        CHECK_INT(h.live, 0);
        CHECK_INT(h.opened, 1);
    }
}

static void answers(const char *reply, int want)
{
    same(reply, strlen(reply), want);
}

/* ---- what it asks ---- */

TEST(asks_as_a_ca)
{
    host(OK AUTH, strlen(OK AUTH));
    CHECK_INT(check(), ACME_OK);
    CHECK_STR(h.host, NAME);
    CHECK_INT(h.port, 80);
    CHECK_STR(h.asked, "GET /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\nHost: " NAME
                       "\r\nUser-Agent: lwacme/" ACME_VERSION
                       "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

TEST(addresses_are_asked_as_such)
{
    host(OK AUTH, strlen(OK AUTH));
    c.id_type = ACME_ID_IP;
    c.identifier = "192.0.2.7";
    CHECK_INT(check(), ACME_OK);
    CHECK_STR(h.host, "192.0.2.7");
    CHECK(strstr(h.asked, "\r\nHost: 192.0.2.7\r\n") != NULL);
    host(OK AUTH, strlen(OK AUTH));
    c.id_type = ACME_ID_IP;
    c.identifier = "2001:db8::1";
    CHECK_INT(check(), ACME_OK);
    CHECK_STR(h.host, "2001:db8::1"); /* without brackets, as the port wants it */
    CHECK(strstr(h.asked, "\r\nHost: [2001:db8::1]\r\n") != NULL);
}

/* The longest name and token fit into a line; into less room nothing is sent at all. */
TEST(the_request_fits_or_is_not_sent)
{
    static char name[254], token[ACME_MAX_TOKEN + 1];

    memset(name, 'n', sizeof name - 1);
    memset(token, 't', sizeof token - 1);
    host(OK AUTH, strlen(OK AUTH));
    c.identifier = name;
    c.token = token;
    CHECK_INT(check(), ACME_OK);
    CHECK(strstr(h.asked, token) != NULL && strstr(h.asked, name) != NULL);
    host(OK AUTH, strlen(OK AUTH));
    room.len = 100;
    CHECK_INT(check(), ACME_E_SIZE);
    CHECK_INT(h.opened, 1); /* and closed, says check */
    CHECK_INT(h.asked_len, 0);
}

/* ---- which answers are the proof ---- */

TEST(the_proof_is_there)
{
    answers(OK AUTH, ACME_OK);
    answers(OK AUTH "\n", ACME_OK);
    answers(OK AUTH " \t\r\n\r\n", ACME_OK); /* RFC 8555 8.3: white space behind it */
    answers("HTTP/1.0 200 OK\r\n\r\n" AUTH, ACME_OK);
    answers("HTTP/1.1 200\r\nContent-Length: 87\r\nContent-Type: text/html\r\n\r\n" AUTH, ACME_OK);
}

/* A CA's client takes the chunks for what they are, so they are no reason for a warning. */
TEST(the_proof_is_there_in_chunks)
{
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers(CHUNKED "57\r\n" AUTH "\r\n0\r\n\r\n", ACME_OK);
    answers(CHUNKED "2b\r\n" TOKEN
                    "\r\n2c;x=y\r\n.tRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0\r\n1\r\n\n\r\n"
                    "0\r\nX: y\r\n\r\n",
            ACME_OK);
    answers(CHUNKED "58\r\n" AUTH "x\r\n0\r\n\r\n", ACME_E_DECLINED);
    answers(CHUNKED "2b\r\n" TOKEN "\r\n0\r\n\r\n", ACME_E_DECLINED);
    answers(CHUNKED AUTH, ACME_E_HTTP);
}

TEST(the_answer_is_another_one)
{
    answers("HTTP/1.1 404 Not Found\r\n\r\n" AUTH, ACME_E_DECLINED);
    answers("HTTP/1.1 302 Found\r\nLocation: http://" NAME "/x\r\n\r\n", ACME_E_DECLINED);
    answers("HTTP/1.1 201 Created\r\n\r\n" AUTH, ACME_E_DECLINED);
    answers(OK, ACME_E_DECLINED);
    answers(OK "<html>" AUTH "</html>", ACME_E_DECLINED);
    answers(OK " " AUTH, ACME_E_DECLINED);
    answers(OK AUTH "x", ACME_E_DECLINED);
    answers(OK AUTH "\n\nx", ACME_E_DECLINED);
    answers(OK TOKEN ".uRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0", ACME_E_DECLINED);
    same(OK AUTH, strlen(OK AUTH) - 1, ACME_E_DECLINED);
    same(OK AUTH "\0", strlen(OK AUTH) + 1, ACME_E_DECLINED); /* NUL is no white space */
    same(OK AUTH "\f", strlen(OK AUTH) + 1, ACME_E_DECLINED);
}

/* What a web server says of a page that it has not is often more than there is room for. */
TEST(a_long_page_is_another_answer)
{
    static const char *const pages[] = {"HTTP/1.1 404 Not Found\r\n\r\n<", OK "<", OK AUTH "<",
                                        CHUNKED "ffffff\r\n<"};

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        host(pages[i], strlen(pages[i]));
        h.endless = true;
        CHECK_INT(check(), ACME_E_DECLINED);
        host(pages[i], strlen(pages[i]));
        h.endless = true;
        h.piece = 100;
        CHECK_INT(check(), ACME_E_DECLINED);
    }
}

/* ---- peers that do not speak HTTP, or not to the end ---- */

TEST(no_http)
{
    answers("", ACME_E_HTTP);
    answers("HTTP/1.1 200 O", ACME_E_HTTP);
    answers("HTTP/1.1 200 OK\r\nServer: x\r\n", ACME_E_HTTP); /* the head's end is missing */
    answers("SSH-2.0-OpenSSH_9.2\r\n", ACME_E_HTTP);
    answers("HTTP/2 200\r\n\r\n" AUTH, ACME_E_HTTP);
    answers("HTTP/1.1 200 OK\nServer: x\n\n" AUTH, ACME_E_HTTP);
    answers(AUTH, ACME_E_HTTP);
}

TEST(an_endless_head)
{
    host("HTTP/1.1 200 OK\r\nX: y", 20);
    h.endless = true;
    CHECK_INT(check(), ACME_E_SIZE);
}

TEST(no_connection)
{
    host(OK AUTH, strlen(OK AUTH));
    h.connect_answer = ACME_E_SIZE;
    CHECK_INT(check(), ACME_E_SIZE);
    host(OK AUTH, strlen(OK AUTH));
    h.send_answer = ACME_E_LOOKUP;
    CHECK_INT(check(), ACME_E_LOOKUP);
    host(OK AUTH, strlen(OK AUTH));
    h.send_answer = ACME_E_CLOSED; /* accepted and closed at once: there is no answer to judge */
    CHECK_INT(check(), ACME_E_CLOSED);
    host(OK AUTH, strlen(OK AUTH));
    h.end = ACME_E_NET; /* reset, so the end of the answer is not known */
    CHECK_INT(check(), ACME_E_NET);
}

/* ---- peers that take their time ---- */

static void takes(uint64_t ms)
{
    CHECK_INT(check(), ACME_E_TIMEOUT);
    CHECK_INT(h.now - 5000000000u, ms);
}

TEST(ten_seconds_and_no_more)
{
    host(OK AUTH, strlen(OK AUTH));
    h.send_answer = ACME_AGAIN; /* the connection is never made */
    takes(EXTERNAL_VERIFY_MS);
    host("", 0);
    h.end = ACME_AGAIN; /* it is, and nothing comes */
    takes(EXTERNAL_VERIFY_MS);
    host(OK AUTH, strlen(OK AUTH));
    h.end = ACME_AGAIN; /* the answer has no end */
    takes(EXTERNAL_VERIFY_MS);
    host(OK, strlen(OK));
    h.endless = true; /* a byte now and then: that is no reason to wait longer */
    h.piece = 1;
    h.hiccup = true;
    takes(EXTERNAL_VERIFY_MS);
}

/* A call does a bounded piece of work, however fast the other side is. */
TEST(a_fast_peer_does_not_hold_up_the_others)
{
    host(OK, strlen(OK));
    h.endless = true;
    h.piece = 1;
    CHECK_INT(external_verify(&v, &port, &c, 80, room), ACME_AGAIN);
    CHECK(h.asked_len > 0 && h.asked_len < 50);
    external_verify_stop(&v, &port);
    CHECK_INT(h.live, 0);
}

TEST(given_up_and_begun_anew)
{
    host(OK AUTH, strlen(OK AUTH));
    h.end = ACME_AGAIN;
    for (int i = 0; i < 5; i++)
        CHECK_INT(external_verify(&v, &port, &c, 80, room), ACME_AGAIN);
    external_verify_stop(&v, &port);
    CHECK_INT(h.live, 0);
    external_verify_stop(&v, &port); /* twice: no harm */
    h.at = h.asked_len = 0;
    h.end = ACME_E_CLOSED;
    CHECK_INT(check(), ACME_OK);
    CHECK_INT(h.opened, 2);
}

RUN()
