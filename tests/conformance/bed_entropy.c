/* bed_entropy.c - a getrandom of our own in place of libc's, which can be told to misbehave */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

enum bed_entropy bed_entropy_mode;

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    static unsigned turn;

    if (bed_entropy_mode == BED_ENTROPY_EARLY && (flags & GRND_NONBLOCK) != 0) {
        errno = EAGAIN;
        return -1;
    }
    if (bed_entropy_mode == BED_ENTROPY_BROKEN) {
        errno = ENOSYS;
        return -1;
    }
    if (bed_entropy_mode == BED_ENTROPY_SHORT) {
        if (++turn % 2 == 0) {
            errno = EINTR;
            return -1;
        }
        len = len < 5 ? len : 5;
    }
    return (ssize_t)syscall(SYS_getrandom, buf, len, flags);
}
