/* acme_objects.c - the resources of RFC 8555 7.1 and problem documents: from JSON to structs */
#include "acme_objects.h"

#include <string.h>

#include "acme_err.h"

/* A row of each table: what we call it and what the wire calls it. */
struct obj_word {
    uint8_t value;
    const char *text;
};

static const struct obj_word obj_statuses[] = {
    {ACME_STATUS_PENDING, "pending"},       {ACME_STATUS_READY, "ready"},
    {ACME_STATUS_PROCESSING, "processing"}, {ACME_STATUS_VALID, "valid"},
    {ACME_STATUS_INVALID, "invalid"},       {ACME_STATUS_DEACTIVATED, "deactivated"},
    {ACME_STATUS_EXPIRED, "expired"},       {ACME_STATUS_REVOKED, "revoked"},
    {ACME_STATUS_CANCELED, "canceled"},
};

static const struct obj_word obj_challenges[] = {
    {ACME_CHALLENGE_HTTP01, "http-01"},
    {ACME_CHALLENGE_DNS01, "dns-01"},
    {ACME_CHALLENGE_TLSALPN01, "tls-alpn-01"},
    {ACME_CHALLENGE_DNS_ACCOUNT01, "dns-account-01"},
    {ACME_CHALLENGE_DNS_PERSIST01, "dns-persist-01"},
};

static const char *const obj_problems[] = {
#define OBJ_PROBLEM(name, text) text,
    ACME_PROBLEM_TABLE(OBJ_PROBLEM)
#undef OBJ_PROBLEM
};

#define OBJ_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t obj_value(const struct obj_word *words, size_t count, const char *text)
{
    for (size_t i = 0; text && i < count; i++) {
        if (strcmp(words[i].text, text) == 0)
            return words[i].value;
    }
    return 0;
}

static const char *obj_text(const struct obj_word *words, size_t count, int value,
                            const char *otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].value == value)
            return words[i].text;
    }
    return otherwise;
}

/* An empty string is no URL: as good as absent. */
static const char *obj_url(const struct acme_json *object, const char *name)
{
    const char *text = acme_json_member(object, name);

    return text && *text ? text : NULL;
}

static const struct acme_json *obj_object(const struct acme_json *object, const char *name)
{
    const struct acme_json *node = acme_json_get(object, name);

    return acme_json_is_object(node) ? node : NULL;
}

static const struct acme_json *obj_array(const struct acme_json *object, const char *name)
{
    const struct acme_json *node = acme_json_get(object, name);

    return acme_json_is_array(node) ? node : NULL;
}

static enum acme_status obj_status(const struct acme_json *object)
{
    return (enum acme_status)obj_value(obj_statuses, OBJ_COUNT(obj_statuses),
                                       acme_json_member(object, "status"));
}

const char *acme_status_name(enum acme_status status)
{
    return obj_text(obj_statuses, OBJ_COUNT(obj_statuses), (int)status, "unknown");
}

const char *acme_challenge_type_name(enum acme_challenge_type type)
{
    return obj_text(obj_challenges, OBJ_COUNT(obj_challenges), (int)type, "");
}

int acme_read_directory(const struct acme_json *root, struct acme_directory *out,
                        const char **missing)
{
    const struct acme_json *meta = acme_json_get(root, "meta");
    const char *absent = NULL;

    memset(out, 0, sizeof *out);
    out->new_nonce = obj_url(root, "newNonce");
    out->new_account = obj_url(root, "newAccount");
    out->new_order = obj_url(root, "newOrder");
    out->revoke_cert = obj_url(root, "revokeCert");
    out->key_change = obj_url(root, "keyChange");
    out->renewal_info = obj_url(root, "renewalInfo");
    if (acme_json_is_object(meta)) {
        out->terms_of_service = obj_url(meta, "termsOfService");
        out->external_account_required =
            acme_json_bool(acme_json_get(meta, "externalAccountRequired"), false);
        out->profiles = obj_object(meta, "profiles");
        out->caa_identities = obj_array(meta, "caaIdentities");
    }
    if (!out->new_order)
        absent = "newOrder";
    if (!out->new_account)
        absent = "newAccount";
    if (!out->new_nonce)
        absent = "newNonce";
    if (missing)
        *missing = absent;
    return absent ? ACME_E_REPLY : ACME_OK;
}

int acme_read_order(const struct acme_json *root, struct acme_order_object *out)
{
    memset(out, 0, sizeof *out);
    if (!acme_json_is_object(root))
        return ACME_E_REPLY;
    out->status = obj_status(root);
    out->authorizations = obj_array(root, "authorizations");
    out->authorizations_count = out->authorizations ? acme_json_count(out->authorizations) : 0;
    out->finalize = obj_url(root, "finalize");
    out->certificate = obj_url(root, "certificate");
    out->error = obj_object(root, "error");
    return ACME_OK;
}

/* The identifier object of an authorization or a subproblem: its type and value must agree. */
static int obj_identifier(const struct acme_json *node, struct acme_name *out)
{
    const char *type = acme_json_member(node, "type");
    const char *value = acme_json_member(node, "value");

    if (!type || !value || acme_name_read(acme_slice_text(value), out, NULL) != ACME_OK)
        return ACME_E_REPLY;
    if (strcmp(type, out->type == ACME_ID_DNS ? "dns" : "ip") != 0)
        return ACME_E_REPLY;
    return ACME_OK;
}

