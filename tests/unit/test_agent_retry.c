/* Nonces, lost replies, Retry-After, rate limits: repeated where it helps, never hammered. */
#include "agent_world.h"

static int run_script(const struct w_script *script)
{
    w_reset();
    w.issue_ms = 5;
    w.script = script;
    return w_issue(0);
}

#define BAD_NONCE "{\"type\":\"urn:ietf:params:acme:error:badNonce\"}"

TEST(bad_nonce_is_repeated_with_the_nonce_of_the_refusal)
{
    static const struct w_script script[] = {
        {.row = "account", .count = 3, .status = 400, .body = BAD_NONCE},
        {.row = "finalize", .count = 2, .status = 400, .body = BAD_NONCE},
        {.row = "cert", .count = 60, .status = 400, .body = BAD_NONCE},
        {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_NONCE], 1);
    CHECK_INT(w.per_row[ACME_ROW_ACCOUNT], 4);
    CHECK_INT(w.certificates, 1);
    w_check_pair();
}

TEST(bad_nonce_without_a_nonce_asks_for_one)
{
    static const struct w_script script[] = {
        {.row = "order", .count = 3, .status = 400, .body = BAD_NONCE, .no_nonce = true}, {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_NONCE], 4);
}

TEST(bad_nonce_for_ever_ends)
{
    static const struct w_script with[] = {
        {.row = "order", .count = 10000, .status = 400, .body = BAD_NONCE}, {0}};
    static const struct w_script without[] = {
        {.row = "order", .count = 10000, .status = 400, .body = BAD_NONCE, .no_nonce = true}, {0}};

    CHECK_INT(run_script(with), ACME_E_NONCE);
    CHECK(w.requests < 130);
    CHECK_INT(run_script(without), ACME_E_NONCE);
    CHECK(w.requests < 260);
    CHECK(w.ms > 1000000 + 25000); /* slower after the first ones */
}

TEST(bad_nonce_does_not_hide_why_an_order_failed)
{
    static const struct w_script script[] = {
        {.row = "look",
         .count = 5,
         .status = 200,
         .body = "{\"status\":\"invalid\",\"authorizations\":[\"https://ca.example/a/0/0\"],"
                 "\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"CAA says "
                 "no\"}}"},
        {.row = "why", .count = 2, .status = 400, .body = BAD_NONCE},
        {0}};

    CHECK_INT(run_script(script), ACME_E_ORDER);
    CHECK_STR(agent.failure.problem.detail, "CAA says no");
}

TEST(nonce_outside_its_grammar_is_ignored)
{
    static const struct w_script script[] = {
        {.row = "account", .find = "Replay-Nonce: n", .put = "Replay-Nonce: a=b n"}, {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_NONCE], 2);
    CHECK_INT(w.bad_jws, 0);
}

TEST(head_405_falls_back_to_get)
{
    static const struct w_script script[] = {
        {.row = "nonce", .status = 405, .body = "", .no_nonce = true},
        {.row = "order",
         .status = 403,
         .body = "{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\"}"},
        {0}};
    static const struct w_script never[] = {
        {.row = "nonce", .count = 99, .status = 405, .body = "", .no_nonce = true}, {0}};

    CHECK_INT(run_script(script), ACME_E_REFUSED);
    CHECK_INT(agent.failure.problem.http_status, 403);
    CHECK_INT(run_script(never), ACME_E_REFUSED);
    CHECK_INT(w.per_row[ACME_ROW_NONCE], 2);
}

TEST(an_old_problem_is_not_told_as_the_new_one)
{
    static const struct w_script script[] = {
        {.row = "nonce",
         .status = 405,
         .fields = "Retry-After: 7777\r\n",
         .body = "{\"type\":\"x\",\"detail\":\"no HEAD here\"}",
         .no_nonce = true},
        {.row = "order", .lost = ACME_E_NET},
        {0}};

    CHECK_INT(run_script(script), ACME_E_NET);
    CHECK_STR(agent.failure.problem.detail, "");
    CHECK_INT(agent.failure.problem.http_status, 0);
    CHECK_INT(agent.failure.problem.retry_after_s, 0);
}

/* -- lost -- */

