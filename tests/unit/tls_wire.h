/* tls_wire.h - a wire in memory between the port's socket and a peer of wolfSSL's, and memory for
 * wolfSSL that is counted, and short where a test wants it */
#ifndef TLS_WIRE_H
#define TLS_WIRE_H

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme_err.h"
#include "acme_port.h"

/* --- a wire: two queues, cut into pieces, ended or broken where a test wants it --------------- */

struct pipe_end {
    uint8_t bytes[200000];
    size_t from, to;
};
static struct pipe_end to_peer, to_port;
static size_t wire_piece;  /* bytes at most that a call moves */
static size_t wire_budget; /* bytes from the peer until the end of the stream */
static bool wire_ended;    /* the peer has closed its socket */
static int wire_error;     /* what the socket says instead */
static bool wire_hiccup;   /* every second call: not yet */
static unsigned wire_calls;

static inline int wire_take(struct pipe_end *p, void *buf, size_t cap)
{
    size_t n = p->to - p->from;

    if (n > cap)
        n = cap;
    if (n > wire_piece)
        n = wire_piece;
    memcpy(buf, p->bytes + p->from, n);
    p->from += n;
    return (int)n;
}

static inline int wire_put(struct pipe_end *p, const void *data, size_t len)
{
    if (len > wire_piece)
        len = wire_piece;
    if (p->from == p->to)
        p->from = p->to = 0;
    if (len > sizeof p->bytes - p->to)
        return 0;
    memcpy(p->bytes + p->to, data, len);
    p->to += len;
    return (int)len;
}

/* The port's side. */
static inline int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    int n;

    (void)ctx, (void)s;
    if (wire_error != ACME_OK)
        return wire_error;
    if (wire_hiccup && ++wire_calls % 2 == 0)
        return ACME_AGAIN;
    n = wire_put(&to_peer, data, len);
    return n > 0 ? n : ACME_AGAIN;
}

static inline int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    int n;

    (void)ctx, (void)s;
    if (wire_error != ACME_OK)
        return wire_error;
    if (wire_hiccup && ++wire_calls % 2 == 0)
        return ACME_AGAIN;
    if (wire_budget == 0)
        return ACME_E_CLOSED;
    n = wire_take(&to_port, buf, cap < wire_budget ? cap : wire_budget);
    wire_budget -= (size_t)n;
    if (n == 0)
        return wire_ended ? ACME_E_CLOSED : ACME_AGAIN;
    return n;
}

/* The peer's side, which is wolfSSL's. */
static inline int peer_send(WOLFSSL *ssl, char *buf, int len, void *ctx)
{
    int n = wire_put(&to_port, buf, (size_t)len);

    (void)ssl, (void)ctx;
    return n > 0 ? n : WOLFSSL_CBIO_ERR_WANT_WRITE;
}

static inline int peer_recv(WOLFSSL *ssl, char *buf, int len, void *ctx)
{
    int n = wire_take(&to_peer, buf, (size_t)len);

    (void)ssl, (void)ctx;
    return n > 0 ? n : WOLFSSL_CBIO_ERR_WANT_READ;
}

static const struct acme_net wire_net = {.send = net_send, .recv = net_recv};

static inline void wire_reset(void)
{
    wire_piece = SIZE_MAX;
    wire_budget = SIZE_MAX;
    wire_ended = wire_hiccup = false;
    wire_error = ACME_OK;
    wire_calls = 0;
    to_peer.from = to_peer.to = to_port.from = to_port.to = 0;
}

/* --- memory ---------------------------------------------------------------------------------- */

static long memory_live, memory_until; /* allocations; which one fails */
static uint8_t memory_secret[32];      /* what no block that is given back may hold */
static bool memory_watched;
static unsigned memory_spilled;

static inline void *memory_get(size_t size)
{
    if (memory_until > 0 && --memory_until == 0)
        return NULL;
    memory_live++;
    return malloc(size);
}

static inline void memory_free(void *at)
{
    const uint8_t *bytes = at;
    size_t len = at != NULL && memory_watched ? malloc_usable_size(at) : 0;

    for (size_t i = 0; i + sizeof memory_secret <= len; i++)
        memory_spilled += memcmp(bytes + i, memory_secret, sizeof memory_secret) == 0;
    if (at != NULL)
        memory_live--;
    free(at);
}

static inline void *memory_again(void *at, size_t size)
{
    if (memory_until > 0 && --memory_until == 0)
        return NULL;
    memory_live += at == NULL;
    return realloc(at, size);
}

#endif
