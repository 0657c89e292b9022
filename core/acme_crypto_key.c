#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/memory.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/version.h>

#include "acme_crypto.h"
#include "acme_crypto_kinds.h"
#include "acme_der.h"

#include <string.h>

struct key_kind {
    uint8_t type;
    uint8_t digest_size;
    uint8_t size; /* of a coordinate, for EC; 0: RSA */
    int8_t curve; /* wolfCrypt's number */
    uint8_t oid_len;
    uint8_t oid[8];
    const char *name;
};

static const struct key_kind key_kinds[] = {
    {ACME_KEY_P256, 32, 32, ECC_SECP256R1, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}, "p256"},
    {ACME_KEY_P384, 48, 48, ECC_SECP384R1, 5, {0x2b, 0x81, 4, 0, 0x22, 0, 0, 0}, "p384"},
    {ACME_KEY_RSA2048, 32, 0, 0, 0, {0}, "rsa2048"},
    {ACME_KEY_RSA3072, 32, 0, 0, 0, {0}, "rsa3072"},
    {ACME_KEY_RSA4096, 32, 0, 0, 0, {0}, "rsa4096"},
};
#define KEY_EC_MAX     48 /* bytes of a coordinate */
#define KEY_EC_SIG_MAX (2 * (KEY_EC_MAX + 3) + 3)

/* wolfSSL before 5.8 signs by RFC 6979 with SHA-256 alone, and no other way is taken here. */
#if LIBWOLFSSL_VERSION_HEX < 0x05008000
#define KEY_DIGEST_MAX 32
#else
#define KEY_DIGEST_MAX 64
#endif

static const struct key_kind *key_kind_of(int type)
{
    for (size_t i = 0; i < sizeof key_kinds / sizeof key_kinds[0]; i++) {
        if (key_kinds[i].type == type)
            return &key_kinds[i];
    }
    return NULL;
}

bool acme_key_supported(enum acme_key_type type)
{
    const struct key_kind *kind = key_kind_of((int)type);

    if (kind == NULL)
        return false;
    if (kind->size == 0)
        return acme_crypto_rsa.make != NULL;
    return kind->digest_size <= KEY_DIGEST_MAX && wc_ecc_get_curve_idx(kind->curve) >= 0;
}

const char *acme_key_type_name(enum acme_key_type type)
{
    const struct key_kind *kind = key_kind_of((int)type);

    return kind != NULL ? kind->name : "none";
}

enum acme_key_type acme_key_type_from(const char *name)
{
    for (size_t i = 0; i < sizeof key_kinds / sizeof key_kinds[0]; i++) {
        if (strcmp(key_kinds[i].name, name) == 0)
            return (enum acme_key_type)key_kinds[i].type;
    }
    return ACME_KEY_NONE;
}

size_t acme_key_digest_size(enum acme_key_type type)
{
    const struct key_kind *kind = key_kind_of((int)type);

    return kind != NULL ? kind->digest_size : 0;
}

struct acme_slice acme_key_curve(enum acme_key_type type)
{
    const struct key_kind *kind = key_kind_of((int)type);

    return kind != NULL ? acme_slice_of(kind->oid, kind->oid_len) : acme_slice_of(NULL, 0);
}

void acme_key_wipe(struct acme_key *key)
{
    acme_wipe(key, sizeof *key);
}

bool acme_key_equal(const struct acme_key *a, const struct acme_key *b)
{
    return a->type == b->type && a->home == b->home && a->len == b->len &&
           a->len <= sizeof a->der && acme_equal(a->der, b->der, a->len);
}

bool acme_public_equal(const struct acme_public *a, const struct acme_public *b)
{
    return a->type == b->type && a->a_len == b->a_len && a->b_len == b->b_len &&
           memcmp(a->a, b->a, a->a_len) == 0 && memcmp(a->b, b->b, a->b_len) == 0;
}

/* --- EC ----------------------------------------------------------------------------------- */

/* The parts of a SEC 1 ECPrivateKey (RFC 5915 3), where they lie. */
struct key_ec {
    const struct key_kind *kind;
    struct acme_slice d;
    struct acme_slice point; /* 04 x y; empty when absent */
};

static const struct key_kind *key_kind_by_curve(struct acme_slice oid)
{
    for (size_t i = 0; i < sizeof key_kinds / sizeof key_kinds[0]; i++) {
        const struct key_kind *kind = &key_kinds[i];

        if (kind->oid_len == oid.len && oid.len > 0 && memcmp(kind->oid, oid.ptr, oid.len) == 0)
            return kind;
    }
    return NULL;
}

