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
    char state[320];
    unsigned events;
    int dead[16]; /* descriptors that keep BED_DEAD from answering */
    unsigned dead_count;
};

/* False, with a message on stderr, when the machine does not allow it. */
bool bed_up(struct bed *b, const char *label);
void bed_down(struct bed *b);

/* Remove a folder and all below it. */
void bed_remove(const char *path);

/* What some calls of libc do in this program: see bed_libc.c. */
enum bed_entropy { BED_ENTROPY_KERNEL, BED_ENTROPY_EARLY, BED_ENTROPY_BROKEN, BED_ENTROPY_SHORT };
extern enum bed_entropy bed_entropy_mode;
extern bool bed_no_ipv6;         /* no IPv6 socket can be made */
extern unsigned bed_fsync_fails; /* the n-th fsync from now fails; 0: none */
extern bool bed_short_writes;    /* at most 7 bytes at a time */

/* A look-up ran in a thread that takes signals. */
extern _Atomic bool bed_lookup_signals;

/* Stop the child at its n-th change between user and kernel mode (a call's entry, then its end) and
 * kill it there. 1: killed; 0: it ended before; -1: not possible. calls, if not NULL, gets a letter
 * for each call that matters: m mkdir, u unlink, w write, f fsync, r rename. */
int bed_trace(void (*child)(void *arg), void *arg, unsigned n, char *calls, size_t cap);

/* A case of main_sockets.c: NULL when it passed, BED_SKIP and a reason, or what is wrong. */
struct bed_case {
    const char *name;
    const char *(*run)(struct bed *b);
};
#define BED_SKIP "skip: "

extern const struct bed_case cases_net[], cases_wait[], cases_slots[], cases_files[];

/* Fail a case with the condition's text. */
#define WANT(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return bed_why("%s (line %d)", #cond, __LINE__);                                       \
    } while (0)
#define WANT_STATUS(call, expected)                                                                \
    do {                                                                                           \
        int want_got = (call);                                                                     \
        if (want_got != (expected))                                                                \
            return bed_why("%s: got %d (%s), not %s (line %d)", #call, want_got,                   \
                           acme_err_name(want_got), acme_err_name(expected), __LINE__);            \
    } while (0)
const char *bed_why(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run a case in a child process; the child becomes nobody first if as_nobody. */
const char *bed_in_child(const char *(*run)(struct bed *b), struct bed *b, bool as_nobody);

#endif
