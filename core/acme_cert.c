#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/memory.h>

#include "acme_cert.h"

#include <string.h>

#include "acme_csr.h"
#include "acme_der.h"
#include "acme_err.h"
#include "acme_time.h"

#define CERT_SAN_DNS ACME_DER_CHOICE(2)
#define CERT_SAN_IP  ACME_DER_CHOICE(7)
#define CERT_NO_PATH UINT32_MAX

static const uint8_t cert_oid_san[] = {0x55, 0x1d, 0x11};
static const uint8_t cert_oid_authority_key[] = {0x55, 0x1d, 0x23};
static const uint8_t cert_oid_name[] = {0x55, 0x04, 0x03};
static const uint8_t cert_oid_organisation[] = {0x55, 0x04, 0x0a};

/* The parts of a certificate (RFC 5280 4.1), where they lie. */
struct cert_parts {
    struct acme_slice tbs; /* whole element: what is signed */
    struct acme_slice serial;
    struct acme_slice issuer, subject; /* whole elements */
    struct acme_slice not_before, not_after;
    struct acme_slice spki;       /* whole element */
    struct acme_slice extensions; /* content; empty when absent */
    struct acme_slice signature;
};

/* What wolfSSL says about it. */
struct cert_view {
    struct cert_parts parts;
    bool may_sign;     /* basicConstraints and keyUsage */
    uint32_t path_len; /* CERT_NO_PATH: no bound */
    bool rsa;          /* kind and digest of the signature on it; 0: not one of ours */
    uint8_t digest_size;
};

static bool cert_split_tbs(struct acme_slice tbs, struct cert_parts *out)
{
    struct acme_slice in, part;
    uint8_t tag;

    out->extensions = acme_slice_of(NULL, 0);
    if (!acme_der_read_tag(&tbs, ACME_DER_SEQUENCE, &in))
        return false;
    (void)acme_der_read_tag(&in, ACME_DER_CONTEXT(0), &part); /* version */
    if (!acme_der_read_tag(&in, ACME_DER_INTEGER, &out->serial) ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part) || /* signature algorithm */
        !acme_der_read(&in, &tag, &part, &out->issuer) || tag != ACME_DER_SEQUENCE ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part) || /* validity */
        !acme_der_read(&part, &tag, &out->not_before, NULL) ||
        !acme_der_read(&part, &tag, &out->not_after, NULL) ||
        !acme_der_read(&in, &tag, &part, &out->subject) || tag != ACME_DER_SEQUENCE ||
        !acme_der_read(&in, &tag, &part, &out->spki) || tag != ACME_DER_SEQUENCE)
        return false;
    while (acme_der_read(&in, &tag, &part, NULL)) {
        if (tag == ACME_DER_CONTEXT(3) &&
            !acme_der_read_tag(&part, ACME_DER_SEQUENCE, &out->extensions))
            return false;
    }
    return in.len == 0;
}

static bool cert_split(struct acme_slice der, struct cert_parts *out)
{
    struct acme_slice in, part;
    uint8_t tag;

    if (!acme_der_read_tag(&der, ACME_DER_SEQUENCE, &in) || der.len != 0 ||
        !acme_der_read(&in, &tag, &part, &out->tbs) ||
        !acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part) ||
        !acme_der_read_tag(&in, ACME_DER_BIT_STRING, &out->signature) || in.len != 0 ||
        out->signature.len < 2 || out->signature.ptr[0] != 0)
        return false;
    out->signature.ptr++; /* the count of unused bits */
    out->signature.len--;
    return cert_split_tbs(out->tbs, out);
}

struct acme_slice acme_cert_extension(struct acme_slice extensions, const uint8_t *oid,
                                      size_t oid_len)
{
    struct acme_slice one, id, value;

    while (acme_der_read_tag(&extensions, ACME_DER_SEQUENCE, &one)) {
        if (!acme_der_read_tag(&one, ACME_DER_OID, &id))
            break;
        (void)acme_der_read_tag(&one, ACME_DER_BOOLEAN, &value);
        if (id.len == oid_len && memcmp(id.ptr, oid, oid_len) == 0 &&
            acme_der_read_tag(&one, ACME_DER_OCTET_STRING, &value))
            return value;
    }
    return acme_slice_of(NULL, 0);
}

