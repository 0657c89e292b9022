/* dns_seek.h - where a name leads in DNS, and what the servers there say, for solvers of DNS
 *
 * One job at a time, all over TCP, a connection for each question. It finds the zone of a name
 * (SOA), follows aliases (CNAME) on the way, and then does what the job is about. Nothing is
 * remembered between two jobs but where the last one led to.
 */
#ifndef DNS_SEEK_H
#define DNS_SEEK_H

#include "acme_config.h"
#include "acme_port.h"
#include "dns_msg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds; a board overrides them in acme_board_config.h. */

/* Bytes of an answer, 1024..65535. The TXT records of one name have to fit. */
#ifndef DNS_SEEK_MESSAGE
#define DNS_SEEK_MESSAGE 4096
#endif
/* Servers (NS) of a zone, 1..32. One with more is refused, because all have to be asked. */
#ifndef DNS_SEEK_SERVERS
#define DNS_SEEK_SERVERS 13
#endif

#if DNS_SEEK_MESSAGE < 1024 || DNS_SEEK_MESSAGE > 65535
#error "DNS_SEEK_MESSAGE must be 1024..65535"
#endif
#if DNS_SEEK_SERVERS < 1 || DNS_SEEK_SERVERS > 32
#error "DNS_SEEK_SERVERS must be 1..32"
#endif

#define DNS_SEEK_ALIASES  8     /* CNAMEs that are followed, one after another */
#define DNS_SEEK_TRIES    3     /* of an exchange that fails on the way */
#define DNS_SEEK_LIMIT_MS 10000 /* for one exchange */
#define DNS_SEEK_PAUSE_MS 1000  /* between two */
#define DNS_SEEK_WHY      200

enum dns_seek_goal {
    DNS_SEEK_ZONE,   /* name, zone and primary, no more */
    DNS_SEEK_UPDATE, /* and then an UPDATE, of and for hooks */
    DNS_SEEK_SHOWN,  /* and then the value, at every server of the zone */
    DNS_SEEK_TXT     /* the TXT records of the name, for hooks, without looking for its zone */
};

struct dns_seek;

struct dns_seek_hooks {
    /* The UPDATE after its header: ACME_OK or an error. May be NULL without one. */
    int (*write)(struct dns_seek *s, struct acme_buf *b);
    /* An answer to it, whatever its rcode is; or to the question for TXT: NOERROR or NXDOMAIN.
     * ACME_OK: done; ACME_E_SOLVER (dns_seek_fail): the end too; other errors: once more. */
    int (*take)(struct dns_seek *s, struct dns_msg *r);
};

/* Placed by the caller. The first block is the caller's, and is set by dns_seek_init; the second
 * one is the result; the rest is private. 9 KB with the default bounds. */
struct dns_seek {
    const struct acme_port *port;
    const struct dns_seek_hooks *hooks;
    void *ctx;
    char *why;          /* DNS_SEEK_WHY bytes: what went wrong last, without a full stop; or "" */
    const char *server; /* name or IP literal; NULL: the system's, then the zone's own */
    uint16_t server_port, ns_port; /* 0: 53 */
    bool only_primary;             /* DNS_SEEK_SHOWN asks server or primary alone */

    char name[DNS_NAME_ROOM]; /* where the aliases led to */
    char zone[DNS_NAME_ROOM], primary[DNS_NAME_ROOM];
    uint16_t id;  /* of the present question */
    bool absent;  /* DNS_SEEK_SHOWN: a server was asked, and does not show the value */
    bool missing; /* DNS_SEEK_SHOWN failed because a server that answers does not show the value */

    uint8_t goal, phase, aliases, tries, at_server, servers_count;
    bool asking;
    int result;       /* ACME_AGAIN while the job goes on */
    const char *what; /* the value that must be shown */
    uint32_t patience_ms;
    uint16_t walk; /* into name: the name whose SOA is asked for */
    char servers[DNS_SEEK_SERVERS][DNS_NAME_ROOM];
    uint64_t since_ms, wake_ms, asked_ms;
    acme_sock sock;
    uint32_t len, sent;                /* of the question */
    uint32_t got;                      /* of the answer */
    uint8_t buf[2 + DNS_SEEK_MESSAGE]; /* the question, then the answer */
};

/* hooks may be NULL; why has DNS_SEEK_WHY bytes, and lives as long as s. */
void dns_seek_init(struct dns_seek *s, const struct acme_port *port,
                   const struct dns_seek_hooks *hooks, void *ctx, char *why);

/* Begins a job; one that runs is given up. name is copied; value (NULL but for DNS_SEEK_SHOWN) must
 * stay until it ends. patience_ms: for how long DNS_SEEK_SHOWN looks again where the value is not
 * there; 0: once. ACME_OK, or ACME_E_NAME. */
int dns_seek_start(struct dns_seek *s, const char *name, enum dns_seek_goal goal, const char *value,
                   uint32_t patience_ms);
/* A bounded piece of it. ACME_OK, ACME_AGAIN, ACME_E_SOLVER with words in why, or what the network
 * answers after DNS_SEEK_TRIES, with words too. *sleep_ms (may be NULL): until it must be called
 * again even if no socket has something. */
int dns_seek_poll(struct dns_seek *s, uint32_t *sleep_ms);
/* Ends the connection there may be. */
void dns_seek_close(struct dns_seek *s);

/* "NAME: WORDS MORE" into why, long names cut so that the words are there: ACME_E_SOLVER. */
int dns_seek_fail(struct dns_seek *s, const char *name, const char *words, const char *more);

#ifdef __cplusplus
}
#endif

#endif
