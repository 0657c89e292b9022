/* acme_eab.c - external account binding (RFC 8555 7.3.4): its packed form, and its inner JWS */
#include "acme_eab.h"

#include <string.h>

#include "acme_b64.h"
#include "acme_err.h"
#include "acme_jws.h"

static uint8_t eab_digest(const char *alg)
{
    if (alg == NULL || strcmp(alg, "HS256") == 0)
        return 32;
    if (strcmp(alg, "HS384") == 0)
        return 48;
    return strcmp(alg, "HS512") == 0 ? 64 : 0;
}

static bool eab_kid_ok(const char *kid)
{
    const char *c = kid;

    while (*c > ' ' && *c < 127)
        c++;
    return *c == '\0' && c != kid;
}

static bool eab_skipped(uint8_t c)
{
    return c == '=' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The key's text where it is to stand, in one alphabet; then it is decoded in its place. */
static int eab_key(uint8_t *out, size_t cap, struct acme_slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (eab_skipped(c))
            continue;
        if (n == cap)
            return ACME_E_SIZE;
        out[n++] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    return acme_b64url_decode(out, cap, (const char *)out, n);
}

int acme_eab_pack(struct acme_span room, const char *alg, const char *kid,
                  struct acme_slice key_text, const char **why)
{
    uint8_t digest = eab_digest(alg);
    size_t at = strlen(kid) + 2;
    int n;

    *why = "it does not fit";
    if (at > room.len)
        return ACME_E_SIZE;
    *why = "the algorithm is none of HS256, HS384 and HS512";
    if (digest == 0)
        return ACME_E_CONFIG;
    *why = "the key identifier is not printable ASCII";
    if (!eab_kid_ok(kid))
        return ACME_E_CONFIG;
    room.ptr[0] = digest;
    memcpy(room.ptr + 1, kid, at - 1);
    n = eab_key(room.ptr + at, room.len - at, key_text);
    if (n > 0)
        return (int)at + n;
    acme_wipe(room.ptr, room.len);
    *why = n == ACME_E_SIZE ? "it does not fit"
           : n == 0         ? "the key is empty"
                            : "the key is neither base64url nor base64";
    return n == ACME_E_SIZE ? n : ACME_E_CONFIG;
}

/* The identifier; *key gets what follows. NULL for what is not whole. */
static const char *eab_parts(struct acme_slice eab, struct acme_slice *key)
{
    const uint8_t *end = eab.len > 2 ? memchr(eab.ptr + 1, 0, eab.len - 1) : NULL;

    if (end == NULL || end == eab.ptr + 1 ||
        (eab.ptr[0] != 32 && eab.ptr[0] != 48 && eab.ptr[0] != 64))
        return NULL;
    *key = acme_slice_of(end + 1, eab.len - (size_t)(end + 1 - eab.ptr));
    return key->len > 0 ? (const char *)eab.ptr + 1 : NULL;
}

bool acme_eab_ok(struct acme_slice eab)
{
    struct acme_slice key;

    return eab_parts(eab, &key) != NULL;
}

int acme_eab_write(struct acme_buf *out, struct acme_slice eab, const struct acme_key *key,
                   const char *url)
{
    struct acme_slice mac_key;
    const char *kid = eab_parts(eab, &mac_key);
    uint8_t room[ACME_JWK_MAX];
    struct acme_public pub;
    struct acme_buf jwk;
    int err;

    if (kid == NULL)
        return ACME_E_CONFIG;
    err = acme_key_public(key, &pub);
    if (err != ACME_OK)
        return err;
    acme_buf_init(&jwk, room, sizeof room);
    acme_jws_jwk(&jwk, &pub);
    if (jwk.overflow)
        return ACME_E_SIZE;
    return acme_jws_write_mac(out, eab.ptr[0], mac_key, kid, url, acme_buf_slice(&jwk));
}
