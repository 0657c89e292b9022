/* Certificates and keys that people give as files. */
#include "lwacme.h"

#include <errno.h>
#include <string.h>

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

static int load_key(const struct options *o, const char **why)
{
    static char text[KEYFILE_MAX];
    int n = read_file(o->key_file, text, sizeof text - 1, why);

    if (n >= 0)
        n = keyfile_read(&given, text, (size_t)n, why);
    acme_wipe(text, sizeof text);
    return n >= 0 ? 0 : -1;
}

int job_load(struct options *o, const char **why)
{
    bad_key = false;
    if (o->file != NULL && load_cert(o, why) != 0)
        return -1;
    bad_key = o->key_file != NULL && load_key(o, why) != 0;
    return bad_key ? -1 : 0;
}
