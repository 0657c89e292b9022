/* test_dns01_acmedns.c - dns-01 by acme-dns: registrations, values, names, and who is asked. What
 * goes wrong on the way is in test_dns01_acmedns_trouble.c, a whole order in tests/interop. */
#include "acmedns_world.h"

/* ---- the registration ---- */

TEST(a_name_is_registered_and_the_alias_is_told)
{
    fresh();
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    CHECK_STR(api.host, API_HOST);
    CHECK(strncmp(api.request, "POST /register HTTP/1.1\r\nHost: " API_HOST "\r\n", 46) == 0);
    CHECK(strstr(api.request, "\r\n\r\n{}") != NULL && strstr(api.request, "X-Api") == NULL);
    CHECK_STR(solver.account.fulldomain, FULL);
    /* the same again, from its slot; also for a process that has never heard of it */
    s = dns01_acmedns_init(&solver, &port, &(struct dns01_acmedns_config){.url = API});
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    CHECK_INT(api.registered, 1);
    CHECK_INT(medium.writes, 1);
    CHECK_INT(api.updated, 0);
    /* an alias that leads elsewhere */
    add_alias();
    dns.alias_to = "sub-2." API_HOST;
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    dns.alias_to = FULL;
    CHECK_INT(run(PREPARE), ACME_OK);
    CHECK_STR(solver.why, "");
    CHECK_INT(api.connects, 1);
}

/* What is told to a person and not kept would have him add a record that leads nowhere. */
TEST(a_registration_is_kept_before_it_is_told)
{
    struct acme_challenge c = challenge(NAME, KEYAUTH);

    fresh();
    medium.write_err = ACME_E_SLOT_FULL;
    CHECK_INT(run(PREPARE), ACME_E_SLOT_FULL);
    CHECK_STR(solver.why, "");
    CHECK_STR(solver.account.fulldomain, ""); /* who asks gets no CNAME record out of it */
    CHECK_INT(api.registered, 1);
    CHECK_INT(dns.connects, 0);
    medium.write_err = ACME_OK; /* nothing of the first one is used */
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK(strstr(solver.why, " CNAME sub-2." API_HOST ".") != NULL);
    /* a medium that erases: the write comes again, the registration does not */
    fresh();
    CHECK_INT(medium.busy, 0);
    api.slow = true;
    while (medium.reads == 0 || api.registered == 0)
        CHECK_INT(once(BEGIN, &c), ACME_AGAIN);
    medium.busy = 3;
    while (medium.busy > 0) {
        CHECK_INT(once(BEGIN, &c), ACME_AGAIN);
        CHECK_STR(solver.why, "");
        CHECK_INT(dns.connects, 0);
    }
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    CHECK_INT(medium.writes, 4);
    CHECK_INT(api.registered, 1);
}

/* A registration that cannot be read must not be replaced: the CNAME record leads to it. */
TEST(an_unreadable_registration_is_not_replaced)
{
    fresh();
    registered();
    medium.held[0].data[30] ^= 1;
    CHECK_INT(run(BEGIN), ACME_E_SLOT_CORRUPT);
    medium.err = ACME_E_SLOT;
    CHECK_INT(run(BEGIN), ACME_E_SLOT);
    CHECK_STR(solver.account.password, "");
    CHECK_INT(api.connects, 0);
    CHECK_INT(dns.connects, 0);
    medium.err = ACME_OK;
    medium.held[0].data[30] ^= 1;
    medium.busy = 2;
    CHECK_INT(run(BEGIN), ACME_OK);
}

TEST(a_registration_that_makes_no_sense)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "not JSON " SECRET,
        "{\"username\":\"u\",\"password\":\"" SECRET "\",\"subdomain\":\"s\"}",
        "{\"username\":\"u\\r\\nX: y\",\"password\":\"" SECRET "\",\"subdomain\":\"s\","
        "\"fulldomain\":\"s.a.example\"}",
        "{\"username\":\"u\",\"password\":\"" SECRET "\",\"subdomain\":\"s\","
        "\"fulldomain\":\"elsewhere.example\"}",
        "{\"username\":\"u\",\"password\":\"" SECRET "\",\"subdomain\":\"s\","
        "\"fulldomain\":\"s.a.example\",\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}",
    };
    static char wide[3200] = "{\"x\":[0"; /* more nodes than there is room for */

    while (strlen(wide) < 3000)
        strcat(wide, ",0");
    strcat(wide, "]}");
    for (size_t i = 0; i <= sizeof bodies / sizeof bodies[0]; i++) {
        fresh();
        api.trouble = API_STATUS;
        api.times = 99;
        api.status = 201;
        api.body = i < sizeof bodies / sizeof bodies[0] ? bodies[i] : wide;
        CHECK_INT(run(BEGIN), ACME_E_SOLVER);
        CHECK_STR(solver.why, API ": what /register answers makes no sense");
        CHECK_INT(api.connects, 1); /* it will not become better */
        CHECK_INT(medium.writes, 0);
        CHECK_INT(dns.connects, 0);
        CHECK_STR(solver.account.password, "");
        CHECK(memmem(&solver, sizeof solver, SECRET, strlen(SECRET)) == NULL);
    }
    /* 200 is as good as 201 */
    fresh();
    api.trouble = API_STATUS;
    api.times = 1;
    api.status = 200;
    api.body = "{\"username\":\"u\",\"password\":\"p\",\"subdomain\":\"s\","
               "\"fulldomain\":\"S.A.Example.\"}";
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK(strstr(solver.why, " CNAME s.a.example.") != NULL);
}

