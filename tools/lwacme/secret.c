/* Key files that were readable at the start, and are not for the user that the daemon has become
 * since. They are read once more whenever that is possible; where it is not, what was read at the
 * start is as good: a key that can only be changed by root is changed with a restart. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme_crypto.h"

struct secret {
    struct secret *next;
    struct stat st;
    size_t len;
    char text[SECRET_ROOM];
    char path[]; /* as it was given */
};
static struct secret *secrets;

static struct secret *find(const char *path)
{
    struct secret *s = secrets;

    while (s != NULL && strcmp(s->path, path) != 0)
        s = s->next;
    return s;
}

void secret_keep(const char *path)
{
    size_t room = strlen(path) + 1;
    struct secret *s = find(path) == NULL ? calloc(1, sizeof *s + room) : NULL;
    int fd = s != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    ssize_t n = -1;

    if (fd >= 0 && fstat(fd, &s->st) == 0 && S_ISREG(s->st.st_mode))
        n = read(fd, s->text, sizeof s->text);
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        free(s);
        return;
    }
    memcpy(s->path, path, room);
    s->len = (size_t)n;
    s->next = secrets;
    secrets = s;
}

int secret_kept(const char *path, char *text, size_t cap, struct stat *st)
{
    const struct secret *s = errno == EACCES ? find(path) : NULL;

    if (s != NULL && s->len >= cap)
        errno = 0;
    if (s == NULL || s->len >= cap)
        return -1;
    memcpy(text, s->text, s->len);
    *st = s->st;
    return (int)s->len;
}

enum secret_state secret_state(const char *path)
{
    const struct secret *s = find(path);
    struct stat st;

    if (s == NULL || access(path, R_OK) == 0 || errno != EACCES)
        return SECRET_READ;
    if (stat(path, &st) == 0 &&
        (st.st_dev != s->st.st_dev || st.st_ino != s->st.st_ino || st.st_size != s->st.st_size ||
         st.st_mtim.tv_sec != s->st.st_mtim.tv_sec || st.st_mtim.tv_nsec != s->st.st_mtim.tv_nsec))
        return SECRET_CHANGED;
    return SECRET_KEPT;
}

void secret_wipe(void)
{
    while (secrets != NULL) {
        struct secret *s = secrets;
        secrets = s->next;
        acme_wipe(s->text, sizeof s->text);
        free(s);
    }
}
