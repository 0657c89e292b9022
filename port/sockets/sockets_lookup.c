#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sockets and threads of POSIX 2008, with O_CLOEXEC */
#endif
#include "sockets_lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Name service modules are not ours and may use some; untouched pages cost no memory. */
#define LK_STACK (256u * 1024u)

/* The longest line of resolv.conf that is looked at; longer ones are skipped. */
#define LK_LINE 256

enum lk_state { LK_FREE, LK_RUNNING, LK_DONE };

struct lk_job {
    enum lk_state state;
    bool abandoned;
    int wake_fd;
    int count;
    sockets_lookup_fn lookup;
    char host[SOCKETS_HOST_MAX + 1];
    struct sockets_addr addrs[SOCKETS_ADDRS];
};

static pthread_mutex_t lk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lk_job lk_jobs[SOCKETS_LOOKUPS];

static void *lk_main(void *arg)
{
    struct lk_job *job = arg;
    struct sockets_addr addrs[SOCKETS_ADDRS];
    int count = job->lookup(job->host, addrs, SOCKETS_ADDRS);

    pthread_mutex_lock(&lk_lock);
    if (job->abandoned) {
        job->state = LK_FREE;
    } else {
        memcpy(job->addrs, addrs, sizeof addrs[0] * (size_t)(count > 0 ? count : 0));
        job->count = count;
        job->state = LK_DONE;
        /* Under the lock, so that nobody closes wake_fd between the test and the write. */
        ssize_t ignored = write(job->wake_fd, "", 1);
        (void)ignored; /* a full pipe wakes as well */
    }
    pthread_mutex_unlock(&lk_lock);
    return NULL;
}

static int lk_spawn(struct lk_job *job)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;

    if (pthread_attr_init(&attr) != 0)
        return -1;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, LK_STACK);
    /* Signals belong to the caller's thread: its handlers must interrupt its poll. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&thread, &attr, lk_main, job);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : -1;
}

int sockets_lookup_start(const char *host, sockets_lookup_fn lookup, int wake_fd)
{
    int found = -1;

    pthread_mutex_lock(&lk_lock);
    for (int i = 0; i < SOCKETS_LOOKUPS && found < 0; i++) {
        struct lk_job *job = &lk_jobs[i];
        if (job->state != LK_FREE)
            continue;
        job->state = LK_RUNNING;
        job->abandoned = false;
        job->wake_fd = wake_fd;
        job->lookup = lookup;
        strncpy(job->host, host, SOCKETS_HOST_MAX);
        job->host[SOCKETS_HOST_MAX] = '\0';
        if (lk_spawn(job) != 0) {
            job->state = LK_FREE;
            break;
        }
        found = i;
    }
    pthread_mutex_unlock(&lk_lock);
    return found;
}

int sockets_lookup_take(int job, struct sockets_addr *out)
{
    struct lk_job *j = &lk_jobs[job];
    int result = ACME_AGAIN;

    pthread_mutex_lock(&lk_lock);
    if (j->state == LK_DONE) {
        result = j->count > 0 ? j->count : 0;
        memcpy(out, j->addrs, sizeof j->addrs[0] * (size_t)result);
        j->state = LK_FREE;
    }
    pthread_mutex_unlock(&lk_lock);
    return result;
}

void sockets_lookup_abandon(int job)
{
    struct lk_job *j = &lk_jobs[job];

    pthread_mutex_lock(&lk_lock);
    if (j->state == LK_DONE)
        j->state = LK_FREE;
    else
        j->abandoned = true;
    pthread_mutex_unlock(&lk_lock);
}

/* ---- addresses ---- */

static int lk_from_sockaddr(const struct addrinfo *ai, struct sockets_addr *out)
{
    memset(out, 0, sizeof *out);
    if (ai->ai_family == AF_INET && ai->ai_addrlen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, ai->ai_addr, sizeof in);
        out->family = 4;
        memcpy(out->ip, &in.sin_addr, 4);
        return 1;
    }
    if (ai->ai_family == AF_INET6 && ai->ai_addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, ai->ai_addr, sizeof in6);
        out->family = 6;
        out->scope = in6.sin6_scope_id;
        memcpy(out->ip, &in6.sin6_addr, 16);
        return 1;
    }
    return 0;
}

/* The next address of the list that has this family (0: any), or NULL. */
static const struct addrinfo *lk_next(const struct addrinfo *ai, int family)
{
    while (ai != NULL && family != 0 && ai->ai_family != family)
        ai = ai->ai_next;
    return ai;
}

