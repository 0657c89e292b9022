/* Where lines for people go. stderr is left as it is, unless more can be said there: syslog and the
 * journal take a severity with each line. */
#include "lwacme.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

enum log_where { TO_STDERR, TO_JOURNAL, TO_SYSLOG };

static struct {
    enum log_where where;
    FILE *stream; /* for all but TO_STDERR */
    enum log_severity severity;
    char line[900];
    size_t len;
} sink;

/* What the program says of itself, the log's own head says too. */
static const char *without_name(const char *line)
{
    static const char name[] = "lwacme: ";

    return strncmp(line, name, sizeof name - 1) == 0 ? line + sizeof name - 1 : line;
}

static void send_line(void)
{
    sink.line[sink.len] = '\0';
    if (sink.where == TO_SYSLOG)
        syslog((int)sink.severity, "%s", without_name(sink.line));
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
    if (sink.where == TO_SYSLOG) /* at once: later there may be no right to */
        openlog("lwacme", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

bool log_close(void)
{
    bool was_syslog = sink.where == TO_SYSLOG;

    if (was_syslog)
        closelog();
    return was_syslog;
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
