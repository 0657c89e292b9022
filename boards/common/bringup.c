/* bringup.c - does this board work? Everything that the agent will stand on, once, with figures
 *
 * Flash, seed, network, clock, a TLS exchange with a directory, a byte on port 80. Not part of the
 * product: it speaks to wolfSSL directly, where the agent has core/acme_tls.c.
 *
 *     make BOARD=... bringup ANCHOR=root.der
 *     python3 tests/boards/bringup.py --board ...
 */
#include <stdbool.h>
#include <string.h>

#include <wolfssl/ssl.h>

#include "acme_board_config.h"
#include "acme_port.h"
#include "board.h"
#include "board_clock.h"
#include "board_lwip.h"
#include "board_pool.h"
#include "board_print.h"
#include "board_rng.h"
#include "flash_slots.h"
#include "lwip_net.h"

#ifndef BRINGUP_HOST
#define BRINGUP_HOST "10.0.2.2"
#endif
#ifndef BRINGUP_PORT
#define BRINGUP_PORT 14000
#endif
#ifndef BRINGUP_PATH
#define BRINGUP_PATH "/dir"
#endif

extern const uint8_t bringup_anchor[], bringup_anchor_end[];

static struct lwip_net net;
static struct flash_slots flash;
static const struct acme_slots slots = {&flash, flash_slots_read, flash_slots_write};
static uint32_t longest_us;

#define CHECK(call) check((call), #call)

static void report(void)
{
    struct board_pool_stat pool;
    struct board_netif_stat card;
    board_pool_stat(&pool);
    board_netif_stat(&card);
    board_print("pool: size %u peak %u used %u failures %u\n", (unsigned)pool.size,
                (unsigned)pool.peak, (unsigned)pool.used, (unsigned)pool.failures);
    board_print("stack: %u of %u\n", (unsigned)board_stack_used(), (unsigned)board_stack_size());
    board_print("card: copied %u dropped %u stopped %u\n", (unsigned)card.copied,
                (unsigned)card.dropped, (unsigned)card.stopped);
}

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    board_print("failed: %s: %d %s\n", what, result, acme_err_name(result));
    report();
    board_exit(1);
}

static void poll(void)
{
    board_lwip_poll();
    lwip_net_poll(&net);
    board_clock_tell();
    board_wait(1);
}

/* ---- flash and seed ---- */

static int settle(int (*call)(const struct acme_slots *))
{
    int err;
    while ((err = call(&slots)) == ACME_AGAIN)
        board_wait(1);
    return err;
}

