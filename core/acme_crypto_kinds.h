/* acme_crypto_kinds.h - what acme_crypto.c asks of a kind of key: private to core/acme_crypto*.c
 *
 * EC is always there. RSA is one of two files with the same symbol, so a board chooses at the link,
 * and its image has no RSA private key code.
 */
#ifndef ACME_CRYPTO_KINDS_H
#define ACME_CRYPTO_KINDS_H

#include "acme_crypto.h"

struct WC_RNG;

/* A kind that is not linked has NULL in all of these. */
struct acme_crypto_kind {
    /* key->type is set; fills der and len. ACME_OK, ACME_E_CRYPTO, ACME_E_SIZE. */
    int (*make)(struct acme_key *key, struct WC_RNG *rng);
    /* der is one element without a PKCS #8 wrapper; sets type, der, len. ACME_OK, ACME_E_CRYPTO,
     * ACME_E_SIZE. */
    int (*read)(struct acme_key *key, struct acme_slice der);
    int (*get_public)(const struct acme_key *key, struct acme_public *out);
    /* The count, as acme_key_sign. */
    int (*sign)(const struct acme_key *key, const uint8_t *digest, uint8_t *sig, size_t cap);
};

extern const struct acme_crypto_kind acme_crypto_rsa;

/* Starts a generator: ACME_OK (free it with wc_FreeRng), ACME_AGAIN, ACME_E_ENTROPY,
 * ACME_E_CRYPTO. */
int acme_crypto_rng(struct WC_RNG *rng);

#endif
