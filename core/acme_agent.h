/* acme_agent.h - all that the world can ask of the agent
 *
 * One agent keeps one certificate. The caller places it in static storage; nothing is allocated.
 * acme_agent_poll never waits. All calls come from one thread and never from inside an event.
 */
#ifndef ACME_AGENT_H
#define ACME_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_cert.h"
#include "acme_config.h"
#include "acme_crypto.h"
#include "acme_event.h"
#include "acme_exchange.h"
#include "acme_name.h"
#include "acme_port.h"
#include "acme_sched.h"
#include "acme_servers.h"
#include "acme_solver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACME_LETS_ENCRYPT         "https://acme-v02.api.letsencrypt.org/directory"
#define ACME_LETS_ENCRYPT_STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"

/* The two large pieces of memory. */
enum acme_need { ACME_NEED_IO = 1, ACME_NEED_SCRATCH = 2 };

struct acme_memory {
    struct acme_span io;      /* ACME_IO_SIZE is a good size */
    struct acme_span scratch; /* ACME_SCRATCH_SIZE is a good size; aligned for pointers */
    /* NULL: they are lent for the agent's life. Else for as long as they are needed: the agent says
     * before and after each piece of work which of them it needs from now on (bits of enum
     * acme_need), and this function gives the others back, and sets ptr of these (in the very
     * config that the agent has). io is not needed between two requests, scratch not while a
     * request is under way, so the memory of TLS can be larger by their size just then. What is
     * given back is wiped by this function. ACME_OK, or
     * ACME_AGAIN: not enough memory now. len is set, and does not change. */
    int (*need)(unsigned buffers);
};

/* Choices. Read in place for the agent's life, so it may lie in flash; 0 and NULL are defaults. */
struct acme_config {
    const char *directory_url; /* https; RFC 8555 7.1.1 */
#if ACME_MAX_SERVERS > 1
    const struct acme_server *more_servers; /* where to turn when that CA cannot be had, in order
                                               (acme_servers.h); a certificate from any of them is
                                               as good. Anchors, contact and terms_agreed are for
                                               all */
    size_t more_servers_count;              /* 0..ACME_MAX_SERVERS - 1 */
    struct acme_server staging;             /* after a proof has failed, the next one is shown to
                                               this CA first; no certificate is taken from it.
                                               url NULL: none */
#endif
    const char *const *names;    /* what the certificate is for: DNS names, "*.x", IP literals */
    size_t names_count;          /* 1..ACME_MAX_NAMES */
    const char *cert_name;       /* its name in storage; NULL: names[0] */
    const char *contact;         /* e-mail address for the account, or NULL */
    bool terms_agreed;           /* a person has agreed to the CA's terms of service */
    struct acme_slice eab;       /* external account binding, packed (acme_eab.h); empty: none. Kept
                                    with the account's key until the account is made: it may be good
                                    for one account, and need not be given again. It is for
                                    directory_url; the others have their own */
    struct acme_anchors anchors; /* trust for the CA's own TLS */
    const char *profile;         /* of the CA's (meta.profiles), or NULL: its default */
    const char *preferred_chain; /* the chain whose last certificate was issued by this common name,
                                    or whose key identifier (hex) this is; the default otherwise */
    bool shortest_chain;         /* the one of least bytes */
    bool profile_required;       /* one that the CA does not offer any more ends the run; false: its
                                    default is taken, with a warning */
    uint8_t account_key_type;    /* enum acme_key_type; 0: P-256 */
    uint8_t cert_key_type;       /* enum acme_key_type; 0: P-256 */
    struct acme_slice csr; /* a certificate request (DER) that somebody else has made: no key is
                              made or stored, and names must be its names; empty: ours */
    bool reuse_key;        /* a renewal keeps the certificate's key */
    bool any_host;         /* follow the CA's URLs to every host (acme_url.h) */
    bool prompt;           /* begin what is due at once: a device without a fleet, a test;
                              false: after a random while (acme_sched_spread) */
    bool only_when_asked;  /* do not renew by itself: acme_agent_ask starts each run */
    bool replace_damaged;  /* a damaged ACCOUNT record is replaced by a new account; false: the run
                              fails, and a person decides */
    struct acme_memory memory;
};

