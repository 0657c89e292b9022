/* test_flash_slots.c - port/flash against a flash that loses power at every operation
 *
 * With an argument N the random runs are N times as long. */
#include "flash_log.h"
#include "../flash/flash_sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS  6
#define BIG   8192
#define GEOMS 6
#define LIMIT 200000 /* calls of one write: more is a hang */

static int failed, ran;
static char why[300];
static uint32_t scale = 1;

static int fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return -1;
}

static void report(const char *name, int r)
{
    char word[120]; /* the name of a case is one word */
    size_t n = 0;

    for (; name[n] != 0 && n + 1 < sizeof word; n++)
        word[n] = (char)(name[n] == ' ' || name[n] == ':' ? '-' : name[n]);
    word[n] = 0;
    ran++;
    failed += r != 0;
    printf(r != 0 ? "not ok %s: %s\n" : "ok %s\n", word, why);
    why[0] = 0;
    fflush(stdout);
}

struct geom {
    const char *name;
    uint32_t size, sectors;
    uint16_t page, align;
    int overwrites;
    uint32_t body; /* the longest value in the random work */
};

static const struct geom geoms[GEOMS] = {
    {"2x64K/256", 65536, 2, 256, 1, 0, 6000},
    {"4x4K/256", 4096, 4, 256, 1, 0, 900},
    {"8x4096/16", 4096, 8, 16, 16, 0, 900},
    {"16x512/1", 512, 16, 32, 1, 0, 60},
    {"3x32768/256*256", 32768, 3, 256, 256, 0, 3000},
    {"2x4K/64 overwriting", 4096, 2, 64, 4, 1, 300},
};

/* What the slots must hold. A value is made of its key, version and length. */
struct value {
    uint32_t version, len;
};

struct model {
    struct value now[KEYS], next; /* next: being written to key `at` when the power failed */
    int at;
};

static const char *key_name(int k)
{
    static char names[KEYS][254];
    static const uint8_t len[KEYS] = {0, 64, 11, 3, 40, 30};
    for (uint32_t i = 0; i < len[k]; i++) {
        names[k][i] = (char)('a' + (i * 7 + (uint32_t)k) % 26);
    }
    return names[k];
}

static enum acme_slot key_slot(int k)
{
    static const enum acme_slot slots[KEYS] = {ACME_SLOT_DEVICE, ACME_SLOT_ACCOUNT,
                                               ACME_SLOT_ORDER,  ACME_SLOT_SCHED,
                                               ACME_SLOT_CERT_A, ACME_SLOT_CERT_B};
    return slots[k];
}

static void fill(uint8_t *out, int k, struct value v)
{
    uint64_t r = (uint64_t)v.version * 64u + (uint32_t)k;
    for (uint32_t i = 0; i < v.len; i++) {
        out[i] = (uint8_t)sim_random(&r);
    }
}

static int put(struct flash_slots *fs, int k, struct value v)
{
    static uint8_t data[BIG];
    fill(data, k, v);
    for (int i = 0; i < LIMIT; i++) {
        int r = flash_slots_write(fs, key_slot(k), key_name(k), data, v.len);
        if (r != ACME_AGAIN) {
            return r;
        }
    }
    return ACME_AGAIN;
}

static int start(struct flash_slots *fs, struct flash_sim *s)
{
    int r;
    memset(fs, 0, sizeof *fs);
    for (int i = 0; i < LIMIT; i++) {
        r = flash_slots_mount(fs, &s->dev);
        if (r != ACME_AGAIN) {
            return r;
        }
    }
    return ACME_AGAIN;
}

static int idle(struct flash_slots *fs)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < LIMIT && r == ACME_AGAIN; i++) {
        r = flash_slots_idle(fs);
    }
    return r;
}

static int get(struct flash_slots *fs, int k, uint8_t *out)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < LIMIT && r == ACME_AGAIN; i++) {
        r = flash_slots_read(fs, key_slot(k), key_name(k), out, BIG);
    }
    return r;
}

static int holds(struct flash_slots *fs, int k, struct value v)
{
    static uint8_t got[BIG], want[BIG];
    int r = get(fs, k, got);
    fill(want, k, v);
    return v.len == 0 ? r == ACME_E_SLOT_EMPTY : r == (int)v.len && memcmp(got, want, v.len) == 0;
}

