/* Accounts of other clients: found by what is there. */
#include "import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIND_DEPTH = 12, FIND_ENTRIES = 20000 };

const char *import_client_name(enum import_client client)
{
    static const char *const names[] = {"key", "certbot", "acme.sh", "lego"};

    return names[client];
}

/* -- reading -- */

int import_read(int folder, const char *name, char *room, size_t cap, const char **why)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    size_t n = 0;
    ssize_t got = 1;

    *why = fd >= 0          ? ""
           : errno == ELOOP ? "a symbolic link, which is not followed"
                            : strerror(errno);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        *why = "not a regular file";
    while (**why == '\0' && got > 0 && n < cap) {
        got = read(fd, room + n, cap - n);
        if (got > 0)
            n += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            *why = strerror(errno);
    }
    close(fd);
    if (**why == '\0' && n == cap)
        *why = "too long to be a file of an account";
    if (**why != '\0')
        return -1;
    room[n] = '\0';
    return (int)n;
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int import_read_key(const struct import_account *a, char *room, size_t cap, const char **why)
{
    int folder = open_folder(AT_FDCWD, a->folder);
    int keys = folder >= 0 && a->in_keys ? open_folder(folder, "keys") : -1;
    int n = -1;

    *why = strerror(errno);
    if (folder >= 0 && (keys >= 0 || !a->in_keys))
        n = import_read(a->in_keys ? keys : folder, a->key, room, cap, why);
    if (keys >= 0)
        close(keys);
    if (folder >= 0)
        close(folder);
    return n;
}

/* -- one folder -- */

