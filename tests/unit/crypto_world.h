/* crypto_world.h - what the crypto tests share: a port of their own, hex, and certificates of any
 * shape, good and bad */
#ifndef CRYPTO_WORLD_H
#define CRYPTO_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "acme_b64.h"
#include "acme_buf.h"
#include "acme_crypto.h"
#include "acme_csr.h"
#include "acme_der.h"
#include "acme_port.h"

#define WORLD_NOW 1795000000 /* 2026-11-18 */
#define WORLD_DAY 86400

static struct {
    int entropy_answer;    /* ACME_OK, or what entropy says instead */
    unsigned entropy_left; /* calls until it says so */
    uint64_t entropy_state;
    int clock_answer;
    int64_t now;
} world;

/* Different bytes each time, the same in every run. */
static inline int world_entropy(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;

    (void)ctx;
    if (world.entropy_left == 0 && world.entropy_answer != ACME_OK)
        return world.entropy_answer;
    if (world.entropy_left > 0)
        world.entropy_left--;
    if (len < 1 || len > 256)
        return ACME_E_ARG;
    while (len-- > 0) {
        world.entropy_state = world.entropy_state * 6364136223846793005u + 1442695040888963407u;
        *at++ = (uint8_t)(world.entropy_state >> 56);
    }
    return ACME_OK;
}

static inline int world_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    *seconds = world.now;
    return world.clock_answer;
}

static struct acme_port world_port = {.entropy = world_entropy, .unix_time = world_time};

/* Call it first in every test. */
static inline void world_reset(void)
{
    world.entropy_answer = ACME_OK;
    world.entropy_left = 0;
    world.clock_answer = ACME_OK;
    world.now = WORLD_NOW;
    acme_crypto_seed_from(&world_port);
    acme_crypto_clock_from(&world_port);
}

/* P-384 where it is supported: not with the old wolfSSL. */
static inline enum acme_key_type world_p384(void)
{
    return acme_key_supported(ACME_KEY_P384) ? ACME_KEY_P384 : ACME_KEY_P256;
}

static inline size_t world_hex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = 0;

    for (; hex[0] != '\0' && hex[1] != '\0' && n < cap; hex += 2) {
        unsigned value = 0;
        if (sscanf(hex, "%2x", &value) != 1)
            break;
        out[n++] = (uint8_t)value;
    }
    return n;
}

static inline struct acme_slice world_slice(const void *ptr, size_t len)
{
    return acme_slice_of(ptr, len);
}

/* --- certificates -------------------------------------------------------------------------- */

struct made {
    const struct acme_key *key, *signer; /* signer NULL: key */
    const char *subject, *issuer;        /* common names; issuer NULL: subject */
    const char *const *names;            /* SANs */
    size_t count;
    int64_t from, to; /* 0: a day ago, 60 days from now */
    bool ca;
    bool cut_key_usage; /* a CA whose keyUsage lacks keyCertSign */
    int path;           /* 1 + pathLenConstraint; 0: none */
    bool wrong_signature;
    const char *permitted; /* nameConstraints: one DNS subtree */
    bool with_email;       /* one more SAN, of a kind that is not ours */
    const char *serial;    /* hex; NULL: "0112233445" */
    uint32_t number;       /* so that two certificates of one shape differ */
    bool no_key_ids;
};

static inline void made_time(struct acme_der *d, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[64];

    gmtime_r(&t, &tm);
    if (tm.tm_year + 1900 < 2050) {
        strftime(text, sizeof text, "%y%m%d%H%M%SZ", &tm);
        acme_der_put(d, ACME_DER_UTC_TIME, text, 13);
    } else {
        strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
        acme_der_put(d, ACME_DER_GENERAL_TIME, text, 15);
    }
}

static inline void made_name(struct acme_der *d, const char *common)
{
    static const uint8_t cn[] = {0x55, 4, 3};
    size_t mark = acme_der_mark(d);

    if (common != NULL) {
        acme_der_put(d, ACME_DER_UTF8, common, strlen(common));
        acme_der_put(d, ACME_DER_OID, cn, sizeof cn);
        acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
        acme_der_wrap(d, mark, ACME_DER_SET);
    }
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
}

/* What stands since mark becomes an extension 2.5.29.id. */
static inline void made_extension(struct acme_der *d, size_t mark, uint8_t id, bool critical)
{
    const uint8_t oid[] = {0x55, 0x1d, id};
    const uint8_t yes = 0xff;

    acme_der_wrap(d, mark, ACME_DER_OCTET_STRING);
    if (critical)
        acme_der_put(d, ACME_DER_BOOLEAN, &yes, 1);
    acme_der_put(d, ACME_DER_OID, oid, sizeof oid);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
}

static inline void made_key_id(const struct acme_key *key, uint8_t out[20])
{
    struct acme_public pub;
    uint8_t digest[32];

    acme_key_public(key, &pub);
    acme_sha256(pub.a, pub.a_len, digest);
    memcpy(out, digest, 20);
}

