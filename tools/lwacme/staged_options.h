/* staged_options.h - what the parts of the staged command line share */
#ifndef LWACME_STAGED_OPTIONS_H
#define LWACME_STAGED_OPTIONS_H

#include "options.h"
#include "staged.h"

/* -- staged_memory.c: what a walk was begun with, so that its later steps need not be told again --
 *
 * STATE/staged/NAME has an option and its value in a line. */

/* Options that `typed` (by the name of a row) does not know of are taken from there; the names,
 * where a step goes on with an order and only the first is given. EXIT_DONE, also when there is
 * nothing; or the status to exit with, and it is said. */
int staged_memory_read(struct options *o, bool (*typed)(const char *row));
/* Notes them. 0, or -1 and errno. */
int staged_memory_write(const struct options *o);

#endif
