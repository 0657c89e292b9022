/* ca_http.c - a reply as bytes: right, or wrong in one of the ways of the catalogue */
#include <stdio.h>
#include <string.h>

#include "acme_time.h"
#include "ca.h"

static void put_date(struct acme_buf *b, int64_t seconds)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct acme_date d;
    char text[40];

    acme_time_to_date(seconds, &d);
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[seconds / 86400 % 7],
             d.day % 100, months[d.month - 1], d.year % 10000, d.hour % 100, d.minute % 100,
             d.second % 100);
    acme_buf_text(b, text);
}

/* ---- what is said instead of the answer ---- */

/* Before anything was done: the request is as if it had never been. */
bool ca_refuse_first(struct ca *ca, struct ca_reply *r)
{
    static const uint32_t times[] = {1, 30, 600, 7200, 100000};
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_SRV_503)) {
        r->status = 503;
        r->retry_after = 90000 + sim_world_below(ca->world, 400000);
    } else if (evil_does(e, EVIL_HTTP_500))
        ca_problem(r, 500, "serverInternal", "oops");
    else if (evil_does(e, EVIL_HTTP_503_SECONDS) || evil_does(e, EVIL_HTTP_503_DATE)) {
        r->status = 503;
        r->retry_after = times[sim_world_below(ca->world, 5)];
        r->retry_date = evil_has(e, EVIL_HTTP_503_DATE);
    } else if (evil_does(e, EVIL_HTTP_429_BARE))
        ca_problem(r, 429, "rateLimited", "slower");
    else if (evil_does(e, EVIL_HTTP_404))
        r->status = 404;
    else if (evil_does(e, EVIL_HTTP_REDIRECT)) {
        r->status = 307;
        snprintf(r->location, sizeof r->location, "%s/elsewhere", ca->base);
    } else
        return false;
    return true;
}

static void spoil_json(struct ca *ca, struct ca_reply *r)
{
    struct evil *e = &ca->evil;
    struct acme_buf *b = &r->body;
    char text[40];

    if (b->len < 2 || b->ptr[0] != '{')
        return;
    if (evil_does(e, EVIL_JSON_CUT))
        b->len = 1 + sim_world_below(ca->world, (uint32_t)b->len - 1);
    else if (evil_does(e, EVIL_JSON_DEEP)) {
        b->len = 0;
        acme_buf_text(b, "{\"x\":");
        for (int i = 0; i < 3000; i++)
            acme_buf_char(b, '[');
    } else if (evil_does(e, EVIL_JSON_TWICE)) {
        b->len--;
        acme_buf_text(b, ",\"status\":\"valid\",\"status\":\"valid\"}");
    } else if (evil_does(e, EVIL_JSON_BOM)) {
        memmove(b->ptr + 3, b->ptr, b->len);
        memcpy(b->ptr, "\xef\xbb\xbf", 3);
        b->len += 3;
    } else if (evil_does(e, EVIL_JSON_UTF8)) {
        b->len--;
        acme_buf_text(b, ",\"y\":\"\xc3\x28\xff\"}");
    } else if (evil_does(e, EVIL_JSON_NUL)) {
        b->len--;
        acme_buf_text(b, ",\"y\":\"a\\u0000b\"}");
    } else if (evil_does(e, EVIL_JSON_MORE)) {
        b->len--;
        acme_buf_text(b, ",\"z\":[1e400,-0.0,{\"status\":null}],\"\":\"\",\"Status\":\"invalid\"}");
    } else if (evil_does(e, EVIL_JSON_ARRAY)) {
        memmove(b->ptr + 1, b->ptr, b->len);
        b->ptr[0] = '[';
        b->len++;
        acme_buf_char(b, ']');
    } else if (evil_does(e, EVIL_JSON_EMPTY))
        b->len = 0;
    else if (evil_does(e, EVIL_JSON_BOMB)) {
        b->len = 0;
        acme_buf_text(b, "{\"x\":[0");
        for (int i = 0; i < 3000; i++)
            acme_buf_text(b, ",[]");
        acme_buf_text(b, "]}");
    } else if (evil_does(e, EVIL_JSON_HTML)) {
        b->len = 0;
        acme_buf_text(b, "<!doctype html><title>welcome to our captive portal</title>");
        r->type = "text/html";
    } else if (evil_does(e, EVIL_JSON_SLASHES)) {
        for (size_t i = 0; i < b->len && !b->overflow; i++) {
            if (b->ptr[i] != '/' || (i > 0 && b->ptr[i - 1] == '\\'))
                continue;
            memmove(b->ptr + i + 1, b->ptr + i, b->len - i);
            b->ptr[i++] = '\\';
            b->len++;
        }
    } else if (evil_does(e, EVIL_HTTP_BODY_HUGE)) {
        b->len--;
        for (int i = 0; i < 400; i++) {
            snprintf(text, sizeof text, ",\"m%d\":\"", i);
            acme_buf_text(b, text);
            acme_buf_text(b, "0123456789012345678901234567890123456789012345678901\"");
        }
        acme_buf_char(b, '}');
    }
}

