/* test_store.c - records, against bytes that were made by another program */
#include "acme_store.h"

#include "acme_crc32.h"
#include "acme_port.h"
#include "test.h"

static const uint8_t record_v1[] = {
#include "../vectors/record_v1.inc"
};
static const uint8_t record_v1_empty[] = {
#include "../vectors/record_v1_empty.inc"
};
static const uint8_t record_v2[] = {
#include "../vectors/record_v2.inc"
};

#define SLICE(array) acme_slice_of((array), sizeof(array))

static int write_v1(uint8_t *room, size_t len)
{
    static const uint8_t last[] = {250, 251, 252, 253, 254, 255};
    struct acme_record_writer w;

    acme_record_begin(&w, (struct acme_span){room, len}, ACME_SLOT_SCHED, 0x01020304);
    acme_record_text(&w, 1, "gw.example.org");
    acme_record_i64(&w, 2, -2);
    acme_record_u64(&w, 3, 0xfedcba9876543210u);
    acme_record_text(&w, 4, NULL);
    acme_record_bytes(&w, 0x8005, last, sizeof last);
    return acme_record_end(&w);
}

TEST(writes_the_golden_bytes)
{
    uint8_t room[sizeof record_v1];

    CHECK_INT(write_v1(room, sizeof room), sizeof record_v1);
    CHECK_MEM(room, record_v1, sizeof record_v1);
}

TEST(every_smaller_room_is_refused_and_not_overrun)
{
    uint8_t room[sizeof record_v1 + 1];

    for (size_t len = 0; len < sizeof record_v1; len++) {
        memset(room, 0xa5, sizeof room);
        CHECK_INT(write_v1(room, len), ACME_E_SIZE);
        for (size_t i = len; i < sizeof room; i++)
            CHECK_INT(room[i], 0xa5);
    }
}

TEST(a_field_is_at_most_65535_bytes)
{
    static uint8_t room[70000], value[65536];
    struct acme_record_writer w;
    struct acme_record r;
    struct acme_field f;
    int len;

    acme_record_begin(&w, (struct acme_span){room, sizeof room}, 4, 0);
    acme_record_bytes(&w, 1, value, 65535);
    len = acme_record_end(&w);
    CHECK_INT(len, 20 + 4 + 65535);
    CHECK_INT(acme_record_open(&r, acme_slice_of(room, (size_t)len), 4), ACME_OK);
    CHECK(acme_record_next(&r, &f));
    CHECK_INT(f.value.len, 65535);
    CHECK(!acme_record_next(&r, &f));

    acme_record_begin(&w, (struct acme_span){room, sizeof room}, 4, 0);
    acme_record_bytes(&w, 1, value, 65536);
    acme_record_bytes(&w, 2, value, 1);
    CHECK_INT(acme_record_end(&w), ACME_E_SIZE);
}

TEST(reads_the_golden_record)
{
    struct acme_record r;
    struct acme_field f;
    char text[32];
    int64_t i = 0;
    uint64_t u = 0;

    CHECK_INT(acme_record_open(&r, SLICE(record_v1), ACME_SLOT_SCHED), ACME_OK);
    CHECK_INT(r.kind, ACME_SLOT_SCHED);
    CHECK_INT(r.sequence, 0x01020304);
    CHECK(acme_record_next(&r, &f));
    CHECK_INT(f.tag, 1);
    CHECK(acme_field_text(&f, text, sizeof text));
    CHECK_STR(text, "gw.example.org");
    CHECK(!acme_field_text(&f, text, 14));
    CHECK_STR(text, "");
    CHECK(acme_field_text(&f, text, 15));
    CHECK(!acme_field_u64(&f, &u));
    CHECK(acme_record_next(&r, &f));
    CHECK(acme_field_i64(&f, &i));
    CHECK_INT(i, -2);
    CHECK(acme_record_next(&r, &f));
    CHECK(acme_field_u64(&f, &u));
    CHECK(u == 0xfedcba9876543210u);
    CHECK(acme_field_i64(&f, &i));
    CHECK(i == (int64_t)0xfedcba9876543210u);
    CHECK(acme_record_next(&r, &f));
    CHECK_INT(f.value.len, 0);
    CHECK(acme_field_text(&f, text, sizeof text));
    CHECK_STR(text, "");
    CHECK(acme_record_next(&r, &f));
    CHECK_INT(f.tag, 0x8005);
    CHECK_INT(f.value.len, 6);
    CHECK(!acme_record_next(&r, &f));
    CHECK(!acme_record_next(&r, &f));

    CHECK_INT(acme_record_open(&r, SLICE(record_v1_empty), ACME_SLOT_CONFIG), ACME_OK);
    CHECK(!acme_record_next(&r, &f));
}

