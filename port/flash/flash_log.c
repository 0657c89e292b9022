/* flash_log.c - reading the log: headers, tables, bodies. Nothing here changes the flash. */
#include "flash_log.h"

#include <string.h>

#define FL_MAGIC_ENTRY 0x5245u /* "ER" */
#define FL_VERSION     1u

void fl_put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

uint32_t fl_get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void fl_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static uint16_t fl_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

int fl_blank(const uint8_t *p, size_t len)
{
    while (len-- != 0) {
        if (*p++ != 0xff) {
            return 0;
        }
    }
    return 1;
}

uint32_t fl_round(const struct flash_dev *dev, uint32_t bytes)
{
    return (bytes + dev->align - 1u) / dev->align * dev->align;
}

uint32_t fl_place(const struct flash_dev *dev)
{
    return fl_round(dev, FL_ENTRY);
}

uint32_t fl_base(const struct flash_dev *dev, uint32_t sector)
{
    return sector % dev->sectors * dev->sector_size;
}

uint32_t fl_slot_addr(const struct flash_dev *dev, uint32_t sector, uint32_t index)
{
    return fl_base(dev, sector) + dev->sector_size - (index + 1u) * fl_place(dev);
}

uint32_t fl_floor(const struct flash_slots *fs)
{
    return fs->dev->sector_size - fs->table * fl_place(fs->dev);
}

int fl_read(const struct flash_slots *fs, uint32_t addr, void *buf, size_t len)
{
    int r = len == 0 ? ACME_OK : fs->dev->read(fs->dev->ctx, addr, buf, len);
    return r == ACME_OK || r == ACME_AGAIN ? r : ACME_E_SLOT;
}

/* 0 magic, 4 version, 6 align, 8 number, 12 sector size, 16 sectors, 20 erases, 24 zero, 28 crc */
void fl_header_bytes(const struct flash_slots *fs, uint32_t number, uint32_t erases, uint8_t *out)
{
    memset(out, 0, FL_ENTRY);
    fl_put32(out, FL_MAGIC_SECTOR);
    fl_put16(out + 4, FL_VERSION);
    fl_put16(out + 6, fs->dev->align);
    fl_put32(out + 8, number);
    fl_put32(out + 12, fs->dev->sector_size);
    fl_put32(out + 16, fs->dev->sectors);
    fl_put32(out + 20, erases);
    fl_put32(out + 28, acme_crc32(0, out, 28));
}

/* 1: whole and of this geometry; 0: not; ACME_E_SLOT_VERSION: whole, but not ours to touch. */
static int fl_header_ok(const struct flash_slots *fs, uint32_t place, const uint8_t *h)
{
    if (fl_get32(h) != FL_MAGIC_SECTOR || fl_get32(h + 28) != acme_crc32(0, h, 28)) {
        return 0;
    }
    if (fl_get16(h + 4) != FL_VERSION || fl_get16(h + 6) != fs->dev->align ||
        fl_get32(h + 12) != fs->dev->sector_size || fl_get32(h + 16) != fs->dev->sectors) {
        return ACME_E_SLOT_VERSION;
    }
    return fl_get32(h + 8) != 0 && fl_get32(h + 8) % fs->dev->sectors == place;
}

int fl_sector(const struct flash_slots *fs, uint32_t place, struct fl_sector *out)
{
    uint8_t h[2][FL_ENTRY];
    int ok[2] = {0, 0};
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < 2; i++) {
        int r = fl_read(fs, place * fs->dev->sector_size + i * fl_place(fs->dev), h[i], FL_ENTRY);
        if (r != ACME_OK) {
            return r;
        }
        ok[i] = i == 1 && memcmp(h[0], h[1], FL_ENTRY) == 0 ? ok[0] : fl_header_ok(fs, place, h[i]);
        if (ok[i] < 0) {
            return ok[i];
        }
    }
    if (!ok[0] && !ok[1]) {
        return ACME_OK;
    }
    const uint8_t *good = ok[0] ? h[0] : h[1];
    out->number = fl_get32(good + 8);
    out->erases = fl_get32(good + 20);
    if (ok[0] && ok[1] && out->number > fs->head && memcmp(h[0], h[1], FL_ENTRY) == 0) {
        out->ready = 1;
        for (uint32_t i = 0; i < 5; i++) { /* four entries, and the mark of fl_open */
            uint8_t p[FL_ENTRY];
            uint32_t n = i < 4 || fs->dev->align > FL_ENTRY ? FL_ENTRY : fs->dev->align;
            uint32_t addr = i < 4 ? fl_slot_addr(fs->dev, place, i)
                                  : fl_base(fs->dev, place) + 2u * fl_place(fs->dev);
            int r = fl_read(fs, addr, p, n);
            if (r != ACME_OK) {
                return r;
            }
            out->ready = (uint8_t)(out->ready & fl_blank(p, n));
        }
    }
    return ACME_OK;
}

