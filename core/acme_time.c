/* acme_time.c - the calendar: RFC 3339, HTTP-date, ASN.1 time and seconds since 1970 UTC */
#include "acme_time.h"

#include <string.h>

#include "acme_err.h"

#define TIME_DAY    86400
#define TIME_YEAR_S 31536000     /* the most that Retry-After may hold us back */
#define TIME_LAST   253402300799 /* 9999-12-31T23:59:59Z */

static const char time_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char time_weekdays[] = "SunMonTueWedThuFriSat";
/* What RFC 850 has behind the three letters. */
static const char time_day_ends[7][7] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};

/* Days from 1970-01-01 to the first day of a year that begins in March: so the leap day is a
 * year's last day, and all months but that one have lengths that a line gives. */
static int32_t time_days(int32_t year, int32_t month, int32_t day)
{
    int32_t y = month <= 2 ? year - 1 : year;
    int32_t m = month <= 2 ? month + 9 : month - 3; /* March is 0 */

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

int64_t acme_time_from_date(const struct acme_date *date)
{
    int32_t days = time_days(date->year, date->month, date->day);
    int32_t second = date->second > 59 ? 59 : date->second; /* a leap second */

    return (int64_t)days * TIME_DAY + date->hour * 3600 + date->minute * 60 + second;
}

void acme_time_to_date(int64_t seconds, struct acme_date *date)
{
    int32_t days, rest, year, m;

    seconds = seconds < 0 ? 0 : seconds > TIME_LAST ? TIME_LAST : seconds;
    days = (int32_t)(seconds / TIME_DAY);
    rest = (int32_t)(seconds % TIME_DAY);
    date->hour = rest / 3600;
    date->minute = rest / 60 % 60;
    date->second = rest % 60;
    year = 1970 + days / 366; /* never too late */
    while (time_days(year + 1, 3, 1) <= days) {
        year++;
    }
    if (time_days(year, 3, 1) > days) {
        year--;
    }
    days -= time_days(year, 3, 1);
    m = (5 * days + 2) / 153;
    date->day = days - (153 * m + 2) / 5 + 1;
    date->month = m < 10 ? m + 3 : m - 9;
    date->year = m < 10 ? year : year + 1;
}

/* ---- reading: a cursor that remembers its first error ---- */

struct time_cursor {
    struct acme_slice s;
    size_t at;
    bool bad;
};

static uint8_t time_peek(const struct time_cursor *c)
{
    return c->at < c->s.len ? c->s.ptr[c->at] : 0;
}

static bool time_is_digit(const struct time_cursor *c)
{
    return time_peek(c) >= '0' && time_peek(c) <= '9';
}

static int time_digits(struct time_cursor *c, unsigned count)
{
    int value = 0;

    for (; count > 0; count--) {
        if (!time_is_digit(c)) {
            c->bad = true;
            return 0;
        }
        value = value * 10 + (c->s.ptr[c->at++] - '0');
    }
    return value;
}

/* Exactly this text, byte for byte: HTTP-date is case-sensitive. */
static void time_text(struct time_cursor *c, const char *text)
{
    size_t len = strlen(text);

    if (c->s.len - c->at < len || memcmp(c->s.ptr + c->at, text, len) != 0) {
        c->bad = true;
        return;
    }
    c->at += len;
}

/* One letter in either case, as RFC 3339 5.6 allows. */
static bool time_letter(struct time_cursor *c, char upper)
{
    bool found = (time_peek(c) & ~0x20) == upper;

    c->at += found;
    return found;
}

/* 1.. for the three letters within names, which has three for each. */
static int time_name3(struct time_cursor *c, const char *names)
{
    int i;

    for (i = 0; c->s.len - c->at >= 3 && names[3 * i] != '\0'; i++) {
        if (memcmp(c->s.ptr + c->at, names + 3 * i, 3) == 0) {
            c->at += 3;
            return i + 1;
        }
    }
    c->bad = true;
    return 1;
}

static void time_clock(struct time_cursor *c, struct acme_date *d)
{
    d->hour = time_digits(c, 2);
    time_text(c, ":");
    d->minute = time_digits(c, 2);
    time_text(c, ":");
    d->second = time_digits(c, 2);
}

static int time_month_days(int year, int month)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month == 2) {
        return leap ? 29 : 28;
    }
    return 30 + ((month + month / 8) & 1);
}

static bool time_within(int value, int low, int high)
{
    return value >= low && value <= high;
}

/* The end of every form: nothing behind it, and a date that exists. offset: seconds east. */
static int time_finish(const struct time_cursor *c, const struct acme_date *d, int32_t offset,
                       int64_t *seconds)
{
    int64_t value;

    *seconds = 0;
    if (c->bad || c->at != c->s.len || !time_within(d->year, 1970, 9999) ||
        !time_within(d->month, 1, 12) ||
        !time_within(d->day, 1, time_month_days(d->year, d->month)) ||
        !time_within(d->hour, 0, 23) || !time_within(d->minute, 0, 59) ||
        !time_within(d->second, 0, 60)) {
        return ACME_E_REPLY;
    }
    value = acme_time_from_date(d) - offset;
    if (value < 0 || value > TIME_LAST) {
        return ACME_E_REPLY;
    }
    *seconds = value;
    return ACME_OK;
}

