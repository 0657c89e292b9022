/* test_pem.c - bundles of certificates: what is skipped, where a body ends, sizes
 *
 * Chains, which are stricter, are in test_cert.c. */
#include "acme_pem.h"

#include "acme_err.h"
#include "test.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"
#define SMALL "MAMCAQU=" /* SEQUENCE { INTEGER 5 } */

static struct acme_slice text;

static void bundle(const char *from)
{
    text = acme_slice_text(from);
}

/* The next body is this one; NULL: there is none, and nothing is left. */
static void next_is(const char *want)
{
    struct acme_slice body;
    bool found = acme_pem_next(&text, &body);

    CHECK_INT(found, want != NULL);
    if (want != NULL)
        CHECK(acme_slice_is(body, want));
    else
        CHECK(body.len == 0 && text.len == 0);
}

TEST(each_certificate_of_a_bundle)
{
    bundle("one - two\n" BEGIN "\nAAAA\n" END "\nx\n" BEGIN " \t\r\nBBBB\r\n" END "\r\n");
    next_is("AAAA\n");
    next_is("BBBB\r\n");
    next_is(NULL);
    bundle(BEGIN "\rCCCC\r" END);
    next_is("CCCC\r");
    next_is(NULL);
}

TEST(armour_begins_a_line)
{
    bundle("x" BEGIN "\nAAAA\n" END "\n");
    next_is(NULL);
    bundle(BEGIN "\nAA" END "\n");
    next_is(NULL);
    bundle(BEGIN "\nAA-AA\n" END "\n"); /* a dash in a line ends nothing */
    next_is("AA-AA\n");
    bundle(" " BEGIN "\n" BEGIN "\nAAAA\n" END);
    next_is("AAAA\n");
}

TEST(other_kinds_are_skipped)
{
    bundle("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" BEGIN "\nBBBB\n" END "\n");
    next_is("BBBB\n");
    bundle(BEGIN "\nAAAA\n" BEGIN "\nBBBB\n" END "\n"); /* the first was never ended */
    next_is("BBBB\n");
    bundle(BEGIN "\nAAAA\n-----END X509 CRL-----\n" END "\n");
    next_is(NULL);
    bundle(END "\n" BEGIN "\n");
    next_is(NULL);
    bundle("");
    next_is(NULL);
}

static int decode(const char *body, size_t cap)
{
    static uint8_t out[64];

    memset(out, 0xa5, sizeof out);
    int n = acme_pem_decode(out, cap, acme_slice_text(body));

    for (size_t i = cap; i < sizeof out; i++)
        CHECK_INT(out[i], 0xa5);
    if (n == 5)
        CHECK_MEM(out, "\x30\x03\x02\x01\x05", 5);
    return n;
}

TEST(one_element_is_decoded)
{
    CHECK_INT(decode(SMALL, 60), 5);
    CHECK_INT(decode(" MA\tMC\r\nAQ\n U=\n", 60), 5);
    CHECK_INT(decode(SMALL "\n=", 60), ACME_E_CERT);
    for (size_t cap = 0; cap < 5; cap++) {
        CHECK_INT(decode(SMALL, cap), ACME_E_SIZE);
        CHECK_INT(decode("M A M C A Q U =", cap), ACME_E_SIZE);
    }
    CHECK_INT(decode(SMALL, 5), 5);
}

TEST(what_is_no_base64)
{
    static const char *const bad[] = {"",
                                      "=",
                                      "MAMCAQU",
                                      "MAMCAQU==",
                                      "MAMCAQV=",
                                      "MAMCAQU=A",
                                      "MAMCAQU*",
                                      ("MAM\x80"
                                       "AQU="),
                                      "MAMCA",
                                      "MAMCAQUAA==",
                                      "MAMC====",
                                      "MAMC-QU=",
                                      "MAMCAQ==",
                                      "AgEF"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(decode(bad[i], 60), ACME_E_CERT);
}

TEST(what_is_written_has_lines_of_64)
{
    uint8_t der[50], back[50];
    char out[200];
    struct acme_slice rest, body;
    struct acme_buf b;

    memset(der, 'a', sizeof der);
    der[0] = 0x30;
    der[1] = sizeof der - 2;
    acme_buf_init(&b, out, sizeof out);
    acme_pem_put(&b, "CERTIFICATE", acme_slice_of(der, sizeof der));
    CHECK(acme_buf_end(&b));
    CHECK_STR(out, "-----BEGIN CERTIFICATE-----\n"
                   "MDBhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\n"
                   "YWE=\n"
                   "-----END CERTIFICATE-----\n");
    rest = acme_slice_text(out);
    CHECK(acme_pem_next(&rest, &body));
    CHECK_INT(acme_pem_decode(back, sizeof back, body), sizeof der);
    CHECK_MEM(back, der, sizeof der);
    acme_buf_init(&b, out, 60);
    acme_pem_put(&b, "CERTIFICATE", acme_slice_of(der, sizeof der));
    CHECK(!acme_buf_end(&b));
}

RUN()
