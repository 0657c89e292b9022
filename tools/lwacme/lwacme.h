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
    EXIT_SOLVER = 6,
    EXIT_STEP = 7 /* of the staged walk: an earlier one is missing */
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
    COMMAND_SERVE,
    COMMAND_DNS_PERSIST,
    COMMAND_ACME_DNS,
    COMMAND_STAGED /* no word: staged.h */
};

enum { OPTIONS_CHALLENGES = 5 }; /* there are no more types */

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
    enum acme_challenge_type challenges[OPTIONS_CHALLENGES]; /* the preferred one first */
    size_t challenges_count;                /* 0: http-01 alone; with external: all that it can */
    const char *dns_server, *tsig_key_file; /* NULL if not given */
    bool dns_only_primary;
    const char *persist_issuer;         /* NULL if not given: see options_issuer */
    uint32_t persist_days;              /* of the record that is printed; 0: for ever */
    const char *acme_dns, *acme_dns_ca; /* NULL if not given */
    const char *acme_dns_import;        /* a file of another client; NULL if not given */
    const char *tls_bind;
    uint16_t http_port, tls_port;
    enum acme_key_type key_type, account_key_type;
    uint8_t external;          /* enum external_mode; 0: none */
    uint8_t external_over;     /* enum posix_channel_kind */
    uint8_t step;              /* enum staged_step; 0: a command */
    const char *external_path; /* of the handler, FIFO or socket */
    uint16_t external_dialect;
    uint32_t handler_timeout;
    bool agree_tos, reuse_key, json, quiet;
    int verbose;
    unsigned ask; /* bits of enum acme_ask */

    /* status */
    bool check; /* for a monitoring system: a line for each, and its exit status */

    /* run, renew, check; status */
    const char *config_file;
    const char *deploy_hook;  /* absolute path; NULL: none */
    const char *user;         /* NULL: stay who we are */
    const char *metrics_file; /* NULL: none; also of status */
    bool log_syslog;

    /* revoke */
    const char *file, *key_file; /* NULL if not given */
    struct acme_slice cert;      /* of file, DER */
    int reason;                  /* enum acme_reason */
    bool by_certificate;         /* its key signs */

    /* account */
    uint8_t job; /* enum acme_job_type */
    bool no_contact, yes;
    const char *import_path; /* folder or file of another client; NULL if not given */
    bool server_given;

    /* Where csr lies: last, because it is large, and neither cleared nor copied with the rest. */
    uint8_t csr_der[24576];
};
/* Is this type of challenge one that may be taken? */
bool options_takes(const struct options *o, enum acme_challenge_type type);
/* The CA's domain in records of dns-persist-01; NULL: it is not known. */
const char *options_issuer(const struct options *o);

/* -- full.c, or small.c: what is built in -- */

/* The words of the command line, and who does what they ask for. Which options each takes stands
 * in options_table.c. */
struct command_row {
    const char *word; /* NULL: the end */
    enum command command;
    int (*run)(const struct options *o);
};
extern const struct command_row commands[];
extern const char *const options_help[]; /* ended by NULL */
/* "lwacme: error: ...", with what the person typed made safe for a terminal: EXIT_USAGE. */
int usage(const char *message, const char *text);
int options_add_name(struct options *o, const char *text);
/* -- command.c: the words of the command line, and who does what they ask for -- */

int command_read(struct options *o, char **words, int count);
int command_check(struct options *o);
int command_run(const struct options *o);
bool command_is(const char *word);
/* "issue, status": those whose bits (1 << enum command) are set. */
void command_words(unsigned which, char *out, size_t room);

/* EXIT_DONE: go on; or the status to exit with (*leave set), all being said. */
int options_read(struct options *o, int argc, char **argv, bool *leave);

/* -- show.c: events to people and machines -- */

