/* dns_seek.c - where a name leads in DNS, and what the servers there say */
#include "dns_seek.h"

#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"

#define SEEK_STEPS 16 /* moves of the job in one poll */
#define SEEK_PORT  53

enum seek_phase {
    SEEK_FIND,    /* SOA: the zone, its primary, aliases on the way */
    SEEK_UPDATE,  /* what hooks write */
    SEEK_SERVERS, /* NS of the zone */
    SEEK_LOOK,    /* TXT, at one server after another */
    SEEK_TXT      /* TXT, at the system's servers */
};

static uint64_t seek_now(const struct dns_seek *s)
{
    return s->port->now_ms(s->port->ctx);
}

int dns_seek_fail(struct dns_seek *s, const char *name, const char *words, const char *more)
{
    const char *const parts[] = {name, ": ", words, more};
    struct acme_buf b;

    acme_buf_init(&b, s->why, DNS_SEEK_WHY);
    for (size_t i = 0; i < 4; i++) {
        size_t len = strlen(parts[i]), most = i == 2 ? 90 : 50;
        acme_buf_put(&b, parts[i], len < most ? len : most);
    }
    (void)acme_buf_end(&b);
    return ACME_E_SOLVER;
}

/* ---- one exchange over TCP ---- */

void dns_seek_close(struct dns_seek *s)
{
    if (s->sock != ACME_NO_SOCK)
        s->port->net->close(s->port->ctx, s->sock);
    s->sock = ACME_NO_SOCK;
    s->asking = false;
}

/* Is the question for one of the system's servers, which looks things up for us? */
static bool seek_recursive(const struct dns_seek *s)
{
    return s->server == NULL && (s->phase == SEEK_FIND || s->phase == SEEK_TXT);
}

/* One of the system's, another at each try. */
static int seek_resolver(struct dns_seek *s, char *addr)
{
    const struct acme_port *port = s->port;
    int err = port->net->resolver(port->ctx, s->tries, addr);

    return err == ACME_OK || s->tries == 0 ? err : port->net->resolver(port->ctx, 0, addr);
}

static int seek_connect(struct dns_seek *s)
{
    const struct acme_port *port = s->port;
    const char *host = s->server;
    uint16_t tcp_port = s->server_port;
    char addr[ACME_ADDR_TEXT];
    int err;

    if (s->phase == SEEK_LOOK && !s->only_primary) {
        host = s->servers[s->at_server];
        tcp_port = s->ns_port;
    } else if (seek_recursive(s)) {
        err = seek_resolver(s, addr);
        if (err != ACME_OK)
            return err;
        host = addr;
        tcp_port = SEEK_PORT;
    } else if (host == NULL)
        host = s->primary;
    return port->net->connect(port->ctx, host, tcp_port != 0 ? tcp_port : SEEK_PORT, &s->sock);
}

static const char *seek_asked_name(const struct dns_seek *s, unsigned *type)
{
    *type = s->phase == SEEK_FIND ? DNS_SOA : s->phase == SEEK_SERVERS ? DNS_NS : DNS_TXT;
    return s->phase == SEEK_FIND ? s->name + s->walk : s->phase == SEEK_SERVERS ? s->zone : s->name;
}

static int seek_ask(struct dns_seek *s)
{
    const char *name;
    struct acme_buf b;
    unsigned type;
    int err = acme_random(&s->id, sizeof s->id);

    if (err != ACME_OK)
        return err;
    acme_buf_init(&b, s->buf, sizeof s->buf);
    if (s->phase == SEEK_UPDATE) {
        dns_msg_begin(&b, s->id, DNS_UPDATE);
        err = s->hooks->write(s, &b);
    } else {
        name = seek_asked_name(s, &type);
        dns_msg_begin(&b, s->id, seek_recursive(s) ? DNS_QUERY_RECURSIVE : DNS_QUERY);
        dns_msg_ask(&b, name, type);
    }
    if (err == ACME_OK && !dns_msg_end(&b))
        err = ACME_E_NAME;
    if (err == ACME_OK)
        err = seek_connect(s);
    if (err != ACME_OK)
        return err;
    s->len = (uint32_t)b.len;
    s->sent = s->got = 0;
    s->asked_ms = seek_now(s);
    s->asking = true;
    return ACME_OK;
}

/* ACME_OK: the answer is whole, behind two bytes of length. */
static int seek_talk(struct dns_seek *s)
{
    const struct acme_port *port = s->port;
    size_t want = 2;
    int n;

    if (seek_now(s) - s->asked_ms >= DNS_SEEK_LIMIT_MS)
        return ACME_E_TIMEOUT;
    while (s->sent < s->len) {
        n = port->net->send(port->ctx, s->sock, s->buf + s->sent, s->len - s->sent);
        if (n < 0)
            return n;
        s->sent += (uint32_t)n;
    }
    for (;;) {
        want = s->got < 2 ? 2 : 2u + dns_msg_get16(s->buf);
        if (want > sizeof s->buf)
            return ACME_E_SIZE;
        if (s->got == want)
            return ACME_OK;
        n = port->net->recv(port->ctx, s->sock, s->buf + s->got, want - s->got);
        if (n < 0)
            return n;
        s->got += (uint32_t)n;
    }
}

