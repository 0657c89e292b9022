#include "acme_csr.h"

#include <string.h>

static const uint8_t csr_oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1};
static const uint8_t csr_oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
static const uint8_t csr_oid_ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
static const uint8_t csr_oid_ecdsa_sha384[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3};
static const uint8_t csr_oid_rsa_sha256[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11};
static const uint8_t csr_oid_san[] = {0x55, 0x1d, 0x11};
/* extensionRequest (RFC 2985 5.4.2) */
static const uint8_t csr_oid_extensions[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14};

#define CSR_SAN_DNS ACME_DER_CHOICE(2)
#define CSR_SAN_IP  ACME_DER_CHOICE(7)

void acme_csr_algorithm(struct acme_der *d, enum acme_key_type type)
{
    size_t mark = acme_der_mark(d);

    if (type == ACME_KEY_P256) {
        acme_der_put(d, ACME_DER_OID, csr_oid_ecdsa_sha256, sizeof csr_oid_ecdsa_sha256);
    } else if (type == ACME_KEY_P384) {
        acme_der_put(d, ACME_DER_OID, csr_oid_ecdsa_sha384, sizeof csr_oid_ecdsa_sha384);
    } else {
        /* NULL parameters: RFC 4055 5 demands them for RSA, RFC 5758 3.2 forbids them for EC. */
        acme_der_put(d, ACME_DER_NULL, NULL, 0);
        acme_der_put(d, ACME_DER_OID, csr_oid_rsa_sha256, sizeof csr_oid_rsa_sha256);
    }
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
}

void acme_csr_public(struct acme_der *d, const struct acme_public *pub)
{
    struct acme_slice curve = acme_key_curve((enum acme_key_type)pub->type);
    size_t mark = acme_der_mark(d);
    size_t inner;

    if (curve.len > 0) {
        acme_der_raw(d, pub->b, pub->b_len);
        acme_der_raw(d, pub->a, pub->a_len);
        acme_der_byte(d, 4); /* uncompressed */
    } else {
        acme_der_uint(d, pub->b, pub->b_len);
        acme_der_uint(d, pub->a, pub->a_len);
        acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    }
    acme_der_byte(d, 0); /* no unused bits */
    acme_der_wrap(d, mark, ACME_DER_BIT_STRING);
    inner = acme_der_mark(d);
    if (curve.len > 0) {
        acme_der_put(d, ACME_DER_OID, curve.ptr, curve.len);
        acme_der_put(d, ACME_DER_OID, csr_oid_ec, sizeof csr_oid_ec);
    } else {
        acme_der_put(d, ACME_DER_NULL, NULL, 0);
        acme_der_put(d, ACME_DER_OID, csr_oid_rsa, sizeof csr_oid_rsa);
    }
    acme_der_wrap(d, inner, ACME_DER_SEQUENCE);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
}

int acme_csr_san(struct acme_der *d, const char *const *names, size_t count)
{
    size_t mark = acme_der_mark(d);

    while (count-- > 0) {
        struct acme_name name;

        if (acme_name_read(acme_slice_text(names[count]), &name, NULL) != ACME_OK)
            return ACME_E_NAME;
        if (name.type == ACME_ID_IP)
            acme_der_put(d, CSR_SAN_IP, name.ip, name.ip_len);
        else
            acme_der_put(d, CSR_SAN_DNS, name.text, strlen(name.text));
    }
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    return d->overflow ? ACME_E_SIZE : ACME_OK;
}

/* CertificationRequestInfo (RFC 2986 4.1). */
static int csr_info(struct acme_der *d, const char *const *names, size_t count,
                    const struct acme_public *pub)
{
    int ret = acme_csr_san(d, names, count);

    if (ret != ACME_OK)
        return ret;
    acme_der_wrap(d, 0, ACME_DER_OCTET_STRING);
    acme_der_put(d, ACME_DER_OID, csr_oid_san, sizeof csr_oid_san);
    acme_der_wrap(d, 0, ACME_DER_SEQUENCE); /* Extension */
    acme_der_wrap(d, 0, ACME_DER_SEQUENCE); /* Extensions */
    acme_der_wrap(d, 0, ACME_DER_SET);
    acme_der_put(d, ACME_DER_OID, csr_oid_extensions, sizeof csr_oid_extensions);
    acme_der_wrap(d, 0, ACME_DER_SEQUENCE); /* Attribute */
    acme_der_wrap(d, 0, ACME_DER_CONTEXT(0));
    acme_csr_public(d, pub);
    acme_der_put(d, ACME_DER_SEQUENCE, NULL, 0); /* no subject: a CN would hold 64 characters */
    acme_der_small(d, 0);                        /* version 1 */
    acme_der_wrap(d, 0, ACME_DER_SEQUENCE);
    return d->overflow ? ACME_E_SIZE : ACME_OK;
}

static int csr_sign(const struct acme_key *key, struct acme_slice info, uint8_t *sig, size_t cap)
{
    struct acme_hash h;
    uint8_t digest[64];
    int ret = acme_hash_start(&h, acme_key_digest_size((enum acme_key_type)key->type));

    if (ret == ACME_OK)
        ret = acme_hash_add(&h, info.ptr, info.len);
    if (ret == ACME_OK)
        ret = acme_hash_end(&h, digest);
    if (ret == ACME_OK)
        ret = acme_key_sign(key, digest, ACME_SIGNATURE_X509, sig, cap);
    return ret;
}

int acme_csr_seal(struct acme_span room, struct acme_slice body, const struct acme_key *key,
                  struct acme_slice *out)
{
    struct acme_der d;
    uint8_t sig[ACME_SIGNATURE_MAX];
    int ret = csr_sign(key, body, sig, sizeof sig);

    *out = acme_slice_of(NULL, 0);
    if (ret < 0)
        return ret;
    /* The signature stands behind what it signs: what is signed moves out of its way. */
    memmove(room.ptr, body.ptr, body.len);
    acme_der_init(&d, room.ptr + body.len, room.len - body.len);
    acme_der_raw(&d, sig, (size_t)ret);
    acme_der_byte(&d, 0);
    acme_der_wrap(&d, 0, ACME_DER_BIT_STRING);
    acme_csr_algorithm(&d, (enum acme_key_type)key->type);
    d.start = room.ptr;
    acme_der_raw(&d, room.ptr, body.len);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    *out = acme_der_slice(&d);
    return d.overflow ? ACME_E_SIZE : ACME_OK;
}

int acme_csr_write(struct acme_span room, const char *const *names, size_t count,
                   const struct acme_key *key, struct acme_slice *out)
{
    struct acme_public pub;
    struct acme_der d;
    int ret;

    *out = acme_slice_of(NULL, 0);
    if (count == 0)
        return ACME_E_NAME;
    ret = acme_key_public(key, &pub);
    if (ret != ACME_OK)
        return ret;
    acme_der_init(&d, room.ptr, room.len);
    ret = csr_info(&d, names, count, &pub);
    if (ret != ACME_OK)
        return ret;
    return acme_csr_seal(room, acme_der_slice(&d), key, out);
}
