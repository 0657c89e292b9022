#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/memory.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include "acme_crypto.h"

#include <string.h>

#define VERIFY_RSA_MAX 512
/* DigestInfo: a head of 19 bytes and the digest (RFC 8017 9.2, note 1). */
#define VERIFY_HEAD 19

static int verify_ec(struct acme_slice spki, const uint8_t *digest, size_t digest_size,
                     struct acme_slice signature)
{
    ecc_key *ec = (ecc_key *)XMALLOC(sizeof *ec, NULL, DYNAMIC_TYPE_ECC);
    word32 at = 0;
    int right = 0;
    int ret = ACME_E_CRYPTO;

    if (ec == NULL || wc_ecc_init(ec) != 0) {
        XFREE(ec, NULL, DYNAMIC_TYPE_ECC);
        return ACME_E_CRYPTO;
    }
    if (wc_EccPublicKeyDecode(spki.ptr, &at, ec, (word32)spki.len) == 0) {
        ret = ACME_E_CERT;
        if (wc_ecc_verify_hash(signature.ptr, (word32)signature.len, digest, (word32)digest_size,
                               &right, ec) == 0 &&
            right == 1)
            ret = ACME_OK;
    }
    (void)wc_ecc_free(ec);
    XFREE(ec, NULL, DYNAMIC_TYPE_ECC);
    return ret;
}

/* What the signature must contain, to the last byte. */
static size_t verify_rsa_info(uint8_t *info, const uint8_t *digest, size_t digest_size)
{
    static const uint8_t head[VERIFY_HEAD] = {0x30, 0,    0x30, 0x0d, 0x06, 0x09, 0x60,
                                              0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                              0,    0x05, 0x00, 0x04, 0};

    memcpy(info, head, sizeof head);
    info[1] = (uint8_t)(sizeof head - 2 + digest_size);
    info[14] = (uint8_t)(digest_size / 16 - 1); /* 1, 2, 3: SHA-256, SHA-384, SHA-512 */
    info[18] = (uint8_t)digest_size;
    memcpy(info + sizeof head, digest, digest_size);
    return sizeof head + digest_size;
}

/* In place, in a copy of the whole signature: wolfCrypt built for verification alone
 * (WOLFSSL_RSA_VERIFY_ONLY) opens it in the room for the result, however short that is. */
static int verify_rsa_open(RsaKey *rsa, struct acme_slice signature, const uint8_t *info,
                           size_t info_len)
{
    uint8_t *copy = (uint8_t *)XMALLOC(signature.len, NULL, DYNAMIC_TYPE_SIGNATURE);
    byte *opened = NULL;
    int ret;

    if (copy == NULL)
        return ACME_E_CRYPTO;
    memcpy(copy, signature.ptr, signature.len);
    ret = wc_RsaSSL_VerifyInline(copy, (word32)signature.len, &opened, rsa);
    ret = ret == (int)info_len && memcmp(info, opened, info_len) == 0 ? ACME_OK : ACME_E_CERT;
    XFREE(copy, NULL, DYNAMIC_TYPE_SIGNATURE);
    return ret;
}

static int verify_rsa(struct acme_slice spki, const uint8_t *digest, size_t digest_size,
                      struct acme_slice signature)
{
    uint8_t info[VERIFY_HEAD + 64];
    size_t want = verify_rsa_info(info, digest, digest_size);
    RsaKey *rsa = (RsaKey *)XMALLOC(sizeof *rsa, NULL, DYNAMIC_TYPE_RSA);
    word32 at = 0;
    int ret = ACME_E_CRYPTO;

    if (rsa == NULL || wc_InitRsaKey(rsa, NULL) != 0) {
        XFREE(rsa, NULL, DYNAMIC_TYPE_RSA);
        return ACME_E_CRYPTO;
    }
    if (wc_RsaPublicKeyDecode(spki.ptr, &at, rsa, (word32)spki.len) == 0)
        ret = verify_rsa_open(rsa, signature, info, want);
    (void)wc_FreeRsaKey(rsa);
    XFREE(rsa, NULL, DYNAMIC_TYPE_RSA);
    return ret;
}

int acme_verify(struct acme_slice spki, bool rsa, const uint8_t *digest, size_t digest_size,
                struct acme_slice signature)
{
    if (digest_size != 32 && digest_size != 48 && digest_size != 64)
        return ACME_E_ARG;
    if (signature.len == 0 || signature.len > VERIFY_RSA_MAX)
        return ACME_E_CERT;
    return rsa ? verify_rsa(spki, digest, digest_size, signature)
               : verify_ec(spki, digest, digest_size, signature);
}
