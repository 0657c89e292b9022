/* case_files.c - keys, modes, owners, links: what other users may try */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XF_CA "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899"

static char xf_path[700], xf_path2[700];

static const char *xf_at(struct bed *b, const char *below)
{
    snprintf(xf_path, sizeof xf_path, "%s/%s", b->state, below);
    return xf_path;
}

static int xf_write(struct bed *b, enum acme_slot slot, const char *key, const char *text)
{
    return b->slot_ops.write(b->slot_ops.ctx, slot, key, text, strlen(text));
}

static char xf_buf[4096];

static int xf_read(struct bed *b, enum acme_slot slot, const char *key)
{
    memset(xf_buf, 0, sizeof xf_buf);
    return b->slot_ops.read(b->slot_ops.ctx, slot, key, xf_buf, sizeof xf_buf - 1);
}

/* ---- keys ---- */

static unsigned xf_entries;

static int xf_count(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)type;
    (void)ftw;
    xf_entries++;
    return 0;
}

static unsigned xf_all(struct bed *b)
{
    xf_entries = 0;
    (void)nftw(b->dir, xf_count, 16, FTW_PHYS);
    return xf_entries;
}

static const char *xf_bad_keys(struct bed *b)
{
    static const char *const bad[] = {
        "",      ".",      "..",       "../x",        "a/b",   "/etc/passwd", "a..b",
        ".a",    "a.",     "A.org",    "a b",         "a\nb",  "a\x01",       "-a",
        "a.-b",  "*",      "*.",       "a.*",         "*.*.a", "x*.a",        "**.a",
        "a%2fb", "a\\b",   "\xc3\xa4", "_wildcard.a", "a:b:g", "host:80",     "1_2_3",
        "__1",   "::1/..", "..:..:.",  "a\x7f",       "a;b",   "a'b",         "~",
    };
    char key[300];
    unsigned before = xf_all(b);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int slot = ACME_SLOT_ORDER; slot <= ACME_SLOT_SCHED; slot++) {
            if (xf_write(b, (enum acme_slot)slot, bad[i], "x") != ACME_E_ARG ||
                xf_read(b, (enum acme_slot)slot, bad[i]) != ACME_E_ARG)
                return bed_why("certificate key \"%s\" is taken", bad[i]);
        }
        if (xf_write(b, ACME_SLOT_ACCOUNT, bad[i], "x") != ACME_E_ARG)
            return bed_why("CA key \"%s\" is taken", bad[i]);
        /* these look like an IPv6 folder only among certificates */
        if (strcmp(bad[i], "1_2_3") != 0 && strcmp(bad[i], "__1") != 0 &&
            strcmp(bad[i], "_wildcard.a") != 0 &&
            xf_write(b, ACME_SLOT_SOLVER, bad[i], "x") != ACME_E_ARG)
            return bed_why("solver key \"%s\" is taken", bad[i]);
        if (bad[i][0] != '\0' && xf_write(b, ACME_SLOT_CONFIG, bad[i], "x") != ACME_E_ARG)
            return bed_why("device key \"%s\" is taken", bad[i]);
    }
    snprintf(key, sizeof key, "%s", XF_CA);
    key[3] = 'A';
    WANT_STATUS(xf_write(b, ACME_SLOT_ACCOUNT, key, "x"), ACME_E_ARG);
    key[63] = '\0';
    WANT_STATUS(xf_write(b, ACME_SLOT_ACCOUNT, key, "x"), ACME_E_ARG);
    WANT_STATUS(xf_write(b, ACME_SLOT_ACCOUNT, XF_CA "0", "x"), ACME_E_ARG);
    memset(key, 'a', 254);
    key[254] = '\0';
    WANT_STATUS(xf_write(b, ACME_SLOT_SCHED, key, "x"), ACME_E_ARG);
    memcpy(key, "*.", 2);
    key[253] = '\0';
    WANT_STATUS(xf_write(b, ACME_SLOT_SCHED, key, "x"), ACME_E_SIZE);
    WANT_STATUS(xf_write(b, (enum acme_slot)0, "a", "x"), ACME_E_ARG);
    WANT_STATUS(xf_write(b, (enum acme_slot)(ACME_SLOT_MAX + 1), "a", "x"), ACME_E_ARG);
    WANT_STATUS(xf_write(b, ACME_SLOT_SCHED, NULL, "x"), ACME_E_ARG);
    WANT(xf_all(b) == before); /* nothing was made anywhere */
    return NULL;
}

