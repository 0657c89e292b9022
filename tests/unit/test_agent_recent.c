/* Certificates that are made though none is due: the narrowest limit of a CA is not run into. */
#include "agent_world.h"

#define NOW ((int64_t)W_NOW)

TEST(four_are_free_in_seven_days)
{
    struct acme_recent r = {0};

    for (int i = 0; i < ACME_RECENT; i++) {
        CHECK_INT(acme_recent_wait(&r, 7, NOW + i * ACME_HOUR, false), 0);
        acme_recent_add(&r, 7, NOW + i * ACME_HOUR);
    }
    CHECK_INT(acme_recent_wait(&r, 7, NOW + 3 * ACME_HOUR, false), 7 * ACME_DAY - 3 * ACME_HOUR);
    CHECK_INT(acme_recent_wait(&r, 7, NOW + 3 * ACME_HOUR, true), 34 * ACME_HOUR);
    CHECK_INT(acme_recent_wait(&r, 8, NOW, false), 0); /* something else is wanted */
    CHECK_INT(acme_recent_wait(&r, 7, NOW + 7 * ACME_DAY - 120, false), 120);
    CHECK_INT(acme_recent_wait(&r, 7, NOW + 7 * ACME_DAY, false), 0);
    acme_recent_add(&r, 7, NOW + 7 * ACME_DAY);
    CHECK_INT(acme_recent_wait(&r, 7, NOW + 7 * ACME_DAY, false), ACME_HOUR); /* the second's */
    acme_recent_add(&r, 8, NOW);
    CHECK_INT(r.at[1], 0);
    CHECK_INT(acme_recent_wait(&r, 8, NOW, false), 0);
}

TEST(never_longer_than_its_span_whatever_the_clock)
{
    static const int64_t clocks[] = {INT64_MIN, -1, 0, 59, NOW - ACME_DAY, NOW, INT64_MAX};
    struct acme_recent r = {0};

    for (int i = 0; i < ACME_RECENT; i++)
        acme_recent_add(&r, 1, NOW + 100 * (int64_t)ACME_DAY);
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        CHECK(acme_recent_wait(&r, 1, clocks[i], false) <= ACME_RECENT_SPAN);
        CHECK(acme_recent_wait(&r, 1, clocks[i], true) <= ACME_RECENT_REFILL);
    }
    CHECK_INT(acme_recent_wait(&r, 1, NOW, false), ACME_RECENT_SPAN);
}

/* Who has no certificate waits no longer than who has one. */
TEST(need_is_never_a_reason_to_wait_longer)
{
    for (int64_t gap = 0; gap < ACME_RECENT_SPAN; gap += ACME_HOUR) {
        struct acme_recent r = {0};

        for (int i = 0; i < ACME_RECENT; i++)
            acme_recent_add(&r, 1, NOW + (i < ACME_RECENT - 1 ? 0 : gap));
        for (int64_t at = NOW; at < NOW + 2 * ACME_RECENT_SPAN; at += ACME_HOUR)
            CHECK(acme_recent_wait(&r, 1, at, true) <= acme_recent_wait(&r, 1, at, false));
    }
}

/* As many as are free, each by another process. */
static void fill(void)
{
    w_reset();
    for (int i = 0; i < ACME_RECENT; i++) {
        CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
        w_pass(600);
    }
    CHECK_INT(w.certificates, ACME_RECENT);
}

TEST(a_loop_with_force_is_held_over_reboots)
{
    struct acme_agent_status status;
    int requests;

    fill();
    requests = w.requests;
    for (int i = 0; i < 50; i++) {
        CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_HELD);
        w_pass(3600);
    }
    CHECK_INT(w.requests, requests);
    CHECK_STR(w.held_by, "duplicates");
    acme_agent_status(&agent, &status);
    CHECK_INT((status.early_at - W_NOW) / 3600, 7 * 24);
    CHECK_INT(w_issue(0), ACME_OK); /* nothing is due: not a word about it */
    CHECK_INT(w.requests, requests);
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.certificates, ACME_RECENT + 1);
    w_pass(7 * W_DAY);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    w_check_pair();
}

/* All were made by force, and then the CA revokes them: that is heard all the same. */
TEST(the_window_is_asked_for_all_the_same)
{
    uint32_t sleep_ms;

    fill();
    w.ari = true;
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    w.ari_start = w_wall() - 7200;
    w.ari_end = w_wall() - 3600;
    config.only_when_asked = false;
    CHECK_INT(w_boot(), ACME_OK);
    for (int64_t end = w_wall() + W_DAY; w_wall() < end && w.certificates <= ACME_RECENT + 1;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
        ca_tick();
    }
    CHECK_INT(w.certificates, ACME_RECENT + 2);
}

