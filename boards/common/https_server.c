#include "https_server.h"

#include <string.h>

#include <wolfssl/ssl.h>

#include "acme_agent.h"
#include "board_event.h"
#include "board_pool.h"
#include "https_proof.h"

#define HTTPS_CLIENT_MS   10000 /* a client has so long for all of it */
#define HTTPS_REQUEST_MAX 2048

enum { HTTPS_FREE, HTTPS_HELLO, HTTPS_LOAD, HTTPS_HANDSHAKE, HTTPS_READ, HTTPS_WRITE };

static const char https_reply[] = "HTTP/1.1 200 OK\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Content-Length: 56\r\n"
                                  "Connection: close\r\n"
                                  "\r\n"
                                  "This device got the certificate that it shows, itself.\r\n";

static uint64_t https_now(const struct https_server *h)
{
    return h->port->now_ms(h->port->ctx);
}

static void https_close(struct https_server *h, acme_sock *sock)
{
    if (*sock != ACME_NO_SOCK)
        h->port->net->close(h->port->ctx, *sock);
    *sock = ACME_NO_SOCK;
}

static void https_drop(struct https_server *h)
{
    if (h->session != NULL)
        wolfSSL_free(h->session);
    if (h->ctx != NULL)
        wolfSSL_CTX_free(h->ctx);
    h->session = h->ctx = NULL;
    https_proof_drop();
    https_close(h, &h->client);
    h->phase = HTTPS_FREE;
}

/* ---- key and chain ---- */

/* The certificates one behind the other, without the lengths between them, in place. */
static struct acme_slice https_join(struct acme_chain *chain, uint8_t *room)
{
    size_t count = acme_chain_count(chain), len = 0;
    uint8_t *to = room + (chain->packed.ptr - room);
    struct acme_slice one[ACME_MAX_CHAIN_CERTS];

    for (size_t i = 0; i < count && i < ACME_MAX_CHAIN_CERTS; i++)
        one[i] = acme_chain_at(chain, i);
    for (size_t i = 0; i < count && i < ACME_MAX_CHAIN_CERTS; i++) {
        memmove(to + len, one[i].ptr, one[i].len);
        len += one[i].len;
    }
    return acme_slice_of(to, len);
}

