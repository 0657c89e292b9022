/* ca_stream_tls.c - the CA as a wolfSSL server, in the same process as the agent's client */
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

#include "ca.h"

static struct ca *stream_ca;                   /* wolfSSL's callbacks get the connection */
static WOLFSSL_CTX *stream_ctx[CA_SERVERS][2]; /* with TLS 1.3, and without */

/* ---- between wolfSSL and the net ---- */

static int stream_io_recv(WOLFSSL *session, char *buf, int len, void *ctx)
{
    const struct ca_conn *c = (const struct ca_conn *)ctx;
    int n = sim_net_recv(stream_ca->net, stream_ca->node, c->sock, buf, (size_t)len);

    (void)session;
    if (n == ACME_AGAIN)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    return n > 0 ? n : WOLFSSL_CBIO_ERR_GENERAL;
}

static int stream_io_send(WOLFSSL *session, char *buf, int len, void *ctx)
{
    struct ca_conn *c = (struct ca_conn *)ctx;
    int n;

    (void)session;
    if (c->budget > 0 && (uint32_t)len >= c->budget) {
        (void)sim_net_send(stream_ca->net, stream_ca->node, c->sock, buf, c->budget);
        c->mute = c->closing = true;
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    n = sim_net_send(stream_ca->net, stream_ca->node, c->sock, buf, (size_t)len);
    if (n == ACME_AGAIN)
        return WOLFSSL_CBIO_ERR_WANT_WRITE;
    if (n > 0 && c->budget > 0)
        c->budget -= (uint32_t)n;
    return n > 0 ? n : WOLFSSL_CBIO_ERR_GENERAL;
}

static WOLFSSL_CTX *stream_server(enum ca_server which, bool old)
{
    static uint8_t chain[4000];
    WOLFSSL_CTX *ctx = stream_ctx[which][old];
    size_t len;

    if (ctx != NULL)
        return ctx;
    len = ca_server_chain(which, chain, sizeof chain);
    ctx = wolfSSL_CTX_new(old ? wolfTLSv1_2_server_method() : wolfTLS_server_method());
    stream_ctx[which][old] = ctx;
    if (ctx == NULL ||
        wolfSSL_CTX_use_certificate_chain_buffer(ctx, chain, (long)len) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_buffer(ctx, ca_server_key()->der, ca_server_key()->len,
                                          WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS)
        return NULL;
    wolfSSL_CTX_SetIORecv(ctx, stream_io_recv);
    wolfSSL_CTX_SetIOSend(ctx, stream_io_send);
    return ctx;
}

/* ---- a session, right or wrong ---- */

/* An alert without a session: fatal, and what. */
static void stream_alert(struct ca *ca, struct ca_conn *c, uint8_t what)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, what};

    (void)sim_net_send(ca->net, ca->node, c->sock, record, sizeof record);
    c->mute = c->closing = true;
}

static enum ca_server stream_choose(struct ca *ca)
{
    static const struct {
        enum evil_id id;
        enum ca_server which;
    } verdicts[] = {{EVIL_TLS_TRUST, CA_SERVER_UNKNOWN},
                    {EVIL_TLS_NAME, CA_SERVER_NAME},
                    {EVIL_TLS_DATE, CA_SERVER_EXPIRED},
                    {EVIL_TLS_NOT_YET, CA_SERVER_FUTURE}};
    enum ca_server which = CA_SERVER_GOOD;

    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (evil_does(&ca->evil, verdicts[i].id))
            which = verdicts[i].which;
    }
    return which;
}

void ca_stream_open(struct ca *ca, struct ca_conn *c)
{
    WOLFSSL_CTX *ctx = stream_server(stream_choose(ca), sim_world_chance(ca->world, 300));
    WOLFSSL *session = ctx != NULL ? wolfSSL_new(ctx) : NULL;

    stream_ca = ca;
    c->stream = session;
    if (session == NULL) {
        (void)ca_break(ca, "the TLS server of this test has no session");
        c->mute = c->closing = true;
        return;
    }
    wolfSSL_SetIOReadCtx(session, c);
    wolfSSL_SetIOWriteCtx(session, c);
    if (evil_does(&ca->evil, EVIL_TLS_VERSION))
        stream_alert(ca, c, 70);
    if (evil_does(&ca->evil, EVIL_TLS_FAILS))
        stream_alert(ca, c, 40);
    c->mute |= evil_does(&ca->evil, EVIL_TLS_STALLS);
    c->records = evil_does(&ca->evil, EVIL_TLS_RECORDS);
    if (evil_does(&ca->evil, EVIL_TLS_CUT))
        c->budget = 1 + sim_world_below(ca->world, 1200);
}

static int stream_result(struct ca_conn *c, int ret)
{
    int err;

    if (ret > 0)
        return ret;
    err = wolfSSL_get_error((WOLFSSL *)c->stream, ret);
    return err == WOLFSSL_ERROR_WANT_READ || err == WOLFSSL_ERROR_WANT_WRITE ? ACME_AGAIN
                                                                             : ACME_E_NET;
}

int ca_stream_send(struct ca *ca, struct ca_conn *c, const void *data, size_t len)
{
    int n;

    if (c->piece == 0) /* else wolfSSL wants the same again */
        c->piece = c->records ? 1 + sim_world_below(ca->world, 40) : len;
    len = len < c->piece ? len : c->piece;
    n = stream_result(c, wolfSSL_write((WOLFSSL *)c->stream, data, (int)len));
    if (n != ACME_AGAIN)
        c->piece = 0;
    return n;
}

int ca_stream_recv(struct ca *ca, struct ca_conn *c, void *buf, size_t cap)
{
    int n;

    (void)ca;
    if (c->mute)
        return ACME_AGAIN;
    if (!c->up) {
        n = stream_result(c, wolfSSL_accept((WOLFSSL *)c->stream));
        if (n < 0)
            return n;
        c->up = true;
        c->budget = 0;
    }
    return stream_result(c, wolfSSL_read((WOLFSSL *)c->stream, buf, (int)cap));
}

void ca_stream_end(struct ca *ca, struct ca_conn *c, bool goodbye)
{
    (void)ca;
    if (c->stream == NULL)
        return;
    if (goodbye && c->up && !c->no_notify)
        (void)wolfSSL_shutdown((WOLFSSL *)c->stream);
    wolfSSL_free((WOLFSSL *)c->stream);
    c->stream = NULL;
}

struct acme_slice ca_stream_anchor(void)
{
    return ca_root();
}

bool ca_stream_is_tls(void)
{
    return true;
}
