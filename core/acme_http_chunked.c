/* acme_http_chunked.c - decoding a chunked body in place (RFC 9112 7.1) */
#include <string.h>

#include "acme_err.h"
#include "acme_http.h"

#define CHUNK_HEX_MAX 15 /* digits of a size; 60 bits */

enum chunk_state {
    CHUNK_SIZE = 0,  /* hexadecimal digits; 0 is how a decoder begins */
    CHUNK_EXTENSION, /* behind the size, ignored */
    CHUNK_SIZE_LF,   /* behind the CR of that line */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_LINE,    /* the beginning of a trailer, or the last CR */
    CHUNK_TRAILER, /* within a trailer, ignored */
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF,
    CHUNK_DONE,
    CHUNK_BAD
};

/* 0..15, or 16 for a stranger. */
static unsigned chunk_hex(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - (unsigned)'0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

static uint8_t chunk_size(struct acme_http_chunked *c, uint8_t b)
{
    unsigned digit = chunk_hex(b);

    if (digit < 16) {
        c->left = (c->left << 4) | digit;
        return ++c->hex_digits <= CHUNK_HEX_MAX ? CHUNK_SIZE : CHUNK_BAD;
    }
    if (c->hex_digits == 0) {
        return CHUNK_BAD;
    }
    if (b == '\r') {
        return CHUNK_SIZE_LF;
    }
    return b == ';' || b == ' ' || b == '\t' ? CHUNK_EXTENSION : CHUNK_BAD;
}

/* A byte of an extension or trailer, which we skip: counted, and judged like one of a field. */
static uint8_t chunk_skip(struct acme_http_chunked *c, uint8_t b, uint8_t same, uint8_t at_cr)
{
    if (b == '\r') {
        return at_cr;
    }
    if ((b < 0x20 && b != '\t') || b == 0x7f || ++c->line_bytes > ACME_HTTP_LINE_MAX) {
        return CHUNK_BAD;
    }
    return same;
}

/* The state after one byte that is not data. */
static uint8_t chunk_step(struct acme_http_chunked *c, uint8_t b)
{
    switch (c->state) {
    case CHUNK_SIZE:
        return chunk_size(c, b);
    case CHUNK_EXTENSION:
        return chunk_skip(c, b, CHUNK_EXTENSION, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        c->hex_digits = 0;
        c->line_bytes = 0;
        return b != '\n' ? CHUNK_BAD : c->left > 0 ? CHUNK_DATA : CHUNK_LINE;
    case CHUNK_DATA_CR:
        return b == '\r' ? CHUNK_DATA_LF : CHUNK_BAD;
    case CHUNK_DATA_LF:
        return b == '\n' ? CHUNK_SIZE : CHUNK_BAD;
    case CHUNK_LINE:
        return chunk_skip(c, b, CHUNK_TRAILER, CHUNK_LAST_LF);
    case CHUNK_TRAILER:
        return chunk_skip(c, b, CHUNK_TRAILER, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        return b == '\n' ? CHUNK_LINE : CHUNK_BAD;
    case CHUNK_LAST_LF:
        return b == '\n' ? CHUNK_DONE : CHUNK_BAD;
    default:
        return CHUNK_BAD;
    }
}

int acme_http_dechunk(struct acme_http_chunked *c, uint8_t *data, size_t len, size_t *out_len,
                      size_t *used)
{
    size_t in = 0, out = 0;

    while (in < len && c->state < CHUNK_DONE) {
        if (c->state == CHUNK_DATA) {
            size_t n = len - in;

            if (n > c->left) {
                n = (size_t)c->left;
            }
            memmove(data + out, data + in, n);
            in += n;
            out += n;
            c->left -= n;
            if (c->left == 0) {
                c->state = CHUNK_DATA_CR;
            }
        } else {
            c->state = chunk_step(c, data[in++]);
        }
    }
    *out_len = out;
    *used = in;
    if (c->state == CHUNK_BAD) {
        return ACME_E_HTTP;
    }
    return c->state == CHUNK_DONE ? 1 : ACME_AGAIN;
}
