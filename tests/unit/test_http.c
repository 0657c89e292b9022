/* test_http.c - heads, fields, links and chunks, good and hostile */
#include "test.h"

#include "acme_config.h"
#include "acme_err.h"
#include "acme_http.h"

#define OK11     "HTTP/1.1 200 OK\r\n"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The bytes in a block of their own, so that a sanitizer sees any read past them. */
static int http_head_exact(const char *text, size_t len, bool head, struct acme_http_head *out)
{
    char *copy = malloc(len > 0 ? len : 1);
    int got;

    CHECK(copy != NULL);
    memcpy(copy, text, len);
    got = acme_http_read_head(acme_slice_of(copy, len), head, out);
    out->fields = acme_slice_of(NULL, 0);
    free(copy);
    return got;
}

static void http_check_slice(struct acme_slice got, const char *want)
{
    char text[4096];

    CHECK(acme_copy_text(text, sizeof text, got));
    CHECK_STR(text, want);
}

static const struct http_good {
    const char *text;
    bool head;
    int status, framing, keep_alive;
    uint64_t length;
} http_good[] = {
    {OK11 "\r\n", false, 200, ACME_HTTP_CLOSE, 0, 0},
    {OK11 "Content-Length: 5\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 5},
    {OK11 "content-length:5\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 5},
    {OK11 "Content-Length: \t 0005 \t\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 5},
    {OK11 "Content-Length: 0\r\n\r\n", false, 200, ACME_HTTP_NONE, 1, 0},
    {OK11 "Content-Length: 7\r\nContent-Length: 7\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 7},
    {OK11 "Content-Length: 72057594037927936\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1,
     72057594037927936u},
    {OK11 "Content-Length: 5\r\n\r\n", true, 200, ACME_HTTP_NONE, 1, 0},
    {OK11 "Transfer-Encoding: chunked\r\n\r\n", true, 200, ACME_HTTP_NONE, 1, 0},
    {OK11 "Transfer-Encoding: chunked\r\n\r\n", false, 200, ACME_HTTP_CHUNKED, 1, 0},
    {OK11 "transfer-encoding: Chunked \r\n\r\n", false, 200, ACME_HTTP_CHUNKED, 1, 0},
    {OK11 "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n", false, 200, ACME_HTTP_CHUNKED,
     0, 0},
    {OK11 "Connection: x, Close\r\nContent-Length: 1\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 0, 1},
    {OK11 "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", false, 200,
     ACME_HTTP_LENGTH, 0, 1},
    {OK11 "Connection: closed\r\nContent-Length: 1\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 1},
    {OK11 "Connection: keep-alive\r\n\r\n", false, 200, ACME_HTTP_CLOSE, 0, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 0, 1},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\n", false, 200,
     ACME_HTTP_LENGTH, 1, 1},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 1\r\n\r\n", false, 200,
     ACME_HTTP_LENGTH, 0, 1},
    {"HTTP/1.0 200 OK\r\n\r\n", false, 200, ACME_HTTP_CLOSE, 0, 0},
    {"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 1},
    {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 1},
    {"HTTP/1.1 429 Too  Many \xe4 \t\r\nContent-Length: 1\r\n\r\n", false, 429, ACME_HTTP_LENGTH, 1,
     1},
    {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, ACME_HTTP_NONE, 1, 0},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", false, 204, ACME_HTTP_NONE, 1, 0},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, ACME_HTTP_NONE, 1, 0},
    {"HTTP/1.1 100 Continue\r\n\r\n", false, 100, ACME_HTTP_NONE, 1, 0},
    {"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", false, 103, ACME_HTTP_NONE, 1, 0},
    {"HTTP/1.1 599 x\r\nContent-Length: 2\r\n\r\n", false, 599, ACME_HTTP_LENGTH, 1, 2},
    {OK11 "X-Empty:\r\nX:  \r\n!#$%&'*+-.^_`|~09azAZ: \x80\xff\t~\r\nContent-Length: 3\r\n\r\n",
     false, 200, ACME_HTTP_LENGTH, 1, 3},
    {OK11 "Host: a\r\nHost: b\r\nContent-Length: 3\r\n\r\n", false, 200, ACME_HTTP_LENGTH, 1, 3},
};

TEST(http_heads_cut_at_every_byte)
{
    size_t i, cut;

    for (i = 0; i < COUNT(http_good); i++) {
        const struct http_good *g = &http_good[i];
        size_t len = strlen(g->text);
        struct acme_http_head head;
        char more[512];
        int extra;

        for (cut = 0; cut < len; cut++) {
            CHECK_INT(http_head_exact(g->text, cut, g->head, &head), ACME_AGAIN);
        }
        for (extra = 0; extra < 2; extra++) { /* alone, and with a body behind it */
            snprintf(more, sizeof more, "%s%s", g->text, extra > 0 ? "\n\r\x01 body" : "");
            CHECK_INT(http_head_exact(more, strlen(more), g->head, &head), len);
            CHECK_INT(head.status, g->status);
            CHECK_INT(head.framing, g->framing);
            CHECK_INT(head.keep_alive, g->keep_alive);
            CHECK_INT(head.length, g->length);
        }
    }
}

static const char *const http_bad[] = {
    "\r\n",
    "\n",
    " HTTP/1.1 200 OK\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\n\n",
    "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n",
    OK11 "Content-Length: 1\n\r\n",
    OK11 "Content-Length: 1\r\n\n",
    OK11 "Content-Length: 1\r\r\n\r\n",
    OK11 "X: a\rb\r\n\r\n",
    OK11 "X: a\n b\r\n\r\n",
    OK11 "\rX: a\r\n\r\n",
    "HTTP/1.1 200 O\rK\r\n\r\n",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    "HTTP/1.1 200 O\x7fK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 +20 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1 999 OK\r\n\r\n",
    "HTTP/1.1\t200 OK\r\n\r\n",
    "HTTP/1.1 200\tOK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/1.1 \r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "HTTP/1.01 200 OK\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "220 mail.test ESMTP\r\n",
    "SSH-2.0-x\r\n",
    "<html>\r\n",
    OK11 " X: folded\r\n\r\n",
    OK11 "X: a\r\n folded\r\n\r\n",
    OK11 "X: a\r\n\tfolded\r\n\r\n",
    OK11 "X : a\r\n\r\n",
    OK11 "X\t: a\r\n\r\n",
    OK11 ": a\r\n\r\n",
    OK11 "X\r\n\r\n",
    OK11 "X Y: a\r\n\r\n",
    OK11 "X\x80: a\r\n\r\n",
    OK11 "X(: a\r\n\r\n",
    OK11 "X@: a\r\n\r\n",
    OK11 "X[: a\r\n\r\n",
    OK11 "\"X\": a\r\n\r\n",
    OK11 "X: \x01\r\n\r\n",
    OK11 "X: \x1b[2J\r\n\r\n",
    OK11 "X: \x7f\r\n\r\n",
    OK11 "X: \v\r\n\r\n",
    OK11 "Content-Length:\r\n\r\n",
    OK11 "Content-Length: x\r\n\r\n",
    OK11 "Content-Length: -1\r\n\r\n",
    OK11 "Content-Length: +1\r\n\r\n",
    OK11 "Content-Length: 0x1\r\n\r\n",
    OK11 "Content-Length: 1 1\r\n\r\n",
    OK11 "Content-Length: 1, 1\r\n\r\n",
    OK11 "Content-Length: 1.0\r\n\r\n",
    OK11 "Content-Length: 99999999999999999999\r\n\r\n",
    OK11 "Content-Length: 18446744073709551617\r\n\r\n",
    OK11 "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    OK11 "Content-Length: 0\r\ncontent-length: 1\r\n\r\n",
    OK11 "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK11 "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    OK11 "Transfer-Encoding: gzip\r\n\r\n",
    OK11 "Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK11 "Transfer-Encoding: chunked, chunked\r\n\r\n",
    OK11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK11 "Transfer-Encoding: xchunked\r\n\r\n",
    OK11 "Transfer-Encoding: chunked;q=1\r\n\r\n",
    OK11 "Transfer-Encoding: identity\r\n\r\n",
    OK11 "Transfer-Encoding:\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
};

TEST(http_bad_heads)
{
    size_t i, cut;

    for (i = 0; i < COUNT(http_bad); i++) {
        size_t len = strlen(http_bad[i]);
        struct acme_http_head head;
        int before = ACME_AGAIN;

        for (cut = 0; cut <= len; cut++) {
            int got = http_head_exact(http_bad[i], cut, false, &head);

            CHECK(got == ACME_AGAIN || got == ACME_E_HTTP);
            CHECK(before == ACME_AGAIN || got == before); /* never taken back */
            before = got;
        }
        CHECK_STR(before == ACME_E_HTTP ? "" : http_bad[i], "");
    }
    {
        struct acme_http_head head;

        CHECK_INT(http_head_exact(OK11 "X: a\0b\r\n\r\n", 27, false, &head), ACME_E_HTTP);
        CHECK_INT(http_head_exact("HTTP/1.1 200\0 OK\r\n\r\n", 20, false, &head), ACME_E_HTTP);
        CHECK_INT(http_head_exact(OK11 "X\0: a\r\n\r\n", 26, false, &head), ACME_E_HTTP);
    }
}

TEST(http_head_bounds)
{
    static char text[20000];
    struct acme_http_head head;
    size_t n;

    /* A line of exactly ACME_HTTP_LINE_MAX characters, and one more. */
    for (n = 0; n < 2; n++) {
        size_t len = sizeof OK11 - 1;

        memcpy(text, OK11, len);
        memcpy(text + len, "X:", 2);
        memset(text + len + 2, 'a', ACME_HTTP_LINE_MAX);
        len += ACME_HTTP_LINE_MAX + n;
        memcpy(text + len, "\r\n\r\n", 4);
        CHECK_INT(http_head_exact(text, len + 4, false, &head),
                  n == 0 ? (int)len + 4 : ACME_E_SIZE);
        CHECK_INT(http_head_exact(text, len, false, &head), n == 0 ? ACME_AGAIN : ACME_E_SIZE);
    }
    /* A head of exactly ACME_HTTP_HEAD_MAX bytes, and one more. */
    for (n = 0; n < 2; n++) {
        size_t len = sizeof OK11 - 1;
        size_t left;

        memcpy(text, OK11, len);
        while (len + 200 < ACME_HTTP_HEAD_MAX) {
            memset(text + len, 'a', 100);
            memcpy(text + len + 1, ":", 1);
            memcpy(text + len + 98, "\r\n", 2);
            len += 100;
        }
        left = ACME_HTTP_HEAD_MAX - len + n;
        memset(text + len, 'b', left);
        text[len + 1] = ':';
        memcpy(text + len + left - 4, "\r\n\r\n", 4);
        len += left;
        CHECK_INT(http_head_exact(text, len, false, &head), n == 0 ? (int)len : ACME_E_SIZE);
    }
    memset(text, 'a', sizeof text); /* no line end at all */
    CHECK_INT(http_head_exact(text, sizeof text, false, &head), ACME_E_SIZE);
}

TEST(http_fields)
{
    static const char text[] =
        OK11 "Replay-Nonce: one\r\nLink: a\r\nlink:b:c \t\r\nX:\r\nY: \t \r\n"
             "LINK: d\r\nLinks: e\r\nContent-Length: 2\r\n\r\nok";
    struct acme_http_head head;
    struct acme_slice value;

    CHECK_INT(acme_http_read_head(acme_slice_of(text, sizeof text - 1), false, &head),
              sizeof text - 3);
    CHECK(acme_http_field(&head, "replay-nonce", 0, &value));
    http_check_slice(value, "one");
    CHECK(!acme_http_field(&head, "replay-nonce", 1, &value));
    CHECK_INT(value.len, 0);
    CHECK(acme_http_field(&head, "Link", 0, &value));
    http_check_slice(value, "a");
    CHECK(acme_http_field(&head, "Link", 1, &value));
    http_check_slice(value, "b:c");
    CHECK(acme_http_field(&head, "Link", 2, &value));
    http_check_slice(value, "d");
    CHECK(!acme_http_field(&head, "Link", 3, &value));
    CHECK(acme_http_field(&head, "X", 0, &value));
    CHECK_INT(value.len, 0);
    CHECK(acme_http_field(&head, "Y", 0, &value));
    CHECK_INT(value.len, 0);
    CHECK(!acme_http_field(&head, "HTTP/1.1 200 OK", 0, &value));
    CHECK(!acme_http_field(&head, "ok", 0, &value));
    CHECK(acme_http_field(&head, "Content-Length", 0, &value));
    http_check_slice(value, "2");
    CHECK_INT(acme_http_read_head(acme_slice_text(OK11 "\r\n"), false, &head), 19);
    CHECK(!acme_http_field(&head, "Link", 0, &value));
}

TEST(http_links)
{
    static const struct {
        const char *fields; /* lines */
        const char *rel;
        size_t nth;
        const char *target; /* NULL: none */
    } rows[] = {
        {"Link: <https://ca/1>;rel=\"up\"\r\n", "up", 0, "https://ca/1"},
        {"Link: <https://ca/1>; rel=up\r\n", "up", 0, "https://ca/1"},
        {"Link: <https://ca/1>; rel=up\r\n", "up", 1, NULL},
        {"Link: <https://ca/1>; rel=up\r\n", "alternate", 0, NULL},
        {"link: <a>; REL=\"UP\"\r\n", "up", 0, "a"},
        {"Link: <a>;rel=\"alternate\", <b>;rel=\"alternate\"\r\n", "alternate", 1, "b"},
        {"Link: <a>;rel=\"alternate\",<b>;rel=\"up\" , , <c>;rel=alternate\r\n", "alternate", 1,
         "c"},
        {"Link: <a>;rel=alternate\r\nX: y\r\nLink: <b>;rel=alternate\r\n", "alternate", 1, "b"},
        {"Link: <a,b;c>;rel=x\r\n", "x", 0, "a,b;c"},
        {"Link: <a>; title=\"x, <b>; rel=up\"; rel=index, <c>;rel=up\r\n", "up", 0, "c"},
        {"Link: <a>; title=\"\\\"\"; rel=up\r\n", "up", 0, "a"},
        {"Link: <a>; title=\"\\\\\"; rel=up\r\n", "up", 0, "a"},
        {"Link: <a>;rel=\"index up\"\r\n", "up", 0, "a"},
        {"Link: <a>;rel=\" up  \"\r\n", "up", 0, "a"},
        {"Link: <a>;rel=\"upper\"\r\n", "up", 0, NULL},
        {"Link: <a>;rel=\"\"\r\n", "up", 0, NULL},
        {"Link: <a>;rel=\"index\";rel=\"up\"\r\n", "up", 0, NULL}, /* only the first counts */
        {"Link: <a>;rel=\"up\";anchor=\"#x\", <b>;rel=up\r\n", "up", 0, "b"},
        {"Link: <a> ; rel = \"up\" \r\n", "up", 0, "a"},
        {"Link: <a>;;rel=up;\r\n", "up", 0, "a"},
        {"Link: <a>;crossorigin;rel=up\r\n", "up", 0, "a"},
        {"Link: <>;rel=up\r\n", "up", 0, ""},
        {"Link: <a>\r\n", "up", 0, NULL},
        {"Link:\r\n", "up", 0, NULL},
        {"Link: a;rel=up\r\n", "up", 0, NULL},
        {"Link: <a;rel=up\r\n", "up", 0, NULL},
        {"Link: <a>rel=up\r\n", "up", 0, NULL},
        {"Link: <a>;rel=\"up\r\n", "up", 0, NULL},
        {"Link: <a>;rel=\"up\\\r\n", "up", 0, NULL},
        {"Link: <a>;rel=up x, <b>;rel=up\r\n", "up", 0, NULL}, /* broken: nothing of it */
        {"Link: <a\r\nLink: <b>;rel=up\r\n", "up", 0, "b"},
    };
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        struct acme_http_head head;
        struct acme_slice target;
        char text[512];
        bool found;

        snprintf(text, sizeof text, OK11 "%s\r\n", rows[i].fields);
        CHECK_INT(acme_http_read_head(acme_slice_text(text), false, &head), strlen(text));
        found = acme_http_link(&head, rows[i].rel, rows[i].nth, &target);
        CHECK_STR(found == (rows[i].target != NULL) ? "" : rows[i].fields, "");
        if (found) {
            http_check_slice(target, rows[i].target);
        }
    }
}

/* Gives text to the decoder in pieces of `step` bytes, each in a block of its own. Returns the
 * last answer; *rest is what was not used of the whole text. */
static int http_dechunk_by(const char *text, size_t len, size_t step, char *out, size_t *out_len,
                           size_t *rest)
{
    struct acme_http_chunked c;
    size_t at = 0;
    int got = ACME_AGAIN;

    memset(&c, 0, sizeof c);
    *out_len = 0;
    while (at < len && got == ACME_AGAIN) {
        size_t n = len - at < step ? len - at : step;
        uint8_t *piece = malloc(n);
        size_t made, used;

        CHECK(piece != NULL);
        memcpy(piece, text + at, n);
        got = acme_http_dechunk(&c, piece, n, &made, &used);
        CHECK(made <= used && used <= n);
        CHECK(got != ACME_AGAIN || used == n);
        memcpy(out + *out_len, piece, made);
        *out_len += made;
        free(piece);
        at += used;
    }
    *rest = len - at;
    return got;
}

TEST(http_chunks)
{
    static const struct {
        const char *text, *body;
        size_t rest;
    } rows[] = {
        {"0\r\n\r\n", "", 0},
        {"9\r\n123456789\r\n0\r\n\r\n", "123456789", 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"1\r\nh\r\n4\r\nello\r\n0\r\n\r\nHTTP/1.1", "hello", 8},
        {"000a\r\n0123456789\r\n00\r\n\r\n", "0123456789", 0},
        {"A\r\n0123456789\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
         "0123456789abcdefghijklmnopqrstuvwxyz", 0},
        {"1F\r\nabcdefghijklmnopqrstuvwxyz01234\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyz01234",
         0},
        {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0},
        {"2;a=b;c=\"d\"\r\nhi\r\n0;x\r\n\r\n", "hi", 0},
        {"2 \t\r\nhi\r\n0\r\n\r\n", "hi", 0},
        {"2\r\nhi\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n..", "hi", 2},
        {"000000000000005\r\nhello\r\n0\r\n\r\n", "hello", 0},
    };
    size_t i, step;

    for (i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);

        for (step = 1; step <= len; step++) {
            char out[256];
            size_t out_len, rest;

            CHECK_INT(http_dechunk_by(rows[i].text, len, step, out, &out_len, &rest), 1);
            CHECK_INT(out_len, strlen(rows[i].body));
            CHECK_MEM(out, rows[i].body, out_len);
            CHECK_INT(rest, rows[i].rest);
        }
        for (step = 1; step < len - rows[i].rest; step++) { /* cut off: not yet */
            char out[256];
            size_t out_len, rest;

            CHECK_INT(http_dechunk_by(rows[i].text, step, step, out, &out_len, &rest), ACME_AGAIN);
        }
    }
}

TEST(http_bad_chunks)
{
    static const char *const bad[] = {
        "\r\n",
        "\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        ";a\r\n",
        "1\n",
        "1\r1",
        "1\rx",
        "1,2\r\n",
        "1\r\nab\r\n",
        "1\r\na\r\n\r\n",
        "1\r\na\n",
        "1\r\na\rx",
        "1\r\na0\r\n",
        "2;a\nb",
        "2;a\rb",
        "2;a\x01",
        "2;a\x7f",
        "0\r\nX: \x01",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\nX: y\n",
        "0\r\nX: y\rz",
        "0000000000000001\r\n",
        "ffffffffffffffff\r\n",
        "10000000000000000\r\n",
    };
    struct acme_http_chunked c;
    uint8_t byte = 'a';
    size_t i, step, made, used;

    for (i = 0; i < COUNT(bad); i++) {
        size_t len = strlen(bad[i]);

        for (step = 1; step <= len; step++) {
            char out[64];
            size_t out_len, rest;
            int got = http_dechunk_by(bad[i], len, step, out, &out_len, &rest);

            CHECK_STR(got == ACME_E_HTTP ? "" : bad[i], "");
        }
    }
    memset(&c, 0, sizeof c);
    CHECK_INT(acme_http_dechunk(&c, &byte, 1, &made, &used), ACME_AGAIN);
    byte = 0;
    CHECK_INT(acme_http_dechunk(&c, &byte, 1, &made, &used), ACME_E_HTTP);
    byte = '\r';
    CHECK_INT(acme_http_dechunk(&c, &byte, 1, &made, &used), ACME_E_HTTP); /* and stays so */
    memset(&c, 0, sizeof c);
    CHECK_INT(acme_http_dechunk(&c, NULL, 0, &made, &used), ACME_AGAIN);
}

TEST(http_chunk_bounds)
{
    static char text[3 * ACME_HTTP_LINE_MAX], out[64];
    size_t n, out_len, rest, len;

    for (n = 0; n < 2; n++) { /* an extension of the largest size, and one more */
        len = 1 + ACME_HTTP_LINE_MAX + n;
        memset(text, 'x', len + 1);
        memcpy(text, "1;", 2);
        memcpy(text + len, "x\r\na\r\n0\r\n\r\n", 12);
        CHECK_INT(http_dechunk_by(text, len + 11, 100, out, &out_len, &rest),
                  n == 0 ? 1 : ACME_E_HTTP);
    }
    len = 3; /* endless trailers */
    memcpy(text, "0\r\n", 3);
    while (len < sizeof text - 10) {
        memcpy(text + len, "X: y\r\n", 6);
        len += 6;
    }
    CHECK_INT(http_dechunk_by(text, len, 100, out, &out_len, &rest), ACME_E_HTTP);
}

TEST(http_requests_out)
{
    struct acme_url url;
    struct acme_http_request request = {.method = "GET", .url = &url};
    char text[512];
    struct acme_buf b;

    CHECK_INT(acme_url_read(acme_slice_text("https://CA.test:14000/dir?x=1"), &url), ACME_OK);
    acme_buf_init(&b, text, sizeof text);
    acme_http_write_request(&b, &request);
    CHECK(acme_buf_end(&b));
    CHECK_STR(text, "GET /dir?x=1 HTTP/1.1\r\nHost: CA.test:14000\r\nUser-Agent: " ACME_USER_AGENT
                    "\r\nAccept: */*\r\nAccept-Language: en\r\n\r\n");

    CHECK_INT(acme_url_read(acme_slice_text("https://[::1]"), &url), ACME_OK);
    request.method = "POST";
    request.accept = "application/pem-certificate-chain";
    request.content_type = "application/jose+json";
    request.content_length = 12345;
    acme_buf_init(&b, text, sizeof text);
    acme_http_write_request(&b, &request);
    CHECK(acme_buf_end(&b));
    CHECK_STR(text, "POST / HTTP/1.1\r\nHost: [::1]\r\nUser-Agent: " ACME_USER_AGENT
                    "\r\nAccept: application/pem-certificate-chain\r\nAccept-Language: en\r\n"
                    "Content-Type: application/jose+json\r\nContent-Length: 12345\r\n\r\n");
    acme_buf_init(&b, text, 50);
    acme_http_write_request(&b, &request);
    CHECK(b.overflow);

    request.fields = acme_slice_text("X-Api-User: u\r\nX-Api-Key: k\r\n");
    request.content_length = 2;
    acme_buf_init(&b, text, sizeof text);
    acme_http_write_request(&b, &request);
    CHECK(acme_buf_end(&b));
    CHECK(strstr(text, "Content-Length: 2\r\nX-Api-User: u\r\nX-Api-Key: k\r\n\r\n") != NULL);
}

static int http_request_exact(const char *text, size_t len, char *method, char *target,
                              struct acme_http_asked *out)
{
    char *copy = malloc(len > 0 ? len : 1);
    int got;

    CHECK(copy != NULL);
    memcpy(copy, text, len);
    got = acme_http_read_request(acme_slice_of(copy, len), 64, 256, out);
    if (got > 0) {
        CHECK(acme_copy_text(method, 64, out->method));
        CHECK(acme_copy_text(target, 64, out->target));
    }
    free(copy);
    return got;
}

TEST(http_requests_in)
{
    static const struct {
        const char *text, *method, *target;
        int has_body, has_host;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", 0, 1},
        {"GET /.well-known/acme-challenge/x?y HTTP/1.1\r\nHost: [::1]\r\n\r\n", "GET",
         "/.well-known/acme-challenge/x?y", 0, 1},
        {"HEAD /a HTTP/1.0\r\n\r\n", "HEAD", "/a", 0, 0},
        {"GET http://a.test/b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/b", 0, 1},
        {"GET HTTP://a.test HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", 0, 1},
        {"GET https://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", 0, 1},
        {"GET https://a.test:1/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", 0, 1},
        {"POST /a HTTP/1.1\r\nHost:\r\nContent-Length: 1\r\n\r\n", "POST", "/a", 1, 1},
        {"POST /a HTTP/1.1\r\nhost: x\r\nContent-Length: 0\r\n\r\n", "POST", "/a", 0, 1},
        {"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "PUT", "/a", 1, 0},
        {"M-SEARCH /a HTTP/1.1\r\nX: y\r\n\r\n", "M-SEARCH", "/a", 0, 0},
    };
    size_t i, cut;

    for (i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);
        struct acme_http_asked asked;
        char method[64], target[64];

        for (cut = 0; cut < len; cut++) {
            CHECK_INT(http_request_exact(rows[i].text, cut, method, target, &asked), ACME_AGAIN);
        }
        CHECK_INT(http_request_exact(rows[i].text, len, method, target, &asked), len);
        CHECK_STR(method, rows[i].method);
        CHECK_STR(target, rows[i].target);
        CHECK_INT(asked.has_body, rows[i].has_body);
        CHECK_INT(asked.has_host, rows[i].has_host);
    }
}

TEST(http_bad_requests)
{
    static const char *const bad[] = {
        "\r\n",
        "\n",
        "GET\r\n",
        "GET /\r\n",
        "GET / \r\n",
        "GET / HTTP/1.1\n",
        "GET / HTTP/2.0\r\n",
        "GET / HTTP/1.1 \r\n",
        "GET / HTTP/1.1x\r\n",
        "GET / http/1.1\r\n",
        "GET  / HTTP/1.1\r\n",
        "GET /a b HTTP/1.1\r\n",
        "GET /\t HTTP/1.1\r\n",
        " GET / HTTP/1.1\r\n",
        "G(T / HTTP/1.1\r\n",
        "GET a HTTP/1.1\r\n",
        "GET * HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT a:443 HTTP/1.1\r\n",
        "GET http:// HTTP/1.1\r\n",
        "GET http:/// HTTP/1.1\r\n",
        "GET https:// HTTP/1.1\r\n",
        "GET https:///a HTTP/1.1\r\n",
        "GET ftp://a/ HTTP/1.1\r\n",
        "GET http:/a HTTP/1.1\r\n",
        "GET /\xc3\xa4 HTTP/1.1\r\n",
        "GET /\x7f HTTP/1.1\r\n",
        "GET /\x01 HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\x16\x03\x01\x02",
    };
    struct acme_http_asked asked;
    char method[64], target[64], text[400];
    size_t i, cut, n;

    for (i = 0; i < COUNT(bad); i++) {
        size_t len = strlen(bad[i]);
        int before = ACME_AGAIN;

        for (cut = 0; cut <= len; cut++) {
            int got = http_request_exact(bad[i], cut, method, target, &asked);

            CHECK(got == ACME_AGAIN || got == ACME_E_HTTP);
            CHECK(before == ACME_AGAIN || got == before);
            before = got;
        }
        CHECK_STR(before == ACME_E_HTTP ? "" : bad[i], "");
    }
    for (n = 0; n < 2; n++) { /* a first line of 64, and of 65 */
        memset(text, 'a', sizeof text);
        memcpy(text, "GET /", 5);
        memcpy(text + 64 - 9 + n, " HTTP/1.1\r\n\r\n", 13);
        CHECK_INT(http_request_exact(text, 68 + n, method, target, &asked),
                  n == 0 ? 68 : ACME_E_SIZE);
    }
    for (n = 0; n < 2; n++) { /* a head of 256, and of 257 */
        memset(text, 'a', sizeof text);
        memcpy(text, "GET / HTTP/1.1\r\nX:", 18);
        memcpy(text + 252 + n, "\r\n\r\n", 4);
        CHECK_INT(http_request_exact(text, 256 + n, method, target, &asked),
                  n == 0 ? 256 : ACME_E_SIZE);
    }
}

RUN()
