/* test_sched.c - ten years of renewals and failures in a second */
#include "acme_sched.h"

#include "test.h"

#define NOW          1795000000 /* November 2026 */
#define YEAR         (365 * (int64_t)ACME_DAY)
#define LIFE         (90 * (int64_t)ACME_DAY)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum acme_class classes[] = {
    ACME_CLASS_NONE,     ACME_CLASS_CONNECTION, ACME_CLASS_VALIDATION, ACME_CLASS_REFUSED,
    ACME_CLASS_OPERATOR, ACME_CLASS_BUG,        (enum acme_class)77};
static const int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -ACME_DAY,     -1,       0, 1,
                                   ACME_DAY,  NOW,           INT64_MAX - 1, INT64_MAX};

static uint32_t seed = 1;
static uint32_t random_u32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

/* ---- due ---- */

TEST(due_at_a_third_or_half)
{
    static const struct {
        int64_t life, left;
    } rows[] = {
        {90 * ACME_DAY, 30 * ACME_DAY},
        {45 * ACME_DAY, 15 * ACME_DAY},
        {10 * ACME_DAY, 10 * ACME_DAY / 3},
        {10 * ACME_DAY - 1, (10 * ACME_DAY - 1) / 2},
        {160 * ACME_HOUR, 80 * ACME_HOUR},
        {ACME_DAY, 12 * ACME_HOUR},
        {600, 300},
        {1, 0},
        {0, 0},
        {-5, 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t after = NOW + rows[i].life;

        CHECK_INT(acme_sched_due_at(NOW, after), after - rows[i].left);
        CHECK(!acme_sched_due(after - rows[i].left - 1, NOW, after));
        CHECK(acme_sched_due(after - rows[i].left, NOW, after));
        CHECK(acme_sched_due(after, NOW, after));
        CHECK(acme_sched_due(INT64_MAX, NOW, after));
    }
}

TEST(due_at_the_extremes)
{
    for (size_t i = 0; i < COUNT(extremes); i++) {
        for (size_t k = 0; k < COUNT(extremes); k++) {
            int64_t at = acme_sched_due_at(extremes[i], extremes[k]);

            CHECK(at <= extremes[k]); /* never after the end */
            CHECK(extremes[k] <= extremes[i] || at >= extremes[i] || extremes[i] < -ACME_DAY);
            CHECK(acme_sched_due(extremes[k], extremes[i], extremes[k]));
        }
    }
}

/* ---- backoff ---- */

TEST(the_table_to_the_second)
{
    static const struct {
        enum acme_class class_of;
        unsigned failures;
        int64_t remaining;
        uint32_t least, most;
    } rows[] = {
        {ACME_CLASS_CONNECTION, 0, LIFE, 30, 60},
        {ACME_CLASS_CONNECTION, 1, LIFE, 30, 60},
        {ACME_CLASS_CONNECTION, 2, LIFE, 120, 240},
        {ACME_CLASS_CONNECTION, 3, LIFE, 480, 960},
        {ACME_CLASS_CONNECTION, 4, LIFE, 1920, 3840},
        {ACME_CLASS_CONNECTION, 5, LIFE, 7680, 15360},
        {ACME_CLASS_CONNECTION, 6, LIFE, 30720, 61440},
        {ACME_CLASS_CONNECTION, 7, LIFE, 43200, 86400},
        {ACME_CLASS_CONNECTION, 4000000000u, LIFE, 43200, 86400},
        /* an eighth of what is left: two days, two hours, one hour, one second */
        {ACME_CLASS_CONNECTION, 9, 2 * ACME_DAY, 10800, 21600},
        {ACME_CLASS_CONNECTION, 9, 2 * ACME_HOUR, 450, 900},
        {ACME_CLASS_CONNECTION, 9, ACME_HOUR, 225, 450},
        {ACME_CLASS_CONNECTION, 9, 2400, 150, 300},
        {ACME_CLASS_CONNECTION, 9, 2399, 150, 300},
        {ACME_CLASS_CONNECTION, 9, 1, 150, 300},
        {ACME_CLASS_CONNECTION, 1, 1, 30, 60},
        {ACME_CLASS_CONNECTION, 2, 1, 120, 240},
        {ACME_CLASS_CONNECTION, 3, 1, 150, 300},
        /* expired or absent */
        {ACME_CLASS_CONNECTION, 1, 0, 150, 300},
        {ACME_CLASS_CONNECTION, 12, 0, 150, 300},
        {ACME_CLASS_CONNECTION, 13, 0, 300, 600},
        {ACME_CLASS_CONNECTION, 14, -1, 600, 1200},
        {ACME_CLASS_CONNECTION, 20, INT64_MIN, 38400, 76800},
        {ACME_CLASS_CONNECTION, 21, 0, 43200, 86400},
        {ACME_CLASS_CONNECTION, 4000000000u, 0, 43200, 86400},
        {ACME_CLASS_NONE, 2, LIFE, 120, 240},
        {ACME_CLASS_VALIDATION, 1, LIFE, 720, 792},
        {ACME_CLASS_VALIDATION, 2, LIFE, 1440, 1584},
        {ACME_CLASS_VALIDATION, 3, 0, 6000, 6600},
        {ACME_CLASS_VALIDATION, 4, 1, 21600, 23760},
        {ACME_CLASS_VALIDATION, 7, 1, 21600, 23760},
        {ACME_CLASS_VALIDATION, 8, 1, 86400, 95040},
        {ACME_CLASS_VALIDATION, 4000000000u, 1, 86400, 95040},
        {ACME_CLASS_REFUSED, 1, 1, 3600, 3960},
        {ACME_CLASS_REFUSED, 2, 1, 21600, 23760},
        {ACME_CLASS_REFUSED, 3, 1, 86400, 95040},
        {ACME_CLASS_OPERATOR, 1, LIFE, 86400, 95040},
        {ACME_CLASS_OPERATOR, 99, 0, 86400, 95040},
        {ACME_CLASS_BUG, 1, LIFE, 86400, 95040},
        {(enum acme_class)77, 1, LIFE, 86400, 95040},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INT(acme_sched_backoff(rows[i].class_of, rows[i].failures, rows[i].remaining, 0),
                  rows[i].least);
        CHECK_INT(acme_sched_backoff(rows[i].class_of, rows[i].failures, rows[i].remaining, 0xffff),
                  rows[i].most);
    }
}

TEST(always_in_its_bounds_and_never_shorter_for_more)
{
    static const int64_t remaining[] = {
        INT64_MIN, -1, 0, 1, 299, 2400, ACME_HOUR, 3 * ACME_DAY, 8 * ACME_DAY, LIFE, INT64_MAX};

    for (size_t c = 0; c < COUNT(classes); c++) {
        for (size_t r = 0; r < COUNT(remaining); r++) {
            for (uint32_t jitter = 0; jitter <= 0xffff; jitter += 0xff) {
                uint32_t before = 0;

                for (unsigned n = 0; n < 70; n++) {
                    uint32_t wait =
                        acme_sched_backoff(classes[c], n, remaining[r], (uint16_t)jitter);

                    CHECK(wait >= 30 && wait <= 95040);
                    CHECK(wait >= before);
                    CHECK(jitter == 0 || wait >= acme_sched_backoff(classes[c], n, remaining[r],
                                                                    (uint16_t)(jitter - 1)));
                    before = wait;
                }
                CHECK_INT(
                    acme_sched_backoff(classes[c], UINT32_MAX, remaining[r], (uint16_t)jitter),
                    before);
            }
        }
    }
}

/* With a certificate still valid, the next try after the first few comes in the next eighth. */
TEST(many_tries_before_the_end)
{
    for (uint32_t jitter = 0; jitter <= 0xffff; jitter += 0xfff) {
        int64_t left = 30 * ACME_DAY;
        unsigned failures = 0, tries = 0;

        while (left > 0) {
            left -= acme_sched_backoff(ACME_CLASS_CONNECTION, ++failures, left, (uint16_t)jitter);
            CHECK(++tries <= 250);
        }
        CHECK(left >= -300);
        CHECK(tries >= 40);
    }
}

/* ---- charging ---- */

TEST(a_failure_is_charged)
{
    struct acme_sched s = {0};

    CHECK_INT(acme_sched_wait(&s, NOW), 0);
    acme_sched_failed(&s, NOW, ACME_CLASS_CONNECTION, LIFE, 0, 0xffff);
    CHECK_INT(s.failures, 1);
    CHECK_INT(s.last_class, ACME_CLASS_CONNECTION);
    CHECK_INT(s.not_before, NOW + 60);
    CHECK_INT(s.set_at, NOW);
    CHECK(!s.by_ca);
    CHECK_INT(acme_sched_wait(&s, NOW), 60);
    CHECK_INT(acme_sched_wait(&s, NOW + 59), 1);
    CHECK_INT(acme_sched_wait(&s, NOW + 60), 0);
    acme_sched_failed(&s, NOW + 60, ACME_CLASS_REFUSED, LIFE, 0, 0);
    CHECK_INT(s.failures, 2);
    CHECK_INT(acme_sched_wait(&s, NOW + 60), 3600);
    acme_sched_succeeded(&s);
    CHECK_INT(acme_sched_wait(&s, NOW + 61), 0);
    CHECK_INT(s.failures, 0);
    CHECK_INT(s.last_class, ACME_CLASS_NONE);
}

TEST(retry_after_is_a_floor)
{
    struct acme_sched s = {0};

    acme_sched_failed(&s, NOW, ACME_CLASS_CONNECTION, LIFE, 59, 0xffff);
    CHECK(!s.by_ca);
    CHECK_INT(acme_sched_wait(&s, NOW), 60);
    acme_sched_failed(&s, NOW + 60, ACME_CLASS_CONNECTION, LIFE, 240, 0xffff);
    CHECK(s.by_ca);
    CHECK_INT(acme_sched_wait(&s, NOW + 60), 240);
    acme_sched_failed(&s, NOW + 300, ACME_CLASS_REFUSED, LIFE, 31536000, 0);
    CHECK(s.by_ca);
    CHECK_INT(acme_sched_wait(&s, NOW + 300), 31536000);
    /* Somebody tries against it and fails otherwise: the CA's word still holds. */
    acme_sched_failed(&s, NOW + 400, ACME_CLASS_CONNECTION, LIFE, 0, 0);
    CHECK(s.by_ca);
    CHECK_INT(acme_sched_wait(&s, NOW + 400), 31536000 - 100);
    acme_sched_failed(&s, NOW + 500, ACME_CLASS_CONNECTION, LIFE, 7, 0);
    CHECK_INT(acme_sched_wait(&s, NOW + 500), 31536000 - 200);
    /* Our own backoff may be overruled by a shorter one. */
    acme_sched_succeeded(&s);
    acme_sched_failed(&s, NOW, ACME_CLASS_OPERATOR, LIFE, 0, 0);
    acme_sched_failed(&s, NOW + 10, ACME_CLASS_CONNECTION, LIFE, 0, 0xffff);
    CHECK_INT(acme_sched_wait(&s, NOW + 10), 60);
}

/* Three days without a network say nothing about the proof that fails first after them. */
TEST(each_class_waits_by_its_own_failures)
{
    struct acme_sched s = {0};

    for (int i = 0; i < 20; i++)
        acme_sched_failed(&s, NOW, ACME_CLASS_CONNECTION, LIFE, 0, 0xffff);
    CHECK_INT(acme_sched_wait(&s, NOW), ACME_DAY);
    acme_sched_failed(&s, NOW, ACME_CLASS_VALIDATION, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, NOW), 12 * ACME_MINUTE);
    acme_sched_failed(&s, NOW, ACME_CLASS_REFUSED, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, NOW), ACME_HOUR);
    acme_sched_failed(&s, NOW, ACME_CLASS_OPERATOR, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, NOW), ACME_DAY);
    CHECK_INT(s.failures, 23);
    /* A change of class is no way back to the beginning. */
    acme_sched_failed(&s, NOW, ACME_CLASS_CONNECTION, LIFE, 0, 0xffff);
    CHECK_INT(acme_sched_wait(&s, NOW), ACME_DAY);
    acme_sched_failed(&s, NOW, ACME_CLASS_VALIDATION, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, NOW), 24 * ACME_MINUTE);
    acme_sched_failed(&s, NOW, ACME_CLASS_REFUSED, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, NOW), 6 * ACME_HOUR);
    acme_sched_succeeded(&s);
    acme_sched_failed(&s, NOW, ACME_CLASS_CONNECTION, LIFE, 0, 0xffff);
    CHECK_INT(acme_sched_wait(&s, NOW), 60);
}

