/* posix_sys.h - clocks and entropy of a POSIX system, as struct acme_port wants them
 *
 * They need no state: ctx is ignored, so they go with the ctx of any net.
 */
#ifndef POSIX_SYS_H
#define POSIX_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A wall clock before this (seconds since 1970 UTC) was never set: no program runs before it was
 * built. A build may give its own; the default is 2026-01-01. */
#ifndef POSIX_CLOCK_FLOOR
#define POSIX_CLOCK_FLOOR 1767225600
#endif

/* Bytes of the kernel's generator. ACME_AGAIN until it is seeded (early boot), ACME_E_ENTROPY if
 * the kernel has no getrandom, ACME_E_ARG unless len is 1..256. */
int posix_entropy(void *ctx, void *out, size_t len);

/* Goes on while the machine sleeps, where the system can tell: a deadline is a real time. */
uint64_t posix_now_ms(void *ctx);

/* The wall clock; ACME_E_CLOCK before POSIX_CLOCK_FLOOR. */
int posix_unix_time(void *ctx, int64_t *seconds);

/* The same with a floor of the caller's. *seconds is left alone unless ACME_OK. */
int posix_unix_time_above(int64_t floor, int64_t *seconds);

#ifdef __cplusplus
}
#endif

#endif
