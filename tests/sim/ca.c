/* ca.c - the CA's connections: requests in, replies out */
#include "ca.h"

#include <stdio.h>
#include <string.h>

#define CA_IDLE_MS 90000

const char *const ca_bases[CA_PLACES] = {CA_BASE, "https://cb.test", "https://cs.test"};

void ca_init(struct ca *ca, struct sim_world *w, struct sim_net *net)
{
    ca_init_at(ca, w, net, 0);
}

void ca_init_at(struct ca *ca, struct sim_world *w, struct sim_net *net, unsigned place)
{
    memset(ca, 0, offsetof(struct ca, orders));
    memset(&ca->accounts_count, 0,
           offsetof(struct ca, conns) - offsetof(struct ca, accounts_count));
    ca->world = w;
    ca->net = net;
    ca->base = ca_bases[place];
    ca->node = (uint8_t)(CA_NODE + place);
    ca->lifetime_s = 90 * 86400;
    ca->backdate_s = 3600;
    ca->validation_ms = 300;
    ca->issuance_ms = 800;
    evil_init(&ca->evil, w);
    for (int i = 0; i < CA_CONNS; i++) {
        ca_stream_end(ca, &ca->conns[i], false);
        ca->conns[i].sock = ACME_NO_SOCK;
    }
    for (int i = 0; i < CA_PROBES; i++)
        ca->probes[i].kind = 0;
    (void)sim_net_listen(net, ca->node, NULL, 443, &ca->door);
}

void ca_calm(struct ca *ca)
{
    ca->evil.on = false;
    for (uint32_t i = 0; i < ca->orders_count; i++) {
        if (ca->orders[i].processing_until > ca->world->now_ms)
            ca->orders[i].processing_until = ca->world->now_ms;
        for (uint8_t k = 0; k < ca->orders[i].count; k++) {
            struct ca_authz *z = &ca->orders[i].authz[k];
            if (z->validate_at == UINT64_MAX / 2)
                z->validate_at = ca->world->now_ms;
        }
    }
}

static void conn_close(struct ca *ca, struct ca_conn *c)
{
    ca_stream_end(ca, c, c->closing);
    sim_net_close(ca->net, ca->node, c->sock);
    c->sock = ACME_NO_SOCK;
}

/* ---- a request ---- */

/* The value of a field, NUL-terminated in room; "" when it is absent, "?" when it is there twice.
 */
static void field(const char *head, const char *name, char *room, size_t size)
{
    size_t len = strlen(name);
    const char *line = head;
    unsigned found = 0;

    room[0] = '\0';
    while ((line = strstr(line, "\r\n")) != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
        line += 2;
        if (strncmp(line, name, len) != 0 || strncmp(line + len, ": ", 2) != 0)
            continue;
        snprintf(room, size, "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
        if (found++ > 0)
            snprintf(room, size, "?");
    }
}

/* The head of a request by RFC 8555 6.1, 6.2; the length of the body through *length. */
static bool request_head(struct ca *ca, const char *head, struct ca_request *q, size_t *length)
{
    char value[200], end = 0;
    bool post;

    if (sscanf(head, "%7s %1099s HTTP/1.%c", q->method, q->path, &end) != 3 || end != '1')
        return ca_break(ca, "no HTTP/1.1 request line") == 0;
    post = strcmp(q->method, "POST") == 0;
    q->head = strcmp(q->method, "HEAD") == 0;
    if (!post && !q->head && strcmp(q->method, "GET") != 0)
        return ca_break(ca, "a method that ACME does not have") == 0;
    field(head, "Host", value, sizeof value);
    if (strcmp(value, ca->base + 8) != 0)
        return ca_break(ca, "the Host field is wrong") == 0;
    field(head, "User-Agent", value, sizeof value);
    if (strncmp(value, "lwacme/", 7) != 0)
        return ca_break(ca, "no User-Agent (6.1)") == 0;
    field(head, "Accept-Language", value, sizeof value);
    if (value[0] == '\0')
        return ca_break(ca, "no Accept-Language (6.1)") == 0;
    field(head, "Content-Type", value, sizeof value);
    if (strcmp(value, post ? "application/jose+json" : "") != 0)
        return ca_break(ca, "the Content-Type is wrong (6.2)") == 0;
    field(head, "Content-Length", value, sizeof value);
    *length = 0;
    if (post && (sscanf(value, "%zu", length) != 1 || *length == 0 || *length > CA_IN))
        return ca_break(ca, "the Content-Length is wrong") == 0;
    if (strncmp(q->path, "/cert/", 6) == 0) {
        field(head, "Accept", value, sizeof value);
        if (strcmp(value, "application/pem-certificate-chain") != 0)
            return ca_break(ca, "no Accept for the certificate (7.4.2)") == 0;
    }
    return true;
}

/* A request that is refused unread has spent its nonce all the same. */
static void spend_nonce(struct ca *ca, const struct ca_request *q)
{
    static uint8_t body[2000];
    struct ca_request copy = *q;
    struct ca_reply r = {.status = 200};
    char url[1200];

    acme_buf_init(&r.body, body, sizeof body);
    snprintf(url, sizeof url, "%s%s", ca->base, q->path);
    if (strcmp(q->method, "POST") == 0)
        (void)ca_verify(ca, url, &copy, &r, strstr(q->path, "/new-acct") != NULL);
}

static bool refuse_nonce(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    bool as_500 = false, mute = false;

    if (strcmp(q->method, "POST") != 0)
        return false;
    as_500 = evil_does(&ca->evil, EVIL_NONCE_REFUSED_500);
    mute = !as_500 && evil_does(&ca->evil, EVIL_NONCE_REFUSED_MUTE);
    if (!as_500 && !mute && !evil_does(&ca->evil, EVIL_NONCE_REFUSED))
        return false;
    ca_problem(r, as_500 ? 500 : 400, "badNonce", "JWS has an invalid anti-replay nonce");
    r->no_nonce = mute;
    return true;
}

/* What the device will read. */
static void remember(struct ca *ca, const struct ca_request *q, const struct ca_reply *r)
{
    snprintf(ca->last_path, sizeof ca->last_path, "%.60s", q->path);
    ca->last_status = r->status;
    ca->last_from = r->retry_date ? sim_world_unix(ca->world) : 0;
    ca->last_retry_after = r->retry_after;
    if (strstr(q->path, "/ari/") != NULL && r->status == 200)
        ca->last_retry_after = ca->window_retry;
}

static void reply_to(struct ca *ca, struct ca_conn *c, struct ca_request *q)
{
    static uint8_t body[CA_BODY];
    struct ca_reply r = {.status = 200, .type = "application/json"};

    acme_buf_init(&r.body, body, sizeof body);
    ca->requests++;
    sim_world_note(ca->world, q->path, ca->requests, 0);
    ca->ghost = sim_net_peer_gone(ca->net, ca->node, c->sock);
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, "request", q, NULL);
    if (refuse_nonce(ca, q, &r) || ca_refuse_first(ca, &r))
        spend_nonce(ca, q);
    else
        ca_answer(ca, q, &r);
    if (!ca->ghost)
        remember(ca, q, &r);
    sim_world_note(ca->world, "reply", (uint64_t)r.status, r.retry_after);
    ca_write(ca, c, q, &r);
}

