/* case_wait.c - sockets_wait, signals, short reads of entropy */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bed.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static const struct acme_net *const net = &sockets_net_ops;

static uint64_t xw_waited(struct bed *b, uint32_t ms)
{
    uint64_t start = posix_now_ms(NULL);

    sockets_wait(&b->net, ms);
    return posix_now_ms(NULL) - start;
}

static const char *xw_pair(struct bed *b, acme_sock *l, acme_sock *s, acme_sock *t)
{
    uint16_t port = b->hooks.free_port(b);
    int got = ACME_AGAIN;

    WANT_STATUS(net->listen(b, "127.0.0.1", port, l), ACME_OK);
    WANT_STATUS(net->connect(b, "127.0.0.1", port, s), ACME_OK);
    for (int i = 0; i < 100 && (got = net->accept(b, *l, t)) == ACME_AGAIN; i++)
        sockets_wait(&b->net, 10);
    WANT_STATUS(got, ACME_OK);
    return NULL;
}

static void xw_close(struct bed *b, acme_sock l, acme_sock s, acme_sock t)
{
    net->close(b, s);
    net->close(b, t);
    net->close(b, l);
}

static const char *xw_wakes(struct bed *b)
{
    acme_sock l, s, t;
    char buf[16];
    const char *why = xw_pair(b, &l, &s, &t);

    if (why != NULL)
        return why;
    (void)net->recv(b, s, buf, sizeof buf);
    (void)net->recv(b, t, buf, sizeof buf);
    (void)xw_waited(b, 20); /* what is left over from connecting */
    (void)net->recv(b, s, buf, sizeof buf);
    uint64_t idle = xw_waited(b, 300);
    WANT(idle >= 299 && idle < 2000);
    WANT(net->send(b, t, "hello", 5) == 5);
    WANT(xw_waited(b, 3000) < 1000); /* bytes came for one that asked */
    xw_close(b, l, s, t);
    return NULL;
}

/* Neither a peer's unread bytes nor its end may keep an idle program busy. */
static const char *xw_no_spin(struct bed *b)
{
    acme_sock l, s, t;
    char byte;
    unsigned wakes = 0;
    const char *why = xw_pair(b, &l, &s, &t);

    if (why != NULL)
        return why;
    WANT_STATUS(net->recv(b, s, &byte, 1), ACME_AGAIN);
    WANT(net->send(b, t, "abcdef", 6) == 6);
    net->close(b, t);
    uint64_t end = posix_now_ms(NULL) + 1000;
    while (posix_now_ms(NULL) < end) {
        sockets_wait(&b->net, 100);
        wakes++;
    }
    WANT(wakes < 30);
    /* Nor may a connection that waits for want of a free socket. */
    acme_sock fill[SOCKETS_MAX], c;
    unsigned count = 0;
    while (net->listen(b, "127.0.0.1", b->hooks.free_port(b), &fill[count]) == ACME_OK)
        count++;
    WANT(count > 2);
    net->close(b, fill[--count]);
    uint16_t port = b->hooks.free_port(b);
    net->close(b, fill[--count]);
    WANT_STATUS(net->listen(b, "127.0.0.1", port, &fill[count++]), ACME_OK);
    WANT_STATUS(net->connect(b, "127.0.0.1", port, &c), ACME_OK);
    wakes = 0;
    int got = ACME_OK;
    for (end = posix_now_ms(NULL) + 1000; posix_now_ms(NULL) < end; wakes++) {
        got = net->accept(b, fill[count - 1], &t);
        sockets_wait(&b->net, 100);
    }
    WANT_STATUS(got, ACME_E_SIZE);
    WANT(wakes < 30);
    net->close(b, c);
    while (count > 0)
        net->close(b, fill[--count]);
    net->close(b, s);
    net->close(b, l);
    return NULL;
}

static void xw_signal(int number)
{
    (void)number;
}

static const char *xw_on_signal(struct bed *b)
{
    struct itimerval in = {{0, 0}, {0, 100000}};
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = xw_signal;
    WANT(sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &in, NULL) == 0);
    WANT(xw_waited(b, 5000) < 2500);
    return NULL;
}

static void *xw_waker(void *arg)
{
    struct timespec rest = {0, 100000000};

    nanosleep(&rest, NULL);
    sockets_wake(arg);
    return NULL;
}

static const char *xw_wake(struct bed *b)
{
    pthread_t thread;

    sockets_wake(&b->net); /* before the wait */
    WANT(xw_waited(b, 5000) < 1000);
    WANT(pthread_create(&thread, NULL, xw_waker, &b->net) == 0);
    uint64_t waited = xw_waited(b, 5000);
    pthread_join(thread, NULL);
    WANT(waited >= 50 && waited < 2500);
    for (int i = 0; i < 100000; i++)
        sockets_wake(&b->net); /* more than a pipe holds */
    (void)xw_waited(b, 0);
    for (int i = 0; i < 2000 && xw_waited(b, 20) < 15; i++)
        continue;
    WANT(xw_waited(b, 200) >= 199);
    return NULL;
}

/* The signal is the caller's business while a helper thread is there: its wait must end. */
static const char *xw_signal_and_thread(struct bed *b)
{
    acme_sock s;

    WANT_STATUS(net->connect(b, "slow.test", 80, &s), ACME_OK);
    const char *why = xw_on_signal(b);
    net->close(b, s);
    WANT(!bed_lookup_signals);
    return why;
}

/* Clauses again in a hail of signals that interrupt system calls. */
static const char *xw_eintr(struct bed *b)
{
    struct itimerval each = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    struct conf_report report;
    struct sigaction sa;

    memset(&report, 0, sizeof report);
    report.quiet = true;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = xw_signal; /* no SA_RESTART */
    WANT(sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &each, NULL) == 0);
    static const char *const some[] = {"N03", "N08", "N15", "N17", "S02", "S04", "S07", "E01"};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        (void)conf_run(&b->hooks, some[i], &report);
    setitimer(ITIMER_REAL, &off, NULL);
    if (report.failed > 0)
        return bed_why("%u clauses failed: %s", report.failed, report.why);
    WANT(report.passed == 8);
    return NULL;
}

static const char *xw_entropy_short(struct bed *b)
{
    struct conf_report report;
    unsigned char buf[300];

    memset(&report, 0, sizeof report);
    report.quiet = true;
    bed_entropy_mode = BED_ENTROPY_SHORT;
    (void)conf_run(&b->hooks, "E01", &report);
    (void)conf_run(&b->hooks, "E02", &report);
    bed_entropy_mode = BED_ENTROPY_KERNEL;
    if (report.failed > 0)
        return bed_why("%s", report.why);
    WANT(report.passed == 2);
    WANT_STATUS(posix_entropy(NULL, buf, 0), ACME_E_ARG);
    WANT_STATUS(posix_entropy(NULL, buf, 257), ACME_E_ARG);
    return NULL;
}

const struct bed_case cases_wait[] = {
    {"wait-wakes", xw_wakes},
    {"wait-does-not-spin", xw_no_spin},
    {"wait-on-signal", xw_on_signal},
    {"wait-on-wake", xw_wake},
    {"signal-and-lookup", xw_signal_and_thread},
    {"interrupted-calls", xw_eintr},
    {"entropy-short", xw_entropy_short},
    {NULL, NULL},
};
