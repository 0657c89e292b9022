/* The agent and the CA's window for the renewal (RFC 9773): asked seldom, chosen in once, followed,
 * and never in the way of the lifetime rule. */
#include "agent_world.h"

#define HOUR 3600

static void ari_world(void)
{
    w_reset();
    w.ari = true;
    w.issue_ms = 5;
}

/* A command once more, as cron would do it. */
static int again(int64_t seconds)
{
    w_pass(seconds);
    w.log_len = 0;
    w.log[0] = '\0';
    return w_issue(0);
}

static int64_t due_at(void)
{
    struct acme_agent_status status;

    acme_agent_status(&agent, &status);
    return status.due_at;
}

/* -- asking -- */

TEST(asked_with_the_issuance_and_then_when_the_ca_said)
{
    struct acme_agent_status status;

    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 8 + 2 + 1);
    CHECK_INT(w.connections, 1);
    CHECK_INT(w.windows, 1);
    acme_agent_status(&agent, &status);
    CHECK(status.window_followed);
    CHECK(status.due_at >= status.window_start && status.due_at < status.window_end);
    CHECK_INT(status.window_start, w.orders[0].began + 55 * W_DAY);
    CHECK_INT(status.window_end, w.orders[0].began + 65 * W_DAY);
    CHECK_INT(status.window_next / 60, (w_wall() + 6 * HOUR) / 60);
    w.requests = w.writes = 0;
    CHECK_INT(again(5 * HOUR), ACME_OK);
    CHECK_INT(w.requests, 0);
    CHECK_INT(w.writes, 0);
    CHECK_INT(again(2 * HOUR), ACME_OK);
    CHECK_INT(w.requests, 2);
    CHECK(w_did("Q:directory") && w_did("Q:window"));
    CHECK_INT(w.windows, 2);
    CHECK_INT(w.not_due, 2);
    CHECK_INT(w.writes, 1); /* when to ask next */
    CHECK_INT(again(10), ACME_OK);
    CHECK_INT(w.requests, 2);
    CHECK_INT(w.failures + w.warnings, 0);
}

TEST(retry_after_is_clamped)
{
    static const struct {
        const char *field;
        int64_t wait;
    } rows[] = {
        {"X-Nothing: 1", 6 * HOUR},
        {"Retry-After: 0", 6 * HOUR},
        {"Retry-After: soon", 6 * HOUR},
        {"Retry-After: 5", 60},
        {"Retry-After: 60", 60},
        {"Retry-After: 7200", 7200},
        {"Retry-After: 86400", W_DAY},
        {"Retry-After: 86401", W_DAY},
        {"Retry-After: 99999999999", W_DAY},
        {"Retry-After: Fri, 01 Jan 2027 00:00:00 GMT", W_DAY},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_agent_status status;

        ari_world();
        w.ari_field = rows[i].field;
        CHECK_INT(w_issue(0), ACME_OK);
        acme_agent_status(&agent, &status);
        CHECK(status.window_next >= w_wall() + rows[i].wait - 2 &&
              status.window_next <= w_wall() + rows[i].wait);
        CHECK_INT(agent.look_ms, 0); /* not taken for the order's */
    }
}

TEST(a_question_that_fails_is_only_a_warning)
{
    static const struct w_script scripts[][2] = {
        {{.row = "window", .status = 500, .body = "{}"}, {0}},
        {{.row = "window", .status = 503, .fields = "Retry-After: 9999999\r\n", .body = "{}"}, {0}},
        {{.row = "window", .status = 404, .body = "{}"}, {0}},
        {{.row = "window", .status = 429, .fields = "Retry-After: 60\r\n", .body = "{}"}, {0}},
        {{.row = "window", .status = 301, .body = ""}, {0}},
        {{.row = "window", .lost = ACME_E_TIMEOUT}, {0}},
        {{.row = "window", .lost = ACME_E_TLS_TRUST}, {0}},
        {{.row = "window", .status = 200, .body = "<html>"}, {0}},
        {{.row = "window", .status = 200, .body = "{}"}, {0}},
        {{.row = "window", .status = 200, .body = "[]"}, {0}},
        {{.row = "window", .status = 200, .body = "{\"suggestedWindow\":null}"}, {0}},
        {{.row = "window", .find = "\"end\"", .put = "\"fin\""}, {0}},
        {{.row = "window", .find = "T", .put = "t?"}, {0}},
        {{.row = "directory", .lost = ACME_E_LOOKUP}, {0}},
        {{.row = "directory", .status = 500, .body = "{}"}, {0}},
        {{.row = "directory", .status = 200, .body = "no"}, {0}},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        ari_world();
        CHECK_INT(w_issue(0), ACME_OK);
        memset(w.per_row, 0, sizeof w.per_row);
        w.script = scripts[i];
        CHECK_INT(again(7 * HOUR), ACME_OK);
        CHECK_INT(w.warnings, 1);
        CHECK_INT(w.failures, 0);
        CHECK_INT(agent.failure.err, ACME_OK);
        CHECK(w.requests <= 11 + 2);
        CHECK_INT(w.not_due, 1);
        CHECK(agent.ari.renew_at != 0); /* what was chosen stays */
        w.script = NULL;
        CHECK_INT(again(W_DAY), ACME_OK);
        CHECK(w.windows >= 2);
        w_pass(70 * W_DAY);
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.orders_count, 2);
    }
}

