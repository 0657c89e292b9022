#include "sim_slots.h"

#include <string.h>

struct sim_record *sim_slots_find(struct sim_slots *s, enum acme_slot slot, const char *key)
{
    for (size_t i = 0; i < SIM_SLOTS_MAX; i++) {
        if (s->records[i].slot == (uint8_t)slot && strcmp(s->records[i].key, key) == 0)
            return &s->records[i];
    }
    return NULL;
}

static struct sim_slots *slots_enter(void *ctx)
{
    struct sim_slots *s = (struct sim_slots *)ctx;

    if (s->owner != NULL)
        s->owner->calls++;
    return s;
}

/* ---- held against the slots below ---- */

/* Never 0. */
static uint64_t slots_hash(const void *data, size_t len)
{
    const uint8_t *p = (const uint8_t *)data;
    uint64_t h = 0xcbf29ce484222325u ^ len, word;

    for (; len >= 8; len -= 8, p += 8) {
        memcpy(&word, p, 8);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 31;
    }
    while (len-- > 0)
        h = (h ^ *p++) * 0x100000001b3u;
    return h | 1;
}

static void slots_put(struct sim_slots *s, struct sim_record *r, const void *data, size_t len)
{
    if (len > 0)
        memcpy(r->data, data, len);
    r->len = (uint32_t)len;
    r->hash = s->under != NULL && len > 0 ? slots_hash(data, len) : 0;
    r->writes++;
    r->version = ++s->version;
}

static bool slots_has(const uint64_t *list, size_t count, uint64_t hash)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == hash)
            return true;
    }
    return false;
}

/* From now on it may be the one or the other. */
static void slots_doubt(struct sim_record *r, uint64_t hash)
{
    if (slots_has(r->maybe, r->maybe_count, hash))
        return;
    if (r->maybe_count == SIM_SLOTS_MAYBE) {
        memmove(r->maybe, r->maybe + 1, (SIM_SLOTS_MAYBE - 1) * sizeof r->maybe[0]);
        r->maybe_count--;
    }
    r->maybe[r->maybe_count++] = hash;
}

static void slots_remember(struct sim_record *r, uint64_t hash)
{
    if (r->ever_count == SIM_SLOTS_EVER) {
        memmove(r->ever, r->ever + 1, (SIM_SLOTS_EVER - 1) * sizeof r->ever[0]);
        r->ever_count--;
    }
    r->ever[r->ever_count++] = hash;
}

/* This is what the slots below say: n bytes, or why not. */
static void slots_compare(struct sim_slots *s, struct sim_record *r, const void *data, int n)
{
    uint64_t hash = n > 0 ? slots_hash(data, (size_t)n) : 0;

    if (n == ACME_AGAIN || (n > 0 && hash == r->hash) || (n == ACME_E_SLOT_EMPTY && r->len == 0))
        return;
    if (n == ACME_E_SLOT && (s->looking == NULL || !*s->looking)) /* a fault of now */
        return;
    if (n < 0 && n != ACME_E_SLOT_EMPTY) {
        if (!s->lies)
            s->broken = "a record cannot be read";
        return;
    }
    if (!slots_has(r->maybe, r->maybe_count, hash)) {
        if (!s->lies)
            s->broken = "a record is neither the old one nor the new one";
        else if (s->sums && hash != 0 && !slots_has(r->ever, r->ever_count, hash) &&
                 r->ever_count < SIM_SLOTS_EVER)
            s->broken = "a record has bytes that nobody wrote";
    }
    sim_world_note(s->world, "slot turned", (uint64_t)r->slot, n > 0 ? (uint64_t)n : 0);
    s->turned |= r->failed;
    slots_doubt(r, r->hash);
    slots_put(s, r, data, n > 0 ? (size_t)n : 0);
}

