/* The agent and several CAs: the next one when the first cannot be had, back when it can. */
#include "acme_eab.h"
#include "agent_servers.h"

/* -- another CA -- */

TEST(second_when_the_first_is_down)
{
    servers(1);
    w.script = first_down;
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, FIRST);
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, SECOND);
    CHECK_INT(attempt(), ACME_OK);
    CHECK(ours());
    CHECK_INT(w.orders_at[1], 1);
    CHECK_INT(w.accounts_at[0], 0);
    CHECK_STR(status.issuer, SECOND);
    w_check_pair();
    CHECK_INT(attempt(), ACME_OK); /* it is as good as one from the first */
    CHECK_INT(w.orders_count, 1);
}

TEST(a_daemon_changes_without_a_reboot)
{
    uint32_t sleep_ms;

    servers(1);
    w.script = first_down;
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    for (int i = 0; i < 20000 && w.certificates == 0; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
        ca_tick();
    }
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w.orders_at[1], 1);
    CHECK(w_did("V:server:failures:ca1.example"));
    CHECK_INT(w.servers, 1);
}

TEST(first_again_at_the_next_renewal)
{
    servers(1);
    w.script = first_down;
    CHECK_INT(until_done(3), 3);
    pass_to_renewal();
    w.script = NULL;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, FIRST);
    CHECK_INT(w.orders_at[0], 1);
    CHECK_INT(w.accounts_at[0], 1);
    pass_to_renewal();
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_at[0], 2);
    CHECK_INT(w.accounts, 2);
    CHECK(ours());
}

/* With thirty days left nobody is in a hurry. */
TEST(a_renewal_waits_for_a_day)
{
    int64_t began;

    servers(1);
    CHECK_INT(attempt(), ACME_OK);
    pass_to_renewal();
    began = w_wall();
    w.script = first_down;
    CHECK(until_done(12) > 4);
    CHECK(w_wall() - began >= W_DAY);
    CHECK(w_wall() - began < 3 * W_DAY);
    CHECK_STR(status.issuer, SECOND);
    w_check_pair();
}

TEST(third_and_first_again)
{
    servers(2);
    w.script = both_down;
    CHECK_INT(until_done(4), 4); /* two, one, and it is there */
    CHECK_STR(status.issuer, THIRD);
    servers(1);
    w.script = both_down;
    for (int i = 0; i < 3; i++)
        CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, FIRST);
    w.script = second_down;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, FIRST);
}

static const struct w_script refusals[] = {
    {.row = "order",
     .count = 1000,
     .status = 403,
     .host = "ca.example",
     .body = "{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\",\"detail\":\"no\"}"},
    END};
static const struct w_script distrust[] = {
    {.row = "directory", .count = 1000, .lost = ACME_E_TLS_TRUST, .host = "ca.example"}, END};
static const struct w_script caa[] = {
    {.row = "order",
     .count = 1000,
     .status = 403,
     .host = "ca.example",
     .body = "{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"no\"}"},
    END};

TEST(who_refuses_and_whom_we_cannot_trust)
{
    const struct w_script *scripts[] = {refusals, distrust, caa};

    for (int i = 0; i < 3; i++) {
        int64_t began;
        servers(1);
        began = w_wall();
        w.script = scripts[i];
        CHECK_INT(until_done(3), 3);
        CHECK_STR(status.issuer, SECOND);
        CHECK(ours());
        CHECK(w_wall() - began < 2 * W_DAY);
    }
}

/* It may not issue, whoever can prove what. */
TEST(who_is_forbidden_by_the_dns)
{
    static const struct w_script forbidden[] = {{.row = "why",
                                                 .count = 1000,
                                                 .find = "error:unauthorized",
                                                 .put = "error:caa",
                                                 .host = "ca.example"},
                                                END};

    servers(1);
    w.script = forbidden;
    w.spoil = true;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_STR(status.server, SECOND);
    CHECK_INT(attempt(), ACME_E_VALIDATION); /* there it is the proof */
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_STR(status.server, SECOND);
    w.spoil = false;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, SECOND);
}

TEST(nothing_is_due_any_more)
{
    servers(1);
    CHECK_INT(attempt(), ACME_OK);
    w_count(2);
    w.script = first_down;
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, SECOND);
    w_count(1); /* what is there is what is wanted, after all */
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.server, FIRST);
    CHECK_INT(w.orders_count, 1);
    w.script = NULL;
    config.only_when_asked = false;
    for (int64_t end = w_wall() + 90 * W_DAY; w_wall() < end && w.orders_count == 1;) {
        uint32_t sleep_ms;
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
        ca_tick();
    }
    CHECK_INT(w.orders_at[0], 2);
}

TEST(our_own_trouble_moves_nobody)
{
    servers(1);
    w.begin_err = ACME_E_SOLVER;
    w_alone(true);
    for (int i = 0; i < 6; i++)
        CHECK_INT(attempt(), ACME_E_SOLVER);
    CHECK_STR(status.server, FIRST);
    servers(1);
    w.spoil = true;
    for (int i = 0; i < 6; i++)
        CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_STR(status.server, FIRST);
    CHECK_INT(w.orders_at[1], 0);
}

