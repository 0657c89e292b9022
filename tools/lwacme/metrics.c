/* The state of certificates as a text file for Prometheus. */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix_sys.h"

/* What is told of one certificate. A time of 0: there is none, and no sample. */
struct metrics_row {
    int64_t not_before, not_after, due_at, next_at, failed_at;
    uint32_t issued;
    uint16_t failures;
    int16_t failure;
    uint8_t revoked, level;
    char name[ACME_NAME_ROOM];
};

void metrics_begin(struct metrics *m)
{
    memset(m, 0, sizeof *m);
}

static struct metrics_row *new_row(struct metrics *m)
{
    struct metrics_row *rows = m->rows;

    if (m->count == m->room) {
        rows = realloc(m->rows, (m->room + 32) * sizeof *rows);
        if (rows == NULL) {
            m->lost = true;
            return NULL;
        }
        m->rows = rows;
        m->room += 32;
    }
    memset(&rows[m->count], 0, sizeof *rows);
    return &rows[m->count++];
}

void metrics_add(struct metrics *m, const struct facts *f)
{
    struct metrics_row *row = new_row(m);

    if (row == NULL)
        return;
    snprintf(row->name, sizeof row->name, "%s", f->key);
    if (f->err == ACME_OK) {
        row->not_before = f->cert.not_before;
        row->not_after = f->cert.not_after;
        row->due_at = f->status.due_at;
    }
    row->next_at = f->status.next_at > f->now ? f->status.next_at : 0;
    row->failed_at = f->status.failure->err != ACME_OK ? f->status.failure->at : 0;
    row->failure = (int16_t)f->status.failure->err;
    row->failures = f->status.attempts->failures;
    row->issued = f->status.issued;
    row->revoked = f->status.revoked != ACME_NOT_REVOKED;
    row->level = (uint8_t)f->alarm.level;
}

/* -- the text -- */

void metrics_label(struct acme_buf *b, const char *value)
{
    acme_buf_char(b, '"');
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            acme_buf_text(b, "\\n");
        else {
            if (*value == '\\' || *value == '"')
                acme_buf_char(b, '\\');
            acme_buf_char(b, *value);
        }
    }
    acme_buf_char(b, '"');
}

enum metric {
    NOT_BEFORE,
    NOT_AFTER,
    DUE,
    NEXT,
    FAILURES,
    FAILED_AT,
    FAILURE_CODE,
    FAILURE_INFO,
    REVOKED,
    ISSUED,
    CHECK,
    METRICS_
};

static const struct {
    const char *name, *type, *help;
} metrics[METRICS_] = {
    [NOT_BEFORE] = {"not_before_timestamp_seconds", "gauge",
                    "Begin of the validity of the certificate in force."},
    [NOT_AFTER] = {"not_after_timestamp_seconds", "gauge",
                   "End of the validity of the certificate in force."},
    [DUE] = {"due_timestamp_seconds", "gauge", "When its renewal becomes due."},
    [NEXT] = {"next_attempt_timestamp_seconds", "gauge",
              "No attempt before, by our backoff or the CA's word; absent when nothing is held "
              "back."},
    [FAILURES] = {"failures", "gauge", "Failed attempts in a row, since the last success."},
    [FAILED_AT] = {"last_failure_timestamp_seconds", "gauge",
                   "The last failed attempt; absent since a success."},
    [FAILURE_CODE] = {"last_failure_code", "gauge",
                      "Number of the last failure's error, 0 since a success."},
    [FAILURE_INFO] = {"last_failure_info", "gauge",
                      "1, with the symbol of the last failure's error; absent since a success."},
    [REVOKED] = {"revoked", "gauge", "1 when the certificate in force is revoked, or may be."},
    [ISSUED] = {"issued_total", "counter", "Certificates that its storage has seen."},
    [CHECK] = {"check_state", "gauge", "As lwacme status --check: 0 fine, 1 warning, 2 critical."},
};

/* False: there is no such sample. */
static bool value_of(const struct metrics_row *row, enum metric metric, int64_t *value)
{
    switch (metric) {
    case NOT_BEFORE:
        *value = row->not_before;
        return row->not_after != 0;
    case NOT_AFTER:
        *value = row->not_after;
        return row->not_after != 0;
    case DUE:
        *value = row->due_at;
        return row->due_at != 0;
    case NEXT:
        *value = row->next_at;
        return row->next_at != 0;
    case FAILURES:
        *value = row->failures;
        return true;
    case FAILED_AT:
        *value = row->failed_at;
        return row->failed_at != 0;
    case FAILURE_CODE:
        *value = row->failure;
        return true;
    case FAILURE_INFO:
        *value = 1;
        return row->failure != ACME_OK;
    case REVOKED:
        *value = row->revoked;
        return true;
    case ISSUED:
        *value = row->issued;
        return true;
    default:
        *value = row->level;
        return true;
    }
}

