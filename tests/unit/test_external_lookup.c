/* test_external_lookup.c - the self-check of the external solver by DNS: a TXT record at several
 * DNS servers, over a scripted network */
#include <stdlib.h>

#include "acme_crypto.h"
#include "acme_err.h"
#include "dns_msg.h"
#include "external.h"
#include "test.h"

#define NAME  "_acme-challenge.www.example.net"
#define VALUE "rwfX5jrRQXOiXLOgPL0RM4QtVx0oEIK_pA4Y4eSjqOI"

enum does { REFUSES, SILENT, CLOSES, FAILS, KNOWS, OTHER, NOTHING, ALIAS, RUBBISH, HUGE, LATER };

static struct {
    enum does servers[4];
    unsigned count, asked[4], live;
    uint8_t question[600], answer[8000];
    size_t question_len, answer_len, at;
    unsigned on; /* the server that is talked to */
    bool open;
    uint64_t now;
    uint16_t port;
} n;
static uint8_t room_bytes[EXTERNAL_LINE_MAX];
static const struct acme_span room = {room_bytes, sizeof room_bytes};
static struct external_verify v;

static int resolver(void *ctx, unsigned i, char *addr)
{
    (void)ctx;
    if (i >= n.count)
        return ACME_E_LOOKUP;
    snprintf(addr, ACME_ADDR_TEXT, "192.0.2.%u", i);
    return ACME_OK;
}

static int connect_to(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    (void)ctx;
    n.on = strncmp(host, "192.0.2.", 8) == 0 ? (unsigned)atoi(host + 8) : 0;
    n.port = port;
    n.asked[n.on]++;
    if (n.servers[n.on] == REFUSES)
        return ACME_E_NET;
    CHECK(!n.open);
    n.open = true;
    n.live++;
    n.question_len = n.answer_len = n.at = 0;
    *out = (acme_sock)(100 + n.on);
    return ACME_OK;
}

static void put_txt(struct acme_buf *b, const char *name, const char *value)
{
    uint8_t data[64];
    size_t len = strlen(value);

    data[0] = (uint8_t)len;
    memcpy(data + 1, value, len);
    dns_msg_add(b, DNS_ANSWER, name, DNS_TXT, DNS_IN, 60, acme_slice_of(data, len + 1));
}

static void make_answer(enum does does)
{
    uint8_t alias[DNS_NAME_ROOM];
    struct acme_buf b, name;

    acme_buf_init(&b, n.answer, sizeof n.answer);
    dns_msg_begin(&b, (uint16_t)dns_msg_get16(n.question + 2), 0x8180u | (does == FAILS ? 2 : 0));
    dns_msg_ask(&b, NAME, DNS_TXT);
    if (does == ALIAS) {
        acme_buf_init(&name, alias, sizeof alias);
        dns_msg_put_name(&name, "proofs.example.org");
        dns_msg_add(&b, DNS_ANSWER, NAME, DNS_CNAME, DNS_IN, 60, acme_slice_of(alias, name.len));
        put_txt(&b, "proofs.example.org", VALUE);
    }
    if (does == KNOWS || does == LATER || does == OTHER)
        put_txt(&b, NAME, "an-older-value");
    if (does == KNOWS || does == LATER)
        put_txt(&b, NAME, VALUE);
    CHECK(dns_msg_end(&b));
    n.answer_len = b.len;
    if (does == RUBBISH)
        memset(n.answer + 2, 0xff, n.answer_len - 2);
    if (does == HUGE)
        n.answer[0] = n.answer[1] = 0xff;
}

static int send_to(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx;
    CHECK(s == (acme_sock)(100 + n.on) && n.open);
    len = len > 7 ? 7 : len; /* in pieces */
    CHECK(n.question_len + len <= sizeof n.question);
    memcpy(n.question + n.question_len, data, len);
    n.question_len += len;
    if (n.question_len > 2 && n.question_len == 2 + dns_msg_get16(n.question))
        make_answer(n.servers[n.on]);
    return (int)len;
}

static int recv_from(void *ctx, acme_sock s, void *data, size_t cap)
{
    size_t len = n.answer_len - n.at;

    (void)ctx;
    CHECK(s == (acme_sock)(100 + n.on) && n.open);
    if (n.servers[n.on] == SILENT)
        return ACME_AGAIN;
    if (n.servers[n.on] == LATER) {
        n.servers[n.on] = KNOWS;
        return ACME_AGAIN;
    }
    if (n.servers[n.on] == CLOSES || len == 0)
        return ACME_E_CLOSED;
    len = len > 11 ? 11 : len;
    len = len > cap ? cap : len;
    memcpy(data, n.answer + n.at, len);
    n.at += len;
    return (int)len;
}

