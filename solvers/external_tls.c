/* external_tls.c - what a proof by tls-alpn-01 is made of (RFC 8737), for somebody else to serve */
#include <string.h>

#include "acme_alpn_cert.h"
#include "acme_crypto.h"
#include "acme_der.h"
#include "acme_err.h"
#include "acme_name.h"
#include "acme_pem.h"
#include "external.h"

/* As PKCS #8 (RFC 5958), which every program reads. */
static int ext_tls_key_pem(const struct acme_key *key, char *out, size_t room)
{
    static const uint8_t ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1}; /* id-ecPublicKey */
    struct acme_slice curve = acme_key_curve(ACME_KEY_P256);
    uint8_t bytes[ACME_MAX_KEY_DER + 64];
    size_t mark;
    struct acme_der d;
    struct acme_buf b;

    acme_der_init(&d, bytes, sizeof bytes);
    acme_der_put(&d, ACME_DER_OCTET_STRING, key->der, key->len);
    mark = acme_der_mark(&d);
    acme_der_put(&d, ACME_DER_OID, curve.ptr, curve.len);
    acme_der_put(&d, ACME_DER_OID, ec, sizeof ec);
    acme_der_wrap(&d, mark, ACME_DER_SEQUENCE);
    acme_der_small(&d, 0);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    acme_buf_init(&b, out, room);
    acme_pem_put(&b, "PRIVATE KEY", acme_der_slice(&d));
    acme_wipe(bytes, sizeof bytes);
    return !d.overflow && acme_buf_end(&b) ? ACME_OK : ACME_E_SIZE;
}

/* The name that the CA asks for: of an address, its reverse name (RFC 8738 6). */
static int ext_tls_asked(struct external_proof *p, const struct acme_challenge *c)
{
    struct acme_name name;
    struct acme_buf b;
    int err;

    acme_buf_init(&b, p->z_domain, sizeof p->z_domain);
    if (c->id_type != ACME_ID_IP) {
        acme_buf_text(&b, c->identifier);
        return acme_buf_end(&b) ? ACME_OK : ACME_E_SIZE;
    }
    err = acme_name_read(acme_slice_text(c->identifier), &name, NULL);
    if (err == ACME_OK)
        acme_name_reverse(name.ip, name.ip_len, p->z_domain);
    return err;
}

static int ext_tls_make(struct external_tls *t, const struct acme_port *port,
                        const struct acme_challenge *c)
{
    struct external_proof *p = &t->proof;
    uint8_t digest[ACME_SHA256_SIZE], room[ACME_ALPN_CERT_MAX];
    struct acme_slice cert;
    struct acme_key key;
    struct acme_buf b;
    int64_t now = 0;
    int err = port->unix_time(port->ctx, &now);

    p->cert_path = p->key_path = "";
    if (err == ACME_OK)
        err = ext_tls_asked(p, c);
    if (err == ACME_OK)
        err = acme_sha256(c->key_authorization, strlen(c->key_authorization), digest);
    if (err == ACME_OK)
        err = acme_key_make(&key, ACME_KEY_P256);
    if (err != ACME_OK)
        return err;
    err = acme_alpn_cert_write((struct acme_span){room, sizeof room}, c->identifier, digest, &key,
                               now, &cert);
    if (err == ACME_OK)
        err = ext_tls_key_pem(&key, p->key_pem, sizeof p->key_pem);
    acme_key_wipe(&key);
    if (err != ACME_OK)
        return err;
    acme_buf_init(&b, p->cert_pem, sizeof p->cert_pem);
    acme_pem_put(&b, "CERTIFICATE", cert);
    return acme_buf_end(&b) ? ACME_OK : ACME_E_SIZE;
}

void external_tls_init(struct external_tls *t, uint16_t port)
{
    struct acme_buf b;

    memset(t, 0, sizeof *t);
    t->make = ext_tls_make;
    acme_buf_init(&b, t->proof.port, sizeof t->proof.port);
    acme_buf_dec(&b, port);
    (void)acme_buf_end(&b);
}
