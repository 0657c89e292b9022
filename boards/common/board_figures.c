#include "board_figures.h"

#include "acme_agent.h"
#include "acme_event_json.h"
#include "board.h"
#include "board_event.h"
#include "board_pool.h"
#include "board_rng.h"

static struct {
    uint64_t began_ms;
    uint32_t longest; /* cycles of one poll */
    const char *longest_in;
    bool busy;
} figures = {.longest_in = ""};

void board_figures_tell(const struct acme_agent *agent)
{
    struct acme_agent_status status;
    struct board_pool_stat pool;
    struct board_netif_stat card;
    struct acme_buf line;
    char room[512];

    board_pool_stat(&pool);
    board_netif_stat(&card);
    board_line_begin(&line, room, sizeof room, "figures");
    acme_json_put_number(&line, "boot", board_rng_boots());
    acme_json_put_number(&line, "pool", pool.size);
    acme_json_put_number(&line, "pool_peak", pool.peak);
    acme_json_put_number(&line, "pool_used", pool.used);
    acme_json_put_number(&line, "pool_refused", pool.failures);
    acme_json_put_number(&line, "stack", (int64_t)board_stack_size());
    acme_json_put_number(&line, "stack_peak", (int64_t)board_stack_used());
    acme_json_put_number(&line, "frames_copied", card.copied);
    acme_json_put_number(&line, "frames_dropped", card.dropped);
    acme_json_put_number(&line, "card_stopped", card.stopped);
    acme_json_put_number(&line, "longest_us", figures.longest / (BOARD_CPU_HZ / 1000000));
    acme_json_put_text(&line, "longest_in", figures.longest_in);
    if (agent != NULL) {
        acme_agent_status(agent, &status);
        acme_json_put_number(&line, "requests", status.requests);
        acme_json_put_number(&line, "connections", status.connections);
    }
    acme_json_put_number(&line, "run_ms", (int64_t)(board_ms() - figures.began_ms));
    board_line_end(&line);
}

void board_figures_poll(struct acme_agent *agent, uint32_t *sleep_ms)
{
    struct acme_agent_status before, after;
    uint32_t from, took;

    acme_agent_status(agent, &before);
    from = board_cycles();
    (void)acme_agent_poll(agent, sleep_ms);
    took = board_cycles() - from;
    acme_agent_status(agent, &after);
    if (took > figures.longest && took < UINT32_MAX / 2) { /* the counter may go back by a little */
        figures.longest = took;
        figures.longest_in = before.step;
    }
    if (after.busy && !before.busy)
        figures.began_ms = board_ms();
    if (before.busy && !after.busy && after.requests > 0)
        board_figures_tell(agent);
}
