/* fuzz.h - what the harnesses share
 *
 * A harness is one file that defines LLVMFuzzerTestOneInput. It must not keep state from one input
 * to the next, and it checks properties: a broken one ends the process, as a crash does.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_buf.h"
#include "acme_err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)

_Noreturn static inline void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

/* The input, taken piece by piece; behind its end there are zeros. */
struct fuzz_in {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz_in *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint32_t fuzz_two(struct fuzz_in *in)
{
    uint32_t high = fuzz_byte(in);

    return high << 8 | fuzz_byte(in);
}

/* Up to len bytes. */
static inline struct acme_slice fuzz_take(struct fuzz_in *in, size_t len)
{
    struct acme_slice s = {in->at, len < in->left ? len : in->left};

    in->at += s.len;
    in->left -= s.len;
    return s;
}

static inline struct acme_slice fuzz_rest(struct fuzz_in *in)
{
    return fuzz_take(in, in->left);
}

/* Memory of exactly len bytes, so that the sanitizer sees the first one too many. */
static inline void *fuzz_room(size_t len)
{
    void *room = malloc(len);

    if (room == NULL && len > 0)
        abort();
    if (len > 0)
        memset(room, 0xa5, len);
    return room;
}

static inline void *fuzz_copy(struct acme_slice s)
{
    void *room = fuzz_room(s.len);

    if (s.len > 0)
        memcpy(room, s.ptr, s.len);
    return room;
}

static inline bool fuzz_inside(struct acme_slice inner, struct acme_slice outer)
{
    return inner.len == 0 || (inner.ptr >= outer.ptr && inner.len <= outer.len &&
                              (size_t)(inner.ptr - outer.ptr) <= outer.len - inner.len);
}

static inline bool fuzz_same(struct acme_slice a, struct acme_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* A C string that begins inside of room and ends there too. */
static inline bool fuzz_text_in(const char *text, struct acme_slice room)
{
    const uint8_t *p = (const uint8_t *)text;

    return p >= room.ptr && p < room.ptr + room.len &&
           memchr(p, 0, room.len - (size_t)(p - room.ptr)) != NULL;
}

/* The same numbers from the same seed. */
static inline uint32_t fuzz_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

#endif
