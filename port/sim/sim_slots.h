/* sim_slots.h - records in memory: busy, failing, and cut in the middle
 *
 * A write has four moments: before anything, with the new record written beside, when it is in
 * place but not durable yet (old or new, as chance has it), and when it is durable.
 *
 * Or the records lie in other slots below (port/flash over a chip model, file slots over
 * sim_files.h). Then the moments are the medium's, and what it gives back is held against the
 * contract: after ACME_OK the new record, after an error or a power cut the old one or the new one.
 */
#ifndef SIM_SLOTS_H
#define SIM_SLOTS_H

#include "sim_world.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_SLOTS_MAX   32
#define SIM_SLOTS_BYTES 33024

#define SIM_SLOTS_MAYBE 8
#define SIM_SLOTS_EVER  24

struct sim_record {
    uint8_t slot; /* 0: free */
    uint8_t maybe_count, ever_count;
    bool failed;   /* a write was answered by an error, and none has succeeded since */
    uint64_t hash; /* of data; 0: empty */
    uint64_t maybe[SIM_SLOTS_MAYBE]; /* what it may turn into when power is cut */
    uint64_t ever[SIM_SLOTS_EVER];   /* what was in it before, the last ones */
    char key[ACME_SLOT_KEY_MAX + 1];
    uint32_t len; /* 0: empty */
    uint32_t writes;
    uint64_t version; /* of the slots, when data changed last */
    uint8_t data[SIM_SLOTS_BYTES];
    uint32_t firm_len; /* while maybe_count > 0: the last one that was durable */
    uint8_t firm[SIM_SLOTS_BYTES];
};

struct sim_slots {
    struct acme_slots ops; /* ctx is the struct sim_slots */
    struct sim_world *world;
    struct sim_port *owner; /* whose calls are counted; may be NULL */
    uint32_t busy_max_ms;   /* a write answers ACME_AGAIN for up to so long */
    uint32_t fail_permille; /* ... ACME_E_SLOT, nothing written */
    int fail_with;          /* every write answers this; ACME_OK: none does */
    uint64_t attempts;      /* writes asked for so far */
    uint64_t outage_at;     /* from this one on, counted from 1, writes fail; 0: never ... */
    uint64_t outage_ms;     /* ... for so long */
    uint64_t outage_end;    /* of the one that goes on */
    uint64_t busy_until;    /* of the write under way; 0: none */
    bool going;             /* ... below */
    const struct acme_slots *under; /* where the records really lie; NULL: here */
    bool *looking; /* true while those who check read below: no faults, no syncs; or NULL */
    bool lies;     /* its bytes may have changed by themselves */
    bool sums;     /* ... but they have checksums below: it does not give out what nobody wrote */
    bool firm;     /* what they give to a reader is durable, not one of two still */
    bool turned;   /* a record became another one because a write had failed; the owner resets it */
    const char *broken; /* how the slots below broke the contract; NULL: not so far */
    uint64_t version;   /* counts changes */
    uint64_t writes;
    struct sim_record records[SIM_SLOTS_MAX];
};

void sim_slots_init(struct sim_slots *s, struct sim_world *w);
/* What lies there, or NULL: for those who check, no call of the port. */
struct sim_record *sim_slots_find(struct sim_slots *s, enum acme_slot slot, const char *key);
/* One bit of one record changes. False: there is no record in the slot. */
bool sim_slots_flip(struct sim_slots *s, enum acme_slot slot, const char *key);
/* The machine has lost power: a write that was busy never happened. */
void sim_slots_power_off(struct sim_slots *s);
/* The slots below work again, or a write has failed: what is there now? Nothing becomes durable by
 * that. Answers ACME_OK or what a read answered. */
int sim_slots_settle(struct sim_slots *s);

#ifdef __cplusplus
}
#endif

#endif
