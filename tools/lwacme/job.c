/* Certificates and keys that people give as files. */
#include "lwacme.h"

#include <errno.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_pem.h"

static struct acme_key given;
static bool bad_key;

struct acme_key *job_key(void)
{
    return &given;
}

const char *job_bad_file(const struct options *o)
{
    return bad_key ? o->key_file : o->file;
}

/* All of a file: its length, or -1 and why. */
static int read_file(const char *path, char *text, size_t room, const char **why)
{
    FILE *f = fopen(path, "rbe");
    size_t len = f != NULL ? fread(text, 1, room, f) : 0;
    bool bad = f == NULL || ferror(f);

    *why = bad ? strerror(errno) : "too long";
    if (f != NULL)
        fclose(f);
    return bad || len == room ? -1 : (int)len;
}

static int load_cert(struct options *o, const char **why)
{
    static char text[65536];
    struct acme_slice rest, body;
    struct acme_cert_facts facts;
    struct acme_name name;
    int n = read_file(o->file, text, sizeof text, why);

    if (n < 0)
        return -1;
    *why = "not a certificate in PEM or DER";
    rest = acme_slice_of(text, (size_t)n);
    if (n == 0 || text[0] != 0x30)
        n = acme_pem_next(&rest, &body) ? acme_pem_decode(text, sizeof text, body) : -1;
    if (n <= 0)
        return -1;
    o->cert = acme_slice_of(text, (size_t)n);
    if (acme_cert_facts(o->cert, &facts) != ACME_OK)
        return -1;
    /* It may be the one in the store after all, which has the name of its first. */
    if (acme_cert_san(o->cert, 0, &name) == ACME_OK) {
        memcpy(o->names[0], name.text, sizeof name.text);
        o->name_list[0] = o->names[0];
        o->names_count = 1;
    }
    return 0;
}

/* The base64 between a key's lines, decoded in constant time; other blocks (EC PARAMETERS) are
 * passed over. */
static int key_from_pem(uint8_t *out, size_t cap, const char *text)
{
    static const char end_label[] = " KEY-----";
    char *body64 = (char *)out;
    const char *at = strstr(text, "PRIVATE KEY-----");
    size_t n = 0;

    if (at == NULL || strncmp(text, "-----BEGIN ", 11) != 0 || strstr(at, "ENCRYPTED") != NULL)
        return -1;
    for (at = strstr(at, end_label) + sizeof end_label - 1; *at != '\0' && *at != '-'; at++) {
        if (*at == '\r' || *at == '\n' || *at == ' ' || *at == '=')
            continue;
        if (n == cap)
            return -1;
        body64[n++] = (char)(*at == '+' ? '-' : *at == '/' ? '_' : *at);
    }
    return *at == '-' ? acme_b64url_decode(out, cap, body64, n) : -1;
}

static int load_key(const struct options *o, const char **why)
{
    static char text[16384];
    static uint8_t der[sizeof text];
    int n = read_file(o->key_file, text, sizeof text - 1, why);

    if (n >= 0) {
        text[n] = '\0';
        *why = "not a private key in PEM or DER without a password, or of a kind not built in";
        if (n > 0 && text[0] == 0x30)
            memcpy(der, text, (size_t)n);
        else
            n = key_from_pem(der, sizeof der, text);
    }
    if (n > 0 && acme_key_read(&given, acme_slice_of(der, (size_t)n)) != ACME_OK)
        n = -1;
    acme_wipe(text, sizeof text);
    acme_wipe(der, sizeof der);
    return n > 0 ? 0 : -1;
}

int job_load(struct options *o, const char **why)
{
    bad_key = false;
    if (o->file != NULL && load_cert(o, why) != 0)
        return -1;
    bad_key = o->key_file != NULL && load_key(o, why) != 0;
    return bad_key ? -1 : 0;
}
