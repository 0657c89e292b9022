#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- net ---- */

static void bed_put(struct sockets_addr *out, const char *ip)
{
    (void)sockets_parse_ip(ip, out);
}

_Atomic bool bed_lookup_signals;

static int bed_lookup(const char *host, struct sockets_addr *out, int max)
{
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!sigismember(&blocked, SIGALRM) || !sigismember(&blocked, SIGINT))
        bed_lookup_signals = true;
    if (strcmp(host, "nothing.test") == 0)
        return 0;
    if (strcmp(host, "self.test") == 0) {
        bed_put(&out[0], "::1"); /* refuses where only 127.0.0.1 is listened on */
        bed_put(&out[1], "127.0.0.1");
        return 2;
    }
    if (strcmp(host, "dead-first.test") == 0) {
        bed_put(&out[0], BED_DEAD);
        bed_put(&out[1], "127.0.0.1");
        return 2;
    }
    if (strcmp(host, "slow.test") == 0) {
        struct timespec two = {2, 0};
        nanosleep(&two, NULL);
        bed_put(&out[0], "127.0.0.1");
        return 1;
    }
    return sockets_getaddrinfo(host, out, max);
}

static void bed_wait(void *ctx, uint32_t ms)
{
    struct bed *b = ctx;
    sockets_wait(&b->net, ms);
}

/* Below the range that the system takes for outgoing connections, and really free now. */
static uint16_t bed_free_port(void *ctx)
{
    static uint16_t next;

    (void)ctx;
    if (next == 0)
        next = (uint16_t)(12000 + (unsigned)getpid() % 400 * 50);
    for (;;) {
        struct sockaddr_in6 at;
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        memset(&at, 0, sizeof at);
        at.sin6_family = AF_INET6;
        next = next >= 32000 ? 12000 : (uint16_t)(next + 1);
        at.sin6_port = htons(next);
        int rc = bind(fd, (struct sockaddr *)&at, sizeof at);
        close(fd);
        if (rc == 0)
            return next;
    }
}

/* A listener with a full queue drops what comes: an address that never answers. */
static void bed_make_dead(void *ctx, uint16_t port)
{
    struct bed *b = ctx;
    struct sockaddr_in at;
    int on = 1;

    while (b->dead_count > 0)
        close(b->dead[--b->dead_count]);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    inet_pton(AF_INET, BED_DEAD, &at.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 0) != 0)
        perror("bed: listen");
    b->dead[b->dead_count++] = fd;
    for (int i = 0; i < 4; i++) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fd, (struct sockaddr *)&at, sizeof at);
        b->dead[b->dead_count++] = fd;
    }
}

/* ---- slots ---- */

static bool bed_reopen(void *ctx)
{
    struct bed *b = ctx;

    posix_slots_close(&b->slots);
    return posix_slots_open(&b->slots, b->state) == ACME_OK;
}

/* A folder where the new file is to be written: refused to root as well. */
static bool bed_fault(void *ctx, bool on)
{
    struct bed *b = ctx;
    char path[400];

    snprintf(path, sizeof path, "%s/certs/example.org/.new", b->state);
    return (on ? mkdir(path, 0700) : rmdir(path)) == 0;
}

struct bed_write {
    struct bed *b;
    enum acme_slot slot;
    const char *key;
    const void *data;
    size_t len;
};

static void bed_child_write(void *arg)
{
    struct bed_write *w = arg;
    const struct acme_slots *s = w->b->port.slots;

    (void)s->write(s->ctx, w->slot, w->key, w->data, w->len);
}

static int bed_cut_write(void *ctx, enum acme_slot slot, const char *key, const void *data,
                         size_t len, unsigned n)
{
    struct bed *b = ctx;
    struct bed_write w = {b, slot, key, data, len};
    int cut = bed_trace(bed_child_write, &w, n, NULL, 0);

    return cut < 0 || bed_reopen(b) ? cut : -1;
}

/* ---- clocks, entropy, events ---- */

static bool bed_entropy_off(void *ctx, bool off)
{
    (void)ctx;
    bed_entropy_mode = off ? BED_ENTROPY_EARLY : BED_ENTROPY_KERNEL;
    return true;
}

static bool bed_entropy_fail(void *ctx, bool fail)
{
    (void)ctx;
    bed_entropy_mode = fail ? BED_ENTROPY_BROKEN : BED_ENTROPY_KERNEL;
    return true;
}

static int64_t bed_floor = POSIX_CLOCK_FLOOR;

static int bed_unix_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    return posix_unix_time_above(bed_floor, seconds);
}

/* For the program, a clock that was not set is one that is before the floor. */
static bool bed_set_clock(void *ctx, bool set)
{
    (void)ctx;
    bed_floor = set ? POSIX_CLOCK_FLOOR : (int64_t)1 << 40;
    return true;
}

static void bed_event(void *ctx, const struct acme_event *event)
{
    struct bed *b = ctx;

    (void)event;
    b->events++;
}

static unsigned bed_events(void *ctx)
{
    return ((struct bed *)ctx)->events;
}

/* ---- up and down ---- */

