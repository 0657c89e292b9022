/* virt_system.c - clock, sleep, console, the end */
#include "acme_board_config.h"
#include "board.h"
#include "virt.h"

#define VIRT_TICKS_A_MS (VIRT_MTIME_HZ / 1000)

#define UART_IER_RECEIVED 0x01u
#define UART_LSR_READY    0x01u
#define UART_LSR_EMPTY    0x20u

#define MIE_TIMER    0x080u
#define MIE_EXTERNAL 0x800u

_Static_assert(BOARD_CPU_HZ == VIRT_MTIME_HZ, "board_cycles counts mtime");

void board_init(void)
{
    VIRT_UART_LCR = 0x03; /* 8N1; QEMU needs no divisor */
    VIRT_UART_FCR = 0x07; /* FIFOs on and empty */
    VIRT_UART_IER = UART_IER_RECEIVED;
    virt_irq_enable(VIRT_UART_IRQ);
    /* They end wfi; none is ever taken, because mstatus.MIE stays off. */
    __asm__ volatile("csrw mie, %0" ::"r"(MIE_TIMER | MIE_EXTERNAL));
}

static uint64_t virt_time(void)
{
    uint32_t high, low;
    do {
        high = VIRT_REG32(VIRT_MTIME + 4);
        low = VIRT_REG32(VIRT_MTIME);
    } while (high != VIRT_REG32(VIRT_MTIME + 4));
    return (uint64_t)high << 32 | low;
}

uint64_t board_ms(void)
{
    return virt_time() / VIRT_TICKS_A_MS;
}

uint32_t board_cycles(void)
{
    return VIRT_REG32(VIRT_MTIME);
}

void board_wait(uint32_t ms)
{
    uint32_t irq;
    if (ms == 0)
        return;
    /* A tick: lwIP's timers and the flash want to be looked at. */
    uint64_t until = virt_time() + VIRT_TICKS_A_MS;
    VIRT_REG32(VIRT_MTIMECMP + 4) = UINT32_MAX; /* no time in between is in the past */
    VIRT_REG32(VIRT_MTIMECMP) = (uint32_t)until;
    VIRT_REG32(VIRT_MTIMECMP + 4) = (uint32_t)(until >> 32);
    __asm__ volatile("wfi" ::: "memory");
    while ((irq = VIRT_PLIC_CLAIM) != 0)
        VIRT_PLIC_CLAIM = irq; /* done: the main loop looks at all devices anyway */
}

void board_putc(char c)
{
    while ((VIRT_UART_LSR & UART_LSR_EMPTY) == 0) {
    }
    VIRT_UART_DATA = (uint8_t)c;
}

int board_getc(void)
{
    return (VIRT_UART_LSR & UART_LSR_READY) != 0 ? (int)VIRT_UART_DATA : -1;
}

_Noreturn void board_exit(int status)
{
    VIRT_TEST = status == 0 ? VIRT_TEST_PASS : (uint32_t)status << 16 | VIRT_TEST_FAIL;
    board_reset();
}
