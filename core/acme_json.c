/* acme_json.c - the only door to cJSON: parse into an arena, typed getters
 *
 * cJSON is lenient where a hostile peer would profit: it takes any control character for white
 * space, a bad \u escape for NUL, a NUL for the end of a string, raw control characters and
 * invalid UTF-8 in strings, a byte order mark, and members that come twice. So the text is first
 * checked as bytes (json_text_ok), and the tree afterwards for duplicates.
 */
#include "acme_json.h"

#include <string.h>

#include "acme_err.h"

#define ACME_JSON_ONLY_TYPES
#include "acme_cjson.h"

#define JSON_DEPTH   16  /* nesting; the same as CJSON_NESTING_LIMIT: it bounds the stack */
#define JSON_MEMBERS 256 /* of one object: the search for duplicates is quadratic in it */
#define JSON_EXACT   53  /* bits of an integer that every JSON reader holds exactly (RFC 8259 6) */

/* ---- what cJSON is compiled to call instead of the C library ---- */

void *acme_json_malloc(size_t size);
void acme_json_free(void *ptr);
void *acme_json_realloc(void *ptr, size_t size);
int acme_json_no_sprintf(char *out, const char *format, ...);
int acme_json_no_sscanf(const char *text, const char *format, ...);

/* The arena of the parse that runs: blocks one after another. cap is 0 between parses. */
static struct {
    uint8_t *base;
    size_t cap, used;
    size_t last; /* where the newest block begins */
    bool full;   /* a block did not fit: the parse failed for room, not for grammar */
} json_arena;

void *acme_json_malloc(size_t size)
{
    size_t at = json_arena.used;

    /* Only nodes need alignment; strings, which are most blocks, are packed. A block that is too
     * small for a node is a string. */
    if (size >= sizeof(cJSON)) {
        size_t odd = (size_t)(((uintptr_t)json_arena.base + at) % sizeof(acme_json_number));

        at += odd != 0 ? sizeof(acme_json_number) - odd : 0;
    }
    if (at > json_arena.cap || size > json_arena.cap - at) {
        json_arena.full = true;
        return NULL;
    }
    json_arena.last = at;
    json_arena.used = at + size;
    return json_arena.base + at;
}

/* Only the newest block comes back (a number's text does); the rest dies with the arena. */
void acme_json_free(void *ptr)
{
    if (json_arena.cap > 0 && ptr == json_arena.base + json_arena.last) {
        json_arena.used = json_arena.last;
    }
}

/* Nothing that parses calls it; growing fails, as realloc may. */
void *acme_json_realloc(void *ptr, size_t size)
{
    return ptr == NULL ? acme_json_malloc(size) : NULL;
}

/* Only cJSON's printer calls these two, and nobody calls the printer. They are here so that a
 * program links without --gc-sections, which drops it; a call would fail, not print. */
int acme_json_no_sprintf(char *out, const char *format, ...)
{
    (void)out;
    (void)format;
    return -1;
}

int acme_json_no_sscanf(const char *text, const char *format, ...)
{
    (void)text;
    (void)format;
    return -1;
}

static bool json_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *json_skip_digits(const char *p)
{
    while (json_digit(*p)) {
        p++;
    }
    return p;
}

/* A number by the grammar of RFC 8259 6. ACME uses integers only, so these are exact up to 2^53,
 * and what has a fraction, an exponent or more bits is ACME_JSON_INEXACT, which no getter gives
 * out: there is no rounding and no overflow to get wrong. */
acme_json_number acme_json_strton(const char *text, char **end)
{
    const char *p = text + (*text == '-');
    const char *digits = p;
    uint64_t value = 0;
    bool plain = true;

    *end = (char *)(uintptr_t)text; /* as strtod does */
    if (!json_digit(*p)) {
        return 0;
    }
    p = *p == '0' ? p + 1 : json_skip_digits(p);
    for (; digits < p && value <= (uint64_t)1 << JSON_EXACT; digits++) {
        value = value * 10 + (uint64_t)(*digits - '0');
    }
    if (*p == '.') {
        plain = false;
        if (!json_digit(*++p)) {
            return 0;
        }
        p = json_skip_digits(p);
    }
    if (*p == 'e' || *p == 'E') {
        plain = false;
        p += (p[1] == '+' || p[1] == '-') ? 2 : 1;
        if (!json_digit(*p)) {
            return 0;
        }
        p = json_skip_digits(p);
    }
    *end = (char *)(uintptr_t)p;
    if (!plain || value > (uint64_t)1 << JSON_EXACT) {
        return ACME_JSON_INEXACT;
    }
    return *text == '-' ? -(acme_json_number)value : (acme_json_number)value;
}

/* ---- checks ---- */

/* Bytes of the UTF-8 sequence at p (RFC 3629: shortest form, no surrogates, up to U+10FFFF), or 0.
 */
static size_t json_utf8(const uint8_t *p, size_t left)
{
    uint32_t code;
    size_t len, i;

    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }
    len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > left) {
        return 0;
    }
    code = p[0] & (0x7fu >> len);
    for (i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = (code << 6) | (p[i] & 0x3fu);
    }
    if ((len == 3 && code < 0x800) || (len == 4 && (code < 0x10000 || code > 0x10ffff)) ||
        (code >= 0xd800 && code <= 0xdfff)) {
        return 0;
    }
    return len;
}

static bool json_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Bytes of the escape at p ("\n", "\u00e4"), or 0. Halves of surrogate pairs are cJSON's to join.
 */
