/* acme_steps.h - the table: one row for each exchange with the CA or local act
 *
 * Private to the agent and its tests. A row does no I/O and never calls another row: build writes
 * a request's payload, accept reads the reply and names the next row and the records that must be
 * durable before it. All else (clock, sending, nonces, repeats, storage, events) is the driver's,
 * in acme_agent.c and acme_reply.c.
 */
#ifndef ACME_STEPS_H
#define ACME_STEPS_H

#include "acme_agent.h"
#include "acme_store.h"

/* X(id, name): in the order of a run. The names are shown, logged and stored: never rename. */
#define ACME_ROW_TABLE(X)                                                                          \
    X(LOAD, "load")                                                                                \
    X(REST, "rest")                                                                                \
    X(DIRECTORY, "directory")                                                                      \
    X(WINDOW, "window")                                                                            \
    X(NONCE, "nonce")                                                                              \
    X(REGISTER, "register")                                                                        \
    X(ACCOUNT, "account")                                                                          \
    X(CHARGE, "charge")                                                                            \
    X(ORDER, "order")                                                                              \
    X(LOOK, "look")                                                                                \
    X(AUTHZ, "authz")                                                                              \
    X(NOTE, "note")                                                                                \
    X(BEGIN, "begin")                                                                              \
    X(READY, "ready")                                                                              \
    X(RESPOND, "respond")                                                                          \
    X(WATCH, "watch")                                                                              \
    X(WHY, "why")                                                                                  \
    X(KEY, "key")                                                                                  \
    X(FINALIZE, "finalize")                                                                        \
    X(CERT, "cert")                                                                                \
    X(END, "end")                                                                                  \
    X(CLEAR, "clear")                                                                              \
    X(BACK, "back")                                                                                \
    X(REVOKING, "revoking")                                                                        \
    X(REVOKE, "revoke")                                                                            \
    X(REVOKE_KEY, "revoke_key")                                                                    \
    X(SHOW, "show")                                                                                \
    X(UPDATE, "update")                                                                            \
    X(DEACTIVATE, "deactivate")                                                                    \
    X(DEACTIVATED, "deactivated")                                                                  \
    X(NEW_KEY, "new_key")                                                                          \
    X(ROLLOVER, "rollover")                                                                        \
    X(WHICH_NEW, "which_new")                                                                      \
    X(WHICH_OLD, "which_old")

enum acme_row_id {
#define ACME_ROW_ENUM(id, name) ACME_ROW_##id,
    ACME_ROW_TABLE(ACME_ROW_ENUM)
#undef ACME_ROW_ENUM
        ACME_ROW_COUNT,
    ACME_ROW_NONE = 0xff
};

enum acme_how {
    ACME_LOCAL, /* no exchange: accept is called with reply NULL, again while it answers AGAIN */
    ACME_GET,   /* unsigned (RFC 8555 6.3) */
    ACME_HEAD,
    ACME_POST_JWK, /* signed by the account key, which goes along */
    ACME_POST_KID, /* signed by the account key, named by its URL */
    ACME_POST_JOB, /* signed by the job's key, which goes along */
    ACME_POST_NEW  /* signed by the account's new key, which goes along */
};

/* Records to make durable before the next row (bits). */
enum acme_save {
    ACME_SAVE_ACCOUNT = 1,
    ACME_SAVE_LEDGER = 2,
    ACME_SAVE_ORDER = 4,
    ACME_SAVE_CERT = 8,
    ACME_SAVE_SCHED = 16,
    ACME_SAVE_BACK = 32 /* empties the slot of the certificate that was refused */
};

/* What accept decides. The driver presets: row itself, nothing to save, no wait. */
struct acme_next {
    uint8_t row;      /* enum acme_row_id */
    uint8_t save;     /* bits of enum acme_save, written in the order of the bits */
    uint32_t wait_ms; /* before the next row; LOOK waits longer where a Retry-After wants it */
};

