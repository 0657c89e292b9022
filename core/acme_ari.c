/* acme_ari.c - ACME Renewal Information (RFC 9773): the certificate's name, the moment in a window
 */
#include "acme_ari.h"

#include "acme_sched.h"

#define ARI_YOUNG    (6 * ACME_HOUR)
#define ARI_LONG_AGO ACME_DAY

bool acme_ari_id(const struct acme_cert_facts *facts, char *out, size_t room)
{
    struct acme_buf b;

    acme_buf_init(&b, out, room);
    acme_buf_b64url(&b, facts->authority_key, facts->authority_key_len);
    acme_buf_char(&b, '.');
    acme_buf_b64url(&b, facts->serial, facts->serial_len);
    if (facts->authority_key_len > 0 && facts->serial_len > 0 && acme_buf_end(&b))
        return true;
    if (room > 0)
        out[0] = '\0';
    return false;
}

int64_t acme_ari_choose(int64_t start, int64_t end, int64_t not_before, int64_t not_after,
                        uint32_t random)
{
    int64_t life = not_after - not_before;
    int64_t latest = not_after - (not_after - acme_sched_due_at(not_before, not_after)) / 2;
    int64_t earliest = not_before + (life / 8 < ARI_YOUNG ? life / 8 : ARI_YOUNG);
    uint64_t span;

    if (life <= 0 || end <= start || end <= not_before - ARI_LONG_AGO || start > latest)
        return 0;
    if (end <= not_before)
        return earliest;
    if (start < not_before)
        start = not_before;
    if (end > latest)
        end = latest;
    span = (uint64_t)(end - start);
    if (span > UINT32_MAX)
        span = UINT32_MAX;
    start += (int64_t)(span * random >> 32);
    return start > earliest ? start : earliest;
}
