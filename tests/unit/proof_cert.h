/* proof_cert.h - is this the certificate of a proof by tls-alpn-01 (RFC 8737 3)? */
#ifndef PROOF_CERT_H
#define PROOF_CERT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "acme_crypto.h"
#include "acme_csr.h"
#include "acme_der.h"
#include "acme_err.h"
#include "test.h"

/* Are these bytes somewhere in it? */
static inline bool contains(struct acme_slice in, const void *what, size_t len)
{
    for (size_t i = 0; i + len <= in.len; i++) {
        if (memcmp(in.ptr + i, what, len) == 0)
            return true;
    }
    return false;
}

/* The certificate is valid DER, self-signed, of this key, with this proof of a key authorization.
 */
static inline void check_cert(struct acme_slice cert, struct acme_slice key, const char *text)
{
    /* Extension ::= SEQUENCE { OID, critical TRUE, OCTET STRING { OCTET STRING 32 } } */
    uint8_t proof[] = {0x30, 49, 6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 31, 1, 1, 0xff, 4, 34, 4, 32};
    uint8_t wanted[sizeof proof + ACME_SHA256_SIZE], digest[ACME_SHA256_SIZE];
    struct acme_slice in = cert, whole, body, rest, sig, algorithm;
    struct acme_key pair;
    struct acme_public pub;
    struct acme_der d;
    uint8_t room[200], tag;

    memcpy(wanted, proof, sizeof proof);
    CHECK_INT(acme_sha256(text, strlen(text), wanted + sizeof proof), ACME_OK);
    CHECK(contains(cert, wanted, sizeof wanted));
    CHECK_INT(acme_key_read(&pair, key), ACME_OK);
    CHECK_INT(acme_key_public(&pair, &pub), ACME_OK);
    acme_der_init(&d, room, sizeof room);
    acme_csr_public(&d, &pub);
    CHECK(contains(cert, acme_der_slice(&d).ptr, acme_der_slice(&d).len));
    CHECK(acme_der_read_tag(&in, ACME_DER_SEQUENCE, &rest) && in.len == 0);
    CHECK(acme_der_read(&rest, &tag, &body, &whole) && tag == ACME_DER_SEQUENCE);
    CHECK(acme_der_read_tag(&rest, ACME_DER_SEQUENCE, &algorithm));
    CHECK(acme_der_read_tag(&rest, ACME_DER_BIT_STRING, &sig) && rest.len == 0 && sig.ptr[0] == 0);
    CHECK_INT(acme_sha256(whole.ptr, whole.len, digest), ACME_OK);
    sig = acme_slice_of(sig.ptr + 1, sig.len - 1);
    CHECK_INT(acme_verify(acme_der_slice(&d), false, digest, sizeof digest, sig), ACME_OK);
    digest[0] ^= 1;
    CHECK_INT(acme_verify(acme_der_slice(&d), false, digest, sizeof digest, sig), ACME_E_CERT);
    acme_key_wipe(&pair);
}

#endif