static const struct w_script limited[] = {
    {.row = "order",
     .count = 1000,
     .status = 429,
     .fields = "Retry-After: 600000\r\n",
     .host = "ca.example",
     .body = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slow\"}"},
    END};

TEST(a_limit_holds_the_ca_that_said_it)
{
    int64_t began;

    servers(1);
    w.script = limited;
    began = w_wall();
    CHECK_INT(attempt(), ACME_E_RATE);
    CHECK_INT(attempt(), ACME_OK); /* nothing is in force: the next one is asked soon */
    CHECK(w_wall() - began < 900);
    CHECK_STR(status.issuer, SECOND);
    w_pass(2 * 3600); /* the ledger's hour is over */
    w.script = NULL;  /* a forced run goes to the first, and is held back by what it said */
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_HELD);
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_E_HELD);
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_IGNORE_RETRY_AFTER), ACME_OK);
    CHECK_INT(w.orders_at[0], 1);
}

/* With thirty days left, seven of waiting are no reason to change. */
TEST(a_limit_is_waited_for)
{
    int64_t began;

    servers(1);
    CHECK_INT(attempt(), ACME_OK);
    w_pass(60 * W_DAY);
    w.script = limited;
    began = w_wall();
    CHECK_INT(attempt(), ACME_E_RATE);
    w.script = NULL;
    CHECK_INT(attempt(), ACME_OK);
    CHECK(w_wall() - began >= 600000);
    CHECK_STR(status.issuer, FIRST);
}

/* Another certificate's limit, in the CA's ledger, holds this one back too. */
TEST(a_limit_of_all_of_the_ca)
{
    static const struct w_script busy[] = {
        {.row = "order", .count = 1000, .status = 429, .fields = "Retry-After: 3000\r\n"}, END};

    servers(1);
    w.script = busy;
    CHECK_INT(attempt(), ACME_E_RATE);
    w.script = NULL;
    config.cert_name = "other";
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, SECOND);
    CHECK(w_did("V:server:Retry-After:ca1.example"));
    servers(1); /* both are limited: no hot loop, and the wait is told */
    w.script = busy;
    CHECK_INT(attempt(), ACME_E_RATE);
    CHECK_INT(attempt(), ACME_E_RATE);
    w.script = NULL;
    config.cert_name = "other";
    CHECK_INT(w_issue(0), ACME_E_HELD);
    CHECK_INT(w.orders_count, 0);
    CHECK_INT(attempt(), ACME_OK);
}

/* An order that is open at the CA that went away is given up, and cleaned up. */
TEST(an_open_order_is_given_up)
{
    static const struct w_script away[] = {
        {.row = "look", .count = 100000, .lost = ACME_E_NET, .host = "ca.example"},
        {.row = "respond", .count = 100000, .lost = ACME_E_NET, .host = "ca.example"},
        END};

    servers(1);
    w.script = away;
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL);
    CHECK_INT(until_done(3), 2);
    CHECK(ours());
    CHECK_STR(status.issuer, SECOND);
    for (int i = 0; i < w.live_count; i++)
        CHECK(w.live[i].ends > 0);
}

TEST(a_binding_for_each)
{
    static uint8_t packed[200];
    static struct acme_server bound[] = {{SECOND, {NULL, 0}}};
    struct acme_span room = {packed, sizeof packed};
    const char *why = "";
    int n = acme_eab_pack(room, NULL, "kid-1",
                          acme_slice_text("c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDE="), &why);

    CHECK(n > 0);
    for (int i = 0; i < 2; i++) {
        servers(0);
        w.script = first_down;
        w.eab_kid = "kid-1";
        w.eab_key = acme_slice_text("secret-secret-secret-secret-0001");
        w.eab_digest = 32;
        w.eab_told = true;
        bound[0].eab = acme_slice_of(packed, i == 0 ? (size_t)n : 0);
        config.eab = acme_slice_of(packed, i == 0 ? 0 : (size_t)n);
        config.more_servers = bound;
        config.more_servers_count = 1;
        CHECK_INT(attempt(), ACME_E_NET);
        CHECK_INT(attempt(), ACME_E_NET);
        CHECK_INT(attempt(), i == 0 ? ACME_OK : ACME_E_BINDING); /* the first one's is no use */
        CHECK_INT(w.bindings, i == 0);
    }
}

/* The records of the next CA cannot be read: nothing is written, and nothing spins. */
TEST(a_store_that_cannot_be_read)
{
    uint32_t sleep_ms;
    int polls = 0, writes = 0;

    servers(1);
    w.script = first_down;
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    while (!w_did("V:server:failures")) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
    }
    w.read_err = ACME_E_SLOT;
    w.read_err_slot = ACME_SLOT_ACCOUNT;
    writes = w.writes;
    for (int64_t end = w_wall() + W_DAY; w_wall() < end; polls++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
    }
    CHECK(polls < 100);
    CHECK_INT(w.writes, writes);
    CHECK_INT(w.orders_count, 0);
    acme_agent_status(&agent, &status);
    CHECK_INT(status.failure->err, ACME_E_SLOT);
    w.read_err = ACME_OK;
    for (int64_t end = w_wall() + 2 * W_DAY; w_wall() < end && w.certificates == 0;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
        ca_tick();
    }
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w.orders_at[1], 1);
}

