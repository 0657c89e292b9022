/* deploy.h - lwacme issue --deploy-hook: the hook, run to its end */
#ifndef LWACME_DEPLOY_H
#define LWACME_DEPLOY_H

#include "lwacme.h"

struct deploy {
    void (*wait)(uint32_t ms); /* given by the caller: sleep, but serve what has to be served */
    bool (*stopped)(void);     /* has a signal come? */

    /* private */
    struct hook_job job;
    bool had; /* there were files before this run */
};
/* Before the run. */
void deploy_begin(struct deploy *d, const struct options *o);
/* After the files were installed: the hook, where one is owed. ACME_OK, or ACME_E_SOLVER and it has
 * been said. */
int deploy_end(struct deploy *d, const struct options *o, struct show *show, bool renewed);

#endif
