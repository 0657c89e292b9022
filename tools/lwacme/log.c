/* Where lines for people go. stderr is left as it is, unless more can be said there: syslog and the
 * journal take a severity with each line. */
#include "lwacme.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum log_where { TO_STDERR, TO_JOURNAL, TO_SYSLOG };

static struct {
    enum log_where where;
    FILE *stream; /* for all but TO_STDERR */
    enum log_severity severity;
    char line[900];
    size_t len;
    int fd; /* of syslog; 0: none */
    unsigned long lost;
} sink;

/* What the program says of itself, the log's own head says too. */
static const char *without_name(const char *line)
{
    static const char name[] = "lwacme: ";

    return strncmp(line, name, sizeof name - 1) == 0 ? line + sizeof name - 1 : line;
}

/* -- syslog (RFC 3164), not by the C library: its call waits for as long as the daemon behind
 * /dev/log does, and whoever renews certificates must not stand still for that -- */

#define FACILITY_DAEMONS 3

static bool syslog_open(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        fd = -1;
    }
    sink.fd = fd > 0 ? fd : 0;
    return fd > 0;
}

static void syslog_close(void)
{
    if (sink.fd > 0)
        close(sink.fd);
    sink.fd = 0;
}

static bool syslog_send(enum log_severity severity, const char *line)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm t = {0};
    char text[1024];
    int n;

    (void)localtime_r(&now, &t);
    n = snprintf(text, sizeof text, "<%d>%s %2d %02d:%02d:%02d lwacme[%ld]: %s",
                 FACILITY_DAEMONS * 8 + (int)severity, months[t.tm_mon], t.tm_mday, t.tm_hour,
                 t.tm_min, t.tm_sec, (long)getpid(), line);
    for (int tries = 0; tries < 2; tries++) {
        if (sink.fd == 0 && !syslog_open())
            return false;
        if (send(sink.fd, text, (size_t)n, MSG_NOSIGNAL) == n)
            return true;
        if (errno == EAGAIN || errno == ENOBUFS)
            return false; /* it does not keep up */
        syslog_close();   /* it was started anew, perhaps */
    }
    return false;
}

static void syslog_line(void)
{
    char words[80];

    if (sink.lost > 0) {
        snprintf(words, sizeof words, "warning: %lu lines before this one were lost", sink.lost);
        if (syslog_send(LOG_WARN, words))
            sink.lost = 0;
    }
    if (sink.lost > 0 || !syslog_send(sink.severity, without_name(sink.line)))
        sink.lost++;
}

/* -- lines -- */

static void send_line(void)
{
    sink.line[sink.len] = '\0';
    if (sink.where == TO_SYSLOG)
        syslog_line();
    else
        fprintf(stderr, "<%d>%s\n", (int)sink.severity, without_name(sink.line));
    sink.len = 0;
}

static ssize_t take(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\n' && sink.len + 1 < sizeof sink.line)
            sink.line[sink.len++] = text[i];
        if (text[i] == '\n')
            send_line();
    }
    return (ssize_t)len;
}

/* The journal says which file it reads our stderr from; somebody may have redirected it since. */
static bool is_journal(void)
{
    const char *told = getenv("JOURNAL_STREAM");
    char *end = NULL;
    struct stat st;

    if (told == NULL || fstat(STDERR_FILENO, &st) != 0 || strtoull(told, &end, 10) != st.st_dev ||
        *end != ':')
        return false;
    return strtoull(end + 1, &end, 10) == st.st_ino && *end == '\0';
}

void log_open(bool to_syslog)
{
    static const cookie_io_functions_t functions = {.write = take};

    sink.where = to_syslog ? TO_SYSLOG : is_journal() ? TO_JOURNAL : TO_STDERR;
    if (sink.where == TO_STDERR)
        return;
    if (sink.stream == NULL)
        sink.stream = fopencookie(NULL, "w", functions);
    if (sink.stream == NULL) {
        sink.where = TO_STDERR;
        return;
    }
    (void)setvbuf(sink.stream, NULL, _IOLBF, 0);
    if (sink.where == TO_SYSLOG && sink.fd == 0)
        (void)syslog_open();
}

bool log_close(void)
{
    bool was_syslog = sink.where == TO_SYSLOG;

    syslog_close();
    return was_syslog;
}

static bool stamped;

void log_stamps(void)
{
    stamped = true;
}

const char *log_head(void)
{
    static char head[60];
    time_t now = time(NULL);
    struct tm t = {0};

    if (!stamped)
        return "lwacme: ";
    (void)localtime_r(&now, &t);
    if (strftime(head, sizeof head, "lwacme [%d/%b/%Y:%H:%M:%S %z] ", &t) == 0)
        return "lwacme: ";
    return head;
}

FILE *log_to(enum log_severity severity)
{
    if (sink.where == TO_STDERR)
        return stderr;
    fflush(sink.stream); /* what is in it has the severity before */
    sink.severity = severity;
    return sink.stream;
}

bool log_is_stderr(void)
{
    return sink.where == TO_STDERR;
}
