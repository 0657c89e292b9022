/* test_agent_aside.c - many certificates in one agent's memory: put aside and taken up, a run is
 * the same run, and a wait the same wait */
#include "agent_world.h"

#include "acme_records.h"

static struct acme_aside aside;
static int visits;

/* Loads the certificate, as its turn has come. */
static void take_turn(void)
{
    struct acme_agent_status status;
    uint32_t sleep_ms;

    visits++;
    CHECK_INT(w_boot(), ACME_OK);
    do {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
    } while (strcmp(status.step, "rest") != 0);
    acme_agent_take_up(&agent, &aside);
}

/* Polls until it can be put aside for longer than two seconds, and does so. */
static void run_turn(void)
{
    uint64_t began = w.ms;
    uint32_t sleep_ms;

    for (;;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        if (acme_agent_aside(&agent, &aside) == ACME_OK && aside.wake_ms > w.ms + 2000)
            break;
        ca_tick();
        w.ms += sleep_ms < 100 ? sleep_ms : 100;
        if (w.ms - began > 900000)
            test_stop(TEST_FAILED, "it never can be put aside");
    }
    acme_agent_close(&agent);
}

static void turn(void)
{
    take_turn();
    run_turn();
}

/* Turns until it has no run under way, each as late as it may be; other things happen meanwhile. */
static void turns(int most)
{
    while (most-- > 0) {
        turn();
        if (!aside.order)
            return;
        w.ms = aside.wake_ms;
        ca_tick();
    }
    test_stop(TEST_FAILED, "after %d turns it is under way", visits);
}

static void begin(void)
{
    w_reset();
    config.only_when_asked = false;
    memset(&aside, 0, sizeof aside);
    visits = 0;
}

/* The others wait meanwhile, and its schedule tries again soon enough. */
TEST(a_ca_that_is_away_costs_a_turn_one_try)
{
    static const struct w_script away[] = {{.row = "directory", .count = 1000, .lost = ACME_E_NET},
                                           {0}};
    uint64_t before;

    begin();
    w.script = away;
    before = w.ms;
    turn();
    CHECK_INT(w.requests, 1);
    CHECK(w.ms - before < 1000);
    CHECK_INT(aside.sched.connections, 1);
    CHECK(aside.wake_ms - w.ms <= 300000);
    w.ms = aside.wake_ms;
    w.script = NULL;
    turns(60);
    CHECK_INT(w.certificates, 1);
}

/* Who runs once has no later. */
TEST(a_single_pass_tries_it_three_times)
{
    static const struct w_script away[] = {{.row = "directory", .count = 2, .lost = ACME_E_NET},
                                           {0}};

    begin();
    config.only_when_asked = true;
    w.script = away;
    take_turn();
    CHECK_INT(acme_agent_ask(&agent, 0, NULL), ACME_OK);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.certificates, 1);
}

TEST(an_order_in_processing_is_put_aside_and_finished)
{
    begin();
    w.issue_ms = 300000;
    turn();
    CHECK(aside.order);
    CHECK_INT(w_begun(), 1); /* served on */
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    w.ms = aside.wake_ms;
    turns(60);
    CHECK(visits > 20); /* 10 s between two looks at most */
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.orders[0].finalized, 1);
    CHECK_INT(w.begins, 1);
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w.failures, 0);
    CHECK_INT(w.bad_jws, 0);
    w_check_pair();
}

TEST(a_turn_with_nothing_new_costs_three_requests)
{
    int before;

    begin();
    w.issue_ms = 300000;
    turn();
    for (int i = 0; i < 5; i++) {
        w.ms = aside.wake_ms;
        before = w.requests;
        turn();
        CHECK_INT(w.requests - before, 3); /* directory, nonce, order */
    }
    CHECK_INT(w.per_row[ACME_ROW_AUTHZ], 1);
    CHECK_INT(w.per_row[ACME_ROW_RESPOND], 1);
}

TEST(a_turn_that_comes_too_early_asks_nothing)
{
    int before;
    uint64_t wake;

    begin();
    w.issue_ms = 300000;
    turn();
    before = w.requests;
    wake = aside.wake_ms;
    for (int i = 0; i < 3; i++)
        turn();
    CHECK_INT(w.requests, before);
    CHECK_INT(aside.wake_ms, wake);
    CHECK(aside.order);
}

/* Ten minutes of patience are those of the whole run. */
TEST(patience_is_that_of_the_run)
{
    uint64_t began;

    begin();
    w.issue_ms = 30 * 24 * 3600 * 1000u;
    began = w.ms;
    turns(200);
    CHECK_INT(w.failures, 1);
    CHECK_INT(agent.failure.err, ACME_E_TIMEOUT);
    CHECK(w.ms - began > 590000 && w.ms - began < 640000);
    CHECK_INT(agent.sched.failures, 1);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    CHECK(aside.wake_ms > w.ms + 20000); /* its backoff */
    CHECK_INT(w_begun(), 0);
}

