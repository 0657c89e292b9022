/* test_external_tls.c - proofs by tls-alpn-01 that somebody else serves: the certificate and the
 * key as files' texts, and what becomes of them in the external solver */
#include "crypto_world.h"
#include "external_world.h"

#include "acme_name.h"
#include "acme_pem.h"
#include "proof_cert.h"

static struct external_tls tls;
static int (*made_by)(struct external_tls *t, const struct acme_port *port,
                      const struct acme_challenge *c);

static void fresh(void)
{
    world_reset();
    external_port.entropy = world_entropy;
    external_port.unix_time = world_time;
    external_tls_init(&tls, 443);
}

/* The DER between the armour of this label, at the front of room. */
static struct acme_slice unwrap(const char *pem, const char *label, uint8_t *room, size_t cap)
{
    char begin[60], end[60], text[1200] = "";
    size_t len;
    int n;

    snprintf(begin, sizeof begin, "-----BEGIN %s-----\n", label);
    snprintf(end, sizeof end, "-----END %s-----\n", label);
    len = strlen(pem);
    CHECK(strncmp(pem, begin, strlen(begin)) == 0 && len > strlen(begin) + strlen(end));
    CHECK_STR(pem + len - strlen(end), end);
    len -= strlen(begin) + strlen(end);
    CHECK(len < sizeof text);
    memcpy(text, pem + strlen(begin), len);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        CHECK(strchr(line, '\n') != NULL && strcspn(line, "\n") <= 64);
    n = acme_pem_decode(room, cap, acme_slice_of(text, len));
    CHECK(n > 0);
    return acme_slice_of(room, (size_t)n);
}

/* PrivateKeyInfo (RFC 5958) of a P-256 key: its ECPrivateKey (RFC 5915). */
static struct acme_slice private_key(const char *pem, uint8_t *room, size_t cap)
{
    static const uint8_t p256[] = {6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, /* id-ecPublicKey */
                                   6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
    struct acme_slice all = unwrap(pem, "PRIVATE KEY", room, cap), in, part;

    CHECK(acme_der_read_tag(&all, ACME_DER_SEQUENCE, &in) && all.len == 0);
    CHECK(acme_der_read_tag(&in, ACME_DER_INTEGER, &part) && part.len == 1 && part.ptr[0] == 0);
    CHECK(acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part) && part.len == sizeof p256);
    CHECK_MEM(part.ptr, p256, sizeof p256);
    CHECK(acme_der_read_tag(&in, ACME_DER_OCTET_STRING, &part) && in.len == 0);
    return part;
}

static void check_proof(const struct external_proof *p, const char *auth, const char *san,
                        size_t san_len)
{
    uint8_t cert_room[ACME_MAX_KEY_DER + 900], key_room[ACME_MAX_KEY_DER + 100];
    struct acme_slice cert = unwrap(p->cert_pem, "CERTIFICATE", cert_room, sizeof cert_room);

    check_cert(cert, private_key(p->key_pem, key_room, sizeof key_room), auth);
    CHECK(contains(cert, san, san_len));
}

static bool is_zero(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != 0)
            return false;
    }
    return true;
}

static int make(const struct acme_challenge *c)
{
    return tls.make(&tls, &external_port, c);
}

/* ---- what is made ---- */

TEST(a_certificate_and_its_key)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    char first[sizeof tls.proof.key_pem];

    fresh();
    CHECK_STR(tls.proof.port, "443");
    CHECK_INT(make(&c), ACME_OK);
    check_proof(&tls.proof, AUTH, "\x30\x1d\x82\x1b" NAME, 4 + strlen(NAME));
    CHECK_STR(tls.proof.z_domain, NAME);
    CHECK_STR(tls.proof.cert_path, "");
    CHECK_STR(tls.proof.key_path, "");
    memcpy(first, tls.proof.key_pem, sizeof first);
    c.key_authorization = DNS_AUTH;
    CHECK_INT(make(&c), ACME_OK); /* a new key for each */
    check_proof(&tls.proof, DNS_AUTH, NAME, strlen(NAME));
    CHECK(strcmp(first, tls.proof.key_pem) != 0);
    external_tls_init(&tls, 65535);
    CHECK_STR(tls.proof.port, "65535");
}

