#include "board_event.h"

#include "acme_err.h"
#include "acme_event_json.h"
#include "board.h"
#include "board_clock.h"

/* On the stack, which is high while the agent tells something and low while it computes. */
#define EVENT_LINE 1024

static void event_print(const struct acme_buf *line)
{
    for (size_t i = 0; i < line->len; i++)
        board_putc((char)line->ptr[i]);
}

void board_line_begin(struct acme_buf *line, void *room, size_t len, const char *word)
{
    int64_t now;

    acme_buf_init(line, room, len);
    acme_buf_text(line, "{\"v\":1");
    if (board_clock_now(&now) == ACME_OK)
        acme_json_put_time(line, "time", now);
    acme_json_put_text(line, "event", word);
}

void board_line_end(struct acme_buf *line)
{
    acme_buf_text(line, "}\n");
    if (!line->overflow)
        event_print(line);
}

void board_tell(const char *word, const char *text, const char *detail, int err)
{
    struct acme_buf line;
    char room[320];

    board_line_begin(&line, room, sizeof room, word);
    acme_json_put_text(&line, "text", text);
    if (detail != NULL)
        acme_json_put_text(&line, "detail", detail);
    if (err != ACME_OK)
        acme_json_put_text(&line, "error", acme_err_name(err));
    board_line_end(&line);
}

void board_event(void *ctx, const struct acme_event *event)
{
    struct acme_buf line;
    char room[EVENT_LINE];
    int64_t now;
    bool have_now;

    (void)ctx;
    if (event->type == ACME_EVENT_TIME)
        board_clock_confirm(event->at);
    if (event->type == ACME_EVENT_FAILURE &&
        (event->err == ACME_E_TLS_DATE || event->err == ACME_E_TLS_TRUST))
        board_clock_doubt();
    have_now = board_clock_now(&now) == ACME_OK;
    acme_buf_init(&line, room, sizeof room);
    acme_event_json(&line, event, have_now ? &now : NULL, NULL);
    if (line.overflow)
        board_tell(acme_event_word(event->type), "longer than this console's line", NULL,
                   event->err);
    else
        event_print(&line);
}
