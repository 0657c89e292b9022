/* test_external_solver.c - the external solver: the order of its acts, over a scripted channel,
 * scripted handlers and a scripted network */
#include "external_world.h"

TEST(one_line_for_a_challenge)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    w.write_busy = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_STR(w.log, ">validate\n");
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_OK);
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &b), ACME_OK);
    CHECK_INT(s->ops->ready(s, &a), ACME_OK);
    CHECK_INT(s->ops->ready(s, &b), ACME_OK);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(s->ops->end(s, &b, ACME_OUTCOME_VALID), ACME_OK);
    external_close(&x);
    CHECK_STR(w.log, ">validate\n<\n>validate\n<\n>cleanup\n>cleanup\nclosed\n");
}

TEST(end_of_input)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.read_err = ACME_E_CLOSED;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_SOLVER);
    CHECK(strstr(x.why, "end of input") != NULL);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_OK);
    CHECK_STR(w.log, ">validate\n>cleanup\n");
}

TEST(text_is_no_json)
{
    struct acme_solver *s = solver(EXTERNAL_TEXT);
    struct acme_challenge a = challenge(ACME_CHALLENGE_DNS01);

    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &a), ACME_OK);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_STR(w.log, ">block\n<\n");
}

TEST(commands_in_order)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    w.run_busy = 2;
    until_done(s, &a, false, ACME_OK);
    until_done(s, &b, false, ACME_OK);
    CHECK_INT(s->ops->ready(s, &a), ACME_OK);
    CHECK_INT(s->ops->ready(s, &b), ACME_OK);
    w.run_busy = 2;
    until_done(s, &a, true, ACME_OK);
    until_done(s, &b, true, ACME_OK);
    CHECK_INT(external_finish(&x), ACME_OK);
    CHECK_INT(external_finish(&x), ACME_OK);
    CHECK_STR(w.log, "!pre-perform\n>validate\n!perform\n>validate\n!perform\n!post-perform\n"
                     "!pre-cleanup\n>cleanup\n!cleanup\n>cleanup\n!cleanup\n!post-cleanup\n");
}

TEST(hooks_of_dehydrated)
{
    struct acme_solver *s = solver(EXTERNAL_DEHYDRATED);
    struct acme_challenge b = challenge(ACME_CHALLENGE_DNS01);

    until_done(s, &b, false, ACME_OK);
    until_done(s, &b, true, ACME_OK);
    CHECK_STR(w.log, "!deploy_challenge " NAME " " DNS_TOKEN " " DNS_DIGEST "\n"
                     "!clean_challenge " NAME " " DNS_TOKEN " " DNS_DIGEST "\n");
}

TEST(not_implemented)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.fail_at = "pre-perform";
    w.status = 3;
    w.printed = "NotImplemented\n";
    until_done(s, &a, false, ACME_OK);
    CHECK_INT(w.warnings, 1);
    s = solver(EXTERNAL_HANDLER);
    w.fail_at = "perform";
    w.status = 3;
    w.printed = "NotImplemented, I think";
    until_done(s, &a, false, ACME_E_SOLVER);
    CHECK_STR(x.why, "/h perform: exit status 3");
}

/* A cleanup that fails keeps nothing from being cleaned up. */
TEST(cleanup_goes_on)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.fail_at = "pre-cleanup";
    w.status = 1;
    until_done(s, &a, true, ACME_E_SOLVER);
    CHECK_STR(w.log, "!pre-cleanup\n>cleanup\n!cleanup\n");
}

/* The run is stopped while a handler performs: it is ended before the cleanup begins. */
TEST(stopped)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.run_busy = 100;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_AGAIN);
    CHECK_INT(w.stops, 1);
    CHECK_STR(w.log, "!pre-perform\n!pre-cleanup\n");
}

TEST(declines)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    a.wildcard = true;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_DECLINED);
    a = challenge(ACME_CHALLENGE_TLSALPN01);
    CHECK_INT(s->ops->begin(s, &a), ACME_E_DECLINED);
    CHECK_STR(w.log, "");
}