TEST(a_validation_that_takes_long_is_answered_meanwhile)
{
    begin();
    w_count(3);
    w.validate_ms = 45000;
    turns(60);
    CHECK(visits > 3);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.begins, 3);
    CHECK_INT(w.per_row[ACME_ROW_RESPOND], 3);
    CHECK_INT(w.failures, 0);
    w_check_pair();
}

/* Our responder was there when the CA came: it is the name's fault, and no second order follows. */
TEST(a_validation_that_fails_meanwhile_is_a_failure)
{
    begin();
    w.validate_ms = 15000;
    w.spoil = true;
    turns(60);
    CHECK(visits > 1);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.failures, 1);
    CHECK_INT(agent.failure.err, ACME_E_VALIDATION);
    CHECK(aside.wake_ms >= w.ms + 12u * 60000);
}

TEST(retry_after_is_waited_for_aside)
{
    static const struct w_script script[] = {
        {.row = "finalize", .act = true, .fields = "Retry-After: 120\r\n"}, {.row = NULL}};
    uint64_t asked;
    int before;

    begin();
    w.issue_ms = 60000;
    w.script = script;
    turn();
    CHECK(aside.order);
    asked = w.ms;
    CHECK(aside.wake_ms >= asked + 119000);
    before = w.requests;
    w.ms += 60000;
    turn();
    CHECK_INT(w.requests, before);
    w.ms = aside.wake_ms;
    turns(3);
    CHECK(w.ms >= asked + 119000);
    w_check_pair();
}

/* It stands on record, not only in memory. */
TEST(retry_after_of_days_ends_the_run)
{
    static const struct w_script script[] = {
        {.row = "finalize", .act = true, .fields = "Retry-After: 172800\r\n"}, {.row = NULL}};

    begin();
    w.issue_ms = 60000;
    w.script = script;
    turns(3);
    CHECK_INT(agent.failure.err, ACME_E_TIMEOUT);
    CHECK(agent.sched.by_ca);
    memset(&aside, 0, sizeof aside); /* a new process */
    w.requests = 0;
    turn();
    CHECK_INT(w.requests, 0);
}

TEST(stopped_while_aside_its_challenges_are_cleaned_up)
{
    uint32_t sleep_ms;
    int before;

    begin();
    w_count(2);
    w.validate_ms = 100000;
    turn();
    CHECK_INT(w_begun(), 2);
    before = w.requests;
    take_turn();
    config.only_when_asked = true;
    acme_agent_stop(&agent);
    while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN)
        continue;
    CHECK_INT(w.requests, before);
    CHECK_INT(w_begun(), 0);
    CHECK_INT(agent.outcome, ACME_E_CLOSED);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    acme_agent_close(&agent);
    /* the next process goes on with the order */
    config.only_when_asked = false;
    memset(&aside, 0, sizeof aside);
    w.ms += 1000;
    turns(60);
    CHECK_INT(w.orders_count, 1);
    w_check_pair();
}

