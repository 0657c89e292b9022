/* What paths and files of other clients tell about their accounts. None of it is believed: it is
 * shown, and compared with what a person and the CA say. */
#include "import.h"

#include <string.h>
#include <strings.h>

#include "acme_json.h"
#include "acme_url.h"

enum { TELL_FILE = 65536 };

/* -- the place: how a client makes a path of a directory's URL -- */

/* https://HOST:PORT/PATH? becomes
 *   certbot  HOST:PORT/PATH       acme.sh  HOST/PATH       lego  HOST_PORT
 * False: it is no such URL, or too long. */
static bool place_of(enum import_client client, const char *server, char *out, size_t room)
{
    struct acme_url url;
    struct acme_slice head;
    size_t path_len, n;

    if (acme_url_read(acme_slice_text(server), &url) != ACME_OK)
        return false;
    head = url.authority;
    if (client == IMPORT_ACME_SH && !url.ip_literal)
        head = url.host;
    path_len = client == IMPORT_LEGO ? 0 : url.path.len;
    if (client == IMPORT_CERTBOT && path_len > 0 && memchr(url.path.ptr, '?', path_len) != NULL)
        path_len = (size_t)((const uint8_t *)memchr(url.path.ptr, '?', path_len) - url.path.ptr);
    if (head.len + path_len >= room)
        return false;
    memcpy(out, head.ptr, head.len);
    memcpy(out + head.len, url.path.ptr, path_len);
    n = head.len + path_len;
    out[n] = '\0';
    while (n > 0 && out[n - 1] == '/') /* a path of folders does not keep it */
        out[--n] = '\0';
    for (char *c = out; client == IMPORT_LEGO && *c != '\0'; c++)
        *c = *c == ':' ? '_' : *c;
    return true;
}

/* certbot has used the accounts of Let's Encrypt's first API for the second one, behind a symbolic
 * link. */
static const char *place_now(const char *place)
{
    if (strcmp(place, "acme-v01.api.letsencrypt.org/directory") == 0)
        return "acme-v02.api.letsencrypt.org/directory";
    if (strcmp(place, "acme-staging.api.letsencrypt.org/directory") == 0)
        return "acme-staging-v02.api.letsencrypt.org/directory";
    return place;
}

/* Does it begin with something that may be a CA's host? */
static bool host_like(const char *place)
{
    size_t len = strcspn(place, "/_:");

    return (len == 9 && strncmp(place, "localhost", 9) == 0) || place[0] == '[' ||
           (place[0] != '.' && memchr(place, '.', len) != NULL);
}

/* What stands behind the last "/accounts/" or "/ca/" that a host follows. */
static void find_place(struct import_account *a)
{
    const char *mark = a->client == IMPORT_ACME_SH ? "/ca/" : "/accounts/";
    const char *place = NULL;
    size_t len;

    for (const char *at = strstr(a->folder, mark); at != NULL; at = strstr(at + 1, mark)) {
        if (host_like(at + strlen(mark)))
            place = at + strlen(mark);
    }
    if (place == NULL)
        return;
    len = strlen(place);
    if (a->client == IMPORT_CERTBOT) /* the account's own folder */
        len = strrchr(place, '/') != NULL ? (size_t)(strrchr(place, '/') - place) : 0;
    else if (a->client == IMPORT_LEGO)
        len = strcspn(place, "/");
    memcpy(a->place, place, len);
    a->place[len] = '\0';
    place = a->client == IMPORT_CERTBOT ? place_now(a->place) : a->place;
    if (place != a->place)
        memcpy(a->place, place, strlen(place) + 1);
}

/* -- the directory's URL -- */

static void guess_server(struct import_account *a)
{
    static const char *const known[] = {ACME_LETS_ENCRYPT, ACME_LETS_ENCRYPT_STAGING};
    struct acme_url url;
    const char *path = strchr(a->place, '/');
    size_t host = path != NULL ? (size_t)(path - a->place) : 0;
    char port[8] = "";

    for (size_t i = 0; i < 2 && a->place[0] != '\0' && a->server[0] == '\0'; i++) {
        if (import_fits(a, known[i]))
            snprintf(a->server, sizeof a->server, "%s", known[i]);
    }
    if (a->server[0] != '\0' || a->place[0] == '\0' || a->client == IMPORT_LEGO)
        return;
    /* acme.sh's path has no port; that of the account's URL is the same at most CAs. */
    if (a->client == IMPORT_ACME_SH && path != NULL &&
        acme_url_read(acme_slice_text(a->url), &url) == ACME_OK && url.port != 443 &&
        url.host.len == host && strncasecmp((const char *)url.host.ptr, a->place, host) == 0)
        snprintf(port, sizeof port, ":%u", url.port);
    if (path == NULL || strlen(a->place) + 20 > sizeof a->server)
        return;
    snprintf(a->server, sizeof a->server, "https://%.*s%s%.900s", (int)host, a->place, port, path);
    if (acme_url_read(acme_slice_text(a->server), &url) != ACME_OK)
        a->server[0] = '\0';
}

