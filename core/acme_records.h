/* acme_records.h - the tags of the agent's records; private to acme_records*.c and to tools that
 * show them
 *
 * Tags are stored for ever: never renumber, never reuse.
 */
#ifndef ACME_RECORDS_H
#define ACME_RECORDS_H

enum {
    ACCOUNT_DIRECTORY = 1,
    ACCOUNT_KEY_TYPE = 2,
    ACCOUNT_KEY_HOME = 3,
    ACCOUNT_KEY = 4,
    ACCOUNT_KID = 5,
    ACCOUNT_EAB = 6, /* acme_eab.h; only until there is a KID */
    /* A roll-over is under way: the CA may know either key. A firmware that does not know these
     * (bit 15) leaves the record alone, because it would lose one of the two. */
    ACCOUNT_NEW_KEY_TYPE = 0x8007,
    ACCOUNT_NEW_KEY_HOME = 0x8008,
    ACCOUNT_NEW_KEY = 0x8009,
    ACCOUNT_NEW_REFUSED_AT = 10, /* the CA refused the new key then, and one request was lost */

    LEDGER_ANY_NOT_BEFORE = 1,
    LEDGER_ANY_SET_AT = 2,
    LEDGER_ORDER_NOT_BEFORE = 3,
    LEDGER_ORDER_SET_AT = 4,

    ORDER_WANT = 1,
    ORDER_URL = 2,
    ORDER_KEY_TYPE = 3,
    ORDER_KEY_HOME = 4,
    ORDER_KEY = 5,
    ORDER_CHALLENGE = 6, /* repeated; see put_challenge */

    CERT_WANT = 1,
    CERT_ORDER = 2,
    CERT_KEY_TYPE = 3,
    CERT_KEY_HOME = 4,
    CERT_KEY = 5,
    CERT_NOT_BEFORE = 6,
    CERT_NOT_AFTER = 7,
    CERT_CHAIN = 8,
    CERT_ID = 9,       /* in ARI */
    CERT_ACCOUNT = 10, /* SHA-256 of the account's URL */
    CERT_REPLACES = 11,
    CERT_SERVER = 12, /* the directory's URL of the CA that issued it */

    /* of a struct acme_sched, in SCHED and (for newAccount) in LEDGER */
    SCHED_NOT_BEFORE = 16,
    SCHED_SET_AT = 17,
    SCHED_ORDER_AT = 18,
    SCHED_ORDERS = 19,
    SCHED_FAILURES = 20,
    SCHED_CLASS = 21,
    SCHED_BY_CA = 22,
    SCHED_ROLLED_BACK = 23,
    SCHED_CONNECTIONS = 24,
    SCHED_VALIDATIONS = 25,
    SCHED_REFUSALS = 26,

    FAILURE_ERR = 32,
    FAILURE_AT = 33,
    FAILURE_STEP = 34,
    FAILURE_NOTE = 35,
    FAILURE_TYPE = 36,
    FAILURE_STATUS = 37,
    FAILURE_RETRY_AFTER = 38,
    FAILURE_DETAIL = 39,
    FAILURE_IDENTIFIER = 40,

    /* of the CA's window, in SCHED */
    ARI_SEQUENCE = 48,
    ARI_START = 49,
    ARI_END = 50,
    ARI_RENEW_AT = 51,
    ARI_NEXT_AT = 52,
    ARI_SET_AT = 53,

    /* of a revocation, in SCHED */
    REVOKED_ORDER = 56, /* CERT_ORDER of the certificate */
    REVOKED_STATE = 57, /* enum acme_revocation */
    REVOKED_AT = 58,
    REVOKED_REASON = 59,

    /* of several servers, in SCHED; servers are named by the URL of their directory */
    SERVER_TURN = 64,
    SERVER_FAILURES = 65,
    SERVER_SINCE = 66,
    SERVER_CHANGES = 67,
    SERVER_REHEARSAL = 68, /* enum acme_rehearsal */
    SERVER_HOLD = 69,      /* repeated: not before, set at, whose */
    SERVER_HOLD_SET_AT = 70,
    SERVER_HELD = 71,
    SERVER_FAILED = 92, /* whose the last failure is; not there: the first one's */

    /* of certificates that were made though none was due, in SCHED */
    RECENT_WHAT = 72,
    RECENT_AT = 73, /* to 76: the last one first */

    /* how long the CA took, in ms, in SCHED: for the proofs, and 65536 times that to issue */
    PACE_MS = 77,

    /* of ways of proof that failed, in SCHED: 4 bytes of a name, 1 of a type, repeated; the last
     * one at the end */
    CHOICE_FAILED = 80
};

#endif
