/* test_dns_label.c - names and values of the TXT records of DNS challenges. The labels and the
 * value are computed elsewhere (Python's hashlib and base64); the first one is the draft's own. */
#include "dns_label.h"

#include "acme_err.h"
#include "test.h"

static struct acme_challenge challenge(enum acme_challenge_type type, const char *identifier)
{
    struct acme_challenge c;

    memset(&c, 0, sizeof c);
    c.type = type;
    c.identifier = identifier;
    c.id_type = ACME_ID_DNS;
    c.token = c.key_authorization = "";
    c.account_url = "https://example.com/acme/acct/ExampleAccount";
    return c;
}

TEST(labels_of_accounts)
{
    static const struct {
        const char *url, *label;
    } known[] = {
        {"https://example.com/acme/acct/ExampleAccount", "_ujmmovf2vn55tgye"},
        {"https://localhost:14000/my-account/1", "_bpjsk7g2c3iuj47a"},
        {"https://acme-v02.api.letsencrypt.org/acme/acct/123456789", "_s7uxt2h3c45tu6gt"},
    };
    char label[DNS_LABEL_ACCOUNT];

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        CHECK_INT(dns_label_account(known[i].url, label), ACME_OK);
        CHECK_STR(label, known[i].label);
    }
}

TEST(owners)
{
    char owner[DNS_NAME_ROOM];
    struct acme_challenge c = challenge(ACME_CHALLENGE_DNS01, "a.example.org");

    CHECK_INT(dns_label_owner(&c, owner), ACME_OK);
    CHECK_STR(owner, "_acme-challenge.a.example.org");
    c.wildcard = true; /* it is proved where its base is */
    CHECK_INT(dns_label_owner(&c, owner), ACME_OK);
    CHECK_STR(owner, "_acme-challenge.a.example.org");
    c.type = ACME_CHALLENGE_DNS_ACCOUNT01;
    CHECK_INT(dns_label_owner(&c, owner), ACME_OK);
    CHECK_STR(owner, "_ujmmovf2vn55tgye._acme-challenge.a.example.org");
    c.type = ACME_CHALLENGE_DNS_PERSIST01;
    CHECK_INT(dns_label_owner(&c, owner), ACME_OK);
    CHECK_STR(owner, "_validation-persist.a.example.org");
}

TEST(what_has_no_owner)
{
    char owner[DNS_NAME_ROOM], longest[ACME_NAME_ROOM];
    struct acme_challenge c = challenge(ACME_CHALLENGE_HTTP01, "a.example.org");

    CHECK_INT(dns_label_owner(&c, owner), ACME_E_DECLINED);
    c.type = ACME_CHALLENGE_TLSALPN01;
    CHECK_INT(dns_label_owner(&c, owner), ACME_E_DECLINED);
    c = challenge(ACME_CHALLENGE_DNS01, "192.0.2.1");
    c.id_type = ACME_ID_IP;
    CHECK_INT(dns_label_owner(&c, owner), ACME_E_DECLINED);
    c = challenge(ACME_CHALLENGE_DNS_ACCOUNT01, "a.example.org");
    c.account_url = "";
    CHECK_INT(dns_label_owner(&c, owner), ACME_E_ARG);
    c.account_url = NULL;
    CHECK_INT(dns_label_owner(&c, owner), ACME_E_ARG);
    /* 253 characters in all. */
    memset(longest, 'a', sizeof longest);
    longest[63] = longest[127] = longest[191] = '.';
    longest[253 - 16] = '\0';
    c = challenge(ACME_CHALLENGE_DNS01, longest);
    CHECK_INT(dns_label_owner(&c, owner), ACME_OK);
    CHECK_INT(strlen(owner), 253);
    c.type = ACME_CHALLENGE_DNS_ACCOUNT01;
    CHECK_INT(dns_label_owner(&c, owner), ACME_E_NAME);
    longest[253 - 16] = 'a';
    longest[253 - 15] = '\0';
    c.type = ACME_CHALLENGE_DNS01;
    CHECK_INT(dns_label_owner(&c, owner), ACME_E_NAME);
}

TEST(the_value)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_DNS01, "a.example.org");
    char value[DNS_LABEL_VALUE];

    c.key_authorization = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA."
                          "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    CHECK_INT(dns_label_value(&c, value), ACME_OK);
    CHECK_STR(value, "ZTRx1Ckl1-tM05o5zaizTTA0yUy5AGereMgSNWC6Ll8");
}

RUN()
