/* board_print.h - a formatter for consoles: 1 KB instead of newlib's 21 KB, and no allocation
 *
 * %s %.*s %c %d %u %x %X %%, with `l` or `z` before d, u and x, a width, and 0 to pad with zeros.
 * 32 bits only.
 */
#ifndef BOARD_PRINT_H
#define BOARD_PRINT_H

#include <stdarg.h>
#include <stddef.h>

#if defined(__GNUC__)
#define BOARD_PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#else
#define BOARD_PRINTF_LIKE(f, a)
#endif

void board_print(const char *format, ...) BOARD_PRINTF_LIKE(1, 2);
void board_vprint(const char *format, va_list args) BOARD_PRINTF_LIKE(1, 0);

/* As the C library's snprintf, which brings along malloc: the length that there would be. */
int board_snprintf(char *out, size_t room, const char *format, ...) BOARD_PRINTF_LIKE(3, 4);

#endif
