/* flash_gc.c - making room: a new head, and the live records of the oldest sector copied into it */
#include "flash_log.h"

#include <string.h>

int fl_remount(struct flash_slots *fs)
{
    fs->mounted = 0;
    if (++fs->remounts < 4u) {
        return ACME_AGAIN;
    }
    fs->remounts = 0;
    return ACME_E_SLOT;
}

/* ---- compaction: what is live in the oldest sector is copied to the newest ---- */

/* Room in head for a copy and what follows it; otherwise a new head is prepared and opened. */
static int gc_room(struct flash_slots *fs, uint32_t body)
{
    struct fl_spares spares;
    int r;
    /* In a head that stays if power fails, what is torn keeps away from the table by FL_GAP. */
    while (fs->opening == 0 && fs->prep_step == 0 &&
           !fl_fits(fs, body, fs->copying ? 3u : 3u + FL_GAP)) {
        if (fs->copying) {
            return fl_remount(fs); /* this sector is broken: it cannot hold what another held */
        }
        r = fl_spares(fs, &spares);
        if (r != ACME_OK || spares.ready + spares.rest == 0) {
            return r != ACME_OK ? r : ACME_E_SLOT;
        }
        fs->opening = spares.ready != 0;
        fs->prep_step = spares.ready == 0;
        fs->prep = spares.ready != 0 ? spares.next_ready : spares.next_rest;
    }
    if (fs->prep_step != 0) {
        r = fl_prepare(fs);
        return r == ACME_OK || r == ACME_E_SLOT ? ACME_AGAIN : r; /* and see what is ready */
    }
    if (fs->opening != 0) {
        r = fl_open(fs, FL_COPIES);
        if (r == ACME_AGAIN) {
            return r;
        }
        fs->opening = 0;
        return r == ACME_E_SLOT ? ACME_AGAIN : fl_fits(fs, body, 3) ? ACME_OK : fl_remount(fs);
    }
    return ACME_OK;
}

/* Must the entry be kept: 1 whole, 2 as a note that it was damaged, 0 no. */
static int gc_live(const struct flash_slots *fs, const struct flash_entry *e)
{
    char key[ACME_SLOT_KEY_MAX + 2];
    struct flash_entry best;
    int r, damaged;
    if (e->type == FL_TYPE_TAIL) {
        return 0;
    }
    r = (e->flags & FL_DAMAGED) != 0 ? 0 : fl_body(fs, e, NULL);
    if (r == 0) {
        r = fl_elsewhere(fs, e, e->sector);
        return r < 0 ? r : r ? 0 : 2;
    }
    if (r > 0) {
        r = fl_read(fs, fl_base(fs->dev, e->sector) + e->offset, key, e->key_len);
    }
    if (r == ACME_OK) {
        r = fl_find(fs, e->type, key, e->key_len, &best, &damaged);
    }
    if (r <= 0 || best.sector != e->sector || best.index != e->index) {
        return r < 0 ? r : 0;
    }
    return e->length != 0; /* emptied: all that is older lies before it, so it has gone already */
}

static int gc_pick(struct flash_slots *fs)
{
    while (fs->gc_index != FL_NONE) {
        uint32_t index = fs->gc_index;
        int r;
        if (fs->budget == 0) {
            return ACME_AGAIN;
        }
        r = fl_walk(fs, fs->tail, &index, &fs->src);
        if (r > 0) {
            fs->budget--;
            r = gc_live(fs, &fs->src);
        }
        if (r < 0) {
            return r;
        }
        fs->gc_index = index;
        if (r > 0) {
            fs->put = fs->src;
            fs->pos = 0;
            if (r == 2) {
                fs->put.flags |= FL_DAMAGED;
                fs->put.offset = 0;
                fs->put.length = 0;
            }
            fs->gc_step = 2;
            return ACME_OK;
        }
    }
    fs->gc_step = 5;
    return ACME_OK;
}

static uint32_t gc_body(const struct flash_entry *e)
{
    return (e->flags & FL_DAMAGED) != 0 ? 0 : (uint32_t)e->key_len + e->length;
}

/* One page of a body: as many bytes as fit up to the page's end, in buf and padded to align. */
uint32_t fl_chunk(const struct flash_slots *fs, uint32_t addr, uint32_t left)
{
    uint32_t n = fs->dev->page - addr % fs->dev->page;
    return n < left ? n : left;
}