struct acme_row {
    const char *name;
    uint8_t how;    /* enum acme_how */
    uint8_t lost;   /* where to go when no reply came, because the CA may have acted: the row itself
                       when a repeat is harmless, LOOK to ask, NONE to fail */
    uint8_t failed; /* where a failure goes: END cleans up */

    /* The URL (owned by the agent) and the payload (in scratch; empty for POST-as-GET). A pure
     * function of the agent: it is called again for a repeat. NULL for local rows. */
    int (*build)(struct acme_agent *a, const char **url, struct acme_slice *payload);

    /* The reply, 2xx (or NULL for a local row). Copies what it keeps. ACME_OK, ACME_AGAIN (local
     * rows, and REST for good), or an error, which fails the run. */
    int (*accept)(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);

    /* A problem that this row can live with: ACME_OK and *next, or the error to fail with. NULL:
     * every problem fails the run. */
    int (*refused)(struct acme_agent *a, const struct acme_problem *problem,
                   struct acme_next *next);
};

extern const struct acme_row acme_rows[ACME_ROW_COUNT];

/* What the application said about the certificate in force, and what came of it. */
enum acme_verdict {
    VERDICT_NONE = 0,
    VERDICT_TAKEN,   /* after certificates that were refused */
    VERDICT_REFUSED, /* rest is going to look for the one before */
    VERDICT_BACK,    /* there is one */
    VERDICT_KEPT     /* there is none: told once */
};

enum order_flag {
    ORDER_VALID = 1,      /* the CA says that this name is proved */
    ORDER_CHOSEN = 2,     /* challenge, token, type and solver are set */
    ORDER_BEGUN = 4,      /* begin was (or may have been) called: end is owed */
    ORDER_READY = 8,      /* the solver says that the CA would see it */
    ORDER_RESPONDED = 16, /* the CA was told */
    ORDER_SEEN = 32,      /* the CA's query was seen, or cannot be */
    ORDER_ANSWERED = 128, /* ... by this run: its responder was there when the CA came */
    ORDER_STORED = 64,    /* came from the ORDER record and was not met again at the CA yet */
    ORDER_REFUSED = 256,  /* the CA refused our response */
    ORDER_UNDO = 512      /* its solver failed: end, then another one */
};

/* -- shared by the rows (acme_steps.c) -- */

/* Remember what exactly went wrong, for the failure that accept is about to answer. */
int acme_fail_note(struct acme_agent *a, int err, const char *note, const char *detail);
/* After END the run begins once more: ACME_OK, or ACME_E_REPLY when it did so too often. */
int acme_run_again(struct acme_agent *a);
void acme_emit(struct acme_agent *a, struct acme_event *event); /* fills step and NULL texts */
/* The event and the note for terms that a person has to agree to. */
void acme_tell_terms(struct acme_agent *a, struct acme_slice where);
/* A warning: what was wanted cannot be had. */
void acme_tell_default(struct acme_agent *a, const char *text, const char *wanted);
int acme_wall_clock(struct acme_agent *a, int64_t *now);
/* May a wrong clock be why a run failed with err? */
bool acme_clock_doubt(int err);
/* Text of the CA that is only shown: made safe for a terminal, and cut. */
void acme_printable(char *out, size_t room, struct acme_slice text);
/* Retry-After of a reply in seconds, 0: none (acme_reply.c). */
uint32_t acme_reply_retry_after(struct acme_agent *a, const struct acme_reply *reply);
uint16_t acme_jitter16(void); /* for acme_sched */
/* The reply's JSON, in scratch; an object. */
int acme_reply_json(struct acme_agent *a, const struct acme_reply *reply,
                    const struct acme_json **root);
/* A copy of an allowed URL at the end of text: its offset, or an error (ACME_E_URL, ACME_E_SIZE).
 */
int acme_keep_url(struct acme_agent *a, char *text, uint16_t *text_len, size_t room,
                  const char *url, const char *what);
