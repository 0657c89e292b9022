#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif
#include "sim_files_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sim_files *files; /* system calls have no context */

/* ---- chance ---- */

static int files_fail(int sys)
{
    errno = sys;
    return -1;
}

static bool files_chance(uint32_t permille)
{
    return !files->quiet && !files->looking && sim_world_chance(files->world, permille);
}

/* A signal, before anything was done. */
static bool files_signal(void)
{
    errno = EINTR;
    return files_chance(files->eintr_permille);
}

static bool files_full(void)
{
    errno = ENOSPC;
    return files_chance(files->full_permille);
}

static void files_moment(const char *what)
{
    if (files->mortal)
        sim_world_moment(files->world, what);
}

/* ---- nodes and names ---- */

static bool node_named(const struct sim_files *f, uint8_t node)
{
    for (size_t i = 0; i < SIM_FILES_ENTRIES; i++) {
        if (f->now[i].node == node || f->kept[i].node == node)
            return true;
    }
    for (uint32_t i = 0; i < f->ops_count; i++) {
        if (f->ops[i].node == node)
            return true;
    }
    return f->nodes[node].opens > 0;
}

/* A folder that is gone takes along what was in it. */
static void node_forget(uint8_t dir)
{
    uint32_t left = 0;

    for (size_t i = 0; i < SIM_FILES_ENTRIES; i++) {
        if (files->now[i].dir == dir)
            files->now[i].node = 0;
        if (files->kept[i].dir == dir)
            files->kept[i].node = 0;
    }
    for (uint32_t i = 0; i < files->ops_count; i++) {
        if (files->ops[i].dir != dir)
            files->ops[left++] = files->ops[i];
    }
    files->ops_count = left;
}

static int node_new(uint8_t kind)
{
    for (int i = 1; i < SIM_FILES_NODES; i++) {
        struct sim_file_node *n = &files->nodes[i];
        if (n->kind != NODE_FREE && node_named(files, (uint8_t)i))
            continue;
        node_forget((uint8_t)i);
        n->kind = kind;
        n->opens = 0;
        n->dirty = false;
        n->now.len = n->kept.len = 0;
        return i;
    }
    return files_fail(ENOSPC);
}

static int op_note(uint8_t kind, uint8_t dir, const char *from, const char *name, uint8_t node)
{
    struct sim_file_op *op;

    /* The oldest is durable by now: no system keeps things back for ever. */
    if (files->ops_count == SIM_FILES_OPS) {
        sim_op_apply(files->kept, &files->ops[0]);
        memmove(files->ops, files->ops + 1, (SIM_FILES_OPS - 1) * sizeof files->ops[0]);
        files->ops_count--;
    }
    op = &files->ops[files->ops_count++];
    op->kind = kind;
    op->dir = dir;
    op->node = node;
    (void)snprintf(op->from, sizeof op->from, "%s", from);
    (void)snprintf(op->name, sizeof op->name, "%s", name);
    sim_op_apply(files->now, op);
    return 0;
}

/* ---- descriptors ---- */

static struct sim_file_fd *fd_of(int fd)
{
    int i = fd - SIM_FILES_FD;

    if (i < 0 || i >= SIM_FILES_FDS || !files->fds[i].used) {
        errno = EBADF;
        return NULL;
    }
    return &files->fds[i];
}

static struct sim_file_node *node_of(const struct sim_file_fd *d)
{
    return &files->nodes[d->node];
}

static int fd_new(uint8_t node)
{
    for (int i = 0; i < SIM_FILES_FDS; i++) {
        if (files->fds[i].used)
            continue;
        files->fds[i].used = true;
        files->fds[i].node = node;
        files->fds[i].at = 0;
        files->nodes[node].opens++;
        return SIM_FILES_FD + i;
    }
    return files_fail(EMFILE);
}

/* The folder of a call, or -1. */
static int dir_of(int dir)
{
    const struct sim_file_fd *d;

    if (dir == AT_FDCWD)
        return 0;
    d = fd_of(dir);
    if (d == NULL)
        return -1;
    return node_of(d)->kind == NODE_FOLDER ? d->node : files_fail(ENOTDIR);
}

