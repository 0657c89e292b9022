/* Several ways of proof: what fits is taken, and not the one that failed last. Solver one does
 * http-01 (or what a test says), solver two http-01 and dns-01. */
#include "agent_servers.h"

#include "acme_json.h"
#include "acme_records.h"

static int bytes_stored(void)
{
    struct w_slot *s = w_slot(ACME_SLOT_SCHED);
    struct acme_record r;
    struct acme_field field;

    CHECK(s != NULL);
    CHECK_INT(acme_record_open(&r, acme_slice_of(s->data, s->len), ACME_SLOT_SCHED), ACME_OK);
    while (acme_record_next(&r, &field)) {
        if (field.tag == CHOICE_FAILED)
            return (int)field.value.len;
    }
    return 0;
}

/* The CA tells that this name failed by tls-alpn-01. */
static void failed_tls(const char *name)
{
    static const char text[] =
        "[{\"type\":\"http-01\",\"status\":\"pending\",\"url\":\"https://x/1\","
        "\"token\":\"0123456789012345678901\"},"
        "{\"type\":\"tls-alpn-01\",\"status\":\"invalid\",\"url\":"
        "\"https://x/2\",\"token\":\"0123456789012345678901\"}]";
    struct acme_authorization authz = {.status = ACME_STATUS_INVALID};
    const struct acme_json *challenges = NULL;
    static void *arena[1000];

    CHECK_INT(acme_json_parse(acme_slice_text(text),
                              (struct acme_span){(void *)arena, sizeof arena}, &challenges),
              ACME_OK);
    CHECK_INT(acme_name_read(acme_slice_text(name), &authz.identifier, NULL), ACME_OK);
    authz.challenges = challenges;
    acme_choice_failed(&agent, &authz);
}

static void fresh_log(void)
{
    w.log_len = 0;
    w.log[0] = '\0';
}

TEST(what_failed_is_not_the_next_one_tried)
{
    w_reset();
    w.unseen = ACME_CHALLENGE_HTTP01;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK(w_did("T:http-01:n1.example.org"));
    CHECK_INT(status.failed_types, ACME_CHALLENGE_HTTP01);
    CHECK_INT(bytes_stored(), 5);
    fresh_log();
    CHECK_INT(attempt(), ACME_OK); /* a new boot: it was stored */
    CHECK(w_did("T:dns-01:n1.example.org"));
    CHECK(!w_did("T:http-01:"));
    CHECK_STR(w.chosen, "n1.example.org dns-01");
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(status.failed_types, 0); /* and forgotten with the certificate */
    CHECK_INT(bytes_stored(), 0);
    w_check_pair();
    fresh_log();
    w.unseen = 0;
    pass_to_renewal();
    CHECK_INT(attempt(), ACME_OK);
    CHECK(w_did("T:http-01:")); /* the preferred one again */
}

TEST(the_wait_is_that_of_the_table)
{
    w_reset();
    w.unseen = ACME_CHALLENGE_HTTP01;
    CHECK_INT(w_issue(0), ACME_E_VALIDATION);
    w_pass(11 * 60);
    CHECK_INT(w_issue(0), ACME_E_HELD);
    w_pass(3 * 60);
    CHECK_INT(w_issue(0), ACME_OK);
}

/* When nothing works they take turns, and no two orders in a row are lost by the same. */
TEST(all_that_failed_take_turns)
{
    static const char *const turns[] = {"T:http-01:", "T:tls-alpn-01:", "T:dns-01:"};

    w_reset();
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_TLSALPN01);
    w.offers = 7;
    w.unseen = 7;
    for (int i = 0; i < 9; i++) {
        fresh_log();
        CHECK_INT(attempt(), ACME_E_VALIDATION);
        for (int k = 0; k < 3; k++)
            CHECK_INT(w_did(turns[k]), k == i % 3);
    }
    CHECK_INT(bytes_stored(), 15);
    CHECK_INT(w.orders_count, 9);
}

/* What is offered changes: the one that failed is taken when there is no other, and the one after
 * it is not it. */
TEST(the_offers_change)
{
    w_reset();
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_TLSALPN01);
    w.unseen = 7;
    w.offers = 1;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(attempt(), ACME_E_VALIDATION);
        CHECK_INT(w_times("T:http-01:"), i + 1);
    }
    w.offers = 5;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(w_times("T:tls-alpn-01:"), 1);
    w.offers = 1;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(w_times("T:http-01:"), 3);
    w.offers = 5;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(w_times("T:http-01:"), 3);
    w.unseen = 0;
    CHECK_INT(attempt(), ACME_OK);
}

