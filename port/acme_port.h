/* acme_port.h - all that the agent asks of the world
 *
 * A port fills one const struct acme_port. Nothing here blocks: a function that cannot finish now
 * answers ACME_AGAIN and is called again, with the same arguments, from a later poll. There is no
 * TLS, no DNS, no timer, no thread and no printf in this contract. port/README.md states every
 * clause; tests/conformance checks each of them on every port.
 *
 * All functions are called from one thread, never from an interrupt, and never from inside one
 * another. ctx is the port's own; the agent only hands it back.
 */
#ifndef ACME_PORT_H
#define ACME_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "acme_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A socket handle of the port. 0 is a valid handle; negative is none. */
typedef int32_t acme_sock;
#define ACME_NO_SOCK ((acme_sock)-1)

/* An IP address as text ("192.0.2.1", "2001:db8::1"), with its final NUL. */
#define ACME_ADDR_TEXT 46

/* Byte streams (TCP). Never 0 from send or recv: closed, not-yet and bytes are three different
 * answers. */
struct acme_net {
    /* Start a connection to host (a DNS name or an IP literal without brackets; copied), port
     * 1..65535. Answers at once with a handle; look-up, all addresses of the name in turn (IPv6
     * and IPv4) and the TCP handshake go on behind it, while send and recv answer ACME_AGAIN.
     * Errors here: ACME_E_SIZE (no free socket), ACME_E_ARG; what fails later is told by send and
     * recv: ACME_E_LOOKUP, ACME_E_NET, ACME_E_TIMEOUT. */
    int (*connect)(void *ctx, const char *host, uint16_t port, acme_sock *out);

    /* Listen on addr (an IP literal; NULL: every address, IPv4 and IPv6) and port.
     * ACME_E_PORT_BUSY, ACME_E_PORT_ACCESS, ACME_E_NET (the address is not ours), ACME_E_SIZE. */
    int (*listen)(void *ctx, const char *addr, uint16_t port, acme_sock *out);

    /* Take one waiting connection: ACME_OK and *out, or ACME_AGAIN when none waits. A connection
     * that died in the queue is skipped, never reported. ACME_E_SIZE: no free socket now (the
     * connection keeps waiting). */
    int (*accept)(void *ctx, acme_sock listener, acme_sock *out);

    /* Queue up to len (>= 1) bytes: the count taken (1..len), ACME_AGAIN, or an error. */
    int (*send)(void *ctx, acme_sock s, const void *data, size_t len);

    /* Take up to cap (>= 1) bytes: the count (1..cap), ACME_AGAIN, ACME_E_CLOSED after the peer's
     * last byte was read, or an error. An error other than ACME_AGAIN is final for the socket: it
     * answers an error from then on, until it is closed. */
    int (*recv)(void *ctx, acme_sock s, void *buf, size_t cap);

    /* End a connection or a listener: once for each handle that connect, listen or accept gave,
     * also after an error. Bytes that send took are still delivered if the network lets them. */
    void (*close)(void *ctx, acme_sock s);

    /* The i-th (from 0) DNS server that the system uses, as text into addr[ACME_ADDR_TEXT];
     * ACME_E_LOOKUP when there is no such one. May be NULL: then solvers that look up DNS records
     * decline. */
    int (*resolver)(void *ctx, unsigned i, char *addr);
};

/* The records of DESIGN: what must change together is one record. The value is stored on flash:
 * add at the end, never renumber. */
enum acme_slot {
    ACME_SLOT_ACCOUNT = 1,   /* key: the CA. Secret: account key, kid */
    ACME_SLOT_CA_LEDGER = 2, /* key: the CA. "Not before" by scope, newAccount attempts */
    ACME_SLOT_ORDER = 3,     /* key: the certificate. Secret: open order and its key */
    ACME_SLOT_CERT_A = 4,    /* key: the certificate. Secret: key and chain; A and B are written */
    ACME_SLOT_CERT_B = 5,    /*   in turn, the higher sequence is current, the other previous */
    ACME_SLOT_SCHED = 6,     /* key: the certificate. Next time, failures, last failure */
    ACME_SLOT_SOLVER = 7,    /* key: the solver. Opaque to the core (TSIG key, registration) */
    ACME_SLOT_DEVICE = 8,    /* key: "". Entropy seed, clock floor, boot count */
    ACME_SLOT_CONFIG = 9     /* key: "". Provisioned configuration */
};
#define ACME_SLOT_MAX 9

/* The longest key, without its NUL. A key is the CA's 64 hex digits (SHA-256 of its directory
 * URL), a certificate's name (a checked A-label name, "*." before it, or an IP literal), a
 * solver's name, or "". */
#define ACME_SLOT_KEY_MAX 253

/* Storage of a few small records, each replaced whole or not at all, also when power is cut. */
struct acme_slots {
    void *ctx;

    /* The record into buf: its length (1..cap); ACME_E_SLOT_EMPTY when there is none (never
     * written, or emptied); ACME_E_SIZE when it is longer than cap; ACME_E_SLOT_CORRUPT when the
     * medium says that it is damaged; ACME_E_SLOT when the medium cannot be read;
     * ACME_AGAIN while the medium is busy with an erase or a write. */
    int (*read)(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap);

    /* Replace the record. After ACME_OK the new one is durable. After ACME_AGAIN (the medium is
     * busy: erasing takes up to seconds) the call is repeated with the same bytes. After an error
     * or a power cut the slot holds the old record or the new one, whole. len 0 empties the slot.
     * Secret slots are readable by the owner alone, from creation on.
     * ACME_E_SLOT_FULL, ACME_E_SLOT (cannot be written), ACME_E_SIZE (never fits this medium). */
    int (*write)(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len);
};

/* A line channel: a child process, stdio, a UART. Used by solvers, never by the core. */
struct acme_channel {
    void *ctx;
    /* Start it (what it is lies in ctx): ACME_OK, ACME_AGAIN, or an error. */
    int (*open)(void *ctx);
    /* One line without its end, NUL-terminated: its length + 1 (so an empty line is 1), ACME_AGAIN,
     * ACME_E_CLOSED at the end of input, ACME_E_SIZE (the rest of the line is skipped). */
    int (*read_line)(void *ctx, char *line, size_t cap);
    /* Queue one line; the channel adds its end. ACME_OK (all of it), ACME_AGAIN (none of it). */
    int (*write_line)(void *ctx, const char *line, size_t len);
    void (*close)(void *ctx);
};

struct acme_event; /* complete in core/acme_event.h; a port only hands it on */

struct acme_port {
    void *ctx; /* for net and for the functions below */
    const struct acme_net *net;
    const struct acme_slots *slots;

    /* len (1..256) bytes fit for keys: ACME_OK and all of them, ACME_AGAIN while the source is not
     * ready, ACME_E_ENTROPY. Never weaker bytes. */
    int (*entropy)(void *ctx, void *out, size_t len);

    /* Milliseconds that never go back and do not jump with the wall clock. Any start. */
    uint64_t (*now_ms)(void *ctx);

    /* Seconds since 1970 UTC; ACME_E_CLOCK while the clock is not set, which is not a failure:
     * the agent waits, because it must not judge a certificate's dates in 1970. */
    int (*unix_time)(void *ctx, int64_t *seconds);

    /* A fact for people and machines; read it before returning. May be NULL. */
    void (*event)(void *ctx, const struct acme_event *event);
};

#ifdef __cplusplus
}
#endif

#endif
