/* fuzz_pem.c - PEM bundles and chains (core/acme_pem.c, core/acme_chain.c)
 *
 * The input is the text.
 */
#include "acme_b64.h"
#include "acme_cert.h"
#include "acme_der.h"
#include "acme_pem.h"
#include "fuzz.h"

/* The quick decoder against the one in constant time: both take it to the same bytes, or what the
 * slow one took is no single SEQUENCE. */
static void check_body(struct acme_slice body)
{
    uint8_t *quick = fuzz_room(body.len), *slow = fuzz_room(body.len);
    int n = acme_pem_decode(quick, body.len, body);
    int m = acme_b64_decode(slow, body.len, (const char *)body.ptr, body.len);

    FUZZ_CHECK(n == ACME_E_CERT || n >= 2);
    if (n > 0) {
        FUZZ_CHECK(m == n && memcmp(quick, slow, (size_t)n) == 0);
        free(quick);
        quick = fuzz_room((size_t)n - 1);
        FUZZ_CHECK(acme_pem_decode(quick, (size_t)n - 1, body) == ACME_E_SIZE);
    } else if (m > 0) {
        struct acme_slice in = acme_slice_of(slow, (size_t)m), content;

        FUZZ_CHECK(!acme_der_read_tag(&in, ACME_DER_SEQUENCE, &content) || in.len > 0);
    }
    free(quick);
    free(slow);
}

static void check_bundle(struct acme_slice text)
{
    struct acme_slice rest = text, body, line;
    size_t left = text.len + 1;

    while (acme_pem_next(&rest, &body)) {
        FUZZ_CHECK(fuzz_inside(body, text) && rest.len < left);
        left = rest.len;
        check_body(body);
    }
    FUZZ_CHECK(rest.len == 0);
    for (rest = text; acme_pem_line(&rest, &line);)
        FUZZ_CHECK(fuzz_inside(line, text) && memchr(line.ptr, '\n', line.len) == NULL);
}

/* The chain written as PEM again is the same chain. */
static void check_again(const struct acme_chain *chain)
{
    size_t room = chain->packed.len * 2 + 80 * ACME_MAX_CHAIN_CERTS;
    char *text = fuzz_room(room);
    struct acme_chain again;
    struct acme_buf b;

    acme_buf_init(&b, text, room);
    for (size_t i = 0; i < acme_chain_count(chain); i++) {
        struct acme_slice der = acme_chain_at(chain, i);
        int n;

        acme_buf_text(&b, "-----BEGIN CERTIFICATE-----\n");
        n = acme_b64_encode((char *)b.ptr + b.len, b.cap - b.len, der.ptr, der.len);
        FUZZ_CHECK(n > 0);
        b.len += (size_t)n;
        acme_buf_text(&b, "\n-----END CERTIFICATE-----\n");
    }
    FUZZ_CHECK(!b.overflow);
    FUZZ_CHECK(acme_chain_from_pem((struct acme_span){b.ptr, b.len}, &again) == ACME_OK);
    FUZZ_CHECK(fuzz_same(again.packed, chain->packed));
    free(text);
}

/* What lies in a record may be damaged: no length is believed. */
static void check_packed(struct acme_slice packed)
{
    struct acme_chain chain = {packed};
    size_t count = acme_chain_count(&chain), sum = 0;

    FUZZ_CHECK(count <= ACME_MAX_CHAIN_CERTS);
    for (size_t i = 0; i < ACME_MAX_CHAIN_CERTS + 1; i++) {
        struct acme_slice der = acme_chain_at(&chain, i);

        FUZZ_CHECK(fuzz_inside(der, packed));
        FUZZ_CHECK(count == 0 || (der.len > 0) == (i < count));
        sum += der.len > 0 ? der.len + 3 : 0;
    }
    FUZZ_CHECK(count == 0 || sum == packed.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acme_slice text = acme_slice_of(data, size);
    uint8_t *copy = fuzz_copy(text);
    struct acme_chain chain;
    int err;

    check_bundle(text);
    check_packed(text);
    err = acme_chain_from_pem((struct acme_span){copy, size}, &chain);
    FUZZ_CHECK(err == ACME_OK || err == ACME_E_CERT || err == ACME_E_SIZE);
    if (err == ACME_OK) {
        FUZZ_CHECK(fuzz_inside(chain.packed, acme_slice_of(copy, size)));
        FUZZ_CHECK(acme_chain_count(&chain) > 0);
        check_packed(chain.packed);
        check_again(&chain);
    } else {
        FUZZ_CHECK(chain.packed.len == 0);
    }
    free(copy);
    return 0;
}