/* ---- head ---- */

static void head_nonce(struct ca *ca, const struct ca_request *q, const struct ca_reply *r,
                       struct acme_buf *b)
{
    struct evil *e = &ca->evil;
    bool directory = strcmp(q->path, "/directory") == 0;
    char nonce[24];

    if (r->no_nonce || directory || evil_does(e, EVIL_NONCE_MISSING))
        return;
    ca_nonce(ca, nonce);
    acme_buf_text(b, "Replay-Nonce: ");
    if (evil_does(e, EVIL_NONCE_GRAMMAR)) {
        acme_buf_text(b, "not a nonce; \"really\"");
    } else if (evil_does(e, EVIL_NONCE_LONG)) {
        for (int i = 0; i < 300; i++)
            acme_buf_char(b, 'n');
    } else if (evil_does(e, EVIL_NONCE_JUNK)) {
        acme_buf_text(b, "bWFkZS11cC1ub25jZQ");
    } else if (!evil_does(e, EVIL_NONCE_EMPTY)) {
        acme_buf_text(b, nonce);
        if (evil_does(e, EVIL_NONCE_TWO)) {
            ca_nonce(ca, nonce);
            acme_buf_text(b, "\r\nReplay-Nonce: ");
            acme_buf_text(b, nonce);
        }
    }
    acme_buf_text(b, "\r\n");
    if (evil_does(e, EVIL_NONCE_EXPIRED))
        ca->nonces_from = ca->nonces;
}

static void head_retry_after(struct ca *ca, const struct ca_reply *r, struct acme_buf *b)
{
    int64_t at = sim_world_unix(ca->world) + r->retry_after;

    if (evil_does(&ca->evil, EVIL_HTTP_RETRY_BAD)) {
        acme_buf_text(b, "Retry-After: when it is convenient\r\n");
        return;
    }
    if (r->retry_after == 0)
        return;
    acme_buf_text(b, "Retry-After: ");
    if (r->retry_date)
        put_date(b, at);
    else
        acme_buf_dec(b, r->retry_after);
    acme_buf_text(b, "\r\n");
    if (r->retry_after > ca->retry_longest)
        ca->retry_longest = r->retry_after;
    if (at > ca->retry_spoken)
        ca->retry_spoken = at;
}

static void head_spoil(struct ca *ca, struct acme_buf *b)
{
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_HTTP_BARE_CR))
        acme_buf_text(b, "X-A: one\rX-B: two\r\n");
    if (evil_does(e, EVIL_HTTP_FOLDED))
        acme_buf_text(b, "X-A: one\r\n two\r\n");
    if (evil_does(e, EVIL_HTTP_SPACE_COLON))
        acme_buf_text(b, "X-A : one\r\n");
    if (evil_does(e, EVIL_HTTP_HEAD_HUGE)) {
        for (int i = 0; i < 200; i++)
            acme_buf_text(b, "X-Filler: 01234567890123456789012345678901234567890123456789\r\n");
    }
}

static void put_fields(struct ca *ca, const struct ca_request *q, const struct ca_reply *r,
                       struct acme_buf *b)
{
    bool capitals = evil_does(&ca->evil, EVIL_HTTP_CASE);
    size_t from = b->len;

