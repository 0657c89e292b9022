/* Power is cut before and after every write, request and act of the solver. */
#include "agent_world.h"

static void check_end(const char *what, int k, int k2, int cuts)
{
    if (w_begun() != 0)
        test_stop(TEST_FAILED, "%s %d %d: %d challenges left", what, k, k2, w_begun());
    if (w_slot(ACME_SLOT_ORDER) != NULL)
        test_stop(TEST_FAILED, "%s %d %d: the order is left", what, k, k2);
    if (w.accounts != 1)
        test_stop(TEST_FAILED, "%s %d %d: %d accounts", what, k, k2, w.accounts);
    for (int i = 0; i < w.orders_count; i++) {
        if (w.orders[i].finalized > 1 || w.late_finalizes > 0)
            test_stop(TEST_FAILED, "%s %d %d: finalized twice", what, k, k2);
    }
    if (w.bad_jws != 0)
        test_stop(TEST_FAILED, "%s %d %d: a JWS was wrong", what, k, k2);
    (void)cuts;
    w_check_pair();
}

/* Runs until it is done; power is cut at the k-th point, and at the k2-th after that. */
static int with_cuts(int k, int k2, unsigned ask, const char *what)
{
    int cuts = 0;

    w.points = 0;
    w.cut_at = k;
    for (int run = 0; run < 8; run++) {
        int err = w_issue(ask);
        if (err == W_CUT) {
            w.points = 0;
            w.cut_at = cuts++ == 0 ? k2 : 0;
            continue;
        }
        if (err == ACME_OK)
            return cuts;
        test_stop(TEST_FAILED, "%s %d %d: run %d: %s", what, k, k2, run, acme_err_name(err));
    }
    test_stop(TEST_FAILED, "%s %d %d: it never ends", what, k, k2);
}

static int count_points(void)
{
    w_reset();
    w_count(2);
    w.issue_ms = 5;
    CHECK_INT(w_issue(0), ACME_OK);
    return w.points;
}

/* The cuts at which the CA has an order that we may not know of. */
static bool order_may_be_lost(void)
{
    const char *made = strstr(w.log, "ORDER");
    const char *stored = strstr(w.log, "W:order");
    const char *again = made != NULL ? strstr(made + 1, "ORDER") : NULL;

    return again == NULL || stored == NULL || stored > again;
}

TEST(every_single_cut_of_a_first_issuance)
{
    int points = count_points();

    CHECK(points > 40);
    for (int k = 1; k <= points; k++) {
        int cuts;
        w_reset();
        w_count(2);
        w.issue_ms = 5;
        cuts = with_cuts(k, 0, 0, "cut");
        CHECK_INT(cuts, 1);
        check_end("cut", k, 0, cuts);
        if (w.orders_count > 1 && !order_may_be_lost())
            test_stop(TEST_FAILED, "cut %d: a second order, though the first was stored", k);
        CHECK(w.orders_count <= 2);
        CHECK_INT(w.certificates, 1);
    }
}

TEST(every_single_cut_of_a_renewal_keeps_the_old_pair)
{
    int points;

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w.points = 0;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    points = w.points;
    for (int k = 1; k <= points; k++) {
        int err;
        w_reset();
        CHECK_INT(w_issue(0), ACME_OK);
        w.points = 0;
        w.cut_at = k;
        CHECK_INT(w_issue(ACME_ASK_FORCE), W_CUT);
        w.cut_at = 0;
        CHECK_INT(w_boot(), ACME_OK);
        w.clock_answer = ACME_E_CLOCK; /* records are read, nothing else */
        CHECK_INT(w_run(0), ACME_E_CLOCK);
        w.clock_answer = ACME_OK;
        w_check_pair();
        err = w_run(0);
        CHECK_INT(err, ACME_OK);
        check_end("renewal", k, 0, 1);
        CHECK(w.certificates <= 2);
        CHECK(w.orders_count <= 3);
    }
}

TEST(pairs_of_cuts)
{
    int points = count_points();

    for (int k = 1; k <= points; k++) {
        for (int k2 = 1; k2 <= points; k2++) {
            int cuts;
            w_reset();
            w_count(2);
            w.issue_ms = 5;
            cuts = with_cuts(k, k2, 0, "cuts");
            check_end("cuts", k, k2, cuts);
            CHECK(w.orders_count <= 3);
            CHECK_INT(w.certificates, 1);
        }
    }
}

/* A device that loses power every few steps for a day: orders stay few (I6). */
TEST(a_loop_of_reboots_makes_few_orders)
{
    int64_t end;

    w_reset();
    end = w_wall() + W_DAY;
    for (int i = 0; i < 5000 && w_wall() < end; i++) {
        w.cut_at = 0;
        w.points = 0;
        w.log_len = 0;
        w.cut_on = "ORDER"; /* right behind newOrder, before its record */
        CHECK(w_issue(0) != ACME_OK);
        w_pass(20);
    }
    CHECK(w.orders_count >= 4);
    CHECK(w.orders_count <= 4 + 24);
    CHECK(w.registrations <= 2);
}

/* The same at newAccount: it is asked for, and the power goes before an answer. */
TEST(a_loop_of_reboots_makes_few_newAccounts)
{
    int64_t end;

    w_reset();
    end = w_wall() + W_DAY;
    for (int i = 0; i < 5000 && w_wall() < end; i++) {
        w.log_len = 0;
        w.cut_on = "Q:account";
        CHECK(w_issue(0) != ACME_OK);
        w_pass(20);
    }
    CHECK(w.per_row[ACME_ROW_ACCOUNT] >= 4);
    CHECK(w.per_row[ACME_ROW_ACCOUNT] <= 4 + 8);
    CHECK_INT(w.orders_count, 0);
}

RUN()