/* The families take turns, beginning with the one that the system put first. */
static int lk_collect(const struct addrinfo *list, struct sockets_addr *out, int max)
{
    const struct addrinfo *next[2];
    int family[2] = {AF_INET6, AF_INET};
    int count = 0, turn = 0;

    if (list != NULL && list->ai_family == AF_INET) {
        family[0] = AF_INET;
        family[1] = AF_INET6;
    }
    next[0] = lk_next(list, family[0]);
    next[1] = lk_next(list, family[1]);
    while (count < max && (next[0] != NULL || next[1] != NULL)) {
        if (next[turn] == NULL)
            turn = 1 - turn;
        count += lk_from_sockaddr(next[turn], &out[count]);
        next[turn] = lk_next(next[turn]->ai_next, family[turn]);
        turn = 1 - turn;
    }
    return count;
}

int sockets_getaddrinfo(const char *host, struct sockets_addr *out, int max)
{
    struct addrinfo hints, *list = NULL;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return 0;
    int count = lk_collect(list, out, max);
    freeaddrinfo(list);
    return count;
}

int sockets_parse_ip(const char *text, struct sockets_addr *out)
{
    char plain[ACME_ADDR_TEXT];
    const char *zone = strchr(text, '%');
    size_t len = zone != NULL ? (size_t)(zone - text) : strlen(text);

    memset(out, 0, sizeof *out);
    if (len >= sizeof plain)
        return 0;
    memcpy(plain, text, len);
    plain[len] = '\0';
    if (zone == NULL && inet_pton(AF_INET, plain, out->ip) == 1) {
        out->family = 4;
        return 1;
    }
    if (inet_pton(AF_INET6, plain, out->ip) != 1)
        return 0;
    out->family = 6;
    if (zone != NULL) {
        out->scope = if_nametoindex(zone + 1);
        if (out->scope == 0)
            return 0;
    }
    return 1;
}

/* ---- resolv.conf ---- */

/* The address of a "nameserver" line (NUL-terminated, no newline), checked: 1 or 0. */
static int lk_nameserver(char *line, char *addr)
{
    static const char word[] = "nameserver";
    unsigned char ip[16];

    if (strncmp(line, word, sizeof word - 1) != 0)
        return 0;
    char *p = line + sizeof word - 1;
    size_t blank = strspn(p, " \t");
    if (blank == 0)
        return 0;
    p += blank;
    size_t len = strcspn(p, " \t\r#;");
    if (len == 0 || len >= ACME_ADDR_TEXT)
        return 0;
    memcpy(addr, p, len);
    addr[len] = '\0';
    char *zone = strchr(addr, '%');
    if (zone != NULL)
        *zone = '\0';
    int good =
        (zone == NULL && inet_pton(AF_INET, addr, ip) == 1) || inet_pton(AF_INET6, addr, ip) == 1;
    if (zone != NULL)
        *zone = '%';
    return good;
}

struct lk_lines {
    unsigned want, seen;
    size_t len;
    char line[LK_LINE];
    char addr[ACME_ADDR_TEXT];
};

/* One byte of the file: 1 when the wanted nameserver has been read. */
static int lk_feed(struct lk_lines *l, char c)
{
    if (c != '\n') {
        if (l->len < sizeof l->line)
            l->line[l->len++] = c;
        return 0;
    }
    size_t len = l->len;
    l->len = 0;
    if (len == sizeof l->line)
        return 0; /* too long to be one of ours */
    l->line[len] = '\0';
    return lk_nameserver(l->line, l->addr) && l->seen++ == l->want;
}

int sockets_resolver_read(const char *path, unsigned i, char *addr)
{
    struct lk_lines l;
    char buf[512];
    int found = 0;
    ssize_t n;

    memset(&l, 0, sizeof l);
    l.want = i;
    /* O_NONBLOCK: a FIFO in its place must not stop us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        while (!found && ((n = read(fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR))) {
            for (ssize_t k = 0; k < n && !found; k++)
                found = lk_feed(&l, buf[k]);
        }
        found = found || lk_feed(&l, '\n'); /* the last line may lack its end */
        close(fd);
    }
    if (!found && l.seen == 0 && i == 0) {
        memcpy(l.addr, "127.0.0.1", sizeof "127.0.0.1");
        found = 1;
    }
    if (!found)
        return ACME_E_LOOKUP;
    memcpy(addr, l.addr, strlen(l.addr) + 1);
    return ACME_OK;
}
