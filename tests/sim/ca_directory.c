/* ca_directory.c - the directory (RFC 8555 7.1.1), moved and misleading */
#include <stdio.h>
#include <string.h>

#include "ca.h"

void ca_put_member(struct acme_buf *b, const char *name, const char *url)
{
    acme_buf_text(b, ",\"");
    acme_buf_text(b, name);
    acme_buf_text(b, "\":\"");
    acme_buf_text(b, url);
    acme_buf_char(b, '"');
}

static bool directory_moved(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    bool again = strncmp(q->path, "/moved", 6) == 0;

    if (again ? evil_has(&ca->evil, EVIL_DIR_LOOP) && evil_does(&ca->evil, EVIL_DIR_LOOP)
              : evil_does(&ca->evil, EVIL_DIR_MOVED) || evil_does(&ca->evil, EVIL_DIR_LOOP)) {
        r->status = 302;
        snprintf(r->location, sizeof r->location, "%s/moved%u", ca->base,
                 (unsigned)sim_world_below(ca->world, 1000));
        return true;
    }
    if (evil_does(&ca->evil, EVIL_DIR_DOWN)) {
        r->status = 301;
        snprintf(r->location, sizeof r->location, "http://" CA_HOST "/directory");
        return true;
    }
    return false;
}

void ca_directory(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    struct acme_buf *b = &r->body;
    char url[3100], base[64];
    const char *at = ca->base;
    bool profile_named = ca->profile_named, ari_named = ca->ari_named;

    if (directory_moved(ca, q, r))
        return;
    if (evil_does(&ca->evil, EVIL_DIR_PATHS))
        ca->path++;
    if (evil_does(&ca->evil, EVIL_DIR_HTTP))
        at = "http://" CA_HOST;
    if (evil_does(&ca->evil, EVIL_DIR_INSIDE))
        at = "https://169.254.169.254";
    if (evil_does(&ca->evil, EVIL_DIR_LOCALHOST))
        at = "https://localhost";
    snprintf(base, sizeof base, "%s/p%llu", at, (unsigned long long)ca->path);
    acme_buf_text(b, "{\"x-random\":\"why not\"");
    snprintf(url, sizeof url, "%s/new-nonce", base);
    if (evil_does(&ca->evil, EVIL_DIR_URL_LONG)) {
        size_t len = strlen(url);
        memset(url + len, 'x', 3000);
        url[len + 3000] = '\0';
    }
    ca_put_member(b, "newNonce", url);
    snprintf(url, sizeof url, "%s/new-acct", base);
    ca_put_member(b, "newAccount", url);
    snprintf(url, sizeof url, "%s/new-order", base);
    if (!evil_does(&ca->evil, EVIL_DIR_LACKS))
        ca_put_member(b, "newOrder", url);
    ca->profile_named = false;
    if (evil_does(&ca->evil, EVIL_DIR_META_NULL))
        acme_buf_text(b, ",\"meta\":null,\"revokeCert\":7");
    else if (evil_does(&ca->evil, EVIL_DIR_EAB))
        acme_buf_text(b, ",\"meta\":{\"externalAccountRequired\":true}");
    else
        ca_put_meta(ca, b);
    ca->ari_named = ca->ari && !evil_does(&ca->evil, EVIL_ARI_GONE);
    snprintf(url, sizeof url, "%s/ari%s", base, sim_world_chance(ca->world, 500) ? "/" : "");
    if (ca->ari_named)
        ca_put_member(b, "renewalInfo",
                      evil_does(&ca->evil, EVIL_ARI_INSIDE) ? "https://169.254.169.254/ari" : url);
    if (ca->jobs)
        ca_put_jobs(ca, base, b);
    acme_buf_char(b, '}');
    if (ca->ghost) { /* nobody will read it */
        ca->profile_named = profile_named;
        ca->ari_named = ari_named;
    }
}
