/* external_lookup.c - is a TXT record there? Asked of the system's DNS servers, over TCP, one after
 * another until one answers. What they keep may be older than what a CA sees: it is only a warning.
 */
#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"
#include "dns_msg.h"
#include "external.h"

#define EXL_PORT 53

static void exl_hang_up(struct external_verify *v, const struct acme_port *port)
{
    if (v->sock != ACME_NO_SOCK)
        port->net->close(port->ctx, v->sock);
    v->sock = ACME_NO_SOCK;
    v->len = v->sent = v->got = 0;
}

static int exl_ask(struct external_verify *v, const struct acme_port *port, const char *name,
                   struct acme_span room)
{
    char addr[ACME_ADDR_TEXT];
    struct acme_buf b;
    int err = port->net->resolver(port->ctx, v->server, addr);

    if (err == ACME_OK)
        err = acme_random(&v->id, sizeof v->id);
    if (err != ACME_OK)
        return err;
    acme_buf_init(&b, room.ptr, room.len);
    dns_msg_begin(&b, v->id, DNS_QUERY_RECURSIVE);
    dns_msg_ask(&b, name, DNS_TXT);
    if (!dns_msg_end(&b))
        return ACME_E_NAME;
    v->len = (uint16_t)b.len;
    v->asked_ms = port->now_ms(port->ctx);
    err = port->net->connect(port->ctx, addr, EXL_PORT, &v->sock);
    if (err != ACME_OK)
        v->sock = ACME_NO_SOCK;
    return err;
}

/* ACME_OK: the answer is whole, behind two bytes of length. */
static int exl_talk(struct external_verify *v, const struct acme_port *port, struct acme_span room)
{
    size_t want;
    int n;

    while (v->sent < v->len) {
        n = port->net->send(port->ctx, v->sock, room.ptr + v->sent, (size_t)(v->len - v->sent));
        if (n < 0)
            return n;
        v->sent = (uint16_t)(v->sent + n);
    }
    for (;;) {
        want = v->got < 2 ? 2 : 2 + dns_msg_get16(room.ptr);
        if (want > room.len)
            return ACME_E_SIZE;
        if (v->got == want)
            return ACME_OK;
        n = port->net->recv(port->ctx, v->sock, room.ptr + v->got, want - v->got);
        if (n < 0)
            return n;
        v->got = (uint16_t)(v->got + n);
    }
}

/* ACME_E_DECLINED: it is not there, says a server that knows. */
static int exl_judge(const struct external_verify *v, const char *name, const char *value,
                     struct acme_span room)
{
    struct dns_record record;
    struct dns_msg r;
    int err = dns_msg_open(&r, acme_slice_of(room.ptr + 2, (size_t)v->got - 2), v->id,
                           DNS_QUERY_RECURSIVE, name, DNS_TXT);

    if (err != ACME_OK)
        return err;
    if (r.rcode != DNS_NOERROR && r.rcode != DNS_NXDOMAIN)
        return ACME_E_SERVER;
    while (dns_msg_find(&r, DNS_TXT, &record)) {
        if (dns_msg_txt_is(record.data, value))
            return ACME_OK;
    }
    return r.broken ? ACME_E_REPLY : ACME_E_DECLINED;
}

static int exl_step(struct external_verify *v, const struct acme_port *port, const char *name,
                    const char *value, struct acme_span room)
{
    int err = v->sock == ACME_NO_SOCK ? exl_ask(v, port, name, room) : ACME_OK;

    if (err == ACME_OK)
        err = exl_talk(v, port, room);
    if (err == ACME_AGAIN && port->now_ms(port->ctx) - v->asked_ms >= EXTERNAL_SERVER_MS)
        err = ACME_E_TIMEOUT;
    return err == ACME_OK ? exl_judge(v, name, value, room) : err;
}

int external_lookup(struct external_verify *v, const struct acme_port *port, const char *name,
                    const char *value, struct acme_span room)
{
    char addr[ACME_ADDR_TEXT];
    int err;

    if (port->net->resolver == NULL)
        return ACME_OK;
    for (;;) {
        err = exl_step(v, port, name, value, room);
        if (err == ACME_AGAIN)
            return err;
        exl_hang_up(v, port);
        if (err == ACME_OK || err == ACME_E_DECLINED || err == ACME_E_NAME)
            break;
        if (++v->server >= EXTERNAL_SERVERS ||
            port->net->resolver(port->ctx, v->server, addr) != ACME_OK)
            break;
    }
    external_verify_stop(v, port);
    return err;
}
