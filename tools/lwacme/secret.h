/* secret.h - key files that only whoever started the daemon may read */
#ifndef LWACME_SECRET_H
#define LWACME_SECRET_H

#include <stddef.h>
#include <sys/stat.h>

#define SECRET_ROOM 2048

/* Before rights are given up, and after the hook runner was begun: keeps what the file has, up to
 * SECRET_ROOM bytes, where it can be read. */
void secret_keep(const char *path);
/* For who could not open it (errno says why): what was kept, where the reason is EACCES. Its
 * length, or -1 and errno (0: too long); text is a secret, and *st what the file was. */
int secret_kept(const char *path, char *text, size_t cap, struct stat *st);

enum secret_state {
    SECRET_READ,   /* it is read as any file, or nothing was kept */
    SECRET_KEPT,   /* it cannot be read any more, and is what it was, as far as can be seen */
    SECRET_CHANGED /* it cannot be read any more, and is another one by now */
};
enum secret_state secret_state(const char *path);
void secret_wipe(void);

#endif
