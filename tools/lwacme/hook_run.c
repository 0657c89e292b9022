/* One run of a program by this process: no shell, nothing inherited that it was not given, never
 * waited for. */
#include "conf_line.h"
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "linux_abi.h"
#include "posix_sys.h"

#define LINES_MAX  200        /* of what it prints; the rest is read and dropped */
#define DRAIN_MAX  (1u << 20) /* bytes in one go: who prints without end must not hold us */
#define OWN_VALUES 10

uint32_t hook_limit_ms = HOOK_LIMIT_MS;

static int fail(struct hook_run *r, const char *what, int sys)
{
    snprintf(r->why, sizeof r->why, "%.250s: %s%s%s", r->program, what, sys != 0 ? ": " : "",
             sys != 0 ? strerror(sys) : "");
    return ACME_E_SOLVER;
}

int hook_check(const char *program, char *why, size_t room)
{
    struct stat st;

    if (program[0] != '/')
        snprintf(why, room, "%.250s: give the absolute path of a program", program);
    else if (stat(program, &st) != 0)
        snprintf(why, room, "%.250s: %s", program, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        snprintf(why, room, "%.250s: is no program", program);
    else if (access(program, X_OK) != 0)
        snprintf(why, room, "%.250s: cannot be executed: %s", program, strerror(errno));
    else
        return 0;
    return -1;
}

/* -- its environment -- */

/* What makes a loader or a shell run other code; what the service manager told us alone; and what
 * we set ourselves. */
bool hook_env_dropped(const char *entry)
{
    static const char *const begins[] = {"LD_",
                                         "IFS=",
                                         "BASH_ENV=",
                                         "ENV=",
                                         "LWACME_",
                                         "NOTIFY_SOCKET=",
                                         "WATCHDOG_USEC=",
                                         "WATCHDOG_PID=",
                                         "RENEWED_LINEAGE=",
                                         "RENEWED_DOMAINS="};

    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (strncmp(entry, begins[i], strlen(begins[i])) == 0)
            return true;
    }
    return false;
}

struct environment {
    char **list; /* freed, as is text */
    size_t count;
    char *text;
    size_t len, room;
};

static void put(struct environment *e, const char *name, const char *folder, const char *value)
{
    int n = snprintf(e->text + e->len, e->room - e->len, "%s=%s%s%s", name, folder,
                     *folder != '\0' && *value != '\0' ? "/" : "", value);

    e->list[e->count++] = e->text + e->len;
    e->len += (size_t)n + 1; /* room was counted for all */
}

static void free_environment(struct environment *e)
{
    free(e->list);
    free(e->text);
}

static bool make_environment(struct environment *e, const struct hook_facts *f)
{
    char key[HOOK_FOLDER_ROOM + 16];
    size_t inherited = 0;

    while (environ != NULL && environ[inherited] != NULL)
        inherited++;
    memset(e, 0, sizeof *e);
    e->room = 7 * strlen(f->folder) + 2 * strlen(f->names) + strlen(f->cert_name) +
              strlen(f->reason) + OWN_VALUES * 40;
    e->list = calloc(inherited + OWN_VALUES + 1, sizeof *e->list);
    e->text = malloc(e->room);
    if (e->list == NULL || e->text == NULL)
        return false;
    for (size_t i = 0; i < inherited; i++) {
        if (!hook_env_dropped(environ[i]))
            e->list[e->count++] = environ[i];
    }
    put(e, "LWACME_CERT_NAME", "", f->cert_name);
    put(e, "LWACME_FOLDER", f->folder, "");
    put(e, "LWACME_CERT", f->folder, "cert.pem");
    put(e, "LWACME_CHAIN", f->folder, "chain.pem");
    put(e, "LWACME_FULLCHAIN", f->folder, "fullchain.pem");
    /* Set also where there is none, for scripts with `set -u`: a request's key lies elsewhere. */
    snprintf(key, sizeof key, "%.640s/privkey.pem", f->folder);
    put(e, "LWACME_KEY", access(key, F_OK) == 0 ? f->folder : "",
        access(key, F_OK) == 0 ? "privkey.pem" : "");
    put(e, "LWACME_NAMES", "", f->names);
    put(e, "LWACME_REASON", "", f->reason);
    put(e, "RENEWED_LINEAGE", f->folder, ""); /* as certbot calls them */
    put(e, "RENEWED_DOMAINS", "", f->names);
    return true;
}

