#include "test.h"

#include "crypto_world.h"
#include "vectors/jose.h"
#include "vectors/rfc6979.h"

static struct acme_key key, other;
static uint8_t spki_room[800];

static const enum acme_key_type all_types[] = {ACME_KEY_P256, ACME_KEY_P384, ACME_KEY_RSA2048,
                                               ACME_KEY_RSA3072, ACME_KEY_RSA4096};

static struct acme_slice spki_of(const struct acme_public *pub)
{
    struct acme_der d;

    acme_der_init(&d, spki_room, sizeof spki_room);
    acme_csr_public(&d, pub);
    return acme_der_slice(&d);
}

/* A bare SEC 1 key: no curve parameters unless told, no public part. */
static size_t sec1_of(const uint8_t *d, size_t len, enum acme_key_type type, uint8_t *out,
                      size_t cap)
{
    struct acme_slice oid = acme_key_curve(type);
    struct acme_der der;

    acme_der_init(&der, out, cap);
    acme_der_put(&der, ACME_DER_OID, oid.ptr, oid.len);
    acme_der_wrap(&der, 0, ACME_DER_CONTEXT(0));
    acme_der_put(&der, ACME_DER_OCTET_STRING, d, len);
    acme_der_small(&der, 1);
    acme_der_wrap(&der, 0, ACME_DER_SEQUENCE);
    memmove(out, der.at, acme_der_mark(&der));
    return acme_der_mark(&der);
}

static void digest_of(size_t size, const char *text, uint8_t *digest)
{
    struct acme_hash h;

    CHECK_INT(acme_hash_start(&h, size), ACME_OK);
    CHECK_INT(acme_hash_add(&h, text, strlen(text)), ACME_OK);
    CHECK_INT(acme_hash_end(&h, digest), ACME_OK);
}

TEST(sha2_vectors)
{
    static const struct {
        size_t size;
        const char *hex;
    } cases[] = {
        {32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {48, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
             "8086072ba1e7cc2358baeca134c825a7"},
        {64, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
             "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    uint8_t want[64], got[64];

    world_reset();
    for (size_t i = 0; i < 3; i++) {
        world_hex(cases[i].hex, want, sizeof want);
        digest_of(cases[i].size, "abc", got);
        CHECK_MEM(got, want, cases[i].size);
    }
    CHECK_INT(acme_sha256("abc", 3, got), ACME_OK);
    world_hex(cases[0].hex, want, sizeof want);
    CHECK_MEM(got, want, 32);
}

TEST(hash_in_pieces_is_the_same)
{
    uint8_t data[300], whole[32], pieces[32];
    struct acme_hash h;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    acme_sha256(data, sizeof data, whole);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        acme_hash_start(&h, 32);
        acme_hash_add(&h, data, cut);
        acme_hash_add(&h, data + cut, sizeof data - cut);
        acme_hash_end(&h, pieces);
        CHECK_MEM(pieces, whole, 32);
    }
}

TEST(hash_of_an_unknown_size)
{
    struct acme_hash h;
    uint8_t out[64];

    CHECK_INT(acme_hash_start(&h, 20), ACME_E_CONFIG);
    CHECK_INT(acme_hmac(20, acme_slice_text("k"), acme_slice_text("d"), out), ACME_E_CONFIG);
}

TEST(hmac_rfc4231_case_2)
{
    static const struct {
        size_t size;
        const char *hex;
    } cases[] = {
        {32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {48, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
             "8e2240ca5e69e2c78b3239ecfab21649"},
        {64, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
             "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    };
    uint8_t want[64], got[64];

    for (size_t i = 0; i < 3; i++) {
        world_hex(cases[i].hex, want, sizeof want);
        CHECK_INT(acme_hmac(cases[i].size, acme_slice_text("Jefe"),
                            acme_slice_text("what do ya want for nothing?"), got),
                  ACME_OK);
        CHECK_MEM(got, want, cases[i].size);
    }
    CHECK_INT(acme_hmac(32, acme_slice_text(""), acme_slice_text("x"), got), ACME_E_ARG);
}

TEST(ecdsa_rfc6979)
{
    world_reset();
    for (size_t i = 0; i < sizeof rfc6979 / sizeof rfc6979[0]; i++) {
        enum acme_key_type type = acme_key_type_from(rfc6979[i].name);
        size_t size = acme_key_digest_size(type);
        uint8_t d[48], want[96], digest[64], sig[ACME_SIGNATURE_MAX], der[200];
        struct acme_public pub;

        if (!acme_key_supported(type))
            continue;
        world_hex(rfc6979[i].d, d, sizeof d);
        CHECK_INT(acme_key_read(&key, acme_slice_of(der, sec1_of(d, size, type, der, sizeof der))),
                  ACME_OK);
        CHECK_INT(acme_key_public(&key, &pub), ACME_OK);
        world_hex(rfc6979[i].x, want, size);
        CHECK_MEM(pub.a, want, size);
        world_hex(rfc6979[i].y, want, size);
        CHECK_MEM(pub.b, want, size);
        digest_of(size, rfc6979[i].message, digest);
        CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig), 2 * size);
        world_hex(rfc6979[i].r, want, size);
        world_hex(rfc6979[i].s, want + size, size);
        CHECK_MEM(sig, want, 2 * size);
    }
}

TEST(ecdsa_needs_no_entropy)
{
    uint8_t digest[32] = {9}, a[64], b[64];

    world_reset();
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_OK);
    CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, a, sizeof a), 64);
    world.entropy_answer = ACME_E_ENTROPY;
    CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, b, sizeof b), 64);
    CHECK_MEM(a, b, 64);
}