/* Two names, each of which can be proved by another type only: each finds its own. */
TEST(each_name_finds_its_own)
{
    int tries = 0;

    w_reset();
    w_count(2);
    w.unseen_name[0] = ACME_CHALLENGE_HTTP01;
    w.unseen_name[1] = ACME_CHALLENGE_DNS01;
    while (attempt() == ACME_E_VALIDATION)
        CHECK(++tries < 4);
    CHECK_INT(agent.outcome, ACME_OK);
    CHECK_INT(tries, 2);
    w_check_pair();
}

/* A port that is closed for one name is likely closed for all: not an order for each. */
TEST(what_failed_for_one_name_is_passed_over_for_all)
{
    w_reset();
    w_count(20);
    w.unseen = ACME_CHALLENGE_HTTP01;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_count, 2);
}

/* More names than are remembered: the oldest failures are forgotten, in their order. */
TEST(the_memory_is_bounded)
{
    char name[32];

    w_reset();
    w.unseen = ACME_CHALLENGE_HTTP01;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "m%d.example", i);
        failed_tls(name);
    }
    CHECK_INT(agent.choice.count, ACME_MAX_FAILED_WAYS);
    CHECK_INT(acme_choice_rank(&agent, "n1.example.org", ACME_CHALLENGE_HTTP01), 0);
    for (int i = 0; i < 40; i++) {
        unsigned rank;
        snprintf(name, sizeof name, "m%d.example", i);
        rank = acme_choice_rank(&agent, name, ACME_CHALLENGE_TLSALPN01);
        CHECK_INT(rank, i < 40 - ACME_MAX_FAILED_WAYS
                            ? ACME_MAX_FAILED_WAYS
                            : ACME_MAX_FAILED_WAYS + i - (40 - ACME_MAX_FAILED_WAYS) + 1);
    }
    w.unseen = 3;
    while (w_run(ACME_ASK_NOW) == ACME_E_HELD)
        w_pass(3600);
    CHECK_INT(bytes_stored(), 5 * ACME_MAX_FAILED_WAYS);
}

TEST(mixed_names_each_by_what_fits)
{
    static const char *const mixed[] = {"example.org", "*.example.org", "192.0.2.1"};

    w_reset();
    memcpy(w_names, mixed, sizeof mixed);
    config.names_count = 3;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w_did("T:http-01:example.org"));
    CHECK(w_did("T:dns-01:*.example.org"));
    CHECK(w_did("T:http-01:192.0.2.1"));
    CHECK_INT(w.orders_count, 1);
    w_check_pair();
    w_reset(); /* an address has no other way: it is tried again, and the others as they can */
    memcpy(w_names, mixed, sizeof mixed);
    config.names_count = 3;
    w.unseen = ACME_CHALLENGE_HTTP01;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    fresh_log();
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_STR(status.failure->problem.identifier, "192.0.2.1");
    CHECK(w_did("T:dns-01:example.org") && w_did("T:dns-01:*.example.org"));
    w_count(1);
}

/* The CA gives every challenge of the name the same error: ours is the one that failed. */
TEST(an_error_in_all_challenges_is_that_of_ours)
{
    w_reset();
    w.unseen = 3;
    w.all_refused = true;
    for (int i = 0; i < 4; i++) {
        fresh_log();
        CHECK_INT(attempt(), ACME_E_VALIDATION);
        CHECK_INT(w_did("T:http-01:"), i % 2 == 0);
        CHECK_INT(w_did("T:dns-01:"), i % 2 == 1);
    }
}

/* The CA came while the power was off: no way has failed. */
TEST(an_order_that_failed_while_away_blames_no_way)
{
    /* Some CAs leave the order as it is, and only the authorization tells. */
    static const struct w_script stays[] = {
        {.row = "look", .find = "\"invalid\"", .put = "\"pending\""}, {0}};
    const struct w_script *scripts[] = {NULL, stays};

    for (int i = 0; i < 2; i++) {
        w_reset();
        w.unseen = ACME_CHALLENGE_HTTP01;
        w.cut_on = "T:http-01";
        CHECK_INT(attempt(), W_CUT);
        w.cut_on = NULL;
        w.script = scripts[i];
        w_pass(60);
        fresh_log();
        CHECK_INT(attempt(), ACME_E_VALIDATION); /* of the order that followed at once */
        CHECK_INT(w_times("T:http-01"), 1);
        CHECK_INT(w.orders_count, 2);
    }
}

/* -- solvers that fail before the CA is told -- */

TEST(a_busy_port_is_passed_over_in_the_same_order)
{
    static const int errs[] = {ACME_E_PORT_BUSY, ACME_E_PORT_ACCESS, ACME_E_SOLVER, ACME_E_TIMEOUT};

    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        w_reset();
        w_count(2);
        w.begin_err = errs[i];
        w.end_again = 3;
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.orders_count, 1);
        CHECK(w_did("E:one:n1.example.org") && w_did("B:two:n1.example.org"));
        CHECK(w_did("E:one:n2.example.org") && w_did("B:two:n2.example.org"));
        CHECK_INT(w.failures, 0);
        CHECK_STR(w.warning, "a way of proof cannot be used now; another one is looked for");
        CHECK_INT(w_begun(), 0);
        CHECK_INT(bytes_stored(), 0); /* the next order tries it again */
    }
}

