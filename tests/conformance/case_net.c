/* case_net.c - what only sockets can show of the net contract */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const struct acme_net *const net = &sockets_net_ops;

/* A peer that is not the port: a plain blocking socket connected to our listener. */
static int xn_peer(uint16_t port)
{
    struct sockaddr_in at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        perror("case_net: connect");
    return fd;
}

static void xn_reset(int fd)
{
    struct linger now = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static int xn_accept(struct bed *b, acme_sock listener, acme_sock *s)
{
    int got = ACME_AGAIN;

    for (int i = 0; i < 200 && (got = net->accept(b, listener, s)) == ACME_AGAIN; i++)
        sockets_wait(&b->net, 10);
    return got;
}

/* recv until it is not "not yet". */
static int xn_recv(struct bed *b, acme_sock s, void *buf, size_t cap)
{
    int got = ACME_AGAIN;

    for (int i = 0; i < 1000 && (got = net->recv(b, s, buf, cap)) == ACME_AGAIN; i++)
        sockets_wait(&b->net, 10);
    return got;
}

static const char *xn_peer_resets(struct bed *b)
{
    acme_sock l, s;
    char buf[16];
    uint16_t port = b->hooks.free_port(b);

    WANT_STATUS(net->listen(b, "127.0.0.1", port, &l), ACME_OK);
    int peer = xn_peer(port);
    WANT_STATUS(xn_accept(b, l, &s), ACME_OK);
    WANT(send(peer, "abc", 3, 0) == 3);
    WANT(xn_recv(b, s, buf, sizeof buf) == 3);
    xn_reset(peer);
    WANT_STATUS(xn_recv(b, s, buf, sizeof buf), ACME_E_NET);
    WANT_STATUS(net->send(b, s, "x", 1), ACME_E_NET);
    WANT_STATUS(net->recv(b, s, buf, 1), ACME_E_NET);
    net->close(b, s);
    net->close(b, l);
    return NULL;
}

static const char *xn_reset_in_queue(struct bed *b)
{
    acme_sock l, s;
    char byte = 0;
    uint16_t port = b->hooks.free_port(b);

    WANT_STATUS(net->listen(b, NULL, port, &l), ACME_OK);
    xn_reset(xn_peer(port));
    xn_reset(xn_peer(port));
    int good = xn_peer(port);
    WANT(send(good, "G", 1, 0) == 1);
    WANT_STATUS(xn_accept(b, l, &s), ACME_OK);
    WANT(xn_recv(b, s, &byte, 1) == 1 && byte == 'G');
    net->close(b, s);
    xn_reset(xn_peer(port));
    WANT_STATUS(net->accept(b, l, &s), ACME_AGAIN); /* nothing but a dead one */
    net->close(b, l);
    close(good);
    return NULL;
}

static const char *xn_half_close(struct bed *b)
{
    acme_sock l, s;
    char buf[16];
    uint16_t port = b->hooks.free_port(b);

    WANT_STATUS(net->listen(b, "127.0.0.1", port, &l), ACME_OK);
    int peer = xn_peer(port);
    WANT(send(peer, "question", 8, 0) == 8 && shutdown(peer, SHUT_WR) == 0);
    WANT_STATUS(xn_accept(b, l, &s), ACME_OK);
    WANT(xn_recv(b, s, buf, sizeof buf) == 8);
    WANT_STATUS(xn_recv(b, s, buf, sizeof buf), ACME_E_CLOSED);
    WANT(net->send(b, s, "answer", 6) == 6);
    net->close(b, s);
    WANT(recv(peer, buf, sizeof buf, MSG_WAITALL) == 6 && memcmp(buf, "answer", 6) == 0);
    close(peer);
    net->close(b, l);
    return NULL;
}

/* The peer is gone: an error, and no SIGPIPE that would end this program. */
static const char *xn_send_to_gone(struct bed *b)
{
    acme_sock l, s;
    int got = 1;
    uint16_t port = b->hooks.free_port(b);

    WANT_STATUS(net->listen(b, "127.0.0.1", port, &l), ACME_OK);
    int peer = xn_peer(port);
    WANT_STATUS(xn_accept(b, l, &s), ACME_OK);
    close(peer);
    for (int i = 0; i < 100 && got > 0; i++) {
        got = net->send(b, s, "x", 1);
        sockets_wait(&b->net, 5);
    }
    WANT(got == ACME_E_CLOSED || got == ACME_E_NET);
    WANT(net->send(b, s, "x", 1) == got);
    net->close(b, s);
    net->close(b, l);
    return NULL;
}

static const char *xn_system_lookup(struct bed *b)
{
    acme_sock l, s, t;
    uint16_t port = b->hooks.free_port(b);
    sockets_lookup_fn before = b->net.lookup;
    uint64_t start = posix_now_ms(NULL);
    char byte;

    b->net.lookup = sockets_getaddrinfo;
    WANT_STATUS(net->connect(b, "no-such-name.invalid", port, &s), ACME_OK);
    WANT(posix_now_ms(NULL) - start < 1000);
    b->net.lookup_ms = 4000; /* of what starts from now on */
    WANT_STATUS(net->listen(b, NULL, port, &l), ACME_OK);
    acme_sock n;
    WANT_STATUS(net->connect(b, "localhost", port, &n), ACME_OK);
    WANT_STATUS(xn_accept(b, l, &t), ACME_OK);
    int got = ACME_AGAIN;
    for (int i = 0; i < 2500 && (got = net->recv(b, s, &byte, 1)) == ACME_AGAIN; i++)
        sockets_wait(&b->net, 10);
    b->net.lookup = before;
    b->net.lookup_ms = 20000;
    WANT_STATUS(got, ACME_E_LOOKUP);
    net->close(b, s);
    net->close(b, n);
    net->close(b, t);
    net->close(b, l);
    return NULL;
}

/* A look-up that takes longer than its time. */
static const char *xn_lookup_time(struct bed *b)
{
    acme_sock s;
    char byte;
    uint64_t start = posix_now_ms(NULL);

    b->net.lookup_ms = 300;
    WANT_STATUS(net->connect(b, "slow.test", 80, &s), ACME_OK);
    b->net.lookup_ms = 20000;
    WANT_STATUS(xn_recv(b, s, &byte, 1), ACME_E_LOOKUP);
    WANT(posix_now_ms(NULL) - start < 1500);
    net->close(b, s);
    return NULL;
}

/* Its thread finds the world that asked for it gone, freed and overwritten. */
static const char *xn_lookup_outlives(struct bed *b)
{
    acme_sock s;

    for (int i = 0; i < 3; i++) {
        struct sockets_net *other = malloc(sizeof *other);
        WANT(other != NULL && sockets_init(other) == ACME_OK);
        other->lookup = b->net.lookup;
        int wake = other->wake[1];
        WANT_STATUS(net->connect(other, "slow.test", 80, &s), ACME_OK);
        WANT_STATUS(net->connect(other, "slow.test", 80, &s), ACME_OK);
        sockets_down(other);
        memset(other, 0xff, sizeof *other);
        free(other);
        /* The number of its pipe is another's now, who must not find a byte in it. */
        int pair[2];
        WANT(pipe2(pair, O_NONBLOCK | O_CLOEXEC) == 0);
        WANT(pair[1] == wake || pair[0] == wake || i > 0);
        struct timespec rest = {2, 300000000};
        if (i == 2)
            nanosleep(&rest, NULL);
        char byte;
        WANT(read(pair[0], &byte, 1) < 0);
        close(pair[0]);
        close(pair[1]);
    }
    return NULL;
}

/* More look-ups than threads: all come in the end. */
static const char *xn_many_lookups(struct bed *b)
{
    acme_sock l, s[SOCKETS_LOOKUPS + 2], t;
    uint16_t port = b->hooks.free_port(b);

    WANT_STATUS(net->listen(b, "127.0.0.1", port, &l), ACME_OK);
    for (int i = 0; i < SOCKETS_LOOKUPS + 2; i++)
        WANT_STATUS(net->connect(b, "slow.test", port, &s[i]), ACME_OK);
    uint64_t end = posix_now_ms(NULL) + 15000;
    for (int have = 0; have < SOCKETS_LOOKUPS + 2;) {
        WANT(posix_now_ms(NULL) < end);
        if (net->accept(b, l, &t) == ACME_OK) {
            have++;
            net->close(b, t);
        }
        sockets_wait(&b->net, 500);
    }
    for (int i = 0; i < SOCKETS_LOOKUPS + 2; i++)
        net->close(b, s[i]);
    net->close(b, l);
    return NULL;
}

static const char *xn_parse_ip(struct bed *b)
{
    static const char *const good[] = {"0.0.0.0",    "255.255.255.255", "::", "::1", "2001:db8::1",
                                       "fe80::1%lo", "::ffff:192.0.2.1"};
    static const char *const bad[] = {"",      "1.2.3",    "1.2.3.4.5",  "256.1.1.1",
                                      "::1::", "[::1]",    "1.2.3.4%lo", "fe80::1%nosuchif",
                                      "host",  " 1.2.3.4", "1.2.3.4 ",   "1:2:3:4:5:6:7:8:9",
                                      "%lo",   "12345::"};
    struct sockets_addr a;

    (void)b;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!sockets_parse_ip(good[i], &a))
            return bed_why("\"%s\" is an address", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (sockets_parse_ip(bad[i], &a))
            return bed_why("\"%s\" is no address", bad[i]);
    }
    WANT(sockets_parse_ip("fe80::1%lo", &a) && a.scope != 0 && a.family == 6);
    WANT(sockets_parse_ip("192.0.2.1", &a) && a.family == 4 && a.ip[0] == 192 && a.ip[3] == 1);
    return NULL;
}