struct xf_names {
    char list[8][ACME_SLOT_KEY_MAX + 1];
    unsigned count;
};

static void xf_name(void *arg, const char *key)
{
    struct xf_names *n = arg;

    if (n->count < 8)
        snprintf(n->list[n->count++], sizeof n->list[0], "%s", key);
}

static const char *xf_folders(struct bed *b)
{
    static const char *const keys[] = {"*.w.example", "w.example", "2001:db8::5", "my_cert"};
    static const char *const files[] = {"certs/_wildcard.w.example/sched", "certs/w.example/sched",
                                        "certs/2001_db8__5/sched", "certs/my_cert/sched"};
    struct posix_slots other;
    struct xf_names names = {.count = 0};
    char dir[320];
    struct bed c = *b;

    snprintf(dir, sizeof dir, "%s/names", b->dir);
    snprintf(c.state, sizeof c.state, "%s", dir);
    WANT_STATUS(posix_slots_open(&other, dir), ACME_OK);
    c.slot_ops = posix_slots_ops(&other);
    WANT_STATUS(posix_slots_each_cert(&other, xf_name, &names), ACME_OK);
    WANT(names.count == 0);
    for (int i = 0; i < 4; i++) {
        WANT_STATUS(xf_write(&c, ACME_SLOT_SCHED, keys[i], keys[i]), ACME_OK);
        WANT(access(xf_at(&c, files[i]), R_OK) == 0);
    }
    WANT_STATUS(xf_write(&c, ACME_SLOT_ACCOUNT, XF_CA, "x"), ACME_OK);
    WANT_STATUS(xf_write(&c, ACME_SLOT_CA_LEDGER, XF_CA, "x"), ACME_OK);
    WANT_STATUS(xf_write(&c, ACME_SLOT_SOLVER, "rfc2136", "x"), ACME_OK);
    WANT(access(xf_at(&c, "ca/" XF_CA "/account"), R_OK) == 0);
    WANT(access(xf_at(&c, "ca/" XF_CA "/ledger"), R_OK) == 0);
    WANT(access(xf_at(&c, "solvers/rfc2136"), R_OK) == 0);
    WANT(mkdir(xf_at(&c, "certs/Not Ours"), 0700) == 0);
    WANT(mkdir(xf_at(&c, "certs/.hidden"), 0700) == 0);
    WANT_STATUS(posix_slots_each_cert(&other, xf_name, &names), ACME_OK);
    posix_slots_close(&other);
    WANT(names.count == 4);
    for (int i = 0; i < 4; i++) {
        bool found = false;
        for (int k = 0; k < 4; k++)
            found = found || strcmp(names.list[k], keys[i]) == 0;
        WANT(found);
    }
    return NULL;
}

/* ---- modes and owners ---- */

static const char *xf_modes_child(struct bed *b)
{
    static const mode_t umasks[] = {0, 022, 077};
    struct stat st;

    for (int i = 0; i < 3; i++) {
        char key[] = "m0.example", below[64];
        key[1] = (char)('0' + i);
        umask(umasks[i]);
        WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, key, "secret"), ACME_OK);
        snprintf(below, sizeof below, "certs/%s/cert-a", key);
        WANT(stat(xf_at(b, below), &st) == 0 && (st.st_mode & 07777) == 0600);
        snprintf(below, sizeof below, "certs/%s", key);
        WANT(stat(xf_at(b, below), &st) == 0 && (st.st_mode & 07777) == 0700);
    }
    WANT(stat(b->state, &st) == 0 && (st.st_mode & 07777) == 0700);
    WANT(stat(xf_at(b, "lock"), &st) == 0 && (st.st_mode & 0777) == 0600);
    return NULL;
}

static const char *xf_modes(struct bed *b)
{
    return bed_in_child(xf_modes_child, b, false);
}

