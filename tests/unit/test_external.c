/* test_external.c - the messages of the external solver, byte by byte; and the solver over a
 * scripted channel and scripted handlers */
#include "external.h"

#include "acme_err.h"
#include "acme_event.h"
#include "test.h"

#define TOKEN       "M7eaUb9BYXH8kb1IuTvjxcj5UmhZjbVrHfRHdhjatS4"
#define THUMB       "tRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0"
#define AUTH        TOKEN "." THUMB
#define AUTH_DIGEST "OZAc8PxYCm-93UX9zsybgNSCZEO9NMK2N8QeJlGPPUE"
#define DNS_TOKEN                                                                                  \
    "AfWfkObOD6vyCKXA1tE0Y2Eub9kvltKB7DH5zGxSG04" /* a recorded run: its digest is known too */
#define DNS_AUTH   DNS_TOKEN "." THUMB
#define DNS_DIGEST "rwfX5jrRQXOiXLOgPL0RM4QtVx0oEIK_pA4Y4eSjqOI"
#define NAME       "stoke2.pki.enigmabridge.com"
#define URI        "http://" NAME "/.well-known/acme-challenge/" TOKEN
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

static struct acme_challenge challenge(enum acme_challenge_type type)
{
    bool dns = type == ACME_CHALLENGE_DNS01;
    struct acme_challenge c = {.type = type,
                               .identifier = NAME,
                               .id_type = ACME_ID_DNS,
                               .token = dns ? DNS_TOKEN : TOKEN,
                               .key_authorization = dns ? DNS_AUTH : AUTH};

    return c;
}

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

TEST(deploy_and_save)
{
    const struct external_files f = {"/c", "/k", "/h", "/f", 1700000000, 1600000000};

    CHECK_INT(external_deploy(&message, "deploy_cert", NAME, &f), ACME_OK);
    CHECK_STR(json(), "{\"cmd\": \"deploy_cert\", \"domain\": \"" NAME
                      "\", \"cert_path\": \"/c\", \"key_path\": \"/k\", \"chain_path\": \"/h\", "
                      "\"fullchain_path\": \"/f\", \"timestamp\": 1700000000, \"port\": "
                      "1700000000, \"cert_timestamp\": 1600000000}");
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

/* ---- the solver ---- */

static struct external x;
static struct {
    char log[8000]; /* ">line" written, "!command args" run, "<" read */
    int answers, read_err, write_busy, run_busy, status, stops, warnings;
    const char *printed, *fail_at;
    bool runs, failing;
} w;

static void note(const char *a, const char *b)
{
    size_t n = strlen(w.log);

    snprintf(w.log + n, sizeof w.log - n, "%s%s\n", a, b);
}

static int open_channel(void *ctx)
{
    (void)ctx;
    return ACME_OK;
}

static int read_line(void *ctx, char *out, size_t cap)
{
    (void)ctx;
    (void)cap;
    if (w.answers == 0)
        return w.read_err;
    w.answers--;
    note("<", "");
    out[0] = '\0';
    return 1;
}

static int write_line(void *ctx, const char *text, size_t len)
{
    char shown[40];
    const char *cmd = len > 9 ? text + 9 : "";

    (void)ctx;
    if (w.write_busy-- > 0)
        return ACME_AGAIN;
    snprintf(shown, sizeof shown, "%.*s", text[0] == '{' ? (int)strcspn(cmd, "\",}") : 5,
             text[0] == '{' ? cmd : "block");
    note(">", shown);
    return ACME_OK;
}

static void close_channel(void *ctx)
{
    (void)ctx;
    note("closed", "");
}

static int run_start(void *ctx, const char *const *args, const struct external_message *m,
                     const char *text)
{
    char all[400] = "";

    (void)ctx;
    CHECK((m == NULL) == (text[0] == '\0'));
    for (size_t i = 0; args[i] != NULL; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, args[i]);
    }
    note("!", all);
    w.failing = w.fail_at != NULL && strcmp(args[0], w.fail_at) == 0;
    w.runs = true;
    return ACME_OK;
}

static int run_poll(void *ctx, struct external_ended *ended)
{
    (void)ctx;
    CHECK(w.runs);
    if (w.run_busy > 0) {
        w.run_busy--;
        return ACME_AGAIN;
    }
    w.runs = false;
    if (w.failing) {
        ended->status = w.status;
        snprintf(ended->printed, sizeof ended->printed, "%s", w.printed);
    }
    return ACME_OK;
}

static void run_stop(void *ctx)
{
    (void)ctx;
    w.runs = false;
    w.stops++;
}

static const char *run_why(void *ctx)
{
    (void)ctx;
    return "";
}

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    CHECK_INT(event->type, ACME_EVENT_WARNING);
    w.warnings++;
}

static struct acme_solver *solver(enum external_mode mode)
{
    static const struct acme_net net = {.resolver = NULL};
    static const struct acme_port port = {.net = &net, .event = on_event};
    static const struct acme_channel channel = {.open = open_channel,
                                                .read_line = read_line,
                                                .write_line = write_line,
                                                .close = close_channel};
    static const struct external_runner runner = {
        .start = run_start, .poll = run_poll, .stop = run_stop, .why = run_why, .program = "/h"};
    struct external_config config = {
        .mode = mode, .dialect = EXTERNAL_DIALECT_1, .channel = &channel, .runner = &runner};

    memset(&w, 0, sizeof w);
    w.read_err = ACME_AGAIN;
    w.printed = "";
    return external_init(&x, &port, &config);
}

