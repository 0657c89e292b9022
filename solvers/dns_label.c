/* dns_label.c - names and values of the TXT records that the challenges of DNS ask for */
#include "dns_label.h"

#include <string.h>

#include "acme_b64.h"
#include "acme_crypto.h"
#include "acme_err.h"

int dns_label_owner(const struct acme_challenge *c, char out[DNS_NAME_ROOM])
{
    bool persist = c->type == ACME_CHALLENGE_DNS_PERSIST01;
    char label[DNS_LABEL_ACCOUNT] = "";
    struct acme_buf b;
    int err = ACME_OK;

    if (c->id_type != ACME_ID_DNS ||
        (c->type != ACME_CHALLENGE_DNS01 && !persist && c->type != ACME_CHALLENGE_DNS_ACCOUNT01))
        return ACME_E_DECLINED;
    if (c->type == ACME_CHALLENGE_DNS_ACCOUNT01)
        err = c->account_url == NULL || c->account_url[0] == '\0'
                  ? (int)ACME_E_ARG
                  : dns_label_account(c->account_url, label);
    if (err != ACME_OK)
        return err;
    acme_buf_init(&b, out, DNS_NAME_ROOM);
    acme_buf_text(&b, label);
    acme_buf_text(&b, label[0] != '\0' ? "." : "");
    acme_buf_text(&b, persist ? "_validation-persist." : "_acme-challenge.");
    acme_buf_text(&b, c->identifier);
    return acme_buf_end(&b) ? ACME_OK : ACME_E_NAME;
}

int dns_label_value(const struct acme_challenge *c, char out[DNS_LABEL_VALUE])
{
    uint8_t digest[ACME_SHA256_SIZE];
    int err = acme_sha256(c->key_authorization, strlen(c->key_authorization), digest);

    if (err != ACME_OK)
        return err;
    (void)acme_b64url_encode(out, DNS_LABEL_VALUE - 1, digest, sizeof digest);
    out[DNS_LABEL_VALUE - 1] = '\0';
    return ACME_OK;
}
