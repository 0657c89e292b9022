/* The runner of hooks: a process that keeps the rights the daemon has given up.
 *
 * It trusts the daemon in nothing. A request names a certificate by its place in the configuration
 * and by its name, and gives one of three words as the reason. Program, folder and names are what
 * the runner's own copy of the configuration says; that copy is read anew from the same file, which
 * the daemon cannot write. What is no request at all ends the runner: then the daemon is not what
 * it was.
 */
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "posix_sys.h"
#include "runner.h"

static const char *const reasons[] = {"new", "renewed", "again"};
enum { REASONS = sizeof reasons / sizeof reasons[0] };

/* The daemon's side. */
static struct {
    long pid;
    int fd;
} runner;

/* -- the runner's side -- */

struct serving {
    const struct runner_source *source;
    const struct person *daemon; /* NULL: it has the rights that we have */
    int fd;
    uint32_t serial; /* of the hook that runs */
    struct hook_run run;
    struct hook_job job;
};

bool runner_request_read(const void *data, size_t len, struct runner_request *out)
{
    if (len != sizeof *out)
        return false;
    memcpy(out, data, sizeof *out);
    if (memchr(out->cert_name, '\0', sizeof out->cert_name) == NULL)
        return false;
    return out->serial != 0 && out->reason < REASONS &&
           (out->kind == RUNNER_RUN || out->kind == RUNNER_KILL || out->kind == RUNNER_RELOAD);
}

