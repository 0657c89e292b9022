/* metrics.h - the state of certificates as a text file for Prometheus (exposition format 0.0.4)
 *
 * All samples of one metric stand together, so what is told of each certificate is kept until the
 * end: some hundred bytes for each.
 */
#ifndef METRICS_H
#define METRICS_H

#include "facts.h"

struct metrics_row; /* private, as are the members */
struct metrics {
    struct metrics_row *rows;
    size_t count, room;
    bool lost; /* a row found no memory */
};

void metrics_begin(struct metrics *m);
void metrics_add(struct metrics *m, const struct facts *f);
/* Writes the file aside, syncs it and renames it into place, 0644; gives the memory back, also
 * after an error. 0, or -1 and why. */
int metrics_end(struct metrics *m, const char *path, char *why, size_t room);

/* A label's value with its quotes. */
void metrics_label(struct acme_buf *b, const char *value);
/* We are root, and somebody else may lead what is written there elsewhere: why. */
bool metrics_doubt(const char *path, char *why, size_t room);

#endif
