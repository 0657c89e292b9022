/* test_tls_alpn01.c - the certificate of tls-alpn-01, what is read of a ClientHello, the look-up
 * for an application, and the responder over an in-memory network and a virtual clock. Whole
 * handshakes, and the certificate as OpenSSL reads it, are in tests/interop/test_tlsalpn.py. */
#include "tls_alpn01.h"

#include "acme_cert.h"
#include "acme_err.h"
#include "acme_name.h"
#include "acme_tls_hello.h"
#include "crypto_world.h"
#include "proof_cert.h"
#include "test.h"

#define NAME    "gw.example.org"
#define TOKEN   "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define TOKEN2  "DGyRejmCefe7v4NfDGDKfA-_zzzzzzzzzz"
#define THUMB   "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define THUMB2  "MzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define KEYAUTH TOKEN "." THUMB
#define OURS    "\x0a" TLS_ALPN01_PROTOCOL

/* ---- a ClientHello ---- */

static uint8_t hello_room[600];

static void put_number(struct acme_buf *b, size_t value, int width)
{
    while (width-- > 0)
        acme_buf_char(b, (char)(value >> (8 * width)));
}

/* sni and alpn NULL: without; more: bytes of extensions behind them. */
static struct acme_slice hello_of(const char *sni, const char *alpn, struct acme_slice more)
{
    uint8_t room[400];
    struct acme_buf b, e;

    acme_buf_init(&e, room, sizeof room);
    if (sni != NULL) {
        put_number(&e, 0, 2);
        put_number(&e, strlen(sni) + 5, 2);
        put_number(&e, strlen(sni) + 3, 2);
        put_number(&e, 0, 1);
        put_number(&e, strlen(sni), 2);
        acme_buf_text(&e, sni);
    }
    if (alpn != NULL) {
        put_number(&e, 16, 2);
        put_number(&e, strlen(alpn) + 2, 2);
        put_number(&e, strlen(alpn), 2);
        acme_buf_text(&e, alpn);
    }
    acme_buf_put(&e, more.ptr, more.len);
    acme_buf_init(&b, hello_room, sizeof hello_room);
    acme_buf_put(&b, "\x16\x03\x01", 3);
    put_number(&b, 4 + 34 + 1 + 4 + 2 + 2 + e.len, 2);
    put_number(&b, 1, 1);
    put_number(&b, 34 + 1 + 4 + 2 + 2 + e.len, 3);
    acme_buf_put(&b, "\x03\x03", 2);
    for (int i = 0; i < 32; i++)
        acme_buf_char(&b, (char)i);
    put_number(&b, 0, 1);
    acme_buf_put(&b, "\x00\x02\x13\x01", 4);
    acme_buf_put(&b, "\x01\x00", 2);
    put_number(&b, e.len, 2);
    acme_buf_put(&b, e.ptr, e.len);
    CHECK(!b.overflow && !e.overflow);
    return acme_buf_slice(&b);
}

static const struct acme_slice none;

TEST(a_client_hello_is_read)
{
    struct acme_tls_hello hello;
    struct acme_slice all = hello_of(NAME, OURS, none);

    CHECK_INT(acme_tls_hello_read(all, &hello), all.len);
    CHECK(acme_slice_is(hello.sni, NAME));
    CHECK(acme_slice_is(hello.alpn, OURS));
    CHECK(acme_tls_alpn_is(hello.alpn, TLS_ALPN01_PROTOCOL));
    for (size_t n = 0; n < all.len; n++) {
        CHECK_INT(acme_tls_hello_read(acme_slice_of(all.ptr, n), &hello), ACME_AGAIN);
        CHECK_INT(hello.sni.len + hello.alpn.len, 0);
    }
    all = hello_of(NULL, NULL, none);
    CHECK_INT(acme_tls_hello_read(all, &hello), all.len);
    CHECK_INT(hello.sni.len + hello.alpn.len, 0);
    CHECK(!acme_tls_alpn_is(hello.alpn, TLS_ALPN01_PROTOCOL));
}

