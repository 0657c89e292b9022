/* ca_va.c - validation: http-01 by really connecting (8.3), and the strangers at port 80 */
#include <stdio.h>
#include <string.h>

#include "ca.h"

#define VA_PORT        80
#define VA_DEADLINE_MS 10000

enum { PROBE_FREE = 0, PROBE_VA, PROBE_SCAN, PROBE_SLOW };

static struct ca_probe *val_probe(struct ca *ca, uint8_t kind, const char *host)
{
    for (int i = 0; i < CA_PROBES; i++) {
        struct ca_probe *p = &ca->probes[i];

        if (p->kind != PROBE_FREE)
            continue;
        p->sent = p->len = 0;
        p->deadline = ca->world->now_ms + VA_DEADLINE_MS;
        p->next = 0;
        if (sim_net_connect(ca->net, ca->node, host, VA_PORT, &p->sock) != ACME_OK)
            return NULL;
        p->kind = kind;
        return p;
    }
    return NULL;
}

static void val_http(struct ca *ca, uint32_t order, uint8_t authz)
{
    struct ca_authz *z = &ca->orders[order].authz[authz];
    int places = evil_does(&ca->evil, EVIL_CHALL_MANY) ? 5 : 1;

    while (places-- > 0) {
        struct ca_probe *p = val_probe(ca, PROBE_VA, z->name);

        z->probes_open++;
        if (p == NULL) { /* no socket: as if nobody was there */
            z->probes_open--;
            z->probes_bad++;
            continue;
        }
        p->order = order;
        p->authz = authz;
        snprintf(p->request, sizeof p->request,
                 "GET /.well-known/acme-challenge/%s HTTP/1.1\r\nHost: %s\r\n"
                 "User-Agent: sim validation\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                 z->token, z->name);
    }
}

static void val_strangers(struct ca *ca, const char *host)
{
    static const char *const asks[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /.well-known/acme-challenge/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /.well-known/acme-challenge/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        "\x16\x03\x01\x02 no HTTP at all",
        "GET /.well-known/acme-challenge/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    struct ca_probe *p;

    if (evil_does(&ca->evil, EVIL_CHALL_SCAN)) {
        for (int i = 0; i < 3; i++) {
            p = val_probe(ca, PROBE_SCAN, host);
            if (p != NULL)
                snprintf(p->request, sizeof p->request, "%s", asks[sim_world_below(ca->world, 5)]);
        }
    }
    if (evil_does(&ca->evil, EVIL_CHALL_SLOWLORIS)) {
        for (int i = 0; i < 9; i++) {
            p = val_probe(ca, PROBE_SLOW, host);
            if (p != NULL)
                snprintf(p->request, sizeof p->request, "GET /slow HTTP/1.1\r\nHost: x\r\nX: yyyy");
        }
    }
}

void ca_va_start(struct ca *ca, uint32_t order, uint8_t authz)
{
    struct ca_authz *z = &ca->orders[order].authz[authz];

    if (z->validate_at != 0 || z->begun)
        return;
    z->challenge = ACME_STATUS_PROCESSING;
    ca->validations++;
    z->validate_at = ca->world->now_ms + 1 + sim_world_below(ca->world, ca->validation_ms);
    if (evil_does(&ca->evil, EVIL_CHALL_SLOW))
        z->validate_at += 1000 * sim_world_range(ca->world, 60, 900);
    if (evil_does(&ca->evil, EVIL_CHALL_NEVER))
        z->validate_at = UINT64_MAX / 2;
    if (z->type == ACME_CHALLENGE_HTTP01)
        val_strangers(ca, z->name);
}

/* The verdict of one authorization. */
static void val_done(struct ca *ca, struct ca_order *o, uint8_t authz, bool good)
{
    struct ca_authz *z = &o->authz[authz];

    if (good && ((z->blind & z->type) != 0 || evil_does(&ca->evil, EVIL_CHALL_FAILS) ||
                 evil_does(&ca->evil, EVIL_SRV_BLIND)))
        good = false;
    sim_world_note(ca->world, good ? "validated" : "validation failed", o->number, authz);
    z->challenge = good ? ACME_STATUS_VALID : ACME_STATUS_INVALID;
    z->status = z->challenge;
    if (!good) {
        ca->failures++;
        ca->failed_name = authz;
        if (ca->before != NULL)
            ca->before(ca->before_ctx, ca, "failed", NULL, o);
        (void)ca_bucket_take(ca, &ca->failure_bucket[authz], 5, 720);
        if (evil_does(&ca->evil, EVIL_CHALL_QUIET)) {
            z->failed_quietly = true;
            z->status = ACME_STATUS_PENDING;
        }
    }
    ca_order_settle(ca, o);
}

static void val_run(struct ca *ca, uint32_t order, uint8_t authz)
{
    struct ca_order *o = &ca->orders[order];
    struct ca_authz *z = &o->authz[authz];
    char thumbprint[44];

    z->begun = true;
    ca->validations--;
    if (z->type == ACME_CHALLENGE_DNS01) {
        ca_thumbprint(&ca->accounts[o->account].key, thumbprint);
        val_done(ca, o, authz, ca->txt(ca->txt_ctx, z->name, z->token, thumbprint));
        return;
    }
    z->probes_good = z->probes_bad = z->probes_open = 0;
    val_http(ca, order, authz);
    if (z->probes_open == 0)
        val_done(ca, o, authz, false);
}

/* Is it a 200 with exactly the key authorization, in less than 128 bytes of body? */
static bool val_right(struct ca *ca, const struct ca_probe *p)
{
    const struct ca_order *o = &ca->orders[p->order];
    const struct ca_authz *z = &o->authz[p->authz];
    char text[1025], want[128], thumbprint[44];
    const char *body;

    memcpy(text, p->in, p->len);
    text[p->len] = '\0';
    body = strstr(text, "\r\n\r\n");
    ca_thumbprint(&ca->accounts[o->account].key, thumbprint);
    snprintf(want, sizeof want, "%s.%s", z->token, thumbprint);
    return strncmp(text, "HTTP/1.1 200 ", 13) == 0 && body != NULL && strcmp(body + 4, want) == 0;
}

static void val_end(struct ca *ca, struct ca_probe *p, bool good)
{
    struct ca_order *o = &ca->orders[p->order];
    struct ca_authz *z = &o->authz[p->authz];
    uint8_t kind = p->kind;

    sim_net_close(ca->net, ca->node, p->sock);
    p->kind = PROBE_FREE;
    if (kind == PROBE_SCAN && p->len > 12 && memcmp(p->in, "HTTP/1.1 200", 12) == 0)
        (void)ca_break(ca, "the responder answered a stranger with 200");
    if (kind != PROBE_VA)
        return;
    z->probes_open--;
    if (good)
        z->probes_good++;
    else
        z->probes_bad++;
    if (z->probes_open == 0) /* nearly all of them must agree */
        val_done(ca, o, p->authz, z->probes_bad <= (z->probes_good > 3 ? 1 : 0));
}

static void val_send(struct ca *ca, struct ca_probe *p)
{
    size_t len = strlen(p->request);
    size_t left = len - p->sent;
    int n;

    if (p->kind == PROBE_SLOW) { /* a byte in a while */
        if (ca->world->now_ms < p->next || left == 0)
            return;
        p->next = ca->world->now_ms + 700;
        left = 1;
    }
    n = left > 0 ? sim_net_send(ca->net, ca->node, p->sock, p->request + p->sent, left) : 0;
    if (n > 0)
        p->sent += (size_t)n;
}

static void val_probe_poll(struct ca *ca, struct ca_probe *p)
{
    int n = 1;

    val_send(ca, p);
    while (n > 0 && p->len < sizeof p->in) {
        n = sim_net_recv(ca->net, ca->node, p->sock, p->in + p->len, sizeof p->in - p->len);
        if (n > 0)
            p->len += (size_t)n;
    }
    if (n == ACME_E_CLOSED)
        val_end(ca, p, p->kind == PROBE_VA && val_right(ca, p));
    else if ((n < 0 && n != ACME_AGAIN) || p->len == sizeof p->in ||
             ca->world->now_ms >= p->deadline)
        val_end(ca, p, false);
}

void ca_va_poll(struct ca *ca)
{
    for (uint32_t i = 0; ca->validations > 0 && i < ca->orders_count; i++) {
        for (uint8_t k = 0; k < ca->orders[i].count; k++) {
            struct ca_authz *z = &ca->orders[i].authz[k];
            if (z->validate_at != 0 && !z->begun && z->validate_at <= ca->world->now_ms)
                val_run(ca, i, k);
        }
    }
    for (int i = 0; i < CA_PROBES; i++) {
        if (ca->probes[i].kind != PROBE_FREE)
            val_probe_poll(ca, &ca->probes[i]);
    }
}

uint64_t ca_va_next(const struct ca *ca)
{
    uint64_t next = UINT64_MAX;

    for (uint32_t i = 0; ca->validations > 0 && i < ca->orders_count; i++) {
        for (uint8_t k = 0; k < ca->orders[i].count; k++) {
            const struct ca_authz *z = &ca->orders[i].authz[k];
            if (z->validate_at != 0 && !z->begun && z->validate_at < next)
                next = z->validate_at;
        }
    }
    for (int i = 0; i < CA_PROBES; i++) {
        const struct ca_probe *p = &ca->probes[i];
        uint64_t at = p->kind == PROBE_SLOW && p->next < p->deadline ? p->next : p->deadline;
        if (p->kind != PROBE_FREE && at < next)
            next = at;
    }
    return next;
}
