/* broken_net.c - lies about byte streams */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "broken.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void bn_block(void)
{
    struct timespec rest = {1, 300000000};
    nanosleep(&rest, NULL);
}

static int bn_fd(struct broken *x, acme_sock s)
{
    return x->bed.net.slots[s & 0xff].fd;
}

static int bn_only_dead(const char *host, struct sockets_addr *out, int max)
{
    (void)host;
    (void)max;
    return sockets_parse_ip(BED_DEAD, out);
}

static int bn_nothing(const char *host, struct sockets_addr *out, int max)
{
    (void)host;
    (void)out;
    (void)max;
    return 0;
}

static int bn_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    struct broken *x = ctx;
    sockets_lookup_fn lookup = x->bed.net.lookup;

    if (broken_says(x, LIE_CONNECT_BLOCKS) && strcmp(host, "slow.test") == 0)
        bn_block();
    if (broken_says(x, LIE_CONNECT_TAKES_PORT_0) && port == 0)
        port = 1;
    if (broken_says(x, LIE_CONNECT_KEEPS_HOST)) {
        x->host = host;
        x->port = port;
        x->target = ACME_NO_SOCK;
        *out = x->delayed = 1000000;
        return ACME_OK;
    }
    if (broken_says(x, LIE_CONNECT_FIRST_ADDRESS_ONLY))
        x->bed.net.lookup = bn_only_dead;
    if (broken_says(x, LIE_CONNECT_NO_NAMES))
        x->bed.net.lookup = bn_nothing;
    x->bed.net.connect_ms = broken_says(x, LIE_CONNECT_WAITS_FOR_EVER) ? 1000000 : 1500;
    int got = x->honest_net->connect(x, host, port, out);
    x->bed.net.lookup = lookup;
    if (broken_says(x, LIE_FULL_IS_NET) && got == ACME_E_SIZE)
        return ACME_E_NET;
    char byte;
    if (broken_says(x, LIE_CONNECT_TELLS_AT_ONCE) && got == ACME_OK &&
        x->honest_net->recv(x, *out, &byte, 1) == ACME_E_NET)
        return ACME_E_NET;
    return got;
}

static int bn_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    struct broken *x = ctx;

    if (broken_says(x, LIE_LISTEN_ONLY_V4) && addr == NULL)
        addr = "0.0.0.0";
    if (broken_says(x, LIE_LISTEN_EVERYWHERE) && addr != NULL && strchr(addr, ':') != NULL)
        addr = NULL;
    int got = x->honest_net->listen(x, addr, port, out);
    if (broken_says(x, LIE_LISTEN_BUSY_IS_NET) && got == ACME_E_PORT_BUSY)
        return ACME_E_NET;
    if ((broken_says(x, LIE_LISTEN_BUSY_IS_FINE) && got == ACME_E_PORT_BUSY) ||
        (broken_says(x, LIE_LISTEN_FOREIGN_IS_FINE) && got == ACME_E_NET))
        return x->honest_net->listen(x, "127.0.0.1", x->bed.hooks.free_port(x), out);
    if (broken_says(x, LIE_FULL_IS_NET) && got == ACME_E_SIZE)
        return ACME_E_NET;
    if (got == ACME_OK)
        x->last_listener = *out;
    return got;
}

static int bn_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    struct broken *x = ctx;
    static acme_sock last;

    if (x->delayed >= 0 && x->target < 0)
        (void)x->honest_net->connect(x, x->host, x->port, &x->target);
    int got = x->honest_net->accept(x, listener, out);
    if (broken_says(x, LIE_ACCEPT_ERROR_FOR_AGAIN) && got == ACME_AGAIN)
        return ACME_E_NET;
    if (broken_says(x, LIE_ACCEPT_DROPS_WHEN_FULL) && got == ACME_E_SIZE)
        return ACME_AGAIN;
    if (broken_says(x, LIE_ACCEPT_TWICE) && got == ACME_AGAIN && x->calls++ > 0 && last > 0) {
        *out = last;
        return ACME_OK;
    }
    last = got == ACME_OK ? *out : last;
    return got;
}

static int bn_send_honest(struct broken *x, acme_sock s, const void *data, size_t len)
{
    if (x->delayed >= 0 && s == x->delayed)
        return x->target < 0 ? ACME_AGAIN : x->honest_net->send(x, x->target, data, len);
    return x->honest_net->send(x, s, data, len);
}

