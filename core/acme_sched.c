/* acme_sched.c - when to act next: pure functions of the past and a random number */
#include "acme_sched.h"

#include <stddef.h>

#define SCH_FLOOR    (5 * ACME_MINUTE)
#define SCH_YEAR     (365 * ACME_DAY)
#define SCH_SHORT    (10 * ACME_DAY) /* below this life a certificate is renewed at its half */
#define SCH_YOUNG    (6 * ACME_HOUR)
#define SCH_AGAIN    (2 * ACME_DAY) /* fewer than the five in a week that CAs allow */
#define SCH_AT_FLOOR 12             /* tries at the floor without a usable certificate */
#define SCH_MORE_MAX 0xffff         /* failures and orders stop counting here */

/* Times come from storage and from a clock that may be wrong: no sum may overflow. */
static int64_t sch_add(int64_t a, int64_t b)
{
    if (b > 0 && a > INT64_MAX - b)
        return INT64_MAX;
    if (b < 0 && a < INT64_MIN - b)
        return INT64_MIN;
    return a + b;
}

static int64_t sch_sub(int64_t a, int64_t b)
{
    if (b < 0 && a > INT64_MAX + b)
        return INT64_MAX;
    if (b > 0 && a < INT64_MIN + b)
        return INT64_MIN;
    return a - b;
}

static int64_t sch_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t sch_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t acme_sched_due_at(int64_t not_before, int64_t not_after)
{
    int64_t life = sch_max(sch_sub(not_after, not_before), 0);

    return sch_sub(not_after, life < SCH_SHORT ? life / 2 : life / 3);
}

bool acme_sched_due(int64_t now, int64_t not_before, int64_t not_after)
{
    return now >= acme_sched_due_at(not_before, not_after);
}

/* start times factor for each step after the first, at most cap. */
static int64_t sch_grow(int64_t start, int64_t factor, unsigned steps, int64_t cap)
{
    while (steps > 0 && start < cap) {
        start *= factor;
        steps--;
    }
    return sch_min(start, cap);
}

static int64_t sch_connection(unsigned failures, int64_t remaining_s)
{
    if (remaining_s <= 0)
        return sch_grow(SCH_FLOOR, 2, failures > SCH_AT_FLOOR ? failures - SCH_AT_FLOOR : 0,
                        ACME_DAY);
    return sch_grow(ACME_MINUTE, 4, failures - 1,
                    sch_max(sch_min(ACME_DAY, remaining_s / 8), SCH_FLOOR));
}

static int64_t sch_validation(unsigned failures)
{
    static const uint16_t first[] = {12 * ACME_MINUTE, 24 * ACME_MINUTE, 100 * ACME_MINUTE};

    if (failures <= sizeof first / sizeof first[0])
        return first[failures - 1];
    return failures <= 7 ? 6 * ACME_HOUR : ACME_DAY;
}

static int64_t sch_refused(unsigned failures)
{
    return failures == 1 ? ACME_HOUR : failures == 2 ? 6 * ACME_HOUR : ACME_DAY;
}

uint32_t acme_sched_backoff(enum acme_class class_of, unsigned failures, int64_t remaining_s,
                            uint16_t jitter)
{
    int64_t wait;

    if (failures == 0)
        failures = 1;
    switch (class_of) {
    case ACME_CLASS_NONE:
    case ACME_CLASS_CONNECTION:
        wait = sch_connection(failures, remaining_s);
        return (uint32_t)(wait / 2 + wait * jitter / (2 * 0xffff));
    case ACME_CLASS_VALIDATION:
        wait = sch_validation(failures);
        break;
    case ACME_CLASS_REFUSED:
        wait = sch_refused(failures);
        break;
    default:
        wait = ACME_DAY;
        break;
    }
    return (uint32_t)(wait + wait * jitter / (10 * 0xffff));
}

/* The failures that a class waits by; NULL: it waits the same each time. */
static uint16_t *sch_count(struct acme_sched *s, enum acme_class class_of)
{
    switch (class_of) {
    case ACME_CLASS_NONE:
    case ACME_CLASS_CONNECTION:
        return &s->connections;
    case ACME_CLASS_VALIDATION:
        return &s->validations;
    case ACME_CLASS_REFUSED:
        return &s->refusals;
    default:
        return NULL;
    }
}

static void sch_more(uint16_t *count)
{
    if (*count < SCH_MORE_MAX)
        (*count)++;
}

void acme_sched_failed(struct acme_sched *s, int64_t now, enum acme_class class_of,
                       int64_t remaining_s, uint32_t retry_after_s, uint16_t jitter)
{
    uint32_t by_ca = s->by_ca ? acme_sched_wait_one(s->not_before, s->set_at, now) : 0;
    uint16_t *count = sch_count(s, class_of);
    uint32_t wait;

    sch_more(&s->failures);
    if (count != NULL)
        sch_more(count);
    s->last_class = (uint8_t)class_of;
    wait = acme_sched_backoff(class_of, count != NULL ? *count : 1, remaining_s, jitter);
    if (by_ca < retry_after_s)
        by_ca = retry_after_s;
    s->by_ca = by_ca >= wait;
    s->not_before = sch_add(now, s->by_ca ? by_ca : wait);
    s->set_at = now;
}

