/* dns_tsig.c - signed DNS messages (RFC 8945) */
#include "dns_tsig.h"

#include <string.h>

#include "acme_b64.h"
#include "acme_crypto.h"
#include "acme_err.h"

#define DT_SECRET_LEAST                                                                            \
    16 /* RFC 8945 8: at least the size of the hash is wanted; this is the end */

static const struct dt_algorithm {
    const char *name;
    uint8_t hash;
} dt_algorithms[] = {{"hmac-sha256", 32}, {"hmac-sha512", 64}};

static const char *dt_name(const struct dns_tsig_key *key)
{
    return dt_algorithms[key->hash == 64].name;
}

int dns_tsig_key_set(struct dns_tsig_key *key, struct acme_slice name, struct acme_slice algorithm,
                     struct acme_slice secret, const char **why)
{
    uint8_t room[DNS_NAME_ROOM + 1];
    struct acme_buf b;
    int n;

    memset(key, 0, sizeof *key);
    for (size_t i = 0; i < sizeof dt_algorithms / sizeof dt_algorithms[0]; i++) {
        if (acme_slice_is_nocase(algorithm, dt_algorithms[i].name))
            key->hash = dt_algorithms[i].hash;
    }
    *why = "the algorithm must be hmac-sha256 or hmac-sha512";
    if (key->hash == 0)
        return ACME_E_CONFIG;
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    *why = "the key's name must be a DNS name of letters, digits, \"-\" and \"_\"";
    acme_buf_init(&b, room, sizeof room);
    if (name.len == 0 || !acme_copy_text(key->name, sizeof key->name, name))
        return ACME_E_CONFIG;
    dns_msg_put_name(&b, key->name);
    if (b.overflow || strlen(key->name) != name.len)
        return ACME_E_CONFIG;
    *why = "the secret must be base64 of 16 to 128 bytes";
    n = acme_b64_decode(key->secret, sizeof key->secret, (const char *)secret.ptr, secret.len);
    if (n < DT_SECRET_LEAST) {
        dns_tsig_key_wipe(key);
        return ACME_E_CONFIG;
    }
    key->len = (uint8_t)n;
    *why = NULL;
    return ACME_OK;
}

void dns_tsig_key_wipe(struct dns_tsig_key *key)
{
    acme_wipe(key, sizeof *key);
}

static void dt_put_time(struct acme_buf *b, int64_t now)
{
    dns_msg_put16(b, (unsigned)((uint64_t)now >> 32 & 0xffff));
    dns_msg_put32(b, (uint32_t)((uint64_t)now & 0xffffffff));
}

/* RFC 8945 4.3.3: what is signed behind the message. */
static void dt_put_variables(struct acme_buf *b, const struct dns_tsig_key *key,
                             struct acme_slice when, unsigned error, struct acme_slice other)
{
    dns_msg_put_name(b, key->name);
    dns_msg_put16(b, DNS_ANY);
    dns_msg_put32(b, 0);
    dns_msg_put_name(b, dt_name(key));
    acme_buf_put(b, when.ptr, when.len);
    dns_msg_put16(b, error);
    dns_msg_put16(b, (unsigned)other.len);
    acme_buf_put(b, other.ptr, other.len);
}

int dns_tsig_sign(struct acme_buf *b, const struct dns_tsig_key *key, int64_t now,
                  struct dns_tsig_asked *asked)
{
    uint8_t room[DNS_TSIG_MESSAGE], when[8], data[160];
    struct acme_slice none = {NULL, 0};
    struct acme_buf all, part;
    int err;

    if (b->overflow || b->len < 2 + DNS_HEAD)
        return ACME_E_SIZE;
    acme_buf_init(&part, when, sizeof when);
    dt_put_time(&part, now);
    dns_msg_put16(&part, DNS_TSIG_FUDGE);
    acme_buf_init(&all, room, sizeof room);
    acme_buf_put(&all, b->ptr + 2, b->len - 2);
    dt_put_variables(&all, key, acme_slice_of(when, sizeof when), 0, none);
    if (all.overflow)
        return ACME_E_SIZE;
    err = acme_hmac(key->hash, acme_slice_of(key->secret, key->len), acme_buf_slice(&all),
                    asked->mac);
    if (err != ACME_OK)
        return err;
    acme_buf_init(&part, data, sizeof data);
    dns_msg_put_name(&part, dt_name(key));
    acme_buf_put(&part, when, sizeof when);
    dns_msg_put16(&part, key->hash);
    acme_buf_put(&part, asked->mac, key->hash);
    acme_buf_put(&part, b->ptr + 2, 2); /* the message's id */
    dns_msg_put16(&part, 0);
    dns_msg_put16(&part, 0);
    dns_msg_add(b, DNS_ADDITIONAL, key->name, DNS_TSIG, DNS_ANY, 0, acme_buf_slice(&part));
    return b->overflow || part.overflow ? ACME_E_SIZE : ACME_OK;
}

/* ---- the answer ---- */

/* The members of a TSIG record (RFC 8945 4.2), in the message. */
struct dt_record {
    size_t at; /* where the record begins: what is signed ends there */
    struct acme_slice when, mac, other;
    uint8_t id[2];
    unsigned error;
    bool ours; /* of our key and algorithm */
};

