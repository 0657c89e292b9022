/* board_event.h - events as JSON lines on the console: the same as the tool's --json */
#ifndef BOARD_EVENT_H
#define BOARD_EVENT_H

#include "acme_event.h"

/* As acme_port.event: a line, and what the clock can learn from it. */
void board_event(void *ctx, const struct acme_event *event);

/* What the board itself has to say: a word, and words for a person; detail and err if there are
 * such (NULL, ACME_OK). */
void board_tell(const char *word, const char *text, const char *detail, int err);

/* A line that was written by acme_json_put_...: ended and printed. */
struct acme_buf;
void board_line_begin(struct acme_buf *line, void *room, size_t len, const char *word);
void board_line_end(struct acme_buf *line);

#endif
