/* options.h - the one table of options: the command line and the configuration file read by it */
#ifndef LWACME_OPTIONS_H
#define LWACME_OPTIONS_H

#include "lwacme.h"

/* What becomes of a value, and what the member at `at` of struct options is. */
enum option_kind {
    OPTION_FLAG,   /* bool; takes no value (in a file: yes or no) */
    OPTION_COUNT,  /* int; one more each time, takes no value */
    OPTION_BIT,    /* unsigned; the bits `low` are set, takes no value */
    OPTION_TEXT,   /* const char *; not longer than `high`, 0: OPTION_VALUE_MAX */
    OPTION_NUMBER, /* uint16_t or uint32_t, as `size` tells; low..high */
    OPTION_CHOICE, /* bool; false for words[0], true for words[1] */
    OPTION_CALL,   /* `take` sets it */
    OPTION_HELP,
    OPTION_VERSION
};

#define OPTION_IN_FILE   (OPTION_FILE | OPTION_DAEMON | OPTION_SECTION)
#define OPTION_VALUE_MAX 2000
/* Room for the table in who counts its rows. */
#define OPTION_ROWS_MAX 128

enum {                     /* bits */
       OPTION_FILE = 1,    /* may stand in a configuration file: above its sections, and in one */
       OPTION_DAEMON = 2,  /* may stand there only above the first section */
       OPTION_SECTION = 4, /* may stand there only in a section */
       OPTION_MANY = 8,    /* again for more; otherwise a file has it once */
       OPTION_PATH = 16,   /* of a file or folder: absolute in a configuration file */
       OPTION_EMPTY = 32   /* its function judges the empty value too */
};

/* For which commands it may be typed. 0: it stands in a configuration file only. */
#define FOR(command) (1u << (command))

struct option_row {
    const char *name; /* NULL: only a letter */
    char letter;      /* 0: none */
    uint8_t kind;
    uint8_t bits;
    uint16_t at, size;
    uint16_t commands;
    uint32_t low, high;
    const char *words[2];
    /* EXIT_DONE, or EXIT_USAGE, said by usage(). value stays where it is as long as *o. */
    int (*take)(struct options *o, const struct option_row *row, char *value);
};
extern const struct option_row option_rows[];
extern const size_t option_rows_count;

/* Does it take a value? In a file everything does. */
bool option_takes_value(const struct option_row *row);
/* By its long name, to the letter; NULL if there is none. */
const struct option_row *option_find(struct acme_slice name);
/* value: not empty (but for OPTION_EMPTY); NULL if the option takes none. EXIT_DONE, or
 * EXIT_USAGE and it is said. */
int option_take(struct options *o, const struct option_row *row, char *value);

/* What holds where nothing is given. */
void options_init(struct options *o);
/* What of them excludes or needs one another, the certificate request read: EXIT_DONE, or
 * EXIT_USAGE and it is said. */
int options_check_one(struct options *o);
/* options_solve.c: how names are proved. */
int option_take_challenge(struct options *o, const struct option_row *row, char *value);
int option_take_preferred(struct options *o, const struct option_row *row, char *value);
int option_take_dns_server(struct options *o, const struct option_row *row, char *value);
int option_take_external(struct options *o, const struct option_row *row, char *value);
int option_take_issuer(struct options *o, const struct option_row *row, char *value);
int option_take_acme_dns(struct options *o, const struct option_row *row, char *value);
/* Of options_check_one. */
int options_check_solvers(const struct options *o);
/* Where nothing is given: the place for records of whom we run as. EXIT_DONE, or EXIT_USAGE. */
int options_state_dir(struct options *o);
/* Does ".NAME.<n>" fit into a folder, whatever n will be? */
bool options_folder_fits(const struct options *o);
/* Its --external needs streams, or starts programs: a daemon has none, and may not. */
bool options_not_for_daemon(const struct options *o);

/* usage() tells `say` instead of stderr, until called with NULL. text as it was given, and made
 * safe for a terminal (shown); both may be NULL. */
typedef void (*usage_listener)(void *ctx, const char *message, const char *text, const char *shown);
void usage_to(usage_listener say, void *ctx);

#endif