TEST(lost_replies_are_repeated_where_it_is_harmless)
{
    static const struct w_script script[] = {
        {.row = "directory", .count = 2, .lost = ACME_E_CLOSED},
        {.row = "nonce", .count = 1, .lost = ACME_E_NET},
        {.row = "account", .lost = ACME_E_CLOSED, .act = true},
        {.row = "authz", .lost = ACME_E_CLOSED, .act = true},
        {.row = "respond", .lost = ACME_E_CLOSED, .act = true},
        {.row = "look", .lost = ACME_E_TIMEOUT},
        {.row = "finalize", .lost = ACME_E_CLOSED, .act = true},
        {.row = "cert", .lost = ACME_E_CLOSED, .act = true},
        {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK_INT(w.accounts, 1);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w.late_finalizes, 0);
    CHECK_INT(w.bad_jws, 0);
    w_check_pair();
}

TEST(a_finalize_that_did_not_arrive_is_sent_again)
{
    static const struct w_script script[] = {{.row = "finalize", .lost = ACME_E_CLOSED}, {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w.per_row[ACME_ROW_FINALIZE], 2);
}

TEST(newOrder_is_not_repeated)
{
    static const struct w_script script[] = {{.row = "order", .lost = ACME_E_CLOSED, .act = true},
                                             {0}};

    CHECK_INT(run_script(script), ACME_E_CLOSED);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_run(0), ACME_E_HELD);
    w_pass(86400);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
}

TEST(server_errors_end_after_a_few_tries_at_every_row)
{
    static const char *const rows[] = {"directory", "nonce", "account",  "order", "authz",
                                       "respond",   "look",  "finalize", "cert"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct w_script script[] = {{.row = rows[i], .count = 100000, .status = 500, .body = "{}"},
                                    {0}};
        int err = run_script(script);
        if (err != ACME_E_SERVER)
            test_stop(TEST_FAILED, "500 at %s: %s", rows[i], acme_err_name(err));
        if (w.requests > 80)
            test_stop(TEST_FAILED, "500 at %s: %d requests", rows[i], w.requests);
        CHECK_INT(w_begun(), 0);
        w.script = NULL; /* the CA is well again */
        w_pass(2 * 86400);
        CHECK_INT(w_run(0), ACME_OK);
        CHECK(w.orders_count <= 2);
        CHECK_INT(w.certificates, 1);
        w_check_pair();
    }
}

TEST(an_order_that_is_never_found_is_not_made_for_ever)
{
    static const struct w_script script[] = {
        {.row = "respond", .count = 999, .status = 500, .body = ""},
        {.row = "look", .count = 999, .status = 404, .body = "{}"},
        {0}};

    CHECK_INT(run_script(script), ACME_E_REFUSED);
    CHECK_INT(w.orders_count, 1);
}

/* -- Retry-After -- */

static uint64_t gap_before(uint8_t row, int nth)
{
    for (int i = 1; i < w.requests; i++) {
        if (w.request_row[i] == row && --nth == 0)
            return w.request_ms[i] - w.request_ms[i - 1];
    }
    return 0;
}

TEST(retry_after_in_seconds_and_as_a_date)
{
    static const struct w_script seconds[] = {{.row = "finalize", .fields = "Retry-After: 42\r\n"},
                                              {0}};
    static const struct w_script date[] = {
        {.row = "finalize", .fields = "Retry-After: Wed, 18 Nov 2026 11:24:00 GMT\r\n"}, {0}};

    CHECK_INT(run_script(seconds), ACME_OK);
    CHECK(gap_before(ACME_ROW_LOOK, 2) >= 42000 && gap_before(ACME_ROW_LOOK, 2) < 43000);
    w_reset();
    /* the world begins 1000 s after W_NOW */
    w.issue_ms = 5;
    w.script = date;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(gap_before(ACME_ROW_LOOK, 2) >= 38000 && gap_before(ACME_ROW_LOOK, 2) < 42000);
}

TEST(retry_after_holds_though_a_reply_is_lost)
{
    static const struct w_script script[] = {{.row = "authz", .fields = "Retry-After: 100\r\n"},
                                             {.row = "respond", .lost = ACME_E_CLOSED, .act = true},
                                             {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK(gap_before(ACME_ROW_LOOK, 1) + gap_before(ACME_ROW_NONCE, 2) >= 99000);
}

TEST(retry_after_of_orderNotReady_holds)
{
    static const struct w_script script[] = {
        {.row = "finalize",
         .status = 403,
         .fields = "Retry-After: 30\r\n",
         .body = "{\"type\":\"urn:ietf:params:acme:error:orderNotReady\"}"},
        {0}};

    CHECK_INT(run_script(script), ACME_OK);
    CHECK(gap_before(ACME_ROW_LOOK, 2) >= 30000);
    CHECK_INT(w.certificates, 1);
}

TEST(retry_after_beyond_ten_minutes_ends_the_run)
{
    static const char *const rows[] = {"order", "authz", "respond", "look", "finalize"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct w_script script[] = {{.row = rows[i], .fields = "Retry-After: 5000\r\n"}, {0}};
        int err = run_script(script);
        if (err != ACME_E_TIMEOUT && err != ACME_OK)
            test_stop(TEST_FAILED, "at %s: %s", rows[i], acme_err_name(err));
        CHECK(w.ms < 1000000 + 700000);
        CHECK_INT(w_begun(), 0);
        if (err == ACME_OK)
            continue;
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_HELD);
        w_pass(4000);
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_HELD);
        w_pass(1200);
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
        CHECK_INT(w.orders_count, 1);
        CHECK_INT(w.certificates, 1);
        w_check_pair();
    }
}

TEST(a_walk_does_not_shorten_retry_after)
{
    static const struct w_script script[] = {{.row = "respond", .fields = "Retry-After: 300\r\n"},
                                             {0}};

    w_reset();
    w.script = script;
    w.until = "look";
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w.ms < 1000000 + 60000); /* it rests at once */
    w.until = NULL;
    CHECK_INT(w_run(0), ACME_OK);
    for (int i = 0; i < w.requests; i++) {
        if (w.request_row[i] == ACME_ROW_LOOK)
            CHECK(w.request_ms[i] >= 1000000 + 300000);
    }
}

