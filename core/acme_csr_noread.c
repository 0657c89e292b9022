/* No certificate requests of others: the link choice of boards. */
#include "acme_csr_read.h"

#include "acme_err.h"

int acme_csr_read(struct acme_slice der, struct acme_csr *out, const char **why)
{
    (void)der;
    out->spki.len = 0;
    *why = "requests of others are not built in";
    return ACME_E_CONFIG;
}

bool acme_csr_fits(const struct acme_csr *csr, const char *const *names, size_t count)
{
    (void)csr, (void)names, (void)count;
    return false;
}
