/* acmedns_account.h - a registration at an acme-dns server: read from its JSON, kept in a slot
 *
 * It is good for the TXT records of one subdomain there, which keeps the last two values. So each
 * name that is proved has a registration of its own, and "*.NAME" that of NAME. Whoever has it can
 * get certificates for that name: it is a secret.
 */
#ifndef ACMEDNS_ACCOUNT_H
#define ACMEDNS_ACCOUNT_H

#include "acme_buf.h"
#include "acme_json.h"
#include "acme_name.h"
#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACMEDNS_URL_MAX     255  /* characters of the server's URL */
#define ACMEDNS_ACCOUNT_MAX 1024 /* bytes of a record, at most */

struct acmedns_account {
    char username[65];
    char password[129];
    char subdomain[64];
    char fulldomain[ACME_NAME_ROOM]; /* lower case, without the last dot */
};

/* The tags of its record in ACME_SLOT_SOLVER. Stored for ever: never renumber, never reuse. */
enum {
    ACMEDNS_TAG_URL = 16,
    ACMEDNS_TAG_USERNAME = 17,
    ACMEDNS_TAG_PASSWORD = 18,
    ACMEDNS_TAG_SUBDOMAIN = 19,
    ACMEDNS_TAG_FULLDOMAIN = 20
};

/* What POST /register answers, and what other clients keep of it. Each member is checked, because
 * they go into requests and to people. ACME_OK or ACME_E_REPLY. */
int acmedns_account_read(const struct acme_json *object, struct acmedns_account *out);

/* The slot's key of a name at a server: ACME_OK, ACME_E_NAME (too long), ACME_E_CRYPTO. */
int acmedns_account_key(const char *url, const char *identifier, char key[ACME_SLOT_KEY_MAX + 1]);
/* room: ACMEDNS_ACCOUNT_MAX bytes; wiped at the end. ACME_OK, ACME_AGAIN, what the slots answer
 * (ACME_E_SLOT_EMPTY: there is none), ACME_E_SLOT_CORRUPT, ACME_E_SLOT_VERSION. */
int acmedns_account_load(const struct acme_port *port, const char *key, const char *url,
                         struct acme_span room, struct acmedns_account *out);
int acmedns_account_save(const struct acme_port *port, const char *key, const char *url,
                         struct acme_span room, const struct acmedns_account *account);

#ifdef __cplusplus
}
#endif

#endif
