/* The configuration file: read as a whole, judged as a whole, told certificate by certificate. */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t conf_entries(const struct conf *c, size_t i, size_t *end)
{
    if (i == c->count) {
        *end = c->count > 0 ? c->sections[0].first : c->entries_count;
        return 0;
    }
    *end = i + 1 < c->count ? c->sections[i + 1].first : c->entries_count;
    return c->sections[i].first;
}

/* -- errors -- */

void conf_say(struct conf_judge *j, uint32_t line, const char *format, ...)
{
    struct conf_error e = {.line = line};
    unsigned at = j->kept;
    va_list list;

    va_start(list, format);
    vsnprintf(e.text, sizeof e.text, format, list);
    va_end(list);
    /* What stands above the sections is met once for each of them. */
    for (unsigned i = 0; i < j->kept; i++) {
        if (j->list[i].line == line && strcmp(j->list[i].text, e.text) == 0)
            return;
    }
    if (j->mute)
        return;
    j->errors++;
    while (at > 0 && j->list[at - 1].line > line)
        at--;
    if (at == CONF_ERRORS_SHOWN)
        return;
    if (j->kept < CONF_ERRORS_SHOWN)
        j->kept++;
    memmove(&j->list[at + 1], &j->list[at], (j->kept - 1 - at) * sizeof e);
    j->list[at] = e;
}

void conf_tell(const struct conf_judge *j)
{
    char room[4000];
    struct acme_buf b;

    for (unsigned i = 0; i < j->kept; i++) {
        const struct conf_error *e = &j->list[i];
        fprintf(log_to(LOG_BAD), "%s:%lu: %s\n", j->c->path, (unsigned long)e->line, e->text);
        if (!j->c->base->json)
            continue;
        acme_buf_init(&b, room, sizeof room);
        acme_buf_text(&b, "{\"v\":1");
        acme_json_put_text(&b, "event", "error");
        acme_json_put_text(&b, "error", acme_err_name(ACME_E_CONFIG));
        acme_json_put_text(&b, "path", j->c->path);
        acme_json_put_number(&b, "line", e->line);
        acme_json_put_text(&b, "words", e->text);
        show_json(&b);
    }
    if (j->errors > j->kept)
        fprintf(log_to(LOG_BAD), "%s: and %u more errors%s\n", j->c->path, j->errors - j->kept,
                j->errors >= CONF_ERRORS_MAX ? ", or still more" : "");
}

void conf_warn(struct conf_judge *j, uint32_t line, const char *format, ...)
{
    char text[600];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (!j->mute)
        fprintf(log_to(LOG_WARN), "%s:%lu: warning: %s\n", j->c->path, (unsigned long)line, text);
}

/* The entry among first..end that a message is about: its value is `text`, or its key is named. */
static const struct conf_entry *find_among(const struct conf *c, size_t first, size_t end,
                                           const char *message, const char *text)
{
    size_t at = (size_t)((uintptr_t)text - (uintptr_t)c->text);

    for (size_t i = first; i < end; i++) {
        if (text != NULL && c->entries[i].value == at)
            return &c->entries[i];
    }
    for (const char *m = strstr(message, "--"); m != NULL; m = strstr(m, "--")) {
        size_t len = strspn(m += 2, "abcdefghijklmnopqrstuvwxyz-");
        const struct option_row *row = option_find(acme_slice_of(m, len));
        for (size_t i = first; row != NULL && i < end; i++) {
            if (&option_rows[c->entries[i].row] == row)
                return &c->entries[i];
        }
    }
    return NULL;
}

/* ... in the section that is judged, or above all sections. */
static const struct conf_entry *find_meant(const struct conf_judge *j, const char *message,
                                           const char *text)
{
    size_t end, first = conf_entries(j->c, j->c->count, &end);
    const struct conf_entry *e = find_among(j->c, j->first, j->last, message, text);

    return e != NULL ? e : find_among(j->c, first, end, message, text);
}

