#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/memory.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include "acme_crypto.h"
#include "acme_crypto_kinds.h"
#include "acme_der.h"

#include <string.h>

#define RSA_EXPONENT  65537
#define RSA_BYTES_MAX 512

/* DigestInfo of SHA-256 (RFC 8017 9.2, note 1): what stands before the digest. */
static const uint8_t rsa_sha256_head[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                            0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                            0x01, 0x05, 0x00, 0x04, 0x20};
#define RSA_INFO_SIZE (sizeof rsa_sha256_head + ACME_SHA256_SIZE)

static const struct {
    uint8_t type;
    uint16_t bytes;
} rsa_sizes[] = {{ACME_KEY_RSA2048, 256}, {ACME_KEY_RSA3072, 384}, {ACME_KEY_RSA4096, 512}};

static size_t rsa_bytes(int type)
{
    for (size_t i = 0; i < sizeof rsa_sizes / sizeof rsa_sizes[0]; i++) {
        if (rsa_sizes[i].type == type)
            return rsa_sizes[i].bytes;
    }
    return 0;
}

static int rsa_type(size_t bytes)
{
    for (size_t i = 0; i < sizeof rsa_sizes / sizeof rsa_sizes[0]; i++) {
        if (rsa_sizes[i].bytes == bytes)
            return rsa_sizes[i].type;
    }
    return ACME_KEY_NONE;
}

static RsaKey *rsa_new(void)
{
    RsaKey *rsa = (RsaKey *)XMALLOC(sizeof *rsa, NULL, DYNAMIC_TYPE_RSA);

    if (rsa != NULL && wc_InitRsaKey(rsa, NULL) != 0) {
        XFREE(rsa, NULL, DYNAMIC_TYPE_RSA);
        rsa = NULL;
    }
    return rsa;
}

static void rsa_free(RsaKey *rsa)
{
    if (rsa == NULL)
        return;
    (void)wc_FreeRsaKey(rsa);
    acme_wipe(rsa, sizeof *rsa);
    XFREE(rsa, NULL, DYNAMIC_TYPE_RSA);
}

static RsaKey *rsa_decode(struct acme_slice der)
{
    RsaKey *rsa = rsa_new();
    word32 at = 0;

    if (rsa != NULL && (wc_RsaPrivateKeyDecode(der.ptr, &at, rsa, (word32)der.len) != 0 ||
                        at != der.len || rsa->type != RSA_PRIVATE)) {
        rsa_free(rsa);
        rsa = NULL;
    }
    return rsa;
}

static int rsa_store(struct acme_key *key, RsaKey *rsa, int type)
{
    int len = wc_RsaKeyToDer(rsa, NULL, 0);

    if (len <= 0)
        return ACME_E_CRYPTO;
    if ((size_t)len > sizeof key->der)
        return ACME_E_SIZE;
    len = wc_RsaKeyToDer(rsa, key->der, (word32)sizeof key->der);
    if (len <= 0)
        return ACME_E_CRYPTO;
    key->type = (uint8_t)type;
    key->home = ACME_KEY_BYTES;
    key->len = (uint16_t)len;
    return ACME_OK;
}

static int rsa_make(struct acme_key *key, struct WC_RNG *rng)
{
    RsaKey *rsa = rsa_new();
    int ret = ACME_E_CRYPTO;

    if (rsa != NULL && wc_MakeRsaKey(rsa, (int)rsa_bytes(key->type) * 8, RSA_EXPONENT, rng) == 0)
        ret = rsa_store(key, rsa, key->type);
    rsa_free(rsa);
    return ret;
}

/* Blinding needs random numbers, so an RSA signature needs entropy, other than an ECDSA one. */
static int rsa_sign_with(RsaKey *rsa, const uint8_t *digest, uint8_t *sig, size_t cap)
{
    uint8_t info[RSA_INFO_SIZE];
    WC_RNG rng;
    int ret = acme_crypto_rng(&rng);

    if (ret != ACME_OK)
        return ret == ACME_AGAIN ? ACME_AGAIN : ACME_E_CRYPTO;
    memcpy(info, rsa_sha256_head, sizeof rsa_sha256_head);
    memcpy(info + sizeof rsa_sha256_head, digest, ACME_SHA256_SIZE);
    ret = ACME_E_CRYPTO;
    if (wc_RsaSetRNG(rsa, &rng) == 0)
        ret = wc_RsaSSL_Sign(info, (word32)sizeof info, sig, (word32)cap, rsa, &rng);
    (void)wc_FreeRng(&rng);
    return ret > 0 ? ret : ACME_E_CRYPTO;
}

