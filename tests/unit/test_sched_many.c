/* test_sched_many.c - many devices, one moment: they must not come together */
#include "acme_sched.h"

#include "test.h"

#define LIFE         (90 * (int64_t)ACME_DAY)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum acme_class classes[] = {ACME_CLASS_CONNECTION, ACME_CLASS_VALIDATION,
                                          ACME_CLASS_REFUSED, ACME_CLASS_OPERATOR, ACME_CLASS_BUG};

static uint32_t seed = 1;
static uint32_t random_u32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

TEST(the_spread_is_bounded_by_what_is_left)
{
    static const struct {
        enum acme_sched_found found;
        int64_t remaining;
        uint32_t most;
    } rows[] = {
        {ACME_SCHED_RUNNING, 30 * ACME_DAY, ACME_DAY},
        {ACME_SCHED_RUNNING, 16 * ACME_DAY, ACME_DAY},
        {ACME_SCHED_RUNNING, 15 * ACME_DAY, 81000},
        {ACME_SCHED_RUNNING, 80 * ACME_HOUR, 18000},
        {ACME_SCHED_RUNNING, 16, 1},
        {ACME_SCHED_RUNNING, 15, 0},
        {ACME_SCHED_RUNNING, INT64_MAX, ACME_DAY},
        {ACME_SCHED_AT_START, 30 * ACME_DAY, 3600},
        {ACME_SCHED_AT_START, 16 * ACME_HOUR, 3600},
        {ACME_SCHED_AT_START, 8 * ACME_HOUR, 1800},
        {ACME_SCHED_AT_START, ACME_HOUR, 225},
        {ACME_SCHED_AT_START, 1, 0},
        {ACME_SCHED_AT_START, 0, 300},
        {ACME_SCHED_RUNNING, 0, 300},
        {ACME_SCHED_RUNNING, -1, 300},
        {ACME_SCHED_AT_START, INT64_MIN, 300},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t before = 0;

        CHECK_INT(acme_sched_spread(rows[i].found, rows[i].remaining, 0), 0);
        CHECK_INT(acme_sched_spread(rows[i].found, rows[i].remaining, 0xffff), rows[i].most);
        for (uint32_t jitter = 0; jitter <= 0xffff; jitter += 0xff) {
            uint32_t wait = acme_sched_spread(rows[i].found, rows[i].remaining, (uint16_t)jitter);

            CHECK(wait >= before && wait <= rows[i].most);
            before = wait;
        }
    }
}

/* Ten thousand devices that do the same at 00:00:00: how many come in the fullest second, and at
 * which second of the minute? */
static void crowd(const uint32_t *waits, size_t count, unsigned most_percent)
{
    static unsigned seconds[100000];
    unsigned minute[60] = {0};

    memset(seconds, 0, sizeof seconds);
    for (size_t i = 0; i < count; i++) {
        CHECK(waits[i] < COUNT(seconds));
        CHECK(++seconds[waits[i]] * 100 <= most_percent * count);
        minute[waits[i] % 60]++;
    }
    CHECK(minute[0] * 10 <= count);
}

TEST(no_wait_is_aligned_to_minutes)
{
    static uint32_t waits[10000];

    for (size_t c = 0; c < COUNT(classes); c++) {
        for (unsigned failures = 1; failures < 30; failures++) {
            for (size_t i = 0; i < COUNT(waits); i++)
                waits[i] = acme_sched_backoff(classes[c], failures, LIFE, (uint16_t)random_u32());
            crowd(waits, COUNT(waits), failures == 1 ? 5 : 3);
        }
    }
    for (int found = 0; found < 2; found++) {
        for (int64_t remaining = 0; remaining <= LIFE; remaining += ACME_DAY) {
            for (size_t i = 0; i < COUNT(waits); i++)
                waits[i] = acme_sched_spread((enum acme_sched_found)found, remaining,
                                             (uint16_t)random_u32());
            crowd(waits, COUNT(waits), 1);
        }
    }
}

RUN(the_spread_is_bounded_by_what_is_left, no_wait_is_aligned_to_minutes)
