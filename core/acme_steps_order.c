/* The rows of an order: from newOrder to the stored certificate (RFC 8555 7.4, 7.5). */
#include "acme_steps.h"

#include <string.h>

#include "acme_csr.h"

#define POLL_MAX_MS  10000
#define WHY_AFTER_MS 20000  /* some CAs never move an order whose challenge failed */
#define PATIENCE_MS  600000 /* then the order is left open, and looked at by the next run */
#define ROUNDS_MAX   12

int acme_order_keep_text(struct acme_agent *a, const char *value)
{
    return acme_keep_text(a, a->order.text, &a->order.text_len, sizeof a->order.text, value,
                          "ACME_MAX_ORDER_TEXT");
}

int acme_order_keep_url(struct acme_agent *a, const char *url, const char *what)
{
    return acme_keep_url(a, a->order.text, &a->order.text_len, sizeof a->order.text, url, what);
}

const char *acme_order_text(const struct acme_agent *a, uint16_t offset)
{
    return offset != 0 ? a->order.text + offset : "";
}

/* The CA said why: its words are the failure's. The order is lost by it. */
int acme_order_refuse(struct acme_agent *a, int err, const struct acme_json *problem,
                      const char *identifier)
{
    a->order.dead = true;
    if (problem != NULL) {
        acme_read_problem(problem, &a->problem);
        if (a->problem.identifier[0] == '\0' && identifier != NULL)
            (void)acme_copy_text(a->problem.identifier, sizeof a->problem.identifier,
                                 acme_slice_text(identifier));
    }
    return err;
}

/* -- newOrder, and the order object -- */

int build_order(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_buf b;
    struct acme_name name;

    acme_buf_init(&b, a->config->memory.scratch.ptr, a->config->memory.scratch.len);
    acme_buf_text(&b, "{\"identifiers\":[");
    for (size_t i = 0; i < a->config->names_count; i++) {
        int err = acme_name_read(acme_slice_text(a->config->names[i]), &name, NULL);
        if (err != ACME_OK)
            return err;
        acme_buf_text(&b, i > 0 ? ",{\"type\":" : "{\"type\":");
        acme_buf_text(&b, name.type == ACME_ID_IP ? "\"ip\"" : "\"dns\"");
        acme_buf_text(&b, ",\"value\":");
        acme_buf_json(&b, acme_slice_text(name.text));
        acme_buf_char(&b, '}');
    }
    acme_buf_text(&b, "]}");
    *url = a->directory.text + a->directory.new_order;
    *payload = acme_buf_slice(&b);
    return b.overflow ? acme_fail_note(a, ACME_E_SIZE, "bound: scratch, for newOrder", NULL)
                      : ACME_OK;
}

/* The authorizations' URLs, read once in a run: an order that was resumed has names from its
 * record, but no URLs. A URL that was seen first stays (some CAs drop the array later), but not for
 * the next run, which might have to live with a wrong one for as long as the order does. */
static int order_authorizations(struct acme_agent *a, const struct acme_order_object *object)
{
    struct acme_order_state *order = &a->order;
    const struct acme_json *node = acme_json_first(object->authorizations);
    int at;

    if (order->relist && node != NULL) {
        acme_order_forget(order);
        order->relist = false;
    }
    if (order->names_count > 0 && order->names[0].authorization != 0)
        return ACME_OK;
    if (object->authorizations != NULL && object->authorizations_count < order->names_count)
        return acme_fail_note(a, ACME_E_REPLY, "the order's names have changed", NULL);
    if (object->authorizations_count > ACME_MAX_NAMES)
        return acme_fail_note(a, ACME_E_SIZE, "bound: ACME_MAX_NAMES, for authorizations", NULL);
    for (uint16_t i = 0; node != NULL; i++, node = acme_json_next(node)) {
        if (acme_json_text(node) == NULL)
            return acme_fail_note(a, ACME_E_REPLY, "an authorization is not a URL", NULL);
        at = acme_order_keep_url(a, acme_json_text(node), "an authorization");
        if (at < 0)
            return at;
        order->names[i].authorization = (uint16_t)at;
        if (i >= order->names_count)
            order->names_count = (uint16_t)(i + 1);
    }
    order->text_mark = order->text_len;
    return ACME_OK;
}