/* Is there a whole request? Then it is answered. */
static void conn_request(struct ca *ca, struct ca_conn *c)
{
    struct ca_request q;
    size_t head, length = 0;
    const char *end;

    c->in[c->in_len] = '\0';
    end = strstr((const char *)c->in, "\r\n\r\n");
    if (end == NULL)
        return;
    memset(&q, 0, sizeof q);
    head = (size_t)(end - (const char *)c->in) + 4;
    if (!request_head(ca, (const char *)c->in, &q, &length)) {
        conn_close(ca, c);
        return;
    }
    if (c->in_len < head + length)
        return;
    if (c->in_len > head + length && c->stray) { /* it takes the stray one for ours, and asks on */
        conn_close(ca, c);
        return;
    }
    if (c->in_len > head + length)
        (void)ca_break(ca, "bytes behind the request");
    q.body = acme_slice_of(c->in + head, length);
    reply_to(ca, c, &q);
    c->in_len = 0;
    c->since = ca->world->now_ms;
}

/* ---- connections ---- */

static void conn_accept(struct ca *ca)
{
    acme_sock sock;

    for (int i = 0; i < CA_CONNS; i++) {
        struct ca_conn *c = &ca->conns[i];

        if (c->sock != ACME_NO_SOCK)
            continue;
        if (sim_net_accept(ca->net, ca->node, ca->door, &sock) != ACME_OK)
            return;
        c->sock = sock;
        c->closing = c->stray = c->up = c->mute = c->no_notify = c->records = false;
        c->budget = 0;
        c->piece = 0;
        c->since = ca->world->now_ms;
        c->next_out = c->drip_ms = 0;
        c->in_len = c->out_len = c->out_sent = 0;
        if (evil_does(&ca->evil, EVIL_SRV_DOWN)) {
            sim_net_reset(ca->net, ca->node, sock);
            c->closing = c->no_notify = true;
            continue;
        }
        ca_stream_open(ca, c);
    }
}

static int conn_send(struct ca *ca, struct ca_conn *c)
{
    size_t left = c->out_len - c->out_sent;
    int n = ACME_AGAIN;

    if (ca->world->now_ms < c->next_out)
        return ACME_AGAIN;
    if (c->drip_ms > 0) {
        c->next_out = ca->world->now_ms + c->drip_ms;
        left = left < 9 ? left : 9;
    }
    n = ca_stream_send(ca, c, c->out + c->out_sent, left);
    if (n > 0)
        c->out_sent += (size_t)n;
    return n;
}

static void conn_poll(struct ca *ca, struct ca_conn *c)
{
    int n = 1;

    while (n > 0 && c->sock != ACME_NO_SOCK) {
        if (c->out_sent < c->out_len) {
            n = conn_send(ca, c);
        } else if (c->closing) {
            conn_close(ca, c);
            return;
        } else {
            n = ca_stream_recv(ca, c, c->in + c->in_len, sizeof c->in - 1 - c->in_len);
            if (n > 0) {
                c->in_len += (size_t)n;
                conn_request(ca, c);
            }
        }
    }
    if (c->sock != ACME_NO_SOCK &&
        ((n < 0 && n != ACME_AGAIN) || ca->world->now_ms - c->since > CA_IDLE_MS))
        conn_close(ca, c);
}

void ca_poll(struct ca *ca)
{
    conn_accept(ca);
    for (int i = 0; i < CA_CONNS; i++) {
        if (ca->conns[i].sock != ACME_NO_SOCK)
            conn_poll(ca, &ca->conns[i]);
    }
    ca_va_poll(ca);
}

uint64_t ca_next(const struct ca *ca)
{
    uint64_t next = ca_va_next(ca);

    for (int i = 0; i < CA_CONNS; i++) {
        const struct ca_conn *c = &ca->conns[i];
        uint64_t at = c->since + CA_IDLE_MS + 1;

        if (c->sock == ACME_NO_SOCK)
            continue;
        if (c->out_sent < c->out_len && c->drip_ms > 0 && c->next_out < at)
            at = c->next_out;
        if (at < next)
            next = at;
    }
    return next;
}
