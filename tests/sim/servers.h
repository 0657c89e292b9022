/* servers.h - several CAs in a seed's world: a second one in the list, a staging CA
 *
 * Each is a whole struct ca with a name, accounts, orders and misbehaviours of its own. In some
 * seeds one of the list is bad for all of a period (group SERVERS of the catalogue), also when all
 * else is calm: the other one must do. At rest all are well again.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "ca.h"

struct servers {
    struct sim_world dice; /* of its own: a seed with one CA goes as if there was no other */
    bool bad;              /* one of the list, through the calm */
    uint8_t which;
    bool
        disturbed; /* since the rest: a failure, a power cut, or no record that could be believed */
    bool asked;    /* an order, since the rest */
    uint64_t failed; /* the order whose proof failed last, and no rehearsal since; 0: none */
    bool clean;      /* nothing else goes wrong, so each failed proof is followed by a rehearsal */
    int64_t first_held; /* until then, perhaps: its record was being written when power was cut */
    bool gave_up;       /* an order with the CA that had it; until a certificate is stored */
    unsigned switched, rehearsed; /* what has happened, for main.c */
};

struct run;
extern bool servers_always; /* in every seed */
void servers_init(struct run *r, uint64_t seed);
void servers_plan(struct run *r);   /* after the scenario is chosen */
void servers_world(struct run *r);  /* the other CAs come up */
void servers_config(struct run *r); /* the device is told of them */
void servers_calm(struct run *r);
void servers_rest(struct run *r); /* all are well, and the device has settled */

/* The CA at place i, or NULL: 0 the first, 1 the second of the list, 2 the staging CA. */
struct ca *run_ca(struct run *r, unsigned i);
struct hold *servers_holds(struct run *r); /* of the CA that was asked last */
/* The device may remember it and may not: nothing is to be held against it any more. */
void servers_hold_in_doubt(struct run *r, unsigned place, struct hold *h);
/* Over all of them. */
unsigned servers_issued(struct run *r);
unsigned servers_orders(struct run *r);
unsigned servers_evils(struct run *r);
int64_t servers_retry_spoken(struct run *r);
bool servers_know(struct run *r, const char *host);

/* What must be true: 23. */
void servers_check_act(struct run *r, const char *what, const struct ca_order *o);
void servers_check_event(struct run *r, const struct acme_event *e);

#endif
