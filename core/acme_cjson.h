/* acme_cjson.h - cJSON without floating point
 *
 * ACME knows integers only. So cJSON is compiled with this page before its own text (CJSON_DEFS in
 * tools/deps.mk), and its numbers are integers: nothing is rounded, and a processor without an FPU
 * needs no library for it (2.6 KB on a Cortex-M3). acme_json.c is the only other place that
 * includes it, in the place of cJSON.h.
 */
#ifndef ACME_CJSON_H
#define ACME_CJSON_H

/* What cJSON.c includes: here `double` still is what it says. */
#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t acme_json_number;

/* Reads a number as strtod would, and gives ACME_JSON_INEXACT for one that is no integer or is
 * beyond 2^53. */
#define ACME_JSON_INEXACT INT64_MIN
acme_json_number acme_json_strton(const char *text, char **end);

#undef strtod
#undef isnan
#undef isinf
#define strtod   acme_json_strton
#define isnan(d) ((void)(d), 0)
#define isinf(d) ((void)(d), 0)
#ifdef __clang__
#pragma clang diagnostic ignored "-Wkeyword-macro" /* it is meant */
#endif
#define double acme_json_number
#include "cJSON.h"
#ifdef ACME_JSON_ONLY_TYPES
#undef double
#endif

#endif
