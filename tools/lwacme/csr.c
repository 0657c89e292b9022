/* --csr FILE: a request that somebody else has made; its names are the certificate's. */
#include "lwacme.h"

#include <errno.h>
#include <string.h>

#include "acme_csr_read.h"
#include "acme_pem.h"

static const char *const labels[][2] = {
    {"-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"},
    {"-----BEGIN NEW CERTIFICATE REQUEST-----", "-----END NEW CERTIFICATE REQUEST-----"},
};

/* The bytes of a file in PEM, in their place; the length, or -1. */
static int from_pem(char *text, size_t len)
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        char *begin = memmem(text, len, labels[i][0], strlen(labels[i][0]));
        char *body = begin != NULL ? begin + strlen(labels[i][0]) : NULL;
        char *end = body != NULL ? memmem(body, len - (size_t)(body - text), labels[i][1],
                                          strlen(labels[i][1]))
                                 : NULL;
        if (end != NULL)
            return acme_pem_decode(text, len, acme_slice_of(body, (size_t)(end - body)));
    }
    return -1;
}

static int take_names(struct options *o, const struct acme_csr *csr, const char **why)
{
    struct acme_name name;
    int err = ACME_OK;

    for (o->names_count = 0; o->names_count < ACME_MAX_NAMES; o->names_count++) {
        err = acme_csr_name(csr, o->names_count, &name);
        if (err != ACME_OK)
            break;
        memcpy(o->names[o->names_count], name.text, sizeof name.text);
        o->name_list[o->names_count] = o->names[o->names_count];
    }
    *why = err == ACME_OK        ? "it asks for too many names"
           : err != ACME_AGAIN   ? "it asks for a name that is no DNS name (A-label) or IP address"
           : o->names_count == 0 ? "it names nothing (no subjectAltName)"
                                 : "";
    return **why == '\0' ? 0 : -1;
}

int csr_load(struct options *o, const char **why)
{
    static char text[32768];
    FILE *f = fopen(o->csr_file, "rbe");
    struct acme_csr csr;
    size_t len = f != NULL ? fread(text, 1, sizeof text, f) : 0;
    bool bad = f == NULL || ferror(f);
    int n = (int)len;

    *why = bad ? strerror(errno) : "too long for a certificate request";
    if (f != NULL)
        fclose(f);
    if (bad || len == sizeof text)
        return -1;
    *why = "neither a certificate request in PEM nor in DER";
    if (len == 0 || text[0] != 0x30)
        n = from_pem(text, len);
    if (n <= 0)
        return -1;
    *why = "too long for a certificate request";
    if ((size_t)n > sizeof o->csr_der)
        return -1;
    memcpy(o->csr_der, text, (size_t)n);
    o->csr = acme_slice_of(o->csr_der, (size_t)n);
    if (acme_csr_read(o->csr, &csr, why) != ACME_OK)
        return -1;
    return take_names(o, &csr, why);
}
