#include "test.h"

#include "crypto_world.h"

/* Run alone it checks the bytes; run with a folder's name it writes requests there for
 * tests/unit/csr_openssl.py, which asks openssl. */

static struct acme_key key;
static uint8_t room[40000];

static const char *const mixed[] = {"example.com", "*.example.com", "192.0.2.7", "2001:db8::1",
                                    "xn--bcher-kva.example"};

static struct acme_slice write_csr(const char *const *names, size_t count)
{
    struct acme_span span = {room, sizeof room};
    struct acme_slice out;

    CHECK_INT(acme_csr_write(span, names, count, &key, &out), ACME_OK);
    CHECK(out.ptr + out.len == room + sizeof room);
    return out;
}

TEST(one_name_is_264_bytes)
{
    static const char *const one[] = {"device.example.com"};
    struct acme_slice csr, in;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    csr = write_csr(one, 1);
    CHECK(csr.len > 230 && csr.len < 270);
    CHECK(acme_der_read_tag(&csr, ACME_DER_SEQUENCE, &in));
    CHECK_INT(csr.len, 0);
}

TEST(parts_are_where_rfc2986_puts_them)
{
    static const uint8_t sans[] = {0x82, 11,   'e',  'x',  'a', 'm',  'p',  'l', 'e', '.', 'c',
                                   'o',  'm',  0x82, 13,   '*', '.',  'e',  'x', 'a', 'm', 'p',
                                   'l',  'e',  '.',  'c',  'o', 'm',  0x87, 4,   192, 0,   2,
                                   7,    0x87, 16,   0x20, 1,   0x0d, 0xb8, 0,   0,   0,   0,
                                   0,    0,    0,    0,    0,   0,    0,    1};
    struct acme_slice csr, all, info, part, san;
    uint8_t tag;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    csr = write_csr(mixed, 4);
    CHECK(acme_der_read_tag(&csr, ACME_DER_SEQUENCE, &all));
    CHECK(acme_der_read_tag(&all, ACME_DER_SEQUENCE, &info));
    CHECK(acme_der_read_tag(&info, ACME_DER_INTEGER, &part));
    CHECK_INT(part.ptr[0], 0);
    CHECK(acme_der_read_tag(&info, ACME_DER_SEQUENCE, &part));
    CHECK_INT(part.len, 0); /* no subject */
    CHECK(acme_der_read_tag(&info, ACME_DER_SEQUENCE, &part));
    CHECK(acme_der_read_tag(&info, ACME_DER_CONTEXT(0), &part));
    CHECK(acme_der_read_tag(&part, ACME_DER_SEQUENCE, &san)); /* attribute */
    CHECK(acme_der_read(&san, &tag, &part, NULL));
    CHECK(acme_der_read_tag(&san, ACME_DER_SET, &part));
    CHECK(acme_der_read_tag(&part, ACME_DER_SEQUENCE, &san)); /* extensions */
    CHECK(acme_der_read_tag(&san, ACME_DER_SEQUENCE, &part));
    CHECK(acme_der_read_tag(&part, ACME_DER_OID, &san));
    CHECK(acme_der_read_tag(&part, ACME_DER_OCTET_STRING, &san));
    CHECK(acme_der_read_tag(&san, ACME_DER_SEQUENCE, &part));
    CHECK_INT(part.len, sizeof sans);
    CHECK_MEM(part.ptr, sans, sizeof sans);
}

/* openssl takes an RSA algorithm without its NULL; RFC 4055 does not. */
TEST(algorithm_identifiers)
{
    static const struct {
        enum acme_key_type type;
        uint8_t bytes[15];
        size_t len;
    } cases[] = {
        {ACME_KEY_P256, {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}, 12},
        {ACME_KEY_P384, {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}, 12},
        {ACME_KEY_RSA3072,
         {0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0},
         15},
    };

    for (size_t i = 0; i < 3; i++) {
        struct acme_der d;

        acme_der_init(&d, room, sizeof room);
        acme_csr_algorithm(&d, cases[i].type);
        CHECK_INT(acme_der_slice(&d).len, cases[i].len);
        CHECK_MEM(acme_der_slice(&d).ptr, cases[i].bytes, cases[i].len);
    }
}

