/* external.h - challenges solved outside of the agent: by another program, or by a person
 *
 * The solver writes what is to be done and learns that it was done: by a line on a channel (JSON
 * for programs, text for people), or by the end of a handler that is started with a command. The
 * order of an order's acts is always
 *
 *     pre-perform, perform (each challenge), post-perform, the CA is told, pre-cleanup,
 *     cleanup (each challenge), post-cleanup
 *
 * and cleanup comes also after a failure. Nothing is kept between two calls that a restart would
 * miss: after one, end is called without begin and its cleanup is told all the same.
 */
#ifndef EXTERNAL_H
#define EXTERNAL_H

#include "acme_http.h"
#include "acme_port.h"
#include "acme_solver.h"
#include "external_format.h"

#ifdef __cplusplus
extern "C" {
#endif

enum external_mode {
    EXTERNAL_JSON = 1,  /* a line of JSON for each message; one line is awaited for a challenge */
    EXTERNAL_TEXT,      /* a block for a person; one line is awaited */
    EXTERNAL_HANDLER,   /* a handler for each command; the same JSON lines, none awaited */
    EXTERNAL_DEHYDRATED /* hooks of dehydrated, with arguments; no lines */
};

/* How a handler's run ended. */
struct external_ended {
    int status;       /* 0: well */
    char printed[32]; /* the start of its stdout, NUL-terminated */
};

/* Who starts handlers: a port's, because a board has no processes. */
struct external_runner {
    void *ctx;
    /* Start the program that ctx knows with these arguments (NULL-terminated), and beside its
     * usual environment with m's members (NULL: none); all is copied. ACME_OK, ACME_E_SOLVER. */
    int (*start)(void *ctx, const char *const *args, const struct external_message *m,
                 const char *json);
    /* ACME_AGAIN while it runs; ACME_OK: *ended; ACME_E_SOLVER: it did not start, or had to be
     * ended. */
    int (*poll)(void *ctx, struct external_ended *ended);
    void (*stop)(void *ctx); /* end it, if it runs */
    /* Words about the last ACME_E_SOLVER, with the path. Never NULL. */
    const char *(*why)(void *ctx);
    const char *program; /* for messages */
};

/* What is served in a proof by tls-alpn-01, and where it lies for who serves it. */
struct external_tls {
    /* external_tls.c, which is a link choice: fills proof. ACME_OK, ACME_AGAIN, or an error. */
    int (*make)(struct external_tls *t, const struct acme_port *port,
                const struct acme_challenge *c);
    /* Put proof's PEM texts into files and set its paths; remove the files, which may not be there.
     * The token is base64url. ACME_OK or ACME_E_SOLVER. Both NULL: there are no files. */
    void *ctx;
    int (*keep)(void *ctx, const char *token, struct external_proof *proof);
    int (*drop)(void *ctx, const char *token);
    struct external_proof proof;
};
/* port: where the CA comes, for the message. Needs core/acme_alpn_cert. */
void external_tls_init(struct external_tls *t, uint16_t port);

struct external_config {
    enum external_mode mode;
    enum external_dialect dialect;
    const struct acme_channel *channel;   /* NULL with EXTERNAL_DEHYDRATED */
    const struct external_runner *runner; /* NULL with EXTERNAL_JSON and EXTERNAL_TEXT */
    uint16_t http_port;                   /* that a self-check asks; 0: none is made */
    bool no_lookup;                       /* no self-check of dns-01 */
    struct external_tls *tls;             /* NULL: tls-alpn-01 is declined */
    uint32_t answer_ms; /* for each act, its answer included, a self-check not; 0: a person takes
                           what it takes */
};

#define EXTERNAL_VERIFY_MS 10000 /* for a self-check by HTTP */
#define EXTERNAL_SERVER_MS 3000  /* for each DNS server, of */
#define EXTERNAL_SERVERS   3

/* The look at a proof, as a CA looks, as far as that can be done from here. One at a time; all
 * zeros but the socket before the first call, and the room the same until it has ended. Each
 * answers ACME_AGAIN; ACME_OK: the proof is there, or nobody can be asked; ACME_E_DECLINED: there
 * is another answer; any other: there is none. */
struct external_verify {
    acme_sock sock; /* ACME_NO_SOCK: none is under way */
    uint64_t since_ms, asked_ms;
    uint16_t len, sent, got, id;
    uint8_t server;
    bool asked;
};
/* external_verify.c: of http-01, without redirections. */
int external_verify(struct external_verify *v, const struct acme_port *port,
                    const struct acme_challenge *c, uint16_t tcp_port, struct acme_span room);
/* external_lookup.c: the TXT record. */
int external_lookup(struct external_verify *v, const struct acme_port *port, const char *name,
                    const char *value, struct acme_span room);
void external_verify_stop(struct external_verify *v, const struct acme_port *port);

/* The solver as the agent sees it. */
struct external_face {
    struct acme_solver solver; /* first */
    struct acme_solver_ops ops;
    struct external *x;
};

#define EXTERNAL_TYPES 3 /* of challenges */

/* Placed by the caller; private but for `why`. */
struct external {
    const struct acme_port *port;
    struct external_face faces[1 + EXTERNAL_TYPES]; /* for all types, and for each */
    struct external_config config;
    uint8_t phase; /* of the order: which command was the last of its kind */
    uint8_t act;   /* what is under way, and how far it is */
    uint8_t step;
    char token[ACME_MAX_TOKEN + 1]; /* of the challenge that it is for */
    char domain[ACME_NAME_ROOM];
    bool open, runs;
    uint64_t since_ms; /* when it began */
    int err;           /* the first one of an act that goes on in spite of it */
    struct external_verify verify;
    struct external_message message;
    char line[EXTERNAL_LINE_MAX];
    char why[400]; /* about the last ACME_E_SOLVER, for a person; or "" */
};

/* Fills *x and answers the solver to hand to the agent, of all types: the CA's order decides. What
 * config points to must outlive x.
 *
 * begin answers ACME_E_SOLVER for a channel at its end, a handler that failed, did not start or
 * did not end; x->why has the words. end answers the same, and is not tried again. */
struct acme_solver *external_init(struct external *x, const struct acme_port *port,
                                  const struct external_config *config);
/* After external_init, instead of its answer: the same for one type of challenge alone, for a list
 * in which the preferred one stands first. NULL: it does not take that type. */
struct acme_solver *external_of(struct external *x, enum acme_challenge_type type);

/* One message that belongs to no challenge, after the run: written where the mode writes lines
 * (`print`), and handed to a handler as `command` (NULL: to none). args: dehydrated's arguments
 * with the hook's name first, NULL: no hook. Call it again while it answers ACME_AGAIN. */
int external_tell(struct external *x, bool print, const char *command, const char *const *args);
/* The message that external_tell is going to send: fill it by the functions of external_format.h
 * before the first call. */
struct external_message *external_outgoing(struct external *x);
/* After the agent's last poll: post-cleanup, where it is due. ACME_AGAIN: call it again. */
int external_finish(struct external *x);
/* A line that is ready, such as a report. ACME_AGAIN: call it again. */
int external_print(struct external *x, const char *line, size_t len);
/* Ends what is under way. */
void external_stop(struct external *x);
/* The same, and closes the channel. */
void external_close(struct external *x);

#ifdef __cplusplus
}
#endif

#endif
