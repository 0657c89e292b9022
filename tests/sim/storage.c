#include "storage.h"

#include <string.h>

/* One world at a time: these are large. */
static struct sim_files storage_files;
static struct {
    struct flash_sim chip;
    bool made;
} storage_chips[STORAGE_KINDS];

static const struct {
    const char *word;
    uint32_t size, sectors; /* 0: no flash */
    uint16_t page, align;
    uint32_t erase_ms;
    uint8_t tears;
} storage_shapes[STORAGE_KINDS] = {
    [STORAGE_MEMORY] = {"memory", 0, 0, 0, 0, 0, 1},
    [STORAGE_NOR] = {"nor", 4096, 16, 256, 1, 60, TEAR_KINDS},
    [STORAGE_CFI] = {"cfi", 65536, 2, 256, 1, 1000, TEAR_KINDS},
    [STORAGE_ECC] = {"ecc", 8192, 5, 256, 16, 20, TEAR_KINDS},
    [STORAGE_FILES] = {"files", 0, 0, 0, 0, 0, SIM_CRASH_KINDS},
};

const char *storage_word(enum storage_kind kind)
{
    return storage_shapes[kind].word;
}

unsigned storage_tears(enum storage_kind kind)
{
    return storage_shapes[kind].tears;
}

/* ---- the world of the chip ---- */

static uint64_t chip_now(void *ctx)
{
    return ((const struct storage *)ctx)->world->now_ms;
}

static int chip_cut(void *ctx, int erase)
{
    struct storage *t = (struct storage *)ctx;

    if (!sim_world_cut_here(t->world, erase ? "cut in an erase" : "cut in a program"))
        return 0;
    t->chip->tear = (enum sim_tear)(
        t->tear != STORAGE_BY_CHANCE ? t->tear : sim_world_below(t->world, TEAR_KINDS));
    return 1;
}

static void chip_dead(void *ctx)
{
    struct storage *t = (struct storage *)ctx;

    t->world->cut(t->world->cut_ctx);
}

/* Work that the device does not do: it takes no time, power is not cut in it, and it wears nothing
 * out. */
static void chip_apart(struct storage *t)
{
    t->apart = *t->chip;
    t->chip->world = NULL;
    t->chip->lazy_permille = 0;
    while (flash_slots_idle(&t->flash) == ACME_AGAIN) /* what was begun in the world */
        continue;
}

static void chip_back(struct storage *t)
{
    t->chip->world = t->apart.world;
    t->chip->lazy_permille = t->apart.lazy_permille;
    t->chip->erase_count = t->apart.erase_count;
    t->chip->program_bytes = t->apart.program_bytes;
}

static void chip_init(struct storage *t)
{
    static struct flash_sim_world world = {NULL, chip_now, chip_cut, chip_dead};
    uint32_t size = storage_shapes[t->kind].size;

    t->chip = &storage_chips[t->kind].chip;
    if (!storage_chips[t->kind].made)
        sim_init(t->chip, size, storage_shapes[t->kind].sectors, storage_shapes[t->kind].page,
                 storage_shapes[t->kind].align);
    storage_chips[t->kind].made = true;
    sim_blank(t->chip);
    world.ctx = t;
    t->chip->world = &world;
    t->chip->erase_ms = storage_shapes[t->kind].erase_ms;
    t->chip->rng = sim_world_random(t->world);
    t->under = (struct acme_slots){&t->flash, flash_slots_read, flash_slots_write};
}

/* ---- power ---- */

void storage_init(struct storage *t, enum storage_kind kind, struct sim_world *w,
                  struct sim_slots *slots)
{
    memset(t, 0, sizeof *t);
    t->kind = (uint8_t)kind;
    t->tear = STORAGE_BY_CHANCE;
    t->world = w;
    t->slots = slots;
    if (storage_shapes[kind].size > 0)
        chip_init(t);
    slots->sums = t->chip != NULL;
    slots->firm = kind == STORAGE_FILES;
    if (kind == STORAGE_FILES) {
        sim_files_init(&storage_files, w);
        storage_files.mortal = true;
        slots->looking = &storage_files.looking;
    }
    if (kind != STORAGE_MEMORY)
        slots->under = &t->under;
}

void storage_faults(struct storage *t, const struct storage_faults *f)
{
    storage_files.eintr_permille = f->eintr_permille;
    storage_files.short_permille = f->short_permille;
    storage_files.full_permille = f->full_permille;
    storage_files.error_permille = f->error_permille;
    if (t->chip == NULL)
        return;
    t->chip->lazy_permille = f->lazy_permille;
    t->lied |= f->lazy_permille > 0 || f->worn;
    if (f->worn && t->chip->bad_sector == SIM_NONE)
        t->chip->bad_sector = sim_world_below(t->world, t->chip->dev.sectors);
}

int storage_boot(struct storage *t)
{
    int err = ACME_OK;

    if (t->chip != NULL) {
        sim_power_on(t->chip);
        memset(&t->flash, 0, sizeof t->flash);
        while ((err = flash_slots_mount(&t->flash, &t->chip->dev)) == ACME_AGAIN)
            continue;
    } else if (t->kind == STORAGE_FILES) {
        err = posix_slots_open(&t->posix, "/state");
        t->under = posix_slots_ops(&t->posix);
    }
    return err == ACME_OK ? sim_slots_settle(t->slots) : err;
}

