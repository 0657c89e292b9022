#include "test.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acme_tls.h"
#include "crypto_world.h"
#include "tls_wire.h"

/* --- the server, and the certificates that it shows ----------------------------------------------
 */

static struct acme_key leaf_key, middle_key, root_key, rsa_key;
static bool keys_made;
static struct made leaf, middle, root;
static const char *const names[] = {"ca.test", "*.wild.test", "192.0.2.7", "2001:db8::1"};

static uint8_t cert_room[4][9000];
static uint8_t chain_text[40000], anchor_text[400000];
static struct acme_buf chain_pem, anchor_pem;
static struct acme_slice anchor_set;
static struct acme_anchors anchors = {&anchor_set, 1};

static struct acme_tls tls;
static WOLFSSL_CTX *server_ctx;
static WOLFSSL *server;
static bool server_tls12; /* and no more */
static int server_curve;

static void start(void)
{
    world_reset();
    world_port.net = &wire_net;
    if (!keys_made) {
        CHECK_INT(acme_key_make(&leaf_key, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_make(&middle_key, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_make(&root_key, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_make(&rsa_key, ACME_KEY_RSA4096), ACME_OK);
        keys_made = true;
    }
    leaf = (struct made){
        .key = &leaf_key, .signer = &middle_key, .issuer = "Middle", .names = names, .count = 4};
    middle = (struct made){.key = &middle_key,
                           .signer = &root_key,
                           .subject = "Middle",
                           .issuer = "Root",
                           .ca = true,
                           .path = 1};
    root = (struct made){.key = &root_key, .subject = "Root", .ca = true};
    acme_buf_init(&anchor_pem, anchor_text, sizeof anchor_text);
    wire_reset();
    server_tls12 = false;
    server_curve = 0;
}

static void trust(const struct made *m)
{
    made_pem(&anchor_pem, made_cert(m, cert_room[3], sizeof cert_room[3]), "\n");
    anchor_set = acme_buf_slice(&anchor_pem);
}

static void serve(bool with_middle)
{
    acme_buf_init(&chain_pem, chain_text, sizeof chain_text);
    made_pem(&chain_pem, made_cert(&leaf, cert_room[0], sizeof cert_room[0]), "\n");
    if (with_middle)
        made_pem(&chain_pem, made_cert(&middle, cert_room[1], sizeof cert_room[1]), "\n");
    server_ctx =
        wolfSSL_CTX_new(server_tls12 ? wolfTLSv1_2_server_method() : wolfTLS_server_method());
    CHECK(server_ctx != NULL);
    wolfSSL_CTX_SetIORecv(server_ctx, peer_recv);
    wolfSSL_CTX_SetIOSend(server_ctx, peer_send);
    CHECK_INT(wolfSSL_CTX_use_certificate_chain_buffer(server_ctx, chain_text, (long)chain_pem.len),
              WOLFSSL_SUCCESS);
    CHECK_INT(wolfSSL_CTX_use_PrivateKey_buffer(server_ctx, leaf.key->der, leaf.key->len,
                                                WOLFSSL_FILETYPE_ASN1),
              WOLFSSL_SUCCESS);
    if (server_curve != 0)
        CHECK_INT(wolfSSL_CTX_UseSupportedCurve(server_ctx, (word16)server_curve), WOLFSSL_SUCCESS);
    server = wolfSSL_new(server_ctx);
    CHECK(server != NULL);
}

static void stop(void)
{
    acme_tls_close(&tls);
    wolfSSL_free(server);
    wolfSSL_CTX_free(server_ctx);
    server = NULL;
    server_ctx = NULL;
}

/* Both sides in turn until the client is done or stuck. */
static int shake(void)
{
    int ret = ACME_AGAIN;

    for (int i = 0; i < 100000 && ret == ACME_AGAIN; i++) {
        ret = acme_tls_handshake(&tls);
        (void)wolfSSL_accept(server);
    }
    return ret;
}

/* A whole handshake with what start() and the test have put down. */
static int meet(const char *host)
{
    int ret;

    if (anchor_pem.len == 0)
        trust(&root);
    serve(true);
    ret = acme_tls_open(&tls, &world_port, 5, host, &anchors);
    if (ret == ACME_OK)
        ret = shake();
    if (ret != ACME_OK && ret != ACME_AGAIN && tls.session != NULL) {
        uint8_t byte; /* an error is final */
        CHECK_INT(acme_tls_handshake(&tls), ret);
        CHECK_INT(acme_tls_recv(&tls, &byte, 1), ret);
        CHECK_INT(acme_tls_send(&tls, &byte, 1), ret);
    }
    return ret;
}

static void refused(const char *host, int err)
{
    int ret = meet(host);
    int detail = tls.detail;

    stop();
    if (ret != err)
        test_stop(TEST_FAILED, "%s, not %s (wolfSSL: %d)", acme_err_name(ret), acme_err_name(err),
                  detail);
}

/* Bytes in both directions, many records of them. */
static void talk(void)
{
    static uint8_t sent[40000], got[40000];
    size_t n = 0, m = 0;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (uint8_t)(i * 7 + i / 256);
    for (int i = 0; i < 200000 && m < sizeof sent; i++) {
        if (n < sizeof sent) {
            int ret = acme_tls_send(&tls, sent + n, sizeof sent - n);
            CHECK(ret > 0 || ret == ACME_AGAIN);
            n += ret > 0 ? (size_t)ret : 0;
        }
        int ret = wolfSSL_read(server, got + m, (int)(sizeof got - m));
        m += ret > 0 ? (size_t)ret : 0;
    }
    CHECK_INT(m, sizeof sent);
    CHECK_MEM(got, sent, sizeof sent);
    n = m = 0;
    memset(got, 0, sizeof got);
    for (int i = 0; i < 200000 && m < sizeof sent; i++) {
        if (n < sizeof sent) {
            int ret = wolfSSL_write(server, sent + n, (int)(sizeof sent - n));
            n += ret > 0 ? (size_t)ret : 0;
        }
        int ret = acme_tls_recv(&tls, got + m, sizeof got - m);
        CHECK(ret > 0 || ret == ACME_AGAIN);
        m += ret > 0 ? (size_t)ret : 0;
    }
    CHECK_INT(m, sizeof sent);
    CHECK_MEM(got, sent, sizeof sent);
}

static void good(const char *host)
{
    int ret = meet(host);

    if (ret != ACME_OK)
        test_stop(TEST_FAILED, "%s (wolfSSL: %d)", acme_err_name(ret), (int)tls.detail);
    CHECK_INT(acme_tls_handshake(&tls), ACME_OK); /* once more changes nothing */
    talk();
    stop();
}

/* --- what is taken -------------------------------------------------------------------------------
 */

TEST(good_tls13)
{
    /* Being first it sees wolfSSL_Init take the seed hook away: the client must put it back. */
    start();
    trust(&root);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_OK);
    acme_tls_close(&tls);
    start();
    CHECK_INT(meet("ca.test"), ACME_OK);
    CHECK_STR(wolfSSL_get_version((WOLFSSL *)tls.session), "TLSv1.3");
    stop();
    start();
    good("CA.test");
    start();
    good("a.wild.test");
}

TEST(good_tls12)
{
    start();
    server_tls12 = true;
    CHECK_INT(meet("ca.test"), ACME_OK);
    CHECK_STR(wolfSSL_get_version((WOLFSSL *)tls.session), "TLSv1.2");
    CHECK_STR(wolfSSL_get_curve_name((WOLFSSL *)tls.session), "SECP256R1");
    talk();
    stop();
}

TEST(good_rsa_chain)
{
    for (int version = 0; version < 2; version++) {
        start();
        server_tls12 = version == 1;
        root.key = &rsa_key;
        middle.signer = &rsa_key;
        leaf.key = &rsa_key;
        good("ca.test");
    }
}

TEST(good_p384_and_only_that_curve)
{
    static struct acme_key p384;

    start();
    CHECK_INT(acme_key_make(&p384, world_p384()), ACME_OK);
    for (int version = 0; version < 2; version++) {
        start();
        server_tls12 = version == 1;
        server_curve = WOLFSSL_ECC_SECP384R1;
        leaf.key = &p384;
        good("ca.test");
    }
}

TEST(good_ip_literals)
{
    start();
    good("192.0.2.7");
    start();
    good("2001:db8::1");
    start();
    good("2001:0DB8:0::1");
}

TEST(good_byte_by_byte_with_hiccups)
{
    start();
    wire_piece = 1;
    wire_hiccup = true;
    CHECK_INT(meet("ca.test"), ACME_OK);
    wire_piece = 7;
    talk();
    stop();
}

/* --- what is refused
 * ------------------------------------------------------------------------------- */

TEST(wrong_name)
{
    static const char *const wrong[] = {"ca.example", "www.ca.test", "wild.test",  "a.b.wild.test",
                                        "localhost",  "192.0.2.8",   "2001:db8::2"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        start();
        refused(wrong[i], ACME_E_TLS_NAME);
    }
}

/* An address as a dNSName, or as the common name, is no iPAddress. */
TEST(ip_address_in_the_wrong_place)
{
    start();
    leaf.count = 1;
    leaf.subject = "192.0.2.7";
    refused("192.0.2.7", ACME_E_TLS_NAME);
}

TEST(common_name_does_not_count)
{
    static const char *const other[] = {"other.test"};

    start();
    leaf.subject = "ca.test";
    leaf.names = other;
    leaf.count = 1;
    refused("ca.test", ACME_E_TLS_NAME);
}

/* That verification is on at all: everything right but the root. */
TEST(unknown_root)
{
    static struct acme_key stranger;

    start();
    CHECK_INT(acme_key_make(&stranger, ACME_KEY_P256), ACME_OK);
    root.subject = "Another Root";
    root.key = &stranger;
    trust(&root);
    refused("ca.test", ACME_E_TLS_TRUST);
    start();
    server_tls12 = true;
    root.subject = "Another Root";
    root.key = &stranger;
    trust(&root);
    refused("ca.test", ACME_E_TLS_TRUST);
}

TEST(root_of_the_right_name_with_another_key)
{
    static struct acme_key stranger;

    start();
    CHECK_INT(acme_key_make(&stranger, ACME_KEY_P256), ACME_OK);
    root.key = &stranger;
    refused("ca.test", ACME_E_TLS_TRUST);
    start();
    root.key = &stranger;
    leaf.no_key_ids = middle.no_key_ids = root.no_key_ids = true;
    refused("ca.test", ACME_E_TLS_TRUST);
}

TEST(self_signed)
{
    start();
    leaf.signer = NULL;
    leaf.issuer = NULL;
    leaf.subject = "ca.test";
    trust(&root);
    serve(false);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_OK);
    CHECK_INT(shake(), ACME_E_TLS_TRUST);
    stop();
}

TEST(wrong_signatures)
{
    start();
    leaf.wrong_signature = true;
    refused("ca.test", ACME_E_TLS_TRUST);
    start();
    middle.wrong_signature = true;
    refused("ca.test", ACME_E_TLS_TRUST);
}

TEST(missing_intermediate)
{
    start();
    trust(&root);
    serve(false);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_OK);
    CHECK_INT(shake(), ACME_E_TLS_TRUST);
    stop();
}