static int slots_look_quietly(struct sim_slots *s)
{
    static uint8_t room[SIM_SLOTS_BYTES];
    int n = ACME_OK;

    for (size_t i = 0; i < SIM_SLOTS_MAX && s->under != NULL; i++) {
        struct sim_record *r = &s->records[i];
        if (r->slot == 0)
            continue;
        n = s->under->read(s->under->ctx, (enum acme_slot)r->slot, r->key, room, sizeof room);
        if (n == ACME_AGAIN)
            return n;
        slots_compare(s, r, room, n);
        if (s->lies && n < 0 && r->len > 0)
            slots_put(s, r, NULL, 0); /* for those who check, it is gone */
    }
    return ACME_OK;
}

int sim_slots_settle(struct sim_slots *s)
{
    int n;

    if (s->looking != NULL)
        *s->looking = true;
    n = slots_look_quietly(s);
    if (s->looking != NULL)
        *s->looking = false;
    return n;
}

/* What the owner has read will be there: it is not one of two any more. */
static void slots_sure(struct sim_slots *s, struct sim_record *r)
{
    if (r->maybe_count == 0)
        return;
    r->maybe_count = 0;
    r->failed = false;
    r->version = ++s->version;
}

/* A write that goes on, by the same call, is asked for once. */
static int slots_write_under(struct sim_slots *s, struct sim_record *r, const void *data,
                             size_t len)
{
    uint64_t hash = len > 0 ? slots_hash(data, len) : 0;
    int n;

    if (r->maybe_count == 0) {
        r->firm_len = r->len;
        memcpy(r->firm, r->data, r->len);
    }
    slots_doubt(r, r->hash);
    slots_doubt(r, hash);
    if (hash != 0 && !slots_has(r->ever, r->ever_count, hash))
        slots_remember(r, hash);
    n = s->under->write(s->under->ctx, (enum acme_slot)r->slot, r->key, data, len);
    if (n == ACME_OK) {
        slots_put(s, r, data, len);
        r->maybe_count = 0;
        r->failed = false;
    } else if (n != ACME_AGAIN) {
        sim_world_note(s->world, "slot write failed", (uint64_t)r->slot, (uint64_t)(int64_t)n);
        r->failed = true;
        (void)sim_slots_settle(s);
    }
    return n;
}

/* ---- the contract ---- */

static int slots_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    struct sim_slots *s = slots_enter(ctx);
    struct sim_record *r = sim_slots_find(s, slot, key);
    int n;

    if (s->owner != NULL && s->owner->dead)
        return ACME_E_SLOT;
    if (s->under != NULL) {
        n = s->under->read(s->under->ctx, slot, key, buf, cap);
        if (r != NULL && n != ACME_E_SIZE)
            slots_compare(s, r, buf, n);
        if (r != NULL && s->firm && (n > 0 || n == ACME_E_SLOT_EMPTY))
            slots_sure(s, r);
        return n;
    }
    if (r == NULL || r->len == 0)
        return ACME_E_SLOT_EMPTY;
    if (r->len > cap)
        return ACME_E_SIZE;
    memcpy(buf, r->data, r->len);
    return (int)r->len;
}

static struct sim_record *slots_place(struct sim_slots *s, enum acme_slot slot, const char *key)
{
    struct sim_record *r = sim_slots_find(s, slot, key);

    for (size_t i = 0; i < SIM_SLOTS_MAX && r == NULL; i++) {
        if (s->records[i].slot != 0)
            continue;
        r = &s->records[i];
        r->slot = (uint8_t)slot;
        r->len = 0;
        r->hash = 0;
        r->maybe_count = r->ever_count = 0;
        r->failed = false;
        memcpy(r->key, key, strlen(key) + 1);
    }
    return r;
}

static bool slots_busy(struct sim_slots *s)
{
    if (s->busy_max_ms == 0 || s->world == NULL)
        return false;
    if (s->busy_until == 0) {
        if (sim_world_chance(s->world, 500))
            return false;
        s->busy_until = s->world->now_ms + 1 + sim_world_below(s->world, s->busy_max_ms);
    }
    return s->world->now_ms < s->busy_until;
}

