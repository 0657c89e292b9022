/* flash_slots.c - the slot contract: mount, read, write, compaction */
#include "flash_log.h"

#include <string.h>

#define FS_TRIES 8u /* places tried for one record before the flash is called broken */

static void fs_budget(struct flash_slots *fs)
{
    fs->budget = (uint8_t)(fs->dev->burst != 0 ? fs->dev->burst : 1u);
}

static int fs_geometry_ok(const struct flash_dev *d)
{
    return d->page >= 1u && d->page <= FLASH_BUF_MAX && d->align >= 1u && d->page % d->align == 0 &&
           d->sector_size >= 512u && d->sector_size <= 0x100000u && d->sector_size % d->page == 0 &&
           d->sectors >= 2u && d->sectors <= 32u && d->sector_size / fl_place(d) >= 16u &&
           d->erase != NULL && d->program != NULL && d->read != NULL;
}

/* What stands in a sector beside one record in the worst case: two headers, OPEN, TAIL and its
 * mark, the record's entry and mark, the reserve, a page lost to a cut, and the slack that is kept
 * so that a full store can still be told to empty a slot. */
static uint32_t fs_slack(const struct flash_dev *dev)
{
    return dev->sector_size / 16u < 512u ? dev->sector_size / 16u : 512u;
}

uint32_t flash_slots_max(const struct flash_dev *dev)
{
    uint32_t lost;
    if (!fs_geometry_ok(dev)) {
        return 0;
    }
    lost = (2u + 1u + 2u + 2u + FL_RESERVE) * fl_place(dev) + dev->page + fs_slack(dev);
    if (lost >= dev->sector_size) {
        return 0;
    }
    return (dev->sector_size - lost) / dev->align * dev->align;
}

int flash_slots_mount(struct flash_slots *fs, const struct flash_dev *dev)
{
    int r;
    if (dev == NULL) {
        return ACME_E_ARG;
    }
    if (fs->mounted == 0 || fs->dev != dev) {
        uint8_t remounts = fs->remounts;
        memset(fs, 0, sizeof *fs);
        fs->remounts = remounts;
        if (!fs_geometry_ok(dev) || flash_slots_max(dev) == 0) {
            return ACME_E_ARG;
        }
        fs->dev = dev;
        r = fl_mount(fs);
        if (r != ACME_OK) {
            return r;
        }
        fs->blur = (uint8_t)(fs->used != 0);
        fs->doubt = (uint8_t)(fs->used == 0 ? 0 : 2);
        fs->doubt = (uint8_t)(fs->tip && !fl_fits(fs, 0, 2) ? 1 : fs->doubt);
        fs->tip = (uint8_t)(fs->tip && fl_fits(fs, 0, 2));
        fs->mounted = 1;
    }
    if (fs->mounted == 1 && fs->tip) {
        fs_budget(fs);
        r = fl_put(fs, 1);
        if (r == ACME_AGAIN) {
            return r;
        }
        fs->tip = 0;
    }
    fs->mounted = 2; /* also when that failed: a flash that cannot be written can still be read */
    return ACME_OK;
}

static int fs_ready(struct flash_slots *fs)
{
    int r = fs->mounted == 2 ? ACME_OK : flash_slots_mount(fs, fs->dev);
    fs_budget(fs);
    return r;
}

/* ---- reading ---- */

static int fs_deliver(const struct flash_slots *fs, const struct flash_entry *e, const char *key,
                      void *buf, size_t cap)
{
    int r;
    if (e->length == 0) {
        return ACME_E_SLOT_EMPTY;
    }
    if (e->length > cap) {
        return ACME_E_SIZE;
    }
    r = fl_read(fs, fl_base(fs->dev, e->sector) + e->offset + e->key_len, buf, e->length);
    if (r != ACME_OK) {
        return r;
    }
    /* the bytes that are handed out are the ones that are checked */
    return acme_crc32(acme_crc32(0, key, e->key_len), buf, e->length) == e->crc
               ? (int)e->length
               : ACME_E_SLOT_CORRUPT;
}

static int fs_key(enum acme_slot slot, const char *key, uint8_t *len)
{
    size_t n;
    uint32_t number = (uint32_t)slot;
    if (key == NULL || number < 1u || number > 255u) {
        return ACME_E_ARG;
    }
    n = strlen(key);
    *len = (uint8_t)n;
    return n > ACME_SLOT_KEY_MAX ? ACME_E_ARG : ACME_OK;
}

