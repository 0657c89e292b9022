/* flash_mount.c - finding the log on the flash. Nothing here changes the flash. */
#include "flash_log.h"

#include <string.h>

/* The newest sector below `below` that holds anything, and the oldest, by their headers. */
static int fl_ends(struct flash_slots *fs, uint32_t below)
{
    fs->head = 0;
    fs->tail = 0;
    for (uint32_t i = 0; i < fs->dev->sectors; i++) {
        struct fl_sector s;
        int r = fl_sector(fs, i, &s);
        if (r != ACME_OK) {
            return r;
        }
        if (s.number == 0 || s.ready || s.number >= below) {
            continue;
        }
        uint32_t count = 0;
        r = fl_count(fs, s.number, &count);
        if (r != ACME_OK) {
            return r;
        }
        if (count == 0) {
            continue;
        }
        fs->head = s.number > fs->head ? s.number : fs->head;
        fs->tail = fs->tail == 0 || s.number < fs->tail ? s.number : fs->tail;
    }
    return ACME_OK;
}

/* What the log itself says about the oldest sector, the sectors in use and the last sequence. */
static int fl_window(struct flash_slots *fs)
{
    struct fl_cursor c;
    struct flash_entry e;
    int r;
    fs->used = 1;
    for (c = fl_newest(fs); (r = fl_next(fs, &c, &e)) > 0;) {
        if (e.type == FL_TYPE_TAIL && e.offset > fs->tail && e.offset <= fs->head) {
            fs->tail = e.offset; /* the newest come first, so that no older sector is looked at */
        }
        fs->seq = e.seq >= fs->seq ? e.seq + 1u : fs->seq;
    }
    fs->used = 0;
    for (uint32_t place = 0; place < fs->dev->sectors && r >= 0; place++) {
        struct fl_sector s;
        r = fl_sector(fs, place, &s);
        fs->used += s.number >= fs->tail && s.number <= fs->head && s.number != 0;
    }
    return r;
}

/* Where to go on in head. A torn program may have left cells that read blank now and not later:
 * they lie in the page of the last byte that is seen, or in the next one when that is full. So the
 * next page is begun, and its first bytes are written with zeros (fl_firm) before anything goes
 * behind them: they are seen at the next start, also when what follows is torn and reads blank. */
static int fl_free(struct flash_slots *fs, uint32_t from)
{
    uint32_t end = from;
    for (uint32_t at = from; at < fl_floor(fs);) {
        uint8_t p[64];
        uint32_t n = fl_floor(fs) - at < sizeof p ? fl_floor(fs) - at : (uint32_t)sizeof p;
        int r = fl_read(fs, fl_base(fs->dev, fs->head) + at, p, n);
        if (r != ACME_OK) {
            return r;
        }
        for (uint32_t i = 0; i < n; i++) {
            end = p[i] != 0xff ? at + i + 1u : end;
        }
        at += n;
    }
    fs->data = (end / fs->dev->page + 1u) * fs->dev->page + fs->dev->align;
    return ACME_OK;
}

/* The last good entry of head. It may be one whose program was cut, that reads right by chance:
 * what follows an entry without a gap was begun in the same run, after the entry was done; when
 * there is none, the entry is kept as it was read (fs->tip) and written once more, with the same
 * prev: what is written instead of it must not need it. Or one was cut behind the last good one,
 * and could read right later: then a TAIL is written that passes over it. */
static int fl_tip(struct flash_slots *fs)
{
    struct flash_entry e;
    uint32_t end = 2u * fl_place(fs->dev), index;
    int r = fl_count(fs, fs->head, &fs->table);
    fs->last = FL_NONE;
    fs->tip = 0;
    for (index = fs->table - 1u; r == ACME_OK && (r = fl_walk(fs, fs->head, &index, &e)) > 0;) {
        r = ACME_OK;
        if (fs->last == FL_NONE) {
            fs->last = e.index;
            fs->put = e;
        }
        if (e.type != FL_TYPE_TAIL && e.offset + e.key_len + e.length > end) {
            end = e.offset + e.key_len + e.length;
        }
    }
    if (r == ACME_OK) {
        r = fl_free(fs, fl_round(fs->dev, end));
    }
    if (r == ACME_OK && fs->last != FL_NONE && fs->last != 0) {
        r = fl_entry(fs, fs->head, fs->last + 1u, &e);
        fs->tip = r == FL_BLANK;
        if (r >= 0 && !fs->tip && fs->table > fs->last + 2u) { /* more than a mark */
            fs->tip = 1;
            memset(&fs->put, 0, sizeof fs->put);
            fs->put.index = FL_NONE;
            fs->put.prev = fl_prev(fs);
        }
    }
    return r < 0 ? r : ACME_OK;
}

/* Was head opened to hold copies, and the copying not finished? Then, or when it has nothing but
 * its first entry, it holds nothing that the older sectors do not have. */
static int fl_unfinished(const struct flash_slots *fs)
{
    struct flash_entry e;
    uint32_t index = fs->last;
    int r = ACME_OK, copies = fs->used == fs->dev->sectors || index == FL_NONE || index == 0;
    while ((r = fl_walk(fs, fs->head, &index, &e)) > 0) {
        if (e.type == FL_TYPE_TAIL && e.index != 0) {
            return 0;
        }
        copies |= e.index == 0 && (e.flags & FL_COPIES) != 0;
    }
    return r < 0 ? r : copies;
}

/* The log that ends below the sector number. */
static int fl_log(struct flash_slots *fs, uint32_t below)
{
    int r = fl_ends(fs, below);
    fs->used = 0;
    fs->table = 0;
    fs->last = FL_NONE;
    fs->tip = 0;
    if (r == ACME_OK && fs->head != 0) {
        r = fl_tip(fs);
        if (r == ACME_OK) {
            r = fl_window(fs);
        }
    }
    return r < 0 ? r : ACME_OK;
}

int fl_mount(struct flash_slots *fs)
{
    int r;
    fs->seq = 1;
    /* Before an unfinished head there may be one that was given up the same way: it would hide what
     * the log got since then. */
    for (r = fl_log(fs, FL_NONE); r == ACME_OK && fs->head != 0; r = fl_log(fs, fs->head)) {
        r = fl_unfinished(fs);
        if (r <= 0) {
            break;
        }
        fs->given |= (uint32_t)1 << fs->head % fs->dev->sectors;
    }
    if (fs->tip && fs->put.index == FL_NONE) {
        fs->put.offset = fs->tail;
    }
    return r;
}