/* After an issuance, too, and nothing is tried twice. */
TEST(a_question_after_the_issuance_cannot_spoil_it)
{
    static const struct w_script scripts[][2] = {
        {{.row = "window", .count = 99, .status = 500, .body = "{}"}, {0}},
        {{.row = "window", .count = 99, .lost = ACME_E_CLOSED}, {0}},
        {{.row = "window", .count = 99, .status = 404, .body = "{}"}, {0}},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        ari_world();
        w.script = scripts[i];
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.requests, 8 + 2 + 1);
        CHECK_INT(w.failures, 0);
        CHECK_INT(w.warnings, 1);
        CHECK_INT(w_begun(), 0);
        CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
        w_check_pair();
        /* the lifetime rule is armed */
        CHECK_INT(due_at(), agent.cert.not_after - 30 * W_DAY);
        CHECK_INT(again(61 * W_DAY), ACME_OK);
        CHECK_INT(w.orders_count, 2);
    }
}

TEST(a_ca_without_it_is_not_asked_again)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w.requests = 0;
    for (int day = 0; day < 55; day++)
        CHECK_INT(again(W_DAY), ACME_OK);
    CHECK_INT(w.requests, 0);
    w.ari = true; /* now it has: seen with the next certificate */
    CHECK_INT(again(7 * W_DAY), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w.windows, 1);
}

/* A certificate of which nothing is known, as after an update from a version without all this. */
TEST(a_ca_is_asked_once_when_nothing_is_known)
{
    struct w_slot *sched;

    for (int with = 0; with < 2; with++) {
        ari_world();
        CHECK_INT(w_issue(0), ACME_OK);
        sched = w_slot(ACME_SLOT_SCHED);
        sched->len = 0;
        w.ari = with != 0;
        w.requests = w.windows = 0;
        CHECK_INT(again(100), ACME_OK);
        CHECK_INT(w.requests, 1 + with);
        CHECK_INT(again(3600), ACME_OK);
        CHECK_INT(w.requests, 1 + with);
        CHECK_INT(w.orders_count, 1);
    }
}

TEST(the_ca_s_retry_after_holds_for_questions_too)
{
    static const struct w_script script[] = {
        {.row = "directory", .status = 503, .fields = "Retry-After: 36000\r\n", .body = "{}"}, {0}};

    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = script;
    CHECK_INT(again(7 * HOUR), ACME_OK);
    w.requests = 0;
    CHECK_INT(again(9 * HOUR), ACME_OK);
    CHECK_INT(w.requests, 0);
    CHECK_INT(again(2 * HOUR), ACME_OK);
    CHECK_INT(w.requests, 2);
}

/* -- choosing -- */

TEST(chosen_once_and_not_again_after_a_reboot)
{
    int64_t at;

    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    at = due_at();
    for (int i = 0; i < 50; i++) {
        CHECK_INT(again(12 * HOUR), ACME_OK);
        CHECK_INT(due_at(), at);
    }
    CHECK_INT(w.windows, 51);
    w.ari_end = w.orders[0].began + 66 * W_DAY; /* another window that has it in it */
    CHECK_INT(again(12 * HOUR), ACME_OK);
    CHECK_INT(due_at(), at);
    w.ari_end = w.orders[0].began + 56 * W_DAY; /* and one that has not */
    w.ari_start = w.orders[0].began + 40 * W_DAY;
    CHECK_INT(again(12 * HOUR), ACME_OK);
    CHECK(due_at() >= w.ari_start && due_at() < w.ari_end && due_at() != at);
}

