/* test_init.c - everything that can be wrong with a configuration, one thing at a time */
#include "acme_agent.h"
#include "test.h"

static int none(void *ctx)
{
    (void)ctx;
    return ACME_E_NET;
}

static int net_connect(void *ctx, const char *host, uint16_t tcp_port, acme_sock *out)
{
    (void)host, (void)tcp_port, (void)out;
    return none(ctx);
}
static int net_listen(void *ctx, const char *addr, uint16_t tcp_port, acme_sock *out)
{
    (void)addr, (void)tcp_port, (void)out;
    return none(ctx);
}
static int net_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    (void)listener, (void)out;
    return none(ctx);
}
static int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)s, (void)data, (void)len;
    return none(ctx);
}
static int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    (void)s, (void)buf, (void)cap;
    return none(ctx);
}
static void net_close(void *ctx, acme_sock s)
{
    (void)ctx, (void)s;
}
static int slot_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    (void)slot, (void)key, (void)buf, (void)cap;
    return none(ctx);
}
static int slot_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    (void)slot, (void)key, (void)data, (void)len;
    return none(ctx);
}
static int port_entropy(void *ctx, void *out, size_t len)
{
    (void)out, (void)len;
    return none(ctx);
}
static uint64_t port_now(void *ctx)
{
    (void)ctx;
    return 0;
}
static int port_time(void *ctx, int64_t *seconds)
{
    (void)seconds;
    return none(ctx);
}

static struct acme_net net;
static struct acme_slots slots;
static struct acme_port port;
static struct acme_config config;
static struct acme_agent agent;
static uint8_t io[4096];
static _Alignas(16) uint8_t scratch[3072 + 16];
static const char *names[ACME_MAX_NAMES + 1];
static struct acme_solver solver;
static struct acme_solver *solvers[9];
static const struct acme_slice anchor = {(const uint8_t *)"x", 1};
static const char *why, *which;

static void good(void)
{
    net = (struct acme_net){.connect = net_connect,
                            .listen = net_listen,
                            .accept = net_accept,
                            .send = net_send,
                            .recv = net_recv,
                            .close = net_close};
    slots = (struct acme_slots){NULL, slot_read, slot_write};
    port = (struct acme_port){.net = &net,
                              .slots = &slots,
                              .entropy = port_entropy,
                              .now_ms = port_now,
                              .unix_time = port_time};
    names[0] = "example.com";
    names[1] = "*.example.com";
    for (size_t i = 0; i < 9; i++)
        solvers[i] = &solver;
    config = (struct acme_config){.directory_url = "https://ca.example/dir",
                                  .names = names,
                                  .names_count = 2,
                                  .anchors = {&anchor, 1},
                                  .memory = {.io = {io, sizeof io}, .scratch = {scratch, 3072}}};
}

static int init(size_t solvers_count)
{
    why = which = "not told";
    return acme_agent_init(&agent, &config, &port, solvers, solvers_count, &why, &which);
}

/* Refused with these words about this text; told to nobody who does not want to know. */
static void refused(int err, const char *words, const char *about)
{
    CHECK_INT(init(1), err);
    CHECK_STR(why, words);
    CHECK_STR(which, about);
    CHECK_INT(acme_agent_init(&agent, &config, &port, solvers, 1, NULL, NULL), err);
    CHECK(agent.config == NULL);
    good();
}

TEST(what_is_right_passes)
{
    good();
    CHECK_INT(init(1), ACME_OK);
    CHECK_STR(why, "done");
    CHECK(which == NULL);
    CHECK_STR(agent.cert_key_name, "example.com");
    CHECK_INT(init(8), ACME_OK);
    config.contact = "a.b+c@example.com";
    config.cert_name = "router";
    config.cert_key_type = ACME_KEY_P384;
    config.account_key_type = ACME_KEY_RSA2048;
    CHECK_INT(init(1), acme_key_supported(ACME_KEY_P384) ? ACME_OK : ACME_E_CONFIG);
    config.cert_key_type = ACME_KEY_RSA4096;
    config.cert_name = "*.example.com";
    CHECK_INT(init(1), ACME_OK);
    CHECK_STR(agent.cert_key_name, "*.example.com");
}

TEST(names)
{
    good();
    config.names = NULL;
    refused(ACME_E_NAME, "no name is given", NULL);
    config.names_count = 0;
    refused(ACME_E_NAME, "no name is given", NULL);
    config.names_count = ACME_MAX_NAMES + 1;
    refused(ACME_E_SIZE, "more names than one certificate may have (ACME_MAX_NAMES)", NULL);
    names[1] = "a..b";
    refused(ACME_E_NAME, "a label is empty", "a..b");
    names[1] = "Example.com";
    refused(ACME_E_NAME, "write it in its canonical form (lower case)", "Example.com");
    names[1] = "2001:db8:0::1";
    refused(ACME_E_NAME, "write it in its canonical form (lower case)", "2001:db8:0::1");
    names[1] = "example.com";
    refused(ACME_E_NAME, "the name is given twice", "example.com");
    config.cert_name = "../x";
    refused(ACME_E_NAME, "the certificate's name must look like a host name", "../x");
}