TEST(what_is_no_client_hello_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"G", 1},
        {"\x16\x02", 2},
        {"\x16\x03\x01\x00\x03", 5},         /* shorter than any */
        {"\x16\x03\x01\x40\x01", 5},         /* longer than a record */
        {"\x16\x03\x01\x00\x40\x02", 6},     /* a ServerHello */
        {"\x80\x2e\x01\x03\x01", 5},         /* SSL 2 */
        {"\x15\x03\x01\x00\x02\x02\x28", 7}, /* an alert */
    };
    static const struct {
        const char *bytes;
        size_t len;
    } extension[] = {
        {"\x00", 1},
        {"\x00\x2b\x00\x05\x01", 5},                   /* longer than what is there */
        {"\x00\x00\x00\x06\x00\x04\x00\x00\x01x", 10}, /* a second name list */
        {"\x00\x10\x00\x05\x00\x03\x02h2", 9},         /* a second protocol list */
        {"\x00\x10\x00\x04\x00\x03\x02h", 8},
        {"\x00\x10", 2},
    };
    static const struct {
        const char *bytes;
        size_t len;
    } alone[] = {
        {"\x00\x00\x00\x00", 4},                                    /* an empty list of names */
        {"\x00\x00\x00\x05\x00\x03\x00\x00\x00", 9},                /* an empty name */
        {"\x00\x00\x00\x06\x00\x04\x01\x00\x01x", 10},              /* no host_name */
        {"\x00\x00\x00\x0a\x00\x08\x00\x00\x01x\x00\x00\x01y", 14}, /* two names */
        {"\x00\x10\x00\x02\x00\x00", 6},                            /* no protocol */
        {"\x00\x10\x00\x03\x00\x01\x00", 7},                        /* an empty one */
        {"\x00\x10\x00\x05\x00\x03\x03h2", 9},
    };
    struct acme_tls_hello hello;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(acme_tls_hello_read(acme_slice_of(bad[i].bytes, bad[i].len), &hello), ACME_E_TLS);
    for (size_t i = 0; i < sizeof extension / sizeof extension[0]; i++) {
        struct acme_slice more = acme_slice_of(extension[i].bytes, extension[i].len);

        CHECK_INT(acme_tls_hello_read(hello_of(NAME, OURS, more), &hello), ACME_E_TLS);
        CHECK_INT(hello.sni.len + hello.alpn.len, 0);
    }
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        struct acme_slice more = acme_slice_of(alone[i].bytes, alone[i].len);

        CHECK_INT(acme_tls_hello_read(hello_of(NULL, NULL, more), &hello), ACME_E_TLS);
    }
}

/* Any byte changed to anything: an answer, and slices that lie within. (Sanitizers watch.) */
TEST(a_client_hello_with_a_wrong_byte_harms_nobody)
{
    struct acme_slice all = hello_of(NAME, OURS, none);
    unsigned refused = 0;

    for (size_t at = 0; at < all.len; at++) {
        for (int to = 0; to < 256; to += 5) {
            uint8_t was = hello_room[at];
            uint8_t *copy = malloc(all.len);
            struct acme_tls_hello hello;
            int n;

            hello_room[at] = (uint8_t)to;
            memcpy(copy, hello_room, all.len);
            n = acme_tls_hello_read(acme_slice_of(copy, all.len), &hello);
            CHECK(n == ACME_AGAIN || n == ACME_E_TLS || (n > 0 && (size_t)n <= all.len));
            CHECK(hello.sni.len == 0 ||
                  (hello.sni.ptr > copy && hello.sni.ptr + hello.sni.len <= copy + all.len));
            CHECK(hello.alpn.len == 0 ||
                  (hello.alpn.ptr > copy && hello.alpn.ptr + hello.alpn.len <= copy + all.len));
            refused += n == ACME_E_TLS;
            free(copy);
            hello_room[at] = was;
        }
    }
    CHECK(refused > 500);
}

TEST(the_reverse_name_of_an_address)
{
    static const uint8_t four[] = {192, 0, 2, 10};
    static const uint8_t six[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd};
    char text[ACME_REVERSE_TEXT];

    acme_name_reverse(four, 4, text);
    CHECK_STR(text, "10.2.0.192.in-addr.arpa");
    acme_name_reverse(six, 16, text);
    CHECK_STR(text, "d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    CHECK_INT(strlen(text), ACME_REVERSE_TEXT - 1);
}

/* ---- the responder, without a network ---- */

static struct tls_alpn01 t;
static struct acme_solver *s;

static struct acme_challenge challenge_of(const char *name, const char *token, const char *text)
{
    struct acme_challenge c = {.type = ACME_CHALLENGE_TLSALPN01,
                               .identifier = name,
                               .id_type = ACME_ID_DNS,
                               .token = token,
                               .key_authorization = text,
                               .account_url = "https://ca.test/1"};
    return c;
}

static int begin(const char *name, const char *token, const char *text)
{
    struct acme_challenge c = challenge_of(name, token, text);

    return s->ops->begin(s, &c);
}

static int end(const char *name, const char *token)
{
    struct acme_challenge c = challenge_of(name, token, "");

    return s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN);
}