/* What an application refused again and again counts, though each was issued. */
TEST(what_was_rolled_back_waits_longer_each_time)
{
    static const uint32_t waits[] = {3600, 21600, 86400, 86400};
    struct acme_sched s = {0};

    for (size_t i = 0; i < COUNT(waits); i++) {
        acme_sched_rolled_back(&s);
        acme_sched_failed(&s, NOW, ACME_CLASS_REFUSED, LIFE, 0, 0);
        CHECK_INT(acme_sched_wait(&s, NOW), waits[i]);
        acme_sched_succeeded(&s);
    }
}

TEST(counters_saturate)
{
    struct acme_sched s = {0};

    for (int i = 0; i < 70000; i++) {
        acme_sched_failed(&s, NOW, ACME_CLASS_VALIDATION, LIFE, 0, 0);
        acme_sched_charge(&s, NOW);
        CHECK(s.failures >= 1 && s.orders >= 1);
    }
    CHECK_INT(s.failures, 65535);
    CHECK_INT(s.orders, 65535);
    CHECK_INT(acme_sched_wait(&s, NOW), 86400);
}

TEST(a_loop_of_crashes_slows_down)
{
    static const uint32_t gaps[] = {0,     0,     0,     0,     3600,  3600,  3600,
                                    21600, 21600, 21600, 21600, 86400, 86400, 86400};
    struct acme_sched s = {0};
    int64_t now = NOW;

    for (size_t i = 0; i < COUNT(gaps); i++) {
        CHECK_INT(acme_sched_wait(&s, now), gaps[i]);
        if (gaps[i] > 0) {
            CHECK_INT(acme_sched_wait(&s, now + gaps[i] - 1), 1);
            now += gaps[i];
        }
        CHECK_INT(acme_sched_wait(&s, now), 0);
        acme_sched_charge(&s, now);
    }
    acme_sched_succeeded(&s);
    CHECK_INT(acme_sched_wait(&s, now), 0);
    /* The longer of both waits. */
    for (int i = 0; i < 5; i++)
        acme_sched_charge(&s, now);
    acme_sched_failed(&s, now, ACME_CLASS_CONNECTION, LIFE, 0, 0xffff);
    CHECK_INT(acme_sched_wait(&s, now), 3600);
    acme_sched_failed(&s, now, ACME_CLASS_OPERATOR, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, now), 86400);
}

