/* test_agent_pace.c - the first look at an order of a renewal: not before the CA was done last time
 */
#include "agent_world.h"

#include "acme_records.h"
#include "acme_steps.h"

static void slow_ca(uint32_t validate_ms, uint32_t issue_ms)
{
    w_reset();
    w.validate_ms = validate_ms;
    w.issue_ms = issue_ms;
}

/* Requests of an issuance. */
static int issue(unsigned flags)
{
    w.requests = 0;
    CHECK_INT(w_issue(flags), ACME_OK);
    return w.requests;
}

static int renew(void)
{
    w_pass(61 * W_DAY);
    return issue(0);
}

TEST(a_slow_ca_is_looked_at_once)
{
    int first, next;

    slow_ca(900, 1200);
    first = issue(0);
    next = renew();
    CHECK(next <= first - 10);
    CHECK(next <= 11);
    CHECK_INT(renew(), next);
}

TEST(a_fast_ca_is_as_ever)
{
    int first;

    slow_ca(5, 5);
    first = issue(0);
    CHECK(w_slot(ACME_SLOT_SCHED) != NULL);
    CHECK_INT(agent.pace_ms[0], 0);
    CHECK_INT(agent.pace_ms[1], 0);
    CHECK(renew() <= first);
}

TEST(who_asks_out_of_turn_is_not_kept_waiting)
{
    uint64_t from;

    slow_ca(300, 300);
    (void)issue(0);
    from = w.ms;
    (void)issue(ACME_ASK_FORCE);
    CHECK(w.ms - from < 1500);
}

TEST(a_ca_that_became_fast_again)
{
    slow_ca(2500, 3500);
    (void)issue(0);
    CHECK(agent.pace_ms[0] >= 2500 && agent.pace_ms[1] >= 3500);
    w.validate_ms = w.issue_ms = 5;
    for (int i = 0; i < 6; i++)
        (void)renew();
    CHECK(agent.pace_ms[0] > 0 && agent.pace_ms[0] <= 1500);
    (void)issue(ACME_ASK_FORCE); /* it is not waited for, so it shows */
    CHECK_INT(agent.pace_ms[0], 0);
}

TEST(never_above_four_seconds)
{
    struct acme_field field = {.tag = PACE_MS};
    uint8_t value[8] = {0xff, 0xff, 0x10, 0x27, 1, 2, 3, 4};
    uint64_t from;

    slow_ca(9000, 9000);
    (void)issue(0);
    CHECK_INT(agent.pace_ms[0], 4000);
    CHECK_INT(agent.pace_ms[1], 4000);
    w.validate_ms = w.issue_ms = 5;
    w_pass(61 * W_DAY);
    from = w.ms;
    (void)issue(0);
    CHECK(w.ms - from < 10000);
    field.value = acme_slice_of(value, sizeof value);
    acme_pace_get(&agent, &field);
    CHECK_INT(agent.pace_ms[0], 4000);
    CHECK_INT(agent.pace_ms[1], 4000);
}

TEST(a_certificate_of_hours_has_no_seconds_to_spare)
{
    uint64_t from;

    slow_ca(900, 900);
    w.life_s = 4 * 3600;
    (void)issue(0);
    CHECK(agent.pace_ms[0] >= 900);
    w.validate_ms = w.issue_ms = 5;
    w_pass(3 * 3600);
    from = w.ms;
    (void)issue(0);
    CHECK(w.ms - from < 1500);
}

RUN()
