/* ca_cert.c - CSRs checked, certificates issued, chains given out, right or wrong */
#include <stdio.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_csr.h"
#include "acme_der.h"
#include "acme_time.h"
#include "ca.h"

static struct {
    struct acme_key root_key, middle_key, other_key, server_key;
    uint8_t root_room[800], middle_room[800], other_room[800], cross_room[800];
    struct acme_slice cross;               /* the intermediate's key, signed by another root */
    struct acme_slice root, middle, other; /* other: a CA that has nothing to do with it */
    uint8_t middle_id[ACME_SHA256_SIZE];   /* of its key; 20 bytes are taken (RFC 7093) */
} pki;

#define CERT_KEY_ID 20

struct cert_shape {
    struct acme_slice spki;
    const struct acme_key *signer;
    const char *subject, *issuer; /* common names; NULL: none */
    const char *const *names;
    size_t count;
    int64_t from, to;
    uint64_t serial;
    bool ca, spoilt, named; /* named: with the issuer's key identifier */
};

static void cert_time(struct acme_der *d, int64_t seconds)
{
    struct acme_date date;
    char text[40];

    acme_time_to_date(seconds, &date);
    snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02dZ", date.year % 10000, date.month % 100,
             date.day % 100, date.hour % 100, date.minute % 100, date.second % 100);
    if (date.year < 2050)
        acme_der_put(d, ACME_DER_UTC_TIME, text + 2, 13);
    else
        acme_der_put(d, ACME_DER_GENERAL_TIME, text, 15);
}

static void cert_name(struct acme_der *d, const char *common)
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

/* What stands since mark becomes extension 2.5.29.id. */
static void cert_extension(struct acme_der *d, size_t mark, uint8_t id, bool critical)
{
    const uint8_t oid[] = {0x55, 0x1d, id};
    const uint8_t yes = 0xff;

    acme_der_wrap(d, mark, ACME_DER_OCTET_STRING);
    if (critical)
        acme_der_put(d, ACME_DER_BOOLEAN, &yes, 1);
    acme_der_put(d, ACME_DER_OID, oid, sizeof oid);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
}

static void cert_extensions(struct acme_der *d, const struct cert_shape *c)
{
    const uint8_t usage_ca[] = {1, 6}, usage_leaf[] = {7, 0x80};
    const uint8_t yes = 0xff;
    size_t all = acme_der_mark(d), mark = all;

    if (c->count > 0) {
        (void)acme_csr_san(d, c->names, c->count);
        cert_extension(d, mark, 0x11, true);
        mark = acme_der_mark(d);
    }
    acme_der_put(d, ACME_DER_BIT_STRING, c->ca ? usage_ca : usage_leaf, 2);
    cert_extension(d, mark, 0x0f, true);
    mark = acme_der_mark(d);
    if (c->named) {
        acme_der_put(d, ACME_DER_CHOICE(0), pki.middle_id, CERT_KEY_ID);
        acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
        cert_extension(d, mark, 0x23, false);
        mark = acme_der_mark(d);
    }
    if (c->ca)
        acme_der_put(d, ACME_DER_BOOLEAN, &yes, 1);
    acme_der_wrap(d, mark, ACME_DER_SEQUENCE);
    cert_extension(d, mark, 0x13, true);
    acme_der_wrap(d, all, ACME_DER_SEQUENCE);
    acme_der_wrap(d, all, ACME_DER_CONTEXT(3));
}

static void cert_serial(uint64_t number, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(number >> (56 - 8 * i));
    out[0] |= 1;
}

static struct acme_slice cert_make(const struct cert_shape *c, uint8_t *room, size_t len)
{
    uint8_t tbs_room[CA_LEAF], serial[9], digest[64], sig[ACME_SIGNATURE_MAX];
    struct acme_slice tbs;
    struct acme_der d;
    struct acme_hash h;
    size_t mark;
    int n;