TEST(intermediate_that_may_not_sign)
{
    start();
    middle.ca = false;
    middle.path = 0;
    refused("ca.test", ACME_E_TLS_TRUST);
    start();
    middle.cut_key_usage = true;
    refused("ca.test", ACME_E_TLS_TRUST);
}

TEST(path_length_and_name_constraint)
{
    start();
    root.path = 1; /* none below the root */
    refused("ca.test", ACME_E_TLS_TRUST);
    start();
    root.path = 2;
    good("ca.test");
    start();
    leaf.count = 1;
    middle.permitted = "example.org";
    refused("ca.test", ACME_E_TLS_TRUST);
    start();
    leaf.count = 1;
    middle.permitted = "ca.test";
    good("ca.test");
}

TEST(dates)
{
    start();
    leaf.from = WORLD_NOW - 10 * WORLD_DAY;
    leaf.to = WORLD_NOW - 5 * WORLD_DAY;
    refused("ca.test", ACME_E_TLS_DATE);
    start();
    leaf.from = WORLD_NOW + 5 * WORLD_DAY;
    refused("ca.test", ACME_E_TLS_DATE);
    start();
    middle.from = WORLD_NOW - 10 * WORLD_DAY;
    middle.to = WORLD_NOW - 5 * WORLD_DAY;
    refused("ca.test", ACME_E_TLS_DATE);
}