static const char *xf_others_read(struct bed *b)
{
    static const mode_t open_to_others[] = {0640, 0604, 0620, 0602, 0610};

    WANT_STATUS(xf_write(b, ACME_SLOT_ACCOUNT, XF_CA, "key"), ACME_OK);
    for (int i = 0; i < 5; i++) {
        WANT(chmod(xf_at(b, "ca/" XF_CA "/account"), open_to_others[i]) == 0);
        WANT_STATUS(xf_read(b, ACME_SLOT_ACCOUNT, XF_CA), ACME_E_SLOT);
        WANT(strstr(b->slots.why, "account") != NULL && strstr(b->slots.why, "chmod") != NULL);
        WANT(xf_buf[0] == '\0');
    }
    WANT(chmod(xf_path, 0600) == 0 && xf_read(b, ACME_SLOT_ACCOUNT, XF_CA) == 3);
    /* Not a secret: may be read, but not written. */
    WANT_STATUS(xf_write(b, ACME_SLOT_CA_LEDGER, XF_CA, "429"), ACME_OK);
    WANT(chmod(xf_at(b, "ca/" XF_CA "/ledger"), 0644) == 0);
    WANT(xf_read(b, ACME_SLOT_CA_LEDGER, XF_CA) == 3);
    WANT(chmod(xf_path, 0664) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_CA_LEDGER, XF_CA), ACME_E_SLOT);
    /* Nor may others change the folders. */
    WANT(chmod(xf_at(b, "ca/" XF_CA), 0770) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_ACCOUNT, XF_CA), ACME_E_SLOT);
    WANT_STATUS(xf_write(b, ACME_SLOT_ACCOUNT, XF_CA, "new"), ACME_E_SLOT);
    WANT(chmod(xf_path, 0700) == 0 && chmod(xf_at(b, "ca"), 0707) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_ACCOUNT, XF_CA), ACME_E_SLOT);
    WANT(chmod(xf_path, 0755) == 0 && xf_read(b, ACME_SLOT_ACCOUNT, XF_CA) == 3);
    return NULL;
}

static const char *xf_state_open(struct bed *b)
{
    struct posix_slots other;
    char dir[320];

    snprintf(dir, sizeof dir, "%s/world", b->dir);
    WANT(mkdir(dir, 0700) == 0 && chmod(dir, 0777) == 0);
    WANT_STATUS(posix_slots_open(&other, dir), ACME_E_SLOT);
    WANT(strstr(other.why, "0777") != NULL);
    WANT_STATUS(posix_slots_open_read(&other, dir), ACME_E_SLOT);
    WANT(chmod(dir, 0755) == 0);
    WANT_STATUS(posix_slots_open(&other, dir), ACME_OK);
    posix_slots_close(&other);
    return NULL;
}

static const char *xf_owner(struct bed *b)
{
    if (geteuid() != 0)
        return BED_SKIP "only root can give files away";
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "owner.example", "key"), ACME_OK);
    WANT(chown(xf_at(b, "certs/owner.example/cert-a"), 65534, 65534) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_CERT_A, "owner.example"), ACME_E_SLOT);
    WANT(strstr(b->slots.why, "65534") != NULL);
    WANT(chown(xf_at(b, "certs/owner.example"), 65534, 65534) == 0);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "owner.example", "key"), ACME_E_SLOT);
    return NULL;
}

static const char *xf_nobody_child(struct bed *b)
{
    struct posix_slots s;
    char dir[320];

    /* root's state */
    WANT_STATUS(posix_slots_open(&s, b->state), ACME_E_SLOT);
    WANT(strstr(s.why, "Permission denied") != NULL && strstr(s.why, b->state) != NULL);
    /* a folder that we may not write */
    snprintf(dir, sizeof dir, "%s/forbidden/state", b->dir);
    WANT_STATUS(posix_slots_open(&s, dir), ACME_E_SLOT);
    WANT(strstr(s.why, "Permission denied") != NULL);
    /* our own, which then loses its write permission */
    snprintf(dir, sizeof dir, "%s/nobody/x/state", b->dir);
    WANT_STATUS(posix_slots_open(&s, dir), ACME_OK);
    struct acme_slots ops = posix_slots_ops(&s);
    WANT_STATUS(ops.write(ops.ctx, ACME_SLOT_CERT_A, "a.example", "old", 3), ACME_OK);
    snprintf(xf_path2, sizeof xf_path2, "%s/certs/a.example", dir);
    WANT(chmod(xf_path2, 0500) == 0);
    WANT_STATUS(ops.write(ops.ctx, ACME_SLOT_CERT_A, "a.example", "new", 3), ACME_E_SLOT);
    WANT(strstr(s.why, "certs/a.example/cert-a") != NULL);
    WANT(ops.read(ops.ctx, ACME_SLOT_CERT_A, "a.example", xf_buf, 10) == 3);
    WANT(memcmp(xf_buf, "old", 3) == 0);
    WANT(chmod(xf_path2, 0) == 0);
    WANT_STATUS(ops.read(ops.ctx, ACME_SLOT_CERT_A, "a.example", xf_buf, 10), ACME_E_SLOT);
    WANT(chmod(xf_path2, 0700) == 0);
    posix_slots_close(&s);
    return NULL;
}

