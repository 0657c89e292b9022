/* Port 443: who has it, and is a proof of ours seen at the addresses of a name? */
#include "doctor.h"

#include <string.h>

#include "posix_sys.h"
#include "tls_alpn01.h"

#define FETCH_MS 8000

static struct probe {
    struct tls_alpn01 tls;
    struct acme_solver *solver;
    struct acme_challenge challenge;
    char token[DOCTOR_TOKEN], authorization[DOCTOR_AUTHORIZATION];
    uint8_t proof[ACME_SHA256_SIZE]; /* stands in the certificate (RFC 8737 3) */
} probe;
static uint8_t answer[8192];

/* -- the port -- */

bool doctor_tls_port(struct doctor *d)
{
    const struct options *o = d->o;
    int err = ACME_OK;

    memset(&probe, 0, sizeof probe);
    probe.solver = tls_alpn01_init(&probe.tls, &d->port, o->tls_bind, o->tls_port);
    probe.challenge.type = ACME_CHALLENGE_TLSALPN01;
    probe.challenge.identifier = "name.invalid";
    probe.challenge.id_type = ACME_ID_DNS;
    probe.challenge.token = probe.token;
    probe.challenge.key_authorization = probe.authorization;
    probe.challenge.account_url = "";
    if (!doctor_token(probe.token, probe.authorization) ||
        acme_sha256(probe.authorization, strlen(probe.authorization), probe.proof) != ACME_OK)
        err = ACME_E_ENTROPY;
    if (err == ACME_OK)
        err = probe.solver->ops->begin(probe.solver, &probe.challenge);
    if (err == ACME_OK) {
        (void)probe.solver->ops->end(probe.solver, &probe.challenge, ACME_OUTCOME_UNKNOWN);
        doctor_tell(d, DOCTOR_OK, 0, "port", NULL,
                    o->tls_port != 443 ? "see that something brings port 443, where CAs ask, here"
                                       : NULL,
                    "port %u is free, and we may listen on it", o->tls_port);
    } else if (err == ACME_E_PORT_BUSY)
        doctor_busy(d, o->tls_port, "stop that program for the moment, or use another --challenge");
    else
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, "port", NULL, show_hint(err, NULL), "port %u: %s",
                    o->tls_port, acme_err_words(err));
    return err == ACME_OK;
}

/* -- a look from outside, as far as this machine can -- */

/* A ClientHello of TLS 1.2, as its certificate comes in the clear: nothing has to be computed to
 * see whose it is. Extensions: RFC 6066 3, 8422 5.1, 5246 7.4.1.4.1, 7301 3.1. */
static size_t put_hello(struct acme_buf *b, const char *sni)
{
    static const uint8_t suites[] = {0, 6, 0xc0, 0x2b, 0xc0, 0x2c, 0xcc, 0xa9, 1, 0};
    static const uint8_t fixed[] = {
        0,   10,  0,   4,   0, 2,  0,  23,           /* P-256 */
        0,   11,  0,   2,   1, 0,                    /* plain points */
        0,   13,  0,   6,   0, 4,  4,  3,   5,    3, /* ECDSA */
        0,   16,  0,   13,  0, 11, 10, 'a', 'c',  'm', 'e', '-', 't',
        'l', 's', '/', '1', 0, 23, 0,  0,   0xff, 1,   0,   1,   0,
    };
    size_t name = strlen(sni), more = 9 + name + sizeof fixed;
    size_t hello = 2 + 32 + 1 + sizeof suites + 2 + more;
    uint8_t random[32];

    if (posix_entropy(NULL, random, sizeof random) != ACME_OK)
        return 0;
    acme_buf_put(b, "\x16\x03\x01", 3);
    dns_msg_put16(b, (unsigned)hello + 4);
    acme_buf_put(b, "\x01\x00", 2);
    dns_msg_put16(b, (unsigned)hello);
    acme_buf_put(b, "\x03\x03", 2);
    acme_buf_put(b, random, sizeof random);
    acme_buf_char(b, '\0');
    acme_buf_put(b, suites, sizeof suites);
    dns_msg_put16(b, (unsigned)more);
    dns_msg_put16(b, 0);
    dns_msg_put16(b, (unsigned)name + 5);
    dns_msg_put16(b, (unsigned)name + 3);
    acme_buf_char(b, '\0');
    dns_msg_put16(b, (unsigned)name);
    acme_buf_text(b, sni);
    acme_buf_put(b, fixed, sizeof fixed);
    return acme_buf_end(b) ? b->len : 0;
}

