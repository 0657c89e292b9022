/* Roll-over of the account's key: whatever is lost or cut, the account is never without a key. */
#include "agent_world.h"

static struct acme_job job;
static struct acme_key old;

static void roll_world(void)
{
    w_reset();
    memset(&job, 0, sizeof job);
    job.type = ACME_JOB_ROLLOVER;
    CHECK_INT(w_issue(0), ACME_OK);
    old = agent.account_key;
    memset(w.per_row, 0, sizeof w.per_row);
}

/* What is stored works at the CA, and one key is left. */
static void settled(bool rolled)
{
    struct acme_agent_status status;

    w.script = NULL;
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    acme_agent_status(&agent, &status);
    CHECK(!status.rollover);
    CHECK(rolled != acme_key_equal(&old, &agent.account_key));
    CHECK_INT(w.accounts, 1);
    CHECK_INT(w.bad_jws, 0);
    w_check_pair();
}

TEST(rolled_over)
{
    roll_world();
    w.requests = 0;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.requests, 3);
    CHECK_INT(w.rolls, 1);
    CHECK(strncmp(w.account_event, "valid ", 6) == 0);
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK); /* in the same process: proofs by the new key */
    CHECK_INT(w.failed_validations, 0);
    settled(true);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.rolls, 2);
}

/* Its proofs end, as they are made of the old key. */
TEST(order_that_is_open_stays)
{
    static const char *const rows[] = {"respond", "look", "finalize", "cert"};

    for (size_t i = 0; i < 4; i++) {
        int orders;

        roll_world();
        w.until = rows[i];
        CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
        w.until = NULL;
        orders = w.orders_count;
        CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
        CHECK_INT(w_do(&job, 0), ACME_OK);
        CHECK_INT(w.rolls, 1);
        CHECK_INT(w_begun(), 0);
        CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.orders_count, orders);
        CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
        settled(true);
    }
}

TEST(lost_replies)
{
    static const struct {
        struct w_script script[2];
        int outcome, rolls;
    } rows[] = {
        {{{.row = "rollover", .lost = ACME_E_TIMEOUT, .act = true}, {0}}, ACME_OK, 1},
        {{{.row = "rollover", .lost = ACME_E_TIMEOUT}, {0}}, ACME_OK, 1},
        {{{.row = "rollover", .status = 500, .body = "{}", .act = true}, {0}}, ACME_OK, 1},
        {{{.row = "rollover", .status = 409, .body = "{}", .act = true}, {0}}, ACME_OK, 1},
        {{{.row = "rollover", .status = 403, .body = "{}", .act = true}, {0}}, ACME_OK, 1},
        {{{.row = "rollover", .count = 99, .lost = ACME_E_NET}, {0}}, ACME_E_NET, 0},
        {{{.row = "rollover",
           .status = 503,
           .fields = "Retry-After: 9\r\n",
           .body = "{}",
           .act = true},
          {0}},
         ACME_E_SERVER,
         1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        roll_world();
        w.script = rows[i].script;
        CHECK_INT(w_do(&job, 0), rows[i].outcome);
        CHECK_INT(w.rolls, rows[i].rolls);
        w_pass(3600);
        settled(true); /* what was begun is finished by the run that follows */
        CHECK_INT(w.rolls, 1);
    }
}

TEST(nobody_answers_which_key_it_is)
{
    static const struct w_script script[] = {
        {.row = "rollover", .lost = ACME_E_TIMEOUT, .act = true},
        {.row = "which_new", .count = 99, .lost = ACME_E_TIMEOUT},
        {0}};
    struct acme_agent_status status;

    roll_world();
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_TIMEOUT);
    acme_agent_status(&agent, &status);
    CHECK(status.rollover);
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_E_TIMEOUT);
    job.type = ACME_JOB_SHOW; /* any job settles it */
    w.script = NULL;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    settled(true);
}

