/* lwacme status: what is stored, and what is next; with --check, for a monitoring system. */
#include "facts.h"

#include <string.h>

#include "acme_time.h"
#include "metrics.h"

#define SERIAL_TEXT (2 * sizeof((struct acme_cert_facts *)0)->serial + 1)

struct status {
    const struct options *o;
    struct metrics *metrics; /* NULL: not asked for */
    unsigned shown, broken;
    enum alarm_level worst;
};

static long days_left(const struct facts *f)
{
    return (long)((f->cert.not_after - f->now) / ACME_DAY);
}

static void serial_text(const struct facts *f, char out[SERIAL_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < f->leaf.serial_len; i++) {
        *out++ = digits[f->leaf.serial[i] >> 4];
        *out++ = digits[f->leaf.serial[i] & 15];
    }
    *out = '\0';
}

/* What the CA wants (RFC 9773). */
static void print_window(const struct facts *f)
{
    char start[ACME_TIME_TEXT], end[ACME_TIME_TEXT], next[ACME_TIME_TEXT];

    if (f->status.window_start != 0 || f->status.window_end != 0) {
        acme_time_text(f->status.window_start, start);
        acme_time_text(f->status.window_end, end);
        acme_time_text(f->status.window_next, next);
        printf("  window    the CA wants it from %s until %s%s; asked again from %s on\n", start,
               end, f->status.window_followed ? "" : ", which makes no sense and is ignored", next);
    }
    if (f->status.cert_id[0] != '\0')
        printf("  ARI name  %s%s\n", f->status.cert_id,
               f->status.replaces ? " (its order named its predecessor)" : "");
}

static void print_certificate(const struct facts *f)
{
    char from[ACME_TIME_TEXT], until[ACME_TIME_TEXT], due[ACME_TIME_TEXT];
    char serial[SERIAL_TEXT];
    struct acme_name name;

    printf("  names     ");
    for (size_t i = 0; acme_cert_san(acme_chain_at(&f->cert.chain, 0), i, &name) == ACME_OK; i++)
        printf("%s%s", i > 0 ? " " : "", name.text);
    acme_time_text(f->cert.not_before, from);
    acme_time_text(f->cert.not_after, until);
    acme_time_text(f->status.due_at, due);
    serial_text(f, serial);
    printf("\n  issuer    %s\n  serial    %s\n  valid     from %s until %s (%s%ld days)\n"
           "  renewal   from %s on\n",
           f->leaf.issuer, serial, from, until, f->cert.not_after < f->now ? "EXPIRED, " : "",
           days_left(f), due);
    print_window(f);
    if (f->status.revoked != ACME_NOT_REVOKED) {
        acme_time_text(f->status.revoked_at, due);
        printf("  REVOKED   %s %s (%s); it is not renewed: `lwacme issue --force` gets another\n",
               f->status.revoked == ACME_REVOKED ? "at" : "perhaps: the CA was asked at", due,
               acme_reason_name(f->status.revoked_reason));
    }
}

/* The state of its health, after `before`. */
static void print_alarm(const struct facts *f, const char *before, const char *after)
{
    static const char *const levels[] = {"OK", "WARNING", "CRITICAL"};
    char text[1200];
    struct acme_buf b;

    acme_buf_init(&b, text, sizeof text);
    alarm_words(&b, &f->alarm, &f->health);
    printf("%s%s%s: %s\n", before, levels[f->alarm.level], after,
           acme_buf_end(&b) ? text : alarm_reason_word(f->alarm.reason));
}

/* What another certificate may have heard, and holds for this one too. */
static void print_holds(const struct facts *f)
{
    struct facts_hold holds[FACTS_HOLDS];
    size_t count = facts_holds(f, holds);
    char until[ACME_TIME_TEXT], since[ACME_TIME_TEXT];

    for (size_t i = 0; i < count; i++) {
        acme_time_text(holds[i].until, until);
        acme_time_text(holds[i].since, since);
        printf("  held      by CA %s until %s: %s, because it said so at %s (Retry-After)\n",
               f->status.server != NULL ? f->status.server : "", until, holds[i].what, since);
    }
}

