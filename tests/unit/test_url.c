/* test_url.c - the CA's URLs, taken apart and allowed or not */
#include "test.h"

#include "acme_config.h"
#include "acme_err.h"
#include "acme_url.h"

static void url_check(struct acme_slice got, const char *want)
{
    char text[ACME_MAX_URL + 1];

    CHECK(acme_copy_text(text, sizeof text, got));
    CHECK_STR(text, want);
}

TEST(url_good)
{
    static const struct {
        const char *in, *host, *authority, *path;
        int port, literal;
    } rows[] = {
        {"https://ca.test/dir", "ca.test", "ca.test", "/dir", 443, 0},
        {"https://ca.test", "ca.test", "ca.test", "", 443, 0},
        {"https://ca.test/", "ca.test", "ca.test", "/", 443, 0},
        {"HTTPS://CA.Test/Dir", "CA.Test", "CA.Test", "/Dir", 443, 0},
        {"https://localhost:14000/dir?a=b&c=/d", "localhost", "localhost:14000", "/dir?a=b&c=/d",
         14000, 0},
        {"https://h:1/", "h", "h:1", "/", 1, 0},
        {"https://h:9/", "h", "h:9", "/", 9, 0},
        {"https://h:65535/", "h", "h:65535", "/", 65535, 0},
        {"https://h:00443/", "h", "h:00443", "/", 443, 0},
        {"https://127.0.0.1:14000/x", "127.0.0.1", "127.0.0.1:14000", "/x", 14000, 1},
        {"https://[::1]:14000/x", "::1", "[::1]:14000", "/x", 14000, 1},
        {"https://[2001:db8::1]", "2001:db8::1", "[2001:db8::1]", "", 443, 1},
        {"https://ca.test//a/../b;c=%2f@:!$'()*+,~_-.", "ca.test", "ca.test",
         "//a/../b;c=%2f@:!$'()*+,~_-.", 443, 0},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_url url;

        CHECK_STR(acme_url_read(acme_slice_text(rows[i].in), &url) == 0 ? "" : rows[i].in, "");
        url_check(url.host, rows[i].host);
        url_check(url.authority, rows[i].authority);
        url_check(url.path, rows[i].path);
        CHECK_INT(url.port, rows[i].port);
        CHECK_INT(url.ip_literal, rows[i].literal);
    }
}

TEST(url_bad)
{
    static const char *const bad[] = {"",
                                      "https://",
                                      "https:///",
                                      "https:///a",
                                      "http://ca.test/",
                                      "https:/ca.test/",
                                      "ca.test/",
                                      "/dir",
                                      "//ca.test/dir",
                                      "https:ca.test",
                                      "httpsx://ca.test/",
                                      " https://ca.test/",
                                      "https://ca.test/ ",
                                      "https://ca.test/a b",
                                      "https://ca.test/\"",
                                      "https://ca.test/\\",
                                      "https://ca.test/<",
                                      "https://ca.test/>",
                                      "https://ca.test/#f",
                                      "https://ca.test#f",
                                      "https://ca.test?q",
                                      "https://ca.test:/",
                                      "https://ca.test:0/",
                                      "https://ca.test:65536/",
                                      "https://ca.test:099999/",
                                      "https://ca.test:999999/",
                                      "https://ca.test:-1/",
                                      "https://ca.test:+1/",
                                      "https://ca.test:1a/",
                                      "https://ca.test:1:2/",
                                      "https://user@ca.test/",
                                      "https://user:pw@ca.test/",
                                      "https://ca.test:443@evil.test/",
                                      "https://ca.test%2f@evil.test/",
                                      "https://[::1/",
                                      "https://::1/",
                                      "https://[]/",
                                      "https://[ca.test]/",
                                      "https://[127.0.0.1]/",
                                      "https://[::1]x/",
                                      "https://[::1]x80/",
                                      "https://h:000443/",
                                      "https://[::1%25eth0]/",
                                      "https://[::1]]/",
                                      "https://x[::1]/",
                                      "https://127.1/",
                                      "https://0x7f000001/",
                                      "https://2130706433/",
                                      "https://ca..test/",
                                      "https://ca.test./",
                                      "https://-ca.test/",
                                      "https://*.ca.test/",
                                      "https://ca_test/",
                                      "https://k\xc3\xb6ln.test/",
                                      "https://ca.test/\xc3\xbc",
                                      "https://ca.test/\x7f",
                                      "https://ca.test/\r\nX: y",
                                      "https://ca.test/\t",
                                      "https://ca.te\nst/"};
    struct acme_url url;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STR(acme_url_read(acme_slice_text(bad[i]), &url) == ACME_E_URL ? "" : bad[i], "");
    }
    CHECK_INT(acme_url_read(acme_slice_of("https://ca.test/\0", 17), &url), ACME_E_URL);
    CHECK_INT(acme_url_read(acme_slice_of("https://ca\0.test/", 17), &url), ACME_E_URL);
    CHECK_INT(acme_url_read(acme_slice_of(NULL, 0), &url), ACME_E_URL);
}

