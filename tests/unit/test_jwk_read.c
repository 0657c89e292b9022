/* Private keys as JWK: keys of ours written so and read back, with zeros, without, and damaged. */
#include "acme_jwk_read.h"

#include "acme_err.h"
#include "crypto_world.h"
#include "test.h"

static uint8_t arena[32768];
static char text[8192];
static const char *why;
static struct acme_key key;

static int read_text(const char *jwk)
{
    struct acme_span span = {arena, sizeof arena};

    why = "";
    return acme_jwk_read(&key, acme_slice_text(jwk), span, &why);
}

/* ,"name":"number": zeros -1: leading ones are left out; n: that many more. */
static void put(struct acme_buf *b, const char *name, struct acme_slice number, int zeros)
{
    uint8_t room[600] = {0};
    size_t more = zeros > 0 ? (size_t)zeros : 0;

    while (zeros < 0 && number.len > 0 && number.ptr[0] == 0)
        number = acme_slice_of(number.ptr + 1, number.len - 1);
    memcpy(room + more, number.ptr, number.len);
    acme_buf_text(b, ",\"");
    acme_buf_text(b, name);
    acme_buf_text(b, "\":\"");
    acme_buf_b64url(b, room, number.len + more);
    acme_buf_char(b, '"');
}

/* The JWK of a key, without the member `leave` (NULL: whole). */
static const char *jwk_of(const struct acme_key *k, int zeros, const char *leave)
{
    static const char *const rsa[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
    struct acme_slice der = acme_slice_of(k->der, k->len), in, number;
    struct acme_public pub;
    struct acme_buf b;
    bool is_rsa = k->type >= ACME_KEY_RSA2048;

    acme_buf_init(&b, text, sizeof text);
    acme_buf_text(&b, is_rsa ? "{\"kty\":\"RSA\"" : "{\"kty\":\"EC\"");
    CHECK(acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in));
    CHECK(acme_der_read_tag(&in, ACME_DER_INTEGER, &number)); /* the version */
    for (size_t i = 0; is_rsa && i < 8; i++) {
        CHECK(acme_der_read_tag(&in, ACME_DER_INTEGER, &number));
        if (leave == NULL || strcmp(leave, rsa[i]) != 0)
            put(&b, rsa[i], number, zeros);
    }
    if (!is_rsa) {
        CHECK(acme_der_read_tag(&in, ACME_DER_OCTET_STRING, &number));
        CHECK_INT(acme_key_public(k, &pub), ACME_OK);
        if (leave == NULL || strcmp(leave, "crv") != 0)
            acme_buf_text(&b,
                          k->type == ACME_KEY_P256 ? ",\"crv\":\"P-256\"" : ",\"crv\":\"P-384\"");
        if (leave == NULL || strcmp(leave, "d") != 0)
            put(&b, "d", number, zeros);
        if (leave == NULL || strcmp(leave, "x") != 0)
            put(&b, "x", acme_slice_of(pub.a, pub.a_len), zeros);
        if (leave == NULL || strcmp(leave, "y") != 0)
            put(&b, "y", acme_slice_of(pub.b, pub.b_len), zeros);
    }
    acme_buf_char(&b, '}');
    CHECK(acme_buf_end(&b));
    return text;
}

/* One key of each kind: RSA keys take long to make. */
static const struct acme_key *one(enum acme_key_type type)
{
    static struct acme_key keys[6];

    world_reset();
    if (keys[type].type != (uint8_t)type)
        CHECK_INT(acme_key_make(&keys[type], type), ACME_OK);
    return &keys[type];
}

TEST(every_kind)
{
    static const enum acme_key_type types[] = {ACME_KEY_P256, ACME_KEY_P384, ACME_KEY_RSA2048,
                                               ACME_KEY_RSA3072};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct acme_key *k;

        if (!acme_key_supported(types[i]))
            continue;
        k = one(types[i]);
        for (int zeros = -1; zeros < 3; zeros++) {
            CHECK_INT(read_text(jwk_of(k, zeros, NULL)), ACME_OK);
            CHECK(acme_key_equal(&key, k));
        }
    }
}

TEST(rfc7515_a3)
{
    CHECK_INT(read_text("{\"kty\":\"EC\",\"crv\":\"P-256\","
                        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
                        "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"),
              ACME_OK);
    CHECK_INT(key.type, ACME_KEY_P256);
}

