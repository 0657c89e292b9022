/* Is a certificate in good health? The thresholds, over lives from an hour to years. */
#include "test.h"

#include "alarm.h"

static struct acme_sched attempts;
static struct acme_failure failure;

/* A certificate of `life` seconds, at `left` seconds before its end. */
static struct alarm_facts at(int64_t life, int64_t left)
{
    struct alarm_facts f;

    memset(&f, 0, sizeof f);
    memset(&attempts, 0, sizeof attempts);
    memset(&failure, 0, sizeof failure);
    f.not_before = 1800000000;
    f.not_after = f.not_before + life;
    f.now = f.not_after - left;
    f.due_at = acme_sched_due_at(f.not_before, f.not_after);
    f.failure = &failure;
    f.attempts = &attempts;
    return f;
}

static void check_one(int line, const struct alarm_facts *f, enum alarm_reason reason)
{
    struct alarm a = alarm_judge(f);

    if (a.reason != reason)
        test_stop(TEST_FAILED, "line %d: %s, not %s", line, alarm_reason_word(a.reason),
                  alarm_reason_word(reason));
    test_int(__FILE__, line, "level", a.level,
             reason == ALARM_FINE     ? ALARM_OK
             : reason < ALARM_OVERDUE ? ALARM_CRITICAL
                                      : ALARM_WARNING);
}
#define CHECK_REASON(f, reason) check_one(__LINE__, &(f), reason)

static const int64_t lives[] = {3600,         24 * 3600,    160 * 3600,   45 * 86400,
                                64 * 86400LL, 90 * 86400LL, 398 * 86400LL};
#define EACH_LIFE(i) for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++)

TEST(an_ordinary_renewal_never_alarms)
{
    EACH_LIFE(i)
    {
        int64_t reserve = lives[i] < 10 * 86400 ? lives[i] / 2 : lives[i] / 3;
        /* From the first second until it is due, through the longest spread and some failures of
         * an hour, which is more than a tenth of short lives. */
        int64_t spread = reserve / 16 < 86400 ? reserve / 16 : 86400;
        for (int64_t left = lives[i]; left >= reserve - spread; left -= lives[i] / 97 + 1) {
            struct alarm_facts f = at(lives[i], left);
            CHECK_REASON(f, ALARM_FINE);
            failure.err = ACME_E_TIMEOUT;
            attempts.failures = attempts.connections = 5;
            CHECK_REASON(f, ALARM_FINE);
        }
    }
}

/* The core lets a CA's window move the renewal to half of the reserve. */
TEST(the_latest_moment_in_a_window_is_no_alarm)
{
    EACH_LIFE(i)
    {
        int64_t reserve = lives[i] < 10 * 86400 ? lives[i] / 2 : lives[i] / 3;
        struct alarm_facts f = at(lives[i], reserve / 2);
        f.due_at = f.now;
        f.window_asked = f.not_before;
        CHECK_REASON(f, ALARM_FINE);
        f.now += lives[i] / 50;
        CHECK_REASON(f, ALARM_FINE);
    }
}

TEST(a_window_in_the_past_counts_from_when_it_was_heard)
{
    struct alarm_facts f = at(90 * 86400LL, 80 * 86400LL);

    f.due_at = f.not_before + 21600;
    CHECK_REASON(f, ALARM_OVERDUE);
    f.window_asked = f.now - 3600;
    CHECK_REASON(f, ALARM_FINE);
    f.now += 9 * 86400 - 3600;
    CHECK_REASON(f, ALARM_FINE);
    f.now += 1;
    CHECK_REASON(f, ALARM_OVERDUE);
    /* The window was told long before. */
    f = at(90 * 86400LL, 39 * 86400LL);
    f.due_at = f.now - 86400;
    f.window_asked = f.not_before;
    CHECK_REASON(f, ALARM_FINE);
    /* It is asked again and again, and nothing comes of it: the life's own rule holds. */
    f = at(90 * 86400LL, 21 * 86400LL - 1);
    f.due_at = f.not_before + 21600;
    f.window_asked = f.now - 60;
    CHECK_REASON(f, ALARM_OVERDUE);
}

TEST(overdue_by_a_tenth_of_its_life)
{
    EACH_LIFE(i)
    {
        int64_t reserve = lives[i] < 10 * 86400 ? lives[i] / 2 : lives[i] / 3;
        struct alarm_facts f = at(lives[i], reserve - lives[i] / 10);
        CHECK_REASON(f, ALARM_FINE);
        f.now++;
        CHECK_REASON(f, ALARM_OVERDUE);
    }
}

