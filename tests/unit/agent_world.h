/* agent_world.h - a world for the real agent: clock, storage, solver, network, all scripted
 *
 * The agent, its rows, records, codecs and cryptography are the real ones. Only the exchange is not
 * core/acme_exchange.c: agent_exchange.c defines the same functions and hands each request to the
 * CA of agent_ca.c, or to a script. Power is cut by leaving the agent in the middle of a call.
 */
#ifndef AGENT_WORLD_H
#define AGENT_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_agent.h"
#include "acme_steps.h"
#include "acme_store.h"
#include "test.h"

#define W_NOW     1795000000 /* 2026-11-18 */
#define W_DAY     86400
#define W_CUT     1000 /* run_agent: power was cut */
#define W_HANGS   1001 /* run_agent: it never came to rest */
#define W_IO      65536
#define W_SCRATCH 98304

/* What the CA says instead of, or on top of, its own reply. */
struct w_script {
    const char *row;        /* asked by this row */
    int from, count;        /* the from-th such request (1..), and count of them; 0: one */
    int status;             /* 0: the CA's own */
    const char *fields;     /* added: "Retry-After: 5\r\n" */
    const char *body;       /* instead of the CA's; needs status unless the CA acts */
    const char *find, *put; /* in the CA's own head and body, every occurrence */
    bool act;               /* the CA does what was asked all the same */
    bool no_nonce;
    int lost;         /* no reply, but this error */
    const char *host; /* in the URL; NULL: any */
};

struct w_slot {
    enum acme_slot slot;
    char key[ACME_SLOT_KEY_MAX + 1];
    size_t len;
    uint8_t data[W_IO];
};

struct w_order {
    bool there;
    int ca;     /* which of them has it */
    int status; /* enum acme_status */
    int names_count;
    char names[ACME_MAX_NAMES][256];
    int authz[ACME_MAX_NAMES]; /* enum acme_status */
    int told[ACME_MAX_NAMES];  /* responded to: by which challenge, 1..3; 0 not */
    uint64_t valid_ms[ACME_MAX_NAMES];
    uint64_t issued_ms;
    int64_t began; /* notBefore of its certificate */
    int finalized;
    int tokens; /* part of the tokens: another number, other tokens */
    uint8_t csr[8192];
    size_t csr_len;
};

struct w_live {
    char identifier[256];
    char token[160];
    char authorization[256];
    int begins, ends;
    enum acme_outcome outcome;
    bool live;
};

struct world {
    /* time */
    uint64_t ms;
    int64_t wall; /* at ms 0 */
    int clock_answer;

    /* storage */
    struct w_slot slots[12];
    int slots_count;
    int writes;
    int write_fail_at, write_fail_count, write_fail_err; /* from the n-th write on (1..) */
    enum acme_slot write_fail_slot;                      /* 0: any */
    bool write_fail_took;                                /* the medium has it all the same */
    int write_again;                                     /* so often for each write */
    int write_again_left;
    int read_err; /* every read of read_err_slot */
    enum acme_slot read_err_slot;

    /* power */
    int points, cut_at;
    const char *cut_on; /* as soon as this stands in the log */
    jmp_buf cut;

    /* network */
    const struct w_script *script;
    int requests, connections;
    int per_row[ACME_ROW_COUNT];
    char reply_head[4096];
    char reply_body[W_IO];
    size_t reply_len;
    int reply_status, reply_lost;
    bool reply_head_only;
    uint64_t request_ms[4000]; /* when each request left */
    uint8_t request_row[4000];