static int hex(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 64 hex digits from the console: what `seed` will be in the product's console. */
static void seed_from_console(void)
{
    uint8_t seed[BOARD_RNG_SEED] = {0};
    int err;
    board_print("seed?\n");
    for (unsigned i = 0; i < 2 * sizeof seed;) {
        int digit = hex(board_getc());
        if (digit < 0)
            continue;
        seed[i / 2] = (uint8_t)(seed[i / 2] << 4 | digit);
        i++;
    }
    while ((err = board_rng_provision(&slots, seed)) == ACME_AGAIN)
        board_wait(1);
    CHECK(err);
}

static void try_flash(void)
{
    char text[32];
    uint8_t count = 0;
    int n, err;
    CHECK(board_flash_init());
    while ((err = flash_slots_mount(&flash, &board_flash)) == ACME_AGAIN)
        board_wait(1);
    CHECK(err);
    uint64_t start = board_ms();
    err = settle(board_rng_start);
    if (err == ACME_E_SLOT_EMPTY) {
        seed_from_console();
        err = settle(board_rng_start);
    }
    CHECK(err);
    board_print("flash: boot %u, seed replaced in %u ms\n", (unsigned)board_rng_boots(),
                (unsigned)(board_ms() - start));
    while ((n = slots.read(slots.ctx, ACME_SLOT_SOLVER, "bringup", text, sizeof text)) ==
           ACME_AGAIN)
        board_wait(1);
    if (n > 0)
        count = (uint8_t)text[0];
    text[0] = (char)(count + 1);
    while ((err = slots.write(slots.ctx, ACME_SLOT_SOLVER, "bringup", text, 1)) == ACME_AGAIN)
        board_wait(1);
    CHECK(err);
    board_print("flash: this record was written %u times\n", (unsigned)count + 1);
}

/* ---- network ---- */

static void try_network(void)
{
    char text[ACME_ADDR_TEXT];
    int64_t now;
    uint64_t start = board_ms();
    CHECK(board_lwip_start(NULL));
    lwip_net_init(&net);
    while (!board_lwip_up() && board_ms() - start < 30000)
        poll();
    CHECK(board_lwip_up() ? ACME_OK : ACME_E_TIMEOUT);
    board_print("dhcp: %s after %u ms\n", board_lwip_address(text, sizeof text),
                (unsigned)(board_ms() - start));
    while (board_clock_now(&now) != ACME_OK && board_ms() - start < 90000)
        poll();
    CHECK(board_clock_now(&now));
    board_print("sntp: %u after %u ms\n", (unsigned)now, (unsigned)(board_ms() - start));
}

/* ---- TLS ---- */

static int tls_recv(WOLFSSL *ssl, char *buf, int size, void *ctx)
{
    int n = lwip_net_ops.recv(&net, *(acme_sock *)ctx, buf, (size_t)size);
    (void)ssl;
    if (n > 0)
        return n;
    return n == ACME_AGAIN ? WOLFSSL_CBIO_ERR_WANT_READ : WOLFSSL_CBIO_ERR_CONN_CLOSE;
}

static int tls_send(WOLFSSL *ssl, char *buf, int size, void *ctx)
{
    int n = lwip_net_ops.send(&net, *(acme_sock *)ctx, buf, (size_t)size);
    (void)ssl;
    if (n > 0)
        return n;
    return n == ACME_AGAIN ? WOLFSSL_CBIO_ERR_WANT_WRITE : WOLFSSL_CBIO_ERR_CONN_RST;
}

static bool tls_waits(WOLFSSL *ssl, int result)
{
    int why = wolfSSL_get_error(ssl, result);
    if (why == WOLFSSL_ERROR_WANT_READ || why == WOLFSSL_ERROR_WANT_WRITE)
        return true;
    board_print("failed: wolfSSL %d\n", why);
    report();
    board_exit(1);
}

static uint32_t us_since(uint32_t cycles)
{
    return (board_cycles() - cycles) / (BOARD_CPU_HZ / 1000000);
}

static void tls_handshake(WOLFSSL *ssl)
{
    uint64_t start = board_ms();
    uint32_t busy = 0;
    for (;;) {
        uint32_t from = board_cycles();
        int r = wolfSSL_connect(ssl);
        uint32_t took = us_since(from);
        busy += took;
        longest_us = took > longest_us ? took : longest_us;
        if (r == WOLFSSL_SUCCESS)
            break;
        tls_waits(ssl, r);
        poll();
    }
    board_print("tls: %s %s, handshake %u ms, of it computing %u ms, longest call %u ms\n",
                wolfSSL_get_version(ssl), wolfSSL_get_cipher_name(ssl),
                (unsigned)(board_ms() - start), (unsigned)busy / 1000, (unsigned)longest_us / 1000);
}

static void tls_get(WOLFSSL *ssl)
{
    static const char request[] = "GET " BRINGUP_PATH " HTTP/1.1\r\nHost: " BRINGUP_HOST
                                  "\r\nUser-Agent: lwacme-bringup\r\nConnection: close\r\n\r\n";
    char buf[128];
    unsigned total = 0;
    int n;
    while ((n = wolfSSL_write(ssl, request, sizeof request - 1)) <= 0) {
        tls_waits(ssl, n);
        poll();
    }
    for (;;) {
        n = wolfSSL_read(ssl, buf, sizeof buf);
        if (n > 0 && total == 0)
            board_print("https: %.*s\n", 15, buf);
        total += n > 0 ? (unsigned)n : 0;
        if (n > 0)
            continue;
        if (wolfSSL_get_error(ssl, n) == WOLFSSL_ERROR_ZERO_RETURN)
            break;
        tls_waits(ssl, n);
        poll();
    }
    board_print("https: %u bytes\n", total);
}

static void try_tls(void)
{
    acme_sock s;
    CHECK(wolfSSL_Init() == WOLFSSL_SUCCESS ? ACME_OK : ACME_E_TLS);
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfSSLv23_client_method());
    CHECK(ctx != NULL ? ACME_OK : ACME_E_TLS_MEMORY);
    wolfSSL_SetIORecv(ctx, tls_recv);
    wolfSSL_SetIOSend(ctx, tls_send);
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
    wolfSSL_CTX_UseSupportedCurve(ctx, WOLFSSL_ECC_SECP256R1);
    int r = wolfSSL_CTX_load_verify_buffer(ctx, bringup_anchor, bringup_anchor_end - bringup_anchor,
                                           WOLFSSL_FILETYPE_ASN1);
    if (r != WOLFSSL_SUCCESS)
        board_print("anchor: wolfSSL %d\n", r);
    CHECK(r == WOLFSSL_SUCCESS ? ACME_OK : ACME_E_CONFIG);
    WOLFSSL *ssl = wolfSSL_new(ctx);
    CHECK(ssl != NULL ? ACME_OK : ACME_E_TLS_MEMORY);
    CHECK(wolfSSL_check_ip_address(ssl, BRINGUP_HOST) == WOLFSSL_SUCCESS ? ACME_OK : ACME_E_TLS);
    CHECK(lwip_net_ops.connect(&net, BRINGUP_HOST, BRINGUP_PORT, &s));
    wolfSSL_SetIOReadCtx(ssl, &s);
    wolfSSL_SetIOWriteCtx(ssl, &s);
    tls_handshake(ssl);
    wolfSSL_CertManagerUnloadIntermediateCerts(wolfSSL_CTX_GetCertManager(ctx));
    tls_get(ssl);
    wolfSSL_free(ssl);
    wolfSSL_CTX_free(ctx);
    lwip_net_ops.close(&net, s);
}

/* ---- port 80 ---- */

static void try_port_80(void)
{
    static const char reply[] = "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n!";
    acme_sock l, c;
    char buf[64];
    int n = ACME_AGAIN;
    CHECK(lwip_net_ops.listen(&net, NULL, 80, &l));
    board_print("port 80: listening\n");
    while ((n = lwip_net_ops.accept(&net, l, &c)) == ACME_AGAIN)
        poll();
    CHECK(n);
    while ((n = lwip_net_ops.recv(&net, c, buf, sizeof buf)) == ACME_AGAIN)
        poll();
    CHECK(n);
    CHECK(lwip_net_ops.send(&net, c, reply, sizeof reply - 1));
    lwip_net_ops.close(&net, c);
    lwip_net_ops.close(&net, l);
    for (uint64_t end = board_ms() + 200; board_ms() < end;)
        poll();
    board_print("port 80: served\n");
}

int main(void)
{
    board_init();
    board_print(BOARD_NAME " bring-up\n");
    try_flash();
    try_network();
    try_tls();
    try_port_80();
    report();
    board_print("ok\n");
    return 0;
}
