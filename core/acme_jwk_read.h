/* acme_jwk_read.h - a private key in JSON (RFC 7517, RFC 7518 6), as other clients keep it
 *
 * Agents make their own keys, so nothing in the core reads this: it is for tools that take over an
 * account.
 */
#ifndef ACME_JWK_READ_H
#define ACME_JWK_READ_H

#include "acme_buf.h"
#include "acme_crypto.h"

/* The key in text, one JSON object, is checked as acme_key_read checks it. Numbers may lack their
 * leading zeros, or have some too many; an RSA key needs all of its numbers (p, q, dp, dq, qi).
 * arena (32 KB hold any key): for the tree, and wiped. ACME_OK; ACME_E_JSON (no JSON object),
 * ACME_E_CONFIG (a kind of key that is not built in), ACME_E_CRYPTO (damaged), ACME_E_SIZE
 * (the arena). After anything but ACME_OK there is no key, and *why says in words what is wrong;
 * they are constant, so that no byte of the text gets out by them. */
int acme_jwk_read(struct acme_key *key, struct acme_slice text, struct acme_span arena,
                  const char **why);

#endif
