/* external_verify.c - is a proof of http-01 there? Asked as a CA asks (RFC 8555 8.3), but without
 * redirections: the answer is only a warning. */
#include <string.h>

#include "acme_err.h"
#include "external.h"

#define EXV_STEPS 8

void external_verify_stop(struct external_verify *v, const struct acme_port *port)
{
    if (v->sock != ACME_NO_SOCK)
        port->net->close(port->ctx, v->sock);
    memset(v, 0, sizeof *v);
    v->sock = ACME_NO_SOCK;
}

static int exv_begin(struct external_verify *v, const struct acme_port *port,
                     const struct acme_challenge *c, uint16_t tcp_port, struct acme_span room)
{
    bool six = c->id_type == ACME_ID_IP && strchr(c->identifier, ':') != NULL;
    struct acme_buf b;
    int err = port->net->connect(port->ctx, c->identifier, tcp_port, &v->sock);

    if (err != ACME_OK) {
        v->sock = ACME_NO_SOCK;
        return err;
    }
    acme_buf_init(&b, room.ptr, room.len);
    acme_buf_text(&b, "GET /.well-known/acme-challenge/");
    acme_buf_text(&b, c->token);
    acme_buf_text(&b, six ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ");
    acme_buf_text(&b, c->identifier);
    acme_buf_text(&b, six ? "]" : "");
    acme_buf_text(&b, "\r\nUser-Agent: lwacme/" ACME_VERSION
                      "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    v->len = (uint16_t)b.len;
    v->since_ms = port->now_ms(port->ctx);
    return b.overflow ? ACME_E_SIZE : ACME_OK;
}

/* What is there, without the frames of chunks: its length, or an error. */
static int exv_body(const struct acme_http_head *head, uint8_t *body, size_t len)
{
    struct acme_http_chunked chunked;
    size_t used;

    if (head->framing != ACME_HTTP_CHUNKED)
        return (int)len;
    memset(&chunked, 0, sizeof chunked);
    if (acme_http_dechunk(&chunked, body, len, &len, &used) == ACME_E_HTTP)
        return ACME_E_HTTP;
    return (int)len;
}

/* The whole reply has come, or all of it that there is room for. */
static int exv_judge(const struct external_verify *v, const char *want, struct acme_span room)
{
    struct acme_http_head head;
    const uint8_t *body;
    int len = (int)strlen(want);
    int n = acme_http_read_head(acme_slice_of(room.ptr, v->len), false, &head);

    if (n <= 0)
        return n == ACME_AGAIN ? ACME_E_HTTP : n;
    body = room.ptr + n;
    n = exv_body(&head, room.ptr + n, (size_t)(v->len - n));
    if (n < 0)
        return n;
    if (head.status != 200 || n < len || memcmp(body, want, (size_t)len) != 0)
        return ACME_E_DECLINED;
    /* A CA allows white space behind it (8.3). */
    for (int i = len; i < n; i++) {
        if (memchr(" \t\r\n", body[i], 4) == NULL)
            return ACME_E_DECLINED;
    }
    return ACME_OK;
}

static int exv_send(struct external_verify *v, const struct acme_port *port, struct acme_span room)
{
    int n = port->net->send(port->ctx, v->sock, room.ptr + v->sent, (size_t)(v->len - v->sent));

    if (n <= 0)
        return n;
    v->sent = (uint16_t)(v->sent + n);
    if (v->sent == v->len) {
        v->asked = true;
        v->len = 0;
    }
    return n;
}

static int exv_take(struct external_verify *v, const struct acme_port *port, struct acme_span room)
{
    int n = port->net->recv(port->ctx, v->sock, room.ptr + v->len, room.len - v->len);

    if (n > 0)
        v->len = (uint16_t)(v->len + n);
    /* More than that is no proof: what there is room for tells what it is. */
    return n > 0 && v->len == room.len ? ACME_E_CLOSED : n;
}

int external_verify(struct external_verify *v, const struct acme_port *port,
                    const struct acme_challenge *c, uint16_t tcp_port, struct acme_span room)
{
    int n = ACME_OK;

    if (v->sock == ACME_NO_SOCK)
        n = exv_begin(v, port, c, tcp_port, room);
    if (n == ACME_OK)
        n = 1;
    for (int i = 0; i < EXV_STEPS && n > 0; i++)
        n = v->asked ? exv_take(v, port, room) : exv_send(v, port, room);
    if (n > 0 || n == ACME_AGAIN) {
        if (port->now_ms(port->ctx) - v->since_ms < EXTERNAL_VERIFY_MS)
            return ACME_AGAIN;
        n = ACME_E_TIMEOUT;
    }
    if (n == ACME_E_CLOSED && v->asked)
        n = exv_judge(v, c->key_authorization, room);
    external_verify_stop(v, port);
    return n;
}
