/* test_external.c - the messages of the external solver, byte by byte */
#include "external_world.h"

#define URI "http://" NAME "/.well-known/acme-challenge/" TOKEN
#define RECIPE                                                                                     \
    "mkdir -p /tmp/lwacme/public_html/.well-known/acme-challenge\\ncd /tmp/lwacme/public_html\\n"  \
    "printf \\\"%s\\\" " AUTH " > .well-known/acme-challenge/" TOKEN                               \
    "\\n# run only once per server:\\npython3 -m http.server 80"

static struct external_message message;
static struct external_proof proof = {.z_domain = NAME,
                                      .cert_path = "/c.crt",
                                      .key_path = "/k.pem",
                                      .port = "443",
                                      .cert_pem = "-----BEGIN CERTIFICATE-----\n",
                                      .key_pem = "-----BEGIN PRIVATE KEY-----\n"};
static char line[EXTERNAL_LINE_MAX];

static const char *json(void)
{
    struct acme_buf b;

    acme_buf_init(&b, line, sizeof line);
    external_json(&b, &message);
    CHECK(acme_buf_end(&b));
    return line;
}

static const char *challenge_json(enum acme_challenge_type type, enum external_dialect dialect)
{
    struct acme_challenge c = challenge(type);

    CHECK_INT(external_challenge(&message, dialect, &c, &proof), ACME_OK);
    return json();
}

TEST(dns_1)
{
    CHECK_STR(challenge_json(ACME_CHALLENGE_DNS01, EXTERNAL_DIALECT_1),
              "{\"cmd\": \"validate\", \"type\": \"dns-01\", \"validation\": \"" DNS_DIGEST
              "\", \"domain\": \"_acme-challenge." NAME "\", \"key_auth\": \"" DNS_AUTH "\"}");
}

TEST(dns_2)
{
    CHECK_STR(challenge_json(ACME_CHALLENGE_DNS01, EXTERNAL_DIALECT_2),
              "{\"cmd\": \"perform_challenge\", \"type\": \"dns-01\", \"domain\": \"" NAME
              "\", \"token\": \"" DNS_TOKEN "\", \"validation\": \"" DNS_DIGEST
              "\", \"txt_domain\": \"_acme-challenge." NAME "\", \"key_auth\": \"" DNS_AUTH "\"}");
}

TEST(http_1)
{
    CHECK_STR(challenge_json(ACME_CHALLENGE_HTTP01, EXTERNAL_DIALECT_1),
              "{\"cmd\": \"validate\", \"type\": \"http-01\", \"validation\": \"" AUTH
              "\", \"uri\": \"" URI "\", \"command\": \"" RECIPE "\", \"key_auth\": \"" AUTH "\"}");
}

TEST(http_2)
{
    CHECK_STR(challenge_json(ACME_CHALLENGE_HTTP01, EXTERNAL_DIALECT_2),
              "{\"cmd\": \"perform_challenge\", \"type\": \"http-01\", \"domain\": \"" NAME
              "\", \"token\": \"" TOKEN "\", \"validation\": \"" AUTH "\", \"uri\": \"" URI
              "\", \"command\": \"" RECIPE "\", \"key_auth\": \"" AUTH "\"}");
}

#define PROOF                                                                                      \
    "\"z_domain\": \"" NAME                                                                        \
    "\", \"cert_path\": \"/c.crt\", \"key_path\": \"/k.pem\", \"port\": \"443\", "                 \
    "\"key_auth\": \"" AUTH "\", \"cert_pem\": \"-----BEGIN CERTIFICATE-----\\n\", \"key_pem\": "  \
    "\"-----BEGIN PRIVATE KEY-----\\n\"}"

TEST(tls_1)
{
    CHECK_STR(challenge_json(ACME_CHALLENGE_TLSALPN01, EXTERNAL_DIALECT_1),
              "{\"cmd\": \"validate\", \"type\": \"tls-alpn-01\", \"domain\": \"" NAME
              "\", " PROOF);
}

TEST(tls_2)
{
    CHECK_STR(challenge_json(ACME_CHALLENGE_TLSALPN01, EXTERNAL_DIALECT_2),
              "{\"cmd\": \"perform_challenge\", \"type\": \"tls-alpn-01\", \"domain\": \"" NAME
              "\", \"token\": \"" TOKEN "\", \"validation\": \"" AUTH_DIGEST "\", " PROOF);
}

TEST(cleanup_1)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_DNS01);

    CHECK_INT(external_cleanup(&message, EXTERNAL_DIALECT_1, &c, ACME_OUTCOME_UNKNOWN), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"cleanup\", \"type\": \"dns-01\", \"status\": \"pending\", "
                      "\"token\": \"" DNS_TOKEN "\", \"domain\": \"" NAME
                      "\", \"validated\": null, \"error\": null}");
}

