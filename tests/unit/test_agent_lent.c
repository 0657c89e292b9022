/* Memory that is lent (acme_memory.need): the agent has io and scratch only while it has said that
 * it needs them.
 *
 * Each buffer has two places. What is given back is poisoned, and lent from the other place the
 * next time: who reads it through an old pointer reads poison, who writes it is seen at the next
 * call. */
#include "agent_world.h"

#define POISON 0xdb
#define ROOM   16384

struct lent {
    struct acme_span *span;
    unsigned bit;
    uint8_t *place[2];
    int which;
};

static uint8_t places[4][ROOM] __attribute__((aligned(16)));
static uint8_t poison[ROOM];
static struct lent lent[2];
static struct {
    int calls, refused, io_alone, spoilt;
    int no_each;   /* says no to each n-th wish for more */
    bool never;    /* always says no */
    bool no_reply; /* no to scratch as long as a reply lies in io and the session is up */
    bool had[2];   /* was lent once */
} hook;

static bool is_poison(const uint8_t *place)
{
    return memcmp(place, poison, ROOM) == 0;
}

static void look_at_what_is_back(void)
{
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            if (lent[i].span->ptr != lent[i].place[k] && !is_poison(lent[i].place[k]))
                hook.spoilt++;
        }
    }
}

static bool says_no(unsigned buffers)
{
    bool more = false;

    for (int i = 0; i < 2; i++)
        more = more || ((buffers & lent[i].bit) != 0 && lent[i].span->ptr == NULL);
    if (!more)
        return false;
    if (hook.no_reply && lent[0].span->ptr != NULL && agent.exchange.host[0] != '\0')
        return true;
    return hook.never || (hook.no_each > 0 && hook.calls % hook.no_each == 0);
}

static int need(unsigned buffers)
{
    hook.calls++;
    look_at_what_is_back();
    for (int i = 0; i < 2; i++) {
        if ((buffers & lent[i].bit) != 0 || lent[i].span->ptr == NULL)
            continue;
        memset(lent[i].span->ptr, POISON, ROOM);
        lent[i].span->ptr = NULL;
    }
    if (says_no(buffers)) {
        hook.refused++;
        return ACME_AGAIN;
    }
    for (int i = 0; i < 2; i++) {
        if ((buffers & lent[i].bit) == 0 || lent[i].span->ptr != NULL)
            continue;
        lent[i].which = !lent[i].which;
        lent[i].span->ptr = lent[i].place[lent[i].which];
        hook.had[i] = true;
    }
    hook.io_alone += buffers == ACME_NEED_IO;
    return ACME_OK;
}

/* Nothing is lent: as after a start. */
static void lend_anew(void)
{
    memset(&hook, 0, sizeof hook);
    memset(places, POISON, sizeof places);
    memset(poison, POISON, sizeof poison);
    lent[0] = (struct lent){&config.memory.io, ACME_NEED_IO, {places[0], places[1]}, 0};
    lent[1] = (struct lent){&config.memory.scratch, ACME_NEED_SCRATCH, {places[2], places[3]}, 0};
    config.memory.io = (struct acme_span){NULL, ROOM};
    config.memory.scratch = (struct acme_span){NULL, ROOM};
    config.memory.need = need;
}

static void begin(size_t names)
{
    w_reset();
    w_count(names);
    w.issue_ms = 5;
    lend_anew();
}

/* All is back, and nobody has touched it since. */
static void all_back(void)
{
    CHECK(config.memory.io.ptr == NULL);
    CHECK(config.memory.scratch.ptr == NULL);
    look_at_what_is_back();
    CHECK_INT(hook.spoilt, 0);
}

TEST(a_run_takes_no_request_more)
{
    begin(4);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 8 + 2 * 4);
    CHECK_INT(w.connections, 1);
    CHECK_INT(w.bad_jws, 0);
    CHECK(hook.had[0] && hook.had[1]);
    CHECK(hook.io_alone >= w.requests); /* while one is under way, TLS has the rest */
    all_back();
    w_check_pair();
    w.requests = 0;
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.requests, 7 + 2 * 4);
    all_back();
    w_check_pair();
    acme_agent_close(&agent);
    all_back();
}

TEST(a_no_now_and_then_is_waited_out)
{
    for (int each = 2; each < 8; each++) {
        begin(2);
        hook.no_each = each;
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK(hook.refused > 0);
        CHECK_INT(w.bad_jws, 0);
        CHECK_INT(w.orders_count, 1);
        CHECK_INT(w_begun(), 0);
        all_back();
        w_check_pair();
    }
}

/* A record that waits for the medium stays where it was encoded. */
TEST(a_busy_medium_keeps_what_it_writes)
{
    begin(2);
    w.write_again = 3;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.bad_jws, 0);
    all_back();
    w_check_pair();
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK); /* the account's record is whole */
    CHECK_INT(w.accounts, 1);
    all_back();
    w_check_pair();
}

/* The reply is kept, the session gives its memory up, and the next request makes a new one. */
TEST(a_reply_is_read_when_only_the_session_can_make_room)
{
    begin(1);
    hook.no_reply = true;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(hook.refused >= 8);
    CHECK_INT(w.requests, 8 + 2);
    CHECK_INT(w.connections, w.requests);
    all_back();
    w_check_pair();
}

/* Who has the memory does not give it back: a clean end, and the next run is none the worse. */
TEST(no_memory_for_ever_ends_the_run)
{
    begin(1);
    CHECK_INT(w_issue(0), ACME_OK);
    w.requests = 0;
    hook.never = true;
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_E_TLS_MEMORY);
    CHECK_INT(w.requests, 0);
    all_back();
    w_check_pair(); /* the old one */
    hook.never = false;
    CHECK_INT(w_run(ACME_ASK_NOW | ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.certificates, 2);
    all_back();
    w_check_pair();
}

TEST(no_memory_in_the_middle_of_an_order)
{
    begin(2);
    w.until = "finalize";
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    hook.never = true;
    CHECK_INT(w_run(0), ACME_E_TLS_MEMORY);
    hook.never = false;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.certificates, 1);
    CHECK_INT(w_begun(), 0);
    all_back();
    w_check_pair();
}

/* Both read the certificate's record, and neither asks the CA. */
TEST(a_key_is_kept)
{
    begin(1);
    config.reuse_key = true;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.certificates, 2);
    all_back();
    w_check_pair();
}

TEST(a_pair_that_cannot_be_loaded_gives_way)
{
    uint32_t sleep_ms;

    for (int each = 0; each < 4; each += 3) {
        begin(1);
        hook.no_each = each;
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
        CHECK_INT(acme_agent_certificate_loaded(&agent, false), ACME_OK);
        for (int i = 0; i < 1000 && !w_did("V:rolled_back"); i++)
            (void)acme_agent_poll(&agent, &sleep_ms);
        CHECK(w_did("V:rolled_back"));
        for (int i = 0; i < 10; i++)
            (void)acme_agent_poll(&agent, &sleep_ms);
        CHECK_INT(agent.cert.sequence, 1);
        all_back();
        w_check_pair();
    }
}

TEST(power_is_cut_at_each_point)
{
    int at = 0, result;

    do {
        begin(1);
        w.cut_at = ++at;
        hook.no_each = 3;
        result = w_issue(0);
        if (result == W_CUT) {
            lend_anew(); /* RAM is lost */
            CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
        } else
            CHECK_INT(result, ACME_OK);
        CHECK_INT(w_begun(), 0);
        all_back();
        w_check_pair();
    } while (result == W_CUT && at < 500);
    CHECK(at > 20 && at < 500);
}

RUN()
