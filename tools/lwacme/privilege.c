/* What a daemon gives up before it talks to anybody, from the outside inwards: what it may use, who
 * it is, what the kernel lets it do. Everything that is given up is looked at afterwards. */
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux_abi.h"

#define FILES_MAX 256 /* descriptors: sockets, records, a look-up; the rest is for the library */

static int fail(struct privilege *p, const char *what)
{
    snprintf(p->why, sizeof p->why, "%s: %s", what, strerror(errno));
    return -1;
}

static void miss(struct privilege *p, const char *what)
{
    size_t len = strlen(p->missing);

    snprintf(p->missing + len, sizeof p->missing - len, "%s%s", len > 0 ? ", " : "", what);
}

/* -- what it may use -- */

static const struct rlimit *clamp(struct rlimit *now, rlim_t most)
{
    if (now->rlim_max > most)
        now->rlim_max = most;
    if (now->rlim_cur > now->rlim_max)
        now->rlim_cur = now->rlim_max;
    return now;
}

/* A macro, because C libraries do not agree on the type of `what`. */
#define LIMIT(what, most) (getrlimit(what, &now) == 0 && setrlimit(what, clamp(&now, most)) == 0)

static int limit_resources(struct privilege *p)
{
    struct rlimit now;

    if (LIMIT(RLIMIT_CORE, 0) && LIMIT(RLIMIT_NOFILE, FILES_MAX) && LIMIT(RLIMIT_MEMLOCK, 0) &&
        LIMIT(RLIMIT_MSGQUEUE, 0))
        return 0;
    return fail(p, "limits");
}

/* -- the folders -- */

/* By its descriptor, and never through a link. */
static int give(const char *path, const struct person *who)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    int err = -1;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid())
        err = fchown(fd, who->uid, who->gid);
    if (fd >= 0)
        close(fd);
    return err;
}

/* Made by root for somebody who may not; those that are there already are left as they are. */
static int make_for(struct privilege *p, const struct person *who, const char *path)
{
    char part[500];
    size_t len = strlen(path);
    int made = 0;

    if (len >= sizeof part || len == 0) {
        errno = ENAMETOOLONG;
        return fail(p, path);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        made = make_public_folder(AT_FDCWD, part) == 0;
        if (!made && errno != EEXIST)
            return fail(p, part);
        if (i < len)
            part[i] = '/';
    }
    if (made && who != NULL && give(path, who) != 0)
        return fail(p, path);
    return 0;
}

static size_t count_paths(const struct privilege *p)
{
    size_t n = 0;

    while (n < PRIVILEGE_PATHS && p->paths[n] != NULL)
        n++;
    return n;
}

/* Could that user have put a link on the way to what is not there yet? */
static bool leads_elsewhere(const struct person *who, const char *path)
{
    char part[500], why[400], *slash = part;
    struct stat st;
    int n = snprintf(part, sizeof part, "%s", path);

    if (n < 0 || (size_t)n >= sizeof part)
        return true;
    while (lstat(part, &st) != 0 && (slash = strrchr(part, '/')) != NULL)
        slash[slash == part ? 1 : 0] = '\0';
    return path_kept_from(who, slash != NULL ? part : ".", why, sizeof why) != 0;
}

/* who: for whom root makes them; NULL: we are who needs them. What that user may make by itself, it
 * makes when we are that user. */
static int make_folders(struct privilege *p, const struct person *who)
{
    struct stat st;

    for (size_t i = 0; i < count_paths(p); i++) {
        if (stat(p->paths[i], &st) == 0 || (who != NULL && leads_elsewhere(who, p->paths[i])))
            continue;
        if (make_for(p, who, p->paths[i]) != 0)
            return -1;
    }
    return 0;
}

/* Asked as who we are now. */
static int check_folders(struct privilege *p)
{
    struct stat st;

    for (size_t i = 0; i < count_paths(p); i++) {
        const char *path = p->paths[i];
        if (access(path, W_OK) == 0 &&
            (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || access(path, X_OK) == 0))
            continue;
        snprintf(p->why, sizeof p->why,
                 "%.200s: %s%.40s may not write there; if it is for lwacme alone: chown -R %.40s "
                 "'%.200s'",
                 path, p->user != NULL ? "the user " : "this user", p->user != NULL ? p->user : "",
                 p->user != NULL ? p->user : "USER", path);
        return -1;
    }
    return 0;
}

