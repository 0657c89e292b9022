/* test_objects.c - JSON texts as CAs really send them, and as a hostile one could */
#include "acme_objects.h"

#include "acme_err.h"
#include "test.h"

static uint8_t arena[16384];

static const struct acme_json *parse(const char *text)
{
    const struct acme_json *root = NULL;

    CHECK_INT(
        acme_json_parse(acme_slice_text(text), (struct acme_span){arena, sizeof arena}, &root),
        ACME_OK);
    return root;
}

/* ---- directory ---- */

TEST(directory_of_a_real_ca)
{
    struct acme_directory d;
    const char *missing = "x";

    CHECK_INT(
        acme_read_directory(
            parse("{\"keyChange\":\"https://a.test/kc\",\"meta\":{\"caaIdentities\":[\"a.test\"],"
                  "\"externalAccountRequired\":true,\"profiles\":{\"classic\":\"https://p\"},"
                  "\"termsOfService\":\"https://a.test/tos\",\"website\":\"https://a.test\"},"
                  "\"newAccount\":\"https://a.test/na\",\"newNonce\":\"https://a.test/nn\","
                  "\"newOrder\":\"https://a.test/no\",\"renewalInfo\":\"https://a.test/ri\","
                  "\"revokeCert\":\"https://a.test/rc\",\"Zx81q\":\"https://random\"}"),
            &d, &missing),
        ACME_OK);
    CHECK(missing == NULL);
    CHECK_STR(d.new_nonce, "https://a.test/nn");
    CHECK_STR(d.new_account, "https://a.test/na");
    CHECK_STR(d.new_order, "https://a.test/no");
    CHECK_STR(d.revoke_cert, "https://a.test/rc");
    CHECK_STR(d.key_change, "https://a.test/kc");
    CHECK_STR(d.renewal_info, "https://a.test/ri");
    CHECK_STR(d.terms_of_service, "https://a.test/tos");
    CHECK(d.external_account_required);
    CHECK_STR(acme_json_name(acme_json_first(d.profiles)), "classic");
    CHECK_INT(acme_json_count(d.caa_identities), 1);
}

#define THREE "\"newNonce\":\"https://n\",\"newAccount\":\"https://a\",\"newOrder\":\"https://o\""

TEST(directory_tolerates_what_cas_get_wrong)
{
    static const char *const texts[] = {
        "{" THREE "}",
        "{" THREE ",\"meta\":null}",
        "{" THREE ",\"meta\":[]}",
        "{" THREE ",\"meta\":7,\"revokeCert\":null,\"keyChange\":{},\"renewalInfo\":\"\"}",
        "{" THREE ",\"meta\":{\"caaIdentities\":null,\"termsOfService\":1,\"profiles\":[1],"
        "\"externalAccountRequired\":\"yes\"},\"x\":{\"y\":[{}]}}",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct acme_directory d;

        memset(&d, 0xa5, sizeof d);
        CHECK_INT(acme_read_directory(parse(texts[i]), &d, NULL), ACME_OK);
        CHECK_STR(d.new_order, "https://o");
        CHECK(!d.revoke_cert && !d.key_change && !d.renewal_info && !d.terms_of_service);
        CHECK(!d.profiles && !d.caa_identities && !d.external_account_required);
    }
}