TEST(clock)
{
    start();
    world.clock_answer = ACME_E_CLOCK;
    refused("ca.test", ACME_E_CLOCK);
    start();
    world.now = 86400; /* 1970: every root is refused */
    refused("ca.test", ACME_E_TLS_DATE);
    start();
    world.now = WORLD_NOW + 30 * 365 * (int64_t)WORLD_DAY;
    refused("ca.test", ACME_E_TLS_DATE);
}

TEST(hosts_that_cannot_be_checked)
{
    static const char *const bad[] = {"", "pebble", "a..b", "*.wild.test", "ca.test:443", "1.2.3"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        start();
        refused(bad[i], ACME_E_NAME);
    }
}

TEST(entropy)
{
    start();
    trust(&root);
    world.entropy_answer = ACME_AGAIN;
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_AGAIN);
    CHECK(tls.ctx == NULL && tls.session == NULL);
    world.entropy_answer = ACME_E_ENTROPY;
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_E_ENTROPY);
    world.entropy_answer = ACME_OK;
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_OK);
    acme_tls_close(&tls);
    acme_tls_close(&tls);
}

/* --- anchors -------------------------------------------------------------------------------------
 */

TEST(bad_entries_in_the_store_are_skipped)
{
    struct made old;
    static struct acme_key other;

    start();
    CHECK_INT(acme_key_make(&other, world_p384()), ACME_OK);
    old = root;
    old.key = &other;
    old.subject = "Old";
    old.from = WORLD_NOW - 900 * WORLD_DAY;
    old.to = WORLD_NOW - 1;
    acme_buf_text(&anchor_pem, "# a bundle\n\n-----BEGIN CERTIFICATE-----\n!!\n"
                               "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
                               "-----END CERTIFICATE-----\n-----BEGIN X509 CRL-----\nMAMCAQE=\n"
                               "-----END X509 CRL-----\n-----BEGIN CERTIFICATE-----\nMAMC\n");
    trust(&old);
    trust(&root);
    good("ca.test");
    CHECK_INT(tls.anchors, 1);
    CHECK_INT(tls.skipped, 3);
}

