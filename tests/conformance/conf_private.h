/* conf_private.h - what the clauses share */
#ifndef CONF_PRIVATE_H
#define CONF_PRIVATE_H

#include "conformance.h"

#define CONF_SOCKS 64

struct conf {
    const struct conf_hooks *h;
    const struct acme_port *port;
    bool failed, skipped;
    char why[200];
    acme_sock open[CONF_SOCKS]; /* closed at the clause's end, whatever became of it */
    unsigned opened;
    unsigned idle; /* turns without progress */
};

struct conf_clause {
    const char *id;
    const char *words;
    void (*run)(struct conf *c);
};

extern const struct conf_clause conf_net[];        /* conf_net.c: streams */
extern const struct conf_clause conf_net_names[];  /* conf_net_names.c: connect and its errors */
extern const struct conf_clause conf_net_listen[]; /* conf_net_listen.c: listen, accept, handles */
extern const struct conf_clause conf_slots[];      /* conf_slots.c */
extern const struct conf_clause conf_sys[];        /* conf_sys.c */

/* Note the first failure; returns false, so that a clause can return it. */
bool conf_fail(struct conf *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void conf_skip(struct conf *c, const char *why);

/* Fail with the condition's text and leave the clause. */
#define CONF(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            conf_fail(c, "%s (line %d)", #cond, __LINE__);                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* The same for a status that must have one value. */
#define CONF_STATUS(call, expected)                                                                \
    do {                                                                                           \
        int conf_got = (call);                                                                     \
        if (conf_got != (expected)) {                                                              \
            conf_fail(c, "%s: got %d (%s), not %s (line %d)", #call, conf_got,                     \
                      acme_err_name(conf_got), acme_err_name(expected), __LINE__);                 \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* Leave the clause if a helper already noted a failure. */
#define CONF_TRY(call)                                                                             \
    do {                                                                                           \
        if (!(call) || c->failed)                                                                  \
            return;                                                                                \
    } while (0)

/* Milliseconds of this machine, whatever the port's clock says. */
uint64_t conf_real_ms(void);

/* Let 10 ms pass; false when nothing has moved for hooks.patience such turns. conf_moved begins
 * anew. */
bool conf_turn(struct conf *c);
void conf_moved(struct conf *c);

/* Byte i of stream number seed. */
unsigned char conf_byte(unsigned seed, size_t i);

/* ---- net: the port's calls, each watched for time, range and memory ---- */
int conf_connect(struct conf *c, const char *host, uint16_t port, acme_sock *s);
int conf_listen(struct conf *c, const char *addr, uint16_t port, acme_sock *s);
int conf_accept(struct conf *c, acme_sock listener, acme_sock *s);
int conf_send(struct conf *c, acme_sock s, const void *data, size_t len);
int conf_recv(struct conf *c, acme_sock s, void *buf, size_t cap);
void conf_close(struct conf *c, acme_sock s);

/* Accept, waiting for it. */
bool conf_take(struct conf *c, acme_sock listener, acme_sock *s);
/* A listener at the hooks' addr and its port. */
bool conf_door(struct conf *c, acme_sock *listener, uint16_t *port);
/* A connection to itself: both ends; the listener stays open. */
bool conf_pair(struct conf *c, acme_sock *client, acme_sock *server);
/* recv, waiting while it answers ACME_AGAIN. */
int conf_recv_wait(struct conf *c, acme_sock s, void *buf, size_t cap);
/* Send all len bytes, waiting. */
bool conf_send_all(struct conf *c, acme_sock s, const void *data, size_t len);
/* Send text on one end and receive it on the other, both ways. */
bool conf_echo(struct conf *c, acme_sock a, acme_sock b);
/* The status that a connection ends with while nothing is sent; waits twice the patience. */
int conf_outcome(struct conf *c, acme_sock s);

#endif