static size_t json_escape(const uint8_t *p, size_t left)
{
    size_t i;

    if (left < 2) {
        return 0;
    }
    if (p[1] != 'u') {
        return p[1] != 0 && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0;
    }
    for (i = 2; i < 6; i++) {
        if (i >= left || !json_hex(p[i])) {
            return 0;
        }
    }
    return memcmp(p + 2, "0000", 4) == 0 ? 0 : 6;
}

/* Bytes of the string at p with its quotes, or 0. */
static size_t json_string(const uint8_t *p, size_t left)
{
    size_t at = 1;

    while (at < left && p[at] != '"') {
        size_t n = 0;

        if (p[at] == '\\') {
            n = json_escape(p + at, left - at);
        } else if (p[at] >= 0x20) {
            n = json_utf8(p + at, left - at);
        }
        if (n == 0) {
            return 0;
        }
        at += n;
    }
    return at < left ? at + 1 : 0;
}

static bool json_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Strings are well formed, and between them there is only printable ASCII and white space. */
static bool json_text_ok(struct acme_slice text)
{
    size_t at = 0;
    unsigned depth = 0;

    while (at < text.len) {
        uint8_t c = text.ptr[at];
        size_t n = 1;

        if (c == '"') {
            n = json_string(text.ptr + at, text.len - at);
        } else if (c == '{' || c == '[') {
            n = ++depth <= JSON_DEPTH ? 1 : 0;
        } else if (c == '}' || c == ']') {
            n = depth-- > 0 ? 1 : 0;
        } else if (c > 0x7e || (c <= 0x20 && !json_space(c))) {
            n = 0;
        }
        if (n == 0) {
            return false;
        }
        at += n;
    }
    return true;
}

/* No object has two members of one name, nor more than JSON_MEMBERS. As deep as JSON_DEPTH. */
static bool json_unique(const cJSON *node)
{
    const cJSON *child, *other;
    size_t members = 0;

    for (child = node->child; child != NULL; child = child->next) {
        if (!json_unique(child)) {
            return false;
        }
        if (child->string == NULL) {
            continue; /* an element of an array */
        }
        if (++members > JSON_MEMBERS) {
            return false;
        }
        for (other = node->child; other != child; other = other->next) {
            if (strcmp(other->string, child->string) == 0) {
                return false;
            }
        }
    }
    return true;
}

int acme_json_parse(struct acme_slice text, struct acme_span arena, const struct acme_json **root)
{
    const char *start = (const char *)text.ptr;
    const char *end = NULL;
    const cJSON *tree;
    size_t at;

    *root = NULL;
    if (text.len == 0 || !json_text_ok(text)) {
        return ACME_E_JSON;
    }
    json_arena.base = arena.ptr;
    json_arena.cap = arena.len;
    json_arena.used = 0;
    json_arena.last = 0;
    json_arena.full = false;
    tree = cJSON_ParseWithLengthOpts(start, text.len, &end, 0);
    json_arena.cap = 0;
    if (tree == NULL) {
        return json_arena.full ? ACME_E_SIZE : ACME_E_JSON;
    }
    for (at = (size_t)(end - start); at < text.len; at++) {
        if (!json_space(text.ptr[at])) {
            return ACME_E_JSON;
        }
    }
    if (!json_unique(tree)) {
        return ACME_E_JSON;
    }
    *root = (const struct acme_json *)tree;
    return ACME_OK;
}

/* ---- getters ---- */

static const cJSON *json_node(const struct acme_json *node, int type)
{
    const cJSON *c = (const cJSON *)node;

    return c != NULL && (c->type & 0xff) == type ? c : NULL;
}

bool acme_json_is_object(const struct acme_json *node)
{
    return json_node(node, cJSON_Object) != NULL;
}

bool acme_json_is_array(const struct acme_json *node)
{
    return json_node(node, cJSON_Array) != NULL;
}

const struct acme_json *acme_json_first(const struct acme_json *array_or_object)
{
    return array_or_object == NULL
               ? NULL
               : (const struct acme_json *)((const cJSON *)array_or_object)->child;
}

const struct acme_json *acme_json_next(const struct acme_json *node)
{
    return node == NULL ? NULL : (const struct acme_json *)((const cJSON *)node)->next;
}

const struct acme_json *acme_json_get(const struct acme_json *object, const char *name)
{
    const struct acme_json *m;

    if (!acme_json_is_object(object)) {
        return NULL;
    }
    for (m = acme_json_first(object); m != NULL; m = acme_json_next(m)) {
        if (strcmp(((const cJSON *)m)->string, name) == 0) {
            break;
        }
    }
    return m;
}

size_t acme_json_count(const struct acme_json *array)
{
    const struct acme_json *e;
    size_t n = 0;

    for (e = acme_json_first(array); e != NULL; e = acme_json_next(e)) {
        n++;
    }
    return n;
}

const char *acme_json_name(const struct acme_json *node)
{
    return node == NULL ? NULL : ((const cJSON *)node)->string;
}

const char *acme_json_text(const struct acme_json *node)
{
    const cJSON *c = json_node(node, cJSON_String);

    return c == NULL ? NULL : c->valuestring;
}

const char *acme_json_member(const struct acme_json *object, const char *name)
{
    return acme_json_text(acme_json_get(object, name));
}

bool acme_json_bool(const struct acme_json *node, bool otherwise)
{
    if (json_node(node, cJSON_True) != NULL) {
        return true;
    }
    return json_node(node, cJSON_False) != NULL ? false : otherwise;
}

int64_t acme_json_int(const struct acme_json *node, int64_t otherwise)
{
    const cJSON *c = json_node(node, cJSON_Number);

    if (c == NULL || c->valuedouble < 0) {
        return otherwise;
    }
    return c->valuedouble;
}
