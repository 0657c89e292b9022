/* CAA records as a CA reads them, and the bytes of a DNS answer. */
#include "test.h"

#include "acme_err.h"
#include "caa.h"

static const char *const ours[] = {"ca.example", "pebble.letsencrypt.org"};
static struct caa_asker asker;

static void reset(void)
{
    asker = (struct caa_asker){ours, 2, false, "https://ca.example/acct/1", "http-01"};
}

/* "128 issue ca.example" each. */
static enum caa_verdict judge(const char *const *texts, size_t count)
{
    static uint8_t room[70][300];
    struct acme_slice records[70];

    for (size_t i = 0; i < count; i++) {
        char tag[40];
        unsigned flags;
        int used = 0;
        size_t tag_len, len;
        if (sscanf(texts[i], "%u %39s%n", &flags, tag, &used) != 2)
            FAIL("a record of the test");
        tag_len = strlen(tag);
        used += texts[i][used] == ' ';
        len = strlen(texts[i] + used);
        room[i][0] = (uint8_t)flags;
        room[i][1] = (uint8_t)tag_len;
        memcpy(room[i] + 2, tag, tag_len);
        memcpy(room[i] + 2 + tag_len, texts[i] + used, len);
        records[i] = acme_slice_of(room[i], 2 + tag_len + len);
    }
    return caa_judge(records, count, &asker);
}
#define JUDGE(...)                                                                                 \
    judge((const char *const[]){__VA_ARGS__},                                                      \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

TEST(issuers)
{
    reset();
    CHECK_INT(caa_judge(NULL, 0, &asker), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 ISSUE  CA.Example "), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue pebble.letsencrypt.org"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue other.example"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 issue ca.example.evil"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 issue other.example", "0 issue ca.example"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ;"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 issue"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 issue %%%%%"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 iodef mailto:a@b.example"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 unknown x"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example", "128 unknown x"), CAA_CRITICAL);
    CHECK_INT(JUDGE("128 issue ca.example"), CAA_ALLOWED);
}

TEST(wildcards)
{
    reset();
    CHECK_INT(JUDGE("0 issuewild other.example"), CAA_ALLOWED); /* not about this name */
    CHECK_INT(JUDGE("0 issue ca.example", "0 issuewild ;"), CAA_ALLOWED);
    asker.wildcard = true;
    CHECK_INT(JUDGE("0 issue ca.example", "0 issuewild ;"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 issue other.example", "0 issuewild ca.example"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue other.example"), CAA_OTHER_CA);
}

TEST(parameters)
{
    reset();
    CHECK_INT(JUDGE("0 issue ca.example; accounturi=https://ca.example/acct/1"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example;accounturi=https://ca.example/acct/2"), CAA_OTHER_ACCOUNT);
    CHECK_INT(JUDGE("0 issue ca.example; accounturi=https://ca.example/acct/1; "
                    "accounturi=https://ca.example/acct/1"),
              CAA_OTHER_ACCOUNT);
    CHECK_INT(JUDGE("0 issue ca.example; validationmethods=dns-01,http-01"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example; ValidationMethods = dns-01 , http-01 ;"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example; validationmethods=dns-01"), CAA_OTHER_METHOD);
    CHECK_INT(JUDGE("0 issue ca.example; validationmethods="), CAA_OTHER_METHOD);
    CHECK_INT(JUDGE("0 issue ca.example; validationmethods=http-011"), CAA_OTHER_METHOD);
    CHECK_INT(JUDGE("0 issue ca.example; nonsense"), CAA_OTHER_CA);
    CHECK_INT(JUDGE("0 issue ca.example; policy=ev"), CAA_ALLOWED);
    CHECK_INT(JUDGE("0 issue ca.example; validationmethods=dns-01", "0 issue ca.example"),
              CAA_ALLOWED);
    asker.account = "";
    CHECK_INT(JUDGE("0 issue ca.example; accounturi=https://ca.example/acct/1"), CAA_ALLOWED_IF);
    CHECK_INT(JUDGE("0 issue ca.example; accounturi=x; validationmethods=dns-01"),
              CAA_OTHER_METHOD);
}

TEST(what_cannot_be_read_is_refused)
{
    static const uint8_t none[1] = {0}, no_tag[] = {0, 0, 'x'}, long_tag[] = {0, 200, 'i'},
                         bad_tag[] = {0, 2, 'i', '-'};
    struct acme_slice bad[] = {{none, 0}, {none, 1}, {no_tag, 3}, {long_tag, 3}, {bad_tag, 4}};
    struct acme_slice many[CAA_RECORDS + 1];
    static const uint8_t iodef[] = {0, 5, 'i', 'o', 'd', 'e', 'f'};

    reset();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(caa_judge(&bad[i], 1, &asker), CAA_BROKEN);
    for (size_t i = 0; i < CAA_RECORDS + 1; i++)
        many[i] = acme_slice_of(iodef, sizeof iodef);
    CHECK_INT(caa_judge(many, CAA_RECORDS, &asker), CAA_ALLOWED);
    CHECK_INT(caa_judge(many, CAA_RECORDS + 1, &asker), CAA_BROKEN);
}

TEST(issuers_are_safe_for_a_terminal)
{
    static const uint8_t record[] = "\x00\x05issuea\x1b[1m\xff";
    struct acme_slice one = {record, sizeof record - 1};
    char text[40];
    struct acme_buf b;

    acme_buf_init(&b, text, sizeof text);
    caa_issuers(&b, &one, 1);
    CHECK(acme_buf_end(&b));
    CHECK_STR(text, "a?[1m?");
}

RUN()
