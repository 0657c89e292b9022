#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getrandom, CLOCK_BOOTTIME */
#endif
#include "posix_sys.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SYS_ENTROPY_MAX 256

#ifdef CLOCK_BOOTTIME
#define SYS_CLOCK CLOCK_BOOTTIME
#else
#define SYS_CLOCK CLOCK_MONOTONIC
#endif

int posix_entropy(void *ctx, void *out, size_t len)
{
    unsigned char *p = out;
    size_t have = 0;

    (void)ctx;
    if (out == NULL || len == 0 || len > SYS_ENTROPY_MAX)
        return ACME_E_ARG;
    while (have < len) {
        ssize_t n = getrandom(p + have, len - have, GRND_NONBLOCK);
        if (n > 0) {
            have += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            int again = n < 0 && errno == EAGAIN;
            memset(out, 0, len); /* half a key must not be taken for one */
            return again ? ACME_AGAIN : ACME_E_ENTROPY;
        }
    }
    return ACME_OK;
}

uint64_t posix_now_ms(void *ctx)
{
    struct timespec ts = {0, 0};

    (void)ctx;
    if (clock_gettime(SYS_CLOCK, &ts) != 0)
        clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

int posix_unix_time_above(int64_t floor, int64_t *seconds)
{
    struct timespec ts = {0, 0};

    if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || (int64_t)ts.tv_sec < floor)
        return ACME_E_CLOCK;
    *seconds = (int64_t)ts.tv_sec;
    return ACME_OK;
}

int posix_unix_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    return posix_unix_time_above(POSIX_CLOCK_FLOOR, seconds);
}
