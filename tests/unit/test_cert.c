#include "test.h"

#include "acme_cert.h"
#include "crypto_world.h"

static struct acme_key leaf_key, ca_key, root_key;
static bool keys_made;

static const char *const two[] = {"example.com", "*.example.com"};
static const char *const kinds[] = {"example.com", "192.0.2.7", "2001:db8::1"};

/* leaf <- middle <- root; each test bends one of them. */
static struct made leaf, middle, root;
static uint8_t rooms[12][9000];
static struct acme_slice ders[12];
static size_t der_count;

static uint8_t text[120000];
static struct acme_buf pem;
static struct acme_chain chain;
static struct acme_cert_verdict verdict;

static void start(void)
{
    world_reset();
    if (!keys_made) {
        CHECK_INT(acme_key_make(&leaf_key, ACME_KEY_P256), ACME_OK);
        CHECK_INT(acme_key_make(&ca_key, world_p384()), ACME_OK);
        CHECK_INT(acme_key_make(&root_key, ACME_KEY_RSA4096), ACME_OK);
        keys_made = true;
    }
    leaf = (struct made){
        .key = &leaf_key, .signer = &ca_key, .issuer = "Middle", .names = two, .count = 2};
    middle = (struct made){.key = &ca_key,
                           .signer = &root_key,
                           .subject = "Middle",
                           .issuer = "Root",
                           .ca = true,
                           .path = 1};
    root = (struct made){.key = &root_key, .subject = "Root", .ca = true};
    der_count = 0;
}

static void add(const struct made *m)
{
    ders[der_count] = made_cert(m, rooms[der_count], sizeof rooms[0]);
    CHECK(ders[der_count].len > 0);
    der_count++;
}

static int pack(const char *end_of_line)
{
    acme_buf_init(&pem, text, sizeof text);
    for (size_t i = 0; i < der_count; i++)
        made_pem(&pem, ders[i], end_of_line);
    return acme_chain_from_pem((struct acme_span){text, pem.len}, &chain);
}

static int check_names(const char *const *names, size_t count)
{
    CHECK_INT(pack("\n"), ACME_OK);
    return acme_cert_check(&chain, &leaf_key, names, count, true, WORLD_NOW, 0, &verdict);
}

static void build_and_check(const char *why, size_t nth)
{
    add(&leaf);
    add(&middle);
    add(&root);
    if (why == NULL) {
        int ret = check_names(leaf.names, leaf.count);
        CHECK_STR(verdict.why, NULL);
        CHECK_INT(ret, ACME_OK);
    } else {
        CHECK_INT(check_names(leaf.names, leaf.count), ACME_E_CERT);
        CHECK_STR(verdict.why, why);
        CHECK_INT(verdict.nth, nth);
    }
}

/* --- PEM ------------------------------------------------------------------------------------- */

TEST(pem_unpacks_to_what_went_in)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", " \t\n"};

    start();
    add(&leaf);
    add(&middle);
    add(&root);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(pack(ends[i]), ACME_OK);
        CHECK_INT(acme_chain_count(&chain), 3);
        for (size_t n = 0; n < 3; n++) {
            CHECK_INT(acme_chain_at(&chain, n).len, ders[n].len);
            CHECK_MEM(acme_chain_at(&chain, n).ptr, ders[n].ptr, ders[n].len);
        }
        CHECK_INT(acme_chain_at(&chain, 3).len, 0);
    }
}

/* text before, one good certificate, text after. */
static int around(const char *before, const char *after)
{
    start();
    add(&leaf);
    acme_buf_init(&pem, text, sizeof text);
    acme_buf_text(&pem, before);
    made_pem(&pem, ders[0], "\n");
    acme_buf_text(&pem, after);
    return acme_chain_from_pem((struct acme_span){text, pem.len}, &chain);
}

TEST(pem_text_around)
{
    CHECK_INT(around("", ""), ACME_OK);
    CHECK_INT(around("\n \r\n\t\n", "\n\n"), ACME_OK);
    CHECK_INT(around("subject=CN example\n", "bye"), ACME_OK);
    CHECK_INT(around("x ----- y\n", ""), ACME_E_CERT);
    CHECK_INT(around("", "-----"), ACME_E_CERT);
}

