#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "acme_tls_server.h"

#include <string.h>

#include "acme_config.h"
#include "acme_crypto.h"
#include "acme_tls_private.h"

#if defined(NO_WOLFSSL_SERVER) || !defined(HAVE_ALPN)
#error "acme_tls_server.c: wolfSSL needs its server and HAVE_ALPN; or leave this file out"
#endif

enum srv_phase {
    SRV_CLOSED = 0,
    SRV_HANDSHAKE,
    SRV_UP,
    SRV_DEAD /* an error is final */
};

/* ---- opening ---- */

static int srv_load(int ret)
{
    if (ret == WOLFSSL_SUCCESS)
        return ACME_OK;
    return ret == MEMORY_E || ret == MEMORY_ERROR ? ACME_E_TLS_MEMORY : ACME_E_CERT;
}

static int srv_new_ctx(struct acme_tls_server *tls, const struct acme_tls_show *show)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLS_server_method());
    int err;

    acme_crypto_seed_keep(); /* making the context may have begun with wolfSSL_Init */
    tls->ctx = ctx;
    if (ctx == NULL)
        return ACME_E_TLS_MEMORY;
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL); /* clients have no certificates */
    acme_tls_use_wire(ctx);
    err = acme_tls_limit(ctx);
    if (err == ACME_OK)
        err = srv_load(wolfSSL_CTX_use_certificate_buffer(ctx, show->cert.ptr, (long)show->cert.len,
                                                          WOLFSSL_FILETYPE_ASN1));
    if (err == ACME_OK)
        err = srv_load(wolfSSL_CTX_use_PrivateKey_buffer(ctx, show->key.ptr, (long)show->key.len,
                                                         WOLFSSL_FILETYPE_ASN1));
    return err;
}

static int srv_new_session(struct acme_tls_server *tls, const struct acme_tls_show *show)
{
    WOLFSSL *session = wolfSSL_new((WOLFSSL_CTX *)tls->ctx);
    char protocol[256];
    size_t len = strlen(show->protocol);

    tls->session = session;
    if (session == NULL)
        return acme_crypto_seed_state() != ACME_OK ? acme_crypto_seed_state() : ACME_E_TLS_MEMORY;
    wolfSSL_SetIOReadCtx(session, &tls->wire);
    wolfSSL_SetIOWriteCtx(session, &tls->wire);
    memcpy(protocol, show->protocol, len + 1); /* wolfSSL wants to cut it at commas */
    if (wolfSSL_UseSNI(session, WOLFSSL_SNI_HOST_NAME, show->name.ptr, (word16)show->name.len) !=
            WOLFSSL_SUCCESS ||
        wolfSSL_UseALPN(session, protocol, (unsigned)len, WOLFSSL_ALPN_FAILED_ON_MISMATCH) !=
            WOLFSSL_SUCCESS)
        return ACME_E_TLS_MEMORY;
    wolfSSL_SNI_SetOptions(session, WOLFSSL_SNI_HOST_NAME, WOLFSSL_SNI_ABORT_ON_ABSENCE);
    return ACME_OK;
}

int acme_tls_server_open(struct acme_tls_server *tls, const struct acme_port *port, acme_sock sock,
                         const struct acme_tls_show *show)
{
    size_t protocol = strlen(show->protocol);
    int err;

    memset(tls, 0, sizeof *tls);
    tls->wire.port = port;
    tls->wire.sock = sock;
    tls->wire.early = show->early;
    if (show->name.len == 0 || show->name.len > ACME_MAX_NAME || protocol == 0 || protocol > 255)
        return ACME_E_ARG;
    err = srv_new_ctx(tls, show);
    if (err == ACME_OK)
        err = srv_new_session(tls, show);
    if (err != ACME_OK) {
        acme_tls_server_close(tls);
        return err;
    }
    tls->phase = SRV_HANDSHAKE;
    return ACME_OK;
}

/* ---- the handshake ---- */

static int srv_failed(struct acme_tls_server *tls, int err, int detail)
{
    tls->phase = SRV_DEAD;
    tls->detail = detail;
    if (tls->wire.error == ACME_OK)
        tls->wire.error = err;
    return tls->wire.error;
}

/* A client that offers no protocol at all gets through wolfSSL's handshake. */
static bool srv_agreed(struct acme_tls_server *tls)
{
    char *protocol = NULL;
    word16 len = 0;

    return wolfSSL_ALPN_GetProtocol((WOLFSSL *)tls->session, &protocol, &len) == WOLFSSL_SUCCESS &&
           len > 0;
}

int acme_tls_server_handshake(struct acme_tls_server *tls)
{
    int ret, detail;

    if (tls->phase == SRV_UP)
        return ACME_OK;
    if (tls->phase != SRV_HANDSHAKE)
        return tls->phase == SRV_DEAD ? tls->wire.error : ACME_E_ARG;
    ret = wolfSSL_accept((WOLFSSL *)tls->session);
    if (ret != WOLFSSL_SUCCESS) {
        detail = wolfSSL_get_error((WOLFSSL *)tls->session, ret);
        if (detail == WOLFSSL_ERROR_WANT_READ || detail == WOLFSSL_ERROR_WANT_WRITE)
            return ACME_AGAIN;
        return srv_failed(
            tls, detail == MEMORY_E || detail == MEMORY_ERROR ? ACME_E_TLS_MEMORY : ACME_E_TLS,
            detail);
    }
    if (!srv_agreed(tls))
        return srv_failed(tls, ACME_E_TLS, UNKNOWN_ALPN_PROTOCOL_NAME_E);
    tls->phase = SRV_UP;
    return ACME_OK;
}

void acme_tls_server_close(struct acme_tls_server *tls)
{
    if (tls->phase == SRV_UP)
        (void)wolfSSL_shutdown((WOLFSSL *)tls->session);
    if (tls->session != NULL)
        wolfSSL_free((WOLFSSL *)tls->session);
    if (tls->ctx != NULL)
        wolfSSL_CTX_free((WOLFSSL_CTX *)tls->ctx);
    tls->session = NULL;
    tls->ctx = NULL;
    tls->phase = SRV_CLOSED;
}
