/* test_name.c - the grammar of identifiers */
#include "test.h"

#include "acme_err.h"
#include "acme_name.h"

#define L10 "abcdefghij"
#define L63 L10 L10 L10 L10 L10 L10 "abc"
/* 3 x 63 + 3 dots = 192; the rest is up to the row */
#define L192 L63 "." L63 "." L63 "."

TEST(name_good_dns)
{
    static const struct {
        const char *in, *text, *base;
        int wildcard;
    } rows[] = {
        {"example.org", "example.org", "example.org", 0},
        {"EXAMPLE.Org", "example.org", "example.org", 0},
        {"a.b", "a.b", "a.b", 0},
        {"AZ.az09", "az.az09", "az.az09", 0},
        {"*.example.org", "*.example.org", "example.org", 1},
        {"*.A.b", "*.a.b", "a.b", 1},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example", 0},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example", "xn--bcher-kva.example", 0},
        {"1.2.3.com", "1.2.3.com", "1.2.3.com", 0},
        {"1-2.a1", "1-2.a1", "1-2.a1", 0},
        {"a-b.c--d.org", "a-b.c--d.org", "a-b.c--d.org", 0}, /* hyphens in places 2 and 3 */
        {"abc--d.org", "abc--d.org", "abc--d.org", 0},
        {"a.0y", "a.0y", "a.0y", 0},
        {"a.0xg", "a.0xg", "a.0xg", 0},
        {"host.local", "host.local", "host.local", 0},
        {L63 ".org", L63 ".org", L63 ".org", 0},
        {L192 L10 L10 L10 L10 L10 L10 "x", L192 L10 L10 L10 L10 L10 L10 "x",
         L192 L10 L10 L10 L10 L10 L10 "x", 0}, /* 253 */
        {"*." L192 L10 L10 L10 L10 L10 "abcdefghi", "*." L192 L10 L10 L10 L10 L10 "abcdefghi",
         L192 L10 L10 L10 L10 L10 "abcdefghi", 1}, /* 253 with the wildcard */
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_name name;
        const char *why = "?";

        CHECK_STR(acme_name_read(acme_slice_text(rows[i].in), &name, &why) == 0 ? "" : why, "");
        CHECK(why == NULL);
        CHECK_INT(name.type, ACME_ID_DNS);
        CHECK_STR(name.text, rows[i].text);
        CHECK_STR(acme_name_base(&name), rows[i].base);
        CHECK_INT(name.wildcard, rows[i].wildcard);
        CHECK_INT(name.ip_len, 0);
    }
}

#define WHY_EMPTY    "a label is empty"
#define WHY_CHARS    "only letters, digits, hyphens and dots are allowed"
#define WHY_HYPHEN   "a label begins or ends with a hyphen"
#define WHY_STAR     "a wildcard is only allowed as the whole first label"
#define WHY_TWO      "a name has two labels at least"
#define WHY_LONG     "a name is longer than 253 characters"
#define WHY_IDN      "a letter is not ASCII: give the A-label (\"xn--...\") of the name"
#define WHY_R_LDH    "a label with hyphens in places 3 and 4 must begin with \"xn--\""
#define WHY_NUMBER   "the last label is a number"
#define WHY_IPV4     "not a valid IPv4 address"
#define WHY_IPV6     "not a valid IPv6 address"
#define WHY_PORT     "a name or address is given without a port"
#define WHY_BRACKETS "an IP address is given without brackets and port"
#define WHY_ZONE     "an IP address is given without a zone"
#define WHY_URL      "a name or address is wanted, not a URL or a network"

