/* acmedns_world.h - the solver of dns-01 by acme-dns, and a small acme-dns: its API behind the real
 * core/acme_exchange.c, its zone in dns01_world.h's DNS, any trouble in any of its connections
 *
 * The program has an acme_tls_... of its own, so core/acme_tls.c is not linked.
 */
#ifndef ACMEDNS_WORLD_H
#define ACMEDNS_WORLD_H

#include "acme_exchange.h"
#include "dns01_acmedns.h"
#include "dns01_world.h"
#include "slot_world.h"

#define API      "https://auth.example.org"
#define API_HOST "auth.example.org"
#define API_SOCK 9
/* The n-th registration; what is secret of it begins with SECRET. */
#define SECRET  "pAsS_"
#define ACCOUNT "{\"username\":\"u-%u\",\"password\":\"" SECRET "%u-Z\",\"subdomain\":\"sub-%u\","

enum api_trouble {
    API_FINE,
    API_REFUSED,   /* by connect itself */
    API_UNTRUSTED, /* its certificate */
    API_NO_TLS,
    API_UNSENT, /* reset while the request is sent */
    API_LOST,   /* carried out, and reset before the reply */
    API_CUT,    /* carried out, and ended in the middle of the reply */
    API_SILENT,
    API_NO_HTTP,
    API_STATUS, /* api.status and api.body instead of an answer */
    API_HUGE    /* the same, and a body of 100 KB */
};

static struct {
    bool sock, session;
    const struct acme_anchors *anchors; /* of the last session */
    char host[100];
    char request[1500], reply[9000];
    size_t request_len, reply_len, reply_at;
    bool slow; /* 9 bytes at a time, and "not yet" before */
    bool tick;
    /* trouble in the connections number `at` (0 is the first), `times` of them */
    enum api_trouble trouble;
    unsigned at, times, status;
    bool troubled; /* this one */
    const char *body;
    unsigned connects, registered, updated; /* both: carried out */
    uint64_t asked_ms[8];                   /* when each connection was made */
    char values[5][2][44];                  /* of each registration the last two */
} api;

static enum api_trouble api_trouble(void)
{
    return api.troubled ? api.trouble : API_FINE;
}

static void api_reply(unsigned status, const char *body)
{
    size_t len = api_trouble() == API_HUGE ? 100000 : strlen(body);
    int n = snprintf(api.reply, sizeof api.reply,
                     "HTTP/1.1 %u Words\r\nContent-Length: %zu\r\nLocation: https://x.test/\r\n\r\n"
                     "%s",
                     status, len, body);

    CHECK(n > 0 && (size_t)n < sizeof api.reply);
    api.reply_len = (size_t)n;
}

static void api_register(void)
{
    char body[300];
    unsigned n = ++api.registered;

    CHECK(n < 5);
    snprintf(body, sizeof body, ACCOUNT "\"fulldomain\":\"sub-%u." API_HOST "\",\"allowfrom\":[]}",
             n, n, n, n);
    api_reply(201, body);
}

/* The last two values are kept, also when they are the same. */
static void api_keep(unsigned n, const char *txt)
{
    char name[DNS_NAME_ROOM], (*values)[44] = api.values[n];

    snprintf(name, sizeof name, "sub-%u." API_HOST, n);
    dns_drop(name, values[0]);
    memcpy(values[0], values[1], 44);
    snprintf(values[1], 44, "%.43s", txt);
    dns_put(name, values[1]);
    if (values[0][0] != '\0')
        dns_put(name, values[0]);
    api.updated++;
}

static void api_update(void)
{
    char want[300];
    const char *txt = strstr(api.request, "\"txt\": \"");

    for (unsigned n = 1; n <= api.registered; n++) {
        snprintf(want, sizeof want, "\r\nX-Api-User: u-%u\r\nX-Api-Key: " SECRET "%u-Z\r\n", n, n);
        if (strstr(api.request, want) == NULL)
            continue;
        snprintf(want, sizeof want, "\r\n\r\n{\"subdomain\": \"sub-%u\", \"txt\": \"", n);
        CHECK(strstr(api.request, want) != NULL && txt != NULL);
        CHECK_STR(txt + 8 + 43, "\"}");
        api_keep(n, txt + 8);
        api_reply(200, "{\"txt\": \"...\"}");
        return;
    }
    api_reply(401, "{\"error\": \"forbidden\"}");
}