/* What a run may override (bits). */
enum acme_ask {
    ACME_ASK_FORCE = 1, /* renew though not due */
    ACME_ASK_NOW = 2,   /* do not wait for our own backoff */
    ACME_ASK_IGNORE_RETRY_AFTER =
        4,               /* not even for the CA's word: a person takes it upon himself */
    ACME_ASK_PROOFS = 8, /* read the authorizations also of an order that is ready, as somebody
                            wants to see them (the event exchange) */
    ACME_ASK_ANEW = 16   /* give up the order that is open, and begin another one */
};

/* What an agent does besides getting and renewing its certificate. A link choice of the build. */
enum acme_job_type {
    ACME_JOB_REVOKE = 1, /* a certificate (RFC 8555 7.6) */
    ACME_JOB_SHOW,       /* the account as the CA knows it: events account and contact */
    ACME_JOB_UPDATE,     /* the account's contact (7.3.2) */
    ACME_JOB_DEACTIVATE, /* the account, for ever (7.3.6); its key is forgotten */
    ACME_JOB_RECOVER,    /* the account that a key has at the CA (7.3.1) becomes ours */
    ACME_JOB_ROLLOVER,   /* another key for the account (7.3.5) */
    ACME_JOB_END_
};

/* Why a certificate is revoked (RFC 5280 5.3.1). CAs take only some: Let's Encrypt 0, 1, 4, 5. */
enum acme_reason {
    ACME_REASON_UNSPECIFIED = 0,
    ACME_REASON_KEY_COMPROMISE = 1,
    ACME_REASON_CA_COMPROMISE = 2,
    ACME_REASON_AFFILIATION_CHANGED = 3,
    ACME_REASON_SUPERSEDED = 4,
    ACME_REASON_CESSATION_OF_OPERATION = 5,
    ACME_REASON_CERTIFICATE_HOLD = 6,
    ACME_REASON_PRIVILEGE_WITHDRAWN = 9,
    ACME_REASON_AA_COMPROMISE = 10
};
/* "keyCompromise", and back (-1 for a stranger). */
const char *acme_reason_name(int reason);
int acme_reason_from(const char *name);

/* Read in place until the job is done. */
struct acme_job {
    uint8_t type;                  /* enum acme_job_type */
    uint8_t reason;                /* revoke: enum acme_reason */
    struct acme_slice certificate; /* revoke: DER; empty: the one in force */
    const struct acme_key *key;    /* revoke: the certificate's key signs; NULL: the account's.
                                      recover: the account's */
    uint8_t key_type;              /* rollover: enum acme_key_type; 0: as the present key's */
    const char *contact;           /* update: an e-mail address; NULL: none any more */
};

/* What is known of the revocation of the certificate in force. Stored: never renumber. */
enum acme_revocation {
    ACME_NOT_REVOKED = 0,
    ACME_REVOKE_ASKED = 1, /* the CA was asked, and its answer never came */
    ACME_REVOKED = 2
};

/* What status tells. Times are seconds since 1970 UTC; 0: none. */
struct acme_agent_status {
    bool busy;        /* a run is under way */
    const char *step; /* the row's name */
    int outcome;      /* of the last run: ACME_OK, ACME_E_HELD, ACME_E_..., ACME_AGAIN: none yet */
    bool renewed;     /* the last run stored a new certificate */
    bool has_certificate;
    int64_t not_before, not_after; /* of the certificate */
    int64_t due_at; /* when it becomes due: chosen in the CA's window, or by its life */
    int64_t window_start, window_end; /* the CA's window for the renewal (RFC 9773), or 0 */
    int64_t window_next;              /* when the CA is asked for it again */
    int64_t window_asked;             /* when it was asked last, or that was planned */
    int64_t early_at;       /* before it is due none is made until then, unless ACME_ASK_NOW; 0 */
    const char *cert_id;    /* the certificate's name in ARI, or "" */
    int64_t next_at;        /* no attempt before */
    bool next_by_ca;        /* ... because the CA said so */
    bool window_followed;   /* due_at is a moment in the window */
    bool replaces;          /* its order named its predecessor */
    uint8_t revoked;        /* enum acme_revocation */
    uint8_t revoked_reason; /* enum acme_reason */
    int64_t revoked_at;
    unsigned failed_types; /* bits of enum acme_challenge_type: the CA did not see these since the
                              last certificate, so others are tried first */
    const char *account;   /* its URL, or "" */
    bool rollover;         /* one was begun, and its end is not known */
    bool order_open;
    bool order_other; /* ... and it is for something else than what is configured now */
    bool wanted;      /* the certificate is what is configured now */
    bool connected;   /* a TLS session with the CA stands */
    const struct acme_failure *failure; /* the last one; err ACME_OK if none since a success */
    const struct acme_sched *attempts;  /* failures since the last success, all and by class */
    const struct acme_ledger *ledger;   /* what holds back all certificates of this CA */
    uint32_t issued;                    /* how many certificates this one's storage has seen */
    uint32_t requests, connections;     /* since init */
#if ACME_MAX_SERVERS > 1
    const char *server; /* directory of the CA whose turn it is; never NULL after init */
    const char *issuer; /* ... of the one that the certificate came from; NULL: not known */
    bool rehearsal;     /* the next order goes to the staging CA first */
#endif
};

