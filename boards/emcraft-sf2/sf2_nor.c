/* sf2_nor.c - the SPI NOR flash (Spansion S25FL128S) on SPI 0, as port/flash wants it
 *
 * The controller drives the chip select by itself: it holds it for as many frames as the control
 * register says (SPS mode). So a transaction's length is told first.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_board_config.h"
#include "acme_err.h"
#include "board.h"
#include "flash_slots.h"
#include "sf2.h"

#define SPI_ENABLE    (1u << 0)
#define SPI_MASTER    (1u << 1)
#define SPI_COUNT(n)  ((uint32_t)(n) << 8)
#define SPI_COUNT_MAX 0xffffu
#define SPI_SPS       (1u << 26)
#define SPI_BIGFIFO   (1u << 29) /* without it the FIFO holds 4 frames, whatever their size */
#define SPI_RX_EMPTY  (1u << 6)

#define NOR_WRITE_ENABLE 0x06u
#define NOR_STATUS       0x05u
#define NOR_CLEAR_STATUS 0x30u
#define NOR_READ         0x03u
#define NOR_PROGRAM      0x02u
#define NOR_ERASE_64K    0xd8u /* this chip has no smaller one */
#define NOR_ID           0x9fu
#define NOR_BUSY         0x01u
#define NOR_FAILED       0x60u /* program error, erase error */

#define NOR_SECTOR 65536u
#define NOR_PAGE   256u

/* An erase takes 0.13 to 1.1 s on the chip and no time in QEMU, whose chip is never busy: there the
 * driver waits, so that the firmware is tested with the delays it will meet. */
#ifndef SF2_NOR_ERASE_MS
#define SF2_NOR_ERASE_MS 0
#endif

static struct {
    bool busy; /* an erase or a program was started and not yet seen to end */
    uint64_t not_before;
} nor;

static void nor_begin(size_t frames)
{
    SF2_SPI0->control = SPI_MASTER; /* the frame count is taken when it is enabled */
    SF2_SPI0->control =
        SPI_ENABLE | SPI_MASTER | SPI_SPS | SPI_BIGFIFO | SPI_COUNT(frames & SPI_COUNT_MAX);
}

static uint8_t nor_swap(uint8_t out)
{
    SF2_SPI0->tx = out;
    while ((SF2_SPI0->status & SPI_RX_EMPTY) != 0) {
    }
    return (uint8_t)SF2_SPI0->rx;
}

static void nor_command(uint8_t code)
{
    nor_begin(1);
    nor_swap(code);
}

static void nor_command_at(uint8_t code, uint32_t addr, size_t data)
{
    nor_begin(4 + data);
    nor_swap(code);
    nor_swap((uint8_t)(addr >> 16));
    nor_swap((uint8_t)(addr >> 8));
    nor_swap((uint8_t)addr);
}

/* ACME_OK: nothing is under way. */
static int nor_settle(void)
{
    if (!nor.busy)
        return ACME_OK;
    if (board_ms() < nor.not_before)
        return ACME_AGAIN;
    nor_begin(2);
    nor_swap(NOR_STATUS);
    uint8_t status = nor_swap(0);
    if ((status & NOR_FAILED) != 0) {
        nor_command(NOR_CLEAR_STATUS);
        nor.busy = false;
        return ACME_E_SLOT;
    }
    if ((status & NOR_BUSY) != 0)
        return ACME_AGAIN;
    nor.busy = false;
    return ACME_OK;
}

static uint32_t nor_base(void *ctx)
{
    (void)ctx;
    return BOARD_FLASH_OFFSET;
}

static int nor_erase(void *ctx, uint32_t sector)
{
    if (nor.busy)
        return nor_settle();
    nor_command(NOR_WRITE_ENABLE);
    nor_command_at(NOR_ERASE_64K, nor_base(ctx) + sector * NOR_SECTOR, 0);
    nor.busy = true;
    nor.not_before = board_ms() + SF2_NOR_ERASE_MS;
    return nor_settle();
}

static int nor_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    const uint8_t *p = data;
    if (nor.busy)
        return nor_settle();
    if (len == 0 || addr % NOR_PAGE + len > NOR_PAGE)
        return ACME_E_ARG; /* the chip would wrap around within the page */
    nor_command(NOR_WRITE_ENABLE);
    nor_command_at(NOR_PROGRAM, nor_base(ctx) + addr, len);
    for (size_t i = 0; i < len; i++)
        nor_swap(p[i]);
    nor.busy = true;
    nor.not_before = 0;
    return nor_settle();
}

static int nor_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    uint8_t *p = buf;
    int err = nor_settle();
    if (err != ACME_OK)
        return err;
    while (len > 0) {
        size_t n = len < SPI_COUNT_MAX - 4 ? len : SPI_COUNT_MAX - 4;
        nor_command_at(NOR_READ, nor_base(ctx) + addr, n);
        for (size_t i = 0; i < n; i++)
            p[i] = nor_swap(0);
        p += n;
        addr += (uint32_t)n;
        len -= n;
    }
    return ACME_OK;
}

int board_flash_init(void)
{
    uint8_t id[3];
    SF2_SPI0->control = SPI_MASTER; /* frame size can be set only while it is off */
    SF2_SPI0->frame_size = 8;
    SF2_SPI0->select = 1;
    nor_begin(4);
    nor_swap(NOR_ID);
    for (unsigned i = 0; i < sizeof id; i++)
        id[i] = nor_swap(0);
    return id[0] == 0x01 && id[1] == 0x20 && id[2] == 0x18 ? ACME_OK : ACME_E_SLOT;
}

const struct flash_dev board_flash = {
    .erase = nor_erase,
    .program = nor_program,
    .read = nor_read,
    .sector_size = NOR_SECTOR,
    .sectors = BOARD_FLASH_SECTORS,
    .page = NOR_PAGE,
    .align = 1,
    .burst = 4,
};
