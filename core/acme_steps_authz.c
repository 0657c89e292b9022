/* The rows that read authorizations: which challenge is taken, and why an order fails (RFC 8555
 * 7.1.4, 7.5). */
#include "acme_steps.h"

#include <string.h>

int build_authz(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)payload;
    *url = acme_order_text(a, a->order.names[a->order.index].authorization);
    return ACME_OK;
}

static bool name_is_ours(const struct acme_agent *a, const char *identifier)
{
    for (size_t i = 0; i < a->config->names_count; i++) {
        if (strcmp(a->config->names[i], identifier) == 0)
            return true;
    }
    return false;
}

/* Everything of a name but the URL of its authorization. */
static void swap_names(struct acme_order_name *x, struct acme_order_name *y)
{
    struct acme_order_name t = *x;
    uint16_t x_url = x->authorization, y_url = y->authorization;

    *x = *y;
    *y = t;
    x->authorization = x_url;
    y->authorization = y_url;
}

/* The CA sends authorizations in any order (P39), and our record may know names already: bring
 * what is known of this identifier to the place of its URL. */
static int place_identifier(struct acme_agent *a, const char *identifier)
{
    struct acme_order_state *order = &a->order;
    struct acme_order_name *here = &order->names[order->index];
    int at;

    if (here->identifier != 0 && strcmp(acme_order_text(a, here->identifier), identifier) == 0) {
        here->flags &= (uint16_t)~ORDER_STORED;
        return ACME_OK;
    }
    for (uint16_t i = 0; i < order->names_count; i++) {
        struct acme_order_name *other = &order->names[i];
        if (other->identifier == 0 ||
            strcmp(acme_order_text(a, other->identifier), identifier) != 0)
            continue;
        if ((other->flags & ORDER_STORED) == 0)
            return acme_fail_note(a, ACME_E_REPLY, "two authorizations for ", identifier);
        swap_names(here, other);
        here->flags &= (uint16_t)~ORDER_STORED;
        return ACME_OK;
    }
    if (here->identifier != 0) { /* a stored one of another name: to a free place */
        uint16_t i = 0;
        while (i < order->names_count && order->names[i].identifier != 0)
            i++;
        if (i == order->names_count)
            return acme_fail_note(a, ACME_E_REPLY, "the order's names have changed", NULL);
        swap_names(here, &order->names[i]);
    }
    at = acme_order_keep_text(a, identifier);
    if (at < 0)
        return at;
    here->identifier = (uint16_t)at;
    order->text_mark = order->text_len;
    return ACME_OK;
}

uint8_t *acme_order_declined(struct acme_order_name *name, unsigned type)
{
    size_t i = 0;

    while (i + 1 < sizeof name->declined && (1u << i) < type)
        i++;
    return &name->declined[i];
}

/* Is there a challenge that a configured solver takes? The first solver that fits wins; among its
 * types, the first that the CA offers. */
static int choose_challenge(struct acme_agent *a, const struct acme_authorization *authz,
                            struct acme_challenge_object *out, uint8_t *solver)
{
    struct acme_order_name *name = &a->order.names[a->order.index];
    int bad = ACME_OK;

    for (uint8_t s = 0; s < a->solvers_count; s++) {
        for (const struct acme_json *node = acme_json_first(authz->challenges); node != NULL;
             node = acme_json_next(node)) {
            int err = acme_read_challenge(node, out);
            if (out->type == ACME_CHALLENGE_NONE ||
                (a->solvers[s]->ops->types & (unsigned)out->type) == 0 ||
                (*acme_order_declined(name, (unsigned)out->type) & (1u << s)) != 0)
                continue;
            if (err == ACME_OK && a->solvers[s]->ops->offered != NULL &&
                a->solvers[s]->ops->offered(a->solvers[s], out) != ACME_OK)
                continue;
            if (err == ACME_OK) {
                *solver = s;
                return ACME_OK;
            }
            bad = err; /* broken: perhaps another one is not */
        }
    }
    if (bad != ACME_OK)
        return acme_fail_note(a, bad, "a challenge whose token or URL breaks the grammar, for ",
                              authz->identifier.text);
    return ACME_E_NO_SOLVER;
}

