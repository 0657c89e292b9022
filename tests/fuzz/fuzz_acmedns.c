/* fuzz_acmedns.c - registrations at an acme-dns server (solvers/acmedns_account.c)
 *
 * Input: flags (1: the fields of a stored record, whose header is put right; else what /register
 * answers). What is taken is safe in the head of a request, in JSON and on a terminal, its name
 * begins with its subdomain, and it is stored and loaded the same; what is not leaves nothing.
 */
#include "acme_store.h"
#include "acmedns_account.h"
#include "fuzz.h"

#define URL "https://auth.example"

static struct {
    uint8_t data[ACMEDNS_ACCOUNT_MAX];
    size_t len;
} slot;

static int slot_read(void *ctx, enum acme_slot number, const char *key, void *buf, size_t cap)
{
    (void)ctx;
    FUZZ_CHECK(number == ACME_SLOT_SOLVER && key[0] != '\0');
    if (slot.len > cap)
        return ACME_E_SIZE;
    memcpy(buf, slot.data, slot.len);
    return (int)slot.len;
}

static int slot_write(void *ctx, enum acme_slot number, const char *key, const void *data,
                      size_t len)
{
    (void)ctx;
    FUZZ_CHECK(number == ACME_SLOT_SOLVER && key[0] != '\0' && len <= sizeof slot.data);
    memcpy(slot.data, data, len);
    slot.len = len;
    return ACME_OK;
}

static const struct acme_slots slots = {.read = slot_read, .write = slot_write};
static const struct acme_port port = {.slots = &slots};

static bool plain(const char *text, const char *more)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            strchr(more, c) == NULL)
            return false;
    }
    return len > 0;
}

static void check_taken(const struct acmedns_account *a)
{
    size_t sub = strlen(a->subdomain);

    FUZZ_CHECK(plain(a->username, "-") && plain(a->password, "-_") && plain(a->subdomain, "-"));
    FUZZ_CHECK(plain(a->fulldomain, "-.") && strlen(a->fulldomain) > sub + 1);
    FUZZ_CHECK(a->fulldomain[sub] == '.');
    for (size_t i = 0; i < sub; i++)
        FUZZ_CHECK((a->fulldomain[i] | 0x20) == (a->subdomain[i] | 0x20));
}

static void check_left(const struct acmedns_account *a)
{
    const uint8_t *bytes = (const uint8_t *)a;

    for (size_t i = 0; i < sizeof *a; i++)
        FUZZ_CHECK(bytes[i] == 0);
}

static int load(struct acmedns_account *a)
{
    struct acme_span room = {fuzz_room(ACMEDNS_ACCOUNT_MAX), ACMEDNS_ACCOUNT_MAX};
    int err = acmedns_account_load(&port, "acmedns-123456.a.example", URL, room, a);

    for (size_t i = 0; i < room.len; i++)
        FUZZ_CHECK(room.ptr[i] == 0);
    free(room.ptr);
    return err;
}

static void check_stored(const struct acmedns_account *a)
{
    struct acme_span room = {fuzz_room(ACMEDNS_ACCOUNT_MAX), ACMEDNS_ACCOUNT_MAX};
    struct acmedns_account again;

    FUZZ_CHECK(acmedns_account_save(&port, "k", URL, room, a) == ACME_OK);
    free(room.ptr);
    FUZZ_CHECK(load(&again) == ACME_OK);
    FUZZ_CHECK(strcmp(again.username, a->username) == 0 &&
               strcmp(again.password, a->password) == 0);
    FUZZ_CHECK(strcmp(again.subdomain, a->subdomain) == 0 &&
               strcmp(again.fulldomain, a->fulldomain) == 0);
}

static int load_fields(struct acme_slice fields, struct acmedns_account *a)
{
    struct acme_record_writer w;
    int len;

    acme_record_begin(&w, (struct acme_span){slot.data, sizeof slot.data}, ACME_SLOT_SOLVER, 0);
    acme_buf_put(&w.out, fields.ptr, fields.len);
    len = acme_record_end(&w);
    slot.len = len > 0 ? (size_t)len : 0;
    return load(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t arena[16384];
    struct fuzz_in in = {data, size};
    bool stored = (fuzz_byte(&in) & 1) != 0;
    struct acme_slice input = fuzz_rest(&in);
    const struct acme_json *root = NULL;
    struct acmedns_account a;
    int err;

    memset(&a, 0xa5, sizeof a);
    if (stored) {
        err = load_fields(input, &a);
    } else {
        err = acme_json_parse(input, (struct acme_span){arena, sizeof arena}, &root);
        if (err != ACME_OK)
            return 0;
        err = acmedns_account_read(root, &a);
    }
    if (err != ACME_OK) {
        check_left(&a);
        return 0;
    }
    check_taken(&a);
    check_stored(&a);
    return 0;
}
