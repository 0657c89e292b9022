/* acme_http.c - heads of replies and requests (RFC 9112) */
#include "acme_http.h"

#include <string.h>

#include "acme_config.h"
#include "acme_err.h"

/* What the fields of a head say about its body and its connection. */
struct http_seen {
    bool has_length, chunked, close, keep_alive;
    uint16_t hosts; /* below ACME_HTTP_HEAD_MAX, so no wrap */
    uint64_t length;
};

static bool http_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool http_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 5.6.2: a field's name, a method. */
static bool http_token_ok(struct acme_slice s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        uint8_t lower = s.ptr[i] | 0x20;

        if (!(lower >= 'a' && lower <= 'z') && !http_digit(s.ptr[i]) &&
            (s.ptr[i] == 0 || strchr("!#$%&'*+-.^_`|~", s.ptr[i]) == NULL)) {
            return false;
        }
    }
    return s.len > 0;
}

static struct acme_slice http_trim(struct acme_slice s)
{
    while (s.len > 0 && http_blank(s.ptr[0])) {
        s = acme_slice_of(s.ptr + 1, s.len - 1);
    }
    while (s.len > 0 && http_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* Cuts s at the first c: what is before it; *s becomes what is after it, or empty. */
static struct acme_slice http_cut(struct acme_slice *s, char c)
{
    const uint8_t *at = s->len > 0 ? memchr(s->ptr, c, s->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - s->ptr) : s->len;
    struct acme_slice piece = acme_slice_of(s->ptr, len);

    *s = acme_slice_of(s->ptr + len, s->len - len);
    if (at != NULL) {
        *s = acme_slice_of(s->ptr + 1, s->len - 1);
    }
    return piece;
}

/* The line at `at`, without its CRLF: where the next begins, or why not. Bytes are judged in the
 * order in which they come, so that a cut-off head is never judged otherwise than the whole. */
static int http_line(struct acme_slice data, size_t at, size_t line_max, size_t head_max,
                     struct acme_slice *line)
{
    size_t i;

    for (i = at; i < data.len; i++) {
        uint8_t c = data.ptr[i];

        if (i >= head_max) {
            return ACME_E_SIZE;
        }
        if (c == '\n') {
            if (i == at || data.ptr[i - 1] != '\r') {
                return ACME_E_HTTP;
            }
            *line = acme_slice_of(data.ptr + at, i - 1 - at);
            return (int)(i + 1);
        }
        if ((i > at && data.ptr[i - 1] == '\r') || (c < 0x20 && c != '\t' && c != '\r') ||
            c == 0x7f) {
            return ACME_E_HTTP;
        }
        if (i - at >= line_max && c != '\r') {
            return ACME_E_SIZE;
        }
    }
    return ACME_AGAIN;
}

/* "name: value". No white space before the colon or the name: RFC 9112 5.1 and 5.2. */
static bool http_split(struct acme_slice line, struct acme_slice *name, struct acme_slice *value)
{
    if (line.len == 0 || memchr(line.ptr, ':', line.len) == NULL) {
        return false;
    }
    *value = line;
    *name = http_cut(value, ':');
    *value = http_trim(*value);
    return http_token_ok(*name);
}

/* Two lengths may only repeat each other; more than 2^60 is nonsense before it is an overflow. */
static bool http_note_length(struct http_seen *seen, struct acme_slice value)
{
    uint64_t length = 0;
    size_t i;

    for (i = 0; i < value.len; i++) {
        if (!http_digit(value.ptr[i]) || length >> 56 != 0) {
            return false;
        }
        length = length * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    if (value.len == 0 || (seen->has_length && seen->length != length)) {
        return false;
    }
    seen->has_length = true;
    seen->length = length;
    return true;
}

static bool http_note(struct http_seen *seen, struct acme_slice name, struct acme_slice value)
{
    if (acme_slice_is_nocase(name, "Content-Length")) {
        return http_note_length(seen, value);
    }
    if (acme_slice_is_nocase(name, "Transfer-Encoding")) {
        if (seen->chunked || !acme_slice_is_nocase(value, "chunked")) {
            return false;
        }
        seen->chunked = true;
    } else if (acme_slice_is_nocase(name, "Connection")) {
        while (value.len > 0) {
            struct acme_slice word = http_trim(http_cut(&value, ','));

            seen->close |= acme_slice_is_nocase(word, "close");
            seen->keep_alive |= acme_slice_is_nocase(word, "keep-alive");
        }
    } else if (acme_slice_is_nocase(name, "Host")) {
        seen->hosts++;
    }
    return true;
}

/* All field lines from `at` to the empty line: the count consumed of data, or why not. */
static int http_fields(struct acme_slice data, size_t at, size_t line_max, size_t head_max,
                       bool minor, struct http_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    for (;;) {
        struct acme_slice line, name, value;
        int next = http_line(data, at, line_max, head_max, &line);

        if (next < 0) {
            return next;
        }
        at = (size_t)next;
        if (line.len == 0) {
            break;
        }
        if (!http_split(line, &name, &value) || !http_note(seen, name, value)) {
            return ACME_E_HTTP;
        }
    }
    /* Who takes which of the two for true is how messages are smuggled; and HTTP/1.0 has no
     * chunks (RFC 9112 6.1, 6.3). */
    if (seen->chunked && (seen->has_length || !minor)) {
        return ACME_E_HTTP;
    }
    return (int)at;
}

/* "HTTP/1.0" or "HTTP/1.1": *minor. */
static bool http_version(struct acme_slice s, bool *minor)
{
    *minor = acme_slice_is(s, "HTTP/1.1");
    return *minor || acme_slice_is(s, "HTTP/1.0");
}

/* RFC 9112 4; the space before an empty reason phrase is often forgotten. */
static bool http_status_line(struct acme_slice line, bool *minor, uint16_t *status)
{
    struct acme_slice code;
    unsigned value = 0;
    size_t i;

    if (!http_version(http_cut(&line, ' '), minor)) {
        return false;
    }
    code = http_cut(&line, ' ');
    for (i = 0; i < code.len && i < 3 && http_digit(code.ptr[i]); i++) {
        value = value * 10 + (code.ptr[i] - (unsigned)'0');
    }
    *status = (uint16_t)value;
    return code.len == 3 && i == 3 && value >= 100 && value <= 599;
}

int acme_http_read_head(struct acme_slice data, bool head_request, struct acme_http_head *out)
{
    struct http_seen seen;
    struct acme_slice line;
    bool minor;
    int start, used;

    memset(out, 0, sizeof *out);
    start = http_line(data, 0, ACME_HTTP_LINE_MAX, ACME_HTTP_HEAD_MAX, &line);
    if (start < 0) {
        return start;
    }
    if (!http_status_line(line, &minor, &out->status)) {
        return ACME_E_HTTP;
    }
    used = http_fields(data, (size_t)start, ACME_HTTP_LINE_MAX, ACME_HTTP_HEAD_MAX, minor, &seen);
    if (used < 0) {
        return used;
    }
    out->fields = acme_slice_of(data.ptr + start, (size_t)(used - start) - 2);
    out->keep_alive = !seen.close && (minor || seen.keep_alive);
    if (head_request || out->status < 200 || out->status == 204 || out->status == 304) {
        out->framing = ACME_HTTP_NONE;
    } else if (seen.chunked) {
        out->framing = ACME_HTTP_CHUNKED;
    } else if (!seen.has_length) {
        out->framing = ACME_HTTP_CLOSE;
        out->keep_alive = false;
    } else if (seen.length > 0) {
        out->framing = ACME_HTTP_LENGTH;
        out->length = seen.length;
    }
    return used;
}

bool acme_http_field(const struct acme_http_head *head, const char *name, size_t nth,
                     struct acme_slice *value)
{
    struct acme_slice rest = head->fields;

    while (rest.len > 0) {
        struct acme_slice line = http_cut(&rest, '\n');
        struct acme_slice found;

        line.len--; /* the CR */
        if (http_split(line, &found, value) && acme_slice_is_nocase(found, name) && nth-- == 0) {
            return true;
        }
    }
    *value = acme_slice_of(NULL, 0);
    return false;
}

/* Origin form, or absolute form without its scheme and authority (RFC 9112 3.2). */
static bool http_target(struct acme_slice *target)
{
    struct acme_slice s = *target;
    size_t i, scheme = 0;

    for (i = 0; i < s.len; i++) {
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f) {
            return false;
        }
    }
    if (s.len > 7 && acme_slice_is_nocase(acme_slice_of(s.ptr, 7), "http://")) {
        scheme = 7;
    } else if (s.len > 8 && acme_slice_is_nocase(acme_slice_of(s.ptr, 8), "https://")) {
        scheme = 8;
    }
    if (scheme > 0) {
        const uint8_t *path = memchr(s.ptr + scheme, '/', s.len - scheme);

        if (path == s.ptr + scheme) {
            return false;
        }
        s = path == NULL ? acme_slice_text("/")
                         : acme_slice_of(path, s.len - (size_t)(path - s.ptr));
    }
    *target = s;
    return s.len > 0 && s.ptr[0] == '/';
}

int acme_http_read_request(struct acme_slice data, size_t line_max, size_t head_max,
                           struct acme_http_asked *out)
{
    struct http_seen seen;
    struct acme_slice line;
    bool minor;
    int start, used;

    memset(out, 0, sizeof *out);
    start = http_line(data, 0, line_max, head_max, &line);
    if (start < 0) {
        return start;
    }
    out->method = http_cut(&line, ' ');
    out->target = http_cut(&line, ' ');
    if (!http_token_ok(out->method) || !http_target(&out->target) || !http_version(line, &minor)) {
        return ACME_E_HTTP;
    }
    used = http_fields(data, (size_t)start, head_max, head_max, minor, &seen);
    if (used < 0) {
        return used;
    }
    if (seen.hosts > 1) {
        return ACME_E_HTTP; /* RFC 9112 3.2 */
    }
    out->has_body = seen.chunked || seen.length > 0;
    out->has_host = seen.hosts > 0;
    return used;
}

static void http_put_field(struct acme_buf *out, const char *name, struct acme_slice value)
{
    acme_buf_text(out, name);
    acme_buf_put(out, value.ptr, value.len);
    acme_buf_text(out, "\r\n");
}

void acme_http_write_request(struct acme_buf *out, const struct acme_http_request *request)
{
    const struct acme_url *url = request->url;

    acme_buf_text(out, request->method);
    acme_buf_char(out, ' ');
    if (url->path.len == 0) {
        acme_buf_char(out, '/');
    }
    acme_buf_put(out, url->path.ptr, url->path.len);
    http_put_field(out, " HTTP/1.1", acme_slice_text(NULL));
    http_put_field(out, "Host: ", url->authority);
    http_put_field(out, "User-Agent: ", acme_slice_text(ACME_USER_AGENT));
    http_put_field(out, "Accept: ", acme_slice_text(request->accept ? request->accept : "*/*"));
    http_put_field(out, "Accept-Language: ", acme_slice_text("en"));
    if (request->content_type != NULL) {
        http_put_field(out, "Content-Type: ", acme_slice_text(request->content_type));
        acme_buf_text(out, "Content-Length: ");
        acme_buf_dec(out, request->content_length);
        acme_buf_text(out, "\r\n");
    }
    if (request->fields.len > 0)
        acme_buf_put(out, request->fields.ptr, request->fields.len);
    acme_buf_text(out, "\r\n");
}