int flash_slots_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    struct flash_slots *fs = ctx;
    struct flash_entry e;
    uint8_t len;
    int r = fs_key(slot, key, &len);
    if (r == ACME_OK) {
        r = fs_ready(fs);
    }
    if (r != ACME_OK) {
        return r;
    }
    for (int i = 0; i < 3; i++) {
        int damaged;
        r = fl_find(fs, (uint8_t)slot, key, len, &e, &damaged);
        if (r <= 0) {
            return r < 0 ? r : damaged ? ACME_E_SLOT_CORRUPT : ACME_E_SLOT_EMPTY;
        }
        r = fs_deliver(fs, &e, key, buf, cap);
        if (r != ACME_E_SLOT_CORRUPT) {
            return r;
        }
    }
    return r;
}

/* ---- writing ---- */

struct fs_write {
    uint8_t slot, key_len;
    const char *key;
    const uint8_t *data;
    uint32_t len, crc, hash;
};

static int w_data(struct flash_slots *fs, const struct fs_write *w)
{
    uint32_t total = w->key_len + w->len;
    uint32_t to = fl_base(fs->dev, fs->head) + fs->put.offset;
    if (total != 0 && fl_firm(fs) == ACME_AGAIN) {
        return ACME_AGAIN;
    }
    while (fs->pos < total) {
        uint32_t n = fl_chunk(fs, to + fs->pos, total - fs->pos);
        int r;
        if (!fl_busy(fs)) {
            memset(fs->buf, 0xff, sizeof fs->buf);
            for (uint32_t i = 0; i < n; i++) {
                uint32_t at = fs->pos + i;
                fs->buf[i] = at < w->key_len ? (uint8_t)w->key[at] : w->data[at - w->key_len];
            }
        }
        r = fl_program(fs, to + fs->pos, fl_round(fs->dev, n));
        if (r != ACME_OK) {
            return r;
        }
        fs->pos += n;
    }
    return ACME_OK;
}

static void w_place(struct flash_slots *fs, const struct fs_write *w)
{
    memset(&fs->put, 0, sizeof fs->put);
    fs->put.type = w->slot;
    fs->put.key_len = w->key_len;
    fs->put.seq = fs->seq++;
    fs->put.offset = fs->data;
    fs->put.length = w->len;
    fs->put.hash = w->hash;
    fs->put.crc = w->crc;
    fs->pos = 0;
    fs->data += fl_round(fs->dev, w->key_len + w->len);
    fs->w_step = 2;
}

static int w_run(struct flash_slots *fs, const struct fs_write *w)
{
    for (;;) {
        int r;
        if (fs->w_step == 1) {
            r = fl_room(fs, fl_round(fs->dev, w->key_len + w->len) + fs->dev->page +
                                (w->len != 0 ? fs_slack(fs->dev) : 0));
            if (r != ACME_OK) {
                return r;
            }
            w_place(fs, w);
        }
        r = ACME_OK;
        if (fs->w_step == 2) {
            r = w_data(fs, w);
            fs->w_step = (uint8_t)(r == ACME_OK ? 3 : 2);
        }
        if (r == ACME_OK) {
            r = fl_put(fs, 1);
        }
        if (r == ACME_OK || r == ACME_AGAIN) {
            return r;
        }
        if (++fs->tries >= FS_TRIES) {
            return fl_remount(fs);
        }
        if (fs->w_step == 3 || fs->tries % 3u == 0) {
            fs->data = fs->dev->sector_size; /* leave this sector */
        }
        fs->w_step = 1;
    }
}

static int w_same(const struct flash_slots *fs, const struct fs_write *w)
{
    return fs->w_slot == w->slot && fs->w_len == w->len && fs->w_crc == w->crc &&
           fs->w_hash == w->hash && fs->w_key_len == w->key_len;
}

/* Ends a write that its caller gave up. The bytes on the flash are left as garbage. */
static int w_drop(struct flash_slots *fs)
{
    if (fs->w_step >= 2 && fl_busy(fs)) {
        int r = fl_continue(fs);
        if (r == ACME_AGAIN) {
            return r;
        }
        fs->table += fs->w_step == 3; /* the place is used up, whatever is in it */
    }
    if (fs->w_step >= 2) {
        fs->put_step = 0;
    }
    fs->w_step = 0;
    return ACME_OK;
}

