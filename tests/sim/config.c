/* config.c - what the device of a seed is told to do */
#include <string.h>

#include "run.h"

const char *const run_names[3] = {"a0.test", "b1.test", "c2.test"};
static const char *const run_wild[] = {"a0.test", "*.a0.test", "c2.test"};

static uint8_t run_io[20480];
static _Alignas(16) uint8_t run_scratch[32768];
static struct acme_slice run_anchor;

/* Size of the digest, name, key (acme_eab.h). */
static struct acme_slice run_binding(struct run *r)
{
    size_t len = 1;

    r->eab[0] = r->s.eab;
    memcpy(r->eab + len, "kid-1", 6);
    for (len = 7; len < 7 + 32; len++)
        r->eab[len] = (uint8_t)(len * 37 + r->s.eab);
    return acme_slice_of(r->eab, len);
}

void run_config(struct run *r)
{
    struct acme_config *c = &r->config;

    memset(c, 0, sizeof *c);
    c->directory_url = CA_DIRECTORY;
    c->names = r->s.wildcard ? run_wild : run_names;
    c->names_count = r->s.names;
    c->terms_agreed = true;
    c->prompt = true; /* a renewal begins while the faults are on; the spread is the fleet's */
    c->contact = "a@b.test";
    run_anchor = ca_stream_anchor();
    c->anchors.sets = &run_anchor;
    c->anchors.count = 1;
    c->account_key_type = r->s.account_key;
    c->cert_key_type = r->s.cert_key;
    c->reuse_key = r->s.reuse_key;
    c->profile = r->s.profile ? "short" : NULL;
    c->preferred_chain = r->s.chain == CHAIN_NAMED       ? "Old Root"
                         : r->s.chain == CHAIN_NOT_THERE ? "No Such Root"
                                                         : NULL;
    c->shortest_chain = r->s.chain == CHAIN_SHORTEST;
    if (r->s.eab > 0)
        c->eab = r->ca.bind = run_binding(r);
    c->replace_damaged = true;
    c->memory.io.ptr = run_io;
    c->memory.io.len = sizeof run_io;
    c->memory.scratch.ptr = run_scratch;
    c->memory.scratch.len = sizeof run_scratch;
    servers_config(r);
}
