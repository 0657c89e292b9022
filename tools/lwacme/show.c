/* Events to lines for people, on stderr: one line for each step, kept up to date on a terminal. */
#include "alarm.h"
#include "lwacme.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "acme_time.h"
#include "posix_sys.h"

static const struct {
    const char *step, *words;
} step_words[] = {
    {"directory", "asking the CA for its directory"},
    {"window", "asking when the CA wants the renewal"},
    {"nonce", NULL}, /* of no interest to a person */
    {"register", "making the account's key"},
    {"account", "registering the account"},
    {"charge", NULL},
    {"order", "ordering the certificate"},
    {"look", "waiting for the CA"},
    {"authz", "reading what has to be proved"},
    {"note", NULL},
    {"begin", "getting ready to answer the challenge"},
    {"ready", NULL},
    {"respond", "telling the CA to look"},
    {"watch", "waiting for the CA to come and look"},
    {"why", "asking the CA what it is waiting for"},
    {"key", "making the certificate's key"},
    {"finalize", "sending the certificate request"},
    {"cert", "fetching the certificate"},
    {"end", NULL},
    {"clear", NULL},
    {"back", NULL},
    {"show", "asking the CA for the account"},
    {"update", "changing the account"},
    {"deactivate", "deactivating the account"},
    {"deactivated", "asking the CA whether the account is deactivated"},
    {"new_key", "making the account's new key"},
    {"rollover", "giving the account its new key"},
    {"which_new", "asking the CA which key the account has"},
    {"which_old", "asking the CA whether the account has its old key"},
    {"revoking", NULL},
    {"revoke", "asking the CA to revoke the certificate"},
    {"revoke_key", "asking the CA to revoke the certificate, by its own key"},
};

static const char *words_for(const char *step)
{
    for (size_t i = 0; i < sizeof step_words / sizeof step_words[0]; i++) {
        if (strcmp(step_words[i].step, step) == 0)
            return step_words[i].words;
    }
    return step;
}

/* Can a line be drawn over? */
static bool is_screen(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDERR_FILENO) == 1 && (kind == NULL || strcmp(kind, "dumb") != 0);
}

void show_init(struct show *s, const struct options *o)
{
    memset(s, 0, sizeof *s);
    s->json = o->json;
    s->quiet = o->quiet;
    s->verbose = o->verbose;
    s->live = !o->json && !o->quiet && o->verbose == 0 && log_is_stderr() && is_screen();
}

/* -- the live line -- */

/* A line that reaches the edge would be wrapped, and only its last row drawn over the next time. */
static int screen_width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

static void draw(struct show *s, bool last)
{
    char line[240];
    const char *words = words_for(s->step);
    uint64_t now = posix_now_ms(NULL);
    char count[24] = "";
    char waiting[96] = "";

    if (words == NULL)
        return;
    s->drawn_ms = now;
    if (s->count > 1)
        snprintf(count, sizeof count, " (%u of %u)", s->index, s->count);
    if (!last && s->wait_until_ms > now)
        snprintf(waiting, sizeof waiting, ", %lu s left for %s",
                 (unsigned long)((s->wait_until_ms - now + 999) / 1000), s->waiting_for);
    snprintf(line, sizeof line, "  %s%s  %lu.%lu s%s", words, count,
             (unsigned long)((now - s->since_ms) / 1000),
             (unsigned long)((now - s->since_ms) % 1000 / 100), waiting);
    fprintf(stderr, "\r\x1b[K%.*s%s", last ? (int)sizeof line : screen_width(), line,
            last ? "\n" : "");
    fflush(stderr);
}

void show_flush(struct show *s)
{
    if (s->line_open && s->live)
        draw(s, true);
    s->line_open = false;
}

void show_tick(struct show *s)
{
    if (s->line_open && s->live && posix_now_ms(NULL) - s->drawn_ms >= 100)
        draw(s, false);
}

static void show_step(struct show *s, const struct acme_event *event)
{
    const char *words = words_for(event->step);
    bool same = s->line_open && strcmp(s->step, event->step) == 0;

    if (words == NULL || s->quiet)
        return;
    if (strcmp(event->step, "key") == 0) { /* entered once more to see that there is one */
        if (s->key_told)
            return;
        s->key_told = true;
    }
    if (!same) {
        show_flush(s);
        snprintf(s->step, sizeof s->step, "%s", event->step);
        s->since_ms = posix_now_ms(NULL);
        s->drawn_ms = 0; /* a new line is drawn at once */
        s->line_open = true;
        if (!s->live && event->count <= 1)
            fprintf(log_to(LOG_TELL), "lwacme: %s\n", words);
    }
    if (!s->live && event->count > 1)
        fprintf(log_to(LOG_TELL), "lwacme: %s (%u of %u)\n", words, event->index, event->count);
    s->index = event->index;
    s->count = event->count;
    s->wait_until_ms = 0;
    show_tick(s);
}

