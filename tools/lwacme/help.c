/* --help, in parts: full.c and small.c choose them. C promises no longer texts than 4095 bytes. */
#include "help.h"

const char help_commands[] =
    "lwacme " ACME_VERSION ": gets, and keeps, TLS certificates from an ACME CA (RFC 8555)\n"
    "\n"
    "  lwacme issue -d NAME [-d NAME...] --agree-tos [options]   get or renew a certificate\n"
    "  lwacme status [-d NAME] [options]                         what is there, and what is next\n"
    "  lwacme revoke -d NAME [options]                           revoke a certificate\n"
    "  lwacme account show|update|deactivate|recover|rollover    the account at the CA\n";

const char help_commands_full[] =
    "  lwacme doctor -d NAME [-d NAME...] [options]              what stands in the way of one\n"
    "  lwacme run -c FILE                                        the daemon: keeps all of a file\n"
    "  lwacme renew -c FILE [options]                            each of them once, for a timer\n"
    "  lwacme check -c FILE                                      is this configuration right?\n"
    "  lwacme dns-persist|acme-dns -d NAME [options]             what to publish in DNS, once\n"
    "  lwacme serve-challenges [--webroot DIR] [--user USER]     answers for who issues "
    "elsewhere\n"
    "  lwacme -d NAME -AUTH, --dns, -DNS, -CERT                  step by step, a person adding a\n"
    "                                                            DNS record; see lwacme -h\n";

const char help_options[] =
    "\n"
    "What for\n"
    "  -d NAME            a DNS name or an IP address; repeat it for more in one certificate\n"
    "  --csr FILE         instead of -d: a certificate request (PEM or DER) whose key lies "
    "elsewhere\n"
    "  --cert-name NAME   the certificate's name in storage (default: the first -d)\n"
    "  --key-type TYPE    p256 (default) p384 rsa2048 rsa3072 rsa4096\n"
    "  --reuse-key        a renewal keeps the certificate's key\n"
    "\n"
    "From whom\n"
    "  --server URL       letsencrypt (default), letsencrypt-staging, or a directory's https URL;\n"
    "                     repeat it: the first is preferred, the others stand in for it\n"
    "  --staging-server URL  after a failed proof, the next one is shown to this CA first\n"
    "  -m EMAIL           contact for the account\n"
    "  --agree-tos        you agree to the CA's terms of service\n"
    "  --account-key-type TYPE  p256 (default) p384 rsa2048; when the account is made\n"
    "  --profile NAME     a profile of the CA's; its default when it does not offer that one\n"
    "  --required-profile NAME  that profile or no certificate\n"
    "  --preferred-chain ISSUER  of the CA's chains the one that leads to this root (common name,\n"
    "                     or key identifier in hex); the default one when there is none\n"
    "  --shortest-chain   of the CA's chains the one of least bytes\n"
    "  --ca-file PEM      roots to trust for the CA's own TLS (default: the system's)\n"
    "  --eab-kid KID --eab-hmac-key-file FILE   external account binding, for CAs that want one:\n"
    "                     the key as base64url in FILE, or - for stdin; once, for the account\n"
    "  --eab-alg ALG      HS256 (default) HS384 HS512\n";

const char help_proofs[] =
    "  --http-port N      http-01 listens there (default 80; the CA always asks on 80)\n"
    "  --http-bind ADDR   listen on this address only\n"
    "  --webroot DIR      put files below DIR instead, for a web server that owns port 80\n"
    "  --tsig-key-file FILE  for dns-01: the key that signs DNS UPDATEs (RFC 2136), as\n"
    "                     tsig-keygen writes it; mode 0600\n"
    "  --dns-server ADDR[:PORT]  send them there (default: the zone's primary)\n"
    "  --dns-only-primary  do not wait for the zone's other servers\n"
    "  --external WAY     issue: another program, or a person, proves them by the ways of\n"
    "                     --challenge (default: all that it can): json or text (stdout and\n"
    "                     stdin), handler=PATH, dehydrated=PATH, fifo=PATH, unix=PATH\n"
    "  --external-dialect N  members of its messages: 1 (default) or 2, as later releases\n"
    "  --handler-timeout S   for each run of a handler (default 300)\n"
    "\n"
    "Where to\n"
    "  --state-dir DIR    keys and records (default /var/lib/lwacme; for users\n"
    "                     $XDG_STATE_HOME/lwacme or ~/.local/state/lwacme)\n"
    "  --out-dir DIR      DIR/NAME/{privkey,cert,chain,fullchain}.pem (default STATE/live)\n"
    "  --deploy-hook PROGRAM  run it when a new certificate is installed (issue)\n"
    "\n"
    "When\n"
    "  --force            renew though it is not due\n"
    "  --now              do not wait for our own backoff after a failure\n"
    "  --ignore-retry-after  not even when the CA said to wait; you take it upon yourself\n";

const char help_jobs[] =
    "\n"
    "To revoke\n"
    "  -d NAME            the certificate of that name (or --cert-name), from --server\n"
    "  --file CERT        instead: a certificate (PEM or DER) that is not in the store\n"
    "  --reason NAME      unspecified (default) keyCompromise affiliationChanged superseded\n"
    "                     cessationOfOperation ...; CAs take only some\n"
    "  --signed-by WHO    account (default) or certificate: the key that signs the request\n"
    "  --key FILE         the certificate's key in PEM; for --file with --signed-by certificate\n"
    "\n"
    "The account at --server\n"
    "  show               its URL, key thumbprint, status and contact, as the CA tells them\n"
    "  update --contact EMAIL (or --no-contact)   change the contact\n"
    "  deactivate --yes   for ever; certificates stay valid, and its key is forgotten\n"
    "  rollover           a new key for it (of --account-key-type, or as the old one's)\n"
    "  recover --key FILE take over the account that this private key has at the CA\n";

const char help_import[] =
    "  import FOLDER      take over the account that certbot, acme.sh or lego keeps there; "
    "--server\n"
    "                     where its files do not tell it\n";

const char help_status[] =
    "\n"
    "status\n"
    "  --check            for monitoring: a line for each; exits 0 fine, 1 warning, 2 critical\n";

const char help_file[] =
    "  --metrics FILE     also writes the state of all as a file for Prometheus\n"
    "  -c FILE            of all certificates of a configuration file, also those not made yet\n"
    "\n"
    "Many certificates, from a file\n"
    "  -c FILE            lines `key = value`; keys are the options above without dashes, yes or "
    "no\n"
    "                     where they take no value. What stands first holds for all certificates;\n"
    "                     each begins with [NAME] and has its own `domain = NAME NAME...`.\n"
    "                     Also there: deploy-hook, user, metrics, log (stderr or syslog)\n";

const char help_end[] = "\n"
                        "How it speaks\n"
                        "  --json             one JSON object a line on stdout for every event\n"
                        "  -v                 more: each request and reply       -q   errors only\n"
                        "  --log syslog       instead of stderr\n"
                        "  --help  --version\n"
                        "\n"
                        "Exit status\n"
                        "  0 done, or nothing is due         1 wrong usage\n"
                        "  2 the CA refused, or could not validate a name\n"
                        "  3 network or CA not available, or held back: try later\n"
                        "  4 local trouble (storage, port in use, clock, memory)\n"
                        "  5 the CA's server is not trusted  6 a solver or hook failed\n"
                        "  7 a step whose turn has not come  130, 143 stopped by a signal\n";
