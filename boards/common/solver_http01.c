/* solver_http01.c - http-01 by a responder of its own on port 80 */
#include "board_solvers.h"
#include "http01.h"

struct acme_solver *board_http01(const struct acme_port *port)
{
    static struct http01 http01;

    return http01_init(&http01, port, NULL, 80);
}
