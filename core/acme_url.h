/* acme_url.h - https URLs of the CA: taken apart, and allowed or not
 *
 * A URL is used exactly as the CA gave it (RFC 8555 6.4): nothing is normalised here.
 */
#ifndef ACME_URL_H
#define ACME_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"

struct acme_url {
    struct acme_slice host;      /* without brackets, as written */
    struct acme_slice authority; /* host[:port] as written, for the Host field */
    struct acme_slice path;      /* path and query, begins with '/', or is empty: send "/" */
    uint16_t port;               /* 443 when not given */
    bool ip_literal;
};

/* https only, printable ASCII without space, quote, backslash, '<', '>', no user part, no
 * fragment, a host that acme_name or an IP literal allows (one label such as "localhost" too).
 * ACME_OK, ACME_E_URL, or ACME_E_SIZE above ACME_MAX_URL. */
int acme_url_read(struct acme_slice text, struct acme_url *out);

bool acme_url_same_origin(const struct acme_url *a, const struct acme_url *b);

/* May the agent follow `url`, which the CA named? Always on the host of the configured directory;
 * another host only when it is a DNS name of two labels or more, not below "localhost" or "local"
 * (mDNS); any when any_host. This stops a CA from making a device talk to its own network. */
bool acme_url_allowed(const struct acme_url *directory, const struct acme_url *url, bool any_host);

#endif