/* Each slot holds its value; the one that was being written, the old or the new. */
static int check(struct flash_slots *fs, struct model *m)
{
    for (int k = 0; k < KEYS; k++) {
        if (k == m->at && holds(fs, k, m->next)) {
            m->now[k] = m->next;
        } else if (!holds(fs, k, m->now[k])) {
            static uint8_t got[BIG];
            return fail("slot %d reads %d, not version %u of %u bytes", k, get(fs, k, got),
                        m->now[k].version, m->now[k].len);
        }
    }
    m->at = -1;
    return 0;
}

/* The i-th write of a piece of work: depends on seed and i alone. */
static struct value step(const struct geom *g, uint64_t seed, uint32_t i, int *k)
{
    uint64_t r = seed * 1000003u + i;
    struct value v;
    *k = (int)(sim_random(&r) % KEYS);
    v.version = i + 1;
    v.len = sim_random(&r) % 3 == 0 ? g->body : g->body / 8 + 8;
    v.len = 1 + sim_random(&r) % v.len;
    if (sim_random(&r) % 12 == 0) {
        v.len = 0;
    }
    return v;
}

/* Writes from..to; stops when the power fails. The number done, or -1. */
static int work(struct flash_slots *fs, struct flash_sim *s, const struct geom *g, struct model *m,
                uint64_t seed, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        int k, r;
        struct value v = step(g, seed, i, &k);
        m->at = k;
        m->next = v;
        r = put(fs, k, v);
        if (s->dead && r != ACME_OK) {
            return (int)i;
        }
        if (r != ACME_OK) {
            return fail("write %u of %u bytes to slot %d: %d", i, v.len, k, r);
        }
        m->now[k] = v;
        m->at = -1;
        if (s->dead) {
            return (int)i + 1;
        }
        if (i % 3 == 0) {
            r = idle(fs);
            if (s->dead) {
                return (int)i + 1;
            }
            if (r != ACME_OK) {
                return fail("idle after write %u: %d", i, r);
            }
        }
    }
    return (int)to;
}

static void sim_for(struct flash_sim *s, const struct geom *g)
{
    sim_init(s, g->size, g->sectors, g->page, g->align);
    s->overwrites = g->overwrites;
}

/* After a cut: mount, check, mount again (what was read stays), check. */
static int reboot(struct flash_slots *fs, struct flash_sim *s, struct model *m)
{
    int at = m->at, r;
    struct value old = m->now[at < 0 ? 0 : at];
    sim_power_on(s);
    r = start(fs, s);
    if (r != ACME_OK) {
        return fail("mount: %d", r);
    }
    if (check(fs, m) != 0) {
        return -1;
    }
    if (at >= 0 && memcmp(&old, &m->now[at], sizeof old) == 0) {
        m->at = at; /* the old one was read: nothing was settled, a later boot may find the new */
    }
    r = start(fs, s);
    return r != ACME_OK ? fail("second mount: %d", r) : check(fs, m);
}

/* One run: work, cut at operation cut1; reboot; cut2 operations later again; then to the end. */
struct run {
    const struct geom *g;
    const struct flash_sim *from; /* state, model and write number at the start */
    const struct model *model;
    uint64_t seed;
    uint32_t first, count, cut1, cut2;
    enum sim_tear tear;
    uint32_t chance;
};