TEST(same_arguments_same_bytes)
{
    static uint8_t first[2000];
    struct acme_slice csr;
    size_t len;

    world_reset();
    for (int type = ACME_KEY_P256; type <= ACME_KEY_RSA2048; type++) {
        if (!acme_key_supported((enum acme_key_type)type))
            continue;
        acme_key_make(&key, (enum acme_key_type)type);
        csr = write_csr(mixed, 5);
        len = csr.len;
        memcpy(first, csr.ptr, len);
        csr = write_csr(mixed, 5);
        CHECK_INT(csr.len, len);
        CHECK_MEM(csr.ptr, first, len);
    }
}

TEST(every_room_too_small_is_refused)
{
    struct acme_slice csr;
    size_t need;

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    need = write_csr(mixed, 5).len;
    for (size_t len = 0; len < need; len++) {
        struct acme_span span = {room, len};

        room[len] = 0xee;
        CHECK_INT(acme_csr_write(span, mixed, 5, &key, &csr), ACME_E_SIZE);
        CHECK_INT(csr.len, 0);
        CHECK_INT(room[len], 0xee);
    }
    CHECK_INT(acme_csr_write((struct acme_span){room, need}, mixed, 5, &key, &csr), ACME_OK);
}

TEST(bad_names_and_keys)
{
    static const char *const bad[] = {"example.com", "a..b"};
    struct acme_slice csr;
    struct acme_span span = {room, sizeof room};

    world_reset();
    acme_key_make(&key, ACME_KEY_P256);
    CHECK_INT(acme_csr_write(span, bad, 2, &key, &csr), ACME_E_NAME);
    CHECK_INT(acme_csr_write(span, bad, 0, &key, &csr), ACME_E_NAME);
    acme_key_wipe(&key);
    CHECK_INT(acme_csr_write(span, bad, 1, &key, &csr), ACME_E_CRYPTO);
}

static int write_file(const char *folder, const char *name, const char *ending, const void *data,
                      size_t len)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        fprintf(stderr, "%s: cannot be written\n", path);
        return 1;
    }
    return 0;
}

/* For each key type: one name, five of all kinds, a hundred. */
static int write_all(const char *folder)
{
    static char text[100][64];
    const char *hundred[100];
    struct acme_span span = {room, sizeof room};
    int failed = 0;

    world_reset();
    for (int i = 0; i < 100; i++) {
        snprintf(text[i], sizeof text[i], "host-%d.with-a-longer-name.example.org", i);
        hundred[i] = text[i];
    }
    for (int type = ACME_KEY_P256; type <= ACME_KEY_RSA4096; type++) {
        const char *name = acme_key_type_name((enum acme_key_type)type);
        const struct {
            const char *label;
            const char *const *names;
            size_t count;
        } sets[] = {{"1", mixed, 1}, {"mixed", mixed, 5}, {"100", hundred, 100}};

        if (!acme_key_supported((enum acme_key_type)type))
            continue;
        if (acme_key_make(&key, (enum acme_key_type)type) != ACME_OK)
            return 1;
        failed |= write_file(folder, name, ".key.der", key.der, key.len);
        for (size_t i = 0; i < 3; i++) {
            char label[64];
            struct acme_slice csr;

            snprintf(label, sizeof label, "%s-%s", name, sets[i].label);
            if (acme_csr_write(span, sets[i].names, sets[i].count, &key, &csr) != ACME_OK)
                return 1;
            failed |= write_file(folder, label, ".csr.der", csr.ptr, csr.len);
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    return argc == 2 ? write_all(argv[1]) : test_run_all();
}
