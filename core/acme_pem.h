/* acme_pem.h - PEM armour (RFC 7468): certificates found and decoded, anything written
 *
 * The decoder is for public bytes only: it is quick, and its time depends on what it reads. A
 * private key goes through acme_b64.h, as all that is written does.
 */
#ifndef ACME_PEM_H
#define ACME_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "acme_buf.h"

/* Takes text up to and with the next certificate off the front: its base64 lies in *body. Text
 * between and other kinds of armour are skipped, as a bundle of trust anchors has them. False when
 * there is none. */
bool acme_pem_next(struct acme_slice *text, struct acme_slice *body);

/* base64 with line breaks to DER, which must be one SEQUENCE and nothing behind it. out may be
 * where the text lies, or before it. The count of bytes, ACME_E_CERT, or ACME_E_SIZE. */
int acme_pem_decode(void *out, size_t cap, struct acme_slice body);

/* One line without its end (LF, CRLF, CR), taken off the front with it. False at the end. */
bool acme_pem_line(struct acme_slice *text, struct acme_slice *line);
bool acme_pem_is_begin(struct acme_slice line); /* of a CERTIFICATE, trailing blanks allowed */
bool acme_pem_is_end(struct acme_slice line);

/* DER in lines of 64 characters; label: "CERTIFICATE", "PRIVATE KEY". */
void acme_pem_put(struct acme_buf *b, const char *label, struct acme_slice der);

#endif
