/* test_dns_msg.c - the codec of DNS messages */
#include "dns_msg.h"

#include "acme_err.h"
#include "test.h"

static const uint8_t answer[] = {
    0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0, 1, 'a', 1, 'b', 0, 0, 1, 0, 1,
    /* an alias, then two addresses of its target */
    0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 14, 0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192,
    0, 2, 1, 1, 'b', 0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 2};

static size_t question(uint8_t *room, size_t cap, const char *name, unsigned type)
{
    struct acme_buf b;

    acme_buf_init(&b, room, cap);
    dns_msg_begin(&b, 0x1234, DNS_QUERY_RECURSIVE);
    dns_msg_ask(&b, name, type);
    return dns_msg_end(&b) ? b.len : 0;
}

static int opened(struct dns_msg *r, struct acme_slice m, uint16_t id, const char *name,
                  unsigned type)
{
    return dns_msg_open(r, m, id, DNS_QUERY_RECURSIVE, name, type);
}

TEST(a_question)
{
    static const uint8_t want[] = {0, 21, 0x12, 0x34, 1, 0,   0, 1, 0, 0, 0, 0,
                                   0, 0,  1,    'a',  1, 'b', 0, 0, 1, 0, 1};
    uint8_t room[300];
    char longest[260];

    CHECK_INT(question(room, sizeof room, "A.b", DNS_A), sizeof want);
    CHECK_MEM(room, want, sizeof want);
    CHECK_INT(question(room, sizeof want - 1, "a.b", DNS_A), 0);
    CHECK(question(room, sizeof room, "", DNS_A) > 0); /* the root */
    CHECK_INT(question(room, sizeof room, "a..b", DNS_A), 0);
    CHECK_INT(question(room, sizeof room, ".a", DNS_A), 0);
    CHECK_INT(question(room, sizeof room, "a.", DNS_A), 0);
    CHECK_INT(question(room, sizeof room, "a?b", DNS_A), 0);
    memset(longest, 'a', sizeof longest);
    longest[64] = '\0';
    CHECK_INT(question(room, sizeof room, longest, DNS_A), 0);
    longest[63] = '\0';
    CHECK(question(room, sizeof room, longest, DNS_CAA) > 0);
    memset(longest, 'a', sizeof longest);
    longest[63] = longest[127] = longest[191] = '.';
    longest[254] = '\0';
    CHECK_INT(question(room, sizeof room, longest, DNS_A), 0);
    longest[253] = '\0';
    CHECK(question(room, sizeof room, longest, DNS_A) > 0);
}

TEST(an_answer)
{
    struct dns_msg a;
    struct dns_record record;
    struct acme_slice m = {answer, sizeof answer};

    CHECK_INT(opened(&a, m, 0x1234, "A.b", DNS_A), ACME_OK);
    CHECK(dns_msg_find(&a, DNS_A, &record) && record.data.len == 4 && record.data.ptr[3] == 1);
    CHECK_STR(record.name, "b");
    CHECK_INT(record.ttl, 9);
    CHECK(dns_msg_find(&a, DNS_A, &record) && record.data.len == 4 && record.data.ptr[3] == 2);
    CHECK(!dns_msg_find(&a, DNS_A, &record) && !a.broken);
    CHECK_INT(opened(&a, m, 0x1235, "a.b", DNS_A), ACME_E_REPLY);
    CHECK_INT(opened(&a, m, 0x1234, "a.c", DNS_A), ACME_E_REPLY);
    CHECK_INT(opened(&a, m, 0x1234, "a.b", DNS_AAAA), ACME_E_REPLY);
    CHECK_INT(dns_msg_open(&a, m, 0x1234, DNS_UPDATE, "a.b", DNS_A), ACME_E_REPLY);
}

TEST(names_with_pointers)
{
    static const uint8_t m[] = {1,  'A',  0, 1, 'b', 0xc0, 0, 0xc0, 7, 0xc0,
                                11, 0xc0, 9, 2, '.', 0x1b, 0, 0x80, 0, 0xc0};
    struct acme_slice s = {m, sizeof m};
    char name[DNS_NAME_ROOM];

    CHECK_INT(dns_msg_name(s, 3, name), 7);
    CHECK_STR(name, "b.a");
    CHECK_INT(dns_msg_name(s, 7, name), 0);  /* to itself */
    CHECK_INT(dns_msg_name(s, 9, name), 0);  /* forward */
    CHECK_INT(dns_msg_name(s, 11, name), 0); /* two to one another */
    CHECK_INT(dns_msg_name(s, 13, name), 17);
    CHECK_STR(name, "??");
    CHECK_INT(dns_msg_name(s, 17, name), 0); /* a kind of label that there is not */
    CHECK_INT(dns_msg_name(s, 19, name), 0); /* half a pointer */
    CHECK_INT(dns_msg_name(s, 20, name), 0);
}

TEST(texts)
{
    CHECK(dns_msg_txt_is(acme_slice_text("\003abc"), "abc"));
    CHECK(dns_msg_txt_is(acme_slice_text("\001a\002bc"), "abc"));
    CHECK(!dns_msg_txt_is(acme_slice_text("\003abc"), "ab"));
    CHECK(!dns_msg_txt_is(acme_slice_text("\002ab"), "abc"));
    CHECK(!dns_msg_txt_is(acme_slice_text("\004abc"), "abc"));
    CHECK(!dns_msg_txt_is(acme_slice_text(""), "abc"));
}

TEST(every_cut_and_every_changed_byte_of_an_answer)
{
    uint8_t copy[sizeof answer];
    struct dns_record record;
    struct dns_msg a;

    for (size_t len = 0; len < sizeof answer; len++) {
        /* exactly so many bytes: a reader behind them is seen by the sanitizer */
        uint8_t *exact = malloc(len > 0 ? len : 1);
        unsigned found = 0;
        CHECK(exact != NULL);
        memcpy(exact, answer, len);
        if (opened(&a, acme_slice_of(exact, len), 0x1234, "a.b", DNS_A) == ACME_OK) {
            while (dns_msg_find(&a, DNS_A, &record))
                found++;
            CHECK(a.broken && found < 2);
        }
        free(exact);
    }
    for (size_t i = 0; i < sizeof answer; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned found = 0;
            memcpy(copy, answer, sizeof copy);
            copy[i] ^= (uint8_t)(1u << bit);
            if (opened(&a, acme_slice_of(copy, sizeof copy), 0x1234, "a.b", DNS_A) != ACME_OK)
                continue;
            while (dns_msg_find(&a, DNS_A, &record)) {
                CHECK(record.data.ptr >= copy &&
                      record.data.ptr + record.data.len <= copy + sizeof copy);
                found++;
            }
            CHECK(found <= 3);
        }
    }
}

RUN()
