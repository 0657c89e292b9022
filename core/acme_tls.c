#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "acme_tls.h"

#include <string.h>

#include "acme_crypto.h"
#include "acme_der.h"
#include "acme_name.h"
#include "acme_pem.h"
#include "acme_tls_private.h"

enum tls_phase {
    TLS_CLOSED = 0,
    TLS_HANDSHAKE,
    TLS_UP,
    TLS_DEAD /* an error is final */
};

/* The longest root as DER that is read from PEM; roots are 400..2100 bytes. */
#define TLS_ANCHOR_MAX 4096
/* A record sent takes this much of wolfSSL's memory twice; requests are about 1 KB. */
#define TLS_SEND_MAX               4096
#define TLS_ALERT_PROTOCOL_VERSION 70

#ifdef ACME_TLS_SUITES_AS_BUILT
/* acme_wolfssl.h refuses to build with a suite that is not below: a board whose settings hold no
 * more than it wants to offer saves the names of suites and their parser (1 KB). */
static int tls_set_suites(WOLFSSL_CTX *ctx)
{
    (void)ctx;
    return WOLFSSL_SUCCESS;
}
#else
/* ECDHE with AEAD only. What is not compiled in is left out by wolfSSL. */
static const char tls_suites[] = "TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256:"
                                 "TLS13-AES256-GCM-SHA384:"
                                 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

static int tls_set_suites(WOLFSSL_CTX *ctx)
{
    return wolfSSL_CTX_set_cipher_list(ctx, tls_suites);
}
#endif

/* P-384 second, because it costs four times as much; servers with such a key need it. */
static const uint16_t tls_curves[] = {
    WOLFSSL_ECC_SECP256R1,
#ifdef HAVE_ECC384
    WOLFSSL_ECC_SECP384R1,
#endif
};

/* --- between wolfSSL and the port ----------------------------------------------------------- */

/* The one place where "not yet" and errors of the socket become wolfSSL's. */
static int wire_io(struct acme_tls_wire *wire, int ret, int again)
{
    if (ret > 0)
        return ret;
    if (ret == ACME_AGAIN)
        return again;
    /* Only close_notify ends a session well: an end of the stream may be a cut. */
    wire->error = ret == ACME_E_CLOSED ? ACME_E_NET : ret;
    return WOLFSSL_CBIO_ERR_GENERAL;
}

/* First what was read before the session began. */
static int wire_recv(WOLFSSL *session, char *buf, int len, void *ctx)
{
    struct acme_tls_wire *wire = (struct acme_tls_wire *)ctx;
    const struct acme_port *port = wire->port;
    size_t n = wire->early.len < (size_t)len ? wire->early.len : (size_t)len;

    (void)session;
    if (n == 0)
        return wire_io(wire, port->net->recv(port->ctx, wire->sock, buf, (size_t)len),
                       WOLFSSL_CBIO_ERR_WANT_READ);
    memcpy(buf, wire->early.ptr, n);
    wire->early = acme_slice_of(wire->early.ptr + n, wire->early.len - n);
    return (int)n;
}

static int wire_send(WOLFSSL *session, char *buf, int len, void *ctx)
{
    struct acme_tls_wire *wire = (struct acme_tls_wire *)ctx;
    const struct acme_port *port = wire->port;

    (void)session;
    return wire_io(wire, port->net->send(port->ctx, wire->sock, buf, (size_t)len),
                   WOLFSSL_CBIO_ERR_WANT_WRITE);
}

void acme_tls_use_wire(void *ctx)
{
    wolfSSL_CTX_SetIORecv((WOLFSSL_CTX *)ctx, wire_recv);
    wolfSSL_CTX_SetIOSend((WOLFSSL_CTX *)ctx, wire_send);
}