static void answer(struct serving *s, uint32_t serial, int err, int status, const char *why)
{
    struct runner_answer a;

    memset(&a, 0, sizeof a);
    a.serial = serial;
    a.err = err;
    a.status = status;
    snprintf(a.why, sizeof a.why, "%s", why);
    /* A daemon that does not read its answers has itself to blame. */
    (void)send(s->fd, &a, sizeof a, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Both have read the file, at two moments: what runs is what both have found in it. */
static bool is_agreed(struct serving *s, const struct runner_request *q)
{
    uint8_t hash[ACME_SHA256_SIZE];

    return s->source->job(s->source->ctx, q->index, &s->job) &&
           strcmp(s->job.facts.cert_name, q->cert_name) == 0 && hook_hash(&s->job.facts, hash) &&
           memcmp(hash, q->hash, sizeof hash) == 0;
}

static int start(struct serving *s, const struct runner_request *q)
{
    s->run.why[0] = '\0';
    if (!is_agreed(s, q)) {
        snprintf(s->run.why, sizeof s->run.why,
                 "the hook runner's copy of the configuration says otherwise about this "
                 "certificate's hook, folder or names: has the file changed? It is read anew after "
                 "SIGHUP");
        return ACME_E_SOLVER;
    }
    s->job.facts.reason = reasons[q->reason];
    if (s->daemon != NULL &&
        path_kept_from(s->daemon, s->job.facts.program, s->run.why, sizeof s->run.why) != 0)
        return ACME_E_SOLVER;
    return hook_run_start(&s->run, &s->job.facts);
}

static void run(struct serving *s, const struct runner_request *q)
{
    if (s->run.pid != 0)
        answer(s, q->serial, ACME_E_SOLVER, 0, "the hook before still runs");
    else if (start(s, q) != ACME_OK)
        answer(s, q->serial, ACME_E_SOLVER, 0, s->run.why);
    else
        s->serial = q->serial;
}

static void reload(struct serving *s)
{
    char why[400];

    if (s->source->reload == NULL)
        return;
    if (s->daemon != NULL && s->source->config != NULL &&
        path_kept_from(s->daemon, s->source->config, why, sizeof why) != 0)
        fprintf(log_to(LOG_BAD), "lwacme: error: the hook runner keeps its configuration: %s\n",
                why);
    else if (!s->source->reload(s->source->ctx))
        fprintf(log_to(LOG_BAD),
                "lwacme: error: the hook runner could not read the configuration and keeps "
                "the one before\n");
}

static void take(struct serving *s, const void *data, size_t len)
{
    struct runner_request q;

    if (!runner_request_read(data, len, &q)) {
        fprintf(log_to(LOG_BAD),
                "lwacme: error: the hook runner was sent what is no request, and ends\n");
        hook_run_stop(&s->run);
        _exit(1);
    }
    if (q.kind == RUNNER_RUN)
        run(s, &q);
    else if (q.kind == RUNNER_RELOAD)
        reload(s);
    else if (s->run.pid != 0)
        hook_run_stop(&s->run); /* nobody waits for its answer any more */
}

static void serve(struct serving *s)
{
    uint8_t data[sizeof(struct runner_request) + 1];
    ssize_t n;
    int err;

    for (;;) {
        struct pollfd wait[2] = {{s->fd, POLLIN, 0},
                                 {s->run.pid != 0 ? s->run.out : -1, POLLIN, 0}};
        (void)poll(wait, 2, s->run.pid != 0 ? HOOK_TICK_MS : -1);
        n = recv(s->fd, data, sizeof data, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            break;
        if (n > 0)
            take(s, data, (size_t)n);
        if (s->run.pid == 0)
            continue;
        err = hook_run_poll(&s->run, posix_now_ms(NULL));
        if (err != ACME_AGAIN)
            answer(s, s->serial, err, s->run.status, s->run.why);
    }
    /* The next daemon starts the same hook again: the two must not meet. */
    hook_run_stop(&s->run);
}

/* Its end is the daemon's end, which comes when the socket says so: a signal to all of us, as from
 * a terminal or a service manager, is the daemon's to judge. */
static void ignore_signals(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    sigset_t none;

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        (void)signal(ours[i], SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void be_runner(int fd, const struct runner_source *source,
                                const struct person *daemon)
{
    static struct serving s;
    bool to_syslog = log_close();

    ignore_signals();
    if (fd != 3 && dup3(fd, 3, O_CLOEXEC) != 3)
        _exit(1);
    hook_close_from(4); /* what the daemon has open is no business of a hook */
    log_open(to_syslog);
    (void)prctl(PR_SET_NAME, "lwacme-hooks", 0, 0, 0);
    s.source = source;
    s.daemon = daemon;
    s.fd = 3;
    runner.pid = 0; /* hooks are run by this process itself */
    serve(&s);
    _exit(0);
}

/* -- the daemon's side -- */

/* Who it is going to be, when that is somebody with fewer rights: *who is NULL otherwise. */
static int find_daemon(const char *user, struct person **who, char *why, size_t room)
{
    static struct person person;

    *who = NULL;
    if (user == NULL)
        return 0;
    if (person_find(&person, user, why, room) != 0)
        return -1;
    if (person.uid != geteuid())
        *who = &person;
    return 0;
}

static int check_paths(const struct runner_source *source, const struct person *who, char *why,
                       size_t room)
{
    static struct hook_job job;
    size_t count = source->count(source->ctx);

    if (source->config != NULL && path_kept_from(who, source->config, why, room) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (source->job(source->ctx, i, &job) &&
            path_kept_from(who, job.facts.program, why, room) != 0)
            return -1;
    }
    return 0;
}

int runner_start(const struct runner_source *source, const char *user, char *why, size_t room)
{
    struct person *who;
    sigset_t all, before;
    int ends[2];
    pid_t pid;

    if (find_daemon(user, &who, why, room) != 0 ||
        (who != NULL && check_paths(source, who, why, room) != 0))
        return -1;
    /* Messages stay whole: neither side has to find where one ends. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        snprintf(why, room, "no socket pair: %s", strerror(errno));
        return -1;
    }
    fflush(NULL);
    sigfillset(&all); /* none comes before the runner ignores them */
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_runner(ends[1], source, who);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0) {
        snprintf(why, room, "no process for hooks: %s", strerror(errno));
        close(ends[0]);
        return -1;
    }
    runner.pid = pid;
    runner.fd = ends[0];
    return 0;
}

static int ask(struct runner_request *q, enum runner_kind kind, uint32_t serial)
{
    q->kind = (uint32_t)kind;
    q->serial = serial;
    return send(runner.fd, q, sizeof *q, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *q ? 0
                                                                                            : -1;
}

int runner_ask(uint32_t serial, const struct hook_facts *facts, char *why, size_t room)
{
    struct runner_request q;
    size_t reason = 0;

    memset(&q, 0, sizeof q);
    while (reason + 1 < REASONS && strcmp(reasons[reason], facts->reason) != 0)
        reason++;
    q.index = (uint32_t)facts->index;
    q.reason = (uint32_t)reason;
    snprintf(q.cert_name, sizeof q.cert_name, "%s", facts->cert_name);
    if (hook_hash(facts, q.hash) && ask(&q, RUNNER_RUN, serial) == 0)
        return ACME_OK;
    snprintf(why, room, "the hook runner does not answer any more (%s): start lwacme anew",
             strerror(errno));
    return ACME_E_SOLVER;
}

int runner_answer(uint32_t serial, int *status, char *why, size_t room)
{
    struct runner_answer a;
    ssize_t n;

    for (;;) {
        n = recv(runner.fd, &a, sizeof a, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return ACME_AGAIN;
        if (n != (ssize_t)sizeof a) {
            snprintf(why, room, "the hook runner has ended: start lwacme anew");
            return ACME_E_SOLVER;
        }
        if (a.serial == serial)
            break; /* others were for hooks that were stopped */
    }
    *status = a.status;
    a.why[sizeof a.why - 1] = '\0';
    snprintf(why, room, "%s", a.why);
    return a.err == ACME_OK ? ACME_OK : ACME_E_SOLVER;
}

void runner_kill(void)
{
    struct runner_request q;

    memset(&q, 0, sizeof q);
    (void)ask(&q, RUNNER_KILL, 1);
}

void runner_reload(void)
{
    struct runner_request q;

    memset(&q, 0, sizeof q);
    if (runner.pid != 0)
        (void)ask(&q, RUNNER_RELOAD, 1);
}

void runner_stop(void)
{
    static const struct timespec pause = {0, 10000000};
    int tries = 200;

    if (runner.pid == 0)
        return;
    close(runner.fd);
    while (tries-- > 0 && waitpid((pid_t)runner.pid, NULL, WNOHANG) == 0)
        (void)nanosleep(&pause, NULL);
    runner.pid = 0;
}

long runner_pid(void)
{
    return runner.pid;
}

bool runner_ended(char *why, size_t room)
{
    int how = 0;

    if (runner.pid == 0 || waitpid((pid_t)runner.pid, &how, WNOHANG) != (pid_t)runner.pid)
        return false;
    if (WIFSIGNALED(how))
        snprintf(why, room, "killed by signal %d, %s", WTERMSIG(how), strsignal(WTERMSIG(how)));
    else
        snprintf(why, room, "exit status %d", WEXITSTATUS(how));
    return true;
}
