/* help.h - the parts of --help */
#ifndef LWACME_HELP_H
#define LWACME_HELP_H

#include "lwacme.h"

extern const char help_commands[], help_commands_full[], help_options[], help_proofs[], help_jobs[],
    help_import[], help_status[], help_file[], help_end[];

#endif
