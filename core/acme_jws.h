/* acme_jws.h - flattened JWS (RFC 8555 6.2), JWK and its thumbprint (RFC 7638) */
#ifndef ACME_JWS_H
#define ACME_JWS_H

#include "acme_b64.h"
#include "acme_buf.h"
#include "acme_crypto.h"

/* Bytes of the longest JWK: its base64url numbers, and members, commas and quotes (RSA has more).
 */
#define ACME_JWK_MAX                                                                               \
    (ACME_B64URL_LEN(sizeof((struct acme_public *)0)->a) +                                         \
     ACME_B64URL_LEN(sizeof((struct acme_public *)0)->b) + 64)

/* base64url of a SHA-256, with NUL. */
#define ACME_THUMBPRINT_TEXT 44

struct acme_jws {
    const struct acme_key *key;
    const char *kid;           /* the account URL; NULL: the public key goes in as `jwk` */
    const char *nonce;         /* NULL: an inner JWS (key change, RFC 8555 7.3.5) has none */
    const char *url;           /* byte for byte the URL of the request (6.4) */
    struct acme_slice payload; /* empty: POST-as-GET (6.3) */
};

/* Appends {"protected":...,"payload":...,"signature":...} to out. The payload may not lie in out.
 * ACME_OK, ACME_E_SIZE (out overflowed), ACME_E_CRYPTO. */
int acme_jws_write(struct acme_buf *out, const struct acme_jws *jws);

/* The size that acme_jws_write will append at most, so that Content-Length can be written first
 * without a copy: exact for every key type (ECDSA JWS signatures have one length). */
size_t acme_jws_size(const struct acme_jws *jws, const struct acme_public *pub);

/* The JWK with its members in lexicographic order and no white space (RFC 7638 3.3). */
void acme_jws_jwk(struct acme_buf *out, const struct acme_public *pub);
int acme_jws_thumbprint(const struct acme_key *key, char out[ACME_THUMBPRINT_TEXT]);

/* External account binding (7.3.4): an inner JWS by HMAC. digest_size 32, 48, 64 is HS256, HS384,
 * HS512; payload is the account's JWK. */
int acme_jws_write_mac(struct acme_buf *out, size_t digest_size, struct acme_slice mac_key,
                       const char *kid, const char *url, struct acme_slice payload);

#endif
