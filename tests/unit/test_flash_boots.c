/* test_flash_boots.c - port/flash where power fails in boot after boot, at nearly the same
 * operation
 *
 * What a cut leaves half programmed may read blank at one start and not at the next. On flash with
 * ECC nothing may be programmed over it, however often power fails there. */
#include "flash_log.h"
#include "flash_sim.h"
#include "test.h"

#define BOOTS 8
#define SEEDS 150

static const struct {
    uint32_t size, sectors;
    uint16_t page, align;
} shapes[] = {{4096, 8, 16, 16}, {4096, 4, 256, 1}, {65536, 2, 256, 256}, {2048, 6, 64, 8}};

static struct flash_sim chip;
static struct flash_slots store;
static uint8_t data[900];

/* Power comes back, and fails in the n-th operation from then on (0: not). */
static int boot(uint32_t cut_at)
{
    int r = ACME_AGAIN;

    sim_power_on(&chip);
    chip.cut_at = cut_at;
    memset(&store, 0, sizeof store);
    while (r == ACME_AGAIN)
        r = flash_slots_mount(&store, &chip.dev);
    return r;
}

static int put(uint8_t fill, size_t len)
{
    int r = ACME_AGAIN;

    memset(data, fill, sizeof data);
    while (r == ACME_AGAIN)
        r = flash_slots_write(&store, ACME_SLOT_SCHED, "k", data, len);
    return r;
}

/* The first byte of the record, or an error. */
static int got(void)
{
    uint8_t room[900];
    int r = ACME_AGAIN;

    while (r == ACME_AGAIN)
        r = flash_slots_read(&store, ACME_SLOT_SCHED, "k", room, sizeof room);
    for (int i = 1; i < r; i++)
        CHECK_INT(room[i], room[0]);
    return r > 0 ? room[0] : r;
}

/* After a cut, or several: the record is one of those in `may` (a bit for each value). One that was
 * read does not go away: only a later one, whose write was cut so early that it was not there, may
 * still come. What may be read from then on. */
static uint32_t settled(uint32_t may)
{
    for (int i = 0; i < 4; i++) {
        int seen;

        CHECK_INT(boot(0), ACME_OK);
        seen = got();
        CHECK(seen > 0 && seen < 32);
        CHECK((may >> seen & 1) != 0);
        may &= UINT32_MAX << seen;
    }
    return may;
}

/* Each boot writes once; power fails in one of its first operations, or (spread 0) always in the
 * same. Now and then nobody looks before it fails again. */
static void boot_loop(size_t shape, enum sim_tear tear, uint32_t seed, uint32_t spread)
{
    uint32_t at = 1 + seed % 7, may = 1 << 1;

    sim_init(&chip, shapes[shape].size, shapes[shape].sectors, shapes[shape].page,
             shapes[shape].align);
    chip.rng = seed * 2654435761u;
    chip.tear = tear;
    CHECK_INT(boot(0), ACME_OK);
    CHECK_INT(put(1, 40), ACME_OK);
    for (uint32_t i = 0; i < BOOTS; i++) {
        (void)boot(at + (spread > 0 ? sim_random(&chip.rng) % spread : 0));
        if (!chip.dead) {
            may |= 4u << i;
            if (put((uint8_t)(2 + i), 20 + seed % 80) == ACME_OK)
                may = 4u << i;
        }
        if (sim_random(&chip.rng) % 2 == 0)
            may = settled(may);
    }
    CHECK_INT(boot(0), ACME_OK);
    CHECK_INT(put(20, 30), ACME_OK);
    CHECK_INT(settled(1 << 20), 1 << 20);
    CHECK_INT(chip.over, 0);
    CHECK_INT(chip.broken, 0);
    sim_free(&chip);
}

TEST(nothing_is_programmed_over_what_only_seems_blank)
{
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        for (int tear = 0; tear < TEAR_KINDS; tear++) {
            for (uint32_t seed = 1; seed <= SEEDS; seed++)
                boot_loop(shape, (enum sim_tear)tear, seed, seed % 3 * 4);
        }
    }
}

/* The zeros of a place in doubt were torn: seen once, and what follows was written; not seen later.
 */
