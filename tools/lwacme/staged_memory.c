/* What a walk was begun with: kept in the state folder, read by its later steps. */
#include "staged_options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_line.h"

#define MEMORY_MAX (ACME_MAX_NAMES * (ACME_NAME_ROOM + 32) + 16384)
#define NAME_ROOM  (ACME_NAME_ROOM + 32)

/* The values of options point into the first. */
static char text[MEMORY_MAX + 1], made[MEMORY_MAX];

static void file_name(const struct options *o, const char *suffix, char *out, size_t room)
{
    char folder[ACME_NAME_ROOM + 9];

    install_folder(o->cert_name[0] != '\0' ? o->cert_name : o->names[0], folder, sizeof folder);
    snprintf(out, room, "%s%s", folder, suffix);
}

/* STATE/staged, made where it is not yet: a descriptor, or -1 and errno. */
static int open_folder(const char *state_dir, bool make)
{
    int state, dir;

    if (make && mkdir(state_dir, 0700) != 0 && errno != EEXIST)
        return -1;
    state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return -1;
    if (make && mkdirat(state, "staged", 0700) != 0 && errno != EEXIST) {
        close(state);
        return -1;
    }
    dir = openat(state, "staged", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(state);
    return dir;
}

/* -- reading -- */

/* The file's length; 0: there is none. -1: errno. */
static ssize_t read_all(const struct options *o)
{
    char name[NAME_ROOM];
    ssize_t n = -1;
    int fd, dir = open_folder(o->state_dir, false);

    if (dir < 0)
        return errno == ENOENT ? 0 : -1;
    file_name(o, "", name, sizeof name);
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        n = read(fd, text, MEMORY_MAX);
    else if (errno == ENOENT)
        n = 0;
    if (fd >= 0)
        close(fd);
    close(dir);
    return n;
}

/* The names of the order, when only its first was typed. */
static bool wants_names(const struct options *o)
{
    return o->names_count == 1 &&
           (o->step == STAGED_RECORD || o->step == STAGED_PROVE || o->step == STAGED_CERT);
}

/* Was it typed, or what excludes it? */
static bool is_overruled(const char *row, bool (*typed)(const char *row))
{
    static const char *const pairs[][2] = {{"profile", "required-profile"},
                                           {"preferred-chain", "shortest-chain"}};

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(row, pairs[i][0]) == 0 || strcmp(row, pairs[i][1]) == 0)
            return typed(pairs[i][0]) || typed(pairs[i][1]);
    }
    return typed(row);
}

int staged_memory_read(struct options *o, bool (*typed)(const char *row))
{
    bool names = wants_names(o), first = true;
    struct conf_reader reader;
    struct conf_line line;
    ssize_t n = read_all(o);
    int err = EXIT_DONE;

    if (n < 0) {
        fprintf(log_to(LOG_BAD), "%serror: %s/staged: %s\n", log_head(), o->state_dir,
                strerror(errno));
        return EXIT_LOCAL;
    }
    conf_reader_init(&reader, acme_slice_of(text, (size_t)n));
    while (err == EXIT_DONE && conf_line_next(&reader, &line)) {
        const struct option_row *row =
            line.kind == CONF_PAIR && line.why == NULL ? option_find(line.key) : NULL;
        char *value;

        if (row == NULL)
            continue;
        value = text + ((const char *)line.value.ptr - text);
        value[line.value.len] = '\0'; /* its line was read */
        if (strcmp(row->name, "domain") == 0) {
            names = names && (!first || strcmp(value, o->names[0]) == 0);
            first = false;
            if (names)
                err = option_take(o, row, value);
        } else if (!is_overruled(row->name, typed))
            err = option_take(o, row, option_takes_value(row) ? value : NULL);
    }
    return err;
}

/* -- writing -- */

static void put(struct acme_buf *b, const char *option, const char *value)
{
    if (value == NULL)
        return;
    acme_buf_text(b, option);
    acme_buf_text(b, " = ");
    acme_buf_text(b, value);
    acme_buf_char(b, '\n');
}

static bool write_text(const struct options *o, struct acme_buf *b)
{
    static char path[PATH_MAX];

    acme_buf_init(b, made, sizeof made);
    for (size_t i = 0; i < o->names_count; i++)
        put(b, "domain", o->names[i]);
    put(b, "server", o->server);
    /* Later steps may have another working folder. */
    if (o->ca_file != NULL)
        put(b, "ca-file", realpath(o->ca_file, path) != NULL ? path : o->ca_file);
    if (o->key_type != ACME_KEY_NONE)
        put(b, "key-type", acme_key_type_name(o->key_type));
    put(b, "reuse-key", o->reuse_key ? "yes" : NULL);
    put(b, o->profile_required ? "required-profile" : "profile", o->profile);
    put(b, "preferred-chain", o->preferred_chain);
    put(b, "shortest-chain", o->shortest_chain ? "yes" : NULL);
    put(b, "dns-server", o->dns_server);
    return !b->overflow;
}

int staged_memory_write(const struct options *o)
{
    char name[NAME_ROOM], aside[NAME_ROOM];
    struct acme_buf b;
    int dir, err = -1;

    dir = open_folder(o->state_dir, true);
    if (dir < 0)
        return -1;
    file_name(o, "", name, sizeof name);
    file_name(o, ".new", aside, sizeof aside);
    errno = EFBIG;
    if (write_text(o, &b) && files_aside(dir, aside, &b) && renameat(dir, aside, dir, name) == 0 &&
        fsync(dir) == 0)
        err = 0;
    close(dir);
    return err;
}
