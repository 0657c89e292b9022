/* board_libc.c - what newlib would bring along, without its heap
 *
 * There is no _sbrk and no malloc here, on purpose: an image in which anything calls malloc does
 * not link.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "board_panic.h"
#include "board_print.h"

#undef errno
int errno; /* newlib keeps it in its 1 KB reentrancy structure */
int *__errno(void);
int *__errno(void)
{
    return &errno;
}

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

/* Referenced by newlib's assert(); the libraries are built with NDEBUG. */
_Noreturn void __assert_func(const char *file, int line, const char *func, const char *expr);
_Noreturn void __assert_func(const char *file, int line, const char *func, const char *expr)
{
    (void)line;
    (void)func;
    (void)expr;
    board_panic(file);
}

/* newlib's takes 1 KB to be quick in long texts; wolfSSL looks into short ones. */
__attribute__((used)) char *strstr(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (; strncmp(text, word, len) != 0; text++) {
        if (*text == '\0')
            return NULL;
    }
    return (char *)(uintptr_t)text;
}
