/* http-01 for hosts where another program owns port 80: a file below its root (RFC 8555 8.3). */
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct webroot *w, const char *what)
{
    snprintf(w->why, sizeof w->why, "%.240s/.well-known/acme-challenge: %s: %s", w->dir, what,
             strerror(errno));
    return ACME_E_SOLVER;
}

/* A folder below dir_fd, made when it is absent; never through a symbolic link, because others may
 * write below a web root. */
static int enter(int dir_fd, const char *name, bool make)
{
    if (make && make_public_folder(dir_fd, name) != 0 && errno != EEXIST)
        return -1;
    return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int webroot_folder(const char *dir, bool make)
{
    int known, folder;
    int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (root < 0)
        return -1;
    known = enter(root, ".well-known", make);
    close(root);
    if (known < 0)
        return -1;
    folder = enter(known, "acme-challenge", make);
    close(known);
    return folder;
}

static int webroot_begin(struct acme_solver *s, const struct acme_challenge *c)
{
    struct webroot *w = (struct webroot *)s;
    int folder, fd;
    bool ok;

    /* The token becomes a file's name: its grammar is checked where that happens. */
    if (!acme_token_ok(acme_slice_text(c->token)))
        return ACME_E_REPLY;
    folder = webroot_folder(w->dir, true);
    if (folder < 0)
        return fail(w, "the folder cannot be used");
    (void)unlinkat(folder, c->token, 0);
    fd = openat(folder, c->token, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    ok = fd >= 0 && fchmod(fd, 0644) == 0 &&
         files_write(fd, c->key_authorization, strlen(c->key_authorization));
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (!ok) {
        int err = fail(w, "the file cannot be written");
        (void)unlinkat(folder, c->token, 0);
        close(folder);
        return err;
    }
    close(folder);
    return ACME_OK;
}

static int webroot_end(struct acme_solver *s, const struct acme_challenge *c,
                       enum acme_outcome outcome)
{
    struct webroot *w = (struct webroot *)s;
    int folder, err = ACME_OK;

    (void)outcome;
    if (!acme_token_ok(acme_slice_text(c->token)))
        return ACME_E_ARG;
    folder = webroot_folder(w->dir, false);
    if (folder < 0)
        return errno == ENOENT ? ACME_OK : fail(w, "the folder cannot be used");
    if (unlinkat(folder, c->token, 0) != 0 && errno != ENOENT)
        err = fail(w, "the file cannot be removed");
    close(folder);
    return err;
}

static const struct acme_solver_ops webroot_ops = {
    .name = "webroot",
    .types = ACME_CHALLENGE_HTTP01,
    .begin = webroot_begin,
    .end = webroot_end,
};

struct acme_solver *webroot_init(struct webroot *w, const struct acme_port *port, const char *dir)
{
    memset(w, 0, sizeof *w);
    w->base.ops = &webroot_ops;
    w->base.port = port;
    w->dir = dir;
    return &w->base;
}
