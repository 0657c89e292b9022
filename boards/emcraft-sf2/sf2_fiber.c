/* sf2_fiber.c - the fiber on a Cortex-M: a process stack, PendSV, and the tick
 *
 * The main loop and all interrupts use the main stack, the fiber the process stack, so what an
 * interrupt needs is reserved once. PendSV has the lowest priority: it is never taken inside of
 * another interrupt, and the main stack is as the main loop left it when the fiber gives way.
 */
#include "board_fiber.h"

#include <stdint.h>

#include "board_ram.h"
#include "sf2.h"

#define SHPR3_PENDSV_LAST 0x00ff0000u
#define PSR_THUMB         0x01000000u
#define FRAME_WORDS       (8 + 8) /* r4-r11, and what the processor pushes */

#define MPU_RBAR_VALID    0x10u       /* with the region's number: 0 */
#define MPU_RASR_32_BYTES 0x10000009u /* no access, nothing to execute, 32 bytes, on */
#define MPU_CTRL_GUARD    0x5u        /* on; elsewhere the default map */

extern uint32_t sf2_fiber_low[], sf2_fiber_top[];

/* Read and written by the assembler below, by these offsets. */
struct sf2_switch {
    uint32_t *sp;         /* +0: of the fiber, while it has not the processor */
    volatile uint32_t on; /* +4: the fiber has the processor, or is about to get it */
};
extern struct sf2_switch sf2_switch;
struct sf2_switch sf2_switch __attribute__((used));

static struct {
    void (*job)(void *arg);
    void *arg;
    volatile bool busy; /* the job has not returned */
    volatile bool due;  /* a tick came while held */
    volatile unsigned held;
} fiber;

/* From the main loop to the fiber, or back. A tick that came too late finds nothing to do. */
__attribute__((naked)) void sf2_pendsv_interrupt(void)
{
    __asm__ volatile("    ldr r0, =sf2_switch\n"
                     "    tst lr, #4\n" /* which stack: who was interrupted? */
                     "    bne 1f\n"
                     "    ldr r1, [r0, #4]\n"
                     "    cbz r1, 2f\n"
                     "    push {r4-r11}\n"
                     "    ldr r1, [r0]\n"
                     "    ldmia r1!, {r4-r11}\n"
                     "    msr psp, r1\n"
                     "    mvn lr, #2\n" /* to the process stack */
                     "2:  bx lr\n"
                     "1:  mrs r1, psp\n"
                     "    stmdb r1!, {r4-r11}\n"
                     "    str r1, [r0]\n"
                     "    movs r1, #0\n"
                     "    str r1, [r0, #4]\n"
                     "    pop {r4-r11}\n"
                     "    mvn lr, #6\n" /* to the main stack */
                     "    bx lr\n"
                     "    .ltorg\n");
}

static void fiber_switch(void)
{
    CM3_ICSR = CM3_ICSR_PENDSVSET;
    __asm__ volatile("dsb\n isb" ::: "memory");
}

static void fiber_main(void)
{
    for (;;) {
        fiber.job(fiber.arg);
        fiber.busy = false;
        fiber_switch();
    }
}

/* The stack as if PendSV had interrupted fiber_main before its first instruction; and below the
 * main stack, which has this one as its neighbour, 32 bytes that fault. */
static void fiber_make(void)
{
    uint32_t *frame = sf2_fiber_low + board_fiber_stack_size() / sizeof *frame - FRAME_WORDS;

    board_ram_paint(sf2_fiber_low, frame);
    for (unsigned i = 0; i < FRAME_WORDS; i++)
        frame[i] = 0;
    frame[14] = (uint32_t)(uintptr_t)fiber_main & ~1u;
    frame[15] = PSR_THUMB;
    sf2_switch.sp = frame;
    CM3_SHPR3 |= SHPR3_PENDSV_LAST;
    CM3_MPU_RBAR = (uint32_t)(uintptr_t)sf2_fiber_top | MPU_RBAR_VALID;
    CM3_MPU_RASR = MPU_RASR_32_BYTES;
    CM3_MPU_CTRL = MPU_CTRL_GUARD;
}

bool board_fiber_run(void (*job)(void *arg), void *arg)
{
    if (sf2_switch.sp == NULL)
        fiber_make();
    if (!fiber.busy) {
        fiber.job = job;
        fiber.arg = arg;
        fiber.busy = true;
    }
    /* Both or none: a tick between them would switch, and our own request come too late. */
    __asm__ volatile("cpsid i" ::: "memory");
    sf2_switch.on = 1;
    CM3_ICSR = CM3_ICSR_PENDSVSET;
    __asm__ volatile("cpsie i\n dsb\n isb" ::: "memory");
    fiber.due = false;
    return !fiber.busy;
}

/* Each tick ends a slice, so none is longer than a millisecond and what is held. */
void sf2_fiber_tick(void)
{
    if (sf2_switch.on == 0)
        return;
    if (fiber.held > 0)
        fiber.due = true;
    else
        CM3_ICSR = CM3_ICSR_PENDSVSET;
}

void board_fiber_hold(void)
{
    fiber.held++;
    __asm__ volatile("" ::: "memory");
}

void board_fiber_let(void)
{
    __asm__ volatile("" ::: "memory");
    if (--fiber.held == 0 && fiber.due)
        fiber_switch();
}

size_t board_fiber_stack_used(void)
{
    return board_ram_used(sf2_fiber_low, sf2_fiber_top);
}

size_t board_fiber_stack_size(void)
{
    return (size_t)((const uint8_t *)sf2_fiber_top - (const uint8_t *)sf2_fiber_low);
}