TEST(one_line_for_a_challenge)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    w.write_busy = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_STR(w.log, ">validate\n");
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_OK);
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &b), ACME_OK);
    CHECK_INT(s->ops->ready(s, &a), ACME_OK);
    CHECK_INT(s->ops->ready(s, &b), ACME_OK);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(s->ops->end(s, &b, ACME_OUTCOME_VALID), ACME_OK);
    external_close(&x);
    CHECK_STR(w.log, ">validate\n<\n>validate\n<\n>cleanup\n>cleanup\nclosed\n");
}

TEST(end_of_input)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.read_err = ACME_E_CLOSED;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_SOLVER);
    CHECK(strstr(x.why, "end of input") != NULL);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_OK);
    CHECK_STR(w.log, ">validate\n>cleanup\n");
}

TEST(text_is_no_json)
{
    struct acme_solver *s = solver(EXTERNAL_TEXT);
    struct acme_challenge a = challenge(ACME_CHALLENGE_DNS01);

    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_OK);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_STR(w.log, ">block\n<\n");
}

static void until_done(struct acme_solver *s, const struct acme_challenge *c, bool end, int want)
{
    int err = ACME_AGAIN;

    for (int i = 0; i < 50 && err == ACME_AGAIN; i++)
        err = end ? s->ops->end(s, c, ACME_OUTCOME_VALID) : s->ops->begin(s, c);
    CHECK_INT(err, want);
}

TEST(commands_in_order)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    w.run_busy = 2;
    until_done(s, &a, false, ACME_OK);
    until_done(s, &b, false, ACME_OK);
    CHECK_INT(s->ops->ready(s, &a), ACME_OK);
    CHECK_INT(s->ops->ready(s, &b), ACME_OK);
    w.run_busy = 2;
    until_done(s, &a, true, ACME_OK);
    until_done(s, &b, true, ACME_OK);
    CHECK_INT(external_finish(&x), ACME_OK);
    CHECK_INT(external_finish(&x), ACME_OK);
    CHECK_STR(w.log, "!pre-perform\n>validate\n!perform\n>validate\n!perform\n!post-perform\n"
                     "!pre-cleanup\n>cleanup\n!cleanup\n>cleanup\n!cleanup\n!post-cleanup\n");
}

TEST(hooks_of_dehydrated)
{
    struct acme_solver *s = solver(EXTERNAL_DEHYDRATED);
    struct acme_challenge b = challenge(ACME_CHALLENGE_DNS01);

    until_done(s, &b, false, ACME_OK);
    until_done(s, &b, true, ACME_OK);
    CHECK_STR(w.log, "!deploy_challenge " NAME " " DNS_TOKEN " " DNS_DIGEST "\n"
                     "!clean_challenge " NAME " " DNS_TOKEN " " DNS_DIGEST "\n");
}

TEST(not_implemented)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.fail_at = "pre-perform";
    w.status = 3;
    w.printed = "NotImplemented\n";
    until_done(s, &a, false, ACME_OK);
    CHECK_INT(w.warnings, 1);
    s = solver(EXTERNAL_HANDLER);
    w.fail_at = "perform";
    w.status = 3;
    w.printed = "NotImplemented, I think";
    until_done(s, &a, false, ACME_E_SOLVER);
    CHECK_STR(x.why, "/h perform: exit status 3");
}

/* A cleanup that fails keeps nothing from being cleaned up. */
TEST(cleanup_goes_on)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.fail_at = "pre-cleanup";
    w.status = 1;
    until_done(s, &a, true, ACME_E_SOLVER);
    CHECK_STR(w.log, "!pre-cleanup\n>cleanup\n!cleanup\n");
}

/* The run is stopped while a handler performs: it is ended before the cleanup begins. */
TEST(stopped)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.run_busy = 100;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_AGAIN);
    CHECK_INT(w.stops, 1);
    CHECK_STR(w.log, "!pre-perform\n!pre-cleanup\n");
}

TEST(declines)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    a.wildcard = true;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_DECLINED);
    a = challenge(ACME_CHALLENGE_TLSALPN01);
    CHECK_INT(s->ops->begin(s, &a), ACME_E_DECLINED);
    CHECK_STR(w.log, "");
}

/* For a list of solvers: each type by itself, and all of them are the one. */
TEST(one_type)
{
    struct acme_solver *all = solver(EXTERNAL_JSON), *http, *dns;
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    http = external_of(&x, ACME_CHALLENGE_HTTP01);
    dns = external_of(&x, ACME_CHALLENGE_DNS01);
    CHECK(external_of(&x, ACME_CHALLENGE_NONE) == NULL);
    CHECK(external_of(&x, ACME_CHALLENGE_TLSALPN01) == NULL);
    CHECK(strcmp(http->ops->name, dns->ops->name) != 0);
    CHECK(strcmp(http->ops->name, all->ops->name) != 0);
    CHECK_INT(http->ops->types, ACME_CHALLENGE_HTTP01);
    CHECK_INT(http->ops->begin(http, &b), ACME_E_DECLINED);
    CHECK_INT(dns->ops->begin(dns, &a), ACME_E_DECLINED);
    w.answers = 2;
    CHECK_INT(http->ops->begin(http, &a), ACME_OK);
    CHECK_INT(dns->ops->begin(dns, &b), ACME_OK);
    CHECK_INT(http->ops->end(http, &a, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(dns->ops->end(dns, &b, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_STR(w.log, ">validate\n<\n>validate\n<\n>cleanup\n>cleanup\n");
}

RUN()
