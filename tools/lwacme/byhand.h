/* byhand.h - dns-01 by a person: the agent says which TXT record is needed, somebody adds it */
#ifndef LWACME_BYHAND_H
#define LWACME_BYHAND_H

#include "acme_solver.h"
#include "dns01_2136.h"

#define BYHAND_PREFIX "_acme-challenge." /* before the name */

struct byhand_record {
    char name[ACME_NAME_ROOM]; /* without the prefix */
    char value[44];
};

struct byhand {
    struct acme_solver base; /* first */
    const char *server;      /* the one DNS server that is asked; NULL: those of the zone */
    uint16_t port;
    bool force; /* the CA is told whatever the DNS servers say */

    /* Words for a person: a record that is not there (or nobody can tell), and why; one that may be
     * removed, with why NULL. */
    void (*tell)(const struct byhand_record *record, const char *why);
    bool missing; /* ... one that has to be there */
    bool unknown; /* no DNS server could be asked */

    struct byhand_record records[ACME_MAX_NAMES]; /* that were needed in this run */
    size_t count;

    /* private */
    struct dns01_2136 zone;
    struct acme_solver *look;
};

/* server: see above; must outlive b. */
struct acme_solver *byhand_init(struct byhand *b, const struct acme_port *port, const char *server,
                                uint16_t tcp_port);
void byhand_close(struct byhand *b);

#endif
