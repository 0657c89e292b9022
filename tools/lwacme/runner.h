/* runner.h - what daemon and hook runner say to one another: one message, one act
 *
 * Both are the same program on the same machine, so numbers are as the machine writes them.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_crypto.h"
#include "acme_name.h"

enum runner_kind { RUNNER_RUN = 1, RUNNER_KILL, RUNNER_RELOAD };

struct runner_request {
    uint32_t kind;
    uint32_t serial; /* not 0; comes back in the answer. RUN has one, KILL and RELOAD have none */
    uint32_t index;  /* of the certificate in the configuration */
    uint32_t reason; /* 0..2 */
    char cert_name[ACME_NAME_ROOM]; /* must be the name of that certificate */
    /* of its name, program, folder and names (hook_hash), as the daemon has read them: the
     * runner's own copy of the configuration must say the same */
    uint8_t hash[ACME_SHA256_SIZE];
};

struct runner_answer {
    uint32_t serial;
    int32_t err, status;
    char why[400];
};

/* From whoever holds the other end: false if it is no request. */
bool runner_request_read(const void *data, size_t len, struct runner_request *out);

#endif
