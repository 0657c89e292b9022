/* host_try: the parts of the command that only a daemon uses, one by one, for test_host.py
 *
 *     host_try hook PROGRAM FOLDER [LIMIT_MS [STOP_MS]]   a hook, run to its end
 *     host_try owed FOLDER | done FOLDER
 *     host_try runner LIST USER|-     a runner; LIST has lines "PROGRAM CERT FOLDER", read anew by
 * "reload" host_try drop USER|- PATH...    give up what a daemon gives up host_try kept USER PATH
 * can this user not change what PATH is? host_try notify TEXT | watchdog host_try log stderr|syslog
 *
 * runner and drop then do what the lines of stdin say, and print one line for each.
 */
#include "lwacme.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "posix_sys.h"

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static int say(int err, const struct hook *h)
{
    printf("%s status %d why %s\n",
           err == ACME_OK         ? "ok"
           : err == ACME_E_SOLVER ? "failed"
                                  : "strange",
           h->status, h->why[0] != '\0' ? h->why : "-");
    return err == ACME_OK ? 0 : 1;
}

static int run_hook(const struct hook_facts *facts, uint64_t stop_ms)
{
    static struct hook hook;
    uint64_t since = posix_now_ms(NULL);
    int err = hook_start(&hook, facts);

    if (err == ACME_OK)
        err = ACME_AGAIN;
    while (err == ACME_AGAIN) {
        pause_ms(5);
        err = hook_poll(&hook, posix_now_ms(NULL));
        if (err == ACME_AGAIN && stop_ms > 0 && posix_now_ms(NULL) - since >= stop_ms) {
            hook_stop(&hook);
            err = ACME_E_SOLVER;
        }
    }
    return say(err, &hook);
}

static int try_hook(int argc, char **argv)
{
    struct hook_facts facts = {.program = argv[0],
                               .cert_name = "a.example.net",
                               .folder = argv[1],
                               .names = "a.example.net *.b.example.net 192.0.2.1",
                               .reason = "renewed"};

    if (argc > 2)
        hook_limit_ms = (uint32_t)strtoul(argv[2], NULL, 10);
    return run_hook(&facts, argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
}

/* -- runner -- */

struct list {
    const char *path;
    char program[8][300], cert[8][100], folder[8][300];
    size_t count;
};

static bool list_read(void *ctx)
{
    struct list *list = ctx;
    char line[800];
    FILE *f = fopen(list->path, "re");

    if (f == NULL)
        return false;
    list->count = 0;
    while (list->count < 8 && fgets(line, sizeof line, f) != NULL &&
           sscanf(line, "%299s %99s %299s", list->program[list->count], list->cert[list->count],
                  list->folder[list->count]) == 3)
        list->count++;
    fclose(f);
    return true;
}

static size_t list_count(void *ctx)
{
    return ((struct list *)ctx)->count;
}

static bool list_job(void *ctx, size_t i, struct hook_job *job)
{
    struct list *list = ctx;

    if (i >= list->count)
        return false;
    job->facts.program = list->program[i];
    job->facts.cert_name = list->cert[i];
    job->facts.folder = list->folder[i];
    job->facts.names = list->cert[i];
    job->facts.index = i;
    job->facts.reason = "again";
    return true;
}

static int drop_to(const char *user, const char *path)
{
    static struct privilege p;

    p.user = user;
    p.paths[0] = path;
    printf("drop %s\n", privilege_drop(&p) == 0 ? "done" : p.why);
    return 0;
}

/* Bytes that are no request, to the descriptor of the runner: the first socket above 2. */
static int send_raw(size_t len, unsigned seed)
{
    unsigned char bytes[1024];
    int type = 0;
    socklen_t room = sizeof type;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (int fd = 3; fd < 64; fd++) {
        room = sizeof type;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &room) == 0 && type == SOCK_SEQPACKET)
            return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
    }
    return -1;
}

static struct list ours; /* the daemon's copy of what its runner reads */

