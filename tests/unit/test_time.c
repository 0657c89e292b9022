/* test_time.c - the calendar against values computed elsewhere */
#include "test.h"

#include "acme_err.h"
#include "acme_time.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define YEAR_S   31536000

static const struct {
    struct acme_date date;
    int64_t seconds;
    const char *text;
} time_rows[] = {
    {{1970, 1, 1, 0, 0, 0}, 0, "1970-01-01T00:00:00Z"},
    {{1972, 2, 29, 12, 0, 0}, 68212800, "1972-02-29T12:00:00Z"},
    {{1985, 4, 12, 23, 20, 50}, 482196050, "1985-04-12T23:20:50Z"},
    {{1994, 11, 6, 8, 49, 37}, 784111777, "1994-11-06T08:49:37Z"},
    {{1999, 12, 31, 23, 59, 59}, 946684799, "1999-12-31T23:59:59Z"},
    {{2000, 2, 29, 0, 0, 0}, 951782400, "2000-02-29T00:00:00Z"},
    {{2000, 3, 1, 0, 0, 0}, 951868800, "2000-03-01T00:00:00Z"},
    {{2026, 11, 22, 4, 35, 0}, 1795322100, "2026-11-22T04:35:00Z"},
    {{2038, 1, 19, 3, 14, 8}, 2147483648, "2038-01-19T03:14:08Z"},
    {{2100, 2, 28, 23, 59, 59}, 4107542399, "2100-02-28T23:59:59Z"},
    {{2100, 3, 1, 0, 0, 0}, 4107542400, "2100-03-01T00:00:00Z"},
    {{2400, 2, 29, 0, 0, 0}, 13574563200, "2400-02-29T00:00:00Z"},
    {{9999, 12, 31, 23, 59, 59}, 253402300799, "9999-12-31T23:59:59Z"},
};

static void time_same(const struct acme_date *a, const struct acme_date *b)
{
    CHECK_INT(a->year, b->year);
    CHECK_INT(a->month, b->month);
    CHECK_INT(a->day, b->day);
    CHECK_INT(a->hour, b->hour);
    CHECK_INT(a->minute, b->minute);
    CHECK_INT(a->second, b->second);
}

TEST(time_vectors)
{
    size_t i;

    for (i = 0; i < COUNT(time_rows); i++) {
        char text[ACME_TIME_TEXT];
        struct acme_date date;
        int64_t seconds;

        CHECK_INT(acme_time_from_date(&time_rows[i].date), time_rows[i].seconds);
        acme_time_to_date(time_rows[i].seconds, &date);
        time_same(&date, &time_rows[i].date);
        acme_time_text(time_rows[i].seconds, text);
        CHECK_STR(text, time_rows[i].text);
        CHECK_INT(acme_time_rfc3339(acme_slice_text(text), &seconds), ACME_OK);
        CHECK_INT(seconds, time_rows[i].seconds);
    }
}

/* Each day from 1970 to 9999, counted one by one. */
TEST(time_every_day)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct acme_date want = {1970, 1, 1, 23, 59, 59};
    int64_t seconds = 86399;

    for (; want.year <= 9999; seconds += 86400) {
        struct acme_date got;
        int leap = (want.year % 4 == 0 && want.year % 100 != 0) || want.year % 400 == 0;

        acme_time_to_date(seconds, &got);
        time_same(&got, &want);
        CHECK_INT(acme_time_from_date(&want), seconds);
        if (++want.day > lengths[want.month - 1] + (want.month == 2 && leap)) {
            want.day = 1;
            if (++want.month > 12) {
                want.month = 1;
                want.year++;
            }
        }
    }
}

TEST(time_out_of_range)
{
    char text[ACME_TIME_TEXT];

    acme_time_text(-1, text);
    CHECK_STR(text, "1970-01-01T00:00:00Z");
    acme_time_text(INT64_MIN, text);
    CHECK_STR(text, "1970-01-01T00:00:00Z");
    acme_time_text(253402300800, text);
    CHECK_STR(text, "9999-12-31T23:59:59Z");
    acme_time_text(INT64_MAX, text);
    CHECK_STR(text, "9999-12-31T23:59:59Z");
}

