/* test_crypto_memory.c - no memory for wolfCrypt, at each of its allocations in turn
 *
 * Whatever is short, an operation answers an error, or the right result; it leaves no key behind,
 * holds no memory, and succeeds when memory is back. */
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/memory.h>

#include "acme_cert.h"
#include "acme_csr.h"
#include "acme_jws.h"
#include "crypto_world.h"
#include "test.h"

/* ---- the allocator ---- */

static struct {
    long fail_at; /* the n-th from now on has none, and all after it too when `dry`; -1: never */
    bool dry;
    long calls, live;
    bool failed;
} heap;

static void *heap_malloc(size_t size)
{
    heap.calls++;
    if (heap.fail_at >= 0 &&
        (heap.calls == heap.fail_at || (heap.dry && heap.calls > heap.fail_at))) {
        heap.failed = true;
        return NULL;
    }
    heap.live++;
    return malloc(size);
}

static void heap_free(void *ptr)
{
    heap.live -= ptr != NULL;
    free(ptr);
}

static void *heap_realloc(void *ptr, size_t size)
{
    if (ptr == NULL)
        return heap_malloc(size);
    heap.calls++;
    if (heap.calls == heap.fail_at) {
        heap.failed = true;
        return NULL;
    }
    return realloc(ptr, size);
}

/* ---- what is tried; each answers its result, and checks it when it is ACME_OK ---- */

static struct acme_key keys[3]; /* P-256, P-384 or another P-256, RSA 2048 */
static const char *const names[] = {"example.com", "192.0.2.7"};
static const uint8_t digest[64] = {1, 2, 3};

static int try_random(void)
{
    uint8_t bytes[48] = {0};
    static const uint8_t zero[48];
    int ret = acme_random(bytes, sizeof bytes);

    CHECK(ret != ACME_OK || memcmp(bytes, zero, sizeof zero) != 0);
    return ret;
}

static int make(enum acme_key_type type)
{
    struct acme_key key;
    struct acme_public pub;
    int ret;

    memset(&key, 0xa5, sizeof key);
    ret = acme_key_make(&key, type);
    CHECK_INT(key.type, ret == ACME_OK ? type : ACME_KEY_NONE);
    if (ret != ACME_OK) {
        CHECK_INT(key.len, 0);
        return ret;
    }
    return acme_key_public(&key, &pub);
}

static int try_make_p256(void)
{
    return make(ACME_KEY_P256);
}

static int try_make_p384(void)
{
    return make(world_p384());
}

static int try_read(void)
{
    for (size_t i = 0; i < 3; i++) {
        struct acme_key key;
        struct acme_slice der = acme_slice_of(keys[i].der, keys[i].len);
        int ret = acme_key_read(&key, der);

        CHECK(ret == ACME_OK ? acme_key_equal(&key, &keys[i]) : key.type == ACME_KEY_NONE);
        if (ret != ACME_OK)
            return ret;
    }
    return ACME_OK;
}

static int try_public(void)
{
    for (size_t i = 0; i < 3; i++) {
        static struct acme_public right[3];
        struct acme_public pub;
        int ret = acme_key_public(&keys[i], &pub);

        if (ret != ACME_OK)
            return ret;
        if (right[i].type == 0)
            right[i] = pub;
        CHECK(acme_public_equal(&pub, &right[i]));
    }
    return ACME_OK;
}

/* ECDSA by RFC 6979 and RSA PKCS #1: there is one right signature. */
static int try_sign(void)
{
    for (size_t i = 0; i < 6; i++) {
        static uint8_t right[6][ACME_SIGNATURE_MAX];
        uint8_t sig[ACME_SIGNATURE_MAX];
        enum acme_signature form = i < 3 ? ACME_SIGNATURE_JWS : ACME_SIGNATURE_X509;
        int n = acme_key_sign(&keys[i % 3], digest, form, sig, sizeof sig);

        if (n < 0)
            return n;
        if (memcmp(right[i], (uint8_t[8]){0}, 8) == 0)
            memcpy(right[i], sig, (size_t)n);
        CHECK_MEM(sig, right[i], (size_t)n);
    }
    return ACME_OK;
}

static int try_csr(void)
{
    static uint8_t room[2048];
    struct acme_slice csr;

    return acme_csr_write((struct acme_span){room, sizeof room}, names, 2, &keys[0], &csr);
}