TEST(text_with_a_nul_is_no_text)
{
    struct acme_field f = {1, {(const uint8_t *)"ab\0c", 4}};
    char text[8] = "x";

    CHECK(!acme_field_text(&f, text, sizeof text));
    CHECK_STR(text, "");
}

TEST(numbers_have_eight_bytes)
{
    static const uint8_t bytes[9] = {1};
    uint64_t u = 77;
    int64_t i = 77;

    for (size_t len = 0; len <= 9; len++) {
        struct acme_field f = {1, {bytes, len}};
        CHECK_INT(acme_field_u64(&f, &u), len == 8);
        CHECK_INT(acme_field_i64(&f, &i), len == 8);
    }
    CHECK_INT(u, 1);
    CHECK_INT(i, 1);
}

TEST(extremes_come_back)
{
    static const int64_t values[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX};
    uint8_t room[64];

    for (size_t n = 0; n < sizeof values / sizeof values[0]; n++) {
        struct acme_record_writer w;
        struct acme_record r;
        struct acme_field f;
        int64_t i = 0;
        int len;

        acme_record_begin(&w, (struct acme_span){room, sizeof room}, 2, UINT32_MAX);
        acme_record_i64(&w, 7, values[n]);
        len = acme_record_end(&w);
        CHECK_INT(acme_record_open(&r, acme_slice_of(room, (size_t)len), 2), ACME_OK);
        CHECK_INT(r.sequence, UINT32_MAX);
        CHECK(acme_record_next(&r, &f) && acme_field_i64(&f, &i));
        CHECK(i == values[n]);
    }
}

TEST(every_bit_flip_is_found)
{
    uint8_t copy[sizeof record_v1];
    struct acme_record r;

    for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
        memcpy(copy, record_v1, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_INT(acme_record_open(&r, SLICE(copy), ACME_SLOT_SCHED), ACME_E_SLOT_CORRUPT);
    }
}

TEST(every_truncation_is_found_and_padding_is_not_minded)
{
    uint8_t copy[sizeof record_v1 + 300];
    struct acme_record r;
    struct acme_field f;
    size_t fields = 0;

    /* At the end of the array, so that a sanitizer sees one byte too many being read. */
    for (size_t len = 0; len < sizeof record_v1; len++) {
        memcpy(copy + sizeof copy - len, record_v1, len);
        CHECK_INT(acme_record_open(&r, acme_slice_of(copy + sizeof copy - len, len), 6),
                  ACME_E_SLOT_CORRUPT);
    }
    CHECK_INT(acme_record_open(&r, acme_slice_of(NULL, 0), 6), ACME_E_SLOT_CORRUPT);
    memset(copy, 0xff, sizeof copy);
    memcpy(copy, record_v1, sizeof record_v1);
    CHECK_INT(acme_record_open(&r, SLICE(copy), 6), ACME_OK);
    while (acme_record_next(&r, &f))
        fields++;
    CHECK_INT(fields, 5);
}

TEST(every_wrong_kind_is_refused)
{
    struct acme_record r;

    for (unsigned kind = 0; kind < 256; kind++)
        CHECK_INT(acme_record_open(&r, SLICE(record_v1), (uint8_t)kind),
                  kind == ACME_SLOT_SCHED ? ACME_OK : ACME_E_SLOT_CORRUPT);
}