static void say(struct show *s, enum log_severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct show *s, enum log_severity severity, const char *format, ...)
{
    FILE *to = log_to(severity);
    va_list list;

    if (s->quiet)
        return;
    show_flush(s);
    va_start(list, format);
    fputs(s->live ? "  " : log_head(), to);
    vfprintf(to, format, list);
    fputc('\n', to);
    va_end(list);
}

/* -- failures -- */

/* Which ways of proof the certificate has that is worked on: bits of enum acme_challenge_type; 0:
 * nobody has said. */
static unsigned ways;
static bool in_steps;

void show_ways(const struct options *o)
{
    /* Who is outside takes all that it can. */
    ways = o->challenges_count == 0 && o->external == 0 ? (unsigned)ACME_CHALLENGE_HTTP01 : 0;
    for (size_t i = 0; i < o->challenges_count; i++)
        ways |= (unsigned)o->challenges[i];
    in_steps = o->step != 0;
    if (in_steps)
        ways = ACME_CHALLENGE_DNS01;
}

/* The CA did not see the proof. */
static const char *hint_proof(void)
{
    if (ways == ACME_CHALLENGE_HTTP01)
        return "the name must lead to this machine, and port 80 must be open from outside";
    if (ways == ACME_CHALLENGE_TLSALPN01)
        return "the name must lead to this machine, and port 443 must be open from outside";
    if (ways != 0 && (ways & (ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_TLSALPN01)) == 0)
        return "the CA asks the zone's own servers, all of which must have the TXT record; a CAA "
               "record may be against it";
    return "the name must lead to this machine, and port 80 must be open from outside "
           "(443 for tls-alpn-01), or every DNS server show the TXT record (dns-01)";
}

const char *show_hint(int err, const struct acme_problem *problem)
{
    switch (err) {
    case ACME_E_TERMS:
        return "read the terms; if you agree, run the command again with --agree-tos";
    case ACME_E_BINDING:
        return "get a key identifier and a key from the CA, and give --eab-kid and "
               "--eab-hmac-key-file";
    case ACME_E_TLS_TRUST:
        return "if this CA is your own, give its root with --ca-file; if not, somebody is in "
               "between";
    case ACME_E_TLS_NAME:
        return "check the host in --server; if it is right, somebody is in between";
    case ACME_E_TLS_DATE:
        return "check the clock of this machine with `date`; if it is right, the server is at "
               "fault";
    case ACME_E_TLS_VERSION:
        return "the server must offer TLS 1.2 or 1.3; there is no switch to go below";
    case ACME_E_PORT_BUSY:
        return "let that program serve the challenges (--webroot DIR), or stop it for the moment";
    case ACME_E_PORT_ACCESS:
        return "run as root, or allow it: setcap cap_net_bind_service=+ep on this program";
    case ACME_E_VALIDATION:
        return problem != NULL && problem->type == ACME_PROBLEM_DNS &&
                       (ways == 0 || (ways & (ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_TLSALPN01)))
                   ? "the name must have an address that leads here, and no CAA record against it"
                   : hint_proof();
    case ACME_E_NO_SOLVER:
        return in_steps
                   ? "the walk in steps proves by dns-01 alone; `lwacme issue` has other ways"
                   : "add a --challenge that the CA offers for it; a wildcard needs one of the dns "
                     "types, "
                     "an address http-01 or tls-alpn-01";
    case ACME_E_RATE:
        return "wait: asking again before only makes it worse";
    case ACME_E_SLOT_CORRUPT:
        return "the old certificate is untouched; move the file away and run the command again";
    case ACME_E_SLOT_VERSION:
        return "use a newer lwacme; the file was left as it is";
    case ACME_E_SLOT_FULL:
        return "free some space; nothing was lost, and the next run goes on";
    case ACME_E_REVOKED:
        return "order another one with --force, or let nobody serve it any more";
    case ACME_E_SIZE:
        return "build with a larger bound (core/acme_config.h)";
    case ACME_E_LOOKUP:
    case ACME_E_NET:
    case ACME_E_TIMEOUT:
    case ACME_E_SERVER:
        return "nothing was lost; run the command again later, it goes on where it stopped";
    default:
        return NULL;
    }
}

