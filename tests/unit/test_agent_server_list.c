/* The agent and several CAs: the list of them changes, or cannot be used. */
#include "acme_steps.h"
#include "agent_servers.h"

TEST(a_list_is_no_change_of_the_certificate)
{
    servers(0); /* as older firmware: one server, no list */
    CHECK_INT(attempt(), ACME_OK);
    config.more_servers = more;
    config.more_servers_count = 2;
    config.staging.url = "https://ca3.example/dir";
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    config.directory_url = SECOND; /* another order of the same */
    config.more_servers = &(struct acme_server){.url = FIRST};
    config.more_servers_count = 1;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_STR(status.issuer, FIRST);
    config.more_servers_count = 0; /* the one that issued it is not wanted any more */
    CHECK_INT(attempt(), ACME_OK);
    CHECK_INT(w.orders_at[1], 1);
    CHECK_STR(status.issuer, SECOND);
}

TEST(a_server_that_is_not_in_the_list_any_more)
{
    servers(2);
    w.script = both_down;
    for (int i = 0; i < 3; i++)
        CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, THIRD);
    config.more_servers_count = 1; /* the third is gone */
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, FIRST);
    servers(2);
    w.script = first_down;
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_INT(attempt(), ACME_E_NET);
    CHECK_STR(status.server, SECOND);
    config.more_servers = &(struct acme_server){.url = THIRD}; /* the second is */
    config.more_servers_count = 1;
    w.script = NULL;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, FIRST);
}

/* Somebody asks one server alone, for once: what the others have said is not forgotten by it. */
TEST(a_shorter_list_keeps_what_the_others_have_said)
{
    static const struct w_script slowly[] = {
        {.row = "order",
         .count = 1,
         .status = 429,
         .host = "ca.example",
         .fields = "Retry-After: 300000\r\n",
         .body = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slowly\"}"},
        END};
    int64_t until;

    servers(1);
    w.script = slowly;
    CHECK_INT(attempt(), ACME_E_RATE);
    until = agent.servers.holds[0].not_before;
    CHECK_INT(until, w_wall() + 300000);
    config.directory_url = SECOND; /* the second alone */
    config.more_servers_count = 0;
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_STR(agent.config->directory_url, SECOND);
    config.directory_url = THIRD; /* and another one still */
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    config.directory_url = FIRST;
    config.more_servers_count = 1;
    CHECK_INT(w_issue(ACME_ASK_NOW | ACME_ASK_FORCE), ACME_E_HELD);
    CHECK_INT(agent.servers.holds[0].not_before, until);
    config.directory_url = SECOND;
    config.more_servers_count = 0;
    w_pass(300001); /* it is over, and takes no room any more */
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    CHECK_INT(agent.server_kept.len, 0);
}

/* A profile that one CA refused though it offers it is still asked for at the others, and not again
 * at that one. Each attempt follows a boot. */
#define REFUSES(host_name, words)                                                                  \
    {                                                                                              \
        .row = "finalize", .count = 1, .status = 403, .host = host_name, .fields = words,          \
        .body = "{\"type\":\"urn:ietf:params:acme:error:invalidProfile\",\"detail\":\"no\"}"       \
    }
#define SLOWLY "Retry-After: 300000\r\n"

static void servers_with_profile(size_t count, const struct w_script *script)
{
    servers(count);
    config.profile = "short";
    w.profiles = "\"short\":\"six days\"";
    w.script = script;
}

static void until_refused(void)
{
    int err = ACME_E_NET;

    while (err == ACME_E_NET)
        err = attempt();
    CHECK_INT(err, ACME_E_REFUSED);
    CHECK_STR(w.profile, "short");
}

TEST(a_profile_refused_by_one)
{
    static const struct w_script by_first[] = {REFUSES("ca.example", SLOWLY), END};
    static const struct w_script by_second[] = {DOWN("ca.example"), REFUSES("ca1.example", SLOWLY),
                                                END};
    static const struct w_script again[] = {DOWN("ca.example"), REFUSES("ca1.example", NULL), END};

    servers_with_profile(1, by_first);
    until_refused();
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, SECOND);
    CHECK_STR(w.profile, "short");
    servers_with_profile(2, by_second);
    until_refused();
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, THIRD);
    CHECK_STR(w.profile, "short");
    servers_with_profile(1, again);
    until_refused();
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, SECOND);
    CHECK_STR(w.profile, "");
}

/* What was read can be written, before anything else has looked at it. */
TEST(a_record_with_a_server_that_is_gone)
{
    static uint8_t room[4096];

    servers(2);
    w.script = both_down;
    for (int i = 0; i < 3; i++)
        CHECK_INT(attempt(), ACME_E_NET);
    CHECK_INT(agent.servers.turn, 2);
    CHECK(agent.servers.changes > 0);
    config.more_servers_count = 1;
    CHECK_INT(acme_load_sched(&agent), ACME_OK);
    CHECK_INT(agent.servers.turn, 0);
    CHECK_INT(agent.servers.failures, 0);
    CHECK_INT(agent.servers.changes, 0);
    CHECK(acme_encode(&agent, ACME_SLOT_SCHED, (struct acme_span){room, sizeof room}) > 0);
}

TEST(a_certificate_of_the_staging_ca_is_none)
{
    staged();
    config.directory_url = THIRD; /* somebody tried it out */
    config.staging.url = NULL;
    CHECK_INT(attempt(), ACME_OK);
    config.directory_url = FIRST;
    config.staging.url = THIRD;
    CHECK_INT(attempt(), ACME_OK);
    CHECK_STR(status.issuer, FIRST);
    CHECK_INT(w.orders_at[0], 1);
}

TEST(what_cannot_be_used)
{
    static const struct acme_server plain[] = {{"http://x.example/", {NULL, 0}}};
    static const struct acme_server none[] = {{NULL, {NULL, 0}}};
    static const struct acme_server same[] = {{FIRST, {NULL, 0}}};
    static const struct acme_server twice[] = {{SECOND, {NULL, 0}}, {SECOND, {NULL, 0}}};
    static const struct acme_server bound[] = {{SECOND, {(const uint8_t *)"x", 1}}};
    static const struct {
        const struct acme_server *list;
        size_t count;
        const char *staging;
        int err;
        const char *which;
    } rows[] = {
        {plain, 1, NULL, ACME_E_URL, "http://x.example/"},
        {none, 1, NULL, ACME_E_URL, NULL},
        {same, 1, NULL, ACME_E_CONFIG, FIRST},
        {twice, 2, NULL, ACME_E_CONFIG, SECOND},
        {bound, 1, NULL, ACME_E_CONFIG, SECOND},
        {NULL, 1, NULL, ACME_E_CONFIG, NULL},
        {more, ACME_MAX_SERVERS, NULL, ACME_E_SIZE, NULL},
        {more, 1, SECOND, ACME_E_CONFIG, SECOND},
        {more, 1, FIRST, ACME_E_CONFIG, FIRST},
        {more, 1, "ftp://x", ACME_E_URL, "ftp://x"},
        {more, 2, "https://s.example/", ACME_OK, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = NULL, *which = "?";
        w_reset();
        config.more_servers = rows[i].list;
        config.more_servers_count = rows[i].count;
        config.staging.url = rows[i].staging;
        CHECK_INT(acme_agent_init(&agent, &config, &w_port, w_solvers, 2, &why, &which),
                  rows[i].err);
        CHECK((which == NULL) == (rows[i].which == NULL));
        if (which != NULL)
            CHECK_STR(which, rows[i].which);
        CHECK(why != NULL);
    }
}

RUN()
