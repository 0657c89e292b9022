/* fuzz_exchange.c - whole exchanges (core/acme_exchange.c) against a server that sends anything
 *
 * Linked with tests/sim/tls_plain.c: bytes come without TLS. Input: flags (1: HEAD, 2: the server
 * closes at the end, 4: a small io buffer, 8: a second request follows), a seed for where pieces
 * are cut, and what the server sends.
 */
#include "acme_exchange.h"
#include "fuzz.h"

static struct {
    struct acme_slice stream;
    size_t at;
    bool closes, whole, fresh;
    uint32_t seed;
    uint64_t ms;
    int open;
} net;

static int net_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    (void)ctx;
    FUZZ_CHECK(strcmp(host, "ca.example") == 0 && port == 443 && net.open == 0);
    net.open++;
    net.fresh = true;
    *out = 0;
    return ACME_OK;
}

static int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx;
    FUZZ_CHECK(s == 0 && net.open == 1 && len > 0 && data != NULL);
    return (int)len;
}

static int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    size_t left = net.stream.len - net.at;
    size_t len = net.whole ? left : 1 + fuzz_random(&net.seed) % (net.seed & 64 ? 4 : 300);

    (void)ctx;
    FUZZ_CHECK(s == 0 && net.open == 1 && cap > 0);
    if (net.fresh) { /* the verdict of a handshake that went well */
        net.fresh = false;
        *(char *)buf = 'k';
        return 1;
    }
    if (left == 0)
        return net.closes ? ACME_E_CLOSED : ACME_AGAIN;
    if (!net.whole && fuzz_random(&net.seed) % 4 == 0)
        return ACME_AGAIN;
    len = len < left ? len : left;
    len = len < cap ? len : cap;
    memcpy(buf, net.stream.ptr + net.at, len);
    net.at += len;
    return (int)len;
}

static void net_close(void *ctx, acme_sock s)
{
    (void)ctx;
    FUZZ_CHECK(s == 0 && net.open == 1);
    net.open--;
}

static uint64_t net_now(void *ctx)
{
    (void)ctx;
    return net.ms;
}

static int net_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    *seconds = 1795000000;
    return ACME_OK;
}

static const struct acme_net net_ops = {
    .connect = net_connect, .send = net_send, .recv = net_recv, .close = net_close};
static const struct acme_port port = {.net = &net_ops, .now_ms = net_now, .unix_time = net_time};

struct outcome {
    int err;
    struct acme_reply reply;
};

static struct outcome run(struct acme_exchange *x, bool head_request)
{
    struct acme_url url;
    struct outcome o = {ACME_AGAIN, {{0}, {NULL, 0}}};

    FUZZ_CHECK(acme_url_read(acme_slice_text("https://ca.example/x"), &url) == ACME_OK);
    FUZZ_CHECK(acme_exchange_start(x, &url, 10, head_request) == ACME_OK);
    for (unsigned polls = 0; o.err == ACME_AGAIN; polls++) {
        FUZZ_CHECK(polls < 200000);
        o.err = acme_exchange_poll(x, &o.reply);
        if (net.at == net.stream.len && !net.closes)
            net.ms += acme_exchange_wait_ms(x) == 0 ? 0 : ACME_IDLE_MS;
    }
    FUZZ_CHECK(o.err == ACME_OK || o.err == ACME_E_HTTP || o.err == ACME_E_SIZE ||
               o.err == ACME_E_CLOSED || o.err == ACME_E_TIMEOUT);
    FUZZ_CHECK(o.err == ACME_OK || net.open == 0);
    if (o.err == ACME_OK) {
        struct acme_slice io = acme_slice_of(x->io.ptr, x->io.len);

        FUZZ_CHECK(fuzz_inside(o.reply.body, io) && fuzz_inside(o.reply.head.fields, io));
        FUZZ_CHECK(o.reply.head.status >= 200 && o.reply.head.status <= 599);
        FUZZ_CHECK(!head_request || o.reply.body.len == 0);
        FUZZ_CHECK(o.reply.head.framing != ACME_HTTP_LENGTH ||
                   o.reply.head.length == o.reply.body.len);
    }
    return o;
}

static struct outcome start(struct acme_exchange *x, struct acme_slice stream, uint8_t flags,
                            uint32_t seed, bool whole)
{
    static const struct acme_slice ders[1];
    static const struct acme_anchors anchors = {ders, 1};
    size_t io_len = flags & 4 ? 600 : 16384;

    memset(&net, 0, sizeof net);
    net.stream = stream;
    net.closes = (flags & 2) != 0;
    net.whole = whole;
    net.seed = seed;
    acme_exchange_init(x, &port, &anchors, (struct acme_span){fuzz_room(io_len), io_len});
    return run(x, flags & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    uint8_t flags = fuzz_byte(&in);
    uint8_t seed = fuzz_byte(&in);
    struct acme_slice stream = fuzz_rest(&in);
    struct acme_exchange one, many;
    struct outcome a = start(&one, stream, flags, seed, true), b;
    bool kept = net.open == 1;

    if (kept && flags & 8)
        (void)run(&one, !(flags & 1));
    acme_exchange_close(&one);
    FUZZ_CHECK(net.open == 0);
    b = start(&many, stream, flags, seed, false);
    FUZZ_CHECK(a.err == b.err);
    if (a.err == ACME_OK && !(kept && flags & 8)) {
        FUZZ_CHECK(a.reply.head.status == b.reply.head.status &&
                   fuzz_same(a.reply.head.fields, b.reply.head.fields) &&
                   fuzz_same(a.reply.body, b.reply.body));
        /* Only what the server sent behind its reply may have ended it earlier. */
        FUZZ_CHECK(!kept || net.open == 1);
    }
    acme_exchange_close(&many);
    FUZZ_CHECK(net.open == 0);
    free(one.io.ptr);
    free(many.io.ptr);
    return 0;
}
