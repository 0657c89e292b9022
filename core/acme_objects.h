/* acme_objects.h - the resources of RFC 8555 7.1 and problem documents: from JSON to structs
 *
 * Strings point into the JSON arena and die with it: copy what you keep. Absent optional members
 * are NULL. Unknown members are ignored, members of the wrong type count as absent (real CAs send
 * `"meta": null`), and only what the agent cannot do without is an error.
 */
#ifndef ACME_OBJECTS_H
#define ACME_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_config.h"
#include "acme_json.h"
#include "acme_name.h"

/* One for each status of 7.1.6, in all objects together. */
enum acme_status {
    ACME_STATUS_UNKNOWN = 0, /* absent, or a word that we do not know */
    ACME_STATUS_PENDING,
    ACME_STATUS_READY,
    ACME_STATUS_PROCESSING,
    ACME_STATUS_VALID,
    ACME_STATUS_INVALID,
    ACME_STATUS_DEACTIVATED,
    ACME_STATUS_EXPIRED,
    ACME_STATUS_REVOKED,
    ACME_STATUS_CANCELED /* RFC 8739 */
};
const char *acme_status_name(enum acme_status status);

struct acme_directory {
    const char *new_nonce, *new_account, *new_order; /* never NULL after ACME_OK */
    const char *revoke_cert, *key_change, *renewal_info;
    const char *terms_of_service;
    bool external_account_required;
    const struct acme_json *profiles;       /* object name -> description */
    const struct acme_json *caa_identities; /* array */
};
/* ACME_OK or ACME_E_REPLY (one of the three needed URLs is absent). *missing names it. */
int acme_read_directory(const struct acme_json *root, struct acme_directory *out,
                        const char **missing);

struct acme_order_object {
    enum acme_status status;
    const struct acme_json *authorizations; /* array of URLs, may be NULL (P38) */
    size_t authorizations_count;
    const char *finalize;    /* may be NULL once valid */
    const char *certificate; /* when valid */
    const struct acme_json *error;
};
int acme_read_order(const struct acme_json *root, struct acme_order_object *out);

struct acme_authorization {
    enum acme_status status;
    struct acme_name identifier; /* wildcard set from the member (7.1.4), text with its "*." */
    const struct acme_json *challenges;
};
/* ACME_E_REPLY: no identifier, or one that breaks the grammar; no array of challenges. */
int acme_read_authorization(const struct acme_json *root, struct acme_authorization *out);

/* Bits, so that a solver can say which it takes. Stored in records: never renumber. */
enum acme_challenge_type {
    ACME_CHALLENGE_NONE = 0,
    ACME_CHALLENGE_HTTP01 = 1,
    ACME_CHALLENGE_DNS01 = 2,
    ACME_CHALLENGE_TLSALPN01 = 4,
    ACME_CHALLENGE_DNS_ACCOUNT01 = 8,
    ACME_CHALLENGE_DNS_PERSIST01 = 16
};
const char *acme_challenge_type_name(enum acme_challenge_type type);

struct acme_challenge_object {
    enum acme_challenge_type type; /* ACME_CHALLENGE_NONE: one that we do not know; skip it */
    enum acme_status status;
    const char *url;
    const char *token;               /* checked by acme_token_ok; NULL for types without one */
    const struct acme_json *issuers; /* dns-persist-01: array "issuer-domain-names", or NULL */
    const struct acme_json *error;
};
/* ACME_OK (also for a type that we do not know), or ACME_E_REPLY: a known type without url, or with
 * a token outside its grammar. Such a token must never be used for a path or a reply (8.3). */
int acme_read_challenge(const struct acme_json *node, struct acme_challenge_object *out);

/* Problem types (RFC 8555 6.7, RFC 9773 7.4, profiles draft, RFC 8739). X(name, "suffix").
 * Stored in records: add at the end, never reorder. */
