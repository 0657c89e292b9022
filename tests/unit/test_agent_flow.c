/* The agent when all goes well: what it asks, in which order, and what is durable before it. */
#include "agent_world.h"

/* a stands in the log, and the next b after it. */
static bool before(const char *a, const char *b)
{
    const char *at = strstr(w.log, a);

    return at != NULL && strstr(at, b) != NULL && strstr(w.log, b) > at;
}

TEST(first_certificate_takes_8_plus_2n)
{
    w_reset();
    w.issue_ms = 5;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 8 + 2);
    CHECK_INT(w.connections, 1);
    CHECK_INT(w.bad_jws, 0);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(renewal_takes_7_plus_2n)
{
    w_reset();
    w_count(10);
    w.issue_ms = 5;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 8 + 20);
    w.requests = 0;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.requests, 7 + 20);
    CHECK_INT(w.accounts, 1);
    w_check_pair();
}

TEST(a_record_goes_before_the_act_that_depends_on_it)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(before("W:account", "Q:account"));
    CHECK(before("W:ledger", "Q:account"));
    CHECK(before("Q:account W:account", "Q:order"));
    CHECK(before("W:sched", "Q:order"));
    CHECK(before("ORDER W:order", "B:one:"));
    CHECK(before("S:note W:order S:begin", "B:one:"));
    CHECK(before("S:key", "ORDER W:order")); /* the order's record holds the key */
    CHECK(before("ORDER W:order", "Q:finalize"));
    CHECK(before("Q:cert W:cert_a", "E:one:"));
    CHECK(before("E:one:", "X:order"));
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
}

TEST(hundred_names)
{
    w_reset();
    w_count(100);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w.ends, 100);
    CHECK_INT(w.bad_jws, 0);
    w_check_pair();
    w_names[100] = "n101.example.org";
    config.names_count = 101;
    CHECK_INT(w_boot(), ACME_E_SIZE);
}

TEST(wildcard_and_its_base_are_two_names)
{
    w_reset();
    w_names[0] = "*.example.org";
    w_names[1] = "example.org";
    config.names_count = 2;
    CHECK_INT(w_issue(0), ACME_OK);
    w_check_pair();
    CHECK(w_did("B:two:*.example.org"));
}

TEST(p384_key)
{
    w_reset();
    if (!acme_key_supported(ACME_KEY_P384))
        test_stop(TEST_SKIPPED, "this wolfSSL makes none");
    config.cert_key_type = ACME_KEY_P384;
    CHECK_INT(w_issue(0), ACME_OK);
    w_check_pair();
}

TEST(second_run_has_nothing_to_do)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w.requests = w.writes = 0;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 0);
    CHECK_INT(w.writes, 0);
    CHECK_INT(w.not_due, 1);
    w_pass(61 * W_DAY);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w.requests > 0);
    w_check_pair();
}

TEST(renewals_alternate_between_two_slots)
{
    static uint8_t first[W_IO];
    size_t len;

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    len = w_slot(ACME_SLOT_CERT_A)->len;
    memcpy(first, w_slot(ACME_SLOT_CERT_A)->data, len);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_MEM(w_slot(ACME_SLOT_CERT_A)->data, first, len);
    CHECK(w_slot(ACME_SLOT_CERT_B) != NULL);
    CHECK_INT(agent.cert.sequence, 2);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(agent.cert.sequence, 3);
    CHECK_INT(agent.cert.slot, ACME_SLOT_CERT_A);
    w_check_pair();
}

static void read_key(struct acme_key *key)
{
    static uint8_t room[W_IO];
    struct acme_span span = {room, sizeof room};
    struct acme_certificate cert;

    CHECK_INT(acme_agent_certificate(&agent, span, &cert), ACME_OK);
    CHECK_INT(acme_key_read(key, cert.key), ACME_OK);
}

TEST(every_order_has_a_new_key)
{
    struct acme_key one, two;

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    read_key(&one);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    read_key(&two);
    CHECK(!acme_key_equal(&one, &two));
}

TEST(reuse_key_keeps_it_also_with_a_small_scratch)
{
    struct acme_key one, two;

    w_reset();
    config.reuse_key = true;
    config.memory.scratch.len = 4096;
    w.chain_extra = 6; /* a record above 4096 bytes */
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w_slot(ACME_SLOT_CERT_A)->len > 2500);
    config.memory.scratch.len = 3072;
    read_key(&one);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    read_key(&two);
    CHECK(acme_key_equal(&one, &two));
    w_check_pair();
}

