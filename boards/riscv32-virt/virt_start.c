/* virt_start.c - reset and faults. There are no interrupt handlers: an interrupt that is pending
 * ends board_wait, and the main loop looks what it was. */
#include <stdint.h>

#include "board.h"
#include "board_print.h"
#include "board_ram.h"
#include "virt.h"

extern const uint8_t virt_rom[], virt_rom_size[]; /* the linker script's: addresses are values */

int main(void);
void virt_reset(void);
_Noreturn void virt_main(void);
void virt_fault(void);
_Noreturn void virt_fault_report(uint32_t cause, uint32_t pc, uint32_t address, uint32_t sp);

__attribute__((naked, used, section(".start"))) void virt_reset(void)
{
    __asm__ volatile(".option push\n"
                     ".option norelax\n"
                     "la gp, __global_pointer$\n"
                     ".option pop\n"
                     "la sp, board_stack_top\n"
                     "la tp, virt_thread\n"
                     "la t0, virt_fault\n"
                     "csrw mtvec, t0\n"
                     "j virt_main\n");
}

/* Code and constants become read-only, for this mode too and until the next reset: a write through
 * a wild pointer, or a stack that grows out of RAM, is a fault. */
static void virt_protect_rom(void)
{
    uint32_t range = ((uint32_t)(uintptr_t)virt_rom >> 2) |
                     (((uint32_t)(uintptr_t)virt_rom_size >> 3) - 1); /* NAPOT */
    __asm__ volatile("csrw pmpaddr0, %0\n"
                     "csrw pmpcfg0, %1\n" ::"r"(range),
                     "r"(0x80 | 0x18 | 0x4 | 0x1)); /* locked, NAPOT, execute, read */
}

__attribute__((used)) _Noreturn void virt_main(void)
{
    board_ram_init();
    virt_protect_rom();
    board_exit(main());
}

_Noreturn void board_reset(void)
{
    VIRT_TEST = VIRT_TEST_RESET;
    for (;;) {
    }
}

__attribute__((used)) _Noreturn void virt_fault_report(uint32_t cause, uint32_t pc,
                                                       uint32_t address, uint32_t sp)
{
    board_print("{\"v\":1,\"event\":\"fault\",\"cause\":%u,\"pc\":\"%08x\",\"address\":\"%08x\","
                "\"sp\":\"%08x\"%s}\n",
                (unsigned)cause, (unsigned)pc, (unsigned)address, (unsigned)sp,
                sp < (uintptr_t)board_stack_low + 64 ? ",\"stack\":\"overflow\"" : "");
    board_exit(71);
}

/* After a stack overflow there is no stack to call anything with: take another one first. */
__attribute__((naked, aligned(4))) void virt_fault(void)
{
    __asm__ volatile("csrr a0, mcause\n"
                     "csrr a1, mepc\n"
                     "csrr a2, mtval\n"
                     "mv a3, sp\n"
                     "la sp, virt_emergency_top\n"
                     "j virt_fault_report\n");
}
