/* The clauses of slots over port/flash, on a chip in memory that loses power in the middle of an
 * operation. Everything else of the port is absent here: a board's other parts have tests of their
 * own. */
#include <stdio.h>
#include <string.h>

#include "conformance.h"
#include "flash_sim.h"

struct bench {
    struct flash_sim chip;
    struct flash_slots store;
    struct acme_slots ops;
    unsigned tears;
};

static struct bench bench;

static int mount(struct bench *b)
{
    int err;

    memset(&b->store, 0, sizeof b->store);
    while ((err = flash_slots_mount(&b->store, &b->chip.dev)) == ACME_AGAIN)
        continue;
    b->ops.ctx = &b->store;
    b->ops.read = flash_slots_read;
    b->ops.write = flash_slots_write;
    return err;
}

static bool reopen(void *ctx)
{
    struct bench *b = ctx;

    sim_power_on(&b->chip);
    return mount(b) == ACME_OK;
}

/* Every kind of tear in turn. */
static int cut_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len,
                     unsigned n)
{
    struct bench *b = ctx;
    int err, cut;

    b->chip.tear = (enum sim_tear)(b->tears++ % TEAR_KINDS);
    b->chip.cut_at = b->chip.ops + n + 1;
    while ((err = b->ops.write(b->ops.ctx, slot, key, data, len)) == ACME_AGAIN && !b->chip.dead)
        continue;
    cut = b->chip.dead;
    b->chip.cut_at = 0;
    if (!cut && err != ACME_OK)
        return -1;
    return reopen(b) ? cut : -1;
}

static void no_wait(void *ctx, uint32_t ms)
{
    (void)ctx;
    (void)ms;
}

static int no_entropy(void *ctx, void *out, size_t len)
{
    (void)ctx;
    (void)out;
    (void)len;
    return ACME_E_ENTROPY;
}

static uint64_t clock_ms(void *ctx)
{
    static uint64_t now;

    (void)ctx;
    return now += 10;
}

static int no_clock(void *ctx, int64_t *seconds)
{
    (void)ctx;
    (void)seconds;
    return ACME_E_CLOCK;
}

static bool run(const char *label, uint32_t size, uint32_t sectors, uint16_t page, uint16_t align,
                int overwrites, int busy)
{
    static struct acme_port port;
    struct conf_hooks hooks;
    struct conf_report report;
    bool fine;

    memset(&bench, 0, sizeof bench);
    memset(&hooks, 0, sizeof hooks);
    memset(&report, 0, sizeof report);
    sim_init(&bench.chip, size, sectors, page, align);
    bench.chip.overwrites = overwrites;
    bench.chip.busy = busy;
    if (mount(&bench) != ACME_OK)
        return false;
    port.slots = &bench.ops;
    port.entropy = no_entropy;
    port.now_ms = clock_ms;
    port.unix_time = no_clock;
    hooks.label = label;
    hooks.port = &port;
    hooks.ctx = &bench;
    hooks.wait = no_wait;
    hooks.patience = 100000; /* turns: an erase and a compaction take many */
    hooks.record_max = size < 32768 ? size / 4 : 8192;
    hooks.reopen = reopen;
    hooks.cut_write = cut_write;
    fine = conf_run(&hooks, "S", &report);
    sim_free(&bench.chip);
    return fine && report.failed == 0;
}

int main(void)
{
    bool fine = run("nor64k", 65536, 4, 256, 1, 0, 0);

    /* Sectors large enough that a compaction does not move the moments of a cut from try to try. */
    fine = run("nor16k", 16384, 8, 256, 4, 0, 3) && fine;
    fine = run("overwriting", 32768, 3, 256, 256, 1, 0) && fine;
    return fine ? 0 : 1;
}