static const char *xf_nobody(struct bed *b)
{
    char dir[320];

    if (geteuid() != 0)
        return BED_SKIP "only root can become nobody";
    WANT(chmod(b->dir, 0711) == 0);
    snprintf(dir, sizeof dir, "%s/nobody", b->dir);
    WANT(mkdir(dir, 0700) == 0 && chown(dir, 65534, 65534) == 0);
    snprintf(dir, sizeof dir, "%s/forbidden", b->dir);
    WANT(mkdir(dir, 0755) == 0);
    return bed_in_child(xf_nobody_child, b, true);
}

/* ---- links and other things in a file's place ---- */

static bool xf_text_is(const char *path, const char *text)
{
    char buf[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, buf, sizeof buf - 1) : -1;

    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(text) && strcmp(buf, text) == 0;
}

static const char *xf_links(struct bed *b)
{
    struct stat st;
    char victim[320];

    snprintf(victim, sizeof victim, "%s/victim", b->dir);
    int fd = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    WANT(fd >= 0 && write(fd, "precious", 8) == 8 && close(fd) == 0);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "link.example", "one"), ACME_OK);
    /* where the new file is written */
    WANT(symlink(victim, xf_at(b, "certs/link.example/.new")) == 0);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "link.example", "two"), ACME_OK);
    WANT(xf_text_is(victim, "precious") && xf_read(b, ACME_SLOT_CERT_A, "link.example") == 3);
    WANT(strcmp(xf_buf, "two") == 0);
    WANT(lstat(xf_at(b, "certs/link.example/cert-a"), &st) == 0 && S_ISREG(st.st_mode));
    /* in the record's place: not followed, but replaced */
    WANT(unlink(xf_path) == 0 && symlink(victim, xf_path) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_CERT_A, "link.example"), ACME_E_SLOT);
    WANT(strstr(b->slots.why, "symbolic link") != NULL);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "link.example", "three"), ACME_OK);
    WANT(xf_text_is(victim, "precious") && lstat(xf_path, &st) == 0 && S_ISREG(st.st_mode));
    /* a folder */
    snprintf(xf_path2, sizeof xf_path2, "%s/elsewhere", b->dir);
    WANT(mkdir(xf_path2, 0700) == 0);
    WANT(symlink(xf_path2, xf_at(b, "certs/away.example")) == 0);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "away.example", "x"), ACME_E_SLOT);
    WANT_STATUS(xf_read(b, ACME_SLOT_CERT_A, "away.example"), ACME_E_SLOT);
    WANT(rmdir(xf_path2) == 0); /* nothing was put there */
    return NULL;
}

static const char *xf_not_files(struct bed *b)
{
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "odd.example", "x"), ACME_OK);
    WANT(truncate(xf_at(b, "certs/odd.example/cert-a"), 0) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_CERT_A, "odd.example"), ACME_E_SLOT_CORRUPT);
    WANT(unlink(xf_path) == 0 && mkfifo(xf_path, 0600) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_CERT_A, "odd.example"), ACME_E_SLOT); /* and at once */
    WANT(strstr(b->slots.why, "not a file") != NULL);
    WANT(unlink(xf_path) == 0 && mkdir(xf_path, 0700) == 0);
    WANT_STATUS(xf_read(b, ACME_SLOT_CERT_A, "odd.example"), ACME_E_SLOT);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "odd.example", "x"), ACME_E_SLOT);
    WANT(access(xf_at(b, "certs/odd.example/.new"), F_OK) != 0);
    WANT_STATUS(xf_write(b, ACME_SLOT_CERT_A, "odd.example", ""), ACME_E_SLOT);
    return NULL;
}

const struct bed_case cases_files[] = {
    {"bad-keys", xf_bad_keys},
    {"folders", xf_folders},
    {"modes", xf_modes},
    {"open-to-others", xf_others_read},
    {"state-open-to-others", xf_state_open},
    {"owner", xf_owner},
    {"as-nobody", xf_nobody},
    {"links", xf_links},
    {"not-files", xf_not_files},
    {NULL, NULL},
};