/* curve: what a PKCS #8 wrapper said, or empty. */
static int key_ec_parse(struct acme_slice der, struct acme_slice curve, struct key_ec *out)
{
    struct acme_slice in, inner, version;

    if (!acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in) || der.len != 0)
        return ACME_E_CRYPTO;
    if (!acme_der_read_tag(&in, ACME_DER_INTEGER, &version) || version.len != 1 ||
        version.ptr[0] != 1 || !acme_der_read_tag(&in, ACME_DER_OCTET_STRING, &out->d))
        return ACME_E_CRYPTO;
    if (acme_der_read_tag(&in, ACME_DER_CONTEXT(0), &inner) &&
        (!acme_der_read_tag(&inner, ACME_DER_OID, &curve) || inner.len != 0))
        return ACME_E_CRYPTO;
    out->kind = key_kind_by_curve(curve);
    if (out->kind == NULL || out->d.len != out->kind->size)
        return ACME_E_CRYPTO;
    out->point = acme_slice_of(NULL, 0);
    if (acme_der_read_tag(&in, ACME_DER_CONTEXT(1), &inner)) {
        if (!acme_der_read_tag(&inner, ACME_DER_BIT_STRING, &out->point) || inner.len != 0 ||
            out->point.len != 2u + 2u * out->kind->size || out->point.ptr[0] != 0 ||
            out->point.ptr[1] != 4)
            return ACME_E_CRYPTO;
        out->point.ptr++; /* the count of unused bits */
        out->point.len--;
    }
    return in.len == 0 ? ACME_OK : ACME_E_CRYPTO;
}

/* Writes the one form in which EC keys are stored: with curve and public point. */
static int key_ec_store(struct acme_key *key, const struct key_kind *kind, const uint8_t *d,
                        const uint8_t *point)
{
    struct acme_der der;
    struct acme_slice all;
    size_t mark;

    acme_der_init(&der, key->der, sizeof key->der);
    acme_der_raw(&der, point, 1u + 2u * kind->size);
    acme_der_byte(&der, 0);
    acme_der_wrap(&der, 0, ACME_DER_BIT_STRING);
    acme_der_wrap(&der, 0, ACME_DER_CONTEXT(1));
    mark = acme_der_mark(&der);
    acme_der_put(&der, ACME_DER_OID, kind->oid, kind->oid_len);
    acme_der_wrap(&der, mark, ACME_DER_CONTEXT(0));
    acme_der_put(&der, ACME_DER_OCTET_STRING, d, kind->size);
    acme_der_small(&der, 1);
    acme_der_wrap(&der, 0, ACME_DER_SEQUENCE);
    all = acme_der_slice(&der);
    if (all.len == 0)
        return ACME_E_SIZE;
    memmove(key->der, all.ptr, all.len);
    if (all.len < sizeof key->der) /* what memmove left behind it */
        acme_wipe(key->der + all.len, sizeof key->der - all.len);
    key->type = kind->type;
    key->home = ACME_KEY_BYTES;
    key->len = (uint16_t)all.len;
    return ACME_OK;
}

/* wolfCrypt's key lives in its own heap: it is large, and stacks of boards are small. */
static ecc_key *key_ec_new(void)
{
    ecc_key *ec = (ecc_key *)XMALLOC(sizeof *ec, NULL, DYNAMIC_TYPE_ECC);

    if (ec != NULL && wc_ecc_init(ec) != 0) {
        XFREE(ec, NULL, DYNAMIC_TYPE_ECC);
        ec = NULL;
    }
    return ec;
}

static void key_ec_free(ecc_key *ec)
{
    if (ec == NULL)
        return;
    (void)wc_ecc_free(ec); /* wipes the private part */
    acme_wipe(ec, sizeof *ec);
    XFREE(ec, NULL, DYNAMIC_TYPE_ECC);
}

/* 04 x y, padded. */
static int key_ec_point(ecc_key *ec, const struct key_kind *kind, uint8_t *point)
{
    word32 x_len = kind->size;
    word32 y_len = kind->size;

    point[0] = 4;
    if (wc_ecc_export_public_raw(ec, point + 1, &x_len, point + 1 + kind->size, &y_len) != 0 ||
        x_len != kind->size || y_len != kind->size)
        return ACME_E_CRYPTO;
    return ACME_OK;
}

