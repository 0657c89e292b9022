/* Replies of a CA that is broken or means harm, at every row: refused by name, nothing lost. */
#include "agent_world.h"

struct bad {
    const char *row, *find, *put, *body;
    int err;
    const char *note; /* begins with */
};

#define OTHER "https://ca.example/a/0/0"
#define AUTHZ(identifier, challenges)                                                              \
    "{\"status\":\"pending\",\"identifier\":" identifier ",\"challenges\":" challenges "}"
#define NAME                "{\"type\":\"dns\",\"value\":\"n1.example.org\"}"
#define CHALLENGE(u, token) "[{\"type\":\"http-01\",\"url\":\"" u "\",\"token\":\"" token "\"}]"
#define GOOD_URL            "https://ca.example/c/0/0/0"
#define GOOD_TOKEN          "0123456789012345678901234"

static const struct bad bads[] = {
    {"directory", NULL, NULL, "<html>", ACME_E_JSON, "the directory is not JSON"},
    {"directory", NULL, NULL, "", ACME_E_JSON, "the directory is not JSON"},
    {"directory", NULL, NULL, "[]", ACME_E_JSON, "the directory is not JSON"},
    {"directory", NULL, NULL, "{\"newNonce\":1}", ACME_E_REPLY, "the directory lacks newNonce"},
    {"directory", "newOrder", "neworder", NULL, ACME_E_REPLY, "the directory lacks newOrder"},
    {"directory", "https://ca.example/order", "http://ca.example/order", NULL, ACME_E_URL,
     "the CA's URL for newOrder"},
    {"directory", "https://ca.example/order", "https://127.0.0.1/order", NULL, ACME_E_URL, ""},
    {"directory", "https://ca.example/order", "https://localhost/order", NULL, ACME_E_URL, ""},
    {"directory", "https://ca.example/order", "https://169.254.1.1/order", NULL, ACME_E_URL, ""},
    {"directory", "https://ca.example/order", "https://u@ca.example/", NULL, ACME_E_URL, ""},
    {"directory", "\"meta\":{", "\"meta\":{\"externalAccountRequired\":true,", NULL, ACME_E_BINDING,
     "the directory says externalAccount"},
    {"account", "Location", "X-Location", NULL, ACME_E_REPLY, "newAccount gave no Location"},
    {"account", "https://ca.example/acct", "http://ca.example/acct", NULL, ACME_E_URL, ""},
    {"account", "https://ca.example/acct", "https://[::1]/acct", NULL, ACME_E_URL, ""},
    {"account", "\"valid\"", "\"deactivated\"", NULL, ACME_E_ACCOUNT, "the account's status is"},
    {"order", "Location", "X-Location", NULL, ACME_E_REPLY, "newOrder gave no Location"},
    {"order", "Location: https", "Location: http", NULL, ACME_E_URL, "the CA's URL for the order"},
    {"order", "Location: https://ca.example", "Location: https://169.254.1.1", NULL, ACME_E_URL,
     "the CA's URL for the order"},
    {"order", "\"authorizations\"", "\"x\"", NULL, ACME_E_REPLY, "the order has no auth"},
    {"order", "\"https://ca.example/a/0/0\"", "17", NULL, ACME_E_REPLY, "an authorization is not"},
    {"order", "\"https://ca.example/a/0/0\"", "null", NULL, ACME_E_REPLY, "an authorization is no"},
    {"order", "https://ca.example/a/0/0", "https://10.0.0.1/a", NULL, ACME_E_URL, ""},
    {"order", "https://ca.example/f", "file:///etc", NULL, ACME_E_URL, "the CA's URL for finalize"},
    {"order", "\"pending\"", "\"strange\"", NULL, ACME_E_ORDER, "the order's status is unknown"},
    {"order", "\"pending\"", "17", NULL, ACME_E_ORDER, "the order's status is unknown"},
    {"order", "\"pending\"", "\"canceled\"", NULL, ACME_E_ORDER, "the order's status is canceled"},
    {"order", "\"pending\"", "\"valid\"", NULL, ACME_E_ORDER, "it is valid, "},
    {"order", NULL, NULL, "not JSON", ACME_E_JSON, ""},
    {"order", "\"https://ca.example/a/0/0\"", "\"" OTHER "\",\"" OTHER "\"", NULL, ACME_E_REPLY,
     "two authorizations for n1.example.org"},
    {"authz", NULL, NULL, "{}", ACME_E_REPLY, "an authorization object"},
    {"authz", NULL, NULL, "[]", ACME_E_JSON, ""},
    {"authz", NULL, NULL, AUTHZ("7", "[]"), ACME_E_REPLY, "an authorization object"},
    {"authz", "n1.example.org", "evil.example.org", NULL, ACME_E_REPLY, "an authorization for a"},
    {"authz", "\"challenges\"", "\"wildcard\":true,\"challenges\"", NULL, ACME_E_REPLY,
     "an authorization for a name we did not ask for: *.n1"},
    {"authz", "n1.example.org", "../n1", NULL, ACME_E_REPLY, "an authorization object"},
    {"authz", NULL, NULL, AUTHZ(NAME, "null"), ACME_E_REPLY, "an authorization object"},
    {"authz", NULL, NULL, AUTHZ(NAME, "[]"), ACME_E_NO_SOLVER, "the CA offers nothing that"},
    {"authz", NULL, NULL, AUTHZ(NAME, "[1,null,\"x\",[],{}]"), ACME_E_NO_SOLVER, "the CA offers"},
    {"authz", NULL, NULL, AUTHZ(NAME, "[{\"type\":\"smoke-01\",\"url\":\"" GOOD_URL "\"}]"),
     ACME_E_NO_SOLVER, "the CA offers nothing that is known"},
    {"authz", NULL, NULL, AUTHZ(NAME, CHALLENGE(GOOD_URL, "../../../../etc/passwd-12345")),
     ACME_E_REPLY, "a challenge whose token or URL breaks the grammar"},
    {"authz", NULL, NULL, AUTHZ(NAME, CHALLENGE(GOOD_URL, "short")), ACME_E_REPLY, "a challenge"},
    {"authz", NULL, NULL, AUTHZ(NAME, CHALLENGE(GOOD_URL, "")), ACME_E_REPLY, "a challenge"},
    {"authz", NULL, NULL, AUTHZ(NAME, "[{\"type\":\"http-01\",\"url\":\"" GOOD_URL "\"}]"),
     ACME_E_REPLY, "a challenge whose token"},
    {"authz", NULL, NULL, AUTHZ(NAME, "[{\"type\":\"http-01\",\"token\":\"" GOOD_TOKEN "\"}]"),
     ACME_E_REPLY, "a challenge whose token"},
    {"authz", NULL, NULL, AUTHZ(NAME, CHALLENGE("http://ca.example/c", GOOD_TOKEN)), ACME_E_URL,
     "the CA's URL for a challenge"},
    {"authz", NULL, NULL, AUTHZ(NAME, CHALLENGE("https://192.168.1.1/c", GOOD_TOKEN)), ACME_E_URL,
     "the CA's URL for a challenge"},
    {"authz", "\"status\":\"pending\",\"identifier\"", "\"status\":\"invalid\",\"identifier\"",
     NULL, ACME_E_VALIDATION, "the authorization is invalid"},
    {"authz", "\"status\":\"pending\",\"identifier\"", "\"status\":\"deactivated\",\"identifier\"",
     NULL, ACME_E_VALIDATION, "the authorization is deactivated"},
    {"authz", "\"status\":\"pending\",\"identifier\"", "\"identifier\"", NULL, ACME_E_REPLY,
     "an authorization without"},
    {"look", NULL, NULL, "{}", ACME_E_ORDER, "the order's status is unknown"},
    {"look", NULL, NULL, "nonsense", ACME_E_JSON, ""},
    {"look", "https://ca.example/f/0", "https://10.1.1.1/f", NULL, ACME_E_URL, ""},
    {"finalize", "\"processing\"", "\"invalid\"", NULL, ACME_E_ORDER, "the order became invalid"},
    {"cert", NULL, NULL, "", ACME_E_CERT, "the reply is not a chain"},
    {"cert", NULL, NULL, "{}", ACME_E_CERT, "the reply is not a chain"},
    {"cert", "-----BEGIN CERTIFICATE", "-----BEGIN X509 CRL", NULL, ACME_E_CERT, "the reply is no"},
    {"cert", "\nMII", "\nMIA", NULL, ACME_E_CERT, ""},
};