/* For a list of solvers: each type by itself, and all of them are the one. */
TEST(one_type)
{
    struct acme_solver *all = solver(EXTERNAL_JSON), *http, *dns;
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    http = external_of(&x, ACME_CHALLENGE_HTTP01);
    dns = external_of(&x, ACME_CHALLENGE_DNS01);
    CHECK(external_of(&x, ACME_CHALLENGE_NONE) == NULL);
    CHECK(external_of(&x, ACME_CHALLENGE_TLSALPN01) == NULL);
    CHECK(strcmp(http->ops->name, dns->ops->name) != 0);
    CHECK(strcmp(http->ops->name, all->ops->name) != 0);
    CHECK_INT(http->ops->types, ACME_CHALLENGE_HTTP01);
    CHECK_INT(http->ops->begin(http, &b), ACME_E_DECLINED);
    CHECK_INT(dns->ops->begin(dns, &a), ACME_E_DECLINED);
    w.answers = 2;
    CHECK_INT(http->ops->begin(http, &a), ACME_OK);
    CHECK_INT(dns->ops->begin(dns, &b), ACME_OK);
    CHECK_INT(http->ops->end(http, &a, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(dns->ops->end(dns, &b, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_STR(w.log, ">validate\n<\n>validate\n<\n>cleanup\n>cleanup\n");
}

/* ---- trouble with the channel ---- */

TEST(the_channel_opens_when_the_reader_comes)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.open_answer = ACME_AGAIN;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    external_close(&x); /* not open: it is not closed either */
    CHECK_STR(w.log, "");
    w.open_answer = ACME_OK;
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_STR(w.log, ">validate\n");
    external_close(&x);
    external_close(&x);
    CHECK_STR(w.log, ">validate\nclosed\n");
}

/* The words are for a person: what, and why. */
TEST(words_about_the_channel)
{
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);
    char want[200];
    struct acme_solver *s = solver(EXTERNAL_JSON);

    w.open_answer = ACME_E_TIMEOUT;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_SOLVER);
    snprintf(want, sizeof want, "the channel cannot be opened: %s", acme_err_words(ACME_E_TIMEOUT));
    CHECK_STR(x.why, want);
    s = solver(EXTERNAL_JSON);
    w.write_answer = ACME_E_CLOSED;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_SOLVER);
    CHECK_STR(x.why, "a message cannot be written: the other side has ended");
    s = solver(EXTERNAL_TEXT);
    w.write_answer = ACME_E_NET;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_SOLVER);
    snprintf(want, sizeof want, "a message cannot be written: %s", acme_err_words(ACME_E_NET));
    CHECK_STR(x.why, want);
    s = solver(EXTERNAL_JSON);
    w.read_err = ACME_E_NET;
    CHECK_INT(s->ops->begin(s, &a), ACME_E_SOLVER);
    snprintf(want, sizeof want, "no answer can be read: %s", acme_err_words(ACME_E_NET));
    CHECK_STR(x.why, want);
}

/* One line, whatever it says: also one that is longer than the room. */
TEST(a_long_line_is_an_answer)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.read_err = ACME_E_SIZE;
    CHECK_INT(s->ops->begin(s, &a), ACME_OK);
}

/* What does not fit is not written at all, by no way. */
TEST(nothing_is_cut)
{
    static const enum external_mode modes[] = {EXTERNAL_JSON, EXTERNAL_TEXT, EXTERNAL_HANDLER,
                                               EXTERNAL_DEHYDRATED};
    static char auth[6000];
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);
    struct external_files files = {auth, auth, auth, auth, 0, 0};

    memset(auth, 'a', sizeof auth - 1);
    for (size_t i = 0; i < 3; i++) {
        struct acme_solver *s = solver(modes[i]);

        a.key_authorization = b.key_authorization = auth;
        until_done(s, &a, false, ACME_E_SIZE);
        if (modes[i] != EXTERNAL_TEXT) /* which has no key authorization but the digest */
            until_done(s, &b, false, ACME_E_SIZE);
        CHECK(strchr(w.log, '>') == NULL);
    }
    (void)solver(EXTERNAL_HANDLER);
    CHECK_INT(external_deploy(external_outgoing(&x), "unchanged_cert", NAME, &files), ACME_OK);
    CHECK_INT(external_tell(&x, true, "unchanged_cert", NULL), ACME_E_SIZE);
    CHECK_INT(external_tell(&x, false, "unchanged_cert", NULL), ACME_E_SIZE);
    CHECK_STR(w.log, "");
}

/* It would become part of a recipe, an address and a file's name. */
TEST(a_token_that_is_none)
{
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    for (int mode = EXTERNAL_JSON; mode <= EXTERNAL_DEHYDRATED; mode++) {
        struct acme_solver *s = solver((enum external_mode)mode);

        a.token = "$(rm -rf /)aaaaaaaaaaaaaaaaaaaa";
        until_done(s, &a, false, ACME_E_ARG);
        CHECK(strchr(w.log, '>') == NULL && strstr(w.log, "challenge") == NULL);
    }
}

/* ---- trouble with handlers ---- */

TEST(a_handler_that_does_not_start)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    w.start_answer = ACME_E_SOLVER;
    until_done(s, &a, false, ACME_E_SOLVER);
    CHECK_STR(x.why, WHY_RUN);
    CHECK_STR(w.log, "");
    s = solver(EXTERNAL_HANDLER);
    w.poll_answer = ACME_E_SOLVER; /* it did, and was ended */
    until_done(s, &a, false, ACME_E_SOLVER);
    CHECK_STR(x.why, WHY_RUN);
    CHECK_INT(w.stops, 0);
}