/* The checksum is bound to the place, so that no copy of an entry elsewhere can be one. */
static uint32_t fl_entry_crc(const uint8_t *p, uint32_t sector, uint32_t index)
{
    uint8_t where[8];
    fl_put32(where, sector);
    fl_put32(where + 4, index);
    return acme_crc32(acme_crc32(0, p, 28), where, sizeof where);
}

/* 0 magic, 2 type, 3 key length, 4 sequence, 8 offset, 12 data length, 16 key hash, 20 prev,
 * 22 flags, 24 body crc, 28 crc */
void fl_entry_bytes(const struct flash_entry *e, uint8_t *out)
{
    fl_put16(out, FL_MAGIC_ENTRY);
    out[2] = e->type;
    out[3] = e->key_len;
    fl_put32(out + 4, e->seq);
    fl_put32(out + 8, e->offset);
    fl_put32(out + 12, e->length);
    fl_put32(out + 16, e->hash);
    fl_put16(out + 20, e->prev);
    fl_put16(out + 22, e->flags);
    fl_put32(out + 24, e->crc);
    fl_put32(out + 28, fl_entry_crc(out, e->sector, e->index));
}

int fl_entry(const struct flash_slots *fs, uint32_t sector, uint32_t index, struct flash_entry *e)
{
    uint8_t p[FL_ENTRY];
    uint32_t size = fs->dev->sector_size;
    int r;
    if (fs->tip && sector == fs->put.sector && index == fs->put.index) {
        *e = fs->put; /* read once, and held to that until it is settled */
        return FL_VALID;
    }
    r = fl_read(fs, fl_slot_addr(fs->dev, sector, index), p, FL_ENTRY);
    if (r != ACME_OK) {
        return r;
    }
    if (fl_blank(p, FL_ENTRY)) {
        return FL_BLANK;
    }
    if (fl_get16(p) != FL_MAGIC_ENTRY || fl_get32(p + 28) != fl_entry_crc(p, sector, index)) {
        return FL_JUNK;
    }
    e->sector = sector;
    e->index = index;
    e->type = p[2];
    e->key_len = p[3];
    e->seq = fl_get32(p + 4);
    e->offset = fl_get32(p + 8);
    e->length = fl_get32(p + 12);
    e->hash = fl_get32(p + 16);
    e->prev = fl_get16(p + 20);
    e->flags = fl_get16(p + 22);
    e->crc = fl_get32(p + 24);
    if (e->type != FL_TYPE_TAIL && (e->flags & FL_DAMAGED) == 0 &&
        (e->offset > size || e->length > size || e->offset + e->key_len + e->length > size)) {
        return FL_JUNK;
    }
    return FL_VALID;
}

int fl_count(const struct flash_slots *fs, uint32_t sector, uint32_t *count)
{
    uint32_t place = fl_place(fs->dev), at = fs->dev->sector_size, end = 2u * place;
    uint32_t gap = 0;
    *count = 0;
    for (uint32_t i = 0; at >= end + place && gap < FL_GAP; i++) {
        struct flash_entry e;
        int r = fl_entry(fs, sector, i, &e);
        if (r < 0) {
            return r;
        }
        at -= place;
        gap = r == FL_BLANK ? gap + 1u : 0;
        *count = gap == 0 ? i + 1u : *count;
        if (r == FL_VALID && e.type != FL_TYPE_TAIL && (e.flags & FL_DAMAGED) == 0 &&
            e.offset + e.key_len + e.length > end) {
            end = e.offset + e.key_len + e.length; /* no body is taken for a part of the table */
        }
    }
    return ACME_OK;
}

int fl_walk(const struct flash_slots *fs, uint32_t sector, uint32_t *index, struct flash_entry *e)
{
    while (*index != FL_NONE) {
        int r = fl_entry(fs, sector, *index, e);
        if (r < 0) {
            return r;
        }
        if (r == FL_VALID) {
            *index = e->prev < *index ? e->prev : FL_NONE;
            return 1;
        }
        *index = *index == 0 ? FL_NONE : *index - 1u;
    }
    return 0;
}

/* The sector in use before this one, and its last good place; 0 when there is none. The first entry
 * of a sector says both: what its predecessor got after that, or what only seemed to be absent from
 * it then, does not count. */
