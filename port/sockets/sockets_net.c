#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, SOCK_CLOEXEC: POSIX 2024, older in every libc */
#endif
#include "sockets_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sockets_private.h"

#define SK_BACKLOG 128       /* 100 names, each asked for from several places, between two polls */
#define SK_DRAIN   65536     /* bytes thrown away at one go of a closed connection */
#define SK_ONCE    (1 << 20) /* bytes offered to the system in one call */

typedef char sk_index_fits[SOCKETS_MAX >= 1 && SOCKETS_MAX <= 256 ? 1 : -1];

uint64_t sockets_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static int sk_error(int sys)
{
    switch (sys) {
    case EMFILE:
    case ENFILE:
        return ACME_E_SIZE;
    case ETIMEDOUT:
        return ACME_E_TIMEOUT;
    case EPIPE:
        return ACME_E_CLOSED;
    default:
        return ACME_E_NET;
    }
}

/* ---- the table ---- */

static acme_sock sk_handle(struct sockets_net *net, const struct sockets_slot *s)
{
    return (acme_sock)(s->generation << 8 | (uint32_t)(s - net->slots));
}

static struct sockets_slot *sk_find(struct sockets_net *net, acme_sock sock)
{
    uint32_t index = (uint32_t)sock & 0xff;

    if (sock < 0 || index >= SOCKETS_MAX)
        return NULL;
    struct sockets_slot *s = &net->slots[index];
    if (s->state == SOCKETS_FREE || s->state == SOCKETS_LINGER ||
        s->generation != (uint32_t)sock >> 8)
        return NULL;
    return s;
}

static void sk_drop_fd(struct sockets_slot *s)
{
    if (s->fd >= 0)
        close(s->fd); /* never again after EINTR: the number may be another's by then */
    s->fd = -1;
}

void sockets_free(struct sockets_net *net, struct sockets_slot *s)
{
    if (s->job >= 0)
        sockets_lookup_abandon(s->job);
    s->job = -1;
    sk_drop_fd(s);
    s->state = SOCKETS_FREE;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        if (net->slots[i].starved) {
            net->slots[i].starved = false;
            net->slots[i].want |= SOCKETS_READ;
        }
    }
}

/* A free socket; else the closed one that has been delivering for longest gives up its place. */
static struct sockets_slot *sk_alloc(struct sockets_net *net)
{
    struct sockets_slot *found = NULL;

    for (int i = 0; i < SOCKETS_MAX; i++) {
        struct sockets_slot *s = &net->slots[i];
        if (s->state == SOCKETS_FREE) {
            found = s;
            break;
        }
        if (s->state == SOCKETS_LINGER && (found == NULL || s->deadline < found->deadline))
            found = s;
    }
    if (found == NULL)
        return NULL;
    sk_drop_fd(found);
    uint32_t generation = (found->generation + 1) & 0x7fffff;
    memset(found, 0, sizeof *found);
    found->generation = generation;
    found->fd = -1;
    found->job = -1;
    return found;
}

static void sk_fail(struct sockets_slot *s, int err)
{
    if (s->job >= 0)
        sockets_lookup_abandon(s->job);
    s->job = -1;
    sk_drop_fd(s);
    s->state = SOCKETS_FAILED;
    s->err = err;
}

/* ---- connecting ---- */

static socklen_t sk_sockaddr(const struct sockets_addr *a, uint16_t port,
                             struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (a->family == 4) {
        struct sockaddr_in in;
        memset(&in, 0, sizeof in);
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(out, &in, sizeof in);
        return (socklen_t)sizeof in;
    }
    struct sockaddr_in6 in6;
    memset(&in6, 0, sizeof in6);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    in6.sin6_scope_id = a->scope;
    memcpy(&in6.sin6_addr, a->ip, 16);
    memcpy(out, &in6, sizeof in6);
    return (socklen_t)sizeof in6;
}

static int sk_socket(const struct sockets_addr *a)
{
    return socket(a->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  0);
}

