/* The daemon's pure parts: whose turn it is, how long a failure waits, which exit status is worse.
 */
#include "test.h"

#include "daemon.h"

TEST(the_worst_exit_status)
{
    static const int order[] = {EXIT_TRUST, EXIT_LOCAL, EXIT_SOLVER, EXIT_REFUSED,
                                EXIT_LATER, EXIT_USAGE, EXIT_DONE};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (size_t k = i; k < sizeof order / sizeof order[0]; k++) {
            CHECK_INT(daemon_worst(order[i], order[k]), order[i]);
            CHECK_INT(daemon_worst(order[k], order[i]), order[i]);
        }
    }
}

TEST(what_failed_is_tried_again_slower_and_slower)
{
    static const uint32_t want[] = {60, 300, 900, 3600, 21600, 21600, 21600};

    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++)
        CHECK_INT(daemon_retry_s(i + 1), want[i]);
    CHECK_INT(daemon_retry_s(0), 60);
    CHECK_INT(daemon_retry_s(255), 21600);
}

TEST(who_came_first_is_next)
{
    static struct daemon d;
    static struct turn turns[4];

    memset(&d, 0, sizeof d);
    memset(turns, 0, sizeof turns);
    d.turns = turns;
    d.loaded = DAEMON_NOBODY;
    CHECK(turn_next(&d) == DAEMON_NOBODY);
    d.conf.count = 4;
    turns[0].wake_ms = 30;
    turns[1].wake_ms = 20;
    turns[2].wake_ms = 10;
    turns[3].wake_ms = 20;
    CHECK_INT(turn_next(&d), 2);
    d.loaded = 2; /* it has its turn */
    CHECK_INT(turn_next(&d), 1);
    turns[1].done = true;
    CHECK_INT(turn_next(&d), 3);
    turns[3].done = turns[0].done = true;
    CHECK(turn_next(&d) == DAEMON_NOBODY);
}

/* What happens in between, and how often, must not put off the next word to the service manager. */
TEST(the_watchdog_counts_from_its_last_word)
{
    CHECK_INT(notify_watchdog_left(30000, 1000, 1000), 30000);
    CHECK_INT(notify_watchdog_left(30000, 1000, 30999), 1);
    CHECK_INT(notify_watchdog_left(30000, 1000, 31000), 0);
    CHECK_INT(notify_watchdog_left(30000, 1000, UINT64_MAX), 0);
    CHECK_INT(notify_watchdog_left(30000, 1000, 999), 30000);  /* no clock goes back, and yet */
    CHECK(notify_watchdog_left(0, 1000, 90000) == UINT32_MAX); /* nobody has asked */
}

RUN(the_worst_exit_status, what_failed_is_tried_again_slower_and_slower, who_came_first_is_next,
    the_watchdog_counts_from_its_last_word)
