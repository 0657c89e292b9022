/* conf_slots.c - clauses about records */
#include "conf_private.h"

#include <string.h>

#define CS_CA   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CS_CA2  "00112233445566778899aabbccddeeff00112233445566778899aabbccddee00"
#define CS_ROOM 40000

struct cs_where {
    enum acme_slot slot;
    const char *key;
};

/* Every slot, and keys that a careless port might take for each other. */
static const struct cs_where cs_all[] = {
    {ACME_SLOT_ACCOUNT, CS_CA},
    {ACME_SLOT_ACCOUNT, CS_CA2},
    {ACME_SLOT_CA_LEDGER, CS_CA},
    {ACME_SLOT_ORDER, "www.example.org"},
    {ACME_SLOT_CERT_A, "www.example.org"},
    {ACME_SLOT_CERT_B, "www.example.org"},
    {ACME_SLOT_SCHED, "www.example.org"},
    {ACME_SLOT_SCHED, "example.org"},
    {ACME_SLOT_SCHED, "*.example.org"},
    {ACME_SLOT_SCHED, "192.0.2.1"},
    {ACME_SLOT_SCHED, "2001:db8::1"},
    {ACME_SLOT_SCHED, "2001:db8:1::"},
    {ACME_SLOT_SCHED, "::1"},
    {ACME_SLOT_SOLVER, "rfc2136"},
    {ACME_SLOT_SOLVER, "acme-dns"},
    {ACME_SLOT_DEVICE, ""},
    {ACME_SLOT_CONFIG, ""},
};
#define CS_ALL (sizeof cs_all / sizeof cs_all[0])

static unsigned char cs_data[CS_ROOM], cs_got[CS_ROOM + 16];

/* write, repeated with the same bytes while the medium is busy. */
static int cs_write(struct conf *c, enum acme_slot slot, const char *key, unsigned seed, size_t len)
{
    const struct acme_slots *s = c->port->slots;
    int got;

    for (size_t i = 0; i < len; i++)
        cs_data[i] = conf_byte(seed, i);
    conf_moved(c);
    while ((got = s->write(s->ctx, slot, key, cs_data, len)) == ACME_AGAIN && conf_turn(c))
        continue;
    for (size_t i = 0; i < len; i++) {
        if (cs_data[i] != conf_byte(seed, i)) {
            conf_fail(c, "write changed the caller's bytes");
            break;
        }
    }
    return got;
}

static int cs_read(struct conf *c, enum acme_slot slot, const char *key, size_t cap)
{
    const struct acme_slots *s = c->port->slots;

    memset(cs_got, 0xe7, sizeof cs_got);
    int got = s->read(s->ctx, slot, key, cs_got, cap);
    for (size_t i = cap; i < cap + 16; i++) {
        if (cs_got[i] != 0xe7) {
            conf_fail(c, "read wrote outside its buffer");
            break;
        }
    }
    if (got == 0)
        conf_fail(c, "read answered 0");
    return got;
}

/* Whether what cs_read gave is record seed of len bytes. */
static bool cs_is(int got, unsigned seed, size_t len)
{
    if (got < 0 || (size_t)got != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (cs_got[i] != conf_byte(seed, i))
            return false;
    }
    return true;
}

static bool cs_holds(struct conf *c, enum acme_slot slot, const char *key, unsigned seed,
                     size_t len)
{
    int got = cs_read(c, slot, key, CS_ROOM);

    return cs_is(got, seed, len) ||
           conf_fail(c, "slot %d of \"%s\" does not hold record %u of %lu bytes (%d)", (int)slot,
                     key, seed, (unsigned long)len, got);
}

static void cs_empty_first(struct conf *c)
{
    for (size_t i = 0; i < CS_ALL; i++) {
        CONF_STATUS(cs_write(c, cs_all[i].slot, cs_all[i].key, 0, 0), ACME_OK);
        CONF_STATUS(cs_read(c, cs_all[i].slot, cs_all[i].key, CS_ROOM), ACME_E_SLOT_EMPTY);
    }
    CONF_STATUS(cs_read(c, ACME_SLOT_SCHED, "never.example.org", CS_ROOM), ACME_E_SLOT_EMPTY);
    CONF_STATUS(cs_read(c, ACME_SLOT_SOLVER, "never", CS_ROOM), ACME_E_SLOT_EMPTY);
}