TEST(renewed_at_the_moment_with_the_predecessor_named)
{
    int64_t at;

    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.replaced_count, 0);
    at = due_at();
    CHECK_INT(again(at - w_wall() - 100), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(again(200), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w.replaced_count, 1);
    CHECK_INT(w.replaces_refused, 0);
    CHECK(agent.cert.replaces);
    w_check_pair();
    CHECK(due_at() > w_wall() + 50 * W_DAY);
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK(agent.cert.replaces);
}

TEST(what_fails_after_a_question_is_not_taken_for_it)
{
    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    w_pass(due_at() - w_wall() + 10);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(agent.cert.sequence, 2);
    w_pass(7 * HOUR);
    w.windows = 0;
    CHECK_INT(w_run(0), ACME_OK); /* only asks */
    CHECK_INT(w.windows, 1);
    CHECK_INT(acme_agent_certificate_loaded(&agent, false), ACME_OK);
    (void)w_run(0);
    CHECK_INT(agent.cert.sequence, 1);
    CHECK_INT(agent.failure.err, ACME_E_CERT);
}

TEST(mass_revocation)
{
    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(again(10 * W_DAY), ACME_OK);
    w.ari_start = w_wall() - 2 * HOUR;
    w.ari_end = w_wall() - HOUR;
    w.ari_more = "\"explanationURL\":\"https://ca.example/why\\u001b[2J<>\",";
    w.connections = 0;
    CHECK_INT(again(7 * HOUR), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w.connections, 1); /* the question and the renewal */
    CHECK_INT(w.replaced_count, 1);
    CHECK_STR(w.window_url, "https://ca.example/why?[2J<>");
    CHECK_INT(w.requests, 11 + 2 + 2 + 7 + 2 + 1 - 1); /* its directory serves both */
}

/* One that says "now" of every certificate. */
TEST(a_ca_that_always_says_now_is_not_hammered)
{
    ari_world();
    w.ari_start = W_NOW - 900;
    w.ari_end = W_NOW + 900 * (int64_t)W_DAY;
    w.ari_field = "Retry-After: 1";
    for (int64_t m = 0; m < 2 * 24 * 60; m += 10) {
        w.ari_start = w_wall() - 7200;
        w.ari_end = w_wall() - 3600;
        (void)again(600);
    }
    CHECK(w.orders_count >= 2 && w.orders_count <= 1 + 2 * 5);
}

TEST(absurd_windows_leave_the_lifetime_rule)
{
    static const int64_t rows[][2] = {
        {10, 10}, {20, 10}, {89, 95}, {91, 92}, {100000, 100001}, {-400, -300},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_agent_status status;

        ari_world();
        w.ari_start = W_NOW + rows[i][0] * W_DAY;
        w.ari_end = W_NOW + rows[i][1] * W_DAY;
        CHECK_INT(w_issue(0), ACME_OK);
        acme_agent_status(&agent, &status);
        CHECK(!status.window_followed);
        CHECK_INT(status.due_at, status.not_after - 30 * W_DAY);
        CHECK_STR(w.window_word, "ignored");
        CHECK_INT(again(59 * W_DAY), ACME_OK);
        CHECK_INT(w.orders_count, 1);
        CHECK_INT(again(2 * W_DAY), ACME_OK);
        CHECK_INT(w.orders_count, 2);
    }
}

TEST(fractions_and_offsets)
{
    static const struct w_script script[] = {
        {.row = "window",
         .status = 200,
         .body = "{\"suggestedWindow\":{\"start\":\"2027-01-10T12:00:00.123456789+02:00\","
                 "\"end\":\"2027-01-12T05:30:00.5-05:30\"}}"},
        {0}};
    struct acme_agent_status status;

    ari_world();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_OK);
    acme_agent_status(&agent, &status);
    CHECK(status.window_followed);
    CHECK_STR(w.window, "2027-01-10T10:00:00Z/2027-01-12T11:00:00Z");
}

/* -- replaces -- */

TEST(predecessor_that_is_replaced_already)
{
    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    (void)snprintf(w.replaced[w.replaced_count++], sizeof w.replaced[0], "%s", agent.cert.id);
    w.requests = 0;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.replaces_refused, 1);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w.requests, 7 + 2 + 1 + 1); /* one newOrder more, and the window */
    CHECK(!agent.cert.replaces);
}

