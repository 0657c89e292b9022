/* dns_ask.h - one question to a DNS server, and waiting for its answer */
#ifndef LWACME_DNS_ASK_H
#define LWACME_DNS_ASK_H

#include "acme_port.h"
#include "dns_msg.h"

/* Asks over TCP for what a server knows or finds out: `server` (a name or address) at tcp_port (0:
 * 53), or where that is NULL the system's servers in turn, until one answers. SERVFAIL and the like
 * are an answer of nobody. port->ctx begins with a struct sockets_net. ACME_OK and *answer, which
 * holds until the next question; or an error after 8 s each. */
int dns_ask(const struct acme_port *port, const char *server, uint16_t tcp_port, const char *name,
            unsigned type, struct dns_msg *answer);

#endif