TEST(an_address_is_asked_for_by_its_reverse_name)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);

    fresh();
    c.id_type = ACME_ID_IP;
    c.identifier = "192.0.2.7";
    CHECK_INT(make(&c), ACME_OK);
    CHECK_STR(tls.proof.z_domain, "7.2.0.192.in-addr.arpa");
    check_proof(&tls.proof, AUTH, "\x30\x06\x87\x04\xc0\x00\x02\x07", 8);
    c.identifier = "2001:db8::1";
    CHECK_INT(make(&c), ACME_OK);
    CHECK_STR(tls.proof.z_domain,
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    check_proof(&tls.proof, AUTH,
                "\x30\x12\x87\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
                20);
}

TEST(the_longest_name)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    char name[ACME_NAME_ROOM + 10];

    fresh();
    memset(name, 'a', sizeof name);
    for (size_t i = 60; i < 253; i += 60)
        name[i] = '.';
    name[253] = '\0';
    c.identifier = name;
    CHECK_INT(make(&c), ACME_OK);
    CHECK_STR(tls.proof.z_domain, name);
    check_proof(&tls.proof, AUTH, name, strlen(name));
    name[253] = 'a'; /* longer than any: refused, not cut */
    name[ACME_NAME_ROOM] = '\0';
    CHECK_INT(make(&c), ACME_E_SIZE);
}

/* Without a clock, without bytes for a key, for what is no address: an error, and no key. */
TEST(no_proof)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);

    fresh();
    world.clock_answer = ACME_E_CLOCK;
    CHECK_INT(make(&c), ACME_E_CLOCK);
    CHECK_STR(tls.proof.cert_path, "");
    world.clock_answer = ACME_OK;
    world.entropy_answer = ACME_AGAIN;
    CHECK_INT(make(&c), ACME_AGAIN);
    world.entropy_answer = ACME_E_ENTROPY;
    CHECK_INT(make(&c), ACME_E_ENTROPY);
    world.entropy_answer = ACME_OK;
    c.id_type = ACME_ID_IP;
    c.identifier = "192.0.2.256";
    CHECK(make(&c) < ACME_AGAIN);
    c.id_type = ACME_ID_DNS;
    c.identifier = "-x-";
    CHECK(make(&c) < ACME_AGAIN);
    CHECK(is_zero(tls.proof.key_pem, sizeof tls.proof.key_pem));
    CHECK(is_zero(tls.proof.cert_pem, sizeof tls.proof.cert_pem));
    c = challenge(ACME_CHALLENGE_TLSALPN01);
    CHECK_INT(make(&c), ACME_OK);
}

/* At each call of the entropy source: the answer is its own, or the proof is whole. */
TEST(entropy_that_ends_in_the_middle)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    int err = ACME_E_ENTROPY;
    unsigned n;

    for (n = 0; n < 50 && err != ACME_OK; n++) {
        fresh();
        world.entropy_left = n;
        world.entropy_answer = ACME_E_ENTROPY;
        err = make(&c);
        CHECK(err == ACME_OK || err == ACME_E_ENTROPY);
        CHECK(err == ACME_OK || is_zero(tls.proof.key_pem, sizeof tls.proof.key_pem));
    }
    world.entropy_answer = ACME_OK;
    CHECK(n > 1);
    CHECK_INT(err, ACME_OK);
    check_proof(&tls.proof, AUTH, NAME, strlen(NAME));
}

/* ---- in the solver ---- */

static struct {
    int make_answer, keep_answer, drop_answer;
    unsigned made, kept, dropped;
} files;

static int counted_make(struct external_tls *t, const struct acme_port *port,
                        const struct acme_challenge *c)
{
    files.made++;
    return files.make_answer != ACME_OK ? files.make_answer : made_by(t, port, c);
}