TEST(key_types_by_name)
{
    CHECK_STR(acme_key_type_name(ACME_KEY_P384), "p384");
    CHECK_INT(acme_key_type_from("rsa3072"), ACME_KEY_RSA3072);
    CHECK_INT(acme_key_type_from("dsa"), ACME_KEY_NONE);
    for (size_t i = 0; i < 5; i++) {
        CHECK_INT(acme_key_type_from(acme_key_type_name(all_types[i])), all_types[i]);
        if (all_types[i] != ACME_KEY_P384) /* not with the old wolfSSL */
            CHECK(acme_key_supported(all_types[i]));
    }
    CHECK(!acme_key_supported(ACME_KEY_NONE));
    CHECK_INT(acme_key_make(&key, (enum acme_key_type)77), ACME_E_CONFIG);
}

TEST(made_keys_work_and_read_back)
{
    static const uint16_t len[] = {121, 167};

    world_reset();
    for (size_t i = 0; i < 5; i++) {
        uint8_t digest[64] = {1, 2, 3}, sig[ACME_SIGNATURE_MAX];
        size_t size = acme_key_digest_size(all_types[i]);
        struct acme_public pub;
        bool rsa = all_types[i] >= ACME_KEY_RSA2048;
        int n;

        if (!acme_key_supported(all_types[i])) {
            CHECK_INT(acme_key_make(&key, all_types[i]), ACME_E_CONFIG);
            continue;
        }
        CHECK_INT(acme_key_make(&key, all_types[i]), ACME_OK);
        CHECK_INT(key.type, all_types[i]);
        if (!rsa)
            CHECK_INT(key.len, len[i]);
        CHECK_INT(acme_key_read(&other, acme_slice_of(key.der, key.len)), ACME_OK);
        CHECK(acme_key_equal(&key, &other));
        CHECK_INT(acme_key_public(&key, &pub), ACME_OK);
        n = acme_key_sign(&key, digest, ACME_SIGNATURE_X509, sig, sizeof sig);
        CHECK(n > 0);
        CHECK_INT(acme_verify(spki_of(&pub), rsa, digest, size, acme_slice_of(sig, (size_t)n)),
                  ACME_OK);
        digest[31] ^= 1;
        CHECK_INT(acme_verify(spki_of(&pub), rsa, digest, size, acme_slice_of(sig, (size_t)n)),
                  ACME_E_CERT);
        digest[31] ^= 1;
        sig[n - 1] ^= 1;
        CHECK_INT(acme_verify(spki_of(&pub), rsa, digest, size, acme_slice_of(sig, (size_t)n)),
                  ACME_E_CERT);
        CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_X509, sig, 60), ACME_E_SIZE);
    }
}

