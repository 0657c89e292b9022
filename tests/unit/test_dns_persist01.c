/* test_dns_persist01.c - dns-persist-01: is the record there that a person published? Over a small
 * DNS that has any trouble in any exchange; the record itself is test_dns_persist.c's. */
#include "dns_persist01.h"

#include "acme_event.h"
#include "acme_json.h"
#include "dns01_world.h"

#define ISSUER "ca.example"
#define URL    "https://ca.example/acct/1"
#define OTHERS "https://ca.example/acct/2"
#define RECORD ISSUER "; accounturi=" URL
#define PLACE  "_validation-persist." NAME
#define WHERE  ", at _validation-persist before this name"

static struct acme_port port;
static struct dns_persist01 solver;
static struct acme_solver *s;
static struct {
    unsigned count;
    char detail[100];
    int64_t at;
} warned;

static void take_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    CHECK_INT(event->type, ACME_EVENT_WARNING);
    CHECK_STR(event->step, "begin");
    CHECK_STR(event->text, "the record of dns-persist-01 ends soon (persistUntil)");
    CHECK_STR(event->word, "");
    CHECK_INT(event->err, ACME_OK);
    warned.count++;
    warned.at = event->at;
    snprintf(warned.detail, sizeof warned.detail, "%s", event->detail);
}

static struct acme_challenge challenge(const char *name)
{
    struct acme_challenge c = {.type = ACME_CHALLENGE_DNS_PERSIST01,
                               .identifier = name,
                               .id_type = ACME_ID_DNS,
                               .token = "",
                               .key_authorization = "",
                               .account_url = URL};
    return c;
}

static void fresh_with(struct dns_persist01_config config)
{
    world_reset();
    memset(&dns, 0, sizeof dns);
    memset(&warned, 0, sizeof warned);
    dns.now = 1000;
    port = world_port;
    port.net = &net_ops;
    port.now_ms = net_now;
    port.event = take_event;
    config.issuer = ISSUER;
    s = dns_persist01_init(&solver, &port, &config);
}

static void fresh(void)
{
    fresh_with((struct dns_persist01_config){0});
}

/* A record of ours that ends so many seconds from now. */
static void put_until(int64_t seconds)
{
    char text[200];

    snprintf(text, sizeof text, RECORD "; persistUntil=%lld", (long long)(WORLD_NOW + seconds));
    dns_put(PLACE, text);
}

static void given_back(void)
{
    CHECK(!dns.open);
    CHECK_INT(s->ops->poll(s), UINT32_MAX);
}

static int run_for(const struct acme_challenge *c)
{
    for (int i = 0; i < 20000; i++) {
        int ret = s->ops->begin(s, c);
        uint32_t wait = s->ops->poll(s);

        if (ret != ACME_AGAIN) {
            given_back();
            return ret;
        }
        CHECK_INT(wait, 20); /* a word of the network is waited for no longer */
        dns.now += wait;
    }
    test_stop(TEST_FAILED, "no end");
}

static int run(void)
{
    struct acme_challenge c = challenge(NAME);

    return run_for(&c);
}

/* ---- what the records say ---- */

TEST(a_record_that_is_there)
{
    struct acme_challenge c = challenge(NAME);

    fresh();
    dns_put(PLACE, RECORD);
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(solver.verdict, DNS_PERSIST_GOOD);
    CHECK_INT(solver.until, 0);
    CHECK_STR(solver.why, "");
    CHECK_INT(dns.connects, 1); /* its zone is nobody's business */
    CHECK_INT(dns.asked[2], 1);
    CHECK_STR(dns.host, "192.0.2.1");
    CHECK_INT(dns.port, 53);
    CHECK_INT(warned.count, 0);
    CHECK(s->ops->ready == NULL && s->ops->seen == NULL);
    CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(dns_count(), 1); /* it is a person's, and stays */
    /* nothing is remembered: it is looked at each time */
    dns_drop(PLACE, RECORD);
    CHECK_INT(run(), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_ABSENT);
    dns_persist01_close(&solver);
}

TEST(a_record_of_many_strings_is_joined)
{
    char text[1100] = RECORD "; x=";

    fresh();
    memset(text + strlen(text), 'y', 1000);
    dns_put(PLACE, text);
    CHECK_INT(run(), ACME_OK);
    /* its last string is cut */
    fresh();
    dns.beyond = true;
    dns_put(PLACE, RECORD);
    CHECK_INT(run(), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_ABSENT);
}

