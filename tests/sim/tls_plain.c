/* tls_plain.c - in place of core/acme_tls.c: no TLS, for the fast mode of the simulation
 *
 * Only a test program can be linked with it. The server's first byte says what the handshake would
 * have said, so the agent meets all of its verdicts.
 */
#include <string.h>

#include "acme_tls.h"

int acme_tls_open(struct acme_tls *tls, const struct acme_port *port, acme_sock sock,
                  const char *host, const struct acme_anchors *anchors)
{
    int64_t now;

    (void)host;
    memset(tls, 0, sizeof *tls);
    tls->wire.port = port;
    tls->wire.sock = sock;
    if (anchors->count == 0)
        return ACME_E_CONFIG;
    return port->unix_time(port->ctx, &now) == ACME_OK ? ACME_OK : ACME_E_CLOCK;
}

int acme_tls_handshake(struct acme_tls *tls)
{
    static const struct {
        char letter;
        int err;
    } verdicts[] = {{'t', ACME_E_TLS_TRUST},   {'n', ACME_E_TLS_NAME}, {'d', ACME_E_TLS_DATE},
                    {'v', ACME_E_TLS_VERSION}, {'x', ACME_E_TLS},      {'k', ACME_OK}};
    char letter = 0;
    int n;

    if (tls->phase != 0)
        return tls->wire.error;
    n = tls->wire.port->net->recv(tls->wire.port->ctx, tls->wire.sock, &letter, 1);
    if (n == ACME_AGAIN)
        return n;
    tls->wire.error = n < 0 ? n : ACME_E_TLS;
    for (size_t i = 0; n == 1 && i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (verdicts[i].letter == letter)
            tls->wire.error = verdicts[i].err;
    }
    tls->phase = 1;
    return tls->wire.error;
}

int acme_tls_send(struct acme_tls *tls, const void *data, size_t len)
{
    if (tls->wire.error != ACME_OK || tls->phase == 0)
        return ACME_E_ARG;
    return tls->wire.port->net->send(tls->wire.port->ctx, tls->wire.sock, data, len);
}

int acme_tls_recv(struct acme_tls *tls, void *buf, size_t cap)
{
    if (tls->wire.error != ACME_OK || tls->phase == 0)
        return ACME_E_ARG;
    return tls->wire.port->net->recv(tls->wire.port->ctx, tls->wire.sock, buf, cap);
}

void acme_tls_close(struct acme_tls *tls)
{
    tls->phase = 0;
}
