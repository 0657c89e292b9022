/* bed_libc.c - a few calls of our own in place of libc's, which can be told to misbehave */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum bed_entropy bed_entropy_mode;
bool bed_no_ipv6;
unsigned bed_fsync_fails;
bool bed_short_writes;

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

int socket(int domain, int type, int protocol)
{
    if (bed_no_ipv6 && domain == AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

ssize_t write(int fd, const void *buf, size_t len)
{
    return (ssize_t)syscall(SYS_write, fd, buf, bed_short_writes && len > 7 ? 7 : len);
}

int fsync(int fd)
{
    if (bed_fsync_fails > 0 && --bed_fsync_fails == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}