static void sk_opened(struct sockets_slot *s, int fd)
{
    int on = 1;

    /* Requests are written whole, so waiting for more bytes only costs time. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->fd = fd;
    s->state = SOCKETS_OPEN;
    s->want = SOCKETS_READ;
}

/* Try the next address and the ones after it until one may answer; err says what became of the
 * last one. */
static void sk_next_address(struct sockets_net *net, struct sockets_slot *s, int err)
{
    sk_drop_fd(s);
    while (s->addr_next < s->addr_count) {
        struct sockaddr_storage to;
        const struct sockets_addr *a = &s->to.addrs[s->addr_next++];
        uint64_t now = sockets_now();

        if (now >= s->deadline) {
            err = ACME_E_TIMEOUT;
            break;
        }
        int fd = sk_socket(a);
        if (fd < 0) {
            err = sk_error(errno);
            continue;
        }
        socklen_t len = sk_sockaddr(a, s->port, &to);
        if (connect(fd, (struct sockaddr *)&to, len) == 0) {
            sk_opened(s, fd);
            return;
        }
        if (errno == EINPROGRESS || errno == EINTR) {
            s->fd = fd;
            s->addr_deadline = s->deadline;
            if (s->addr_next < s->addr_count && now + net->address_ms < s->deadline)
                s->addr_deadline = now + net->address_ms;
            return;
        }
        err = sk_error(errno);
        close(fd);
    }
    sk_fail(s, err);
}

static void sk_connect_all(struct sockets_net *net, struct sockets_slot *s, int count)
{
    s->state = SOCKETS_CONNECTING;
    s->addr_next = 0;
    s->addr_count = (uint8_t)count;
    s->deadline = sockets_now() + net->connect_ms;
    sk_next_address(net, s, ACME_E_NET);
}

static void sk_progress_lookup(struct sockets_net *net, struct sockets_slot *s)
{
    if (s->job < 0)
        s->job = sockets_lookup_start(s->to.host, net->lookup, net->wake[1]);
    int count = s->job < 0 ? ACME_AGAIN : sockets_lookup_take(s->job, s->to.addrs);
    if (count == ACME_AGAIN) {
        if (sockets_now() >= s->deadline)
            sk_fail(s, ACME_E_LOOKUP);
        return;
    }
    s->job = -1;
    if (count == 0)
        sk_fail(s, ACME_E_LOOKUP);
    else
        sk_connect_all(net, s, count);
}

static void sk_progress_connect(struct sockets_net *net, struct sockets_slot *s)
{
    struct pollfd p = {s->fd, POLLOUT, 0};
    int err = 0;
    socklen_t len = sizeof err;

    if (poll(&p, 1, 0) <= 0) {
        if (sockets_now() >= s->addr_deadline)
            sk_next_address(net, s, ACME_E_TIMEOUT);
        return;
    }
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    if (err == 0)
        sk_opened(s, s->fd);
    else
        sk_next_address(net, s, sk_error(err));
}

/* Move on what waits for a look-up or a handshake. */
void sockets_progress(struct sockets_net *net, struct sockets_slot *s)
{
    if (s->state == SOCKETS_LOOKUP)
        sk_progress_lookup(net, s);
    else if (s->state == SOCKETS_CONNECTING)
        sk_progress_connect(net, s);
}

static int sk_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    struct sockets_net *net = ctx;
    struct sockets_addr literal;
    size_t len = host != NULL ? strlen(host) : 0;

    *out = ACME_NO_SOCK;
    if (len == 0 || len > SOCKETS_HOST_MAX || port == 0)
        return ACME_E_ARG;
    struct sockets_slot *s = sk_alloc(net);
    if (s == NULL)
        return ACME_E_SIZE;
    s->port = port;
    if (sockets_parse_ip(host, &literal)) {
        s->to.addrs[0] = literal;
        sk_connect_all(net, s, 1);
    } else {
        memcpy(s->to.host, host, len + 1);
        s->state = SOCKETS_LOOKUP;
        s->deadline = sockets_now() + net->lookup_ms;
        sk_progress_lookup(net, s);
    }
    *out = sk_handle(net, s);
    return ACME_OK;
}

/* ---- listening ---- */

/* A listening descriptor, or -1 and errno. only6: an IPv6 socket does not take IPv4. */
static int sk_listen_fd(const struct sockets_addr *a, uint16_t port, int only6)
{
    struct sockaddr_storage at;
    socklen_t len = sk_sockaddr(a, port, &at);
    int on = 1;
    int fd = sk_socket(a);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((a->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof only6) != 0) ||
        bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, SK_BACKLOG) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* Every address: one socket for both families, or IPv4 alone where there is no IPv6. */
static int sk_listen_any(uint16_t port)
{
    struct sockets_addr any;

    memset(&any, 0, sizeof any);
    any.family = 6;
    int fd = sk_listen_fd(&any, port, 0);
    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == EADDRNOTAVAIL ||
                   errno == ENOPROTOOPT)) {
        any.family = 4;
        fd = sk_listen_fd(&any, port, 0);
    }
    return fd;
}

static int sk_listen(void *ctx, const char *addr, uint16_t port, acme_sock *out)
{
    struct sockets_net *net = ctx;
    struct sockets_addr at;

    *out = ACME_NO_SOCK;
    if (port == 0 || (addr != NULL && !sockets_parse_ip(addr, &at)))
        return ACME_E_ARG;
    struct sockets_slot *s = sk_alloc(net);
    if (s == NULL)
        return ACME_E_SIZE;
    s->fd = addr == NULL ? sk_listen_any(port) : sk_listen_fd(&at, port, 1);
    if (s->fd < 0) {
        net->refused = port;
        if (errno == EADDRINUSE)
            return ACME_E_PORT_BUSY;
        return errno == EACCES || errno == EPERM ? ACME_E_PORT_ACCESS : sk_error(errno);
    }
    s->state = SOCKETS_LISTEN;
    s->want = SOCKETS_READ;
    *out = sk_handle(net, s);
    return ACME_OK;
}

