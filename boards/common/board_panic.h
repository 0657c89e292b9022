/* board_panic.h - the end of the road: says where, then resets (an emulator ends) */
#ifndef BOARD_PANIC_H
#define BOARD_PANIC_H

_Noreturn void board_panic(const char *what);

#endif