static int fl_before(const struct flash_slots *fs, uint32_t *sector, uint32_t *index)
{
    struct flash_entry e;
    uint32_t before = 0, count = 0;
    int r = fl_entry(fs, *sector, 0, &e);
    if (r == FL_VALID && e.type == FL_TYPE_TAIL && e.length < *sector &&
        (e.crc == FL_NONE || e.crc < fs->dev->sector_size / fl_place(fs->dev))) {
        *sector = e.length < fs->tail ? 0 : e.length;
        *index = e.crc;
        return ACME_OK;
    }
    for (uint32_t i = 0; r >= 0 && i < fs->dev->sectors; i++) { /* damaged: by the headers */
        struct fl_sector s;
        r = fl_sector(fs, i, &s);
        before = s.number < *sector && s.number > before ? s.number : before;
    }
    *sector = before < fs->tail ? 0 : before;
    if (r >= 0 && *sector != 0) {
        r = fl_count(fs, *sector, &count);
    }
    *index = count - 1u;
    return r < 0 ? r : ACME_OK;
}

int fl_next(const struct flash_slots *fs, struct fl_cursor *c, struct flash_entry *e)
{
    while (c->sector != 0) {
        int r = fl_walk(fs, c->sector, &c->index, e);
        if (r == 0) {
            r = fl_before(fs, &c->sector, &c->index);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

struct fl_cursor fl_newest(const struct flash_slots *fs)
{
    struct fl_cursor c;
    c.sector = fs->used != 0 ? fs->head : 0;
    c.index = fs->last;
    return c;
}

int fl_last(const struct flash_slots *fs, uint32_t sector, uint32_t *index)
{
    struct fl_cursor c = fl_newest(fs);
    int r = ACME_OK;
    while (r == ACME_OK && c.sector != sector && c.sector != 0) {
        r = fl_before(fs, &c.sector, &c.index);
    }
    *index = c.sector == sector ? c.index : FL_NONE;
    return r;
}

int fl_body(const struct flash_slots *fs, const struct flash_entry *e, const void *key)
{
    uint32_t addr = fl_base(fs->dev, e->sector) + e->offset;
    uint32_t total = (uint32_t)e->key_len + e->length, crc = 0;
    const uint8_t *k = key;
    for (uint32_t at = 0; at < total;) {
        uint8_t chunk[64];
        uint32_t end = at < e->key_len ? e->key_len : total;
        uint32_t n = end - at < sizeof chunk ? end - at : (uint32_t)sizeof chunk;
        int r = fl_read(fs, addr + at, chunk, n);
        if (r != ACME_OK) {
            return r;
        }
        if (at < e->key_len && k != NULL && memcmp(chunk, k + at, n) != 0) {
            return 0;
        }
        crc = acme_crc32(crc, chunk, n);
        at += n;
    }
    return crc == e->crc;
}

/* Order: sequence, then the later copy. */
static int fl_newer(const struct flash_entry *a, const struct flash_entry *b)
{
    if (a->seq != b->seq) {
        return a->seq > b->seq;
    }
    return a->sector != b->sector ? a->sector > b->sector : a->index > b->index;
}

int fl_find(const struct flash_slots *fs, uint8_t type, const void *key, uint8_t key_len,
            struct flash_entry *out, int *damaged)
{
    struct flash_entry e, limit;
    uint32_t hash = acme_crc32(0, key, key_len);
    int limited = 0;
    memset(&limit, 0, sizeof limit);
    *damaged = 0;
    for (;;) {
        struct fl_cursor c = fl_newest(fs);
        int r, found = 0;
        while ((r = fl_next(fs, &c, &e)) > 0) {
            if (e.type == type && e.hash == hash && e.key_len == key_len &&
                (!limited || fl_newer(&limit, &e)) && (!found || fl_newer(&e, out))) {
                *out = e;
                found = 1;
            }
        }
        if (r < 0 || !found) {
            return r;
        }
        if ((out->flags & FL_DAMAGED) == 0) {
            r = fl_body(fs, out, key);
            if (r != 0) {
                return r;
            }
        }
        *damaged = 1;
        limit = *out;
        limited = 1;
    }
}

int fl_elsewhere(const struct flash_slots *fs, const struct flash_entry *e, uint32_t sector)
{
    struct flash_entry o;
    struct fl_cursor c = fl_newest(fs);
    int r;
    while ((r = fl_next(fs, &c, &o)) > 0) {
        if ((o.sector != sector || fl_newer(&o, e)) && o.type == e->type && o.hash == e->hash &&
            o.key_len == e->key_len) {
            return 1;
        }
    }
    return r;
}