/* A signature that the public half verifies: a key whose numbers do not belong together, or whose
 * computation was disturbed, must not get out (one bad CRT signature gives a factor away). */
static int rsa_sign_checked(RsaKey *rsa, const uint8_t *digest, uint8_t *sig, size_t cap)
{
    uint8_t info[RSA_BYTES_MAX];
    int len = rsa_sign_with(rsa, digest, sig, cap);
    int ret;

    if (len < 0)
        return len;
    ret = wc_RsaSSL_Verify(sig, (word32)len, info, (word32)sizeof info, rsa);
    if (ret != (int)RSA_INFO_SIZE || memcmp(info, rsa_sha256_head, sizeof rsa_sha256_head) != 0 ||
        memcmp(info + sizeof rsa_sha256_head, digest, ACME_SHA256_SIZE) != 0) {
        acme_wipe(sig, cap);
        return ACME_E_CRYPTO;
    }
    return len;
}

static int rsa_read(struct acme_key *key, struct acme_slice der)
{
    static const uint8_t probe[ACME_SHA256_SIZE] = {1};
    uint8_t sig[RSA_BYTES_MAX];
    RsaKey *rsa = rsa_decode(der);
    int ret = ACME_E_CRYPTO;
    int size = rsa != NULL ? wc_RsaEncryptSize(rsa) : 0;
    int type = size > 0 ? rsa_type((size_t)size) : ACME_KEY_NONE;

    if (type != ACME_KEY_NONE)
        ret = rsa_sign_checked(rsa, probe, sig, sizeof sig);
    if (ret > 0)
        ret = rsa_store(key, rsa, type);
    rsa_free(rsa);
    return ret;
}

static int rsa_number(struct acme_slice *in, uint8_t *out, size_t cap, uint16_t *len)
{
    struct acme_slice number;

    if (!acme_der_read_tag(in, ACME_DER_INTEGER, &number))
        return ACME_E_CRYPTO;
    while (number.len > 0 && number.ptr[0] == 0) {
        number.ptr++;
        number.len--;
    }
    if (number.len == 0 || number.len > cap)
        return ACME_E_CRYPTO;
    memcpy(out, number.ptr, number.len);
    *len = (uint16_t)number.len;
    return ACME_OK;
}

static int rsa_public(const struct acme_key *key, struct acme_public *out)
{
    struct acme_slice der = acme_slice_of(key->der, key->len);
    struct acme_slice in, version;
    int ret = ACME_E_CRYPTO;

    if (acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in) &&
        acme_der_read_tag(&in, ACME_DER_INTEGER, &version))
        ret = rsa_number(&in, out->a, sizeof out->a, &out->a_len);
    if (ret == ACME_OK)
        ret = rsa_number(&in, out->b, sizeof out->b, &out->b_len);
    if (ret == ACME_OK && out->a_len != rsa_bytes(key->type))
        ret = ACME_E_CRYPTO;
    return ret;
}

static int rsa_sign(const struct acme_key *key, const uint8_t *digest, uint8_t *sig, size_t cap)
{
    RsaKey *rsa;
    int ret;

    if (cap < rsa_bytes(key->type))
        return ACME_E_SIZE;
    rsa = rsa_decode(acme_slice_of(key->der, key->len));
    if (rsa == NULL || (size_t)wc_RsaEncryptSize(rsa) != rsa_bytes(key->type))
        ret = ACME_E_CRYPTO;
    else
        ret = rsa_sign_checked(rsa, digest, sig, cap);
    rsa_free(rsa);
    return ret;
}

const struct acme_crypto_kind acme_crypto_rsa = {rsa_make, rsa_read, rsa_public, rsa_sign};
