/* staged.h - a certificate in steps, each a call of its own, so that a person can add a DNS record
 * in between: `lwacme -d NAME -AUTH`, `--dns`, `-DNS`, `-CERT`
 *
 * Its options, its words and its files are those of a program that people know; what is behind it
 * is the agent, which rests after each step with its order open.
 */
#ifndef LWACME_STAGED_H
#define LWACME_STAGED_H

#include "byhand.h"
#include "lwacme.h"

/* In the order of the walk; struct options has it in `step`. */
enum staged_step {
    STAGED_NONE, /* not this command line */
    STAGED_REGISTER,
    STAGED_AUTH,
    STAGED_RECORD,
    STAGED_PROVE,
    STAGED_CERT,
    STAGED_REVOKE
};

/* -- staged_options.c -- */

/* Is this command line one without a command: its first word an option, or nothing at all? --help
 * and --version are everybody's. */
bool staged_meant(int argc, char **argv);
/* As options_read. */
int staged_read(struct options *o, int argc, char **argv, bool *leave);
/* "error: ..." and the usage, as its users know it: EXIT_USAGE. */
int staged_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -- staged_tell.c -- */

/* Lines for people, with a time stamp, on stderr. */
void staged_say(enum log_severity severity, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the present walk has seen. */
struct staged {
    struct byhand *solver;
    enum staged_step step;
    bool muted;     /* nothing is shown of the CA's replies */
    bool all;       /* also of those that are only about waiting */
    bool ready;     /* the order needs no proof any more */
    bool responded; /* the CA was told to look */
    bool stop;      /* the step ends here */
};
extern struct staged staged;
/* The port's event: shows what was sent and what came back on stdout, what went wrong on stderr. */
void staged_event(void *ctx, const struct acme_event *event);
/* "_acme-challenge.NAME.<TAB>IN TXT<TAB>VALUE" */
void staged_record(const struct byhand_record *record);

/* -- staged_files.c -- */

struct staged_files {
    char crt[600], key[600]; /* paths */
    char why[700];
};
/* FOLDER/NAME.crt, the leaf and then the chain, and FOLDER/NAME.key (not where the key lies
 * elsewhere), each 0600 and as one act. folder NULL: the working folder. 1: written, 0: they were
 * so already, -1: why. */
int staged_files_write(struct staged_files *f, const char *folder, const char *cert_name,
                       const struct acme_certificate *cert);

/* -- staged.c -- */

int staged_run(const struct options *o);

#endif
