/* Renewal information: the certificate's name, and the moment in a window. */
#include "acme_ari.h"

#include "acme_sched.h"
#include "test.h"

#define BEGAN 1795000000
#define LIFE  (90 * (int64_t)ACME_DAY)
#define ENDS  (BEGAN + LIFE)
#define DUE   (ENDS - LIFE / 3)
#define LAST  (ENDS - LIFE / 6)
#define YOUNG (BEGAN + 6 * ACME_HOUR)

/* RFC 9773 4.1 */
TEST(name_of_the_rfc)
{
    static const uint8_t aki[] = {0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3,
                                  0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4};
    static const uint8_t serial[] = {0x00, 0x87, 0x65, 0x43, 0x21};
    struct acme_cert_facts facts = {.serial_len = 5, .authority_key_len = 20};
    char id[40];

    memcpy(facts.authority_key, aki, sizeof aki);
    memcpy(facts.serial, serial, sizeof serial);
    CHECK(acme_ari_id(&facts, id, sizeof id));
    CHECK_STR(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    for (size_t room = 0; room < 36; room++) {
        memset(id, 'x', sizeof id);
        CHECK(!acme_ari_id(&facts, id, room));
        CHECK(room == 0 || id[0] == '\0');
    }
    CHECK(acme_ari_id(&facts, id, 36));
    facts.authority_key_len = 0;
    CHECK(!acme_ari_id(&facts, id, sizeof id));
    facts.authority_key_len = 20;
    facts.serial_len = 0;
    CHECK(!acme_ari_id(&facts, id, sizeof id));
}

TEST(longest_name_fits_its_bound)
{
    struct acme_cert_facts facts = {.serial_len = sizeof facts.serial,
                                    .authority_key_len = sizeof facts.authority_key};
    char id[ACME_MAX_CERT_ID + 1];

    CHECK(acme_ari_id(&facts, id, sizeof id));
    CHECK_INT(strlen(id), ACME_MAX_CERT_ID);
}

TEST(moment_spreads_over_the_window)
{
    int64_t start = DUE - 2 * ACME_DAY, end = DUE + 2 * ACME_DAY, at;
    int tenth[10] = {0};

    CHECK_INT(acme_ari_choose(start, end, BEGAN, ENDS, 0), start);
    CHECK_INT(acme_ari_choose(start, end, BEGAN, ENDS, UINT32_MAX), end - 1);
    CHECK_INT(acme_ari_choose(start, end, BEGAN, ENDS, 1u << 31), DUE);
    for (uint32_t i = 0; i < 10000; i++) {
        at = acme_ari_choose(start, end, BEGAN, ENDS, i * 429496u);
        CHECK(at >= start && at < end);
        tenth[(at - start) * 10 / (end - start)]++;
    }
    for (int i = 0; i < 10; i++)
        CHECK(tenth[i] > 900 && tenth[i] < 1100);
    /* two windows that fit exactly */
    CHECK_INT(acme_ari_choose(DUE, DUE + 1, BEGAN, ENDS, UINT32_MAX), DUE);
}

TEST(absurd_windows_are_no_answer)
{
    static const int64_t rows[][2] = {
        {DUE, DUE},              /* empty */
        {DUE, DUE - 1},          /* backwards */
        {LAST + 1, LAST + 10},   /* too late */
        {ENDS, ENDS + ACME_DAY}, /* after expiry */
        {ENDS + LIFE, ENDS + 2 * LIFE},
        {BEGAN - 100000, BEGAN - ACME_DAY}, /* over a day before it began */
        {0, 1},
        {INT32_MAX * 100ll, INT32_MAX * 101ll}, /* some thousand years on */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_INT(acme_ari_choose(rows[i][0], rows[i][1], BEGAN, ENDS, 77), 0);
    CHECK_INT(acme_ari_choose(DUE, DUE + 5, ENDS, BEGAN, 77), 0); /* absurd certificates */
    CHECK_INT(acme_ari_choose(DUE, DUE + 5, DUE, DUE, 77), 0);
}

TEST(moment_is_never_too_late_nor_too_early)
{
    int64_t at = acme_ari_choose(DUE, ENDS + 10 * LIFE, BEGAN, ENDS, UINT32_MAX);

    CHECK(at <= LAST);
    CHECK_INT(acme_ari_choose(LAST, LAST + 5, BEGAN, ENDS, UINT32_MAX), LAST);
    /* "now": over since an hour, with a young certificate */
    CHECK_INT(acme_ari_choose(BEGAN + 10, BEGAN + 20, BEGAN, ENDS, 5), YOUNG);
    CHECK_INT(acme_ari_choose(0, BEGAN + 20, BEGAN, ENDS, 5), YOUNG);
    CHECK_INT(acme_ari_choose(BEGAN - 7200, BEGAN - 3600, BEGAN, ENDS, 5), YOUNG);
    CHECK_INT(acme_ari_choose(0, BEGAN - ACME_DAY + 1, BEGAN, ENDS, 5), YOUNG);
    /* ... and with one of a day: an eighth of it */
    CHECK_INT(acme_ari_choose(BEGAN + 10, BEGAN + 20, BEGAN, BEGAN + ACME_DAY, 5),
              BEGAN + 3 * ACME_HOUR);
    /* a week: half of the half that is kept in reserve */
    CHECK_INT(acme_ari_choose(BEGAN, BEGAN + 9 * ACME_DAY, BEGAN, BEGAN + 8 * ACME_DAY, UINT32_MAX),
              BEGAN + 6 * ACME_DAY - 1);
}

TEST(certificates_without_an_end)
{
    int64_t ends = 253402300799; /* 9999-12-31 */

    CHECK(acme_ari_choose(BEGAN, ends - 10, BEGAN, ends, UINT32_MAX) > BEGAN);
    CHECK(acme_ari_choose(BEGAN, ends - 10, BEGAN, ends, UINT32_MAX) < ends);
}

RUN()
