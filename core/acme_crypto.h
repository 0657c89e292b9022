/* acme_crypto.h - the only door to wolfCrypt: keys as handles, signatures, hashes, random
 *
 * A key's bytes are seen only by acme_crypto.c and by the record that stores them. Each call is
 * complete in itself: no state lives between calls, none is shared, all temporaries are wiped.
 */
#ifndef ACME_CRYPTO_H
#define ACME_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_config.h"
#include "acme_port.h"

#define ACME_SHA256_SIZE 32

/* Stored in records and printed: add at the end, never renumber. */
enum acme_key_type {
    ACME_KEY_NONE = 0,
    ACME_KEY_P256 = 1,
    ACME_KEY_P384 = 2,
    ACME_KEY_RSA2048 = 3,
    ACME_KEY_RSA3072 = 4,
    ACME_KEY_RSA4096 = 5
};

/* Where the private part lives. */
enum acme_key_home {
    ACME_KEY_BYTES = 0, /* der is the private key: SEC 1 ECPrivateKey, or PKCS #1 RSAPrivateKey */
    ACME_KEY_DEVICE = 1 /* der is a label; a token or secure element signs (a wolfCrypt device) */
};

struct acme_key {
    uint8_t type; /* enum acme_key_type; ACME_KEY_NONE: no key */
    uint8_t home; /* enum acme_key_home */
    uint16_t len; /* of der */
    uint8_t der[ACME_MAX_KEY_DER];
};

/* wolfSSL takes its seed and its wall clock from hooks that belong to the whole process. A library
 * must not seize them, so main() of a board or tool calls these once; the port must live as long
 * as the process. Without a seed hook every key operation answers ACME_E_ENTROPY. */
void acme_crypto_seed_from(const struct acme_port *port);
void acme_crypto_clock_from(const struct acme_port *port);

/* What the port's entropy last answered to wolfCrypt, which has no word for "not yet": ACME_OK,
 * ACME_AGAIN or ACME_E_ENTROPY (also when no port was given). */
int acme_crypto_seed_state(void);

/* wolfSSL_Init, which the first TLS context of a process calls, installs a seed hook of its own:
 * this puts ours back, if there is one. */
void acme_crypto_seed_keep(void);

/* RSA keys are a link choice: acme_crypto_rsa.c, or on boards acme_crypto_norsa.c. P-384 keys need
 * wolfSSL 5.8, which signs with them by RFC 6979. */
bool acme_key_supported(enum acme_key_type type);
/* "p256" "p384" "rsa2048" "rsa3072" "rsa4096", and back (ACME_KEY_NONE for a stranger). */
const char *acme_key_type_name(enum acme_key_type type);
enum acme_key_type acme_key_type_from(const char *name);

/* The content of the curve's OBJECT IDENTIFIER; empty for RSA. */
struct acme_slice acme_key_curve(enum acme_key_type type);

/* A new key. May take long for RSA (seconds). ACME_AGAIN while entropy is not ready,
 * ACME_E_ENTROPY, ACME_E_CRYPTO, ACME_E_CONFIG (type not linked), ACME_E_SIZE (ACME_MAX_KEY_DER).
 * After anything but ACME_OK there is no key. */
int acme_key_make(struct acme_key *key, enum acme_key_type type);

/* Reads a private key from a record or file: type and consistency (public part belongs to the
 * private one) are checked. SEC 1, PKCS #1, or PKCS #8 without a password; stored as SEC 1 or
 * PKCS #1. ACME_E_CRYPTO. */
int acme_key_read(struct acme_key *key, struct acme_slice der);

void acme_key_wipe(struct acme_key *key);
bool acme_key_equal(const struct acme_key *a, const struct acme_key *b); /* constant time */

/* The public part as numbers, for JWK and SubjectPublicKeyInfo. For EC: a = x and b = y, each
 * padded on the left to the curve's size. For RSA: a = n and b = e, without leading zeros. */
struct acme_public {
    uint8_t type; /* enum acme_key_type */
    uint16_t a_len, b_len;
    uint8_t a[ACME_MAX_KEY_DER >= 1193 ? 512 : 48];
    uint8_t b[48];
};
int acme_key_public(const struct acme_key *key, struct acme_public *out);
bool acme_public_equal(const struct acme_public *a, const struct acme_public *b);

#define ACME_SIGNATURE_MAX 512
/* How the signature is written. */
enum acme_signature {
    ACME_SIGNATURE_JWS, /* ECDSA as r || s, each padded to the curve's size (RFC 7518 3.4); RS256 */
    ACME_SIGNATURE_X509 /* ECDSA as a DER sequence; RSA PKCS #1 v1.5 */
};
/* Bytes of the digest that a key of this type signs: 32 (P-256, RSA), 48 (P-384). */
size_t acme_key_digest_size(enum acme_key_type type);
/* Signs digest (acme_key_digest_size bytes). ECDSA is deterministic (RFC 6979), so a weak moment of
 * the entropy source costs no key. The count written to sig (cap >= ACME_SIGNATURE_MAX is always
 * enough), ACME_E_CRYPTO, ACME_E_SIZE. */
int acme_key_sign(const struct acme_key *key, const uint8_t *digest, enum acme_signature form,
                  uint8_t *sig, size_t cap);

/* Is signature (as X.509 writes it) over digest right by the key in spki, a SubjectPublicKeyInfo?
 * digest_size 32, 48, 64. ACME_OK; ACME_E_CERT when it is not; ACME_E_CRYPTO when it cannot be told
 * (the key's kind or size is not compiled in, or no memory). Both are refusals. */
int acme_verify(struct acme_slice spki, bool rsa, const uint8_t *digest, size_t digest_size,
                struct acme_slice signature);

/* Hash in pieces. The state is large enough for every link choice; treat it as opaque, and do not
 * copy or move it between start and end. */
struct acme_hash {
    uint64_t state[64];
    uint8_t type; /* the digest's size: 32, 48 or 64 */
};
/* ACME_OK; ACME_E_CONFIG for a size that is not compiled in; ACME_E_CRYPTO. */
int acme_hash_start(struct acme_hash *h, size_t digest_size);
int acme_hash_add(struct acme_hash *h, const void *data, size_t len);
int acme_hash_end(struct acme_hash *h, uint8_t *digest);
int acme_sha256(const void *data, size_t len, uint8_t out[ACME_SHA256_SIZE]);

/* HMAC with digest_size 32, 48 or 64, for external account binding and TSIG. Errors as above. */
int acme_hmac(size_t digest_size, struct acme_slice key, struct acme_slice data, uint8_t *out);

/* Random bytes from wolfCrypt's DRBG, which the port's entropy seeds anew for each call. ACME_OK,
 * ACME_AGAIN, ACME_E_ENTROPY, ACME_E_CRYPTO. */
int acme_random(void *out, size_t len);

void acme_wipe(void *data, size_t len);                    /* not removed by an optimiser */
bool acme_equal(const void *a, const void *b, size_t len); /* constant time */

#endif