/* An order object: its status and URLs to facts (P36-P39). */
static int take_order(struct acme_agent *a, const struct acme_json *root)
{
    struct acme_order_state *order = &a->order;
    struct acme_order_object object;
    struct acme_event event = {.type = ACME_EVENT_ORDER, .detail = order->url};
    int err = acme_read_order(root, &object);
    int at;

    if (err != ACME_OK)
        return acme_fail_note(a, err, "the order object", NULL);
    err = order_authorizations(a, &object);
    if (err != ACME_OK)
        return err;
    order->status = (uint8_t)object.status;
    order->text_len = order->text_mark;
    order->certificate = 0;
    if (object.finalize != NULL &&
        strcmp(acme_order_text(a, order->finalize), object.finalize) != 0) {
        at = acme_order_keep_url(a, object.finalize, "finalize");
        if (at < 0)
            return at;
        order->finalize = (uint16_t)at;
        order->text_mark = order->text_len; /* some CAs leave it out later */
    }
    if (object.certificate != NULL) {
        at = acme_order_keep_url(a, object.certificate, "the certificate");
        if (at < 0)
            return at;
        order->certificate = (uint16_t)at;
    }
    if (object.status == ACME_STATUS_INVALID && object.error != NULL)
        acme_read_problem(object.error, &a->problem);
    event.text = acme_status_name(object.status);
    acme_emit(a, &event);
    return ACME_OK;
}

int accept_order(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL;
    struct acme_slice location;
    struct acme_url parts;
    int err;

    if (!acme_http_field(&reply->head, "location", 0, &location))
        return acme_fail_note(a, ACME_E_REPLY, "newOrder gave no Location", NULL);
    err = acme_url_read(location, &parts);
    if (err == ACME_E_SIZE)
        return acme_fail_note(a, ACME_E_SIZE, "bound: ACME_MAX_URL, for the order", NULL);
    if (err != ACME_OK || !acme_url_allowed(&a->directory_url, &parts, a->config->any_host))
        return acme_fail_note(a, ACME_E_URL, "the CA's URL for the order", NULL);
    if (!acme_copy_text(a->order.url, sizeof a->order.url, location))
        return acme_fail_note(a, ACME_E_SIZE, "bound: ACME_MAX_URL, for the order", NULL);
    /* From here on the CA has an order of ours, whatever the body says. */
    a->order.open = a->order.fresh = true;
    err = acme_reply_json(a, reply, &root);
    if (err == ACME_OK)
        err = take_order(a, root);
    if (err == ACME_OK && a->order.names_count == 0)
        err = acme_fail_note(a, ACME_E_REPLY, "the order has no authorizations", NULL);
    if (err != ACME_OK)
        return err;
    next->save = ACME_SAVE_ORDER;
    return acme_order_next(a, next);
}

/* -- look: the CA's order status is the state -- */

int build_look(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)payload;
    *url = a->order.url;
    return ACME_OK;
}

int accept_look(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL;
    int err = acme_reply_json(a, reply, &root);

    if (err == ACME_OK)
        err = take_order(a, root);
    return err == ACME_OK ? acme_order_next(a, next) : err;
}

/* The CA does not know the order any more: it has expired while we were away. */
int refused_look(struct acme_agent *a, const struct acme_problem *problem, struct acme_next *next)
{
    if (problem->http_status != 404 || a->order.fresh)
        return ACME_E_REFUSED;
    a->order.stale = true;
    next->row = ACME_ROW_END;
    return acme_run_again(a);
}

