/* The solvers that the small tool leaves out. */
#include "solve.h"

struct acme_solver *solve_tls(struct solve *s, const struct options *o,
                              const struct acme_port *port)
{
    return tls_alpn01_init(&s->tls_alpn01, port, o->tls_bind, o->tls_port);
}

struct acme_solver *solve_acmedns(struct solve *s, const struct options *o,
                                  const struct acme_port *port)
{
    struct dns01_2136_config dns = solve_dns_server(s, o);
    struct dns01_acmedns_config config = {.url = o->acme_dns};

    if (o->acme_dns_ca != NULL && trust_open(&s->acmedns_trust, o->acme_dns_ca) != 0) {
        s->err = ACME_E_CONFIG;
        snprintf(s->why, sizeof s->why, "--acme-dns-ca-file %s", s->acmedns_trust.why);
        return NULL;
    }
    s->acmedns_anchors.sets = &s->acmedns_trust.text;
    s->acmedns_anchors.count = 1;
    config.anchors = o->acme_dns_ca != NULL ? &s->acmedns_anchors : NULL;
    config.server = dns.server;
    config.server_port = dns.port;
    return dns01_acmedns_init(&s->acmedns, port, &config);
}

struct acme_solver *solve_persist(struct solve *s, const struct options *o,
                                  const struct acme_port *port)
{
    struct dns01_2136_config dns = solve_dns_server(s, o);
    struct dns_persist01_config config = {.issuer = options_issuer(o),
                                          .server = dns.server,
                                          .server_port = dns.port,
                                          .others = o->challenges_count > 1};

    return dns_persist01_init(&s->persist, port, &config);
}

void solve_more_close(struct solve *s)
{
    if (s->persist.solver.ops != NULL)
        dns_persist01_close(&s->persist);
    if (s->acmedns.solver.ops != NULL)
        dns01_acmedns_close(&s->acmedns);
    trust_close(&s->acmedns_trust);
}
