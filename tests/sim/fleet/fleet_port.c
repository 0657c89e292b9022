/* fleet_port.c - the port of a device: whole messages, its clock, its records */
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

enum { SOCK_CA = 1, SOCK_LISTENER, SOCK_VA };

#define PORT_RTT_MS  60
#define PORT_IDLE_MS 60000 /* then the CA closes a kept connection */

struct fleet *fleet_it;

static uint64_t port_now(void)
{
    return fleet_it->world.now_ms;
}

/* ---- to the CA ---- */

/* Can a TLS session be made with this clock? The CA's own certificate lasts a month still, and
 * began a month ago. */
static char port_handshake(const struct fleet_device *d)
{
    if (d->skew_s > 30 * 86400 || d->skew_s < -30 * 86400)
        return 'd';
    return 'k';
}

static int port_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    struct fleet_device *d = ctx;
    struct fleet_conn *c = &d->conn;

    (void)port;
    if (strcmp(host, CA_HOST) != 0 || c->open)
        return ACME_E_ARG;
    fleet_count_contact(fleet_it, d);
    free(c->reply);
    memset(c, 0, sizeof *c);
    c->open = true;
    c->letter = port_handshake(d);
    c->used_at = port_now();
    c->ready_at = port_now() + 2 * PORT_RTT_MS + sim_world_below(&fleet_it->world, PORT_RTT_MS);
    switch (fleet_it->outage) {
    case FLEET_DNS:
        c->error = ACME_E_LOOKUP;
        c->ready_at += 5000;
        break;
    case FLEET_REFUSED:
        c->error = ACME_E_NET;
        break;
    case FLEET_TLS:
        c->letter = 'x';
        break;
    default:
        break;
    }
    *out = SOCK_CA;
    return ACME_OK;
}

static int port_recv_ca(struct fleet_device *d, void *buf, size_t cap)
{
    struct fleet_conn *c = &d->conn;
    uint64_t now = port_now();
    uint32_t n;

    if (now < c->ready_at)
        return ACME_AGAIN;
    if (c->error != ACME_OK)
        return c->error;
    if (!c->hello) {
        c->hello = true;
        *(char *)buf = c->letter;
        return 1;
    }
    if (c->reply_len == 0)
        return now - c->used_at > PORT_IDLE_MS ? ACME_E_CLOSED : ACME_AGAIN;
    n = c->reply_len - c->reply_read;
    if (n > cap)
        n = (uint32_t)cap;
    memcpy(buf, c->reply + c->reply_read, n);
    c->reply_read += n;
    if (c->reply_read == c->reply_len) {
        free(c->reply);
        c->reply = NULL;
        c->reply_len = c->reply_read = 0;
    }
    c->used_at = now;
    return (int)n;
}

static int port_send_ca(struct fleet_device *d, const void *data, size_t len)
{
    struct fleet_conn *c = &d->conn;

    if (c->reply_len > 0) /* a request before the last reply was read */
        return ACME_E_ARG;
    c->used_at = port_now();
    c->ready_at = port_now() + PORT_RTT_MS + sim_world_below(&fleet_it->world, PORT_RTT_MS);
    fleet_ca_request(fleet_it, d, data, len);
    return (int)len;
}

/* ---- port 80 ---- */

static int port_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    struct fleet_device *d = ctx;

    (void)addr;
    if (port != 80 || d->listening)
        return ACME_E_PORT_BUSY;
    d->listening = true;
    *out = SOCK_LISTENER;
    return ACME_OK;
}

static int port_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    struct fleet_device *d = ctx;

    if (listener != SOCK_LISTENER || d->order.authz != FLEET_AUTHZ_KNOCK || d->va_open)
        return ACME_AGAIN;
    d->va_open = true;
    d->va_read = 0;
    *out = SOCK_VA;
    return ACME_OK;
}