static bool has_proof(size_t len)
{
    for (size_t at = 0; at + sizeof probe.proof <= len; at++) {
        if (memcmp(answer + at, probe.proof, sizeof probe.proof) == 0)
            return true;
    }
    return false;
}

/* ACME_OK: it answers; *len bytes of it, with our proof or without. */
static int fetch(struct doctor *d, const char *sni, const char *address, size_t *len)
{
    uint64_t end = posix_now_ms(NULL) + FETCH_MS;
    uint8_t hello[600];
    struct acme_buf b;
    size_t sent = 0;
    acme_sock s;
    int n;

    *len = 0;
    acme_buf_init(&b, hello, sizeof hello);
    if (put_hello(&b, sni) == 0)
        return ACME_E_NAME;
    n = d->port.net->connect(&d->net, address, 443, &s);
    if (n != ACME_OK)
        return n;
    while (posix_now_ms(NULL) < end && *len < sizeof answer && !has_proof(*len)) {
        (void)probe.solver->ops->poll(probe.solver);
        n = sent < b.len ? d->port.net->send(&d->net, s, hello + sent, b.len - sent)
                         : d->port.net->recv(&d->net, s, answer + *len, sizeof answer - *len);
        if (n > 0 && sent < b.len)
            sent += (size_t)n;
        else if (n > 0)
            *len += (size_t)n;
        else if (n == ACME_AGAIN)
            sockets_wait(&d->net, 50);
        else
            break;
    }
    d->port.net->close(&d->net, s);
    return *len > 0 ? ACME_OK : n == ACME_AGAIN ? ACME_E_TIMEOUT : n;
}

static void tell_answer(struct doctor *d, const char *name, const char *address, size_t len)
{
    if (has_proof(len))
        doctor_tell(d, DOCTOR_OK, 0, "reach", name, NULL,
                    "port 443 of %s answers with our proof, asked from this machine; that does not "
                    "prove that the CA gets there: a firewall or router before this machine may "
                    "stop it",
                    address);
    else
        doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "reach", name,
                    "the name, or port 443 on its way here, must lead to this machine; a proxy "
                    "there must pass TLS on as it is (or use another --challenge)",
                    answer[0] == 0x15 ? "port 443 of %s refuses acme-tls/1"
                    : answer[0] == 0x16
                        ? "port 443 of %s answers with another certificate than ours"
                        : "port 443 of %s does not speak TLS",
                    address);
}

void doctor_tls_reach(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT],
                      size_t count)
{
    struct acme_name read;
    char sni[ACME_NAME_ROOM + ACME_REVERSE_TEXT];
    size_t len;
    int err;

    if (acme_name_read(acme_slice_text(name), &read, NULL) != ACME_OK)
        return;
    snprintf(sni, sizeof sni, "%s", read.text);
    if (read.type == ACME_ID_IP)
        acme_name_reverse(read.ip, read.ip_len, sni);
    probe.challenge.identifier = name;
    probe.challenge.id_type = (enum acme_id_type)read.type;
    if (probe.solver->ops->begin(probe.solver, &probe.challenge) != ACME_OK)
        return; /* it could a moment ago */
    for (size_t i = 0; i < count; i++) {
        err = fetch(d, sni, addresses[i], &len);
        if (err == ACME_OK)
            tell_answer(d, name, addresses[i], len);
        else
            doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "reach", name,
                        "open port 443 there, or correct the address in DNS; some routers refuse "
                        "to lead a machine to itself: then ask from elsewhere",
                        "port 443 of %s: %s", addresses[i], acme_err_words(err));
    }
    (void)probe.solver->ops->end(probe.solver, &probe.challenge, ACME_OUTCOME_UNKNOWN);
}
