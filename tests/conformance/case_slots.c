/* case_slots.c - crashes, full disks, locks: what only files can show of the slot contract */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define XS_NAME "cut.example.org"

static unsigned char xs_buf[70000];

static int xs_write(struct bed *b, enum acme_slot slot, const char *key, unsigned char fill,
                    size_t len)
{
    memset(xs_buf, fill, len);
    return b->slot_ops.write(b->slot_ops.ctx, slot, key, xs_buf, len);
}

/* The byte that the whole record consists of, or -1; *len: its length or error. */
static int xs_fill(struct bed *b, enum acme_slot slot, const char *key, int *len)
{
    *len = b->slot_ops.read(b->slot_ops.ctx, slot, key, xs_buf, sizeof xs_buf);
    for (int i = 1; i < *len; i++) {
        if (xs_buf[i] != xs_buf[0])
            return -1;
    }
    return *len > 0 ? xs_buf[0] : -1;
}

static bool xs_holds(struct bed *b, enum acme_slot slot, const char *key, unsigned char fill,
                     int len)
{
    int got;
    return xs_fill(b, slot, key, &got) == fill && got == len;
}

static bool xs_exists(struct bed *b, const char *below)
{
    char path[600];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", b->state, below);
    return lstat(path, &st) == 0;
}

static void xs_write_for_ever(struct bed *b, int begun)
{
    for (unsigned i = 0;; i++) {
        (void)xs_write(b, ACME_SLOT_CERT_A, XS_NAME, i % 2 ? 'A' : 'B', i % 2 ? 5000 : 40000);
        if (i == 0 && write(begun, "", 1) != 1)
            _exit(1);
    }
}

/* A process that is killed again and again while it writes two records in turn. */
static const char *xs_killed(struct bed *b)
{
    unsigned seen[2] = {0, 0}, whole = 0;

    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, XS_NAME, 'A', 5000), ACME_OK);
    srandom((unsigned)getpid());
    for (int round = 0; round < 200; round++) {
        int begun[2];
        char byte;
        WANT(pipe(begun) == 0);
        fflush(stdout);
        pid_t pid = fork();
        WANT(pid >= 0);
        if (pid == 0)
            xs_write_for_ever(b, begun[1]);
        close(begun[1]);
        bool writes = read(begun[0], &byte, 1) == 1;
        close(begun[0]);
        struct timespec rest = {0, 1000 * (random() % 4000)};
        nanosleep(&rest, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        WANT(writes && b->hooks.reopen(b));
        int len, fill = xs_fill(b, ACME_SLOT_CERT_A, XS_NAME, &len);
        if (!(fill == 'A' && len == 5000) && !(fill == 'B' && len == 40000))
            return bed_why("round %d: %d bytes of %d", round, len, fill);
        seen[fill == 'B']++;
        whole += xs_exists(b, "certs/" XS_NAME "/.new"); /* cut in the middle */
    }
    WANT(seen[0] > 10 && seen[1] > 10);
    WANT(whole > 0); /* else the kill never hit a write */
    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, XS_NAME, 'C', 100), ACME_OK);
    WANT(!xs_exists(b, "certs/" XS_NAME "/.new"));
    return NULL;
}

static void xs_child_write(void *arg)
{
    (void)xs_write(arg, ACME_SLOT_SCHED, "order.example.org", 'x', 300);
}

static void xs_child_empty(void *arg)
{
    (void)xs_write(arg, ACME_SLOT_SCHED, "order.example.org", 'x', 0);
}

/* A power cut also loses what was not synced: the file before its name, the folder after. */
static const char *xs_sync_order(struct bed *b)
{
    char calls[64] = "";

    if (bed_trace(xs_child_write, b, 1u << 30, calls, sizeof calls) < 0 || calls[0] == '\0')
        return BED_SKIP "no tracing here";
    /* certs may be there already, the name's folder is not */
    const char *p = strncmp(calls, "mf", 2) == 0 && calls[2] == 'm' ? calls + 2 : calls;
    if (strcmp(p, "mfuwfrf") != 0)
        return bed_why("the first write did %s, not mfuwfrf", calls);
    calls[0] = '\0';
    WANT(bed_trace(xs_child_write, b, 1u << 30, calls, sizeof calls) == 0);
    if (strcmp(calls, "uwfrf") != 0)
        return bed_why("a write did %s, not uwfrf", calls);
    calls[0] = '\0';
    WANT(bed_trace(xs_child_empty, b, 1u << 30, calls, sizeof calls) == 0);
    if (strcmp(calls, "uf") != 0)
        return bed_why("emptying did %s, not uf", calls);
    return NULL;
}