static void put_head(FILE *to, const char *name, const char *type, const char *help)
{
    fprintf(to, "# HELP lwacme_%s %s\n# TYPE lwacme_%s %s\n", name, help, name, type);
}

static void put_metric(FILE *to, const struct metrics *m, enum metric metric)
{
    char room[2 * ACME_NAME_ROOM + 3], head[64];
    struct acme_buf b;
    int64_t value;

    snprintf(head, sizeof head, "certificate_%s", metrics[metric].name);
    put_head(to, head, metrics[metric].type, metrics[metric].help);
    for (size_t i = 0; i < m->count; i++) {
        if (!value_of(&m->rows[i], metric, &value))
            continue;
        acme_buf_init(&b, room, sizeof room);
        metrics_label(&b, m->rows[i].name);
        if (!acme_buf_end(&b))
            continue;
        fprintf(to, "lwacme_%s{certificate=%s", head, room);
        if (metric == FAILURE_INFO)
            fprintf(to, ",error=\"%s\"", acme_err_name(m->rows[i].failure));
        fprintf(to, "} %lld\n", (long long)value);
    }
}

static void put_all(FILE *to, const struct metrics *m)
{
    int64_t now = 0;

    for (enum metric i = 0; i < METRICS_; i++)
        put_metric(to, m, i);
    put_head(to, "certificates", "gauge", "Certificates that this file tells of.");
    fprintf(to, "lwacme_certificates %lu\n", (unsigned long)m->count);
    (void)posix_unix_time(NULL, &now);
    put_head(to, "metrics_timestamp_seconds", "gauge", "When this file was written.");
    fprintf(to, "lwacme_metrics_timestamp_seconds %lld\n", (long long)now);
    put_head(to, "build_info", "gauge", "1, with the version of lwacme.");
    fprintf(to, "lwacme_build_info{version=\"" ACME_VERSION "\"} 1\n");
}

/* -- the file -- */

static int fail(char *why, size_t room, const char *what)
{
    snprintf(why, room, "%s: %s", what, strerror(errno));
    return -1;
}

static int close_aside(FILE *to, bool *written)
{
    *written =
        fflush(to) == 0 && !ferror(to) && fchmod(fileno(to), 0644) == 0 && fsync(fileno(to)) == 0;
    return fclose(to);
}

/* A collector that reads PATH sees the old file or the new one. The name beside it ends as no
 * collector's pattern does, and is nobody else's, should two of us write at the same time. */
static int write_file(const struct metrics *m, const char *path, char *why, size_t room)
{
    char aside[4096];
    int n = snprintf(aside, sizeof aside, "%s.XXXXXX", path);
    bool written = false;
    FILE *to;
    int fd;

    if (n < 0 || (size_t)n >= sizeof aside) {
        errno = ENAMETOOLONG;
        return fail(why, room, "cannot be made");
    }
    fd = mkostemp(aside, O_CLOEXEC);
    to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (to == NULL) {
        n = fail(why, room, "cannot be made");
        if (fd >= 0) {
            close(fd);
            (void)unlink(aside);
        }
        return n;
    }
    put_all(to, m);
    if (close_aside(to, &written) == 0 && written && rename(aside, path) == 0)
        return 0;
    n = fail(why, room, "cannot be written");
    (void)unlink(aside);
    return n;
}

bool metrics_doubt(const char *path, char *why, size_t room)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    struct stat st;

    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) : 1,
             slash != NULL ? path : ".");
    if (geteuid() != 0 || stat(slash == path ? "/" : folder, &st) != 0)
        return false;
    if (st.st_uid != 0)
        snprintf(why, room,
                 "root writes into %.200s, which belongs to another user (number %lu), who can "
                 "lead it elsewhere: write as that user, or into a folder of root's",
                 folder, (unsigned long)st.st_uid);
    else if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
        snprintf(why, room, "root writes into %.200s, where everybody may: chmod o-w", folder);
    else
        return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct metrics_row *)a)->name, ((const struct metrics_row *)b)->name);
}

int metrics_end(struct metrics *m, const char *path, char *why, size_t room)
{
    int err;

    if (m->count > 1)
        qsort(m->rows, m->count, sizeof *m->rows, by_name);
    errno = ENOMEM;
    err = m->lost ? fail(why, room, "not enough memory") : write_file(m, path, why, room);
    free(m->rows);
    metrics_begin(m);
    return err;
}

static void add(void *arg, const struct facts *f)
{
    metrics_add(arg, f);
}

int metrics_write(const struct conf *c, const char *path, char *why, size_t room)
{
    struct conf quiet = *c; /* what is wrong with a file is said when its turn comes */
    struct metrics m;
    int err;

    quiet.quiet = true;
    metrics_begin(&m);
    err = facts_each(NULL, &quiet, add, &m, why, room);
    if (err == ACME_OK || err == ACME_E_SLOT_EMPTY)
        return metrics_end(&m, path, why, room);
    free(m.rows);
    return -1;
}
