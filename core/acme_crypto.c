#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/random.h>

#include "acme_crypto.h"
#include "acme_crypto_kinds.h"

#include <string.h>

/* wolfCrypt's hooks take no context, so these belong to the process. */
static const struct acme_port *crypto_seed_port;
static const struct acme_port *crypto_clock_port;
static int crypto_seed_said = ACME_E_ENTROPY;

#define CRYPTO_SEED_PIECE 256 /* the port's bound for one call */

static int crypto_seed(OS_Seed *os, byte *seed, word32 len)
{
    (void)os;
    while (len > 0) {
        word32 piece = len < CRYPTO_SEED_PIECE ? len : CRYPTO_SEED_PIECE;

        crypto_seed_said = crypto_seed_port->entropy(crypto_seed_port->ctx, seed, piece);
        if (crypto_seed_said != ACME_OK)
            return -1;
        seed += piece;
        len -= piece;
    }
    return 0;
}

void acme_crypto_seed_from(const struct acme_port *port)
{
    crypto_seed_port = port;
    crypto_seed_said = port != NULL ? ACME_OK : ACME_E_ENTROPY;
    (void)wc_SetSeed_Cb(port != NULL ? crypto_seed : NULL);
}

void acme_crypto_seed_keep(void)
{
    if (crypto_seed_port != NULL)
        (void)wc_SetSeed_Cb(crypto_seed);
}

int acme_crypto_seed_state(void)
{
    return crypto_seed_said;
}

/* 1970 for a clock that is not set: every certificate is then refused, which is the safe side. */
static time_t crypto_clock(time_t *out)
{
    int64_t seconds = 0;
    time_t now;

    if (crypto_clock_port->unix_time(crypto_clock_port->ctx, &seconds) != ACME_OK)
        seconds = 0;
    now = (time_t)seconds;
    if ((int64_t)now != seconds) /* a time_t of 32 bits, after 2038 */
        now = 0;
    if (out != NULL)
        *out = now;
    return now;
}

void acme_crypto_clock_from(const struct acme_port *port)
{
    crypto_clock_port = port;
    (void)wc_SetTimeCb(port != NULL ? crypto_clock : NULL);
}

int acme_crypto_rng(struct WC_RNG *rng)
{
    int ret;

    if (crypto_seed_port == NULL)
        return ACME_E_ENTROPY;
    acme_crypto_seed_keep();
    ret = wc_InitRng(rng);
    if (ret == 0)
        return ACME_OK;
    if (crypto_seed_said != ACME_OK)
        return crypto_seed_said == ACME_AGAIN ? ACME_AGAIN : ACME_E_ENTROPY;
    return ret == MEMORY_E ? ACME_E_CRYPTO : ACME_E_ENTROPY;
}

int acme_random(void *out, size_t len)
{
    WC_RNG rng;
    uint8_t *at = out;
    int ret = acme_crypto_rng(&rng);

    if (ret != ACME_OK)
        return ret;
    while (len > 0 && ret == ACME_OK) {
        word32 piece = len < RNG_MAX_BLOCK_LEN ? (word32)len : RNG_MAX_BLOCK_LEN;

        if (wc_RNG_GenerateBlock(&rng, at, piece) != 0)
            ret = ACME_E_ENTROPY;
        at += piece;
        len -= piece;
    }
    (void)wc_FreeRng(&rng);
    return ret;
}

/* --- hashes ------------------------------------------------------------------------------- */

/* wolfCrypt's generic hash answers for the sizes that are compiled in, so nothing here asks. */
static enum wc_HashType crypto_hash_type(size_t digest_size)
{
    switch (digest_size) {
    case 32:
        return WC_HASH_TYPE_SHA256;
    case 48:
        return WC_HASH_TYPE_SHA384;
    case 64:
        return WC_HASH_TYPE_SHA512;
    default:
        return WC_HASH_TYPE_NONE;
    }
}

/* wolfCrypt's states want up to 64 bytes of alignment, which a C99 struct cannot promise: they
 * begin at the first such place in ours. */