TEST(directory_names_what_is_missing)
{
    static const struct {
        const char *text, *missing;
    } rows[] = {
        {"{}", "newNonce"},
        {"[]", "newNonce"},
        {"\"newNonce\"", "newNonce"},
        {"{\"newAccount\":\"https://a\",\"newOrder\":\"https://o\"}", "newNonce"},
        {"{\"newNonce\":\"https://n\",\"newOrder\":\"https://o\"}", "newAccount"},
        {"{\"newNonce\":\"https://n\",\"newAccount\":\"https://a\"}", "newOrder"},
        {"{\"newNonce\":\"https://n\",\"newAccount\":\"https://a\",\"newOrder\":7}", "newOrder"},
        {"{\"newNonce\":\"https://n\",\"newAccount\":\"https://a\",\"newOrder\":\"\"}", "newOrder"},
        {"{\"newNonce\":\"https://n\",\"newAccount\":\"https://a\",\"neworder\":\"x\"}",
         "newOrder"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_directory d;
        const char *missing = NULL;

        CHECK_INT(acme_read_directory(parse(rows[i].text), &d, &missing), ACME_E_REPLY);
        CHECK_STR(missing, rows[i].missing);
    }
}

/* ---- order ---- */

TEST(every_status_has_its_word)
{
    static const char *const words[] = {"pending", "ready",   "processing",
                                        "valid",   "invalid", "deactivated",
                                        "expired", "revoked", "canceled"};
    char text[64];
    struct acme_order_object o;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        snprintf(text, sizeof text, "{\"status\":\"%s\"}", words[i]);
        CHECK_INT(acme_read_order(parse(text), &o), ACME_OK);
        CHECK_INT(o.status, i + 1);
        CHECK_STR(acme_status_name(o.status), words[i]);
    }
    CHECK_STR(acme_status_name(ACME_STATUS_UNKNOWN), "unknown");
    CHECK_STR(acme_status_name((enum acme_status)99), "unknown");
    CHECK_INT(acme_read_order(parse("{\"status\":\"Valid\"}"), &o), ACME_OK);
    CHECK_INT(o.status, ACME_STATUS_UNKNOWN);
    CHECK_INT(acme_read_order(parse("{\"status\":4}"), &o), ACME_OK);
    CHECK_INT(o.status, ACME_STATUS_UNKNOWN);
}

TEST(order_with_all_members)
{
    struct acme_order_object o;

    CHECK_INT(acme_read_order(parse("{\"status\":\"pending\",\"expires\":\"2026-11-22T00:00:00Z\","
                                    "\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}],"
                                    "\"authorizations\":[\"https://z/1\",\"https://z/2\"],"
                                    "\"finalize\":\"https://z/f\",\"certificate\":\"https://z/c\","
                                    "\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\"}}"),
                              &o),
              ACME_OK);
    CHECK_INT(o.status, ACME_STATUS_PENDING);
    CHECK_INT(o.authorizations_count, 2);
    CHECK_STR(acme_json_text(acme_json_first(o.authorizations)), "https://z/1");
    CHECK_STR(o.finalize, "https://z/f");
    CHECK_STR(o.certificate, "https://z/c");
    CHECK_STR(acme_json_member(o.error, "type"), "urn:ietf:params:acme:error:caa");
}

TEST(order_of_cas_that_leave_members_out)
{
    struct acme_order_object o;

    CHECK_INT(acme_read_order(parse("{\"status\":\"valid\",\"authorizations\":null,"
                                    "\"finalize\":null,\"error\":null,\"certificate\":\"\"}"),
                              &o),
              ACME_OK);
    CHECK(!o.authorizations && !o.finalize && !o.certificate && !o.error);
    CHECK_INT(o.authorizations_count, 0);
    CHECK_INT(acme_read_order(parse("[]"), &o), ACME_E_REPLY);
    CHECK_INT(acme_read_order(parse("\"valid\""), &o), ACME_E_REPLY);
    CHECK_INT(acme_read_order(NULL, &o), ACME_E_REPLY);
}

/* ---- authorization ---- */

static int read_authorization(const char *identifier, const char *more,
                              struct acme_authorization *out)
{
    char text[1024];

    snprintf(text, sizeof text, "{\"status\":\"pending\",\"identifier\":%s,\"challenges\":[{}]%s}",
             identifier, more);
    return acme_read_authorization(parse(text), out);
}

TEST(authorization_identifiers)
{
    struct acme_authorization a;

    CHECK_INT(read_authorization("{\"type\":\"dns\",\"value\":\"GW.example.org\"}", "", &a),
              ACME_OK);
    CHECK_INT(a.status, ACME_STATUS_PENDING);
    CHECK_STR(a.identifier.text, "gw.example.org");
    CHECK(!a.identifier.wildcard);
    CHECK_INT(acme_json_count(a.challenges), 1);

    CHECK_INT(read_authorization("{\"type\":\"dns\",\"value\":\"example.org\"}",
                                 ",\"wildcard\":true", &a),
              ACME_OK);
    CHECK_STR(a.identifier.text, "*.example.org");
    CHECK(a.identifier.wildcard);
    CHECK_STR(acme_name_base(&a.identifier), "example.org");

    CHECK_INT(read_authorization("{\"type\":\"dns\",\"value\":\"*.example.org\"}",
                                 ",\"wildcard\":true", &a),
              ACME_OK);
    CHECK_STR(a.identifier.text, "*.example.org");

    CHECK_INT(read_authorization("{\"type\":\"dns\",\"value\":\"example.org\"}",
                                 ",\"wildcard\":false", &a),
              ACME_OK);
    CHECK_STR(a.identifier.text, "example.org");
    CHECK_INT(read_authorization("{\"type\":\"dns\",\"value\":\"example.org\"}",
                                 ",\"wildcard\":\"true\"", &a),
              ACME_OK);
    CHECK(!a.identifier.wildcard);

    CHECK_INT(read_authorization("{\"type\":\"ip\",\"value\":\"2001:DB8:0::1\"}", "", &a), ACME_OK);
    CHECK_STR(a.identifier.text, "2001:db8::1");
    CHECK_INT(a.identifier.type, ACME_ID_IP);
}

