/* choice.h - seeds in which a name can be proved by http-01 and by dns-01
 *
 * The CA offers one of them or both, another set for each order, and is blind to one of them (or
 * to both) for a while. The device has a solver for each. What the agent was told to have failed
 * is not the next way that it takes where there is another: invariant 24.
 */
#ifndef CHOICE_H
#define CHOICE_H

#include "acme_event.h"
#include "ca.h"

struct run;

struct choice {
    struct sim_world dice; /* of its own: a seed without a choice goes as if there were none */
    bool on, http_first;
    uint8_t blind; /* types (bits) that no CA sees at present */
    struct {
        uint8_t failed; /* the type whose failure the agent was told last; 0: none */
        bool durable;   /* it has rested since, so it is stored */
        bool passed;    /* a solver of ours has failed for this name, in this run */
    } names[CA_NAMES];
};

void choice_init(struct run *r, uint64_t seed);
void choice_plan(struct run *r);      /* the scenario is known */
size_t choice_solvers(struct run *r); /* into r->solvers: how many; 0: no choice here */
/* The types that the CA offers for a name of a new order; those that it will not see. */
uint8_t choice_offers(void *ctx, uint8_t *blind);

void choice_event(struct run *r, const struct acme_event *e);
void choice_rest(struct run *r);
void choice_power_off(struct run *r);
/* The agent tells the CA to look at the challenge of this name, by this type. */
void choice_respond(struct run *r, const struct ca_authz *z, unsigned which, uint8_t type);
void choice_end(struct run *r); /* all is well and at rest */

#endif
