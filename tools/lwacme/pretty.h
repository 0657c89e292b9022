/* pretty.h - the CA's JSON for people: indented, one member a line, safe for a terminal */
#ifndef LWACME_PRETTY_H
#define LWACME_PRETTY_H

#include <stdbool.h>
#include <stdio.h>

#include "acme_buf.h"

/* As Python's json.dumps(indent=2) writes it: members in their order, ASCII alone (all else is
 * \uXXXX), numbers as they were. Ends with a newline. False, and nothing is printed: it is no JSON
 * (or nested above 16). */
bool pretty_json(FILE *to, struct acme_slice text);

/* Any other text: newlines and tabs as they are, what is not printable ASCII as \xXX. Ends with a
 * newline; prints nothing for no text. */
void pretty_text(FILE *to, struct acme_slice text);

#endif
