/* dns01_2136.h - the solver of dns-01 (RFC 8555 8.4) by signed DNS UPDATE (RFC 2136, RFC 8945)
 *
 * begin adds one TXT record, exactly our value, to `_acme-challenge.NAME`, or to where an alias
 * (CNAME) there leads; ready asks every server of the zone for it; end removes that one value. So
 * the values of `x` and `*.x`, which have the same owner, live side by side. All goes over TCP.
 *
 * Nothing is remembered between the three: the zone is looked for each time, and the value follows
 * from the token and the account's key. So end works after a reboot, and is repeatable.
 */
#ifndef DNS01_2136_H
#define DNS01_2136_H

#include "acme_config.h"
#include "acme_solver.h"
#include "dns_tsig.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds; a board overrides them in acme_board_config.h. */

/* Bytes of an answer, 1024..65535. The TXT records of one name have to fit. */
#ifndef DNS01_2136_MESSAGE
#define DNS01_2136_MESSAGE 4096
#endif
/* Servers (NS) of a zone, 1..32. One with more is refused, because all have to be asked. */
#ifndef DNS01_2136_SERVERS
#define DNS01_2136_SERVERS 13
#endif

#if DNS01_2136_MESSAGE < DNS_TSIG_MESSAGE || DNS01_2136_MESSAGE > 65535
#error "DNS01_2136_MESSAGE must be 1024..65535"
#endif
#if DNS01_2136_SERVERS < 1 || DNS01_2136_SERVERS > 32
#error "DNS01_2136_SERVERS must be 1..32"
#endif

#define DNS01_2136_PREFIX   "_acme-challenge."
#define DNS01_2136_ALIASES  8      /* CNAMEs that are followed, one after another */
#define DNS01_2136_TRIES    3      /* of an exchange that fails on the way */
#define DNS01_2136_LIMIT_MS 10000  /* for one exchange */
#define DNS01_2136_PAUSE_MS 1000   /* between two */
#define DNS01_2136_READY_MS 300000 /* until every server has to have the value */

struct dns01_2136_config {
    const char *server; /* name or IP literal; NULL: the zone's primary (SOA), which is found by the
                           system's DNS servers */
    uint16_t port;      /* of server or primary; 0: 53 */
    uint16_t ns_port;   /* of the zone's other servers; 0: 53 */
    uint32_t ttl;       /* seconds; 0: 60 */
    uint32_t ready_ms;  /* 0: DNS01_2136_READY_MS. The agent gives up after 10 minutes. */
    bool only_primary;  /* ready asks only the server that took the UPDATE */
    const struct dns_tsig_key *key; /* NULL: unsigned, for servers that go by address */
};

/* Placed by the caller; all members but why and absent are private. 12 KB with the default bounds;
 * 3 KB with 2 servers and messages of 1024 bytes. */
struct dns01_2136 {
    struct acme_solver solver;
    char why[200]; /* what went wrong last, without a full stop; "" if nothing did */
    bool absent;   /* ready: a server was asked, and does not show the value */

    struct dns01_2136_config config;
    /* the job: what begin, ready or end was called for */
    uint8_t job, phase, aliases, tries, server, servers_count;
    int result; /* ACME_AGAIN while it goes on */
    char identifier[ACME_NAME_ROOM], value[44];
    char name[DNS_NAME_ROOM]; /* of the record */
    char zone[DNS_NAME_ROOM], primary[DNS_NAME_ROOM];
    char servers[DNS01_2136_SERVERS][DNS_NAME_ROOM];
    uint16_t walk; /* into name: the name whose SOA is asked for */
    uint64_t since_ms, wake_ms;
    /* the exchange */
    acme_sock sock;
    bool asking;
    uint16_t id;
    int64_t asked_at;
    uint64_t asked_ms;
    struct dns_tsig_asked asked;
    uint32_t len, sent;                  /* of the question */
    uint32_t got;                        /* of the answer */
    uint8_t buf[2 + DNS01_2136_MESSAGE]; /* the question, then the answer */
};

/* Fills *d and answers the solver to hand to the agent. *config is copied; what it points to must
 * outlive d.
 *
 * begin answers ACME_E_DECLINED for IP addresses (RFC 8738 7) and where neither a server is given
 * nor the port knows the system's; ACME_E_SOLVER with words in why, and what the network answers,
 * when DNS01_2136_TRIES have failed. end answers ACME_E_SOLVER when the account's key is lost: the
 * value cannot be known then, and a person has to remove it. */
struct acme_solver *dns01_2136_init(struct dns01_2136 *d, const struct acme_port *port,
                                    const struct dns01_2136_config *config);
/* Ends the connection there may be: before d is given up, or filled anew. */
void dns01_2136_close(struct dns01_2136 *d);

#ifdef __cplusplus
}
#endif

#endif
