/* Storage that fails, is damaged, is newer; and an agent that is started again on what it left. */
#include "acme_crc32.h"
#include "acme_records.h"
#include "agent_world.h"

/* -- writes that fail -- */

TEST(busy_medium_is_waited_for)
{
    w_reset();
    w.write_again = w.write_again_left = 7;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 7 + 2);
    w_check_pair();
}

TEST(each_write_that_fails_loses_nothing)
{
    int writes;

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    writes = w.writes;
    for (int once = 0; once < 2; once++) {
        for (int n = 1; n <= writes; n++) {
            w_reset();
            w.write_fail_at = n;
            w.write_fail_count = once ? 1 : 1000;
            CHECK_INT(w_issue(0), ACME_E_SLOT);
            CHECK_INT(agent.failure.err, ACME_E_SLOT);
            CHECK_INT(w_begun(), 0);
            w.write_fail_at = 0;
            CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK); /* the same agent */
            CHECK(w.orders_count <= 1);
            CHECK_INT(w.certificates, 1);
            CHECK_INT(w.accounts, 1);
            w_check_pair();
            CHECK_INT(w_issue(0), ACME_OK); /* another one */
            CHECK_INT(w.certificates, 1);
            CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
            w_check_pair();
        }
    }
}

/* Everything up to finalize must be durable, whatever failed before. */
TEST(no_key_is_used_that_is_not_durable)
{
    w_reset();
    w.authz_reuse = true;
    CHECK_INT(w_boot(), ACME_OK);
    w.until = "order";
    CHECK_INT(w_run(0), ACME_OK);
    w.until = NULL;
    w.write_fail_slot = ACME_SLOT_ORDER; /* in order, and in clear */
    w.write_fail_at = 1;
    w.write_fail_count = 1000;
    CHECK_INT(w_run(0), ACME_E_SLOT);
    CHECK_INT(w.certificates, 0);
    w.write_fail_at = 0;
    w.cut_on = "FINAL";
    CHECK_INT(w_run(ACME_ASK_NOW), W_CUT);
    w.cut_on = NULL;
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.certificates, 1);
    w_check_pair();
}

/* A record of the open order, and no key in it: it is not an older one's that fits. */
static void order_loses_its_key(void)
{
    static uint8_t room[W_SCRATCH];
    struct w_slot *slot = w_slot(ACME_SLOT_ORDER);
    struct acme_record_writer out;
    struct acme_record r;
    struct acme_field field;
    int len;

    CHECK(slot != NULL);
    CHECK_INT(acme_record_open(&r, acme_slice_of(slot->data, slot->len), ACME_SLOT_ORDER), ACME_OK);
    acme_record_begin(&out, (struct acme_span){room, sizeof room}, ACME_SLOT_ORDER, 0);
    while (acme_record_next(&r, &field)) {
        if (field.tag < ORDER_KEY_TYPE || field.tag > ORDER_KEY)
            acme_record_bytes(&out, field.tag, field.value.ptr, field.value.len);
    }
    len = acme_record_end(&out);
    CHECK(len > 0 && (size_t)len < slot->len);
    memcpy(slot->data, room, (size_t)len);
    slot->len = (size_t)len;
}

TEST(a_key_that_is_missing_is_made_and_durable_before_finalize)
{
    w_reset();
    w.authz_reuse = true;
    CHECK_INT(w_boot(), ACME_OK);
    w.until = "finalize";
    CHECK_INT(w_run(0), ACME_OK);
    w.until = NULL;
    order_loses_its_key();
    w.cut_on = "FINAL";
    CHECK_INT(w_issue(ACME_ASK_NOW), W_CUT);
    w.cut_on = NULL;
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.certificates, 1);
    w_check_pair();
}

static bool in_memory(struct acme_slice secret)
{
    const uint8_t *rooms[] = {w_io, w_scratch};
    const size_t sizes[] = {sizeof w_io, sizeof w_scratch};

    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i + secret.len <= sizes[k]; i++) {
            if (memcmp(rooms[k] + i, secret.ptr, secret.len) == 0)
                return true;
        }
    }
    return false;
}

