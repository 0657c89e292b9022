/* Buffers of every size, orders that come back otherwise than they were left, records that say
 * what no agent wrote. */
#include "agent_world.h"

/* -- memory: too small is said, with the bound's name, and loses nothing -- */

static void try_sizes(size_t io, size_t scratch, int *passed, int *refused)
{
    int err;

    w_reset();
    w_count(60);
    w.chain_extra = 6;
    config.memory.io.len = io;
    config.memory.scratch.len = scratch;
    err = w_issue(0);
    if (err == ACME_OK) {
        (*passed)++;
        w_check_pair();
        return;
    }
    (*refused)++;
    CHECK_INT(err, ACME_E_SIZE);
    CHECK_INT(agent.failure.err, ACME_E_SIZE);
    CHECK(strstr(agent.failure.note, scratch < W_SCRATCH ? "scratch" : "io") != NULL);
    CHECK_INT(w_begun(), 0);
    CHECK(w.certificates == 0 || w.orders[0].finalized == 1);
    config.memory.io.len = W_IO; /* a new build: what was begun is gone on with */
    config.memory.scratch.len = W_SCRATCH;
    CHECK_INT(w_issue(ACME_ASK_NOW), ACME_OK);
    CHECK_INT(w.accounts, 1);
    w_check_pair();
}

TEST(scratch_of_every_size)
{
    int passed = 0, refused = 0;

    for (size_t len = 3072; len < 32768; len += 512)
        try_sizes(W_IO, len, &passed, &refused);
    CHECK(passed > 0 && refused > 0);
}

TEST(io_of_every_size)
{
    int passed = 0, refused = 0;

    for (size_t len = 4096; len < 12288; len += 200)
        try_sizes(len, W_SCRATCH, &passed, &refused);
    CHECK(passed > 0 && refused > 0);
}

/* -- an order that was left open -- */

#define CA      "https://ca.example"
#define ORDER   "{\"status\":\"pending\",\"finalize\":\"" CA "/f/0\",\"authorizations\":["
#define LINK(i) "\"" CA "/a/0/" #i "\""

static void left_open(void)
{
    w_reset();
    w_count(3);
    w.until = "respond";
    CHECK_INT(w_issue(0), ACME_OK);
    w.until = NULL;
    CHECK_INT(w_begun(), 3);
}

static int go_on(const char *body)
{
    struct w_script script[] = {{.row = "look", .status = 200, .body = body}, {0}};
    int err;

    w.script = script;
    err = w_boot();
    w.per_row[ACME_ROW_LOOK] = 0;
    err = err == ACME_OK ? w_run(0) : err;
    w.script = NULL;
    return err;
}

TEST(authorizations_in_another_order)
{
    static const char *const bodies[] = {
        ORDER LINK(0) "," LINK(1) "," LINK(2) "]}", ORDER LINK(0) "," LINK(2) "," LINK(1) "]}",
        ORDER LINK(1) "," LINK(2) "," LINK(0) "]}", ORDER LINK(1) "," LINK(0) "," LINK(2) "]}",
        ORDER LINK(2) "," LINK(0) "," LINK(1) "]}", ORDER LINK(2) "," LINK(1) "," LINK(0) "]}"};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        left_open();
        CHECK_INT(go_on(bodies[i]), ACME_OK);
        CHECK_INT(w.orders_count, 1);
        CHECK_INT(w.certificates, 1);
        CHECK_INT(w_begun(), 0);
        w_check_pair();
    }
}

/* The CA names one more, fewer, or none: never a certificate for other names, and the next run gets
 * one. */
TEST(authorizations_that_were_not_there)
{
    static const char *const bodies[] = {ORDER LINK(2) "]}", ORDER "]}",
                                         ORDER LINK(2) "," LINK(1) "," LINK(0) "," LINK(0) "]}"};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        left_open();
        CHECK_INT(go_on(bodies[i]), ACME_E_REPLY);
        CHECK_INT(w.certificates, 0);
        CHECK_INT(w_begun(), 0);
        CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
        CHECK_INT(w_begun(), 0);
        w_check_pair();
    }
}

/* -- records with a right checksum, and contents that no agent wrote -- */

