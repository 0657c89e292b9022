/* acme_json.h - the only door to cJSON: parse into an arena, typed getters
 *
 * The tree and its strings live in the arena that the caller gives and die with the next parse
 * into it. One parse at a time in a process: cJSON's allocator has no context.
 */
#ifndef ACME_JSON_H
#define ACME_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"

struct acme_json; /* a node; const for everybody */

/* Parse text, which must be one JSON value and white space: *root, in arena.
 * ACME_OK; ACME_E_JSON (grammar, nesting above 16, a member twice in one object, more than 256
 * members in one, a NUL in a string, a lone surrogate, invalid UTF-8, a byte order mark);
 * ACME_E_SIZE (the arena is too small: the bound is "scratch"). */
int acme_json_parse(struct acme_slice text, struct acme_span arena, const struct acme_json **root);

/* All getters take NULL for "absent" and answer it: chains need no checks between. Names compare
 * with case. */
const struct acme_json *acme_json_get(const struct acme_json *object, const char *name);
bool acme_json_is_object(const struct acme_json *node);
bool acme_json_is_array(const struct acme_json *node);
const struct acme_json *acme_json_first(const struct acme_json *array_or_object);
const struct acme_json *acme_json_next(const struct acme_json *node);
size_t acme_json_count(const struct acme_json *array);
/* A member's name, while walking an object; NULL for an element of an array. */
const char *acme_json_name(const struct acme_json *node);
/* The string, or NULL when the node is absent or not a string. */
const char *acme_json_text(const struct acme_json *node);
/* The string member `name` of object, or NULL. */
const char *acme_json_member(const struct acme_json *object, const char *name);
bool acme_json_bool(const struct acme_json *node, bool otherwise);
/* An integer 0..2^53 written without fraction or exponent; otherwise `otherwise`. */
int64_t acme_json_int(const struct acme_json *node, int64_t otherwise);

#endif
