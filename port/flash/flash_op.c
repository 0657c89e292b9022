/* flash_op.c - single operations on the flash, each checked by reading back; preparing and opening
 * a sector; appending a table entry. Each function is called again until it is not ACME_AGAIN. */
#include "flash_log.h"

#include <string.h>

enum { OP_NONE, OP_PROGRAM, OP_VERIFY, OP_ERASE, OP_CHECK };

#define OP_CHECK_STEP 4096u /* bytes looked at in one call after an erase */

static int op_end(struct flash_slots *fs, int result)
{
    fs->op = OP_NONE;
    return result;
}

static int op_program(struct flash_slots *fs)
{
    while (fs->op_pos < fs->op_len) {
        uint32_t addr = fs->op_addr + fs->op_pos;
        uint32_t n = fs->dev->page - addr % fs->dev->page;
        int r;
        n = n < fs->op_len - fs->op_pos ? n : fs->op_len - fs->op_pos;
        r = fs->dev->program(fs->dev->ctx, addr, fs->buf + fs->op_pos, n);
        if (r != ACME_OK) {
            return r == ACME_AGAIN ? r : op_end(fs, ACME_E_SLOT);
        }
        fs->op_pos += n;
    }
    fs->op = OP_VERIFY;
    return ACME_OK;
}

/* Twice: a cell that was left between 0 and 1 may read right once. */
static int op_verify(struct flash_slots *fs)
{
    for (uint32_t at = 0; at < 2u * fs->op_len;) {
        uint8_t p[64];
        uint32_t from = at % fs->op_len;
        uint32_t n = fs->op_len - from < sizeof p ? fs->op_len - from : (uint32_t)sizeof p;
        int r = fl_read(fs, fs->op_addr + from, p, n);
        if (r != ACME_OK || memcmp(p, fs->buf + from, n) != 0) {
            return r == ACME_AGAIN ? r : op_end(fs, ACME_E_SLOT);
        }
        at += n;
    }
    return op_end(fs, ACME_OK);
}

static int op_check(struct flash_slots *fs)
{
    for (uint32_t i = 0; i < OP_CHECK_STEP && fs->op_pos < fs->dev->sector_size; i += 64u) {
        uint8_t p[64];
        uint32_t left = fs->dev->sector_size - fs->op_pos;
        uint32_t n = left < sizeof p ? left : (uint32_t)sizeof p;
        int r = fl_read(fs, fs->op_addr + fs->op_pos, p, n);
        if (r != ACME_OK || !fl_blank(p, n)) {
            return r == ACME_AGAIN ? r : op_end(fs, ACME_E_SLOT);
        }
        fs->op_pos += n;
    }
    return fs->op_pos < fs->dev->sector_size ? ACME_AGAIN : op_end(fs, ACME_OK);
}

int fl_busy(const struct flash_slots *fs)
{
    return fs->op != OP_NONE;
}

int fl_continue(struct flash_slots *fs)
{
    int r = ACME_OK;
    if (fs->op == OP_PROGRAM) {
        r = op_program(fs);
    } else if (fs->op == OP_ERASE) {
        r = fs->dev->erase(fs->dev->ctx, fs->op_addr / fs->dev->sector_size);
        if (r == ACME_OK) {
            fs->op = OP_CHECK;
        } else if (r != ACME_AGAIN) {
            r = op_end(fs, ACME_E_SLOT);
        }
    }
    if (r == ACME_OK && fs->op == OP_VERIFY) {
        r = op_verify(fs);
    } else if (r == ACME_OK && fs->op == OP_CHECK) {
        r = op_check(fs);
    }
    return r;
}

static int fl_start(struct flash_slots *fs, uint8_t op, uint32_t addr, uint32_t len)
{
    if (!fl_busy(fs)) {
        if (fs->budget == 0) {
            return ACME_AGAIN;
        }
        fs->budget = (uint8_t)(op == OP_ERASE ? 0 : fs->budget - 1);
        fs->op = op;
        fs->op_addr = addr;
        fs->op_len = len;
        fs->op_pos = 0;
    }
    return fl_continue(fs);
}

int fl_program(struct flash_slots *fs, uint32_t addr, uint32_t len)
{
    return fl_start(fs, OP_PROGRAM, addr, len);
}