/* ---- the value ---- */

TEST(a_value_is_sent_and_seen)
{
    static const char request[] = "POST /update HTTP/1.1\r\nHost: " API_HOST "\r\n";

    fresh();
    registered();
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_STR(solver.why, "");
    CHECK(dns_has(FULL, value));
    CHECK_INT(api.updated, 1);
    CHECK(strncmp(api.request, request, sizeof request - 1) == 0);
    CHECK(strstr(api.request, "\r\nX-Api-User: u-1\r\nX-Api-Key: " SECRET "1-Z\r\n") != NULL);
    CHECK(strstr(strstr(api.request, "\r\n\r\n"), value) != NULL);
    CHECK(all_io(0)); /* they were in there */
    CHECK_STR(dns.host, "ns1.test");
    CHECK_INT(run(READY), ACME_OK);
    CHECK_STR(dns.host, "ns2.test");
    CHECK_INT(api.connects, 1);
    CHECK_INT(api.registered, 1);
    CHECK(s->ops->seen == NULL && s->ops->offered == NULL);
    CHECK_INT(s->ops->needs, ACME_NEEDS_EXCHANGE);
}

/* The same value twice would push the other one out. */
TEST(a_value_that_is_there_is_not_sent_again)
{
    struct acme_challenge wild = challenge(NAME, "other"), third = challenge(NAME, "third");

    fresh();
    registered();
    wild.wildcard = true;
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(run_for(BEGIN, &wild), ACME_OK);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(run_for(BEGIN, &wild), ACME_OK);
        CHECK_INT(run(BEGIN), ACME_OK);
    }
    CHECK_INT(api.updated, 2);
    CHECK_INT(api.connects, 2);
    CHECK_INT(run_for(READY, &wild), ACME_OK);
    CHECK_INT(run(READY), ACME_OK);
    CHECK_INT(s->ops->end(s, &wild, ACME_OUTCOME_VALID), ACME_OK);
    CHECK(dns_has(FULL, value) && dns_has(FULL, other)); /* nothing can be undone there */
    CHECK_INT(run_for(BEGIN, &third), ACME_OK);
    CHECK(!dns_has(FULL, value) && dns_has(FULL, other));
    CHECK_INT(api.registered, 1); /* "*.NAME" and NAME share it */
    /* one of the zone's servers does not show it yet: sent */
    fresh();
    registered();
    dns_put(FULL, value);
    dns.lag = 1;
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(api.updated, 1);
}

/* Prepare tells whether all is there, and changes nothing. */
TEST(what_each_job_asks)
{
    struct acme_challenge c = challenge(NAME, KEYAUTH);

    fresh();
    registered();
    c.exchange = NULL; /* it need not talk */
    CHECK_INT(run_for(PREPARE, &c), ACME_OK);
    CHECK_INT(dns.asked[0], 2); /* the zones of the alias and of where it leads */
    CHECK_INT(dns.asked[1] + dns.asked[2], 0);
    CHECK_INT(api.connects, 0);
    /* ready looks for a while, and sends nothing */
    CHECK_INT(run(BEGIN), ACME_OK);
    dns.lag = 5;
    CHECK_INT(run_for(READY, &c), ACME_OK);
    dns.lag = 1000;
    dns.now = 0;
    CHECK_INT(run_for(READY, &c), ACME_E_SOLVER);
    CHECK(dns.now >= DNS01_ACMEDNS_READY_MS && dns.now < DNS01_ACMEDNS_READY_MS + 2000);
    CHECK(strncmp(solver.why, "ns2.test: this server does not show the record in time", 54) == 0);
    CHECK_INT(api.updated, 1);
    /* the alias went away in between */
    dns.lag = 0;
    dns.alias_from = NULL;
    CHECK_INT(run_for(READY, &c), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "does not show the record") != NULL);
    dns_put(OWNER, value);
    CHECK_INT(run_for(READY, &c), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    /* without a registration there is nothing that could be looked at */
    fresh();
    CHECK_INT(run_for(PREPARE, &c), ACME_E_ARG);
    CHECK_INT(run_for(READY, &c), ACME_E_ARG);
    CHECK_INT(api.connects + dns.connects, 0);
}

