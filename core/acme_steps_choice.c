/* Which way a name is proved, when there are several: not by the one that failed last. A link
 * choice: the other one is acme_steps_nochoice.c.
 *
 * Two kinds of failure. What the CA did not see is remembered in SCHED until a certificate is
 * there, because it costs an order and a wait of minutes to hours to find out. What a solver of
 * ours could not do (a port that is taken) is found out at once and anew each time, so it holds for
 * this run alone. */
#include "acme_steps.h"

#include <string.h>

#include "acme_records.h"

#define CHO_ENTRY   5 /* bytes in the record: which name, which type */
#define CHO_UNDO_MS 600000
#define CHO_OF_A_NAME                                                                              \
    ((unsigned)(ACME_CHALLENGE_DNS01 | ACME_CHALLENGE_DNS_ACCOUNT01 |                              \
                ACME_CHALLENGE_DNS_PERSIST01)) /* also of a wildcard */
#define CHO_OF_ADDRESS ((unsigned)(ACME_CHALLENGE_HTTP01 | ACME_CHALLENGE_TLSALPN01))
#define CHO_ALL        (CHO_OF_A_NAME | CHO_OF_ADDRESS)

/* FNV-1a: a name in four bytes. Two names that meet only share what is known of them. */
static uint32_t cho_name(const char *identifier)
{
    uint32_t hash = 2166136261u;

    for (; *identifier != '\0'; identifier++)
        hash = (hash ^ (uint8_t)*identifier) * 16777619u;
    return hash;
}

/* -- what the CA did not see -- */

static void cho_drop(struct acme_choice *c, unsigned at)
{
    c->count--;
    memmove(c->names + at, c->names + at + 1, (c->count - at) * sizeof c->names[0]);
    memmove(c->types + at, c->types + at + 1, c->count - at);
}

static void cho_add(struct acme_choice *c, uint32_t name, uint8_t type)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (c->names[i] == name && c->types[i] == type)
            cho_drop(c, i--);
    }
    if (c->count == ACME_MAX_FAILED_WAYS)
        cho_drop(c, 0);
    c->names[c->count] = name;
    c->types[c->count++] = type;
}

/* The type that we took; NONE: the name is not known. */
static unsigned cho_taken(const struct acme_agent *a, const char *identifier)
{
    for (uint16_t i = 0; i < a->order.names_count; i++) {
        if (strcmp(acme_order_text(a, a->order.names[i].identifier), identifier) == 0)
            return a->order.names[i].type;
    }
    return ACME_CHALLENGE_NONE;
}

/* The challenge that failed says so; where several do (some CAs give all of them the same error),
 * the one that we took. */
void acme_choice_failed(struct acme_agent *a, const struct acme_authorization *authz)
{
    unsigned taken = cho_taken(a, authz->identifier.text), failed = ACME_CHALLENGE_NONE;
    struct acme_challenge_object challenge;

    for (const struct acme_json *node = acme_json_first(authz->challenges); node != NULL;
         node = acme_json_next(node)) {
        (void)acme_read_challenge(node, &challenge);
        if (challenge.type == ACME_CHALLENGE_NONE ||
            (challenge.error == NULL && challenge.status != ACME_STATUS_INVALID))
            continue;
        if (failed == ACME_CHALLENGE_NONE || (unsigned)challenge.type == taken)
            failed = (unsigned)challenge.type;
    }
    if (failed != ACME_CHALLENGE_NONE)
        cho_add(&a->choice, cho_name(authz->identifier.text), (uint8_t)failed);
}

/* A type that failed for another name is likely to fail for this one as well (a port that is
 * closed), and still better than what this one has seen fail; of those, the oldest failure first:
 * so the types take turns when all have failed. */
unsigned acme_choice_rank(const struct acme_agent *a, const char *identifier, unsigned type)
{
    const struct acme_choice *c = &a->choice;
    uint32_t name = cho_name(identifier);
    unsigned rank = 0;

    for (unsigned i = 0; i < c->count; i++) {
        unsigned here = i + 1 + (c->names[i] == name ? ACME_MAX_FAILED_WAYS : 0);
        if (c->types[i] == type && here > rank)
            rank = here;
    }
    return rank;
}

