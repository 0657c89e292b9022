#include "board_clock.h"

#include "acme_config.h"
#include "acme_err.h"
#include "board.h"
#include "board_fiber.h"
#include "board_print.h"

/* The clock's floor: when this firmware was built, by the commit it was built from. */
#ifndef BOARD_BUILD_TIME
#error "BOARD_BUILD_TIME: seconds since 1970 (board.mk takes it from the commit)"
#endif

/* A device that is switched on this long after its firmware was built needs a newer one: its trust
 * anchors are as old. */
#ifndef BOARD_CLOCK_AHEAD_S
#define BOARD_CLOCK_AHEAD_S (INT64_C(20) * 365 * 86400)
#endif

/* The most that one exchange may raise the floor: whoever has a stolen key of a CA's server cannot
 * lock a device out of the present. */
#define BOARD_CLOCK_STEP_S (INT64_C(365) * 86400)

static struct {
    int64_t at_reset; /* seconds since 1970 when board_ms() was 0 */
    int64_t floor;
    bool set, doubted;
    bool refused; /* a time was, and nobody was told yet */
    uint32_t refused_s;
} board_hour = {.floor = BOARD_BUILD_TIME};

int board_clock_now(int64_t *seconds)
{
    bool set;

    board_fiber_hold();
    set = board_hour.set;
    if (set)
        *seconds = board_hour.at_reset + (int64_t)(board_ms() / 1000);
    board_fiber_let();
    return set ? ACME_OK : ACME_E_CLOCK;
}

static bool hour_plausible(int64_t seconds)
{
    return seconds >= board_hour.floor && seconds - board_hour.floor <= BOARD_CLOCK_AHEAD_S;
}

void board_clock_set(int64_t seconds)
{
    board_fiber_hold();
    board_hour.set = hour_plausible(seconds);
    board_hour.at_reset = seconds - (int64_t)(board_ms() / 1000);
    if (!board_hour.set) {
        board_hour.refused = true;
        board_hour.refused_s = (uint32_t)seconds;
    }
    board_fiber_let();
}

void board_clock_tell(void)
{
    if (!board_hour.refused)
        return;
    board_hour.refused = false;
    board_print("{\"v\":1,\"event\":\"clock\",\"text\":\"implausible\",\"seconds\":%u}\n",
                (unsigned)board_hour.refused_s);
}

void board_clock_confirm(int64_t seconds)
{
    int64_t now = 0, floor;

    if (!hour_plausible(seconds))
        return;
    floor = seconds - BOARD_CLOCK_SLACK_S;
    board_hour.doubted = false;
    if (board_clock_now(&now) != ACME_OK || now < floor || now > seconds + BOARD_CLOCK_SLACK_S)
        board_clock_set(seconds);
    if (floor - board_hour.floor > BOARD_CLOCK_STEP_S)
        floor = board_hour.floor + BOARD_CLOCK_STEP_S;
    board_clock_floor(floor);
}

void board_clock_doubt(void)
{
    board_hour.doubted = true;
}

bool board_clock_sure(void)
{
    return board_hour.set && !board_hour.doubted;
}

void board_clock_floor(int64_t seconds)
{
    board_fiber_hold();
    if (seconds > board_hour.floor)
        board_hour.floor = seconds;
    board_fiber_let();
}

int64_t board_clock_floor_now(void)
{
    return board_hour.floor;
}