TEST(authorization_identifiers_refused)
{
    static const char *const bad[] = {
        "null",
        "\"example.org\"",
        "{}",
        "{\"value\":\"example.org\"}",
        "{\"type\":\"dns\"}",
        "{\"type\":\"dns\",\"value\":\"\"}",
        "{\"type\":\"dns\",\"value\":\"a..b\"}",
        "{\"type\":\"dns\",\"value\":\"../../etc/passwd\"}",
        "{\"type\":\"dns\",\"value\":\"a b.org\"}",
        "{\"type\":\"dns\",\"value\":\"192.0.2.1\"}",
        "{\"type\":\"ip\",\"value\":\"example.org\"}",
        "{\"type\":\"ip\",\"value\":\"192.0.2.1:80\"}",
        "{\"type\":\"email\",\"value\":\"example.org\"}",
        "{\"type\":\"DNS\",\"value\":\"example.org\"}",
        "{\"type\":7,\"value\":\"example.org\"}",
    };
    struct acme_authorization a;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_INT(read_authorization(bad[i], "", &a), ACME_E_REPLY);
    CHECK_INT(
        read_authorization("{\"type\":\"ip\",\"value\":\"192.0.2.1\"}", ",\"wildcard\":true", &a),
        ACME_E_REPLY);
}

TEST(a_wildcard_that_makes_the_name_too_long)
{
    char label[64], identifier[512];
    struct acme_authorization a;

    memset(label, 'a', 63);
    label[63] = '\0';
    for (size_t last = 57; last <= 61; last++) { /* 3 * 64 + last: 249..253 */
        snprintf(identifier, sizeof identifier, "{\"type\":\"dns\",\"value\":\"%s.%s.%s.%.*s\"}",
                 label, label, label, (int)last, label);
        CHECK_INT(read_authorization(identifier, "", &a), ACME_OK);
        CHECK_INT(read_authorization(identifier, ",\"wildcard\":true", &a),
                  last <= 59 ? ACME_OK : ACME_E_REPLY);
    }
}

TEST(authorization_needs_an_array_of_challenges)
{
    struct acme_authorization a;

#define ID "\"identifier\":{\"type\":\"dns\",\"value\":\"a.test\"}"
    CHECK_INT(acme_read_authorization(parse("{" ID "}"), &a), ACME_E_REPLY);
    CHECK_INT(acme_read_authorization(parse("{" ID ",\"challenges\":null}"), &a), ACME_E_REPLY);
    CHECK_INT(acme_read_authorization(parse("{" ID ",\"challenges\":{}}"), &a), ACME_E_REPLY);
    CHECK_INT(acme_read_authorization(parse("{" ID ",\"challenges\":[]}"), &a), ACME_OK);
    CHECK_INT(a.status, ACME_STATUS_UNKNOWN);
    CHECK_INT(acme_read_authorization(NULL, &a), ACME_E_REPLY);
}

/* ---- challenge ---- */

#define TOKEN "DGyRejmCefe7v4NfDGDKfA-_"

