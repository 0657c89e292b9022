/* The CA's JSON for people. What it says is never shown raw: a string might draw on the terminal.
 */
#include "pretty.h"

#include <string.h>

#define DEPTH_MAX 16

struct pretty {
    FILE *to; /* NULL: only whether it is JSON */
    const uint8_t *at, *end;
    unsigned depth;
};

static void put(struct pretty *p, const char *text)
{
    if (p->to != NULL)
        fputs(text, p->to);
}

static void new_line(struct pretty *p)
{
    put(p, "\n");
    for (unsigned i = 0; i < p->depth; i++)
        put(p, "  ");
}

/* The next character that means something; 0: the end. */
static uint8_t peek(struct pretty *p)
{
    while (p->at < p->end && memchr(" \t\r\n", *p->at, 4) != NULL)
        p->at++;
    return p->at < p->end ? *p->at : 0;
}

static bool take(struct pretty *p, uint8_t c)
{
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

/* -- strings -- */

static bool hex4(struct pretty *p, uint32_t *out)
{
    *out = 0;
    if (p->end - p->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        uint8_t c = *p->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

/* Behind the backslash. Halves of a pair stay two: they are written as two again. */
static bool escaped(struct pretty *p, uint32_t *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *which;
    uint8_t c;

    if (p->at == p->end)
        return false;
    c = *p->at++;
    if (c == 'u')
        return hex4(p, out);
    which = c != 0 ? strchr(from, c) : NULL;
    if (which == NULL)
        return false;
    *out = (uint8_t)to[which - from];
    return true;
}

/* One character of UTF-8 whose first byte was c. */
static bool utf8(struct pretty *p, uint8_t c, uint32_t *out)
{
    unsigned more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : 1;

    if (c < 0xc2 || c > 0xf4 || p->end - p->at < (int)more)
        return false;
    *out = c & (0x3fu >> more);
    for (unsigned i = 0; i < more; i++) {
        if ((*p->at & 0xc0) != 0x80)
            return false;
        *out = *out << 6 | (*p->at++ & 0x3f);
    }
    return *out >= (more == 3 ? 0x10000u : more == 2 ? 0x800u : 0x80u) && *out < 0x110000u;
}

static void put_character(struct pretty *p, uint32_t c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *which = c != 0 && c < 128 ? strchr(plain, (int)c) : NULL;

    if (p->to == NULL)
        return;
    if (which != NULL)
        fprintf(p->to, "\\%c", letter[which - plain]);
    else if (c >= ' ' && c < 127)
        fputc((int)c, p->to);
    else if (c < 0x10000)
        fprintf(p->to, "\\u%04x", (unsigned)c);
    else
        fprintf(p->to, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
                (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

static bool string(struct pretty *p)
{
    uint32_t c;
    uint8_t byte;

    if (!take(p, '"'))
        return false;
    put(p, "\"");
    while (p->at < p->end && *p->at != '"') {
        c = byte = *p->at++;
        if (byte < ' ' || (byte == '\\' && !escaped(p, &c)) || (byte >= 0x80 && !utf8(p, byte, &c)))
            return false;
        put_character(p, c);
    }
    if (p->at == p->end)
        return false;
    p->at++;
    put(p, "\"");
    return true;
}

/* -- values -- */

static bool word(struct pretty *p)
{
    static const char *const words[] = {"true", "false", "null"};
    const uint8_t *from = p->at;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(p->end - p->at) >= len && memcmp(p->at, words[i], len) == 0) {
            p->at += len;
            put(p, words[i]);
            return true;
        }
    }
    while (p->at < p->end && *p->at != 0 && strchr("0123456789+-.eE", *p->at) != NULL)
        p->at++;
    if (p->to != NULL)
        fwrite(from, 1, (size_t)(p->at - from), p->to);
    return p->at > from && (*from == '-' || (*from >= '0' && *from <= '9'));
}

static bool value(struct pretty *p);

/* An object or an array, behind its bracket. */
static bool members(struct pretty *p, bool object)
{
    const char *open = object ? "{" : "[", *close = object ? "}" : "]";

    put(p, open);
    if (take(p, (uint8_t)*close)) {
        put(p, close);
        return true;
    }
    if (++p->depth > DEPTH_MAX)
        return false;
    do {
        new_line(p);
        if (object) {
            if (!string(p) || !take(p, ':'))
                return false;
            put(p, ": ");
        }
        if (!value(p))
            return false;
        if (peek(p) == ',')
            put(p, ",");
    } while (take(p, ','));
    p->depth--;
    new_line(p);
    put(p, close);
    return take(p, (uint8_t)*close);
}

static bool value(struct pretty *p)
{
    switch (peek(p)) {
    case '{':
        p->at++;
        return members(p, true);
    case '[':
        p->at++;
        return members(p, false);
    case '"':
        return string(p);
    default:
        return word(p);
    }
}

bool pretty_json(FILE *to, struct acme_slice text)
{
    struct pretty p = {NULL, text.ptr, text.ptr + text.len, 0};

    if (text.len == 0 || !value(&p) || peek(&p) != 0 || p.at != p.end)
        return false;
    p = (struct pretty){to, text.ptr, text.ptr + text.len, 0};
    (void)value(&p);
    fputc('\n', to);
    return true;
}

void pretty_text(FILE *to, struct acme_slice text)
{
    while (text.len > 0 && memchr("\r\n", text.ptr[text.len - 1], 2) != NULL)
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '\r' && text.ptr[i + 1] == '\n')
            continue;
        if (c == '\n' || c == '\t' || (c >= ' ' && c < 127))
            fputc(c, to);
        else
            fprintf(to, "\\x%02x", c);
    }
    if (text.len > 0)
        fputc('\n', to);
}
