/* import.h - accounts of other clients: found, and what their files tell
 *
 * | client  | an account is a folder                                      | with            |
 * |---------|-------------------------------------------------------------|-----------------|
 * | certbot | CONFIG/accounts/HOST[:PORT]/PATH/ID                         | private_key.json (JWK),
 * regr.json (its URL) | | acme.sh | HOME/ca/HOST/PATH, without the port                         |
 * account.key (PEM), ca.conf (its URL, contact), account.json (as the CA sent it) | | lego    |
 * .lego/accounts/HOST[_PORT]/ID, ID: usually the address      | account.json (address, URL),
 * keys/ID.key (PEM); since 5.0 ID.key |
 *
 * These folders belong to somebody else. So no symbolic link in them is followed, only regular
 * files of bounded size are read, and nothing is written.
 */
#ifndef LWACME_IMPORT_H
#define LWACME_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "lwacme.h"

enum import_client { IMPORT_KEY_ALONE, IMPORT_CERTBOT, IMPORT_ACME_SH, IMPORT_LEGO };

enum { IMPORT_PATH = 1024, IMPORT_FOUND = 16 };

struct import_account {
    enum import_client client;
    char folder[IMPORT_PATH]; /* its real path */
    char key[256];            /* the key's file in it, or in its folder keys */
    bool in_keys;
    char place[IMPORT_PATH];  /* what the path tells of the CA: see import_place; "" nothing */
    char server[IMPORT_PATH]; /* the directory's URL, if path or files tell it; else "" */
    char url[IMPORT_PATH];    /* the account's, as the files tell; else "" */
    char contact[256];        /* an e-mail address, or "" */
};

struct import_search {
    struct import_account found[IMPORT_FOUND];
    size_t count;                /* may be above IMPORT_FOUND: those are not kept */
    size_t seen;                 /* entries of folders */
    char why[IMPORT_PATH + 100]; /* what stood in the way */
};

const char *import_client_name(enum import_client client);

/* Looks at path, a folder or a file. -1 and why: it cannot be read, or there is too much of it.
 * Nothing found is success. */
int import_search(struct import_search *s, const char *path);

/* A file in folder (a descriptor), which is a regular one below cap bytes; a NUL is added. The
 * length, or -1 and why. */
int import_read(int folder, const char *name, char *room, size_t cap, const char **why);
/* The key's file of an account. */
int import_read_key(const struct import_account *a, char *room, size_t cap, const char **why);

/* -- import_tell.c: what paths and files tell -- */

/* From folder: place and server. Then what the files in it tell. */
void import_tell(struct import_account *a, int folder);
/* Is this the directory of the account, as far as its files tell? */
bool import_fits(const struct import_account *a, const char *server);

#endif