static const struct {
    int16_t detail;
    int16_t err;
} tls_errors[] = {
    {ASN_NO_SIGNER_E, ACME_E_TLS_TRUST},    {ASN_SELF_SIGNED_E, ACME_E_TLS_TRUST},
    {ASN_SIG_CONFIRM_E, ACME_E_TLS_TRUST},  {ASN_SIG_HASH_E, ACME_E_TLS_TRUST},
    {ASN_SIG_KEY_E, ACME_E_TLS_TRUST},      {ASN_SIG_OID_E, ACME_E_TLS_TRUST},
    {ASN_NAME_INVALID_E, ACME_E_TLS_TRUST}, {ASN_PATHLEN_SIZE_E, ACME_E_TLS_TRUST},
    {ASN_PATHLEN_INV_E, ACME_E_TLS_TRUST},  {ASN_CRIT_EXT_E, ACME_E_TLS_TRUST},
    {NOT_CA_ERROR, ACME_E_TLS_TRUST},       {KEYUSAGE_E, ACME_E_TLS_TRUST},
    {EXTKEYUSAGE_E, ACME_E_TLS_TRUST},      {NO_PEER_CERT, ACME_E_TLS_TRUST},
    {VERIFY_CERT_ERROR, ACME_E_TLS_TRUST},  {DOMAIN_NAME_MISMATCH, ACME_E_TLS_NAME},
    {IPADDR_MISMATCH, ACME_E_TLS_NAME},     {ASN_BEFORE_DATE_E, ACME_E_TLS_DATE},
    {ASN_AFTER_DATE_E, ACME_E_TLS_DATE},    {VERSION_ERROR, ACME_E_TLS_VERSION},
    {MEMORY_E, ACME_E_TLS_MEMORY},          {MEMORY_ERROR, ACME_E_TLS_MEMORY},
};

/* What wolfSSL said, as our error. */
static int tls_error(struct acme_tls *tls, int detail)
{
    WOLFSSL_ALERT_HISTORY alerts;

    for (size_t i = 0; i < sizeof tls_errors / sizeof tls_errors[0]; i++) {
        if (tls_errors[i].detail == detail)
            return tls_errors[i].err;
    }
    if (wolfSSL_get_alert_history((WOLFSSL *)tls->session, &alerts) == WOLFSSL_SUCCESS &&
        alerts.last_rx.code == TLS_ALERT_PROTOCOL_VERSION)
        return ACME_E_TLS_VERSION;
    return ACME_E_TLS;
}

/* Ends the session; what the socket said goes before what wolfSSL made of it. */
static int tls_failed(struct acme_tls *tls, int err, int detail)
{
    tls->phase = TLS_DEAD;
    tls->detail = detail;
    if (tls->wire.error == ACME_OK)
        tls->wire.error = err;
    return tls->wire.error;
}

/* --- trust anchors --------------------------------------------------------------------------- */

/* ACME_OK also for one that is skipped. */
static int tls_load_one(struct acme_tls *tls, struct acme_slice der)
{
    int ret = wolfSSL_CTX_load_verify_buffer((WOLFSSL_CTX *)tls->ctx, der.ptr, (long)der.len,
                                             WOLFSSL_FILETYPE_ASN1);

    if (ret == WOLFSSL_SUCCESS) {
        tls->anchors++;
        return ACME_OK;
    }
    tls->skipped++;
    tls->detail = ret;
    return ret == MEMORY_E || ret == MEMORY_ERROR ? ACME_E_TLS_MEMORY : ACME_OK;
}

static int tls_load_der(struct acme_tls *tls, struct acme_slice set)
{
    struct acme_slice content, whole;
    uint8_t tag;
    int ret = ACME_OK;

    while (ret == ACME_OK && acme_der_read(&set, &tag, &content, &whole))
        ret = tls_load_one(tls, whole);
    return ret;
}

/* Decoded here and not by wolfSSL, whose base64 takes the same time for all bytes, as private keys
 * want it: that is three quarters of the cost of a store with 140 roots. */
static int tls_load_pem(struct acme_tls *tls, struct acme_slice set)
{
    uint8_t der[TLS_ANCHOR_MAX];
    struct acme_slice body;
    int ret = ACME_OK;

    while (ret == ACME_OK && acme_pem_next(&set, &body)) {
        int len = acme_pem_decode(der, sizeof der, body);

        if (len > 0)
            ret = tls_load_one(tls, acme_slice_of(der, (size_t)len));
        else
            tls->skipped++;
    }
    return ret;
}

