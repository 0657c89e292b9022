/* board_clock.h - the hour, on a board without a battery clock
 *
 * SNTP is not authenticated: what it says is provisional. It is good enough to try a TLS exchange,
 * which fails when it is wrong, and it is never stored. The floor (build time, then times that a
 * verified exchange has confirmed, kept in the DEVICE record) is what a lie cannot go below.
 */
#ifndef BOARD_CLOCK_H
#define BOARD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The clocks of a CA and of a time server may be so far apart, in seconds; and a floor that rises
 * by less is not worth a write. */
#define BOARD_CLOCK_SLACK_S 86400

/* Seconds since 1970 UTC: ACME_OK, or ACME_E_CLOCK while nobody has said a plausible time. */
int board_clock_now(int64_t *seconds);

/* For SNTP. A time below the floor, or more than BOARD_CLOCK_AHEAD_S above it, unsets the clock:
 * the last word counts, so a device that was told 2099 recovers when it is told the truth. */
void board_clock_set(int64_t seconds);

/* Says on the console that a time was refused, if so. SNTP speaks from within lwIP, where the
 * console may be in the middle of another line. */
void board_clock_tell(void);

/* A time from within a verified TLS exchange (the agent's event confirmed_time). Raises the floor
 * to a day before it, at most by a year; a clock that is further off than a day is set by it.
 * What cannot be is ignored. */
void board_clock_confirm(int64_t seconds);

/* The clock may be why an exchange failed: somebody else has to be asked, soon. */
void board_clock_doubt(void);

/* Set, and not in doubt. */
bool board_clock_sure(void);

/* Raise the floor; lower values are ignored. */
void board_clock_floor(int64_t seconds);
int64_t board_clock_floor_now(void);

#endif
