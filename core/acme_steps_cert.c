/* The end of an order: the certificate's key, finalize, and the chain (RFC 8555 7.4). */
#include "acme_steps.h"

#include <string.h>

#include "acme_csr.h"
#include "acme_csr_read.h"

static bool slices_equal(struct acme_slice x, struct acme_slice y)
{
    return x.len == y.len && x.len > 0 && memcmp(x.ptr, y.ptr, x.len) == 0;
}

/* The key of the certificate in force, for a renewal that keeps it. */
static int reuse_key(struct acme_agent *a)
{
    struct acme_certificate old;
    struct acme_span io = a->config->memory.io; /* it took the record when it was loaded */
    int err = acme_agent_certificate(a, io, &old);

    if (err == ACME_OK)
        err = acme_key_read(&a->cert_key, old.key);
    acme_wipe(io.ptr, io.len);
    if (err != ACME_OK)
        acme_key_wipe(&a->cert_key);
    return err;
}

/* The key is somebody else's; it must not be the account's (RFC 8555 11.1). */
static int csr_key(struct acme_agent *a)
{
    struct acme_span scratch = a->config->memory.scratch;
    struct acme_public pub;
    struct acme_csr csr;
    struct acme_der d;
    const char *why = "";
    int err = acme_csr_read(a->config->csr, &csr, &why);

    if (err == ACME_OK)
        err = acme_key_public(&a->account_key, &pub);
    if (err != ACME_OK)
        return err;
    acme_der_init(&d, scratch.ptr, scratch.len);
    acme_csr_public(&d, &pub);
    if (slices_equal(acme_der_slice(&d), csr.spki))
        return acme_fail_note(a, ACME_E_CONFIG, "the request's key is the account's", NULL);
    return ACME_OK;
}

/* Made before newOrder, so that the record of the order holds it from the beginning. Later it is
 * only missing when a resumed order came without one that fits. */
int step_key(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    enum acme_key_type type = a->config->cert_key_type != 0
                                  ? (enum acme_key_type)a->config->cert_key_type
                                  : ACME_KEY_P256;
    int err = ACME_OK;

    (void)reply;
    next->row = a->order.open ? ACME_ROW_FINALIZE : ACME_ROW_ORDER;
    a->order.finalized = a->order.open;
    if (a->config->csr.len > 0)
        return csr_key(a);
    if (a->cert_key.type == (uint8_t)type) {
        /* It came with the order, but the order's record may have failed. */
        next->save = a->order.open && !a->order.key_stored ? ACME_SAVE_ORDER : 0;
        return ACME_OK;
    }
    if (a->config->reuse_key && a->cert.has && !acme_job_revoked(a)) /* it may be compromised */
        err = reuse_key(a);
    if (err == ACME_AGAIN)
        return err;
    if (a->cert_key.type != (uint8_t)type)
        err = acme_key_make(&a->cert_key, type);
    else
        err = ACME_OK;
    a->order.key_stored = false;
    if (a->order.open)
        next->save = ACME_SAVE_ORDER;
    next->wait_ms = err == ACME_AGAIN ? 100 : 0;
    return err;
}

int build_finalize(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_span scratch = a->config->memory.scratch;
    struct acme_slice csr = a->config->csr;
    size_t room = scratch.len;
    struct acme_buf b;
    int err = ACME_OK;

    if (csr.len == 0) {
        err = acme_csr_write(scratch, a->config->names, a->config->names_count, &a->cert_key, &csr);
        room = (size_t)(csr.ptr - scratch.ptr);
    }
    if (err != ACME_OK)
        return err == ACME_E_SIZE ? acme_fail_note(a, err, "bound: scratch, for the CSR", NULL)
                                  : err;
    if (a->order.finalize == 0)
        return acme_fail_note(a, ACME_E_REPLY, "the order has no finalize URL", NULL);
    /* The CSR lies at the end of scratch, the payload grows towards it from the start. */
    acme_buf_init(&b, scratch.ptr, room);
    acme_buf_text(&b, "{\"csr\":\"");
    acme_buf_b64url(&b, csr.ptr, csr.len);
    acme_buf_text(&b, "\"}");
    *url = acme_order_text(a, a->order.finalize);
    *payload = acme_buf_slice(&b);
    return b.overflow ? acme_fail_note(a, ACME_E_SIZE, "bound: scratch, for the CSR", NULL)
                      : ACME_OK;
}

