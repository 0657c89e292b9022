/* lwacme.h - the parts of the command, and what they hand to one another */
#ifndef LWACME_H
#define LWACME_H

#include <stdbool.h>
#include <stdio.h>

#include "acme_agent.h"
#include "acme_event_json.h"
#include "posix_slots.h"
#include "sockets_net.h"

/* Exit status, the same for every command; printed by --help. */
enum {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,
    EXIT_REFUSED = 2,
    EXIT_LATER = 3,
    EXIT_LOCAL = 4,
    EXIT_TRUST = 5,
    EXIT_SOLVER = 6
};
int exit_status(int err);

/* One that has no row in command.c yet cannot be typed. */
enum command {
    COMMAND_ISSUE,
    COMMAND_STATUS,
    COMMAND_REVOKE,
    COMMAND_ACCOUNT,
    COMMAND_RUN,
    COMMAND_RENEW,
    COMMAND_CHECK,
    COMMAND_DOCTOR,
    COMMAND_SERVE
};

struct options {
    enum command command;
    char names[ACME_MAX_NAMES][ACME_NAME_ROOM]; /* canonical */
    const char *name_list[ACME_MAX_NAMES];
    size_t names_count;
    char cert_name[ACME_NAME_ROOM]; /* canonical; "" if not given */
    const char *email;
    const char *server; /* the preferred one, when none is given letsencrypt */
    struct acme_server more_servers[ACME_MAX_SERVERS - 1];
    size_t servers_count;       /* that were given */
    const char *staging_server; /* NULL if not given */
    const char *ca_file;
    const char *csr_file;
    struct acme_slice csr; /* DER; empty: ours */
    const char *profile;
    const char *preferred_chain;
    bool profile_required, shortest_chain;
    const char *eab_kid, *eab_key_file, *eab_alg; /* NULL if not given */
    const char *state_dir;
    const char *out_dir; /* NULL: live below state_dir */
    const char *http_bind;
    const char *webroot;
    uint16_t http_port;
    enum acme_key_type key_type, account_key_type;
    bool agree_tos, reuse_key, json, quiet;
    int verbose;
    unsigned ask; /* bits of enum acme_ask */

    /* run, renew, check: of a configuration file */
    const char *deploy_hook;  /* absolute path; NULL: none */
    const char *user;         /* NULL: stay who we are */
    const char *metrics_file; /* NULL: none */
    bool log_syslog;

    /* revoke */
    const char *file, *key_file; /* NULL if not given */
    struct acme_slice cert;      /* of file, DER */
    int reason;                  /* enum acme_reason */
    bool by_certificate;         /* its key signs */

    /* account */
    uint8_t job; /* enum acme_job_type */
    bool no_contact, yes;
};
extern const char options_help[];
/* "lwacme: error: ...", with what the person typed made safe for a terminal: EXIT_USAGE. */
int usage(const char *message, const char *text);
int options_add_name(struct options *o, const char *text);
/* -- command.c: the words of the command line, and who does what they ask for -- */

int command_read(struct options *o, char **words, int count);
int command_check(struct options *o);
int command_run(const struct options *o);
/* "issue, status": those whose bits (1 << enum command) are set. */
void command_words(unsigned which, char *out, size_t room);

/* EXIT_DONE: go on; or the status to exit with (*leave set), all being said. */
int options_read(struct options *o, int argc, char **argv, bool *leave);

/* -- show.c: events to people and machines -- */