/* Records with keys go through buffers that requests and replies use after them. */
TEST(no_key_stays_in_the_buffers)
{
    static uint8_t room[W_IO];
    struct acme_certificate cert;
    struct acme_key own;

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(!in_memory(acme_slice_of(agent.account_key.der, agent.account_key.len)));
    CHECK_INT(agent.cert_key.type, ACME_KEY_NONE);
    CHECK_INT(acme_agent_certificate(&agent, (struct acme_span){room, sizeof room}, &cert),
              ACME_OK);
    CHECK_INT(acme_key_read(&own, cert.key), ACME_OK);
    CHECK(own.len > 30 && !in_memory(acme_slice_of(own.der, own.len)));
    w.until = "finalize"; /* an order is left open */
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    w.until = NULL;
    w.clock_answer = ACME_E_CLOCK; /* records are read, nothing else */
    CHECK_INT(w_issue(0), ACME_E_CLOCK);
    w.clock_answer = ACME_OK;
    CHECK(agent.cert_key.type != ACME_KEY_NONE);
    CHECK(!in_memory(acme_slice_of(agent.cert_key.der, agent.cert_key.len)));
    CHECK(!in_memory(acme_slice_of(own.der, own.len)));
}

TEST(kid_is_durable_before_newOrder)
{
    w_reset();
    w.write_fail_slot = ACME_SLOT_ACCOUNT;
    w.write_fail_at = 3; /* account, ledger, account */
    w.write_fail_count = 1;
    CHECK_INT(w_issue(0), ACME_E_SLOT);
    w.log_len = 0;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    CHECK(strstr(w.log, "W:account") != NULL);
    CHECK(strstr(w.log, "W:account") < strstr(w.log, "Q:order"));
}

TEST(full_medium_is_told)
{
    w_reset();
    w.write_fail_at = 1;
    w.write_fail_count = 1000;
    w.write_fail_err = ACME_E_SLOT_FULL;
    CHECK_INT(w_issue(0), ACME_E_SLOT_FULL);
    CHECK_INT(w.accounts, 0);
}

/* -- damaged and newer records -- */

static void all_slots(void)
{
    static const struct w_script script[] = {{.row = "cert", .count = 9, .status = 500, .body = ""},
                                             {0}};

    w_reset();
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    w.script = script;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_SERVER);
    w.script = NULL;
    w_pass(2 * W_DAY);
    CHECK(w_slot(ACME_SLOT_ORDER) != NULL && w_slot(ACME_SLOT_CERT_B) != NULL);
}

TEST(damaged_records_cost_time_but_no_key)
{
    for (int slot = ACME_SLOT_ACCOUNT; slot <= ACME_SLOT_SCHED; slot++) {
        int err;
        all_slots();
        w_slot((enum acme_slot)slot)->data[25] ^= 1;
        w.warnings = 0;
        err = w_issue(ACME_ASK_FORCE);
        CHECK_INT(err, slot == ACME_SLOT_ACCOUNT ? ACME_E_SLOT_CORRUPT
                       : slot == ACME_SLOT_SCHED ? ACME_E_HELD
                                                 : ACME_OK);
        if (slot == ACME_SLOT_SCHED) { /* a process for each try, as cron starts them */
            w_pass(1800);
            CHECK_INT(w_issue(0), ACME_E_HELD);
            w_pass(1801);
            CHECK_INT(w_issue(0), ACME_OK);
        }
        CHECK(slot == ACME_SLOT_ACCOUNT || w.warnings > 0);
        if (slot == ACME_SLOT_ACCOUNT) {
            CHECK_INT(w.accounts, 1);
            config.replace_damaged = true;
            CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
            CHECK_INT(w.accounts, 2);
        }
        w_check_pair();
        w.warnings = 0;
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.warnings,
                  slot == ACME_SLOT_CERT_A || slot == ACME_SLOT_CERT_B ? w.warnings : 0);
        w_check_pair();
    }
}