void acme_choice_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    const struct acme_choice *c = &a->choice;
    uint8_t room[ACME_MAX_FAILED_WAYS * CHO_ENTRY], *at = room;

    for (unsigned i = 0; i < c->count; i++) {
        for (unsigned shift = 0; shift < 32; shift += 8)
            *at++ = (uint8_t)(c->names[i] >> shift);
        *at++ = c->types[i];
    }
    if (c->count > 0)
        acme_record_bytes(w, CHOICE_FAILED, room, (size_t)(at - room));
}

void acme_choice_get(struct acme_agent *a, const struct acme_field *field)
{
    const uint8_t *at = field->value.ptr;

    if (field->tag != CHOICE_FAILED || field->value.len % CHO_ENTRY != 0)
        return;
    for (size_t n = field->value.len / CHO_ENTRY; n > 0; n--, at += CHO_ENTRY) {
        uint32_t name =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        if ((at[4] & CHO_ALL) != 0 && (at[4] & (at[4] - 1)) == 0)
            cho_add(&a->choice, name, at[4]);
    }
}

void acme_choice_forget(struct acme_agent *a)
{
    memset(&a->choice, 0, sizeof a->choice);
}

void acme_choice_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    for (unsigned i = 0; i < a->choice.count; i++)
        out->failed_types |= a->choice.types[i];
}

/* -- what a solver of ours could not do -- */

/* Is there another solver that could prove this name? What the CA offers is not known here. The
 * same one is not asked for its other types: what failed is a program, or a person, that has had
 * its say.
 */
static bool cho_another(struct acme_agent *a, struct acme_order_name *name)
{
    const char *identifier = acme_order_text(a, name->identifier);
    struct acme_name read;
    unsigned possible = CHO_ALL;

    if (acme_name_read(acme_slice_text(identifier), &read, NULL) == ACME_OK) {
        if (read.type == ACME_ID_IP)
            possible = CHO_OF_ADDRESS;
        else if (read.wildcard)
            possible = CHO_OF_A_NAME;
    }
    for (uint8_t s = 0; s < a->solvers_count; s++) {
        for (unsigned type = 1; s != name->solver && type <= CHO_ALL; type <<= 1) {
            if ((a->solvers[s]->ops->types & possible & type) != 0 &&
                (*acme_order_declined(name, type) & (1u << s)) == 0)
                return true;
        }
    }
    return false;
}

bool acme_choice_passes(struct acme_agent *a, struct acme_order_name *name, int err)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = err};

    if ((name->flags & ORDER_UNDO) != 0 ||
        (a->solvers[name->solver]->ops->needs & ACME_HAS_LAST_WORD) != 0 || !cho_another(a, name))
        return false;
    for (size_t i = 0; i < sizeof name->declined; i++)
        name->declined[i] |= (uint8_t)(1u << name->solver);
    name->flags |= ORDER_UNDO;
    a->order.passed_err = (int16_t)err;
    a->order.passed_solver = name->solver;
    a->order.passed_name = name->identifier;
    event.text = "a way of proof cannot be used now; another one is looked for";
    event.word = acme_challenge_type_name((enum acme_challenge_type)name->type);
    event.detail = acme_order_text(a, name->identifier);
    acme_emit(a, &event);
    return true;
}

int acme_choice_undo(struct acme_agent *a, const struct acme_order_name *name,
                     const struct acme_challenge *c)
{
    struct acme_solver *solver = a->solvers[name->solver];
    int err = solver->ops->end(solver, c, ACME_OUTCOME_UNKNOWN);

    if (err == ACME_AGAIN && a->port->now_ms(a->port->ctx) - a->row_since_ms < CHO_UNDO_MS)
        return err;
    return ACME_E_DECLINED;
}

int acme_choice_none(struct acme_agent *a, const struct acme_order_name *name)
{
    if (a->order.passed_err == ACME_OK || a->order.passed_name != name->identifier)
        return ACME_OK;
    (void)acme_copy_text(a->problem.identifier, sizeof a->problem.identifier,
                         acme_slice_text(acme_order_text(a, name->identifier)));
    return acme_fail_note(a, a->order.passed_err, "solver ",
                          a->solvers[a->order.passed_solver]->ops->name);
}