/* --- wolfSSL ------------------------------------------------------------------------------ */

static const struct {
    int oid;
    bool rsa;
    uint8_t digest_size;
} cert_algorithms[] = {
    {CTC_SHA256wECDSA, false, 32}, {CTC_SHA384wECDSA, false, 48}, {CTC_SHA512wECDSA, false, 64},
    {CTC_SHA256wRSA, true, 32},    {CTC_SHA384wRSA, true, 48},    {CTC_SHA512wRSA, true, 64},
};

static void cert_view_of(const DecodedCert *cert, struct cert_view *out)
{
    out->may_sign =
        cert->isCA && (!cert->extKeyUsageSet || (cert->extKeyUsage & KEYUSE_KEY_CERT_SIGN) != 0);
    out->path_len = cert->pathLengthSet ? cert->pathLength : CERT_NO_PATH;
    out->digest_size = 0;
    for (size_t i = 0; i < sizeof cert_algorithms / sizeof cert_algorithms[0]; i++) {
        if (cert->signatureOID == (word32)cert_algorithms[i].oid) {
            out->rsa = cert_algorithms[i].rsa;
            out->digest_size = cert_algorithms[i].digest_size;
        }
    }
}

/* The whole certificate through wolfSSL's parser, without a judgement on issuer and dates; then cut
 * into its parts. Both must take it. */
static bool cert_read(struct acme_slice der, struct cert_view *out)
{
    DecodedCert *cert;
    bool ok;

    if (der.len == 0)
        return false;
    cert = (DecodedCert *)XMALLOC(sizeof *cert, NULL, DYNAMIC_TYPE_DCERT);
    if (cert == NULL)
        return false;
    wc_InitDecodedCert(cert, der.ptr, (word32)der.len, NULL);
    ok = wc_ParseCert(cert, CERT_TYPE, NO_VERIFY, NULL) == 0;
    if (ok)
        cert_view_of(cert, out);
    wc_FreeDecodedCert(cert);
    XFREE(cert, NULL, DYNAMIC_TYPE_DCERT);
    return ok && cert_split(der, &out->parts);
}

/* --- facts -------------------------------------------------------------------------------- */

/* The text of the first attribute of this kind in a Name. */
static struct acme_slice cert_attribute(struct acme_slice name, const uint8_t *oid, size_t oid_len)
{
    struct acme_slice in, set, one, id, value;
    uint8_t tag;

    if (!acme_der_read_tag(&name, ACME_DER_SEQUENCE, &in))
        return acme_slice_of(NULL, 0);
    while (acme_der_read_tag(&in, ACME_DER_SET, &set)) {
        while (acme_der_read_tag(&set, ACME_DER_SEQUENCE, &one)) {
            if (acme_der_read_tag(&one, ACME_DER_OID, &id) && id.len == oid_len &&
                memcmp(id.ptr, oid, oid_len) == 0 && acme_der_read(&one, &tag, &value, NULL))
                return value;
        }
    }
    return acme_slice_of(NULL, 0);
}

static void cert_display(struct acme_slice text, char *out, size_t room)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = (char)(text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?');
    out[len] = '\0';
}

static void cert_authority_key(const struct cert_parts *parts, struct acme_cert_facts *out)
{
    struct acme_slice value = acme_cert_extension(parts->extensions, cert_oid_authority_key,
                                                  sizeof cert_oid_authority_key);
    struct acme_slice in, id;

    if (acme_der_read_tag(&value, ACME_DER_SEQUENCE, &in) &&
        acme_der_read_tag(&in, ACME_DER_CHOICE(0), &id) && id.len > 0 &&
        id.len <= sizeof out->authority_key) {
        memcpy(out->authority_key, id.ptr, id.len);
        out->authority_key_len = (uint8_t)id.len;
    }
}

