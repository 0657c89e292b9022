/* acme_event.h - what the agent tells: facts, never sentences
 *
 * The tool makes lines or JSON of them, a board a line on its UART or an LED. All pointers are
 * valid during the call only. No secret is ever in an event: no key, no key authorization, no JWS,
 * no nonce.
 */
#ifndef ACME_EVENT_H
#define ACME_EVENT_H

#include <stdint.h>

#include "acme_buf.h"
#include "acme_objects.h"

/* X(name, "word"): the word is the stable name in JSON output. */
#define ACME_EVENT_TABLE(X)                                                                        \
    X(STEP, "step")               /* a row is entered: step, index and count where it has names */ \
    X(WAIT, "wait")               /* nothing to do for ms: text says what is waited for */         \
    X(REQUEST, "request")         /* method in text, url in detail */                              \
    X(REPLY, "reply")             /* status, ms since the request */                               \
    X(EXCHANGE, "exchange")       /* a reply's resource: step, status, body */                     \
    X(RETRY, "retry")             /* the same again: err says why (nonce, lost reply) */           \
    X(ORDER, "order")             /* text: its status; detail: its URL */                          \
    X(CHALLENGE, "challenge")     /* detail: identifier; text: type; word: begun, responded, seen, \
                                     or instead: of what failed before */                          \
    X(CERTIFICATE, "certificate") /* a new one is stored: at = notAfter */                         \
    X(ROLLED_BACK, "rolled_back") /* the one before it is in force again: at = its notAfter */     \
    X(TIME, "confirmed_time")     /* at: what a verified exchange told (Date, or notBefore) */     \
    X(NOT_DUE, "not_due")         /* at: when it becomes due */                                    \
    X(HELD, "held")               /* at: not before; err: why; text: whose word it is */           \
    X(FAILURE, "failure")         /* failure; of an attempt: at: notAfter of the certificate in    \
                                     force, count: failures in a row */                            \
    X(WARNING, "warning")         /* err, text, detail; the work goes on */                        \
    X(TERMS, "terms")             /* detail: URL of the CA's terms, which nobody agreed to yet */  \
    X(WINDOW, "window")           /* the CA's for the renewal. text: start/end; at: the moment in  \
                                     it, or word "ignored"; detail: URL that explains it */        \
    X(REVOKED, "revoked")         /* the CA has revoked a certificate: text: why */                \
    X(ACCOUNT, "account")         /* text: its status; detail: URL; word: its key's thumbprint */  \
    X(CONTACT, "contact")         /* detail: one of the account's contacts */                      \
    X(SERVER, "server")           /* another CA is in use: detail: its directory; text: why, err */

enum acme_event_type {
#define ACME_EVENT_ENUM(name, word) ACME_EVENT_##name,
    ACME_EVENT_TABLE(ACME_EVENT_ENUM)
#undef ACME_EVENT_ENUM
        ACME_EVENT_END_
};

#define ACME_NOTE_ROOM 128

/* The last thing that went wrong; kept, also over a reboot, until an attempt succeeds. */
struct acme_failure {
    int err;                     /* enum acme_err; ACME_OK: there was none */
    int64_t at;                  /* seconds since 1970 UTC */
    char step[16];               /* the row's name */
    char note[ACME_NOTE_ROOM];   /* what exactly: a bound, a missing member, a check; or "" */
    struct acme_problem problem; /* the CA's own words, if it said any */
};

struct acme_event {
    enum acme_event_type type;
    const char *step;   /* the present row's name; never NULL */
    const char *text;   /* never NULL */
    const char *word;   /* never NULL */
    const char *detail; /* never NULL; from the network: sanitised, bounded */
    int err;
    int64_t at;
    uint32_t ms;
    uint16_t status;
    uint16_t index, count; /* 1-based; 0: not about a name, or only a count */
    struct acme_slice body;
    const struct acme_failure *failure;
};

const char *acme_event_word(enum acme_event_type type); /* the stable name */

#endif
