/* fleet_ca_ari.c - renewal information (RFC 9773) as Let's Encrypt gives it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_time.h"
#include "fleet_ca.h"

#define CAF_ARI_HALF_S  86400 /* the window reaches so far from its middle */
#define CAF_ARI_RETRY_S 21600 /* ... 20 % less or more */

/* At two thirds of the life, a day more or less; at half of it, with a fiftieth more or less, when
 * it is below ten days; in the past when the certificate is revoked. */
static void ari_window(struct fleet *f, const struct fleet_device *d, int64_t *start, int64_t *end)
{
    int64_t now = sim_world_unix(&f->world);
    int64_t life = d->made_to - d->made_from;
    bool brief = life < (int64_t)10 * 86400;
    int64_t middle = d->made_to - life / (brief ? 2 : 3);
    int64_t half = brief ? life / 50 : CAF_ARI_HALF_S;

    if (d->revoked) {
        *start = now - 3600;
        *end = now - 1800;
        return;
    }
    *start = middle - half;
    *end = middle + half;
}

void caf_window(struct fleet *f, struct fleet_device *d, const char *id, struct caf_reply *r)
{
    char want[80], from[ACME_TIME_TEXT], to[ACME_TIME_TEXT];
    int64_t start, end;

    f->n.questions++;
    r->no_nonce = true;
    ca_cert_id(d->serial, want, sizeof want);
    if (strcmp(id, want) != 0) {
        caf_problem(r, 404, "malformed", "no such certificate");
        d->run_fault = true;
        return;
    }
    ari_window(f, d, &start, &end);
    acme_time_text(start, from);
    acme_time_text(end, to);
    r->retry_after = sim_world_range(&f->world, CAF_ARI_RETRY_S / 5 * 4, CAF_ARI_RETRY_S / 5 * 6);
    r->len = (size_t)snprintf(r->body, sizeof r->body,
                              "{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}", from, to);
}

bool caf_replaces(struct fleet *f, struct fleet_device *d, const char *payload, struct caf_reply *r)
{
    const char *at = strstr(payload, "\"replaces\":\"");
    char want[80];

    d->exempt = false;
    if (at == NULL)
        return true;
    at += 12;
    ca_cert_id(d->serial, want, sizeof want);
    if (!f->plan->ari || d->serial == 0 || strncmp(at, want, strlen(want)) != 0 ||
        at[strlen(want)] != '"') {
        fprintf(stderr, "fleet: device %u: it replaces what it does not have\n", d->index);
        exit(2);
    }
    if (d->replaced == d->serial) {
        caf_problem(r, 409, "alreadyReplaced", "it has a successor");
        return false;
    }
    f->n.replacing++;
    d->exempt = true;
    return true;
}

/* Half of all certificates. */
void caf_revoke(struct fleet *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        f->devices[i].revoked = sim_world_chance(&f->world, 500) && f->devices[i].serial != 0;
    fleet_note(f, NULL, "revoked", 0);
}