/* Which days exist, as the readers see it. */
TEST(time_last_days_of_months)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month, day;

    for (month = 1; month <= 12; month++) {
        for (day = 1; day <= 40; day++) {
            char text[40];
            int64_t seconds;
            int want = day <= lengths[month - 1] ? ACME_OK : ACME_E_REPLY;

            snprintf(text, sizeof text, "2027%02d%02d000000Z", month, day);
            CHECK_INT(acme_time_asn1(acme_slice_text(text), &seconds), want);
        }
    }
}

/* Value of text by read, or -1. The bytes stand in a block of their own. */
static int64_t time_read(int (*read)(struct acme_slice, int64_t *), const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    int64_t seconds = 77;
    int got;

    CHECK(copy != NULL);
    memcpy(copy, text, len);
    got = read(acme_slice_of(copy, len), &seconds);
    free(copy);
    CHECK(got == ACME_OK || got == ACME_E_REPLY);
    CHECK(got == ACME_OK || seconds == 0);
    return got == ACME_OK ? seconds : -1;
}

TEST(time_rfc3339)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"2026-11-22T04:35:00Z", 1795322100},
        {"2026-11-22t04:35:00z", 1795322100},
        {"2026-11-22T04:35:00.0Z", 1795322100},
        {"2026-11-22T04:35:00.999999999Z", 1795322100},
        {"2026-11-22T04:35:00.99999999999999999999999999999999999999999Z", 1795322100},
        {"2026-11-22T04:35:00+00:00", 1795322100},
        {"2026-11-22T04:35:00-00:00", 1795322100},
        {"2026-11-22T05:35:00+01:00", 1795322100},
        {"2026-11-21T23:05:00-05:30", 1795322100},
        {"2026-11-23T04:34:00.123456789+23:59", 1795322100},
        {"1990-12-31T23:59:60Z", 662687999}, /* RFC 3339 5.8; 60 is read as 59 */
        {"1990-12-31T15:59:60-08:00", 662687999},
        {"2024-02-29T00:00:00Z", 1709164800},
        {"2000-02-29T00:00:00Z", 951782400},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"1970-01-01T00:59:59+01:00", -1},
        {"9999-12-31T23:59:59-00:01", -1},
        {"0001-01-01T00:00:00Z", -1},
        {"2026-11-22T04:35:00", -1},
        {"2026-11-22T04:35:00.Z", -1},
        {"2026-11-22T04:35:00.+01:00", -1},
        {"2026-11-22T04:35:00,5Z", -1},
        {"2026-11-22T04:35Z", -1},
        {"2026-11-22 04:35:00Z", -1},
        {"2026-11-2204:35:00Z", -1},
        {"20261122T043500Z", -1},
        {"2026-11-22", -1},
        {"", -1},
        {"2026-11-22T04:35:00ZZ", -1},
        {"2026-11-22T04:35:00Z ", -1},
        {" 2026-11-22T04:35:00Z", -1},
        {"2026-11-22T04:35:00+0100", -1},
        {"2026-11-22T04:35:00+01", -1},
        {"2026-11-22T04:35:00+1:00", -1},
        {"2026-11-22T04:35:00+24:00", -1},
        {"2026-11-22T04:35:00+00:60", -1},
        {"2026-11-22T04:35:00Z+01:00", -1},
        {"2026-00-22T04:35:00Z", -1},
        {"2026-13-22T04:35:00Z", -1},
        {"2026-11-00T04:35:00Z", -1},
        {"2026-11-31T04:35:00Z", -1},
        {"2026-12-32T04:35:00Z", -1},
        {"2026-02-29T04:35:00Z", -1},
        {"2100-02-29T04:35:00Z", -1},
        {"2024-02-30T04:35:00Z", -1},
        {"2026-11-22T24:00:00Z", -1},
        {"2026-11-22T04:60:00Z", -1},
        {"2026-11-22T04:35:61Z", -1},
        {"2026-11-22T-4:35:00Z", -1},
        {"+026-11-22T04:35:00Z", -1},
        {"12026-11-22T04:35:00Z", -1},
        {"2026-11-22T04:35:0aZ", -1},
        {"2026/11/22T04:35:00Z", -1},
        {"2026-11-22T04.35.00Z", -1},
    };
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        int64_t got = time_read(acme_time_rfc3339, rows[i].text, strlen(rows[i].text));

        CHECK_STR(got == rows[i].seconds ? "" : rows[i].text, "");
    }
    CHECK_INT(time_read(acme_time_rfc3339, "2026-11-22T04:35:00Z\0", 21), -1);
}