int acme_cert_facts(struct acme_slice der, struct acme_cert_facts *out)
{
    struct cert_view view;
    const struct cert_parts *parts = &view.parts;
    struct acme_slice name;

    memset(out, 0, sizeof *out);
    if (!cert_read(der, &view) || parts->serial.len == 0 ||
        parts->serial.len > sizeof out->serial ||
        acme_time_asn1(parts->not_before, &out->not_before) != ACME_OK ||
        acme_time_asn1(parts->not_after, &out->not_after) != ACME_OK)
        return ACME_E_CERT;
    memcpy(out->serial, parts->serial.ptr, parts->serial.len);
    out->serial_len = (uint8_t)parts->serial.len;
    cert_authority_key(parts, out);
    name = cert_attribute(parts->issuer, cert_oid_name, sizeof cert_oid_name);
    if (name.len == 0)
        name = cert_attribute(parts->issuer, cert_oid_organisation, sizeof cert_oid_organisation);
    cert_display(name, out->issuer, sizeof out->issuer);
    return ACME_OK;
}

/* --- names -------------------------------------------------------------------------------- */

int acme_cert_san_name(uint8_t tag, struct acme_slice value, struct acme_name *out)
{
    if (tag == CERT_SAN_DNS)
        return acme_name_read(value, out, NULL) == ACME_OK && out->type == ACME_ID_DNS
                   ? ACME_OK
                   : ACME_E_CERT;
    memset(out, 0, sizeof *out);
    if (tag != CERT_SAN_IP || (value.len != 4 && value.len != 16))
        return ACME_E_CERT;
    out->type = ACME_ID_IP;
    out->ip_len = (uint8_t)value.len;
    memcpy(out->ip, value.ptr, value.len);
    return acme_name_ip_text(value.ptr, value.len, out->text) == ACME_OK ? ACME_OK : ACME_E_CERT;
}

/* The GeneralNames of the certificate, opened: *in is then read name by name. */
static bool cert_sans(const struct cert_parts *parts, struct acme_slice *in)
{
    struct acme_slice value =
        acme_cert_extension(parts->extensions, cert_oid_san, sizeof cert_oid_san);

    return acme_der_read_tag(&value, ACME_DER_SEQUENCE, in) && value.len == 0;
}

int acme_cert_san(struct acme_slice der, size_t nth, struct acme_name *out)
{
    struct cert_parts parts;
    struct acme_slice in, value;
    uint8_t tag;

    if (!cert_split(der, &parts))
        return ACME_E_CERT;
    if (!cert_sans(&parts, &in))
        return parts.extensions.len == 0 ? ACME_AGAIN : ACME_E_CERT;
    while (in.len > 0) {
        if (!acme_der_read(&in, &tag, &value, NULL))
            return ACME_E_CERT;
        if (nth-- == 0)
            return acme_cert_san_name(tag, value, out);
    }
    return ACME_AGAIN;
}

static size_t cert_find_name(const struct acme_name *san, const char *const *names, size_t count)
{
    struct acme_name asked;
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(san->text, names[i]) == 0)
            return i;
    }
    for (i = 0; i < count; i++) { /* an IP address, or capitals, in another spelling */
        if (acme_name_read(acme_slice_text(names[i]), &asked, NULL) == ACME_OK &&
            asked.type == san->type && strcmp(asked.text, san->text) == 0)
            return i;
    }
    return count;
}

static const char *cert_names_differ(const struct cert_parts *parts, const char *const *names,
                                     size_t count)
{
    uint8_t seen[(ACME_MAX_NAMES + 7) / 8] = {0};
    struct acme_name san;
    struct acme_slice in, value;
    size_t found = 0;
    uint8_t tag;

    if (!cert_sans(parts, &in))
        return "it names nothing (no subjectAltName)";
    for (; in.len > 0; found++) {
        size_t i;

        if (!acme_der_read(&in, &tag, &value, NULL) ||
            acme_cert_san_name(tag, value, &san) != ACME_OK)
            return "it has a name that is neither a DNS name nor an IP address";
        i = cert_find_name(&san, names, count);
        if (i == count)
            return "it has a name that was not asked for";
        if ((seen[i / 8] & 1u << i % 8) != 0)
            return "it has a name twice";
        seen[i / 8] = (uint8_t)(seen[i / 8] | 1u << i % 8);
    }
    return found == count ? NULL : "it lacks a name that was asked for";
}

struct acme_slice acme_cert_spki(struct acme_slice der)
{
    struct cert_parts parts;

    return cert_split(der, &parts) ? parts.spki : acme_slice_of(NULL, 0);
}

/* --- the check ---------------------------------------------------------------------------- */