TEST(cleanup_2)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_DNS01);

    CHECK_INT(external_cleanup(&message, EXTERNAL_DIALECT_2, &c, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"cleanup\", \"type\": \"dns-01\", \"status\": \"valid\", "
                      "\"domain\": \"" NAME "\", \"token\": \"" DNS_TOKEN
                      "\", \"validation\": \"" DNS_DIGEST "\", \"key_auth\": \"" DNS_AUTH
                      "\", \"validated\": null, \"error\": null}");
}

/* Found after a restart, of a challenge that the record no longer has: there is nothing to hash. */
TEST(cleanup_of_what_is_not_known)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_DNS01);

    c.key_authorization = "";
    CHECK_INT(external_cleanup(&message, EXTERNAL_DIALECT_2, &c, ACME_OUTCOME_INVALID), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"cleanup\", \"type\": \"dns-01\", \"status\": \"invalid\", "
                      "\"domain\": \"" NAME "\", \"token\": \"" DNS_TOKEN
                      "\", \"validation\": \"\", \"key_auth\": \"\", \"validated\": null, "
                      "\"error\": null}");
}

TEST(deploy_and_save)
{
    const struct external_files f = {"/c", "/k", "/h", "/f", 1700000000, 1600000000};

    CHECK_INT(external_deploy(&message, "deploy_cert", NAME, &f), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"deploy_cert\", \"domain\": \"" NAME
                      "\", \"cert_path\": \"/c\", \"key_path\": \"/k\", \"chain_path\": \"/h\", "
                      "\"fullchain_path\": \"/f\", \"timestamp\": 1700000000, \"port\": "
                      "1700000000, \"cert_timestamp\": 1600000000}");
    CHECK_INT(external_deploy(&message, "unchanged_cert", NAME, &f), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"unchanged_cert\", \"domain\": \"" NAME
                      "\", \"cert_path\": \"/c\", \"key_path\": \"/k\", \"chain_path\": \"/h\", "
                      "\"fullchain_path\": \"/f\"}");
    CHECK_INT(external_save(&message, NULL), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"save\", \"title\": null, \"temporary\": false}");
    CHECK_INT(external_simple(&message, "restart"), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"restart\"}");
}

TEST(reports)
{
    const char *const lines[] = {"a \"b\"", ""};
    struct acme_buf b;

    acme_buf_init(&b, line, sizeof line);
    external_report(&b, NULL, 0);
    CHECK(acme_buf_end(&b));
    CHECK_STR(line, "{\"cmd\": \"report\", \"messages\": []}");
    acme_buf_init(&b, line, sizeof line);
    external_report(&b, lines, 2);
    CHECK(acme_buf_end(&b));
    CHECK_STR(line, "{\"cmd\": \"report\", \"messages\": [{\"priority\": 1, \"on_crash\": true, "
                    "\"lines\": [\"a \\\"b\\\"\", \"\"]}]}");
}

static const char *text_of(const char *text)
{
    struct acme_buf b;

    acme_buf_init(&b, line, sizeof line);
    external_json_text(&b, text);
    CHECK(acme_buf_end(&b));
    return line;
}

