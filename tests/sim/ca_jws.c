/* ca_jws.c - nonces, and a request's JWS: every rule of RFC 8555 6.2 to 6.5 */
#include <stdio.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_csr.h"
#include "acme_der.h"
#include "acme_json.h"
#include "ca.h"

static uint32_t jws_mix(const struct ca *ca, uint32_t n)
{
    uint64_t x = (ca->world->seed + ca->node) * 0x9e3779b97f4a7c15u + n;

    x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(x >> 32);
}

void ca_nonce(struct ca *ca, char out[24])
{
    uint32_t n = ca->nonces++;

    if (ca->nonces - ca->nonces_from > CA_NONCES)
        ca->nonces_from = ca->nonces - CA_NONCES; /* servers forget */
    ca->nonce_used[n % CA_NONCES / 8] &= (uint8_t) ~(1u << n % 8);
    snprintf(out, 24, "%08x-%08x_N", (unsigned)n, (unsigned)jws_mix(ca, n));
}

enum { NONCE_GOOD, NONCE_STRANGE, NONCE_AGAIN };

static int jws_nonce_take(struct ca *ca, const char *text)
{
    unsigned n = 0, mix = 0;
    char tail = 0;

    if (text == NULL || strlen(text) != 19 || sscanf(text, "%8x-%8x_%c", &n, &mix, &tail) != 3 ||
        tail != 'N' || mix != jws_mix(ca, n) || n >= ca->nonces)
        return NONCE_STRANGE;
    if (n < ca->nonces_from)
        return NONCE_STRANGE;
    if (ca->nonce_used[n % CA_NONCES / 8] & 1u << n % 8)
        return NONCE_AGAIN;
    ca->nonce_used[n % CA_NONCES / 8] |= (uint8_t)(1u << n % 8);
    return NONCE_GOOD;
}

int ca_problem(struct ca_reply *r, int status, const char *type, const char *detail)
{
    r->status = status;
    r->type = "application/problem+json";
    r->body.len = 0;
    acme_buf_text(&r->body, "{\"type\":\"urn:ietf:params:acme:error:");
    acme_buf_text(&r->body, type);
    acme_buf_text(&r->body, "\",\"detail\":");
    acme_buf_json(&r->body, acme_slice_text(detail));
    acme_buf_char(&r->body, '}');
    return status;
}

int ca_break(struct ca *ca, const char *what)
{
    if (ca->broken == NULL) {
        ca->broken = what;
        sim_world_note(ca->world, what, 0, 0);
    }
    return -1;
}

static void jws_spki(const struct acme_public *key, struct acme_der *d, uint8_t *room, size_t len)
{
    acme_der_init(d, room, len);
    acme_csr_public(d, key);
}

bool ca_spki_equal(struct acme_slice spki, const struct acme_public *key)
{
    uint8_t room[700];
    struct acme_der d;
    struct acme_slice own;

    jws_spki(key, &d, room, sizeof room);
    own = acme_der_slice(&d);
    return own.len == spki.len && own.len > 0 && memcmp(own.ptr, spki.ptr, own.len) == 0;
}

void ca_spki_sum(const struct acme_public *key, uint8_t sum[ACME_SHA256_SIZE])
{
    uint8_t room[700];
    struct acme_der d;
    struct acme_slice own;

    jws_spki(key, &d, room, sizeof room);
    own = acme_der_slice(&d);
    (void)acme_sha256(own.ptr, own.len, sum);
}

void ca_thumbprint(const struct acme_public *key, char out[44])
{
    uint8_t room[1400], digest[ACME_SHA256_SIZE];
    struct acme_buf b;

    /* Written here, not by the code under test (RFC 7638 3.2). */
    acme_buf_init(&b, room, sizeof room);
    if (key->type == ACME_KEY_P256 || key->type == ACME_KEY_P384) {
        acme_buf_text(&b, "{\"crv\":\"");
        acme_buf_text(&b, key->type == ACME_KEY_P256 ? "P-256" : "P-384");
        acme_buf_text(&b, "\",\"kty\":\"EC\",\"x\":\"");
        acme_buf_b64url(&b, key->a, key->a_len);
        acme_buf_text(&b, "\",\"y\":\"");
        acme_buf_b64url(&b, key->b, key->b_len);
    } else {
        acme_buf_text(&b, "{\"e\":\"");
        acme_buf_b64url(&b, key->b, key->b_len);
        acme_buf_text(&b, "\",\"kty\":\"RSA\",\"n\":\"");
        acme_buf_b64url(&b, key->a, key->a_len);
    }
    acme_buf_text(&b, "\"}");
    (void)acme_sha256(b.ptr, b.len, digest);
    out[acme_b64url_encode(out, 43, digest, sizeof digest)] = '\0';
}

static bool jws_number(const struct acme_json *jwk, const char *name, uint8_t *out, size_t cap,
                       uint16_t *len)
{
    const char *text = acme_json_member(jwk, name);
    int n = text != NULL ? acme_b64url_decode(out, cap, text, strlen(text)) : -1;

    *len = (uint16_t)(n > 0 ? n : 0);
    return n > 0;
}