TEST(an_endless_record_is_not_judged)
{
    char text[DNS_PERSIST_ROOM + 2] = RECORD "; x=";
    size_t len = strlen(text);

    memset(text + len, 'y', sizeof text - 1 - len);
    text[sizeof text - 1] = '\0'; /* one more than there is room for */
    fresh();
    dns_put(PLACE, text);
    CHECK_INT(run(), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_ABSENT);
    text[sizeof text - 2] = '\0';
    fresh();
    dns_put(PLACE, text);
    CHECK_INT(run(), ACME_OK);
}

TEST(each_verdict_has_its_words)
{
    static const struct {
        const char *record;
        bool wildcard;
        enum dns_persist_verdict verdict;
        const char *words;
    } rows[] = {
        {NULL, false, DNS_PERSIST_ABSENT, "no record for this CA is published"},
        {"other.example; accounturi=" URL, false, DNS_PERSIST_ABSENT,
         "no record for this CA is published"},
        {RECORD "; policy", false, DNS_PERSIST_BROKEN, "the record for this CA is broken"},
        {ISSUER "; accounturi=" OTHERS, false, DNS_PERSIST_OTHER_ACCOUNT,
         "the record for this CA is of another account"},
        {RECORD, true, DNS_PERSIST_NO_WILDCARD, "the record has no policy=wildcard"},
        {RECORD "; persistUntil=5", false, DNS_PERSIST_EXPIRED,
         "the record is past its persistUntil"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int others = 0; others < 2; others++) {
            struct acme_challenge c = challenge(NAME);
            char why[DNS_SEEK_WHY];

            fresh_with((struct dns_persist01_config){.others = others != 0});
            c.wildcard = rows[i].wildcard;
            if (rows[i].record != NULL)
                dns_put(PLACE, rows[i].record);
            /* another solver may have its turn, but what is wrong with this one is told */
            CHECK_INT(run_for(&c), others ? ACME_E_DECLINED : ACME_E_SOLVER);
            CHECK_INT(solver.verdict, rows[i].verdict);
            snprintf(why, sizeof why, NAME ": %s" WHERE, rows[i].words);
            CHECK_STR(solver.why, why);
            CHECK_INT(warned.count, 0);
        }
    }
}

/* What a CA or a stranger put there does not take the good one away. */
TEST(the_best_record_counts)
{
    static const char *const records[] = {"v=spf1 -all",
                                          ISSUER,
                                          ISSUER "; accounturi=" OTHERS,
                                          RECORD "; persistUntil=5",
                                          RECORD,
                                          "ca.test; accounturi=https://ca.test/1"};
    const size_t n = sizeof records / sizeof records[0];

    for (size_t first = 0; first < n; first++) {
        fresh();
        for (size_t i = 0; i < n; i++)
            dns_put(PLACE, records[(first + i) % n]);
        CHECK_INT(run(), ACME_OK);
        CHECK_INT(solver.verdict, DNS_PERSIST_GOOD);
        CHECK_INT(solver.until, 0);
    }
    /* worse ones are told by the best of them */
    fresh();
    dns_put(PLACE, RECORD "; persistUntil=5");
    dns_put(PLACE, ISSUER "; accounturi=" OTHERS);
    CHECK_INT(run(), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_EXPIRED);
    CHECK_INT(solver.until, 5);
}

TEST(of_good_ones_the_longest_counts)
{
    fresh();
    put_until(50);
    put_until(70);
    put_until(60);
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(solver.until, WORLD_NOW + 70);
    dns_put(PLACE, RECORD); /* for ever */
    put_until(80);
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(solver.until, 0);
    CHECK_INT(warned.count, 1); /* of the first look */
}

TEST(a_record_that_ends_soon_is_warned_of)
{
    fresh();
    put_until(DNS_PERSIST01_SOON_S);
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(warned.count, 0);
    fresh();
    put_until(DNS_PERSIST01_SOON_S - 1);
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(warned.count, 1);
    CHECK_STR(warned.detail, NAME);
    CHECK_INT(warned.at, WORLD_NOW + DNS_PERSIST01_SOON_S - 1);
    /* nobody listens; and the last second that it is good in */
    fresh();
    put_until(0);
    port.event = NULL;
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(solver.until, WORLD_NOW);
    /* the clock goes on between two looks */
    port.event = take_event;
    world.now++;
    CHECK_INT(run(), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_EXPIRED);
}