TEST(a_place_that_reads_blank_again_hides_nothing)
{
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        uint32_t at;

        sim_init(&chip, shapes[shape].size, shapes[shape].sectors, shapes[shape].page,
                 shapes[shape].align);
        CHECK_INT(boot(0), ACME_OK);
        CHECK_INT(put(1, 40), ACME_OK);
        CHECK_INT(boot(0), ACME_OK);
        at = store.table + 1; /* the first is left blank */
        chip.tear = TEAR_AFTER;
        for (uint32_t n = 1; chip.mem[fl_slot_addr(&chip.dev, store.head, at)] != 0; n++) {
            (void)boot(n);
            (void)put(2, 40);
        }
        CHECK_INT(boot(0), ACME_OK);
        CHECK_INT(put(3, 40), ACME_OK);
        CHECK(store.last > at);
        memset(chip.mem + fl_slot_addr(&chip.dev, store.head, at), 0xff, fl_place(&chip.dev));
        CHECK_INT(boot(0), ACME_OK);
        CHECK_INT(got(), 3);
        sim_free(&chip);
    }
}

/* A torn entry is passed over by a TAIL; that one was cut as well, reads right once, and is written
 * again: what was passed over stays so when the first TAIL reads wrong later. */
TEST(what_is_written_again_does_not_need_the_first)
{
    uint32_t torn, tail, n;
    uint8_t *entry;

    sim_init(&chip, 4096, 4, 256, 1);
    chip.tear = TEAR_AFTER;
    CHECK_INT(boot(0), ACME_OK);
    CHECK_INT(put(1, 40), ACME_OK);
    CHECK_INT(boot(4), ACME_OK); /* zeros, body, zeros, entry */
    torn = store.table + 2;
    (void)put(2, 40);
    CHECK(chip.dead);
    entry = chip.mem + fl_slot_addr(&chip.dev, store.head, torn);
    CHECK_INT(entry[0], 'E');
    entry[4] ^= 0xff;
    for (n = 1, tail = 0; n < 4 && tail == 0; n++) { /* the cut that leaves the TAIL alone */
        (void)boot(n);
        CHECK(chip.dead);
        for (uint32_t at = torn + 1; at < torn + 8; at++) {
            if (chip.mem[fl_slot_addr(&chip.dev, store.head, at)] == 'E')
                tail = at;
        }
    }
    CHECK(tail > torn);
    CHECK_INT(boot(0), ACME_OK);
    CHECK(store.last > tail);
    CHECK_INT(got(), 1);
    entry[4] ^= 0xff;
    chip.mem[fl_slot_addr(&chip.dev, store.head, tail) + 4] ^= 0xff;
    CHECK_INT(boot(0), ACME_OK);
    CHECK_INT(got(), 1);
    sim_free(&chip);
}

/* The first entry of a new head is torn: it reads wrong, the old head goes on and gets a record;
 * then it reads right. */
TEST(a_head_that_was_given_up_does_not_come_back)
{
    static struct flash_sim full;
    uint32_t head, index;
    uint8_t value = 1, *entry, byte, wrong;

    sim_init(&chip, 4096, 4, 256, 1);
    sim_init(&full, 4096, 4, 256, 1);
    CHECK_INT(boot(0), ACME_OK);
    do { /* up to the write that takes a new head */
        sim_copy(&full, &chip);
        head = store.head;
        CHECK_INT(put(value++, 900), ACME_OK);
    } while (head == 0 || store.head == head);
    index = store.last;
    head = store.head;
    CHECK_INT(index, 1);
    for (uint32_t n = 1; n < 40; n++) { /* the cut that leaves the entry, and not its mark */
        sim_copy(&chip, &full);
        chip.tear = TEAR_AFTER;
        (void)boot(n);
        (void)put((uint8_t)(value - 1), 900);
        entry = chip.mem + fl_slot_addr(&chip.dev, head, index);
        if (chip.dead && entry[0] != 0xff)
            break;
    }
    CHECK(chip.dead && entry[0] != 0xff);
    byte = entry[4];
    wrong = entry[4] ^= 0xff;
    CHECK_INT(boot(0), ACME_OK);
    CHECK_INT(put(77, 3), ACME_OK);
    if (entry[4] == wrong) /* not erased */
        entry[4] = byte;
    CHECK_INT(boot(0), ACME_OK);
    CHECK_INT(got(), 77);
    sim_free(&chip);
    sim_free(&full);
}

