/* Who a user is, and what that user could change. */
#include "lwacme.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel */

/* -- who -- */

static void add_group(struct person *who, gid_t gid)
{
    for (size_t i = 0; i < who->groups_count; i++) {
        if (who->groups[i] == gid)
            return;
    }
    if (who->groups_count < sizeof who->groups / sizeof who->groups[0])
        who->groups[who->groups_count++] = gid;
}

/* Read here and not by getpwnam: that loads modules, which a static program should not. */
static bool find_name(struct person *who, const char *name)
{
    FILE *f = fopen("/etc/passwd", "re");
    const struct passwd *p = NULL;
    const struct group *g;
    bool found = false;

    while (f != NULL && !found && (p = fgetpwent(f)) != NULL)
        found = strcmp(p->pw_name, name) == 0;
    if (found) {
        who->uid = p->pw_uid;
        who->gid = p->pw_gid;
    }
    if (f != NULL)
        fclose(f);
    if (!found)
        return false;
    add_group(who, who->gid);
    f = fopen("/etc/group", "re");
    while (f != NULL && (g = fgetgrent(f)) != NULL) {
        for (char **m = g->gr_mem; *m != NULL; m++) {
            if (strcmp(*m, name) == 0)
                add_group(who, g->gr_gid);
        }
    }
    if (f != NULL)
        fclose(f);
    return true;
}

static bool read_id(const char *text, char stop, unsigned *out, const char **rest)
{
    char *end = NULL;
    unsigned long long n;

    if (*text < '0' || *text > '9')
        return false;
    n = strtoull(text, &end, 10);
    *out = (unsigned)n;
    *rest = end + 1;
    return *end == stop && n < UINT_MAX; /* the last one means "nobody asked" to the kernel */
}

int person_find(struct person *who, const char *user, char *why, size_t room)
{
    const char *rest;

    memset(who, 0, sizeof *who);
    if (find_name(who, user))
        return 0;
    if (read_id(user, ':', &who->uid, &rest) && read_id(rest, '\0', &who->gid, &rest)) {
        add_group(who, who->gid);
        return 0;
    }
    snprintf(why, room, "%.60s: there is no such user in /etc/passwd; give one, or UID:GID", user);
    return -1;
}

/* -- what that user could change -- */

static bool may_write(const struct person *who, const struct stat *st)
{
    if (st->st_uid == who->uid || (st->st_mode & S_IWOTH) != 0)
        return true;
    for (size_t i = 0; (st->st_mode & S_IWGRP) != 0 && i < who->groups_count; i++) {
        if (who->groups[i] == st->st_gid)
            return true;
    }
    return false;
}

/* The walk along a path: what is behind us, without links, and what lies ahead. */
struct walk {
    char at[PATH_MAX];
    char ahead[PATH_MAX];
    struct stat st; /* of at */
};

/* In a folder where everybody may make files, only their owners may take them away. */
static bool is_kept(const struct person *who, const struct stat *st)
{
    if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0)
        return st->st_uid != who->uid;
    if (S_ISLNK(st->st_mode)) /* its mode means nothing */
        return st->st_uid != who->uid;
    return !may_write(who, st);
}

/* Take the next part of the way into at. False: errno. */
static bool step(struct walk *w)
{
    size_t len = strlen(w->at), n = strcspn(w->ahead, "/");
    size_t gone = n + strspn(w->ahead + n, "/");

    if (n == 2 && strncmp(w->ahead, "..", 2) == 0) {
        while (len > 0 && w->at[len - 1] != '/')
            len--;
        w->at[len > 0 ? len - 1 : 0] = '\0';
    } else if (n > 0 && !(n == 1 && w->ahead[0] == '.')) {
        if (len + n + 2 > sizeof w->at) {
            errno = ENAMETOOLONG;
            return false;
        }
        w->at[len] = '/';
        memcpy(w->at + len + 1, w->ahead, n);
        w->at[len + 1 + n] = '\0';
    }
    memmove(w->ahead, w->ahead + gone, strlen(w->ahead + gone) + 1);
    return lstat(w->at[0] != '\0' ? w->at : "/", &w->st) == 0;
}

/* at is a link: go where it leads. False: errno. */
static bool follow(struct walk *w)
{
    char to[PATH_MAX];
    ssize_t n = readlink(w->at, to, sizeof to - 1);
    size_t rest = strlen(w->ahead);

    if (n <= 0)
        return false;
    to[n] = '\0';
    if ((size_t)n + 1 + rest + 1 > sizeof w->ahead) {
        errno = ENAMETOOLONG;
        return false;
    }
    memmove(w->ahead + n + 1, w->ahead, rest + 1);
    memcpy(w->ahead, to, (size_t)n);
    w->ahead[n] = '/';
    if (to[0] == '/') {
        w->at[0] = '\0';
        memmove(w->ahead, w->ahead + strspn(w->ahead, "/"),
                strlen(w->ahead + strspn(w->ahead, "/")) + 1);
    } else
        *strrchr(w->at, '/') = '\0';
    return true;
}

int path_kept_from(const struct person *who, const char *path, char *why, size_t room)
{
    struct walk w;
    int links = 0;

    memset(&w, 0, sizeof w);
    if (path[0] != '/' && getcwd(w.at, sizeof w.at) == NULL)
        w.at[0] = '\0';
    if ((size_t)snprintf(w.ahead, sizeof w.ahead, "%s/%s", w.at, path) >= sizeof w.ahead) {
        snprintf(why, room, "%.250s...: too long", path);
        return -1;
    }
    memmove(w.ahead, w.ahead + strspn(w.ahead, "/"), strlen(w.ahead + strspn(w.ahead, "/")) + 1);
    w.at[0] = '\0';
    if (lstat("/", &w.st) != 0 || !is_kept(who, &w.st)) {
        snprintf(why, room, "/ itself belongs to uid %u", who->uid);
        return -1;
    }
    while (w.ahead[0] != '\0') {
        if (!step(&w) || (S_ISLNK(w.st.st_mode) && is_kept(who, &w.st) &&
                          (++links > LINKS_MAX || !follow(&w)))) {
            snprintf(why, room, "%.250s: %s", path,
                     links > LINKS_MAX ? "too many links" : strerror(errno));
            return -1;
        }
        if (!is_kept(who, &w.st)) {
            snprintf(why, room,
                     "%.200s: the user that the daemon runs as (uid %u) could change %.200s; give "
                     "it to root, and take the others' right to write away",
                     path, who->uid, w.at);
            return -1;
        }
    }
    return 0;
}
