/* flash_sim.c - see flash_sim.h */
#include "flash_sim.h"

#include <stdlib.h>
#include <string.h>

uint32_t sim_random(uint64_t *rng)
{
    uint64_t z = (*rng += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static uint32_t sim_size(const struct flash_sim *s)
{
    return s->dev.sector_size * s->dev.sectors;
}

/* The operation under way goes on still. */
static int sim_waits(struct flash_sim *s)
{
    if (s->busy_left > 0) {
        s->busy_left--;
        return 1;
    }
    return s->busy_until != 0 && s->world != NULL &&
           s->world->now_ms(s->world->ctx) < s->busy_until;
}

static int sim_busy(struct flash_sim *s, int op, uint32_t addr)
{
    if (s->busy_op != 0 && (s->busy_op != op || s->busy_addr != addr)) {
        s->broken++; /* another operation before this one was done */
    }
    if (s->busy_op == 0) {
        s->busy_op = op;
        s->busy_addr = addr;
        s->busy_left = s->busy;
        s->busy_until =
            s->world != NULL && op == 2 ? s->world->now_ms(s->world->ctx) + s->erase_ms : 0;
    }
    if (sim_waits(s)) {
        return ACME_AGAIN;
    }
    s->busy_op = 0;
    return ACME_OK;
}

static int sim_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    struct flash_sim *s = ctx;
    uint8_t *out = buf;
    if (addr > sim_size(s) || len > sim_size(s) - addr) {
        s->broken++;
        return ACME_E_ARG;
    }
    if (s->dead) {
        return ACME_E_SLOT;
    }
    if (s->busy_op != 0 && sim_waits(s)) {
        return ACME_AGAIN;
    }
    memcpy(out, s->mem + addr, len);
    for (size_t i = 0; s->soft_count != 0 && i < len; i++) {
        if (s->soft[addr + i] != 0) {
            out[i] = (uint8_t)(out[i] ^ (s->soft[addr + i] & sim_random(&s->rng)));
        }
    }
    return ACME_OK;
}

/* One byte to its new value, torn in the given way; nth counts down to the point of the cut. */
static void sim_byte(struct flash_sim *s, uint32_t at, uint8_t to, int torn, int in_prefix)
{
    uint8_t old = s->mem[at], change = (uint8_t)(old ^ to);
    uint8_t r1 = (uint8_t)sim_random(&s->rng), r2 = (uint8_t)sim_random(&s->rng);
    uint8_t rare = (uint8_t)(r1 & r2 & sim_random(&s->rng));
    if (!torn || in_prefix == 1) {
        s->mem[at] = to;
        s->soft[at] = (uint8_t)(s->soft[at] & ~change & to); /* a 0 programmed, or erased: firm */
        return;
    }
    if (s->tear == TEAR_MIX || in_prefix == 2) {
        s->mem[at] = (uint8_t)((old & ~(change & r1)) | (to & change & r1));
        s->soft[at] |= change & r2;
    } else if (s->tear == TEAR_EARLY) {
        s->soft[at] |= change & rare;
    } else if (s->tear == TEAR_LATE) {
        s->mem[at] = to;
        s->soft[at] |= in_prefix == 3 ? change & (uint8_t)-change : 0;
    }
    s->soft_count += s->soft[at] != 0;
}

/* Bytes [addr, addr + len) become data, or 0xff when data is NULL. */
static void sim_change(struct flash_sim *s, uint32_t addr, const uint8_t *data, uint32_t len,
                       int torn)
{
    uint32_t stop = len != 0 ? sim_random(&s->rng) % len : 0;
    if (torn && (s->tear == TEAR_BEFORE)) {
        return;
    }
    if (s->tear == TEAR_AFTER) {
        torn = 0;
    }
    for (uint32_t i = 0; i < len; i++) {
        uint8_t to = data == NULL ? 0xff : data[i];
        int in_prefix = 0;
        if (torn && s->tear == TEAR_PREFIX) {
            if (i > stop) {
                return;
            }
            in_prefix = i < stop ? 1 : 2;
        }
        if (torn && s->tear == TEAR_SUFFIX) {
            if (i < stop) {
                continue;
            }
            in_prefix = i > stop ? 1 : 2;
        }
        if (torn && s->tear == TEAR_LATE && i >= stop && (s->mem[addr + i] & 0x5a) != (to & 0x5a)) {
            in_prefix = 3; /* one bit, once */
            stop = len;
        }
        if (data != NULL && !s->overwrites) {
            to &= s->mem[addr + i];
        }
        if (!torn && data == NULL) {
            s->soft[addr + i] = 0;
        }
        if (!torn && data != NULL) {
            s->soft[addr + i] = s->overwrites ? 0 : (uint8_t)(s->soft[addr + i] & data[i]);
            s->mem[addr + i] = to;
            continue;
        }
        sim_byte(s, addr + i, to, torn, in_prefix);
    }
}

static int sim_cut(struct flash_sim *s, int erase)
{
    s->ops++;
    return s->ops == s->cut_at || (s->world != NULL && s->world->cut(s->world->ctx, erase));
}

static int sim_lazy(struct flash_sim *s)
{
    return s->ops == s->lazy_at ||
           (s->lazy_permille != 0 && sim_random(&s->rng) % 1000 < s->lazy_permille);
}

static int sim_done(struct flash_sim *s, int torn)
{
    s->dead = torn;
    if (torn && s->world != NULL) {
        s->world->dead(s->world->ctx);
    }
    return torn ? ACME_E_SLOT : ACME_OK;
}

static int sim_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    struct flash_sim *s = ctx;
    const uint8_t *p = data;
    int zeros = 1, blank = 1, torn;
    if (s->dead) {
        return ACME_E_SLOT;
    }
    if (sim_busy(s, 1, addr) != ACME_OK) {
        return ACME_AGAIN;
    }
    if (len == 0 || addr > sim_size(s) || len > sim_size(s) - addr || addr % s->dev.align != 0 ||
        len % s->dev.align != 0 || addr / s->dev.page != (addr + len - 1) / s->dev.page) {
        s->broken++;
        return ACME_E_ARG;
    }
    for (size_t i = 0; i < len; i++) {
        zeros &= p[i] == 0;
        blank &= s->mem[addr + i] == 0xff && s->soft[addr + i] == 0;
    }
    s->over += !zeros && !blank;
    torn = sim_cut(s, 0);
    s->program_bytes += (uint32_t)len;
    if (!sim_lazy(s) && addr / s->dev.sector_size != s->bad_sector) {
        sim_change(s, addr, p, (uint32_t)len, torn);
    }
    return sim_done(s, torn);
}

