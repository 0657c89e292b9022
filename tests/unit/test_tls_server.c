/* test_tls_server.c - one TLS handshake as the server of tls-alpn-01: who is served, and who is not
 */
#include "test.h"

#include "tls_client_world.h"

/* ---- who is served ---- */

TEST(a_client_in_both_versions)
{
    for (int version = 0; version < 2; version++) {
        start();
        client_tls12 = version == 0;
        CHECK_INT(meet(), ACME_OK);
        CHECK_STR(wolfSSL_get_version((WOLFSSL *)tls.session),
                  version == 0 ? "TLSv1.2" : "TLSv1.3");
        check_seen();
        stop();
    }
}

TEST(keys_of_other_kinds)
{
    struct acme_key *keys[2];

    start();
    keys[0] = &p384;
    keys[1] = &rsa;
    for (int i = 0; i < 4; i++) {
        start();
        client_tls12 = i % 2 == 0;
        show_key(keys[i / 2]);
        good();
    }
}

/* Sockets that take and give a few bytes at a time, and say "not yet" in between. */
TEST(in_pieces)
{
    static const size_t pieces[] = {1, 3, 100, SIZE_MAX};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (int how = 0; how < 4; how++) {
            start();
            client_tls12 = how % 2 == 0;
            wire_piece = pieces[i];
            wire_hiccup = how / 2 == 1;
            good();
        }
    }
}

/* What was read of a ClientHello before the session, however much it was, comes first. */
TEST(bytes_that_were_read_before)
{
    static uint8_t early[2000];
    size_t hello = 1;

    for (size_t n = 0; n <= hello; n += n < hello && n + 9 > hello ? hello - n : 9) {
        start();
        call();
        (void)wolfSSL_connect(client);
        hello = to_port.to;
        CHECK(hello > 100 && hello < sizeof early && n <= hello);
        memcpy(early, to_port.bytes, n);
        to_port.from = n;
        show.early = acme_slice_of(early, n);
        wire_piece = n % 2 == 0 ? 50 : SIZE_MAX;
        CHECK_INT(answer(), ACME_OK);
        CHECK_INT(shake(1000), ACME_OK);
        check_seen();
        stop();
        if (n == hello)
            break;
    }
}

TEST(a_protocol_beside_others)
{
    start();
    client_protocols = "h2," OURS ",http/1.1";
    good();
}

/* Names and protocols of every length that there is; a comma has no meaning in a protocol. */
TEST(the_longest)
{
    static char name[ACME_NAME_ROOM + 2], protocol[300];

    start();
    memset(name, 'n', sizeof name);
    memset(protocol, 'p', sizeof protocol);
    name[ACME_MAX_NAME] = protocol[255] = '\0';
    show.name = acme_slice_text(name);
    show.protocol = protocol;
    CHECK_INT(answer(), ACME_OK);
    acme_tls_server_close(&tls);
    show.name.len++;
    CHECK_INT(answer(), ACME_E_ARG);
    show.name.len = 0;
    CHECK_INT(answer(), ACME_E_ARG);
    show.name.len = 1;
    show.protocol = "";
    CHECK_INT(answer(), ACME_E_ARG);
    protocol[255] = 'p';
    protocol[256] = '\0';
    show.protocol = protocol;
    CHECK_INT(answer(), ACME_E_ARG);
    CHECK(tls.ctx == NULL && tls.session == NULL);
    start();
    client_name = name;
    show.name = acme_slice_text(name);
    good();
}

/* ---- who is not ---- */

/* Alerts (RFC 8446 6, RFC 7301 3.2). Before TLS 1.3 there was none for a name that is missing. */
enum { NO_NAME = 109, OTHER_NAME = 112, OTHER_PROTOCOL = 120, NO_ALERT = -1 };

/* Refused in both versions, in words that the client understands. */
static void stranger(const char *what, int alert, bool saw)
{
    for (int version = 0; version < 2; version++) {
        WOLFSSL_ALERT_HISTORY heard;
        int ret;

        client_tls12 = version == 0;
        client_done = client_saw = false;
        wire_reset();
        ret = meet();
        if (ret != ACME_E_TLS || tls.detail == 0)
            test_stop(TEST_FAILED, "%s: %s (wolfSSL: %d)", what, acme_err_name(ret),
                      (int)tls.detail);
        for (int i = 0; i < 5 && !client_done; i++)
            connect_client();
        CHECK_INT(wolfSSL_get_alert_history(client, &heard), WOLFSSL_SUCCESS);
        if (heard.last_rx.code != alert && !(alert == NO_NAME && heard.last_rx.code == 40))
            test_stop(TEST_FAILED, "%s: alert %d", what, heard.last_rx.code);
        CHECK(client_saw == saw);
        stop();
    }
}