    acme_der_init(&d, tbs_room, sizeof tbs_room);
    cert_extensions(&d, c);
    acme_der_raw(&d, c->spki.ptr, c->spki.len);
    cert_name(&d, c->subject);
    mark = acme_der_mark(&d);
    cert_time(&d, c->to);
    cert_time(&d, c->from);
    acme_der_wrap(&d, mark, ACME_DER_SEQUENCE);
    cert_name(&d, c->issuer);
    acme_csr_algorithm(&d, (enum acme_key_type)c->signer->type);
    cert_serial(c->serial, serial);
    acme_der_uint(&d, serial, 8);
    mark = acme_der_mark(&d);
    acme_der_small(&d, 2);
    acme_der_wrap(&d, mark, ACME_DER_CONTEXT(0));
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    tbs = acme_der_slice(&d);
    acme_hash_start(&h, acme_key_digest_size((enum acme_key_type)c->signer->type));
    acme_hash_add(&h, tbs.ptr, tbs.len);
    acme_hash_end(&h, digest);
    digest[0] ^= c->spoilt;
    n = acme_key_sign(c->signer, digest, ACME_SIGNATURE_X509, sig, sizeof sig);
    acme_der_init(&d, room, len);
    acme_der_raw(&d, sig, n > 0 ? (size_t)n : 0);
    acme_der_byte(&d, 0);
    acme_der_wrap(&d, 0, ACME_DER_BIT_STRING);
    acme_csr_algorithm(&d, (enum acme_key_type)c->signer->type);
    acme_der_raw(&d, tbs.ptr, tbs.len);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    return acme_der_slice(&d);
}

static struct acme_slice cert_spki(const struct acme_key *key, uint8_t *room, size_t len)
{
    struct acme_public pub;
    struct acme_der d;

    (void)acme_key_public(key, &pub);
    acme_der_init(&d, room, len);
    acme_csr_public(&d, &pub);
    return acme_der_slice(&d);
}

static struct acme_slice pki_ca(const struct acme_key *key, const char *subject,
                                const struct acme_key *signer, const char *issuer, uint8_t *room)
{
    uint8_t spki[160];
    struct cert_shape c = {.spki = cert_spki(key, spki, sizeof spki), .signer = signer};

    c.subject = subject;
    c.issuer = issuer;
    c.from = SIM_EPOCH - 86400 * 365;
    c.to = SIM_EPOCH + (int64_t)86400 * 365 * 20;
    c.serial = 77;
    c.ca = true;
    return cert_make(&c, room, 800);
}

void ca_pki_init(void)
{
    uint8_t spki[160];
    struct acme_slice key;

    (void)acme_key_make(&pki.root_key, ACME_KEY_P256);
    (void)acme_key_make(&pki.middle_key, ACME_KEY_P256);
    (void)acme_key_make(&pki.other_key, ACME_KEY_P256);
    (void)acme_key_make(&pki.server_key, ACME_KEY_P256);
    key = cert_spki(&pki.middle_key, spki, sizeof spki);
    (void)acme_sha256(key.ptr, key.len, pki.middle_id);
    pki.root = pki_ca(&pki.root_key, "Sim Root", &pki.root_key, "Sim Root", pki.root_room);
    pki.middle = pki_ca(&pki.middle_key, "Sim CA", &pki.root_key, "Sim Root", pki.middle_room);
    pki.cross = pki_ca(&pki.middle_key, "Sim CA", &pki.other_key, "Old Root", pki.cross_room);
    pki.other = pki_ca(&pki.other_key, "Sim CA", &pki.other_key, "Other", pki.other_room);
}

static void pem_put(struct acme_buf *out, struct acme_slice der, const char *end)
{
    char text[2000];
    int len = acme_b64_encode(text, sizeof text, der.ptr, der.len);

    acme_buf_text(out, "-----BEGIN CERTIFICATE-----");
    acme_buf_text(out, end);
    for (int i = 0; i < len; i += 64) {
        acme_buf_put(out, text + i, (size_t)(len - i < 64 ? len - i : 64));
        acme_buf_text(out, end);
    }
    acme_buf_text(out, "-----END CERTIFICATE-----");
    acme_buf_text(out, end);
}

/* RFC 9773 4.1, written here and not by the code under test. */
void ca_cert_id(uint64_t serial, char *out, size_t room)
{
    uint8_t octets[9] = {0};
    char issuer[30], number[14];
    size_t zero;

    cert_serial(serial, octets + 1);
    zero = octets[1] & 0x80 ? 0 : 1; /* a positive INTEGER */
    issuer[acme_b64url_encode(issuer, sizeof issuer - 1, pki.middle_id, CERT_KEY_ID)] = '\0';
    number[acme_b64url_encode(number, sizeof number - 1, octets + zero, 9 - zero)] = '\0';
    snprintf(out, room, "%s.%s", issuer, number);
}

