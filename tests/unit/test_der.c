#include "test.h"

#include "acme_der.h"

static uint8_t room[70000];
static struct acme_der d;

static void start(size_t len)
{
    acme_der_init(&d, room, len);
}

static void is(const char *what, const uint8_t *want, size_t len)
{
    struct acme_slice got = acme_der_slice(&d);

    CHECK_INT(got.len, len);
    test_mem(__FILE__, __LINE__, what, got.ptr, want, len);
}

TEST(lengths_take_one_to_four_bytes)
{
    static const struct {
        size_t len;
        uint8_t head[5];
        size_t head_len;
    } cases[] = {
        {0, {0x30, 0}, 2},
        {127, {0x30, 127}, 2},
        {128, {0x30, 0x81, 128}, 3},
        {255, {0x30, 0x81, 255}, 3},
        {256, {0x30, 0x82, 1, 0}, 4},
        {65535, {0x30, 0x82, 255, 255}, 4},
        {65536, {0x30, 0x83, 1, 0, 0}, 5},
    };
    static uint8_t content[65536];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct acme_slice all, rest, inner;

        start(sizeof room);
        acme_der_put(&d, ACME_DER_SEQUENCE, content, cases[i].len);
        all = acme_der_slice(&d);
        CHECK_INT(all.len, cases[i].len + cases[i].head_len);
        CHECK_MEM(all.ptr, cases[i].head, cases[i].head_len);
        rest = all;
        CHECK(acme_der_read_tag(&rest, ACME_DER_SEQUENCE, &inner));
        CHECK_INT(inner.len, cases[i].len);
        CHECK_INT(rest.len, 0);
    }
}

TEST(integers_are_positive_and_shortest)
{
    static const struct {
        uint8_t in[4];
        size_t len;
        uint8_t out[8];
        size_t out_len;
    } cases[] = {
        {{0}, 1, {2, 1, 0}, 3},
        {{0}, 0, {2, 1, 0}, 3},
        {{0x7f}, 1, {2, 1, 0x7f}, 3},
        {{0x80}, 1, {2, 2, 0, 0x80}, 4},
        {{0, 0, 0x80, 1}, 4, {2, 3, 0, 0x80, 1}, 5},
        {{0, 0, 1, 0}, 4, {2, 2, 1, 0}, 4},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(16);
        acme_der_uint(&d, cases[i].in, cases[i].len);
        is("integer", cases[i].out, cases[i].out_len);
    }
    start(16);
    acme_der_small(&d, 65537);
    is("small", (const uint8_t[]){2, 3, 1, 0, 1}, 5);
}

TEST(nesting_reads_back)
{
    struct acme_slice all, in, part;
    size_t mark;
    uint8_t tag;

    start(64);
    acme_der_put(&d, ACME_DER_UTF8, "hi", 2);
    mark = acme_der_mark(&d);
    acme_der_small(&d, 5);
    acme_der_small(&d, 4);
    acme_der_wrap(&d, mark, ACME_DER_SET);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    is("nested", (const uint8_t[]){0x30, 12, 0x31, 6, 2, 1, 4, 2, 1, 5, 0x0c, 2, 'h', 'i'}, 14);
    all = acme_der_slice(&d);
    CHECK(acme_der_read_tag(&all, ACME_DER_SEQUENCE, &in));
    CHECK(!acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part));
    CHECK_INT(in.len, 12); /* a wrong tag takes nothing */
    CHECK(acme_der_read(&in, &tag, &part, NULL));
    CHECK_INT(tag, ACME_DER_SET);
    CHECK(acme_der_read_tag(&in, ACME_DER_UTF8, &part));
    CHECK_INT(part.len, 2);
    CHECK_INT(in.len, 0);
    CHECK(!acme_der_read(&in, &tag, &part, NULL));
}

TEST(overflow_stays_and_gives_nothing)
{
    for (size_t len = 0; len < 14; len++) {
        start(len);
        memset(room, 0xaa, 64);
        acme_der_put(&d, ACME_DER_OCTET_STRING, "0123456789", 10);
        acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
        CHECK(d.overflow);
        CHECK_INT(acme_der_slice(&d).len, 0);
        CHECK_INT(room[len], 0xaa); /* nothing behind the room */
    }
    start(14);
    acme_der_put(&d, ACME_DER_OCTET_STRING, "0123456789", 10);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    CHECK(!d.overflow);
}

TEST(reader_refuses_what_is_no_der)
{
    static const struct {
        uint8_t bytes[6];
        size_t len;
    } bad[] = {
        {{0x30}, 1},                               /* no length */
        {{0x30, 1}, 2},                            /* nothing behind it */
        {{0x30, 0x80, 0, 0}, 4},                   /* indefinite */
        {{0x30, 0x81, 1, 0}, 4},                   /* not the shortest form */
        {{0x30, 0x82, 0, 1, 0}, 5},                /* leading zero */
        {{0x30, 0x81}, 2},                         /* length cut */
        {{0x30, 0x82, 1}, 3},                      /* length cut */
        {{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, 6}, /* 4 GB */
        {{0x30, 0xff, 0, 0, 0, 0}, 6},             /* reserved */
        {{0x1f, 1, 0}, 3},                         /* tag of two bytes */
        {{0x30, 3, 1, 2}, 4},                      /* one byte missing */
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct acme_slice in = acme_slice_of(bad[i].bytes, bad[i].len);
        struct acme_slice content;
        uint8_t tag;

        if (acme_der_read(&in, &tag, &content, NULL))
            test_stop(TEST_FAILED, "case %zu was read", i);
        CHECK_INT(in.len, bad[i].len);
    }
}

RUN()