TEST(critical_below_an_eighth)
{
    EACH_LIFE(i)
    {
        struct alarm_facts f = at(lives[i], lives[i] / 8);
        CHECK_REASON(f, ALARM_OVERDUE);
        f.now++;
        CHECK_REASON(f, ALARM_SHORT);
        f.now = f.not_after - 1;
        CHECK_REASON(f, ALARM_SHORT);
        f.now = f.not_after;
        CHECK_REASON(f, ALARM_EXPIRED);
    }
}

TEST(a_hook_that_is_owed)
{
    EACH_LIFE(i)
    {
        struct alarm_facts f = at(lives[i], lives[i] - lives[i] / 5);

        f.hook_since = f.now - lives[i] / 10;
        CHECK_REASON(f, ALARM_FINE);
        f.hook_since--;
        CHECK_REASON(f, ALARM_HOOK);
        f.hook_since = 0;
        CHECK_REASON(f, ALARM_FINE);
    }
}

TEST(what_is_worse_goes_first)
{
    struct alarm_facts f = at(90 * 86400LL, 60 * 86400LL);

    f.damaged_record = true;
    CHECK_REASON(f, ALARM_RECORD);
    f.now = f.not_before - 3600;
    CHECK_REASON(f, ALARM_RECORD);
    f.now--;
    CHECK_REASON(f, ALARM_NOT_YET);
    f.now = 0;
    CHECK_REASON(f, ALARM_NO_CLOCK);
    f.revoked = true;
    CHECK_REASON(f, ALARM_REVOKED);
    f.err = ACME_E_SLOT_CORRUPT;
    CHECK_REASON(f, ALARM_DAMAGED);
    f.err = ACME_E_SLOT_EMPTY;
    CHECK_REASON(f, ALARM_NONE);
}

TEST(failures_in_a_row)
{
    struct alarm_facts f = at(90 * 86400LL, 30 * 86400LL);

    failure.err = ACME_E_TIMEOUT;
    attempts.failures = attempts.connections = 5;
    CHECK_REASON(f, ALARM_FINE);
    attempts.failures = attempts.connections = 6;
    CHECK_REASON(f, ALARM_FAILING);
    failure.err = ACME_E_VALIDATION;
    attempts.connections = 0;
    attempts.failures = attempts.validations = 2;
    CHECK_REASON(f, ALARM_FINE);
    attempts.refusals = 1;
    attempts.failures = 3;
    CHECK_REASON(f, ALARM_FAILING);
    memset(&attempts, 0, sizeof attempts);
    attempts.failures = 1;
    failure.err = ACME_E_TERMS;
    CHECK_REASON(f, ALARM_PERSON);
    failure.err = ACME_E_SLOT_FULL;
    CHECK_REASON(f, ALARM_PERSON);
    failure.err = ACME_E_RATE;
    CHECK_REASON(f, ALARM_FINE);
}

static char text[1200];
static const char *words(const struct alarm_facts *f)
{
    struct alarm a = alarm_judge(f);
    struct acme_buf b;

    acme_buf_init(&b, text, sizeof text);
    alarm_words(&b, &a, f);
    return acme_buf_end(&b) ? text : "too long";
}

TEST(words_tell_what_is_left_and_why)
{
    struct alarm_facts f = at(90 * 86400LL, 60 * 86400LL);

    CHECK_STR(words(&f), "ends in 60 days (of 90 days)");
    f = at(24 * 3600, 3 * 3600);
    CHECK_STR(words(&f), "the renewal is late; ends in 3 hours (of 24 hours)");
    failure.err = ACME_E_VALIDATION;
    attempts.failures = 4;
    strcpy(failure.problem.detail, "no such host");
    CHECK_STR(words(&f), "the renewal is late; ends in 3 hours (of 24 hours); the last 4 attempts "
                         "failed: the CA could not validate a name (no such host)");
    f.now = f.not_after + 300;
    attempts.failures = 1;
    failure.problem.detail[0] = '\0';
    strcpy(failure.note, "host ca.example");
    CHECK_STR(words(&f), "EXPIRED; ended 5 minutes ago; the last attempt failed: the CA could not "
                         "validate a name (host ca.example)");
    f.err = ACME_E_SLOT_EMPTY;
    failure.err = ACME_OK;
    CHECK_STR(words(&f), "there is no certificate");
    f.err = ACME_E_SLOT_CORRUPT;
    words(&f);
    CHECK(strncmp(text, "the certificate's records cannot be used: ", 42) == 0);
    f = at(90 * 86400LL, 1);
    f.now = 0;
    CHECK_STR(words(&f), "the clock is not set");
}

RUN()