static inline void made_extensions(struct acme_der *d, const struct made *m)
{
    const uint8_t usage_ca[] = {1, 6};      /* keyCertSign, cRLSign */
    const uint8_t usage_leaf[] = {7, 0x80}; /* digitalSignature */
    const uint8_t yes = 0xff;
    uint8_t id[20];
    size_t all = acme_der_mark(d);
    size_t mark = all;

    if (m->count > 0 || m->with_email) {
        acme_csr_san(d, m->names, m->count);
        if (m->with_email) {
            /* once more, with the stranger in it */
            d->at = d->end - mark;
            acme_der_put(d, ACME_DER_CHOICE(1), "a@b.test", 8);
            for (size_t i = m->count; i-- > 0;)
                acme_der_put(d, ACME_DER_CHOICE(2), m->names[i], strlen(m->names[i]));
            acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
        }
        made_extension(d, mark, 0x11, m->subject == NULL);
    }
    mark = acme_der_mark(d);
    if (m->permitted != NULL) {
        acme_der_put(d, ACME_DER_CHOICE(2), m->permitted, strlen(m->permitted));
        acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
        acme_der_wrap(d, mark, ACME_DER_CONTEXT(0));
        acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
        made_extension(d, mark, 0x1e, true);
    }
    mark = acme_der_mark(d);
    if (!m->no_key_ids) {
        made_key_id(m->signer != NULL ? m->signer : m->key, id);
        acme_der_put(d, ACME_DER_CHOICE(0), id, sizeof id);
        acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
        made_extension(d, mark, 0x23, false);
        mark = acme_der_mark(d);
        made_key_id(m->key, id);
        acme_der_put(d, ACME_DER_OCTET_STRING, id, sizeof id);
        made_extension(d, mark, 0x0e, false);
    }
    mark = acme_der_mark(d);
    acme_der_put(d, ACME_DER_BIT_STRING, m->ca && !m->cut_key_usage ? usage_ca : usage_leaf, 2);
    made_extension(d, mark, 0x0f, true);
    mark = acme_der_mark(d);
    if (m->path > 0)
        acme_der_small(d, (uint32_t)(m->path - 1));
    if (m->ca)
        acme_der_put(d, ACME_DER_BOOLEAN, &yes, 1);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    made_extension(d, mark, 0x13, true);
    acme_der_wrap(d, all, ACME_DER_SEQUENCE);
    acme_der_wrap(d, all, ACME_DER_CONTEXT(3));
}

/* The certificate into room: its DER, at the end of room. */
static inline struct acme_slice made_cert(const struct made *m, uint8_t *room, size_t len)
{
    const struct acme_key *signer = m->signer != NULL ? m->signer : m->key;
    static uint8_t tbs_room[16384];
    struct acme_public pub;
    struct acme_hash h;
    struct acme_slice tbs;
    struct acme_der d;
    uint8_t serial[24] = {0};
    uint8_t digest[64];
    uint8_t sig[ACME_SIGNATURE_MAX];
    size_t mark, n;
    int got;

    acme_key_public(m->key, &pub);
    acme_der_init(&d, tbs_room, sizeof tbs_room);
    made_extensions(&d, m);
    acme_csr_public(&d, &pub);
    made_name(&d, m->subject);
    mark = acme_der_mark(&d);
    made_time(&d, m->to != 0 ? m->to : WORLD_NOW + 60 * WORLD_DAY);
    made_time(&d, m->from != 0 ? m->from : WORLD_NOW - WORLD_DAY);
    acme_der_wrap(&d, mark, ACME_DER_SEQUENCE);
    made_name(&d, m->issuer != NULL ? m->issuer : m->subject);
    acme_csr_algorithm(&d, (enum acme_key_type)signer->type);
    n = world_hex(m->serial != NULL ? m->serial : "0112233445", serial, sizeof serial);
    serial[n - 1] = (uint8_t)(serial[n - 1] + m->number);
    acme_der_put(&d, ACME_DER_INTEGER, serial, n);
    mark = acme_der_mark(&d);
    acme_der_small(&d, 2);
    acme_der_wrap(&d, mark, ACME_DER_CONTEXT(0));
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    tbs = acme_der_slice(&d);
    acme_hash_start(&h, acme_key_digest_size((enum acme_key_type)signer->type));
    acme_hash_add(&h, tbs.ptr, tbs.len);
    acme_hash_end(&h, digest);
    if (m->wrong_signature)
        digest[0] ^= 1;
    got = acme_key_sign(signer, digest, ACME_SIGNATURE_X509, sig, sizeof sig);
    acme_der_init(&d, room, len);
    acme_der_raw(&d, sig, got > 0 ? (size_t)got : 0);
    acme_der_byte(&d, 0);
    acme_der_wrap(&d, 0, ACME_DER_BIT_STRING);
    acme_csr_algorithm(&d, (enum acme_key_type)signer->type);
    acme_der_raw(&d, tbs.ptr, tbs.len);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    return acme_der_slice(&d);
}

/* One certificate as PEM, appended. */
static inline void made_pem(struct acme_buf *out, struct acme_slice der, const char *end_of_line)
{
    static char text[24000];
    int len = acme_b64_encode(text, sizeof text, der.ptr, der.len);

    acme_buf_text(out, "-----BEGIN CERTIFICATE-----");
    acme_buf_text(out, end_of_line);
    for (int i = 0; i < len; i += 64) {
        acme_buf_put(out, text + i, (size_t)(len - i < 64 ? len - i : 64));
        acme_buf_text(out, end_of_line);
    }
    acme_buf_text(out, "-----END CERTIFICATE-----");
    acme_buf_text(out, end_of_line);
}

#endif