struct acme_slice ca_root(void)
{
    return pki.root;
}

const struct acme_key *ca_server_key(void)
{
    return &pki.server_key;
}

/* Valid for four years, and from the day before the world begins: a clock that is far off sees it
 * as expired, or as not valid yet. */
size_t ca_server_chain(enum ca_server which, uint8_t *room, size_t size)
{
    static const char *const right[] = {CA_HOST}, *const wrong[] = {"other.test"};
    uint8_t spki[160], leaf[CA_LEAF];
    struct cert_shape c = {.signer = &pki.middle_key, .issuer = "Sim CA", .count = 1, .serial = 5};
    struct acme_buf out;

    c.spki = cert_spki(&pki.server_key, spki, sizeof spki);
    c.subject = CA_HOST;
    c.names = which == CA_SERVER_NAME ? wrong : right;
    c.from = SIM_EPOCH - 43200;
    c.to = SIM_EPOCH + (int64_t)86400 * 365 * 4;
    if (which == CA_SERVER_EXPIRED)
        c.to = SIM_EPOCH - 3600;
    if (which == CA_SERVER_FUTURE)
        c.from = SIM_EPOCH + (int64_t)86400 * 365 * 3;
    if (which == CA_SERVER_UNKNOWN)
        c.signer = &pki.other_key;
    acme_buf_init(&out, room, size);
    pem_put(&out, cert_make(&c, leaf, sizeof leaf), "\n");
    pem_put(&out, which == CA_SERVER_UNKNOWN ? pki.other : pki.middle, "\n");
    return out.overflow ? 0 : out.len;
}

static bool cert_same(struct acme_slice a, struct acme_slice b)
{
    return a.len == b.len && a.len > 0 && memcmp(a.ptr, b.ptr, a.len) == 0;
}

bool ca_is_ours(struct acme_slice der)
{
    return cert_same(der, pki.middle) || cert_same(der, pki.cross) || cert_same(der, pki.root);
}

/* ---- CSR: RFC 2986, RFC 8555 7.4 ---- */

static bool csr_verify(struct acme_slice csr, struct acme_slice *info, struct acme_slice *spki)
{
    struct acme_slice in, alg, sig, part, whole, oid, body;
    struct acme_hash h;
    uint8_t digest[64], tag;
    size_t size = 32;

    if (!acme_der_read_tag(&csr, ACME_DER_SEQUENCE, &in) || csr.len != 0 ||
        !acme_der_read(&in, &tag, info, &whole) || tag != ACME_DER_SEQUENCE ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &alg) ||
        !acme_der_read_tag(&in, ACME_DER_BIT_STRING, &sig) || in.len != 0 || sig.len < 2 ||
        !acme_der_read_tag(&alg, ACME_DER_OID, &oid))
        return false;
    sig = acme_slice_of(sig.ptr + 1, sig.len - 1);
    body = *info;
    if (!acme_der_read_tag(&body, ACME_DER_INTEGER, &part) ||
        !acme_der_read_tag(&body, ACME_DER_SEQUENCE, &part) ||
        !acme_der_read(&body, &tag, &part, spki) || tag != ACME_DER_SEQUENCE)
        return false;
    *info = body; /* what follows: the attributes */
    if (oid.len == 8 && oid.ptr[7] == 3)
        size = 48;
    acme_hash_start(&h, size);
    acme_hash_add(&h, whole.ptr, whole.len);
    acme_hash_end(&h, digest);
    return acme_verify(*spki, oid.len == 9, digest, size, sig) == ACME_OK;
}

