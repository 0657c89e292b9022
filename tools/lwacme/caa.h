/* caa.h - may this CA issue for this name? CAA records, read as a CA does (RFC 8659, RFC 8657)
 *
 * Pure. The records are of the name, or of the first parent that has any (RFC 8659 3): who finds
 * them is doctor_dns.c.
 */
#ifndef CAA_H
#define CAA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"

#define CAA_RECORDS 64 /* of one name; more is not judged */

enum caa_verdict {
    CAA_ALLOWED,       /* a property allows it, or none is about issuance */
    CAA_ALLOWED_IF,    /* ... for one account alone, and ours is not known yet */
    CAA_OTHER_ACCOUNT, /* this CA, for another account (accounturi) */
    CAA_OTHER_METHOD,  /* this CA, by another kind of proof (validationmethods) */
    CAA_OTHER_CA,      /* other CAs, or none */
    CAA_CRITICAL,      /* a property that is critical, and not known */
    CAA_BROKEN         /* not to be read: CAs refuse then */
};

struct caa_asker {
    const char *const *identities; /* the CA's (directory, meta.caaIdentities) */
    size_t count;
    bool wildcard;
    const char *account; /* its URL, "": not known */
    const char *method;  /* "http-01" */
};

/* records: the data of each. */
enum caa_verdict caa_judge(const struct acme_slice *records, size_t count,
                           const struct caa_asker *asker);

/* The issuers that the records name, separated by spaces, for display: printable ASCII. */
void caa_issuers(struct acme_buf *out, const struct acme_slice *records, size_t count);

#endif
