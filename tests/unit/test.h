/* test.h - a unit test program in one page
 *
 *     TEST(adds) { CHECK_INT(1 + 1, 2); }
 *     RUN()
 *
 * prints one line for each test, "ok NAME", "not ok NAME: why" or "skip NAME: why"; the exit
 * status is 1 when one failed. The first failed check ends its test.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

enum { TEST_FAILED = 1, TEST_SKIPPED };

static struct test_case test_cases[200];
static size_t test_count;
static jmp_buf test_end;
static char test_why[600];

static inline void test_stop(int how, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
static inline void test_stop(int how, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(test_why, sizeof test_why, format, arguments);
    va_end(arguments);
    longjmp(test_end, how);
}

static inline void test_int(const char *file, int line, const char *what, long long got,
                            long long want)
{
    if (got != want)
        test_stop(TEST_FAILED, "%s:%d: %s is %lld, not %lld", file, line, what, got, want);
}

static inline void test_str(const char *file, int line, const char *what, const char *got,
                            const char *want)
{
    if (got == NULL || want == NULL) {
        if (got != want)
            test_stop(TEST_FAILED, "%s:%d: %s is %s", file, line, what,
                      got == NULL ? "NULL" : "not NULL");
        return;
    }
    if (strcmp(got, want) != 0)
        test_stop(TEST_FAILED, "%s:%d: %s is \"%.200s\", not \"%.200s\"", file, line, what, got,
                  want);
}

static inline void test_mem(const char *file, int line, const char *what, const void *got,
                            const void *want, size_t len)
{
    const uint8_t *a = got;
    const uint8_t *b = want;
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i])
            test_stop(TEST_FAILED, "%s:%d: %s: byte %zu of %zu is 0x%02x, not 0x%02x", file, line,
                      what, i, len, a[i], b[i]);
    }
}

static inline void test_add(const char *name, void (*run)(void))
{
    if (test_count == sizeof test_cases / sizeof test_cases[0]) {
        printf("not ok %s: more than %zu tests in one file\n", name, test_count);
        exit(1);
    }
    test_cases[test_count].name = name;
    test_cases[test_count].run = run;
    test_count++;
}

static inline int test_run_all(void)
{
    static volatile size_t i; /* static: survives the longjmp */
    static volatile int failed;
    for (i = 0; i < test_count; i++) {
        int how = setjmp(test_end);
        if (how == 0) {
            test_cases[i].run();
            printf("ok %s\n", test_cases[i].name);
        } else if (how == TEST_SKIPPED) {
            printf("skip %s: %s\n", test_cases[i].name, test_why);
        } else {
            printf("not ok %s: %s\n", test_cases[i].name, test_why);
            failed = 1;
        }
        fflush(stdout);
    }
    if (test_count == 0)
        printf("not ok empty: no tests in this file\n");
    return failed != 0 || test_count == 0;
}

/* TEST(name) { ... } registers itself; RUN() makes main(), which runs all tests of the file in the
 * order in which they stand there (names between the parentheses change nothing). */
#define TEST(name)                                                                                 \
    static void test_case_##name(void);                                                            \
    static void __attribute__((constructor)) test_add_##name(void)                                 \
    {                                                                                              \
        test_add(#name, test_case_##name);                                                         \
    }                                                                                              \
    static void test_case_##name(void)
#define RUN(...)                                                                                   \
    int main(void)                                                                                 \
    {                                                                                              \
        return test_run_all();                                                                     \
    }

#define SKIP(why) test_stop(TEST_SKIPPED, "%s", (why))
#define FAIL(why) test_stop(TEST_FAILED, "%s:%d: %s", __FILE__, __LINE__, (why))
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            FAIL(#condition);                                                                      \
    } while (0)
#define CHECK_INT(got, want)      test_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_STR(got, want)      test_str(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_MEM(got, want, len) test_mem(__FILE__, __LINE__, #got, (got), (want), (len))

#endif
