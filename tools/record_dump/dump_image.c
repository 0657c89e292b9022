/* The log of port/flash in an image: every record that is in it, the one in force of each first. */
#include "dump.h"

#include <stdlib.h>
#include <string.h>

#include "flash_log.h"

struct chip {
    uint8_t *bytes;
    size_t size;
};

/* What mount settles is settled here in memory, as the device would; the file is not written. */
static int chip_erase(void *ctx, uint32_t sector)
{
    (void)ctx;
    (void)sector;
    return ACME_E_SLOT;
}

static int chip_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    struct chip *chip = ctx;

    if (addr > chip->size || len > chip->size - addr)
        return ACME_E_SLOT;
    for (size_t i = 0; i < len; i++)
        chip->bytes[addr + i] &= ((const uint8_t *)data)[i];
    return ACME_OK;
}

static int chip_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    struct chip *chip = ctx;

    if (addr > chip->size || len > chip->size - addr)
        return ACME_E_SLOT;
    memcpy(buf, chip->bytes + addr, len);
    return ACME_OK;
}

/* Sector size and count out of the first header that is whole: they are in each. */
static bool find_geometry(const uint8_t *bytes, size_t size, struct flash_dev *dev)
{
    for (size_t at = 0; at + FL_ENTRY <= size; at += 512) {
        const uint8_t *h = bytes + at;
        if (fl_get32(h) != FL_MAGIC_SECTOR || fl_get32(h + 28) != acme_crc32(0, h, 28))
            continue;
        dev->align = (uint16_t)(h[6] | h[7] << 8);
        dev->sector_size = fl_get32(h + 12);
        dev->sectors = fl_get32(h + 16);
        if (dev->align > dev->page || dev->align == 0 || dev->page % dev->align != 0)
            dev->page = dev->align;
        return true;
    }
    return false;
}

/* ---- the entries, sorted: slot, key, newest first ---- */

struct found {
    struct flash_entry e;
    const uint8_t *key; /* NULL: the body is damaged */
    bool whole;
};

static int by_key(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->e.type != y->e.type)
        return x->e.type < y->e.type ? -1 : 1;
    if (x->e.hash != y->e.hash)
        return x->e.hash < y->e.hash ? -1 : 1;
    if (x->e.key_len != y->e.key_len)
        return x->e.key_len < y->e.key_len ? -1 : 1;
    if (x->e.seq != y->e.seq)
        return x->e.seq > y->e.seq ? -1 : 1;
    if (x->e.sector != y->e.sector)
        return x->e.sector > y->e.sector ? -1 : 1;
    return x->e.index > y->e.index ? -1 : x->e.index < y->e.index;
}

static size_t collect(const struct flash_slots *fs, const struct chip *chip, struct found *list,
                      size_t room)
{
    struct fl_cursor c = fl_newest(fs);
    struct flash_entry e;
    size_t n = 0;

    while (n < room && fl_next(fs, &c, &e) > 0) {
        if (e.type == FL_TYPE_TAIL)
            continue;
        memset(&list[n], 0, sizeof list[n]);
        list[n].e = e;
        if ((e.flags & FL_DAMAGED) == 0) {
            list[n].whole = fl_body(fs, &e, NULL) == 1;
            list[n].key = chip->bytes + fl_base(fs->dev, e.sector) + e.offset;
        }
        n++;
    }
    qsort(list, n, sizeof *list, by_key);
    return n;
}

static void print_one(struct dump *d, const struct found *f, const char *state)
{
    const struct flash_entry *e = &f->e;

    if (d->slot[0] != '\0' && strcmp(d->slot, dump_slot_name(e->type)) != 0)
        return;
    fprintf(d->out, "%s", dump_slot_name(e->type));
    if (f->key != NULL && e->key_len > 0) {
        fprintf(d->out, " key ");
        dump_text(d, acme_slice_of(f->key, e->key_len));
    }
    fprintf(d->out, " %s: log sequence %lu, sector %lu, place %lu, %lu bytes, crc %s\n", state,
            (unsigned long)e->seq, (unsigned long)e->sector, (unsigned long)e->index,
            (unsigned long)e->length, f->whole ? "ok" : "BAD");
    if (f->whole && e->length > 0)
        dump_record(d, e->type, acme_slice_of(f->key + e->key_len, e->length));
}

static bool same_slot(const struct found *a, const struct found *b)
{
    return a->e.type == b->e.type && a->e.hash == b->e.hash && a->e.key_len == b->e.key_len;
}

/* The newest whole one of each slot is in force; what is newer than that is damaged. */
static void print_all(struct dump *d, const struct found *list, size_t count)
{
    bool have = false;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !same_slot(&list[i], &list[i - 1]))
            have = false;
        if (!list[i].whole && !have) {
            print_one(d, &list[i], "damaged");
            d->damaged = true;
        } else if (list[i].whole && !have) {
            have = true;
            if (list[i].e.length > 0 || d->all)
                print_one(d, &list[i], list[i].e.length > 0 ? "in force" : "empty");
        } else if (d->all) {
            bool before = d->damaged;
            print_one(d, &list[i], "replaced");
            d->damaged = before; /* nobody reads it any more */
        }
    }
}

bool dump_image(struct dump *d, uint8_t *image, size_t size, size_t offset,
                const struct flash_dev *geometry)
{
    static struct flash_slots fs;
    struct chip chip;
    struct flash_dev dev = *geometry;
    struct flash_stat stat;
    struct found *list;
    size_t room, count;
    int err;

    offset = offset < size ? offset : size;
    chip.bytes = image + offset;
    chip.size = size - offset;
    dev.ctx = &chip;
    dev.erase = chip_erase;
    dev.program = chip_program;
    dev.read = chip_read;
    dev.burst = 255;
    if (dev.sector_size == 0 && !find_geometry(chip.bytes, chip.size, &dev))
        return false;
    if (dev.sectors > 32 || dev.sector_size > 1u << 20 ||
        (size_t)dev.sectors * dev.sector_size > chip.size) {
        fprintf(d->out, "the sectors reach beyond the image\n");
        return false;
    }
    do
        err = flash_slots_mount(&fs, &dev);
    while (err == ACME_AGAIN);
    if (err == ACME_OK)
        err = flash_slots_stat(&fs, &stat);
    if (err != ACME_OK) {
        fprintf(d->out, "the log cannot be read: %s\n", acme_err_words(err));
        return false;
    }
    fprintf(d->out, "log: %lu sectors of %lu, %lu in use, %lu erased ahead, %lu to %lu erases\n",
            (unsigned long)stat.sectors, (unsigned long)dev.sector_size, (unsigned long)stat.used,
            (unsigned long)stat.ready, (unsigned long)stat.erases_min,
            (unsigned long)stat.erases_max);
    room = (size_t)dev.sectors * dev.sector_size / FL_ENTRY;
    list = malloc(room * sizeof *list);
    if (list == NULL)
        return false;
    count = collect(&fs, &chip, list, room);
    print_all(d, list, count);
    free(list);
    return stat.used > 0;
}
