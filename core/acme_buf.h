/* acme_buf.h - slices, and a bounded writer that remembers overflow
 *
 * A writer never writes past its end: once something did not fit, `overflow` stays set and all
 * later writes do nothing, so a whole text is written without a check for each piece, and one
 * check at the end decides.
 */
#ifndef ACME_BUF_H
#define ACME_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns; valid as long as their owner says. */
struct acme_slice {
    const uint8_t *ptr; /* may be NULL when len is 0 */
    size_t len;
};

/* Room that somebody lent us to write into. */
struct acme_span {
    uint8_t *ptr;
    size_t len;
};

struct acme_buf {
    uint8_t *ptr;
    size_t cap;
    size_t len; /* <= cap */
    bool overflow;
};

struct acme_slice acme_slice_of(const void *ptr, size_t len);
struct acme_slice acme_slice_text(const char *text);              /* NULL gives an empty slice */
bool acme_slice_is(struct acme_slice s, const char *text);        /* byte for byte */
bool acme_slice_is_nocase(struct acme_slice s, const char *text); /* ASCII letters fold */

void acme_buf_init(struct acme_buf *b, void *ptr, size_t cap);
void acme_buf_put(struct acme_buf *b, const void *data, size_t len);
void acme_buf_text(struct acme_buf *b, const char *text);
void acme_buf_char(struct acme_buf *b, char c);
void acme_buf_dec(struct acme_buf *b, uint64_t value);
/* A JSON string with its quotes: escapes '"', '\\' and everything below 0x20. */
void acme_buf_json(struct acme_buf *b, struct acme_slice text);
/* base64url without padding (RFC 7515 2). */
void acme_buf_b64url(struct acme_buf *b, const void *data, size_t len);
/* Adds a NUL that len does not count, so the content reads as a C string. False on overflow. */
bool acme_buf_end(struct acme_buf *b);
struct acme_slice acme_buf_slice(const struct acme_buf *b);

/* Copies text into a fixed field with its NUL. False (and out is "") when it does not fit. */
bool acme_copy_text(char *out, size_t room, struct acme_slice text);

#endif
