/* fuzz_flash.c - slots over raw flash (port/flash) whose bytes were changed by anybody
 *
 * The input is a geometry and a list of acts on the flash of tests/flash: write, read, compact,
 * reboot, cut power, change bytes, put checksums right. As long as nobody changed bytes, what was
 * written is read back, also after cuts; then only: no act outside of the region, an end to each
 * call, and no more bytes than were asked for.
 */
#include "flash_log.h"
#include "flash_sim.h"
#include "fuzz.h"

#define KEYS     6
#define LONGEST  400
#define PATIENCE 200000 /* calls until one is done */

static const struct {
    uint16_t size, sectors, page, align;
} shapes[] = {{512, 4, 32, 1}, {512, 2, 64, 8}, {1024, 3, 256, 16}, {512, 8, 16, 4}};

struct value {
    bool there;
    uint32_t len;
    uint8_t fill;
};

static struct flash_sim sim;
static struct flash_slots store;
static struct value want[KEYS];
static bool foreign; /* somebody changed bytes: nothing is known any more */

static const enum acme_slot slot_of[KEYS] = {ACME_SLOT_ACCOUNT, ACME_SLOT_ORDER,  ACME_SLOT_SCHED,
                                             ACME_SLOT_SCHED,   ACME_SLOT_CONFIG, ACME_SLOT_CERT_A};
static const char *const key_of[KEYS] = {"ca", "example.com", "example.com", "b", "", "x"};

static void bytes_of(const struct value *v, uint8_t *out)
{
    for (uint32_t i = 0; i < v->len; i++)
        out[i] = (uint8_t)(v->fill + i * 7);
}

static int done(int answer, unsigned *calls)
{
    FUZZ_CHECK(++*calls < PATIENCE);
    FUZZ_CHECK(sim.broken == 0);
    return answer;
}

static int mount(void)
{
    unsigned calls = 0;
    int r;

    memset(&store, 0, sizeof store);
    do {
        r = done(flash_slots_mount(&store, &sim.dev), &calls);
    } while (r == ACME_AGAIN);
    FUZZ_CHECK(r == ACME_OK || r == ACME_E_SLOT || r == ACME_E_SLOT_VERSION);
    FUZZ_CHECK(foreign || sim.dead || r == ACME_OK);
    return r;
}

static int get(int k, uint8_t *room, size_t cap)
{
    unsigned calls = 0;
    int r;

    do {
        r = done(flash_slots_read(&store, slot_of[k], key_of[k], room, cap), &calls);
    } while (r == ACME_AGAIN);
    FUZZ_CHECK(r <= (int)cap && r != 0);
    return r;
}

static int put(int k, const struct value *v)
{
    uint8_t data[LONGEST];
    unsigned calls = 0;
    int r;

    bytes_of(v, data);
    do {
        r = done(flash_slots_write(&store, slot_of[k], key_of[k], data, v->len), &calls);
    } while (r == ACME_AGAIN);
    return r;
}

static bool is(int r, const uint8_t *got, const struct value *v)
{
    uint8_t data[LONGEST];

    bytes_of(v, data);
    return v->there ? r == (int)v->len && memcmp(got, data, v->len) == 0 : r == ACME_E_SLOT_EMPTY;
}

static void look(int k, size_t cap)
{
    uint8_t *room = fuzz_room(cap);
    int r = get(k, room, cap);

    if (!foreign && !sim.dead)
        FUZZ_CHECK(is(r, room, &want[k]) || (r == ACME_E_SIZE && want[k].len > cap));
    free(room);
}

/* Power comes back. What was being written is the old or the new one; after that it stays. */
static void power(int k, const struct value *fresh)
{
    uint8_t room[LONGEST];
    int r;

    sim_power_on(&sim);
    if (mount() != ACME_OK || foreign)
        return;
    r = get(k, room, sizeof room);
    FUZZ_CHECK(is(r, room, &want[k]) || is(r, room, fresh));
    if (is(r, room, fresh))
        want[k] = *fresh;
}

static void write_one(struct fuzz_in *in, int k)
{
    struct value fresh = {true, 1 + fuzz_two(in) % LONGEST, fuzz_byte(in)};
    int r;

    if (fresh.len > LONGEST - 8) {
        fresh.len = 0; /* empty the slot */
        fresh.there = false;
    }
    r = put(k, &fresh);
    if (sim.dead) {
        power(k, &fresh);
    } else if (r == ACME_OK) {
        want[k] = fresh;
        look(k, LONGEST);
    } else {
        FUZZ_CHECK(foreign || r == ACME_E_SLOT_FULL || r == ACME_E_SIZE);
    }
}