/* A coordinate, r or s begins with a zero byte once in 256: with 400 keys the pad is seen often. */
TEST(padding_over_many_keys)
{
    unsigned short_x = 0, short_y = 0, short_r = 0, short_s = 0;

    world_reset();
    for (int i = 0; i < 400; i++) {
        uint8_t digest[32], raw[64];
        uint8_t der_room[80];
        struct acme_public pub;
        struct acme_der der;
        struct acme_slice sig;

        CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_public(&key, &pub), ACME_OK);
        CHECK_INT(pub.a_len, 32);
        CHECK_INT(pub.b_len, 32);
        for (int j = 0; j < 4; j++) {
            acme_sha256(&i, sizeof i, digest);
            digest[0] = (uint8_t)j;
            CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, raw, sizeof raw), 64);
            acme_der_init(&der, der_room, sizeof der_room);
            acme_der_uint(&der, raw + 32, 32);
            acme_der_uint(&der, raw, 32);
            acme_der_wrap(&der, 0, ACME_DER_SEQUENCE);
            sig = acme_der_slice(&der);
            CHECK_INT(acme_verify(spki_of(&pub), false, digest, 32, sig), ACME_OK);
            short_r += raw[0] == 0;
            short_s += raw[32] == 0;
        }
        short_x += pub.a[0] == 0;
        short_y += pub.b[0] == 0;
    }
    CHECK(short_x + short_y > 0); /* 0 of 800: once in 23 seeds; this one has some */
    CHECK(short_r > 0);
    CHECK(short_s > 0);
}

TEST(rs256_rfc7515_a2)
{
    uint8_t der[1300], digest[32], sig[ACME_SIGNATURE_MAX];
    char text[400];
    int n;

    world_reset();
    CHECK_INT(acme_key_read(&key, acme_slice_of(der, world_hex(jose_a2_key, der, sizeof der))),
              ACME_OK);
    CHECK_INT(key.type, ACME_KEY_RSA2048);
    acme_sha256(jose_a2_input, strlen(jose_a2_input), digest);
    n = acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig);
    CHECK_INT(n, 256);
    n = acme_b64url_encode(text, sizeof text, sig, 256);
    text[n] = '\0';
    CHECK_STR(text, jose_a2_signature);
}

TEST(es256_rfc7515_a3)
{
    uint8_t d[32], digest[32], raw[64], x[32], der[200], der_sig[80];
    struct acme_public pub;
    struct acme_der w;

    world_reset();
    acme_b64url_decode(d, 32, jose_a3_d, strlen(jose_a3_d));
    CHECK_INT(
        acme_key_read(&key, acme_slice_of(der, sec1_of(d, 32, ACME_KEY_P256, der, sizeof der))),
        ACME_OK);
    CHECK_INT(acme_key_public(&key, &pub), ACME_OK);
    acme_b64url_decode(x, 32, jose_a3_x, strlen(jose_a3_x));
    CHECK_MEM(pub.a, x, 32);
    acme_b64url_decode(x, 32, jose_a3_y, strlen(jose_a3_y));
    CHECK_MEM(pub.b, x, 32);
    acme_sha256(jose_a3_input, strlen(jose_a3_input), digest);
    CHECK_INT(acme_b64url_decode(raw, 64, jose_a3_signature, strlen(jose_a3_signature)), 64);
    acme_der_init(&w, der_sig, sizeof der_sig);
    acme_der_uint(&w, raw + 32, 32);
    acme_der_uint(&w, raw, 32);
    acme_der_wrap(&w, 0, ACME_DER_SEQUENCE);
    CHECK_INT(acme_verify(spki_of(&pub), false, digest, 32, acme_der_slice(&w)), ACME_OK);
}

/* --- keys from files ------------------------------------------------------------------------- */

