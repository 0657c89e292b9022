/* The configuration file: its text as sections and values. */
#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_line.h"

struct reading {
    struct conf *c;
    struct conf_judge *j;
    struct conf_line line;
    uint32_t number;
    size_t entries_room, sections_room;
    uint32_t first_line[OPTION_ROWS_MAX]; /* of this section, where a row was given; 0: not yet */
    bool no_memory;
};

/* One more of what is `size` long; NULL without memory. */
static void *grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room == 0 ? 64 : *room * 2;
    return realloc(list, *room * size);
}

/* Where a value lies in the text; it is ended there. */
static uint32_t end_value(const struct reading *r, struct acme_slice value)
{
    size_t at = (size_t)(value.ptr - (const uint8_t *)r->c->text);

    r->c->text[at + value.len] = '\0';
    return (uint32_t)at;
}

static void add_entry(struct reading *r, const struct option_row *row, struct acme_slice value)
{
    struct conf *c = r->c;
    struct conf_entry *e =
        grown(c->entries, c->entries_count, &r->entries_room, sizeof *c->entries);

    if (e == NULL) {
        r->no_memory = true;
        return;
    }
    c->entries = e;
    e += c->entries_count++;
    e->value = end_value(r, value);
    e->line = r->number;
    e->row = (uint32_t)(row - option_rows);
}

static void add_section(struct reading *r)
{
    struct conf *c = r->c;
    struct conf_section *s;

    memset(r->first_line, 0, sizeof r->first_line);
    if (c->count == CONF_SECTIONS_MAX) {
        conf_say(r->j, r->number, "more than %d sections; use several files", CONF_SECTIONS_MAX);
        return;
    }
    s = grown(c->sections, c->count, &r->sections_room, sizeof *c->sections);
    if (s == NULL) {
        r->no_memory = true;
        return;
    }
    c->sections = s;
    s += c->count++;
    memset(s, 0, sizeof *s);
    s->first = (uint32_t)c->entries_count;
    s->line = r->number;
    s->broken = r->line.why != NULL;
    s->name = s->broken ? (uint32_t)c->len : end_value(r, r->line.value);
}

/* How many letters must be changed, put in or left out. */
static unsigned distance(struct acme_slice a, const char *b)
{
    unsigned row[CONF_KEY_MAX + 1], before, above;
    size_t b_len = strlen(b);

    if (a.len > CONF_KEY_MAX || b_len > CONF_KEY_MAX)
        return CONF_KEY_MAX;
    for (unsigned k = 0; k <= b_len; k++)
        row[k] = k;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t c = a.ptr[i] >= 'A' && a.ptr[i] <= 'Z' ? a.ptr[i] | 0x20 : a.ptr[i];
        before = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t k = 1; k <= b_len; k++) {
            above = row[k];
            row[k] = before + (c != (uint8_t)b[k - 1]);
            if (above + 1 < row[k])
                row[k] = above + 1;
            if (row[k - 1] + 1 < row[k])
                row[k] = row[k - 1] + 1;
            before = above;
        }
    }
    return row[b_len];
}

static void say_unknown(const struct reading *r)
{
    struct acme_slice key = r->line.key;
    unsigned best = 1 + (unsigned)key.len / 3, d;
    const char *nearest = NULL;

    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->name == NULL || (row->bits & OPTION_IN_FILE) == 0)
            continue;
        d = distance(key, row->name);
        if (d <= best) {
            best = d == 0 ? 0 : d - 1; /* of two that are as near, the first */
            nearest = row->name;
        }
    }
    if (nearest != NULL)
        conf_say(r->j, r->number, "there is no key %.*s; did you mean %s?", (int)key.len,
                 (const char *)key.ptr, nearest);
    else
        conf_say(r->j, r->number, "there is no key %.*s; keys are long options of the command line",
                 (int)key.len, (const char *)key.ptr);
}

