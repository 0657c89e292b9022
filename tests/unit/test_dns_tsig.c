/* test_dns_tsig.c - against signatures that dnspython 2.3 made of the same bytes */
#include "dns_tsig.h"

#include "acme_b64.h"
#include "acme_err.h"
#include "test.h"

#define NOW 1234567890

static const struct {
    uint8_t hash;
    const char *algorithm, *mac, *answer;
} known[] = {
    {32, "hmac-sha256", "f9c6c1c5229a29354c6b45c73935dfe4401954e9234502e9ced518fa068e3a21",
     "1234a8000001000000000001076578616d706c6503636f6d0000060001026b31076578616d706c65"
     "0000fa00ff00000000003d0b686d61632d736861323536000000499602d2012c0020cb3e7d94244a"
     "00ef08ae5e6da988aee2cfeba0777ce62b0d82a9f1038aba6606123400000000"},
    {64, "hmac-sha512",
     "ea7f67225e38cad7d81733aeea26d3bde84c4f6e8986a528de1942e8402227830191923751f23a69"
     "6a23178e61b43c4961a49c0fd032730bd3ea1824d9575a13",
     "1234a8000001000000000001076578616d706c6503636f6d0000060001026b31076578616d706c65"
     "0000fa00ff00000000005d0b686d61632d736861353132000000499602d2012c00401fae496d7f3f"
     "822282ea127a48a65eafbc1dd175d16a1db9f5f3ae9fbc05d51b22355e416be90dd7f422d561146d"
     "be4ce2366586c259f8cb9bfea69860c0a704123400000000"},
};