TEST(a_renewal_that_is_due_is_neither_counted_nor_held)
{
    fill();
    w.life_s = W_DAY;
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    for (int i = 0; i < 20; i++) {
        w_pass(W_DAY / 2 + 60);
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.certificates, ACME_RECENT + 2 + i);
    }
    CHECK_INT(agent.recent.at[0] < (uint32_t)((W_NOW + W_DAY / 2) / 60), 1);
}

TEST(other_names_are_another_matter)
{
    fill();
    w_count(2);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.certificates, ACME_RECENT + 1);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
}

TEST(an_order_that_is_open_goes_on)
{
    static const struct w_script finalize[] = {
        {.row = "finalize", .lost = ACME_E_TIMEOUT, .count = 50}, {0}};

    fill();
    w.script = finalize;
    CHECK(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW) < 0);
    w.script = NULL;
    CHECK(agent.order.open);
    w_pass(3600);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.certificates, ACME_RECENT + 1);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_HELD);
}

/* A device whose flash loses the certificate at each start. */
TEST(a_loop_that_loses_its_certificate_is_slow_and_goes_on)
{
    int made = 0;

    w_reset();
    for (int64_t hour = 0; hour < 14 * 24; hour++) {
        struct w_slot *a = w_slot(ACME_SLOT_CERT_A), *b = w_slot(ACME_SLOT_CERT_B);
        if (a != NULL)
            a->len = 0;
        if (b != NULL)
            b->len = 0;
        made += w_issue(0) == ACME_OK;
        w_pass(3600);
    }
    CHECK_INT(w.certificates, made);
    CHECK(made >= 10 && made <= 4 + 14 * 24 / 34 + 1);
}

/* By a clock that is so much ahead, what the CA has just made is due already. */
TEST(a_clock_that_is_ahead_does_not_renew_again_and_again)
{
    static const int lives[] = {90, 45, 6, 1};

    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        for (int boots = 0; boots < 2; boots++) {
            w_reset();
            w.life_s = lives[i] * (int64_t)W_DAY;
            w.ahead_s = w.life_s * 3 / 4;
            CHECK_INT(w_issue(0), ACME_OK);
            for (int64_t m = 0; m < 7 * 24 * 60; m += 20) {
                w_pass(1200);
                (void)(boots != 0 ? w_issue(0) : w_run(0));
            }
            CHECK(w.orders_count <= 1 + 7 * 8 / (lives[i] < 16 ? lives[i] : 16) + 1);
            w.ahead_s = 0; /* it is set right: back */
        }
    }
}

/* Cuts a field out of a record, as an older firmware would have written it. */
static void drop_tags(struct w_slot *slot, uint16_t from, uint16_t to)
{
    struct acme_record r;
    struct acme_field field;
    struct acme_record_writer writer;
    uint8_t room[4096];
    int len;

    CHECK_INT(acme_record_open(&r, acme_slice_of(slot->data, slot->len), ACME_SLOT_SCHED), ACME_OK);
    acme_record_begin(&writer, (struct acme_span){room, sizeof room}, ACME_SLOT_SCHED, 0);
    while (acme_record_next(&r, &field)) {
        if (field.tag < from || field.tag > to)
            acme_record_bytes(&writer, field.tag, field.value.ptr, field.value.len);
    }
    len = acme_record_end(&writer);
    CHECK(len > 0 && (size_t)len < slot->len);
    memcpy(slot->data, room, (size_t)len);
    slot->len = (size_t)len;
}

TEST(a_record_of_an_older_firmware_has_none)
{
    fill();
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_HELD);
    drop_tags(w_slot(ACME_SLOT_SCHED), 72, 79);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(agent.recent.at[1], 0);
}

TEST(a_record_with_more_than_we_know_is_read)
{
    struct w_slot *slot;
    struct acme_record_writer writer;
    static uint8_t room[4096];
    struct acme_record r;
    struct acme_field field;

    fill();
    slot = w_slot(ACME_SLOT_SCHED);
    CHECK_INT(acme_record_open(&r, acme_slice_of(slot->data, slot->len), ACME_SLOT_SCHED), ACME_OK);
    acme_record_begin(&writer, (struct acme_span){room, sizeof room}, ACME_SLOT_SCHED, 0);
    while (acme_record_next(&r, &field))
        acme_record_bytes(&writer, field.tag, field.value.ptr, field.value.len);
    for (uint16_t tag = 77; tag < 80; tag++)
        acme_record_u64(&writer, tag, UINT64_MAX);
    slot->len = (size_t)acme_record_end(&writer);
    memcpy(slot->data, room, slot->len);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_HELD);
}

RUN()
