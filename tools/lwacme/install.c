/* The four files that web servers read, swapped as one.
 *
 * OUT/NAME is a symbolic link to .NAME.<n>, a folder that is complete and synced before the link is
 * renamed into place; so whoever opens OUT/NAME/... sees one set or the other. The last two sets
 * are kept.
 */
#include "lwacme.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_pem.h"

#define SET_NAME  (ACME_NAME_ROOM + 16)
#define HOOK_MARK ".deployed" /* of hook.c: for this set the deploy hook has ended well */

/* One file of a set, as it is made. */
static uint8_t text[ACME_IO_SIZE];

void install_folder(const char *cert_name, char *out, size_t room)
{
    struct acme_buf b;

    acme_buf_init(&b, out, room);
    if (*cert_name == '*') {
        acme_buf_text(&b, "_wildcard");
        cert_name++;
    }
    for (; *cert_name != '\0'; cert_name++)
        acme_buf_char(&b, *cert_name == ':' ? '_' : *cert_name);
    if (!acme_buf_end(&b))
        out[0] = '\0';
}

static int fail(struct install *in, const char *what, const char *name)
{
    snprintf(in->why, sizeof in->why, "%.240s/%.64s: %s: %s", in->path, name, what,
             strerror(errno));
    return -1;
}

enum part { PART_KEY, PART_CERT, PART_CHAIN, PART_FULLCHAIN, PART_COUNT };
static const char *const part_names[PART_COUNT] = {"privkey.pem", "cert.pem", "chain.pem",
                                                   "fullchain.pem"};

/* The key of a request that was given lies elsewhere. */
static int first_part(const struct acme_certificate *cert)
{
    return cert->key.len > 0 ? PART_KEY : PART_CERT;
}

static bool make_part(const struct acme_certificate *cert, enum part part, struct acme_buf *b)
{
    bool ec = cert->key_type == ACME_KEY_P256 || cert->key_type == ACME_KEY_P384;
    size_t count = acme_chain_count(&cert->chain);

    acme_buf_init(b, text, sizeof text);
    if (part == PART_KEY)
        acme_pem_put(b, ec ? "EC PRIVATE KEY" : "RSA PRIVATE KEY", cert->key);
    for (size_t i = part == PART_CHAIN ? 1 : 0; part != PART_KEY && i < count; i++) {
        if (i > 0 && part == PART_CERT)
            break;
        acme_pem_put(b, "CERTIFICATE", acme_chain_at(&cert->chain, i));
    }
    return !b->overflow;
}

/* -- files -- */

static int write_file(struct install *in, int dir, enum part part, const struct acme_buf *b)
{
    const char *name = part_names[part];
    mode_t mode = part == PART_KEY ? 0600 : 0644;
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd < 0)
        return fail(in, "cannot be made", name);
    /* The umask may have taken bits that a web server needs; never from the key. */
    if (!files_write(fd, b->ptr, b->len) || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        close(fd);
        return fail(in, "cannot be written", name);
    }
    return close(fd) == 0 ? 0 : fail(in, "cannot be written", name);
}

static void remove_set(int out, const char *set)
{
    int dir = openat(out, set, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir < 0)
        return;
    for (int i = 0; i < PART_COUNT; i++)
        (void)unlinkat(dir, part_names[i], 0);
    (void)unlinkat(dir, HOOK_MARK, 0);
    (void)unlinkat(dir, HOOK_MARK ".new", 0);
    close(dir);
    (void)unlinkat(out, set, AT_REMOVEDIR);
}

/* The number of ".FOLDER.<n>", or 0. */
static unsigned long set_number(const char *entry, const char *folder)
{
    size_t len = strlen(folder);
    char *end = NULL;
    unsigned long n;

    if (entry[0] != '.' || strncmp(entry + 1, folder, len) != 0 || entry[len + 1] != '.' ||
        !isdigit((unsigned char)entry[len + 2]))
        return 0;
    n = strtoul(entry + len + 2, &end, 10);
    return *end == '\0' ? n : 0;
}