static int w_begin(struct flash_slots *fs, const struct fs_write *w)
{
    struct flash_entry e;
    int damaged, r = w_drop(fs);
    if (r == ACME_OK && w->len == 0) {
        r = fl_find(fs, w->slot, w->key, w->key_len, &e, &damaged);
        if (r >= 0 && !damaged && (r == 0 || e.length == 0)) {
            return 1; /* it is empty already */
        }
        r = r < 0 ? r : ACME_OK;
    }
    if (r == ACME_OK) {
        fs->w_slot = w->slot;
        fs->w_key_len = w->key_len;
        fs->w_len = w->len;
        fs->w_crc = w->crc;
        fs->w_hash = w->hash;
        fs->w_step = 1;
        fs->tries = 0;
        fs->passes = 0;
    }
    return r;
}

int flash_slots_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    struct flash_slots *fs = ctx;
    struct fs_write w;
    int r = fs_key(slot, key, &w.key_len);
    if (r != ACME_OK || (data == NULL && len != 0)) {
        return ACME_E_ARG;
    }
    r = fs_ready(fs);
    if (r != ACME_OK) {
        return r;
    }
    if (len > flash_slots_max(fs->dev) || len + w.key_len > flash_slots_max(fs->dev)) {
        return ACME_E_SIZE;
    }
    w.slot = (uint8_t)slot;
    w.key = key;
    w.data = data;
    w.len = (uint32_t)len;
    w.hash = acme_crc32(0, key, w.key_len);
    w.crc = acme_crc32(w.hash, data, len);
    if (fs->w_step == 0 || !w_same(fs, &w)) {
        r = w_begin(fs, &w);
        if (r != ACME_OK) {
            return r > 0 ? ACME_OK : r;
        }
    }
    r = w_run(fs, &w);
    if (r != ACME_AGAIN) {
        fs->remounts = 0;
        fs->w_step = 0;
        memset(fs->buf, 0, sizeof fs->buf); /* it may hold a piece of a secret */
        if (r == ACME_E_SLOT) {
            fs->mounted = 0; /* what was left out may work again: the next call sees all afresh */
        }
    }
    return r;
}

/* ---- between polls ---- */

static int idle_erase(struct flash_slots *fs)
{
    struct fl_spares spares;
    int r = fl_pending(fs);
    if (r == ACME_OK) {
        r = fl_spares(fs, &spares);
        if (r == ACME_OK && spares.rest != 0) {
            fs->prep = spares.next_rest;
            fs->prep_step = 1;
            r = ACME_AGAIN;
        }
    }
    return r;
}

int flash_slots_idle(struct flash_slots *fs)
{
    int r = fs_ready(fs);
    if (r == ACME_OK && fs->w_step == 0) {
        r = idle_erase(fs); /* a write that is under way goes on by its own calls */
    }
    return r;
}

int flash_slots_compact(struct flash_slots *fs)
{
    int r = fs_ready(fs);
    if (r == ACME_OK) {
        r = w_drop(fs);
    }
    if (r == ACME_OK && !fs->compacting) {
        fs->compacting = 1;
        fs->compact_to = fs->used != 0 ? fs->head : 0;
    }
    if (r == ACME_OK) {
        r = fl_pending(fs);
    }
    if (r == ACME_OK && fs->used != 0 && fs->tail <= fs->compact_to) {
        r = fs->head == fs->compact_to ? fl_advance(fs) : fl_retire(fs);
        r = r == ACME_OK ? ACME_AGAIN : r;
    } else if (r == ACME_OK) {
        r = idle_erase(fs);
    }
    fs->compacting = (uint8_t)(r == ACME_AGAIN);
    return r;
}

int flash_slots_stat(struct flash_slots *fs, struct flash_stat *out)
{
    uint32_t used;
    int r = fs_ready(fs);
    memset(out, 0, sizeof *out);
    out->sectors = r == ACME_OK ? fs->dev->sectors : 0;
    out->used = fs->used;
    out->erases_min = FL_NONE;
    used = fs->data + fs->table * (r == ACME_OK ? fl_place(fs->dev) : 0);
    for (uint32_t i = 0; r == ACME_OK && i < out->sectors; i++) {
        struct fl_sector s;
        r = fl_sector(fs, i, &s);
        out->ready += s.ready;
        out->erases_min = s.erases < out->erases_min ? s.erases : out->erases_min;
        out->erases_max = s.erases > out->erases_max ? s.erases : out->erases_max;
    }
    out->free_bytes = r == ACME_OK && fs->used != 0 && used < fs->dev->sector_size
                          ? fs->dev->sector_size - used
                          : 0;
    return r;
}
