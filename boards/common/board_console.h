/* board_console.h - commands over the UART: one word a line, and what belongs to it
 *
 *   seed HEX       64 hex digits: the first seed of this device (board_rng.h)
 *   config HEX     a piece of a CONFIG record (mkconfig --hex prints them)
 *   config end     ... it is whole: checked, stored, and the board starts again
 *   renew          a new certificate now, though none is due
 *   now            the next attempt now, without our own backoff
 *   status         what the agent has and does
 *   figures        memory and times
 *   reset
 *   an empty line, or one that begins with '{': the answer to a challenge that is solved over this
 *                  UART (solver_external.c)
 */
#ifndef BOARD_CONSOLE_H
#define BOARD_CONSOLE_H

#include <stdbool.h>

#include "acme_port.h"

struct acme_agent;

/* From the main loop. agent may be NULL: there is none yet. */
void board_console_poll(const struct acme_slots *slots, struct acme_agent *agent);

/* Serves the console until ready() is true; NULL: for ever. It is asked after each command. */
void board_console_wait(const struct acme_slots *slots, bool (*ready)(void));

#endif