TEST(name_bad)
{
    static const struct {
        const char *in, *why;
    } rows[] = {
        {"", "the name is empty"},
        {".a.b", WHY_EMPTY},
        {"a..b", WHY_EMPTY},
        {"a.b.", "a final dot is not allowed"},
        {"*.a.b.", "a final dot is not allowed"},
        {"a", WHY_TWO},
        {"localhost", WHY_TWO},
        {"*.com", WHY_TWO},
        {"*.", WHY_EMPTY},
        {"*", WHY_STAR},
        {"a.*.b", WHY_STAR},
        {"*a.b.c", WHY_STAR},
        {"a*.b.c", WHY_STAR},
        {"**.b.c", WHY_STAR},
        {"*.*.b.c", WHY_STAR},
        {"*..b.c", WHY_EMPTY},
        {"-a.com", WHY_HYPHEN},
        {"a-.com", WHY_HYPHEN},
        {"a.-", WHY_HYPHEN},
        {"a.com-", WHY_HYPHEN},
        {"xn--.com", WHY_HYPHEN},
        {"ab--c.com", WHY_R_LDH},
        {"a.xx--c", WHY_R_LDH},
        {"a b.com", WHY_CHARS},
        {" a.com", WHY_CHARS},
        {"a.com ", WHY_CHARS},
        {"a.com\n", WHY_CHARS},
        {"a_b.com", WHY_CHARS},
        {"a@b.com", WHY_CHARS},
        {"a,b.com", WHY_CHARS},
        {"a\\b.com", WHY_CHARS},
        {"a`.com", WHY_CHARS},
        {"a{.com", WHY_CHARS},
        {"a[.com", WHY_CHARS},
        {"..", "a final dot is not allowed"},
        {"../../etc.a", WHY_URL},
        {"a.com/b", WHY_URL},
        {"https://a.com", WHY_URL},
        {"10.0.0.0/8", WHY_URL},
        {"k\xc3\xb6ln.example", WHY_IDN},
        {"k\xf6ln.example", WHY_IDN},
        {"a.com\xe3\x80\x82", WHY_IDN},
        {"a.\x80", WHY_IDN},
        {"a.1", WHY_NUMBER},
        {"a.com.123", WHY_NUMBER},
        {"a.0x1f", WHY_NUMBER},
        {"a.0X", WHY_NUMBER},
        {"*.1.2.3.4", WHY_NUMBER},
        {L63 "x.org", "a label is longer than 63 characters"},
        {L192 L10 L10 L10 L10 L10 L10 "xy", WHY_LONG}, /* 254 */
        {"*." L192 L10 L10 L10 L10 L10 L10, WHY_LONG}, /* 254 with the wildcard */
        {"a.com:80", WHY_PORT},
        {"1.2.3.4:80", WHY_PORT},
        {":", WHY_PORT},
        {"[::1]", WHY_BRACKETS},
        {"[::1]:80", WHY_BRACKETS},
        {"fe80::1%eth0", WHY_ZONE},
        {"1.2.3", WHY_IPV4},
        {"1.2.3.4.5", WHY_IPV4},
        {"1.2.3.256", WHY_IPV4},
        {"1.2.3.04", WHY_IPV4},
        {"01.2.3.4", WHY_IPV4},
        {"1.2.3.00", WHY_IPV4},
        {"1.2.3.", WHY_IPV4},
        {"1..3.4", WHY_IPV4},
        {".1.2.3", WHY_EMPTY},
        {"1.2.3.4444", WHY_IPV4},
        {"12345", WHY_IPV4},
        {".", WHY_EMPTY},
        {":::", WHY_IPV6},
        {"1::2::3", WHY_IPV6},
        {"1:2:3:4:5:6:7", WHY_IPV6},
        {"1:2:3:4:5:6:7:8:9", WHY_IPV6},
        {"1:2:3:4:5:6:7:8:", WHY_IPV6},
        {":1:2:3:4:5:6:7:8", WHY_IPV6},
        {"1:2:3:4::5:6:7:8", WHY_IPV6},
        {"::1:2:3:4:5:6:7:8", WHY_IPV6},
        {"1:2:3:4:5:6:7:8::", WHY_IPV6},
        {"12345::", WHY_IPV6},
        {"g::", WHY_IPV6},
        {"1:::2", WHY_IPV6},
        {"::1:", WHY_IPV6},
        {"::1.2.3", WHY_IPV6},
        {"::1.2.3.4.5", WHY_IPV6},
        {"::1.2.3.4:5", WHY_IPV6},
        {"::01.2.3.4", WHY_IPV6},
        {"::a.2.3.4", WHY_IPV6},
        {"1:2:3:4:5:6:7:1.2.3.4", WHY_IPV6},
        {"1:2:3:4:5:1.2.3.4", WHY_IPV6},
        {"::1 ", WHY_IPV6},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_name name;
        const char *why = NULL;

        CHECK_INT(acme_name_read(acme_slice_text(rows[i].in), &name, NULL), ACME_E_NAME);
        acme_name_read(acme_slice_text(rows[i].in), &name, &why);
        CHECK_STR(why, rows[i].why);
        CHECK_INT(name.type, 0);
        CHECK_STR(name.text, "");
    }
}

