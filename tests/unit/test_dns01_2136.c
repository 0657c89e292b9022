/* test_dns01_2136.c - dns-01 by DNS UPDATE against a small DNS that has any trouble in any
 * exchange. Real servers are in tests/interop/test_dns01.py. */
#include "dns01_world.h"

#define TOKEN   "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define KEYAUTH TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

enum job { BEGIN, READY, END };

static struct acme_port port;
static struct dns01_2136 solver;
static struct acme_solver *s;
static char value[44];

static struct acme_challenge challenge(const char *name, const char *text)
{
    struct acme_challenge c = {.type = ACME_CHALLENGE_DNS01,
                               .identifier = name,
                               .id_type = ACME_ID_DNS,
                               .token = TOKEN,
                               .key_authorization = text,
                               .account_url = "https://ca.test/1"};
    return c;
}

static void fresh_with(struct dns01_2136_config config)
{
    uint8_t digest[ACME_SHA256_SIZE];

    world_reset();
    memset(&dns, 0, sizeof dns);
    dns.servers = 2;
    dns.now = 1000;
    dns.key = (struct dns_tsig_key){.name = "k1.test", .hash = 32, .len = 32, .secret = {1, 2, 3}};
    port = world_port;
    port.net = &net_ops;
    port.now_ms = net_now;
    config.key = &dns.key;
    s = dns01_2136_init(&solver, &port, &config);
    CHECK_INT(acme_sha256(KEYAUTH, strlen(KEYAUTH), digest), ACME_OK);
    CHECK_INT(acme_b64url_encode(value, 43, digest, sizeof digest), 43);
    value[43] = '\0';
}

static void fresh(void)
{
    fresh_with((struct dns01_2136_config){.server = "ns1.test"});
}

static int once(enum job job, const struct acme_challenge *c)
{
    return job == BEGIN   ? s->ops->begin(s, c)
           : job == READY ? s->ops->ready(s, c)
                          : s->ops->end(s, c, ACME_OUTCOME_VALID);
}

/* Until it is done: time goes by as the solver asks for, or a millisecond where bytes drip. */
static int run_for(enum job job, const struct acme_challenge *c)
{
    int ret;

    for (int i = 0; i < 20000; i++) {
        uint32_t wait;

        ret = once(job, c);
        if (ret != ACME_AGAIN) {
            CHECK(!dns.open);
            return ret;
        }
        wait = s->ops->poll(s);
        CHECK(wait <= DNS_SEEK_LIMIT_MS);
        dns.now += dns.drip ? 1 : wait < 250 ? wait : 250;
    }
    test_stop(TEST_FAILED, "no end");
}

static int run(enum job job)
{
    struct acme_challenge c = challenge(NAME, KEYAUTH);

    return run_for(job, &c);
}

/* ---- without trouble ---- */

TEST(a_record_is_added_seen_and_removed)
{
    fresh();
    dns_put(OWNER, "of somebody else");
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK(dns_has(OWNER, value));
    CHECK_INT(dns.connects, 2);
    CHECK_STR(dns.host, "ns1.test");
    CHECK_INT(dns.port, 53);
    CHECK_INT(run(BEGIN), ACME_OK); /* again, after a resume */
    CHECK_INT(dns_count(), 2);
    dns.connects = 0;
    CHECK_INT(run(READY), ACME_OK);
    CHECK_INT(dns.connects, 4); /* SOA, NS, TXT of two servers */
    CHECK_STR(dns.host, "ns2.test");
    CHECK_INT(run(END), ACME_OK);
    CHECK(!dns_has(OWNER, value) && dns_has(OWNER, "of somebody else"));
    CHECK_INT(run(END), ACME_OK);
    CHECK_STR(solver.why, "");
}

TEST(two_values_of_one_name_live_side_by_side)
{
    struct acme_challenge a = challenge(NAME, KEYAUTH), b = challenge(NAME, TOKEN ".other");

    fresh();
    b.wildcard = true;
    CHECK_INT(run_for(BEGIN, &a), ACME_OK);
    CHECK_INT(run_for(BEGIN, &b), ACME_OK);
    CHECK_INT(dns_count(), 2);
    CHECK_INT(run_for(READY, &a), ACME_OK);
    CHECK_INT(run_for(READY, &b), ACME_OK);
    CHECK_INT(run_for(END, &b), ACME_OK);
    CHECK_INT(dns_count(), 1);
    CHECK(dns_has(OWNER, value));
    CHECK_INT(run_for(END, &a), ACME_OK);
    CHECK_INT(dns_count(), 0);
}

/* Each send and each recv says "not yet" before each byte. */
TEST(bytes_may_come_one_by_one)
{
    fresh();
    dns.drip = true;
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(run(READY), ACME_OK);
    CHECK(dns_has(OWNER, value));
    CHECK_INT(run(END), ACME_OK);
    CHECK_INT(dns_count(), 0);
    CHECK_INT(dns.connects, 8); /* no exchange was tried again */
}

