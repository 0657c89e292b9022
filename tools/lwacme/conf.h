/* conf.h - what the parts of the configuration file share */
#ifndef LWACME_CONF_H
#define LWACME_CONF_H

#include "options.h"

#define CONF_SIZE_MAX     (1024 * 1024) /* bytes of a file */
#define CONF_SECTIONS_MAX 10000
#define CONF_ERRORS_SHOWN 20
#define CONF_ERRORS_MAX   1000 /* who has made so many wants to see no more */

/* One value; of a list, one word. */
struct conf_entry {
    uint32_t value; /* where it lies in the text, ended by NUL */
    uint32_t line;
    uint32_t row; /* of option_rows */
};

struct conf_section {
    uint32_t first; /* entry; the last one is before the next section's first */
    uint32_t line;
    uint32_t name;   /* where it lies in the text, ended by NUL */
    bool broken;     /* its name cannot be read */
    uint64_t folder; /* a hash of its folder's name */
};

struct conf_error {
    uint32_t line;
    char text[600];
};

/* What was found, and what it is about. */
struct conf_judge {
    const struct conf *c;
    bool mute;          /* it was judged before */
    size_t first, last; /* entries that may be meant */
    uint32_t line;      /* or else this line */
    unsigned errors;
    unsigned kept; /* those that stand first in the file, in its order */
    struct conf_error list[CONF_ERRORS_SHOWN];
};
void conf_say(struct conf_judge *j, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conf_warn(struct conf_judge *j, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* All that was said, as errors are told. */
void conf_tell(const struct conf_judge *j);
/* Until NULL: what usage() says is an error of the file. */
void conf_listen(struct conf_judge *j);

/* The text of the file as lines, sections and values; what is wrong is said. 0, or -1 (too much
 * memory). conf_read.c */
int conf_read(struct conf *c, struct conf_judge *j);
/* The entries of section i, or with i == count those above all: first..*end. */
size_t conf_entries(const struct conf *c, size_t i, size_t *end);
/* The options of certificate i, or with i == count the daemon's own. False: something was refused;
 * it is said, unless j is mute. */
bool conf_build(const struct conf *c, size_t i, struct options *o, struct conf_judge *j);
/* What else can be wrong with all of them, files that they name included. conf_check.c */
void conf_check_all(struct conf *c, struct conf_judge *j);

#endif
