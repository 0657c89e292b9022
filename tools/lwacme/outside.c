/* lwacme --external: the channel and the handlers of the external solver, on this system. */
#include "outside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix_sys.h"
#include "world.h"

#define FLUSH_MS 5000 /* for a reader that is slow, at the end */

/* -- a handler's environment -- */

/* All members that there are: a message lacks most of them, and a script with `set -u` may ask for
 * any. */
static const char *const members[] = {
    "cmd",        "type",           "domain",     "token",         "validation", "uri",
    "command",    "key_auth",       "z_domain",   "cert_path",     "key_path",   "port",
    "cert_pem",   "key_pem",        "txt_domain", "status",        "validated",  "error",
    "chain_path", "fullchain_path", "timestamp",  "cert_timestamp"};
#define MEMBERS (sizeof members / sizeof members[0])

static bool is_entry(const char *entry, const char *prefix, const char *name)
{
    size_t n = strlen(prefix), len = strlen(name);

    return strncmp(entry, prefix, n) == 0 && strncmp(entry + n, name, len) == 0 &&
           entry[n + len] == '=';
}

static bool is_ours(const char *entry)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (is_entry(entry, "", members[i]) || is_entry(entry, "cbot_", members[i]))
            return true;
    }
    return is_entry(entry, "cbot_", "json");
}

static const char *value_of(const struct external_message *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct external_member *member = &m->members[i];
        if (strcmp(member->name, name) != 0)
            continue;
        if (member->value == NULL)
            return "None";
        if (member->raw && strcmp(member->value, "true") == 0)
            return "True";
        return member->raw && strcmp(member->value, "false") == 0 ? "False" : member->value;
    }
    return "";
}

struct list {
    char **entries; /* freed, as is text */
    size_t count;
    char *text;
    size_t len, room;
};

static void put(struct list *l, const char *prefix, const char *name, const char *value)
{
    int n = snprintf(l->text + l->len, l->room - l->len, "%s%s=%s", prefix, name, value);

    l->entries[l->count++] = l->text + l->len;
    l->len += (size_t)n + 1; /* room was counted for all */
}

static bool make_list(struct list *l, const struct external_message *m, const char *json)
{
    size_t inherited = 0;

    memset(l, 0, sizeof *l);
    while (environ != NULL && environ[inherited] != NULL)
        inherited++;
    l->room = strlen(json) + 32;
    for (size_t i = 0; m != NULL && i < MEMBERS; i++)
        l->room += 2 * (strlen(members[i]) + strlen(value_of(m, members[i])) + 8);
    l->entries = calloc(inherited + 2 * MEMBERS + 2, sizeof *l->entries);
    l->text = malloc(l->room);
    if (l->entries == NULL || l->text == NULL)
        return false;
    for (size_t i = 0; i < inherited; i++) {
        if (!hook_env_dropped(environ[i]) && !(m != NULL && is_ours(environ[i])))
            l->entries[l->count++] = environ[i];
    }
    for (size_t i = 0; m != NULL && i < MEMBERS; i++) {
        put(l, "", members[i], value_of(m, members[i]));
        put(l, "cbot_", members[i], value_of(m, members[i]));
    }
    if (m != NULL)
        put(l, "cbot_", "json", json);
    return true;
}

/* -- the runner -- */