static void runner_line(const char *line)
{
    char word[20] = "", cert[100] = "", folder[300] = "", reason[20] = "";
    unsigned long a = 0, b = 0;
    struct hook_facts facts = {.program = "/nonexistent"};

    if (sscanf(line, "run %lu %99s %299s %19s %lu", &a, cert, folder, reason, &b) >= 4) {
        facts.index = a;
        facts.cert_name = cert;
        facts.folder = folder;
        facts.program = a < ours.count ? ours.program[a] : "/nonexistent";
        facts.names = cert;
        facts.reason = reason;
        (void)run_hook(&facts, b);
    } else if (sscanf(line, "raw %lu %lu", &a, &b) == 2)
        printf("raw %s\n", send_raw(a, (unsigned)b) == 0 ? "sent" : strerror(errno));
    else if (sscanf(line, "drop %99s %299s", cert, folder) == 2)
        (void)drop_to(cert, folder);
    else if (sscanf(line, "%19s", word) == 1 && strcmp(word, "reload") == 0) {
        runner_reload();
        (void)list_read(&ours);
        puts("reload");
    } else if (strcmp(word, "pid") == 0)
        printf("pid %ld\n", runner_pid());
    else if (strcmp(word, "die") == 0)
        (void)raise(SIGKILL);
    else
        printf("what? %s\n", line);
}

static int try_runner(char **argv, void (*line)(const char *))
{
    static struct list list;
    struct runner_source source = {
        .ctx = &list, .config = argv[0], .job = list_job, .count = list_count, .reload = list_read};
    char why[700], text[900];

    list.path = ours.path = argv[0];
    if (!list_read(&list) || !list_read(&ours) ||
        runner_start(&source, argv[1][0] == '-' ? NULL : argv[1], why, sizeof why) != 0) {
        printf("no runner: %s\n", why);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (fgets(text, sizeof text, stdin) != NULL) {
        line(text);
        fflush(stdout);
    }
    runner_stop();
    return 0;
}

/* -- drop -- */

static int try_bind(const char *port)
{
    struct sockaddr_in to;
    int err, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    err = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&to, sizeof to);
    if (fd >= 0)
        close(fd);
    return err;
}

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);

    return fd >= 0 ? close(fd) : -1;
}

static int try_exec(const char *path)
{
    char *argv[] = {(char *)path, NULL};
    int how = 0, why;
    pid_t pid = fork();

    if (pid == 0) {
        execv(path, argv);
        _exit(errno);
    }
    if (pid < 0 || waitpid(pid, &how, 0) != pid || !WIFEXITED(how))
        return -1;
    why = WEXITSTATUS(how);
    errno = why;
    return why == 0 ? 0 : -1;
}

static int act(const char *what, char *a, char *b)
{
    struct rlimit limit;

    if (strcmp(what, "write") == 0)
        return try_open(a, O_WRONLY | O_CREAT | O_TRUNC);
    if (strcmp(what, "read") == 0)
        return try_open(a, O_RDONLY);
    if (strcmp(what, "unlink") == 0)
        return unlink(a);
    if (strcmp(what, "mkdir") == 0)
        return mkdir(a, 0755);
    if (strcmp(what, "symlink") == 0)
        return symlink("somewhere", a);
    if (strcmp(what, "rename") == 0)
        return rename(a, b);
    if (strcmp(what, "truncate") == 0)
        return truncate(a, 0);
    if (strcmp(what, "mkfifo") == 0)
        return mkfifo(a, 0600);
    if (strcmp(what, "exec") == 0)
        return try_exec(a);
    if (strcmp(what, "bind") == 0)
        return try_bind(a);
    if (strcmp(what, "setuid") == 0)
        return setuid((uid_t)strtoul(a, NULL, 10));
    if (strcmp(what, "chroot") == 0)
        return chroot(a);
    if (strcmp(what, "ptrace") == 0)
        return (int)ptrace(PTRACE_ATTACH, (pid_t)strtol(a, NULL, 10), NULL, NULL);
    if (strcmp(what, "personality") == 0)
        return personality(0xffffffff) < 0 ? -1 : 0;
    if (strcmp(what, "dumpable") == 0)
        return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (strcmp(what, "core") == 0)
        return getrlimit(RLIMIT_CORE, &limit) == 0 ? (int)(limit.rlim_cur + limit.rlim_max) : -1;
    if (strcmp(what, "nofile") == 0)
        return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int)limit.rlim_max : -1;
    if (strcmp(what, "raise") == 0) {
        limit.rlim_cur = limit.rlim_max = strtoul(a, NULL, 10);
        return setrlimit(RLIMIT_NOFILE, &limit);
    }
    errno = ENOTSUP;
    return -1;
}

