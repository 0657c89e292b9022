/* cc.h - what lwIP asks of the compiler and of the board */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include "board_panic.h"

#define LWIP_PLATFORM_DIAG(x)                                                                      \
    do {                                                                                           \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x) board_panic("lwIP: " x)

/* No libc locale, no atoi. */
#define LWIP_NO_UNISTD_H 1

#endif