/* Without an account the ledger holds how often one was asked for. */
TEST(a_damaged_ledger_waits_as_after_four_newAccounts)
{
    static const struct w_script script[] = {
        {.row = "account", .count = 9, .status = 500, .body = ""}, {0}};

    w_reset();
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_SERVER);
    w.script = NULL;
    w_pass(1000);
    w_slot(ACME_SLOT_CA_LEDGER)->data[25] ^= 1;
    CHECK_INT(w_issue(0), ACME_E_HELD);
    w_pass(3500);
    CHECK_INT(w_issue(0), ACME_E_HELD);
    w_pass(101);
    CHECK_INT(w_issue(0), ACME_OK);
}

TEST(both_certificates_damaged)
{
    all_slots();
    w_slot(ACME_SLOT_CERT_A)->data[30] ^= 1;
    w_slot(ACME_SLOT_CERT_B)->data[30] ^= 1;
    CHECK_INT(w_issue(0), ACME_OK);
    w_check_pair();
}

TEST(records_of_a_newer_version_are_left_alone)
{
    static struct w_slot copy;

    for (int slot = ACME_SLOT_ACCOUNT; slot <= ACME_SLOT_SCHED; slot++) {
        int requests;
        uint32_t crc;
        struct w_slot *s;
        all_slots();
        s = w_slot((enum acme_slot)slot);
        s->data[5] = 2;
        crc = acme_crc32(acme_crc32(0, s->data, 16), s->data + 20, s->len - 20);
        for (int i = 0; i < 4; i++)
            s->data[16 + i] = (uint8_t)(crc >> (8 * i));
        copy = *s;
        requests = w.requests;
        w.writes = 0;
        CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_SLOT_VERSION);
        CHECK_INT(w.requests, requests);
        CHECK_INT(w.writes, 0);
        CHECK_MEM(s->data, copy.data, copy.len);
    }
}

/* Write the record anew, with one more field. */
static void add_field(struct w_slot *s, uint16_t tag)
{
    static uint8_t room[W_IO];
    struct acme_span span = {room, sizeof room};
    struct acme_record_writer out;
    struct acme_record in;
    struct acme_field field;

    CHECK_INT(acme_record_open(&in, acme_slice_of(s->data, s->len), (uint8_t)s->slot), ACME_OK);
    acme_record_begin(&out, span, (uint8_t)s->slot, in.sequence);
    while (acme_record_next(&in, &field))
        acme_record_bytes(&out, field.tag, field.value.ptr, field.value.len);
    acme_record_bytes(&out, tag, "new", 3);
    s->len = (size_t)acme_record_end(&out);
    memcpy(s->data, room, s->len);
}

TEST(unknown_fields_are_skipped_and_critical_ones_stop_us)
{
    for (int slot = ACME_SLOT_ACCOUNT; slot <= ACME_SLOT_SCHED; slot++) {
        all_slots();
        add_field(w_slot((enum acme_slot)slot), 0x700);
        CHECK_INT(w_issue(0), ACME_OK);
        all_slots();
        add_field(w_slot((enum acme_slot)slot), ACME_FIELD_CRITICAL | 0x700);
        w.writes = 0;
        CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_SLOT_VERSION);
        CHECK_INT(w.writes, 0);
    }
}

TEST(an_account_key_of_an_unknown_kind_is_not_replaced)
{
    static uint8_t room[2000];
    struct acme_span span = {room, sizeof room};
    struct acme_record_writer out;
    struct w_slot *s;

    all_slots();
    s = w_slot(ACME_SLOT_ACCOUNT);
    acme_record_begin(&out, span, ACME_SLOT_ACCOUNT, 0);
    acme_record_u64(&out, 2, 77);
    acme_record_u64(&out, 3, 0);
    acme_record_bytes(&out, 4, "secret", 6);
    acme_record_text(&out, 5, "https://ca.example/acct/1");
    s->len = (size_t)acme_record_end(&out);
    memcpy(s->data, room, s->len);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_SLOT_CORRUPT);
    CHECK_MEM(s->data, room, s->len);
}

