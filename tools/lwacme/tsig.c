/* The key that signs DNS UPDATEs, from a file as BIND's tsig-keygen writes it:
 *
 *     key "name" { algorithm hmac-sha256; secret "base64"; };
 */
#include "tsig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_err.h"
#include "secret.h"

/* The next word: one of { } ; or what stands in quotes or between white space. len 0: the end. */
static struct acme_slice next_word(struct acme_slice *in)
{
    static const char ends[] = " \t\r\n{};\"";
    struct acme_slice word = {in->ptr, 0};
    bool quoted;

    while (in->len > 0 && memchr(" \t\r\n", in->ptr[0], 4) != NULL)
        *in = acme_slice_of(in->ptr + 1, in->len - 1);
    if (in->len == 0)
        return word;
    quoted = in->ptr[0] == '"';
    word = acme_slice_of(in->ptr + quoted, 0);
    while (word.len + quoted < in->len &&
           (quoted ? word.ptr[word.len] != '"' : memchr(ends, word.ptr[word.len], 8) == NULL))
        word.len++;
    if (quoted && word.len + 1 == in->len)
        word.len = 0; /* no end of the quotes */
    else if (!quoted && word.len == 0)
        word.len = 1; /* a mark */
    *in = acme_slice_of(word.ptr + word.len + quoted, in->len - word.len - 2u * quoted);
    return word;
}

static bool is_next(struct acme_slice *in, const char *word)
{
    return acme_slice_is(next_word(in), word);
}

int tsig_parse(struct dns_tsig_key *key, struct acme_slice in, const char **why)
{
    struct acme_slice name, algorithm, secret, word;
    bool ok;

    *why = "not of the form: key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };";
    memset(&algorithm, 0, sizeof algorithm);
    memset(&secret, 0, sizeof secret);
    ok = is_next(&in, "key");
    name = next_word(&in);
    ok = ok && is_next(&in, "{");
    for (int i = 0; i < 2 && ok; i++) {
        word = next_word(&in);
        if (acme_slice_is(word, "algorithm") && algorithm.len == 0)
            algorithm = next_word(&in);
        else if (acme_slice_is(word, "secret") && secret.len == 0)
            secret = next_word(&in);
        else
            ok = false;
        ok = ok && is_next(&in, ";");
    }
    ok = ok && is_next(&in, "}") && is_next(&in, ";") && next_word(&in).len == 0 && in.len == 0;
    if (!ok)
        return -1;
    return dns_tsig_key_set(key, name, algorithm, secret, why) == ACME_OK ? 0 : -1;
}

int tsig_read(struct tsig *t, const char *path)
{
    char text[2048];
    const char *why = NULL;
    struct stat st;
    ssize_t n = -1;
    int err = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        n = secret_kept(path, text, sizeof text, &st);
    if (fd < 0 ? n < 0 : fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "not a regular file";
    else if ((st.st_mode & 077) != 0)
        why = "others than its owner may read this key: chmod 600 (and make a new key)";
    else if (fd >= 0 && (n = read(fd, text, sizeof text)) < 0)
        why = strerror(errno);
    else if (n == (ssize_t)sizeof text)
        why = "too long for a key";
    else
        err = tsig_parse(&t->key, acme_slice_of(text, (size_t)n), &why);
    if (fd >= 0)
        close(fd);
    acme_wipe(text, sizeof text);
    if (err != 0)
        snprintf(t->why, sizeof t->why, "%.250s: %s", path, why);
    return err;
}

/* -- where to: ADDR, ADDR:PORT, [IPv6]:PORT -- */

int tsig_server(struct tsig *t, const char *text, struct dns01_2136_config *config)
{
    const char *colon = strrchr(text, ':');
    size_t len = strlen(text), port = 0;
    struct acme_name name;

    config->port = 0;
    if (text[0] == '[' && colon != NULL && colon > text + 1 && colon[-1] == ']') {
        text++;
        len = (size_t)(colon - 1 - text);
    } else if (colon != NULL && strchr(text, ':') == colon)
        len = (size_t)(colon - text);
    else
        colon = NULL;
    if (colon != NULL) {
        for (colon++; *colon >= '0' && *colon <= '9' && port < 65536; colon++)
            port = port * 10 + (size_t)(*colon - '0');
        if (*colon != '\0' || port == 0 || port > 65535)
            return -1;
        config->port = (uint16_t)port;
    }
    if (!acme_copy_text(t->server, sizeof t->server, acme_slice_of(text, len)) ||
        acme_name_read(acme_slice_text(t->server), &name, NULL) != ACME_OK || name.wildcard)
        return -1;
    memcpy(t->server, name.text, sizeof t->server);
    config->server = t->server;
    return 0;
}
