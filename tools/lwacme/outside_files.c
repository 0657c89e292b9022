/* The certificate and the key of a proof by tls-alpn-01, for the program that serves them:
 * STATE/external/TOKEN.crt and TOKEN.pem, for us and those who run as us. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outside.h"

/* 0: both paths are set, and the folder is there or is none of our matter. */
static int set_paths(struct outside *u, const char *token)
{
    char folder[256], real[4096];
    int n = snprintf(folder, sizeof folder, "%s/external", u->state_dir);

    if (n < 0 || (size_t)n >= sizeof folder)
        return -1;
    if ((mkdir(folder, 0700) != 0 && errno != EEXIST) || realpath(folder, real) == NULL ||
        strlen(real) > 240)
        return -1;
    snprintf(u->cert_path, sizeof u->cert_path, "%.240s/%.128s.crt", real, token);
    snprintf(u->key_path, sizeof u->key_path, "%.240s/%.128s.pem", real, token);
    return 0;
}

static int write_file(const char *path, const char *text)
{
    bool done;
    int fd;

    (void)unlink(path); /* of a begin before: others may hold it open */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    done = files_write(fd, text, strlen(text));
    return close(fd) == 0 && done ? 0 : -1;
}

static int keep(void *ctx, const char *token, struct external_proof *proof)
{
    struct outside *u = ctx;

    if (set_paths(u, token) != 0 || write_file(u->cert_path, proof->cert_pem) != 0 ||
        write_file(u->key_path, proof->key_pem) != 0) {
        fprintf(log_to(LOG_BAD), "lwacme: error: %.250s/external: %s\n", u->state_dir,
                strerror(errno));
        return ACME_E_SOLVER;
    }
    proof->cert_path = u->cert_path;
    proof->key_path = u->key_path;
    return ACME_OK;
}

static int drop(void *ctx, const char *token)
{
    struct outside *u = ctx;
    char folder[256];
    bool gone;

    if (set_paths(u, token) != 0)
        return ACME_E_SOLVER;
    gone = unlink(u->cert_path) == 0 || errno == ENOENT;
    gone = (unlink(u->key_path) == 0 || errno == ENOENT) && gone;
    snprintf(folder, sizeof folder, "%.245s/external", u->state_dir);
    (void)rmdir(folder); /* the last one; else it is not empty */
    return gone ? ACME_OK : ACME_E_SOLVER;
}

void outside_files_init(struct outside *u, const char *state_dir, uint16_t port)
{
    external_tls_init(&u->tls, port);
    u->state_dir = state_dir;
    u->tls.ctx = u;
    u->tls.keep = keep;
    u->tls.drop = drop;
}
