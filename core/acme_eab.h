/* acme_eab.h - external account binding (RFC 8555 7.3.4): the CA's word for whose account it is
 *
 * One packed form is used by the configuration, the CONFIG record and the ACCOUNT record: size of
 * the digest u8 (32, 48, 64: HS256, HS384, HS512) | the CA's key identifier, NUL | the MAC key.
 */
#ifndef ACME_EAB_H
#define ACME_EAB_H

#include <stdbool.h>

#include "acme_buf.h"
#include "acme_crypto.h"

/* Packs a binding as people are given one. alg: "HS256" "HS384" "HS512", NULL: HS256. kid:
 * printable ASCII. key_text: the MAC key as base64url; the standard alphabet, padding and white
 * space are taken too, because CAs hand out both. The length, ACME_E_CONFIG and *why (a constant
 * sentence), or ACME_E_SIZE. What was written of a refused one is wiped. */
int acme_eab_pack(struct acme_span room, const char *alg, const char *kid,
                  struct acme_slice key_text, const char **why);

/* Is this a whole binding in its packed form? */
bool acme_eab_ok(struct acme_slice eab);

/* Appends the inner JWS, which binds key's public part, for the URL of newAccount. ACME_OK,
 * ACME_E_SIZE, ACME_E_CRYPTO, ACME_E_CONFIG. */
int acme_eab_write(struct acme_buf *out, struct acme_slice eab, const struct acme_key *key,
                   const char *url);

#endif