int accept_finalize(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL;

    a->order.since_ms = 0;
    a->order.poll_ms = POLL_FIRST_MS;
    next->row = ACME_ROW_LOOK;
    /* The reply is the order (7.4); where a CA sends something else, a look will tell. */
    if (acme_json_parse(reply->body, a->config->memory.scratch, &root) != ACME_OK ||
        acme_json_member(root, "status") == NULL)
        return ACME_OK;
    if (acme_order_take(a, root) != ACME_OK)
        return ACME_OK;
    return acme_order_next(a, next);
}

/* 403 orderNotReady: the CA's own parts do not agree yet, so ask again in a moment (P74). */
int refused_finalize(struct acme_agent *a, const struct acme_problem *problem,
                     struct acme_next *next)
{
    if (problem->type != ACME_PROBLEM_ORDER_NOT_READY || ++a->order.rounds > ROUNDS_MAX) {
        a->order.dead = problem->http_status < 500 && problem->http_status != 429;
        return ACME_E_REFUSED;
    }
    next->row = ACME_ROW_LOOK;
    next->wait_ms = 1000;
    return ACME_OK;
}

int build_cert(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)payload;
    *url = acme_order_text(a, a->order.chain_at == 0 ? a->order.certificate
                                                     : a->order.alternates[a->order.chain_at - 1]);
    return ACME_OK;
}

/* Nothing replaces a certificate before it has passed every check (P78, P79). */
static int cert_check(struct acme_agent *a, struct acme_slice body, struct acme_chain *chain,
                      struct acme_cert_facts *facts)
{
    struct acme_span io = a->config->memory.io;
    struct acme_span text;
    struct acme_cert_verdict verdict = {"it cannot be read", 0};
    struct acme_csr csr;
    int64_t now = 0;
    int err;

    /* The body lies in io, which is ours to write: the DER takes the place of the PEM. */
    text.ptr = io.ptr + (body.ptr - io.ptr);
    text.len = body.len;
    a->order.dead = true; /* until proved otherwise: the same bytes would come again */
    err = acme_chain_from_pem(text, chain);
    if (err == ACME_E_SIZE || acme_wall_clock(a, &now) != ACME_OK)
        a->order.dead = false; /* nothing is wrong with it: it can be fetched again */
    if (err == ACME_E_SIZE)
        return acme_fail_note(a, err, "bound: ACME_MAX_CHAIN_CERTS", NULL);
    if (err != ACME_OK)
        return acme_fail_note(a, err, "the reply is not a chain of PEM certificates", NULL);
    err = acme_wall_clock(a, &now);
    if (err == ACME_OK)
        err = acme_cert_check(chain, a->config->csr.len > 0 ? NULL : &a->cert_key, a->config->names,
                              a->config->names_count, true, now, 300, &verdict);
    if (err == ACME_OK && a->config->csr.len > 0 &&
        (acme_csr_read(a->config->csr, &csr, &verdict.why) != ACME_OK ||
         !slices_equal(acme_cert_spki(acme_chain_at(chain, 0)), csr.spki))) {
        verdict.why = "it is for another key than the request's";
        err = ACME_E_CERT;
    }
    if (err == ACME_OK)
        err = acme_cert_facts(acme_chain_at(chain, 0), facts);
    return err == ACME_E_CERT ? acme_fail_note(a, err, verdict.why, NULL) : err;
}

int accept_cert(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_chain chain;
    struct acme_cert_facts facts;
    int err = cert_check(a, reply->body, &chain, &facts);

    if ((err == ACME_E_CERT || err == ACME_E_SIZE) && acme_pick_skip(a, next)) {
        a->order.dead = false;
        return ACME_OK;
    }
    if (err != ACME_OK)
        return err;
    a->order.dead = false;
    if (!acme_pick_chain(a, reply, &chain, next))
        return ACME_OK;
    memset(&a->fresh, 0, sizeof a->fresh);
    err = acme_sha256(a->order.url, strlen(a->order.url), a->fresh.order);
    if (err != ACME_OK)
        return err;
    a->fresh.has = a->fresh.wanted = true;
    a->fresh.sequence = a->cert.sequence + 1;
    a->fresh.slot = a->cert.slot == ACME_SLOT_CERT_A ? ACME_SLOT_CERT_B : ACME_SLOT_CERT_A;
    a->fresh.not_before = facts.not_before;
    a->fresh.not_after = facts.not_after;
    a->fresh.same_account = true;
    acme_server_issued(a);
    a->fresh.replaces = a->order.replaces;
    acme_ari_name(&a->fresh, &facts);
    a->new_chain = chain.packed;
    a->outcome = ACME_OK;
    next->row = ACME_ROW_END;
    next->save = ACME_SAVE_CERT;
    return ACME_OK;
}