bool import_fits(const struct import_account *a, const char *server)
{
    char place[IMPORT_PATH];

    if (a->place[0] == '\0')
        return a->server[0] == '\0' || strcmp(a->server, server) == 0;
    return place_of(a->client, server, place, sizeof place) && strcasecmp(place, a->place) == 0;
}

/* -- files -- */

static void take_url(char *out, size_t room, const char *text)
{
    struct acme_url url;

    if (out[0] == '\0' && text != NULL && strlen(text) < room &&
        acme_url_read(acme_slice_text(text), &url) == ACME_OK)
        memcpy(out, text, strlen(text) + 1);
}

/* An address, with or without "mailto:". */
static void take_contact(struct import_account *a, const char *text)
{
    if (text != NULL && strncmp(text, "mailto:", 7) == 0)
        text += 7;
    if (a->contact[0] == '\0' && text != NULL && strlen(text) < sizeof a->contact &&
        acme_contact_ok(text))
        memcpy(a->contact, text, strlen(text) + 1);
}

static const struct acme_json *read_json(int folder, const char *name)
{
    static char text[TELL_FILE];
    static union {
        void *align;
        uint8_t bytes[TELL_FILE];
    } arena;
    struct acme_span span = {arena.bytes, sizeof arena.bytes};
    const struct acme_json *root = NULL;
    const char *why = "";
    int n = import_read(folder, name, text, sizeof text - 1, &why);

    if (n < 0 || acme_json_parse(acme_slice_of(text, (size_t)n), span, &root) != ACME_OK)
        return NULL;
    return root;
}

static const char *first_contact(const struct acme_json *account)
{
    return acme_json_text(acme_json_first(acme_json_get(account, "contact")));
}

/* NAME='VALUE' lines, as a shell reads them; here nothing but these two is read. */
static void tell_conf(struct import_account *a, int folder)
{
    static char text[TELL_FILE];
    const char *why = "";
    char *line, *rest = text, *value, *end;

    if (import_read(folder, "ca.conf", text, sizeof text - 1, &why) < 0)
        return;
    while ((line = strsep(&rest, "\r\n")) != NULL) {
        value = strchr(line, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (*value == '\'' || *value == '"') {
            end = strchr(value + 1, *value);
            value++;
            if (end != NULL)
                *end = '\0';
        }
        if (strcmp(line, "ACCOUNT_URL") == 0)
            take_url(a->url, sizeof a->url, value);
        else if (strcmp(line, "CA_EMAIL") == 0 || strcmp(line, "ACCOUNT_EMAIL") == 0)
            take_contact(a, value);
    }
}

static void tell_json(struct import_account *a, const struct acme_json *root)
{
    const struct acme_json *reg = acme_json_get(root, "registration");

    if (a->client == IMPORT_CERTBOT) {
        take_url(a->url, sizeof a->url, acme_json_member(root, "uri"));
        take_contact(a, first_contact(acme_json_get(root, "body")));
    } else if (a->client == IMPORT_ACME_SH)
        take_contact(a, first_contact(root));
    else {
        take_url(a->server, sizeof a->server, acme_json_member(root, "server"));
        take_url(a->url, sizeof a->url, acme_json_member(reg, "uri"));
        take_url(a->url, sizeof a->url, acme_json_member(reg, "accountURL"));
        take_contact(a, acme_json_member(root, "email"));
    }
}

void import_tell(struct import_account *a, int folder)
{
    find_place(a);
    if (a->client == IMPORT_ACME_SH)
        tell_conf(a, folder);
    tell_json(a, read_json(folder, a->client == IMPORT_CERTBOT ? "regr.json" : "account.json"));
    if (a->client == IMPORT_LEGO && a->server[0] != '\0')
        a->place[0] = '\0'; /* exact, and so better */
    guess_server(a);
}
