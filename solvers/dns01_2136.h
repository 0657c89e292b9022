/* dns01_2136.h - the solver of dns-01 (RFC 8555 8.4) and dns-account-01 (which differs in the
 * record's name alone) by signed DNS UPDATE (RFC 2136, RFC 8945)
 *
 * begin adds one TXT record, exactly our value, to `_acme-challenge.NAME` (dns_label.h), or to
 * where an alias (CNAME) there leads; ready asks every server of the zone for it; end removes that
 * one value. So the values of `x` and `*.x`, which have the same owner, live side by side. All goes
 * over TCP.
 *
 * Nothing is remembered between the three: the zone is looked for each time, and the value follows
 * from the token and the account's key. So end works after a reboot, and is repeatable.
 */
#ifndef DNS01_2136_H
#define DNS01_2136_H

#include "acme_config.h"
#include "acme_solver.h"
#include "dns_label.h"
#include "dns_seek.h"
#include "dns_tsig.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DNS01_2136_READY_MS 300000 /* until every server has to have the value */

struct dns01_2136_config {
    const char *server; /* name or IP literal; NULL: the zone's primary (SOA), which is found by the
                           system's DNS servers */
    uint16_t port;      /* of server or primary; 0: 53 */
    uint16_t ns_port;   /* of the zone's other servers; 0: 53 */
    uint32_t ttl;       /* seconds; 0: 60 */
    uint32_t ready_ms;  /* 0: DNS01_2136_READY_MS. The agent gives up after 10 minutes. */
    bool only_primary;  /* ready asks only the server that took the UPDATE */
    bool account;       /* dns-account-01 instead of dns-01: a solver serves one of them */
    const struct dns_tsig_key *key; /* NULL: unsigned, for servers that go by address */
};

/* Placed by the caller; all members but why and absent are private. 9 KB with the default bounds; 3
 * KB with 2 servers and messages of 1024 bytes (dns_seek.h). */
struct dns01_2136 {
    struct acme_solver solver;
    char why[DNS_SEEK_WHY]; /* what went wrong last, without a full stop; "" if nothing did */
    bool absent;            /* ready: a server was asked, and does not show the value */

    struct dns01_2136_config config;
    uint8_t job; /* what begin, ready or end was called for */
    char identifier[ACME_NAME_ROOM], value[DNS_LABEL_VALUE];
    int64_t asked_at;
    struct dns_tsig_asked asked;
    struct dns_seek seek;
};

/* Fills *d and answers the solver to hand to the agent. *config is copied; what it points to must
 * outlive d.
 *
 * begin answers ACME_E_DECLINED for IP addresses (RFC 8738 7) and where neither a server is given
 * nor the port knows the system's; ACME_E_SOLVER with words in why, and what the network answers,
 * when DNS_SEEK_TRIES have failed. end answers ACME_E_SOLVER when the account's key is lost: the
 * value cannot be known then, and a person has to remove it. */
struct acme_solver *dns01_2136_init(struct dns01_2136 *d, const struct acme_port *port,
                                    const struct dns01_2136_config *config);
/* Ends the connection there may be: before d is given up, or filled anew. */
void dns01_2136_close(struct dns01_2136 *d);

#ifdef __cplusplus
}
#endif

#endif
