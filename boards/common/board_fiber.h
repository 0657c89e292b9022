/* board_fiber.h - long work on a stack of its own, so that the network is served meanwhile
 *
 * A TLS handshake computes for 70 to 130 ms in one call of wolfSSL, a record of 16 KB for 66 ms.
 * The board gives such work to board_fiber_run, which comes back after a slice of a few
 * milliseconds whether the work is done or not; the main loop serves lwIP and calls it again.
 *
 * There is one fiber, and so one piece of work at a time: whatever uses wolfSSL runs on it, one
 * after the other, and wolfSSL is never entered by two. The core is not either: acme_agent_poll
 * runs on the fiber, and everything that asks the agent (status, commands, the HTTPS server) is
 * part of the same job and comes after it.
 *
 * The switch may come at any instruction but between board_fiber_hold and board_fiber_let. These
 * stand around whatever the main loop uses too: lwIP (board_net), the pool, random numbers, the
 * hour. Flash, console and events belong to the job alone and need none.
 *
 * A board's own file does the switch; board_fiber_none.c is for boards without: there a slice is as
 * long as the work.
 */
#ifndef BOARD_FIBER_H
#define BOARD_FIBER_H

#include <stdbool.h>
#include <stddef.h>

/* From the main loop. Starts job(arg), or goes on with the one that is under way (job and arg are
 * then not looked at). True: it has returned. */
bool board_fiber_run(void (*job)(void *arg), void *arg);

/* No switch from here on ... to here. May be nested; allowed off the fiber, where it does nothing.
 * What stands between is short (well below a millisecond): it makes a slice longer. Not from
 * interrupts. */
void board_fiber_hold(void);
void board_fiber_let(void);

/* Bytes of the fiber's stack used so far, as its paint tells, and the bytes reserved; 0 without. */
size_t board_fiber_stack_used(void);
size_t board_fiber_stack_size(void);

#endif
