/* Events as JSON: one object a line, "v":1 first; members are only ever added. */
#include "lwacme.h"

#include <string.h>

#include "acme_time.h"
#include "posix_sys.h"

static void name_of(struct acme_buf *b, const char *name)
{
    acme_buf_char(b, ',');
    acme_buf_json(b, acme_slice_text(name));
    acme_buf_char(b, ':');
}

void json_text(struct acme_buf *b, const char *name, const char *value)
{
    name_of(b, name);
    acme_buf_json(b, acme_slice_text(value));
}

void json_number(struct acme_buf *b, const char *name, int64_t value)
{
    name_of(b, name);
    if (value < 0)
        acme_buf_char(b, '-');
    acme_buf_dec(b, value < 0 ? (uint64_t)-value : (uint64_t)value);
}

void json_time(struct acme_buf *b, const char *name, int64_t value)
{
    char text[ACME_TIME_TEXT];

    acme_time_text(value, text);
    json_text(b, name, text);
}

void json_failure(struct acme_buf *b, const struct acme_failure *f)
{
    const struct acme_problem *p = &f->problem;
    const char *hint = show_hint(f->err, p);

    acme_buf_text(b, ",\"failure\":{\"error\":");
    acme_buf_json(b, acme_slice_text(acme_err_name(f->err)));
    json_text(b, "words", acme_err_words(f->err));
    json_text(b, "step", f->step);
    json_time(b, "at", f->at);
    if (f->note[0] != '\0')
        json_text(b, "what", f->note);
    if (p->identifier[0] != '\0')
        json_text(b, "identifier", p->identifier);
    if (p->type != ACME_PROBLEM_NONE)
        json_text(b, "type", acme_problem_type_name((enum acme_problem_type)p->type));
    if (p->detail[0] != '\0')
        json_text(b, "detail", p->detail);
    if (p->http_status != 0)
        json_number(b, "status", p->http_status);
    if (p->retry_after_s != 0)
        json_number(b, "retry_after", p->retry_after_s);
    if (hint != NULL)
        json_text(b, "do", hint);
    acme_buf_char(b, '}');
}

void show_json(struct acme_buf *line)
{
    acme_buf_text(line, "}\n");
    if (line->overflow)
        return;
    (void)fwrite(line->ptr, 1, line->len, stdout);
    fflush(stdout);
}

void json_event(const struct acme_event *e)
{
    static uint8_t room[8192];
    struct acme_buf b;
    int64_t now = 0;

    if (e->type == ACME_EVENT_EXCHANGE)
        return;
    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    if (posix_unix_time(NULL, &now) == ACME_OK)
        json_time(&b, "time", now);
    json_text(&b, "event", acme_event_word(e->type));
    json_text(&b, "step", e->step);
    if (e->text[0] != '\0')
        json_text(&b, "text", e->text);
    if (e->word[0] != '\0')
        json_text(&b, "word", e->word);
    if (e->detail[0] != '\0')
        json_text(&b, "detail", e->detail);
    if (e->err != ACME_OK)
        json_text(&b, "error", acme_err_name(e->err));
    if (e->at != 0)
        json_time(&b, "at", e->at);
    if (e->ms != 0)
        json_number(&b, "ms", e->ms);
    if (e->status != 0)
        json_number(&b, "status", e->status);
    if (e->count != 0) {
        json_number(&b, "index", e->index);
        json_number(&b, "count", e->count);
    }
    if (e->failure != NULL)
        json_failure(&b, e->failure);
    show_json(&b);
}
