/* posix_channel.c - line channels of a POSIX system */
#include "posix_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix_sys.h"

#define PIECE 512 /* POSIX: a pipe that has room takes so much without waiting */

static bool is_ready(int fd, short what)
{
    struct pollfd wait = {fd, what, 0};

    return poll(&wait, 1, 0) > 0;
}

/* A pipe's last reader is gone, or a socket's other side. */
static bool is_broken(int fd)
{
    struct pollfd wait = {fd, 0, 0};

    return poll(&wait, 1, 0) > 0 && (wait.revents & (POLLERR | POLLNVAL)) != 0;
}

/* ---- open and close ---- */

static int open_fifo(const char *path, int flags)
{
    struct stat st;
    int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

/* The writer of a FIFO can only come when its reader is there. Answers are opened both ways, so
 * that a shell's `echo >PATH.in` for each does not end them. */
static int open_fifos(struct posix_channel *c)
{
    char answers[512];
    int n = snprintf(answers, sizeof answers, "%s.in", c->path);

    if (n < 0 || (size_t)n >= sizeof answers)
        return ACME_E_SIZE;
    if (c->in < 0)
        c->in = open_fifo(answers, O_RDWR);
    if (c->in < 0)
        return ACME_E_NET;
    c->out = open_fifo(c->path, O_WRONLY);
    if (c->out >= 0)
        return ACME_OK;
    if (errno != ENXIO)
        return ACME_E_NET;
    if (c->since_ms == 0)
        c->since_ms = posix_now_ms(NULL);
    return posix_now_ms(NULL) - c->since_ms < POSIX_CHANNEL_OPEN_MS ? ACME_AGAIN : ACME_E_TIMEOUT;
}

static int open_socket(struct posix_channel *c)
{
    struct sockaddr_un addr;
    size_t len = strlen(c->path);

    memset(&addr, 0, sizeof addr);
    addr.sun_family = AF_UNIX;
    if (len >= sizeof addr.sun_path)
        return ACME_E_SIZE;
    memcpy(addr.sun_path, c->path, len);
    c->in = c->out = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->in < 0)
        return ACME_E_NET;
    if (connect(c->in, (const struct sockaddr *)&addr, sizeof addr) == 0)
        return ACME_OK;
    close(c->in);
    c->in = c->out = -1;
    return ACME_E_NET;
}

static void channel_close(void *ctx)
{
    struct posix_channel *c = ctx;
    int in = c->in, out = c->out;

    (void)posix_channel_flush(c);
    c->in = c->out = -1;
    c->in_len = c->out_len = 0;
    if (c->kind == POSIX_CHANNEL_STDIO)
        return;
    if (in >= 0)
        close(in);
    if (out >= 0 && out != in)
        close(out);
}

static int channel_open(void *ctx)
{
    struct posix_channel *c = ctx;
    int err = ACME_OK;

    c->ended = c->skips = false;
    if (c->kind == POSIX_CHANNEL_STDIO) {
        c->in = STDIN_FILENO;
        c->out = STDOUT_FILENO;
    } else
        err = c->kind == POSIX_CHANNEL_FIFO ? open_fifos(c) : open_socket(c);
    if (err != ACME_AGAIN)
        c->since_ms = 0;
    if (err != ACME_OK && err != ACME_AGAIN)
        channel_close(c);
    return err;
}

/* ---- lines ---- */

int posix_channel_flush(struct posix_channel *c)
{
    while (c->out_len > 0 && c->out >= 0 && is_ready(c->out, POLLOUT)) {
        ssize_t n = write(c->out, c->out_buf, c->out_len < PIECE ? c->out_len : PIECE);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            break;
        if (n < 0) {
            c->out_len = 0;
            return errno == EPIPE ? ACME_E_CLOSED : ACME_E_NET;
        }
        c->out_len -= (size_t)n;
        memmove(c->out_buf, c->out_buf + n, c->out_len);
    }
    return c->out_len > 0 ? ACME_AGAIN : ACME_OK;
}

static int channel_write_line(void *ctx, const char *line, size_t len)
{
    struct posix_channel *c = ctx;
    int err = posix_channel_flush(c);

    if (err != ACME_OK)
        return err;
    if (len + 1 > sizeof c->out_buf)
        return ACME_E_SIZE;
    memcpy(c->out_buf, line, len);
    c->out_buf[len] = '\n';
    c->out_len = len + 1;
    err = posix_channel_flush(c);
    return err == ACME_AGAIN ? ACME_OK : err;
}

/* Bytes up to and with the first line end, or 0. */
static size_t line_size(const struct posix_channel *c)
{
    const char *end = memchr(c->in_buf, '\n', c->in_len);

    return end != NULL ? (size_t)(end - c->in_buf) + 1 : 0;
}

static void drop(struct posix_channel *c, size_t len)
{
    c->in_len -= len;
    memmove(c->in_buf, c->in_buf + len, c->in_len);
}

static int take_line(struct posix_channel *c, size_t size, char *line, size_t cap)
{
    size_t len = size - 1;
    bool skipped = c->skips;

    if (len > 0 && c->in_buf[len - 1] == '\r')
        len--;
    c->skips = false;
    if (skipped || len + 1 > cap) {
        drop(c, size);
        return ACME_E_SIZE;
    }
    memcpy(line, c->in_buf, len);
    line[len] = '\0';
    drop(c, size);
    return (int)len + 1;
}

static int channel_read_line(void *ctx, char *line, size_t cap)
{
    struct posix_channel *c = ctx;
    size_t size;
    ssize_t n;
    int err = posix_channel_flush(c);

    if (err != ACME_OK && err != ACME_AGAIN)
        return err;
    size = line_size(c);
    while (size == 0 && !c->ended && c->in >= 0 && is_ready(c->in, POLLIN)) {
        if (c->in_len == sizeof c->in_buf) {
            c->skips = true;
            c->in_len = 0;
        }
        n = read(c->in, c->in_buf + c->in_len, sizeof c->in_buf - c->in_len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            break;
        c->ended = n <= 0;
        c->in_len += n > 0 ? (size_t)n : 0;
        size = line_size(c);
    }
    if (size > 0)
        return take_line(c, size, line, cap);
    if (c->kind == POSIX_CHANNEL_FIFO && is_broken(c->out))
        return ACME_E_CLOSED; /* who was asked is gone */
    return c->ended || c->in < 0 ? ACME_E_CLOSED : ACME_AGAIN;
}

struct acme_channel posix_channel_init(struct posix_channel *c, enum posix_channel_kind kind,
                                       const char *path)
{
    struct acme_channel channel = {.ctx = c,
                                   .open = channel_open,
                                   .read_line = channel_read_line,
                                   .write_line = channel_write_line,
                                   .close = channel_close};

    memset(c, 0, sizeof *c);
    c->kind = (uint8_t)kind;
    c->path = path;
    c->in = c->out = -1;
    return channel;
}