/* ---- what the answers mean: ACME_OK (the job goes on, or s->result tells how it ended), or an
 * error of this exchange, which is tried again but for ACME_E_SOLVER ---- */

static void seek_done(struct dns_seek *s)
{
    s->result = ACME_OK;
    s->why[0] = '\0';
}

static void seek_next(struct dns_seek *s, enum seek_phase phase)
{
    s->phase = (uint8_t)phase;
    s->tries = 0;
}

/* Another name to look at, where an alias leads. */
static int seek_follow(struct dns_seek *s, const char *target)
{
    if (++s->aliases > DNS_SEEK_ALIASES)
        return dns_seek_fail(s, s->name, "too many aliases (CNAME) one after another", "");
    memcpy(s->name, target, DNS_NAME_ROOM);
    s->walk = 0;
    s->tries = 0;
    return ACME_OK;
}

/* One label up, when the server knows nothing of a name. */
static int seek_up(struct dns_seek *s)
{
    const char *dot = strchr(s->name + s->walk, '.');

    if (dot == NULL)
        return dns_seek_fail(s, s->name, "no zone of this name is at the server", "");
    s->walk = (uint16_t)(dot + 1 - s->name);
    s->tries = 0;
    return ACME_OK;
}

/* The zone is known. What is next? */
static void seek_go_on(struct dns_seek *s)
{
    if (s->goal == DNS_SEEK_ZONE)
        seek_done(s);
    else if (s->goal == DNS_SEEK_UPDATE)
        seek_next(s, SEEK_UPDATE);
    else
        seek_next(s, s->only_primary ? SEEK_LOOK : SEEK_SERVERS);
}

/* A SOA in the answer, or, as a name below an apex has none, beside it. */
static int seek_found(struct dns_seek *s, struct dns_msg *r)
{
    const char *asked = s->name + s->walk;
    struct dns_record record;
    char target[DNS_NAME_ROOM];

    while (dns_msg_next(r, &record)) {
        if (record.class_ != DNS_IN)
            continue;
        /* Only of the whole name: an alias of a parent is none of ours. */
        if (record.type == DNS_CNAME && record.section == DNS_ANSWER && s->walk == 0 &&
            strcmp(record.name, asked) == 0)
            return dns_msg_name(r->message, record.data_at, target) != 0 ? seek_follow(s, target)
                                                                         : ACME_E_REPLY;
        if (record.type != DNS_SOA || record.section == DNS_ADDITIONAL ||
            !dns_msg_within(asked, record.name))
            continue;
        if (dns_msg_name(r->message, record.data_at, s->primary) == 0)
            return ACME_E_REPLY;
        memcpy(s->zone, record.name, sizeof s->zone);
        seek_go_on(s);
        return ACME_OK;
    }
    return r->broken ? ACME_E_REPLY : seek_up(s);
}

static int seek_listed(struct dns_seek *s, struct dns_msg *r)
{
    struct dns_record record;

    s->servers_count = s->at_server = 0;
    while (dns_msg_find(r, DNS_NS, &record)) {
        if (strcmp(record.name, s->zone) != 0)
            continue;
        if (s->servers_count == DNS_SEEK_SERVERS)
            return dns_seek_fail(s, s->zone, "it has more servers than DNS_SEEK_SERVERS", "");
        if (dns_msg_name(r->message, record.data_at, s->servers[s->servers_count]) == 0)
            return ACME_E_REPLY;
        s->servers_count++;
    }
    if (r->broken || s->servers_count == 0)
        return ACME_E_REPLY;
    seek_next(s, SEEK_LOOK);
    return ACME_OK;
}

static int seek_looked(struct dns_seek *s, struct dns_msg *r)
{
    struct dns_record record;

    while (dns_msg_find(r, DNS_TXT, &record)) {
        if (!dns_msg_txt_is(record.data, s->what) || strcmp(record.name, s->name) != 0)
            continue;
        s->tries = 0;
        s->at_server++;
        if (s->only_primary || s->at_server == s->servers_count)
            seek_done(s);
        return ACME_OK;
    }
    s->absent = !r->broken;
    return ACME_E_REPLY; /* not there yet */
}

static int seek_hooked(struct dns_seek *s, struct dns_msg *r)
{
    int err = s->hooks->take(s, r);

    if (err == ACME_OK)
        seek_done(s);
    return err;
}

