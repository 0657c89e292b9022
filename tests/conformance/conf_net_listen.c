/* conf_net_listen.c - clauses about listen, accept, handles and their number */
#include "conf_private.h"

static void cl_accept(struct conf *c)
{
    acme_sock listener, client[16], server[16], none;
    uint16_t port;
    unsigned count = c->h->connections < 16 ? c->h->connections : 16;

    CONF_TRY(conf_door(c, &listener, &port));
    CONF_STATUS(conf_accept(c, listener, &none), ACME_AGAIN);
    c->h->wait(c->h->ctx, 5);
    CONF_STATUS(conf_accept(c, listener, &none), ACME_AGAIN);
    for (unsigned i = 0; i < count; i++)
        CONF_STATUS(conf_connect(c, c->h->addr, port, &client[i]), ACME_OK);
    /* Each client says its number; each number is heard once. */
    unsigned heard = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned char number = (unsigned char)i;
        CONF_TRY(conf_send_all(c, client[i], &number, 1));
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned char number = 255;
        CONF_TRY(conf_take(c, listener, &server[i]));
        CONF(conf_recv_wait(c, server[i], &number, 1) == 1);
        CONF(number < count && (heard & 1u << number) == 0);
        heard |= 1u << number;
    }
    CONF_STATUS(conf_accept(c, listener, &none), ACME_AGAIN);
}

/* Take sockets until there are none: how many listeners there were. They are not put into c->open,
 * which is smaller; list takes them. */
static unsigned cl_fill(struct conf *c, acme_sock *list, unsigned max, int *last)
{
    unsigned count = 0;

    *last = ACME_OK;
    while (count < max) {
        acme_sock s = ACME_NO_SOCK;
        *last = c->port->net->listen(c->port->ctx, c->h->addr, c->h->free_port(c->h->ctx), &s);
        if (*last != ACME_OK)
            break;
        list[count++] = s;
    }
    return count;
}

static void cl_empty(struct conf *c, const acme_sock *list, unsigned count)
{
    while (count > 0)
        c->port->net->close(c->port->ctx, list[--count]);
}

static acme_sock cl_list[4096];

static unsigned cl_max(struct conf *c)
{
    return c->h->sockets < 4096 ? c->h->sockets : 4096;
}

static void cl_no_socket(struct conf *c)
{
    acme_sock s;
    int last, connected = 0;
    unsigned first = 0;

    for (int round = 0; round < 3; round++) {
        unsigned count = cl_fill(c, cl_list, cl_max(c), &last);
        if (last == ACME_E_SIZE)
            connected = conf_connect(c, c->h->addr, 80, &s);
        cl_empty(c, cl_list, count);
        CONF(last == ACME_E_SIZE);
        CONF_STATUS(connected, ACME_E_SIZE);
        CONF(round == 0 || count == first); /* close gives every one back */
        first = count;
    }
    CONF_TRY(conf_pair(c, &s, &s));
}

static void cl_accept_no_socket(struct conf *c)
{
    acme_sock listener, client, server = ACME_NO_SOCK;
    uint16_t port;
    int last;

    CONF_TRY(conf_door(c, &listener, &port));
    CONF_STATUS(conf_connect(c, c->h->addr, port, &client), ACME_OK);
    CONF_TRY(conf_send_all(c, client, "x", 1)); /* connected: it waits in the queue */
    unsigned count = cl_fill(c, cl_list, cl_max(c), &last);
    int got = ACME_AGAIN;
    for (conf_moved(c); got == ACME_AGAIN && last == ACME_E_SIZE && conf_turn(c);)
        got = conf_accept(c, listener, &server);
    cl_empty(c, cl_list, count);
    CONF(last == ACME_E_SIZE);
    CONF_STATUS(got, ACME_E_SIZE);
    CONF_TRY(conf_take(c, listener, &server));
    unsigned char byte = 0;
    CONF(conf_recv_wait(c, server, &byte, 1) == 1 && byte == 'x');
    CONF_TRY(conf_echo(c, client, server));
}

static void cl_busy(struct conf *c)
{
    acme_sock first, second, s, t;
    uint16_t port;

    CONF_TRY(conf_door(c, &first, &port));
    CONF_STATUS(conf_listen(c, c->h->addr, port, &second), ACME_E_PORT_BUSY);
    CONF_STATUS(conf_listen(c, NULL, port, &second), ACME_E_PORT_BUSY);
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK);
    CONF_TRY(conf_take(c, first, &t)); /* the first one does not mind */
}

static void cl_foreign(struct conf *c)
{
    acme_sock s;

    if (c->h->foreign == NULL) {
        conf_skip(c, "every address is ours here");
        return;
    }
    CONF_STATUS(conf_listen(c, c->h->foreign, c->h->free_port(c->h->ctx), &s), ACME_E_NET);
}

static void cl_access(struct conf *c)
{
    acme_sock s;

    if (c->h->low_port == 0) {
        conf_skip(c, "every port is allowed here");
        return;
    }
    CONF_STATUS(conf_listen(c, NULL, c->h->low_port, &s), ACME_E_PORT_ACCESS);
}

