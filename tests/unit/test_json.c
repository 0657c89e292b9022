/* test_json.c - the strict door to cJSON */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "acme_err.h"
#include "acme_json.h"

static uint8_t json_room[65536];

static int json_parse_n(const void *text, size_t len, const struct acme_json **root)
{
    struct acme_span arena = {json_room, sizeof json_room};

    return acme_json_parse(acme_slice_of(text, len), arena, root);
}

static int json_parse(const char *text, const struct acme_json **root)
{
    return json_parse_n(text, strlen(text), root);
}

TEST(json_directory)
{
    static const char text[] =
        " {\r\n\t\"newNonce\": \"https://ca.test/nonce\", \"meta\": {\"caaIdentities\": "
        "[\"ca.test\", "
        "\"x\"],\n\"externalAccountRequired\": true, \"no\":false, \"nil\": null}, \"n\" : 12 } \n";
    const struct acme_json *root, *meta, *ids;

    CHECK_INT(json_parse(text, &root), ACME_OK);
    CHECK(acme_json_is_object(root));
    CHECK(!acme_json_is_array(root));
    CHECK_STR(acme_json_member(root, "newNonce"), "https://ca.test/nonce");
    CHECK(acme_json_member(root, "newnonce") == NULL);
    CHECK(acme_json_member(root, "absent") == NULL);
    CHECK(acme_json_member(root, "meta") == NULL);
    CHECK_INT(acme_json_int(acme_json_get(root, "n"), -1), 12);
    meta = acme_json_get(root, "meta");
    CHECK(acme_json_bool(acme_json_get(meta, "externalAccountRequired"), false));
    CHECK(!acme_json_bool(acme_json_get(meta, "no"), true));
    CHECK(acme_json_bool(acme_json_get(meta, "nil"), true));
    CHECK(!acme_json_bool(acme_json_get(meta, "absent"), false));
    ids = acme_json_get(meta, "caaIdentities");
    CHECK(acme_json_is_array(ids));
    CHECK_INT(acme_json_count(ids), 2);
    CHECK_STR(acme_json_text(acme_json_first(ids)), "ca.test");
    CHECK_STR(acme_json_text(acme_json_next(acme_json_first(ids))), "x");
    CHECK(acme_json_next(acme_json_next(acme_json_first(ids))) == NULL);
    CHECK(acme_json_name(acme_json_first(ids)) == NULL);
    CHECK_STR(acme_json_name(acme_json_first(meta)), "caaIdentities");
    CHECK(acme_json_get(ids, "x") == NULL);
}

TEST(json_absent_is_quiet)
{
    CHECK(acme_json_get(NULL, "a") == NULL);
    CHECK(acme_json_member(NULL, "a") == NULL);
    CHECK(acme_json_text(NULL) == NULL);
    CHECK(acme_json_name(NULL) == NULL);
    CHECK(acme_json_first(NULL) == NULL);
    CHECK(acme_json_next(NULL) == NULL);
    CHECK_INT(acme_json_count(NULL), 0);
    CHECK(!acme_json_is_object(NULL));
    CHECK(!acme_json_is_array(NULL));
    CHECK(acme_json_bool(NULL, true));
    CHECK_INT(acme_json_int(NULL, -7), -7);
}

TEST(json_good_values)
{
    static const char *const good[] = {"null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "1",
                                       "-1",
                                       "1.5",
                                       "1e5",
                                       "1E+5",
                                       "1e-5",
                                       "0.25",
                                       "-0.0e0",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       " [ ] ",
                                       "\t{\n}\r",
                                       "[1,2]",
                                       "[[],{}]",
                                       "{\"\":1}",
                                       "{\"a\":1,\"b\":{\"a\":2}}",
                                       "[{\"a\":1},{\"a\":1}]",
                                       "\"\xc2\x80\"",
                                       "\"\xe0\xa0\x80\"",
                                       "\"\xf0\x90\x80\x80\"",
                                       "\"\xc3\xa4\"",
                                       "\"\xe2\x82\xac\"",
                                       "\"\xf0\x9f\x98\x80\"",
                                       "\"\xf4\x8f\xbf\xbf\"",
                                       "\"\xed\x9f\xbf\"",
                                       "\"\x7f\"",
                                       "\"\\/\"",
                                       "1e999",
                                       "-1e999",
                                       "1e-999",
                                       "1e99999999999999999999"};
    const struct acme_json *root;
    size_t i;

    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        int got = json_parse(good[i], &root);

        if (got != ACME_OK || root == NULL) {
            CHECK_STR(good[i], "a value that parses");
        }
    }
}

