/* acme_store.c - records: header, version, length, CRC, fields */
#include "acme_store.h"

#include <string.h>

#include "acme_crc32.h"

#define REC_MAGIC    0
#define REC_KIND     4
#define REC_VERSION  5
#define REC_FLAGS    6
#define REC_SEQUENCE 8
#define REC_LENGTH   12
#define REC_CRC      16
#define REC_FIELD    4 /* tag and length before each value */

static void rec_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v & 0xff);
    p[1] = (uint8_t)(v >> 8);
}

static void rec_put32(uint8_t *p, uint32_t v)
{
    rec_put16(p, (uint16_t)(v & 0xffff));
    rec_put16(p + 2, (uint16_t)(v >> 16));
}

static uint16_t rec_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static uint32_t rec_get32(const uint8_t *p)
{
    return rec_get16(p) | (uint32_t)rec_get16(p + 2) << 16;
}

static uint32_t rec_crc(const uint8_t *record, uint32_t length)
{
    uint32_t crc = acme_crc32(0, record, REC_CRC);

    return acme_crc32(crc, record + ACME_RECORD_HEADER, length);
}

void acme_record_begin(struct acme_record_writer *w, struct acme_span room, uint8_t kind,
                       uint32_t sequence)
{
    uint8_t header[ACME_RECORD_HEADER] = {'A', 'C', 'M', 'E'};

    header[REC_KIND] = kind;
    header[REC_VERSION] = ACME_RECORD_VERSION;
    rec_put32(header + REC_SEQUENCE, sequence);
    acme_buf_init(&w->out, room.ptr, room.len);
    acme_buf_put(&w->out, header, sizeof header);
}

void acme_record_bytes(struct acme_record_writer *w, uint16_t tag, const void *data, size_t len)
{
    uint8_t head[REC_FIELD];

    if (len > UINT16_MAX) {
        w->out.overflow = true;
        return;
    }
    rec_put16(head, tag);
    rec_put16(head + 2, (uint16_t)len);
    acme_buf_put(&w->out, head, sizeof head);
    if (len > 0)
        acme_buf_put(&w->out, data, len);
}

void acme_record_text(struct acme_record_writer *w, uint16_t tag, const char *text)
{
    acme_record_bytes(w, tag, text, text ? strlen(text) : 0);
}

void acme_record_u64(struct acme_record_writer *w, uint16_t tag, uint64_t value)
{
    uint8_t bytes[8];

    rec_put32(bytes, (uint32_t)(value & 0xffffffffu));
    rec_put32(bytes + 4, (uint32_t)(value >> 32));
    acme_record_bytes(w, tag, bytes, sizeof bytes);
}

void acme_record_i64(struct acme_record_writer *w, uint16_t tag, int64_t value)
{
    acme_record_u64(w, tag, (uint64_t)value);
}

int acme_record_end(struct acme_record_writer *w)
{
    uint32_t length;

    if (w->out.overflow || w->out.len > INT32_MAX)
        return ACME_E_SIZE;
    length = (uint32_t)(w->out.len - ACME_RECORD_HEADER);
    rec_put32(w->out.ptr + REC_LENGTH, length);
    rec_put32(w->out.ptr + REC_CRC, rec_crc(w->out.ptr, length));
    return (int)w->out.len;
}

static bool rec_fields_fill(struct acme_slice body)
{
    size_t at = 0;

    while (body.len - at >= REC_FIELD) {
        size_t len = rec_get16(body.ptr + at + 2);

        at += REC_FIELD;
        if (len > body.len - at)
            return false;
        at += len;
    }
    return at == body.len;
}

int acme_record_open(struct acme_record *r, struct acme_slice data, uint8_t kind)
{
    uint32_t length;

    memset(r, 0, sizeof *r);
    if (data.len < ACME_RECORD_HEADER || memcmp(data.ptr + REC_MAGIC, "ACME", 4) != 0)
        return ACME_E_SLOT_CORRUPT;
    length = rec_get32(data.ptr + REC_LENGTH);
    if (length > data.len - ACME_RECORD_HEADER ||
        rec_get32(data.ptr + REC_CRC) != rec_crc(data.ptr, length))
        return ACME_E_SLOT_CORRUPT;
    if (data.ptr[REC_KIND] != kind || data.ptr[REC_VERSION] == 0)
        return ACME_E_SLOT_CORRUPT;
    /* Only after the CRC: a damaged version byte must not pass for a newer writer. Header and CRC
     * therefore stay where they are in every version; what the body holds is not looked at. */
    if (data.ptr[REC_VERSION] > ACME_RECORD_VERSION)
        return ACME_E_SLOT_VERSION;
    r->body = acme_slice_of(data.ptr + ACME_RECORD_HEADER, length);
    if (!rec_fields_fill(r->body)) {
        memset(r, 0, sizeof *r);
        return ACME_E_SLOT_CORRUPT;
    }
    r->kind = kind;
    r->sequence = rec_get32(data.ptr + REC_SEQUENCE);
    return ACME_OK;
}

bool acme_record_next(struct acme_record *r, struct acme_field *field)
{
    const uint8_t *p;

    if (r->body.len - r->at < REC_FIELD)
        return false;
    p = r->body.ptr + r->at;
    field->tag = rec_get16(p);
    field->value = acme_slice_of(p + REC_FIELD, rec_get16(p + 2));
    r->at += REC_FIELD + field->value.len;
    return true;
}

int acme_field_skip(const struct acme_field *field)
{
    return field->tag & ACME_FIELD_CRITICAL ? ACME_E_SLOT_VERSION : ACME_OK;
}

bool acme_field_u64(const struct acme_field *field, uint64_t *value)
{
    if (field->value.len != 8)
        return false;
    *value = rec_get32(field->value.ptr) | (uint64_t)rec_get32(field->value.ptr + 4) << 32;
    return true;
}

bool acme_field_i64(const struct acme_field *field, int64_t *value)
{
    uint64_t u;

    if (!acme_field_u64(field, &u))
        return false;
    /* By bytes and not by a cast: a value above INT64_MAX is implementation-defined there. */
    memcpy(value, &u, sizeof u);
    return true;
}

bool acme_field_text(const struct acme_field *field, char *out, size_t room)
{
    return acme_copy_text(out, room, field->value);
}
