/* acme_event_json.c - events as JSON: one object a line, "v":1 first; members are only ever added
 */
#include "acme_event_json.h"

#include "acme_err.h"
#include "acme_time.h"

static void ej_name(struct acme_buf *b, const char *name)
{
    acme_buf_char(b, ',');
    acme_buf_json(b, acme_slice_text(name));
    acme_buf_char(b, ':');
}

void acme_json_put_text(struct acme_buf *b, const char *name, const char *value)
{
    ej_name(b, name);
    acme_buf_json(b, acme_slice_text(value));
}

void acme_json_put_number(struct acme_buf *b, const char *name, int64_t value)
{
    ej_name(b, name);
    if (value < 0)
        acme_buf_char(b, '-');
    acme_buf_dec(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void acme_json_put_time(struct acme_buf *b, const char *name, int64_t value)
{
    char text[ACME_TIME_TEXT];

    acme_time_text(value, text);
    acme_json_put_text(b, name, text);
}

void acme_json_put_failure(struct acme_buf *b, const struct acme_failure *f, const char *hint)
{
    const struct acme_problem *p = &f->problem;

    acme_buf_text(b, ",\"failure\":{\"error\":");
    acme_buf_json(b, acme_slice_text(acme_err_name(f->err)));
    acme_json_put_text(b, "words", acme_err_words(f->err));
    acme_json_put_text(b, "step", f->step);
    acme_json_put_time(b, "at", f->at);
    if (f->note[0] != '\0')
        acme_json_put_text(b, "what", f->note);
    if (p->identifier[0] != '\0')
        acme_json_put_text(b, "identifier", p->identifier);
    if (p->type != ACME_PROBLEM_NONE)
        acme_json_put_text(b, "type", acme_problem_type_name((enum acme_problem_type)p->type));
    if (p->detail[0] != '\0')
        acme_json_put_text(b, "detail", p->detail);
    if (p->http_status != 0)
        acme_json_put_number(b, "status", p->http_status);
    if (p->retry_after_s != 0)
        acme_json_put_number(b, "retry_after", p->retry_after_s);
    if (hint != NULL)
        acme_json_put_text(b, "do", hint);
    acme_buf_char(b, '}');
}

void acme_event_json(struct acme_buf *b, const struct acme_event *e, const int64_t *now,
                     const char *hint)
{
    if (e->type == ACME_EVENT_EXCHANGE)
        return;
    acme_buf_text(b, "{\"v\":1");
    if (now != NULL)
        acme_json_put_time(b, "time", *now);
    acme_json_put_text(b, "event", acme_event_word(e->type));
    acme_json_put_text(b, "step", e->step);
    if (e->text[0] != '\0')
        acme_json_put_text(b, "text", e->text);
    if (e->word[0] != '\0')
        acme_json_put_text(b, "word", e->word);
    if (e->detail[0] != '\0')
        acme_json_put_text(b, "detail", e->detail);
    if (e->err != ACME_OK)
        acme_json_put_text(b, "error", acme_err_name(e->err));
    if (e->at != 0)
        acme_json_put_time(b, "at", e->at);
    if (e->ms != 0)
        acme_json_put_number(b, "ms", e->ms);
    if (e->status != 0)
        acme_json_put_number(b, "status", e->status);
    if (e->index != 0)
        acme_json_put_number(b, "index", e->index);
    if (e->count != 0)
        acme_json_put_number(b, "count", e->count);
    if (e->failure != NULL)
        acme_json_put_failure(b, e->failure, hint);
    acme_buf_text(b, "}\n");
}
