/* acme_b64.c - base64url and base64
 *
 * Private keys pass through here, so a character's value is computed without a look-up and without
 * a branch on it: neither cache nor timing depends on the bytes.
 */
#include "acme_b64.h"

#include <limits.h>
#include <stdbool.h>

#include "acme_err.h"

/* A run of characters for a run of values. */
struct b64_run {
    uint8_t low, high; /* characters */
    uint8_t first;     /* value of low */
};

#define B64_RUNS 5
static const struct b64_run b64_url[B64_RUNS] = {
    {'A', 'Z', 0}, {'a', 'z', 26}, {'0', '9', 52}, {'-', '-', 62}, {'_', '_', 63}};
static const struct b64_run b64_standard[B64_RUNS] = {
    {'A', 'Z', 0}, {'a', 'z', 26}, {'0', '9', 52}, {'+', '+', 62}, {'/', '/', 63}};

/* x - from + to + 1 where from <= x <= from + span, else 0. Unsigned borrow makes the mask. */
static uint32_t b64_map(uint32_t x, uint32_t from, uint32_t span, uint32_t to)
{
    uint32_t mask = ((from - 1 - x) & (x - from - span - 1)) >> 8;

    return mask & (x - from + to + 1);
}

static char b64_char(const struct b64_run *runs, uint32_t value)
{
    uint32_t c = 0;
    unsigned i;

    for (i = 0; i < B64_RUNS; i++) {
        uint32_t span = (uint32_t)runs[i].high - runs[i].low;

        c |= b64_map(value, runs[i].first, span, runs[i].low);
    }
    return (char)(uint8_t)(c - 1);
}

/* 0..63, or above 63 for a stranger. */
static uint32_t b64_value(const struct b64_run *runs, uint8_t c)
{
    uint32_t v = 0;
    unsigned i;

    for (i = 0; i < B64_RUNS; i++) {
        uint32_t span = (uint32_t)runs[i].high - runs[i].low;

        v |= b64_map(c, runs[i].low, span, runs[i].first);
    }
    return v - 1;
}

static int b64_encode(char *out, size_t cap, const uint8_t *in, size_t len,
                      const struct b64_run *runs)
{
    const bool pad = runs == b64_standard;
    uint32_t bits = 0;
    unsigned held = 0; /* bits not yet written */
    size_t need, n = 0, i;

    if (len > INT_MAX / 4) {
        return ACME_E_SIZE;
    }
    need = ACME_B64URL_LEN(len);
    if (pad) {
        need = (need + 3) & ~(size_t)3;
    }
    if (need > cap) {
        return ACME_E_SIZE;
    }
    for (i = 0; i < len; i++) {
        bits = (bits << 8) | in[i];
        for (held += 8; held >= 6;) {
            held -= 6;
            out[n++] = b64_char(runs, (bits >> held) & 63);
        }
    }
    if (held > 0) {
        out[n++] = b64_char(runs, (bits << (6 - held)) & 63);
    }
    while (n < need) {
        out[n++] = '=';
    }
    return (int)n;
}

int acme_b64url_encode(char *out, size_t cap, const void *data, size_t len)
{
    return b64_encode(out, cap, data, len, b64_url);
}

int acme_b64_encode(char *out, size_t cap, const void *data, size_t len)
{
    return b64_encode(out, cap, data, len, b64_standard);
}

static bool b64_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int b64_decode(uint8_t *out, size_t cap, const char *text, size_t len,
                      const struct b64_run *runs)
{
    const bool pem = runs == b64_standard;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t chars = 0, pads = 0, n = 0, i;

    if (len > INT_MAX) {
        return ACME_E_SIZE;
    }
    for (i = 0; i < len; i++) {
        uint32_t v;

        if (pem && b64_space(text[i])) {
            continue;
        }
        if (pem && text[i] == '=') {
            pads++;
            continue;
        }
        v = b64_value(runs, (uint8_t)text[i]);
        if (v > 63 || pads > 0) {
            return ACME_E_REPLY;
        }
        chars++;
        bits = (bits << 6) | v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (n == cap) {
                return ACME_E_SIZE;
            }
            out[n++] = (uint8_t)(bits >> held);
        }
    }
    /* 6 bits left over: a length that cannot be. 2 or 4 bits are filling and must be zero. */
    if (held == 6 || (bits & ((1u << held) - 1)) != 0) {
        return ACME_E_REPLY;
    }
    if (pem && (pads > 2 || (chars + pads) % 4 != 0)) {
        return ACME_E_REPLY;
    }
    return (int)n;
}

int acme_b64url_decode(void *out, size_t cap, const char *text, size_t len)
{
    return b64_decode(out, cap, text, len, b64_url);
}

int acme_b64_decode(void *out, size_t cap, const char *text, size_t len)
{
    return b64_decode(out, cap, text, len, b64_standard);
}
