/* facts.h - what is stored of each certificate: read beside a running process, without asking
 * anybody; shared by status, its check, and the metrics */
#ifndef FACTS_H
#define FACTS_H

#include "alarm.h"
#include "lwacme.h"

struct facts {
    const char *key; /* the certificate's name in storage */
    struct acme_agent_status status;
    struct acme_certificate cert;
    struct acme_cert_facts leaf;
    const char *damaged; /* records that could not be used, "; " between them; "" if none */
    int err;             /* of reading the certificate */
    int64_t now;         /* 0: the clock is not set */
    bool several;        /* there is a choice of servers */
    struct alarm_facts health;
    struct alarm alarm;
};
/* What holds back all certificates of the CA whose turn it is: its Retry-After. */
enum { FACTS_HOLDS = 3 };
struct facts_hold {
    const char *what; /* "no request at all" */
    const char *word; /* for machines: "all" */
    int64_t until, since;
    bool all;
};
/* Those that run still: how many. */
size_t facts_holds(const struct facts *f, struct facts_hold holds[FACTS_HOLDS]);

typedef void (*facts_fn)(void *arg, const struct facts *f);

/* Calls fn for the certificates that the options name, or, when they name none, for all in the
 * state folder; with c (not NULL) for those of a configuration file instead. What f points to is
 * valid during the call. ACME_OK, ACME_E_SLOT_EMPTY (there is no state folder), or an error and
 * why. Not reentrant: there is one buffer for all. */
int facts_each(const struct options *o, const struct conf *c, facts_fn fn, void *arg, char *why,
               size_t room);

#endif
