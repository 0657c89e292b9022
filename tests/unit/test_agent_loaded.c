/* What the application says about a certificate: kept, rolled back; and what a clock may believe.
 */
#include "agent_world.h"

/* Poll, without asking for anything, until the agent rests. */
static int settle(void)
{
    struct acme_agent_status status;
    uint32_t sleep_ms;
    int rests;

    if (setjmp(w.cut) != 0)
        return W_CUT;
    rests = 0;
    for (int i = 0; i < 1000; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        rests = status.busy || agent.phase != 0 ? 0 : rests + 1;
        if (rests == 3)
            return status.outcome;
        w.ms += status.busy ? sleep_ms : 0;
    }
    return W_HANGS;
}

static int refuse(void)
{
    CHECK_INT(acme_agent_certificate_loaded(&agent, false), ACME_OK);
    return settle();
}

/* Two certificates, the second in force. */
static void two(void)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w_pass(60 * W_DAY);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.certificates, 2);
    CHECK_INT(agent.cert.sequence, 2);
    w.writes = 0;
    w.log_len = 0;
    w.log[0] = '\0';
}

TEST(a_pair_that_is_loaded_costs_no_write)
{
    two();
    CHECK_INT(acme_agent_certificate_loaded(&agent, true), ACME_OK);
    CHECK_INT(settle(), ACME_OK);
    CHECK_INT(w.writes, 0);
    CHECK_INT(agent.cert.sequence, 2);
    CHECK_INT(w_issue(0), ACME_OK); /* another agent */
    CHECK_INT(agent.cert.sequence, 2);
}

TEST(a_pair_that_cannot_be_loaded_gives_way_to_the_one_before)
{
    int requests;

    two();
    requests = w.requests;
    CHECK_INT(refuse(), ACME_E_CERT);
    CHECK(w_did("V:rolled_back"));
    CHECK(w_did("W:sched X:cert_b")); /* the failure first */
    CHECK_INT(agent.cert.sequence, 1);
    CHECK_INT(agent.failure.err, ACME_E_CERT);
    CHECK(agent.failure.at != 0);
    w_check_pair();
    CHECK_INT(w_issue(0), ACME_E_HELD); /* also over a reboot */
    CHECK_INT(agent.cert.sequence, 1);
    CHECK_INT(w.requests, requests);
    w_check_pair();
    w_pass(3599);
    CHECK_INT(w_run(0), ACME_E_HELD);
    w_pass(400);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.certificates, 3);
    CHECK_INT(agent.cert.sequence, 2);
    w_check_pair();
}

/* How long it waits after being refused once more, in seconds. */
static int64_t refused_wait(void)
{
    CHECK_INT(refuse(), ACME_E_CERT);
    return agent.sched.not_before - w_wall();
}

TEST(refusals_in_a_row_are_waited_for_longer_each_time)
{
    static const int64_t least[] = {3600, 6 * 3600, W_DAY, W_DAY};

    two();
    for (int i = 0; i < 4; i++) {
        int64_t wait = refused_wait();
        CHECK(wait >= least[i] - 1 && wait <= least[i] + least[i] / 10 + 1);
        /* the one gone back to is loaded: that says nothing about the next */
        CHECK_INT(acme_agent_certificate_loaded(&agent, true), ACME_OK);
        (void)settle();
        w_pass(wait + 1);
        CHECK_INT(w_issue(0), ACME_OK); /* a new agent each time */
    }
    CHECK_INT(w.certificates, 6);
    w.writes = 0;
    CHECK_INT(acme_agent_certificate_loaded(&agent, true), ACME_OK);
    CHECK_INT(settle(), ACME_OK);
    CHECK_INT(w.writes, 1);
    CHECK_INT(acme_agent_certificate_loaded(&agent, true), ACME_OK);
    CHECK_INT(settle(), ACME_OK);
    CHECK_INT(w.writes, 1);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK(refused_wait() <= 3600 + 361);
}

static void check_kept(uint32_t sequence)
{
    int requests = w.requests, writes = w.writes;

    w.warnings = 0;
    for (int i = 0; i < 5; i++)
        (void)refuse();
    CHECK_INT(w.warnings, 1);
    CHECK(strstr(w.warning, "none to go back to") != NULL);
    CHECK_INT(agent.cert.sequence, sequence);
    CHECK_INT(w.writes, writes);
    CHECK_INT(w.requests, requests);
    w_check_pair();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, requests);
}

TEST(without_one_before_it_is_kept_and_told_once)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    check_kept(1);
}