TEST(the_order_is_stored_before_any_wait)
{
    static const struct w_script script[] = {{.row = "order",
                                              .find = "\"pending\"",
                                              .put = "\"processing\"",
                                              .fields = "Retry-After: 60\r\n"},
                                             {0}};
    uint32_t sleep_ms;

    w_reset();
    w.script = script;
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(acme_agent_ask(&agent, 0, NULL), ACME_OK);
    for (int i = 0; i < 200 && w.ms < 1000000 + 30000; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms < 1000 ? sleep_ms : 1000;
    }
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
}

/* -- 429 and 503 -- */

TEST(rate_limits_hold_also_after_a_reboot)
{
    static const char *const rows[] = {"account", "order", "look", "directory", "finalize", "cert"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct w_script script[] = {
            {.row = rows[i],
             .status = 429,
             .fields = "Retry-After: 100000\r\n",
             .body = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slow\"}"},
            {0}};
        int requests;

        CHECK_INT(run_script(script), ACME_E_RATE);
        CHECK_INT(w_begun(), 0);
        requests = w.requests;
        CHECK_INT(w_issue(0), ACME_E_HELD);
        CHECK_INT(w_issue(ACME_ASK_NOW | ACME_ASK_FORCE), ACME_E_HELD);
        w_pass(99000);
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_HELD);
        CHECK_INT(w.requests, requests);
        CHECK_STR(agent.failure.problem.detail, "slow");
        CHECK_INT(w_issue(ACME_ASK_IGNORE_RETRY_AFTER), ACME_OK);
        CHECK_INT(w.orders_count, 1); /* what was begun is gone on with */
        CHECK_INT(agent.failure.err, ACME_OK);
    }
}

TEST(service_unavailable_names_a_time)
{
    static const struct w_script script[] = {
        {.row = "directory", .status = 503, .fields = "Retry-After: 7200\r\n", .body = ""}, {0}};

    CHECK_INT(run_script(script), ACME_E_SERVER);
    CHECK_INT(w.per_row[ACME_ROW_DIRECTORY], 1);
    w_pass(7000);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_HELD);
    w_pass(201);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
}

/* What failed by a clock of the future binds from the moment on at which the clock is set. */
/* A year is the most that a CA can send a device away for, by whatever reply. */
TEST(retry_after_of_centuries_is_a_year)
{
    static const char *const rows[] = {"directory", "account", "order", "finalize"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct w_script script[] = {
            {.row = rows[i], .status = 429, .fields = "Retry-After: 4294967295\r\n", .body = "{}"},
            {0}};

        CHECK_INT(run_script(script), ACME_E_RATE);
        w.script = NULL;
        w_pass(360 * W_DAY);
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_HELD);
        w_pass(7 * W_DAY);
        CHECK_INT(w_issue(0), ACME_OK);
    }
}

TEST(a_wait_that_was_noted_in_the_future_counts_from_now)
{
    struct w_script script[] = {{.row = "order",
                                 .status = 429,
                                 .fields = "Retry-After: 3600\r\n",
                                 .body = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}"},
                                {0}};

    CHECK_INT(run_script(script), ACME_E_RATE);
    w.wall -= 30 * W_DAY;
    w.script = NULL;
    CHECK_INT(w_issue(0), ACME_E_HELD);
    w.ms += 1800000;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_E_HELD);
    w.ms += 1860000;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
}

TEST(another_certificate_of_the_same_ca_is_held_too)
{
    static const struct w_script script[] = {
        {.row = "directory", .status = 429, .fields = "Retry-After: 5000\r\n", .body = ""}, {0}};

    CHECK_INT(run_script(script), ACME_E_RATE);
    w_names[0] = "other.example.org";
    CHECK_INT(w_issue(0), ACME_E_HELD);
    w_pass(5001);
    CHECK_INT(w_issue(0), ACME_OK);
}

RUN()
