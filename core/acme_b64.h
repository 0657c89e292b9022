/* acme_b64.h - base64url (RFC 7515 2, strict) and base64 (RFC 4648 4, as PEM has it) */
#ifndef ACME_B64_H
#define ACME_B64_H

#include <stddef.h>
#include <stdint.h>

/* Characters that len bytes become: without padding (url) and with it (standard). */
#define ACME_B64URL_LEN(len) (((len)*4 + 2) / 3)
#define ACME_B64_LEN(len)    (((len) + 2) / 3 * 4)

/* The count of characters written (no NUL), or ACME_E_SIZE. out and data must not overlap. */
int acme_b64url_encode(char *out, size_t cap, const void *data, size_t len);
int acme_b64_encode(char *out, size_t cap, const void *data, size_t len);

/* The count of bytes written, ACME_E_SIZE, or ACME_E_REPLY for a stranger in the alphabet, for
 * padding (RFC 8555 6.1), for a length that cannot be, and for unused bits that are not zero (two
 * texts for one value). out may be text: decoding in place is allowed. */
int acme_b64url_decode(void *out, size_t cap, const char *text, size_t len);

/* As above for the standard alphabet with padding; white space between characters is skipped. */
int acme_b64_decode(void *out, size_t cap, const char *text, size_t len);

#endif
