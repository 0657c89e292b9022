/* Solvers that wait, decline, fail; and that every challenge begun is ended. */
#include "agent_world.h"

TEST(begin_ready_and_end_are_called_until_they_are_done)
{
    w_reset();
    w_count(3);
    w.begin_again = 20;
    w.ready_again = 20;
    w.end_again = 20;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.begins, 3);
    CHECK_INT(w.ends, 3);
    for (int i = 0; i < w.live_count; i++) {
        CHECK_INT(w.live[i].ends, 1);
        CHECK_INT(w.live[i].outcome, ACME_OUTCOME_VALID);
    }
}

TEST(declined_goes_to_the_next_solver)
{
    w_reset();
    w_count(2);
    w.begin_err = ACME_E_DECLINED;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w_did("B:two:n1.") && w_did("B:two:n2."));
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_begun(), 0);
}

/* The first solver takes both types, and declines the first of them. */
TEST(declined_goes_to_the_next_type_of_the_same_solver)
{
    w_reset();
    w.begin_err = ACME_E_DECLINED;
    w.begin_err_at = 1;
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w_did("R:n1.example.org B:one:n1.example.org") ||
          w_did("R:n1.example.org S:authz Q:authz S:note W:order S:begin B:one:n1.example.org"));
    CHECK(!w_did("B:two:"));
}

TEST(declined_by_all_is_a_matter_for_a_person)
{
    static const struct w_script script[] = {
        {.row = "authz", .count = 99, .find = "\"dns-01\"", .put = "\"dns-account-01\""}, {0}};
    w_reset();
    w_alone(true);
    w.script = script;
    w.begin_err = ACME_E_DECLINED;
    CHECK_INT(w_issue(0), ACME_E_NO_SOLVER);
    CHECK_STR(agent.failure.note, "the CA offers http-01, dns-account-01 for n1.example.org, none "
                                  "of the configured solvers does that");
    CHECK_INT(w_begun(), 0);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    w.begin_err = ACME_OK;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK); /* asked anew, also in the same process */
    CHECK_INT(w.orders_count, 1);
}

TEST(a_failed_solver_cleans_up_and_keeps_the_order)
{
    w_reset();
    w_count(4);
    w_alone(true);
    w.begin_err = ACME_E_SOLVER;
    w.begin_err_at = 3;
    CHECK_INT(w_issue(0), ACME_E_SOLVER);
    CHECK_STR(agent.failure.note, "solver one");
    CHECK(agent.failure.problem.identifier[0] != '\0');
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w.failed_validations, 0);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(a_busy_port_keeps_the_order)
{
    w_reset();
    w_alone(true);
    w.begin_err = ACME_E_PORT_BUSY;
    CHECK_INT(w_issue(0), ACME_E_PORT_BUSY);
    w.begin_err = ACME_OK;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.orders_count, 1);
}

TEST(ready_that_fails_or_never_comes)
{
    w_reset();
    w_alone(true);
    w.ready_err = ACME_E_SOLVER;
    CHECK_INT(w_issue(0), ACME_E_SOLVER);
    CHECK_INT(w_begun(), 0);
    w_reset();
    w_alone(true);
    w.ready_again = 1000000;
    CHECK_INT(w_issue(0), ACME_E_SOLVER);
    CHECK(w.ms - 1000000 >= 600000 && w.ms - 1000000 < 700000);
    CHECK_INT(w_begun(), 0);
    CHECK(!w_did("Q:respond"));
}

TEST(end_that_fails_is_told_and_does_not_hold_up)
{
    w_reset();
    w.end_err = ACME_E_SOLVER;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_STR(w.warning, "a challenge is not cleaned up");
    w_check_pair();
}

TEST(no_poll_before_the_query_was_seen)
{
    w_reset();
    w.never_seen = true;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w.warnings > 0);
    for (int i = 0; i < w.requests; i++) {
        if (w.request_row[i] == ACME_ROW_LOOK)
            CHECK(w.request_ms[i] >= 1000000 + 5000);
    }
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.warnings, 0);
    CHECK(w.ms - 1000000 < 500);
}

TEST(a_refused_proof_is_told_with_the_cas_words)
{
    static const struct w_script script[] = {{.row = "watch"}, {0}};

    w_reset();
    w_count(3);
    w.script = script;
    w.spoil = true; /* what the solver shows is not what the CA expects */
    CHECK_INT(w_issue(0), ACME_E_VALIDATION);
    CHECK_STR(agent.failure.problem.detail, "wrong body");
    CHECK_INT(agent.failure.problem.type, ACME_PROBLEM_UNAUTHORIZED);
    CHECK(strncmp(agent.failure.problem.identifier, "n", 1) == 0);
    CHECK_INT(w_begun(), 0);
    for (int i = 0; i < w.live_count; i++)
        CHECK_INT(w.live[i].outcome, ACME_OUTCOME_INVALID);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    w.spoil = false;
    CHECK_INT(w_issue(0), ACME_E_HELD); /* 12 minutes: the CA's budget is small */
    w_pass(14 * 60);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
}

TEST(a_name_that_is_valid_already_needs_no_solver)
{
    static const struct w_script script[] = {{.row = "order", .act = true}, {0}};

    w_reset();
    w_count(2);
    w.script = script;
    w.until = "authz";
    CHECK_INT(w_issue(0), ACME_OK);
    w.orders[0].authz[0] = ACME_STATUS_VALID;
    w.until = NULL;
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.begins, 1);
    CHECK(w_did("B:one:n2."));
}

/* The CA has validated already when the response comes, and refuses it. */
TEST(a_refused_response_to_a_valid_name_is_no_harm)
{
    w_reset();
    w_count(2);
    w.until = "respond";
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    w.overtake = true;
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(a_refused_response_to_a_pending_name_fails)
{
    static const struct w_script script[] = {
        {.row = "respond",
         .status = 400,
         .body = "{\"type\":\"urn:ietf:params:acme:error:malformed\",\"detail\":\"no way\"}"},
        {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_STR(agent.failure.problem.detail, "no way");
    CHECK_INT(w_begun(), 0);
}

TEST(an_order_that_stays_pending_is_asked_why)
{
    w_reset();
    w.validate_ms = 50000;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w.per_row[ACME_ROW_WHY] >= 1 && w.per_row[ACME_ROW_WHY] <= 3);
    CHECK(w.per_row[ACME_ROW_LOOK] < 25);
    w_reset();
    w.validate_ms = 100000000;
    CHECK_INT(w_issue(0), ACME_E_TIMEOUT);
    /* Each time is a request for each name: it comes after twice the time, 20 s at first. */
    CHECK(w.per_row[ACME_ROW_WHY] >= 4 && w.per_row[ACME_ROW_WHY] <= 6);
    CHECK_INT(w_begun(), 0);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
}

/* After a time-out, the next run of the same agent shows the challenge again, and waits again. */
TEST(a_run_after_a_timeout_is_a_whole_run)
{
    w_reset();
    w.validate_ms = 700000;
    CHECK_INT(w_issue(0), ACME_E_TIMEOUT);
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.begins, 2);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(issuance_that_takes_long_is_left_and_taken_up)
{
    w_reset();
    w.issue_ms = 3600000;
    CHECK_INT(w_issue(0), ACME_E_TIMEOUT);
    CHECK(w.per_row[ACME_ROW_LOOK] < 90);
    CHECK_INT(w_begun(), 0);
    w_pass(3600);
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.certificates, 1);
    w_check_pair();
}

RUN()