struct crypto_hash_place {
    char before;
    wc_HashAlg hash;
};
#define CRYPTO_HASH_ALIGN offsetof(struct crypto_hash_place, hash)

typedef char crypto_hash_fits
    [sizeof(wc_HashAlg) + CRYPTO_HASH_ALIGN <= sizeof(((struct acme_hash *)0)->state) ? 1 : -1];

static wc_HashAlg *crypto_hash_state(struct acme_hash *h)
{
    uintptr_t over = (uintptr_t)h->state % CRYPTO_HASH_ALIGN;
    uint8_t *at = (uint8_t *)h->state;

    return (wc_HashAlg *)(void *)(over == 0 ? at : at + (CRYPTO_HASH_ALIGN - over));
}

int acme_hash_start(struct acme_hash *h, size_t digest_size)
{
    int ret;

    h->type = (uint8_t)digest_size;
    ret = wc_HashInit(crypto_hash_state(h), crypto_hash_type(digest_size));
    if (ret == HASH_TYPE_E || ret == BAD_FUNC_ARG)
        return ACME_E_CONFIG;
    return ret == 0 ? ACME_OK : ACME_E_CRYPTO;
}

int acme_hash_add(struct acme_hash *h, const void *data, size_t len)
{
    if (len == 0)
        return ACME_OK;
    if (len > UINT32_MAX / 16)
        return ACME_E_ARG;
    return wc_HashUpdate(crypto_hash_state(h), crypto_hash_type(h->type), data, (word32)len) == 0
               ? ACME_OK
               : ACME_E_CRYPTO;
}

int acme_hash_end(struct acme_hash *h, uint8_t *digest)
{
    int ret = wc_HashFinal(crypto_hash_state(h), crypto_hash_type(h->type), digest);

    (void)wc_HashFree(crypto_hash_state(h), crypto_hash_type(h->type));
    acme_wipe(h, sizeof *h);
    return ret == 0 ? ACME_OK : ACME_E_CRYPTO;
}

int acme_sha256(const void *data, size_t len, uint8_t out[ACME_SHA256_SIZE])
{
    struct acme_hash h;
    int ret = acme_hash_start(&h, ACME_SHA256_SIZE);

    if (ret == ACME_OK)
        ret = acme_hash_add(&h, data, len);
    if (ret == ACME_OK)
        ret = acme_hash_end(&h, out);
    return ret;
}

int acme_hmac(size_t digest_size, struct acme_slice key, struct acme_slice data, uint8_t *out)
{
    Hmac hmac;
    int ret;

    if (crypto_hash_type(digest_size) == WC_HASH_TYPE_NONE)
        return ACME_E_CONFIG;
    if (key.len == 0 || key.len > UINT32_MAX / 16 || data.len > UINT32_MAX / 16)
        return ACME_E_ARG;
    if (wc_HmacInit(&hmac, NULL, INVALID_DEVID) != 0)
        return ACME_E_CRYPTO;
    ret = wc_HmacSetKey(&hmac, (int)crypto_hash_type(digest_size), key.ptr, (word32)key.len);
    if (ret == 0 && data.len > 0)
        ret = wc_HmacUpdate(&hmac, data.ptr, (word32)data.len);
    if (ret == 0)
        ret = wc_HmacFinal(&hmac, out);
    wc_HmacFree(&hmac);
    acme_wipe(&hmac, sizeof hmac);
    if (ret == BAD_FUNC_ARG || ret == HASH_TYPE_E)
        return ACME_E_CONFIG;
    return ret == 0 ? ACME_OK : ACME_E_CRYPTO;
}

/* --- memory ------------------------------------------------------------------------------- */

/* Called through a pointer that the compiler may not look through, so that the call stays. */
static void *(*const volatile wipe_memset)(void *, int, size_t) = memset;

void acme_wipe(void *data, size_t len)
{
    if (len > 0)
        (void)wipe_memset(data, 0, len);
}

bool acme_equal(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    volatile uint8_t differ = 0;

    while (len-- > 0)
        differ = (uint8_t)(differ | (*x++ ^ *y++));
    return differ == 0;
}
