/* dns_label_account.c - the label of an account in dns-account-01 */
#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"
#include "dns_label.h"

int dns_label_account(const char *account_url, char out[DNS_LABEL_ACCOUNT])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 6 */
    uint8_t digest[ACME_SHA256_SIZE];
    int err = acme_sha256(account_url, strlen(account_url), digest);

    if (err != ACME_OK)
        return err;
    out[0] = '_';
    for (unsigned i = 0; i < 16; i++) {
        unsigned bit = 5 * i, two = (unsigned)digest[bit / 8] << 8 | digest[bit / 8 + 1];
        out[1 + i] = letters[two >> (11 - bit % 8) & 31];
    }
    out[17] = '\0';
    return ACME_OK;
}
