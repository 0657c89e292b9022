#include "board_print.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "board.h"

/* Where the characters go: to the console, or into out. */
struct print_sink {
    bool console;
    char *out;
    size_t room, len;
};

struct print_spec {
    struct print_sink *sink;
    unsigned width;
    unsigned precision;
    char pad;
};

static void print_char(struct print_sink *sink, char c)
{
    if (sink->console)
        board_putc(c);
    else if (sink->len < sink->room)
        sink->out[sink->len] = c;
    sink->len++;
}

static void print_text(const char *s, size_t len, const struct print_spec *spec)
{
    for (size_t i = len; i < spec->width; i++)
        print_char(spec->sink, spec->pad);
    for (size_t i = 0; i < len; i++)
        print_char(spec->sink, s[i]);
}

static void print_number(uint32_t value, const char *digit, bool negative, struct print_spec *spec)
{
    uint32_t base = (uint32_t)strlen(digit);
    char digits[11];
    size_t at = sizeof digits;
    do {
        digits[--at] = digit[value % base];
        value /= base;
    } while (value != 0);
    if (negative && spec->pad == '0') { /* the sign goes before the zeros */
        print_char(spec->sink, '-');
        spec->width -= spec->width > 0;
    } else if (negative) {
        digits[--at] = '-';
    }
    print_text(digits + at, sizeof digits - at, spec);
}

static unsigned print_digits(const char **format)
{
    unsigned n = 0;
    while (**format >= '0' && **format <= '9')
        n = n * 10 + (unsigned)(*(*format)++ - '0');
    return n;
}

static const char *print_spec_read(const char *format, struct print_spec *spec, va_list *args)
{
    spec->pad = *format == '0' ? '0' : ' ';
    spec->width = print_digits(&format);
    spec->precision = UINT32_MAX;
    if (*format == '.') {
        format++;
        if (*format == '*') {
            spec->precision = (unsigned)va_arg(*args, int);
            format++;
        } else {
            spec->precision = print_digits(&format);
        }
    }
    while (*format == 'l' || *format == 'z')
        format++;
    return format;
}

static void print_one(char kind, struct print_spec *spec, va_list *args)
{
    if (kind == 's') {
        const char *s = va_arg(*args, const char *);
        size_t len = 0;
        while (len < spec->precision && s[len] != '\0')
            len++;
        print_text(s, len, spec);
    } else if (kind == 'd') {
        int32_t v = va_arg(*args, int);
        print_number(v < 0 ? 0u - (uint32_t)v : (uint32_t)v, "0123456789", v < 0, spec);
    } else if (kind == 'u') {
        print_number(va_arg(*args, unsigned), "0123456789", false, spec);
    } else if (kind == 'x') {
        print_number(va_arg(*args, unsigned), "0123456789abcdef", false, spec);
    } else if (kind == 'X') {
        print_number(va_arg(*args, unsigned), "0123456789ABCDEF", false, spec);
    } else if (kind == 'c') {
        print_char(spec->sink, (char)va_arg(*args, int));
    } else {
        print_char(spec->sink, kind);
    }
}

static void print_all(struct print_sink *sink, const char *format, va_list args)
{
    va_list rest;
    va_copy(rest, args);
    while (*format != '\0') {
        struct print_spec spec = {.sink = sink};
        if (*format != '%') {
            print_char(sink, *format++);
            continue;
        }
        format = print_spec_read(format + 1, &spec, &rest);
        if (*format != '\0')
            print_one(*format++, &spec, &rest);
    }
    va_end(rest);
}

void board_vprint(const char *format, va_list args)
{
    struct print_sink sink = {.console = true};
    print_all(&sink, format, args);
}

void board_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    board_vprint(format, args);
    va_end(args);
}

int board_snprintf(char *out, size_t room, const char *format, ...)
{
    struct print_sink sink = {.out = out, .room = room > 0 ? room - 1 : 0};
    va_list args;
    va_start(args, format);
    print_all(&sink, format, args);
    va_end(args);
    if (room > 0)
        out[sink.len < sink.room ? sink.len : sink.room] = '\0';
    return (int)sink.len;
}
