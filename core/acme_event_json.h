/* acme_event_json.h - one event as one line of JSON: the format of the tool's --json, and of a
 * board's console
 *
 * "v":1 comes first; members are only ever added. An optional part: link it where it is wanted.
 */
#ifndef ACME_EVENT_JSON_H
#define ACME_EVENT_JSON_H

#include "acme_event.h"

/* One member of an object that is being written: ,"name":value. A time is RFC 3339, UTC. */
void acme_json_put_text(struct acme_buf *b, const char *name, const char *value);
void acme_json_put_number(struct acme_buf *b, const char *name, int64_t value);
void acme_json_put_time(struct acme_buf *b, const char *name, int64_t value);

/* ,"failure":{...}. hint (member "do"): what a person should do, or NULL. */
void acme_json_put_failure(struct acme_buf *b, const struct acme_failure *failure,
                           const char *hint);

/* The whole object with the line's end. now: seconds since 1970 UTC, or NULL when the clock is not
 * set. hint is for the failure in it, or NULL. Nothing for ACME_EVENT_EXCHANGE, whose body is for
 * people. Check b->overflow. */
void acme_event_json(struct acme_buf *b, const struct acme_event *event, const int64_t *now,
                     const char *hint);

#endif