TEST(refused_keeps_the_old_key)
{
    static const int statuses[] = {400, 401, 403, 404, 409};

    for (size_t i = 0; i < 5; i++) {
        struct w_script script[] = {{.row = "rollover",
                                     .status = statuses[i],
                                     .body = "{\"type\":\"urn:ietf:params:acme:error:"
                                             "badPublicKey\",\"detail\":\"weak\"}"},
                                    {0}};
        roll_world();
        w.script = script;
        CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
        CHECK_INT(w.failures, 1);
        CHECK_INT(w.per_row[ACME_ROW_WHICH_OLD], 1);
        settled(false);
        CHECK_INT(w.rolls, 0);
    }
}

/* An ordinary run that settles it while the key is kept, one just before ten minutes are over, and
 * then the one that may drop it. */
static void kept_for_ten_minutes(unsigned asked)
{
    static const int64_t waits[] = {0, 590};
    struct acme_agent_status status;

    for (size_t i = 0; i < 2; i++) {
        w_pass(waits[i]);
        CHECK_INT(w_issue(asked), ACME_OK);
        acme_agent_status(&agent, &status);
        CHECK(status.rollover);
        CHECK_INT(w.warnings, 0);
    }
    w_pass(20);
    CHECK_INT(w_issue(asked), ACME_OK);
}

TEST(refused_later_by_an_ordinary_run)
{
    static const struct w_script lost[] = {{.row = "rollover", .count = 99, .lost = ACME_E_NET},
                                           {0}};
    static const struct w_script refuse[] = {
        {.row = "rollover", .from = 1, .count = 999, .status = 403, .body = "{}"}, {0}};

    roll_world();
    w.script = lost;
    CHECK_INT(w_do(&job, 0), ACME_E_NET);
    w.script = refuse;
    w.warnings = 0;
    kept_for_ten_minutes(ACME_ASK_FORCE);
    CHECK_INT(w.warnings, 1);
    settled(false);
}

TEST(rate_limit_keeps_both)
{
    static const struct w_script script[] = {
        {.row = "rollover", .status = 429, .fields = "Retry-After: 60\r\n", .body = "{}"}, {0}};

    roll_world();
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_RATE);
    CHECK_INT(w_do(&job, 0), ACME_E_HELD);
    w_pass(61);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.rolls, 1);
    settled(true);
}

/* Whose key it is, newAccount says: not before its Retry-After is over, in a job and in a run. */
TEST(retry_after_of_newaccount)
{
    static const struct w_script script[] = {
        {.row = "account", .status = 429, .fields = "Retry-After: 600\r\n", .body = "{}"},
        {.row = "rollover", .count = 99, .lost = ACME_E_NET},
        {0}};
    struct acme_job recover = {.type = ACME_JOB_RECOVER, .key = &old};

    roll_world();
    w.script = script;
    CHECK_INT(w_do(&recover, 0), ACME_E_RATE);
    CHECK_INT(w_do(&job, 0), ACME_E_RATE); /* keyChange is lost: which key has the account? */
    CHECK_INT(w.per_row[ACME_ROW_ROLLOVER], 1);
    CHECK_INT(w_do(&job, 0), ACME_E_HELD);
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_E_HELD);
    CHECK_INT(w.per_row[ACME_ROW_WHICH_NEW], 0);
    w_pass(601);
    settled(true);
}

TEST(ca_that_knows_neither)
{
    static const struct w_script script[] = {
        {.row = "rollover", .count = 9, .status = 403, .body = "{}"},
        {.row = "which_old",
         .count = 9,
         .status = 400,
         .body = "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}"},
        {.row = "which_new",
         .count = 9,
         .status = 400,
         .body = "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}"},
        {0}};
    struct acme_agent_status status;

    roll_world();
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    acme_agent_status(&agent, &status);
    CHECK(status.rollover); /* nothing is thrown away */
    CHECK(w.requests < 40);
    settled(true);
}

