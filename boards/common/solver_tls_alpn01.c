/* solver_tls_alpn01.c - tls-alpn-01 by a responder of its own on port 443, for an image without an
 * HTTPS server (with one: https_proof.c) */
#include "board_solvers.h"
#include "board_start.h"
#include "tls_alpn01.h"

struct acme_solver *board_tls_alpn01(const struct acme_port *port)
{
    static struct tls_alpn01 tls;
    struct acme_solver *solver = tls_alpn01_init(&tls, port, NULL, 443);

    tls.turn = board_turn;
    return solver;
}