/* What it means for who has to watch over the certificate. */
static void show_prospect(FILE *to, const struct acme_event *e)
{
    int64_t now = 0;
    char when[ACME_TIME_TEXT], span[40];
    struct acme_buf b;

    if (e->count > 1)
        fprintf(to, "  attempts  %u failed in a row\n", e->count);
    if (e->at == 0 || posix_unix_time(NULL, &now) != ACME_OK)
        return;
    acme_buf_init(&b, span, sizeof span);
    alarm_span(&b, e->at - now);
    acme_time_text(e->at, when);
    if (acme_buf_end(&b))
        fprintf(to, "  valid     the certificate in force %s %s (%s%s)\n",
                e->at > now ? "ends" : "ENDED", when, span, e->at > now ? " left" : " ago");
}

void show_failure(FILE *to, const struct acme_failure *f)
{
    const struct acme_problem *p = &f->problem;
    const char *hint = show_hint(f->err, p);
    char when[ACME_TIME_TEXT];

    fprintf(to, "  step      %s\n", f->step);
    if (p->identifier[0] != '\0')
        fprintf(to, "  name      %s\n", p->identifier);
    if (f->note[0] != '\0')
        fprintf(to, "  what      %s\n", f->note);
    if (p->type != ACME_PROBLEM_NONE || p->detail[0] != '\0')
        fprintf(to, "  the CA    %s: %s\n", acme_problem_type_name((enum acme_problem_type)p->type),
                p->detail[0] != '\0' ? p->detail : "(no words)");
    if (p->http_status >= 400)
        fprintf(to, "  HTTP      %u\n", p->http_status);
    if (p->retry_after_s > 0) {
        acme_time_text(f->at + p->retry_after_s, when);
        fprintf(to, "  wait      the CA says not before %s (%lu s)\n", when,
                (unsigned long)p->retry_after_s);
    }
    if (hint != NULL)
        fprintf(to, "  do        %s\n", hint);
}

void show_error(struct show *s, int err, const char *format, ...)
{
    char text[700];
    char room[1500];
    struct acme_buf b;
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    show_flush(s);
    s->failed = true;
    fprintf(log_to(LOG_BAD), "%serror: %s\n", log_head(), text);
    if (!s->json)
        return;
    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "error");
    acme_json_put_text(&b, "error", acme_err_name(err));
    acme_json_put_text(&b, "words", text);
    show_json(&b);
}

/* -- events -- */

const char *show_server_words(const char *text)
{
    static const struct {
        const char *text, *words;
    } why[] = {
        {"failures", "the one before it failed too often"},
        {"Retry-After", "the one before it lets us wait for too long"},
        {"first", "it is the preferred one"},
        {"rehearsal", "it is to see the proof before the real CA does"},
        {"rehearsed", "the staging CA has seen the proof"},
        {"no rehearsal", "the staging CA cannot be asked"},
    };

    for (size_t i = 0; i < sizeof why / sizeof why[0]; i++) {
        if (strcmp(why[i].text, text) == 0)
            return why[i].words;
    }
    return NULL;
}

static void show_server(struct show *s, const struct acme_event *e)
{
    const char *words = show_server_words(e->text);

    if (words != NULL)
        say(s, LOG_TELL, "the CA is now %s: %s", e->detail, words);
    else if (s->verbose > 0)
        say(s, LOG_DETAIL, "asking %s, which issued the certificate", e->detail);
}

static void show_challenge(struct show *s, const struct acme_event *e)
{
    if (strcmp(e->word, "instead") == 0)
        say(s, LOG_TELL, "%s: by %s this time, as the way before it failed", e->detail, e->text);
    else if (s->verbose > 0)
        say(s, LOG_DETAIL, "%s of %s: %s", e->text, e->detail, e->word);
}