static void print_plain(const struct facts *f)
{
    const struct acme_failure *failure = f->status.failure;
    char when[ACME_TIME_TEXT];

    printf("%s\n", f->key);
    if (f->err == ACME_OK)
        print_certificate(f);
    else
        printf("  certificate  %s\n",
               f->err == ACME_E_SLOT_EMPTY ? "none yet" : acme_err_words(f->err));
    if (f->damaged[0] != '\0')
        printf("  damaged   %s\n", f->damaged);
    if (f->several)
        printf("  server    %s%s\n", f->status.server,
               f->status.rehearsal ? ", after the staging CA has seen that the names can be proved"
                                   : "");
    if (f->status.order_open)
        printf("  order     one is open: the next run goes on with it\n");
    if (failure->err != ACME_OK) {
        acme_time_text(failure->at, when);
        printf("  failed    %s: %s\n", when, acme_err_words(failure->err));
        show_failure(stdout, failure);
    }
    if (f->status.attempts->failures > 0)
        printf("  attempts  %u failed in a row\n", f->status.attempts->failures);
    if (f->status.failed_types != 0) {
        printf("  ways     ");
        for (unsigned type = 1; type <= f->status.failed_types; type <<= 1) {
            if ((f->status.failed_types & type) != 0)
                printf(" %s", acme_challenge_type_name((enum acme_challenge_type)type));
        }
        printf(" failed since the last certificate; others that fit are tried first\n");
    }
    if (f->status.early_at > f->now) {
        acme_time_text(f->status.early_at, when);
        printf("  no more   before it is due until %s: 4 were made in the last 7 days\n", when);
    }
    print_holds(f);
    if (f->alarm.level != ALARM_OK)
        print_alarm(f, "  check     ", "");
    if (f->status.next_at > f->now) {
        acme_time_text(f->status.next_at, when);
        printf("  next try  not before %s%s\n", when,
               f->status.next_by_ca ? " (the CA asked for that)" : "");
    }
}

static void put_window(struct acme_buf *b, const struct acme_agent_status *s)
{
    if (s->window_start != 0 || s->window_end != 0) {
        acme_json_put_time(b, "window_start", s->window_start);
        acme_json_put_time(b, "window_end", s->window_end);
        acme_json_put_time(b, "window_next", s->window_next);
        if (!s->window_followed)
            acme_buf_text(b, ",\"window_ignored\":true");
    }
    if (s->cert_id[0] != '\0')
        acme_json_put_text(b, "cert_id", s->cert_id);
    if (s->replaces)
        acme_buf_text(b, ",\"replaces\":true");
}

static void put_failed_types(struct acme_buf *b, unsigned types)
{
    const char *before = ",\"failed_types\":[";

    for (unsigned type = 1; type <= types; type <<= 1) {
        if ((types & type) == 0)
            continue;
        acme_buf_text(b, before);
        acme_buf_json(b, acme_slice_text(acme_challenge_type_name((enum acme_challenge_type)type)));
        before = ",";
    }
    acme_buf_text(b, types != 0 ? "]" : "");
}

static void put_holds(struct acme_buf *b, const struct facts *f)
{
    struct facts_hold holds[FACTS_HOLDS];
    size_t count = facts_holds(f, holds);
    char name[40];

    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "ca_holds_%s_until", holds[i].word);
        acme_json_put_time(b, name, holds[i].until);
    }
}

static void print_json(const struct facts *f)
{
    static uint8_t room[65536];
    char serial[SERIAL_TEXT];
    struct acme_buf b;
    struct acme_name name;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "status");
    acme_json_put_text(&b, "certificate", f->key);
    if (f->err == ACME_OK) {
        acme_buf_text(&b, ",\"names\":[");
        for (size_t i = 0; acme_cert_san(acme_chain_at(&f->cert.chain, 0), i, &name) == ACME_OK;
             i++) {
            acme_buf_text(&b, i > 0 ? "," : "");
            acme_buf_json(&b, acme_slice_text(name.text));
        }
        acme_buf_char(&b, ']');
        serial_text(f, serial);
        acme_json_put_text(&b, "issuer", f->leaf.issuer);
        acme_json_put_text(&b, "serial", serial);
        acme_json_put_time(&b, "not_before", f->cert.not_before);
        acme_json_put_time(&b, "not_after", f->cert.not_after);
        acme_json_put_number(&b, "days_left", days_left(f));
        acme_json_put_time(&b, "due_at", f->status.due_at);
        put_window(&b, &f->status);
        if (f->status.revoked != ACME_NOT_REVOKED) {
            acme_json_put_text(&b, "revoked", f->status.revoked == ACME_REVOKED ? "yes" : "asked");
            acme_json_put_text(&b, "revoked_reason", acme_reason_name(f->status.revoked_reason));
            acme_json_put_time(&b, "revoked_at", f->status.revoked_at);
        }
    } else if (f->err != ACME_E_SLOT_EMPTY)
        acme_json_put_text(&b, "error", acme_err_name(f->err));
    if (f->damaged[0] != '\0')
        acme_json_put_text(&b, "damaged", f->damaged);
    if (f->several) {
        acme_json_put_text(&b, "server", f->status.server);
        if (f->status.rehearsal)
            acme_buf_text(&b, ",\"rehearsal\":true");
    }
    if (f->status.order_open)
        acme_buf_text(&b, ",\"order_open\":true");
    if (f->status.next_at > f->now) {
        acme_json_put_time(&b, "next_attempt", f->status.next_at);
        acme_json_put_text(&b, "next_by", f->status.next_by_ca ? "ca" : "backoff");
    }
    put_holds(&b, f);
    if (f->status.early_at > f->now)
        acme_json_put_time(&b, "early_at", f->status.early_at);
    if (f->status.attempts->failures > 0)
        acme_json_put_number(&b, "failures", f->status.attempts->failures);
    put_failed_types(&b, f->status.failed_types);
    acme_json_put_text(&b, "check", alarm_level_word(f->alarm.level));
    acme_json_put_text(&b, "check_reason", alarm_reason_word(f->alarm.reason));
    if (f->status.failure->err != ACME_OK)
        acme_json_put_failure(&b, f->status.failure,
                              show_hint(f->status.failure->err, &f->status.failure->problem));
    show_json(&b);
}

