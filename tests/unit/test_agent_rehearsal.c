/* The agent and the staging CA, which sees a proof before the real one does. */
#include "agent_servers.h"

TEST(after_a_failed_proof_the_staging_ca_sees_it_first)
{
    int err;

    staged();
    w.spoil = true;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(w.orders_at[0], 1);
    CHECK(status.rehearsal);
    for (int i = 0; i < 5; i++)
        CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(w.orders_at[0], 1); /* its budget is precious */
    CHECK_INT(w.orders_at[2], 5);
    w.spoil = false;
    while ((err = w_issue(0)) == ACME_E_HELD && w.orders_at[2] == 5)
        w_pass(120);
    CHECK_INT(err, ACME_OK); /* the real one at once, in the same run */
    acme_agent_status(&agent, &status);
    CHECK_INT(w.orders_at[0], 2);
    CHECK_INT(w.orders_at[2], 6);
    CHECK_INT(w.certificates, 1);
    for (int i = 0; i < w.orders_count; i++)
        CHECK(w.orders[i].ca == 0 || w.orders[i].finalized == 0);
    CHECK(ours());
    CHECK(!status.rehearsal);
    CHECK_STR(status.issuer, FIRST);
    CHECK(w_did("V:server:rehearsal:ca2.example"));
    CHECK(w_did("V:server:rehearsed:ca.example"));
    w_check_pair();
    CHECK_INT(status.failure->err, ACME_OK);
}

TEST(a_rehearsal_does_not_touch_what_is_in_force)
{
    int64_t until;

    staged();
    CHECK_INT(attempt(), ACME_OK);
    until = status.not_after;
    pass_to_renewal();
    w.spoil = true;
    for (int i = 0; i < 4; i++)
        CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(status.not_after, until);
    w_check_pair();
    w.spoil = false;
    w.ari = true;
    CHECK_INT(attempt(), ACME_OK);
    CHECK(status.not_after > until);
    CHECK_INT(w.certificates, 2);
    CHECK_INT(w.replaces_refused, 0);
    CHECK_INT(w.replaced_count, 1); /* at the real one */
    CHECK_INT(w.windows_at[2], 0);
}

TEST(a_rehearsal_goes_on_after_a_cut)
{
    staged();
    w.spoil = true;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    w.spoil = false;
    w.log_len = 0;
    w.log[0] = '\0';
    w.cut_on = "B:two"; /* the way that did not fail */
    CHECK_INT(attempt(), W_CUT);
    w.cut_on = NULL;
    CHECK_INT(w.orders_at[2], 1);
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_at[2], 1);
    CHECK_INT(w.orders_at[0], 2);
    CHECK(ours());
}

TEST(a_staging_ca_in_trouble_is_passed_over)
{
    static const struct w_script down[] = {DOWN("ca2.example"), END};
    static const struct w_script waits[] = {{.row = "order",
                                             .count = 10,
                                             .status = 429,
                                             .fields = "Retry-After: 90000\r\n",
                                             .host = "ca2.example"},
                                            END};
    const struct w_script *scripts[] = {down, waits};

    for (int i = 0; i < 2; i++) {
        staged();
        w.spoil = true;
        CHECK_INT(attempt(), ACME_E_VALIDATION);
        w.spoil = false;
        w.script = scripts[i];
        CHECK(attempt() != ACME_OK);
        CHECK_INT(w.orders_at[0], 1);
        CHECK(!status.rehearsal);
        CHECK_INT(attempt(), ACME_OK);
        CHECK_INT(w.orders_at[0], 2);
        CHECK_STR(status.issuer, FIRST);
    }
    CHECK_INT(attempt(), ACME_OK);
}

