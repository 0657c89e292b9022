/* acme_csr_read.h - a certificate request that somebody else has made (RFC 2986)
 *
 * Its key stays with whoever made it. The bytes are a person's file: nothing is trusted.
 */
#ifndef ACME_CSR_READ_H
#define ACME_CSR_READ_H

#include "acme_cert.h"

struct acme_csr {
    struct acme_slice info;       /* whole element: what is signed */
    struct acme_slice spki;       /* SubjectPublicKeyInfo, whole element */
    struct acme_slice extensions; /* those asked for, content; empty when there are none */
    struct acme_slice signature;
    uint8_t digest_size; /* of the signature; 0: of a kind that is not known here */
    bool rsa;
};

/* Cuts der into its parts and checks its signature, where its kind is known (the CA does it again).
 * ACME_OK, or ACME_E_CERT: it is no request, or it is damaged; or ACME_E_CONFIG when requests of
 * others are not built in. *why (not NULL) is a constant sentence. */
int acme_csr_read(struct acme_slice der, struct acme_csr *out, const char **why);

/* The nth (from 0) name that it asks for, of its subjectAltName. ACME_OK, ACME_AGAIN when there are
 * no more, ACME_E_CERT: not a DNS name or IP address, or not one that acme_name_read takes. */
int acme_csr_name(const struct acme_csr *csr, size_t nth, struct acme_name *out);

/* Does it ask for these names, and no other? */
bool acme_csr_fits(const struct acme_csr *csr, const char *const *names, size_t count);

#endif
