/* acme_tls_server.h - the server's side of one TLS handshake over the port's sockets
 *
 * A link choice: only solvers that answer on a TLS port need it (solvers/tls_alpn01.c), and
 * wolfSSL must then be built with its server (no NO_WOLFSSL_SERVER) and with HAVE_ALPN and
 * HAVE_SNI. TLS 1.2 and 1.3, limited as in acme_tls.h. No application data: such a server says what
 * its certificate says.
 */
#ifndef ACME_TLS_SERVER_H
#define ACME_TLS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_port.h"
#include "acme_tls.h"

struct acme_tls_server {
    struct acme_tls_wire wire;
    void *ctx, *session; /* wolfSSL's */
    uint8_t phase;
    int32_t detail; /* wolfSSL's own error number; acme_tls_server_close keeps it */
};

/* What the server shows, and to whom. Copied, but for early. */
struct acme_tls_show {
    struct acme_slice cert;  /* one certificate, DER */
    struct acme_slice key;   /* its private key, DER: SEC 1 or PKCS #1 */
    const char *protocol;    /* the one protocol that is agreed to (ALPN), 1..255 characters */
    struct acme_slice name;  /* the client must ask for this name (SNI), byte for byte; 1..253 */
    struct acme_slice early; /* bytes of the client read already, its ClientHello first; they stay
                                where they are until the handshake is over */
};

/* Prepare a session. Nothing is sent yet. ACME_OK; ACME_E_TLS_MEMORY (also in a moment of need: it
 * may be tried again); ACME_AGAIN or ACME_E_ENTROPY (so says the entropy source); ACME_E_CERT (the
 * pair cannot be loaded); ACME_E_ARG (lengths); ACME_E_TLS. After anything but ACME_OK it is
 * closed.
 */
int acme_tls_server_open(struct acme_tls_server *tls, const struct acme_port *port, acme_sock sock,
                         const struct acme_tls_show *show);

/* ACME_OK when the handshake is complete: the client has seen the certificate, and agreed to the
 * protocol. ACME_AGAIN; ACME_E_TLS, ACME_E_TLS_MEMORY, or what the socket answered. */
int acme_tls_server_handshake(struct acme_tls_server *tls);

/* Bytes of wolfSSL are given back; the socket stays the caller's. May be called twice, and for one
 * that is all zero. After a complete handshake tries to say close_notify, without waiting. */
void acme_tls_server_close(struct acme_tls_server *tls);

#endif
