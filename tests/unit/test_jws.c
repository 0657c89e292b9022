#include "test.h"

#include "acme_jws.h"
#include "crypto_world.h"
#include "vectors/jose.h"

static struct acme_key key;
static uint8_t room[20000];
static struct acme_buf out;

static const char account[] = "https://ca.test/acme/acct/7";
static const char order[] = "https://ca.test/acme/new-order?x=%2F";

/* Takes member "name":"value" of the flattened JWS out, decoded; the JSON is ours, so it is found
 * by its text. */
static size_t part(const char *name, uint8_t *to, size_t cap)
{
    char pattern[32];
    const char *at, *end;
    int n;

    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    CHECK(acme_buf_end(&out));
    at = strstr((const char *)out.ptr, pattern);
    CHECK(at != NULL);
    at += strlen(pattern);
    end = strchr(at, '"');
    CHECK(end != NULL);
    n = acme_b64url_decode(to, cap, at, (size_t)(end - at));
    CHECK(n >= 0);
    return (size_t)n;
}

/* The signing input as it stands in the text. */
static void input_digest(size_t size, uint8_t *digest)
{
    struct acme_hash h;
    const char *a = strstr((const char *)out.ptr, "\"protected\":\"") + 13;
    const char *b = strstr((const char *)out.ptr, "\"payload\":\"") + 11;

    acme_hash_start(&h, size);
    acme_hash_add(&h, a, strcspn(a, "\""));
    acme_hash_add(&h, ".", 1);
    acme_hash_add(&h, b, strcspn(b, "\""));
    acme_hash_end(&h, digest);
}

static void verify_text(void)
{
    size_t size = acme_key_digest_size((enum acme_key_type)key.type);
    bool rsa = key.type >= ACME_KEY_RSA2048;
    uint8_t sig[600], digest[64], spki[800], der[160];
    struct acme_slice signature;
    struct acme_public pub;
    struct acme_der d;
    size_t n = part("signature", sig, sizeof sig);

    signature = acme_slice_of(sig, n);
    acme_key_public(&key, &pub);
    if (!rsa) {
        CHECK_INT(n, 2 * size);
        acme_der_init(&d, der, sizeof der);
        acme_der_uint(&d, sig + size, size);
        acme_der_uint(&d, sig, size);
        acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
        signature = acme_der_slice(&d);
    }
    acme_der_init(&d, spki, sizeof spki);
    acme_csr_public(&d, &pub);
    input_digest(size, digest);
    CHECK_INT(acme_verify(acme_der_slice(&d), rsa, digest, size, signature), ACME_OK);
}

TEST(thumbprint_rfc7638)
{
    struct acme_public pub;
    uint8_t digest[32];
    char text[64];
    int n;

    world_reset();
    memset(&pub, 0, sizeof pub);
    pub.type = ACME_KEY_RSA2048;
    n = acme_b64url_decode(pub.a, sizeof pub.a, jose_thumbprint_n, strlen(jose_thumbprint_n));
    CHECK_INT(n, 256);
    pub.a_len = 256;
    memcpy(pub.b, "\1\0\1", 3);
    pub.b_len = 3;
    acme_buf_init(&out, room, sizeof room);
    acme_jws_jwk(&out, &pub);
    acme_sha256(out.ptr, out.len, digest);
    n = acme_b64url_encode(text, sizeof text, digest, sizeof digest);
    text[n] = '\0';
    CHECK_STR(text, jose_thumbprint);
}

TEST(thumbprint_of_each_key)
{
    char text[ACME_THUMBPRINT_TEXT];

    world_reset();
    for (int type = ACME_KEY_P256; type <= ACME_KEY_RSA4096; type++) {
        struct acme_public pub;
        uint8_t digest[32];
        char want[ACME_THUMBPRINT_TEXT];

        if (!acme_key_supported((enum acme_key_type)type))
            continue;
        CHECK_INT(acme_key_make(&key, (enum acme_key_type)type), ACME_OK);
        CHECK_INT(acme_jws_thumbprint(&key, text), ACME_OK);
        CHECK_INT(strlen(text), 43);
        acme_key_public(&key, &pub);
        acme_buf_init(&out, room, sizeof room);
        acme_jws_jwk(&out, &pub);
        acme_sha256(out.ptr, out.len, digest);
        acme_b64url_encode(want, sizeof want, digest, sizeof digest);
        CHECK_MEM(text, want, 43);
    }
    acme_key_wipe(&key);
    CHECK_INT(acme_jws_thumbprint(&key, text), ACME_E_CRYPTO);
}

