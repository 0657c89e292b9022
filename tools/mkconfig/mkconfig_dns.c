/* The server and the key of dns-01 by DNS UPDATE, for the CONFIG record. */
#include "mkconfig.h"

#include "acme_crypto.h"
#include "dns01_stored.h"
#include "tsig.h"

static struct tsig tsig;
static struct dns01_2136_config config;
static bool has_key;
static uint8_t server[DNS01_STORED_SERVER_MAX], key[DNS01_STORED_KEY_MAX];

void dns_option(int what, const char *value)
{
    if (what == 'Y') {
        if (tsig_read(&tsig, value) != 0)
            die(tsig.why, NULL);
        has_key = true;
    } else if (what == 'Z')
        config.only_primary = true;
    else if (tsig_server(&tsig, value, &config) != 0)
        die("--dns-server must be ADDR, ADDR:PORT or [ADDR]:PORT, of a name or an IP address",
            value);
}

static struct acme_slice packed(const void *bytes, int len)
{
    if (len < 0)
        die("the DNS server or its key is too long", NULL);
    return acme_slice_of(bytes, (size_t)len);
}

void dns_add(struct acme_provision *provision)
{
    struct acme_span room = {server, sizeof server}, key_room = {key, sizeof key};

    if (config.server != NULL || config.only_primary)
        provision->dns = packed(server, dns01_stored_write(room, &config));
    if (has_key)
        provision->dns_key = packed(key, dns01_stored_key_write(key_room, &tsig.key));
    dns_tsig_key_wipe(&tsig.key);
}
