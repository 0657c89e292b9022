#include "acme_jws.h"

#include <string.h>

static const char jws_start[] = "{\"protected\":\"";
static const char jws_middle[] = "\",\"payload\":\"";
static const char jws_signature[] = "\",\"signature\":\"";
static const char jws_end[] = "\"}";
#define JWS_FRAME (sizeof jws_start + sizeof jws_middle + sizeof jws_signature + sizeof jws_end - 4)

static const char *jws_alg(int type)
{
    switch (type) {
    case ACME_KEY_P256:
        return "ES256";
    case ACME_KEY_P384:
        return "ES384";
    default:
        return "RS256";
    }
}

static const char *jws_curve(int type)
{
    return type == ACME_KEY_P384 ? "P-384" : "P-256";
}

static bool jws_is_rsa(int type)
{
    return type != ACME_KEY_P256 && type != ACME_KEY_P384;
}

void acme_jws_jwk(struct acme_buf *out, const struct acme_public *pub)
{
    if (jws_is_rsa(pub->type)) {
        acme_buf_text(out, "{\"e\":\"");
        acme_buf_b64url(out, pub->b, pub->b_len);
        acme_buf_text(out, "\",\"kty\":\"RSA\",\"n\":\"");
        acme_buf_b64url(out, pub->a, pub->a_len);
    } else {
        acme_buf_text(out, "{\"crv\":\"");
        acme_buf_text(out, jws_curve(pub->type));
        acme_buf_text(out, "\",\"kty\":\"EC\",\"x\":\"");
        acme_buf_b64url(out, pub->a, pub->a_len);
        acme_buf_text(out, "\",\"y\":\"");
        acme_buf_b64url(out, pub->b, pub->b_len);
    }
    acme_buf_text(out, jws_end);
}

int acme_jws_thumbprint(const struct acme_key *key, char out[ACME_THUMBPRINT_TEXT])
{
    struct acme_public pub;
    struct acme_buf text;
    uint8_t room[ACME_JWK_MAX];
    uint8_t digest[ACME_SHA256_SIZE];
    int ret = acme_key_public(key, &pub);

    if (ret != ACME_OK)
        return ret;
    acme_buf_init(&text, room, sizeof room);
    acme_jws_jwk(&text, &pub);
    if (text.overflow)
        return ACME_E_SIZE;
    ret = acme_sha256(text.ptr, text.len, digest);
    if (ret != ACME_OK)
        return ret;
    out[acme_b64url_encode(out, ACME_THUMBPRINT_TEXT - 1, digest, sizeof digest)] = '\0';
    return ACME_OK;
}

/* Turns what was written since `from` into base64url where it stands, last group first: group i
 * moves from 3i to 4i, so nothing unread is written over. It spares a copy of the header. */
static void jws_encode_since(struct acme_buf *out, size_t from)
{
    size_t len = out->len - from;
    size_t need = ACME_B64URL_LEN(len);

    if (out->overflow || need > out->cap - from) {
        out->overflow = true;
        return;
    }
    for (size_t i = (len + 2) / 3; i-- > 0;) {
        uint8_t *at = out->ptr + from;
        size_t n = len - 3 * i < 3 ? len - 3 * i : 3;
        uint8_t group[3] = {0, 0, 0};

        memcpy(group, at + 3 * i, n);
        (void)acme_b64url_encode((char *)at + 4 * i, ACME_B64URL_LEN(n), group, n);
    }
    out->len = from + need;
}

static void jws_member(struct acme_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    acme_buf_text(out, name);
    acme_buf_json(out, acme_slice_text(value));
}

static void jws_header(struct acme_buf *out, const struct acme_jws *jws,
                       const struct acme_public *pub)
{
    acme_buf_text(out, "{\"alg\":\"");
    acme_buf_text(out, jws_alg(jws->key->type));
    acme_buf_char(out, '"');
    jws_member(out, ",\"kid\":", jws->kid);
    if (jws->kid == NULL) {
        acme_buf_text(out, ",\"jwk\":");
        acme_jws_jwk(out, pub);
    }
    jws_member(out, ",\"nonce\":", jws->nonce);
    jws_member(out, ",\"url\":", jws->url);
    acme_buf_char(out, '}');
}

/* The signing input is header '.' payload (RFC 7515 5.1), which stand in out with JSON between. */
static int jws_digest(const struct acme_jws *jws, struct acme_slice header,
                      struct acme_slice payload, uint8_t *digest)
{
    struct acme_hash h;
    int ret = acme_hash_start(&h, acme_key_digest_size((enum acme_key_type)jws->key->type));

