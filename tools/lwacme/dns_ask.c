/* One question to a DNS server over TCP, for commands that have nothing else to do meanwhile. */
#include "dns_ask.h"

#include "acme_err.h"
#include "posix_sys.h"
#include "sockets_net.h"

#define QUERY_MS      8000
#define RESOLVERS_MAX 3
#define ANSWER_MAX    8192 /* bytes that are read of an answer */

static uint8_t answer_room[ANSWER_MAX];

/* More bytes up to `want`: ACME_OK, ACME_AGAIN or an error. */
static int fill(const struct acme_port *port, acme_sock s, uint8_t *room, size_t *len, size_t want)
{
    while (*len < want) {
        int n = port->net->recv(port->ctx, s, room + *len, want - *len);
        if (n < 0)
            return n;
        *len += (size_t)n;
    }
    return ACME_OK;
}

static int talk(const struct acme_port *port, acme_sock s, const struct acme_buf *question,
                struct acme_slice *message)
{
    uint64_t end = posix_now_ms(NULL) + QUERY_MS;
    uint8_t head[2];
    size_t sent = 0, head_len = 0, len = 0, want;
    int n;

    while (posix_now_ms(NULL) < end) {
        if (sent < question->len) {
            n = port->net->send(port->ctx, s, question->ptr + sent, question->len - sent);
            sent += n > 0 ? (size_t)n : 0;
        } else {
            n = fill(port, s, head, &head_len, 2);
            want = (size_t)head[0] << 8 | head[1];
            if (n == ACME_OK && want > sizeof answer_room)
                return ACME_E_SIZE;
            if (n == ACME_OK)
                n = fill(port, s, answer_room, &len, want);
            if (n == ACME_OK) {
                *message = acme_slice_of(answer_room, len);
                return ACME_OK;
            }
        }
        if (n == ACME_AGAIN)
            sockets_wait(port->ctx, 500);
        else if (n < 0)
            return n;
    }
    return ACME_E_TIMEOUT;
}

int dns_ask(const struct acme_port *port, const char *server, uint16_t tcp_port, const char *name,
            unsigned type, struct dns_msg *answer)
{
    uint8_t question[300];
    char address[ACME_ADDR_TEXT];
    struct acme_slice message;
    uint16_t id = 0;
    struct acme_buf b;
    int err = ACME_E_LOOKUP, last;

    (void)posix_entropy(NULL, (uint8_t *)&id, sizeof id);
    acme_buf_init(&b, question, sizeof question);
    dns_msg_begin(&b, id, DNS_QUERY_RECURSIVE);
    dns_msg_ask(&b, name, type);
    if (!dns_msg_end(&b))
        return ACME_E_NAME;
    for (unsigned i = 0; i < (server != NULL ? 1 : RESOLVERS_MAX); i++) {
        acme_sock s = ACME_NO_SOCK;
        if (server == NULL && port->net->resolver(port->ctx, i, address) != ACME_OK)
            break;
        last = port->net->connect(port->ctx, server != NULL ? server : address,
                                  tcp_port != 0 ? tcp_port : 53, &s);
        if (last == ACME_OK) {
            last = talk(port, s, &b, &message);
            port->net->close(port->ctx, s);
        }
        if (last == ACME_OK)
            last = dns_msg_open(answer, message, id, DNS_QUERY_RECURSIVE, name, type);
        if (last == ACME_OK && (answer->rcode == DNS_NOERROR || answer->rcode == DNS_NXDOMAIN))
            return ACME_OK;
        err = last == ACME_OK ? ACME_E_SERVER : last;
    }
    return err;
}
