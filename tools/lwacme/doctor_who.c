/* Which process listens on a port, as /proc tells (Linux). */
#include "doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTENING = 0x0a, SOCKETS_MAX_SEEN = 8 };

struct seen {
    unsigned long inodes[SOCKETS_MAX_SEEN];
    size_t count;
};

/* "  0: 00000000:0050 00000000:0000 0A ... uid timeout inode": its listeners on the port. */
static void read_table(const char *path, uint16_t port, struct seen *seen)
{
    char line[512];
    FILE *f = fopen(path, "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL && seen->count < SOCKETS_MAX_SEEN) {
        unsigned local = 0, state = 0;
        unsigned long inode = 0;
        if (sscanf(line, " %*[^:]: %*[^:]:%x %*[^ ] %x %*s %*s %*s %*s %*s %lu", &local, &state,
                   &inode) == 3 &&
            local == port && state == LISTENING)
            seen->inodes[seen->count++] = inode;
    }
    if (f != NULL)
        fclose(f);
}

/* Does the process have one of these sockets open? */
static bool has_one(const char *pid, const struct seen *seen)
{
    char path[300], link[80];
    const struct dirent *e;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    dir = opendir(path);
    while (dir != NULL && !found && (e = readdir(dir)) != NULL) {
        unsigned long inode = 0;
        ssize_t n;
        snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid, e->d_name);
        n = readlink(path, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        if (sscanf(link, "socket:[%lu]", &inode) != 1)
            continue;
        for (size_t i = 0; i < seen->count; i++)
            found |= seen->inodes[i] == inode;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static void name_of(const char *pid, char *out, size_t room)
{
    char path[64], name[40] = "a program";
    FILE *f;

    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    f = fopen(path, "re");
    if (f != NULL && fgets(name, sizeof name, f) != NULL)
        name[strcspn(name, "\n")] = '\0';
    if (f != NULL)
        fclose(f);
    snprintf(out, room, "%s (process %.20s)", name, pid);
}

void doctor_who_listens(uint16_t port, char *out, size_t room)
{
    struct seen seen = {{0}, 0};
    const struct dirent *e;
    DIR *dir;

    out[0] = '\0';
    read_table("/proc/net/tcp", port, &seen);
    read_table("/proc/net/tcp6", port, &seen);
    dir = seen.count > 0 ? opendir("/proc") : NULL;
    while (dir != NULL && out[0] == '\0' && (e = readdir(dir)) != NULL) {
        if (isdigit((unsigned char)e->d_name[0]) && has_one(e->d_name, &seen))
            name_of(e->d_name, out, room);
    }
    if (dir != NULL)
        closedir(dir);
}
