/* acme_alpn_cert.h - the certificate that proves a name in tls-alpn-01 (RFC 8737 3, RFC 8738 6) */
#ifndef ACME_ALPN_CERT_H
#define ACME_ALPN_CERT_H

#include <stdint.h>

#include "acme_crypto.h"

/* Bytes that are always enough for a P-256 key: 390, and the identifier. */
#define ACME_ALPN_CERT_MAX 704

/* A self-signed certificate: the identifier (a name without "*.", or an IP literal) as its only
 * subjectAltName, and the critical extension acmeIdentifier with digest, the SHA-256 of the key
 * authorization; no other extension, because CAs refuse more. Valid from a day before now (seconds
 * since 1970) to a week after it, for CAs that look at it and clocks that differ. *out lies in
 * room. ACME_OK, ACME_E_SIZE, ACME_E_NAME, ACME_E_CRYPTO, ACME_AGAIN or ACME_E_ENTROPY (serial
 * number). */
int acme_alpn_cert_write(struct acme_span room, const char *identifier,
                         const uint8_t digest[ACME_SHA256_SIZE], const struct acme_key *key,
                         int64_t now, struct acme_slice *out);

#endif
