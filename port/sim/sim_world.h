/* sim_world.h - one seed, one clock, the ports of the machines that live in it
 *
 * Everything that a platform leaves to chance comes from here, so a run is a function of its seed.
 * The clock stands still during a call and jumps only when the owner of the world says so. A
 * firmware developer can run an application on this port as on any other.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 2026-11-22 00:00:00 UTC, when every world begins. */
#define SIM_EPOCH 1795305600

struct sim_world {
    uint64_t seed;
    uint64_t rng[4];        /* chance of the world: xoshiro256** */
    uint64_t keys[4];       /* the machines' entropy, apart, so that it does not move the rest */
    uint64_t now_ms;        /* since the beginning */
    uint64_t trace;         /* hash over all (time, event) pairs so far */
    uint64_t traced;        /* how many */
    uint64_t moments;       /* at which power can be cut, so far */
    uint64_t cut_at;        /* the power is cut at this moment (counted from 1); 0: never */
    void (*cut)(void *ctx); /* does not return; called at the moment */
    void *cut_ctx;
    void (*log)(void *ctx, const char *what, uint64_t a, uint64_t b); /* may be NULL */
    void *log_ctx;
};

void sim_world_init(struct sim_world *w, uint64_t seed);
/* The true wall clock. */
int64_t sim_world_unix(const struct sim_world *w);

uint64_t sim_world_random(struct sim_world *w);
uint32_t sim_world_below(struct sim_world *w, uint32_t n);               /* 0..n-1; n 0 gives 0 */
uint32_t sim_world_range(struct sim_world *w, uint32_t lo, uint32_t hi); /* both included */
bool sim_world_chance(struct sim_world *w, uint32_t permille);

/* Note an event: it enters the trace, and the log if there is one. */
void sim_world_note(struct sim_world *w, const char *what, uint64_t a, uint64_t b);

/* A moment at which the power may fail. Does not return if it does. */
void sim_world_moment(struct sim_world *w, const char *what);
/* The same for who has something to do still while the power goes: is this the moment? Then the
 * caller calls w->cut. */
bool sim_world_cut_here(struct sim_world *w, const char *what);

struct sim_net;
struct sim_slots;

/* One machine's view. ctx of the port is the struct sim_port. */
struct sim_port {
    struct acme_port port;
    struct acme_net ops;
    struct sim_world *world;
    struct sim_net *net;
    uint8_t node; /* which machine of the net */
    bool mortal;  /* its power can be cut: its calls have moments */
    bool clock_unset;
    int64_t skew_s;     /* its wall clock is this far off */
    int entropy_answer; /* ACME_OK, or what entropy says instead */
    bool soft; /* a cut in a call of its net does not leave the call: it is `dead` then, so that
                * code with memory of its own (TLS) finds an end */
    bool dead; /* nothing that it does has an effect any more */
    uint64_t calls; /* calls of all functions so far */
};

/* slots may be NULL for a machine without storage. port.event is left to the caller. */
void sim_port_init(struct sim_port *p, struct sim_world *w, struct sim_net *net, uint8_t node,
                   struct sim_slots *slots);

#ifdef __cplusplus
}
#endif

#endif