TEST(one_that_is_never_ready_is_undone_and_passed_over)
{
    w_reset();
    w.ready_err = ACME_E_SOLVER;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w_did("B:one:n1.example.org") && w_did("E:one:n1.example.org") &&
          w_did("B:two:n1.example.org"));
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_begun(), 0);
    w_reset();
    w.ready_again = 1000000;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w.ms - 1000000 >= 600000 && w.ms - 1000000 < 700000);
    CHECK_INT(w_begun(), 0);
}

/* ... for none of what it does: the other solver's turn has come. */
TEST(a_solver_that_failed_is_passed_over_with_all_its_types)
{
    w_reset();
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01);
    w_second(ACME_CHALLENGE_DNS01);
    w.begin_err = ACME_E_SOLVER;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w_times("R:n1.example.org"), 1);
    CHECK(w_did("B:two:n1.example.org"));
}

/* A person who refuses, a program that fails: nobody else is asked. */
TEST(one_with_the_last_word_is_not_passed_over)
{
    w_reset();
    w_needs(ACME_HAS_LAST_WORD);
    w.begin_err = ACME_E_SOLVER;
    CHECK_INT(w_issue(0), ACME_E_SOLVER);
    CHECK_INT(w.begins, 1);
    CHECK_INT(w.warnings, 0);
    w.begin_err = ACME_E_DECLINED; /* it leaves it to others */
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK(w_did("B:two:n1.example.org"));
}

/* Nothing else could prove it: the failure is told as it is, and at once. */
TEST(a_busy_port_without_another_way_is_told_as_it_is)
{
    static const struct w_script script[] = {
        {.row = "authz", .count = 99, .find = "\"dns-01\"", .put = "\"new-02\""}, {0}};
    static const char *const address[] = {"192.0.2.1"};

    w_reset(); /* the other solver does nothing for this name */
    memcpy(w_names, address, sizeof address);
    w_second(ACME_CHALLENGE_DNS01);
    w.begin_err = ACME_E_PORT_BUSY;
    CHECK_INT(w_issue(0), ACME_E_PORT_BUSY);
    CHECK_INT(w.per_row[ACME_ROW_AUTHZ], 1);
    CHECK_INT(w.warnings, 0);
    w_reset(); /* it does, and the CA does not offer that */
    w_second(ACME_CHALLENGE_DNS01);
    w.script = script;
    w.begin_err = ACME_E_PORT_BUSY;
    CHECK_INT(w_issue(0), ACME_E_PORT_BUSY);
    CHECK_STR(agent.failure.note, "solver one");
    CHECK_STR(agent.failure.problem.identifier, "n1.example.org");
    CHECK_INT(w.begins, 1);
    CHECK_INT(w_begun(), 0);
    w.offers = ACME_CHALLENGE_TLSALPN01; /* the same process: nothing of it is left */
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_E_NO_SOLVER);
    w.offers = 0;
    w.begin_err = ACME_OK;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    w_reset(); /* a program that failed is not asked to prove it otherwise */
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01);
    w_alone(true);
    w.begin_err = ACME_E_SOLVER;
    CHECK_INT(w_issue(0), ACME_E_SOLVER);
    CHECK_INT(w.begins, 1);
}

/* Power is cut at each point of a run that goes from one way to another. */
TEST(cuts_while_a_way_is_passed_over)
{
    for (int k = 1; k < 4000; k++) {
        int err;
        w_reset();
        w.begin_err = ACME_E_PORT_BUSY;
        w.cut_at = k;
        err = w_issue(0);
        if (err == ACME_OK) {
            CHECK(k > 20);
            return;
        }
        CHECK_INT(err, W_CUT);
        w.cut_at = 0;
        CHECK_INT(attempt(), ACME_OK);
        CHECK_INT(w_begun(), 0);
        CHECK_INT(w.certificates, 1);
    }
    CHECK(false);
}

/* ... and at each point of a run whose proof fails: what is remembered then is the whole failure or
 * nothing of it. */
