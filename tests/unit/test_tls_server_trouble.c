/* test_tls_server_trouble.c - one TLS handshake as the server of tls-alpn-01: ends, resets and
 * wrong bytes anywhere, and no memory */
#include "test.h"

#include "tls_client_world.h"

/* ---- a peer that ends, resets or changes ---- */

/* How many bytes a client says to the end of its handshake. */
static size_t whole_length(void)
{
    size_t before = SIZE_MAX;

    start();
    wire_budget = before;
    client_tls12 = false;
    CHECK_INT(meet(), ACME_OK);
    before -= wire_budget;
    stop();
    return before;
}

/* The client is gone after n of its bytes: the socket's word, not "not yet" for ever. */
TEST(ends_after_each_byte)
{
    size_t whole = whole_length();

    for (size_t n = 0; n <= whole; n += n + 100 > whole ? 1 : 7) {
        int ret;

        start();
        wire_budget = n;
        ret = meet();
        if (ret != (n < whole ? ACME_E_NET : ACME_OK))
            test_stop(TEST_FAILED, "%zu of %zu: %s", n, whole, acme_err_name(ret));
        stop();
    }
}

/* Before the hello, within it, when our flight waits, and when the client's end is awaited. */
TEST(resets_in_each_turn)
{
    for (int version = 0; version < 2; version++) {
        int turns, ret = ACME_E_NET;

        for (turns = 0; ret != ACME_OK && turns < 2000; turns++) {
            start();
            client_tls12 = version == 0;
            wire_piece = 60;
            wire_hiccup = true;
            CHECK_INT(answer(), ACME_OK);
            call();
            ret = shake(turns);
            if (ret == ACME_AGAIN) {
                wire_error = ACME_E_TIMEOUT;
                CHECK_INT(acme_tls_server_handshake(&tls), ACME_E_TIMEOUT);
                wire_error = ACME_OK; /* what has failed stays so */
                CHECK_INT(acme_tls_server_handshake(&tls), ACME_E_TIMEOUT);
                CHECK_INT(acme_tls_server_handshake(&tls), ACME_E_TIMEOUT);
            }
            stop();
        }
        CHECK(turns > 3);
        CHECK_INT(ret, ACME_OK);
    }
}

/* Closed before the end: no word goes out that the other side could take for one of ours. */
TEST(closed_in_the_middle)
{
    size_t said;

    start();
    CHECK_INT(answer(), ACME_OK);
    call();
    CHECK_INT(shake(1), ACME_AGAIN);
    said = to_peer.to;
    CHECK(said > 0);
    acme_tls_server_close(&tls);
    CHECK_INT(to_peer.to, said);
    stop();
    memset(&tls, 0, sizeof tls); /* never opened */
    CHECK_INT(acme_tls_server_handshake(&tls), ACME_E_ARG);
    acme_tls_server_close(&tls);
    start();
    CHECK_INT(meet(), ACME_OK);
    wire_error = ACME_E_NET; /* close_notify cannot be said: that holds up nobody */
    stop();
}

/* A byte of the client's is another: an end, or a wait for more, and never a wrong "done". */
TEST(a_wrong_byte_anywhere)
{
    size_t whole = whole_length();
    unsigned refused = 0, tried = 0;

    for (size_t at = 0; at < whole; at += 3) {
        size_t seen = 0;
        int ret = ACME_AGAIN;

        start();
        CHECK_INT(answer(), ACME_OK);
        call();
        for (int i = 0; i < 10 && ret == ACME_AGAIN; i++) {
            (void)wolfSSL_connect(client);
            if (at >= seen && at - seen < to_port.to - to_port.from)
                to_port.bytes[to_port.from + at - seen] ^= 0x55;
            seen += to_port.to - to_port.from;
            ret = acme_tls_server_handshake(&tls);
        }
        CHECK(ret == ACME_E_TLS || ret == ACME_AGAIN || ret == ACME_OK);
        /* What is not hashed are the versions of records, and ChangeCipherSpec in TLS 1.3. */
        refused += ret != ACME_OK;
        tried++;
        stop();
    }
    CHECK(tried > 50 && refused > tried * 9 / 10);
}

/* ---- memory ---- */

static int meet_without(long n, long *left)
{
    int ret;

    memory_until = n;
    ret = answer();
    *left = memory_until;
    memory_until = 0;
    call();
    for (int i = 0; i < 100 && (i == 0 ? ret == ACME_OK : ret == ACME_AGAIN); i++) {
        connect_client();
        memory_until = *left;
        ret = acme_tls_server_handshake(&tls);
        *left = memory_until;
        memory_until = 0;
    }
    if (ret == ACME_AGAIN && *left == 0)
        test_stop(TEST_FAILED, "allocation %ld: the handshake hangs", n);
    return ret;
}

/* The nth allocation of the server fails, for each n: an error, no leak, and the next is served. */
TEST(out_of_memory_at_every_allocation)
{
    unsigned opening = 0, shaking = 0; /* how often memory was short in it */
    long n, left = 0, before;
    int ret = ACME_AGAIN;

    wolfSSL_SetAllocators(memory_get, memory_free, memory_again);
    for (n = 1; n < 3000 && left == 0; n++) {
        start();
        before = memory_live;
        ret = meet_without(n, &left);
        if (left == 0 && tls.session == NULL) /* open: nothing was said, it may be tried again */
            CHECK(ret == ACME_E_TLS_MEMORY || ret == ACME_E_CERT); /* wolfSSL: "bad file" */
        CHECK(ret == ACME_OK || ret == ACME_E_TLS_MEMORY || ret == ACME_E_CERT ||
              ret == ACME_E_TLS || ret == ACME_E_ENTROPY);
        opening += ret == ACME_E_TLS_MEMORY && tls.session == NULL;
        shaking += ret == ACME_E_TLS_MEMORY && tls.session != NULL;
        stop();
        CHECK(memory_live <= before);
    }
    start();
    good();
    wolfSSL_SetAllocators(malloc, free, realloc);
    CHECK_INT(ret, ACME_OK);
    CHECK(n > 50 && opening > 5 && shaking > 10);
}

/* The private number of the key shown is in no block that wolfSSL gives back. */
TEST(no_block_given_back_holds_the_key)
{
    wolfSSL_SetAllocators(memory_get, memory_free, memory_again);
    for (int how = 0; how < 6; how++) {
        long before;

        start();
        before = memory_live;
        /* ECPrivateKey: SEQUENCE, INTEGER 1, OCTET STRING of 32 */
        CHECK(show.key.len > 39 && show.key.ptr[5] == 4 && show.key.ptr[6] == 32);
        for (size_t i = 0; i < 32; i++) /* as DER, and as a number of the machine */
            memory_secret[i] = show.key.ptr[how % 2 == 0 ? 7 + i : 38 - i];
        memory_watched = true;
        memory_spilled = 0;
        client_tls12 = how == 2 || how == 3;
        if (how >= 4)
            client_protocols = "h2"; /* refused in the middle */
        CHECK_INT(meet(), how < 4 ? ACME_OK : ACME_E_TLS);
        stop();
        memory_watched = false;
        CHECK_INT(memory_spilled, 0);
        CHECK(memory_live <= before);
    }
    wolfSSL_SetAllocators(malloc, free, realloc);
}

RUN()
