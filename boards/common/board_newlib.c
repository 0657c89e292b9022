/* board_newlib.c - parts of newlib in a smaller form, for boards where a KB counts */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#undef errno
int errno; /* newlib keeps it in its 1 KB reentrancy structure */
int *__errno(void);
int *__errno(void)
{
    return &errno;
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
