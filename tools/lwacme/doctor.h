/* doctor.h - `lwacme doctor`: what can be known before any CA is asked for a certificate
 *
 * Each doctor_*.c looks at one part of the world and tells what it found: a sentence, and what to
 * do. Nothing is changed, but that the responder listens for a moment, and the CA gets one GET of
 * its directory.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "dns_msg.h"
#include "lwacme.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_BAD };

#define DOCTOR_ADDRESSES  16 /* of one name */
#define DOCTOR_IDENTITIES 16 /* of one CA */

#define DOCTOR_TOKEN         44
#define DOCTOR_AUTHORIZATION (44 + 44)
/* One of the CAs that are configured. */
struct doctor_ca {
    const char *url;
    bool asked;                                         /* its directory was read */
    bool held;                                          /* it wants no request now */
    char identities[DOCTOR_IDENTITIES][ACME_NAME_ROOM]; /* meta.caaIdentities */
    size_t identities_count;
    char account[ACME_MAX_URL + 1]; /* "" none yet */
};

#define DOCTOR_STATUSES 7 /* exit statuses: 0 to 6 */

struct doctor {
    struct sockets_net net; /* first: the context of the port */
    const struct options *o;
    struct acme_port port;
    unsigned found[DOCTOR_STATUSES];            /* findings by their exit status, the bad ones */
    struct doctor_ca cas[ACME_MAX_SERVERS + 1]; /* in order; the staging CA is the last one */
    size_t cas_count;
    struct doctor_ca *ca; /* that the next findings are about; NULL: none of them */
    bool clock_told;
};

/* One finding. What is bad about a CA (d->ca) that is not the first is a warning. status: of the
 * exit, when level is DOCTOR_BAD. name: what it is about, or NULL. advice: what to do, or NULL.
 * Control characters in all of it are made safe. */
void doctor_tell(struct doctor *d, enum doctor_level level, int status, const char *check,
                 const char *name, const char *advice, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

/* Is there a way for which the CA must come to a port of the name's address? */
bool doctor_takes_ports(const struct options *o);

void doctor_store(struct doctor *d); /* doctor_store.c: permissions, and what is held back */
void doctor_ca(struct doctor *d);    /* doctor_ca.c: the directory, TLS, the clock */
/* doctor_dns.c: addresses (their number, as text) and CAA of a name. */
size_t doctor_dns(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT]);
/* doctor_http.c */
bool doctor_port(struct doctor *d); /* false: nothing can be served */
void doctor_reach(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT],
                  size_t count);
void doctor_port_end(struct doctor *d);
bool doctor_token(char token[DOCTOR_TOKEN], char authorization[DOCTOR_AUTHORIZATION]);
void doctor_busy(struct doctor *d, uint16_t port, const char *advice);
/* doctor_tls.c: the same for tls-alpn-01 */
bool doctor_tls_port(struct doctor *d);
void doctor_tls_reach(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT],
                      size_t count);
/* doctor_dns01.c */
bool doctor_dns01_key(struct doctor *d); /* false: there is none that could be asked with */
void doctor_dns01(struct doctor *d, const char *name);
void doctor_dns01_end(void);
/* doctor_who.c: "nginx (process 812)", or "" when nobody can tell. */
void doctor_who_listens(uint16_t port, char *out, size_t room);
/* Of addresses that nobody reaches from outside ("a private address"), else NULL. */
const char *doctor_private(const char *address);

#endif