static bool xn_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    bool done = f != NULL && fputs(text, f) >= 0;

    return f != NULL && fclose(f) == 0 && done;
}

static const char *xn_resolv_conf(struct bed *b)
{
    static const struct {
        const char *text, *first, *second;
    } t[] = {
        {"", "127.0.0.1", NULL},
        {"nameserver 192.0.2.53\n", "192.0.2.53", NULL},
        {"nameserver 192.0.2.53", "192.0.2.53", NULL},
        {"# nameserver 1.1.1.1\n;nameserver 1.1.1.1\nsearch a b\nnameserver\t2001:db8::53  # x\n"
         "nameserver fe80::1%eth0\r\n",
         "2001:db8::53", "fe80::1%eth0"},
        {"nameserver 1.2.3\nnameserver\nnameserver dns.example\nnameserverx 1.1.1.1\n"
         "nameserver 10.0.0.1\n nameserver 10.0.0.2\n",
         "10.0.0.1", NULL},
        {"options ndots:1\n", "127.0.0.1", NULL},
    };
    char path[400], addr[ACME_ADDR_TEXT], huge[3000];

    snprintf(path, sizeof path, "%s/resolv.conf", b->dir);
    WANT(sockets_resolver_read(path, 0, addr) == ACME_OK && strcmp(addr, "127.0.0.1") == 0);
    WANT_STATUS(sockets_resolver_read(path, 1, addr), ACME_E_LOOKUP);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        WANT(xn_file(path, t[i].text));
        memset(addr, 1, sizeof addr);
        if (sockets_resolver_read(path, 0, addr) != ACME_OK || strcmp(addr, t[i].first) != 0)
            return bed_why("file %d gives %.45s", (int)i, addr);
        int second = sockets_resolver_read(path, 1, addr);
        if (t[i].second == NULL ? second != ACME_E_LOOKUP
                                : second != ACME_OK || strcmp(addr, t[i].second) != 0)
            return bed_why("file %d, second: %d", (int)i, second);
    }
    memset(huge, ' ', sizeof huge);
    memcpy(huge, "nameserver 10.1.1.1", 19); /* nobody writes such a line: it is skipped */
    strcpy(huge + sizeof huge - 30, "\nnameserver 10.9.8.7\n");
    WANT(xn_file(path, huge));
    WANT(sockets_resolver_read(path, 0, addr) == ACME_OK && strcmp(addr, "10.9.8.7") == 0);
    return NULL;
}