TEST(pem_smuggled_key)
{
    static const char *const labels[] = {"PRIVATE KEY",
                                         "EC PRIVATE KEY",
                                         "RSA PRIVATE KEY",
                                         "ENCRYPTED PRIVATE KEY",
                                         "CERTIFICATE REQUEST",
                                         "X509 CERTIFICATE",
                                         "TRUSTED CERTIFICATE",
                                         "certificate",
                                         "CERTIFICATE-----\n-----BEGIN PRIVATE KEY",
                                         ""};

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        char block[200];

        snprintf(block, sizeof block, "-----BEGIN %s-----\nMAMCAQE=\n-----END %s-----\n", labels[i],
                 labels[i]);
        CHECK_INT(around("", block), ACME_E_CERT);
        CHECK_INT(around(block, ""), ACME_E_CERT);
    }
}

#define NESTED                                                                                     \
    "-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"                         \
    "-----END CERTIFICATE-----\n"

TEST(pem_broken_armour)
{
    static const char *const broken[] = {
        "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n",                            /* no end */
        "-----BEGIN CERTIFICATE-----",                                        /* nothing */
        "-----END CERTIFICATE-----\n",                                        /* no begin */
        NESTED,                                                               /* nested */
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",           /* empty */
        "-----BEGIN CERTIFICATE-----\nMAMCAQE\n-----END CERTIFICATE-----\n",  /* no filling */
        "-----BEGIN CERTIFICATE-----\nMAMCAQF=\n-----END CERTIFICATE-----\n", /* bits in it */
        "-----BEGIN CERTIFICATE-----\nMAMC=QE=\n-----END CERTIFICATE-----\n", /* in the middle */
        "-----BEGIN CERTIFICATE-----\nMAMC*QE=\n-----END CERTIFICATE-----\n", /* a stranger */
        "-----BEGIN CERTIFICATE-----\nMAMCAQEA\n-----END CERTIFICATE-----\n", /* a byte more */
        "-----BEGIN CERTIFICATE-----\nBAMCAQE=\n-----END CERTIFICATE-----\n", /* no SEQUENCE */
        "-----BEGIN CERTIFICATE-----\nA: b\n\nMAMCAQE=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----MAMCAQE=-----END CERTIFICATE-----\n", /* one line */
        " -----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----x\nMAMCAQE=\n-----END CERTIFICATE-----\n",
        "----BEGIN CERTIFICATE----\n-----END CERTIFICATE-----\n",
    };

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        if (around("", broken[i]) != ACME_E_CERT)
            test_stop(TEST_FAILED, "case %zu was taken", i);
    }
    CHECK_INT(around("", "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----"),
              ACME_OK); /* the last line may lack its end; it is DER, whatever it says */
}

TEST(pem_empty_and_blank)
{
    char nothing[] = "";
    char blank[] = " \n\n";
    char words[] = "no certificate here\n";

    CHECK_INT(acme_chain_from_pem((struct acme_span){(uint8_t *)nothing, 0}, &chain), ACME_E_CERT);
    CHECK_INT(acme_chain_from_pem((struct acme_span){(uint8_t *)blank, 3}, &chain), ACME_E_CERT);
    CHECK_INT(acme_chain_from_pem((struct acme_span){(uint8_t *)words, 20}, &chain), ACME_E_CERT);
    CHECK_INT(acme_chain_count(&chain), 0);
}

TEST(pem_bound_of_certificates)
{
    start();
    for (unsigned i = 0; i < ACME_MAX_CHAIN_CERTS; i++) {
        leaf.number = i;
        add(&leaf);
    }
    CHECK_INT(pack("\n"), ACME_OK);
    CHECK_INT(acme_chain_count(&chain), ACME_MAX_CHAIN_CERTS);
    add(&middle);
    CHECK_INT(pack("\n"), ACME_E_SIZE);
}

TEST(pem_cut_at_every_byte)
{
    start();
    add(&leaf);
    add(&middle);
    for (size_t len = 0;; len++) {
        int ret;

        CHECK_INT(pack("\n"), ACME_OK); /* decoding is in place: the text is made anew */
        acme_buf_init(&pem, text, sizeof text);
        made_pem(&pem, ders[0], "\n");
        made_pem(&pem, ders[1], "\n");
        if (len == pem.len)
            break;
        ret = acme_chain_from_pem((struct acme_span){text, len}, &chain);
        if (ret == ACME_OK) /* only between the two, and without the last line's end */
            CHECK(acme_chain_count(&chain) == 1 || len == pem.len - 1);
        else
            CHECK_INT(ret, ACME_E_CERT);
    }
}

