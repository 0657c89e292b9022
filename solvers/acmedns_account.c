/* acmedns_account.c - a registration at an acme-dns server: read from its JSON, kept in a slot */
#include "acmedns_account.h"

#include <string.h>

#include "acme_crypto.h"
#include "acme_err.h"
#include "acme_store.h"

/* Letters, digits, "-" and, if told, "_": it goes into the head of a request. */
static bool aa_plain(const char *text, bool underscore)
{
    for (; *text != '\0'; text++) {
        char lower = (char)(*text | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(*text >= '0' && *text <= '9') && *text != '-' &&
            !(underscore && *text == '_'))
            return false;
    }
    return true;
}

static bool aa_copy(char *out, size_t room, const char *text)
{
    return text != NULL && text[0] != '\0' && acme_copy_text(out, room, acme_slice_text(text));
}

/* A host's name whose first label is the subdomain; without the last dot. */
static bool aa_domain(struct acmedns_account *account, const char *text)
{
    struct acme_slice full = acme_slice_text(text);
    struct acme_name name;
    size_t sub = strlen(account->subdomain);

    if (full.len > 0 && full.ptr[full.len - 1] == '.')
        full.len--;
    if (acme_name_read(full, &name, NULL) != ACME_OK || name.type != ACME_ID_DNS || name.wildcard)
        return false;
    memcpy(account->fulldomain, name.text, sizeof account->fulldomain);
    return strlen(name.text) > sub + 1 && name.text[sub] == '.' &&
           acme_slice_is_nocase(acme_slice_of(name.text, sub), account->subdomain);
}

static bool aa_ok(struct acmedns_account *account, const char *fulldomain)
{
    return account->username[0] != '\0' && aa_plain(account->username, false) &&
           account->password[0] != '\0' && aa_plain(account->password, true) &&
           account->subdomain[0] != '\0' && aa_plain(account->subdomain, false) &&
           aa_domain(account, fulldomain);
}

int acmedns_account_read(const struct acme_json *object, struct acmedns_account *out)
{
    const char *fulldomain = acme_json_member(object, "fulldomain");

    memset(out, 0, sizeof *out);
    if (aa_copy(out->username, sizeof out->username, acme_json_member(object, "username")) &&
        aa_copy(out->password, sizeof out->password, acme_json_member(object, "password")) &&
        aa_copy(out->subdomain, sizeof out->subdomain, acme_json_member(object, "subdomain")) &&
        fulldomain != NULL && aa_ok(out, fulldomain))
        return ACME_OK;
    acme_wipe(out, sizeof *out);
    return ACME_E_REPLY;
}

int acmedns_account_key(const char *url, const char *identifier, char key[ACME_SLOT_KEY_MAX + 1])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t digest[ACME_SHA256_SIZE];
    struct acme_buf b;
    int err = acme_sha256(url, strlen(url), digest);

    if (err != ACME_OK)
        return err;
    acme_buf_init(&b, key, ACME_SLOT_KEY_MAX + 1);
    acme_buf_text(&b, "acmedns-");
    for (unsigned i = 0; i < 3; i++) {
        acme_buf_char(&b, hex[digest[i] >> 4]);
        acme_buf_char(&b, hex[digest[i] & 15]);
    }
    acme_buf_char(&b, '.');
    acme_buf_text(&b, identifier);
    return acme_buf_end(&b) ? ACME_OK : ACME_E_NAME;
}

static int aa_decode(struct acme_slice data, const char *url, struct acmedns_account *out)
{
    char theirs[ACMEDNS_URL_MAX + 1] = "", fulldomain[ACME_NAME_ROOM] = "";
    const struct {
        uint16_t tag;
        char *at;
        size_t room;
    } texts[] = {
        {ACMEDNS_TAG_URL, theirs, sizeof theirs},
        {ACMEDNS_TAG_USERNAME, out->username, sizeof out->username},
        {ACMEDNS_TAG_PASSWORD, out->password, sizeof out->password},
        {ACMEDNS_TAG_SUBDOMAIN, out->subdomain, sizeof out->subdomain},
        {ACMEDNS_TAG_FULLDOMAIN, fulldomain, sizeof fulldomain},
    };
    struct acme_record record;
    struct acme_field field;
    int err = acme_record_open(&record, data, ACME_SLOT_SOLVER);

    memset(out, 0, sizeof *out);
    while (err == ACME_OK && acme_record_next(&record, &field)) {
        size_t i = 0;
        while (i < sizeof texts / sizeof texts[0] && texts[i].tag != field.tag)
            i++;
        if (i == sizeof texts / sizeof texts[0])
            err = acme_field_skip(&field);
        else if (!acme_field_text(&field, texts[i].at, texts[i].room))
            err = ACME_E_SLOT_CORRUPT;
    }
    /* Only its beginning is hashed in the key. */
    if (err == ACME_OK && (strcmp(theirs, url) != 0 || !aa_ok(out, fulldomain)))
        err = ACME_E_SLOT_CORRUPT;
    return err;
}

int acmedns_account_load(const struct acme_port *port, const char *key, const char *url,
                         struct acme_span room, struct acmedns_account *out)
{
    const struct acme_slots *slots = port->slots;
    int n = slots->read(slots->ctx, ACME_SLOT_SOLVER, key, room.ptr, room.len);

    if (n >= 0)
        n = aa_decode(acme_slice_of(room.ptr, (size_t)n), url, out);
    if (n != ACME_OK)
        acme_wipe(out, sizeof *out);
    acme_wipe(room.ptr, room.len);
    return n;
}

int acmedns_account_save(const struct acme_port *port, const char *key, const char *url,
                         struct acme_span room, const struct acmedns_account *account)
{
    const struct acme_slots *slots = port->slots;
    struct acme_record_writer w;
    int n;

    acme_record_begin(&w, room, ACME_SLOT_SOLVER, 0);
    acme_record_text(&w, ACMEDNS_TAG_URL, url);
    acme_record_text(&w, ACMEDNS_TAG_USERNAME, account->username);
    acme_record_text(&w, ACMEDNS_TAG_PASSWORD, account->password);
    acme_record_text(&w, ACMEDNS_TAG_SUBDOMAIN, account->subdomain);
    acme_record_text(&w, ACMEDNS_TAG_FULLDOMAIN, account->fulldomain);
    n = acme_record_end(&w);
    if (n > 0)
        n = slots->write(slots->ctx, ACME_SLOT_SOLVER, key, room.ptr, (size_t)n);
    acme_wipe(room.ptr, room.len);
    return n;
}
