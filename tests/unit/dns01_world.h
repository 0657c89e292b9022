/* dns01_world.h - a small DNS of two servers for the solvers of DNS, over a fake network and a
 * virtual clock: one connection at a time, and any trouble in any of them */
#ifndef DNS01_WORLD_H
#define DNS01_WORLD_H

#include "acme_err.h"
#include "crypto_world.h"
#include "dns01_2136.h"
#include "test.h"

#define ZONE  "example.net"
#define NAME  "dev.example.net"
#define OWNER "_acme-challenge." NAME

enum trouble {
    FINE,
    REFUSED_CONNECTION, /* by connect itself */
    RESET_SENDING,      /* after 5 bytes */
    RESET_READING,      /* after 3 bytes */
    ENDED_READING,      /* the server ends the stream there */
    SILENT,
    WRONG_ID,
    NO_ANSWER, /* the question comes back */
    CUT,       /* TC is set */
    SHORT,     /* the message ends in the middle of what it counts */
    LONG,      /* longer than the solver's buffer */
    EMPTY,     /* no byte of a message */
    RCODE,     /* dns.rcode */
    /* of an UPDATE */
    UNSIGNED,
    WRONG_SIGNATURE,
    OTHER_REQUEST, /* signed for another request */
    LATE,          /* signed 301 s ago */
    TSIG_ERROR     /* dns.tsig_error, NOTAUTH */
};

struct held {
    char name[DNS_NAME_ROOM], value[1500];
};

static struct {
    uint64_t now;
    /* the exchange */
    bool open;
    char host[DNS_NAME_ROOM];
    uint16_t port;
    uint8_t in[2048], out[8192];
    size_t in_len, out_len, out_at;
    bool drip, tick; /* a byte at a time, and "not yet" before each */
    /* trouble in the connections number `at` (0 is the first), `times` of them */
    enum trouble trouble;
    unsigned at, times, connects, rcode, tsig_error;
    bool troubled; /* this one */
    /* the world */
    struct held held[8];
    unsigned lag; /* questions for TXT that the second server answers before it knows */
    unsigned servers;
    const char *other_zone; /* beside ZONE; may be NULL */
    bool beyond;            /* the last string of a TXT record claims a byte that is not there */
    const char *alias_from, *alias_to;
    bool alias_loop, foreign;   /* SOAs of a zone that was not asked about */
    unsigned updates, asked[3]; /* SOA, NS, TXT */
    struct dns_tsig_key key;
} dns;

static bool dns_has(const char *name, const char *value)
{
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(dns.held[i].name, name) == 0 && strcmp(dns.held[i].value, value) == 0)
            return true;
    }
    return false;
}

static inline unsigned dns_count(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < 8; i++)
        n += dns.held[i].name[0] != '\0';
    return n;
}

static void dns_put(const char *name, const char *value)
{
    for (size_t i = 0; i < 8 && !dns_has(name, value); i++) {
        if (dns.held[i].name[0] == '\0') {
            snprintf(dns.held[i].name, sizeof dns.held[i].name, "%s", name);
            snprintf(dns.held[i].value, sizeof dns.held[i].value, "%s", value);
        }
    }
}

static void dns_drop(const char *name, const char *value)
{
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(dns.held[i].name, name) == 0 && strcmp(dns.held[i].value, value) == 0)
            memset(&dns.held[i], 0, sizeof dns.held[i]);
    }
}

/* ---- answers ---- */

static struct acme_slice dns_name_data(uint8_t *room, size_t cap, const char *name, size_t more)
{
    static const uint8_t zeros[22];
    struct acme_buf b;

    acme_buf_init(&b, room, cap);
    dns_msg_put_name(&b, name);
    acme_buf_put(&b, zeros, more);
    CHECK(!b.overflow);
    return acme_buf_slice(&b);
}

static const char *dns_zone_of(const char *name)
{
    if (dns.other_zone != NULL && dns_msg_within(name, dns.other_zone))
        return dns.other_zone;
    return dns_msg_within(name, ZONE) ? ZONE : NULL;
}

