#include "acme_der.h"

#include <string.h>

void acme_der_init(struct acme_der *d, void *room, size_t len)
{
    d->start = room;
    d->end = d->start + len;
    d->at = d->end;
    d->overflow = false;
}

void acme_der_raw(struct acme_der *d, const void *data, size_t len)
{
    if (d->overflow || len > (size_t)(d->at - d->start)) {
        d->overflow = true;
        return;
    }
    if (len == 0)
        return;
    d->at -= len;
    memmove(d->at, data, len); /* data may lie in the room: a CSR is signed, then wrapped */
}

void acme_der_byte(struct acme_der *d, uint8_t byte)
{
    acme_der_raw(d, &byte, 1);
}

size_t acme_der_mark(const struct acme_der *d)
{
    return (size_t)(d->end - d->at);
}

void acme_der_wrap(struct acme_der *d, size_t mark, uint8_t tag)
{
    size_t len = acme_der_mark(d) - mark;
    uint8_t count = 0;

    if (len < 0x80) {
        acme_der_byte(d, (uint8_t)len);
    } else {
        for (; len != 0; len >>= 8, count++)
            acme_der_byte(d, (uint8_t)(len & 0xff));
        acme_der_byte(d, (uint8_t)(0x80 | count));
    }
    acme_der_byte(d, tag);
}

void acme_der_put(struct acme_der *d, uint8_t tag, const void *data, size_t len)
{
    size_t mark = acme_der_mark(d);

    acme_der_raw(d, data, len);
    acme_der_wrap(d, mark, tag);
}

void acme_der_uint(struct acme_der *d, const uint8_t *bytes, size_t len)
{
    size_t mark = acme_der_mark(d);

    while (len > 0 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    acme_der_raw(d, bytes, len);
    if (len == 0 || (bytes[0] & 0x80) != 0)
        acme_der_byte(d, 0);
    acme_der_wrap(d, mark, ACME_DER_INTEGER);
}

void acme_der_small(struct acme_der *d, uint32_t value)
{
    uint8_t bytes[4];

    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
    acme_der_uint(d, bytes, sizeof bytes);
}

struct acme_slice acme_der_slice(const struct acme_der *d)
{
    return d->overflow ? acme_slice_of(NULL, 0) : acme_slice_of(d->at, acme_der_mark(d));
}

bool acme_der_read(struct acme_slice *in, uint8_t *tag, struct acme_slice *content,
                   struct acme_slice *whole)
{
    size_t head = 2;
    size_t len;

    if (in->len < 2 || (in->ptr[0] & 0x1f) == 0x1f)
        return false;
    len = in->ptr[1];
    if (len >= 0x80) {
        size_t count = len & 0x7f;

        /* Three bytes of length reach 16 MB: more than any message of ours. */
        if (count == 0 || count > 3 || in->len < 2 + count || in->ptr[2] == 0)
            return false;
        for (len = 0; head < 2 + count; head++)
            len = len << 8 | in->ptr[head];
        if (len < 0x80)
            return false;
    }
    if (len > in->len - head)
        return false;
    *tag = in->ptr[0];
    *content = acme_slice_of(in->ptr + head, len);
    if (whole != NULL)
        *whole = acme_slice_of(in->ptr, head + len);
    in->ptr += head + len;
    in->len -= head + len;
    return true;
}

bool acme_der_read_tag(struct acme_slice *in, uint8_t tag, struct acme_slice *content)
{
    struct acme_slice rest = *in;
    uint8_t found;

    if (!acme_der_read(&rest, &found, content, NULL) || found != tag)
        return false;
    *in = rest;
    return true;
}