/* RFC 7517, 7518 6: the public key, each coordinate padded. */
bool ca_jwk(const struct acme_json *jwk, struct acme_public *out)
{
    const char *kty = acme_json_member(jwk, "kty");
    const char *crv = acme_json_member(jwk, "crv");

    memset(out, 0, sizeof *out);
    if (kty == NULL || acme_json_get(jwk, "d") != NULL)
        return false;
    if (strcmp(kty, "RSA") == 0) {
        if (!jws_number(jwk, "n", out->a, sizeof out->a, &out->a_len) ||
            !jws_number(jwk, "e", out->b, sizeof out->b, &out->b_len))
            return false;
        out->type = out->a_len == 256   ? ACME_KEY_RSA2048
                    : out->a_len == 384 ? ACME_KEY_RSA3072
                                        : ACME_KEY_RSA4096;
        return out->a_len == 256 || out->a_len == 384 || out->a_len == 512;
    }
    if (strcmp(kty, "EC") != 0 || crv == NULL)
        return false;
    out->type = strcmp(crv, "P-256") == 0 ? ACME_KEY_P256 : ACME_KEY_P384;
    return jws_number(jwk, "x", out->a, sizeof out->a, &out->a_len) &&
           jws_number(jwk, "y", out->b, sizeof out->b, &out->b_len) &&
           out->a_len == (out->type == ACME_KEY_P256 ? 32 : 48) && out->b_len == out->a_len;
}

static bool jws_alg_fits(const char *alg, uint8_t type)
{
    const char *want = type == ACME_KEY_P256 ? "ES256" : type == ACME_KEY_P384 ? "ES384" : "RS256";

    return alg != NULL && strcmp(alg, want) == 0;
}

/* RFC 2104, written here: what the agent has is what is looked at. */
void ca_hmac(size_t size, struct acme_slice key, struct acme_slice data, uint8_t *out)
{
    size_t block = size == 32 ? 64 : 128;
    uint8_t pad[128] = {0}, inner[64];
    struct acme_hash h;

    if (key.len > block) {
        acme_hash_start(&h, size);
        acme_hash_add(&h, key.ptr, key.len);
        acme_hash_end(&h, pad);
    } else
        memcpy(pad, key.ptr, key.len);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    acme_hash_start(&h, size);
    acme_hash_add(&h, pad, block);
    acme_hash_add(&h, data.ptr, data.len);
    acme_hash_end(&h, inner);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    acme_hash_start(&h, size);
    acme_hash_add(&h, pad, block);
    acme_hash_add(&h, inner, size);
    acme_hash_end(&h, out);
}

/* r || s to the DER that wolfCrypt verifies. */
static struct acme_slice jws_der(const uint8_t *sig, size_t len, uint8_t *room, size_t cap)
{
    struct acme_der d;

    acme_der_init(&d, room, cap);
    acme_der_uint(&d, sig + len / 2, len / 2);
    acme_der_uint(&d, sig, len / 2);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    return acme_der_slice(&d);
}

static bool jws_signature(const struct acme_public *key, const char *protect, const char *payload,
                          const char *signature)
{
    uint8_t sig[512], digest[64], der[160], spki[700];
    bool rsa = key->type >= ACME_KEY_RSA2048;
    size_t size = acme_key_digest_size((enum acme_key_type)key->type);
    int len = acme_b64url_decode(sig, sizeof sig, signature, strlen(signature));
    struct acme_slice s = {sig, len > 0 ? (size_t)len : 0};
    struct acme_hash h;
    struct acme_der d;

    if (len <= 0 || s.len != (rsa ? key->a_len : 2 * (size_t)key->a_len))
        return false; /* a signature without its padding (RFC 7518 3.4) */
    acme_hash_start(&h, size);
    acme_hash_add(&h, protect, strlen(protect));
    acme_hash_add(&h, ".", 1);
    acme_hash_add(&h, payload, strlen(payload));
    acme_hash_end(&h, digest);
    jws_spki(key, &d, spki, sizeof spki);
    if (!rsa)
        s = jws_der(sig, s.len, der, sizeof der);
    return acme_verify(acme_der_slice(&d), rsa, digest, size, s) == ACME_OK;
}

static _Alignas(16) uint8_t jws_arena[3][24576];
static uint8_t jws_text[2][CA_IN];

static const struct acme_json *jws_decode(const char *text, int which)
{
    struct acme_span arena = {jws_arena[which], sizeof jws_arena[which]};
    const struct acme_json *root = NULL;
    uint8_t *out = jws_text[which - 1];
    int n = acme_b64url_decode(out, CA_IN, text, strlen(text));

    if (n <= 0 || acme_json_parse(acme_slice_of(out, (size_t)n), arena, &root) != ACME_OK)
        return NULL;
    return root;
}

struct ca_account *ca_account_at(struct ca *ca, const char *kid)
{
    char url[100];