/* mname, rname (root), and five numbers */
static void dns_add_soa(struct acme_buf *b, enum dns_section section, const char *zone)
{
    uint8_t room[300];

    dns_msg_add(b, section, dns.foreign ? "elsewhere.test" : zone, DNS_SOA, DNS_IN, 60,
                dns_name_data(room, sizeof room, "ns1.test", 21));
}

/* The name's alias, if it has one: whose records are the answer? */
static const char *dns_add_alias(struct acme_buf *b, const char *name)
{
    uint8_t room[300];

    if (dns.alias_from == NULL || strcmp(dns.alias_from, name) != 0)
        return name;
    dns_msg_add(b, DNS_ANSWER, name, DNS_CNAME, DNS_IN, 60,
                dns_name_data(room, sizeof room, dns.alias_to, 0));
    return dns.alias_to;
}

static unsigned dns_answer_soa(struct acme_buf *b, const char *name)
{
    const char *zone = dns_zone_of(name);
    uint8_t room[300];
    char longer[DNS_NAME_ROOM];

    if (dns.alias_loop) {
        snprintf(longer, sizeof longer, "x%.200s", name);
        dns_msg_add(b, DNS_ANSWER, name, DNS_CNAME, DNS_IN, 60,
                    dns_name_data(room, sizeof room, longer, 0));
    } else if (dns_add_alias(b, name) != name) {
        return DNS_NOERROR;
    } else if (zone == NULL) {
        return DNS_REFUSED;
    } else {
        dns_add_soa(b, strcmp(name, zone) == 0 ? DNS_ANSWER : DNS_AUTHORITY, zone);
        return strcmp(name, zone) == 0 ? DNS_NOERROR : DNS_NXDOMAIN;
    }
    return DNS_NOERROR;
}

static void dns_answer_ns(struct acme_buf *b, const char *zone)
{
    uint8_t room[300];

    for (unsigned i = 1; i <= dns.servers; i++) {
        char name[20];

        snprintf(name, sizeof name, "ns%u.test", i);
        dns_msg_add(b, DNS_ANSWER, zone, DNS_NS, DNS_IN, 60,
                    dns_name_data(room, sizeof room, name, 0));
    }
}

/* As strings of 255 bytes at most. */
static struct acme_slice dns_txt_data(uint8_t *room, size_t cap, const char *value)
{
    size_t left = strlen(value);
    struct acme_buf b;

    acme_buf_init(&b, room, cap);
    for (size_t n; left > 0; left -= n, value += n) {
        n = left < 255 ? left : 255;
        acme_buf_char(&b, (char)(n + (dns.beyond && n == left)));
        acme_buf_put(&b, value, n);
    }
    CHECK(!b.overflow);
    return acme_buf_slice(&b);
}

static unsigned dns_answer_txt(struct acme_buf *b, const char *name)
{
    uint8_t data[1600];
    bool any = false;

    if (strcmp(dns.host, "ns1.test") != 0 && dns.lag > 0) {
        dns.lag--;
        return DNS_NXDOMAIN;
    }
    name = dns_add_alias(b, name);
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(dns.held[i].name, name) != 0)
            continue;
        dns_msg_add(b, DNS_ANSWER, name, DNS_TXT, DNS_IN, 60,
                    dns_txt_data(data, sizeof data, dns.held[i].value));
        any = true;
    }
    return any ? DNS_NOERROR : DNS_NXDOMAIN;
}

/* Carries out an UPDATE of one record, as the real servers do; its signature's bytes to mac. */
static void dns_update(struct acme_slice m, uint8_t mac[64])
{
    struct dns_record record;
    struct dns_msg r;
    char value[80];

    dns.updates++;
    dns.in[4] |= 0x80; /* dns_msg_open wants an answer */
    CHECK_INT(dns_msg_open(&r, m, (uint16_t)dns_msg_get16(m.ptr), DNS_UPDATE, NULL, 0), ACME_OK);
    while (dns_msg_next(&r, &record)) {
        if (record.type == DNS_TSIG)
            memcpy(mac, record.data.ptr + record.data.len - 6 - dns.key.hash, dns.key.hash);
        if (record.type != DNS_TXT)
            continue;
        CHECK_INT(record.section, DNS_AUTHORITY);
        CHECK_INT(record.data.len, 44);
        memcpy(value, record.data.ptr + 1, 43);
        value[43] = '\0';
        CHECK_INT(record.ttl, record.class_ == DNS_IN ? 60 : 0);
        if (record.class_ == DNS_IN)
            dns_put(record.name, value);
        else
            dns_drop(record.name, value);
        CHECK(record.class_ == DNS_IN || record.class_ == DNS_NONE);
    }
    CHECK(!r.broken);
    dns.in[4] &= 0x7f;
}