static int sim_erase(void *ctx, uint32_t sector)
{
    struct flash_sim *s = ctx;
    int torn;
    if (s->dead) {
        return ACME_E_SLOT;
    }
    if (sector >= s->dev.sectors) {
        s->broken++;
        return ACME_E_ARG;
    }
    if (sim_busy(s, 2, sector) != ACME_OK) {
        return ACME_AGAIN;
    }
    if (s->tail != NULL) {
        const uint8_t *h = s->mem + sector * s->dev.sector_size;
        uint32_t number = (uint32_t)h[8] | (uint32_t)h[9] << 8;
        s->unsafe += memcmp(h, "LWF1", 4) == 0 && number >= *s->tail;
    }
    torn = sim_cut(s, 1);
    s->erases[sector]++;
    s->erase_count++;
    if (!sim_lazy(s) && sector != s->bad_sector) {
        sim_change(s, sector * s->dev.sector_size, NULL, s->dev.sector_size, torn);
    }
    if (s->stuck != SIM_NONE && s->stuck / s->dev.sector_size == sector) {
        s->mem[s->stuck] = 0;
    }
    return sim_done(s, torn);
}

void sim_init(struct flash_sim *s, uint32_t size, uint32_t sectors, uint16_t page, uint16_t align)
{
    memset(s, 0, sizeof *s);
    s->dev.ctx = s;
    s->dev.erase = sim_erase;
    s->dev.program = sim_program;
    s->dev.read = sim_read;
    s->dev.sector_size = size;
    s->dev.sectors = sectors;
    s->dev.page = page;
    s->dev.align = align;
    s->dev.burst = 4;
    s->bad_sector = SIM_NONE;
    s->stuck = SIM_NONE;
    s->mem = malloc((size_t)size * sectors);
    s->soft = calloc(sectors, size);
    if (s->mem == NULL || s->soft == NULL) {
        abort();
    }
    memset(s->mem, 0xff, (size_t)size * sectors);
}

void sim_blank(struct flash_sim *s)
{
    memset(s->mem, 0xff, sim_size(s));
    memset(s->soft, 0, sim_size(s));
    s->soft_count = 0;
    s->bad_sector = SIM_NONE;
    s->stuck = SIM_NONE;
    s->lazy_permille = 0;
    s->broken = 0;
    s->over = 0;
    s->unsafe = 0;
    s->program_bytes = 0;
    s->erase_count = 0;
    memset(s->erases, 0, sizeof s->erases);
    sim_power_on(s);
}

void sim_free(struct flash_sim *s)
{
    free(s->mem);
    free(s->soft);
}

void sim_copy(struct flash_sim *to, const struct flash_sim *from)
{
    uint8_t *mem = to->mem, *soft = to->soft;
    memcpy(mem, from->mem, sim_size(from));
    memcpy(soft, from->soft, sim_size(from));
    *to = *from;
    to->mem = mem;
    to->soft = soft;
    to->dev.ctx = to;
}

void sim_power_on(struct flash_sim *s)
{
    s->dead = 0;
    s->busy_op = 0;
    s->ops = 0;
    s->cut_at = 0;
    s->lazy_at = 0;
}

void sim_power_off(struct flash_sim *s)
{
    if (s->busy_op == 2 && !s->dead && s->busy_addr != s->bad_sector) {
        s->erases[s->busy_addr]++;
        s->erase_count++;
        sim_change(s, s->busy_addr * s->dev.sector_size, NULL, s->dev.sector_size, 1);
    }
    s->dead = 1;
}

void sim_flip(struct flash_sim *s)
{
    for (int i = 0; i < 64; i++) {
        uint32_t at = sim_random(&s->rng) % sim_size(s);
        if (s->mem[at] == 0xff) {
            continue;
        }
        s->mem[at] ^= (uint8_t)(1u << sim_random(&s->rng) % 8);
        return;
    }
}