static size_t pkcs8_of(const struct acme_key *k, uint8_t *out, size_t cap, bool rsa)
{
    static const uint8_t rsa_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
    static const uint8_t ec_oid[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1};
    struct acme_slice curve = acme_key_curve((enum acme_key_type)k->type);
    struct acme_der d;
    size_t mark;

    acme_der_init(&d, out, cap);
    acme_der_put(&d, ACME_DER_OCTET_STRING, k->der, k->len);
    mark = acme_der_mark(&d);
    if (rsa) {
        acme_der_put(&d, ACME_DER_NULL, NULL, 0);
        acme_der_put(&d, ACME_DER_OID, rsa_oid, sizeof rsa_oid);
    } else {
        acme_der_put(&d, ACME_DER_OID, curve.ptr, curve.len);
        acme_der_put(&d, ACME_DER_OID, ec_oid, sizeof ec_oid);
    }
    acme_der_wrap(&d, mark, ACME_DER_SEQUENCE);
    acme_der_small(&d, 0);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    memmove(out, d.at, acme_der_mark(&d));
    return acme_der_mark(&d);
}

TEST(pkcs8_is_unwrapped)
{
    static uint8_t der[2600];

    world_reset();
    acme_key_make(&key, world_p384());
    CHECK_INT(acme_key_read(&other, acme_slice_of(der, pkcs8_of(&key, der, sizeof der, false))),
              ACME_OK);
    CHECK(acme_key_equal(&key, &other));
    acme_key_make(&key, ACME_KEY_RSA2048);
    CHECK_INT(acme_key_read(&other, acme_slice_of(der, pkcs8_of(&key, der, sizeof der, true))),
              ACME_OK);
    CHECK(acme_key_equal(&key, &other));
    /* an RSA key that says that it is EC, and the other way round */
    CHECK_INT(acme_key_read(&other, acme_slice_of(der, pkcs8_of(&key, der, sizeof der, false))),
              ACME_E_CRYPTO);
    acme_key_make(&key, ACME_KEY_P256);
    CHECK_INT(acme_key_read(&other, acme_slice_of(der, pkcs8_of(&key, der, sizeof der, true))),
              ACME_E_CRYPTO);
}

TEST(halves_that_do_not_belong_together)
{
    static const uint8_t zero[32];
    uint8_t der[200];

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_key_make(&other, ACME_KEY_P256);
    memcpy(key.der + key.len - 64, other.der + other.len - 64, 64); /* its public part */
    CHECK_INT(acme_key_read(&other, acme_slice_of(key.der, key.len)), ACME_E_CRYPTO);
    CHECK_INT(other.type, ACME_KEY_NONE);
    CHECK_INT(
        acme_key_read(&key, acme_slice_of(der, sec1_of(zero, 32, ACME_KEY_P256, der, sizeof der))),
        ACME_E_CRYPTO);
    memset(der, 0xff, 32); /* above the order */
    memcpy(key.der, der, 32);
    CHECK_INT(acme_key_read(
                  &other, acme_slice_of(der, sec1_of(key.der, 32, ACME_KEY_P256, der, sizeof der))),
              ACME_E_CRYPTO);
}

TEST(rsa_numbers_that_do_not_belong_together)
{
    static uint8_t der[1300];
    size_t len;

    world_reset();
    len = world_hex(jose_a2_key, der, sizeof der);
    der[40] ^= 2; /* the modulus */
    CHECK_INT(acme_key_read(&key, acme_slice_of(der, len)), ACME_E_CRYPTO);
    der[40] ^= 2;
    der[len - 4] ^= 1; /* the CRT coefficient */
    CHECK_INT(acme_key_read(&key, acme_slice_of(der, len)), ACME_E_CRYPTO);
    der[len - 4] ^= 1;
    CHECK_INT(acme_key_read(&key, acme_slice_of(der, len)), ACME_OK);
}

TEST(damaged_key_at_every_byte)
{
    uint8_t der[121];

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    for (size_t i = 0; i < key.len; i++) {
        CHECK_INT(acme_key_read(&other, acme_slice_of(key.der, i)), ACME_E_CRYPTO); /* cut */
        memcpy(der, key.der, sizeof der);
        der[i] ^= 0x04;
        CHECK_INT(acme_key_read(&other, acme_slice_of(der, sizeof der)), ACME_E_CRYPTO);
    }
}

