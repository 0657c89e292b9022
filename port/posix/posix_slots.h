/* posix_slots.h - struct acme_slots as files below a state folder
 *
 *     STATE/lock                                   held by the one process that may write
 *     STATE/ca/<64 hex digits>/account, ledger
 *     STATE/certs/<name>/order, cert-a, cert-b, sched    "*" is written "_wildcard", ":" is "_"
 *     STATE/solvers/<name>
 *     STATE/device, STATE/config
 *
 * Files are 0600 from creation on, folders 0700. A record is written aside, synced, renamed into
 * place, and the folder is synced: a crash leaves the old record or the new one. The key's grammar
 * is checked here again: a key that could leave the folder is ACME_E_ARG. Nothing below STATE is
 * reached through a symbolic link.
 */
#ifndef POSIX_SLOTS_H
#define POSIX_SLOTS_H

#include <stdbool.h>

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

struct posix_slots {
    /* Why the last call failed, for a person: a path and a reason, no newline at its end. It is
     * set with every error but ACME_E_SLOT_EMPTY; sys_errno is 0 when no system call was the
     * cause. */
    char why[256];
    int sys_errno;

    /* After posix_slots_open: the process that holds the lock, 0 if unknown. */
    long holder;

    /* private */
    int dir_fd;
    int lock_fd;
    bool read_only;
    const char *dir;
};

/* Open the state folder for reading and writing, making it and missing folders above it, and lock
 * it. dir is kept: it must outlive *s. ACME_OK; ACME_AGAIN: in use by the process s->holder;
 * ACME_E_SLOT (not usable: s->why), ACME_E_SLOT_FULL. Not to be opened twice in one process. */
int posix_slots_open(struct posix_slots *s, const char *dir);

/* Open it for reading only: no lock is taken and nothing is made, so it works beside a running
 * process. ACME_E_SLOT_EMPTY: there is no such folder. */
int posix_slots_open_read(struct posix_slots *s, const char *dir);

/* Unlock and close. Harmless after a failed open. */
void posix_slots_close(struct posix_slots *s);

/* The operations, bound to *s. */
struct acme_slots posix_slots_ops(struct posix_slots *s);

/* Every certificate's key that has a folder, in no order. ACME_OK or an error. fn must not open or
 * close *s; it may read and write slots. */
int posix_slots_each_cert(struct posix_slots *s, void (*fn)(void *arg, const char *key), void *arg);

#ifdef __cplusplus
}
#endif

#endif
