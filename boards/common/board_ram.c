#include "board_ram.h"

#include "board.h"

#define RAM_PAINT 0x5a5a5a5au

extern uint32_t board_data_load[], board_data_start[], board_data_end[];
extern uint32_t board_bss_start[], board_bss_end[];

void board_ram_paint(uint32_t *low, uint32_t *top)
{
    /* volatile, or the compiler calls memset, which would paint its own frame */
    for (volatile uint32_t *p = low; p < top; p++)
        *p = RAM_PAINT;
}

size_t board_ram_used(const uint32_t *low, const uint32_t *top)
{
    const uint32_t *p = low;

    while (p < top && *p == RAM_PAINT)
        p++;
    return (size_t)((const uint8_t *)top - (const uint8_t *)p);
}

__attribute__((noinline)) void board_ram_init(void)
{
    uint32_t *here = __builtin_frame_address(0);

    here -= 64 / sizeof *here; /* what this function may have stored below it */
    board_ram_paint(board_stack_low, here);
    for (uint32_t *from = board_data_load, *to = board_data_start; to < board_data_end;)
        *to++ = *from++;
    for (uint32_t *p = board_bss_start; p < board_bss_end; p++)
        *p = 0;
}

size_t board_stack_used(void)
{
    return board_ram_used(board_stack_low, board_stack_top);
}

size_t board_stack_size(void)
{
    return (size_t)((const uint8_t *)board_stack_top - (const uint8_t *)board_stack_low);
}
