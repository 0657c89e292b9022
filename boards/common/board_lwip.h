/* board_lwip.h - one Ethernet interface, its address by DHCP (and SLAAC), the hour by SNTP */
#ifndef BOARD_LWIP_H
#define BOARD_LWIP_H

#include <stdbool.h>
#include <stdint.h>

/* Start lwIP, the interface, DHCP. Random numbers must be ready (board_rng): ACME_AGAIN if not.
 * sntp: the time server when DHCP names none (kept by reference); NULL: BOARD_SNTP_SERVER. */
int board_lwip_start(const char *sntp);

/* Frames, timers; SNTP is started when there is an address. From the main loop. */
void board_lwip_poll(void);

/* Is there an address? */
bool board_lwip_up(void);

/* The address as text; its final NUL is counted in room. */
const char *board_lwip_address(char *text, int room);

/* The IPv6 address that a router gave, as text; "" while there is none, and without IPv6. */
const char *board_lwip_address6(char *text, int room);

/* Milliseconds until lwIP has something to do by itself. */
uint32_t board_lwip_sleep_ms(void);

/* For lwipopts.h: SNTP_SET_SYSTEM_TIME, and 64 random bits in the place of the time that we would
 * tell the server: the reply must repeat them, so it cannot be forged blindly. */
void board_lwip_sntp_set(uint32_t seconds);
void board_lwip_sntp_cookie(uint32_t *high, uint32_t *low);

#endif