/* 0: done; 1: the first cut lies beyond the end; 2: the second does; -1. */
static int run_once(const struct run *q, struct flash_sim *s, struct flash_slots *fs)
{
    struct model m = *q->model;
    int at, beyond = 0;
    sim_copy(s, q->from);
    sim_power_on(s);
    s->rng = q->chance * 7919u + q->cut1 * 31u + q->cut2;
    s->tear = q->tear;
    if (start(fs, s) != ACME_OK) {
        return fail("first mount");
    }
    s->cut_at = s->ops + q->cut1;
    at = work(fs, s, q->g, &m, q->seed, q->first, q->first + q->count);
    if (at < 0) {
        return -1;
    }
    if (!s->dead) {
        return 1;
    }
    if (reboot(fs, s, &m) != 0) {
        return -1;
    }
    at += q->cut1 % 2u != 0 && at < (int)(q->first + q->count); /* not every write is tried again */
    if (q->cut2 != 0) {
        sim_power_on(s);
        s->cut_at = q->cut2;
        (void)start(fs, s); /* the settling at mount is cut too */
        at = s->dead ? at : work(fs, s, q->g, &m, q->seed, (uint32_t)at, q->first + q->count);
        if (at < 0) {
            return -1;
        }
        beyond = s->dead ? 0 : 2;
        if (s->dead && reboot(fs, s, &m) != 0) {
            return -1;
        }
    }
    s->cut_at = 0;
    at = work(fs, s, q->g, &m, q->seed, (uint32_t)at, q->first + q->count + 3);
    if (at < 0 || reboot(fs, s, &m) != 0) {
        return -1;
    }
    return s->broken != 0 ? fail("%u calls against the contract", s->broken) : beyond;
}

/* Before the cuts: work until the flash was compacted and is nearly full again, so that a few
 * writes more go through a compaction. */
static int prepare(const struct geom *g, struct flash_sim *s, struct model *m, uint64_t seed,
                   uint32_t *at, uint32_t erases)
{
    static struct flash_slots fs;
    struct flash_stat st;
    uint32_t before;
    memset(m, 0, sizeof *m);
    m->at = -1;
    *at = 0;
    if (start(&fs, s) != ACME_OK) {
        return fail("mount of blank flash");
    }
    before = s->erase_count;
    st.free_bytes = SIM_NONE;
    while (s->erase_count < before + erases || st.free_bytes > g->body / 2u + 256u) {
        int r = work(&fs, s, g, m, seed, *at, *at + 1);
        if (r < 0) {
            return -1;
        }
        ++*at;
        if (flash_slots_stat(&fs, &st) != ACME_OK) {
            return fail("stat");
        }
    }
    return 0;
}

static int cuts(const struct geom *g, uint32_t count, int pairs, uint32_t chances, uint32_t *runs)
{
    static struct flash_slots fs;
    struct flash_sim base, s;
    struct model m;
    struct run q;
    int r = 0;
    uint32_t at;
    memset(&q, 0, sizeof q);
    sim_for(&base, g);
    sim_for(&s, g);
    for (uint64_t seed = 1; seed <= (pairs ? 1u : 2u) && r >= 0; seed++) {
        sim_free(&base);
        sim_for(&base, g);
        r = prepare(g, &base, &m, seed, &at, g->sectors + 2u);
        q.g = g;
        q.from = &base;
        q.model = &m;
        q.seed = seed;
        q.first = at;
        q.count = count;
        for (q.chance = 0; q.chance < chances && r >= 0; q.chance++) {
            for (int t = 0; t < TEAR_KINDS && r >= 0; t++) {
                q.tear = (enum sim_tear)t;
                if (pairs && scale == 1 && (t == TEAR_BEFORE || t == TEAR_AFTER)) {
                    continue;
                }
                for (q.cut1 = 1, r = 0; r != 1 && r >= 0; q.cut1++) {
                    q.cut2 = pairs ? 1 : 0;
                    do {
                        r = run_once(&q, &s, &fs);
                        ++*runs;
                        q.cut2++;
                    } while (pairs && r == 0);
                    if (r == 1 && s.erase_count == base.erase_count) {
                        r = fail("no compaction within the work");
                    }
                }
            }
        }
    }
    if (r < 0) {
        size_t n = strlen(why);
        snprintf(why + n, sizeof why - n, " (seed %u tear %d chance %u cuts %u %u)",
                 (unsigned)q.seed, (int)q.tear, q.chance, q.cut1, q.cut2);
    }
    sim_free(&base);
    sim_free(&s);
    return r < 0 ? -1 : 0;
}

static void test_cuts(void)
{
    static const uint32_t single[GEOMS] = {8, 8, 6, 12, 8, 10}, pair[GEOMS] = {0, 3, 0, 4, 0, 4};
    for (int i = 0; i < GEOMS; i++) {
        char name[80];
        uint32_t runs = 0;
        int r = cuts(&geoms[i], single[i], 0, scale, &runs);
        snprintf(name, sizeof name, "each cut, %s (%u runs)", geoms[i].name, runs);
        report(name, r);
        if (pair[i] != 0) {
            runs = 0;
            r = cuts(&geoms[i], pair[i], 1, scale, &runs);
            snprintf(name, sizeof name, "each pair of cuts, %s (%u runs)", geoms[i].name, runs);
            report(name, r);
        }
    }
}

