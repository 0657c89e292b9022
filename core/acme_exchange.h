/* acme_exchange.h - one HTTPS request and its reply at a time, over a connection that is kept
 *
 * The request is written into io by the caller; when it has left, io takes the reply: ACME is
 * half-duplex. Redirects are the caller's business.
 */
#ifndef ACME_EXCHANGE_H
#define ACME_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_config.h"
#include "acme_http.h"
#include "acme_port.h"
#include "acme_tls.h"
#include "acme_url.h"

struct acme_reply {
    struct acme_http_head head; /* slices into io */
    struct acme_slice body;     /* in io, decoded */
};

struct acme_exchange {
    const struct acme_port *port;
    const struct acme_anchors *anchors;
    struct acme_span io;
    struct acme_tls tls;
    acme_sock sock;
    char host[ACME_MAX_HOST + 1]; /* of the open connection; "" when there is none */
    uint16_t host_port;
    uint8_t phase;
    bool head_request;
    bool tls_open; /* tls has to be closed */
    bool single;   /* the caller's choice: each request gets a connection of its own */
    bool reused;   /* this request went out on a connection that had served another */
    bool answered; /* at least one byte of the reply has come */
    bool more;     /* the last poll stopped at its bound of work, not for want of bytes */
    int error;     /* what ended the last exchange, or ACME_OK */
    size_t sent, request_len;
    size_t raw, body_at, body_len; /* bytes in io; where the body begins; decoded so far */
    struct acme_http_head head;
    struct acme_http_chunked chunked;
    uint8_t informational; /* 1xx heads skipped, bounded */
    uint64_t deadline_ms;  /* no progress is waited for beyond this */
    uint64_t give_up_ms;   /* the whole reply must be there by this moment */
    uint32_t connections;  /* opened since init: for the figures */
    uint32_t requests;
};

#define ACME_IDLE_MS    30000  /* without a byte of progress (TLS handshake included) */
#define ACME_OVERALL_MS 120000 /* for one exchange, however slowly bytes drip */

void acme_exchange_init(struct acme_exchange *x, const struct acme_port *port,
                        const struct acme_anchors *anchors, struct acme_span io);

/* Starts: the first request_len bytes of io are the request to url's host. An open connection to
 * the same host and port is used again, unless the server has closed it or has sent something that
 * nobody asked for; another one is closed first. An exchange that still runs is given up.
 * head_request: it is a HEAD. url is not needed afterwards. ACME_OK, ACME_E_SIZE (a host above
 * ACME_MAX_HOST), ACME_E_ARG, or an error of the port's connect. */
int acme_exchange_start(struct acme_exchange *x, const struct acme_url *url, size_t request_len,
                        bool head_request);

/* Moves it on: ACME_OK and *reply (slices valid until io is written to again), ACME_AGAIN, or an
 * error; after an error the connection is closed. ACME_E_SIZE: the reply does not fit into io.
 * ACME_E_CLOSED, ACME_E_NET: it was cut, or never came. ACME_E_ARG: nothing was started. Redirects
 * and statuses of failure are replies like others. Bounded work for each call. */
int acme_exchange_poll(struct acme_exchange *x, struct acme_reply *reply);

/* Milliseconds until it must be polled even if no socket has something: 0 when bytes may wait in
 * the TLS session, where no socket shows them; UINT32_MAX when nothing runs. */
uint32_t acme_exchange_wait_ms(const struct acme_exchange *x);

/* Is there a TLS session, its handshake done? */
bool acme_exchange_is_up(const struct acme_exchange *x);

/* After an error: was it a kept connection that the server had closed in the meantime, with no byte
 * of a reply? Then the CA has not acted, and one repeat at once is right. */
bool acme_exchange_was_stale(const struct acme_exchange *x);

void acme_exchange_close(struct acme_exchange *x);

#endif