TEST(predecessor_is_left_away_after_an_order_broke)
{
    static const struct w_script script[] = {{.row = "order", .status = 500, .body = "{}"}, {0}};

    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = script;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_SERVER);
    w.script = NULL;
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.replaced_count, 0);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK); /* and is named again after a success */
    CHECK_INT(w.replaced_count, 1);
}

TEST(other_refusals_are_not_asked_twice)
{
    static const struct w_script scripts[][2] = {
        {{.row = "order", .count = 9, .status = 403, .body = "{\"type\":\"rejectedIdentifier\"}"},
         {0}},
        {{.row = "order", .count = 9, .status = 429, .body = "{\"type\":\"rateLimited\"}"}, {0}},
        {{.row = "order", .count = 9, .status = 403, .body = "{\"type\":\"userActionRequired\"}"},
         {0}},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        ari_world();
        CHECK_INT(w_issue(0), ACME_OK);
        memset(w.per_row, 0, sizeof w.per_row);
        w.script = scripts[i];
        CHECK(w_issue(ACME_ASK_FORCE) < 0);
        CHECK_INT(w.per_row[ACME_ROW_ORDER], 1);
    }
    /* what is asked once more is refused for good then */
    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = (const struct w_script[]){
        {.row = "order", .count = 9, .status = 409, .body = "{\"type\":\"conflict\"}"}, {0}};
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_REFUSED);
    CHECK_INT(w.per_row[ACME_ROW_ORDER], 2);
}

TEST(predecessor_of_another_account_is_not_named)
{
    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    w.account_number = 2;
    memset(w_slot(ACME_SLOT_ACCOUNT)->data, 0, 4); /* the account is lost */
    config.replace_damaged = true;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK(strstr(agent.kid, "/acct/2") != NULL);
    CHECK_INT(w.replaced_count, 0);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK); /* this one has one */
    CHECK_INT(w.replaced_count, 1);
    w.account_gone = true; /* and the same when the CA forgets the account during the run */
    w.account_number = 3;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.replaced_count, 1);
}

TEST(other_names_have_a_predecessor_too)
{
    ari_world();
    CHECK_INT(w_issue(0), ACME_OK);
    w_count(2);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.replaced_count, 1);
}

/* -- a device: always on -- */

static void live_for(int64_t seconds)
{
    uint64_t until = w.ms + (uint64_t)seconds * 1000;
    uint32_t sleep_ms = 0;

    while (w.ms < until) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms < until - w.ms ? sleep_ms : until - w.ms;
        ca_tick();
    }
}

TEST(a_device_asks_while_it_rests_and_spares_its_flash)
{
    ari_world();
    config.only_when_asked = false;
    w.ari_field = "Retry-After: 3600";
    CHECK_INT(w_boot(), ACME_OK);
    live_for(HOUR / 2);
    w_check_pair();
    w.windows = w.writes = w.requests = 0;
    live_for(20 * W_DAY);
    CHECK(w.windows >= 20 * 24 - 2 && w.windows <= 20 * 24 + 2);
    CHECK_INT(w.requests, 2 * w.windows);
    CHECK(w.writes <= 20 * 2 + 1);
    w.ari_start = w_wall() - 2;
    w.ari_end = w_wall() - 1;
    live_for(2 * HOUR);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w.replaced_count, 1);
}

TEST(a_device_that_starts_again_and_again_does_not_ask)
{
    int64_t at;

    ari_world();
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    live_for(60);
    at = due_at();
    live_for(7 * HOUR);
    w.windows = w.writes = 0;
    w.requests = 0;
    for (int i = 0; i < 500; i++) {
        CHECK_INT(w_boot(), ACME_OK);
        live_for(120);
    }
    CHECK_INT(w.requests, 0);
    CHECK_INT(w.writes, 0);
    live_for(HOUR + 600);
    CHECK_INT(w.windows, 1);
    CHECK_INT(due_at(), at);
}

/* Power comes back in a whole town: the question of no hurry is spread over an hour. */
TEST(many_that_start_together_do_not_ask_together)
{
    int soon = 0;

    ari_world();
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    live_for(60);
    live_for(7 * HOUR);
    for (int i = 0; i < 100; i++) {
        w_pass(7 * HOUR);
        CHECK_INT(w_boot(), ACME_OK);
        w.windows = 0;
        live_for(295);
        CHECK_INT(w.windows, 0);
        live_for(305);
        soon += w.windows != 0;
        live_for(HOUR);
        CHECK_INT(w.windows, 1);
    }
    CHECK(soon >= 1 && soon <= 25);
}

