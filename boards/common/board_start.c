#include "board_start.h"

#include <string.h>

#include "acme_provision.h"
#include "board.h"
#include "board_clock.h"
#include "board_console.h"
#include "board_event.h"
#include "board_fiber.h"
#include "board_figures.h"
#include "board_lwip.h"
#include "board_net.h"
#include "board_pool.h"
#include "board_rng.h"
#include "flash_slots.h"
#include "lwip_net.h"

#define START_IDLE_MS 1000 /* how often the flash may use a quiet moment */

/* The CONFIG record that is compiled in (make ... CONFIG=FILE); empty when there is none. */
extern const uint8_t board_default_config[], board_default_config_end[];

static struct lwip_net net;
static struct flash_slots flash;
static const struct acme_slots slots = {&flash, flash_slots_read, flash_slots_write};
static uint64_t idle_ms;
static bool address_told, address6_told;

static uint8_t record[BOARD_CONFIG_MAX];
static struct acme_provision provision;
#ifdef BOARD_LENDS_BUFFERS
static int start_need(unsigned buffers);
static struct acme_config config = {.memory = {.io = {NULL, ACME_IO_SIZE},
                                               .scratch = {NULL, ACME_SCRATCH_SIZE},
                                               .need = start_need},
                                    .replace_damaged = true};

static bool start_lend(struct acme_span *s, bool wanted)
{
    if (wanted && s->ptr == NULL)
        s->ptr = board_pool_alloc(s->len);
    if (!wanted && s->ptr != NULL) {
        acme_wipe(s->ptr, s->len);
        board_pool_free(s->ptr);
        s->ptr = NULL;
    }
    return !wanted || s->ptr != NULL;
}

static struct {
    uint8_t others;
    bool agent_waits;
} turn;

bool board_turn(bool wanted)
{
    if (!wanted)
        turn.others--;
    else if (config.memory.io.ptr != NULL || config.memory.scratch.ptr != NULL || turn.agent_waits)
        return false;
    else
        turn.others++;
    return true;
}

/* The agent's buffers are blocks of the TLS pool. */
static int start_need(unsigned buffers)
{
    bool io = (buffers & ACME_NEED_IO) != 0, scratch = (buffers & ACME_NEED_SCRATCH) != 0;

    if (buffers != 0)
        turn.agent_waits = turn.others > 0;
    if (buffers != 0 && turn.others > 0)
        return ACME_AGAIN;
    /* back first, then out */
    if (!scratch)
        (void)start_lend(&config.memory.scratch, false);
    return start_lend(&config.memory.io, io) && start_lend(&config.memory.scratch, scratch)
               ? ACME_OK
               : ACME_AGAIN;
}
#else
static union {
    uint64_t align;
    uint8_t bytes[ACME_SCRATCH_SIZE];
} scratch;
static uint8_t io[ACME_IO_SIZE];
static struct acme_config config = {
    .memory = {.io = {io, sizeof io}, .scratch = {scratch.bytes, sizeof scratch.bytes}},
    .replace_damaged = true};

bool board_turn(bool wanted)
{
    (void)wanted;
    return true;
}
#endif

static uint64_t start_now(void *ctx)
{
    (void)ctx;
    return board_ms();
}

static int start_clock(void *ctx, int64_t *seconds)
{
    (void)ctx;
    return board_clock_now(seconds);
}

static const struct acme_port port = {
    .ctx = &net,
    .net = &board_net_ops,
    .slots = &slots,
    .entropy = board_rng_get,
    .now_ms = start_now,
    .unix_time = start_clock,
    .event = board_event,
};

/* ---- flash ---- */

static void start_flash(void)
{
    int err = board_flash_init();

    if (err != ACME_OK)
        board_tell("flash", "the flash chip does not answer as it should", NULL, err);
    while ((err = flash_slots_mount(&flash, &board_flash)) == ACME_AGAIN)
        board_wait(1);
    if (err != ACME_OK)
        board_tell("flash", acme_err_words(err), NULL, err);
}

/* ---- configuration ---- */

static int config_read(struct acme_slice from)
{
    int err = acme_provision_read(&provision, from);

    if (err == ACME_OK && (provision.names_count == 0 || provision.directory_url == NULL))
        err = ACME_E_CONFIG;
    return err;
}

static int config_from_flash(void)
{
    int n;

    while ((n = slots.read(slots.ctx, ACME_SLOT_CONFIG, "", record, sizeof record)) == ACME_AGAIN)
        board_wait(1);
    return n < 0 ? n : config_read(acme_slice_of(record, (size_t)n));
}

static int config_find(void)
{
    size_t len = (size_t)(board_default_config_end - board_default_config);
    int err = config_from_flash();

    if (err == ACME_OK)
        return err;
    if (err != ACME_E_SLOT_EMPTY)
        board_tell("config", "the stored configuration cannot be used", acme_err_words(err), err);
    if (len == 0)
        return err;
    board_tell("config", "the configuration that is compiled in is used", NULL, ACME_OK);
    return config_read(acme_slice_of(board_default_config, len));
}

