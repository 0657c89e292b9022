/* board_figures.h - what a run has cost: told on the console after each one, and when asked */
#ifndef BOARD_FIGURES_H
#define BOARD_FIGURES_H

#include <stdint.h>

struct acme_agent;

/* acme_agent_poll, with the time of the longest call and its step noted. Tells the figures when a
 * run has ended. */
void board_figures_poll(struct acme_agent *agent, uint32_t *sleep_ms);

void board_figures_tell(const struct acme_agent *agent);

#endif