static int gc_copy(struct flash_slots *fs)
{
    uint32_t total = gc_body(&fs->put);
    uint32_t to = fl_base(fs->dev, fs->head) + fs->put.offset;
    if (total != 0 && fl_firm(fs) == ACME_AGAIN) {
        return ACME_AGAIN;
    }
    while (fs->pos < total) {
        uint32_t n = fl_chunk(fs, to + fs->pos, total - fs->pos);
        int r;
        if (!fl_busy(fs)) {
            memset(fs->buf, 0xff, sizeof fs->buf);
            r = fl_read(fs, fl_base(fs->dev, fs->src.sector) + fs->src.offset + fs->pos, fs->buf,
                        n);
            if (r != ACME_OK) {
                return r;
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

/* The oldest sector has nothing any more that is not elsewhere. */
static int gc_retire(struct flash_slots *fs, uint32_t *next)
{
    *next = fs->head;
    for (uint32_t i = 0; i < fs->dev->sectors; i++) {
        struct fl_sector s;
        int r = fl_sector(fs, i, &s);
        if (r != ACME_OK) {
            return r;
        }
        if (s.number > fs->tail && s.number < *next) {
            *next = s.number;
        }
    }
    return ACME_OK;
}

static int gc_commit(struct flash_slots *fs)
{
    uint32_t next;
    int r;
    if (fs->put_step == 0 && !fl_busy(fs)) {
        r = gc_retire(fs, &next);
        if (r != ACME_OK) {
            return r;
        }
        memset(&fs->put, 0, sizeof fs->put);
        fs->put.type = FL_TYPE_TAIL;
        fs->put.offset = next;
    }
    r = fl_put(fs, 1);
    if (r == ACME_OK) {
        fs->tail = fs->put.offset;
        fs->used--;
        fs->passes++;
        fs->copying = 0;
        fs->gc_step = 0;
    }
    return r;
}

int fl_retire(struct flash_slots *fs)
{
    int r = fl_last(fs, fs->tail, &fs->gc_index);
    fs->gc_step = r == ACME_OK;
    return r;
}

/* Works the copying on; ACME_OK when the oldest sector is out of use. */
static int gc_run(struct flash_slots *fs)
{
    int r = ACME_OK;
    while (r == ACME_OK && fs->gc_step != 0) {
        switch (fs->gc_step) {
        case 1:
            r = gc_pick(fs);
            break;
        case 2:
        case 5:
            r = gc_room(fs, fs->gc_step == 2 ? gc_body(&fs->put) : 0);
            if (r == ACME_OK && fs->gc_step == 2 && gc_body(&fs->put) != 0) {
                fs->put.offset = fs->data;
                fs->data += fl_round(fs->dev, gc_body(&fs->put));
            }
            fs->gc_step = (uint8_t)(r == ACME_OK ? fs->gc_step + 1u : fs->gc_step);
            break;
        case 3:
            r = gc_copy(fs);
            fs->gc_step = (uint8_t)(r == ACME_OK ? 4 : 3);
            break;
        case 4:
            r = fl_put(fs, 0);
            fs->gc_step = (uint8_t)(r == ACME_OK ? 1 : 4);
            break;
        default:
            r = gc_commit(fs);
            break;
        }
    }
    return r == ACME_OK || r == ACME_AGAIN ? r : fl_remount(fs);
}

/* ---- room for a record ---- */

/* A new head: plain while so many sectors are ready that one is left to copy into, and (from four
 * sectors on, as long as there is something to gain by compaction) one more, should it fail. */
int fl_advance(struct flash_slots *fs)
{
    struct fl_spares spares;
    int r;
    if (fs->opening == 0) {
        r = fl_spares(fs, &spares);
        uint32_t want = fs->dev->sectors >= 4u && fs->passes == 0 ? 3u : 2u;
        if (r == ACME_OK && spares.ready < want && spares.rest != 0) {
            fs->prep = spares.next_rest;
            fs->prep_step = 1;
            return ACME_OK;
        }
        if (r != ACME_OK || spares.ready == 0) {
            return r != ACME_OK ? r : ACME_E_SLOT;
        }
        fs->prep = spares.next_ready;
        fs->opening = (uint8_t)(spares.ready >= want || fs->used == 0 ? 1 : 2);
    }
    r = fl_open(fs, fs->opening == 2 ? FL_COPIES : 0);
    fs->opening = (uint8_t)(r == ACME_AGAIN ? fs->opening : 0);
    return r == ACME_E_SLOT ? ACME_OK : r; /* another sector, or the same one prepared again */
}

/* A head that mount gave up could read right at a later one, and hide what was written since: so it
 * is erased first. */
static void gc_given(struct flash_slots *fs)
{
    uint32_t n = fs->dev->sectors, number = fs->head + 1u;
    while ((fs->given >> number % n & 1u) == 0) {
        number++;
    }
    fs->given &= ~((uint32_t)1 << number % n);
    fs->prep = number;
    fs->prep_step = 1;
}

/* Goes on with what was begun: preparing, opening, copying. ACME_OK: nothing is under way. */
int fl_pending(struct flash_slots *fs)
{
    int r = ACME_OK;
    if (fs->gc_step != 0) {
        return gc_run(fs);
    }
    if (fs->prep_step == 0 && fs->opening == 0 && fs->given != 0) {
        gc_given(fs);
    }
    if (fs->prep_step != 0) {
        r = fl_prepare(fs);
        r = r == ACME_E_SLOT ? ACME_OK : r; /* it is marked bad; another may do */
    }
    if (r == ACME_OK && fs->opening != 0) {
        r = fl_advance(fs);
    }
    if (r == ACME_OK && fs->copying) {
        r = fl_retire(fs);
        r = r == ACME_OK ? gc_run(fs) : r;
    }
    return r;
}

/* Nothing was written since it was found that so much does not fit: trying again costs erases. */
static int room_full(struct flash_slots *fs, uint32_t body)
{
    if (fs->data >= fs->dev->sector_size || fs->tries != 0) {
        return fl_remount(fs); /* not full: what did not take used the room up. It may take now */
    }
    fs->full_body = body;
    fs->full_seq = fs->seq;
    return ACME_E_SLOT_FULL;
}

int fl_room(struct flash_slots *fs, uint32_t body)
{
    for (;;) {
        struct fl_spares spares;
        int r = fl_pending(fs);
        if (r != ACME_OK) {
            return r;
        }
        if (fl_fits(fs, body, 2u + FL_RESERVE)) {
            return ACME_OK;
        }
        if (fs->full_seq == fs->seq && body >= fs->full_body) {
            return ACME_E_SLOT_FULL;
        }
        r = fl_spares(fs, &spares);
        if (r == ACME_OK && (fs->passes == 0 || spares.ready + spares.rest >= 2u)) {
            r = fl_advance(fs);
        } else if (r == ACME_OK && (fs->tail == fs->head || fs->passes >= fs->dev->sectors - 1u)) {
            return room_full(fs, body);
        } else if (r == ACME_OK) {
            r = fl_retire(fs);
        }
        if (r != ACME_OK) {
            return r;
        }
    }
}
