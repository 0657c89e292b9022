/* world.h - lwIP in a process of its own: one interface, DNS server, virtual clock
 *
 * Both ends of every connection live in this process, and the DNS server too (over lwIP's UDP), so
 * ten seconds of time limits pass in microseconds and every run is the same.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip_net.h"

#define WORLD_ADDR  "10.1.1.1" /* this machine */
#define WORLD_ADDR6 "fd00::1"
#define WORLD_DEAD  "10.1.1.77" /* nobody */

extern struct lwip_net world_net;
extern uint32_t world_ms;
extern bool world_deaf;     /* the network eats everything */
extern unsigned world_lost; /* frames that found no memory */

/* Names: v4.test, v6.test and both.test are this machine; half.test too, but its IPv6 address does
 * not answer; slow.test is told after 2.5 s; silent.test never; all others do not exist. */
void world_init(void);
void world_frames(void); /* 1 ms of network and timers */
void world_step(void);   /* the same, and lwip_net_poll */
void world_run(unsigned ms);

struct world_case {
    const char *name;
    void (*run)(void);
};
extern const struct world_case world_cases[]; /* case_lwip.c; ends with NULL */

/* NULL when the case passed, else what was wrong. */
const char *world_try(const struct world_case *c);

#endif
