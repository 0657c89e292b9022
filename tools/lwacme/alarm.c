/* alarm.c - is a certificate in good health? */
#include "alarm.h"

#include <stddef.h>

#define ALM_PROOFS   3         /* failures in a row that the CA had the last word in */
#define ALM_FAILURES 6         /* ... of any kind */
#define ALM_SKEW     ACME_HOUR /* a certificate that is younger than the clock thinks */

const char *alarm_level_word(enum alarm_level level)
{
    return level == ALARM_OK ? "ok" : level == ALARM_WARNING ? "warning" : "critical";
}

static const struct {
    enum alarm_level level;
    const char *word, *text;
} alm_reasons[] = {
    [ALARM_FINE] = {ALARM_OK, "fine", ""},
    [ALARM_NO_CLOCK] = {ALARM_CRITICAL, "clock", "the clock is not set"},
    [ALARM_NONE] = {ALARM_CRITICAL, "none", "there is no certificate"},
    [ALARM_DAMAGED] = {ALARM_CRITICAL, "damaged", "the certificate's records cannot be used"},
    [ALARM_REVOKED] = {ALARM_CRITICAL, "revoked", "revoked, or perhaps so, and not renewed"},
    [ALARM_NOT_YET] = {ALARM_CRITICAL, "not_yet_valid", "not valid yet: is the clock right?"},
    [ALARM_EXPIRED] = {ALARM_CRITICAL, "expired", "EXPIRED"},
    [ALARM_SHORT] = {ALARM_CRITICAL, "short", "the renewal is far too late"},
    [ALARM_OVERDUE] = {ALARM_WARNING, "overdue", "the renewal is late"},
    [ALARM_PERSON] = {ALARM_WARNING, "person", "a person must act"},
    [ALARM_FAILING] = {ALARM_WARNING, "failing", "the renewal fails again and again"},
    [ALARM_HOOK] = {ALARM_WARNING, "hook", "its deploy hook has not ended well"},
    [ALARM_RECORD] = {ALARM_WARNING, "record", "a record beside the certificate is damaged"},
};

const char *alarm_reason_word(enum alarm_reason reason)
{
    return alm_reasons[reason].word;
}

/* The moment from which on a renewal is late. A CA may move its window into the past: then it
 * counts from when that was heard, but questions that come again and again do not put it off for
 * ever. */
static int64_t alm_due(const struct alarm_facts *f)
{
    int64_t by_life = acme_sched_due_at(f->not_before, f->not_after);

    if (f->window_asked <= f->due_at || by_life <= f->due_at)
        return f->due_at;
    return f->window_asked < by_life ? f->window_asked : by_life;
}

/* Has what failed been said by the CA about us, or can it be anybody's network? */
static unsigned alm_proofs(const struct acme_sched *s)
{
    return (unsigned)s->validations + s->refusals;
}

static enum alarm_reason alm_reason(const struct alarm_facts *f)
{
    int64_t life = f->not_after - f->not_before;
    int64_t left = f->not_after - f->now;
    enum acme_class class_of = acme_err_class(f->failure->err);

    if (f->err == ACME_E_SLOT_EMPTY)
        return ALARM_NONE;
    if (f->err != ACME_OK)
        return ALARM_DAMAGED;
    if (f->revoked)
        return ALARM_REVOKED;
    if (f->now == 0)
        return ALARM_NO_CLOCK;
    if (left <= 0)
        return ALARM_EXPIRED;
    if (f->not_before - f->now > ALM_SKEW)
        return ALARM_NOT_YET;
    if (left < life / 8)
        return ALARM_SHORT;
    if (f->now - alm_due(f) > life / 10)
        return ALARM_OVERDUE;
    if (class_of == ACME_CLASS_OPERATOR || class_of == ACME_CLASS_BUG)
        return ALARM_PERSON;
    if (alm_proofs(f->attempts) >= ALM_PROOFS || f->attempts->failures >= ALM_FAILURES)
        return ALARM_FAILING;
    if (f->hook_since != 0 && f->now - f->hook_since > life / 10)
        return ALARM_HOOK;
    return f->damaged_record ? ALARM_RECORD : ALARM_FINE;
}

struct alarm alarm_judge(const struct alarm_facts *f)
{
    struct alarm a;

    a.reason = alm_reason(f);
    a.level = alm_reasons[a.reason].level;
    return a;
}

/* -- words -- */

void alarm_span(struct acme_buf *out, int64_t seconds)
{
    uint64_t s = seconds < 0 ? (uint64_t)-seconds : (uint64_t)seconds;

    if (s >= 2 * ACME_DAY) {
        acme_buf_dec(out, s / ACME_DAY);
        acme_buf_text(out, " days");
    } else if (s >= 2 * ACME_HOUR) {
        acme_buf_dec(out, s / ACME_HOUR);
        acme_buf_text(out, " hours");
    } else {
        acme_buf_dec(out, s / ACME_MINUTE);
        acme_buf_text(out, " minutes");
    }
}

static void alm_life(struct acme_buf *out, const struct alarm_facts *f)
{
    int64_t left = f->not_after - f->now;

    if (f->err != ACME_OK || f->now == 0)
        return;
    acme_buf_text(out, left < 0 ? "ended " : "ends in ");
    alarm_span(out, left);
    acme_buf_text(out, left < 0 ? " ago" : " (of ");
    if (left >= 0) {
        alarm_span(out, f->not_after - f->not_before);
        acme_buf_char(out, ')');
    }
}

static void alm_failures(struct acme_buf *out, const struct alarm_facts *f)
{
    const struct acme_problem *p = &f->failure->problem;

    if (f->failure->err == ACME_OK)
        return;
    if (f->attempts->failures > 1) {
        acme_buf_text(out, "; the last ");
        acme_buf_dec(out, f->attempts->failures);
        acme_buf_text(out, " attempts failed: ");
    } else
        acme_buf_text(out, "; the last attempt failed: ");
    acme_buf_text(out, acme_err_words(f->failure->err));
    if (p->detail[0] == '\0' && f->failure->note[0] == '\0')
        return;
    acme_buf_text(out, " (");
    acme_buf_text(out, p->detail[0] != '\0' ? p->detail : f->failure->note);
    acme_buf_char(out, ')');
}

void alarm_words(struct acme_buf *out, const struct alarm *alarm, const struct alarm_facts *f)
{
    const char *text = alm_reasons[alarm->reason].text;

    acme_buf_text(out, text);
    if (alarm->reason == ALARM_DAMAGED) {
        acme_buf_text(out, ": ");
        acme_buf_text(out, acme_err_words(f->err));
    }
    if (text[0] != '\0' && f->err == ACME_OK && f->now != 0)
        acme_buf_text(out, "; ");
    alm_life(out, f);
    alm_failures(out, f);
}
