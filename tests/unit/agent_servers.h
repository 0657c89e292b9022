/* agent_servers.h - three CAs for the tests of the agent with several servers */
#ifndef AGENT_SERVERS_H
#define AGENT_SERVERS_H

#include "agent_world.h"

#define FIRST  "https://ca.example/dir"
#define SECOND "https://ca1.example/dir"
#define THIRD  "https://ca2.example/dir"
#define DOWN(host_name)                                                                            \
    {                                                                                              \
        .row = "directory", .count = 100000, .lost = ACME_E_NET, .host = host_name                 \
    }
#define END                                                                                        \
    {                                                                                              \
        .row = NULL                                                                                \
    }

static const struct w_script first_down[] = {DOWN("ca.example"), END};
static const struct w_script both_down[] = {DOWN("ca.example"), DOWN("ca1.example"), END};
static const struct w_script second_down[] = {DOWN("ca1.example"), END};

static const struct acme_server more[] = {{SECOND, {NULL, 0}}, {THIRD, {NULL, 0}}};
static struct acme_agent_status status;

static inline void servers(size_t count)
{
    w_reset();
    config.more_servers = more;
    config.more_servers_count = count;
}

static inline void staged(void)
{
    w_reset();
    config.staging.url = THIRD;
}

/* The next attempt that is not held back, each from a new boot; its outcome. */
static inline int attempt(void)
{
    for (int i = 0; i < 20000; i++) {
        int err = w_issue(0);
        if (err != ACME_E_HELD) {
            acme_agent_status(&agent, &status);
            return err;
        }
        w_pass(120);
    }
    return W_HANGS;
}

static inline int until_done(int most)
{
    int tries = 1;

    while (attempt() != ACME_OK) {
        CHECK(tries < most);
        tries++;
    }
    return tries;
}

static inline void pass_to_renewal(void)
{
    w_pass(61 * W_DAY);
}

static inline bool ours(void)
{
    return status.has_certificate && w_begun() == 0 && w_slot(ACME_SLOT_ORDER) == NULL &&
           w.bad_jws == 0;
}

/* After a cut, and what came of it. */
static inline void check_cut(const char *what, int k, int finalized_max)
{
    if (!ours())
        test_stop(TEST_FAILED, "%s %d: order or challenge left", what, k);
    for (int i = 0; i < 3; i++) {
        if (w.accounts_at[i] > 1)
            test_stop(TEST_FAILED, "%s %d: two accounts", what, k);
    }
    for (int i = 0; i < w.orders_count; i++) {
        if (w.orders[i].finalized > 1 || (w.orders[i].ca == 2 && w.orders[i].finalized != 0))
            test_stop(TEST_FAILED, "%s %d: finalized", what, k);
    }
    if (w.certificates > finalized_max)
        test_stop(TEST_FAILED, "%s %d: %d certificates", what, k, w.certificates);
    w_check_pair();
}

#endif