static const char *xs_full_disk_child(struct bed *b)
{
    char dir[300];
    unsigned count = 0;
    int got = ACME_OK;

    snprintf(dir, sizeof dir, "%s/small", b->dir);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return BED_SKIP "no private mounts here";
    WANT(mkdir(dir, 0700) == 0);
    if (mount("none", dir, "tmpfs", 0, "size=128k,mode=0700") != 0)
        return BED_SKIP "no tmpfs here";
    posix_slots_close(&b->slots);
    WANT_STATUS(posix_slots_open(&b->slots, dir), ACME_OK);
    snprintf(b->state, sizeof b->state, "%s", dir);
    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "a.example", 'A', 20000), ACME_OK);
    for (char key[] = "f0.example"; count < 60 && got == ACME_OK; count++) {
        key[1] = (char)('0' + count);
        if (count >= 10)
            key[0] = (char)('g' + count / 10), key[1] = (char)('0' + count % 10);
        got = xs_write(b, ACME_SLOT_SCHED, key, 'f', 8000);
    }
    WANT_STATUS(got, ACME_E_SLOT_FULL);
    WANT(strstr(b->slots.why, "No space left") != NULL && b->slots.sys_errno == ENOSPC);
    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "a.example", 'B', 40000), ACME_E_SLOT_FULL);
    WANT(xs_holds(b, ACME_SLOT_CERT_A, "a.example", 'A', 20000));
    WANT(!xs_exists(b, "certs/a.example/.new"));
    WANT_STATUS(xs_write(b, ACME_SLOT_SCHED, "f0.example", 'f', 0), ACME_OK); /* room again */
    WANT_STATUS(xs_write(b, ACME_SLOT_SCHED, "f1.example", 'f', 0), ACME_OK);
    WANT_STATUS(xs_write(b, ACME_SLOT_DEVICE, "", 'D', 3000), ACME_OK);
    WANT(xs_holds(b, ACME_SLOT_DEVICE, "", 'D', 3000));
    return NULL;
}

static const char *xs_full_disk(struct bed *b)
{
    if (geteuid() != 0)
        return BED_SKIP "only root can mount a small disk";
    return bed_in_child(xs_full_disk_child, b, false);
}

/* The system takes some bytes and then none: a short write, then an error. */
static const char *xs_short_write_child(struct bed *b)
{
    struct rlimit small = {1000, 1000};

    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "a.example", 'A', 900), ACME_OK);
    WANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &small) == 0);
    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "a.example", 'B', 3000), ACME_E_SIZE);
    WANT(xs_holds(b, ACME_SLOT_CERT_A, "a.example", 'A', 900));
    WANT(!xs_exists(b, "certs/a.example/.new"));
    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "a.example", 'C', 1000), ACME_OK);
    WANT(xs_holds(b, ACME_SLOT_CERT_A, "a.example", 'C', 1000));
    return NULL;
}

static const char *xs_short_write(struct bed *b)
{
    struct conf_report report = {.quiet = true};

    bed_short_writes = true;
    (void)conf_run(&b->hooks, "S02", &report);
    bed_short_writes = false;
    if (report.failed > 0)
        return bed_why("%s", report.why);
    return bed_in_child(xs_short_write_child, b, false);
}

static const char *xs_sync_fails(struct bed *b)
{
    for (unsigned n = 1; n <= 2; n++) {
        WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "sync.example", 'A', 900), ACME_OK);
        bed_fsync_fails = n;
        WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "sync.example", 'B', 800), ACME_E_SLOT);
        WANT(bed_fsync_fails == 0 && b->slots.sys_errno == EIO);
        WANT(!xs_exists(b, "certs/sync.example/.new"));
        WANT(n == 1 ? xs_holds(b, ACME_SLOT_CERT_A, "sync.example", 'A', 900)
                    : xs_holds(b, ACME_SLOT_CERT_A, "sync.example", 'B', 800));
    }
    bed_fsync_fails = 1;
    WANT_STATUS(xs_write(b, ACME_SLOT_CERT_A, "sync.example", 'B', 0), ACME_E_SLOT);
    return NULL;
}

/* ---- the lock ---- */