static int try_jws(void)
{
    static uint8_t room[2048];
    struct acme_jws jws = {&keys[0], NULL, "nonce", "https://ca.example/x", {NULL, 0}};
    struct acme_buf out;

    acme_buf_init(&out, room, sizeof room);
    return acme_jws_write(&out, &jws);
}

static int try_thumbprint(void)
{
    char text[ACME_THUMBPRINT_TEXT];

    return acme_jws_thumbprint(&keys[0], text);
}

static int try_mac(void)
{
    uint8_t out[64];

    return acme_hmac(32, acme_slice_text("key"), acme_slice_text("data"), out);
}

/* leaf <- EC <- RSA: every kind of check takes part. */
static uint8_t packed[8192];
static struct acme_chain chain;

static int try_chain(void)
{
    struct acme_cert_verdict verdict;
    struct acme_cert_facts facts;
    int ret = acme_cert_check(&chain, &keys[0], names, 2, true, WORLD_NOW, 60, &verdict);

    CHECK_INT(ret == ACME_OK, verdict.why == NULL);
    return ret == ACME_OK ? acme_cert_facts(acme_chain_at(&chain, 0), &facts) : ret;
}

static void pack(const struct made *m)
{
    static uint8_t room[4096];
    struct acme_slice der = made_cert(m, room, sizeof room);
    uint8_t *at = packed + chain.packed.len;

    CHECK(der.len > 0 && chain.packed.len + 3 + der.len <= sizeof packed);
    at[0] = (uint8_t)der.len;
    at[1] = (uint8_t)(der.len >> 8);
    at[2] = 0;
    memcpy(at + 3, der.ptr, der.len);
    chain.packed = acme_slice_of(packed, chain.packed.len + 3 + der.len);
}

static void start(void)
{
    const struct made leaf = {
        .key = &keys[0], .signer = &keys[1], .issuer = "Middle", .names = names, .count = 2};
    const struct made middle = {
        .key = &keys[1], .signer = &keys[2], .subject = "Middle", .issuer = "Root", .ca = true};
    const struct made root = {.key = &keys[2], .subject = "Root", .ca = true};

    world_reset();
    memset(&heap, 0, sizeof heap);
    heap.fail_at = -1;
    if (chain.packed.len > 0)
        return;
    CHECK_INT(wolfSSL_SetAllocators(heap_malloc, heap_free, heap_realloc), 0);
    CHECK_INT(acme_key_make(&keys[0], ACME_KEY_P256), ACME_OK);
    CHECK_INT(acme_key_make(&keys[1], world_p384()), ACME_OK);
    CHECK_INT(acme_key_make(&keys[2], ACME_KEY_RSA2048), ACME_OK);
    pack(&leaf);
    pack(&middle);
    pack(&root);
}

/* The operation without its n-th allocation, for all n, and then with all: how many failed. */
static int each(int (*op)(void))
{
    int errors = 0;

    start();
    CHECK_INT(op(), ACME_OK);
    CHECK_INT(heap.live, 0);
    for (int dry = 0; dry < 2; dry++) {
        for (long n = 1;; n++) {
            int ret;

            CHECK(n < 100000);
            heap.fail_at = n;
            heap.dry = dry != 0;
            heap.calls = 0;
            heap.failed = false;
            ret = op();
            CHECK_INT(heap.live, 0);
            if (!heap.failed) {
                CHECK_INT(ret, ACME_OK);
                break;
            }
            CHECK(ret == ACME_OK || ret == ACME_E_CRYPTO || ret == ACME_E_CERT ||
                  ret == ACME_E_ENTROPY);
            errors += ret != ACME_OK;
        }
    }
    return errors;
}

TEST(random_bytes)
{
    CHECK(each(try_random) > 0);
}

TEST(new_keys)
{
    CHECK(each(try_make_p256) > 0);
    CHECK(each(try_make_p384) > 0);
}

TEST(stored_keys)
{
    CHECK(each(try_read) > 0);
    CHECK_INT(each(try_public), 0); /* it reads what is stored, and asks nobody for memory */
}

TEST(signatures)
{
    CHECK(each(try_sign) > 0);
}

TEST(requests)
{
    CHECK(each(try_csr) > 0);
    CHECK(each(try_jws) > 0);
    (void)each(try_thumbprint);
    (void)each(try_mac);
}

TEST(chains)
{
    CHECK(each(try_chain) > 0);
}

RUN()
