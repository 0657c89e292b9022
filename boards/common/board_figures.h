/* board_figures.h - what a run has cost: told on the console after each one, and when asked
 *
 * A *slice* is one time around the main loop without its sleep: while it lasts, lwIP is not served.
 * With a fiber it is a piece of the work (board_fiber.h) and the frames and timers after it.
 *
 *   longest_us, longest_in   the longest slice since the run began, and what it was in: a row of
 * the agent, "application", "console", "flash", or "network" (lwIP) run_ms                   how
 * long the run took, sleep included busy_us                  of it: all slices. Sleep is not in it,
 * but each tick that only finds nothing to do is (slices: how many there were) agent_us of it:
 * acme_agent_poll handshake_us, _ms        the last TLS handshake: computing (from the connect,
 * with the trust anchors and the first request), and how long it took
 */
#ifndef BOARD_FIGURES_H
#define BOARD_FIGURES_H

#include <stdint.h>

struct acme_agent;

/* acme_agent_poll, measured. Tells the figures when a run has ended. */
void board_figures_poll(struct acme_agent *agent, uint32_t *sleep_ms);

void board_figures_tell(const struct acme_agent *agent);

/* The work goes on with this; for longest_in. Kept by reference. */
void board_figures_in(const char *what);

/* From the main loop: a slice begins; its piece of work has ended; it ends. */
void board_figures_begin(void);
void board_figures_worked(void);
void board_figures_end(void);

#endif
