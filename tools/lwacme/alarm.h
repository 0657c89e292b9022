/* alarm.h - is a certificate in good health? A pure function of what is stored and of the hour
 *
 * Lives range from 24 hours to years, so every threshold is a fraction of the life. A renewal is
 * due when a third of the life is left (half, below ten days) or earlier, at a moment in the CA's
 * window; it may be spread over a sixteenth of what is left, and be done by a timer that comes once
 * in a while. None of this is an alarm:
 *
 *   critical  there is none; it cannot be read; expired; not valid yet; revoked; less than an
 *             eighth of its life is left; the clock is not set
 *   warning   past due by more than a tenth of its life; three failures that the CA had the last
 *             word in, or six of any kind in a row; one that only a person can mend; for more
 *             than a tenth of its life not brought into use by its deploy hook; a damaged record
 *             beside it
 *
 * The connection class gets six because its first waits are minutes: five failures are an outage
 * of some hours at a CA, and the lifetime rule has a month for it.
 */
#ifndef ALARM_H
#define ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_event.h"
#include "acme_sched.h"

/* Printed, stored nowhere. The values are the exit status of `lwacme status --check`. */
enum alarm_level { ALARM_OK = 0, ALARM_WARNING = 1, ALARM_CRITICAL = 2 };
const char *alarm_level_word(enum alarm_level level); /* "ok", "warning", "critical" */

enum alarm_reason {
    ALARM_FINE,
    ALARM_NO_CLOCK,
    ALARM_NONE,
    ALARM_DAMAGED,
    ALARM_REVOKED,
    ALARM_NOT_YET,
    ALARM_EXPIRED,
    ALARM_SHORT,
    ALARM_OVERDUE,
    ALARM_PERSON,
    ALARM_FAILING,
    ALARM_HOOK,
    ALARM_RECORD
};
const char *alarm_reason_word(enum alarm_reason reason); /* "overdue": stable, for JSON */

/* Times are seconds since 1970 UTC. */
struct alarm_facts {
    int64_t now; /* 0: the clock is not set */
    int err; /* of reading the certificate: ACME_OK, ACME_E_SLOT_EMPTY: none, another: damaged */
    bool damaged_record; /* one beside the certificate */
    bool revoked;        /* or perhaps so */
    int64_t not_before, not_after;
    int64_t due_at;       /* when the renewal becomes due */
    int64_t hook_since;   /* the certificate waits for its deploy hook since then; 0: it does not */
    int64_t window_asked; /* due_at is in the CA's window, which was told then; 0: it is not */
    const struct acme_failure *failure;
    const struct acme_sched *attempts;
};

struct alarm {
    enum alarm_level level;
    enum alarm_reason reason;
};
/* The worst that there is to say. */
struct alarm alarm_judge(const struct alarm_facts *f);

/* "9 days left of 90; the last 4 attempts failed: the CA could not validate a name (...)". What is
 * in it of the CA's words is safe for a terminal (struct acme_problem). */
void alarm_words(struct acme_buf *out, const struct alarm *alarm, const struct alarm_facts *f);

/* "61 days", "35 hours", "12 minutes"; of what is below 0 the distance. */
void alarm_span(struct acme_buf *out, int64_t seconds);

#endif
