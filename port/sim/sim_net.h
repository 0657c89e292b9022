/* sim_net.h - byte streams that delay, split, stall, reset and vanish, between simulated machines
 *
 * A machine is a number; it has addresses, and names lead to addresses. Bytes travel in segments
 * that arrive later; their order within a stream is kept, as TCP does. What goes wrong is chance,
 * by the figures in struct sim_net_faults.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "sim_world.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_NET_SOCKS    128
#define SIM_NET_CONNS    64
#define SIM_NET_PIPE     16384 /* bytes under way in one direction */
#define SIM_NET_SEGMENTS 32
#define SIM_NET_NAMES    16
#define SIM_NODE_DEAD    255 /* an address that never answers */

struct sim_net_faults {
    uint32_t delay_min_ms, delay_max_ms; /* of each segment */
    uint32_t split_permille;             /* a send takes, a recv gives, only a part */
    uint32_t stall_permille;             /* a segment is late by up to: */
    uint32_t stall_max_ms;
    uint32_t reset_permille;  /* a send breaks the connection; what it took may have arrived */
    uint32_t refuse_permille; /* a connect is refused */
    uint32_t silent_permille; /* a connect finds nobody, for ever */
    uint32_t lookup_permille; /* a look-up finds nothing */
};

struct sim_segment {
    uint64_t at; /* arrives */
    uint32_t len;
};

struct sim_pipe {
    uint32_t head, used; /* ring */
    uint32_t first, count;
    uint64_t last_at; /* nothing overtakes */
    struct sim_segment segments[SIM_NET_SEGMENTS];
    uint8_t bytes[SIM_NET_PIPE];
};

struct sim_conn {
    bool open[2];     /* the end has a socket, or (end 1) waits to be accepted */
    bool vanished[2]; /* its machine lost power: it will never say anything again */
    bool accepted, used;
    uint32_t number;         /* the order of their coming */
    int32_t listener;        /* socket index that it waits at */
    uint64_t reset_at;       /* 0: never */
    struct sim_pipe pipe[2]; /* pipe[e]: bytes sent by end e */
};

struct sim_sock {
    uint8_t kind; /* enum in sim_net.c */
    uint8_t node, end;
    uint16_t port;
    uint32_t generation;
    int32_t conn;
    int error;         /* final */
    uint64_t due;      /* of a connect: when its next step is */
    uint8_t addr_next; /* which address is tried */
    char host[254];
    char addr[ACME_ADDR_TEXT]; /* of a listener; "": every one */
};

struct sim_name {
    char name[64];
    uint8_t count;
    char addr[2][ACME_ADDR_TEXT];
    uint32_t lookup_ms;
};

struct sim_addr {
    char text[ACME_ADDR_TEXT];
    uint8_t node;
};

struct sim_net {
    struct sim_world *world;
    struct sim_net_faults faults;
    char asked[254];   /* the host of the last connect of machine 0 */
    uint16_t low_port; /* no machine may listen on this one; 0: on all */
    uint32_t generation, numbers;
    struct sim_name names[SIM_NET_NAMES];
    struct sim_addr addrs[SIM_NET_NAMES];
    size_t names_count, addrs_count;
    struct sim_sock socks[SIM_NET_SOCKS];
    struct sim_conn conns[SIM_NET_CONNS];
    uint32_t socks_top, conns_top; /* none from here on has been used; the lowest free is taken */
    uint32_t connecting;           /* sockets, at most: 0 says that there are none */
};

void sim_net_init(struct sim_net *n, struct sim_world *w);
void sim_net_addr(struct sim_net *n, const char *addr, uint8_t node);
/* name leads to addr, then (unless NULL) to second. */
void sim_net_name(struct sim_net *n, const char *name, const char *addr, const char *second,
                  uint32_t lookup_ms);

/* As in struct acme_net, for one machine. */
int sim_net_connect(struct sim_net *n, uint8_t node, const char *host, uint16_t port,
                    acme_sock *out);
int sim_net_listen(struct sim_net *n, uint8_t node, const char *addr, uint16_t port,
                   acme_sock *out);
int sim_net_accept(struct sim_net *n, uint8_t node, acme_sock listener, acme_sock *out);
int sim_net_send(struct sim_net *n, uint8_t node, acme_sock s, const void *data, size_t len);
int sim_net_recv(struct sim_net *n, uint8_t node, acme_sock s, void *buf, size_t cap);
void sim_net_close(struct sim_net *n, uint8_t node, acme_sock s);

/* Break the connection of s for both ends, as a router that forgot it. */
void sim_net_reset(struct sim_net *n, uint8_t node, acme_sock s);
/* Has the other end closed, or its machine lost power? What still comes is from the past. */
bool sim_net_peer_gone(const struct sim_net *n, uint8_t node, acme_sock s);
/* A machine loses power: its sockets are gone, the others learn of it late. */
void sim_net_power_off(struct sim_net *n, uint8_t node);
/* The next moment after now at which anything arrives or changes; UINT64_MAX: never. */
uint64_t sim_net_next(const struct sim_net *n);
unsigned sim_net_in_use(const struct sim_net *n, uint8_t node); /* sockets of a machine */

#ifdef __cplusplus
}
#endif

#endif