#if ACME_MAX_SERVERS > 1
static void start_servers(void)
{
    config.more_servers = provision.more_servers;
    config.more_servers_count = provision.more_servers_count;
    config.staging = provision.staging;
}
#else
static void start_servers(void)
{
}
#endif

static void start_config(void)
{
    int err = config_find();

    if (err != ACME_OK) {
        board_tell("config", "no configuration: write one with mkconfig, or type `config`", NULL,
                   err);
        board_console_wait(&slots, NULL); /* ends in a reset */
    }
    config.directory_url = provision.directory_url;
    start_servers();
    config.names = provision.names;
    config.names_count = provision.names_count;
    config.contact = provision.contact;
    config.terms_agreed = provision.terms_agreed;
    config.eab = provision.eab;
    config.profile = provision.profile;
    config.preferred_chain = provision.preferred_chain;
    config.shortest_chain = provision.shortest_chain;
    config.profile_required = provision.profile_required;
    config.anchors.sets = provision.anchors;
    config.anchors.count = provision.anchors_count;
    config.account_key_type = provision.account_key_type;
    config.cert_key_type = provision.cert_key_type;
}

/* ---- random numbers ---- */

static bool start_random(void)
{
    int err;

    while ((err = board_rng_start(&slots)) == ACME_AGAIN)
        board_wait(1);
    if (err != ACME_OK)
        board_tell("seed",
                   err == ACME_E_SLOT_EMPTY
                       ? "no seed: no key is made without one; mkconfig --seed, or type `seed`"
                       : "the stored seed cannot be used: type `seed` with a new one",
                   NULL, err);
    return err == ACME_OK;
}

const struct acme_port *board_start(void)
{
    int err;

    board_tell("start", "lwacme " ACME_VERSION, NULL, ACME_OK);
    start_flash();
    start_config();
    if (!start_random())
        board_console_wait(&slots, start_random);
    acme_crypto_seed_from(&port);
    acme_crypto_clock_from(&port);
    err = board_lwip_start(provision.sntp);
    if (err != ACME_OK)
        board_tell("network", "lwIP does not start", acme_err_words(err), err);
    return &port;
}

const struct acme_config *board_agent_config(void)
{
    return &config;
}

const struct acme_provision *board_provision(void)
{
    return &provision;
}

void board_forget(struct acme_slice secret)
{
    /* one that is compiled in is in the flash, for whoever can read that */
    if (secret.ptr >= record && secret.ptr + secret.len <= record + sizeof record)
        acme_wipe(record + (secret.ptr - record), secret.len);
}

_Noreturn void board_refused(int err, const char *why, const char *which)
{
    board_tell("config", why, which, err);
    board_console_wait(&slots, NULL);
    board_reset();
}

/* ---- the loop ---- */

struct poll {
    struct acme_agent *agent;
    void (*application)(void);
    uint32_t sleep_ms;
};

static void poll_address(void)
{
    char text[ACME_ADDR_TEXT], text6[ACME_ADDR_TEXT];
    const char *v4 = "", *v6;
    bool up;

    board_fiber_hold();
    up = board_lwip_up();
    if (up && !address_told)
        v4 = board_lwip_address(text, sizeof text);
    v6 = board_lwip_address6(text6, sizeof text6);
    board_fiber_let();
    if ((*v6 != '\0') != address6_told) {
        address6_told = !address6_told;
        board_tell("address", v6, NULL, ACME_OK);
    }
    if (up != address_told) {
        address_told = up;
        board_tell("address", v4, NULL, ACME_OK);
    }
}

static void poll_flash(struct acme_agent *agent)
{
    struct acme_agent_status status;

    acme_agent_status(agent, &status);
    if (!status.busy && board_ms() - idle_ms >= START_IDLE_MS &&
        board_rng_keep(&slots) != ACME_AGAIN && flash_slots_idle(&flash) != ACME_AGAIN)
        idle_ms = board_ms();
}

/* Whatever takes long, asks the agent, prints, or touches the flash: one after the other. */
static void poll_work(void *arg)
{
    struct poll *p = arg;

    board_figures_poll(p->agent, &p->sleep_ms);
    if (p->application != NULL) {
        board_figures_in("application");
        p->application();
    }
    board_figures_in("console");
    board_clock_tell();
    poll_address();
    board_console_poll(&slots, p->agent);
    board_figures_in("flash");
    poll_flash(p->agent);
}

void board_poll(struct acme_agent *agent, void (*application)(void))
{
    static struct poll p;
    bool done;

    p.agent = agent;
    p.application = application;
    board_figures_begin();
    done = board_fiber_run(poll_work, &p);
    board_figures_worked();
    board_lwip_poll();
    lwip_net_poll(&net);
    board_figures_end();
    if (done)
        board_wait(p.sleep_ms);
}