TEST(crafted_replies_are_refused_by_name)
{
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        const struct bad *b = &bads[i];
        struct w_script script[] = {{.row = b->row,
                                     .count = 99,
                                     .find = b->find,
                                     .put = b->put,
                                     .body = b->body,
                                     .act = true},
                                    {0}};
        int err;

        w_reset();
        w.issue_ms = 5;
        w.script = script;
        err = w_issue(0);
        if (err != b->err)
            test_stop(TEST_FAILED, "%zu %s %s: %s (%s)", i, b->row, b->body ? b->body : b->put,
                      acme_err_name(err), agent.failure.note);
        if (strncmp(agent.failure.note, b->note, strlen(b->note)) != 0)
            test_stop(TEST_FAILED, "%zu %s: note \"%s\"", i, b->row, agent.failure.note);
        if (err != ACME_E_ORDER && err != ACME_E_VALIDATION && strncmp(b->note, "two", 3) != 0)
            CHECK_STR(agent.failure.step, b->row);
        CHECK_INT(w_begun(), 0);
        CHECK(w_slot(ACME_SLOT_CERT_A) == NULL);
        CHECK(w.requests < 40);
        CHECK_INT(w_issue(0), b->err == ACME_E_BINDING ? b->err : ACME_E_HELD);
        w.script = NULL; /* a CA that recovers is used again */
        w_pass(2 * W_DAY);
        CHECK_INT(w_issue(0), ACME_OK);
        w_check_pair();
    }
}