TEST(urls)
{
    static const struct {
        const char *url, *line;
    } good[] = {
        {API "/", "POST /register HTTP/1.1\r\nHost: " API_HOST "\r\n"},
        {API "///", "POST /register HTTP/1.1\r\nHost: " API_HOST "\r\n"},
        {API ":443/dns/api//", "POST /dns/api/register HTTP/1.1\r\nHost: " API_HOST ":443\r\n"},
    };
    static const char *const bad[] = {"http://auth.example.org", "auth.example.org", "//", "",
                                      "https://u:p@auth.example.org"};
    static char longest[800];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        fresh_with((struct dns01_acmedns_config){.url = good[i].url});
        CHECK_INT(run(PREPARE), ACME_E_SOLVER);
        CHECK_STR(solver.why, ADD);
        CHECK(strncmp(api.request, good[i].line, strlen(good[i].line)) == 0);
        add_alias();
        CHECK_INT(run(BEGIN), ACME_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fresh_with((struct dns01_acmedns_config){.url = bad[i]});
        CHECK_INT(run(PREPARE), ACME_E_SOLVER);
        CHECK(strstr(solver.why, ": a URL is not https") != NULL);
        CHECK_INT(api.connects, 0);
    }
    strcpy(longest, API "/");
    memset(longest + strlen(longest), 'a', sizeof longest - 1 - strlen(longest));
    fresh_with((struct dns01_acmedns_config){.url = longest});
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_STR(solver.why, "the URL of acme-dns is longer than 255 characters: give a shorter one");
    longest[ACMEDNS_URL_MAX + 1] = '\0';
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_INT(api.connects, 0);
    longest[ACMEDNS_URL_MAX] = '\0';
    fresh_with((struct dns01_acmedns_config){.url = longest});
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_INT(api.registered, 1);
}

/* ---- who is asked, and what for ---- */

TEST(what_is_none_of_ours)
{
    struct acme_net deaf = api_net;
    struct acme_challenge c = challenge("192.0.2.7", KEYAUTH);

    fresh();
    c.id_type = ACME_ID_IP;
    CHECK_INT(run_for(BEGIN, &c), ACME_E_DECLINED);
    c = challenge(NAME, KEYAUTH);
    c.type = ACME_CHALLENGE_DNS_ACCOUNT01;
    CHECK_INT(run_for(BEGIN, &c), ACME_E_DECLINED);
    c = challenge(NAME, KEYAUTH);
    c.exchange = NULL;
    CHECK_INT(run_for(BEGIN, &c), ACME_E_DECLINED);
    CHECK_INT(run_for(BEGIN, &(struct acme_challenge){0}), ACME_E_DECLINED);
    c = challenge(NAME, "");
    CHECK_INT(run_for(BEGIN, &c), ACME_E_ARG);
    deaf.resolver = NULL;
    port.net = &deaf;
    CHECK_INT(run(BEGIN), ACME_E_DECLINED);
    CHECK_INT(api.connects + dns.connects + medium.reads, 0);
    /* with a server that a person has named nobody else need be known */
    fresh_with((struct dns01_acmedns_config){
        .url = API, .server = "ns7.test", .server_port = 5301, .ns_port = 5302});
    port.net = &deaf;
    add_alias();
    dns.times = 1;
    dns.trouble = SILENT;
    c = challenge(NAME, KEYAUTH);
    while (dns.connects == 0)
        CHECK_INT(once(BEGIN, &c), ACME_AGAIN);
    CHECK_STR(dns.host, "ns7.test");
    CHECK_INT(dns.port, 5301);
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(run(READY), ACME_OK);
    CHECK_STR(dns.host, "ns2.test");
    CHECK_INT(dns.port, 5302);
}

TEST(names_that_leave_no_room)
{
    char longest[ACME_NAME_ROOM], whole[2 * ACME_NAME_ROOM + 100];
    struct acme_challenge c = challenge(longest, KEYAUTH);

    memset(longest, 'a', sizeof longest);
    for (size_t i = 50; i < sizeof longest; i += 50)
        longest[i] = '.';
    memcpy(longest + 225, ".example.net", 13); /* "_acme-challenge." has 16 */
    fresh();
    CHECK_INT(run_for(PREPARE, &c), ACME_E_SOLVER);
    snprintf(whole, sizeof whole,
             "add this record to the zone: _acme-challenge.%s. CNAME " FULL ".", longest);
    CHECK_STR(solver.why, whole);
    memcpy(longest + 226, ".example.net", 13);
    fresh();
    CHECK_INT(run_for(PREPARE, &c), ACME_E_SOLVER);
    CHECK(strstr(solver.why, ": too long for _acme-challenge before it") != NULL);
    memset(longest + 226, 'a', 15);
    memcpy(longest + 241, ".example.net", 13);
    fresh();
    CHECK_INT(run_for(PREPARE, &c), ACME_E_NAME);
    CHECK_INT(api.connects, 0);
}

RUN()