/* The certificate and key in force, in the caller's buffer. */
struct acme_certificate {
    struct acme_chain chain; /* leaf first */
    struct acme_slice key;   /* DER: SEC 1 or PKCS #1 (or a device's label); secret */
    uint8_t key_type, key_home;
    int64_t not_before, not_after;
};

struct acme_agent;

/* Fills *a. Everything is checked here: ACME_OK, or ACME_E_CONFIG, ACME_E_NAME, ACME_E_URL,
 * ACME_E_SIZE, ACME_E_ARG; *why (may be NULL) is then words for a person, and *which (may be NULL)
 * the offending text or NULL. config, port and solvers must outlive the agent. */
int acme_agent_init(struct acme_agent *a, const struct acme_config *config,
                    const struct acme_port *port, struct acme_solver *const *solvers,
                    size_t solvers_count, const char **why, const char **which);
/* Two of these checks, for who wants them earlier: one plain e-mail address, without "mailto:"; a
 * profile's name. */
bool acme_contact_ok(const char *contact);
bool acme_profile_ok(const char *profile);

/* Does a bounded piece of work: at most one signature or one key, a few port calls. *sleep_ms says
 * for how long it needs nothing (0: call again at once) unless a socket becomes ready. ACME_OK
 * while it rests, ACME_AGAIN while a run is under way. */
int acme_agent_poll(struct acme_agent *a, uint32_t *sleep_ms);

/* Start a run (get or renew the certificate if it is due). flags: enum acme_ask. until_row: rest,
 * with the order left open, before this row is entered; NULL: to the end. The answer is in status
 * once it is no longer busy. ACME_E_ARG: one is under way, or no row has this name. */
int acme_agent_ask(struct acme_agent *a, unsigned flags, const char *until_row);

/* Start a job instead. It waits for no backoff of ours and adds to none: who asked is there to see
 * how it ends, by the event failure and status.outcome. A Retry-After of the CA holds it back
 * (ACME_E_HELD) unless flags have ACME_ASK_IGNORE_RETRY_AFTER. With several servers a job is about
 * the first one, but the certificate in force is revoked where it came from. ACME_OK; ACME_E_ARG: a
 * run is under way, or the job makes no sense; ACME_E_CONFIG: jobs are not built in.
 *
 * Revoke: that the CA is asked is durable before it is, and a certificate that is revoked, or may
 * be, is not renewed any more: runs end with ACME_E_REVOKED until one has ACME_ASK_FORCE, or the
 * configuration asks for another certificate. What the application does with the pair is its own
 * matter. An order that is open is given up.
 *
 * The jobs of an account never make one. Deactivate: an order that is open is given up, and when
 * the CA has done it, ACCOUNT is emptied, so that the next run makes another account (if it is
 * allowed to). Recover: ACME_E_CONFIG when another key is there; nothing is stored before the CA
 * has named the account. Rollover: both keys are stored before the CA is asked, and the old one is
 * forgotten when it has answered; when its answer is lost, the next run of whatever kind finds out
 * which key is in force, and goes on. An order that is open is given up. (One poll makes two
 * signatures here.) */
int acme_agent_do(struct acme_agent *a, const struct acme_job *job, unsigned flags);

/* Break off the run under way: challenges are cleaned up, the order stays open in storage. */
void acme_agent_stop(struct acme_agent *a);

void acme_agent_status(const struct acme_agent *a, struct acme_agent_status *out);

/* The certificate in force into buf (a record: the chain and about 300 bytes; wipe it after use).
 * ACME_OK, ACME_E_SLOT_EMPTY, ACME_E_SIZE, ACME_E_SLOT...; while busy the io buffer is in use, so
 * buf must be the caller's own. Not before the first poll. */