int fl_spares(const struct flash_slots *fs, struct fl_spares *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = fs->dev->sectors; i > 0; i--) {
        uint32_t q = fs->head + i, place = q % fs->dev->sectors;
        struct fl_sector s;
        int r;
        if ((fs->bad >> place & 1u) != 0) {
            continue;
        }
        r = fl_sector(fs, place, &s);
        if (r != ACME_OK) {
            return r;
        }
        if (fs->used != 0 && s.number >= fs->tail && s.number <= fs->head) {
            continue;
        }
        if (s.ready && s.number == q) {
            out->ready++;
            out->next_ready = q;
        } else {
            out->rest++;
            out->next_rest = q;
        }
    }
    return ACME_OK;
}

void fl_bad(struct flash_slots *fs, uint32_t number)
{
    fs->bad |= (uint32_t)1 << number % fs->dev->sectors;
}

/* A header whose number the log does not outdate must be gone before the erase begins: a cut could
 * leave it standing over cells that are half erased. And where none stands, an erase may have been
 * cut so late that all seems blank: over the zeros, one that does nothing is seen. */
static int prep_begin(struct flash_slots *fs)
{
    struct fl_sector s;
    int r = fl_sector(fs, fs->prep % fs->dev->sectors, &s);
    if (r == ACME_OK) {
        fs->prep_erases = s.erases + 1u;
        fs->prep_step = s.number == 0 || s.number >= fs->tail ? 2 : 4;
    }
    return r;
}

int fl_prepare(struct flash_slots *fs)
{
    uint32_t base = fl_base(fs->dev, fs->prep), place = fl_place(fs->dev);
    int r = ACME_OK;
    if (fs->prep_step == 1) {
        r = prep_begin(fs);
    }
    for (; r == ACME_OK && (fs->prep_step == 2 || fs->prep_step == 3); fs->prep_step++) {
        if (!fl_busy(fs)) {
            memset(fs->buf, 0, place);
        }
        r = fl_program(fs, base + (fs->prep_step - 2u) * place, place);
        r = r == ACME_AGAIN ? r : ACME_OK; /* flash that cannot do this: the erase is all we have */
        if (r == ACME_AGAIN) {
            return r;
        }
    }
    if (r == ACME_OK && fs->prep_step == 4) {
        r = fl_start(fs, OP_ERASE, base, fs->dev->sector_size);
        if (r == ACME_OK) {
            fs->prep_step = 5;
        }
    }
    while (r == ACME_OK && (fs->prep_step == 5 || fs->prep_step == 6)) {
        if (!fl_busy(fs)) {
            memset(fs->buf, 0xff, place);
            fl_header_bytes(fs, fs->prep, fs->prep_erases, fs->buf);
        }
        r = fl_program(fs, base + (fs->prep_step - 5u) * place, place);
        if (r == ACME_OK) {
            fs->prep_step++;
        }
    }
    if (r != ACME_AGAIN) {
        fs->prep_step = 0;
    }
    if (r == ACME_OK) {
        fs->prep_fails = 0;
    } else if (r != ACME_AGAIN && ++fs->prep_fails >= 3u) {
        fs->prep_fails = 0;
        fl_bad(fs, fs->prep);
    }
    return r;
}

/* That this sector is going to be head is on the flash before its first entry: that one could be
 * torn, read blank at the next start, and be programmed over. */
static int open_mark(struct flash_slots *fs)
{
    uint32_t place = fl_place(fs->dev);
    int r = ACME_OK;
    if (!fs->open_marked) {
        if (!fl_busy(fs)) {
            memset(fs->buf, 0, fs->dev->align);
        }
        r = fl_program(fs, fl_base(fs->dev, fs->prep) + 2u * place, fs->dev->align);
        fs->open_marked = (uint8_t)(r == ACME_OK);
    }
    return r;
}

