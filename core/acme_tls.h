/* acme_tls.h - the only door to wolfSSL's TLS: a client session over the port's sockets
 *
 * TLS 1.2 and 1.3, ECDHE with AEAD only; the server's chain, name and dates are always verified:
 * there is no switch against it.
 */
#ifndef ACME_TLS_H
#define ACME_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_port.h"

/* Trust anchors: PEM text (certificates between armour, other text ignored) or DER certificates one
 * after another. Owned by the caller for the session's life. */
struct acme_anchors {
    const struct acme_slice *sets; /* each one PEM or DER; all of them are trusted */
    size_t count;
};

/* What a session reads from and writes to, on both sides of TLS. */
struct acme_tls_wire {
    const struct acme_port *port;
    acme_sock sock;          /* owned by the caller */
    struct acme_slice early; /* what is left of the bytes that were read before the session began */
    int error;               /* the one that ended the session */
};

struct acme_tls {
    struct acme_tls_wire wire;
    void *ctx; /* wolfSSL's */
    void *session;
    uint8_t phase;
    int32_t detail;   /* wolfSSL's own error number, for the log; acme_tls_close keeps it */
    uint16_t anchors; /* how many were loaded, */
    uint16_t skipped; /* and how many were not: expired, or not compiled in */
};

/* Prepare a session to host (SNI for names; the certificate must be for it; IP literals match an
 * iPAddress SAN). Nothing is sent yet. An anchor that cannot be used is skipped, because one
 * expired root in a store must not stop the others. The process's hooks (acme_crypto.h) must be
 * set. ACME_OK; ACME_E_CONFIG (no usable anchor); ACME_E_NAME (host is neither a name of two labels
 * or more, nor "localhost", nor an IP literal); ACME_E_CLOCK (the clock is not set, so no date can
 * be judged); ACME_AGAIN or ACME_E_ENTROPY (so says the entropy source); ACME_E_TLS_MEMORY. After
 * anything but ACME_OK tls is closed. */
int acme_tls_open(struct acme_tls *tls, const struct acme_port *port, acme_sock sock,
                  const char *host, const struct acme_anchors *anchors);

/* ACME_OK when the session is up, ACME_AGAIN, or: ACME_E_TLS_TRUST, _NAME, _DATE, _VERSION,
 * _MEMORY, ACME_E_TLS, or what the socket answered (ACME_E_NET, ACME_E_LOOKUP, ...). */
int acme_tls_handshake(struct acme_tls *tls);

/* As the port's send and recv: never 0. After ACME_AGAIN from send the same bytes must come again:
 * a record of them is on its way. ACME_E_CLOSED after close_notify or the end of the stream;
 * a stream that ends without close_notify is ACME_E_NET (a cut reply must not look whole). */
int acme_tls_send(struct acme_tls *tls, const void *data, size_t len);
int acme_tls_recv(struct acme_tls *tls, void *buf, size_t cap);

/* Bytes of wolfSSL are given back; the socket stays the caller's. May be called twice. Tries to say
 * close_notify, without waiting. */
void acme_tls_close(struct acme_tls *tls);

#endif