TEST(challenges_of_every_type)
{
    static const struct {
        const char *word;
        int value;
    } rows[] = {
        {"http-01", 1},
        {"dns-01", 2},
        {"tls-alpn-01", 4},
        {"dns-account-01", 8},
    };
    char text[256];
    struct acme_challenge_object c;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(
            text, sizeof text,
            "{\"type\":\"%s\",\"url\":\"https://c/1\",\"status\":\"processing\",\"token\":\"" TOKEN
            "\",\"error\":{},\"validated\":\"x\"}",
            rows[i].word);
        CHECK_INT(acme_read_challenge(parse(text), &c), ACME_OK);
        CHECK_INT(c.type, rows[i].value);
        CHECK_INT(c.status, ACME_STATUS_PROCESSING);
        CHECK_STR(c.url, "https://c/1");
        CHECK_STR(c.token, TOKEN);
        CHECK(c.error != NULL);
        CHECK_STR(acme_challenge_type_name(c.type), rows[i].word);
    }
    CHECK_INT(acme_read_challenge(parse("{\"type\":\"dns-persist-01\",\"url\":\"https://c/2\","
                                        "\"issuer-domain-names\":[\"ca.test\"]}"),
                                  &c),
              ACME_OK);
    CHECK_INT(c.type, ACME_CHALLENGE_DNS_PERSIST01);
    CHECK(c.token == NULL);
    CHECK_STR(acme_json_text(acme_json_first(c.issuers)), "ca.test");
    CHECK_INT(acme_read_challenge(parse("{\"type\":\"dns-persist-01\",\"url\":\"https://c/2\","
                                        "\"issuer-domain-names\":\"ca.test\"}"),
                                  &c),
              ACME_OK);
    CHECK(c.issuers == NULL);
    CHECK_STR(acme_challenge_type_name(c.type), "dns-persist-01");
    CHECK_STR(acme_challenge_type_name(ACME_CHALLENGE_NONE), "");
}

TEST(unknown_challenges_are_skipped)
{
    static const char *const texts[] = {
        "{}",
        "null",
        "7",
        "[]",
        "{\"type\":null}",
        "{\"type\":\"\"}",
        "{\"type\":\"http-02\",\"token\":\"../../x\"}",
        "{\"type\":\"HTTP-01\",\"url\":7}",
        "{\"type\":\"http-01 \",\"url\":7}",
    };
    struct acme_challenge_object c;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memset(&c, 0xa5, sizeof c);
        CHECK_INT(acme_read_challenge(parse(texts[i]), &c), ACME_OK);
        CHECK_INT(c.type, ACME_CHALLENGE_NONE);
        CHECK(!c.url && !c.token && !c.error);
    }
    CHECK_INT(acme_read_challenge(NULL, &c), ACME_OK);
    CHECK_INT(c.type, ACME_CHALLENGE_NONE);
}

TEST(tokens_outside_their_grammar_are_refused)
{
    static const char *const bad[] = {
        "null",
        "7",
        "\"\"",
        "\"short\"",
        "\"../../../../etc/cron.d/x00000\"",
        "\"DGyRejmCefe7v4NfDGDKfA/1\"",
        "\"DGyRejmCefe7v4NfDGDKfA.1\"",
        "\"DGyRejmCefe7v4NfDGDKfA=\"",
        "\"DGyRejmCefe7v4NfDGDKfA%2e\"",
        "\"DGyRejmCefe7v4NfDGDKfA+1\"",
        "\"DGyRejmCefe7v4Nf DGDKfA1\"",
        "\"DGyRejmCefe7v4NfDGDKfA\\r\\nX: y\"",
        "\"DGyRejmCefe7v4NfDGDK\\u00e4\"",
        "\"$(reboot)aaaaaaaaaaaaaaaaaaa\"",
        "\"<script>alert(1)</script>aaaa\"",
    };
    char text[256];
    struct acme_challenge_object c;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "{\"type\":\"http-01\",\"url\":\"https://c\",\"token\":%s}",
                 bad[i]);
        CHECK_INT(acme_read_challenge(parse(text), &c), ACME_E_REPLY);
        CHECK(c.token == NULL);
    }
    CHECK_INT(acme_read_challenge(parse("{\"type\":\"http-01\",\"url\":\"https://c\"}"), &c),
              ACME_E_REPLY);
    CHECK_INT(acme_read_challenge(parse("{\"type\":\"http-01\",\"token\":\"" TOKEN "\"}"), &c),
              ACME_E_REPLY);
    for (size_t len = 20; len <= ACME_MAX_TOKEN + 2; len++) {
        char token[ACME_MAX_TOKEN + 3];

        memset(token, 'x', len);
        token[len] = '\0';
        snprintf(text, sizeof text, "{\"type\":\"dns-01\",\"url\":\"https://c\",\"token\":\"%s\"}",
                 token);
        CHECK_INT(acme_read_challenge(parse(text), &c),
                  len >= 22 && len <= ACME_MAX_TOKEN ? ACME_OK : ACME_E_REPLY);
    }
}

/* ---- problems ---- */

