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

static const char help_ways[] =
    "\n"
    "How names are proved\n"
    "  --challenge WAY    http-01 (default), tls-alpn-01, dns-01, dns-account-01 or\n"
    "                     dns-persist-01 (these three do *.NAME too); repeat it for more, the\n"
    "                     preferred one first\n"
    "  --tls-port N --tls-bind ADDR   tls-alpn-01 listens there (default 443; the CA always asks\n"
    "                     on 443), on this address only (issue)\n"
    "  --acme-dns URL     dns-01 by this acme-dns server; `lwacme acme-dns` registers there, and\n"
    "                     tells the CNAME record to add; --import FILE: registrations of other\n"
    "                     clients; --acme-dns-ca-file PEM: roots for its TLS\n"
    "  --persist-issuer DOMAIN  for dns-persist-01: the CA's domain (letsencrypt.org is known);\n"
    "                     `lwacme dns-persist` tells the record to publish; --persist-days N: and\n"
    "                     lets it end\n";

const char *const options_help[] = {help_commands, help_commands_full, help_options, help_ways,
                                    help_proofs,   help_jobs,          help_import,  help_status,
                                    help_file,     help_end,           NULL};