/* One connection from the queue: its descriptor, ACME_AGAIN, or ACME_E_SIZE. */
static int sk_accept_fd(int listener)
{
    for (int tries = 0; tries < SK_BACKLOG; tries++) {
        int dead = 0;
        socklen_t len = sizeof dead;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            /* Linux hands out a connection that was reset in the queue. */
            if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &dead, &len) == 0 && dead == 0)
                return fd;
            close(fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            return ACME_E_SIZE;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return ACME_AGAIN;
        }
        /* Any other error belongs to the connection that was taken off the queue. */
    }
    return ACME_AGAIN;
}

static int sk_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    struct sockets_net *net = ctx;
    struct sockets_slot *l = sk_find(net, listener);

    *out = ACME_NO_SOCK;
    if (l == NULL || l->state != SOCKETS_LISTEN)
        return ACME_E_ARG;
    /* Not by giving up a closed one unless somebody waits: look first. */
    struct pollfd p = {l->fd, POLLIN, 0};
    l->want |= SOCKETS_READ;
    if (poll(&p, 1, 0) <= 0)
        return ACME_AGAIN;
    struct sockets_slot *s = sk_alloc(net);
    int fd = s == NULL ? ACME_E_SIZE : sk_accept_fd(l->fd);
    if (fd == ACME_E_SIZE) {
        /* It stays readable; waking for it before a socket is free would be a busy loop. */
        l->starved = true;
        l->want = 0;
    }
    if (fd < 0)
        return fd;
    sk_opened(s, fd);
    *out = sk_handle(net, s);
    return ACME_OK;
}

/* ---- bytes ---- */

/* The socket if it can carry bytes now; else NULL and the answer. */
static struct sockets_slot *sk_ready(struct sockets_net *net, acme_sock sock, const void *buf,
                                     size_t len, int *answer)
{
    struct sockets_slot *s = sk_find(net, sock);

    *answer = ACME_E_ARG;
    if (s == NULL || s->state == SOCKETS_LISTEN || buf == NULL || len == 0)
        return NULL;
    sockets_progress(net, s);
    *answer = s->state == SOCKETS_FAILED ? s->err : ACME_AGAIN;
    return s->state == SOCKETS_OPEN ? s : NULL;
}

static int sk_send(void *ctx, acme_sock sock, const void *data, size_t len)
{
    int answer;
    ssize_t n;
    struct sockets_slot *s = sk_ready(ctx, sock, data, len, &answer);

    if (s == NULL)
        return answer;
    do {
        n = send(s->fd, data, len < SK_ONCE ? len : SK_ONCE, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return (int)n;
    if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
        s->want |= SOCKETS_WRITE;
        return ACME_AGAIN;
    }
    sk_fail(s, sk_error(errno));
    return s->err;
}

static int sk_recv(void *ctx, acme_sock sock, void *buf, size_t cap)
{
    int answer;
    ssize_t n;
    struct sockets_slot *s = sk_ready(ctx, sock, buf, cap, &answer);

    if (s == NULL)
        return answer;
    do {
        n = recv(s->fd, buf, cap < SK_ONCE ? cap : SK_ONCE, 0);
    } while (n < 0 && errno == EINTR);
    s->want |= SOCKETS_READ;
    if (n > 0)
        return (int)n;
    if (n == 0) {
        s->want &= (uint8_t)~SOCKETS_READ; /* readable for ever; send may still go on */
        return ACME_E_CLOSED;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return ACME_AGAIN;
    sk_fail(s, sk_error(errno));
    return s->err;
}

/* ---- closing ---- */

/* Read away what comes: true when the peer has ended too. */
bool sockets_drained(int fd)
{
    char junk[1024];

    for (int taken = 0; taken < SK_DRAIN; taken += (int)sizeof junk) {
        ssize_t n = recv(fd, junk, sizeof junk, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno != EAGAIN && errno != EWOULDBLOCK;
        if (n == 0)
            return true;
    }
    return false;
}

static void sk_close(void *ctx, acme_sock sock)
{
    struct sockets_net *net = ctx;
    struct sockets_slot *s = sk_find(net, sock);

    if (s == NULL)
        return;
    /* close() while the peer's bytes lie unread, or still come, resets the connection, and what
     * was queued for the peer is lost. So: say that we are done, and read to the end. */
    if (s->state == SOCKETS_OPEN && shutdown(s->fd, SHUT_WR) == 0 && !sockets_drained(s->fd)) {
        s->state = SOCKETS_LINGER;
        s->want = 0;
        s->deadline = sockets_now() + net->linger_ms;
        return;
    }
    sockets_free(net, s);
}

static int sk_resolver(void *ctx, unsigned i, char *addr)
{
    (void)ctx;
    return sockets_resolver_read("/etc/resolv.conf", i, addr);
}

const struct acme_net sockets_net_ops = {sk_connect, sk_listen, sk_accept,  sk_send,
                                         sk_recv,    sk_close,  sk_resolver};
