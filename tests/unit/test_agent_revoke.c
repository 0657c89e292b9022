/* Revocation: by either key, once, on record before it is asked for, and not followed by a renewal
 * that nobody wanted. */
#include "agent_world.h"

static struct acme_job job;
static struct acme_key cert_key;
static uint8_t record[W_IO];

static void issued_world(void)
{
    w_reset();
    memset(&job, 0, sizeof job);
    job.type = ACME_JOB_REVOKE;
    job.reason = ACME_REASON_SUPERSEDED;
    CHECK_INT(w_issue(0), ACME_OK);
}

/* The key of the certificate in force signs, as a caller does it. */
static void by_certificate_key(void)
{
    struct acme_span room = {record, sizeof record};
    struct acme_certificate cert;

    CHECK_INT(acme_agent_certificate(&agent, room, &cert), ACME_OK);
    CHECK_INT(acme_key_read(&cert_key, cert.key), ACME_OK);
    job.key = &cert_key;
}

static int revoked(void)
{
    struct acme_agent_status status;

    acme_agent_status(&agent, &status);
    CHECK(status.revoked == ACME_NOT_REVOKED || status.revoked_at > W_NOW - 10);
    return status.revoked;
}

TEST(by_the_account)
{
    issued_world();
    w.requests = 0;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.revoke_reason[0], 1004);
    CHECK_INT(w.requests, 3); /* directory, nonce, revoke */
    CHECK_INT(w.bad_jws, 0);
    CHECK(w_did("V:revoked:superseded"));
    CHECK_INT(revoked(), ACME_REVOKED);
    CHECK_INT(w.failures, 0);
}

TEST(by_the_certificate_key_without_an_account)
{
    issued_world();
    by_certificate_key();
    w.account_gone = true;
    w_slot(ACME_SLOT_ACCOUNT)->len = 0;
    job.reason = ACME_REASON_KEY_COMPROMISE;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.revoke_reason[0], 1001);
    CHECK_INT(w.per_row[ACME_ROW_REVOKE_KEY], 1);
    CHECK_INT(w.bad_jws, 0);
    CHECK_INT(w.accounts, 1);
    CHECK_INT(revoked(), ACME_REVOKED);
}

TEST(one_that_is_not_in_the_store)
{
    static uint8_t other[8192];
    struct acme_span room = {record, sizeof record};
    struct acme_certificate cert;
    struct acme_slice leaf;

    issued_world();
    CHECK_INT(acme_agent_certificate(&agent, room, &cert), ACME_OK);
    leaf = acme_chain_at(&cert.chain, 0);
    memcpy(other, leaf.ptr, leaf.len);
    job.certificate = acme_slice_of(other, leaf.len);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.revoke_reason[0], 1004);
    CHECK_INT(w.revoke_reason[1], 0);
    CHECK_INT(revoked(), ACME_NOT_REVOKED); /* what is in force is another one */
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
}

TEST(already_revoked_is_success)
{
    issued_world();
    w.revoke_reason[0] = 1001;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(revoked(), ACME_REVOKED);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.revokes, 0);
    CHECK_INT(w.failures, 0);
}

TEST(not_renewed_by_itself)
{
    struct acme_agent_status status;
    uint32_t sleep_ms;

    issued_world();
    w.ari = true;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    w.requests = 0;
    for (int day = 0; day < 120; day += 20) { /* the CA's window and its life come and go */
        w_pass(20 * W_DAY);
        CHECK_INT(w_issue(0), ACME_E_REVOKED);
        CHECK_INT(w_issue(ACME_ASK_NOW | ACME_ASK_IGNORE_RETRY_AFTER), ACME_E_REVOKED);
    }
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    w.warnings = 0;
    for (int i = 0; i < 100; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
    }
    CHECK_INT(w.requests, 0);
    CHECK_INT(w.warnings, 1);
    acme_agent_status(&agent, &status);
    CHECK(!status.busy);
    config.only_when_asked = true;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(revoked(), ACME_NOT_REVOKED);
    w.ari = false;
    w_pass(70 * W_DAY);
    CHECK_INT(w_issue(0), ACME_OK); /* the successor is renewed as any other */
    CHECK_INT(w.orders_count, 3);
}

TEST(changed_names_make_it_due)
{
    issued_world();
    CHECK_INT(w_do(&job, 0), ACME_OK);
    w_count(2);
    config.cert_name = "n1.example.org";
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(revoked(), ACME_NOT_REVOKED);
}