TEST(an_alias_leads_to_it)
{
    fresh();
    dns.alias_from = PLACE;
    dns.alias_to = "proofs.other.test";
    dns_put("proofs.other.test", RECORD);
    CHECK_INT(run(), ACME_OK);
    CHECK_INT(dns.connects, 1); /* who is asked has followed it */
    dns_drop("proofs.other.test", RECORD);
    dns_put("elsewhere.test", RECORD);
    CHECK_INT(run(), ACME_E_SOLVER);
}

/* ---- who is asked, and what for ---- */

TEST(a_server_of_ones_own_is_asked)
{
    fresh_with((struct dns_persist01_config){.server = "ns9.test", .server_port = 5353});
    dns_put(PLACE, RECORD);
    CHECK_INT(run(), ACME_OK);
    CHECK_STR(dns.host, "ns9.test");
    CHECK_INT(dns.port, 5353);
}

TEST(what_is_none_of_ours)
{
    struct acme_net deaf = net_ops;
    struct acme_challenge c = challenge("192.0.2.7");

    fresh();
    c.id_type = ACME_ID_IP;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    CHECK_INT(dns_persist01_look(&solver, &c), ACME_E_DECLINED);
    c = challenge(NAME);
    c.type = ACME_CHALLENGE_DNS01;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    /* nobody to ask, but for a server that a person has named */
    deaf.resolver = NULL;
    c = challenge(NAME);
    port.net = &deaf;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    CHECK_INT(dns.connects, 0);
    given_back();
    fresh_with((struct dns_persist01_config){.server = "ns1.test"});
    port.net = &deaf;
    dns_put(PLACE, RECORD);
    CHECK_INT(run(), ACME_OK);
}

TEST(without_a_clock_nothing_is_judged)
{
    fresh();
    dns_put(PLACE, RECORD);
    world.clock_answer = ACME_E_CLOCK;
    CHECK_INT(run(), ACME_E_CLOCK);
    CHECK_INT(dns.connects, 0);
    world.clock_answer = ACME_OK;
    CHECK_INT(run(), ACME_OK);
}

TEST(a_name_that_leaves_no_room)
{
    char longest[ACME_NAME_ROOM];
    struct acme_challenge c;

    memset(longest, 'a', sizeof longest);
    for (size_t i = 50; i < sizeof longest; i += 50)
        longest[i] = '.';
    longest[234] = '\0'; /* "_validation-persist." has 20 */
    fresh();
    c = challenge(longest);
    CHECK_INT(run_for(&c), ACME_E_SOLVER);
    CHECK(strncmp(solver.why, longest, 50) == 0 &&
          strstr(solver.why, ": too long for _validation-persist before it") != NULL);
    CHECK_INT(dns.connects, 0);
    longest[233] = '\0';
    CHECK_INT(run_for(&c), ACME_E_SOLVER);
    CHECK_INT(dns.connects, 1);
    CHECK(strstr(solver.why, "no record for this CA") != NULL);
}

