/* frame.h - what a daemon is given when it starts, and cannot change without a restart: the right
 * to write below some folders, its port, its user, and a runner for hooks */
#ifndef LWACME_FRAME_H
#define LWACME_FRAME_H

#include "daemon.h"

/* Starts the runner of hooks, then gives up all rights that are not needed. EXIT_DONE, or a status,
 * and it is said. */
int frame_enter(struct daemon *d);
/* Is a certificate of it proved by others in a way that a daemon has not: by streams, which it does
 * not have, or by programs, which it may not start? */
bool frame_cannot_ask(const struct conf *c);
/* Does a new configuration fit into the frame? old, fresh: what stands above all sections. False:
 * why is what does not. */
bool frame_same(const struct conf *next, const struct options *old, const struct options *fresh,
                char *why, size_t room);

#endif