int acme_directory_keep(struct acme_agent *a, const char *url, const char *what, uint16_t *at);
int acme_keep_text(struct acme_agent *a, char *text, uint16_t *text_len, size_t room,
                   const char *value, const char *bound);
/* The row that the order's status calls for (RFC 8555 7.1.6), after a fresh look at it. */
int acme_order_next(struct acme_agent *a, struct acme_next *next);
void acme_order_reset(struct acme_order_state *order);
/* Forget what belongs to one run: the next one asks the CA anew. */
void acme_order_rest(struct acme_order_state *order);
/* Forget what an earlier run knew of the names, but for those that are still begun. */
void acme_order_forget(struct acme_order_state *order);
/* After the account is known: the open order, or a new one. */
uint8_t acme_after_account(const struct acme_agent *a);
/* Seconds for which the CA does not want to be asked newAccount, by whatever row. */
uint32_t acme_account_hold(const struct acme_agent *a, int64_t now);

#define ROUNDS_MAX    12  /* so often an order may come back to where it was */
#define POLL_FIRST_MS 10  /* our responder has seen the CA: it decides at once */
#define POLL_BLIND_MS 250 /* nobody can see whether the CA has come */

/* An order object: its status and URLs to facts. */
int acme_order_take(struct acme_agent *a, const struct acme_json *root);
int acme_order_keep_text(struct acme_agent *a, const char *value);
int acme_order_keep_url(struct acme_agent *a, const char *url, const char *what);
const char *acme_order_text(const struct acme_agent *a, uint16_t offset); /* "" for 0 */
/* The CA said why: its words become the failure's, and the order is given up. */
int acme_order_refuse(struct acme_agent *a, int err, const struct acme_json *problem,
                      const char *identifier);
/* The solvers that declined a challenge of this type (a bit each), for this name. */
uint8_t *acme_order_declined(struct acme_order_name *name, unsigned type);
/* The event: what happened to the challenge that was taken for a name. */
void acme_tell_challenge(struct acme_agent *a, const struct acme_order_name *name,
                         const char *word);
/* The next name, from order.index on, that still awaits flag; false: there is none. */
bool acme_order_awaiting(struct acme_agent *a, unsigned flag);
/* May a solver make requests of its own now, over the agent's exchange? */
bool acme_order_lends_exchange(const struct acme_agent *a);
/* Look at the order once more in a while, slower each time; ACME_E_TIMEOUT at the end. */
int acme_order_poll(struct acme_agent *a, struct acme_next *next, const char *what);