/* From blank flash: the first format is cut too. */
static int first_cuts(const struct geom *g)
{
    static struct flash_slots fs;
    struct flash_sim base, s;
    struct model m;
    struct run q;
    int r = 0;
    memset(&m, 0, sizeof m);
    m.at = -1;
    memset(&q, 0, sizeof q);
    sim_for(&base, g);
    sim_for(&s, g);
    q.g = g;
    q.from = &base;
    q.model = &m;
    q.seed = 5;
    q.count = 3;
    for (int t = 0; t < TEAR_KINDS && r >= 0; t++) {
        q.tear = (enum sim_tear)t;
        for (q.cut1 = 1, r = 0; r == 0; q.cut1++) {
            r = run_once(&q, &s, &fs);
        }
    }
    sim_free(&base);
    sim_free(&s);
    return r < 0 ? -1 : 0;
}

/* Thousands of random writes, reboots, cuts and idle times; then wear. */
static int random_work(const struct geom *g, uint64_t seed, int busy, int with_cuts)
{
    static struct flash_slots fs;
    struct flash_sim s;
    struct model m;
    uint32_t writes = (g->size > 8192 ? 500u : 1000u) * scale, min = SIM_NONE, max = 0;
    uint64_t rng = seed;
    int at = 0, r = 0, cut_count = 0;
    sim_for(&s, g);
    s.busy = busy;
    s.rng = seed;
    memset(&m, 0, sizeof m);
    m.at = -1;
    r = start(&fs, &s);
    while (r == 0 && at < (int)writes) {
        uint32_t n = 1 + sim_random(&rng) % 40;
        if (with_cuts) {
            s.cut_at = s.ops + 1 + sim_random(&rng) % 200;
            s.tear = (enum sim_tear)(sim_random(&rng) % TEAR_KINDS);
        }
        at = work(&fs, &s, g, &m, seed, (uint32_t)at, (uint32_t)at + n);
        cut_count += s.dead;
        r = at < 0 ? -1 : reboot(&fs, &s, &m);
    }
    for (uint32_t i = 0; i < g->sectors; i++) {
        min = s.erases[i] < min ? s.erases[i] : min;
        max = s.erases[i] > max ? s.erases[i] : max;
    }
    printf("# %s%s: %d writes, %d cuts, %u erases, of one sector %u to %u, %u bytes programmed\n",
           g->name, busy ? ", busy" : "", at, cut_count, s.erase_count, min, max, s.program_bytes);
    if (r == 0 && !with_cuts && (max - min > 2 || s.over != 0)) {
        r = fail("wear %u to %u, %u programs over programmed bytes", min, max, s.over);
    }
    if (r == 0 && (min == 0 || s.broken != 0)) {
        r = fail("a sector was never used, or %u calls against the contract", s.broken);
    }
    sim_free(&s);
    return r;
}

static void test_random(void)
{
    for (int i = 0; i < GEOMS; i++) {
        char name[80];
        snprintf(name, sizeof name, "random writes and reboots, %s", geoms[i].name);
        report(name, random_work(&geoms[i], 11u + (uint32_t)i, i % 2 ? 3 : 0, 0));
        snprintf(name, sizeof name, "random writes and cuts, %s", geoms[i].name);
        report(name, random_work(&geoms[i], 31u + (uint32_t)i, i % 2 ? 0 : 2, 1));
        snprintf(name, sizeof name, "cuts from blank flash on, %s", geoms[i].name);
        report(name, first_cuts(&geoms[i]));
    }
}

#include "test_flash_cases.h"

int main(int argc, char **argv)
{
    if (argc > 1) {
        scale = (uint32_t)atoi(argv[1]);
    }
    test_cases();
    if (argc < 3)
        test_random();
    test_cuts();
    printf("# %d cases, %d failed\n", ran, failed);
    return failed != 0;
}
