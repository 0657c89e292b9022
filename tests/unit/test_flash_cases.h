/* test_flash_cases.h - the single cases of test_flash_slots.c */

struct box {
    struct flash_sim s;
    struct flash_slots fs;
};

static void box_open(struct box *b, const struct geom *g)
{
    memset(b, 0, sizeof *b);
    sim_for(&b->s, g);
    (void)start(&b->fs, &b->s);
}

static int box_put(struct box *b, int slot, const char *key, const void *data, size_t len)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < LIMIT && r == ACME_AGAIN; i++) {
        r = flash_slots_write(&b->fs, (enum acme_slot)slot, key, data, len);
    }
    return r;
}

static int box_get(struct box *b, int slot, const char *key, char *out, size_t cap)
{
    int r = ACME_AGAIN;
    for (int i = 0; i < LIMIT && r == ACME_AGAIN; i++) {
        r = flash_slots_read(&b->fs, (enum acme_slot)slot, key, out, cap);
    }
    return r;
}

#define WANT(got, want)                                                                            \
    do {                                                                                           \
        int got_ = (int)(got);                                                                     \
        if (got_ != (int)(want)) {                                                                 \
            return fail("line %d: %s is %d, not %d", __LINE__, #got, got_, (int)(want));           \
        }                                                                                          \
    } while (0)

static int case_contract(struct box *b)
{
    static char big[70000];
    char out[300], key[ACME_SLOT_KEY_MAX + 2];
    uint32_t max = flash_slots_max(&b->s.dev);
    WANT(box_get(b, 1, "", out, sizeof out), ACME_E_SLOT_EMPTY);
    WANT(box_put(b, 1, "", "", 0), ACME_OK);
    WANT((int)b->s.ops, 0); /* to empty what is empty costs nothing */
    WANT(box_put(b, 1, "", "one", 3), ACME_OK);
    WANT(box_put(b, 1, "a", "two", 3), ACME_OK);
    WANT(box_put(b, 2, "a", "three", 5), ACME_OK);
    WANT(box_get(b, 1, "", out, sizeof out), 3);
    WANT(memcmp(out, "one", 3), 0);
    WANT(box_get(b, 2, "a", out, 5), 5);
    WANT(memcmp(out, "three", 5), 0);
    WANT(box_get(b, 2, "a", out, 4), ACME_E_SIZE);
    WANT(box_get(b, 2, "ab", out, 4), ACME_E_SLOT_EMPTY);
    WANT(box_put(b, 2, "a", "", 0), ACME_OK);
    WANT(box_get(b, 2, "a", out, sizeof out), ACME_E_SLOT_EMPTY);
    WANT(box_get(b, 1, "a", out, sizeof out), 3);
    memset(key, 'k', sizeof key);
    key[ACME_SLOT_KEY_MAX] = 0;
    WANT(box_put(b, 9, key, "long", 4), ACME_OK);
    WANT(box_get(b, 9, key, out, sizeof out), 4);
    key[ACME_SLOT_KEY_MAX] = 'k';
    key[ACME_SLOT_KEY_MAX + 1] = 0;
    WANT(box_put(b, 9, key, "long", 4), ACME_E_ARG);
    WANT(box_put(b, 0, "", "x", 1), ACME_E_ARG);
    WANT(box_put(b, 3, "", big, max + 1), ACME_E_SIZE);
    WANT(box_put(b, 3, "", big, (size_t)-1), ACME_E_SIZE);
    memset(b->s.mem, 0xff, (size_t)b->s.dev.sector_size * b->s.dev.sectors);
    WANT(start(&b->fs, &b->s), ACME_OK);
    WANT(box_put(b, 3, "", big, max), ACME_OK); /* alone it fits, and can be emptied */
    (void)box_put(b, 4, "", big, 100);
    WANT(box_put(b, 3, "", big, 0), ACME_OK);
    WANT(box_put(b, 3, "", big, max / 2), ACME_OK);
    return 0;
}

/* Until nothing fits: FULL, all stays readable, the vain tries cost no erase, and there is room
 * again after one is emptied. */
static int case_full(struct box *b)
{
    char key[16], out[400];
    char data[400];
    uint32_t n = 0, erases;
    int r = ACME_OK;
    memset(data, 'd', sizeof data);
    for (; n < 500 && r == ACME_OK; n++) {
        snprintf(key, sizeof key, "%u", n);
        data[0] = (char)n;
        r = box_put(b, 4, key, data, sizeof data);
    }
    WANT(r, ACME_E_SLOT_FULL);
    erases = b->s.erase_count;
    for (int i = 0; i < 20; i++) {
        WANT(box_put(b, 4, key, data, sizeof data), ACME_E_SLOT_FULL);
    }
    WANT(b->s.erase_count - erases, 0);
    for (uint32_t i = 0; i + 1 < n; i++) {
        snprintf(key, sizeof key, "%u", i);
        WANT(box_get(b, 4, key, out, sizeof out), (int)sizeof out);
        WANT(out[0], (char)i);
    }
    printf("# full at %u records of %u bytes, in %u sectors of %u\n", n - 1, (unsigned)sizeof data,
           b->s.dev.sectors, b->s.dev.sector_size);
    for (uint32_t i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "%u", i);
        WANT(box_put(b, 4, key, "", 0), ACME_OK);
    }
    WANT(box_put(b, 4, "new", data, sizeof data), ACME_OK);
    WANT(box_get(b, 4, "new", out, sizeof out), (int)sizeof out);
    return 0;
}

