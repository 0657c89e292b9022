/* test_external_waits.c - the external solver: self-checks, the limit of an act, and the messages
 * that belong to no challenge */
#include "crypto_world.h"
#include "external_world.h"

#define PAGE "HTTP/1.1 200 OK\r\n\r\n"
#define MISS "Self-verify of challenge failed."

/* ---- the self-check ---- */

static struct acme_solver *checking(const struct external_config *options)
{
    struct acme_solver *s = solver_with(EXTERNAL_JSON, options);

    w.answers = 1;
    return s;
}

TEST(a_proof_by_http_is_looked_at)
{
    const struct external_config port_81 = {.dialect = EXTERNAL_DIALECT_1, .http_port = 81};
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);
    struct acme_solver *s = checking(&port_81);

    w.page = PAGE AUTH;
    until_done(s, &a, false, ACME_OK);
    CHECK_INT(w.port, 81);
    CHECK(strstr(w.asked, "/" TOKEN " HTTP/1.1") != NULL);
    CHECK_INT(w.warnings, 0);
    w.answers = 1;
    w.page = PAGE "hello";
    until_done(s, &a, true, ACME_OK);
    until_done(s, &a, false, ACME_OK); /* only a warning: who knows where we sit */
    CHECK_INT(w.warnings, 1);
    CHECK_STR(w.warned, MISS);
    CHECK_STR(w.detail, NAME ": the answer is another one");
    s = checking(&port_81);
    w.page = NULL;
    until_done(s, &a, false, ACME_OK);
    CHECK(strstr(w.detail, acme_err_words(ACME_E_TIMEOUT)) != NULL);
    CHECK_INT(w.now - 5000000000u, EXTERNAL_VERIFY_MS);
    CHECK_INT(w.live, 0);
    s = checking(&port_81);
    until_done(s, &b, false, ACME_OK); /* another type is not asked for there */
    CHECK_INT(w.port, 0);
}

TEST(a_proof_by_dns_is_looked_at)
{
    const struct external_config plain = {.dialect = EXTERNAL_DIALECT_1},
                                 blind = {.dialect = EXTERNAL_DIALECT_1, .no_lookup = true};
    struct acme_challenge b = challenge(ACME_CHALLENGE_DNS01);
    struct acme_solver *s = checking(&plain);

    acme_crypto_seed_from(&world_port);
    w.page = "dns";
    w.servers = 1;
    until_done(s, &b, false, ACME_OK);
    CHECK_INT(w.port, 53);
    CHECK_STR(w.warned, MISS);
    CHECK_STR(w.detail, NAME ": no TXT record has this value");
    s = checking(&blind);
    w.page = "dns";
    w.servers = 1;
    until_done(s, &b, false, ACME_OK);
    CHECK_INT(w.port, 0);
    CHECK_INT(w.warnings, 0);
}

/* An event is handed to nobody where nobody listens. */
TEST(a_warning_without_a_listener)
{
    const struct external_config plain = {.dialect = EXTERNAL_DIALECT_1, .http_port = 80};
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);
    struct acme_solver *s = checking(&plain);
    int err = ACME_AGAIN;

    external_port.event = NULL;
    w.page = PAGE;
    for (int i = 0; i < 5 && err == ACME_AGAIN; i++)
        err = s->ops->begin(s, &a);
    external_port.event = on_event;
    CHECK_INT(err, ACME_OK);
}

TEST(given_up_in_a_self_check)
{
    const struct external_config plain = {.dialect = EXTERNAL_DIALECT_1, .http_port = 80};
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);
    struct acme_solver *s = checking(&plain);

    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(w.live, 1);
    external_stop(&x);
    CHECK_INT(w.live, 0);
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    until_done(s, &a, true, ACME_OK);
    CHECK_INT(w.live, 0);
}

/* ---- the limit of an act ---- */

static const struct external_config limited = {
    .dialect = EXTERNAL_DIALECT_1, .http_port = 80, .answer_ms = 2000};

static void overdue(int got)
{
    CHECK_INT(got, ACME_E_SOLVER);
    CHECK_STR(x.why, "the other side has not answered in time");
    CHECK(!w.runs);
}

TEST(nobody_answers)
{
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);
    struct acme_solver *s = solver_with(EXTERNAL_JSON, &limited);

    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    w.now += 1999;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    w.now += 1;
    overdue(s->ops->begin(s, &a));
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN); /* the next one has a time of its own */
    s = solver(EXTERNAL_JSON);
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    w.now += 1000000000u; /* no limit: a person takes what it takes */
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
}