void storage_age(struct storage *t, uint32_t bytes)
{
    uint8_t record[200];
    int err;

    if (t->chip == NULL || bytes == 0)
        return;
    memset(record, 'a', sizeof record);
    chip_apart(t);
    do {
        record[0]++;
        while ((err = flash_slots_write(&t->flash, ACME_SLOT_DEVICE, "", record, sizeof record)) ==
               ACME_AGAIN)
            continue;
    } while (err == ACME_OK && t->chip->program_bytes < bytes);
    chip_back(t);
    t->chip->program_bytes = t->chip->erase_count = 0;
}

void storage_put(struct storage *t, enum acme_slot slot, const char *key, const void *data,
                 size_t len)
{
    uint64_t cut_at = t->world->cut_at;
    struct sim_slots *s = t->slots;
    uint32_t fail = s->fail_permille, busy = s->busy_max_ms;

    t->world->cut_at = 0;
    s->fail_permille = s->busy_max_ms = 0;
    s->going = false;
    if (t->chip != NULL)
        chip_apart(t);
    storage_files.quiet = true;
    while (s->ops.write(s, slot, key, data, len) == ACME_AGAIN)
        continue;
    storage_files.quiet = false;
    if (t->chip != NULL)
        chip_back(t);
    s->writes--; /* not the agent's */
    s->fail_permille = fail;
    s->busy_max_ms = busy;
    t->world->cut_at = cut_at;
}

uint32_t storage_room(enum storage_kind kind)
{
    return storage_shapes[kind].size * storage_shapes[kind].sectors;
}

void storage_power_off(struct storage *t)
{
    uint32_t tear = t->tear;

    if (tear == STORAGE_BY_CHANCE)
        tear = sim_world_below(t->world, storage_shapes[t->kind].tears);
    if (t->chip != NULL) {
        t->chip->tear = (enum sim_tear)tear;
        sim_power_off(t->chip);
    } else if (t->kind == STORAGE_FILES) {
        sim_files_crash(&storage_files, (enum sim_files_crash)tear);
    }
}

bool storage_idle(struct storage *t)
{
    if (t->chip == NULL || t->idle_ops == t->chip->ops + 1)
        return false; /* nothing was written since */
    if (flash_slots_idle(&t->flash) == ACME_AGAIN)
        return true;
    t->idle_ops = t->chip->ops + 1;
    return false;
}

void storage_flip(struct storage *t, enum acme_slot slot, const char *key)
{
    t->slots->lies = true;
    if (t->chip != NULL)
        sim_flip(t->chip);
    else if (t->kind == STORAGE_FILES)
        (void)sim_files_flip(&storage_files);
    else
        (void)sim_slots_flip(t->slots, slot, key);
}

/* ---- what is left of keys, and of the flash ---- */

void storage_secret(struct storage *t, const uint8_t *der, size_t len)
{
    size_t at = len > 400 ? len / 2 : 12; /* of RSA, or of an EC key: none of its public part */

    if (len < 32 || t->secrets_count == STORAGE_SECRETS)
        return;
    for (uint32_t i = 0; i < t->secrets_count; i++) {
        if (memcmp(t->secrets[i], der + at, 16) == 0)
            return;
    }
    memcpy(t->secrets[t->secrets_count++], der + at, 16);
}

static bool storage_finds(const uint8_t *data, size_t len, const uint8_t secret[16])
{
    const uint8_t *end = data + len;

    while (len >= 16 && (data = memchr(data, secret[0], (size_t)(end - data) - 15)) != NULL) {
        if (memcmp(data, secret, 16) == 0)
            return true;
        if (end - ++data < 16)
            break;
    }
    return false;
}

static bool secret_live(const struct storage *t, const uint8_t secret[16])
{
    for (size_t i = 0; i < SIM_SLOTS_MAX; i++) {
        const struct sim_record *r = &t->slots->records[i];
        if (r->slot != 0 && storage_finds(r->data, r->len, secret))
            return true;
    }
    return false;
}

static bool secret_on_medium(const struct storage *t, const uint8_t secret[16])
{
    if (t->chip != NULL)
        return storage_finds(t->chip->mem, t->chip->dev.sector_size * t->chip->dev.sectors, secret);
    for (size_t i = 0; i < SIM_FILES_ENTRIES; i++) {
        const struct sim_file_node *n = &storage_files.nodes[storage_files.now[i].node];
        if (storage_files.now[i].node != 0 && storage_finds(n->now.data, n->now.len, secret))
            return true;
    }
    return false;
}

const char *storage_secrets_gone(struct storage *t)
{
    int err = ACME_OK;

    if (t->kind == STORAGE_MEMORY)
        return NULL;
    if (t->chip != NULL) {
        chip_apart(t);
        while ((err = flash_slots_compact(&t->flash)) == ACME_AGAIN)
            continue;
        chip_back(t);
    }
    if (err != ACME_OK)
        return "the flash cannot be compacted";
    for (uint32_t i = 0; i < t->secrets_count; i++) {
        if (!secret_live(t, t->secrets[i]) && secret_on_medium(t, t->secrets[i]))
            return "a replaced key is still on the medium";
    }
    return NULL;
}

const char *storage_worn(const struct storage *t, uint64_t cuts)
{
    const struct flash_dev *dev;
    uint64_t written, erased;

    if (t->chip == NULL)
        return NULL;
    dev = &t->chip->dev;
    written = t->chip->program_bytes;
    erased = (uint64_t)t->chip->erase_count * dev->sector_size;
    cuts += 2; /* put out for another firmware, and back */
    if (!t->lied && erased > STORAGE_WEAR * written + (2 * cuts + dev->sectors) * dev->sector_size)
        return "more erases than what is written can ask for";
    if (t->chip->broken != 0)
        return "a call against the contract of flash";
    if (t->chip->over != 0 && t->kind == STORAGE_ECC)
        return "a program over bytes that were not blank";
    return NULL;
}
