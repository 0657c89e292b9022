/* broken_sys.c - lies about entropy, clocks and events; and the list of all lies */
#include "broken.h"

#include <string.h>

static int by_entropy(void *ctx, void *out, size_t len)
{
    struct broken *x = ctx;
    unsigned char *p = out;

    if (broken_says(x, LIE_ENTROPY_SHORT))
        return posix_entropy(ctx, out, len > 1 ? len - 1 : len);
    if (broken_says(x, LIE_ENTROPY_CONSTANT)) {
        memset(out, 0x5a, len);
        return ACME_OK;
    }
    if (broken_says(x, LIE_ENTROPY_COUNTER)) {
        memset(out, 0, len);
        p[0] = (unsigned char)++x->calls;
        return ACME_OK;
    }
    int got = posix_entropy(ctx, out, len);
    if (broken_says(x, LIE_ENTROPY_OVERRUN))
        p[len] = 0;
    if ((broken_says(x, LIE_ENTROPY_WEAK_WHEN_EARLY) && got == ACME_AGAIN) ||
        (broken_says(x, LIE_ENTROPY_WEAK_WHEN_BROKEN) && got == ACME_E_ENTROPY))
        return ACME_OK;
    return got;
}

static uint64_t by_now_ms(void *ctx)
{
    struct broken *x = ctx;
    uint64_t now = posix_now_ms(ctx);

    if (x->began == 0)
        x->began = now;
    if (broken_says(x, LIE_CLOCK_BACK) && ++x->calls % 1000 == 0)
        return now - 500;
    if (broken_says(x, LIE_CLOCK_STOPS))
        return x->began;
    if (broken_says(x, LIE_CLOCK_SECONDS))
        return now / 1000;
    if (broken_says(x, LIE_CLOCK_SLOW))
        return x->began + (now - x->began) / 2;
    return now;
}

static int by_unix_time(void *ctx, int64_t *seconds)
{
    struct broken *x = ctx;
    int got = x->honest_unix_time(ctx, seconds);

    if (broken_says(x, LIE_UNIX_1970) && got == ACME_OK)
        *seconds = 12345;
    if (broken_says(x, LIE_UNIX_MS) && got == ACME_OK)
        *seconds *= 1000;
    if (broken_says(x, LIE_UNIX_NEVER_UNSET) && got == ACME_E_CLOCK)
        return posix_unix_time(ctx, seconds);
    if (broken_says(x, LIE_UNIX_WRITES_UNSET) && got == ACME_E_CLOCK)
        *seconds = 0;
    if (broken_says(x, LIE_EVENT_SPEAKS))
        x->bed.port.event(ctx, NULL);
    return got;
}

void broken_sys_up(struct broken *x)
{
    x->honest_unix_time = x->bed.port.unix_time;
    x->bed.port.entropy = by_entropy;
    x->bed.port.now_ms = by_now_ms;
    x->bed.port.unix_time = by_unix_time;
}

bool broken_up(struct broken *x)
{
    memset(x, 0, sizeof *x);
    if (!bed_up(&x->bed, "broken"))
        return false;
    broken_net_up(x);
    broken_slots_up(x);
    broken_sys_up(x);
    broken_tell(x, NULL);
    return true;
}

void broken_tell(struct broken *x, const struct broken_lie *lie)
{
    x->lie = lie;
    x->calls = 0;
    x->began = 0;
    x->delayed = x->target = x->last_listener = ACME_NO_SOCK;
    x->bed.events = 0;
    /* What a lie left open must not disturb the next one. */
    sockets_lookup_fn lookup = x->bed.net.lookup;
    sockets_down(&x->bed.net);
    (void)sockets_init(&x->bed.net);
    x->bed.net.address_ms = 300;
    x->bed.net.connect_ms = 1500;
    x->bed.net.lookup = lookup;
}