/* Is the request there, whole? */
static void api_serve(void)
{
    const char *end = strstr(api.request, "\r\n\r\n"), *len = strstr(api.request, "Content-Length");
    enum api_trouble t = api_trouble();

    if (end == NULL)
        return;
    CHECK(len != NULL && len < end);
    if (strlen(end + 4) < strtoul(len + 16, NULL, 10))
        return;
    CHECK_INT(strlen(end + 4), strtoul(len + 16, NULL, 10));
    CHECK(strstr(api.request, "\r\nContent-Type: application/json\r\n") != NULL);
    if (t == API_SILENT)
        return;
    if (t == API_STATUS || t == API_HUGE)
        api_reply(api.status, api.body);
    else if (strstr(api.request, "/register HTTP/1.1\r\n") != NULL)
        api_register();
    else if (strstr(api.request, "/update HTTP/1.1\r\n") != NULL)
        api_update();
    else
        api_reply(404, "");
    if (t == API_NO_HTTP)
        memcpy(api.reply, "SSH", 3);
    if (t == API_LOST || t == API_CUT)
        api.reply_len = t == API_LOST ? 0 : api.reply_len - 5;
}

/* ---- the network: port 443 is the API's ---- */

static int api_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    if (port != 443)
        return net_connect(ctx, host, port, out);
    CHECK(!api.sock && !dns.open);
    api.troubled = api.connects >= api.at && api.connects < api.at + api.times;
    api.asked_ms[api.connects % 8] = dns.now;
    api.connects++;
    if (api_trouble() == API_REFUSED)
        return ACME_E_NET;
    snprintf(api.host, sizeof api.host, "%s", host);
    api.request_len = api.reply_len = api.reply_at = 0;
    memset(api.request, 0, sizeof api.request);
    api.sock = true;
    *out = API_SOCK;
    return ACME_OK;
}

static void api_close(void *ctx, acme_sock sock)
{
    if (sock != API_SOCK) {
        net_close(ctx, sock);
        return;
    }
    CHECK(api.sock && !api.session);
    api.sock = false;
}

static const struct acme_net api_net = {.connect = api_connect,
                                        .send = net_send,
                                        .recv = net_recv,
                                        .close = api_close,
                                        .resolver = net_resolver};

int acme_tls_open(struct acme_tls *tls, const struct acme_port *port, acme_sock sock,
                  const char *host, const struct acme_anchors *anchors)
{
    CHECK(tls != NULL && port != NULL && api.sock);
    CHECK_INT(sock, API_SOCK);
    CHECK_STR(host, api.host);
    api.anchors = anchors;
    api.session = true;
    return ACME_OK;
}

int acme_tls_handshake(struct acme_tls *tls)
{
    enum api_trouble t = api_trouble();

    (void)tls;
    return t == API_UNTRUSTED ? ACME_E_TLS_TRUST : t == API_NO_TLS ? ACME_E_TLS : ACME_OK;
}

static size_t api_piece(size_t len)
{
    if (!api.slow)
        return len;
    api.tick = !api.tick;
    return api.tick ? 0 : len < 9 ? len : 9;
}

int acme_tls_send(struct acme_tls *tls, const void *data, size_t len)
{
    size_t n = api_piece(len);

    (void)tls;
    CHECK(api.session && len > 0);
    if (api_trouble() == API_UNSENT)
        return ACME_E_NET;
    if (n == 0)
        return ACME_AGAIN;
    CHECK(api.request_len + n < sizeof api.request);
    memcpy(api.request + api.request_len, data, n);
    api.request_len += n;
    api_serve();
    return (int)n;
}

int acme_tls_recv(struct acme_tls *tls, void *buf, size_t cap)
{
    size_t left = api.reply_len - api.reply_at, n = api_piece(left < cap ? left : cap);
    enum api_trouble t = api_trouble();

    (void)tls;
    CHECK(api.session && cap > 0);
    if (left == 0 && t != API_FINE && t != API_SILENT)
        return t == API_CUT ? ACME_E_CLOSED : ACME_E_NET;
    if (n == 0)
        return ACME_AGAIN;
    memcpy(buf, api.reply + api.reply_at, n);
    api.reply_at += n;
    return (int)n;
}

