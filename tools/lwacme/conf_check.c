/* lwacme check -c FILE: what can be wrong with a configuration without asking anybody. */
#include "conf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "external.h"
#include "acme_pem.h"
#include "secret.h"
#include "tsig.h"

#define PATH_MAX_OURS 255 /* of a folder that we make and write into */

/* The line where this was said, in section i or above the sections. */
static uint32_t line_of(const struct conf *c, size_t i, size_t member)
{
    for (size_t part = 0; part < 2; part++) {
        size_t end, k = conf_entries(c, part == 0 ? i : c->count, &end);
        for (; k < end; k++) {
            if (option_rows[c->entries[k].row].at == member)
                return c->entries[k].line;
        }
    }
    return i < c->count ? c->sections[i].line : 1;
}
#define LINE_OF(member) line_of(c, i, offsetof(struct options, member))

/* -- files -- */

static void check_webroot(struct conf_judge *j, uint32_t line, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || access(path, W_OK | X_OK) != 0)
        conf_say(j, line, "webroot %.300s: %s; it is the folder that the web server shows", path,
                 strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        conf_say(j, line, "webroot %.300s is no folder; give the one that the web server shows",
                 path);
}

/* What we may not see or execute is for the hook runner to judge, where there is one: it has kept
 * the rights that we have given up. */
static bool is_for_runner(void)
{
    return errno == EACCES && runner_pid() != 0;
}

