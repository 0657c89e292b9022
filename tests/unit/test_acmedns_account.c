/* test_acmedns_account.c - a registration at an acme-dns server: its JSON, its record */
#include "acmedns_account.h"

#include "acme_err.h"
#include "acme_store.h"
#include "slot_world.h"

#define URL  "https://auth.example.org"
#define NAME "dev.example.net"

static const struct acme_port port = {.slots = &slot_ops};
static uint8_t room_bytes[ACMEDNS_ACCOUNT_MAX];
static const struct acme_span room = {room_bytes, sizeof room_bytes};

static bool wiped(void)
{
    for (size_t i = 0; i < sizeof room_bytes; i++) {
        if (room_bytes[i] != 0)
            return false;
    }
    return true;
}

static struct acmedns_account account(void)
{
    struct acmedns_account a = {"u-1", "p_2-Z", "8e5700ea-a4bf-41c7", ""};

    strcpy(a.fulldomain, "8e5700ea-a4bf-41c7.auth.example.org");
    return a;
}

static int read_json(const char *text, struct acmedns_account *out)
{
    static union {
        void *align;
        uint8_t bytes[16384];
    } arena;
    const struct acme_json *root = NULL;
    int err = acme_json_parse(acme_slice_text(text),
                              (struct acme_span){arena.bytes, sizeof arena.bytes}, &root);

    return err != ACME_OK ? err : acmedns_account_read(root, out);
}

/* ---- */

TEST(what_register_answers)
{
    struct acmedns_account a;

    CHECK_INT(
        read_json("{\"allowfrom\":[\"192.168.100.1/24\"],"
                  "\"fulldomain\":\"8e5700ea.Auth.acme-dns.io.\",\"password\":\"htB9mR9D_-7Z\","
                  "\"subdomain\":\"8e5700ea\",\"username\":\"c36f50e8-4632\"}",
                  &a),
        ACME_OK);
    CHECK_STR(a.username, "c36f50e8-4632");
    CHECK_STR(a.password, "htB9mR9D_-7Z");
    CHECK_STR(a.subdomain, "8e5700ea");
    CHECK_STR(a.fulldomain, "8e5700ea.auth.acme-dns.io");
}

/* They go into the head of a request, into JSON, and to people. */
TEST(what_makes_no_sense)
{
    static const char good[] = "{\"username\":\"u\",\"password\":\"p\",\"subdomain\":\"s\","
                               "\"fulldomain\":\"s.a.example\"}";
    static const struct {
        const char *find, *put;
    } bad[] = {
        {"\"u\"", "\"\""},
        {"\"u\"", "7"},
        {"\"u\"", "null"},
        {"\"u\"", "\"u\\r\\nX: y\""},
        {"\"u\"", "\"u v\""},
        {"\"u\"", "\"u_v\""},
        {"\"p\"", "\"\""},
        {"\"p\"", "\"p\\n\""},
        {"\"p\"", "\"p\\\"\""},
        {"\"p\"", "\"p\\u00e4\""},
        {"\"s\"", "\"t\""},
        {"\"s\"", "\"s.a\""},
        {"\"s\"", "\"\""},
        {"\"s.a.example\"", "\"s\""},
        {"\"s.a.example\"", "\"sa.example\""},
        {"\"s.a.example\"", "\"s.a b\""},
        {"\"s.a.example\"", "\"*.a.example\""},
        {"\"s.a.example\"", "\"s.\""},
        {"\"fulldomain\"", "\"full\""},
    };
    struct acmedns_account a;
    char text[400];

    CHECK_INT(read_json(good, &a), ACME_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *at = strstr(good, bad[i].find);
        CHECK(at != NULL);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, bad[i].put,
                 at + strlen(bad[i].find));
        if (read_json(text, &a) != ACME_E_REPLY)
            test_stop(TEST_FAILED, "taken: %s", text);
        CHECK_STR(a.password, "");
    }
    CHECK_INT(read_json("[]", &a), ACME_E_REPLY);
    CHECK_INT(acmedns_account_read(NULL, &a), ACME_E_REPLY);
}

TEST(texts_that_are_too_long)
{
    struct acmedns_account a;
    char text[1200], filler[600];
    static const struct {
        size_t user, password, sub;
        int err;
    } cases[] = {
        {64, 128, 63, ACME_OK},
        {65, 128, 63, ACME_E_REPLY},
        {64, 129, 63, ACME_E_REPLY},
        {64, 128, 64, ACME_E_REPLY},
    };

    memset(filler, 'a', sizeof filler);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text,
                 "{\"username\":\"%.*s\",\"password\":\"%.*s\",\"subdomain\":\"%.*s\","
                 "\"fulldomain\":\"%.*s.example\"}",
                 (int)cases[i].user, filler, (int)cases[i].password, filler, (int)cases[i].sub,
                 filler, (int)cases[i].sub, filler);
        CHECK_INT(read_json(text, &a), cases[i].err);
    }
}

