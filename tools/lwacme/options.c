/* The command line. What is wrong with it is said here, before anything is touched. */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wolfssl/version.h>

#include "conf_line.h"
#include "staged.h"

#define FOLDER_MAX 240 /* of the 255 that file systems take */

static usage_listener usage_say;
static void *usage_ctx;

void usage_to(usage_listener say, void *ctx)
{
    usage_say = say;
    usage_ctx = ctx;
}

/* "lwacme: error: ...", with what the person typed made safe for a terminal. */
int usage(const char *message, const char *text)
{
    char shown[160];
    bool plain = text != NULL && conf_plain_text(acme_slice_text(text));
    size_t n = 0;

    for (; text != NULL && text[n] != '\0' && n + 1 < sizeof shown; n++)
        shown[n] = plain || (text[n] >= ' ' && text[n] < 127) ? text[n] : '?';
    shown[n] = '\0';
    if (usage_say != NULL)
        usage_say(usage_ctx, message, text, text != NULL ? shown : NULL);
    else
        fprintf(stderr, "lwacme: error: %s%s%s\nlwacme: `lwacme --help` tells more\n", message,
                text != NULL ? ": " : "", shown);
    return EXIT_USAGE;
}

int options_state_dir(struct options *o)
{
    static char dir[400];
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n;

    if (o->state_dir != NULL)
        return EXIT_DONE;
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
    if (!conf_plain_text(acme_slice_text(dir)))
        return usage("the home folder's path is not plain UTF-8 text", dir);
    o->state_dir = dir;
    return EXIT_DONE;
}

/* ".NAME.<n>" must fit into a folder, whatever n will be. */
bool options_folder_fits(const struct options *o)
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

bool options_takes(const struct options *o, enum acme_challenge_type type)
{
    for (size_t i = 0; i < o->challenges_count; i++) {
        if (o->challenges[i] == type)
            return true;
    }
    return o->challenges_count == 0 && type == ACME_CHALLENGE_HTTP01;
}

int options_check_one(struct options *o)
{
    int err = o->csr_file != NULL ? check_csr(o) : EXIT_DONE;

    if (err != EXIT_DONE)
        return err;
    if ((o->eab_kid == NULL) != (o->eab_key_file == NULL))
        return usage("--eab-kid and --eab-hmac-key-file go together", NULL);
    err = o->step == 0 ? options_check_solvers(o) : EXIT_DONE; /* a walk has its own */
    if (err != EXIT_DONE)
        return err;
    if (o->preferred_chain != NULL && o->shortest_chain)
        return usage("--preferred-chain and --shortest-chain exclude one another", NULL);
    return EXIT_DONE;
}

static bool with_file(enum command command)
{
    return command == COMMAND_RUN || command == COMMAND_RENEW || command == COMMAND_CHECK;
}

static int check(struct options *o)
{
    char why[400];
    int err = options_check_one(o);

    if (err == EXIT_DONE)
        err = command_check(o);
    if (err != EXIT_DONE)
        return err;
    if ((o->command == COMMAND_ISSUE || o->command == COMMAND_DOCTOR ||
         o->command == COMMAND_DNS_PERSIST || o->command == COMMAND_ACME_DNS) &&
        o->names_count == 0)
        return usage("no name is given: use -d NAME", NULL);
    if (o->command == COMMAND_ISSUE && !options_folder_fits(o))
        return usage("the first name is too long for a folder's name: give a shorter --cert-name",
                     NULL);
    if (o->command == COMMAND_STATUS && o->config_file != NULL &&
        (o->names_count > 0 || o->cert_name[0] != '\0' || o->state_dir != NULL))
        return usage("-c tells which certificates and where: leave -d, --cert-name and --state-dir "
                     "out",
                     NULL);
    if (o->command == COMMAND_ISSUE && o->webroot != NULL && o->http_bind != NULL)
        return usage("--webroot and --http-bind exclude one another", NULL);
    if (o->command == COMMAND_ISSUE && o->deploy_hook != NULL &&
        hook_check(o->deploy_hook, why, sizeof why) != 0)
        return usage("--deploy-hook", why);
    if (o->quiet && o->verbose > 0)
        return usage("-q and -v exclude one another", NULL);
    if (with_file(o->command) && o->config_file == NULL)
        return usage("which configuration file: use -c FILE", NULL);
    return with_file(o->command) || o->command == COMMAND_SERVE ? EXIT_DONE : options_state_dir(o);
}