TEST(cuts_while_a_way_fails)
{
    for (int k = 1; k < 4000; k++) {
        int err;
        unsigned failures;
        w_reset();
        w.unseen = ACME_CHALLENGE_HTTP01;
        w.cut_at = k;
        err = w_issue(0);
        if (err == ACME_E_VALIDATION) {
            CHECK(k > 20);
            return;
        }
        CHECK_INT(err, W_CUT);
        w.cut_at = 0;
        CHECK_INT(w_boot(), ACME_OK);
        for (uint32_t sleep_ms = 0; sleep_ms == 0 && !agent.loaded;)
            (void)acme_agent_poll(&agent, &sleep_ms);
        failures = agent.sched.failures;
        CHECK_INT(agent.choice.count, failures);
        fresh_log();
        while ((err = attempt()) == ACME_E_VALIDATION)
            CHECK(w.orders_count < 5);
        CHECK_INT(err, ACME_OK);
        CHECK_INT(w_begun(), 0);
    }
    CHECK(false);
}

/* -- with a staging CA -- */

TEST(a_rehearsal_and_the_real_one_go_the_same_way)
{
    staged();
    w.unseen = ACME_CHALLENGE_HTTP01;
    CHECK_INT(attempt(), ACME_E_VALIDATION);
    CHECK_INT(w.orders_at[0], 1);
    fresh_log();
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_at[2], 1);
    CHECK_INT(w.orders_at[0], 2);
    CHECK_INT(w_times("T:dns-01:"), 2);
    CHECK_INT(w_times("T:http-01:"), 0);
}

TEST(rehearsals_take_turns_too)
{
    staged();
    w.unseen = 3;
    for (int i = 0; i < 6; i++) {
        fresh_log();
        CHECK_INT(attempt(), ACME_E_VALIDATION);
        CHECK_INT(w_did("T:http-01:"), i % 2 == 0);
        CHECK_INT(w_did("T:dns-01:"), i % 2 == 1);
    }
    CHECK_INT(w.orders_at[0], 1);
}

/* -- nothing fits -- */

TEST(what_the_ca_offers_and_nobody_does_is_told)
{
    static const char *const wild[] = {"*.example.org"};
    static char longer[200];
    const char *names[] = {longer};

    w_reset();
    memcpy(w_names, wild, sizeof wild);
    w_alone(true);
    CHECK_INT(w_issue(0), ACME_E_NO_SOLVER);
    CHECK_STR(agent.failure.note, "the CA offers dns-01 for *.example.org, none of the configured "
                                  "solvers does that");
    CHECK_STR(agent.failure.problem.identifier, "*.example.org");
    CHECK_INT(w_begun(), 0);
    w_types(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_DNS01);
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK); /* the same order, when there is one */
    CHECK_INT(w.orders_count, 1);
    for (int len = 10; len <= 180; len++) { /* a long name would push out what matters */
        bool whole = 14 + 6 + 5 + len + 42 < ACME_NOTE_ROOM - 1;
        char want[300];
        w_reset();
        memset(longer, 'a', sizeof longer);
        memcpy(longer, "*.", 2);
        longer[len] = '\0';
        for (int i = 5; i < len - 1; i += 50)
            longer[i] = '.';
        memcpy(w_names, names, sizeof names);
        w_alone(true);
        CHECK_INT(w_issue(0), ACME_E_NO_SOLVER);
        (void)snprintf(want, sizeof want, "the CA offers dns-01%s%s%s", whole ? " for " : "",
                       whole ? longer : "", ", none of the configured solvers does that");
        CHECK_STR(agent.failure.note, want);
        CHECK_STR(agent.failure.problem.identifier, longer);
    }
    w_count(1);
}

/* -- the record -- */

TEST(damaged_lists_are_harmless)
{
    static const uint8_t good[] = {1, 2, 3, 4, 2}, none[] = {1, 2, 3, 4, 0},
                         many[] = {1, 2, 3, 4, 3}, high[] = {1, 2, 3, 4, 64},
                         cut[] = {1, 2, 3, 4, 2, 1, 2};
    static const struct {
        const uint8_t *bytes;
        size_t len;
        uint8_t count;
    } lists[] = {{good, sizeof good, 1}, {none, sizeof none, 0}, {many, sizeof many, 0},
                 {high, sizeof high, 0}, {cut, sizeof cut, 0},   {good, 0, 0}};
    uint8_t most[40 * 5];
    struct acme_field field = {.tag = CHOICE_FAILED};

    w_reset();
    CHECK_INT(w_boot(), ACME_OK);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        acme_choice_forget(&agent);
        field.value = acme_slice_of(lists[i].bytes, lists[i].len);
        acme_choice_get(&agent, &field);
        CHECK_INT(agent.choice.count, lists[i].count);
    }
    for (size_t i = 0; i < sizeof most; i++)
        most[i] = (uint8_t)(i % 5 == 4 ? 1 : i / 5);
    acme_choice_forget(&agent);
    field.value = acme_slice_of(most, sizeof most);
    acme_choice_get(&agent, &field);
    CHECK_INT(agent.choice.count, ACME_MAX_FAILED_WAYS);
    CHECK_INT(agent.choice.names[ACME_MAX_FAILED_WAYS - 1], 0x27272727);
}

RUN()