int sim_openat(int dir, const char *name, int flags, ...)
{
    int at = dir_of(dir), node;
    const struct sim_file_entry *e;

    if (at < 0)
        return -1;
    if (strcmp(name, ".") == 0 || strcmp(name, "/") == 0)
        return fd_new((uint8_t)at);
    if (files_signal())
        return -1;
    e = sim_entry_find(files->now, (uint8_t)at, name);
    if (e != NULL && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
        return files_fail(EEXIST);
    if (e != NULL && (flags & O_DIRECTORY) != 0 && files->nodes[e->node].kind != NODE_FOLDER)
        return files_fail(ENOTDIR);
    if (e != NULL)
        return fd_new(e->node);
    if ((flags & O_CREAT) == 0)
        return files_fail(ENOENT);
    if (files_full())
        return -1;
    files_moment("cut before a file is made");
    node = node_new(NODE_FILE);
    if (node < 0)
        return -1;
    files->nodes[node].mode = 0600;
    (void)op_note(OP_LINK, (uint8_t)at, "", name, (uint8_t)node);
    return fd_new((uint8_t)node);
}

int sim_close(int fd)
{
    struct sim_file_fd *d = fd_of(fd);

    if (d == NULL)
        return -1;
    node_of(d)->opens--;
    d->used = false;
    return 0;
}

static void node_stat(const struct sim_file_node *n, struct stat *st)
{
    memset(st, 0, sizeof *st);
    st->st_uid = geteuid();
    st->st_mode = n->kind == NODE_FOLDER ? S_IFDIR : S_IFREG;
    st->st_mode |= n->mode;
    st->st_size = (off_t)n->now.len;
}

int sim_fstat(int fd, struct stat *st)
{
    const struct sim_file_fd *d = fd_of(fd);

    if (d == NULL)
        return -1;
    node_stat(node_of(d), st);
    return 0;
}

int sim_fstatat(int dir, const char *name, struct stat *st, int flags)
{
    int at = dir_of(dir);
    const struct sim_file_entry *e;

    (void)flags;
    if (at < 0)
        return -1;
    e = sim_entry_find(files->now, (uint8_t)at, name);
    if (e == NULL)
        return files_fail(ENOENT);
    node_stat(&files->nodes[e->node], st);
    return 0;
}

/* ---- bytes ---- */

ssize_t sim_pread(int fd, void *buf, size_t len, off_t at)
{
    const struct sim_file_fd *d = fd_of(fd);
    const struct sim_file_bytes *b;

    if (d == NULL || files_signal())
        return -1;
    b = &node_of(d)->now;
    if (files_chance(files->bad_blocks_permille))
        return files_fail(EIO);
    if ((size_t)at >= b->len)
        return 0;
    len = len < b->len - (size_t)at ? len : b->len - (size_t)at;
    memcpy(buf, b->data + at, len);
    return (ssize_t)len;
}

ssize_t sim_read(int fd, void *buf, size_t len)
{
    struct sim_file_fd *d = fd_of(fd);
    ssize_t n = d != NULL ? sim_pread(fd, buf, len, (off_t)d->at) : -1;

    if (n > 0)
        d->at += (uint32_t)n;
    return n;
}

ssize_t sim_write(int fd, const void *data, size_t len)
{
    struct sim_file_fd *d = fd_of(fd);
    struct sim_file_bytes *b;

    if (d == NULL || files_signal() || files_full())
        return -1;
    b = &node_of(d)->now;
    if (d->at + len > SIM_FILES_BYTES)
        return files_fail(EFBIG);
    if (len > 1 && sim_world_chance(files->world, files->short_permille))
        len = 1 + sim_world_below(files->world, (uint32_t)len - 1);
    files_moment("cut before a file is written");
    memcpy(b->data + d->at, data, len);
    d->at += (uint32_t)len;
    b->len = d->at > b->len ? d->at : b->len;
    node_of(d)->dirty = true;
    return (ssize_t)len;
}

int sim_fchmod(int fd, mode_t mode)
{
    const struct sim_file_fd *d = fd_of(fd);

    if (d == NULL)
        return -1;
    node_of(d)->mode = (uint16_t)mode;
    return 0;
}

int sim_ftruncate(int fd, off_t len)
{
    const struct sim_file_fd *d = fd_of(fd);

    if (d == NULL)
        return -1;
    node_of(d)->now.len = (uint32_t)len; /* only ever shorter */
    node_of(d)->dirty = true;
    return 0;
}

int sim_flock(int fd, int how)
{
    (void)how;
    return fd_of(fd) != NULL && !files_signal() ? 0 : -1;
}

/* ---- syncs ---- */

/* The changes of a folder become durable; of all folders if dir is negative. */
static void dir_sync(int dir)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < files->ops_count; i++) {
        if (dir < 0 || files->ops[i].dir == dir)
            sim_op_apply(files->kept, &files->ops[i]);
        else if (left++ != i)
            files->ops[left - 1] = files->ops[i];
    }
    files->ops_count = left;
}

int sim_fsync(int fd)
{
    const struct sim_file_fd *d = fd_of(fd);

    if (d == NULL || files_signal())
        return -1;
    if (files->looking)
        return 0;
    if (files_chance(files->error_permille))
        return files_fail(EIO);
    files_moment("cut before a sync");
    files->syncs++;
    if (node_of(d)->kind == NODE_FOLDER)
        dir_sync(d->node);
    else
        sim_node_sync(node_of(d));
    files_moment("cut after a sync");
    return 0;
}

