#include "acme_crypto_kinds.h"

#include <stddef.h>

const struct acme_crypto_kind acme_crypto_rsa = {NULL, NULL, NULL, NULL};
