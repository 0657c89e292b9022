/* test_external_lines.c - the messages of the external solver against the lines that its
 * interface's documentation shows: byte by byte, but for the recipe of http-01, and for tls-sni-01,
 * which no CA has any more: its members are those of tls-alpn-01 */
#include "acme_err.h"
#include "external.h"
#include "test.h"

static const char *const recorded[] = {
#include "../vectors/external_lines.inc"
};
enum { RECORDED = sizeof recorded / sizeof recorded[0] };

static char want[8000], got[8000];
static struct external_message message;

/* The text of a member, its escapes undone (there are only line ends); "" if there is none. */
static void member(const char *line, const char *name, char *out, size_t room)
{
    char key[40];
    const char *at;
    size_t n = 0;

    snprintf(key, sizeof key, "\"%s\": \"", name);
    at = strstr(line, key);
    for (at = at != NULL ? at + strlen(key) : "\""; *at != '"'; at++) {
        CHECK(n + 1 < room && *at != '\0');
        if (*at != '\\') {
            out[n++] = *at;
            continue;
        }
        CHECK(*++at == 'n');
        out[n++] = '\n';
    }
    out[n] = '\0';
}

static bool replace(char *text, size_t room, const char *from, const char *to)
{
    char *at = strstr(text, from);
    size_t rest;

    if (at == NULL)
        return false;
    rest = strlen(at + strlen(from)) + 1;
    CHECK((size_t)(at - text) + strlen(to) + rest <= room);
    memmove(at + strlen(to), at + strlen(from), rest);
    memcpy(at, to, strlen(to));
    return true;
}

static void put_got(void)
{
    struct acme_buf b;

    acme_buf_init(&b, got, sizeof got);
    external_json(&b, &message);
    CHECK(acme_buf_end(&b));
}

/* Our own recipe in place of the mark. */
static void put_recipe(void)
{
    char recipe[1000];
    struct acme_buf b;

    acme_buf_init(&b, recipe, sizeof recipe);
    external_json_text(&b, external_value(&message, "command"));
    CHECK(acme_buf_end(&b));
    CHECK(replace(want, sizeof want, "\"@\"", recipe));
}

static void read_challenge(const char *line, struct acme_challenge *c)
{
    static char type[20], token[ACME_MAX_TOKEN + 1], key_auth[ACME_MAX_TOKEN + 45], name[300];
    char uri[400];

    member(line, "type", type, sizeof type);
    member(line, "key_auth", key_auth, sizeof key_auth);
    member(line, "token", token, sizeof token);
    member(line, "domain", name, sizeof name);
    member(line, "uri", uri, sizeof uri);
    if (token[0] == '\0')
        snprintf(token, sizeof token, "%.*s", (int)strcspn(key_auth, "."), key_auth);
    if (uri[0] != '\0')
        snprintf(name, sizeof name, "%.*s", (int)strcspn(uri + 7, "/"), uri + 7);
    if (strncmp(name, "_acme-challenge.", 16) == 0)
        memmove(name, name + 16, strlen(name + 16) + 1);
    memset(c, 0, sizeof *c);
    c->type = strcmp(type, "dns-01") == 0    ? ACME_CHALLENGE_DNS01
              : strcmp(type, "http-01") == 0 ? ACME_CHALLENGE_HTTP01
                                             : ACME_CHALLENGE_TLSALPN01;
    c->identifier = name;
    c->id_type = ACME_ID_DNS;
    c->token = token;
    c->key_authorization = key_auth;
}

static void check_challenge(const char *line)
{
    static char cert_path[200], key_path[200];
    static struct external_proof proof;
    struct acme_challenge c;

    read_challenge(line, &c);
    member(line, "z_domain", proof.z_domain, sizeof proof.z_domain);
    member(line, "cert_path", cert_path, sizeof cert_path);
    member(line, "key_path", key_path, sizeof key_path);
    member(line, "port", proof.port, sizeof proof.port);
    member(line, "cert_pem", proof.cert_pem, sizeof proof.cert_pem);
    member(line, "key_pem", proof.key_pem, sizeof proof.key_pem);
    proof.cert_path = cert_path;
    proof.key_path = key_path;
    CHECK_INT(external_challenge(&message, EXTERNAL_DIALECT_1, &c, &proof), ACME_OK);
    if (c.type == ACME_CHALLENGE_HTTP01)
        put_recipe();
}

static void check_cleanup(const char *line)
{
    struct acme_challenge c;

    read_challenge(line, &c);
    CHECK_INT(external_cleanup(&message, EXTERNAL_DIALECT_1, &c, ACME_OUTCOME_UNKNOWN), ACME_OK);
}

/* How many lines of this kind there are; each is compared. */
static int compare(const char *cmd, void (*make)(const char *line))
{
    char begin[40];
    int n = 0;

    snprintf(begin, sizeof begin, "{\"cmd\": \"%s\"", cmd);
    for (size_t i = 0; i < RECORDED; i++) {
        if (strncmp(recorded[i], begin, strlen(begin)) != 0)
            continue;
        snprintf(want, sizeof want, "%s", recorded[i]);
        (void)replace(want, sizeof want, "tls-sni-01", "tls-alpn-01");
        make(recorded[i]);
        put_got();
        CHECK_STR(got, want);
        n++;
    }
    return n;
}

TEST(recorded_challenges)
{
    CHECK_INT(compare("validate", check_challenge), 12);
}

TEST(recorded_cleanups)
{
    CHECK_INT(compare("cleanup", check_cleanup), 12);
}

/* Of reports the frame: what the lines say is ours. */
TEST(recorded_reports)
{
    static char texts[40][600];
    const char *lines[40], *at;
    struct acme_buf b;
    int n = 0;

    for (size_t i = 0; i < RECORDED; i++) {
        size_t count = 0;
        if (strncmp(recorded[i], "{\"cmd\": \"report\"", 16) != 0)
            continue;
        at = strstr(recorded[i], "\"lines\": [");
        CHECK(at != NULL);
        for (at += 10; *at == '"'; at += strncmp(at, ", ", 2) == 0 ? 2 : 0) {
            size_t len = strcspn(at + 1, "\"");
            CHECK(count < 40 && len < sizeof texts[0]);
            memcpy(texts[count], at + 1, len);
            texts[count][len] = '\0';
            lines[count] = texts[count];
            count++;
            at += len + 2;
        }
        CHECK(count > 5);
        acme_buf_init(&b, got, sizeof got);
        external_report(&b, lines, count);
        CHECK(acme_buf_end(&b));
        CHECK_STR(got, recorded[i]);
        n++;
    }
    CHECK_INT(n, 6);
}

RUN()
