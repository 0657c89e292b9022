/* board_ram.h - RAM before main(): the paint on the stack, .data, .bss
 *
 * The board's linker script says where things are:
 *   board_stack_low, board_stack_top                   the stack: at the lowest address of RAM
 *   board_data_load, board_data_start, board_data_end  .data, and where it lies in ROM
 *   board_bss_start, board_bss_end                     .bss
 * all of them on multiples of 4.
 */
#ifndef BOARD_RAM_H
#define BOARD_RAM_H

#include <stddef.h>
#include <stdint.h>

extern uint32_t board_stack_low[], board_stack_top[];

/* From the reset code, on the stack that it paints, before anything else. */
void board_ram_init(void);

/* Another stack: paint it before its first use; bytes of it used so far. */
void board_ram_paint(uint32_t *low, uint32_t *top);
size_t board_ram_used(const uint32_t *low, const uint32_t *top);

#endif
