/* sign_fake.c - in place of core/acme_crypto_key.c and core/acme_crypto_verify.c: keyed hashes
 *
 * A simulated signature of the same size and form, for most seeds: it shows which key signed which
 * digest, and costs a hundredth. It is no signature: whoever knows the public key can make it.
 * The other seeds, and all power cuts, run with wolfCrypt.
 */
#include <string.h>

#include "acme_crypto.h"
#include "acme_der.h"
#include "run.h"

#define FAKE_MAX 512

/* size: of a coordinate, or of the modulus; secret: bytes of der, as many as a real one has. */
static const struct {
    uint8_t type, digest, oid_len;
    bool rsa;
    uint16_t size, secret;
    uint8_t oid[8];
    const char *name;
} fake_kinds[] = {
    {ACME_KEY_P256, 32, 8, false, 32, 32, {0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}, "p256"},
    {ACME_KEY_P384, 48, 5, false, 48, 48, {0x2b, 0x81, 4, 0, 0x22, 0, 0, 0}, "p384"},
    {ACME_KEY_RSA2048, 32, 0, true, 256, 1192, {0}, "rsa2048"},
    {ACME_KEY_RSA3072, 32, 0, true, 384, 1768, {0}, "rsa3072"},
    {ACME_KEY_RSA4096, 32, 0, true, 512, 2350, {0}, "rsa4096"},
};
#define FAKE_KINDS (sizeof fake_kinds / sizeof fake_kinds[0])

static size_t fake_kind(int type)
{
    size_t i = 0;

    while (i < FAKE_KINDS && fake_kinds[i].type != type)
        i++;
    return i;
}

bool acme_key_supported(enum acme_key_type type)
{
    return fake_kind((int)type) < FAKE_KINDS;
}

const char *acme_key_type_name(enum acme_key_type type)
{
    size_t i = fake_kind((int)type);

    return i < FAKE_KINDS ? fake_kinds[i].name : "none";
}

enum acme_key_type acme_key_type_from(const char *name)
{
    for (size_t i = 0; i < FAKE_KINDS; i++) {
        if (strcmp(fake_kinds[i].name, name) == 0)
            return (enum acme_key_type)fake_kinds[i].type;
    }
    return ACME_KEY_NONE;
}

size_t acme_key_digest_size(enum acme_key_type type)
{
    size_t i = fake_kind((int)type);

    return i < FAKE_KINDS ? fake_kinds[i].digest : 0;
}

struct acme_slice acme_key_curve(enum acme_key_type type)
{
    size_t i = fake_kind((int)type);

    return i < FAKE_KINDS ? acme_slice_of(fake_kinds[i].oid, fake_kinds[i].oid_len)
                          : acme_slice_of(NULL, 0);
}

void acme_key_wipe(struct acme_key *key)
{
    memset(key, 0, sizeof *key);
}

bool acme_key_equal(const struct acme_key *a, const struct acme_key *b)
{
    return a->type == b->type && a->len == b->len && memcmp(a->der, b->der, a->len) == 0;
}

bool acme_public_equal(const struct acme_public *a, const struct acme_public *b)
{
    return a->type == b->type && a->a_len == b->a_len && a->b_len == b->b_len &&
           memcmp(a->a, b->a, a->a_len) == 0 && memcmp(a->b, b->b, a->b_len) == 0;
}

/* size bytes that depend on the label and on all of data. */
static void fake_expand(char label, const uint8_t *data, size_t len, const uint8_t *more,
                        size_t more_len, uint8_t *out, size_t size)
{
    uint8_t digest[ACME_SHA256_SIZE];
    struct acme_hash h;

    (void)acme_hash_start(&h, sizeof digest);
    (void)acme_hash_add(&h, &label, 1);
    (void)acme_hash_add(&h, data, len);
    (void)acme_hash_add(&h, more, more_len);
    (void)acme_hash_end(&h, digest);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(digest[i % sizeof digest] + i / sizeof digest);
    out[0] |= 1; /* never a zero in front, and never a negative number */
    out[0] &= 0x7f;
}

/* der of a simulated key: d, which is as secret as any. */
int acme_key_make(struct acme_key *key, enum acme_key_type type)
{
    size_t i = fake_kind((int)type);
    int err;

    memset(key, 0, sizeof *key);
    if (i == FAKE_KINDS)
        return ACME_E_CONFIG;
    if (fake_kinds[i].secret > sizeof key->der)
        return ACME_E_SIZE;
    err = acme_random(key->der, 32);
    if (err != ACME_OK)
        return err;
    fake_expand('d', key->der, 32, key->der, 0, key->der, fake_kinds[i].secret);
    key->type = fake_kinds[i].type;
    key->len = fake_kinds[i].secret;
    return ACME_OK;
}

