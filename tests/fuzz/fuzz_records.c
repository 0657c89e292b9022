/* fuzz_records.c - records as storage gives them back: the agent's own, and CONFIG
 *
 * Input: flags (which record; 8: CONFIG; 16: length and CRC are put right, so that what is behind
 * them is reached), and the record; for CERT the place of the second half comes first.
 */
#include "acme_crc32.h"
#include "acme_provision.h"
#include "acme_steps.h"
#include "acme_store.h"
#include "fuzz.h"
#include "http01.h"

static struct acme_agent agent;
static struct http01 responder;
static struct acme_slice stored[ACME_SLOT_MAX + 1];
static uint8_t io[8192];
static _Alignas(16) uint8_t scratch[8192];

static int slot_read(void *ctx, enum acme_slot slot, const char *key, void *buf, size_t cap)
{
    (void)ctx;
    FUZZ_CHECK(slot >= 1 && slot <= ACME_SLOT_MAX && key != NULL);
    if (stored[slot].len == 0)
        return ACME_E_SLOT_EMPTY;
    if (stored[slot].len > cap)
        return ACME_E_SIZE;
    memcpy(buf, stored[slot].ptr, stored[slot].len);
    return (int)stored[slot].len;
}

static int slot_write(void *ctx, enum acme_slot slot, const char *key, const void *data, size_t len)
{
    (void)ctx;
    (void)slot;
    (void)key;
    (void)data;
    (void)len;
    return ACME_E_SLOT;
}

static int net_none(void)
{
    abort();
}

static uint64_t port_now(void *ctx)
{
    (void)ctx;
    return 1;
}

static int port_time(void *ctx, int64_t *seconds)
{
    (void)ctx;
    *seconds = 1795000000;
    return ACME_OK;
}

static int port_entropy(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 7, len);
    return ACME_OK;
}

static int net_connect(void *ctx, const char *host, uint16_t tcp_port, acme_sock *out)
{
    (void)ctx;
    (void)host;
    (void)tcp_port;
    (void)out;
    return net_none();
}

static int net_listen(void *ctx, const char *addr, uint16_t tcp_port, acme_sock *out)
{
    (void)ctx;
    (void)addr;
    (void)tcp_port;
    (void)out;
    return net_none();
}

static int net_accept(void *ctx, acme_sock listener, acme_sock *out)
{
    (void)ctx;
    (void)listener;
    (void)out;
    return net_none();
}

static int net_send(void *ctx, acme_sock s, const void *data, size_t len)
{
    (void)ctx;
    (void)s;
    (void)data;
    (void)len;
    return net_none();
}

static int net_recv(void *ctx, acme_sock s, void *buf, size_t cap)
{
    (void)ctx;
    (void)s;
    (void)buf;
    (void)cap;
    return net_none();
}

static void net_close(void *ctx, acme_sock s)
{
    (void)ctx;
    (void)s;
    (void)net_none();
}

static const struct acme_slots slots = {NULL, slot_read, slot_write};
static const struct acme_net net = {.connect = net_connect,
                                    .listen = net_listen,
                                    .accept = net_accept,
                                    .send = net_send,
                                    .recv = net_recv,
                                    .close = net_close};
static const struct acme_port port = {.net = &net,
                                      .slots = &slots,
                                      .entropy = port_entropy,
                                      .now_ms = port_now,
                                      .unix_time = port_time};
static const char *const names[] = {"example.com", "*.example.com"};
static const struct acme_slice anchor = {(const uint8_t *)"x", 1};
static const struct acme_server other = {"https://b.example/dir", {NULL, 0}};
static const struct acme_config config = {
    .directory_url = "https://ca.example/dir",
    .more_servers = &other,
    .more_servers_count = 1,
    .staging = {"https://s.example/dir", {NULL, 0}},
    .names = names,
    .names_count = 2,
    .anchors = {&anchor, 1},
    .memory = {.io = {io, sizeof io}, .scratch = {scratch, sizeof scratch}},
};

static void start(void)
{
    static struct acme_solver *solvers[1];

    if (agent.config != NULL)
        return;
    solvers[0] = http01_init(&responder, &port, NULL, 0);
    FUZZ_CHECK(acme_agent_init(&agent, &config, &port, solvers, 1, NULL, NULL) == ACME_OK);
}