TEST(one_that_is_expired_is_not_gone_back_to)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w_pass(91 * W_DAY);
    CHECK_INT(w_run(0), ACME_OK);
    check_kept(2);
}

TEST(one_that_is_damaged_is_not_gone_back_to)
{
    two();
    w_slot(ACME_SLOT_CERT_A)->data[30] ^= 1;
    check_kept(2);
}

TEST(a_busy_medium_is_waited_for)
{
    two();
    w.read_err = ACME_AGAIN;
    w.read_err_slot = ACME_SLOT_CERT_A;
    CHECK_INT(acme_agent_certificate_loaded(&agent, false), ACME_OK);
    for (int i = 0; i < 50; i++) {
        uint32_t sleep_ms;
        (void)acme_agent_poll(&agent, &sleep_ms);
    }
    CHECK_INT(agent.step, ACME_ROW_BACK);
    w.read_err = ACME_OK;
    CHECK_INT(settle(), ACME_E_CERT);
    CHECK_INT(agent.cert.sequence, 1);
}

TEST(after_going_back_there_is_nothing_more_to_go_back_to)
{
    two();
    CHECK_INT(refuse(), ACME_E_CERT);
    w.warnings = 0;
    CHECK_INT(refuse(), ACME_E_CERT);
    CHECK_INT(w.warnings, 1);
    CHECK_INT(agent.cert.sequence, 1);
    w_check_pair();
}

TEST(it_is_asked_to_come_back_while_a_run_is_under_way)
{
    uint32_t sleep_ms;

    w_reset();
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(acme_agent_certificate_loaded(&agent, true), ACME_AGAIN); /* nothing is read yet */
    w.until = "order";
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(acme_agent_certificate_loaded(&agent, false), ACME_E_SLOT_EMPTY);
    w.until = NULL;
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(acme_agent_ask(&agent, ACME_ASK_FORCE, NULL), ACME_OK);
    while (agent.step == ACME_ROW_REST)
        (void)acme_agent_poll(&agent, &sleep_ms);
    CHECK_INT(acme_agent_certificate_loaded(&agent, false), ACME_AGAIN);
    CHECK_INT(settle(), ACME_OK);
    CHECK_INT(agent.cert.sequence, 2);
}

/* An order that was open when the certificate was refused is still there afterwards. */
TEST(an_open_order_survives)
{
    two();
    w.until = "respond";
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    w.until = NULL;
    CHECK_INT(w.orders_count, 3);
    CHECK_INT(refuse(), ACME_E_CERT);
    CHECK_INT(agent.cert.sequence, 1);
    CHECK(agent.order.open);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.orders_count, 3);
    CHECK_INT(agent.cert.sequence, 2);
    w_check_pair();
}

TEST(power_cut_at_each_moment_of_going_back)
{
    int points, cuts = 0;

    two();
    w.points = 0;
    CHECK_INT(refuse(), ACME_E_CERT);
    points = w.points;
    CHECK(points >= 4);
    for (int k = 1; k <= points; k++) {
        two();
        w.points = 0;
        w.cut_at = k;
        cuts += refuse() == W_CUT;
        w.cut_at = 0;
        CHECK_INT(w_boot(), ACME_OK);
        w.clock_answer = ACME_E_CLOCK; /* records are read, nothing else */
        CHECK_INT(w_run(0), ACME_E_CLOCK);
        w.clock_answer = ACME_OK;
        CHECK(agent.cert.has);
        w_check_pair();
        if (agent.cert.sequence == 2) /* the application says it again */
            CHECK_INT(refuse(), ACME_E_CERT);
        CHECK_INT(agent.cert.sequence, 1);
        w_check_pair();
        CHECK_INT(w_run(0), ACME_E_HELD);
        CHECK_INT(w.certificates, 2);
        CHECK(agent.sched.rolled_back >= 1 && agent.sched.rolled_back <= 2);
    }
    CHECK_INT(cuts, points);
}

TEST(each_write_that_fails_leaves_a_pair)
{
    for (int n = 1; n <= 2; n++) {
        two();
        w.write_again = w.write_again_left = 3;
        w.write_fail_at = n;
        w.write_fail_count = 1;
        CHECK_INT(refuse(), ACME_E_CERT);
        CHECK_INT(agent.cert.sequence, 2);
        w_check_pair();
        w.write_fail_at = 0;
        CHECK_INT(refuse(), ACME_E_CERT);
        CHECK_INT(agent.cert.sequence, 1);
        w_check_pair();
    }
}

