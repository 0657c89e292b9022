/* The agent at a CA that makes accounts only for who shows an external account binding. */
#include "acme_eab.h"
#include "agent_world.h"

static uint8_t packed[200];

static const char key_text[] = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDE=";

static void give(const char *alg, const char *kid)
{
    struct acme_span room = {packed, sizeof packed};
    const char *why = "";
    int n = acme_eab_pack(room, alg, kid, acme_slice_text(key_text), &why);

    CHECK(n > 0);
    config.eab = acme_slice_of(packed, (size_t)n);
}

static void bound_world(bool told)
{
    w_reset();
    w.eab_kid = "kid-1";
    w.eab_key = acme_slice_text("secret-secret-secret-secret-0001");
    w.eab_digest = 32;
    w.eab_told = told;
}

static bool stored_secret(void)
{
    struct w_slot *s = w_slot(ACME_SLOT_ACCOUNT);

    for (size_t i = 0; s != NULL && i + 20 <= s->len; i++) {
        if (memcmp(s->data + i, "secret-secret-secret", 20) == 0)
            return true;
    }
    return false;
}

TEST(account_is_bound_by_each_algorithm)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512"};

    for (size_t i = 0; i < 3; i++) {
        bound_world(true);
        w.eab_digest = 32 + 16 * i;
        give(algs[i], "kid-1");
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.bindings, 1);
        CHECK_INT(w.bad_jws, 0);
        CHECK(!stored_secret());
    }
}

TEST(no_contact_and_no_terms)
{
    bound_world(true);
    give(NULL, "kid-1");
    config.contact = NULL;
    w.script = (const struct w_script[]){
        {.row = "directory", .find = "termsOfService", .put = "nothing"}, {0}};
    config.terms_agreed = false;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.bindings, 1);
}

TEST(missing_binding_is_told_before_newaccount_and_not_held_back)
{
    bound_world(true);
    CHECK_INT(w_issue(0), ACME_E_BINDING);
    CHECK_INT(w.per_row[ACME_ROW_ACCOUNT], 0);
    CHECK_STR(agent.failure.step, "directory");
    give(NULL, "kid-1");
    CHECK_INT(w_issue(0), ACME_OK);
}

TEST(missing_binding_holds_back_what_nobody_watches)
{
    uint32_t sleep_ms;

    bound_world(true);
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    for (int i = 0; i < 1000; i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms < 1000 ? sleep_ms : 1000;
    }
    CHECK_INT(w.per_row[ACME_ROW_DIRECTORY], 1);
}

TEST(missing_binding_is_told_by_the_problem)
{
    bound_world(false);
    CHECK_INT(w_issue(0), ACME_E_BINDING);
    CHECK_INT(agent.failure.problem.type, ACME_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED);
    CHECK_STR(agent.failure.step, "account");
    CHECK_INT(w_issue(0), ACME_E_HELD);
    give(NULL, "kid-1");
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.accounts, 1);
}

TEST(wrong_binding_is_refused_with_the_ca_s_words)
{
    bound_world(true);
    give(NULL, "kid-2");
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_STR(agent.failure.problem.detail, "the binding is wrong");
    CHECK_INT(w.per_row[ACME_ROW_ACCOUNT], 1);
    CHECK(stored_secret());
    give(NULL, "kid-1"); /* corrected: what is configured goes before what was kept */
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK(!stored_secret());
}

/* The binding was on stdin, and the run was cut: it is not asked for again. */
TEST(kept_until_the_account_is_durable)
{
    for (int cut = 1; cut < 40; cut++) {
        int outcome;

        bound_world(true);
        give(NULL, "kid-1");
        w.eab_once = true;
        w.cut_at = cut;
        outcome = w_issue(0);
        w.cut_at = 0;
        if (outcome == ACME_OK)
            break;
        CHECK_INT(outcome, W_CUT);
        w_pass(3600);
        if (stored_secret() || agent.kid[0] != '\0')
            memset(&config.eab, 0, sizeof config.eab);
        outcome = w_issue(ACME_ASK_NOW);
        if (outcome != ACME_OK)
            FAIL(w.log);
        CHECK_INT(w.accounts, 1);
        CHECK_INT(w.bindings, 1);
        CHECK(!stored_secret());
    }
}

TEST(lost_reply_of_a_single_use_binding)
{
    static const struct w_script script[] = {
        {.row = "account", .lost = ACME_E_TIMEOUT, .act = true}, {0}};

    bound_world(true);
    give(NULL, "kid-1");
    w.eab_once = true;
    w.script = script;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.accounts, 1);
    CHECK_INT(w.bindings, 1);
}

TEST(binding_used_up_elsewhere)
{
    bound_world(true);
    give(NULL, "kid-1");
    w.eab_once = true;
    w.bindings = 1;
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_STR(agent.failure.problem.detail, "account is not awaiting external account binding");
    CHECK_INT(w.per_row[ACME_ROW_ACCOUNT], 1);
    /* the first one may have made the account, for all we know later: one look, and no more */
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_REFUSED);
    CHECK_INT(w.per_row[ACME_ROW_ACCOUNT], 3);
    CHECK_INT(w.accounts, 0);
}

TEST(rate_limit_does_not_lose_it)
{
    static const struct w_script script[] = {
        {.row = "account", .status = 429, .fields = "Retry-After: 60\r\n", .body = "{}"}, {0}};

    bound_world(true);
    give(NULL, "kid-1");
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_RATE);
    memset(&config.eab, 0, sizeof config.eab);
    w_pass(4000);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.bindings, 1);
    CHECK(!stored_secret());
}

TEST(account_that_exists_needs_none)
{
    bound_world(true);
    give(NULL, "kid-1");
    CHECK_INT(w_issue(0), ACME_OK);
    memset(&config.eab, 0, sizeof config.eab);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.bindings, 1);
}

TEST(damaged_binding_is_refused_at_init)
{
    const char *why = NULL;

    bound_world(true);
    give(NULL, "kid-1");
    packed[0] = 31;
    CHECK_INT(acme_agent_init(&agent, &config, &w_port, w_solvers, 2, &why, NULL), ACME_E_CONFIG);
    CHECK(strstr(why, "binding") != NULL);
}

TEST(nothing_secret_is_left_after_close)
{
    static const struct w_script script[] = {{.row = "account", .status = 403, .body = "{}"}, {0}};

    bound_world(true);
    give(NULL, "kid-1");
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    memset(&config.eab, 0, sizeof config.eab);
    w.until = "account";
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK); /* loaded from the record */
    CHECK(agent.eab.len > 0);
    acme_agent_close(&agent);
    for (size_t i = 0; i + 20 < sizeof agent; i++)
        CHECK(memcmp((const uint8_t *)&agent + i, "secret-secret-secret", 20) != 0);
}

RUN()
