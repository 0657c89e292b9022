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

static int slots_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    struct sim_slots *s = slots_enter(ctx);
    const struct sim_record *r = sim_slots_find(s, slot, key);

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

static void slots_put(struct sim_slots *s, struct sim_record *r, const void *data, size_t len)
{
    if (len > 0)
        memcpy(r->data, data, len);
    r->len = (uint32_t)len;
    r->writes++;
    s->version++;
}

static int slots_write(void *ctx, enum acme_slot slot, const char *key, const void *data,
                       size_t len)
{
    struct sim_slots *s = slots_enter(ctx);
    struct sim_record *r;

    if (len > SIM_SLOTS_BYTES)
        return ACME_E_SIZE;
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
    r = slots_place(s, slot, key);
    if (r == NULL)
        return ACME_E_SLOT_FULL;
    sim_world_moment(s->world, "cut before a record");
    sim_world_moment(s->world, "cut in the new record");
    if (s->world->cut_at == s->world->moments + 1 && sim_world_chance(s->world, 500)) {
        sim_world_moment(s->world, "cut at the rename, old");
    } else {
        slots_put(s, r, data, len);
        sim_world_moment(s->world, "cut at the rename, new");
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
    for (size_t i = 0; i < SIM_SLOTS_MAX; i++) {
        s->records[i].slot = 0;
        s->records[i].len = s->records[i].writes = 0;
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
    s->version++;
    sim_world_note(s->world, "bit flips in slot", (uint64_t)slot, bit);
    return true;
}

void sim_slots_power_off(struct sim_slots *s)
{
    s->busy_until = 0;
}
