/* The small tool: one certificate after another, called by a timer. No daemon and no configuration
 * file, no doctor, no metrics, no walk in steps, no accounts of other clients, and of the proofs
 * http-01, dns-01 by UPDATE and external; what the rest asks of them says so. */
#include <string.h>

#include "help.h"
#include "metrics.h"
#include "solve.h"
#include "staged.h"

const struct command_row commands[] = {
    {"issue", COMMAND_ISSUE, issue_run}, {"status", COMMAND_STATUS, status_run},
    {"revoke", COMMAND_REVOKE, job_run}, {"account", COMMAND_ACCOUNT, job_run},
    {NULL, COMMAND_ISSUE, NULL},
};

static const char help_ways[] =
    "\n"
    "How names are proved\n"
    "  --challenge WAY    http-01 (default), dns-01 or dns-account-01 (these two do *.NAME too);\n"
    "                     repeat it for more, the preferred one first\n";

const char *const options_help[] = {help_commands, help_options, help_ways, help_proofs,
                                    help_jobs,     help_status,  help_end,  NULL};

/* -- what others would ask the parts that are left out -- */

int conf_open(struct conf *c, const char *path, const struct options *base)
{
    memset(c, 0, sizeof *c);
    c->path = path;
    c->base = base;
    return usage("-c: this small lwacme reads no configuration file", path);
}

int conf_options(const struct conf *c, size_t i, struct options *out)
{
    (void)c, (void)i, (void)out;
    return EXIT_LOCAL;
}

void conf_close(struct conf *c)
{
    (void)c;
}

int import_load(struct options *o)
{
    return usage("account import: this small lwacme reads no other client's files; account recover "
                 "--key takes a key",
                 o->import_path);
}

void import_told(const struct options *o, const char *url)
{
    (void)o, (void)url;
}

void metrics_begin(struct metrics *m)
{
    (void)m;
}

void metrics_add(struct metrics *m, const struct facts *f)
{
    (void)m, (void)f;
}

bool metrics_doubt(const char *path, char *why, size_t room)
{
    (void)path, (void)why, (void)room;
    return false;
}

int metrics_end(struct metrics *m, const char *path, char *why, size_t room)
{
    (void)m, (void)path;
    snprintf(why, room, "this small lwacme writes none");
    return -1;
}

/* Nobody has given up rights: hooks are run by this process. */
long runner_pid(void)
{
    return 0;
}

int runner_ask(uint32_t serial, const struct hook_facts *facts, char *why, size_t room)
{
    (void)serial, (void)facts, (void)why, (void)room;
    return ACME_E_SOLVER;
}

int runner_answer(uint32_t serial, int *status, char *why, size_t room)
{
    (void)serial, (void)status, (void)why, (void)room;
    return ACME_E_SOLVER;
}

void runner_kill(void)
{
}

bool staged_meant(int argc, char **argv)
{
    (void)argc, (void)argv;
    return false;
}

int staged_read(struct options *o, int argc, char **argv, bool *leave)
{
    (void)o, (void)argc, (void)argv;
    *leave = true;
    return EXIT_USAGE;
}

int staged_run(const struct options *o)
{
    (void)o;
    return EXIT_USAGE;
}

struct acme_solver *byhand_init(struct byhand *b, const struct acme_port *port, const char *server,
                                uint16_t tcp_port)
{
    (void)b, (void)port, (void)server, (void)tcp_port;
    return NULL;
}

void byhand_close(struct byhand *b)
{
    (void)b;
}

static struct acme_solver *not_here(struct solve *s, const char *what)
{
    s->err = ACME_E_CONFIG;
    snprintf(s->why, sizeof s->why, "this small lwacme does not prove names by %s", what);
    return NULL;
}

struct acme_solver *solve_tls(struct solve *s, const struct options *o,
                              const struct acme_port *port)
{
    (void)o, (void)port;
    return not_here(s, "tls-alpn-01");
}

struct acme_solver *solve_acmedns(struct solve *s, const struct options *o,
                                  const struct acme_port *port)
{
    (void)o, (void)port;
    return not_here(s, "acme-dns");
}

struct acme_solver *solve_persist(struct solve *s, const struct options *o,
                                  const struct acme_port *port)
{
    (void)o, (void)port;
    return not_here(s, "dns-persist-01");
}

void solve_more_close(struct solve *s)
{
    (void)s;
}
