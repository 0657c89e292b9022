/* bed.h - the port of POSIX and sockets, with a folder of its own and the hooks of conformance.h
 *
 * A name look-up of the bed knows four names (they end in ".test", RFC 6761) and hands all others
 * to the system.
 */
#ifndef BED_H
#define BED_H

#include "conformance.h"
#include "posix_slots.h"
#include "posix_sys.h"
#include "sockets_net.h"

#define BED_DEAD "127.0.0.77"

struct bed {
    struct sockets_net net; /* first: it is the port's ctx */
    struct posix_slots slots;
    struct acme_slots slot_ops;
    struct acme_port port;
    struct conf_hooks hooks;
    char dir[256]; /* an empty folder of ours; the state is below it */
    char state[300];
    unsigned events;
    int dead[16]; /* descriptors that keep BED_DEAD from answering */
    unsigned dead_count;
};

/* False, with a message on stderr, when the machine does not allow it. */
bool bed_up(struct bed *b, const char *label);
void bed_down(struct bed *b);

/* Remove a folder and all below it. */
void bed_remove(const char *path);

/* What getrandom does in this program: see bed_entropy.c. */
enum bed_entropy { BED_ENTROPY_KERNEL, BED_ENTROPY_EARLY, BED_ENTROPY_BROKEN, BED_ENTROPY_SHORT };
extern enum bed_entropy bed_entropy_mode;

/* Stop the child at its n-th change between user and kernel mode (a call's entry, then its end) and
 * kill it there. 1: killed; 0: it ended before; -1: not possible. calls, if not NULL, gets a letter
 * for each call that matters: m mkdir, u unlink, w write, f fsync, r rename. */
int bed_trace(void (*child)(void *arg), void *arg, unsigned n, char *calls, size_t cap);

#endif
