/* test_servers.c - which CA is asked next, over ten years and at every threshold */
#include "acme_servers.h"

#include "test.h"

#define NOW  1800000000
#define DAY  (int64_t) ACME_DAY
#define LIFE (90 * DAY)

static struct acme_servers s;
static struct acme_servers_facts f;

static void fresh(uint8_t count, int64_t remaining)
{
    memset(&s, 0, sizeof s);
    f = (struct acme_servers_facts){
        .count = count, .now = NOW, .remaining_s = remaining, .life_s = remaining > 0 ? LIFE : 0};
}

static bool fails(enum acme_fault fault)
{
    return acme_servers_failed(&s, &f, fault, false, 0);
}

TEST(an_outage_of_hours_moves_nobody)
{
    static const enum acme_fault faults[] = {ACME_FAULT_CA, ACME_FAULT_UNREACHED, ACME_FAULT_LIMIT};

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fresh(2, 30 * DAY);
        for (int hour = 0; hour < 24; hour++) {
            CHECK(!fails(faults[i]));
            f.now += 3600;
        }
        CHECK_INT(s.turn, 0);
        CHECK(fails(faults[i])); /* a day */
        CHECK_INT(s.turn, 1);
        CHECK_INT(s.failures, 0);
        CHECK_INT(s.since, 0);
    }
    fresh(2, 30 * DAY);
    CHECK(!fails(ACME_FAULT_CA));
    f.now += 5 * DAY;
    CHECK(!fails(ACME_FAULT_CA)); /* two are no row */
    f.now++;
    CHECK(fails(ACME_FAULT_CA));
}

TEST(the_patience_is_an_eighth_of_the_life_left)
{
    fresh(2, 80 * 3600);
    f.life_s = 160 * 3600;
    CHECK(!fails(ACME_FAULT_CA));
    f.now += 5 * 3600;
    CHECK(!fails(ACME_FAULT_CA));
    f.now += 5 * 3600 - 1;
    CHECK(!fails(ACME_FAULT_CA));
    f.now++;
    CHECK(fails(ACME_FAULT_CA));
}

TEST(two_are_enough_in_the_last_quarter)
{
    fresh(2, LIFE / 4 - 1);
    CHECK(!fails(ACME_FAULT_CA));
    CHECK(fails(ACME_FAULT_CA));
    fresh(2, LIFE / 4);
    CHECK(!fails(ACME_FAULT_CA));
    CHECK(!fails(ACME_FAULT_CA));
    fresh(2, 0); /* nothing to lose */
    CHECK(!fails(ACME_FAULT_UNREACHED));
    CHECK(fails(ACME_FAULT_UNREACHED));
    fresh(2, -5 * DAY);
    CHECK(!fails(ACME_FAULT_CA));
    CHECK(fails(ACME_FAULT_CA));
}

TEST(what_is_our_own_fault_moves_nobody)
{
    fresh(3, 0);
    for (int i = 0; i < 1000; i++) {
        CHECK(!fails(ACME_FAULT_OURS));
        CHECK(!fails(ACME_FAULT_PROOF));
        f.now += 3600;
    }
    CHECK_INT(s.failures, 0);
    fresh(1, 0); /* nobody else is there */
    for (int i = 0; i < 1000; i++)
        CHECK(!fails(ACME_FAULT_CA));
    CHECK_INT(s.turn, 0);
}

/* Our own network is down: the first server is asked most often, and so it is found first. */
TEST(a_second_server_that_is_not_reached_has_one_try)
{
    int at[3] = {0};

    fresh(3, 0);
    for (int i = 0; i < 400; i++) {
        at[s.turn]++;
        (void)fails(ACME_FAULT_UNREACHED);
    }
    CHECK_INT(at[0], 200);
    CHECK_INT(at[1], 100);
    CHECK_INT(at[2], 100);
    fresh(3, 0); /* that answers has its two */
    for (int i = 0; i < 600; i++)
        (void)fails(ACME_FAULT_CA);
    CHECK_INT(s.changes, 255);
    CHECK_INT(s.turn, 0);
}

