/* test_flash_faults.c - port/flash on a flash that cannot be read, programmed or erased for a
 * while, at each operation in turn; geometries that are none
 *
 * Power cuts are in test_flash_slots.c. */
#include "flash_sim.h"
#include "flash_slots.h"
#include "test.h"

#define PATIENCE 100000

enum { READ, PROGRAM, ERASE };

/* The chip of flash_sim.h, behind a bus that fails. */
static struct {
    struct flash_sim sim;
    struct flash_dev dev;
    int what;            /* fails */
    uint32_t at, length; /* from the n-th on (from 1), so many; 0: never */
    uint32_t calls;
    bool failed;
} bus;

static struct flash_slots store;
static uint8_t room[400];

static bool broken(int what)
{
    bool now = false;

    if (what == bus.what && bus.at != 0) {
        bus.calls++;
        now = bus.calls >= bus.at && bus.calls - bus.at < bus.length;
    }
    bus.failed = bus.failed || now;
    return now;
}

static int bus_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    (void)ctx;
    return broken(READ) ? ACME_E_NET : bus.sim.dev.read(bus.sim.dev.ctx, addr, buf, len);
}

static int bus_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    (void)ctx;
    return broken(PROGRAM) ? ACME_E_NET : bus.sim.dev.program(bus.sim.dev.ctx, addr, data, len);
}

static int bus_erase(void *ctx, uint32_t sector)
{
    (void)ctx;
    return broken(ERASE) ? ACME_E_NET : bus.sim.dev.erase(bus.sim.dev.ctx, sector);
}

static void bus_open(uint32_t size, uint32_t sectors, uint16_t page, uint16_t align)
{
    if (bus.sim.mem != NULL)
        sim_free(&bus.sim);
    memset(&bus, 0, sizeof bus);
    sim_init(&bus.sim, size, sectors, page, align);
    bus.dev = bus.sim.dev;
    bus.dev.ctx = &bus;
    bus.dev.read = bus_read;
    bus.dev.program = bus_program;
    bus.dev.erase = bus_erase;
    memset(&store, 0, sizeof store);
}

static void fail(int what, uint32_t at, uint32_t length)
{
    bus.what = what;
    bus.at = at;
    bus.length = length;
    bus.calls = 0;
    bus.failed = false;
}

static int wait(int (*op)(void))
{
    int r = ACME_AGAIN;

    for (int i = 0; r == ACME_AGAIN; i++) {
        CHECK(i < PATIENCE);
        r = op();
        CHECK_INT(bus.sim.broken, 0);
    }
    return r;
}

/* ---- what is tried ---- */

static struct {
    enum acme_slot slot;
    size_t len;
    uint8_t fill;
} now;

static uint8_t data[400];

static int op_mount(void)
{
    return flash_slots_mount(&store, &bus.dev);
}
static int op_idle(void)
{
    return flash_slots_idle(&store);
}
static int op_compact(void)
{
    return flash_slots_compact(&store);
}
static int op_write(void)
{
    memset(data, now.fill, sizeof data);
    return flash_slots_write(&store, now.slot, "k", data, now.len);
}
static int op_read(void)
{
    return flash_slots_read(&store, now.slot, "k", room, sizeof room);
}
static int op_stat(void)
{
    struct flash_stat stat;

    return flash_slots_stat(&store, &stat);
}

static int put(enum acme_slot slot, size_t len, uint8_t fill)
{
    now.slot = slot;
    now.len = len;
    now.fill = fill;
    return wait(op_write);
}

/* The fill of what the slot holds, checked to be whole; or an error. */
static int get(enum acme_slot slot)
{
    int r;

    now.slot = slot;
    r = wait(op_read);
    if (r <= 0)
        return r;
    for (int i = 1; i < r; i++)
        CHECK_INT(room[i], room[0]);
    return room[0];
}

static int reboot(void)
{
    memset(&store, 0, sizeof store);
    return wait(op_mount);
}

/* Sectors that are nearly full, with records that are old, replaced, and emptied. */
static void filled(void)
{
    bus_open(1024, 4, 64, 4);
    CHECK_INT(reboot(), ACME_OK);
    CHECK_INT(put(ACME_SLOT_ACCOUNT, 120, 11), ACME_OK);
    CHECK_INT(put(ACME_SLOT_CONFIG, 60, 12), ACME_OK);
    for (uint8_t i = 0; i < 17; i++)
        CHECK_INT(put(ACME_SLOT_SCHED, 90u + i, (uint8_t)(20 + i)), ACME_OK);
    CHECK_INT(put(ACME_SLOT_ORDER, 30, 13), ACME_OK);
    CHECK_INT(put(ACME_SLOT_ORDER, 0, 0), ACME_OK);
}

static void all_there(int sched, int sched_or)
{
    int got = get(ACME_SLOT_SCHED);

    CHECK(got == sched || got == sched_or);
    CHECK_INT(get(ACME_SLOT_ACCOUNT), 11);
    CHECK_INT(get(ACME_SLOT_CONFIG), 12);
    CHECK_INT(get(ACME_SLOT_ORDER), ACME_E_SLOT_EMPTY);
}

