/* sim_files.h - a file system that forgets what was not synced, as system calls for file slots
 *
 * The model is the one of ALICE: a name and the bytes of its file become durable by themselves,
 * each at its own time, and only fsync of the file, or of the folder, says when. A power cut keeps
 * any of what was under way. Modes, links to files and several mounts are not modelled; one
 * process.
 */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include <sys/types.h>

#include "sim_world.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_FILES_NODES   32
#define SIM_FILES_ENTRIES 48
#define SIM_FILES_OPS     96
#define SIM_FILES_FDS     16
#define SIM_FILES_BYTES   20480
#define SIM_FILES_NAME    80
#define SIM_FILES_BLOCK   512
#define SIM_FILES_FD      1000 /* the first descriptor */

/* What a crash leaves of that which was not synced. */
enum sim_files_crash {
    SIM_CRASH_LOST,   /* nothing */
    SIM_CRASH_KEPT,   /* all */
    SIM_CRASH_NAMES,  /* all names, no bytes: a file that was renamed into place is empty */
    SIM_CRASH_ZEROS,  /* all names; the files are as long as they should be, and zero */
    SIM_CRASH_PREFIX, /* the names of some time ago, and the first bytes */
    SIM_CRASH_ANY,    /* each name and each block, or not, whatever their order was */
    SIM_CRASH_KILLED, /* all, and nothing became durable: only the process died */
    SIM_CRASH_KINDS
};

struct sim_file_bytes {
    uint32_t len;
    uint8_t data[SIM_FILES_BYTES];
};

struct sim_file_node {
    uint8_t kind; /* enum in sim_files.c; 0: free */
    uint8_t opens;
    bool dirty; /* now is not kept */
    uint16_t mode;
    struct sim_file_bytes now, kept;
};

struct sim_file_entry {
    uint8_t dir, node; /* node 0 (the root): free */
    char name[SIM_FILES_NAME];
};

/* A change of a folder that is not durable. */
struct sim_file_op {
    uint8_t kind, dir, node;
    char from[SIM_FILES_NAME], name[SIM_FILES_NAME];
};

struct sim_file_fd {
    bool used;
    uint8_t node;
    uint32_t at;
};

struct sim_files {
    struct sim_world *world;
    bool mortal;                  /* its calls have moments */
    bool quiet;                   /* no faults now */
    bool looking;                 /* nor moments, and a sync does nothing */
    uint32_t eintr_permille;      /* a call is interrupted by a signal */
    uint32_t short_permille;      /* a write takes only a part */
    uint32_t full_permille;       /* there is no space */
    uint32_t error_permille;      /* a sync fails */
    uint32_t bad_blocks_permille; /* a read fails */
    uint32_t syncs, ops_count;
    struct sim_file_node nodes[SIM_FILES_NODES];
    struct sim_file_entry now[SIM_FILES_ENTRIES], kept[SIM_FILES_ENTRIES];
    struct sim_file_op ops[SIM_FILES_OPS];
    struct sim_file_fd fds[SIM_FILES_FDS];
};

/* From here on the calls below are about this one. It is empty, and has an (empty) root. */
void sim_files_init(struct sim_files *f, struct sim_world *w);
void sim_files_crash(struct sim_files *f, enum sim_files_crash how);
/* One bit of one file changes. False: there is no file. */
bool sim_files_flip(struct sim_files *f);

/* As in POSIX, for one process; AT_FDCWD is the root. */
struct stat;
int sim_openat(int dir, const char *name, int flags, ...);
int sim_close(int fd);
ssize_t sim_read(int fd, void *buf, size_t len);
ssize_t sim_pread(int fd, void *buf, size_t len, off_t at);
ssize_t sim_write(int fd, const void *data, size_t len);
int sim_fsync(int fd);
int sim_syncfs(int fd);
int sim_fstat(int fd, struct stat *st);
int sim_fstatat(int dir, const char *name, struct stat *st, int flags);
int sim_fchmod(int fd, mode_t mode);
int sim_ftruncate(int fd, off_t len);
int sim_flock(int fd, int how);
int sim_mkdirat(int dir, const char *name, mode_t mode);
int sim_unlinkat(int dir, const char *name, int flags);
int sim_renameat(int dir, const char *from, int to, const char *name);

#ifdef __cplusplus
}
#endif

#endif
