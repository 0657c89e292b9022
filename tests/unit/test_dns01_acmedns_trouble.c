/* test_dns01_acmedns_trouble.c - dns-01 by acme-dns: refusals, trouble on the way, jobs that do not
 * come to their end, and the exchange that is lent for them */
#include "acmedns_world.h"

static const struct acme_anchors of_api = {NULL, 2};

/* ---- refusals, and trouble on the way ---- */

static void all_is_told(enum api_trouble trouble, unsigned status, unsigned tries,
                        const char *words)
{
    for (int job = 0; job < 2; job++) {
        char why[200];

        fresh();
        if (job == 1)
            registered();
        api.trouble = trouble;
        api.times = 99;
        api.status = status;
        api.body = "{\"error\": \"" SECRET "\"}";
        CHECK_INT(run(BEGIN), ACME_E_SOLVER);
        snprintf(why, sizeof why, API ": %s", words);
        CHECK_STR(solver.why, why);
        CHECK_INT(api.connects, tries);
        for (unsigned i = 1; i < tries; i++)
            CHECK(api.asked_ms[i] - api.asked_ms[i - 1] >= DNS01_ACMEDNS_PAUSE_MS);
        CHECK_INT(medium.writes, job);
    }
}

TEST(refusals_are_told_at_once)
{
    static const struct {
        unsigned status;
        const char *words;
    } rows[] = {{400, "HTTP 400"}, {404, "HTTP 404"}, {302, "HTTP 302"}, {204, "HTTP 204"}};
    static const unsigned forbidden[] = {401, 403};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        all_is_told(API_STATUS, rows[i].status, 1, rows[i].words);
    for (size_t i = 0; i < 2; i++) {
        for (int job = 0; job < 2; job++) {
            char why[200];

            fresh();
            if (job == 1)
                registered();
            api.trouble = API_STATUS;
            api.times = 99;
            api.status = forbidden[i];
            api.body = "";
            CHECK_INT(run(BEGIN), ACME_E_SOLVER);
            snprintf(why, sizeof why, API ": %s (HTTP %u)",
                     job == 1 ? "it refuses our registration" : "registration is not allowed there",
                     forbidden[i]);
            CHECK_STR(solver.why, why);
            CHECK_INT(api.connects, 1);
        }
    }
    /* only a registration is created */
    fresh();
    registered();
    api.trouble = API_STATUS;
    api.times = 1;
    api.status = 201;
    api.body = "{}";
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK_STR(solver.why, API ": HTTP 201");
}

TEST(what_may_pass_is_tried_again_and_then_told)
{
    static const struct {
        enum api_trouble trouble;
        unsigned status, tries;
        int err;
    } rows[] = {
        {API_STATUS, 429, 3, 0},
        {API_STATUS, 500, 3, 0},
        {API_STATUS, 503, 3, 0},
        {API_REFUSED, 0, 3, ACME_E_NET},
        {API_NO_TLS, 0, 3, ACME_E_TLS},
        {API_UNSENT, 0, 3, ACME_E_NET},
        {API_SILENT, 0, 3, ACME_E_TIMEOUT},
        {API_STATUS, 0, 3, ACME_E_HTTP},
        /* these do not pass */
        {API_UNTRUSTED, 0, 1, ACME_E_TLS_TRUST},
        {API_HUGE, 201, 1, ACME_E_SIZE},
    };

    CHECK_INT(DNS01_ACMEDNS_TRIES, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char words[20];

        snprintf(words, sizeof words, "HTTP %u", rows[i].status);
        all_is_told(rows[i].trouble, rows[i].status, rows[i].tries,
                    rows[i].err != 0 ? acme_err_words(rows[i].err) : words);
        if (rows[i].tries == 1)
            continue;
        for (unsigned at = 0; at < 2; at++) { /* /register, then /update */
            fresh();
            add_alias();
            api.trouble = rows[i].trouble;
            api.status = rows[i].status;
            api.body = "";
            api.at = at;
            api.times = 2;
            CHECK_INT(run(BEGIN), ACME_OK);
            CHECK_STR(solver.why, "");
            CHECK_INT(api.connects, 4);
            CHECK_INT(api.registered, 1);
            CHECK_INT(api.updated, 1);
        }
    }
}

/* The value may be there all the same: it is looked at before it is sent again. */
TEST(a_reply_that_is_lost_does_not_send_a_value_twice)
{
    static const enum api_trouble lost[] = {API_LOST, API_CUT, API_NO_HTTP};

    for (size_t i = 0; i < 3; i++) {
        struct acme_challenge wild = challenge(NAME, "other"), c = challenge(NAME, KEYAUTH);
        unsigned asked;

        fresh();
        registered();
        CHECK_INT(run_for(BEGIN, &wild), ACME_OK);
        api.trouble = lost[i];
        api.at = 1;
        api.times = 99;
        while (api.updated < 2)
            CHECK_INT(once(BEGIN, &c), ACME_AGAIN);
        asked = dns.connects;
        CHECK_INT(once(BEGIN, &c), ACME_AGAIN); /* after the pause: it has to reach the servers */
        CHECK_INT(dns.connects, asked);
        CHECK_INT(run(BEGIN), ACME_OK);
        CHECK_STR(solver.why, "");
        CHECK_INT(api.connects, 2);
        CHECK_INT(api.updated, 2);
        CHECK(dns_has(FULL, value) && dns_has(FULL, other));
    }
}