/* As the command line would say it, without its dashes. */
static void on_usage(void *ctx, const char *message, const char *text, const char *shown)
{
    struct conf_judge *j = ctx;
    const struct conf_entry *e = find_meant(j, message, text);
    char plain[400];
    size_t n = 0;

    for (const char *m = message; *m != '\0' && n + 8 < sizeof plain; m++) {
        bool begin = m == message || m[-1] == ' ' || m[-1] == '(';
        if (begin && strncmp(m, "--", 2) == 0)
            m += 2;
        else if (begin && strncmp(m, "-d", 2) == 0 && (m[2] == ',' || m[2] == ' ')) {
            memcpy(plain + n, "domain", 6);
            n += 6;
            m += 2;
        }
        plain[n++] = *m;
    }
    plain[n] = '\0';
    conf_say(j, e != NULL ? e->line : j->line, "%s%s%s", plain, shown != NULL ? ": " : "",
             shown != NULL ? shown : "");
}

void conf_listen(struct conf_judge *j)
{
    usage_to(j != NULL ? on_usage : NULL, j);
}

/* -- from entries to options -- */

/* Does the section have its own word on this? A request tells key and names; and what one CA has
 * given to its customer is nothing to show to another. */
static bool overruled(const struct conf *c, size_t i, const struct option_row *row)
{
    bool of_key = row->at == offsetof(struct options, key_type) ||
                  row->at == offsetof(struct options, reuse_key);
    bool of_server = row->at == offsetof(struct options, eab_kid) ||
                     row->at == offsetof(struct options, eab_key_file) ||
                     row->at == offsetof(struct options, eab_alg);
    size_t end, k = conf_entries(c, i, &end);

    for (; k < end; k++) {
        const struct option_row *own = &option_rows[c->entries[k].row];
        if (own->at == row->at || (of_key && own->at == offsetof(struct options, csr_file)) ||
            (of_server && own->at == offsetof(struct options, server)))
            return true;
    }
    return false;
}

/* i: of the section whose entries these are, or whose defaults they are. */
static bool take_entries(const struct conf *c, size_t from, size_t end, size_t i, bool defaults,
                         struct options *o, struct conf_judge *j)
{
    bool fine = true;

    for (size_t k = from; k < end; k++) {
        const struct conf_entry *e = &c->entries[k];
        const struct option_row *row = &option_rows[e->row];
        if (defaults && overruled(c, i, row))
            continue;
        j->line = e->line;
        fine = option_take(o, row, c->text + e->value) == EXIT_DONE && fine;
    }
    return fine;
}

/* [NAME] is what the certificate is called, and where nothing else is said, for whom it is. */
static bool take_name(const struct conf *c, size_t i, struct options *o, struct conf_judge *j)
{
    const struct conf_section *s = &c->sections[i];
    char *name = c->text + s->name;
    const char *why = "";
    struct acme_name read;
    size_t end, k = conf_entries(c, i, &end);
    bool mute = j->mute;
    int err;

    j->mute = true;
    err = option_take(o, option_find(acme_slice_text("cert-name")), name);
    j->mute = mute;
    if (err != EXIT_DONE) {
        conf_say(j, s->line,
                 "[%.80s] does not look like a host name or an IP address; call it so, "
                 "and give other names with domain",
                 name);
        return false;
    }
    for (; k < end; k++) {
        uint16_t at = option_rows[c->entries[k].row].at;
        if (at == offsetof(struct options, names) || at == offsetof(struct options, csr_file))
            return true;
    }
    if (acme_name_read(acme_slice_text(name), &read, &why) != ACME_OK) {
        conf_say(j, s->line,
                 "[%.80s] names nothing that a certificate can have (%s); add domain = "
                 "NAME",
                 name, why);
        return false;
    }
    return options_add_name(o, name) == EXIT_DONE;
}

