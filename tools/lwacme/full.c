/* All that there is. */
#include "help.h"

const struct command_row commands[] = {
    {"issue", COMMAND_ISSUE, issue_run},
    {"status", COMMAND_STATUS, status_run},
    {"revoke", COMMAND_REVOKE, job_run},
    {"account", COMMAND_ACCOUNT, job_run},
    {"check", COMMAND_CHECK, check_run},
    {"doctor", COMMAND_DOCTOR, doctor_run},
    {"run", COMMAND_RUN, daemon_run},
    {"renew", COMMAND_RENEW, renew_run},
    {"dns-persist", COMMAND_DNS_PERSIST, persist_run},
    {"acme-dns", COMMAND_ACME_DNS, acmedns_run},
    {"serve-challenges", COMMAND_SERVE, serve_run},
    {NULL, COMMAND_ISSUE, NULL},
};

const char *const options_help[] = {help_commands,    help_commands_full, help_options, help_proofs,
                                    help_proofs_full, help_jobs,          help_import,  help_status,
                                    help_file,        help_end,           NULL};
