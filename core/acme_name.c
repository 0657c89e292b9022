/* acme_name.c - identifiers: DNS names as A-labels, wildcards, IPv4 and IPv6 literals */
#include "acme_name.h"

#include <string.h>

#include "acme_err.h"

#define NAME_LABEL_MAX 63 /* RFC 1035 2.3.4 */

static bool name_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t name_lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') ? (uint8_t)(c | 0x20) : c;
}

/* 0..15, or 16 for a stranger. */
static unsigned name_hex(uint8_t c)
{
    c = name_lower(c);
    if (name_digit(c)) {
        return c - (unsigned)'0';
    }
    return (c >= 'a' && c <= 'f') ? c - (unsigned)'a' + 10 : 16;
}

static bool name_has(struct acme_slice s, char c)
{
    return s.len > 0 && memchr(s.ptr, c, s.len) != NULL;
}

/* ---- IP addresses ---- */

/* Four numbers 0..255. No leading zeros: some systems read those as octal. */
static bool name_ipv4(struct acme_slice s, uint8_t *out)
{
    size_t at = 0, part;

    for (part = 0; part < 4; part++) {
        size_t start = at;
        unsigned value = 0;

        while (at < s.len && at - start < 3 && name_digit(s.ptr[at])) {
            value = value * 10 + (s.ptr[at++] - (unsigned)'0');
        }
        if (at == start || value > 255 || (s.ptr[start] == '0' && at - start > 1)) {
            return false;
        }
        out[part] = (uint8_t)value;
        if (part < 3 && (at == s.len || s.ptr[at++] != '.')) {
            return false;
        }
    }
    return at == s.len;
}

/* One group of s at *at into out: 2 bytes, or 4 when the rest is an IPv4 address, or 0. */
static size_t name_group(struct acme_slice s, size_t *at, uint8_t *out, size_t room)
{
    size_t start = *at;
    unsigned value = 0;

    while (*at < s.len && *at - start < 4 && name_hex(s.ptr[*at]) < 16) {
        value = (value << 4) | name_hex(s.ptr[(*at)++]);
    }
    if (*at < s.len && s.ptr[*at] == '.') {
        *at = s.len;
        return room >= 4 && name_ipv4(acme_slice_of(s.ptr + start, s.len - start), out) ? 4 : 0;
    }
    if (*at == start || room < 2) {
        return 0;
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return 2;
}

/* RFC 4291 2.2: eight groups, one run of zeros as "::", the last two groups as IPv4. */
static bool name_ipv6(struct acme_slice s, uint8_t out[16])
{
    bool gap = s.len >= 2 && s.ptr[0] == ':' && s.ptr[1] == ':';
    size_t at = gap ? 2 : 0;
    size_t n = 0, gap_at = 0;

    memset(out, 0, 16);
    while (at < s.len) {
        size_t got = name_group(s, &at, out + n, 16 - n);

        if (got == 0) {
            return false;
        }
        n += got;
        if (at == s.len) {
            break;
        }
        if (s.ptr[at++] != ':' || at == s.len) {
            return false;
        }
        if (s.ptr[at] == ':') {
            if (gap) {
                return false;
            }
            gap = true;
            gap_at = n;
            at++;
        }
    }
    if (!gap) {
        return n == 16;
    }
    if (n > 14) {
        return false; /* "::" stands for one group at least */
    }
    memmove(out + 16 - (n - gap_at), out + gap_at, n - gap_at);
    memset(out + gap_at, 0, 16 - n);
    return true;
}

static void name_put_ipv4(struct acme_buf *b, const uint8_t *ip)
{
    size_t i;

    for (i = 0; i < 4; i++) {
        if (i > 0) {
            acme_buf_char(b, '.');
        }
        acme_buf_dec(b, ip[i]);
    }
}

/* Hexadecimal without leading zeros. */
static void name_put_group(struct acme_buf *b, const uint8_t *two)
{
    unsigned value = ((unsigned)two[0] << 8) | two[1];
    int shift;

    for (shift = 12; shift >= 0; shift -= 4) {
        if (shift == 0 || value >> shift != 0) {
            acme_buf_char(b, "0123456789abcdef"[(value >> shift) & 15]);
        }
    }
}

/* RFC 5952 4: lower case, the first longest run of two zero groups or more as "::". */
static void name_put_ipv6(struct acme_buf *b, const uint8_t *ip)
{
    size_t best = 8, best_len = 1, i, run = 0;

    for (i = 0; i < 8; i++) {
        run = (ip[2 * i] | ip[2 * i + 1]) == 0 ? run + 1 : 0;
        if (run > best_len) {
            best_len = run;
            best = i + 1 - run;
        }
    }
    for (i = 0; i < 8; i++) {
        if (i == best) {
            acme_buf_text(b, "::");
            i += best_len - 1;
            continue;
        }
        if (i > 0 && i != best + best_len) {
            acme_buf_char(b, ':');
        }
        name_put_group(b, ip + 2 * i);
    }
}

int acme_name_ip_text(const uint8_t *bytes, size_t len, char out[46])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct acme_buf b;

    acme_buf_init(&b, out, 46);
    if (len == 4) {
        name_put_ipv4(&b, bytes);
    } else if (len != 16) {
        out[0] = '\0';
        return ACME_E_NAME;
    } else if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        acme_buf_text(&b, "::ffff:"); /* RFC 5952 5 */
        name_put_ipv4(&b, bytes + 12);
    } else {
        name_put_ipv6(&b, bytes);
    }
    return acme_buf_end(&b) ? ACME_OK : ACME_E_NAME;
}