static int keep(void *ctx, const char *token, struct external_proof *proof)
{
    (void)ctx;
    CHECK_STR(token, TOKEN);
    CHECK(proof->key_pem[0] == '-' && proof->cert_pem[0] == '-');
    files.kept++;
    proof->cert_path = "/f/cert";
    proof->key_path = "/f/key";
    return files.keep_answer;
}

static int drop(void *ctx, const char *token)
{
    (void)ctx;
    CHECK_STR(token, TOKEN);
    files.dropped++;
    return files.drop_answer;
}

static struct acme_solver *serving(enum external_mode mode, bool with_files, uint32_t answer_ms)
{
    struct external_config config = {
        .dialect = EXTERNAL_DIALECT_2, .tls = &tls, .answer_ms = answer_ms};

    fresh();
    memset(&files, 0, sizeof files);
    made_by = tls.make;
    tls.make = counted_make;
    if (with_files) {
        tls.keep = keep;
        tls.drop = drop;
    }
    return solver_with(mode, &config);
}

/* No copy of the key stays with us: not in the proof, nor in the room of the line. */
static void key_is_gone(void)
{
    CHECK(is_zero(tls.proof.key_pem, sizeof tls.proof.key_pem));
    CHECK(is_zero(x.line, sizeof x.line));
}

/* The text of a member of a line, its escaped line ends undone. */
static void member(const char *line, const char *name, char *out, size_t room)
{
    char key[40];
    size_t n = 0;
    const char *at;

    snprintf(key, sizeof key, "\"%s\": \"", name);
    at = strstr(line, key);
    CHECK(at != NULL);
    for (at += strlen(key); *at != '"'; at++) {
        CHECK(n + 1 < room && *at != '\0');
        at += *at == '\\';
        out[n++] = at[-1] == '\\' ? '\n' : *at;
    }
    out[n] = '\0';
}

TEST(a_line_has_all_that_is_served)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    struct acme_solver *s = serving(EXTERNAL_JSON, true, 0);
    static struct external_proof got;

    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    member(w.last, "cert_pem", got.cert_pem, sizeof got.cert_pem);
    member(w.last, "key_pem", got.key_pem, sizeof got.key_pem);
    check_proof(&got, AUTH, NAME, strlen(NAME));
    CHECK(strstr(w.last, "\"z_domain\": \"" NAME "\", \"cert_path\": \"/f/cert\", \"key_path\": "
                         "\"/f/key\", \"port\": \"443\"") != NULL);
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &c), ACME_OK);
    CHECK_INT(files.made, 1);
    CHECK_INT(files.kept, 1);
    key_is_gone();
    CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(files.dropped, 1);
    CHECK_STR(w.log, ">perform_challenge\n<\n>cleanup\n");
}

TEST(a_person_reads_where_it_lies)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    struct acme_solver *s = serving(EXTERNAL_TEXT, true, 0);

    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &c), ACME_OK);
    CHECK_STR(w.last, "\nOn port 443, to who asks by ALPN for acme-tls/1 and by SNI for\n\n"
                      "  " NAME "\n\nserve this certificate and its key:\n\n"
                      "  /f/cert\n  /f/key\n\nPress ENTER to continue");
    key_is_gone();
}

TEST(no_files_where_the_line_is_enough)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    struct acme_solver *s = serving(EXTERNAL_JSON, false, 0);

    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &c), ACME_OK);
    CHECK(strstr(w.last, "\"cert_path\": \"\", \"key_path\": \"\"") != NULL);
    key_is_gone();
    CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_VALID), ACME_OK);
    CHECK_INT(files.kept + files.dropped, 0);
}

TEST(the_proof_is_not_ready_yet)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    struct acme_solver *s = serving(EXTERNAL_HANDLER, true, 0);

    files.make_answer = ACME_AGAIN;
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK_STR(w.log, "!pre-perform\n");
    files.make_answer = ACME_OK;
    w.run_busy = 3;
    until_done(s, &c, false, ACME_OK);
    CHECK_INT(files.made, 2);
    CHECK_STR(w.log, "!pre-perform\n>perform_challenge\n!perform\n");
    CHECK(strstr(w.json, "\"key_pem\": \"-----BEGIN PRIVATE KEY-----\\n") != NULL);
    key_is_gone();
}