/* A CA that has no keyChange any more: what was begun is settled, and stops nothing. */
TEST(directory_without_key_change)
{
    static const struct w_script lost[] = {{.row = "rollover", .count = 99, .lost = ACME_E_NET},
                                           {0}};
    static const struct w_script done[] = {
        {.row = "rollover", .lost = ACME_E_TIMEOUT, .act = true},
        {.row = "which_new", .count = 99, .lost = ACME_E_TIMEOUT},
        {0}};
    static const struct w_script lacks[] = {
        {.row = "directory", .count = 99, .find = "keyChange", .put = "xeyChange"}, {0}};

    roll_world();
    w.script = lacks;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    CHECK_INT(w.per_row[ACME_ROW_NEW_KEY], 0);
    for (int i = 0; i < 2; i++) {
        struct acme_agent_status status;

        roll_world();
        w.script = i == 0 ? lost : done;
        CHECK(w_do(&job, 0) < ACME_AGAIN);
        acme_agent_status(&agent, &status);
        CHECK(status.rollover);
        w.script = lacks;
        memset(w.per_row, 0, sizeof w.per_row);
        w.warnings = 0;
        if (i == 0)
            kept_for_ten_minutes(ACME_ASK_FORCE | ACME_ASK_NOW);
        else
            CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
        acme_agent_status(&agent, &status);
        CHECK(!status.rollover);
        settled(i == 1);
    }
}

/* A CA that made an account for the new key, or says that it has one: it cannot be ours any more.
 */
TEST(new_key_of_another_account)
{
    static const struct w_script lost[] = {{.row = "rollover", .count = 99, .lost = ACME_E_NET},
                                           {0}};
    static const struct w_script other[] = {{.row = "which_new",
                                             .count = 99,
                                             .status = 201,
                                             .fields = "Location: https://ca.example/acct/9\r\n",
                                             .body = "{\"status\":\"valid\"}"},
                                            {0}};
    static const struct w_script both[] = {{.row = "which_new",
                                            .count = 99,
                                            .status = 200,
                                            .fields = "Location: https://ca.example/acct/9\r\n",
                                            .body = "{}"},
                                           {.row = "which_old",
                                            .count = 99,
                                            .status = 400,
                                            .body = "{\"type\":\"urn:ietf:params:acme:error:"
                                                    "accountDoesNotExist\"}"},
                                           {0}};
    struct acme_agent_status status;

    roll_world();
    w.script = lost;
    CHECK_INT(w_do(&job, 0), ACME_E_NET);
    w.script = both;
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_E_ACCOUNT);
    acme_agent_status(&agent, &status);
    CHECK(status.rollover); /* nothing is thrown away */
    w.script = other;
    w.warnings = 0;
    kept_for_ten_minutes(ACME_ASK_FORCE | ACME_ASK_NOW);
    settled(false);
}

/* One that was sent before may still be on its way to the CA: it must not find the key dropped. */
TEST(refused_after_a_lost_one_keeps_both)
{
    static const struct w_script script[] = {
        {.row = "rollover", .lost = ACME_E_TIMEOUT},
        {.row = "rollover", .from = 2, .count = 9, .status = 401, .body = "{}"},
        {0}};
    struct acme_agent_status status;

    roll_world();
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    acme_agent_status(&agent, &status);
    CHECK(status.rollover);
    CHECK_INT(w.rolls, 0);
    settled(true);
}

/* Lost on its way, or done and nobody hears of it: two keys are stored. */
static void two_keys(bool rolled)
{
    static const struct w_script lost[] = {{.row = "rollover", .count = 99, .lost = ACME_E_NET},
                                           {0}};
    static const struct w_script done[] = {
        {.row = "rollover", .lost = ACME_E_TIMEOUT, .act = true},
        {.row = "which_new", .count = 99, .lost = ACME_E_TIMEOUT},
        {0}};
    struct acme_agent_status status;

    roll_world();
    w.script = rolled ? done : lost;
    CHECK(w_do(&job, 0) < ACME_AGAIN);
    acme_agent_status(&agent, &status);
    CHECK(status.rollover);
    w.script = NULL;
}

