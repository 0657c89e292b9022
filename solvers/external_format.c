/* external_format.c - the messages of the external solver */
#include "external_format.h"

#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"

#define EXF_PREFIX "/.well-known/acme-challenge/"
#define EXF_FOLDER "/tmp/lwacme/public_html"

/* ---- JSON ---- */

/* The code point at text, and its bytes: U+FFFD and one byte for what is no UTF-8. */
static uint32_t exf_point(const char *text, size_t *len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    uint32_t point = p[0];

    *len = 1;
    if (n == 1)
        return point;
    if (n == 0 || p[0] > 0xf4)
        return 0xfffd;
    point &= 0x7fu >> n;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) /* also the text's end */
            return 0xfffd;
        point = point << 6 | (p[i] & 0x3fu);
    }
    if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0xfffd;
    *len = n;
    return point;
}

static void exf_escape(struct acme_buf *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";

    acme_buf_text(out, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        acme_buf_char(out, digits[unit >> shift & 15]);
}

void external_json_text(struct acme_buf *out, const char *text)
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    size_t n;

    acme_buf_char(out, '"');
    for (; *text != '\0'; text += n) {
        uint32_t point = exf_point(text, &n);
        const char *at = point < 0x80 ? strchr(from, (int)point) : NULL;

        if (at != NULL) {
            acme_buf_char(out, '\\');
            acme_buf_char(out, to[at - from]);
        } else if (point >= ' ' && point < 0x7f)
            acme_buf_char(out, (char)point);
        else if (point > 0xffff) {
            exf_escape(out, 0xd800 + ((point - 0x10000) >> 10));
            exf_escape(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
        } else
            exf_escape(out, point);
    }
    acme_buf_char(out, '"');
}

void external_json(struct acme_buf *out, const struct external_message *m)
{
    acme_buf_char(out, '{');
    for (size_t i = 0; i < m->count; i++) {
        const struct external_member *member = &m->members[i];

        acme_buf_text(out, i > 0 ? ", " : "");
        external_json_text(out, member->name);
        acme_buf_text(out, ": ");
        if (member->value == NULL)
            acme_buf_text(out, "null");
        else if (member->raw)
            acme_buf_text(out, member->value);
        else
            external_json_text(out, member->value);
    }
    acme_buf_char(out, '}');
}

void external_report(struct acme_buf *out, const char *const *lines, size_t count)
{
    acme_buf_text(out, "{\"cmd\": \"report\", \"messages\": [");
    if (count > 0)
        acme_buf_text(out, "{\"priority\": 1, \"on_crash\": true, \"lines\": [");
    for (size_t i = 0; i < count; i++) {
        acme_buf_text(out, i > 0 ? ", " : "");
        external_json_text(out, lines[i]);
    }
    acme_buf_text(out, count > 0 ? "]}]}" : "]}");
}

/* ---- members ---- */

static void exf_init(struct external_message *m)
{
    m->count = 0;
    acme_buf_init(&m->texts, m->room, sizeof m->room);
}

static void exf_add(struct external_message *m, const char *name, const char *value)
{
    struct external_member *member = &m->members[m->count];

    if (m->count == EXTERNAL_MEMBERS) {
        m->texts.overflow = true;
        return;
    }
    member->name = name;
    member->value = value;
    member->raw = false;
    m->count++;
}

static void exf_add_raw(struct external_message *m, const char *name, const char *value)
{
    exf_add(m, name, value);
    m->members[m->count - 1].raw = true;
}

static int exf_end(const struct external_message *m)
{
    return m->texts.overflow ? ACME_E_SIZE : ACME_OK;
}

/* A text in the message's room: exf_text, acme_buf_..., exf_done. */
static const char *exf_text(const struct external_message *m)
{
    return m->room + m->texts.len;
}

static void exf_done(struct external_message *m)
{
    acme_buf_char(&m->texts, '\0');
}

static const char *exf_number(struct external_message *m, int64_t value)
{
    const char *text = exf_text(m);

    acme_buf_dec(&m->texts, value > 0 ? (uint64_t)value : 0);
    exf_done(m);
    return text;
}

const char *external_value(const struct external_message *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->members[i].name, name) == 0 && m->members[i].value != NULL)
            return m->members[i].value;
    }
    return "";
}

