/* acme_name.h - identifiers: DNS names as A-labels, wildcards, IPv4 and IPv6 literals
 *
 * One grammar for the whole house: what passes here may be sent to a CA, put into a CSR, compared
 * with a certificate and mapped to a folder's name.
 */
#ifndef ACME_NAME_H
#define ACME_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_config.h"

enum acme_id_type { ACME_ID_DNS = 1, ACME_ID_IP = 2 };

struct acme_name {
    uint8_t type;              /* enum acme_id_type */
    bool wildcard;             /* "*." is part of text */
    uint8_t ip_len;            /* 4 or 16; 0 for DNS */
    uint8_t ip[16];            /* network order */
    char text[ACME_NAME_ROOM]; /* canonical: lower case; IPv6 as RFC 5952 */
};

/* Why a name was refused, as words for a person ("a label is empty", "a label is longer than 63
 * characters", "a name has two labels at least", ...). *why is a constant string; may be NULL.
 *
 * DNS: 2 labels or more (below a wildcard too), each 1..63 of letters, digits and inner hyphens,
 * 253 in all, no final dot, last label not a number (digits, or "0x" and hexadecimal); "*." only in
 * front; a label with hyphens in places 3 and 4 must begin with "xn--". Letters outside ASCII are
 * refused with the advice to give the A-label.
 * IP: RFC 8738; IPv4 dotted (no leading zeros), IPv6 any RFC 4291 form; no port, no brackets, no
 * zone. ACME_OK or ACME_E_NAME (and *out is all zero). */
int acme_name_read(struct acme_slice text, struct acme_name *out, const char **why);

/* The name to ask the CA for in JSON and to find in an authorization: without "*.". */
const char *acme_name_base(const struct acme_name *name);

/* A host as a URL has it: a DNS name of one label or more in any case, or an IP literal without
 * brackets. enum acme_id_type, or 0 when it is neither. */
int acme_name_host(struct acme_slice text);

/* An IP address in its canonical text: ACME_OK or ACME_E_NAME. bytes is 4 or 16 long. */
int acme_name_ip_text(const uint8_t *bytes, size_t len, char out[46]);

/* The name that a CA asks for in TLS when it proves an address (RFC 8738 6):
 * "4.3.2.1.in-addr.arpa", or 32 digits and "ip6.arpa" (RFC 3596 2.5). bytes is 4 or 16 long. */
#define ACME_REVERSE_TEXT 73
void acme_name_reverse(const uint8_t *bytes, size_t len, char out[ACME_REVERSE_TEXT]);

/* A token as RFC 8555 8.1 and 8.3 allow: [A-Za-z0-9_-], 22..ACME_MAX_TOKEN characters. */
bool acme_token_ok(struct acme_slice token);

/* Is text a key authorization (RFC 8555 8.1) for this token: both as acme_token_ok says, and a
 * thumbprint of 43 characters behind a dot? So it is safe in paths, replies and records. */
bool acme_key_authorization_ok(const char *token, const char *text);

#endif