TEST(json_bad_values)
{
    static const char *const bad[] = {
        "", " ", "n", "nul", "nulll", "nullx", "True", "tru", "+1", ".5", "1.", "01", "-", "-a",
        "1e", "1e+", "1.e5", "0x1", "1 2", "--1", "-01", "1-2", "1.5.2", "1e5e", "NaN", "Infinity",
        "'a'", "\"", "\"a", "\"\\", "\"\\\"", "\"\\x\"", "\"\\\x01\"", "\"\\ug123\"",
        "[\"\\u0000\",\"\\u0000\"]", "\"\\u12\"", "\"\\u123g\"", "\"\\u\"", "\"\\u0000\"",
        "\"a\\u0000b\"", "\"\n\"", "\"\t\"", "\"\x1f\"", "[", "]", "[1", "[1,", "[1,]", "[,]",
        "[1 2]", "{", "}", "{]", "[}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
        "{\"a\" 1}", "{a:1}", "{1:1}", "{\"a\"}", "{,}", "[] []", "{} x", "[]]", "{}}", "// c\n1",
        "/**/1", "\xef\xbb\xbf{}", "\xef\xbb\xbfnull", "\v1", "\f1", "1\v", "[\x01]", "\xc2\xa0[]",
        /* surrogates */
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"", "\"\\ud83d\\ud83d\"",
        "\"\\ude00\\ud83d\"", "\"\\ud83d\\u0041\"",
        /* UTF-8: lone tail, short, overlong, surrogate, too large */
        "\"\x80\"", "\"\xc3\"", "\"\xc3(\"", "\"\xe2\x82\"", "\"\xc0\xaf\"", "\"\xc1\xbf\"",
        "\"\xe0\x80\xaf\"", "\"\xe0\x9f\xbf\"", "\"\xf0\x80\x80\x80\"", "\"\xf0\x8f\xbf\xbf\"",
        "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"",
        "\"\xff\"", "\"\xfe\"", "\"\xf0\x9f\x98\"",
        /* twice */
        "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"a\":3}", "[{\"x\":{\"a\":1,\"\\u0061\":2}}]",
        "{\"\":1,\"\":2}"};
    const struct acme_json *root;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        root = (const struct acme_json *)(const void *)json_room;
        if (json_parse(bad[i], &root) != ACME_E_JSON || root != NULL) {
            CHECK_STR(bad[i], "refused");
        }
    }
}

TEST(json_nul_bytes)
{
    const struct acme_json *root;

    CHECK_INT(json_parse_n("1\0", 2, &root), ACME_E_JSON);
    CHECK_INT(json_parse_n("\0001", 2, &root), ACME_E_JSON);
    CHECK_INT(json_parse_n("\"a\0b\"", 5, &root), ACME_E_JSON);
    CHECK_INT(json_parse_n("\"a\\\0\"", 5, &root), ACME_E_JSON);
    CHECK_INT(json_parse_n("[1,\0"
                           "2]",
                           6, &root),
              ACME_E_JSON);
    CHECK_INT(json_parse_n("{}\0", 3, &root), ACME_E_JSON);
    CHECK_INT(json_parse_n(NULL, 0, &root), ACME_E_JSON);
}

