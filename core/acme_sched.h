/* acme_sched.h - when to act next: pure functions of the past and a random number
 *
 * So ten years of renewals and failures are a unit test. All times are seconds since 1970 UTC.
 */
#ifndef ACME_SCHED_H
#define ACME_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_err.h"

#define ACME_MINUTE 60
#define ACME_HOUR   3600
#define ACME_DAY    86400

/* What is remembered across reboots about one certificate's attempts (record SCHED). */
struct acme_sched {
    int64_t not_before;                          /* no attempt before this moment; 0: none set */
    int64_t set_at;                              /* the moment at which not_before was computed */
    int64_t order_at;                            /* the last newOrder that was charged; 0: none */
    uint16_t orders;                             /* newOrders charged since the last success */
    uint16_t failures;                           /* failures in a row; saturates */
    uint16_t connections, validations, refusals; /* ... of these classes: each waits by its own */
    uint8_t last_class;                          /* enum acme_class of the last failure */
    bool by_ca;          /* not_before comes from the CA's Retry-After, not from our backoff */
    uint8_t rolled_back; /* certificates that the application refused, since it took one */
};

/* Is a certificate due? A third of its life is left, or half when the life is below 10 days. */
bool acme_sched_due(int64_t now, int64_t not_before, int64_t not_after);
/* The moment at which it becomes due. */
int64_t acme_sched_due_at(int64_t not_before, int64_t not_after);

/* Seconds until the next attempt after `failures` (>= 1) failures in a row of class `class_of`.
 * remaining_s: life left of the present certificate, 0 or less when expired or absent.
 * jitter: 16 random bits.
 *
 *   CONNECTION  60 s times 4 for each failure; at most min(1 day, remaining / 8), at least 5 min
 *               once 5 min is reached; expired or absent: 5 min up to the 12th, then doubling to a
 *               day; all times 50..100 %
 *   VALIDATION  12, 24, 100 min, four times 6 h, then daily
 *   REFUSED     1 h, 6 h, then daily
 *   OPERATOR, BUG  daily
 *
 * The last three are stretched by 0..10 % (never shortened: the CA's budgets refill at fixed
 * rates). NONE counts as CONNECTION, a stranger as BUG, 0 failures as 1. Always 30..95040. */
uint32_t acme_sched_backoff(enum acme_class class_of, unsigned failures, int64_t remaining_s,
                            uint16_t jitter);

/* Charges a failure at `now`: failures, class, not_before = max(backoff, retry_after). The backoff
 * is that of the failures of this class since the last success: after three days without a network,
 * the first proof that fails is the first. A Retry-After of before that still runs (somebody went
 * against it) is not shortened. */
void acme_sched_failed(struct acme_sched *s, int64_t now, enum acme_class class_of,
                       int64_t remaining_s, uint32_t retry_after_s, uint16_t jitter);

/* How an act became due. */
enum acme_sched_found {
    ACME_SCHED_AT_START, /* it was due when the device started, or when its clock was set */
    ACME_SCHED_RUNNING   /* it became so while the device ran */
};

/* Seconds that an act waits since it was found due, so that many devices for which it is the same
 * moment do not come together: power that returns to a region, a CA whose certificates all end at
 * midnight. remaining_s: life left of the certificate in force, 0 or less when it has expired.
 *
 *   valid, RUNNING   0..1 day, at most a sixteenth of what is left
 *   valid, AT_START  0..1 h, at most a sixteenth of what is left (not longer: many devices are on
 *                    for an hour a day)
 *   expired          0..5 min
 *
 * A device without any certificate does not ask: somebody waits for its first. */
uint32_t acme_sched_spread(enum acme_sched_found found, int64_t remaining_s, uint16_t jitter);

/* Charges a newOrder before it is sent. */
void acme_sched_charge(struct acme_sched *s, int64_t now);

/* A new certificate was refused by the application: failures count at least these. Charge the
 * failure after it. */
void acme_sched_rolled_back(struct acme_sched *s);

/* Everything went well: failures, orders and not_before are forgotten. What was rolled back is
 * not: that the CA issued says nothing about whether it can be loaded. */
void acme_sched_succeeded(struct acme_sched *s);

/* A certificate has just been issued. By a clock that is ahead of the CA's it may be due already,
 * and the next one as well: where it seems to be older than 6 hours or an eighth of its life (CAs
 * put its beginning an hour back), the next attempt waits for an eighth of the life, 2 days at the
 * most. True: it does. Call it after acme_sched_succeeded. */
bool acme_sched_issued(struct acme_sched *s, int64_t now, int64_t not_before, int64_t not_after);

/* Certificates for the same names that were made though none was due: by force, because a record
 * was lost, in a loop. Every CA has a limit for them, the narrowest that there is, and who runs
 * into it waits for days (Let's Encrypt: 5 in 7 days, one more each 34 h, no exceptions). A renewal
 * that is due is not counted, and not held back. */
#define ACME_RECENT        4 /* this many in ACME_RECENT_SPAN are free: one of the CA's five is kept */
#define ACME_RECENT_SPAN   (7 * ACME_DAY)
#define ACME_RECENT_REFILL (34 * ACME_HOUR)

struct acme_recent {
    uint32_t what;            /* which names, key type, CA: what is wanted, hashed */
    uint32_t at[ACME_RECENT]; /* minutes since 1970, the last one first; 0: none */
};
/* One more, for `what`; those for something else are forgotten. */
void acme_recent_add(struct acme_recent *r, uint32_t what, int64_t now);
/* Seconds until the next one for `what`, 0: at once. needed: there is no valid certificate; then it
 * is only ACME_RECENT_REFILL since the last. A moment in the future (the clock was set back) counts
 * as now. */
uint32_t acme_recent_wait(const struct acme_recent *r, uint32_t what, int64_t now, bool needed);

/* How long an attempt has to wait still, 0: it may go. Never longer than it was when it was
 * computed, whatever the clock says now, and at most a year. Counts both not_before and a loop of
 * crashes: the first four newOrders without a success are free, then an hour between two, six hours
 * from the eighth on, a day from the twelfth on. */
uint32_t acme_sched_wait(const struct acme_sched *s, int64_t now);

/* The same for one stored "not before" with the moment at which it was set. */
uint32_t acme_sched_wait_one(int64_t not_before, int64_t set_at, int64_t now);

/* Repairs what was noted by a clock that ran ahead and was set back since: waits that were noted in
 * the future start anew at `now`. Call it whenever the clock was read, before the functions above;
 * without it they would answer the whole wait again and again until the clock has caught up. True
 * when something was changed. It need not be stored for its own sake: after a reboot the wait
 * starts anew once more, so a loop of reboots never makes it shorter. */
bool acme_sched_rebase(struct acme_sched *s, int64_t now);
bool acme_sched_rebase_one(int64_t *not_before, int64_t *set_at, int64_t now);

#endif
