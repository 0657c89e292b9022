/* The external account binding: what the CA has given to its customer. The key is a secret, so it
 * comes from a file or from stdin, and never from the command line, which everybody on the machine
 * reads. */
#include "lwacme.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_eab.h"

/* All of fd into room: the length, or -1 (errno 0: it is too long). */
static int read_all(int fd, char *room, size_t cap)
{
    size_t n = 0;
    ssize_t got;

    while ((got = read(fd, room + n, cap - n)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        errno = got > 0 ? 0 : errno;
        if (got < 0 || (n += (size_t)got) == cap)
            return -1;
    }
    return (int)n;
}

int binding_read(struct binding *b, const struct options *o, bool *open_to_others)
{
    bool is_stdin = strcmp(o->eab_key_file, "-") == 0;
    char text[sizeof b->packed * 4 / 3];
    const char *why = "", *path = is_stdin ? "stdin" : o->eab_key_file;
    struct acme_span room = {b->packed, sizeof b->packed};
    struct stat st;
    int n = -1, fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    b->len = 0;
    *open_to_others = false;
    if (fd >= 0) {
        *open_to_others = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0;
        n = read_all(fd, text, sizeof text);
    } else if (!is_stdin)
        n = secret_kept(path, text, sizeof text, &st);
    if (n < 0)
        snprintf(b->why, sizeof b->why, "%.300s: %s", path,
                 errno != 0 ? strerror(errno) : "too long for a key");
    if (fd >= 0 && !is_stdin)
        close(fd);
    if (n < 0)
        return -1;
    n = acme_eab_pack(room, o->eab_alg, o->eab_kid, acme_slice_of(text, (size_t)n), &why);
    acme_wipe(text, sizeof text);
    if (n < 0)
        snprintf(b->why, sizeof b->why, "%.300s: %s", path, why);
    else
        b->len = (size_t)n;
    return n < 0 ? -1 : 0;
}

void binding_wipe(struct binding *b)
{
    acme_wipe(b, sizeof *b);
}
