/* conf_line.h - the lines of a configuration file, without what they mean
 *
 *   # a comment
 *   key = value
 *   [NAME]
 *
 * Blanks (spaces, tabs) at the begin and end of a line and around `=` do not count. A comment has
 * its own line. Lines end with LF or CRLF, the last one also with the file; a byte order mark in
 * front is passed over.
 */
#ifndef LWACME_CONF_LINE_H
#define LWACME_CONF_LINE_H

#include <stdbool.h>

#include "acme_buf.h"

#define CONF_LINE_MAX 4096 /* bytes of a line, without its end */
#define CONF_KEY_MAX  40

enum conf_kind { CONF_BAD, CONF_SECTION, CONF_PAIR };

struct conf_reader {
    struct acme_slice rest;
    unsigned number; /* of the line that was read last, from 1 */
};

struct conf_line {
    enum conf_kind kind;
    struct acme_slice key;   /* CONF_PAIR: letters, digits, `-` and `_`, 1..CONF_KEY_MAX of them */
    struct acme_slice value; /* CONF_PAIR: may be empty; CONF_SECTION: its name, not empty. UTF-8,
                                no control character but tabs inside, no blanks at its ends */
    const char *why; /* "what; what to do": CONF_BAD, or a CONF_SECTION without a name; NULL:
                        nothing is wrong */
};

void conf_reader_init(struct conf_reader *r, struct acme_slice text);
/* The next line that is neither blank nor a comment. False at the end. */
bool conf_line_next(struct conf_reader *r, struct conf_line *line);

/* UTF-8 without control characters (C0, DEL, C1). */
bool conf_plain_text(struct acme_slice text);

#endif