TEST(key_of_a_revoked_one_is_not_kept)
{
    struct acme_key again;

    issued_world();
    config.reuse_key = true;
    by_certificate_key();
    again = cert_key;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    by_certificate_key();
    CHECK(acme_key_equal(&again, &cert_key));
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    by_certificate_key();
    CHECK(!acme_key_equal(&again, &cert_key));
}

TEST(refused_leaves_no_mark)
{
    struct acme_agent_status status;

    issued_world();
    job.reason = ACME_REASON_AFFILIATION_CHANGED;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    CHECK_INT(w.failures, 1);
    acme_agent_status(&agent, &status);
    CHECK_INT(status.failure->err, ACME_OK); /* it is not the certificate's */
    CHECK_INT(revoked(), ACME_NOT_REVOKED);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    job.reason = ACME_REASON_SUPERSEDED;
    CHECK_INT(w_do(&job, 0), ACME_OK); /* and it has held nothing back */
    job.reason = ACME_REASON_AFFILIATION_CHANGED;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    CHECK_INT(revoked(), ACME_REVOKED); /* what was done stays done */
}

TEST(lost_replies)
{
    static const struct {
        struct w_script script[2];
        int outcome, state, at_ca;
    } rows[] = {
        {{{.row = "revoke", .lost = ACME_E_TIMEOUT, .act = true}, {0}}, ACME_OK, ACME_REVOKED, 1},
        {{{.row = "revoke", .lost = ACME_E_CLOSED}, {0}}, ACME_OK, ACME_REVOKED, 1},
        {{{.row = "revoke", .count = 9, .lost = ACME_E_CLOSED, .act = true}, {0}},
         ACME_E_CLOSED,
         ACME_REVOKE_ASKED,
         1},
        {{{.row = "revoke", .count = 9, .lost = ACME_E_NET}, {0}},
         ACME_E_NET,
         ACME_REVOKE_ASKED,
         0},
        {{{.row = "revoke", .status = 500, .body = "{}", .act = true}, {0}},
         ACME_OK,
         ACME_REVOKED,
         1},
        /* after a lost reply a refusal proves nothing */
        {{{.row = "revoke", .count = 1, .lost = ACME_E_NET},
          {.row = "revoke", .from = 2, .status = 403, .body = "{}"}},
         ACME_E_REFUSED,
         ACME_REVOKE_ASKED,
         0},
        {{{.row = "directory", .count = 9, .lost = ACME_E_NET}, {0}},
         ACME_E_NET,
         ACME_NOT_REVOKED,
         0},
    };
    struct w_script script[3];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(script, 0, sizeof script);
        issued_world();
        memset(w.per_row, 0, sizeof w.per_row);
        memcpy(script, rows[i].script, sizeof rows[i].script);
        w.script = script;
        CHECK_INT(w_do(&job, 0), rows[i].outcome);
        CHECK_INT(revoked(), rows[i].state);
        CHECK_INT(w.revokes, rows[i].at_ca);
        w.script = NULL;
        CHECK_INT(w_boot(), ACME_OK);
        CHECK_INT(w_run(0), rows[i].state == ACME_NOT_REVOKED ? ACME_OK : ACME_E_REVOKED);
        CHECK_INT(revoked(), rows[i].state); /* from the record */
        CHECK_INT(w_do(&job, 0), ACME_OK);
        CHECK_INT(w.revokes, 1);
        CHECK_INT(revoked(), ACME_REVOKED);
    }
}

/* Wherever the power goes: a certificate that the CA may have revoked is marked. */
TEST(power_cuts)
{
    int cut;

    for (cut = 1; cut < 60; cut++) {
        int outcome;

        issued_world();
        w.points = 0;
        w.cut_at = cut;
        outcome = w_do(&job, 0);
        w.cut_at = 0;
        if (outcome == ACME_OK)
            break;
        CHECK_INT(outcome, W_CUT);
        outcome = w_issue(0);
        CHECK(outcome == ACME_E_REVOKED || (outcome == ACME_OK && w.revokes == 0));
        CHECK_INT(w.orders_count, 1);
        CHECK_INT(w_do(&job, 0), ACME_OK);
        CHECK_INT(w.revokes, 1);
        CHECK_INT(revoked(), ACME_REVOKED);
        CHECK_INT(w_issue(0), ACME_E_REVOKED);
    }
    CHECK(cut > 8);
}

TEST(mark_that_cannot_be_stored_asks_nothing)
{
    issued_world();
    w.writes = 0;
    w.write_fail_at = 1;
    w.write_fail_count = 99;
    CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
    CHECK_INT(w.per_row[ACME_ROW_REVOKE], 0);
    w.write_fail_at = 0;
    CHECK_INT(w_do(&job, 0), ACME_OK);
}

