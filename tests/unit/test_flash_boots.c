/* test_flash_boots.c - port/flash where power fails in boot after boot, at nearly the same
 * operation
 *
 * What a cut leaves half programmed may read blank at one start and not at the next. On flash with
 * ECC nothing may be programmed over it, however often power fails there. */
#include "flash_sim.h"
#include "flash_slots.h"
#include "test.h"

#define BOOTS 8
#define SEEDS 150

static const struct {
    uint32_t size, sectors;
    uint16_t page, align;
} shapes[] = {{4096, 8, 16, 16}, {4096, 4, 256, 1}, {65536, 2, 256, 256}, {2048, 6, 64, 8}};

static struct flash_sim chip;
static struct flash_slots store;
static uint8_t data[200];

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
    uint8_t room[200];
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

RUN()
