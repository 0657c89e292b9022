/* The command line of the staged walk. Its options are spelled as its users know them; what they
 * share with the commands is read by the rows of options_table.c. */
#include "staged_options.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "conf_line.h"

static const char usage_text[] =
    "Usage: lwacme [options] [DOMAIN]\n"
    "\n"
    "Options:\n"
    "    -c, --config CNAME          Configuration file to use\n"
    "    -d, --domain DOMAIN         Domain name\n"
    "    -m, --mailto E-MAIL         e-mail address (required for 1st time run)\n"
    "    -AUTH, --authorization      Request new authorization from ACME server. If\n"
    "                                current account alredy authorized - it will do\n"
    "                                nothing unless --force is specified\n"
    "    --dns                       Request DNS TXT RR to be added for domain\n"
    "    -DNS, --challenge           Complete the challenges - only if authorization\n"
    "                                status is \"pending\" or --force specified\n"
    "    -CERT, --certificate        Request certificate from ACME server\n"
    "    -r, --revoke                Revoke certificate specified in configuration\n"
    "                                file\n"
    "    -R, --revoke-cert CERT      Revoke certificate provided via command line\n"
    "    --force                     Proceed Authorization or Certificate Issuance\n"
    "                                despite the current status\n"
    "    -h                          show this info and exit\n";

static const char more_text[] =
    "\n"
    "The steps of a walk: without a step option the account is made; then -AUTH, --dns, (you add\n"
    "the record), -DNS, -CERT. Each can be repeated; exit status 7: one before it is missing.\n"
    "Repeat -d for more names in one certificate. What is given with -AUTH need not be repeated.\n"
    "\n"
    "Also:\n"
    "    --agree-tos                 you agree to the CA's terms of service\n"
    "    --server URL                letsencrypt (default), letsencrypt-staging, or the\n"
    "                                https URL of a directory\n"
    "    --ca-file PEM               roots for the CA's own TLS\n"
    "    --dns-server ADDR[:PORT]    ask this DNS server for the record, not the zone's\n"
    "    --state-dir DIR             keys and records; --out-dir DIR: NAME.crt and NAME.key\n"
    "    --key-type TYPE --reuse-key --cert-name NAME --profile NAME --required-profile NAME\n"
    "    --preferred-chain ISSUER --shortest-chain --account-key-type TYPE\n"
    "    --eab-kid KID --eab-hmac-key-file FILE --eab-alg ALG --now --ignore-retry-after\n"
    "    --reason NAME               of a revocation\n"
    "    --key FILE                  -R: the certificate's key signs, not the account's\n"
    "    --signed-by certificate     -r: the same\n"
    "    -q                          only the records (--dns) and errors; -v more\n"
    "\n"
    "`lwacme --help` has the commands, which do all steps in one\n";

struct staged_word {
    const char *brief, *full; /* NULL: none */
    uint8_t step;             /* enum staged_step */
    const char *row;          /* of option_rows: its name, or its letter; NULL: none */
};

#define WORD_DOMAIN 0
static const struct staged_word words[] = {
    {"-d", "--domain", 0, "domain"},
    {"-c", "--config", 0, "config"},
    {"-m", "--mailto", 0, "contact"},
    {"-AUTH", "--authorization", STAGED_AUTH, NULL},
    {NULL, "--dns", STAGED_RECORD, NULL},
    {"-DNS", "--challenge", STAGED_PROVE, NULL},
    {"-CERT", "--certificate", STAGED_CERT, NULL},
    {"-r", "--revoke", STAGED_REVOKE, NULL},
    {"-R", "--revoke-cert", STAGED_REVOKE, "file"},
    {NULL, "--force", 0, "force"},
    {"-h", "--help", 0, "help"},
    {NULL, "--agree-tos", 0, "agree-tos"},
    {NULL, "--server", 0, "server"},
    {NULL, "--ca-file", 0, "ca-file"},
    {NULL, "--dns-server", 0, "dns-server"},
    {NULL, "--state-dir", 0, "state-dir"},
    {NULL, "--out-dir", 0, "out-dir"},
    {NULL, "--key-type", 0, "key-type"},
    {NULL, "--reuse-key", 0, "reuse-key"},
    {NULL, "--cert-name", 0, "cert-name"},
    {NULL, "--profile", 0, "profile"},
    {NULL, "--required-profile", 0, "required-profile"},
    {NULL, "--preferred-chain", 0, "preferred-chain"},
    {NULL, "--shortest-chain", 0, "shortest-chain"},
    {NULL, "--account-key-type", 0, "account-key-type"},
    {NULL, "--eab-kid", 0, "eab-kid"},
    {NULL, "--eab-hmac-key", 0, "eab-hmac-key"},
    {NULL, "--eab-hmac-key-file", 0, "eab-hmac-key-file"},
    {NULL, "--eab-alg", 0, "eab-alg"},
    {NULL, "--now", 0, "now"},
    {NULL, "--ignore-retry-after", 0, "ignore-retry-after"},
    {NULL, "--reason", 0, "reason"},
    {NULL, "--key", 0, "key"},
    {NULL, "--signed-by", 0, "signed-by"},
    {"-v", NULL, 0, "v"},
    {"-q", NULL, 0, "q"},
    {NULL, "--contact", 0, "contact"},
    {NULL, "--email", 0, "contact"},
    {NULL, "--state", 0, "state-dir"},
};
#define WORDS (sizeof words / sizeof words[0])