TEST(expired_root_is_no_anchor)
{
    struct made other;

    start();
    other = middle; /* something usable beside it */
    other.subject = "Else";
    other.signer = NULL;
    other.issuer = NULL;
    root.from = WORLD_NOW - 900 * WORLD_DAY;
    root.to = WORLD_NOW - 1;
    trust(&other);
    trust(&root);
    refused("ca.test", ACME_E_TLS_TRUST);
}

TEST(no_usable_anchor)
{
    start();
    acme_buf_text(&anchor_pem, "no certificate\n");
    anchor_set = acme_buf_slice(&anchor_pem);
    refused("ca.test", ACME_E_CONFIG);
    start();
    acme_buf_text(&anchor_pem, " ");
    anchor_set = acme_slice_of(NULL, 0);
    refused("ca.test", ACME_E_CONFIG);
}

TEST(anchors_as_der_and_in_sets)
{
    static uint8_t der[20000];
    static uint8_t second[20000];
    struct acme_slice sets[3];
    struct acme_anchors many = {sets, 3};
    struct acme_slice one;
    struct made other;
    size_t n;

    start();
    other = root;
    other.subject = "Else";
    other.key = &rsa_key;
    one = made_cert(&other, cert_room[3], sizeof cert_room[3]);
    memcpy(der, one.ptr, one.len);
    n = one.len;
    one = made_cert(&root, cert_room[3], sizeof cert_room[3]);
    memcpy(der + n, one.ptr, one.len);
    sets[0] = acme_slice_of(NULL, 0);
    sets[1] = acme_slice_of(second, 0);
    sets[2] = acme_slice_of(der, n + one.len);
    serve(true);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &many), ACME_OK);
    CHECK_INT(tls.anchors, 2);
    CHECK_INT(shake(), ACME_OK);
    stop();
    sets[2].len = n; /* without the right one */
    start();
    serve(true);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &many), ACME_OK);
    CHECK_INT(shake(), ACME_E_TLS_TRUST);
    stop();
}

TEST(store_of_the_system)
{
    FILE *f = fopen("/etc/ssl/certs/ca-certificates.crt", "rb");
    size_t n;

    if (f == NULL)
        SKIP("no /etc/ssl/certs/ca-certificates.crt here");
    start();
    n = fread(anchor_text, 1, sizeof anchor_text, f);
    fclose(f);
    anchor_pem.len = n;
    anchor_set = acme_buf_slice(&anchor_pem);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_OK);
    CHECK(tls.anchors > 50);
    CHECK(tls.skipped * 10 < tls.anchors);
    acme_tls_close(&tls);
    refused("ca.test", ACME_E_TLS_TRUST);
}

/* --- ends and errors
 * ------------------------------------------------------------------------------ */