struct show {
    bool json, quiet, live; /* live: stderr is a terminal */
    int verbose;
    uint16_t http_port;
    char step[16]; /* of the line that is being shown */
    uint16_t index, count;
    uint64_t since_ms;      /* when it began */
    uint64_t drawn_ms;      /* when it was last drawn */
    uint64_t wait_until_ms; /* what is waited for ends then; 0: nothing */
    char waiting_for[64];
    bool line_open;
    bool key_told;
    bool failed; /* a failure was shown: it needs no other words */
    bool held;
};
void show_init(struct show *s, const struct options *o);
void show_event(struct show *s, const struct acme_event *event);
/* On a terminal: bring the open line up to date. */
void show_tick(struct show *s);
/* End the open line, before something else is printed. */
void show_flush(struct show *s);
/* "lwacme: error: ..." on stderr, and an object on stdout with --json. */
void show_error(struct show *s, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void show_failure(FILE *to, const struct acme_failure *failure);
const char *show_hint(int err, const struct acme_problem *problem);
/* A line of JSON on stdout. */
void show_json(struct acme_buf *line);
/* One event as a line. */
void json_event(const struct acme_event *event);

/* -- install.c: OUT/NAME/privkey.pem cert.pem chain.pem fullchain.pem, as one act -- */

struct install {
    char path[512]; /* OUT/NAME, for messages */
    char why[400];
};
/* Bring the files up to date with the certificate. 1: they were replaced, 0: they were so already,
 * -1: why. */
int install_certificate(struct install *in, const char *out_dir, const char *cert_name,
                        const struct acme_certificate *cert);
/* "*" is written "_wildcard", ":" is written "_". */
void install_folder(const char *cert_name, char *out, size_t room);

/* -- webroot.c: a solver that puts files where another program serves them -- */

struct webroot {
    struct acme_solver base; /* first */
    const char *dir;
    char why[400];
};
struct acme_solver *webroot_init(struct webroot *w, const struct acme_port *port, const char *dir);

/* -- trust.c: the anchors, as a file in memory -- */

struct trust {
    struct acme_slice text;
    const char *path;
    char why[400];
};
/* path NULL: the system's store. 0, or -1 and why. */
int trust_open(struct trust *t, const char *path);
void trust_close(struct trust *t);

/* -- binding.c: the external account binding, from options and a file -- */

struct binding {
    uint8_t packed[1024]; /* secret */
    size_t len;           /* 0: none */
    char why[400];
};
/* 0, or -1 and why. *open_to_others: others than the file's owner may read the key. */
int binding_read(struct binding *b, const struct options *o, bool *open_to_others);
void binding_wipe(struct binding *b);

/* -- csr.c -- */

/* Reads csr_file: its names become the options' names. 0, or -1 and why. */
int csr_load(struct options *o, const char **why);

/* -- job.c: certificates and keys from files -- */

/* Reads file and key_file; the certificate's first name becomes the option's name. 0, or -1 and
 * why. */
int job_load(struct options *o, const char **why);
const char *job_bad_file(const struct options *o); /* which of the two it was */
struct acme_key *job_key(void);                    /* of key_file; wiped by who takes it */

/* -- conf.c: many certificates, from a file (`lwacme run`, `renew`, `check`) -- */

/* The file's text stays in memory; what options_of gives points into it. What a certificate asks
 * for is read again whenever its turn comes, so the memory does not grow by an options for each. */
struct conf {
    const char *path;
    char *text; /* private, as are the sections */
    size_t len;
    struct conf_section *sections;
    size_t count; /* certificates */
};
/* Reads and checks all of it. EXIT_DONE; or what is wrong, each error as "PATH:LINE: ...", on
 * stderr, and EXIT_USAGE (EXIT_LOCAL: cannot be read). base: the options of the command line. */
int conf_open(struct conf *c, const char *path, const struct options *base);
/* The options of certificate i of 0..count-1, or with i == count those above all sections: the
 * daemon's own. Cannot fail. */
void conf_options(const struct conf *c, size_t i, struct options *out);
void conf_close(struct conf *c);

/* -- hook.c: the program that brings a new certificate into use -- */

enum { HOOK_PATHS = 5 };
struct hook_facts {
    const char *program; /* absolute path */
    const char *cert_name;
    const char *folder; /* OUT/NAME: cert.pem, chain.pem, fullchain.pem, privkey.pem */
    const char *names;  /* separated by spaces */
    const char *reason; /* "new", "renewed", "again": it failed before */
};
struct hook {
    long pid; /* 0: none runs */
    uint64_t since_ms;
    int status; /* of the last one: exit status, 128 + signal */
    char why[400];
};
/* Starts it, without a shell. ACME_OK, or ACME_E_SOLVER and why. */
int hook_start(struct hook *h, const struct hook_facts *facts);
/* ACME_AGAIN: it runs; ACME_OK: it has ended well; ACME_E_SOLVER: why. Killed after HOOK_LIMIT_MS.
 */
int hook_poll(struct hook *h, uint64_t now_ms);
void hook_stop(struct hook *h);

/* -- notify.c: the service manager (sd_notify's protocol, without its library) -- */

/* state: "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=...". Does nothing when nobody asked. */
void notify_state(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often "WATCHDOG=1" is wanted; 0: not. */
uint32_t notify_watchdog_ms(void);

/* -- privilege.c: what a daemon gives up before it talks to anybody -- */

struct privilege {
    const char *user;     /* NULL: stay who we are */
    const char *paths[8]; /* folders that are written below; NULL ends them */
    char why[400];
};
/* No core files, bounded resources, no new privileges, another user (keeping only the right to bind
 * port 80), and where the kernel knows how, no file written but below paths. 0, or -1 and why. */
int privilege_drop(struct privilege *p);

/* -- metrics.c: the state of all certificates for a monitoring system -- */

/* A text file in Prometheus' format, replaced as one act. 0, or -1 and why. */
int metrics_write(const struct options *o, const char *path, char *why, size_t room);

int issue_run(const struct options *o);
int status_run(const struct options *o);
/* Anything but issue: one run of the agent with another aim. */
int job_run(const struct options *o);

#endif
