#include "board_rng.h"

#include <stdbool.h>
#include <string.h>

#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "acme_provision.h"
#include "acme_store.h"
#include "board.h"
#include "board_clock.h"
#include "board_fiber.h"

#define RNG_RECORD_MAX (ACME_RECORD_HEADER + 3 * 4 + BOARD_RNG_SEED + 8 + 8)
#define RNG_SAMPLES    64

static struct {
    uint8_t state[WC_SHA256_DIGEST_SIZE]; /* secret; replaced at each request */
    uint8_t next[BOARD_RNG_SEED];         /* the seed that is being stored */
    int64_t floor;                        /* as stored */
    uint32_t boots;
    bool storing; /* next and state are made, the write is under way */
    bool ready;
} rng;

struct rng_device {
    uint8_t seed[BOARD_RNG_SEED];
    uint64_t boots;
    int64_t floor;
    bool has_seed;
};

static void rng_wipe(void *p, size_t len)
{
    volatile uint8_t *b = p;
    while (len-- > 0)
        *b++ = 0;
}

/* out = SHA-256(label | a | b). The label keeps the uses of one secret apart. */
static bool rng_hash(const char *label, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t out[WC_SHA256_DIGEST_SIZE])
{
    wc_Sha256 h;
    bool ok = wc_InitSha256(&h) == 0 &&
              wc_Sha256Update(&h, (const byte *)label, (word32)strlen(label) + 1) == 0 &&
              wc_Sha256Update(&h, a, (word32)a_len) == 0 &&
              wc_Sha256Update(&h, b, (word32)b_len) == 0 && wc_Sha256Final(&h, out) == 0;
    wc_Sha256Free(&h);
    rng_wipe(&h, sizeof h);
    return ok;
}

/* How long 64 short pieces of work took. */
static void rng_jitter(uint32_t sample[RNG_SAMPLES])
{
    uint32_t before = board_cycles();
    for (unsigned i = 0; i < RNG_SAMPLES; i++) {
        for (volatile uint32_t work = before & 15u; work > 0; work--) {
        }
        uint32_t now = board_cycles();
        sample[i] = now - before;
        before = now;
    }
    sample[0] ^= before;
}

static int rng_read(const struct acme_slots *slots, struct rng_device *d)
{
    uint8_t room[RNG_RECORD_MAX + 64]; /* a newer firmware may have stored more */
    struct acme_record record;
    struct acme_field field;
    memset(d, 0, sizeof *d);
    int n = slots->read(slots->ctx, ACME_SLOT_DEVICE, "", room, sizeof room);
    if (n < 0)
        return n;
    int err = acme_record_open(&record, (struct acme_slice){room, (size_t)n}, ACME_SLOT_DEVICE);
    while (err == ACME_OK && acme_record_next(&record, &field)) {
        if (field.tag == ACME_DEVICE_SEED && field.value.len == sizeof d->seed) {
            memcpy(d->seed, field.value.ptr, sizeof d->seed);
            d->has_seed = true;
        } else if (field.tag == ACME_DEVICE_BOOTS) {
            (void)acme_field_u64(&field, &d->boots);
        } else if (field.tag == ACME_DEVICE_FLOOR) {
            (void)acme_field_i64(&field, &d->floor);
        } else {
            err = acme_field_skip(&field);
        }
    }
    rng_wipe(room, sizeof room);
    if (err == ACME_OK && !d->has_seed)
        err = ACME_E_SLOT_CORRUPT;
    return err;
}

static int rng_write(const struct acme_slots *slots, const uint8_t seed[BOARD_RNG_SEED],
                     uint64_t boots)
{
    uint8_t room[RNG_RECORD_MAX];
    struct acme_record_writer w;
    acme_record_begin(&w, (struct acme_span){room, sizeof room}, ACME_SLOT_DEVICE, 0);
    acme_record_bytes(&w, ACME_DEVICE_SEED, seed, BOARD_RNG_SEED);
    acme_record_u64(&w, ACME_DEVICE_BOOTS, boots);
    acme_record_i64(&w, ACME_DEVICE_FLOOR, board_clock_floor_now());
    int n = acme_record_end(&w);
    int err = n < 0 ? n : slots->write(slots->ctx, ACME_SLOT_DEVICE, "", room, (size_t)n);
    if (err == ACME_OK)
        rng.floor = board_clock_floor_now();
    rng_wipe(room, sizeof room);
    return err;
}

