/* What a CA may say, or leave out, beyond what is plainly wrong: terms, long URLs, orders without
 * their parts, orders that go in circles. */
#include "agent_world.h"

#define CA      "https://ca.example"
#define LINK(i) "\"" CA "/a/0/" #i "\""
#define URN     "urn:ietf:params:acme:error:"

/* One issuance in which the CA says this: the outcome, and the words of the failure. */
static int says(const struct w_script *script, const char **note)
{
    int err;

    w.script = script;
    err = w_issue(0);
    w.script = NULL;
    CHECK_INT(err, agent.failure.err);
    *note = agent.failure.note;
    return err;
}

/* What failed did no harm: another run, and all is well. */
static void then_it_works(void)
{
    CHECK_INT(w_begun(), 0);
    CHECK_INT(w_run(ACME_ASK_NOW | ACME_ASK_IGNORE_RETRY_AFTER), ACME_OK);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

/* -- terms -- */

TEST(terms_in_the_problem)
{
    const struct w_script script[] = {
        {.row = "order",
         .status = 403,
         .body = "{\"type\":\"" URN "userActionRequired\",\"instance\":\"" CA "/agree\"}"},
        {0}};
    const char *note;

    w_reset();
    CHECK_INT(says(script, &note), ACME_E_TERMS);
    CHECK_STR(w.terms, CA "/agree");
    then_it_works();
}

TEST(terms_in_a_link)
{
    const struct w_script script[] = {
        {.row = "order",
         .status = 403,
         .fields = "Link: <" CA "/terms/2>;rel=\"terms-of-service\"\r\n",
         .body = "{\"type\":\"" URN "userActionRequired\"}"},
        {0}};
    const char *note;

    w_reset();
    CHECK_INT(says(script, &note), ACME_E_TERMS);
    CHECK_STR(w.terms, CA "/terms/2");
    then_it_works();
}

/* What is shown is printable, and bounded. */
TEST(terms_that_would_steer_a_terminal)
{
    static char body[600], want[200];
    struct w_script script[] = {{.row = "order", .status = 403, .body = body}, {0}};
    const char *note;
    size_t len;

    w_reset();
    len = (size_t)snprintf(body, sizeof body,
                           "{\"type\":\"" URN "userActionRequired\",\"instance\":\"" CA
                           "/\\u001b[2J \\u00e4");
    memset(body + len, 'x', 400);
    memcpy(body + len + 400, "\"}", 3);
    CHECK_INT(says(script, &note), ACME_E_TERMS);
    (void)snprintf(want, sizeof want, CA "/?[2J???xx");
    CHECK_MEM(w.terms, want, strlen(want));
    CHECK(strlen(w.terms) < 300);
}

/* -- bounds of URLs and of an order -- */

static char longer[ACME_MAX_URL + 200];

static void long_url(const char *row, const char *find, const char *note_wanted)
{
    const struct w_script script[] = {{.row = row, .find = find, .put = longer}, {0}};
    const char *note;

    w_reset();
    memset(longer, 'l', sizeof longer - 1);
    memcpy(longer, CA "/", strlen(CA) + 1);
    CHECK_INT(says(script, &note), ACME_E_SIZE);
    CHECK_STR(note, note_wanted);
    then_it_works();
}

TEST(urls_above_the_bound)
{
    long_url("directory", CA "/order", "bound: ACME_MAX_URL, for newOrder");
    long_url("account", CA "/acct", "bound: ACME_MAX_URL, for the account");
    long_url("order", CA "/a", "bound: ACME_MAX_URL, for an authorization");
    long_url("authz", CA "/c", "bound: ACME_MAX_URL, for a challenge");
    long_url("look", CA "/f", "bound: ACME_MAX_URL, for finalize");
}

TEST(locations_above_the_bound)
{
    static char field[ACME_MAX_URL + 240];
    const struct w_script order[] = {{.row = "order", .find = "Location: " CA "/o", .put = field},
                                     {0}};
    const struct w_script redirect[] = {
        {.row = "directory", .status = 301, .fields = field, .body = ""}, {0}};
    const char *note;

    memset(longer, 'l', sizeof longer - 1);
    memcpy(longer, CA "/", strlen(CA) + 1);
    w_reset();
    (void)snprintf(field, sizeof field, "Location: %s", longer);
    CHECK_INT(says(order, &note), ACME_E_SIZE);
    CHECK_STR(note, "bound: ACME_MAX_URL, for the order");
    then_it_works();
    w_reset();
    (void)snprintf(field, sizeof field, "Location: %s\r\n", longer);
    CHECK_INT(says(redirect, &note), ACME_E_URL);
    then_it_works();
}

TEST(an_order_above_the_bound)
{
    static char url[ACME_MAX_URL];
    const struct w_script script[] = {{.row = "order", .find = CA "/a", .put = url}, {0}};
    const char *note;

    w_reset();
    w_count(64);
    memset(url, 'l', sizeof url);
    memcpy(url, CA "/", strlen(CA) + 1);
    url[920] = '\0';
    CHECK_INT(says(script, &note), ACME_E_SIZE);
    CHECK_STR(note, "bound: ACME_MAX_ORDER_TEXT");
    then_it_works();
}

/* -- orders without their parts -- */

static void order_lacks(const char *until, const char *body, int err, const char *note_wanted)
{
    const struct w_script script[] = {{.row = "look", .status = 200, .body = body}, {0}};

    w_reset();
    w.until = until;
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    CHECK_INT(w_boot(), ACME_OK);
    w.per_row[ACME_ROW_LOOK] = 0;
    w.script = script;
    CHECK_INT(w_run(0), err);
    w.script = NULL;
    CHECK(strncmp(agent.failure.note, note_wanted, strlen(note_wanted)) == 0);
    then_it_works();
}

TEST(orders_without_their_parts)
{
    order_lacks("authz", "{\"status\":\"pending\"}", ACME_E_REPLY,
                "the order has no authorizations");
    order_lacks("authz", "{\"status\":\"invalid\"}", ACME_E_ORDER, "the order became invalid");
    order_lacks("finalize", "{\"status\":\"ready\",\"authorizations\":[" LINK(0) "]}", ACME_E_REPLY,
                "the order has no finalize URL");
    order_lacks("finalize", "{\"status\":\"valid\",\"authorizations\":[" LINK(0) "]}", ACME_E_ORDER,
                "it is valid, with no certificate URL");
}

TEST(an_authorization_that_is_over)
{
    static const char *const words[] = {"revoked", "expired", "deactivated", "invalid"};

    for (size_t i = 0; i < 4; i++) {
        char body[300];
        const struct w_script script[] = {{.row = "why", .count = 9, .status = 200, .body = body},
                                          {0}};
        const char *note;

        w_reset();
        w.spoil = true;
        (void)snprintf(body, sizeof body,
                       "{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":"
                       "\"n1.example.org\"},\"challenges\":[]}",
                       words[i]);
        CHECK_INT(says(script, &note), ACME_E_VALIDATION);
        CHECK(strstr(note, words[i]) != NULL);
        w.spoil = false;
        then_it_works();
    }
}

/* -- circles -- */

TEST(an_order_that_is_gone_again_and_again)
{
    const struct w_script script[] = {{.row = "look",
                                       .count = 9999,
                                       .status = 404,
                                       .body = "{\"type\":\"" URN "malformed\",\"detail\":\"no\"}"},
                                      {0}};
    const char *note;

    w_reset();
    (void)says(script, &note);
    CHECK(agent.failure.err != ACME_OK);
    CHECK(w.orders_count <= 4);
    then_it_works();
}

TEST(an_order_that_stays_pending)
{
    const struct w_script script[] = {{.row = "look",
                                       .count = 9999,
                                       .status = 200,
                                       .body = "{\"status\":\"pending\",\"finalize\":\"" CA
                                               "/f/0\",\"authorizations\":[" LINK(0) "]}"},
                                      {0}};
    const char *note;
    uint64_t began;

    w_reset();
    began = w.ms;
    CHECK(says(script, &note) != ACME_OK);
    CHECK_INT(agent.failure.err, ACME_E_TIMEOUT);
    CHECK(w.requests < 200 && w.ms - began < 3600 * 1000);
    CHECK_INT(w.certificates, 0);
    then_it_works();
}

/* -- what changes -- */

/* The URL that counts is the one that the CA gave last, also for a challenge that we know. */
TEST(a_challenge_that_moves)
{
    const struct w_script script[] = {
        {.row = "authz", .find = CA "/c", .put = "https://old.example.org/c"},
        {.row = "respond", .count = 9999, .lost = ACME_E_NET},
        {0}};
    const char *note;

    w_reset();
    CHECK_INT(says(script, &note), ACME_E_NET);
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    w_check_pair();
}

/* One of the list was wrong: the next run takes all of it anew. */
TEST(a_list_that_was_wrong_once)
{
    static const char *const puts[] = {"http://ca.example/a", "https://other.example.org/a", ""};

    for (size_t i = 0; i < 3; i++) {
        for (char nth = '0'; nth < '3'; nth++) {
            char find[] = CA "/a/0/?";
            const struct w_script script[] = {{.row = "order", .find = find, .put = puts[i]}, {0}};
            const char *note;

            find[sizeof find - 2] = nth;
            w_reset();
            w_count(3);
            CHECK(says(script, &note) != ACME_OK);
            then_it_works();
            CHECK_INT(w.certificates, 1);
        }
    }
}

/* -- what may be absent -- */

TEST(an_account_without_a_status)
{
    const struct w_script script[] = {{.row = "account", .find = "\"status\"", .put = "\"state\""},
                                      {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_OK);
    w_check_pair();
}

TEST(nobody_listens_to_events)
{
    w_reset();
    w_port.event = NULL;
    config.contact = NULL;
    CHECK_INT(w_issue(0), ACME_OK);
    w_check_pair();
}

RUN()