const struct broken_lie broken_lies[] = {
    {"N01", "lookup-blocks", LIE_CONNECT_BLOCKS},
    {"N02", "zero-for-not-yet", LIE_RECV_ZERO_FOR_AGAIN},
    {"N03", "byte-flipped", LIE_RECV_FLIP},
    {"N03", "bytes-swapped", LIE_RECV_SWAPPED},
    {"N03", "bytes-twice", LIE_RECV_TWICE},
    {"N03", "bytes-lost", LIE_SEND_LOSES},
    {"N03", "send-blocks", LIE_SEND_BLOCKS},
    {"N04", "overcounts", LIE_SEND_OVERCOUNTS},
    {"N04", "undercounts", LIE_SEND_UNDERCOUNTS},
    {"N05", "more-than-cap", LIE_RECV_MORE_THAN_CAP},
    {"N05", "overrun", LIE_RECV_OVERRUN},
    {"N06", "takes-all", LIE_SEND_TAKES_ALL},
    {"N06", "send-zero", LIE_SEND_ZERO},
    {"N07", "zero-at-end", LIE_RECV_ZERO_AT_END},
    {"N07", "end-forgotten", LIE_RECV_AGAIN_AT_END},
    {"N08", "close-resets", LIE_CLOSE_RESETS},
    {"N09", "zero-at-end", LIE_RECV_ZERO_AT_END},
    {"N10", "told-at-once", LIE_CONNECT_TELLS_AT_ONCE},
    {"N10", "error-once", LIE_RECV_ERROR_ONCE},
    {"N10", "send-silent", LIE_SEND_SILENT_AFTER_ERROR},
    {"N11", "lookup-is-net", LIE_CONNECT_LOOKUP_IS_NET},
    {"N12", "port-0", LIE_CONNECT_TAKES_PORT_0},
    {"N13", "host-kept", LIE_CONNECT_KEEPS_HOST},
    {"N14", "no-names", LIE_CONNECT_NO_NAMES},
    {"N15", "first-address-only", LIE_CONNECT_FIRST_ADDRESS_ONLY},
    {"N16", "for-ever", LIE_CONNECT_WAITS_FOR_EVER},
    {"N16", "timeout-is-net", LIE_CONNECT_TIMEOUT_IS_NET},
    {"N17", "error-for-not-yet", LIE_ACCEPT_ERROR_FOR_AGAIN},
    {"N17", "twice", LIE_ACCEPT_TWICE},
    {"N18", "full-is-net", LIE_FULL_IS_NET},
    {"N18", "close-leaks", LIE_CLOSE_LEAKS},
    {"N19", "not-told", LIE_ACCEPT_DROPS_WHEN_FULL},
    {"N20", "busy-is-net", LIE_LISTEN_BUSY_IS_NET},
    {"N20", "busy-is-fine", LIE_LISTEN_BUSY_IS_FINE},
    {"N21", "foreign-is-fine", LIE_LISTEN_FOREIGN_IS_FINE},
    {"N23", "only-v4", LIE_LISTEN_ONLY_V4},
    {"N24", "everywhere", LIE_LISTEN_EVERYWHERE},
    {"N25", "handle-not-checked", LIE_HANDLE_REUSED},
    {"N26", "no-end", LIE_RESOLVER_NO_END},
    {"N26", "a-name", LIE_RESOLVER_NAME},
    {"N26", "no-nul", LIE_RESOLVER_NO_NUL},
    {"N27", "still-listens", LIE_CLOSE_KEEPS_LISTENING},
    {"N28", "close-leaks", LIE_CLOSE_LEAKS},
    {"S01", "never-empty", LIE_SLOT_NEVER_EMPTY},
    {"S02", "byte-flipped", LIE_SLOT_FLIP},
    {"S02", "changes-data", LIE_SLOT_CHANGES_DATA},
    {"S02", "overrun", LIE_SLOT_READ_OVERRUN},
    {"S03", "keeps-tail", LIE_SLOT_KEEPS_TAIL},
    {"S04", "ignores-key", LIE_SLOT_IGNORES_KEY},
    {"S04", "ignores-star", LIE_SLOT_IGNORES_STAR},
    {"S04", "ignores-kind", LIE_SLOT_IGNORES_KIND},
    {"S05", "cuts", LIE_SLOT_READ_CUTS},
    {"S06", "not-emptied", LIE_SLOT_NOT_EMPTIED},
    {"S07", "forgets", LIE_SLOT_FORGETS},
    {"S08", "failed-is-fine", LIE_SLOT_FAILED_IS_FINE},
    {"S08", "loses-old", LIE_SLOT_FAILED_LOSES_OLD},
    {"S09", "in-place", LIE_SLOT_IN_PLACE},
    {"S09", "deletes-first", LIE_SLOT_DELETES_FIRST},
    {"S10", "cuts-key", LIE_SLOT_CUTS_KEY},
    {"S11", "wears-out", LIE_SLOT_WEARS_OUT},
    {"E01", "short", LIE_ENTROPY_SHORT},
    {"E01", "overrun", LIE_ENTROPY_OVERRUN},
    {"E02", "constant", LIE_ENTROPY_CONSTANT},
    {"E02", "counter", LIE_ENTROPY_COUNTER},
    {"E03", "weak-when-early", LIE_ENTROPY_WEAK_WHEN_EARLY},
    {"E04", "weak-when-broken", LIE_ENTROPY_WEAK_WHEN_BROKEN},
    {"C01", "back", LIE_CLOCK_BACK},
    {"C02", "stops", LIE_CLOCK_STOPS},
    {"C02", "seconds", LIE_CLOCK_SECONDS},
    {"C02", "slow", LIE_CLOCK_SLOW},
    {"C03", "1970", LIE_UNIX_1970},
    {"C03", "milliseconds", LIE_UNIX_MS},
    {"C04", "never-unset", LIE_UNIX_NEVER_UNSET},
    {"C04", "writes-unset", LIE_UNIX_WRITES_UNSET},
    {"V01", "speaks", LIE_EVENT_SPEAKS},
    {NULL, NULL, LIE_NONE},
};