TEST(a_limit_that_reaches_too_far_moves_at_once)
{
    fresh(2, 30 * DAY);
    CHECK(!acme_servers_failed(&s, &f, ACME_FAULT_LIMIT, false, 7 * ACME_DAY));
    CHECK_INT(s.holds[0].not_before, NOW + 7 * DAY);
    fresh(2, 30 * DAY);
    CHECK(acme_servers_failed(&s, &f, ACME_FAULT_LIMIT, false, 8 * ACME_DAY));
    CHECK_INT(s.turn, 1);
    CHECK_INT(acme_servers_wait(&s, 0, NOW + DAY), 7 * DAY);
    CHECK_INT(acme_servers_wait(&s, 1, NOW), 0);
    fresh(2, 0);
    CHECK(acme_servers_failed(&s, &f, ACME_FAULT_LIMIT, false, 60));
    fresh(2, 30 * DAY); /* one that another certificate has met */
    CHECK(!acme_servers_held(&s, &f, 7 * ACME_DAY));
    CHECK(!acme_servers_held(&s, &f, 0));
    CHECK(acme_servers_held(&s, &f, 8 * ACME_DAY));
    CHECK_INT(s.turn, 1);
    fresh(1, 0);
    CHECK(!acme_servers_held(&s, &f, ACME_DAY));
}

TEST(who_holds_us_back_is_passed_over)
{
    fresh(3, 0);
    s.holds[1].not_before = NOW + 100;
    s.holds[1].set_at = NOW;
    (void)fails(ACME_FAULT_CA);
    CHECK(fails(ACME_FAULT_CA));
    CHECK_INT(s.turn, 2);
    s.holds[0] = s.holds[1];
    (void)fails(ACME_FAULT_CA);
    CHECK(fails(ACME_FAULT_CA)); /* both do: the next in the list */
    CHECK_INT(s.turn, 0);
    f.now += 101;
    (void)fails(ACME_FAULT_CA);
    CHECK(fails(ACME_FAULT_CA));
    CHECK_INT(s.turn, 1);
}

TEST(rehearsals)
{
    fresh(1, 30 * DAY);
    (void)fails(ACME_FAULT_PROOF);
    CHECK_INT(s.rehearsal, ACME_REHEARSAL_NONE); /* no staging CA */
    f.staging = true;
    (void)fails(ACME_FAULT_CA);
    CHECK_INT(s.rehearsal, ACME_REHEARSAL_NONE);
    (void)fails(ACME_FAULT_PROOF);
    CHECK_INT(s.rehearsal, ACME_REHEARSAL_OWED);
    for (int i = 0; i < 10; i++)
        CHECK(!acme_servers_failed(&s, &f, ACME_FAULT_PROOF, true, 0));
    CHECK_INT(s.rehearsal, ACME_REHEARSAL_OWED);
    for (f.proofs = 5; f.proofs < 20; f.proofs++) { /* is it blind? */
        s.rehearsal = ACME_REHEARSAL_OWED;
        CHECK(!acme_servers_failed(&s, &f, ACME_FAULT_PROOF, true, 0));
        CHECK_INT(s.rehearsal, f.proofs < 7 ? ACME_REHEARSAL_OWED : ACME_REHEARSAL_NONE);
    }
    f.proofs = 0;
    s.rehearsal = ACME_REHEARSAL_OWED;
    CHECK(!acme_servers_failed(&s, &f, ACME_FAULT_UNREACHED, true, 100)); /* it is waived */
    CHECK_INT(s.rehearsal, ACME_REHEARSAL_NONE);
    CHECK_INT(acme_servers_wait(&s, ACME_MAX_SERVERS, NOW), 100);
    CHECK_INT(s.failures, 0);
}

/* The staging CA has seen it, and the real one again and again does not: that is its own fault. */
TEST(who_does_not_see_what_was_proved)
{
    fresh(2, 0);
    f.staging = true;
    for (int i = 0; i < 2; i++) {
        s.rehearsal = ACME_REHEARSAL_PROVED;
        CHECK(fails(ACME_FAULT_PROOF) == (i == 1));
        CHECK_INT(s.rehearsal, ACME_REHEARSAL_OWED);
    }
    CHECK_INT(s.turn, 1);
}

