/* Events to the lines of a log: one line each, with the certificate's name, and only what somebody
 * wants to read a month later. */
#include "daemon.h"

#include <stdarg.h>
#include <string.h>

#include "acme_time.h"

static const char *about;

void tell_about(const char *cert_name)
{
    about = cert_name;
    json_about(cert_name);
}

static void put(enum log_severity severity, const char *kind, const char *format, va_list list)
{
    FILE *to = log_to(severity);

    fprintf(to, "lwacme: %s%s%s", kind, about != NULL ? about : "", about != NULL ? ": " : "");
    vfprintf(to, format, list);
    fputc('\n', to);
}

void tell(enum log_severity severity, const char *format, ...)
{
    va_list list;

    if (world.show.quiet || world.show.json)
        return;
    va_start(list, format);
    put(severity, severity == LOG_WARN ? "warning: " : "", format, list);
    va_end(list);
}

void tell_error(const char *format, ...)
{
    char text[800], room[2000];
    struct acme_buf b;
    va_list list;

    va_start(list, format);
    put(LOG_BAD, "error: ", format, list);
    va_end(list);
    if (!world.show.json)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "error");
    acme_json_put_text(&b, "words", text);
    if (about != NULL)
        acme_json_put_text(&b, "certificate", about);
    show_json(&b);
}

static void tell_failure(const struct acme_failure *f)
{
    const struct acme_problem *p = &f->problem;
    const char *hint = show_hint(f->err, p);
    char ca[sizeof p->detail + 64] = "";

    if (p->type != ACME_PROBLEM_NONE || p->detail[0] != '\0')
        snprintf(ca, sizeof ca, "; the CA: %s: %s",
                 acme_problem_type_name((enum acme_problem_type)p->type), p->detail);
    fprintf(log_to(LOG_BAD), "lwacme: error: %s: %s (step %s%s%s%s%s)%s%s%s\n",
            about != NULL ? about : "", acme_err_words(f->err), f->step,
            p->identifier[0] != '\0' ? ", " : "", p->identifier, f->note[0] != '\0' ? ", " : "",
            f->note, ca, hint != NULL ? "; to do: " : "", hint != NULL ? hint : "");
}

static void tell_held(const struct acme_event *e)
{
    char when[ACME_TIME_TEXT];
    bool spread = strcmp(e->text, "spread") == 0;

    acme_time_text(e->at, when);
    tell(spread ? LOG_TELL : LOG_WARN, "%s %s: %s", spread ? "due, and begun" : "held back until",
         when,
         spread                                ? "spread over time, as others are due too"
         : strcmp(e->text, "Retry-After") == 0 ? "the CA asked us to wait"
         : strcmp(e->text, "duplicates") == 0  ? "4 that were not due were made in 7 days"
                                               : "earlier attempts failed");
}

static void tell_server(const struct acme_event *e)
{
    const char *words = show_server_words(e->text);

    if (words != NULL)
        tell(LOG_NOTE, "the CA is now %s: %s", e->detail, words);
    else if (world.show.verbose > 0)
        tell(LOG_DETAIL, "asking %s, which issued the certificate", e->detail);
}

/* A CA that moves the renewal, and says why, does not do it every day. */
static void tell_window(const struct acme_event *e)
{
    char when[ACME_TIME_TEXT];
    bool ignored = e->at == 0;

    acme_time_text(e->at, when);
    if (e->detail[0] == '\0' && !ignored && world.show.verbose == 0)
        return;
    tell(e->detail[0] != '\0' || ignored ? LOG_NOTE : LOG_DETAIL,
         "the CA's window for the renewal: %s%s%s%s%s", e->text,
         ignored ? ", which makes no sense and is ignored" : "; chosen: ", ignored ? "" : when,
         e->detail[0] != '\0' ? "; why: " : "", e->detail);
}

static void tell_more(const struct acme_event *e)
{
    switch (e->type) {
    case ACME_EVENT_STEP:
        if (e->count > 1)
            tell(LOG_DETAIL, "step %s (%u of %u)", e->step, e->index, e->count);
        else
            tell(LOG_DETAIL, "step %s", e->step);
        break;
    case ACME_EVENT_WAIT:
        tell(LOG_DETAIL, "waiting %lu ms for %s", (unsigned long)e->ms, e->text);
        break;
    case ACME_EVENT_REQUEST:
        tell(LOG_DETAIL, "-> %s %s", e->text, e->detail);
        break;
    case ACME_EVENT_REPLY:
        tell(LOG_DETAIL, "<- %u in %lu ms", e->status, (unsigned long)e->ms);
        break;
    case ACME_EVENT_ORDER:
        tell(LOG_DETAIL, "the order is %s: %s", e->text, e->detail);
        break;
    case ACME_EVENT_CHALLENGE:
        tell(LOG_DETAIL, "%s of %s: %s", e->text, e->detail, e->word);
        break;
    default:
        break;
    }
}

static void tell_plain(const struct acme_event *e)
{
    char when[ACME_TIME_TEXT];

    switch (e->type) {
    case ACME_EVENT_FAILURE:
        tell_failure(e->failure);
        break;
    case ACME_EVENT_HELD:
        tell_held(e);
        break;
    case ACME_EVENT_WARNING:
        tell(LOG_WARN, "%s%s%s%s%s%s%s%s", e->word, e->word[0] != '\0' ? ": " : "", e->text,
             e->detail[0] != '\0' ? ": " : "", e->detail, e->err != ACME_OK ? " (" : "",
             e->err != ACME_OK ? acme_err_words(e->err) : "", e->err != ACME_OK ? ")" : "");
        break;
    case ACME_EVENT_NOT_DUE:
        acme_time_text(e->at, when);
        tell(LOG_TELL, "valid; to be renewed from %s on", when);
        break;
    case ACME_EVENT_SERVER:
        tell_server(e);
        break;
    case ACME_EVENT_WINDOW:
        tell_window(e);
        break;
    case ACME_EVENT_REVOKED:
        tell(LOG_NOTE, "the CA has revoked it (%s)", e->text);
        break;
    case ACME_EVENT_TERMS:
        tell(LOG_NOTE, "the CA's terms of service: %s", e->detail);
        break;
    case ACME_EVENT_RETRY:
        if (e->err != ACME_E_NONCE || world.show.verbose > 0)
            tell(LOG_TELL, "trying again: %s", acme_err_words(e->err));
        break;
    case ACME_EVENT_CHALLENGE:
        if (strcmp(e->word, "instead") == 0)
            tell(LOG_TELL, "%s: by %s this time, as the way before it failed", e->detail, e->text);
        else if (world.show.verbose > 0)
            tell_more(e);
        break;
    default:
        if (world.show.verbose > 0)
            tell_more(e);
        break;
    }
}

void tell_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    if (world.show.json)
        json_event(event);
    if (event->type == ACME_EVENT_FAILURE || !world.show.json)
        tell_plain(event);
}
