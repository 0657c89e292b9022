/* board_libc.c - what a C library without an OS leaves to us
 *
 * There is no _sbrk and no malloc here, on purpose: an image in which anything calls malloc does
 * not link.
 */
#include "board.h"
#include "board_panic.h"
#include "board_print.h"

_Noreturn void board_panic(const char *what)
{
    board_print("{\"v\":1,\"event\":\"panic\",\"what\":\"%s\"}\n", what);
    board_exit(70);
}

_Noreturn void abort(void);
_Noreturn void abort(void)
{
    board_panic("abort");
}

/* Referenced by assert() of newlib and picolibc; the libraries are built with NDEBUG. */
_Noreturn void __assert_func(const char *file, int line, const char *func, const char *expr);
_Noreturn void __assert_func(const char *file, int line, const char *func, const char *expr)
{
    (void)line;
    (void)func;
    (void)expr;
    board_panic(file);
}