/* May this key stand here? */
static bool key_fits(const struct reading *r, const struct option_row *row)
{
    const char *wrong = NULL;

    if ((row->bits & OPTION_IN_FILE) == 0)
        wrong = strcmp(row->name, "cert-name") == 0
                    ? "makes no sense in a file; the name in [NAME] is it"
                : strcmp(row->name, "eab-hmac-key") == 0
                    ? "is a secret; put it into a file of its own and give eab-hmac-key-file"
                    : "makes no sense in a file; take the line out";
    else if ((row->bits & OPTION_DAEMON) != 0 && r->c->count > 0)
        wrong = "holds for all certificates; put it above the first section";
    else if ((row->bits & OPTION_SECTION) != 0 && r->c->count == 0)
        wrong = "is about one certificate; put it below a [NAME]";
    if (wrong != NULL)
        conf_say(r->j, r->number, "%s %s", row->name, wrong);
    return wrong == NULL;
}

/* Again in this section? Names of one thing (contact, email) are one. */
static bool is_first(struct reading *r, const struct option_row *row)
{
    uint32_t *first = &r->first_line[row - option_rows];
    const struct option_row *other = row;

    for (size_t i = 0; i < option_rows_count && (row->bits & OPTION_MANY) == 0; i++) {
        if (r->first_line[i] == 0 || option_rows[i].at != row->at)
            continue;
        other = &option_rows[i];
        if (other == row)
            conf_say(r->j, r->number, "%s is given twice, first on line %lu; keep one of the two",
                     row->name, (unsigned long)r->first_line[i]);
        else
            conf_say(r->j, r->number,
                     "%s and %s (line %lu) exclude one another; keep one of the "
                     "two",
                     row->name, other->name, (unsigned long)r->first_line[i]);
        return false;
    }
    if (*first == 0)
        *first = r->number;
    return true;
}

/* A list has an entry for each word. */
static void add_words(struct reading *r, const struct option_row *row)
{
    struct acme_slice rest = r->line.value;

    while (rest.len > 0) {
        size_t len = 0, gap;
        while (len < rest.len && rest.ptr[len] != ' ' && rest.ptr[len] != '\t')
            len++;
        for (gap = len; gap < rest.len && (rest.ptr[gap] == ' ' || rest.ptr[gap] == '\t');)
            gap++;
        add_entry(r, row, acme_slice_of(rest.ptr, len));
        rest = acme_slice_of(rest.ptr + gap, rest.len - gap);
    }
}

static void add_pair(struct reading *r)
{
    const struct option_row *row = option_find(r->line.key);
    struct acme_slice value = r->line.value;

    if (row == NULL)
        say_unknown(r);
    else if (!key_fits(r, row) || !is_first(r, row))
        return;
    else if (value.len == 0)
        conf_say(r->j, r->number, "%s has no value; take the line out to have the default",
                 row->name);
    else if ((row->bits & OPTION_MANY) != 0)
        add_words(r, row);
    else if (!conf_plain_text(value))
        conf_say(r->j, r->number, "%s has a tab in its value; take it out", row->name);
    else if (value.len > OPTION_VALUE_MAX)
        conf_say(r->j, r->number, "%s is longer than %d bytes; shorten it", row->name,
                 OPTION_VALUE_MAX);
    else if ((row->bits & OPTION_PATH) != 0 && value.ptr[0] != '/')
        conf_say(r->j, r->number, "%s is no absolute path; begin it with /", row->name);
    else
        add_entry(r, row, value);
}

int conf_read(struct conf *c, struct conf_judge *j)
{
    struct reading r = {.c = c, .j = j};
    struct conf_reader lines;

    conf_reader_init(&lines, acme_slice_of(c->text, c->len));
    while (!r.no_memory && j->errors < CONF_ERRORS_MAX && conf_line_next(&lines, &r.line)) {
        r.number = lines.number;
        if (r.line.why != NULL)
            conf_say(j, r.number, "%s", r.line.why);
        if (r.line.kind == CONF_SECTION)
            add_section(&r);
        else if (r.line.kind == CONF_PAIR)
            add_pair(&r);
    }
    if (c->count == 0 && j->errors == 0)
        conf_say(j, lines.number > 0 ? lines.number : 1,
                 "there is no certificate in this file; add a section [NAME]");
    return r.no_memory ? -1 : 0;
}
