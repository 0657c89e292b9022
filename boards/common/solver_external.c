/* solver_external.c - challenges solved by whoever is at the other end of the console's UART
 *
 * A line of JSON asks, and one line answers. In the image are neither handlers,
 * because there are no processes, nor a self-check: the other side sees more of the net than this
 * device does.
 */
#include "acme_err.h"
#include "board.h"
#include "board_solvers.h"
#include "external.h"

#define EXTERNAL_ANSWER_MS 900000 /* then the attempt has failed, and the agent waits as always */

static struct external external;
static bool answer_awaited, answer_here;

bool board_solvers_answer(void)
{
    if (!answer_awaited)
        return false;
    answer_awaited = false;
    answer_here = true;
    return true;
}

static int uart_open(void *ctx)
{
    (void)ctx;
    return ACME_OK;
}

/* What it says has no meaning: the channel hands over an empty one. */
static int uart_read_line(void *ctx, char *line, size_t cap)
{
    (void)ctx;
    answer_awaited = !answer_here;
    if (!answer_here || cap == 0)
        return ACME_AGAIN;
    answer_here = false;
    line[0] = '\0';
    return 1;
}

/* An answer that came before belongs to an older line. */
static int uart_write_line(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    answer_awaited = answer_here = false;
    for (size_t i = 0; i < len; i++)
        board_putc(line[i]);
    board_putc('\n');
    return ACME_OK;
}

static void uart_close(void *ctx)
{
    (void)ctx;
}

struct acme_solver *board_external(const struct acme_port *port)
{
    static const struct acme_channel uart = {NULL, uart_open, uart_read_line, uart_write_line,
                                             uart_close};
    static const struct external_config config = {.mode = EXTERNAL_JSON,
                                                  .dialect = EXTERNAL_DIALECT_1,
                                                  .channel = &uart,
                                                  .no_lookup = true,
                                                  .answer_ms = EXTERNAL_ANSWER_MS};

    return external_init(&external, port, &config);
}

/* ---- in the place of external_verify.c and external_lookup.c: nobody can be asked ---- */

int external_verify(struct external_verify *v, const struct acme_port *port,
                    const struct acme_challenge *c, uint16_t tcp_port, struct acme_span room)
{
    (void)v;
    (void)port;
    (void)c;
    (void)tcp_port;
    (void)room;
    return ACME_OK;
}

int external_lookup(struct external_verify *v, const struct acme_port *port, const char *name,
                    const char *value, struct acme_span room)
{
    (void)v;
    (void)port;
    (void)name;
    (void)value;
    (void)room;
    return ACME_OK;
}

void external_verify_stop(struct external_verify *v, const struct acme_port *port)
{
    (void)v;
    (void)port;
}