/* What runs with our rights must be ours to change. */
static void check_hook(struct conf_judge *j, uint32_t line, const char *what, const char *path)
{
    struct stat st;
    bool there = stat(path, &st) == 0;

    if (!there && is_for_runner())
        return;
    if (path[0] != '/')
        conf_say(j, line, "%s %.300s: give an absolute path", what, path);
    else if (!there)
        conf_say(j, line, "%s %.300s: %s; give the path of a program", what, path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        conf_say(j, line, "%s %.300s is no regular file; give the path of a program", what, path);
    else if (access(path, X_OK) != 0 && !is_for_runner())
        conf_say(j, line, "%s %.300s may not be executed (%s); chmod +x", what, path,
                 strerror(errno));
    else if ((st.st_mode & S_IWOTH) != 0)
        conf_say(j, line,
                 "%s %.300s may be changed by everybody on this machine; chmod "
                 "o-w",
                 what, path);
}

/* As the agent reads it: one usable certificate is enough. */
static bool has_anchor(struct acme_slice text)
{
    static uint8_t der[8192];
    struct acme_cert_facts facts;
    struct acme_slice body;

    if (text.len > 0 && text.ptr[0] == 0x30)
        return acme_cert_facts(text, &facts) == ACME_OK;
    while (acme_pem_next(&text, &body)) {
        int len = acme_pem_decode(der, sizeof der, body);
        if (len > 0 && acme_cert_facts(acme_slice_of(der, (size_t)len), &facts) == ACME_OK)
            return true;
    }
    return false;
}

static void check_trust(struct conf_judge *j, uint32_t line, const char *path)
{
    struct trust trust;

    if (trust_open(&trust, path) != 0)
        conf_say(j, line, "%s%s", path != NULL ? "ca-file " : "", trust.why);
    else if (!has_anchor(trust.text))
        conf_say(j, line,
                 "ca-file %.300s has no certificate in PEM; give the roots of the CA's "
                 "own TLS",
                 trust.path);
    trust_close(&trust);
}

/* What root could read at the start and the daemon's user cannot goes on being used. */
static void check_kept(struct conf_judge *j, uint32_t line, const char *key, const char *path)
{
    enum secret_state state = secret_state(path);

    if (state == SECRET_CHANGED)
        conf_warn(j, line,
                  "%s %.300s has changed, and cannot be read by this user: what was read at the "
                  "start stays in use; start lwacme anew",
                  key, path);
    else if (state == SECRET_KEPT)
        conf_warn(j, line,
                  "%s %.300s cannot be read by this user: what was read at the start is "
                  "used",
                  key, path);
}

static void check_binding(struct conf_judge *j, uint32_t line, const struct options *o)
{
    struct binding binding;
    bool open_to_others;

    /* Who has an account needs it no more; without one the CA's refusal names it. */
    if (access(o->eab_key_file, F_OK) != 0 && errno == ENOENT)
        conf_warn(j, line,
                  "eab-hmac-key-file %.300s: %s; it is needed until the CA has made the account",
                  o->eab_key_file, strerror(ENOENT));
    else if (binding_read(&binding, o, &open_to_others) != 0)
        conf_say(j, line, "eab-hmac-key-file %s", binding.why);
    else if (open_to_others)
        conf_warn(j, line, "eab-hmac-key-file: others than its owner may read this key; chmod 600");
    binding_wipe(&binding);
    check_kept(j, line, "eab-hmac-key-file", o->eab_key_file);
}

static void check_tsig(struct conf_judge *j, uint32_t line, const char *path)
{
    struct tsig tsig;

    memset(&tsig, 0, sizeof tsig);
    if (tsig_read(&tsig, path) != 0)
        conf_say(j, line, "tsig-key-file %s", tsig.why);
    dns_tsig_key_wipe(&tsig.key);
    check_kept(j, line, "tsig-key-file", path);
}

/* Files that many sections share are looked at once. */
struct looked_at {
    const char *ca_file, *webroot, *hook, *handler, *eab, *tsig;
    bool system_trust;
};

static bool is_new(const char **last, const char *path)
{
    bool other = path != NULL && path != *last;

    if (other)
        *last = path;
    return other;
}

static void check_files(const struct conf *c, size_t i, const struct options *o,
                        struct looked_at *seen, struct conf_judge *j)
{
    if (is_new(&seen->ca_file, o->ca_file) || (o->ca_file == NULL && !seen->system_trust))
        check_trust(j, LINE_OF(ca_file), o->ca_file);
    seen->system_trust = seen->system_trust || o->ca_file == NULL;
    if (is_new(&seen->webroot, o->webroot))
        check_webroot(j, LINE_OF(webroot), o->webroot);
    if (is_new(&seen->hook, o->deploy_hook))
        check_hook(j, LINE_OF(deploy_hook), "deploy-hook", o->deploy_hook);
    if ((o->external == EXTERNAL_HANDLER || o->external == EXTERNAL_DEHYDRATED) &&
        is_new(&seen->handler, o->external_path))
        check_hook(j, LINE_OF(external), "external", o->external_path);
    if (o->eab_kid != NULL && is_new(&seen->eab, o->eab_key_file))
        check_binding(j, LINE_OF(eab_key_file), o);
    if (is_new(&seen->tsig, o->tsig_key_file))
        check_tsig(j, LINE_OF(tsig_key_file), o->tsig_key_file);
    if (o->out_dir != NULL && strlen(o->out_dir) > PATH_MAX_OURS)
        conf_say(j, LINE_OF(out_dir), "out-dir is longer than %d bytes; take another folder",
                 PATH_MAX_OURS);
}

/* -- the daemon's own -- */

static void check_daemon(const struct conf *c, const struct options *o, struct conf_judge *j)
{
    size_t i = c->count;
    const char *slash = o->metrics_file != NULL ? strrchr(o->metrics_file, '/') : NULL;
    char folder[OPTION_VALUE_MAX + 1], why[200];
    struct person who;
    struct stat st;

    if (o->state_dir != NULL && strlen(o->state_dir) > PATH_MAX_OURS)
        conf_say(j, LINE_OF(state_dir), "state-dir is longer than %d bytes; take another folder",
                 PATH_MAX_OURS);
    if (o->user != NULL && person_find(&who, o->user, why, sizeof why) != 0)
        conf_say(j, LINE_OF(user),
                 "user %s is not known here; create it, name another, or give UID:GID", o->user);
    if (slash == NULL)
        return;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - o->metrics_file), o->metrics_file);
    if (stat(slash == o->metrics_file ? "/" : folder, &st) != 0 || !S_ISDIR(st.st_mode))
        conf_say(j, LINE_OF(metrics_file), "metrics: there is no folder %.300s; create it", folder);
    else if (stat(o->metrics_file, &st) == 0 && !S_ISREG(st.st_mode))
        conf_say(j, LINE_OF(metrics_file), "metrics: %.300s is no regular file; name another",
                 o->metrics_file);
}

/* -- all of them -- */

/* Two of one name would share records and files. */
static void check_twins(struct conf *c, size_t i, const struct options *o, struct conf_judge *j)
{
    char folder[ACME_NAME_ROOM + 16];
    uint64_t hash = UINT64_C(14695981039346656037);

    install_folder(o->cert_name, folder, sizeof folder);
    for (const char *f = folder; *f != '\0'; f++)
        hash = (hash ^ (uint8_t)*f) * UINT64_C(1099511628211);
    c->sections[i].folder = hash;
    for (size_t k = 0; k < i; k++) {
        if (c->sections[k].folder != hash)
            continue;
        conf_say(j, c->sections[i].line,
                 "[%.80s] has the name, and so the folder, of the section on line %lu; give it "
                 "another name",
                 c->text + c->sections[i].name, (unsigned long)c->sections[k].line);
        return;
    }
}

