#include "board_console.h"

#include <string.h>

#include "acme_agent.h"
#include "acme_event_json.h"
#include "acme_provision.h"
#include "board.h"
#include "board_event.h"
#include "board_figures.h"
#include "board_pool.h"
#include "board_rng.h"
#include "board_solvers.h"

#define CONSOLE_LINE 144

static struct {
    char line[CONSOLE_LINE];
    uint8_t len;
    bool too_long, after_cr;
    uint8_t *record; /* CONFIG as it comes in, from the pool; NULL: none is coming */
    size_t record_len;
} console;

static int console_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The count of bytes, or ACME_E_ARG. */
static int console_hex(const char *text, uint8_t *out, size_t room)
{
    size_t n = 0;

    for (; text[0] != '\0'; text += 2, n++) {
        int high = console_digit(text[0]), low = high < 0 ? -1 : console_digit(text[1]);
        if (low < 0 || n == room)
            return ACME_E_ARG;
        out[n] = (uint8_t)(high << 4 | low);
    }
    return (int)n;
}

static int console_store(const struct acme_slots *slots, enum acme_slot slot, const void *data,
                         size_t len)
{
    int err;

    while ((err = slots->write(slots->ctx, slot, "", data, len)) == ACME_AGAIN)
        board_wait(1);
    return err;
}

static int console_seed(const struct acme_slots *slots, const char *text)
{
    uint8_t seed[BOARD_RNG_SEED];
    int err = console_hex(text, seed, sizeof seed);

    if (err != (int)sizeof seed)
        return ACME_E_ARG;
    while ((err = board_rng_provision(slots, seed)) == ACME_AGAIN)
        board_wait(1);
    acme_wipe(seed, sizeof seed);
    return err;
}

static int config_end(const struct acme_slots *slots)
{
    struct acme_provision p;
    int err = ACME_E_ARG;

    if (console.record != NULL)
        err = acme_provision_read(&p, acme_slice_of(console.record, console.record_len));
    if (err == ACME_OK)
        err = console_store(slots, ACME_SLOT_CONFIG, console.record, console.record_len);
    if (console.record != NULL)
        acme_wipe(console.record, console.record_len); /* keys may be in it */
    board_pool_free(console.record);
    console.record = NULL;
    console.record_len = 0;
    if (err != ACME_OK)
        return err;
    board_tell("console", "configuration stored; starting again", NULL, ACME_OK);
    board_reset();
}

static int console_config(const struct acme_slots *slots, const char *text)
{
    int n;

    if (strcmp(text, "end") == 0)
        return config_end(slots);
    if (console.record == NULL)
        console.record = board_pool_alloc(BOARD_CONFIG_MAX);
    if (console.record == NULL)
        return ACME_E_TLS_MEMORY;
    n = console_hex(text, console.record + console.record_len,
                    BOARD_CONFIG_MAX - console.record_len);
    if (n < 0)
        return n;
    console.record_len += (size_t)n;
    return ACME_OK;
}

static void console_status(const struct acme_agent *agent)
{
    struct acme_agent_status status;
    struct acme_buf line;
    char room[320];

    acme_agent_status(agent, &status);
    board_line_begin(&line, room, sizeof room, "status");
    acme_json_put_text(&line, "step", status.step);
    acme_json_put_number(&line, "busy", status.busy);
    acme_json_put_text(&line, "outcome", acme_err_name(status.outcome));
    if (status.has_certificate) {
        acme_json_put_time(&line, "not_after", status.not_after);
        acme_json_put_time(&line, "due_at", status.due_at);
    }
    if (status.next_at != 0)
        acme_json_put_time(&line, "next_attempt", status.next_at);
    board_line_end(&line);
}

static int console_agent(struct acme_agent *agent, const char *word)
{
    if (agent == NULL)
        return ACME_E_ARG;
    if (strcmp(word, "renew") == 0)
        return acme_agent_ask(agent, ACME_ASK_FORCE | ACME_ASK_NOW, NULL);
    if (strcmp(word, "now") == 0)
        return acme_agent_ask(agent, ACME_ASK_NOW, NULL);
    if (strcmp(word, "status") != 0)
        return ACME_E_ARG;
    console_status(agent);
    return ACME_OK;
}

static void console_run(const struct acme_slots *slots, struct acme_agent *agent)
{
    const char *line = console.line;
    int err;

    if (strncmp(line, "seed ", 5) == 0)
        err = console_seed(slots, line + 5);
    else if (strncmp(line, "config ", 7) == 0)
        err = console_config(slots, line + 7);
    else if (strcmp(line, "reset") == 0)
        board_reset();
    else if (strcmp(line, "figures") == 0) {
        board_figures_tell(agent);
        err = ACME_OK;
    } else
        err = console_agent(agent, line);
    if (err != ACME_OK)
        board_tell("console", "the command was not carried out", NULL, err);
    acme_wipe(console.line, sizeof console.line); /* it may have been a seed */
}

/* True when a line was carried out. */
static bool console_take(const struct acme_slots *slots, struct acme_agent *agent)
{
    int c;

    while ((c = board_getc()) >= 0) {
        bool second = c == '\n' && console.after_cr; /* one end of a line, not an empty line */

        console.after_cr = c == '\r';
        if (second)
            continue;
        if (c != '\n' && c != '\r') {
            console.too_long = console.too_long || console.len + 1u >= sizeof console.line;
            if (!console.too_long)
                console.line[console.len++] = (char)c;
            continue;
        }
        console.line[console.len] = '\0';
        bool answer = (console.len == 0 || console.line[0] == '{') && board_solvers_answer();
        bool run = !answer && console.len > 0 && !console.too_long;
        if (console.too_long && !answer)
            board_tell("console", "the line is too long", NULL, ACME_E_SIZE);
        console.len = 0;
        console.too_long = false;
        if (run)
            console_run(slots, agent);
        if (run)
            return true;
    }
    return false;
}

void board_console_poll(const struct acme_slots *slots, struct acme_agent *agent)
{
    (void)console_take(slots, agent);
}

void board_console_wait(const struct acme_slots *slots, bool (*ready)(void))
{
    for (;;) {
        if (console_take(slots, NULL) && ready != NULL && ready())
            return;
        board_wait(1);
    }
}
