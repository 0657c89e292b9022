/* What the agent tells of itself. */
#include <string.h>

#include "acme_steps.h"

void acme_agent_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    memset(out, 0, sizeof *out);
    out->busy = a->busy || a->asked || !(a->step == ACME_ROW_REST);
    out->step = acme_rows[a->step].name;
    out->outcome = a->outcome;
    out->renewed = a->renewed;
    out->has_certificate = a->cert.has;
    out->not_before = a->cert.not_before;
    out->not_after = a->cert.not_after;
    if (a->cert.has)
        out->due_at = acme_ari_due_at(a);
    acme_ari_status(a, out);
    acme_job_status(a, out);
    out->next_at = a->sched.not_before;
    out->next_by_ca = a->sched.by_ca;
    acme_recent_status(a, out);
    if (a->ledger.any_not_before > out->next_at) {
        out->next_at = a->ledger.any_not_before;
        out->next_by_ca = true;
    }
    acme_server_status(a, out);
    out->account = a->kid;
    out->rollover = a->new_key.type != ACME_KEY_NONE;
    out->order_open = a->order.open;
    out->order_other = a->order.open && a->order.stale;
    out->wanted = a->cert.has && a->cert.wanted;
    out->connected = acme_exchange_is_up(&a->exchange);
    out->failure = &a->failure;
    out->attempts = &a->sched;
    out->ledger = &a->ledger;
    out->issued = a->cert.sequence;
    out->requests = a->exchange.requests;
    out->connections = a->exchange.connections;
}
