/* board.h - what every board gives: the page of code that a new board writes
 *
 * boards/common is built on these calls and on nothing else of the machine. boards/README.md says
 * in which order to write and test them.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

struct netif;
struct flash_dev;

/* Clock and console run after it. First in main(). */
void board_init(void);

/* ---- clock ---- */

/* Milliseconds since reset. */
uint64_t board_ms(void);

/* The fastest counter of the machine; wraps. For measuring, and for the jitter in board_rng. */
uint32_t board_cycles(void);

/* Sleep until something may have happened (a frame, a byte, a tick), at most ms. */
void board_wait(uint32_t ms);

/* ---- console ---- */

void board_putc(char c);
int board_getc(void); /* 0..255, or -1: nothing there */

/* ---- network: one Ethernet interface ---- */

/* An lwIP netif init function (see netif_add). */
signed char board_netif_init(struct netif *netif);

struct board_netif_stat {
    uint32_t copied;  /* frames copied because all DMA buffers but one were in use */
    uint32_t dropped; /* frames lost for want of memory */
    uint32_t stopped; /* times that the card ran out of buffers */
};
void board_netif_stat(struct board_netif_stat *out);

/* Hand received frames to lwIP, look after the link. From the main loop. */
void board_netif_poll(struct netif *netif);

/* ---- flash for the slots ---- */

/* Checks that the chip is the one that the geometry is for: ACME_OK or ACME_E_SLOT. */
int board_flash_init(void);
extern const struct flash_dev board_flash;

/* ---- the end ---- */

_Noreturn void board_reset(void);

/* In an emulator: ends it with this status. On a real board: a reset. */
_Noreturn void board_exit(int status);

/* Bytes of stack used so far, as its paint tells, and the bytes reserved for it. */
size_t board_stack_used(void);
size_t board_stack_size(void);

#endif