static const char *xs_second(struct bed *b)
{
    struct posix_slots other;

    WANT_STATUS(posix_slots_open(&other, b->state), ACME_AGAIN);
    WANT(other.holder == (long)getppid());
    WANT(strstr(other.why, "in use by process") != NULL);
    posix_slots_close(&other); /* harmless */
    WANT_STATUS(posix_slots_open(&other, b->state), ACME_AGAIN);
    WANT(other.holder == (long)getppid());
    /* Looking is allowed beside it, writing is not. */
    WANT_STATUS(posix_slots_open_read(&other, b->state), ACME_OK);
    struct acme_slots ops = posix_slots_ops(&other);
    WANT(ops.read(ops.ctx, ACME_SLOT_DEVICE, "", xs_buf, sizeof xs_buf) == 77);
    WANT_STATUS(ops.write(ops.ctx, ACME_SLOT_DEVICE, "", "x", 1), ACME_E_SLOT);
    WANT_STATUS(ops.write(ops.ctx, ACME_SLOT_DEVICE, "", "x", 0), ACME_E_SLOT);
    posix_slots_close(&other);
    return NULL;
}

static const char *xs_third(struct bed *b)
{
    struct posix_slots other;

    WANT_STATUS(posix_slots_open(&other, b->state), ACME_OK);
    posix_slots_close(&other);
    return NULL;
}

static const char *xs_lock(struct bed *b)
{
    WANT_STATUS(xs_write(b, ACME_SLOT_DEVICE, "", 'D', 77), ACME_OK);
    const char *why = bed_in_child(xs_second, b, false);
    if (why != NULL)
        return why;
    /* The lock goes with its holder. */
    posix_slots_close(&b->slots);
    int ready[2];
    char byte;
    WANT(pipe(ready) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (posix_slots_open(&b->slots, b->state) != ACME_OK || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    close(ready[1]);
    bool locked = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    int busy = posix_slots_open(&b->slots, b->state);
    bool named = b->slots.holder == (long)pid;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    why = bed_in_child(xs_third, b, false);
    WANT_STATUS(posix_slots_open(&b->slots, b->state), ACME_OK);
    WANT(locked && named);
    WANT_STATUS(busy, ACME_AGAIN);
    return why;
}

static const char *xs_read_only_absent(struct bed *b)
{
    struct posix_slots other;
    char dir[320];
    struct stat st;

    snprintf(dir, sizeof dir, "%s/absent", b->dir);
    WANT_STATUS(posix_slots_open_read(&other, dir), ACME_E_SLOT_EMPTY);
    WANT(stat(dir, &st) != 0);
    posix_slots_close(&other);
    WANT_STATUS(posix_slots_open_read(&other, ""), ACME_E_SLOT);
    WANT_STATUS(posix_slots_open(&other, ""), ACME_E_SLOT);
    return NULL;
}

/* ---- where it lies ---- */

static const char *xs_deep_child(struct bed *b)
{
    static char dir[12000];
    struct posix_slots s;
    size_t at = (size_t)snprintf(dir, sizeof dir, "%s", "deep");

    WANT(chdir(b->dir) == 0); /* a relative path, longer than PATH_MAX */
    for (int i = 0; i < 50; i++) {
        dir[at++] = '/';
        memset(dir + at, 'd', 200);
        at += 200;
    }
    strcpy(dir + at, "//.//");
    WANT_STATUS(posix_slots_open(&s, dir), ACME_OK);
    struct acme_slots ops = posix_slots_ops(&s);
    WANT_STATUS(ops.write(ops.ctx, ACME_SLOT_CERT_A, "a.example", "abc", 3), ACME_OK);
    WANT(ops.read(ops.ctx, ACME_SLOT_CERT_A, "a.example", xs_buf, 3) == 3);
    WANT_STATUS(ops.write(ops.ctx, ACME_SLOT_CERT_A, "*.*", "abc", 3), ACME_E_ARG);
    WANT(memchr(s.why, '\0', sizeof s.why) != NULL); /* a path cut to fit */
    posix_slots_close(&s);
    return NULL;
}

static const char *xs_deep(struct bed *b)
{
    return bed_in_child(xs_deep_child, b, false);
}

const struct bed_case cases_slots[] = {
    {"killed-while-writing", xs_killed}, {"sync-order", xs_sync_order}, {"full-disk", xs_full_disk},
    {"short-write", xs_short_write},     {"sync-fails", xs_sync_fails}, {"lock", xs_lock},
    {"read-only", xs_read_only_absent},  {"deep-folder", xs_deep},      {NULL, NULL},
};