TEST(jwk_of_p256_has_no_space_and_is_sorted)
{
    struct acme_public pub;

    memset(&pub, 0, sizeof pub);
    pub.type = ACME_KEY_P256;
    pub.a_len = pub.b_len = 32;
    acme_b64url_decode(pub.a, 32, jose_a3_x, strlen(jose_a3_x));
    acme_b64url_decode(pub.b, 32, jose_a3_y, strlen(jose_a3_y));
    acme_buf_init(&out, room, sizeof room);
    acme_jws_jwk(&out, &pub);
    CHECK(acme_buf_end(&out));
    CHECK_STR(
        (const char *)room,
        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
}

TEST(kid_form)
{
    struct acme_jws jws = {&key, account, "bm9uY2U", order, acme_slice_text("{\"a\":1}")};
    uint8_t text[400];
    size_t n;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_buf_init(&out, room, sizeof room);
    CHECK_INT(acme_jws_write(&out, &jws), ACME_OK);
    n = part("protected", text, sizeof text - 1);
    text[n] = '\0';
    CHECK_STR((const char *)text, "{\"alg\":\"ES256\",\"kid\":\"https://ca.test/acme/acct/7\","
                                  "\"nonce\":\"bm9uY2U\","
                                  "\"url\":\"https://ca.test/acme/new-order?x=%2F\"}");
    n = part("payload", text, sizeof text);
    CHECK_INT(n, 7);
    CHECK_MEM(text, "{\"a\":1}", 7);
    verify_text();
}

TEST(jwk_form)
{
    struct acme_jws jws = {&key, NULL, "bm9uY2U", order, acme_slice_text("{}")};
    char want[600];
    uint8_t text[600];
    struct acme_public pub;
    struct acme_buf w;
    size_t n;

    world_reset();
    acme_key_make(&key, world_p384());
    acme_key_public(&key, &pub);
    acme_buf_init(&w, want, sizeof want);
    acme_buf_text(&w, key.type == ACME_KEY_P384 ? "{\"alg\":\"ES384\",\"jwk\":"
                                                : "{\"alg\":\"ES256\",\"jwk\":");
    acme_jws_jwk(&w, &pub);
    acme_buf_text(&w, ",\"nonce\":\"bm9uY2U\",\"url\":\"https://ca.test/acme/new-order?x=%2F\"}");
    acme_buf_end(&w);
    acme_buf_init(&out, room, sizeof room);
    CHECK_INT(acme_jws_write(&out, &jws), ACME_OK);
    n = part("protected", text, sizeof text - 1);
    text[n] = '\0';
    CHECK_STR((const char *)text, want);
    verify_text();
}

TEST(post_as_get_has_an_empty_payload)
{
    struct acme_jws jws = {&key, account, "n", order, {NULL, 0}};

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_buf_init(&out, room, sizeof room);
    CHECK_INT(acme_jws_write(&out, &jws), ACME_OK);
    CHECK(acme_buf_end(&out));
    CHECK(strstr((const char *)room, "\"payload\":\"\",") != NULL);
    verify_text();
}

/* Every key type, with and without kid and nonce, payloads of every length modulo 3. */
TEST(size_is_exact)
{
    static const char *const urls[] = {"https://a.test/", "https://a.test/b", "https://a.test/bc"};

    world_reset();
    for (int type = ACME_KEY_P256; type <= ACME_KEY_RSA4096; type++) {
        struct acme_public pub;

        if (!acme_key_supported((enum acme_key_type)type))
            continue;
        CHECK_INT(acme_key_make(&key, (enum acme_key_type)type), ACME_OK);
        acme_key_public(&key, &pub);
        for (int form = 0; form < 12; form++) {
            struct acme_jws jws = {&key, form & 1 ? account : NULL, form & 2 ? "nonce" : NULL,
                                   urls[form / 4], acme_slice_of("abcdefgh", (size_t)form)};
            size_t size;

            jws.payload.len = form < 8 ? (size_t)form : 8;
            size = acme_jws_size(&jws, &pub);
            acme_buf_init(&out, room, size);
            CHECK_INT(acme_jws_write(&out, &jws), ACME_OK);
            CHECK_INT(out.len, size);
            acme_buf_init(&out, room, size - 1);
            CHECK_INT(acme_jws_write(&out, &jws), ACME_E_SIZE);
        }
        acme_buf_init(&out, room, sizeof room);
    }
}

TEST(size_with_characters_that_json_escapes)
{
    struct acme_jws jws = {&key, "a\"b\\c\x01", "n", "https://u.test/", acme_slice_text("x")};
    struct acme_public pub;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_key_public(&key, &pub);
    acme_buf_init(&out, room, sizeof room);
    CHECK_INT(acme_jws_write(&out, &jws), ACME_OK);
    CHECK_INT(out.len, acme_jws_size(&jws, &pub));
    verify_text();
}

TEST(every_room_too_small_is_refused)
{
    struct acme_jws jws = {&key, account, "n", order, acme_slice_text("{\"a\":1}")};
    struct acme_public pub;
    size_t size;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    acme_key_public(&key, &pub);
    size = acme_jws_size(&jws, &pub);
    for (size_t cap = 0; cap < size; cap++) {
        room[cap] = 0xee;
        acme_buf_init(&out, room, cap);
        CHECK_INT(acme_jws_write(&out, &jws), ACME_E_SIZE);
        CHECK_INT(room[cap], 0xee);
    }
}

TEST(many_signatures_verify)
{
    world_reset();
    for (int i = 0; i < 300; i++) {
        char nonce[16];
        struct acme_jws jws = {&key, account, nonce, order, acme_slice_text("{}")};

        snprintf(nonce, sizeof nonce, "%d", i);
        CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_OK);
        acme_buf_init(&out, room, sizeof room);
        CHECK_INT(acme_jws_write(&out, &jws), ACME_OK);
        verify_text();
    }
}