TEST(trouble_of_dns_is_told)
{
    fresh();
    registered();
    dns.trouble = RCODE;
    dns.rcode = DNS_SERVFAIL;
    dns.times = 1;
    CHECK_INT(run(BEGIN), ACME_OK);       /* once is borne */
    for (unsigned at = 0; at < 5; at++) { /* SOA, SOA, NS, TXT, TXT */
        fresh();
        registered();
        dns.trouble = RCODE;
        dns.rcode = DNS_SERVFAIL;
        dns.at = at;
        dns.times = 99;
        if (at == 4)
            dns_put(FULL, value);
        CHECK_INT(run(BEGIN), ACME_E_SERVER);
        CHECK(strstr(solver.why, acme_err_words(ACME_E_SERVER)) != NULL);
        CHECK_INT(api.connects, 0); /* nobody knows what is there */
    }
}

/* ---- the exchange is lent ---- */

TEST(two_sets_of_anchors_are_kept_apart)
{
    struct acme_url url;
    struct acme_reply reply;

    fresh_with((struct dns01_acmedns_config){.url = API, .anchors = &of_api});
    add_alias();
    api.slow = true;
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK(api.anchors == &of_api);
    /* a CA on the same host: its connection is trusted for another reason */
    api.slow = false;
    CHECK_INT(acme_url_read(acme_slice_text(API "/dir"), &url), ACME_OK);
    snprintf((char *)io, sizeof io,
             "GET /dir HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n");
    CHECK_INT(acme_exchange_start(&x, &url, strlen((char *)io), false), ACME_OK);
    CHECK_INT(acme_exchange_poll(&x, &reply), ACME_OK);
    CHECK(api.session && api.anchors == &of_ca);
    dns_drop(FULL, value);
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK(api.anchors == &of_api);
    CHECK_INT(api.updated, 2);
    fresh();
    registered();
    CHECK(api.anchors == &of_ca); /* no others are given */
}

TEST(a_small_buffer_is_told)
{
    fresh();
    registered();
    x.io.len = 250;
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK_STR(solver.why, API ": a compiled-in bound is too small");
    CHECK_INT(api.connects, 0);
}

/* ---- one challenge at a time ---- */

/* Up to the given moment of begin: a request or a question is under way. */
static void until_under_way(const struct acme_challenge *c, bool request)
{
    for (int i = 0; i < 20000 && !(request ? api.request_len > 60 : dns.open); i++) {
        CHECK_INT(once(BEGIN, c), ACME_AGAIN);
        dns.now += 20;
    }
    CHECK(request ? api.sock : dns.open);
}

TEST(another_name_begins_anew)
{
    struct acme_challenge wild = challenge(NAME, "other"), new = challenge("c.example.net", "");
    struct acme_challenge a = challenge(NAME, KEYAUTH), b = challenge("b.example.net", KEYAUTH);

    for (int request = 0; request < 2; request++) {
        for (int there = 0; there < 2; there++) {
            fresh();
            registered();
            dns.alias_from = "_acme-challenge.b.example.net";
            dns.alias_to = "sub-2." API_HOST;
            CHECK_INT(run_for(BEGIN, &b), ACME_OK);
            if (!there)
                dns_drop("sub-2." API_HOST, value);
            add_alias();
            api.slow = dns.drip = true;
            api.request_len = 0;
            until_under_way(&a, request != 0);
            dns.alias_from = "_acme-challenge.b.example.net";
            dns.alias_to = "sub-2." API_HOST;
            CHECK_INT(run_for(BEGIN, &b), ACME_OK);
            CHECK_INT(api.updated, there ? 1 : 2);
            CHECK(dns_has("sub-2." API_HOST, value) && !dns_has(FULL, value));
            /* another value of the same name, too */
            add_alias();
            until_under_way(&a, false);
            CHECK_INT(run_for(BEGIN, &wild), ACME_OK);
            CHECK(dns_has(FULL, other) && !dns_has(FULL, value));
            /* one that has to be registered first: its request finds no question under way */
            until_under_way(&a, false);
            CHECK_INT(run_for(PREPARE, &new), ACME_E_SOLVER);
            CHECK(strstr(solver.why, "_acme-challenge.c.example.net. CNAME sub-3.") != NULL);
        }
    }
}

TEST(an_end_in_the_middle)
{
    struct acme_challenge a = challenge(NAME, KEYAUTH);

    for (int request = 0; request < 2; request++) {
        fresh();
        registered();
        api.slow = dns.drip = true;
        api.request_len = 0;
        until_under_way(&a, request != 0);
        if (request)
            acme_exchange_close(&x); /* its owner does */
        CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_OK);
        CHECK(!dns.open && x.anchors == &of_ca);
        CHECK_INT(s->ops->end(s, &a, ACME_OUTCOME_UNKNOWN), ACME_OK);
        CHECK_INT(run(BEGIN), ACME_OK);
        CHECK_INT(api.updated, 1);
    }
}

TEST(a_close_wipes)
{
    struct acme_challenge a = challenge(NAME, KEYAUTH);

    fresh();
    registered();
    CHECK(strstr(solver.account.password, SECRET) != NULL);
    CHECK(memmem(solver.seek.buf, sizeof solver.seek.buf, SECRET, strlen(SECRET)) == NULL);
    dns.drip = true;
    until_under_way(&a, false);
    dns01_acmedns_close(&solver);
    CHECK(!dns.open);
    CHECK(memmem(&solver, sizeof solver, SECRET, strlen(SECRET)) == NULL);
    CHECK_STR(solver.account.username, "");
    CHECK_STR(solver.account.fulldomain, "");
    CHECK_INT(run(BEGIN), ACME_OK); /* it is in its slot */
    dns01_acmedns_close(&solver);
    dns01_acmedns_close(&solver);
}

RUN()
