/* board_start.h - from reset to a port: flash, configuration, random numbers, network
 *
 * What main() of a board begins with, and what its loop calls.
 */
#ifndef BOARD_START_H
#define BOARD_START_H

#include "acme_agent.h"
#include "acme_port.h"
#include "acme_provision.h"

struct acme_agent;

/* The console works, the flash is mounted, CONFIG is read (or the compiled-in default), there are
 * random numbers, lwIP runs. Where something is missing (no configuration, no seed) it says so and
 * waits at the console until it is given. */
const struct acme_port *board_start(void);

/* Choices from CONFIG and bounds from acme_board_config.h. After board_start. */
const struct acme_config *board_agent_config(void);

/* The CONFIG record in force. After board_start. */
const struct acme_provision *board_provision(void);

/* A secret of that record is in its place by now: its bytes in the record in RAM are wiped. */
void board_forget(struct acme_slice secret);

/* Where TLS and the agent's buffers share one pool (BOARD_LENDS_BUFFERS): who needs TLS memory
 * while a run of the agent is under way asks for a turn (true), and gives it back soon (false). The
 * answer is false while the agent asks the CA. The agent waits for the end of the turn, and comes
 * first after it, so nobody who comes again and again keeps it from its work. Other boards: true.
 */
bool board_turn(bool wanted);

/* acme_agent_init has refused the configuration: says why, and waits at the console for another. */
_Noreturn void board_refused(int err, const char *why, const char *which);

/* Once around the loop: a slice of the work (acme_agent_poll, application, console, the flash's
 * spare time: board_fiber.h), then frames and timers, then sleep if the work is done. application
 * (may be NULL) is what uses TLS beside the agent, or asks it something; it never waits. */
void board_poll(struct acme_agent *agent, void (*application)(void));

#endif