/* The refused pair is gone although the medium answered with an error: what it holds counts. */
TEST(a_pair_that_is_emptied_with_an_error_is_gone)
{
    two();
    w.write_fail_slot = ACME_SLOT_CERT_B;
    w.write_fail_at = 1;
    w.write_fail_count = 1000;
    w.write_fail_took = true;
    CHECK_INT(refuse(), ACME_E_CERT);
    w.write_fail_at = 0;
    CHECK_INT(agent.cert.sequence, 1);
    CHECK(w_did("V:rolled_back"));
    w_check_pair();
    CHECK_INT(acme_agent_certificate_loaded(&agent, true), ACME_OK);
    CHECK_INT(settle(), ACME_E_CERT);
    CHECK_INT(agent.cert.sequence, 1);
    CHECK_INT(w_issue(0), ACME_E_HELD);
    CHECK_INT(agent.cert.sequence, 1);
}

/* A daemon, and a clock that is set late. */
TEST(the_verdict_waits_for_the_clock)
{
    two();
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    w.clock_answer = ACME_E_CLOCK;
    (void)settle();
    CHECK_INT(refuse(), ACME_AGAIN);
    CHECK_INT(agent.cert.sequence, 2);
    CHECK_INT(w.writes, 0);
    w.clock_answer = ACME_OK;
    CHECK_INT(settle(), ACME_E_CERT);
    CHECK_INT(agent.cert.sequence, 1);
    CHECK_INT(w.certificates, 2); /* it is due, and it is held */
}

/* -- clocks -- */

TEST(a_run_tells_the_hours_that_a_verified_exchange_gave)
{
    static const struct w_script script[] = {
        {.row = "directory", .fields = "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n"}, {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.times_count, 2);
    CHECK_INT(w.times[0], 1795334400);
    CHECK_INT(w.times[1], agent.cert.not_before);
}

static const struct w_script dated[] = {
    {.row = "directory", .count = 1000, .lost = ACME_E_TLS_DATE}, {0}};

/* Five years ahead the CA's certificate is expired; then the clock is told the truth. */
TEST(what_a_clock_that_ran_ahead_made_fail_is_tried_again_at_once)
{
    uint32_t sleep_ms;

    w_reset();
    config.only_when_asked = false;
    w.wall += 5LL * 365 * W_DAY;
    w.script = dated;
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(settle(), ACME_E_TLS_DATE);
    (void)acme_agent_poll(&agent, &sleep_ms);
    CHECK(sleep_ms <= 10000); /* the clock is looked at again soon */
    CHECK_INT(w.requests, 1);
    w_pass(3600);
    CHECK_INT(settle(), ACME_E_TLS_DATE);
    CHECK_INT(w.requests, 1); /* the CA is not */
    w.script = NULL;
    w.wall -= 5LL * 365 * W_DAY;
    CHECK_INT(settle(), ACME_OK);
    CHECK_INT(w.certificates, 1);
}

/* Who tells the time goes on lying: the CA sees few tries. */
TEST(a_clock_that_is_set_back_for_ever_does_not_hammer)
{
    w_reset();
    config.only_when_asked = false;
    w.script = dated;
    w.wall += 5LL * 365 * W_DAY;
    CHECK_INT(w_boot(), ACME_OK);
    for (int i = 0; i < 200; i++) {
        (void)settle();
        w.wall -= 1000;
        w_pass(60);
    }
    CHECK(w.requests >= 3 && w.requests <= 12);
}

/* The CA's own word is not forgiven. */
TEST(a_retry_after_outlives_a_clock_that_is_set_back)
{
    static const struct w_script script[] = {
        {.row = "order", .status = 429, .fields = "Retry-After: 5000\r\n", .body = "{}"}, {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_RATE);
    w.script = dated;
    w.wall += 1000 * W_DAY; /* it seems to be over */
    CHECK_INT(w_run(0), ACME_E_TLS_DATE);
    w.script = NULL;
    w.wall -= 1000 * W_DAY;
    w_pass(3800); /* other certificates may go again, this one not yet */
    CHECK_INT(w_run(0), ACME_E_HELD);
    CHECK_INT(w_issue(0), ACME_E_HELD);
}

/* Anchors that nobody can use never reach the CA, but a device that tries by itself must not spin.
 */
TEST(a_configuration_that_cannot_be_used_is_not_tried_in_a_loop)
{
    static const struct w_script script[] = {
        {.row = "directory", .count = 1000, .lost = ACME_E_CONFIG}, {0}};

    w_reset();
    config.only_when_asked = false;
    w.script = script;
    CHECK_INT(w_boot(), ACME_OK);
    for (int i = 0; i < 20; i++)
        (void)settle();
    CHECK_INT(w.requests, 1);
}

RUN()