TEST(close_notify_is_a_good_end)
{
    uint8_t buf[10];

    start();
    CHECK_INT(meet("ca.test"), ACME_OK);
    CHECK_INT(wolfSSL_write(server, "bye", 3), 3);
    (void)wolfSSL_shutdown(server);
    wire_ended = true;
    while (to_port.from < to_port.to && acme_tls_recv(&tls, buf, 1) > 0)
        ;
    CHECK_INT(buf[0], 'e');
    CHECK_INT(acme_tls_recv(&tls, buf, sizeof buf), ACME_E_CLOSED);
    CHECK_INT(acme_tls_recv(&tls, buf, sizeof buf), ACME_E_CLOSED);
    stop();
}

TEST(end_without_close_notify_is_a_cut)
{
    uint8_t buf[10];

    start();
    CHECK_INT(meet("ca.test"), ACME_OK);
    CHECK_INT(wolfSSL_write(server, "half", 4), 4);
    wire_ended = true;
    CHECK_INT(acme_tls_recv(&tls, buf, sizeof buf), 4);
    CHECK_INT(acme_tls_recv(&tls, buf, sizeof buf), ACME_E_NET);
    CHECK_INT(acme_tls_recv(&tls, buf, sizeof buf), ACME_E_NET);
    CHECK_INT(acme_tls_send(&tls, buf, 1), ACME_E_NET);
    stop();
}

TEST(altered_record_is_refused)
{
    uint8_t buf[10];

    start();
    CHECK_INT(meet("ca.test"), ACME_OK);
    while (acme_tls_recv(&tls, buf, sizeof buf) > 0)
        ;
    CHECK_INT(wolfSSL_write(server, "data", 4), 4);
    to_port.bytes[to_port.to - 1] ^= 1;
    CHECK_INT(acme_tls_recv(&tls, buf, sizeof buf), ACME_E_TLS);
    stop();
}

TEST(closed_at_every_place_of_the_handshake)
{
    size_t whole, at;

    start();
    CHECK_INT(meet("ca.test"), ACME_OK);
    whole = SIZE_MAX - wire_budget;
    stop();
    for (at = 0; at < whole; at += 13) {
        start();
        wire_budget = at;
        refused("ca.test", ACME_E_NET);
    }
    start();
    wire_error = ACME_E_LOOKUP;
    refused("ca.test", ACME_E_LOOKUP);
    start();
    wire_error = ACME_E_TIMEOUT;
    refused("ca.test", ACME_E_TIMEOUT);
}

TEST(no_tls_at_the_other_end)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

    start();
    trust(&root);
    CHECK_INT(acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors), ACME_OK);
    CHECK_INT(acme_tls_handshake(&tls), ACME_AGAIN);
    wire_put(&to_port, http, sizeof http - 1);
    CHECK(acme_tls_handshake(&tls) != ACME_OK);
    CHECK(acme_tls_handshake(&tls) != ACME_AGAIN);
    acme_tls_close(&tls);
}

TEST(calls_out_of_turn)
{
    uint8_t byte = 0;

    start();
    memset(&tls, 0, sizeof tls);
    CHECK_INT(acme_tls_handshake(&tls), ACME_E_ARG);
    CHECK_INT(acme_tls_send(&tls, &byte, 1), ACME_E_ARG);
    CHECK_INT(acme_tls_recv(&tls, &byte, 1), ACME_E_ARG);
    acme_tls_close(&tls);
    CHECK_INT(meet("ca.test"), ACME_OK);
    CHECK_INT(acme_tls_send(&tls, &byte, 0), ACME_E_ARG);
    CHECK_INT(acme_tls_recv(&tls, &byte, 0), ACME_E_ARG);
    stop();
}

/* --- memory --------------------------------------------------------------------------------------
 */

/* The nth allocation of the client fails, for each n, the server's are left alone. */
TEST(out_of_memory_at_every_allocation)
{
    long n;
    int ret = ACME_E_TLS;

    wolfSSL_SetAllocators(memory_get, memory_free, memory_again);
    for (n = 1; n < 3000; n++) {
        long before, left = n;

        start();
        trust(&root);
        serve(true);
        before = memory_live;
        memory_until = left;
        ret = acme_tls_open(&tls, &world_port, 5, "ca.test", &anchors);
        CHECK(ret != ACME_E_TLS); /* of opening: its contents are fixed */
        for (int i = 0; i < 100 && (i == 0 ? ret == ACME_OK : ret == ACME_AGAIN); i++) {
            ret = acme_tls_handshake(&tls);
            left = memory_until;
            memory_until = 0;
            (void)wolfSSL_accept(server);
            memory_until = left;
        }
        left = memory_until;
        memory_until = 0;
        acme_tls_close(&tls);
        if (left == 0 && ret == ACME_AGAIN)
            test_stop(TEST_FAILED, "allocation %ld: the handshake hangs", n);
        wolfSSL_free(server);
        wolfSSL_CTX_free(server_ctx);
        server = NULL;
        server_ctx = NULL;
        if (left > 0)
            break; /* none failed any more */
        CHECK(memory_live <= before);
    }
    wolfSSL_SetAllocators(malloc, free, realloc);
    CHECK_INT(ret, ACME_OK);
    CHECK(n > 50);
}