TEST(packed_chain_that_is_damaged)
{
    static const uint8_t bad[][6] = {
        {5, 0, 0, 1, 2, 3}, {0, 0, 0, 1, 0, 0}, {1, 0, 0, 9, 1, 0}, {0xff, 0xff, 0xff, 0, 0, 0}};

    for (size_t i = 0; i < 4; i++) {
        chain.packed = acme_slice_of(bad[i], 6);
        CHECK_INT(acme_chain_count(&chain), 0);
        CHECK_INT(acme_chain_at(&chain, 5).len, 0);
    }
    chain.packed = acme_slice_of(NULL, 0);
    CHECK_INT(acme_chain_count(&chain), 0);
    CHECK_INT(acme_cert_check(&chain, &leaf_key, two, 2, true, WORLD_NOW, 0, &verdict),
              ACME_E_CERT);
    CHECK_STR(verdict.why, "the chain is empty or damaged");
}

/* --- facts and names -------------------------------------------------------------------------- */

TEST(facts)
{
    struct acme_cert_facts facts;
    uint8_t id[20];

    start();
    leaf.serial = "0087654321";
    leaf.from = WORLD_NOW - 100;
    leaf.to = 2556143999; /* 2050 and later: GeneralizedTime */
    leaf.issuer = "Mid\x01\x1b[2J\xc3\xbc \"x\"";
    add(&leaf);
    CHECK_INT(acme_cert_facts(ders[0], &facts), ACME_OK);
    CHECK_INT(facts.not_before, WORLD_NOW - 100);
    CHECK_INT(facts.not_after, 2556143999);
    CHECK_INT(facts.serial_len, 5);
    CHECK_MEM(facts.serial, "\x00\x87\x65\x43\x21", 5);
    made_key_id(&ca_key, id);
    CHECK_INT(facts.authority_key_len, 20);
    CHECK_MEM(facts.authority_key, id, 20);
    CHECK_STR(facts.issuer, "Mid??[2J?? \"x\"");
    leaf.no_key_ids = true;
    leaf.issuer = "0123456789012345678901234567890123456789012345678901234567890123456789"
                  "01234567890123456789012345678901234567890";
    add(&leaf);
    CHECK_INT(acme_cert_facts(ders[1], &facts), ACME_OK);
    CHECK_INT(facts.authority_key_len, 0);
    CHECK_INT(strlen(facts.issuer), sizeof facts.issuer - 1);
}

TEST(facts_of_every_cut_and_flip)
{
    static uint8_t copy[9000];
    struct acme_cert_facts facts;
    struct acme_name name;

    start();
    add(&leaf);
    for (size_t len = 0; len < ders[0].len; len++) {
        memcpy(copy, ders[0].ptr, len);
        CHECK_INT(acme_cert_facts(acme_slice_of(copy, len), &facts), ACME_E_CERT);
        CHECK_INT(acme_cert_san(acme_slice_of(copy, len), 0, &name), ACME_E_CERT);
    }
    for (size_t i = 0; i < ders[0].len * 8; i++) { /* no answer is expected: no crash is */
        memcpy(copy, ders[0].ptr, ders[0].len);
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
        (void)acme_cert_facts(acme_slice_of(copy, ders[0].len), &facts);
        (void)acme_cert_san(acme_slice_of(copy, ders[0].len), 1, &name);
    }
}

TEST(sans_one_by_one)
{
    struct acme_name name;

    start();
    leaf.names = kinds;
    leaf.count = 3;
    add(&leaf);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(acme_cert_san(ders[0], i, &name), ACME_OK);
        CHECK_STR(name.text, kinds[i]);
        CHECK_INT(name.type, i == 0 ? ACME_ID_DNS : ACME_ID_IP);
    }
    CHECK_INT(acme_cert_san(ders[0], 3, &name), ACME_AGAIN);
    leaf.with_email = true;
    leaf.names = two;
    leaf.count = 2;
    add(&leaf);
    CHECK_INT(acme_cert_san(ders[1], 2, &name), ACME_E_CERT);
}

/* --- the check -------------------------------------------------------------------------------- */

TEST(good_chain)
{
    start();
    build_and_check(NULL, 0);
}