/* As Python's json.dumps: what is not ASCII is escaped, by UTF-16 units. */
TEST(escapes)
{
    CHECK_STR(text_of("\"\\/\n\r\t\b\f\x01\x7f"), "\"\\\"\\\\/\\n\\r\\t\\b\\f\\u0001\\u007f\"");
    CHECK_STR(text_of("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\\u00e9\\u20ac\\ud83d\\ude00\"");
    CHECK_STR(text_of("\xc3"), "\"\\ufffd\"");
    CHECK_STR(text_of("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
    CHECK_STR(text_of("\xed\xa0\x80."), "\"\\ufffd\\ufffd\\ufffd.\"");
    CHECK_STR(text_of("\xff"), "\"\\ufffd\"");
    CHECK_STR(text_of("\xf4\x8f\xbf\xbf"), "\"\\udbff\\udfff\"");
    CHECK_STR(text_of("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* above the last */
    CHECK_STR(text_of("\xe0\x80\xaf."), "\"\\ufffd\\ufffd\\ufffd.\"");
    CHECK_STR(text_of("\xed\x9f\xbf\xee\x80\x80"), "\"\\ud7ff\\ue000\""); /* around surrogates */
}

/* The longest that there is fits into a line. */
TEST(longest)
{
    static const enum acme_challenge_type types[] = {ACME_CHALLENGE_HTTP01, ACME_CHALLENGE_DNS01,
                                                     ACME_CHALLENGE_TLSALPN01};
    static struct external_proof full;
    static char path[381];
    static char token[ACME_MAX_TOKEN + 1], auth[ACME_MAX_TOKEN + 45], name[ACME_NAME_ROOM];
    struct acme_challenge c = challenge(ACME_CHALLENGE_HTTP01);

    memset(token, 'a', sizeof token - 1);
    memset(auth, 'a', sizeof auth - 1);
    memset(name, 'n', 253);
    memset(path, 'p', sizeof path - 1);
    full.cert_path = full.key_path = path;
    c.token = token;
    c.key_authorization = auth;
    c.identifier = name;
    memset(full.z_domain, 'n', 253);
    memset(full.port, '9', 5);
    memset(full.cert_pem, 'c', sizeof full.cert_pem - 1);
    for (size_t i = 64; i < sizeof full.cert_pem - 1; i += 65)
        full.cert_pem[i] = '\n';
    memset(full.key_pem, 'k', sizeof full.key_pem - 1);
    for (size_t i = 0; i < 3; i++) {
        c.type = types[i];
        CHECK_INT(external_challenge(&message, EXTERNAL_DIALECT_2, &c, &full), ACME_OK);
        (void)json();
        CHECK_INT(external_cleanup(&message, EXTERNAL_DIALECT_2, &c, ACME_OUTCOME_VALID), ACME_OK);
        (void)json();
    }
}

TEST(refused)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);

    CHECK_INT(external_challenge(&message, EXTERNAL_DIALECT_1, &c, NULL), ACME_E_DECLINED);
    c.type = ACME_CHALLENGE_NONE;
    CHECK_INT(external_challenge(&message, EXTERNAL_DIALECT_1, &c, &proof), ACME_E_DECLINED);
    c = challenge(ACME_CHALLENGE_HTTP01);
    c.token = "$(rm -rf /)aaaaaaaaaaaaaaaaaaaa";
    CHECK_INT(external_challenge(&message, EXTERNAL_DIALECT_1, &c, NULL), ACME_E_ARG);
}

TEST(address)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_HTTP01);

    c.identifier = "2001:db8::1";
    c.id_type = ACME_ID_IP;
    CHECK_INT(external_challenge(&message, EXTERNAL_DIALECT_1, &c, NULL), ACME_OK);
    CHECK(strstr(json(), "\"uri\": \"http://[2001:db8::1]/.well-known/") != NULL);
}

/* ---- for people ---- */

static const char *block(const struct acme_challenge *c, const struct external_proof *p)
{
    struct acme_buf b;

    acme_buf_init(&b, line, sizeof line);
    external_block(&b, c, p, &message);
    CHECK(acme_buf_end(&b));
    return line;
}

TEST(a_block_for_http)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_HTTP01);

    CHECK_STR(block(&c, NULL),
              "\nMake this address answer\n\n  " URI "\n\nwith exactly this content:\n\n  " AUTH
              "\n\nWithout a web server, on that host, as root:\n\n"
              "mkdir -p /tmp/lwacme/public_html/.well-known/acme-challenge\n"
              "cd /tmp/lwacme/public_html\n"
              "printf \"%s\" " AUTH " > .well-known/acme-challenge/" TOKEN "\n"
              "# run only once per server:\npython3 -m http.server 80\n"
              "\nPress ENTER to continue");
    c.identifier = "2001:db8::1";
    c.id_type = ACME_ID_IP;
    CHECK(strstr(block(&c, &proof), "\n  http://[2001:db8::1]/.well-known/") != NULL);
    c.identifier = "192.0.2.7";
    CHECK(strstr(block(&c, &proof), "\n  http://192.0.2.7/.well-known/") != NULL);
}

TEST(a_block_for_dns)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_DNS01);

    CHECK_STR(block(&c, &proof),
              "\nAdd this TXT record:\n\n  name   _acme-challenge." NAME "\n  value  " DNS_DIGEST
              "\n\nOther records of the same name must stay until all is done.\n"
              "\nPress ENTER to continue");
}

/* A block that is cut would have a person do the wrong thing. */
TEST(a_block_is_whole_or_none)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_HTTP01);
    size_t len = strlen(block(&c, NULL));
    static char token[4000];
    struct acme_buf b;

    for (size_t room = 0; room <= len; room++) {
        acme_buf_init(&b, line, room);
        external_block(&b, &c, NULL, &message);
        CHECK(b.overflow == (room < len));
    }
    memset(token, 'a', sizeof token - 1);
    c.token = token; /* its texts do not fit */
    acme_buf_init(&b, line, sizeof line);
    external_block(&b, &c, NULL, &message);
    CHECK(b.overflow);
}

TEST(values_of_a_message)
{
    CHECK_INT(external_save(&message, NULL), ACME_OK);
    CHECK_STR(external_value(&message, "cmd"), "save");
    CHECK_STR(external_value(&message, "title"), ""); /* null */
    CHECK_STR(external_value(&message, "validation"), "");
}

RUN()