static void show_plain(struct show *s, const struct acme_event *e)
{
    char when[ACME_TIME_TEXT];

    switch (e->type) {
    case ACME_EVENT_STEP:
        show_step(s, e);
        break;
    case ACME_EVENT_WAIT:
        s->wait_until_ms = posix_now_ms(NULL) + e->ms;
        snprintf(s->waiting_for, sizeof s->waiting_for, "%s", e->text);
        if (!s->live)
            say(s, LOG_TELL, "waiting %lu s for %s", (unsigned long)(e->ms / 1000), e->text);
        break;
    case ACME_EVENT_REQUEST:
        if (s->verbose > 0)
            say(s, LOG_DETAIL, "-> %s %s", e->text, e->detail);
        break;
    case ACME_EVENT_REPLY:
        if (s->verbose > 0)
            say(s, LOG_DETAIL, "<- %u in %lu ms", e->status, (unsigned long)e->ms);
        break;
    case ACME_EVENT_RETRY:
        if (s->verbose > 0 || e->err != ACME_E_NONCE)
            say(s, LOG_TELL, "trying again: %s", acme_err_words(e->err));
        break;
    case ACME_EVENT_ORDER:
        if (s->verbose > 0)
            say(s, LOG_DETAIL, "the order is %s: %s", e->text, e->detail);
        break;
    case ACME_EVENT_CHALLENGE:
        show_challenge(s, e);
        break;
    case ACME_EVENT_NOT_DUE:
        acme_time_text(e->at, when);
        say(s, LOG_TELL, "nothing due: the certificate is valid; it will be renewed from %s on",
            when);
        break;
    case ACME_EVENT_WARNING:
        say(s, LOG_WARN, "warning: %s%s%s%s%s%s%s%s", e->word, e->word[0] != '\0' ? ": " : "",
            e->text, e->detail[0] != '\0' ? ": " : "", e->detail, e->err != ACME_OK ? " (" : "",
            e->err != ACME_OK ? acme_err_words(e->err) : "", e->err != ACME_OK ? ")" : "");
        break;
    case ACME_EVENT_WINDOW:
        acme_time_text(e->at, when);
        say(s, LOG_TELL, "the CA's window for the renewal: %s%s%s%s%s", e->text,
            e->at != 0 ? "; chosen: " : ", which makes no sense and is ignored",
            e->at != 0 ? when : "", e->detail[0] != '\0' ? "; why: " : "", e->detail);
        break;
    case ACME_EVENT_SERVER:
        show_server(s, e);
        break;
    case ACME_EVENT_ACCOUNT: /* what was asked for: -q does not leave it out */
        show_flush(s);
        printf("account     %s\n  status      %s\n  thumbprint  %s\n", e->detail, e->text, e->word);
        break;
    case ACME_EVENT_CONTACT:
        printf("  contact     %s\n", e->detail);
        break;
    case ACME_EVENT_REVOKED:
        say(s, LOG_NOTE, "the CA has revoked the certificate (%s)", e->text);
        break;
    case ACME_EVENT_TERMS:
        show_flush(s);
        fprintf(log_to(LOG_NOTE), "%sthe CA's terms of service: %s\n", log_head(), e->detail);
        break;
    default:
        break;
    }
}

static void show_held(struct show *s, const struct acme_event *e)
{
    char when[ACME_TIME_TEXT];
    bool by_ca = strcmp(e->text, "Retry-After") == 0;
    FILE *to = log_to(LOG_WARN);
    const char *why = "earlier attempts failed, and a CA must not be hammered";

    if (by_ca)
        why = "the CA asked us to wait (Retry-After)";
    else if (strcmp(e->text, "duplicates") == 0)
        why = "none is due, and 4 were made for these names in the last 7 days; CAs allow about 5";
    acme_time_text(e->at, when);
    show_flush(s);
    s->held = true;
    fprintf(to, "%sheld back until %s: %s\n", log_head(), when, why);
    if (e->failure != NULL) {
        fprintf(to, "  last      %s\n", acme_err_words(e->failure->err));
        show_failure(to, e->failure);
    }
    fprintf(to, "  sooner    only with %s\n",
            by_ca ? "--ignore-retry-after, at your own risk" : "--now");
}

void show_event(struct show *s, const struct acme_event *e)
{
    FILE *to;

    if (s->json)
        json_event(e);
    if (e->type == ACME_EVENT_FAILURE) {
        show_flush(s);
        s->failed = true;
        to = log_to(LOG_BAD);
        if (e->err == ACME_E_PORT_BUSY || e->err == ACME_E_PORT_ACCESS)
            fprintf(to, "%serror: port %u: %s\n", log_head(), s->port != NULL ? *s->port : 0u,
                    acme_err_words(e->err));
        else
            fprintf(to, "%serror: %s\n", log_head(), acme_err_words(e->err));
        show_failure(to, e->failure);
        show_prospect(to, e);
    } else if (e->type == ACME_EVENT_HELD)
        show_held(s, e);
    else if (!s->json)
        show_plain(s, e);
}