TEST(good_chain_of_every_key)
{
    static struct acme_key rsa2048;

    start();
    CHECK_INT(acme_key_make(&rsa2048, ACME_KEY_RSA2048), ACME_OK);
    leaf.signer = middle.key = &rsa2048;
    build_and_check(NULL, 0);
    der_count = 0;
    leaf.key = &rsa2048;
    leaf.signer = middle.key = &ca_key;
    middle.signer = root.key = &ca_key;
    add(&leaf);
    add(&middle);
    CHECK_INT(pack("\n"), ACME_OK);
    CHECK_INT(acme_cert_check(&chain, &rsa2048, two, 2, true, WORLD_NOW, 0, &verdict), ACME_OK);
}

TEST(leaf_alone_and_without_root)
{
    start();
    add(&leaf);
    CHECK_INT(check_names(two, 2), ACME_OK);
    add(&middle);
    CHECK_INT(check_names(two, 2), ACME_OK);
}

TEST(other_key)
{
    static struct acme_key same_kind;

    start();
    leaf.key = &ca_key;
    build_and_check("it is for another key than ours", 0);
    start();
    CHECK_INT(acme_key_make(&same_kind, ACME_KEY_P256), ACME_OK);
    leaf.key = &same_kind;
    build_and_check("it is for another key than ours", 0);
}

TEST(names_differ)
{
    static const char *const more[] = {"example.com", "*.example.com", "www.example.com"};
    static const char *const less[] = {"example.com"};
    static const char *const other[] = {"example.com", "*.example.net"};
    static const char *const mixed_case[] = {"*.EXAMPLE.com", "Example.Com"};

    start();
    add(&leaf);
    CHECK_INT(check_names(mixed_case, 2), ACME_OK);
    CHECK_INT(check_names(more, 3), ACME_E_CERT);
    CHECK_STR(verdict.why, "it lacks a name that was asked for");
    CHECK_INT(check_names(less, 1), ACME_E_CERT);
    CHECK_STR(verdict.why, "it has a name that was not asked for");
    CHECK_INT(check_names(other, 2), ACME_E_CERT);
    CHECK_INT(check_names(two, 0), ACME_E_CERT);
}

TEST(names_twice_none_or_strange)
{
    static const char *const twice[] = {"example.com", "example.com"};

    start();
    leaf.names = twice;
    add(&leaf);
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
    CHECK_STR(verdict.why, "it has a name twice");
    der_count = 0;
    leaf.count = 0;
    leaf.subject = "example.com"; /* a common name is no name */
    add(&leaf);
    CHECK_INT(check_names(twice, 1), ACME_E_CERT);
    CHECK_STR(verdict.why, "it names nothing (no subjectAltName)");
    der_count = 0;
    leaf.names = two;
    leaf.count = 2;
    leaf.with_email = true;
    add(&leaf);
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
    CHECK_STR(verdict.why, "it has a name that is neither a DNS name nor an IP address");
}

TEST(names_of_ip_addresses)
{
    static const char *const spelled[] = {"2001:0DB8:0:0:0:0:0:1", "192.0.2.7", "example.com"};
    static const char *const other[] = {"2001:db8::2", "192.0.2.7", "example.com"};

    start();
    leaf.names = kinds;
    leaf.count = 3;
    add(&leaf);
    CHECK_INT(check_names(kinds, 3), ACME_OK);
    CHECK_INT(check_names(spelled, 3), ACME_OK);
    CHECK_INT(check_names(other, 3), ACME_E_CERT);
}

TEST(hundred_names)
{
    static char room[100][40];
    static const char *names[100], *turned[100];

    start();
    for (int i = 0; i < 100; i++) {
        snprintf(room[i], sizeof room[i], "n%d.example.org", i);
        names[i] = turned[99 - i] = room[i];
    }
    leaf.names = names;
    leaf.count = 100;
    add(&leaf);
    CHECK_INT(check_names(turned, 100), ACME_OK);
    CHECK_INT(check_names(turned, 99), ACME_E_CERT);
}

