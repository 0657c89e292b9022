/* dns_tsig.h - signed DNS messages (RFC 8945) with HMAC-SHA256 and HMAC-SHA512
 *
 * A request is signed with a key that its sender and the server share; the answer is judged by the
 * same key and by the request's signature, so neither can be forged or replayed. Shortened
 * signatures (RFC 8945 5.2.2.1) are refused.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "dns_msg.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DNS_TSIG_FUDGE      300 /* seconds that the two clocks may differ */
#define DNS_TSIG_SECRET_MAX 128
#define DNS_TSIG_MESSAGE    1024 /* bytes of a message that can be signed or judged */

struct dns_tsig_key {
    char name[DNS_NAME_ROOM];
    uint8_t hash; /* 32: hmac-sha256; 64: hmac-sha512 */
    uint8_t len;  /* of secret, 1..DNS_TSIG_SECRET_MAX */
    uint8_t secret[DNS_TSIG_SECRET_MAX];
};

/* What a server says of a signature (RFC 8945 3). */
enum dns_tsig_error {
    DNS_TSIG_BADSIG = 16,
    DNS_TSIG_BADKEY = 17,
    DNS_TSIG_BADTIME = 18,
    DNS_TSIG_BADTRUNC = 22
};

/* Sets *key; ACME_E_CONFIG and *why: the name, the algorithm ("hmac-sha256", "hmac-sha512") or the
 * secret (base64) does not do. */
int dns_tsig_key_set(struct dns_tsig_key *key, struct acme_slice name, struct acme_slice algorithm,
                     struct acme_slice secret, const char **why);
void dns_tsig_key_wipe(struct dns_tsig_key *key);

/* What of a request its answer is judged by. */
struct dns_tsig_asked {
    uint8_t mac[64];
};

/* Signs the message that b holds (dns_msg_begin ... before dns_msg_end) at the time now: ACME_OK,
 * ACME_E_SIZE, or what acme_hmac answers. */
int dns_tsig_sign(struct acme_buf *b, const struct dns_tsig_key *key, int64_t now,
                  struct dns_tsig_asked *asked);

/* Judges the answer (without its length): ACME_OK: it comes from who has the key, and holds for
 * this request. ACME_E_SOLVER and *why: the server does not accept our signature (*error, enum
 * dns_tsig_error; such an answer may be unsigned), or its own is missing, wrong, or not of now
 * (*error is 0). ACME_E_REPLY, ACME_E_SIZE. *their_time: seconds since 1970 that a server with
 * DNS_TSIG_BADTIME gave, or 0. */
int dns_tsig_check(const struct dns_tsig_key *key, struct acme_slice answer, int64_t now,
                   const struct dns_tsig_asked *asked, unsigned *error, int64_t *their_time,
                   const char **why);

#ifdef __cplusplus
}
#endif

#endif