static void show_status(void)
{
    char line[400];
    FILE *f = fopen("/proc/self/status", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "Uid", 3) == 0 || strncmp(line, "Gid", 3) == 0 ||
            strncmp(line, "Groups", 6) == 0 || strncmp(line, "Cap", 3) == 0 ||
            strncmp(line, "NoNewPrivs", 10) == 0 || strncmp(line, "Seccomp:", 8) == 0)
            fputs(line, stdout);
    }
    if (f != NULL)
        fclose(f);
}

static int try_drop(int argc, char **argv)
{
    static struct privilege p;
    char line[900], what[20], a[400], b[400];

    p.user = argv[0][0] == '-' ? NULL : argv[0];
    for (int i = 1; i < argc && i < PRIVILEGE_PATHS; i++)
        p.paths[i - 1] = argv[i];
    if (privilege_drop(&p) != 0) {
        printf("refused: %s\n", p.why);
        return 1;
    }
    printf("missing: %s\n", p.missing);
    show_status();
    puts("dropped");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        a[0] = b[0] = '\0';
        if (sscanf(line, "%19s %399s %399s", what, a, b) < 1)
            continue;
        errno = 0;
        int got = act(what, a, b);
        printf("%s %s: %d %s\n", what, a, got, got < 0 ? strerror(errno) : "");
        fflush(stdout);
    }
    return 0;
}

static int try_kept(char **argv)
{
    struct person who;
    char why[700] = "";

    if (person_find(&who, argv[0], why, sizeof why) == 0 &&
        path_kept_from(&who, argv[1], why, sizeof why) == 0) {
        puts("kept");
        return 0;
    }
    printf("not kept: %s\n", why);
    return 1;
}

static int try_log(const char *where)
{
    log_open(strcmp(where, "syslog") == 0);
    fprintf(log_to(LOG_BAD), "lwacme: error: %s\n", "one");
    fprintf(log_to(LOG_BAD), "  step      %s\n", "two");
    fprintf(log_to(LOG_WARN), "lwacme: %s", "three, ");
    fprintf(log_to(LOG_WARN), "in two parts\n");
    fprintf(log_to(LOG_DETAIL), "lwacme: %0900d\n", 4);
    fprintf(log_to(LOG_TELL), "lwacme: five 100%% %%s\n");
    (void)log_close();
    log_open(strcmp(where, "syslog") == 0);
    fprintf(log_to(LOG_NOTE), "lwacme: six\n");
    fflush(NULL);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "hook") == 0 && argc >= 4)
        return try_hook(argc - 2, argv + 2);
    if (strcmp(what, "owed") == 0 && argc == 3)
        return !hook_owed(argv[2]);
    if (strcmp(what, "done") == 0 && argc == 3)
        return hook_done(argv[2]) != 0;
    if (strcmp(what, "runner") == 0 && argc == 4)
        return try_runner(argv + 2, runner_line);
    if (strcmp(what, "drop") == 0 && argc >= 3)
        return try_drop(argc - 2, argv + 2);
    if (strcmp(what, "kept") == 0 && argc == 4)
        return try_kept(argv + 2);
    if (strcmp(what, "notify") == 0 && argc == 3) {
        notify_state("%s", argv[2]);
        return 0;
    }
    if (strcmp(what, "watchdog") == 0) {
        printf("%lu\n", (unsigned long)notify_watchdog_ms());
        return 0;
    }
    if (strcmp(what, "log") == 0 && argc == 3)
        return try_log(argv[2]);
    fputs("usage: see tests/host/host_try.c\n", stderr);
    return 2;
}