static void read_problem(const char *text, struct acme_problem *p)
{
    memset(p, 0xa5, sizeof *p);
    acme_read_problem(parse(text), p);
    CHECK_INT(p->http_status, 0xa5a5); /* the caller's */
    CHECK_INT(p->retry_after_s, 0xa5a5a5a5);
}

TEST(every_problem_type_with_and_without_its_prefix)
{
    char text[160];
    struct acme_problem p;

    for (int i = ACME_PROBLEM_OTHER + 1; i < ACME_PROBLEM_END_; i++) {
        const char *name = acme_problem_type_name((enum acme_problem_type)i);

        CHECK(name[0] != '\0');
        snprintf(text, sizeof text, "{\"type\":\"urn:ietf:params:acme:error:%s\"}", name);
        read_problem(text, &p);
        CHECK_INT(p.type, i);
        snprintf(text, sizeof text, "{\"type\":\"%s\"}", name);
        read_problem(text, &p);
        CHECK_INT(p.type, i);
    }
    CHECK_STR(acme_problem_type_name(ACME_PROBLEM_NONE), "");
    CHECK_STR(acme_problem_type_name(ACME_PROBLEM_OTHER), "");
    CHECK_STR(acme_problem_type_name(ACME_PROBLEM_END_), "");
    CHECK_STR(acme_problem_type_name((enum acme_problem_type) - 1), "");
    /* Stored in records: these numbers are for ever. */
    CHECK_INT(ACME_PROBLEM_BAD_NONCE, 5);
    CHECK_INT(ACME_PROBLEM_RATE_LIMITED, 18);
    CHECK_INT(ACME_PROBLEM_USER_ACTION_REQUIRED, 25);
    CHECK_INT(ACME_PROBLEM_AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED, 32);
}

TEST(strange_problem_types_are_other)
{
    static const char *const texts[] = {
        "{}",
        "{\"type\":\"\"}",
        "{\"type\":7}",
        "{\"type\":\"about:blank\"}",
        "{\"type\":\"urn:ietf:params:acme:error:\"}",
        "{\"type\":\"urn:ietf:params:acme:error:badnonce\"}",
        "{\"type\":\"urn:ietf:params:acme:error:badNonce2\"}",
        "{\"type\":\"urn:ietf:params:acme:error:badNonc\"}",
        "{\"type\":\"URN:ietf:params:acme:error:badNonce\"}",
        "{\"type\":\"urn:acme:error:badNonce\"}",
        "{\"type\":\"urn:ietf:params:acme:eRROR:badNonce\"}",
        "{\"type\":\"urn:ietf:params:acme:error.badNonce\"}",
        "{\"type\":\"urn:ietf:params:acme:error:urn:ietf:params:acme:error:badNonce\"}",
        "{\"type\":\"urn:ietf:params:acme:err\"}",
    };
    struct acme_problem p;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        read_problem(texts[i], &p);
        CHECK_INT(p.type, ACME_PROBLEM_OTHER);
        CHECK_STR(p.detail, "");
        CHECK_STR(p.identifier, "");
    }
}

TEST(no_object_is_no_problem_document)
{
    struct acme_problem p;

    read_problem("null", &p);
    CHECK_INT(p.type, ACME_PROBLEM_NONE);
    read_problem("[{\"type\":\"badNonce\",\"detail\":\"x\"}]", &p);
    CHECK_INT(p.type, ACME_PROBLEM_NONE);
    CHECK_STR(p.detail, "");
    memset(&p, 0xa5, sizeof p);
    acme_read_problem(NULL, &p);
    CHECK_INT(p.type, ACME_PROBLEM_NONE);
    CHECK_STR(p.detail, "");
    CHECK_STR(p.identifier, "");
}

static void detail_becomes(const char *json, const char *want)
{
    char text[512];
    struct acme_problem p;

    snprintf(text, sizeof text, "{\"type\":\"dns\",\"detail\":\"%s\"}", json);
    read_problem(text, &p);
    CHECK_STR(p.detail, want);
}

TEST(details_are_safe_for_a_terminal)
{
    detail_becomes("plain words, 100 %s %n", "plain words, 100 %s %n");
    detail_becomes("a\\u001b[2Jb", "a?[2Jb");
    detail_becomes("a\\r\\nb\\tc", "a??b?c");
    detail_becomes("\\u0001\\u007f\\u0080\\u009f\\u00a0", "????\xc2\xa0");
    detail_becomes("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82",
                   "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82");
    detail_becomes("abc\\u202egnp.exe", "abc?gnp.exe");
    detail_becomes("\\u200b\\u200f\\u2028\\u2066\\u2069\\ufeff\\u061c", "???????");
    detail_becomes("\\u200a\\u2010\\u202f", "\xe2\x80\x8a\xe2\x80\x90\xe2\x80\xaf");
    detail_becomes("", "");
}