static int key_ec_make(struct acme_key *key, struct WC_RNG *rng)
{
    const struct key_kind *kind = key_kind_of(key->type);
    uint8_t d[KEY_EC_MAX];
    uint8_t point[1 + 2 * KEY_EC_MAX];
    word32 d_len = kind->size;
    ecc_key *ec = key_ec_new();
    int ret = ACME_E_CRYPTO;

    if (ec != NULL && wc_ecc_make_key_ex(rng, kind->size, ec, kind->curve) == 0 &&
        wc_ecc_export_private_only(ec, d, &d_len) == 0 && d_len == kind->size)
        ret = key_ec_point(ec, kind, point);
    key_ec_free(ec);
    if (ret == ACME_OK)
        ret = key_ec_store(key, kind, d, point);
    acme_wipe(d, sizeof d);
    return ret;
}

/* The public point is computed again: a file whose halves do not belong together is refused. */
static int key_ec_read(struct acme_key *key, struct acme_slice der, struct acme_slice curve)
{
    struct key_ec part;
    uint8_t point[1 + 2 * KEY_EC_MAX];
    ecc_key *ec;
    int ret = key_ec_parse(der, curve, &part);

    if (ret != ACME_OK)
        return ret;
    ret = ACME_E_CRYPTO;
    ec = key_ec_new();
    if (ec != NULL &&
        wc_ecc_import_private_key_ex(part.d.ptr, (word32)part.d.len, NULL, 0, ec,
                                     part.kind->curve) == 0 &&
        wc_ecc_make_pub(ec, NULL) == 0)
        ret = key_ec_point(ec, part.kind, point);
    key_ec_free(ec);
    if (ret == ACME_OK && part.point.len > 0 && memcmp(point, part.point.ptr, part.point.len) != 0)
        ret = ACME_E_CRYPTO;
    return ret == ACME_OK ? key_ec_store(key, part.kind, part.d.ptr, point) : ret;
}

static int key_ec_public(const struct acme_key *key, struct acme_public *out)
{
    struct key_ec part;
    size_t size;

    if (key_ec_parse(acme_slice_of(key->der, key->len), acme_slice_of(NULL, 0), &part) != ACME_OK ||
        part.kind->type != key->type || part.point.len == 0)
        return ACME_E_CRYPTO;
    size = part.kind->size;
    out->a_len = out->b_len = (uint16_t)size;
    memcpy(out->a, part.point.ptr + 1, size);
    memcpy(out->b, part.point.ptr + 1 + size, size);
    return ACME_OK;
}

/* A signature as wolfCrypt writes it to r || s, each padded on the left. A
 * forgotten pad fails for one signature in 128. */
static int key_ec_raw(struct acme_slice der, size_t size, uint8_t *out)
{
    struct acme_slice in, number;

    if (!acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in))
        return ACME_E_CRYPTO;
    memset(out, 0, 2 * size);
    for (int i = 0; i < 2; i++, out += size) {
        if (!acme_der_read_tag(&in, ACME_DER_INTEGER, &number) || number.len == 0)
            return ACME_E_CRYPTO;
        if (number.ptr[0] == 0) {
            number.ptr++;
            number.len--;
        }
        if (number.len > size)
            return ACME_E_CRYPTO;
        memcpy(out + size - number.len, number.ptr, number.len);
    }
    return ACME_OK;
}

static int key_ec_sign(const struct acme_key *key, const uint8_t *digest, uint8_t *sig, size_t cap)
{
    struct key_ec part;
    WC_RNG unused;
    word32 len = (word32)(cap < KEY_EC_SIG_MAX ? cap : KEY_EC_SIG_MAX);
    ecc_key *ec;
    int ret = ACME_E_CRYPTO;

    if (key_ec_parse(acme_slice_of(key->der, key->len), acme_slice_of(NULL, 0), &part) != ACME_OK ||
        part.kind->type != key->type)
        return ACME_E_CRYPTO;
    /* RFC 6979 takes no random number, but wolfCrypt wants a generator for a second try that
     * never comes. This one was never started: if it is asked, it fails, and the signature too. */
    memset(&unused, 0, sizeof unused);
    ec = key_ec_new();
    if (ec != NULL &&
        wc_ecc_import_private_key_ex(part.d.ptr, (word32)part.d.len, part.point.ptr,
                                     (word32)part.point.len, ec, part.kind->curve) == 0 &&
        wc_ecc_set_deterministic(ec, 1) == 0 &&
        wc_ecc_sign_hash(digest, part.kind->digest_size, sig, &len, &unused, ec) == 0)
        ret = (int)len;
    key_ec_free(ec);
    return ret;
}

/* --- every kind ----------------------------------------------------------------------------- */