/* Once more in a while, slower each time. */
int acme_order_poll(struct acme_agent *a, struct acme_next *next, const char *what)
{
    struct acme_order_state *order = &a->order;
    uint64_t now = a->port->now_ms(a->port->ctx);

    if (order->since_ms == 0)
        order->since_ms = order->why_ms = now;
    if (now - order->since_ms > PATIENCE_MS)
        return acme_fail_note(a, ACME_E_TIMEOUT, "the CA did not finish in 10 minutes: ", what);
    if (order->poll_ms == 0)
        order->poll_ms = POLL_FIRST_MS;
    next->wait_ms = order->poll_ms;
    order->poll_ms = order->poll_ms * 2 > POLL_MAX_MS ? POLL_MAX_MS : order->poll_ms * 2;
    next->row = ACME_ROW_LOOK;
    return ACME_OK;
}

static int pending_next(struct acme_agent *a, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;
    uint64_t now = a->port->now_ms(a->port->ctx);

    if (order->responded) {
        /* After 20, 40, 80... s: a hundred names are a hundred requests. */
        uint64_t due = (order->why_ms - order->since_ms) * 2;
        if (order->since_ms != 0 &&
            now - order->since_ms > (due > WHY_AFTER_MS ? due : WHY_AFTER_MS)) {
            order->why_ms = now;
            order->index = 0;
            next->row = ACME_ROW_WHY;
            return ACME_OK;
        }
        return acme_order_poll(a, next, "validation");
    }
    if (++order->rounds > ROUNDS_MAX) {
        order->dead = true;
        return acme_fail_note(a, ACME_E_ORDER, "it stays pending though nothing is left to do",
                              NULL);
    }
    if (order->names_count == 0 || order->names[0].authorization == 0)
        return acme_fail_note(a, ACME_E_REPLY, "the order has no authorizations", NULL);
    order->index = 0;
    next->row = ACME_ROW_AUTHZ;
    return ACME_OK;
}

int acme_order_next(struct acme_agent *a, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;

    switch (order->status) {
    case ACME_STATUS_PENDING:
        return pending_next(a, next);
    case ACME_STATUS_READY:
        /* After a finalize: the CA has not taken it (or it was lost), so it may be sent again. */
        if (order->finalized && ++order->rounds > ROUNDS_MAX)
            return acme_fail_note(a, ACME_E_SERVER, "it stays ready though it was finalized", NULL);
        next->wait_ms = order->finalized ? 1000 : 0;
        next->row = ACME_ROW_KEY;
        return ACME_OK;
    case ACME_STATUS_PROCESSING:
        return acme_order_poll(a, next, "issuance");
    case ACME_STATUS_VALID:
        if (a->cert_key.type == ACME_KEY_NONE || order->certificate == 0) {
            order->dead = true;
            return acme_fail_note(a, ACME_E_ORDER,
                                  order->certificate == 0 ? "it is valid, with no certificate URL"
                                                          : "it is valid, but its key is lost",
                                  NULL);
        }
        next->row = ACME_ROW_CERT;
        return ACME_OK;
    case ACME_STATUS_INVALID:
        order->dead = true;
        order->index = 0;
        if (order->names_count == 0 || order->names[0].authorization == 0)
            return acme_fail_note(a, ACME_E_ORDER, "the order became invalid", NULL);
        next->row = ACME_ROW_WHY;
        return ACME_OK;
    default:
        order->dead = true;
        return acme_fail_note(a, ACME_E_ORDER, "the order's status is ",
                              acme_status_name((enum acme_status)order->status));
    }
}

/* -- finalize and certificate -- */

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
    if (a->cert_key.type == (uint8_t)type) {
        /* It came with the order, but the order's record may have failed. */
        next->save = a->order.open && !a->order.key_stored ? ACME_SAVE_ORDER : 0;
        return ACME_OK;
    }
    if (a->config->reuse_key && a->cert.has)
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
    struct acme_slice csr = {NULL, 0};
    struct acme_buf b;
    int err = acme_csr_write(scratch, a->config->names, a->config->names_count, &a->cert_key, &csr);

    if (err != ACME_OK)
        return err == ACME_E_SIZE ? acme_fail_note(a, err, "bound: scratch, for the CSR", NULL)
                                  : err;
    if (a->order.finalize == 0)
        return acme_fail_note(a, ACME_E_REPLY, "the order has no finalize URL", NULL);
    /* The CSR lies at the end of scratch, the payload grows towards it from the start. */
    acme_buf_init(&b, scratch.ptr, (size_t)(csr.ptr - scratch.ptr));
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
    if (take_order(a, root) != ACME_OK)
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
    *url = acme_order_text(a, a->order.certificate);
    return ACME_OK;
}

