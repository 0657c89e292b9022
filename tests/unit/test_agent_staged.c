/* A staged walk: every step a run of its own, in a new process, up to a row. */
#include "agent_world.h"

static int step(unsigned flags, const char *until)
{
    int err = w_boot();

    w.until = until;
    w.log_len = 0;
    w.log[0] = '\0';
    if (err == ACME_OK)
        err = w_run(flags);
    w.until = NULL;
    return err;
}

static int asked(enum acme_row_id row)
{
    int n = w.per_row[row];

    w.per_row[row] = 0;
    return n;
}

TEST(walk_in_new_processes)
{
    struct acme_agent_status status;

    w_reset();
    w_count(2);
    CHECK_INT(step(ACME_ASK_FORCE, "charge"), ACME_OK);
    CHECK_INT(w.accounts, 1);
    CHECK_INT(w.orders_count, 0);
    for (int i = 0; i < 3; i++) { /* each step may be repeated */
        CHECK_INT(step(ACME_ASK_PROOFS, "note"), ACME_OK);
        CHECK_INT(asked(ACME_ROW_AUTHZ), 2);
        CHECK_INT(w.begins, 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_INT(step(ACME_ASK_PROOFS, "ready"), ACME_OK);
        CHECK_INT(asked(ACME_ROW_AUTHZ), 2);
        CHECK_INT(asked(ACME_ROW_RESPOND), 0);
    }
    CHECK_INT(step(ACME_ASK_PROOFS, "finalize"), ACME_OK);
    CHECK_INT(asked(ACME_ROW_AUTHZ), 4); /* before, and when they are valid */
    CHECK_INT(asked(ACME_ROW_RESPOND), 2);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(step(ACME_ASK_PROOFS, "finalize"), ACME_OK);
        CHECK_INT(asked(ACME_ROW_AUTHZ), 2);
        CHECK_INT(asked(ACME_ROW_RESPOND), 0);
        acme_agent_status(&agent, &status);
        CHECK(status.order_open && !status.order_other && !status.wanted);
    }
    CHECK_INT(step(ACME_ASK_PROOFS, "begin"), ACME_OK); /* nothing is left to begin: to the end */
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w_begun(), 0);
    acme_agent_status(&agent, &status);
    CHECK(!status.order_open && status.wanted);
    w_check_pair();
}

TEST(proofs_of_a_ready_order_are_read_once_and_only_when_asked)
{
    w_reset();
    CHECK_INT(step(0, "finalize"), ACME_OK);
    CHECK_INT(asked(ACME_ROW_AUTHZ), 1);
    CHECK_INT(step(0, "finalize"), ACME_OK);
    CHECK_INT(asked(ACME_ROW_AUTHZ), 0);
    CHECK_INT(step(ACME_ASK_PROOFS, NULL), ACME_OK);
    CHECK_INT(asked(ACME_ROW_AUTHZ), 1);
    CHECK_INT(w.certificates, 1);
}

TEST(begin_is_never_passed_while_something_is_pending)
{
    w_reset();
    CHECK_INT(step(ACME_ASK_PROOFS, "begin"), ACME_OK);
    CHECK_INT(w.begins, 0);
    CHECK_INT(w.certificates, 0);
    CHECK_INT(w.orders_count, 1);
}

TEST(an_open_order_is_given_up_when_that_is_asked_for)
{
    struct acme_agent_status status;

    w_reset();
    CHECK_INT(step(0, "ready"), ACME_OK);
    CHECK_INT(w_begun(), 1);
    CHECK_INT(step(ACME_ASK_ANEW | ACME_ASK_FORCE, "note"), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w_begun(), 0); /* what was begun for the first one has ended */
    acme_agent_status(&agent, &status);
    CHECK(status.order_open && !status.order_other);
    CHECK_INT(step(0, NULL), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w.certificates, 1);
}

TEST(anew_without_an_order_is_nothing_more)
{
    w_reset();
    CHECK_INT(step(ACME_ASK_ANEW, NULL), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.certificates, 1);
}

TEST(an_order_for_something_else_is_told)
{
    struct acme_agent_status status;
    uint32_t sleep_ms;

    w_reset();
    CHECK_INT(step(0, "note"), ACME_OK);
    w_count(2);
    CHECK_INT(w_boot(), ACME_OK);
    while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN && agent.step != ACME_ROW_REST)
        continue;
    acme_agent_status(&agent, &status);
    CHECK(status.order_open && status.order_other);
}

/* Stopped between `ready` and `respond`, as whoever looks for the record does: nothing is charged,
 * and nothing stands in the way of the next try. */
TEST(a_stop_before_the_response_costs_nothing)
{
    struct acme_agent_status status;
    uint32_t sleep_ms;

    w_reset();
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(acme_agent_ask(&agent, ACME_ASK_PROOFS, "finalize"), ACME_OK);
    do {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
        acme_agent_status(&agent, &status);
        if (strcmp(status.step, "respond") == 0)
            acme_agent_stop(&agent);
    } while (status.busy);
    CHECK_INT(status.outcome, ACME_E_CLOSED);
    CHECK_INT(asked(ACME_ROW_RESPOND), 0);
    CHECK_INT(status.attempts->failures, 0);
    CHECK(status.order_open);
    CHECK_INT(step(0, NULL), ACME_OK);
    CHECK_INT(w.orders_count, 1);
}

RUN()