/* The options that the rows tell of, as getopt wants them: `val` is the letter, or the row. */
#define ROW_VALUE 256

static const char *getopt_tables(struct option *longs, char *shorts)
{
    char *s = shorts;

    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->name != NULL) {
            longs->name = row->name;
            longs->has_arg = option_takes_value(row) ? required_argument : no_argument;
            longs->val = ROW_VALUE + (int)i;
            longs++;
        }
        if (row->letter == 0)
            continue;
        *s++ = row->letter;
        if (option_takes_value(row))
            *s++ = ':';
    }
    return shorts;
}

static const struct option_row *row_of(int option)
{
    size_t i = option >= ROW_VALUE ? (size_t)(option - ROW_VALUE) : 0;

    while (i < option_rows_count && option < ROW_VALUE && option_rows[i].letter != option)
        i++;
    return i < option_rows_count ? &option_rows[i] : NULL;
}

/* Was it typed for a command that knows it? */
static int check_command(const struct options *o, const bool *given)
{
    char message[160], list[80];

    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (!given[i] || (row->commands & FOR(o->command)) != 0)
            continue;
        if (row->commands == 0 || (with_file(o->command) && (row->bits & OPTION_IN_FILE) != 0))
            return usage("this stands in a configuration file, not on the command line", row->name);
        command_words(row->commands, list, sizeof list);
        snprintf(message, sizeof message, "--%s goes with %s", row->name, list);
        return usage(message, NULL);
    }
    return EXIT_DONE;
}

void options_init(struct options *o)
{
    memset(o, 0, offsetof(struct options, csr_der));
    o->http_port = 80;
    o->external_dialect = 1;
    o->handler_timeout = 300;
    o->tls_port = 443;
    o->server = ACME_LETS_ENCRYPT;
}

/* Takes all options. EXIT_DONE, or the status to exit with; *leave: also when it is EXIT_DONE. */
static int take_all(struct options *o, int argc, char **argv, bool *given, bool *leave)
{
    static struct option longs[OPTION_ROWS_MAX + 1]; /* getopt's last one is all zero */
    static char shorts[2 * OPTION_ROWS_MAX + 1];
    const char *letters = getopt_tables(longs, shorts);
    int option, err;

    while ((option = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct option_row *row = row_of(option);
        if (row == NULL) { /* getopt has said why */
            fputs("lwacme: `lwacme --help` tells more\n", stderr);
            return EXIT_USAGE;
        }
        *leave = row->kind == OPTION_HELP || row->kind == OPTION_VERSION;
        for (size_t i = 0; row->kind == OPTION_HELP && options_help[i] != NULL; i++)
            fputs(options_help[i], stdout);
        if (row->kind == OPTION_VERSION)
            printf("lwacme " ACME_VERSION " (wolfSSL " LIBWOLFSSL_VERSION_STRING ")\n");
        if (*leave)
            return EXIT_DONE;
        err = option_take(o, row, optarg);
        if (err != EXIT_DONE)
            return err;
        given[row - option_rows] = true;
    }
    return EXIT_DONE;
}

int options_read(struct options *o, int argc, char **argv, bool *leave)
{
    static char name[] = "lwacme"; /* what getopt puts before its messages */
    bool given[OPTION_ROWS_MAX] = {false};
    int err;

    options_init(o);
    if (argc > 0)
        argv[0] = name;
    *leave = false;
    for (int i = 1; i < argc; i++) {
        if (!conf_plain_text(acme_slice_text(argv[i]))) {
            *leave = true;
            return usage("a control character, or no UTF-8", argv[i]);
        }
    }
    if (staged_meant(argc, argv))
        return staged_read(o, argc, argv, leave);
    err = take_all(o, argc, argv, given, leave);
    if (err == EXIT_DONE && !*leave)
        err = command_read(o, argv + optind, argc - optind);
    if (err == EXIT_DONE && !*leave)
        err = check_command(o, given);
    if (err == EXIT_DONE && !*leave)
        err = check(o);
    *leave = *leave || err != EXIT_DONE;
    return err;
}