static int tls_load(struct acme_tls *tls, const struct acme_anchors *anchors)
{
    for (size_t i = 0; i < anchors->count; i++) {
        struct acme_slice set = anchors->sets[i];
        int ret = ACME_OK;

        if (set.len > 0)
            ret = set.ptr[0] == ACME_DER_SEQUENCE ? tls_load_der(tls, set) : tls_load_pem(tls, set);
        if (ret != ACME_OK)
            return ret;
    }
    if (tls->anchors > 0)
        return ACME_OK;
    return tls->detail == ASN_BEFORE_DATE_E || tls->detail == ASN_AFTER_DATE_E ? ACME_E_TLS_DATE
                                                                               : ACME_E_CONFIG;
}

/* wolfSSL before 5.9 has one function for both, and takes an address in a dNSName for one too. */
#if LIBWOLFSSL_VERSION_HEX < 0x05009000
#define tls_check_ip wolfSSL_check_domain_name
#else
#define tls_check_ip wolfSSL_check_ip_address
#endif

/* --- opening --------------------------------------------------------------------------------- */

/* wolfSSL compares IPv6 addresses as text, all eight groups with four digits. */
static void tls_ip_text(const struct acme_name *ip, char out[ACME_ADDR_TEXT])
{
    static const char hex[] = "0123456789ABCDEF";
    char *at = out;

    if (ip->ip_len == 4) {
        memcpy(out, ip->text, strlen(ip->text) + 1);
        return;
    }
    for (size_t i = 0; i < 16; i++) {
        if (i > 0 && i % 2 == 0)
            *at++ = ':';
        *at++ = hex[ip->ip[i] >> 4];
        *at++ = hex[ip->ip[i] & 15];
    }
    *at = '\0';
}

/* The certificate must be for host. */
static int tls_expect(WOLFSSL *session, const char *host)
{
    struct acme_name name;
    char ip[ACME_ADDR_TEXT];
    bool known = acme_name_read(acme_slice_text(host), &name, NULL) == ACME_OK;

    if (known && name.type == ACME_ID_IP) {
        tls_ip_text(&name, ip);
        return tls_check_ip(session, ip) == WOLFSSL_SUCCESS ? ACME_OK : ACME_E_TLS_MEMORY;
    }
    if (known)
        host = name.text; /* lower case */
    if ((known ? name.wildcard : strcmp(host, "localhost") != 0) ||
        wolfSSL_check_domain_name(session, host) != WOLFSSL_SUCCESS)
        return ACME_E_NAME;
    return wolfSSL_UseSNI(session, WOLFSSL_SNI_HOST_NAME, host, (word16)strlen(host)) ==
                   WOLFSSL_SUCCESS
               ? ACME_OK
               : ACME_E_TLS_MEMORY;
}

int acme_tls_limit(void *context)
{
    WOLFSSL_CTX *ctx = (WOLFSSL_CTX *)context;

    if (wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
        return ACME_E_TLS;
    /* The lists are fixed, so only memory can be short; wolfSSL does not always say so. */
    if (tls_set_suites(ctx) != WOLFSSL_SUCCESS)
        return ACME_E_TLS_MEMORY;
    for (size_t i = 0; i < sizeof tls_curves / sizeof tls_curves[0]; i++) {
        if (wolfSSL_CTX_UseSupportedCurve(ctx, tls_curves[i]) != WOLFSSL_SUCCESS)
            return ACME_E_TLS_MEMORY;
    }
    return ACME_OK;
}

static int tls_new_ctx(struct acme_tls *tls)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLS_client_method());

    acme_crypto_seed_keep(); /* making the context may have begun with wolfSSL_Init */
    tls->ctx = ctx;
    if (ctx == NULL)
        return ACME_E_TLS_MEMORY;
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
    acme_tls_use_wire(ctx);
    return acme_tls_limit(ctx);
}

static int tls_new_session(struct acme_tls *tls, const char *host)
{
    WOLFSSL *session;

    session = wolfSSL_new((WOLFSSL_CTX *)tls->ctx);
    tls->session = session;
    if (session == NULL)
        return acme_crypto_seed_state() != ACME_OK ? acme_crypto_seed_state() : ACME_E_TLS_MEMORY;
    wolfSSL_SetIOReadCtx(session, &tls->wire);
    wolfSSL_SetIOWriteCtx(session, &tls->wire);
    return tls_expect(session, host);
}