static int run_start(void *ctx, const char *const *args, const struct external_message *m,
                     const char *json)
{
    struct outside *u = ctx;
    char *argv[10] = {u->program};
    struct hook_launch launch = {
        .argv = argv, .word = "handler", .limit_ms = u->limit_ms, .stays = true};
    struct list list;
    int err = ACME_E_SOLVER;

    for (size_t i = 0; args[i] != NULL && i + 2 < sizeof argv / sizeof argv[0]; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    if (make_list(&list, m, json)) {
        launch.environment = list.entries;
        err = hook_run_launch(&u->run, &launch);
    } else
        snprintf(u->run.why, sizeof u->run.why, "%s: no memory", u->program);
    if (err != ACME_OK)
        snprintf(u->why, sizeof u->why, "%.80s: %.300s", args[0], u->run.why);
    else
        snprintf(u->why, sizeof u->why, "%.80s", args[0]);
    free(list.entries);
    if (list.text != NULL)
        acme_wipe(list.text, list.room); /* a key may be in it */
    free(list.text);
    return err;
}

static int run_poll(void *ctx, struct external_ended *ended)
{
    struct outside *u = ctx;
    int err = hook_run_poll(&u->run, posix_now_ms(NULL));
    char command[81];

    if (err == ACME_AGAIN)
        return err;
    ended->status = u->run.status;
    memcpy(ended->printed, u->run.begun, sizeof ended->printed);
    /* Whoever ended by itself is judged by its status. */
    if (err == ACME_OK || (u->run.status > 0 && u->run.status < 127 && !u->run.overdue))
        return ACME_OK;
    snprintf(command, sizeof command, "%.80s", u->why);
    snprintf(u->why, sizeof u->why, "%s: %.300s", command, u->run.why);
    return ACME_E_SOLVER;
}

static void run_stop(void *ctx)
{
    struct outside *u = ctx;

    hook_run_stop(&u->run);
}

static const char *run_why(void *ctx)
{
    const struct outside *u = ctx;

    return u->why;
}

/* -- open -- */

static int find_program(struct outside *u, const char *path)
{
    char cwd[200] = "";
    int n;

    if (path[0] != '/' && getcwd(cwd, sizeof cwd) == NULL) {
        snprintf(u->why, sizeof u->why, "the working folder: %s", strerror(errno));
        return -1;
    }
    n = snprintf(u->program, sizeof u->program, "%s%s%s", cwd, cwd[0] != '\0' ? "/" : "", path);
    if (n < 0 || (size_t)n >= sizeof u->program) {
        snprintf(u->why, sizeof u->why, "the path is too long");
        return -1;
    }
    return hook_check(u->program, u->why, sizeof u->why);
}

/* Before anything is sent: both FIFOs are there. Who reads and answers may come later. */
static int find_fifos(struct outside *u, const char *path)
{
    static const char *const ends[] = {"", ".in"};
    char name[512];
    struct stat st;

    for (size_t i = 0; i < 2; i++) {
        int n = snprintf(name, sizeof name, "%s%s", path, ends[i]);
        if (n < 0 || (size_t)n >= sizeof name)
            snprintf(u->why, sizeof u->why, "the path is too long");
        else if (stat(name, &st) != 0)
            snprintf(u->why, sizeof u->why, "%.300s: %s; make it with mkfifo", name,
                     strerror(errno));
        else if (!S_ISFIFO(st.st_mode))
            snprintf(u->why, sizeof u->why, "%.300s is no FIFO; make it with mkfifo", name);
        else
            continue;
        return -1;
    }
    return 0;
}

int outside_open(struct outside *u, const struct options *o, const struct acme_port *port)
{
    struct external_config config;
    bool runs = o->external == EXTERNAL_HANDLER || o->external == EXTERNAL_DEHYDRATED;
    bool kept =
        u->on && u->posix.kind == o->external_over && o->external_over == POSIX_CHANNEL_STDIO;

    if (u->on && !kept)
        external_close(&u->external);
    u->on = false;
    hook_run_stop(&u->run);
    u->program[0] = u->why[0] = '\0';
    if (runs && find_program(u, o->external_path) != 0)
        return -1;
    if (o->external_over == POSIX_CHANNEL_FIFO && find_fifos(u, o->external_path) != 0)
        return -1;
    if (o->external_over == POSIX_CHANNEL_UNIX &&
        strlen(o->external_path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        snprintf(u->why, sizeof u->why, "the path is too long for a socket");
        return -1;
    }
    u->limit_ms = o->handler_timeout * 1000;
    if (!kept) /* what was read ahead of the standard streams is still there */
        u->channel = posix_channel_init(&u->posix, (enum posix_channel_kind)o->external_over,
                                        o->external_path);
    u->runner.ctx = u;
    u->runner.start = run_start;
    u->runner.poll = run_poll;
    u->runner.stop = run_stop;
    u->runner.why = run_why;
    u->runner.program = u->program;
    memset(&config, 0, sizeof config);
    config.mode = (enum external_mode)o->external;
    config.dialect = (enum external_dialect)o->external_dialect;
    config.channel = &u->channel;
    config.runner = runs ? &u->runner : NULL;
    config.http_port = o->http_port;
    config.answer_ms = u->daemon ? u->limit_ms : 0;
    if (o->external != EXTERNAL_DEHYDRATED) {
        outside_files_init(u, o->state_dir, o->tls_port);
        config.tls = &u->tls;
    }
    (void)external_init(&u->external, port, &config);
    u->on = true;
    if (o->external != EXTERNAL_DEHYDRATED && o->external_over == POSIX_CHANNEL_STDIO)
        json_aside();
    return 0;
}

void outside_aside(struct outside *u)
{
    if (!u->on || !u->daemon)
        return;
    external_close(&u->external);
    u->lines_count = 0;
    u->on = false;
}

/* -- the end -- */

static void note(struct outside *u, const char *name, const char *text)
{
    if (u->lines_count < sizeof u->lines / sizeof u->lines[0])
        snprintf(u->lines[u->lines_count++], sizeof u->lines[0], "%s%.380s", name, text);
}

void outside_event(struct outside *u, const struct acme_event *event)
{
    const struct acme_failure *f = event->failure;

    if (!u->on || event->type != ACME_EVENT_FAILURE || f == NULL)
        return;
    if (u->lines_count > 0)
        note(u, "", "");
    if (f->problem.type == ACME_PROBLEM_NONE) {
        note(u, "", acme_err_words(f->err));
        if (f->note[0] != '\0')
            note(u, "", f->note);
        if (u->external.why[0] != '\0')
            note(u, "", u->external.why);
        return;
    }
    note(u, "", "The following errors were reported by the server:");
    note(u, "", "");
    note(u, "Domain: ", f->problem.identifier);
    note(u, "Type:   ", acme_problem_type_name((enum acme_problem_type)f->problem.type));
    note(u, "Detail: ", f->problem.detail);
}

/* Who is told ends a wait at last: after a signal soon, else when a handler would be ended. */
static bool is_late(const struct outside *u, uint64_t since)
{
    bool ends = world_signal == SIGINT || world_signal == SIGTERM;

    return posix_now_ms(NULL) - since >= (ends ? 0 : u->limit_ms) + FLUSH_MS;
}

void outside_finish(struct outside *u, void (*wait)(uint32_t ms))
{
    uint64_t since = posix_now_ms(NULL);

    while (u->on && external_finish(&u->external) == ACME_AGAIN) {
        if (is_late(u, since)) {
            external_stop(&u->external);
            return;
        }
        wait(20);
    }
}

static int tell(struct outside *u, bool print, const char *command, const char *const *args,
                void (*wait)(uint32_t ms))
{
    uint64_t since = posix_now_ms(NULL);
    int err;

    while ((err = external_tell(&u->external, print, command, args)) == ACME_AGAIN) {
        if (is_late(u, since)) {
            external_stop(&u->external);
            snprintf(u->external.why, sizeof u->external.why, "nobody has read what it was told");
            return ACME_E_SOLVER;
        }
        wait(20);
    }
    return err;
}

/* For each name; dehydrated's hook once, by the certificate's first. */
static int deploy_names(struct outside *u, const struct options *o, const char *command,
                        const struct external_files *f, void (*wait)(uint32_t ms))
{
    char now[24];
    const char *args[] = {command,      o->names[0], f->key, f->cert,
                          f->fullchain, f->chain,    NULL,   NULL};
    bool print = o->external_dialect == EXTERNAL_DIALECT_2 && f->now != 0;
    int err = ACME_OK;

    snprintf(now, sizeof now, "%lld", (long long)f->now);
    args[6] = f->now != 0 ? now : NULL;
    for (size_t i = 0; i < o->names_count && err == ACME_OK; i++) {
        err = external_deploy(external_outgoing(&u->external), command, o->names[i], f);
        if (err == ACME_OK)
            err = tell(u, print, command, i == 0 ? args : NULL, wait);
    }
    if (err == ACME_OK && print)
        err = external_save(external_outgoing(&u->external), "Deployed ACME Certificate");
    if (err == ACME_OK && print)
        err = tell(u, true, NULL, NULL, wait);
    if (err == ACME_OK && print)
        err = external_simple(external_outgoing(&u->external), "restart");
    return err == ACME_OK && print ? tell(u, true, NULL, NULL, wait) : err;
}

int outside_deploy(struct outside *u, const struct options *o, bool renewed, int64_t since,
                   void (*wait)(uint32_t ms))
{
    static const char *const names[] = {"cert", "privkey", "chain", "fullchain"};
    static struct hook_job job;
    static char paths[4][HOOK_FOLDER_ROOM + 16];
    struct external_files f = {paths[0], paths[1], paths[2], paths[3], 0, since};
    static struct options aim;

    if (!u->on)
        return ACME_OK;
    aim = *o;
    aim.deploy_hook = u->program[0] != '\0' ? u->program : "/";
    if (!hook_job_of(&aim, &job))
        return ACME_E_SIZE;
    for (size_t i = 0; i < 4; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s.pem", job.folder, names[i]);
    if (access(f.key, F_OK) != 0)
        f.key = "";
    if (renewed)
        (void)posix_unix_time(NULL, &f.now);
    return deploy_names(u, o, renewed ? "deploy_cert" : "unchanged_cert", &f, wait);
}

static void report(struct outside *u, void (*wait)(uint32_t ms))
{
    static char line[8 * 6 * sizeof u->lines[0]];
    const char *lines[sizeof u->lines / sizeof u->lines[0]];
    uint64_t until = posix_now_ms(NULL) + FLUSH_MS;
    struct acme_buf b;

    for (size_t i = 0; i < u->lines_count; i++)
        lines[i] = u->lines[i];
    acme_buf_init(&b, line, sizeof line);
    external_report(&b, lines, u->lines_count);
    while (external_print(&u->external, line, b.len) == ACME_AGAIN && posix_now_ms(NULL) < until)
        wait(20);
}

void outside_close(struct outside *u, void (*wait)(uint32_t ms))
{
    uint64_t until = posix_now_ms(NULL) + FLUSH_MS;
    enum external_mode mode = u->external.config.mode;

    if (!u->on)
        return;
    if ((mode == EXTERNAL_JSON || mode == EXTERNAL_HANDLER) && (u->external.open || !u->daemon))
        report(u, wait);
    while (posix_channel_flush(&u->posix) == ACME_AGAIN && posix_now_ms(NULL) < until)
        wait(20);
    external_close(&u->external);
    u->lines_count = 0;
    u->on = false;
}