TEST(url_size)
{
    char text[ACME_MAX_URL + 2];
    struct acme_url url;

    memset(text, 'a', sizeof text);
    memcpy(text, "https://ca.test/", 16);
    CHECK_INT(acme_url_read(acme_slice_of(text, ACME_MAX_URL), &url), ACME_OK);
    CHECK_INT(acme_url_read(acme_slice_of(text, ACME_MAX_URL + 1), &url), ACME_E_SIZE);
}

/* No prefix of a URL is read past its end (the sanitizers look on). */
TEST(url_cuts)
{
    static const char text[] = "https://[::1]:14000/x";
    size_t cut;

    for (cut = 0; cut < sizeof text; cut++) {
        char *exact = malloc(cut + 1);
        struct acme_url url;
        int got;

        CHECK(exact != NULL);
        exact = realloc(exact, cut > 0 ? cut : 1);
        CHECK(exact != NULL);
        memcpy(exact, text, cut);
        got = acme_url_read(acme_slice_of(exact, cut), &url);
        free(exact);
        CHECK_INT(got, cut < 13 || cut == 14 ? ACME_E_URL : ACME_OK);
    }
}

static bool url_origin(const char *a, const char *b)
{
    struct acme_url x, y;

    CHECK_INT(acme_url_read(acme_slice_text(a), &x), ACME_OK);
    CHECK_INT(acme_url_read(acme_slice_text(b), &y), ACME_OK);
    return acme_url_same_origin(&x, &y);
}

TEST(url_origins)
{
    CHECK(url_origin("https://ca.test/a", "https://ca.test/b"));
    CHECK(url_origin("https://ca.test/a", "https://CA.TEST:443/b"));
    CHECK(!url_origin("https://ca.test/a", "https://ca.test:444/a"));
    CHECK(url_origin("https://abz.test/a", "https://ABZ.test/a"));
    CHECK(!url_origin("https://ca.test/a", "https://ca.tess/a"));
    CHECK(!url_origin("https://ca.test/a", "https://da.test/a"));
    CHECK(!url_origin("https://ca.test/a", "https://ca.test.b/a"));
    CHECK(!url_origin("https://a.ca.test/a", "https://ca.test/a"));
}

TEST(url_allowed)
{
    static const struct {
        const char *directory, *url;
        int allowed;
    } rows[] = {
        {"https://ca.test/dir", "https://ca.test/x", 1},
        {"https://ca.test/dir", "https://CA.test:8443/x", 1},
        {"https://ca.test/dir", "https://other.example/x", 1},
        {"https://ca.test/dir", "https://localhost/x", 0},
        {"https://ca.test/dir", "https://LOCALHOST/x", 0},
        {"https://ca.test/dir", "https://a.localhost/x", 0},
        {"https://ca.test/dir", "https://a.LocalHost:1/x", 0},
        {"https://ca.test/dir", "https://notlocalhost.org/x", 1},
        {"https://ca.test/dir", "https://a.notlocalhost/x", 1},
        {"https://ca.test/dir", "https://printer.local/x", 0},
        {"https://ca.test/dir", "https://router/x", 0},
        {"https://ca.test/dir", "https://127.0.0.1/x", 0},
        {"https://ca.test/dir", "https://93.184.216.34/x", 0},
        {"https://ca.test/dir", "https://[::1]/x", 0},
        {"https://localhost:14000/dir", "https://localhost:14000/x", 1},
        {"https://localhost:14000/dir", "https://127.0.0.1:14000/x", 0},
        {"https://127.0.0.1:14000/dir", "https://127.0.0.1:15000/x", 1},
        {"https://127.0.0.1:14000/dir", "https://127.0.0.2:14000/x", 0},
        {"https://[::1]:14000/dir", "https://[::1]:14000/x", 1},
        {"https://ca/dir", "https://ca/x", 1},
        {"https://ca/dir", "https://cb/x", 0},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_url directory, url;

        CHECK_INT(acme_url_read(acme_slice_text(rows[i].directory), &directory), ACME_OK);
        CHECK_INT(acme_url_read(acme_slice_text(rows[i].url), &url), ACME_OK);
        CHECK_STR(acme_url_allowed(&directory, &url, false) == rows[i].allowed ? "" : rows[i].url,
                  "");
        CHECK(acme_url_allowed(&directory, &url, true));
    }
}

RUN()
