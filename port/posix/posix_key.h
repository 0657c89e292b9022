/* posix_key.h - a slot's key to names of folders and files, and back */
#ifndef POSIX_KEY_H
#define POSIX_KEY_H

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest file name of every common file system, with its NUL. */
#define POSIX_NAME_SIZE 256

/* Where a slot lives: outer/inner/file; folders that it does not have are "". */
struct posix_place {
    const char *outer;
    char inner[POSIX_NAME_SIZE];
    char file[POSIX_NAME_SIZE];
    int secret; /* must not even be readable by others */
};

/* ACME_OK; ACME_E_ARG: not a slot, or not a key of that slot; ACME_E_SIZE: a name too long for a
 * file system. */
int posix_place(enum acme_slot slot, const char *key, struct posix_place *out);

/* The key of a folder below certs: 1, or 0 if it cannot be one of ours. */
int posix_key_of_folder(const char *name, char key[ACME_SLOT_KEY_MAX + 1]);

#ifdef __cplusplus
}
#endif

#endif