/* -- errors -- */

int staged_usage(const char *format, ...)
{
    FILE *to = log_to(LOG_BAD);
    va_list list;

    fprintf(to, "%serror: ", log_head());
    va_start(list, format);
    vfprintf(to, format, list);
    va_end(list);
    fprintf(to, "\n%s", usage_text);
    return EXIT_USAGE;
}

/* What the rows of options_table.c refuse. */
static void hear_usage(void *ctx, const char *message, const char *text, const char *shown)
{
    (void)ctx;
    (void)text;
    (void)staged_usage("%s%s%s", message, shown != NULL ? ": " : "", shown != NULL ? shown : "");
}

/* -- words -- */

/* One option as it was typed. */
struct typed {
    const struct staged_word *word;
    const struct option_row *row;
    char *value;
};
#define TYPED_MAX 300
static struct typed typed[TYPED_MAX];
static size_t typed_count;

static const char *word_name(const struct staged_word *word)
{
    return word->full != NULL ? word->full : word->brief;
}

static const struct option_row *row_of(const char *name)
{
    if (name == NULL || name[1] != '\0')
        return name != NULL ? option_find(acme_slice_text(name)) : NULL;
    for (size_t i = 0; i < option_rows_count; i++) {
        if (option_rows[i].name == NULL && option_rows[i].letter == name[0])
            return &option_rows[i];
    }
    return NULL;
}

/* `--name=value`, or as much of --name as leaves no doubt. */
static const struct staged_word *find_long(char *argument, char **value)
{
    const struct staged_word *begun = NULL;
    size_t len = strcspn(argument, "="), matches = 0;

    *value = argument[len] == '=' ? argument + len + 1 : NULL;
    for (size_t i = 0; i < WORDS; i++) {
        const char *full = words[i].full;
        if (full == NULL || strncmp(full, argument, len) != 0)
            continue;
        if (full[len] == '\0')
            return &words[i];
        begun = &words[i];
        matches++;
    }
    return matches == 1 ? begun : NULL;
}

/* The option that an argument names. *value: what is attached to it, or NULL. */
static const struct staged_word *find_word(char *argument, char **value)
{
    *value = NULL;
    for (size_t i = 0; i < WORDS; i++) {
        if (words[i].brief != NULL && strcmp(words[i].brief, argument) == 0)
            return &words[i];
    }
    if (argument[1] == '-')
        return find_long(argument, value);
    for (size_t i = 0; i < WORDS; i++) { /* -dNAME */
        const char *brief = words[i].brief;
        if (brief == NULL || brief[2] != '\0' || brief[1] != argument[1] || words[i].row == NULL ||
            !option_takes_value(row_of(words[i].row)))
            continue;
        *value = argument + 2;
        return &words[i];
    }
    return NULL;
}

/* All words into typed[]: EXIT_DONE, or EXIT_USAGE. A word without a dash is a domain. */
static int read_words(int argc, char **argv)
{
    bool options = true;

    typed_count = 0;
    for (int i = 1; i < argc; i++) {
        struct typed *t = &typed[typed_count];
        bool takes;

        if (typed_count == TYPED_MAX)
            return staged_usage("too many options");
        t->value = NULL;
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            continue;
        }
        if (!options || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (command_is(argv[i]))
                return staged_usage("a command goes first: lwacme %s [options]", argv[i]);
            t->word = &words[WORD_DOMAIN];
            t->value = argv[i];
        } else
            t->word = find_word(argv[i], &t->value);
        if (t->word == NULL)
            return staged_usage("there is no such option: %s", argv[i]);
        t->row = row_of(t->word->row);
        takes = t->row != NULL && option_takes_value(t->row);
        if (!takes && t->value != NULL)
            return staged_usage("%s takes no value", word_name(t->word));
        if (takes && t->value == NULL) {
            if (++i >= argc)
                return staged_usage("%s: its value is missing", word_name(t->word));
            t->value = argv[i];
        }
        if (takes && t->value[0] == '\0' && (t->row->bits & OPTION_EMPTY) == 0)
            return staged_usage("%s: its value is empty", word_name(t->word));
        typed_count++;
    }
    return EXIT_DONE;
}

static bool was_typed(const char *row)
{
    for (size_t i = 0; i < typed_count; i++) {
        if (typed[i].row != NULL && typed[i].row == row_of(row))
            return true;
    }
    return false;
}

/* -- what they mean -- */

static int take_one(struct options *o, const struct typed *t)
{
    if (t->word->step != STAGED_NONE && o->step != STAGED_NONE && o->step != t->word->step)
        return staged_usage("one step at a time: %s is another one", t->word->full);
    if (t->word->step != STAGED_NONE)
        o->step = t->word->step;
    if (t->row == NULL)
        return EXIT_DONE;
    if (t->row == row_of("contact") && !acme_contact_ok(t->value))
        return staged_usage("email address is not correct (mailto: %s)", t->value);
    return option_take(o, t->row, t->value);
}