static int https_use(struct https_server *h, struct acme_certificate *cert, uint8_t *room)
{
    struct acme_slice chain = https_join(&cert->chain, room);

    if (wolfSSL_CTX_use_certificate_chain_buffer_format(h->ctx, chain.ptr, (long)chain.len,
                                                        WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_buffer(h->ctx, cert->key.ptr, (long)cert->key.len,
                                          WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS)
        return ACME_E_CERT;
    return ACME_OK;
}

/* ACME_OK, ACME_AGAIN (the flash is busy), ACME_E_SLOT_EMPTY (there is none yet), ACME_E_CERT,
 * ACME_E_SIZE (the pair cannot be loaded), ... */
static int https_certificate(struct https_server *h)
{
    struct acme_certificate cert;
    struct board_pool_stat before, after;
    uint8_t *room = board_pool_alloc(BOARD_CERT_MAX);
    int err;

    if (room == NULL)
        return ACME_E_TLS_MEMORY;
    board_pool_stat(&before);
    err = acme_agent_certificate(h->agent, (struct acme_span){room, BOARD_CERT_MAX}, &cert);
    if (err == ACME_OK)
        err = https_use(h, &cert, room);
    acme_wipe(room, BOARD_CERT_MAX);
    board_pool_free(room);
    board_pool_stat(&after);
    if (err == ACME_E_CERT && after.failures != before.failures)
        err = ACME_E_TLS_MEMORY; /* no fault of the pair */
    if (err == ACME_OK || err == ACME_E_CERT || err == ACME_E_SIZE)
        (void)acme_agent_certificate_loaded(h->agent, err == ACME_OK);
    return err;
}

/* ---- between wolfSSL and the port ---- */

static int https_recv(WOLFSSL *session, char *buf, int len, void *ctx)
{
    struct https_server *h = ctx;
    int n = (int)https_proof_early(buf, (size_t)len);

    (void)session;
    if (n == 0)
        n = h->port->net->recv(h->port->ctx, h->client, buf, (size_t)len);
    return n > 0 ? n : n == ACME_AGAIN ? WOLFSSL_CBIO_ERR_WANT_READ : WOLFSSL_CBIO_ERR_CONN_CLOSE;
}

static int https_send(WOLFSSL *session, char *buf, int len, void *ctx)
{
    struct https_server *h = ctx;
    int n = h->port->net->send(h->port->ctx, h->client, buf, (size_t)len);

    (void)session;
    return n > 0 ? n : n == ACME_AGAIN ? WOLFSSL_CBIO_ERR_WANT_WRITE : WOLFSSL_CBIO_ERR_CONN_RST;
}

static int https_open(struct https_server *h)
{
    int err;

    if (h->ctx == NULL)
        h->ctx = wolfSSL_CTX_new(wolfTLS_server_method());
    acme_crypto_seed_keep();
    if (h->ctx == NULL)
        return ACME_E_TLS_MEMORY;
    wolfSSL_CTX_SetIORecv(h->ctx, https_recv);
    wolfSSL_CTX_SetIOSend(h->ctx, https_send);
    err = wolfSSL_CTX_SetMinVersion(h->ctx, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS ? ACME_OK
                                                                                : ACME_E_TLS;
    if (err == ACME_OK)
        err = https_certificate(h);
    if (err != ACME_OK)
        return err;
    h->session = wolfSSL_new(h->ctx);
    if (h->session == NULL)
        return ACME_E_TLS_MEMORY;
    wolfSSL_SetIOReadCtx(h->session, h);
    wolfSSL_SetIOWriteCtx(h->session, h);
    return ACME_OK;
}

/* ---- a client ---- */

static int https_io(struct https_server *h, int ret)
{
    int why = wolfSSL_get_error(h->session, ret);

    return why == WOLFSSL_ERROR_WANT_READ || why == WOLFSSL_ERROR_WANT_WRITE ? ACME_AGAIN
                                                                             : ACME_E_TLS;
}

/* Whatever is asked for, the answer is the same: only the end of the request matters. */
static int https_read(struct https_server *h)
{
    static const char end[] = "\r\n\r\n";
    char buf[128];
    int n = wolfSSL_read(h->session, buf, sizeof buf);

    if (n <= 0)
        return https_io(h, n);
    for (int i = 0; i < n && end[h->seen] != '\0'; i++)
        h->seen = buf[i] == end[h->seen] ? (uint8_t)(h->seen + 1) : buf[i] == '\r';
    h->asked = (uint16_t)(h->asked + n);
    if (end[h->seen] == '\0')
        h->phase = HTTPS_WRITE;
    return h->asked > HTTPS_REQUEST_MAX ? ACME_E_SIZE : ACME_OK;
}

static int https_write(struct https_server *h)
{
    int len = (int)(sizeof https_reply - 1) - h->sent;
    int n = wolfSSL_write(h->session, https_reply + h->sent, len);

    if (n <= 0)
        return https_io(h, n);
    h->sent = (uint16_t)(h->sent + n);
    if (n < len)
        return ACME_OK;
    (void)wolfSSL_shutdown(h->session);
    return ACME_E_CLOSED;
}

static int https_step(struct https_server *h)
{
    int ret;

    switch (h->phase) {
    case HTTPS_HELLO:
        ret = https_proof_step(h);
        if (ret == ACME_OK)
            h->phase = HTTPS_LOAD;
        return ret;
    case HTTPS_LOAD:
        ret = https_open(h);
        if (ret == ACME_OK)
            h->phase = HTTPS_HANDSHAKE;
        return ret;
    case HTTPS_HANDSHAKE:
        ret = wolfSSL_accept(h->session);
        if (ret != WOLFSSL_SUCCESS)
            return https_io(h, ret);
        h->phase = HTTPS_READ;
        return ACME_OK;
    case HTTPS_READ:
        return https_read(h);
    default:
        return https_write(h);
    }
}

static void https_accept(struct https_server *h)
{
    if (h->port->net->accept(h->port->ctx, h->listener, &h->client) != ACME_OK)
        return;
    h->phase = https_proof_live() ? HTTPS_HELLO : HTTPS_LOAD;
    h->asked = h->sent = h->seen = 0;
    h->deadline_ms = https_now(h) + HTTPS_CLIENT_MS;
}

void https_init(struct https_server *h, const struct acme_port *port, struct acme_agent *agent,
                uint16_t tcp_port)
{
    memset(h, 0, sizeof *h);
    h->port = port;
    h->agent = agent;
    h->tcp_port = tcp_port;
    h->listener = h->client = ACME_NO_SOCK;
}

void https_poll(struct https_server *h)
{
    struct acme_agent_status status;
    int err;

    acme_agent_status(h->agent, &status);
    /* the pool is the agent's; or nothing to show */
    if ((status.busy || !status.has_certificate) && !https_proof_live()) {
        https_drop(h);
        https_close(h, &h->listener);
        return;
    }
    if (h->listener == ACME_NO_SOCK &&
        h->port->net->listen(h->port->ctx, NULL, h->tcp_port, &h->listener) != ACME_OK) {
        h->listener = ACME_NO_SOCK;
        return;
    }
    if (h->phase == HTTPS_FREE) {
        https_accept(h);
        return;
    }
    err = https_step(h);
    if (err == ACME_E_TLS_MEMORY)
        board_tell("https", "not enough memory for a client", NULL, err);
    if ((err != ACME_OK && err != ACME_AGAIN) || https_now(h) >= h->deadline_ms)
        https_drop(h);
}