/* The GeneralNames of the SAN extension in the attributes. */
static bool csr_sans(struct acme_slice attributes, struct acme_slice *names)
{
    struct acme_slice in, oid, set, one, value;

    if (!acme_der_read_tag(&attributes, ACME_DER_CONTEXT(0), &in) ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &one) ||
        !acme_der_read_tag(&one, ACME_DER_OID, &oid) ||
        !acme_der_read_tag(&one, ACME_DER_SET, &set) ||
        !acme_der_read_tag(&set, ACME_DER_SEQUENCE, &in) ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &one) ||
        !acme_der_read_tag(&one, ACME_DER_OID, &oid) || oid.len != 3 || oid.ptr[2] != 0x11 ||
        !acme_der_read_tag(&one, ACME_DER_OCTET_STRING, &value) ||
        !acme_der_read_tag(&value, ACME_DER_SEQUENCE, names))
        return false;
    return in.len == 0;
}

static bool csr_name_is(struct acme_slice name, uint8_t tag, const struct ca_authz *z)
{
    if (tag != ACME_DER_CHOICE(2))
        return false;
    if (z->wildcard) {
        if (name.len < 2 || memcmp(name.ptr, "*.", 2) != 0)
            return false;
        name = acme_slice_of(name.ptr + 2, name.len - 2);
    }
    return acme_slice_is(name, z->name);
}

const char *ca_csr_check(struct ca *ca, const struct ca_order *o, struct acme_slice csr,
                         struct acme_slice *spki)
{
    struct acme_slice attributes, names, name;
    unsigned seen = 0, count = 0;
    uint8_t tag;

    if (!csr_verify(csr, &attributes, spki))
        return "the CSR is broken or its signature wrong";
    for (uint32_t i = 0; i < ca->accounts_count; i++) {
        if (ca_spki_equal(*spki, &ca->accounts[i].key))
            return "the CSR's key is an account's (11.1)";
    }
    if (!csr_sans(attributes, &names))
        return "the CSR has no SANs";
    while (acme_der_read(&names, &tag, &name, NULL)) {
        count++;
        for (unsigned i = 0; i < o->count; i++)
            seen |= csr_name_is(name, tag, &o->authz[i]) ? 1u << i : 0;
    }
    if (count != o->count || seen != (1u << o->count) - 1)
        return "the CSR's names are not the order's";
    return NULL;
}

/* ---- issuing ---- */

static size_t cert_names(const struct ca_order *o, char room[][70], const char **names)
{
    for (unsigned i = 0; i < o->count; i++) {
        snprintf(room[i], 70, "%s%s", o->authz[i].wildcard ? "*." : "", o->authz[i].name);
        names[i] = room[i];
    }
    return o->count;
}

static struct acme_slice cert_leaf(const struct ca_order *o, struct cert_shape *c, uint8_t *room)
{
    char text[CA_NAMES + 1][70];
    const char *names[CA_NAMES + 1];

    if (c->count == 0)
        c->count = cert_names(o, text, names);
    if (c->names == NULL)
        c->names = names;
    c->issuer = "Sim CA";
    c->serial = o->number;
    c->named = true;
    return cert_make(c, room, CA_LEAF);
}

void ca_issue(struct ca *ca, struct ca_order *o, struct acme_slice spki)
{
    uint8_t room[CA_LEAF];
    struct cert_shape c = {.spki = spki, .signer = &pki.middle_key};
    struct acme_slice leaf;

    c.from = o->not_before = sim_world_unix(ca->world) - ca->backdate_s;
    c.to = o->not_after = sim_world_unix(ca->world) + ca->lifetime_s;
    leaf = cert_leaf(o, &c, room);
    memcpy(o->leaf, leaf.ptr, leaf.len);
    o->leaf_len = (uint16_t)leaf.len;
    ca->issued++;
}

/* ---- the chain as PEM ---- */

