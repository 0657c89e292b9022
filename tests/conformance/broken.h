/* broken.h - an honest port behind a wrapper that can be told to lie */
#ifndef BROKEN_H
#define BROKEN_H

#include "bed.h"

/* Every lie; what each does is written at the function that tells it. */
enum broken_kind {
    LIE_NONE,
    /* recv */
    LIE_RECV_ZERO_FOR_AGAIN,
    LIE_RECV_ZERO_AT_END,
    LIE_RECV_AGAIN_AT_END,
    LIE_RECV_MORE_THAN_CAP,
    LIE_RECV_OVERRUN,
    LIE_RECV_FLIP,
    LIE_RECV_TWICE,
    LIE_RECV_ERROR_ONCE,
    LIE_RECV_SWAPPED,
    /* send */
    LIE_SEND_OVERCOUNTS,
    LIE_SEND_UNDERCOUNTS,
    LIE_SEND_LOSES,
    LIE_SEND_TAKES_ALL,
    LIE_SEND_ZERO,
    LIE_SEND_BLOCKS,
    LIE_SEND_SILENT_AFTER_ERROR,
    /* connect */
    LIE_CONNECT_BLOCKS,
    LIE_CONNECT_KEEPS_HOST,
    LIE_CONNECT_TELLS_AT_ONCE,
    LIE_CONNECT_LOOKUP_IS_NET,
    LIE_CONNECT_TAKES_PORT_0,
    LIE_CONNECT_FIRST_ADDRESS_ONLY,
    LIE_CONNECT_WAITS_FOR_EVER,
    LIE_CONNECT_NO_NAMES,
    LIE_CONNECT_TIMEOUT_IS_NET,
    /* listen, accept, close */
    LIE_LISTEN_BUSY_IS_NET,
    LIE_LISTEN_BUSY_IS_FINE,
    LIE_LISTEN_FOREIGN_IS_FINE,
    LIE_LISTEN_ONLY_V4,
    LIE_LISTEN_EVERYWHERE,
    LIE_ACCEPT_ERROR_FOR_AGAIN,
    LIE_ACCEPT_DROPS_WHEN_FULL,
    LIE_ACCEPT_TWICE,
    LIE_FULL_IS_NET,
    LIE_CLOSE_LEAKS,
    LIE_CLOSE_RESETS,
    LIE_CLOSE_KEEPS_LISTENING,
    LIE_HANDLE_REUSED,
    /* resolver */
    LIE_RESOLVER_NO_END,
    LIE_RESOLVER_NAME,
    LIE_RESOLVER_NO_NUL,
    /* slots */
    LIE_SLOT_NEVER_EMPTY,
    LIE_SLOT_READ_CUTS,
    LIE_SLOT_READ_OVERRUN,
    LIE_SLOT_KEEPS_TAIL,
    LIE_SLOT_FLIP,
    LIE_SLOT_IGNORES_KEY,
    LIE_SLOT_IGNORES_STAR,
    LIE_SLOT_IGNORES_KIND,
    LIE_SLOT_CUTS_KEY,
    LIE_SLOT_NOT_EMPTIED,
    LIE_SLOT_FORGETS,
    LIE_SLOT_FAILED_IS_FINE,
    LIE_SLOT_FAILED_LOSES_OLD,
    LIE_SLOT_IN_PLACE,
    LIE_SLOT_DELETES_FIRST,
    LIE_SLOT_CHANGES_DATA,
    LIE_SLOT_WEARS_OUT,
    /* entropy, clocks, events */
    LIE_ENTROPY_SHORT,
    LIE_ENTROPY_CONSTANT,
    LIE_ENTROPY_COUNTER,
    LIE_ENTROPY_OVERRUN,
    LIE_ENTROPY_WEAK_WHEN_EARLY,
    LIE_ENTROPY_WEAK_WHEN_BROKEN,
    LIE_CLOCK_BACK,
    LIE_CLOCK_STOPS,
    LIE_CLOCK_SECONDS,
    LIE_CLOCK_SLOW,
    LIE_UNIX_1970,
    LIE_UNIX_MS,
    LIE_UNIX_NEVER_UNSET,
    LIE_UNIX_WRITES_UNSET,
    LIE_EVENT_SPEAKS
};

struct broken_lie {
    const char *clause; /* which must notice */
    const char *name;
    enum broken_kind kind;
};

extern const struct broken_lie broken_lies[];

struct broken {
    struct bed bed; /* first: it is the port's ctx */
    const struct acme_net *honest_net;
    struct acme_net net;
    struct acme_slots slots;
    const struct broken_lie *lie;
    int (*honest_unix_time)(void *ctx, int64_t *seconds);
    unsigned calls; /* since the lie was told */
    acme_sock last_listener;
    const char *host; /* of LIE_CONNECT_KEEPS_HOST */
    uint16_t port;
    acme_sock delayed, target; /* its handle, and the real one */
    uint64_t began;
};

bool broken_up(struct broken *x);
void broken_tell(struct broken *x, const struct broken_lie *lie);

static inline bool broken_says(const struct broken *x, enum broken_kind kind)
{
    return x->lie != NULL && x->lie->kind == kind;
}

void broken_net_up(struct broken *x);
void broken_slots_up(struct broken *x);
void broken_sys_up(struct broken *x);

#endif
