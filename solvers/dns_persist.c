/* dns_persist.c - the TXT record of dns-persist-01: written, judged */
#include "dns_persist.h"

#include <string.h>

#include "acme_err.h"

#define DP_TAGS 16 /* parameters in a record; one with more is none of ours */

bool dns_persist_issuer_ok(const char *issuer)
{
    size_t label = 0, len = strlen(issuer);

    for (size_t i = 0; i < len; i++) {
        char c = issuer[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c == '.' ? label == 0 || issuer[i - 1] == '-' : !plain && (c != '-' || label == 0))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0 && len <= 253 && issuer[len - 1] != '-';
}

/* 0x21 to 0x7E but ";" (RFC 8659 4.2); of ours also without what a zone's file would change. */
static bool dp_value_ok(struct acme_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < 0x21 || value.ptr[i] > 0x7e || value.ptr[i] == ';')
            return false;
    }
    return true;
}

int dns_persist_write(const struct dns_persist_want *want, char *out, size_t room)
{
    struct acme_slice url = acme_slice_text(want->account_url);
    struct acme_buf b;

    if (url.len == 0 || !dp_value_ok(url) || memchr(url.ptr, '"', url.len) != NULL ||
        memchr(url.ptr, '\\', url.len) != NULL)
        return ACME_E_URL;
    acme_buf_init(&b, out, room);
    acme_buf_text(&b, want->issuer);
    acme_buf_text(&b, "; accounturi=");
    acme_buf_text(&b, want->account_url);
    acme_buf_text(&b, want->wildcard ? "; policy=wildcard" : "");
    if (want->until > 0) {
        acme_buf_text(&b, "; persistUntil=");
        acme_buf_dec(&b, (uint64_t)want->until);
    }
    return acme_buf_end(&b) ? ACME_OK : ACME_E_SIZE;
}

/* -- reading -- */

static struct acme_slice dp_trim(struct acme_slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = acme_slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* What is before the first c, trimmed; *s becomes what is behind it. False: there is no c. */
static bool dp_cut(struct acme_slice *s, char c, struct acme_slice *piece)
{
    const uint8_t *at = s->len > 0 ? memchr(s->ptr, c, s->len) : NULL;

    *piece = dp_trim(at != NULL ? acme_slice_of(s->ptr, (size_t)(at - s->ptr)) : *s);
    *s = at != NULL ? acme_slice_of(at + 1, s->len - (size_t)(at - s->ptr) - 1)
                    : acme_slice_of(NULL, 0);
    return at != NULL;
}

static bool dp_same_tag(struct acme_slice a, struct acme_slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t x = a.ptr[i], y = b.ptr[i];
        x = x >= 'A' && x <= 'Z' ? (uint8_t)(x + 32) : x;
        y = y >= 'A' && y <= 'Z' ? (uint8_t)(y + 32) : y;
        if (x != y)
            return false;
    }
    return true;
}

/* Seconds since 1970; one before it is past. More than 18 digits are no time. */
static bool dp_number(struct acme_slice value, int64_t *out)
{
    bool minus = value.len > 1 && value.ptr[0] == '-';
    int64_t n = 0;

    if (minus)
        value = acme_slice_of(value.ptr + 1, value.len - 1);
    if (value.len == 0 || value.len > 18)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
        n = n * 10 + (value.ptr[i] - '0');
    }
    *out = minus ? -n : n;
    return true;
}

struct dp_facts {
    struct acme_slice account;
    bool wildcard, limited;
    int64_t until;
};

/* The parameters behind the issuer. False: the grammar is broken. */
static bool dp_parameters(struct acme_slice rest, struct dp_facts *facts)
{
    struct acme_slice tags[DP_TAGS], piece, tag, value;
    bool more = true;

    for (size_t n = 0; more; n++) {
        more = dp_cut(&rest, ';', &piece);
        if (n == DP_TAGS || !dp_cut(&piece, '=', &tag) || tag.len == 0)
            return false;
        value = dp_trim(piece);
        if (!dp_value_ok(value))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (dp_same_tag(tags[i], tag))
                return false;
        }
        tags[n] = tag;
        if (acme_slice_is_nocase(tag, "accounturi")) {
            if (value.len == 0)
                return false;
            facts->account = value;
        } else if (acme_slice_is_nocase(tag, "policy")) {
            facts->wildcard = acme_slice_is_nocase(value, "wildcard");
        } else if (acme_slice_is_nocase(tag, "persistUntil")) {
            facts->limited = true;
            if (!dp_number(value, &facts->until))
                return false;
        }
    }
    return true;
}

enum dns_persist_verdict dns_persist_judge(struct acme_slice text,
                                           const struct dns_persist_want *want, int64_t now,
                                           int64_t *until)
{
    struct dp_facts facts = {{NULL, 0}, false, false, 0};
    struct acme_slice issuer;
    bool more = dp_cut(&text, ';', &issuer);

    if (until != NULL)
        *until = 0;
    if (!acme_slice_is(issuer, want->issuer))
        return DNS_PERSIST_ABSENT;
    if ((more && !dp_parameters(text, &facts)) || facts.account.len == 0)
        return DNS_PERSIST_BROKEN;
    if (!acme_slice_is(facts.account, want->account_url))
        return DNS_PERSIST_OTHER_ACCOUNT;
    if (want->wildcard && !facts.wildcard)
        return DNS_PERSIST_NO_WILDCARD;
    if (until != NULL && facts.limited)
        *until = facts.until;
    return facts.limited && now > facts.until ? DNS_PERSIST_EXPIRED : DNS_PERSIST_GOOD;
}

const char *dns_persist_words(enum dns_persist_verdict verdict)
{
    static const char *const words[] = {
        "no record for this CA is published",           "the record for this CA is broken",
        "the record for this CA is of another account", "the record has no policy=wildcard",
        "the record is past its persistUntil",          "",
    };

    return words[verdict];
}
