/* board_rng.h - random bytes from a stored seed and timing jitter
 *
 * For machines without a noise source that can be trusted, and honest about it:
 *   - The strength comes from 32 secret bytes that were put into the device once, from outside
 *     (tools/mkconfig, or `seed` over the UART), and lie in the DEVICE record.
 *   - At each boot the seed is replaced, and the new one is durable, before the first byte is given
 *     out. A power cut at any moment can therefore never make two boots give the same bytes.
 *   - Timing jitter is mixed in at boot and at each request. It is counted as nothing.
 *   - Without a stored seed there are no bytes: board_rng_get answers ACME_AGAIN, and no key is
 *     made.
 * A board with a real noise source feeds it to board_rng_provision at first boot and to
 * board_rng_mix after that.
 */
#ifndef BOARD_RNG_H
#define BOARD_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "acme_port.h"

#define BOARD_RNG_SEED 32 /* ACME_DEVICE_SEED_SIZE */

/* Read the DEVICE record, store its successor, start. ACME_OK; ACME_AGAIN (repeat: the flash is
 * busy); ACME_E_SLOT_EMPTY (no seed: provision first); or what the slots answered. Raises the
 * clock's floor to the stored one. */
int board_rng_start(const struct acme_slots *slots);

/* Store the DEVICE record anew, with another seed, when the clock's floor has risen by more than
 * BOARD_CLOCK_SLACK_S above the stored one. Between two runs of the agent, as often as there is
 * time: mostly there is nothing to do. ACME_OK; ACME_AGAIN (repeat); or what the slots answered. */
int board_rng_keep(const struct acme_slots *slots);

/* The first seed of a device: 32 bytes that nobody else knows and no other device has. Stores the
 * DEVICE record; board_rng_start follows. ACME_OK, ACME_AGAIN, or what the slots answered. */
int board_rng_provision(const struct acme_slots *slots, const uint8_t seed[BOARD_RNG_SEED]);

/* As acme_port.entropy: 1..256 bytes. */
int board_rng_get(void *ctx, void *out, size_t len);

/* Anything that an attacker might not know; never makes the state weaker. */
void board_rng_mix(const void *data, size_t len);

/* How often this device has started, by its DEVICE record. */
uint32_t board_rng_boots(void);

#endif
