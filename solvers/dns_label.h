/* dns_label.h - names and values of the TXT records that the challenges of DNS ask for
 *
 * Pure. dns-account-01 is a link choice: dns_label_account.c, or dns_label_noaccount.c, which
 * declines it.
 */
#ifndef DNS_LABEL_H
#define DNS_LABEL_H

#include "acme_solver.h"
#include "dns_msg.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DNS_LABEL_VALUE   44 /* of dns-01 and dns-account-01: 43 characters and a NUL */
#define DNS_LABEL_ACCOUNT 18 /* "_", 16 characters and a NUL */

/* The owner of the record: "_acme-challenge.NAME" (RFC 8555 8.4), for dns-account-01
 * "_LABEL._acme-challenge.NAME" (draft-ietf-acme-dns-account-label), for dns-persist-01
 * "_validation-persist.NAME" (draft-ietf-acme-dns-persist). Without the last dot.
 *
 * ACME_OK; ACME_E_DECLINED: another type, an IP address (RFC 8738 7), or one that is not linked;
 * ACME_E_NAME: too long for a name of DNS; ACME_E_ARG: dns-account-01 without an account's URL;
 * ACME_E_CRYPTO. */
int dns_label_owner(const struct acme_challenge *c, char out[DNS_NAME_ROOM]);
/* base64url of the SHA-256 of the key authorization: ACME_OK, ACME_E_CRYPTO. */
int dns_label_value(const struct acme_challenge *c, char out[DNS_LABEL_VALUE]);

/* "_" and base32, in lower case, of the first ten bytes of the URL's SHA-256. ACME_OK,
 * ACME_E_DECLINED: it is not linked; ACME_E_CRYPTO. */
int dns_label_account(const char *account_url, char out[DNS_LABEL_ACCOUNT]);

#ifdef __cplusplus
}
#endif

#endif
