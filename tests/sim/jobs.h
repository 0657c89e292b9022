/* jobs.h - what a tool asks of the agent besides its certificate, at moments of a seed's life
 *
 * The tool is as simple as a person: it asks through the public interface, looks how it ends, asks
 * again after a while, and now and then gives up. What must not stay half done (a deactivation, a
 * revocation) is asked for until it is done.
 */
#ifndef JOBS_H
#define JOBS_H

#include "acme_agent.h"
#include "ca.h"

#define JOBS_MAX 3

/* When in a seed's life it is asked for first. */
enum job_stage { STAGE_FIRST, STAGE_REST, STAGE_RENEWAL };

struct job_plan {
    uint8_t type;  /* enum acme_job_type */
    uint8_t stage; /* enum job_stage */
    uint8_t reason, key_type;
    bool by_key;  /* revoke: the certificate's key signs */
    bool old_one; /* revoke: the one before the certificate in force */
    bool bereft;  /* recover: the ACCOUNT record is empty, the key was kept elsewhere */
    bool force;   /* revoke: a new certificate is asked for afterwards */
    bool cut;     /* power is cut soon after the agent was asked */
    uint32_t after_s;
};

struct jobs {
    struct sim_world dice; /* of its own: a seed without jobs goes as if there were none */
    unsigned count, next;
    struct job_plan plan[JOBS_MAX];
    struct acme_job job;
    struct acme_key key;
    uint8_t leaf[CA_LEAF];
    char contact[40];
    bool begun;        /* the one at next has been asked for */
    bool asked;        /* the agent is at it */
    bool forcing;      /* what it is at is a new certificate in place of a revoked one */
    uint64_t at;       /* asked (again) then; UINT64_MAX: not */
    uint32_t sequence; /* of the certificate that was revoked */
    unsigned tries;

    /* what the checks know */
    bool deactivating; /* the tool wants the account gone */
    uint64_t revoked; /* number of the order whose certificate was revoked for the agent; 0: none */
    bool gave_up;     /* an order, with its account or its certificate; until one is stored */
    bool ended;       /* the CA has said that the account is deactivated; perhaps a lie */
    bool old_gone;    /* ACCOUNT was emptied by the tool */
    unsigned changes, deactivations; /* of the CA, as looked at last */
    uint64_t version;
    unsigned done[ACME_JOB_END_];
};

struct run;
extern bool jobs_always; /* in every seed */
void jobs_init(struct run *r, uint64_t seed);
void jobs_plan(struct run *r);  /* what this seed's will be; and what goes wrong with them */
void jobs_stage(struct run *r); /* a phase has begun */
void jobs_calm(struct run *r);
void jobs_act(struct run *r); /* at jobs.at, while the device is on */
void jobs_polled(struct run *r);
void jobs_held(struct run *r, int64_t until); /* the agent will not do what is asked before that */
void jobs_power_off(struct run *r);
/* Nothing is left to ask for in this phase. */
bool jobs_settled(const struct run *r);
/* The certificate in force is revoked, and stays so. */
bool jobs_revoked(const struct run *r);

/* check_jobs.c */
void check_jobs_poll(struct run *r);
void check_jobs_act(struct run *r, const char *what, const struct ca_request *q,
                    const struct ca_order *o);
bool check_jobs_key(struct run *r, const struct ca_request *q);
void check_jobs_done(struct run *r, const struct job_plan *p);

#endif