bool conf_build(const struct conf *c, size_t i, struct options *o, struct conf_judge *j)
{
    size_t end, from = conf_entries(c, c->count, &end);
    bool mute = j->mute, fine;

    memcpy(o, c->base, offsetof(struct options, csr_der));
    o->names_count = 0;
    o->cert_name[0] = '\0';
    if (i == c->count)
        return take_entries(c, from, end, i, false, o, j);
    j->mute = true; /* they are judged by themselves */
    (void)take_entries(c, from, end, i, true, o, j);
    j->mute = mute;
    fine = take_name(c, i, o, j);
    from = conf_entries(c, i, &end);
    return take_entries(c, from, end, i, false, o, j) && fine;
}

int conf_options(const struct conf *c, size_t i, struct options *out)
{
    struct conf_judge j = {.c = c};
    int err = EXIT_DONE;

    conf_listen(&j);
    (void)conf_build(c, i, out, &j);
    if (i < c->count) {
        j.line = c->sections[i].line;
        j.first = conf_entries(c, i, &j.last);
        err = options_check_one(out);
    }
    if (err == EXIT_DONE)
        err = options_state_dir(out);
    conf_listen(NULL);
    if (!c->quiet)
        conf_tell(&j);
    return err == EXIT_DONE ? EXIT_DONE : EXIT_LOCAL;
}

/* -- open, close -- */

static const char *const not_a_file = "is no regular file; give the path of a text file";

/* A FIFO must not keep us waiting. NULL, or what is wrong. */
static const char *open_text(const char *path, int *fd)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENXIO ? not_a_file : strerror(errno); /* ENXIO: a socket */
    if (fstat(*fd, &st) != 0)
        return strerror(errno);
    if (S_ISDIR(st.st_mode))
        return "is a folder; give the path of a text file";
    if (!S_ISREG(st.st_mode))
        return not_a_file;
    if (st.st_size > CONF_SIZE_MAX)
        return "is larger than 1 MB; use several files";
    if ((st.st_mode & S_IWOTH) != 0)
        return "may be changed by everybody on this machine; chmod o-w";
    return NULL;
}

static const char *read_text(struct conf *c, int fd)
{
    char *fitting;
    ssize_t got = 1;

    /* One byte more for the NUL behind a value that ends with the file, one to see too many. */
    c->text = malloc(CONF_SIZE_MAX + 2);
    if (c->text == NULL)
        return strerror(errno);
    while (got != 0 && c->len <= CONF_SIZE_MAX) {
        got = read(fd, c->text + c->len, CONF_SIZE_MAX + 1 - c->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return strerror(errno);
        c->len += (size_t)got;
    }
    if (c->len > CONF_SIZE_MAX)
        return "is larger than 1 MB; use several files";
    fitting = realloc(c->text, c->len + 1);
    c->text = fitting != NULL ? fitting : c->text;
    c->text[c->len] = '\0';
    return NULL;
}

int conf_open(struct conf *c, const char *path, const struct options *base)
{
    struct conf_judge j = {.c = c};
    struct show show;
    const char *wrong;
    int fd = -1;

    memset(c, 0, sizeof *c);
    c->path = path;
    c->base = base;
    wrong = open_text(path, &fd);
    if (wrong == NULL)
        wrong = read_text(c, fd);
    if (fd >= 0)
        close(fd);
    conf_listen(&j);
    if (wrong == NULL && conf_read(c, &j) != 0)
        wrong = strerror(ENOMEM);
    if (wrong == NULL && j.errors < CONF_ERRORS_MAX)
        conf_check_all(c, &j);
    conf_listen(NULL);
    if (wrong == NULL && j.errors == 0)
        return EXIT_DONE;
    if (wrong == NULL)
        conf_tell(&j);
    else {
        show_init(&show, base);
        show_error(&show, ACME_E_CONFIG, "%s: %s", path, wrong);
    }
    conf_close(c);
    return wrong == NULL ? EXIT_USAGE : EXIT_LOCAL;
}

void conf_close(struct conf *c)
{
    free(c->text);
    free(c->entries);
    free(c->sections);
    memset(c, 0, sizeof *c);
}