/* The four moments. */
static void slots_write_here(struct sim_slots *s, struct sim_record *r, const void *data,
                             size_t len)
{
    sim_world_moment(s->world, "cut before a record");
    sim_world_moment(s->world, "cut in the new record");
    if (s->world->cut_at == s->world->moments + 1 && sim_world_chance(s->world, 500)) {
        sim_world_moment(s->world, "cut at the rename, old");
    } else {
        slots_put(s, r, data, len);
        sim_world_moment(s->world, "cut at the rename, new");
    }
}

/* What hinders a new write, or ACME_OK. */
static int slots_refuse(struct sim_slots *s, enum acme_slot slot, size_t len)
{
    if (slots_busy(s))
        return ACME_AGAIN;
    s->busy_until = 0;
    if (++s->attempts == s->outage_at) {
        s->outage_end = s->world->now_ms + s->outage_ms;
        sim_world_note(s->world, "outage of the storage", (uint64_t)slot, s->attempts);
    }
    if (s->world->now_ms < s->outage_end)
        return ACME_E_SLOT;
    if (s->fail_with != ACME_OK)
        return s->fail_with;
    if (sim_world_chance(s->world, s->fail_permille)) {
        sim_world_note(s->world, "slot write fails", (uint64_t)slot, len);
        return ACME_E_SLOT;
    }
    return ACME_OK;
}

static int slots_write(void *ctx, enum acme_slot slot, const char *key, const void *data,
                       size_t len)
{
    struct sim_slots *s = slots_enter(ctx);
    struct sim_record *r;
    int n;

    if (s->owner != NULL && s->owner->dead)
        return ACME_E_SLOT;
    if (len > SIM_SLOTS_BYTES)
        return ACME_E_SIZE;
    if (!s->going) { /* else a write goes on below, and all was asked before */
        n = slots_refuse(s, slot, len);
        if (n != ACME_OK)
            return n;
    }
    r = slots_place(s, slot, key);
    if (r == NULL)
        return ACME_E_SLOT_FULL;
    if (s->under != NULL) {
        n = slots_write_under(s, r, data, len);
        s->going = n == ACME_AGAIN;
        if (n != ACME_OK)
            return n;
    } else {
        slots_write_here(s, r, data, len);
    }
    s->writes++;
    sim_world_note(s->world, "slot", (uint64_t)slot, len);
    sim_world_moment(s->world, "cut after a record");
    return ACME_OK;
}

void sim_slots_init(struct sim_slots *s, struct sim_world *w)
{
    s->ops.ctx = s;
    s->ops.read = slots_read;
    s->ops.write = slots_write;
    s->world = w;
    s->owner = NULL;
    s->busy_max_ms = s->fail_permille = 0;
    s->fail_with = ACME_OK;
    s->busy_until = s->version = s->writes = 0;
    s->attempts = s->outage_at = s->outage_ms = s->outage_end = 0;
    s->under = NULL;
    s->looking = NULL;
    s->lies = s->sums = s->firm = s->turned = s->going = false;
    s->broken = NULL;
    for (size_t i = 0; i < SIM_SLOTS_MAX; i++) {
        s->records[i].slot = 0;
        s->records[i].len = s->records[i].writes = 0;
        s->records[i].version = 0;
    }
}

bool sim_slots_flip(struct sim_slots *s, enum acme_slot slot, const char *key)
{
    struct sim_record *r = sim_slots_find(s, slot, key);
    uint32_t bit;

    if (r == NULL || r->len == 0)
        return false;
    bit = sim_world_below(s->world, r->len * 8);
    r->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    r->version = ++s->version;
    sim_world_note(s->world, "bit flips in slot", (uint64_t)slot, bit);
    return true;
}

void sim_slots_power_off(struct sim_slots *s)
{
    s->busy_until = 0;
    s->going = false;
}
