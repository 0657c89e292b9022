/* run.h - one seed: a device with the real agent, the lying CA, time that jumps, and the checks */
#ifndef RUN_H
#define RUN_H

#include <setjmp.h>

#include "acme_agent.h"
#include "acme_store.h"
#include "ca.h"
#include "choice.h"
#include "http01.h"
#include "jobs.h"
#include "servers.h"
#include "sim_slots.h"
#include "storage.h"
#include "txt_solver.h"

/* What must never happen. X(number, "words"): the numbers are those of the failing line. */
#define INVARIANT_TABLE(X)                                                                         \
    X(1, "a usable certificate is no longer readable")                                             \
    X(2, "a stored key and chain do not match, or the chain is not the CA's")                      \
    X(3, "a begun challenge was not ended")                                                        \
    X(4, "too many orders, newAccounts or failed validations")                                     \
    X(5, "a poll made too many port calls, moved the clock, or stood still")                       \
    X(6, "certificates issued twice for one renewal")                                              \
    X(7, "no certificate though all faults are over")                                              \
    X(8, "the account key or its URL was not durable before it was used")                          \
    X(9, "the certificate's key was not durable before finalize")                                  \
    X(10, "the order or a challenge was not durable before the CA was told")                       \
    X(11, "a request before the moment that Retry-After named")                                    \
    X(12, "too many writes")                                                                       \
    X(13, "the agent broke the protocol")                                                          \
    X(14, "the agent turned to a host that it must not")                                           \
    X(15, "the same seed went another way")                                                        \
    X(16, "too many requests, or runs, in an hour")                                                \
    X(17, "storage broke its contract")                                                            \
    X(18, "a replaced key can still be found")                                                     \
    X(19, "a record of a newer firmware was not left alone")                                       \
    X(20, "a certificate ran out, or was renewed too often, by the CA's renewal information")      \
    X(21, "an event with control characters")                                                      \
    X(22, "keys of the account, its end, or a revocation")                                         \
    X(23, "several CAs: the wrong one was asked, or the staging CA issues")                        \
    X(24, "a way of proof that failed was the next one tried, though there was another")

/* Who wrote the records that a renewal finds. */
enum records_of { RECORDS_SAME, RECORDS_OLDER, RECORDS_EXTRA, RECORDS_NEWER };

/* Which chain the configuration asks for. */
enum chain_of { CHAIN_DEFAULT, CHAIN_NAMED, CHAIN_NOT_THERE, CHAIN_SHORTEST };

/* What this seed's world is like: swarm testing, each seed another mix. */
struct scenario {
    unsigned names;
    bool txt, wildcard, renew, limits;
    bool storage_lies; /* bits flip, or writes fail */
    int64_t lifetime_s;
    uint8_t account_key, cert_key;
    bool reuse_key;
    uint32_t fault_s;      /* length of a period of faults */
    uint32_t cut_permille; /* a boot ends in a power cut, at a moment within: */
    uint32_t cut_within;
    uint32_t boot_loop_s;   /* power is cut so long after each boot; 0: not */
    uint32_t flip_permille; /* at a boot, for each slot */
    uint32_t slots_busy_ms, slots_fail;
    uint32_t txt_slow_ms, txt_again, txt_fail;
    uint64_t outage_at; /* storage fails from this write on, for an hour; 0: not */
    uint8_t storage;    /* enum storage_kind */
    uint8_t records;    /* enum records_of */
    uint32_t age;       /* bytes that the flash has seen before */
    uint8_t tear;       /* as in struct storage */
    bool killed_first;  /* the first cut only ends the process; then power goes, all is lost */
    bool idle;          /* the main loop gives time to the storage between polls */
    struct storage_faults medium;
    uint8_t job;              /* one that is asked for while it rests; 0: by the seed */
    uint32_t refuse_permille; /* the application says that it cannot load the certificate */
    bool choice;              /* http-01 and dns-01; else by the seed */
    bool born_ready;          /* all authorizations are reused */
    bool ari; /* the CA has renewal information; ari_only: nothing but that goes wrong */
    bool ari_only;
    uint8_t eab;          /* size of the binding's digest; 0: none */
    bool profile;         /* one is configured, and offered */
    uint8_t alternates;   /* chains beside the default */
    bool second, staging; /* there is a second CA in the list; a staging CA */
    uint8_t first_bad;    /* enum evil_id of SERVERS: all of the first one's; 0: by the seed */
    uint8_t chain;        /* enum chain_of */
    struct sim_net_faults net;
};

enum phase { PHASE_FAULTS, PHASE_CALM, PHASE_REST, PHASE_DONE };

struct hold {
    int64_t until;  /* true time */
    bool durable;   /* the agent has rested since, so it is stored */
    char order[20]; /* HOLD_LOOK: whose */
};

/* What uses the certificates. */
struct app {
    struct sim_world dice; /* of its own: a seed in which it never refuses goes as if it were not */
    uint64_t say_at;       /* when it says again whether it could load the pair; UINT64_MAX: not */
    bool refused;          /* it has refused the pair of r->sequence, and the agent took the word */
    bool back;             /* the one gone back to is in force */
    unsigned issued;       /* then: certificates that the CA had issued */
    int64_t times[16];     /* goings back, since a new pair was loaded */
    unsigned count;
};

