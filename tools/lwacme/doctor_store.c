/* The state folder, and what the ledger in it holds back. */
#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_time.h"
#include "facts.h"

/* The folder, or the nearest one above it that exists, where it would be made. */
static bool nearest(const char *dir, char *out, size_t room, struct stat *st)
{
    int n = snprintf(out, room, "%s", dir);

    if (n < 0 || (size_t)n >= room)
        return false;
    while (stat(out, st) != 0) {
        char *slash = strrchr(out, '/');
        if (errno != ENOENT || strcmp(out, "/") == 0 || strcmp(out, ".") == 0)
            return false;
        if (slash == NULL)
            snprintf(out, room, ".");
        else if (slash == out)
            out[1] = '\0';
        else
            *slash = '\0';
    }
    return true;
}

static void look_at_folder(struct doctor *d, const char *check, const char *dir, bool secret)
{
    char path[4096];
    struct stat st;
    bool there;

    if (!nearest(dir, path, sizeof path, &st)) {
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, check, NULL, "check the path and its permissions",
                    "%.300s: %s", dir, strerror(errno));
        return;
    }
    there = strcmp(path, dir) == 0;
    if (!S_ISDIR(st.st_mode))
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, check, NULL, "move it away, or name another folder",
                    "%.300s is not a folder", path);
    else if (access(path, W_OK | X_OK) != 0)
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, check, NULL,
                    "run as its owner or as root, or name another folder",
                    "%.300s cannot be written by this user: %s", path, strerror(errno));
    else if (there && secret && (st.st_mode & 0022) != 0)
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, check, NULL, "chmod 700, and look who was there",
                    "%.300s may be written by others than its owner (mode %03o): keys are in it",
                    dir, (unsigned)st.st_mode & 0777);
    else if (there && secret && st.st_uid != geteuid())
        doctor_tell(d, DOCTOR_WARNING, 0, check, NULL, "run as the user who runs lwacme otherwise",
                    "%.300s belongs to another user (number %lu)", dir, (unsigned long)st.st_uid);
    else
        doctor_tell(d, DOCTOR_OK, 0, check, NULL, NULL, "%.300s %s", dir,
                    there ? "can be written" : "does not exist yet, and can be made");
}

/* What the ledger of this CA holds back. */
static void look_at_ca(void *arg, const struct facts *f)
{
    struct doctor *d = arg;
    struct facts_hold holds[FACTS_HOLDS];
    size_t count = facts_holds(f, holds);
    char when[ACME_TIME_TEXT], since[ACME_TIME_TEXT];

    snprintf(d->ca->account, sizeof d->ca->account, "%s",
             f->status.account != NULL ? f->status.account : "");
    for (size_t i = 0; i < count; i++) {
        acme_time_text(holds[i].until, when);
        acme_time_text(holds[i].since, since);
        d->ca->held |= holds[i].all;
        doctor_tell(d, DOCTOR_BAD, EXIT_LATER, "budget", NULL,
                    "wait: asking again before only makes it worse",
                    "the CA wants %s until %s, as it said at %s (Retry-After)", holds[i].what, when,
                    since);
    }
}

/* Of this certificate. */
static void look_at_budget(void *arg, const struct facts *f)
{
    struct doctor *d = arg;
    const struct acme_sched *s = f->status.attempts;
    char when[ACME_TIME_TEXT];
    int64_t early = f->status.early_at;

    if (f->status.next_at > f->now) {
        acme_time_text(f->status.next_at, when);
        for (size_t i = 0; i < d->cas_count && f->status.next_by_ca && f->status.server != NULL;
             i++)
            d->cas[i].held |= strcmp(d->cas[i].url, f->status.server) == 0;
        doctor_tell(d, DOCTOR_BAD, EXIT_LATER, "budget", f->key,
                    f->status.next_by_ca ? "wait: asking again before only makes it worse"
                                         : "mend the cause; --now overrules this wait",
                    "held back until %s %s", when,
                    f->status.next_by_ca ? "because the CA said so (Retry-After)"
                                         : "after failures");
    } else if (f->err == ACME_OK && early > f->now && f->status.due_at > f->now) {
        acme_time_text(early, when);
        doctor_tell(d, DOCTOR_WARNING, 0, "budget", f->key,
                    "wait until it is due; --now overrules this",
                    "4 certificates that were not due in 7 days: no more until %s", when);
    } else
        doctor_tell(d, DOCTOR_OK, 0, "budget", f->key, NULL,
                    "nothing is held back (%u failed attempts in a row, %u of them validations; "
                    "what others spent at the CA for this name is not known here)",
                    s->failures, s->validations);
}

void doctor_store(struct doctor *d)
{
    static struct options one; /* large */
    char live[4096], why[256], again[256];
    const char *out = d->o->out_dir;
    int err;

    look_at_folder(d, "store", d->o->state_dir, true);
    if (out == NULL) {
        snprintf(live, sizeof live, "%.4000s/live", d->o->state_dir);
        out = live;
    }
    look_at_folder(d, "files", out, false);
    one = *d->o;
    if (one.cert_name[0] == '\0')
        memcpy(one.cert_name, d->o->names[0], sizeof one.cert_name);
    err = facts_each(&one, NULL, look_at_budget, d, why, sizeof why);
    one.servers_count = 1;
    one.staging_server = NULL;
    for (d->ca = d->cas; d->ca < d->cas + d->cas_count; d->ca++) {
        one.server = d->ca->url;
        (void)facts_each(&one, NULL, look_at_ca, d, again, sizeof again);
    }
    d->ca = NULL;
    if (err != ACME_OK && err != ACME_E_SLOT_EMPTY)
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, "budget", NULL,
                    "run as the user who runs lwacme otherwise", "%s: %s", acme_err_words(err),
                    why);
}
