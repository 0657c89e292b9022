/* dns_label_noaccount.c - for boards without dns-account-01 */
#include "acme_err.h"
#include "dns_label.h"

int dns_label_account(const char *account_url, char out[DNS_LABEL_ACCOUNT])
{
    (void)account_url;
    out[0] = '\0';
    return ACME_E_DECLINED;
}