int external_validation(struct external_message *m, const struct acme_challenge *c,
                        const char **out)
{
    uint8_t hash[ACME_SHA256_SIZE];
    int err;

    *out = c->key_authorization;
    if (c->type == ACME_CHALLENGE_HTTP01 || c->key_authorization[0] == '\0')
        return ACME_OK;
    err = acme_sha256(c->key_authorization, strlen(c->key_authorization), hash);
    if (err != ACME_OK)
        return err;
    *out = exf_text(m);
    acme_buf_b64url(&m->texts, hash, sizeof hash);
    exf_done(m);
    return exf_end(m);
}

static const char *exf_uri(struct external_message *m, const struct acme_challenge *c)
{
    const char *text = exf_text(m);
    bool six = c->id_type == ACME_ID_IP && strchr(c->identifier, ':') != NULL;

    acme_buf_text(&m->texts, six ? "http://[" : "http://");
    acme_buf_text(&m->texts, c->identifier);
    acme_buf_text(&m->texts, six ? "]" EXF_PREFIX : EXF_PREFIX);
    acme_buf_text(&m->texts, c->token);
    exf_done(m);
    return text;
}

/* Tokens and thumbprints are base64url (checked by who makes the challenge): no quoting. */
static const char *exf_command(struct external_message *m, const struct acme_challenge *c)
{
    const char *text = exf_text(m);

    acme_buf_text(&m->texts, "mkdir -p " EXF_FOLDER "/.well-known/acme-challenge\n"
                             "cd " EXF_FOLDER "\n"
                             "printf \"%s\" ");
    acme_buf_text(&m->texts, c->key_authorization);
    acme_buf_text(&m->texts, " > .well-known/acme-challenge/");
    acme_buf_text(&m->texts, c->token);
    acme_buf_text(&m->texts, "\n# run only once per server:\npython3 -m http.server 80");
    exf_done(m);
    return text;
}

static const char *exf_record(struct external_message *m, const struct acme_challenge *c)
{
    const char *text = exf_text(m);

    acme_buf_text(&m->texts, "_acme-challenge.");
    acme_buf_text(&m->texts, c->identifier);
    exf_done(m);
    return text;
}

/* ---- messages ---- */

int external_simple(struct external_message *m, const char *cmd)
{
    exf_init(m);
    exf_add(m, "cmd", cmd);
    return exf_end(m);
}

static void exf_add_proof(struct external_message *m, const struct external_proof *proof)
{
    exf_add(m, "z_domain", proof->z_domain);
    exf_add(m, "cert_path", proof->cert_path);
    exf_add(m, "key_path", proof->key_path);
    exf_add(m, "port", proof->port);
}

int external_challenge(struct external_message *m, enum external_dialect dialect,
                       const struct acme_challenge *c, const struct external_proof *proof)
{
    bool later = dialect == EXTERNAL_DIALECT_2, dns = c->type == ACME_CHALLENGE_DNS01;
    bool tls = c->type == ACME_CHALLENGE_TLSALPN01 && proof != NULL;
    const char *validation = "";
    int err;

    exf_init(m);
    if (!dns && !tls && c->type != ACME_CHALLENGE_HTTP01)
        return ACME_E_DECLINED;
    if (!acme_token_ok(acme_slice_text(c->token)))
        return ACME_E_ARG;
    err = external_validation(m, c, &validation);
    if (err != ACME_OK)
        return err;
    exf_add(m, "cmd", later ? "perform_challenge" : "validate");
    exf_add(m, "type", acme_challenge_type_name(c->type));
    if (later || tls)
        exf_add(m, "domain", c->identifier);
    if (later)
        exf_add(m, "token", c->token);
    if (later || !tls)
        exf_add(m, "validation", validation);
    if (tls)
        exf_add_proof(m, proof);
    else if (dns)
        exf_add(m, later ? "txt_domain" : "domain", exf_record(m, c));
    else {
        exf_add(m, "uri", exf_uri(m, c));
        exf_add(m, "command", exf_command(m, c));
    }
    exf_add(m, "key_auth", c->key_authorization);
    if (tls) {
        exf_add(m, "cert_pem", proof->cert_pem);
        exf_add(m, "key_pem", proof->key_pem);
    }
    return exf_end(m);
}

