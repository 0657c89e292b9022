#include "acme_tls_hello.h"

#include <string.h>

#include "acme_err.h"

#define HELLO_RECORD_HEAD  5
#define HELLO_RECORD_MAX   16384 /* RFC 8446 5.1 */
#define HELLO_HANDSHAKE    22
#define HELLO_CLIENT_HELLO 1
#define HELLO_FIXED        34 /* legacy_version and random */
#define HELLO_SESSION_MAX  32
#define HELLO_EXT_SNI      0
#define HELLO_EXT_ALPN     16
#define HELLO_HOST_NAME    0

/* A big-endian number of `width` bytes off the front. */
static bool hello_number(struct acme_slice *in, size_t width, size_t *out)
{
    *out = 0;
    if (in->len < width)
        return false;
    for (size_t i = 0; i < width; i++)
        *out = *out << 8 | in->ptr[i];
    *in = acme_slice_of(in->ptr + width, in->len - width);
    return true;
}

/* A vector off the front: its length in `width` bytes, then its content. */
static bool hello_vector(struct acme_slice *in, size_t width, struct acme_slice *out)
{
    size_t len;

    if (!hello_number(in, width, &len) || len > in->len)
        return false;
    *out = acme_slice_of(in->ptr, len);
    *in = acme_slice_of(in->ptr + len, in->len - len);
    return true;
}

/* ServerNameList: one entry, and that a host_name. */
static bool hello_sni(struct acme_slice body, struct acme_slice *sni)
{
    struct acme_slice list;
    size_t type;

    return hello_vector(&body, 2, &list) && body.len == 0 && hello_number(&list, 1, &type) &&
           type == HELLO_HOST_NAME && hello_vector(&list, 2, sni) && list.len == 0 && sni->len > 0;
}

static bool hello_alpn(struct acme_slice body, struct acme_slice *alpn)
{
    struct acme_slice rest, one;

    if (!hello_vector(&body, 2, alpn) || body.len != 0 || alpn->len == 0)
        return false;
    for (rest = *alpn; rest.len > 0;) {
        if (!hello_vector(&rest, 1, &one) || one.len == 0)
            return false;
    }
    return true;
}

static bool hello_extensions(struct acme_slice in, struct acme_tls_hello *out)
{
    while (in.len > 0) {
        struct acme_slice body;
        size_t type;

        if (!hello_number(&in, 2, &type) || !hello_vector(&in, 2, &body))
            return false;
        if (type == HELLO_EXT_SNI && (out->sni.len > 0 || !hello_sni(body, &out->sni)))
            return false;
        if (type == HELLO_EXT_ALPN && (out->alpn.len > 0 || !hello_alpn(body, &out->alpn)))
            return false;
    }
    return true;
}

/* RFC 8446 4.1.2, RFC 5246 7.4.1.2 */
static bool hello_body(struct acme_slice in, struct acme_tls_hello *out)
{
    struct acme_slice session, suites, compression, extensions;

    if (in.len < HELLO_FIXED)
        return false;
    in = acme_slice_of(in.ptr + HELLO_FIXED, in.len - HELLO_FIXED);
    return hello_vector(&in, 1, &session) && session.len <= HELLO_SESSION_MAX &&
           hello_vector(&in, 2, &suites) && suites.len >= 2 && suites.len % 2 == 0 &&
           hello_vector(&in, 1, &compression) && compression.len > 0 &&
           hello_vector(&in, 2, &extensions) && in.len == 0 && hello_extensions(extensions, out);
}

int acme_tls_hello_read(struct acme_slice bytes, struct acme_tls_hello *out)
{
    static const uint8_t begin[] = {HELLO_HANDSHAKE, 3};
    struct acme_slice in = bytes, record, body;
    size_t n = bytes.len < sizeof begin ? bytes.len : sizeof begin, skip, len, type;

    memset(out, 0, sizeof *out);
    /* A stranger is refused by its first byte: nobody has to wait for the rest. */
    if (n > 0 && memcmp(bytes.ptr, begin, n) != 0)
        return ACME_E_TLS;
    if (bytes.len < HELLO_RECORD_HEAD)
        return ACME_AGAIN;
    (void)hello_number(&in, 3, &skip); /* type and legacy version */
    (void)hello_number(&in, 2, &len);
    if (len < 4 || len > HELLO_RECORD_MAX)
        return ACME_E_TLS;
    if (in.len > 0 && in.ptr[0] != HELLO_CLIENT_HELLO)
        return ACME_E_TLS;
    if (in.len < len)
        return ACME_AGAIN;
    record = acme_slice_of(in.ptr, len);
    if (!hello_number(&record, 1, &type) || !hello_vector(&record, 3, &body) || record.len != 0 ||
        !hello_body(body, out)) {
        memset(out, 0, sizeof *out);
        return ACME_E_TLS;
    }
    return (int)(HELLO_RECORD_HEAD + len);
}

bool acme_tls_alpn_is(struct acme_slice alpn, const char *protocol)
{
    size_t len = strlen(protocol);

    return alpn.len == len + 1 && alpn.ptr[0] == len && memcmp(alpn.ptr + 1, protocol, len) == 0;
}
