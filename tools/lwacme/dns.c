/* One question to a DNS server and its answer, as bytes for TCP. */
#include "dns.h"

#include <string.h>

#include "acme_err.h"

#define DNS_HEAD 12

static void put16(uint8_t *out, size_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *in)
{
    return (unsigned)in[0] << 8 | in[1];
}

/* Name, type, class; the name as labels. */
static size_t put_asked(uint8_t *out, size_t room, const char *name, unsigned type)
{
    size_t at = 0, len = strlen(name);

    if (len == 0 || len > 253 || room < len + 6)
        return 0;
    while (*name != '\0') {
        const char *dot = strchr(name, '.');
        size_t n = dot != NULL ? (size_t)(dot - name) : strlen(name);
        if (n == 0 || n > 63)
            return 0;
        out[at++] = (uint8_t)n;
        memcpy(out + at, name, n);
        at += n;
        name += n + (dot != NULL);
    }
    out[at++] = 0;
    put16(out + at, type);
    put16(out + at + 2, 1);
    return at + 4;
}

size_t dns_question(uint8_t *out, size_t room, uint16_t id, const char *name, enum dns_type type)
{
    size_t n;

    if (room < 2 + DNS_HEAD)
        return 0;
    memset(out, 0, 2 + DNS_HEAD);
    n = put_asked(out + 2 + DNS_HEAD, room - 2 - DNS_HEAD, name, type);
    if (n == 0)
        return 0;
    put16(out, DNS_HEAD + n);
    put16(out + 2, id);
    out[4] = 1; /* recursion is desired */
    out[7] = 1; /* one question */
    return 2 + DNS_HEAD + n;
}

/* Behind the name at `at`, or 0: it does not end within the message. */
static size_t skip_name(struct acme_slice m, size_t at)
{
    while (at < m.len) {
        uint8_t n = m.ptr[at];
        if (n == 0)
            return at + 1;
        if ((n & 0xc0) == 0xc0)
            return at + 2 <= m.len ? at + 2 : 0;
        if (n > 63)
            return 0;
        at += 1u + n;
    }
    return 0;
}

static bool same_asked(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z')
            x = (uint8_t)(x + 32);
        if (y >= 'A' && y <= 'Z')
            y = (uint8_t)(y + 32);
        if (x != y)
            return false;
    }
    return true;
}

int dns_open(struct dns_answer *a, struct acme_slice m, uint16_t id, const char *name,
             enum dns_type type)
{
    uint8_t asked[260];
    size_t n = put_asked(asked, sizeof asked, name, type);

    memset(a, 0, sizeof *a);
    if (n == 0 || m.len < DNS_HEAD || get16(m.ptr) != id || (m.ptr[2] & 0xfa) != 0x80)
        return ACME_E_REPLY; /* another one, no answer, another opcode, or cut */
    a->message = m;
    a->rcode = m.ptr[3] & 15;
    a->type = (uint16_t)type;
    /* A server that refuses need not repeat the question. */
    if (get16(m.ptr + 4) == 0 && a->rcode != 0)
        return ACME_OK;
    if (get16(m.ptr + 4) != 1 || m.len < DNS_HEAD + n || !same_asked(m.ptr + DNS_HEAD, asked, n))
        return ACME_E_REPLY;
    a->at = DNS_HEAD + n;
    a->left = get16(m.ptr + 6);
    return ACME_OK;
}

bool dns_next(struct dns_answer *a, struct acme_slice *data)
{
    struct acme_slice m = a->message;

    while (a->left > 0) {
        size_t at = skip_name(m, a->at), len;
        a->left--;
        a->broken = at == 0 || m.len - at < 10;
        if (a->broken)
            break;
        len = get16(m.ptr + at + 8);
        a->broken = len > m.len - at - 10;
        if (a->broken)
            break;
        *data = acme_slice_of(m.ptr + at + 10, len);
        a->at = at + 10 + len;
        if (get16(m.ptr + at) == a->type && get16(m.ptr + at + 2) == 1)
            return true;
    }
    a->left = 0;
    return false;
}