/* -- its start -- */

void hook_close_from(int first)
{
    struct rlimit limit;
    int end = 1024;

    if (syscall(ABI_close_range, first, ~0u, 0) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        end = limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = first; fd < end; fd++)
        (void)close(fd);
}

/* After fork, where threads may have held any lock: system calls only. */
_Noreturn static void become(const struct hook_launch *l, int null, int out, int fault,
                             pid_t parent)
{
    struct sigaction action;
    sigset_t none;
    int why;

    (void)setpgid(0, 0);
    umask(022); /* a program that copies certificates for others; ours is private */
    /* Whoever comes after us starts it again: the two must not meet. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(127);
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int n = 1; n < _NSIG; n++)
        (void)sigaction(n, &action, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(null, 0) == 0 && dup2(out, 1) == 1 && (l->stays || dup2(out, 2) == 2) &&
        (fault == 3 || dup3(fault, 3, O_CLOEXEC) == 3) && (l->stays || chdir("/") == 0)) {
        hook_close_from(4);
        execve(l->argv[0], l->argv, l->environment);
    }
    why = errno;
    (void)!write(3, &why, sizeof why);
    _exit(127);
}

/* An end that is read by us without waiting, and closed in whoever we start. */
static bool make_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

/* Handlers must not run in the child before they are reset. */
static long fork_quietly(const struct hook_launch *l, int null, int out, int fault)
{
    sigset_t all, before;
    pid_t pid, parent = getpid();

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        become(l, null, out, fault, parent);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid > 0)
        (void)setpgid(pid, pid); /* both do, so that neither has to wait for the other */
    return pid;
}

int hook_run_launch(struct hook_run *r, const struct hook_launch *l)
{
    int fds[5] = {-1, -1, -1, -1, -1}; /* what it prints, why it did not start, /dev/null */
    int sys = 0;

    memset(r, 0, sizeof *r);
    r->word = l->word;
    r->limit_ms = l->limit_ms;
    snprintf(r->program, sizeof r->program, "%s", l->argv[0]);
    if (strlen(l->argv[0]) >= sizeof r->program)
        return fail(r, "the path is too long", 0);
    if (hook_check(l->argv[0], r->why, sizeof r->why) != 0)
        return ACME_E_SOLVER;
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, its status would be lost */
    fds[4] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    r->pid = -1;
    if (make_pipe(fds) && make_pipe(fds + 2) && fds[4] >= 0)
        r->pid = fork_quietly(l, fds[4], fds[1], fds[3]);
    if (r->pid < 0) {
        sys = errno;
        r->pid = 0;
        close_all(fds, 5);
        return fail(r, "cannot be started", sys);
    }
    r->out = fds[0];
    r->fault = fds[2];
    fds[0] = fds[2] = -1;
    close_all(fds, 5);
    r->since_ms = posix_now_ms(NULL);
    return ACME_OK;
}

int hook_run_start(struct hook_run *r, const struct hook_facts *facts)
{
    char *argv[] = {(char *)(uintptr_t)facts->program, NULL};
    struct hook_launch l = {.argv = argv, .word = "hook", .limit_ms = hook_limit_ms};
    struct environment e;
    int err;

    if (make_environment(&e, facts)) {
        l.environment = e.list;
        err = hook_run_launch(r, &l);
    } else {
        memset(r, 0, sizeof *r);
        snprintf(r->program, sizeof r->program, "%s", facts->program);
        err = fail(r, "cannot be started", ENOMEM);
    }
    free_environment(&e);
    return err;
}

/* -- what it prints -- */

