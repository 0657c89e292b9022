/* dns_persist.h - the TXT record of dns-persist-01 (draft-ietf-acme-dns-persist): written, judged
 *
 *     ISSUER; accounturi=URL[; policy=wildcard][; persistUntil=SECONDS]
 *
 * It stands at `_validation-persist.NAME` for as long as its owner likes, and lets one account get
 * certificates. So what is in it is our own account's URL and the issuer that a person has
 * configured, and never what a challenge says: a CA that lies could else have another's account put
 * there. Pure.
 */
#ifndef DNS_PERSIST_H
#define DNS_PERSIST_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest text of a record that is judged or written, with its NUL. */
#define DNS_PERSIST_ROOM (ACME_MAX_URL + 384)

struct dns_persist_want {
    const char *issuer;      /* domain of the CA, lower case */
    const char *account_url; /* ours */
    bool wildcard;
    int64_t until; /* of a record that is written: 0: for ever */
};

/* From worse to better, so that of several records the best counts. */
enum dns_persist_verdict {
    DNS_PERSIST_ABSENT,        /* of another issuer, so it does not speak of us */
    DNS_PERSIST_BROKEN,        /* breaks the grammar, or names no account */
    DNS_PERSIST_OTHER_ACCOUNT, /* another account's */
    DNS_PERSIST_NO_WILDCARD,   /* ours, but not for "*.NAME" */
    DNS_PERSIST_EXPIRED,       /* ours, but not any more */
    DNS_PERSIST_GOOD
};

/* Is it a domain name that can stand for an issuer: letters in lower case, digits, "-", dots? */
bool dns_persist_issuer_ok(const char *issuer);
/* The text into out. ACME_OK; ACME_E_URL: an account's URL that cannot stand in it; ACME_E_SIZE. */
int dns_persist_write(const struct dns_persist_want *want, char *out, size_t room);
/* One record's text, its strings joined. *until (may be NULL) is set for EXPIRED and GOOD: seconds
 * since 1970, 0: for ever. */
enum dns_persist_verdict dns_persist_judge(struct acme_slice text,
                                           const struct dns_persist_want *want, int64_t now,
                                           int64_t *until);
/* Words for it, "" for GOOD; never NULL. */
const char *dns_persist_words(enum dns_persist_verdict verdict);

#ifdef __cplusplus
}
#endif

#endif
