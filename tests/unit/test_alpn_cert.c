/* test_alpn_cert.c - the certificate of a proof by tls-alpn-01 (RFC 8737 3, RFC 8738 6), member by
 * member, and what keeps it from being made */
#include "acme_alpn_cert.h"

#include "crypto_world.h"
#include "proof_cert.h"
#include "test.h"

#define NAME "gw.example.org"

static struct acme_key key;
static uint8_t room[ACME_ALPN_CERT_MAX], digest[ACME_SHA256_SIZE];
static struct acme_slice cert;

static void fresh(enum acme_key_type type)
{
    world_reset();
    CHECK_INT(acme_key_make(&key, type), ACME_OK);
    CHECK_INT(acme_sha256("token.thumb", 11, digest), ACME_OK);
}

static int make_in(uint8_t *at, size_t len, const char *identifier, int64_t now)
{
    cert = acme_slice_of(room, 1);
    return acme_alpn_cert_write((struct acme_span){at, len}, identifier, digest, &key, now, &cert);
}

static int make(const char *identifier, int64_t now)
{
    return make_in(room, sizeof room, identifier, now);
}

/* The members of TBSCertificate (RFC 5280 4.1), in their order. */
struct read {
    struct acme_slice version, serial, algorithm, issuer, validity, subject, key, extensions;
};

static void take(struct acme_slice *from, uint8_t tag, struct acme_slice *out)
{
    uint8_t got = 0;

    CHECK(acme_der_read(from, &got, out, NULL));
    CHECK_INT(got, tag);
}

static struct read read_cert(void)
{
    struct acme_slice in = cert, all, body;
    struct read r;

    take(&in, ACME_DER_SEQUENCE, &all);
    CHECK_INT(in.len, 0);
    take(&all, ACME_DER_SEQUENCE, &body);
    take(&body, ACME_DER_CONTEXT(0), &r.version);
    take(&body, ACME_DER_INTEGER, &r.serial);
    take(&body, ACME_DER_SEQUENCE, &r.algorithm);
    take(&body, ACME_DER_SEQUENCE, &r.issuer);
    take(&body, ACME_DER_SEQUENCE, &r.validity);
    take(&body, ACME_DER_SEQUENCE, &r.subject);
    take(&body, ACME_DER_SEQUENCE, &r.key);
    take(&body, ACME_DER_CONTEXT(3), &r.extensions);
    CHECK_INT(body.len, 0);
    return r;
}

/* CAs refuse other extensions beside these two, and more than one name. */
TEST(two_extensions_and_no_more)
{
    static const uint8_t acme[] = {6, 8, 0x2b, 6, 1,  5, 5, 7, 1, 31, /* id-pe-acmeIdentifier */
                                   1, 1, 0xff, 4, 34, 4, 32};         /* critical; the digest */
    static const uint8_t san[] = {6, 3, 0x55, 0x1d, 0x11, 4, 18, 0x30, 16, 0x82, 14};
    struct acme_slice list, one, two;
    struct read r;

    fresh(ACME_KEY_P256);
    CHECK_INT(make(NAME, WORLD_NOW), ACME_OK);
    r = read_cert();
    CHECK(r.version.len == 3 && memcmp(r.version.ptr, "\x02\x01\x02", 3) == 0);
    CHECK(r.issuer.len == r.subject.len && memcmp(r.issuer.ptr, r.subject.ptr, r.issuer.len) == 0);
    take(&r.extensions, ACME_DER_SEQUENCE, &list);
    CHECK_INT(r.extensions.len, 0);
    take(&list, ACME_DER_SEQUENCE, &one);
    take(&list, ACME_DER_SEQUENCE, &two);
    CHECK_INT(list.len, 0);
    if (one.len == sizeof acme + sizeof digest) { /* in either order */
        struct acme_slice other = one;
        one = two;
        two = other;
    }
    CHECK_INT(one.len, sizeof san + strlen(NAME));
    CHECK_MEM(one.ptr, san, sizeof san);
    CHECK_MEM(one.ptr + sizeof san, NAME, strlen(NAME));
    CHECK_INT(two.len, sizeof acme + sizeof digest);
    CHECK_MEM(two.ptr, acme, sizeof acme);
    CHECK_MEM(two.ptr + sizeof acme, digest, sizeof digest);
}

