/* The agent when all goes well: what it asks, in which order, and what is durable before it. */
#include "agent_world.h"

TEST(first_certificate_takes_8_plus_2n)
{
    w_reset();
    w.issue_ms = 5;
    CHECK_INT(w_issue(0), ACME_OK);
    puts(w.log); CHECK_INT(w.requests, 8 + 2);
    CHECK_INT(w.connections, 1);
    CHECK_INT(w.bad_jws, 0);
    CHECK_INT(w_begun(), 0);
    w_check_pair();
}

RUN()
