/* The solvers of a certificate: one for each type of challenge that its options take. */
#include "solve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void solve_init(struct solve *s, const struct options *o, const struct acme_port *port)
{
    s->http = http01_init(&s->http01, port, o->http_bind, o->http_port);
    s->tls = solve_tls(s, o, port);
}

static struct acme_solver *open_http(struct solve *s, const struct options *o,
                                     const struct acme_port *port)
{
    if (o->webroot == NULL)
        return s->http;
    if (access(o->webroot, W_OK | X_OK) == 0)
        return webroot_init(&s->webroot, port, o->webroot);
    s->err = ACME_E_SOLVER;
    snprintf(s->why, sizeof s->why, "--webroot %.300s: %s", o->webroot, strerror(errno));
    return NULL;
}

struct dns01_2136_config solve_dns_server(struct solve *s, const struct options *o)
{
    struct dns01_2136_config config = {.key = &s->tsig.key, .only_primary = o->dns_only_primary};

    if (o->dns_server != NULL)
        (void)tsig_server(&s->tsig, o->dns_server, &config);
    return config;
}

/* Nothing of these lives longer than a certificate is loaded: their solvers remember nothing. */
static struct acme_solver *open_dns(struct solve *s, const struct options *o,
                                    const struct acme_port *port, bool account)
{
    struct dns01_2136_config config;

    if (tsig_read(&s->tsig, o->tsig_key_file) != 0) {
        s->err = ACME_E_CONFIG;
        snprintf(s->why, sizeof s->why, "--tsig-key-file %s", s->tsig.why);
        return NULL;
    }
    config = solve_dns_server(s, o);
    config.account = account;
    return dns01_2136_init(account ? &s->dns_account01 : &s->dns01, port, &config);
}

static struct acme_solver *open_one(struct solve *s, const struct options *o,
                                    const struct acme_port *port, enum acme_challenge_type type)
{
    switch (type) {
    case ACME_CHALLENGE_DNS01:
        return o->acme_dns != NULL ? solve_acmedns(s, o, port) : open_dns(s, o, port, false);
    case ACME_CHALLENGE_DNS_ACCOUNT01:
        return open_dns(s, o, port, true);
    case ACME_CHALLENGE_DNS_PERSIST01:
        return solve_persist(s, o, port);
    case ACME_CHALLENGE_TLSALPN01:
        return s->tls != NULL ? s->tls : solve_tls(s, o, port);
    default:
        return open_http(s, o, port);
    }
}

/* Who solves outside does so for each of the types: nothing of ours takes part. */
static int open_external(struct solve *s, const struct options *o, const struct acme_port *port)
{
    static const enum acme_challenge_type all[] = {ACME_CHALLENGE_HTTP01, ACME_CHALLENGE_DNS01,
                                                   ACME_CHALLENGE_TLSALPN01};
    const enum acme_challenge_type *types = o->challenges_count > 0 ? o->challenges : all;

    if (outside_open(&s->outside, o, port) != 0) {
        snprintf(s->why, sizeof s->why, "--external: %s", s->outside.why);
        s->err = ACME_E_SOLVER;
        return s->err;
    }
    s->count = 0;
    for (size_t i = 0; i < (o->challenges_count > 0 ? o->challenges_count : 3); i++) {
        s->list[s->count] = external_of(&s->outside.external, types[i]);
        s->count += s->list[s->count] != NULL ? 1 : 0;
    }
    return ACME_OK;
}

/* A person adds the records. */
static int open_byhand(struct solve *s, const struct options *o, const struct acme_port *port)
{
    struct dns01_2136_config config = {.server = NULL};

    if (o->dns_server != NULL)
        (void)tsig_server(&s->tsig, o->dns_server, &config);
    s->list[0] = byhand_init(&s->byhand, port, config.server, config.port);
    s->count = 1;
    return ACME_OK;
}

int solve_open(struct solve *s, const struct options *o, const struct acme_port *port)
{
    size_t wanted = o->challenges_count > 0 ? o->challenges_count : 1;

    s->err = ACME_OK;
    s->why[0] = '\0';
    if (o->step != 0)
        return open_byhand(s, o, port);
    if (o->external != 0)
        return open_external(s, o, port);
    outside_aside(&s->outside);
    for (s->count = 0; s->count < wanted; s->count++) {
        enum acme_challenge_type type =
            o->challenges_count > 0 ? o->challenges[s->count] : ACME_CHALLENGE_HTTP01;
        s->list[s->count] = open_one(s, o, port, type);
        if (s->list[s->count] == NULL)
            return s->err;
    }
    return ACME_OK;
}

void solve_close(struct solve *s)
{
    if (s->dns01.solver.ops != NULL)
        dns01_2136_close(&s->dns01);
    if (s->dns_account01.solver.ops != NULL)
        dns01_2136_close(&s->dns_account01);
    solve_more_close(s);
    byhand_close(&s->byhand);
    dns_tsig_key_wipe(&s->tsig.key);
}

uint32_t solve_serve(struct solve *s)
{
    uint32_t http = s->http->ops->poll(s->http);
    uint32_t tls = s->tls != NULL ? s->tls->ops->poll(s->tls) : UINT32_MAX;

    return http < tls ? http : tls;
}

bool solve_busy(const struct solve *s)
{
    return s->http01.live > 0 || s->tls_alpn01.live > 0;
}

bool solve_fits(const struct solve *s, const struct options *o)
{
    bool http = options_takes(o, ACME_CHALLENGE_HTTP01) && o->webroot == NULL;
    bool tls = options_takes(o, ACME_CHALLENGE_TLSALPN01);

    if (o->external != 0)
        return true;
    return (!http || s->http01.live + o->names_count <= HTTP01_MAX_TOKENS) &&
           (!tls || s->tls_alpn01.live + o->names_count <= TLS_ALPN01_MAX_NAMES);
}

void solve_detail(const struct solve *s, int outcome)
{
    if (s->webroot.why[0] != '\0' && outcome == ACME_E_SOLVER)
        fprintf(log_to(LOG_BAD), "  webroot   %s\n", s->webroot.why);
    if (s->outside.external.why[0] != '\0' && outcome == ACME_E_SOLVER)
        fprintf(log_to(LOG_BAD), "  external  %s\n", s->outside.external.why);
    if (s->dns01.why[0] != '\0')
        fprintf(log_to(LOG_BAD), "  dns-01    %s\n", s->dns01.why);
    if (s->dns_account01.why[0] != '\0')
        fprintf(log_to(LOG_BAD), "  dns-account-01  %s\n", s->dns_account01.why);
    if (s->persist.why[0] != '\0')
        fprintf(log_to(LOG_BAD), "  dns-persist-01  %s (`lwacme dns-persist` tells the record)\n",
                s->persist.why);
    if (s->acmedns.why[0] != '\0')
        fprintf(log_to(LOG_BAD), "  acme-dns  %s\n", s->acmedns.why);
}
