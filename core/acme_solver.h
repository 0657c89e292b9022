/* acme_solver.h - the contract of a solver: it makes one promise true in the world
 *
 * The order of the members is the order of a solver's life. begin and ready are called again while
 * they answer ACME_AGAIN, so a DNS update, a child process and a person at a keyboard are all the
 * same to the core. Every challenge that begin was called for gets an end; after a reboot end may
 * come without a begin, and it may come twice.
 */
#ifndef ACME_SOLVER_H
#define ACME_SOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_objects.h"
#include "acme_port.h"

struct acme_exchange;

/* What a solver needs to be lent while it works (bits). */
enum acme_solver_needs {
    ACME_NEEDS_NOTHING = 0,
    ACME_NEEDS_EXCHANGE = 1,  /* challenge.exchange, to make HTTPS requests of its own */
    ACME_NEEDS_TLS_MEMORY = 2 /* the CA's session is closed from the last respond until the CA was
                               * seen; where that cannot be seen, until the order is polled */
};

/* One challenge, as long as the call lasts: copy what you keep. */
struct acme_challenge {
    enum acme_challenge_type type;
    const char *identifier; /* without "*."; an IP literal for ACME_ID_IP */
    enum acme_id_type id_type;
    bool wildcard;
    const char *token;             /* "" for types without one */
    const char *key_authorization; /* RFC 8555 8.1; "" for end when the account's key is lost */
    const char *account_url;
    /* Lent to begin, where ops->needs say so; else NULL. It is idle at the first call, and must be
     * so, closed and with the anchors that it had, when begin answers anything but ACME_AGAIN. */
    struct acme_exchange *exchange;
};

enum acme_outcome {
    ACME_OUTCOME_VALID,   /* the CA accepted it */
    ACME_OUTCOME_INVALID, /* the CA refused it */
    ACME_OUTCOME_UNKNOWN  /* given up, or found after a reboot */
};

struct acme_solver {
    const struct acme_solver_ops *ops;
    const struct acme_port *port;
};

struct acme_solver_ops {
    const char *name; /* "http-01"; stored in the ORDER record, so it never changes */
    unsigned types;   /* bits of enum acme_challenge_type */
    unsigned needs;   /* bits of enum acme_solver_needs */

    /* Does what the CA offers fit? ACME_OK, or ACME_E_DECLINED (another challenge or solver is
     * looked for). Asked whenever an authorization was read; what the object points to is gone
     * after the call. NULL: any of its types. */
    int (*offered)(struct acme_solver *s, const struct acme_challenge_object *c);

    /* Make it true: ACME_OK, ACME_AGAIN, ACME_E_DECLINED (another solver or type is tried), or an
     * error. Called again for a challenge that has begun already (after a resume): no harm. */
    int (*begin)(struct acme_solver *s, const struct acme_challenge *c);

    /* Would the CA see it now? ACME_OK: tell the CA. May be NULL: at once. */
    int (*ready)(struct acme_solver *s, const struct acme_challenge *c);

    /* Has the CA's query been seen? ACME_OK or ACME_AGAIN. NULL: this solver cannot see it. The
     * order is not polled before (RFC 8555 7.5.1), or before 5 s have passed. */
    int (*seen)(struct acme_solver *s, const struct acme_challenge *c);

    /* Undo it, leave the world clean: ACME_OK, ACME_AGAIN, or an error (which is told, and does not
     * hold up the order). */
    int (*end)(struct acme_solver *s, const struct acme_challenge *c, enum acme_outcome outcome);

    /* Serve whoever connects. Called on each poll of the agent, also while it rests. Milliseconds
     * until it must be called again even if no socket has something; UINT32_MAX: never. May be
     * NULL. */
    uint32_t (*poll)(struct acme_solver *s);
};

#endif
