#include "acme_pem.h"

#include <stdint.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_crypto.h"
#include "acme_der.h"
#include "acme_err.h"

bool acme_pem_line(struct acme_slice *text, struct acme_slice *line)
{
    size_t len = 0;

    if (text->len == 0)
        return false;
    while (len < text->len && text->ptr[len] != '\n' && text->ptr[len] != '\r')
        len++;
    *line = acme_slice_of(text->ptr, len);
    if (len < text->len && text->ptr[len] == '\r')
        len++;
    if (len < text->len && text->ptr[len] == '\n' && (len == line->len || len == line->len + 1))
        len++;
    text->ptr += len;
    text->len -= len;
    return true;
}

static struct acme_slice pem_trim(struct acme_slice line)
{
    while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t'))
        line.len--;
    return line;
}

bool acme_pem_is_begin(struct acme_slice line)
{
    return acme_slice_is(pem_trim(line), "-----BEGIN CERTIFICATE-----");
}

bool acme_pem_is_end(struct acme_slice line)
{
    return acme_slice_is(pem_trim(line), "-----END CERTIFICATE-----");
}

/* Jumps from dash to dash, as base64 has none: a store of 200 KB is walked through in no time. */
bool acme_pem_next(struct acme_slice *text, struct acme_slice *body)
{
    const uint8_t *start = text->ptr;
    struct acme_slice line;
    bool inside = false;

    *body = acme_slice_of(NULL, 0);
    while (text->len > 0) {
        const uint8_t *dash = memchr(text->ptr, '-', text->len);

        if (dash == NULL)
            break;
        text->len -= (size_t)(dash - text->ptr);
        text->ptr = dash;
        if (dash != start && dash[-1] != '\n' && dash[-1] != '\r') {
            text->ptr++; /* in the middle of a line */
            text->len--;
            continue;
        }
        (void)acme_pem_line(text, &line);
        if (inside && acme_pem_is_end(line)) {
            body->len = (size_t)(line.ptr - body->ptr);
            return true;
        }
        inside = acme_pem_is_begin(line); /* also one whose forerunner was never ended */
        *body = acme_slice_of(text->ptr, 0);
    }
    text->len = 0;
    return false;
}

#define PEM_BLANK   0x40
#define PEM_PAD     0x41
#define PEM_STRANGE 0x42

/* Value of a character: of base64, or one of the above. */
static const uint8_t pem_values[128] = {
#define S PEM_STRANGE
#define B PEM_BLANK
    S,  S,  S,  S,  S,  S,  S,  S,  S,  B,  B,  S,  S,  B,       S,  S,  /* tab, LF, CR */
    S,  S,  S,  S,  S,  S,  S,  S,  S,  S,  S,  S,  S,  S,       S,  S,  /* */
    B,  S,  S,  S,  S,  S,  S,  S,  S,  S,  S,  62, S,  S,       S,  63, /* blank, +, / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, S,  S,  S,  PEM_PAD, S,  S,  /* 0-9, = */
    S,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,      13, 14, /* A- */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, S,  S,  S,       S,  S,  /* -Z */
    S,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,      39, 40, /* a- */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, S,  S,  S,       S,  S,  /* -z */
#undef S
#undef B
};

static uint8_t pem_value(uint8_t c)
{
    return c < sizeof pem_values ? pem_values[c] : PEM_STRANGE;
}

/* The filling: as many '=' as bring the characters to a multiple of four, and no bits in it. */
static bool pem_ends_well(uint32_t bits, size_t chars, size_t pads)
{
    if (chars % 4 == 1 || (chars + pads) % 4 != 0 || pads > 2)
        return false;
    return (bits & ((1u << (2 * pads)) - 1)) == 0;
}

/* Four characters that stand together; false when one of them is none of the alphabet. */
static bool pem_group(const uint8_t *c, uint8_t *to)
{
    uint8_t v0 = pem_value(c[0]), v1 = pem_value(c[1]), v2 = pem_value(c[2]), v3 = pem_value(c[3]);

    if ((v0 | v1 | v2 | v3) >= PEM_BLANK)
        return false;
    to[0] = (uint8_t)(v0 << 2 | v1 >> 4);
    to[1] = (uint8_t)(v1 << 4 | v2 >> 2);
    to[2] = (uint8_t)(v2 << 6 | v3);
    return true;
}

int acme_pem_decode(void *out, size_t cap, struct acme_slice body)
{
    uint8_t *to = out;
    uint32_t bits = 0;
    size_t chars = 0, pads = 0, n = 0;
    struct acme_slice rest, content;

    for (size_t i = 0; i < body.len; i++) {
        uint8_t v;

        if (chars % 4 == 0 && pads == 0 && body.len - i >= 4 && cap - n >= 3 &&
            pem_group(body.ptr + i, to + n)) {
            i += 3;
            n += 3;
            continue;
        }
        v = pem_value(body.ptr[i]);
        if (v == PEM_BLANK)
            continue;
        if (v == PEM_PAD) {
            pads++;
            continue;
        }
        if (v == PEM_STRANGE || pads > 0)
            return ACME_E_CERT;
        bits = bits << 6 | v;
        if (chars++ % 4 == 0)
            continue;
        if (n == cap)
            return ACME_E_SIZE;
        to[n++] = (uint8_t)(bits >> (6 - 2 * ((chars - 1) % 4)));
    }
    if (!pem_ends_well(bits, chars, pads))
        return ACME_E_CERT;
    rest = acme_slice_of(out, n);
    if (!acme_der_read_tag(&rest, ACME_DER_SEQUENCE, &content) || rest.len != 0)
        return ACME_E_CERT;
    return (int)n;
}

void acme_pem_put(struct acme_buf *b, const char *label, struct acme_slice der)
{
    char line[65];

    acme_buf_text(b, "-----BEGIN ");
    acme_buf_text(b, label);
    acme_buf_text(b, "-----\n");
    while (der.len > 0) {
        size_t n = der.len < 48 ? der.len : 48;
        int len = acme_b64_encode(line, sizeof line, der.ptr, n);
        acme_buf_put(b, line, len > 0 ? (size_t)len : 0);
        acme_buf_char(b, '\n');
        der.ptr += n;
        der.len -= n;
    }
    acme_buf_text(b, "-----END ");
    acme_buf_text(b, label);
    acme_buf_text(b, "-----\n");
    acme_wipe(line, sizeof line);
}
