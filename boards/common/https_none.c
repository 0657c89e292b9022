/* https_none.c - in the place of https_server.c, where the TLS library has no server side */
#include "https_server.h"

void https_init(struct https_server *h, const struct acme_port *port, struct acme_agent *agent,
                uint16_t tcp_port)
{
    (void)h;
    (void)port;
    (void)agent;
    (void)tcp_port;
}

void https_poll(struct https_server *h)
{
    (void)h;
}