/* The issuer is what a person has configured, and never what a CA says. */
TEST(a_challenge_must_name_the_issuer)
{
    static const struct {
        const char *issuers;
        int err;
    } rows[] = {
        {"[\"ca.example\"]", ACME_OK},
        {"[\"a.test\", \"ca.example\", \"b.test\"]", ACME_OK},
        {"[7, null, [\"x\"], \"ca.example\"]", ACME_OK},
        {"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"ca.example\"]", ACME_OK},
        {"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"ca.example\",\"11\"]",
         ACME_E_DECLINED},
        {"[\"a.test\"]", ACME_E_DECLINED},
        {"[\"CA.example\", \"ca.example.\", \"xca.example\", \"ca.exampl\"]", ACME_E_DECLINED},
        {"[]", ACME_E_DECLINED},
        {"[[\"ca.example\"]]", ACME_E_DECLINED},
        {NULL, ACME_E_DECLINED},
    };
    static union {
        void *align;
        uint8_t bytes[16384];
    } arena;
    struct acme_challenge_object o = {.type = ACME_CHALLENGE_DNS_PERSIST01};

    fresh();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        solver.why[0] = '\0';
        o.issuers = NULL;
        if (rows[i].issuers != NULL)
            CHECK_INT(acme_json_parse(acme_slice_text(rows[i].issuers),
                                      (struct acme_span){arena.bytes, sizeof arena.bytes},
                                      &o.issuers),
                      ACME_OK);
        if (s->ops->offered(s, &o) != rows[i].err)
            test_stop(TEST_FAILED, "%s", rows[i].issuers != NULL ? rows[i].issuers : "none");
        CHECK_STR(solver.why, rows[i].err == ACME_OK ? ""
                                                     : ISSUER
                                  ": the CA's challenge does not name this issuer: is it "
                                  "the right CA?");
    }
    /* of another type: no word about it */
    solver.why[0] = '\0';
    o.type = ACME_CHALLENGE_DNS01;
    CHECK_INT(s->ops->offered(s, &o), ACME_E_DECLINED);
    CHECK_STR(solver.why, "");
}

/* ---- trouble on the way ---- */

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
               {CUT, ACME_E_REPLY},
               {SHORT, ACME_E_REPLY},
               {LONG, ACME_E_SIZE},
               {RCODE, ACME_E_SERVER}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        fresh();
        dns_put(PLACE, RECORD);
        dns_put(PLACE, ISSUER "; accounturi=" OTHERS);
        dns.trouble = all[i].trouble;
        dns.rcode = DNS_SERVFAIL;
        dns.times = 1;
        CHECK_INT(run(), ACME_OK);
        CHECK_STR(solver.why, "");
        CHECK_INT(dns.connects, 2);
        CHECK_STR(dns.host, "192.0.2.2"); /* another server is asked */
        /* for ever: a part of an answer is not believed, be it good */
        fresh_with((struct dns_persist01_config){.others = true});
        dns_put(PLACE, RECORD);
        dns_put(PLACE, ISSUER "; accounturi=" OTHERS);
        dns.trouble = all[i].trouble;
        dns.rcode = DNS_SERVFAIL;
        dns.times = 99;
        CHECK_INT(run(), all[i].err);
        CHECK(strstr(solver.why, "the system's DNS server: ") != NULL);
        CHECK_INT(dns.connects, DNS_SEEK_TRIES);
    }
}

/* A call that does not come to an end: what is asked next must not get its answer. */
TEST(another_challenge_asks_again)
{
    struct acme_challenge c = challenge(NAME), b = challenge("b.example.net");

    fresh();
    dns.drip = true;
    dns_put(PLACE, RECORD);
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK(dns.open);
    CHECK_INT(s->ops->poll(s), 20);
    CHECK_INT(dns.connects, 1);
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN); /* the same goes on */
    CHECK_INT(dns.connects, 1);
    c.wildcard = true;
    CHECK_INT(run_for(&c), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_NO_WILDCARD);
    CHECK_INT(dns.connects, 2);
    c.wildcard = false;
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK_INT(run_for(&b), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_ABSENT);
    CHECK_INT(dns.connects, 4);
    CHECK_INT(run_for(&c), ACME_OK);
    /* the account may become known in the middle: the text is lent for one call */
    c.account_url = OTHERS;
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    c.account_url = URL;
    CHECK_INT(run_for(&c), ACME_OK);
    CHECK_INT(dns.connects, 6);
    c.account_url = OTHERS;
    CHECK_INT(run_for(&c), ACME_E_SOLVER);
    CHECK_INT(solver.verdict, DNS_PERSIST_OTHER_ACCOUNT);
}

TEST(an_end_in_the_middle_gives_the_connection_back)
{
    struct acme_challenge c = challenge(NAME);

    for (int close = 0; close < 2; close++) {
        fresh();
        dns.drip = true;
        dns_put(PLACE, RECORD);
        CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
        CHECK(dns.open);
        if (close)
            dns_persist01_close(&solver);
        else
            CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN), ACME_OK);
        given_back();
        CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN), ACME_OK);
        CHECK_INT(run(), ACME_OK);
        CHECK_INT(dns.connects, 2);
    }
}

RUN()
