#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "sockets_net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets_private.h"

#define SK_RETRY_MS 50 /* until a look-up that found no free thread tries again */

/* Move everything on: true when a connection was made or failed, so the caller has work. */
static bool sk_drive(struct sockets_net *net)
{
    bool news = false;
    uint64_t now = sockets_now();

    for (int i = 0; i < SOCKETS_MAX; i++) {
        struct sockets_slot *s = &net->slots[i];
        if (s->state == SOCKETS_LOOKUP || s->state == SOCKETS_CONNECTING) {
            sockets_progress(net, s);
            news = news || s->state == SOCKETS_OPEN || s->state == SOCKETS_FAILED;
        } else if (s->state == SOCKETS_LINGER && (now >= s->deadline || sockets_drained(s->fd))) {
            sockets_free(net, s);
        }
    }
    return news;
}

struct sk_poll {
    struct pollfd fds[SOCKETS_MAX + 1];
    uint8_t slot[SOCKETS_MAX + 1];
    nfds_t count;
};

/* What to poll, and until when at most. */
static uint64_t sk_collect(struct sockets_net *net, struct sk_poll *p, uint64_t until)
{
    p->fds[0] = (struct pollfd){net->wake[0], POLLIN, 0};
    p->count = 1;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        struct sockets_slot *s = &net->slots[i];
        short events = 0;
        uint64_t end = until;
        if (s->state == SOCKETS_LOOKUP) {
            end = s->job < 0 ? sockets_now() + SK_RETRY_MS : s->deadline;
        } else if (s->state == SOCKETS_CONNECTING) {
            events = POLLOUT;
            end = s->addr_deadline;
        } else if (s->state == SOCKETS_LINGER) {
            events = POLLIN;
            end = s->deadline;
        } else if (s->state == SOCKETS_OPEN || s->state == SOCKETS_LISTEN) {
            events = (short)((s->want & SOCKETS_READ ? POLLIN : 0) |
                             (s->want & SOCKETS_WRITE ? POLLOUT : 0));
        }
        until = end < until ? end : until;
        if (events == 0)
            continue;
        p->slot[p->count] = (uint8_t)i;
        p->fds[p->count++] = (struct pollfd){s->fd, events, 0};
    }
    return until;
}

/* True when one of the caller's sockets is ready or somebody called sockets_wake. A socket wakes
 * once for each time it was asked: one that nobody reads must not keep the program awake. */
static bool sk_events(struct sockets_net *net, struct sk_poll *p)
{
    char junk[64];
    bool news = p->fds[0].revents != 0;

    while (p->fds[0].revents != 0 && read(net->wake[0], junk, sizeof junk) > 0)
        continue;
    for (nfds_t k = 1; k < p->count; k++) {
        struct sockets_slot *s = &net->slots[p->slot[k]];
        if (p->fds[k].revents == 0 || s->state == SOCKETS_LINGER || s->state == SOCKETS_CONNECTING)
            continue;
        news = true;
        s->want &= (uint8_t) ~((p->fds[k].revents & POLLOUT ? SOCKETS_WRITE : 0) |
                               (p->fds[k].revents & POLLIN ? SOCKETS_READ : 0));
        if (p->fds[k].revents & (POLLERR | POLLHUP | POLLNVAL))
            s->want = 0;
    }
    return news;
}

void sockets_wait(struct sockets_net *net, uint32_t ms)
{
    uint64_t end = sockets_now() + ms;

    for (;;) {
        struct sk_poll p;
        if (sk_drive(net))
            return;
        uint64_t until = sk_collect(net, &p, end);
        uint64_t now = sockets_now();
        uint64_t left = until > now ? until - now : 0;
        int n = poll(p.fds, p.count, left < 3600000 ? (int)left : 3600000);
        if (n < 0 || (n > 0 && sk_events(net, &p)))
            return;
        if (sockets_now() >= end) {
            (void)sk_drive(net);
            return;
        }
    }
}

void sockets_wake(struct sockets_net *net)
{
    int err = errno; /* a signal handler leaves it as it was */
    ssize_t ignored = write(net->wake[1], "", 1);

    (void)ignored; /* a full pipe wakes as well */
    errno = err;
}

int sockets_init(struct sockets_net *net)
{
    memset(net, 0, sizeof *net);
    net->lookup_ms = 20000;
    net->address_ms = 5000;
    net->connect_ms = 30000;
    net->linger_ms = 2000;
    net->lookup = sockets_getaddrinfo;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        net->slots[i].fd = -1;
        net->slots[i].job = -1;
    }
    return pipe2(net->wake, O_CLOEXEC | O_NONBLOCK) == 0 ? ACME_OK : ACME_E_SIZE;
}

void sockets_down(struct sockets_net *net)
{
    for (int i = 0; i < SOCKETS_MAX; i++) {
        struct sockets_slot *s = &net->slots[i];
        if (s->state == SOCKETS_OPEN || s->state == SOCKETS_LINGER) {
            (void)shutdown(s->fd, SHUT_WR);
            (void)sockets_drained(s->fd);
        }
        sockets_free(net, s);
    }
    close(net->wake[0]);
    close(net->wake[1]);
}