/* A device that reboots every few seconds for a week, at every moment of the order. */
TEST(reboots_for_a_week)
{
    for (int every = 1; every <= 600; every += 37) {
        struct acme_sched s = {0};
        int hour[7 * 24] = {0}, all = 0;

        for (int64_t t = 0; t < 7 * ACME_DAY; t += every) {
            if (acme_sched_wait(&s, NOW + t) == 0) {
                acme_sched_charge(&s, NOW + t); /* stored; then the power goes */
                hour[t / ACME_HOUR]++;
                all++;
            }
        }
        for (int i = 0; i < 7 * 24; i++)
            CHECK(hour[i] <= 4);
        CHECK(all <= 4 + 3 + 4 + 7);
    }
}

/* ---- ten years ---- */

/* One certificate for ten years, with failures of all kinds at the rate of `percent`. */
static void ten_years(int percent, enum acme_class only)
{
    struct acme_sched s = {0};
    int64_t now = NOW, before = 0, after = 0;
    int64_t tried[3] = {0, 0, 0};
    unsigned tries = 0, issued = 0;
    uint32_t longest[8] = {0}; /* wait of each class since the last success, without chance */

    while (now < NOW + 10 * YEAR) {
        uint32_t wait = acme_sched_wait(&s, now);

        if (wait == 0 && acme_sched_due(now, before, after)) {
            tries++;
            acme_sched_charge(&s, now);
            if ((int)(random_u32() % 100) < percent) {
                uint32_t retry = random_u32() % 7 == 0 ? random_u32() % 200000 : 0;
                enum acme_class class_of = only ? only : (enum acme_class)(1 + random_u32() % 5);
                struct acme_sched plain = s;

                plain.by_ca = false;
                acme_sched_failed(&plain, now, class_of, LIFE, 0, 0);
                CHECK(plain.not_before - now >= longest[class_of]);
                longest[class_of] = (uint32_t)(plain.not_before - now);
                acme_sched_failed(&s, now, class_of, after - now, retry, (uint16_t)random_u32());
                CHECK(acme_sched_wait(&s, now) >= 30);
                CHECK(s.not_before > now && s.not_before <= now + 200000);
            } else {
                acme_sched_succeeded(&s);
                memset(longest, 0, sizeof longest);
                CHECK_INT(acme_sched_wait(&s, now), 0);
                before = now - ACME_HOUR;
                after = before + LIFE;
                issued++;
                CHECK(!acme_sched_due(now, before, after));
            }
            /* No more than three tries in any hundred seconds. */
            CHECK(tried[0] == 0 || now - tried[0] >= 100);
            tried[0] = tried[1];
            tried[1] = tried[2];
            tried[2] = now;
            now++;
            continue;
        }
        /* Sleeps at least as long as it is told, like a real one. */
        if (wait == 0)
            wait = (uint32_t)(acme_sched_due_at(before, after) - now);
        CHECK(wait > 0);
        now += wait + random_u32() % 3;
    }
    if (percent == 0)
        CHECK_INT(issued, tries);
    if (percent < 100)
        CHECK(issued >= (percent <= 50 ? 55 : 20));
    /* With nothing but failures: a bounded number of newOrders, and never silence. */
    if (percent == 100)
        CHECK(tries >= 10 * 365 / 3 && tries <= 10 * 366 + 60);
}