/* Its Retry-After is its own: the real one is asked soon. */
TEST(a_limit_of_the_staging_ca_holds_nobody_else)
{
    static const struct w_script limit[] = {{.row = "order",
                                             .count = 10,
                                             .status = 429,
                                             .fields = "Retry-After: 600000\r\n",
                                             .host = "ca2.example"},
                                            END};
    int64_t began;

    staged();
    w.spoil = true;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    w.spoil = false;
    w.script = limit;
    CHECK_INT(attempt(), ACME_E_RATE);
    began = w_wall();
    CHECK_INT(attempt(), ACME_OK);
    CHECK(w_wall() - began < 900);
    CHECK_INT(w.orders_at[0], 2);
    w_pass(61 * W_DAY); /* it is over by then */
    w.spoil = true;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK(status.rehearsal);
}

static const struct w_script blind[] = {{.row = "look",
                                         .count = 100000,
                                         .find = "\"ready\"",
                                         .put = "\"invalid\"",
                                         .host = "ca.example"},
                                        {.row = "why",
                                         .count = 100000,
                                         .find = "\"valid\"",
                                         .put = "\"invalid\"",
                                         .host = "ca.example"},
                                        END};

/* The real CA is the only one that does not see it: the next real one is asked in the end. */
TEST(proved_and_not_seen)
{

    servers(1);
    config.staging.url = THIRD;
    w.script = blind;
    CHECK(until_done(6) > 2);
    CHECK_STR(status.issuer, SECOND);
    CHECK(w.orders_at[0] >= 3);
    CHECK(w.orders_at[2] >= 2);
    CHECK(ours());
}

/* The staging CA is the only one that does not see it, for ever: the real one is asked in the end.
 */
TEST(not_seen_by_the_staging_ca_alone)
{
    static const struct w_script far[] = {{.row = "look",
                                           .count = 100000,
                                           .find = "\"ready\"",
                                           .put = "\"invalid\"",
                                           .host = "ca2.example"},
                                          {.row = "why",
                                           .count = 100000,
                                           .find = "\"valid\"",
                                           .put = "\"invalid\"",
                                           .host = "ca2.example"},
                                          END};
    int64_t began;

    staged();
    w.script = far;
    w.spoil = true;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    w.spoil = false;
    began = w_wall();
    CHECK_INT(until_done(9), 7);
    CHECK(w_wall() - began < 2 * W_DAY);
    CHECK_INT(w.orders_at[0], 2);
    CHECK_INT(w.orders_at[2], 6);
    CHECK_STR(status.issuer, FIRST);
    CHECK(ours());
}

/* All CAs together see no more newOrders in a day than one would. */
TEST(orders_in_a_day)
{
    int64_t at[40] = {0};
    int known = 0;

    staged();
    w.script = blind;
    for (int64_t end = w_wall() + 4 * W_DAY; w_wall() < end && w.orders_count < 40;) {
        (void)w_issue(0);
        for (; known < w.orders_count; known++) {
            at[known] = w_wall();
            CHECK(known < 10 || at[known] - at[known - 10] >= W_DAY - 60);
        }
        w_pass(60);
    }
    CHECK(w.orders_at[0] >= 4);
    CHECK(w.orders_at[2] >= 4);
    CHECK(w.orders_at[0] <= 10);
}

/* -- power is cut -- */

/* A proof fails, a rehearsal fails, one passes, and the real CA issues. */
static int rehearse(int k)
{
    int cuts = 0;

    staged();
    w.spoil = true;
    w.cut_at = k;
    for (int i = 0; i < 12; i++) {
        int err = attempt();
        if (err == ACME_OK)
            return cuts;
        if (w.failed_validations >= 2)
            w.spoil = false;
        if (err == W_CUT) {
            w.cut_at = 0;
            cuts++;
        }
    }
    test_stop(TEST_FAILED, "rehearsal %d: it never ends", k);
}

TEST(every_cut_of_a_rehearsal)
{
    int points;

    CHECK_INT(rehearse(0), 0);
    CHECK_INT(w.orders_at[0], 2);
    CHECK_INT(w.orders_at[2], 2);
    points = w.points;
    CHECK(points > 100);
    for (int k = 1; k <= points; k++) {
        CHECK_INT(rehearse(k), 1);
        check_cut("rehearsal", k, 1);
        CHECK(w.orders_count <= 6);
        CHECK(w.orders_at[0] <= 4);
    }
}

RUN()
