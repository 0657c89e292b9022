/* outside.h - lwacme --external: the channel and the handlers of the external solver */
#ifndef LWACME_OUTSIDE_H
#define LWACME_OUTSIDE_H

#include "external.h"
#include "lwacme.h"
#include "posix_channel.h"

struct outside {
    struct external external;
    struct posix_channel posix;
    struct acme_channel channel;
    struct external_runner runner;
    struct hook_run run;
    uint32_t limit_ms;
    char program[300]; /* absolute */
    bool on;
    bool reported;
    size_t lines_count; /* of the report */
    char lines[24][400];
    char why[400];
};

/* The solver for these options: 0, or -1 and why. All zeros before the first time; again for the
 * next certificate, whose failures are in the same report. */
int outside_open(struct outside *u, const struct options *o, const struct acme_port *port);
/* Notes a failure for the report. */
void outside_event(struct outside *u, const struct acme_event *event);
/* After the agent's last poll: what is still owed to the other side. wait: sleeps. */
void outside_finish(struct outside *u, void (*wait)(uint32_t ms));
/* The certificate's files are in place: those told of it are told. renewed: it is new. ACME_OK, or
 * ACME_E_SOLVER: u->external.why. */
int outside_deploy(struct outside *u, const struct options *o, bool renewed, int64_t since,
                   void (*wait)(uint32_t ms));
/* The report, once; then everything is closed. Does nothing when it is not in use. */
void outside_close(struct outside *u, void (*wait)(uint32_t ms));

#endif