/* RFC 8945 5.3.1, by hand: the request's MAC, the answer, the variables. */
static void dns_sign(struct acme_buf *b, const uint8_t *asked, int64_t when, unsigned error)
{
    uint8_t room[1500], data[200], mac[64] = {0};
    struct acme_buf all, v;

    acme_buf_init(&v, data, sizeof data);
    dns_msg_put_name(&v, "hmac-sha256");
    dns_msg_put16(&v, 0);
    dns_msg_put32(&v, (uint32_t)when);
    dns_msg_put16(&v, DNS_TSIG_FUDGE);
    acme_buf_init(&all, room, sizeof room);
    dns_msg_put16(&all, 32);
    acme_buf_put(&all, asked, 32);
    acme_buf_put(&all, b->ptr + 2, b->len - 2);
    dns_msg_put_name(&all, dns.key.name);
    dns_msg_put16(&all, DNS_ANY);
    dns_msg_put32(&all, 0);
    acme_buf_put(&all, v.ptr, v.len);
    dns_msg_put16(&all, error);
    dns_msg_put16(&all, 0);
    CHECK_INT(acme_hmac(32, acme_slice_of(dns.key.secret, dns.key.len), acme_buf_slice(&all), mac),
              ACME_OK);
    dns_msg_put16(&v, error == 0 ? 32 : 0);
    acme_buf_put(&v, mac, error == 0 ? 32 : 0);
    acme_buf_put(&v, b->ptr + 2, 2);
    dns_msg_put16(&v, error);
    dns_msg_put16(&v, 0);
    dns_msg_add(b, DNS_ADDITIONAL, dns.key.name, DNS_TSIG, DNS_ANY, 0, acme_buf_slice(&v));
    CHECK(!b->overflow && !all.overflow && !v.overflow);
}

static void dns_finish_update(struct acme_buf *b, uint8_t *mac)
{
    enum trouble t = dns.troubled ? dns.trouble : FINE;

    if (t == OTHER_REQUEST)
        mac[0] ^= 1;
    if (t == TSIG_ERROR)
        b->ptr[5] |= DNS_NOTAUTH;
    if (t != UNSIGNED && dns.key.len > 0 && (b->ptr[5] & 15) == 0)
        dns_sign(b, mac, world.now - (t == LATE ? 301 : 0), 0);
    else if (t == TSIG_ERROR)
        dns_sign(b, mac, world.now, dns.tsig_error);
    if (t == WRONG_SIGNATURE)
        b->ptr[b->len - 10] ^= 1;
}

static void dns_spoil(struct acme_buf *b)
{
    switch (dns.troubled ? dns.trouble : FINE) {
    case WRONG_ID:
        b->ptr[3] ^= 1;
        break;
    case NO_ANSWER:
        b->ptr[4] &= 0x7f;
        break;
    case CUT:
        b->ptr[4] |= 2;
        break;
    case SHORT:
        b->len -= 3;
        break;
    default:
        break;
    }
    CHECK(dns_msg_end(b));
    if (dns.troubled && dns.trouble == LONG)
        memset(b->ptr, 0xff, 2);
    if (dns.troubled && dns.trouble == EMPTY) {
        memset(b->ptr, 0, 2);
        b->len = 2;
    }
}

