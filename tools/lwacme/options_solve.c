/* Options that choose how names are proved. */
#include <string.h>

#include "acme_url.h"
#include "acmedns_account.h"
#include "dns_persist.h"
#include "external.h"
#include "options.h"
#include "posix_channel.h"
#include "tsig.h"

static int add_challenge(struct options *o, enum acme_challenge_type type, char *value)
{
    if (o->challenges_count > 0 && options_takes(o, type))
        return usage("--challenge: it is given twice", value);
    o->challenges[o->challenges_count++] = type;
    return EXIT_DONE;
}

int option_take_challenge(struct options *o, const struct option_row *row, char *value)
{
    static const enum acme_challenge_type types[] = {
        ACME_CHALLENGE_HTTP01, ACME_CHALLENGE_DNS01, ACME_CHALLENGE_TLSALPN01,
        ACME_CHALLENGE_DNS_ACCOUNT01, ACME_CHALLENGE_DNS_PERSIST01};

    (void)row;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(value, acme_challenge_type_name(types[i])) == 0)
            return add_challenge(o, types[i], value);
    }
    return usage("--challenge takes http-01, tls-alpn-01, dns-01, dns-account-01 or dns-persist-01",
                 value);
}

/* The older spelling: a list with commas, "-01" may be left out. */
int option_take_preferred(struct options *o, const struct option_row *row, char *value)
{
    static const struct {
        const char *word;
        enum acme_challenge_type type;
    } words[] = {{"http", ACME_CHALLENGE_HTTP01},
                 {"dns", ACME_CHALLENGE_DNS01},
                 {"tls-alpn", ACME_CHALLENGE_TLSALPN01}};
    size_t len, i;

    (void)row;
    for (const char *at = value;; at += len + 1) {
        len = strcspn(at, ",");
        for (i = 0; i < sizeof words / sizeof words[0]; i++) {
            size_t bare = strlen(words[i].word);
            if (strncmp(at, words[i].word, bare) == 0 &&
                (len == bare || (len == bare + 3 && strncmp(at + bare, "-01", 3) == 0)))
                break;
        }
        if (i == sizeof words / sizeof words[0])
            return usage("--preferred-challenges takes http, dns or tls-alpn", value);
        if (add_challenge(o, words[i].type, value) != EXIT_DONE)
            return EXIT_USAGE;
        if (at[len] == '\0')
            return EXIT_DONE;
    }
}

int option_take_issuer(struct options *o, const struct option_row *row, char *value)
{
    (void)row;
    for (char *c = value; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    o->persist_issuer = value;
    return dns_persist_issuer_ok(value)
               ? EXIT_DONE
               : usage("--persist-issuer takes a domain, such as letsencrypt.org", value);
}

int option_take_acme_dns(struct options *o, const struct option_row *row, char *value)
{
    struct acme_url url;

    (void)row;
    o->acme_dns = value;
    return strlen(value) <= ACMEDNS_URL_MAX &&
                   acme_url_read(acme_slice_text(value), &url) == ACME_OK
               ? EXIT_DONE
               : usage("--acme-dns takes the https:// URL of an acme-dns server", value);
}

int option_take_dns_server(struct options *o, const struct option_row *row, char *value)
{
    struct dns01_2136_config config;
    struct tsig tsig;

    (void)row;
    o->dns_server = value;
    return tsig_server(&tsig, value, &config) == 0
               ? EXIT_DONE
               : usage("--dns-server takes a name or an IP address, and a port: ADDR[:PORT] or "
                       "[ADDR]:PORT",
                       value);
}

int option_take_external(struct options *o, const struct option_row *row, char *value)
{
    static const struct {
        const char *word;
        uint8_t mode, over;
    } ways[] = {
        {"json", EXTERNAL_JSON, POSIX_CHANNEL_STDIO},
        {"text", EXTERNAL_TEXT, POSIX_CHANNEL_STDIO},
        {"handler=", EXTERNAL_HANDLER, POSIX_CHANNEL_STDIO},
        {"dehydrated=", EXTERNAL_DEHYDRATED, POSIX_CHANNEL_STDIO},
        {"fifo=", EXTERNAL_JSON, POSIX_CHANNEL_FIFO},
        {"unix=", EXTERNAL_JSON, POSIX_CHANNEL_UNIX},
    };

    (void)row;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        size_t len = strlen(ways[i].word);
        bool path = ways[i].word[len - 1] == '=';

        if (strncmp(value, ways[i].word, len) != 0 || (value[len] != '\0') != path)
            continue;
        o->external = ways[i].mode;
        o->external_over = ways[i].over;
        o->external_path = path ? value + len : NULL;
        return EXIT_DONE;
    }
    return usage(
        "--external takes json, text, handler=PATH, dehydrated=PATH, fifo=PATH or unix=PATH",
        value);
}