TEST(changed_names_or_key_type_make_it_due)
{
    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    w_count(2);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    w_check_pair();
    if (!acme_key_supported(ACME_KEY_P384))
        return; /* by this wolfSSL */
    config.cert_key_type = ACME_KEY_P384;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 3);
    w_check_pair();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 3);
}

TEST(order_born_ready_needs_no_proof)
{
    w_reset();
    w.authz_reuse = true;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.begins, 0);
    CHECK(!w_did("Q:authz"));
    w_check_pair();
}

/* -- a staged walk -- */

TEST(walk_stops_before_every_row)
{
    static const char *const rows[] = {
        "directory", "register", "account", "charge", "order",    "authz", "note", "begin", "ready",
        "respond",   "watch",    "look",    "key",    "finalize", "cert",  "end",  "clear"};

    w_reset();
    w.issue_ms = 5;
    CHECK_INT(w_boot(), ACME_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char entered[40];
        w.until = rows[i];
        w.log_len = 0;
        CHECK_INT(w_run(0), ACME_OK);
        (void)snprintf(entered, sizeof entered, "S:%s ", rows[i]);
        if (w_did(entered))
            FAIL(rows[i]);
        w_pass(1200); /* a person reads, and goes for a walk */
    }
    w.until = NULL;
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(walk_knows_its_rows)
{
    w_reset();
    CHECK_INT(w_boot(), ACME_OK);
    CHECK_INT(acme_agent_ask(&agent, 0, "nowhere"), ACME_E_ARG);
    CHECK_INT(acme_agent_ask(&agent, 0, "rest"), ACME_E_ARG);
    CHECK_INT(acme_agent_ask(&agent, 0, "load"), ACME_E_ARG);
}

TEST(walk_until_end_still_fails)
{
    static const struct w_script script[] = {{.row = "order", .status = 403, .body = "{}"}, {0}};

    w_reset();
    w.script = script;
    w.until = "end";
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK(w_slot(ACME_SLOT_SCHED) != NULL);
    w.until = NULL;
    CHECK_INT(w_issue(0), ACME_E_HELD);
}

TEST(walk_does_not_outlive_its_ask)
{
    static const struct w_script script[] = {{.row = "directory", .status = 404, .body = "{}"},
                                             {0}};
    struct acme_agent_status status;
    uint32_t sleep_ms;

    w_reset();
    config.only_when_asked = false;
    w.script = script;
    w.until = "finalize";
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    for (int i = 0; i < 3000; i++) { /* it goes on by itself */
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
    }
    acme_agent_status(&agent, &status);
    CHECK(status.has_certificate);
}

/* -- stop -- */

TEST(stop_at_every_row_cleans_up_and_the_order_stays)
{
    for (int row = ACME_ROW_DIRECTORY; row <= ACME_ROW_CLEAR; row++) {
        struct acme_agent_status status;
        uint32_t sleep_ms;
        bool stopped = false;

        w_reset();
        w.validate_ms = 0; /* or the CA would find nothing after a stop */
        CHECK_INT(w_boot(), ACME_OK);
        CHECK_INT(acme_agent_ask(&agent, 0, NULL), ACME_OK);
        for (int i = 0; i < 20000; i++) {
            (void)acme_agent_poll(&agent, &sleep_ms);
            acme_agent_status(&agent, &status);
            if (!status.busy)
                break;
            if (agent.step == row && !stopped) {
                acme_agent_stop(&agent);
                stopped = true;
            }
            w.ms += sleep_ms;
        }
        CHECK(!status.busy);
        CHECK_INT(w_begun(), 0);
        if (stopped && row < ACME_ROW_END)
            CHECK_INT(status.outcome, ACME_E_CLOSED);
        CHECK_INT(w_run(0), ACME_OK);
        CHECK_INT(w.orders_count, 1);
        w_check_pair();
    }
}

TEST(nothing_secret_is_left_after_close)
{
    struct acme_key account, cert;

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    account = agent.account_key;
    read_key(&cert);
    acme_agent_close(&agent);
    for (size_t i = 0; i + 16 < sizeof agent; i++) {
        const uint8_t *at = (const uint8_t *)&agent + i;
        CHECK(memcmp(at, account.der + 7, 16) != 0);
        CHECK(memcmp(at, cert.der + 7, 16) != 0);
    }
    for (size_t i = 0; i < sizeof w_io; i++)
        CHECK_INT(w_io[i], 0);
    for (size_t i = 0; i < sizeof w_scratch; i++)
        CHECK_INT(w_scratch[i], 0);
}

RUN()