/* --- a server of TLS 1.1, which wolfSSL cannot play as built
 * ------------------------------------------ */

static int socket_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    ssize_t n = send(s, data, len, MSG_NOSIGNAL);

    (void)ctx;
    return n > 0 ? (int)n : ACME_E_NET;
}

static int socket_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    ssize_t n = recv(s, buf, cap, 0);

    (void)ctx;
    return n > 0 ? (int)n : n == 0 ? ACME_E_CLOSED : ACME_E_TIMEOUT;
}

static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {10, 0};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 100; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);

        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(s, (struct sockaddr *)&to, sizeof to) == 0)
            return s;
        close(s);
        usleep(50000);
    }
    return -1;
}

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(s, (struct sockaddr *)&at, sizeof at) == 0);
    getsockname(s, (struct sockaddr *)&at, &len);
    close(s);
    return ntohs(at.sin_port);
}

static void write_pem(const char *path, const char *label, const uint8_t *der, size_t len)
{
    static char base64[12000];
    FILE *f = fopen(path, "w");
    int n = acme_b64_encode(base64, sizeof base64, der, len);

    CHECK(f != NULL && n > 0);
    fprintf(f, "-----BEGIN %s-----\n", label);
    for (int i = 0; i < n; i += 64)
        fprintf(f, "%.*s\n", n - i < 64 ? n - i : 64, base64 + i);
    fprintf(f, "-----END %s-----\n", label);
    fclose(f);
}

/* openssl s_server with one more option; what the handshake with it came to. */
static int meet_openssl(const char *option, const char *ciphers)
{
    static const struct acme_net sockets = {.send = socket_send, .recv = socket_recv};
    char cert[] = "/tmp/test_tls_cert_XXXXXX", key[] = "/tmp/test_tls_key_XXXXXX", port_text[8];
    uint16_t port = free_port();
    struct acme_slice der;
    int ret, s, status;
    pid_t child;

    close(mkstemp(cert));
    close(mkstemp(key));
    leaf.signer = &root_key;
    leaf.issuer = "Root";
    trust(&root);
    der = made_cert(&leaf, cert_room[0], sizeof cert_room[0]);
    write_pem(cert, "CERTIFICATE", der.ptr, der.len);
    write_pem(key, "EC PRIVATE KEY", leaf_key.der, leaf_key.len);
    snprintf(port_text, sizeof port_text, "%u", port);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execlp("openssl", "openssl", "s_server", "-accept", port_text, "-cert", cert, "-key", key,
               "-cipher", ciphers, option, "-quiet", "-www", (char *)NULL);
        _exit(127);
    }
    world_port.net = &sockets;
    s = dial(port);
    ret = s < 0 ? 1 : acme_tls_open(&tls, &world_port, s, "ca.test", &anchors);
    if (ret == ACME_OK)
        ret = acme_tls_handshake(&tls);
    acme_tls_close(&tls);
    close(s);
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    unlink(cert);
    unlink(key);
    if (ret == 1)
        SKIP("openssl s_server did not start");
    return ret;
}

TEST(openssl_tls12_and_tls13)
{
    start();
    CHECK_INT(meet_openssl("-tls1_2", "DEFAULT"), ACME_OK);
    start();
    CHECK_INT(meet_openssl("-tls1_3", "DEFAULT"), ACME_OK);
}

TEST(openssl_only_tls11)
{
    start();
    CHECK_INT(meet_openssl("-tls1_1", "DEFAULT:@SECLEVEL=0"), ACME_E_TLS_VERSION);
}

TEST(openssl_only_cbc)
{
    start();
    CHECK_INT(meet_openssl("-tls1_2", "ECDHE-ECDSA-AES128-SHA"), ACME_E_TLS);
}

RUN()
