/* board_fiber_none.c - no fiber: the work is done at once, on the only stack */
#include "board_fiber.h"

bool board_fiber_run(void (*job)(void *arg), void *arg)
{
    job(arg);
    return true;
}

void board_fiber_hold(void)
{
}

void board_fiber_let(void)
{
}

size_t board_fiber_stack_used(void)
{
    return 0;
}

size_t board_fiber_stack_size(void)
{
    return 0;
}