static size_t from_hex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;

    for (size_t i = 0; i < n; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

static void make_key(struct dns_tsig_key *key, size_t i)
{
    memset(key, 0, sizeof *key);
    strcpy(key->name, "k1.example");
    key->hash = key->len = known[i].hash;
    for (uint8_t k = 0; k < key->len; k++)
        key->secret[k] = k;
}

static int check(const struct dns_tsig_key *key, const uint8_t *answer, size_t len, int64_t now,
                 size_t i, unsigned *error, const char **why)
{
    struct dns_tsig_asked asked;
    int64_t theirs;

    (void)from_hex(known[i].mac, asked.mac);
    return dns_tsig_check(key, acme_slice_of(answer, len), now, &asked, error, &theirs, why);
}

TEST(a_request_has_the_signature_of_dnspython)
{
    for (size_t i = 0; i < 2; i++) {
        uint8_t room[512], mac[64];
        struct dns_tsig_asked asked;
        struct dns_tsig_key key;
        struct dns_record record;
        struct dns_msg r;
        struct acme_buf b;
        bool found = false;

        make_key(&key, i);
        acme_buf_init(&b, room, sizeof room);
        dns_msg_begin(&b, 0x1234, DNS_UPDATE);
        dns_msg_ask(&b, "example.com", DNS_SOA);
        dns_msg_add(&b, DNS_AUTHORITY, "_acme-challenge.example.com", DNS_TXT, DNS_IN, 60,
                    acme_slice_text("\003abc"));
        CHECK_INT(dns_tsig_sign(&b, &key, NOW, &asked), ACME_OK);
        CHECK(dns_msg_end(&b));
        CHECK_INT(from_hex(known[i].mac, mac), known[i].hash);
        CHECK_MEM(asked.mac, mac, known[i].hash);
        CHECK_INT(dns_msg_get16(room), b.len - 2);
        /* The record is where it belongs, and holds that signature. */
        room[4] |= 0x80;
        CHECK_INT(dns_msg_open(&r, acme_slice_of(room + 2, b.len - 2), 0x1234, DNS_UPDATE, NULL, 0),
                  ACME_OK);
        while (dns_msg_next(&r, &record))
            found = record.type == DNS_TSIG && record.section == DNS_ADDITIONAL;
        CHECK(found && !r.broken);
        CHECK_STR(record.name, "k1.example");
        CHECK_MEM(record.data.ptr + record.data.len - 6 - known[i].hash, mac, known[i].hash);
    }
}

TEST(an_answer_of_dnspython_is_taken)
{
    for (size_t i = 0; i < 2; i++) {
        uint8_t answer[512];
        size_t n = from_hex(known[i].answer, answer);
        struct dns_tsig_key key;
        const char *why = "";
        unsigned error = 1;

        make_key(&key, i);
        CHECK_INT(check(&key, answer, n, NOW, i, &error, &why), ACME_OK);
        CHECK_INT(error, 0);
        CHECK_INT(check(&key, answer, n, NOW + 300, i, &error, &why), ACME_OK);
        CHECK_INT(check(&key, answer, n, NOW + 301, i, &error, &why), ACME_E_SOLVER);
        CHECK_INT(check(&key, answer, n, NOW - 301, i, &error, &why), ACME_E_SOLVER);
        CHECK(strstr(why, "clocks") != NULL);
        /* The signature of another request, another secret, another key. */
        CHECK_INT(check(&key, answer, n, NOW, 1 - i, &error, &why), ACME_E_SOLVER);
        key.secret[3] ^= 1;
        CHECK_INT(check(&key, answer, n, NOW, i, &error, &why), ACME_E_SOLVER);
        CHECK(strstr(why, "wrong") != NULL);
        strcpy(key.name, "k2.example");
        CHECK_INT(check(&key, answer, n, NOW, i, &error, &why), ACME_E_SOLVER);
        CHECK(strstr(why, "another key") != NULL);
    }
}

TEST(every_changed_bit_and_every_cut_is_refused)
{
    for (size_t i = 0; i < 2; i++) {
        uint8_t answer[512];
        size_t n = from_hex(known[i].answer, answer);
        struct dns_tsig_key key;
        const char *why;
        unsigned error;

        make_key(&key, i);
        for (size_t at = 0; at < n; at++) {
            uint8_t *exact = malloc(at > 0 ? at : 1);
            CHECK(exact != NULL);
            memcpy(exact, answer, at);
            CHECK(check(&key, exact, at, NOW, i, &error, &why) != ACME_OK);
            free(exact);
            for (unsigned bit = 0; bit < 8; bit++) {
                /* The id is dns_msg_open's to judge: what is signed is the original one. The
                 * case of letters means nothing in the names of key and algorithm, nor does the
                 * TTL, which RFC 8945 fixes. */
                bool free_of_it = at < 2 || (at >= 45 && at < 49) ||
                                  (bit == 5 && ((at > 29 && at < 40) || (at > 51 && at < 63)));
                answer[at] ^= (uint8_t)(1u << bit);
                if (!free_of_it)
                    CHECK(check(&key, answer, n, NOW, i, &error, &why) != ACME_OK);
                answer[at] ^= (uint8_t)(1u << bit);
            }
        }
    }
}

/* The answer, with the error and the signature cut off or shortened. */
TEST(errors_are_told_in_words)
{
    static const struct {
        uint8_t error;
        const char *word;
    } errors[] = {
        {16, "BADSIG"}, {17, "BADKEY"}, {18, "BADTIME"}, {22, "BADTRUNC"}, {99, "refuses"}};
    uint8_t answer[512];
    size_t n = from_hex(known[0].answer, answer);
    struct dns_tsig_key key;
    const char *why;
    unsigned error;

    make_key(&key, 0);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        answer[n - 3] = errors[i].error;
        CHECK_INT(check(&key, answer, n, NOW, 0, &error, &why), ACME_E_SOLVER);
        CHECK_INT(error, errors[i].error);
        CHECK(strstr(why, errors[i].word) != NULL);
    }
    answer[n - 3] = 0;
    answer[11] = 0; /* no record counted: not signed */
    CHECK_INT(check(&key, answer, 29, NOW, 0, &error, &why), ACME_E_SOLVER);
    CHECK(strstr(why, "not signed") != NULL);
    answer[11] = 1;
    /* 16 of its 32 bytes, all lengths being right */
    memmove(answer + n - 6 - 16, answer + n - 6, 6);
    answer[n - 6 - 32 - 1] = 16;
    answer[n - 6 - 32 - 2 - 8 - 13 - 1] = (uint8_t)(0x3d - 16);
    CHECK_INT(check(&key, answer, n - 16, NOW, 0, &error, &why), ACME_E_SOLVER);
    CHECK(strstr(why, "shortened") != NULL);
}

TEST(a_key_is_checked)
{
#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    static const struct {
        const char *name, *algorithm, *secret, *why;
    } bad[] = {{"k", "hmac-md5", SECRET, "algorithm"},    {"", "hmac-sha256", SECRET, "name"},
               {"a..b", "hmac-sha256", SECRET, "name"},   {"a b", "hmac-sha256", SECRET, "name"},
               {"k", "hmac-sha256", "AAAA", "secret"},    {"k", "hmac-sha256", "", "secret"},
               {"k", "hmac-sha256", SECRET "*", "secret"}};
    struct dns_tsig_key key;
    const char *why;

    CHECK_INT(dns_tsig_key_set(&key, acme_slice_text("K1.example."), acme_slice_text("HMAC-SHA512"),
                               acme_slice_text(SECRET), &why),
              ACME_OK);
    CHECK_INT(key.hash, 64);
    CHECK_INT(key.len, 32);
    CHECK_INT(key.secret[31], 31);
    CHECK_STR(key.name, "K1.example");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(dns_tsig_key_set(&key, acme_slice_text(bad[i].name),
                                   acme_slice_text(bad[i].algorithm),
                                   acme_slice_text(bad[i].secret), &why),
                  ACME_E_CONFIG);
        CHECK(strstr(why, bad[i].why) != NULL);
    }
}

RUN()
