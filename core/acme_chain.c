#include "acme_cert.h"

#include <string.h>

#include "acme_err.h"
#include "acme_pem.h"

#define CHAIN_HEAD 3 /* bytes of length before each certificate */

static bool chain_has_armour(struct acme_slice line)
{
    static const char dashes[] = "-----";

    for (size_t i = 0; i + sizeof dashes - 1 <= line.len; i++) {
        if (memcmp(line.ptr + i, dashes, sizeof dashes - 1) == 0)
            return true;
    }
    return false;
}

/* Decodes body to behind what is packed already, which is never behind the text. */
static int chain_add(struct acme_span text, size_t *packed, struct acme_slice body)
{
    uint8_t *at = text.ptr + *packed;
    int len = acme_pem_decode(at + CHAIN_HEAD, text.len - *packed - CHAIN_HEAD, body);

    if (len < 0)
        return ACME_E_CERT;
    at[0] = (uint8_t)len;
    at[1] = (uint8_t)(len >> 8);
    at[2] = (uint8_t)(len >> 16);
    *packed += CHAIN_HEAD + (size_t)len;
    return ACME_OK;
}

int acme_chain_from_pem(struct acme_span text, struct acme_chain *out)
{
    struct acme_slice rest = acme_slice_of(text.ptr, text.len);
    struct acme_slice line, body = {NULL, 0};
    size_t packed = 0;
    size_t count = 0;
    bool inside = false;

    out->packed = acme_slice_of(NULL, 0);
    while (acme_pem_line(&rest, &line)) {
        if (inside && acme_pem_is_end(line)) {
            body.len = (size_t)(line.ptr - body.ptr);
            if (count++ == ACME_MAX_CHAIN_CERTS)
                return ACME_E_SIZE;
            if (chain_add(text, &packed, body) != ACME_OK)
                return ACME_E_CERT;
            inside = false;
        } else if (!inside && acme_pem_is_begin(line)) {
            inside = true;
            body = acme_slice_of(rest.ptr, 0);
        } else if (chain_has_armour(line)) {
            return ACME_E_CERT;
        }
    }
    if (inside || count == 0)
        return ACME_E_CERT;
    out->packed = acme_slice_of(text.ptr, packed);
    return ACME_OK;
}

/* Takes the next certificate off; false at the end and for a length that does not fit. */
static bool chain_next(struct acme_slice *packed, struct acme_slice *der)
{
    size_t len;

    if (packed->len < CHAIN_HEAD)
        return false;
    len = (size_t)packed->ptr[0] | (size_t)packed->ptr[1] << 8 | (size_t)packed->ptr[2] << 16;
    if (len == 0 || len > packed->len - CHAIN_HEAD)
        return false;
    *der = acme_slice_of(packed->ptr + CHAIN_HEAD, len);
    packed->ptr += CHAIN_HEAD + len;
    packed->len -= CHAIN_HEAD + len;
    return true;
}

size_t acme_chain_count(const struct acme_chain *chain)
{
    struct acme_slice rest = chain->packed;
    struct acme_slice der;
    size_t count = 0;

    while (chain_next(&rest, &der))
        count++;
    return rest.len == 0 && count <= ACME_MAX_CHAIN_CERTS ? count : 0;
}

struct acme_slice acme_chain_at(const struct acme_chain *chain, size_t nth)
{
    struct acme_slice rest = chain->packed;
    struct acme_slice der;

    while (chain_next(&rest, &der)) {
        if (nth-- == 0)
            return der;
    }
    return acme_slice_of(NULL, 0);
}