TEST(strangers)
{
    start();
    client_name = NULL;
    stranger("no name", NO_NAME, false);
    client_name = "gx.example.org";
    stranger("another name", OTHER_NAME, false);
    client_name = "GW.example.org"; /* byte for byte: the solver has folded it before */
    stranger("another case", OTHER_NAME, false);
    client_name = NAME ".";
    stranger("a longer name", OTHER_NAME, false);
    client_name = "gw.example.or";
    stranger("a shorter name", OTHER_NAME, false);
    client_name = NAME;
    client_protocols = "h2,http/1.1";
    stranger("another protocol", OTHER_PROTOCOL, false);
    client_protocols = "acme-tls/2";
    stranger("one of the same length", OTHER_PROTOCOL, false);
    client_protocols = NULL; /* gets through wolfSSL's handshake, and then no further */
    stranger("no protocol", NO_ALERT, true);
}

static void says(const void *bytes, size_t len)
{
    int ret;

    wire_reset();
    CHECK_INT(answer(), ACME_OK);
    wire_put(&to_port, bytes, len);
    wire_ended = true;
    ret = ACME_AGAIN;
    for (int i = 0; i < 100 && ret == ACME_AGAIN; i++)
        ret = acme_tls_server_handshake(&tls);
    CHECK(ret == ACME_E_TLS || ret == ACME_E_NET);
    CHECK_INT(acme_tls_server_handshake(&tls), ret);
    acme_tls_server_close(&tls);
}

TEST(what_is_no_tls)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"", 0},
        {"GET / HTTP/1.1\r\nHost: gw.example.org\r\n\r\n", 40},
        {"SSH-2.0-x\r\n", 11},
        {"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", 11},         /* SSL 2 */
        {"\x16\x03\x01\xff\xff\x01\x00\xff\xfb", 9},                  /* a record too long */
        {"\x16\x03\x01\x00\x00", 5},                                  /* an empty one */
        {"\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9},                  /* a hello without a body */
        {"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9},                  /* the server's turn */
        {"\x17\x03\x03\x00\x05hello", 10},                            /* data before keys */
        {"\x15\x03\x03\x00\x02\x02\x28", 7},                          /* handshake_failure */
        {"\x15\x03\x03\x00\x02\x01\x00", 7},                          /* close_notify */
        {"\x14\x03\x03\x00\x01\x01", 6},                              /* ChangeCipherSpec */
        {"\x16\x03\x03\x00\x04\x14\x00\x00\x00", 9},                  /* Finished */
        {"\x16\x03\x01\x00\x06\x01\xff\xff\xff\x03\x03", 11},         /* 16 MB are promised */
        {"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 13}, /* nothing */
    };
    uint8_t noise[600];

    start();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        says(rows[i].bytes, rows[i].len);
    for (int i = 0; i < 100; i++) {
        for (size_t k = 0; k < sizeof noise; k += 200)
            (void)world_entropy(NULL, noise + k, 200);
        if (i % 2 == 1) /* the head of a record, at least */
            memcpy(noise, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
        says(noise, sizeof noise);
    }
}

/* ---- what cannot be opened ---- */

TEST(what_cannot_be_shown)
{
    static const uint8_t junk[200] = {0x30, 0x81, 197, 1, 2, 3};
    struct acme_slice good_cert, good_key;

    start();
    good_cert = show.cert;
    good_key = show.key;
    show.cert = acme_slice_of(junk, sizeof junk);
    CHECK_INT(answer(), ACME_E_CERT);
    CHECK(tls.ctx == NULL && tls.session == NULL);
    show.cert = acme_slice_of(good_cert.ptr, good_cert.len - 1);
    CHECK_INT(answer(), ACME_E_CERT);
    show.cert = acme_slice_of(NULL, 0);
    CHECK_INT(answer(), ACME_E_CERT);
    show.cert = good_cert;
    show.key = acme_slice_of(junk, sizeof junk);
    CHECK_INT(answer(), ACME_E_CERT);
    show.key = acme_slice_of(good_key.ptr, good_key.len / 2);
    CHECK_INT(answer(), ACME_E_CERT);
    show.key = acme_slice_of(NULL, 0);
    CHECK_INT(answer(), ACME_E_CERT);
    CHECK(tls.ctx == NULL && tls.session == NULL);
    CHECK_INT(acme_tls_server_handshake(&tls), ACME_E_ARG);
}

/* The key of another certificate: the client sees it, and says so. */
TEST(a_key_of_another)
{
    static struct acme_key other;

    start();
    CHECK_INT(acme_key_make(&other, ACME_KEY_P256), ACME_OK);
    show.key = acme_slice_of(other.der, other.len);
    for (int version = 0; version < 2; version++) {
        int ret;

        client_tls12 = version == 0;
        client_done = false;
        wire_reset();
        ret = meet();
        CHECK(ret == ACME_E_TLS || ret == ACME_E_NET);
        CHECK(!client_done);
        stop();
    }
    acme_key_wipe(&other);
}

TEST(no_entropy)
{
    start();
    good(); /* so that nothing is made for the first time */
    for (int i = 0; i < 2; i++) {
        start();
        world.entropy_answer = i == 0 ? ACME_AGAIN : ACME_E_ENTROPY;
        CHECK_INT(answer(), world.entropy_answer);
        CHECK(tls.ctx == NULL && tls.session == NULL);
        world.entropy_answer = ACME_OK;
        good();
    }
}

RUN()