/* ---- DNS names: NULL, or why not ---- */

static const char *name_label(struct acme_slice label)
{
    size_t i;

    if (label.len == 0) {
        return "a label is empty";
    }
    for (i = 0; i < label.len; i++) {
        uint8_t c = name_lower(label.ptr[i]);

        if (c >= 0x80) {
            return "a letter is not ASCII: give the A-label (\"xn--...\") of the name";
        }
        if (c == '*') {
            return "a wildcard is only allowed as the whole first label";
        }
        if (!name_digit(c) && !(c >= 'a' && c <= 'z') && c != '-') {
            return "only letters, digits, hyphens and dots are allowed";
        }
    }
    if (label.len > NAME_LABEL_MAX) {
        return "a label is longer than 63 characters";
    }
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') {
        return "a label begins or ends with a hyphen";
    }
    if (label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-' &&
        !acme_slice_is_nocase(acme_slice_of(label.ptr, 4), "xn--")) {
        return "a label with hyphens in places 3 and 4 must begin with \"xn--\"";
    }
    return NULL;
}

/* A number where the top-level domain should be makes some resolvers read an IPv4 address, in
 * any of the forms of inet_aton: "1.2", "0x7f000001". */
static bool name_is_number(struct acme_slice label)
{
    bool hex = label.len >= 2 && label.ptr[0] == '0' && name_lower(label.ptr[1]) == 'x';
    size_t i;

    for (i = hex ? 2 : 0; i < label.len; i++) {
        if (hex ? name_hex(label.ptr[i]) > 15 : !name_digit(label.ptr[i])) {
            return false;
        }
    }
    return true;
}

static const char *name_dns(struct acme_slice s, size_t labels_min)
{
    struct acme_slice label = {NULL, 0};
    size_t start = 0, labels = 0, at;

    if (s.len > ACME_MAX_NAME) {
        return "a name is longer than 253 characters";
    }
    if (s.len > 1 && s.ptr[s.len - 1] == '.') {
        return "a final dot is not allowed";
    }
    for (at = 0; at <= s.len; at++) {
        if (at == s.len || s.ptr[at] == '.') {
            const char *why;

            label = acme_slice_of(s.ptr + start, at - start);
            why = name_label(label);
            if (why != NULL) {
                return why;
            }
            labels++;
            start = at + 1;
        }
    }
    if (name_is_number(label)) {
        return "the last label is a number";
    }
    return labels < labels_min ? "a name has two labels at least" : NULL;
}

