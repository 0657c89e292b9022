/* https_proof.c - the HTTPS server shows the certificate of tls-alpn-01 to whom it is for */
#include "https_proof.h"

#include <string.h>

#include "acme_err.h"
#include "acme_tls_hello.h"
#include "board_pool.h"
#include "board_solvers.h"
#include "board_start.h"
#include "tls_alpn01.h"

#define PROOF_HELLO_MAX 2048 /* bytes of a ClientHello; those of CAs have 250 to 1500 */
#define PROOF_TURN_MS   3000 /* one client at a time: the CA may wait behind this one */

static struct tls_alpn01 solver;
static struct {
    struct acme_tls_server tls;
    uint8_t *hello; /* from the pool */
    uint16_t len, taken;
    bool turn, shows;
} proof;

struct acme_solver *board_tls_alpn01(const struct acme_port *port)
{
    return tls_alpn01_init(&solver, port, NULL, 0);
}

bool https_proof_live(void)
{
    return tls_alpn01_is_live(&solver);
}

static void proof_limit(struct https_server *h, uint32_t ms)
{
    h->deadline_ms = h->port->now_ms(h->port->ctx) + ms;
}

/* Memory to read into, once the agent leaves it to others. */
static int proof_memory(struct https_server *h)
{
    if (!proof.turn && board_turn(true)) {
        proof.turn = true;
        /* a lost frame comes again after a second or two: it may be the CA's */
        proof_limit(h, TLS_ALPN01_DEADLINE_MS);
    }
    if (proof.turn && proof.hello == NULL)
        proof.hello = board_pool_alloc(PROOF_HELLO_MAX);
    return proof.hello != NULL ? ACME_OK : ACME_AGAIN;
}

static int proof_read(struct https_server *h)
{
    int n;

    if (proof.len == PROOF_HELLO_MAX)
        return ACME_E_SIZE;
    n = h->port->net->recv(h->port->ctx, h->client, proof.hello + proof.len,
                           (size_t)(PROOF_HELLO_MAX - proof.len));
    if (n < 0)
        return n;
    proof.len = (uint16_t)(proof.len + n);
    return ACME_AGAIN;
}

/* The ClientHello is there: who is it? */
static int proof_judge(struct https_server *h, const struct acme_tls_hello *hello)
{
    struct acme_tls_show show = {.protocol = TLS_ALPN01_PROTOCOL, .name = hello->sni};
    int err = tls_alpn01_lookup(&solver, hello->alpn, hello->sni, &show.cert, &show.key);

    show.early = acme_slice_of(proof.hello, proof.len);
    if (err == ACME_OK)
        err = acme_tls_server_open(&proof.tls, h->port, h->client, &show);
    if (err == ACME_OK || err == ACME_E_DECLINED)
        proof_limit(h, PROOF_TURN_MS);
    proof.shows = err == ACME_OK;
    return err == ACME_E_DECLINED                       ? ACME_OK
           : err == ACME_OK || err == ACME_E_TLS_MEMORY ? ACME_AGAIN
                                                        : err;
}

int https_proof_step(struct https_server *h)
{
    struct acme_tls_hello hello;
    int err;

    if (proof.shows) {
        err = acme_tls_server_handshake(&proof.tls);
        return err == ACME_OK ? ACME_E_CLOSED : err;
    }
    err = proof_memory(h);
    if (err != ACME_OK)
        return err;
    err = acme_tls_hello_read(acme_slice_of(proof.hello, proof.len), &hello);
    if (err == ACME_AGAIN)
        return proof_read(h);
    return err < 0 ? err : proof_judge(h, &hello);
}

size_t https_proof_early(void *buf, size_t len)
{
    size_t left = (size_t)(proof.len - proof.taken), n = left < len ? left : len;

    memcpy(buf, proof.hello + proof.taken, n);
    proof.taken = (uint16_t)(proof.taken + n);
    if (n == left) { /* read to the end: its memory is the session's now */
        board_pool_free(proof.hello);
        proof.hello = NULL;
        proof.len = proof.taken = 0;
    }
    return n;
}

void https_proof_drop(void)
{
    acme_tls_server_close(&proof.tls);
    board_pool_free(proof.hello);
    if (proof.turn)
        (void)board_turn(false);
    memset(&proof, 0, sizeof proof);
}
