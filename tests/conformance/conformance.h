/* conformance.h - the clauses of port/README.md in code, run over any struct acme_port
 *
 * A port's test program fills struct conf_hooks and calls conf_run. Connections are made by the
 * port to itself, so one port is enough. What a port cannot show is left NULL or 0, and the clause
 * is a skip that says so. A case is called LABEL.CLAUSE.words, as "posix.N07.closed".
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_port.h"

struct conf_hooks {
    const char *label;
    const struct acme_port *port;
    void *ctx; /* of the functions below */

    /* Let the world go on for up to ms; may return early. */
    void (*wait)(void *ctx, uint32_t ms);

    /* Turns of 10 ms without progress after which a clause gives up, default 500. */
    unsigned patience;

    /* ---- net; addr NULL: all its clauses are skipped ---- */
    const char *addr;                 /* IPv4 literal at which the port reaches its own listeners */
    uint16_t (*free_port)(void *ctx); /* one above 1023 that nobody listens on, always another */
    unsigned connections;             /* that it must take at once (pairs), default 8 */
    unsigned sockets;                 /* more than it has in all, default 4096 */
    size_t transfer;                  /* bytes for the long transfers, default 300000 */

    const char *addr6;      /* IPv6 literal of the same kind */
    const char *self_name;  /* a name whose only good address is one of its own */
    const char *slow_name;  /* a name whose look-up takes 2 s or more of real time */
    const char *no_name;    /* a name without an address */
    const char *foreign;    /* an IP literal that is not ours to listen on */
    const char *dead_addr;  /* an IP literal that never answers at a port given to make_dead */
    const char *dead_first; /* a name: dead_addr, then addr */
    void (*make_dead)(void *ctx, uint16_t port); /* may be NULL: it never answers anyway */
    uint16_t low_port;                           /* one that we may not listen on */
    bool checks_handles; /* void handles and handles of the wrong kind are refused (N25) */

    /* ---- slots; port->slots NULL: skipped ---- */
    size_t record_max; /* longest record to try, default 32768 */
    /* Close the store and open it anew, as after a restart. */
    bool (*reopen)(void *ctx);
    /* The medium refuses writes, until called with false. */
    bool (*fault)(void *ctx, bool on);
    /* Make this write with the power failing at its n-th moment (from 0), then reopen. 1: it was
     * cut; 0: it was over before moment n; -1: impossible here. */
    int (*cut_write)(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len,
                     unsigned n);

    /* ---- clocks, entropy, events ---- */
    bool (*set_clock)(void *ctx, bool set);     /* false: the clock is not set */
    bool (*entropy_off)(void *ctx, bool off);   /* true: the source is not ready */
    bool (*entropy_fail)(void *ctx, bool fail); /* true: the source is broken */
    bool (*jump_clock)(void *ctx);              /* set the wall clock some hours back */
    unsigned (*events)(void *ctx);              /* how often port->event was called */
};

struct conf_report {
    bool quiet; /* print nothing */
    unsigned passed, failed, skipped;
    char why[200]; /* of the last one that failed */
};

/* Run the clauses that begin with only ("" or NULL: all of them). True: none failed. */
bool conf_run(const struct conf_hooks *hooks, const char *only, struct conf_report *report);

/* One line in the same form for a case that only one port can show: why NULL is ok. */
void conf_line(struct conf_report *report, const char *name, const char *why, bool skipped);

#endif