/* The question is there, whole. */
static void dns_serve(void)
{
    struct acme_slice m = {dns.in + 2, dns.in_len - 2};
    bool update = (m.ptr[2] >> 3 & 15) == 5, spoiled = dns.troubled && dns.trouble == RCODE;
    char name[DNS_NAME_ROOM];
    size_t at = dns_msg_name(m, DNS_HEAD, name);
    unsigned type, rcode = DNS_NOERROR;
    uint8_t mac[64] = {0};
    struct acme_buf b;

    CHECK(at != 0);
    type = dns_msg_get16(m.ptr + at);
    acme_buf_init(&b, dns.out, sizeof dns.out);
    dns_msg_begin(&b, (uint16_t)dns_msg_get16(m.ptr), dns_msg_get16(m.ptr + 2) | 0x8000u);
    dns_msg_ask(&b, name, type);
    if (spoiled)
        rcode = dns.rcode;
    else if (update && (!dns.troubled || dns.trouble != TSIG_ERROR))
        dns_update(m, mac);
    else if (!update && type == DNS_SOA && ++dns.asked[0])
        rcode = dns_answer_soa(&b, name);
    else if (type == DNS_NS && ++dns.asked[1])
        dns_answer_ns(&b, name);
    else if (type == DNS_TXT && ++dns.asked[2])
        rcode = dns_answer_txt(&b, name);
    b.ptr[5] = (uint8_t)rcode;
    if (update)
        dns_finish_update(&b, mac);
    dns_spoil(&b);
    dns.out_len = b.len;
    dns.out_at = 0;
}

/* ---- the network ---- */

static int net_connect(void *ctx, const char *host, uint16_t port, acme_sock *out)
{
    (void)ctx;
    CHECK(!dns.open);
    dns.troubled = dns.connects >= dns.at && dns.connects < dns.at + dns.times;
    dns.connects++;
    *out = ACME_NO_SOCK;
    if (dns.troubled && dns.trouble == REFUSED_CONNECTION)
        return ACME_E_NET;
    snprintf(dns.host, sizeof dns.host, "%s", host);
    dns.port = port;
    dns.in_len = dns.out_len = dns.out_at = 0;
    dns.open = true;
    *out = 7;
    return ACME_OK;
}

static size_t net_piece(size_t len)
{
    if (!dns.drip)
        return len;
    dns.tick = !dns.tick;
    return dns.tick ? 0 : 1;
}

static int net_send(void *ctx, acme_sock sock, const void *data, size_t len)
{
    size_t n = net_piece(len);

    (void)ctx;
    CHECK(dns.open && sock == 7 && dns.out_len == 0 && len > 0);
    if (dns.troubled && dns.trouble == RESET_SENDING) {
        n = dns.in_len + n <= 5 ? n : 5 - dns.in_len;
        if (dns.in_len == 5)
            return ACME_E_NET;
    }
    if (n == 0)
        return ACME_AGAIN;
    memcpy(dns.in + dns.in_len, data, n);
    dns.in_len += n;
    if (dns.in_len >= 2 && dns.in_len == 2u + dns_msg_get16(dns.in))
        dns_serve();
    return (int)n;
}

static int net_recv(void *ctx, acme_sock sock, void *buf, size_t cap)
{
    size_t left = dns.out_len - dns.out_at, n;
    enum trouble t = dns.troubled ? dns.trouble : FINE;

    (void)ctx;
    CHECK(dns.open && sock == 7 && cap > 0);
    if (dns.out_len == 0 || t == SILENT)
        return ACME_AGAIN;
    if (t == RESET_READING || t == ENDED_READING)
        left = 3 - dns.out_at;
    if (left == 0)
        return t == RESET_READING ? ACME_E_NET : ACME_E_CLOSED;
    n = net_piece(left < cap ? left : cap);
    if (n == 0)
        return ACME_AGAIN;
    memcpy(buf, dns.out + dns.out_at, n);
    dns.out_at += n;
    return (int)n;
}

static void net_close(void *ctx, acme_sock sock)
{
    (void)ctx;
    CHECK(dns.open && sock == 7);
    dns.open = false;
}

static int net_resolver(void *ctx, unsigned i, char *addr)
{
    (void)ctx;
    if (i > 1)
        return ACME_E_LOOKUP;
    strcpy(addr, i == 0 ? "192.0.2.1" : "192.0.2.2");
    return ACME_OK;
}

static const struct acme_net net_ops = {.connect = net_connect,
                                        .send = net_send,
                                        .recv = net_recv,
                                        .close = net_close,
                                        .resolver = net_resolver};

static uint64_t net_now(void *ctx)
{
    (void)ctx;
    return dns.now;
}

#endif