#define ACME_PROBLEM_TABLE(X)                                                                      \
    X(NONE, "")                                                                                    \
    X(OTHER, "")                                                                                   \
    X(ACCOUNT_DOES_NOT_EXIST, "accountDoesNotExist")                                               \
    X(ALREADY_REVOKED, "alreadyRevoked")                                                           \
    X(BAD_CSR, "badCSR")                                                                           \
    X(BAD_NONCE, "badNonce")                                                                       \
    X(BAD_PUBLIC_KEY, "badPublicKey")                                                              \
    X(BAD_REVOCATION_REASON, "badRevocationReason")                                                \
    X(BAD_SIGNATURE_ALGORITHM, "badSignatureAlgorithm")                                            \
    X(CAA, "caa")                                                                                  \
    X(COMPOUND, "compound")                                                                        \
    X(CONNECTION, "connection")                                                                    \
    X(DNS, "dns")                                                                                  \
    X(EXTERNAL_ACCOUNT_REQUIRED, "externalAccountRequired")                                        \
    X(INCORRECT_RESPONSE, "incorrectResponse")                                                     \
    X(INVALID_CONTACT, "invalidContact")                                                           \
    X(MALFORMED, "malformed")                                                                      \
    X(ORDER_NOT_READY, "orderNotReady")                                                            \
    X(RATE_LIMITED, "rateLimited")                                                                 \
    X(REJECTED_IDENTIFIER, "rejectedIdentifier")                                                   \
    X(SERVER_INTERNAL, "serverInternal")                                                           \
    X(TLS, "tls")                                                                                  \
    X(UNAUTHORIZED, "unauthorized")                                                                \
    X(UNSUPPORTED_CONTACT, "unsupportedContact")                                                   \
    X(UNSUPPORTED_IDENTIFIER, "unsupportedIdentifier")                                             \
    X(USER_ACTION_REQUIRED, "userActionRequired")                                                  \
    X(ALREADY_REPLACED, "alreadyReplaced")                                                         \
    X(CONFLICT, "conflict")                                                                        \
    X(INVALID_PROFILE, "invalidProfile")                                                           \
    X(AUTO_RENEWAL_CANCELED, "autoRenewalCanceled")                                                \
    X(AUTO_RENEWAL_EXPIRED, "autoRenewalExpired")                                                  \
    X(AUTO_RENEWAL_CANCELLATION_INVALID, "autoRenewalCancellationInvalid")                         \
    X(AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED, "autoRenewalRevocationNotSupported")

enum acme_problem_type {
#define ACME_PROBLEM_ENUM(name, text) ACME_PROBLEM_##name,
    ACME_PROBLEM_TABLE(ACME_PROBLEM_ENUM)
#undef ACME_PROBLEM_ENUM
        ACME_PROBLEM_END_
};
const char *acme_problem_type_name(enum acme_problem_type type); /* "badNonce"; "" for none */

/* The CA's own words, bounded, and safe for a terminal and a log: control characters and
 * characters that reorder or hide text are replaced by '?' (what is not UTF-8 is no JSON). */
struct acme_problem {
    uint8_t type; /* enum acme_problem_type; NONE: there was no problem document */
    uint16_t http_status;
    uint32_t retry_after_s;          /* 0: none was given */
    char detail[ACME_MAX_DETAIL];    /* cut at a character, never inside one */
    char identifier[ACME_NAME_ROOM]; /* of the subproblem that matters (6.7.1), or "" */
};
/* Fills type, detail and identifier (not the other members) from a problem object. When there is a
 * subproblem with an identifier, the first such one gives identifier and detail, because they tell
 * more; the type only where the whole has none of its own (compound, unknown): what the agent does
 * next hangs on the type of the whole request. Never fails: what is absent is empty. The types are
 * known with and without the prefix "urn:ietf:params:acme:error:", which some CAs leave out. */
void acme_read_problem(const struct acme_json *node, struct acme_problem *out);

#endif