static void cl_every_address(struct conf *c)
{
    acme_sock listener, s, t;
    uint16_t port = c->h->free_port(c->h->ctx);

    CONF_STATUS(conf_listen(c, NULL, port, &listener), ACME_OK);
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK);
    CONF_TRY(conf_take(c, listener, &t));
    CONF_TRY(conf_echo(c, s, t));
    if (c->h->addr6 == NULL)
        return;
    CONF_STATUS(conf_connect(c, c->h->addr6, port, &s), ACME_OK);
    CONF_TRY(conf_take(c, listener, &t));
    CONF_TRY(conf_echo(c, s, t));
}

static void cl_address6(struct conf *c)
{
    acme_sock listener, s, t;
    uint16_t port = c->h->free_port(c->h->ctx);

    if (c->h->addr6 == NULL) {
        conf_skip(c, "no IPv6 here");
        return;
    }
    CONF_STATUS(conf_listen(c, c->h->addr6, port, &listener), ACME_OK);
    CONF_STATUS(conf_connect(c, c->h->addr6, port, &s), ACME_OK);
    CONF_TRY(conf_take(c, listener, &t));
    CONF_TRY(conf_echo(c, s, t));
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK); /* only there, not everywhere */
    CONF_STATUS(conf_outcome(c, s), ACME_E_NET);
}

static void cl_close_listener(struct conf *c)
{
    acme_sock listener, s, t;
    uint16_t port;

    CONF_TRY(conf_door(c, &listener, &port));
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK);
    CONF_TRY(conf_take(c, listener, &t));
    conf_close(c, listener);
    CONF_TRY(conf_echo(c, s, t)); /* what was accepted lives on */
    conf_close(c, t);             /* first, so that the port has a connection to wait for */
    conf_close(c, s);
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK);
    CONF_STATUS(conf_outcome(c, s), ACME_E_NET);
    CONF_STATUS(conf_listen(c, c->h->addr, port, &listener), ACME_OK);
    CONF_STATUS(conf_connect(c, c->h->addr, port, &s), ACME_OK);
    CONF_TRY(conf_take(c, listener, &t));
}

static void cl_abandon(struct conf *c)
{
    const char *host[3] = {c->h->addr, c->h->self_name, c->h->no_name};
    acme_sock s;
    uint16_t port = c->h->free_port(c->h->ctx);

    for (int i = 0; i < 300; i++) {
        if (host[i % 3] == NULL)
            continue;
        CONF_STATUS(conf_connect(c, host[i % 3], port, &s), ACME_OK);
        if (i % 4 == 0)
            c->h->wait(c->h->ctx, 1);
        conf_close(c, s);
    }
    if (c->h->slow_name != NULL) {
        for (int i = 0; i < 12; i++) {
            CONF_STATUS(conf_connect(c, c->h->slow_name, port, &s), ACME_OK);
            conf_close(c, s);
        }
    }
    CONF_TRY(conf_pair(c, &s, &s));
}

static void cl_void_handles(struct conf *c)
{
    acme_sock listener, client, server, s, again[4];
    uint16_t port;
    unsigned char byte;

    if (!c->h->checks_handles) {
        conf_skip(c, "this port does not check its handles");
        return;
    }
    CONF_TRY(conf_door(c, &listener, &port));
    CONF_STATUS(conf_connect(c, c->h->addr, port, &client), ACME_OK);
    CONF_TRY(conf_take(c, listener, &server));
    CONF_STATUS(conf_send(c, listener, "x", 1), ACME_E_ARG);
    CONF_STATUS(conf_recv(c, listener, &byte, 1), ACME_E_ARG);
    CONF_STATUS(conf_accept(c, client, &s), ACME_E_ARG);
    CONF_STATUS(conf_recv(c, ACME_NO_SOCK, &byte, 1), ACME_E_ARG);
    CONF_STATUS(conf_recv(c, 0x7fffffff, &byte, 1), ACME_E_ARG);
    conf_close(c, client);
    conf_close(c, server);
    /* Its place has a new tenant, which the old handle must not reach. */
    for (int i = 0; i < 4; i++)
        CONF_STATUS(conf_connect(c, c->h->addr, port, &again[i]), ACME_OK);
    CONF_STATUS(conf_send(c, client, "x", 1), ACME_E_ARG);
    CONF_STATUS(conf_recv(c, client, &byte, 1), ACME_E_ARG);
    CONF_STATUS(conf_accept(c, client, &s), ACME_E_ARG);
    c->port->net->close(c->port->ctx, client);
    c->port->net->close(c->port->ctx, ACME_NO_SOCK);
    for (int i = 0; i < 4; i++) {
        CONF_TRY(conf_take(c, listener, &s));
        CONF_TRY(conf_echo(c, again[i], s));
    }
}

const struct conf_clause conf_net_listen[] = {
    {"N17", "accept-each-once", cl_accept},
    {"N18", "no-free-socket", cl_no_socket},
    {"N19", "accept-without-free-socket", cl_accept_no_socket},
    {"N20", "port-busy", cl_busy},
    {"N21", "foreign-address", cl_foreign},
    {"N22", "port-access", cl_access},
    {"N23", "every-address", cl_every_address},
    {"N24", "ipv6", cl_address6},
    {"N25", "void-handles", cl_void_handles},
    {"N27", "close-listener", cl_close_listener},
    {"N28", "close-while-connecting", cl_abandon},
    {NULL, NULL, NULL},
};
