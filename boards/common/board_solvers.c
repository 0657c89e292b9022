#include "board_solvers.h"

#ifndef BOARD_SOLVERS
#error "BOARD_SOLVERS: the functions of board_solvers.h that are linked, with commas between them"
#endif

size_t board_solvers(const struct acme_port *port, struct acme_solver *solvers[BOARD_SOLVERS_MAX])
{
    static struct acme_solver *(*const chosen[])(const struct acme_port *) = {BOARD_SOLVERS};
    size_t count = sizeof chosen / sizeof chosen[0];

    for (size_t i = 0; i < count; i++)
        solvers[i] = chosen[i](port);
    return count;
}
