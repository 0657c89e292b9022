#include "dns01_stored.h"

#include <string.h>

#include "acme_err.h"
#include "acme_name.h"

#define STORED_ONLY_PRIMARY 1
#define STORED_SECRET_LEAST 16

/* Bytes up to a NUL that is the last of them, and of no length but 0 or a name's. */
static bool stored_is_text(struct acme_slice text)
{
    return text.len > 0 && text.len <= DNS_NAME_ROOM &&
           memchr(text.ptr, 0, text.len) == text.ptr + (text.len - 1);
}

int dns01_stored_write(struct acme_span room, const struct dns01_2136_config *config)
{
    const char *server = config->server != NULL ? config->server : "";
    struct acme_buf b;

    acme_buf_init(&b, room.ptr, room.len);
    acme_buf_char(&b, (char)(config->only_primary ? STORED_ONLY_PRIMARY : 0));
    dns_msg_put16(&b, config->port);
    acme_buf_put(&b, server, strlen(server) + 1);
    return b.overflow ? ACME_E_SIZE : (int)b.len;
}

int dns01_stored_read(struct dns01_2136_config *config, struct acme_slice bytes)
{
    struct acme_slice server = acme_slice_of(bytes.ptr + 3, bytes.len < 3 ? 0 : bytes.len - 3);
    struct acme_name name;

    if (!stored_is_text(server) || (bytes.ptr[0] & ~STORED_ONLY_PRIMARY) != 0)
        return ACME_E_SLOT_CORRUPT;
    if (server.len > 1 &&
        (acme_name_read(acme_slice_of(server.ptr, server.len - 1), &name, NULL) != ACME_OK ||
         name.wildcard))
        return ACME_E_SLOT_CORRUPT;
    config->only_primary = bytes.ptr[0] != 0;
    config->port = (uint16_t)dns_msg_get16(bytes.ptr + 1);
    config->server = server.len > 1 ? (const char *)server.ptr : NULL;
    return ACME_OK;
}

int dns01_stored_key_write(struct acme_span room, const struct dns_tsig_key *key)
{
    struct acme_buf b;

    acme_buf_init(&b, room.ptr, room.len);
    acme_buf_char(&b, (char)key->hash);
    acme_buf_char(&b, (char)key->len);
    acme_buf_put(&b, key->secret, key->len);
    acme_buf_put(&b, key->name, strlen(key->name) + 1);
    return b.overflow ? ACME_E_SIZE : (int)b.len;
}

int dns01_stored_key_read(struct dns_tsig_key *key, struct acme_slice bytes)
{
    uint8_t room[DNS_NAME_ROOM + 1];
    struct acme_slice name;
    struct acme_buf b;
    size_t len;

    memset(key, 0, sizeof *key);
    if (bytes.len < 2 || (bytes.ptr[0] != 32 && bytes.ptr[0] != 64))
        return ACME_E_SLOT_CORRUPT;
    len = bytes.ptr[1];
    if (len < STORED_SECRET_LEAST || len > sizeof key->secret || bytes.len < 2 + len)
        return ACME_E_SLOT_CORRUPT;
    name = acme_slice_of(bytes.ptr + 2 + len, bytes.len - 2 - len);
    if (!stored_is_text(name) || name.len == 1)
        return ACME_E_SLOT_CORRUPT;
    acme_buf_init(&b, room, sizeof room);
    dns_msg_put_name(&b, (const char *)name.ptr);
    if (b.overflow)
        return ACME_E_SLOT_CORRUPT;
    memcpy(key->name, name.ptr, name.len);
    key->hash = bytes.ptr[0];
    key->len = (uint8_t)len;
    memcpy(key->secret, bytes.ptr + 2, len);
    return ACME_OK;
}
