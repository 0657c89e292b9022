/* The jobs of an account: shown, changed, deactivated, recovered; and none makes one. */
#include "acme_jws.h"
#include "agent_world.h"

static struct acme_job job;
static struct acme_key key;
static uint8_t stored[W_IO];
static size_t stored_len;

static void account_world(uint8_t type)
{
    struct w_slot *s;

    w_reset();
    memset(&job, 0, sizeof job);
    job.type = type;
    CHECK_INT(w_issue(0), ACME_OK);
    key = agent.account_key;
    s = w_slot(ACME_SLOT_ACCOUNT);
    stored_len = s->len;
    memcpy(stored, s->data, s->len);
}

/* ACCOUNT as the issue has left it. */
static bool unchanged(void)
{
    struct w_slot *s = w_slot(ACME_SLOT_ACCOUNT);

    return s != NULL && s->len == stored_len && memcmp(s->data, stored, stored_len) == 0;
}

TEST(shown_as_the_ca_knows_it)
{
    char thumbprint[ACME_THUMBPRINT_TEXT], want[200];
    struct acme_agent_status status;

    account_world(ACME_JOB_SHOW);
    (void)snprintf(w.account_contact, sizeof w.account_contact, "\"mailto:x@y\",7,\"a\\u001bb\"");
    w.requests = 0;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.requests, 3);
    CHECK_INT(acme_jws_thumbprint(&key, thumbprint), ACME_OK);
    (void)snprintf(want, sizeof want, "valid %s https://ca.example/acct/1 mailto:x@y a?b",
                   thumbprint);
    CHECK_STR(w.account_event, want);
    acme_agent_status(&agent, &status);
    CHECK_STR(status.account, "https://ca.example/acct/1");
    CHECK(unchanged());
    CHECK_INT(w.bad_jws, 0);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.not_due, 1);
}

TEST(update)
{
    account_world(ACME_JOB_UPDATE);
    job.contact = "new@example.org";
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_STR(w.account_contact, "\"mailto:new@example.org\"");
    CHECK(strstr(w.account_event, "mailto:new@example.org") != NULL);
    job.contact = NULL;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_STR(w.account_contact, "");
    job.contact = "a@b\",\"mailto:c@d";
    CHECK_INT(w_do(&job, 0), ACME_E_ARG);
}

TEST(update_is_repeated_after_a_lost_reply)
{
    static const struct w_script script[] = {{.row = "update", .lost = ACME_E_TIMEOUT, .act = true},
                                             {0}};

    account_world(ACME_JOB_UPDATE);
    job.contact = "new@example.org";
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_UPDATE], 2);
}

TEST(refused_words_are_told)
{
    static const struct w_script script[] = {
        {.row = "update",
         .status = 400,
         .body = "{\"type\":\"urn:ietf:params:acme:error:unsupportedContact\",\"detail\":\"no\"}"},
        {0}};

    account_world(ACME_JOB_UPDATE);
    job.contact = "new@example.org";
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED);
    CHECK_INT(w.failures, 1);
    CHECK_INT(agent.failure.err, ACME_OK);
    CHECK(unchanged());
}

TEST(deactivate)
{
    account_world(ACME_JOB_DEACTIVATE);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_STR(w.account_status, "deactivated");
    CHECK(strncmp(w.account_event, "deactivated ", 12) == 0);
    CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
    CHECK_INT(w_issue(0), ACME_OK); /* the certificate is as good as before */
    CHECK_INT(w.not_due, 1);
    CHECK_INT(w_do(&job, 0), ACME_E_ACCOUNT); /* there is none any more */
    CHECK_INT(w.accounts, 1);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK); /* a new account, with another key */
    CHECK_INT(w.accounts, 2);
    CHECK(!acme_key_equal(&key, &agent.account_key));
}

/* RFC 9773 5: an order may only name a predecessor of its own account. */
TEST(deactivate_and_renew_without_a_reboot)
{
    account_world(ACME_JOB_DEACTIVATE);
    w.ari = true;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    w.account_number = 2;
    w.replaced_count = 0;
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.accounts, 2);
    CHECK_INT(w.replaced_count, 0);
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK); /* this one has one */
    CHECK_INT(w.replaced_count, 1);
}

TEST(deactivate_gives_up_the_open_order)
{
    account_world(ACME_JOB_DEACTIVATE);
    w.until = "finalize";
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    w.until = NULL;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK(w_slot(ACME_SLOT_ORDER) == NULL);
    CHECK_INT(w_begun(), 0);
}

