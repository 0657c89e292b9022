/* sim_files_table.c - names in folders, changes of them, and what a crash leaves */
#include "sim_files_table.h"

#include <stdio.h>
#include <string.h>

struct sim_file_entry *sim_entry_find(struct sim_file_entry *table, uint8_t dir, const char *name)
{
    for (size_t i = 0; i < SIM_FILES_ENTRIES; i++) {
        if (table[i].node != 0 && table[i].dir == dir && strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

bool sim_entry_put(struct sim_file_entry *table, uint8_t dir, const char *name, uint8_t node)
{
    struct sim_file_entry *e = sim_entry_find(table, dir, name);

    for (size_t i = 0; i < SIM_FILES_ENTRIES && e == NULL; i++)
        e = table[i].node == 0 ? &table[i] : NULL;
    if (e == NULL)
        return false;
    e->dir = dir;
    e->node = node;
    (void)snprintf(e->name, sizeof e->name, "%s", name);
    return true;
}

void sim_entry_drop(struct sim_file_entry *table, uint8_t dir, const char *name)
{
    struct sim_file_entry *e = sim_entry_find(table, dir, name);

    if (e != NULL)
        e->node = 0;
}

void sim_op_apply(struct sim_file_entry *table, const struct sim_file_op *op)
{
    const struct sim_file_entry *from;

    if (op->kind == OP_LINK)
        (void)sim_entry_put(table, op->dir, op->name, op->node);
    else if (op->kind == OP_UNLINK)
        sim_entry_drop(table, op->dir, op->name);
    else {
        (void)sim_entry_put(table, op->dir, op->name, op->node);
        from = sim_entry_find(table, op->dir, op->from);
        if (from != NULL && from->node == op->node)
            sim_entry_drop(table, op->dir, op->from);
    }
}

void sim_node_sync(struct sim_file_node *n)
{
    if (n->kind != NODE_FILE || !n->dirty)
        return;
    n->kept.len = n->now.len;
    memcpy(n->kept.data, n->now.data, n->now.len);
    n->dirty = false;
}

/* What is left of bytes that were not synced. */
void sim_crash_bytes(struct sim_world *w, struct sim_file_node *n, enum sim_files_crash how)
{
    struct sim_file_bytes *b = &n->now;

    if (how == SIM_CRASH_LOST)
        *b = n->kept;
    else if (how == SIM_CRASH_NAMES)
        b->len = 0;
    else if (how == SIM_CRASH_ZEROS)
        memset(b->data, 0, b->len);
    else if (how == SIM_CRASH_PREFIX)
        b->len = sim_world_below(w, b->len + 1);
    else if (how == SIM_CRASH_ANY) {
        for (uint32_t at = 0; at < b->len; at += SIM_FILES_BLOCK) {
            if (sim_world_chance(w, 500))
                memset(b->data + at, 0,
                       b->len - at < SIM_FILES_BLOCK ? b->len - at : SIM_FILES_BLOCK);
        }
        if (sim_world_chance(w, 300))
            b->len = sim_world_below(w, b->len + 1);
    }
}

/* Does this change of a folder survive? */
bool sim_crash_keeps(struct sim_world *w, enum sim_files_crash how, uint32_t i, uint32_t some)
{
    if (how == SIM_CRASH_LOST)
        return false;
    if (how == SIM_CRASH_PREFIX)
        return i < some;
    return how != SIM_CRASH_ANY || sim_world_chance(w, 500);
}
