/* fuzz_hello.c - the ClientHello that decides who sees a challenge's certificate (acme_tls_hello.c)
 *
 * Whatever comes: an answer, slices that lie inside, the same answer for the same bytes however
 * many follow, and "not yet" for each shorter front of what was whole.
 */
#include "acme_tls_hello.h"
#include "fuzz.h"

static const char protocol[] = "\x0a"
                               "acme-tls/1";

static int read_exact(const uint8_t *data, size_t size, struct acme_tls_hello *out)
{
    struct acme_slice in = {fuzz_copy(acme_slice_of(data, size)), size};
    int n = acme_tls_hello_read(in, out);

    FUZZ_CHECK(n == ACME_AGAIN || n == ACME_E_TLS || (n > 0 && (size_t)n <= size));
    FUZZ_CHECK(fuzz_inside(out->sni, in) && fuzz_inside(out->alpn, in));
    FUZZ_CHECK(n > 0 || (out->sni.len == 0 && out->alpn.len == 0));
    FUZZ_CHECK(acme_tls_alpn_is(out->alpn, "acme-tls/1") ==
               fuzz_same(out->alpn, acme_slice_text(protocol)));
    /* the list of protocols is whole: a length before each, none empty */
    for (size_t at = 0; at < out->alpn.len; at += 1u + out->alpn.ptr[at])
        FUZZ_CHECK(out->alpn.ptr[at] > 0 && at + out->alpn.ptr[at] < out->alpn.len);
    /* where they lay, for who compares */
    out->sni.ptr = data + (out->sni.len > 0 ? out->sni.ptr - in.ptr : 0);
    out->alpn.ptr = data + (out->alpn.len > 0 ? out->alpn.ptr - in.ptr : 0);
    free((void *)(uintptr_t)in.ptr);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acme_tls_hello all, part;
    int n = read_exact(data, size, &all), before;

    if (n > 0) {
        FUZZ_CHECK(read_exact(data, (size_t)n, &part) == n);
        FUZZ_CHECK(fuzz_same(part.sni, all.sni) && fuzz_same(part.alpn, all.alpn));
        for (size_t cut = 0; cut < (size_t)n; cut += 1 + cut / 8)
            FUZZ_CHECK(read_exact(data, cut, &part) == ACME_AGAIN);
        FUZZ_CHECK(read_exact(data, (size_t)n - 1, &part) == ACME_AGAIN);
    } else if (size > 0) {
        /* a refusal is final, and what is not known yet was not known before */
        before = read_exact(data, size / 2, &part);
        FUZZ_CHECK(before == ACME_AGAIN || (before == ACME_E_TLS && n == ACME_E_TLS));
    }
    return 0;
}