int acme_tls_open(struct acme_tls *tls, const struct acme_port *port, acme_sock sock,
                  const char *host, const struct acme_anchors *anchors)
{
    int64_t now;
    int ret;

    memset(tls, 0, sizeof *tls);
    tls->wire.port = port;
    tls->wire.sock = sock;
    /* Before the anchors: with a clock of 1970 wolfSSL refuses every one of them. */
    if (port->unix_time(port->ctx, &now) != ACME_OK)
        return ACME_E_CLOCK;
    ret = tls_new_ctx(tls);
    if (ret == ACME_OK)
        ret = tls_load(tls, anchors);
    if (ret == ACME_OK)
        ret = tls_new_session(tls, host);
    if (ret != ACME_OK) {
        acme_tls_close(tls);
        return ret;
    }
    tls->detail = 0;
    tls->phase = TLS_HANDSHAKE;
    return ACME_OK;
}

/* --- the session ----------------------------------------------------------------------------- */

/* After a call of wolfSSL that did not succeed. */
static int tls_not_done(struct acme_tls *tls, int ret)
{
    int detail = wolfSSL_get_error((WOLFSSL *)tls->session, ret);

    if (detail == WOLFSSL_ERROR_WANT_READ || detail == WOLFSSL_ERROR_WANT_WRITE)
        return ACME_AGAIN;
    if (detail == WOLFSSL_ERROR_ZERO_RETURN)
        return tls_failed(tls, ACME_E_CLOSED, 0);
    return tls_failed(tls, tls_error(tls, detail), detail);
}

/* Why there is no session to use. */
static int tls_why_down(const struct acme_tls *tls)
{
    return tls->phase == TLS_DEAD ? tls->wire.error : ACME_E_ARG;
}

int acme_tls_handshake(struct acme_tls *tls)
{
    int ret;

    if (tls->phase == TLS_UP)
        return ACME_OK;
    if (tls->phase != TLS_HANDSHAKE)
        return tls_why_down(tls);
    ret = wolfSSL_connect((WOLFSSL *)tls->session);
    if (ret != WOLFSSL_SUCCESS)
        return tls_not_done(tls, ret);
    /* No certificate is judged after this. Given back now, the memory of anchors and intermediates
     * does not lie in pieces between the records to come. */
    (void)wolfSSL_CertManagerUnloadCAs(wolfSSL_CTX_GetCertManager((WOLFSSL_CTX *)tls->ctx));
    tls->phase = TLS_UP;
    return ACME_OK;
}

static int tls_io_result(struct acme_tls *tls, int ret)
{
    return ret > 0 ? ret : tls_not_done(tls, ret);
}

int acme_tls_send(struct acme_tls *tls, const void *data, size_t len)
{
    if (tls->phase != TLS_UP || len == 0)
        return len == 0 ? ACME_E_ARG : tls_why_down(tls);
    if (len > TLS_SEND_MAX)
        len = TLS_SEND_MAX;
    return tls_io_result(tls, wolfSSL_write((WOLFSSL *)tls->session, data, (int)len));
}

int acme_tls_recv(struct acme_tls *tls, void *buf, size_t cap)
{
    if (tls->phase != TLS_UP || cap == 0)
        return cap == 0 ? ACME_E_ARG : tls_why_down(tls);
    if (cap > INT16_MAX)
        cap = INT16_MAX;
    return tls_io_result(tls, wolfSSL_read((WOLFSSL *)tls->session, buf, (int)cap));
}

void acme_tls_close(struct acme_tls *tls)
{
    if (tls->phase == TLS_UP)
        (void)wolfSSL_shutdown((WOLFSSL *)tls->session);
    if (tls->session != NULL)
        wolfSSL_free((WOLFSSL *)tls->session);
    if (tls->ctx != NULL)
        wolfSSL_CTX_free((WOLFSSL_CTX *)tls->ctx);
    tls->session = NULL;
    tls->ctx = NULL;
    tls->phase = TLS_CLOSED;
}