TEST(ten_years_of_failures)
{
    for (int percent = 0; percent <= 100; percent += 10) {
        for (int only = 0; only <= 5; only++) {
            for (int i = 0; i < 3; i++)
                ten_years(percent, (enum acme_class)only);
        }
    }
}

/* ---- a clock that is wrong ---- */

TEST(a_clock_set_back_does_not_stretch_a_wait)
{
    struct acme_sched s = {0};

    /* It failed in 2099, because the clock said so. */
    acme_sched_failed(&s, 4071600000, ACME_CLASS_REFUSED, LIFE, 0, 0);
    CHECK_INT(acme_sched_wait(&s, NOW), 3600);
    CHECK(acme_sched_rebase(&s, NOW));
    CHECK_INT(acme_sched_wait(&s, NOW), 3600);
    CHECK_INT(acme_sched_wait(&s, NOW + 3599), 1);
    CHECK_INT(acme_sched_wait(&s, NOW + 3600), 0);
    CHECK(!acme_sched_rebase(&s, NOW + 3600));
    CHECK_INT(s.not_before, NOW + 3600);
    CHECK_INT(s.set_at, NOW);
    CHECK_INT(s.failures, 1);

    acme_sched_succeeded(&s);
    for (int i = 0; i < 12; i++)
        acme_sched_charge(&s, 4071600000);
    CHECK_INT(acme_sched_wait(&s, NOW), 86400);
    CHECK(acme_sched_rebase(&s, NOW));
    CHECK_INT(acme_sched_wait(&s, NOW + 1), 86399);
    CHECK_INT(acme_sched_wait(&s, NOW + 86400), 0);
    CHECK(!acme_sched_rebase(&s, NOW + 1));

    s.order_at = NOW + 2 * ACME_DAY; /* only a little ahead */
    CHECK(acme_sched_rebase(&s, NOW));
    CHECK_INT(acme_sched_wait(&s, NOW + 86400), 0);
}