static bool there(int folder, const char *name)
{
    struct stat st;

    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool folder_there(int folder, const char *name)
{
    struct stat st;

    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* How many names end in ".key"; the first of them. */
static int find_keys(int folder, const char *below, char *name, size_t room)
{
    int fd = open_folder(folder, below), count = 0;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;

    if (dir == NULL && fd >= 0)
        close(fd);
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        size_t len = strlen(e->d_name);
        if (len < 5 || strcmp(e->d_name + len - 4, ".key") != 0 || len >= room)
            continue;
        if (count++ == 0)
            memcpy(name, e->d_name, len + 1);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static void note(struct import_search *s, const char *path, const char *why)
{
    if (s->why[0] == '\0')
        snprintf(s->why, sizeof s->why, "%s: %s", path, why);
}

/* Is this folder an account of one of them? */
static bool recognise(struct import_search *s, int folder, const char *path,
                      struct import_account *a)
{
    int count;

    memset(a, 0, sizeof *a);
    if (there(folder, "private_key.json")) {
        a->client = IMPORT_CERTBOT;
        memcpy(a->key, "private_key.json", sizeof "private_key.json");
    } else if (there(folder, "account.key")) {
        a->client = IMPORT_ACME_SH;
        memcpy(a->key, "account.key", sizeof "account.key");
    } else if (there(folder, "account.json")) {
        a->client = IMPORT_LEGO;
        count = find_keys(folder, "keys", a->key, sizeof a->key);
        a->in_keys = count > 0;
        if (count == 0)
            count = find_keys(folder, ".", a->key, sizeof a->key);
        if (count != 1)
            note(s, path, count == 0 ? "account.json is there, and no key" : "more than one key");
        if (count != 1)
            return false;
    }
    return acme_copy_text(a->folder, sizeof a->folder, acme_slice_text(path)) &&
           a->client != IMPORT_KEY_ALONE;
}

static void add(struct import_search *s, int folder, const char *path)
{
    static struct import_account spare;
    struct import_account *a = s->count < IMPORT_FOUND ? &s->found[s->count] : &spare;

    if (!recognise(s, folder, path, a))
        return;
    import_tell(a, folder);
    s->count++;
}

/* -- many folders -- */

static void walk(struct import_search *s, int fd, char *path, int depth);

/* acme.sh keeps what it has deactivated; lego's keys are looked at with their account. */
static bool passed_over(const char *name)
{
    static const char *const names[] = {".", "..", "keys", "deactivated"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void enter(struct import_search *s, int at, const char *name, char *path, int depth)
{
    size_t len = strlen(path);
    struct stat st;
    int fd;

    if (passed_over(name) || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (len + strlen(name) + 2 > IMPORT_PATH)
        return;
    path[len] = '/';
    memcpy(path + len + 1, name, strlen(name) + 1);
    fd = S_ISDIR(st.st_mode) ? open_folder(at, name) : -1;
    if (S_ISLNK(st.st_mode))
        note(s, path, "a symbolic link, which is not followed");
    else if (S_ISDIR(st.st_mode) && fd < 0)
        note(s, path, strerror(errno));
    if (fd >= 0)
        walk(s, fd, path, depth + 1);
    path[len] = '\0';
}

/* Takes fd. */
static void walk(struct import_search *s, int fd, char *path, int depth)
{
    DIR *dir = depth <= FIND_DEPTH ? fdopendir(fd) : NULL;
    /* A client's home has certificates too, maybe thousands: its accounts are in one place. */
    bool home = depth == 0 && (folder_there(fd, "accounts") || folder_there(fd, "ca"));
    const struct dirent *e;

    if (dir == NULL) {
        close(fd);
        return;
    }
    add(s, fd, path);
    while (s->seen < FIND_ENTRIES && (e = readdir(dir)) != NULL) {
        s->seen++;
        if (!home || strcmp(e->d_name, "accounts") == 0 || strcmp(e->d_name, "ca") == 0)
            enter(s, fd, e->d_name, path, depth);
    }
    closedir(dir);
}

/* -- a file: the key of an account beside it, or alone -- */

/* Files that tell of the account in their folder; any other may be a key of its own. */
static bool tells(const char *name)
{
    static const char *const names[] = {"regr.json", "meta.json", "account.json", "ca.conf"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool file_in(struct import_search *s, const char *folder, const char *name)
{
    int fd = open_folder(AT_FDCWD, folder);

    s->count = 0;
    if (fd < 0)
        return false;
    add(s, fd, folder);
    close(fd);
    return s->count == 1 && (strcmp(s->found[0].key, name) == 0 || tells(name));
}

static void search_file(struct import_search *s, char *path)
{
    struct import_account *a = &s->found[0];
    char *slash = strrchr(path, '/'), *name = slash + 1, *above;
    bool found;

    *slash = '\0';
    found = file_in(s, slash == path ? "/" : path, name);
    above = strrchr(path, '/');
    if (!found && above != NULL && strcmp(above, "/keys") == 0) {
        *above = '\0';
        found = file_in(s, path, name);
        *above = '/';
    }
    s->count = 1;
    s->why[0] = '\0';
    if (found)
        return;
    memset(a, 0, sizeof *a);
    (void)acme_copy_text(a->folder, sizeof a->folder, acme_slice_text(slash == path ? "/" : path));
    (void)acme_copy_text(a->key, sizeof a->key, acme_slice_text(name));
}

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const struct import_account *)a)->folder,
                  ((const struct import_account *)b)->folder);
}

int import_search(struct import_search *s, const char *path)
{
    static char real[PATH_MAX];
    struct stat st;
    int fd;

    memset(s, 0, sizeof *s);
    if (realpath(path, real) == NULL || stat(real, &st) != 0)
        snprintf(s->why, sizeof s->why, "%s", strerror(errno));
    else if (strlen(real) >= IMPORT_PATH)
        snprintf(s->why, sizeof s->why, "its path is too long");
    else if (S_ISREG(st.st_mode))
        search_file(s, real);
    else if (!S_ISDIR(st.st_mode))
        snprintf(s->why, sizeof s->why, "neither a folder nor a regular file");
    else {
        fd = open_folder(AT_FDCWD, real);
        if (fd < 0)
            snprintf(s->why, sizeof s->why, "%s", strerror(errno));
        else
            walk(s, fd, real, 0);
        if (fd >= 0 && s->seen >= FIND_ENTRIES)
            snprintf(s->why, sizeof s->why, "more than %d files: name the folder of the account",
                     FIND_ENTRIES);
        qsort(s->found, s->count < IMPORT_FOUND ? s->count : IMPORT_FOUND, sizeof s->found[0],
              by_folder);
        return fd < 0 || s->seen >= FIND_ENTRIES ? -1 : 0;
    }
    return s->count == 1 ? 0 : -1;
}
