/* fuzz_text.c - the small grammars: times, URLs, names, tokens, base64, what we write
 *
 * Input: which one, then its text.
 */
#include "acme_b64.h"
#include "acme_http.h"
#include "acme_json.h"
#include "acme_name.h"
#include "acme_time.h"
#include "acme_url.h"
#include "fuzz.h"

#define YEAR_9999 INT64_C(253402300799)

static void check_clock(int64_t seconds)
{
    char text[ACME_TIME_TEXT];
    struct acme_date date;
    int64_t again;

    FUZZ_CHECK(seconds >= 0 && seconds <= YEAR_9999);
    acme_time_to_date(seconds, &date);
    FUZZ_CHECK(acme_time_from_date(&date) == seconds);
    acme_time_text(seconds, text);
    FUZZ_CHECK(strlen(text) == ACME_TIME_TEXT - 1);
    FUZZ_CHECK(acme_time_rfc3339(acme_slice_text(text), &again) == ACME_OK && again == seconds);
}

static void check_time(struct acme_slice text, int (*read)(struct acme_slice, int64_t *))
{
    int64_t seconds = -1;
    int err = read(text, &seconds);

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_REPLY);
    if (err == ACME_OK)
        check_clock(seconds);
}

static void check_retry_after(struct acme_slice text)
{
    struct fuzz_in in = {text.ptr, text.len};
    uint8_t flags = fuzz_byte(&in);
    struct acme_slice date = fuzz_take(&in, flags & 2 ? 29 : 0);
    struct acme_slice value = fuzz_rest(&in);
    int64_t now = flags & 4 ? INT64_C(4000000000) : 1795000000;
    uint32_t seconds = 0;
    int err = acme_time_retry_after(value, flags & 1, now, date, &seconds);

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_REPLY);
    FUZZ_CHECK(err != ACME_OK || seconds <= 31536000);
}

/* A request made with a URL that was let through is one request, for that host and path alone. */
static void check_request(const struct acme_url *url)
{
    static uint8_t room[ACME_MAX_URL * 2 + 1024];
    struct acme_http_request request = {.method = "GET", .url = url};
    struct acme_http_asked asked;
    struct acme_buf b;

    acme_buf_init(&b, room, sizeof room);
    acme_http_write_request(&b, &request);
    FUZZ_CHECK(!b.overflow);
    FUZZ_CHECK(acme_http_read_request(acme_buf_slice(&b), 4096, sizeof room, &asked) == (int)b.len);
    FUZZ_CHECK(acme_slice_is(asked.method, "GET") && asked.has_host && !asked.has_body);
    FUZZ_CHECK(url->path.len == 0 ? acme_slice_is(asked.target, "/")
                                  : fuzz_same(asked.target, url->path));
}

static void check_url(struct acme_slice text)
{
    struct acme_url url, home;
    int err = acme_url_read(text, &url);

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_URL || err == ACME_E_SIZE);
    if (err != ACME_OK)
        return;
    FUZZ_CHECK(text.len <= ACME_MAX_URL);
    FUZZ_CHECK(fuzz_inside(url.host, text) && fuzz_inside(url.authority, text) &&
               fuzz_inside(url.path, text) && fuzz_inside(url.host, url.authority));
    FUZZ_CHECK(url.host.len > 0 && url.port > 0);
    FUZZ_CHECK(acme_name_host(url.host) == (url.ip_literal ? ACME_ID_IP : ACME_ID_DNS));
    FUZZ_CHECK(url.path.len == 0 || url.path.ptr[0] == '/');
    FUZZ_CHECK(8 + url.authority.len + url.path.len == text.len);
    FUZZ_CHECK(acme_url_same_origin(&url, &url) && acme_url_allowed(&url, &url, false));
    FUZZ_CHECK(acme_url_read(acme_slice_text("https://ca.example/dir"), &home) == ACME_OK);
    FUZZ_CHECK(acme_url_allowed(&home, &url, true));
    FUZZ_CHECK(!url.ip_literal || !acme_url_allowed(&home, &url, false));
    check_request(&url);
}

static void check_name(struct acme_slice text)
{
    struct acme_name name, again;
    const char *why = NULL;
    int err = acme_name_read(text, &name, &why);
    char ip[46];

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_NAME);
    FUZZ_CHECK((err == ACME_OK) == (why == NULL));
    if (err != ACME_OK) {
        static const struct acme_name zero;

        FUZZ_CHECK(memcmp(&name, &zero, sizeof name) == 0);
        (void)acme_name_host(text);
        return;
    }
    FUZZ_CHECK(acme_name_read(acme_slice_text(name.text), &again, NULL) == ACME_OK);
    FUZZ_CHECK(memcmp(&name, &again, sizeof name) == 0);
    FUZZ_CHECK(strlen(name.text) <= ACME_MAX_NAME);
    FUZZ_CHECK(name.wildcard == (strncmp(name.text, "*.", 2) == 0));
    FUZZ_CHECK(strcspn(name.text, "/\\% \t\"'$`;|&<>") == strlen(name.text));
    FUZZ_CHECK(name.type == ACME_ID_IP || strlen(name.text) == text.len);
    FUZZ_CHECK(acme_name_host(acme_slice_text(acme_name_base(&name))) == name.type);
    if (name.type == ACME_ID_IP) {
        FUZZ_CHECK(name.ip_len == 4 || name.ip_len == 16);
        FUZZ_CHECK(acme_name_ip_text(name.ip, name.ip_len, ip) == ACME_OK);
        FUZZ_CHECK(strcmp(ip, name.text) == 0);
    }
}