/* The rows of acme_steps_*.c, for the table. */
int acme_use_directory(struct acme_agent *a, const char *url, struct acme_slice eab); /* of init */
int step_load(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_rest(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);

int build_order(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_order(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_order(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int build_look(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_look(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_look(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int build_authz(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_authz(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int accept_why(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_note(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_begin(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_ready(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int build_respond(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_respond(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_respond(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int step_watch(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_key(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int build_finalize(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_finalize(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_finalize(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int build_cert(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_cert(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_end(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_clear(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int step_back(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);

/* -- renewal information (RFC 9773): acme_steps_ari.c, or acme_steps_noari.c -- */

void acme_ari_name(struct acme_cert_state *cert, const struct acme_cert_facts *facts);
int64_t acme_ari_due_at(const struct acme_agent *a); /* of the certificate in force */
bool acme_ari_followed(const struct acme_agent *a);  /* ... in the CA's window */
/* Seconds until the CA has to be asked, 0: now; UINT32_MAX: there is nothing to ask. */
uint32_t acme_ari_wait(const struct acme_agent *a, int64_t now);
void acme_ari_booted(struct acme_agent *a, int64_t now);
void acme_ari_rebase(struct acme_agent *a, int64_t now);
void acme_ari_put(const struct acme_agent *a, struct acme_record_writer *w); /* into SCHED */
void acme_ari_get(struct acme_agent *a, const struct acme_field *field);
void acme_ari_put_cert(const struct acme_agent *a, struct acme_record_writer *w);
void acme_ari_get_cert(const struct acme_agent *a, const struct acme_field *field,
                       struct acme_cert_state *out);
void acme_ari_status(const struct acme_agent *a, struct acme_agent_status *out);
void acme_ari_after_directory(struct acme_agent *a, struct acme_next *next);
uint8_t acme_ari_after_end(struct acme_agent *a);
int build_window(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_window(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
/* True: what failed was only the question, and *row goes on. */
bool acme_ari_failed(struct acme_agent *a, int err, uint8_t *row);
/* Does newOrder name the certificate in force as its predecessor? */
bool acme_ari_replaces(const struct acme_agent *a);
/* True: newOrder was refused for that name, and goes out once more without. */
bool acme_ari_refused(struct acme_agent *a, const struct acme_problem *problem);

/* -- jobs: acme_steps_job.c and others, or acme_steps_nojob.c -- */

/* This run's job is to revoke the certificate in force. */
bool acme_job_of_ours(const struct acme_agent *a);
/* The certificate in force is revoked, or may be. */
bool acme_job_revoked(const struct acme_agent *a);
void acme_job_status(const struct acme_agent *a, struct acme_agent_status *out);
void acme_job_put(const struct acme_agent *a, struct acme_record_writer *w); /* into SCHED */
void acme_job_get(struct acme_agent *a, const struct acme_field *field);
/* An order that is open is given up before this job begins. */
bool acme_job_ends_order(const struct acme_agent *a);
/* What was begun for it ends before this job begins; the order stays, as the CA may have issued. */
bool acme_job_ends_proofs(const struct acme_agent *a);
/* The directory is read. */
int acme_job_directory(struct acme_agent *a, const struct acme_directory *directory,
                       struct acme_next *next);
uint8_t acme_job_row(const struct acme_agent *a); /* after the account is known */
/* The job has failed: records to write, bits of enum acme_save. */
uint8_t acme_job_failed(struct acme_agent *a);
int step_revoking(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
/* Of an account (acme_steps_account.c): */
int acme_recover_begin(struct acme_agent *a);
int build_show(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_show(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int build_update(struct acme_agent *a, const char **url, struct acme_slice *payload);
int build_deactivate(struct acme_agent *a, const char **url, struct acme_slice *payload);
/* The account is deactivated: what to forget and to store. */
int acme_account_ended(struct acme_agent *a, struct acme_next *next);
/* Does a reply with an account say that it is deactivated or revoked? Uses the scratch memory. */
bool acme_account_told_over(struct acme_agent *a, const struct acme_reply *reply);
int accept_deactivate(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_deactivate(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int accept_deactivated(struct acme_agent *a, const struct acme_reply *reply,
                       struct acme_next *next);
int refused_deactivated(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
/* Of a roll-over (acme_steps_roll.c): */
bool acme_roll_knows(uint16_t tag); /* a critical field of ACCOUNT */
int acme_roll_directory(struct acme_agent *a, const struct acme_directory *directory,
                        struct acme_next *next);
int step_new_key(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int build_rollover(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_rollover(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_rollover(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int accept_which_new(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_which_new(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
int accept_which_old(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_which_old(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);
void acme_account_tell(struct acme_agent *a, const char *status); /* the event */
/* newAccount that only asks for the account of a key (RFC 8555 7.3.1). */
int build_find(struct acme_agent *a, const char **url, struct acme_slice *payload);
int build_revoke(struct acme_agent *a, const char **url, struct acme_slice *payload);
int accept_revoke(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next);
int refused_revoke(struct acme_agent *a, const struct acme_problem *p, struct acme_next *next);

/* -- which CA: acme_steps_servers.c, or acme_steps_noservers.c -- */

int acme_server_check(const struct acme_config *config, const char **why, const char **which);
/* Of the CA in use: */
const char *acme_server_url(const struct acme_agent *a);
struct acme_slice acme_server_eab(const struct acme_agent *a);
/* Is a certificate (or order) that was for this what the configuration asks for, from one of its
 * servers? Which one it was. */
bool acme_server_wanted(const struct acme_agent *a, struct acme_slice want, uint8_t *server);
/* There is a certificate that serves until the next one is there: what is wanted, or was, before
 * its server was taken out of the list. */
static inline bool acme_cert_serves(const struct acme_agent *a)
{
    return a->cert.has && (a->cert.wanted || a->cert.moved);
}
void acme_server_issued(struct acme_agent *a); /* a->fresh comes from the CA in use */
/* Its name in CERT: who issued it revokes it, also when something else is wanted by now. */
void acme_server_put_cert(const struct acme_agent *a, struct acme_record_writer *w);
void acme_server_get_cert(const struct acme_agent *a, const struct acme_field *field,
                          struct acme_slice want, struct acme_cert_state *out);
void acme_server_put(const struct acme_agent *a, struct acme_record_writer *w); /* into SCHED */
void acme_server_get(struct acme_agent *a, const struct acme_field *field);
/* Whatever the record said, a->servers fits the configuration. */
void acme_server_get_end(struct acme_agent *a);
void acme_server_forget(struct acme_agent *a);
/* SCHED is read: the CA whose records come next is in use. */
int acme_server_loaded(struct acme_agent *a);
/* At rest. True: another CA is in use for what is to be done next, and its records have to be read.
 */
bool acme_server_change(struct acme_agent *a, bool due);
/* The next order is for another CA than the one in use, which only tells when it is due. */
bool acme_server_elsewhere(const struct acme_agent *a);
/* Are they? SCHED is then not read: what is known of our own attempts is as new as can be. */
bool acme_server_changed(const struct acme_agent *a);
/* The CA in use wants us to wait. True: another one is to be looked at. */
bool acme_server_held(struct acme_agent *a, int64_t now, uint32_t wait);
void acme_server_goes(struct acme_agent *a);                            /* a run begins */
uint32_t acme_server_own_wait(const struct acme_agent *a, int64_t now); /* acme_sched_wait */
uint32_t acme_server_hold(const struct acme_agent *a, int64_t now);     /* the CA's, in seconds */
void acme_server_rebase(struct acme_agent *a, int64_t now);
void acme_server_charged(struct acme_agent *a); /* newOrder is going to be sent */
/* The order can be finalized. True: it is the staging CA's, and *next ends it. */
bool acme_server_rehearsed(struct acme_agent *a, struct acme_next *next);
void acme_server_succeeded(struct acme_agent *a);
void acme_server_failed(struct acme_agent *a, int err, int64_t now);
/* Is the last failure the CA's in use? */
bool acme_server_failed_last(const struct acme_agent *a);
void acme_server_status(const struct acme_agent *a, struct acme_agent_status *out);
/* -- how long the CA takes: acme_steps_pace.c -- */

/* The distance of the first look after the CA was told; a->order.poll_ms is the next one's. */
uint32_t acme_pace_first(struct acme_agent *a, uint32_t usual_ms);
void acme_pace_seen(struct acme_agent *a); /* a look has shown the order */
void acme_pace_put(const struct acme_agent *a, struct acme_record_writer *w); /* into SCHED */
void acme_pace_get(struct acme_agent *a, const struct acme_field *field);

/* -- certificates though none is due: acme_steps_recent.c, or acme_steps_norecent.c -- */

void acme_recent_put(const struct acme_agent *a, struct acme_record_writer *w); /* into SCHED */
void acme_recent_get(struct acme_agent *a, const struct acme_field *field);
void acme_recent_stored(struct acme_agent *a); /* `fresh` is going to be the one in force */
void acme_recent_status(const struct acme_agent *a, struct acme_agent_status *out);
/* Seconds that one has to wait which is not due by its life or by the CA's word. */
uint32_t acme_recent_early(const struct acme_agent *a, int64_t now);

/* -- which way of proof: acme_steps_choice.c, or acme_steps_nochoice.c -- */

/* The CA did not see the proof of a name: its authorization says by which type. */
void acme_choice_failed(struct acme_agent *a, const struct acme_authorization *authz);
/* The lowest is taken; among equals, the first in the configuration. 0: it never failed. */
unsigned acme_choice_rank(const struct acme_agent *a, const char *identifier, unsigned type);
void acme_choice_put(const struct acme_agent *a, struct acme_record_writer *w); /* into SCHED */
void acme_choice_get(struct acme_agent *a, const struct acme_field *field);
void acme_choice_forget(struct acme_agent *a); /* also when a certificate is there */
void acme_choice_status(const struct acme_agent *a, struct acme_agent_status *out);
/* A solver failed with err before the CA was told. True: something else could prove this name; it
 * has ORDER_UNDO now. */
bool acme_choice_passes(struct acme_agent *a, struct acme_order_name *name, int err);
/* ... is undone: ACME_AGAIN, or ACME_E_DECLINED. */
int acme_choice_undo(struct acme_agent *a, const struct acme_order_name *name,
                     const struct acme_challenge *c);
/* The CA offers nothing else for this name: the error with which its solver failed, noted; or
 * ACME_OK: none did. */
int acme_choice_none(struct acme_agent *a, const struct acme_order_name *name);

/* -- which chain: acme_steps_chain.c, or acme_steps_nochain.c -- */

bool acme_pick_built_in(void);
/* A chain has passed all checks. True: it is taken; false: *next is another one. */
bool acme_pick_chain(struct acme_agent *a, const struct acme_reply *reply,
                     const struct acme_chain *chain, struct acme_next *next);
/* One cannot be used. True: it was an alternate, and *next is another one. */
bool acme_pick_skip(struct acme_agent *a, struct acme_next *next);
int refused_cert(struct acme_agent *a, const struct acme_problem *problem, struct acme_next *next);

/* -- external account binding: acme_steps_eab.c, or acme_steps_noeab.c -- */

int acme_bind_check(struct acme_slice eab); /* ACME_OK: none, or one that can be used */
/* Its member of newAccount's payload, if there is a binding. */
int acme_bind_offer(struct acme_agent *a, struct acme_buf *b);
void acme_bind_load(struct acme_agent *a, struct acme_slice stored);
void acme_bind_forget(struct acme_agent *a); /* the account is durable */
int refused_account(struct acme_agent *a, const struct acme_problem *problem,
                    struct acme_next *next);

/* -- records (acme_records.c, acme_records_load.c): the agent's facts to bytes and back -- */

/* Encode the record for slot into room (CERT: io; others: scratch): its length or an error. 0:
 * the slot is to be emptied (ORDER without an open order, ACCOUNT without a key). */
int acme_encode(struct acme_agent *a, enum acme_slot slot, struct acme_span room);
/* Read one record of this agent into its facts. ACME_OK, ACME_E_SLOT_EMPTY (facts are cleared), or
 * an error of the slot. */
int acme_load_account(struct acme_agent *a);
int acme_load_ledger(struct acme_agent *a);
int acme_load_order(struct acme_agent *a);
int acme_load_cert(struct acme_agent *a);
/* The certificate before the one in force. */
int acme_load_previous(struct acme_agent *a, struct acme_cert_state *out);
int acme_load_sched(struct acme_agent *a);
/* The SHA-256 over directory, key type, sorted names, profile, request: a change makes a
 * certificate due. */
int acme_want_hash(const struct acme_config *config, const char *directory_url,
                   uint8_t out[ACME_SHA256_SIZE]);
const char *acme_slot_key(const struct acme_agent *a, enum acme_slot slot);

#endif
