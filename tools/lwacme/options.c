/* The command line. What is wrong with it is said here, before anything is touched. */
#include "lwacme.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wolfssl/version.h>

#define FOLDER_MAX 240 /* of the 255 that file systems take */

enum {
    OPT_AGREE = 256,
    OPT_SERVER,
    OPT_CA_FILE,
    OPT_PROFILE,
    OPT_REQUIRED_PROFILE,
    OPT_PREFERRED_CHAIN,
    OPT_SHORTEST_CHAIN,
    OPT_CSR,
    OPT_EAB_KID,
    OPT_EAB_KEY,
    OPT_EAB_KEY_FILE,
    OPT_EAB_ALG,
    OPT_STATE_DIR,
    OPT_OUT_DIR,
    OPT_HTTP_PORT,
    OPT_HTTP_BIND,
    OPT_WEBROOT,
    OPT_KEY_TYPE,
    OPT_ACCOUNT_KEY_TYPE,
    OPT_REUSE_KEY,
    OPT_CERT_NAME,
    OPT_FORCE,
    OPT_NOW,
    OPT_IGNORE,
    OPT_FILE,
    OPT_KEY,
    OPT_REASON,
    OPT_SIGNED_BY,
    OPT_NO_CONTACT,
    OPT_YES,
    OPT_JSON,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"agree-tos", no_argument, NULL, OPT_AGREE},
    {"server", required_argument, NULL, OPT_SERVER},
    {"ca-file", required_argument, NULL, OPT_CA_FILE},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"required-profile", required_argument, NULL, OPT_REQUIRED_PROFILE},
    {"preferred-chain", required_argument, NULL, OPT_PREFERRED_CHAIN},
    {"shortest-chain", no_argument, NULL, OPT_SHORTEST_CHAIN},
    {"csr", required_argument, NULL, OPT_CSR},
    {"eab-kid", required_argument, NULL, OPT_EAB_KID},
    {"eab-hmac-key", required_argument, NULL, OPT_EAB_KEY},
    {"eab-hmac-key-file", required_argument, NULL, OPT_EAB_KEY_FILE},
    {"eab-alg", required_argument, NULL, OPT_EAB_ALG},
    {"state-dir", required_argument, NULL, OPT_STATE_DIR},
    {"out-dir", required_argument, NULL, OPT_OUT_DIR},
    {"http-port", required_argument, NULL, OPT_HTTP_PORT},
    {"http-bind", required_argument, NULL, OPT_HTTP_BIND},
    {"webroot", required_argument, NULL, OPT_WEBROOT},
    {"key-type", required_argument, NULL, OPT_KEY_TYPE},
    {"account-key-type", required_argument, NULL, OPT_ACCOUNT_KEY_TYPE},
    {"reuse-key", no_argument, NULL, OPT_REUSE_KEY},
    {"cert-name", required_argument, NULL, OPT_CERT_NAME},
    {"force", no_argument, NULL, OPT_FORCE},
    {"now", no_argument, NULL, OPT_NOW},
    {"ignore-retry-after", no_argument, NULL, OPT_IGNORE},
    {"file", required_argument, NULL, OPT_FILE},
    {"key", required_argument, NULL, OPT_KEY},
    {"reason", required_argument, NULL, OPT_REASON},
    {"signed-by", required_argument, NULL, OPT_SIGNED_BY},
    {"contact", required_argument, NULL, 'm'},
    {"no-contact", no_argument, NULL, OPT_NO_CONTACT},
    {"yes", no_argument, NULL, OPT_YES},
    {"json", no_argument, NULL, OPT_JSON},
    {"domain", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* The length of the character at s, or 0: a control character (C0, DEL, C1) or not UTF-8. */
static size_t plain_character(const unsigned char *s)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] < ' ' || s[0] == 127 || s[0] > 0xf4 || (s[0] == 0xc2 && s[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

/* What was typed is printed in many places, on terminals and as JSON: it is judged once, here. */
static bool plain_text(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len = 1;

    for (; *s != '\0' && len > 0; s += len)
        len = plain_character(s);
    return len > 0;
}

/* "lwacme: error: ...", with what the person typed made safe for a terminal. */
int usage(const char *message, const char *text)
{
    char shown[160];
    bool plain = text != NULL && plain_text(text);
    size_t n = 0;

    for (; text != NULL && text[n] != '\0' && n + 1 < sizeof shown; n++)
        shown[n] = plain || (text[n] >= ' ' && text[n] < 127) ? text[n] : '?';
    shown[n] = '\0';
    fprintf(stderr, "lwacme: error: %s%s%s\nlwacme: `lwacme --help` tells more\n", message,
            text != NULL ? ": " : "", shown);
    return EXIT_USAGE;
}

static const char *option_name(int option)
{
    const struct option *o = long_options;

    while (o->name != NULL && o->val != option)
        o++;
    return o->name != NULL ? o->name : option == 'm' ? "-m" : NULL;
}

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

static int set_cert_name(struct options *o, const char *text)
{
    struct acme_name name;
    const char *why = "";

    if (acme_name_read(acme_slice_text(text), &name, &why) == ACME_OK)
        memcpy(o->cert_name, name.text, sizeof name.text);
    else if (acme_name_host(acme_slice_text(text)) == 0 ||
             !acme_copy_text(o->cert_name, sizeof o->cert_name, acme_slice_text(text)))
        return usage("--cert-name must look like a host name or an IP address", text);
    for (char *c = o->cert_name; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return EXIT_DONE;
}

static int set_port(struct options *o, const char *text)
{
    char *end = NULL;
    unsigned long port = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || port < 1 || port > 65535)
        return usage("--http-port takes a number from 1 to 65535", text);
    o->http_port = (uint16_t)port;
    return EXIT_DONE;
}

static int set_bind(struct options *o, const char *text)
{
    struct acme_name name;

    if (acme_name_read(acme_slice_text(text), &name, NULL) != ACME_OK || name.type != ACME_ID_IP)
        return usage("--http-bind takes an IP address", text);
    o->http_bind = text;
    return EXIT_DONE;
}

static int set_key_type(const char *text, const char *option, bool account, enum acme_key_type *out)
{
    char message[120];

    *out = acme_key_type_from(text);
    if (*out != ACME_KEY_NONE &&
        !(account && (*out == ACME_KEY_RSA3072 || *out == ACME_KEY_RSA4096)))
        return EXIT_DONE;
    snprintf(message, sizeof message, "%s takes p256, p384, rsa2048%s", option,
             account ? "" : ", rsa3072 or rsa4096");
    return usage(message, text);
}

static const char *server_url(const char *text)
{
    if (strcmp(text, "letsencrypt") == 0)
        return ACME_LETS_ENCRYPT;
    if (strcmp(text, "letsencrypt-staging") == 0)
        return ACME_LETS_ENCRYPT_STAGING;
    return text;
}

static int take(struct options *o, int option, char *value)
{
    switch (option) {
    case 'd':
        return options_add_name(o, value);
    case 'm':
        o->email = value;
        return EXIT_DONE;
    case 'v':
        o->verbose++;
        return EXIT_DONE;
    case 'q':
        o->quiet = true;
        return EXIT_DONE;
    case OPT_AGREE:
        o->agree_tos = true;
        return EXIT_DONE;
    case OPT_SERVER:
        o->server = server_url(value);
        return EXIT_DONE;
    case OPT_CA_FILE:
        o->ca_file = value;
        return EXIT_DONE;
    case OPT_PROFILE:
    case OPT_REQUIRED_PROFILE:
        o->profile = value;
        o->profile_required = option == OPT_REQUIRED_PROFILE;
        return EXIT_DONE;
    case OPT_PREFERRED_CHAIN:
        o->preferred_chain = value;
        return EXIT_DONE;
    case OPT_SHORTEST_CHAIN:
        o->shortest_chain = true;
        return EXIT_DONE;
    case OPT_CSR:
        o->csr_file = value;
        return EXIT_DONE;
    case OPT_EAB_KID:
        o->eab_kid = value;
        return EXIT_DONE;
    case OPT_EAB_KEY:
        memset(value, '*', strlen(value));
        return usage(
            "--eab-hmac-key: everybody on this machine can read a command line; put the key "
            "into a file and give --eab-hmac-key-file",
            NULL);
    case OPT_EAB_KEY_FILE:
        o->eab_key_file = value;
        return EXIT_DONE;
    case OPT_EAB_ALG:
        o->eab_alg = value;
        return EXIT_DONE;
    case OPT_STATE_DIR:
        o->state_dir = value;
        return EXIT_DONE;
    case OPT_OUT_DIR:
        o->out_dir = value;
        return EXIT_DONE;
    case OPT_HTTP_PORT:
        return set_port(o, value);
    case OPT_HTTP_BIND:
        return set_bind(o, value);
    case OPT_WEBROOT:
        o->webroot = value;
        return EXIT_DONE;
    case OPT_KEY_TYPE:
        return set_key_type(value, "--key-type", false, &o->key_type);
    case OPT_ACCOUNT_KEY_TYPE:
        return set_key_type(value, "--account-key-type", true, &o->account_key_type);
    case OPT_REUSE_KEY:
        o->reuse_key = true;
        return EXIT_DONE;
    case OPT_CERT_NAME:
        return set_cert_name(o, value);
    case OPT_FORCE:
        o->ask |= ACME_ASK_FORCE;
        return EXIT_DONE;
    case OPT_NOW:
        o->ask |= ACME_ASK_NOW;
        return EXIT_DONE;
    case OPT_IGNORE:
        o->ask |= ACME_ASK_IGNORE_RETRY_AFTER;
        return EXIT_DONE;
    case OPT_FILE:
        o->file = value;
        return EXIT_DONE;
    case OPT_KEY:
        o->key_file = value;
        return EXIT_DONE;
    case OPT_REASON:
        o->reason = acme_reason_from(value);
        return o->reason >= 0 ? EXIT_DONE : usage("there is no such reason", value);
    case OPT_SIGNED_BY:
        o->by_certificate = strcmp(value, "certificate") == 0;
        return o->by_certificate || strcmp(value, "account") == 0
                   ? EXIT_DONE
                   : usage("--signed-by takes account or certificate", value);
    case OPT_NO_CONTACT:
        o->no_contact = true;
        return EXIT_DONE;
    case OPT_YES:
        o->yes = true;
        return EXIT_DONE;
    case OPT_JSON:
        o->json = true;
        return EXIT_DONE;
    default: /* getopt has said why */
        fputs("lwacme: `lwacme --help` tells more\n", stderr);
        return EXIT_USAGE;
    }
}

static int default_state_dir(struct options *o)
{
    static char dir[400];
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n;

    if (geteuid() == 0) {
        o->state_dir = "/var/lib/lwacme";
        return EXIT_DONE;
    }
    if (base != NULL && base[0] == '/')
        n = snprintf(dir, sizeof dir, "%s/lwacme", base);
    else if (home != NULL && home[0] == '/')
        n = snprintf(dir, sizeof dir, "%s/.local/state/lwacme", home);
    else
        return usage("there is no home folder: give --state-dir", NULL);
    if (n < 0 || (size_t)n >= sizeof dir)
        return usage("the home folder's path is too long: give --state-dir", NULL);
    if (!plain_text(dir))
        return usage("the home folder's path is not plain UTF-8 text", dir);
    o->state_dir = dir;
    return EXIT_DONE;
}

/* ".NAME.<n>" must fit into a folder, whatever n will be. */
static bool folder_fits(const struct options *o)
{
    char folder[FOLDER_MAX];

    install_folder(o->cert_name[0] != '\0' ? o->cert_name : o->names[0], folder, sizeof folder);
    return folder[0] != '\0';
}

/* Everything about key and names stands in the request. */
static int check_csr(struct options *o)
{
    char message[400];
    const char *why = "";

    if (o->names_count > 0 || o->key_type != ACME_KEY_NONE || o->reuse_key)
        return usage("--csr excludes -d, --key-type and --reuse-key: the request tells", NULL);
    if (csr_load(o, &why) == 0)
        return EXIT_DONE;
    snprintf(message, sizeof message, "--csr: %s", why);
    return usage(message, o->csr_file);
}

static int check(struct options *o)
{
    struct acme_url url;
    int err;

    if (acme_url_read(acme_slice_text(o->server), &url) != ACME_OK)
        return usage("--server must be a plain https:// URL: ACME is never spoken without TLS",
                     o->server);
    /* wolfSSL compares a certificate with no other name of one label. */
    if (!url.ip_literal && memchr(url.host.ptr, '.', url.host.len) == NULL &&
        !acme_slice_is(url.host, "localhost"))
        return usage("the host of --server must have a dot (give its full name), be localhost, or "
                     "an IP address",
                     o->server);
    if (o->csr_file != NULL) {
        err = check_csr(o);
        if (err != EXIT_DONE)
            return err;
    }
    err = command_check(o);
    if (err != EXIT_DONE)
        return err;
    if (o->command == COMMAND_ISSUE && o->names_count == 0)
        return usage("no name is given: use -d NAME", NULL);
    if (o->command == COMMAND_ISSUE && !folder_fits(o))
        return usage("the first name is too long for a folder's name: give a shorter --cert-name",
                     NULL);
    if (o->command == COMMAND_ISSUE && o->webroot != NULL && o->http_bind != NULL)
        return usage("--webroot and --http-bind exclude one another", NULL);
    if ((o->eab_kid == NULL) != (o->eab_key_file == NULL))
        return usage("--eab-kid and --eab-hmac-key-file go together", NULL);
    if (o->preferred_chain != NULL && o->shortest_chain)
        return usage("--preferred-chain and --shortest-chain exclude one another", NULL);
    if (o->quiet && o->verbose > 0)
        return usage("-q and -v exclude one another", NULL);
    return o->state_dir == NULL ? default_state_dir(o) : EXIT_DONE;
}

int options_read(struct options *o, int argc, char **argv, bool *leave)
{
    static char name[] = "lwacme"; /* what getopt puts before its messages */
    int option, err;

    memset(o, 0, sizeof *o);
    if (argc > 0)
        argv[0] = name;
    o->http_port = 80;
    o->server = ACME_LETS_ENCRYPT;
    *leave = true;
    for (int i = 1; i < argc; i++) {
        if (!plain_text(argv[i]))
            return usage("a control character, or no UTF-8", argv[i]);
    }
    while ((option = getopt_long(argc, argv, "d:m:vqh", long_options, NULL)) != -1) {
        if (option == OPT_HELP || option == 'h') {
            fputs(options_help, stdout);
            return EXIT_DONE;
        }
        if (option == OPT_VERSION) {
            printf("lwacme " ACME_VERSION " (wolfSSL " LIBWOLFSSL_VERSION_STRING ")\n");
            return EXIT_DONE;
        }
        if (optarg != NULL && *optarg == '\0' && option != 'd')
            return usage("an option's value is empty", option_name(option));
        err = take(o, option, optarg);
        if (err != EXIT_DONE)
            return err;
    }
    if (optind >= argc)
        return usage("a command is missing: issue, status, revoke or account", NULL);
    err = command_read(o, argv + optind, argc - optind);
    if (err != EXIT_DONE)
        return err;
    err = check(o);
    if (err == EXIT_DONE)
        *leave = false;
    return err;
}
