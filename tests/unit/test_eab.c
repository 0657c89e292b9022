/* External account binding: from what people are given to the packed form, and to the inner JWS. */
#include "acme_eab.h"

#include "acme_b64.h"
#include "acme_err.h"
#include "acme_jws.h"
#include "crypto_world.h"
#include "test.h"

static uint8_t room[512];
static const char *why;

static int pack(const char *alg, const char *kid, const char *key)
{
    struct acme_span span = {room, sizeof room};

    memset(room, 0xa5, sizeof room);
    why = "";
    return acme_eab_pack(span, alg, kid, acme_slice_text(key), &why);
}

TEST(packed_form)
{
    static const uint8_t want[] = {32, 'k', '-', '1', 0, 0xfb, 0xff, 0xbe, 1};

    CHECK_INT(pack(NULL, "k-1", "-_--AQ"), (int)sizeof want);
    CHECK_MEM(room, want, sizeof want);
    CHECK(acme_eab_ok(acme_slice_of(room, sizeof want)));
    CHECK_INT(pack("HS256", "k-1", "-_--AQ"), (int)sizeof want);
    CHECK_INT(pack("HS384", "k-1", "-_--AQ"), (int)sizeof want);
    CHECK_INT(room[0], 48);
    CHECK_INT(pack("HS512", "k-1", "-_--AQ"), (int)sizeof want);
    CHECK_INT(room[0], 64);
}

/* CAs hand out both alphabets, with and without padding, and editors add ends of lines. */
TEST(spellings_of_a_key)
{
    static const char *const texts[] = {
        "-_--AQ", "-_--AQ==", "+/++AQ", "+/++AQ==", "-_--AQ\n", " +/++\r\nAQ==\r\n", "+_-+AQ=="};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CHECK_INT(pack(NULL, "k", texts[i]), 1 + 2 + 4);
        CHECK_MEM(room + 3, "\xfb\xff\xbe\x01", 4);
    }
}

TEST(refused_and_wiped)
{
    static const struct {
        const char *alg, *kid, *key;
        int err;
    } cases[] = {
        {"HS1", "k", "AQ", ACME_E_CONFIG},  {"hs256", "k", "AQ", ACME_E_CONFIG},
        {NULL, "", "AQ", ACME_E_CONFIG},    {NULL, "a b", "AQ", ACME_E_CONFIG},
        {NULL, "a\n", "AQ", ACME_E_CONFIG}, {NULL, "\xc3\xa4", "AQ", ACME_E_CONFIG},
        {NULL, "k", "", ACME_E_CONFIG},     {NULL, "k", "====", ACME_E_CONFIG},
        {NULL, "k", "A", ACME_E_CONFIG},    {NULL, "k", "AQ.AQ", ACME_E_CONFIG},
        {NULL, "k", "AQ\"", ACME_E_CONFIG}, {NULL, "k", "ABCD*", ACME_E_CONFIG},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_INT(pack(cases[i].alg, cases[i].kid, cases[i].key), cases[i].err);
        CHECK(strlen(why) > 0);
    }
    (void)pack(NULL, "k", "c2VjcmV0c2VjcmV0*");
    for (size_t i = 0; i < sizeof room; i++)
        CHECK_INT(room[i], 0);
}

TEST(room_that_is_too_small)
{
    struct acme_span span = {room, 0};

    /* the key's text needs its room, too: 4 + 8 */
    for (span.len = 0; span.len < 12; span.len++)
        CHECK_INT(acme_eab_pack(span, NULL, "k-1", acme_slice_text("AQIDBAUG"), &why) >= 0,
                  span.len >= 5 + 8);
    span.len = 5 + 8;
    CHECK_INT(acme_eab_pack(span, NULL, "k-1", acme_slice_text("AQIDBAUG"), &why), 5 + 6);
}

TEST(damaged_forms)
{
    int n = pack(NULL, "key-1", "AQIDBA");

    CHECK(acme_eab_ok(acme_slice_of(room, (size_t)n)));
    for (int len = 0; len <= 7; len++) /* no whole identifier, or no key */
        CHECK(!acme_eab_ok(acme_slice_of(room, (size_t)len)));
    room[0] = 33;
    CHECK(!acme_eab_ok(acme_slice_of(room, (size_t)n)));
    room[0] = 32;
    room[1] = 0; /* an empty identifier */
    CHECK(!acme_eab_ok(acme_slice_of(room, (size_t)n)));
}

/* RFC 7515 A.1's key, and a JWS whose parts are put together here by hand. */
TEST(inner_jws)
{
    static const char mac_key[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    static const size_t sizes[] = {32, 48, 64};
    static const char *const algs[] = {"HS256", "HS384", "HS512"};
    struct acme_key key;
    struct acme_public pub;
    struct acme_buf out, jwk;
    uint8_t text[1200], jwk_room[ACME_JWK_MAX], secret[64], mac[64];
    char want[1200], header[200], input[1000], head64[300], body64[600], mac64[100];
    int n;

    world_reset();
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_OK);
    CHECK_INT(acme_key_public(&key, &pub), ACME_OK);
    acme_buf_init(&jwk, jwk_room, sizeof jwk_room);
    acme_jws_jwk(&jwk, &pub);
    CHECK_INT(acme_b64url_decode(secret, sizeof secret, mac_key, strlen(mac_key)), 64);
    for (size_t i = 0; i < 3; i++) {
        n = pack(algs[i], "kid-1", mac_key);
        CHECK_INT(n, 1 + 6 + 64);
        acme_buf_init(&out, text, sizeof text - 1);
        CHECK_INT(acme_eab_write(&out, acme_slice_of(room, (size_t)n), &key, "https://ca/new"),
                  ACME_OK);
        text[out.len] = '\0';
        snprintf(header, sizeof header,
                 "{\"alg\":\"%s\",\"kid\":\"kid-1\",\"url\":\"https://ca/new\"}", algs[i]);
        head64[acme_b64url_encode(head64, sizeof head64 - 1, header, strlen(header))] = '\0';
        body64[acme_b64url_encode(body64, sizeof body64 - 1, jwk.ptr, jwk.len)] = '\0';
        snprintf(input, sizeof input, "%s.%s", head64, body64);
        CHECK_INT(acme_hmac(sizes[i], acme_slice_of(secret, 64), acme_slice_text(input), mac),
                  ACME_OK);
        mac64[acme_b64url_encode(mac64, sizeof mac64 - 1, mac, sizes[i])] = '\0';
        snprintf(want, sizeof want,
                 "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", head64, body64,
                 mac64);
        CHECK_STR((const char *)text, want);
        acme_buf_init(&out, text, 100);
        CHECK_INT(acme_eab_write(&out, acme_slice_of(room, (size_t)n), &key, "https://ca/new"),
                  ACME_E_SIZE);
    }
    room[0] = 1;
    acme_buf_init(&out, text, sizeof text);
    CHECK_INT(acme_eab_write(&out, acme_slice_of(room, (size_t)n), &key, "https://ca/new"),
              ACME_E_CONFIG);
}

RUN()
