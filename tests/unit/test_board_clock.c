/* The clock of boards without a battery: what is believed, and what the floor rises to. */
#define BOARD_BUILD_TIME INT64_C(1795000000)

#include "../../boards/common/board_clock.c"
#include "../../boards/common/board_fiber_none.c"

#include "test.h"

#define DAY  INT64_C(86400)
#define YEAR (365 * DAY)

static uint64_t now_ms;
static int lines;

uint64_t board_ms(void)
{
    return now_ms;
}

void board_print(const char *format, ...)
{
    (void)format;
    lines++;
}

static void fresh(void)
{
    memset(&board_hour, 0, sizeof board_hour);
    board_hour.floor = BOARD_BUILD_TIME;
    now_ms = 5000;
    lines = 0;
}

static int64_t hour(void)
{
    int64_t seconds = -1;

    return board_clock_now(&seconds) == ACME_OK ? seconds : -1;
}

TEST(nobody_has_said_anything)
{
    fresh();
    CHECK_INT(hour(), -1);
    CHECK(!board_clock_sure());
}

TEST(what_is_plausible_is_believed_and_goes_on)
{
    fresh();
    board_clock_set(BOARD_BUILD_TIME + 7 * DAY);
    CHECK_INT(hour(), BOARD_BUILD_TIME + 7 * DAY);
    now_ms += 60000;
    CHECK_INT(hour(), BOARD_BUILD_TIME + 7 * DAY + 60);
    CHECK(board_clock_sure());
    CHECK_INT(lines, 0);
}

TEST(lies_unset_it_and_are_told_and_the_truth_sets_it_again)
{
    static const int64_t lies[] = {0,
                                   1,
                                   BOARD_BUILD_TIME - 1,
                                   BOARD_BUILD_TIME + 21 * YEAR,
                                   INT64_C(4070908800),
                                   INT64_C(0xffffffff)};

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        fresh();
        board_clock_set(BOARD_BUILD_TIME + DAY);
        board_clock_set(lies[i]);
        CHECK_INT(hour(), -1);
        CHECK_INT(lines, 0);
        board_clock_tell();
        board_clock_tell();
        CHECK_INT(lines, 1);
        CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME);
        board_clock_set(BOARD_BUILD_TIME + DAY);
        CHECK_INT(hour(), BOARD_BUILD_TIME + DAY);
    }
}

TEST(what_sntp_says_never_moves_the_floor)
{
    fresh();
    board_clock_set(BOARD_BUILD_TIME + 5 * YEAR);
    CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME);
}

TEST(what_is_confirmed_raises_the_floor_by_a_year_at_most)
{
    fresh();
    board_clock_set(BOARD_BUILD_TIME + 30 * DAY);
    board_clock_confirm(BOARD_BUILD_TIME + 30 * DAY);
    CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME + 29 * DAY);
    board_clock_confirm(BOARD_BUILD_TIME + 29 * DAY); /* never back */
    CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME + 29 * DAY);
    board_clock_confirm(BOARD_BUILD_TIME + 10 * YEAR);
    CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME + 29 * DAY + YEAR);
    board_clock_set(BOARD_BUILD_TIME + 20 * DAY);
    CHECK_INT(hour(), -1);
    for (int i = 0; i < 20; i++)
        board_clock_confirm(BOARD_BUILD_TIME + 10 * YEAR);
    CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME + 10 * YEAR - DAY);
}

TEST(what_cannot_be_is_not_confirmed)
{
    static const int64_t lies[] = {
        INT64_MIN, -1, 0, BOARD_BUILD_TIME - 1, BOARD_BUILD_TIME + 21 * YEAR, INT64_MAX};

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        fresh();
        board_clock_set(BOARD_BUILD_TIME + DAY);
        board_clock_doubt();
        board_clock_confirm(lies[i]);
        CHECK_INT(board_clock_floor_now(), BOARD_BUILD_TIME);
        CHECK_INT(hour(), BOARD_BUILD_TIME + DAY);
        CHECK(!board_clock_sure());
    }
}

TEST(a_clock_that_is_far_off_is_set_by_what_is_confirmed)
{
    fresh();
    board_clock_set(BOARD_BUILD_TIME + 100 * DAY);
    board_clock_confirm(BOARD_BUILD_TIME + 40 * DAY);
    CHECK_INT(hour(), BOARD_BUILD_TIME + 40 * DAY);
    board_clock_confirm(BOARD_BUILD_TIME + 40 * DAY + 3600); /* near enough */
    CHECK_INT(hour(), BOARD_BUILD_TIME + 40 * DAY);
}

TEST(doubt_ends_with_a_time_that_is_confirmed)
{
    fresh();
    board_clock_set(BOARD_BUILD_TIME + DAY);
    board_clock_doubt();
    CHECK(!board_clock_sure());
    CHECK_INT(hour(), BOARD_BUILD_TIME + DAY); /* it may be right: it goes on being used */
    board_clock_set(BOARD_BUILD_TIME + 2 * DAY);
    CHECK(!board_clock_sure());
    board_clock_confirm(BOARD_BUILD_TIME + 2 * DAY);
    CHECK(board_clock_sure());
}

RUN()
