/* test_event_json.c - events as lines of JSON, byte by byte */
#include "acme_event_json.h"

#include "acme_err.h"
#include "test.h"

static char text[2048];

static const char *line(const struct acme_event *e, const int64_t *now, const char *hint)
{
    struct acme_buf b;

    acme_buf_init(&b, text, sizeof text);
    acme_event_json(&b, e, now, hint);
    CHECK(acme_buf_end(&b));
    return text;
}

TEST(a_step)
{
    const struct acme_event e = {.type = ACME_EVENT_STEP,
                                 .step = "authz",
                                 .text = "",
                                 .word = "",
                                 .detail = "",
                                 .index = 2,
                                 .count = 4};
    const int64_t now = 1700000000;

    CHECK_STR(line(&e, NULL, NULL),
              "{\"v\":1,\"event\":\"step\",\"step\":\"authz\",\"index\":2,\"count\":4}\n");
    CHECK_STR(line(&e, &now, NULL), "{\"v\":1,\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"step\","
                                    "\"step\":\"authz\",\"index\":2,\"count\":4}\n");
}

TEST(a_failure)
{
    struct acme_failure f = {.err = ACME_E_VALIDATION, .at = 1700000000, .step = "why"};
    const struct acme_event e = {.type = ACME_EVENT_FAILURE,
                                 .step = "why",
                                 .text = "",
                                 .word = "",
                                 .detail = "",
                                 .err = ACME_E_VALIDATION,
                                 .failure = &f};

    f.problem.http_status = 403;
    (void)acme_copy_text(f.problem.detail, sizeof f.problem.detail, acme_slice_text("a \"b\""));
    CHECK_STR(
        line(&e, NULL, "look"),
        "{\"v\":1,\"event\":\"failure\",\"step\":\"why\",\"error\":\"ACME_E_VALIDATION\","
        "\"failure\":{\"error\":\"ACME_E_VALIDATION\",\"words\":\"the CA could not validate a "
        "name\",\"step\":\"why\",\"at\":\"2023-11-14T22:13:20Z\",\"detail\":\"a \\\"b\\\"\","
        "\"status\":403,\"do\":\"look\"}}\n");
}

/* Every member that there is, in its order. */
TEST(all_members)
{
    struct acme_failure f = {
        .err = ACME_E_RATE, .at = 1, .step = "order", .note = "too often", .problem = {0}};
    const struct acme_event e = {.type = ACME_EVENT_WARNING,
                                 .step = "order",
                                 .text = "t",
                                 .word = "w",
                                 .detail = "d\n",
                                 .err = ACME_E_RATE,
                                 .at = 86400,
                                 .ms = 12,
                                 .status = 429,
                                 .failure = &f};

    f.problem.type = ACME_PROBLEM_RATE_LIMITED;
    f.problem.retry_after_s = 60;
    (void)acme_copy_text(f.problem.identifier, sizeof f.problem.identifier,
                         acme_slice_text("a.example"));
    CHECK_STR(
        line(&e, NULL, NULL),
        "{\"v\":1,\"event\":\"warning\",\"step\":\"order\",\"text\":\"t\",\"word\":\"w\","
        "\"detail\":\"d\\u000a\",\"error\":\"ACME_E_RATE\",\"at\":\"1970-01-02T00:00:00Z\","
        "\"ms\":12,\"status\":429,\"failure\":{\"error\":\"ACME_E_RATE\",\"words\":\"the CA's "
        "rate limit is reached\",\"step\":\"order\",\"at\":\"1970-01-01T00:00:01Z\",\"what\":"
        "\"too often\",\"identifier\":\"a.example\",\"type\":\"rateLimited\","
        "\"retry_after\":60}}\n");
}

TEST(bodies_are_for_people)
{
    const struct acme_event e = {
        .type = ACME_EVENT_EXCHANGE, .step = "look", .text = "", .word = "", .detail = ""};

    CHECK_STR(line(&e, NULL, NULL), "");
}

TEST(negative_numbers)
{
    struct acme_buf b;

    acme_buf_init(&b, text, sizeof text);
    acme_json_put_number(&b, "n", INT64_MIN);
    CHECK(acme_buf_end(&b));
    CHECK_STR(text, ",\"n\":-9223372036854775808");
}

RUN()