int acme_key_read(struct acme_key *key, struct acme_slice der)
{
    memset(key, 0, sizeof *key);
    for (size_t i = 0; i < FAKE_KINDS; i++) {
        if (fake_kinds[i].secret != der.len || der.len > sizeof key->der)
            continue;
        key->type = fake_kinds[i].type;
        key->len = (uint16_t)der.len;
        memcpy(key->der, der.ptr, der.len);
        return ACME_OK;
    }
    return ACME_E_CRYPTO;
}

int acme_key_public(const struct acme_key *key, struct acme_public *out)
{
    size_t i = fake_kind(key->type);

    memset(out, 0, sizeof *out);
    if (i == FAKE_KINDS || key->len != fake_kinds[i].secret)
        return ACME_E_CRYPTO;
    out->type = key->type;
    out->a_len = fake_kinds[i].size;
    fake_expand('x', key->der, key->len, NULL, 0, out->a, out->a_len);
    if (fake_kinds[i].rsa) {
        out->a[0] |= 0x80;
        out->b_len = 3;
        memcpy(out->b, "\1\0\1", 3);
        return ACME_OK;
    }
    out->b_len = fake_kinds[i].size;
    fake_expand('y', key->der, key->len, NULL, 0, out->b, out->b_len);
    return ACME_OK;
}

/* What the owner of the public number x signs: r and s, or one number. */
static void fake_raw(const uint8_t *x, size_t size, bool rsa, const uint8_t *digest,
                     size_t digest_size, uint8_t *out)
{
    fake_expand('r', x, size, digest, digest_size, out, size);
    if (!rsa)
        fake_expand('s', x, size, digest, digest_size, out + size, size);
}

static struct acme_slice fake_der(const uint8_t *raw, size_t size, uint8_t *room, size_t cap)
{
    struct acme_der d;

    acme_der_init(&d, room, cap);
    acme_der_uint(&d, raw + size, size);
    acme_der_uint(&d, raw, size);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    return acme_der_slice(&d);
}

int acme_key_sign(const struct acme_key *key, const uint8_t *digest, enum acme_signature form,
                  uint8_t *sig, size_t cap)
{
    size_t i = fake_kind(key->type);
    struct acme_public pub;
    uint8_t raw[FAKE_MAX], room[160];
    struct acme_slice der;

    if (acme_key_public(key, &pub) != ACME_OK)
        return ACME_E_CRYPTO;
    fake_raw(pub.a, pub.a_len, fake_kinds[i].rsa, digest, fake_kinds[i].digest, raw);
    if (fake_kinds[i].rsa)
        der = acme_slice_of(raw, pub.a_len);
    else if (form == ACME_SIGNATURE_JWS)
        der = acme_slice_of(raw, 2u * pub.a_len);
    else
        der = fake_der(raw, pub.a_len, room, sizeof room);
    if (der.len > cap)
        return ACME_E_SIZE;
    memcpy(sig, der.ptr, der.len);
    return (int)der.len;
}

int acme_verify(struct acme_slice spki, bool rsa, const uint8_t *digest, size_t digest_size,
                struct acme_slice signature)
{
    uint8_t raw[FAKE_MAX], room[160];
    size_t size = rsa ? signature.len : digest_size;
    struct acme_slice made;
    const uint8_t *x;

    /* The point, or the modulus and 2 3 1 0 1, is the end of a SubjectPublicKeyInfo. */
    if (size > FAKE_MAX || digest_size > 48 || spki.len < 2 * size / (1 + rsa) + 6)
        return ACME_E_CERT;
    x = spki.ptr + spki.len - (rsa ? size + 5 : 2 * size);
    if (rsa ? memcmp(x + size, "\2\3\1\0\1", 5) != 0 : x[-1] != 4)
        return ACME_E_CERT;
    fake_raw(x, size, rsa, digest, digest_size, raw);
    made = rsa ? acme_slice_of(raw, size) : fake_der(raw, size, room, sizeof room);
    return made.len == signature.len && memcmp(made.ptr, signature.ptr, made.len) == 0
               ? ACME_OK
               : ACME_E_CERT;
}

bool sign_is_fake(void)
{
    return true;
}
