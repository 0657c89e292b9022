/* sf2_system.c - tick, console, the end */
#include "board.h"
#include "sf2.h"

#define SF2_TICKS_A_MS (SF2_CPU_HZ / 1000)

#define UART_LSR_READY 0x01u
#define UART_LSR_EMPTY 0x20u

static volatile uint64_t sf2_ms;
static volatile uint32_t sf2_ms_low; /* its low half, which can be read in one piece */

void sf2_tick_interrupt(void)
{
    sf2_ms++;
    sf2_ms_low = (uint32_t)sf2_ms;
    sf2_fiber_tick();
}

static void sf2_tick_start(void)
{
    /* SysTick and not the MSS timer: in QEMU that one runs at a wrong rate. */
    CM3_SYSTICK->load = SF2_TICKS_A_MS - 1;
    CM3_SYSTICK->value = 0;
    CM3_SYSTICK->ctrl = 7; /* processor clock, interrupt, on */
}

static void sf2_uart_start(void)
{
    const uint32_t divisor = (SF2_APB_HZ + 8 * 115200) / (16 * 115200);
    SF2_UART0->lcr = 0x83; /* 8N1, divisor latch */
    SF2_UART0->data = divisor & 0xff;
    SF2_UART0->ier = divisor >> 8;
    SF2_UART0->lcr = 0x03;
    SF2_UART0->ier = 0;
    SF2_UART0->fcr = 0x07; /* FIFOs on and empty */
}

void board_init(void)
{
    sf2_uart_start();
    sf2_tick_start();
}

uint64_t board_ms(void)
{
    uint64_t ms;
    do {
        ms = sf2_ms;
    } while ((uint32_t)ms != sf2_ms_low); /* a tick came between the two halves */
    return ms;
}

uint32_t board_cycles(void)
{
    uint32_t ms, value, waits;
    do {
        ms = sf2_ms_low;
        value = CM3_SYSTICK->value;
        waits = CM3_ICSR & CM3_ICSR_PENDSTSET;
    } while (ms != sf2_ms_low);
    /* The tick comes when it reaches 0, and it is 0 only as long as ms does not know of it. */
    value = SF2_TICKS_A_MS - value;
    if (waits != 0 && value < SF2_TICKS_A_MS / 2)
        ms++;
    return ms * SF2_TICKS_A_MS + value;
}

void board_wait(uint32_t ms)
{
    /* The tick wakes us each millisecond anyway, the network card at once. */
    if (ms > 0)
        __asm__ volatile("wfi" ::: "memory");
}

void board_putc(char c)
{
    while ((SF2_UART0->lsr & UART_LSR_EMPTY) == 0) {
    }
    SF2_UART0->data = (uint8_t)c;
}

int board_getc(void)
{
    return (SF2_UART0->lsr & UART_LSR_READY) != 0 ? (int)(SF2_UART0->data & 0xff) : -1;
}

#ifdef BOARD_EMULATED
/* Semihosting: SYS_EXIT_EXTENDED ends QEMU with a status. */
_Noreturn void board_exit(int status)
{
    const uint32_t block[2] = {0x20026u, (uint32_t)status}; /* ApplicationExit */
    register uint32_t r0 __asm__("r0") = 0x20;
    register const uint32_t *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : : "r"(r0), "r"(r1) : "memory");
    board_reset();
}
#else
_Noreturn void board_exit(int status)
{
    (void)status;
    board_reset();
}
#endif
