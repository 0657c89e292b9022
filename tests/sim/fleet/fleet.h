/* fleet.h - ten thousand real agents, one CA, virtual time
 *
 * Each device runs the agent as it is, over a port whose network moves whole messages: a request
 * is at the CA when it was sent, its reply is there a round trip later. One queue holds when each
 * device wants to be called; the clock jumps from one to the next. What comes out are figures.
 */
#ifndef FLEET_H
#define FLEET_H

#include <stdio.h>

#include "acme_agent.h"
#include "ca.h"
#include "http01.h"
#include "sim_world.h"

#define FLEET_MINUTE_MS ((uint64_t)60000)
#define FLEET_HOUR_MS   ((uint64_t)3600000)
#define FLEET_DAY_MS    ((uint64_t)86400000)
#define FLEET_NEVER     UINT64_MAX
#define FLEET_LEAF      640
#define FLEET_LINES     96 /* figures in one run */

/* What is wrong with the way to the CA, or with the CA. */
enum fleet_outage {
    FLEET_UP,
    FLEET_DNS,     /* its name has no address */
    FLEET_REFUSED, /* connections are refused */
    FLEET_TLS,     /* handshakes break */
    FLEET_503,     /* and a Retry-After of an hour */
    FLEET_500,
    FLEET_SLOW, /* replies take half a minute */
    FLEET_OUTAGES
};

/* What a device is like. */
enum fleet_kind {
    FLEET_PLAIN,
    FLEET_ZOMBIE, /* its DNS is dead from zombie_at on: no validation succeeds */
    FLEET_FRESH,  /* its first boot is not in the deployment, but in the scenario */
    FLEET_DRAWER  /* switched off after the deployment, until the power returns */
};

/* Scopes of a Retry-After, as the CA means them. */
enum { FLEET_SCOPE_ACCOUNT, FLEET_SCOPE_ORDER, FLEET_SCOPE_ALL, FLEET_SCOPES };

/* A bucket that fills again by and by (GCRA), in milliseconds. */
struct fleet_bucket {
    int64_t full_at;
};

/* One public address: what the CA counts by it (PROTOCOL 2.1). */
struct fleet_ip {
    struct fleet_bucket accounts, edge_directory, edge_nonce, edge_account, edge_order, edge_other;
};

enum fleet_authz {
    FLEET_AUTHZ_PENDING,
    FLEET_AUTHZ_ASKED,  /* the CA comes at va_at */
    FLEET_AUTHZ_KNOCK,  /* a connection of the CA waits at the device's port 80 */
    FLEET_AUTHZ_SERVED, /* all perspectives agree at va_at */
    FLEET_AUTHZ_VALID,
    FLEET_AUTHZ_INVALID
};

/* The order that the CA has of a device: the last one. */
struct fleet_order {
    uint32_t number; /* 0: none yet */
    uint8_t status;  /* enum acme_status */
    uint8_t authz;   /* enum fleet_authz */
    bool told;       /* va_right: the reply was the right one */
    char token[44];
    int64_t expires;
    uint64_t va_at, issue_at;
};

struct fleet_record {
    uint8_t *data;
    uint32_t len, room;
};

struct fleet_conn {
    bool open, hello;
    int error;         /* what comes instead of a session */
    char letter;       /* what the handshake says: tests/sim/tls_plain.c */
    uint64_t ready_at; /* of the handshake, then of the reply */
    uint64_t used_at;
    uint32_t reply_len, reply_read;
    char *reply;
};

struct fleet_device {
    struct acme_port port;
    struct acme_slots slots;
    struct acme_config config;
    struct acme_agent agent;
    struct http01 http01;
    struct acme_solver *solvers[1];
    const char *names[1];
    char name[32];
    uint8_t io[ACME_IO_SIZE];
    _Alignas(16) uint8_t scratch[ACME_SCRATCH_SIZE];
    struct fleet_record records[ACME_SLOT_MAX + 1];

    /* the machine */
    uint32_t index, ip;
    uint8_t kind;
    bool on, clock_unset;
    int64_t skew_s;
    uint64_t boot_at, booted_at, zombie_at;
    uint64_t clock_at; /* its clock becomes right; FLEET_NEVER: it is */
    uint64_t sleep_until, wake;
    uint32_t heap_at;
    struct fleet_conn conn;
    bool listening, va_open;
    uint16_t va_read;

    /* what the CA knows of it */
    bool account;
    uint32_t nonce, nonce_want; /* the last that was given; the one that is still good; 0: none */
    struct fleet_order order;
    struct fleet_bucket order_bucket, set_bucket, failure_bucket;
    int64_t authz_until; /* a valid authorization is used again until then */
    uint16_t leaf_len;
    uint8_t leaf[FLEET_LEAF];
    uint64_t serial, replaced;  /* of the certificate; of the last that a newer one has replaced */
    int64_t made_from, made_to; /* its dates */
    bool exempt;                /* the order names its predecessor: no limit holds for it */
    bool revoked;
    uint8_t revoked_issued; /* certificates in the 24 hours after that */

