/* dns01_acmedns.h - the solver of dns-01 (RFC 8555 8.4) by acme-dns (github.com/joohoi/acme-dns)
 *
 * acme-dns is a DNS server with an HTTPS API that can change TXT records of one subdomain and no
 * more. A person adds one CNAME record for each name, once, which leads from `_acme-challenge.NAME`
 * there: so there are no credentials on the device that could change the zone itself.
 *
 * The first begin registers (acmedns_account.h), and tells the CNAME record that is missing. From
 * then on begin looks whether the record leads there, and sends the value; ready asks the servers
 * of acme-dns' zone for it. There is nothing to undo: a value is replaced by the next but one.
 */
#ifndef DNS01_ACMEDNS_H
#define DNS01_ACMEDNS_H

#include "acme_solver.h"
#include "acme_tls.h"
#include "acmedns_account.h"
#include "dns_label.h"
#include "dns_seek.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DNS01_ACMEDNS_READY_MS 20000 /* until its servers have to show a value */
#define DNS01_ACMEDNS_TRIES    3     /* of a request that gets no answer, or 5xx */
#define DNS01_ACMEDNS_PAUSE_MS 1000  /* between two */
#define DNS01_ACMEDNS_WHY      640

struct dns01_acmedns_config {
    const char *url;                    /* https; "/register" and "/update" are put behind it */
    const struct acme_anchors *anchors; /* of its TLS; NULL: those that the CA's have */
    const char *server;                 /* to look up names at; NULL: the system's DNS servers */
    uint16_t server_port, ns_port;      /* 0: 53 */
};

/* Placed by the caller; all members but why and account are private. */
struct dns01_acmedns {
    struct acme_solver solver;
    char why[DNS01_ACMEDNS_WHY];    /* what went wrong last, without a full stop; or "" */
    struct acmedns_account account; /* of the name that was worked for last; secret */

    struct dns01_acmedns_config config;
    uint8_t job, phase, tries;
    bool flying; /* a request is under way */
    char identifier[ACME_NAME_ROOM], value[DNS_LABEL_VALUE];
    uint64_t wake_ms;
    struct dns_seek seek; /* its buffer serves for JSON and records as well */
};

/* Fills *d and answers the solver to hand to the agent. *config is copied; what it points to must
 * outlive d.
 *
 * begin answers ACME_E_DECLINED for IP addresses (RFC 8738 7), without an exchange, and where
 * neither a server is given nor the port knows the system's; ACME_E_SOLVER with words in why; what
 * the slots and the network answer. */
struct acme_solver *dns01_acmedns_init(struct dns01_acmedns *d, const struct acme_port *port,
                                       const struct dns01_acmedns_config *config);
/* Ends the connection there may be, and wipes the account: before d is given up or filled anew. */
void dns01_acmedns_close(struct dns01_acmedns *d);

/* Is there a registration for this name (one is made if not), and does the CNAME record lead there?
 * For who wants to know before a certificate is due; x as in a challenge. Called until it answers
 * anything but ACME_AGAIN: ACME_OK, ACME_E_SOLVER (why), or another error; account is filled as far
 * as it is known. */
int dns01_acmedns_prepare(struct dns01_acmedns *d, const char *identifier, struct acme_exchange *x);

#ifdef __cplusplus
}
#endif

#endif
