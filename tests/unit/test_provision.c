/* test_provision.c - the CONFIG record: what is written is read, what is damaged is refused */
#include "acme_provision.h"

#include "acme_err.h"
#include "acme_port.h"
#include "acme_store.h"
#include "test.h"

static uint8_t room[2048];

static struct acme_provision sample(void)
{
    static const uint8_t root[] = {0x30, 3, 1, 2, 3}, other[] = {0x30, 1, 9};
    static const uint8_t eab[] = {32, 'k', 0, 7};
    struct acme_provision p = {.directory_url = "https://ca.example/dir",
                               .names = {"gw.example.org", "b.example.org"},
                               .names_count = 2,
                               .contact = "admin@example.org",
                               .anchors = {{root, sizeof root}, {other, sizeof other}},
                               .anchors_count = 2,
                               .cert_key_type = 2,
                               .profile = "tls",
                               .preferred_chain = "Root X",
                               .shortest_chain = true,
                               .profile_required = true,
                               .eab = {eab, sizeof eab},
                               .dns = {eab, 2},
                               .dns_key = {eab + 1, 3},
                               .terms_agreed = true};
    return p;
}

TEST(comes_back)
{
    struct acme_provision in = sample(), out;
    int n = acme_provision_write((struct acme_span){room, sizeof room}, &in);

    CHECK(n > 0);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)n)), ACME_OK);
    CHECK_STR(out.directory_url, "https://ca.example/dir");
    CHECK_INT(out.names_count, 2);
    CHECK_STR(out.names[0], "gw.example.org");
    CHECK_STR(out.names[1], "b.example.org");
    CHECK_STR(out.contact, "admin@example.org");
    CHECK(out.sntp == NULL);
    CHECK_INT(out.anchors_count, 2);
    CHECK_MEM(out.anchors[0].ptr, in.anchors[0].ptr, 5);
    CHECK_INT(out.anchors[1].len, 3);
    CHECK_INT(out.cert_key_type, 2);
    CHECK_STR(out.profile, "tls");
    CHECK(out.profile_required);
    CHECK_STR(out.preferred_chain, "Root X");
    CHECK(out.shortest_chain);
    CHECK_INT(out.eab.len, 4);
    CHECK_MEM(out.eab.ptr, in.eab.ptr, 4);
    CHECK_INT(out.dns.len, 2);
    CHECK_MEM(out.dns.ptr, in.dns.ptr, 2);
    CHECK_INT(out.dns_key.len, 3);
    CHECK_MEM(out.dns_key.ptr, in.dns_key.ptr, 3);
    CHECK_INT(out.account_key_type, 0);
    CHECK(out.terms_agreed);
}

TEST(servers_come_back)
{
    static const uint8_t eab[] = {32, 'k', 0, 7};
    struct acme_provision in = sample(), out;
    struct acme_record_writer w;
    int n;

    in.more_servers[0].url = "https://b.example/";
    in.more_servers[1].url = "https://c.example/";
    in.more_servers[1].eab = acme_slice_of(eab, sizeof eab);
    in.more_servers_count = 2;
    in.staging.url = "https://s.example/";
    n = acme_provision_write((struct acme_span){room, sizeof room}, &in);
    CHECK(n > 0);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)n)), ACME_OK);
    CHECK_INT(out.more_servers_count, 2);
    CHECK_STR(out.more_servers[0].url, "https://b.example/");
    CHECK_STR(out.more_servers[1].url, "https://c.example/");
    CHECK_INT(out.more_servers[0].eab.len, 0);
    CHECK_MEM(out.more_servers[1].eab.ptr, eab, sizeof eab);
    CHECK_STR(out.staging.url, "https://s.example/");
    CHECK_INT(out.staging.eab.len, 0);
    CHECK_INT(out.eab.len, 4);
    in.staging.eab = in.more_servers[1].eab;
    n = acme_provision_write((struct acme_span){room, sizeof room}, &in);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)n)), ACME_OK);
    CHECK_INT(out.staging.eab.len, 4);
    acme_record_begin(&w, (struct acme_span){room, sizeof room}, ACME_SLOT_CONFIG, 0);
    acme_record_bytes(&w, ACME_PROVISION_SERVER_EAB, eab, sizeof eab); /* of which? */
    n = acme_record_end(&w);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)n)), ACME_E_SLOT_CORRUPT);
    acme_record_begin(&w, (struct acme_span){room, sizeof room}, ACME_SLOT_CONFIG, 0);
    for (int i = 0; i < ACME_MAX_SERVERS; i++)
        acme_record_bytes(&w, ACME_PROVISION_SERVER, "x", 2);
    n = acme_record_end(&w);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)n)), ACME_E_SIZE);
}

