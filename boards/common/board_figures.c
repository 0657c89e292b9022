#include "board_figures.h"

#include <stdbool.h>

#include "acme_agent.h"
#include "acme_event_json.h"
#include "board.h"
#include "board_event.h"
#include "board_fiber.h"
#include "board_pool.h"
#include "board_rng.h"

#define FIGURES_CYCLES_A_US (BOARD_CPU_HZ / 1000000)

/* Cycles that were computed: the main loop does not sleep within them. */
struct figures_stamp {
    uint64_t busy; /* in all */
    uint64_t work; /* in the work */
    uint64_t ms;   /* the time */
};

static struct {
    /* the main loop's */
    uint32_t from, worked; /* of this slice: board_cycles() */
    uint64_t busy, work;   /* of all slices before it */
    uint32_t slices;
    uint32_t longest;
    const char *longest_in;
    /* the work's */
    const char *in; /* the present part of it, and since when in this slice */
    uint32_t in_from;
    const char *most_in; /* the part that took most of this slice */
    uint32_t most;
    struct figures_stamp run;     /* when it began */
    struct figures_stamp connect; /* when it did */
    uint64_t agent;               /* cycles of acme_agent_poll in this run */
    uint32_t run_slices;
    uint32_t handshake_us, handshake_ms;
    bool connecting;
    bool running; /* the agent, when it was polled last */
} figures = {.longest_in = "", .in = "", .most_in = ""};

/* ---- the main loop ---- */

/* A part of the work has ended, or the slice has. */
static uint32_t figures_part(void)
{
    uint32_t now = board_cycles();

    if (now - figures.in_from >= figures.most) {
        figures.most = now - figures.in_from;
        figures.most_in = figures.in;
    }
    figures.in_from = now;
    return now;
}

void board_figures_begin(void)
{
    figures.from = figures.in_from = board_cycles();
    figures.most = 0;
}

void board_figures_worked(void)
{
    figures.worked = figures_part();
}

void board_figures_end(void)
{
    uint32_t all = board_cycles() - figures.from, work = figures.worked - figures.from;

    figures.busy += all;
    figures.work += work;
    figures.slices++;
    if (all <= figures.longest)
        return;
    figures.longest = all;
    figures.longest_in = figures.most >= all - work ? figures.most_in : "network";
}

/* ---- the work ---- */

void board_figures_in(const char *what)
{
    board_fiber_hold();
    (void)figures_part();
    figures.in = what;
    board_fiber_let();
}

static struct figures_stamp figures_now(void)
{
    struct figures_stamp now;
    uint32_t part;

    board_fiber_hold();
    part = board_cycles() - figures.from;
    now.busy = figures.busy + part;
    now.work = figures.work + part;
    board_fiber_let();
    now.ms = board_ms();
    return now;
}

static int64_t figures_us(uint64_t cycles)
{
    return (int64_t)(cycles / FIGURES_CYCLES_A_US);
}

static void figures_memory(struct acme_buf *line)
{
    struct board_pool_stat pool;
    struct board_netif_stat card;

    board_pool_stat(&pool);
    board_netif_stat(&card);
    acme_json_put_number(line, "pool", pool.size);
    acme_json_put_number(line, "pool_peak", pool.peak);
    acme_json_put_number(line, "pool_used", pool.used);
    acme_json_put_number(line, "pool_refused", pool.failures);
    acme_json_put_number(line, "stack", (int64_t)board_stack_size());
    acme_json_put_number(line, "stack_peak", (int64_t)board_stack_used());
    acme_json_put_number(line, "fiber", (int64_t)board_fiber_stack_size());
    acme_json_put_number(line, "fiber_peak", (int64_t)board_fiber_stack_used());
    acme_json_put_number(line, "frames_copied", card.copied);
    acme_json_put_number(line, "frames_dropped", card.dropped);
    acme_json_put_number(line, "card_stopped", card.stopped);
}

void board_figures_tell(const struct acme_agent *agent)
{
    struct figures_stamp now = figures_now();
    struct acme_agent_status status;
    struct acme_buf line;
    char room[640];

    board_line_begin(&line, room, sizeof room, "figures");
    acme_json_put_number(&line, "boot", board_rng_boots());
    figures_memory(&line);
    acme_json_put_number(&line, "longest_us", figures_us(figures.longest));
    acme_json_put_text(&line, "longest_in", figures.longest_in);
    if (agent != NULL) {
        acme_agent_status(agent, &status);
        acme_json_put_number(&line, "requests", status.requests);
        acme_json_put_number(&line, "connections", status.connections);
    }
    acme_json_put_number(&line, "run_ms", (int64_t)(now.ms - figures.run.ms));
    acme_json_put_number(&line, "busy_us", figures_us(now.busy - figures.run.busy));
    acme_json_put_number(&line, "agent_us", figures_us(figures.agent));
    acme_json_put_number(&line, "slices", figures.slices - figures.run_slices);
    acme_json_put_number(&line, "handshake_us", figures.handshake_us);
    acme_json_put_number(&line, "handshake_ms", figures.handshake_ms);
    board_line_end(&line);
}

static void figures_connection(const struct acme_agent_status *before,
                               const struct acme_agent_status *after,
                               const struct figures_stamp *from, const struct figures_stamp *to)
{
    if (after->connections != before->connections) {
        figures.connect = *from;
        figures.connecting = true;
    }
    if (!figures.connecting || !after->connected)
        return;
    figures.connecting = false;
    figures.handshake_us = (uint32_t)figures_us(to->work - figures.connect.work);
    figures.handshake_ms = (uint32_t)(to->ms - figures.connect.ms);
}

void board_figures_poll(struct acme_agent *agent, uint32_t *sleep_ms)
{
    struct acme_agent_status before, after;
    struct figures_stamp from = figures_now(), to;

    acme_agent_status(agent, &before);
    board_figures_in(before.step);
    (void)acme_agent_poll(agent, sleep_ms);
    to = figures_now();
    acme_agent_status(agent, &after);
    if (after.busy && !figures.running) {
        figures.run = from;
        figures.run_slices = figures.slices;
        figures.longest = 0;
        figures.agent = 0;
    }
    figures.agent += to.work - from.work;
    figures_connection(&before, &after, &from, &to);
    if (figures.running && !after.busy && after.requests > 0)
        board_figures_tell(agent);
    figures.running = after.busy;
}
