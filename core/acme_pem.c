#include "acme_pem.h"

#include <stdint.h>
#include <string.h>

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

bool acme_pem_next(struct acme_slice *text, struct acme_slice *body)
{
    struct acme_slice line;
    bool inside = false;

    *body = acme_slice_of(NULL, 0);
    while (acme_pem_line(text, &line)) {
        if (acme_pem_is_begin(line)) { /* also one whose forerunner was never ended */
            inside = true;
            *body = acme_slice_of(text->ptr, 0);
        } else if (inside && acme_pem_is_end(line)) {
            body->len = (size_t)(line.ptr - body->ptr);
            return true;
        } else if (line.len > 0 && line.ptr[0] == '-') {
            inside = false;
        }
    }
    return false;
}

#define PEM_BLANK   0x40
#define PEM_PAD     0x41
#define PEM_STRANGE 0x42

static uint8_t pem_value(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
        return PEM_BLANK;
    return c == '=' ? PEM_PAD : PEM_STRANGE;
}

/* The filling: as many '=' as bring the characters to a multiple of four, and no bits in it. */
static bool pem_ends_well(uint32_t bits, size_t chars, size_t pads)
{
    if (chars % 4 == 1 || (chars + pads) % 4 != 0 || pads > 2)
        return false;
    return (bits & ((1u << (2 * pads)) - 1)) == 0;
}

int acme_pem_decode(void *out, size_t cap, struct acme_slice body)
{
    uint8_t *to = out;
    uint32_t bits = 0;
    size_t chars = 0, pads = 0, n = 0;
    struct acme_slice rest, content;

    for (size_t i = 0; i < body.len; i++) {
        uint8_t v = pem_value(body.ptr[i]);

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
