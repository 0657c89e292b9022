/* acme_servers.c - which of several CAs gets the next order: pure functions */
#include "acme_servers.h"

#include <string.h>

#define SRV_ENOUGH        3
#define SRV_ENOUGH_URGENT 2
#define SRV_SOON          (5 * ACME_MINUTE)
#define SRV_REHEARSALS    7 /* then the attempts become daily ones: no need to spare the real CA */

/* Less than a quarter of the life is left after wait_s, or nothing. */
static bool srv_urgent(const struct acme_servers_facts *f, uint32_t wait_s)
{
    return f->remaining_s <= wait_s || f->remaining_s - wait_s < f->life_s / 4;
}

static bool srv_enough(const struct acme_servers *s, const struct acme_servers_facts *f,
                       enum acme_fault fault)
{
    int64_t spread = f->remaining_s / 8 < ACME_DAY ? f->remaining_s / 8 : ACME_DAY;

    if (fault == ACME_FAULT_UNREACHED && s->turn != 0)
        return true;
    if (srv_urgent(f, 0))
        return s->failures >= SRV_ENOUGH_URGENT;
    return s->failures >= SRV_ENOUGH && f->now - s->since >= spread;
}

static void srv_next(struct acme_servers *s, const struct acme_servers_facts *f)
{
    uint8_t next = (uint8_t)((s->turn + 1) % f->count);

    for (uint8_t i = 1; i < f->count; i++) {
        uint8_t at = (uint8_t)((s->turn + i) % f->count);

        if (acme_servers_wait(s, at, f->now) > 0)
            continue;
        next = at;
        break;
    }
    s->turn = next;
    s->failures = 0;
    s->since = 0;
    if (s->changes < UINT8_MAX)
        s->changes++;
}

static void srv_hold(struct acme_servers_hold *h, int64_t now, uint32_t seconds)
{
    if (seconds == 0)
        return;
    h->not_before = now + seconds;
    h->set_at = now;
}

bool acme_servers_failed(struct acme_servers *s, const struct acme_servers_facts *f,
                         enum acme_fault fault, bool rehearsed, uint32_t retry_after_s)
{
    bool proved = s->rehearsal == ACME_REHEARSAL_PROVED;

    if (rehearsed) { /* a staging CA that is in trouble itself is no reason to wait */
        srv_hold(&s->holds[ACME_MAX_SERVERS], f->now, retry_after_s);
        s->rehearsal = fault == ACME_FAULT_PROOF && f->proofs < SRV_REHEARSALS
                           ? ACME_REHEARSAL_OWED
                           : ACME_REHEARSAL_NONE;
        return false;
    }
    srv_hold(&s->holds[s->turn], f->now, retry_after_s);
    if (fault == ACME_FAULT_PROOF && f->staging)
        s->rehearsal = ACME_REHEARSAL_OWED;
    if (fault == ACME_FAULT_OURS || (fault == ACME_FAULT_PROOF && !proved) || f->count < 2)
        return false;
    if (s->failures == 0 || s->since > f->now)
        s->since = f->now;
    if (s->failures < UINT8_MAX)
        s->failures++;
    if (!srv_enough(s, f, fault) &&
        !(fault == ACME_FAULT_LIMIT && retry_after_s > 0 && srv_urgent(f, retry_after_s)))
        return false;
    srv_next(s, f);
    return true;
}

bool acme_servers_held(struct acme_servers *s, const struct acme_servers_facts *f, uint32_t wait_s)
{
    if (f->count < 2 || wait_s == 0 || !srv_urgent(f, wait_s))
        return false;
    srv_next(s, f);
    return true;
}

void acme_servers_turned(const struct acme_servers *s, const struct acme_servers_facts *f,
                         struct acme_sched *sched, enum acme_class class_of, uint16_t jitter)
{
    int64_t wait = sched->not_before - f->now;

    if (sched->by_ca)
        wait = acme_sched_backoff(class_of, sched->failures, f->remaining_s, jitter);
    if (s->changes < f->count && wait > SRV_SOON)
        wait = SRV_SOON / 2 + (int64_t)SRV_SOON / 2 * jitter / 0xffff;
    sched->by_ca = false;
    sched->not_before = f->now + wait;
    sched->set_at = f->now;
}

void acme_servers_settled(struct acme_servers *s)
{
    s->turn = s->failures = s->changes = 0;
    s->rehearsal = ACME_REHEARSAL_NONE;
    s->since = 0;
}

uint32_t acme_servers_wait(const struct acme_servers *s, uint8_t server, int64_t now)
{
    return acme_sched_wait_one(s->holds[server].not_before, s->holds[server].set_at, now);
}

void acme_servers_rebase(struct acme_servers *s, int64_t now)
{
    if (s->since > now)
        s->since = now;
    for (unsigned i = 0; i <= ACME_MAX_SERVERS; i++)
        (void)acme_sched_rebase_one(&s->holds[i].not_before, &s->holds[i].set_at, now);
}

/* -- holds of servers that are not in the list -- */

void acme_servers_keep(struct acme_servers_kept *k, const struct acme_servers_hold *hold,
                       const char *url)
{
    size_t len = strlen(url) + 1;

    if (hold->not_before == 0 || sizeof k->packed - k->len < sizeof *hold + len)
        return;
    memcpy(k->packed + k->len, hold, sizeof *hold);
    memcpy(k->packed + k->len + sizeof *hold, url, len);
    k->len = (uint16_t)(k->len + sizeof *hold + len);
}

const char *acme_servers_kept(const struct acme_servers_kept *k, size_t *at,
                              struct acme_servers_hold *hold)
{
    const char *url = (const char *)k->packed + *at + sizeof *hold;

    if (*at >= k->len)
        return NULL;
    memcpy(hold, k->packed + *at, sizeof *hold);
    *at += sizeof *hold + strlen(url) + 1;
    return url;
}

void acme_servers_kept_rebase(struct acme_servers_kept *k, int64_t now)
{
    struct acme_servers_kept old = *k;
    struct acme_servers_hold hold;
    const char *url;
    size_t at = 0;

    k->len = 0;
    while ((url = acme_servers_kept(&old, &at, &hold)) != NULL) {
        (void)acme_sched_rebase_one(&hold.not_before, &hold.set_at, now);
        if (hold.not_before > now)
            acme_servers_keep(k, &hold, url);
    }
}
