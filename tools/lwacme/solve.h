/* solve.h - which solvers prove the names of a certificate, and in which order they are asked */
#ifndef LWACME_SOLVE_H
#define LWACME_SOLVE_H

#include "byhand.h"
#include "dns01_acmedns.h"
#include "dns_persist01.h"
#include "http01.h"
#include "lwacme.h"
#include "outside.h"
#include "tls_alpn01.h"
#include "tsig.h"

struct solve {
    struct http01 http01;
    struct tls_alpn01 tls_alpn01;
    struct webroot webroot;
    struct dns01_2136 dns01, dns_account01;
    struct dns_persist01 persist;
    struct dns01_acmedns acmedns;
    struct tsig tsig;
    struct trust acmedns_trust;
    struct acme_anchors acmedns_anchors;
    struct outside outside;
    struct byhand byhand;                         /* of the staged walk */
    struct acme_solver *http, *tls;               /* the responders, shared by all certificates */
    struct acme_solver *list[OPTIONS_CHALLENGES]; /* those of the loaded certificate, in order */
    size_t count;
    int err;
    char why[700];
};

/* The responders: one of each for all certificates. */
void solve_init(struct solve *s, const struct options *o, const struct acme_port *port);
/* The list for a certificate, and what its solvers need: ACME_OK; or s->err and s->why. */
int solve_open(struct solve *s, const struct options *o, const struct acme_port *port);
/* Where DNS is asked: --dns-server, or who knows. */
struct dns01_2136_config solve_dns_server(struct solve *s, const struct options *o);
/* -- solve_more.c: what a build may leave out. NULL: s->err, s->why -- */

/* The responder of tls-alpn-01. */
struct acme_solver *solve_tls(struct solve *s, const struct options *o,
                              const struct acme_port *port);
/* The solver by acme-dns alone, whatever types of challenges are taken. */
struct acme_solver *solve_acmedns(struct solve *s, const struct options *o,
                                  const struct acme_port *port);
struct acme_solver *solve_persist(struct solve *s, const struct options *o,
                                  const struct acme_port *port);
void solve_more_close(struct solve *s);

/* -- solve.c again -- */

/* Its secrets are wiped. */
void solve_close(struct solve *s);
/* The responders serve who connects: milliseconds until they want it again. */
uint32_t solve_serve(struct solve *s);
/* Do the responders serve a challenge? Have they room for those of this certificate? */
bool solve_busy(const struct solve *s);
bool solve_fits(const struct solve *s, const struct options *o);
/* What a solver knows beyond an outcome, for people. */
void solve_detail(const struct solve *s, int outcome);

#endif
