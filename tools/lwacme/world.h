/* world.h - what all commands that run the agent have in common: the agent, its memory, its port
 *
 * There is one of each, so that the memory does not grow with the number of certificates: they are
 * loaded into it one after another.
 */
#ifndef LWACME_WORLD_H
#define LWACME_WORLD_H

#include <signal.h>

#include "lwacme.h"
#include "solve.h"

struct world {
    struct sockets_net net; /* first: the port's context is the net's */
    struct show show;
    struct posix_slots slots;
    struct trust trust;
    struct solve solve;
    /* Gets the events instead of the command, which does not know of the staged walk; or NULL. */
    void (*listener)(void *ctx, const struct acme_event *event);
    struct binding binding;
    struct acme_slots slot_ops;
    struct acme_port port;
    struct acme_config config;
};
extern struct world world;
extern struct acme_agent agent;
/* Room for a CERT record, a secret: wiped by who used it. */
extern struct acme_span world_record;

/* The signal that came, or 0. Set by world_signals' handler, for SIGINT, SIGTERM and SIGHUP;
 * sockets_wait then ends. hangup: SIGHUP also where it was ignored, as under nohup: it is a word to
 * a daemon, and to others that their terminal is gone. */
extern volatile sig_atomic_t world_signal, world_hangup;
void world_signals(bool hangup);

/* Storage (locked), sockets, the responders of http-01 and tls-alpn-01: ACME_OK, or an error that
 * has been said. world.show is set. event: NULL for show_event. */
int world_open(const struct options *o, void (*event)(void *ctx, const struct acme_event *event));
void world_close(void);

/* The agent for one certificate, which must not change meanwhile: ACME_OK, or an error that has
 * been said. *refused: what the options say cannot be used. */
int world_load(const struct options *o, bool *refused);
void world_unload(void);

/* The certificate in force into OUT: ACME_OK, or an error that has been said. *changed: the files
 * were not up to date. The files follow the record: also when the last run was killed between the
 * two. */
int world_install(const struct options *o, bool renewed, bool *changed);

/* Sleeps, or less: until a socket has something. */
void world_wait(uint32_t ms);

/* What the storage or a solver knows beyond an outcome, on stderr. */
void world_detail(int outcome);

#endif