TEST(every_kind_of_key)
{
    enum acme_key_type types[] = {ACME_KEY_P256, world_p384(), ACME_KEY_RSA2048};
    static uint8_t large[2000];

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        fresh(types[i]);
        CHECK_INT(make_in(large, sizeof large, NAME, WORLD_NOW), ACME_OK);
        CHECK(cert.ptr >= large && cert.ptr + cert.len <= large + sizeof large);
        (void)read_cert();
        if (types[i] == ACME_KEY_P256)
            check_cert(cert, acme_slice_of(key.der, key.len), "token.thumb");
    }
}

/* A positive number of 127 bits or more, in at most 20 bytes (RFC 5280 4.1.2.2): another one each
 * time. */
TEST(serial_numbers)
{
    uint8_t before[16] = {0};

    fresh(ACME_KEY_P256);
    for (int i = 0; i < 20; i++) {
        struct read r;

        CHECK_INT(make(NAME, WORLD_NOW), ACME_OK);
        r = read_cert();
        if (r.serial.ptr[0] == 0)
            r.serial = acme_slice_of(r.serial.ptr + 1, r.serial.len - 1);
        else
            CHECK(r.serial.ptr[0] < 0x80);
        CHECK_INT(r.serial.len, 16);
        CHECK(r.serial.ptr[0] >= 0x40);
        CHECK(memcmp(r.serial.ptr, before, 16) != 0);
        memcpy(before, r.serial.ptr, 16);
    }
}

static void valid(int64_t now, const char *from, const char *to)
{
    struct acme_slice at;
    struct read r;

    CHECK_INT(make(NAME, now), ACME_OK);
    r = read_cert();
    for (int i = 0; i < 2; i++) {
        const char *want = i == 0 ? from : to;

        take(&r.validity, strlen(want) == 13 ? ACME_DER_UTC_TIME : ACME_DER_GENERAL_TIME, &at);
        if (!acme_slice_is(at, want))
            test_stop(TEST_FAILED, "%.*s, not %s", (int)at.len, (const char *)at.ptr, want);
    }
    CHECK_INT(r.validity.len, 0);
}

/* A day before until a week after, and nothing before 1970. */
TEST(validity)
{
    fresh(ACME_KEY_P256);
    valid(1795000000, "261117110640Z", "261125110640Z");
    valid(1709164800, "240228000000Z", "240307000000Z"); /* 2024-02-29 */
    valid(2524607999, "491230235959Z", "20500107235959Z");
    valid(4102444800, "20991231000000Z", "21000108000000Z");
    valid(86401, "700101000001Z", "700109000001Z");
    valid(86400, "700101000000Z", "700109000000Z");
    valid(10, "700101000000Z", "700108000010Z");
    valid(0, "700101000000Z", "700108000000Z");
}

/* In every room that is too small it says so, and touches nothing beyond. */
TEST(every_room)
{
    uint8_t *exact;
    size_t len;

    fresh(ACME_KEY_P256);
    CHECK_INT(make(NAME, WORLD_NOW), ACME_OK);
    len = cert.len;
    for (size_t n = 0; n < len + 20; n++) {
        int err;

        exact = malloc(n + 1); /* a sanitizer sees what is behind it */
        CHECK(exact != NULL);
        exact[n] = 0xa5;
        err = make_in(exact, n, NAME, WORLD_NOW);
        /* Signatures and serial numbers differ by a byte or two. */
        CHECK(err == ACME_OK ? n + 10 >= len : err == ACME_E_SIZE && n <= len + 10);
        CHECK(err == ACME_OK ? cert.ptr >= exact && cert.ptr + cert.len <= exact + n
                             : cert.len == 0);
        CHECK_INT(exact[n], 0xa5);
        free(exact);
    }
}

TEST(what_cannot_be_written)
{
    static const char *const bad[] = {"", "-x-", "a b", "192.0.2.256", "a..b"};

    fresh(ACME_KEY_P256);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(make(bad[i], WORLD_NOW), ACME_E_NAME);
        CHECK_INT(cert.len, 0);
    }
    world.entropy_answer = ACME_AGAIN;
    acme_crypto_seed_from(&world_port); /* from the beginning */
    CHECK_INT(make(NAME, WORLD_NOW), ACME_AGAIN);
    CHECK_INT(cert.len, 0);
    world.entropy_answer = ACME_E_ENTROPY;
    CHECK_INT(make(NAME, WORLD_NOW), ACME_E_ENTROPY);
    world.entropy_answer = ACME_OK;
    CHECK_INT(make(NAME, WORLD_NOW), ACME_OK);
    acme_key_wipe(&key);
    CHECK(make(NAME, WORLD_NOW) < ACME_AGAIN); /* no key */
    CHECK_INT(cert.len, 0);
}

RUN()