static const char *xn_no_ipv6(struct bed *b)
{
    acme_sock l, s, t;
    uint16_t port = b->hooks.free_port(b);

    bed_no_ipv6 = true;
    int got = net->listen(b, NULL, port, &l);
    int six = net->listen(b, "::1", port, &s);
    int first = net->connect(b, "self.test", port, &s); /* ::1 first: no such socket */
    int taken = got == ACME_OK ? xn_accept(b, l, &t) : got;
    for (int i = 0; i < 50 && taken == ACME_AGAIN; i++) {
        (void)net->send(b, s, "x", 1);
        taken = xn_accept(b, l, &t);
    }
    bed_no_ipv6 = false;
    WANT_STATUS(got, ACME_OK);
    WANT_STATUS(six, ACME_E_NET);
    WANT_STATUS(first, ACME_OK);
    WANT_STATUS(taken, ACME_OK);
    net->close(b, s);
    net->close(b, t);
    net->close(b, l);
    return NULL;
}

static const char *xn_low_port_child(struct bed *b)
{
    acme_sock l;
    int got = net->listen(b, NULL, 80, &l);

    if (got == ACME_OK || got == ACME_E_PORT_BUSY)
        return BED_SKIP "every user may listen on port 80 here, or it is taken";
    WANT_STATUS(got, ACME_E_PORT_ACCESS);
    struct conf_report report = {.quiet = true};
    b->hooks.low_port = 80;
    WANT(conf_run(&b->hooks, "N22", &report) && report.passed == 1);
    return NULL;
}