TEST(json_escapes)
{
    const struct acme_json *root;

    CHECK_INT(
        json_parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20aC\\ud83d\\ude00\"", &root),
        ACME_OK);
    CHECK_STR(acme_json_text(root), "\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK_INT(json_parse("\"\\u9fFA\\uAF09\"", &root), ACME_OK);
    CHECK_STR(acme_json_text(root), "\xe9\xbf\xba\xea\xbc\x89");
    CHECK_INT(json_parse("\"\\uDBFF\\uDFFF\\u0001\"", &root), ACME_OK);
    CHECK_STR(acme_json_text(root), "\xf4\x8f\xbf\xbf\x01");
    CHECK_INT(json_parse("{\"\\u0061\\/b\":\"https:\\/\\/ca\"}", &root), ACME_OK);
    CHECK_STR(acme_json_member(root, "a/b"), "https://ca");
}

TEST(json_integers)
{
    static const struct {
        const char *text;
        int64_t value; /* -1: not one */
    } rows[] = {{"0", 0},
                {"-0", 0},
                {"7", 7},
                {"429", 429},
                {"2147483648", 2147483648},
                {"4294967297", 4294967297},
                {"9007199254740991", 9007199254740991},
                {"9007199254740992", 9007199254740992},
                {"9007199254740993", -1},
                {"90071992547409920", -1},
                {"18446744073709551616", -1},
                {"18446744073709551617", -1},
                {"99999999999999999999999999999999", -1},
                {"-1", -1},
                {"-5", -1},
                {"-9007199254740993", -1},
                {"1.0", -1},
                {"1.5", -1},
                {"1e3", -1},
                {"1e999", -1},
                {"-1e999", -1},
                {"1e-999", -1},
                {"1e2147483648", -1},
                {"0.5", -1},
                {"\"5\"", -1},
                {"true", -1},
                {"[5]", -1}};
    const struct acme_json *root;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_INT(json_parse(rows[i].text, &root), ACME_OK);
        CHECK_INT(acme_json_int(root, -1), rows[i].value);
    }
    {
        static char long_number[4001];

        memset(long_number, '9', 4000);
        CHECK_INT(json_parse(long_number, &root), ACME_OK);
        CHECK_INT(acme_json_int(root, -1), -1);
    }
}

static void json_nest(char *out, char open, char close, size_t depth)
{
    memset(out, open, depth);
    memset(out + depth, close, depth);
    out[2 * depth] = '\0';
}

TEST(json_nesting)
{
    static char text[40001];
    const struct acme_json *root;
    size_t i;

    json_nest(text, '[', ']', 16);
    CHECK_INT(json_parse(text, &root), ACME_OK);
    json_nest(text, '[', ']', 17);
    CHECK_INT(json_parse(text, &root), ACME_E_JSON);
    json_nest(text, '[', ']', 20000);
    CHECK_INT(json_parse(text, &root), ACME_E_JSON);
    text[0] = '\0';
    for (i = 0; i < 16; i++) {
        strcat(text, "{\"a\":");
    }
    strcat(text, "1}}}}}}}}}}}}}}}}");
    CHECK_INT(json_parse(text, &root), ACME_OK);
    /* Brackets in strings do not count; siblings do not add up. */
    CHECK_INT(json_parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[\"", &root), ACME_OK);
    CHECK_INT(json_parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]", &root),
              ACME_OK);
}

static size_t json_members(char *out, unsigned count)
{
    size_t n = 0;
    unsigned i;

    out[n++] = '{';
    for (i = 0; i < count; i++) {
        n += (size_t)sprintf(out + n, "%s\"m%u\":%u", i > 0 ? "," : "", i, i);
    }
    out[n++] = '}';
    return n;
}

TEST(json_many_members)
{
    static char text[8192];
    const struct acme_json *root;

    CHECK_INT(json_parse_n(text, json_members(text, 256), &root), ACME_OK);
    CHECK_INT(acme_json_int(acme_json_get(root, "m255"), -1), 255);
    CHECK_INT(json_parse_n(text, json_members(text, 257), &root), ACME_E_JSON);
}

