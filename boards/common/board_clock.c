#include "board_clock.h"

#include <stdbool.h>

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

static struct {
    int64_t at_reset; /* seconds since 1970 when board_ms() was 0 */
    int64_t floor;
    bool set;
    bool refused; /* ... and nobody was told yet */
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

void board_clock_set(int64_t seconds)
{
    board_hour.set =
        seconds >= board_hour.floor && seconds - board_hour.floor <= BOARD_CLOCK_AHEAD_S;
    board_hour.at_reset = seconds - (int64_t)(board_ms() / 1000);
    board_hour.refused = !board_hour.set;
    board_hour.refused_s = (uint32_t)seconds;
}

void board_clock_tell(void)
{
    if (!board_hour.refused)
        return;
    board_hour.refused = false;
    board_print("{\"v\":1,\"event\":\"clock\",\"text\":\"implausible\",\"seconds\":%u}\n",
                (unsigned)board_hour.refused_s);
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