static const char *xn_low_port(struct bed *b)
{
    return bed_in_child(xn_low_port_child, b, true);
}

static const char *xn_cloexec(struct bed *b)
{
    acme_sock l, s, t, n;
    char buf[8];
    uint16_t port = b->hooks.free_port(b);

    WANT_STATUS(net->listen(b, NULL, port, &l), ACME_OK);
    WANT_STATUS(net->connect(b, "127.0.0.1", port, &s), ACME_OK);
    WANT_STATUS(xn_accept(b, l, &t), ACME_OK);
    WANT_STATUS(net->connect(b, "slow.test", port, &n), ACME_OK);
    (void)net->recv(b, s, buf, sizeof buf);
    WANT(b->net.wake[0] >= 0 && b->slots.dir_fd >= 0 && b->slots.lock_fd >= 0);
    int fds[20] = {b->net.wake[0], b->net.wake[1], b->slots.dir_fd, b->slots.lock_fd}, count = 4;
    for (int i = 0; i < SOCKETS_MAX && count < 20; i++) {
        if (b->net.slots[i].fd >= 0)
            fds[count++] = b->net.slots[i].fd;
    }
    WANT(count >= 7);
    for (int i = 0; i < count; i++)
        WANT((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
    net->close(b, s);
    net->close(b, t);
    net->close(b, n);
    net->close(b, l);
    return NULL;
}

const struct bed_case cases_net[] = {
    {"peer-resets", xn_peer_resets},
    {"reset-in-queue", xn_reset_in_queue},
    {"half-close", xn_half_close},
    {"send-to-gone-peer", xn_send_to_gone},
    {"system-lookup", xn_system_lookup},
    {"lookup-time", xn_lookup_time},
    {"lookup-outlives-net", xn_lookup_outlives},
    {"more-lookups-than-threads", xn_many_lookups},
    {"parse-ip", xn_parse_ip},
    {"resolv-conf", xn_resolv_conf},
    {"no-ipv6", xn_no_ipv6},
    {"low-port", xn_low_port},
    {"cloexec", xn_cloexec},
    {NULL, NULL},
};