TEST(who_is_asked)
{
    struct acme_challenge c = challenge("192.0.2.7", KEYAUTH);

    fresh();
    c.id_type = ACME_ID_IP;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    c = challenge(NAME, "");
    CHECK_INT(s->ops->begin(s, &c), ACME_E_ARG);
    CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "account's key") != NULL);
    CHECK_INT(dns.connects, 0);
    /* the primary alone */
    fresh_with(
        (struct dns01_2136_config){.server = "ns1.test", .only_primary = true, .port = 5353});
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(dns.port, 5353);
    dns.connects = 0;
    CHECK_INT(run(READY), ACME_OK);
    CHECK_INT(dns.connects, 2);
    CHECK_INT(dns.asked[1], 0);
    /* the system's servers tell who the primary is; another one is asked when the first is silent
     */
    fresh_with((struct dns01_2136_config){0});
    dns.trouble = REFUSED_CONNECTION;
    dns.times = 1;
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(dns.connects, 3);
    CHECK_STR(dns.host, "ns1.test");
    CHECK(dns_has(OWNER, value));
    port.net = NULL;
}

TEST(an_alias_is_followed)
{
    fresh();
    dns.alias_from = OWNER;
    dns.alias_to = "here.example.net";
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK(dns_has("here.example.net", value));
    CHECK_INT(run(READY), ACME_OK);
    CHECK_INT(run(END), ACME_OK);
    CHECK_INT(dns_count(), 0);
    fresh();
    dns.alias_loop = true;
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "too many aliases") != NULL);
    CHECK_INT(dns.asked[0], DNS_SEEK_ALIASES + 1);
    /* a parent's alias is none of ours */
    fresh();
    dns.alias_from = NAME;
    dns.alias_to = "elsewhere.test";
    dns.trouble = RCODE;
    dns.rcode = DNS_REFUSED;
    dns.times = 1;
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK(dns_has(OWNER, value));
}

TEST(a_server_that_knows_only_the_apex)
{
    fresh();
    dns.trouble = RCODE;
    dns.rcode = DNS_REFUSED;
    dns.times = 2; /* _acme-challenge.dev., dev. */
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK_INT(dns.connects, 4);
    CHECK(dns_has(OWNER, value));
    fresh();
    dns.trouble = RCODE;
    dns.rcode = DNS_NOTAUTH;
    dns.times = 99;
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "no zone of this name") != NULL);
    CHECK_INT(dns.connects, 4); /* up to "net" */
}

TEST(a_zone_that_was_not_asked_about_is_not_taken)
{
    fresh();
    dns.foreign = true;
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "no zone of this name") != NULL);
    CHECK_INT(dns.updates, 0);
}

/* ---- trouble on the way ---- */

/* In each exchange of each job: once, and it goes on; always, and it ends with that error. */
TEST(trouble_on_the_way_is_borne_or_told)
{
    static const struct {
        enum trouble trouble;
        int err;
    } all[] = {{REFUSED_CONNECTION, ACME_E_NET},
               {RESET_SENDING, ACME_E_NET},
               {RESET_READING, ACME_E_NET},
               {ENDED_READING, ACME_E_CLOSED},
               {SILENT, ACME_E_TIMEOUT},
               {WRONG_ID, ACME_E_REPLY},
               {NO_ANSWER, ACME_E_REPLY},
               {CUT, ACME_E_REPLY},
               {SHORT, ACME_E_REPLY},
               {LONG, ACME_E_SIZE},
               {EMPTY, ACME_E_REPLY},
               {RCODE, ACME_E_SERVER}};
    static const struct {
        enum job job;
        unsigned exchanges;
    } jobs[] = {{BEGIN, 2}, {READY, 4}, {END, 2}};

    for (size_t t = 0; t < sizeof all / sizeof all[0]; t++) {
        for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++) {
            for (unsigned at = 0; at < jobs[j].exchanges; at++) {
                bool look = jobs[j].job == READY && at >= 2;
                int err;

                for (int always = 0; always < 2; always++) {
                    fresh();
                    if (jobs[j].job != BEGIN)
                        dns_put(OWNER, value);
                    dns.trouble = all[t].trouble;
                    dns.rcode = DNS_SERVFAIL;
                    dns.at = at;
                    dns.times = always ? 1000000 : 1;
                    err = run(jobs[j].job);
                    if (!always) {
                        CHECK_INT(err, ACME_OK);
                        CHECK_INT(dns.connects, jobs[j].exchanges + 1);
                        CHECK_INT(dns_has(OWNER, value), jobs[j].job != END);
                        CHECK_STR(solver.why, "");
                        continue;
                    }
                    CHECK_INT(err, look && all[t].err == ACME_E_REPLY ? ACME_E_SOLVER : all[t].err);
                    CHECK(solver.why[0] != '\0');
                    if (look)
                        CHECK(dns.now - 1000 >= DNS01_2136_READY_MS);
                    else
                        CHECK_INT(dns.connects, at + DNS_SEEK_TRIES);
                }
            }
        }
    }
}