    /* the CA: three of the same kind, ca.example, ca1.example, ca2.example. Each knows its own
     * accounts, orders and certificates only; how they behave is common to all, but for scripts */
    int ca;             /* that is asked */
    int accounts_at[3]; /* that each has made */
    int orders_at[3], windows_at[3];
    struct w_order orders[40];
    int orders_count, accounts, certificates, registrations, failed_validations;
    char account_jwk[600];
    bool account_gone;
    uint32_t nonces;
    uint8_t nonce_used[1 << 16];
    int account_number; /* of the account's URL */
    int late_finalizes; /* of an order that was finalized already */
    int bad_jws;        /* requests whose JWS, nonce or URL was wrong */
    bool authz_reuse;
    unsigned offers; /* types (bits) for hosts; 0: http-01 and dns-01. An address: http-01; a
                        wildcard: dns-01 */
    unsigned unseen; /* proofs of these types are not found */
    unsigned unseen_name[2]; /* ... for the first and the second name */
    char chosen[280];        /* the last challenge that was taken instead of another */
    bool all_refused;        /* a proof that fails puts its error into all the challenges */
    uint32_t validate_ms, issue_ms;
    int64_t life_s;
    int64_t ahead_s; /* our clock is so much ahead of the CA's */
    int chain_extra;
    int alternates;         /* chains besides the default one; the k-th (1..) leads to "Root k" */
    int alternate_extra[9]; /* more certificates in it */
    int alternate_bad;      /* this one is no chain */
    const char *alternate_link; /* instead of the links to them */
    bool other_key, other_names, expired, key_inside;
    const char *eab_kid; /* a newAccount must be bound to it, by eab_key; NULL: needs no binding */
    struct acme_slice eab_key;
    size_t eab_digest;
    bool eab_told;               /* the directory says so */
    bool eab_once;               /* for one account only, and looked at first */
    int bindings;                /* good ones */
    const char *profiles;        /* of meta: "\"tls\":\"...\"", or NULL */
    const char *profile_refused; /* offered, and refused all the same */
    bool profile_refused_late;   /* ... at finalize */
    char profile[80];            /* asked for by the last newOrder; "" none */
    bool ari;                    /* the directory has renewalInfo */
    int64_t ari_start, ari_end;  /* the window; 0: from 55 to 65 days after the certificate began */
    const char *ari_more;        /* further members: "\"explanationURL\":\"https://x/\"," */
    const char *ari_field;       /* NULL: "Retry-After: 21600" */
    int windows;                 /* questions */
    char replaced[200][80];      /* predecessors that were named and taken */
    int replaced_count, replaces_refused;

    const char *account_status; /* NULL: valid */
    char account_contact[300];  /* as JSON, of the last update; "" none */
    bool find_says_deactivated; /* newAccount tells of a deactivated account; else it refuses */
    char account_event[300];    /* status thumbprint URL contacts */
    int rolls;                  /* key changes that were made */
    bool no_revoke;             /* the directory has no revokeCert */
    int revoke_reason[40];      /* of each order's certificate, and 1000 added; 0: not revoked */
    int revokes;                /* requests that revoked one */

    /* the solvers */
    size_t solvers; /* how many of the two there are */
    struct w_live live[128];
    int live_count;
    int begin_again, begin_err, begin_err_at, begins;
    int ready_again, ready_err, end_again, end_err, ends;
    bool never_seen;
    bool spoil;    /* what it shows is wrong */
    bool overtake; /* the CA validates just before a response comes */

    /* what happened */
    char log[200000];
    size_t log_len;
    char warning[200], terms[200], window[200], window_word[20], window_url[200];
    int64_t window_at;
    int windows_told;
    int64_t times[64]; /* of the events confirmed_time */
    int times_count;
    char held_by[20]; /* the last held's text */
    int held, not_due, warnings, failures;
    int servers; /* events server, which are in the log: "V:server:WHY:HOST" */
    const char *until;
};

extern struct world w;
extern struct acme_agent agent;
extern struct acme_config config;
extern const char *w_names[ACME_MAX_NAMES + 1];
extern struct acme_solver *w_solvers[2];
extern struct acme_port w_port;
extern uint8_t w_io[W_IO], w_scratch[W_SCRATCH];

void w_reset(void); /* a new world, a configuration for one name */
/* Another type than P-256 that this wolfSSL has: the old one makes no P-384. */
static inline uint8_t w_other_type(void)
{
    return acme_key_supported(ACME_KEY_P384) ? ACME_KEY_P384 : ACME_KEY_RSA2048;
}
void w_count(size_t n);  /* names 1..n */
int w_boot(void);        /* a new agent on what is stored */
int w_run(unsigned ask); /* ask, and poll until it rests: the outcome, W_CUT or W_HANGS */
int w_do(const struct acme_job *job, unsigned flags); /* w_boot, and a job as w_run */
int w_issue(unsigned ask);                            /* w_boot and w_run */
void w_types(unsigned types);                         /* of the first solver */
void w_needs(unsigned needs);                         /* of the first */
void w_second(unsigned types);                        /* of the second */
void w_alone(bool alone);                             /* there is only the first solver */
void w_pass(int64_t seconds);                         /* time goes by, nothing happens */
void w_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool w_did(const char *text);               /* in the log */
int w_times(const char *text);              /* how often in the log */
void w_roll_to(const struct acme_key *key); /* a keyChange arrives that was long on its way */
void w_power(void);                         /* a point at which power may be cut */
struct w_slot *w_slot(enum acme_slot slot); /* NULL: empty */
int w_begun(void);                          /* challenges that live in the world */
void w_check_pair(void); /* the certificate in force fits its key and the names */
int64_t w_wall(void);

/* agent_ca.c */
void ca_reset(void);
void ca_tick(void); /* validations and issuances whose time has come */
/* Acts on a request and writes the reply to w.reply_*. */
void ca_serve(const char *method, const char *url, const char *body, size_t len);

#endif