static void check_ip(struct acme_slice bytes)
{
    struct acme_name name;
    char text[46];
    int err = acme_name_ip_text(bytes.ptr, bytes.len, text);

    FUZZ_CHECK((err == ACME_OK) == (bytes.len == 4 || bytes.len == 16));
    if (err == ACME_OK) {
        FUZZ_CHECK(acme_name_read(acme_slice_text(text), &name, NULL) == ACME_OK);
        FUZZ_CHECK(name.ip_len == bytes.len && memcmp(name.ip, bytes.ptr, bytes.len) == 0);
    }
}

static void check_decode_url(struct acme_slice text)
{
    char *copy = fuzz_copy(text);
    uint8_t *out = fuzz_room(text.len);
    char *back = fuzz_room(text.len);
    int n = acme_b64url_decode(out, text.len, (const char *)text.ptr, text.len);
    int m = acme_b64url_decode(copy, text.len, copy, text.len); /* in place */

    FUZZ_CHECK(m == n && (n < 0 || memcmp(copy, out, (size_t)n) == 0));
    if (n >= 0) {
        FUZZ_CHECK((size_t)n <= text.len * 3 / 4);
        FUZZ_CHECK(acme_b64url_encode(back, text.len, out, (size_t)n) == (int)text.len);
        FUZZ_CHECK(text.len == 0 || memcmp(back, text.ptr, text.len) == 0);
        FUZZ_CHECK(n == 0 || acme_b64url_decode(out, (size_t)n - 1, (const char *)text.ptr,
                                                text.len) == ACME_E_SIZE);
    }
    free(copy);
    free(out);
    free(back);
}

static void check_decode(struct acme_slice text)
{
    uint8_t *out = fuzz_room(text.len);
    size_t chars = 0, room = text.len;
    char *back = fuzz_room(room);
    int n = acme_b64_decode(out, text.len, (const char *)text.ptr, text.len);

    if (n >= 0) {
        int m = acme_b64_encode(back, room, out, (size_t)n);

        for (size_t i = 0; i < text.len; i++) {
            if (strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != 0)
                continue;
            FUZZ_CHECK(m > (int)chars && back[chars] == (char)text.ptr[i]);
            chars++;
        }
        FUZZ_CHECK(m == (int)chars);
    }
    free(out);
    free(back);
}

static void check_encode(struct acme_slice bytes)
{
    size_t room = ACME_B64URL_LEN(bytes.len);
    char *text = fuzz_room(room);
    uint8_t *back = fuzz_room(bytes.len);

    FUZZ_CHECK(acme_b64url_encode(text, room, bytes.ptr, bytes.len) == (int)room);
    FUZZ_CHECK(acme_b64url_decode(back, bytes.len, text, room) == (int)bytes.len);
    FUZZ_CHECK(fuzz_same(bytes, acme_slice_of(back, bytes.len)));
    FUZZ_CHECK(room == 0 ||
               acme_b64url_encode(text, room - 1, bytes.ptr, bytes.len) == ACME_E_SIZE);
    free(text);
    free(back);
}

/* What is written as JSON is read as what it was, or was no text. */
static void check_json(struct acme_slice text)
{
    size_t room = text.len * 6 + 2;
    uint8_t *out = fuzz_room(room), *arena = fuzz_room(room + 256);
    const struct acme_json *root;
    struct acme_buf b;

    acme_buf_init(&b, out, room);
    acme_buf_json(&b, text);
    FUZZ_CHECK(!b.overflow);
    if (acme_json_parse(acme_buf_slice(&b), (struct acme_span){arena, room + 256}, &root) ==
        ACME_OK) {
        FUZZ_CHECK(fuzz_same(acme_slice_text(acme_json_text(root)), text));
    } else {
        bool ascii = true;

        for (size_t i = 0; i < text.len; i++)
            ascii = ascii && text.ptr[i] > 0 && text.ptr[i] < 0x80;
        FUZZ_CHECK(!ascii);
    }
    free(out);
    free(arena);
}

static void check_token(struct acme_slice text)
{
    bool ok = text.len >= 22 && text.len <= ACME_MAX_TOKEN;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i], lower = c | 0x20;

        ok = ok &&
             ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_');
    }
    FUZZ_CHECK(acme_token_ok(text) == ok);
}

static void check_link(struct acme_slice text)
{
    struct acme_http_head head = {.fields = text};
    struct acme_slice target;

    for (size_t nth = 0; acme_http_link(&head, "up", nth, &target); nth++)
        FUZZ_CHECK(fuzz_inside(target, text) && nth < text.len);
}

/* A field value becomes one line of a head; line ends in it would make it others. */
static void check_link_value(struct acme_slice value)
{
    size_t len = value.len + 8;
    uint8_t *line = fuzz_room(len);

    memcpy(line, "Link: ", 6);
    for (size_t i = 0; i < value.len; i++)
        line[6 + i] = value.ptr[i] == '\n' || value.ptr[i] == '\r' ? ' ' : value.ptr[i];
    memcpy(line + len - 2, "\r\n", 2);
    check_link(acme_slice_of(line, len));
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    uint8_t which = fuzz_byte(&in);
    struct acme_slice text = fuzz_rest(&in);

    switch (which % 13) {
    case 0:
        check_time(text, acme_time_rfc3339);
        break;
    case 1:
        check_time(text, acme_time_http);
        break;
    case 2:
        check_time(text, acme_time_asn1);
        break;
    case 3:
        check_retry_after(text);
        break;
    case 4:
        check_url(text);
        break;
    case 5:
        check_name(text);
        break;
    case 6:
        check_ip(text);
        break;
    case 7:
        check_decode_url(text);
        break;
    case 8:
        check_decode(text);
        break;
    case 9:
        check_encode(text);
        break;
    case 10:
        check_json(text);
        break;
    case 11:
        check_token(text);
        break;
    default:
        check_link_value(text);
        break;
    }
    return 0;
}