struct show {
    bool json, quiet, live; /* live: stderr is a terminal */
    int verbose;
    const uint16_t *port; /* where a solver could not listen; NULL: none did */
    char step[16];        /* of the line that is being shown */
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
/* Hints are about the ways of proof that these options take, from now on. */
void show_ways(const struct options *o);
const char *show_hint(int err, const struct acme_problem *problem);
/* Why it is this CA's turn, of the event `server`; NULL: it is only asked about its own. */
const char *show_server_words(const char *text);
/* -- log.c: where lines for people go: stderr, the journal behind it, or syslog -- */

/* As syslog(3) counts. */
enum log_severity { LOG_BAD = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_TELL = 6, LOG_DETAIL = 7 };
/* Once, before the first line. Lines go to stderr unless it was called. */
void log_open(bool to_syslog);
/* For who is going to close all descriptors: syslog's is closed, until log_open is called again.
 * Was it syslog? */
bool log_close(void);
/* What lines for people begin with: "lwacme: ", or after log_stamps() "lwacme [10/Jan/2018:17:09:34
 * +0100] ", by the clock of now. Holds until the next call. */
const char *log_head(void);
void log_stamps(void);
/* Where lines of this severity are printed; each must end, with a newline, before the next call. */
FILE *log_to(enum log_severity severity);
/* Is it stderr, as it is? */
bool log_is_stderr(void);

/* Events go to stderr from now on: stdout has another reader. */
void json_aside(void);
/* A line of JSON on stdout. */
void show_json(struct acme_buf *line);
/* Events are about this certificate of several, from now on; NULL: there is only one. */
void json_about(const char *cert_name);
/* One event as a line. */
void json_event(const struct acme_event *event);

/* A folder that others may look into: mkdirat, 0755 from the start whatever our umask is. (A mode
 * given afterwards might be given to what somebody has put there meanwhile.) */
int make_public_folder(int at, const char *name);

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

/* -- files.c: false: errno -- */

bool files_write(int fd, const void *data, size_t len);
/* Is there a regular file with these bytes, and none of these bits in its mode? */
bool files_same(int dir, const char *name, const struct acme_buf *want, unsigned forbidden);
/* A private file, synced, to be renamed. What a run that was killed left there goes. */
bool files_aside(int dir, const char *aside, const struct acme_buf *b);

/* -- webroot.c: a solver that puts files where another program serves them -- */

struct webroot {
    struct acme_solver base; /* first */
    const char *dir;
    char why[400];
};
/* The descriptor of DIR/.well-known/acme-challenge, made when it is absent; -1 and errno. */
int webroot_folder(const char *dir, bool make);
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

/* -- keyfile.c: private keys as people have them -- */

#define KEYFILE_MAX 16384
/* PEM or DER without a password, or a JWK, in text, which has room for a NUL at len. 0, or -1 and
 * why. */
int keyfile_read(struct acme_key *key, char *text, size_t len, const char **why);

/* -- import.c: the account of another client -- */

/* Finds it in o->import_path: sets o->server and job_key(). EXIT_DONE; or EXIT_USAGE, and it is
 * said. */
int import_load(struct options *o);
/* What was taken over. url: the account's, as the CA has told it. */
void import_told(const struct options *o, const char *url);

/* -- conf.c: many certificates, from a file (`lwacme run`, `renew`, `check`) -- */

/* The file's text stays in memory; what conf_options gives points into it. The options of a
 * certificate are made again whenever its turn comes: they are 27 KB, and an entry of the file is
 * 12 bytes. */
struct conf {
    const char *path;
    const struct options *base;
    char *text;
    size_t len;
    struct conf_entry *entries; /* private, as are the sections */
    size_t entries_count;
    struct conf_section *sections;
    size_t count; /* certificates, 1 or more */
    bool quiet;   /* conf_options says nothing: somebody else does */
};
/* Reads and checks all of it. EXIT_DONE; or what is wrong, each error as "PATH:LINE: what; what to
 * do" on stderr (and as an object on stdout, where base wants JSON), and EXIT_USAGE (EXIT_LOCAL: it
 * cannot be read). Then there is nothing to close. base: the options of the command line; path and
 * base must outlive c. */
int conf_open(struct conf *c, const char *path, const struct options *base);
/* The options of certificate i of 0..count-1: its names, always a cert_name, a state_dir. With i ==
 * count those above all sections, which are the daemon's own. What base has of json, quiet, verbose
 * and ask holds for all. EXIT_DONE; or EXIT_LOCAL, and it is said: its certificate request (csr) is
 * not there any more. *out holds until c is closed. */
int conf_options(const struct conf *c, size_t i, struct options *out);
void conf_close(struct conf *c);

/* -- hook.c: the program that brings a new certificate into use -- */

enum {
    HOOK_LIMIT_MS = 300000, /* then it is killed, with its process group */
    HOOK_TICK_MS = 50,      /* how often hook_poll wants to be called while one runs */
    HOOK_FOLDER_ROOM = 640
};
struct hook_facts {
    const char *program; /* absolute path */
    const char *cert_name;
    const char *folder; /* OUT/NAME: cert.pem, chain.pem, fullchain.pem, privkey.pem */
    const char *names;  /* separated by spaces */
    size_t index;       /* which certificate of the configuration: what a runner is asked by */
    const char *reason; /* "new", "renewed", "again": it failed before, or never ran */
};
/* The facts of a certificate, with room for their texts. */
struct hook_job {
    struct hook_facts facts; /* points into the rest, and program to the options' */
    char cert_name[ACME_NAME_ROOM];
    char folder[HOOK_FOLDER_ROOM];
    char names[ACME_MAX_NAMES * ACME_NAME_ROOM];
};
/* False: the options name no hook (or a path is too long). */
bool hook_job_of(const struct options *o, struct hook_job *job);
/* What would run, for what: program, folder, names. false: there is no hash. */
bool hook_hash(const struct hook_facts *f, uint8_t out[ACME_SHA256_SIZE]);

/* One run of a program, by the process that started it (hook_run.c); private to hooks. */
struct hook_run {
    long pid;       /* 0: none */
    int out, fault; /* what it prints; why it did not start */
    uint64_t since_ms;
    bool overdue;
    int status;
    const char *word; /* before its lines */
    uint32_t limit_ms;
    unsigned lines;
    size_t line_len, begun_len;
    char line[400];
    char begun[32]; /* of what it printed: ended by a NUL */
    char program[300];
    char why[400];
};

struct hook {
    long pid;   /* 0: none runs. With a runner: the runner's */
    int status; /* of the last one: exit status, or 128 + signal; 0: none that ended by itself */
    char why[400];

