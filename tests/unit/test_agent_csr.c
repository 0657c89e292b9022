/* The agent with a request that somebody else has made: no key is made, none is stored. */
#include "acme_csr.h"
#include "agent_world.h"

static uint8_t room[2][2048];
static struct acme_key keys[2];

static void give(int which)
{
    struct acme_span span = {room[which], sizeof room[0]};

    CHECK_INT(acme_csr_write(span, w_names, config.names_count, &keys[which], &config.csr),
              ACME_OK);
}

static void csr_world(void)
{
    uint8_t some[9];

    w_reset();
    (void)acme_random(some, sizeof some); /* or the first key is the CA's own */
    for (int i = 0; i < 2; i++)
        CHECK_INT(acme_key_make(&keys[i], ACME_KEY_P256), ACME_OK);
    give(0);
}

static void check_stored(const struct acme_key *key)
{
    static uint8_t record[W_IO];
    struct acme_span span = {record, sizeof record};
    struct acme_certificate cert;
    struct acme_cert_verdict verdict = {"", 0};

    CHECK_INT(acme_agent_certificate(&agent, span, &cert), ACME_OK);
    CHECK_INT(cert.key.len, 0);
    CHECK_INT(cert.key_type, ACME_KEY_NONE);
    CHECK_INT(
        acme_cert_check(&cert.chain, key, w_names, config.names_count, true, w_wall(), 0, &verdict),
        ACME_OK);
}

TEST(certificate_of_a_request)
{
    csr_world();
    CHECK_INT(w_issue(0), ACME_OK);
    check_stored(&keys[0]);
    CHECK_INT(w.orders[0].csr_len, config.csr.len);
    CHECK_MEM(w.orders[0].csr, config.csr.ptr, config.csr.len);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 1);
    CHECK_INT(w_issue(ACME_ASK_FORCE), ACME_OK);
    check_stored(&keys[0]);
}

TEST(another_request_or_none_makes_it_due)
{
    csr_world();
    CHECK_INT(w_issue(0), ACME_OK);
    give(1);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 2);
    check_stored(&keys[1]);
    memset(&config.csr, 0, sizeof config.csr);
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.orders_count, 3);
    w_check_pair(); /* with a key of ours */
    give(0);
    CHECK_INT(w_issue(0), ACME_OK);
    check_stored(&keys[0]);
}

TEST(certificate_for_another_key_is_refused)
{
    csr_world();
    w.other_key = true;
    CHECK_INT(w_issue(0), ACME_E_CERT);
    CHECK_STR(agent.failure.note, "it is for another key than the request's");
    CHECK(w_slot(ACME_SLOT_CERT_A) == NULL);
    csr_world();
    w.other_names = true;
    CHECK_INT(w_issue(0), ACME_E_CERT);
}

TEST(request_must_ask_for_the_names)
{
    csr_world();
    w_count(2);
    CHECK_INT(w_boot(), ACME_E_CONFIG);
    give(0);
    CHECK_INT(w_issue(0), ACME_OK);
    check_stored(&keys[0]);
    w_count(1);
    CHECK_INT(w_boot(), ACME_E_CONFIG);
    csr_world();
    room[0][sizeof room[0] - 30] ^= 1; /* in the signature */
    CHECK_INT(w_boot(), ACME_E_CONFIG);
}

TEST(request_of_the_account_s_key_is_refused)
{
    csr_world();
    w.until = "charge";
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    keys[0] = agent.account_key;
    give(0);
    CHECK_INT(w_issue(0), ACME_E_CONFIG);
    CHECK_STR(agent.failure.note, "the request's key is the account's");
    CHECK_INT(w.orders_count, 0);
}

TEST(cut_at_every_point)
{
    for (int cut = 1; cut < 200; cut++) {
        int outcome;

        csr_world();
        w.cut_at = cut;
        outcome = w_issue(0);
        if (outcome == ACME_OK)
            return;
        CHECK_INT(outcome, W_CUT);
        w.cut_at = 0;
        CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
        CHECK_INT(w_begun(), 0);
        CHECK_INT(w.late_finalizes, 0);
        check_stored(&keys[0]);
    }
    FAIL("no end");
}

RUN()