TEST(deactivate_with_lost_replies)
{
    static const struct {
        struct w_script script[2];
        int outcome;
        bool says;
    } rows[] = {
        {{{.row = "deactivate", .lost = ACME_E_TIMEOUT, .act = true}, {0}}, ACME_OK, true},
        {{{.row = "deactivate", .lost = ACME_E_TIMEOUT, .act = true}, {0}}, ACME_OK, false},
        {{{.row = "deactivate", .lost = ACME_E_TIMEOUT}, {0}}, ACME_OK, false},
        {{{.row = "deactivate", .status = 502, .body = "<", .act = true}, {0}}, ACME_OK, false},
        {{{.row = "deactivate", .count = 9, .lost = ACME_E_NET, .act = true}, {0}},
         ACME_E_NET,
         false},
        {{{.row = "deactivate", .status = 200, .body = ""}, {0}}, ACME_OK, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        account_world(ACME_JOB_DEACTIVATE);
        w.find_says_deactivated = rows[i].says;
        w.script = rows[i].script;
        CHECK_INT(w_do(&job, 0), rows[i].outcome);
        w.script = NULL;
        if (rows[i].outcome != ACME_OK) {
            CHECK(unchanged());
            CHECK_INT(w_do(&job, 0), ACME_OK);
        }
        CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
    }
}

/* What is not sure forgets no key. */
TEST(deactivate_that_was_refused_keeps_the_account)
{
    static const struct w_script scripts[][3] = {
        {{.row = "deactivate", .status = 403, .body = "{}"}, {0}},
        {{.row = "deactivate", .status = 401, .body = "{}"}, {0}},
        {{.row = "deactivate", .status = 400, .body = "{}"}, {0}},
        {{.row = "deactivate", .status = 200, .body = "{\"status\":\"valid\"}"}, {0}},
        {{.row = "deactivate", .status = 429, .fields = "Retry-After: 60\r\n", .body = "{}"}, {0}},
        {{.row = "deactivate", .status = 403, .body = "{}"},
         {.row = "deactivated", .status = 403, .body = "{}"},
         {0}},
        {{.row = "deactivate", .status = 403, .body = "{}"},
         {.row = "deactivated", .status = 200, .body = "{}"},
         {0}},
        {{.row = "deactivate", .status = 403, .body = "{}"},
         {.row = "deactivated", .count = 9, .lost = ACME_E_CLOSED},
         {0}},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        account_world(ACME_JOB_DEACTIVATE);
        w.script = scripts[i];
        CHECK(w_do(&job, 0) < ACME_AGAIN);
        CHECK(unchanged());
        CHECK_INT(w.failures, 1);
        w.script = NULL;
        CHECK_INT(w_issue(0), ACME_OK);
    }
}

TEST(deactivate_and_power_cuts)
{
    int cut;

    for (cut = 1; cut < 60; cut++) {
        int outcome;

        account_world(ACME_JOB_DEACTIVATE);
        w.points = 0;
        w.cut_at = cut;
        outcome = w_do(&job, 0);
        w.cut_at = 0;
        if (outcome == ACME_OK)
            break;
        CHECK_INT(outcome, W_CUT);
        CHECK(unchanged() || w_slot(ACME_SLOT_ACCOUNT) == NULL);
        CHECK(unchanged() || w.account_status != NULL);
        outcome = w_do(&job, 0);
        CHECK(outcome == ACME_OK || (outcome == ACME_E_ACCOUNT && !unchanged()));
        CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
        CHECK_STR(w.account_status, "deactivated");
    }
    CHECK(cut > 6);
}

TEST(recovered_by_its_key)
{
    account_world(ACME_JOB_RECOVER);
    job.key = &key;
    w_slot(ACME_SLOT_ACCOUNT)->len = 0;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK(unchanged());
    CHECK(strncmp(w.account_event, "valid ", 6) == 0);
    CHECK_INT(w_do(&job, 0), ACME_OK); /* once more is no harm */
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.accounts, 1);
    CHECK_INT(w.registrations, 1);
}

/* A key that never got an account is in nobody's way. */
TEST(recover_after_a_registration_in_vain)
{
    static const struct w_script refused[] = {{.row = "account", .status = 403}, {.row = NULL}};

    account_world(ACME_JOB_RECOVER);
    job.key = &key;
    w_slot(ACME_SLOT_ACCOUNT)->len = 0;
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = refused;
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_E_REFUSED);
    CHECK(w_slot(ACME_SLOT_ACCOUNT) != NULL);
    w.script = NULL;
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK(unchanged());
}

