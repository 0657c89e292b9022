/* board_newlib.c - parts of newlib in a smaller form, for boards where a KB counts */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) libc_word;

#undef errno
int errno; /* newlib keeps it in its 1 KB reentrancy structure */
int *__errno(void);
int *__errno(void)
{
    return &errno;
}

/* ---- short instead of quick: newlib's take 2.5 KB of flash, these 0.4 KB ---- */

/* The compiler may turn such loops into calls of these same functions. */
#define LIBC __attribute__((used, optimize("no-tree-loop-distribute-patterns")))

/* Words where both sides allow it: TLS records pass here. */
LIBC void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if ((((uintptr_t)t | (uintptr_t)f) & 3) == 0) {
        for (; len >= 4; len -= 4, t += 4, f += 4)
            *(libc_word *)(void *)t = *(const libc_word *)(const void *)f;
    }
    while (len-- > 0)
        *t++ = *f++;
    return to;
}

LIBC void *memmove(void *to, const void *from, size_t len)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if ((uintptr_t)t - (uintptr_t)f >= len)
        return memcpy(to, from, len);
    while (len-- > 0)
        t[len] = f[len];
    return to;
}

LIBC void *memset(void *to, int c, size_t len)
{
    uint8_t *t = to;

    while (len-- > 0)
        *t++ = (uint8_t)c;
    return to;
}

LIBC int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;

    for (; len > 0; len--, x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

LIBC void *memchr(const void *in, int c, size_t len)
{
    const uint8_t *p = in;

    for (; len > 0; len--, p++) {
        if (*p == (uint8_t)c)
            return (void *)(uintptr_t)p;
    }
    return NULL;
}

LIBC size_t strlen(const char *text)
{
    size_t len = 0;

    while (text[len] != '\0')
        len++;
    return len;
}

LIBC int strncmp(const char *a, const char *b, size_t len)
{
    for (; len > 0 && *a == *b && *a != '\0'; len--, a++, b++) {
    }
    return len == 0 ? 0 : (uint8_t)*a - (uint8_t)*b;
}

LIBC int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, PTRDIFF_MAX);
}

LIBC char *strchr(const char *text, int c)
{
    return memchr(text, c, strlen(text) + 1);
}

LIBC char *strncpy(char *restrict to, const char *restrict from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = *from;
        from += *from != '\0';
    }
    return to;
}

LIBC char *strstr(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (; strncmp(text, word, len) != 0; text++) {
        if (*text == '\0')
            return NULL;
    }
    return (char *)(uintptr_t)text;
}

/* 64-bit division, for libgcc's front. A bit a turn: time and numbers are printed, nothing more. */
uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);
LIBC uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest)
{
    uint64_t q = 0, r = 0;

    for (unsigned i = 0; i < 64; i++) {
        r = r << 1 | n >> 63;
        n <<= 1;
        q <<= 1;
        if (r >= d) {
            r -= d;
            q |= 1;
        }
    }
    if (rest != NULL)
        *rest = r;
    return q;
}