    head_nonce(ca, q, r, b);
    if (r->location[0] != '\0') {
        acme_buf_text(b, capitals ? "LOCATION: " : "Location: ");
        acme_buf_text(b, r->location);
        acme_buf_text(b, "\r\n");
    }
    acme_buf_text(b, capitals ? "CONTENT-TYPE: " : "Content-Type: ");
    acme_buf_text(b, r->type);
    acme_buf_text(b, "\r\nDate: ");
    put_date(b, sim_world_unix(ca->world));
    acme_buf_text(b, "\r\nLink: <");
    acme_buf_text(b, ca->base);
    acme_buf_text(b, "/directory>;rel=\"index\"\r\n");
    acme_buf_text(b, r->more);
    head_retry_after(ca, r, b);
    head_spoil(ca, b);
    if (capitals) {
        for (size_t i = from; i + 12 < b->len; i++) {
            if (memcmp(b->ptr + i, "Replay-Nonce", 12) == 0)
                memcpy(b->ptr + i, "REPLAY-NONCE", 12);
        }
    }
}

/* ---- body ---- */

static void put_chunks(struct ca *ca, const struct ca_reply *r, struct acme_buf *b)
{
    struct evil *e = &ca->evil;
    bool more = evil_has(e, EVIL_HTTP_CHUNK_EXT);
    size_t at = 0;
    char line[80];

    acme_buf_text(b, "Transfer-Encoding: chunked\r\n\r\n");
    if (evil_has(e, EVIL_HTTP_CHUNK_HUGE)) {
        acme_buf_text(b, "fffffffffffffffff0\r\n");
        return;
    }
    if (evil_has(e, EVIL_HTTP_CHUNK_BAD)) {
        acme_buf_text(b, "0x1g\r\n");
        return;
    }
    while (at < r->body.len) {
        size_t n = 1 + sim_world_below(ca->world, 700);
        n = n < r->body.len - at ? n : r->body.len - at;
        snprintf(line, sizeof line, "%zX%s\r\n", n, more ? ";why=\"not\"" : "");
        acme_buf_text(b, line);
        acme_buf_put(b, r->body.ptr + at, n);
        acme_buf_text(b, "\r\n");
        at += n;
    }
    if (!evil_has(e, EVIL_HTTP_CHUNK_CUT))
        acme_buf_text(b, more ? "0\r\nX-Trailer: yes\r\n\r\n" : "0\r\n\r\n");
}

static bool wants_chunks(struct evil *e)
{
    return evil_does(e, EVIL_HTTP_CHUNKED) || evil_does(e, EVIL_HTTP_CHUNK_EXT) ||
           evil_does(e, EVIL_HTTP_CHUNK_HUGE) || evil_does(e, EVIL_HTTP_CHUNK_BAD) ||
           evil_does(e, EVIL_HTTP_CHUNK_CUT);
}

static void put_length(struct acme_buf *b, uint64_t length)
{
    acme_buf_text(b, "Content-Length: ");
    acme_buf_dec(b, length);
    acme_buf_text(b, "\r\n");
}

/* True: the connection is to be closed behind it. */
static bool put_body(struct ca *ca, const struct ca_request *q, const struct ca_reply *r,
                     struct acme_buf *b, bool http10)
{
    struct evil *e = &ca->evil;
    size_t len = r->body.len;

    if (q->head) {
        acme_buf_text(b, "\r\n");
        return false;
    }
    if (!http10 && wants_chunks(e)) {
        put_chunks(ca, r, b);
        return evil_has(e, EVIL_HTTP_CHUNK_CUT) || evil_has(e, EVIL_HTTP_CHUNK_HUGE);
    }
    if (evil_does(e, EVIL_HTTP_LENGTH_CHUNKED))
        acme_buf_text(b, "Transfer-Encoding: chunked\r\n");
    if (evil_does(e, EVIL_HTTP_TWO_LENGTHS))
        put_length(b, len + 7);
    if (evil_does(e, EVIL_HTTP_LENGTH_HUGE))
        put_length(b, (uint64_t)1 << 62);
    else if (len > 1 && evil_does(e, EVIL_HTTP_LENGTH_SHORT))
        put_length(b, len / 2);
    else if (evil_does(e, EVIL_HTTP_LENGTH_LONG)) {
        put_length(b, len + 100);
        http10 = true;
    } else if (!http10)
        put_length(b, len);
    acme_buf_text(b, "\r\n");
    acme_buf_put(b, r->body.ptr, len);
    return http10;
}