bool bed_up(struct bed *b, const char *label)
{
    const char *tmp = getenv("TMPDIR");

    memset(b, 0, sizeof *b);
    snprintf(b->dir, sizeof b->dir, "%s/lwacme-port.XXXXXX", tmp != NULL ? tmp : P_tmpdir);
    if (mkdtemp(b->dir) == NULL || sockets_init(&b->net) != ACME_OK) {
        perror("bed");
        return false;
    }
    snprintf(b->state, sizeof b->state, "%s/state", b->dir);
    if (posix_slots_open(&b->slots, b->state) != ACME_OK) {
        fprintf(stderr, "bed: %s\n", b->slots.why);
        return false;
    }
    b->net.address_ms = 300;
    b->net.connect_ms = 1500;
    b->net.lookup = bed_lookup;
    b->slot_ops = posix_slots_ops(&b->slots);
    b->port = (struct acme_port){
        b, &sockets_net_ops, &b->slot_ops, posix_entropy, posix_now_ms, bed_unix_time, bed_event};
    b->hooks = (struct conf_hooks){
        .label = label,
        .port = &b->port,
        .ctx = b,
        .wait = bed_wait,
        .addr = "127.0.0.1",
        .addr6 = access("/proc/sys/net/ipv6", F_OK) == 0 ? "::1" : NULL,
        .free_port = bed_free_port,
        .sockets = SOCKETS_MAX * 2,
        .transfer = 3000000,
        .self_name = "self.test",
        .slow_name = "slow.test",
        .no_name = "nothing.test",
        .foreign = "198.51.100.7",
        .dead_addr = BED_DEAD,
        .dead_first = "dead-first.test",
        .make_dead = bed_make_dead,
        .checks_handles = true,
        .reopen = bed_reopen,
        .fault = bed_fault,
        .cut_write = bed_cut_write,
        .set_clock = bed_set_clock,
        .entropy_off = bed_entropy_off,
        .entropy_fail = bed_entropy_fail,
        .events = bed_events,
    };
    return true;
}

void bed_remove(const char *path)
{
    char below[4096];
    struct dirent *e;
    DIR *d = opendir(path);

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (snprintf(below, sizeof below, "%s/%s", path, e->d_name) < (int)sizeof below &&
            unlink(below) != 0)
            bed_remove(below);
    }
    if (d != NULL)
        closedir(d);
    (void)rmdir(path);
}

void bed_down(struct bed *b)
{
    while (b->dead_count > 0)
        close(b->dead[--b->dead_count]);
    sockets_down(&b->net);
    posix_slots_close(&b->slots);
    bed_remove(b->dir);
}

/* ---- cases ---- */

static char bed_text[400];

const char *bed_why(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(bed_text, sizeof bed_text, format, args);
    va_end(args);
    return bed_text;
}

const char *bed_in_child(const char *(*run)(struct bed *b), struct bed *b, bool as_nobody)
{
    int fds[2], status;
    size_t have = 0;
    ssize_t n;

    if (as_nobody && geteuid() != 0)
        return BED_SKIP "only root can become nobody";
    if (pipe2(fds, O_CLOEXEC) != 0)
        return "no pipe";
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        const char *why = "cannot become nobody";
        if (!as_nobody || (setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0))
            why = run(b);
        n = why != NULL ? write(fds[1], why, strlen(why)) : 0;
        _exit(n >= 0 ? 0 : 1);
    }
    close(fds[1]);
    while (have < sizeof bed_text - 1 &&
           (n = read(fds[0], bed_text + have, sizeof bed_text - 1 - have)) > 0)
        have += (size_t)n;
    bed_text[have] = '\0';
    close(fds[0]);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return "the child died";
    return have > 0 ? bed_text : NULL;
}

/* ---- cutting ---- */

static char bed_letter(uint64_t nr)
{
    static const struct {
        long nr;
        char letter;
    } known[] = {
        {SYS_mkdirat, 'm'},  {SYS_unlinkat, 'u'},  {SYS_write, 'w'},
        {SYS_fsync, 'f'},    {SYS_renameat2, 'r'},
#ifdef SYS_renameat
        {SYS_renameat, 'r'},
#endif
#ifdef SYS_rename
        {SYS_rename, 'R'}, /* not relative to a folder */
#endif
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((uint64_t)known[i].nr == nr)
            return known[i].letter;
    }
    return '\0';
}

static void bed_note_call(pid_t pid, char *calls, size_t cap)
{
    struct __ptrace_syscall_info info;
    size_t have = calls != NULL ? strlen(calls) : 0;

    if (calls == NULL || have + 1 >= cap)
        return;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    char letter = bed_letter(info.entry.nr);
    if (letter != '\0') {
        calls[have] = letter;
        calls[have + 1] = '\0';
    }
}

int bed_trace(void (*child)(void *arg), void *arg, unsigned n, char *calls, size_t cap)
{
    int status;
    unsigned stops = 0;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(9);
        raise(SIGSTOP);
        child(arg);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return -1;
    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid)
            return -1;
        if (WIFEXITED(status))
            return 0;
        if (WIFSIGNALED(status))
            return -1;
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80))
            continue;
        bed_note_call(pid, calls, cap);
        if (stops++ == n) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 1;
        }
    }
}
