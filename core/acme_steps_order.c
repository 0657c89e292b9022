/* The rows of an order: newOrder, and the order object that chooses (RFC 8555 7.4, 7.5). */
#include "acme_steps.h"

#include <string.h>

#define POLL_MAX_MS  10000
#define WHY_AFTER_MS 20000  /* some CAs never move an order whose challenge failed */
#define PATIENCE_MS  600000 /* then the order is left open, and looked at by the next run */

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
    acme_buf_char(&b, ']');
    if (a->use_profile) {
        acme_buf_text(&b, ",\"profile\":\"");
        acme_buf_text(&b, a->config->profile);
        acme_buf_char(&b, '"');
    }
    if (acme_ari_replaces(a)) {
        acme_buf_text(&b, ",\"replaces\":\"");
        acme_buf_text(&b, a->cert.id);
        acme_buf_char(&b, '"');
    }
    acme_buf_char(&b, '}');
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
int acme_order_take(struct acme_agent *a, const struct acme_json *root)
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
    a->order.replaces = acme_ari_replaces(a);
    err = acme_reply_json(a, reply, &root);
    if (err == ACME_OK)
        err = acme_order_take(a, root);
    if (err == ACME_OK && a->order.names_count == 0)
        err = acme_fail_note(a, ACME_E_REPLY, "the order has no authorizations", NULL);
    if (err != ACME_OK)
        return err;
    next->save = ACME_SAVE_ORDER;
    return acme_order_next(a, next);
}

/* The CA refused before it made an order, so it may be asked once more, with less. */
int refused_order(struct acme_agent *a, const struct acme_problem *problem, struct acme_next *next)
{
    next->row = ACME_ROW_ORDER;
    if (problem->type == ACME_PROBLEM_INVALID_PROFILE && a->use_profile &&
        !a->config->profile_required) {
        a->use_profile = false;
        acme_tell_default(a, "the CA's default is taken, it refused the profile",
                          a->config->profile);
        return ACME_OK;
    }
    return acme_ari_refused(a, problem) ? ACME_OK : ACME_E_REFUSED;
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
        err = acme_order_take(a, root);
    if (err == ACME_OK)
        acme_pace_seen(a);
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

    if (order->poll_ms == 0)
        order->poll_ms = POLL_FIRST_MS;
    next->wait_ms = order->poll_ms;
    if (order->since_ms == 0) {
        order->since_ms = order->why_ms = now;
        next->wait_ms = acme_pace_first(a, order->poll_ms);
    }
    if (now - order->since_ms > PATIENCE_MS)
        return acme_fail_note(a, ACME_E_TIMEOUT, "the CA did not finish in 10 minutes: ", what);
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

    if (acme_server_rehearsed(a, next))
        return ACME_OK;
    switch (order->status) {
    case ACME_STATUS_PENDING:
        return pending_next(a, next);
    case ACME_STATUS_READY:
        if ((a->ask_flags & ACME_ASK_PROOFS) != 0 && !order->proofs_read &&
            order->names_count > 0 && order->names[0].authorization != 0) {
            order->proofs_read = true;
            order->index = 0;
            next->row = ACME_ROW_AUTHZ;
            return ACME_OK;
        }
        /* After a finalize: the CA has not taken it (or it was lost), so it may be sent again. */
        if (order->finalized && ++order->rounds > ROUNDS_MAX)
            return acme_fail_note(a, ACME_E_SERVER, "it stays ready though it was finalized", NULL);
        next->wait_ms = order->finalized ? 1000 : 0;
        next->row = ACME_ROW_KEY;
        return ACME_OK;
    case ACME_STATUS_PROCESSING:
        return acme_order_poll(a, next, "issuance");
    case ACME_STATUS_VALID:
        if ((a->cert_key.type == ACME_KEY_NONE && a->config->csr.len == 0) ||
            order->certificate == 0) {
            order->dead = true;
            return acme_fail_note(a, ACME_E_ORDER,
                                  order->certificate == 0 ? "it is valid, with no certificate URL"
                                                          : "it is valid, but its key is lost",
                                  NULL);
        }
        order->chain_at = order->chain_best = order->alternates_count = 0;
        order->chain_final = false;
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
    int64_t now = 0;

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
        if (a->renewed && acme_wall_clock(a, &now) == ACME_OK &&
            acme_sched_issued(&a->sched, now, a->cert.not_before, a->cert.not_after))
            acme_tell_default(a, "the CA's new certificate is old already: is our clock ahead?",
                              "");
        acme_server_succeeded(a);
        acme_choice_forget(a);
        memset(&a->failure, 0, sizeof a->failure);
    }
    next->save = ACME_SAVE_ORDER | ACME_SAVE_SCHED;
    if (a->ledger_changed)
        next->save |= ACME_SAVE_LEDGER;
    return ACME_OK;
}