static int find_bytes(const struct box *b, const char *what)
{
    uint32_t size = b->s.dev.sector_size * b->s.dev.sectors;
    size_t n = strlen(what);
    for (uint32_t i = 0; i + n <= size; i++) {
        if (memcmp(b->s.mem + i, what, n) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int case_secret(struct box *b)
{
    char out[64];
    int r = ACME_AGAIN;
    WANT(box_put(b, 1, "ca", "the-old-account-key", 19), ACME_OK);
    WANT(box_put(b, 3, "gone", "an-order-with-its-key", 21), ACME_OK);
    WANT(box_put(b, 1, "ca", "the-new-account-key", 19), ACME_OK);
    WANT(box_put(b, 3, "gone", "", 0), ACME_OK);
    WANT(find_bytes(b, "the-old-account-key") >= 0, 1);
    for (int i = 0; i < LIMIT && r == ACME_AGAIN; i++) {
        r = flash_slots_compact(&b->fs);
    }
    WANT(r, ACME_OK);
    WANT(find_bytes(b, "the-old-account-key"), -1);
    WANT(find_bytes(b, "an-order-with-its-key"), -1);
    WANT(box_get(b, 1, "ca", out, sizeof out), 19);
    WANT(memcmp(out, "the-new-account-key", 19), 0);
    WANT(box_get(b, 3, "gone", out, sizeof out), ACME_E_SLOT_EMPTY);
    for (size_t i = 0; i < sizeof b->fs.buf; i++) {
        WANT(i + 7 <= sizeof b->fs.buf && memcmp(b->fs.buf + i, "account", 7) == 0, 0);
    }
    return 0;
}

/* Each bit of a record's bytes and entry, flipped at rest: the older record or a clear error,
 * never other bytes; and the other slots stay. */
static int case_flips(struct box *b)
{
    struct box c;
    char out[64];
    int r = 0;
    uint32_t size = b->s.dev.sector_size;
    WANT(box_put(b, 6, "n", "stays", 5), ACME_OK);
    WANT(box_put(b, 4, "n", "old one", 7), ACME_OK);
    WANT(box_put(b, 4, "n", "new one!", 8), ACME_OK);
    WANT(box_put(b, 5, "n", "alone", 5), ACME_OK);
    memset(&c, 0, sizeof c);
    sim_init(&c.s, size, b->s.dev.sectors, b->s.dev.page, b->s.dev.align);
    for (uint32_t i = 0; i < size * b->s.dev.sectors * 8u && r == 0; i++) {
        uint32_t at = i / 8u;
        int other;
        if (b->s.mem[at] == 0xff) {
            continue;
        }
        sim_copy(&c.s, &b->s);
        c.s.mem[at] ^= (uint8_t)(1u << i % 8u);
        r = start(&c.fs, &c.s) != ACME_OK ? fail("mount, bit %u", i) : 0;
        other = box_get(&c, 4, "n", out, sizeof out);
        if (r == 0 && !(other == 8 && memcmp(out, "new one!", 8) == 0) &&
            !(other == 7 && memcmp(out, "old one", 7) == 0)) {
            r = fail("bit %u: slot 4 reads %d", i, other);
        }
        other = box_get(&c, 5, "n", out, sizeof out);
        if (r == 0 && other != 5 && other != ACME_E_SLOT_CORRUPT && other != ACME_E_SLOT_EMPTY) {
            r = fail("bit %u: slot 5 reads %d", i, other);
        }
        if (r == 0 && (box_put(&c, 5, "n", "again", 5) != ACME_OK ||
                       box_get(&c, 5, "n", out, sizeof out) != 5)) {
            r = fail("bit %u: no write", i);
        }
    }
    sim_free(&c.s);
    return r;
}

/* A body damaged at rest is told as damaged, also after compaction, until it is written again. */
static int case_damaged(struct box *b)
{
    char out[64];
    int at, r = ACME_AGAIN;
    WANT(box_put(b, 5, "name", "bytes-to-be-damaged", 19), ACME_OK);
    at = find_bytes(b, "bytes-to-be-damaged");
    WANT(at >= 0, 1);
    b->s.mem[at] ^= 1;
    WANT(box_get(b, 5, "name", out, sizeof out), ACME_E_SLOT_CORRUPT);
    for (int i = 0; i < LIMIT && r == ACME_AGAIN; i++) {
        r = flash_slots_compact(&b->fs);
    }
    WANT(r, ACME_OK);
    WANT(box_get(b, 5, "name", out, sizeof out), ACME_E_SLOT_CORRUPT);
    WANT(box_put(b, 5, "name", "whole", 5), ACME_OK);
    WANT(box_get(b, 5, "name", out, sizeof out), 5);
    return 0;
}

/* Any operation that silently does nothing, and a sector that stopped working. */
static int case_lazy(struct box *b)
{
    struct model m;
    const struct geom *g = &geoms[1];
    for (uint32_t n = 1; n < 500; n++) {
        memset(&m, 0, sizeof m);
        m.at = -1;
        sim_free(&b->s);
        box_open(b, g);
        b->s.lazy_at = n;
        if (work(&b->fs, &b->s, g, &m, 3, 0, 60) < 0 || check(&b->fs, &m) != 0 ||
            reboot(&b->fs, &b->s, &m) != 0) {
            char *end = why + strlen(why);
            snprintf(end, sizeof why - (size_t)(end - why), " (operation %u did nothing)", n);
            return -1;
        }
    }
    for (uint32_t bad = 0; bad < g->sectors; bad++) {
        memset(&m, 0, sizeof m);
        m.at = -1;
        sim_free(&b->s);
        box_open(b, g);
        for (uint32_t i = 0; i < 400; i += 5) {
            uint8_t *p = b->s.mem + bad * g->size;
            uint32_t number;
            if (work(&b->fs, &b->s, g, &m, 4, i, i + 5) < 0 || reboot(&b->fs, &b->s, &m) != 0) {
                return -1;
            }
            number = (uint32_t)p[8] | (uint32_t)p[9] << 8;
            if (i >= 100 && (number < b->fs.tail || number > b->fs.head)) {
                memset(p, 0x5a, g->size); /* from now on it is neither erased nor programmed */
                b->s.bad_sector = bad;
            }
        }
        WANT(b->s.bad_sector, bad);
    }
    return 0;
}

/* A sector in which one cell cannot be erased any more is not used. */
static int case_stuck(struct box *b)
{
    struct flash_stat st;
    b->s.stuck = 2u * b->s.dev.sector_size + b->s.dev.sector_size / 2u;
    WANT(box_put(b, 3, "k", "x", 1), ACME_OK);
    WANT(idle(&b->fs), ACME_OK);
    WANT(flash_slots_stat(&b->fs, &st), ACME_OK);
    WANT(st.ready + st.used, b->s.dev.sectors - 1u);
    return 0;
}

/* After a cut during compaction the new head is erased again; a cut in that erase could leave its
 * header over weak cells, so the header must be gone first. */
static int case_header(struct box *b)
{
    struct model m;
    const struct geom *g = &geoms[5];
    uint32_t erases = 0;
    for (uint32_t cut = 150; cut < 400; cut++) {
        int at;
        memset(&m, 0, sizeof m);
        m.at = -1;
        sim_free(&b->s);
        box_open(b, g);
        b->s.tail = &b->fs.tail;
        b->s.cut_at = b->s.ops + cut;
        b->s.tear = TEAR_PREFIX;
        at = work(&b->fs, &b->s, g, &m, 3, 0, 150);
        if (at < 0 || reboot(&b->fs, &b->s, &m) != 0 ||
            work(&b->fs, &b->s, g, &m, 3, (uint32_t)at, (uint32_t)at + 40) < 0) {
            return -1;
        }
        erases += b->s.erase_count;
        WANT(b->s.unsafe, 0);
    }
    WANT(erases > 600, 1);
    return 0;
}

/* A newer layout or another geometry is not touched; other people's bytes are no log. */
static int case_foreign(struct box *b)
{
    char out[8];
    struct flash_dev other = b->s.dev;
    uint64_t rng = 9;
    uint32_t size = b->s.dev.sector_size * b->s.dev.sectors;
    WANT(box_put(b, 1, "", "one", 3), ACME_OK);
    other.sector_size /= 2;
    other.sectors *= 2;
    memset(&b->fs, 0, sizeof b->fs);
    WANT(flash_slots_mount(&b->fs, &other), ACME_E_SLOT_VERSION);
    WANT(flash_slots_write(&b->fs, ACME_SLOT_ORDER, "", "x", 1), ACME_E_SLOT_VERSION);
    memset(&b->fs, 0, sizeof b->fs);
    WANT(flash_slots_mount(&b->fs, &b->s.dev), ACME_OK);
    WANT(box_get(b, 1, "", out, sizeof out), 3);
    for (uint32_t i = 0; i < size; i++) {
        b->s.mem[i] = (uint8_t)sim_random(&rng);
    }
    WANT(start(&b->fs, &b->s), ACME_OK);
    WANT(box_get(b, 1, "", out, sizeof out), ACME_E_SLOT_EMPTY);
    WANT(box_put(b, 1, "", "two", 3), ACME_OK);
    WANT(start(&b->fs, &b->s), ACME_OK);
    WANT(box_get(b, 1, "", out, sizeof out), 3);
    memset(b->s.mem, 0, size);
    WANT(start(&b->fs, &b->s), ACME_OK);
    WANT(box_put(b, 1, "", "two", 3), ACME_OK);
    return 0;
}

/* Slots that this version does not know survive compaction. */
static int case_unknown(struct box *b)
{
    char data[200], out[200];
    memset(data, 'u', sizeof data);
    WANT(box_put(b, 77, "later", data, sizeof data), ACME_OK);
    for (int i = 0; i < 300; i++) {
        data[0] = (char)i;
        WANT(box_put(b, 4, "n", data, sizeof data), ACME_OK);
    }
    WANT(b->s.erase_count > 2u * b->s.dev.sectors, 1);
    WANT(box_get(b, 77, "later", out, sizeof out), (int)sizeof out);
    WANT(out[0], 'u');
    return 0;
}

/* Other bytes before the first were done: the first are dropped whole. One call does bounded work.
 */
static int case_drop(struct box *b)
{
    static char one[900], two[900], out[900];
    memset(one, '1', sizeof one);
    memset(two, '2', sizeof two);
    b->s.dev.burst = 1;
    for (uint32_t calls = 1; calls < 30; calls++) {
        for (b->s.busy = 0; b->s.busy < 3; b->s.busy++) {
            int r = ACME_AGAIN, got;
            WANT(box_put(b, 3, "k", "first", 5), ACME_OK);
            for (uint32_t i = 0; i < calls && r == ACME_AGAIN; i++) {
                uint32_t before = b->s.ops;
                r = flash_slots_write(&b->fs, ACME_SLOT_ORDER, "k", one, sizeof one);
                WANT(b->s.ops - before <= 2u, 1); /* one page's end and the next one's begin */
            }
            WANT(box_put(b, 4, "k", two, sizeof two), ACME_OK);
            WANT(box_get(b, 4, "k", out, sizeof out), (int)sizeof out);
            WANT(memcmp(out, two, sizeof out), 0);
            got = box_get(b, 3, "k", out, sizeof out);
            WANT(got == 5 ? r == ACME_AGAIN && memcmp(out, "first", 5) == 0
                          : got == (int)sizeof one && memcmp(out, one, sizeof one) == 0,
                 1);
            WANT(calls > 4 || got == 5, 1); /* after so few pages it cannot stand yet */
            WANT(start(&b->fs, &b->s), ACME_OK);
            WANT(box_get(b, 3, "k", out, sizeof out), got);
        }
    }
    WANT((int)b->s.broken, 0);
    return 0;
}

/* While an erase made ahead is under way, write and read say so; after idle a write need not wait.
 */
static int case_idle(struct box *b)
{
    struct flash_stat st;
    static char data[900];
    WANT(box_put(b, 3, "k", data, sizeof data), ACME_OK);
    for (int i = 0; i < 100; i++) {
        uint32_t before;
        WANT(idle(&b->fs), ACME_OK);
        WANT(flash_slots_stat(&b->fs, &st), ACME_OK);
        WANT(st.ready + st.used, b->s.dev.sectors);
        before = b->s.erase_count;
        data[0] = (char)i;
        WANT(box_put(b, 3, "k", data, sizeof data), ACME_OK);
        WANT((int)(b->s.erase_count - before), 0);
    }
    b->s.busy = 1000;
    for (int i = 0; i < 20; i++) {
        WANT(box_put(b, 3, "k", data, sizeof data), ACME_OK);
        if (flash_slots_idle(&b->fs) == ACME_AGAIN) {
            for (int j = 0; j < 100 && b->s.busy_op == 0; j++) {
                (void)flash_slots_idle(&b->fs);
            }
            WANT(flash_slots_read(&b->fs, ACME_SLOT_ORDER, "k", data, sizeof data), ACME_AGAIN);
            WANT(flash_slots_write(&b->fs, ACME_SLOT_ORDER, "k", "x", 1), ACME_AGAIN);
            WANT(box_put(b, 3, "k", "x", 1), ACME_OK);
            return 0;
        }
    }
    return fail("no erase was ever due");
}

/* A first entry that says, with a right checksum, that the place before it lies outside of the
 * table: nothing is read there, and what the other sectors hold is found all the same. */
static int case_tail(struct box *b)
{
    static const uint32_t places[] = {0x01000000, 4096 / FL_ENTRY, 0xfffffffe};
    char out[300];
    WANT(box_put(b, 1, "", "one", 3), ACME_OK);
    for (int i = 0; b->fs.head < 2; i++) {
        memset(out, i, sizeof out);
        WANT(box_put(b, 4, "n", out, sizeof out), ACME_OK);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint8_t *e = b->s.mem + fl_slot_addr(&b->s.dev, b->fs.head, 0), where[8] = {0};
        WANT(e[2], FL_TYPE_TAIL);
        fl_put32(e + 24, places[i]);
        fl_put32(where, b->fs.head);
        fl_put32(e + 28, acme_crc32(acme_crc32(0, e, 28), where, sizeof where));
        WANT(start(&b->fs, &b->s), ACME_OK);
        WANT(box_get(b, 2, "none", out, sizeof out), ACME_E_SLOT_EMPTY);
        WANT(box_get(b, 1, "", out, sizeof out), 3);
        WANT((int)b->s.broken, 0);
    }
    return 0;
}

/* A chip that does nothing for a while, and works again: so does the store, without a restart. */
static int case_recovers(struct box *b)
{
    char text[40];

    for (int i = 0; i < 400; i++) {
        int r, n = snprintf(text, sizeof text, "record %d", i);
        b->s.lazy_permille = i % 7 == 3 ? 1000 : 0;
        r = box_put(b, ACME_SLOT_SCHED, "a.test", text, (size_t)n);
        if (i % 7 == 3 ? r == ACME_OK : r != ACME_OK)
            return fail("write %d: %d", i, r);
    }
    return 0;
}

/* Power is cut while a record goes to a new head, a small one is written to the old head, and power
 * is cut the same way once more: the small one is not forgotten, whatever the two new heads hold.
 */
static int case_given_up(struct box *b)
{
    static struct box full, first;
    static char big[1200];
    char out[16];
    uint32_t head = 0;

    memset(big, 'b', sizeof big);
    sim_for(&full.s, &geoms[2]);
    sim_for(&first.s, &geoms[2]);
    while (b->fs.head == head || head == 0) { /* up to where the next one takes a new head */
        WANT(idle(&b->fs), ACME_OK);
        sim_copy(&full.s, &b->s);
        head = b->fs.head;
        WANT(box_put(b, 4, "n", big, sizeof big), ACME_OK);
    }
    for (uint32_t i = 1; i <= 20; i++) {
        sim_copy(&b->s, &full.s);
        WANT(start(&b->fs, &b->s), ACME_OK);
        b->s.cut_at = b->s.ops + i;
        (void)box_put(b, 4, "n", big, sizeof big);
        sim_power_on(&b->s);
        WANT(start(&b->fs, &b->s), ACME_OK);
        WANT(box_put(b, 6, "n", "small", 5), ACME_OK);
        sim_copy(&first.s, &b->s);
        for (uint32_t k = 1; k <= 20; k++) {
            sim_copy(&b->s, &first.s);
            WANT(start(&b->fs, &b->s), ACME_OK);
            b->s.cut_at = b->s.ops + k;
            (void)box_put(b, 4, "n", big, sizeof big);
            sim_power_on(&b->s);
            WANT(start(&b->fs, &b->s), ACME_OK);
            WANT(box_get(b, 6, "n", out, sizeof out), 5);
        }
    }
    sim_free(&full.s);
    sim_free(&first.s);
    return 0;
}

static void test_cases(void)
{
    static const struct {
        const char *name;
        int (*run)(struct box *b);
        int geom;
    } cases[] = {
        {"the contract", case_contract, 1},
        {"the contract, 64 KB sectors", case_contract, 0},
        {"full, two sectors", case_full, 5},
        {"full, four sectors", case_full, 1},
        {"compaction erases replaced secrets", case_secret, 1},
        {"each bit flipped at rest", case_flips, 5},
        {"a damaged record is told as damaged", case_damaged, 1},
        {"operations that do nothing, a dead sector", case_lazy, 1},
        {"a chip that does nothing for a while, two sectors", case_recovers, 0},
        {"a chip that does nothing for a while", case_recovers, 1},
        {"a stuck cell", case_stuck, 1},
        {"a header is gone before its erase", case_header, 5},
        {"foreign bytes, other geometry", case_foreign, 1},
        {"unknown slots survive", case_unknown, 1},
        {"a forged first entry", case_tail, 1},
        {"new heads given up twice", case_given_up, 2},
        {"a write given up", case_drop, 1},
        {"erasing ahead", case_idle, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct box b;
        box_open(&b, &geoms[cases[i].geom]);
        report(cases[i].name, cases[i].run(&b));
        sim_free(&b.s);
    }
}
