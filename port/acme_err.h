/* acme_err.h - every status of the house: value, class, words; one table
 *
 * Functions return ACME_OK, a positive count, ACME_AGAIN ("not yet": call again with the same
 * arguments), or a negative ACME_E_... value. The class says what the scheduler does about it,
 * the words what a person should do.
 */
#ifndef ACME_ERR_H
#define ACME_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/* What the scheduler does about a failure; the backoff of each class is in core/acme_sched.h. */
enum acme_class {
    ACME_CLASS_NONE = 0,   /* not a failure */
    ACME_CLASS_CONNECTION, /* no answer, TLS, 5xx: try again soon, and more slowly each time */
    ACME_CLASS_VALIDATION, /* the CA said that the proof failed: its failure budget is small */
    ACME_CLASS_REFUSED,    /* the CA refused account, order or CSR: asking again rarely helps */
    ACME_CLASS_OPERATOR,   /* trust, bounds, store, terms: a person must act; alarm, once a day */
    ACME_CLASS_BUG         /* the contract was broken by the caller or by us */
};

/* X(name, value, class, words). Values are stable: they are stored in records and printed.
 * Add at the end of a group, never renumber. */
#define ACME_ERR_TABLE(X)                                                                          \
    X(ACME_OK, 0, NONE, "done")                                                                    \
    X(ACME_AGAIN, -1, NONE, "not yet")                                                             \
    /* network and TLS */                                                                          \
    X(ACME_E_CLOSED, -10, CONNECTION, "the other side closed the connection")                      \
    X(ACME_E_NET, -11, CONNECTION, "the network refused or reset the connection")                  \
    X(ACME_E_LOOKUP, -12, CONNECTION, "the host name has no address; is DNS reachable?")           \
    X(ACME_E_TIMEOUT, -13, CONNECTION, "no answer in time")                                        \
    X(ACME_E_TLS, -14, CONNECTION, "the TLS handshake or session failed")                          \
    X(ACME_E_TLS_TRUST, -15, OPERATOR,                                                             \
      "the server's certificate is not signed by a trusted root; check the trust anchors")         \
    X(ACME_E_TLS_NAME, -16, OPERATOR, "the server's certificate is for another name")              \
    X(ACME_E_TLS_DATE, -17, OPERATOR,                                                              \
      "the server's certificate is expired or not yet valid; check the clock of this machine")     \
    X(ACME_E_TLS_VERSION, -18, OPERATOR, "the server does not offer TLS 1.2 or newer")             \
    X(ACME_E_TLS_MEMORY, -19, OPERATOR, "not enough memory for the TLS session")                   \
    X(ACME_E_PORT_BUSY, -20, CONNECTION, "the port is in use by another program")                  \
    X(ACME_E_PORT_ACCESS, -21, CONNECTION, "no permission to listen on the port")                  \
    /* what the CA sent */                                                                         \
    X(ACME_E_HTTP, -30, CONNECTION, "the reply is not valid HTTP/1.1")                             \
    X(ACME_E_SERVER, -31, CONNECTION, "the server has an internal error; try again later")         \
    X(ACME_E_JSON, -32, CONNECTION, "the reply is not valid JSON")                                 \
    X(ACME_E_REPLY, -33, REFUSED, "the reply lacks what RFC 8555 demands or breaks its grammar")   \
    X(ACME_E_NONCE, -34, CONNECTION, "the CA refused fresh nonces again and again")                \
    X(ACME_E_RATE, -35, REFUSED, "the CA's rate limit is reached")                                 \
    X(ACME_E_REFUSED, -36, REFUSED, "the CA refused the request")                                  \
    X(ACME_E_TERMS, -37, OPERATOR, "the CA's terms of service must be agreed to by a person")      \
    X(ACME_E_VALIDATION, -38, VALIDATION, "the CA could not validate a name")                      \
    X(ACME_E_ORDER, -39, REFUSED, "the CA made the order invalid")                                 \
    X(ACME_E_CERT, -40, REFUSED, "the issued certificate failed our checks and was not installed") \
    X(ACME_E_URL, -41, OPERATOR, "a URL is not https, or its host is not allowed")                 \
    X(ACME_E_ACCOUNT, -42, OPERATOR, "the CA does not accept the account any more")                \
    X(ACME_E_BINDING, -43, OPERATOR,                                                               \
      "the CA makes accounts only for who shows an external account binding")                      \
    X(ACME_E_REVOKED, -44, NONE,                                                                   \
      "the certificate is revoked: a new one is ordered only when that is asked for")              \
    /* solvers */                                                                                  \
    X(ACME_E_DECLINED, -50, NONE, "the solver does not take this challenge")                       \
    X(ACME_E_NO_SOLVER, -51, OPERATOR, "no configured solver fits a challenge that the CA offers") \
    X(ACME_E_SOLVER, -52, VALIDATION, "the solver failed")                                         \
    /* this machine */                                                                             \
    X(ACME_E_SIZE, -60, OPERATOR, "a compiled-in bound is too small")                              \
    X(ACME_E_SLOT, -61, OPERATOR, "the storage could not be read or written")                      \
    X(ACME_E_SLOT_EMPTY, -62, NONE, "the storage slot is empty")                                   \
    X(ACME_E_SLOT_CORRUPT, -63, OPERATOR, "a stored record is damaged")                            \
    X(ACME_E_SLOT_VERSION, -64, OPERATOR, "a stored record was written by a newer version")        \
    X(ACME_E_SLOT_FULL, -65, OPERATOR, "the storage is full")                                      \
    X(ACME_E_ENTROPY, -66, OPERATOR, "the entropy source failed; no key is made without it")       \
    X(ACME_E_CRYPTO, -67, OPERATOR, "a cryptographic operation failed")                            \
    X(ACME_E_CLOCK, -68, NONE, "the clock is not set")                                             \
    X(ACME_E_CONFIG, -69, OPERATOR, "the configuration is not usable")                             \
    X(ACME_E_NAME, -70, OPERATOR, "an identifier is not a valid DNS name or IP address")           \
    X(ACME_E_HELD, -71, NONE, "held back: the next attempt is not due yet")                        \
    X(ACME_E_ARG, -72, BUG, "a function was called outside its contract")

enum acme_err {
#define ACME_ERR_ENUM(name, value, class, words) name = (value),
    ACME_ERR_TABLE(ACME_ERR_ENUM)
#undef ACME_ERR_ENUM
        ACME_ERR_END_ /* keeps the list's last comma legal in C99 */
};

/* The words for err, without a full stop; never NULL. A positive count reads as ACME_OK. */
const char *acme_err_words(int err);

/* The symbol, such as "ACME_E_TIMEOUT"; never NULL ("ACME_E_UNKNOWN" for a stranger). */
const char *acme_err_name(int err);

/* The class of err; a stranger is ACME_CLASS_BUG. */
enum acme_class acme_err_class(int err);

#ifdef __cplusplus
}
#endif

#endif