TEST(a_store_that_cannot_be_read)
{
    all_slots();
    w.read_err = ACME_E_SLOT;
    w.read_err_slot = ACME_SLOT_ORDER;
    w.writes = 0;
    CHECK_INT(w_issue(0), ACME_E_SLOT);
    CHECK_INT(w.writes, 0);
    w.read_err = ACME_OK;
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
}

/* -- orders that were left -- */

static void leave_order(const char *until)
{
    w_reset();
    w_count(3);
    w.until = until;
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
}

TEST(a_changed_configuration_ends_the_old_order)
{
    leave_order("respond");
    CHECK_INT(w_begun(), 3);
    w_count(2);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w_begun(), 0);
    for (int i = 0; i < w.live_count; i++)
        CHECK(w.live[i].ends >= 1);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    w_check_pair();
}

TEST(a_stale_order_is_cleaned_up_though_held)
{
    leave_order("respond");
    agent.sched.not_before = w_wall() + 5000;
    agent.sched.set_at = w_wall();
    agent.save_mask = 0;
    {
        struct acme_span span = {w_scratch, sizeof w_scratch};
        int n = acme_encode(&agent, ACME_SLOT_SCHED, span);
        CHECK(n > 0);
        CHECK_INT(w_port.slots->write(NULL, ACME_SLOT_SCHED, w_names[0], w_scratch, (size_t)n),
                  ACME_OK);
    }
    config.cert_key_type = w_other_type();
    CHECK_INT(w_issue(0), ACME_E_HELD);
    CHECK_INT(w_begun(), 0);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    CHECK(!agent.again);
}

TEST(a_certificate_that_is_stored_closes_its_order)
{
    leave_order("end");
    CHECK_INT(w_begun(), 3);
    w.requests = 0;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.requests, 0);
    CHECK_INT(w_begun(), 0);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    w_check_pair();
}

TEST(an_order_that_is_valid_is_cleared_after_the_reboot)
{
    leave_order("cert");
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    CHECK_INT(w_begun(), 0);
}

TEST(an_order_the_ca_forgot_is_made_anew)
{
    leave_order("look");
    w.orders[0].there = false;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(another_solver_after_the_reboot_ends_what_the_first_began)
{
    struct acme_solver *one = w_solvers[0];

    leave_order("respond");
    w_solvers[0] = w_solvers[1]; /* now the second comes first */
    w_solvers[1] = one;
    CHECK_INT(w_issue(0), ACME_OK);
    w_solvers[1] = w_solvers[0];
    w_solvers[0] = one;
    CHECK_INT(w.orders_count, 1);
    CHECK(w_did("E:one:n1."));
    CHECK(w_did("B:two:n1."));
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

TEST(fewer_authorizations_than_we_know_of)
{
    static const struct w_script script[] = {
        {.row = "look",
         .count = 1,
         .status = 200,
         .body = "{\"status\":\"pending\",\"authorizations\":[\"https://ca.example/a/0/0\"]}"},
        {0}};

    leave_order("respond");
    w.script = script;
    w.per_row[ACME_ROW_LOOK] = 0;
    CHECK_INT(w_issue(0), ACME_E_REPLY);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    CHECK_INT(w_begun(), 0);
}

/* -- clocks -- */

TEST(no_clock_no_run)
{
    w_reset();
    w.clock_answer = ACME_E_CLOCK;
    CHECK_INT(w_issue(0), ACME_E_CLOCK);
    CHECK_INT(w.requests, 0);
    CHECK(w.warnings > 0);
    w.clock_answer = ACME_OK;
    CHECK_INT(w_run(0), ACME_OK);
}

TEST(a_clock_that_ran_ahead_holds_nobody_for_ever)
{
    static const struct w_script script[] = {{.row = "order", .status = 403, .body = "{}"}, {0}};

    w_reset();
    w.wall += 3650LL * W_DAY; /* ten years ahead */
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_REFUSED);
    w.wall -= 3650LL * W_DAY;
    CHECK_INT(w_run(0), ACME_E_HELD);
    w_pass(2 * W_DAY);
    CHECK_INT(w_run(0), ACME_OK);
}

RUN()
