/* dns_persist01.h - the solver of dns-persist-01 (draft-ietf-acme-dns-persist)
 *
 * The proof is a TXT record that a person publishes once (dns_persist.h); nothing is done when a
 * certificate is due but to look whether it is there, so that the CA is not told to come in vain.
 */
#ifndef DNS_PERSIST01_H
#define DNS_PERSIST01_H

#include "acme_solver.h"
#include "dns_label.h"
#include "dns_persist.h"
#include "dns_seek.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DNS_PERSIST01_SOON_S (90 * 86400) /* it is warned of a record that ends before then */

struct dns_persist01_config {
    const char *issuer;   /* of the CA, as a person has configured it (dns_persist_issuer_ok) */
    const char *server;   /* where to look; NULL: the system's DNS servers */
    uint16_t server_port; /* 0: 53 */
    bool others;          /* there are other solvers: decline where the record does not fit */
};

/* Placed by the caller; all members but why, verdict and until are private. */
struct dns_persist01 {
    struct acme_solver solver;
    char why[DNS_SEEK_WHY]; /* what went wrong last, without a full stop; "" if nothing did */
    uint8_t verdict;        /* enum dns_persist_verdict of the best record of the last look */
    int64_t until;          /* of that one; 0: for ever */

    struct dns_persist01_config config;
    struct dns_persist_want want;
    bool looking;
    char identifier[ACME_NAME_ROOM];
    int64_t now;
    struct dns_seek seek;
};

/* Fills *p and answers the solver to hand to the agent. *config is copied; what it points to must
 * outlive p.
 *
 * A challenge whose issuer-domain-names do not have the configured issuer is none of ours. begin
 * answers ACME_E_DECLINED for IP addresses, and where neither a server is given nor the port knows
 * the system's; ACME_E_SOLVER (with others: ACME_E_DECLINED), and words in why, where no record
 * fits; what the network answers, when DNS_SEEK_TRIES have failed. */
struct acme_solver *dns_persist01_init(struct dns_persist01 *p, const struct acme_port *port,
                                       const struct dns_persist01_config *config);
/* Ends the connection there may be: before p is given up, or filled anew. */
void dns_persist01_close(struct dns_persist01 *p);

/* As begin, for who only wants to know: ACME_OK (verdict, until), ACME_AGAIN, or what failed. */
int dns_persist01_look(struct dns_persist01 *p, const struct acme_challenge *c);

#ifdef __cplusplus
}
#endif

#endif
