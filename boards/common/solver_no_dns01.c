/* solver_no_dns01.c - in the place of solver_dns01.c: nothing to tell */
#include "board_solvers.h"

void board_solvers_tell(void)
{
}
