/* acme_url.c - https URLs of the CA: taken apart, and allowed or not */
#include "acme_url.h"

#include <string.h>

#include "acme_config.h"
#include "acme_err.h"
#include "acme_name.h"

#define URL_SCHEME     "https://"
#define URL_SCHEME_LEN (sizeof URL_SCHEME - 1)

static struct acme_slice url_rest(struct acme_slice s, size_t from)
{
    return acme_slice_of(s.ptr + from, s.len - from);
}

/* Where c stands in s, or s.len. */
static size_t url_find(struct acme_slice s, char c)
{
    const uint8_t *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

    return at != NULL ? (size_t)(at - s.ptr) : s.len;
}

/* What no URL of ours may hold: it goes into a request line and into a JWS as it is. */
static bool url_chars_ok(struct acme_slice s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f || strchr("\"\\<>#", s.ptr[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* Nothing, or ":1" to ":65535". */
static bool url_port(struct acme_slice s, uint16_t *port)
{
    uint32_t value = 0;
    size_t i;

    *port = 443;
    if (s.len == 0) {
        return true;
    }
    if (s.ptr[0] != ':' || s.len < 2 || s.len > 6) {
        return false;
    }
    for (i = 1; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(s.ptr[i] - '0');
    }
    *port = (uint16_t)value;
    return value >= 1 && value <= 65535;
}

int acme_url_read(struct acme_slice text, struct acme_url *out)
{
    struct acme_slice rest, port;

    memset(out, 0, sizeof *out);
    if (text.len > ACME_MAX_URL) {
        return ACME_E_SIZE;
    }
    if (text.len <= URL_SCHEME_LEN || !url_chars_ok(text) ||
        !acme_slice_is_nocase(acme_slice_of(text.ptr, URL_SCHEME_LEN), URL_SCHEME)) {
        return ACME_E_URL;
    }
    rest = url_rest(text, URL_SCHEME_LEN);
    out->authority = acme_slice_of(rest.ptr, url_find(rest, '/'));
    out->path = url_rest(rest, out->authority.len);
    if (out->authority.len > 0 && out->authority.ptr[0] == '[') {
        size_t close = url_find(out->authority, ']');

        if (close == out->authority.len) {
            return ACME_E_URL;
        }
        out->host = acme_slice_of(out->authority.ptr + 1, close - 1);
        port = url_rest(out->authority, close + 1);
        if (url_find(out->host, ':') == out->host.len) {
            return ACME_E_URL; /* brackets are for IPv6 */
        }
    } else {
        out->host = acme_slice_of(out->authority.ptr, url_find(out->authority, ':'));
        port = url_rest(out->authority, out->host.len);
    }
    switch (acme_name_host(out->host)) {
    case ACME_ID_DNS:
        break;
    case ACME_ID_IP:
        out->ip_literal = true;
        break;
    default:
        return ACME_E_URL;
    }
    return url_port(port, &out->port) ? ACME_OK : ACME_E_URL;
}

static uint8_t url_lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') ? (uint8_t)(c | 0x20) : c;
}

static bool url_same_host(const struct acme_url *a, const struct acme_url *b)
{
    size_t i;

    if (a->host.len != b->host.len) {
        return false;
    }
    for (i = 0; i < a->host.len; i++) {
        if (url_lower(a->host.ptr[i]) != url_lower(b->host.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool acme_url_same_origin(const struct acme_url *a, const struct acme_url *b)
{
    return a->port == b->port && url_same_host(a, b);
}

static bool url_below(struct acme_slice host, const char *domain)
{
    size_t len = strlen(domain);

    return host.len >= len && acme_slice_is_nocase(url_rest(host, host.len - len), domain);
}

bool acme_url_allowed(const struct acme_url *directory, const struct acme_url *url, bool any_host)
{
    if (any_host || url_same_host(directory, url)) {
        return true;
    }
    /* One label is a machine of the local network (or "localhost"); ".local" is mDNS. */
    return !url->ip_literal && url_find(url->host, '.') < url->host.len &&
           !url_below(url->host, ".localhost") && !url_below(url->host, ".local");
}
