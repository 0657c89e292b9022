/* The frame of a daemon: its runner of hooks, its rights, its port. */
#include "frame.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics.h"
#include "secret.h"

#include "options.h"

static struct privilege given;
static struct options room; /* of one certificate, for the length of a call */
static bool runs_hooks;     /* there is a runner: it can only be made before rights are given up */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* -- folders that are written below -- */

static bool is_given(const struct privilege *p, const char *path)
{
    for (size_t i = 0; i < PRIVILEGE_PATHS && p->paths[i] != NULL; i++) {
        if (strcmp(p->paths[i], path) == 0)
            return true;
    }
    return false;
}

/* A copy of the path: the configuration that it comes from may be replaced. */
static bool give(struct privilege *p, const char *path, size_t len)
{
    size_t n = 0;
    char *copy = strndup(path, len);

    while (n + 1 < PRIVILEGE_PATHS && p->paths[n] != NULL)
        n++;
    if (copy == NULL || is_given(p, copy) || n + 1 == PRIVILEGE_PATHS) {
        bool there = copy != NULL && is_given(p, copy);
        free(copy);
        return there;
    }
    p->paths[n] = copy;
    return true;
}

/* Folders of one certificate, or of the daemon: OUT, the web root, the metrics' folder. */
static bool give_all(struct privilege *p, const struct options *o)
{
    const char *slash = o->metrics_file != NULL ? strrchr(o->metrics_file, '/') : NULL;

    return (o->out_dir == NULL || give(p, o->out_dir, strlen(o->out_dir))) &&
           (o->webroot == NULL || give(p, o->webroot, strlen(o->webroot))) &&
           (slash == NULL || give(p, o->metrics_file,
                                  slash > o->metrics_file ? (size_t)(slash - o->metrics_file) : 1));
}

static void drop_copies(struct privilege *p)
{
    for (size_t i = 0; i < PRIVILEGE_PATHS && p->paths[i] != NULL; i++) {
        free((void *)(uintptr_t)p->paths[i]);
        p->paths[i] = NULL;
    }
}

/* False: more than there is room for. */
static bool collect(struct privilege *p, const struct conf *c, const struct options *own)
{
    bool fits = give(p, own->state_dir, strlen(own->state_dir)) && give_all(p, own);

    for (size_t i = 0; fits && i < c->count; i++)
        fits = conf_options(c, i, &room) != EXIT_DONE || give_all(p, &room);
    return fits;
}

static bool any_hook(const struct conf *c, const struct options *own)
{
    bool any = own->deploy_hook != NULL;

    for (size_t i = 0; !any && i < c->count; i++)
        any = conf_options(c, i, &room) == EXIT_DONE && room.deploy_hook != NULL;
    return any;
}

bool frame_cannot_ask(const struct conf *c)
{
    bool any = false;

    for (size_t i = 0; !any && i < c->count; i++)
        any = conf_options(c, i, &room) == EXIT_DONE && options_not_for_daemon(&room);
    return any;
}

bool frame_same(const struct conf *next, const struct options *old, const struct options *fresh,
                char *why, size_t len)
{
    static struct privilege wanted;
    const char *what = NULL;

    if (!same_text(old->state_dir, fresh->state_dir))
        what = "another state-dir";
    else if (!same_text(old->user, fresh->user))
        what = "another user";
    else if (old->http_port != fresh->http_port || !same_text(old->http_bind, fresh->http_bind))
        what = "another http-port or http-bind";
    else if (old->tls_port != fresh->tls_port || !same_text(old->tls_bind, fresh->tls_bind))
        what = "another tls-port or tls-bind";
    else if (old->log_syslog != fresh->log_syslog)
        what = "another log";
    else if (!runs_hooks && any_hook(next, fresh))
        what = "the first deploy-hook";
    memset(&wanted, 0, sizeof wanted);
    if (what == NULL && !collect(&wanted, next, fresh))
        what = "that many folders";
    for (size_t i = 0; what == NULL && i < PRIVILEGE_PATHS && wanted.paths[i] != NULL; i++) {
        if (!is_given(&given, wanted.paths[i])) {
            snprintf(why, len, "another folder to write to, %.300s,", wanted.paths[i]);
            drop_copies(&wanted);
            return false;
        }
    }
    drop_copies(&wanted);
    if (what != NULL)
        snprintf(why, len, "%s", what);
    return what == NULL;
}

/* Keys that whoever becomes another user may not be able to read any more. */
static void keep_secrets(const struct conf *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (conf_options(c, i, &room) != EXIT_DONE)
            continue;
        if (room.eab_key_file != NULL)
            secret_keep(room.eab_key_file);
        if (room.tsig_key_file != NULL)
            secret_keep(room.tsig_key_file);
    }
}

/* -- the runner of hooks: a process of its own, with a copy of the configuration of its own -- */

static struct {
    struct conf conf;
    const struct options *base;
} kept;

static bool runner_job(void *ctx, size_t i, struct hook_job *job)
{
    (void)ctx;
    if (i >= kept.conf.count || conf_options(&kept.conf, i, &room) != EXIT_DONE ||
        !hook_job_of(&room, job))
        return false;
    job->facts.index = i;
    return true;
}

static size_t runner_count(void *ctx)
{
    (void)ctx;
    return kept.conf.count;
}

static bool runner_read(void *ctx)
{
    struct conf next;

    (void)ctx;
    if (conf_open(&next, kept.conf.path, kept.base) != EXIT_DONE)
        return false;
    conf_close(&kept.conf);
    kept.conf = next;
    return true;
}

/* Hooks have the rights of the start in any case, so nothing is lost by giving them up. */
static void warn_root(const struct options *own)
{
    char why[400];

    if (geteuid() != 0)
        return;
    tell(LOG_WARN, "runs as root, which it does not need: `user = NAME` in the configuration lets "
                   "it become that user when it holds its port");
    if (own->metrics_file != NULL && metrics_doubt(own->metrics_file, why, sizeof why))
        tell(LOG_WARN, "metrics: %s", why);
}

int frame_enter(struct daemon *d)
{
    static struct runner_source source = {
        .job = runner_job, .count = runner_count, .reload = runner_read};
    char why[400] = "";

    kept.conf = d->conf;
    kept.base = d->base;
    source.config = d->conf.path;
    runs_hooks = any_hook(&d->conf, &d->own);
    if (runs_hooks && runner_start(&source, d->own.user, why, sizeof why) != 0) {
        tell_error("the runner of deploy hooks: %s", why);
        return EXIT_LOCAL;
    }
    given.user = d->own.user;
    if (!collect(&given, &d->conf, &d->own)) {
        tell_error("more than %d folders to write to: put out-dir and webroot of several "
                   "certificates below one",
                   PRIVILEGE_PATHS - 1);
        runner_stop();
        return EXIT_USAGE;
    }
    if (given.user != NULL)
        keep_secrets(&d->conf);
    if (privilege_drop(&given) != 0) {
        secret_wipe();
        tell_error("%s", given.why);
        runner_stop();
        return EXIT_LOCAL;
    }
    if (given.missing[0] != '\0')
        tell(LOG_WARN, "this kernel has no %s", given.missing);
    warn_root(&d->own);
    return EXIT_DONE;
}