TEST(binding_mac)
{
    static const char jwk[] = "{\"kty\":\"EC\"}";
    struct acme_slice secret = acme_slice_text("0123456789abcdef0123456789abcdef");

    for (size_t size = 32; size <= 64; size += 16) {
        uint8_t text[300], mac[64], want[64];
        char input[400];
        const char *a, *b;
        size_t n;

        acme_buf_init(&out, room, sizeof room);
        CHECK_INT(acme_jws_write_mac(&out, size, secret, "key-1", "https://ca.test/new-account",
                                     acme_slice_text(jwk)),
                  ACME_OK);
        n = part("protected", text, sizeof text - 1);
        text[n] = '\0';
        CHECK_STR(
            (const char *)text,
            size == 32
                ? "{\"alg\":\"HS256\",\"kid\":\"key-1\",\"url\":\"https://ca.test/new-account\"}"
            : size == 48
                ? "{\"alg\":\"HS384\",\"kid\":\"key-1\",\"url\":\"https://ca.test/new-account\"}"
                : "{\"alg\":\"HS512\",\"kid\":\"key-1\",\"url\":\"https://ca.test/new-account\"}");
        n = part("payload", text, sizeof text - 1);
        text[n] = '\0';
        CHECK_STR((const char *)text, jwk);
        a = strstr((const char *)room, "\"protected\":\"") + 13;
        b = strstr((const char *)room, "\"payload\":\"") + 11;
        snprintf(input, sizeof input, "%.*s.%.*s", (int)strcspn(a, "\""), a, (int)strcspn(b, "\""),
                 b);
        CHECK_INT(acme_hmac(size, secret, acme_slice_text(input), want), ACME_OK);
        CHECK_INT(part("signature", mac, sizeof mac), size);
        CHECK_MEM(mac, want, size);
    }
    acme_buf_init(&out, room, sizeof room);
    CHECK_INT(acme_jws_write_mac(&out, 20, secret, "k", "u", acme_slice_text(jwk)), ACME_E_ARG);
    for (size_t cap = 0; cap < 150; cap++) {
        acme_buf_init(&out, room, cap);
        CHECK_INT(acme_jws_write_mac(&out, 32, secret, "key-1", "https://ca.test/new-account",
                                     acme_slice_text(jwk)),
                  ACME_E_SIZE);
    }
}

RUN()
