/* tls_client_world.h - acme_tls_server, and clients of wolfSSL's that meet it over a wire in memory
 */
#ifndef TLS_CLIENT_WORLD_H
#define TLS_CLIENT_WORLD_H

#include "acme_tls_server.h"
#include "crypto_world.h"
#include "tls_wire.h"

#define NAME "gw.example.org"
#define OURS "acme-tls/1"

static struct acme_key p256, p384, rsa;
static bool keys_made;
static struct acme_key *key;
static uint8_t cert_room[3000];
static struct acme_slice cert;

static struct acme_tls_server tls;
static struct acme_tls_show show;

/* What the client is like; NULL: it says nothing of that kind. */
static const char *client_name, *client_protocols;
static bool client_tls12;
static WOLFSSL_CTX *client_ctx;
static WOLFSSL *client;
static bool client_done, client_saw;

static inline void show_key(struct acme_key *k)
{
    static const char *const names[] = {NAME};
    struct made m = {.key = k, .subject = "self", .names = names, .count = 1};

    key = k;
    cert = made_cert(&m, cert_room, sizeof cert_room);
    CHECK(cert.len > 100);
    show.cert = cert;
    show.key = acme_slice_of(key->der, key->len);
}

static inline void start(void)
{
    world_reset();
    world_port.net = &wire_net;
    wire_reset();
    if (!keys_made) {
        CHECK_INT(acme_key_make(&p256, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_make(&p384, world_p384()), ACME_OK);
        CHECK_INT(acme_key_make(&rsa, ACME_KEY_RSA2048), ACME_OK);
        keys_made = true;
    }
    memset(&show, 0, sizeof show);
    show_key(&p256);
    show.protocol = OURS;
    show.name = acme_slice_text(NAME);
    client_name = NAME;
    client_protocols = OURS;
    client_tls12 = client_done = client_saw = false;
}

/* A CA trusts nobody here: it looks at what is shown. */
static inline int look(int ok, WOLFSSL_X509_STORE_CTX *store)
{
    (void)ok;
    client_saw = store->totalCerts == 1 && store->certs[0].length == cert.len &&
                 memcmp(store->certs[0].buffer, cert.ptr, cert.len) == 0;
    return 1;
}

static inline void call(void)
{
    char list[60];

    client_ctx =
        wolfSSL_CTX_new(client_tls12 ? wolfTLSv1_2_client_method() : wolfTLSv1_3_client_method());
    CHECK(client_ctx != NULL);
    acme_crypto_seed_keep(); /* wolfSSL_Init may have been here */
    wolfSSL_CTX_SetIORecv(client_ctx, peer_recv);
    wolfSSL_CTX_SetIOSend(client_ctx, peer_send);
    wolfSSL_CTX_set_verify(client_ctx, WOLFSSL_VERIFY_PEER, look);
    client = wolfSSL_new(client_ctx);
    CHECK(client != NULL);
    if (client_name != NULL)
        CHECK_INT(
            wolfSSL_UseSNI(client, WOLFSSL_SNI_HOST_NAME, client_name, (word16)strlen(client_name)),
            WOLFSSL_SUCCESS);
    if (client_protocols != NULL) {
        snprintf(list, sizeof list, "%s", client_protocols);
        CHECK_INT(wolfSSL_UseALPN(client, list, (unsigned)strlen(list),
                                  WOLFSSL_ALPN_CONTINUE_ON_MISMATCH),
                  WOLFSSL_SUCCESS);
    }
}

static inline void hang_up(void)
{
    wolfSSL_free(client);
    wolfSSL_CTX_free(client_ctx);
    client = NULL;
    client_ctx = NULL;
}

static inline int answer(void)
{
    return acme_tls_server_open(&tls, &world_port, 5, &show);
}

/* A client that gives up closes its socket. */
static inline void connect_client(void)
{
    int ret, detail;

    if (client_done)
        return;
    ret = wolfSSL_connect(client);
    client_done = ret == WOLFSSL_SUCCESS;
    detail = wolfSSL_get_error(client, ret);
    if (!client_done && detail != WOLFSSL_ERROR_WANT_READ && detail != WOLFSSL_ERROR_WANT_WRITE)
        wire_ended = true;
}

/* Both sides in turn until the server is done or stuck; the client goes on by itself. */
static inline int shake(int turns)
{
    int ret = ACME_AGAIN;

    for (int i = 0; i < turns && ret == ACME_AGAIN; i++) {
        connect_client();
        ret = acme_tls_server_handshake(&tls);
    }
    return ret;
}

/* Closed, and nothing of it is left; a second time does no harm. */
static inline void stop(void)
{
    int32_t detail = tls.detail;

    acme_tls_server_close(&tls);
    CHECK(tls.ctx == NULL && tls.session == NULL);
    acme_tls_server_close(&tls);
    CHECK_INT(tls.detail, detail);
    CHECK_INT(acme_tls_server_handshake(&tls), ACME_E_ARG);
    hang_up();
}

static inline int meet(void)
{
    int ret;

    CHECK_INT(answer(), ACME_OK);
    call();
    ret = shake(100000);
    if (ret != ACME_OK && ret != ACME_AGAIN) /* an error is final, and is not asked for again */
        CHECK_INT(acme_tls_server_handshake(&tls), ret);
    return ret;
}

/* The client got through, saw the certificate and the protocol. */
static inline void check_seen(void)
{
    char *protocol = NULL;
    word16 len = 0;
    int ret = 0;
    byte one;

    for (int i = 0; i < 100 && !client_done; i++)
        connect_client();
    CHECK(client_done && client_saw);
    CHECK_INT(wolfSSL_ALPN_GetProtocol(client, &protocol, &len), WOLFSSL_SUCCESS);
    CHECK(len == strlen(OURS) && memcmp(protocol, OURS, len) == 0);
    CHECK_INT(acme_tls_server_handshake(&tls), ACME_OK); /* once more changes nothing */
    wire_hiccup = false;                                 /* for the last word nobody waits */
    wire_piece = SIZE_MAX;
    acme_tls_server_close(&tls);
    for (int i = 0; i < 100 && ret <= 0; i++) {
        ret = wolfSSL_read(client, &one, 1);
        if (wolfSSL_get_error(client, ret) == WOLFSSL_ERROR_ZERO_RETURN)
            return; /* close_notify: no cut */
    }
    FAIL("the client was not told the end");
}

static inline void good(void)
{
    int ret = meet();

    if (ret != ACME_OK)
        test_stop(TEST_FAILED, "%s (wolfSSL: %d)", acme_err_name(ret), (int)tls.detail);
    check_seen();
    stop();
}

#endif
