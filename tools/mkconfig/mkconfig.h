/* mkconfig.h - the parts of mkconfig */
#ifndef MKCONFIG_H
#define MKCONFIG_H

#include <stdbool.h>

#include "acme_provision.h"

_Noreturn void die(const char *what, const char *which);

/* What dns-01 by DNS UPDATE needs: an option, by its letter in mkconfig.c. */
void dns_option(int what, const char *value);
/* Into the record, at the end. */
void dns_add(struct acme_provision *provision);

#endif