/* The reply was lost, a second one refused; and then the first arrives. */
TEST(done_after_it_was_refused)
{
    static const struct w_script refuses[] = {
        {.row = "rollover", .count = 99, .status = 403, .body = "{}"}, {0}};

    two_keys(false);
    w.script = refuses;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    w.script = NULL;
    w_roll_to(&agent.new_key);
    w_pass(3600);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    settled(true);
    two_keys(false); /* and where it never does */
    for (int i = 0; i < 3; i++) {
        struct acme_agent_status status;

        w.script = refuses;
        CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
        acme_agent_status(&agent, &status);
        CHECK_INT(status.rollover, i < 2);
        w_pass(305);
    }
    settled(false);
}

/* Both keys are forgotten, in memory as well. */
static void gone(void)
{
    CHECK_STR(w.account_status, "deactivated");
    CHECK(strncmp(w.account_event, "deactivated ", 12) == 0);
    CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
    w.script = NULL;
    CHECK_INT(w_run(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.accounts, 2);
    w_check_pair();
}

/* Deactivated, the reply lost, and a roll-over is open: no key can settle that any more. */
TEST(deactivated_with_two_keys)
{
    struct acme_agent_status status;

    for (int i = 0; i < 4; i++) {
        two_keys(i & 1);
        w.account_status = "deactivated";
        w.find_says_deactivated = i & 2;
        job.type = ACME_JOB_SHOW; /* nobody wants it gone: nothing is thrown away */
        CHECK(w_do(&job, 0) < ACME_AGAIN);
        acme_agent_status(&agent, &status);
        CHECK(w_slot(ACME_SLOT_ACCOUNT) != NULL && (status.rollover || (i & 2)));
        job.type = ACME_JOB_DEACTIVATE;
        CHECK_INT(w_do(&job, 0), ACME_OK);
        gone();
    }
}

/* A CA that says "unauthorized" of a key that it does not know. */
TEST(deactivated_by_the_key_that_is_left)
{
    static const struct w_script denied[] = {
        {.row = "which_new",
         .count = 99,
         .status = 403,
         .body = "{\"type\":\"urn:ietf:params:acme:error:unauthorized\"}"},
        {0}};

    two_keys(false);
    w.script = denied;
    job.type = ACME_JOB_DEACTIVATE;
    w.per_row[ACME_ROW_DEACTIVATE] = 0;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_DEACTIVATE], 1);
    gone();
}

/* A CA that made an account for the new key, and whose 200 tells that the old key's is dead. */
TEST(deactivated_and_told_by_a_200)
{
    static const struct w_script script[] = {
        {.row = "which_new",
         .count = 99,
         .status = 201,
         .fields = "Location: https://ca.example/acct/9\r\n",
         .body = "{\"status\":\"valid\"}"},
        {.row = "which_old", .count = 99, .status = 200, .body = "{\"status\":\"deactivated\"}"},
        {0}};

    two_keys(false);
    w.account_status = "deactivated";
    w.script = script;
    job.type = ACME_JOB_SHOW; /* nobody wants it gone */
    CHECK_INT(w_do(&job, 0), ACME_E_REPLY);
    CHECK(w_slot(ACME_SLOT_ACCOUNT) != NULL);
    job.type = ACME_JOB_DEACTIVATE;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    gone();
}

/* A reply was lost in the run, so the new key is kept until the account is gone. */
TEST(deactivated_while_both_are_kept)
{
    static const struct w_script script[] = {
        {.row = "directory", .lost = ACME_E_NET},
        {.row = "rollover", .count = 99, .status = 403, .body = "{}"},
        {0}};

    two_keys(false);
    w.script = script;
    memset(w.per_row, 0, sizeof w.per_row);
    job.type = ACME_JOB_DEACTIVATE;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    gone();
}