TEST(the_first_is_preferred_again)
{
    fresh(2, 0);
    (void)acme_servers_failed(&s, &f, ACME_FAULT_LIMIT, false, 500);
    CHECK_INT(s.turn, 1);
    acme_servers_settled(&s);
    CHECK_INT(s.turn, 0);
    CHECK_INT(s.changes, 0);
    CHECK_INT(acme_servers_wait(&s, 0, NOW), 500); /* but what it said holds */
}

TEST(a_clock_that_was_set_back)
{
    fresh(2, 30 * DAY);
    (void)acme_servers_failed(&s, &f, ACME_FAULT_LIMIT, false, 500);
    f.now = NOW - 1000 * DAY;
    acme_servers_rebase(&s, f.now);
    CHECK_INT(s.since, f.now);
    CHECK_INT(acme_servers_wait(&s, 0, f.now), 500);
    CHECK_INT(acme_servers_wait(&s, 0, f.now + 400), 100);
    fresh(2, 30 * DAY);
    s.since = NOW + DAY;
    s.failures = 2;
    CHECK(!fails(ACME_FAULT_CA));
    CHECK_INT(s.since, NOW);
}

TEST(when_the_next_is_asked)
{
    struct acme_sched sched;

    for (int k = 0; k < 3; k++) {
        uint16_t jitter = (uint16_t)(k * 0x7fff);
        fresh(2, 30 * DAY);
        memset(&sched, 0, sizeof sched);
        acme_sched_failed(&sched, NOW, ACME_CLASS_REFUSED, f.remaining_s, 9 * ACME_DAY, 0);
        CHECK(sched.by_ca);
        s.changes = 1;
        acme_servers_turned(&s, &f, &sched, ACME_CLASS_REFUSED, jitter);
        CHECK(!sched.by_ca);
        CHECK(sched.not_before >= NOW + 150 && sched.not_before <= NOW + 300);
        s.changes = 2; /* both have had theirs */
        acme_sched_failed(&sched, NOW, ACME_CLASS_REFUSED, f.remaining_s, 9 * ACME_DAY, 0);
        acme_servers_turned(&s, &f, &sched, ACME_CLASS_REFUSED, jitter);
        CHECK(!sched.by_ca);
        CHECK(sched.not_before >= NOW + 6 * 3600 && sched.not_before < NOW + 7 * 3600);
    }
    fresh(2, 30 * DAY); /* what is sooner anyway stays */
    memset(&sched, 0, sizeof sched);
    acme_sched_failed(&sched, NOW, ACME_CLASS_CONNECTION, f.remaining_s, 0, 0);
    s.changes = 1;
    acme_servers_turned(&s, &f, &sched, ACME_CLASS_CONNECTION, 0xffff);
    CHECK_INT(sched.not_before, NOW + 30);
}

/* -- ten years -- */

static uint64_t state;
static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % below);
}

struct years {
    int64_t life;
    int outage_every, outage_for; /* hours, on average, of the first CA */
    int network_every, network_for;
    int issued[2], tries, gaps;
};

static int64_t next_begin, next_end, net_begin, net_end;

static bool within(int64_t t, int64_t *begin, int64_t *end, int every, int for_h)
{
    while (every > 0 && t >= *end) {
        *begin = *end + 3600 * (int64_t)any((uint32_t)(2 * every));
        *end = *begin + 3600 * (int64_t)(1 + any((uint32_t)(2 * for_h)));
    }
    return every > 0 && t >= *begin;
}

