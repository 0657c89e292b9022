#include "evil.h"

#include <string.h>

uint64_t evil_reached[EVIL_COUNT];

static const struct {
    const char *name, *group, *words;
} evil_lines[] = {
#define EVIL_LINE(id, name, group, words) {name, #group, words},
    EVIL_TABLE(EVIL_LINE)
#undef EVIL_LINE
};

const char *evil_name(enum evil_id id)
{
    return evil_lines[id].name;
}

const char *evil_group(enum evil_id id)
{
    return evil_lines[id].group;
}

const char *evil_words(enum evil_id id)
{
    return evil_lines[id].words;
}

void evil_init(struct evil *e, struct sim_world *w)
{
    memset(e, 0, sizeof *e);
    e->world = w;
    e->on = true;
}

void evil_add(struct evil *e, enum evil_id id, uint16_t permille, uint16_t times)
{
    if (e->count == EVIL_ACTIVE || evil_has(e, id))
        return;
    e->active[e->count].id = (uint8_t)id;
    e->active[e->count].permille = permille;
    e->active[e->count].left = times;
    e->count++;
}

/* Now and then, often, always: each finds other bugs. */
void evil_choose(struct evil *e)
{
    static const uint16_t often[] = {100, 300, 700, 1000, 1000};
    static const uint16_t times[] = {1, 1, 2, 3, 10, 1000};
    unsigned count = sim_world_below(e->world, 5);

    while (count-- > 0) {
        enum evil_id id = (enum evil_id)sim_world_below(e->world, EVIL_JOBS);
        uint16_t permille = often[sim_world_below(e->world, sizeof often / sizeof often[0])];

        evil_add(e, id, permille, times[sim_world_below(e->world, sizeof times / sizeof times[0])]);
    }
}

bool evil_has(const struct evil *e, enum evil_id id)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (e->active[i].id == id)
            return true;
    }
    return false;
}

bool evil_does(struct evil *e, enum evil_id id)
{
    if (!e->on && (!e->stays || id < EVIL_SERVERS))
        return false;
    for (unsigned i = 0; i < e->count; i++) {
        if (e->active[i].id != id)
            continue;
        if (e->active[i].left == 0 || !sim_world_chance(e->world, e->active[i].permille))
            return false;
        if (e->active[i].left != UINT16_MAX) /* as often as there is occasion */
            e->active[i].left--;
        evil_reached[id]++;
        sim_world_note(e->world, evil_name(id), 0, 0);
        return true;
    }
    return false;
}

void evil_choose_of(struct evil *e, const char *group)
{
    static const uint16_t often[] = {300, 700, 1000, 1000};
    unsigned count = 1 + sim_world_below(e->world, 3);

    while (count > 0) {
        enum evil_id id = (enum evil_id)sim_world_below(e->world, EVIL_JOBS);

        if (strcmp(evil_group(id), group) != 0)
            continue;
        evil_add(e, id, often[sim_world_below(e->world, 4)], UINT16_MAX);
        count--;
    }
}

bool evil_of(const struct evil *e, const char *group)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (strcmp(evil_group((enum evil_id)e->active[i].id), group) == 0)
            return true;
    }
    return false;
}
