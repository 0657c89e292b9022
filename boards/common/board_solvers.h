/* board_solvers.h - how this image proves names: a link choice (SOLVERS of board.mk)
 *
 * Each function places its solver, and answers it. The agent asks them in the order of SOLVERS.
 */
#ifndef BOARD_SOLVERS_H
#define BOARD_SOLVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "acme_solver.h"

#define BOARD_SOLVERS_MAX 3

struct acme_solver *board_http01(const struct acme_port *port);     /* port 80 */
struct acme_solver *board_tls_alpn01(const struct acme_port *port); /* port 443 */
struct acme_solver *board_dns01(const struct acme_port *port);      /* CONFIG has server and key */
struct acme_solver *board_external(const struct acme_port *port);   /* the console's UART */

/* Fills solvers: how many there are. After board_start. */
size_t board_solvers(const struct acme_port *port, struct acme_solver *solvers[BOARD_SOLVERS_MAX]);

/* From the board's work, after a poll of the agent: what went wrong, in words, as an event. */
void board_solvers_tell(void);

/* From the console: an empty line came, or one that begins with '{'. True: a challenge has waited
 * for it; false: nothing has. */
bool board_solvers_answer(void);

#endif
