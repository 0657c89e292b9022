/* fuzz_objects.c - directory, order, authorization, challenge and problem from any JSON text */
#include "acme_event_json.h"
#include "acme_objects.h"
#include "fuzz.h"
#include "fuzz_tree.h"

#define ARENA 32768

static uint8_t *arena;

static void check_text(const char *text)
{
    FUZZ_CHECK(text == NULL || fuzz_text_in(text, acme_slice_of(arena, ARENA)));
}

static void check_url(const char *text)
{
    check_text(text);
    FUZZ_CHECK(text == NULL || text[0] != '\0');
}

static void check_name(const struct acme_name *name)
{
    struct acme_name again;

    FUZZ_CHECK(memchr(name->text, 0, sizeof name->text) != NULL);
    FUZZ_CHECK(acme_name_read(acme_slice_text(name->text), &again, NULL) == ACME_OK);
    FUZZ_CHECK(strcmp(again.text, name->text) == 0 && again.type == name->type &&
               again.wildcard == name->wildcard && again.ip_len == name->ip_len);
}

/* What a terminal or a log would be led astray by. */
static void check_words(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;

    for (size_t i = 0; p[i] != 0; i++) {
        uint32_t two = (uint32_t)p[i] << 8 | p[i + 1];

        FUZZ_CHECK(p[i] >= 0x20 && p[i] != 0x7f);
        FUZZ_CHECK(!(two >= 0xc280 && two <= 0xc29f)); /* C1 */
        if (p[i] == 0xe2 && p[i + 1] == 0x80)
            FUZZ_CHECK(!(p[i + 2] >= 0x8b && p[i + 2] <= 0x8f) &&
                       !(p[i + 2] >= 0xa8 && p[i + 2] <= 0xae));
        if (p[i] == 0xe2 && p[i + 1] == 0x81)
            FUZZ_CHECK(!(p[i + 2] >= 0xa6 && p[i + 2] <= 0xa9));
        FUZZ_CHECK(!(p[i] == 0xef && p[i + 1] == 0xbb && p[i + 2] == 0xbf));
    }
}

/* The event with this problem is one line of JSON, and says what the problem says. */
static void check_event(const struct acme_problem *problem)
{
    static uint8_t line[16384], room[32768];
    struct acme_failure failure = {.err = ACME_E_REFUSED, .problem = *problem};
    const struct acme_json *root;
    struct acme_buf b;

    acme_buf_init(&b, line, sizeof line);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_failure(&b, &failure, NULL);
    acme_buf_text(&b, "}");
    FUZZ_CHECK(!b.overflow);
    FUZZ_CHECK(acme_json_parse(acme_buf_slice(&b), (struct acme_span){room, sizeof room}, &root) ==
               ACME_OK);
    root = acme_json_get(root, "failure");
    FUZZ_CHECK(acme_json_is_object(root));
}

static void check_problem(const struct acme_json *node)
{
    struct acme_problem problem;
    struct acme_name name;

    memset(&problem, 0xa5, sizeof problem);
    acme_read_problem(node, &problem);
    FUZZ_CHECK(problem.type < ACME_PROBLEM_END_);
    FUZZ_CHECK((problem.type == ACME_PROBLEM_NONE) == !acme_json_is_object(node));
    FUZZ_CHECK(memchr(problem.detail, 0, sizeof problem.detail) != NULL);
    FUZZ_CHECK(memchr(problem.identifier, 0, sizeof problem.identifier) != NULL);
    check_words(problem.detail);
    FUZZ_CHECK(problem.identifier[0] == '\0' ||
               acme_name_read(acme_slice_text(problem.identifier), &name, NULL) == ACME_OK);
    problem.http_status = 400;
    problem.retry_after_s = 1;
    check_event(&problem);
}

static void check_challenges(const struct acme_json *list)
{
    const struct acme_json *node;

    for (node = acme_json_first(list); node != NULL; node = acme_json_next(node)) {
        struct acme_challenge_object c;
        int err = acme_read_challenge(node, &c);

        FUZZ_CHECK(err == ACME_OK || err == ACME_E_REPLY);
        FUZZ_CHECK(c.status <= ACME_STATUS_CANCELED);
        check_url(c.url);
        check_text(c.token);
        FUZZ_CHECK(c.token == NULL || acme_token_ok(acme_slice_text(c.token)));
        if (err == ACME_OK && c.type != ACME_CHALLENGE_NONE) {
            FUZZ_CHECK(c.url != NULL && acme_challenge_type_name(c.type)[0] != '\0');
            FUZZ_CHECK(c.token != NULL || c.type == ACME_CHALLENGE_DNS_PERSIST01);
        }
        if (c.error != NULL)
            check_problem(c.error);
    }
}

static void check_directory(const struct acme_json *root)
{
    struct acme_directory d;
    const char *missing;
    int err = acme_read_directory(root, &d, &missing);

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_REPLY);
    FUZZ_CHECK((err == ACME_OK) == (missing == NULL));
    FUZZ_CHECK((err == ACME_OK) ==
               (d.new_nonce != NULL && d.new_account != NULL && d.new_order != NULL));
    check_url(d.new_nonce);
    check_url(d.new_account);
    check_url(d.new_order);
    check_url(d.revoke_cert);
    check_url(d.key_change);
    check_url(d.renewal_info);
    check_url(d.terms_of_service);
    FUZZ_CHECK(d.profiles == NULL || acme_json_is_object(d.profiles));
    FUZZ_CHECK(d.caa_identities == NULL || acme_json_is_array(d.caa_identities));
}

static void check_order(const struct acme_json *root)
{
    struct acme_order_object o;
    const struct acme_json *node;
    size_t count = 0;
    int err = acme_read_order(root, &o);

    FUZZ_CHECK(err == (acme_json_is_object(root) ? ACME_OK : ACME_E_REPLY));
    check_url(o.finalize);
    check_url(o.certificate);
    for (node = acme_json_first(o.authorizations); node != NULL; node = acme_json_next(node)) {
        check_text(acme_json_text(node));
        count++;
    }
    FUZZ_CHECK(count == o.authorizations_count);
    if (o.error != NULL)
        check_problem(o.error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct acme_json *root;
    struct acme_authorization z;

    arena = fuzz_room(ARENA);
    if (acme_json_parse(acme_slice_of(data, size), (struct acme_span){arena, ARENA}, &root) ==
        ACME_OK) {
        check_directory(root);
        check_order(root);
        check_problem(root);
        if (acme_read_authorization(root, &z) == ACME_OK) {
            check_name(&z.identifier);
            FUZZ_CHECK(acme_json_is_array(z.challenges));
            check_challenges(z.challenges);
        }
        check_challenges(root); /* a challenge alone, or a list of them */
    }
    free(arena);
    return 0;
}
