/* flash_slots.h - the slot contract of acme_port.h over erase, program and read of raw flash
 *
 * An append-only log over two or more erase sectors, used in rotation. README.md in this folder
 * has the format on flash, the reasons and the limits.
 *
 * Nothing here blocks: each call starts at most `burst` program operations or one erase, and
 * answers ACME_AGAIN until its work is done. One thread, as the whole port.
 */
#ifndef FLASH_SLOTS_H
#define FLASH_SLOTS_H

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a board says about its flash. Addresses count from the start of the region that the store
 * may use, sectors from 0. Lies in ROM; kept by reference for the life of the store.
 *
 * erase and program answer ACME_OK when done, ACME_AGAIN while busy (the operation goes on; the
 * same call with the same bytes is repeated until it answers otherwise, and no other erase or
 * program is called before), or an error. read answers ACME_OK, an error, or ACME_AGAIN, but that
 * only while an erase or a program is under way. */
struct flash_dev {
    void *ctx;
    int (*erase)(void *ctx, uint32_t sector); /* all bytes become 0xff */
    int (*program)(void *ctx, uint32_t addr, const void *data, size_t len);
    int (*read)(void *ctx, uint32_t addr, void *buf, size_t len);
    uint32_t sector_size; /* bytes, a multiple of page; 512 .. 1 MiB */
    uint32_t sectors;     /* 2 .. 32 */
    uint16_t page;        /* no program call crosses a multiple of this; 1..256 */
    uint16_t align;       /* address and length of each program call are multiples; divides page */
    uint8_t burst;        /* program operations started in one call, 0 means 1 */
};

#define FLASH_BUF_MAX 256 /* the largest page */

/* One place in a table of records; internal. */
struct flash_entry {
    uint32_t sector; /* the number of the sector that holds it (not its place) */
    uint32_t index;
    uint32_t seq, offset, length, hash, crc;
    uint16_t prev, flags;
    uint8_t type, key_len;
};

/* The store. The caller gives the memory; all members are internal. */
struct flash_slots {
    const struct flash_dev *dev;
    uint32_t head, tail;  /* the newest and oldest sector number in use */
    uint32_t used;        /* sectors in use */
    uint32_t seq;         /* of the next record */
    uint32_t data, table; /* in head: first free byte, first free table place */
    uint32_t last;        /* in head: the last place known good, or none */
    uint32_t bad;         /* a bit for each place that failed since the start */
    uint32_t given;       /* ... that mount gave up: erased before anything else is written */
    uint32_t op_addr, op_len, op_pos;
    uint32_t prep, prep_erases; /* the sector number being prepared */
    uint32_t pos;               /* bytes of the current body that are programmed */
    uint32_t gc_index;
    uint32_t compact_to; /* the newest sector to be rewritten */
    uint32_t w_crc, w_hash, w_len;
    uint32_t full_seq, full_body;
    struct flash_entry put; /* the record being appended */
    struct flash_entry src; /* the record being copied */
    uint8_t mounted, op, prep_step, gc_step, put_step, w_step, w_slot;
    uint8_t tries, passes, budget, copying, doubt, w_key_len, opening, compacting;
    uint8_t open_fails, open_marked, tip, remounts, prep_fails, blur;
    uint8_t buf[FLASH_BUF_MAX];
};

/* Facts for people. */
struct flash_stat {
    uint32_t sectors, used;          /* in all, and holding records */
    uint32_t ready;                  /* erased ahead */
    uint32_t free_bytes;             /* left in the sector that is being filled */
    uint32_t erases_min, erases_max; /* as the sectors' own headers count */
};

/* Find the log on the flash; repeated until it does not answer ACME_AGAIN. *fs is all zero before
 * the first call. A cut that happened
 * while a record was being committed is settled here (one small program operation). Flash without
 * a log, or with damage all over, is an empty store, not an error.
 * ACME_E_ARG (geometry), ACME_E_SLOT (cannot be read), ACME_E_SLOT_VERSION (a newer layout or
 * another geometry: nothing is erased). read and write mount by themselves. */
int flash_slots_mount(struct flash_slots *fs, const struct flash_dev *dev);

/* Work that is better done between polls: erases sectors that hold no live record, so that a
 * write does not have to wait for it. ACME_OK: nothing is left to do. ACME_AGAIN: call again. */
int flash_slots_idle(struct flash_slots *fs);

/* Rewrite the live records and erase all else, so that no replaced secret is left on the flash;
 * repeated until it does not answer ACME_AGAIN. Costs one erase of each sector in use. */
int flash_slots_compact(struct flash_slots *fs);

/* The two functions of struct acme_slots; ctx is the struct flash_slots. As the contract says, and
 * read answers ACME_AGAIN while the flash is busy and cannot be read. A write that is repeated
 * with other bytes before it was done is a new write; the first is dropped whole (or, if it was all
 * but done, stands whole). */
int flash_slots_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap);
int flash_slots_write(void *ctx, enum acme_slot slot, const char *key, const void *data,
                      size_t len);

/* The longest key + record that can ever be stored on this geometry, in bytes. */
uint32_t flash_slots_max(const struct flash_dev *dev);

int flash_slots_stat(struct flash_slots *fs, struct flash_stat *out);

#ifdef __cplusplus
}
#endif

#endif