/* Checksums of headers and entries as if what they cover had been meant. */
static void forge(uint8_t how)
{
    const struct flash_dev *dev = &sim.dev;

    foreign = true;
    for (uint32_t place = 0; place < dev->sectors; place++) {
        uint8_t *base = sim.mem + place * dev->sector_size;
        uint32_t number = fl_get32(base + 8);

        for (uint32_t i = 0; i < 2; i++) {
            uint8_t *h = base + i * fl_place(dev);

            if (how & 1)
                fl_put32(h + 28, acme_crc32(0, h, 28));
        }
        for (uint32_t i = 0; i < dev->sector_size / fl_place(dev) - 2; i++) {
            uint8_t *e = sim.mem + fl_slot_addr(dev, place, i), where[8];
            uint32_t offset = fl_get32(e + 8), body = fl_get32(e + 12) + e[3];

            if (e[0] != 0x45 || e[1] != 0x52)
                continue;
            if (how & 2 && offset < dev->sector_size && body <= dev->sector_size - offset)
                fl_put32(e + 24, acme_crc32(0, base + offset, body));
            fl_put32(where, number);
            fl_put32(where + 4, i);
            fl_put32(e + 28, acme_crc32(acme_crc32(0, e, 28), where, sizeof where));
        }
    }
}

static void change(struct fuzz_in *in, uint8_t what)
{
    uint32_t size = sim.dev.sector_size * sim.dev.sectors;
    uint32_t at = fuzz_two(in) % size;
    struct acme_slice bytes = fuzz_take(in, what >> 4 == 0 ? 1 : (what >> 4) * 8u);

    foreign = true;
    if (bytes.len > size - at)
        bytes.len = size - at;
    if (bytes.len > 0)
        memcpy(sim.mem + at, bytes.ptr, bytes.len);
}

static void act(struct fuzz_in *in)
{
    uint8_t what = fuzz_byte(in);
    int k = (what >> 4) % KEYS;
    unsigned calls = 0;

    switch (what & 15) {
    case 0:
    case 1:
    case 2:
        write_one(in, k);
        break;
    case 3:
        look(k, fuzz_byte(in) + 1u);
        break;
    case 4:
        while (done(flash_slots_idle(&store), &calls) == ACME_AGAIN)
            ;
        break;
    case 5:
        while (done(flash_slots_compact(&store), &calls) == ACME_AGAIN)
            ;
        break;
    case 6:
        (void)mount();
        break;
    case 7: /* power fails in one of the next operations */
        sim.tear = (enum sim_tear)(fuzz_byte(in) % TEAR_KINDS);
        sim.cut_at = sim.ops + 1 + fuzz_byte(in) % 16;
        break;
    case 8:
    case 9:
        change(in, what);
        break;
    case 10:
        forge(what >> 4);
        break;
    case 11:
        sim.busy = what >> 4 & 3;
        break;
    default: { /* many writes in a row, so that compaction comes soon */
        struct fuzz_in same = {in->at, in->left};

        for (int i = 0; i < 4 && !sim.dead; i++) {
            same.at = in->at;
            same.left = in->left;
            write_one(&same, (k + i) % KEYS);
        }
        break;
    }
    }
    if (sim.dead)
        power(k, &want[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    uint8_t shape = fuzz_byte(&in);
    size_t i = shape % (sizeof shapes / sizeof shapes[0]);
    struct flash_stat stat;

    memset(want, 0, sizeof want);
    foreign = false;
    sim_init(&sim, shapes[i].size, shapes[i].sectors, shapes[i].page, shapes[i].align);
    sim.overwrites = shape >> 4 & 1;
    sim.rng = shape;
    (void)mount();
    for (unsigned acts = 0; acts < 24 && in.left > 0; acts++)
        act(&in);
    if (mount() == ACME_OK) {
        for (int k = 0; k < KEYS; k++)
            look(k, LONGEST);
        if (flash_slots_stat(&store, &stat) == ACME_OK)
            FUZZ_CHECK(stat.used <= stat.sectors && stat.sectors == sim.dev.sectors);
    }
    sim_free(&sim);
    return 0;
}
