/* fuzz_cert.c - DER: one element at a time, keys, certificates, chains of them
 *
 * Input: which one, then DER; for a chain the certificates are cut apart by their own lengths.
 * wolfSSL's parser takes part. corpus.py makes certificates for the key below.
 */
#include "acme_cert.h"
#include "acme_crypto.h"
#include "acme_der.h"
#include "fuzz.h"

/* RFC 6979 A.2.5 as ECPrivateKey: the key that the seeds' leaves are for. */
static const uint8_t key_der[] = {
    0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20, 0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16, 0x6b,
    0x5c, 0x21, 0x57, 0x67, 0xb1, 0xd6, 0x93, 0x4e, 0x50, 0xc3, 0xdb, 0x36, 0xe8, 0x9b, 0x12, 0x7b,
    0x8a, 0x62, 0x2b, 0x12, 0x0f, 0x67, 0x21, 0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00, 0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d,
    0x31, 0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68, 0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa,
    0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6, 0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc,
    0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e, 0x9f,
    0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99};

static const char *const names[] = {"example.com", "*.example.com", "192.0.2.7"};

/* Elements within elements; each one written again is the same bytes. */
static void check_elements(struct acme_slice in, unsigned depth)
{
    struct acme_slice before = in, content, whole;
    uint8_t tag;

    while (acme_der_read(&in, &tag, &content, &whole)) {
        uint8_t *room = fuzz_room(whole.len);
        struct acme_der d;

        FUZZ_CHECK(fuzz_inside(whole, before) && fuzz_inside(content, whole));
        FUZZ_CHECK(whole.len + in.len == before.len && whole.len >= 2);
        acme_der_init(&d, room, whole.len);
        acme_der_put(&d, tag, content.ptr, content.len);
        FUZZ_CHECK(fuzz_same(acme_der_slice(&d), whole));
        free(room);
        if (tag & 0x20 && depth < 8)
            check_elements(content, depth + 1);
        before = in;
    }
    FUZZ_CHECK(fuzz_same(in, before));
}

static void check_san(struct acme_slice der)
{
    struct acme_name name, again;

    for (size_t nth = 0; acme_cert_san(der, nth, &name) == ACME_OK; nth++) {
        FUZZ_CHECK(nth < der.len);
        FUZZ_CHECK(acme_name_read(acme_slice_text(name.text), &again, NULL) == ACME_OK);
        FUZZ_CHECK(strcmp(name.text, again.text) == 0 && name.type == again.type);
    }
}

static void check_facts(struct acme_slice der)
{
    struct acme_cert_facts facts;

    check_san(der);
    if (acme_cert_facts(der, &facts) != ACME_OK)
        return;
    FUZZ_CHECK(facts.serial_len >= 1 && facts.serial_len <= sizeof facts.serial);
    FUZZ_CHECK(facts.authority_key_len <= sizeof facts.authority_key);
    FUZZ_CHECK(memchr(facts.issuer, 0, sizeof facts.issuer) != NULL);
    for (size_t i = 0; facts.issuer[i] != '\0'; i++)
        FUZZ_CHECK(facts.issuer[i] >= 0x20 && facts.issuer[i] < 0x7f);
    FUZZ_CHECK(facts.not_before >= 0 && facts.not_after >= 0);
}

static bool contains(struct acme_slice in, const uint8_t *what, size_t len)
{
    for (size_t i = 0; i + len <= in.len; i++) {
        if (memcmp(in.ptr + i, what, len) == 0)
            return true;
    }
    return false;
}

/* What passes holds our key and our names, whatever else it is. */
static void check_passed(struct acme_slice leaf, size_t count)
{
    struct acme_name name;
    size_t sans = 0;

    FUZZ_CHECK(contains(leaf, key_der + sizeof key_der - 64, 64));
    while (acme_cert_san(leaf, sans, &name) == ACME_OK) {
        size_t i;

        for (i = 0; i < count && strcmp(names[i], name.text) != 0; i++)
            ;
        FUZZ_CHECK(i < count);
        sans++;
    }
    FUZZ_CHECK(sans == count);
}

static void check_chain(struct acme_slice ders, uint8_t flags)
{
    static struct acme_key key;
    size_t room = ders.len + 3 * (ACME_MAX_CHAIN_CERTS + 2), len = 0, count = 1 + flags % 3;
    uint8_t *packed = fuzz_room(room);
    struct acme_slice content, whole;
    struct acme_cert_verdict verdict = {NULL, 99};
    struct acme_chain chain;
    uint8_t tag;
    int err;

    if (key.type == ACME_KEY_NONE)
        FUZZ_CHECK(acme_key_read(&key, acme_slice_of(key_der, sizeof key_der)) == ACME_OK);
    for (size_t n = 0; n < ACME_MAX_CHAIN_CERTS + 1; n++) {
        if (!acme_der_read(&ders, &tag, &content, &whole))
            break;
        packed[len] = (uint8_t)whole.len;
        packed[len + 1] = (uint8_t)(whole.len >> 8);
        packed[len + 2] = (uint8_t)(whole.len >> 16);
        memcpy(packed + len + 3, whole.ptr, whole.len);
        len += 3 + whole.len;
    }
    chain.packed = acme_slice_of(packed, len);
    err = acme_cert_check(&chain, &key, names, count, !(flags & 64), 1800000000, 60, &verdict);
    FUZZ_CHECK(err == ACME_OK || err == ACME_E_CERT);
    FUZZ_CHECK((err == ACME_OK) == (verdict.why == NULL));
    FUZZ_CHECK(verdict.nth <= ACME_MAX_CHAIN_CERTS);
    if (err == ACME_OK)
        check_passed(acme_chain_at(&chain, 0), count);
    free(packed);
}

static void check_key(struct acme_slice der)
{
    struct acme_key key, again;
    struct acme_public pub;

    if (acme_key_read(&key, der) != ACME_OK) {
        FUZZ_CHECK(key.type == ACME_KEY_NONE);
        return;
    }
    FUZZ_CHECK(acme_key_supported((enum acme_key_type)key.type) && key.len <= sizeof key.der);
    FUZZ_CHECK(acme_key_public(&key, &pub) == ACME_OK);
    FUZZ_CHECK(acme_key_read(&again, acme_slice_of(key.der, key.len)) == ACME_OK);
    FUZZ_CHECK(acme_key_equal(&key, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    uint8_t which = fuzz_byte(&in);
    struct acme_slice der = fuzz_rest(&in);

    switch (which & 3) {
    case 0:
        check_elements(der, 0);
        break;
    case 1:
        check_facts(der);
        break;
    case 2:
        check_chain(der, which >> 2);
        break;
    default:
        check_key(der);
        break;
    }
    return 0;
}
