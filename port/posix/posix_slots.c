#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* openat and its family; flock */
#endif
#include "posix_slots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix_key.h"

/* One name for all: there is one writer, and what a crash left behind is removed by the next
 * write into that folder. No key gives a name that begins with a point. */
#define PS_ASIDE ".new"

#define PS_LOCK "lock"

/* ---- saying why ---- */

static int ps_status(int sys)
{
    switch (sys) {
    case ENOSPC:
    case EDQUOT:
        return ACME_E_SLOT_FULL;
    case EFBIG:
        return ACME_E_SIZE;
    default:
        return ACME_E_SLOT;
    }
}

/* Note "DIR/PLACE: reason" and give err back. */
static int ps_say(struct posix_slots *s, int err, const char *place, const char *format, ...)
{
    va_list args;

    int n = snprintf(s->why, sizeof s->why, "%s%s%s: ", s->dir, place[0] != '\0' ? "/" : "", place);
    size_t at = n < 0 ? 0 : (size_t)n < sizeof s->why ? (size_t)n : sizeof s->why - 1;
    va_start(args, format);
    (void)vsnprintf(s->why + at, sizeof s->why - at, format, args);
    va_end(args);
    s->sys_errno = 0;
    return err;
}

static int ps_failed(struct posix_slots *s, const char *place, const char *act)
{
    int sys = errno;
    int err = ps_say(s, ps_status(sys), place, "cannot %s: %s", act,
                     sys == ELOOP ? "it is a symbolic link" : strerror(sys));

    s->sys_errno = sys;
    return err;
}

/* ---- system calls that go on after a signal ---- */