TEST(a_record_of_it)
{
    struct acmedns_account a = account(), b;
    char key[ACME_SLOT_KEY_MAX + 1], other[ACME_SLOT_KEY_MAX + 1];

    memset(&medium, 0, sizeof medium);
    CHECK_INT(acmedns_account_key(URL, NAME, key), ACME_OK);
    CHECK_STR(key, "acmedns-9cca28." NAME);
    CHECK_INT(acmedns_account_key(URL "2", NAME, other), ACME_OK);
    CHECK(strcmp(key, other) != 0);
    CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), ACME_E_SLOT_EMPTY);
    medium.err = ACME_AGAIN;
    CHECK_INT(acmedns_account_save(&port, key, URL, room, &a), ACME_AGAIN);
    CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), ACME_AGAIN);
    medium.err = ACME_OK;
    CHECK_INT(acmedns_account_save(&port, key, URL, room, &a), ACME_OK);
    CHECK(wiped());
    CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), ACME_OK);
    CHECK_MEM(&a, &b, sizeof a);
    CHECK(wiped());
    /* Two servers whose hashes begin alike are still two. */
    CHECK_INT(acmedns_account_load(&port, key, URL "2", room, &b), ACME_E_SLOT_CORRUPT);
    CHECK_STR(b.password, "");
}

TEST(the_longest_name_has_a_key)
{
    char name[ACME_NAME_ROOM], key[ACME_SLOT_KEY_MAX + 1];

    memset(name, 'a', sizeof name);
    name[237] = '\0'; /* with _acme-challenge before it 253 */
    CHECK_INT(acmedns_account_key(URL, name, key), ACME_OK);
    memset(name, 'a', sizeof name);
    name[253] = '\0';
    CHECK_INT(acmedns_account_key(URL, name, key), ACME_E_NAME);
}

TEST(every_damage_is_seen)
{
    struct acmedns_account a = account(), b;
    char key[ACME_SLOT_KEY_MAX + 1];
    size_t whole;

    memset(&medium, 0, sizeof medium);
    CHECK_INT(acmedns_account_key(URL, NAME, key), ACME_OK);
    CHECK_INT(acmedns_account_save(&port, key, URL, room, &a), ACME_OK);
    whole = medium.held[0].len;
    for (size_t i = 0; i < whole; i++) {
        medium.held[0].data[i] ^= 0x10;
        CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), ACME_E_SLOT_CORRUPT);
        CHECK_STR(b.password, "");
        medium.held[0].data[i] ^= 0x10;
    }
    for (medium.held[0].len = 1; medium.held[0].len < whole; medium.held[0].len++)
        CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), ACME_E_SLOT_CORRUPT);
    CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), ACME_OK);
}

/* A record that was written whole, but says nonsense, or more than we know. */
TEST(strange_records)
{
    static const struct {
        uint16_t tag;
        const char *text;
        int err;
    } more[] = {
        {99, "newer", ACME_OK},
        {0x8063, "newer", ACME_E_SLOT_VERSION},
        {ACMEDNS_TAG_PASSWORD, "a\r\nb", ACME_E_SLOT_CORRUPT},
        {ACMEDNS_TAG_USERNAME, "", ACME_E_SLOT_CORRUPT},
        {ACMEDNS_TAG_FULLDOMAIN, "elsewhere.example", ACME_E_SLOT_CORRUPT},
        {ACMEDNS_TAG_SUBDOMAIN, "a.b", ACME_E_SLOT_CORRUPT},
    };
    struct acmedns_account a = account(), b;
    struct acme_record_writer w;
    char key[ACME_SLOT_KEY_MAX + 1];
    int n;

    CHECK_INT(acmedns_account_key(URL, NAME, key), ACME_OK);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        memset(&medium, 0, sizeof medium);
        acme_record_begin(&w, (struct acme_span){medium.held[0].data, sizeof medium.held[0].data},
                          ACME_SLOT_SOLVER, 0);
        acme_record_text(&w, ACMEDNS_TAG_URL, URL);
        acme_record_text(&w, ACMEDNS_TAG_USERNAME, a.username);
        acme_record_text(&w, ACMEDNS_TAG_PASSWORD, a.password);
        acme_record_text(&w, ACMEDNS_TAG_SUBDOMAIN, a.subdomain);
        acme_record_text(&w, ACMEDNS_TAG_FULLDOMAIN, a.fulldomain);
        acme_record_text(&w, more[i].tag, more[i].text);
        n = acme_record_end(&w);
        CHECK(n > 0);
        medium.held[0].len = (size_t)n;
        strcpy(medium.held[0].key, key);
        CHECK_INT(acmedns_account_load(&port, key, URL, room, &b), more[i].err);
    }
}

RUN()
