/* broken_slots.c - lies about records */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "broken.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *bs_key(struct broken *x, enum acme_slot *slot, const char *key, char *room)
{
    bool named = *slot == ACME_SLOT_SCHED;

    if (broken_says(x, LIE_SLOT_IGNORES_KEY) && named)
        return "one.example";
    if (broken_says(x, LIE_SLOT_IGNORES_STAR) && strncmp(key, "*.", 2) == 0)
        return key + 2;
    if (broken_says(x, LIE_SLOT_IGNORES_KIND) && *slot == ACME_SLOT_CERT_B)
        *slot = ACME_SLOT_CERT_A;
    if (broken_says(x, LIE_SLOT_CUTS_KEY) && strlen(key) > 200) {
        snprintf(room, 256, "%.200s", key);
        return room;
    }
    return key;
}

static int bs_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    struct broken *x = ctx;
    char room[256];
    unsigned char *p = buf;

    key = bs_key(x, &slot, key, room);
    int got = x->bed.slot_ops.read(x->bed.slot_ops.ctx, slot, key, buf, cap);
    if (broken_says(x, LIE_SLOT_NEVER_EMPTY) && got == ACME_E_SLOT_EMPTY) {
        p[0] = 0;
        return 1;
    }
    if (broken_says(x, LIE_SLOT_READ_CUTS) && got == ACME_E_SIZE)
        return (int)cap;
    if (broken_says(x, LIE_SLOT_READ_OVERRUN))
        p[cap] = 0;
    if (broken_says(x, LIE_SLOT_FLIP) && got > 256)
        p[256] ^= 0x80;
    return got;
}

/* A port that writes the record where it lies. */
static int bs_in_place(struct broken *x, const char *key, const void *data, size_t len)
{
    char path[600];

    snprintf(path, sizeof path, "%s/certs/%s/cert-b", x->bed.state, key);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, data, len / 2) == (ssize_t)(len / 2) &&
                write(fd, (const char *)data + len / 2, len - len / 2) == (ssize_t)(len - len / 2);
    if (fd >= 0)
        close(fd);
    return done ? ACME_OK : ACME_E_SLOT;
}

static int bs_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    struct broken *x = ctx;
    struct acme_slots *s = &x->bed.slot_ops;
    static unsigned char both[50000];
    char room[256];

    key = bs_key(x, &slot, key, room);
    if (broken_says(x, LIE_SLOT_KEEPS_TAIL) && len > 0) {
        int old = s->read(s->ctx, slot, key, both, sizeof both);
        memcpy(both, data, len);
        data = both;
        len = old > (int)len ? (size_t)old : len;
    }
    if (broken_says(x, LIE_SLOT_NOT_EMPTIED) && len == 0)
        return ACME_OK;
    if (broken_says(x, LIE_SLOT_WEARS_OUT) && ++x->calls > 200)
        return ACME_E_SLOT_FULL;
    if (broken_says(x, LIE_SLOT_IN_PLACE) && slot == ACME_SLOT_CERT_B && len == 900)
        return bs_in_place(x, key, data, len);
    if (broken_says(x, LIE_SLOT_DELETES_FIRST) && len > 0)
        (void)s->write(s->ctx, slot, key, data, 0);
    int got = s->write(s->ctx, slot, key, data, len);
    if (broken_says(x, LIE_SLOT_FAILED_IS_FINE) && got < 0)
        return ACME_OK;
    if (broken_says(x, LIE_SLOT_FAILED_LOSES_OLD) && got < 0)
        (void)s->write(s->ctx, slot, key, data, 0);
    if (broken_says(x, LIE_SLOT_CHANGES_DATA) && len > 1 && got == ACME_OK) {
        static unsigned char *mutable_data;
        memcpy(&mutable_data, &data, sizeof data); /* as a port does that encrypts in place */
        mutable_data[len - 1] ^= 1;
    }
    return got;
}

/* All records were in memory only. */
static bool bs_reopen(void *ctx)
{
    struct broken *x = ctx;

    posix_slots_close(&x->bed.slots);
    if (broken_says(x, LIE_SLOT_FORGETS))
        bed_remove(x->bed.state);
    return posix_slots_open(&x->bed.slots, x->bed.state) == ACME_OK;
}

void broken_slots_up(struct broken *x)
{
    x->slots = (struct acme_slots){x, bs_read, bs_write};
    x->bed.port.slots = &x->slots;
    x->bed.hooks.reopen = bs_reopen;
}
