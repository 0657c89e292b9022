/* fuzz_keyfile.c - private keys as people have them: PEM, DER, JWK
 *
 * Input: two bytes that say how large the arena of the JWK reader is, and the file.
 */
#include "fuzz.h"

#include "acme_jwk_read.h"
#include "lwacme.h"

static int entropy(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0x5a, len);
    return ACME_OK;
}

static const struct acme_port port = {.entropy = entropy};

/* What was taken is a key that is read again as it is; what was not has left nothing. */
static void check_key(const struct acme_key *key, bool taken)
{
    static const struct acme_key none;
    struct acme_key again;
    struct acme_public pub;

    if (!taken) {
        FUZZ_CHECK(memcmp(key, &none, sizeof none) == 0);
        return;
    }
    FUZZ_CHECK(acme_key_supported((enum acme_key_type)key->type));
    FUZZ_CHECK(acme_key_public(key, &pub) == ACME_OK);
    FUZZ_CHECK(acme_key_read(&again, acme_slice_of(key->der, key->len)) == ACME_OK);
    FUZZ_CHECK(acme_key_equal(key, &again));
}

static void check_jwk(struct acme_slice text, size_t size)
{
    uint8_t *arena = fuzz_room(size);
    struct acme_span span = {arena, size};
    struct acme_key key;
    const char *why = "";
    int err = acme_jwk_read(&key, text, span, &why);

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_JSON || err == ACME_E_CONFIG ||
               err == ACME_E_CRYPTO || err == ACME_E_SIZE);
    FUZZ_CHECK(err == ACME_OK || why[0] != '\0');
    for (size_t i = 0; i < size; i++)
        FUZZ_CHECK(arena[i] == 0);
    check_key(&key, err == ACME_OK);
    free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    size_t small = fuzz_two(&in) % 16384;
    struct acme_slice file = fuzz_rest(&in);
    char *text;
    struct acme_key key;
    const char *why = "";
    int err;

    if (file.len >= KEYFILE_MAX)
        return 0;
    acme_crypto_seed_from(&port);
    check_jwk(file, small);
    text = fuzz_room(file.len + 1);
    if (file.len > 0)
        memcpy(text, file.ptr, file.len);
    memset(&key, 0, sizeof key);
    err = keyfile_read(&key, text, file.len, &why);
    FUZZ_CHECK(err == 0 || (err == -1 && why[0] != '\0'));
    check_key(&key, err == 0);
    free(text);
    return 0;
}