static int seek_take(struct dns_seek *s)
{
    bool update = s->phase == SEEK_UPDATE;
    struct dns_msg r;
    unsigned type = 0;
    const char *name = seek_asked_name(s, &type);
    int err = dns_msg_open(&r, acme_slice_of(s->buf + 2, s->got - 2), s->id,
                           update ? DNS_UPDATE : DNS_QUERY, update ? NULL : name, type);

    if (err != ACME_OK)
        return err;
    if (update)
        return seek_hooked(s, &r);
    if (s->phase == SEEK_FIND && (r.rcode == DNS_REFUSED || r.rcode == DNS_NOTAUTH))
        return seek_up(s);
    if (r.rcode != DNS_NOERROR && r.rcode != DNS_NXDOMAIN)
        return ACME_E_SERVER;
    return s->phase == SEEK_FIND      ? seek_found(s, &r)
           : s->phase == SEEK_SERVERS ? seek_listed(s, &r)
           : s->phase == SEEK_TXT     ? seek_hooked(s, &r)
                                      : seek_looked(s, &r);
}

/* ---- the job ---- */

/* An exchange failed on the way: again after a pause; for how often and how long? */
static void seek_again(struct dns_seek *s, int err)
{
    bool look = s->phase == SEEK_LOOK;
    const char *who = look && !s->only_primary ? s->servers[s->at_server]
                      : s->server != NULL      ? s->server
                      : !seek_recursive(s)     ? s->primary
                                               : "the system's DNS server";

    s->wake_ms = seek_now(s) + DNS_SEEK_PAUSE_MS;
    s->tries++;
    if (s->tries < DNS_SEEK_TRIES && !(look && err == ACME_E_REPLY))
        return;
    if (look && seek_now(s) - s->since_ms < s->patience_ms)
        return;
    if (look && err == ACME_E_REPLY) {
        s->missing = true;
        err = dns_seek_fail(s, who, "this server does not show the record in time: ", s->name);
    } else
        (void)dns_seek_fail(s, who, acme_err_words(err), "");
    s->result = err;
}

/* One move. False: nothing can be done now. */
static bool seek_move(struct dns_seek *s)
{
    int err;

    if (!s->asking && seek_now(s) < s->wake_ms)
        return false;
    if (!s->asking)
        err = seek_ask(s);
    else {
        err = seek_talk(s);
        if (err == ACME_OK) {
            err = seek_take(s);
            dns_seek_close(s);
            if (err == ACME_OK)
                return s->result == ACME_AGAIN;
        }
    }
    if (err == ACME_AGAIN || err == ACME_OK)
        return err == ACME_OK;
    dns_seek_close(s);
    if (err == ACME_E_SOLVER || err == ACME_E_NAME || err == ACME_E_CRYPTO || err == ACME_E_ENTROPY)
        s->result = err;
    else
        seek_again(s, err);
    return false;
}

int dns_seek_poll(struct dns_seek *s, uint32_t *sleep_ms)
{
    uint64_t now, then;

    if (sleep_ms != NULL)
        *sleep_ms = UINT32_MAX;
    if (s->result != ACME_AGAIN)
        return s->result;
    for (int i = 0; i < SEEK_STEPS && s->result == ACME_AGAIN; i++) {
        if (!seek_move(s))
            break;
    }
    now = seek_now(s);
    then = s->asking ? s->asked_ms + DNS_SEEK_LIMIT_MS : s->wake_ms;
    if (sleep_ms != NULL)
        *sleep_ms = s->result == ACME_AGAIN && then > now ? (uint32_t)(then - now) : 0;
    return s->result;
}

int dns_seek_start(struct dns_seek *s, const char *name, enum dns_seek_goal goal, const char *value,
                   uint32_t patience_ms)
{
    size_t len = strlen(name);

    dns_seek_close(s);
    s->why[0] = '\0';
    if (len >= sizeof s->name)
        return ACME_E_NAME;
    memcpy(s->name, name, len + 1);
    s->what = value;
    s->patience_ms = patience_ms;
    s->goal = (uint8_t)goal;
    s->missing = s->absent = false;
    s->walk = 0;
    s->aliases = 0;
    s->at_server = 0;
    s->since_ms = s->wake_ms = seek_now(s);
    seek_next(s, goal == DNS_SEEK_TXT ? SEEK_TXT : SEEK_FIND);
    s->result = ACME_AGAIN;
    return ACME_OK;
}

void dns_seek_init(struct dns_seek *s, const struct acme_port *port,
                   const struct dns_seek_hooks *hooks, void *ctx, char *why)
{
    memset(s, 0, sizeof *s);
    s->port = port;
    s->hooks = hooks;
    s->ctx = ctx;
    s->why = why;
    s->why[0] = '\0';
    s->sock = ACME_NO_SOCK;
    s->result = ACME_E_ARG;
}
