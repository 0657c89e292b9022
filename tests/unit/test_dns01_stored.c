/* test_dns01_stored.c - server and key of dns-01 as bytes of a CONFIG record: they come back, and
 * what is damaged is refused */
#include "dns01_stored.h"

#include "acme_err.h"
#include "test.h"

static uint8_t room[400];

static struct acme_slice stored(const char *server, uint16_t port, bool only_primary)
{
    struct dns01_2136_config in = {.server = server, .port = port, .only_primary = only_primary};
    int n = dns01_stored_write((struct acme_span){room, sizeof room}, &in);

    CHECK(n > 0 && n <= DNS01_STORED_SERVER_MAX);
    return acme_slice_of(room, (size_t)n);
}

TEST(a_server_comes_back)
{
    static const char *const names[] = {"ns1.example.net", "192.0.2.53", "2001:db8::53"};
    struct dns01_2136_config out = {0};

    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(dns01_stored_read(&out, stored(names[i], 5353, i == 1)), ACME_OK);
        CHECK_STR(out.server, names[i]);
        CHECK_INT(out.port, 5353);
        CHECK_INT(out.only_primary, i == 1);
    }
    CHECK_INT(dns01_stored_read(&out, stored(NULL, 0, true)), ACME_OK);
    CHECK(out.server == NULL && out.only_primary);
    CHECK_INT(out.port, 0);
}

TEST(a_damaged_server_is_refused)
{
    static const char *const names[] = {"*.example.net", "a b", "-", "x..y"};
    struct dns01_2136_config out = {0};
    struct acme_slice all = stored("ns1.example.net", 53, false);

    for (size_t n = 0; n < all.len; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);

        memcpy(exact, all.ptr, n);
        CHECK_INT(dns01_stored_read(&out, acme_slice_of(exact, n)), ACME_E_SLOT_CORRUPT);
        free(exact);
    }
    room[0] = 2; /* a flag that nobody knows */
    CHECK_INT(dns01_stored_read(&out, all), ACME_E_SLOT_CORRUPT);
    room[0] = 0;
    room[7] = '\0';
    CHECK_INT(dns01_stored_read(&out, all), ACME_E_SLOT_CORRUPT);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(dns01_stored_read(&out, stored(names[i], 53, false)), ACME_E_SLOT_CORRUPT);
    CHECK_INT(dns01_stored_write((struct acme_span){room, 18},
                                 &(struct dns01_2136_config){.server = "ns1.example.net"}),
              ACME_E_SIZE);
}

static struct dns_tsig_key sample(uint8_t hash, uint8_t len)
{
    struct dns_tsig_key key = {.name = "k1.example", .hash = hash, .len = len};

    for (uint8_t i = 0; i < len; i++)
        key.secret[i] = (uint8_t)(i + 1);
    return key;
}

TEST(a_key_comes_back)
{
    static const struct {
        uint8_t hash, len;
    } all[] = {{32, 16}, {32, 32}, {64, 64}, {64, DNS_TSIG_SECRET_MAX}};

    for (size_t i = 0; i < 4; i++) {
        struct dns_tsig_key in = sample(all[i].hash, all[i].len), out;
        int n = dns01_stored_key_write((struct acme_span){room, sizeof room}, &in);

        CHECK(n > 0 && n <= DNS01_STORED_KEY_MAX);
        CHECK_INT(dns01_stored_key_read(&out, acme_slice_of(room, (size_t)n)), ACME_OK);
        CHECK_MEM(&out, &in, sizeof in);
        CHECK_INT(dns01_stored_key_write((struct acme_span){room, (size_t)n - 1}, &in),
                  ACME_E_SIZE);
    }
}

TEST(a_damaged_key_is_refused)
{
    static const struct {
        size_t at;
        uint8_t to;
    } bad[] = {{0, 0}, {0, 33}, {0, 128}, {1, 15}, {1, 31}, {1, 129}, {34, 0}, {36, '.'}};
    struct dns_tsig_key in = sample(32, 32), small = sample(32, 15), out, zero;
    int n;

    memset(&zero, 0, sizeof zero);
    n = dns01_stored_key_write((struct acme_span){room, sizeof room}, &small);
    CHECK_INT(dns01_stored_key_read(&out, acme_slice_of(room, (size_t)n)), ACME_E_SLOT_CORRUPT);
    n = dns01_stored_key_write((struct acme_span){room, sizeof room}, &in);
    for (size_t cut = 0; cut < (size_t)n; cut++) {
        uint8_t *exact = malloc(cut > 0 ? cut : 1);

        memcpy(exact, room, cut);
        out = in;
        CHECK_INT(dns01_stored_key_read(&out, acme_slice_of(exact, cut)), ACME_E_SLOT_CORRUPT);
        CHECK_MEM(&out, &zero, sizeof out);
        free(exact);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)dns01_stored_key_write((struct acme_span){room, sizeof room}, &in);
        room[bad[i].at] = bad[i].to;
        if (bad[i].at == 36)
            room[37] = '.';
        if (bad[i].at == 1 && bad[i].to == 31) /* a byte of the secret begins the name: 0x20 */
            CHECK_INT(room[33], 32);
        CHECK_INT(dns01_stored_key_read(&out, acme_slice_of(room, (size_t)n)), ACME_E_SLOT_CORRUPT);
        CHECK_MEM(&out, &zero, sizeof out);
    }
}

RUN()
