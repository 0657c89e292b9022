/* fleet_ca_http.c - the fleet's CA: requests in, replies out, limits by address, outages */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_b64.h"
#include "fleet_ca.h"

#define CAF_SLOW_MS       31000
#define CAF_OUTAGE_WAIT_S 3600
#define CAF_NONCE_LOST    1 /* permille of nonces that another data centre does not know */

#define CAF_DIRECTORY(more)                                                                        \
    "{\"newNonce\":\"" CA_BASE "/nonce\",\"newAccount\":\"" CA_BASE                                \
    "/acct\",\"newOrder\":\"" CA_BASE "/order\",\"revokeCert\":\"" CA_BASE                         \
    "/revoke\",\"keyChange\":\"" CA_BASE "/roll\"" more                                            \
    ",\"meta\":{\"termsOfService\":\"https://ca.test/terms\",\"website\":\"https://ca.test\"}}"

static struct caf_reply caf_out; /* one request at a time */

static void caf_directory(const struct fleet *f, struct caf_reply *r)
{
    r->no_nonce = true; /* a file, as at Let's Encrypt */
    caf_body(r, f->plan->ari ? CAF_DIRECTORY(",\"renewalInfo\":\"" CA_BASE "/ari\"")
                             : CAF_DIRECTORY(""));
}

static void caf_account(struct fleet *f, struct fleet_device *d, struct caf_reply *r)
{
    int64_t wait;

    caf_early(f, d, FLEET_SCOPE_ACCOUNT);
    r->status = d->account ? 200 : 201;
    if (!d->account) {
        wait = caf_bucket(f, &f->ips[d->ip].accounts, 10, 18 * (int64_t)FLEET_MINUTE_MS, true);
        if (wait > 0) {
            caf_limit(f, d, r, FLEET_SCOPE_ACCOUNT, 429, wait);
            return;
        }
    }
    d->account = true;
    snprintf(r->location, sizeof r->location, CA_BASE "/a/%u", d->index);
    caf_body(r, "{\"status\":\"valid\"}");
}

/* The JWS's protected header and payload, decoded; its signature was made by the agent and is
 * checked in the seeds of make sim. */
static bool caf_jws(const char *body, size_t len, const char *member, char *out, size_t room)
{
    const char *end = body + len, *at;
    size_t name = strlen(member);
    int n;

    for (at = body; at + name < end && memcmp(at, member, name) != 0; at++)
        ;
    if (at + name >= end)
        return false;
    at += name;
    end = memchr(at, '"', (size_t)(end - at));
    n = end != NULL ? acme_b64url_decode(out, room - 1, at, (size_t)(end - at)) : -1;
    if (n < 0)
        return false;
    out[n] = '\0';
    return true;
}

static bool caf_nonce_good(struct fleet *f, struct fleet_device *d, const char *protect,
                           struct caf_reply *r)
{
    const char *at = strstr(protect, "\"nonce\":\"");
    unsigned given = 0;

    if (at == NULL || sscanf(at + 9, "N%x", &given) != 1) {
        fprintf(stderr, "fleet: device %u: a request without a nonce\n", d->index);
        exit(2);
    }
    if (given == d->nonce_want && d->nonce_want != 0 &&
        !sim_world_chance(&f->world, f->plan->fast_ca ? 0 : CAF_NONCE_LOST)) {
        d->nonce_want = 0;
        return true;
    }
    d->nonce_want = 0;
    d->run_fault = true;
    f->n.bad_nonces++;
    caf_problem(r, 400, "badNonce", "JWS has an invalid anti-replay nonce");
    return false;
}

static void caf_post(struct fleet *f, struct fleet_device *d, const char *path, const char *body,
                     size_t len, struct caf_reply *r)
{
    static char protect[1024], payload[2048];
    unsigned device = 0, number = 0;

    if (!caf_jws(body, len, "\"protected\":\"", protect, sizeof protect) ||
        !caf_jws(body, len, "\"payload\":\"", payload, sizeof payload)) {
        fprintf(stderr, "fleet: device %u: %s: no JWS\n", d->index, path);
        exit(2);
    }
    if (!caf_nonce_good(f, d, protect, r))
        return;
    if (strcmp(path, "/acct") == 0) {
        caf_account(f, d, r);
        return;
    }
    if (strcmp(path, "/order") == 0) {
        caf_new_order(f, d, payload, r);
        return;
    }
    if (sscanf(path + 2, "/%u/%u", &device, &number) != 2 || device != d->index ||
        number != d->order.number) {
        caf_problem(r, 404, "malformed", "no such resource");
        return;
    }
    caf_settle(f, d);
    if (path[1] == 'o')
        caf_put_order(f, d, r);
    else if (path[1] == 'z')
        caf_put_authz(d, r);
    else if (path[1] == 'h')
        caf_respond(f, d, r);
    else if (path[1] == 'f')
        caf_finalize(f, d, payload, strlen(payload), r);
    else
        caf_certificate(f, d, r);
}