/* "dns-01, tls-alpn-01: no solver here does that". */
static int no_solver(struct acme_agent *a, const struct acme_authorization *authz)
{
    struct acme_buf b;
    char offered[64];

    acme_buf_init(&b, offered, sizeof offered);
    for (const struct acme_json *node = acme_json_first(authz->challenges); node != NULL;
         node = acme_json_next(node)) {
        struct acme_challenge_object challenge;
        (void)acme_read_challenge(node, &challenge);
        if (challenge.type == ACME_CHALLENGE_NONE)
            continue;
        acme_buf_text(&b, b.len > 0 ? ", " : "");
        acme_buf_text(&b, acme_challenge_type_name(challenge.type));
    }
    if (!acme_buf_end(&b))
        offered[0] = '\0';
    (void)acme_copy_text(a->problem.identifier, sizeof a->problem.identifier,
                         acme_slice_text(authz->identifier.text));
    return acme_fail_note(a, ACME_E_NO_SOLVER, "the CA offers only ", offered);
}

static int take_challenge(struct acme_agent *a, const struct acme_authorization *authz)
{
    struct acme_order_name *name = &a->order.names[a->order.index];
    struct acme_challenge_object challenge;
    uint8_t solver = 0;
    bool same;
    int token, url;
    int err = choose_challenge(a, authz, &challenge, &solver);

    if (err == ACME_E_NO_SOLVER)
        return no_solver(a, authz);
    if (err != ACME_OK)
        return err;
    if (challenge.status == ACME_STATUS_INVALID)
        return acme_order_refuse(a, ACME_E_VALIDATION, challenge.error, authz->identifier.text);
    same = name->token != 0 && name->type == challenge.type && name->solver == solver &&
           strcmp(acme_order_text(a, name->token),
                  challenge.token != NULL ? challenge.token : "") == 0;
    if (!same && (name->flags & ORDER_BEGUN) != 0)
        return ACME_E_DECLINED; /* what was begun must be ended first */
    if (!same) {
        token = acme_order_keep_text(a, challenge.token != NULL ? challenge.token : "");
        if (token < 0)
            return token;
        name->token = (uint16_t)token;
    }
    if (!same || strcmp(acme_order_text(a, name->challenge), challenge.url) != 0) {
        url = acme_order_keep_url(a, challenge.url, "a challenge");
        if (url < 0)
            return url;
        name->challenge = (uint16_t)url;
    }
    a->order.text_mark = a->order.text_len;
    name->type = (uint8_t)challenge.type;
    name->solver = solver;
    name->flags |= ORDER_CHOSEN;
    if (challenge.status == ACME_STATUS_PROCESSING || challenge.status == ACME_STATUS_VALID)
        name->flags |= ORDER_RESPONDED;
    return ACME_OK;
}

/* The first error that a challenge of this authorization carries. */
static const struct acme_json *authz_error(const struct acme_authorization *authz)
{
    for (const struct acme_json *node = acme_json_first(authz->challenges); node != NULL;
         node = acme_json_next(node)) {
        if (acme_json_is_object(acme_json_get(node, "error")))
            return acme_json_get(node, "error");
    }
    return NULL;
}

static int read_authz(struct acme_agent *a, const struct acme_reply *reply,
                      struct acme_authorization *authz)
{
    const struct acme_json *root = NULL;
    int err = acme_reply_json(a, reply, &root);

    if (err == ACME_OK) {
        err = acme_read_authorization(root, authz);
        if (err != ACME_OK)
            (void)acme_fail_note(a, err, "an authorization object", NULL);
    }
    if (err == ACME_OK && !name_is_ours(a, authz->identifier.text))
        err = acme_fail_note(a, ACME_E_REPLY, "an authorization for a name we did not ask for: ",
                             authz->identifier.text);
    return err;
}

/* Did this proof fail because we were away (killed, or without power) when the CA came? Then
 * nothing is wrong with the name, and a new order may follow at once; it is charged as any other.
 */
static bool failed_while_away(const struct acme_agent *a, const char *identifier)
{
    if (a->order.fresh || a->order.taken_up)
        return false;
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        const struct acme_order_name *name = &a->order.names[i];
        if (strcmp(acme_order_text(a, name->identifier), identifier) == 0)
            return (name->flags & ORDER_ANSWERED) == 0;
    }
    return true;
}

