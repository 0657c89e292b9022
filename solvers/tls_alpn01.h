/* tls_alpn01.h - the solver of tls-alpn-01 (RFC 8737; RFC 8738 6 for IP addresses): a tiny TLS
 * responder, or only the certificates for an application that owns port 443
 *
 * The responder listens only while a challenge is live. It reads a ClientHello before it spends
 * memory on TLS: who does not offer exactly "acme-tls/1", or asks for a name that is not being
 * proved, is told so by an alert, and gone. Who does gets a self-signed certificate with the proof,
 * and the connection ends with the handshake: no application data is ever read or sent.
 */
#ifndef TLS_ALPN01_H
#define TLS_ALPN01_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_alpn_cert.h"
#include "acme_buf.h"
#include "acme_config.h"
#include "acme_port.h"
#include "acme_solver.h"
#include "acme_tls_server.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds; a board overrides them in acme_board_config.h. */

/* Challenges live at the same time, of all agents that share the responder. 1..10000. */
#ifndef TLS_ALPN01_MAX_NAMES
#define TLS_ALPN01_MAX_NAMES ACME_MAX_NAMES
#endif

/* Connections at the same time, each with a buffer of TLS_ALPN01_HELLO_MAX. 1..255. A CA asks from
 * several places at once, so below 8 they have to queue. */
#ifndef TLS_ALPN01_MAX_CONNECTIONS
#define TLS_ALPN01_MAX_CONNECTIONS 8
#endif

/* Handshakes at the same time, 1..TLS_ALPN01_MAX_CONNECTIONS; the others wait with their
 * ClientHello read. Each takes wolfSSL's memory for a session, so small boards have 1. */
#ifndef TLS_ALPN01_MAX_HANDSHAKES
#define TLS_ALPN01_MAX_HANDSHAKES TLS_ALPN01_MAX_CONNECTIONS
#endif

/* Bytes of a ClientHello with its record's head. 512..16389. Those of CAs have 250, or 1500 with a
 * post-quantum key share. */
#ifndef TLS_ALPN01_HELLO_MAX
#define TLS_ALPN01_HELLO_MAX 4096
#endif

#if TLS_ALPN01_MAX_NAMES < 1 || TLS_ALPN01_MAX_NAMES > 10000
#error "TLS_ALPN01_MAX_NAMES must be 1..10000"
#endif
#if TLS_ALPN01_MAX_CONNECTIONS < 1 || TLS_ALPN01_MAX_CONNECTIONS > 255
#error "TLS_ALPN01_MAX_CONNECTIONS must be 1..255"
#endif
#if TLS_ALPN01_MAX_HANDSHAKES < 1 || TLS_ALPN01_MAX_HANDSHAKES > TLS_ALPN01_MAX_CONNECTIONS
#error "TLS_ALPN01_MAX_HANDSHAKES must be 1..TLS_ALPN01_MAX_CONNECTIONS"
#endif
#if TLS_ALPN01_HELLO_MAX < 512 || TLS_ALPN01_HELLO_MAX > 16389
#error "TLS_ALPN01_HELLO_MAX must be 512..16389"
#endif

#define TLS_ALPN01_PROTOCOL    "acme-tls/1"
#define TLS_ALPN01_DEADLINE_MS 5000 /* for a ClientHello to come; again for its handshake */
#define TLS_ALPN01_GRACE_MS    250  /* a connection without a ClientHello keeps its place so long */
#define TLS_ALPN01_TURN_MS     1500 /* a handshake may keep others waiting so long */
#define TLS_ALPN01_KEY_MAX     128  /* bytes of a P-256 key as SEC 1 */

struct tls_alpn01_name {
    bool live, served;
    char identifier[ACME_NAME_ROOM];
    uint8_t token[ACME_SHA256_SIZE];  /* SHA-256 of the token: which challenge of this name it is */
    uint8_t digest[ACME_SHA256_SIZE]; /* SHA-256 of the key authorization: the proof */
};

struct tls_alpn01_connection {
    acme_sock sock;
    uint8_t phase;
    int16_t name; /* the one that is asked for, or -1 */
    uint16_t len;
    uint64_t since_ms; /* start of the phase */
    struct acme_tls_server tls;
    uint8_t buf[TLS_ALPN01_HELLO_MAX];
};

/* Placed by the caller; all members but turn are private. The default bounds make it 66 KB. */
struct tls_alpn01 {
    struct acme_solver solver;
    /* Where the memory of TLS is shared with the agent's session to the CA: set it after
     * tls_alpn01_init. Asked (true) before each handshake of the responder, which waits while the
     * answer is false; told (false) when a handshake that was let begin is over. NULL: always. */
    bool (*turn)(bool wanted);

    const char *addr;
    uint16_t port;
    uint16_t live, handshakes;
    acme_sock listener;
    /* The certificate made last, for names[shown]; -1: none. */
    int16_t shown;
    uint16_t cert_at, cert_len, key_len;
    uint8_t cert[ACME_ALPN_CERT_MAX];
    uint8_t key[TLS_ALPN01_KEY_MAX];
    struct tls_alpn01_name names[TLS_ALPN01_MAX_NAMES];
    struct tls_alpn01_connection connections[TLS_ALPN01_MAX_CONNECTIONS];
};

/* Fills *t and answers the solver to hand to the agent. addr: the IP literal to listen on, NULL for
 * all addresses, IPv4 and IPv6; it must outlive t. tcp_port: 443 (RFC 8737 3; others only behind a
 * redirection of the network's), or 0: do not listen, an application asks tls_alpn01_lookup. The
 * process's hooks (acme_crypto.h) must be set.
 *
 * begin answers ACME_E_DECLINED for a wildcard, what the port's listen answers
 * (ACME_E_PORT_BUSY, ACME_E_PORT_ACCESS, ...), ACME_E_SIZE (TLS_ALPN01_MAX_NAMES), ACME_E_ARG (not
 * a key authorization for its token), ACME_E_SOLVER (another challenge of the same name is live: a
 * connection cannot tell which of them it is about), ACME_AGAIN, ACME_E_ENTROPY or ACME_E_CRYPTO
 * (the certificate is made here for the first time), ACME_E_CLOCK. */
struct acme_solver *tls_alpn01_init(struct tls_alpn01 *t, const struct acme_port *port,
                                    const char *addr, uint16_t tcp_port);

/* Is any name being proved now? Else tls_alpn01_lookup declines whatever is asked for, and an
 * application that opens its port for the CA alone may close it. */
static inline bool tls_alpn01_is_live(const struct tls_alpn01 *t)
{
    return t->live > 0;
}

/* The answer for an application that owns the port, from its ClientHello callback. alpn: the
 * ProtocolNameList as sent, "\x0a" "acme-tls/1" (RFC 7301 3.1, without the list's length); sni: the
 * host_name as sent. ACME_OK: serve *cert (one certificate, DER) with *key (SEC 1, DER) in this
 * handshake, answer the protocol TLS_ALPN01_PROTOCOL, and close when the handshake is complete.
 * ACME_E_DECLINED: none of ours, serve what is always served: the proof is shown to nobody who does
 * not offer exactly acme-tls/1. ACME_AGAIN, ACME_E_ENTROPY, ACME_E_CRYPTO, ACME_E_CLOCK: no
 * certificate can be made (refuse the handshake). The slices, of which the key is a secret, are
 * valid until the next call of the solver or the agent. */
int tls_alpn01_lookup(struct tls_alpn01 *t, struct acme_slice alpn, struct acme_slice sni,
                      struct acme_slice *cert, struct acme_slice *key);

#ifdef __cplusplus
}
#endif

#endif