/* Why a text with ':' or '/' is no IPv6 address. */
static const char *name_not_ipv6(struct acme_slice s)
{
    const uint8_t *colon;

    if (name_has(s, '/')) {
        return "a name or address is wanted, not a URL or a network";
    }
    if (name_has(s, '[')) {
        return "an IP address is given without brackets and port";
    }
    if (name_has(s, '%')) {
        return "an IP address is given without a zone";
    }
    colon = memchr(s.ptr, ':', s.len);
    if (!name_has(acme_slice_of(colon + 1, s.len - (size_t)(colon + 1 - s.ptr)), ':')) {
        return "a name or address is given without a port";
    }
    return "not a valid IPv6 address";
}

static bool name_like_ipv4(struct acme_slice s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (!name_digit(s.ptr[i]) && s.ptr[i] != '.') {
            return false;
        }
    }
    return name_digit(s.ptr[0]);
}

/* Fills type, wildcard, ip_len and ip; the text is the caller's. */
static const char *name_read(struct acme_slice s, struct acme_name *out)
{
    memset(out, 0, sizeof *out);
    if (s.len == 0) {
        return "the name is empty";
    }
    out->type = ACME_ID_IP;
    if (name_has(s, ':') || name_has(s, '/')) {
        out->ip_len = 16;
        return name_ipv6(s, out->ip) ? NULL : name_not_ipv6(s);
    }
    if (name_like_ipv4(s)) {
        out->ip_len = 4;
        return name_ipv4(s, out->ip) ? NULL : "not a valid IPv4 address";
    }
    out->type = ACME_ID_DNS;
    out->wildcard = s.len >= 2 && s.ptr[0] == '*' && s.ptr[1] == '.';
    if (out->wildcard) {
        if (s.len > ACME_MAX_NAME) {
            return "a name is longer than 253 characters";
        }
        return name_dns(acme_slice_of(s.ptr + 2, s.len - 2), 2);
    }
    return name_dns(s, 2);
}

int acme_name_read(struct acme_slice text, struct acme_name *out, const char **why)
{
    const char *reason = name_read(text, out);
    size_t i;

    if (why != NULL) {
        *why = reason;
    }
    if (reason != NULL) {
        memset(out, 0, sizeof *out);
        return ACME_E_NAME;
    }
    if (out->type == ACME_ID_IP) {
        return acme_name_ip_text(out->ip, out->ip_len, out->text);
    }
    for (i = 0; i < text.len; i++) {
        out->text[i] = (char)name_lower(text.ptr[i]);
    }
    return ACME_OK;
}

int acme_name_host(struct acme_slice text)
{
    uint8_t ip[16];

    if (name_ipv4(text, ip) || name_ipv6(text, ip)) {
        return ACME_ID_IP;
    }
    return name_dns(text, 1) == NULL ? ACME_ID_DNS : 0;
}

const char *acme_name_base(const struct acme_name *name)
{
    return name->text + (name->wildcard ? 2 : 0);
}

bool acme_token_ok(struct acme_slice token)
{
    size_t i;

    if (token.len < 22 || token.len > ACME_MAX_TOKEN) {
        return false;
    }
    for (i = 0; i < token.len; i++) {
        uint8_t c = token.ptr[i];
        uint8_t lower = name_lower(c);

        if (!name_digit(c) && !(lower >= 'a' && lower <= 'z') && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}

void acme_name_reverse(const uint8_t *bytes, size_t len, char out[ACME_REVERSE_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    struct acme_buf b;

    acme_buf_init(&b, out, ACME_REVERSE_TEXT);
    for (size_t i = len; i-- > 0;) {
        if (len == 4) {
            acme_buf_dec(&b, bytes[i]);
        } else {
            acme_buf_char(&b, hex[bytes[i] & 15]);
            acme_buf_char(&b, '.');
            acme_buf_char(&b, hex[bytes[i] >> 4]);
        }
        acme_buf_char(&b, '.');
    }
    acme_buf_text(&b, len == 4 ? "in-addr.arpa" : "ip6.arpa");
    (void)acme_buf_end(&b);
}

bool acme_key_authorization_ok(const char *token, const char *text)
{
    const size_t thumbprint = 43; /* base64url of SHA-256 */
    size_t len = strlen(token);

    return acme_token_ok(acme_slice_of(token, len)) && strlen(text) == len + 1 + thumbprint &&
           memcmp(text, token, len) == 0 && text[len] == '.' &&
           acme_token_ok(acme_slice_text(text + len + 1));
}
