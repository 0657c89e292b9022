/* board_wolfssl.h - what user_settings.h of a board points wolfSSL's hooks at */
#ifndef BOARD_WOLFSSL_H
#define BOARD_WOLFSSL_H

#include <time.h>

time_t board_wolfssl_time(time_t *out);
struct tm *board_wolfssl_gmtime(const time_t *seconds, struct tm *out);

#endif