TEST(no_handler_ends)
{
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);
    struct acme_solver *s = solver_with(EXTERNAL_HANDLER, &limited);

    w.page = PAGE AUTH;
    w.run_busy = 1000;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    w.now += 2000;
    overdue(s->ops->begin(s, &a));
    CHECK_INT(w.stops, 1);
    w.run_busy = 0;
    until_done(s, &a, false, ACME_OK);
    w.run_busy = 1000;
    CHECK_INT(s->ops->ready(s, &a), ACME_AGAIN);
    w.now += 2000;
    overdue(s->ops->ready(s, &a));
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_AGAIN);
    w.now += 2000;
    overdue(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN));
    w.run_busy = 0;
    until_done(s, &a, true, ACME_OK);
    CHECK_INT(w.warnings, 0);
    w.run_busy = 1000;
    CHECK_INT(external_finish(&x), ACME_AGAIN);
    w.now += 2000;
    CHECK_INT(external_finish(&x), ACME_OK);
    CHECK(!w.runs);
    CHECK_STR(w.detail, "the other side has not answered in time");
    CHECK_INT(w.stops, 4);
}

/* Who has answered in time has: that we cannot see the proof from here is only a warning. */
TEST(a_self_check_is_no_part_of_the_limit)
{
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);
    struct acme_solver *s = solver_with(EXTERNAL_JSON, &limited);

    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    w.now += 1900;
    w.answers = 1;
    until_done(s, &a, false, ACME_OK);
    CHECK_STR(w.warned, MISS);
    CHECK_INT(w.now - 5000000000u, 1900 + EXTERNAL_VERIFY_MS);
}

/* ---- messages of no challenge ---- */

static int tell(bool print, const char *command, const char *const *args)
{
    int err = ACME_AGAIN;

    for (int i = 0; i < 50 && err == ACME_AGAIN; i++)
        err = external_tell(&x, print, command, args);
    return err;
}

TEST(who_is_told_what)
{
    static const char *const hook[] = {"deploy_cert", NAME, "/k", NULL};
    static const struct external_files files = {"/c", "/k", "/h", "/f", 1700000000, 1600000000};
    static const struct {
        enum external_mode mode;
        const char *log;
    } rows[] = {{EXTERNAL_JSON, ">deploy_cert\n>deploy_cert\n"},
                {EXTERNAL_TEXT, ""},
                {EXTERNAL_HANDLER, ">deploy_cert\n!deploy_cert\n>deploy_cert\n"},
                {EXTERNAL_DEHYDRATED, "!deploy_cert " NAME " /k\n"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)solver(rows[i].mode);
        w.write_busy = w.run_busy = 2;
        CHECK_INT(external_deploy(external_outgoing(&x), "deploy_cert", NAME, &files), ACME_OK);
        CHECK_INT(tell(true, "deploy_cert", hook), ACME_OK);
        CHECK_INT(tell(true, NULL, NULL), ACME_OK);  /* written, and handed to nobody */
        CHECK_INT(tell(false, NULL, NULL), ACME_OK); /* nothing at all */
        CHECK_STR(w.log, rows[i].log);
        if (rows[i].mode == EXTERNAL_HANDLER)
            CHECK(strstr(w.json, "\"fullchain_path\": \"/f\"") != NULL);
    }
    (void)solver(EXTERNAL_HANDLER);
    CHECK_INT(external_simple(external_outgoing(&x), "restart"), ACME_OK);
    CHECK_INT(tell(false, "restart", NULL), ACME_OK);
    CHECK_STR(w.log, "!restart\n");
    CHECK_STR(w.json, "{\"cmd\": \"restart\"}");
}

TEST(who_is_told_and_fails)
{
    (void)solver_with(EXTERNAL_HANDLER, &limited);
    CHECK_INT(external_simple(external_outgoing(&x), "restart"), ACME_OK);
    w.fail_at = "restart";
    w.status = 4;
    CHECK_INT(tell(true, "restart", NULL), ACME_E_SOLVER);
    CHECK_STR(x.why, "/h restart: exit status 4");
    CHECK_STR(w.log, ">restart\n!restart\n");
    w.run_busy = 1000;
    CHECK_INT(external_tell(&x, true, "restart", NULL), ACME_AGAIN);
    w.now += 2000;
    overdue(external_tell(&x, true, "restart", NULL));
    CHECK_INT(external_tell(&x, true, "restart", NULL), ACME_AGAIN);
    external_stop(&x);
    CHECK_INT(w.stops, 2);
    w.write_answer = ACME_E_CLOSED;
    CHECK_INT(tell(true, "restart", NULL), ACME_E_SOLVER);
    CHECK_STR(x.why, "a message cannot be written: the other side has ended");
}

TEST(a_report_is_a_line_like_others)
{
    (void)solver(EXTERNAL_JSON);
    w.write_busy = 1;
    CHECK_INT(external_print(&x, "{\"cmd\": \"report\"}", 17), ACME_AGAIN);
    CHECK_INT(external_print(&x, "{\"cmd\": \"report\"}", 17), ACME_OK);
    CHECK_STR(w.log, ">report\n");
}

RUN()