/* Nothing replaces a certificate before it has passed every check (P78, P79). */
int accept_cert(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_span io = a->config->memory.io;
    struct acme_span text;
    struct acme_chain chain;
    struct acme_cert_facts facts;
    struct acme_cert_verdict verdict = {"it cannot be read", 0};
    int64_t now = 0;
    int err;

    /* The body lies in io, which is ours to write: the DER takes the place of the PEM. */
    text.ptr = io.ptr + (reply->body.ptr - io.ptr);
    text.len = reply->body.len;
    a->order.dead = true; /* until proved otherwise: the same bytes would come again */
    err = acme_chain_from_pem(text, &chain);
    if (err == ACME_E_SIZE || acme_wall_clock(a, &now) != ACME_OK)
        a->order.dead = false; /* nothing is wrong with it: it can be fetched again */
    if (err == ACME_E_SIZE)
        return acme_fail_note(a, err, "bound: ACME_MAX_CHAIN_CERTS", NULL);
    if (err != ACME_OK)
        return acme_fail_note(a, err, "the reply is not a chain of PEM certificates", NULL);
    err = acme_wall_clock(a, &now);
    if (err == ACME_OK)
        err = acme_cert_check(&chain, &a->cert_key, a->config->names, a->config->names_count, true,
                              now, 300, &verdict);
    if (err == ACME_OK)
        err = acme_cert_facts(acme_chain_at(&chain, 0), &facts);
    if (err == ACME_E_CERT)
        return acme_fail_note(a, err, verdict.why, NULL);
    if (err != ACME_OK)
        return err;
    memset(&a->fresh, 0, sizeof a->fresh);
    err = acme_sha256(a->order.url, strlen(a->order.url), a->fresh.order);
    if (err != ACME_OK)
        return err;
    a->fresh.has = a->fresh.wanted = true;
    a->fresh.sequence = a->cert.sequence + 1;
    a->fresh.slot = a->cert.slot == ACME_SLOT_CERT_A ? ACME_SLOT_CERT_B : ACME_SLOT_CERT_A;
    a->fresh.not_before = facts.not_before;
    a->fresh.not_after = facts.not_after;
    a->new_chain = chain.packed;
    a->order.dead = false;
    a->outcome = ACME_OK;
    next->row = ACME_ROW_END;
    next->save = ACME_SAVE_CERT;
    return ACME_OK;
}

/* -- clear -- */

/* May the next run go on with this order? Not when the CA, or our configuration, is done with it.
 */
static bool order_survives(const struct acme_agent *a)
{
    enum acme_class class_of = acme_err_class(a->outcome);

    if (!a->order.open || a->order.stale || a->order.dead || a->outcome == ACME_OK)
        return false;
    return a->outcome == ACME_E_RATE || a->outcome == ACME_E_SOLVER ||
           class_of == ACME_CLASS_NONE || class_of == ACME_CLASS_CONNECTION ||
           class_of == ACME_CLASS_OPERATOR;
}

int step_clear(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    (void)reply;
    next->row = ACME_ROW_REST;
    if (a->verdict == VERDICT_BACK) { /* nothing was ordered; what is open stays open */
        a->verdict = VERDICT_NONE;
        next->save = ACME_SAVE_SCHED | ACME_SAVE_BACK;
        return ACME_OK;
    }
    if (!order_survives(a)) {
        acme_order_reset(&a->order);
        acme_key_wipe(&a->cert_key);
    }
    acme_order_rest(&a->order);
    if (a->outcome == ACME_OK) {
        acme_sched_succeeded(&a->sched);
        memset(&a->failure, 0, sizeof a->failure);
    }
    next->save = ACME_SAVE_ORDER | ACME_SAVE_SCHED;
    if (a->ledger_changed)
        next->save |= ACME_SAVE_LEDGER;
    return ACME_OK;
}
