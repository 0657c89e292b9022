/* acme_tls_hello.h - what a ClientHello asks for, before any TLS begins
 *
 * A server that shows its certificate only to some clients (RFC 8737 3) can tell them apart by the
 * first record, without memory for a session. Nothing is kept, nothing is decrypted.
 */
#ifndef ACME_TLS_HELLO_H
#define ACME_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

#include "acme_buf.h"

struct acme_tls_hello {
    struct acme_slice sni;  /* the host_name (RFC 6066 3), as sent; empty: there is none */
    struct acme_slice alpn; /* the ProtocolNameList (RFC 7301 3.1) without its length; or empty */
};

/* Reads the ClientHello at the front of what a client sent; the slices of *out point into it. The
 * bytes it takes (>= 1); ACME_AGAIN: more must come first; ACME_E_TLS: it is none, or one that is
 * refused: SSL 2, no extensions, an extension twice, more than one server name, lengths that do not
 * fit, or a ClientHello in several records (which no client needs below 16384 bytes). */
int acme_tls_hello_read(struct acme_slice bytes, struct acme_tls_hello *out);

/* Is protocol all that the list offers? */
bool acme_tls_alpn_is(struct acme_slice alpn, const char *protocol);

#endif
