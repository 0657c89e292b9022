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
    struct external_tls tls;
    const char *state_dir;
    char cert_path[400], key_path[400]; /* of a proof by tls-alpn-01 */
    bool on;
    bool daemon;        /* set before outside_open: nobody waits for an answer for ever */
    size_t lines_count; /* of the report */
    char lines[24][400];
    char why[400];
};

/* The solver for these options: 0, or -1 and why. All zeros before the first time; again for the
 * next certificate, whose failures are in the same report. */
int outside_open(struct outside *u, const struct options *o, const struct acme_port *port);
/* outside_files.c: sets u->tls up, whose files lie in STATE/external, 0600. port: of the CA. */
void outside_files_init(struct outside *u, const char *state_dir, uint16_t port);
/* A certificate is loaded that has nothing to do with it: of a daemon's run before, nothing is
 * left. */
void outside_aside(struct outside *u);
/* Notes a failure for the report. */
void outside_event(struct outside *u, const struct acme_event *event);
/* After the agent's last poll: what is still owed to the other side. wait: sleeps. */
void outside_finish(struct outside *u, void (*wait)(uint32_t ms));
/* The certificate's files are in place: those told of it are told. renewed: it is new. ACME_OK, or
 * ACME_E_SOLVER: u->external.why. */
int outside_deploy(struct outside *u, const struct options *o, bool renewed, int64_t since,
                   void (*wait)(uint32_t ms));
/* The report, then everything is closed: once, at the end of the program; a daemon does it after
 * each run of a certificate in which it had something to say. Does nothing when it is not in use.
 */
void outside_close(struct outside *u, void (*wait)(uint32_t ms));

#endif
