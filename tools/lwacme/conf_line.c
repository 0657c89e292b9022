/* The lines of a configuration file. Pure: bytes to slices. */
#include "conf_line.h"

#include <string.h>

/* The length of the character at s, or 0: a control character (C0, DEL, C1) or not UTF-8. */
static size_t plain_character(const uint8_t *s, size_t left)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] < ' ' || s[0] == 127 || s[0] > 0xf4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    /* C1; longer than it need be; half of a pair; beyond the last. */
    if (len > 1 && ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
                    (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
                    (s[0] == 0xf4 && s[1] > 0x8f)))
        return 0;
    return len;
}

bool conf_plain_text(struct acme_slice text)
{
    size_t len = 1;

    for (size_t i = 0; i < text.len && len > 0; i += len)
        len = plain_character(text.ptr + i, text.len - i);
    return len > 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct acme_slice trim(struct acme_slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Takes a line without its end off the front. */
static struct acme_slice take_line(struct acme_slice *rest)
{
    const uint8_t *end = memchr(rest->ptr, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    struct acme_slice line = {rest->ptr, len};

    rest->ptr += len + (end != NULL);
    rest->len -= len + (end != NULL);
    if (end != NULL && len > 0 && line.ptr[len - 1] == '\r')
        line.len--;
    return line;
}

static bool key_ok(struct acme_slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.ptr[i], lower = c | 0x20;
        if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') && c != '-' && c != '_')
            return false;
    }
    return key.len > 0 && key.len <= CONF_KEY_MAX;
}

/* "x # y": is it a value, or did somebody mean a comment? */
static bool has_comment(struct acme_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '#' && (i == 0 || is_blank(value.ptr[i - 1])))
            return true;
    }
    return false;
}

static const char *read_section(struct acme_slice text, struct conf_line *line)
{
    const uint8_t *end = memchr(text.ptr, ']', text.len);

    line->kind = CONF_SECTION;
    if (end == NULL)
        return "a section's name has no end; write [NAME]";
    if (end != text.ptr + text.len - 1)
        return "there is something behind [NAME]; a line of its own, please";
    line->value = trim(acme_slice_of(text.ptr + 1, text.len - 2));
    return line->value.len > 0 ? NULL : "a section without a name; write [NAME]";
}

static const char *read_pair(struct acme_slice text, struct conf_line *line)
{
    const uint8_t *equals = memchr(text.ptr, '=', text.len);
    size_t at = equals != NULL ? (size_t)(equals - text.ptr) : 0;

    line->kind = CONF_PAIR;
    if (equals == NULL)
        return "neither `key = value` nor [NAME] nor a comment; begin it with # to leave it out";
    line->key = trim(acme_slice_of(text.ptr, at));
    line->value = trim(acme_slice_of(equals + 1, text.len - at - 1));
    if (!key_ok(line->key))
        return "what stands before `=` is no key; keys are small letters and hyphens";
    if (has_comment(line->value))
        return "a comment has a line of its own; put it above";
    if (line->value.len > 0 && (line->value.ptr[0] == '"' || line->value.ptr[0] == '\''))
        return "a value has no quotes; leave them out";
    return NULL;
}

/* Tabs are blanks here; everything else must be plain. */
static bool line_plain(struct acme_slice text)
{
    size_t len;

    for (size_t i = 0; i < text.len; i += len) {
        len = text.ptr[i] == '\t' ? 1 : plain_character(text.ptr + i, text.len - i);
        if (len == 0)
            return false;
    }
    return true;
}

void conf_reader_init(struct conf_reader *r, struct acme_slice text)
{
    r->number = 0;
    r->rest = text;
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        r->rest = acme_slice_of(text.ptr + 3, text.len - 3);
}

bool conf_line_next(struct conf_reader *r, struct conf_line *line)
{
    struct acme_slice text;

    memset(line, 0, sizeof *line);
    do {
        if (r->rest.len == 0)
            return false;
        text = take_line(&r->rest);
        r->number++;
        if (text.len > CONF_LINE_MAX)
            line->why = "the line is longer than 4096 bytes; a list may go on in a second line of "
                        "the same key";
        else if (!line_plain(text))
            line->why = "a control character, or no UTF-8; write plain text";
        text = trim(text);
    } while (line->why == NULL && (text.len == 0 || text.ptr[0] == '#'));
    if (line->why == NULL)
        line->why = text.ptr[0] == '[' ? read_section(text, line) : read_pair(text, line);
    if (line->why != NULL && line->kind == CONF_PAIR)
        line->kind = CONF_BAD;
    return true;
}
