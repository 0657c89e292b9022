/* The agent and several CAs: the next one when the first cannot be had, back when it can; and the
 * staging CA, which sees a proof before the real one does. */
#include "acme_eab.h"
#include "agent_world.h"

#define FIRST  "https://ca.example/dir"
#define SECOND "https://ca1.example/dir"
#define THIRD  "https://ca2.example/dir"
#define DOWN(host_name)                                                                            \
    {                                                                                              \
        .row = "directory", .count = 100000, .lost = ACME_E_NET, .host = host_name                 \
    }
#define END                                                                                        \
    {                                                                                              \
        .row = NULL                                                                                \
    }

static const struct w_script first_down[] = {DOWN("ca.example"), END};
static const struct w_script both_down[] = {DOWN("ca.example"), DOWN("ca1.example"), END};
static const struct w_script second_down[] = {DOWN("ca1.example"), END};

static const struct acme_server more[] = {{SECOND, {NULL, 0}}, {THIRD, {NULL, 0}}};
static struct acme_agent_status status;

static void servers(size_t count)
{
    w_reset();
    config.more_servers = more;
    config.more_servers_count = count;
}

static void staged(void)
{
    w_reset();
    config.staging.url = THIRD;
}

/* The next attempt that is not held back, each from a new boot; its outcome. */
static int attempt(void)
{
    for (int i = 0; i < 20000; i++) {
        int err = w_issue(0);
        if (err != ACME_E_HELD) {
            acme_agent_status(&agent, &status);
            return err;
        }
        w_pass(120);
    }
    return W_HANGS;
}

static int until_done(int most)
{
    int tries = 1;

    while (attempt() != ACME_OK) {
        CHECK(tries < most);
        tries++;
    }
    return tries;
}

static void pass_to_renewal(void)
{
    w_pass(61 * W_DAY);
}

static bool ours(void)
{
    return status.has_certificate && w_begun() == 0 && w_slot(ACME_SLOT_ORDER) == NULL &&
           w.bad_jws == 0;
}

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
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01);
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

/* -- the list changes -- */

TEST(a_list_is_no_change_of_the_certificate)
{
    servers(0); /* as older firmware: one server, no list */
    CHECK_INT(attempt(), ACME_OK);
    config.more_servers = more;
    config.more_servers_count = 2;
    config.staging.url = "https://ca3.example/dir";
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    config.directory_url = SECOND; /* another order of the same */
    config.more_servers = &(struct acme_server){.url = FIRST};
    config.more_servers_count = 1;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_STR(status.issuer, FIRST);
    config.more_servers_count = 0; /* the one that issued it is not wanted any more */
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_at[1], 1);
    CHECK_STR(status.issuer, SECOND);
}

TEST(a_server_that_is_not_in_the_list_any_more)
{
    servers(2);
    w.script = both_down;
    for (int i = 0; i < 3; i++)
        CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, THIRD);
    config.more_servers_count = 1; /* the third is gone */
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, FIRST);
    servers(2);
    w.script = first_down;
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, SECOND);
    config.more_servers = &(struct acme_server){.url = THIRD}; /* the second is */
    config.more_servers_count = 1;
    w.script = NULL;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, FIRST);
}

TEST(a_certificate_of_the_staging_ca_is_none)
{
    staged();
    config.directory_url = THIRD; /* somebody tried it out */
    config.staging.url = NULL;
    CHECK_INT(attempt(), ACME_OK);
    config.directory_url = FIRST;
    config.staging.url = THIRD;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, FIRST);
    CHECK_INT(w.orders_at[0], 1);
}

TEST(what_cannot_be_used)
{
    static const struct acme_server plain[] = {{"http://x.example/", {NULL, 0}}};
    static const struct acme_server none[] = {{NULL, {NULL, 0}}};
    static const struct acme_server same[] = {{FIRST, {NULL, 0}}};
    static const struct acme_server twice[] = {{SECOND, {NULL, 0}}, {SECOND, {NULL, 0}}};
    static const struct acme_server bound[] = {{SECOND, {(const uint8_t *)"x", 1}}};
    static const struct {
        const struct acme_server *list;
        size_t count;
        const char *staging;
        int err;
        const char *which;
    } rows[] = {
        {plain, 1, NULL, ACME_E_URL, "http://x.example/"},
        {none, 1, NULL, ACME_E_URL, NULL},
        {same, 1, NULL, ACME_E_CONFIG, FIRST},
        {twice, 2, NULL, ACME_E_CONFIG, SECOND},
        {bound, 1, NULL, ACME_E_CONFIG, SECOND},
        {NULL, 1, NULL, ACME_E_CONFIG, NULL},
        {more, ACME_MAX_SERVERS, NULL, ACME_E_SIZE, NULL},
        {more, 1, SECOND, ACME_E_CONFIG, SECOND},
        {more, 1, FIRST, ACME_E_CONFIG, FIRST},
        {more, 1, "ftp://x", ACME_E_URL, "ftp://x"},
        {more, 2, "https://s.example/", ACME_OK, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = NULL, *which = "?";
        w_reset();
        config.more_servers = rows[i].list;
        config.more_servers_count = rows[i].count;
        config.staging.url = rows[i].staging;
        CHECK_INT(acme_agent_init(&agent, &config, &w_port, w_solvers, 2, &why, &which),
                  rows[i].err);
        CHECK((which == NULL) == (rows[i].which == NULL));
        if (which != NULL)
            CHECK_STR(which, rows[i].which);
        CHECK(why != NULL);
    }
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
    CHECK(w_did("V:server:issuer:ca1.example"));
    CHECK(w_did("V:server:first:ca.example"));
    CHECK_INT(w.bad_jws, 0);
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
    CHECK_INT(w_issue(0), ACME_E_REVOKED);
    CHECK_INT(attempt(), ACME_E_REVOKED);
    CHECK_INT(w_do(&show, 0), ACME_E_ACCOUNT); /* the first has none yet */
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.orders_at[0], 1);
    CHECK_INT(w_do(&show, 0), ACME_OK);
    CHECK(strstr(w.account_event, "https://ca.example/acct/1") != NULL);
}

/* -- rehearsals -- */

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
    w.cut_on = "B:one";
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

static void check_cut(const char *what, int k, int finalized_max)
{
    if (!ours())
        test_stop(TEST_FAILED, "%s %d: order or challenge left", what, k);
    for (int i = 0; i < 3; i++) {
        if (w.accounts_at[i] > 1)
            test_stop(TEST_FAILED, "%s %d: two accounts", what, k);
    }
    for (int i = 0; i < w.orders_count; i++) {
        if (w.orders[i].finalized > 1 || (w.orders[i].ca == 2 && w.orders[i].finalized != 0))
            test_stop(TEST_FAILED, "%s %d: finalized", what, k);
    }
    if (w.certificates > finalized_max)
        test_stop(TEST_FAILED, "%s %d: %d certificates", what, k, w.certificates);
    w_check_pair();
}

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