static void run_years(struct years *y)
{
    struct acme_sched sched;
    int64_t t = NOW, until = 0, end = NOW + 3650 * DAY;

    memset(&s, 0, sizeof s);
    memset(&sched, 0, sizeof sched);
    next_end = net_end = NOW;
    next_begin = net_begin = 0;
    while (t < end) {
        int64_t remaining = until - t;
        bool no_net = within(t, &net_begin, &net_end, y->network_every, y->network_for);
        bool down = within(t, &next_begin, &next_end, y->outage_every, y->outage_for);

        f = (struct acme_servers_facts){
            .count = 2, .now = t, .remaining_s = remaining, .life_s = until > 0 ? y->life : 0};
        y->tries++;
        if (no_net || (down && s.turn == 0)) {
            acme_sched_failed(&sched, t, ACME_CLASS_CONNECTION, remaining, 0, (uint16_t)any(65536));
            if (acme_servers_failed(&s, &f, ACME_FAULT_UNREACHED, false, 0))
                acme_servers_turned(&s, &f, &sched, ACME_CLASS_CONNECTION, (uint16_t)any(65536));
            t += acme_sched_wait(&sched, t);
            continue;
        }
        y->issued[s.turn]++;
        y->gaps += until != 0 && t > until && !no_net;
        acme_sched_succeeded(&sched);
        acme_servers_settled(&s);
        until = t + y->life;
        t = acme_sched_due_at(t, until);
    }
}

TEST(ten_years_of_outages_of_the_first)
{
    static const struct {
        int64_t life;
        int most; /* of a hundred from the second CA */
    } rows[] = {{90 * DAY, 0}, {45 * DAY, 0}, {160 * 3600, 1}, {DAY, 5}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* a bad CA: an outage a week, of 6 hours; and one that goes away for 90 days a year */
        struct years often = {.life = rows[i].life, .outage_every = 168, .outage_for = 6};
        struct years never = {.life = rows[i].life, .outage_every = 1, .outage_for = 100000};
        state = i + 1;
        run_years(&often);
        CHECK_INT(often.gaps, 0);
        CHECK(often.issued[1] * 100 <= rows[i].most * often.issued[0]);
        run_years(&never);
        CHECK_INT(never.gaps, 0);
        CHECK(never.issued[1] > 0);
    }
}

/* Our network is gone for a day or two, twice a month: nobody is found at the second CA for that.
 */
TEST(ten_years_of_a_bad_network)
{
    struct years y = {.life = 90 * DAY, .network_every = 360, .network_for = 36};

    state = 7;
    run_years(&y);
    CHECK_INT(y.gaps, 0);
    CHECK(y.issued[0] > 40);
    CHECK(y.issued[1] * 10 <= y.issued[0]);
}

TEST(holds_of_others_are_kept_within_bounds)
{
    static struct acme_servers_kept k;
    struct acme_servers_hold hold = {NOW + 100, NOW}, got;
    char url[300];
    const char *read;
    size_t at = 0;
    int n = 0;

    memset(&k, 0, sizeof k);
    memset(url, 'u', sizeof url);
    url[sizeof url - 1] = '\0';
    acme_servers_keep(&k, &hold, "https://a.example/");
    hold.not_before = 0;
    acme_servers_keep(&k, &hold, "https://none.example/"); /* is no hold */
    for (int i = 0; i < 5; i++) {
        hold.not_before = NOW + 200 + i;
        acme_servers_keep(&k, &hold, url);
    }
    CHECK(k.len <= sizeof k.packed);
    hold.not_before = NOW + 7;
    acme_servers_keep(&k, &hold, "https://b.example/"); /* a shorter one fits still */
    while ((read = acme_servers_kept(&k, &at, &got)) != NULL) {
        CHECK(n != 0 || (strcmp(read, "https://a.example/") == 0 && got.not_before == NOW + 100));
        CHECK(n != 1 || (strcmp(read, url) == 0 && got.not_before == NOW + 200));
        n++;
    }
    CHECK_INT(n, 3);
    acme_servers_kept_rebase(&k, NOW + 100);
    at = 0;
    CHECK_STR(acme_servers_kept(&k, &at, &got), url);
    CHECK(acme_servers_kept(&k, &at, &got) == NULL);
    /* noted by a clock that ran ahead: it starts anew, no longer than it was */
    acme_servers_kept_rebase(&k, NOW - 50000);
    at = 0;
    CHECK(acme_servers_kept(&k, &at, &got) != NULL);
    CHECK_INT(got.not_before, NOW - 50000 + 200);
}

RUN()