static void cs_same(struct conf *c)
{
    static const size_t lens[] = {1, 2, 3, 4, 7, 255, 256, 257, 1000};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        CONF_STATUS(cs_write(c, ACME_SLOT_ORDER, "www.example.org", 1, lens[i]), ACME_OK);
        CONF_TRY(cs_holds(c, ACME_SLOT_ORDER, "www.example.org", 1, lens[i]));
        CONF_TRY(cs_holds(c, ACME_SLOT_ORDER, "www.example.org", 1, lens[i])); /* and again */
    }
    size_t max = c->h->record_max < CS_ROOM ? c->h->record_max : CS_ROOM;
    CONF_STATUS(cs_write(c, ACME_SLOT_CERT_A, "www.example.org", 2, max), ACME_OK);
    CONF_TRY(cs_holds(c, ACME_SLOT_CERT_A, "www.example.org", 2, max));
}

static void cs_replaced(struct conf *c)
{
    static const size_t lens[] = {500, 20, 900, 1, 901};

    for (unsigned i = 0; i < 5; i++) {
        CONF_STATUS(cs_write(c, ACME_SLOT_DEVICE, "", 10 + i, lens[i]), ACME_OK);
        CONF_TRY(cs_holds(c, ACME_SLOT_DEVICE, "", 10 + i, lens[i]));
    }
}

static void cs_apart(struct conf *c)
{
    for (unsigned i = 0; i < CS_ALL; i++)
        CONF_STATUS(cs_write(c, cs_all[i].slot, cs_all[i].key, 100 + i, 50 + i), ACME_OK);
    for (unsigned i = 0; i < CS_ALL; i++)
        CONF_TRY(cs_holds(c, cs_all[i].slot, cs_all[i].key, 100 + i, 50 + i));
    /* Emptying one leaves the others. */
    CONF_STATUS(cs_write(c, cs_all[3].slot, cs_all[3].key, 0, 0), ACME_OK);
    for (unsigned i = 0; i < CS_ALL; i++) {
        if (i != 3)
            CONF_TRY(cs_holds(c, cs_all[i].slot, cs_all[i].key, 100 + i, 50 + i));
    }
}

static void cs_small_buffer(struct conf *c)
{
    CONF_STATUS(cs_write(c, ACME_SLOT_CONFIG, "", 5, 300), ACME_OK);
    CONF_STATUS(cs_read(c, ACME_SLOT_CONFIG, "", 299), ACME_E_SIZE);
    CONF_STATUS(cs_read(c, ACME_SLOT_CONFIG, "", 1), ACME_E_SIZE);
    int got = cs_read(c, ACME_SLOT_CONFIG, "", 300);
    CONF(cs_is(got, 5, 300));
}

static void cs_emptied(struct conf *c)
{
    CONF_STATUS(cs_write(c, ACME_SLOT_ORDER, "example.org", 6, 100), ACME_OK);
    for (int i = 0; i < 2; i++) {
        CONF_STATUS(cs_write(c, ACME_SLOT_ORDER, "example.org", 0, 0), ACME_OK);
        CONF_STATUS(cs_read(c, ACME_SLOT_ORDER, "example.org", CS_ROOM), ACME_E_SLOT_EMPTY);
    }
    CONF_STATUS(cs_write(c, ACME_SLOT_ORDER, "example.org", 7, 80), ACME_OK);
    CONF_TRY(cs_holds(c, ACME_SLOT_ORDER, "example.org", 7, 80));
    if (c->h->reopen == NULL)
        return;
    CONF_STATUS(cs_write(c, ACME_SLOT_ORDER, "example.org", 0, 0), ACME_OK);
    CONF(c->h->reopen(c->h->ctx));
    CONF_STATUS(cs_read(c, ACME_SLOT_ORDER, "example.org", CS_ROOM), ACME_E_SLOT_EMPTY);
}

static void cs_survives(struct conf *c)
{
    if (c->h->reopen == NULL) {
        conf_skip(c, "no restart here");
        return;
    }
    for (unsigned i = 0; i < CS_ALL; i++)
        CONF_STATUS(cs_write(c, cs_all[i].slot, cs_all[i].key, 200 + i, 60 + i), ACME_OK);
    CONF(c->h->reopen(c->h->ctx));
    for (unsigned i = 0; i < CS_ALL; i++)
        CONF_TRY(cs_holds(c, cs_all[i].slot, cs_all[i].key, 200 + i, 60 + i));
}

