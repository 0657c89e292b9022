/* The one table of options, and what their values must look like. */
#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "acme_url.h"

int options_add_name(struct options *o, const char *text)
{
    struct acme_name name;
    char message[200];
    const char *why = "";

    if (acme_name_read(acme_slice_text(text), &name, &why) != ACME_OK) {
        snprintf(message, sizeof message, "not a usable name (%s)", why);
        return usage(message, text);
    }
    for (size_t i = 0; i < o->names_count; i++) {
        if (strcmp(o->names[i], name.text) == 0)
            return EXIT_DONE; /* twice the same is one */
    }
    if (o->names_count == ACME_MAX_NAMES) {
        snprintf(message, sizeof message, "more than %d names in one certificate", ACME_MAX_NAMES);
        return usage(message, NULL);
    }
    memcpy(o->names[o->names_count], name.text, sizeof name.text);
    o->name_list[o->names_count] = o->names[o->names_count];
    o->names_count++;
    return EXIT_DONE;
}

/* -- functions of rows -- */

static int take_domain(struct options *o, const struct option_row *row, char *value)
{
    (void)row;
    return options_add_name(o, value);
}

static int take_cert_name(struct options *o, const struct option_row *row, char *value)
{
    struct acme_name name;
    const char *why = "";

    (void)row;
    if (acme_name_read(acme_slice_text(value), &name, &why) == ACME_OK)
        memcpy(o->cert_name, name.text, sizeof name.text);
    else if (acme_name_host(acme_slice_text(value)) == 0 ||
             !acme_copy_text(o->cert_name, sizeof o->cert_name, acme_slice_text(value)))
        return usage("--cert-name must look like a host name or an IP address", value);
    for (char *c = o->cert_name; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return EXIT_DONE;
}

/* A server's URL, or its nickname. */
static int read_server(const struct option_row *row, char *value, const char **out)
{
    char message[120];
    struct acme_url url;

    *out = strcmp(value, "letsencrypt") == 0           ? ACME_LETS_ENCRYPT
           : strcmp(value, "letsencrypt-staging") == 0 ? ACME_LETS_ENCRYPT_STAGING
                                                       : value;
    if (acme_url_read(acme_slice_text(*out), &url) != ACME_OK) {
        snprintf(message, sizeof message,
                 "--%s must be a plain https:// URL: ACME is never spoken without TLS", row->name);
        return usage(message, value);
    }
    /* wolfSSL compares a certificate with no other name of one label. */
    if (!url.ip_literal && memchr(url.host.ptr, '.', url.host.len) == NULL &&
        !acme_slice_is(url.host, "localhost")) {
        snprintf(message, sizeof message,
                 "the host of --%s must have a dot (give its full name), be localhost, or an IP "
                 "address",
                 row->name);
        return usage(message, value);
    }
    return EXIT_DONE;
}

static bool server_named(const struct options *o, const char *url)
{
    for (size_t i = 0; i < o->servers_count; i++) {
        if (strcmp(i == 0 ? o->server : o->more_servers[i - 1].url, url) == 0)
            return true;
    }
    return o->staging_server != NULL && strcmp(o->staging_server, url) == 0;
}

/* The first one is preferred, the others are tried in their order. */
static int take_server(struct options *o, const struct option_row *row, char *value)
{
    const char *url = NULL;
    char message[60];
    int err = read_server(row, value, &url);

    if (err != EXIT_DONE)
        return err;
    if (o->servers_count == ACME_MAX_SERVERS) {
        snprintf(message, sizeof message, "--server: not more than %d", ACME_MAX_SERVERS);
        return usage(message, NULL);
    }
    if (server_named(o, url))
        return usage("--server: it is given twice", value);
    if (o->servers_count == 0)
        o->server = url;
    else
        o->more_servers[o->servers_count - 1].url = url;
    o->servers_count++;
    o->server_given = true;
    return EXIT_DONE;
}

static int take_staging(struct options *o, const struct option_row *row, char *value)
{
    const char *url = NULL;
    int err = read_server(row, value, &url);

    if (err == EXIT_DONE && server_named(o, url))
        return usage("--staging-server: it is a --server too", value);
    o->staging_server = url;
    return err;
}

static int take_contact(struct options *o, const struct option_row *row, char *value)
{
    (void)row;
    o->email = value;
    return acme_contact_ok(value)
               ? EXIT_DONE
               : usage("--contact takes one plain e-mail address (no mailto:)", value);
}

static int take_profile(struct options *o, const struct option_row *row, char *value)
{
    o->profile = value;
    o->profile_required = row->low != 0;
    return acme_profile_ok(value)
               ? EXIT_DONE
               : usage("a profile's name is 1 to 64 printable characters", value);
}

static int take_eab_key(struct options *o, const struct option_row *row, char *value)
{
    (void)o;
    (void)row;
    memset(value, '*', strlen(value));
    return usage("--eab-hmac-key: everybody on this machine can read a command line; put the key "
                 "into a file and give --eab-hmac-key-file",
                 NULL);
}

/* low: it is that of tls-alpn-01. */
static int take_bind(struct options *o, const struct option_row *row, char *value)
{
    struct acme_name name;

    if (acme_name_read(acme_slice_text(value), &name, NULL) != ACME_OK || name.type != ACME_ID_IP)
        return usage(row->low != 0 ? "--tls-bind takes an IP address"
                                   : "--http-bind takes an IP address",
                     value);
    if (row->low != 0)
        o->tls_bind = value;
    else
        o->http_bind = value;
    return EXIT_DONE;
}

/* low: it is the account's, whose kinds are fewer. */
static int take_key_type(struct options *o, const struct option_row *row, char *value)
{
    enum acme_key_type type = acme_key_type_from(value);
    bool account = row->low != 0;
    char message[120];

    if (type == ACME_KEY_NONE || !acme_key_supported(type) ||
        (account && (type == ACME_KEY_RSA3072 || type == ACME_KEY_RSA4096))) {
        snprintf(message, sizeof message, "--%s takes p256, p384, rsa2048%s", row->name,
                 account ? "" : ", rsa3072 or rsa4096");
        return usage(message, value);
    }
    if (account)
        o->account_key_type = type;
    else
        o->key_type = type;
    return EXIT_DONE;
}

static int take_reason(struct options *o, const struct option_row *row, char *value)
{
    (void)row;
    o->reason = acme_reason_from(value);
    return o->reason >= 0 ? EXIT_DONE : usage("there is no such reason", value);
}

/* -- the table -- */

#define ONE                                                                                        \
    (FOR(COMMAND_ISSUE) | FOR(COMMAND_STATUS) | FOR(COMMAND_REVOKE) | FOR(COMMAND_ACCOUNT) |       \
     FOR(COMMAND_DOCTOR) | FOR(COMMAND_DNS_PERSIST) | FOR(COMMAND_ACME_DNS))
#define SERVE FOR(COMMAND_SERVE)
#define CONF  (FOR(COMMAND_RUN) | FOR(COMMAND_RENEW) | FOR(COMMAND_CHECK))
#define AT(member)                                                                                 \
    .at = offsetof(struct options, member), .size = sizeof((struct options *)0)->member
#define CALL(member, function) .kind = OPTION_CALL, AT(member), .take = (function)
#define TEXT(member)           .kind = OPTION_TEXT, AT(member)
#define FLAG(member)           .kind = OPTION_FLAG, AT(member)

/* One row for each option: what is here works on the command line (commands) and as a key of the
 * configuration file (bits). */
const struct option_row option_rows[] = {
    {"domain", 'd', CALL(names, take_domain), .bits = OPTION_SECTION | OPTION_MANY | OPTION_EMPTY,
     .commands = ONE},
    {"csr", 0, TEXT(csr_file), .bits = OPTION_SECTION | OPTION_PATH, .commands = ONE},
    {"cert-name", 0, CALL(cert_name, take_cert_name), .commands = ONE},
    {"key-type", 0, CALL(key_type, take_key_type), .bits = OPTION_FILE, .commands = ONE},
    {"reuse-key", 0, FLAG(reuse_key), .bits = OPTION_FILE, .commands = ONE},

    {"server", 0, CALL(server, take_server), .bits = OPTION_FILE | OPTION_MANY, .commands = ONE},
    {"staging-server", 0, CALL(staging_server, take_staging), .bits = OPTION_FILE, .commands = ONE},
    {"contact", 'm', CALL(email, take_contact), .bits = OPTION_FILE, .commands = ONE},
    {"email", 0, CALL(email, take_contact), .bits = OPTION_FILE, .commands = ONE},
    {"agree-tos", 0, FLAG(agree_tos), .bits = OPTION_FILE, .commands = ONE},
    {"account-key-type", 0, CALL(account_key_type, take_key_type), .low = 1, .bits = OPTION_FILE,
     .commands = ONE},
    {"profile", 0, CALL(profile, take_profile), .bits = OPTION_FILE, .commands = ONE},
    {"required-profile", 0, CALL(profile, take_profile), .low = 1, .bits = OPTION_FILE,
     .commands = ONE},
    {"preferred-chain", 0, TEXT(preferred_chain), .bits = OPTION_FILE, .commands = ONE},
    {"shortest-chain", 0, FLAG(shortest_chain), .bits = OPTION_FILE, .commands = ONE},
    {"ca-file", 0, TEXT(ca_file), .bits = OPTION_FILE | OPTION_PATH, .commands = ONE},
    {"eab-kid", 0, TEXT(eab_kid), .bits = OPTION_FILE, .commands = ONE},
    {"eab-hmac-key", 0, CALL(eab_key_file, take_eab_key), .commands = ONE},
    {"eab-hmac-key-file", 0, TEXT(eab_key_file), .bits = OPTION_FILE | OPTION_PATH,
     .commands = ONE},
    {"eab-alg", 0, TEXT(eab_alg), .bits = OPTION_FILE, .commands = ONE},

    {"tls-port", 0, .kind = OPTION_NUMBER, AT(tls_port), .low = 1, .high = 65535,
     .bits = OPTION_DAEMON, .commands = FOR(COMMAND_ISSUE)},
    {"tls-bind", 0, CALL(tls_bind, take_bind), .low = 1, .bits = OPTION_DAEMON,
     .commands = FOR(COMMAND_ISSUE)},
    {"http-port", 0, .kind = OPTION_NUMBER, AT(http_port), .low = 1, .high = 65535,
     .bits = OPTION_DAEMON, .commands = ONE | SERVE},
    {"http-bind", 0, CALL(http_bind, take_bind), .bits = OPTION_DAEMON, .commands = ONE | SERVE},
    {"webroot", 0, TEXT(webroot), .bits = OPTION_FILE | OPTION_PATH, .commands = ONE | SERVE},
    {"challenge", 0, CALL(challenges, option_take_challenge), .bits = OPTION_FILE | OPTION_MANY,
     .commands = ONE},
    {"dns-server", 0, CALL(dns_server, option_take_dns_server), .bits = OPTION_FILE,
     .commands = ONE},
    {"tsig-key-file", 0, TEXT(tsig_key_file), .bits = OPTION_FILE | OPTION_PATH, .commands = ONE},
    {"dns-only-primary", 0, FLAG(dns_only_primary), .bits = OPTION_FILE, .commands = ONE},
    {"persist-issuer", 0, CALL(persist_issuer, option_take_issuer), .bits = OPTION_FILE,
     .commands = ONE},
    {"persist-days", 0, .kind = OPTION_NUMBER, AT(persist_days), .low = 1, .high = 36500,
     .commands = FOR(COMMAND_DNS_PERSIST)},
    {"acme-dns", 0, CALL(acme_dns, option_take_acme_dns), .bits = OPTION_FILE, .commands = ONE},
    {"acme-dns-ca-file", 0, TEXT(acme_dns_ca), .bits = OPTION_FILE | OPTION_PATH, .commands = ONE},
    {"import", 0, TEXT(acme_dns_import), .commands = FOR(COMMAND_ACME_DNS)},
    {"preferred-challenges", 0, CALL(challenges, option_take_preferred), .commands = ONE},
    {"external", 0, CALL(external, option_take_external), .bits = OPTION_FILE,
     .commands = FOR(COMMAND_ISSUE)},
    {"external-dialect", 0, .kind = OPTION_NUMBER, AT(external_dialect), .low = 1, .high = 2,
     .bits = OPTION_FILE, .commands = FOR(COMMAND_ISSUE)},
    {"handler-timeout", 0, .kind = OPTION_NUMBER, AT(handler_timeout), .low = 1, .high = 86400,
     .bits = OPTION_FILE, .commands = FOR(COMMAND_ISSUE)},

    {"state-dir", 0, TEXT(state_dir), .bits = OPTION_DAEMON | OPTION_PATH, .commands = ONE},
    {"out-dir", 0, TEXT(out_dir), .bits = OPTION_FILE | OPTION_PATH, .commands = ONE},
    {"deploy-hook", 0, TEXT(deploy_hook), .bits = OPTION_FILE | OPTION_PATH,
     .commands = FOR(COMMAND_ISSUE)},
    {"user", 0, TEXT(user), .high = 32, .bits = OPTION_DAEMON, .commands = SERVE},
    {"metrics", 0, TEXT(metrics_file), .bits = OPTION_DAEMON | OPTION_PATH,
     .commands = FOR(COMMAND_STATUS)},
    {"check", 0, FLAG(check), .commands = FOR(COMMAND_STATUS)},
    {"log", 0, .kind = OPTION_CHOICE, AT(log_syslog), .words = {"stderr", "syslog"},
     .bits = OPTION_DAEMON, .commands = ONE},

    {"force", 0, .kind = OPTION_BIT, AT(ask), .low = ACME_ASK_FORCE,
     .commands = ONE | FOR(COMMAND_RENEW)},
    {"now", 0, .kind = OPTION_BIT, AT(ask), .low = ACME_ASK_NOW,
     .commands = ONE | FOR(COMMAND_RENEW)},
    {"ignore-retry-after", 0, .kind = OPTION_BIT, AT(ask), .low = ACME_ASK_IGNORE_RETRY_AFTER,
     .commands = ONE | FOR(COMMAND_RENEW)},

    {"file", 0, TEXT(file), .commands = FOR(COMMAND_REVOKE)},
    {"key", 0, TEXT(key_file), .commands = FOR(COMMAND_REVOKE) | FOR(COMMAND_ACCOUNT)},
    {"reason", 0, CALL(reason, take_reason), .commands = FOR(COMMAND_REVOKE)},
    {"signed-by", 0, .kind = OPTION_CHOICE, AT(by_certificate), .words = {"account", "certificate"},
     .commands = FOR(COMMAND_REVOKE)},
    {"no-contact", 0, FLAG(no_contact), .commands = FOR(COMMAND_ACCOUNT)},
    {"yes", 0, FLAG(yes), .commands = FOR(COMMAND_ACCOUNT)},

    {"config", 'c', TEXT(config_file), .commands = CONF | FOR(COMMAND_STATUS)},

    {"json", 0, FLAG(json), .commands = ONE | CONF | SERVE},
    {NULL, 'v', .kind = OPTION_COUNT, AT(verbose), .commands = ONE | CONF | SERVE},
    {NULL, 'q', FLAG(quiet), .commands = ONE | CONF | SERVE},
    {"help", 'h', .kind = OPTION_HELP, .commands = ONE | CONF | SERVE},
    {"version", 0, .kind = OPTION_VERSION, .commands = ONE | CONF},
};
const size_t option_rows_count = sizeof option_rows / sizeof option_rows[0];
_Static_assert(sizeof option_rows / sizeof option_rows[0] <= OPTION_ROWS_MAX, "OPTION_ROWS_MAX");

const struct option_row *option_find(struct acme_slice name)
{
    for (size_t i = 0; i < option_rows_count; i++) {
        if (option_rows[i].name != NULL && acme_slice_is(name, option_rows[i].name))
            return &option_rows[i];
    }
    return NULL;
}

bool option_takes_value(const struct option_row *row)
{
    return row->kind == OPTION_TEXT || row->kind == OPTION_NUMBER || row->kind == OPTION_CHOICE ||
           row->kind == OPTION_CALL;
}

/* -- values -- */

static int take_number(const struct option_row *row, void *at, const char *value)
{
    char message[160], *end = NULL;
    unsigned long long n = strtoull(value, &end, 10);
    uint16_t small = (uint16_t)n;
    uint32_t wide = (uint32_t)n;

    if (*value < '0' || *value > '9' || *end != '\0' || n < row->low || n > row->high) {
        snprintf(message, sizeof message, "--%s takes a number from %lu to %lu", row->name,
                 (unsigned long)row->low, (unsigned long)row->high);
        return usage(message, value);
    }
    if (row->size == sizeof small)
        memcpy(at, &small, sizeof small);
    else
        memcpy(at, &wide, sizeof wide);
    return EXIT_DONE;
}

static int take_text(const struct option_row *row, void *at, const char *value)
{
    size_t most = row->high != 0 ? row->high : OPTION_VALUE_MAX;
    char message[160];

    if (strlen(value) > most) {
        snprintf(message, sizeof message, "--%s is longer than %lu bytes", row->name,
                 (unsigned long)most);
        return usage(message, NULL);
    }
    *(const char **)at = value;
    return EXIT_DONE;
}

/* A value, yes or no, is what a file has. */
static int take_flag(const struct option_row *row, void *at, const char *value)
{
    char message[160];

    *(bool *)at = true;
    if (value == NULL || strcmp(value, "yes") == 0)
        return EXIT_DONE;
    *(bool *)at = false;
    if (strcmp(value, "no") == 0)
        return EXIT_DONE;
    snprintf(message, sizeof message, "--%s takes yes or no", row->name);
    return usage(message, value);
}

static int take_choice(const struct option_row *row, void *at, const char *value)
{
    char message[160];

    *(bool *)at = strcmp(value, row->words[1]) == 0;
    if (*(bool *)at || strcmp(value, row->words[0]) == 0)
        return EXIT_DONE;
    snprintf(message, sizeof message, "--%s takes %s or %s", row->name, row->words[0],
             row->words[1]);
    return usage(message, value);
}

int option_take(struct options *o, const struct option_row *row, char *value)
{
    void *at = (char *)o + row->at;

    if (option_takes_value(row) &&
        (value == NULL || (*value == '\0' && !(row->bits & OPTION_EMPTY))))
        return usage("an option's value is empty", row->name);
    switch (row->kind) {
    case OPTION_FLAG:
        return take_flag(row, at, value);
    case OPTION_COUNT:
        ++*(int *)at;
        return EXIT_DONE;
    case OPTION_BIT:
        *(unsigned *)at |= row->low;
        return EXIT_DONE;
    case OPTION_TEXT:
        return take_text(row, at, value);
    case OPTION_NUMBER:
        return take_number(row, at, value);
    case OPTION_CHOICE:
        return take_choice(row, at, value);
    default:
        return row->take(o, row, value);
    }
}
