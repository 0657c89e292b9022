/* https_server.h - the device serves what it got: one page over HTTPS, one client at a time
 *
 * An example of how an application uses the agent's certificate. It asks the agent for key and
 * chain at each connection, so a renewed certificate is served from the next connection on, without
 * a restart, and nothing of TLS is in memory between connections. It tells the agent whether the
 * pair could be loaded: if not, the agent goes back to the one before. The TLS pool is shared with
 * the agent: while a run is under way the port is closed (a client gets a TCP reset), except where
 * names are proved by tls-alpn-01 on this port (https_proof.h).
 */
#ifndef HTTPS_SERVER_H
#define HTTPS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_port.h"

struct acme_agent;

struct https_server {
    const struct acme_port *port;
    struct acme_agent *agent;
    uint16_t tcp_port;
    acme_sock listener, client;
    void *ctx, *session; /* wolfSSL's */
    uint8_t phase;
    uint8_t seen;   /* how much of the empty line that ends a request has come */
    uint16_t asked; /* bytes of the request so far */
    uint16_t sent;  /* bytes of the reply that are on their way */
    uint64_t deadline_ms;
};

void https_init(struct https_server *h, const struct acme_port *port, struct acme_agent *agent,
                uint16_t tcp_port);

/* From the board's work, after a poll of the agent (board_start.h). */
void https_poll(struct https_server *h);

#endif