/* At every moment; and then each kind of run that may come next. */
TEST(power_cuts)
{
    int cut, after[2] = {0, 0};

    for (int kind = 0; kind < 3; kind++) {
        for (cut = 1; cut < 60; cut++) {
            int outcome;

            roll_world();
            w.points = 0;
            w.cut_at = cut;
            outcome = w_do(&job, 0);
            w.cut_at = 0;
            if (outcome == ACME_OK)
                break;
            CHECK_INT(outcome, W_CUT);
            after[w.rolls]++;
            if (kind == 1)
                CHECK_INT(w_do(&job, 0), ACME_OK);
            if (kind == 2)
                job.type = ACME_JOB_SHOW;
            if (kind == 2)
                CHECK_INT(w_do(&job, 0), ACME_OK);
            w.script = NULL;
            CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
            settled(w.rolls > 0);
            CHECK_INT(w.bad_jws, 0);
        }
        CHECK(cut > 8);
    }
    CHECK(after[0] > 0 && after[1] > 0);
}

TEST(key_that_cannot_be_stored_is_not_told)
{
    roll_world();
    w.writes = 0;
    w.write_fail_at = 1;
    w.write_fail_count = 1;
    CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
    CHECK_INT(w.per_row[ACME_ROW_ROLLOVER], 0);
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_WHICH_NEW], 0);
    settled(false);
}

TEST(result_that_cannot_be_stored)
{
    roll_world();
    w.writes = 0;
    w.write_fail_at = 2;
    w.write_fail_count = 1;
    CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
    CHECK_INT(w.rolls, 1);
    settled(true);
}

/* The CA has the new key, the record both of them: a run in the same process puts that right. */
TEST(result_that_cannot_be_stored_is_stored_later)
{
    size_t with_both;

    for (int lost = 0; lost < 2; lost++) {
        static const struct w_script script[] = {
            {.row = "rollover", .count = 99, .lost = ACME_E_NET, .act = true}, {0}};

        roll_world();
        w.script = lost != 0 ? script : NULL;
        w.writes = 0;
        w.write_fail_at = 2;
        w.write_fail_count = 1;
        CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
        CHECK_INT(w.rolls, 1);
        with_both = w_slot(ACME_SLOT_ACCOUNT)->len;
        w.script = NULL;
        CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
        CHECK(w_slot(ACME_SLOT_ACCOUNT)->len < with_both);
        settled(true);
    }
}

/* It is in a hurry, and what it revokes is not ours to remember. */
TEST(result_that_cannot_be_stored_stops_no_revocation)
{
    static uint8_t buf[W_IO];
    struct acme_certificate pair;
    struct acme_job revoke = {.type = ACME_JOB_REVOKE};

    roll_world();
    CHECK_INT(acme_agent_certificate(&agent, (struct acme_span){buf, sizeof buf}, &pair), ACME_OK);
    revoke.certificate = acme_chain_at(&pair.chain, 0);
    w.writes = 0;
    w.write_fail_at = 2;
    w.write_fail_count = 99;
    CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
    CHECK_INT(acme_agent_do(&agent, &revoke, 0), ACME_OK);
    for (int i = 0; i < 1000 && w.revokes == 0; i++) {
        uint32_t sleep_ms = 0;

        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
    }
    CHECK_INT(w.revokes, 1);
}

/* ... and where it was an ordinary run that heard of it. */
TEST(result_of_a_run_that_cannot_be_stored)
{
    static const struct w_script script[] = {{.row = "rollover", .lost = ACME_E_NET, .act = true},
                                             {.row = "which_new", .count = 99, .lost = ACME_E_NET},
                                             {0}};
    size_t with_both;

    roll_world();
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_NET);
    w.script = NULL;
    with_both = w_slot(ACME_SLOT_ACCOUNT)->len;
    CHECK_INT(w_boot(), ACME_OK);
    w.write_fail_slot = ACME_SLOT_ACCOUNT;
    w.writes = 0;
    w.write_fail_at = 1;
    w.write_fail_count = 1;
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_E_SLOT);
    CHECK_INT((int)w_slot(ACME_SLOT_ACCOUNT)->len, (int)with_both);
    CHECK_INT(w_run(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    CHECK(w_slot(ACME_SLOT_ACCOUNT)->len < with_both);
    settled(true);
}

RUN()