int acme_agent_certificate(const struct acme_agent *a, struct acme_span buf,
                           struct acme_certificate *out);

/* The application says whether it could load the certificate in force: as often as it likes, after
 * a start and after each change (the events certificate and rolled_back).
 *
 * A new certificate is in force as soon as it is stored; the pair before it stays in storage. With
 * ok false the agent goes back to it, durably and over reboots: the event rolled_back, a failure
 * with ACME_E_CERT, and as long a wait as if the CA had refused the order (1 h, 6 h, then daily;
 * counted until a new pair is loaded, so that an application that loads none costs the CA little).
 * The next polls do this; if power is cut before, the new pair is in force again, and the
 * application will say so again. Where there is no pair before it, or it is expired, the new one
 * stays in force, and a warning with ACME_E_CERT is told once. An application that never says
 * anything keeps each new pair.
 *
 * ok false means the pair: not a lack of memory that passes. ACME_OK; ACME_AGAIN while a run is
 * under way (say it afterwards); ACME_E_SLOT_EMPTY when there is no certificate. */
int acme_agent_certificate_loaded(struct acme_agent *a, bool ok);

/* Wipe keys and close what is open. Storage stays as it is, and so do challenges that were begun.
 */
void acme_agent_close(struct acme_agent *a);

/* Many certificates take turns in one agent's memory (acme_aside.c): whoever has nothing to do for
 * a while is put aside, and another one is loaded. All 0: never put aside. */
struct acme_aside;

/* Can the agent be put aside now? ACME_OK: it rests, or waits to look at its order again; *out is
 * then what it knows beyond its records, and out->wake_ms (the port's clock) says when it has
 * something to do. Nothing is changed: close it, or poll on. An order stays open, and its
 * challenges begun, so its solvers must go on serving them. ACME_AGAIN: not here; poll on. */
int acme_agent_aside(const struct acme_agent *a, struct acme_aside *out);

/* Goes on where it was put aside: after acme_agent_init and polls until the step is "rest", before
 * the next poll. A run under way then is the same run: it does not look at its order before
 * wake_ms, has the patience that was left, and acme_agent_stop ends it. */
void acme_agent_take_up(struct acme_agent *a, const struct acme_aside *in);

/* ---- private below: complete only so that the caller can place it ---- */

struct acme_order_name {
    uint16_t identifier; /* offsets into order.text; 0: none */
    uint16_t authorization;
    uint16_t challenge;
    uint16_t token;
    uint8_t type;        /* enum acme_challenge_type */
    uint8_t solver;      /* index into solvers */
    uint16_t flags;      /* enum order_flag in acme_steps.h */
    uint8_t declined[5]; /* for each type's bit in acme_challenge_type; bit i: solver i */
};

struct acme_order_state {
    bool open;      /* ORDER holds it */
    bool fresh;     /* made in this run; else it was resumed */
    uint8_t status; /* enum acme_status, as last seen */
    uint8_t rounds; /* how often we went from a look to the authorizations */
    uint16_t names_count;
    uint16_t index; /* the name that the row in force works on */
    uint16_t text_len;
    uint32_t poll_ms;     /* next distance between two polls */
    uint64_t since_ms;    /* start of the present wait: validation, or issuance */
    uint64_t why_ms;      /* when the authorizations were last asked why */
    bool responded;       /* the CA has been told of all */
    bool finalized;       /* a finalize may have left */
    bool key_stored;      /* ORDER holds cert_key */
    bool replaces;        /* newOrder named the predecessor */
    bool stale;           /* ORDER was for something else: only cleaned up */
    bool dead;            /* the CA will not make it valid any more */
    bool respond_refused; /* the CA did not take a challenge response */
    bool relist;          /* the next look reads the list of authorizations anew */
    bool chain_final;     /* no other chain is looked at any more */
    bool taken_up;        /* it was put aside in the middle of this run */
    bool proofs_read;     /* the authorizations, since it is ready: ACME_ASK_PROOFS */
    uint8_t chain_at;     /* the chain that is being fetched: 0 the default, then the alternates */
    uint8_t chain_best, alternates_count;
    uint8_t passed_solver; /* the last one that failed before the CA was told */
    int16_t passed_err;    /* ... how; ACME_OK: none did */
    uint16_t passed_name;  /* ... its identifier */
    uint32_t chain_size;   /* of the best, in bytes */
    uint16_t alternates[ACME_MAX_ALTERNATES];
    char url[ACME_MAX_URL + 1];
    uint16_t finalize, certificate; /* offsets into text; reset at each look */
    uint16_t text_mark;             /* text up to here is the names' */
    struct acme_order_name names[ACME_MAX_NAMES];
    char text[ACME_MAX_ORDER_TEXT];
};

