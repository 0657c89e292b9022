#include "acme_alpn_cert.h"

#include <string.h>

#include "acme_csr.h"
#include "acme_time.h"

#define ALPN_DAY    86400
#define ALPN_BEFORE ALPN_DAY
#define ALPN_AFTER  (7 * ALPN_DAY)
#define ALPN_SERIAL 16

static const uint8_t alpn_oid_san[] = {0x55, 0x1d, 0x11};
/* id-pe-acmeIdentifier, 1.3.6.1.5.5.7.1.31 */
static const uint8_t alpn_oid_acme[] = {0x2b, 6, 1, 5, 5, 7, 1, 31};
static const uint8_t alpn_oid_cn[] = {0x55, 4, 3};
static const char alpn_cn[] = "ACME tls-alpn-01";

static void alpn_digits(char *out, int value)
{
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

/* RFC 5280 4.1.2.5: UTCTime through 2049. */
static void alpn_time(struct acme_der *d, int64_t seconds)
{
    struct acme_date date;
    char text[15];
    bool utc;

    acme_time_to_date(seconds, &date);
    utc = date.year < 2050;
    alpn_digits(text, date.year / 100);
    alpn_digits(text + 2, date.year);
    alpn_digits(text + 4, date.month);
    alpn_digits(text + 6, date.day);
    alpn_digits(text + 8, date.hour);
    alpn_digits(text + 10, date.minute);
    alpn_digits(text + 12, date.second);
    text[14] = 'Z';
    if (utc)
        acme_der_put(d, ACME_DER_UTC_TIME, text + 2, 13);
    else
        acme_der_put(d, ACME_DER_GENERAL_TIME, text, 15);
}

/* The issuer, and the same again as the subject: so it is self-signed for who compares them. */
static void alpn_name(struct acme_der *d)
{
    size_t mark = acme_der_mark(d);

    acme_der_put(d, ACME_DER_UTF8, alpn_cn, sizeof alpn_cn - 1);
    acme_der_put(d, ACME_DER_OID, alpn_oid_cn, sizeof alpn_oid_cn);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    acme_der_wrap(d, mark, ACME_DER_SET);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
}

static int alpn_extensions(struct acme_der *d, const char *identifier, const uint8_t *digest)
{
    static const uint8_t yes = 0xff;
    size_t all = acme_der_mark(d), mark = all;
    int ret;

    acme_der_put(d, ACME_DER_OCTET_STRING, digest, ACME_SHA256_SIZE);
    acme_der_wrap(d, mark, ACME_DER_OCTET_STRING);
    acme_der_put(d, ACME_DER_BOOLEAN, &yes, 1); /* critical */
    acme_der_put(d, ACME_DER_OID, alpn_oid_acme, sizeof alpn_oid_acme);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    mark = acme_der_mark(d);
    ret = acme_csr_san(d, &identifier, 1);
    if (ret != ACME_OK)
        return ret;
    acme_der_wrap(d, mark, ACME_DER_OCTET_STRING);
    acme_der_put(d, ACME_DER_OID, alpn_oid_san, sizeof alpn_oid_san);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    acme_der_wrap(d, all, ACME_DER_SEQUENCE);
    acme_der_wrap(d, all, ACME_DER_CONTEXT(3));
    return ACME_OK;
}

/* TBSCertificate (RFC 5280 4.1), from its end. */
static int alpn_body(struct acme_der *d, const char *identifier, const uint8_t *digest,
                     const struct acme_public *pub, int64_t now)
{
    uint8_t serial[ALPN_SERIAL];
    size_t mark;
    int ret = acme_random(serial, sizeof serial);

    if (ret == ACME_OK)
        ret = alpn_extensions(d, identifier, digest);
    if (ret != ACME_OK)
        return ret;
    serial[0] = (uint8_t)(serial[0] | 0x40); /* never 0, never shorter */
    acme_csr_public(d, pub);
    alpn_name(d);
    mark = acme_der_mark(d);
    alpn_time(d, now + ALPN_AFTER);
    alpn_time(d, now > ALPN_BEFORE ? now - ALPN_BEFORE : 0);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    alpn_name(d);
    acme_csr_algorithm(d, (enum acme_key_type)pub->type);
    acme_der_uint(d, serial, sizeof serial);
    mark = acme_der_mark(d);
    acme_der_small(d, 2); /* version 3 */
    acme_der_wrap(d, mark, ACME_DER_CONTEXT(0));
    acme_der_wrap(d, 0, ACME_DER_SEQUENCE);
    return d->overflow ? ACME_E_SIZE : ACME_OK;
}

int acme_alpn_cert_write(struct acme_span room, const char *identifier,
                         const uint8_t digest[ACME_SHA256_SIZE], const struct acme_key *key,
                         int64_t now, struct acme_slice *out)
{
    struct acme_public pub;
    struct acme_der d;
    int ret = acme_key_public(key, &pub);

    *out = acme_slice_of(NULL, 0);
    if (ret != ACME_OK)
        return ret;
    acme_der_init(&d, room.ptr, room.len);
    ret = alpn_body(&d, identifier, digest, &pub, now);
    if (ret != ACME_OK)
        return ret;
    return acme_csr_seal(room, acme_der_slice(&d), key, out);
}
