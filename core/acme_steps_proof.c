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

bool acme_order_awaiting(struct acme_agent *a, unsigned flag)
{
    while (a->order.index < a->order.names_count && !awaits(&a->order.names[a->order.index], flag))
        a->order.index++;
    return a->order.index < a->order.names_count;
}

bool acme_order_lends_exchange(const struct acme_agent *a)
{
    bool lends = false;

    for (uint8_t i = 0; i < a->solvers_count && a->step == ACME_ROW_BEGIN; i++)
        lends = lends || (a->solvers[i]->ops->needs & ACME_NEEDS_EXCHANGE) != 0;
    return lends;
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
    if (!acme_order_awaiting(a, 0)) {
        a->order.index = 0;
        a->order.since_ms = 0;
        next->row = ACME_ROW_READY;
        return ACME_OK;
    }
    name = &a->order.names[a->order.index];
    solver = a->solvers[name->solver];
    err = fill_challenge(a, name, &room, &c);
    if ((solver->ops->needs & ACME_NEEDS_EXCHANGE) != 0)
        c.exchange = &a->exchange;
    if (err == ACME_OK)
        err = solver->ops->begin(solver, &c);
    next->wait_ms = 20;
    if (err == ACME_AGAIN)
        return err;
    next->wait_ms = 0;
    if (err == ACME_E_DECLINED) {
        /* Another solver, or another type of challenge: the authorization tells which there are. */
        *acme_order_declined(name, name->type) |= (uint8_t)(1u << name->solver);
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
    if (!acme_order_awaiting(a, ORDER_READY)) {
        a->order.index = 0;
        next->row = acme_order_awaiting(a, ORDER_RESPONDED) ? ACME_ROW_RESPOND : ACME_ROW_WATCH;
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
    next->row = acme_order_awaiting(a, ORDER_RESPONDED) ? ACME_ROW_RESPOND : ACME_ROW_WATCH;
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

/* A solver that answers over TLS may have the memory of the session to the CA, which is not needed
 * until the CA has been here: the next request makes a new one. */
static void lend_memory(struct acme_agent *a)
{
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        const struct acme_order_name *name = &a->order.names[i];
        if (awaits(name, 0) && (a->solvers[name->solver]->ops->needs & ACME_NEEDS_TLS_MEMORY) != 0)
            acme_exchange_close(&a->exchange);
    }
}

/* Has the CA been here? RFC 8555 7.5.1: no poll before its query was seen, where that shows. */
int step_watch(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = ACME_E_TIMEOUT};
    struct acme_challenge c;
    struct challenge_room room;
    bool blind = false, all = true, tls = false;

    (void)reply;
    lend_memory(a);
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
        } else {
            all = false;
            tls = name->type == ACME_CHALLENGE_TLSALPN01;
        }
    }
    if (!all && a->port->now_ms(a->port->ctx) - a->row_since_ms < SEEN_LIMIT_MS) {
        next->wait_ms = 100;
        return ACME_AGAIN;
    }
    if (!all) {
        event.text =
            tls ? "the CA has not come yet: is port 443 of this name reachable from outside?"
                : "the CA has not come yet: is port 80 of this name reachable from outside?";
        acme_emit(a, &event);
    }
    a->order.responded = true;
    a->order.since_ms = a->order.why_ms = a->port->now_ms(a->port->ctx);
    next->wait_ms = acme_pace_first(a, blind ? POLL_BLIND_MS : POLL_FIRST_MS);
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
    next->row = acme_ari_after_end(a);
    return ACME_OK;
}