/* ---- the whole ---- */

static void put_all(struct ca *ca, struct ca_conn *c, const struct ca_request *q,
                    const struct ca_reply *r, struct acme_buf *b)
{
    struct evil *e = &ca->evil;
    bool http10 = evil_does(e, EVIL_HTTP_10);
    bool close = evil_does(e, EVIL_HTTP_CLOSE);
    size_t start;

    if (evil_does(e, EVIL_HTTP_100))
        acme_buf_text(
            b, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    for (int i = 0; evil_has(e, EVIL_HTTP_1XX_MANY) && e->on && i < 40; i++) {
        if (i == 0 && !evil_does(e, EVIL_HTTP_1XX_MANY))
            break;
        acme_buf_text(b, "HTTP/1.1 102 Processing\r\n\r\n");
    }
    start = b->len;
    acme_buf_text(b, http10 ? "HTTP/1.0 " : "HTTP/1.1 ");
    acme_buf_dec(b, (uint64_t)r->status);
    acme_buf_text(b, " Words\r\n");
    if (evil_does(e, EVIL_HTTP_GARBAGE))
        memcpy(b->ptr + start, "SSH-2.0-x", 9);
    else if (evil_does(e, EVIL_HTTP_STATUS_BAD))
        memcpy(b->ptr + start + 9, "000", 3);
    if (close)
        acme_buf_text(b, "Connection: close\r\n");
    put_fields(ca, q, r, b);
    start = b->len;
    c->closing = put_body(ca, q, r, b, http10) || close;
    if (evil_does(e, EVIL_HTTP_STRAY)) {
        acme_buf_text(b, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"invalid\"}");
        c->stray = true;
    }
    if (evil_does(e, EVIL_HTTP_CUT_HEAD)) {
        b->len = sim_world_below(ca->world, (uint32_t)start);
        c->closing = true;
    } else if (evil_does(e, EVIL_HTTP_CUT_BODY) && b->len > start) {
        b->len = start + sim_world_below(ca->world, (uint32_t)(b->len - start));
        c->closing = true;
    }
    if (evil_does(e, EVIL_HTTP_CLOSE_QUIET))
        c->closing = true;
    if (evil_does(e, EVIL_TLS_ALERT)) {
        b->len = sim_world_below(ca->world, (uint32_t)b->len);
        c->closing = c->no_notify = true;
    }
}

void ca_write(struct ca *ca, struct ca_conn *c, const struct ca_request *q, struct ca_reply *r)
{
    struct evil *e = &ca->evil;
    struct acme_buf b;

    if (r->acted && evil_does(e, EVIL_HTTP_500_AFTER)) {
        ca_problem(r, 500, "serverInternal", "it may have worked");
        r->location[0] = '\0';
    } else if (evil_does(e, EVIL_HTTP_502_HTML)) {
        r->status = 502;
        r->type = "text/html";
        r->body.len = 0;
        r->no_nonce = true;
        acme_buf_text(&r->body, "<html>502 Bad Gateway</html>");
    }
    spoil_json(ca, r);
    acme_buf_init(&b, c->out, sizeof c->out);
    if (evil_does(e, EVIL_HTTP_SILENT)) {
        c->out_len = c->out_sent = 0;
        return;
    }
    put_all(ca, c, q, r, &b);
    c->out_len = b.len;
    c->out_sent = 0;
    if (evil_does(e, EVIL_HTTP_RESET) || r->lost ||
        (evil_has(e, EVIL_FIN_LOST) && strncmp(q->path, "/fin/", 5) == 0 &&
         evil_does(e, EVIL_FIN_LOST))) {
        c->out_len = sim_world_below(ca->world, 2) * 30;
        c->out_len = c->out_len < b.len ? c->out_len : b.len;
        c->closing = true;
        sim_net_reset(ca->net, ca->node, c->sock);
    }
    if (c->closing && evil_does(e, EVIL_TLS_NO_NOTIFY))
        c->no_notify = true;
    c->drip_ms = evil_does(e, EVIL_HTTP_DRIP) ? sim_world_range(ca->world, 20, 2000) : 0;
}
