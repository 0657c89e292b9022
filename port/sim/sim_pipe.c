#include "sim_pipe.h"

#include <string.h>

void sim_pipe_init(struct sim_pipe *p)
{
    p->head = p->used = p->first = p->count = 0;
    p->last_at = 0;
}

static struct sim_segment *pipe_segment(struct sim_pipe *p, uint32_t i)
{
    return &p->segments[(p->first + i) % SIM_NET_SEGMENTS];
}

int sim_pipe_put(struct sim_pipe *p, const void *data, size_t len, uint64_t at)
{
    const uint8_t *from = (const uint8_t *)data;
    uint32_t room = SIM_NET_PIPE - p->used;
    uint32_t tail = (p->head + p->used) % SIM_NET_PIPE;
    uint32_t n = len < room ? (uint32_t)len : room;
    uint32_t part = n < SIM_NET_PIPE - tail ? n : SIM_NET_PIPE - tail;

    if (at < p->last_at)
        at = p->last_at;
    if (n == 0)
        return 0;
    if (p->count > 0 && pipe_segment(p, p->count - 1)->at == at) {
        pipe_segment(p, p->count - 1)->len += n;
    } else {
        if (p->count == SIM_NET_SEGMENTS)
            return 0;
        pipe_segment(p, p->count)->at = at;
        pipe_segment(p, p->count)->len = n;
        p->count++;
    }
    memcpy(p->bytes + tail, from, part);
    memcpy(p->bytes, from + part, n - part);
    p->used += n;
    p->last_at = at;
    return (int)n;
}

size_t sim_pipe_ready(const struct sim_pipe *p, uint64_t now)
{
    size_t ready = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        const struct sim_segment *s = &p->segments[(p->first + i) % SIM_NET_SEGMENTS];
        if (s->at > now)
            break;
        ready += s->len;
    }
    return ready;
}

void sim_pipe_take(struct sim_pipe *p, void *buf, size_t len)
{
    uint8_t *out = (uint8_t *)buf;
    uint32_t n = (uint32_t)len;
    uint32_t part = n < SIM_NET_PIPE - p->head ? n : SIM_NET_PIPE - p->head;

    memcpy(out, p->bytes + p->head, part);
    memcpy(out + part, p->bytes, n - part);
    p->head = (p->head + n) % SIM_NET_PIPE;
    p->used -= n;
    while (n > 0) {
        struct sim_segment *s = pipe_segment(p, 0);
        uint32_t take = s->len < n ? s->len : n;

        s->len -= take;
        n -= take;
        if (s->len == 0) {
            p->first = (p->first + 1) % SIM_NET_SEGMENTS;
            p->count--;
        }
    }
}

uint64_t sim_pipe_next(const struct sim_pipe *p, uint64_t now)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct sim_segment *s = &p->segments[(p->first + i) % SIM_NET_SEGMENTS];
        if (s->at > now)
            return s->at;
    }
    return p->last_at > now ? p->last_at : UINT64_MAX;
}
