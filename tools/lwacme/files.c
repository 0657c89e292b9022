/* What all who write files have in common. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lwacme.h"

bool files_write(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    errno = ENOSPC; /* of a write that took nothing */
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool files_same(int dir, const char *name, const struct acme_buf *want, unsigned forbidden)
{
    uint8_t piece[512];
    size_t at = 0;
    ssize_t n = 0;
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool same =
        fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & forbidden) == 0;

    while (same && (n = read(fd, piece, sizeof piece)) > 0) {
        same = (size_t)n <= want->len - at && acme_equal(piece, want->ptr + at, (size_t)n);
        at += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    acme_wipe(piece, sizeof piece);
    return same && n == 0 && at == want->len;
}

bool files_aside(int dir, const char *aside, const struct acme_buf *b)
{
    int fd, kept;
    bool done;

    (void)unlinkat(dir, aside, 0);
    fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    done = files_write(fd, b->ptr, b->len) && fsync(fd) == 0;
    kept = errno;
    if (close(fd) != 0 && done) {
        done = false;
        kept = errno;
    }
    if (!done)
        (void)unlinkat(dir, aside, 0);
    errno = kept;
    return done;
}