TEST(recover_in_vain_changes_nothing)
{
    struct acme_key other;

    account_world(ACME_JOB_RECOVER);
    CHECK_INT(acme_key_make(&other, ACME_KEY_P256), ACME_OK);
    job.key = &other;
    CHECK_INT(w_do(&job, 0), ACME_E_CONFIG); /* another one is there */
    CHECK(unchanged());
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK); /* in the same process */
    CHECK_INT(w.accounts, 1);
    w_slot(ACME_SLOT_ACCOUNT)->len = 0;
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED); /* accountDoesNotExist */
    CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.accounts, 2);
    CHECK(!acme_key_equal(&other, &agent.account_key));
}

TEST(no_job_makes_an_account)
{
    for (uint8_t type = 1; type < ACME_JOB_END_; type++) {
        account_world(type);
        w_slot(ACME_SLOT_ACCOUNT)->len = 0;
        job.key = type == ACME_JOB_RECOVER ? &key : NULL;
        w.accounts = 0;
        CHECK(w_do(&job, 0) < ACME_AGAIN);
        CHECK_INT(w.registrations, 1);
        CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
    }
}

/* In a daemon a run may be due: it must not hide how the job ended. */
TEST(outcome_is_seen_before_a_run_that_is_due)
{
    w_reset();
    memset(&job, 0, sizeof job);
    job.type = ACME_JOB_SHOW;
    config.only_when_asked = false;
    config.prompt = true;
    CHECK_INT(w_do(&job, 0), ACME_E_ACCOUNT); /* there is none */
    CHECK_INT(w.accounts, 0);
    CHECK_INT(w_run(0), ACME_OK);
    CHECK_INT(w.certificates, 1);
}

static void live(int64_t seconds)
{
    uint64_t until = w.ms + (uint64_t)seconds * 1000;
    uint32_t sleep_ms = 0;

    while (w.ms < until) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms > 60000 ? 60000 : sleep_ms;
    }
}

/* The CA has done it, but the record could not be emptied: asking again finishes it. */
TEST(deactivated_but_not_forgotten)
{
    account_world(ACME_JOB_DEACTIVATE);
    w.writes = 0;
    w.write_fail_at = 1;
    w.write_fail_count = 1;
    w.write_fail_err = ACME_E_SLOT;
    CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
    CHECK_STR(w.account_status, "deactivated");
    CHECK(unchanged());
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_OK); /* in the same process */
    live(60);
    CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
}

/* Who asked has heard that it failed, and the job is his own again. */
TEST(job_that_storage_stopped_is_over)
{
    account_world(ACME_JOB_SHOW);
    config.only_when_asked = false;
    w.read_err = ACME_E_SLOT;
    w.read_err_slot = ACME_SLOT_SCHED;
    w.requests = 0;
    CHECK_INT(w_do(&job, 0), ACME_E_SLOT);
    w.read_err = ACME_OK;
    memset(&job, 0xff, sizeof job);
    live(7200);
    CHECK_INT(w.requests, 0);
}

/* Who finds an account by its key asks newAccount. */
TEST(retry_after_of_newaccount)
{
    static const struct w_script script[] = {
        {.row = "account", .status = 429, .fields = "Retry-After: 600\r\n", .body = "{}"}, {0}};

    w_reset();
    memset(&job, 0, sizeof job);
    job.type = ACME_JOB_SHOW;
    w.script = script;
    CHECK_INT(w_issue(0), ACME_E_RATE);
    w.requests = 0;
    CHECK_INT(w_do(&job, 0), ACME_E_HELD);
    CHECK_INT(w.requests, 0);
    w_pass(601);
    CHECK_INT(w_do(&job, 0), ACME_E_REFUSED); /* the CA has none for this key */
}

/* Also with an account on record: recovering it asks newAccount. */
TEST(retry_after_of_newaccount_and_a_recovery)
{
    static const struct w_script script[] = {
        {.row = "account", .status = 429, .fields = "Retry-After: 600\r\n", .body = "{}"}, {0}};

    account_world(ACME_JOB_RECOVER);
    job.key = &key;
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_RATE);
    CHECK(unchanged());
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_OK); /* in the same process */
    live(60);
    CHECK_INT(w_do(&job, 0), ACME_E_HELD); /* and after a reboot */
    CHECK_INT(w.per_row[ACME_ROW_ACCOUNT], 1);
    w_pass(601);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK(unchanged());
}

