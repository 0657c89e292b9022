/* A private key in a file: PEM, DER, or JSON. */
#include "lwacme.h"

#include <string.h>

#include "acme_b64.h"
#include "acme_der.h"
#include "acme_jwk_read.h"

/* The base64 between a key's lines, decoded in constant time; other blocks (EC PARAMETERS) are
 * passed over. */
static int from_pem(uint8_t *out, size_t cap, const char *text, const char **why)
{
    static const char end_label[] = " KEY-----";
    char *body64 = (char *)out;
    const char *at = strstr(text, "PRIVATE KEY-----");
    size_t n = 0;

    if (at == NULL || strstr(text, "-----BEGIN ") == NULL)
        return -1;
    if (strstr(text, "ENCRYPTED") != NULL) {
        *why = "a key with a password: take it off with `openssl pkey`";
        return -1;
    }
    for (at = strstr(at, end_label) + sizeof end_label - 1; *at != '\0' && *at != '-'; at++) {
        if (*at == '\r' || *at == '\n' || *at == ' ' || *at == '=')
            continue;
        if (n == cap)
            return -1;
        body64[n++] = (char)(*at == '+' ? '-' : *at == '/' ? '_' : *at);
    }
    return *at == '-' ? acme_b64url_decode(out, cap, body64, n) : -1;
}

/* -- what a key that was refused is -- */

static const char *of_numbers(struct acme_slice in, struct acme_slice oid)
{
    static const uint8_t curves[] = {0x2b, 0x81, 4, 0}; /* of SEC 2 */
    struct acme_slice part;
    uint8_t tag = 0;

    if (oid.len == 0 && (!acme_der_read(&in, &tag, &part, NULL) ||
                         (tag != ACME_DER_INTEGER && tag != ACME_DER_OCTET_STRING)))
        return NULL;
    if (tag == ACME_DER_INTEGER) {
        while (part.len > 0 && part.ptr[0] == 0)
            part = acme_slice_of(part.ptr + 1, part.len - 1);
        return part.len != 256 && part.len != 384 && part.len != 512
                   ? "an RSA key of other than 2048, 3072 or 4096 bits"
                   : NULL;
    }
    if (oid.len == 0 && (!acme_der_read_tag(&in, ACME_DER_CONTEXT(0), &part) ||
                         !acme_der_read_tag(&part, ACME_DER_OID, &oid)))
        return NULL;
    return oid.len != 8 && !(oid.len == 5 && memcmp(oid.ptr, curves, 4) == 0 && oid.ptr[4] == 0x22)
               ? "an EC key on another curve than P-256 and P-384"
               : NULL;
}

/* Words for a kind of key that is not taken; NULL: it is damaged. */
static const char *of_other_kind(struct acme_slice der)
{
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
    static const uint8_t ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1};
    struct acme_slice in, part, oid = {NULL, 0}, curve = {NULL, 0}, rest;

    if (!acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in) ||
        !acme_der_read_tag(&in, ACME_DER_INTEGER, &part))
        return NULL;
    rest = in;
    if (!acme_der_read_tag(&rest, ACME_DER_SEQUENCE, &part)) /* SEC 1, PKCS #1 */
        return of_numbers(in, curve);
    if (!acme_der_read_tag(&part, ACME_DER_OID, &oid))
        return NULL;
    if (oid.len == sizeof ec && memcmp(oid.ptr, ec, sizeof ec) == 0)
        return acme_der_read_tag(&part, ACME_DER_OID, &curve) ? of_numbers(rest, curve) : NULL;
    if (oid.len != sizeof rsa || memcmp(oid.ptr, rsa, sizeof rsa) != 0)
        return "a key that is neither RSA nor EC";
    return acme_der_read_tag(&rest, ACME_DER_OCTET_STRING, &part) &&
                   acme_der_read_tag(&part, ACME_DER_SEQUENCE, &in) &&
                   acme_der_read_tag(&in, ACME_DER_INTEGER, &part)
               ? of_numbers(in, curve)
               : NULL;
}

int keyfile_read(struct acme_key *key, char *text, size_t len, const char **why)
{
    static union {
        void *align;
        uint8_t bytes[2 * KEYFILE_MAX];
    } room;
    struct acme_span span = {room.bytes, sizeof room.bytes};
    const char *start, *kind;
    int n = -1;

    text[len] = '\0';
    start = text + strspn(text, " \t\r\n");
    if (*start == '{')
        return acme_jwk_read(key, acme_slice_of(start, len - (size_t)(start - text)), span, why) ==
                       ACME_OK
                   ? 0
                   : -1;
    *why = "not a private key in PEM or DER without a password, nor as JWK";
    if (len > 0 && len <= sizeof room.bytes && text[0] == 0x30) {
        memcpy(room.bytes, text, len);
        n = (int)len;
    } else
        n = from_pem(room.bytes, sizeof room.bytes, text, why);
    if (n > 0 && acme_key_read(key, acme_slice_of(room.bytes, (size_t)n)) != ACME_OK) {
        kind = of_other_kind(acme_slice_of(room.bytes, (size_t)n));
        if (kind != NULL)
            *why = kind;
        n = -1;
    }
    acme_wipe(room.bytes, sizeof room.bytes);
    return n > 0 ? 0 : -1;
}