TEST(words_about_a_handler)
{
    static const struct {
        int status;
        const char *printed, *why;
    } rows[] = {{-9, "", "/h perform: exit status 9"},
                {1, "\r\n\n", "/h perform: exit status 1"},
                {255, "notimplemented", "/h perform: exit status 255"}};
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct acme_solver *s = solver(EXTERNAL_HANDLER);

        w.fail_at = "perform";
        w.status = rows[i].status;
        w.printed = rows[i].printed;
        until_done(s, &a, false, ACME_E_SOLVER);
        CHECK_STR(x.why, rows[i].why);
        CHECK_INT(w.warnings, 0);
    }
}

/* Every command and hook may take its time; what it says is asked for until it is over. */
TEST(slow_handlers)
{
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = challenge(ACME_CHALLENGE_DNS01);

    for (int mode = EXTERNAL_HANDLER; mode <= EXTERNAL_DEHYDRATED; mode++) {
        struct acme_solver *s = solver((enum external_mode)mode);
        char once[sizeof w.log];

        for (int busy = 0; busy < 4; busy += 3) {
            memset(w.log, 0, sizeof w.log);
            w.run_busy = busy;
            until_done(s, &a, false, ACME_OK);
            w.run_busy = busy;
            until_done(s, &b, false, ACME_OK);
            w.run_busy = busy;
            while (s->ops->ready(s, &a) == ACME_AGAIN)
                w.now++;
            CHECK_INT(s->ops->ready(s, &b), ACME_OK);
            w.run_busy = busy;
            until_done(s, &a, true, ACME_OK);
            w.run_busy = busy;
            until_done(s, &b, true, ACME_OK);
            CHECK(s->ops->poll(s) == UINT32_MAX);
            if (busy == 0)
                memcpy(once, w.log, sizeof once);
        }
        CHECK_STR(w.log, once);
        CHECK_INT(w.stops, 0);
    }
}

/* ready says what its handler says; it is not run again for the next challenge. */
TEST(post_perform_fails)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    until_done(s, &a, false, ACME_OK);
    w.fail_at = "post-perform";
    w.status = 7;
    CHECK_INT(s->ops->ready(s, &a), ACME_E_SOLVER);
    CHECK_STR(x.why, "/h post-perform: exit status 7");
    CHECK_INT(s->ops->ready(s, &a), ACME_OK);
}

/* After the last cleanup the agent's polls finish it; a failure is a warning. */
TEST(polls_finish_it)
{
    struct acme_solver *s = solver(EXTERNAL_HANDLER);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01);

    CHECK(s->ops->poll(s) == UINT32_MAX);
    until_done(s, &a, false, ACME_OK);
    CHECK(s->ops->poll(s) == UINT32_MAX);
    CHECK_INT(s->ops->ready(s, &a), ACME_OK);
    for (int i = 0; i < 2; i++) { /* it is the handler's turn, not post-cleanup's */
        w.busy_at = i == 0 ? "pre-cleanup" : "cleanup";
        CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_VALID), ACME_AGAIN);
        CHECK(s->ops->poll(s) == UINT32_MAX);
        CHECK(w.runs);
        w.run_busy = 0;
    }
    w.busy_at = NULL;
    until_done(s, &a, true, ACME_OK);
    w.run_busy = 2;
    w.fail_at = "post-cleanup";
    w.status = 1;
    CHECK(s->ops->poll(s) < 1000);
    CHECK(s->ops->poll(s) < 1000);
    CHECK(s->ops->poll(s) == UINT32_MAX);
    CHECK(s->ops->poll(s) == UINT32_MAX);
    CHECK_STR(w.warned, "post-cleanup failed");
    CHECK_STR(w.detail, "/h post-cleanup: exit status 1");
    CHECK_INT(w.warnings, 1);
    CHECK_STR(w.log, "!pre-perform\n>validate\n!perform\n!post-perform\n!pre-cleanup\n>cleanup\n"
                     "!cleanup\n!post-cleanup\n");
}

/* What was begun for one name is not taken for another's that has the same token. */
TEST(another_name_is_another_act)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge a = challenge(ACME_CHALLENGE_HTTP01), b = a;

    b.identifier = "b.example.net";
    CHECK_INT(s->ops->begin(s, &a), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &b), ACME_AGAIN);
    CHECK_STR(w.log, ">validate\n>validate\n");
    CHECK(strstr(w.last, "http://b.example.net/") != NULL);
}

TEST(a_wildcard_by_dns)
{
    struct acme_solver *s = solver(EXTERNAL_JSON);
    struct acme_challenge b = challenge(ACME_CHALLENGE_DNS01);

    b.wildcard = true;
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &b), ACME_OK);
    CHECK(strstr(w.last, "\"domain\": \"_acme-challenge." NAME "\"") != NULL);
}

RUN()