/* A copy of the record, which FUZZ frees; with fix its header is made to fit its body. */
static struct acme_slice record(struct acme_slice raw, uint8_t kind, bool fix)
{
    uint8_t *copy = fuzz_copy(raw);
    uint32_t crc, length = (uint32_t)raw.len - ACME_RECORD_HEADER;

    if (fix && raw.len >= ACME_RECORD_HEADER) {
        memcpy(copy, "ACME", 4);
        copy[4] = kind;
        copy[5] = copy[5] > 1 && copy[5] < 5 ? copy[5] : 1;
        for (int i = 0; i < 4; i++)
            copy[12 + i] = (uint8_t)(length >> 8 * i);
        crc = acme_crc32(acme_crc32(0, copy, 16), copy + ACME_RECORD_HEADER, length);
        for (int i = 0; i < 4; i++)
            copy[16 + i] = (uint8_t)(crc >> 8 * i);
    }
    return acme_slice_of(copy, raw.len);
}

static bool ends(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

/* ---- what each loader leaves behind ---- */

static void check_key(const struct acme_key *key)
{
    FUZZ_CHECK(key->len <= sizeof key->der);
    FUZZ_CHECK(key->type == ACME_KEY_NONE ||
               (key->len > 0 && acme_key_supported((enum acme_key_type)key->type)));
}

static void check_account(int err)
{
    check_key(&agent.account_key);
    FUZZ_CHECK(ends(agent.kid, sizeof agent.kid));
    FUZZ_CHECK((err == ACME_OK) == (agent.account_key.type != ACME_KEY_NONE));
    FUZZ_CHECK(err == ACME_OK || agent.kid[0] == '\0');
}

static void check_order(int err)
{
    const struct acme_order_state *order = &agent.order;

    check_key(&agent.cert_key);
    FUZZ_CHECK(ends(order->url, sizeof order->url));
    FUZZ_CHECK(order->names_count <= ACME_MAX_NAMES && order->text_len <= sizeof order->text);
    FUZZ_CHECK(err == ACME_OK || (!order->open && order->names_count == 0));
    for (uint16_t i = 0; i < order->names_count; i++) {
        const struct acme_order_name *n = &order->names[i];

        FUZZ_CHECK(n->solver < agent.solvers_count);
        FUZZ_CHECK(n->identifier < order->text_len && n->token < order->text_len);
        FUZZ_CHECK(ends(order->text + n->identifier, order->text_len - n->identifier));
        FUZZ_CHECK(ends(order->text + n->token, order->text_len - n->token));
    }
}

static void check_cert(int err)
{
    static uint8_t room[sizeof io];
    struct acme_certificate certificate;
    int got = acme_agent_certificate(&agent, (struct acme_span){room, sizeof room}, &certificate);
    struct acme_slice all = acme_slice_of(room, sizeof room);

    FUZZ_CHECK(agent.cert.has == (got == ACME_OK));
    FUZZ_CHECK(err != ACME_OK || got == ACME_OK);
    if (got != ACME_OK)
        return;
    FUZZ_CHECK(fuzz_inside(certificate.chain.packed, all) && fuzz_inside(certificate.key, all));
    FUZZ_CHECK(certificate.not_after == agent.cert.not_after);
    for (size_t i = 0; i < acme_chain_count(&certificate.chain); i++)
        FUZZ_CHECK(fuzz_inside(acme_chain_at(&certificate.chain, i), certificate.chain.packed));
}

static void check_failure(const struct acme_failure *f)
{
    FUZZ_CHECK(ends(f->step, sizeof f->step) && ends(f->note, sizeof f->note));
    FUZZ_CHECK(ends(f->problem.detail, sizeof f->problem.detail));
    FUZZ_CHECK(ends(f->problem.identifier, sizeof f->problem.identifier));
    FUZZ_CHECK(acme_problem_type_name((enum acme_problem_type)f->problem.type) != NULL);
    FUZZ_CHECK(f->problem.type < ACME_PROBLEM_END_);
    FUZZ_CHECK(acme_err_words(f->err) != NULL);
}

static int load(enum acme_slot slot)
{
    switch (slot) {
    case ACME_SLOT_ACCOUNT:
        return acme_load_account(&agent);
    case ACME_SLOT_CA_LEDGER:
        return acme_load_ledger(&agent);
    case ACME_SLOT_ORDER:
        return acme_load_order(&agent);
    case ACME_SLOT_SCHED:
        return acme_load_sched(&agent);
    default:
        return acme_load_cert(&agent);
    }
}

/* A record that was read, written, read and written again: the two written ones are the same. */
static void check_again(enum acme_slot slot)
{
    static uint8_t first[sizeof io], second[sizeof io];
    int n = acme_encode(&agent, slot, (struct acme_span){first, sizeof first}), m;

    if (n == ACME_E_SIZE || n == 0)
        return;
    FUZZ_CHECK(n > ACME_RECORD_HEADER);
    stored[slot] = acme_slice_of(first, (size_t)n);
    FUZZ_CHECK(load(slot) == ACME_OK);
    m = acme_encode(&agent, slot, (struct acme_span){second, sizeof second});
    FUZZ_CHECK(m == n && memcmp(first, second, (size_t)n) == 0);
}

static void check_agent(struct fuzz_in *in, enum acme_slot slot, bool fix)
{
    struct acme_slice half = {NULL, 0}, one;
    int err;

    start();
    memset(stored, 0, sizeof stored);
    if (slot == ACME_SLOT_CERT_A) {
        half = record(fuzz_take(in, fuzz_two(in) % 1024), ACME_SLOT_CERT_B, fix);
        stored[ACME_SLOT_CERT_B] = half;
    }
    one = record(fuzz_rest(in), (uint8_t)slot, fix);
    stored[slot] = one;
    err = load(slot);
    FUZZ_CHECK(err == ACME_OK || err == ACME_E_SLOT_EMPTY || err == ACME_E_SLOT_CORRUPT ||
               err == ACME_E_SLOT_VERSION || err == ACME_E_SIZE);
    check_account(slot == ACME_SLOT_ACCOUNT ? err : agent.account_key.type != 0 ? 0 : -1);
    check_order(slot == ACME_SLOT_ORDER ? err : ACME_OK);
    check_failure(&agent.failure);
    if (slot == ACME_SLOT_CERT_A)
        check_cert(err);
    else if (err == ACME_OK)
        check_again(slot);
    free((void *)(uintptr_t)one.ptr);
    free((void *)(uintptr_t)half.ptr);
}

/* ---- CONFIG ---- */

static void check_text(const char *text, struct acme_slice in)
{
    FUZZ_CHECK(text == NULL || fuzz_text_in(text, in));
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_provision(struct fuzz_in *in, bool fix)
{
    static uint8_t room[70000];
    struct acme_slice one = record(fuzz_rest(in), ACME_SLOT_CONFIG, fix);
    struct acme_provision p, again;
    int n;

    if (acme_provision_read(&p, one) == ACME_OK) {
        FUZZ_CHECK(p.names_count <= ACME_MAX_NAMES && p.anchors_count <= ACME_PROVISION_ANCHORS);
        check_text(p.directory_url, one);
        check_text(p.contact, one);
        check_text(p.sntp, one);
        n = acme_provision_write((struct acme_span){room, sizeof room}, &p);
        FUZZ_CHECK(n > 0);
        FUZZ_CHECK(acme_provision_read(&again, acme_slice_of(room, (size_t)n)) == ACME_OK);
        FUZZ_CHECK(same_text(p.directory_url, again.directory_url) &&
                   same_text(p.contact, again.contact) && same_text(p.sntp, again.sntp));
        FUZZ_CHECK(p.names_count == again.names_count && p.anchors_count == again.anchors_count);
        for (uint8_t i = 0; i < p.names_count; i++) {
            check_text(p.names[i], one);
            FUZZ_CHECK(strcmp(p.names[i], again.names[i]) == 0);
        }
        for (uint8_t i = 0; i < p.anchors_count; i++)
            FUZZ_CHECK(fuzz_inside(p.anchors[i], one) && fuzz_same(p.anchors[i], again.anchors[i]));
        FUZZ_CHECK(p.terms_agreed == again.terms_agreed && p.cert_key_type == again.cert_key_type &&
                   p.account_key_type == again.account_key_type);
    }
    free((void *)(uintptr_t)one.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum acme_slot which[] = {ACME_SLOT_ACCOUNT, ACME_SLOT_CA_LEDGER, ACME_SLOT_ORDER,
                                           ACME_SLOT_CERT_A, ACME_SLOT_SCHED};
    struct fuzz_in in = {data, size};
    uint8_t flags = fuzz_byte(&in);

    if (flags & 8)
        check_provision(&in, flags & 16);
    else
        check_agent(&in, which[flags % 8 % 5], flags & 16);
    return 0;
}
