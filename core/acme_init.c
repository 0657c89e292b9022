/* acme_agent_init: everything that can be wrong with a configuration is said here, once. */
#include "acme_steps.h"

#include <string.h>

#include "acme_csr_read.h"

struct verdict {
    const char *why, *which;
};

static int reject(struct verdict *v, int err, const char *why, const char *which)
{
    v->why = why;
    v->which = which;
    return err;
}

/* An address that may stand in a mailto URL and in JSON as it is: one address, no header fields
 * (RFC 8555 7.3), printable ASCII, none of the characters with a meaning. */
bool acme_contact_ok(const char *contact)
{
    const char *at = strchr(contact, '@');

    if (at == NULL || at == contact || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
        strlen(contact) > 254)
        return false;
    for (const char *c = contact; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 127 || strchr("\"\\<>()[],;:?&%#", *c) != NULL)
            return false;
    }
    return true;
}

static int check_names(const struct acme_config *config, struct verdict *v)
{
    struct acme_name name;

    if (config->names == NULL || config->names_count == 0)
        return reject(v, ACME_E_NAME, "no name is given", NULL);
    if (config->names_count > ACME_MAX_NAMES)
        return reject(v, ACME_E_SIZE, "more names than one certificate may have (ACME_MAX_NAMES)",
                      NULL);
    for (size_t i = 0; i < config->names_count; i++) {
        int err = acme_name_read(acme_slice_text(config->names[i]), &name, &v->why);
        if (err != ACME_OK)
            return reject(v, err, v->why, config->names[i]);
        if (strcmp(name.text, config->names[i]) != 0)
            return reject(v, ACME_E_NAME, "write it in its canonical form (lower case)",
                          config->names[i]);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(config->names[k], config->names[i]) == 0)
                return reject(v, ACME_E_NAME, "the name is given twice", config->names[i]);
        }
    }
    if (config->cert_name != NULL &&
        acme_name_read(acme_slice_text(config->cert_name), &name, &v->why) != ACME_OK &&
        acme_name_host(acme_slice_text(config->cert_name)) == 0)
        return reject(v, ACME_E_NAME, "the certificate's name must look like a host name",
                      config->cert_name);
    return ACME_OK;
}

/* It stands in JSON as it is. */
bool acme_profile_ok(const char *profile)
{
    const char *c = profile;

    while (*c > ' ' && *c < 127 && *c != '"' && *c != '\\')
        c++;
    return *c == '\0' && c != profile && c - profile <= 64;
}

static int check_keys(const struct acme_config *config, struct verdict *v)
{
    enum acme_key_type account = (enum acme_key_type)config->account_key_type;
    enum acme_key_type cert = (enum acme_key_type)config->cert_key_type;

    if (account != ACME_KEY_NONE && (!acme_key_supported(account) || account == ACME_KEY_RSA3072 ||
                                     account == ACME_KEY_RSA4096))
        return reject(v, ACME_E_CONFIG, "this type of account key is not built in",
                      acme_key_type_name(account));
    if (cert != ACME_KEY_NONE && !acme_key_supported(cert))
        return reject(v, ACME_E_CONFIG, "this type of certificate key is not built in",
                      acme_key_type_name(cert));
    return ACME_OK;
}

static int check_port(const struct acme_port *port, struct verdict *v)
{
    if (port == NULL || port->net == NULL || port->slots == NULL || port->entropy == NULL ||
        port->now_ms == NULL || port->unix_time == NULL || port->net->connect == NULL ||
        port->net->listen == NULL || port->net->accept == NULL || port->net->send == NULL ||
        port->net->recv == NULL || port->net->close == NULL || port->slots->read == NULL ||
        port->slots->write == NULL)
        return reject(v, ACME_E_ARG, "the port is incomplete", NULL);
    return ACME_OK;
}

