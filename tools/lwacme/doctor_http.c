/* Port 80: who has it, and is a token of ours seen at the addresses of a name? */
#include "doctor.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "acme_http.h"
#include "http01.h"
#include "posix_sys.h"

#define FETCH_MS 8000

/* One challenge that no CA knows. */
static struct probe {
    struct http01 http01;
    struct webroot webroot;
    struct acme_solver *solver;
    struct acme_challenge challenge;
    char token[DOCTOR_TOKEN], authorization[DOCTOR_AUTHORIZATION];
} probe;
static uint8_t reply_room[ACME_HTTP_HEAD_MAX];

const char *doctor_private(const char *address)
{
    uint8_t b[16];

    if (inet_pton(AF_INET, address, b) == 1) {
        if (b[0] == 127 || b[0] == 0)
            return "a loopback address";
        if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
            (b[0] == 100 && (b[1] & 0xc0) == 64))
            return "a private address";
        return b[0] == 169 && b[1] == 254 ? "a link-local address" : NULL;
    }
    if (inet_pton(AF_INET6, address, b) != 1)
        return NULL;
    if (memcmp(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15) == 0)
        return "a loopback address";
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
        return "a link-local address";
    return (b[0] & 0xfe) == 0xfc ? "a private address" : NULL;
}

/* -- the port -- */

bool doctor_token(char token[DOCTOR_TOKEN], char authorization[DOCTOR_AUTHORIZATION])
{
    uint8_t random[64];
    struct acme_buf b;

    if (posix_entropy(NULL, random, sizeof random) != ACME_OK)
        return false;
    acme_buf_init(&b, token, DOCTOR_TOKEN);
    acme_buf_b64url(&b, random, 32);
    (void)acme_buf_end(&b);
    acme_buf_init(&b, authorization, DOCTOR_AUTHORIZATION);
    acme_buf_text(&b, token);
    acme_buf_char(&b, '.');
    acme_buf_b64url(&b, random + 32, 32);
    return acme_buf_end(&b);
}

void doctor_busy(struct doctor *d, uint16_t port, const char *advice)
{
    char who[120];

    doctor_who_listens(port, who, sizeof who);
    doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, "port", NULL, advice, "port %u is in use by %s", port,
                who[0] != '\0' ? who : "another program (root can see which)");
}

bool doctor_port(struct doctor *d)
{
    const struct options *o = d->o;
    int err;

    memset(&probe, 0, sizeof probe);
    probe.solver = o->webroot != NULL
                       ? webroot_init(&probe.webroot, &d->port, o->webroot)
                       : http01_init(&probe.http01, &d->port, o->http_bind, o->http_port);
    probe.challenge.type = ACME_CHALLENGE_HTTP01;
    probe.challenge.identifier = "name.invalid";
    probe.challenge.id_type = ACME_ID_DNS;
    probe.challenge.token = probe.token;
    probe.challenge.key_authorization = probe.authorization;
    probe.challenge.account_url = "";
    err = doctor_token(probe.token, probe.authorization)
              ? probe.solver->ops->begin(probe.solver, &probe.challenge)
              : ACME_E_ENTROPY;
    if (err == ACME_OK && o->webroot != NULL)
        doctor_tell(d, DOCTOR_OK, 0, "port", NULL, NULL, "--webroot %.300s can be written",
                    o->webroot);
    else if (err == ACME_OK)
        doctor_tell(d, DOCTOR_OK, 0, "port", NULL,
                    o->http_port != 80 ? "see that something brings port 80, where CAs ask, here"
                                       : NULL,
                    "port %u is free, and we may listen on it", o->http_port);
    else if (err == ACME_E_PORT_BUSY)
        doctor_busy(
            d, o->http_port,
            "let that program serve the challenges (--webroot DIR), or stop it for the moment");
    else
        doctor_tell(d, DOCTOR_BAD, o->webroot != NULL ? EXIT_SOLVER : EXIT_LOCAL, "port", NULL,
                    show_hint(err, NULL), "%s",
                    o->webroot != NULL ? probe.webroot.why : acme_err_words(err));
    return err == ACME_OK;
}

void doctor_port_end(struct doctor *d)
{
    (void)d;
    (void)probe.solver->ops->end(probe.solver, &probe.challenge, ACME_OUTCOME_UNKNOWN);
}

/* -- a look from outside, as far as this machine can -- */

struct fetch {
    acme_sock sock;
    char request[400];
    size_t request_len, sent, len;
    bool closed;
    struct acme_http_head head;
    struct acme_slice body;
};

