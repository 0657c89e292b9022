/* The command line: the commands, and the options that belong to some of them only. */
#include "staged.h"

#include <string.h>

/* What is to be revoked. */
static int check_revoke(struct options *o)
{
    char message[400];
    const char *why = "";

    if (o->file == NULL && o->key_file != NULL)
        return usage("--key goes with --file", NULL);
    if (o->file == NULL && o->names_count == 0 && o->cert_name[0] == '\0')
        return usage("which certificate: use -d NAME, --cert-name NAME or --file CERT", NULL);
    if (o->names_count > 1 || (o->file != NULL && o->names_count > 0))
        return usage("one certificate at a time: one -d, --cert-name or --file", NULL);
    if (o->file == NULL)
        return EXIT_DONE;
    if (o->by_certificate && o->key_file == NULL)
        return usage("--signed-by certificate: where is its key? Give --key FILE", NULL);
    if (job_load(o, &why) == 0)
        return EXIT_DONE;
    snprintf(message, sizeof message, "%s", why);
    return usage(message, job_bad_file(o));
}

static int check_account(struct options *o)
{
    char message[400];
    const char *why = "";

    if (o->names_count > 0)
        return usage("an account has no names: leave -d out", NULL);
    if (o->job == ACME_JOB_UPDATE && (o->email == NULL) != o->no_contact)
        return usage("account update: give either --contact EMAIL or --no-contact", NULL);
    if (o->job == ACME_JOB_DEACTIVATE && !o->yes)
        return usage("an account that is deactivated never comes back; if you mean it, add --yes",
                     NULL);
    if (o->import_path != NULL)
        return o->key_file != NULL
                   ? usage("account import: the folder has the key: leave --key out", NULL)
                   : import_load(o);
    if ((o->job == ACME_JOB_RECOVER) != (o->key_file != NULL))
        return usage("account recover, and only that, takes --key FILE: the account's private key",
                     NULL);
    if (o->key_file == NULL || job_load(o, &why) == 0)
        return EXIT_DONE;
    snprintf(message, sizeof message, "%s", why);
    return usage(message, job_bad_file(o));
}

/* What a command needs beside what the table of options says. */
int command_check(struct options *o)
{
    int err = EXIT_DONE;

    if (o->command == COMMAND_REVOKE)
        err = check_revoke(o);
    if (o->command == COMMAND_ACCOUNT)
        err = check_account(o);
    if (err == EXIT_DONE && o->names_count == 0 &&
        (o->command == COMMAND_REVOKE || o->command == COMMAND_ACCOUNT))
        (void)options_add_name(
            o, "name.invalid"); /* an agent has a name, also one that orders nothing */
    return err;
}

void command_words(unsigned which, char *out, size_t room)
{
    struct acme_buf b;
    bool more = false;

    acme_buf_init(&b, out, room);
    for (size_t i = 0; commands[i].word != NULL; i++) {
        if ((which & (1u << commands[i].command)) == 0)
            continue;
        acme_buf_text(&b, more ? ", " : "");
        acme_buf_text(&b, commands[i].word);
        more = true;
    }
    if (!acme_buf_end(&b))
        out[0] = '\0';
}

/* The words behind `account`: how many were taken, or 0, and it is said. */
static int read_account_job(struct options *o, char **words, int count)
{
    static const char *const acts[] = {NULL,         NULL,      "show",    "update",
                                       "deactivate", "recover", "rollover"};
    const char *word = count > 0 ? words[0] : NULL;

    if (word != NULL && strcmp(word, "import") == 0) {
        o->job = ACME_JOB_RECOVER;
        o->import_path = count > 1 && words[1][0] != '\0' ? words[1] : NULL;
        if (o->import_path == NULL)
            usage("account import FOLDER: of certbot, acme.sh or lego", NULL);
        return o->import_path != NULL ? 2 : 0;
    }
    for (uint8_t i = ACME_JOB_SHOW; word != NULL && i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(acts[i], word) == 0)
            o->job = i;
    }
    if (o->job == 0)
        usage("account show, update, deactivate, recover, import or rollover?", word);
    return o->job != 0 ? 1 : 0;
}

int command_read(struct options *o, char **words, int count)
{
    char message[160], list[100];
    size_t i = 0;
    int taken = 1;

    if (count == 0) {
        command_words(~0u, list, sizeof list);
        snprintf(message, sizeof message, "a command is missing: %s", list);
        return usage(message, NULL);
    }
    while (commands[i].word != NULL && strcmp(commands[i].word, words[0]) != 0)
        i++;
    if (commands[i].word != NULL)
        o->command = commands[i].command;
    if (commands[i].word != NULL && o->command == COMMAND_ACCOUNT) {
        taken = read_account_job(o, words + 1, count - 1);
        if (taken++ == 0)
            return EXIT_USAGE;
    }
    if (count > taken)
        return usage("one command at a time, and names go with -d", words[taken]);
    return commands[i].word != NULL ? EXIT_DONE : usage("there is no such command", words[0]);
}

bool command_is(const char *word)
{
    size_t i = 0;

    while (commands[i].word != NULL && strcmp(commands[i].word, word) != 0)
        i++;
    return commands[i].word != NULL;
}

int command_run(const struct options *o)
{
    size_t i = 0;

    if (o->command == COMMAND_STAGED)
        return staged_run(o);
    while (commands[i].command != o->command)
        i++;
    return commands[i].run(o);
}