/* What newAccount's Retry-After holds back is newAccount: with an account on record, no order. */
TEST(refused_recovery_holds_no_certificate_back)
{
    static const struct w_script script[] = {
        {.row = "account", .status = 429, .fields = "Retry-After: 86400\r\n", .body = "{}"}, {0}};

    account_world(ACME_JOB_RECOVER);
    job.key = &key;
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_RATE);
    CHECK_INT(w_run(ACME_ASK_FORCE), ACME_OK);
    CHECK_INT(w.certificates, 2);
}

/* A deactivation that is refused asks newAccount what became of the account: not before its time.
 */
TEST(retry_after_of_newaccount_and_a_deactivation)
{
    static const struct w_script script[] = {
        {.row = "account", .status = 429, .fields = "Retry-After: 600\r\n", .body = "{}"},
        {.row = "deactivate", .count = 2, .status = 403, .body = "{}", .act = true},
        {0}};

    account_world(ACME_JOB_RECOVER);
    job.key = &key;
    memset(w.per_row, 0, sizeof w.per_row);
    w.script = script;
    CHECK_INT(w_do(&job, 0), ACME_E_RATE);
    job.type = ACME_JOB_DEACTIVATE;
    CHECK_INT(w_do(&job, 0), ACME_E_RATE);
    CHECK_INT(w.per_row[ACME_ROW_DEACTIVATED], 0);
    CHECK(unchanged());
    w_pass(601);
    CHECK_INT(w_do(&job, 0), ACME_OK);
    CHECK_INT(w.per_row[ACME_ROW_DEACTIVATED], 1);
    CHECK(w_slot(ACME_SLOT_ACCOUNT) == NULL);
}

/* A recovery that fails goes back to what is stored, and that is less than what is known. */
TEST(failed_recovery_forgets_no_window)
{
    struct acme_agent_status before, after;
    struct acme_key other;

    account_world(ACME_JOB_RECOVER);
    w.ari = true;
    w.ari_field = "Retry-After: 3600";
    CHECK_INT(w_issue(ACME_ASK_FORCE | ACME_ASK_NOW), ACME_OK);
    config.only_when_asked = false;
    w.writes = 0;
    live(3800);
    CHECK_INT(w.windows, 2);
    CHECK_INT(w.writes, 0);
    acme_agent_status(&agent, &before);
    CHECK_INT(acme_key_make(&other, ACME_KEY_P256), ACME_OK);
    job.key = &other;
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_OK);
    live(60);
    acme_agent_status(&agent, &after);
    CHECK_INT(after.outcome, ACME_E_CONFIG);
    CHECK_INT(after.window_next, before.window_next);
    live(1800);
    CHECK_INT(w.windows, 2);
}

/* Flash that is being erased cannot be read: the agent comes back in a moment, it does not spin. */
TEST(busy_storage_is_waited_for)
{
    uint32_t sleep_ms = 0;

    account_world(ACME_JOB_REVOKE);
    CHECK_INT(w_boot(), ACME_OK);
    w.read_err = ACME_AGAIN;
    w.read_err_slot = ACME_SLOT_ACCOUNT;
    CHECK_INT(acme_agent_do(&agent, &job, 0), ACME_OK);
    (void)acme_agent_poll(&agent, &sleep_ms);
    CHECK_INT(agent.step, ACME_ROW_LOAD);
    CHECK(sleep_ms > 0 && sleep_ms <= 1000);
    w.read_err = ACME_OK;
    for (int i = 0; i < 1000 && (agent.step != ACME_ROW_REVOKE || agent.nonce[0] == '\0'); i++) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        w.ms += sleep_ms;
    }
    CHECK_INT(agent.step, ACME_ROW_REVOKE);
    w.read_err = ACME_AGAIN;
    w.read_err_slot = (enum acme_slot)agent.cert.slot;
    (void)acme_agent_poll(&agent, &sleep_ms);
    CHECK_INT(w.revokes, 0);
    CHECK(sleep_ms > 0 && sleep_ms <= 1000);
    w.read_err = ACME_OK;
    for (int i = 0; i < 1000 && agent.busy; i++) {
        w.ms += sleep_ms;
        (void)acme_agent_poll(&agent, &sleep_ms);
    }
    CHECK_INT(w.revokes, 1);
}

RUN()
