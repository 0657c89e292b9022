/* The program that brings a new certificate into use: whether it is owed, who runs it, and the
 * mark that it has ended well.
 *
 * The mark lies in the set of files itself (OUT/.NAME.<n>/.deployed), so a new set is owed a hook
 * by nature, and a crash between the set and the hook loses nothing.
 */
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK       ".deployed"
#define MARK_ASIDE ".deployed.new"

/* -- the mark -- */

static int open_set(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int64_t hook_owed_since(const char *folder)
{
    struct stat mark, made;
    int set = open_set(folder);
    bool owed = set >= 0 && fstat(set, &made) == 0 &&
                (fstatat(set, MARK, &mark, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(mark.st_mode));

    if (set >= 0)
        close(set);
    return owed ? (int64_t)made.st_mtime : 0;
}

bool hook_owed(const char *folder)
{
    return hook_owed_since(folder) != 0;
}

static int mark(int set)
{
    int fd = openat(set, MARK_ASIDE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    int sys;

    if (fd < 0)
        return -1;
    if (fchmod(fd, 0644) == 0 && fsync(fd) == 0 && renameat(set, MARK_ASIDE, set, MARK) == 0 &&
        fsync(set) == 0)
        return close(fd);
    sys = errno;
    close(fd);
    errno = sys;
    return -1;
}

int hook_done(const char *folder)
{
    int set = open_set(folder);
    int err = set >= 0 ? mark(set) : -1;

    if (set >= 0)
        close(set);
    return err;
}

/* -- what it is told -- */

static bool put_folder(struct hook_job *job, const struct options *o)
{
    char cwd[HOOK_FOLDER_ROOM] = "", name[ACME_NAME_ROOM + 9];
    const char *dir = o->out_dir != NULL ? o->out_dir : o->state_dir;
    int n;

    if (dir[0] != '/' && getcwd(cwd, sizeof cwd) == NULL)
        return false;
    install_folder(job->cert_name, name, sizeof name);
    n = snprintf(job->folder, sizeof job->folder, "%s%s%s%s/%s", cwd, cwd[0] != '\0' ? "/" : "",
                 dir, o->out_dir != NULL ? "" : "/live", name);
    return name[0] != '\0' && n > 0 && (size_t)n < sizeof job->folder;
}

bool hook_job_of(const struct options *o, struct hook_job *job)
{
    struct acme_buf b;

    memset(job, 0, sizeof *job);
    if (o->deploy_hook == NULL || (o->names_count == 0 && o->cert_name[0] == '\0'))
        return false;
    snprintf(job->cert_name, sizeof job->cert_name, "%s",
             o->cert_name[0] != '\0' ? o->cert_name : o->names[0]);
    acme_buf_init(&b, job->names, sizeof job->names);
    for (size_t i = 0; i < o->names_count; i++) {
        acme_buf_text(&b, i > 0 ? " " : "");
        acme_buf_text(&b, o->names[i]);
    }
    job->facts.program = o->deploy_hook;
    job->facts.cert_name = job->cert_name;
    job->facts.folder = job->folder;
    job->facts.names = job->names;
    job->facts.reason = "again";
    return put_folder(job, o) && acme_buf_end(&b);
}

bool hook_hash(const struct hook_facts *f, uint8_t out[ACME_SHA256_SIZE])
{
    const char *const parts[] = {f->cert_name, f->program, f->folder, f->names};
    uint8_t both[2 * ACME_SHA256_SIZE]; /* of those before, of this one */

    memset(both, 0, sizeof both);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (acme_sha256(parts[i], strlen(parts[i]), both + ACME_SHA256_SIZE) != ACME_OK ||
            acme_sha256(both, sizeof both, both) != ACME_OK)
            return false;
    }
    memcpy(out, both, ACME_SHA256_SIZE);
    return true;
}

/* -- the run -- */

static int end(struct hook *h, int err)
{
    if (err == ACME_OK && mark(h->set) != 0) {
        snprintf(h->why, sizeof h->why,
                 "the hook ran well, but that cannot be noted (%s): it will run again",
                 strerror(errno));
        err = ACME_E_SOLVER;
    }
    close(h->set);
    h->pid = 0;
    h->serial = 0;
    return err;
}

int hook_start(struct hook *h, const struct hook_facts *facts)
{
    static uint32_t serial;
    int err;

    if (h->pid != 0) {
        snprintf(h->why, sizeof h->why, "the one before still runs");
        return ACME_E_SOLVER;
    }
    h->status = 0;
    h->why[0] = '\0';
    h->set = open_set(facts->folder);
    if (h->set < 0) {
        snprintf(h->why, sizeof h->why, "%.300s: %s", facts->folder, strerror(errno));
        return ACME_E_SOLVER;
    }
    if (runner_pid() != 0) {
        serial = serial == UINT32_MAX ? 1 : serial + 1;
        err = runner_ask(serial, facts, h->why, sizeof h->why);
        h->serial = serial;
        h->pid = runner_pid();
    } else {
        err = hook_run_start(&h->run, facts);
        memcpy(h->why, h->run.why, sizeof h->why);
        h->pid = h->run.pid;
    }
    return err == ACME_OK ? ACME_OK : end(h, err);
}

int hook_poll(struct hook *h, uint64_t now_ms)
{
    int err;

    if (h->pid == 0)
        return ACME_E_SOLVER;
    if (h->serial != 0)
        err = runner_answer(h->serial, &h->status, h->why, sizeof h->why);
    else {
        err = hook_run_poll(&h->run, now_ms);
        h->status = h->run.status;
        memcpy(h->why, h->run.why, sizeof h->why);
    }
    return err == ACME_AGAIN ? ACME_AGAIN : end(h, err);
}

void hook_stop(struct hook *h)
{
    if (h->pid == 0)
        return;
    if (h->serial != 0)
        runner_kill();
    else
        hook_run_stop(&h->run);
    snprintf(h->why, sizeof h->why, "stopped");
    (void)end(h, ACME_E_SOLVER);
}
