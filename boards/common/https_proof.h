/* https_proof.h - what the HTTPS server does for tls-alpn-01 (RFC 8737): a link choice
 *
 * https_proof.c: while a name is being proved, the port is open, and the server reads a client's
 * ClientHello before it spends memory on TLS. Who offers acme-tls/1 and asks for a name that is
 * being proved gets the challenge's certificate, and nothing else; all others go on as always.
 * https_noproof.c: no such solver in the image; costs nothing.
 */
#ifndef HTTPS_PROOF_H
#define HTTPS_PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "https_server.h"

/* Is a name being proved now? */
bool https_proof_live(void);

/* Of a client that was accepted while one is, until it is known who it is. ACME_OK: an ordinary
 * client, serve it; ACME_AGAIN; anything else: drop it (ACME_E_CLOSED: it has got the proof). */
int https_proof_step(struct https_server *h);

/* What was read of an ordinary client: up to len bytes of it, 0 when none is left. */
size_t https_proof_early(void *buf, size_t len);

/* The client is dropped: memory is given back. May be called twice. */
void https_proof_drop(void);

#endif