TEST(every_flipped_bit_is_refused)
{
    struct acme_provision in = sample(), out;
    int n = acme_provision_write((struct acme_span){room, sizeof room}, &in);

    for (int bit = 0; bit < n * 8; bit++) {
        room[bit / 8] = (uint8_t)(room[bit / 8] ^ (1 << bit % 8));
        CHECK(acme_provision_read(&out, acme_slice_of(room, (size_t)n)) < 0);
        room[bit / 8] = (uint8_t)(room[bit / 8] ^ (1 << bit % 8));
    }
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)n)), ACME_OK);
}

TEST(room_that_is_too_small)
{
    struct acme_provision in = sample();
    int n = acme_provision_write((struct acme_span){room, sizeof room}, &in);

    for (int len = 0; len < n; len++)
        CHECK_INT(acme_provision_write((struct acme_span){room, (size_t)len}, &in), ACME_E_SIZE);
}

/* A record with one field, which its CRC fits. */
static int one_field(uint16_t tag, const void *value, size_t len, struct acme_provision *out)
{
    struct acme_record_writer w;

    acme_record_begin(&w, (struct acme_span){room, sizeof room}, ACME_SLOT_CONFIG, 0);
    acme_record_bytes(&w, tag, value, len);
    return acme_provision_read(out, acme_slice_of(room, (size_t)acme_record_end(&w)));
}

TEST(texts_and_strangers)
{
    struct acme_provision out;

    CHECK_INT(one_field(1, "https://x/", 10, &out), ACME_E_SLOT_CORRUPT); /* no NUL */
    CHECK_INT(one_field(1, "a\0b\0", 4, &out), ACME_E_SLOT_CORRUPT);      /* two */
    CHECK_INT(one_field(1, "", 0, &out), ACME_E_SLOT_CORRUPT);
    CHECK_INT(one_field(4, "x", 1, &out), ACME_E_SLOT_CORRUPT); /* not a number */
    CHECK_INT(one_field(77, "x", 1, &out), ACME_OK);            /* unknown: skipped */
    CHECK_INT(one_field(77 | ACME_FIELD_CRITICAL, "x", 1, &out), ACME_E_SLOT_VERSION);
}

TEST(more_than_is_compiled_in)
{
    struct acme_record_writer w;
    struct acme_provision out;

    acme_record_begin(&w, (struct acme_span){room, sizeof room}, ACME_SLOT_CONFIG, 0);
    for (int i = 0; i <= ACME_PROVISION_ANCHORS; i++)
        acme_record_bytes(&w, 7, "x", 1);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)acme_record_end(&w))),
              ACME_E_SIZE);
    acme_record_begin(&w, (struct acme_span){room, sizeof room}, ACME_SLOT_CONFIG, 0);
    for (int i = 0; i <= ACME_MAX_NAMES; i++)
        acme_record_bytes(&w, 2, "x", 2);
    CHECK_INT(acme_provision_read(&out, acme_slice_of(room, (size_t)acme_record_end(&w))),
              ACME_E_SIZE);
}

TEST(numbers_and_the_time_server)
{
    struct acme_provision out;

    CHECK_INT(one_field(5, "\xff\0\0\0\0\0\0\0", 8, &out), ACME_OK);
    CHECK_INT(out.cert_key_type, 255);
    CHECK_INT(one_field(5, "\0\1\0\0\0\0\0\0", 8, &out), ACME_E_SLOT_CORRUPT);
    CHECK_INT(one_field(8, "ntp.example", 12, &out), ACME_OK);
    CHECK_STR(out.sntp, "ntp.example");
    CHECK_INT(one_field(8, "ntp.example", 11, &out), ACME_E_SLOT_CORRUPT);
}

RUN()