TEST(kinds_of_keys)
{
    const char *account = "this type of account key is not built in";

    good();
    config.account_key_type = ACME_KEY_RSA3072;
    refused(ACME_E_CONFIG, account, "rsa3072");
    config.account_key_type = ACME_KEY_RSA4096;
    refused(ACME_E_CONFIG, account, "rsa4096");
    config.account_key_type = 77;
    refused(ACME_E_CONFIG, account, "none");
    config.cert_key_type = 77;
    refused(ACME_E_CONFIG, "this type of certificate key is not built in", "none");
}

TEST(contacts)
{
    static const char *const bad[] = {"",           "a",       "@b",      "a@",       "a@b@c",
                                      "a @b.c",     "a@b.c,d", "a@b?x=1", "a@\x7f",   "a@b\n.c",
                                      "a@\xc3\xa4", "\"a\"@b", "a@b%20c", "m:a@b.c&d"};
    char text[257];

    good();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        config.contact = bad[i];
        refused(ACME_E_CONFIG, "the contact is not one plain e-mail address", bad[i]);
    }
    memset(text, 'a', sizeof text - 1);
    text[1] = '@';
    text[254] = '\0';
    config.contact = text;
    CHECK_INT(init(1), ACME_OK);
    text[254] = 'a';
    text[255] = '\0';
    refused(ACME_E_CONFIG, "the contact is not one plain e-mail address", text);
}

TEST(directory_and_trust)
{
    const char *words = "the directory's URL must be a plain https URL";

    good();
    config.directory_url = NULL;
    refused(ACME_E_URL, words, NULL);
    config.directory_url = "http://ca.example/dir";
    refused(ACME_E_URL, words, "http://ca.example/dir");
    config.anchors.count = 0;
    refused(ACME_E_CONFIG, "no trust anchors are given", NULL);
    config.anchors.sets = NULL;
    refused(ACME_E_CONFIG, "no trust anchors are given", NULL);
}

TEST(memory)
{
    const char *words = "the io buffer must have 4096 bytes at least";

    good();
    config.memory.io.ptr = NULL;
    refused(ACME_E_SIZE, words, NULL);
    config.memory.io.len = 4095;
    refused(ACME_E_SIZE, words, NULL);
    words = "the scratch buffer must have 3072 bytes, aligned";
    config.memory.scratch.ptr = NULL;
    refused(ACME_E_SIZE, words, NULL);
    config.memory.scratch.len = 3071;
    refused(ACME_E_SIZE, words, NULL);
    config.memory.scratch.ptr = scratch + 1;
    refused(ACME_E_SIZE, words, NULL);
}

TEST(solvers)
{
    static struct acme_solver *const *nobody;
    const char *words = "between one and eight solvers must be given";

    good();
    CHECK_INT(init(0), ACME_E_CONFIG);
    CHECK_STR(why, words);
    CHECK_INT(init(9), ACME_E_CONFIG);
    CHECK_STR(why, words);
    CHECK_INT(acme_agent_init(&agent, &config, &port, nobody, 1, &why, NULL), ACME_E_CONFIG);
    CHECK_STR(why, words);
    CHECK_INT(acme_agent_init(&agent, NULL, &port, solvers, 1, &why, NULL), ACME_E_ARG);
    CHECK_STR(why, "no configuration is given");
}

/* Each function that the agent calls without asking is there. */
TEST(ports)
{
    const char *words = "the port is incomplete";

    good();
    CHECK_INT(acme_agent_init(&agent, &config, NULL, solvers, 1, &why, NULL), ACME_E_ARG);
    CHECK_STR(why, words);
    port.net = NULL;
    refused(ACME_E_ARG, words, NULL);
    port.slots = NULL;
    refused(ACME_E_ARG, words, NULL);
    port.entropy = NULL;
    refused(ACME_E_ARG, words, NULL);
    port.now_ms = NULL;
    refused(ACME_E_ARG, words, NULL);
    port.unix_time = NULL;
    refused(ACME_E_ARG, words, NULL);
    net.connect = NULL;
    refused(ACME_E_ARG, words, NULL);
    net.listen = NULL;
    refused(ACME_E_ARG, words, NULL);
    net.accept = NULL;
    refused(ACME_E_ARG, words, NULL);
    net.send = NULL;
    refused(ACME_E_ARG, words, NULL);
    net.recv = NULL;
    refused(ACME_E_ARG, words, NULL);
    net.close = NULL;
    refused(ACME_E_ARG, words, NULL);
    slots.read = NULL;
    refused(ACME_E_ARG, words, NULL);
    slots.write = NULL;
    refused(ACME_E_ARG, words, NULL);
}

RUN()
