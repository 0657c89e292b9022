/* The CA's words as a person sees them: indented, and nothing that a terminal would obey. */
#include "test.h"

#include "pretty.h"

static char shown[4096];

static bool show(const char *text, size_t len, bool json)
{
    FILE *to = fmemopen(shown, sizeof shown, "w");
    bool ok = true;

    memset(shown, 0, sizeof shown);
    if (to == NULL)
        FAIL("fmemopen");
    if (json)
        ok = pretty_json(to, acme_slice_of(text, len));
    else
        pretty_text(to, acme_slice_of(text, len));
    fclose(to);
    return ok;
}
#define JSON(text) show(text, strlen(text), true)

TEST(indented)
{
    CHECK(JSON(" {\"a\" :1,\"b\":[ ],\"c\":{},\"d\":[true,{\"e\":null}, -1.5e3]}\n"));
    CHECK_STR(shown, "{\n"
                     "  \"a\": 1,\n"
                     "  \"b\": [],\n"
                     "  \"c\": {},\n"
                     "  \"d\": [\n"
                     "    true,\n"
                     "    {\n"
                     "      \"e\": null\n"
                     "    },\n"
                     "    -1.5e3\n"
                     "  ]\n"
                     "}\n");
}

TEST(strings_are_ascii)
{
    CHECK(JSON("\"\\u003ca\\/b\\t\\\"\\\\\\u001b\x7f\""));
    CHECK_STR(shown, "\"<a/b\\t\\\"\\\\\\u001b\\u007f\"\n");
    CHECK(JSON("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xc2\x9b\""));
    CHECK_STR(shown, "\"\\u00e4\\u20ac\\ud83d\\ude00\\u009b\"\n");
    CHECK(JSON("\"\\ud83d\\ude00\\b\\f\\n\\r\""));
    CHECK_STR(shown, "\"\\ud83d\\ude00\\b\\f\\n\\r\"\n");
}

TEST(no_json)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "}",
                                      "[1",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "\"",
                                      "\"\x1b\"",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u12\"",
                                      "nul",
                                      "+1",
                                      "[1]x",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xc3\"",
                                      "\"\xed\"",
                                      "\"\xf5\x80\x80\x80\"",
                                      "\"\xe0\x80\x80\"",
                                      "\"\\"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (JSON(bad[i]))
            FAIL(bad[i]);
        CHECK_STR(shown, "");
    }
    CHECK(!show("1\0", 2, true));
}

TEST(depth_is_bounded)
{
    CHECK(JSON("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"));
    CHECK(!JSON("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"));
}

TEST(other_text)
{
    (void)show("a\x1b[2J\r\nb\tc\xff\0\r\r\n\n", 15, false);
    CHECK_STR(shown, "a\\x1b[2J\nb\tc\\xff\\x00\n");
    (void)show("", 0, false);
    CHECK_STR(shown, "");
}

RUN()
