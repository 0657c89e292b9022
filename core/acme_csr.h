/* acme_csr.h - the certificate request (RFC 2986, RFC 8555 7.4) */
#ifndef ACME_CSR_H
#define ACME_CSR_H

#include "acme_crypto.h"
#include "acme_der.h"
#include "acme_name.h"

/* A CSR with an empty subject and all names as SAN (DNS and IP), signed by key. The names must have
 * passed acme_name_read; they are written in the order given. The same arguments give the same
 * bytes (deterministic ECDSA), so a CSR is never stored. *out lies in room, at its end.
 * ACME_OK, ACME_E_SIZE (room: about 400 bytes + the names), ACME_E_NAME, ACME_E_CRYPTO. */
int acme_csr_write(struct acme_span room, const char *const *names, size_t count,
                   const struct acme_key *key, struct acme_slice *out);

/* What all signed objects of X.509 are: body (which lies in room), the algorithm, and the signature
 * of key over body, as one SEQUENCE. *out lies in room. ACME_OK, ACME_E_SIZE, ACME_E_CRYPTO. */
int acme_csr_seal(struct acme_span room, struct acme_slice body, const struct acme_key *key,
                  struct acme_slice *out);

/* AlgorithmIdentifier and SubjectPublicKeyInfo, shared with the tls-alpn-01 certificate. */
void acme_csr_algorithm(struct acme_der *d, enum acme_key_type type);
void acme_csr_public(struct acme_der *d, const struct acme_public *pub);
/* The SubjectAltName extension's GeneralNames for these names. */
int acme_csr_san(struct acme_der *d, const char *const *names, size_t count);

#endif
