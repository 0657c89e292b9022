/* acme_csr_read.c - a certificate request that somebody else has made (RFC 2986). A link choice:
 * the other one is acme_csr_noread.c. */
#include "acme_csr_read.h"

#include <string.h>

#include "acme_der.h"
#include "acme_err.h"

static const uint8_t csr_oid_extensions[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e};
static const uint8_t csr_oid_san[] = {0x55, 0x1d, 0x11};

static const struct {
    uint8_t oid[9], len;
    bool rsa;
    uint8_t digest_size;
} csr_algorithms[] = {
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}, 8, false, 32},
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}, 8, false, 48},
    {{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}, 8, false, 64},
    {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}, 9, true, 32},
    {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c}, 9, true, 48},
    {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d}, 9, true, 64},
};

/* The extensionRequest among the attributes (RFC 2985 5.4.2). */
static bool csr_attributes(struct acme_slice in, struct acme_csr *out)
{
    struct acme_slice one, id, set;

    while (in.len > 0) {
        if (!acme_der_read_tag(&in, ACME_DER_SEQUENCE, &one) ||
            !acme_der_read_tag(&one, ACME_DER_OID, &id) ||
            !acme_der_read_tag(&one, ACME_DER_SET, &set) || one.len != 0)
            return false;
        if (id.len != sizeof csr_oid_extensions || memcmp(id.ptr, csr_oid_extensions, id.len) != 0)
            continue;
        if (out->extensions.len > 0 ||
            !acme_der_read_tag(&set, ACME_DER_SEQUENCE, &out->extensions) || set.len != 0)
            return false;
    }
    return true;
}

static void csr_algorithm(struct acme_slice id, struct acme_csr *out)
{
    for (size_t i = 0; i < sizeof csr_algorithms / sizeof csr_algorithms[0]; i++) {
        if (id.len != csr_algorithms[i].len || memcmp(id.ptr, csr_algorithms[i].oid, id.len) != 0)
            continue;
        out->rsa = csr_algorithms[i].rsa;
        out->digest_size = csr_algorithms[i].digest_size;
    }
}

static bool csr_split(struct acme_slice der, struct acme_csr *out)
{
    struct acme_slice in, info, part, id;
    uint8_t tag;

    if (!acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in) || der.len != 0 ||
        !acme_der_read(&in, &tag, &info, &out->info) || tag != ACME_DER_SEQUENCE ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part) ||
        !acme_der_read_tag(&part, ACME_DER_OID, &id) ||
        !acme_der_read_tag(&in, ACME_DER_BIT_STRING, &out->signature) || in.len != 0 ||
        out->signature.len < 2 || out->signature.ptr[0] != 0)
        return false;
    out->signature.ptr++; /* the count of unused bits */
    out->signature.len--;
    csr_algorithm(id, out);
    if (!acme_der_read_tag(&info, ACME_DER_INTEGER, &part) || part.len != 1 || part.ptr[0] != 0 ||
        !acme_der_read_tag(&info, ACME_DER_SEQUENCE, &part) || /* subject */
        !acme_der_read(&info, &tag, &part, &out->spki) || tag != ACME_DER_SEQUENCE)
        return false;
    if (info.len == 0) /* no attributes: no names */
        return true;
    return acme_der_read_tag(&info, ACME_DER_CONTEXT(0), &part) && info.len == 0 &&
           csr_attributes(part, out);
}

int acme_csr_read(struct acme_slice der, struct acme_csr *out, const char **why)
{
    struct acme_hash h;
    uint8_t digest[64];
    int err;

    memset(out, 0, sizeof *out);
    *why = "it is no certificate request (PKCS #10)";
    if (!csr_split(der, out))
        return ACME_E_CERT;
    *why = "its signature is wrong: it is damaged, or not made by its key";
    if (out->digest_size == 0 || acme_hash_start(&h, out->digest_size) != ACME_OK)
        return ACME_OK;
    err = acme_hash_add(&h, out->info.ptr, out->info.len);
    if (err == ACME_OK)
        err = acme_hash_end(&h, digest);
    if (err == ACME_OK)
        err = acme_verify(out->spki, out->rsa, digest, out->digest_size, out->signature);
    return err == ACME_E_CRYPTO ? ACME_OK : err; /* a kind of key that only the CA can judge */
}

int acme_csr_name(const struct acme_csr *csr, size_t nth, struct acme_name *out)
{
    struct acme_slice value = acme_cert_extension(csr->extensions, csr_oid_san, sizeof csr_oid_san);
    struct acme_slice in;
    uint8_t tag;

    if (value.len == 0)
        return ACME_AGAIN;
    if (!acme_der_read_tag(&value, ACME_DER_SEQUENCE, &in) || value.len != 0)
        return ACME_E_CERT;
    while (in.len > 0) {
        if (!acme_der_read(&in, &tag, &value, NULL))
            return ACME_E_CERT;
        if (nth-- == 0)
            return acme_cert_san_name(tag, value, out);
    }
    return ACME_AGAIN;
}

bool acme_csr_fits(const struct acme_csr *csr, const char *const *names, size_t count)
{
    struct acme_name name;
    size_t found = 0, i;

    for (; acme_csr_name(csr, found, &name) == ACME_OK; found++) {
        for (i = 0; i < count && strcmp(names[i], name.text) != 0;)
            i++;
        if (i == count)
            return false;
    }
    return found == count && acme_csr_name(csr, found, &name) == ACME_AGAIN;
}
