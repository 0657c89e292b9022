/* flash_log.h - what the files of this folder give to each other */
#ifndef FLASH_LOG_H
#define FLASH_LOG_H

#include "acme_crc32.h"
#include "flash_slots.h"

#define FL_MAGIC_SECTOR 0x3146574cu /* "LWF1" */
#define FL_ENTRY        32u         /* bytes of a sector header and of a table entry */
#define FL_NONE         0xffffffffu /* no index */
#define FL_NO_PREV      0xffffu
#define FL_GAP          5u /* blank places that end a table; four can be left in it by cuts */
#define FL_RESERVE      3u /* places that a write leaves free, for settling a cut at mount */
#define FL_DAMAGED      1u /* flag: the record was lost to damage; there is no body */
#define FL_COPIES       2u /* flag of a sector's first entry: it takes copies until its next TAIL */
#define FL_TYPE_TAIL    0u /* not a slot: offset is the oldest sector number in use */

/* What a place in a table holds. */
enum fl_state { FL_BLANK = 0, FL_JUNK = 1, FL_VALID = 2 };

/* What a sector holds. */
struct fl_sector {
    uint32_t number; /* 0: no valid header */
    uint32_t erases;
    uint8_t ready; /* newer than head, header complete and no record begun */
};

/* A place in the walk over all entries. */
struct fl_cursor {
    uint32_t sector, index;
};

void fl_put32(uint8_t *p, uint32_t v);
uint32_t fl_get32(const uint8_t *p);
int fl_blank(const uint8_t *p, size_t len);

/* Sizes in this geometry. */
uint32_t fl_place(const struct flash_dev *dev);                 /* of one table place */
uint32_t fl_round(const struct flash_dev *dev, uint32_t bytes); /* up to align */
uint32_t fl_base(const struct flash_dev *dev, uint32_t sector); /* address of a sector number */
uint32_t fl_slot_addr(const struct flash_dev *dev, uint32_t sector, uint32_t index);
uint32_t fl_floor(const struct flash_slots *fs); /* lowest table byte in use in head */

void fl_header_bytes(const struct flash_slots *fs, uint32_t number, uint32_t erases, uint8_t *out);
void fl_entry_bytes(const struct flash_entry *e, uint8_t *out);

/* All that follow answer ACME_OK (or what is said), ACME_AGAIN or an error. */
int fl_read(const struct flash_slots *fs, uint32_t addr, void *buf, size_t len);

/* The sector at a place on the flash, 0 .. sectors - 1. */
int fl_sector(const struct flash_slots *fs, uint32_t place, struct fl_sector *out);

/* The entry: enum fl_state. */
int fl_entry(const struct flash_slots *fs, uint32_t sector, uint32_t index, struct flash_entry *e);

/* Table places up to the last one that is not blank. */
int fl_count(const struct flash_slots *fs, uint32_t sector, uint32_t *count);

/* The last good place of a sector in use, or FL_NONE. */
int fl_last(const struct flash_slots *fs, uint32_t sector, uint32_t *index);

/* Walk a table from its end: *index from its last good place down to FL_NONE. Answers 1 and the
 * entry, or 0 at the end. Places that a later entry passes over are not seen. */
int fl_walk(const struct flash_slots *fs, uint32_t sector, uint32_t *index, struct flash_entry *e);

/* The next entry of all sectors in use, from the newest back, beginning with fl_newest: 1 and the
 * entry, or 0. */
struct fl_cursor fl_newest(const struct flash_slots *fs);
int fl_next(const struct flash_slots *fs, struct fl_cursor *c, struct flash_entry *e);

/* Is the body whole, and (unless key is NULL) does it belong to key: 1 or 0. */
int fl_body(const struct flash_slots *fs, const struct flash_entry *e, const void *key);

/* The newest whole record of slot and key: 1 and the entry, or 0. *damaged: a newer or only one is
 * damaged. */
int fl_find(const struct flash_slots *fs, uint8_t type, const void *key, uint8_t key_len,
            struct flash_entry *out, int *damaged);

/* Is there an entry of this slot and key hash outside of the sector, or a newer one in it: 1, 0. */
int fl_elsewhere(const struct flash_slots *fs, const struct flash_entry *e, uint32_t sector);

/* flash_op.c: changes of the flash, each checked by reading back. All are called again until they
 * do not answer ACME_AGAIN; nothing else is started meanwhile. ACME_E_SLOT: it did not take. */

/* An operation is under way: buf must not change. */
int fl_busy(const struct flash_slots *fs);
int fl_continue(struct flash_slots *fs);

/* The bytes in buf. */
int fl_program(struct flash_slots *fs, uint32_t addr, uint32_t len);

/* The sectors out of use: how many are ready and how many are not, and the next number of each. */
struct fl_spares {
    uint32_t ready, rest, next_ready, next_rest;
};
int fl_spares(const struct flash_slots *fs, struct fl_spares *out);

/* Do not use this sector again before the next start. */
void fl_bad(struct flash_slots *fs, uint32_t number);

/* Erase sector number fs->prep and give it its header; prep_step is 1 at first, 0 at the end. */
int fl_prepare(struct flash_slots *fs);

/* Make the ready sector number fs->prep the head. */
int fl_open(struct flash_slots *fs, uint16_t flags);

/* Is there room in head for a body and so many table places. */
int fl_fits(const struct flash_slots *fs, uint32_t body, uint32_t places);

/* Before the first body since the start, at fs->put.offset: zeros directly before it. ACME_OK, also
 * when that did not take; ACME_AGAIN. */
int fl_firm(struct flash_slots *fs);

/* The last good place of head, as an entry names it. */
uint16_t fl_prev(const struct flash_slots *fs);

/* Append fs->put to the table of head; with mark, and the proof that it was completed. */
int fl_put(struct flash_slots *fs, int mark);

/* flash_mount.c: read head, tail, used and seq from the flash, and where to go on writing. fs->tip:
 * the last record, in fs->put, may have been cut while it was committed. */
int fl_mount(struct flash_slots *fs);

/* flash_gc.c */

/* Something did not go as the log needs it: look at the flash afresh at the next call. ACME_AGAIN,
 * or ACME_E_SLOT when that was done a few times since the last good write. */
int fl_remount(struct flash_slots *fs);

/* How many of the bytes left can be programmed at addr in one operation. */
uint32_t fl_chunk(const struct flash_slots *fs, uint32_t addr, uint32_t left);

/* Go on with what was begun (preparing, opening, copying). ACME_OK: nothing is under way. */
int fl_pending(struct flash_slots *fs);

/* Begin a new head; begin to copy out of the oldest sector. fl_pending goes on with it. */
int fl_advance(struct flash_slots *fs);
int fl_retire(struct flash_slots *fs);

/* Until head has room for so many bytes (a record and what is kept free beside it). */
int fl_room(struct flash_slots *fs, uint32_t body);

#endif