static void show_line(struct hook_run *r)
{
    bool plain;

    if (r->lines > LINES_MAX) {
        r->line_len = 0;
        return;
    }
    r->line[r->line_len] = '\0';
    for (size_t i = 0; i < r->line_len; i++) {
        if ((unsigned char)r->line[i] < ' ' || r->line[i] == 127)
            r->line[i] = r->line[i] == '\t' ? ' ' : '?';
    }
    plain = conf_plain_text(acme_slice_text(r->line));
    for (size_t i = 0; !plain && i < r->line_len; i++) {
        if ((unsigned char)r->line[i] > 126)
            r->line[i] = '?';
    }
    fprintf(log_to(LOG_TELL), "lwacme: %s: %s\n", r->word,
            r->lines < LINES_MAX ? r->line : "(what else it prints is not shown)");
    r->lines++;
    r->line_len = 0;
}

static void drain(struct hook_run *r)
{
    char piece[4096];
    size_t sum = 0;
    ssize_t n = 1;

    while (r->out >= 0 && sum < DRAIN_MAX && (n = read(r->out, piece, sizeof piece)) > 0) {
        sum += (size_t)n;
        for (ssize_t i = 0; i < n && r->begun_len + 1 < sizeof r->begun; i++)
            r->begun[r->begun_len++] = piece[i];
        for (ssize_t i = 0; i < n; i++) {
            if (piece[i] == '\n' || r->line_len + 1 == sizeof r->line)
                show_line(r);
            if (piece[i] != '\n')
                r->line[r->line_len++] = piece[i];
        }
    }
    /* It has closed its end, and may go on for long: who polls must not spin on that. */
    if (n == 0) {
        close(r->out);
        r->out = -1;
    }
}

/* -- its end -- */

/* What it left behind in its process group goes on: a service may have been started. What that
 * prints from now on nobody reads. */
static void let_go(struct hook_run *r)
{
    drain(r);
    if (r->line_len > 0)
        show_line(r);
    if (r->out >= 0)
        close(r->out);
    close(r->fault);
    r->pid = 0;
}

static int judge(struct hook_run *r, int how, int sys)
{
    char text[80];

    r->status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    if (sys != 0)
        return fail(r, "cannot be started", sys);
    if (r->overdue)
        snprintf(text, sizeof text, "killed: it did not end within %lu s",
                 (unsigned long)(r->limit_ms / 1000));
    else if (WIFSIGNALED(how))
        snprintf(text, sizeof text, "killed by signal %d (%s)", WTERMSIG(how),
                 strsignal(WTERMSIG(how)));
    else if (r->status == 0)
        return ACME_OK;
    else
        snprintf(text, sizeof text, "exit status %d", r->status);
    return fail(r, text, 0);
}

int hook_run_poll(struct hook_run *r, uint64_t now_ms)
{
    int how = 0, sys = 0;
    pid_t ended;

    drain(r);
    ended = waitpid((pid_t)r->pid, &how, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
        if (now_ms > r->since_ms && now_ms - r->since_ms >= r->limit_ms) {
            r->overdue = true;
            (void)kill((pid_t)-r->pid, SIGKILL);
        }
        return ACME_AGAIN;
    }
    if (read(r->fault, &sys, sizeof sys) != (ssize_t)sizeof sys)
        sys = 0;
    let_go(r);
    if (ended < 0)
        return fail(r, "nobody knows how it ended", errno);
    return judge(r, how, sys);
}

void hook_run_stop(struct hook_run *r)
{
    static const struct timespec pause = {0, 10000000};
    int tries = 100;

    if (r->pid == 0)
        return;
    (void)kill((pid_t)-r->pid, SIGKILL);
    /* That takes no time, but where the kernel itself is stuck with it. */
    while (tries-- > 0 && waitpid((pid_t)r->pid, NULL, WNOHANG) == 0)
        (void)nanosleep(&pause, NULL);
    let_go(r);
    r->status = 128 + SIGKILL;
    (void)fail(r, "stopped", 0);
}