TEST(a_detail_is_cut_at_a_character)
{
    static char text[2 * ACME_MAX_DETAIL + 64];
    struct acme_problem p;

    for (size_t ascii = ACME_MAX_DETAIL - 8; ascii <= ACME_MAX_DETAIL + 8; ascii++) {
        size_t at = (size_t)snprintf(text, sizeof text, "{\"detail\":\"");
        size_t room = ACME_MAX_DETAIL - 1;
        size_t want = ascii >= room ? room : ascii + (room - ascii) / 3 * 3;

        memset(text + at, 'a', ascii);
        at += ascii;
        for (int i = 0; i < 8; i++) {
            memcpy(text + at, "\xe2\x82\xac", 3);
            at += 3;
        }
        snprintf(text + at, sizeof text - at, "\"}");
        read_problem(text, &p);
        CHECK_INT(strlen(p.detail), want);
    }
}

#define SUB(type, name, detail)                                                                    \
    "{\"type\":\"urn:ietf:params:acme:error:" type "\",\"detail\":\"" detail                       \
    "\",\"identifier\":{\"type\":\"dns\",\"value\":\"" name "\"}}"

TEST(the_first_subproblem_with_an_identifier_tells)
{
    struct acme_problem p;

    read_problem(
        "{\"type\":\"urn:ietf:params:acme:error:malformed\",\"detail\":\"some\","
        "\"subproblems\":[" SUB("rejectedIdentifier", "_x", "no") "," SUB(
            "caa", "B.example.net", "forbidden") "," SUB("dns", "c.example.net", "no") "]}",
        &p);
    CHECK_INT(p.type, ACME_PROBLEM_MALFORMED);
    CHECK_STR(p.identifier, "b.example.net");
    CHECK_STR(p.detail, "forbidden");

    read_problem("{\"type\":\"urn:ietf:params:acme:error:compound\",\"detail\":\"some\","
                 "\"subproblems\":[{\"detail\":\"x\"}," SUB("caa", "b.example.net", "y") "]}",
                 &p);
    CHECK_INT(p.type, ACME_PROBLEM_CAA);
    CHECK_STR(p.detail, "y");

    /* A subproblem must not make the agent repeat the request. */
    read_problem("{\"type\":\"rateLimited\",\"detail\":\"d\",\"subproblems\":[" SUB(
                     "badNonce", "b.example.net", "y") "]}",
                 &p);
    CHECK_INT(p.type, ACME_PROBLEM_RATE_LIMITED);

    read_problem("{\"type\":\"caa\",\"detail\":\"d\",\"subproblems\":[{\"detail\":\"x\"},7,null]}",
                 &p);
    CHECK_STR(p.detail, "d");
    CHECK_STR(p.identifier, "");
    read_problem("{\"type\":\"caa\",\"detail\":\"d\",\"subproblems\":{\"a\":" SUB(
                     "dns", "b.example.net", "y") "}}",
                 &p);
    CHECK_STR(p.detail, "d");
    read_problem("{\"type\":\"caa\",\"detail\":\"d\",\"subproblems\":[{\"identifier\":"
                 "{\"type\":\"ip\",\"value\":\"192.0.2.1\"}}]}",
                 &p);
    CHECK_STR(p.detail, "d");
    CHECK_STR(p.identifier, "192.0.2.1");
}

RUN(directory_of_a_real_ca, directory_tolerates_what_cas_get_wrong, directory_names_what_is_missing,
    every_status_has_its_word, order_with_all_members, order_of_cas_that_leave_members_out,
    authorization_identifiers, authorization_identifiers_refused,
    a_wildcard_that_makes_the_name_too_long, authorization_needs_an_array_of_challenges,
    challenges_of_every_type, unknown_challenges_are_skipped,
    tokens_outside_their_grammar_are_refused, every_problem_type_with_and_without_its_prefix,
    strange_problem_types_are_other, no_object_is_no_problem_document,
    details_are_safe_for_a_terminal, a_detail_is_cut_at_a_character,
    the_first_subproblem_with_an_identifier_tells)