    /* private */
    int set;         /* the set of files that it was told of */
    uint32_t serial; /* of the request to the runner; 0: it runs without */
    struct hook_run run;
};
/* Is it an absolute path of a program? 0, or -1 and why. For who reads a configuration. */
int hook_check(const char *program, char *why, size_t room);
/* Starts it, without a shell: by the runner, where there is one. ACME_OK, or ACME_E_SOLVER and
 * why. *h is all zeros before the first time. */
int hook_start(struct hook *h, const struct hook_facts *facts);
/* ACME_AGAIN: it runs; ACME_OK: it has ended well, and that is marked in the set of files that it
 * was told of; ACME_E_SOLVER: why. Passes on what it prints. Never waits. */
int hook_poll(struct hook *h, uint64_t now_ms);
/* Kills it. */
void hook_stop(struct hook *h);
/* Has no hook yet ended well for the set of files that lies there now? folder: OUT/NAME. */
bool hook_owed(const char *folder);
/* ... since when: when the set was made; 0: it is not owed. */
int64_t hook_owed_since(const char *folder);
/* For who has done by hand what a hook does: it is not owed any more. 0, or -1 and errno. */
int hook_done(const char *folder);

/* -- hook_run.c -- */

extern uint32_t hook_limit_ms; /* HOOK_LIMIT_MS; a test may not want to wait for it */
/* Must this entry of our environment not be handed to a program? */
bool hook_env_dropped(const char *entry);
struct hook_launch {
    char *const *argv; /* an absolute path first; ended by NULL, as is the environment */
    char **environment;
    const char *word;
    uint32_t limit_ms;
    bool stays; /* its stderr and its folder are ours; else stderr is logged, and it is in "/" */
};
int hook_run_launch(struct hook_run *r, const struct hook_launch *l);
void hook_close_from(int first); /* all descriptors from this one on */
int hook_run_start(struct hook_run *r, const struct hook_facts *facts);
int hook_run_poll(struct hook_run *r, uint64_t now_ms);
void hook_run_stop(struct hook_run *r);

/* -- runner.c: hooks with the rights that the daemon has given up -- */

/* What the runner's own copy of the configuration says. */
struct runner_source {
    void *ctx;
    const char *config; /* its file; NULL: none */
    /* Certificate i. False: there is none, or it has no hook. */
    bool (*job)(void *ctx, size_t i, struct hook_job *job);
    size_t (*count)(void *ctx);
    /* Read it anew; false: the one before stays in force. NULL: there is nothing to read. */
    bool (*reload)(void *ctx);
};
/* Before anything secret is in memory, and before privilege_drop: a process that keeps the rights
 * of now and starts nothing but these programs. user: who the daemon is going to be (NULL: who it
 * is); it must not be able to change the programs or the configuration. 0, or -1 and why. */
int runner_start(const struct runner_source *source, const char *user, char *why, size_t room);
/* The configuration was read anew: the runner does the same. */
void runner_reload(void);
/* Ends it, and a hook that it runs. */
void runner_stop(void);
/* Its process, or 0. */
long runner_pid(void);
/* Has it ended by itself? Once; why tells how. Who has given up rights cannot start another one. */
bool runner_ended(char *why, size_t room);
/* Of hook.c: as hook_run_start and hook_run_poll, by the runner. */
int runner_ask(uint32_t serial, const struct hook_facts *facts, char *why, size_t room);
int runner_answer(uint32_t serial, int *status, char *why, size_t room);
void runner_kill(void);

/* -- notify.c: the service manager (sd_notify's protocol, without its library) -- */

/* state: "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=...". Does nothing when nobody asked. */
void notify_state(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often "WATCHDOG=1" is wanted; 0: not. */
uint32_t notify_watchdog_ms(void);
/* For how long it can wait, as it was told last at told_ms; UINT32_MAX: nobody wants it. */
uint32_t notify_watchdog_left(uint32_t every, uint64_t told_ms, uint64_t now);

/* -- privilege.c: what a daemon gives up before it talks to anybody -- */

struct person {
    unsigned uid, gid;
    unsigned groups[32];
    size_t groups_count;
};
/* A user of /etc/passwd with the groups of /etc/group, or "UID:GID". 0, or -1 and why. */
int person_find(struct person *who, const char *user, char *why, size_t room);
/* Can this person not change what the path leads to, by any folder or link on the way? 0, or -1 and
 * why. */
int path_kept_from(const struct person *who, const char *path, char *why, size_t room);

/* confine.c: 0, or -1 and errno; ENOSYS: the kernel cannot. */
int confine_files(const char *const *paths, size_t count);
int confine_calls(void);

enum { PRIVILEGE_PATHS = 64 };
struct privilege {
    const char *user;                   /* of /etc/passwd, or "UID:GID"; NULL: stay who we are */
    const char *paths[PRIVILEGE_PATHS]; /* folders that are written below; NULL ends them */
    char why[700];
    /* What the kernel did not have, for a warning; "" if nothing. */
    char missing[120];
};
/* No core files, bounded resources, no new privileges, another user (keeping only the right to bind
 * port 80), no other program started, and where the kernel knows how, no file written but below
 * paths. Folders that are missing are made, and given to the user. 0, or -1 and why. Threads that
 * run already keep what they have: call it before there are any. */
int privilege_drop(struct privilege *p);

/* -- metrics.c: the state of all certificates for a monitoring system -- */

/* A text file in Prometheus' format, replaced as one act: of the certificates of a configuration
 * file, also where there is none yet. 0, or -1 and why. */
int metrics_write(const struct conf *c, const char *path, char *why, size_t room);

int issue_run(const struct options *o);
/* publish.c, publish_acmedns.c: what a person has to publish once for dns-persist-01, or for dns-01
 * by acme-dns, and whether it is there. */
int persist_run(const struct options *o);
int acmedns_run(const struct options *o);
/* daemon.c: all certificates of a file, for ever; and each once. */
int daemon_run(const struct options *o);
int renew_run(const struct options *o);
int status_run(const struct options *o);
int serve_run(const struct options *o);
int doctor_run(const struct options *o);
/* Only looks at the configuration file, and at the files it names. */
int check_run(const struct options *o);
/* Anything but issue: one run of the agent with another aim. */
int job_run(const struct options *o);

#endif
