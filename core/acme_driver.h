/* acme_driver.h - the two halves of the driver; private to acme_agent.c and acme_reply.c
 *
 * acme_agent.c sets the step, writes records, fails and finishes runs; acme_reply.c sends a row's
 * request and judges what came back.
 */
#ifndef ACME_DRIVER_H
#define ACME_DRIVER_H

#include "acme_steps.h"

enum acme_phase {
    PHASE_START = 0,  /* the row is to be begun */
    PHASE_FLIGHT = 1, /* its request is under way */
    PHASE_SAVE = 2    /* its records are being written */
};

/* -- acme_agent.c -- */

/* A Retry-After above this ends the run: what it says is then on record. */
#define LONG_WAIT_MS 600000

uint64_t acme_drive_clock(const struct acme_agent *a); /* the port's milliseconds */
/* The one setter of the step: it resets what belongs to a step. */
void acme_drive_step(struct acme_agent *a, uint8_t row);
/* Nothing is to be done for ms; `what` is waited for. */
void acme_drive_wait(struct acme_agent *a, uint32_t ms, const char *what);
/* These buffers are needed (bits of enum acme_need), and no others: ACME_OK, or ACME_AGAIN. */
int acme_drive_need(struct acme_agent *a, unsigned buffers);
/* accept has decided: records first, then the next row. */
void acme_drive_go(struct acme_agent *a, const struct acme_next *next);

/* -- acme_reply.c -- */

/* Send the row's request, or fetch a nonce for it first: ACME_AGAIN, or an error. */
int acme_drive_request(struct acme_agent *a, const struct acme_row *row);
/* A whole reply is there: ACME_OK (dealt with), or the error to fail with. */
int acme_drive_reply(struct acme_agent *a, const struct acme_reply *reply);
/* No reply, or one that leaves open whether the CA has acted: ACME_OK (the row's `lost` row
 * follows), or the error to fail with. */
int acme_drive_lost(struct acme_agent *a, int err);

#endif
