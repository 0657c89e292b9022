/* The rows that prove the names of an order: authorizations and challenges (RFC 8555 7.5, 8). */
#include "acme_steps.h"

#include <string.h>

#include "acme_jws.h"

#define SEEN_LIMIT_MS  5000
#define READY_LIMIT_MS 600000

static void tell_challenge(struct acme_agent *a, const struct acme_order_name *name,
                           const char *word)
{
    struct acme_event event = {.type = ACME_EVENT_CHALLENGE, .word = word};

    event.detail = acme_order_text(a, name->identifier);
    event.text = acme_challenge_type_name((enum acme_challenge_type)name->type);
    acme_emit(a, &event);
}

static bool awaits(const struct acme_order_name *name, unsigned flag)
{
    return (name->flags & ORDER_CHOSEN) != 0 && (name->flags & ORDER_VALID) == 0 &&
           (name->flags & flag) == 0;
}

/* The next name, from index on, that still awaits flag; false: there is none. */
static bool next_awaiting(struct acme_agent *a, unsigned flag)
{
    while (a->order.index < a->order.names_count && !awaits(&a->order.names[a->order.index], flag))
        a->order.index++;
    return a->order.index < a->order.names_count;
}

/* -- authorizations -- */

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

/* The solvers that declined a challenge of this type (a bit each), for this name. */
static uint8_t *declined(struct acme_order_name *name, unsigned type)
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
                (*declined(name, (unsigned)out->type) & (1u << s)) != 0)
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
    if (!same || name->challenge == 0) {
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
    if (a->order.fresh)
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
    next->row = next_awaiting(a, ORDER_RESPONDED) ? ACME_ROW_RESPOND : ACME_ROW_WATCH;
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

/* -- challenges -- */

/* All that is going to be begun is noted in one record before the first begin. */
int step_note(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    bool any = false;

    (void)reply;
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        struct acme_order_name *name = &a->order.names[i];
        if ((name->flags & ORDER_CHOSEN) == 0 || (name->flags & ORDER_VALID) != 0)
            continue;
        name->flags |= ORDER_BEGUN;
        any = true;
    }
    a->order.index = 0;
    next->row = any ? ACME_ROW_BEGIN : ACME_ROW_LOOK;
    next->save = any ? ACME_SAVE_ORDER : 0;
    return ACME_OK;
}

/* A challenge as a solver sees it. The texts live in room and in the agent. */
struct challenge_room {
    struct acme_name name;
    char key_authorization[ACME_MAX_TOKEN + 1 + ACME_THUMBPRINT_TEXT];
};

static int fill_challenge(struct acme_agent *a, const struct acme_order_name *name,
                          struct challenge_room *room, struct acme_challenge *c)
{
    struct acme_buf b;
    int err =
        acme_name_read(acme_slice_text(acme_order_text(a, name->identifier)), &room->name, NULL);

    if (err != ACME_OK)
        return err;
    memset(c, 0, sizeof *c);
    c->type = (enum acme_challenge_type)name->type;
    c->identifier = acme_name_base(&room->name);
    c->id_type = (enum acme_id_type)room->name.type;
    c->wildcard = room->name.wildcard;
    c->token = acme_order_text(a, name->token);
    c->account_url = a->kid;
    acme_buf_init(&b, room->key_authorization, sizeof room->key_authorization);
    if (a->account_key.type != ACME_KEY_NONE && c->token[0] != '\0') {
        if (a->thumbprint[0] == '\0') {
            err = acme_jws_thumbprint(&a->account_key, a->thumbprint);
            if (err != ACME_OK)
                return err;
        }
        acme_buf_text(&b, c->token);
        acme_buf_char(&b, '.');
        acme_buf_text(&b, a->thumbprint);
    }
    if (!acme_buf_end(&b))
        return acme_fail_note(a, ACME_E_SIZE, "bound: ACME_MAX_TOKEN", NULL);
    c->key_authorization = room->key_authorization;
    return ACME_OK;
}

/* Words for a solver that failed: which one, for which name. */
static int solver_failed(struct acme_agent *a, const struct acme_order_name *name, int err)
{
    (void)acme_copy_text(a->problem.identifier, sizeof a->problem.identifier,
                         acme_slice_text(acme_order_text(a, name->identifier)));
    return acme_fail_note(a, err, "solver ", a->solvers[name->solver]->ops->name);
}

int step_begin(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_order_name *name;
    struct acme_solver *solver;
    struct acme_challenge c;
    struct challenge_room room;
    int err;

    (void)reply;
    next->row = ACME_ROW_BEGIN;
    if (!next_awaiting(a, 0)) {
        a->order.index = 0;
        a->order.since_ms = 0;
        next->row = ACME_ROW_READY;
        return ACME_OK;
    }
    name = &a->order.names[a->order.index];
    solver = a->solvers[name->solver];
    err = fill_challenge(a, name, &room, &c);
    if (err == ACME_OK)
        err = solver->ops->begin(solver, &c);
    next->wait_ms = 20;
    if (err == ACME_AGAIN)
        return err;
    next->wait_ms = 0;
    if (err == ACME_E_DECLINED) {
        /* Another solver, or another type of challenge: the authorization tells which there are. */
        *declined(name, name->type) |= (uint8_t)(1u << name->solver);
        name->flags = 0;
        next->row = ACME_ROW_AUTHZ;
        return ACME_OK;
    }
    if (err != ACME_OK)
        return solver_failed(a, name, err);
    tell_challenge(a, name, "begun");
    a->order.index++;
    return ACME_OK;
}