int acme_key_make(struct acme_key *key, enum acme_key_type type)
{
    const struct key_kind *kind = key_kind_of((int)type);
    WC_RNG rng;
    int ret;

    memset(key, 0, sizeof *key);
    if (kind == NULL || !acme_key_supported(type))
        return ACME_E_CONFIG;
    ret = acme_crypto_rng(&rng);
    if (ret != ACME_OK)
        return ret;
    key->type = kind->type;
    ret = kind->size > 0 ? key_ec_make(key, &rng) : acme_crypto_rsa.make(key, &rng);
    (void)wc_FreeRng(&rng);
    if (ret == ACME_OK)
        return ACME_OK;
    acme_key_wipe(key);
    /* wolfCrypt asks for more seed now and then while it works. */
    return acme_crypto_seed_state() != ACME_OK ? acme_crypto_seed_state() : ret;
}

/* Takes PKCS #8 (RFC 5958) off: *der is then what lies inside, *curve the algorithm's parameter.
 * SEC 1 and PKCS #1 have a version and then no sequence. */
static int key_unwrap(struct acme_slice *der, struct acme_slice *curve, bool *ec)
{
    static const uint8_t rsa_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
    static const uint8_t ec_oid[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1};
    struct acme_slice rest = *der, in, part, oid;
    uint8_t tag;

    *curve = acme_slice_of(NULL, 0);
    if (!acme_der_read_tag(&rest, ACME_DER_SEQUENCE, &in) || rest.len != 0 ||
        !acme_der_read_tag(&in, ACME_DER_INTEGER, &part) || !acme_der_read(&in, &tag, &part, NULL))
        return ACME_E_CRYPTO;
    *ec = tag == ACME_DER_OCTET_STRING;
    if (tag != ACME_DER_SEQUENCE)
        return ACME_OK;
    if (!acme_der_read_tag(&part, ACME_DER_OID, &oid))
        return ACME_E_CRYPTO;
    *ec = oid.len == sizeof ec_oid && memcmp(oid.ptr, ec_oid, sizeof ec_oid) == 0;
    if (*ec ? !acme_der_read_tag(&part, ACME_DER_OID, curve)
            : oid.len != sizeof rsa_oid || memcmp(oid.ptr, rsa_oid, sizeof rsa_oid) != 0)
        return ACME_E_CRYPTO;
    return acme_der_read_tag(&in, ACME_DER_OCTET_STRING, der) ? ACME_OK : ACME_E_CRYPTO;
}

int acme_key_read(struct acme_key *key, struct acme_slice der)
{
    struct acme_key read;
    struct acme_slice curve;
    bool ec = false;
    int ret = key_unwrap(&der, &curve, &ec);

    memset(&read, 0, sizeof read);
    if (ret == ACME_OK && ec)
        ret = key_ec_read(&read, der, curve);
    else if (ret == ACME_OK)
        ret = acme_crypto_rsa.read != NULL ? acme_crypto_rsa.read(&read, der) : ACME_E_CONFIG;
    if (ret == ACME_OK)
        *key = read; /* der may lie in key: it is written only now */
    else
        acme_key_wipe(key);
    acme_key_wipe(&read);
    return ret;
}

/* The kind of a key that can be worked with here, or NULL. */
static const struct key_kind *key_usable(const struct acme_key *key)
{
    const struct key_kind *kind = key_kind_of(key->type);

    if (kind == NULL || key->home != ACME_KEY_BYTES || key->len > sizeof key->der ||
        !acme_key_supported((enum acme_key_type)key->type))
        return NULL;
    return kind;
}

int acme_key_public(const struct acme_key *key, struct acme_public *out)
{
    const struct key_kind *kind = key_usable(key);

    memset(out, 0, sizeof *out);
    if (kind == NULL)
        return ACME_E_CRYPTO;
    out->type = kind->type;
    return kind->size > 0 ? key_ec_public(key, out) : acme_crypto_rsa.get_public(key, out);
}

int acme_key_sign(const struct acme_key *key, const uint8_t *digest, enum acme_signature form,
                  uint8_t *sig, size_t cap)
{
    const struct key_kind *kind = key_usable(key);
    uint8_t der[KEY_EC_SIG_MAX];
    size_t raw;
    int ret;

    if (kind == NULL)
        return ACME_E_CRYPTO;
    if (kind->size == 0)
        return acme_crypto_rsa.sign(key, digest, sig, cap);
    raw = 2u * kind->size;
    if (cap < (form == ACME_SIGNATURE_JWS ? raw : raw + 9))
        return ACME_E_SIZE;
    ret = key_ec_sign(key, digest, der, sizeof der);
    if (ret < 0)
        return ret;
    if (form == ACME_SIGNATURE_X509) {
        memcpy(sig, der, (size_t)ret);
        return ret;
    }
    ret = key_ec_raw(acme_slice_of(der, (size_t)ret), kind->size, sig);
    return ret == ACME_OK ? (int)raw : ret;
}
