/* acme_cert.h - an issued chain: read, checked before it is installed, told about
 *
 * What the CA sends must pass wolfSSL's parser first; nothing here trusts a length it did not
 * check. acme_chain.c has the PEM part.
 */
#ifndef ACME_CERT_H
#define ACME_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_crypto.h"
#include "acme_name.h"

/* A chain as stored: for each certificate, leaf first, a length (24 bits, little-endian) and its
 * DER. */
struct acme_chain {
    struct acme_slice packed;
};

/* Decodes application/pem-certificate-chain (RFC 8555 9.1) in place: packed lies in text. Text
 * outside the armour is only white space or lines without "-----"; a label other than CERTIFICATE
 * refuses the whole (11.4: no key may be smuggled in). ACME_OK, ACME_E_CERT, ACME_E_SIZE (more
 * than ACME_MAX_CHAIN_CERTS). */
int acme_chain_from_pem(struct acme_span text, struct acme_chain *out);

/* The nth certificate; empty when there is none. Checks every length, so it may be used on a
 * record that was just read. */
struct acme_slice acme_chain_at(const struct acme_chain *chain, size_t nth);
size_t acme_chain_count(const struct acme_chain *chain); /* 0 for a damaged one */

/* Facts of one certificate; text is for display: what is not printable ASCII is a '?'. */
struct acme_cert_facts {
    int64_t not_before, not_after; /* seconds since 1970 UTC */
    uint8_t serial[21]; /* 20 (RFC 5280 4.1.2.2), and CAs that do not count a zero in front */
    uint8_t serial_len; /* as in the certificate, a leading zero byte kept */
    uint8_t authority_key[32];
    uint8_t authority_key_len; /* 0: the extension is absent */
    char issuer[96];           /* common name, else organisation, else "" */
};
/* ACME_OK or ACME_E_CERT. */
int acme_cert_facts(struct acme_slice der, struct acme_cert_facts *out);

/* The nth (from 0) SAN of the certificate. ACME_OK, ACME_AGAIN when there are no more, or
 * ACME_E_CERT (another kind than dNSName and iPAddress, a name that acme_name_read refuses, or
 * broken). Reads the bytes alone: for a certificate that was checked before. */
int acme_cert_san(struct acme_slice der, size_t nth, struct acme_name *out);

/* One GeneralName as a name; shared with acme_csr_read.c. ACME_OK or ACME_E_CERT. */
int acme_cert_san_name(uint8_t tag, struct acme_slice value, struct acme_name *out);
/* The content of an extension's OCTET STRING; empty when it is absent. extensions: their SEQUENCE's
 * content. */
struct acme_slice acme_cert_extension(struct acme_slice extensions, const uint8_t *oid,
                                      size_t oid_len);
/* The SubjectPublicKeyInfo, whole; empty for what is no certificate. */
struct acme_slice acme_cert_spki(struct acme_slice der);

/* Why a chain was refused: a constant sentence. */
struct acme_cert_verdict {
    const char *why;
    size_t nth; /* the certificate it speaks of, 0 is the leaf */
};

/* All checks before a certificate may replace another (RFC 8555 11.4, 7.4.2): the leaf's public key
 * is ours; its SANs are exactly the names; now lies in its dates (skew_s of tolerance at
 * not_before; when have_now is false the dates are only checked for order); every certificate is
 * signed by the next one (SHA-2; ECDSA or RSA PKCS #1), which may sign (basicConstraints, keyUsage,
 * path length); no certificate and no SAN twice. The last one's issuer may be absent. The dates of
 * the others are not judged: CAs send expired cross-signed roots on purpose. The names must have
 * passed acme_name_read. key NULL: it is not ours, and the caller compares acme_cert_spki. ACME_OK,
 * or ACME_E_CERT and *verdict. */
int acme_cert_check(const struct acme_chain *chain, const struct acme_key *key,
                    const char *const *names, size_t count, bool have_now, int64_t now,
                    uint32_t skew_s, struct acme_cert_verdict *verdict);

#endif
