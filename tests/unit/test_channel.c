/* test_channel.c - line channels of a POSIX system: the clauses L01 to L09 of port/README.md */
#include "posix_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

static struct posix_channel posix;
static struct acme_channel channel;
static char folder[] = "/tmp/lwacme-channel-XXXXXX", path[100], answers[100];
static char line[POSIX_CHANNEL_LINE];
static int peer_in, peer_out; /* the other side reads and writes */

static void make_folder(void)
{
    static bool made;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!made && mkdtemp(folder) == NULL)
        FAIL("no folder");
    made = true;
    snprintf(path, sizeof path, "%s/f", folder);
    snprintf(answers, sizeof answers, "%s/f.in", folder);
    (void)unlink(path);
    (void)unlink(answers);
}

static void open_fifo_pair(void)
{
    make_folder();
    CHECK(mkfifo(path, 0600) == 0 && mkfifo(answers, 0600) == 0);
    channel = posix_channel_init(&posix, POSIX_CHANNEL_FIFO, path);
    CHECK_INT(channel.open(channel.ctx), ACME_AGAIN); /* nobody reads yet */
    peer_in = open(path, O_RDONLY | O_NONBLOCK);
    CHECK_INT(channel.open(channel.ctx), ACME_OK);
    peer_out = open(answers, O_WRONLY | O_NONBLOCK);
    CHECK(peer_in >= 0 && peer_out >= 0);
}

static void close_pair(void)
{
    channel.close(channel.ctx);
    close(peer_in);
    close(peer_out);
    (void)unlink(path);
    (void)unlink(answers);
    (void)rmdir(folder);
    (void)mkdir(folder, 0700);
}

static void send_text(const char *text)
{
    CHECK_INT(write(peer_out, text, strlen(text)), (long long)strlen(text));
}

TEST(L01_whole_lines)
{
    open_fifo_pair();
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_AGAIN);
    send_text("a");
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_AGAIN);
    send_text("b\r\n\nc\n");
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), 3);
    CHECK_STR(line, "ab");
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), 1);
    CHECK_STR(line, "");
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), 2);
    CHECK_STR(line, "c");
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_AGAIN);
    close_pair();
}

TEST(L02_too_long_is_skipped)
{
    char small[4], many[3000];

    open_fifo_pair();
    send_text("abcd\nx\n");
    CHECK_INT(channel.read_line(channel.ctx, small, sizeof small), ACME_E_SIZE);
    CHECK_INT(channel.read_line(channel.ctx, small, sizeof small), 2);
    memset(many, 'm', sizeof many);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(write(peer_out, many, sizeof many), (long long)sizeof many);
        CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_AGAIN);
    }
    send_text("\ny\n");
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_E_SIZE);
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), 2);
    CHECK_STR(line, "y");
    close_pair();
}

/* All of a line is taken or none of it, whatever the pipe has room for. */
TEST(L03_write_all_or_none)
{
    static char text[4000], got[400000];
    size_t taken = 0, sum = 0;
    ssize_t n = 0;
    int err = ACME_OK;

    open_fifo_pair();
    memset(text, 't', sizeof text);
    while (taken < 100 && (err = channel.write_line(channel.ctx, text, sizeof text)) == ACME_OK)
        taken++;
    CHECK_INT(err, ACME_AGAIN);
    CHECK(taken > 0);
    while (posix_channel_flush(&posix) == ACME_AGAIN || n >= 0) {
        n = read(peer_in, got + sum, sizeof got - sum);
        sum += n > 0 ? (size_t)n : 0;
        if (n <= 0 && posix_channel_flush(&posix) == ACME_OK)
            break;
    }
    n = read(peer_in, got + sum, sizeof got - sum);
    sum += n > 0 ? (size_t)n : 0;
    CHECK_INT((long long)sum, (long long)(taken * (sizeof text + 1)));
    for (size_t i = 0; i < sum; i++)
        CHECK(got[i] == ((i + 1) % (sizeof text + 1) == 0 ? '\n' : 't'));
    CHECK_INT(channel.write_line(channel.ctx, line, sizeof line), ACME_E_SIZE);
    close_pair();
}

TEST(L04_the_other_side_is_gone)
{
    open_fifo_pair();
    close(peer_in);
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_E_CLOSED);
    CHECK_INT(channel.write_line(channel.ctx, "x", 1), ACME_E_CLOSED);
    peer_in = open("/dev/null", O_RDONLY);
    close_pair();
}

TEST(L05_not_inherited_and_not_waiting)
{
    open_fifo_pair();
    CHECK((fcntl(posix.in, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(posix.out, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(posix.out, F_GETFL) & O_NONBLOCK) != 0);
    close_pair();
}

TEST(L06_no_such_thing)
{
    int fd;

    make_folder();
    channel = posix_channel_init(&posix, POSIX_CHANNEL_FIFO, path);
    CHECK_INT(channel.open(channel.ctx), ACME_E_NET);
    fd = open(answers, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK_INT(channel.open(channel.ctx), ACME_E_NET); /* a file is no FIFO */
    channel = posix_channel_init(&posix, POSIX_CHANNEL_UNIX, path);
    CHECK_INT(channel.open(channel.ctx), ACME_E_NET);
    (void)unlink(answers);
    (void)rmdir(folder);
    (void)mkdir(folder, 0700);
}

TEST(L07_a_socket)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    make_folder();
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    CHECK(bind(listener, (struct sockaddr *)&addr, sizeof addr) == 0 && listen(listener, 1) == 0);
    channel = posix_channel_init(&posix, POSIX_CHANNEL_UNIX, path);
    CHECK_INT(channel.open(channel.ctx), ACME_OK);
    peer_out = accept(listener, NULL, NULL);
    peer_in = dup(peer_out);
    close(listener);
    CHECK((fcntl(posix.in, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_INT(channel.write_line(channel.ctx, "hello", 5), ACME_OK);
    CHECK_INT(read(peer_in, line, sizeof line), 6);
    CHECK_MEM(line, "hello\n", 6);
    send_text("last\nhalf");
    shutdown(peer_out, SHUT_RDWR);
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), 5);
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_E_CLOSED);
    CHECK_INT(channel.write_line(channel.ctx, "x", 1), ACME_E_CLOSED);
    close_pair();
    CHECK_INT(channel.read_line(channel.ctx, line, sizeof line), ACME_E_CLOSED);
    (void)rmdir(folder);
}

RUN()
