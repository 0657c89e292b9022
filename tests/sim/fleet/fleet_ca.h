/* fleet_ca.h - what the two halves of the fleet's CA share */
#ifndef FLEET_CA_H
#define FLEET_CA_H

#include "fleet.h"

struct caf_reply {
    int status;
    bool no_nonce;
    uint32_t retry_after;
    char location[96];
    const char *type;
    size_t len;
    char body[4096];
};

/* A bucket of PROTOCOL 2.1. 0: there was one (and it is taken when asked to); else the milliseconds
 * until there is. */
int64_t caf_bucket(struct fleet *f, struct fleet_bucket *b, int64_t burst, int64_t every_ms,
                   bool take);
void caf_body(struct caf_reply *r, const char *text);
void caf_problem(struct caf_reply *r, int status, const char *type, const char *detail);
/* A refusal that says when to come back, and what that holds for: FLEET_SCOPE_... */
void caf_limit(struct fleet *f, struct fleet_device *d, struct caf_reply *r, int scope, int status,
               int64_t wait_ms);
/* Is this request one that the CA has asked not to make yet? */
void caf_early(struct fleet *f, const struct fleet_device *d, int scope);

/* fleet_ca_ari.c: renewal information (RFC 9773). */
void caf_window(struct fleet *f, struct fleet_device *d, const char *id, struct caf_reply *r);
/* May this newOrder name what it replaces? True; else the refusal is in the reply. Notes whether
 * the order is exempt from all limits. */
bool caf_replaces(struct fleet *f, struct fleet_device *d, const char *payload,
                  struct caf_reply *r);
void caf_revoke(struct fleet *f);

void caf_settle(struct fleet *f, struct fleet_device *d);
void caf_put_order(struct fleet *f, struct fleet_device *d, struct caf_reply *r);
void caf_new_order(struct fleet *f, struct fleet_device *d, const char *payload,
                   struct caf_reply *r);
void caf_put_authz(const struct fleet_device *d, struct caf_reply *r);
void caf_respond(struct fleet *f, struct fleet_device *d, struct caf_reply *r);
void caf_finalize(struct fleet *f, struct fleet_device *d, const char *payload, size_t len,
                  struct caf_reply *r);
void caf_certificate(struct fleet *f, struct fleet_device *d, struct caf_reply *r);

#endif