bool options_not_for_daemon(const struct options *o)
{
    return o->external != 0 && o->external_over != POSIX_CHANNEL_UNIX;
}

const char *options_issuer(const struct options *o)
{
    if (o->persist_issuer != NULL)
        return o->persist_issuer;
    return strcmp(o->server, ACME_LETS_ENCRYPT) == 0 ||
                   strcmp(o->server, ACME_LETS_ENCRYPT_STAGING) == 0
               ? "letsencrypt.org"
               : NULL;
}

static bool any_dns_option(const struct options *o)
{
    return o->tsig_key_file != NULL || o->dns_server != NULL || o->dns_only_primary ||
           o->acme_dns != NULL;
}

/* What it asks for is done by somebody else, all of it. */
static int check_external(const struct options *o)
{
    if (o->challenges_count > 0 && (options_takes(o, ACME_CHALLENGE_DNS_ACCOUNT01) ||
                                    options_takes(o, ACME_CHALLENGE_DNS_PERSIST01)))
        return usage("--external proves by http-01, dns-01 and tls-alpn-01", NULL);
    if (o->external == EXTERNAL_DEHYDRATED && options_takes(o, ACME_CHALLENGE_TLSALPN01))
        return usage("hooks of dehydrated prove by http-01 and dns-01", NULL);
    if (o->webroot != NULL)
        return usage("--external and --webroot exclude one another", NULL);
    if (any_dns_option(o))
        return usage("--external excludes --tsig-key-file, --dns-server, --dns-only-primary and "
                     "--acme-dns",
                     NULL);
    return EXIT_DONE;
}

/* What the challenges of DNS need, and what needs them. */
static int check_dns(const struct options *o)
{
    bool dns = options_takes(o, ACME_CHALLENGE_DNS01);
    bool account = options_takes(o, ACME_CHALLENGE_DNS_ACCOUNT01);
    bool persist =
        options_takes(o, ACME_CHALLENGE_DNS_PERSIST01) || o->command == COMMAND_DNS_PERSIST;
    bool update = (dns && o->acme_dns == NULL) || account;

    if (update && o->tsig_key_file == NULL)
        return usage(account ? "--challenge dns-account-01 needs --tsig-key-file"
                             : "--challenge dns-01 needs --tsig-key-file, or --acme-dns",
                     NULL);
    if (!update && (o->tsig_key_file != NULL || o->dns_only_primary))
        return usage(dns ? "--acme-dns excludes --tsig-key-file and --dns-only-primary"
                         : "--dns-server, --dns-only-primary and --tsig-key-file need --challenge "
                           "dns-01",
                     NULL);
    if (!dns && o->command != COMMAND_ACME_DNS && o->acme_dns != NULL)
        return usage("--acme-dns needs --challenge dns-01", NULL);
    if (o->acme_dns == NULL && (o->acme_dns_ca != NULL || o->command == COMMAND_ACME_DNS))
        return usage("which acme-dns server: give --acme-dns URL", NULL);
    if (!update && !persist && o->acme_dns == NULL && o->dns_server != NULL)
        return usage("--dns-server, --dns-only-primary and --tsig-key-file need --challenge dns-01",
                     NULL);
    if (persist && options_issuer(o) == NULL)
        return usage("dns-persist-01: by which domain is this CA known in DNS? Give "
                     "--persist-issuer DOMAIN",
                     NULL);
    return EXIT_DONE;
}

int options_check_solvers(const struct options *o)
{
    if (o->external != 0)
        return check_external(o);
    if (!options_takes(o, ACME_CHALLENGE_HTTP01) && o->webroot != NULL)
        return usage("--webroot is for http-01, not for --challenge",
                     acme_challenge_type_name(o->challenges[0]));
    return check_dns(o);
}