TEST(name_nul_and_long)
{
    static char much[100000];
    struct acme_name name;

    memset(much, 'a', sizeof much);
    CHECK_INT(acme_name_read(acme_slice_of("a\0b.com", 7), &name, NULL), ACME_E_NAME);
    CHECK_INT(acme_name_read(acme_slice_of("a.com\0", 6), &name, NULL), ACME_E_NAME);
    CHECK_INT(acme_name_read(acme_slice_of("1.2.3.4\0", 8), &name, NULL), ACME_E_NAME);
    CHECK_INT(acme_name_read(acme_slice_of(NULL, 0), &name, NULL), ACME_E_NAME);
    CHECK_INT(acme_name_read(acme_slice_of(much, sizeof much), &name, NULL), ACME_E_NAME);
    memset(much, '.', sizeof much);
    CHECK_INT(acme_name_read(acme_slice_of(much, sizeof much), &name, NULL), ACME_E_NAME);
    memset(much, ':', sizeof much);
    CHECK_INT(acme_name_read(acme_slice_of(much, sizeof much), &name, NULL), ACME_E_NAME);
    memset(much, '0', sizeof much);
    CHECK_INT(acme_name_read(acme_slice_of(much, sizeof much), &name, NULL), ACME_E_NAME);
    memcpy(much, "::", 2);
    CHECK_INT(acme_name_read(acme_slice_of(much, sizeof much), &name, NULL), ACME_E_NAME);
}

/* The right column is RFC 5952's (checked against Python's ipaddress; mixed form for mapped). */
TEST(name_addresses)
{
    static const struct {
        const char *in, *text;
        int len;
    } rows[] = {
        {"1.2.3.4", "1.2.3.4", 4},
        {"0.0.0.0", "0.0.0.0", 4},
        {"255.255.255.255", "255.255.255.255", 4},
        {"::", "::", 16},
        {"::1", "::1", 16},
        {"1::", "1::", 16},
        {"0:0:0:0:0:0:0:0", "::", 16},
        {"2001:DB8::ABCD", "2001:db8::abcd", 16},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1", 16},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", 16}, /* one group is not shortened */
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1", 16},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", 16},       /* the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 16}, /* the first of two */
        {"0:0:1:0:0:0:0:0", "0:0:1::", 16},
        {"1:0:0:0:0:0:0:0", "1::", 16},
        {"0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7", 16},
        {"0:1:2:3:4:5:6::", "0:1:2:3:4:5:6:0", 16},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", 16},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 16},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::", 16},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 16},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4", 16},
        {"::FFFF:0102:0304", "::ffff:1.2.3.4", 16},
        {"0:0:0:0:0:ffff:1.2.3.4", "::ffff:1.2.3.4", 16},
        {"::ffff:255.255.255.255", "::ffff:255.255.255.255", 16},
        {"::1.2.3.4", "::102:304", 16},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221", 16},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", 16},
        {"10:200:3000:a0::", "10:200:3000:a0::", 16},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_name name, again;
        const char *why = "?";

        CHECK_STR(acme_name_read(acme_slice_text(rows[i].in), &name, &why) == 0 ? "" : rows[i].in,
                  "");
        CHECK_INT(name.type, ACME_ID_IP);
        CHECK_INT(name.ip_len, rows[i].len);
        CHECK_STR(name.text, rows[i].text);
        CHECK_STR(acme_name_base(&name), rows[i].text);
        CHECK(!name.wildcard);
        CHECK_INT(acme_name_read(acme_slice_text(name.text), &again, NULL), ACME_OK);
        CHECK_MEM(&again, &name, sizeof name);
    }
}