TEST(time_http_date)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, /* the three of RFC 9110 5.6.7 */
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed, 16 Nov 1994 08:49:37 GMT", 784975777},
        {"Wednesday, 16-Nov-94 08:49:37 GMT", 784975777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Monday, 01-Jan-70 00:00:00 GMT", 0},
        {"Tuesday, 31-Dec-69 23:59:59 GMT", 3155759999},
        {"Thursday, 31-Dec-99 23:59:59 GMT", 946684799},
        {"Friday, 31-Dec-99 23:59:59 GMT", 946684799},
        {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Thu, 31 Dec 1998 23:59:60 GMT", 915148799},
        {"", -1},
        {"Sun", -1},
        {"Sun,", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 06 Nov 1994 08:49:37 gmt", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {" Sun, 06 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun,06 Nov 1994 08:49:37 GMT", -1},
        {"sun, 06 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 ovD 1994 08:49:37 GMT", -1},
        {"unM, 06 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 94 08:49:37 GMT", -1},
        {"Sun, 06-Nov-1994 08:49:37 GMT", -1},
        {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 29 Feb 1900 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1969 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 8:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49 GMT", -1},
        {"Sunday, 06-Nov-1994 08:49:37 GMT", -1},
        {"Sunday, 06 Nov 94 08:49:37 GMT", -1},
        {"Sundays, 06-Nov-94 08:49:37 GMT", -1},
        {"Sunsday, 06-Nov-94 08:49:37 GMT", -1},
        {"Monnesday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun-Nov  6 08:49:37 1994", -1},
        {"Sun Nov 6 08:49:37 1994", -1},
        {"Sun Nov 06 08:49:37 1994 GMT", -1},
        {"Sun Nov  a 08:49:37 1994", -1},
        {"Sun Nov  0 08:49:37 1994", -1},
        {"Sun Nov  6 08:49:37 94", -1},
        {"2026-11-22T04:35:00Z", -1},
        {"0", -1},
    };
    size_t i, cut;

    for (i = 0; i < COUNT(rows); i++) {
        int64_t got = time_read(acme_time_http, rows[i].text, strlen(rows[i].text));

        CHECK_STR(got == rows[i].seconds ? "" : rows[i].text, "");
    }
    for (i = 0; i < 3; i++) { /* no prefix of any form is one */
        for (cut = 0; cut < strlen(rows[i].text); cut++) {
            CHECK_INT(time_read(acme_time_http, rows[i].text, cut), -1);
        }
    }
}

TEST(time_retry_after)
{
#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *text;
        bool have_now;
        int64_t now;
        const char *date;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"0", false, 0, "", 0},
        {"120", false, 0, "", 120},
        {"0000120", true, NOW, "", 120},
        {"31536000", false, 0, "", YEAR_S},
        {"31536001", false, 0, "", YEAR_S},
        {"315360009", false, 0, "", YEAR_S},
        {"4294967296", false, 0, "", YEAR_S},
        {"4294967297", false, 0, "", YEAR_S},
        {"18446744073709551617", false, 0, "", YEAR_S},
        {"99999999999999999999999999999999999999999999999999999999", false, 0, "", YEAR_S},
        {"", true, NOW, "", -1},
        {"-1", true, NOW, "", -1},
        {"+1", true, NOW, "", -1},
        {"1.5", true, NOW, "", -1},
        {"1 ", true, NOW, "", -1},
        {" 1", true, NOW, "", -1},
        {"1s", true, NOW, "", -1},
        {"0x10", true, NOW, "", -1},
        {"soon", true, NOW, "", -1},
        {"1, 2", true, NOW, "", -1},
        {"Sun, 06 Nov 1994 08:49:38 GMT", true, NOW, "", 1},
        {"Sunday, 06-Nov-94 08:50:37 GMT", true, NOW, "", 60},
        {"Sun Nov  6 09:49:37 1994", true, NOW, "", 3600},
        {"Sun, 06 Nov 1994 08:49:37 GMT", true, NOW, "", 0},
        {"Sun, 06 Nov 1994 08:49:36 GMT", true, NOW, "", 0},
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, NOW, "", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", true, NOW, "", YEAR_S},
        {"Fri, 31 Dec 9999 23:59:59 GMT", true, INT64_MIN, "", YEAR_S},
        {"Fri, 31 Dec 9999 23:59:59 GMT", true, INT64_MAX, "", 0},
        /* the clock is set: the reply's own Date does not matter */
        {"Sun, 06 Nov 1994 08:49:38 GMT", true, NOW, "Sun, 06 Nov 1994 08:00:00 GMT", 1},
        {"Sun, 06 Nov 1994 08:49:38 GMT", false, NOW, "Sun, 06 Nov 1994 08:49:00 GMT", 38},
        {"Sun, 06 Nov 1994 08:49:38 GMT", false, 0, "Sunday, 06-Nov-94 09:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:38 GMT", false, 0, "", -1},
        {"Sun, 06 Nov 1994 08:49:38 GMT", false, 0, "yesterday", -1},
        {"Sun, 06 Nov 1994 08:49:38 XXX", false, 0, "Sun, 06 Nov 1994 08:49:00 GMT", -1},
    };
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        uint32_t seconds = 77;
        int got = acme_time_retry_after(acme_slice_text(rows[i].text), rows[i].have_now,
                                        rows[i].now, acme_slice_text(rows[i].date), &seconds);

        CHECK(got == ACME_OK || got == ACME_E_REPLY);
        CHECK_STR((got == ACME_OK ? (int64_t)seconds : -1) == rows[i].seconds ? "" : rows[i].text,
                  "");
    }
    {
        uint32_t seconds;

        CHECK_INT(acme_time_retry_after(acme_slice_of("1\0", 2), true, NOW, acme_slice_text(""),
                                        &seconds),
                  ACME_E_REPLY);
    }
}

TEST(time_asn1)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"941106084937Z", 784111777},
        {"700101000000Z", 0},
        {"000229000000Z", 951782400},
        {"491231235959Z", 2524607999},
        {"20500101000000Z", 2524608000},
        {"19941106084937Z", 784111777},
        {"99991231235959Z", 253402300799},
        {"500101000000Z", -1}, /* 1950 */
        {"691231235959Z", -1}, /* 1969 */
        {"19691231235959Z", -1},
        {"00010101000000Z", -1},
        {"", -1},
        {"9411060849Z", -1},
        {"941106084937", -1},
        {"941106084937z", -1},
        {"941106084937+0000", -1},
        {"941106084937-0800", -1},
        {"19941106084937.5Z", -1},
        {"19941106084937", -1},
        {"1994110608Z", -1},
        {"941306084937Z", -1},
        {"940229000000Z", -1},
        {"941106244937Z", -1},
        {"9411060849 7Z", -1},
        {"19941106084937Z ", -1},
        {"-9941106084937Z", -1},
    };
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        int64_t got = time_read(acme_time_asn1, rows[i].text, strlen(rows[i].text));

        CHECK_STR(got == rows[i].seconds ? "" : rows[i].text, "");
    }
}

RUN()