/* Keys with a zero in front of each of their numbers. */
TEST(leading_zeros)
{
    unsigned seen = 0;

    world_reset();
    for (int i = 0; i < 20000 && seen != 7; i++) {
        struct acme_key k;
        struct acme_public pub;
        unsigned now;

        CHECK_INT(acme_key_make(&k, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_public(&k, &pub), ACME_OK);
        /* SEQUENCE, version, OCTET STRING: d begins at 7 */
        now = (pub.a[0] == 0 ? 1u : 0) | (pub.b[0] == 0 ? 2u : 0) | (k.der[7] == 0 ? 4u : 0);
        if ((now & ~seen) == 0)
            continue;
        seen |= now;
        for (int zeros = -1; zeros < 2; zeros++) {
            CHECK_INT(read_text(jwk_of(&k, zeros, NULL)), ACME_OK);
            CHECK(acme_key_equal(&key, &k));
        }
    }
    CHECK_INT(seen, 7);
}

static void refused(const char *jwk, int err, const char *words)
{
    static const struct acme_key none;

    CHECK_INT(read_text(jwk), err);
    if (strstr(why, words) == NULL)
        CHECK_STR(why, words);
    CHECK_MEM(&key, &none, sizeof key);
    for (size_t i = 0; i < sizeof arena; i++)
        CHECK_INT(arena[i], 0);
}

TEST(members_missing)
{
    static const char *const rsa[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
    static const char *const ec[] = {"x", "y", "d"};

    for (size_t i = 0; i < 8; i++)
        refused(jwk_of(one(ACME_KEY_RSA2048), 0, rsa[i]), ACME_E_CRYPTO, "without one");
    for (size_t i = 0; i < 3; i++)
        refused(jwk_of(one(ACME_KEY_P256), 0, ec[i]), ACME_E_CRYPTO, "without one");
    refused(jwk_of(one(ACME_KEY_P256), 0, "crv"), ACME_E_CONFIG, "another curve");
}

/* A digit of a number is another one: no key, and never another one. */
TEST(numbers_changed)
{
    static const enum acme_key_type types[] = {ACME_KEY_P256, ACME_KEY_RSA2048};

    for (size_t k = 0; k < 2; k++) {
        (void)jwk_of(one(types[k]), 0, NULL);
        for (char *at = strchr(text, ','); at != NULL; at = strchr(at + 1, ',')) {
            char *digit = strchr(at, ':') + 6, was = *digit;

            /* An RSA key with its primes is used without d. */
            if (strncmp(at, ",\"crv\"", 6) == 0 || (k == 1 && strncmp(at, ",\"d\"", 4) == 0))
                continue;
            *digit = was == 'A' ? 'B' : 'A';
            CHECK(read_text(text) != ACME_OK);
            CHECK_INT(key.type, ACME_KEY_NONE);
            *digit = was;
        }
        CHECK_INT(read_text(text), ACME_OK);
    }
}

TEST(not_a_key)
{
    refused("", ACME_E_JSON, "damaged JSON");
    refused("[]", ACME_E_JSON, "damaged JSON");
    refused("{\"kty\":\"RSA\"", ACME_E_JSON, "damaged JSON");
    refused("{}", ACME_E_CONFIG, "neither");
    refused("{\"kty\":7}", ACME_E_CONFIG, "neither");
    refused("{\"kty\":\"oct\",\"k\":\"AAAA\"}", ACME_E_CONFIG, "neither");
    refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", ACME_E_CONFIG, "neither");
    refused("{\"kty\":\"EC\",\"crv\":\"P-521\"}", ACME_E_CONFIG, "another curve");
    refused("{\"kty\":\"RSA\",\"oth\":[]}", ACME_E_CONFIG, "two primes");
    refused("{\"kty\":\"RSA\",\"n\":\"sXcb\"}", ACME_E_CONFIG, "2048");
    refused("{\"kty\":\"RSA\",\"n\":\"s+cb\"}", ACME_E_CRYPTO, "base64url");
    refused("{\"kty\":\"RSA\",\"n\":[\"sXcb\"]}", ACME_E_CRYPTO, "without one");
}

/* RSA 1024, 8192, and longer than that; numbers of a curve that are too long for it. */
TEST(sizes)
{
    static const size_t bytes[] = {128, 320, 513, 1024, 1025};
    static uint8_t number[1100];
    struct acme_buf b;

    memset(number, 0xa5, sizeof number);
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        acme_buf_init(&b, text, sizeof text);
        acme_buf_text(&b, "{\"kty\":\"RSA\",\"n\":\"");
        acme_buf_b64url(&b, number, bytes[i]);
        acme_buf_text(&b, "\"}");
        CHECK(acme_buf_end(&b));
        refused(text, bytes[i] > 1024 ? ACME_E_CRYPTO : ACME_E_CONFIG,
                bytes[i] > 1024 ? "8192" : "2048");
    }
    acme_buf_init(&b, text, sizeof text);
    acme_buf_text(&b, "{\"kty\":\"EC\",\"crv\":\"P-256\"");
    put(&b, "x", acme_slice_of(number, 33), 0);
    put(&b, "y", acme_slice_of(number, 32), 0);
    put(&b, "d", acme_slice_of(number, 32), 0);
    acme_buf_char(&b, '}');
    CHECK(acme_buf_end(&b));
    refused(text, ACME_E_CRYPTO, "not those of one key");
}

TEST(small_arenas)
{
    struct acme_span span = {arena, 0};
    struct acme_slice jwk = acme_slice_text(jwk_of(one(world_p384()), 0, NULL));
    int err = ACME_E_SIZE;

    for (; span.len < sizeof arena && err != ACME_OK; span.len += 8) {
        err = acme_jwk_read(&key, jwk, span, &why);
        CHECK(err == ACME_OK || err == ACME_E_SIZE);
    }
    CHECK_INT(err, ACME_OK);
    CHECK(span.len < 4096);
}

RUN()