/* Every pattern of zero and other groups reads back to its own bytes. */
TEST(name_ipv6_round_trip)
{
    unsigned pattern, i;

    for (pattern = 0; pattern < 256; pattern++) {
        uint8_t ip[16] = {0};
        struct acme_name name;
        char text[46];

        for (i = 0; i < 8; i++) {
            ip[2 * i + 1] = (pattern >> i & 1) ? (uint8_t)(i + 1) : 0;
        }
        CHECK_INT(acme_name_ip_text(ip, 16, text), ACME_OK);
        CHECK_INT(acme_name_read(acme_slice_text(text), &name, NULL), ACME_OK);
        CHECK_MEM(name.ip, ip, 16);
    }
}

TEST(name_ip_text)
{
    uint8_t ip[16];
    char text[46];

    memset(ip, 0xff, sizeof ip);
    CHECK_INT(acme_name_ip_text(ip, 4, text), ACME_OK);
    CHECK_STR(text, "255.255.255.255");
    CHECK_INT(acme_name_ip_text(ip, 16, text), ACME_OK);
    CHECK_STR(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    CHECK_INT(acme_name_ip_text(ip, 15, text), ACME_E_NAME);
    CHECK_STR(text, "");
    CHECK_INT(acme_name_ip_text(ip, 0, text), ACME_E_NAME);
}

TEST(name_hosts)
{
    static const struct {
        const char *in;
        int type;
    } rows[] = {{"localhost", ACME_ID_DNS},
                {"CA.test", ACME_ID_DNS},
                {"a", ACME_ID_DNS},
                {"127.0.0.1", ACME_ID_IP},
                {"::1", ACME_ID_IP},
                {"", 0},
                {"127.1", 0},
                {"2130706433", 0},
                {"0x7f000001", 0},
                {"a.0x7f", 0},
                {"*.a.b", 0},
                {"a.", 0},
                {"[::1]", 0},
                {"a b", 0},
                {"a%41", 0},
                {"\xc3\xbc.de", 0},
                {"a@b", 0}};
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_INT(acme_name_host(acme_slice_text(rows[i].in)), rows[i].type);
    }
}

TEST(name_tokens)
{
    char token[ACME_MAX_TOKEN + 2];

    CHECK(acme_token_ok(acme_slice_text("AZaz09-_AZaz09-_AZaz09")));
    CHECK(!acme_token_ok(acme_slice_text("AZaz09-_AZaz09-_AZaz0"))); /* 21 */
    memset(token, 'a', sizeof token);
    CHECK(acme_token_ok(acme_slice_of(token, ACME_MAX_TOKEN)));
    CHECK(!acme_token_ok(acme_slice_of(token, ACME_MAX_TOKEN + 1)));
    CHECK(!acme_token_ok(acme_slice_of(NULL, 0)));
    CHECK(!acme_token_ok(acme_slice_text("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    {
        unsigned c;

        for (c = 0; c < 256; c++) {
            int good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';

            token[7] = (char)(uint8_t)c;
            CHECK_INT(acme_token_ok(acme_slice_of(token, 40)), good);
        }
    }
}

RUN()
