/* sd_notify's protocol: a datagram of "NAME=value" lines to the socket that the service manager
 * named. Whoever did not ask for it has not set the variable. */
#include "lwacme.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A path, or a name in the abstract space, which is written with "@". */
static bool read_address(const char *name, struct sockaddr_un *to, socklen_t *len)
{
    size_t n = strlen(name);

    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof to->sun_path)
        return false;
    memcpy(to->sun_path, name, n);
    if (name[0] == '@')
        to->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
    return true;
}

/* Of a service that tells of its reload by itself it is also asked when that began. */
static void add_moment(char *text, size_t room)
{
    struct timespec t;
    size_t len = strlen(text);

    if (strncmp(text, "RELOADING=1", 11) == 0 && clock_gettime(CLOCK_MONOTONIC, &t) == 0)
        snprintf(text + len, room - len, "\nMONOTONIC_USEC=%" PRIu64,
                 (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u);
}

void notify_state(const char *format, ...)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to;
    socklen_t len;
    char text[500];
    va_list list;
    int fd;

    if (name == NULL || !read_address(name, &to, &len))
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    add_moment(text, sizeof text);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, len);
    close(fd);
}

/* A number and nothing else; 0 if it is none. */
static uint64_t number(const char *text)
{
    char *end = NULL;
    unsigned long long n;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    n = strtoull(text, &end, 10);
    return *end == '\0' ? n : 0;
}

uint32_t notify_watchdog_ms(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t ms = number(getenv("WATCHDOG_USEC")) / 1000;

    /* Set for a process that is not this one: for whoever started us, not for us. */
    if (pid != NULL && number(pid) != (uint64_t)getpid())
        return 0;
    ms /= 2;
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

uint32_t notify_watchdog_left(uint32_t every, uint64_t told_ms, uint64_t now)
{
    uint64_t gone = now > told_ms ? now - told_ms : 0;

    if (every == 0)
        return UINT32_MAX;
    return gone < every ? every - (uint32_t)gone : 0;
}
