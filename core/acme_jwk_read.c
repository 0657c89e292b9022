#include "acme_jwk_read.h"

#include <string.h>

#include "acme_b64.h"
#include "acme_der.h"
#include "acme_json.h"

#define JWK_NUMBER_MAX 1024 /* RSA 8192: longer ones are not even decoded */

/* A member's number without leading zeros, or NULL and what is wrong. */
static const uint8_t *jwk_number(const struct acme_json *root, const char *name,
                                 uint8_t room[JWK_NUMBER_MAX], size_t *len, const char **why)
{
    const char *text = acme_json_member(root, name);
    int n;

    if (text == NULL || text[0] == '\0') {
        *why = "a JWK without one of the numbers that make a private key";
        return NULL;
    }
    n = acme_b64url_decode(room, JWK_NUMBER_MAX, text, strlen(text));
    if (n < 0) {
        *why = n == ACME_E_SIZE ? "a JWK with a number of more than 8192 bits"
                                : "a JWK with a number that is not base64url";
        return NULL;
    }
    for (*len = (size_t)n; *len > 0 && *room == 0; room++)
        --*len;
    return room;
}

/* -- RSA: PKCS #1, written from the end -- */

static bool jwk_rsa_size(size_t bytes)
{
    return bytes == 256 || bytes == 384 || bytes == 512;
}

static int jwk_rsa(struct acme_key *key, const struct acme_json *root, const char **why)
{
    static const char *const names[] = {"qi", "dq", "dp", "q", "p", "d", "e", "n"};
    uint8_t room[JWK_NUMBER_MAX];
    struct acme_der der;
    const uint8_t *number = NULL;
    size_t len = 0;
    int err = ACME_OK;

    if (acme_json_get(root, "oth") != NULL) {
        *why = "an RSA key of more than two primes";
        return ACME_E_CONFIG;
    }
    if (jwk_number(root, "n", room, &len, why) == NULL)
        return ACME_E_CRYPTO;
    if (!jwk_rsa_size(len)) {
        *why = "an RSA key of other than 2048, 3072 or 4096 bits";
        return ACME_E_CONFIG;
    }
    acme_der_init(&der, key->der, sizeof key->der);
    for (size_t i = 0; err == ACME_OK && i < sizeof names / sizeof names[0]; i++) {
        number = jwk_number(root, names[i], room, &len, why);
        if (number == NULL || len == 0)
            err = ACME_E_CRYPTO;
        else
            acme_der_uint(&der, number, len);
    }
    acme_wipe(room, sizeof room);
    acme_der_small(&der, 0);
    acme_der_wrap(&der, 0, ACME_DER_SEQUENCE);
    if (err == ACME_OK)
        err = acme_key_read(key, acme_der_slice(&der));
    return err;
}

/* -- EC: SEC 1, with the point, so that it is compared -- */

/* Puts a number of the curve's size, padded, before what was written. */
static bool jwk_coordinate(struct acme_der *der, const struct acme_json *root, const char *name,
                           size_t size, const char **why)
{
    static const uint8_t zeros[48];
    uint8_t room[JWK_NUMBER_MAX];
    size_t len = 0;
    const uint8_t *number = jwk_number(root, name, room, &len, why);
    bool fits = number != NULL && len <= size;

    if (fits) {
        acme_der_raw(der, number, len);
        acme_der_raw(der, zeros, size - len);
    }
    acme_wipe(room, sizeof room);
    return fits;
}

static int jwk_ec(struct acme_key *key, const struct acme_json *root, const char **why)
{
    const char *crv = acme_json_member(root, "crv");
    enum acme_key_type type = crv == NULL                 ? ACME_KEY_NONE
                              : strcmp(crv, "P-256") == 0 ? ACME_KEY_P256
                              : strcmp(crv, "P-384") == 0 ? ACME_KEY_P384
                                                          : ACME_KEY_NONE;
    size_t size = type == ACME_KEY_P256 ? 32 : 48;
    struct acme_slice curve = acme_key_curve(type);
    struct acme_der der;
    size_t mark;

    if (!acme_key_supported(type)) {
        *why = "an EC key on another curve than P-256 and P-384";
        return ACME_E_CONFIG;
    }
    acme_der_init(&der, key->der, sizeof key->der);
    if (!jwk_coordinate(&der, root, "y", size, why) || !jwk_coordinate(&der, root, "x", size, why))
        return ACME_E_CRYPTO;
    acme_der_byte(&der, 4);
    acme_der_byte(&der, 0);
    acme_der_wrap(&der, 0, ACME_DER_BIT_STRING);
    acme_der_wrap(&der, 0, ACME_DER_CONTEXT(1));
    mark = acme_der_mark(&der);
    acme_der_put(&der, ACME_DER_OID, curve.ptr, curve.len);
    acme_der_wrap(&der, mark, ACME_DER_CONTEXT(0));
    mark = acme_der_mark(&der);
    if (!jwk_coordinate(&der, root, "d", size, why))
        return ACME_E_CRYPTO;
    acme_der_wrap(&der, mark, ACME_DER_OCTET_STRING);
    acme_der_small(&der, 1);
    acme_der_wrap(&der, 0, ACME_DER_SEQUENCE);
    return acme_key_read(key, acme_der_slice(&der));
}

int acme_jwk_read(struct acme_key *key, struct acme_slice text, struct acme_span arena,
                  const char **why)
{
    const struct acme_json *root = NULL;
    const char *kty;
    int err = acme_json_parse(text, arena, &root);

    memset(key, 0, sizeof *key);
    *why = err == ACME_E_SIZE ? "too long for a key" : "not a JWK: damaged JSON";
    if (err == ACME_OK && !acme_json_is_object(root))
        err = ACME_E_JSON;
    if (err == ACME_OK) {
        kty = acme_json_member(root, "kty");
        *why = "a JWK whose numbers are not those of one key";
        if (kty != NULL && strcmp(kty, "RSA") == 0)
            err = jwk_rsa(key, root, why);
        else if (kty != NULL && strcmp(kty, "EC") == 0)
            err = jwk_ec(key, root, why);
        else {
            *why = "a JWK that is neither an RSA nor an EC key";
            err = ACME_E_CONFIG;
        }
    }
    acme_wipe(arena.ptr, arena.len);
    if (err != ACME_OK)
        acme_key_wipe(key);
    return err;
}