/* Let's Encrypt's limits by address: 503, and when to come back. */
static bool caf_edge(struct fleet *f, struct fleet_device *d, const char *path, struct caf_reply *r)
{
    struct fleet_ip *ip = &f->ips[d->ip];
    int64_t wait;

    if (strcmp(path, "/directory") == 0)
        wait = caf_bucket(f, &ip->edge_directory, 40, 25, true);
    else if (strcmp(path, "/nonce") == 0)
        wait = caf_bucket(f, &ip->edge_nonce, 10, 50, true);
    else if (strcmp(path, "/acct") == 0)
        wait = caf_bucket(f, &ip->edge_account, 15, 200, true);
    else if (strcmp(path, "/order") == 0)
        wait = caf_bucket(f, &ip->edge_order, 200, 3, true);
    else
        wait = caf_bucket(f, &ip->edge_other, 125, 4, true);
    if (wait > 0)
        caf_limit(f, d, r, FLEET_SCOPE_ALL, 503, wait);
    return wait > 0;
}

static void caf_route(struct fleet *f, struct fleet_device *d, const char *request, size_t len,
                      struct caf_reply *r)
{
    char method[8] = "", path[80] = "";
    const char *body = strstr(request, "\r\n\r\n");

    if (sscanf(request, "%7s %79s", method, path) != 2 || body == NULL) {
        fprintf(stderr, "fleet: device %u: no request\n", d->index);
        exit(2);
    }
    body += 4;
    caf_early(f, d, FLEET_SCOPE_ALL);
    if (strcmp(path, "/directory") == 0) {
        d->run_requests = 1;
        d->run_bytes = (uint32_t)len;
        d->run_fault = f->outage != FLEET_UP;
    }
    fleet_note(f, d, path, len);
    if (f->outage == FLEET_503)
        caf_limit(f, d, r, FLEET_SCOPE_ALL, 503, CAF_OUTAGE_WAIT_S * 1000);
    else if (f->outage == FLEET_500)
        caf_problem(r, 500, "serverInternal", "we are sorry");
    else if (caf_edge(f, d, path, r))
        return;
    else if (strcmp(path, "/directory") == 0)
        caf_directory(f, r);
    else if (strcmp(path, "/nonce") == 0)
        r->len = 0;
    else if (strncmp(path, "/ari/", 5) == 0 && strcmp(method, "GET") == 0)
        caf_window(f, d, path + 5, r);
    else
        caf_post(f, d, path, body, len - (size_t)(body - request), r);
}

void fleet_ca_request(struct fleet *f, struct fleet_device *d, const char *request, size_t len)
{
    static char text[4097];
    struct caf_reply *r = &caf_out;
    struct fleet_conn *c = &d->conn;
    char more[160] = "";
    int head;

    memcpy(text, request, len);
    text[len] = '\0';
    memset(r, 0, offsetof(struct caf_reply, body));
    r->status = 200;
    r->type = "application/json";
    r->body[0] = '\0';
    fleet_count_request(f, d, len);
    caf_route(f, d, text, len, r);
    if (r->retry_after > 0)
        snprintf(more, sizeof more, "Retry-After: %u\r\n", r->retry_after);
    if (r->location[0] != '\0')
        snprintf(more + strlen(more), sizeof more - strlen(more), "Location: %.95s\r\n",
                 r->location);
    if (f->outage != FLEET_500 && f->outage != FLEET_503 && !r->no_nonce) {
        d->nonce_want = ++d->nonce;
        snprintf(more + strlen(more), sizeof more - strlen(more), "Replay-Nonce: N%08x\r\n",
                 d->nonce);
    }
    c->reply = malloc(500 + r->len);
    head = snprintf(c->reply, 500,
                    "HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", r->status,
                    r->type, r->len, more);
    memcpy(c->reply + head, r->body, r->len);
    c->reply_len = (uint32_t)((size_t)head + r->len);
    d->run_bytes += c->reply_len;
    if (f->outage == FLEET_SLOW)
        c->ready_at += CAF_SLOW_MS;
}