/* The first entry of a new head is torn, and mostly reads blank. */
TEST(a_sector_that_only_seems_ready)
{
    static struct flash_sim full;
    uint32_t head, torn = 0;
    uint8_t value = 1;

    sim_init(&chip, 4096, 4, 256, 16);
    sim_init(&full, 4096, 4, 256, 16);
    CHECK_INT(boot(0), ACME_OK);
    do { /* up to the write that takes a new head */
        sim_copy(&full, &chip);
        head = store.head;
        CHECK_INT(put(value++, 900), ACME_OK);
    } while (head == 0 || store.head == head);
    head = store.head;
    for (uint32_t n = 1; n < 200; n++) {
        uint32_t at = fl_slot_addr(&chip.dev, head, 0);
        sim_copy(&chip, &full);
        chip.tear = TEAR_AFTER;
        (void)boot(n % 20);
        (void)put((uint8_t)(value - 1), 900);
        if (!chip.dead || fl_blank(chip.mem + at, 32) || !fl_blank(chip.mem + at - 32, 32))
            continue;
        torn++;
        memset(chip.mem + at, 0xff, 32);
        chip.soft[at + 31] = 1;
        chip.soft_count++;
        chip.rng = n;
        CHECK_INT(boot(0), ACME_OK);
        CHECK_INT(put(77, 900), ACME_OK);
        CHECK_INT(chip.over, 0);
        CHECK_INT(boot(0), ACME_OK);
        CHECK_INT(got(), 77);
    }
    CHECK(torn > 5);
    sim_free(&chip);
    sim_free(&full);
}

/* Power fails near the end of an erase, which leaves one bit that mostly reads blank, and then one
 * operation silently does nothing: the same erase, among others. */
TEST(an_erase_that_did_nothing_proves_nothing)
{
    static struct flash_sim full, cut;
    uint32_t torn = 0, before;
    uint8_t value = 1;

    sim_init(&chip, 4096, 4, 256, 16);
    sim_init(&full, 4096, 4, 256, 16);
    sim_init(&cut, 4096, 4, 256, 16);
    CHECK_INT(boot(0), ACME_OK);
    do { /* up to a write that erases what was in use */
        sim_copy(&full, &chip);
        before = chip.erase_count;
        CHECK_INT(put(value++, 900), ACME_OK);
    } while (before < 4 || chip.erase_count == before);
    for (uint32_t n = 1; n < 400; n++) {
        sim_copy(&chip, &full);
        chip.tear = TEAR_LATE;
        chip.rng = n;
        (void)boot(1 + n % 20);
        (void)put(30, 900);
        if (!chip.dead || chip.erase_count == full.erase_count)
            continue;
        torn++;
        sim_copy(&cut, &chip);
        for (uint32_t lazy = 1; lazy < 8; lazy++) {
            sim_copy(&chip, &cut);
            CHECK_INT(boot(0), ACME_OK);
            chip.lazy_at = chip.ops + lazy;
            for (uint8_t i = 1; i < 12; i++)
                CHECK_INT(put(i, 900), ACME_OK);
            CHECK_INT(chip.over, 0);
            CHECK_INT(boot(0), ACME_OK);
            CHECK_INT(got(), 11);
        }
    }
    CHECK(torn > 5);
    sim_free(&chip);
    sim_free(&full);
    sim_free(&cut);
}

/* -- a store with room -- */

static int put_as(enum acme_slot slot, uint8_t fill, size_t len)
{
    static uint8_t record[4000];
    int r = ACME_AGAIN;

    memset(record, fill, len);
    while (r == ACME_AGAIN)
        r = flash_slots_write(&store, slot, "k", record, len);
    return r;
}

/* Any of the records of a device: two pairs, an order that comes and goes, what is written often.
 */
static int put_any(uint8_t fill)
{
    uint32_t some = sim_random(&chip.rng) % 500;

    switch (sim_random(&chip.rng) % 6) {
    case 0:
        return put_as(fill % 2 == 0 ? ACME_SLOT_CERT_A : ACME_SLOT_CERT_B, fill, 3776);
    case 1:
        return put_as(ACME_SLOT_ORDER, fill, 2300 + some);
    case 2:
        return put_as(ACME_SLOT_ORDER, fill, 0);
    case 3:
        return put_as(ACME_SLOT_ACCOUNT, fill, 1386);
    case 4:
        return put_as(ACME_SLOT_CA_LEDGER, fill, 92);
    default:
        return put_as(ACME_SLOT_SCHED, fill, 90 + some);
    }
}

/* Programs and erases that do nothing, silently, use room up; when they are over, what fits is
 * written, without a start in between. */
TEST(what_fits_is_never_full)
{
    uint32_t refused = 0;

    for (uint32_t seed = 1; seed <= 400; seed++) {
        sim_init(&chip, 8192, 5, 256, 16);
        chip.rng = seed * 2654435761u;
        CHECK_INT(boot(0), ACME_OK);
        for (uint8_t round = 0; round < 8; round++) {
            chip.lazy_permille = 20 * (seed % 4);
            for (uint8_t i = 0; i < 12; i++)
                refused += put_any(i) != ACME_OK;
            chip.lazy_permille = 0;
            for (uint8_t i = 0; i < 6; i++)
                CHECK_INT(put_any(i), ACME_OK);
        }
        sim_free(&chip);
    }
    CHECK(refused > 0);
}

RUN()
