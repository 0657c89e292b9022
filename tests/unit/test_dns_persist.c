/* test_dns_persist.c - the record of dns-persist-01, written and judged. That a CA judges it as we
 * do is for tests/interop/test_dnspersist.py. */
#include "dns_persist.h"

#include "acme_err.h"
#include "dns_msg.h"
#include "test.h"

#define ISSUER "ca.example"
#define URL    "https://ca.example/acct/1"
#define GOOD   ISSUER "; accounturi=" URL

static struct dns_persist_want want = {ISSUER, URL, false, 0};

static enum dns_persist_verdict judged(const char *text, int64_t now, int64_t *until)
{
    return dns_persist_judge(acme_slice_text(text), &want, now, until);
}

TEST(a_record_is_written)
{
    struct dns_persist_want w = want;
    char text[DNS_PERSIST_ROOM];

    CHECK_INT(dns_persist_write(&w, text, sizeof text), ACME_OK);
    CHECK_STR(text, "ca.example; accounturi=https://ca.example/acct/1");
    w.wildcard = true;
    w.until = 1767225600;
    CHECK_INT(dns_persist_write(&w, text, sizeof text), ACME_OK);
    CHECK_STR(text, "ca.example; accounturi=https://ca.example/acct/1; policy=wildcard; "
                    "persistUntil=1767225600");
    CHECK_INT(dns_persist_write(&w, text, strlen(text) + 1), ACME_OK);
    CHECK_INT(dns_persist_write(&w, text, strlen(text)), ACME_E_SIZE);
}

/* A CA chooses the account's URL: nothing in it may end the parameter, or the string in a zone. */
TEST(urls_that_would_break_it)
{
    static const char *const bad[] = {"",
                                      "https://ca.example/1;policy=wildcard",
                                      "https://ca.example/\"1",
                                      "https://ca.example/\\1",
                                      "https://ca.example/ 1",
                                      "https://ca.example/\xc3\xa4",
                                      "https://ca.example/\n"};
    struct dns_persist_want w = want;
    char text[DNS_PERSIST_ROOM];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        w.account_url = bad[i];
        CHECK_INT(dns_persist_write(&w, text, sizeof text), ACME_E_URL);
    }
}

