/* http01.h - the solver of http-01 (RFC 8555 8.3): a tiny responder, or only the answers for
 * another web server
 *
 * The responder listens only while a challenge is live. It knows one kind of resource, exact live
 * tokens below /.well-known/acme-challenge/, and says 404 to all else; it never repeats what it was
 * sent. Its port is open to the whole internet, so lines, heads, connections and time are bounded.
 */
#ifndef HTTP01_H
#define HTTP01_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_config.h"
#include "acme_port.h"
#include "acme_solver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds; a board overrides them in acme_board_config.h. */

/* Challenges live at the same time, of all agents that share the responder. 1..10000. */
#ifndef HTTP01_MAX_TOKENS
#define HTTP01_MAX_TOKENS ACME_MAX_NAMES
#endif

/* Connections served at the same time, each with a buffer of HTTP01_HEAD_MAX. 1..255. A CA asks
 * from several places at once, so below 8 they have to queue. */
#ifndef HTTP01_MAX_CONNECTIONS
#define HTTP01_MAX_CONNECTIONS 8
#endif

/* Bytes of a request line, 256..HTTP01_HEAD_MAX, and of a whole request head, 512..65535. The
 * requests of Let's Encrypt have some 350. */
#ifndef HTTP01_LINE_MAX
#define HTTP01_LINE_MAX 1024
#endif
#ifndef HTTP01_HEAD_MAX
#define HTTP01_HEAD_MAX 3072
#endif

#if HTTP01_MAX_TOKENS < 1 || HTTP01_MAX_TOKENS > 10000
#error "HTTP01_MAX_TOKENS must be 1..10000"
#endif
#if HTTP01_MAX_CONNECTIONS < 1 || HTTP01_MAX_CONNECTIONS > 255
#error "HTTP01_MAX_CONNECTIONS must be 1..255"
#endif
#if HTTP01_HEAD_MAX < 512 || HTTP01_HEAD_MAX > 65535
#error "HTTP01_HEAD_MAX must be 512..65535: the reply is written into the same buffer"
#endif
#if HTTP01_LINE_MAX < 256 || HTTP01_LINE_MAX > HTTP01_HEAD_MAX
#error "HTTP01_LINE_MAX must be 256..HTTP01_HEAD_MAX"
#endif

#define HTTP01_PREFIX      "/.well-known/acme-challenge/"
#define HTTP01_DEADLINE_MS 5000 /* for a request's head to come; again for the reply to leave */
#define HTTP01_GRACE_MS    250  /* a connection without a head keeps its place at least so long */
#define HTTP01_THUMBPRINT  43   /* characters: base64url of SHA-256 */

struct http01_token {
    uint8_t len; /* of the token at the front of text; 0: the place is free */
    bool served;
    char text[ACME_MAX_TOKEN + 1 + HTTP01_THUMBPRINT + 1]; /* the key authorization */
};

struct http01_connection {
    acme_sock sock;
    uint8_t phase;
    int16_t token; /* the one that the reply shows, or -1 */
    uint16_t len, sent;
    uint64_t since_ms;            /* start of the phase */
    uint8_t buf[HTTP01_HEAD_MAX]; /* the request, then the reply */
};

/* Placed by the caller; all members are private. The default bounds make it 42 KB; 8 names and
 * heads of 512 bytes 6 KB. */
struct http01 {
    struct acme_solver solver;
    const char *addr;
    uint16_t port;
    uint16_t live;
    acme_sock listener;
    struct http01_token tokens[HTTP01_MAX_TOKENS];
    struct http01_connection connections[HTTP01_MAX_CONNECTIONS];
};

/* Fills *h and answers the solver to hand to the agent. addr: the IP literal to listen on, NULL for
 * all addresses, IPv4 and IPv6; it must outlive h. tcp_port: 80 (RFC 8555 8.3; others only behind a
 * redirection of the network's), or 0: do not listen, another web server asks http01_lookup.
 *
 * begin answers ACME_E_DECLINED for a wildcard, what the port's listen answers
 * (ACME_E_PORT_BUSY, ACME_E_PORT_ACCESS, ...), ACME_E_SIZE (HTTP01_MAX_TOKENS), ACME_E_ARG (not a
 * key authorization for its token). */
struct acme_solver *http01_init(struct http01 *h, const struct acme_port *port, const char *addr,
                                uint16_t tcp_port);

/* The answer for a web server that owns the port: true, and the body of a 200 reply of the type
 * application/octet-stream, when path (without query, as sent: nothing is decoded) is that of a
 * live token; false: 404. *body is valid until the next call of the solver or the agent. */
bool http01_lookup(const struct http01 *h, struct acme_slice path, struct acme_slice *body);

#ifdef __cplusplus
}
#endif

#endif