int acme_time_rfc3339(struct acme_slice text, int64_t *seconds)
{
    struct time_cursor c = {text, 0, false};
    struct acme_date d;
    int32_t offset = 0;

    d.year = time_digits(&c, 4);
    time_text(&c, "-");
    d.month = time_digits(&c, 2);
    time_text(&c, "-");
    d.day = time_digits(&c, 2);
    if (!time_letter(&c, 'T')) {
        c.bad = true;
    }
    time_clock(&c, &d);
    if (time_peek(&c) == '.') {
        c.at++;
        (void)time_digits(&c, 1);
        while (time_is_digit(&c)) {
            c.at++;
        }
    }
    if (time_peek(&c) == '+' || time_peek(&c) == '-') {
        bool west = time_peek(&c) == '-';
        int hours, minutes;

        c.at++;
        hours = time_digits(&c, 2);
        time_text(&c, ":");
        minutes = time_digits(&c, 2);
        c.bad = c.bad || hours > 23 || minutes > 59;
        offset = hours * 3600 + minutes * 60;
        offset = west ? -offset : offset;
    } else if (!time_letter(&c, 'Z')) {
        c.bad = true;
    }
    return time_finish(&c, &d, offset, seconds);
}

/* "Sun Nov  6 08:49:37 1994", behind the weekday: asctime(). */
static void time_asctime(struct time_cursor *c, struct acme_date *d)
{
    time_text(c, " ");
    d->month = time_name3(c, time_months);
    time_text(c, " ");
    if (time_peek(c) == ' ') {
        c->at++;
        d->day = time_digits(c, 1);
    } else {
        d->day = time_digits(c, 2);
    }
    time_text(c, " ");
    time_clock(c, d);
    time_text(c, " ");
    d->year = time_digits(c, 4);
}

/* Two digits: 70..99 are of the last century, for we know no year before 1970. */
static int time_year2(struct time_cursor *c)
{
    int year = time_digits(c, 2);

    return year < 70 ? 2000 + year : 1900 + year;
}

int acme_time_http(struct acme_slice text, int64_t *seconds)
{
    struct time_cursor c = {text, 0, false};
    const char *separator = " ";
    struct acme_date d;
    int weekday = time_name3(&c, time_weekdays) - 1;
    bool short_year = false;

    if (time_peek(&c) == ' ') {
        time_asctime(&c, &d);
        return time_finish(&c, &d, 0, seconds);
    }
    if (time_peek(&c) != ',') { /* RFC 850: "Sunday, 06-Nov-94 08:49:37 GMT" */
        time_text(&c, time_day_ends[weekday]);
        separator = "-";
        short_year = true;
    }
    time_text(&c, ", ");
    d.day = time_digits(&c, 2);
    time_text(&c, separator);
    d.month = time_name3(&c, time_months);
    time_text(&c, separator);
    d.year = short_year ? time_year2(&c) : time_digits(&c, 4);
    time_text(&c, " ");
    time_clock(&c, &d);
    time_text(&c, " GMT");
    return time_finish(&c, &d, 0, seconds);
}

int acme_time_retry_after(struct acme_slice text, bool have_now, int64_t now,
                          struct acme_slice date_header, uint32_t *seconds)
{
    struct time_cursor c = {text, 0, false};
    int64_t wait = 0, then;

    *seconds = 0;
    if (time_is_digit(&c)) {
        for (; time_is_digit(&c); c.at++) {
            if (wait <= TIME_YEAR_S) {
                wait = wait * 10 + (text.ptr[c.at] - '0');
            }
        }
        if (c.at != text.len) {
            return ACME_E_REPLY;
        }
    } else {
        int err = acme_time_http(text, &then);

        if (err == ACME_OK && !have_now) {
            err = acme_time_http(date_header, &now);
        }
        if (err != ACME_OK) {
            return err;
        }
        wait = now < 0 ? then : then - now; /* a clock before 1970 must not overflow this */
    }
    *seconds = wait < 0 ? 0 : wait > TIME_YEAR_S ? TIME_YEAR_S : (uint32_t)wait;
    return ACME_OK;
}

int acme_time_asn1(struct acme_slice text, int64_t *seconds)
{
    struct time_cursor c = {text, 0, false};
    struct acme_date d;

    if (text.len == 13) {
        d.year = time_digits(&c, 2);
        d.year += d.year < 50 ? 2000 : 1900;
    } else {
        d.year = time_digits(&c, 4);
    }
    d.month = time_digits(&c, 2);
    d.day = time_digits(&c, 2);
    d.hour = time_digits(&c, 2);
    d.minute = time_digits(&c, 2);
    d.second = time_digits(&c, 2);
    time_text(&c, "Z");
    return time_finish(&c, &d, 0, seconds);
}

/* ---- writing ---- */

static char *time_put(char *at, int value, int digits, char behind)
{
    int i;

    for (i = digits; i-- > 0; value /= 10) {
        at[i] = (char)('0' + value % 10);
    }
    at[digits] = behind;
    return at + digits + 1;
}

void acme_time_text(int64_t seconds, char out[ACME_TIME_TEXT])
{
    struct acme_date d;

    acme_time_to_date(seconds, &d);
    out = time_put(out, d.year, 4, '-');
    out = time_put(out, d.month, 2, '-');
    out = time_put(out, d.day, 2, 'T');
    out = time_put(out, d.hour, 2, ':');
    out = time_put(out, d.minute, 2, ':');
    out = time_put(out, d.second, 2, 'Z');
    *out = '\0';
}
