/* acme_der.h - DER written from the end backwards: every length is known when it is needed
 *
 * Content goes in last to first; acme_der_wrap puts tag and length before all that was written
 * since `mark`. One reader, of one element at a time, for what wolfSSL has accepted but does not
 * lend (raw names, a serial number with its zero byte, the kinds of the SANs).
 */
#ifndef ACME_DER_H
#define ACME_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"

#define ACME_DER_BOOLEAN      0x01
#define ACME_DER_INTEGER      0x02
#define ACME_DER_BIT_STRING   0x03
#define ACME_DER_OCTET_STRING 0x04
#define ACME_DER_NULL         0x05
#define ACME_DER_OID          0x06
#define ACME_DER_UTF8         0x0c
#define ACME_DER_UTC_TIME     0x17
#define ACME_DER_GENERAL_TIME 0x18
#define ACME_DER_SEQUENCE     0x30
#define ACME_DER_SET          0x31
#define ACME_DER_CONTEXT(n)   (0xa0 | (n)) /* constructed */
#define ACME_DER_CHOICE(n)    (0x80 | (n)) /* primitive */

struct acme_der {
    uint8_t *start; /* of the room */
    uint8_t *at;    /* the first byte written so far */
    uint8_t *end;
    bool overflow;
};

void acme_der_init(struct acme_der *d, void *room, size_t len);
void acme_der_raw(struct acme_der *d, const void *data, size_t len);
void acme_der_byte(struct acme_der *d, uint8_t byte);
/* A mark is a position counted from the end, so it stays right while writing goes on. */
size_t acme_der_mark(const struct acme_der *d);
void acme_der_wrap(struct acme_der *d, size_t mark, uint8_t tag);
/* tag, length, content in one. */
void acme_der_put(struct acme_der *d, uint8_t tag, const void *data, size_t len);
/* A positive INTEGER of big-endian bytes: leading zeros go, one comes when the top bit is set. */
void acme_der_uint(struct acme_der *d, const uint8_t *bytes, size_t len);
void acme_der_small(struct acme_der *d, uint32_t value);
/* All that was written; empty on overflow. */
struct acme_slice acme_der_slice(const struct acme_der *d);

/* Takes the next element off the front of *in: its tag, its content, and (unless NULL) the whole
 * element. False, and *in unchanged, at the end and for what is no DER: a tag of more than one
 * byte, a length that is indefinite, not in its shortest form, or beyond *in. Hostile input is
 * welcome. */
bool acme_der_read(struct acme_slice *in, uint8_t *tag, struct acme_slice *content,
                   struct acme_slice *whole);
/* The same, and the tag must be this one. */
bool acme_der_read_tag(struct acme_slice *in, uint8_t tag, struct acme_slice *content);

#endif
