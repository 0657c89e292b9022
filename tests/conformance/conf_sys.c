/* conf_sys.c - clauses about entropy, clocks and events */
#include "conf_private.h"

#include <string.h>

static void ce_fills(struct conf *c)
{
    static const size_t lens[] = {1, 2, 16, 32, 255, 256};
    unsigned char buf[256 + 16];

    for (size_t k = 0; k < sizeof lens / sizeof lens[0]; k++) {
        /* A byte that is 0xc3 in each of eight draws was not written. */
        bool touched[256] = {false};
        for (int round = 0; round < 8; round++) {
            memset(buf, 0xc3, sizeof buf);
            CONF_STATUS(c->port->entropy(c->port->ctx, buf, lens[k]), ACME_OK);
            for (size_t i = 0; i < lens[k]; i++)
                touched[i] = touched[i] || buf[i] != 0xc3;
            for (size_t i = lens[k]; i < lens[k] + 16; i++)
                CONF(buf[i] == 0xc3);
        }
        for (size_t i = 0; i < lens[k]; i++)
            CONF(touched[i]);
    }
}

static void ce_differs(struct conf *c)
{
    unsigned char seen[64][32];
    unsigned ones = 0;

    for (int i = 0; i < 64; i++) {
        CONF_STATUS(c->port->entropy(c->port->ctx, seen[i], 32), ACME_OK);
        for (int k = 0; k < i; k++)
            CONF(memcmp(seen[i], seen[k], 32) != 0);
        for (int k = 0; k < 256; k++)
            ones += (unsigned)(seen[i][k / 8] >> (k % 8)) & 1u;
    }
    /* 8192 +- 64 x 8 for 16384 fair bits: eight standard deviations. */
    CONF(ones > 8192 - 512 && ones < 8192 + 512);
}

static void ce_not_ready(struct conf *c)
{
    unsigned char buf[32];

    if (c->h->entropy_off == NULL || !c->h->entropy_off(c->h->ctx, true)) {
        conf_skip(c, "the source is always ready here");
        return;
    }
    int got = c->port->entropy(c->port->ctx, buf, sizeof buf);
    c->h->entropy_off(c->h->ctx, false);
    CONF_STATUS(got, ACME_AGAIN);
    CONF_STATUS(c->port->entropy(c->port->ctx, buf, sizeof buf), ACME_OK);
}

static void ce_broken(struct conf *c)
{
    unsigned char buf[32];

    if (c->h->entropy_fail == NULL || !c->h->entropy_fail(c->h->ctx, true)) {
        conf_skip(c, "the source cannot be made to fail here");
        return;
    }
    int got = c->port->entropy(c->port->ctx, buf, sizeof buf);
    c->h->entropy_fail(c->h->ctx, false);
    CONF_STATUS(got, ACME_E_ENTROPY);
}

static void cc_forward(struct conf *c)
{
    uint64_t before = c->port->now_ms(c->port->ctx);

    for (int i = 0; i < 20000; i++) {
        uint64_t now = c->port->now_ms(c->port->ctx);
        CONF(now >= before);
        before = now;
        if (i % 2000 == 0)
            c->h->wait(c->h->ctx, 3);
    }
}

/* Both clocks count the same time. */
static void cc_pace(struct conf *c)
{
    int64_t wall0 = 0, wall1 = 0;
    int set = c->port->unix_time(c->port->ctx, &wall0);
    uint64_t start = c->port->now_ms(c->port->ctx), passed = 0;
    uint64_t real = conf_real_ms();

    for (int i = 0; conf_real_ms() - real < 7000 && i < 2000 && passed < 3000; i++) {
        c->h->wait(c->h->ctx, 50);
        passed = c->port->now_ms(c->port->ctx) - start;
    }
    CONF(passed >= 3000);
    if (set != ACME_OK)
        return;
    CONF_STATUS(c->port->unix_time(c->port->ctx, &wall1), ACME_OK);
    int64_t off = (wall1 - wall0) * 1000 - (int64_t)passed;
    CONF(off >= -1500 && off <= 1500);
}

static void cc_wall(struct conf *c)
{
    int64_t seconds = -77;
    int got = c->port->unix_time(c->port->ctx, &seconds);

    CONF(got == ACME_OK || got == ACME_E_CLOCK);
    if (got == ACME_OK)
        CONF(seconds > 1767225600 && seconds < 4102444800); /* 2026 to 2100 */
    else
        CONF(seconds == -77);
}

static void cc_not_set(struct conf *c)
{
    int64_t seconds = -77;

    if (c->h->set_clock == NULL || !c->h->set_clock(c->h->ctx, false)) {
        conf_skip(c, "the clock is always set here");
        return;
    }
    int got = c->port->unix_time(c->port->ctx, &seconds);
    c->h->set_clock(c->h->ctx, true);
    CONF_STATUS(got, ACME_E_CLOCK);
    CONF(seconds == -77);
    CONF_STATUS(c->port->unix_time(c->port->ctx, &seconds), ACME_OK);
}

static void cc_jump(struct conf *c)
{
    uint64_t before = c->port->now_ms(c->port->ctx);

    if (c->h->jump_clock == NULL || !c->h->jump_clock(c->h->ctx)) {
        conf_skip(c, "the wall clock cannot be moved here");
        return;
    }
    uint64_t after = c->port->now_ms(c->port->ctx);
    CONF(after >= before && after - before < 60000);
}

static void cv_silent(struct conf *c)
{
    if (c->h->events == NULL) {
        conf_skip(c, "nobody counts the events");
        return;
    }
    unsigned char buf[8];
    int64_t seconds;
    acme_sock client, server;

    if (c->h->addr != NULL) {
        CONF_TRY(conf_pair(c, &client, &server));
        CONF_TRY(conf_echo(c, client, server));
    }
    if (c->port->slots != NULL)
        (void)c->port->slots->read(c->port->slots->ctx, ACME_SLOT_DEVICE, "", buf, sizeof buf);
    (void)c->port->entropy(c->port->ctx, buf, sizeof buf);
    (void)c->port->now_ms(c->port->ctx);
    (void)c->port->unix_time(c->port->ctx, &seconds);
    CONF(c->h->events(c->h->ctx) == 0);
}

const struct conf_clause conf_sys[] = {
    {"E01", "fills-all", ce_fills},
    {"E02", "differs", ce_differs},
    {"E03", "not-ready", ce_not_ready},
    {"E04", "broken", ce_broken},
    {"C01", "never-back", cc_forward},
    {"C02", "pace", cc_pace},
    {"C03", "wall-clock", cc_wall},
    {"C04", "not-set", cc_not_set},
    {"C05", "no-jump", cc_jump},
    {"V01", "port-is-silent", cv_silent},
    {NULL, NULL, NULL},
};
