/* dump.h - record_dump's parts. Nothing that is read is trusted: an image may be anybody's. */
#ifndef DUMP_H
#define DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "acme_buf.h"
#include "flash_slots.h"

struct dump {
    FILE *out;
    bool all;      /* also what was replaced */
    bool damaged;  /* something that is in force cannot be used */
    int64_t now;   /* to say what is expired */
    char slot[40]; /* only this one, when it is not empty: "cert_a" */
};

/* "account", "cert_a", ...; "slot 77" for a stranger. The text is valid until the next call. */
const char *dump_slot_name(uint8_t slot);

/* Bytes as text in quotes; what could harm a terminal is escaped. */
void dump_text(const struct dump *d, struct acme_slice text);

/* One record with its fields. slot 0: any kind. */
void dump_record(struct dump *d, uint8_t slot, struct acme_slice data);

/* The records of a flash image. geometry: sector_size 0 means what the image itself says. False
 * when there is no log in it. */
bool dump_image(struct dump *d, uint8_t *image, size_t size, size_t offset,
                const struct flash_dev *geometry);

#endif
