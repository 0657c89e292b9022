/* daemon.h - run and renew: many certificates take turns in the one agent
 *
 * A certificate is loaded when its time has come, and put aside as soon as it has nothing to do for
 * a while and another one has. All that is kept of it then is a struct turn.
 */
#ifndef LWACME_DAEMON_H
#define LWACME_DAEMON_H

#include "world.h"

#define DAEMON_NOBODY ((size_t)-1)

struct turn {
    uint8_t id[16];   /* of its name */
    uint64_t wake_ms; /* its turn comes then (posix_now_ms) */
    struct acme_aside aside;
    int outcome;        /* of its last run; ACME_AGAIN: none yet */
    uint8_t failures;   /* in a row, of what lies outside the agent: files, the configuration's */
    bool done;          /* renew: it had its turn */
    uint8_t hook_tries; /* that failed in a row */
    uint8_t hook_reason;
    uint64_t hook_ms; /* its hook is owed, and is started then; 0: not owed, or it runs */
};

struct daemon {
    const struct options *base; /* the command line's */
    bool once;                  /* renew: each certificate once, then the end */
    bool broken;                /* run: it cannot go on without a new start */
    int worst;                  /* renew: the exit status */
    struct conf conf;
    struct turn *turns;          /* conf.count of them */
    size_t loaded;               /* who is in the agent, or DAEMON_NOBODY */
    bool leave;                  /* it is to be put aside as soon as that can be done */
    struct options own, options; /* those above all sections; the loaded certificate's */
    struct options other;        /* of any other, for the length of a call */
    bool news;                   /* metrics and status are not up to date */
    bool hook_runs;
    size_t hook_of; /* whose it is; DAEMON_NOBODY: of one that was taken out */
    char hook_name[ACME_NAME_ROOM];
    struct hook hook;
};

/* Seconds until what failed `tries` times in a row (1..) is tried again: 1, 5, 15 min, 1 h, 6 h. */
uint32_t daemon_retry_s(unsigned tries);
/* The worst of two exit states: 5, 4, 6, 2, 3, then any other. */
int daemon_worst(int a, int b);

/* -- turn.c -- */

/* Whose turn is next: the earliest wake_ms. DAEMON_NOBODY: all are done. */
size_t turn_next(const struct daemon *d);
/* Loads certificate i. Nobody may be loaded. */
void turn_begin(struct daemon *d, size_t i);
/* Moves the loaded one on; it may leave. For how long it needs nothing. */
uint32_t turn_poll(struct daemon *d);
/* Ends the run that is under way for certificate i, loaded or aside: challenges are cleaned up, the
 * order stays open. Nobody is loaded then. */
void turn_stop(struct daemon *d, size_t i, uint64_t by_ms);

/* -- owed.c -- */

/* The files of the loaded certificate are in place. changed: just now; first: there were none. */
void deploy_look(struct daemon *d, bool changed, bool first);
/* Starts, or ends, a hook: for how long it needs nothing. */
uint32_t deploy_poll(struct daemon *d);
/* Is any hook running, or owed at once? */
bool deploy_busy(const struct daemon *d);
/* Waits for a hook that runs until then, and kills it. */
void deploy_stop(struct daemon *d, uint64_t by_ms);

/* -- tell.c: lines of a log, each with the certificate's name -- */

void tell_about(const char *cert_name); /* NULL: of none */
void tell_event(void *ctx, const struct acme_event *event);
void tell(enum log_severity severity, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tell_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
