/* What a step of the staged walk shows. */
#include "staged.h"

#include <stdarg.h>
#include <string.h>

#include "pretty.h"
#include "world.h"

struct staged staged;

void staged_say(enum log_severity severity, const char *format, ...)
{
    FILE *to = log_to(severity);
    va_list list;

    fflush(stdout); /* both may be one terminal */
    fputs(log_head(), to);
    va_start(list, format);
    vfprintf(to, format, list);
    va_end(list);
    fputc('\n', to);
}

void staged_record(const struct byhand_record *record)
{
    printf(BYHAND_PREFIX "%s.\tIN TXT\t%s\n", record->name, record->value);
    fflush(stdout);
}

/* -- what was sent, and what came back -- */

/* Rows of the agent, and what RFC 8555 calls their resources. Those that are not here are not
 * shown: the directory, nonces, and looks at the order while it is waited for. */
static const struct {
    const char *step, *resource;
    bool waiting;
} resources[] = {
    {"account", "newAccount", false}, {"show", "account", false},
    {"update", "account", false},     {"order", "newOrder", false},
    {"look", "order", true},          {"authz", "authz", false},
    {"why", "authz", false},          {"respond", "challenge", false},
    {"finalize", "finalize", false},  {"cert", "certificate", false},
    {"revoke", "revokeCert", false},  {"revoke_key", "revokeCert", false},
};

/* The same request goes out once more with another nonce: nothing has happened. */
static bool is_bad_nonce(const struct acme_event *e)
{
    static const char type[] = "acme:error:badNonce";

    return e->status == 400 && memmem(e->body.ptr, e->body.len, type, sizeof type - 1) != NULL;
}

static void show_exchange(const struct acme_event *e)
{
    size_t i = 0;

    while (i < sizeof resources / sizeof resources[0] && strcmp(resources[i].step, e->step) != 0)
        i++;
    if (i == sizeof resources / sizeof resources[0] || staged.muted || is_bad_nonce(e) ||
        (resources[i].waiting && !staged.all && e->status < 400))
        return;
    printf("lwacme.send: resource: %s\nlwacme.send: status: %u\nlwacme.send: body:\n",
           resources[i].resource, e->status);
    if (!pretty_json(stdout, e->body))
        pretty_text(stdout, e->body);
    fflush(stdout);
}

/* -- events -- */

static void take_step(const struct acme_event *e)
{
    /* With nothing left to prove, the next thing would be to finalize. */
    if (staged.step == STAGED_RECORD && strcmp(e->step, "key") == 0)
        staged.stop = true;
    if (strcmp(e->step, "respond") == 0 && staged.solver->missing && !staged.solver->force)
        staged.stop = true;
}

void staged_event(void *ctx, const struct acme_event *e)
{
    (void)ctx;
    switch (e->type) {
    case ACME_EVENT_EXCHANGE:
        show_exchange(e);
        break;
    case ACME_EVENT_STEP:
        take_step(e);
        break;
    case ACME_EVENT_ORDER:
        staged.ready = strcmp(e->text, "ready") == 0;
        break;
    case ACME_EVENT_CHALLENGE:
        staged.responded |= strcmp(e->word, "responded") == 0;
        break;
    case ACME_EVENT_FAILURE:
    case ACME_EVENT_HELD:
    case ACME_EVENT_WARNING:
    case ACME_EVENT_TERMS:
        fflush(stdout);
        show_event(&world.show, e);
        break;
    default:
        if (staged.all)
            show_event(&world.show, e);
        break;
    }
}