struct acme_directory_urls {
    uint16_t new_nonce, new_account, new_order, renewal_info; /* offsets into text; 0: none */
    uint16_t job, key_change; /* where the job goes, and a roll-over */
    uint16_t text_len;
    char text[ACME_MAX_DIRECTORY_TEXT];
};

/* What the CA ledger holds, shared by all certificates of one CA. */
struct acme_ledger {
    struct acme_sched account; /* newAccount: attempts and the CA's Retry-After for it */
    int64_t order_not_before;  /* Retry-After of a newOrder: for the other certificates */
    int64_t order_set_at;
    int64_t any_not_before; /* Retry-After of a reply that spoke for the whole server */
    int64_t any_set_at;
};

/* What is remembered of the CA's renewal information (RFC 9773). */
struct acme_ari {
    uint32_t sequence;  /* of the certificate that it is about */
    uint8_t tries;      /* questions in a row without an answer */
    int64_t start, end; /* the window, as last seen */
    int64_t renew_at;   /* the moment that was chosen in it; 0: none, the lifetime rule holds */
    int64_t next_at;    /* no question before */
    int64_t set_at;     /* when that was noted */
    int64_t stored_at;  /* set_at of the record */
    int64_t stored_renew_at;
};

/* The last revocation that was asked for. */
struct acme_revoked {
    uint8_t state, reason; /* enum acme_revocation, enum acme_reason */
    int64_t at;
    uint8_t order[ACME_SHA256_SIZE]; /* as of the certificate: it cannot be taken for another */
};

/* Ways of proof that the CA did not see since the last certificate, the last one at the end. */
struct acme_choice {
    uint8_t count;
    uint8_t types[ACME_MAX_FAILED_WAYS];  /* enum acme_challenge_type */
    uint32_t names[ACME_MAX_FAILED_WAYS]; /* identifiers, hashed */
};

struct acme_cert_state {
    bool has;
    bool same_account; /* it was ordered by the account that we have */
    bool replaces;     /* its order named its predecessor */
    bool wanted;       /* it is what the configuration asks for */
    bool moved;        /* it would be, were its server still in the list */
    uint8_t slot;      /* ACME_SLOT_CERT_A or _B */
    uint8_t server;    /* it came from this one of the list; 0: or nobody knows */
    uint32_t sequence;
    int64_t not_before, not_after;
    uint8_t order[ACME_SHA256_SIZE]; /* hash of the URL of the order that it came from */
    char id[ACME_MAX_CERT_ID + 1];   /* its name in ARI; "" for none */
};

struct acme_agent {
    const struct acme_config *config;
    const struct acme_port *port;
    struct acme_solver *const *solvers;
    uint8_t solvers_count;

