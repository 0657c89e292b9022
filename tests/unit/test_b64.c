/* test_b64.c - base64url and base64, RFC 4648 10 and beyond */
#include "test.h"

#include "acme_b64.h"
#include "acme_err.h"

static const struct {
    const char *bytes, *url, *standard;
} b64_rows[] = {
    {"", "", ""},
    {"f", "Zg", "Zg=="},
    {"fo", "Zm8", "Zm8="},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg", "Zm9vYg=="},
    {"fooba", "Zm9vYmE", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "-_--", "+/++"},
    {"\x03\xec\xff\xe0\xc1", "A-z_4ME", "A+z/4ME="}, /* RFC 7515 appendix C */
};

TEST(b64_vectors)
{
    char text[16];
    uint8_t bytes[16];
    size_t i;

    for (i = 0; i < sizeof b64_rows / sizeof b64_rows[0]; i++) {
        const char *url = b64_rows[i].url, *standard = b64_rows[i].standard;
        size_t n = strlen(b64_rows[i].bytes);

        CHECK_INT(acme_b64url_encode(text, sizeof text, b64_rows[i].bytes, n), strlen(url));
        CHECK_MEM(text, url, strlen(url));
        CHECK_INT(ACME_B64URL_LEN(n), strlen(url));
        CHECK_INT(acme_b64_encode(text, sizeof text, b64_rows[i].bytes, n), strlen(standard));
        CHECK_MEM(text, standard, strlen(standard));
        CHECK_INT(ACME_B64_LEN(n), strlen(standard));
        CHECK_INT(acme_b64url_decode(bytes, sizeof bytes, url, strlen(url)), n);
        CHECK_MEM(bytes, b64_rows[i].bytes, n);
        CHECK_INT(acme_b64_decode(bytes, sizeof bytes, standard, strlen(standard)), n);
        CHECK_MEM(bytes, b64_rows[i].bytes, n);
    }
}

/* All byte values at all positions, compared with a plain table. */
TEST(b64_whole_alphabet)
{
    static const char table[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned v;

    for (v = 0; v < 1u << 18; v++) {
        uint8_t in[3] = {(uint8_t)(v >> 16 << 6), (uint8_t)(v >> 8), (uint8_t)v};
        uint8_t back[3];
        char text[4];
        uint32_t all = ((uint32_t)in[0] << 16) | ((uint32_t)in[1] << 8) | in[2];

        CHECK_INT(acme_b64url_encode(text, 4, in, 3), 4);
        CHECK(text[0] == table[all >> 18] && text[1] == table[(all >> 12) & 63]);
        CHECK(text[2] == table[(all >> 6) & 63] && text[3] == table[all & 63]);
        CHECK_INT(acme_b64url_decode(back, 3, text, 4), 3);
        CHECK_MEM(back, in, 3);
    }
}

TEST(b64_strangers)
{
    unsigned c;

    for (c = 0; c < 256; c++) {
        char text[4] = {'A', (char)(uint8_t)c, 'A', 'A'};
        uint8_t out[3];
        int letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        int url = letter || c == '-' || c == '_';
        int standard = letter || c == '+' || c == '/';
        int got = acme_b64_decode(out, 3, text, 4);

        CHECK_INT(acme_b64url_decode(out, 3, text, 4), url ? 3 : ACME_E_REPLY);
        CHECK_INT(got, standard ? 3 : ACME_E_REPLY);
    }
}

TEST(b64_url_is_strict)
{
    static const char *const bad[] = {"A",   "AAAAA", "Zg==", "Zm8=", "Zh",      "Zm9=", "Zm9",
                                      "Z g", "Zg\n",  "AA+A", "AA/A", "AAA\x80", "=",    "AB"};
    uint8_t out[16];
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(acme_b64url_decode(out, sizeof out, bad[i], strlen(bad[i])), ACME_E_REPLY);
    }
    CHECK_INT(acme_b64url_decode(out, sizeof out, "AA\0A", 4), ACME_E_REPLY);
    CHECK_INT(acme_b64url_decode(out, sizeof out, "AA", 2), 1);
}

TEST(b64_standard_and_white_space)
{
    static const char *const bad[] = {
        "Zg",   "Zg=", "Zg===", "=Zg=",     "Z=g=",   "Zm8==",  "Zg==Zg==", "Zh==", "Zm9vA",
        "====", "=",   "==",    "Zm9v====", "Zm9v\v", "Zm9v\f", "Zg==\nZg", "-A==", "Zm9="};
    uint8_t out[16];
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(acme_b64_decode(out, sizeof out, bad[i], strlen(bad[i])), ACME_E_REPLY);
    }
    CHECK_INT(acme_b64_decode(out, sizeof out, " Zm\r\n9v\tYg = =\n", 15), 4);
    CHECK_MEM(out, "foob", 4);
    CHECK_INT(acme_b64_decode(out, sizeof out, " \n", 2), 0);
}

TEST(b64_bounds)
{
    char text[9] = "........";
    uint8_t out[4] = {1, 2, 3, 4};

    CHECK_INT(acme_b64url_encode(text, 5, "foob", 4), ACME_E_SIZE);
    CHECK_INT(acme_b64url_encode(text, 6, "foob", 4), 6);
    CHECK_STR(text, "Zm9vYg..");
    CHECK_INT(acme_b64_encode(text, 7, "foob", 4), ACME_E_SIZE);
    CHECK_INT(acme_b64_encode(text, 8, "foob", 4), 8);
    CHECK_INT(acme_b64_encode(text, 8, "x", SIZE_MAX), ACME_E_SIZE);
    CHECK_INT(acme_b64url_encode(text, 8, "x", SIZE_MAX / 4 + 2), ACME_E_SIZE);
    CHECK_INT(acme_b64url_encode(text, 0, NULL, 0), 0);
    CHECK_INT(acme_b64url_decode(out, 2, "Zm9v", 4), ACME_E_SIZE);
    CHECK_INT(out[2], 3);
    CHECK_INT(acme_b64url_decode(out, 3, "Zm9v", 4), 3);
    CHECK_INT(out[3], 4);
    CHECK_INT(acme_b64url_decode(NULL, 0, "", 0), 0);
}

TEST(b64_decode_in_place)
{
    char text[] = "Zm9vYmFy";
    char padded[] = "Zm9v\nYg==";

    CHECK_INT(acme_b64url_decode(text, sizeof text, text, 8), 6);
    CHECK_MEM(text, "foobar", 6);
    CHECK_INT(acme_b64_decode(padded, sizeof padded, padded, 9), 4);
    CHECK_MEM(padded, "foob", 4);
}

RUN()