static void seal(uint8_t *record, uint32_t length)
{
    uint32_t crc = acme_crc32(acme_crc32(0, record, 16), record + 20, length);

    for (int i = 0; i < 4; i++)
        record[16 + i] = (uint8_t)(crc >> 8 * i & 0xff);
}

TEST(a_newer_version_is_told_apart_from_damage)
{
    uint8_t copy[sizeof record_v2];
    struct acme_record r;

    CHECK_INT(acme_record_open(&r, SLICE(record_v2), ACME_SLOT_SCHED), ACME_E_SLOT_VERSION);
    CHECK_INT(acme_record_open(&r, SLICE(record_v2), ACME_SLOT_ORDER), ACME_E_SLOT_CORRUPT);
    for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
        memcpy(copy, record_v2, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_INT(acme_record_open(&r, SLICE(copy), ACME_SLOT_SCHED), ACME_E_SLOT_CORRUPT);
    }
    memcpy(copy, record_v2, sizeof copy);
    for (unsigned version = 0; version < 256; version++) {
        copy[5] = (uint8_t)version;
        seal(copy, 3);
        /* Three bytes are no field, so version 1 is damaged as well. */
        CHECK_INT(acme_record_open(&r, SLICE(copy), ACME_SLOT_SCHED),
                  version < 2 ? ACME_E_SLOT_CORRUPT : ACME_E_SLOT_VERSION);
    }
}

TEST(fields_must_fill_the_body)
{
    uint8_t copy[sizeof record_v1];
    struct acme_record r;
    struct acme_field f;
    size_t good = 0;

    /* Sealed with a right CRC, as a writer with a fault would: the first field's length. */
    for (unsigned len = 0; len < 65536; len++) {
        memcpy(copy, record_v1, sizeof copy);
        copy[22] = (uint8_t)(len & 0xff);
        copy[23] = (uint8_t)(len >> 8);
        seal(copy, sizeof copy - 20);
        if (acme_record_open(&r, SLICE(copy), 6) == ACME_OK) {
            good++;
            while (acme_record_next(&r, &f))
                CHECK(f.value.len <= (size_t)(copy + sizeof copy - f.value.ptr));
        } else {
            CHECK(!acme_record_next(&r, &f));
        }
    }
    CHECK(good >= 1 && good < 10);
    /* The header's length, short of the body: the last field is then cut. */
    memcpy(copy, record_v1, sizeof copy);
    copy[12]--;
    seal(copy, sizeof copy - 21);
    CHECK_INT(acme_record_open(&r, SLICE(copy), 6), ACME_E_SLOT_CORRUPT);
    /* A length near 2^32 must not wrap. */
    memset(copy + 12, 0xff, 4);
    CHECK_INT(acme_record_open(&r, SLICE(copy), 6), ACME_E_SLOT_CORRUPT);
}

TEST(unknown_fields_are_skipped_unless_critical)
{
    struct acme_field f = {0x7fff, {NULL, 0}};

    CHECK_INT(acme_field_skip(&f), ACME_OK);
    f.tag = 0x8000;
    CHECK_INT(acme_field_skip(&f), ACME_E_SLOT_VERSION);
    f.tag = 0xffff;
    CHECK_INT(acme_field_skip(&f), ACME_E_SLOT_VERSION);
}

RUN(crc32_known_values, writes_the_golden_bytes, every_smaller_room_is_refused_and_not_overrun,
    a_field_is_at_most_65535_bytes, reads_the_golden_record, text_with_a_nul_is_no_text,
    numbers_have_eight_bytes, extremes_come_back, every_bit_flip_is_found,
    every_truncation_is_found_and_padding_is_not_minded, every_wrong_kind_is_refused,
    a_newer_version_is_told_apart_from_damage, fields_must_fill_the_body,
    unknown_fields_are_skipped_unless_critical)