/* From the stored seed: what is stored in its place, and what this boot runs on. Neither tells
 * anything about the other. */
static int rng_derive(const struct acme_slots *slots)
{
    struct rng_device d;
    uint32_t jitter[RNG_SAMPLES];
    int err = rng_read(slots, &d);
    if (err == ACME_OK) {
        rng_jitter(jitter);
        if (!rng_hash("next", d.seed, sizeof d.seed, jitter, sizeof jitter, rng.next) ||
            !rng_hash("boot", d.seed, sizeof d.seed, jitter, sizeof jitter, rng.state))
            err = ACME_E_ENTROPY;
        board_clock_floor(d.floor);
        rng.floor = d.floor;
        rng.boots = (uint32_t)d.boots + 1;
        rng.storing = err == ACME_OK;
        rng_wipe(jitter, sizeof jitter);
    }
    rng_wipe(&d, sizeof d);
    return err;
}

static int rng_store(const struct acme_slots *slots)
{
    int err = rng_write(slots, rng.next, rng.boots); /* the same bytes each time it is repeated */
    if (err == ACME_AGAIN)
        return err;
    rng_wipe(rng.next, sizeof rng.next);
    rng.storing = false;
    return err;
}

int board_rng_start(const struct acme_slots *slots)
{
    if (rng.ready)
        return ACME_OK;
    int err = rng.storing ? ACME_OK : rng_derive(slots);
    if (err == ACME_OK)
        err = rng_store(slots);
    rng.ready = err == ACME_OK;
    return err;
}

int board_rng_keep(const struct acme_slots *slots)
{
    if (!rng.ready || (!rng.storing && board_clock_floor_now() - rng.floor < BOARD_CLOCK_SLACK_S))
        return ACME_OK;
    if (!rng.storing) {
        board_fiber_hold();
        rng.storing = rng_hash("next", rng.state, sizeof rng.state, "", 0, rng.next);
        board_rng_mix("", 0);
        board_fiber_let();
    }
    int err = rng.storing ? rng_store(slots) : ACME_E_ENTROPY;
    if (err != ACME_AGAIN)
        rng.floor = board_clock_floor_now(); /* what cannot be written is not tried each second */
    return err;
}

int board_rng_provision(const struct acme_slots *slots, const uint8_t seed[BOARD_RNG_SEED])
{
    return rng_write(slots, seed, 0);
}

/* The main loop asks too, for lwIP, while the fiber may be in the middle of a signature. */
void board_rng_mix(const void *data, size_t len)
{
    board_fiber_hold();
    (void)rng_hash("mix", rng.state, sizeof rng.state, data, len, rng.state);
    board_fiber_let();
}

static bool rng_fill(uint8_t *to, size_t len)
{
    uint8_t block[WC_SHA256_DIGEST_SIZE];
    uint32_t now = board_cycles();
    bool ok = rng_hash("mix", rng.state, sizeof rng.state, &now, sizeof now, rng.state);

    for (uint8_t i = 0; len > 0 && ok; i++) {
        size_t take = len < sizeof block ? len : sizeof block;
        ok = rng_hash("out", rng.state, sizeof rng.state, &i, sizeof i, block);
        memcpy(to, block, take);
        to += take;
        len -= take;
    }
    rng_wipe(block, sizeof block);
    /* who reads the memory later does not learn what was given out */
    return ok && rng_hash("mix", rng.state, sizeof rng.state, "", 0, rng.state);
}

int board_rng_get(void *ctx, void *out, size_t len)
{
    bool ok;

    (void)ctx;
    if (len == 0 || len > 256)
        return ACME_E_ARG;
    if (!rng.ready)
        return ACME_AGAIN;
    board_fiber_hold();
    ok = rng_fill(out, len);
    board_fiber_let();
    /* The pool is used up for a moment: nothing is given out that could come a second time. */
    if (!ok)
        rng_wipe(out, len);
    return ok ? ACME_OK : ACME_E_ENTROPY;
}

uint32_t board_rng_boots(void)
{
    return rng.boots;
}