TEST(begins_that_fail_leave_no_key)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    struct acme_solver *s = serving(EXTERNAL_JSON, true, 0);

    files.make_answer = ACME_E_CLOCK;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_CLOCK);
    CHECK_INT(files.kept, 0);
    s = serving(EXTERNAL_JSON, true, 0);
    files.keep_answer = ACME_E_SOLVER;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_SOLVER);
    CHECK_STR(x.why, "the files of tls-alpn-01 cannot be written");
    CHECK_STR(w.log, "");
    key_is_gone();
    s = serving(EXTERNAL_JSON, true, 0);
    w.write_answer = ACME_E_CLOSED;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_SOLVER);
    key_is_gone();
    s = serving(EXTERNAL_JSON, true, 0);
    c.token = "../../etc/passwdaaaaaaaaaaa";
    CHECK_INT(s->ops->begin(s, &c), ACME_E_ARG);
    CHECK_INT(files.made + files.kept, 0);
}

/* Nobody answers, or we are stopped, or another act comes: the key does not outlive the wait. */
TEST(begins_that_are_given_up_leave_no_key)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01),
                          other = challenge(ACME_CHALLENGE_DNS01);
    struct acme_solver *s = serving(EXTERNAL_JSON, true, 5000);

    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK(tls.proof.key_pem[0] == '-');
    w.now += 5000;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_SOLVER);
    key_is_gone();
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    external_stop(&x);
    key_is_gone();
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    external_close(&x);
    key_is_gone();
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK_INT(s->ops->end(s, &c, ACME_OUTCOME_UNKNOWN), ACME_OK);
    CHECK(is_zero(tls.proof.key_pem, sizeof tls.proof.key_pem));
    CHECK_INT(s->ops->begin(s, &c), ACME_AGAIN);
    CHECK_INT(s->ops->begin(s, &other), ACME_AGAIN);
    CHECK(is_zero(tls.proof.key_pem, sizeof tls.proof.key_pem));
}

TEST(files_that_cannot_be_removed)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01);
    struct acme_solver *s = serving(EXTERNAL_HANDLER, true, 0);

    files.drop_answer = ACME_E_SOLVER;
    until_done(s, &c, true, ACME_E_SOLVER); /* of a run before: end without begin */
    CHECK_STR(x.why, "the files of tls-alpn-01 cannot be removed");
    CHECK_STR(w.log, "!pre-cleanup\n>cleanup\n!cleanup\n");
    CHECK_INT(files.dropped, 1);
    files.drop_answer = ACME_OK;
    c.token = "../../etc/passwdaaaaaaaaaaa"; /* no file has such a name */
    until_done(s, &c, true, ACME_OK);
    CHECK_INT(files.dropped, 1);
    c = challenge(ACME_CHALLENGE_HTTP01);
    until_done(s, &c, true, ACME_OK);
    CHECK_INT(files.dropped, 1);
}

TEST(tls_alone)
{
    struct acme_challenge c = challenge(ACME_CHALLENGE_TLSALPN01),
                          a = challenge(ACME_CHALLENGE_HTTP01);
    struct acme_solver *all = serving(EXTERNAL_JSON, true, 0),
                       *s = external_of(&x, ACME_CHALLENGE_TLSALPN01);

    CHECK(s != NULL && (all->ops->types & (unsigned)ACME_CHALLENGE_TLSALPN01) != 0);
    CHECK_INT(s->ops->begin(s, &a), ACME_E_DECLINED);
    c.wildcard = true;
    CHECK_INT(s->ops->begin(s, &c), ACME_E_DECLINED);
    c.wildcard = false;
    w.answers = 1;
    CHECK_INT(s->ops->begin(s, &c), ACME_OK);
    CHECK_INT(files.made, 1);
}

RUN()