enum { HOLD_ACCOUNT, HOLD_ORDER, HOLD_ANY, HOLD_LOOK, HOLD_WINDOW, HOLDS };

struct run {
    struct sim_world world;
    struct sim_net net;
    struct sim_slots slots;
    struct storage storage;
    struct sim_port device;
    struct ca ca;      /* the first */
    struct ca more[2]; /* the second, and the staging CA; only if the scenario has them */
    struct ca *at;     /* that was asked last */
    struct servers servers;
    struct txt_solver txt;
    struct http01 http01;
    struct acme_agent agent;
    struct acme_config config;
    struct acme_solver *solvers[2];
    struct choice choice;
    struct scenario s;
    struct app app;
    struct jobs jobs;
    jmp_buf power;

    enum phase phase;
    bool on, renewing, fixed_cuts;
    uint64_t phase_end; /* of faults; of calm: the liveness bound */
    uint64_t boot_at, cut_time, clock_at, sleep_until;
    uint64_t steps, still, cuts;
    uint64_t cut_list[2]; /* in the mode of fixed cuts: the nth moment, then the nth after boot */
    unsigned cut_next;

    /* what the checks know */
    unsigned broken; /* number of the invariant; 0: none */
    const char *broken_what;
    uint64_t seen_version;
    struct checked { /* of each record: what was found when it had this version */
        uint64_t version;
        bool whole;
        struct acme_record record;
    } opened[SIM_SLOTS_MAX];
    struct {
        uint64_t version;
        uint32_t sequence;
    } certs[2];
    bool has_cert;
    bool firm;         /* asked now: what may be there instead after a power cut */
    uint32_t sequence; /* the highest that was readable */
    uint32_t previous; /* the other one then; 0: none */
    int64_t previous_not_after;
    int64_t not_after, due_at;
    int64_t renewed_from;
    unsigned issued_before;
    int64_t order_times[16], failure_times[CA_NAMES][16];
    int64_t account_times[CA_PLACES][16];
    unsigned account_count[CA_PLACES]; /* newAccounts */
    unsigned orders, failures[CA_NAMES];
    unsigned again_seen; /* of ca.asked_again */
    uint64_t writes_before;
    unsigned orders_before;
    int64_t hour;
    unsigned hour_requests, hour_cuts;
    uint64_t runs_hour, runs_cuts; /* runs of the agent in this hour, since this cut */
    unsigned runs;
    unsigned max_calls, max_writes, max_orders, max_requests;
    /* Over all seeds: how long after the faults a device that had no valid certificate then, and
     * was not told to wait by the CA (Retry-After), was at rest with one. */
    uint64_t calm_from;
    bool calm_free;
    struct {
        unsigned seeds, minutes, day; /* of them within 10 minutes, within 27 hours */
        uint64_t longest_ms;
    } recovered;
    struct hold holds[CA_PLACES][HOLDS]; /* each CA has its own */
    uint64_t window_of; /* number of the order whose certificate's window was asked for last */
    uint64_t rest_from, faults_from;
    unsigned faults_issued;
    uint64_t faults_writes;
    uint8_t eab[64];
    uint32_t sealed; /* records of a newer firmware: a bit for each */
    uint32_t sealed_writes[SIM_SLOTS_MAX];
    unsigned sealed_orders;
    bool verbose;
};

/* 0, or the number of the broken invariant. scenario NULL: by the seed. */
unsigned run_seed(struct run *r, uint64_t seed, const struct scenario *fixed);
void scenario_of(struct run *r);
extern const char *scenario_on; /* all seeds on this storage (its word); NULL: by the seed */
/* What is to go wrong (r->ca.evil) has to be there. */
void scenario_fit(struct run *r);
void run_power_off(struct run *r, uint64_t for_ms);

/* config.c: what the device is told to do; its names and buffers */
void run_config(struct run *r);
extern const char *const run_names[3];

/* app.c */
extern bool app_refuses;          /* also in seeds; else only where a scenario says so */
uint32_t app_mood(struct run *r); /* refuse_permille, by the seed */
void app_init(struct run *r, uint64_t seed);
void app_boot(struct run *r);
void app_event(struct run *r, enum acme_event_type type);
void app_say(struct run *r);
void app_went_back(struct run *r); /* the pair before the refused one is in force */
void app_new_pair(struct run *r);

/* upgrade.c */
void upgrade_begin(struct run *r);
void upgrade_check(struct run *r);
void upgrade_end(struct run *r);

/* check.c */
bool clock_lies(const struct run *r);
void check_begin(struct run *r);
void check_poll(struct run *r, uint64_t calls, bool resting);
void check_storage(struct run *r);
void check_flipped(struct run *r); /* storage has lied: what is there now is what counts */
void check_power_off(struct run *r);
void check_reply(struct run *r, int status);
void check_end(struct run *r);
void check_ari(struct run *r); /* where nothing but that goes wrong */
bool check_window_moved(const struct run *r, int64_t due_at);
void check_event(struct run *r, const struct acme_event *e);
void check_before(void *ctx, struct ca *ca, const char *what, const struct ca_request *q,
                  const struct ca_order *o);
bool sign_is_fake(void); /* sign_fake.c or sign_real.c, by the link */
void run_break(struct run *r, unsigned invariant, const char *what);
const char *invariant_words(unsigned invariant);

#endif