void conf_check_all(struct conf *c, struct conf_judge *j)
{
    static struct options o;
    struct looked_at seen = {NULL, NULL, NULL, NULL, NULL, NULL, false};

    j->first = conf_entries(c, c->count, &j->last);
    (void)conf_build(c, c->count, &o, j);
    j->line = 1;
    (void)options_state_dir(&o);
    check_daemon(c, &o, j);
    for (size_t i = 0; i < c->count && j->errors < CONF_ERRORS_MAX; i++) {
        if (c->sections[i].broken)
            continue;
        j->first = conf_entries(c, i, &j->last);
        (void)conf_build(c, i, &o, j);
        j->line = c->sections[i].line;
        (void)options_check_one(&o);
        if (o.cert_name[0] != '\0')
            check_twins(c, i, &o, j);
        if (o.cert_name[0] != '\0' && !options_folder_fits(&o))
            conf_say(j, j->line,
                     "[%.80s...] is too long for a folder's name; take a shorter one, and give the "
                     "names with domain",
                     o.cert_name);
        check_files(c, i, &o, &seen, j);
    }
}

/* -- check -- */

static void put_path(struct acme_buf *b, const struct options *o)
{
    char folder[ACME_NAME_ROOM + 16];

    install_folder(o->cert_name, folder, sizeof folder);
    acme_buf_text(b, o->out_dir != NULL ? o->out_dir : o->state_dir);
    acme_buf_text(b, o->out_dir != NULL ? "/" : "/live/");
    acme_buf_text(b, folder);
}

/* Where there is a choice of servers. */
static void put_servers(struct acme_buf *b, const struct options *o)
{
    if (o->servers_count > 1) {
        acme_buf_text(b, ",\"servers\":[");
        acme_buf_json(b, acme_slice_text(o->server));
        for (size_t i = 0; i + 1 < o->servers_count; i++) {
            acme_buf_char(b, ',');
            acme_buf_json(b, acme_slice_text(o->more_servers[i].url));
        }
        acme_buf_char(b, ']');
    }
    if (o->staging_server != NULL)
        acme_json_put_text(b, "staging_server", o->staging_server);
}

static void tell_json(const struct options *o, const char *path)
{
    static uint8_t room[65536];
    struct acme_buf b;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "configured");
    acme_json_put_text(&b, "certificate", o->cert_name);
    acme_buf_text(&b, ",\"names\":[");
    for (size_t i = 0; i < o->names_count; i++) {
        acme_buf_text(&b, i > 0 ? "," : "");
        acme_buf_json(&b, acme_slice_text(o->names[i]));
    }
    acme_buf_text(&b, "]");
    acme_json_put_text(&b, "server", o->server);
    put_servers(&b, o);
    acme_json_put_text(&b, "path", path);
    show_json(&b);
}

static void tell_one(const struct options *o)
{
    char path[700];
    struct acme_buf b;

    acme_buf_init(&b, path, sizeof path);
    put_path(&b, o);
    (void)acme_buf_end(&b);
    if (o->json) {
        tell_json(o, path);
        return;
    }
    if (o->quiet)
        return;
    printf("%s:", o->cert_name);
    for (size_t i = 0; i < o->names_count; i++)
        printf(" %s", o->names[i]);
    printf(", from %s", o->server);
    for (size_t i = 0; i + 1 < o->servers_count; i++)
        printf(", then %s", o->more_servers[i].url);
    if (o->staging_server != NULL)
        printf(", rehearsed at %s", o->staging_server);
    printf(", into %s\n", path);
}

static void tell_sum(const struct conf *c)
{
    char room[OPTION_VALUE_MAX * 6 + 200];
    struct acme_buf b;

    if (!c->base->json) {
        if (!c->base->quiet)
            printf("%s: %lu certificate%s\n", c->path, (unsigned long)c->count,
                   c->count == 1 ? "" : "s");
        return;
    }
    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "checked");
    acme_json_put_text(&b, "path", c->path);
    acme_json_put_number(&b, "certificates", (int64_t)c->count);
    show_json(&b);
}

/* The file is right for `lwacme renew`. */
static void warn_of_daemon(const struct conf *c, size_t i)
{
    struct conf_judge j = {.c = c};

    conf_warn(&j, LINE_OF(external),
              "`lwacme run` refuses this: a daemon asks by external = unix=PATH alone; "
              "`lwacme renew` takes it");
}

int check_run(const struct options *base)
{
    static struct options o;
    bool warned = false;
    struct conf c;
    int err = conf_open(&c, base->config_file, base);

    if (err != EXIT_DONE)
        return err;
    for (size_t i = 0; i < c.count && err == EXIT_DONE; i++) {
        err = conf_options(&c, i, &o);
        if (err == EXIT_DONE) {
            tell_one(&o);
            if (options_not_for_daemon(&o) && !warned)
                warn_of_daemon(&c, i);
            warned = warned || options_not_for_daemon(&o);
        }
    }
    if (err == EXIT_DONE)
        tell_sum(&c);
    conf_close(&c);
    return err;
}