static void cs_failed_write(struct conf *c)
{
    if (c->h->fault == NULL) {
        conf_skip(c, "no medium that can be made to fail");
        return;
    }
    CONF_STATUS(cs_write(c, ACME_SLOT_SCHED, "example.org", 20, 200), ACME_OK);
    CONF(c->h->fault(c->h->ctx, true));
    int got = cs_write(c, ACME_SLOT_SCHED, "example.org", 21, 210);
    CONF(c->h->fault(c->h->ctx, false));
    CONF(got == ACME_E_SLOT || got == ACME_E_SLOT_FULL);
    CONF_TRY(cs_holds(c, ACME_SLOT_SCHED, "example.org", 20, 200));
    CONF_STATUS(cs_write(c, ACME_SLOT_SCHED, "example.org", 22, 220), ACME_OK);
    CONF_TRY(cs_holds(c, ACME_SLOT_SCHED, "example.org", 22, 220));
}

/* Every moment in turn at which a write can be cut. */
static void cs_cut(struct conf *c)
{
    unsigned old_seen = 0, new_seen = 0;

    for (unsigned n = 0; n < 2000; n++) {
        CONF_STATUS(cs_write(c, ACME_SLOT_CERT_B, "example.org", 30, 700), ACME_OK);
        for (size_t i = 0; i < 900; i++)
            cs_data[i] = conf_byte(31, i);
        int cut = c->h->cut_write == NULL ? -1
                                          : c->h->cut_write(c->h->ctx, ACME_SLOT_CERT_B,
                                                            "example.org", cs_data, 900, n);
        if (cut < 0) {
            conf_skip(c, "no power cuts here");
            return;
        }
        int got = cs_read(c, ACME_SLOT_CERT_B, "example.org", CS_ROOM);
        if (cut == 0) {
            CONF(cs_is(got, 31, 900)); /* it said that it is durable */
            CONF(n > 0 && old_seen > 0);
            return;
        }
        bool is_old = cs_is(got, 30, 700), is_new = cs_is(got, 31, 900);
        if (!is_old && !is_new)
            conf_fail(c, "cut %u: neither the old record nor the new one (%d)", n, got);
        CONF_TRY(!c->failed);
        old_seen += is_old;
        new_seen += is_new;
        CONF(!is_old || new_seen == 0); /* once new, it stays new */
    }
    conf_fail(c, "a write has no end");
}

static void cs_long_key(struct conf *c)
{
    char key[ACME_SLOT_KEY_MAX + 1];

    for (size_t i = 0; i < ACME_SLOT_KEY_MAX; i++)
        key[i] = (char)(i % 64 == 63 ? '.' : 'a' + (int)(i % 26));
    key[ACME_SLOT_KEY_MAX] = '\0';
    CONF_STATUS(cs_write(c, ACME_SLOT_SCHED, key, 40, 90), ACME_OK);
    key[ACME_SLOT_KEY_MAX - 1] = '0';
    CONF_STATUS(cs_read(c, ACME_SLOT_SCHED, key, CS_ROOM), ACME_E_SLOT_EMPTY);
    CONF_STATUS(cs_write(c, ACME_SLOT_SCHED, key, 41, 91), ACME_OK);
    CONF_TRY(cs_holds(c, ACME_SLOT_SCHED, key, 41, 91));
    CONF_STATUS(cs_write(c, ACME_SLOT_SCHED, key, 0, 0), ACME_OK);
}

/* Years of records: no write leaves anything behind that fills the medium. */
static void cs_often(struct conf *c)
{
    for (unsigned i = 0; i < 300; i++)
        CONF_STATUS(cs_write(c, ACME_SLOT_SCHED, "www.example.org", i, 60 + i), ACME_OK);
    CONF_TRY(cs_holds(c, ACME_SLOT_SCHED, "www.example.org", 299, 359));
}

const struct conf_clause conf_slots[] = {
    {"S01", "empty", cs_empty_first},         {"S02", "same-bytes", cs_same},
    {"S03", "replaced-whole", cs_replaced},   {"S04", "slots-and-keys-apart", cs_apart},
    {"S05", "small-buffer", cs_small_buffer}, {"S06", "emptied", cs_emptied},
    {"S07", "survives-restart", cs_survives}, {"S08", "failed-write-keeps-old", cs_failed_write},
    {"S09", "cut-keeps-old-or-new", cs_cut},  {"S10", "longest-key", cs_long_key},
    {"S11", "many-writes", cs_often},         {NULL, NULL, NULL},
};
