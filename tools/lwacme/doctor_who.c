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

/* The nth (from 0) word of a line, with all that follows. */
static const char *field(const char *line, int n)
{
    line += strspn(line, " ");
    for (; n > 0; n--) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return line;
}

/* "  0: 00000000:0050 00000000:0000 0A ... uid timeout inode": its listeners on the port. */
static void read_table(const char *path, uint16_t port, struct seen *seen)
{
    char line[512];
    FILE *f = fopen(path, "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL && seen->count < SOCKETS_MAX_SEEN) {
        const char *local = field(line, 1), *state = field(line, 3), *inode = field(line, 9);
        const char *colon = strchr(local, ':');
        if (colon != NULL && strtoul(colon + 1, NULL, 16) == port &&
            strtoul(state, NULL, 16) == LISTENING)
            seen->inodes[seen->count++] = strtoul(inode, NULL, 10);
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
        static const char start[] = "socket:[";
        ssize_t n;
        snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid, e->d_name);
        n = readlink(path, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        if (strncmp(link, start, sizeof start - 1) != 0)
            continue;
        for (size_t i = 0; i < seen->count; i++)
            found |= seen->inodes[i] == strtoul(link + sizeof start - 1, NULL, 10);
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
