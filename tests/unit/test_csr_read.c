/* Requests of others: read, checked, and damaged at every byte. */
#include "acme_csr_read.h"

#include "acme_csr.h"
#include "acme_err.h"
#include "crypto_world.h"
#include "test.h"

static const char *const names[] = {"a.example.org", "*.b.example.org", "192.0.2.1", "2001:db8::1"};
static uint8_t room[4096];
static const char *why;

static struct acme_slice request(enum acme_key_type type)
{
    struct acme_span span = {room, sizeof room};
    struct acme_slice csr = {NULL, 0};
    struct acme_key key;

    world_reset();
    CHECK_INT(acme_key_make(&key, type), ACME_OK);
    CHECK_INT(acme_csr_write(span, names, 4, &key, &csr), ACME_OK);
    return csr;
}

TEST(parts_and_names)
{
    static const enum acme_key_type types[] = {ACME_KEY_P256, ACME_KEY_RSA2048};

    for (size_t k = 0; k < 2; k++) {
        struct acme_slice der = request(types[k]);
        struct acme_csr csr;
        struct acme_name name;

        CHECK_INT(acme_csr_read(der, &csr, &why), ACME_OK);
        CHECK_INT(csr.rsa, k == 1);
        CHECK_INT(csr.digest_size, 32);
        for (size_t i = 0; i < 4; i++) {
            CHECK_INT(acme_csr_name(&csr, i, &name), ACME_OK);
            CHECK_STR(name.text, names[i]);
        }
        CHECK_INT(acme_csr_name(&csr, 4, &name), ACME_AGAIN);
        CHECK(acme_csr_fits(&csr, names, 4));
        CHECK(!acme_csr_fits(&csr, names, 3));
        CHECK(!acme_csr_fits(&csr, names + 1, 3));
    }
}

TEST(cut_or_longer)
{
    struct acme_slice der = request(ACME_KEY_P256);
    struct acme_csr csr;
    uint8_t more[4096];

    for (size_t len = 0; len < der.len; len++)
        CHECK_INT(acme_csr_read(acme_slice_of(der.ptr, len), &csr, &why), ACME_E_CERT);
    memcpy(more, der.ptr, der.len);
    more[der.len] = 0;
    CHECK_INT(acme_csr_read(acme_slice_of(more, der.len + 1), &csr, &why), ACME_E_CERT);
}

/* A flipped bit in what is signed is seen by the signature; one in the kind of the signature may
 * make it one that only the CA can judge, but never another request. */
TEST(every_flipped_bit)
{
    struct acme_slice der = request(ACME_KEY_P256);
    struct acme_csr csr, was;
    struct acme_name name;
    uint8_t copy[4096];

    CHECK_INT(acme_csr_read(der, &was, &why), ACME_OK);
    for (size_t bit = 0; bit < der.len * 8; bit++) {
        size_t at = bit / 8, info = (size_t)(was.info.ptr - der.ptr);
        int err;

        memcpy(copy, der.ptr, der.len);
        copy[at] = (uint8_t)(copy[at] ^ 1u << bit % 8);
        err = acme_csr_read(acme_slice_of(copy, der.len), &csr, &why);
        for (size_t i = 0; err == ACME_OK && i < 6; i++)
            (void)acme_csr_name(&csr, i, &name);
        /* a key of a kind that cannot be judged here is the one exception */
        if (at >= info && at < info + was.info.len && err == ACME_OK)
            CHECK(csr.spki.len == was.spki.len && at >= (size_t)(was.spki.ptr - der.ptr) &&
                  at < (size_t)(was.spki.ptr - der.ptr) + was.spki.len);
    }
}

TEST(not_a_request)
{
    struct acme_csr csr;
    struct made m = {.key = NULL, .subject = "x", .ca = true};
    struct acme_key key;
    struct acme_slice cert;

    world_reset();
    CHECK_INT(acme_key_make(&key, ACME_KEY_P256), ACME_OK);
    m.key = &key;
    cert = made_cert(&m, room, sizeof room);
    CHECK(cert.len > 100);
    CHECK_INT(acme_csr_read(cert, &csr, &why), ACME_E_CERT);
    CHECK(strstr(why, "no certificate request") != NULL);
    CHECK_INT(acme_csr_read(acme_slice_text("\x30\x00"), &csr, &why), ACME_E_CERT);
    CHECK_INT(acme_csr_read(acme_slice_of(NULL, 0), &csr, &why), ACME_E_CERT);
}

RUN()