void acme_tls_close(struct acme_tls *tls)
{
    (void)tls;
    CHECK(api.sock && api.session);
    api.session = false;
}

/* ---- the solver ---- */

#define TOKEN   "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define KEYAUTH TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define FULL    "sub-1." API_HOST
#define ADD     "add this record to the zone: " OWNER ". CNAME " FULL "."
#define UNUSED  0x5a /* a byte of the exchange's buffer that nobody has written to */

enum job { PREPARE, BEGIN, READY };

static struct acme_port port;
static struct dns01_acmedns solver;
static struct acme_solver *s;
static char value[44], other[44];
static const struct acme_anchors of_ca = {NULL, 1};
static uint8_t io[4096];
static struct acme_exchange x;

static struct acme_challenge challenge(const char *name, const char *text)
{
    struct acme_challenge c = {.type = ACME_CHALLENGE_DNS01,
                               .identifier = name,
                               .id_type = ACME_ID_DNS,
                               .token = TOKEN,
                               .key_authorization = text,
                               .account_url = "https://ca.test/1",
                               .exchange = &x};
    return c;
}

static void value_of(const char *text, char out[44])
{
    uint8_t digest[ACME_SHA256_SIZE];

    CHECK_INT(acme_sha256(text, strlen(text), digest), ACME_OK);
    CHECK_INT(acme_b64url_encode(out, 43, digest, sizeof digest), 43);
    out[43] = '\0';
}

static void fresh_with(struct dns01_acmedns_config config)
{
    world_reset();
    memset(&dns, 0, sizeof dns);
    memset(&api, 0, sizeof api);
    memset(&medium, 0, sizeof medium);
    memset(io, UNUSED, sizeof io);
    dns.servers = 2;
    dns.now = 1000;
    dns.other_zone = API_HOST;
    port = world_port;
    port.net = &api_net;
    port.now_ms = net_now;
    port.slots = &slot_ops;
    acme_exchange_init(&x, &port, &of_ca, (struct acme_span){io, sizeof io});
    s = dns01_acmedns_init(&solver, &port, &config);
    value_of(KEYAUTH, value);
    value_of("other", other);
}

static void fresh(void)
{
    fresh_with((struct dns01_acmedns_config){.url = API});
}

/* A person has done what he was told, at the first registration. */
static inline void add_alias(void)
{
    dns.alias_from = OWNER;
    dns.alias_to = FULL;
}

static bool all_io(uint8_t byte)
{
    for (size_t i = 0; i < x.io.len; i++) {
        if (io[i] != byte)
            return false;
    }
    return true;
}

/* After the end of a job, whatever it is: no secret is left anywhere, and all is given back. */
static void given_back(void)
{
    CHECK(!dns.open && !api.sock && !api.session);
    CHECK(x.anchors == &of_ca);
    CHECK_STR(x.host, "");
    CHECK(all_io(0) || (api.connects == 0 && all_io(UNUSED)));
    CHECK(strstr(solver.why, SECRET) == NULL);
}

static int once(enum job job, const struct acme_challenge *c)
{
    int ret = job == PREPARE ? dns01_acmedns_prepare(&solver, c->identifier, c->exchange)
              : job == BEGIN ? s->ops->begin(s, c)
                             : s->ops->ready(s, c);

    CHECK(x.anchors == &of_ca);
    return ret;
}

static int run_for(enum job job, const struct acme_challenge *c)
{
    for (int i = 0; i < 20000; i++) {
        int ret = once(job, c);

        if (ret != ACME_AGAIN) {
            given_back();
            return ret;
        }
        dns.now += 20;
    }
    test_stop(TEST_FAILED, "no end");
}

static int run(enum job job)
{
    struct acme_challenge c = challenge(NAME, KEYAUTH);

    return run_for(job, &c);
}

/* Registered, and led there. */
static inline void registered(void)
{
    CHECK_INT(run(PREPARE), ACME_E_SOLVER);
    CHECK_STR(solver.why, ADD);
    add_alias();
    api.connects = dns.connects = 0;
    memset(dns.asked, 0, sizeof dns.asked);
    memset(io, UNUSED, sizeof io);
}

#endif
