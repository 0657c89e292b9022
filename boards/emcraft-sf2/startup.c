/* startup.c - reset, vectors, faults */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "board_print.h"
#include "board_ram.h"
#include "sf2.h"

extern uint32_t sf2_emergency_top[], sf2_fiber_low[], sf2_fiber_top[];

int main(void);
_Noreturn void sf2_reset(void);
void sf2_fault(void);
_Noreturn void sf2_fault_report(const uint32_t *frame, uint32_t lr);

_Noreturn void sf2_reset(void)
{
    board_ram_init();
    board_exit(main());
}

_Noreturn void board_reset(void)
{
    CM3_AIRCR = 0x05fa0004u; /* key, SYSRESETREQ */
    for (;;) {
    }
}

/* The frame that the processor pushed: r0-r3, r12, lr, pc, psr; not to be read when the stack
 * pointer itself is out of RAM. */
__attribute__((used)) _Noreturn void sf2_fault_report(const uint32_t *frame, uint32_t lr)
{
    board_print("{\"event\":\"fault\",\"cfsr\":\"%08x\",\"hfsr\":\"%08x\",\"address\":\"%08x\","
                "\"return\":\"%08x\"",
                (unsigned)CM3_CFSR, (unsigned)CM3_HFSR, (unsigned)CM3_BFAR, (unsigned)lr);
    bool fiber = (lr & 4u) != 0;
    if (frame >= (fiber ? sf2_fiber_low : board_stack_low) &&
        frame + 8 <= (fiber ? sf2_fiber_top : board_stack_top))
        board_print(",\"pc\":\"%08x\",\"lr\":\"%08x\"}\n", (unsigned)frame[6], (unsigned)frame[5]);
    else
        board_print(",\"overflow\":\"%s\"}\n", fiber ? "fiber" : "stack");
    board_exit(71);
}

/* After a stack overflow there is no stack to call anything with: take another one first. */
__attribute__((naked)) void sf2_fault(void)
{
    __asm__ volatile("tst lr, #4\n" /* the stack of who was interrupted: main loop or fiber */
                     "ite eq\n"
                     "mrseq r0, msp\n"
                     "mrsne r0, psp\n"
                     "mov r1, lr\n"
                     "ldr r2, =sf2_emergency_top\n"
                     "mov sp, r2\n"
                     "b sf2_fault_report\n");
}

#define V(f) ((uintptr_t)(f))

__attribute__((section(".vectors"), used)) static const uintptr_t sf2_vectors[16 + 32] = {
    [0] = V(board_stack_top),     [1] = V(sf2_reset),
    [2] = V(sf2_fault), /* NMI */
    [3] = V(sf2_fault), /* HardFault; the finer ones are not enabled and end here too */
    [4] = V(sf2_fault),           [5] = V(sf2_fault),
    [6] = V(sf2_fault),           [11] = V(sf2_fault),
    [12] = V(sf2_fault),          [14] = V(sf2_pendsv_interrupt),
    [15] = V(sf2_tick_interrupt), [16 + SF2_IRQ_EMAC] = V(sf2_emac_interrupt),
};