    /* what is true of it */
    uint32_t issued;
    int64_t valid_from, valid_to; /* of the certificate that it holds; 0: none */
    uint64_t hold_until[FLEET_SCOPES];
    uint32_t run_requests, run_bytes;
    bool run_fault;
    uint32_t outage_tries;
    uint64_t zombie_since;
    uint16_t zombie_day, zombie_count;
    uint8_t clock_kind; /* 1: 1970, 2: +1 day, 3: +10 years; 0: right */
    uint64_t need_from; /* without a certificate since this moment of interest; FLEET_NEVER: no */
};

/* How a scenario goes. Times count from the end of the deployment, in which every device boots
 * once at a random moment of a renewal period, and no limit holds. */
struct fleet_plan {
    const char *name, *words;
    int64_t lifetime_s;
    uint64_t deploy_ms, run_ms;
    uint64_t outage_at, outage_ms; /* 0 ms: none */
    uint64_t off_at, off_ms;       /* all lose power; 0 ms: not */
    uint32_t expired_permille;     /* so many were off since the deployment */
    uint32_t fresh_permille;       /* so many boot for the first time at fresh_at */
    uint64_t fresh_at;
    bool fresh_one_ip; /* ... all behind one address */
    uint64_t
        clocks_at; /* a sixth of them reboot with wrong clocks, right again an hour to six later */
    uint32_t zombie_permille;
    bool whole_days;     /* certificates begin and end at midnight, as some CAs make them */
    bool fast_ca;        /* a CA that validates and issues in milliseconds */
    bool ari;            /* it has renewal information (RFC 9773) */
    uint64_t revoked_at; /* the CA revokes half of all certificates; 0: not */
};

struct fleet_line {
    char scenario[16], id[8], words[96], goal[40], value[120];
    int pass; /* 1, 0; -1: only told */
};

struct fleet_counts {
    uint64_t requests, contacts, orders, issued, issued_plain, first_issued, limited_orders,
        limited_accounts;
    uint64_t refused_503, early, failures, premature, validations, bad_nonces, polls;
    uint64_t runs, run_requests, run_bytes;
    uint32_t run_requests_max, run_bytes_max;
    uint64_t run_hist[64];
    uint64_t fold_minute[60], fold_hour[3600]; /* newOrders */
    uint64_t zombies, zombie_day1_max, zombie_later_max;
    uint64_t dark_s, dark_devices;
    uint64_t questions; /* for the renewal window */
    uint64_t writes;    /* of records */
    uint64_t replacing; /* newOrders that name their predecessor */
};

struct fleet {
    struct sim_world world;
    struct ca ca; /* only its keys, and how it makes certificates */
    const struct fleet_plan *plan;
    uint64_t seed;
    uint32_t count;
    uint32_t log; /* all events of this device, counted from 1; 0: of none */
    struct fleet_device *devices;
    struct fleet_ip *ips;
    uint32_t ips_count;
    uint32_t *heap; /* indices, the next one first */
    uint8_t outage; /* enum fleet_outage */
    bool limits;
    uint64_t start_ms, from_ms, end_ms; /* of the deployment; of the scenario; its end */
    struct fleet_counts n;
    uint32_t *per_minute; /* contacts, from start_ms on */
    int32_t *dark_minute; /* devices that went dark, less those that came back */
    uint16_t *per_second; /* newOrders */
    size_t minutes, seconds;
    uint64_t *needs; /* ms until devices without a certificate had one */
    size_t needs_count, needs_open;
    struct fleet_line lines[FLEET_LINES]; /* of all scenarios so far */
    size_t lines_count;
    double cpu_s;
};

/* fleet.c */
void fleet_up(struct fleet *f);
void fleet_run(struct fleet *f, const struct fleet_plan *plan, uint32_t count, uint64_t seed);
void fleet_free(struct fleet *f);
void fleet_wake(struct fleet_device *d);
void fleet_note(struct fleet *f, const struct fleet_device *d, const char *what, uint64_t value);

/* fleet_port.c: the port of a device. There is one fleet in the process. */
extern struct fleet *fleet_it;
void fleet_port_init(struct fleet_device *d);
void fleet_port_off(struct fleet_device *d);

/* fleet_ca.c: a request is there; the reply is put into the device's connection. */
void fleet_ca_request(struct fleet *f, struct fleet_device *d, const char *request, size_t len);
/* What happens at the CA by itself: validation and issuance of this device's order. */
void fleet_ca_tick(struct fleet *f, struct fleet_device *d);
uint64_t fleet_ca_next(const struct fleet_device *d);
void fleet_ca_served(struct fleet *f, struct fleet_device *d, bool right);

/* fleet_count.c: what happened, for the figures. */
void fleet_count_contact(struct fleet *f, struct fleet_device *d);
void fleet_count_request(struct fleet *f, struct fleet_device *d, size_t bytes);
void fleet_count_order(struct fleet *f, struct fleet_device *d);
void fleet_count_failure(struct fleet *f, struct fleet_device *d);
void fleet_count_certificate(struct fleet *f, struct fleet_device *d, int64_t not_after);
void fleet_count_begin(struct fleet *f);
void fleet_count_end(struct fleet *f);

/* fleet_figures.c: the figures of a scenario that is over. */
void fleet_figures(struct fleet *f);

/* fleet_svg.c: requests over time. 0, or -1: the file cannot be written. */
int fleet_svg(const struct fleet *f, const char *path);

/* fleet_plans.c */
size_t fleet_plans(struct fleet_plan *out, size_t cap, double years);
#define FLEET_PLANS 16

#endif