TEST(open_order_is_given_up)
{
    issued_world();
    w.until = "finalize";
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    w.until = NULL;
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w.revoke_reason[0], 1004);
    CHECK_INT(w_issue(0), ACME_E_REVOKED);
    CHECK_INT(w.certificates, 1);
}

/* On a kept connection, repeated at once: the first one may have been done. */
TEST(refused_after_a_kept_connection_was_closed)
{
    issued_world();
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_OK);
    while (agent.step != ACME_ROW_REVOKE) {
        uint32_t sleep_ms = 0;
        (void)acme_agent_poll(&agent, &sleep_ms);
    }
    agent.revoke_first = true;
    agent.exchange.single = true;
    agent.problem.http_status = 403;
    CHECK_INT(acme_job_failed(&agent), 0);
    CHECK_INT(revoked(), ACME_REVOKE_ASKED);
    agent.exchange.single = false;
    CHECK_INT(acme_job_failed(&agent), ACME_SAVE_SCHED);
}

/* There is nothing to revoke, so nothing is given up. */
TEST(open_order_of_a_first_certificate_stays)
{
    w_reset();
    memset(&job, 0, sizeof job);
    job.type = ACME_JOB_REVOKE;
    w.until = "cert";
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    CHECK_INT(w_do(&job, 0), ACME_E_CONFIG);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    w_check_pair();
}

TEST(our_backoff_does_not_hold_it_and_a_retry_after_does)
{
    static const struct w_script limited[] = {
        {.row = "revoke", .status = 429, .fields = "Retry-After: 600\r\n", .body = "{}"}, {0}};
    static const struct w_script refused[] = {
        {.row = "order", .status = 403, .count = 9, .body = "{}"}, {0}};

    issued_world();
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = refused;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_REFUSED);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_HELD);
    w.script = limited;
    CHECK_INT(w_do(&job, 0), ACME_E_RATE);
    w.script = NULL;
    w.requests = 0;
    CHECK_INT(w_do(&job, 0), ACME_E_HELD);
    CHECK_INT(w.requests, 0);
    CHECK_INT(w_do(&job, ACME_ASK_IGNORE_RETRY_AFTER), ACME_OK);
    CHECK_INT(w.revokes, 1);
}

TEST(account_is_found_by_its_key_and_never_made)
{
    static const struct w_script lost[] = {
        {.row = "account", .count = 9, .lost = ACME_E_TIMEOUT, .act = true}, {0}};

    w_reset();
    memset(&job, 0, sizeof job);
    job.type = ACME_JOB_REVOKE;
    CHECK_INT(w_do(&job, 0), ACME_E_CONFIG); /* there is nothing */
    CHECK_INT(w.registrations, 0);
    issued_world();
    w_slot(ACME_SLOT_ACCOUNT)->len = 0;
    CHECK_INT(w_do(&job, 0), ACME_E_ACCOUNT);
    CHECK_INT(w.registrations, 1);
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = lost; /* a key, and no URL */
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_E_TIMEOUT);
    w.script = NULL;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.accounts, 2);
    CHECK_INT(w.revokes, 1);
}

TEST(account_that_is_gone_is_not_made_again)
{
    issued_world();
    w.account_gone = true;
    CHECK_INT(w_do(&job, 0), ACME_E_ACCOUNT);
    CHECK_INT(w.registrations, 1);
    CHECK_INT(revoked(), ACME_NOT_REVOKED);
}

TEST(ca_without_revocation)
{
    issued_world();
    w.no_revoke = true;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    CHECK_INT(revoked(), ACME_NOT_REVOKED);
}

TEST(what_makes_no_sense)
{
    issued_world();
    job.reason = 7;
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_E_ARG);
    job.reason = 0;
    job.type = 99;
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_E_ARG);
    job.type = ACME_JOB_REVOKE;
    CHECK_INT(acme_agent_ask(&agent, 0, NULL), ACME_OK);
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_E_ARG);
}

TEST(reasons_by_name)
{
    CHECK_INT(acme_reason_from("keyCompromise"), 1);
    CHECK_INT(acme_reason_from("unspecified"), 0);
    CHECK_INT(acme_reason_from("removeFromCRL"), -1);
    for (int i = 0; i < 12; i++)
        CHECK(acme_reason_name(i)[0] == '\0' || acme_reason_from(acme_reason_name(i)) == i);
}

RUN()
