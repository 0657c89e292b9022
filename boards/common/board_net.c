#include "board_net.h"

#include "board_fiber.h"
#include "lwip_net.h"

static int let(int answer)
{
    board_fiber_let();
    return answer;
}

static int net_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    board_fiber_hold();
    return let(lwip_net_ops.connect(ctx, host, port, out));
}

static int net_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    board_fiber_hold();
    return let(lwip_net_ops.listen(ctx, addr, port, out));
}

static int net_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    board_fiber_hold();
    return let(lwip_net_ops.accept(ctx, listener, out));
}

static int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    board_fiber_hold();
    return let(lwip_net_ops.send(ctx, s, data, len));
}

static int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    board_fiber_hold();
    return let(lwip_net_ops.recv(ctx, s, buf, cap));
}

static void net_close(void *ctx, acme_sock s)
{
    board_fiber_hold();
    lwip_net_ops.close(ctx, s);
    board_fiber_let();
}

static int net_resolver(void *ctx, unsigned i, char *addr)
{
    board_fiber_hold();
    return let(lwip_net_ops.resolver(ctx, i, addr));
}

const struct acme_net board_net_ops = {
    .connect = net_connect,
    .listen = net_listen,
    .accept = net_accept,
    .send = net_send,
    .recv = net_recv,
    .close = net_close,
    .resolver = net_resolver,
};
