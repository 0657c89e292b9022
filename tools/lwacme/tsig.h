/* tsig.h - the server and the key of dns-01 by DNS UPDATE, as options and a file have them */
#ifndef LWACME_TSIG_H
#define LWACME_TSIG_H

#include "dns01_2136.h"
#include "lwacme.h"

struct tsig {
    struct dns_tsig_key key; /* secret */
    char server[ACME_NAME_ROOM];
    char why[400];
};
/* The key in a file that nobody but its owner may read: 0, or -1 and why. */
int tsig_read(struct tsig *t, const char *path);
/* ADDR[:PORT] (IPv6 with a port: [ADDR]:PORT) into *config, which then points into *t. 0, or -1. */
int tsig_server(struct tsig *t, const char *text, struct dns01_2136_config *config);
/* The text of such a file. 0, or -1 and *why. */
int tsig_parse(struct dns_tsig_key *key, struct acme_slice text, const char **why);

#endif
