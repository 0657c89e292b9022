/* The agent and the CA's profiles: asked for when offered, and gone on without when not. */
#include "agent_world.h"

#define OFFERED "\"classic\":\"the usual\",\"short\":\"six days\""

static void profile_world(const char *profile)
{
    w_reset();
    w.profiles = OFFERED;
    config.profile = profile;
}

TEST(asked_for_when_offered)
{
    profile_world("short");
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_STR(w.profile, "short");
    CHECK_INT(w.warnings, 0);
    profile_world(NULL);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_STR(w.profile, "");
    CHECK_INT(w.warnings, 0);
}

TEST(default_when_not_offered_any_more)
{
    static const char *const offers[] = {NULL, "\"classic\":\"x\"", "\"Short\":\"x\"", ""};

    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        profile_world("short");
        w.profiles = offers[i];
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_STR(w.profile, "");
        CHECK_INT(w.warnings, 1);
        CHECK(strstr(w.warning, "does not offer the profile") != NULL);
        CHECK_INT(w_issue(0), ACME_OK); /* what is there is what was wanted: no loop */
        CHECK_INT(w.orders_count, 1);
    }
}

TEST(required_or_nothing)
{
    profile_world("short");
    config.profile_required = true;
    w.profiles = "\"classic\":\"x\"";
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_STR(agent.failure.note, "the CA does not offer the profile short");
    CHECK_INT(w.per_row[ACME_ROW_ORDER], 0);
    CHECK_INT(w_issue(0), ACME_E_HELD);
    w.profiles = OFFERED;
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_STR(w.profile, "short");
}

TEST(refused_though_offered)
{
    profile_world("short");
    w.profile_refused = "short";
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_STR(w.profile, "");
    CHECK_INT(w.per_row[ACME_ROW_ORDER], 2);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.warnings, 1);
    profile_world("short");
    config.profile_required = true;
    w.profile_refused = "short";
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_INT(w.per_row[ACME_ROW_ORDER], 1);
    CHECK_INT(agent.failure.problem.type, ACME_PROBLEM_INVALID_PROFILE);
}

TEST(refused_at_finalize)
{
    profile_world("short");
    w.profile_refused = "short";
    w.profile_refused_late = true;
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_INT(agent.failure.problem.type, ACME_PROBLEM_INVALID_PROFILE);
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_STR(w.profile, "");
    CHECK_INT(w.orders_count, 2);
}

TEST(another_profile_makes_it_due)
{
    profile_world("short");
    CHECK_INT(w_issue(0), ACME_OK);
    config.profile = "classic";
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_STR(w.profile, "classic");
    config.profile = NULL;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 3);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 3);
}

TEST(an_open_order_of_another_profile_is_given_up)
{
    profile_world("short");
    CHECK_INT(w_boot(), ACME_OK);
    w.until = "finalize";
    CHECK_INT(w_run(0), ACME_OK);
    w.until = NULL;
    config.profile = "classic";
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_STR(w.profile, "classic");
    CHECK_INT(w.orders[0].finalized, 0);
}

TEST(names_of_profiles_are_checked)
{
    static const char sixty_four[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char *const bad[] = {
        "",
        "a b",
        "a\"b",
        "a\\b",
        "\xc3\xa4",
        "a\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        profile_world(bad[i]);
        CHECK_INT(w_boot(), ACME_E_CONFIG);
    }
    profile_world(sixty_four);
    CHECK_INT(w_boot(), ACME_OK);
}

RUN()
