#include "board_pool.h"

#include <stdbool.h>
#include <string.h>

#include "acme_config.h"
#include "board.h"
#include "board_fiber.h"
#include "board_print.h"

/* Blocks lie one behind the other and fill the pool. Free neighbours are joined when a search comes
 * by, so that free() is two stores. */
struct pool_block {
    uint32_t size; /* with this header, a multiple of 8 */
    uint32_t mark; /* POOL_USED or POOL_FREE: anything else means that memory was overwritten */
};

#define POOL_USED 0x5ead5eadu
#define POOL_FREE 0xf4eef4eeu
#define POOL_MIN  (sizeof(struct pool_block) + 8)

_Static_assert(BOARD_POOL_SIZE % 8 == 0, "BOARD_POOL_SIZE must be a multiple of 8");

static union {
    uint64_t align;
    uint8_t bytes[BOARD_POOL_SIZE];
} pool;
static struct board_pool_stat pool_stat;

static struct pool_block *pool_at(uint32_t offset)
{
    return (struct pool_block *)(void *)&pool.bytes[offset];
}

static _Noreturn void pool_broken(const void *where)
{
    board_print("pool: overwritten at %x\n", (unsigned)(uintptr_t)where);
    board_exit(70);
}

static void pool_init(void)
{
    *pool_at(0) = (struct pool_block){BOARD_POOL_SIZE, POOL_FREE};
    pool_stat.size = BOARD_POOL_SIZE;
}

/* The block behind b, or NULL at the end. */
static struct pool_block *pool_next(struct pool_block *b)
{
    uint32_t offset = (uint32_t)((uint8_t *)b - pool.bytes);
    if ((b->mark != POOL_USED && b->mark != POOL_FREE) || b->size > BOARD_POOL_SIZE - offset ||
        b->size < sizeof *b)
        pool_broken(b);
    return offset + b->size < BOARD_POOL_SIZE ? pool_at(offset + b->size) : NULL;
}

static void pool_join(struct pool_block *b)
{
    for (struct pool_block *n = pool_next(b); n != NULL && n->mark == POOL_FREE; n = pool_next(b))
        b->size += n->size;
}

static void pool_cut(struct pool_block *b, uint32_t size)
{
    if (b->size - size < POOL_MIN)
        return;
    struct pool_block *rest = (struct pool_block *)(void *)((uint8_t *)b + size);
    *rest = (struct pool_block){b->size - size, POOL_FREE};
    b->size = size;
}

static void *pool_alloc(size_t size)
{
    if (pool_stat.size == 0)
        pool_init();
    uint32_t need = BOARD_POOL_SIZE + 1;
    if (size <= BOARD_POOL_SIZE)
        need = (uint32_t)(((size == 0 ? 8 : size) + 7) & ~(size_t)7) + sizeof(struct pool_block);
    for (struct pool_block *b = pool_at(0); b != NULL; b = pool_next(b)) {
        if (b->mark == POOL_FREE)
            pool_join(b);
        if (b->mark != POOL_FREE || b->size < need)
            continue;
        pool_cut(b, need);
        b->mark = POOL_USED;
        pool_stat.used += b->size;
        if (pool_stat.used > pool_stat.peak)
            pool_stat.peak = pool_stat.used;
        return b + 1;
    }
    pool_stat.failures++;
    pool_stat.refused = (uint32_t)size;
    return NULL;
}

static void pool_free(void *p)
{
    if (p == NULL)
        return;
    struct pool_block *b = (struct pool_block *)p - 1;
    if (b->mark != POOL_USED)
        pool_broken(b); /* freed twice, or overwritten */
    b->mark = POOL_FREE;
    pool_stat.used -= b->size;
}

static void *pool_resize(void *p, size_t size)
{
    if (p == NULL)
        return pool_alloc(size);
    struct pool_block *b = (struct pool_block *)p - 1;
    size_t had = b->size - sizeof *b;
    if (size <= had)
        return p;
    void *fresh = pool_alloc(size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, p, had);
    pool_free(p);
    return fresh;
}

static void pool_stat_fill(struct board_pool_stat *out)
{
    if (pool_stat.size == 0)
        pool_init();
    *out = pool_stat;
    out->largest = 0;
    for (struct pool_block *b = pool_at(0); b != NULL; b = pool_next(b)) {
        if (b->mark != POOL_FREE)
            continue;
        pool_join(b);
        if (b->size - sizeof *b > out->largest)
            out->largest = b->size - (uint32_t)sizeof *b;
    }
}

/* The main loop needs a little of the pool too: random numbers for lwIP are hashes. */

void *board_pool_alloc(size_t size)
{
    board_fiber_hold();
    void *p = pool_alloc(size);
    board_fiber_let();
    return p;
}

void board_pool_free(void *p)
{
    board_fiber_hold();
    pool_free(p);
    board_fiber_let();
}

void *board_pool_resize(void *p, size_t size)
{
    board_fiber_hold();
    void *fresh = pool_resize(p, size);
    board_fiber_let();
    return fresh;
}

void board_pool_stat(struct board_pool_stat *out)
{
    board_fiber_hold();
    pool_stat_fill(out);
    board_fiber_let();
}
