/* May this CA issue for this name? */
#include "caa.h"

#include <string.h>

enum { CAA_FLAG_CRITICAL = 128 };

struct property {
    uint8_t flags;
    struct acme_slice tag, value;
};

/* flags, length of the tag, tag (letters and digits), value (RFC 8659 4.1). */
static bool read_property(struct acme_slice data, struct property *p)
{
    if (data.len < 2 || data.ptr[1] == 0 || data.ptr[1] > data.len - 2)
        return false;
    p->flags = data.ptr[0];
    p->tag = acme_slice_of(data.ptr + 2, data.ptr[1]);
    p->value = acme_slice_of(data.ptr + 2 + data.ptr[1], data.len - 2 - data.ptr[1]);
    for (size_t i = 0; i < p->tag.len; i++) {
        uint8_t c = p->tag.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct acme_slice trim(struct acme_slice s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* What stands before `end`; the rest is behind it. */
static struct acme_slice cut(struct acme_slice *rest, char end)
{
    const uint8_t *found = rest->len > 0 ? memchr(rest->ptr, end, rest->len) : NULL;
    struct acme_slice s = *rest;

    if (found == NULL) {
        rest->len = 0;
        return s;
    }
    s.len = (size_t)(found - s.ptr);
    rest->len -= s.len + 1;
    rest->ptr = found + 1;
    return s;
}

static bool has_method(struct acme_slice list, const char *method)
{
    while (list.len > 0) {
        if (acme_slice_is(trim(cut(&list, ',')), method))
            return true;
    }
    return false;
}

/* A parameter twice, or not of the form name=value, cannot be met (RFC 8657 3). */
static enum caa_verdict judge_parameters(struct acme_slice rest, const struct caa_asker *asker)
{
    enum caa_verdict verdict = CAA_ALLOWED;
    bool account = false, method = false, other_method = false;

    while (rest.len > 0) {
        struct acme_slice value = trim(cut(&rest, ';')), name;
        if (value.len == 0)
            continue;
        if (memchr(value.ptr, '=', value.len) == NULL)
            return CAA_OTHER_CA;
        name = trim(cut(&value, '='));
        value = trim(value);
        if (acme_slice_is_nocase(name, "accounturi")) {
            if (account || asker->account[0] == '\0')
                verdict = account ? CAA_OTHER_ACCOUNT : CAA_ALLOWED_IF;
            else if (!acme_slice_is(value, asker->account))
                verdict = CAA_OTHER_ACCOUNT;
            account = true;
        } else if (acme_slice_is_nocase(name, "validationmethods")) {
            other_method |= method || !has_method(value, asker->method);
            method = true;
        }
    }
    return other_method && verdict <= CAA_ALLOWED_IF ? CAA_OTHER_METHOD : verdict;
}

static enum caa_verdict judge_issuer(struct acme_slice value, const struct caa_asker *asker)
{
    struct acme_slice issuer = trim(cut(&value, ';'));

    for (size_t i = 0; issuer.len > 0 && i < asker->count; i++) {
        if (acme_slice_is_nocase(issuer, asker->identities[i]))
            return judge_parameters(value, asker);
    }
    return CAA_OTHER_CA;
}

static bool is_known(struct acme_slice tag)
{
    static const char *const known[] = {"issue",     "issuewild",    "iodef",
                                        "issuemail", "contactemail", "contactphone"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (acme_slice_is_nocase(tag, known[i]))
            return true;
    }
    return false;
}

enum caa_verdict caa_judge(const struct acme_slice *records, size_t count,
                           const struct caa_asker *asker)
{
    enum caa_verdict best = CAA_OTHER_CA, one;
    const char *tag = "issue";
    bool about = false;
    struct property p;

    if (count > CAA_RECORDS)
        return CAA_BROKEN;
    for (size_t i = 0; i < count; i++) {
        if (!read_property(records[i], &p))
            return CAA_BROKEN;
        if (!is_known(p.tag) && (p.flags & CAA_FLAG_CRITICAL) != 0)
            return CAA_CRITICAL;
        if (asker->wildcard && acme_slice_is_nocase(p.tag, "issuewild"))
            tag = "issuewild"; /* goes before issue, for wildcards */
    }
    for (size_t i = 0; i < count; i++) {
        (void)read_property(records[i], &p);
        if (!acme_slice_is_nocase(p.tag, tag))
            continue;
        about = true;
        one = judge_issuer(p.value, asker);
        if (one < best)
            best = one;
    }
    return about ? best : CAA_ALLOWED;
}

void caa_issuers(struct acme_buf *out, const struct acme_slice *records, size_t count)
{
    struct property p;
    bool more = false;

    for (size_t i = 0; i < count; i++) {
        if (!read_property(records[i], &p) ||
            !(acme_slice_is_nocase(p.tag, "issue") || acme_slice_is_nocase(p.tag, "issuewild")))
            continue;
        acme_buf_text(out, more ? ", " : "");
        more = true;
        for (size_t k = 0; k < p.value.len; k++) {
            uint8_t c = p.value.ptr[k];
            acme_buf_char(out, c >= ' ' && c < 127 ? (char)c : '?');
        }
    }
}