/* -- who it is -- */

/* Only the right to listen on port 80 is kept, as far as we have it. */
static int keep_one_capability(void)
{
    struct abi_cap_head head = {ABI_CAPABILITY_VERSION, 0};
    struct abi_cap_data data[2];
    const uint32_t bind = 1u << ABI_CAP_NET_BIND_SERVICE;

    if (syscall(SYS_capget, &head, data) != 0)
        return -1;
    data[0].permitted &= bind;
    data[0].effective = data[0].permitted;
    data[0].inheritable = 0;
    data[1].permitted = data[1].effective = data[1].inheritable = 0;
    return (int)syscall(SYS_capset, &head, data);
}

/* No program that is started could have them either, had it the right to be started. */
static int empty_bounds(void)
{
    for (int cap = 0; cap <= ABI_CAP_LAST; cap++) {
        if (cap != ABI_CAP_NET_BIND_SERVICE && prctl(ABI_PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 &&
            errno != EINVAL) /* the kernel does not know so many */
            return -1;
    }
    (void)prctl(ABI_PR_CAP_AMBIENT, ABI_PR_CAP_AMBIENT_CLEAR, 0, 0, 0); /* from Linux 4.3 on */
    return 0;
}

static int become(struct privilege *p, const struct person *who)
{
    gid_t groups[sizeof who->groups / sizeof who->groups[0]];
    uid_t real, effective, saved;

    for (size_t i = 0; i < who->groups_count; i++)
        groups[i] = who->groups[i];
    if (empty_bounds() != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return fail(p, "capabilities");
    if (setgroups(who->groups_count, groups) != 0 || setresgid(who->gid, who->gid, who->gid) != 0 ||
        setresuid(who->uid, who->uid, who->uid) != 0)
        return fail(p, "becoming another user");
    if (keep_one_capability() != 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
        return fail(p, "capabilities");
    /* A system call that did nothing and said otherwise has been seen. */
    if (getresuid(&real, &effective, &saved) != 0 || real != who->uid || effective != who->uid ||
        saved != who->uid || getegid() != who->gid || setuid(0) == 0) {
        errno = EPERM;
        return fail(p, "root could not be given up");
    }
    return 0;
}

static int change_user(struct privilege *p)
{
    struct person who;

    if (p->user != NULL && person_find(&who, p->user, p->why, sizeof p->why) != 0)
        return -1;
    if (p->user != NULL && who.uid == 0) {
        snprintf(p->why, sizeof p->why, "user %.60s is root: that would give up nothing", p->user);
        return -1;
    }
    if (p->user != NULL && geteuid() != 0) {
        if (who.uid == geteuid())
            return make_folders(p, NULL); /* it is who we are */
        snprintf(p->why, sizeof p->why,
                 "only root can become the user %.60s: leave it out, or start as root", p->user);
        return -1;
    }
    if (make_folders(p, p->user != NULL ? &who : NULL) != 0)
        return -1;
    if (p->user == NULL)
        return 0;
    return become(p, &who) == 0 ? make_folders(p, NULL) : -1;
}

/* -- what the kernel lets it do -- */

static int confine(struct privilege *p)
{
    if (geteuid() != 0 && keep_one_capability() != 0)
        return fail(p, "capabilities");
    if (prctl(PR_SET_DUMPABLE, ABI_DUMPABLE, 0, 0, 0) != 0)
        return fail(p, "no core files");
    if (prctl(ABI_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        if (errno != EINVAL)
            return fail(p, "no new privileges");
        miss(p, "no-new-privileges");
    }
    if (confine_files(p->paths, count_paths(p)) != 0) {
        if (errno != ENOSYS && errno != EOPNOTSUPP)
            return fail(p, "Landlock");
        miss(p, "Landlock");
    }
    if (confine_calls() != 0) {
        if (errno != ENOSYS)
            return fail(p, "seccomp");
        miss(p, "seccomp");
    }
    return 0;
}

int privilege_drop(struct privilege *p)
{
    p->why[0] = '\0';
    p->missing[0] = '\0';
    if (limit_resources(p) != 0 || change_user(p) != 0 || check_folders(p) != 0)
        return -1;
    return confine(p);
}