static void fresh(void)
{
    world_reset();
    acme_crypto_seed_from(&world_port);
    s = tls_alpn01_init(&t, &world_port, NULL, 0);
}

static int look(const char *alpn, const char *sni, struct acme_slice *cert, struct acme_slice *key)
{
    return tls_alpn01_lookup(&t, acme_slice_text(alpn), acme_slice_text(sni), cert, key);
}

TEST(an_application_gets_the_certificate)
{
    static const char san[] = "\x30\x10\x82\x0e" NAME;
    struct acme_slice cert, key, again, none_key;

    fresh();
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_E_DECLINED);
    CHECK_INT(begin(NAME, TOKEN, KEYAUTH), ACME_OK);
    CHECK(s->ops->poll == NULL && s->ops->seen == NULL);
    CHECK_INT(s->ops->needs, ACME_NEEDS_TLS_MEMORY);
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_OK);
    check_cert(cert, key, KEYAUTH);
    CHECK(contains(cert, san, sizeof san - 1));
    CHECK_INT(look(OURS, "GW.example.ORG", &again, &key), ACME_OK);
    CHECK(again.ptr == cert.ptr && again.len == cert.len);
    CHECK_INT(look("", NAME, &cert, &none_key), ACME_E_DECLINED);
    CHECK_INT(cert.len + none_key.len, 0);
    CHECK_INT(look("\x02h2", NAME, &cert, &key), ACME_E_DECLINED);
    CHECK_INT(look(OURS "\x02h2", NAME, &cert, &key), ACME_E_DECLINED);
    CHECK_INT(look("\x02h2" OURS, NAME, &cert, &key), ACME_E_DECLINED);
    CHECK_INT(look("\x0b"
                   "acme-tls/1x",
                   NAME, &cert, &key),
              ACME_E_DECLINED);
    CHECK_INT(look(OURS, "", &cert, &key), ACME_E_DECLINED);
    CHECK_INT(look(OURS, "x" NAME, &cert, &key), ACME_E_DECLINED);
    CHECK_INT(look(OURS, NAME ".", &cert, &key), ACME_E_DECLINED);
    CHECK_INT(end(NAME, TOKEN), ACME_OK);
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_E_DECLINED);
    for (size_t i = 0; i < sizeof t.key; i++)
        CHECK_INT(t.key[i], 0); /* the key is gone */
}