static const char *cert_key_differs(const struct cert_parts *parts, const struct acme_key *key)
{
    struct acme_public pub;
    struct acme_der d;
    uint8_t room[sizeof pub.a + sizeof pub.b + 64];
    struct acme_slice ours;

    if (acme_key_public(key, &pub) != ACME_OK)
        return "our key is not usable";
    acme_der_init(&d, room, sizeof room);
    acme_csr_public(&d, &pub);
    ours = acme_der_slice(&d);
    if (ours.len == 0 || ours.len != parts->spki.len ||
        memcmp(ours.ptr, parts->spki.ptr, ours.len) != 0)
        return "it is for another key than ours";
    return NULL;
}

static const char *cert_dates_wrong(const struct cert_parts *parts, bool have_now, int64_t now,
                                    uint32_t skew_s)
{
    int64_t from, to;

    if (acme_time_asn1(parts->not_before, &from) != ACME_OK ||
        acme_time_asn1(parts->not_after, &to) != ACME_OK || from >= to)
        return "its dates make no sense";
    if (have_now && from > now + (int64_t)skew_s)
        return "it is not yet valid";
    if (have_now && now >= to)
        return "it has expired";
    return NULL;
}

static bool cert_same(struct acme_slice a, struct acme_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* below: how many certificates stand between issuer and leaf. */
static const char *cert_link_broken(const struct cert_view *child, const struct cert_view *issuer,
                                    size_t below)
{
    struct acme_hash h;
    uint8_t digest[64];

    if (!cert_same(child->parts.issuer, issuer->parts.subject))
        return "the next one is not its issuer";
    if (!issuer->may_sign)
        return "the next one may not sign certificates";
    if (issuer->path_len != CERT_NO_PATH && below > issuer->path_len)
        return "the chain is longer than the next one allows";
    if (child->digest_size == 0 || acme_hash_start(&h, child->digest_size) != ACME_OK)
        return "it is signed in a way that is not supported";
    if (acme_hash_add(&h, child->parts.tbs.ptr, child->parts.tbs.len) != ACME_OK ||
        acme_hash_end(&h, digest) != ACME_OK ||
        acme_verify(issuer->parts.spki, child->rsa, digest, child->digest_size,
                    child->parts.signature) != ACME_OK)
        return "its signature is wrong";
    return NULL;
}

static const char *cert_twice(const struct acme_chain *chain, size_t nth)
{
    for (size_t i = 0; i < nth; i++) {
        if (cert_same(acme_chain_at(chain, i), acme_chain_at(chain, nth)))
            return "it is in the chain twice";
    }
    return NULL;
}

static const char *cert_leaf_wrong(const struct cert_view *leaf, const struct acme_key *key,
                                   const char *const *names, size_t count)
{
    const char *why = key != NULL ? cert_key_differs(&leaf->parts, key) : NULL;

    if (why == NULL && count > ACME_MAX_NAMES)
        why = "more names were asked for than the bound allows";
    return why != NULL ? why : cert_names_differ(&leaf->parts, names, count);
}

int acme_cert_check(const struct acme_chain *chain, const struct acme_key *key,
                    const char *const *names, size_t count, bool have_now, int64_t now,
                    uint32_t skew_s, struct acme_cert_verdict *verdict)
{
    struct cert_view child, issuer;
    size_t total = acme_chain_count(chain);

    verdict->nth = 0;
    verdict->why = total == 0 ? "the chain is empty or damaged" : NULL;
    if (total > 0 && !cert_read(acme_chain_at(chain, 0), &child))
        verdict->why = "it is not a valid certificate";
    if (verdict->why == NULL)
        verdict->why = cert_leaf_wrong(&child, key, names, count);
    if (verdict->why == NULL)
        verdict->why = cert_dates_wrong(&child.parts, have_now, now, skew_s);
    for (size_t i = 1; i < total && verdict->why == NULL; i++) {
        verdict->nth = i;
        if (!cert_read(acme_chain_at(chain, i), &issuer)) {
            verdict->why = "it is not a valid certificate";
            break;
        }
        verdict->why = cert_twice(chain, i);
        if (verdict->why != NULL)
            break;
        verdict->why = cert_link_broken(&child, &issuer, i - 1);
        if (verdict->why != NULL)
            verdict->nth = i - 1;
        child = issuer;
    }
    return verdict->why == NULL ? ACME_OK : ACME_E_CERT;
}