    for (uint32_t i = 0; i < ca->accounts_count; i++) {
        snprintf(url, sizeof url, "%s/acct/%016llx", ca->base,
                 (unsigned long long)ca->accounts[i].number);
        if (strcmp(url, kid) == 0)
            return &ca->accounts[i];
    }
    return NULL;
}

/* Exactly one of jwk and kid, each where it belongs. 0, -1 broken, or a problem's status. */
static int jws_who(struct ca *ca, const struct acme_json *protect, struct ca_request *q,
                   struct ca_reply *r, bool new_account, bool either)
{
    const struct acme_json *jwk = acme_json_get(protect, "jwk");
    const char *kid = acme_json_member(protect, "kid");

    if ((jwk != NULL) == (kid != NULL))
        return ca_break(ca, "jwk and kid: exactly one (6.2)");
    if (!either && new_account != (jwk != NULL))
        return ca_break(ca, "jwk for newAccount only, kid for all else (6.2)");
    if (jwk != NULL) {
        q->has_jwk = ca_jwk(jwk, &q->key);
        return q->has_jwk ? 0 : ca_break(ca, "a JWK that is none (RFC 7517)");
    }
    q->account = ca_account_at(ca, kid);
    if (q->account == NULL && evil_has(&ca->evil, EVIL_FIND_OTHER)) /* it has told of it */
        return ca_problem(r, 400, "accountDoesNotExist", "No such account");
    if (q->account == NULL)
        return ca_break(ca, "a kid that was never given");
    q->key = q->account->key;
    if (q->account->dead)
        return ca_problem(r, 401, "unauthorized", "the account is deactivated");
    return q->account->gone ? ca_problem(r, 400, "accountDoesNotExist", "No such account") : 0;
}

bool ca_signed(const struct acme_public *key, const char *alg, const char *const part[3])
{
    return jws_alg_fits(alg, key->type) && jws_signature(key, part[0], part[1], part[2]);
}

/* By a key that the account had before: what was on its way while the key changed. */
static bool jws_former(struct ca *ca, const struct ca_request *q, const char *alg,
                       const char *const part[3])
{
    unsigned count = ca->changes < CA_FORMER ? ca->changes : CA_FORMER;

    for (unsigned i = 0; i < count; i++) {
        const struct ca_former *f = &ca->former[i];
        if (q->account != &ca->accounts[f->account] || !ca_signed(&f->key, alg, part))
            continue;
        if (ca->before != NULL && !f->late)
            ca->before(ca->before_ctx, ca, "former", q, NULL);
        return true;
    }
    return false;
}

int ca_verify(struct ca *ca, const char *url, struct ca_request *q, struct ca_reply *r,
              bool new_account)
{
    struct acme_span arena = {jws_arena[0], sizeof jws_arena[0]};
    const struct acme_json *root = NULL, *protect;
    const char *part[3];
    const char *said;
    int who, nonce;

    if (acme_json_parse(q->body, arena, &root) != ACME_OK || acme_json_count(root) != 3)
        return ca_break(ca, "the body is no flattened JWS (6.2)");
    part[0] = acme_json_member(root, "protected");
    part[1] = acme_json_member(root, "payload");
    part[2] = acme_json_member(root, "signature");
    protect = part[0] != NULL ? jws_decode(part[0], 1) : NULL;
    if (protect == NULL || part[1] == NULL || part[2] == NULL)
        return ca_break(ca, "the body is no flattened JWS (6.2)");
    said = acme_json_member(protect, "url");
    if (said == NULL || strcmp(said, url) != 0)
        return ca_break(ca, "the JWS is for another URL (6.4)");
    who = jws_who(ca, protect, q, r, new_account, strstr(url, "/revoke-cert") != NULL);
    if (who < 0 || (q->account == NULL && !q->has_jwk))
        return who;
    if (!ca_signed(&q->key, acme_json_member(protect, "alg"), part)) {
        if (jws_former(ca, q, acme_json_member(protect, "alg"), part))
            return ca_problem(r, 401, "unauthorized", "JWS verification error");
        return ca_break(ca, "the signature is wrong, or its algorithm");
    }
    nonce = jws_nonce_take(ca, acme_json_member(protect, "nonce"));
    if (nonce == NONCE_AGAIN)
        return ca_break(ca, "a nonce was used twice (6.5)");
    if (nonce != NONCE_GOOD && !evil_has(&ca->evil, EVIL_NONCE_JUNK) &&
        !evil_has(&ca->evil, EVIL_NONCE_EXPIRED) && !evil_has(&ca->evil, EVIL_NONCE_TWO))
        return ca_break(ca, "a nonce that was never given (6.5)");
    if (nonce != NONCE_GOOD)
        return ca_problem(r, 400, "badNonce", "JWS has an invalid anti-replay nonce");
    q->payload = NULL;
    if (part[1][0] != '\0') {
        q->payload = jws_decode(part[1], 2);
        if (q->payload == NULL)
            return ca_break(ca, "the payload is no JSON");
    }
    return who;
}
