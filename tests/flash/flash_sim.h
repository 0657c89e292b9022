/* flash_sim.h - a flash chip in memory that can lose power, tear, lie and wear out */
#ifndef FLASH_SIM_H
#define FLASH_SIM_H

#include <stdint.h>

#include "flash_slots.h"

/* How an operation is torn when power is cut in it. */
enum sim_tear {
    TEAR_BEFORE, /* nothing happened */
    TEAR_PREFIX, /* the first bytes done, the next one in part; an erase: part of the sector */
    TEAR_MIX,    /* each changing bit is old, new or unstable */
    TEAR_EARLY,  /* nearly nothing happened: a few changing bits are unstable */
    TEAR_LATE,   /* nearly done: one changed bit is unstable */
    TEAR_AFTER,  /* done, but nobody was told */
    TEAR_SUFFIX, /* the last bytes done, the one before in part: headers stand over blank cells */
    TEAR_KINDS
};

/* A world around the chip. */
struct flash_sim_world {
    void *ctx;
    uint64_t (*now_ms)(void *ctx);
    int (*cut)(void *ctx, int erase); /* an operation begins: does the power fail in it? ... */
    void (*dead)(void *ctx);          /* ... then this is called when it is torn; may not return */
};

struct flash_sim {
    struct flash_dev dev; /* what the store is given; ctx is the struct flash_sim */
    uint8_t *mem, *soft;  /* the bytes, and their unstable bits: they read 0 or 1 by chance */
    uint32_t soft_count;  /* 0: none is unstable */
    uint64_t rng;
    int overwrites; /* a program replaces the bytes instead of ANDing */
    int busy;       /* how often an operation answers ACME_AGAIN */
    int busy_left, busy_op;
    uint32_t busy_addr;
    uint32_t ops, cut_at; /* power fails in operation cut_at (from 1); 0: never */
    enum sim_tear tear;
    int dead;
    const struct flash_sim_world *world; /* NULL: there is none */
    uint32_t erase_ms;                   /* an erase takes so long; only in a world */
    uint64_t busy_until;                 /* of the one under way */
    uint32_t lazy_permille;              /* operations that silently do nothing */
    uint32_t lazy_at;                    /* this operation silently does nothing; 0: none */
    uint32_t stuck;                      /* this byte stays 0 after an erase; NONE: none */
    uint32_t bad_sector;                 /* cannot be erased, nor programmed; NONE: none */
    uint32_t erases[32], erase_count, program_bytes;
    uint32_t
        over; /* programs of anything but zeros over bytes that were not blank, and firmly so */
    const uint32_t *tail; /* of the store: a sector from here on is erased with its header gone */
    uint32_t unsafe;      /* erases that were not so */
    uint32_t broken;      /* calls against the contract of struct flash_dev */
};

#define SIM_NONE 0xffffffffu

void sim_init(struct flash_sim *s, uint32_t size, uint32_t sectors, uint16_t page, uint16_t align);
void sim_free(struct flash_sim *s);
void sim_blank(struct flash_sim *s);                               /* as it came from the factory */
void sim_copy(struct flash_sim *to, const struct flash_sim *from); /* to was made by sim_init */
void sim_power_on(struct flash_sim *s);
/* Power fails by itself, perhaps while an erase goes on. */
void sim_power_off(struct flash_sim *s);
/* One bit of a byte that is not blank changes while nobody looks. */
void sim_flip(struct flash_sim *s);
uint32_t sim_random(uint64_t *rng);

#endif