    /* the driver's */
    uint8_t step, phase; /* enum acme_row_id; only the driver writes them */
    uint8_t next_step;   /* entered when save_mask is written */
    uint8_t after_nonce; /* the row that needed a nonce */
    uint8_t save_mask;   /* records still to be written: bits of enum acme_save */
    bool save_encoded;   /* save_len bytes of the lowest bit's record lie in their buffer */
    size_t save_len;
    uint64_t wake_ms; /* nothing to do before */
    uint64_t look_ms; /* the CA's Retry-After: no look at the order before */
    uint64_t due_ms;  /* what is due begins then: acme_sched_spread */
    uint64_t rest_ms; /* it rests until then, unless somebody asks; 0: not judged yet */
    uint64_t row_since_ms, request_ms;
    uint8_t until;     /* rest before this row; ACME_ROW_NONE */
    uint8_t ask_flags; /* bits of enum acme_ask */
    uint8_t lost_tries, redirects, account_retries;
    uint8_t lost_in_run; /* replies, at all rows together */
    uint8_t agains;      /* the run began once more */
    uint8_t damaged;     /* records to charge with the worst, and to write: enum acme_save */
    uint16_t nonce_tries;
    bool due, idle; /* it was found due, and due_ms drawn; it was found not due before */
    bool asked, busy, again, stopping, nonce_by_get, held_told, not_due_told, clock_told;
    bool revoked_told;
    bool in_turns;      /* with others: it was taken up */
    bool revoke_first;  /* this certificate's revocation was not asked for before this run */
    bool ari_started;   /* since the records were loaded */
    bool ari_run;       /* this run only asks for the CA's window */
    bool use_profile;   /* newOrder asks for the configured one: the CA offers it */
    bool no_replaces;   /* the CA did not take the predecessor's name */
    bool find_account;  /* newAccount only asks for the account that our key has (RFC 8555 7.3.1) */
    uint8_t after_roll; /* the row that goes on when a roll-over is finished */
    bool roll_refused;  /* the CA refused it: a->problem has its words */
    bool old_unknown;   /* the CA does not know the old key */
    bool roll_doubt;    /* a keyChange without a reply, perhaps of an earlier start, may be on its
                           way to the CA still */
    bool roll_noted;    /* roll_refused_at is not in the record yet */
    int64_t roll_refused_at;    /* the CA refused the new key then, in doubt; 0: not */
    const struct acme_job *job; /* what this run does instead; NULL: nothing else */
    uint8_t verdict;            /* the application's: enum acme_verdict */
    int outcome;

    /* facts */
    bool loaded;                    /* all records were read: only then may they be replaced */
    bool reload_account;            /* only that record has to be read again */
    bool account_unsaved;           /* a write of it failed: the next run begins with it */
    bool renewed;                   /* by the last run */
    bool order_stored;              /* the ORDER slot is not empty */
    bool ledger_changed;            /* since it was written */
    uint8_t want[ACME_SHA256_SIZE]; /* hash of what the configuration asks for */
    char ca_key[2 * ACME_SHA256_SIZE + 1]; /* slot key of the CA */
    const char *cert_key_name;             /* slot key of the certificate */
    struct acme_url directory_url;         /* slices into config */
    struct acme_exchange exchange;
    struct acme_key account_key, cert_key;
    struct acme_key new_key; /* of the account, while a roll-over is under way: either may be in
                                force at the CA */
    struct acme_slice eab;   /* the configured binding, or what was kept of it; empty: none */
    uint8_t eab_room[ACME_MAX_EAB];
    char kid[ACME_MAX_URL + 1];
    char nonce[ACME_MAX_NONCE + 1];
    char redirect[ACME_MAX_URL + 1]; /* where the directory moved to, during a run */
    char thumbprint[44];
    char host[64];               /* of the request, for a failure's words */
    char note[ACME_NOTE_ROOM];   /* words for the failure that is about to be answered */
    struct acme_problem problem; /* of the reply that is about to fail the run */
    struct acme_directory_urls directory;
    struct acme_order_state order;
    struct acme_cert_state cert;
    struct acme_cert_state fresh; /* checked, and about to become cert */
    struct acme_slice new_chain;  /* of fresh; in io until it is written */
    struct acme_sched sched;
    struct acme_ari ari;
    struct acme_revoked revoked;
    struct acme_recent recent;
    struct acme_choice choice;
    uint16_t
        pace_ms[2]; /* what the CA took the last time: for the proofs, to issue; 0: not known */
    struct acme_ledger ledger;
    struct acme_failure failure;
#if ACME_MAX_SERVERS > 1
    struct acme_servers servers;
    struct acme_servers_hold server_hold; /* while SCHED is read */
    struct acme_servers_kept server_kept;
    uint8_t server; /* in use: ACCOUNT and CA_LEDGER are its. In the list; ACME_MAX_SERVERS: staging
                     */
    uint8_t server_hops; /* servers in a row that hold us back */
    bool server_held;    /* why the turn has changed */
    bool server_changed; /* the records in memory are still another one's */
#endif
};

struct acme_aside {
    uint64_t wake_ms;
    bool known; /* the rest is set */
    bool order; /* in the middle of a run, with an order open */
    bool responded, finalized;
    bool due, idle, ari_started, held_told, not_due_told, clock_told, revoked_told;
    uint8_t rounds, agains, account_retries, lost_in_run;
    uint32_t poll_ms;
    uint64_t look_ms, due_ms, since_ms, why_ms;
    struct acme_sched sched;
    struct acme_ari ari;
};

#ifdef __cplusplus
}
#endif

#endif