TEST(huge_replies_name_the_bound)
{
    static const char *const rows[] = {"directory", "account", "order", "authz", "look", "cert"};
    static char body[W_IO];

    memset(body, ' ', sizeof body - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct w_script script[] = {{.row = rows[i], .count = 99, .body = body, .act = true}, {0}};

        w_reset();
        w.script = script;
        CHECK_INT(w_issue(0), ACME_E_SIZE);
        CHECK_STR(agent.failure.note, "bound: io, for a reply");
        CHECK_STR(agent.failure.step, rows[i]);
        CHECK_INT(w_begun(), 0);
    }
}

TEST(small_buffers_name_the_bound)
{
    w_reset();
    w_count(100);
    config.memory.scratch.len = 3072;
    CHECK_INT(w_issue(0), ACME_E_SIZE);
    CHECK(strstr(agent.failure.note, "scratch") != NULL);
    w_reset();
    w_count(100);
    config.memory.io.len = 4096;
    CHECK_INT(w_issue(0), ACME_E_SIZE);
    CHECK(strstr(agent.failure.note, "bound: io") != NULL);
    config.memory.io.len = 4095;
    CHECK_INT(w_boot(), ACME_E_SIZE);
}

TEST(a_chain_too_long_is_not_issued_again_and_again)
{
    w_reset();
    w.chain_extra = ACME_MAX_CHAIN_CERTS;
    CHECK_INT(w_issue(0), ACME_E_SIZE);
    CHECK_STR(agent.failure.note, "bound: ACME_MAX_CHAIN_CERTS");
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_E_SIZE);
    CHECK_INT(w.certificates, 1);
    w.chain_extra = 2; /* as a larger bound would */
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.certificates, 1);
    w_check_pair();
}

TEST(wrong_certificates_never_replace_a_good_one)
{
    static const char *const why[] = {"it is for another key than ours",
                                      "it has a name that was not asked for", "it has expired",
                                      "the reply is not a chain of PEM certificates"};
    static uint8_t good[W_IO];

    for (int i = 0; i < 4; i++) {
        size_t len;

        w_reset();
        CHECK_INT(w_issue(0), ACME_OK);
        len = w_slot(ACME_SLOT_CERT_A)->len;
        memcpy(good, w_slot(ACME_SLOT_CERT_A)->data, len);
        w.other_key = i == 0;
        w.other_names = i == 1;
        w.expired = i == 2;
        w.key_inside = i == 3;
        CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_CERT);
        CHECK_STR(agent.failure.note, why[i]);
        CHECK(w_slot(ACME_SLOT_CERT_B) == NULL);
        CHECK_INT(w_slot(ACME_SLOT_CERT_A)->len, len);
        CHECK_MEM(w_slot(ACME_SLOT_CERT_A)->data, good, len);
        w_check_pair();
        CHECK_INT(w_begun(), 0);
    }
}

TEST(an_order_that_is_always_ready_is_not_finalized_for_ever)
{
    static const struct w_script script[] = {
        {.row = "finalize", .count = 999, .status = 200, .body = "{\"status\":\"ready\"}"}, {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_SERVER);
    CHECK(w.per_row[ACME_ROW_FINALIZE] <= 13);
    CHECK(w.ms - 1000000 > 10000);
    CHECK_INT(w_begun(), 0);
}

TEST(an_order_that_stays_pending_with_nothing_to_do_is_given_up)
{
    static const struct w_script script[] = {
        {.row = "order", .find = "\"ready\"", .put = "\"pending\""},
        {.row = "look", .count = 999, .find = "\"ready\"", .put = "\"pending\""},
        {0}};

    w_reset();
    w.authz_reuse = true;
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_ORDER);
    CHECK(w.per_row[ACME_ROW_AUTHZ] >= 2 && w.per_row[ACME_ROW_AUTHZ] <= 13);
    CHECK_INT(w_begun(), 0);
}

