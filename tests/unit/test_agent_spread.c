/* test_agent_spread.c - many devices, one moment: what is due begins after a random while; and what
 * is known of failures outlives a reboot */
#include "agent_world.h"

#include "acme_records.h"
#include "acme_steps.h"
#include "acme_store.h"

/* The agent's own loop, without anybody who asks, for so many seconds at the most: the seconds that
 * passed before a request, or -1. */
static int64_t until_request(int64_t seconds)
{
    uint64_t began = w.ms;
    uint32_t sleep_ms = 0;

    w.requests = 0;
    while (w.ms - began < (uint64_t)seconds * 1000) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        if (w.requests > 0)
            return (int64_t)(w.ms - began) / 1000;
        w.ms += sleep_ms > 0 ? sleep_ms : 1;
    }
    return -1;
}

/* A device with a certificate of 90 days, so many days ago; then a boot. */
static void device(int64_t days)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w_pass(days * W_DAY);
    config.only_when_asked = config.prompt = false;
    CHECK_INT(w_boot(), ACME_OK);
}

TEST(what_is_due_at_a_start_is_spread_over_an_hour)
{
    int64_t least = INT64_MAX, most = 0;

    for (int i = 0; i < 40; i++) {
        int64_t at;

        device(70);
        for (int k = 0; k <= i; k++) /* another place in the stream of chance */
            (void)acme_jitter16();
        at = until_request(3601);
        CHECK(at >= 0);
        CHECK(w.held <= 1);
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    CHECK(least < 600 && most > 2400);
}

TEST(what_becomes_due_in_service_is_spread_over_a_day)
{
    int64_t at;

    device(1);
    CHECK_INT(until_request(58 * W_DAY), -1);
    CHECK_INT(w.not_due, 1);
    at = until_request(3 * W_DAY);
    CHECK(at >= 0);
    CHECK(w_wall() > agent.cert.not_after - 30 * W_DAY + 60); /* 1 in 1400 would be less */
    CHECK(w_wall() <= agent.cert.not_after - 29 * W_DAY + 2);
}

TEST(an_expired_one_is_spread_over_five_minutes)
{
    int64_t at;

    device(91);
    at = until_request(301);
    CHECK(at >= 1);
}

TEST(nobody_waits_who_asked_or_has_none)
{
    device(70);
    CHECK_INT(acme_agent_ask(&agent, 0, NULL), ACME_OK);
    CHECK_INT(until_request(10), 0);
    device(70);
    config.prompt = true;
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(until_request(10), 0);
    w_reset();
    config.only_when_asked = config.prompt = false;
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(until_request(10), 0);
    /* names that have changed are somebody's wish */
    device(1);
    w_count(2);
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(until_request(10), 0);
}

/* A server that was taken out of the list makes all of its certificates due at one moment. */
TEST(certificates_of_a_server_that_was_taken_out_are_spread)
{
    int64_t least = INT64_MAX, most = 0;

    for (int i = 0; i < 20; i++) {
        int64_t at;

        device(30);
        config.directory_url = "https://ca1.example/dir";
        CHECK_INT(w_boot(), ACME_OK);
        for (int k = 0; k <= i; k++)
            (void)acme_jitter16();
        at = until_request(3601);
        CHECK(at >= 0);
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    CHECK(least < 900 && most > 2400);
    /* other names are somebody's wish, whoever issues them */
    device(30);
    config.directory_url = "https://ca1.example/dir";
    w_count(2);
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(until_request(10), 0);
}

/* It still serves: the new CA's failures wait as for any renewal, and not as without one. */
TEST(what_was_issued_elsewhere_still_counts)
{
    static const struct w_script down[] = {
        {.row = "directory", .count = 100000, .lost = ACME_E_NET, .host = "ca1.example"},
        {.row = NULL}};

    device(30);
    config.directory_url = "https://ca1.example/dir";
    w.script = down;
    for (int i = 0; i < 14; i++) { /* without one they double from the 13th on */
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_NET);
    }
    CHECK(agent.sched.not_before - w_wall() > W_DAY / 2);
    CHECK(agent.sched.not_before - w_wall() <= W_DAY);
}

/* It was drawn when a month was left by the clock of then; by that of now, nothing is. */
TEST(a_clock_that_is_set_forward_draws_anew)
{
    device(1);
    CHECK_INT(until_request(58 * W_DAY), -1);
    w_pass(3 * W_DAY);
    agent.due = true;
    agent.due_ms = w.ms + (uint64_t)W_DAY * 900;
    w_pass(40 * W_DAY);
    agent.due_ms = w.ms + (uint64_t)W_DAY * 900;
    agent.wake_ms = 0;
    CHECK(until_request(301) >= 0);
}

/* -- over a reboot -- */

static void store_sched(void)
{
    struct acme_span span = {w_scratch, sizeof w_scratch};
    int n;

    agent.save_mask = 0;
    n = acme_encode(&agent, ACME_SLOT_SCHED, span);
    CHECK(n > 0);
    CHECK_INT(w_port.slots->write(NULL, ACME_SLOT_SCHED, w_names[0], w_scratch, (size_t)n),
              ACME_OK);
}

static void load_all(void)
{
    uint32_t sleep_ms;

    CHECK_INT(w_boot(), ACME_OK);
    for (int i = 0; i < 5; i++)
        (void)acme_agent_poll(&agent, &sleep_ms);
}

TEST(failures_of_each_class_outlive_a_reboot)
{
    device(1);
    for (int i = 0; i < 3; i++)
        acme_sched_failed(&agent.sched, w_wall(), ACME_CLASS_CONNECTION, W_DAY, 0, 1);
    for (int i = 0; i < 2; i++)
        acme_sched_failed(&agent.sched, w_wall(), ACME_CLASS_REFUSED, W_DAY, 0, 1);
    acme_sched_failed(&agent.sched, w_wall(), ACME_CLASS_VALIDATION, W_DAY, 0, 1);
    store_sched();
    load_all();
    CHECK_INT(agent.sched.failures, 6);
    CHECK_INT(agent.sched.connections, 3);
    CHECK_INT(agent.sched.refusals, 2);
    CHECK_INT(agent.sched.validations, 1);
}

/* A record of a firmware that had one count for all. */
TEST(one_count_of_an_older_record_is_the_last_class_s)
{
    static const uint8_t last[] = {ACME_CLASS_CONNECTION, ACME_CLASS_VALIDATION, ACME_CLASS_REFUSED,
                                   ACME_CLASS_OPERATOR};

    for (size_t i = 0; i < sizeof last; i++) {
        device(1);
        agent.sched.failures = 9;
        agent.sched.last_class = last[i];
        store_sched();
        load_all();
        CHECK_INT(agent.sched.failures, 9);
        CHECK_INT(agent.sched.connections, i == 0 ? 9 : 0);
        CHECK_INT(agent.sched.validations, i == 1 ? 9 : 0);
        CHECK_INT(agent.sched.refusals, i == 2 ? 9 : 0);
    }
}

RUN(what_is_due_at_a_start_is_spread_over_an_hour, what_becomes_due_in_service_is_spread_over_a_day,
    an_expired_one_is_spread_over_five_minutes, nobody_waits_who_asked_or_has_none,
    certificates_of_a_server_that_was_taken_out_are_spread, what_was_issued_elsewhere_still_counts,
    a_clock_that_is_set_forward_draws_anew, failures_of_each_class_outlive_a_reboot,
    one_count_of_an_older_record_is_the_last_class_s)
