/* acme_servers.h - which of several CAs gets the next order: pure functions of what went wrong
 *
 * A list of servers, the first of them preferred, and perhaps a staging CA. All times are seconds
 * since 1970 UTC. Linked with acme_steps_servers.c.
 */
#ifndef ACME_SERVERS_H
#define ACME_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_config.h"
#include "acme_sched.h"

/* Another CA than the first. */
struct acme_server {
    const char *url;       /* its directory; https */
    struct acme_slice eab; /* external account binding there, packed (acme_eab.h); empty: none */
};

/* After a proof has failed, the next one is shown to the staging CA (RFC 8555 has no such word: it
 * is a CA of its own, whose certificates nobody trusts and whose limits are wide). Stored: never
 * renumber. */
enum acme_rehearsal {
    ACME_REHEARSAL_NONE = 0,
    ACME_REHEARSAL_OWED = 1,   /* the next order goes to the staging CA */
    ACME_REHEARSAL_PASSED = 2, /* it has seen the proof: the real CA is asked at once */
    ACME_REHEARSAL_PROVED = 3  /* ... and is being asked: if it sees none, it is its own fault */
};

/* Whose fault a failure is. */
enum acme_fault {
    ACME_FAULT_OURS,      /* another CA would not help: storage, configuration, a solver */
    ACME_FAULT_PROOF,     /* the CA did not see it */
    ACME_FAULT_CA,        /* it refuses, is broken, or cannot be trusted */
    ACME_FAULT_UNREACHED, /* it was not reached; it may be our network */
    ACME_FAULT_LIMIT      /* it wants us to wait */
};

/* A CA's Retry-After that was said about this certificate: it holds that CA alone. */
struct acme_servers_hold {
    int64_t not_before, set_at; /* 0: none */
};

/* Holds of CAs that are not in the list now: who leaves one out for a call, or for a day, does not
 * come back to it too early. Each is two times, and a URL with its NUL; the first ones that fit. */
#define ACME_SERVERS_KEPT (ACME_MAX_URL < 640 ? ACME_MAX_URL : 640)
struct acme_servers_kept {
    uint16_t len;
    uint8_t packed[ACME_SERVERS_KEPT];
};

/* What is remembered across reboots (in the record SCHED); all 0 at first. */
struct acme_servers {
    uint8_t turn;      /* the server for the next order: an index into the list */
    uint8_t failures;  /* in a row there, by its own fault */
    uint8_t changes;   /* of the turn, since the last success */
    uint8_t rehearsal; /* enum acme_rehearsal */
    uint8_t failed;    /* whose the last failure is; of none of these: above the staging CA */
    int64_t since;     /* the first of these failures */
    struct acme_servers_hold holds[ACME_MAX_SERVERS + 1]; /* the last is the staging CA's */
};

/* What is the case. */
struct acme_servers_facts {
    uint8_t count;   /* servers in the list, 1..ACME_MAX_SERVERS */
    bool staging;    /* there is a staging CA */
    uint16_t proofs; /* in a row that were not seen, by whichever CA; this one among them */
    int64_t now;
    int64_t remaining_s; /* life left of the certificate in force; 0 or less: none that is usable */
    int64_t life_s;      /* all of its life */
};

/* An order at a server of the list (rehearsed false) or at the staging CA failed. retry_after_s: of
 * the reply, 0: none. True: another server has its turn now.
 *
 *   enough is   3 failures in a row, over the smaller of a day and an eighth of the life left: an
 *               outage of hours is no reason to move a fleet to another CA
 *               2, when less than a quarter of the life is left, or nothing
 *               1 UNREACHED, at any server but the first: it may be our own network, and then the
 *               first one is to be found again soon
 *               1 LIMIT that reaches into the last quarter of the life
 *
 * The next one in the list is taken, after the last one the first; those that hold us back (their
 * Retry-After runs) only when all do.
 *
 * From the seventh proof in a row on that the staging CA did not see, when the attempts are a day
 * apart, each such one is followed by one for the real CA: it may be the staging CA that is blind.
 */
bool acme_servers_failed(struct acme_servers *s, const struct acme_servers_facts *f,
                         enum acme_fault fault, bool rehearsed, uint32_t retry_after_s);

/* The server whose turn it is wants us to wait for wait_s still. True: another one has its turn,
 * because the life left does not allow that. */
bool acme_servers_held(struct acme_servers *s, const struct acme_servers_facts *f, uint32_t wait_s);

/* The turn has changed (or the staging CA is passed over) by a failure of class_of that *sched was
 * charged with: when is the next server asked? It is not held back by the Retry-After of another
 * one, and soon, in 2.5 to 5 minutes, the first time that each has its turn; when all have failed,
 * our backoff goes on. */
void acme_servers_turned(const struct acme_servers *s, const struct acme_servers_facts *f,
                         struct acme_sched *sched, enum acme_class class_of, uint16_t jitter);

/* A certificate is in force and not due: the first server is preferred again. Holds stay. */
void acme_servers_settled(struct acme_servers *s);

/* Seconds for which a hold still runs; what was noted by a clock that ran ahead starts anew
 * (acme_sched.h). */
uint32_t acme_servers_wait(const struct acme_servers *s, uint8_t server, int64_t now);
void acme_servers_rebase(struct acme_servers *s, int64_t now);

void acme_servers_keep(struct acme_servers_kept *k, const struct acme_servers_hold *hold,
                       const char *url);
/* One after another, from *at 0: the URL, valid until k changes; NULL: no more. */
const char *acme_servers_kept(const struct acme_servers_kept *k, size_t *at,
                              struct acme_servers_hold *hold);
/* Those that are over are forgotten; those of a clock that ran ahead start anew. */
void acme_servers_kept_rebase(struct acme_servers_kept *k, int64_t now);

#endif