int external_cleanup(struct external_message *m, enum external_dialect dialect,
                     const struct acme_challenge *c, enum acme_outcome outcome)
{
    bool later = dialect == EXTERNAL_DIALECT_2;
    const char *validation = "";
    int err;

    exf_init(m);
    err = external_validation(m, c, &validation);
    if (err != ACME_OK)
        return err;
    exf_add(m, "cmd", "cleanup");
    exf_add(m, "type", acme_challenge_type_name(c->type));
    exf_add(m, "status",
            outcome == ACME_OUTCOME_VALID     ? "valid"
            : outcome == ACME_OUTCOME_INVALID ? "invalid"
                                              : "pending");
    if (later)
        exf_add(m, "domain", c->identifier);
    exf_add(m, "token", c->token);
    if (later) {
        exf_add(m, "validation", validation);
        exf_add(m, "key_auth", c->key_authorization);
    } else
        exf_add(m, "domain", c->identifier);
    exf_add(m, "validated", NULL);
    exf_add(m, "error", NULL);
    return exf_end(m);
}

int external_deploy(struct external_message *m, const char *cmd, const char *domain,
                    const struct external_files *files)
{
    exf_init(m);
    exf_add(m, "cmd", cmd);
    exf_add(m, "domain", domain);
    exf_add(m, "cert_path", files->cert);
    exf_add(m, "key_path", files->key);
    exf_add(m, "chain_path", files->chain);
    exf_add(m, "fullchain_path", files->fullchain);
    if (strcmp(cmd, "deploy_cert") == 0) {
        exf_add_raw(m, "timestamp", exf_number(m, files->now));
        exf_add_raw(m, "port", exf_number(m, files->now));
        exf_add_raw(m, "cert_timestamp", exf_number(m, files->since));
    }
    return exf_end(m);
}

int external_save(struct external_message *m, const char *title)
{
    exf_init(m);
    exf_add(m, "cmd", "save");
    exf_add(m, "title", title);
    exf_add_raw(m, "temporary", "false");
    return exf_end(m);
}

/* ---- for people ---- */

static void exf_block_tls(struct acme_buf *out, const struct external_proof *proof)
{
    acme_buf_text(out, "On port ");
    acme_buf_text(out, proof->port);
    acme_buf_text(out, ", to who asks by ALPN for acme-tls/1 and by SNI for\n\n  ");
    acme_buf_text(out, proof->z_domain);
    acme_buf_text(out, "\n\nserve this certificate and its key:\n\n  ");
    acme_buf_text(out, proof->cert_path);
    acme_buf_text(out, "\n  ");
    acme_buf_text(out, proof->key_path);
    acme_buf_char(out, '\n');
}

void external_block(struct acme_buf *out, const struct acme_challenge *c,
                    const struct external_proof *proof, struct external_message *room)
{
    const char *validation = "";

    exf_init(room);
    if (external_validation(room, c, &validation) != ACME_OK) {
        out->overflow = true;
        return;
    }
    acme_buf_char(out, '\n');
    if (c->type == ACME_CHALLENGE_TLSALPN01 && proof != NULL)
        exf_block_tls(out, proof);
    else if (c->type == ACME_CHALLENGE_DNS01) {
        acme_buf_text(out, "Add this TXT record:\n\n  name   ");
        acme_buf_text(out, exf_record(room, c));
        acme_buf_text(out, "\n  value  ");
        acme_buf_text(out, validation);
        acme_buf_text(out, "\n\nOther records of the same name must stay until all is done.\n");
    } else {
        acme_buf_text(out, "Make this address answer\n\n  ");
        acme_buf_text(out, exf_uri(room, c));
        acme_buf_text(out, "\n\nwith exactly this content:\n\n  ");
        acme_buf_text(out, validation);
        acme_buf_text(out, "\n\nWithout a web server, on that host, as root:\n\n");
        acme_buf_text(out, exf_command(room, c));
        acme_buf_char(out, '\n');
    }
    acme_buf_text(out, "\nPress ENTER to continue");
    out->overflow |= room->texts.overflow;
}
