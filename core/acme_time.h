/* acme_time.h - the calendar: RFC 3339, HTTP-date, ASN.1 time and seconds since 1970 UTC
 *
 * Pure functions, years 1970..9999, no libc time, no locale.
 */
#ifndef ACME_TIME_H
#define ACME_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"

struct acme_date {
    int year;                 /* 1970..9999 */
    int month, day;           /* 1..12, 1..31 */
    int hour, minute, second; /* second 0..59; 60 is read as 59 */
};

int64_t acme_time_from_date(const struct acme_date *date);
void acme_time_to_date(int64_t seconds, struct acme_date *date);

/* "2026-11-22T04:35:00Z", with a fraction of any length (cut off) and any offset (RFC 3339 5.6).
 * ACME_OK or ACME_E_REPLY. */
int acme_time_rfc3339(struct acme_slice text, int64_t *seconds);

/* The three forms of RFC 9110 5.6.7. Two-digit years 70..99 are 1970..1999, others
 * 2000..2069. The name of the weekday is not compared with the date. ACME_OK or ACME_E_REPLY. */
int acme_time_http(struct acme_slice text, int64_t *seconds);

/* Retry-After (RFC 9110 10.2.3) in both forms, as seconds from now, 0..31536000 (a year; more is
 * cut). A date needs the wall clock: pass have_now false when it is not set, and a date is then
 * read against `date_header` (the reply's own Date; empty slice if it had none).
 * ACME_OK or ACME_E_REPLY. */
int acme_time_retry_after(struct acme_slice text, bool have_now, int64_t now,
                          struct acme_slice date_header, uint32_t *seconds);

/* ASN.1 UTCTime "YYMMDDHHMMSSZ" (13) and GeneralizedTime "YYYYMMDDHHMMSSZ" (15), as RFC 5280
 * 4.1.2.5 restricts them. ACME_OK or ACME_E_REPLY. */
int acme_time_asn1(struct acme_slice text, int64_t *seconds);

/* "2026-11-22T04:35:00Z" and its NUL: 21 bytes. */
#define ACME_TIME_TEXT 21
void acme_time_text(int64_t seconds, char out[ACME_TIME_TEXT]);

#endif