/* Each cut of a value is refused or, for a number, another value; nothing reads past the end. */
TEST(json_cuts)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,\"x\\ud83d\\ude00\\n\xe2\x82\xac\"],\"b\":{\"c\":true}}";
    const struct acme_json *root;
    size_t cut;

    for (cut = 0; cut < sizeof text - 1; cut++) {
        char *exact = malloc(cut + 1); /* so that a sanitizer sees a read past it */
        int got;

        CHECK(exact != NULL);
        memcpy(exact, text, cut);
        got = json_parse_n(exact, cut, &root);
        free(exact);
        CHECK_INT(got, ACME_E_JSON);
    }
    CHECK_INT(json_parse(text, &root), ACME_OK);
}

/* Every size of arena gives ACME_OK or ACME_E_SIZE, never a write outside. */
TEST(json_arena_sizes)
{
    static const char text[] = "{\"a\":[1,22,\"some text\"],\"b\":{\"c\":true,\"d\":\"\"}}";
    const struct acme_json *root;
    size_t size, shift, enough = 0;

    for (shift = 0; shift < 8; shift++) {
        for (size = 0; size < 1200; size++) {
            struct acme_span arena = {json_room + shift, size};
            int got;

            memset(json_room, 0xaa, 2048);
            got = acme_json_parse(acme_slice_text(text), arena, &root);
            CHECK(got == ACME_OK || got == ACME_E_SIZE);
            CHECK(got == ACME_OK || root == NULL);
            CHECK(shift == 0 || json_room[shift - 1] == 0xaa);
            CHECK(json_room[shift + size] == 0xaa);
            if (got == ACME_OK) {
                CHECK_STR(acme_json_text(acme_json_next(
                              acme_json_next(acme_json_first(acme_json_get(root, "a"))))),
                          "some text");
                enough++;
            }
        }
    }
    CHECK(enough > 0 && enough < 8 * 1200);
    /* Bad grammar stays bad grammar when there was room; no arena at all is a size. */
    {
        struct acme_span none = {NULL, 0};

        CHECK_INT(acme_json_parse(acme_slice_text("[1"), none, &root), ACME_E_SIZE);
    }
}

/* What acme_config.h says of ACME_SCRATCH_SIZE. */
TEST(json_order_of_100_names_in_40_kb)
{
    static char text[20000];
    struct acme_span arena = {json_room, 40 * 1024};
    const struct acme_json *root;
    size_t n = 0;
    unsigned i;

    n += (size_t)sprintf(
        text, "{\"status\":\"pending\",\"expires\":\"2026-01-01T00:00:00Z\",\"identifiers\":[");
    for (i = 0; i < 100; i++) {
        n += (size_t)sprintf(text + n, "%s{\"type\":\"dns\",\"value\":\"host%02u.example.org\"}",
                             i > 0 ? "," : "", i);
    }
    n += (size_t)sprintf(text + n, "],\"authorizations\":[");
    for (i = 0; i < 100; i++) {
        n += (size_t)sprintf(text + n,
                             "%s\"https://acme-v02.api.example.org/acme/authz/%013u/%011u\"",
                             i > 0 ? "," : "", i, i);
    }
    n += (size_t)sprintf(text + n, "],\"finalize\":\"https://acme-v02.api.example.org/acme/f/1\"}");
    CHECK_INT(acme_json_parse(acme_slice_of(text, n), arena, &root), ACME_OK);
    CHECK_INT(acme_json_count(acme_json_get(root, "authorizations")), 100);
}

/* The text of a number, which cJSON copies, is given back: a number costs a node and no more. */
TEST(json_numbers_cost_a_node)
{
    struct acme_span arena = {json_room, 101 * 64 + 64};
    static char text[2048];
    const struct acme_json *root;
    size_t n = 0;
    unsigned i;

    for (i = 0; i < 100; i++) {
        n += (size_t)sprintf(text + n, "%c1111111111", i > 0 ? ',' : '[');
    }
    text[n++] = ']';
    CHECK_INT(acme_json_parse(acme_slice_of(text, n), arena, &root), ACME_OK);
    CHECK_INT(acme_json_count(root), 100);
}

RUN()