/* The record, with its fields of this tag (0: none) left out, and one more in their place. */
static void forge(enum acme_slot slot, uint16_t tag, bool keep, const void *value, size_t len)
{
    static uint8_t room[W_IO];
    struct w_slot *s = w_slot(slot);
    struct acme_record_writer out;
    struct acme_record in;
    struct acme_field field;
    int n;

    CHECK_INT(acme_record_open(&in, acme_slice_of(s->data, s->len), (uint8_t)slot), ACME_OK);
    acme_record_begin(&out, (struct acme_span){room, sizeof room}, (uint8_t)slot, in.sequence);
    while (acme_record_next(&in, &field)) {
        if (keep || field.tag != tag)
            acme_record_bytes(&out, field.tag, field.value.ptr, field.value.len);
    }
    acme_record_bytes(&out, tag, value, len);
    n = acme_record_end(&out);
    CHECK(n > 0);
    memcpy(s->data, room, (size_t)n);
    s->len = (size_t)n;
}

#define FORGE(slot, tag, keep, text) forge(slot, tag, keep, text, sizeof(text) - 1)

/* What cannot be read of a begun challenge is passed over; the order goes on. */
TEST(begun_challenges_that_make_no_sense)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"", 0},
               {"\1", 1},
               {"\1abc", 4},
               {"\1one", 4},
               {"\1one\0a.b", 8},
               {"\1one\0a.b\0token", 14},
               {"\1nobody\0a.b\0token\0", 19},
               {"\0\0\0\0\0", 5}};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        left_open();
        forge(ACME_SLOT_ORDER, 6, true, bad[i].bytes, bad[i].len);
        CHECK_INT(w_issue(0), ACME_OK);
        CHECK_INT(w.orders_count, 1);
        CHECK_INT(w_begun(), 0);
        w_check_pair();
    }
}

TEST(more_begun_challenges_than_there_can_be)
{
    char bytes[40];

    left_open();
    for (int i = 0; i < ACME_MAX_NAMES + 5; i++) {
        int n = snprintf(bytes, sizeof bytes, "%cone%cx%d.example%ct%d", 1, 0, i, 0, i);

        forge(ACME_SLOT_ORDER, 6, true, bytes, (size_t)n + 1);
    }
    CHECK_INT(w_boot(), ACME_OK);
    (void)w_run(0);
    CHECK(agent.order.names_count <= ACME_MAX_NAMES);
    CHECK_INT(w_run(ACME_ASK_NOW), ACME_OK);
    w_check_pair();
}

TEST(accounts_that_make_no_sense)
{
    static char url[ACME_MAX_URL + 2];

    memset(url, 'u', sizeof url);
    left_open();
    forge(ACME_SLOT_ACCOUNT, 5, false, url,
          sizeof url); /* a URL that is too long: asked for anew */
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.accounts, 1);
    w_check_pair();
    left_open();
    FORGE(ACME_SLOT_ACCOUNT, 2, false, "\1"); /* not a number */
    CHECK_INT(w_issue(0), ACME_E_SLOT_CORRUPT);
    left_open();
    FORGE(ACME_SLOT_ACCOUNT, 2, false, "\x4d\0\0\0\0\0\0\0"); /* no such type */
    CHECK_INT(w_issue(0), ACME_E_SLOT_CORRUPT);
    left_open();
    FORGE(ACME_SLOT_ACCOUNT, 4, false, ""); /* no key */
    CHECK_INT(w_issue(0), ACME_E_SLOT_CORRUPT);
    CHECK_INT(w.accounts, 1);
}

TEST(certificates_that_make_no_sense)
{
    left_open();
    CHECK_INT(w_run(0), ACME_OK);
    FORGE((enum acme_slot)agent.cert.slot, 8, false, "\xff\xff\xff"); /* no chain */
    w.warnings = 0;
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK(w.warnings > 0);
    CHECK_INT(w.certificates, 2);
    w_check_pair();
    FORGE((enum acme_slot)agent.cert.slot, 1, false,
          "short"); /* for nobody knows what: it is due */
    CHECK_INT(w_issue(0), ACME_OK);
    CHECK_INT(w.certificates, 3);
    w_check_pair();
}

RUN()
