/* test_key_stored.c - private keys whose bytes were damaged in storage, or never were a key */
#include "crypto_world.h"
#include "test.h"

static struct acme_key good;
static const uint8_t digest[64] = {7, 7, 7};

static void start(enum acme_key_type type)
{
    world_reset();
    CHECK_INT(acme_key_make(&good, type), ACME_OK);
}

/* A damaged key signs nothing, or as the whole one does (the byte did not matter); and what it says
 * about its public part has the right size or is refused. A disturbed RSA signature would give a
 * factor away. RSA says so itself; with ECDSA the CA would see a wrong signature. */
static void damaged(struct acme_key *key, bool rsa)
{
    uint8_t sig[ACME_SIGNATURE_MAX], right[ACME_SIGNATURE_MAX];
    struct acme_public pub, whole;
    int n, m = acme_key_sign(&good, digest, ACME_SIGNATURE_JWS, right, sizeof right);

    CHECK(m > 0);
    CHECK_INT(acme_key_public(&good, &whole), ACME_OK);
    n = acme_key_sign(key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig);
    CHECK(n == ACME_E_CRYPTO || n == m);
    if (n == m && rsa)
        CHECK_MEM(sig, right, (size_t)m);
    n = acme_key_public(key, &pub);
    CHECK(n == ACME_E_CRYPTO || (pub.a_len == whole.a_len && pub.b_len <= sizeof pub.b));
}

static void each_byte(enum acme_key_type type, unsigned step)
{
    bool rsa = type == ACME_KEY_RSA2048;

    start(type);
    for (unsigned at = 0; at < good.len; at += step) {
        struct acme_key key = good;

        key.der[at] ^= 0x41;
        damaged(&key, rsa);
        key = good;
        key.len = (uint16_t)at;
        damaged(&key, rsa);
        key.len = (uint16_t)(good.len + 1 + at);
        damaged(&key, rsa);
    }
}

TEST(each_byte_of_an_ec_key)
{
    each_byte(ACME_KEY_P256, 1);
    each_byte(world_p384(), 5);
}

TEST(each_byte_of_an_rsa_key)
{
    each_byte(ACME_KEY_RSA2048, 23);
}

TEST(a_type_that_is_another)
{
    static const uint8_t types[] = {ACME_KEY_NONE, ACME_KEY_P384, ACME_KEY_RSA2048,
                                    ACME_KEY_RSA4096, 77};
    uint8_t sig[ACME_SIGNATURE_MAX];
    struct acme_public pub;

    start(ACME_KEY_P256);
    for (size_t i = 0; i < sizeof types; i++) {
        struct acme_key key = good;

        key.type = types[i];
        CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig), ACME_E_CRYPTO);
        CHECK_INT(acme_key_public(&key, &pub), ACME_E_CRYPTO);
        CHECK(!acme_key_equal(&key, &good));
    }
    start(ACME_KEY_RSA2048);
    good.type = ACME_KEY_RSA4096;
    CHECK_INT(acme_key_sign(&good, digest, ACME_SIGNATURE_JWS, sig, sizeof sig), ACME_E_CRYPTO);
    CHECK_INT(acme_key_public(&good, &pub), ACME_E_CRYPTO);
}

TEST(a_home_that_is_elsewhere)
{
    uint8_t sig[ACME_SIGNATURE_MAX];
    struct acme_public pub;

    start(ACME_KEY_P256);
    good.home = ACME_KEY_DEVICE;
    CHECK_INT(acme_key_sign(&good, digest, ACME_SIGNATURE_JWS, sig, sizeof sig), ACME_E_CRYPTO);
    CHECK_INT(acme_key_public(&good, &pub), ACME_E_CRYPTO);
}

