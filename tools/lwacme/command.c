/* The command line: the commands, and the options that belong to some of them only. */
#include "lwacme.h"

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
    if ((o->job == ACME_JOB_RECOVER) != (o->key_file != NULL))
        return usage("account recover, and only that, takes --key FILE: the account's private key",
                     NULL);
    if (o->key_file == NULL || job_load(o, &why) == 0)
        return EXIT_DONE;
    snprintf(message, sizeof message, "%s", why);
    return usage(message, job_bad_file(o));
}

/* Options that belong to some commands only. */
int command_check(struct options *o)
{
    int err = EXIT_DONE;

    if (o->command == COMMAND_REVOKE)
        err = check_revoke(o);
    else if (o->file != NULL || o->reason != 0 || o->by_certificate)
        return usage("--file, --reason and --signed-by go with revoke", NULL);
    if (o->command == COMMAND_ACCOUNT)
        err = check_account(o);
    else if (o->no_contact || o->yes)
        return usage("--no-contact and --yes go with account", NULL);
    if (o->key_file != NULL && o->command != COMMAND_REVOKE && o->command != COMMAND_ACCOUNT)
        return usage("--key goes with revoke and account recover", NULL);
    if (err == EXIT_DONE && o->names_count == 0 &&
        (o->command == COMMAND_REVOKE || o->command == COMMAND_ACCOUNT))
        (void)options_add_name(
            o, "name.invalid"); /* an agent has a name, also one that orders nothing */
    return err;
}

int command_read(struct options *o, char **words, int count)
{
    static const char *const acts[] = {NULL,         NULL,      "show",    "update",
                                       "deactivate", "recover", "rollover"};
    const char *word = words[0];

    if (strcmp(word, "account") == 0) {
        o->command = COMMAND_ACCOUNT;
        for (uint8_t i = ACME_JOB_SHOW; count > 1 && i < sizeof acts / sizeof acts[0]; i++) {
            if (strcmp(acts[i], words[1]) == 0)
                o->job = i;
        }
        if (count == 1 || o->job == 0)
            return usage("account show, update, deactivate, recover or rollover?",
                         count > 1 ? words[1] : NULL);
        words++;
        count--;
    } else if (strcmp(word, "issue") == 0)
        o->command = COMMAND_ISSUE;
    else if (strcmp(word, "status") == 0)
        o->command = COMMAND_STATUS;
    else if (strcmp(word, "revoke") == 0)
        o->command = COMMAND_REVOKE;
    if (count > 1)
        return usage("one command at a time, and names go with -d", words[1]);
    if (o->command == COMMAND_ISSUE && strcmp(word, "issue") != 0)
        return usage("there is no such command", word);
    return EXIT_DONE;
}