static int op_put_many(void)
{
    int r = ACME_OK;

    for (uint8_t i = 0; i < 12 && r == ACME_OK; i++)
        r = put(ACME_SLOT_SCHED, 100, 77);
    return r;
}

/* One operation, with the n-th act of the bus failing, for all n: how many answered an error. */
static int each(int what, uint32_t length, int (*op)(void))
{
    int errors = 0;

    for (uint32_t n = 1;; n++) {
        int r;

        CHECK(n < 20000);
        filled();
        if (op == op_mount)
            memset(&store, 0, sizeof store);
        fail(what, n, length);
        now.slot = ACME_SLOT_ACCOUNT;
        r = op == op_put_many ? op() : wait(op);
        if (op == op_read && r > 0)
            r = room[0] == 11 ? ACME_OK : ACME_E_ARG;
        if (!bus.failed) {
            CHECK_INT(r, ACME_OK);
            break;
        }
        CHECK(r == ACME_OK || r == ACME_E_SLOT || r == ACME_E_SLOT_FULL);
        errors += r != ACME_OK;
        fail(0, 0, 0); /* and the bus is well again: nothing is lost */
        all_there(36, op == op_put_many ? 77 : 36);
        CHECK_INT(reboot(), ACME_OK);
        all_there(36, op == op_put_many ? 77 : 36);
        CHECK_INT(put(ACME_SLOT_SCHED, 50, 99), ACME_OK);
        all_there(99, 99);
    }
    return errors;
}

TEST(reads_that_fail)
{
    CHECK(each(READ, 1, op_mount) > 0);
    CHECK(each(READ, 1, op_read) > 0);
    CHECK(each(READ, 1, op_stat) > 0);
    (void)each(READ, 1, op_idle);
    (void)each(READ, 1, op_compact);
    (void)each(READ, 1, op_put_many);
}

TEST(a_bus_that_is_gone_for_a_while)
{
    CHECK(each(READ, 40, op_put_many) > 0);
    CHECK(each(READ, 40, op_compact) > 0);
    (void)each(PROGRAM, 1, op_put_many);
    (void)each(PROGRAM, 3, op_put_many);
    CHECK(each(PROGRAM, 60, op_put_many) > 0);
    (void)each(ERASE, 1, op_put_many);
    (void)each(ERASE, 1, op_compact);
}

TEST(geometries)
{
    static const struct {
        uint32_t size, sectors;
        uint16_t page, align;
        bool good;
    } shapes[] = {
        {4096, 2, 256, 1, true},     {4096, 2, 0, 1, false},   {4096, 2, 257, 1, false},
        {4096, 2, 256, 0, false},    {4096, 2, 64, 48, false}, {256, 2, 64, 1, false},
        {0x200000, 2, 64, 1, false}, {1000, 2, 64, 1, false},  {4096, 1, 64, 1, false},
        {4096, 33, 64, 1, false},    {4096, 32, 64, 64, true}, {2048, 2, 256, 256, false},
        {512, 2, 256, 1, false},     {512, 2, 32, 1, true},
    };

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        bus_open(4096, 32, 64, 1);
        bus.dev.sector_size = shapes[i].size;
        bus.dev.sectors = shapes[i].sectors;
        bus.dev.page = shapes[i].page;
        bus.dev.align = shapes[i].align;
        CHECK_INT(flash_slots_max(&bus.dev) > 0, shapes[i].good);
        CHECK_INT(reboot(), shapes[i].good ? ACME_OK : ACME_E_ARG);
    }
}

TEST(what_is_no_call)
{
    char key[ACME_SLOT_KEY_MAX + 2];

    bus_open(4096, 2, 256, 1);
    CHECK_INT(flash_slots_mount(&store, NULL), ACME_E_ARG);
    bus.dev.erase = NULL;
    CHECK_INT(reboot(), ACME_E_ARG);
    bus.dev.erase = bus_erase;
    bus.dev.program = NULL;
    CHECK_INT(reboot(), ACME_E_ARG);
    bus.dev.program = bus_program;
    bus.dev.read = NULL;
    CHECK_INT(reboot(), ACME_E_ARG);
    bus.dev.read = bus_read;
    bus.dev.burst = 0; /* means 1 */
    CHECK_INT(reboot(), ACME_OK);
    CHECK_INT(put(ACME_SLOT_SCHED, 300, 5), ACME_OK);
    CHECK_INT(get(ACME_SLOT_SCHED), 5);
    CHECK_INT(flash_slots_write(&store, ACME_SLOT_SCHED, NULL, "x", 1), ACME_E_ARG);
    CHECK_INT(flash_slots_write(&store, ACME_SLOT_SCHED, "k", NULL, 1), ACME_E_ARG);
    CHECK_INT(flash_slots_write(&store, (enum acme_slot)0, "k", "x", 1), ACME_E_ARG);
    CHECK_INT(flash_slots_write(&store, (enum acme_slot)256, "k", "x", 1), ACME_E_ARG);
    CHECK_INT(flash_slots_read(&store, (enum acme_slot)0, "k", room, sizeof room), ACME_E_ARG);
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    CHECK(flash_slots_write(&store, ACME_SLOT_SCHED, key, "x", 1) < 0);
    CHECK_INT(get(ACME_SLOT_SCHED), 5);
}

RUN()