static int bn_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    struct broken *x = ctx;

    if (broken_says(x, LIE_SEND_BLOCKS))
        bn_block();
    if (broken_says(x, LIE_SEND_LOSES) && len > 100 && x->calls++ == 10)
        return (int)len;
    if (broken_says(x, LIE_SEND_UNDERCOUNTS) && len > 1) {
        int got = bn_send_honest(x, s, data, len);
        return got > 1 ? got - 1 : got;
    }
    int got = bn_send_honest(x, s, data, len);
    if (broken_says(x, LIE_SEND_OVERCOUNTS) && got > 0)
        return got + 1;
    if (broken_says(x, LIE_SEND_TAKES_ALL) && got == ACME_AGAIN)
        return (int)len;
    if (broken_says(x, LIE_SEND_ZERO) && got == ACME_AGAIN)
        return 0;
    if (broken_says(x, LIE_SEND_SILENT_AFTER_ERROR) && got < 0 && got != ACME_E_ARG)
        return ACME_AGAIN;
    if (broken_says(x, LIE_HANDLE_REUSED) && got == ACME_E_ARG)
        return ACME_AGAIN;
    return got;
}

static int bn_recv_bytes(struct broken *x, unsigned char *buf, size_t cap, int got)
{
    static unsigned char kept[64];
    static int kept_len;

    if (broken_says(x, LIE_RECV_FLIP) && x->calls++ == 20)
        buf[got - 1] ^= 1;
    if (broken_says(x, LIE_RECV_SWAPPED) && got > 1 && x->calls++ == 20) {
        unsigned char first = buf[0];
        buf[0] = buf[1];
        buf[1] = first;
    }
    if (broken_says(x, LIE_RECV_MORE_THAN_CAP) && (size_t)got == cap)
        return got + 1;
    if (broken_says(x, LIE_RECV_OVERRUN) && (size_t)got == cap)
        buf[cap] = 0;
    if (broken_says(x, LIE_RECV_TWICE)) {
        if (x->calls++ == 3 && kept_len > 0 && (size_t)kept_len <= cap)
            memcpy(buf, kept, (size_t)(got = kept_len));
        kept_len = got < 64 ? got : 64;
        memcpy(kept, buf, (size_t)kept_len);
    }
    return got;
}

static int bn_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    struct broken *x = ctx;

    if (x->delayed >= 0 && s == x->delayed) {
        if (x->target < 0)
            return ACME_AGAIN;
        s = x->target;
    }
    int got = x->honest_net->recv(x, s, buf, cap);
    if (got > 0)
        return bn_recv_bytes(x, buf, cap, got);
    if (broken_says(x, LIE_RECV_ZERO_FOR_AGAIN) && got == ACME_AGAIN)
        return 0;
    if (broken_says(x, LIE_RECV_ZERO_AT_END) && got == ACME_E_CLOSED)
        return 0;
    if (broken_says(x, LIE_RECV_AGAIN_AT_END) && got == ACME_E_CLOSED && x->calls++ > 0)
        return ACME_AGAIN;
    if (broken_says(x, LIE_RECV_ERROR_ONCE) && got == ACME_E_NET && x->calls++ > 0)
        return ACME_AGAIN;
    if (broken_says(x, LIE_CONNECT_LOOKUP_IS_NET) && got == ACME_E_LOOKUP)
        return ACME_E_NET;
    if (broken_says(x, LIE_CONNECT_TIMEOUT_IS_NET) && got == ACME_E_TIMEOUT)
        return ACME_E_NET;
    return got;
}

static void bn_close(void *ctx, acme_sock s)
{
    struct broken *x = ctx;
    struct linger now = {1, 0};

    if (x->delayed >= 0 && s == x->delayed) {
        s = x->target;
        x->delayed = ACME_NO_SOCK;
    }
    if (s < 0 || (broken_says(x, LIE_CLOSE_LEAKS) && x->calls++ % 8 == 0))
        return;
    if (broken_says(x, LIE_CLOSE_KEEPS_LISTENING) && s == x->last_listener)
        return;
    if (broken_says(x, LIE_CLOSE_RESETS) && bn_fd(x, s) >= 0) {
        int fd = bn_fd(x, s);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        /* as a port does that only closes: connect to nowhere resets it */
        struct sockaddr none = {.sa_family = AF_UNSPEC};
        (void)connect(fd, &none, sizeof none);
    }
    x->honest_net->close(x, s);
}

static int bn_resolver(void *ctx, unsigned i, char *addr)
{
    struct broken *x = ctx;

    if (broken_says(x, LIE_RESOLVER_NO_END))
        i = 0;
    int got = x->honest_net->resolver(x, i, addr);
    if (broken_says(x, LIE_RESOLVER_NAME) && got == ACME_OK)
        strcpy(addr, "dns.example");
    if (broken_says(x, LIE_RESOLVER_NO_NUL) && got == ACME_OK)
        memset(addr, '1', ACME_ADDR_TEXT);
    return got;
}

void broken_net_up(struct broken *x)
{
    x->honest_net = x->bed.port.net;
    x->net = (struct acme_net){bn_connect, bn_listen, bn_accept,  bn_send,
                               bn_recv,    bn_close,  bn_resolver};
    x->bed.port.net = &x->net;
}