/* -- what is shown -- */

/* "WARNING a.example: the renewal is late; ends in 20 days (of 90 days)" */
static void print_check(const struct facts *f)
{
    char name[ACME_NAME_ROOM + 1];

    snprintf(name, sizeof name, " %.253s", f->key);
    print_alarm(f, "", name);
}

static void show_one(void *arg, const struct facts *f)
{
    struct status *s = arg;

    s->shown++;
    if ((f->err != ACME_OK && f->err != ACME_E_SLOT_EMPTY) || f->damaged[0] != '\0')
        s->broken++;
    if (f->alarm.level > s->worst)
        s->worst = f->alarm.level;
    if (s->metrics != NULL)
        metrics_add(s->metrics, f);
    if (s->o->json)
        print_json(f);
    else if (s->o->check)
        print_check(f);
    else
        print_plain(f);
}

/* Nothing to watch over is an alarm for who wants it watched, and for nobody else. */
static int nothing(const struct options *o)
{
    if (o->check)
        printf("CRITICAL no certificates in %s\n", o->state_dir);
    else if (!o->json)
        printf("no certificates in %s\n", o->state_dir);
    return o->check ? (int)ALARM_CRITICAL : EXIT_DONE;
}

static int end_metrics(struct show *show, struct metrics *m, const char *path)
{
    char why[300];
    int err = metrics_end(m, path, why, sizeof why);

    if (err != 0)
        show_error(show, ACME_E_SLOT, "--metrics %.200s: %s", path, why);
    return err;
}

/* All that is to be looked at. */
static int look(const struct options *o, const struct conf *c, struct status *s, struct show *show)
{
    char why[256];
    int err = facts_each(o, c, show_one, s, why, sizeof why);

    if (err == ACME_OK || err == ACME_E_SLOT_EMPTY) {
        if (s->shown == 0)
            return nothing(o);
        return o->check ? (int)s->worst : s->broken > 0 ? EXIT_LOCAL : EXIT_DONE;
    }
    show_error(show, err, "%s: %s", acme_err_words(err), why);
    s->metrics = NULL; /* a file that grows old is an alarm of its own; half of one is not */
    return o->check ? (int)ALARM_CRITICAL : exit_status(err);
}

int status_run(const struct options *o)
{
    static struct metrics metrics;
    struct status s = {.o = o};
    struct conf conf;
    struct show show;
    char why[400];
    int end;

    show_init(&show, o);
    metrics_begin(&metrics);
    if (o->metrics_file != NULL)
        s.metrics = &metrics;
    if (o->metrics_file != NULL && metrics_doubt(o->metrics_file, why, sizeof why))
        fprintf(log_to(LOG_WARN), "lwacme: warning: --metrics: %s\n", why);
    if (o->config_file != NULL) {
        end = conf_open(&conf, o->config_file, o);
        if (end != EXIT_DONE)
            return o->check ? (int)ALARM_CRITICAL : end;
    }
    end = look(o, o->config_file != NULL ? &conf : NULL, &s, &show);
    if (o->config_file != NULL)
        conf_close(&conf);
    if (s.metrics != NULL && end_metrics(&show, &metrics, o->metrics_file) != 0 && end == EXIT_DONE)
        end = o->check ? (int)ALARM_WARNING : EXIT_LOCAL;
    return end;
}
