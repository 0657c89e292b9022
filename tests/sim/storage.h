/* storage.h - what the device keeps its records on: one of five, by the seed
 *
 * The real code of boards (port/flash) on a chip that tears, lies and wears out; the real code of
 * hosts (port/posix) on a file system that forgets what was not synced; or records in memory.
 */
#ifndef STORAGE_H
#define STORAGE_H

#include "flash_sim.h"
#include "flash_slots.h"
#include "posix_slots.h"
#include "sim_files.h"
#include "sim_slots.h"

enum storage_kind {
    STORAGE_MEMORY,
    STORAGE_NOR,   /* SPI NOR: 16 sectors of 4 KB */
    STORAGE_CFI,   /* two sectors of 64 KB */
    STORAGE_ECC,   /* a microcontroller's own: 8 KB, programmed once in units of 16 bytes */
    STORAGE_FILES, /* of a host */
    STORAGE_KINDS
};

#define STORAGE_BY_CHANCE 255 /* as a tear */
#define STORAGE_TEARS     7   /* at most, of one kind */
#define STORAGE_SECRETS   64
#define STORAGE_WEAR      3

/* Faults. All zero: none. */
struct storage_faults {
    uint32_t lazy_permille;  /* flash operations that do nothing and say that they did */
    uint32_t eintr_permille; /* of system calls; so are the next three */
    uint32_t short_permille;
    uint32_t full_permille;
    uint32_t error_permille;
    bool worn; /* one sector of the flash is dead */
};

struct storage {
    uint8_t kind; /* enum storage_kind */
    bool lied;    /* operations did nothing, or a sector was dead: erases are not judged */
    uint8_t tear; /* enum sim_tear or sim_files_crash, or by chance */
    struct sim_world *world;
    struct sim_slots *slots;
    struct flash_sim *chip; /* NULL: no flash */
    struct flash_sim apart; /* the chip's figures before such work; its bytes are not copied */
    struct flash_slots flash;
    struct posix_slots posix;
    struct acme_slots under;
    uint32_t idle_ops; /* of the chip, when there was nothing left to do between polls */

    /* every private key that was ever stored: a piece of each */
    uint32_t secrets_count;
    uint8_t secrets[STORAGE_SECRETS][16];
};

const char *storage_word(enum storage_kind kind);
unsigned storage_tears(enum storage_kind kind); /* ways to be torn that differ */

void storage_init(struct storage *t, enum storage_kind kind, struct sim_world *w,
                  struct sim_slots *slots);
void storage_faults(struct storage *t, const struct storage_faults *f);
/* After power came. May not return, as power can be cut in it. ACME_OK or an error. */
int storage_boot(struct storage *t);
/* Flash that has been written for a while: so many bytes, before the first boot's agent. */
void storage_age(struct storage *t, uint32_t bytes);
/* A record written by somebody else while the device is at rest. */
void storage_put(struct storage *t, enum acme_slot slot, const char *key, const void *data,
                 size_t len);
uint32_t storage_room(enum storage_kind kind); /* bytes of flash; 0: none */
void storage_power_off(struct storage *t);
/* What a board does between two polls. True: there is more to do. */
bool storage_idle(struct storage *t);
/* While the device is off, one bit changes. */
void storage_flip(struct storage *t, enum acme_slot slot, const char *key);

/* A private key is in the record that is about to be written. */
void storage_secret(struct storage *t, const uint8_t *der, size_t len);
/* What is wrong with the medium, or NULL: calls against its contract; more erases than one for each
 * byte written STORAGE_WEAR times, two for each power cut, and one of each sector at first. */
const char *storage_worn(const struct storage *t, uint64_t cuts);
/* Rewrites what can be rewritten; then only the keys of live records may be found on the medium.
 * NULL, or what is wrong. */
const char *storage_secrets_gone(struct storage *t);

#endif
