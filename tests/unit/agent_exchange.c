/* The functions of acme_exchange.h without a network: a request goes to the CA of agent_ca.c, and
 * the reply may be changed, replaced or lost by the test's script. */
#include "agent_world.h"

#include "acme_exchange.h"

void acme_exchange_init(struct acme_exchange *x, const struct acme_port *port,
                        const struct acme_anchors *anchors, struct acme_span io)
{
    memset(x, 0, sizeof *x);
    x->port = port;
    x->anchors = anchors;
    x->io = io;
}

static const struct w_script *find_script(const char *row, int nth, const char *url)
{
    for (const struct w_script *s = w.script; s != NULL && s->row != NULL; s++) {
        int count = s->count == 0 ? 1 : s->count;
        int from = s->from == 0 ? 1 : s->from;
        if (s->host != NULL && strstr(url, s->host) == NULL)
            continue;
        if (strcmp(s->row, row) == 0 && nth >= from && nth < from + count)
            return s;
    }
    return NULL;
}

static void replace_all(char *text, size_t room, const char *find, const char *put)
{
    static char out[W_IO];
    size_t n = 0;

    for (const char *at = text; *at != '\0' && n + strlen(put) + 1 < sizeof out;) {
        if (strncmp(at, find, strlen(find)) == 0) {
            memcpy(out + n, put, strlen(put));
            n += strlen(put);
            at += strlen(find);
        } else
            out[n++] = *at++;
    }
    out[n] = '\0';
    (void)snprintf(text, room, "%s", out);
}

static void rename_ca(const char *name)
{
    replace_all(w.reply_head, sizeof w.reply_head, "https://ca.example", name);
    if (w.reply_len > 0 && w.reply_body[0] == '{') {
        replace_all(w.reply_body, sizeof w.reply_body, "https://ca.example", name);
        w.reply_len = strlen(w.reply_body);
    }
}

static void apply_script(const struct w_script *s)
{
    if (s->find != NULL) {
        replace_all(w.reply_head, sizeof w.reply_head, s->find, s->put);
        replace_all(w.reply_body, sizeof w.reply_body, s->find, s->put);
        w.reply_len = strlen(w.reply_body);
    }
    if (s->status != 0)
        w.reply_status = s->status;
    if (s->body != NULL) {
        w.reply_len = strlen(s->body);
        memcpy(w.reply_body, s->body, w.reply_len + 1);
    }
    if (s->no_nonce)
        replace_all(w.reply_head, sizeof w.reply_head, "Replay-Nonce", "X-Nothing");
    if (s->fields != NULL)
        (void)strncat(w.reply_head, s->fields, sizeof w.reply_head - strlen(w.reply_head) - 1);
    w.reply_lost = s->lost;
}

/* What was asked last: a real exchange sends it from io, in the polls. */
static char request[W_IO + 1];
static size_t request_size;

int acme_exchange_start(struct acme_exchange *x, const struct acme_url *url, size_t request_len,
                        bool head_request)
{
    char method[8] = "", target[ACME_MAX_URL + 40], path[ACME_MAX_URL + 1] = "";
    const char *row = acme_rows[agent.step].name;
    const char *body;
    const struct w_script *s;

    if (request_len == 0 || request_len > x->io.len)
        return ACME_E_ARG;
    memcpy(request, x->io.ptr, request_len);
    request_size = request_len;
    request[request_len] = '\0';
    body = strstr(request, "\r\n\r\n");
    (void)sscanf(request, "%7s %1023s", method, path);
    (void)snprintf(target, sizeof target, "https://%.*s%s", (int)url->authority.len,
                   (const char *)url->authority.ptr, path);
    w_power();
    if (w.requests < 4000) {
        w.request_ms[w.requests] = w.ms;
        w.request_row[w.requests] = agent.step;
    }
    w.requests++;
    x->requests++;
    if (x->host[0] == '\0') {
        x->connections++;
        w.connections++;
    }
    x->host[0] = 'x';
    w_note("Q:%s", row);
    s = find_script(row, ++w.per_row[agent.step], target);
    w.reply_head[0] = w.reply_body[0] = '\0';
    w.reply_len = 0;
    w.reply_lost = 0;
    w.reply_status = 200;
    w.reply_head_only = head_request;
    if (s == NULL || s->act || s->status == 0)
        if (s == NULL || s->lost == 0 || s->act)
            ca_serve(method, target, body != NULL ? body + 4 : "",
                     body != NULL ? request_len - (size_t)(body + 4 - request) : 0);
    if (w.reply_head[0] == '\0' && agent.step != ACME_ROW_DIRECTORY && (s == NULL || !s->no_nonce))
        (void)snprintf(w.reply_head, sizeof w.reply_head, "Replay-Nonce: n%u\r\n", w.nonces++);
    if (s != NULL)
        apply_script(s);
    if (strncmp(target, "https://ca1.example", 19) == 0)
        rename_ca("https://ca1.example");
    if (strncmp(target, "https://ca2.example", 19) == 0)
        rename_ca("https://ca2.example");
    w_power();
    x->phase = 1;
    return ACME_OK;
}

int acme_exchange_poll(struct acme_exchange *x, struct acme_reply *reply)
{
    int head;

    w.ms += 5;
    w.bad_jws += memcmp(x->io.ptr, request, request_size) != 0;
    if (w.reply_lost != 0) {
        x->error = w.reply_lost;
        x->phase = 0;
        x->host[0] = '\0';
        return w.reply_lost;
    }
    x->phase = 0;
    memset(reply, 0, sizeof *reply);
    head = snprintf((char *)x->io.ptr, x->io.len, "HTTP/1.1 %d Words\r\n%s\r\n", w.reply_status,
                    w.reply_head);
    if (head < 0 || (size_t)head + w.reply_len > x->io.len)
        return ACME_E_SIZE;
    head = acme_http_read_head(acme_slice_of(x->io.ptr, (size_t)head), w.reply_head_only,
                               &reply->head);
    if (head < 0)
        return ACME_E_HTTP;
    if (!w.reply_head_only)
        memcpy(x->io.ptr + head, w.reply_body, w.reply_len);
    reply->body = acme_slice_of(x->io.ptr + head, w.reply_head_only ? 0 : w.reply_len);
    return ACME_OK;
}

uint32_t acme_exchange_wait_ms(const struct acme_exchange *x)
{
    return x->phase != 0 ? 0 : UINT32_MAX;
}

bool acme_exchange_is_up(const struct acme_exchange *x)
{
    return x->phase == 0 && x->host[0] != '\0';
}

bool acme_exchange_was_stale(const struct acme_exchange *x)
{
    (void)x;
    return false;
}

void acme_exchange_close(struct acme_exchange *x)
{
    x->host[0] = '\0';
    x->phase = 0;
}