/* A leaf that is wrong in one way; true when one was written. */
static bool chain_bad_leaf(struct ca *ca, const struct ca_order *o, struct acme_buf *out)
{
    static const char *const other[] = {"evil.test"};
    char text[CA_NAMES + 1][70];
    const char *names[CA_NAMES + 1];
    uint8_t room[CA_LEAF], spki[160];
    struct acme_slice in = {o->leaf, o->leaf_len}, tbs, part, own = {NULL, 0};
    struct cert_shape c = {.signer = &pki.middle_key};
    int64_t now = sim_world_unix(ca->world);
    uint8_t tag;

    /* the key of the good leaf: the seventh element of its TBS, behind [0] */
    (void)acme_der_read_tag(&in, ACME_DER_SEQUENCE, &tbs);
    (void)acme_der_read_tag(&tbs, ACME_DER_SEQUENCE, &in);
    for (int i = 0; i < 7; i++)
        (void)acme_der_read(&in, &tag, &part, &own);
    c.spki = own;
    c.from = o->not_before;
    c.to = o->not_after;
    if (evil_does(&ca->evil, EVIL_CERT_KEY)) {
        c.spki = cert_spki(&pki.other_key, spki, sizeof spki);
    } else if (evil_does(&ca->evil, EVIL_CERT_NAMES_MORE)) {
        c.count = cert_names(o, text, names) + 1;
        names[c.count - 1] = other[0];
        c.names = names;
    } else if (evil_does(&ca->evil, EVIL_CERT_NAMES_LESS)) {
        c.names = other;
        c.count = 1;
    } else if (evil_does(&ca->evil, EVIL_CERT_EXPIRED)) {
        c.from = now - 86400 * 40;
        c.to = now - 86400 * 2;
    } else if (evil_does(&ca->evil, EVIL_CERT_FUTURE)) {
        c.from = now + 86400 * 2;
        c.to = now + 86400 * 60;
    } else if (evil_does(&ca->evil, EVIL_CERT_SIGNATURE)) {
        c.spoilt = true;
    } else {
        return false;
    }
    pem_put(out, cert_leaf(o, &c, room), "\n");
    return true;
}

static void chain_tail(struct ca *ca, const struct ca_order *o, struct acme_buf *out,
                       const char *end)
{
    struct acme_slice leaf = {o->leaf, o->leaf_len};
    /* Without its issuer, nobody can tell that a signature is wrong. */
    bool alone = !evil_has(&ca->evil, EVIL_CERT_SIGNATURE) && evil_does(&ca->evil, EVIL_CERT_ALONE);

    if (evil_does(&ca->evil, EVIL_CERT_TWICE))
        pem_put(out, leaf, end);
    if (evil_does(&ca->evil, EVIL_CERT_ISSUER))
        pem_put(out, pki.other, end);
    else if (!alone)
        pem_put(out, pki.middle, end);
    if (!alone && evil_does(&ca->evil, EVIL_CERT_ROOT))
        pem_put(out, pki.root, end);
    for (int i = 0; i < 20 && evil_has(&ca->evil, EVIL_CERT_MANY) && ca->evil.on; i++) {
        if (i > 0 || evil_does(&ca->evil, EVIL_CERT_MANY))
            pem_put(out, pki.middle, end);
        else
            break;
    }
    if (evil_does(&ca->evil, EVIL_CERT_SMUGGLED))
        acme_buf_text(out, "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n"
                           "-----END PRIVATE KEY-----\n");
}

/* An alternate: the same leaf, and the intermediate as another root has signed it. */
static void chain_alternate(struct ca *ca, const struct ca_order *o, struct acme_buf *out)
{
    struct acme_slice leaf = {o->leaf, o->leaf_len};

    pem_put(out, evil_does(&ca->evil, EVIL_ALT_KEY) ? pki.other : leaf, "\n");
    pem_put(out, pki.cross, "\n");
}

void ca_chain(struct ca *ca, const struct ca_order *o, unsigned which, struct acme_buf *out)
{
    struct acme_slice leaf = {o->leaf, o->leaf_len};
    const char *end = evil_does(&ca->evil, EVIL_CERT_CRLF) ? "\r\n" : "\n";

    if (evil_does(&ca->evil, EVIL_CERT_EMPTY))
        return;
    if (evil_does(&ca->evil, EVIL_CERT_GARBAGE) ||
        (which > 0 && evil_does(&ca->evil, EVIL_ALT_GARBAGE))) {
        for (int i = 0; i < 900; i++)
            acme_buf_char(out, (char)sim_world_below(ca->world, 256));
        return;
    }
    if (which > 0) {
        chain_alternate(ca, o, out);
        return;
    }
    if (!chain_bad_leaf(ca, o, out))
        pem_put(out, leaf, end);
    chain_tail(ca, o, out, end);
    if (evil_does(&ca->evil, EVIL_CERT_CUT))
        out->len -= 1 + sim_world_below(ca->world, (uint32_t)out->len - 1);
}
