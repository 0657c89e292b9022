/* main.c - a device that gets its own certificate, renews it, and serves HTTPS with it */
#include "acme_agent.h"
#include "board.h"
#include "board_fiber.h"
#include "board_solvers.h"
#include "board_start.h"
#include "https_server.h"

static struct acme_agent agent;
static struct acme_solver *solvers[BOARD_SOLVERS_MAX];
static struct https_server https;

/* Work for the fiber's stack, which is the larger one. */
static void begin(void *arg)
{
    const struct acme_port *port =
        board_start(); /* flash, configuration, random numbers, network */
    const char *why, *which;
    int err;

    (void)arg;
    err = acme_agent_init(&agent, board_agent_config(), port, solvers, board_solvers(port, solvers),
                          &why, &which);
    if (err != ACME_OK)
        board_refused(err, why, which);
    https_init(&https, port, &agent, 443);
}

static void serve(void)
{
    board_solvers_tell();
    https_poll(&https);
}

int main(void)
{
    board_init();
    while (!board_fiber_run(begin, NULL)) {
    }
    for (;;)
        board_poll(&agent, serve); /* never waits longer than a tick; renews by itself, for years */
}