TEST(a_clock_set_forward_ends_a_wait)
{
    struct acme_sched s = {0};

    acme_sched_failed(&s, NOW, ACME_CLASS_OPERATOR, LIFE, 0, 0);
    CHECK(!acme_sched_rebase(&s, NOW));
    CHECK(!acme_sched_rebase(&s, NOW + YEAR));
    CHECK_INT(acme_sched_wait(&s, NOW + YEAR), 0);
    CHECK_INT(acme_sched_wait(&s, INT64_MAX), 0);
}

TEST(one_stored_moment)
{
    int64_t nb = NOW + 500, sa = NOW;

    CHECK_INT(acme_sched_wait_one(0, 0, NOW), 0);
    CHECK_INT(acme_sched_wait_one(0, NOW, NOW - 5), 0);
    CHECK_INT(acme_sched_wait_one(0, -10, -5), 0);
    CHECK_INT(acme_sched_wait_one(nb, sa, NOW), 500);
    CHECK_INT(acme_sched_wait_one(nb, sa, NOW - 100000), 500);
    CHECK_INT(acme_sched_wait_one(nb, sa, NOW + 499), 1);
    CHECK_INT(acme_sched_wait_one(nb, sa, NOW + 500), 0);
    CHECK_INT(acme_sched_wait_one(nb, nb + 1, NOW), 0); /* nonsense: set after its own end */
    CHECK_INT(acme_sched_wait_one(INT64_MAX, 0, NOW), YEAR);
    CHECK(!acme_sched_rebase_one(&nb, &sa, NOW));
    CHECK(acme_sched_rebase_one(&nb, &sa, NOW - 7));
    CHECK_INT(nb, NOW - 7 + 500);
    CHECK_INT(sa, NOW - 7);
    nb = 0;
    CHECK(!acme_sched_rebase_one(&nb, &sa, NOW - 8));
}