static int ps_openat(int dir, const char *name, int flags, mode_t mode)
{
    int fd;

    do {
        fd = openat(dir, name, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int ps_fsync(int fd)
{
    int rc;

    do {
        rc = fsync(fd);
    } while (rc != 0 && errno == EINTR);
    return rc;
}

static int ps_write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            return -1;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Bytes read, less than len only at the end of the file; -1 and errno. */
static ssize_t ps_read_all(int fd, char *buf, size_t len)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = read(fd, buf + have, len - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

/* ---- folders ---- */

/* Ours or root's, and nobody else may change it. root, who is asked about a daemon that runs as
 * somebody else, may read that user's. */
static int ps_check(struct posix_slots *s, int fd, const char *place, mode_t forbidden)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return ps_failed(s, place, "look at it");
    if (st.st_uid != geteuid() && st.st_uid != 0 && !(s->read_only && geteuid() == 0))
        return ps_say(s, ACME_E_SLOT, place, "belongs to another user (uid %lu)",
                      (unsigned long)st.st_uid);
    if ((st.st_mode & forbidden) != 0)
        return ps_say(s, ACME_E_SLOT, place,
                      "other users have access to it (mode %04o); take it away: chmod go-%s",
                      (unsigned)(st.st_mode & 07777), (forbidden & S_IRGRP) != 0 ? "rwx" : "w");
    return ACME_OK;
}

/* A folder below parent, made (durably) if it may be: *fd, or an error; ACME_E_SLOT_EMPTY when it
 * is not there. One that is there may be of a process that was killed before it synced the folder
 * above: so that is done in any case. */
static int ps_subfolder(struct posix_slots *s, int parent, const char *name, bool make,
                        const char *place, int *fd)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

    *fd = -1;
    if (make && mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
        return ps_failed(s, place, "make the folder");
    if (make && ps_fsync(parent) != 0)
        return ps_failed(s, place, "sync the folder above");
    *fd = ps_openat(parent, name, flags, 0);
    if (*fd < 0 && errno == ENOENT && !make)
        return ACME_E_SLOT_EMPTY;
    if (*fd < 0)
        return ps_failed(s, place, "open the folder");
    int err = ps_check(s, *fd, place, S_IWGRP | S_IWOTH);
    if (err != ACME_OK) {
        close(*fd);
        *fd = -1;
    }
    return err;
}

/* The folder of a slot, and its path for messages. */
static int ps_folder(struct posix_slots *s, const struct posix_place *p, bool make, char *path,
                     size_t cap, int *fd)
{
    int outer;

    (void)snprintf(path, cap, "%s%s%s%s%s", p->outer, p->outer[0] != '\0' ? "/" : "", p->inner,
                   p->inner[0] != '\0' ? "/" : "", p->file);
    *fd = -1;
    if (p->outer[0] == '\0') {
        *fd = ps_openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
        return *fd >= 0 ? ACME_OK : ps_failed(s, path, "open the folder");
    }
    int err = ps_subfolder(s, s->dir_fd, p->outer, make, path, &outer);
    if (err != ACME_OK)
        return err;
    if (p->inner[0] == '\0') {
        *fd = outer;
        return ACME_OK;
    }
    err = ps_subfolder(s, outer, p->inner, make, path, fd);
    close(outer);
    return err;
}

static int ps_place(struct posix_slots *s, enum acme_slot slot, const char *key,
                    struct posix_place *p)
{
    int err = posix_place(slot, key, p);

    if (s->dir_fd < 0)
        return ps_say(s, ACME_E_SLOT, "", "is not open");
    if (err == ACME_E_SIZE)
        return ps_say(s, err, "", "the name is too long for a folder");
    if (err != ACME_OK)
        return ps_say(s, err, "", "not a slot or not a key for it");
    return ACME_OK;
}

/* ---- read ---- */

static int ps_read_file(struct posix_slots *s, int fd, const struct posix_place *p,
                        const char *path, void *buf, size_t cap)
{
    struct stat st;

    int err = ps_check(s, fd, path, p->secret ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH);
    if (err != ACME_OK)
        return err;
    if (fstat(fd, &st) != 0)
        return ps_failed(s, path, "look at it");
    if (!S_ISREG(st.st_mode))
        return ps_say(s, ACME_E_SLOT, path, "is not a file");
    if (st.st_size <= 0)
        return ps_say(s, ACME_E_SLOT_CORRUPT, path, "the file is empty");
    if ((uint64_t)st.st_size > cap || st.st_size > INT32_MAX)
        return ps_say(s, ACME_E_SIZE, path, "the record has %lld bytes, there is room for %lu",
                      (long long)st.st_size, (unsigned long)cap);
    ssize_t n = ps_read_all(fd, buf, (size_t)st.st_size);
    if (n < 0)
        return ps_failed(s, path, "read");
    if (n != (ssize_t)st.st_size)
        return ps_say(s, ACME_E_SLOT_CORRUPT, path, "the file became shorter while it was read");
    return (int)n;
}

static int ps_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    struct posix_slots *s = ctx;
    struct posix_place p;
    char path[3 * POSIX_NAME_SIZE];
    int folder;

    int err = ps_place(s, slot, key, &p);
    if (err == ACME_OK)
        err = ps_folder(s, &p, false, path, sizeof path, &folder);
    if (err != ACME_OK)
        return err;
    /* What a process left that was killed before it synced the folder is seen now, and could be
     * gone after a power cut: nobody may act on it before. */
    if (!s->read_only && ps_fsync(folder) != 0) {
        err = ps_failed(s, path, "sync its folder");
        close(folder);
        return err;
    }
    /* O_NONBLOCK: a FIFO in its place must not stop us. */
    int fd = ps_openat(folder, p.file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        err = errno == ENOENT ? ACME_E_SLOT_EMPTY : ps_failed(s, path, "open");
    else
        err = ps_read_file(s, fd, &p, path, buf, cap);
    if (fd >= 0)
        close(fd);
    close(folder);
    return err;
}

/* ---- write ---- */

static int ps_write_aside(struct posix_slots *s, int folder, const char *path, const void *data,
                          size_t len)
{
    int err = ACME_OK;

    if (unlinkat(folder, PS_ASIDE, 0) != 0 && errno != ENOENT)
        return ps_failed(s, path, "remove what an interrupted write left beside it");
    int fd = ps_openat(folder, PS_ASIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ps_failed(s, path, "write a new file beside it");
    /* The process' umask may have taken from 0600, never added to it. */
    if (fchmod(fd, 0600) != 0 || ps_write_all(fd, data, len) != 0)
        err = ps_failed(s, path, "write");
    else if (ps_fsync(fd) != 0)
        err = ps_failed(s, path, "sync");
    if (close(fd) != 0 && errno != EINTR && err == ACME_OK)
        err = ps_failed(s, path, "write");
    return err;
}

static int ps_replace(struct posix_slots *s, int folder, const char *file, const char *path,
                      const void *data, size_t len)
{
    int err = ps_write_aside(s, folder, path, data, len);

    if (err == ACME_OK && renameat(folder, PS_ASIDE, folder, file) != 0)
        err = ps_failed(s, path, "put the new file in its place");
    if (err != ACME_OK) {
        (void)unlinkat(folder, PS_ASIDE, 0);
        return err;
    }
    return ps_fsync(folder) == 0 ? ACME_OK : ps_failed(s, path, "sync its folder");
}

static int ps_empty(struct posix_slots *s, int folder, const char *file, const char *path)
{
    if (unlinkat(folder, file, 0) != 0 && errno != ENOENT)
        return ps_failed(s, path, "remove");
    return ps_fsync(folder) == 0 ? ACME_OK : ps_failed(s, path, "sync its folder");
}

/* A record that is there proves that its folders are durable. Before the first one they are made
 * so, whoever made them. */
static int ps_folder_to_write(struct posix_slots *s, const struct posix_place *p, bool make,
                              char *path, size_t cap, int *folder)
{
    struct stat st;
    int err = ps_folder(s, p, false, path, cap, folder);

    if (!make || (err != ACME_OK && err != ACME_E_SLOT_EMPTY))
        return err;
    if (err == ACME_OK && fstatat(*folder, p->file, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return ACME_OK;
    if (err == ACME_OK)
        close(*folder);
    return ps_folder(s, p, true, path, cap, folder);
}

static int ps_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    struct posix_slots *s = ctx;
    struct posix_place p;
    char path[3 * POSIX_NAME_SIZE];
    int folder;

    int err = ps_place(s, slot, key, &p);
    if (err != ACME_OK)
        return err;
    if (s->read_only)
        return ps_say(s, ACME_E_SLOT, "", "was opened for reading only");
    err = ps_folder_to_write(s, &p, len > 0, path, sizeof path, &folder);
    if (err == ACME_E_SLOT_EMPTY)
        return ACME_OK; /* nothing to empty */
    if (err != ACME_OK)
        return err;
    err = len > 0 ? ps_replace(s, folder, p.file, path, data, len)
                  : ps_empty(s, folder, p.file, path);
    close(folder);
    return err;
}

struct acme_slots posix_slots_ops(struct posix_slots *s)
{
    struct acme_slots ops = {s, ps_read, ps_write};

    return ops;
}

/* ---- open ---- */

/* One folder of the path to STATE. Links are followed here: where STATE lies is the
 * administrator's choice. */
static int ps_step(struct posix_slots *s, int at, const char *name, bool make, int *out)
{
    *out = ps_openat(at, name, O_RDONLY | O_DIRECTORY, 0);
    if (*out < 0 && errno == EACCES) /* enough to walk through a folder that we may not list */
        *out = ps_openat(at, name, O_PATH | O_DIRECTORY, 0);
    if (*out < 0 && errno == ENOENT && make) {
        if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
            return ps_failed(s, "", "make the folder");
        *out = ps_openat(at, name, O_RDONLY | O_DIRECTORY, 0);
    }
    if (*out >= 0)
        return ACME_OK;
    return errno == ENOENT ? ACME_E_SLOT_EMPTY : ps_failed(s, "", "open the folder");
}

/* Walk to s->dir, a name at a time, so that no path is too long. */
static int ps_walk(struct posix_slots *s, bool make, int *out)
{
    char name[POSIX_NAME_SIZE];
    const char *p = s->dir;
    int at = ps_openat(AT_FDCWD, *p == '/' ? "/" : ".", O_PATH | O_DIRECTORY, 0);

    if (at < 0)
        return ps_failed(s, "", "open the folder");
    for (p += strspn(p, "/"); *p != '\0'; p += strspn(p, "/")) {
        size_t len = strcspn(p, "/");
        int next = -1, err;
        if (len >= sizeof name) {
            errno = ENAMETOOLONG;
            err = ps_failed(s, "", "open the folder");
        } else {
            memcpy(name, p, len);
            name[len] = '\0';
            err = ps_step(s, at, name, make, &next);
        }
        close(at);
        if (err != ACME_OK)
            return err;
        at = next;
        p += len;
    }
    *out = at;
    return ACME_OK;
}

static int ps_open_folder(struct posix_slots *s, const char *dir, bool read_only)
{
    int walked = -1;

    memset(s, 0, sizeof *s);
    s->dir_fd = -1;
    s->lock_fd = -1;
    s->dir = dir;
    s->read_only = read_only;
    if (dir[0] == '\0')
        return ps_say(s, ACME_E_SLOT, "", "the state folder has no name");
    int err = ps_walk(s, !read_only, &walked);
    if (err != ACME_OK)
        return err;
    s->dir_fd = ps_openat(walked, ".", O_RDONLY | O_DIRECTORY, 0);
    err = s->dir_fd < 0 ? ps_failed(s, "", "open the folder")
                        : ps_check(s, s->dir_fd, "", S_IWGRP | S_IWOTH);
    close(walked);
    if (err != ACME_OK)
        posix_slots_close(s);
    return err;
}

/* Who holds the lock, by what it wrote into the file; 0 if that cannot be read. */
static long ps_holder(int fd)
{
    char text[24];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    long pid = strtol(text, NULL, 10);
    return pid > 0 ? pid : 0;
}

static int ps_lock(struct posix_slots *s)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK;
    char text[24];
    struct stat st;
    int rc;

    s->lock_fd = ps_openat(s->dir_fd, PS_LOCK, flags, 0);
    if (s->lock_fd < 0 && errno == ENOENT) {
        /* The first use: STATE and folders above it may be new, and those may be open for walking
         * only. One call makes all of them durable. */
        if (syncfs(s->dir_fd) != 0)
            return ps_failed(s, "", "sync the folder");
        s->lock_fd = ps_openat(s->dir_fd, PS_LOCK, flags | O_CREAT, 0600);
    }
    if (s->lock_fd < 0)
        return ps_failed(s, PS_LOCK, "open");
    if (fstat(s->lock_fd, &st) != 0 || !S_ISREG(st.st_mode))
        return ps_say(s, ACME_E_SLOT, PS_LOCK, "is not a file");
    do {
        rc = flock(s->lock_fd, LOCK_EX | LOCK_NB);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0 && errno == EWOULDBLOCK) {
        s->holder = ps_holder(s->lock_fd);
        return ps_say(s, ACME_AGAIN, "", "in use by process %ld", s->holder);
    }
    if (rc != 0)
        return ps_failed(s, PS_LOCK, "lock");
    /* The number is only for the message; the lock holds without it, on a full disk too. */
    s->holder = (long)getpid();
    int n = snprintf(text, sizeof text, "%ld\n", s->holder);
    if (ftruncate(s->lock_fd, 0) == 0)
        (void)ps_write_all(s->lock_fd, text, (size_t)n);
    return ACME_OK;
}

int posix_slots_open(struct posix_slots *s, const char *dir)
{
    int err = ps_open_folder(s, dir, false);

    if (err != ACME_OK)
        return err;
    err = ps_lock(s);
    if (err != ACME_OK) {
        if (s->lock_fd >= 0)
            close(s->lock_fd); /* not posix_slots_close: the number in it is another's */
        s->lock_fd = -1;
        posix_slots_close(s);
    }
    return err;
}

int posix_slots_open_read(struct posix_slots *s, const char *dir)
{
    return ps_open_folder(s, dir, true);
}

void posix_slots_close(struct posix_slots *s)
{
    /* A number that no longer holds the lock misleads; a child that was forked only drops its
     * copy of the descriptor, and the lock stays its parent's. */
    if (s->lock_fd >= 0 && s->holder == (long)getpid()) {
        int ignored = ftruncate(s->lock_fd, 0);
        (void)ignored;
    }
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    s->lock_fd = -1;
    s->dir_fd = -1;
}

int posix_slots_each_cert(struct posix_slots *s, void (*fn)(void *arg, const char *key), void *arg)
{
    char key[ACME_SLOT_KEY_MAX + 1];
    const struct dirent *e;
    int fd;

    if (s->dir_fd < 0)
        return ps_say(s, ACME_E_SLOT, "", "is not open");
    int err = ps_subfolder(s, s->dir_fd, "certs", false, "certs", &fd);
    if (err != ACME_OK)
        return err == ACME_E_SLOT_EMPTY ? ACME_OK : err;
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        err = ps_failed(s, "certs", "list");
        close(fd);
        return err;
    }
    for (errno = 0; (e = readdir(d)) != NULL; errno = 0) {
        if (posix_key_of_folder(e->d_name, key))
            fn(arg, key);
    }
    if (errno != 0)
        err = ps_failed(s, "certs", "list");
    closedir(d);
    return err;
}
