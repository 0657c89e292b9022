/* The anchors for the CA's own TLS: a PEM file, mapped and not copied. */
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const stores[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, OpenWrt (ca-bundle), Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",                  /* OpenWrt, Alpine */
};

static int map_file(struct trust *t, const char *path)
{
    struct stat st;
    void *map = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    else
        errno = EINVAL;
    close(fd);
    if (map == MAP_FAILED)
        return -1;
    t->text = acme_slice_of(map, (size_t)st.st_size);
    t->path = path;
    return 0;
}

int trust_open(struct trust *t, const char *path)
{
    memset(t, 0, sizeof *t);
    if (path != NULL) {
        if (map_file(t, path) == 0)
            return 0;
        snprintf(t->why, sizeof t->why, "%.300s: %s", path,
                 errno == EINVAL ? "is not a file with certificates" : strerror(errno));
        return -1;
    }
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        if (map_file(t, stores[i]) == 0)
            return 0;
    }
    snprintf(
        t->why, sizeof t->why,
        "this system has no store of trusted roots: install ca-certificates, or give --ca-file");
    return -1;
}

void trust_close(struct trust *t)
{
    if (t->text.ptr != NULL)
        munmap((void *)(uintptr_t)t->text.ptr, t->text.len);
    memset(t, 0, sizeof *t);
}