TEST(a_slow_server_is_waited_for)
{
    fresh();
    CHECK_INT(run(BEGIN), ACME_OK);
    dns.lag = 30;
    CHECK_INT(run(READY), ACME_OK);
    CHECK_INT(dns.asked[2], 32);
    CHECK(dns.now >= 30000 && dns.now < 60000);
    fresh_with((struct dns01_2136_config){.server = "ns1.test", .ready_ms = 5000});
    CHECK_INT(run(BEGIN), ACME_OK);
    dns.lag = 1000;
    CHECK_INT(run(READY), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "ns2.test: this server does not show the record in time") != NULL);
    CHECK(dns.now < 10000);
}

TEST(a_zone_of_too_many_servers_is_refused)
{
    fresh();
    dns_put(OWNER, value);
    dns.servers = DNS_SEEK_SERVERS;
    CHECK_INT(run(READY), ACME_OK);
    dns.servers++;
    CHECK_INT(run(READY), ACME_E_SOLVER);
    CHECK(strstr(solver.why, "DNS_SEEK_SERVERS") != NULL);
    dns.servers = 0;
    CHECK_INT(run(READY), ACME_E_REPLY);
}

/* ---- refusals, and signatures that are not right ---- */

static void refused(enum trouble trouble, unsigned rcode, unsigned tsig_error, const char *word)
{
    fresh();
    dns.trouble = trouble;
    dns.rcode = rcode;
    dns.tsig_error = tsig_error;
    dns.at = 1; /* the UPDATE */
    dns.times = 99;
    CHECK_INT(run(BEGIN), ACME_E_SOLVER);
    if (strstr(solver.why, word) == NULL)
        test_stop(TEST_FAILED, "no \"%s\" in \"%s\"", word, solver.why);
    CHECK_INT(dns.connects, 2); /* it is not asked again */
}

TEST(a_refused_update_ends_at_once_in_words)
{
    refused(RCODE, DNS_REFUSED, 0, "REFUSED");
    refused(RCODE, DNS_NOTAUTH, 0, "NOTAUTH");
    refused(RCODE, 10, 0, "refuses the UPDATE");
    refused(TSIG_ERROR, 0, DNS_TSIG_BADKEY, "BADKEY");
    refused(TSIG_ERROR, 0, DNS_TSIG_BADSIG, "BADSIG");
    refused(TSIG_ERROR, 0, DNS_TSIG_BADTIME, "BADTIME");
    refused(TSIG_ERROR, 0, DNS_TSIG_BADTRUNC, "BADTRUNC");
}

TEST(an_answer_that_anybody_could_have_made_is_not_believed)
{
    refused(UNSIGNED, 0, 0, "not signed");
    refused(WRONG_SIGNATURE, 0, 0, "wrong");
    refused(OTHER_REQUEST, 0, 0, "wrong");
    refused(LATE, 0, 0, "not of now");
}

TEST(without_a_key_nothing_is_signed)
{
    struct dns01_2136_config config = {.server = "ns1.test"};

    fresh_with(config);
    dns.key.len = 0;
    s = dns01_2136_init(&solver, &port, &config);
    CHECK_INT(run(BEGIN), ACME_OK);
    CHECK(dns_has(OWNER, value));
}

/* ---- one challenge at a time ---- */

TEST(another_challenge_begins_anew)
{
    struct acme_challenge a = challenge(NAME, KEYAUTH), b = challenge("b.example.net", KEYAUTH);

    fresh();
    dns.drip = true;
    CHECK_INT(once(BEGIN, &a), ACME_AGAIN);
    CHECK(dns.open);
    CHECK_INT(run_for(BEGIN, &b), ACME_OK); /* the fake network has one socket: a's was closed */
    CHECK(dns_has("_acme-challenge.b.example.net", value) && dns_count() == 1);
    CHECK_INT(run_for(BEGIN, &a), ACME_OK);
    CHECK_INT(dns_count(), 2);
    /* the other value of a name is another challenge */
    CHECK_INT(once(END, &a), ACME_AGAIN);
    b = challenge(NAME, TOKEN ".other");
    CHECK_INT(run_for(END, &b), ACME_OK);
    CHECK_INT(dns_count(), 2);
    CHECK_INT(once(END, &a), ACME_AGAIN);
    dns01_2136_close(&solver);
    CHECK(!dns.open);
}

TEST(a_name_that_leaves_no_room)
{
    char longest[ACME_NAME_ROOM];
    struct acme_challenge c;

    memset(longest, 'a', sizeof longest);
    for (size_t i = 50; i < sizeof longest; i += 50)
        longest[i] = '.';
    longest[245] = '\0';
    fresh();
    c = challenge(longest, KEYAUTH);
    CHECK_INT(s->ops->begin(s, &c), ACME_E_SOLVER);
    CHECK(strncmp(solver.why, longest, 50) == 0 && strstr(solver.why, ": too long") != NULL);
    CHECK_INT(dns.connects, 0);
}

RUN()