/* names: also what the certificate is for. */
static int take_typed(struct options *o, bool names)
{
    int err = EXIT_DONE;

    o->step = STAGED_NONE;
    for (size_t i = 0; i < typed_count && err == EXIT_DONE; i++) {
        if (names || (typed[i].row != row_of("domain") && typed[i].row != row_of("cert-name")))
            err = take_one(o, &typed[i]);
    }
    if (o->step == STAGED_NONE)
        o->step = STAGED_REGISTER;
    return err;
}

/* Is certificate i of the file the one that was asked for? */
static bool is_asked(const struct options *asked, const struct options *o)
{
    if (asked->names_count == 0 && asked->cert_name[0] == '\0')
        return true;
    if (asked->cert_name[0] != '\0')
        return strcmp(asked->cert_name, o->cert_name) == 0;
    for (size_t i = 0; i < o->names_count; i++) {
        if (strcmp(o->names[i], asked->names[0]) == 0)
            return true;
    }
    return strcmp(o->cert_name, asked->names[0]) == 0;
}

/* The certificate of the configuration file becomes *o, and what was typed goes before. */
static int take_config(struct options *o)
{
    static struct options base, one; /* they outlive the configuration, which points there */
    static struct conf conf;
    size_t found = 0, at = 0;
    int err;

    base = *o;
    usage_to(NULL, NULL); /* the file's own words have its lines */
    err = conf_open(&conf, o->config_file, &base);
    for (size_t i = 0; err == EXIT_DONE && i < conf.count; i++) {
        err = conf_options(&conf, i, &one);
        if (err == EXIT_DONE && is_asked(&base, &one) && found++ == 0)
            at = i;
    }
    if (err == EXIT_DONE)
        err = conf_options(&conf, at, o);
    usage_to(hear_usage, NULL);
    if (err != EXIT_DONE)
        return err;
    if (found == 0)
        return staged_usage("%.300s has no certificate of this name: %s", base.config_file,
                            base.names_count > 0 ? base.names[0] : base.cert_name);
    if (found > 1)
        return staged_usage("Domain name is mandatory"); /* the file has several */
    if (was_typed("server")) {
        o->servers_count = 0;
        o->staging_server = NULL;
    }
    return take_typed(o, false);
}

/* What is to be revoked is the same as for `lwacme revoke`. */
static int check_revoke(struct options *o)
{
    enum command command = o->command;
    int err;

    if (o->file != NULL) {
        o->names_count = 0;
        o->by_certificate = o->key_file != NULL;
    } else {
        if (o->cert_name[0] == '\0')
            memcpy(o->cert_name, o->names[0], sizeof o->cert_name);
        o->names_count = 1;
    }
    o->command = COMMAND_REVOKE;
    err = command_check(o);
    o->command = command;
    return err;
}

static int check(struct options *o)
{
    int err = EXIT_DONE;

    if (o->names_count == 0 && o->file == NULL)
        return staged_usage("Domain name is mandatory");
    if (o->step == STAGED_REVOKE)
        err = check_revoke(o); /* the file tells the name */
    if (err != EXIT_DONE)
        return err;
    if (o->config_file == NULL && o->state_dir == NULL) {
        err = options_state_dir(o);
        if (err != EXIT_DONE)
            return err;
    }
    if (o->config_file == NULL) {
        err = staged_memory_read(o, was_typed);
        if (err != EXIT_DONE)
            return err;
    }
    err = options_check_one(o);
    if (err != EXIT_DONE)
        return err;
    if (o->servers_count > 1 || o->staging_server != NULL)
        return staged_usage("one --server: a walk is with one CA");
    if (o->quiet && o->verbose > 0)
        return staged_usage("-q and -v exclude one another");
    if (o->step == STAGED_REVOKE)
        return EXIT_DONE;
    if (was_typed("reason") || was_typed("key") || was_typed("signed-by"))
        return staged_usage("--reason, --key and --signed-by go with -r and -R");
    return options_folder_fits(o) ? EXIT_DONE
                                  : staged_usage("the first name is too long for a file's name: "
                                                 "give a shorter --cert-name");
}

bool staged_meant(int argc, char **argv)
{
    if (argc < 2)
        return true;
    return argv[1][0] == '-' && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "--version") != 0;
}

int staged_read(struct options *o, int argc, char **argv, bool *leave)
{
    int err;

    options_init(o);
    o->command = COMMAND_STAGED;
    *leave = true;
    log_stamps();
    usage_to(hear_usage, NULL);
    err = read_words(argc, argv);
    if (err == EXIT_DONE && was_typed("help")) {
        printf("%s%s", usage_text, more_text);
        return EXIT_DONE;
    }
    if (err == EXIT_DONE)
        err = take_typed(o, true);
    if (err == EXIT_DONE && o->config_file != NULL)
        err = take_config(o);
    if (err == EXIT_DONE)
        err = check(o);
    *leave = err != EXIT_DONE;
    return err;
}