static int port_recv_va(struct fleet_device *d, void *buf, size_t cap)
{
    char text[300];
    int n;

    if (d->va_read > 0)
        return ACME_AGAIN;
    n = snprintf(text, sizeof text,
                 "GET /.well-known/acme-challenge/%s HTTP/1.1\r\nHost: %s\r\n"
                 "User-Agent: fleet validation\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                 d->order.token, d->name);
    if (n < 0 || (size_t)n > cap)
        return ACME_E_ARG;
    memcpy(buf, text, (size_t)n);
    d->va_read = (uint16_t)n;
    return n;
}

/* Is it a 200 whose body is the token, a point, and a thumbprint? (The seeds of make sim check the
 * thumbprint itself.) */
static bool port_right(const struct fleet_device *d, const char *data, size_t len)
{
    size_t token = strlen(d->order.token);
    const char *body = len > token + 44 ? data + len - token - 44 : data;

    return len > token + 60 && memcmp(data, "HTTP/1.1 200", 12) == 0 &&
           memcmp(body, d->order.token, token) == 0 && body[token] == '.';
}

/* ---- sockets ---- */

static int port_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    struct fleet_device *d = ctx;

    if (s == SOCK_CA && d->conn.open)
        return port_send_ca(d, data, len);
    if (s != SOCK_VA || !d->va_open)
        return ACME_E_ARG;
    fleet_ca_served(fleet_it, d, port_right(d, data, len));
    return (int)len;
}

static int port_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    struct fleet_device *d = ctx;

    if (s == SOCK_CA && d->conn.open)
        return port_recv_ca(d, buf, cap);
    if (s == SOCK_VA && d->va_open)
        return port_recv_va(d, buf, cap);
    return ACME_E_ARG;
}

static void port_close(void *ctx, acme_sock s)
{
    struct fleet_device *d = ctx;

    if (s == SOCK_CA) {
        free(d->conn.reply);
        memset(&d->conn, 0, sizeof d->conn);
    } else if (s == SOCK_LISTENER) {
        d->listening = false;
    } else {
        d->va_open = false;
    }
}

static const struct acme_net port_net = {
    .connect = port_connect,
    .listen = port_listen,
    .accept = port_accept,
    .send = port_send,
    .recv = port_recv,
    .close = port_close,
};

/* ---- records ---- */

static int port_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    struct fleet_device *d = ctx;
    const struct fleet_record *r = &d->records[slot];

    (void)key; /* one certificate, one CA */
    if (r->len == 0)
        return ACME_E_SLOT_EMPTY;
    if (r->len > cap)
        return ACME_E_SIZE;
    memcpy(buf, r->data, r->len);
    return (int)r->len;
}

static int port_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    struct fleet_device *d = ctx;
    struct fleet_record *r = &d->records[slot];

    (void)key;
    fleet_it->n.writes++;
    if (len > r->room) {
        uint8_t *room = realloc(r->data, len);

        if (room == NULL)
            return ACME_E_SLOT_FULL;
        r->data = room;
        r->room = (uint32_t)len;
    }
    if (len > 0)
        memcpy(r->data, data, len);
    r->len = (uint32_t)len;
    fleet_note(fleet_it, d, "slot", (uint64_t)slot << 32 | len);
    return ACME_OK;
}

/* ---- clocks, chance, events ---- */

static int port_entropy(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;

    (void)ctx;
    while (len-- > 0)
        *at++ = (uint8_t)(sim_world_random(&fleet_it->world) >> 56);
    return ACME_OK;
}

static uint64_t port_now_ms(void *ctx)
{
    const struct fleet_device *d = ctx;

    return port_now() - d->booted_at; /* begins anew at each boot */
}

static int port_unix_time(void *ctx, int64_t *seconds)
{
    const struct fleet_device *d = ctx;

    if (d->clock_unset)
        return ACME_E_CLOCK;
    *seconds = sim_world_unix(&fleet_it->world) + d->skew_s;
    return ACME_OK;
}

static void port_event(void *ctx, const struct acme_event *event)
{
    struct fleet_device *d = ctx;

    if (event->type == ACME_EVENT_CERTIFICATE)
        fleet_count_certificate(fleet_it, d, event->at);
    else if (event->type == ACME_EVENT_FAILURE)
        fleet_note(fleet_it, d, "failure", (uint64_t)(int64_t)event->err);
    if (fleet_it->log == d->index + 1)
        fprintf(stderr, "%10.3f %s %s %s %s %d %s\n", (double)port_now() / 1000, event->step,
                acme_event_word(event->type), event->text, event->detail, event->err,
                event->failure != NULL ? event->failure->note : "");
}

void fleet_port_init(struct fleet_device *d)
{
    d->port.ctx = d;
    d->port.net = &port_net;
    d->port.slots = &d->slots;
    d->port.entropy = port_entropy;
    d->port.now_ms = port_now_ms;
    d->port.unix_time = port_unix_time;
    d->port.event = port_event;
    d->slots.ctx = d;
    d->slots.read = port_read;
    d->slots.write = port_write;
}

void fleet_port_off(struct fleet_device *d)
{
    port_close(d, SOCK_CA);
    d->listening = d->va_open = false;
}
