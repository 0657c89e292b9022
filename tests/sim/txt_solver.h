/* txt_solver.h - a solver of dns-01 for the simulation: its records outlive the device's power */
#ifndef TXT_SOLVER_H
#define TXT_SOLVER_H

#include "acme_solver.h"
#include "sim_world.h"

#define TXT_MAX 512

struct txt_record {
    bool there;
    char name[64], token[132], proof[180];
    uint64_t visible_at;
};

struct txt_solver {
    struct acme_solver solver;
    struct sim_world *world;
    uint32_t slow_ms;        /* until others see a record */
    uint32_t again_permille; /* calls that answer "not yet" */
    uint32_t fail_permille;  /* begins that fail */
    unsigned count;
    struct txt_record records[TXT_MAX];
};

void txt_solver_init(struct txt_solver *t, struct sim_world *w);
/* After a boot: the solver is new, the records are where they were. */
struct acme_solver *txt_solver_boot(struct txt_solver *t, const struct acme_port *port);
bool txt_solver_has(void *ctx, const char *name, const char *token, const char *thumbprint);
unsigned txt_solver_left(const struct txt_solver *t);

#endif