static int check_config(const struct acme_config *config, struct verdict *v)
{
    const char *why = NULL, *which = NULL;
    struct acme_url directory;
    struct acme_csr csr;
    int err = check_names(config, v);

    if (err == ACME_OK)
        err = check_keys(config, v);
    if (err != ACME_OK)
        return err;
    if (config->directory_url == NULL ||
        acme_url_read(acme_slice_text(config->directory_url), &directory) != ACME_OK)
        return reject(v, ACME_E_URL, "the directory's URL must be a plain https URL",
                      config->directory_url);
    err = acme_server_check(config, &why, &which);
    if (err != ACME_OK)
        return reject(v, err, why, which);
    if (config->contact != NULL && !acme_contact_ok(config->contact))
        return reject(v, ACME_E_CONFIG, "the contact is not one plain e-mail address",
                      config->contact);
    if (config->profile != NULL && !acme_profile_ok(config->profile))
        return reject(v, ACME_E_CONFIG, "a profile's name is 1 to 64 printable characters",
                      config->profile);
    if (config->csr.len > 0 && (acme_csr_read(config->csr, &csr, &v->why) != ACME_OK ||
                                !acme_csr_fits(&csr, config->names, config->names_count)))
        return reject(v, ACME_E_CONFIG, "the certificate request cannot be used for these names",
                      NULL);
    if ((config->preferred_chain != NULL || config->shortest_chain) && !acme_pick_built_in())
        return reject(v, ACME_E_CONFIG, "a choice of chains is not built in", NULL);
    if (acme_bind_check(config->eab) != ACME_OK)
        return reject(v, ACME_E_CONFIG, "the external account binding is damaged, or not built in",
                      NULL);
    if (config->anchors.count == 0 || config->anchors.sets == NULL)
        return reject(v, ACME_E_CONFIG, "no trust anchors are given", NULL);
    if ((config->memory.io.ptr == NULL && config->memory.need == NULL) ||
        config->memory.io.len < 4096)
        return reject(v, ACME_E_SIZE, "the io buffer must have 4096 bytes at least", NULL);
    if ((config->memory.scratch.ptr == NULL && config->memory.need == NULL) ||
        config->memory.scratch.len < 3072 ||
        (uintptr_t)config->memory.scratch.ptr % sizeof(void *) != 0)
        return reject(v, ACME_E_SIZE, "the scratch buffer must have 3072 bytes, aligned", NULL);
    return ACME_OK;
}

static void hex_text(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

/* Records of this CA are meant from now on, and its URLs allowed. */
int acme_use_directory(struct acme_agent *a, const char *url, struct acme_slice eab)
{
    uint8_t digest[ACME_SHA256_SIZE];
    int err = acme_url_read(acme_slice_text(url), &a->directory_url);

    if (err == ACME_OK)
        err = acme_want_hash(a->config, url, a->want);
    if (err == ACME_OK)
        err = acme_sha256(url, strlen(url), digest);
    if (err != ACME_OK)
        return err;
    hex_text(digest, sizeof digest, a->ca_key);
    a->eab = eab;
    return ACME_OK;
}

int acme_agent_init(struct acme_agent *a, const struct acme_config *config,
                    const struct acme_port *port, struct acme_solver *const *solvers,
                    size_t solvers_count, const char **why, const char **which)
{
    struct verdict v = {NULL, NULL};
    int err;

    memset(a, 0, sizeof *a);
    err = check_port(port, &v);
    if (err == ACME_OK && config == NULL)
        err = reject(&v, ACME_E_ARG, "no configuration is given", NULL);
    /* `declined` of a name has a bit for each */
    if (err == ACME_OK && (solvers == NULL || solvers_count == 0 || solvers_count > 8))
        err = reject(&v, ACME_E_CONFIG, "between one and eight solvers must be given", NULL);
    if (err == ACME_OK)
        err = check_config(config, &v);
    if (err == ACME_OK) {
        a->config = config;
        err = acme_use_directory(a, config->directory_url, config->eab);
    }
    if (why != NULL)
        *why = v.why != NULL ? v.why : acme_err_words(err);
    if (which != NULL)
        *which = v.which;
    if (err != ACME_OK) {
        a->config = NULL;
        return err;
    }
    a->port = port;
    a->solvers = solvers;
    a->solvers_count = (uint8_t)solvers_count;
    a->cert_key_name = config->cert_name != NULL ? config->cert_name : config->names[0];
    a->step = ACME_ROW_LOAD;
    a->until = ACME_ROW_NONE;
    a->outcome = ACME_AGAIN;
    acme_exchange_init(&a->exchange, port, &config->anchors, config->memory.io);
    return ACME_OK;
}
