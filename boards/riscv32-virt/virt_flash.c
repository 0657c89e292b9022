/* virt_flash.c - CFI flash with Intel's command set, as port/flash wants it
 *
 * Two chips of 16 bits make a word of 32: each command is given to both, each status is read from
 * both. The chips lie in the address space: while they are not in the middle of a command, reading
 * is reading memory.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "acme_board_config.h"
#include "acme_err.h"
#include "board.h"
#include "flash_slots.h"
#include "virt.h"

#define BOTH(byte) ((uint32_t)(byte) << 16 | (uint32_t)(byte))

#define CFI_QUERY        0x98u
#define CFI_READ         0xffu
#define CFI_CLEAR_STATUS 0x50u
#define CFI_ERASE        0x20u
#define CFI_BUFFER       0xe8u
#define CFI_LOCK         0x60u
#define CFI_CONFIRM      0xd0u /* also: unlock, after CFI_LOCK */
#define CFI_READY        0x80u
#define CFI_FAILED       0x3au /* erase, program, voltage, locked */

#define CFI_AT_QRY    0x10u /* the query's bytes are numbered by the chips' words */
#define CFI_AT_BUFFER 0x2au /* bytes of the program buffer, as a power of two */

#define FLASH_SECTOR 262144u
#define FLASH_PAGE   256u

static bool flash_busy; /* an erase or a program was started and not yet seen to end */

static volatile uint32_t *flash_at(uint32_t addr)
{
    return (volatile uint32_t *)(uintptr_t)(VIRT_FLASH + BOARD_FLASH_OFFSET + addr);
}

/* ACME_OK: nothing is under way, and the chips can be read. */
static int flash_settle(void)
{
    if (!flash_busy)
        return ACME_OK;
    uint32_t status = *flash_at(0);
    if ((status & BOTH(CFI_READY)) != BOTH(CFI_READY))
        return ACME_AGAIN;
    if ((status & BOTH(CFI_FAILED)) != 0)
        *flash_at(0) = BOTH(CFI_CLEAR_STATUS);
    *flash_at(0) = BOTH(CFI_READ);
    flash_busy = false;
    return (status & BOTH(CFI_FAILED)) != 0 ? ACME_E_SLOT : ACME_OK;
}

static int flash_erase(void *ctx, uint32_t sector)
{
    volatile uint32_t *at = flash_at(sector * FLASH_SECTOR);
    (void)ctx;
    if (flash_busy)
        return flash_settle();
    *at = BOTH(CFI_ERASE);
    *at = BOTH(CFI_CONFIRM);
    flash_busy = true;
    return flash_settle();
}

static int flash_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    volatile uint32_t *at = flash_at(addr);
    (void)ctx;
    if (flash_busy)
        return flash_settle();
    if (len == 0 || addr % 4 != 0 || len % 4 != 0 || addr % FLASH_PAGE + len > FLASH_PAGE)
        return ACME_E_ARG;
    *at = BOTH(CFI_BUFFER);
    *at = BOTH(len / 4 - 1);
    for (size_t i = 0; i < len / 4; i++) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)data + 4 * i, 4);
        at[i] = word;
    }
    *at = BOTH(CFI_CONFIRM);
    flash_busy = true;
    return flash_settle();
}

static int flash_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    const volatile uint8_t *from = (const volatile uint8_t *)flash_at(0) + addr;
    uint8_t *to = buf;
    (void)ctx;
    int err = flash_settle();
    for (size_t i = 0; err == ACME_OK && i < len; i++)
        to[i] = from[i];
    return err;
}

int board_flash_init(void)
{
    volatile uint32_t *at = flash_at(0);
    at[0x55] = BOTH(CFI_QUERY);
    bool fits = at[CFI_AT_QRY] == BOTH('Q') && at[CFI_AT_QRY + 1] == BOTH('R') &&
                at[CFI_AT_QRY + 2] == BOTH('Y') && at[CFI_AT_BUFFER + 1] == 0 &&
                (2u << (at[CFI_AT_BUFFER] & 0xffu)) >= FLASH_PAGE;
    for (uint32_t i = 0; i < BOARD_FLASH_SECTORS && fits; i++) { /* such chips start locked */
        *flash_at(i * FLASH_SECTOR) = BOTH(CFI_LOCK);
        *flash_at(i * FLASH_SECTOR) = BOTH(CFI_CONFIRM);
    }
    at[0] = BOTH(CFI_READ);
    return fits ? ACME_OK : ACME_E_SLOT;
}

const struct flash_dev board_flash = {
    .erase = flash_erase,
    .program = flash_program,
    .read = flash_read,
    .sector_size = FLASH_SECTOR,
    .sectors = BOARD_FLASH_SECTORS,
    .page = FLASH_PAGE,
    .align = 4,
    .burst = 4,
};