static int dt_read(const struct dns_tsig_key *key, struct acme_slice m,
                   const struct dns_record *found, struct dt_record *t)
{
    char algorithm[DNS_NAME_ROOM];
    size_t at = dns_msg_name(m, found->data_at, algorithm);
    size_t end = found->data_at + found->data.len, n;

    if (at == 0 || at > end || end - at < 16)
        return ACME_E_REPLY;
    t->at = found->at;
    t->when = acme_slice_of(m.ptr + at, 8);
    n = dns_msg_get16(m.ptr + at + 8);
    if (n > end - at - 16)
        return ACME_E_REPLY;
    t->mac = acme_slice_of(m.ptr + at + 10, n);
    at += 10 + n;
    memcpy(t->id, m.ptr + at, 2);
    t->error = dns_msg_get16(m.ptr + at + 2);
    n = dns_msg_get16(m.ptr + at + 4);
    if (n != end - at - 6)
        return ACME_E_REPLY;
    t->other = acme_slice_of(m.ptr + at + 6, n);
    t->ours = acme_slice_is_nocase(acme_slice_text(found->name), key->name) &&
              acme_slice_is(acme_slice_text(algorithm), dt_name(key));
    return ACME_OK;
}

/* The last record of the last section: ACME_E_SLOT_EMPTY when it is none. One elsewhere makes the
 * message one to be thrown away (RFC 8945 5.2). */
static int dt_find(const struct dns_tsig_key *key, struct acme_slice m, struct dt_record *t)
{
    struct dns_record record;
    struct dns_msg r;
    bool found = false;
    int err = ACME_E_SLOT_EMPTY;

    if (m.len < DNS_HEAD || dns_msg_open(&r, m, (uint16_t)dns_msg_get16(m.ptr),
                                         dns_msg_get16(m.ptr + 2), NULL, 0) != ACME_OK)
        return ACME_E_REPLY;
    while (dns_msg_next(&r, &record)) {
        if (found)
            return ACME_E_REPLY;
        found = record.type == DNS_TSIG;
        if (!found)
            continue;
        if (record.section != DNS_ADDITIONAL || record.class_ != DNS_ANY)
            return ACME_E_REPLY;
        err = dt_read(key, m, &record, t);
        if (err != ACME_OK)
            return err;
    }
    return r.broken || (found && r.at != m.len) ? ACME_E_REPLY : err;
}

static int64_t dt_time(const uint8_t *in)
{
    return (int64_t)((uint64_t)dns_msg_get16(in) << 32 | dns_msg_get32(in + 2));
}

static int dt_judge(const struct dns_tsig_key *key, struct acme_slice m, const struct dt_record *t,
                    const struct dns_tsig_asked *asked, bool *right)
{
    uint8_t room[2 + 64 + DNS_TSIG_MESSAGE], mac[64];
    struct acme_buf all;
    unsigned count = dns_msg_get16(m.ptr + 10) - 1u;
    int err;

    acme_buf_init(&all, room, sizeof room);
    dns_msg_put16(&all, key->hash);
    acme_buf_put(&all, asked->mac, key->hash);
    /* The message as it was before the record was added (RFC 8945 5.1). */
    acme_buf_put(&all, t->id, 2);
    acme_buf_put(&all, m.ptr + 2, 8);
    dns_msg_put16(&all, count);
    acme_buf_put(&all, m.ptr + DNS_HEAD, t->at - DNS_HEAD);
    dt_put_variables(&all, key, t->when, t->error, t->other);
    if (all.overflow)
        return ACME_E_SIZE;
    err = acme_hmac(key->hash, acme_slice_of(key->secret, key->len), acme_buf_slice(&all), mac);
    *right = err == ACME_OK && acme_equal(mac, t->mac.ptr, key->hash);
    return err;
}

static const char *dt_words(unsigned error)
{
    switch (error) {
    case DNS_TSIG_BADSIG:
        return "BADSIG: the server has another secret for this key";
    case DNS_TSIG_BADKEY:
        return "BADKEY: the server does not know a key of this name and algorithm";
    case DNS_TSIG_BADTIME:
        return "BADTIME: the clocks of this machine and the server differ by more than 300 s";
    case DNS_TSIG_BADTRUNC:
        return "BADTRUNC: the server does not take signatures of this length";
    default:
        return "the server refuses our signature, with an error that RFC 8945 does not have";
    }
}

int dns_tsig_check(const struct dns_tsig_key *key, struct acme_slice m, int64_t now,
                   const struct dns_tsig_asked *asked, unsigned *error, int64_t *their_time,
                   const char **why)
{
    struct dt_record t;
    bool right = false;
    int64_t apart;
    int err = dt_find(key, m, &t);

    *error = 0;
    *their_time = 0;
    *why = "the answer is not signed";
    if (err != ACME_OK)
        return err == ACME_E_SLOT_EMPTY ? ACME_E_SOLVER : err;
    *error = t.error;
    *why = dt_words(t.error);
    if (t.error == DNS_TSIG_BADTIME && t.other.len == 6)
        *their_time = dt_time(t.other.ptr);
    if (t.error != 0)
        return ACME_E_SOLVER; /* a refusal, whoever says it: it is never taken for a yes */
    *why = "the answer is signed with another key";
    if (!t.ours)
        return ACME_E_SOLVER;
    *why = "the signature of the answer is shortened";
    if (t.mac.len != key->hash)
        return ACME_E_SOLVER;
    err = dt_judge(key, m, &t, asked, &right);
    *why = "the signature of the answer is wrong";
    if (err != ACME_OK || !right)
        return err != ACME_OK ? err : ACME_E_SOLVER;
    apart = dt_time(t.when.ptr) - now;
    *why = "the answer is not of now: the clocks of this machine and the server differ";
    if (apart > DNS_TSIG_FUDGE || apart < -DNS_TSIG_FUDGE)
        return ACME_E_SOLVER;
    *why = NULL;
    return ACME_OK;
}