TEST(an_address_is_asked_for_by_its_reverse_name)
{
    static const uint8_t four[] = {0x30, 6, 0x87, 4, 192, 0, 2, 7};
    static const uint8_t six[] = {0x30, 18, 0x87, 16, 0x20, 1, 0xd, 0xb8, 0, 0,
                                  0,    0,  0,    0,  0,    0, 0,   0,    0, 1};
    struct acme_slice cert, key;

    fresh();
    CHECK_INT(begin("192.0.2.7", TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(begin("2001:db8::1", TOKEN2, TOKEN2 "." THUMB), ACME_OK);
    CHECK_INT(look(OURS, "7.2.0.192.in-addr.arpa", &cert, &key), ACME_OK);
    check_cert(cert, key, KEYAUTH);
    CHECK(contains(cert, four, sizeof four));
    CHECK_INT(look(OURS, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.arpa",
                   &cert, &key),
              ACME_OK);
    check_cert(cert, key, TOKEN2 "." THUMB);
    CHECK(contains(cert, six, sizeof six));
    CHECK_INT(look(OURS, "192.0.2.7", &cert, &key), ACME_E_DECLINED);
    CHECK_INT(look(OURS, "8.2.0.192.in-addr.arpa", &cert, &key), ACME_E_DECLINED);
}

TEST(each_challenge_has_a_key_of_its_own)
{
    struct acme_slice cert, key;
    uint8_t first[TLS_ALPN01_KEY_MAX];
    size_t len;

    fresh();
    CHECK_INT(begin(NAME, TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_OK);
    memcpy(first, key.ptr, len = key.len);
    CHECK_INT(begin(NAME, TOKEN, KEYAUTH), ACME_OK); /* again: no harm */
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_OK);
    CHECK(key.len == len && memcmp(key.ptr, first, len) == 0);
    CHECK_INT(begin(NAME, TOKEN, TOKEN "." THUMB2), ACME_OK); /* another account's */
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_OK);
    check_cert(cert, key, TOKEN "." THUMB2);
    CHECK(key.len != len || memcmp(key.ptr, first, len) != 0);
    memcpy(first, key.ptr, len = key.len);
    CHECK_INT(begin("b.example.org", TOKEN2, TOKEN2 "." THUMB), ACME_OK);
    CHECK_INT(look(OURS, "b.example.org", &cert, &key), ACME_OK);
    check_cert(cert, key, TOKEN2 "." THUMB);
    CHECK(memcmp(key.ptr, first, len) != 0 || key.len != len);
}

TEST(what_begin_declines_and_refuses)
{
    struct acme_challenge c = challenge_of(NAME, TOKEN, KEYAUTH);
    struct acme_slice cert, key;
    char name[40];

    fresh();
    c.wildcard = true;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    c.wildcard = false;
    c.type = ACME_CHALLENGE_HTTP01;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    CHECK_INT(begin(NAME, TOKEN, TOKEN2 "." THUMB), ACME_E_ARG);
    CHECK_INT(begin(NAME, TOKEN, TOKEN "." THUMB "x"), ACME_E_ARG);
    CHECK_INT(begin(NAME, "short", "short." THUMB), ACME_E_ARG);
    CHECK_INT(begin(NAME, TOKEN, ""), ACME_E_ARG);
    world.clock_answer = ACME_E_CLOCK;
    CHECK_INT(begin(NAME, TOKEN, KEYAUTH), ACME_E_CLOCK);
    world.clock_answer = ACME_OK;
    world.entropy_answer = ACME_AGAIN;
    CHECK_INT(begin(NAME, TOKEN, KEYAUTH), ACME_AGAIN);
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_E_DECLINED);
    CHECK_INT(t.live, 0);
    world.entropy_answer = ACME_OK;
    CHECK_INT(begin(NAME, TOKEN, KEYAUTH), ACME_OK);
    /* Another challenge of the same name: the one that is live stays. */
    CHECK_INT(begin(NAME, TOKEN2, TOKEN2 "." THUMB), ACME_E_SOLVER);
    CHECK_INT(end(NAME, TOKEN2), ACME_OK);
    CHECK_INT(look(OURS, NAME, &cert, &key), ACME_OK);
    check_cert(cert, key, KEYAUTH);
    for (int i = 1; i < TLS_ALPN01_MAX_NAMES; i++) {
        snprintf(name, sizeof name, "n%d.example.org", i);
        CHECK_INT(begin(name, TOKEN, KEYAUTH), ACME_OK);
    }
    CHECK_INT(begin("more.example.org", TOKEN, KEYAUTH), ACME_E_SIZE);
    CHECK_INT(end("never.example.org", TOKEN), ACME_OK);
    CHECK_INT(end("", ""), ACME_OK);
    CHECK_INT(end(NAME, TOKEN), ACME_OK);
    CHECK_INT(end(NAME, TOKEN), ACME_OK); /* twice */
    CHECK_INT(begin("more.example.org", TOKEN, KEYAUTH), ACME_OK);
}

TEST(the_longest_name_fits)
{
    char name[ACME_NAME_ROOM];
    struct acme_slice cert, key;

    fresh();
    memset(name, 'a', sizeof name);
    for (size_t i = 60; i < 253; i += 60)
        name[i] = '.';
    name[253] = '\0';
    CHECK_INT(begin(name, TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(look(OURS, name, &cert, &key), ACME_OK);
    check_cert(cert, key, KEYAUTH);
    CHECK(cert.len <= ACME_ALPN_CERT_MAX);
    world.now = 2524607999; /* 2049-12-31T23:59:59Z: the two forms of a date (RFC 5280 4.1.2.5) */
    CHECK_INT(end(name, TOKEN), ACME_OK);
    CHECK_INT(begin(name, TOKEN, KEYAUTH), ACME_OK);
    CHECK_INT(look(OURS, name, &cert, &key), ACME_OK);
    CHECK(contains(cert,
                   "\x17\x0d"
                   "491230235959Z\x18\x0f"
                   "20500107235959Z",
                   32));
}

RUN()