TEST(a_refused_csr_ends_the_order)
{
    static const struct w_script script[] = {
        {.row = "finalize",
         .status = 400,
         .body = "{\"type\":\"urn:ietf:params:acme:error:badCSR\",\"detail\":\"no\"}"},
        {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    CHECK_INT(agent.failure.problem.type, ACME_PROBLEM_BAD_CSR);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
}

/* -- redirects -- */

static int redirect(const char *row, const char *fields, int count)
{
    struct w_script script[] = {
        {.row = row, .count = count, .status = 302, .fields = fields, .body = ""}, {0}};
    int err;

    w_reset();
    w.script = script;
    err = w_issue(0);
    w.script = NULL;
    return err;
}

TEST(redirects_of_the_directory_alone)
{
    const char *good = "Location: https://ca.example/dir\r\n";

    CHECK_INT(redirect("directory", good, 5), ACME_OK);
    CHECK_INT(redirect("directory", good, 9999), ACME_E_REPLY);
    CHECK_INT(w.requests, 6);
    CHECK_INT(redirect("directory", "", 1), ACME_E_REPLY);
    CHECK_INT(redirect("directory", "Location: /dir\r\n", 1), ACME_E_URL);
    CHECK_INT(redirect("directory", "Location: http://ca.example/dir\r\n", 1), ACME_E_URL);
    CHECK_INT(redirect("directory", "Location: https://127.0.0.1/dir\r\n", 1), ACME_E_URL);
    CHECK_INT(redirect("account", good, 1), ACME_E_REPLY);
    CHECK_INT(redirect("order", good, 1), ACME_E_REPLY);
    CHECK_INT(redirect("cert", good, 1), ACME_E_REPLY);
    CHECK_INT(redirect("nonce", good, 1), ACME_E_REPLY);
}

/* -- the account -- */

TEST(terms_that_nobody_agreed_to)
{
    w_reset();
    config.terms_agreed = false;
    CHECK_INT(w_issue(0), ACME_E_TERMS);
    CHECK_STR(w.terms, "https://ca.example/terms");
    CHECK_INT(w.accounts, 0);
    CHECK_INT(w.requests, 1);
}

/* Some CAs give terms that are no https URL: a person must see them all the same. */
TEST(terms_are_shown_as_they_are_if_that_is_safe)
{
    static const struct w_script data[] = {
        {.row = "directory", .find = "https://ca.example/terms", .put = "data:text/plain,Do%20it"},
        {0}};
    static const struct w_script bad[] = {
        {.row = "directory", .find = "https://ca.example/terms", .put = "x:\\u001b[2J"}, {0}};

    w_reset();
    config.terms_agreed = false;
    w.script = data;
    CHECK_INT(w_issue(0), ACME_E_TERMS);
    CHECK_STR(w.terms, "data:text/plain,Do%20it");
    w_reset();
    config.terms_agreed = false;
    w.script = bad;
    CHECK_INT(w_issue(0), ACME_E_TERMS);
    CHECK_STR(w.terms, "x:?[2J");
}

TEST(user_action_required_stops)
{
    static const struct w_script script[] = {
        {.row = "order",
         .status = 403,
         .body = "{\"type\":\"urn:ietf:params:acme:error:userActionRequired\",\"detail\":"
                 "\"new terms\"}"},
        {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_TERMS);
    CHECK_STR(agent.failure.problem.detail, "new terms");
    CHECK_INT(w_issue(0), ACME_E_HELD);
}

TEST(an_account_that_is_gone_is_made_again_once)
{
    static const struct w_script script[] = {
        {.row = "order",
         .from = 2,
         .count = 99,
         .status = 400,
         .body = "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}"},
        {0}};
    struct acme_key key;

    w_reset();
    w.until = "look";
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    key = agent.account_key;
    w.account_gone = true;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.registrations, 2);
    CHECK(acme_key_equal(&key, &agent.account_key));
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w_begun(), 0);
    w.script = script;
    w.per_row[ACME_ROW_ORDER] = 1;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_ACCOUNT);
    CHECK_INT(w.registrations, 3);
    CHECK_INT(w.per_row[ACME_ROW_ORDER], 3);
}

RUN()
