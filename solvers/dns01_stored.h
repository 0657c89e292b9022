/* dns01_stored.h - what dns-01 by DNS UPDATE needs, as bytes for the CONFIG record of a board
 *
 * The key is a secret: whoever stores it keeps it from others, and wipes what he read it from.
 */
#ifndef DNS01_STORED_H
#define DNS01_STORED_H

#include "dns01_2136.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are enough for each. */
#define DNS01_STORED_SERVER_MAX (3 + DNS_NAME_ROOM)
#define DNS01_STORED_KEY_MAX    (2 + DNS_TSIG_SECRET_MAX + DNS_NAME_ROOM)

/* The server, its port, and only_primary: the length, or ACME_E_SIZE. */
int dns01_stored_write(struct acme_span room, const struct dns01_2136_config *config);
/* Sets these three of *config; the server points into bytes. ACME_OK, ACME_E_SLOT_CORRUPT. */
int dns01_stored_read(struct dns01_2136_config *config, struct acme_slice bytes);

/* The key: the length, or ACME_E_SIZE. */
int dns01_stored_key_write(struct acme_span room, const struct dns_tsig_key *key);
/* ACME_OK, or ACME_E_SLOT_CORRUPT and *key is all zero: not a key that dns_tsig_key_set makes. */
int dns01_stored_key_read(struct dns_tsig_key *key, struct acme_slice bytes);

#ifdef __cplusplus
}
#endif

#endif