static int start_anew(struct acme_agent *a, struct acme_next *next)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING,
                               .err = ACME_E_ORDER,
                               .text =
                                   "the open order failed while we were away; a new one follows"};

    acme_emit(a, &event);
    a->note[0] = '\0';
    memset(&a->problem, 0, sizeof a->problem);
    a->order.stale = true;
    next->row = ACME_ROW_END;
    return acme_run_again(a);
}

int accept_authz(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;
    struct acme_order_name *name = &order->names[order->index];
    struct acme_authorization authz;
    int err = read_authz(a, reply, &authz);

    if (err == ACME_OK)
        err = place_identifier(a, authz.identifier.text);
    if (err != ACME_OK)
        return err;
    if (authz.status == ACME_STATUS_VALID)
        name->flags |= ORDER_VALID;
    else if (authz.status == ACME_STATUS_PENDING || authz.status == ACME_STATUS_PROCESSING)
        err = take_challenge(a, &authz);
    else if (authz.status == ACME_STATUS_UNKNOWN)
        return acme_fail_note(a, ACME_E_REPLY, "an authorization without a known status", NULL);
    else {
        (void)acme_fail_note(a, ACME_E_VALIDATION, "the authorization is ",
                             acme_status_name(authz.status));
        err = acme_order_refuse(a, ACME_E_VALIDATION, authz_error(&authz), authz.identifier.text);
    }
    if (err == ACME_E_DECLINED) {
        /* Another solver, type or token than before the restart: clean up, and go on anew with the
         * order. */
        next->row = ACME_ROW_END;
        return acme_run_again(a);
    }
    if (err == ACME_E_VALIDATION && failed_while_away(a, authz.identifier.text))
        return start_anew(a, next);
    if (err != ACME_OK)
        return err;
    order->index++;
    next->row = ACME_ROW_AUTHZ;
    if (order->index == order->names_count) {
        order->index = 0;
        next->row = ACME_ROW_NOTE;
    }
    return ACME_OK;
}

/* A response was refused. That is no harm where the name is valid all the same. */
static int after_refusal(struct acme_agent *a, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;

    for (uint16_t i = 0; i < order->names_count; i++) {
        if ((order->names[i].flags & (ORDER_REFUSED | ORDER_VALID)) == ORDER_REFUSED) {
            order->dead = true;
            return ACME_E_REFUSED;
        }
    }
    order->respond_refused = false;
    memset(&a->problem, 0, sizeof a->problem);
    order->index = 0;
    next->row = acme_order_awaiting(a, ORDER_RESPONDED) ? ACME_ROW_RESPOND : ACME_ROW_WATCH;
    return ACME_OK;
}

/* The order is in trouble, or silent: what do the authorizations say? */
int accept_why(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;
    struct acme_authorization authz;
    int err = read_authz(a, reply, &authz);

    if (err != ACME_OK)
        return err;
    if (authz.status != ACME_STATUS_VALID && authz.status != ACME_STATUS_PENDING &&
        failed_while_away(a, authz.identifier.text))
        return start_anew(a, next);
    if (authz_error(&authz) != NULL && authz.status != ACME_STATUS_VALID)
        return acme_order_refuse(a, ACME_E_VALIDATION, authz_error(&authz), authz.identifier.text);
    if (authz.status != ACME_STATUS_VALID && authz.status != ACME_STATUS_PENDING &&
        authz.status != ACME_STATUS_PROCESSING) {
        (void)acme_fail_note(a, ACME_E_VALIDATION, "the authorization is ",
                             acme_status_name(authz.status));
        return acme_order_refuse(a, ACME_E_VALIDATION, NULL, authz.identifier.text);
    }
    if (authz.status == ACME_STATUS_VALID)
        order->names[order->index].flags |= ORDER_VALID;
    order->index++;
    next->row = ACME_ROW_WHY;
    if (order->index < order->names_count)
        return ACME_OK;
    if (order->respond_refused)
        return after_refusal(a, next);
    if (order->status == ACME_STATUS_INVALID)
        return acme_fail_note(a, ACME_E_ORDER, "the order became invalid", NULL);
    return acme_order_poll(a, next, "validation");
}