TEST(records_that_are_good)
{
    static const char *const good[] = {
        GOOD,
        ISSUER ";accounturi=" URL,
        " " ISSUER "\t;\taccounturi = " URL " ",
        ISSUER "; ACCOUNTURI=" URL,
        GOOD "; policy=wildcard",
        GOOD "; policy=",
        GOOD "; policy=something",
        GOOD "; more=",
        ISSUER "; more=x; accounturi=" URL,
        GOOD "; persistUntil=1000",
        GOOD "; persistuntil=999999999999999999",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK_INT(judged(good[i], 1000, NULL), DNS_PERSIST_GOOD);
}

TEST(records_that_are_not)
{
    static const struct {
        const char *text;
        enum dns_persist_verdict verdict;
    } bad[] = {
        {"", DNS_PERSIST_ABSENT},
        {";", DNS_PERSIST_ABSENT},
        {"other.example; accounturi=" URL, DNS_PERSIST_ABSENT},
        {"CA.example; accounturi=" URL, DNS_PERSIST_ABSENT}, /* CAs compare byte for byte */
        {ISSUER ".; accounturi=" URL, DNS_PERSIST_ABSENT},
        {ISSUER, DNS_PERSIST_BROKEN},
        {ISSUER ";", DNS_PERSIST_BROKEN},
        {GOOD ";", DNS_PERSIST_BROKEN},
        {GOOD "; ", DNS_PERSIST_BROKEN},
        {ISSUER ";; accounturi=" URL, DNS_PERSIST_BROKEN},
        {GOOD "; policy", DNS_PERSIST_BROKEN},
        {GOOD "; =x", DNS_PERSIST_BROKEN},
        {GOOD "; x=a b", DNS_PERSIST_BROKEN},
        {GOOD "; x=\xc3\xa4", DNS_PERSIST_BROKEN},
        {GOOD "; accounturi=" URL, DNS_PERSIST_BROKEN},
        {GOOD "; AccountUri=" URL, DNS_PERSIST_BROKEN},
        {GOOD "; x=1; X=2", DNS_PERSIST_BROKEN},
        {ISSUER "; accounturi=", DNS_PERSIST_BROKEN},
        {ISSUER "; policy=wildcard", DNS_PERSIST_BROKEN},
        {GOOD "; persistUntil=", DNS_PERSIST_BROKEN},
        {GOOD "; persistUntil=1x", DNS_PERSIST_BROKEN},
        {GOOD "; persistUntil=-", DNS_PERSIST_BROKEN},
        {GOOD "; persistUntil=9999999999999999999", DNS_PERSIST_BROKEN},
        {GOOD "; a=;b=;c=;d=;e=;f=;g=;h=;i=;j=;k=;l=;m=;n=;o=;p=", DNS_PERSIST_BROKEN},
        {GOOD "2", DNS_PERSIST_OTHER_ACCOUNT},
        {ISSUER "; accounturi=HTTPS://ca.example/acct/1", DNS_PERSIST_OTHER_ACCOUNT},
        {GOOD "; persistUntil=999", DNS_PERSIST_EXPIRED},
        {GOOD "; persistUntil=0", DNS_PERSIST_EXPIRED},
        {GOOD "; persistUntil=-5", DNS_PERSIST_EXPIRED},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum dns_persist_verdict got = judged(bad[i].text, 1000, NULL);
        if (got != bad[i].verdict)
            test_stop(TEST_FAILED, "%s: %d, not %d", bad[i].text, (int)got, (int)bad[i].verdict);
        CHECK(dns_persist_words(got)[0] != '\0');
    }
    CHECK_STR(dns_persist_words(DNS_PERSIST_GOOD), "");
}

TEST(a_wildcard_needs_its_policy)
{
    want.wildcard = true;
    CHECK_INT(judged(GOOD, 1, NULL), DNS_PERSIST_NO_WILDCARD);
    CHECK_INT(judged(GOOD "; policy=other", 1, NULL), DNS_PERSIST_NO_WILDCARD);
    CHECK_INT(judged(GOOD "; policy=WildCard", 1, NULL), DNS_PERSIST_GOOD);
    CHECK_INT(judged(GOOD "; POLICY= wildcard ", 1, NULL), DNS_PERSIST_GOOD);
    want.wildcard = false;
}

TEST(until_when_it_lasts)
{
    int64_t until = 7;

    CHECK_INT(judged(GOOD "; persistUntil=2000", 2000, &until), DNS_PERSIST_GOOD);
    CHECK_INT(until, 2000);
    CHECK_INT(judged(GOOD "; persistUntil=2000", 2001, &until), DNS_PERSIST_EXPIRED);
    CHECK_INT(until, 2000);
    CHECK_INT(judged(GOOD, 2000, &until), DNS_PERSIST_GOOD);
    CHECK_INT(until, 0);
}

/* What is written is judged good, whatever comes in between. */
TEST(what_is_written_is_good)
{
    struct dns_persist_want w = {ISSUER, URL, true, 5000};
    char text[DNS_PERSIST_ROOM];

    CHECK_INT(dns_persist_write(&w, text, sizeof text), ACME_OK);
    CHECK_INT(judged(text, 4000, NULL), DNS_PERSIST_GOOD);
    want.wildcard = true;
    CHECK_INT(judged(text, 4000, NULL), DNS_PERSIST_GOOD);
    want.wildcard = false;
}

TEST(issuers)
{
    static const char *const good[] = {"letsencrypt.org", "a", "a-b.c1", "xn--bcher-kva.example"};
    static const char *const bad[] = {"",     ".",    "a.",   ".a",  "a..b", "A.b",
                                      "-a.b", "a-.b", "a.b-", "a;b", "a b",  "a_b"};
    char longest[300];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(dns_persist_issuer_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!dns_persist_issuer_ok(bad[i]));
    memset(longest, 'a', sizeof longest);
    longest[64] = '\0';
    CHECK(!dns_persist_issuer_ok(longest));
    longest[63] = '\0';
    CHECK(dns_persist_issuer_ok(longest));
    memset(longest, 'a', sizeof longest);
    for (size_t i = 63; i < sizeof longest; i += 64)
        longest[i] = '.';
    longest[253] = '\0';
    CHECK(dns_persist_issuer_ok(longest));
    memset(longest + 250, 'a', 4);
    longest[254] = '\0';
    CHECK(!dns_persist_issuer_ok(longest));
}

TEST(strings_of_a_txt_record_are_joined)
{
    static const uint8_t two[] = {2, 'a', 'b', 0, 1, 'c'};
    char room[4];

    CHECK_INT(dns_msg_txt(acme_slice_of(two, sizeof two), room, sizeof room), 3);
    CHECK_MEM(room, "abc", 3);
    CHECK_INT(dns_msg_txt(acme_slice_of(two, sizeof two), room, 2), -1);
    CHECK_INT(dns_msg_txt(acme_slice_of(two, sizeof two - 1), room, sizeof room), -1);
    CHECK_INT(dns_msg_txt(acme_slice_of(two, 0), room, sizeof room), 0);
}

RUN()
