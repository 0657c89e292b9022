/* test_buf.c - slices and the bounded writer */
#include "test.h"

#include "acme_buf.h"

TEST(buf_slices)
{
    CHECK(acme_slice_text(NULL).len == 0);
    CHECK(acme_slice_is(acme_slice_text(NULL), ""));
    CHECK(acme_slice_is(acme_slice_text("abc"), "abc"));
    CHECK(!acme_slice_is(acme_slice_text("abc"), "abd"));
    CHECK(!acme_slice_is(acme_slice_text("abc"), "ab"));
    CHECK(!acme_slice_is(acme_slice_text("ab"), "abc"));
    CHECK(!acme_slice_is(acme_slice_text("aBc"), "abc"));
    CHECK(acme_slice_is_nocase(acme_slice_text("aBc-Z"), "AbC-z"));
    CHECK(!acme_slice_is_nocase(acme_slice_text("a@"), "a`")); /* 0x20 apart, but no letters */
    CHECK(!acme_slice_is_nocase(acme_slice_text("a["), "a{"));
    CHECK(!acme_slice_is_nocase(acme_slice_text("\xc0"), "\xe0"));
    CHECK(!acme_slice_is_nocase(acme_slice_text("abc"), "ab"));
    CHECK(!acme_slice_is_nocase(acme_slice_of("ab\0", 3), "ab"));
}

TEST(buf_overflow_is_sticky)
{
    uint8_t room[8];
    struct acme_buf b;

    memset(room, 0x55, sizeof room);
    acme_buf_init(&b, room, 4);
    acme_buf_text(&b, "abc");
    CHECK(!b.overflow);
    acme_buf_text(&b, "de");
    CHECK(b.overflow);
    acme_buf_char(&b, 'x'); /* would fit, but the text has a hole already */
    acme_buf_dec(&b, 1);
    acme_buf_b64url(&b, "", 0);
    CHECK(b.overflow);
    CHECK_INT(b.len, 3);
    CHECK(!acme_buf_end(&b));
    CHECK_MEM(room, "abc\x55\x55", 5);
}

TEST(buf_exact_fit)
{
    char room[8];
    struct acme_buf b;

    acme_buf_init(&b, room, 4);
    acme_buf_put(&b, NULL, 0);
    acme_buf_text(&b, "abcd");
    CHECK(!b.overflow);
    CHECK_INT(acme_buf_slice(&b).len, 4);
    CHECK(!acme_buf_end(&b)); /* no room for the NUL */

    acme_buf_init(&b, room, 5);
    acme_buf_text(&b, "abcd");
    CHECK(acme_buf_end(&b));
    CHECK_INT(b.len, 4);
    CHECK_STR(room, "abcd");
    acme_buf_char(&b, 'e'); /* writes on over the NUL */
    CHECK(!b.overflow);
    CHECK_INT(b.len, 5);

    acme_buf_init(&b, NULL, 0);
    CHECK(!b.overflow);
    acme_buf_put(&b, "", 0);
    CHECK(!b.overflow);
    acme_buf_char(&b, 'a');
    CHECK(b.overflow);

    acme_buf_init(&b, room, 4);
    acme_buf_put(&b, "abcd", SIZE_MAX); /* a length that would wrap */
    CHECK(b.overflow);
    CHECK_INT(b.len, 0);
}

TEST(buf_decimals)
{
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {9, "9"},
                {10, "10"},
                {65535, "65535"},
                {4294967296u, "4294967296"},
                {UINT64_MAX, "18446744073709551615"}};
    char room[32];
    struct acme_buf b;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        acme_buf_init(&b, room, sizeof room);
        acme_buf_dec(&b, rows[i].value);
        CHECK(acme_buf_end(&b));
        CHECK_STR(room, rows[i].text);
    }
    acme_buf_init(&b, room, 19);
    acme_buf_dec(&b, UINT64_MAX);
    CHECK(b.overflow);
}

TEST(buf_json_strings)
{
    char room[64];
    struct acme_buf b;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_json(&b, acme_slice_text("a\"b\\c\n\x01\x1f /\x7f\xc3\xa4"));
    CHECK(acme_buf_end(&b));
    CHECK_STR(room, "\"a\\\"b\\\\c\\u000a\\u0001\\u001f /\x7f\xc3\xa4\"");
    acme_buf_init(&b, room, sizeof room);
    acme_buf_json(&b, acme_slice_of("a\0b", 3));
    CHECK(acme_buf_end(&b));
    CHECK_STR(room, "\"a\\u0000b\"");
    acme_buf_init(&b, room, sizeof room);
    acme_buf_json(&b, acme_slice_of(NULL, 0));
    CHECK(acme_buf_end(&b));
    CHECK_STR(room, "\"\"");
    acme_buf_init(&b, room, 4);
    acme_buf_json(&b, acme_slice_text("abc"));
    CHECK(b.overflow);
}

TEST(buf_b64url_into_writer)
{
    char room[16];
    struct acme_buf b;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_char(&b, '<');
    acme_buf_b64url(&b, "\xfb\xff\xfe", 3);
    acme_buf_char(&b, '>');
    CHECK(acme_buf_end(&b));
    CHECK_STR(room, "<-__->");
    acme_buf_init(&b, room, 3);
    acme_buf_b64url(&b, "abc", 3);
    CHECK(b.overflow);
    CHECK_INT(b.len, 0);
}

TEST(buf_copies)
{
    char out[4] = "xyz";

    CHECK(acme_copy_text(out, sizeof out, acme_slice_text("abc")));
    CHECK_STR(out, "abc");
    CHECK(!acme_copy_text(out, sizeof out, acme_slice_text("abcd")));
    CHECK_STR(out, "");
    CHECK(acme_copy_text(out, sizeof out, acme_slice_of(NULL, 0)));
    CHECK_STR(out, "");
    CHECK(!acme_copy_text(out, sizeof out, acme_slice_of("a\0b", 3)));
    CHECK_STR(out, "");
    memset(out, 'q', sizeof out);
    CHECK(!acme_copy_text(out, 0, acme_slice_text("")));
    CHECK(out[0] == 'q');
}

RUN()
