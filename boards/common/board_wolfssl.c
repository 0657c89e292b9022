/* board_wolfssl.c - wolfSSL's memory comes from the pool, its hour from the board's clock */
#include "board_wolfssl.h"

#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/types.h>

#include "board.h"
#include "board_clock.h"
#include "board_pool.h"

void *XMALLOC(size_t n, void *heap, int type)
{
    (void)heap;
    (void)type;
    return board_pool_alloc(n);
}

void *XREALLOC(void *p, size_t n, void *heap, int type)
{
    (void)heap;
    (void)type;
    return board_pool_resize(p, n);
}

void XFREE(void *p, void *heap, int type)
{
    (void)heap;
    (void)type;
    board_pool_free(p);
}

/* While the clock is not set this is 1970, and wolfSSL refuses every certificate. The agent does
 * not come so far: it asks its port first. */
time_t board_wolfssl_time(time_t *out)
{
    int64_t now = 0;
    (void)board_clock_now(&now);
    if (out != NULL)
        *out = (time_t)now;
    return (time_t)now;
}

/* Days since 1970 to a date, in the calendar that begins on 1 March: leap days come last. */
struct tm *board_wolfssl_gmtime(const time_t *seconds, struct tm *out)
{
    uint32_t days = (uint32_t)(*seconds / 86400);
    uint32_t rest = (uint32_t)(*seconds % 86400);
    uint32_t shifted = days + 719468; /* days from 0000-03-01 to 1970-01-01 */
    uint32_t era = shifted / 146097, day = shifted % 146097;
    uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint32_t yday = day - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * yday + 2) / 153; /* 0 is March */
    *out = (struct tm){
        .tm_sec = (int)(rest % 60),
        .tm_min = (int)(rest / 60 % 60),
        .tm_hour = (int)(rest / 3600),
        .tm_mday = (int)(yday - (153 * month + 2) / 5 + 1),
        .tm_mon = (int)(month < 10 ? month + 2 : month - 10),
        .tm_year = (int)(year + era * 400 + (month < 10 ? 0 : 1)) - 1900,
        .tm_wday = (int)((days + 4) % 7),
    };
    return out;
}

/* Seconds for the lifetimes inside of TLS; it need not be the hour. */
word32 LowResTimer(void)
{
    return (word32)(board_ms() / 1000);
}