static void hang_up(void *ctx, acme_sock s)
{
    (void)ctx;
    (void)s;
    CHECK(n.open);
    n.open = false;
    n.live--;
}

static uint64_t now_ms(void *ctx)
{
    (void)ctx;
    return n.now;
}

static int entropy(void *ctx, void *out, size_t len)
{
    static uint64_t state;
    uint8_t *at = out;

    (void)ctx;
    for (size_t i = 0; i < len; i++) { /* different bytes each time, the same in every run */
        state = state * 6364136223846793005u + 1442695040888963407u;
        at[i] = (uint8_t)(state >> 56);
    }
    return ACME_OK;
}

static const struct acme_net net = {.resolver = resolver,
                                    .connect = connect_to,
                                    .send = send_to,
                                    .recv = recv_from,
                                    .close = hang_up};
static const struct acme_port port = {.net = &net, .now_ms = now_ms, .entropy = entropy};

static int look(void)
{
    int err = ACME_AGAIN;

    for (int i = 0; i < 100 && err == ACME_AGAIN; i++) {
        err = external_lookup(&v, &port, NAME, VALUE, room);
        n.now += 500;
    }
    CHECK_INT(n.live, 0);
    CHECK(v.sock == ACME_NO_SOCK && v.server == 0 && v.got == 0);
    return err;
}

static int servers(unsigned count, enum does a, enum does b, enum does c)
{
    acme_crypto_seed_from(&port);
    memset(&n, 0, sizeof n);
    memset(&v, 0, sizeof v);
    v.sock = ACME_NO_SOCK;
    n.count = count;
    n.servers[0] = a;
    n.servers[1] = b;
    n.servers[2] = n.servers[3] = c;
    return look();
}

TEST(lookup_found)
{
    CHECK_INT(servers(1, KNOWS, REFUSES, REFUSES), ACME_OK);
    CHECK_INT(n.port, 53);
    CHECK_INT(servers(1, LATER, REFUSES, REFUSES), ACME_OK);
    CHECK_INT(servers(1, ALIAS, REFUSES, REFUSES), ACME_OK);
}

/* Who knows is believed, and nobody else is asked. */
TEST(lookup_not_there)
{
    CHECK_INT(servers(2, OTHER, KNOWS, KNOWS), ACME_E_DECLINED);
    CHECK_INT(n.asked[1], 0);
    CHECK_INT(servers(1, NOTHING, REFUSES, REFUSES), ACME_E_DECLINED);
}

TEST(lookup_next_server)
{
    static const enum does bad[] = {REFUSES, SILENT, CLOSES, FAILS, RUBBISH, HUGE};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(servers(2, bad[i], KNOWS, KNOWS), ACME_OK);
        CHECK_INT(n.asked[0], 1);
        CHECK_INT(n.asked[1], 1);
        CHECK_INT(servers(4, bad[i], bad[i], OTHER), ACME_E_DECLINED);
        CHECK(servers(4, bad[i], bad[i], bad[i]) < ACME_AGAIN);
        CHECK_INT(n.asked[3], 0);
        CHECK(n.now <= 3u * (EXTERNAL_SERVER_MS + 1000u));
        CHECK(servers(1, bad[i], KNOWS, KNOWS) < ACME_AGAIN);
        CHECK_INT(n.asked[1], 0);
    }
}

TEST(lookup_nobody)
{
    static const struct acme_net blind = {.connect = connect_to};
    const struct acme_port none = {.net = &blind, .now_ms = now_ms};

    CHECK(servers(0, KNOWS, KNOWS, KNOWS) < ACME_AGAIN);
    CHECK_INT(external_lookup(&v, &none, NAME, VALUE, room), ACME_OK);
    CHECK_INT(servers(1, KNOWS, KNOWS, KNOWS), ACME_OK);
    CHECK_INT(external_lookup(&v, &port, "no name", VALUE, room), ACME_E_NAME);
}

/* Given up in the middle: nothing is left open. */
TEST(lookup_stopped)
{
    (void)servers(1, KNOWS, KNOWS, KNOWS);
    n.servers[0] = SILENT;
    CHECK_INT(external_lookup(&v, &port, NAME, VALUE, room), ACME_AGAIN);
    CHECK_INT(n.live, 1);
    external_verify_stop(&v, &port);
    CHECK_INT(n.live, 0);
}

RUN()
