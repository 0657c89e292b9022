/* sim_pipe.h - one direction of a stream; private to sim_net.c */
#ifndef SIM_PIPE_H
#define SIM_PIPE_H

#include "sim_net.h"

void sim_pipe_init(struct sim_pipe *p);
/* The count taken, 0 when it is full. */
int sim_pipe_put(struct sim_pipe *p, const void *data, size_t len, uint64_t at);
size_t sim_pipe_ready(const struct sim_pipe *p, uint64_t now);
void sim_pipe_take(struct sim_pipe *p, void *buf, size_t len); /* len <= ready */
uint64_t sim_pipe_next(const struct sim_pipe *p, uint64_t now);

#endif