/* The agent's own loop, with a clock that jumps: it always gets its turn within the wait. */
TEST(a_jumping_clock_never_starves_it)
{
    for (int round = 0; round < 300; round++) {
        struct acme_sched s = {0};
        int64_t wall = NOW, waited = 0;
        uint32_t wait;

        acme_sched_failed(&s, wall, ACME_CLASS_OPERATOR, LIFE, 0, (uint16_t)random_u32());
        for (int jump = 0; jump < 5; jump++) {
            wall += (int64_t)(random_u32() % (unsigned)(20 * YEAR)) - 10 * YEAR;
            acme_sched_rebase(&s, wall);
        }
        while ((wait = acme_sched_wait(&s, wall)) > 0) {
            uint32_t nap = wait < 600 ? wait : 600;

            wall += nap;
            waited += nap;
            acme_sched_rebase(&s, wall);
            CHECK(waited <= 95040);
        }
    }
}

TEST(what_was_just_issued_is_old)
{
    static const struct {
        int64_t life, age;
        uint32_t wait;
    } rows[] = {
        {90 * ACME_DAY, ACME_HOUR, 0},
        {90 * ACME_DAY, 6 * ACME_HOUR, 0},
        {90 * ACME_DAY, 6 * ACME_HOUR + 1, 2 * ACME_DAY},
        {90 * ACME_DAY, 61 * ACME_DAY, 2 * ACME_DAY},
        {6 * ACME_DAY, 5 * ACME_DAY, 18 * ACME_HOUR},
        {ACME_DAY, 3 * ACME_HOUR, 0},
        {ACME_DAY, 4 * ACME_HOUR, 3 * ACME_HOUR},
        {ACME_DAY, -ACME_DAY, 0},
        {-1, 5, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_sched s = {0};
        int64_t now = 1800000000;
        bool held = acme_sched_issued(&s, now, now - rows[i].age, now - rows[i].age + rows[i].life);
        CHECK_INT(held, rows[i].wait > 0 || rows[i].life < 0);
        CHECK_INT(acme_sched_wait(&s, now), rows[i].wait);
    }
    for (int i = 0; i < 3; i++) {
        static const int64_t times[] = {INT64_MIN, 0, INT64_MAX};
        struct acme_sched s = {0};
        for (int k = 0; k < 9; k++)
            (void)acme_sched_issued(&s, times[i], times[k % 3], times[k / 3]);
        CHECK(acme_sched_wait(&s, 1800000000) <= 366 * ACME_DAY);
    }
}

TEST(nothing_overflows)
{
    for (size_t a = 0; a < COUNT(extremes); a++) {
        for (size_t b = 0; b < COUNT(extremes); b++) {
            for (size_t c = 0; c < COUNT(extremes); c++) {
                struct acme_sched s = {.not_before = extremes[a],
                                       .set_at = extremes[b],
                                       .order_at = extremes[a],
                                       .orders = 9,
                                       .by_ca = true};
                uint32_t wait = acme_sched_wait(&s, extremes[c]);

                CHECK(wait <= YEAR);
                CHECK(acme_sched_wait_one(extremes[a], extremes[b], extremes[c]) <= YEAR);
                acme_sched_rebase(&s, extremes[c]);
                CHECK(acme_sched_wait(&s, extremes[c]) <= YEAR);
                acme_sched_failed(&s, extremes[c], ACME_CLASS_CONNECTION, extremes[b], UINT32_MAX,
                                  0xffff);
                CHECK(s.not_before >= extremes[c]);
                acme_sched_charge(&s, extremes[c]);
                CHECK(acme_sched_wait(&s, extremes[b]) <= YEAR);
            }
        }
    }
}

RUN(due_at_a_third_or_half, due_at_the_extremes, the_table_to_the_second,
    always_in_its_bounds_and_never_shorter_for_more, many_tries_before_the_end,
    a_failure_is_charged, retry_after_is_a_floor, counters_saturate,
    each_class_waits_by_its_own_failures, what_was_rolled_back_waits_longer_each_time,
    a_loop_of_crashes_slows_down, reboots_for_a_week, ten_years_of_failures,
    a_clock_set_back_does_not_stretch_a_wait, a_clock_set_forward_ends_a_wait, one_stored_moment,
    a_jumping_clock_never_starves_it, nothing_overflows)