void acme_sched_rolled_back(struct acme_sched *s)
{
    if (s->failures < s->rolled_back)
        s->failures = s->rolled_back;
    if (s->refusals < s->rolled_back)
        s->refusals = s->rolled_back;
    if (s->rolled_back < UINT8_MAX)
        s->rolled_back++;
}

uint32_t acme_sched_spread(enum acme_sched_found found, int64_t remaining_s, uint16_t jitter)
{
    int64_t most = found == ACME_SCHED_RUNNING ? ACME_DAY : ACME_HOUR;

    most = remaining_s > 0 ? sch_min(most, remaining_s / 16) : SCH_FLOOR;
    return (uint32_t)(most * jitter / 0xffff);
}

void acme_sched_charge(struct acme_sched *s, int64_t now)
{
    sch_more(&s->orders);
    s->order_at = now;
}

void acme_sched_succeeded(struct acme_sched *s)
{
    s->not_before = 0;
    s->set_at = 0;
    s->order_at = 0;
    s->orders = 0;
    s->failures = s->connections = s->validations = s->refusals = 0;
    s->last_class = ACME_CLASS_NONE;
    s->by_ca = false;
}

bool acme_sched_issued(struct acme_sched *s, int64_t now, int64_t not_before, int64_t not_after)
{
    int64_t eighth = sch_max(sch_sub(not_after, not_before), 0) / 8;

    if (sch_sub(now, not_before) <= sch_min(eighth, SCH_YOUNG))
        return false;
    s->not_before = sch_add(now, sch_min(eighth, SCH_AGAIN));
    s->set_at = now;
    return true;
}

void acme_recent_add(struct acme_recent *r, uint32_t what, int64_t now)
{
    for (int i = ACME_RECENT - 1; i > 0; i--)
        r->at[i] = r->what == what ? r->at[i - 1] : 0;
    r->at[0] = (uint32_t)(now / ACME_MINUTE);
    r->what = what;
}

/* Minutes until `span` of them have passed since `at`. */
static uint32_t sch_since(uint32_t at, uint32_t now, uint32_t span)
{
    if (at > now)
        at = now;
    return now - at < span ? span - (now - at) : 0;
}

uint32_t acme_recent_wait(const struct acme_recent *r, uint32_t what, int64_t now, bool needed)
{
    uint32_t minute = (uint32_t)(now / ACME_MINUTE);
    uint32_t wait, refill;

    if (r->what != what || r->at[ACME_RECENT - 1] == 0)
        return 0;
    wait = sch_since(r->at[ACME_RECENT - 1], minute, ACME_RECENT_SPAN / ACME_MINUTE);
    refill = sch_since(r->at[0], minute, ACME_RECENT_REFILL / ACME_MINUTE);
    return (needed && refill < wait ? refill : wait) * ACME_MINUTE;
}

/* Between the last newOrder and the next, after so many without a success. */
static int64_t sch_order_gap(uint16_t orders)
{
    if (orders < 4)
        return 0;
    return orders < 7 ? ACME_HOUR : orders < 11 ? 6 * ACME_HOUR : ACME_DAY;
}

uint32_t acme_sched_wait_one(int64_t not_before, int64_t set_at, int64_t now)
{
    int64_t planned = sch_max(sch_sub(not_before, set_at), 0);
    int64_t left = sch_max(sch_sub(not_before, now), 0);

    if (not_before == 0)
        return 0;
    return (uint32_t)sch_min(sch_min(planned, left), SCH_YEAR);
}

uint32_t acme_sched_wait(const struct acme_sched *s, int64_t now)
{
    uint32_t wait = acme_sched_wait_one(s->not_before, s->set_at, now);
    int64_t next = sch_add(s->order_at, sch_order_gap(s->orders));
    uint32_t gap = s->order_at != 0 ? acme_sched_wait_one(next, s->order_at, now) : 0;

    return wait > gap ? wait : gap;
}

bool acme_sched_rebase_one(int64_t *not_before, int64_t *set_at, int64_t now)
{
    if (*not_before == 0 || now >= *set_at)
        return false;
    *not_before = sch_add(now, sch_max(sch_sub(*not_before, *set_at), 0));
    *set_at = now;
    return true;
}

bool acme_sched_rebase(struct acme_sched *s, int64_t now)
{
    bool changed = acme_sched_rebase_one(&s->not_before, &s->set_at, now);

    if (s->order_at > now) {
        s->order_at = now;
        changed = true;
    }
    return changed;
}
