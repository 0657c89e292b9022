/* What a hook runner takes for a request: whoever sends it may have been taken over. */
#include "runner.h"

#include "test.h"

static struct runner_request good(void)
{
    struct runner_request q;

    memset(&q, 0, sizeof q);
    q.kind = RUNNER_RUN;
    q.serial = 7;
    q.index = 3;
    q.reason = 2;
    strcpy(q.cert_name, "a.example.net");
    return q;
}

static bool taken(const void *data, size_t len)
{
    struct runner_request out;
    void *copy = malloc(len > 0 ? len : 1); /* the sanitizer sees the first byte too many */
    bool is;

    memcpy(copy, data, len);
    is = runner_request_read(copy, len, &out);
    free(copy);
    return is;
}

TEST(a_request_is_taken)
{
    struct runner_request q = good(), out;

    CHECK(runner_request_read(&q, sizeof q, &out));
    CHECK_MEM(&out, &q, sizeof q);
    q.kind = RUNNER_KILL;
    CHECK(taken(&q, sizeof q));
    q.kind = RUNNER_RELOAD;
    CHECK(taken(&q, sizeof q));
}

TEST(no_other_length)
{
    uint8_t room[sizeof(struct runner_request) + 64];
    struct runner_request q = good();

    memset(room, 0, sizeof room);
    memcpy(room, &q, sizeof q);
    for (size_t len = 0; len <= sizeof room; len++)
        CHECK_INT(taken(room, len), len == sizeof q);
}

TEST(no_other_kind)
{
    struct runner_request q = good();

    for (uint32_t kind = 0; kind < 70000; kind++) {
        q.kind = kind;
        CHECK_INT(taken(&q, sizeof q), kind >= RUNNER_RUN && kind <= RUNNER_RELOAD);
    }
    q.kind = UINT32_MAX;
    CHECK(!taken(&q, sizeof q));
}

TEST(three_reasons)
{
    struct runner_request q = good();

    for (uint32_t reason = 0; reason < 70000; reason++) {
        q.reason = reason;
        CHECK_INT(taken(&q, sizeof q), reason < 3);
    }
    q.reason = UINT32_MAX;
    CHECK(!taken(&q, sizeof q));
}

TEST(a_name_that_ends)
{
    struct runner_request q = good();

    memset(q.cert_name, 'a', sizeof q.cert_name);
    CHECK(!taken(&q, sizeof q));
    q.cert_name[sizeof q.cert_name - 1] = '\0';
    CHECK(taken(&q, sizeof q));
}

TEST(a_serial)
{
    struct runner_request q = good();

    q.serial = 0;
    CHECK(!taken(&q, sizeof q));
}

RUN()