/* Only what is for orders can keep a certificate from being ordered. */
TEST(a_url_that_may_not_be_used_is_none)
{
    static const char *const urls[] = {"https://169.254.169.254", "http://ca.example", "x"};

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char put[60] = "renewalInfo\":\"";

        ari_world();
        w.script = (const struct w_script[]){{.row = "directory",
                                              .count = 9,
                                              .find = "renewalInfo\":\"https://ca.example",
                                              .put = strcat(put, urls[i])},
                                             {0}};
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.windows, 0);
        CHECK_INT(w.warnings, 1);
        w_pass(70 * W_DAY);
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.orders_count, 2);
        CHECK_INT(w.replaced_count, 0);
    }
}

/* RFC 9773 4.3.3: what will not pass soon is asked for again after six hours. */
TEST(an_answer_that_is_none_is_no_outage)
{
    static const char *const bodies[] = {"<html>", "{}", "{\"suggestedWindow\":{\"start\":1}}", ""};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct acme_agent_status status;

        ari_world();
        CHECK_INT(w_issue(0), ACME_OK);
        w.script = (const struct w_script[]){
            {.row = "window", .count = 9, .status = 200, .body = bodies[i]}, {0}};
        CHECK_INT(again(7 * HOUR), ACME_OK);
        acme_agent_status(&agent, &status);
        CHECK_INT(status.window_next / 60, (w_wall() + 6 * HOUR) / 60);
    }
}

TEST(a_window_that_moves_at_each_answer_spares_the_flash)
{
    ari_world();
    config.only_when_asked = false;
    w.ari_field = "Retry-After: 60";
    CHECK_INT(w_boot(), ACME_OK);
    live_for(HOUR / 2);
    w.windows = w.writes = 0;
    for (int i = 0; i < 24 * 60; i++) {
        w.ari_start = agent.cert.not_before + 55 * W_DAY + i * 1000;
        w.ari_end = w.ari_start + 900;
        live_for(60);
        CHECK(due_at() >= w.ari_start - 1000 && due_at() <= w.ari_end);
    }
    CHECK(w.windows > 24 * 60 - 30);
    CHECK(w.writes <= 24 + 1);
}

/* Storage that fails is no reason to ask sooner than the CA has said. */
TEST(an_answer_that_cannot_be_stored_holds)
{
    ari_world();
    config.only_when_asked = false;
    w.ari_field = "Retry-After: 86400";
    CHECK_INT(w_boot(), ACME_OK);
    live_for(HOUR / 2);
    w.windows = 0;
    w.write_fail_at = w.writes + 1;
    w.write_fail_count = 1 << 20;
    live_for(W_DAY);
    CHECK_INT(w.windows, 1);
    live_for(5 * W_DAY);
    CHECK_INT(w.windows, 6);
    CHECK_INT(w.failures, 0);
    CHECK(w.warnings > 0);
}

TEST(a_device_without_answers_slows_down)
{
    ari_world();
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    live_for(HOUR);
    w.script = (const struct w_script[]){
        {.row = "directory", .count = 1 << 30, .lost = ACME_E_TIMEOUT}, {0}};
    w.requests = 0;
    live_for(6 * W_DAY);
    CHECK(w.requests >= 2 * 6 && w.requests <= 5 * 6 + 4);
    CHECK_INT(w.failures, 0);
    live_for(70 * W_DAY); /* then it fails in earnest */
    CHECK(w.failures > 0);
}

/* Power may go away at any moment of it. */
TEST(cut_at_every_point)
{
    for (int cut = 1; cut < 400; cut++) {
        int outcome;

        ari_world();
        w.cut_at = cut;
        outcome = w_issue(0);
        if (outcome == ACME_OK) {
            w_pass(7 * HOUR);
            outcome = w_issue(0);
        }
        if (outcome == ACME_OK) {
            w.ari_start = w_wall() - 20;
            w.ari_end = w_wall() - 10;
            w_pass(7 * HOUR);
            outcome = w_issue(0);
        }
        if (outcome == ACME_OK && w.points < cut)
            return;
        CHECK_INT(outcome, W_CUT);
        w.cut_at = 0;
        for (int i = 0; i < 3; i++) {
            w_pass(7 * HOUR);
            outcome = w_issue(ACME_ASK_NOW);
        }
        CHECK_INT(outcome, ACME_OK);
        CHECK_INT(w_begun(), 0);
        w_check_pair();
    }
    FAIL("no end");
}

RUN()