int fl_open(struct flash_slots *fs, uint16_t flags)
{
    int r = open_mark(fs);
    if (r == ACME_OK && !fl_busy(fs)) {
        struct flash_entry e;
        memset(&e, 0, sizeof e);
        e.sector = fs->prep;
        e.offset = fs->used != 0 ? fs->tail : fs->prep;
        e.length = fs->used != 0 ? fs->head : 0;
        e.crc = fs->last;
        e.prev = FL_NO_PREV;
        e.flags = flags;
        memset(fs->buf, 0xff, fl_place(fs->dev));
        fl_entry_bytes(&e, fs->buf);
    }
    if (r == ACME_OK) {
        r = fl_program(fs, fl_slot_addr(fs->dev, fs->prep, 0), fl_place(fs->dev));
    }
    if (r == ACME_OK) {
        fs->head = fs->prep;
        fs->tail = fs->used != 0 ? fs->tail : fs->head;
        fs->used++;
        fs->data = 2u * fl_place(fs->dev) + fs->dev->align;
        fs->table = 1;
        fs->last = 0;
        fs->doubt = fs->blur = 0;
        fs->copying = (uint8_t)((flags & FL_COPIES) != 0);
        fs->open_fails = 0;
    } else if (r != ACME_AGAIN && ++fs->open_fails >= 3u) {
        fl_bad(fs, fs->prep); /* before that it is prepared again */
    }
    fs->open_marked = (uint8_t)(r == ACME_AGAIN && fs->open_marked);
    return r;
}

int fl_fits(const struct flash_slots *fs, uint32_t body, uint32_t places)
{
    uint32_t need = fl_round(fs->dev, body) + (places + fs->doubt) * fl_place(fs->dev);
    uint32_t table = fs->table * fl_place(fs->dev);
    return fs->used != 0 && table + need + fs->data <= fs->dev->sector_size;
}

/* Places that may only seem blank are passed over, and the last of them is written with zeros
 * first: torn once more, what comes behind them could be taken for blank as well, and be programmed
 * over. The one before it stays blank: zeros directly behind an entry are its mark, also behind one
 * that reads wrong today. Where it does not take, they are only passed over. */
static int put_doubt(struct flash_slots *fs)
{
    uint32_t at = fs->table + fs->doubt - 1u, place = fl_place(fs->dev);
    if (fs->doubt > 1u) {
        if (!fl_busy(fs)) {
            memset(fs->buf, 0, place);
        }
        if (fl_program(fs, fl_slot_addr(fs->dev, fs->head, at), place) == ACME_AGAIN) {
            return ACME_AGAIN;
        }
    }
    fs->table += fs->doubt;
    fs->doubt = 0;
    return ACME_OK;
}

int fl_firm(struct flash_slots *fs)
{
    uint32_t align = fs->dev->align;
    if (fs->blur) {
        if (!fl_busy(fs)) {
            memset(fs->buf, 0, align);
        }
        if (fl_program(fs, fl_base(fs->dev, fs->head) + fs->put.offset - align, align) ==
            ACME_AGAIN) {
            return ACME_AGAIN;
        }
        fs->blur = 0;
    }
    return ACME_OK;
}

uint16_t fl_prev(const struct flash_slots *fs)
{
    return (uint16_t)(fs->last == FL_NONE ? FL_NO_PREV : fs->last);
}

int fl_put(struct flash_slots *fs, int mark)
{
    uint32_t place = fl_place(fs->dev);
    int r;
    if (fs->put_step == 0) {
        if (!fl_busy(fs) && !fl_fits(fs, 0, 1)) {
            return ACME_E_SLOT;
        }
        if (fs->doubt != 0 && put_doubt(fs) == ACME_AGAIN) {
            return ACME_AGAIN;
        }
        if (!fl_busy(fs)) {
            fs->put.sector = fs->head;
            fs->put.index = fs->table;
            if (!fs->tip) {
                fs->put.prev = fl_prev(fs);
            }
            memset(fs->buf, 0xff, place);
            fl_entry_bytes(&fs->put, fs->buf);
        }
        r = fl_program(fs, fl_slot_addr(fs->dev, fs->head, fs->table), place);
        if (r == ACME_AGAIN) {
            return r;
        }
        fs->last = r == ACME_OK ? fs->table : fs->last;
        fs->table++;
        if (r != ACME_OK || !mark) {
            return r;
        }
        fs->put_step = 1;
    }
    if (fl_fits(fs, 0, 1)) {
        if (!fl_busy(fs)) {
            memset(fs->buf, 0, place);
        }
        r = fl_program(fs, fl_slot_addr(fs->dev, fs->head, fs->table), place);
        if (r == ACME_AGAIN) {
            return r; /* a mark that fails is no loss: the next mount settles the record */
        }
        fs->table++;
    }
    fs->put_step = 0;
    return ACME_OK;
}
