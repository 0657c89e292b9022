/* NAME.crt and NAME.key in the working folder. */
#include "acme_pem.h"
#include "staged.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NAME_ROOM (ACME_NAME_ROOM + 32)

/* One file, as it is made. */
static uint8_t text[ACME_IO_SIZE];

static int fail(struct staged_files *f, const char *path, const char *what)
{
    snprintf(f->why, sizeof f->why, "%.550s: %s: %s", path, what, strerror(errno));
    return -1;
}

/* 1: it lies aside; 0: what is there is the same. */
static int prepare(struct staged_files *f, int dir, const char *name, const char *aside,
                   const char *path, const struct acme_buf *b)
{
    if (b->overflow) {
        errno = EFBIG;
        return fail(f, path, "cannot be written");
    }
    if (files_same(dir, name, b, 077))
        return 0;
    return files_aside(dir, aside, b) ? 1 : fail(f, path, "cannot be written");
}

static int put_in_place(struct staged_files *f, int dir, const char *aside, const char *name,
                        const char *path)
{
    int err;

    if (renameat(dir, aside, dir, name) == 0)
        return 0;
    err = fail(f, path, "cannot be replaced");
    (void)unlinkat(dir, aside, 0);
    return err;
}

/* Both lie aside before the first is put into place; a cut between the two is mended by the next
 * call, which finds key and chain in the record. */
static int write_both(struct staged_files *f, int dir, const char *stem,
                      const struct acme_certificate *cert)
{
    bool ec = cert->key_type == ACME_KEY_P256 || cert->key_type == ACME_KEY_P384;
    char key[NAME_ROOM], crt[NAME_ROOM], key_aside[NAME_ROOM], crt_aside[NAME_ROOM];
    struct acme_buf b;
    int new_key = 0, new_crt;

    snprintf(key, sizeof key, "%s.key", stem);
    snprintf(crt, sizeof crt, "%s.crt", stem);
    snprintf(key_aside, sizeof key_aside, ".%s.key.new", stem);
    snprintf(crt_aside, sizeof crt_aside, ".%s.crt.new", stem);
    if (cert->key.len > 0) {
        acme_buf_init(&b, text, sizeof text);
        acme_pem_put(&b, ec ? "EC PRIVATE KEY" : "RSA PRIVATE KEY", cert->key);
        new_key = prepare(f, dir, key, key_aside, f->key, &b);
        acme_wipe(text, sizeof text);
    }
    if (new_key < 0)
        return -1;
    acme_buf_init(&b, text, sizeof text);
    for (size_t i = 0; i < acme_chain_count(&cert->chain); i++)
        acme_pem_put(&b, "CERTIFICATE", acme_chain_at(&cert->chain, i));
    new_crt = prepare(f, dir, crt, crt_aside, f->crt, &b);
    if (new_crt >= 0 && new_key > 0 && put_in_place(f, dir, key_aside, key, f->key) != 0)
        new_crt = -1;
    if (new_crt > 0 && put_in_place(f, dir, crt_aside, crt, f->crt) != 0)
        new_crt = -1;
    if (new_crt < 0) {
        (void)unlinkat(dir, key_aside, 0);
        (void)unlinkat(dir, crt_aside, 0);
        return -1;
    }
    if (fsync(dir) != 0)
        return fail(f, f->crt, "cannot be synced");
    return new_key > 0 || new_crt > 0 ? 1 : 0;
}

int staged_files_write(struct staged_files *f, const char *folder, const char *cert_name,
                       const struct acme_certificate *cert)
{
    char stem[ACME_NAME_ROOM + 9];
    const char *where = folder != NULL ? folder : ".";
    int dir, done;

    memset(f, 0, sizeof *f);
    install_folder(cert_name, stem, sizeof stem);
    snprintf(f->key, sizeof f->key, "%.300s%s%s.key", folder != NULL ? folder : "",
             folder != NULL ? "/" : "", stem);
    snprintf(f->crt, sizeof f->crt, "%.300s%s%s.crt", folder != NULL ? folder : "",
             folder != NULL ? "/" : "", stem);
    dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail(f, where, "cannot be opened");
    done = write_both(f, dir, stem, cert);
    close(dir);
    return done;
}
