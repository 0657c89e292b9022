/* acme_http_link.c - Link fields (RFC 8288 3): targets by relation type */
#include <string.h>

#include "acme_http.h"

/* One link-value, as far as we care. */
struct link_value {
    struct acme_slice target;
    struct acme_slice rel;
    bool has_rel;
    bool has_anchor; /* the link is about another resource than the one we asked for */
};

/* A place in a field's value. */
struct link_cursor {
    struct acme_slice s;
    size_t at;
};

static bool link_is(const struct link_cursor *c, const char *set)
{
    return c->at < c->s.len && c->s.ptr[c->at] != 0 && strchr(set, c->s.ptr[c->at]) != NULL;
}

static void link_skip(struct link_cursor *c, const char *set)
{
    while (link_is(c, set)) {
        c->at++;
    }
}

/* What stands before the first of set, or before the end. */
static struct acme_slice link_until(struct link_cursor *c, const char *set)
{
    size_t start = c->at;

    while (c->at < c->s.len && !link_is(c, set)) {
        c->at++;
    }
    return acme_slice_of(c->s.ptr + start, c->at - start);
}

/* A quoted string behind its first quote; escapes stay in it, for no relation type has any. */
static bool link_quoted(struct link_cursor *c, struct acme_slice *value)
{
    size_t start = c->at;

    while (c->at < c->s.len && c->s.ptr[c->at] != '"') {
        c->at += c->s.ptr[c->at] == '\\' ? 2 : 1;
    }
    if (c->at >= c->s.len) {
        return false;
    }
    *value = acme_slice_of(c->s.ptr + start, c->at++ - start);
    return true;
}

/* One parameter behind its ';'. Only the first rel counts (RFC 8288 3.3). */
static bool link_param(struct link_cursor *c, struct link_value *out)
{
    struct acme_slice name, value = {NULL, 0};

    link_skip(c, " \t");
    name = link_until(c, " \t=;,\"<>");
    link_skip(c, " \t");
    if (link_is(c, "=")) {
        c->at++;
        link_skip(c, " \t");
        if (link_is(c, "\"")) {
            c->at++;
            if (!link_quoted(c, &value)) {
                return false;
            }
        } else {
            value = link_until(c, " \t;,\"<>");
        }
    }
    if (acme_slice_is_nocase(name, "rel") && !out->has_rel) {
        out->has_rel = true;
        out->rel = value;
    }
    out->has_anchor = out->has_anchor || acme_slice_is_nocase(name, "anchor");
    return true;
}

/* The next link of the field; false at its end, and where it breaks the grammar. */
static bool link_next(struct link_cursor *c, struct link_value *out)
{
    memset(out, 0, sizeof *out);
    link_skip(c, " \t,");
    if (!link_is(c, "<")) {
        return false;
    }
    c->at++;
    out->target = link_until(c, ">");
    if (!link_is(c, ">")) {
        return false;
    }
    c->at++;
    for (;;) {
        link_skip(c, " \t");
        if (c->at == c->s.len || link_is(c, ",")) {
            return true;
        }
        if (!link_is(c, ";")) {
            return false;
        }
        c->at++;
        if (!link_param(c, out)) {
            return false;
        }
    }
}

/* rel may hold several relation types. */
static bool link_has_rel(struct acme_slice types, const char *rel)
{
    struct link_cursor c = {types, 0};

    while (c.at < types.len) {
        link_skip(&c, " \t");
        if (acme_slice_is_nocase(link_until(&c, " \t"), rel)) {
            return true;
        }
    }
    return false;
}

bool acme_http_link(const struct acme_http_head *head, const char *rel, size_t nth,
                    struct acme_slice *target)
{
    struct acme_slice value;
    size_t field;

    for (field = 0; acme_http_field(head, "Link", field, &value); field++) {
        struct link_cursor c = {value, 0};
        struct link_value link;

        while (link_next(&c, &link)) {
            if (!link.has_anchor && link_has_rel(link.rel, rel) && nth-- == 0) {
                *target = link.target;
                return true;
            }
        }
    }
    *target = acme_slice_of(NULL, 0);
    return false;
}
