#include "posix_key.h"

#include <string.h>

static const char pk_wildcard[] = "_wildcard.";

static int pk_is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static int pk_is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int pk_ca(const char *key)
{
    size_t n = 0;

    while (n <= 64 && pk_is_hex(key[n]))
        n++;
    return n == 64 && key[n] == '\0';
}

/* Only hexadecimal digits, points and at least two of sep: an IPv6 literal with ':', and with '_'
 * what one looks like as a folder. */
static int pk_looks_ipv6(const char *name, char sep)
{
    int seps = 0;

    for (; *name != '\0'; name++) {
        if (*name == sep)
            seps++;
        else if (!pk_is_hex(*name) && *name != '.')
            return 0;
    }
    return seps >= 2;
}

/* Labels of lower-case letters, digits, '-' and '_', none empty, none that begins with '-' (so
 * neither "..", nor a leading point, nor a slash, nor something that looks like an option). */
static int pk_labels(const char *name)
{
    size_t label = 0;

    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '.') {
            if (label == 0)
                return 0;
            label = 0;
        } else if (!pk_is_plain(*p) || (*p == '-' && label == 0)) {
            return 0;
        } else {
            label++;
        }
    }
    return label > 0;
}

/* A key as a folder's name. Two keys never share one: a key that is spelled like the folder of a
 * wildcard or of an IPv6 address is refused. */
static int pk_folder(const char *key, char out[POSIX_NAME_SIZE])
{
    const char *prefix = "";

    if (strchr(key, ':') != NULL) {
        if (!pk_looks_ipv6(key, ':') || key[0] == '.')
            return ACME_E_ARG;
    } else {
        if (strncmp(key, "*.", 2) == 0) {
            prefix = pk_wildcard;
            key += 2;
        }
        if (!pk_labels(key) || pk_looks_ipv6(key, '_') ||
            strncmp(key, pk_wildcard, sizeof pk_wildcard - 1) == 0)
            return ACME_E_ARG;
    }
    size_t head = strlen(prefix), len = strlen(key);
    if (head + len >= POSIX_NAME_SIZE)
        return ACME_E_SIZE;
    memcpy(out, prefix, head);
    for (size_t i = 0; i <= len; i++)
        out[head + i] = (char)(key[i] == ':' ? '_' : key[i]);
    return ACME_OK;
}

int posix_key_of_folder(const char *name, char key[ACME_SLOT_KEY_MAX + 1])
{
    char again[POSIX_NAME_SIZE];
    const char *prefix = "";
    char colon = '_';

    if (strncmp(name, pk_wildcard, sizeof pk_wildcard - 1) == 0) {
        prefix = "*.";
        name += sizeof pk_wildcard - 1;
    } else if (pk_looks_ipv6(name, '_')) {
        colon = ':';
    }
    size_t head = strlen(prefix), len = strlen(name);
    if (head + len > ACME_SLOT_KEY_MAX)
        return 0;
    memcpy(key, prefix, head);
    for (size_t i = 0; i <= len; i++)
        key[head + i] = (char)(name[i] == '_' ? colon : name[i]);
    return pk_folder(key, again) == ACME_OK;
}

struct pk_row {
    const char *outer;
    const char *file; /* NULL: the key */
    int secret;
};

static const struct pk_row pk_rows[ACME_SLOT_MAX + 1] = {
    {NULL, NULL, 0},        {"ca", "account", 1},   {"ca", "ledger", 0},   {"certs", "order", 1},
    {"certs", "cert-a", 1}, {"certs", "cert-b", 1}, {"certs", "sched", 0}, {"solvers", NULL, 1},
    {"", "device", 1},      {"", "config", 1},
};

int posix_place(enum acme_slot slot, const char *key, struct posix_place *out)
{
    int err = ACME_OK;

    if ((int)slot < 1 || (int)slot > ACME_SLOT_MAX || key == NULL ||
        strlen(key) > ACME_SLOT_KEY_MAX)
        return ACME_E_ARG;
    const struct pk_row *row = &pk_rows[slot];
    out->outer = row->outer;
    out->secret = row->secret;
    out->inner[0] = '\0';
    if (row->file != NULL)
        strcpy(out->file, row->file);
    if (row->outer[0] == '\0') {
        if (key[0] != '\0')
            err = ACME_E_ARG;
    } else if (row->file == NULL) {
        err = pk_labels(key) ? ACME_OK : ACME_E_ARG;
        if (err == ACME_OK)
            strcpy(out->file, key);
    } else if (strcmp(row->outer, "ca") == 0) {
        err = pk_ca(key) ? ACME_OK : ACME_E_ARG;
        if (err == ACME_OK)
            strcpy(out->inner, key);
    } else {
        err = pk_folder(key, out->inner);
    }
    return err;
}