/* -- what belongs to a certificate goes where it came from -- */

TEST(the_window_is_asked_where_it_came_from)
{
    uint32_t sleep_ms;

    servers(1);
    w.ari = true;
    w.script = first_down;
    CHECK_INT(until_done(3), 3);
    CHECK_INT(w.windows_at[1], 1);
    w.script = NULL;
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    for (int64_t end = w_wall() + 50 * W_DAY; w_wall() < end;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms < 3600000 ? sleep_ms : 3600000;
    }
    CHECK(w.windows_at[1] > 50);
    CHECK_INT(w.windows_at[0], 0);
    CHECK_INT(w.windows_at[1], w.windows);
    for (int64_t end = w_wall() + 30 * W_DAY; w_wall() < end && w.windows_at[0] == 0;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms < 3600000 ? sleep_ms : 3600000;
        ca_tick();
    }
    CHECK_INT(w.orders_at[0], 1); /* the first again; it knows nothing of the predecessor */
    CHECK_INT(w.replaced_count, 0);
    CHECK_INT(w.replaces_refused, 0);
    CHECK_INT(w.windows_at[0], 1);
    CHECK(!w_did("V:server:issuer:")); /* of no interest to a person */
    CHECK(w_did("V:server:first:ca.example"));
    CHECK_INT(w.bad_jws, 0);
}

/* It says: now. The order is of the server whose turn it is all the same. */
TEST(a_window_that_says_now)
{
    static const struct w_script limit[] = {
        {.row = "order", .status = 429, .fields = "Retry-After: 90000\r\n", .host = "ca.example"},
        END};
    uint32_t sleep_ms;

    servers(1);
    w.ari = true;
    w.script = first_down;
    CHECK_INT(until_done(3), 3);
    w.script = limit;
    w_pass(5 * W_DAY);
    w.ari_start = w_wall() - 4 * W_DAY;
    w.ari_end = w_wall() - 3 * W_DAY;
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    for (int64_t end = w_wall() + 5 * W_DAY; w_wall() < end && w.orders_count < 2;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms < 3600000 ? sleep_ms : 3600000;
        ca_tick();
    }
    CHECK_INT(w.orders_at[0], 1);
    CHECK_INT(w.orders_at[1], 1);
    CHECK_INT(w.replaces_refused, 0);
}

TEST(revoked_where_it_came_from)
{
    static const struct acme_job job = {.type = ACME_JOB_REVOKE, .reason = 4};
    static const struct acme_job show = {.type = ACME_JOB_SHOW};

    servers(1);
    w.script = first_down;
    CHECK_INT(until_done(3), 3);
    w.script = NULL;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.revokes, 1);
    CHECK(w_did("V:server:issuer:ca1.example"));
    CHECK_INT(w_issue(0), ACME_E_REVOKED);
    CHECK_INT(attempt(), ACME_E_REVOKED);
    CHECK_INT(w_do(&show, 0), ACME_E_ACCOUNT); /* the first has none yet */
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.orders_at[0], 1);
    CHECK_INT(w_do(&show, 0), ACME_OK);
    CHECK(strstr(w.account_event, "https://ca.example/acct/1") != NULL);
}

/* Whoever revokes it names it by its first name: what else was wanted is not known. */
TEST(revoked_where_it_came_from_by_whoever_wants_something_else)
{
    static const struct acme_job job = {.type = ACME_JOB_REVOKE, .reason = 4};

    servers(1);
    w_count(2);
    w.script = first_down;
    CHECK_INT(until_done(3), 3);
    w.script = NULL;
    w_count(1);
    config.cert_key_type = w_other_type();
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.revokes, 1);
    config.more_servers_count = 0; /* it cannot be reached any more */
    CHECK_INT(w_do(&job, 0), ACME_E_ACCOUNT);
}

/* -- power is cut -- */

/* An order is open at the first, which goes away; the second issues. */
static int change(int k)
{
    static const struct w_script away[] = {
        {.row = "look", .count = 100000, .lost = ACME_E_NET, .host = "ca.example"},
        {.row = "respond", .count = 100000, .lost = ACME_E_NET, .host = "ca.example"},
        END};
    int cuts = 0;

    servers(1);
    w.script = away;
    w.cut_at = k;
    for (int i = 0; i < 12; i++) {
        int err = attempt();
        if (err == ACME_OK)
            return cuts;
        if (err == W_CUT) {
            w.cut_at = 0;
            cuts++;
        }
    }
    test_stop(TEST_FAILED, "cut %d: it never ends", k);
}

TEST(every_cut_of_a_change)
{
    int points;

    CHECK_INT(change(0), 0);
    points = w.points;
    CHECK(points > 60);
    for (int k = 1; k <= points; k++) {
        CHECK_INT(change(k), 1);
        check_cut("cut", k, 1);
        CHECK(w.orders_count <= 3);
        CHECK(w.orders_at[1] >= 1);
    }
}

RUN()