TEST(dates)
{
    start();
    leaf.from = WORLD_NOW;
    leaf.to = WORLD_NOW + 100;
    add(&leaf);
    CHECK_INT(pack("\n"), ACME_OK);
#define AT(have, now, skew)                                                                        \
    acme_cert_check(&chain, &leaf_key, two, 2, (have), (int64_t)(now), (skew), &verdict)
    CHECK_INT(AT(true, WORLD_NOW, 0), ACME_OK);
    CHECK_INT(AT(true, WORLD_NOW - 1, 0), ACME_E_CERT);
    CHECK_STR(verdict.why, "it is not yet valid");
    CHECK_INT(AT(true, WORLD_NOW - 60, 60), ACME_OK);
    CHECK_INT(AT(true, WORLD_NOW - 61, 60), ACME_E_CERT);
    CHECK_INT(AT(true, WORLD_NOW + 99, 0), ACME_OK);
    CHECK_INT(AT(true, WORLD_NOW + 100, 3600), ACME_E_CERT);
    CHECK_STR(verdict.why, "it has expired");
    CHECK_INT(AT(false, 0, 0), ACME_OK);
    leaf.from = WORLD_NOW + 200;
    der_count = 0;
    add(&leaf);
    CHECK_INT(pack("\n"), ACME_OK);
    CHECK_INT(AT(false, 0, 0), ACME_E_CERT);
    CHECK_STR(verdict.why, "its dates make no sense");
#undef AT
}

TEST(expired_cross_signed_root_is_no_reason)
{
    start();
    root.from = WORLD_NOW - 1000 * WORLD_DAY;
    root.to = WORLD_NOW - 10 * WORLD_DAY;
    build_and_check(NULL, 0);
}

TEST(wrong_signature_on_each)
{
    start();
    leaf.wrong_signature = true;
    build_and_check("its signature is wrong", 0);
    start();
    middle.wrong_signature = true;
    build_and_check("its signature is wrong", 1);
    start();
    root.wrong_signature = true; /* the last one's issuer may be absent: not judged */
    build_and_check(NULL, 0);
}

TEST(right_name_wrong_key)
{
    static struct acme_key stranger;

    start();
    CHECK_INT(acme_key_make(&stranger, world_p384()), ACME_OK);
    middle.key = &stranger;
    build_and_check("its signature is wrong", 0);
}

TEST(order_and_strangers)
{
    start();
    add(&leaf);
    add(&root);
    add(&middle);
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
    CHECK_STR(verdict.why, "the next one is not its issuer");
    CHECK_INT(verdict.nth, 0);
    start();
    add(&middle);
    add(&leaf);
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
}

TEST(certificate_twice)
{
    start();
    root.path = 0;
    add(&leaf);
    add(&middle);
    add(&root);
    add(&root);
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
    CHECK_STR(verdict.why, "it is in the chain twice");
    CHECK_INT(verdict.nth, 3);
}

TEST(issuer_that_may_not_sign)
{
    start();
    middle.ca = false;
    middle.path = 0;
    build_and_check("the next one may not sign certificates", 0);
    start();
    middle.cut_key_usage = true;
    build_and_check("the next one may not sign certificates", 0);
}

TEST(path_length)
{
    start();
    root.path = 1; /* none below it: but there is the middle */
    build_and_check("the chain is longer than the next one allows", 1);
    start();
    root.path = 2;
    build_and_check(NULL, 0);
}

TEST(garbage_in_the_chain)
{
    static const uint8_t junk[] = {0x30, 3, 2, 1, 1};

    start();
    ders[0] = acme_slice_of(junk, sizeof junk);
    der_count = 1;
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
    CHECK_STR(verdict.why, "it is not a valid certificate");
    start();
    add(&leaf);
    ders[1] = acme_slice_of(junk, sizeof junk);
    der_count = 2;
    CHECK_INT(check_names(two, 2), ACME_E_CERT);
    CHECK_INT(verdict.nth, 1);
}

/* Each bit of the leaf's signed part: never accepted. */
TEST(every_flipped_bit_is_refused)
{
    static uint8_t copy[9000];
    struct acme_slice good;

    start();
    add(&leaf);
    add(&middle);
    good = ders[0];
    ders[0] = acme_slice_of(copy, good.len);
    for (size_t i = 0; i < good.len * 8; i += 3) {
        memcpy(copy, good.ptr, good.len);
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
        if (pack("\n") == ACME_OK &&
            acme_cert_check(&chain, &leaf_key, two, 2, true, WORLD_NOW, 0, &verdict) == ACME_OK)
            test_stop(TEST_FAILED, "bit %zu of %zu bytes", i, good.len);
    }
}

RUN()