TEST(other_names_end_the_order_that_was_aside)
{
    begin();
    w.issue_ms = 300000;
    turn();
    CHECK(aside.order);
    w_count(2);
    w.issue_ms = 5;
    turns(60);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

/* Anywhere else in a run the records do not say all. */
TEST(only_between_two_looks_or_at_rest)
{
    struct acme_aside found;
    uint32_t sleep_ms = 0;
    int yes = 0;

    begin();
    w.issue_ms = 20000;
    take_turn();
    for (int i = 0; i < 100000; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        if (acme_agent_aside(&agent, &found) == ACME_OK) {
            yes++;
            CHECK(agent.step == ACME_ROW_LOOK || agent.step == ACME_ROW_REST);
            CHECK(w_slot(ACME_SLOT_ORDER) != NULL || !agent.busy);
            if (!found.order)
                break;
        }
        ca_tick();
        w.ms += sleep_ms < 100 ? sleep_ms : 100;
    }
    CHECK(yes > 5);
    CHECK_INT(w.certificates, 1);
    CHECK_INT(acme_agent_ask(&agent, 0, NULL), ACME_OK);
    CHECK_INT(acme_agent_aside(&agent, &found), ACME_AGAIN);
}

/* The CA's reply was lost: what comes next is no look that can wait. */
TEST(not_after_a_lost_reply)
{
    static const struct w_script script[] = {
        {.row = "look", .from = 1, .count = 2, .lost = ACME_E_NET}, {.row = NULL}};
    struct acme_aside found;
    uint32_t sleep_ms = 0;
    int tries = 0;

    begin();
    w.issue_ms = 20000;
    w.script = script;
    take_turn();
    for (int i = 0; i < 1000 && tries < 20; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        if (agent.lost_tries > 0) {
            tries++;
            CHECK_INT(acme_agent_aside(&agent, &found), ACME_AGAIN);
        }
        ca_tick();
        w.ms += sleep_ms < 100 ? sleep_ms : 100;
    }
    CHECK(tries > 0);
}

/* -- at rest -- */

TEST(the_spread_of_a_renewal_is_drawn_once)
{
    uint64_t due_ms;
    int before, seen = 0;

    begin();
    turns(3);
    w_pass(61 * W_DAY);
    config.prompt = false;
    memset(&aside, 0, sizeof aside); /* a new process: up to an hour */
    before = w.orders_count;
    turn();
    due_ms = aside.due_ms;
    CHECK(due_ms > w.ms);
    while (w.ms < due_ms) {
        CHECK_INT(w.orders_count, before);
        CHECK_INT(aside.due_ms, due_ms);
        w.ms = aside.wake_ms < w.ms + 300000 ? aside.wake_ms : w.ms + 300000;
        turn();
        seen++;
    }
    turns(60);
    CHECK(seen > 0);
    CHECK_INT(w.orders_count, before + 1);
    CHECK_INT(w.held, 1); /* told once */
}

/* The CA's window: not at once after a start, but it is asked for, and its answer kept. */
TEST(the_window_is_asked_for_in_turns)
{
    int before;

    begin();
    w.ari = true;
    turns(3);
    CHECK_INT(w.windows, 1);
    w_pass(W_DAY);
    memset(&aside, 0, sizeof aside);
    before = w.windows;
    for (int i = 0; i < 12; i++) { /* a start, and two hours */
        turn();
        if (i == 0)
            CHECK_INT(w.windows, before);
        w.ms += 600000;
    }
    CHECK_INT(w.windows, before + 1);
    before = w.writes;
    for (int i = 0; i < 20; i++) {
        turn();
        w.ms += 600000;
    }
    CHECK_INT(w.writes, before); /* nothing new, nothing written */
}

/* The clock ran ahead by a year when the CA asked for an hour. */
TEST(a_clock_that_is_set_back_frees_all_of_them)
{
    static const struct w_script script[] = {
        {.row = "directory", .status = 503, .fields = "Retry-After: 3600\r\n", .body = "{}"},
        {.row = NULL}};
    static const char *const others[] = {"b.example.org", "c.example.org", "d.example.org",
                                         "e.example.org"};

    begin();
    w.wall += 365 * (int64_t)W_DAY;
    w.script = script;
    turn();
    CHECK_INT(w.requests, 1);
    w.wall -= 365 * (int64_t)W_DAY;
    for (int i = 0; i < 3; i++) {
        config.cert_name = others[i]; /* another certificate of this CA, each time */
        memset(&aside, 0, sizeof aside);
        turn();
        CHECK_INT(w.requests, 1);
        w.ms += 25 * 60000;
    }
    config.cert_name = others[3];
    memset(&aside, 0, sizeof aside);
    turns(3);
    CHECK_INT(w.certificates, 1);
}

TEST(a_store_that_cannot_be_read_is_not_asked_at_each_turn)
{
    begin();
    w.read_err = ACME_E_SLOT;
    w.read_err_slot = ACME_SLOT_SCHED;
    turn();
    CHECK_INT(w.requests, 0);
    CHECK(aside.sched.failures == 1);
    for (int i = 0; i < 3; i++) {
        w.ms = aside.wake_ms;
        turn();
        CHECK_INT(w.requests, 0);
        CHECK_INT(aside.sched.failures, 1);
        CHECK(aside.wake_ms >= w.ms + 3000000);
    }
    w.read_err = ACME_OK;
    w.ms += W_DAY * 1200;
    turns(3);
    w_check_pair();
}

RUN(an_order_in_processing_is_put_aside_and_finished, a_turn_with_nothing_new_costs_three_requests,
    a_turn_that_comes_too_early_asks_nothing, patience_is_that_of_the_run,
    a_validation_that_takes_long_is_answered_meanwhile,
    a_validation_that_fails_meanwhile_is_a_failure, retry_after_is_waited_for_aside,
    retry_after_of_days_ends_the_run, stopped_while_aside_its_challenges_are_cleaned_up,
    other_names_end_the_order_that_was_aside, only_between_two_looks_or_at_rest,
    not_after_a_lost_reply, the_spread_of_a_renewal_is_drawn_once, the_window_is_asked_for_in_turns,
    a_clock_that_is_set_back_frees_all_of_them,
    a_store_that_cannot_be_read_is_not_asked_at_each_turn)
