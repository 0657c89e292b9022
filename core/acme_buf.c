/* acme_buf.c - slices, and a bounded writer that remembers overflow */
#include "acme_buf.h"

#include <string.h>

#include "acme_b64.h"

static uint8_t buf_lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') ? (uint8_t)(c + ('a' - 'A')) : c;
}

struct acme_slice acme_slice_of(const void *ptr, size_t len)
{
    struct acme_slice s;

    s.ptr = ptr;
    s.len = len;
    return s;
}

struct acme_slice acme_slice_text(const char *text)
{
    return acme_slice_of(text, text != NULL ? strlen(text) : 0);
}

bool acme_slice_is(struct acme_slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len == len && (len == 0 || memcmp(s.ptr, text, len) == 0);
}

bool acme_slice_is_nocase(struct acme_slice s, const char *text)
{
    size_t i;

    if (s.len != strlen(text)) {
        return false;
    }
    for (i = 0; i < s.len; i++) {
        if (buf_lower(s.ptr[i]) != buf_lower((uint8_t)text[i])) {
            return false;
        }
    }
    return true;
}

void acme_buf_init(struct acme_buf *b, void *ptr, size_t cap)
{
    b->ptr = ptr;
    b->cap = cap;
    b->len = 0;
    b->overflow = false;
}

/* Claims len bytes at the end, or NULL and overflow for good. */
static uint8_t *buf_claim(struct acme_buf *b, size_t len)
{
    uint8_t *at;

    if (b->overflow || len > b->cap - b->len) {
        b->overflow = true;
        return NULL;
    }
    at = b->ptr + b->len;
    b->len += len;
    return at;
}

void acme_buf_put(struct acme_buf *b, const void *data, size_t len)
{
    uint8_t *at;

    if (len == 0) {
        return; /* data may be NULL, which memcpy must not get */
    }
    at = buf_claim(b, len);
    if (at != NULL) {
        memmove(at, data, len); /* a chain may lie further on in the same buffer */
    }
}

void acme_buf_text(struct acme_buf *b, const char *text)
{
    acme_buf_put(b, text, strlen(text));
}

void acme_buf_char(struct acme_buf *b, char c)
{
    acme_buf_put(b, &c, 1);
}

void acme_buf_dec(struct acme_buf *b, uint64_t value)
{
    char digits[20]; /* 2^64 - 1 has 20 */
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    acme_buf_put(b, digits + at, sizeof digits - at);
}

void acme_buf_json(struct acme_buf *b, struct acme_slice text)
{
    static const char hex[] = "0123456789abcdef";
    size_t i;

    acme_buf_char(b, '"');
    for (i = 0; i < text.len && !b->overflow; i++) {
        uint8_t c = text.ptr[i];

        if (c < 0x20) {
            acme_buf_text(b, "\\u00");
            acme_buf_char(b, hex[c >> 4]);
            acme_buf_char(b, hex[c & 15]);
        } else {
            if (c == '"' || c == '\\') {
                acme_buf_char(b, '\\');
            }
            acme_buf_char(b, (char)c);
        }
    }
    acme_buf_char(b, '"');
}

void acme_buf_b64url(struct acme_buf *b, const void *data, size_t len)
{
    int count =
        b->overflow ? -1 : acme_b64url_encode((char *)b->ptr + b->len, b->cap - b->len, data, len);

    if (count < 0) {
        b->overflow = true;
    } else {
        b->len += (size_t)count;
    }
}

bool acme_buf_end(struct acme_buf *b)
{
    acme_buf_char(b, '\0');
    if (b->overflow) {
        return false;
    }
    b->len--;
    return true;
}

struct acme_slice acme_buf_slice(const struct acme_buf *b)
{
    return acme_slice_of(b->ptr, b->len);
}

bool acme_copy_text(char *out, size_t room, struct acme_slice text)
{
    if (room == 0) {
        return false;
    }
    out[0] = '\0';
    /* A NUL inside would silently shorten what the other side said. */
    if (text.len >= room || (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL)) {
        return false;
    }
    if (text.len > 0) {
        memcpy(out, text.ptr, text.len);
    }
    out[text.len] = '\0';
    return true;
}