/* The whole reply: ACME_OK, ACME_AGAIN, or an error. */
static int read_reply(struct fetch *f)
{
    int used = acme_http_read_head(acme_slice_of(reply_room, f->len), false, &f->head);
    size_t have;

    if (used < 0)
        return used == ACME_AGAIN && f->closed ? ACME_E_CLOSED : used;
    have = f->len - (size_t)used;
    f->body = acme_slice_of(reply_room + used, have);
    if (f->head.framing == ACME_HTTP_LENGTH && f->head.length <= have)
        f->body.len = (size_t)f->head.length;
    else if (f->head.framing != ACME_HTTP_NONE && !f->closed && have < sizeof probe.authorization)
        return ACME_AGAIN; /* more cannot change what we make of it */
    return ACME_OK;
}

static int step(struct doctor *d, struct fetch *f)
{
    int n;

    if (f->sent < f->request_len) {
        n = d->port.net->send(&d->net, f->sock, f->request + f->sent, f->request_len - f->sent);
        if (n > 0)
            f->sent += (size_t)n;
        return n < 0 ? n : ACME_OK;
    }
    if (f->len == sizeof reply_room)
        return ACME_E_SIZE;
    n = d->port.net->recv(&d->net, f->sock, reply_room + f->len, sizeof reply_room - f->len);
    if (n > 0)
        f->len += (size_t)n;
    f->closed = n == ACME_E_CLOSED;
    return n < 0 && !f->closed ? n : ACME_OK;
}

static int fetch(struct doctor *d, struct fetch *f, const char *name, const char *address)
{
    uint64_t end = posix_now_ms(NULL) + FETCH_MS;
    bool brackets = strchr(name, ':') != NULL;
    int err, n;

    memset(f, 0, sizeof *f);
    n = snprintf(f->request, sizeof f->request,
                 "GET " HTTP01_PREFIX "%s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: " ACME_USER_AGENT
                 "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                 probe.token, brackets ? "[" : "", name, brackets ? "]" : "");
    if (n < 0 || (size_t)n >= sizeof f->request)
        return ACME_E_SIZE;
    f->request_len = (size_t)n;
    err = d->port.net->connect(&d->net, address, 80, &f->sock);
    if (err != ACME_OK)
        return err;
    for (err = ACME_AGAIN; err == ACME_AGAIN && posix_now_ms(NULL) < end;) {
        if (probe.solver->ops->poll != NULL)
            (void)probe.solver->ops->poll(probe.solver);
        err = step(d, f);
        if (err == ACME_OK)
            err = f->len > 0 || f->closed ? read_reply(f) : ACME_AGAIN;
        else if (err == ACME_AGAIN)
            sockets_wait(&d->net, 50);
    }
    d->port.net->close(&d->net, f->sock);
    return err == ACME_AGAIN ? ACME_E_TIMEOUT : err;
}

/* Files may end with white space (RFC 8555 8.3). */
static bool is_ours(struct acme_slice body)
{
    while (body.len > 0 && (body.ptr[body.len - 1] == '\n' || body.ptr[body.len - 1] == '\r'))
        body.len--;
    return acme_slice_is(body, probe.authorization);
}

static void tell_reply(struct doctor *d, const struct fetch *f, const char *name,
                       const char *address)
{
    unsigned status = f->head.status;
    struct acme_slice where = {NULL, 0};

    if (status == 200 && is_ours(f->body))
        doctor_tell(d, DOCTOR_OK, 0, "reach", name, NULL,
                    "port 80 of %s answers with our token, asked from this machine; that does not "
                    "prove that the CA gets there: a firewall or router before this machine may "
                    "stop it",
                    address);
    else if (status >= 300 && status < 400 && acme_http_field(&f->head, "Location", 0, &where))
        doctor_tell(d, DOCTOR_WARNING, 0, "reach", name,
                    "see that what it leads to serves our tokens, or leave "
                    "/.well-known/acme-challenge/ out of the redirection",
                    "port 80 of %s redirects to %.*s, and a CA follows", address,
                    (int)(where.len < 200 ? where.len : 200), (const char *)where.ptr);
    else
        doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "reach", name,
                    "the name, or port 80 on its way here, must lead to this machine; if a web "
                    "server has the port, give --webroot DIR with the folder that it serves",
                    status == 200 ? "port 80 of %s answers (%u), but not with our token"
                                  : "port 80 of %s answers with HTTP %u instead of our token",
                    address, status);
}

void doctor_reach(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT],
                  size_t count)
{
    struct fetch f;

    for (size_t i = 0; i < count; i++) {
        int err = fetch(d, &f, name, addresses[i]);
        if (err == ACME_OK)
            tell_reply(d, &f, name, addresses[i]);
        else
            doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "reach", name,
                        "open port 80 there, or correct the address in DNS; some routers refuse "
                        "to lead a machine to itself: then ask from elsewhere",
                        "port 80 of %s: %s", addresses[i], acme_err_words(err));
    }
}