    if (ret == ACME_OK)
        ret = acme_hash_add(&h, header.ptr, header.len);
    if (ret == ACME_OK)
        ret = acme_hash_add(&h, ".", 1);
    if (ret == ACME_OK)
        ret = acme_hash_add(&h, payload.ptr, payload.len);
    if (ret == ACME_OK)
        ret = acme_hash_end(&h, digest);
    return ret;
}

int acme_jws_write(struct acme_buf *out, const struct acme_jws *jws)
{
    struct acme_public pub;
    struct acme_slice header, payload;
    uint8_t digest[64];
    uint8_t sig[ACME_SIGNATURE_MAX];
    size_t from;
    int ret = jws->kid == NULL ? acme_key_public(jws->key, &pub) : ACME_OK;

    if (ret != ACME_OK)
        return ret;
    acme_buf_text(out, jws_start);
    from = out->len;
    jws_header(out, jws, &pub);
    jws_encode_since(out, from);
    header = acme_slice_of(out->ptr + from, out->len - from);
    acme_buf_text(out, jws_middle);
    from = out->len;
    acme_buf_b64url(out, jws->payload.ptr, jws->payload.len);
    payload = acme_slice_of(out->ptr + from, out->len - from);
    if (out->overflow)
        return ACME_E_SIZE;
    ret = jws_digest(jws, header, payload, digest);
    if (ret == ACME_OK)
        ret = acme_key_sign(jws->key, digest, ACME_SIGNATURE_JWS, sig, sizeof sig);
    if (ret < 0)
        return ret;
    acme_buf_text(out, jws_signature);
    acme_buf_b64url(out, sig, (size_t)ret);
    acme_buf_text(out, jws_end);
    return out->overflow ? ACME_E_SIZE : ACME_OK;
}

/* What acme_buf_json writes for text. */
static size_t jws_json_len(const char *text)
{
    size_t len = 2;

    for (; *text != '\0'; text++) {
        if ((uint8_t)*text < 0x20)
            len += 6;
        else
            len += (*text == '"' || *text == '\\') ? 2 : 1;
    }
    return len;
}

static size_t jws_jwk_len(const struct acme_public *pub)
{
    size_t numbers = ACME_B64URL_LEN((size_t)pub->a_len) + ACME_B64URL_LEN((size_t)pub->b_len);

    return numbers + (jws_is_rsa(pub->type)
                          ? sizeof "{\"e\":\"\",\"kty\":\"RSA\",\"n\":\"\"}" - 1
                          : sizeof "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"\",\"y\":\"\"}" - 1);
}

size_t acme_jws_size(const struct acme_jws *jws, const struct acme_public *pub)
{
    size_t header = sizeof "{\"alg\":\"ES256\",\"url\":}" - 1 + jws_json_len(jws->url);
    size_t signature = jws_is_rsa(pub->type) ? pub->a_len : (size_t)pub->a_len + pub->b_len;

    if (jws->kid != NULL)
        header += sizeof ",\"kid\":" - 1 + jws_json_len(jws->kid);
    else
        header += sizeof ",\"jwk\":" - 1 + jws_jwk_len(pub);
    if (jws->nonce != NULL)
        header += sizeof ",\"nonce\":" - 1 + jws_json_len(jws->nonce);
    return JWS_FRAME + ACME_B64URL_LEN(header) + ACME_B64URL_LEN(jws->payload.len) +
           ACME_B64URL_LEN(signature);
}

int acme_jws_write_mac(struct acme_buf *out, size_t digest_size, struct acme_slice mac_key,
                       const char *kid, const char *url, struct acme_slice payload)
{
    uint8_t mac[64];
    size_t from, after;
    int ret;

    if (digest_size != 32 && digest_size != 48 && digest_size != 64)
        return ACME_E_ARG;
    acme_buf_text(out, jws_start);
    from = out->len;
    acme_buf_text(out, "{\"alg\":\"HS");
    acme_buf_dec(out, digest_size * 8);
    acme_buf_char(out, '"');
    jws_member(out, ",\"kid\":", kid);
    jws_member(out, ",\"url\":", url);
    acme_buf_char(out, '}');
    jws_encode_since(out, from);
    after = out->len;
    /* The MAC wants its input in one piece: it is laid out here, then written over. */
    acme_buf_char(out, '.');
    acme_buf_b64url(out, payload.ptr, payload.len);
    if (out->overflow)
        return ACME_E_SIZE;
    ret = acme_hmac(digest_size, mac_key, acme_slice_of(out->ptr + from, out->len - from), mac);
    if (ret != ACME_OK)
        return ret;
    out->len = after;
    acme_buf_text(out, jws_middle);
    acme_buf_b64url(out, payload.ptr, payload.len);
    acme_buf_text(out, jws_signature);
    acme_buf_b64url(out, mac, digest_size);
    acme_buf_text(out, jws_end);
    return out->overflow ? ACME_E_SIZE : ACME_OK;
}