TEST(wiped_keys_do_not_sign)
{
    uint8_t digest[32] = {1}, sig[ACME_SIGNATURE_MAX];
    struct acme_public pub;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_key_wipe(&key);
    for (size_t i = 0; i < sizeof key.der; i++)
        CHECK_INT(key.der[i], 0);
    CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig), ACME_E_CRYPTO);
    CHECK_INT(acme_key_public(&key, &pub), ACME_E_CRYPTO);
    acme_key_make(&key, ACME_KEY_P256);
    key.home = ACME_KEY_DEVICE;
    CHECK_INT(acme_key_sign(&key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig), ACME_E_CRYPTO);
}

/* --- entropy --------------------------------------------------------------------------------- */

TEST(entropy_not_ready_is_not_yet)
{
    uint8_t bytes[16];

    world_reset();
    world.entropy_answer = ACME_AGAIN;
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_AGAIN);
    CHECK_INT(key.type, ACME_KEY_NONE);
    CHECK_INT(acme_random(bytes, sizeof bytes), ACME_AGAIN);
    CHECK_INT(acme_crypto_seed_state(), ACME_AGAIN);
    world.entropy_answer = ACME_OK;
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_OK);
    CHECK_INT(acme_crypto_seed_state(), ACME_OK);
}

TEST(entropy_failed_makes_no_key)
{
    uint8_t bytes[16];

    world_reset();
    world.entropy_answer = ACME_E_ENTROPY;
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_E_ENTROPY);
    CHECK_INT(acme_key_make(&key, ACME_KEY_RSA2048), ACME_E_ENTROPY);
    CHECK_INT(acme_random(bytes, sizeof bytes), ACME_E_ENTROPY);
    acme_crypto_seed_from(NULL);
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_E_ENTROPY);
}

/* A source that repeats itself is a broken one: wolfCrypt's own test of the seed sees it. */
static int stuck_entropy(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0x5a, len);
    return ACME_OK;
}

TEST(entropy_stuck_makes_no_key)
{
    struct acme_port stuck = {.entropy = stuck_entropy, .unix_time = world_time};

    world_reset();
    acme_crypto_seed_from(&stuck);
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_E_ENTROPY);
    world_reset();
}

TEST(random_bytes_differ)
{
    static uint8_t a[70000], b[70000];

    world_reset();
    CHECK_INT(acme_random(a, sizeof a), ACME_OK);
    CHECK_INT(acme_random(b, sizeof b), ACME_OK);
    CHECK(memcmp(a, b, sizeof a) != 0);
    CHECK(memcmp(a + sizeof a - 16, b, 16) != 0);
}

TEST(equal_and_wipe)
{
    uint8_t a[3] = {1, 2, 3}, b[3] = {1, 2, 3};

    CHECK(acme_equal(a, b, 3));
    b[2] = 4;
    CHECK(!acme_equal(a, b, 3));
    CHECK(acme_equal(a, b, 2));
    CHECK(acme_equal(a, b, 0));
    acme_wipe(a, 3);
    CHECK_INT(a[0] | a[1] | a[2], 0);
}

TEST(verify_refuses_nonsense)
{
    uint8_t digest[32] = {0}, sig[ACME_SIGNATURE_MAX + 1] = {0x30};
    struct acme_public pub;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_key_public(&key, &pub);
    CHECK_INT(acme_verify(spki_of(&pub), false, digest, 20, acme_slice_of(sig, 70)), ACME_E_ARG);
    CHECK_INT(acme_verify(spki_of(&pub), false, digest, 32, acme_slice_of(sig, 0)), ACME_E_CERT);
    CHECK_INT(acme_verify(spki_of(&pub), false, digest, 32, acme_slice_of(sig, sizeof sig)),
              ACME_E_CERT);
    CHECK_INT(acme_verify(spki_of(&pub), true, digest, 32, acme_slice_of(sig, 70)), ACME_E_CRYPTO);
    CHECK_INT(acme_verify(acme_slice_of(sig, 5), false, digest, 32, acme_slice_of(sig, 70)),
              ACME_E_CRYPTO);
}

RUN()
