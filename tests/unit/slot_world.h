/* slot_world.h - a medium of a few records of solvers, which answers what a test wants */
#ifndef SLOT_WORLD_H
#define SLOT_WORLD_H

#include "acme_err.h"
#include "acme_port.h"
#include "test.h"

static struct {
    struct {
        char key[ACME_SLOT_KEY_MAX + 1];
        uint8_t data[2048];
        size_t len;
    } held[4];
    int err;       /* what the medium answers */
    int write_err; /* to writes alone */
    unsigned busy; /* calls that it answers "not yet" before */
    unsigned reads, writes;
} medium;

static int slot_answer(bool write)
{
    medium.reads += !write;
    medium.writes += write;
    if (medium.err != ACME_OK)
        return medium.err;
    if (medium.busy > 0 && medium.busy-- > 0)
        return ACME_AGAIN;
    return write ? medium.write_err : ACME_OK;
}

static int slot_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    int err = slot_answer(false);

    (void)ctx;
    CHECK_INT(slot, ACME_SLOT_SOLVER);
    for (size_t i = 0; i < 4 && err == ACME_OK; i++) {
        if (medium.held[i].len == 0 || strcmp(key, medium.held[i].key) != 0)
            continue;
        if (medium.held[i].len > cap)
            return ACME_E_SIZE;
        memcpy(buf, medium.held[i].data, medium.held[i].len);
        return (int)medium.held[i].len;
    }
    return err != ACME_OK ? err : (int)ACME_E_SLOT_EMPTY;
}

static int slot_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    int err = slot_answer(true);
    size_t i = 0;

    (void)ctx;
    CHECK_INT(slot, ACME_SLOT_SOLVER);
    if (err != ACME_OK)
        return err;
    while (i < 4 && medium.held[i].len != 0 && strcmp(key, medium.held[i].key) != 0)
        i++;
    CHECK(i < 4 && len <= sizeof medium.held[i].data);
    memcpy(medium.held[i].data, data, len);
    medium.held[i].len = len;
    strcpy(medium.held[i].key, key);
    return ACME_OK;
}

static const struct acme_slots slot_ops = {.read = slot_read, .write = slot_write};

#endif
