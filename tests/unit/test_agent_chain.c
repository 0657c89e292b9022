/* Which of the CA's chains the agent takes (RFC 8555 7.4.2). */
#include "agent_world.h"

static void chain_world(int alternates)
{
    w_reset();
    w.alternates = alternates;
}

/* The issuer at the end of the chain that is stored, and how many certificates it has. */
static const char *leads_to(size_t *count)
{
    static uint8_t room[W_IO];
    static struct acme_cert_facts facts;
    struct acme_span span = {room, sizeof room};
    struct acme_certificate cert;

    CHECK_INT(acme_agent_certificate(&agent, span, &cert), ACME_OK);
    *count = acme_chain_count(&cert.chain);
    CHECK_INT(acme_cert_facts(acme_chain_at(&cert.chain, *count - 1), &facts), ACME_OK);
    return facts.issuer;
}

static void check_chain(const char *root, size_t certificates, int fetched)
{
    size_t count = 0;

    CHECK_STR(leads_to(&count), root);
    CHECK_INT(count, certificates);
    CHECK_INT(w.per_row[ACME_ROW_CERT], fetched);
    w_check_pair();
}

TEST(default_without_a_wish)
{
    chain_world(3);
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 1);
}

TEST(by_the_issuer_at_its_end)
{
    static const char *const roots[] = {"Test CA", "Root 1", "Root 2", "Root 3"};

    for (int i = 0; i < 4; i++) {
        chain_world(3);
        config.preferred_chain = roots[i];
        CHECK_INT(w_issue(0), ACME_OK);
        check_chain(roots[i], 2, i + 1);
        CHECK_INT(w.warnings, 0);
    }
}

TEST(by_key_identifier)
{
    static char hex[100], colons[100];
    uint8_t room[W_IO];
    struct acme_span span = {room, sizeof room};
    struct acme_certificate cert;
    struct acme_cert_facts facts;
    char *h = hex, *c = colons;

    chain_world(0);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(acme_agent_certificate(&agent, span, &cert), ACME_OK);
    CHECK_INT(acme_cert_facts(acme_chain_at(&cert.chain, 1), &facts), ACME_OK);
    for (size_t i = 0; i < facts.authority_key_len; i++) {
        h += sprintf(h, "%02x", facts.authority_key[i]);
        c += sprintf(c, "%s%02X", i > 0 ? ":" : "", facts.authority_key[i]);
    }
    for (int i = 0; i < 4; i++) {
        chain_world(0);
        config.preferred_chain = i == 0 ? hex : colons;
        if (i == 2)
            colons[1] = colons[1] == '0' ? '1' : '0';
        if (i == 3)
            hex[38] = '\0'; /* half of one is none */
        if (i == 3)
            config.preferred_chain = hex;
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.warnings, i >= 2);
    }
}

TEST(default_when_none_leads_there)
{
    chain_world(3);
    config.preferred_chain = "Root 9";
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 5);
    CHECK_INT(w.warnings, 1);
    CHECK(strstr(w.warning, "default chain is taken") != NULL);
    chain_world(0);
    config.preferred_chain = "Root 1";
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 1);
    CHECK_INT(w.warnings, 1);
}

TEST(shortest)
{
    chain_world(3);
    config.shortest_chain = true;
    w.chain_extra = 2;
    w.alternate_extra[1] = 1;
    w.alternate_extra[3] = 3;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Root 2", 2, 5);
    chain_world(2); /* the last one is at hand */
    config.shortest_chain = true;
    w.chain_extra = 2;
    w.alternate_extra[1] = 1;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Root 2", 2, 3);
    chain_world(2); /* the default is the shortest */
    config.shortest_chain = true;
    w.alternate_extra[1] = w.alternate_extra[2] = 1;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 4);
    chain_world(0);
    config.shortest_chain = true;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 1);
    CHECK_INT(w.warnings, 0);
}

TEST(alternate_that_is_no_chain_is_passed_over)
{
    chain_world(3);
    config.preferred_chain = "Root 2";
    w.alternate_bad = 1;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Root 2", 2, 3);
    CHECK_INT(w.warnings, 1);
    chain_world(3);
    config.preferred_chain = "Root 2";
    w.alternate_bad = 2;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 5);
    chain_world(3);
    config.preferred_chain = "Root 3";
    w.alternate_bad = 3;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 5);
}

TEST(shortest_that_is_gone_when_it_is_fetched_again)
{
    static const struct w_script script[] = {
        {.row = "cert", .from = 5, .status = 404, .body = "{}"}, {0}};

    chain_world(3);
    config.shortest_chain = true;
    w.chain_extra = 2;
    w.alternate_extra[1] = 1;
    w.alternate_extra[3] = 3;
    w.script = script;
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 4, 6);
}

TEST(alternate_without_an_answer_costs_one_run)
{
    static const struct w_script script[] = {
        {.row = "cert", .from = 2, .count = 3, .lost = ACME_E_TIMEOUT}, {0}};

    chain_world(1);
    config.preferred_chain = "Root 1";
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_TIMEOUT);
    CHECK_STR(agent.failure.step, "cert");
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    check_chain("Test CA", 2, 5);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w.certificates, 1);
}

TEST(links_within_bounds)
{
    static const char *const links[] = {
        "Link: <http://ca.example/x/0/alt/1>;rel=\"alternate\"",
        "Link: <https://127.0.0.1/x/0/alt/1>;rel=\"alternate\"",
        "Link: </x/0/alt/1>;rel=\"alternate\"",
        "Link: <>;rel=\"alternate\"",
        "Link: <https://ca.example/x/0/alt/1>;rel=\"up\"",
        "Link: <https://ca.example/x/0/alt/1",
    };

    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        chain_world(1);
        config.preferred_chain = "Root 1";
        w.alternate_link = links[i];
        CHECK_INT(w_issue(0), ACME_OK);
        check_chain("Test CA", 2, 1);
    }
    chain_world(1); /* more than are looked at; each is the same */
    config.preferred_chain = "Root 2";
    w.alternate_link = "Link: <https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate, "
                       "<https://ca.example/x/0/alt/1>;rel=alternate";
    CHECK_INT(w_issue(0), ACME_OK);
    check_chain("Test CA", 2, 1 + ACME_MAX_ALTERNATES + 1);
}

RUN()