/* Keys are equal when all that they are is. */
TEST(equal_in_all_parts)
{
    struct acme_key other;
    struct acme_public a, b;

    start(ACME_KEY_P256);
    other = good;
    CHECK(acme_key_equal(&good, &other));
    other.home = ACME_KEY_DEVICE;
    CHECK(!acme_key_equal(&good, &other));
    other = good;
    other.len--;
    CHECK(!acme_key_equal(&good, &other));
    other = good;
    other.der[50] ^= 1;
    CHECK(!acme_key_equal(&good, &other));
    other.len = good.len = sizeof good.der + 1; /* no length is believed */
    CHECK(!acme_key_equal(&good, &good));
    start(ACME_KEY_P256);
    CHECK_INT(acme_key_public(&good, &a), ACME_OK);
    b = a;
    CHECK(acme_public_equal(&a, &b));
    b.a[31] ^= 1;
    CHECK(!acme_public_equal(&a, &b));
    b = a;
    b.b[0] ^= 1;
    CHECK(!acme_public_equal(&a, &b));
    b = a;
    b.b_len--;
    CHECK(!acme_public_equal(&a, &b));
    b = a;
    b.a_len--;
    CHECK(!acme_public_equal(&a, &b));
    b = a;
    b.type = ACME_KEY_P384;
    CHECK(!acme_public_equal(&a, &b));
}

/* What acme_key_read is given, in parts: SEC 1 within PKCS #8. */
#define D32   "0420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define CURVE "06082a8648ce3d030107"
#define EC    "06072a8648ce3d0201"
#define RSA   "06092a864886f70d010101"

TEST(what_is_no_key)
{
    static const char *const bad[] = {
        "",
        "0500",
        "3000",
        "3003020101",                                /* nothing behind the version */
        "3025020101" D32,                            /* SEC 1 without a curve */
        "3025020102" D32,                            /* another version */
        "302602020101" D32,                          /* ... in two bytes */
        "3031020101" D32 "a00a" CURVE "0500",        /* more behind the curve */
        "3031020101" D32 "a00c" CURVE "0500",        /* more within it */
        "302f020101" D32 "a00a04082a8648ce3d030107", /* it is no OID */
        "302f020101" D32 "a00a06082a8648ce3d030108", /* another curve */
        "300e0201010400a00a" CURVE,                  /* no number */
        "3035020101" D32 "a00a" CURVE "a1040402"
        "0004", /* a point that is none */
        "3035020101" D32 "a00a" CURVE "a1040302"
        "0004", /* ... and too short */
        "3025020100301306072a8648ce3d0201" CURVE "040b"
        "3009020101040401020304",
        "30150201003009" EC "040530030201"
        "01", /* PKCS #8 without a curve */
        "300b0201003000"
        "0404"
        "30020500", /* ... without an algorithm */
        "30140201003003020105"
        "040a"
        "30080201010403010203",
        "301202010030050603"
        "2a0304"
        "0406"
        "300402010105",
        "30120201003009" RSA "0400",
        "30130201003000",
        "30140201003009"
        "06072a8648ce3d0401"
        "0404"
        "30020500",
        "3013020100300b" RSA "0500", /* and no key in it */
        "3003020100",
        "3006020100020105", /* RSA, with two numbers */
    };

    world_reset();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t der[256];
        size_t len = world_hex(bad[i], der, sizeof der);
        struct acme_key key;

        memset(&key, 0xa5, sizeof key);
        if (acme_key_read(&key, acme_slice_of(der, len)) != ACME_E_CRYPTO)
            test_stop(TEST_FAILED, "number %zu is taken", i);
        CHECK_INT(key.type, ACME_KEY_NONE);
    }
}

TEST(a_key_without_its_point_is_completed)
{
    uint8_t der[128];
    size_t len = world_hex("3031020101" D32 "a00a" CURVE, der, sizeof der);
    struct acme_key key;
    struct acme_public pub;

    world_reset();
    CHECK_INT(acme_key_read(&key, acme_slice_of(der, len)), ACME_OK);
    CHECK_INT(key.len, 121);
    CHECK_INT(acme_key_public(&key, &pub), ACME_OK);
    CHECK_INT(pub.a[0], 0x60);
    CHECK_INT(pub.b[31], 0x99);
    key.der[1] = 49; /* and as stored it must be there */
    key.len = 51;
    CHECK_INT(acme_key_public(&key, &pub), ACME_E_CRYPTO);
}

RUN()
