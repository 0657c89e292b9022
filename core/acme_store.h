/* acme_store.h - records: header, version, length, CRC, fields
 *
 * Little-endian, explicit bytes; no struct is ever written to storage.
 *
 *   header, 20 bytes: magic "ACME" | kind u8 | version u8 | flags u16 | sequence u32 | length u32 |
 *                     crc32 u32 of all other bytes of header and body
 *   body, `length` bytes: fields { tag u16, length u16, bytes }
 *
 * A field's tag has bit 15 set when a reader that does not know it must not use the record at all;
 * other unknown fields are skipped, so an older firmware survives a newer record. The version is
 * raised only when an old reader would misunderstand: it then answers ACME_E_SLOT_VERSION and
 * leaves the record alone. Header and CRC keep their places in every version. The flags are written
 * as 0 and not looked at.
 */
#ifndef ACME_STORE_H
#define ACME_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_err.h"

#define ACME_RECORD_HEADER  20
#define ACME_RECORD_VERSION 1
#define ACME_FIELD_CRITICAL 0x8000u

struct acme_record_writer {
    struct acme_buf out;
};

/* kind is the enum acme_slot that the record goes to. sequence: see CERT_A; else 0. */
void acme_record_begin(struct acme_record_writer *w, struct acme_span room, uint8_t kind,
                       uint32_t sequence);
void acme_record_bytes(struct acme_record_writer *w, uint16_t tag, const void *data, size_t len);
void acme_record_text(struct acme_record_writer *w, uint16_t tag, const char *text);
void acme_record_u64(struct acme_record_writer *w, uint16_t tag, uint64_t value);
void acme_record_i64(struct acme_record_writer *w, uint16_t tag, int64_t value);
/* The record's whole length, or ACME_E_SIZE when something did not fit. */
int acme_record_end(struct acme_record_writer *w);

struct acme_record {
    uint8_t kind;
    uint32_t sequence;
    struct acme_slice body;
    size_t at; /* of the next field in body */
};
struct acme_field {
    uint16_t tag;
    struct acme_slice value;
};

/* ACME_OK; ACME_E_SLOT_CORRUPT (magic, kind, length, CRC, or fields that do not fill the body);
 * ACME_E_SLOT_VERSION. Bytes after the record are allowed: a medium may pad. */
int acme_record_open(struct acme_record *r, struct acme_slice data, uint8_t kind);
bool acme_record_next(struct acme_record *r, struct acme_field *field);
/* For a tag that the reader does not know: ACME_OK, skip it; ACME_E_SLOT_VERSION, it is critical
 * and the record must be left alone. */
int acme_field_skip(const struct acme_field *field);
/* A field's value as a number: false unless it has 8 bytes. */
bool acme_field_u64(const struct acme_field *field, uint64_t *value);
bool acme_field_i64(const struct acme_field *field, int64_t *value);
/* A field's value as a C string into out: false when it has a NUL or does not fit. */
bool acme_field_text(const struct acme_field *field, char *out, size_t room);

#endif