int acme_read_authorization(const struct acme_json *root, struct acme_authorization *out)
{
    struct acme_name *name = &out->identifier;
    bool wildcard;

    memset(out, 0, sizeof *out);
    out->status = obj_status(root);
    out->challenges = obj_array(root, "challenges");
    if (!out->challenges || obj_identifier(acme_json_get(root, "identifier"), name) != ACME_OK)
        return ACME_E_REPLY;
    wildcard = acme_json_bool(acme_json_get(root, "wildcard"), false);
    /* RFC 8555 7.1.4 keeps "*." out of the value; a CA that leaves it in means the same. */
    if (wildcard && !name->wildcard) {
        size_t len = strlen(name->text);

        if (name->type != ACME_ID_DNS || len + 2 > ACME_MAX_NAME)
            return ACME_E_REPLY;
        memmove(name->text + 2, name->text, len + 1);
        memcpy(name->text, "*.", 2);
        name->wildcard = true;
    }
    return ACME_OK;
}

int acme_read_challenge(const struct acme_json *node, struct acme_challenge_object *out)
{
    const char *token = acme_json_member(node, "token");

    memset(out, 0, sizeof *out);
    out->type = (enum acme_challenge_type)obj_value(obj_challenges, OBJ_COUNT(obj_challenges),
                                                    acme_json_member(node, "type"));
    if (out->type == ACME_CHALLENGE_NONE)
        return ACME_OK;
    out->status = obj_status(node);
    out->error = obj_object(node, "error");
    out->url = obj_url(node, "url");
    if (!out->url)
        return ACME_E_REPLY;
    /* dns-persist-01 has no token, so whatever is there is not ours to look at. */
    if (out->type == ACME_CHALLENGE_DNS_PERSIST01) {
        out->issuers = obj_array(node, "issuer-domain-names");
        return ACME_OK;
    }
    if (!acme_token_ok(acme_slice_text(token)))
        return ACME_E_REPLY;
    out->token = token;
    return ACME_OK;
}

const char *acme_problem_type_name(enum acme_problem_type type)
{
    return (size_t)type < OBJ_COUNT(obj_problems) ? obj_problems[type] : "";
}

static uint8_t obj_problem_type(const char *text)
{
    static const char urn[] = "urn:ietf:params:acme:error:";

    if (!text)
        return ACME_PROBLEM_OTHER; /* RFC 9457: absent is "about:blank" */
    if (strncmp(text, urn, sizeof urn - 1) == 0)
        text += sizeof urn - 1;
    for (unsigned i = ACME_PROBLEM_OTHER + 1; i < ACME_PROBLEM_END_; i++) {
        if (strcmp(obj_problems[i], text) == 0)
            return (uint8_t)i;
    }
    return ACME_PROBLEM_OTHER;
}

/* The character at s into *out, and its length. acme_json_parse lets nothing but UTF-8 through, so
 * this only makes sure to stay inside. */
static size_t obj_utf8(const uint8_t *s, size_t left, uint32_t *out)
{
    size_t len = s[0] < 0xc0 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = len > 1 ? s[0] & 0xffu >> (len + 1) : s[0];

    if (len > left)
        len = left;
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (s[i] & 0x3fu);
    *out = c;
    return len;
}

/* Controls (C0, DEL, C1), and what reorders or hides text: a log line must not lie. */
static bool obj_unfit(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void obj_sanitise(char *out, size_t room, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t left = strlen(text);
    size_t at = 0;

    while (left > 0) {
        uint32_t c;
        size_t len = obj_utf8(s, left, &c);
        bool fit = !obj_unfit(c);

        if (at + (fit ? len : 1) >= room)
            break;
        if (fit)
            memcpy(out + at, s, len);
        else
            out[at] = '?';
        at += fit ? len : 1;
        s += len;
        left -= len;
    }
    out[at] = '\0';
}

void acme_read_problem(const struct acme_json *node, struct acme_problem *out)
{
    const struct acme_json *sub = acme_json_first(obj_array(node, "subproblems"));
    const char *detail = acme_json_member(node, "detail");
    struct acme_name name;

    out->type = ACME_PROBLEM_NONE;
    out->detail[0] = '\0';
    out->identifier[0] = '\0';
    if (!acme_json_is_object(node))
        return;
    out->type = obj_problem_type(acme_json_member(node, "type"));
    while (sub && obj_identifier(acme_json_get(sub, "identifier"), &name) != ACME_OK)
        sub = acme_json_next(sub);
    if (sub) {
        memcpy(out->identifier, name.text, strlen(name.text) + 1);
        if (acme_json_member(sub, "detail"))
            detail = acme_json_member(sub, "detail");
        if (out->type == ACME_PROBLEM_COMPOUND || out->type == ACME_PROBLEM_OTHER)
            out->type = obj_problem_type(acme_json_member(sub, "type"));
    }
    if (detail)
        obj_sanitise(out->detail, sizeof out->detail, detail);
}