int sim_syncfs(int fd)
{
    if (fd_of(fd) == NULL)
        return -1;
    if (files_chance(files->error_permille))
        return files_fail(EIO);
    files_moment("cut before all is synced");
    files->syncs++;
    dir_sync(-1);
    for (int i = 0; i < SIM_FILES_NODES; i++)
        sim_node_sync(&files->nodes[i]);
    return 0;
}

/* ---- names ---- */

int sim_mkdirat(int dir, const char *name, mode_t mode)
{
    int at = dir_of(dir), node;

    if (at < 0)
        return -1;
    if (sim_entry_find(files->now, (uint8_t)at, name) != NULL)
        return files_fail(EEXIST);
    if (files_full())
        return -1;
    files_moment("cut before a folder is made");
    node = node_new(NODE_FOLDER);
    if (node < 0)
        return -1;
    files->nodes[node].mode = (uint16_t)mode;
    return op_note(OP_LINK, (uint8_t)at, "", name, (uint8_t)node);
}

int sim_unlinkat(int dir, const char *name, int flags)
{
    int at = dir_of(dir);

    (void)flags;
    if (at < 0)
        return -1;
    if (sim_entry_find(files->now, (uint8_t)at, name) == NULL)
        return files_fail(ENOENT);
    files_moment("cut before a file is removed");
    return op_note(OP_UNLINK, (uint8_t)at, "", name, 0);
}

int sim_renameat(int dir, const char *from, int to, const char *name)
{
    int at = dir_of(dir);
    const struct sim_file_entry *e;

    if (at < 0)
        return -1;
    if (at != dir_of(to))
        return files_fail(EXDEV);
    e = sim_entry_find(files->now, (uint8_t)at, from);
    if (e == NULL)
        return files_fail(ENOENT);
    if (files_full())
        return -1;
    files_moment("cut before a rename");
    return op_note(OP_RENAME, (uint8_t)at, from, name, e->node);
}

/* ---- the machine ---- */

void sim_files_init(struct sim_files *f, struct sim_world *w)
{
    f->world = w;
    f->mortal = f->quiet = f->looking = false;
    f->eintr_permille = f->short_permille = f->full_permille = 0;
    f->error_permille = f->bad_blocks_permille = 0;
    f->syncs = f->ops_count = 0;
    memset(f->now, 0, sizeof f->now);
    memset(f->kept, 0, sizeof f->kept);
    memset(f->fds, 0, sizeof f->fds);
    for (int i = 0; i < SIM_FILES_NODES; i++)
        f->nodes[i].kind = NODE_FREE;
    f->nodes[0].kind = NODE_FOLDER;
    f->nodes[0].mode = 0700;
    f->nodes[0].opens = 1;
    files = f;
}

void sim_files_crash(struct sim_files *f, enum sim_files_crash how)
{
    uint32_t some = sim_world_below(f->world, f->ops_count + 1);

    files = f;
    for (int i = 0; i < SIM_FILES_FDS; i++)
        f->fds[i].used = false;
    for (int i = 0; i < SIM_FILES_NODES; i++)
        f->nodes[i].opens = i == 0;
    sim_world_note(f->world, "crash", (uint64_t)how, f->ops_count);
    if (how == SIM_CRASH_KILLED)
        return;
    for (uint32_t i = 0; i < f->ops_count; i++) {
        if (sim_crash_keeps(f->world, how, i, some))
            sim_op_apply(f->kept, &f->ops[i]);
    }
    f->ops_count = 0;
    memcpy(f->now, f->kept, sizeof f->now);
    for (int i = 0; i < SIM_FILES_NODES; i++) {
        if (f->nodes[i].kind == NODE_FILE && f->nodes[i].dirty)
            sim_crash_bytes(f->world, &f->nodes[i], how);
        sim_node_sync(&f->nodes[i]);
    }
}

bool sim_files_flip(struct sim_files *f)
{
    uint32_t first = sim_world_below(f->world, SIM_FILES_ENTRIES), bit;

    for (uint32_t i = 0; i < SIM_FILES_ENTRIES; i++) {
        struct sim_file_node *n = &f->nodes[f->now[(first + i) % SIM_FILES_ENTRIES].node];
        if (n->kind != NODE_FILE || n->now.len == 0)
            continue;
        bit = sim_world_below(f->world, n->now.len * 8);
        n->now.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        n->dirty = true;
        sim_node_sync(n);
        sim_world_note(f->world, "bit flips in file", i, bit);
        return true;
    }
    return false;
}