int step_ready(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_order_name *name;
    struct acme_solver *solver;
    struct acme_challenge c;
    struct challenge_room room;
    int err;

    (void)reply;
    next->row = ACME_ROW_READY;
    if (!next_awaiting(a, ORDER_READY)) {
        a->order.index = 0;
        next->row = next_awaiting(a, ORDER_RESPONDED) ? ACME_ROW_RESPOND : ACME_ROW_WATCH;
        return ACME_OK;
    }
    name = &a->order.names[a->order.index];
    solver = a->solvers[name->solver];
    err = fill_challenge(a, name, &room, &c);
    if (err == ACME_OK && solver->ops->ready != NULL)
        err = solver->ops->ready(solver, &c);
    if (err == ACME_AGAIN) {
        if (a->port->now_ms(a->port->ctx) - a->row_since_ms > READY_LIMIT_MS)
            return solver_failed(a, name, ACME_E_SOLVER);
        next->wait_ms = POLL_BLIND_MS;
        return err;
    }
    if (err != ACME_OK)
        return solver_failed(a, name, err);
    name->flags |= ORDER_READY;
    a->order.index++;
    return ACME_OK;
}

int build_respond(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    *url = acme_order_text(a, a->order.names[a->order.index].challenge);
    *payload = acme_slice_text("{}");
    return ACME_OK;
}

int accept_respond(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_order_name *name = &a->order.names[a->order.index];

    (void)reply;
    name->flags |= ORDER_RESPONDED | ORDER_ANSWERED;
    tell_challenge(a, name, "responded");
    next->row = next_awaiting(a, ORDER_RESPONDED) ? ACME_ROW_RESPOND : ACME_ROW_WATCH;
    return ACME_OK;
}

/* The authorization may be valid or invalid already: it tells. */
int refused_respond(struct acme_agent *a, const struct acme_problem *problem,
                    struct acme_next *next)
{
    if (problem->http_status == 429 || problem->http_status >= 500 ||
        problem->type == ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST ||
        problem->type == ACME_PROBLEM_USER_ACTION_REQUIRED)
        return ACME_E_REFUSED;
    a->order.names[a->order.index].flags |= ORDER_RESPONDED | ORDER_REFUSED;
    a->order.respond_refused = true;
    a->order.index = 0;
    next->row = ACME_ROW_WHY;
    return ACME_OK;
}

/* Has the CA been here? RFC 8555 7.5.1: no poll before its query was seen, where that shows. */
int step_watch(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = ACME_E_TIMEOUT};
    struct acme_challenge c;
    struct challenge_room room;
    bool blind = false, all = true;

    (void)reply;
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        struct acme_order_name *name = &a->order.names[i];
        struct acme_solver *solver = a->solvers[name->solver];
        if (!awaits(name, ORDER_SEEN))
            continue;
        if (solver->ops->seen == NULL)
            blind = true;
        else if (fill_challenge(a, name, &room, &c) == ACME_OK &&
                 solver->ops->seen(solver, &c) == ACME_OK) {
            name->flags |= ORDER_SEEN;
            tell_challenge(a, name, "seen");
        } else
            all = false;
    }
    if (!all && a->port->now_ms(a->port->ctx) - a->row_since_ms < SEEN_LIMIT_MS) {
        next->wait_ms = 100;
        return ACME_AGAIN;
    }
    if (!all) {
        event.text = "the CA has not come yet: is port 80 of this name reachable from outside?";
        acme_emit(a, &event);
    }
    a->order.responded = true;
    a->order.since_ms = a->order.why_ms = a->port->now_ms(a->port->ctx);
    a->order.poll_ms = blind ? POLL_BLIND_MS : POLL_FIRST_MS;
    next->wait_ms = a->order.poll_ms;
    next->row = ACME_ROW_LOOK;
    return ACME_OK;
}

/* -- end: the world is left clean, whatever happened -- */

static enum acme_outcome name_outcome(const struct acme_agent *a,
                                      const struct acme_order_name *name)
{
    if (a->outcome == ACME_OK || (name->flags & ORDER_VALID) != 0)
        return ACME_OUTCOME_VALID;
    return a->outcome == ACME_E_VALIDATION ? ACME_OUTCOME_INVALID : ACME_OUTCOME_UNKNOWN;
}

int step_end(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .text = "a challenge is not cleaned up"};
    struct acme_challenge c;
    struct challenge_room room;

    (void)reply;
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        struct acme_order_name *name = &a->order.names[i];
        struct acme_solver *solver = a->solvers[name->solver];
        int err;
        if ((name->flags & ORDER_BEGUN) == 0)
            continue;
        err = fill_challenge(a, name, &room, &c);
        if (err == ACME_OK)
            err = solver->ops->end(solver, &c, name_outcome(a, name));
        if (err == ACME_AGAIN && a->port->now_ms(a->port->ctx) - a->row_since_ms < READY_LIMIT_MS) {
            next->wait_ms = 20;
            return err;
        }
        if (err != ACME_OK) {
            event.err = err;
            event.detail = acme_order_text(a, name->identifier);
            acme_emit(a, &event);
        }
        name->flags &= (uint16_t) ~(ORDER_BEGUN | ORDER_READY | ORDER_SEEN);
    }
    next->row = ACME_ROW_CLEAR;
    return ACME_OK;
}