/* The highest number in use; with keep_from above 0, sets below it are removed. */
static unsigned long walk_sets(int out, const char *folder, unsigned long keep_from)
{
    unsigned long highest = 0;
    struct dirent *entry;
    int fd = openat(out, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        unsigned long n = set_number(entry->d_name, folder);
        if (n > highest)
            highest = n;
        if (n > 0 && n < keep_from)
            remove_set(out, entry->d_name);
    }
    closedir(dir);
    return highest;
}

static int write_set(struct install *in, int out, const char *set,
                     const struct acme_certificate *cert)
{
    struct acme_buf b;
    int dir, err = 0;

    if (make_public_folder(out, set) != 0)
        return fail(in, "cannot be made", set);
    dir = openat(out, set, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(in, "cannot be opened", set);
    for (int i = first_part(cert); err == 0 && i < PART_COUNT; i++) {
        if (!make_part(cert, (enum part)i, &b)) {
            errno = EFBIG;
            err = fail(in, "is too long", part_names[i]);
        } else
            err = write_file(in, dir, (enum part)i, &b);
        acme_wipe(text, sizeof text);
    }
    if (err == 0 && fsync(dir) != 0)
        err = fail(in, "cannot be synced", set);
    close(dir);
    if (err != 0)
        remove_set(out, set);
    return err;
}

static int swap_link(struct install *in, int out, const char *folder, const char *set)
{
    char aside[SET_NAME];

    snprintf(aside, sizeof aside, ".%s.new", folder);
    (void)unlinkat(out, aside, 0);
    if (symlinkat(set, out, aside) != 0)
        return fail(in, "the link cannot be made", aside);
    if (renameat(out, aside, out, folder) != 0) {
        int err = fail(in, "the link cannot be put into place", folder);
        (void)unlinkat(out, aside, 0);
        return err;
    }
    return fsync(out) == 0 ? 0 : fail(in, "cannot be synced", folder);
}

static bool up_to_date(int out, const char *folder, const struct acme_certificate *cert)
{
    struct acme_buf b;
    bool same = true;
    int dir = openat(out, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return false;
    for (int i = first_part(cert); same && i < PART_COUNT; i++)
        same = make_part(cert, (enum part)i, &b) && files_same(dir, part_names[i], &b, 0);
    acme_wipe(text, sizeof text);
    close(dir);
    return same;
}

int make_public_folder(int at, const char *name)
{
    mode_t before = umask(022);
    int err = mkdirat(at, name, 0755), sys = errno;

    umask(before);
    errno = sys;
    return err;
}

/* Make the folder and those above it. */
static int make_folders(const char *path)
{
    char part[400];
    size_t len = strlen(path);

    if (len >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, len + 1);
    for (char *c = part + 1; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (make_public_folder(AT_FDCWD, part) != 0 && errno != EEXIST)
            return -1;
        *c = '/';
    }
    return make_public_folder(AT_FDCWD, part) != 0 && errno != EEXIST ? -1 : 0;
}

int install_certificate(struct install *in, const char *out_dir, const char *cert_name,
                        const struct acme_certificate *cert)
{
    char folder[ACME_NAME_ROOM + 9], set[SET_NAME];
    unsigned long n;
    struct stat st;
    int out, err;

    memset(in, 0, sizeof *in);
    install_folder(cert_name, folder, sizeof folder);
    snprintf(in->path, sizeof in->path, "%.255s", out_dir);
    if (make_folders(out_dir) != 0)
        return fail(in, "cannot be made", "");
    out = open(out_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out < 0)
        return fail(in, "cannot be opened", "");
    if (fstatat(out, folder, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode)) {
        errno = EEXIST;
        err = fail(in, "is not a link of ours: move it away", folder);
    } else if (up_to_date(out, folder, cert))
        err = 0;
    else {
        n = walk_sets(out, folder, 0) + 1;
        snprintf(set, sizeof set, ".%s.%lu", folder, n);
        err = write_set(in, out, set, cert);
        if (err == 0)
            err = swap_link(in, out, folder, set);
        if (err == 0) {
            (void)walk_sets(out, folder, n > 1 ? n - 1 : 1);
            err = 1;
        }
    }
    close(out);
    snprintf(in->path, sizeof in->path, "%.200s/%.280s", out_dir, folder);
    return err;
}
